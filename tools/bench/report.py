# SPDX-License-Identifier: GPL-2.0-only
"""What benchmarks have in common: statistics, tables, plots, verdicts."""

import json
import os
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
OUT = os.path.join(TOP, "build", "bench")
HERE = os.path.join(TOP, "tools", "bench")


def say(text):
    """Progress, for whoever waits."""
    print(f"==> {text}", file=sys.stderr, flush=True)


def quick_cpu():
    """The CPU to measure on: the last one there is."""
    return max(os.sched_getaffinity(0))


class Values:
    """Values of one point, one for each round."""

    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)
        self.min = min(self.values)
        self.max = max(self.values)

    def spread(self):
        """Distance of the extremes, as a share of the median."""
        return (self.max - self.min) / self.median if self.median else 0.0

    def over(self, other):
        """Ratios of what was measured in the same round."""
        return Values(a / b if b else float("inf")
                      for a, b in zip(self.values, other.values))


class Section:
    """A benchmark's part of the report."""

    def __init__(self, name, title):
        self.name = name
        self.lines = [f"## {title}", ""]
        self.verdicts = []

    def text(self, *lines):
        """Paragraphs."""
        self.lines += [*lines, ""]

    def table(self, head, rows):
        """A table; the first column is text, the others are numbers."""
        self.lines.append("| " + " | ".join(head) + " |")
        self.lines.append("|---" + "|---:" * (len(head) - 1) + "|")
        self.lines += ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]
        self.lines.append("")

    def line(self, what, ratio, want, unit="%"):
        """
        Compare with an acceptance line; @ratio holds one value a round. Units are %, x
        (times), B (bytes) and s (seconds); the latter two, and units with <, are to be at
        most @want. Without @want the figure is only told. Is it reached?
        """
        most = unit in ("B", "s") or unit.endswith("<")
        unit = unit.rstrip("<")
        form = {"%": lambda v: f"{100 * v:.0f}%", "x": lambda v: f"{v:.2f}x",
                "B": lambda v: f"{v:.0f} B", "s": lambda v: f"{v:.2f} s"}[unit]
        text = f"{what}: {form(ratio.median)}, {form(ratio.min)} to {form(ratio.max)}"
        good = True
        if want is None:
            text = f"INFO: {text}"
        else:
            good = ratio.median <= want if most else ratio.median >= want
            text = (f"{'PASS' if good else 'SHORT'}: {text} "
                    f"(at {'most' if most else 'least'} {form(want)})")
        self.verdicts.append(text)
        print(text, flush=True)
        return good

    def profile(self, points):
        """Where the time goes at @points, which fell short: words for tools/bench/profile."""
        names = list(dict.fromkeys(p if isinstance(p, str) else ":".join(str(f) for f in p)
                                   for p in points))
        say(f"profile of {', '.join(names)}")
        done = subprocess.run([os.path.join(HERE, "profile"), *names], text=True,
                              stdout=subprocess.PIPE, check=False)
        self.text("What is short, and where its time goes (`tools/bench/profile`; what is known "
                  "of it is in Documentation/testing/bench.md):", "",
                  "```", *done.stdout.rstrip().splitlines(), "```")

    def short(self):
        """Does a line fall short?"""
        return any(v.startswith("SHORT") for v in self.verdicts)

    def plot(self, name, script):
        """An SVG made by gnuplot from its own data."""
        path = os.path.join(OUT, f"{name}.svg")
        done = subprocess.run([os.path.join(HERE, "in-chroot"), OUT, "gnuplot", "-"],
                              input=f"set terminal svg size 720,420 background 'white'\n"
                                    f"set output '/run/bench/{name}.svg'\n{script}",
                              text=True, check=False)
        if done.returncode or not os.path.exists(path):
            self.text(f"(There is no plot {name}: gnuplot failed.)")
        else:
            self.text(f"![{name}]({name}.svg)")

    def raw(self, data):
        """Everything that was measured."""
        with open(os.path.join(OUT, f"{self.name}.json"), "w", encoding="ascii") as f:
            json.dump(data, f, indent=1)
        self.text(f"Everything measured: [{self.name}.json]({self.name}.json).")

    def finish(self):
        """Write it down."""
        verdicts = [f"- {v}" for v in self.verdicts] + [""]
        with open(os.path.join(OUT, f"{self.name}.md"), "w", encoding="ascii") as f:
            f.write("\n".join(self.lines[:2] + verdicts + self.lines[2:]))


def data_block(name, rows):
    """Data for gnuplot, in its script."""
    return f"${name} << EOD\n" + "".join(" ".join(str(c) for c in r) + "\n" for r in rows) + "EOD\n"


def bars(label, titles, rows):
    """A plot's script: groups of bars. A row is a name and a value for each title."""
    script = f"set ylabel '{label}'\nset yrange [0:*]\nset grid y\n" \
             "set style data histograms\nset style fill solid 0.6\nset xtics rotate by -30\n"
    data = data_block("d", [(f'"{row[0]}"', *row[1:]) for row in rows])
    return script + data + "plot " + ", ".join(
        f"$d using {i + 2}{':xtic(1)' if not i else ''} title '{title}'"
        for i, title in enumerate(titles)) + "\n"
