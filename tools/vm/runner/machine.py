# SPDX-License-Identifier: GPL-2.0-only
"""The QEMU process: its command line, its sockets, its end."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys

import accel

class Machine:
    """One virtual machine."""

    def __init__(self, opts, parts, tmp):
        self.opts = opts
        self.parts = parts
        self.tmp = tmp
        self.process = None
        self.fds = []
        self.locks = []
        self.nics = {}
        self.ends = {}
        self.shared = {}
        self.stderr = None
        self.cache = os.environ.get("SLUICE_CACHE") or os.path.expanduser("~/.cache/sluice")
        self.accel = opts.accel
        if opts.icount is not None:
            self.accel = "tcg"
        elif self.accel == "auto":
            self.accel = "kvm" if accel.kvm_works(parts, self.cache) else "tcg"
        elif self.accel == "kvm" and not accel.kvm_works(parts, self.cache):
            sys.exit("run: --accel kvm, but KVM does not work on this machine")
        self.agent, agent_fd = self.pair()
        self.console, console_fd = self.pair()
        self.host, host_fd = self.pair()
        self.monitor, monitor_fd = self.pair()
        self.channels = (agent_fd, console_fd, host_fd, monitor_fd)
        self.args = None

    def pair(self):
        """A socket and the descriptor number of its other end, for QEMU."""
        ours, theirs = socket.socketpair()
        self.fds.append(theirs)
        return ours, theirs.fileno()

    def command(self):
        """QEMU's command line."""
        if self.args is None:
            self.args = [os.path.join(self.parts["qemu"], "qemu-system-x86_64")]
            self.args += self.base() + self.disks() + self.shares() + self.ports()
            self.args += self.network() + self.kernel() + self.opts.qemu
        return self.args

    def base(self):
        """Machine, CPU, memory, firmware."""
        kind = "q35,hpet=off"
        if self.opts.iommu:
            kind += ",kernel-irqchip=" + ("split" if self.accel == "kvm" else "off")
        args = ["-L", os.path.join(self.parts["qemu"], "share"), "-nodefaults", "-no-user-config",
                "-nographic", "-no-reboot", "-name", "sluice,debug-threads=on", "-machine", kind,
                "-smp", str(self.opts.smp), "-m", f"{self.opts.mem}M"]
        if self.accel == "kvm":
            args += ["-accel", "kvm", "-cpu", accel.CPU]
        else:
            args += ["-cpu", accel.EMULATED_CPU, "-accel"]
            if self.opts.icount is None:
                args += ["tcg,thread=multi"]
            else:
                args += ["tcg,thread=single", "-icount", f"shift={self.opts.icount},sleep=on"]
        if self.opts.iommu:
            args += ["-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48"]
        args += ["-object", "rng-builtin,id=rng0", "-device", "virtio-rng-pci,rng=rng0"]
        return args

    def disks(self):
        """The root image and the kernel's modules, both read-only."""
        args = []
        for name, path in (("root", os.path.join(self.parts["image"], "root.squashfs")),
                           ("mods", os.path.join(self.parts["kernel"], "modules.squashfs"))):
            args += ["-drive", f"if=none,id={name},format=raw,readonly=on,file={path}",
                     "-device", f"virtio-blk-pci,drive={name}"]
        return args

    def shares(self):
        """Directories of the host."""
        self.shared = {"sluice": (self.opts.top, True)}
        if self.opts.share:
            self.shared["share"] = (self.opts.share, False)
        if "ksource" in self.parts:
            path = os.path.join(self.parts["ksource"], "tools/testing/selftests")
            self.shared["kselftests"] = (path, True)
        args = []
        for tag, (path, readonly) in self.shared.items():
            more = ",readonly=on" if readonly else ""
            args += ["-fsdev", f"local,id={tag},path={path},security_model=none,"
                     f"multidevs=remap{more}",
                     "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        return args

    def ports(self):
        """Kernel console, agent, the guest's line to us, monitor."""
        agent, console, host, monitor = self.channels
        args = ["-chardev", f"socket,id=console,fd={console}", "-serial", "chardev:console",
                "-chardev", f"socket,id=monitor,fd={monitor}",
                "-mon", "chardev=monitor,mode=control",
                "-device", "virtio-serial-pci,max_ports=8",
                "-chardev", f"socket,id=agent,fd={agent}",
                "-device", "virtserialport,chardev=agent,name=sluice.agent",
                "-chardev", f"socket,id=host,fd={host}",
                "-device", "virtserialport,chardev=host,name=sluice.host"]
        if self.opts.qmp:
            args += ["-qmp", f"unix:{self.opts.qmp},server=on,wait=off"]
        return args

    def wire(self, index):
        """
        The socket that joins an uplink of two machines: the first listens, and whoever is
        left waits for another. A stream, of which QEMU takes many frames at once.
        """
        name = dict(self.opts.wire)[index]
        base = os.path.join(self.cache, "run")
        os.makedirs(base, exist_ok=True)
        for mine in ("a", "b"):
            lock = open(os.path.join(base, f"wire-{name}.{mine}.lock"), "w", encoding="ascii")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            self.locks.append(lock)
            self.ends[index] = mine
            end = "server=on" if mine == "a" else "server=off,reconnect-ms=100"
            return (f"stream,{end},addr.type=unix,"
                    f"addr.path={os.path.join(base, f'wire-{name}')}")
        sys.exit(f"run: --wire {name}: two machines are on this wire already")

    def uplink(self, index):
        """The backend of one uplink, and the far end where it has one here."""
        if index in dict(self.opts.wire):
            return ["-netdev", self.with_id(self.wire(index), index)]
        backend = dict(self.opts.net).get(index)
        if backend == "none":
            return []
        if backend:
            return ["-netdev", self.with_id(backend, index)]
        return ["-netdev", f"hubport,id=wire{index},hubid={100 + index}",
                "-netdev", f"hubport,id=far{index},hubid={100 + index}",
                "-device", f"virtio-net-pci,netdev=far{index},romfile=,"
                f"mac=52:54:00:77:00:{index:02x}"]

    @staticmethod
    def with_id(backend, index):
        """Give a -netdev its name."""
        kind, _, rest = backend.partition(",")
        return f"{kind},id=wire{index}" + (f",{rest}" if rest else "")

    def network(self):
        """Root ports, NICs, wires."""
        args = []
        for nic in range(self.opts.nics):
            args += ["-device", f"pcie-root-port,id=rp{nic},bus=pcie.0,chassis={nic + 1},"
                     f"slot={nic + 1},pref64-reserve=64M"]
            netdevs = []
            for port in range(self.opts.ports):
                index = nic * self.opts.ports + port
                uplink = self.uplink(index)
                args += uplink
                netdevs.append(f"wire{index}" if uplink else None)
            self.nics[f"nic{nic}"] = self.nic(nic, netdevs)
            args += ["-device", self.nics[f"nic{nic}"]]
        return args

    def nic(self, nic, netdevs):
        """The -device of one NIC."""
        text = f"{self.opts.nic},id=nic{nic},bus=rp{nic}"
        if self.opts.nic == "sluice":
            text += f",vfs={self.opts.vfs},ports={self.opts.ports}"
            for port, netdev in enumerate(netdevs):
                if netdev:
                    text += f",netdev{port}={netdev}"
        else:
            text += f",netdev={netdevs[0]}" if netdevs[0] else ""
        # QEMU gives every machine's NICs the same addresses: no good on one wire.
        if "b" in [self.ends.get(nic * self.opts.ports + port)
                   for port in range(self.opts.ports)]:
            text += f",mac=52:54:00:62:00:{nic:02x}"
        if self.opts.device_opts:
            text += "," + self.opts.device_opts
        return text

    def kernel(self):
        """Kernel, initramfs with the module appended, command line."""
        initrd = os.path.join(self.tmp, "initrd.cpio")
        with open(initrd, "wb") as out:
            with open(os.path.join(self.parts["initrd"], "initrd.cpio"), "rb") as part:
                shutil.copyfileobj(part, out)
            if "module" in self.parts:
                out.write(b"\0" * (-out.tell() % 512))
                with open(self.parts["module"], "rb") as part:
                    shutil.copyfileobj(part, out)
        words = ["console=ttyS0", "loglevel=5", "panic=-1", "net.ifnames=0", "mitigations=off",
                 "random.trust_cpu=on", "no_timer_check",
                 # They take long under emulation, and fail on a busy host.
                 "cryptomgr.notests",
                 f"SLUICE_KERNEL={self.opts.kernel}", f"SLUICE_ACCEL={self.accel}",
                 f"SLUICE_NICS={self.opts.nics}", f"SLUICE_PORTS={self.opts.ports}",
                 f"SLUICE_VFS={self.opts.vfs}", f"SLUICE_SHARES={','.join(self.shared)}",
                 f"SLUICE_MODPROBE={int(self.opts.modprobe)}"]
        if self.accel != "kvm":
            # A busy host may keep a processor waiting for longer than the 20 s
            # after which the kernel thinks that it hangs.
            words += ["rcupdate.rcu_cpu_stall_timeout=120", "watchdog_thresh=60",
                      "workqueue.watchdog_thresh=120"]
        if self.opts.kernel == "test":
            # Without sheaves for kmalloc's caches: they keep old pointers,
            # in which kmemleak finds what was leaked.
            words.append("slab_debug=F,kmalloc-*")
        if self.opts.iommu:
            words.append("intel_iommu=on")
        if self.opts.append:
            words.append(self.opts.append)
        image = accel.kernel_image(self.parts)
        return ["-kernel", image, "-initrd", initrd, "-append", " ".join(words)]

    def start(self):
        """Start QEMU."""
        self.stderr = open(os.path.join(self.tmp, "qemu.log"), "w+b")
        # pylint: disable-next=consider-using-with,subprocess-popen-preexec-fn
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                        stdout=self.stderr, stderr=self.stderr,
                                        pass_fds=[s.fileno() for s in self.fds],
                                        preexec_fn=accel.die_with_parent)
        for sock in self.fds:
            sock.close()

    def errors(self):
        """What QEMU wrote."""
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace").strip()

    def wait(self, seconds):
        """Wait for QEMU's end."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def stop(self):
        """End QEMU, if it is still there."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
