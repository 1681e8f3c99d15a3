# SPDX-License-Identifier: GPL-2.0-only
"""Which keys, actions and pairs of actions hardware has run."""
from collections import Counter
from itertools import combinations

import actions
import keys


class Coverage:
    """Counts rules: generated, taken by hardware, hit there."""

    def __init__(self):
        self.made, self.taken, self.hit = Counter(), Counter(), Counter()
        self.pairs_made, self.pairs_taken, self.pairs_hit = Counter(), Counter(), Counter()

    @staticmethod
    def note(rule, parts, pairs):
        """Count what is in a rule."""
        names = {("key", name) for name, _ in rule.match}
        if rule.kind == "flower":
            names.add(("key", f"protocol {rule.proto}"))
        names |= {("action", name) for name, _ in rule.acts}
        parts.update(names)
        pairs.update(set(combinations(sorted({name for name, _ in rule.acts}), 2)))

    def add(self, verdict):
        """Count a set."""
        for rule in verdict.set.rules:
            if rule.handle not in verdict.invalid:
                self.note(rule, self.made, self.pairs_made)
        for rule in verdict.set.rules:
            if rule in verdict.accepted:
                self.note(rule, self.taken, self.pairs_taken)
            if rule in verdict.hit:
                self.note(rule, self.hit, self.pairs_hit)

    def report(self):
        """Print the tables."""
        print(f"# {'':28}{'rules':>8}{'offloaded':>11}{'hit':>8}")
        known = {("key", k[0]) for k in keys.KEYS} | \
            {("action", a[0]) for a in actions.ACTIONS + actions.RARE + actions.ENDS}
        for kind, name in sorted(known | set(self.made)):
            part = (kind, name)
            print(f"# {kind:7}{name:21}{self.made[part]:8}{self.taken[part]:11}{self.hit[part]:8}")
        able = sorted({name for kind, name in self.taken if kind == "action"})
        # Those that are made on purpose.
        pairs = [tuple(sorted(p)) for p in actions.PAIRS if set(p) <= set(able)]
        hit = sum(p in self.pairs_hit for p in pairs)
        print(f"# pairs of actions hit in hardware: {hit} of {len(pairs)}"
              f" ({100 * hit // max(1, len(pairs))}%)")
        missing = [" + ".join(p) for p in pairs if p not in self.pairs_hit]
        if missing:
            print("# not hit: " + ", ".join(missing))
