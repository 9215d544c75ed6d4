#!/usr/bin/env python3
"""Records as the kernel, auditd and laurel write them, and the ECS events they must give. The logs in
audit/ are written by hand, in the formats that linux/audit.h, audit.rules(7) and laurel-about(7)
describe."""
import json, os, sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import case, done, lintel

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "audit")
UNSET = None


def events(name):
    p = lintel("query", "any where true", os.path.join(FOLDER, name))
    assert p.returncode == 0, p.err
    return {e["event"]["sequence"]: e for e in map(json.loads, p.out.splitlines())}


def value(event, field):
    """Objects may be nested, dotted or both."""
    if field in event:
        return event[field]
    for cut in range(len(field)):
        if field[cut] == "." and isinstance(event.get(field[:cut]), dict):
            found = value(event[field[:cut]], field[cut + 1:])
            if found is not None:
                return found
    return None


EXEC, OPEN, CONNECT = ["exec", "executed"], "opened-file", ["connection_attempted", "connected-to"]

# log -> serial -> field -> value; None: the field must not be there
EXPECTED = {
    "enriched.log": {
        101: {"event.action": "fork", "event.type": ["start"], "event.category": ["process"], "process.pid": 4200,
              "process.parent.pid": 4100, "process.parent.name": "bash", "process.name": "bash",
              "host.os.type": "linux", "@timestamp": "2026-01-01T00:00:00.101Z", "event.id": "1767225600.101:101"},
        102: {"event.action": EXEC, "process.executable": "/usr/bin/curl", "process.args": ["curl", "-d", 'a b "c"'],
              "process.args_count": 3, "process.command_line": 'curl -d a b "c"', "process.parent.name": "bash",
              "process.parent.pid": 4100, "process.working_directory": "/home/alice", "user.name": "alice",
              "user.id": "1000", "tags": ["exec"], "user.audit.id": "1000", "auditd.session": "3",
              "process.tty.char_device.major": 136, "process.interactive": True, "event.outcome": "success",
              "auditd.data.syscall": "execve", "auditd.message_type": "syscall", "lintel.incomplete": UNSET,
              "data_stream.dataset": "auditd_manager.auditd", "process.title": 'curl -d a b "c"'},
        103: {"event.action": CONNECT, "event.category": ["network"], "event.type": ["connection", "start"],
              "destination.ip": "198.51.100.7", "destination.port": 80, "network.direction": "egress",
              "network.type": "ipv4", "process.name": "curl", "process.args": ["curl", "-d", 'a b "c"']},
        104: {"event.action": ["creation", OPEN], "event.type": ["creation"], "file.path": "/etc/ld.so.preload",
              "file.name": "ld.so.preload", "file.extension": "preload", "file.directory": "/etc", "file.owner": "root",
              "file.mode": "0644", "file.inode": "8", "file.type": "file", "lintel.file.syscall": "openat",
              "process.name": "tee", "auditd.data.a2": "241"},
        105: {"event.action": ["rename", "renamed"], "file.path": "/srv/new.cfg", "file.extension": "cfg",
              "file.Ext.original.path": "/srv/old name.txt", "file.Ext.original.extension": "txt"},
        106: {"event.action": ["deletion", "deleted"], "event.type": ["deletion"], "file.path": "/srv/new.cfg"},
        107: {"event.action": "deleted", "event.type": ["info"], "event.outcome": "failure", "auditd.data.exit": "-2",
              "auditd.result": "fail"},
        108: {"event.action": ["modification", "changed-file-permissions-of"], "file.path": "/srv/tool", "file.mode": "4755",
              "lintel.file.change": "permissions"},
        109: {"user.id": "0", "user.name": "root", "user.effective.id": "0", "user.Ext.real.id": "1000",
              "user.Ext.real.name": "alice", "process.real_user.id": "1000"},
        110: {"event.action": ["load_module", "loaded-kernel-module"], "event.category": ["process", "driver"],
              "auditd.data.name": "demo", "auditd.data.syscall": "finit_module"},
        111: {"event.action": "ptrace", "auditd.data.opid": "4200", "auditd.data.ocomm": "curl"},
        112: {"event.action": ["uid_change", "changed-identity-of"], "event.type": ["change"], "process.name": "sudo"},
        113: {"event.category": ["authentication"], "event.action": "logged-in", "user.name": "alice",
              "source.ip": "192.0.2.9", "event.outcome": "success", "process.pid": 4400,
              "process.executable": "/usr/sbin/sshd", "auditd.data.terminal": "/dev/pts/1"},
        114: {"event.action": "authenticated", "event.outcome": "failure", "user.name": "bob", "user.id": UNSET,
              "source.ip": "192.0.2.10", "auditd.data.grantors": UNSET, "user.audit.id": UNSET,
              "auditd.data.op": "PAM:authentication"},
        115: {"event.category": ["iam"], "event.type": ["user", "creation"], "event.action": "added-user-account",
              "user.target.name": "carol", "user.target.id": "1001", "user.name": "root", "source.ip": UNSET},
        116: {"event.category": ["process", "configuration"], "event.action": "changed-audit-configuration",
              "auditd.data.op": "remove_rule"},
        117: {"event.action": "ran-command", "process.command_line": "cat /etc/shadow",
              "process.working_directory": "/home/alice", "user.name": "alice"},
        118: {"event.action": "end", "event.type": ["end"], "process.exit_code": 1, "process.name": "curl",
              "event.outcome": UNSET},
    },
    "parts.log": {
        201: {"process.args": ["/bin/sh", "./run.sh", "one two", "three"], "process.executable": "./run.sh",
              "process.name": "run.sh", "lintel.process.interpreter": "/bin/sh", "user.name": UNSET, "user.id": "1000",
              "lintel.process.executable_path": "/usr/bin/dash"},
        202: {"destination.address": "/run/docker.sock", "destination.ip": UNSET, "auditd.data.socket.family": "unix"},
        203: {"event.action": CONNECT, "destination.ip": "2001:db8::1", "destination.port": 443,
              "network.type": "ipv6", "event.outcome": "success"},
    },
    "laurel.jsonl": {
        101: {"event.action": EXEC, "process.args": ["curl", "-d", "50% 0x1f"], "process.executable": "/usr/bin/curl",
              "process.parent.executable": "/usr/sbin/sshd", "process.parent.pid": 4100, "user.name": "alice",
              "auditd.data.syscall": "execve", "auditd.data.a0": "0"},
        102: {"event.action": ["creation", OPEN], "file.path": "/etc/ld.so.preload", "file.mode": "0644",
              "auditd.data.a0": "ffffff9c", "auditd.data.syscall": "openat"},
        103: {"event.action": CONNECT, "destination.ip": "198.51.100.7", "destination.port": 80,
              "process.args": ["curl", "-d", "50% 0x1f"]},
        104: {"host.name": "web1", "host.id": "web1", "event.action": "logged-in", "user.name": "alice",
              "event.id": "web1:1767225600.104:104"},
        # numbers that were translated are left out (translate.drop-raw), arguments are one text
        106: {"event.action": EXEC, "user.name": "bob", "user.id": UNSET, "process.command_line": "id -u",
              "process.env_vars": ["LD_PRELOAD=/tmp/x.so"], "process.parent.name": "sh", "tags": ["a", "b"],
              "process.parent.executable": "/usr/bin/dash"},
        107: {"event.action": CONNECT, "destination.ip": "203.0.113.5", "destination.port": 443,
              "network.type": "ipv4"},
        105: {"event.action": ["deletion", "deleted"], "lintel.file.syscall": "io_uring_unlinkat",
              # the record of an io_uring operation does not have its directory
              "file.path": "a.txt",
              "lintel.incomplete": ["process.parent: not in the log", "file.path: relative to a directory that the log does not name"]},
    },
}

for log, by_serial in EXPECTED.items():
    with case("%s: every event, in its fields" % log):
        found = events(log)
        assert sorted(found) == sorted(by_serial), sorted(found)
        for serial, fields in by_serial.items():
            for field, wanted in fields.items():
                got = value(found[serial], field)
                assert got == wanted, "%s:%d: %s is %r, not %r" % (log, serial, field, got, wanted)

with case("raw and enriched logs differ in nothing but names"):
    raw, enriched = events("raw.log"), events("enriched.log")
    assert raw.keys() == enriched.keys()
    names = {"name", "owner", "group"}

    def without_names(x, parent=""):
        if not isinstance(x, dict):
            return x
        return {k: without_names(v, k) for k, v in x.items() if not (
            (k in names and parent in ("user", "group", "real", "real_user", "real_group", "file"))
            or k in ("user.audit.name", "user.target.name", "user.effective.name"))}

    for serial in raw:
        a, b = without_names(raw[serial]), without_names(enriched[serial])
        # of a login by id alone the raw log has no name, so the id is not the account's
        if serial == 113:
            continue
        assert a == b, (serial, a, b)

with case("one process is one entity, its child another"):
    found = events("enriched.log")
    exec_, connect, end, fork = (found[n] for n in (102, 103, 118, 101))
    ids = {value(e, "process.entity_id") for e in (exec_, connect, end, fork)}
    assert len(ids) == 1 and ids != {None}, ids
    assert value(exec_, "process.parent.entity_id") not in ids

done()
