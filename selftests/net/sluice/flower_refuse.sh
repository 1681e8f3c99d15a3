#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=300 kernels=stock
#
# What hardware does not do is refused, by name, and leaves nothing behind.
# Without skip_sw the filter is taken by software and holds its place.

ALL_TESTS="keys actions controls programs targets classifiers egress feature
	why"

. "$(dirname "$0")/lib.sh"

setup() {
	sluice_setup switchdev 2 && ingress_add "${REP[0]}"
	modprobe -a vxlan dummy cls_u32 cls_matchall act_police act_gate act_skbedit \
		act_tunnel_key act_ct act_mpls 2>/dev/null
	TO1="action mirred egress redirect dev ${REP[1]}"
}
after() {
	tc filter del dev "${REP[0]}" ingress 2>/dev/null
	check "nothing left" tables_empty
}

# refused REGEX PROTOCOL KEYS ACTIONS
refused() {
	local d=${REP[0]}
	# shellcheck disable=SC2086 # words
	{
		check_refused "skip_sw $3 $4" "$1" \
			tc filter add dev "$d" ingress protocol "$2" pref 7 handle 7 flower skip_sw $3 $4
		check "skip_sw $3 $4: nothing left" tables_empty
		check "in software: $3 $4" \
			tc filter add dev "$d" ingress protocol "$2" pref 7 handle 7 flower $3 $4
		check "$3 $4: not in hardware" tc_not_in_hw "$d" 7
		check_eq "$3 $4: punt" "$(occupancy rules)" 1
		check_eq "$3 $4: counters" "$(occupancy counters)" 0
		check "$3 $4: delete" tc filter del dev "$d" ingress pref 7
		check "$3 $4: nothing left" tables_empty
	}
}

keys() {
	refused "enc_" ip "enc_key_id 4" "$TO1"
	refused "enc_" ip "enc_src_ip 192.0.2.1 enc_dst_ip 192.0.2.2" "$TO1"
}

actions() {
	refused "gate" ip "" "action gate clockid CLOCK_TAI sched-entry open 1000000000 -1 -1 $TO1"
	refused "mpls pop" mpls_uc "" "action mpls pop protocol 802.1q $TO1"
	refused "ingress" ip "" "action mirred ingress redirect dev ${REP[1]}"
	refused "ingress" ip "" "action mirred ingress mirror dev ${REP[1]} action drop"
	refused "vlan pop_eth" ip "" "action vlan pop_eth $TO1"
}

controls() {
	refused "without pipe" ip "" "action pedit ex munge ip ttl set 4 pass $TO1"
	refused "control" ip "" "action vlan push id 4 continue"
	refused "control" ip "" "action csum ip reclassify"
}

# tc takes 32 actions, each pedit more than one step.
programs() {
	local many="" i
	for i in {1..12}; do
		many+="action pedit ex munge ip6 src set 2001:db8::$i munge ip6 dst set 2001:db8::1:$i pipe "
	done
	refused "steps" ipv6 "" "$many$TO1"
}

targets() {
	check "another netdev" ip link add dum-ref type dummy
	refused "dum-ref is not a port" ip "" "action mirred egress redirect dev dum-ref"
	refused "dum-ref is not a port" ip "" "action mirred egress mirror dev dum-ref $TO1"
	ip link del dum-ref
	check_refused "indev of no port" "indev" tc filter add dev "${REP[0]}" ingress protocol ip \
		pref 3 flower skip_sw indev lo action drop
}

foreign() {
	local kind=$1
	shift
	# cls_u32 forgets what it was told of skip_sw and never fails.
	if [ "$kind" != u32 ]; then
		check_refused "$kind" "only flower and matchall" \
			tc filter add dev "${REP[0]}" ingress protocol ip pref 4 "$kind" skip_sw "$@"
		check "nothing left of $kind" tables_empty
	fi
	check "$kind in software" tc filter add dev "${REP[0]}" ingress protocol ip pref 4 "$kind" "$@"
	check_eq "punt of $kind" "$(occupancy rules)" 1
	check "delete $kind" tc filter del dev "${REP[0]}" ingress pref 4
	check "nothing left of $kind" tables_empty
}
classifiers() {
	foreign u32 match ip dst 192.0.2.2/32 action drop
}

egress() {
	check_refused "egress" "egress" tc filter add dev "${REP[0]}" egress protocol ip \
		pref 1 flower skip_sw action drop
	check "in software" tc filter add dev "${REP[0]}" egress protocol ip pref 1 flower action drop
	check "delete" tc filter del dev "${REP[0]}" egress
}

feature() {
	check "hw-tc-offload off" ethtool -K "${REP[0]}" hw-tc-offload off
	refused "hw-tc-offload" ip "" "$TO1"
	check "and on" ethtool -K "${REP[0]}" hw-tc-offload on
	# shellcheck disable=SC2086 # words
	check "in hardware again" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 flower \
		skip_sw $TO1
}

rejects() { awk -v r="$1" '$1 == r { print $2 }' "/sys/kernel/debug/sluice-$PF_PCI/reject_reasons"; }

# Counters, and trace events with the filter's name.
why() {
	local t=/sys/kernel/tracing before cookie
	[ -d $t/events ] || mount -t tracefs none $t
	if [ ! -d $t/events/sluice ]; then
		skip "the kernel has no trace events"
		return
	fi
	before=$(rejects key)
	echo > $t/trace
	echo 1 > $t/events/sluice/enable
	# shellcheck disable=SC2086 # words
	check "refused" tc filter add dev "${REP[0]}" ingress protocol ip pref 3 flower \
		enc_key_id 4 $TO1
	echo 0 > $t/events/sluice/enable
	check_eq "refused for that" "$(rejects key)" $((before + 1))
	note "$(grep -m1 sluice_reject: $t/trace)"
	check "told why" grep -Eq "sluice_reject: $PF_PCI cookie [0-9a-f]+ chain 0 prio [0-9]+ key: cannot match on enc_key_id" $t/trace
	cookie=$(sed -n 's/.*cookie \([0-9a-f]*\) .*enc_key_id.*/\1/p' $t/trace)
	check "the filter's name" grep -q "cookie $cookie " "/sys/kernel/debug/sluice-$PF_PCI/rules"
}

tests_run "$@"
