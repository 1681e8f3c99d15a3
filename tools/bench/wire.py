# SPDX-License-Identifier: GPL-2.0-only
"""Wire to wire through the eSwitch, and TCP through VXLAN: hardware against software."""

import os
import random
import struct

from report import Section, bars
from vm import GUEST, VM, collect, follow, script

RULES, FRAMES = 1000, 8192


def frame(number):
    """A UDP frame of 64 bytes, without the checksum that no host sees."""
    head = bytearray(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 46, 0, 0, 64, 17, 0,
                                 bytes([198, 18, 0, 1]),
                                 bytes([10, 0, number >> 8, number & 255])))
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xffff) + (total >> 16)
    struct.pack_into(">H", head, 10, ~((total & 0xffff) + (total >> 16)) & 0xffff)
    return (bytes.fromhex("020000000002020000000001") + b"\x08\x00" + head +
            struct.pack(">HHHH", 1024 + number, 9, 26, 0) + bytes(18))


def write_frames(path):
    """A pcap file of frames for the rules, in random order."""
    order = random.Random(1)
    with open(path, "wb") as to:
        to.write(struct.pack("=IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for _ in range(FRAMES):
            one = frame(order.randrange(RULES))
            to.write(struct.pack("=IIII", 0, 0, len(one), len(one)) + one)


def wires(section):
    """Wire to wire."""
    os.makedirs(GUEST, exist_ok=True)
    path = os.path.join(GUEST, "wire.pcap")
    write_frames(path)
    raw = follow([VM, "--selftests", "--ports", "2",
                  "--net", "0=none", "--net", "1=none", "--device-opts", f"replay={path}",
                  "--timeout", "600", "--env", "ROUNDS", "--env", "SECS",
                  "--env", f"RULES={RULES}", "--", "selftests/net/sluice/bench_wire.sh"])
    points = collect(raw, ("flag",), ("frames", "cpu"))
    soft, hard = points[("skip_hw",)], points[("skip_sw",)]
    section.line(f"wire to wire with {RULES:,} rules in hardware, of software",
                 hard["frames"].over(soft["frames"]), 50, "x")
    section.line("the guest's CPUs meanwhile", hard["cpu"], 0.01, "%<")
    section.text("Wire to wire, 64-byte UDP that the device makes itself, as fast as it can; "
                 "busy share of the guest's CPUs:")
    section.table(["rules", "frames/s", "spread", "CPU"],
                  [[name, f"{v['frames'].median:,.0f}", f"{100 * v['frames'].spread():.0f}%",
                    f"{100 * v['cpu'].median:.1f}%"]
                   for name, v in (("in software", soft), ("in hardware", hard))])
    return raw


def vxlan(section):
    """TCP between two machines."""
    raw = script("bench_vxlan")
    points = collect(raw, ("policy", "way"), ["mbit"])
    ways = {"-S": "to the other host", "-R": "from it"}
    for way, name in ways.items():
        section.line(f"TCP through VXLAN in hardware, {name}, of software",
                     points["none", way]["mbit"].over(points["skip_hw", way]["mbit"]), 4, "x")
    section.text("TCP between VFs of two machines, Open vSwitch's flows with a VXLAN tunnel, "
                 "Mbit/s:")
    section.table(["", "software", "spread", "hardware", "spread"],
                  [[name, *(cell for policy in ("skip_hw", "none")
                            for v in [points[policy, way]["mbit"]]
                            for cell in (f"{v.median:,.0f}", f"{100 * v.spread():.0f}%"))]
                   for way, name in ways.items()])
    section.plot("wire-vxlan", bars("Mbit/s", ["software", "hardware"], [
        (name, *(points[policy, way]["mbit"].median for policy in ("skip_hw", "none")))
        for way, name in ways.items()]))
    return raw


def run():
    """The benchmark."""
    section = Section("wire", "Wire to wire and VXLAN, in machines")
    section.raw(wires(section) + vxlan(section))
    section.finish()
