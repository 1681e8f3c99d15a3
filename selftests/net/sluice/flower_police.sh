#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=600 kernels=stock
#
# Policers: what hardware lets pass is what software lets pass; shared ones are
# one bucket; changes take effect; matchall with the filters behind it.

ALL_TESTS="mtu bytes packets shared change verdict matchall_continue matchall_kinds"

. "$(dirname "$0")/lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"

setup() {
	sluice_setup switchdev 3 && ingress_add "${REP[0]}" "${REP[2]}"
	modprobe -a cls_matchall act_police 2>/dev/null
	TO1="action mirred egress redirect dev ${REP[1]}"
	# The first frames of a run must not be late.
	pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" "$A/ip/udp"
}

after() {
	tc filter del dev "${REP[0]}" ingress 2>/dev/null
	tc filter del dev "${REP[2]}" ingress 2>/dev/null
	tc actions flush action police
	check "nothing left" tables_empty
	check_eq "meters" "$(occupancy meters)" 0
}

# passed [VF] SPEC...: frames that came out of VF 1.
passed() {
	local vf=0
	[[ $1 == [0-9] ]] && { vf=$1; shift; }
	pkt xfer -t 1 --tx "${VF[vf]}" --rx "${VF[1]}" "$@" | awk '{ n += $2 } END { print n + 0 }'
}

# rule FLAGS ACTIONS
rule() {
	# shellcheck disable=SC2086 # words
	tc filter add dev "${REP[0]}" ingress protocol ip pref 10 handle 1 flower $1 $2 $TO1
}
rule_del() { tc filter del dev "${REP[0]}" ingress pref 10; }

# both ACTIONS WANT FRAMES...: software and hardware let WANT frames pass.
both() {
	local actions=$1 want=$2 flags n
	shift 2
	for flags in skip_hw skip_sw; do
		check "$flags: $actions" rule $flags "$actions" || continue
		sleep "${PAUSE:-0}"
		n=$(passed "$@")
		check_eq "$flags: $actions: frames" "$n" "$want"
		[ $flags = skip_hw ] || check "hardware has seen all" tc_hw_reaches "${REP[0]}" 1 $#
		rule_del
	done
}

frames() { local i; for ((i = 0; i < $1; i++)); do SEND[i]="$A/ip id=$i/udp/len $2"; done; }

# Without Ethernet header a frame has 28 bytes more than its payload, and 14
# with it; a VLAN tag counts for nothing.
mtu() {
	both "action police mtu 142 conform-exceed drop/pipe" 2 \
		"$A/ip/udp/len 100" "$A/ip/udp/len 101" "$A/ip/udp/len 99" "$A/ip/udp/len 300"
}

# Nothing to speak of is saved up while this runs.
bytes() {
	SEND=() && frames 10 72
	both "action police rate 80bit burst 350 conform-exceed drop/pipe" 3 "${SEND[@]}"
	both "action police rate 80bit burst 350 overhead 75 conform-exceed drop/pipe" 2 "${SEND[@]}"
	both "action police rate 80bit burst 350 conform-exceed pipe/pipe" 10 "${SEND[@]}"
	# What conforms is the host's then, and only the rest goes on.
	both "action police rate 80bit burst 350 conform-exceed pipe/ok" 7 "${SEND[@]}"
	check "again" rule skip_sw "action police rate 80bit burst 350 conform-exceed drop/pipe"
	check_eq "frames" "$(passed "${SEND[@]}")" 3
	check_eq "dropped, says tc" "$(tc_rule "${REP[0]}" 1 '.options.actions[0].stats.drops')" 7
	check "shown" grep -q police "/sys/kernel/debug/sluice-$PF_PCI/rules"
}

# A packet policer starts empty.
packets() {
	local PAUSE=1.1
	SEND=() && frames 4 72
	both "action police pkts_rate 1 pkts_burst 1 conform-exceed drop/pipe" 1 "${SEND[@]}"
	both "action police pkts_rate 1000000 pkts_burst 100 conform-exceed drop/pipe" 4 "${SEND[@]}"
}

shared() {
	SEND=() && frames 10 72
	check "a policer" tc actions add action police rate 80bit burst 350 \
		conform-exceed drop/pipe index 7
	check_eq "meters" "$(occupancy meters)" 1
	check "a rule" rule skip_sw "action police index 7"
	# shellcheck disable=SC2086 # words
	check "another, on another port" tc filter add dev "${REP[2]}" ingress protocol ip pref 3 \
		flower skip_sw action police index 7 $TO1
	check_eq "meters" "$(occupancy meters)" 1
	check_eq "by one" "$(passed "${SEND[@]:0:2}")" 2
	check_eq "by the other" "$(passed 2 "${SEND[@]}")" 1
	rule_del
	tc filter del dev "${REP[2]}" ingress
	check_eq "the policer stays" "$(occupancy meters)" 1
	check "it goes" tc actions del action police index 7
	check_eq "meters" "$(occupancy meters)" 0
}

change() {
	SEND=() && frames 10 72
	check "a policer" tc actions add action police rate 80bit burst 350 \
		conform-exceed drop/pipe index 7
	check "a rule" rule skip_sw "action police index 7"
	check_eq "frames" "$(passed "${SEND[@]}")" 3
	check "more" tc actions change action police rate 80bit burst 650 \
		conform-exceed drop/pipe index 7
	check_eq "frames" "$(passed "${SEND[@]}")" 6
}

# What it leads to is in the rules; they are left to software.
verdict() {
	SEND=() && frames 10 72
	check "a policer" tc actions add action police rate 80bit burst 350 \
		conform-exceed drop/pipe index 7
	check "a rule" rule "" "action police index 7"
	check "in hardware" tc_in_hw "${REP[0]}" 1
	check "drop no more" tc actions change action police rate 80bit burst 350 \
		conform-exceed pipe/pipe index 7
	check_eq "frames" "$(passed "${SEND[@]}")" 10
	check_eq "by software" "$(tc_sw_packets "${REP[0]}" 1)" 10
}

# As Open vSwitch does it: a policer before all flows.
matchall_continue() {
	local flags n
	SEND=() && frames 10 72
	for flags in skip_hw skip_sw; do
		check "$flags: police" tc filter add dev "${REP[0]}" ingress pref 1 handle 9 matchall \
			$flags action police rate 80bit burst 350 conform-exceed drop/continue
		check "$flags: flow" rule $flags ""
		n=$(passed "${SEND[@]}")
		check_eq "$flags: frames" "$n" 3
		[ $flags = skip_hw ] || {
			check "the policer has seen all" tc_hw_reaches "${REP[0]}" 9 10
			check "the flow the rest" tc_hw_reaches "${REP[0]}" 1 3
		}
		tc filter del dev "${REP[0]}" ingress
	done
	# Nothing behind it: packets that conform are the host's.
	check "alone" tc filter add dev "${REP[0]}" ingress pref 1 handle 9 matchall \
		skip_sw action police rate 80bit burst 350 conform-exceed drop/continue
	n=$(pkt xfer -t 1 --tx "${VF[0]}" --rx "${REP[0]}" "${SEND[@]}" | wc -l)
	check_eq "to the representor" "$n" 3
}

matchall_kinds() {
	check "redirect" tc filter add dev "${REP[0]}" ingress protocol ip pref 5 handle 5 matchall \
		skip_sw action mirred egress redirect dev "${REP[1]}"
	check_eq "frames" "$(passed "$A/ip/udp" "$A/arp")" 1
	check "counted" tc_hw_reaches "${REP[0]}" 5 1
	check "drop before it" tc filter add dev "${REP[0]}" ingress pref 4 handle 4 matchall \
		skip_sw action drop
	check_eq "frames" "$(passed "$A/ip/udp" "$A/arp")" 0
	check "counted" tc_hw_reaches "${REP[0]}" 4 2
	check "delete" tc filter del dev "${REP[0]}" ingress pref 4
	check "mirror" tc filter add dev "${REP[0]}" ingress pref 3 handle 3 matchall \
		skip_sw action mirred egress mirror dev "${REP[1]}" action drop
	check_eq "frames" "$(passed "$A/ip/udp" "$A/arp")" 2
	check "in both" tc filter add dev "${REP[0]}" ingress pref 2 handle 2 matchall action drop
	check "in hardware" tc_in_hw "${REP[0]}" 2
}


tests_run "$@"
