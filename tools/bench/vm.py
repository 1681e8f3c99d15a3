# SPDX-License-Identifier: GPL-2.0-only
"""Benchmarks in machines: scripts of selftests/net/sluice that print JSON."""

import json
import os
import re
import subprocess
import sys

from report import TOP, Values, say

GUEST = os.path.join(TOP, "build", "bench", "guest")
VM = os.path.join(TOP, "tools", "vm", "run")
# What scripts that measured all the same said was wrong.
FAILED = []


def build_guest():
    """The programs that run in the guest."""
    subprocess.run([os.path.join(TOP, "tools", "bench", "build-guest")], check=True)


def follow(command, env=None):
    """Run a command that boots a machine; what it printed as JSON, a line each."""
    found, last, wrong = [], [], []
    with subprocess.Popen(command, env=dict(os.environ, **(env or {})), stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, errors="replace") as run:
        for text in run.stdout:
            got = re.match(r"#?\s*(\{.*\})\s*$", text)
            if got:
                found.append(json.loads(got.group(1)))
                say(", ".join(f"{k} {short(v)}" for k, v in found[-1].items()
                              if not isinstance(v, dict)))
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
