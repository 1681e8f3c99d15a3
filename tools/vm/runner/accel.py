# SPDX-License-Identifier: GPL-2.0-only
"""Does KVM work here? Asking the kernel is not enough: on some hosts a
virtual machine can be created but never gets through its boot."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys

PDEATHSIG = 1
KVM_CREATE_VM = 0xAE01
PROBE_SECONDS = 10
CPU = "host,arch-capabilities=off"
# Emulation takes string instructions byte by byte. A kernel and a C library that
# are not told that those are fast copy and clear eight bytes or more at a time.
EMULATED_CPU = "max,la57=off,erms=off,fsrm=off"


def die_with_parent():
    """In the child: be killed when the runner is gone, however it went."""
    ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)


def can_create():
    """Does the kernel make a virtual machine for us?"""
    try:
        with open("/dev/kvm", "r+b", buffering=0) as dev:
            os.close(fcntl.ioctl(dev, KVM_CREATE_VM, 0))
            return True
    except OSError:
        return False


def kernel_image(parts):
    """What QEMU boots: vmlinux, or the bzImage of a kernel that has none."""
    for name in ("vmlinux", "bzImage"):
        path = os.path.join(parts["kernel"], "kbuild", name)
        if os.path.exists(path):
            return path
    sys.exit(f"run: {parts['kernel']} holds no kernel: remove it and run again")


def boots(parts):
    """Does a guest get from the firmware to its first program and off again?"""
    command = [os.path.join(parts["qemu"], "qemu-system-x86_64"),
               "-L", os.path.join(parts["qemu"], "share"), "-nodefaults", "-no-user-config",
               "-display", "none", "-no-reboot", "-machine", "q35", "-m", "512M", "-smp", "2",
               "-accel", "kvm", "-cpu", CPU,
               "-kernel", kernel_image(parts),
               "-initrd", os.path.join(parts["initrd"], "initrd.cpio"),
               "-append", "panic=-1 quiet SLUICE_PROBE=1"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=PROBE_SECONDS, check=False,
                              preexec_fn=die_with_parent)  # pylint: disable=W1509
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def kvm_works(parts, cache):
    """The answer, tried once for each boot of the host and each QEMU."""
    if not can_create():
        return False
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    note = os.path.join(cache, "run", f"kvm-{boot}")
    os.makedirs(os.path.dirname(note), exist_ok=True)
    with open(note, "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        answer = file.read().strip()
        if not answer:
            print("==> trying whether KVM works here", file=sys.stderr)
            answer = "yes" if boots(parts) else "no"
            file.write(answer)
            if answer == "no":
                print("==> it does not; machines are emulated (tcg)", file=sys.stderr)
    return answer == "yes"
