#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, with the benchmarks' chroot at /mnt/share: where the kernel's time
# goes while rules come and go, in software and in hardware. RULES is how many.

cd "$(dirname "$0")/../../../selftests/net/sluice" || exit 1
# shellcheck source=selftests/net/sluice/lib.sh
. ./lib.sh

root=/mnt/share
gen=$SLUICE_LIB/../../../build/bench/guest/rulegen

in_root() { chroot $root "$@" 2> /dev/null; }

sluice_setup switchdev 1 || exit 1
for d in proc sys dev; do mount --bind /$d $root/$d; done
mount -t tmpfs tmpfs $root/tmp
# From the host's disk to the guest's memory.
in_root perf --version

for flag in skip_hw skip_sw; do
	ingress_add "${REP[0]}"
	for op in add del; do
		data=/tmp/$flag-$op.data
		in_root perf record -q -B -N -a -e cpu-clock -F 500 -g -o $data -- sleep 600 &
		wait_for 60 [ -s $root$data ]
		"$gen" -f $flag -n "${RULES:-20000}" $op "${REP[0]}"
		pkill -INT -x perf
		wait
	done
	ingress_del "${REP[0]}"
done
for flag in skip_hw skip_sw; do
	for op in add del; do
		for how in no-children children; do
			echo "# $op, $flag, $how"
			in_root perf report -i /tmp/$flag-$op.data --comm rulegen --$how -g none \
				--percent-limit 0.7 --sort symbol --stdio | grep -E '^ +[0-9]' | head -n 50
		done
	done
done
sluice_reset
