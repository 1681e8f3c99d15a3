# SPDX-License-Identifier: GPL-2.0-only
"""The runner's command line, checked."""

import argparse
import os
import re
import sys

EPILOG = """
COMMAND runs as root in /mnt/sluice (this repository, read-only); one word is
given to bash, several are run as they are. Without COMMAND: a shell.

Exit status: COMMAND's own; 98 when the kernel complained (warning, oops,
KASAN, lockdep, RCU stall, hung task, leaked memory), whatever COMMAND said;
124 on timeout; 125 when the machine could not be built, booted or kept alive.

In the guest: the far end of uplink N's wire is the interface wireN; "vmctl"
asks for a device to be unplugged, plugged in or its link set;
$SLUICE_KERNEL, $SLUICE_ACCEL, $SLUICE_NICS, $SLUICE_PORTS, $SLUICE_VFS say
what was asked for.
"""


def count(low, high):
    """An argparse type: a number from low to high."""
    def check(text):
        if not re.fullmatch(r"[0-9]+", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {low} to {high}")
        return int(text)
    return check


def memory(text):
    """An argparse type: megabytes, or gigabytes with G."""
    match = re.fullmatch(r"([0-9]+)([MG]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"'{text}' is not a size like 1024M or 2G")
    size = int(match[1]) * (1024 if match[2] == "G" else 1)
    if size < 256:
        raise argparse.ArgumentTypeError("less than 256M does not boot")
    return size


def directory(text):
    """An argparse type: an existing directory."""
    if not os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a directory")
    if "," in text:
        raise argparse.ArgumentTypeError("a path with a comma in it can't be shared")
    return os.path.abspath(text)


def indexed(text):
    """An argparse type: [INDEX=]VALUE."""
    match = re.fullmatch(r"(?:([0-9]+)=)?(.+)", text)
    return int(match[1] or 0), match[2]


def parse(argv):
    """Return the options; exits with one clear sentence when they are wrong."""
    p = argparse.ArgumentParser(
        prog="tools/vm/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="tools/vm/run [OPTION...] [-- COMMAND...]", epilog=EPILOG, allow_abbrev=False,
        description="Boot a virtual machine with sluice NICs and run COMMAND in it.")
    p.add_argument("--kernel", default="stock", metavar="NAME",
                   help="stock (Debian 6.12, the default), test (7.2 with checkers) "
                   "or lean (7.2 without)")
    p.add_argument("--vfs", type=count(0, 255), default=8, metavar="N",
                   help="virtual functions each NIC can have (default 8)")
    p.add_argument("--ports", type=count(1, 2), default=1, metavar="N",
                   help="uplink ports of each NIC (default 1)")
    p.add_argument("--nics", type=count(0, 4), default=1, metavar="N",
                   help="NICs (default 1)")
    p.add_argument("--nic", default="sluice", choices=["sluice", "igb", "e1000e"],
                   help="what NIC (default sluice)")
    p.add_argument("--smp", type=count(1, 64), default=2, metavar="N",
                   help="virtual CPUs (default 2)")
    p.add_argument("--mem", type=memory, metavar="M",
                   help="memory (default 1024M; 2048M for the test kernel)")
    p.add_argument("--share", type=directory, metavar="DIR",
                   help="mount DIR read-write at /mnt/share")
    p.add_argument("--selftests", action="store_true",
                   help="mount the kernel's own selftests at /mnt/kselftests")
    p.add_argument("--device-opts", default="", metavar="STR",
                   help="more properties for every NIC, as PROP=VALUE,...")
    p.add_argument("--net", type=indexed, action="append", default=[], metavar="[I=]BACKEND",
                   help="another QEMU -netdev for uplink I, e.g. 0=user, or 'none'")
    p.add_argument("--wire", type=indexed, action="append", default=[], metavar="[I=]NAME",
                   help="join uplink I with the uplink of another machine with the same NAME")
    p.add_argument("--iommu", action="store_true", help="put the devices behind an IOMMU")
    p.add_argument("--accel", default="auto", choices=["auto", "kvm", "tcg"],
                   help="default: kvm where it works")
    p.add_argument("--icount", type=count(0, 10), metavar="N",
                   help="let the machine's time go with its instructions, 2^N ns each, whatever "
                        "else the host does (tcg, one thread)")
    p.add_argument("--timeout", type=count(0, 86400), default=0, metavar="S",
                   help="give up after S seconds of COMMAND")
    p.add_argument("--boot-timeout", type=count(1, 86400), default=300, metavar="S",
                   help="give up when the guest is not ready after S seconds (default 300)")
    p.add_argument("--env", action="append", default=[], metavar="NAME[=VALUE]",
                   help="hand an environment variable to COMMAND")
    p.add_argument("--stdin", action="store_true", help="forward standard input to COMMAND")
    p.add_argument("--tty", action="store_true", help="run COMMAND on a terminal")
    p.add_argument("--no-module", dest="module", action="store_false",
                   help="neither build nor load the sluice module")
    p.add_argument("--no-modprobe", dest="modprobe", action="store_false",
                   help="build the module but leave loading it to COMMAND")
    p.add_argument("--no-build", action="store_true",
                   help="use QEMU and module as they were built last")
    p.add_argument("--leakcheck", action=argparse.BooleanOptionalAction, default=None,
                   help="look for leaked memory after COMMAND (default on the test kernel)")
    p.add_argument("--append", default="", metavar="STR", help="more for the kernel's command line")
    p.add_argument("--qmp", metavar="PATH", help="a QMP socket at PATH")
    p.add_argument("--qemu", action="append", default=[], metavar="ARG",
                   help="one more argument for QEMU (repeat it)")
    p.add_argument("--console", action="store_true", help="show the kernel's messages")
    p.add_argument("--log", metavar="FILE", help="write the kernel's messages to FILE")
    p.add_argument("--print-command", action="store_true",
                   help="print QEMU's command line and stop")

    command = []
    if "--" in argv:
        at = argv.index("--")
        argv, command = argv[:at], argv[at + 1:]
        if not command:
            p.error("no COMMAND after --")
    opts = p.parse_args(argv)
    opts.command = command
    opts.top = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
    check(p, opts)
    return opts


def check(p, opts):
    """What depends on more than one option."""
    if opts.kernel not in ("stock", "test", "lean"):
        p.error(f"unknown kernel '{opts.kernel}': it is stock, test or lean")
    if opts.nic == "sluice" and opts.vfs > 127:
        p.error("--vfs: sluice has at most 127 virtual functions")
    if opts.nic != "sluice" and opts.ports != 1:
        p.error(f"--ports: {opts.nic} has one port")
    if not opts.command and not sys.stdin.isatty():
        p.error("no COMMAND, and standard input is not a terminal for a shell")
    if opts.tty and not sys.stdin.isatty():
        p.error("--tty: standard input is not a terminal")
    if opts.nics == 0 or opts.nic != "sluice":
        opts.module = opts.module and opts.nics > 0 and opts.nic == "sluice"
    if opts.leakcheck is None:
        opts.leakcheck = opts.kernel == "test" and bool(opts.command)
    if opts.mem is None:
        opts.mem = 2048 if opts.kernel == "test" else 1024
    uplinks = opts.nics * opts.ports
    for index, _ in opts.net + opts.wire:
        if index >= uplinks:
            p.error(f"there is no uplink {index}: {uplinks} in all, counted from 0")
    seen = [index for index, _ in opts.net + opts.wire]
    if len(seen) != len(set(seen)):
        p.error("--net and --wire: an uplink has one backend")
    for _, name in opts.wire:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", name):
            p.error(f"--wire: '{name}' is not a plain name")
