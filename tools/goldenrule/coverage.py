# SPDX-License-Identifier: GPL-2.0-only
"""Which keys, actions and pairs of actions hardware has run."""
from collections import Counter
from itertools import combinations

import actions
import keys


def parts_of(rule):
    """What is in a rule: ["key NAME" and "action NAME"], [pairs of actions]."""
    names = {f"key     {name}" for name, _ in rule.match}
    if rule.kind == "flower":
        names.add(f"key     protocol {rule.proto}")
    acts = {name for name, _ in rule.acts}
    if any(" jump " in words and name != "police jump" for name, words in rule.acts):
        names.add("action  jump")
    return sorted(names | {f"action  {name}" for name in acts}), \
        [f"{a} + {b}" for a, b in combinations(sorted(acts), 2)]


class Coverage:
    """Counts rules: generated, taken by hardware, hit there."""

    def __init__(self):
        self.made, self.taken, self.hit = Counter(), Counter(), Counter()
        self.pairs_hit = Counter()

    def add(self, verdict):
        """Count a set."""
        for rule in verdict.set.rules:
            if rule.handle not in verdict.invalid:
                self.made.update(parts_of(rule)[0])
        for rule in verdict.accepted:
            if rule.handle < 1000:
                self.taken.update(parts_of(rule)[0])
        for rule in verdict.hit:
            if rule.handle < 1000:
                parts, pairs = parts_of(rule)
                self.hit.update(parts)
                self.pairs_hit.update(pairs)

    def plain(self):
        """As plain data."""
        return {name: dict(count) for name, count in vars(self).items()}

    def merge(self, data):
        """Add what plain() has told of another run."""
        for name, count in vars(self).items():
            count.update(data[name])

    def report(self):
        """Print the tables."""
        print(f"# {'':30}{'rules':>8}{'offloaded':>11}{'hit':>8}")
        known = {f"key     {k[0]}" for k in keys.KEYS} | {"action  jump", "action  police jump"} | \
            {f"action  {a[0]}" for a in actions.ACTIONS + actions.RARE + actions.ENDS}
        for part in sorted(known | set(self.made)):
            print(f"# {part:30}{self.made[part]:8}{self.taken[part]:11}{self.hit[part]:8}")
        able = [part for part in sorted(self.taken) if self.taken[part]]
        print(f"# keys and actions hit in hardware: {sum(self.hit[p] > 0 for p in able)} of "
              f"{len(able)} that it takes")
        for what, some in (("taken, not hit", [p for p in able if not self.hit[p]]),
                           ("never taken", sorted(known - set(able)))):
            if some:
                print(f"# {what}: " + ", ".join(" ".join(part.split()) for part in some))
        # Those that are made on purpose.
        able = {part.split(maxsplit=1)[1] for part in able if part.startswith("action")}
        pairs = [" + ".join(sorted(p)) for p in actions.PAIRS if set(p) <= able]
        hit = sum(p in self.pairs_hit for p in pairs)
        print(f"# pairs of actions hit in hardware: {hit} of {len(pairs)}"
              f" ({100 * hit // max(1, len(pairs))}%)")
        missing = [p for p in pairs if p not in self.pairs_hit]
        if missing:
            print("# not hit: " + ", ".join(missing))
