#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=300
#
# Statistics of rules in hardware.

ALL_TESTS="like_software last_use types reuse many_readers"

. "$(dirname "$0")/lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"
FRAMES=("$A/ip/udp/len 100" "$A/vlan id=5/ip/udp/len 100" "$A/vlan id=5/vlan id=6/ip/udp/len 3"
	"$A/ip6/tcp/len 1000" "$A/arp" "eth type=0x88b5/len 46")

setup() {
	sluice_setup switchdev 2 && ingress_add "${REP[0]}"
	TO1="action mirred egress redirect dev ${REP[1]}"
}
after() {
	tc filter del dev "${REP[0]}" ingress
	check "nothing left" tables_empty
}

rule() {
	# shellcheck disable=SC2086,SC2048 # words
	check "rule: $*" tc filter add dev "${REP[0]}" ingress protocol all pref 1 handle 1 flower $*
}
last() { tc_rule "${REP[0]}" 1 ".options.actions[-1].$1"; }

like_software() {
	local f act sw hw
	for act in "$TO1" "action vlan push id 9 $TO1" "action drop"; do
		for f in "${FRAMES[@]}"; do
			rule "skip_hw $act"
			pkt send -n 3 "${VF[0]}" "$f"
			wait_for 2 eval '[ "$(last stats.packets)" = 3 ]'
			sw="$(last stats.packets) $(last stats.bytes)"
			tc filter del dev "${REP[0]}" ingress pref 1
			rule "skip_sw $act"
			pkt send -n 3 "${VF[0]}" "$f"
			wait_for 2 eval '[ "$(last stats.hw_packets)" = 3 ]'
			hw="$(last stats.hw_packets) $(last stats.hw_bytes)"
			check_eq "packets and bytes of $f, $act" "$hw" "$sw"
			tc filter del dev "${REP[0]}" ingress pref 1
		done
	done
	rule "$TO1"
}

used_less() { [ "$(last last_used)" -lt "$1" ]; }

last_use() {
	rule "skip_sw $TO1"
	sleep 4
	check_ge "unused for" "$(last last_used)" 3
	pkt send "${VF[0]}" "${FRAMES[0]}"
	check_within "used now" 2 used_less 2
	sleep 4
	check_ge "unused again for" "$(last last_used)" 3
}

types() {
	rule "skip_sw $TO1"
	check_eq "default" "$(last 'used_hw_stats[0]')" delayed
	tc filter del dev "${REP[0]}" ingress
	rule "skip_sw $TO1 hw_stats delayed"
	pkt send -n 4 "${VF[0]}" "${FRAMES[0]}"
	check "delayed counts" tc_hw_reaches "${REP[0]}" 1 4
	tc filter del dev "${REP[0]}" ingress
	rule "skip_sw $TO1 hw_stats disabled"
	check_eq "counters of a rule without" "$(occupancy counters)" 0
	check_eq "it works" "$(count_frames "${VF[0]}" "${VF[1]}" 3 "${FRAMES[0]}")" 3
	sleep 0.5
	check_eq "and counts nothing" "$(last 'stats.packets // 0')" 0
	tc filter del dev "${REP[0]}" ingress
	check_refused "immediate" "hw_stats immediate" tc filter add dev "${REP[0]}" ingress \
		protocol all pref 1 flower skip_sw action mirred egress redirect dev "${REP[1]}" \
		hw_stats immediate
	check_refused "mixed" "differ in hw_stats" tc filter add dev "${REP[0]}" ingress \
		protocol all pref 1 flower skip_sw \
		action mirred egress mirror dev "${REP[1]}" hw_stats disabled \
		action mirred egress redirect dev "${REP[1]}"
}

# A counter that had a life before starts at zero, at once and later.
reuse() {
	local i
	for i in {1..400}; do
		echo "filter add dev ${REP[0]} ingress protocol ip pref 1 handle $i flower skip_sw dst_ip 192.0.2.$((i % 250)) src_ip 10.0.$((i / 250)).1 $TO1"
	done > "$SLUICE_TMP/batch"
	for i in 1 2 3; do
		rule "skip_sw $TO1"
		pkt send -n $((i * 7)) "${VF[0]}" "${FRAMES[0]}"
		check "round $i counts" tc_hw_reaches "${REP[0]}" 1 $((i * 7))
		tc filter del dev "${REP[0]}" ingress pref 1
		check "400 rules" tc -b "$SLUICE_TMP/batch"
		check_eq "packets of fresh rules" "$(counted)" 0
		tc filter del dev "${REP[0]}" ingress
	done
	# More than fit into the driver's waiting room.
	for i in 1 2 3 4; do
		check "400 rules" tc -b "$SLUICE_TMP/batch"
		tc filter del dev "${REP[0]}" ingress
	done
	rule "skip_sw $TO1"
	sleep 0.3
	check_eq "packets" "$(last 'stats.hw_packets // 0')" 0
}
counted() {
	tc -j -s filter show dev "${REP[0]}" ingress |
		jq '[.[].options.actions?[0].stats.hw_packets // 0] | add'
}

# Concurrent dumps do not count anything twice.
many_readers() {
	local i
	rule "skip_sw $TO1"
	for i in 1 2 3; do
		bg - bash -c "while :; do tc -s filter show dev ${REP[0]} ingress; done"
	done
	pkt send -n 500 "${VF[0]}" "${FRAMES[0]}"
	check "500 packets" tc_hw_reaches "${REP[0]}" 1 500
	sleep 1
	check_eq "packets" "$(tc_hw_packets "${REP[0]}" 1)" 500
	bg_stop
}

tests_run "$@"
