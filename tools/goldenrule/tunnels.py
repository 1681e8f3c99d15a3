# SPDX-License-Identifier: GPL-2.0-only
"""Tunnels: what rules say of outer headers, and the bytes of these.

guest.sh gives the uplink HERE_MAC and HERE, neighbours THERE with THERE_MAC,
and makes one device of each TYPE.  A packet in a tunnel is one with "otype"
among its fields; those of the outer header begin with "o".
"""
import ipaddress
import os
import re
import struct

from pkt import ip_sum

TYPES = ("vxlan", "geneve", "gre", "gre6")
PORT = {"vxlan": 4789, "geneve": 6081}
HERE_MAC, THERE_MAC = bytes.fromhex("020000009901"), bytes.fromhex("020000009902")
HERE = {4: 0x0a630001, 6: 0xfd99 << 112 | 1}
THERE = {4: (0x0a630002, 0x0a630003), 6: (0xfd99 << 112 | 2, 0xfd99 << 112 | 3)}
VNIS = (0, 1, 42, 0x123456, 0xffffff)
TOS = (0, 0, 1, 2, 3, 0xb8, 0xbb)
# GENEVE options as tc writes them and their bytes.
OPTIONS = (("0102:80:00112233", bytes.fromhex("0102800100112233")),
           ("0102:80:00112234", bytes.fromhex("0102800100112234")),
           ("0109:01:0011223344556677", bytes.fromhex("010901020011223344556677")))
# Older kernels warn when they take such a packet out of its tunnel.
OPTIONS_COME_IN = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (6, 13)
FRAME_MAX = 1200        # of frames that go into tunnels: no path's MTU is in the way


def family(kind, rng):
    """IPv4 or IPv6."""
    return {"gre": 4, "gre6": 6}.get(kind) or rng.choice((4, 6))


def text(value, version):
    """An address as tc writes it."""
    return str(ipaddress.IPv4Address(value) if version == 4 else ipaddress.IPv6Address(value))


def key_words(rng, kind):
    """tunnel_key set, for a device of that type."""
    version = family(kind, rng)
    words = f"tunnel_key set src_ip {text(HERE[version], version)} " \
            f"dst_ip {text(rng.choice(THERE[version]), version)}"
    if kind in PORT or rng.random() < .8:
        words += f" id {rng.choice(VNIS)}"
    if kind in PORT:
        words += f" dst_port {PORT[kind]}"
    if rng.random() < .5:
        words += f" tos {rng.choice(TOS):#x}"
    if rng.random() < .5:
        words += f" ttl {rng.choice((1, 64, 255))}"
    if kind == "geneve" and rng.random() < .3:
        words += f" geneve_opts {rng.choice(OPTIONS)[0]}"
    if kind not in PORT or rng.random() < .4:
        words += " nocsum"
    if rng.random() < .2:
        words += " nofrag"
    return words


def encap(kind):
    """Into a tunnel: the last of a rule."""
    def make(rng, _world):
        return f"{key_words(rng, kind)} pipe action mirred egress redirect dev @{kind}"
    return make


def encap_copy(rng, _world):
    """A copy into a tunnel; the packet goes on."""
    kind = rng.choice(TYPES)
    return f"{key_words(rng, kind)} pipe action mirred egress mirror dev @{kind} pipe " \
           "action tunnel_key unset"


def key_id(rng, _world):
    """enc_key_id"""
    value = rng.choice(VNIS)
    return f"enc_key_id {value}", [("bits", "ovni", value, 0xffffff)]


def key_ip(version):
    """enc_src_ip"""
    def make(rng, _world):
        value = rng.choice(THERE[version])
        plen = rng.choice((32, 32, 24) if version == 4 else (128, 128, 64))
        bits = 32 if version == 4 else 128
        mask = (1 << bits) - (1 << bits - plen)
        return (f"enc_src_ip {text(value & mask, version)}/{plen}",
                [("in", "ofam", (version,), (4, 6)), ("bits", "osrc", value & 1, 1 & mask)])
    return make


def key_dst_ip(version):
    """enc_dst_ip"""
    def make(_rng, _world):
        return (f"enc_dst_ip {text(HERE[version], version)}",
                [("in", "ofam", (version,), (4, 6))])
    return make


def key_port(rng, world):
    """enc_dst_port"""
    value = PORT[world.tunnel] if rng.random() < .9 else 4444
    return f"enc_dst_port {value}", []


def key_byte(field, word):
    """enc_tos, enc_ttl"""
    def make(rng, _world):
        mask = rng.choice((0xff, 0xff, 0xfc, 0x03))
        value = rng.choice(TOS if field == "otos" else (1, 2, 64, 255)) & mask
        words = f"{value:#x}/{mask:#x}" if field == "otos" else f"{value}/{mask:#x}"
        return f"{word} {words}", [("bits", field, value, mask)]
    return make


def key_options(rng, _world):
    """geneve_opts of enc"""
    which = rng.randrange(len(OPTIONS))
    words = OPTIONS[which][0]
    size = len(words.split(":")[2])
    mask = rng.choice(("ff" * (size // 2), "ff" + "00" * (size // 2 - 1)))
    return f"geneve_opts {words}/ffff:ff:{mask}", [("in", "oopt", (which,), (-1, 0, 1, 2))]


def key_flags(rng, _world):
    """enc_flags"""
    words, wants = rng.choice((
        ("tundf", [("in", "odf", (1,), (0, 1))]), ("notundf", [("in", "odf", (0,), (0, 1))]),
        ("tuncsum", [("in", "ocsum", (1,), (0, 1))]),
        ("notuncsum", [("in", "ocsum", (0,), (0, 1))]),
        ("tunoam", [("in", "ooam", (1,), (0, 1))]), ("notunoam", [("in", "ooam", (0,), (0, 1))])))
    return f"enc_flags {words}", wants


def outer(rng, kind):
    """Fields of an outer header."""
    return {"otype": kind, "ofam": family(kind, rng), "ovni": rng.choice(VNIS),
            "osrc": rng.choice((2, 3)), "otos": rng.choice(TOS),
            "ottl": rng.choice((1, 2, 64, 255)), "odf": rng.random() < .5,
            "ocsum": rng.random() < .5, "ooam": rng.random() < .05,
            "oopt": rng.choice((-1, -1, 0, 1, 2)) if kind == "geneve" else -1,
            "oport": rng.choice((1, 1000, 0xffff)), "odd": None}


def fence(kind):
    """A plain outer header."""
    return {"otype": kind, "ofam": 6 if kind == "gre6" else 4, "ovni": 1, "osrc": 0, "otos": 0,
            "ottl": 64, "odf": 0, "ocsum": 0, "ooam": 0, "oopt": -1, "oport": 1000, "odd": None}


ODD = ("port", "flags", "csum", "ipopts", "frag", "version", "mac", "address", "short", "tag")


def header(packet):
    """The tunnel's own header, and the IP protocol below it."""
    kind, odd = packet["otype"], packet["odd"]
    if kind == "vxlan":
        flags = 0x08 if odd != "flags" else packet["osrc"] & 1 and 0x88 or 0
        return 17, struct.pack("!B3xI", flags, packet["ovni"] << 8)
    if kind == "geneve":
        opts = OPTIONS[packet["oopt"]][1] if packet["oopt"] >= 0 and OPTIONS_COME_IN else b""
        first = (0x40 if odd == "version" else 0) | len(opts) // 4
        second = (0x80 if packet["ooam"] else 0) | (0x40 if odd == "flags" else 0)
        return 17, struct.pack("!BBHI", first, second, 0x6558, packet["ovni"] << 8) + opts
    flags = 0x2000 if packet["ovni"] else 0
    if odd == "flags":
        flags |= 0x1000
    if odd == "version":
        flags |= 1
    more = struct.pack("!I", packet["ovni"]) if flags & 0x2000 else b""
    if flags & 0x1000:
        more += struct.pack("!I", 7)
    return 47, struct.pack("!HH", flags, 0x6558) + more


def wrap(packet, frame):
    """The frame in its tunnel."""
    version, odd = packet["ofam"], packet["odd"]
    if packet["otype"] in ("gre", "gre6"):
        version = family(packet["otype"], None)
    proto, head = header(packet)
    body = head + frame
    if odd == "short":
        body = body[:packet["otos"] % 40]
    here = HERE[version] ^ (4 if odd == "address" else 0)
    there = THERE[version][packet["osrc"] & 1]
    size = 4 if version == 4 else 16
    ips = there.to_bytes(size, "big") + here.to_bytes(size, "big")
    if proto == 17:
        port = PORT[packet["otype"]] ^ (1 if odd == "port" else 0)
        udp = struct.pack("!HHHH", packet["oport"], port, 8 + len(body), 0)
        csum = 0
        if packet["ocsum"] or odd == "csum":
            csum = ip_sum(ips + struct.pack("!HH", 17, 8 + len(body)) + udp + body) or 0xffff
            if odd == "csum":
                csum ^= 0x5555
        body = udp[:6] + struct.pack("!H", csum) + body
    if version == 4:
        opts = b"\1\1\1\1" if odd == "ipopts" else b""
        off = 0x2000 if odd == "frag" else 0x4000 if packet["odf"] else 0
        ip = struct.pack("!BBHHHBBH", 0x45 + len(opts) // 4, packet["otos"],
                         20 + len(opts) + len(body), 7, off, packet["ottl"], proto, 0) + ips + opts
        ip = ip[:10] + struct.pack("!H", ip_sum(ip)) + ip[12:]
        kind = 0x0800
    else:
        ip = struct.pack("!IHBB", 6 << 28 | packet["otos"] << 20 | packet["oport"] & 0xff,
                         len(body), proto, packet["ottl"]) + ips
        kind = 0x86dd
    mac = HERE_MAC if odd != "mac" else bytes.fromhex("02000000aabb")
    tag = struct.pack("!HH", 0x8100, 5) if odd == "tag" else b""
    return mac + THERE_MAC + tag + struct.pack("!H", kind) + ip + body


def plain(frame):
    """A frame without what the kernel chooses by chance: the outer IPv4 header's id."""
    if frame[12:15] == b"\x08\x00\x45" and frame[26:30] == HERE[4].to_bytes(4, "big") and \
            frame[:6] == THERE_MAC and ip_sum(frame[14:34]) == 0:
        return frame[:18] + b"\0\0" + frame[20:24] + b"\0\0" + frame[26:]
    return frame
