#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Build, send and capture frames for the selftests.

usage: pkt.py build SPEC                    print the frame as hex
       pkt.py send [-n N] [-g GAP] IF SPEC...    send each SPEC N times
       pkt.py recv [-n N] [-t SEC] IF       print frames that come in
       pkt.py xfer [-n N] [-g GAP] [-t SEC] [-e K] --tx IF [--rx IF]... SPEC...
                                            send on one port, say what comes
                                            out of the others
       pkt.py stream [-g GAP] --tx IF [--rx IF]... SPEC
                                            send numbered frames until killed, say
                                            what comes out of the others
       pkt.py show HEX                      decode a frame, a line per layer

IF is DEV or NETNS/DEV ("-" is this namespace). recv and xfer print one line
"IF COUNT HEX" per distinct frame in order of first arrival; they stop when K (or N) frames have
come, or after SEC seconds (default 1) without a new one.  Neighbour discovery,
MLD and other IPv6 control noise is left out unless -a is given; xfer's -s also
leaves out what does not end in the same 8 bytes as a frame it has sent. -P does
not put the port into promiscuous mode.

stream writes the number of the frame, from 1 on, over its last four bytes, and
prints "sent NUMBER" before it is sent and "got IF NUMBER LENGTH HEX" when it
came, HEX being its first 96 bytes. A frame, or a fragment, is taken for one of
the stream's when the eight bytes before the number are those of SPEC.

A SPEC is layers separated by "/", each a name followed by key=value words:
    eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=0x0800
    vlan id=5 prio=3 dei=0 tpid=0x8100
    arp op=1 sha=MAC spa=IP tha=MAC tpa=IP
    ip src=192.0.2.1 dst=192.0.2.2 ttl=64 tos=0 id=0 df=0 mf=0 frag=0 proto=17
       opts=HEX
    ip6 src=2001:db8::1 dst=2001:db8::2 hlim=64 tc=0 flow=0 nh=17
    hbh | dstopts | frag off=0 mf=0 id=1        IPv6 extension headers
    tcp sport=1 dport=2 flags=SA seq=0 win=8192 | udp sport= dport= csum=
    sctp sport= dport= | icmp type=8 code=0 | icmp6 type=128 code=0
    raw HEX | len N (zero-based pattern) | pad N (zeros up to a frame of N)
Types, lengths and checksums are filled in; "csum=bad" spoils a checksum.
"""
import os
import select
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_AUXDATA = 8
PACKET_MR_PROMISC = 1
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6

ETHERTYPE = {"vlan": 0x8100, "arp": 0x0806, "ip": 0x0800, "ip6": 0x86dd}
IPPROTO = {"hbh": 0, "icmp": 1, "tcp": 6, "udp": 17, "frag": 44, "icmp6": 58,
           "dstopts": 60, "sctp": 132, "none": 59}
TCP_FLAGS = "FSRPAUEC"


class SpecError(Exception):
    """A frame specification that makes no sense."""


def mac(text):
    """Bytes of a MAC address."""
    parts = text.split(":")
    if len(parts) != 6:
        raise SpecError(f"'{text}' is not a MAC address")
    return bytes(int(p, 16) for p in parts)


def num(text):
    """An integer in any of Python's notations."""
    try:
        return int(text, 0)
    except ValueError:
        raise SpecError(f"'{text}' is not a number") from None


def ip_sum(data):
    """The Internet checksum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def crc32c_table():
    """What a byte does to SCTP's checksum."""
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
        table.append(crc)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    """SCTP's checksum."""
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def spoil(csum, opts):
    """The checksum the user asked for, or the right one."""
    want = opts.get("csum")
    if want is None:
        return csum
    return csum ^ 0x5555 if want == "bad" else num(want)


def parse_spec(spec):
    """List of (layer, options) of a SPEC."""
    layers = []
    for part in spec.split("/"):
        words = part.split()
        if not words:
            raise SpecError(f"empty layer in '{spec}'")
        opts = {}
        for word in words[1:]:
            key, sep, value = word.partition("=")
            if sep:
                opts[key] = value
            else:
                opts[""] = word
        layers.append((words[0], opts))
    return layers


def next_type(layers, i, table, default):
    """What the header of layer i says follows it."""
    if i + 1 < len(layers):
        return table.get(layers[i + 1][0], default)
    return default


def build_l4(name, opts, payload, pseudo):
    """A transport header and its payload, with checksum."""
    sport, dport = num(opts.get("sport", "1000")), num(opts.get("dport", "2000"))
    if name == "udp":
        length = 8 + len(payload)
        head = struct.pack("!HHHH", sport, dport, length, 0)
        csum = ip_sum(pseudo(17, length) + head + payload) or 0xffff
        return struct.pack("!HHHH", sport, dport, length,
                           spoil(csum, opts)) + payload
    if name == "tcp":
        bits = sum(1 << TCP_FLAGS.index(f) for f in opts.get("flags", "S"))
        head = struct.pack("!HHIIBBHHH", sport, dport,
                           num(opts.get("seq", "0")), num(opts.get("ack", "0")),
                           5 << 4, bits, num(opts.get("win", "8192")), 0, 0)
        csum = ip_sum(pseudo(6, len(head) + len(payload)) + head + payload)
        return head[:16] + struct.pack("!H", spoil(csum, opts)) + head[18:] + payload
    if name == "sctp":
        head = struct.pack("!HHII", sport, dport, 0, 0)
        crc = crc32c(head + payload)
        return head[:8] + struct.pack("<I", crc) + payload
    if name in ("icmp", "icmp6"):
        head = struct.pack("!BBHHH",
                           num(opts.get("type", "8" if name == "icmp" else "128")),
                           num(opts.get("code", "0")), 0,
                           num(opts.get("id", "1")), num(opts.get("seq", "1")))
        data = head + payload
        if name == "icmp6":
            data = pseudo(58, len(data)) + data
        csum = ip_sum(data)
        return head[:2] + struct.pack("!H", spoil(csum, opts)) + head[4:] + payload
    raise SpecError(f"unknown layer '{name}'")


def build_ip(opts, proto, payload):
    """An IPv4 header and what it carries."""
    options = bytes.fromhex(opts.get("opts", ""))
    options += bytes(-len(options) % 4)
    ihl = 5 + len(options) // 4
    flags = num(opts.get("df", "0")) << 14 | num(opts.get("mf", "0")) << 13
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | ihl, num(opts.get("tos", "0")),
                       ihl * 4 + len(payload), num(opts.get("id", "0")),
                       flags | num(opts.get("frag", "0")) // 8,
                       num(opts.get("ttl", "64")), proto, 0,
                       socket.inet_aton(opts.get("src", "192.0.2.1")),
                       socket.inet_aton(opts.get("dst", "192.0.2.2"))) + options
    csum = spoil(ip_sum(head), opts)
    return head[:10] + struct.pack("!H", csum) + head[12:] + payload


def ip_pseudo(opts):
    """Function that gives the pseudo header of an IPv4 layer."""
    src = socket.inet_aton(opts.get("src", "192.0.2.1"))
    dst = socket.inet_aton(opts.get("dst", "192.0.2.2"))
    return lambda proto, length: src + dst + struct.pack("!HH", proto, length)


def ip6_addr(text):
    """Bytes of an IPv6 address."""
    return socket.inet_pton(socket.AF_INET6, text)


def ip6_pseudo(opts):
    """Function that gives the pseudo header of an IPv6 layer."""
    src = ip6_addr(opts.get("src", "2001:db8::1"))
    dst = ip6_addr(opts.get("dst", "2001:db8::2"))
    return lambda proto, length: src + dst + struct.pack("!II", length, proto)


def build_ip6(opts, nxt, payload):
    """An IPv6 header and what it carries."""
    first = 6 << 28 | num(opts.get("tc", "0")) << 20 | num(opts.get("flow", "0"))
    return struct.pack("!IHBB16s16s", first, len(payload), nxt,
                       num(opts.get("hlim", "64")),
                       ip6_addr(opts.get("src", "2001:db8::1")),
                       ip6_addr(opts.get("dst", "2001:db8::2"))) + payload


def build_ext(name, opts, nxt, payload):
    """An IPv6 extension header and what it carries."""
    if name == "frag":
        return struct.pack("!BBHI", nxt, 0,
                           num(opts.get("off", "0")) // 8 << 3 | num(opts.get("mf", "0")),
                           num(opts.get("id", "1"))) + payload
    return struct.pack("!BB6s", nxt, 0, bytes([1, 4, 0, 0, 0, 0])) + payload


def build_arp(opts):
    """An ARP packet for Ethernet and IPv4."""
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, num(opts.get("op", "1")),
                       mac(opts.get("sha", "02:00:00:00:00:01")),
                       socket.inet_aton(opts.get("spa", "192.0.2.1")),
                       mac(opts.get("tha", "00:00:00:00:00:00")),
                       socket.inet_aton(opts.get("tpa", "192.0.2.2")))


def build(spec):
    """The frame of a SPEC."""
    layers = parse_spec(spec)
    pseudo = None
    pad = 0
    out = b""
    pseudos = []
    for name, opts in layers:
        if name == "ip":
            pseudo = ip_pseudo(opts)
        elif name == "ip6":
            pseudo = ip6_pseudo(opts)
        pseudos.append(pseudo)
    for i in range(len(layers) - 1, -1, -1):
        name, opts = layers[i]
        if name == "raw":
            out = bytes.fromhex(opts.get("", "")) + out
        elif name == "len":
            out = bytes(j & 0xff for j in range(num(opts[""]))) + out
        elif name == "pad":
            pad = num(opts[""])
        elif name == "eth":
            etype = num(opts["type"]) if "type" in opts else \
                next_type(layers, i, ETHERTYPE, 0x88b5)
            if "type" not in opts and i + 1 < len(layers) and \
                    layers[i + 1][0] == "vlan":
                etype = num(layers[i + 1][1].get("tpid", "0x8100"))
            out = mac(opts.get("dst", "02:00:00:00:00:02")) + \
                mac(opts.get("src", "02:00:00:00:00:01")) + \
                struct.pack("!H", etype) + out
        elif name == "vlan":
            etype = num(opts["type"]) if "type" in opts else \
                next_type(layers, i, ETHERTYPE, 0x88b5)
            if "type" not in opts and i + 1 < len(layers) and \
                    layers[i + 1][0] == "vlan":
                etype = num(layers[i + 1][1].get("tpid", "0x8100"))
            tci = num(opts.get("prio", "0")) << 13 | \
                num(opts.get("dei", "0")) << 12 | num(opts.get("id", "1"))
            out = struct.pack("!HH", tci, etype) + out
        elif name == "arp":
            out = build_arp(opts) + out
        elif name == "ip":
            proto = num(opts["proto"]) if "proto" in opts else \
                next_type(layers, i, IPPROTO, 253)
            out = build_ip(opts, proto, out)
        elif name == "ip6":
            nxt = num(opts["nh"]) if "nh" in opts else \
                next_type(layers, i, IPPROTO, 253)
            out = build_ip6(opts, nxt, out)
        elif name in ("hbh", "dstopts", "frag"):
            nxt = num(opts["nh"]) if "nh" in opts else \
                next_type(layers, i, IPPROTO, 253)
            out = build_ext(name, opts, nxt, out)
        elif name in ("tcp", "udp", "icmp", "icmp6", "sctp"):
            below = pseudos[i]
            if below is None:
                raise SpecError(f"'{name}' needs an ip or ip6 layer below it")
            out = build_l4(name, opts, out, below)
        else:
            raise SpecError(f"unknown layer '{name}'")
    return out + bytes(max(0, pad - len(out)))


def show(frame):
    """Print a frame, a line per layer, in the notation of a SPEC."""
    dst, src, etype = frame[:6], frame[6:12], struct.unpack("!H", frame[12:14])[0]
    print(f"eth dst={dst.hex(':')} src={src.hex(':')} type={etype:#06x}")
    rest = frame[14:]
    while etype in (0x8100, 0x88a8) and len(rest) >= 4:
        tci, inner = struct.unpack("!HH", rest[:4])
        print(f"vlan id={tci & 0xfff} prio={tci >> 13} dei={tci >> 12 & 1} type={inner:#06x}")
        etype, rest = inner, rest[4:]
    proto = None
    if etype == 0x0800 and len(rest) >= 20:
        ihl = (rest[0] & 15) * 4
        frag = struct.unpack("!H", rest[6:8])[0]
        proto = rest[9] if not frag & 0x1fff else None
        good = "" if ip_sum(rest[:ihl]) == 0 else " csum=bad"
        print(f"ip src={socket.inet_ntoa(rest[12:16])} dst={socket.inet_ntoa(rest[16:20])}"
              f" ttl={rest[8]} tos={rest[1]} id={struct.unpack('!H', rest[4:6])[0]}"
              f" mf={frag >> 13 & 1} frag={(frag & 0x1fff) * 8} proto={rest[9]}{good}")
        rest = rest[ihl:]
    elif etype == 0x86dd and len(rest) >= 40:
        first = struct.unpack("!I", rest[:4])[0]
        proto = rest[6]
        src, dst = (socket.inet_ntop(socket.AF_INET6, rest[i:i + 16]) for i in (8, 24))
        print(f"ip6 src={src} dst={dst}"
              f" hlim={rest[7]} tc={first >> 20 & 255} nh={proto}")
        rest = rest[40:]
    if proto in (6, 17, 132) and len(rest) >= 4:
        sport, dport = struct.unpack("!HH", rest[:4])
        name = {6: "tcp", 17: "udp", 132: "sctp"}[proto]
        print(f"{name} sport={sport} dport={dport}")
    elif proto in (1, 58) and len(rest) >= 2:
        print(f"{'icmp' if proto == 1 else 'icmp6'} type={rest[0]} code={rest[1]}")
    print(f"raw {rest.hex()}")


class Port:
    """A raw socket on one interface, opened inside its namespace."""

    def __init__(self, where, receive, promisc=True):
        self.name = where
        netns, _, dev = where.rpartition("/")
        home = None
        if netns not in ("", "-"):
            home = os.open("/proc/self/ns/net", os.O_RDONLY)
            with open(f"/run/netns/{netns}", "rb") as target:
                os.setns(target.fileno(), os.CLONE_NEWNET)
        try:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                      socket.htons(ETH_P_ALL) if receive else 0)
            if receive:
                self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
                self.sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
            self.sock.bind((dev, ETH_P_ALL if receive else 0))
            if receive and promisc:
                index = socket.if_nametoindex(dev)
                self.sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                                     struct.pack("iHH8s", index, PACKET_MR_PROMISC, 0, b""))
            if receive:
                self.sock.setblocking(False)
                self.drain()
        except OSError as err:
            sys.exit(f"pkt.py: {where}: {err.strerror}")
        finally:
            if home is not None:
                os.setns(home, os.CLONE_NEWNET)
                os.close(home)

    def drain(self):
        """Forget what came in before the socket was bound to its device."""
        while True:
            try:
                self.sock.recv(65536)
            except BlockingIOError:
                return

    def receive(self):
        """The next frame as it was on the wire, or None."""
        try:
            data, anc, _, addr = self.sock.recvmsg(65536, 256)
        except BlockingIOError:
            return None
        if addr[2] == socket.PACKET_OUTGOING:
            return b""
        for level, kind, value in anc:
            if level != SOL_PACKET or kind != PACKET_AUXDATA:
                continue
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
            if status & TP_STATUS_VLAN_VALID:
                if not status & TP_STATUS_VLAN_TPID_VALID:
                    tpid = 0x8100
                data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
        return data


def noise(frame):
    """True for IPv6 control traffic the stack sends on its own."""
    if frame[12:14] != b"\x86\xdd" or len(frame) < 55:
        return False
    nxt, at = frame[20], 54
    if nxt == 0:
        nxt, at = frame[54], 62
    return nxt == 58 and len(frame) > at and 130 <= frame[at] <= 143


class Tally:
    """Distinct frames and how often each port gave them out."""

    def __init__(self, ports, everything, endings=None):
        self.ports = {p.sock.fileno(): p for p in ports}
        self.everything = everything
        self.endings = endings
        self.seen = {}
        self.total = 0
        self.last = time.monotonic()

    def poll(self, timeout):
        """Take in what arrives within timeout seconds."""
        ready, _, _ = select.select(list(self.ports), [], [], timeout)
        for fd in ready:
            while (frame := self.ports[fd].receive()) is not None:
                if not frame or (not self.everything and noise(frame)):
                    continue
                if self.endings and frame[-8:] not in self.endings:
                    continue
                key = (self.ports[fd].name, frame)
                self.seen[key] = self.seen.get(key, 0) + 1
                self.total += 1
                self.last = time.monotonic()

    def wait(self, expected, quiet):
        """Until expected frames have come, or none for quiet seconds."""
        self.last = time.monotonic()
        while not expected or self.total < expected:
            left = self.last + quiet - time.monotonic()
            if left <= 0:
                return
            self.poll(left)

    def report(self):
        """Print what came."""
        for (name, frame), count in self.seen.items():
            print(name, count, frame.hex())


def send(port, frames, count, gap, tally):
    """Send every frame count times."""
    for _ in range(count):
        for frame in frames:
            for _ in range(2000):
                try:
                    port.sock.send(frame)
                    break
                except (BlockingIOError, OSError) as err:
                    if err.errno not in (11, 105):
                        sys.exit(f"pkt.py: {port.name}: {err.strerror}")
                    time.sleep(0.001)
            else:
                sys.exit(f"pkt.py: {port.name}: the send queue stays full")
            if tally:
                tally.poll(gap)
            elif gap:
                time.sleep(gap)


def stream_take(port, marker):
    """Print the frames of a stream that have come to a port."""
    while (frame := port.receive()) is not None:
        if frame[-12:-4] == marker:
            number = struct.unpack("!I", frame[-4:])[0]
            print("got", port.name, number, len(frame), frame[:96].hex(), flush=True)


def stream(port, ports, frame, gap):
    """Send numbered frames for ever and print those that come."""
    inputs = {p.sock.fileno(): p for p in ports}
    marker = frame[-12:-4]
    number = 0
    due = time.monotonic()
    while True:
        number += 1
        print("sent", number, flush=True)
        try:
            port.sock.send(frame[:-4] + struct.pack("!I", number))
        except OSError as err:
            sys.exit(f"pkt.py: {port.name}: {err.strerror}")
        due = max(due + gap, time.monotonic())
        while (left := due - time.monotonic()) > 0:
            for fd in select.select(list(inputs), [], [], left)[0]:
                stream_take(inputs[fd], marker)


class Options:
    """A command's options. A test runs this hundreds of times on an emulated processor, which
    would spend more time on loading argparse than on the frames."""

    KINDS = {"-n": int, "-g": float, "-t": float, "-e": int, "--tx": str, "--rx": list,
             "-a": None, "-P": None, "-s": None}

    def __init__(self, words):
        self.values = {"--rx": []}
        self.words = []
        words = iter(words)
        for word in words:
            if not word.startswith("-") or word.startswith("-/"):
                self.words.append(word)
                continue
            name, equals, value = word.partition("=")
            if name not in self.KINDS:
                sys.exit(f"pkt.py: there is no option {name}")
            kind = self.KINDS[name]
            if kind is None:
                self.values[name] = True
                continue
            value = value if equals else next(words, None)
            if value is None:
                sys.exit(f"pkt.py: {name} wants a value")
            if kind is list:
                self.values[name].append(value)
                continue
            try:
                self.values[name] = kind(value)
            except ValueError:
                sys.exit(f"pkt.py: {name} wants a number, not '{value}'")

    def get(self, name, default=None):
        """Value of an option."""
        return self.values.get(name, default)


# What each command wants besides options, at least.
COMMANDS = {"build": 1, "show": 1, "send": 2, "recv": 1, "xfer": 1, "stream": 1}


def main():
    """Command line."""
    words = sys.argv[1:]
    if words and words[0] in ("-h", "--help"):
        print(__doc__)
        return
    if not words or words[0] not in COMMANDS:
        sys.exit(f"pkt.py: it wants a command: {', '.join(COMMANDS)}; see --help")
    cmd, opts = words[0], Options(words[1:])
    if len(opts.words) < COMMANDS[cmd] or cmd in ("xfer", "stream") and "--tx" not in opts.values:
        sys.exit(f"pkt.py: {cmd} lacks an argument; see --help")
    gap, seconds, everything = opts.get("-g", 0), opts.get("-t", 1), opts.get("-a", False)
    promisc = not opts.get("-P", False)
    try:
        if cmd == "build":
            print(build(opts.words[0]).hex())
        elif cmd == "show":
            show(bytes.fromhex(opts.words[0]))
        elif cmd == "send":
            frames = [build(s) for s in opts.words[1:]]
            send(Port(opts.words[0], False), frames, opts.get("-n", 1), gap, None)
        elif cmd == "recv":
            tally = Tally([Port(opts.words[0], True, promisc)], everything)
            tally.wait(opts.get("-n", 0), seconds)
            tally.report()
        elif cmd == "stream":
            stream(Port(opts.get("--tx"), False), [Port(p, True) for p in opts.get("--rx")],
                   build(opts.words[0]), gap)
        else:
            frames = [build(s) for s in opts.words]
            endings = {f[-8:] for f in frames} if opts.get("-s") else None
            tally = Tally([Port(p, True, promisc) for p in opts.get("--rx")], everything, endings)
            send(Port(opts.get("--tx"), False), frames, opts.get("-n", 1), gap, tally)
            tally.wait(opts.get("-e", 0), seconds)
            tally.report()
    except SpecError as err:
        sys.exit(f"pkt.py: {err}")


if __name__ == "__main__":
    main()
