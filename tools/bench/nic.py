# SPDX-License-Identifier: GPL-2.0-only
"""The NIC's data path: rules in hardware against software, and against other NICs."""

import os

from report import Section, Values, bars
from vm import VM, build_guest, collect, follow, threads

ROUNDS, SECS = "2", "3"
OURS = "Sluice VF"


def wired(kind, number, extra=""):
    """
    A pair of NICs of a kind. A cable of host taps on a bridge, for that alone lets
    long frames pass.
    """
    args = []
    for i in (0, 1):
        args += ["-netdev", f"tap,id=n{number}{i},ifname=n{number}{i},script=no,downscript=no",
                 "-device", f"{kind},netdev=n{number}{i},"
                            f"mac=52:00:00:00:{number}:0{i}{extra}"]
    return args


def machine():
    """QEMU's arguments for the other NICs."""
    return [*wired("virtio-net-pci", "07", ",romfile="),
            "-netdev", "hubport,id=n08,hubid=8",
            "-device", "pcie-root-port,id=rpigb,bus=pcie.0,chassis=20,slot=20",
            "-device", "igb,netdev=n08,mac=52:00:00:00:08:00,bus=rpigb,romfile=",
            *wired("e1000e", "09", ",romfile=")]


def cables():
    """Shell commands that make the taps, in a network namespace of its own."""
    lines = ["set -e", "ip link set lo up"]
    for number in ("07", "09"):
        lines += [f"ip link add br{number} type bridge", f"ip link set br{number} up"]
        for i in (0, 1):
            lines += [f"ip tuntap add dev n{number}{i} mode tap",
                      f"ip link set n{number}{i} master br{number} up"]
    return "\n".join(lines) + '\nexec "$@"\n'


def measure():
    """All of it, in one machine."""
    args = ["--selftests", "--mem", "2G", "--boot-timeout", "300", "--timeout", "900"]
    # What has to be built may need the network.
    follow_build = [VM, *args, "--print-command", "--", "true"]
    os.spawnvp(os.P_WAIT, "sh", ["sh", "-c", '"$@" > /dev/null', "sh", *follow_build])
    return follow(["unshare", "--net", "bash", "-c", cables(), "bash", VM, "--no-build", *args,
                   *(f"--qemu={a}" for a in machine()),
                   "--env", f"ROUNDS={os.environ.get('ROUNDS', ROUNDS)}",
                   "--env", f"SECS={os.environ.get('SECS', SECS)}",
                   "--", "selftests/net/sluice/bench_nic.sh"], shares=True)


def judge(section, points, names):
    """The acceptance lines."""
    for what, unit, want in (("frames", "64-byte UDP, frames per second", 2.5),
                             ("mbit", "TCP", 3)):
        hard, soft = ([v for way in ("0 to 1", "1 to 0")
                       for v in points["rules", flag, what, way]["value"].values]
                      for flag in ("skip_sw", "skip_hw"))
        section.line(f"VF to VF by rules in hardware, of software: {unit}",
                     Values(hard).over(Values(soft)), want, "x")
    for what, unit in (("frames", "64-byte UDP, frames per second"), ("mbit", "TCP")):
        for way in ("0 to 1", "1 to 0"):
            ours = points["plain", OURS, what, way]["value"]
            others = {n: points["plain", n, what, way]["value"] for n in names if n != OURS}
            best = max(others, key=lambda n, o=others: o[n].median)
            section.line(f"plain VF, {way}, {unit}, of the best other NIC ({best})",
                         ours.over(others[best]), 1)


def run():
    """The benchmark."""
    raw = measure()
    points = collect(raw, ("test", "name", "what", "way"), ["value"])
    names = list(dict.fromkeys(p[1] for p in points if p[0] == "plain"))
    section = Section("nic", "The NIC's data path, in a machine")
    section.text("One TCP connection (iperf3), and 64-byte UDP frames of one pktgen thread (bursts "
                 "of 8, clones; the better of either processor) that IP at the other side has "
                 "seen. Each pair of NICs is of one kind, in one guest, "
                 "a namespace each. Medians of the rounds, both directions.")
    judge(section, points, names)
    section.table(["", "direction", "TCP, Mbit/s", "spread", "frames/s", "spread"],
                  [[f"rules, {name}" if test == "rules" else name, way,
                    *(cell for what in ("mbit", "frames")
                      for v in [points[test, name, what, way]["value"]]
                      for cell in (f"{v.median:,.0f}", f"{100 * v.spread():.0f}%"))]
                   for test, name, what, way in points if what == "mbit"])
    for what, label, ylabel in (("mbit", "tcp", "TCP, Mbit/s"),
                                ("frames", "frames", "64-byte UDP, frames/s")):
        section.plot(f"nic-{label}", bars(ylabel, ["0 to 1", "1 to 0"], [
            (("rules, " if test == "rules" else "") + name.replace("_", " "),
             *(points[test, name, what, way]["value"].median for way in ("0 to 1", "1 to 0")))
            for test, name in dict.fromkeys(p[:2] for p in points)]))
    threads(section, raw, ("test", "name", "what", "way"))
    if section.short():
        build_guest()
        section.profile(["--guest", "nic"])
    section.raw(raw)
    section.finish()
