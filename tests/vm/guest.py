"""Runs inside the machine: runs what /plan names. With --module FILE it loads that kernel module.

Standard output is the second serial port. Lines that begin with '@' are for run.py:
	@boot SECONDS KERNEL LSMS    user space is there
	@begin NAME                  what follows is this program's output
	@end NAME STATUS SECONDS
	@done
"""
import ctypes, json, os, subprocess, sys, time

LIBC = ctypes.CDLL(None, use_errno=True)
SYS_FINIT_MODULE = 313


def say(line):
    print(line, flush=True)


def load_module(path):
    """There is no kmod here: what a module needs comes before it in the order of the names."""
    fd = os.open(path, os.O_RDONLY)
    if LIBC.syscall(SYS_FINIT_MODULE, fd, b"", 0):
        sys.exit("%s: %s" % (path, os.strerror(ctypes.get_errno())))


def run(name, command, seconds, environment):
    say("@begin " + name)
    began = time.monotonic()
    p = subprocess.Popen(command, cwd="/lintel", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         errors="replace", env=dict(os.environ, **environment))
    try:
        # line by line, so that what a hanging program has said is not lost
        timer = subprocess.Popen(["sh", "-c", "sleep %d; kill -9 %d" % (seconds, p.pid)], start_new_session=True)
        for line in p.stdout:
            sys.stdout.write(line if not line.startswith("@") else "# " + line)
            sys.stdout.flush()
        status = p.wait()
    finally:
        os.killpg(timer.pid, 9)
        timer.wait()
    say("@end %s %d %.1f" % (name, status, time.monotonic() - began))


def read(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return "-"


def main():
    with open("/plan") as f:
        plan = json.load(f)
    say("@boot %s %s %s" % (read("/proc/uptime").split()[0], os.uname().release, read("/sys/kernel/security/lsm")))
    for name, command in plan["programs"]:
        run(name, command, plan["seconds"], plan["environment"])
    say("@done")


if sys.argv[1:2] == ["--module"]:
    load_module(sys.argv[2])
else:
    main()
