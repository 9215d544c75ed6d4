#!/usr/bin/env python3
"""Network events beside what strace says of the same run: the same connections and flows, in the same
order in each thread, with the same bytes; and DNS lookups. All in a network namespace that has loopback
alone (sockets.c makes it)."""
import ipaddress, re

from harness import *

need_root()
SOCKETS = os.environ.get("LINTEL_SOCKETS", os.path.join(os.path.dirname(ACTIONS), "sockets"))
if not os.path.exists(SOCKETS):
    print("1..0 # SKIP the helper program %s is not built" % SOCKETS, flush=True)
    sys.exit(0)

CALLS = ("socket,connect,accept,accept4,sendto,sendmsg,sendmmsg,recvfrom,recvmsg,recvmmsg,read,write,readv,"
         "writev,?send,?recv")
ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")')
LINE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<socket:\[(\d+)\]>)?(?: (E\w+))?")
SENDS = ("send", "sendto", "sendmsg", "sendmmsg", "write", "writev")
RECEIVES = ("recv", "recvfrom", "recvmsg", "recvmmsg", "read", "readv")
UNDER_WAY = ("EINPROGRESS",)
NEVER_LEFT = ("ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "ECONNREFUSED")


def address(text):
    """The same for an IPv4 address and for the IPv6 one it is mapped into."""
    ip = ipaddress.ip_address(text)
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def addresses(arguments):
    return [(address(four or six), int(port)) for port, four, six in ADDRESS.findall(arguments)]


def whole_lines(path):
    """A call that another thread's came between is in two pieces."""
    begun = {}
    for line in open(path, errors="replace"):
        line = line.rstrip("\n")
        tid = line.split(" ", 1)[0]
        if line.endswith(" <unfinished ...>"):
            begun[tid] = line[:-len(" <unfinished ...>")]
        elif re.match(r"^\d+ +<\.\.\. \w+ resumed>", line):
            yield begun.pop(tid) + line.split("resumed>", 1)[1]
        else:
            yield line


class Model:
    """What the sensor should say of a trace."""

    def __init__(self, path):
        self.kinds, self.peers, self.flows, self.open = {}, {}, set(), {}
        self.events, self.ends = {}, []
        for line in whole_lines(path):
            match = LINE.match(line)
            if match:
                self.take(*match.groups())
        for inode in list(self.open):
            self.end(inode)

    def say(self, tid, *event):
        self.events.setdefault(int(tid), []).append(event)

    def end(self, inode):
        connection = self.open.pop(inode)
        if connection["established"]:
            self.ends.append((connection["incoming"], connection["sent"], connection["received"]))

    def take(self, tid, call, arguments, result, made, error):
        fd = re.match(r"\d+<socket:\[(\d+)\]>", arguments)
        if call == "socket" and made:
            self.kinds[made] = "tcp" if "SOCK_STREAM" in arguments else "udp"
        elif call in ("accept", "accept4") and made:
            self.kinds[made] = "tcp"
            self.say(tid, "connection_accepted", "tcp", *addresses(arguments)[0], "success")
            self.open[made] = {"incoming": True, "sent": 0, "received": 0, "established": True}
        elif fd and call == "connect":
            self.connect(tid, fd.group(1), arguments, error)
        elif fd and call in SENDS + RECEIVES and int(result) >= 0 and "MSG_PEEK" not in arguments:
            self.move(tid, fd.group(1), call, arguments, int(result))

    def connect(self, tid, inode, arguments, error):
        peer = addresses(arguments)
        if self.kinds.get(inode) != "tcp":
            self.peers[inode] = peer
            return
        if not peer:  # AF_UNSPEC
            self.end(inode)
        elif inode in self.open:
            self.open[inode]["established"] |= not error
        elif not error or error in UNDER_WAY + NEVER_LEFT:
            outcome = "unknown" if error in UNDER_WAY else "failure" if error else "success"
            self.say(tid, "connection_attempted", "tcp", *peer[0], outcome)
            if not error or error in UNDER_WAY:
                self.open[inode] = {"incoming": False, "sent": 0, "received": 0, "established": not error}

    def move(self, tid, inode, call, arguments, result):
        if inode in self.open:
            self.open[inode]["sent" if call in SENDS else "received"] += result
        if self.kinds.get(inode) != "udp":
            return
        for peer in addresses(arguments) or self.peers.get(inode, []):
            if (inode, peer) not in self.flows:
                self.flows.add((inode, peer))
                self.say(tid, "connection_attempted" if call in SENDS else "connection_accepted", "udp", *peer,
                         "success")


def run(*commands, trace=None, lost="nothing lost"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        for command in commands:
            shell.run(("strace -qq -f -y -e signal=none -e trace=%s -o %s " % (CALLS, shell.path("trace")) if trace else "")
                      + command, status=None)
            if shell.status == 77:
                raise Skip("this kernel cannot do: %s" % command)
            assert shell.status == 0, "%s: exit status %d" % (command, shell.status)
        events, _ = watch.finish(shell)
        assert lost in watch.err, watch.err
        for event in events:
            if "network" in get(event, "event.category"):
                check_network(event)
        return [e for e in events if "network" in get(e, "event.category")], Model(shell.path("trace")) if trace else None


def check_network(event):
    """What holds of every network event."""
    check(event, event__dataset="endpoint.events.network", event__module="endpoint", event__kind="event")
    for end in ("source", "destination"):
        assert get(event, end + ".ip") == get(event, end + ".address"), event
    ips = [ipaddress.ip_address(get(event, e + ".ip")) for e in ("source", "destination") if get(event, e + ".ip")]
    assert ips and {"ipv%d" % ip.version for ip in ips} == {get(event, "network.type")}, event
    kinds = {"connection_attempted": "start", "connection_accepted": "start", "disconnect_received": "end",
             "lookup_requested": "protocol", "lookup_result": "protocol"}
    assert one_of(get(event, "event.type")) == kinds[get(event, "event.action")], event


def remote(event):
    end = "source" if get(event, "network.direction") == "ingress" else "destination"
    return get(event, end + ".ip"), get(event, end + ".port")


def by_thread(events):
    found = {}
    for e in events:
        if get(e, "event.action") in ("connection_attempted", "connection_accepted"):
            found.setdefault(get(e, "process.thread.id"), []).append(
                (get(e, "event.action"), get(e, "network.transport"), *remote(e), get(e, "event.outcome")))
    return found


def ends(events):
    """(incoming, sent, received) of each disconnect, as the side it is told of sees them."""
    found = []
    for e in select(events, event__action="disconnect_received"):
        incoming = get(e, "network.direction") == "ingress"
        pair = (get(e, "source.bytes"), get(e, "destination.bytes"))
        found.append((incoming, *(reversed(pair) if incoming else pair)))
    return found


def check_pairs(events):
    """Both ends of a connection of this host name it alike."""
    def names(action):
        return sorted((get(e, "source.ip"), get(e, "source.port"), get(e, "destination.ip"), get(e, "destination.port"))
                      for e in select(events, event__action=action, network__transport="tcp")
                      if get(e, "event.outcome") != "failure")
    accepted = names("connection_accepted")
    assert all(name in names("connection_attempted") for name in accepted), names("connection_attempted")


def as_strace_says(kind, abi=None):
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    events, model = run("%s %s" % (SOCKETS, kind), trace=True)
    assert model.events, "strace saw nothing"
    got = by_thread(events)
    assert got == model.events, "got\n%s\nwanted\n%s" % (got, model.events)
    assert sorted(ends(events)) == sorted(model.ends), "ends: %s, wanted %s" % (ends(events), model.ends)
    check_pairs(events)
    for e in events:
        check(e, process__name="sockets")
        assert not abi or get(e, "lintel.process.abi") in (abi, None), e["lintel"]
    return events


TRACED = {
    "tcp4": "TCP over IPv4", "tcp6": "TCP over IPv6", "tcp-big": "megabytes both ways",
    "tcp-mapped": "an IPv6 socket to an IPv4 address", "tcp-left-open": "connections that the exit closes",
    "refused4": "a refused connection", "refused6": "the same over IPv6",
    "refused-nonblocking": "a refused connection, not waited for", "unreachable": "no route",
    "nonblocking": "a connection not waited for", "unconnect": "connect to nothing ends a connection",
    "threads": "four threads at once", "udp4": "UDP over IPv4", "udp6": "UDP over IPv6",
    "udp-connected": "UDP by write and writev", "udp-mmsg": "two datagrams by one call",
}
for kind, what in TRACED.items():
    with case("%s, as strace has it" % what):
        as_strace_says(kind, "x86_64")

with case("a name server and who asks it, as strace has it"):
    as_strace_says("dns")

with case("32-bit calls: socketcall, as strace has it"):
    events = as_strace_says("socketcall")
    assert {get(e, "lintel.network.syscall") for e in events} == {None, "socketcall"}, events
    assert {get(e, "lintel.process.abi") for e in events} == {None, "x86"}, events

with case("32-bit calls: i386's own numbers, as strace has it"):
    events = as_strace_says("native32")
    assert {get(e, "lintel.network.syscall") for e in events} == {None, "connect", "accept4", "sendmsg", "recvmsg"}
    assert {get(e, "lintel.process.abi") for e in events} == {None, "x86"}, events

with case("a reset, before and after it was accepted, has its bytes"):
    events, _ = run("%s reset" % SOCKETS)
    assert sorted(ends(events)) == [(False, 3, 0)] * 2 + [(True, 0, 3)] * 2, ends(events)
    assert len(select(events, event__action="connection_accepted")) == 2

with case("an attempt that fails says so, and where to"):
    events, _ = run("%s refused4" % SOCKETS)
    check(events[0], event__action="connection_attempted", event__outcome="failure", destination__ip="127.0.0.1",
          destination__port=1, source__ip="127.0.0.1", network__direction="egress", network__transport="tcp")
    assert len(events) == 1 and get(events[0], "source.port"), events
    events, _ = run("%s unreachable" % SOCKETS)
    check(events[0], event__outcome="failure", destination__ip="192.0.2.1", destination__port=1)
    check(events[1], event__outcome="failure", destination__ip="2001:db8::1", network__type="ipv6")
    assert any("caller's memory" in i for i in get(events[0], "lintel.incomplete")), events[0]["lintel"]

with case("io_uring's connect, accept, send"):
    events, _ = run("%s uring" % SOCKETS)
    seen = [(get(e, "event.action"), get(e, "network.transport"), get(e, "lintel.network.syscall"), get(e, "event.provider"))
            for e in events if get(e, "event.action") != "disconnect_received"]
    assert seen == [("connection_attempted", "tcp", "io_uring_connect", "io_uring"),
                    ("connection_accepted", "tcp", "io_uring_accept", "io_uring"),
                    ("connection_attempted", "udp", "io_uring_sendmsg", "io_uring"),
                    ("connection_accepted", "udp", "io_uring_recvmsg", "io_uring")], seen
    assert sorted(ends(events)) == [(False, 6, 3), (True, 3, 6)], ends(events)
    check_pairs(events)

with case("io_uring's refused connect"):
    events, _ = run("%s uring-refused" % SOCKETS)
    check(events[0], event__action="connection_attempted", event__outcome="failure", destination__port=1,
          lintel__network__syscall="io_uring_connect")
    assert len(events) == 1, events

with case("a connection that begins with its first data"):
    events, _ = run("%s fast-open" % SOCKETS)
    check(select(events, event__action="connection_attempted")[0], lintel__network__syscall="sendto",
          destination__ip="127.0.0.1", event__outcome="success")
    assert sorted(ends(events)) == [(False, 4, 0), (True, 0, 4)], ends(events)


def lookups(events):
    """[(action, name, type, resolved, status)] of who asks."""
    def resolved(e):
        value = get(e, "dns.resolved_ip")
        return value if isinstance(value, list) else [value] if value else []
    found = [e for e in events if get(e, "event.action").startswith("lookup_")]
    for e in found:
        check(e, destination__port=53, destination__ip="127.0.0.1", network__protocol="dns", network__direction="egress")
        assert sorted(get(e, "event.category")) == ["dns", "network"], e
    return [(get(e, "event.action"), get(e, "dns.question.name"), get(e, "dns.question.type"), resolved(e),
             get(e, "dns.Ext.status")) for e in found]


A, AAAA = ["192.0.2.1", "192.0.2.2"], ["2001:db8::7", "2001:db8::8"]
ASKED, ANSWERED = "lookup_requested", "lookup_result"

with case("DNS: question and answer, and a name that is not there"):
    events, _ = run("%s dns" % SOCKETS)
    assert lookups(events) == [
        (ASKED, "mine.example", "A", [], None), (ANSWERED, "mine.example", "A", A, 0),
        (ASKED, "missing.example", "TXT", [], None), (ANSWERED, "missing.example", "TXT", [], 3)], lookups(events)
    check(select(events, event__action=ANSWERED, dns__Ext__status=3)[0], event__outcome="failure")

with case("what goes to port 53 and is no question is counted, and its flow reported"):
    events, _ = run("%s dns-garbage" % SOCKETS, lost="1 messages from or to port 53 that could not be decoded")
    assert not lookups(events), events
    check(select(events, event__action="connection_attempted")[0], destination__port=53, network__transport="udp")

with case("DNS by write and read of a connected socket"):
    events, _ = run("%s dns-connected" % SOCKETS)
    assert lookups(events) == [(ASKED, "mine.example", "AAAA", [], None),
                               (ANSWERED, "mine.example", "AAAA", AAAA, 0)], lookups(events)
    assert {get(e, "lintel.network.syscall") for e in events if get(e, "dns")} == {"write", "read"}

with case("DNS: two questions by one call"):
    events, _ = run("%s dns-both" % SOCKETS)
    assert lookups(events) == [
        (ASKED, "mine.example", "A", [], None), (ASKED, "mine.example", "AAAA", [], None),
        (ANSWERED, "mine.example", "A", A, 0), (ANSWERED, "mine.example", "AAAA", AAAA, 0)], lookups(events)

with case("DNS over TCP"):
    events, _ = run("%s dns-stream" % SOCKETS)
    assert lookups(events) == [(ASKED, "mine.example", "A", [], None),
                               (ANSWERED, "mine.example", "A", A, 0)], lookups(events)
    assert {get(e, "network.transport") for e in events if get(e, "dns")} == {"tcp"}

with case("the resolver of the C library"):
    with Shell() as shell, Watch(root_pid=shell.pid) as watch:
        shell.write("resolv.conf", "nameserver 127.0.0.1\n")
        shell.write("nsswitch.conf", "hosts: dns\n")
        for name in ("resolv.conf", "nsswitch.conf"):
            shell.run("mount --bind %s $(realpath -m /etc/%s)" % (shell.path(name), name), status=None)
            if shell.status:
                raise Skip("cannot put another /etc/%s in place" % name)
        shell.run("%s serve getent ahosts mine.example" % SOCKETS)
        events, _ = watch.finish(shell)
    asked = lookups(select([e for e in events if get(e, "dns")], process__name="getent"))
    assert sorted(asked, key=str) == sorted([
        (ASKED, "mine.example", "A", [], None), (ASKED, "mine.example", "AAAA", [], None),
        (ANSWERED, "mine.example", "A", A, 0), (ANSWERED, "mine.example", "AAAA", AAAA, 0)], key=str), asked

done()
