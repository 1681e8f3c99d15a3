# SPDX-License-Identifier: GPL-2.0-only
"""Packets as fields, and their bytes.

A packet is a dict: what its layers are (nv tags, l3, exts, l4, frag) and what
is in them, as integers.  A constraint says what a rule wants of one field:

    ("bits", FIELD, VALUE, MASK)    the bits of MASK are those of VALUE
    ("in", FIELD, GOOD, ALL)        one of GOOD, out of ALL there are
    ("range", FIELD, LOW, HIGH)     LOW..HIGH

so that a packet can be made to satisfy it, or to miss it by a hair.
"""
import struct

import tunnels
from pkt import crc32c, ip_sum

L3 = ("ip", "ip6", "arp", "other", "mpls", "llc", "pppoe", "cfm")
L4 = ("tcp", "udp", "sctp", "icmp", "icmp6", "raw", "l2tp", "esp", "ah")
FRAG = (0, 1, 2)        # whole, first, later
ETHERTYPE = {"ip": 0x0800, "ip6": 0x86dd, "arp": 0x0806, "other": 0x88b5, "mpls": 0x8847,
             "pppoe": 0x8864, "cfm": 0x8902}
PROTO = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "icmp6": 58, "raw": 253, "l2tp": 115,
         "esp": 50, "ah": 51}
PPP = {0x21: "ip", 0x57: "ip6"}
EXTS = {"hbh": 0, "route": 43, "dst": 60, "frag": 44}
MAGIC = b"GR"

DEFAULTS = {
    "nv": 0, "l3": "ip", "l4": "udp", "frag": 0, "exts": (), "opts": b"", "csum": "good",
    "dst": 0x020000000002, "src": 0x020000000001,
    "tpid0": 0x8100, "tci0": 5, "tpid1": 0x8100, "tci1": 6, "tpid2": 0x8100, "tci2": 7,
    "sip": 0xc0000201, "dip": 0xc0000202,
    "sip6": 0x20010db8 << 96 | 1, "dip6": 0x20010db8 << 96 | 2,
    "tos": 0, "ttl": 64, "flow": 0, "id": 0, "df": 0, "sport": 1000, "dport": 2000,
    "flags": 0x02, "itype": 8, "icode": 0, "etype": 0x88b5,
    "op": 1, "spa": 0xc0000201, "tpa": 0xc0000202, "sha": 0x020000000001, "tha": 0,
    "proto": -1, "len": 20, "nm": 1, "label0": 16, "label1": 17, "label2": 18,
    "mtc0": 0, "mtc1": 0, "mtc2": 0, "mttl0": 64, "mttl1": 64, "mttl2": 64,
    "sid": 9, "ppp": 0x21, "l2tp": 9, "spi": 9, "mdl": 5, "cfmop": 1, "pad": 0, "edits": (), "cut": 0,
}


def fix(packet, want, rng):
    """Make packet satisfy the constraint want."""
    kind, field = want[:2]
    if kind == "bits":
        packet[field] = packet[field] & ~want[3] | want[2] & want[3]
    elif kind == "in":
        if packet[field] not in want[2]:
            packet[field] = rng.choice(want[2])
    else:
        packet[field] = rng.choice((want[2], want[3], rng.randint(want[2], want[3])))


def spoil(packet, want, rng):
    """Make packet miss the constraint want, narrowly; False if it can't."""
    kind, field = want[:2]
    if kind == "bits":
        bits = [i for i in range(want[3].bit_length()) if want[3] >> i & 1]
        if not bits:
            return False
        packet[field] ^= 1 << rng.choice((bits[0], bits[-1], rng.choice(bits)))
    elif kind == "in":
        others = [v for v in want[3] if v not in want[2]]
        if not others:
            return False
        packet[field] = rng.choice(others)
    else:
        edge = [v for v in (want[2] - 1, want[3] + 1) if 0 <= v <= 0xffff]
        if not edge:
            return False
        packet[field] = rng.choice(edge)
    return True


PATTERN = bytes(i & 0xff for i in range(2048))


def transport(packet, payload, pseudo):
    """A transport header and what it carries."""
    kind = packet["l4"]
    bad = 0x5555 if packet["csum"] == "bad" else 0
    if kind == "udp":
        head = struct.pack("!HHHH", packet["sport"], packet["dport"], 8 + len(payload), 0)
        csum = (ip_sum(pseudo(17, 8 + len(payload)) + head + payload) or 0xffff) ^ bad
        if packet["csum"] == "zero":
            csum = 0
        return head[:6] + struct.pack("!H", csum) + payload
    if kind == "tcp":
        head = struct.pack("!HHIIHHHH", packet["sport"], packet["dport"], 1, 2,
                           5 << 12 | packet["flags"], 8192, 0, 0)
        csum = ip_sum(pseudo(6, 20 + len(payload)) + head + payload) ^ bad
        return head[:16] + struct.pack("!H", csum) + head[18:] + payload
    if kind == "sctp":
        head = struct.pack("!HHII", packet["sport"], packet["dport"], 0, 0)
        crc = crc32c(head + payload) ^ bad
        return head[:8] + struct.pack("<I", crc) + payload
    if kind in ("icmp", "icmp6"):
        head = struct.pack("!BBHHH", packet["itype"], packet["icode"], 0, 1, 1)
        data = head + payload
        csum = ip_sum(pseudo(58, len(data)) + data if kind == "icmp6" else data) ^ bad
        return head[:2] + struct.pack("!H", csum) + head[4:] + payload
    if kind == "l2tp":
        return struct.pack("!I", packet["l2tp"]) + payload
    if kind == "esp":
        return struct.pack("!II", packet["spi"], 1) + payload
    if kind == "ah":
        return struct.pack("!BBHII", 59, 1, 0, packet["spi"], 1) + payload
    return payload


def ip4(packet, payload, tag):
    """An IPv4 packet."""
    sip, dip = packet["sip"], packet["dip"]
    proto = packet["proto"] if packet["proto"] >= 0 else PROTO[packet["l4"]]
    if packet["frag"] == 2:
        body = payload + tag
    else:
        body = transport(packet, payload + tag,
                         lambda p, n: struct.pack("!IIHH", sip, dip, p, n))
    opts = packet["opts"]
    off = {0: packet["df"] << 14, 1: 0x2000, 2: 0x2000 | 185 if packet["id"] & 1 else 185}
    head = struct.pack("!BBHHHBBHII", 0x45 + len(opts) // 4, packet["tos"],
                       20 + len(opts) + len(body), packet["id"], off[packet["frag"]],
                       packet["ttl"], proto, 0, sip, dip) + opts
    csum = ip_sum(head) ^ (0x5555 if packet["csum"] == "badip" else 0)
    return head[:10] + struct.pack("!H", csum) + head[12:] + body


def ip6(packet, payload, tag):
    """An IPv6 packet with its extension headers."""
    sip, dip = packet["sip6"].to_bytes(16, "big"), packet["dip6"].to_bytes(16, "big")
    proto = packet["proto"] if packet["proto"] >= 0 else PROTO[packet["l4"]]
    exts = list(packet["exts"])
    if packet["frag"] and "frag" not in exts:
        exts.append("frag")
    if packet["frag"] == 2:
        body = payload + tag
    else:
        body = transport(packet, payload + tag,
                         lambda p, n: sip + dip + struct.pack("!II", n, p))
    for name in reversed(exts):
        if name == "frag":
            off = {0: 0, 1: 1, 2: 185 << 3 | packet["id"] & 1}[packet["frag"]]
            head = struct.pack("!BBHI", proto, 0, off, 7)
        elif name == "route":
            head = struct.pack("!BBBBI", proto, 0, 4, 0, 0)
        else:
            head = struct.pack("!BB6s", proto, 0, b"\1\4\0\0\0\0")
        body = head + body
        proto = EXTS[name]
    first = 6 << 28 | packet["tos"] << 20 | packet["flow"]
    return struct.pack("!IHBB", first, len(body), proto, packet["ttl"]) + sip + dip + body


def labels(packet):
    """Its label stack."""
    last = packet["nm"] - 1
    return b"".join(struct.pack("!I", packet[f"label{i}"] << 12 | packet[f"mtc{i}"] << 9 |
                                (i == last) << 8 | packet[f"mttl{i}"])
                    for i in range(packet["nm"]))


def ppp(packet, payload, tag):
    """A PPPoE session's packet."""
    kind = PPP.get(packet["ppp"])
    body = ip4(packet, payload, tag) if kind == "ip" else \
        ip6(packet, payload, tag) if kind else payload + tag
    return struct.pack("!BBHHH", 0x11, 0, packet["sid"], 2 + len(body), packet["ppp"]) + body


def build(packet, tag):
    """The frame; tag is its last bytes (it may be cut off)."""
    frame = build_inner(packet, tag)
    return tunnels.wrap(packet, frame) if "otype" in packet else frame


def build_inner(packet, tag):
    """The frame, which may be in a tunnel."""
    kind = packet["l3"]
    payload = PATTERN[:packet["len"]]
    if kind == "ip":
        body = ip4(packet, payload, tag)
    elif kind == "ip6":
        body = ip6(packet, payload, tag)
    elif kind == "pppoe":
        body = ppp(packet, payload, tag)
    elif kind == "cfm":
        body = struct.pack("!BBBB", packet["mdl"] << 5 | 1, packet["cfmop"], 0, 70) + \
            payload + bytes(12) + tag
    elif kind == "arp":
        body = struct.pack("!HHBBH6sI6sI", 1, 0x0800, 6, 4, packet["op"],
                           packet["sha"].to_bytes(6, "big"), packet["spa"],
                           packet["tha"].to_bytes(6, "big"), packet["tpa"]) + payload + tag
    elif kind == "mpls":
        body = labels(packet) + ip4(packet, payload, tag)
    else:
        body = payload + bytes(18) + tag
    if kind == "llc":
        body = struct.pack("!H", len(body) + 2) + \
            (b"\xff\xff" if packet["id"] & 1 else b"\x42\x42") + body
    else:
        body = struct.pack("!H", packet["etype"] if kind == "other" else ETHERTYPE[kind]) + body
    for i in reversed(range(packet["nv"])):
        body = struct.pack("!HH", packet[f"tpid{i}"], packet[f"tci{i}"]) + body
    frame = bytearray(packet["dst"].to_bytes(6, "big") + packet["src"].to_bytes(6, "big") + body)
    for at, value in packet["edits"]:
        if at < len(frame):
            frame[at] = value
    if packet["cut"]:
        frame = frame[:max(15, packet["cut"])]
    if packet["pad"]:
        frame += bytes(max(0, packet["pad"] - len(frame) - len(tag))) + tag
    return bytes(frame)


def make_tag(group, seq):
    """Eight bytes that tell a frame from others; group names its flow."""
    return MAGIC + struct.pack("!HHH", group & 0xffff, seq & 0xffff, 0x6772)


def read_tag(frame):
    """(group, seq) of a frame that still has its tag, else None."""
    tail = frame[-8:]
    if tail[:2] != MAGIC or tail[6:] != b"gr":
        return None
    return struct.unpack("!HH", tail[2:6])
