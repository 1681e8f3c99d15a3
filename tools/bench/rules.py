# SPDX-License-Identifier: GPL-2.0-only
"""What rules cost: insertion, replacing, dump and deletion, in hardware and in software."""

import os

from report import Section, Values, bars, data_block
from vm import VM, build_guest, collect, follow, script

# TOOL:RULES:PROCESSES:ROUNDS, as bench_rules.sh wants them. A million rules take a
# minute or two for each operation, with tc three.
POINTS = ("tc:10000:1:5 tc:10000:2:5:add,del tc:100000:1:1:add,dump,del tc:100000:2:1:add,del "
          "tc:1000000:1:1:add,del gen:10000:1:5 gen:10000:2:5 gen:10000:4:5 "
          "gen:100000:1:2 gen:100000:2:2:add,del gen:1000000:1:1:add,dump,del")
BY = {"tc": " with tc -b", "gen": ""}
WHAT = {"add": "insertion", "replace": "replacing", "dump": "dump", "del": "deletion"}
ICOUNT_POINTS = "gen:10000:1:2"
# The device keeps a counter of a rule in the host's memory.
COUNTER_BYTES = 32


def judge_size(section, points, tool, rules):
    """The acceptance lines of a number of rules."""
    soft, hard = points[tool, rules, 1, "skip_hw"], points[tool, rules, 1, "skip_sw"]
    for what in ("add", "del"):
        section.line(f"{WHAT[what]} of {rules:,} rules{BY[tool]} in hardware, of the rate in "
                     "software", soft[what].over(hard[what]), 0.8)
    if "dump" in soft:
        section.line(f"dump with statistics of {rules:,} rules{BY[tool]} in hardware, times "
                     "software's", hard["dump"].over(soft["dump"]), 1.2, "x<")


def judge_processes(section, points):
    """Two processes against one, and what software has of it."""
    for tool, rules in sorted({p[:2] for p in points if p[2] == 2}):
        for what in ("add", "del"):
            for flag, where, want in (("skip_sw", "hardware", 1.5), ("skip_hw", "software", None)):
                one = points[tool, rules, 1, flag][what]
                two = points[tool, rules, 2, flag][what]
                section.line(f"{WHAT[what]} of {rules:,} rules{BY[tool]} by 2 processes in "
                             f"{where}, of one", one.over(two), want, "x")


def judge_growth(section, points, tool):
    """The largest number of rules against 10,000."""
    sizes = sorted({p[1] for p in points if p[0] == tool and p[2] == 1})
    few, many = sizes[0], sizes[-1]
    if few == many:
        return
    for what in ("add", "del"):
        for flag, where, want in (("skip_sw", "hardware", 0.8), ("skip_hw", "software", None)):
            one = points[tool, few, 1, flag][what]
            all_of = points[tool, many, 1, flag][what]
            section.line(f"{WHAT[what]} of {many:,} rules{BY[tool]} in {where}, of the rate with "
                         f"{few:,}", Values([(one.median / few) / (all_of.median / many)]), want)


def judge_memory(section, raw, points):
    """Driver's memory, from the largest point."""
    most = max(p[1] for p in points)
    soft, hard = ([one for one in raw if one["rules"] == most and one["flag"] == flag]
                  for flag in ("skip_hw", "skip_sw"))
    section.line(f"driver's memory for each of {most:,} rules, its counter included",
                 Values([h["memory"] - s["memory"] + COUNTER_BYTES for s, h in zip(soft, hard)]),
                 512, "B")
    names = sorted(set(soft[0]["slabs"]) | set(hard[0]["slabs"]))
    section.text(f"Slab caches that grow by {most:,} rules, in bytes for each:")
    section.table(["cache", "software", "hardware"],
                  [[n, soft[0]["slabs"].get(n, 0), hard[0]["slabs"].get(n, 0)] for n in names])


def instructions(section):
    """The same in a machine whose time goes with its instructions, whatever the host does."""
    raw = follow([VM, "--icount", "1", "--mem", "2G", "--selftests", "--boot-timeout", "600",
                  "--timeout", "900", "--env", f"POINTS={ICOUNT_POINTS}", "--",
                  "selftests/net/sluice/bench_rules.sh"])
    points = collect(raw, ("tool", "rules", "processes", "flag"), WHAT)
    soft, hard = (points["gen", 10000, 1, flag] for flag in ("skip_hw", "skip_sw"))
    for what, name in WHAT.items():
        section.line(f"guest's instructions for {name} of 10,000 rules in software, of those in "
                     "hardware", soft[what].over(hard[what]), None)
    return [dict(one, icount=1) for one in raw]


def plot(section, points):
    """Rates by the number of rules, and by the number of processes."""
    sizes = sorted({p[1] for p in points if p[0] == "gen" and p[2] == 1})
    script_ = "set ylabel 'rules per second'\nset yrange [0:*]\nset grid\nset logscale x\n" \
        "set style data yerrorlines\nset key left bottom\nset xlabel 'rules, one process'\n"
    parts = []
    for what in ("add", "del"):
        for flag in ("skip_hw", "skip_sw"):
            name = f"{what}_{flag}"
            values = [(n, points["gen", n, 1, flag][what]) for n in sizes]
            script_ += data_block(name, [(n, n * 1e9 / v.median, n * 1e9 / v.max, n * 1e9 / v.min)
                                         for n, v in values])
            parts.append(f"${name} using 1:2:3:4 title '{what}, {flag[:4]}\\_{flag[5:]}'")
    section.plot("rules-sizes", script_ + "plot " + ", ".join(parts) + "\n")
    counts = sorted({p[2] for p in points if p[:2] == ("gen", sizes[0])})
    section.plot("rules-processes", bars("rules per second", ["software", "hardware"], [
        (f"{what} by {n}", *(sizes[0] * 1e9 / points["gen", sizes[0], n, flag][what].median
                             for flag in ("skip_hw", "skip_sw")))
        for what in ("add", "del") for n in counts]))


def run():
    """The benchmark."""
    build_guest()
    raw = script("bench_rules", {"POINTS": os.environ.get("POINTS", POINTS)})
    points = collect(raw, ("tool", "rules", "processes", "flag"), [*WHAT, "memory"])
    section = Section("rules", "Rules, in a machine")
    section.text("Rules per second, medians of the rounds, with simple flower rules: `skip_sw` "
                 "in hardware and `skip_hw` in software, from several processes with a "
                 "representor each. *gen* is a program that does nothing but talk to the kernel, "
                 "*tc* is `tc -b`.")
    for tool, rules in dict.fromkeys((p[0], p[1]) for p in points if p[2] == 1):
        judge_size(section, points, tool, rules)
    for tool in dict.fromkeys(p[0] for p in points):
        judge_growth(section, points, tool)
    judge_processes(section, points)
    rows = []
    for tool, rules, count, _ in (p for p in points if p[3] == "skip_hw"):
        soft, hard = (points[tool, rules, count, flag] for flag in ("skip_hw", "skip_sw"))
        for what in soft:
            if what not in WHAT:
                continue
            rows.append([f"{WHAT[what]}, {tool}", f"{rules:,}", count,
                         f"{rules * 1e9 / soft[what].median:,.0f}",
                         f"{rules * 1e9 / hard[what].median:,.0f}",
                         f"{100 * soft[what].over(hard[what]).median:.0f}%",
                         f"{100 * soft[what].spread():.0f}%", f"{100 * hard[what].spread():.0f}%"])
    section.table(["what", "rules", "processes", "software, per s", "hardware, per s",
                   "hardware's share", "spread, software", "hardware"], rows)
    judge_memory(section, raw, points)
    plot(section, points)
    raw += instructions(section)
    if section.short():
        section.profile(["--guest", "rules"])
    section.raw(raw)
    section.finish()
