#!/usr/bin/env python3
"""A real dpkg in a root of its own: what it ships into the linker's configuration raises no alert, what
one of its maintainer scripts writes there does."""
from harness import *

need_root()
for tool in ("dpkg", "dpkg-deb", "chroot"):
    if not shutil.which(tool):
        print("1..0 # SKIP there is no %s here" % tool, flush=True)
        sys.exit(0)

CONTROL = """Package: %s
Version: 1.0
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: made by a test
"""
FILE = "etc/ld.so.conf.d/%s.conf"


def build_package(shell, name, files=(), conffiles=(), postinst=None):
    """Made outside the watched tree; returns its path as the private root has it."""
    top = shell.path("build-" + name)
    os.makedirs(top + "/DEBIAN")
    for path in (*files, *conffiles):
        os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
        with open(os.path.join(top, path), "w") as f:
            f.write("/opt/%s\n" % name)
    with open(top + "/DEBIAN/control", "w") as f:
        f.write(CONTROL % name)
    if conffiles:
        with open(top + "/DEBIAN/conffiles", "w") as f:
            f.write("".join("/%s\n" % p for p in conffiles))
    if postinst:
        with open(top + "/DEBIAN/postinst", "w") as f:
            f.write(postinst)
        os.chmod(top + "/DEBIAN/postinst", 0o755)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", top, shell.path(name + ".deb")], check=True,
                   stdout=subprocess.DEVNULL)
    return "/%s.deb" % name


def make_root(shell):
    """The host's programs, read-only, below an /etc and a package database of its own. Only in the
    shell's mount namespace."""
    shell.run("mkdir r && mount -t tmpfs none r && cd r && mkdir -p usr etc/ld.so.conf.d tmp dev proc "
              "var/lib/dpkg/info var/lib/dpkg/updates var/lib/dpkg/triggers var/log && "
              "mount --bind /usr usr && mount -o remount,bind,ro usr && "
              "for d in bin sbin lib lib32 lib64 libx32; do "
              "if [ -L /$d ]; then cp -P /$d .; elif [ -d /$d ]; then mkdir $d && mount --bind /$d $d && "
              "mount -o remount,bind,ro $d; fi; done; "
              ": > dev/null; : > var/lib/dpkg/status; : > var/lib/dpkg/available; "
              "printf 'root:x:0:0:root:/:/bin/sh\\n' > etc/passwd; printf 'root:x:0:\\n' > etc/group; cd ..")


def install(shell, deb):
    shell.run("cp .%s r/ && chroot r /usr/bin/dpkg --force-not-root --force-unsafe-io -i %s" % (deb, deb))


rule = elastic_rule()
events, alerts = [], []

with case("dpkg installs, upgrades and removes packages in a root of its own"):
    with Shell() as shell:
        plain = build_package(shell, "shipsfile", files=[FILE % "shipsfile"])
        conf = build_package(shell, "shipsconf", conffiles=[FILE % "shipsconf"])
        evil = build_package(shell, "scripted", files=["opt/x"],
                             postinst="#!/bin/sh\necho > /etc/ld.so.preload\n")
        make_root(shell)
        with Watch(root_pid=shell.pid, rules=[rule] if rule else []) as watch:
            install(shell, plain)
            install(shell, plain)
            install(shell, conf)
            shell.run("chroot r /usr/bin/dpkg -P shipsfile shipsconf")
            shell.run("test ! -e r/%s" % (FILE % "shipsfile"))
            shell.run("touch r/tmp/scripted-begins")
            install(shell, evil)
            shell.run("test -e r/etc/ld.so.preload")
            events, alerts = watch.finish(shell)

with case("dpkg's own work is seen: unpacked under another name, then renamed"):
    for name in ("shipsfile", "shipsconf"):
        final = "/" + FILE % name
        renamed = select(events, event__action="rename", file__path=final)
        assert renamed, [(get(e, "event.action"), get(e, "file.path")) for e in events if get(e, "file")]
        check(renamed[0], file__Ext__original__path=final + ".dpkg-new", file__Ext__original__extension="dpkg-new",
              process__name="dpkg", process__executable="/usr/bin/dpkg")
        assert select(events, event__action="creation", file__path=final + ".dpkg-new")
        assert select(events, event__action="deletion", file__path=final)

with case("dpkg's own work raises no alert, neither of Elastic's rule nor of ours"):
    shipped = [a for a in alerts if "ld.so.conf.d" in str(get(a, "file.path"))]
    assert not shipped, by_rule(shipped)

with case("the maintainer script's write to ld.so.preload raises ours"):
    fired = by_rule(alerts)
    assert "ours" in fired.get(("creation", "/etc/ld.so.preload"), ()), fired

with case("Elastic's rule stays silent on it: it excuses whatever runs from /var/lib/dpkg"):
    if not rule:
        raise Skip("the shared rules are not beside the repository")
    assert not any("elastic" in who for who in by_rule(alerts).values()), by_rule(alerts)

with case("the script is named by its own path, its interpreter beside it, dpkg as its parent"):
    wrote = only(events, event__action="creation", file__path="/etc/ld.so.preload")
    check(wrote, process__executable="/var/lib/dpkg/info/scripted.postinst", process__name="scripted.postinst",
          lintel__process__interpreter="/bin/sh", process__parent__name="dpkg",
          process__args=["/bin/sh", "/var/lib/dpkg/info/scripted.postinst", "configure", ""])

with case("paths are those of the chroot; what the host cannot see is said, not guessed"):
    wrote = only(events, event__action="creation", file__path="/etc/ld.so.preload")
    host_path = get(wrote, "lintel.file.host_path")
    incomplete = get(wrote, "lintel.incomplete") or []
    assert host_path is None and any("lintel.file.host_path" in i for i in incomplete), (host_path, incomplete)

with case("every process in the tree has a known parent, back to the shell"):
    for event in events:
        assert get(event, "process.parent.entity_id") and get(event, "process.parent.name"), event["process"]

done()
