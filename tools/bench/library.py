# SPDX-License-Identifier: GPL-2.0-only
"""The eSwitch library, natively, on one core."""

import json
import os
import subprocess

from report import OUT, Section, TOP, Values, data_block, quick_cpu, say

ROUNDS, MSEC = 7, 100
FLOWS = [1, 10, 100, 1000, 10000, 100000, 1000000]
MASKS = [1, 2, 5, 10, 20, 50, 100]
CASES = ["forward", "vlan-push", "pedit-csum", "vxlan-encap", "vxlan-decap", "ct-nat",
         "two-chains", "mirror-8"]
MANY, MOST = 10000, 1000000
BINARY = os.path.join(OUT, "obj", "eswbench")


def build():
    """The program that measures."""
    subprocess.run(["make", "-s", "-C", os.path.join(TOP, "tools", "device", "bench"),
                    f"B={OUT}/obj"], check=True)


def points():
    """What is measured with most care, none twice."""
    found = []
    for size in ("64", "imix"):
        found += [("wire", size, MANY, 1), ("null", size, MANY, 1)]
        found += [(case, size, MANY, 1) for case in CASES]
    found += [("forward", "64", flows, 1) for flows in FLOWS]
    found += [("forward", "64", MANY, masks) for masks in MASKS]
    found += [("forward", "64", MOST, 100)]
    return list(dict.fromkeys(found))


def more_points(case):
    """The rest of a case; connections are looked up by one rule, whatever the masks."""
    found = [(case, "64", flows, 1) for flows in FLOWS]
    found += [(case, "imix", MOST, 1)]
    if case != "ct-nat":
        found += [(case, "64", MANY, masks) for masks in (10, 100)]
    return [p for p in found if p not in points()]


def measure(wanted, rounds=ROUNDS, msec=MSEC, pin=True):
    """Nanoseconds of each point in each round, and bytes per rule."""
    say(f"{len(wanted)} points, {rounds} rounds")
    args = [":".join(str(f) for f in p) for p in wanted]
    raw, ns, size = [], {p: [] for p in wanted}, {}
    pinned = ["taskset", "-c", str(quick_cpu())] if pin else []
    with subprocess.Popen([*pinned, BINARY, "-r", str(rounds), "-m", str(msec), *args],
                          stdout=subprocess.PIPE, text=True) as run_:
        for text in run_.stdout:
            one = json.loads(text)
            point = (one["case"], one["size"], one["flows"], one["masks"])
            if one["threads"] > 1:
                point += (one["threads"],)
            if point == wanted[0]:
                say(f"round {one['round'] + 1} of {rounds}")
            raw.append(one)
            ns[point].append(one["ns"] / one["packets"])
            size[point] = one["device_bytes"] / one["flows"]
    if run_.returncode:
        raise RuntimeError("eswbench failed, see above")
    return raw, {p: Values(v) for p, v in ns.items()}, size


def judge(section, ns, size):
    """The acceptance lines; returns the points that are short."""
    base, most = ("forward", "64", MANY, 1), ("forward", "64", MOST, 1)
    short = []

    def line(what, of, point, want):
        if not section.line(what, ns[of].over(ns[point]), want):
            short.append(point)

    line("forwarding with 10,000 rules, of the null switch", ("null", "64", MANY, 1), base, 0.5)
    line("forwarding with 1,000,000 rules, of 10,000", base, most, 0.4)
    line("100 masks, 10,000 flows that the cache holds, of one mask", base,
         ("forward", "64", MANY, 100), 0.8)
    line("100 masks, 1,000,000 flows that it doesn't hold, of one mask", most,
         ("forward", "64", MOST, 100), 0.25)
    for case, want in (("vxlan-encap", 0.6), ("vxlan-decap", 0.6), ("ct-nat", 0.5)):
        line(f"{case}, of plain forwarding", base, (case, "64", MANY, 1), want)
    section.line("device memory per simple rule, of 1,000,000", Values([size[most]]), 256, "B")
    return short


def scaling(section):
    """Two threads on two CPUs, with what one does in the same round."""
    if len(os.sched_getaffinity(0)) < 2:
        section.text("There is one CPU: two threads were not measured.")
        return []
    cases = ("forward", "ct-nat")
    raw, ns, _ = measure([p for c in cases for p in ((c, "64", MANY, 1), (c, "64", MANY, 1, 2))],
                         pin=False)
    for case in cases:
        section.line(f"scaling: {case} in two threads, of one",
                     ns[case, "64", MANY, 1].over(ns[case, "64", MANY, 1, 2]), 1.7, "x")
    return raw


def case_table(section, ns):
    """Every case by flows and masks."""
    heads = ["case"] + [f"{n:,} flows" for n in FLOWS] + ["10 masks", "100 masks",
                                                          "IMIX", "IMIX, 1,000,000"]
    rows = []
    for case in CASES:
        keys = [(case, "64", n, 1) for n in FLOWS] + [(case, "64", MANY, m) for m in (10, 100)]
        keys += [(case, "imix", MANY, 1), (case, "imix", MOST, 1)]
        rows.append([case] + [f"{ns[k].median:.0f}" if k in ns else "-" for k in keys])
    section.text("Nanoseconds per packet, medians; masks and the first IMIX column are of "
                 f"{MANY:,} flows, and what is not IMIX is of 64 bytes:")
    section.table(heads, rows)


def run():
    """The benchmark."""
    build()
    raw, ns, size = measure(points())
    section = Section("library", "eSwitch library, one core")
    section.text("Rates are packets per second of CPU time; ratios are of one round. *null* is "
                 "the same loop without lookup, *wire* does not look at frames at all. Spread is "
                 "the distance of the extremes.")
    short = judge(section, ns, size)
    raw += scaling(section)
    rows = []
    for p, v in ns.items():
        null = ns["null", p[1], MANY, 1]
        rows.append([f"{p[0]}, {p[1]}", p[2], p[3], f"{v.median:.1f}", f"{v.min:.1f}",
                     f"{100 * v.spread():.0f}%", f"{100 * null.over(v).median:.0f}%"])
    section.table(["case, frames", "flows", "masks", "ns, median", "least", "spread", "of null"],
                  rows)
    wide = dict(ns)
    for case in CASES:
        say(case)
        part, found, _ = measure(more_points(case), 3, MSEC // 2)
        raw += part
        wide.update(found)
    case_table(section, wide)
    if short:
        section.profile(short)
    axes = "set ylabel 'ns per packet'\nset yrange [0:*]\nset grid\nset logscale x\n" \
           "set style data yerrorlines\nset key left\n"
    for name, title, rest in (
            ("library-flows", "flows, each with a rule, one mask",
             [(n, ns["forward", "64", n, 1]) for n in FLOWS]),
            ("library-masks", "masks, 10,000 flows",
             [(n, ns["forward", "64", MANY, n]) for n in MASKS])):
        section.plot(name, axes + f"set xlabel '{title}'\n" + data_block(
            "d", [(n, v.median, v.min, v.max) for n, v in rest]) +
            "plot $d using 1:2:3:4 title 'forward, 64 bytes'\n")
    section.plot("library-all", axes + "set logscale y\nset yrange [*:*]\n"
                 "set xlabel 'flows, one mask, 64 bytes'\nset key outside right\n" +
                 "".join(data_block(f"d{i}", [(n, wide[c, "64", n, 1].median) for n in FLOWS])
                         for i, c in enumerate(CASES)) + "plot " +
                 ", ".join(f"$d{i} using 1:2 with linespoints title '{c}'"
                           for i, c in enumerate(CASES)) + "\n")
    section.plot("library-cases", "set ylabel 'ns per packet'\nset yrange [0:*]\nset grid y\n"
                 "set style data histograms\nset style fill solid 0.6\n"
                 "set xtics rotate by -30\n" + data_block(
                     "d", [(c, ns[c, "64", MANY, 1].median, ns[c, "imix", MANY, 1].median)
                           for c in ["wire", "null", *CASES]]) +
                 "plot $d using 2:xtic(1) title '64 bytes', $d using 3 title 'IMIX'\n")
    section.raw(raw)
    section.finish()
