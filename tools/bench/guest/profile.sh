#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the guest, with the benchmarks' chroot at /mnt/share: where the kernel's time
# goes, in software and in hardware,
#   profile.sh rules	while rules come and go; RULES is how many
#   profile.sh nic	while frames and TCP go from VF to VF

cd "$(dirname "$0")/../../../selftests/net/sluice" || exit 1
# shellcheck source=selftests/net/sluice/lib.sh
. ./lib.sh
# shellcheck source=selftests/net/sluice/rate_lib.sh
. ./rate_lib.sh

root=/mnt/share
gen=$SLUICE_LIB/../../../build/bench/guest/rulegen

in_root() { chroot $root "$@" 2> /dev/null; }

# profiled NAME COMMAND...: with a profile of all processors in NAME.
profiled() {
	local data=/tmp/$1.data pid
	shift
	in_root perf record -q -B -N -a -e cpu-clock -F 500 -g -o "$data" -- sleep 600 &
	pid=$!
	wait_for 60 [ -s "$root$data" ]
	# It has begun to write, not yet to sample.
	sleep 1
	"$@"
	pkill -INT -x perf
	wait $pid
}

# top NAME TITLE OPTION...
top() {
	echo "# $2"
	in_root perf report -i "/tmp/$1.data" -g none --percent-limit 0.7 --stdio "${@:3}" |
		grep -E '^ +[0-9]' | head -n 50
}

rules() {
	local flag op how
	sluice_setup switchdev 1 || return
	for flag in skip_hw skip_sw; do
		ingress_add "${REP[0]}"
		for op in add del; do
			profiled $flag-$op "$gen" -f $flag -n "${RULES:-50000}" $op "${REP[0]}"
		done
		ingress_del "${REP[0]}"
	done
	for flag in skip_hw skip_sw; do
		for op in add del; do
			for how in no-children children; do
				top $flag-$op "$op, $flag, $how" --comm rulegen --$how --sort symbol
			done
		done
	done
}

nic() {
	local flag what
	modprobe pktgen
	sluice_setup switchdev 2 || return
	for flag in skip_hw skip_sw; do
		forward $flag
		pair_up "${VF[0]}" "${VF[1]}"
		profiled $flag-frames packet_rate 0 "${VF[0]}" 1 "${VF[1]}"
		profiled $flag-tcp tcp_rate 0 1
		pair_down "${VF[0]}" "${VF[1]}"
		ingress_del "${REP[0]}" "${REP[1]}"
	done
	for flag in skip_hw skip_sw; do
		for what in frames tcp; do
			top $flag-$what "$what, $flag" --no-children --sort comm,symbol | head -n 26
		done
	done
}

for d in proc sys dev; do mount --bind /$d $root/$d; done
mount -t tmpfs tmpfs $root/tmp
# From the host's disk to the guest's memory.
in_root perf --version
case ${1:-rules} in
rules|nic) "${1:-rules}" ;;
*) echo "profile.sh: there is no '$1': rules, nic" >&2; exit 2 ;;
esac
sluice_reset
