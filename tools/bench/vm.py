# SPDX-License-Identifier: GPL-2.0-only
"""Benchmarks in machines: scripts of selftests/net/sluice that print JSON."""

import json
import os
import re
import subprocess
import sys
import time

from report import TOP, Values, say

GUEST = os.path.join(TOP, "build", "bench", "guest")
VM = os.path.join(TOP, "tools", "vm", "run")
# What scripts that measured all the same said was wrong.
FAILED = []


def build_guest():
    """The programs that run in the guest."""
    subprocess.run([os.path.join(TOP, "tools", "bench", "build-guest")], check=True)


def tasks(root):
    """QEMU's processes among the descendants of a process."""
    parents, names = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                head, _, rest = f.read().rpartition(")")
        except OSError:
            continue
        parents[int(pid)] = int(rest.split()[1])
        names[int(pid)] = head.partition("(")[2]
    ours = {root}
    while more := {p for p, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sorted(p for p in ours if names.get(p, "").startswith("qemu"))


def host_time(root):
    """{(machine, thread): its processor time so far, in seconds}, of a command's machines."""
    tick = os.sysconf("SC_CLK_TCK")
    out = {}
    for number, pid in enumerate(tasks(root)):
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/stat", encoding="ascii", errors="replace") as f:
                    head, _, rest = f.read().rpartition(")")
                name = head.partition("(")[2]
                name = "main loop" if name.startswith("qemu") else name
                key = number, name
                out[key] = out.get(key, 0) + sum(map(int, rest.split()[11:13])) / tick
        except OSError:
            continue
    return out


class Host:
    """What the host's processors did for a command's machines since the last time."""

    def __init__(self, root):
        self.root = root
        self.at = time.monotonic()
        self.used = host_time(root)

    def shares(self):
        """{thread: share of a processor}; those of a second machine begin with 2."""
        now, used = time.monotonic(), host_time(self.root)
        took, self.at = now - self.at, now
        out = {("" if not number else f"{number + 1}: ") + name:
               (seconds - self.used.get((number, name), 0)) / took
               for (number, name), seconds in used.items()}
        self.used = used
        return {name: round(share, 3) for name, share in out.items() if share >= 0.005}


def follow(command, env=None, shares=False):
    """
    Run a command that boots a machine; what it printed as JSON, a line each. With @shares each
    has what the host's processors did since the one before as "host": for commands that print
    as they measure, which selftests/net/sluice/run does not.
    """
    found, last, wrong = [], [], []
    with subprocess.Popen(command, env=dict(os.environ, **(env or {})), stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, errors="replace") as run:
        host = Host(run.pid) if shares else None
        for text in run.stdout:
            got = re.match(r"#?\s*(\{.*\})\s*$", text)
            if got:
                found.append(json.loads(got.group(1)))
                say(", ".join(f"{k} {short(v)}" for k, v in found[-1].items()
                              if not isinstance(v, dict)))
                if host:
                    found[-1]["host"] = host.shares()
            else:
                last = [*last[-30:], text]
                if text.startswith("not ok"):
                    wrong = last
    if not found or run.returncode not in (0, 1):
        raise RuntimeError("".join(last) + f"{command[0]} ended with {run.returncode}")
    if run.returncode:
        FAILED.append("".join(wrong or last))
        print(FAILED[-1], file=sys.stderr)
    return found


def short(value):
    """A number without what nobody reads."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def script(name, env=None):
    """Run a test script with the stock kernel."""
    return follow([os.path.join(TOP, "selftests", "net", "sluice", "run"), "--kernel", "stock",
                   name], env)


def threads(section, raw, keys):
    """Who used the host's processors while it was measured: a table."""
    points = {}
    for one in raw:
        if all(k in one for k in keys):
            points.setdefault(tuple(str(one[k]) for k in keys), []).append(one["host"])
    names = sorted({n for hosts in points.values() for host in hosts for n in host})
    section.text(f"What the host's {os.cpu_count()} processors did meanwhile, each thread's share "
                 "of one (100% is all of it), setting up included:")
    section.table(["", *names, "all"],
                  [[", ".join(key),
                    *(f"{100 * sum(h.get(n, 0) for h in hosts) / len(hosts):.0f}%" for n in names),
                    f"{100 * sum(sum(h.values()) for h in hosts) / len(hosts):.0f}%"]
                   for key, hosts in points.items()])


def collect(raw, keys, fields):
    """Values of @fields of all rounds, by the values of @keys."""
    points = {}
    for one in raw:
        if not all(k in one for k in keys):
            continue
        point = points.setdefault(tuple(one[k] for k in keys), {})
        for field in fields:
            if field in one:
                point.setdefault(field, []).append(one[field])
    return {key: {field: Values(v) for field, v in point.items()}
            for key, point in points.items()}
