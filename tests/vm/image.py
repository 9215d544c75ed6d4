"""What the machine boots into: cpio archives, one of this machine's Debian packages, one of a kernel's
modules, one of what is tested. The kernel unpacks them one over the other."""
import hashlib, os, re, stat, subprocess

# What the live tests call, and what they run on. Everything these depend on comes with them.
PACKAGES = ("bash", "coreutils", "dash", "debianutils", "diffutils", "dpkg", "e2fsprogs", "findutils", "grep",
            "libc-bin", "libsimdjson14", "libstdc++6", "mawk", "mount", "procps", "python3", "sed", "strace", "tar",
            "util-linux")
LEFT_OUT = re.compile(r"/usr/share/(doc|man|info|locale|lintian|bash-completion|i18n|perl|menu|bug|gcc)(/|$)"
                      r"|/usr/lib/python3/dist-packages/"
                      r"|/usr/lib/x86_64-linux-gnu/(perl|gconv|systemd)"
                      r"|/usr/lib/systemd/")


class Cpio:
    """An archive in the format of initramfs: newc, see the kernel's buffer-format.rst."""

    def __init__(self, path):
        self._out = open(path, "wb")
        self._made = set()
        self._inode = 0

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self._inode += 1
        name = name.lstrip("/").encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name), 0)
        header = b"070701" + b"".join(b"%08X" % f for f in fields)
        self._out.write(header + name + b"\0" * (-(len(header) + len(name)) % 4))
        self._out.write(data + b"\0" * (-len(data) % 4))

    def directory(self, path, mode=0o755):
        path = path.rstrip("/")
        if path in ("", "/") or path in self._made:
            return
        self.directory(os.path.dirname(path))
        self._made.add(path)
        self._entry(path, stat.S_IFDIR | mode)

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        if path not in self._made:
            self._made.add(path)
            self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def file(self, path, data, mode=0o644):
        self.directory(os.path.dirname(path))
        if path not in self._made:
            self._made.add(path)
            self._entry(path, stat.S_IFREG | mode, data)

    def device(self, path, major, minor):
        self.directory(os.path.dirname(path))
        self._entry(path, stat.S_IFCHR | 0o600, device=(major, minor))

    def copy(self, source, path=None):
        """A file, link or directory (without what is in it) of this machine."""
        path = path or source
        st = os.lstat(source)
        if stat.S_ISLNK(st.st_mode):
            self.link(path, os.readlink(source))
        elif stat.S_ISDIR(st.st_mode):
            self.directory(path, stat.S_IMODE(st.st_mode))
        elif stat.S_ISREG(st.st_mode):
            with open(source, "rb") as f:
                self.file(path, f.read(), stat.S_IMODE(st.st_mode))

    def tree(self, source, path):
        for folder, folders, files in os.walk(source):
            folders[:] = sorted(f for f in folders if f != "__pycache__")
            for name in sorted(files):
                at = os.path.join(folder, name)
                self.copy(at, os.path.join(path, os.path.relpath(at, source)))

    def close(self):
        self._entry("TRAILER!!!", 0)
        self._out.close()


def _installed():
    """{package or what it provides: [package, [[alternative, ...], ...]]}."""
    text = subprocess.run(["dpkg-query", "-W", "-f", "${binary:Package}\t${db:Status-Status}\t${Pre-Depends}, ${Depends}"
                           "\t${Provides}\n"], check=True, stdout=subprocess.PIPE, text=True).stdout

    def names(relation):
        return [re.sub(r"[\s(:].*", "", one.strip()) for one in relation.split("|")]

    found = {}
    for line in text.splitlines():
        package, status, depends, provides = line.split("\t")
        if status != "installed" or package.endswith(":i386"):
            continue
        entry = (package, [names(r) for r in depends.split(",") if r.strip()])
        found[package.split(":")[0]] = entry
        for name in provides.split(","):
            if name.strip():
                found.setdefault(names(name)[0], entry)
    return found


def _closure(wanted):
    installed = _installed()
    packages, todo = set(), list(wanted)
    while todo:
        name = todo.pop()
        if name not in installed:
            raise SystemExit("make test-vm needs the package %s on this machine" % name)
        package, depends = installed[name]
        if package in packages:
            continue
        packages.add(package)
        for alternatives in depends:
            present = [a for a in alternatives if a in installed]
            if present:
                todo.append(present[0])
    return sorted(packages)


def _files_of(packages):
    text = subprocess.run(["dpkg-query", "-L", *packages], check=True, stdout=subprocess.PIPE, text=True).stdout
    for path in sorted(set(text.splitlines())):
        if not path.startswith("/") or not os.path.lexists(path):
            continue
        # dpkg says /bin/x where /bin is a link to /usr/bin
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if path != "/" and not LEFT_OUT.search(path):
            yield path


def base(cache):
    """The archive of user space, made again when the packages on this machine change."""
    packages = _closure(PACKAGES)
    versions = subprocess.run(["dpkg-query", "-W", *packages], check=True, stdout=subprocess.PIPE).stdout
    with open(__file__, "rb") as f:
        key = hashlib.sha256(versions + f.read()).hexdigest()[:16]
    path = os.path.join(cache, "base-%s.cpio" % key)
    if os.path.exists(path):
        return path
    for old in os.listdir(cache):
        if re.match(r"base-.*\.cpio", old):
            os.unlink(os.path.join(cache, old))
    cpio = Cpio(path + ".new")
    for directory in ("/dev", "/proc", "/sys", "/run", "/root", "/tmp", "/etc", "/var/tmp", "/mnt"):
        cpio.directory(directory)
    cpio.device("/dev/console", 5, 1)
    cpio.device("/dev/null", 1, 3)
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink("/" + name):
            cpio.copy("/" + name)
    # What a package's scripts make is in no list of files.
    cpio.file("/etc/passwd", b"root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n")
    cpio.file("/etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    cpio.file("/etc/hostname", b"vm\n")
    cpio.file("/etc/machine-id", b"%032x\n" % 1)
    cpio.file("/etc/ld.so.conf", b"include /etc/ld.so.conf.d/*.conf\n")
    cpio.link("/usr/bin/awk", "mawk")
    for path_ in _files_of(packages):
        cpio.copy(path_)
    cpio.close()
    os.rename(path + ".new", path)
    return path


def modules(kernel, out):
    cpio = Cpio(out)
    cpio.tree(os.path.join(kernel, "modules"), "/modules")
    cpio.close()


def tested(top, build, out, plan):
    """The programs of that build directory and the tests, in the places they have in the repository; /plan
    says what to run."""
    here = os.path.dirname(os.path.abspath(__file__))
    cpio = Cpio(out)
    cpio.copy(os.path.join(here, "init"), "/init")
    cpio.copy(os.path.join(here, "guest.py"), "/guest.py")
    cpio.file("/plan", plan.encode())
    for name in ("lintel", "tests/live/actions", "tests/live/sockets", "tests/live/sensor_test"):
        cpio.copy(os.path.join(build, name), "/lintel/build/" + name)
    cpio.copy(os.path.join(top, "tests/tap.py"), "/lintel/tests/tap.py")
    cpio.tree(os.path.join(top, "tests/live"), "/lintel/tests/live")
    # One published rule, where it lies beside the repository: some cases compare with it.
    rule = "shared/rules/elastic/rules/linux/defense_evasion_dynamic_linker_file_creation.toml"
    if os.path.exists(os.path.join(top, "..", rule)):
        cpio.copy(os.path.join(top, "..", rule), "/" + rule)
    cpio.close()


def join(out, *archives):
    with open(out, "wb") as f:
        for archive in archives:
            with open(archive, "rb") as part:
                while chunk := part.read(1 << 20):
                    f.write(chunk)
            f.write(b"\0" * (-f.tell() % 512))
    return out
