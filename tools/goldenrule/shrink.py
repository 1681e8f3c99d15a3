# SPDX-License-Identifier: GPL-2.0-only
"""The smallest rule set and frames that still differ, as a script."""
import shlex

from rules import RuleSet


def first_bad(judge, kinds, variants):
    """The first of variants with a problem of one of kinds, or None."""
    lanes = len(judge.engine.lanes)
    for at in range(0, len(variants), lanes):
        some = variants[at:at + lanes]
        for variant, verdict in zip(some, judge.judge(some)):
            if not verdict.late and verdict.kinds() & kinds:
                return variant
    return None


def fewer_frames(judge, kinds, rules):
    """With one frame, or as few as it takes."""
    found = first_bad(judge, kinds, [RuleSet(rules.name, rules.rules, [f]) for f in rules.frames])
    if found:
        return found
    while len(rules.frames) > 1:
        half = (len(rules.frames) + 1) // 2
        found = first_bad(judge, kinds, [
            RuleSet(rules.name, rules.rules, rules.frames[:half]),
            RuleSet(rules.name, rules.rules, rules.frames[half:])])
        if not found:
            return rules
        rules = found
    return rules


def fewer_rules(judge, kinds, rules):
    """Without a rule that does not matter, while there is one."""
    while True:
        found = first_bad(judge, kinds, [
            RuleSet(rules.name, [r for r in rules.rules if r is not rule], rules.frames)
            for rule in rules.rules])
        if not found:
            return rules
        rules = found


def fewer_words(judge, kinds, rules):
    """Without keys and actions that do not matter."""
    while True:
        variants = []
        for i, rule in enumerate(rules.rules):
            less = [rule.copy(match=rule.match[:j] + rule.match[j + 1:])
                    for j in range(len(rule.match))]
            less += [rule.copy(acts=rule.acts[:j] + rule.acts[j + 1:])
                     for j in range(len(rule.acts) - 1)]
            for other in less:
                variants.append(RuleSet(rules.name, rules.rules[:i] + [other] + rules.rules[i + 1:],
                                        rules.frames))
        found = first_bad(judge, kinds, variants)
        if not found:
            return rules
        rules = found


def shrink(judge, verdict):
    """The smallest set with the same kind of problem."""
    kinds = {verdict.problems[0][0]}
    rules = verdict.set
    for step in (fewer_frames, fewer_rules, fewer_words):
        rules = step(judge, kinds, rules)
    return rules


SCRIPT = """#!/bin/bash
# {name}: {problem}
# Run it in a machine with the NIC: tools/vm/run -- bash THIS_FILE
. selftests/net/sluice/lib.sh
sluice_setup switchdev 3 && ingress_add "${{REP[0]}}" "$PF"
ip link add elsewhere type dummy; ip link set elsewhere up; ip link set wire0 up promisc on
try() {{
	echo "== ${{1:-neither flag}}"
{rules}
	pkt xfer -t 1 --tx {tx} --rx "${{VF[0]}}" --rx "${{VF[1]}}" --rx "${{VF[2]}}" --rx wire0 \\
{frames}
	sleep .5
	tc -s filter show dev {own} ingress
	tc filter del dev {own} ingress
}}
try skip_hw
try {flags}
finish_script
"""


def script(rules, problem, kinds, uplink):
    """A shell script that shows the difference."""
    names = {"@own": "$PF" if uplink else "${REP[0]}", "@out1": "${REP[1]}", "@out2": "${REP[2]}",
             "@uplink": "$PF", "@foreign": "elsewhere"}
    lines = ["\ttc filter add " + rule.words(names, "$1") for rule in rules.rules]
    frames = [f"\t\t{shlex.quote('raw ' + frame.hex())}" for frame in rules.frames]
    hardware = any(kind.startswith("hw") or kind == "missed" for kind in kinds)
    return SCRIPT.format(name=rules.name, problem=problem, rules="\n".join(lines),
                         frames=" \\\n".join(frames), own=names["@own"],
                         tx="wire0" if uplink else '"${VF[0]}"',
                         flags='"skip_sw verbose"' if hardware else '""')
