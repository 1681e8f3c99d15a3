# SPDX-License-Identifier: GPL-2.0-only
"""What rules cost: insertion, dump and deletion, in hardware and in software."""

import json
import os
import re
import subprocess

from report import Section, TOP, Values

RULES = os.environ.get("RULES", "10000")
PROCESSES = os.environ.get("PROCESSES", "1 2 4")
ROUNDS = os.environ.get("ROUNDS", "3")
WHAT = {"add": "insertion", "dump": "dump", "del": "deletion"}


def measure():
    """What each round took, as bench_rules.sh tells it."""
    env = dict(os.environ, RULES=RULES, PROCESSES=PROCESSES, ROUNDS=ROUNDS)
    raw = []
    with subprocess.Popen([os.path.join(TOP, "selftests", "net", "sluice", "run"),
                           "--kernel", "stock", "bench_rules"],
                          env=env, stdout=subprocess.PIPE, text=True) as run:
        for text in run.stdout:
            found = re.search(r'\{"flag".*\}', text)
            if found:
                raw.append(json.loads(found.group()))
            print(text, end="", flush=True)
    if run.returncode:
        raise RuntimeError("bench_rules.sh failed, see above")
    return raw


def judge(section, points, rules, processes):
    """The acceptance lines of a number of rules."""
    one = processes[0]
    soft, hard = points["skip_hw", rules, one], points["skip_sw", rules, one]
    for what, want in (("add", 0.8), ("del", 0.8), ("dump", 1 / 1.2)):
        section.line(f"{WHAT[what]} of {rules:,} rules in hardware, of the rate in software",
                     soft[what].over(hard[what]), want)
    if 2 in processes and one == 1:
        two = points["skip_sw", rules, 2]
        for what in ("add", "del"):
            section.line(f"{WHAT[what]} of {rules:,} rules in hardware by 2 processes, of one",
                         hard[what].over(two[what]), 1.5, "x")
    section.line(f"driver's memory for each of {rules:,} rules, counters apart",
                 Values([hard["memory"].median - soft["memory"].median]), 512, "B")


def run():
    """The benchmark."""
    raw = measure()
    points = {}
    for one in raw:
        key = one["flag"], one["rules"], one["processes"]
        values = points.setdefault(key, {what: [] for what in [*WHAT, "memory"]})
        for what, got in values.items():
            got.append(one[what])
    points = {key: {what: Values(v) for what, v in values.items()}
              for key, values in points.items()}
    processes = [int(p) for p in PROCESSES.split()]
    section = Section("rules", "Rules, in a machine")
    section.text("Rules per second, medians of the rounds: `tc -b` with simple flower rules, "
                 "`skip_sw` in hardware and `skip_hw` in software, from several processes with a "
                 "representor each.")
    rows = []
    for rules in (int(n) for n in RULES.split()):
        judge(section, points, rules, processes)
        for count in processes:
            soft, hard = points["skip_hw", rules, count], points["skip_sw", rules, count]
            for what, name in WHAT.items():
                rows.append([f"{name}, {rules:,} rules", count,
                             f"{rules * 1000 / soft[what].median:,.0f}",
                             f"{rules * 1000 / hard[what].median:,.0f}",
                             f"{100 * hard[what].spread():.0f}%"])
    section.table(["what", "processes", "software, per s", "hardware, per s", "spread"], rows)
    section.raw(raw)
    section.finish()
