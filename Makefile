# SPDX-License-Identifier: GPL-2.0-only
#
# What can be made here; "make help" explains. Everything is built by scripts
# that cache their results (see Documentation/testing/running.md).

SHELL := /bin/bash
MODULE := drivers/net/ethernet/sluice
KERNEL ?= stock
SEED ?= 1
COUNT ?= 100

.DEFAULT_GOAL := help
.PHONY: help demo demo-tunnel test test-full goldenrule lint device image modules modules_install \
	selftests ovs-suite bench-tunnel unit bench profile shell clean

help:
	@echo 'Sluice: an emulated SR-IOV NIC with an eSwitch, and its Linux driver'
	@echo
	@echo '  make demo             Open vSwitch between two VFs, in hardware (as root)'
	@echo '  make demo-tunnel      VXLAN and GENEVE between two such machines, in hardware'
	@echo '  make shell            a root shell in a machine with the NIC'
	@echo '  make test             every test: lint, unit tests, tests in machines'
	@echo '                        with both kernels; ends with "N passed, N failed"'
	@echo '  make test-full        every test script on both kernels, stress tests in full (hours)'
	@echo '  make goldenrule SEED=N COUNT=N [KERNEL=test]'
	@echo '                        generated rules, in hardware and in software, compared'
	@echo '  make lint             checkpatch, sparse, W=1, kernel-doc, cppcheck, shellcheck'
	@echo '  make unit             the device library'\''s unit tests, natively'
	@echo '  make selftests        the kernel'\''s own forwarding tests on VFs and representors'
	@echo '  make ovs-suite        Open vSwitch'\''s own offload tests on VFs and representors (hours);'
	@echo '                        TESTS=1-22 for some of them, SUITE_FLAGS=--veth to compare'
	@echo '                        with, SUITE_FLAGS=--report to see how they compare'
	@echo '  make bench-tunnel     what a change of a neighbour or route costs behind 50,000 rules'
	@echo
	@echo '  make bench            benchmarks, with a report in build/bench (BENCH=name: one)'
	@echo '  make profile          where the time goes in the device library; in the guest:'
	@echo '                        tools/bench/profile --guest'
	@echo
	@echo '  make device           QEMU with the sluice device'
	@echo '  make image            the guest and its kernels'
	@echo '  make modules          sluice.ko for a guest kernel: KERNEL=stock (default) or test'
	@echo '  make modules KDIR=... sluice.ko for your own kernel, built in that tree'
	@echo '  make modules_install KDIR=...'
	@echo '                        install that module (with INSTALL_MOD_PATH, if given)'
	@echo '  make clean            remove what was built inside this tree'
	@echo
	@echo '  Tests by name:        tools/test --help, selftests/net/sluice/run --list'
	@echo '  Machines:             tools/vm/run --help'
	@echo '  Caches:               $${SLUICE_CACHE:-~/.cache/sluice}; tools/vm/build prune'

demo:
	@tools/vm/demo

demo-tunnel:
	@tools/vm/demo-tunnel

shell:
	@tools/vm/run --kernel $(KERNEL)

test:
	@tools/test

test-full: test
	@selftests/net/sluice/run --full

goldenrule:
	@tools/goldenrule/run --kernel $(KERNEL) --seed $(SEED) --count $(COUNT) --coverage

lint:
	@tools/lint

unit:
	@tools/test unit

selftests:
	@selftests/net/sluice/run kernel_forwarding

ovs-suite:
	@tools/ovs-suite/run $(SUITE_FLAGS) $(TESTS)

bench:
	@tools/bench/bench $(BENCH)

profile:
	@tools/bench/profile

bench-tunnel:
	@selftests/net/sluice/run --kernel stock bench_tunnel

device:
	@tools/device/qemu/build

image:
	@tools/vm/build image kernel stock initrd stock

ifdef KDIR
modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODULE) modules

modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR)/$(MODULE) modules_install
else
modules:
	@tools/vm/build modules $(KERNEL)

modules_install:
	@echo 'modules_install wants KDIR=, the build tree of the kernel to install for,' >&2
	@echo 'such as /lib/modules/$$(uname -r)/build' >&2
	@exit 2
endif

clean:
	rm -rf build tools/device/tests/build
	find $(MODULE) \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '.*.d' -o -name modules.order \
		-o -name Module.symvers \) -delete
