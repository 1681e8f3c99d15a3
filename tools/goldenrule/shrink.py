# SPDX-License-Identifier: GPL-2.0-only
"""The smallest rule set and frames that still differ, as a script."""
import shlex

import tunnels
from compare import seats


def first_bad(judge, kinds, variants):
    """The first of variants with a problem of one of kinds, or None."""
    while variants:
        row, variants = seats(judge.engine.lanes, variants, variants[0].place == "port")
        bad = [v.set for v in judge.judge(row) if not v.late and v.kinds() & kinds and v.set.name]
        if bad:
            return bad[0]
    return None


def fewer_frames(judge, kinds, rules):
    """With one frame, or as few as it takes."""
    found = first_bad(judge, kinds, [rules.with_(frames=[f]) for f in rules.frames])
    if found:
        return found
    while len(rules.frames) > 1:
        half = (len(rules.frames) + 1) // 2
        found = first_bad(judge, kinds, [
            rules.with_(frames=rules.frames[:half]), rules.with_(frames=rules.frames[half:])])
        if not found:
            return rules
        rules = found
    return rules


def fewer_rules(judge, kinds, rules):
    """Without a rule that does not matter, while there is one."""
    while True:
        found = first_bad(judge, kinds, [
            rules.with_([r for r in rules.rules if r is not rule])
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
                variants.append(rules.with_(rules.rules[:i] + [other] + rules.rules[i + 1:]))
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
. tools/goldenrule/guest.sh
sluice_setup switchdev 3 && golden_modules && golden_tunnels
ingress_add "${{REP[0]}}" "$PF"
ip link set wire0 up promisc on
try() {{
	echo "== ${{1:-neither flag}}"
{rules}
	{listen}{conns}pkt xfer -t 1 --tx {tx} --rx "${{VF[0]}}" --rx "${{VF[1]}}" --rx "${{VF[2]}}" --rx wire0 \\
{frames}
	sleep .5
	{heard}tc -s filter show dev {own} ingress
	tc filter del dev {own} ingress
	conntrack -F 2>/dev/null
}}
try skip_hw
try {flags}
golden_tunnels_gone
finish_script
"""


def script(rules, problem, kinds, uplink):
    """A shell script that shows the difference."""
    own = "$PF" if uplink or rules.place != "port" else "${REP[0]}"
    names = {"@in": own if rules.place == "port" else f"gr{rules.place}", "@own": own,
             "@out1": "${REP[1]}", "@out2": "${REP[2]}", "@uplink": "$PF",
             "@foreign": "elsewhere", "@zone": "1"} | {f"@{k}": f"gr{k}" for k in tunnels.TYPES}
    lines = ["\ttc filter add " + rule.words(names, "$1") for rule in rules.rules]

    def raw(frames):
        return [f"\t\t{shlex.quote('raw ' + frame.hex())}" for frame in frames]
    hardware = any(kind.startswith("hw") or kind == "missed" for kind in kinds)
    tx = "wire0" if own == "$PF" else '"${VF[0]}"'
    conns = ""
    if rules.conns:
        conns = "".join(f"conntrack {words.replace('@zone', '1')}\n\t" for words in rules.conns)
        conns += f"pkt xfer -t 1 --tx {tx} --rx wire0 \\\n" + \
            " \\\n".join(raw(rules.warm)) + "\n\t"
    listen = heard = ""
    if any("sample " in words for rule in rules.rules for _, words in rule.acts):
        listen = "bg - timeout 600 selftests/net/sluice/psample.py\n\t"
        heard = "bg_stop\n\t"
    return SCRIPT.format(name=rules.name, problem=problem, rules="\n".join(lines), conns=conns,
                         listen=listen, heard=heard, frames=" \\\n".join(raw(rules.frames)),
                         own=names["@in"], tx=tx, flags='"skip_sw verbose"' if hardware else '""')
