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
    """All points, none twice."""
    found = []
    for size in ("64", "imix"):
        found += [("wire", size, MANY, 1), ("null", size, MANY, 1)]
        found += [(case, size, MANY, 1) for case in CASES]
    found += [("forward", "64", flows, 1) for flows in FLOWS]
    found += [("forward", "64", MANY, masks) for masks in MASKS]
    found += [("forward", "64", MOST, 100)]
    return list(dict.fromkeys(found))


def measure(wanted, rounds=ROUNDS, msec=MSEC):
    """Nanoseconds of each point in each round, and bytes per rule."""
    say(f"{len(wanted)} points, {rounds} rounds")
    args = [":".join(str(f) for f in p) for p in wanted]
    raw, ns, size = [], {p: [] for p in wanted}, {}
    with subprocess.Popen(["taskset", "-c", str(quick_cpu()), BINARY, "-r", str(rounds),
                           "-m", str(msec), *args], stdout=subprocess.PIPE, text=True) as run:
        for text in run.stdout:
            one = json.loads(text)
            point = (one["case"], one["size"], one["flows"], one["masks"])
            if point == wanted[0]:
                say(f"round {one['round'] + 1} of {rounds}")
            raw.append(one)
            ns[point].append(one["ns"] / one["packets"])
            size[point] = one["device_bytes"] / one["flows"]
    if run.returncode:
        raise RuntimeError("eswbench failed, see above")
    return raw, {p: Values(v) for p, v in ns.items()}, size


def judge(section, ns, size):
    """The acceptance lines."""
    many = ns["forward", "64", MANY, 1]
    most = ns["forward", "64", MOST, 1]
    section.line("forwarding with 10,000 rules, of the null switch",
                 ns["null", "64", MANY, 1].over(many), 0.5)
    section.line("forwarding with 1,000,000 rules, of 10,000", many.over(most), 0.4)
    section.line("100 masks, 10,000 flows that the cache holds, of one mask",
                 many.over(ns["forward", "64", MANY, 100]), 0.8)
    section.line("100 masks, 1,000,000 flows that it doesn't hold, of one mask",
                 most.over(ns["forward", "64", MOST, 100]), 0.25)
    for case, want in (("vxlan-encap", 0.6), ("vxlan-decap", 0.6), ("ct-nat", 0.5)):
        section.line(f"{case}, of plain forwarding", many.over(ns[case, "64", MANY, 1]), want)
    section.line("device memory per simple rule, of 1,000,000",
                 Values([size["forward", "64", MOST, 1]]), 256, "B")


def run():
    """The benchmark."""
    build()
    raw, ns, size = measure(points())
    section = Section("library", "eSwitch library, one core")
    section.text("Rates are packets per second of CPU time; ratios are of one round. *null* is "
                 "the same loop without lookup, *wire* does not look at frames at all. Spread is "
                 "the distance of the extremes.")
    judge(section, ns, size)
    rows = []
    for p, v in ns.items():
        null = ns["null", p[1], MANY, 1]
        rows.append([f"{p[0]}, {p[1]}", p[2], p[3], f"{v.median:.1f}", f"{v.min:.1f}",
                     f"{100 * v.spread():.0f}%", f"{100 * null.over(v).median:.0f}%"])
    section.table(["case, frames", "flows", "masks", "ns, median", "least", "spread", "of null"],
                  rows)
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
    section.plot("library-cases", "set ylabel 'ns per packet'\nset yrange [0:*]\nset grid y\n"
                 "set style data histograms\nset style fill solid 0.6\n"
                 "set xtics rotate by -30\n" + data_block(
                     "d", [(c, ns[c, "64", MANY, 1].median, ns[c, "imix", MANY, 1].median)
                           for c in ["wire", "null", *CASES]]) +
                 "plot $d using 2:xtic(1) title '64 bytes', $d using 3 title 'IMIX'\n")
    section.raw(raw)
    section.finish()
