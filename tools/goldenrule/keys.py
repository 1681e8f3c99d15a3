# SPDX-License-Identifier: GPL-2.0-only
"""What a generated rule can match on.

To add a key: a function that takes the random source and the world (the few
values that rules and packets of one set share) and returns tc's words and the
constraints on a packet, and a line in KEYS.  "needs" names what has to be known
about the packet before tc accepts the key; "gives" what it makes known.
"""
import ipaddress

import tunnels
from packets import FRAG, L3, L4

LABELS = (16, 17, 123, 0xfffff)
MARKS = (0, 1, 2, 0x15)
MAC_MASKS = (0xffffffffffff, 0xffffff000000, 0x010000000000, 0xfffffffffffe, 0x0000000000ff)
PORT_MASKS = (0xffff, 0xff00, 0xfff0, 0x0001, 0x8000)
BYTE_MASKS = (0xff, 0xff, 0xfc, 0x03, 0xf0, 0x80)


def mac_text(value):
    """02:00:00:00:00:01"""
    return value.to_bytes(6, "big").hex(":")


class World:
    """Values that the rules and packets of one set have in common."""

    def __init__(self, rng):
        self.macs = [0x020000000000 | rng.choice((1, 2, 3, 0x80, 0xff)) for _ in range(3)]
        if rng.random() < .2:
            self.macs.append(rng.choice((0xffffffffffff, 0x01005e000001, 0x333300000001)))
        net = rng.choice((0xc0000200, 0x0a010000, 0xc6336400))
        self.ip4 = [net | rng.choice((1, 2, 129, 254)) for _ in range(3)]
        net = 0x20010db8 << 96 | rng.choice((0, 1 << 64, 0xffff << 48))
        self.ip6 = [net | rng.choice((1, 2, 1 << 31, 0xfffe)) for _ in range(3)]
        self.ports = [rng.choice((1, 53, 1000, 2000, 4789, 0x8000, 65535)) for _ in range(3)]
        self.vids = [rng.choice((1, 5, 6, 100, 4094)) for _ in range(2)]
        self.prios = [rng.randrange(8) for _ in range(2)]
        self.bytes = [rng.choice((0, 1, 2, 4, 64, 0xb8, 255)) for _ in range(3)]
        self.ct = []            # connections that are there
        self.longest = 1400     # payload
        self.tunnel = None      # where rules are, if at a tunnel device


def key_mac(field, word):
    """dst_mac, src_mac"""
    def make(rng, world):
        mask = rng.choice(MAC_MASKS) if rng.random() < .4 else MAC_MASKS[0]
        value = rng.choice(world.macs)
        text = mac_text(value) + ("" if mask == MAC_MASKS[0] else "/" + mac_text(mask))
        return f"{word} {text}", [("bits", field, value, mask)]
    return make


def key_ip4(field, word):
    """src_ip, dst_ip of IPv4; arp_sip, arp_tip"""
    def make(rng, world):
        plen = rng.choice((32, 32, 32, 31, 24, 25, 8, 1))
        value = rng.choice(world.ip4)
        mask = 0xffffffff << 32 - plen & 0xffffffff
        return (f"{word} {ipaddress.IPv4Address(value & mask)}/{plen}",
                [("bits", field, value, mask)])
    return make


def key_ip6(field, word):
    """src_ip, dst_ip of IPv6"""
    def make(rng, world):
        plen = rng.choice((128, 128, 127, 64, 48, 96, 33, 1))
        value = rng.choice(world.ip6)
        mask = (1 << 128) - (1 << 128 - plen)
        return (f"{word} {ipaddress.IPv6Address(value & mask)}/{plen}",
                [("bits", field, value, mask)])
    return make


def key_byte(field, word):
    """ip_tos, ip_ttl"""
    def make(rng, world):
        mask = rng.choice(BYTE_MASKS)
        value = rng.choice(world.bytes) & mask
        text = f"{value:#x}/{mask:#x}" if word == "ip_tos" else f"{value}/{mask:#x}"
        return f"{word} {text}", [("bits", field, value, mask)]
    return make


def key_port(field, word):
    """src_port, dst_port"""
    def make(rng, world):
        value = rng.choice(world.ports)
        mask = rng.choice(PORT_MASKS) if rng.random() < .3 else 0xffff
        text = f"{value & mask}" + ("" if mask == 0xffff else f"/{mask:#x}")
        return f"{word} {text}", [("bits", field, value, mask)]
    return make


def key_port_range(field, word):
    """src_port, dst_port with a range"""
    def make(rng, world):
        low = rng.choice(world.ports)
        high = min(65535, low + rng.choice((1, 2, 100, 40000)))
        if low == high:
            low -= 1
        return f"{word} {low}-{high}", [("range", field, low, high)]
    return make


def key_vlan_id(field, word):
    """vlan_id, cvlan_id"""
    def make(rng, world):
        value = rng.choice(world.vids)
        return f"{word} {value}", [("bits", field, value, 0xfff)]
    return make


def key_vlan_prio(field, word):
    """vlan_prio, cvlan_prio"""
    def make(rng, world):
        value = rng.choice(world.prios)
        return f"{word} {value}", [("bits", field, value << 13, 0xe000)]
    return make


def key_num_of_vlans(rng, _world):
    """num_of_vlans"""
    value = rng.choice((1, 1, 2, 3))
    return f"num_of_vlans {value}", [("in", "nv", (value,), (0, 1, 2, 3))]


def key_ip_flags(rng, _world):
    """ip_flags"""
    words, good = rng.choice((("frag", (1, 2)), ("nofrag", (0,)), ("firstfrag", (1,)),
                              ("frag/nofirstfrag", (2,)), ("frag/firstfrag", (1,)),
                              ("nofirstfrag", (0, 2))))
    return f"ip_flags {words}", [("in", "frag", good, FRAG)]


def key_proto(name, kind):
    """ip_proto"""
    def make(_rng, _world):
        return f"ip_proto {name}", [("in", "l4", (kind,), L4)]
    return make


def key_ip_proto_number(rng, _world):
    """ip_proto with a number"""
    value = rng.choice((47, 50, 51, 89, 253))
    return f"ip_proto {value:#x}", [("in", "l4", ("raw",), L4),
                                      ("in", "proto", (value,), (value, 99))]


def key_tcp_flags(rng, _world):
    """tcp_flags"""
    mask = rng.choice((0xfff, 0x3f, 0x02, 0x12, 0x07, 0xf00))
    value = rng.choice((0x02, 0x12, 0x10, 0x11, 0x18, 0x04, 0x1c2)) & mask
    return f"tcp_flags {value:#x}/{mask:#x}", [("bits", "flags", value, mask)]


def key_icmp(field, word):
    """type, code"""
    def make(rng, _world):
        value = rng.choice((0, 3, 8, 11, 1, 4, 128, 135))
        mask = rng.choice((0xff, 0xff, 0x7f, 0x0f))
        return f"{word} {value & mask}/{mask}", [("bits", field, value, mask)]
    return make


def key_arp_op(rng, _world):
    """arp_op"""
    value = rng.choice((1, 2))
    return f"arp_op {value}", [("bits", "op", value, 0xffff)]


def key_indev(rng, _world):
    """indev; a frame comes in by the port that has the rule."""
    return f"indev {rng.choice(('@own', '@own', '@own', '@out1', '@foreign'))}", []


def key_number(field, word, values, mask):
    """A field without a mask."""
    def make(rng, _world):
        value = rng.choice(values)
        return f"{word} {value}", [("bits", field, value, mask)]
    return make


def key_bos(rng, _world):
    """mpls_bos"""
    value = rng.randrange(2)
    return f"mpls_bos {value}", [("in", "nm", (1,) if value else (2, 3), (1, 2, 3))]


def key_lse(rng, _world):
    """mpls lse, one or two"""
    words, wants = "mpls", []
    for depth in sorted(rng.sample((1, 2, 3), rng.choice((1, 1, 2)))):
        i = depth - 1
        words += f" lse depth {depth}"
        wants.append(("in", "nm", tuple(range(depth, 4)), (1, 2, 3)))
        if rng.random() < .7:
            value = rng.choice(LABELS)
            words += f" label {value}"
            wants.append(("bits", f"label{i}", value, 0xfffff))
        if rng.random() < .3:
            value = rng.randrange(8)
            words += f" tc {value}"
            wants.append(("bits", f"mtc{i}", value, 7))
        if rng.random() < .3:
            value = rng.choice((0, 1, 64))
            words += f" ttl {value}"
            wants.append(("bits", f"mttl{i}", value, 255))
        if rng.random() < .3 and depth < 3:
            value = rng.randrange(2)
            words += f" bos {value}"
            wants.append(("in", "nm", (depth,) if value else tuple(range(depth + 1, 4)), (1, 2, 3)))
    return words, wants


def key_ppp(rng, _world):
    """ppp_proto of what is no IP"""
    value = rng.choice((0xc021, 0x8021))
    return f"ppp_proto {value:#x}", [("in", "ppp", (value,), (0x21, 0x57, 0xc021, 0x8021))]


def key_ppp_is(name, value):
    """ppp_proto"""
    def make(_rng, _world):
        return f"ppp_proto {name}", [("in", "ppp", (value,), (0x21, 0x57, 0xc021, 0x8021))]
    return make


def key_cfm(rng, _world):
    """cfm mdl, op"""
    words, wants = "cfm", []
    which = rng.choice(("mdl", "op", "both"))
    if which != "op":
        value = rng.randrange(8)
        words += f" mdl {value}"
        wants.append(("bits", "mdl", value, 7))
    if which != "mdl":
        value = rng.choice((1, 2, 3, 255))
        words += f" op {value}"
        wants.append(("bits", "cfmop", value, 255))
    return words, wants


def key_l2_miss(rng, _world):
    """l2_miss: nothing that comes in by a port has it."""
    return f"l2_miss {int(rng.random() < .1)}", []


def key_ct_state(rng, world):
    """ct_state; whether a frame has it depends on frames before."""
    if not world.ct:
        return f"ct_state {rng.choice(('-trk', '-trk', '-trk', '+trk', '-est'))}", []
    return "ct_state " + rng.choice(("+trk+est", "+trk+est", "+trk+est-rpl", "+trk+est+rpl",
                                     "+trk+new", "+trk-new", "+trk+inv", "+trk-inv", "+trk",
                                     "+trk+est-inv-rel", "+trk+rel", "-trk")), []


def key_ct_mark(rng, _world):
    """ct_mark"""
    mask = rng.choice((0xffffffff, 0xf, 0x10))
    return f"ct_mark {rng.choice(MARKS) & mask:#x}/{mask:#x}", []


def key_ct_label(rng, _world):
    """ct_label"""
    # Connections that are made before have none.
    value, mask = rng.choice(((1, 0xff), (2, 0xff), (0, 0xffff), (0, 0xff), (0, 1), (1, 1)))
    return f"ct_label {value:032x}/{mask:032x}", []


def key_ct_zone(rng, _world):
    """ct_zone"""
    return f"ct_zone {rng.choice(('@zone', '@zone', '@zone', '7'))}", []


# name, needs, gives, excludes (keys that may not be there too), make
KEYS = (
    ("dst_mac", (), (), (), key_mac("dst", "dst_mac")),
    ("src_mac", (), (), (), key_mac("src", "src_mac")),
    ("indev", (), (), (), key_indev),
    ("num_of_vlans", ("vlan",), (), (), key_num_of_vlans),
    ("vlan_id", ("vlan",), (), (), key_vlan_id("tci0", "vlan_id")),
    ("vlan_prio", ("vlan",), (), (), key_vlan_prio("tci0", "vlan_prio")),
    ("cvlan_id", ("cvlan",), (), (), key_vlan_id("tci1", "cvlan_id")),
    ("cvlan_prio", ("cvlan",), (), (), key_vlan_prio("tci1", "cvlan_prio")),
    ("pppoe_sid", ("pppoe",), (), (), key_number("sid", "pppoe_sid", (9, 8, 0xfffe), 0xffff)),
    ("ppp_proto ip", ("pppoe",), ("ppp", "ip4", "ipany"), ("ppp",),
     key_ppp_is("ip", 0x21)),
    ("ppp_proto ipv6", ("pppoe",), ("ppp", "ip6", "ipany"), ("ppp",),
     key_ppp_is("ipv6", 0x57)),
    ("ppp_proto NUMBER", ("pppoe",), ("ppp",), ("ppp",), key_ppp),
    ("ip_proto tcp", ("ipany",), ("tcp", "ports", "l4"), ("l4",), key_proto("tcp", "tcp")),
    ("ip_proto udp", ("ipany",), ("udp", "ports", "l4"), ("l4",), key_proto("udp", "udp")),
    ("ip_proto sctp", ("ipany",), ("ports", "l4"), ("l4",), key_proto("sctp", "sctp")),
    ("ip_proto icmp", ("ip4",), ("icmp", "l4"), ("l4",), key_proto("icmp", "icmp")),
    ("ip_proto icmpv6", ("ip6",), ("icmp", "l4"), ("l4",), key_proto("icmpv6", "icmp6")),
    ("ip_proto NUMBER", ("ipany",), ("l4",), ("l4",), key_ip_proto_number),
    ("src_ip (4)", ("ip4",), (), (), key_ip4("sip", "src_ip")),
    ("dst_ip (4)", ("ip4",), (), (), key_ip4("dip", "dst_ip")),
    ("src_ip (6)", ("ip6",), (), (), key_ip6("sip6", "src_ip")),
    ("dst_ip (6)", ("ip6",), (), (), key_ip6("dip6", "dst_ip")),
    ("ip_tos", ("ipany",), (), (), key_byte("tos", "ip_tos")),
    ("ip_ttl", ("ipany",), (), (), key_byte("ttl", "ip_ttl")),
    ("ip_flags", ("ipany",), (), (), key_ip_flags),
    ("src_port", ("ports",), ("src_port",), ("src_port",), key_port("sport", "src_port")),
    ("dst_port", ("ports",), ("dst_port",), ("dst_port",), key_port("dport", "dst_port")),
    ("src_port RANGE", ("ports",), ("src_port",), ("src_port",),
     key_port_range("sport", "src_port")),
    ("dst_port RANGE", ("ports",), ("dst_port",), ("dst_port",),
     key_port_range("dport", "dst_port")),
    ("tcp_flags", ("tcp",), (), (), key_tcp_flags),
    ("type", ("icmp",), ("type",), (), key_icmp("itype", "type")),
    ("code", ("icmp", "type"), (), (), key_icmp("icode", "code")),
    ("arp_op", ("arp",), (), (), key_arp_op),
    ("arp_sip", ("arp",), (), (), key_ip4("spa", "arp_sip")),
    ("arp_tip", ("arp",), (), (), key_ip4("tpa", "arp_tip")),
    ("arp_sha", ("arp",), (), (), key_mac("sha", "arp_sha")),
    ("arp_tha", ("arp",), (), (), key_mac("tha", "arp_tha")),
    ("l2_miss", (), (), (), key_l2_miss),
    ("ip_proto l2tp", ("ipany",), ("l2tp", "l4"), ("l4",), key_proto("l2tp", "l2tp")),
    ("ip_proto esp", ("ipany",), ("spi", "l4"), ("l4",), key_proto("esp", "esp")),
    ("ip_proto ah", ("ipany",), ("spi", "l4"), ("l4",), key_proto("ah", "ah")),
    ("l2tpv3_sid", ("l2tp",), (), (), key_number("l2tp", "l2tpv3_sid", (9, 8, 0xffffffff),
                                                 0xffffffff)),
    ("spi", ("spi",), (), (), key_number("spi", "spi", (9, 8, 0x01020304), 0xffffffff)),
    ("mpls lse", ("mpls",), ("lse",), (), key_lse),
    ("mpls_label", ("mpls",), (), ("lse",), key_number("label0", "mpls_label", LABELS, 0xfffff)),
    ("mpls_tc", ("mpls",), (), ("lse",), key_number("mtc0", "mpls_tc", range(8), 7)),
    ("mpls_bos", ("mpls",), (), ("lse",), key_bos),
    ("mpls_ttl", ("mpls",), (), ("lse",), key_number("mttl0", "mpls_ttl", (0, 1, 64), 255)),
    ("cfm", ("cfm",), (), (), key_cfm),
    ("ct_state", ("ipany",), (), (), key_ct_state),
    ("ct_zone", ("ct",), (), (), key_ct_zone),
    ("ct_mark", ("ct",), (), (), key_ct_mark),
    ("ct_label", ("ct",), (), (), key_ct_label),
    ("enc_key_id", ("tunnel",), (), (), tunnels.key_id),
    ("enc_src_ip (4)", ("tunnel",), ("enc4",), ("enc6", "tun6"), tunnels.key_ip(4)),
    ("enc_src_ip (6)", ("tunnel",), ("enc6",), ("enc4", "tun4"), tunnels.key_ip(6)),
    ("enc_dst_ip (4)", ("tunnel",), ("enc4",), ("enc6", "tun6"), tunnels.key_dst_ip(4)),
    ("enc_dst_ip (6)", ("tunnel",), ("enc6",), ("enc4", "tun4"), tunnels.key_dst_ip(6)),
    ("enc_dst_port", ("udptunnel",), (), (), tunnels.key_port),
    ("enc_tos", ("tunnel",), (), (), tunnels.key_byte("otos", "enc_tos")),
    ("enc_ttl", ("tunnel",), (), (), tunnels.key_byte("ottl", "enc_ttl")),
    ("enc_opts", ("geneve",), (), (), tunnels.key_options),
    ("enc_flags", ("tunnel",), (), (), tunnels.key_flags),
)

INNER = {
    "ip": ("ip", ("ip4", "ipany")), "ipv6": ("ip6", ("ip6", "ipany")), "arp": ("arp", ("arp",)),
}


def l3_is(kind):
    """The constraint for a network protocol."""
    return ("in", "l3", (kind,), L3)


def tag_wants(i, tpid):
    """The constraints for a tag at place i."""
    return [("in", "nv", tuple(range(i + 1, 4)), (0, 1, 2, 3)),
            ("in", f"tpid{i}", (tpid,), (0x8100, 0x88a8))]


def choose_protocol(rng, only):
    """tc's protocol, words that follow it, constraints and what is known then."""
    proto = rng.choice(only) if only else rng.choices(("ip", "ipv6", "arp", "802.1q", "802.1ad", "all", "0x88b5", "mpls_uc",
                         "802_2", "ppp_ses", "cfm"), (36, 16, 6, 20, 6, 10, 2, 4, 2, 4, 2))[0]
    if proto in INNER:
        kind, known = INNER[proto]
        return proto, [], [("in", "nv", (0,), (0, 1, 2, 3)), l3_is(kind)], set(known)
    untagged = ("in", "nv", (0,), (0, 1, 2, 3))
    if proto == "all":
        return proto, [], [], set()
    if proto == "0x88b5":
        return proto, [], [untagged, l3_is("other"), ("bits", "etype", 0x88b5, 0xffff)], set()
    if proto == "mpls_uc":
        return proto, [], [untagged, l3_is("mpls")], {"mpls"}
    if proto == "ppp_ses":
        return proto, [], [untagged, l3_is("pppoe")], {"pppoe"}
    if proto == "cfm":
        return proto, [], [untagged, l3_is("cfm")], {"cfm"}
    if proto == "802_2":
        return proto, [], [untagged, l3_is("llc"), ("bits", "id", 0, 1)], set()
    words, known = [], {"vlan"}
    wants = tag_wants(0, 0x8100 if proto == "802.1q" else 0x88a8)
    inner = rng.choice(("", "ip", "ip", "ipv6", "arp", "802.1q", "802.1ad"))
    if inner in INNER:
        words.append(("vlan_ethtype", f"vlan_ethtype {inner}"))
        kind, more = INNER[inner]
        known |= set(more)
        wants += [("in", "nv", (1,), (0, 1, 2, 3)), l3_is(kind)]
    elif inner:
        words.append(("vlan_ethtype", f"vlan_ethtype {inner}"))
        known.add("cvlan")
        wants += tag_wants(1, 0x8100 if inner == "802.1q" else 0x88a8)
        deep = rng.choice(("", "ip", "ipv6"))
        if deep:
            words.append(("cvlan_ethtype", f"cvlan_ethtype {deep}"))
            kind, more = INNER[deep]
            known |= set(more)
            wants += [("in", "nv", (2,), (0, 1, 2, 3)), l3_is(kind)]
    return proto, words, wants, known


def choose_ct(rng, world):
    """[(name, words)]: only what is known of a connection, so that packets of it hit."""
    some = [k for k in KEYS if k[0] in ("ct_zone", "ct_mark", "ct_label") and rng.random() < .5]
    return [("ct_state", "ct_state +trk+est")] + [(k[0], k[4](rng, world)[0]) for k in some]


# At the ingress of tunnel devices.
KNOWN_IN = {"vxlan": {"tunnel", "udptunnel"}, "geneve": {"tunnel", "udptunnel", "geneve"},
            "gre": {"tunnel", "tun4"}, "gre6": {"tunnel", "tun6"}}


def choose_keys(rng, world, many, only=()):
    """(protocol, [(name, words)], constraints) of a rule with about many keys.

    The protocol is one of only, if that is not empty.
    """
    proto, keys, wants, known = choose_protocol(rng, only)
    known |= KNOWN_IN.get(world.tunnel, set())
    if world.ct:
        known.add("ct")
    for name, needs, gives, excludes, make in KEYS:
        if not set(needs) <= known or set(excludes) & known:
            continue
        here = sum(set(k[1]) <= known for k in KEYS)
        odds = many / max(4, here)
        if gives and "l4" in gives:
            odds = .35
        if name in ("indev", "l2_miss") or name == "ct_state" and not world.ct:
            odds = .04
        if rng.random() > odds:
            continue
        words, more = make(rng, world)
        keys.append((name, words))
        wants += more
        known |= set(gives)
    return proto, keys, wants
