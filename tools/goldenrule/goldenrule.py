#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Send the same frames through the same tc rules in software and in hardware.

Runs in a machine with the NIC, started by guest.sh, which makes the ports. See
Documentation/testing/goldenrule.md.
"""
import argparse
import functools
import itertools
import json
import multiprocessing
import os
import sys
import time
from collections import Counter

import compare
import rules
import shrink
import tally
import tunnels
from engine import Engine


class Run:
    """A run over many rule sets."""

    def __init__(self, engine, args):
        self.engine = engine
        self.judge = compare.Judge(engine)
        self.args = args
        self.start = time.monotonic()
        self.tally = tally.Tally()

    def progress(self, final=False):
        """One line."""
        self.tally.count["seconds"] = round(time.monotonic() - self.start)
        print(f"# {'ran' if final else 'so far'} {self.tally.line()}", flush=True)

    def confirm(self, verdict, lane):
        """Judge a set that differed once more, alone; report it if it still does."""
        row = [compare.EMPTY] * len(self.engine.lanes)
        row[lane] = verdict.set
        again = self.judge.judge(row)[lane]
        if again.late or not again.problems:
            self.tally.count["unsteady"] += 1
            late = [("late", verdict.late or again.late)] if verdict.late or again.late else []
            for kind, text in late + verdict.problems[:3]:
                print(f"# unsteady: {verdict.set.name}: {kind}: {text}", flush=True)
            return again
        self.tally.count["differ"] += 1
        uplink = self.engine.lanes[lane].dev == self.engine.outs[2][0]
        place = self.engine.lanes[lane].place
        if place == "port":
            place = "the uplink" if uplink else "a VF"
        print(f"# difference: {verdict.set.name} on {place}:")
        shown = Counter()
        for kind, text in again.problems:
            what = kind, text[:30]
            shown[what] += 1
            if shown[what] <= 3:
                print(f"#   {kind}: {text}")
        small = again.set
        if self.tally.count["differ"] <= self.args.shrink:
            small = shrink.shrink(self.judge, again)
            kind, text = again.problems[0]
            print(shrink.script(small, f"{kind}: {text}", again.kinds(), uplink))
            print("# corpus: " + json.dumps(small.shape()), flush=True)
        return again

    def locate(self, row):
        """The lane for whose set ports count differently, or None: it did not happen again."""
        lanes = [i for i, one in enumerate(row) if one is not compare.EMPTY]
        while lanes:
            half = len(lanes) // 2 or 1
            for some in lanes[:half], lanes[half:]:
                part = [one if i in some else compare.EMPTY for i, one in enumerate(row)]
                if some and self.judge.judge(part)[some[0]].problems:
                    lanes = some
                    break
            else:
                return None
            if len(lanes) == 1:
                return lanes[0]
        return None

    def batch(self, row):
        """Judge a set for each lane, if there are any."""
        if all(one is compare.EMPTY for one in row):
            return
        verdicts = self.judge.judge(row)
        bad = [i for i, v in enumerate(verdicts) if v.late or v.kinds() - {"mixed-ports"}]
        # Which set the ports' counters differ for cannot be told: most likely one
        # that differs otherwise, too.
        if not bad and any(v.problems for v in verdicts):
            lane = self.locate(row)
            if lane is None:
                self.tally.count["unsteady"] += 1
                print(f"# unsteady: {verdicts[0].problems[0][1]}", flush=True)
            else:
                bad = [lane]
        for lane, verdict in enumerate(verdicts):
            if verdict.set is not compare.EMPTY:
                self.tally.add(self.confirm(verdict, lane) if lane in bad else verdict)

    def run(self, sets):
        """Judge all of sets."""
        lanes = self.engine.lanes
        shown = time.monotonic()
        waiting = []
        source = iter(sets)
        for number in itertools.count():
            if self.tally.count["differ"] >= self.args.stop:
                print("# enough differences", flush=True)
                break
            if self.args.seconds and time.monotonic() - self.start > self.args.seconds:
                print("# time is up", flush=True)
                break
            waiting += itertools.islice(source, max(0, 2 * len(lanes) - len(waiting)))
            if not waiting:
                break
            row, waiting = compare.seats(lanes, waiting, number % 3 == 0)
            self.batch(row)
            if time.monotonic() - shown > self.args.progress:
                self.progress()
                shown = time.monotonic()
        self.progress(True)
        if self.args.coverage:
            self.tally.report()
            print("# time: " + ", ".join(f"{what} {seconds:.0f} s" for what, seconds
                                         in self.engine.spent.most_common()))
        if self.args.tally:
            print(f"# tally: {json.dumps(self.tally.plain())}", flush=True)
        return 1 if self.tally.count["differ"] else 0


def corpus(directory):
    """Rule sets that differed once."""
    for name in sorted(os.listdir(directory)):
        if name.endswith(".json"):
            with open(os.path.join(directory, name), encoding="ascii") as text:
                one = rules.RuleSet.from_shape(json.load(text))
            one.name = name
            yield one


def made_elsewhere(path, args):
    """Rule sets that tools/goldenrule/generate writes into a file, as they come."""
    with open(path, encoding="ascii") as text:
        line, waited = "", 0
        for number in range(args.first, args.first + args.count):
            while not line.endswith("\n"):
                more = text.readline()
                line += more
                waited = 0 if more else waited + 1
                if waited > 6000:
                    raise SystemExit(f"goldenrule: {path} does not grow any more")
                if not more:
                    time.sleep(.05)
            one = rules.RuleSet.from_shape(json.loads(line))
            if one.place == "geneve" and not tunnels.OPTIONS_COME_IN:
                # The other machine's kernel was not asked.
                one = rules.generate(args.seed, number)
            yield one
            line = ""


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
    top.add_argument("--sets", help="a file that tools/goldenrule/generate writes them into")
    top.add_argument("--corpus", help="run these sets, not generated ones")
    top.add_argument("--shrink", type=int, default=5, help="differences to shrink")
    top.add_argument("--stop", type=int, default=20, help="give up after so many differences")
    top.add_argument("--seconds", type=float, help="begin no more after so long")
    top.add_argument("--progress", type=float, default=10, help="seconds between lines")
    top.add_argument("--coverage", action="store_true")
    top.add_argument("--tally", action="store_true",
                     help="print what tools/goldenrule/total adds up")
    args = top.parse_args()

    def pairs(text):
        return [tuple(word.split("=")) for word in text.split(",")]

    # Another process makes sets meanwhile, if no other machine does.
    maker = None if args.sets or args.corpus else multiprocessing.Pool(1)
    engine = Engine(pairs(args.lanes), pairs(args.outs), args.namespace, args.foreign,
                    args.devlink)
    try:
        if args.corpus:
            sets = corpus(args.corpus)
        elif args.sets:
            sets = made_elsewhere(args.sets, args)
        else:
            numbers = range(args.first, args.first + args.count)
            sets = maker.imap(functools.partial(rules.generate, args.seed), numbers)
        return Run(engine, args).run(sets)
    finally:
        engine.close()
        if maker:
            maker.terminate()


if __name__ == "__main__":
    sys.exit(main())
