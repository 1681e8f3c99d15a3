# SPDX-License-Identifier: GPL-2.0-only
"""What "run" keeps of the tests it ran, and how two ways of running them compare."""
import collections
import os
import re
import shutil

LISTS = ("soft", "refused")


class Result:
    """What became of one test."""

    def __init__(self, result, seconds, name, flows=0, hardware=0):
        self.result = result
        self.seconds = seconds
        self.name = name
        self.flows = flows
        self.hardware = hardware

    def verdict(self):
        """pass, fail or skip."""
        if self.result.startswith(("FAILED", "UNEXPECTED")):
            return "fail"
        return "skip" if self.result.startswith("skipped") else "pass"


def lines(*path):
    """The lines of a file, none if there is none."""
    try:
        with open(os.path.join(*path), encoding="utf-8", errors="replace") as text:
            return text.read().splitlines()
    except FileNotFoundError:
        return []


def load(base):
    """The results kept in a directory, by test."""
    results = {}
    for line in lines(base, "results"):
        number, result, seconds, flows, hardware, name = line.split("\t")
        results[int(number)] = Result(result, int(seconds), name, int(flows), int(hardware))
    return results


def merge(base, results, share):
    """Add results to those kept in base, with what the guest left in share."""
    for line in lines(share, "flows"):
        number, flows, hardware = (int(word) for word in line.split())
        if number in results:
            results[number].flows = flows
            results[number].hardware = hardware
    for name in LISTS:
        kept = [line for line in lines(base, name) if int(line.split()[0]) not in results]
        with open(os.path.join(base, name), "w", encoding="utf-8") as out:
            for line in kept + lines(share, name):
                print(line, file=out)
    os.makedirs(os.path.join(base, "logs"), exist_ok=True)
    for number in results:
        shutil.rmtree(os.path.join(base, "logs", f"{number:03}"), ignore_errors=True)
    logs = os.path.join(share, "logs")
    for name in os.listdir(logs) if os.path.isdir(logs) else ():
        old = os.path.join(base, "logs", name)
        shutil.rmtree(old, ignore_errors=True)
        shutil.move(os.path.join(logs, name), old)
    everything = load(base) | results
    with open(os.path.join(base, "results"), "w", encoding="utf-8") as out:
        for number in sorted(everything):
            one = everything[number]
            print(number, one.result, one.seconds, one.flows, one.hardware, one.name,
                  sep="\t", file=out)


def tally(results):
    """How many passed, failed, were skipped."""
    count = collections.Counter(r.verdict() for r in results.values())
    return f"{len(results)} run: {count['pass']} passed, {count['fail']} failed, " \
           f"{count['skip']} skipped"


def reasons(base):
    """What the driver refused, by reason, with the tests it did so in."""
    seen = collections.defaultdict(set)
    for line in lines(base, "refused"):
        number, text = line.split(" ", 1)
        seen[re.sub(r"^chain \d+ prio \d+ ", "", text)].add(int(number))
    return seen


def compare(veth, vf):
    """Print how tests did with veth pairs and with VFs; 1 if any did worse."""
    first, second = load(veth), load(vf)
    print(f"veth pairs  {tally(first)}")
    print(f"VFs         {tally(second)}")
    worse = [n for n in sorted(second)
             if n in first and first[n].verdict() == "pass" and second[n].verdict() != "pass"]
    print(f"pass with veth pairs and not with VFs: {len(worse)}")
    for number in worse:
        print(f"  {number} {second[number].name}: {second[number].result}")
    better = [n for n in sorted(second)
              if n in first and first[n].verdict() == "fail" and second[n].verdict() == "pass"]
    print(f"fail with veth pairs and pass with VFs: {' '.join(map(str, better)) or 'none'}")
    both = [n for n in sorted(second)
            if n in first and first[n].verdict() == "fail" and second[n].verdict() == "fail"]
    print(f"fail both ways: {' '.join(map(str, both)) or 'none'}")
    once = sorted(set(first) ^ set(second))
    if once:
        print(f"run one way only: {' '.join(map(str, once))}")
    flows = sum(r.flows for r in second.values())
    hardware = sum(r.hardware for r in second.values())
    print(f"flows of type tc when tests ended: {flows}, offloaded: {hardware}"
          + (f" ({100 * hardware // flows} %)" if flows else ""))
    for text, tests in sorted(reasons(vf).items(), key=lambda item: -len(item[1])):
        print(f"  refused in {len(tests)} tests ({' '.join(map(str, sorted(tests)[:8]))}"
              f"{' ...' if len(tests) > 8 else ''}): {text}")
    return 1 if worse else 0
