# SPDX-License-Identifier: GPL-2.0-only
"""Rule sets and the packets aimed at them, from a seed."""
import random
import re

import actions
import keys
import packets

CHAINS = 4
FRAMES = 50


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
        out = [f"dev @own ingress chain {self.chain} protocol {self.proto} pref {self.pref}"]
        if self.kind == "flower":
            out.append(f"handle {self.handle}")
        else:
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
    """Rules for one port and what is sent through them."""

    def __init__(self, name, rules, frames):
        self.name = name
        self.rules = rules
        self.frames = frames

    def shape(self):
        """As plain data, for the corpus."""
        return {"name": self.name, "rules": [r.shape() for r in self.rules],
                "frames": [f.hex() for f in self.frames]}

    @staticmethod
    def from_shape(data):
        """The set shape() has described."""
        return RuleSet(data["name"], [Rule.from_shape(r) for r in data["rules"]],
                       [bytes.fromhex(f) for f in data["frames"]])


def make_rules(rng, world, mixed):
    """Rules over a few chains."""
    rules = []
    prefs, targets = {}, [0]
    for handle in range(1, rng.choices((1, 2, 4, 6, 9, 14), (10, 20, 25, 25, 15, 5))[0] + 1):
        chain = rng.choice(targets) if rng.random() < .6 else 0
        forward = [c for c in range(CHAINS) if c > chain]
        if rng.random() < .05 and mixed:
            forward = list(range(CHAINS))
        proto, match, wants = keys.choose_keys(rng, world, rng.choice((0, 1, 1, 2, 2, 3, 5, 8)))
        acts = actions.choose(rng, world, wants, forward, mixed and rng.random() < .25)
        kind = "flower"
        if mixed and rng.random() < .05:
            kind, match, wants = "matchall", [], []
        # A priority has one protocol and one kind.  Rules that match nearly
        # everything are seldom in front.
        for _ in range(20):
            pref = rng.randint(2 if len(match) > 1 or rng.random() < .2 else 6, 9)
            if prefs.setdefault((chain, pref), (proto, kind)) == (proto, kind):
                break
        else:
            continue
        if kind == "matchall" and any(r.chain == chain and r.pref == pref for r in rules):
            continue
        for name, words in acts:
            if name == "goto" and int(words.split()[-1]) not in targets:
                targets.append(int(words.split()[-1]))
        rules.append(Rule(handle, chain, pref, proto, match, wants, acts, kind))
    return rules


def base_packet(rng, world):
    """Any packet of the world."""
    pkt = dict(packets.DEFAULTS)
    pkt["nv"] = rng.choices((0, 1, 2, 3), (70, 18, 9, 3))[0]
    pkt["l3"] = rng.choices(packets.L3, (45, 25, 8, 8, 6, 4))[0]
    pkt["l4"] = rng.choice(packets.L4)
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
    pkt["label"] = rng.choice((0, 16, 123, 0xfffff))
    pkt["etype"] = rng.choice((0x88b5, 0x88b5, 0x9000, 0x88cc, 0x8863))
    pkt["len"] = rng.choice((0, 1, 10, 20, 33, 100)) if rng.random() < .96 else 1400
    return pkt


def steer(rng, pkt, rules):
    """Make a packet hit a rule and, where that leads on, one in its chain."""
    rule = rng.choice([r for r in rules if r.chain == 0] or rules)
    wants = []
    for _ in range(3):
        wants = wants + rule.wants
        target = [a[1] for a in rule.acts if a[0] == "goto"]
        chain = int(target[0].split()[-1]) if target else -1
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


def make_frames(rng, world, rules, weird):
    """Distinct frames, some of them in flows of several."""
    frames, seen = [], set()
    while len(frames) < FRAMES:
        group = len(frames)
        pkt = base_packet(rng, world)
        what = rng.random()
        if what < .75 and rules:
            wants = steer(rng, pkt, rules)
            if what > .5 and wants:
                packets.spoil(pkt, rng.choice(wants), rng)
        if weird and rng.random() < .35:
            oddity(rng, pkt)
        if weird and rng.random() < .15:
            breakage(rng, pkt, len(packets.build(pkt, bytes(8))))
        for seq in range(2 if rng.random() < .1 else 1):
            frame = packets.build(pkt, packets.make_tag(group, seq))
            if frame not in seen and frame[12:14] != b"\x88\xb6":
                seen.add(frame)
                frames.append(frame)
    return frames[:FRAMES]


def generate(seed, number):
    """Rule set number of a seed; the same every time."""
    rng = random.Random(f"{seed}/{number}")
    world = keys.World(rng)
    mixed = rng.random() < .5
    weird = rng.random() < .5
    rules = make_rules(rng, world, mixed)
    return RuleSet(f"{seed}/{number}", rules, make_frames(rng, world, rules, weird))
