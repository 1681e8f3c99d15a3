# SPDX-License-Identifier: GPL-2.0-only
"""Runs rule sets in software and in hardware, and says where they differ."""
from collections import Counter

from engine import HOST, Ran
from packets import read_tag
from rules import Rule, RuleSet, chains_behind

# Without stats_update() in the kernel: they do not show what hardware counts.
SILENT = ("csum", "mpls", "tunnel_key")


class Verdict:
    """What became of one rule set."""

    def __init__(self, rule_set):
        self.set = rule_set
        self.problems = []      # (class, text)
        self.invalid = {}       # handle: what software said
        self.refused = {}       # handle: what the driver said
        self.accepted = []      # rules
        self.hit = []           # rules that hardware has counted packets for
        self.left = 0           # frames hardware left to software
        self.late = ""

    def kinds(self):
        """Classes of problems."""
        return {kind for kind, _ in self.problems}


def order_within_flows(frames):
    """{group: [sequence numbers]} of frames that still have their tag."""
    flows = {}
    for frame in frames:
        tag = read_tag(frame)
        if tag:
            flows.setdefault(tag[0], []).append(tag[1])
    return flows


def diff_out(soft, hard, strict):
    """Differences between what came out, as text."""
    said = []
    for port in sorted(soft.out.keys() | hard.out.keys()):
        one, two = soft.out.get(port, []), hard.out.get(port, [])
        less, more = Counter(one) - Counter(two), Counter(two) - Counter(one)
        for frame in less.elements():
            said.append(f"{port}: only in software: {frame.hex()}")
        for frame in more.elements():
            said.append(f"{port}: only with hardware: {frame.hex()}")
        if less or more:
            continue
        if one != two if strict else order_within_flows(one) != order_within_flows(two):
            said.append(f"{port}: the same frames in another order")
    return said


def counted(stats, rule):
    """What can be compared of the counters of a rule's actions.

    tc counts bytes at each action anew, hardware has one count, of packets,
    bytes and drops, and tc gives it to all actions of the rule; and the kernel
    has no way to tell some kinds of actions about hardware's.
    """
    kinds = [one.split()[0] for _, words in rule.acts for one in words.split(" action ")]
    out, policed, edited = [], False, False
    for (packets, size, drops), kind in zip(stats, kinds):
        if kind not in SILENT:
            if not out and not edited:
                out.append(("bytes", size))
            if not policed:
                out.append((kind, packets))
            # The device has one count of what policers drop.
            if kinds.count("police") == (kind == "police"):
                out.append(("drops", drops))
        policed |= kind == "police"
        edited |= kind == "mpls"
    return out


def diff_stats(soft, hard, some):
    """Differences between rules' counters, as text."""
    said = []
    for rule in some:
        one, two = soft.stats.get(rule.handle), hard.stats.get(rule.handle)
        if one == two:
            continue
        if one is None or two is None:
            said.append(f"rule {rule.handle}: not shown by tc")
            continue
        if counted(one, rule) == counted(two, rule):
            continue
        said.append(f"rule {rule.handle}: (packets, bytes, drops) of its actions: "
                    f"software {one}, with hardware {two}")
    return said


def less(new, old):
    """What ports have counted meanwhile."""
    return {rep: [n - o for n, o in zip(new[rep], old[rep])] for rep in new}


def diff_ports(soft, hard):
    """Differences between ports' counters, as text."""
    return [f"{rep}: rx and tx packets and bytes: software {soft[rep]}, with hardware {hard[rep]}"
            for rep in sorted(soft) if soft[rep] != hard[rep]]


def catch_alls(some):
    """A last rule for each chain that one of some leads to."""
    chains = {chain for rule in some for chain in chains_behind(rule.acts)}
    return [Rule(1000 + chain, chain, 100, "all", [], [], [("pass", "pass")])
            for chain in sorted(chains)]


def alone(rules, frames):
    """Sets of rules and frames for the ports."""
    return [RuleSet("", some, those) for some, those in zip(rules, frames)]


EMPTY = RuleSet("", [], [])


def seats(lanes, sets, uplink):
    """(a set for each lane, those for which there was none)

    Frames for tunnels come in by the uplink, so its rules and those of tunnels
    can't be there together: uplink says which.
    """
    row, rest = [EMPTY] * len(lanes), []
    for one in sets:
        free = [i for i, lane in enumerate(lanes) if row[i] is EMPTY and
                lane.place == one.place and lane.by_uplink in (uplink, None)]
        if free:
            row[free[0]] = one
        else:
            rest.append(one)
    return row, rest


class Judge:
    """Compares on an engine."""

    def __init__(self, engine):
        self.engine = engine

    def judge(self, sets):
        """A Verdict for each of sets, of which there is one for each lane."""
        verdicts = [Verdict(s) for s in sets]
        start = self.engine.port_counters()
        alls = self.engine.round(sets, "skip_hw")
        valid = []
        for verdict, ran in zip(verdicts, alls):
            verdict.invalid = ran.refused
            verdict.late = verdict.late or ran.late
            valid.append([r for r in verdict.set.rules if r.handle not in ran.refused])
        middle = self.engine.port_counters()
        self.mixed(verdicts, valid, alls)
        end = self.engine.port_counters()
        for text in diff_ports(less(middle, start), less(end, middle)):
            for verdict in verdicts:
                verdict.problems.append(("mixed-ports", text))
        if any(s.rules and not s.only_mixed() for s in sets):
            self.hardware(verdicts, valid, alls)
        return verdicts

    def mixed(self, verdicts, valid, softs):
        """Neither flag: hardware does what it can, software the rest."""
        def settled(rans):
            return not any(diff_stats(s, h, rules) for s, h, rules in zip(softs, rans, valid))

        rans = self.engine.round([v.set.with_(rules) for v, rules in zip(verdicts, valid)], "",
                                 settled=settled)
        for verdict, rules, soft, hard in zip(verdicts, valid, softs, rans):
            verdict.late = verdict.late or hard.late
            for handle, message in hard.refused.items():
                verdict.problems.append(("mixed-add", f"rule {handle}: refused without skip_sw: "
                                                      f"{message}"))
            verdict.problems += [("mixed-out", t) for t in diff_out(soft, hard, False)]
            verdict.problems += [("mixed-count", t) for t in diff_stats(soft, hard, rules)]
            if verdict.set.only_mixed():
                verdict.accepted = [r for r in rules if r.handle in hard.offloaded]
                verdict.refused = {r.handle: "in software" for r in rules
                                   if r.handle not in hard.offloaded}
                verdict.hit = [r for r in verdict.accepted if hard.hw.get(r.handle)]

    def hardware(self, verdicts, valid, alls):
        """skip_sw: what hardware takes, it does like software."""
        verdicts, valid, alls = (
            [thing if not v.set.only_mixed() else other for v, thing in zip(verdicts, things)]
            for things, other in ((verdicts, Verdict(EMPTY)), (valid, []), (alls, Ran())))
        frames = [v.set.frames for v in verdicts]
        # Where a chain has no rule for a frame the device leaves the whole way to
        # software, which is not there in this round.
        valid = [rules + catch_alls(rules) for rules in valid]
        before = self.engine.device()[1]
        rans = self.engine.round(alone(valid, frames), "skip_sw verbose", True)
        told = self.engine.device()[1] - before
        again = []
        for verdict, rules, hard in zip(verdicts, valid, rans):
            verdict.late = verdict.late or hard.late
            verdict.refused = hard.refused
            for handle, message in hard.refused.items():
                if "Error: " not in message:
                    verdict.problems.append(("reason", f"rule {handle}: no reason: {message}"))
            verdict.accepted = [r for r in rules if r.handle not in hard.refused]
            # tc runs trap in software too, but there it is the packet's end.
            again.append(bool(hard.refused) or any(
                a[0] == "trap" or "goto chain" in a[1] for r in rules for a in r.acts))
        softs = alls
        if any(again):
            softs = self.engine.round(
                alone([v.accepted if a else [] for v, a in zip(verdicts, again)],
                      [f if a else [] for f, a in zip(frames, again)]), "skip_hw", True)
            softs = [s if a else old for s, a, old in zip(softs, again, alls)]
        left = self.left(verdicts, softs, rans)
        if told > sum(map(len, left)):
            self.left_alike(verdicts, softs, rans, left)
        elif told < sum(map(len, left)):
            for verdict, some in zip(verdicts, left):
                if some:
                    verdict.problems.append((
                        "missed", f"{len(some)} frames came to the host, the device gives a "
                                  f"reason for {told} of {sum(map(len, left))} in all: {sorted(some)[0].hex()}"))
        if any(left):
            self.without(verdicts, frames, left, softs, rans)
        for verdict, soft, hard in zip(verdicts, softs, rans):
            verdict.hit = [r for r in verdict.accepted if hard.hw.get(r.handle)]
            verdict.problems += [("hw-out", t) for t in diff_out(soft, hard, True)]
            verdict.problems += [("hw-count", t) for t in diff_stats(soft, hard, verdict.accepted)]

    def left(self, verdicts, softs, rans):
        """Frames of each set that hardware handed to the host as they came, and software did not."""
        out = []
        for verdict, soft, hard in zip(verdicts, softs, rans):
            sent = set(verdict.set.frames)
            more = Counter(hard.out.get(HOST, ())) - Counter(soft.out.get(HOST, ()))
            out.append({f for f in more if f in sent})
            verdict.left = len(out[-1])
        return out

    def left_alike(self, verdicts, softs, rans, left):
        """Hardware has left more frames to software than can be told by where they
        went: they go to the host either way, but are not counted.  Take all such
        frames out of the sets that counted less.
        """
        for verdict, soft, hard, some in zip(verdicts, softs, rans, left):
            if diff_stats(soft, hard, verdict.accepted) or diff_out(soft, hard, True):
                some.update(set(verdict.set.frames) & set(hard.out.get(HOST, ())))
                verdict.left = len(some)

    def without(self, verdicts, frames, left, softs, rans):
        """Compare sets with frames that were left to software again, without those."""
        sets = [v.accepted if some else [] for v, some in zip(verdicts, left)]
        less = [[f for f in fs if f not in some] if some else [] for fs, some in zip(frames, left)]
        soft = self.engine.round(alone(sets, less), "skip_hw", True)
        hard = self.engine.round(alone(sets, less), "skip_sw verbose", True)
        for i, some in enumerate(left):
            if some:
                softs[i], rans[i] = soft[i], hard[i]
                verdicts[i].late = verdicts[i].late or soft[i].late or hard[i].late
