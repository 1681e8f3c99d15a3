# SPDX-License-Identifier: GPL-2.0-only
"""The eSwitch library against Open vSwitch's userspace datapath (DPDK)."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from library import BINARY, build, measure
from report import HERE, Section, Values, quick_cpu, say

ROUNDS, SECONDS = 5, 0.5
# Name, our point, what OVS does, whether its exact-match cache is on, the line.
PAIRS = [
    ("10,000 flows through the masked classifier", ("forward", "64", 10000, 1), False, 4),
    ("1,000 flows, exact-match cache hits", ("forward", "64", 1000, 1), True, 2),
    ("VXLAN encap, 10,000 flows", ("vxlan-encap", "64", 10000, 1), False, 3),
]


class HugePages:
    """Some set aside for DPDK while this lasts, if the machine can."""

    PATH = "/proc/sys/vm/nr_hugepages"
    NUM = 600

    def __init__(self):
        self.before = self.read()
        self.write(self.before + self.NUM)
        self.there = self.read() >= self.before + self.NUM

    def read(self):
        """Those that there are."""
        with open(self.PATH, encoding="ascii") as f:
            return int(f.read())

    def write(self, num):
        """Set so many aside; what happens is seen by read()."""
        try:
            with open(self.PATH, "w", encoding="ascii") as f:
                f.write(str(num))
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.write(self.before)


class Switch:
    """ovs-vswitchd with one PMD thread, fed from a file."""

    def __init__(self, point, cache, huge):
        self.dir = tempfile.mkdtemp(prefix="sluice-bench-")
        self.log = open(os.path.join(self.dir, "start.log"), "wb")
        self.pid = self.pmd = self.version = None
        subprocess.run([BINARY, "-w", self.path("frames.pcap"),
                        ":".join(str(f) for f in point)], check=True)
        self.write_rules()
        self.start = subprocess.Popen(
            [os.path.join(HERE, "in-chroot"), self.dir, "unshare", "--net", "/mnt/ovs-start",
             point[0], hex(1 << quick_cpu()), "huge" if huge else "small"], stdout=self.log, stderr=self.log)
        try:
            self.wait_ready(point[2], cache)
        except BaseException:
            self.stop()
            raise

    def path(self, name):
        """A file in its directory."""
        return os.path.join(self.dir, name)

    def write_rules(self):
        """A rule for each frame of the file, all with the mask that ours have."""
        with open(self.path("frames.pcap"), "rb") as f:
            data = f.read()[24:]
        with open(self.path("rules"), "w", encoding="ascii") as rules:
            while data:
                size = struct.unpack("<I", data[8:12])[0]
                ip, data = data[16 + 14:16 + size], data[16 + size:]
                sport, dport = struct.unpack(">HH", ip[20:24])
                rules.write(f"udp,nw_src={socket.inet_ntoa(ip[12:16])},"
                            f"nw_dst={socket.inet_ntoa(ip[16:20])},"
                            f"tp_src={sport},tp_dst={dport},actions=output:2\n")

    def call(self, method, *args):
        """One of ovs-appctl's commands."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(self.path("vswitchd.ctl"))
            s.sendall(json.dumps({"id": 0, "method": method, "params": args}).encode())
            answer = b""
            while True:
                part = s.recv(65536)
                if not part:
                    raise RuntimeError(f"ovs-vswitchd hung up: {answer!r}")
                answer += part
                try:
                    return json.loads(answer)["result"]
                except ValueError:
                    pass

    def stats(self):
        """The PMD thread's counters."""
        text = self.call("dpif-netdev/pmd-stats-show").split("main thread")[0]
        return {k: int(v) for k, v in re.findall(r"^ *([a-z -]+): (\d+)", text, re.M)}

    def wait_ready(self, flows, cache):
        """Until every flow is in the datapath and nothing else happens."""
        end = time.monotonic() + 120
        while not os.path.exists(self.path("ready")):
            if self.start.poll() is not None or time.monotonic() > end:
                with open(self.path("start.log"), encoding="utf-8", errors="replace") as log:
                    raise RuntimeError("OVS did not start:\n" + log.read()[-3000:])
            time.sleep(0.2)
        with open(self.path("vswitchd.pid"), encoding="ascii") as f:
            self.pid = int(f.read())
        self.wait_tasks()
        self.version = self.call("version").splitlines()[0]
        subprocess.run([os.path.join(HERE, "in-chroot"), self.dir, "ovs-vsctl",
                        "--db=unix:/run/bench/db.sock", "-t", "20", "set", "Open_vSwitch", ".",
                        f"other_config:emc-insert-inv-prob={1 if cache else 0}"], check=True)
        while True:
            before = self.stats()
            time.sleep(1)
            after = self.stats()
            missed = sum(after[k] - before[k] for k in after if k.startswith("miss with"))
            if after["miss with success upcall"] >= flows and not missed:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"OVS still has misses: {after}")

    def wait_tasks(self):
        """Find the PMD thread."""
        for task in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{task}/comm", encoding="ascii") as f:
                if f.read().startswith("pmd-"):
                    self.pmd = f"/proc/{self.pid}/task/{task}/schedstat"
                    return
        raise RuntimeError("OVS has no PMD thread")

    def cpu_ns(self):
        """CPU time of the PMD thread."""
        with open(self.pmd, encoding="ascii") as f:
            return int(f.read().split()[0])

    def rest(self):
        """Leave the CPU to others."""
        os.kill(self.pid, signal.SIGSTOP)

    def turn(self):
        """Nanoseconds per packet, and the share of hits in the cache."""
        os.kill(self.pid, signal.SIGCONT)
        time.sleep(SECONDS / 2)
        before, start = self.stats(), self.cpu_ns()
        time.sleep(SECONDS)
        after, end = self.stats(), self.cpu_ns()
        self.rest()
        packets = after["packets received"] - before["packets received"]
        if not packets:
            raise RuntimeError("OVS forwards nothing")
        return (end - start) / packets, (after["emc hits"] - before["emc hits"]) / packets

    def stop(self):
        """End it and what it has left."""
        for name in ("vswitchd.pid", "db.pid"):
            try:
                with open(self.path(name), encoding="ascii") as f:
                    os.kill(int(f.read()), signal.SIGKILL)
            except (OSError, ValueError):
                pass
        self.start.terminate()
        self.start.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def pair(point, cache, huge):
    """Rounds of both, in turns on the same CPU."""
    switch = Switch(point, cache, huge)
    try:
        theirs, ours, hits = [], [], []
        for number in range(ROUNDS):
            say(f"round {number + 1} of {ROUNDS}")
            ns, hit = switch.turn()
            theirs.append(ns)
            hits.append(hit)
            ours += measure([point], 1, int(SECONDS * 1000))[1][point].values
        return Values(ours), Values(theirs), Values(hits), switch.version
    finally:
        switch.stop()


def run():
    """The benchmark."""
    build()
    section = Section("ovs", "eSwitch library against Open vSwitch with DPDK, one core each")
    rows, raw, version, short = [], [], "", []
    with HugePages() as huge:
        pages = "with huge pages" if huge.there else "without huge pages"
        measured = []
        for what, point, cache, want in PAIRS:
            say(f"{what}, {pages}")
            measured.append((what, point, want, pair(point, cache, huge.there)))
    for what, point, want, (ours, theirs, hits, version) in measured:
        if not section.line(f"against OVS: {what}", theirs.over(ours), want, "x"):
            short.append(point)
        rows.append([what, f"{ours.median:.1f}", f"{theirs.median:.1f}",
                     f"{100 * ours.spread():.0f}%", f"{100 * theirs.spread():.0f}%",
                     f"{100 * hits.median:.0f}%"])
        raw.append({"what": what, "ours_ns": ours.values, "ovs_ns": theirs.values,
                    "ovs_cache_hits": hits.values})
    section.text(f"{version}, {pages}, with one PMD thread, frames from a pcap file in "
                 "memory, dropped by a null port. Rates are per CPU time of the thread.")
    section.table(["what", "ns, ours", "ns, OVS", "spread, ours", "spread, OVS",
                   "exact-match hits, OVS"], rows)
    if short:
        section.profile(short)
    section.raw(raw)
    section.finish()
