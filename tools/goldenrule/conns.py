# SPDX-License-Identifier: GPL-2.0-only
"""Connections: in conntrack before the frames are sent, and frames of them.

Every round has a zone of its own, @zone, in which they are made anew.
"""
import ipaddress

import packets

NAT = (("--src-nat", 0xc6336409, 0x20010db8 << 96 | 9 << 64 | 9, 3000),
       ("--dst-nat", 0xcb007105, 0x20010db8 << 96 | 9 << 64 | 5, 4000))


def address(value, version):
    """As text."""
    return str(ipaddress.IPv4Address(value) if version == 4 else ipaddress.IPv6Address(value))


def make(rng, world):
    """A few connections; the world knows them."""
    taken = set()
    for i in range(rng.choice((1, 2, 3))):
        version = rng.choice((4, 4, 6))
        pool = world.ip4 if version == 4 else world.ip6
        one = {"version": version, "l4": rng.choice(("udp", "tcp")), "src": rng.choice(pool),
               "dst": rng.choice(pool), "sport": 1000 + i, "dport": 2000 + i}
        if one["src"] == one["dst"]:
            one["dst"] ^= 4
        back = [one["dst"], one["dport"], one["src"], one["sport"]]
        words = f"-I -w @zone -p {one['l4']} -s {address(one['src'], version)} " \
                f"-d {address(one['dst'], version)} --sport {one['sport']} " \
                f"--dport {one['dport']} --timeout 600 --status SEEN_REPLY,ASSURED"
        if one["l4"] == "tcp":
            words += " --state ESTABLISHED"
        if rng.random() < .4:
            words += f" -m {rng.choice((1, 2, 0x15))}"
        nat = rng.sample(NAT, rng.choice((0, 0, 1, 2)))
        for option, ip4, ip6, port in nat:
            ip, port = ip4 if version == 4 else ip6, port + i
            text = address(ip, version)
            words += f" {option} " + (f"{text}:{port}" if version == 4 else f"[{text}]:{port}")
            if option == "--src-nat":
                back[2:] = [ip, port]
            else:
                back[:2] = [ip, port]
        if tuple(back) in taken:
            continue
        taken.add(tuple(back))
        one |= {"back": back, "words": words}
        world.ct.append(one)
    return world.ct


def fields(one, reply):
    """The fields of its packets that way."""
    src, sport, dst, dport = one["src"], one["sport"], one["dst"], one["dport"]
    if reply:
        src, sport, dst, dport = one["back"]
    l3, names = ("ip", ("sip", "dip")) if one["version"] == 4 else ("ip6", ("sip6", "dip6"))
    return {"l3": l3, "l4": one["l4"], names[0]: src, names[1]: dst, "sport": sport,
            "dport": dport, "nv": 0, "frag": 0}


def warm(world, known):
    """Frames that tell software's flow table of the connections, and so the device."""
    frames = []
    for i, one in enumerate(known):
        for reply in (False, True):
            pkt = dict(packets.DEFAULTS) | fields(one, reply) | \
                {"dst": world.macs[0], "src": world.macs[1], "flags": 0x10, "len": 9}
            frames.append(packets.build(pkt, packets.make_tag(1000 + i, reply)))
    return frames


def aim(rng, pkt, world, group):
    """Make a packet one of a connection, or of nobody else's."""
    if rng.random() < .85:
        pkt.update(fields(rng.choice(world.ct), rng.random() < .5))
        pkt["flags"] = 0x10 if rng.random() < .93 else rng.choice((0x11, 0x04, 0x02, 0x14))
        pkt["ttl"] = rng.choice((64, 64, 64, 2, 1, 0, 255))
        if rng.random() < .05:
            pkt["frag"] = rng.choice((1, 2))
        if rng.random() < .05:
            pkt["nv"] = 1
    elif pkt["l4"] in ("tcp", "udp"):
        # Ports of its own, so that no two new connections get the same by NAT.
        pkt["sport"] = 20000 + group


def first_action(rng):
    """ct, and on to chain 1."""
    nat = rng.choice(("", " nat", " nat"))
    mark = ""
    if rng.random() < .25:
        mark = f" mark {rng.choice((1, 2, 0x15)):#x}/0xff"
        if rng.random() < .5:
            mark += f" label {rng.choice((1, 2)):032x}/{0xff:032x}"
    words = f"ct commit{mark} zone @zone" if mark and not nat else f"ct zone @zone{nat}"
    return "ct", f"{words} pipe action goto chain 1"


def later_action(rng):
    """ct once more."""
    name, words = rng.choice((
        ("ct clear", "ct clear"), ("ct commit", "ct commit zone @zone"),
        ("ct commit", "ct commit mark 0x2/0xff zone @zone"),
        ("ct commit nat", "ct commit zone @zone nat dst addr 203.0.113.77"),
        ("ct", "ct zone @zone"), ("ct nat", "ct zone @zone nat")))
    return name, f"{words} pipe"
