#!/usr/bin/env python3
"""The kernel's own audit, through an auditd of the test's own, into `lintel watch --audit-log`: beside
the sensor's view of the same processes. Rules are for those processes alone; audit is left as it was
found."""
import atexit

from harness import *

need_root()

TOOLS = ("/sbin/auditd", "/sbin/auditctl")
CONFIG = """local_events = yes
write_logs = yes
log_file = %(dir)s/audit.log
log_format = ENRICHED
flush = NONE
max_log_file = 8
num_logs = 3
max_log_file_action = ROTATE
name_format = NONE
priority_boost = 0
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
"""
CALLS = "execve,execveat,fork,vfork,clone,clone3,exit_group,open,openat,creat,rename,renameat,renameat2,unlink,unlinkat," \
        "symlink,symlinkat,link,linkat,chmod,fchmodat,connect,mknod,mknodat"


def auditctl(*argv):
    return subprocess.run(["/sbin/auditctl", *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def status():
    return dict(l.split(None, 1) for l in auditctl("-s").stdout.splitlines() if l.count(" ") == 1)


def skip(why):
    print("1..0 # SKIP %s" % why, flush=True)
    sys.exit(0)


if not all(os.path.exists(t) for t in TOOLS):
    skip("no auditd")
before = status()
if before.get("pid") != "0" or before.get("enabled") not in ("0", "1"):
    skip("audit is in use here, or cannot be asked")
if "No rules" not in auditctl("-l").stdout:
    skip("audit has rules")


class Auditd:
    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="lintel-auditd-")
        os.mkdir(self.dir + "/plugins.d")
        for path, mode in ((self.dir, 0o700), (self.dir + "/plugins.d", 0o750)):
            os.chmod(path, mode)
        with open(self.dir + "/auditd.conf", "w") as f:
            f.write(CONFIG % {"dir": self.dir})
        os.chmod(self.dir + "/auditd.conf", 0o640)
        self.log, self.rules = self.dir + "/audit.log", []
        self.process = subprocess.Popen(["/sbin/auditd", "-n", "-s", "enable", "-c", self.dir],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(self.log) and status().get("pid") == str(self.process.pid):
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.__exit__()
        skip("auditd does not run here")

    def watch(self, field, pid):
        rule = ["always,exit", "-F", "arch=b64", "-S", CALLS, "-F", "%s=%d" % (field, pid), "-k", "lintel-test"]
        p = auditctl("-a", *rule)
        assert p.returncode == 0, p.stdout
        self.rules.append(rule)

    def __exit__(self, *_):
        for rule in self.rules:
            auditctl("-d", *rule)
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(STOP_SECONDS)
        auditctl("-e", before["enabled"])
        auditctl("-b", before["backlog_limit"])
        shutil.rmtree(self.dir, ignore_errors=True)


class AuditWatch:
    def __init__(self, log, directory):
        self.events_file, self.err = directory + "/events", open(directory + "/err", "w+")
        self.process = subprocess.Popen([LINTEL, "watch", "--audit-log", log, "--state", directory + "/state",
                                         "--format", "ndjson", "--output", directory + "/alerts",
                                         "--events", self.events_file], stderr=self.err)
        # a case that fails must not leave it running: it would keep the test runner's pipe open
        atexit.register(self.process.kill)
        self.until(lambda: "watching" in self.errors())

    def errors(self):
        return os.pread(self.err.fileno(), 1 << 20, 0).decode()

    def until(self, holds):
        for _ in range(20 * EVENT_SECONDS):
            if holds() or self.process.poll() is not None:
                return
            time.sleep(0.05)

    def events(self):
        if not os.path.exists(self.events_file):
            return []
        with open(self.events_file) as f:
            return [json.loads(l) for l in f if l.endswith("\n")]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(STOP_SECONDS) == 0, self.errors()
        return self.events()


def actions(event):
    found = event["event"]["action"]
    return found if isinstance(found, list) else [found]


def files(events, directory, action):
    return {e["file"]["path"] for e in events
            if action in actions(e) and e.get("file", {}).get("path", "").startswith(directory)}


def execs(events):
    """Executable is in one the name that was given to execve, so is it in the other."""
    return {(e["process"]["pid"], e["process"]["executable"], tuple(e["process"]["args"]),
             e["process"]["parent"]["pid"]) for e in events if "exec" in actions(e)}


with case("what auditd writes of a shell's work is what the sensor sees of it"):
    with Auditd() as auditd, Shell() as shell, Watch(root_pid=shell.pid) as sensor:
        auditd.watch("ppid", shell.pid)
        auditd.watch("pid", shell.pid)
        watch = AuditWatch(auditd.log, auditd.dir)
        shell.run("/usr/bin/env true 'two words' 'quote\"d'; echo x > 'a file'; mv 'a file' b; ln -s b l; ln b h; "
                  "chmod 4711 b; rm -f b l h; printf '#!/bin/sh\\n:\\n' > s; chmod +x s; ./s one; rm s; /usr/bin/env id")
        watch.until(lambda: any("id" in e.get("process", {}).get("args", []) for e in watch.events()))
        by_audit = watch.end()
        by_sensor, _ = sensor.finish()
    own = [e for e in by_audit if e.get("tags") == ["lintel-test"]]
    assert own, watch.errors()
    audit_execs, sensor_execs = execs(own), execs(by_sensor)
    assert len(audit_execs) >= 8 and audit_execs <= sensor_execs, (audit_execs - sensor_execs, sensor_execs)
    for action in ("creation", "rename", "deletion"):
        a, s = files(own, shell.dir, action), files(by_sensor, shell.dir, action)
        assert a == s and a, (action, a, s)
    modes = {e["file"]["mode"] for e in own if "changed-file-permissions-of" in actions(e)}
    assert "4711" in modes, modes
    parents = {e["process"]["parent"].get("name") for e in own if "exec" in actions(e)}
    assert parents == {"bash"}, parents
    ends = [e for e in own if "end" in actions(e)]
    assert ends and all("exit_code" in e["process"] for e in ends)

with case("audit is left as it was found"):
    after = status()
    assert all(after[k] == before[k] for k in ("enabled", "pid", "backlog_limit")), (before, after)
    assert "No rules" in auditctl("-l").stdout

done()
