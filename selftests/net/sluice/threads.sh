#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=4 opts=threads=2 timeout=300 kernels=stock
#
# A NIC with two threads for packets: queues of the VFs belong to one or the other.

ALL_TESTS="counts commands policer modes"

. "$(dirname "$0")/lib.sh"

setup() {
	sluice_setup switchdev 4 && ingress_add "${REP[@]}"
}
after() {
	local r
	for r in "${REP[@]}"; do tc filter del dev "$r" ingress 2> /dev/null; done
	check "nothing left" tables_empty
	for r in h0 h1 h2 h3; do ns_del "$r" > /dev/null 2>&1; done
	check_within "VFs are home" 10 vfs_home
}
vfs_home() {
	local i
	for i in 0 1 2 3; do ip link set "${VF[i]}" up || return 1; done
}

# to FROM TO WORD...: a rule in hardware.
to() {
	local from=$1 to=$2
	shift 2
	check "rule from VF $from to VF $to" tc filter add dev "${REP[from]}" ingress protocol all \
		pref 1 handle 1 flower skip_sw "$@" action mirred egress redirect dev "${REP[to]}"
}

# VF 0 and VF 1 have each other's frames, and so have VF 2 and VF 3.
both_ways() {
	to 0 1
	to 1 0
	to 2 3
	to 3 2
}

addresses() {
	vf_ns 0 h0 192.0.2.1/24
	vf_ns 1 h1 192.0.2.2/24
	vf_ns 2 h2 198.51.100.1/24
	vf_ns 3 h3 198.51.100.2/24
}

# Every frame arrives, whatever its queue, and each is counted once.
counts() {
	local i num=40 a="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"

	both_ways
	for ((i = 1; i <= num; i++)); do
		pkt send "${VF[0]}" "$a/ip/udp sport=$((1000 + i))/len 100" &
		pkt send "${VF[2]}" "$a/ip/udp sport=$((2000 + i))/len 100" &
		[ $((i % 4)) -ne 0 ] || wait
	done
	wait
	for i in 0 2; do
		check "all of VF $i's frames are counted" tc_hw_reaches "${REP[i]}" 1 "$num"
	done
}

# Commands come between packets of all queues.
commands() {
	local i

	addresses
	both_ways
	check "VF 0 reaches VF 1" ping_ok h0 192.0.2.2
	check "VF 2 reaches VF 3" ping_ok h2 198.51.100.2
	iperf_server h1 192.0.2.2
	iperf_server h3 198.51.100.2
	bg h0 iperf3 -c 192.0.2.2 -t 60 -P 4 --bidir -b 5M
	bg h2 iperf3 -c 198.51.100.2 -t 60 -P 4 --bidir -b 5M
	for i in {1..100}; do
		tc filter add dev "${REP[0]}" ingress protocol ip pref 2 handle "$i" flower \
			skip_sw dst_ip "203.0.113.$i" action drop || fail "rule $i"
	done
	check "rules go" tc filter del dev "${REP[0]}" ingress pref 2
	for i in {1..5}; do
		check "VF 0 still reaches VF 1" ping_ok h0 192.0.2.2
		check "VF 2 still reaches VF 3" ping_ok h2 198.51.100.2
	done
	bg_stop
}

passed() {
	cat "/sys/class/net/${REP[1]}/statistics/tx_packets" \
		"/sys/class/net/${REP[3]}/statistics/tx_packets" | awk '{ n += $1 } END { print n }'
}

# One bucket for both threads.
policer() {
	local i before a="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"

	for i in 0 2; do
		check "policed rule of VF $i" tc filter add dev "${REP[i]}" ingress protocol all \
			pref 1 handle 1 flower skip_sw action police rate 80bit burst 2000 \
			index 7 conform-exceed drop/pipe action mirred egress redirect dev "${REP[i + 1]}"
	done
	before=$(passed)
	pkt send -n 60 "${VF[0]}" "$a/ip/udp/len 100" &
	pkt send -n 60 "${VF[2]}" "$a/ip/udp/len 100" &
	wait
	sleep 1
	# 14 frames are a burst, and the rate is one in 14 seconds.
	check_ge "frames through" $(($(passed) - before)) 14
	check_le "frames through" $(($(passed) - before)) 16
}

# The mode changes while both threads work: the rules are gone in both.
modes() {
	addresses
	both_ways
	iperf_server h1 192.0.2.2
	iperf_server h3 198.51.100.2
	bg h0 iperf3 -c 192.0.2.2 -t 60 -P 4 -b 5M
	bg h2 iperf3 -c 198.51.100.2 -t 60 -P 4 -b 5M
	sleep 1
	check "legacy mode" mode_set legacy
	check "VF 0 reaches VF 1 by the legacy switch" ping_ok h0 192.0.2.2
	check "switchdev mode" mode_set switchdev
	check_not "no rule is left: VF 2 reaches VF 3" ping_ok h2 198.51.100.2
	bg_stop
}

tests_run "$@"
