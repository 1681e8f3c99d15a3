# SPDX-License-Identifier: GPL-2.0-only
"""Runs rule sets: adds the rules, sends the frames, sees where they come out.

A lane is a port of the switch that frames come in by, with the rules at the
ingress of its representor (or uplink), or a tunnel device.  The far ends of all ports are in
another network namespace.  Lanes are added and dumped together and sent
through one after the other; behind the frames of each goes a fence, a frame
that software copies to every port.  What came before a port's fence belongs
to that lane.
"""
import functools
import json
import os
import re
import select
import socket
import struct
import subprocess
import time
from collections import Counter

import psample
import tunnels

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_AUXDATA = 8
PACKET_QDISC_BYPASS = 20
PACKET_IGNORE_OUTGOING = 23
SO_RCVBUFFORCE = 33
FENCE_TYPE = b"\x88\xb6"
# Much, for machines on a busy host.
FENCE_SECONDS = 60
COUNTERS_SECONDS = 0.25
PORTS_SECONDS = 0.15
OFFLOAD_SECONDS = 0.8
HOST, FOREIGN, SAMPLES = "host", "elsewhere", "psample"
# What samples of a fence have for a group.
FENCE_GROUP = 9999
# The first of enum sluice_miss that is about what the device can do, not about rules.
MISS_PARSE = 5


# What the host takes out of tunnels itself.
TO_TUNNELS = """
ip frag-off & 0x3fff == 0 ip daddr 10.99.0.1 ip protocol 47 accept
ip frag-off & 0x3fff == 0 ip daddr 10.99.0.1 udp dport { 4789, 6081 } accept
ip6 daddr fd99::1 ip6 nexthdr 47 accept
ip6 daddr fd99::1 udp dport { 4789, 6081 } accept
"""


class Late(Exception):
    """A fence did not arrive."""


class Ran:
    """What a rule set did in one round."""

    def __init__(self):
        self.refused = {}       # handle: message
        self.out = {}           # port: [frame], in order
        self.stats = {}         # handle: [(packets, bytes, drops) of each action]
        self.hw = {}            # handle: packets hardware has counted
        self.offloaded = set()  # handles of rules tc says are in hardware
        self.late = ""          # why, if something did not arrive


def run(*words):
    """A command that must not fail."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"goldenrule: {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def in_namespace(name):
    """Enter a namespace; returns a descriptor of the one before."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    with open(f"/run/netns/{name}", "rb") as there:
        os.setns(there.fileno(), os.CLONE_NEWNET)
    return home


def capture(protocol, dev=None):
    """A socket that sees frames of a device, or what comes in by any."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0 if dev else socket.htons(protocol))
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    sock.setblocking(False)
    if dev:
        sock.bind((dev, protocol))
    else:
        sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    return sock


def received(sock):
    """(device, frame as it was on the wire) or None."""
    try:
        data, anc, _, addr = sock.recvmsg(65536, 256)
    except BlockingIOError:
        return None
    for level, kind, value in anc:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
            if status & 0x10:
                data = data[:12] + struct.pack("!HH", tpid if status & 0x40 else 0x8100, tci) + \
                    data[12:]
    return addr[0], data


def sampled(sock):
    """(SAMPLES, what psample tells of a packet, and its bytes), likewise."""
    while True:
        try:
            found = sock.sample()
        except BlockingIOError:
            return None
        if found is None:
            continue
        data = found.get(psample.DATA, b"")
        group, rate, iif, size = (psample.number(found.get(kind, b"")) for kind in (
            psample.GROUP, psample.RATE, psample.IIF, psample.SIZE))
        if group == FENCE_GROUP:
            return SAMPLES, data
        if not noise(data):
            return SAMPLES, struct.pack("!IIIH", group, rate, iif, size) + data


class Lane:
    """Where frames come in: at a port, or at a tunnel device by way of the uplink."""

    def __init__(self, place, dev, rep, far, outs, foreign):
        self.place = place
        # Whether it is the uplink, or a tunnel by way of it (else None).
        self.by_uplink = place == "port" if rep == outs[2] else None
        self.dev = dev
        self.far = far
        self.names = {"@in": dev, "@own": rep, "@out1": outs[0], "@out2": outs[1],
                      "@uplink": outs[2], "@foreign": foreign, "@zone": "0"}
        self.names |= {f"@{kind}": f"gr{kind}" for kind in tunnels.TYPES}


def timed(what):
    """Count the seconds that a method of Engine takes."""
    def decorate(method):
        @functools.wraps(method)
        def run_timed(self, *args):
            start = time.monotonic()
            try:
                return method(self, *args)
            finally:
                self.spent[what] += time.monotonic() - start
        return run_timed
    return decorate


class Engine:
    """The machine's ports.

    lanes: [(representor, far end)], outs: the same for the three ports rules
    output to, the last an uplink; all far ends are in namespace far. foreign:
    a device that is no port of the switch. devlink: the switch's handle.
    """

    def __init__(self, lanes, outs, far, foreign, devlink):
        self.devlink = devlink
        self.spent = Counter()
        self.late = 0           # times in a row that something did not arrive
        reps = [rep for rep, _ in outs]
        self.lanes = [Lane("port", rep, rep, far_end, reps, foreign) for rep, far_end in lanes]
        self.lanes += [Lane(kind, f"gr{kind}", *outs[2], reps, foreign) for kind in tunnels.TYPES]
        self.outs = outs
        self.foreign = foreign
        self.reps = sorted({rep for rep, _ in list(lanes) + list(outs)})
        self.serial = self.zone = 0
        self.tmp = f"/tmp/goldenrule.{os.getpid()}"
        self.host = self.open_host()
        self.elsewhere = capture(3, foreign)
        self.samples = psample.Listener()
        self.samples.setblocking(False)
        home = in_namespace(far)
        # The kernel puts off the last socket in its list, so that frames of
        # some protocols overtake others there.  The first one made is the last.
        self.last = capture(3)
        self.last.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.far = capture(3)
        ends = {name for _, name in lanes} | {name for _, name in outs}
        for name in ends:
            self.far.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                                struct.pack("iHH8s", socket.if_nametoindex(name), 1, 0, b""))
        self.tx = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.tx.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        os.setns(home, os.CLONE_NEWNET)
        os.close(home)
        self.poll = select.poll()
        socks = {self.far: None, self.host: HOST, self.elsewhere: FOREIGN, self.samples: SAMPLES}
        for sock in socks:
            self.poll.register(sock, select.POLLIN)
        self.by_fd = {sock.fileno(): (sock, name, sampled if name is SAMPLES else received)
                      for sock, name in socks.items()}
        self.fences()
        self.own_rules = self.device()[0]

    def open_host(self):
        """A socket that sees what representors hand to the host behind tc."""
        run("ip", "link", "add", "grhost", "type", "dummy")
        run("ip", "link", "set", "grhost", "up")
        text = "table netdev goldenrule {\n"
        uplink = self.outs[2][0]
        for i, lane in enumerate(self.lanes):
            text += f"chain c{i} {{ type filter hook ingress device \"{lane.dev}\" priority 0;\n"
            if lane.dev == uplink:
                text += TO_TUNNELS
            text += "fwd to \"grhost\"; }\n"
        done = subprocess.run(["nft", "-f", "-"], input=text + "}\n", text=True,
                              capture_output=True, check=False)
        if done.returncode:
            raise SystemExit(f"goldenrule: nft: {done.stderr.strip()}")
        return capture(3, "grhost")

    def fences(self):
        """Rules that copy a fence to every port and a sample; hardware must leave
        them to software.
        """
        lines = []
        for lane in self.lanes:
            ports = dict.fromkeys([lane.names["@own"]] + [rep for rep, _ in self.outs])
            lines.append(f"filter add dev {lane.dev} ingress pref 1 protocol "
                         f"0x{FENCE_TYPE.hex()} flower " +
                         "".join(f"action mirred egress mirror dev {rep} " for rep in ports) +
                         f"action mirred ingress mirror dev {self.foreign} "
                         f"action sample rate 1 group {FENCE_GROUP} action pass")
        refused = self.batch(lines)
        if refused:
            raise SystemExit(f"goldenrule: fence: {refused}")

    def batch(self, lines):
        """Run lines of tc; {line index: message} of those that failed."""
        path = f"{self.tmp}.tc"
        with open(path, "w", encoding="ascii") as text:
            text.write("\n".join(lines) + "\n")
        done = subprocess.run(["tc", "-force", "-batch", path], capture_output=True, text=True,
                              check=False)
        failed, said = {}, []
        for line in done.stderr.splitlines():
            found = re.match(r"Command failed .*:(\d+)$", line)
            if found:
                failed[int(found[1]) - 1] = " ".join(said) or "no message"
                said = []
            elif line.startswith("Error: ") or not line.startswith(("We have", "Warning")):
                said.append(line)
        return failed

    @timed("rules")
    def add(self, sets, flags, trap_is_pass):
        """Add the rules of sets; a Ran for each."""
        lines, owner, rans = [], [], [Ran() for _ in sets]
        for i, rules in enumerate(sets):
            for rule in rules:
                lines.append("filter add " + rule.words(self.lanes[i].names, flags,
                                                         trap_is_pass))
                owner.append((i, rule.handle))
        if lines:
            for at, message in self.batch(lines).items():
                i, handle = owner[at]
                rans[i].refused[handle] = message
        return rans

    @timed("rules")
    def remove(self, sets, rans):
        """Delete the rules of sets that are there."""
        lines = []
        for i, rules in enumerate(sets):
            there = [r for r in rules if r.handle not in rans[i].refused]
            for chain, pref, proto in sorted({(r.chain, r.pref, r.proto) for r in there}):
                lines.append(f"filter del dev {self.lanes[i].dev} ingress chain {chain} "
                             f"pref {pref} protocol {proto}")
        failed = self.batch(lines) if lines else {}
        if failed:
            at = min(failed)
            raise SystemExit(f"goldenrule: tc {lines[at]}: {failed[at]}")

    def fence(self, lane):
        """The frame behind the others of a lane, its start, and where it must arrive."""
        self.serial += 1
        frame = bytes.fromhex("020000000002020000000001") + FENCE_TYPE + \
            struct.pack("!I", self.serial) + bytes(46)
        ports = {HOST, FOREIGN, SAMPLES, lane.far} | {far for _, far in self.outs}
        start = frame[:18]
        if lane.place != "port":
            frame = tunnels.wrap(tunnels.fence(lane.place), frame)
        return frame, start, ports

    def put(self, lane, frame):
        """Send a frame in by a lane's port."""
        for _ in range(5000):
            try:
                self.tx.sendto(frame, (lane.far, 0))
                return
            except OSError as err:
                if err.errno not in (11, 105):
                    raise
                time.sleep(.001)
        raise Late(f"{lane.far} takes no frames")

    def send(self, lane, frames):
        """{port: frames that came out}, in order."""
        out = {}
        for frame in frames:
            self.put(lane, frame)
        fence, start, missing = self.fence(lane)
        self.put(lane, fence)
        deadline = time.monotonic() + FENCE_SECONDS
        while missing:
            left = deadline - time.monotonic()
            ready = self.poll.poll(max(0, left * 1000))
            if not ready:
                raise Late("no fence came out of " + ", ".join(sorted(missing)))
            for descriptor, _ in ready:
                sock, name, read = self.by_fd[descriptor]
                while (got := read(sock)) is not None:
                    port, frame = got
                    port = name or port
                    if frame[12:14] == FENCE_TYPE:
                        if frame[:18] == start:
                            missing.discard(port)
                    elif not noise(frame):
                        out.setdefault(port, []).append(tunnels.plain(frame))
        return out

    @timed("counters")
    def counters(self, sets, rans):
        """Fill in what tc says about the rules."""
        lines = [f"filter show dev {self.lanes[i].dev} ingress" for i in range(len(sets))]
        path = f"{self.tmp}.show"
        with open(path, "w", encoding="ascii") as text:
            text.write("\n".join(lines) + "\n")
        text = run("tc", "-s", "-j", "-batch", path)
        decoder, at = json.JSONDecoder(), 0
        for ran in rans:
            while text[at] in " \n\r\t":
                at += 1
            rules, at = decoder.raw_decode(text, at)
            ran.offloaded = set()
            for rule in rules:
                options = rule.get("options", {})
                if rule["pref"] == 1 or "handle" not in options:
                    continue
                stats = [a.get("stats", {}) for a in options.get("actions", ())]
                handle = int(str(options["handle"]), 0)
                if options.get("in_hw"):
                    ran.offloaded.add(handle)
                ran.stats[handle] = [(s.get("packets", 0), s.get("bytes", 0), s.get("drops", 0))
                                     for s in stats]
                ran.hw[handle] = max((s.get("hw_packets", 0) for s in stats), default=0)

    @timed("waiting for counters")
    def wait(self, seconds):
        """For hardware's counters."""
        time.sleep(seconds)

    @timed("counters")
    def port_counters(self):
        """{representor: packets and bytes in and out}, when they change no more."""
        while True:
            found = self.read_ports()
            time.sleep(PORTS_SECONDS)
            if found == self.read_ports():
                return found

    def read_ports(self):
        """What representors have counted."""
        found = {}
        for rep in self.reps:
            found[rep] = []
            for name in ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes"):
                with open(f"/sys/class/net/{rep}/statistics/{name}", encoding="ascii") as text:
                    found[rep].append(int(text.read()))
        return found

    @timed("connections")
    def connect(self, sets, rans, hardware):
        """Make the connections of sets, in zones of their own."""
        path = f"{self.tmp}.ct"
        with open(path, "w", encoding="ascii") as text:
            for lane, one in zip(self.lanes, sets):
                for words in one.conns:
                    text.write(words.replace("@zone", lane.names["@zone"]) + "\n")
        run("conntrack", "-R", path)
        for lane, one, ran in zip(self.lanes, sets, rans):
            if one.warm:
                self.collect(lane, one.warm, ran)
        if hardware:
            time.sleep(OFFLOAD_SECONDS)

    @timed("frames")
    def collect(self, lane, frames, ran):
        """Send frames; what comes out goes into ran."""
        try:
            for port, some in self.send(lane, frames).items():
                ran.out.setdefault(port, []).extend(some)
            self.late = 0
        except Late as late:
            ran.late = str(late)
            self.late += 1
            print(f"# late, at {lane.dev}: {late}", flush=True)
            if self.late > 8:
                raise SystemExit("goldenrule: nothing works any more") from late

    def round(self, sets, flags, trap_is_pass=False, settled=None):
        """Run sets[i] on lane i; [Ran].

        settled(rans): are the counters what they should be?  Else they are
        read again for a while: hardware writes them now and then.
        """
        hardware = "skip_hw" not in flags
        connected = any(one.conns for one in sets)
        if connected:
            for lane in self.lanes:
                self.zone = self.zone % 65000 + 1
                lane.names["@zone"] = str(self.zone)
        rules = [one.rules for one in sets]
        rans = self.add(rules, flags, trap_is_pass)
        if connected:
            self.connect(sets, rans, hardware)
        for lane, ran, one in zip(self.lanes, rans, sets):
            if one.frames:
                self.collect(lane, one.frames, ran)
        for _ in range(8):
            if hardware:
                self.wait(COUNTERS_SECONDS)
            self.counters(sets, rans)
            if not settled or settled(rans):
                break
        if hardware and "skip_sw" in flags:
            self.check_device(rans)
        self.remove(rules, rans)
        if connected:
            subprocess.run(["conntrack", "-F"], check=False, capture_output=True)
        return rans

    def device(self):
        """(rules in the device, frames it left to software for a reason of its own)."""
        words = ("devlink", "-j", "health", "dump")
        run(*words, "clear", self.devlink, "reporter", "fw")
        text = run(*words, "show", self.devlink, "reporter", "fw")
        rules = int(re.search(r'"rules":\s*(\d+)', text)[1])
        misses = re.findall(r'"reason":\s*(\d+),\s*"frames":\s*(\d+)', text)
        return rules, sum(int(n) for reason, n in misses if int(reason) >= MISS_PARSE)

    def check_device(self, rans):
        """What is in the device must be what tc says, and the fences."""
        want = sum(len(ran.offloaded) for ran in rans) + self.own_rules
        got = self.device()[0]
        if got != want:
            raise SystemExit(f"goldenrule: {got} rules in the device, {want} expected: "
                             "a refused rule has left something")

    def close(self):
        """Leave the machine as it was."""
        self.batch([f"filter del dev {lane.dev} ingress pref 1" for lane in self.lanes])
        subprocess.run(["nft", "delete", "table", "netdev", "goldenrule"], check=False,
                       capture_output=True)
        subprocess.run(["ip", "link", "del", "grhost"], check=False, capture_output=True)


def noise(frame):
    """IPv6 control traffic of the stack's own."""
    if frame[12:14] != b"\x86\xdd" or len(frame) < 55 or frame[:4] != b"\x33\x33\x00\x00":
        return False
    nxt, at = frame[20], 54
    if nxt == 0:
        nxt, at = frame[54], 62
    return nxt == 58 and len(frame) > at and frame[at] == 143
