# SPDX-License-Identifier: GPL-2.0-only
"""Rule sets and the packets aimed at them, from a seed."""
import random
import re

import actions
import conns
import keys
import packets
import tunnels

CHAINS = 4
FRAMES = 50
FRAME_MAX = 1514         # what a port takes
PAIRS_PER_SET = 2


class Rule:
    """One tc filter."""

    def __init__(self, handle, chain, pref, proto, match, wants, acts, kind="flower"):
        self.handle = handle
        self.chain = chain
        self.pref = pref
        self.proto = proto
        self.match = match      # [(name, words)]
        self.wants = wants
        self.acts = acts        # [(name, words)]
        self.kind = kind

    def words(self, names, flags, trap_is_pass=False):
        """Arguments of "tc filter add"; names says which devices the ports are."""
        out = [f"dev @in ingress chain {self.chain} protocol {self.proto} pref {self.pref}"]
        out.append(f"handle {self.handle}")
        if self.kind != "flower":
            flags = flags.replace("verbose", "")
        out += [self.kind, flags]
        out += [words for _, words in self.match]
        for name, words in self.acts:
            if name == "trap" and trap_is_pass:
                words = "pass"
            out.append("action " + words)
        text = " ".join(word for word in out if word)
        return re.sub("@[a-z0-9]+", lambda found: names[found[0]], text)

    def shape(self):
        """As plain data, for the corpus."""
        return {"handle": self.handle, "chain": self.chain, "pref": self.pref,
                "proto": self.proto, "kind": self.kind, "match": [list(m) for m in self.match],
                "acts": [list(a) for a in self.acts]}

    @staticmethod
    def from_shape(data):
        """The rule shape() has described."""
        return Rule(data["handle"], data["chain"], data["pref"], data["proto"],
                    [tuple(m) for m in data["match"]], [], [tuple(a) for a in data["acts"]],
                    data["kind"])

    def copy(self, match=None, acts=None):
        """The same with fewer keys or actions."""
        return Rule(self.handle, self.chain, self.pref, self.proto,
                    self.match if match is None else match, self.wants,
                    self.acts if acts is None else acts, self.kind)


class RuleSet:
    """Rules at one place and what is sent through them.

    place: "port", or the type of a tunnel device.  conns: connections that
    are there before the frames; warm: frames of them that are sent first.
    """

    def __init__(self, name, rules, frames, place="port", known=(), warm=()):
        self.name = name
        self.rules = rules
        self.frames = frames
        self.place = place
        self.conns = known
        self.warm = warm

    def with_(self, rules=None, frames=None):
        """The same with other rules or frames."""
        return RuleSet(self.name, self.rules if rules is None else rules,
                       self.frames if frames is None else frames,
                       self.place, self.conns, self.warm)

    def only_mixed(self):
        """Has it rules that tc takes without skip_sw only?"""
        return self.place != "port" or bool(self.conns)

    def shape(self):
        """As plain data, for the corpus."""
        out = {"name": self.name, "rules": [r.shape() for r in self.rules],
               "frames": [f.hex() for f in self.frames]}
        if self.only_mixed():
            out |= {"place": self.place, "conns": list(self.conns),
                    "warm": [f.hex() for f in self.warm]}
        return out

    @staticmethod
    def from_shape(data):
        """The set shape() has described."""
        return RuleSet(data["name"], [Rule.from_shape(r) for r in data["rules"]],
                       [bytes.fromhex(f) for f in data["frames"]], data.get("place", "port"),
                       data.get("conns", ()), [bytes.fromhex(f) for f in data.get("warm", ())])


def chains_behind(acts):
    """Chains that a rule leads to."""
    return [int(n) for _, words in acts for n in re.findall(r"goto chain (\d+)", words)]


class Maker:
    """Makes the rules of a set."""

    def __init__(self, rng, world, mixed):
        self.rng = rng
        self.world = world
        self.mixed = mixed
        self.rules = []
        self.prefs = {}
        self.targets = [0]

    def forward(self, chain):
        """Chains a rule may go to."""
        if self.rng.random() < .05 and self.mixed:
            return list(range(CHAINS))
        return [c for c in range(CHAINS) if c > chain]

    def add(self, chain, prefs, proto, match, wants, acts, kind="flower"):
        """One more, if there is a place for it: a priority has one protocol and kind."""
        for _ in range(20):
            pref = self.rng.randint(*prefs)
            if self.prefs.setdefault((chain, pref), (proto, kind)) == (proto, kind):
                break
        else:
            return
        if kind == "matchall" and any(r.chain == chain and r.pref == pref for r in self.rules):
            return
        self.targets += [c for c in chains_behind(acts) if c not in self.targets]
        self.rules.append(Rule(len(self.rules) + 1, chain, pref, proto, match, wants, acts, kind))

    def any(self):
        """Whatever comes."""
        rng = self.rng
        chain = rng.choice(self.targets) if rng.random() < .6 else 0
        only = ()
        if self.world.ct and rng.random() < .9:
            only = ("ip", "ip", "ipv6")
            if chain == 0 and len(self.targets) > 1 and rng.random() < .8:
                chain = self.targets[-1]
        proto, match, wants = keys.choose_keys(
            rng, self.world, rng.choice((0, 1, 1, 2, 2, 3, 5, 8)), only)
        acts = actions.choose(rng, self.world, wants, self.forward(chain),
                              self.mixed and rng.random() < .15)
        if self.world.ct and chain and rng.random() < .3:
            acts.insert(0, conns.later_action(rng))
        if rng.random() < .12:
            acts = actions.jumps(rng, acts, self.forward(chain))
        kind = "flower"
        if rng.random() < .06:
            kind, match, wants = "matchall", [], []
        # Rules that match nearly everything are seldom in front.
        low = 2 if len(match) > 1 or rng.random() < .2 else 6
        self.add(chain, (low, 9), proto, match, wants, acts, kind)

    def pair(self, pair):
        """A rule with these actions, in front and easily hit."""
        protos, l4 = actions.protocol_of(pair)
        proto, match, wants = keys.choose_keys(self.rng, self.world, 0, protos)
        wants = [w for w in wants if w[1] != "l4"]
        match = [m for m in match if m[0] in ("vlan_ethtype", "cvlan_ethtype")]
        wants = [w for w in wants if w[1] in ("nv", "l3", "tpid0", "tpid1")]
        if l4:
            match.append((f"ip_proto {l4}", f"ip_proto {l4}"))
            wants.append(("in", "l4", (l4,), packets.L4))
        acts = actions.choose_pair(self.rng, self.world, pair, self.forward(0))
        if acts:
            self.add(0, (2, 3), proto, match, wants, acts)

    def make(self, number):
        """The rules of set number."""
        rng = self.rng
        many = rng.choices((1, 2, 4, 6, 9, 14), (10, 20, 25, 25, 15, 5))[0]
        if self.world.ct:
            for proto in rng.choice((("ip",), ("ipv6",), ("ip", "ipv6"))):
                wants = [("in", "l3", ("ip" if proto == "ip" else "ip6",), packets.L3)]
                self.add(0, (2, 4), proto, [("ct_state", "ct_state -trk")], wants,
                         [conns.first_action(rng)])
                if rng.random() < .7:
                    self.add(1, (2, 9), proto, keys.choose_ct(rng, self.world), wants,
                             [actions.end_of(rng, self.world, "redirect", ())])
        elif not self.world.tunnel:
            for i in range(PAIRS_PER_SET):
                self.pair(actions.PAIRS[(number * PAIRS_PER_SET + i) % len(actions.PAIRS)])
        for _ in range(many):
            self.any()
        return self.rules


def base_packet(rng, world):
    """Any packet of the world."""
    pkt = dict(packets.DEFAULTS)
    pkt["nv"] = rng.choices((0, 1, 2, 3), (70, 18, 9, 3))[0]
    pkt["l3"] = rng.choices(packets.L3, (45, 25, 8, 6, 6, 4, 4, 2))[0]
    pkt["l4"] = rng.choices(packets.L4, (5, 5, 4, 4, 4, 3, 1, 1, 1))[0]
    pkt["frag"] = rng.choices(packets.FRAG, (90, 5, 5))[0]
    for field, pool in (("dst", world.macs), ("src", world.macs), ("sip", world.ip4),
                        ("dip", world.ip4), ("sip6", world.ip6), ("dip6", world.ip6),
                        ("sport", world.ports), ("dport", world.ports), ("tos", world.bytes),
                        ("ttl", world.bytes), ("spa", world.ip4), ("tpa", world.ip4),
                        ("sha", world.macs), ("tha", world.macs)):
        if rng.random() < .7:
            pkt[field] = rng.choice(pool)
    for i in range(3):
        pkt[f"tci{i}"] = rng.choice(world.vids) | rng.choice(world.prios) << 13 | \
            (rng.random() < .1) << 12
        pkt[f"tpid{i}"] = rng.choice((0x8100, 0x8100, 0x88a8))
    pkt["flags"] = rng.choice((0x02, 0x12, 0x10, 0x11, 0x18, 0x04, 0x1c2))
    pkt["itype"] = rng.choice((0, 3, 8, 11, 128, 135))
    pkt["icode"] = rng.choice((0, 1, 4))
    pkt["op"] = rng.choice((1, 1, 2, 3))
    pkt["id"] = rng.getrandbits(16)
    pkt["df"] = rng.random() < .3
    pkt["flow"] = rng.choice((0, 1, 0xfffff))
    pkt["nm"] = rng.choice((1, 1, 2, 3))
    for i in range(3):
        pkt[f"label{i}"] = rng.choice(keys.LABELS)
        pkt[f"mtc{i}"] = rng.randrange(8)
        pkt[f"mttl{i}"] = rng.choice((0, 1, 2, 64, 255))
    pkt["sid"], pkt["ppp"] = rng.choice((8, 9)), rng.choice((0x21, 0x21, 0x57, 0xc021))
    pkt["l2tp"], pkt["spi"] = rng.choice((8, 9)), rng.choice((8, 9))
    pkt["mdl"], pkt["cfmop"] = rng.randrange(8), rng.choice((1, 2, 3, 255))
    if world.tunnel:
        pkt.update(tunnels.outer(rng, world.tunnel))
    pkt["etype"] = rng.choice((0x88b5, 0x88b5, 0x9000, 0x88cc, 0x8863))
    pkt["len"] = rng.choice((0, 1, 10, 20, 33, 100)) if rng.random() < .96 else world.longest
    return pkt


def steer(rng, pkt, rules):
    """Make a packet hit a rule and, where that leads on, one in its chain."""
    rule = rng.choice([r for r in rules if r.chain == 0] or rules)
    wants = []
    for _ in range(3):
        wants = wants + rule.wants
        behind = chains_behind(rule.acts)
        chain = behind[0] if behind else -1
        more = [r for r in rules if r.chain == chain]
        if not more:
            break
        rule = rng.choice(more)
    for want in reversed(wants):
        packets.fix(pkt, want, rng)
    return wants


def oddity(rng, pkt):
    """A header that is rare."""
    kind = rng.randrange(7)
    if kind == 0:
        pkt["opts"] = rng.choice((b"\1\1\1\1", b"\x44\x04\5\0", b"\x94\4\0\0\1\1\1\1"))
    elif kind == 1:
        pkt["exts"] = rng.choice((("hbh",), ("dst",), ("hbh", "dst"), ("route",), ("frag",),
                                  ("hbh", "route", "dst")))
    elif kind == 2:
        pkt["csum"] = rng.choice(("bad", "zero", "badip"))
    elif kind == 3:
        pkt["proto"] = rng.choice((4, 41, 47, 50, 51, 2, 136, 33, 137, 0, 59, 103))
    elif kind == 4:
        pkt["pad"] = rng.choice((60, 64, 128, 200))
    elif kind == 5:
        pkt["frag"] = rng.choice((1, 2))
    else:
        pkt["etype"] = rng.choice((0x8864, 0x88fb, 0x892f, 0x8902, 0x8848, 0x05ff, 0x0600, 0x4305))
        pkt["l3"] = "other"


def breakage(rng, pkt, length):
    """Bytes that make no sense, or too few of them."""
    if rng.random() < .5:
        pkt["cut"] = rng.randint(15, max(16, min(length, 120)))
        return
    at = rng.choice((14, 14, 16, 17, 20, 23, rng.randint(12, 70)))
    pkt["edits"] = ((at, rng.choice((0, 0x40, 0x41, 0x4f, 0x60, 0xff, rng.randrange(256)))),)


def ends_in_header(frame):
    """Does an IPv4 header say that it is longer than what there is of the frame?"""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    header = frame[at + 2:]
    return frame[at:at + 2] == b"\x08\x00" and len(header) >= 20 and \
        (header[0] & 15) * 4 > len(header)


def make_frames(rng, world, rules, weird):
    """Distinct frames, some of them in flows of several."""
    frames, seen = [], set()
    # Software sums whatever is in memory behind such a frame.
    summed = any(words.startswith("csum ") and "ip4h" in words for r in rules for _, words in r.acts)
    while len(frames) < FRAMES:
        group = len(frames)
        pkt = base_packet(rng, world)
        what = rng.random()
        if what < .75 and rules:
            wants = steer(rng, pkt, rules)
            if what > .5 and wants:
                packets.spoil(pkt, rng.choice(wants), rng)
        if world.ct and rng.random() < .9:
            conns.aim(rng, pkt, world, group)
        if weird and rng.random() < .35:
            oddity(rng, pkt)
        if weird and world.tunnel and rng.random() < .3:
            pkt["odd"] = rng.choice(tunnels.ODD)
        if weird and rng.random() < .15:
            breakage(rng, pkt, len(packets.build(pkt, bytes(8))))
        for seq in range(2 if rng.random() < .1 else 1):
            frame = packets.build(pkt, packets.make_tag(group, seq))
            if frame in seen or len(frame) > FRAME_MAX or frame[12:14] == b"\x88\xb6":
                continue
            if not (summed and ends_in_header(frame)):
                seen.add(frame)
                frames.append(frame)
    return frames[:FRAMES]


# What kinds of sets there are, and how many of each.
PLACES = ("port",) * 21 + ("ct",) * 4 + tunnels.TYPES


def generate(seed, number):
    """Rule set number of a seed; the same every time."""
    rng = random.Random(f"{seed}/{number}")
    world = keys.World(rng)
    mixed = rng.random() < .5
    weird = rng.random() < .5
    place = PLACES[number % len(PLACES)]
    known, warm = (), ()
    if place == "ct":
        place = "port"
        known = conns.make(rng, world)
        warm = conns.warm(world, known)
    elif place != "port":
        world.tunnel = place
    rules = Maker(rng, world, mixed).make(number // len(PLACES) * PLACES.count("port") +
                                          number % len(PLACES))
    if world.tunnel or any("tunnel_key set" in a[1] for r in rules for a in r.acts):
        world.longest = tunnels.FRAME_MAX
    return RuleSet(f"{seed}/{number}", rules, make_frames(rng, world, rules, weird), place,
                   [c["words"] for c in known], warm)
