# SPDX-License-Identifier: GPL-2.0-only
"""Boot a virtual machine, run a command in it, exit with its status."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile

import agent
import console
import control
import machine
import options

EXIT_SPLAT = 98
EXIT_TIMEOUT = 124
EXIT_RUNNER = 125

# Memory is looked through while it is used, so that an object whose only pointer
# moves meanwhile may be missed; what leaked is missed each time.
LEAK_SCAN = r"""
k=/sys/kernel/debug/kmemleak
[ -w $k ] || exit 0
echo scan > $k
for i in 1 2 3; do
	sleep 6; echo scan > $k
	leaks=$(cat $k)
	[ -n "$leaks" ] || exit 0
done
echo "$leaks"
"""


def build(step, *args):
    """Run a build script; its last line of output is the result's path."""
    try:
        done = subprocess.run([step, *args], stdout=subprocess.PIPE, check=True)
    except subprocess.CalledProcessError:
        sys.exit(EXIT_RUNNER)
    return done.stdout.decode().strip().splitlines()[-1]


def prepare(opts):
    """Build whatever the machine is made of that is not up to date."""
    vm = os.path.join(opts.top, "tools", "vm", "build")
    kernel = opts.kernel
    parts = {}
    if os.sep in kernel:
        sys.exit("run: --kernel wants a name: stock, test or lean")
    parts["image"] = build(vm, "image")
    parts["kernel"] = build(vm, "kernel", kernel)
    parts["initrd"] = build(vm, "initrd", kernel)
    if opts.selftests:
        parts["ksource"] = build(vm, "ksource", kernel)
    parts["qemu"] = build(os.path.join(opts.top, "tools/device/qemu/build"),
                          *(["--last"] if opts.no_build else []))
    modules = os.path.join(opts.top, "build", "modules", kernel)
    if opts.module and not opts.no_build:
        modules = build(vm, "modules", kernel)
    if opts.module:
        parts["module"] = os.path.join(modules, "module.cpio")
        if not os.path.exists(parts["module"]):
            sys.exit("run: --no-build, but the module was never built: leave --no-build out")
    return parts


def run_command(opts, guest, con):
    """Run the command of the command line; its exit status."""
    if opts.command:
        argv = opts.command
        if len(argv) == 1:
            argv = ["bash", "-c", argv[0]]
        env = [f"{name}={os.environ[name]}" for name in opts.env if name in os.environ]
        env += [name for name in opts.env if "=" in name]
        if env:
            argv = ["env", *env, *argv]
        return guest.run(argv, tty=opts.tty, stdin=opts.stdin, timeout=opts.timeout, console=con)
    sys.stderr.write("run: a shell in the guest; leave it with 'exit' "
                     "(or Ctrl-] to pull the plug)\r\n")
    return guest.run(["bash", "-i"], tty=True, timeout=opts.timeout, console=con)


def main():
    """Parse, build, boot, run, judge."""
    opts = options.parse(sys.argv[1:])
    parts = prepare(opts)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda num, frame: sys.exit(128 + num))

    with tempfile.TemporaryDirectory(prefix="sluice-vm-") as tmp:
        vm = machine.Machine(opts, parts, tmp)
        if opts.print_command:
            print(shlex.join(vm.command()))
            return 0
        status = EXIT_RUNNER
        vm.start()
        con = console.Console(vm.console, opts.console, opts.log)
        hand = control.Control(vm, con)
        guest = agent.Agent(vm.agent, hand)
        try:
            guest.wait_ready(con, opts.boot_timeout)
            status = run_command(opts, guest, con)
            if opts.leakcheck:
                leaks = guest.output(["bash", "-c", LEAK_SCAN], con, timeout=900)
                if leaks.strip():
                    con.report("leaked memory (kmemleak)", leaks)
            guest.power_off()
            vm.wait(20)
        except agent.Timeout as error:
            print(f"run: {error}", file=sys.stderr)
            status = EXIT_TIMEOUT
        except agent.Died as error:
            print(f"run: {error}", file=sys.stderr)
            status = EXIT_RUNNER
            con.settle(1.0)
            text = vm.errors()
            if text:
                print(f"run: QEMU said: {text}", file=sys.stderr)
            con.print_tail()
        except KeyboardInterrupt:
            status = 130
        finally:
            vm.stop()
            con.settle(0.2)
        if con.splats:
            con.print_splats()
            print(f"run: failed: the kernel complained (above): {con.splats[0][0]}",
                  file=sys.stderr)
            status = EXIT_SPLAT
        return status


if __name__ == "__main__":
    sys.exit(main())
