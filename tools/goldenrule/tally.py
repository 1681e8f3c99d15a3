# SPDX-License-Identifier: GPL-2.0-only
"""What a run has found, or several of them together."""
from collections import Counter

import coverage


class Tally:
    """Numbers of a run, and its coverage."""

    def __init__(self):
        self.count = Counter()
        # Messages of software and of the driver for what they refuse; places.
        self.invalid, self.reasons, self.kinds = Counter(), Counter(), Counter()
        self.names = []
        self.coverage = coverage.Coverage()

    def add(self, verdict):
        """Count a set."""
        one = verdict.set
        self.names.append(one.name)
        self.kinds["ct" if one.conns else one.place] += 1
        self.count.update(sets=1, cases=len(one.frames), left=verdict.left,
                          rules=len(one.rules) - len(verdict.invalid),
                          refused=len(verdict.refused))
        self.invalid.update(verdict.invalid.values())
        self.reasons.update(verdict.refused.values())
        self.coverage.add(verdict)

    def line(self):
        """The numbers in words."""
        n = self.count
        return f"{n['sets']} rule sets, {n['cases']} cases, {n['rules']} rules ({n['refused']} " \
               f"refused), {n['left']} cases left to software, {n['unsteady']} unsteady, " \
               f"{n['differ']} differences, {n['seconds']} s"

    def report(self):
        """Print the tables."""
        print("# sets: " + ", ".join(f"{n} {kind}" for kind, n in sorted(self.kinds.items())))
        for name, table in (("software refused", self.invalid),
                            ("hardware refused", self.reasons)):
            for message, count in table.most_common():
                print(f"# {name} {count}: {message}")
        self.coverage.report()

    def plain(self):
        """As plain data."""
        out = {name: dict(getattr(self, name)) for name in ("count", "invalid", "reasons", "kinds")}
        return out | {"names": self.names, "coverage": self.coverage.plain()}

    def merge(self, data):
        """Add what plain() has told of another run."""
        for name in ("count", "invalid", "reasons", "kinds"):
            getattr(self, name).update(data[name])
        self.names += data["names"]
        self.coverage.merge(data["coverage"])
