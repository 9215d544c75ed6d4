"""Debian's stock kernels, by apt, in a directory of their own: nothing is installed, and this machine's own
apt state is only read (for where its packages come from)."""
import glob, lzma, os, re, shutil, subprocess

# What is asked for on the command line → the suite of Debian whose cloud kernel that is.
SUITES = {"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie", "newest": "sid"}
# All that the tests need beside what is built in: an overlay, and a disk file system in a loop device.
MODULES = ("overlay", "loop", "ext4")
APT_SECONDS = 600


class Unavailable(Exception):
    """This kernel cannot be had here; the text says why."""


def _run(command, **options):
    try:
        p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                           timeout=APT_SECONDS, **options)
    except subprocess.TimeoutExpired:
        raise Unavailable("%s takes longer than %d s" % (command[0], APT_SECONDS))
    except FileNotFoundError:
        raise Unavailable("there is no %s here" % command[0])
    if p.returncode:
        lines = [l for l in (p.stderr + p.stdout).splitlines() if re.match(r"(E|Err|W):", l)]
        raise Unavailable("%s: %s" % (command[0], "; ".join(lines[:2]) or "exit status %d" % p.returncode))
    return p.stdout


def archives():
    """[(address, is the security archive)], as this machine's own apt is configured."""
    text = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(ORIGIN)|$(LABEL)", "Created-By: Packages"])
    found = []
    for line in text.splitlines():
        address, origin, label = line.split("|")
        entry = (address, label == "Debian-Security")
        if origin == "Debian" and label in ("Debian", "Debian-Security") and entry not in found:
            found.append(entry)
    if not found:
        raise Unavailable("apt has no Debian archive configured here, or no lists (apt-get update)")
    return found


class Apt:
    """An apt of our own for one suite, below `directory`."""

    def __init__(self, directory, suite):
        for part in ("state/lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(directory, part), exist_ok=True)
        open(os.path.join(directory, "status"), "w").close()
        with open(os.path.join(directory, "sources.list"), "w") as f:
            for address, is_security in archives():
                if is_security and suite == "sid":
                    continue
                f.write("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s%s main\n"
                        % (address, suite, "-security" if is_security else ""))
        self.options = []
        for name, value in (("Dir::Etc::sourcelist", "sources.list"), ("Dir::State", "state"),
                            ("Dir::State::status", "status"), ("Dir::Cache", "cache")):
            self.options += ["-o", "%s=%s" % (name, os.path.join(directory, value))]
        self.options += ["-o", "Dir::Etc::sourceparts=-", "-o", "Acquire::Languages=none",
                         "-o", "APT::Sandbox::User=root", "-o", "APT::Update::Error-Mode=any"]

    def __call__(self, tool, *arguments, **options):
        return _run([tool, *self.options, *arguments], **options)


def _parts(apt):
    """The packages that the newest cloud kernel is made of: one, or since 7.x its binary and its modules."""
    found, todo = [], ["linux-image-cloud-amd64"]
    while todo:
        package = todo.pop()
        for line in apt("apt-cache", "depends", package).splitlines():
            m = re.match(r"\s*(?:Pre)?Depends: (linux-(?:image|binary|modules)-\S+)$", line)
            if m and m.group(1) not in found:
                found.append(m.group(1))
                todo.append(m.group(1))
    if not found:
        raise Unavailable("the suite has no linux-image-cloud-amd64")
    return found


def _module_facts(path):
    """(name, names it depends on, its bytes, uncompressed)."""
    with open(path, "rb") as f:
        data = f.read()
    if path.endswith(".xz"):
        data = lzma.decompress(data)
    depends = re.search(rb"\0depends=([^\0]*)\0", data)
    name = os.path.basename(path).split(".ko")[0].replace("-", "_")
    return name, depends.group(1).decode().split(",") if depends and depends.group(1) else [], data


def _keep_modules(tree, out):
    """MODULES and what they need, in the order of loading: out/NN-NAME.ko."""
    files = {os.path.basename(p).split(".ko")[0].replace("-", "_"): p
             for p in glob.glob(os.path.join(tree, "**/*.ko*"), recursive=True)}
    order = []

    def take(name):
        name = name.replace("-", "_")
        if name not in files or name in (n for n, _ in order):
            return  # built in
        _, depends, data = _module_facts(files[name])
        for other in depends:
            take(other)
        order.append((name, data))

    for name in MODULES:
        take(name)
    # ext4's checksums; asked for by name, not by a symbol
    for name in ("crc32c_generic", "crc32c_intel"):
        take(name)
    os.makedirs(out)
    order.sort(key=lambda entry: not entry[0].startswith("crc32c"))
    for i, (name, data) in enumerate(order):
        with open(os.path.join(out, "%02d-%s.ko" % (i, name)), "wb") as f:
            f.write(data)


def fetch(name, cache, update=False):
    """The kernel's directory: vmlinuz, version, modules/. Downloaded once, again with `update`."""
    suite = SUITES[name]
    home = os.path.join(cache, name)
    if os.path.exists(os.path.join(home, "version")) and not update:
        return home
    apt = Apt(os.path.join(cache, "apt", suite), suite)
    apt("apt-get", "-q", "update")
    parts = _parts(apt)
    work = home + ".new"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(os.path.join(work, "deb"))
    apt("apt-get", "-q", "download", *parts, cwd=os.path.join(work, "deb"))
    for package in glob.glob(os.path.join(work, "deb/*.deb")):
        _run(["dpkg", "-x", package, os.path.join(work, "x")])
    images = glob.glob(os.path.join(work, "x/boot/vmlinuz-*")) + \
        glob.glob(os.path.join(work, "x/usr/lib/modules/*/vmlinuz"))
    if len(images) != 1:
        raise Unavailable("no kernel image in %s" % ", ".join(parts))
    shutil.copy(images[0], os.path.join(work, "vmlinuz"))
    _keep_modules(os.path.join(work, "x"), os.path.join(work, "modules"))
    shutil.rmtree(os.path.join(work, "x"))
    shutil.rmtree(os.path.join(work, "deb"))
    with open(os.path.join(work, "version"), "w") as f:
        f.write(parts[0] + "\n")
    shutil.rmtree(home, ignore_errors=True)
    os.rename(work, home)
    return home
