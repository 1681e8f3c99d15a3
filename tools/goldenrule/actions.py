# SPDX-License-Identifier: GPL-2.0-only
"""What a generated rule can do.

To add an action: a function that takes the random source and the world
and returns tc's words without a control, and a line in ACTIONS (one that
the packet goes on behind) or ENDS (the last of a rule).
"""
import ipaddress

import tunnels
from keys import mac_text


# Ports as rules name them; the engine knows which they are on each lane.
OWN, OTHERS, FOREIGN = "@own", ("@out1", "@out2", "@uplink"), "@foreign"


def any_port(rng):
    """A port to output to, seldom the one the packet came in by."""
    return OWN if rng.random() < .1 else rng.choice(OTHERS)


def mirror(rng, _world):
    """A copy to another port."""
    return f"mirred egress mirror dev {any_port(rng)}"


def redirect(rng, _world):
    """To another port."""
    return f"mirred egress redirect dev {any_port(rng)}"


def vlan_words(rng, world, verb, proto_often):
    """A tag's values; its protocol so often."""
    words = f"vlan {verb} id {rng.choice(world.vids)}"
    if rng.random() < proto_often:
        words += f" protocol {rng.choice(('802.1Q', '802.1ad'))}"
    if rng.random() < .5:
        words += f" priority {rng.choice(world.prios)}"
    return words


def vlan_push(rng, world):
    """One more tag."""
    return vlan_words(rng, world, "push", .5)


def vlan_pop(_rng, _world):
    """One tag less."""
    return "vlan pop"


def vlan_modify(rng, world):
    """Another outermost tag."""
    return vlan_words(rng, world, "modify", .4)


def hexes(rng, bits):
    """A number of so many bits."""
    return f"{rng.choice((0, 1, (1 << bits) - 1, rng.getrandbits(bits))):#x}"


def munge_eth(rng, world):
    """Ethernet addresses."""
    return f"munge eth {rng.choice(('src', 'dst'))} set {mac_text(rng.choice(world.macs))}"


def munge_ip(rng, world):
    """A field of IPv4."""
    kind = rng.choice(("addr", "addr", "part", "ttl", "ttl add", "tos", "tos part"))
    field = rng.choice(("src", "dst"))
    if kind == "addr":
        return f"munge ip {field} set {ipaddress.IPv4Address(rng.choice(world.ip4))}"
    if kind == "part":
        return f"munge ip {field} set 198.51.100.0 retain {rng.choice(('0xffffff00', '0xff', '0xff00ff'))}"
    if kind == "ttl":
        return f"munge ip ttl set {rng.choice(world.bytes)}"
    if kind == "ttl add":
        return f"munge ip ttl add {rng.choice((0xff, 1, 0xfe))}"
    if kind == "tos":
        return f"munge ip tos set {rng.choice(world.bytes)}"
    return f"munge ip tos set {hexes(rng, 8)} retain {rng.choice(('0xfc', '0x3', '0xff'))}"


def munge_ip6(rng, world):
    """A field of IPv6."""
    kind = rng.choice(("addr", "addr", "hoplimit", "hoplimit add", "tclass"))
    if kind == "addr":
        return f"munge ip6 {rng.choice(('src', 'dst'))} set " \
               f"{ipaddress.IPv6Address(rng.choice(world.ip6))}"
    if kind == "hoplimit":
        return f"munge ip6 hoplimit set {rng.choice(world.bytes)}"
    if kind == "hoplimit add":
        return f"munge ip6 hoplimit add {rng.choice((0xff, 1, 0xfe))}"
    return f"munge ip6 traffic_class set {rng.choice(world.bytes)} retain {rng.choice(('0xfc', '0xff'))}"


def munge_port(rng, world, kind):
    """A port."""
    verb = rng.choice(("set", "set", "add"))
    value = rng.choice(world.ports) if verb == "set" else rng.choice((1, 0xffff, 256))
    return f"munge {kind} {rng.choice(('sport', 'dport'))} {verb} {value}"


def pedit(kind):
    """One or two edits of a header."""
    def make(rng, world):
        def one():
            if kind == "eth":
                return munge_eth(rng, world)
            if kind == "ip":
                return munge_ip(rng, world)
            if kind == "ip6":
                return munge_ip6(rng, world)
            return munge_port(rng, world, kind)
        return "pedit ex " + " ".join(one() for _ in range(rng.choice((1, 1, 2))))
    return make


def pedit_raw(rng, _world):
    """Bytes anywhere, before the network header too, whatever they are."""
    size = rng.choice((8, 8, 16, 32))
    offset = rng.choice((rng.randrange(-14, 0), rng.randrange(20), rng.randrange(20, 60),
                         rng.randrange(60, 1000))) // (size // 8) * (size // 8)
    if offset < -12 and size == 32:
        offset = -12
    verb = "add" if rng.random() < .2 else "set"
    words = f"pedit ex munge offset {offset} u{size} {verb} {hexes(rng, size)}"
    if rng.random() < .3:
        words += f" retain {rng.choice((0xff, 0x0f, 1 << size - 1, (1 << size) - 2)):#x}"
    return words


def pedit_odd(rng, _world):
    """A field that is seldom edited."""
    return "pedit ex munge " + rng.choice((
        "ip ihl set 6", "ip protocol set 6", "ip df set 0x40", "ip mf set 0x20",
        "ip precedence set 0x60", "ip ce set 0x80", "ip firstfrag set 0", "ip6 flow_lbl set 5",
        "ip6 nexthdr set 6", "ip6 payload_len set 8", "tcp flags set 2", "eth type set 0x88b5"))


def csum(rng, _world):
    """Checksums of one or more protocols."""
    kinds = rng.sample(("ip4h", "tcp", "udp", "icmp", "sctp", "igmp", "udplite"),
                       rng.choice((1, 2, 3)))
    return "csum " + " and ".join(kinds)


def plain(words):
    """An action without a choice."""
    return lambda _rng, _world: words


def to_foreign(_rng, _world):
    """To a device the switch does not have."""
    return f"mirred egress mirror dev {FOREIGN}"


def mpls_push(rng, _world):
    """A label."""
    return f"mpls push protocol {rng.choice(('mpls_uc', 'mpls_uc', 'mpls_mc'))} " \
           f"label {rng.choice((16, 123, 0xfffff))} tc {rng.randrange(8)} " \
           f"ttl {rng.choice((1, 64, 255))}"


def mpls_pop(rng, _world):
    """One label less."""
    return f"mpls pop protocol {rng.choice(('ip', 'ip', 'mpls_uc', 'ipv6', 'teb', '802.1q'))}"


def mpls_modify(rng, _world):
    """Another outermost label."""
    return "mpls modify " + rng.choice(("label 77", "tc 3", "ttl 9", "label 78 tc 1 ttl 200"))


def new_eth(rng, world):
    """Another Ethernet header, perhaps with a label behind it."""
    macs = [mac_text(rng.choice(world.macs)) for _ in range(2)]
    label = f"{mpls_push(rng, world)} pipe action " if rng.random() < .4 else ""
    return f"vlan pop_eth pipe action {label}vlan push_eth dst_mac {macs[0]} src_mac {macs[1]}"


def skbedit(rng, _world):
    """What the packet carries besides its bytes."""
    return "skbedit " + rng.choice(("mark 7", "priority 3", "ptype host", "ptype otherhost"))


def police(rng, _world):
    """A policer whose verdict is the same whatever the time."""
    limit = rng.choice((
        "rate 100gbit burst 100mb",                         # all conform
        "pkts_rate 10000000 pkts_burst 1000000",
        "rate 8bit burst 1",                                # none does
        "mtu 60", "mtu 74", "mtu 100", "mtu 130",           # those not longer do
        "rate 100gbit burst 100mb mtu 300"))
    verdicts = rng.choice(("drop/pipe", "drop/pipe", "pipe/pipe", "pipe/drop"))
    return f"police {limit} conform-exceed {verdicts}"


def sample(rng, _world):
    """A copy for whoever listens, of every packet."""
    words = f"sample rate 1 group {rng.choice((5, 6))}"
    return words + rng.choice(("", "", " trunc 20", " trunc 64", " trunc 4000"))


def ingress(how):
    """To a netdev of the host; from a tunnel mostly as hardware can do it."""
    def make(rng, world):
        first = "skbedit ptype host pipe action " if world.tunnel and rng.random() < .8 else ""
        return f"{first}mirred ingress {how} dev {FOREIGN}"
    return make


# What is added to a rule is "pipe", unless the words say themselves how it goes on.
OWN_CONTROL = ("police", "encap copy")

# name, what the packet should be, how often, make
ACTIONS = (
    ("mirror", None, 8, mirror),
    ("vlan push", None, 4, vlan_push),
    ("vlan pop", None, 4, vlan_pop),
    ("vlan modify", None, 3, vlan_modify),
    ("pedit eth", None, 3, pedit("eth")),
    ("pedit ip", "ip", 8, pedit("ip")),
    ("pedit ip6", "ip6", 14, pedit("ip6")),
    ("pedit tcp", "tcp", 10, pedit("tcp")),
    ("pedit udp", "udp", 10, pedit("udp")),
    ("pedit raw", None, 2, pedit_raw),
    ("pedit odd", None, 1, pedit_odd),
    ("csum", "ipany", 6, csum),
    ("police", None, 3, police),
    ("skbedit", None, 2, skbedit),
    ("sample", None, 2, sample),
    ("mpls push", None, 2, mpls_push),
    ("mpls pop", "mpls", 8, mpls_pop),
    ("mpls modify", "mpls", 8, mpls_modify),
    ("pop_eth push_eth", None, 2, new_eth),
    ("ingress mirror", None, 1, ingress("mirror")),
    ("encap copy", None, 1, tunnels.encap_copy),
)

# Seldom, so that most rules have none: what a device may refuse.
RARE = (
    ("mirror elsewhere", to_foreign),
    ("vlan push_eth", plain("vlan push_eth dst_mac 02:00:00:00:00:aa src_mac 02:00:00:00:00:bb")),
)

ENDS = (("redirect", 50), ("drop", 12), ("goto", 22), ("pass", 10), ("trap", 3), ("mirror", 3),
        ("ingress redirect", 3)) + tuple((f"encap {kind}", 3) for kind in tunnels.TYPES)


def fits(needs, wants):
    """May a packet that satisfies wants have what needs names?"""
    if needs is None:
        return True
    good = {"ip": ("l3", ("ip",)), "ip6": ("l3", ("ip6",)), "ipany": ("l3", ("ip", "ip6")),
            "tcp": ("l4", ("tcp",)), "udp": ("l4", ("udp",)),
            "mpls": ("l3", ("mpls",))}[needs]
    for want in wants:
        if want[0] == "in" and want[1] == good[0]:
            return set(want[2]) <= set(good[1])
    return False


def one(rng, world, name, make):
    """(name, words) of an action that the packet goes on behind."""
    return name, make(rng, world) + ("" if name in OWN_CONTROL else " pipe")


def end_of(rng, world, end, chains):
    """(name, words) of a last action."""
    if end == "redirect":
        return end, redirect(rng, world)
    if end == "mirror":
        return end, f"{mirror(rng, world)} {rng.choice(('pipe', 'drop', 'pass'))}"
    if end == "goto":
        return end, f"goto chain {rng.choice(chains)}"
    if end == "ingress redirect":
        return end, ingress("redirect")(rng, world)
    if end.startswith("encap "):
        return end, tunnels.encap(end.split()[1])(rng, world)
    return end, end


def places(acts):
    """The number tc gives the first action of each of acts, and of what is behind them."""
    out = [0]
    for _, words in acts:
        out.append(out[-1] + len(words.split(" action ")))
    return out


def jumps(rng, acts, chains):
    """Make some of the actions jump: to a later one, or, a policer, to a chain."""
    at = rng.randint(0, max(0, len(acts) - 2))
    acts.insert(at, ("police jump", ""))
    where = places(acts)
    to = rng.choice(where[at + 1:-1])
    how = f"jump {to}"
    if chains and rng.random() < .2:
        how = f"goto chain {rng.choice(chains)}"
    verdicts = rng.choice(("{} / pipe", "{} / pipe", "pipe / {}", "pipe / {}", "drop / {}",
                           "{} / drop"))
    acts[at] = "police jump", f"police mtu {rng.choice((60, 74, 100, 130))} " \
                              f"conform-exceed {verdicts.format(how)}"
    # What is before the place it jumps to leads beyond it: "if" and "else".
    before = where.index(to) - 1
    name, words = acts[before]
    if before > at and words.endswith(" pipe") and to < where[-2] and rng.random() < .8:
        beyond = rng.choice([w for w in where[:-1] if w > to])
        acts[before] = name, f"{words[:-4]}jump {beyond}"
    return acts


def choose(rng, world, wants, chains, rare):
    """[(name, words)] of a rule; chains are those a goto may name."""
    end = rng.choices([e[0] for e in ENDS], [e[1] for e in ENDS])[0]
    if end == "goto" and not chains:
        end = "redirect"
    acts = []
    fitting = [a for a in ACTIONS if fits(a[1], wants) or rng.random() < .02]
    many = 0 if end in ("pass", "trap") and rng.random() < .6 else rng.choices(
        (0, 1, 2, 3, 5, 8), (30, 25, 20, 14, 8, 3))[0]
    for _ in range(many):
        name, _, _, make = rng.choices(fitting, [a[2] for a in fitting])[0]
        acts.append(one(rng, world, name, make))
    if rare:
        name, make = rng.choice(RARE)
        acts.insert(rng.randint(0, len(acts)), one(rng, world, name, make))
    acts.append(end_of(rng, world, end, chains))
    if rng.random() < .03 and len(acts) > 1:
        # A list that ends before its last action, by what one says.
        name, words = acts[-2]
        if words.endswith(" pipe"):
            acts[-2:] = [(name, words[:-4] + rng.choice(("pass", "drop")))]
    if world.tunnel and rng.random() < .9:
        acts.insert(0, ("tunnel_key unset", "tunnel_key unset pipe"))
    return acts


# Pairs of actions in one rule.  Those of which chance makes too few are made
# on purpose: set N has a rule with pair N of this list.
BY_NAME = {a[0]: a for a in ACTIONS}
FIRST = tuple(BY_NAME)
LAST = tuple(e[0] for e in ENDS if e[0] != "mirror")
PAIRS = tuple((a, b) for i, a in enumerate(FIRST) for b in FIRST[i + 1:] + LAST)


def choose_pair(rng, world, pair, chains):
    """[(name, words)] of a rule with these two; None if there cannot be one."""
    acts, end = [], "redirect"
    for name in pair:
        if name in BY_NAME:
            acts.append(one(rng, world, name, BY_NAME[name][3]))
        else:
            end = name
    if end == "goto" and not chains:
        return None
    if rng.random() < .5:
        acts.reverse()
    # What always drops hides what is behind it.
    acts = [(name, "police rate 100gbit burst 100mb conform-exceed drop/pipe"
             if name == "police" else words) for name, words in acts]
    return acts + [end_of(rng, world, end, chains)]


def protocol_of(pair):
    """The protocols of packets that both actions of a pair take, and an ip_proto or None."""
    kinds = {BY_NAME[name][1] for name in pair if name in BY_NAME} - {None}
    if "mpls" in kinds:
        return ("mpls_uc",), None
    if "ip6" in kinds:
        proto = ("ipv6",)
    elif "ip" in kinds:
        proto = ("ip",)
    elif kinds:
        proto = ("ip", "ipv6")
    else:
        proto = ("all", "ip", "802.1q")
    l4 = {"tcp", "udp"} & kinds
    return proto, l4.pop() if len(l4) == 1 else None
