# SPDX-License-Identifier: GPL-2.0-only
"""What a generated rule can do.

To add an action: a function that takes the random source and the world
and returns tc's words without a control, and a line in ACTIONS (one that
the packet goes on behind) or ENDS (the last of a rule).
"""
import ipaddress

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
    ("csum", "ipany", 6, csum),
)

# Seldom, so that most rules have none: what a device may refuse.
RARE = (
    ("skbedit mark", plain("skbedit mark 7")),
    ("skbedit priority", plain("skbedit priority 3")),
    ("skbedit ptype", plain("skbedit ptype host")),
    ("mirror elsewhere", to_foreign),
    ("mpls push", plain("mpls push protocol mpls_uc label 123 tc 3 ttl 64")),
    ("mpls pop", plain("mpls pop protocol ip")),
    ("vlan push_eth", plain("vlan push_eth dst_mac 02:00:00:00:00:aa src_mac 02:00:00:00:00:bb")),
    ("pedit odd", pedit_odd),
)

ENDS = (("redirect", 50), ("drop", 12), ("goto", 22), ("pass", 10), ("trap", 3), ("mirror", 3))


def fits(needs, wants):
    """May a packet that satisfies wants have what needs names?"""
    if needs is None:
        return True
    good = {"ip": ("l3", ("ip",)), "ip6": ("l3", ("ip6",)), "ipany": ("l3", ("ip", "ip6")),
            "tcp": ("l4", ("tcp",)), "udp": ("l4", ("udp",))}[needs]
    for want in wants:
        if want[0] == "in" and want[1] == good[0]:
            return set(want[2]) <= set(good[1])
    return False


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
        acts.append((name, f"{make(rng, world)} pipe"))
    if rare:
        name, make = rng.choice(RARE)
        acts.insert(rng.randint(0, len(acts)), (name, f"{make(rng, world)} pipe"))
    if end == "redirect":
        acts.append(("redirect", redirect(rng, world)))
    elif end == "mirror":
        acts.append(("mirror", f"{mirror(rng, world)} {rng.choice(('pipe', 'drop', 'pass'))}"))
    elif end == "goto":
        acts.append(("goto", f"goto chain {rng.choice(chains)}"))
    else:
        acts.append((end, end))
    if rng.random() < .03 and len(acts) > 1:
        # A list that ends before its last action, by what one says.
        name, words = acts[-2]
        if words.endswith(" pipe"):
            acts[-2:] = [(name, words[:-4] + rng.choice(("pass", "drop")))]
    return acts
