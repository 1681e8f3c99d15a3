#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Send the same frames through the same tc rules in software and in hardware.

Runs in a machine with the NIC, started by guest.sh, which makes the ports. See
Documentation/testing/goldenrule.md.
"""
import argparse
import functools
import json
import multiprocessing
import os
import sys
import time
from collections import Counter

import compare
import coverage
import rules
import shrink
from engine import Engine


class Run:
    """A run over many rule sets."""

    def __init__(self, engine, args):
        self.engine = engine
        self.judge = compare.Judge(engine)
        self.args = args
        self.coverage = coverage.Coverage()
        self.start = time.monotonic()
        self.sets = self.cases = self.left = self.unsteady = self.differ = 0
        self.rules = self.refusals = 0
        self.invalid, self.reasons = Counter(), Counter()

    def progress(self, final=False):
        """One line."""
        seconds = time.monotonic() - self.start
        print(f"# {'ran' if final else 'so far'} {self.sets} rule sets, {self.cases} cases, "
              f"{self.rules} rules ({self.refusals} refused), {self.left} cases left to software, "
              f"{self.unsteady} unsteady, {self.differ} differences, {seconds:.0f} s", flush=True)

    def note(self, verdict):
        """Count a set."""
        self.sets += 1
        self.cases += len(verdict.set.frames)
        self.left += verdict.left
        self.rules += len(verdict.set.rules) - len(verdict.invalid)
        self.refusals += len(verdict.refused)
        self.invalid.update(verdict.invalid.values())
        self.reasons.update(verdict.refused.values())
        self.coverage.add(verdict)

    def confirm(self, verdict, lane):
        """Judge a set that differed once more, alone; report it if it still does."""
        rest = [rules.RuleSet("", [], [])] * lane
        again = self.judge.judge(rest + [verdict.set])[-1]
        if again.late or not again.problems:
            self.unsteady += 1
            for kind, text in verdict.problems[:3] or [("late", "a fence did not arrive")]:
                print(f"# unsteady: {verdict.set.name}: {kind}: {text}", flush=True)
            return again
        self.differ += 1
        uplink = self.engine.lanes[lane].rep == self.engine.outs[2][0]
        print(f"# difference: {verdict.set.name} on {'the uplink' if uplink else 'a VF'}:")
        shown = Counter()
        for kind, text in again.problems:
            what = kind, text[:30]
            shown[what] += 1
            if shown[what] <= 3:
                print(f"#   {kind}: {text}")
        small = again.set
        if self.differ <= self.args.shrink:
            small = shrink.shrink(self.judge, again)
            kind, text = again.problems[0]
            print(shrink.script(small, f"{kind}: {text}", again.kinds(), uplink))
            print("# corpus: " + json.dumps(small.shape()), flush=True)
        return again

    def batch(self, sets):
        """Judge some sets."""
        verdicts = self.judge.judge(sets)
        for lane, verdict in enumerate(verdicts):
            if verdict.late or verdict.problems:
                verdict = self.confirm(verdict, lane)
            self.note(verdict)

    def run(self, sets):
        """Judge all of sets."""
        lanes = len(self.engine.lanes)
        shown = time.monotonic()
        batch = []
        for one in sets:
            batch.append(one)
            if len(batch) == lanes:
                self.batch(batch)
                batch = []
                if time.monotonic() - shown > self.args.progress:
                    self.progress()
                    shown = time.monotonic()
            if self.differ >= self.args.stop:
                print("# enough differences", flush=True)
                break
        if batch and self.differ < self.args.stop:
            self.batch(batch)
        self.progress(True)
        if self.args.coverage:
            for name, table in (("software refused", self.invalid),
                                ("hardware refused", self.reasons)):
                for message, count in table.most_common():
                    print(f"# {name} {count}: {message}")
            self.coverage.report()
        return 1 if self.differ else 0


def corpus(directory):
    """Rule sets that differed once."""
    for name in sorted(os.listdir(directory)):
        if name.endswith(".json"):
            with open(os.path.join(directory, name), encoding="ascii") as text:
                one = rules.RuleSet.from_shape(json.load(text))
            one.name = name
            yield one


def main():
    """Command line."""
    top = argparse.ArgumentParser(prog="goldenrule")
    top.add_argument("--lanes", required=True, help="REP=FAR,... ports frames come in by")
    top.add_argument("--outs", required=True, help="REP=FAR,... two VFs and an uplink")
    top.add_argument("--namespace", required=True, help="of the far ends")
    top.add_argument("--foreign", required=True, help="a device that is no port")
    top.add_argument("--devlink", required=True)
    top.add_argument("--seed", default="1")
    top.add_argument("--first", type=int, default=0, help="rule set to start with")
    top.add_argument("--count", type=int, default=100, help="rule sets")
    top.add_argument("--corpus", help="run these sets, not generated ones")
    top.add_argument("--shrink", type=int, default=5, help="differences to shrink")
    top.add_argument("--stop", type=int, default=20, help="give up after so many differences")
    top.add_argument("--progress", type=float, default=10, help="seconds between lines")
    top.add_argument("--coverage", action="store_true")
    args = top.parse_args()

    def pairs(text):
        return [tuple(word.split("=")) for word in text.split(",")]

    # Another process makes sets meanwhile.
    maker = multiprocessing.Pool(1)
    engine = Engine(pairs(args.lanes), pairs(args.outs), args.namespace, args.foreign,
                    args.devlink)
    try:
        if args.corpus:
            sets = corpus(args.corpus)
        else:
            numbers = range(args.first, args.first + args.count)
            sets = maker.imap(functools.partial(rules.generate, args.seed), numbers)
        return Run(engine, args).run(sets)
    finally:
        engine.close()
        maker.terminate()


if __name__ == "__main__":
    sys.exit(main())
