# SPDX-License-Identifier: GPL-2.0-only
"""What events cost: neighbours and routes behind many rules, VFs and mode changes."""

import statistics

from report import Section, Values, bars
from vm import collect, script

NAMES = {"change_neighbour": "neighbour changes its MAC address",
         "change_route": "route of one header changes",
         "change_object": "nexthop object of one header changes",
         "change_policy": "policy rule for one header comes or goes"}
STEPS = {"numvfs": "sriov_numvfs", "netdevs": "until all netdevs are there",
         "switchdev": "to switchdev", "reps_up": "all representors up", "legacy": "to legacy",
         "no_vfs": "back to no VFs"}


def tunnels(section):
    """The neighbour and route tables."""
    raw = script("bench_tunnel")
    rows, by_event = [], {}
    for one in raw:
        ns = Values(one["ns"])
        by_event.setdefault(one["event"], []).append((one["behind"], ns))
        rows.append([NAMES[one["event"]], f"{one['behind']:,}",
                     f"{statistics.mean(one['commands']):.2g}", f"{ns.median / 1e3:.1f}",
                     f"{ns.min / 1e3:.1f}", f"{ns.max / 1e3:.1f}"])
    for event, points in by_event.items():
        (few, first), (many, last) = points[0], points[-1]
        section.line(f"{NAMES[event]}: time of the driver with {many:,} behind it, of {few:,}",
                     Values([last.median / first.median]), 2, "x<")
    section.text("One event behind many rules (a neighbour) or next hops (a route): commands to "
                 "the device and the driver's time.")
    section.table(["event", "behind it", "commands", "us, median", "least", "most"], rows)
    return raw


def vfs(section):
    """VFs and mode changes."""
    raw = script("bench_vfs")
    points = collect(raw, ("vfs",), STEPS)
    most = max(points)
    section.line(f"to switchdev with {most[0]} VFs",
                 Values([v / 1e9 for v in points[most]["switchdev"].values]), 5, "s")
    section.text("VFs and mode changes, in ms: median and extremes of the rounds.")
    section.table(["", *(f"{n[0]} VFs" for n in points)],
                  [[name, *(f"{v[step].median / 1e6:.0f} ({v[step].min / 1e6:.0f} to "
                            f"{v[step].max / 1e6:.0f})" for v in points.values())]
                   for step, name in STEPS.items()])
    section.plot("events-vfs", bars("ms", list(STEPS.values()), [
        (f"{n[0]} VFs", *(v[step].median / 1e6 for step in STEPS)) for n, v in points.items()]))
    return raw


def run():
    """The benchmark."""
    section = Section("events", "Events, in a machine")
    section.raw(tunnels(section) + vfs(section))
    section.finish()
