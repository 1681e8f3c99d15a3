#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=600 kernels=stock
#
# Order: which rule takes a packet, with rules in hardware, in software and
# refused ones among them. A refused rule keeps its place.

ALL_TESTS="priorities refused_keeps_place refused_goes replace_wins mask_order
	foreign_classifiers pass_and_trap chain_miss chain_loop chain_refused
	shared_block replay egress_filters egress_foreign egress_block"

. "$(dirname "$0")/lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"

setup() {
	sluice_setup switchdev 3 || return 1
	modprobe -a dummy cls_u32 cls_matchall act_gate 2>/dev/null
	# With this the device has no rule.
	REFUSED="action gate clockid CLOCK_TAI sched-entry open 1000000000 -1 -1"
	TO1="action mirred egress redirect dev ${REP[1]}"
	TO2="action mirred egress redirect dev ${REP[2]}"
	IN="dev ${REP[0]} ingress"
}
before() { check "qdisc" ingress_add "${REP[0]}"; }
after() {
	ingress_del "${REP[0]}"
	check "nothing left" tables_empty
}

# add ARGUMENTS: one more rule at the ingress of VF 0's representor
add() {
	# shellcheck disable=SC2086,SC2048 # words
	check "rule: $*" tc filter add $IN $*
}
del() {
	# shellcheck disable=SC2086,SC2048 # words
	check "delete: $*" tc filter del $IN $*
}

# goes_to N SPEC: the frame leaves by VF N only (0: by none).
goes_to() {
	local want=$1 got
	got=$(pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" --rx "${VF[2]}" "$2" | awk '{ print $1 }')
	[ "$want" = 0 ] && want='' || want=${VF[want]}
	[ "$got" = "$want" ] && return 0
	echo "$2 went to '${got//$'\n'/ }', wanted '$want'"
	return 1
}
goes() { check "$3" goes_to "$1" "$2"; }

in_software() {
	local before
	before=$(cpu_hit "${REP[0]}")
	goes "$@"
	check_lt "$3: through the CPU" "$before" "$(cpu_hit "${REP[0]}")"
}
in_hardware() {
	local before
	before=$(cpu_hit "${REP[0]}")
	goes "$@"
	check_eq "$3: not through the CPU" "$(cpu_hit "${REP[0]}")" "$before"
}

priorities() {
	add protocol ip pref 20 flower skip_sw dst_ip 192.0.2.0/24 "$TO2"
	in_hardware 2 "$A/ip/udp" "one rule"
	add protocol ip pref 10 flower skip_sw dst_ip 192.0.2.2 "$TO1"
	in_hardware 1 "$A/ip/udp" "a better one"
	add protocol ip pref 30 flower skip_sw dst_ip 192.0.2.2 ip_proto udp action drop
	in_hardware 1 "$A/ip/udp" "a worse one"
	add protocol all pref 1 flower skip_sw action drop
	in_hardware 0 "$A/ip/udp" "the best"
	del pref 1
	del pref 10
	in_hardware 2 "$A/ip/udp" "the first is left"
	del pref 20
	in_hardware 0 "$A/ip/udp" "the worst is left"
}

refused_keeps_place() {
	add protocol ip pref 10 handle 1 flower ip_proto udp dst_port 2000 "$REFUSED" action drop
	add protocol ip pref 20 flower "$TO1"
	in_software 0 "$A/ip/udp dport=2000" "the refused rule's packet"
	check_eq "software counted it" "$(tc_sw_packets "${REP[0]}" 1)" 1
	in_hardware 1 "$A/ip/udp dport=4000" "its neighbour"
	in_hardware 1 "$A/ip/tcp dport=2000" "another protocol"
	# Narrower in hardware before it, and not touched by it.
	add protocol ip pref 5 flower ip_proto udp dst_port 2000 "$TO2"
	in_hardware 2 "$A/ip/udp dport=2000" "a better rule"
	del pref 10
	# The device does not look at that key: all that may have it is punted.
	add protocol ip pref 10 flower ip_proto udp enc_key_id 5 action drop
	in_software 1 "$A/ip/udp dport=4000" "perhaps the refused rule's"
	in_hardware 1 "$A/ip/tcp dport=4000" "surely not"
	del pref 10
	in_hardware 1 "$A/ip/udp dport=4000" "without the refused rule"
}

refused_goes() {
	local i
	add protocol ip pref 20 flower "$TO1"
	for i in 1 2 3; do
		add protocol ip pref 10 handle 1 flower enc_key_id 5 action drop
		in_software 1 "$A/ip/udp" "with a refused rule"
		del pref 10
		in_hardware 1 "$A/ip/udp" "without"
	done
}

replace_wins() {
	add protocol ip pref 10 handle 1 flower dst_ip 192.0.2.2 "$TO1"
	in_hardware 1 "$A/ip/udp" "the rule"
	# shellcheck disable=SC2086 # words
	check "replaced" tc filter replace $IN protocol ip pref 10 handle 1 flower dst_ip 192.0.2.2 $TO2
	in_hardware 2 "$A/ip/udp" "replaced"
	# shellcheck disable=SC2086 # words
	check "by a refused one" tc filter replace $IN protocol ip pref 10 handle 1 flower \
		dst_ip 192.0.2.2 $REFUSED $TO1
	in_software 1 "$A/ip/udp" "replaced by a refused one"
	# shellcheck disable=SC2086 # words
	check "and back" tc filter replace $IN protocol ip pref 10 handle 1 flower dst_ip 192.0.2.2 $TO2
	in_hardware 2 "$A/ip/udp" "and back"
}

# Within one priority flower's masks count in the order they came.
mask_order() {
	local flags
	for flags in skip_hw skip_sw; do
		add protocol ip pref 10 flower $flags dst_ip 192.0.2.0/24 "$TO1"
		add protocol ip pref 10 flower $flags src_ip 192.0.2.1 ip_proto udp "$TO2"
		add protocol ip pref 10 flower $flags dst_ip 198.51.100.0/24 "$TO2"
		goes 1 "$A/ip/udp" "$flags: wide first"
		goes 2 "$A/ip dst=198.51.100.1/udp" "$flags: same mask"
		goes 2 "$A/ip dst=203.0.113.1/udp" "$flags: second mask"
		del pref 10
		add protocol ip pref 10 flower $flags src_ip 192.0.2.1 ip_proto udp "$TO2"
		add protocol ip pref 10 flower $flags dst_ip 192.0.2.0/24 "$TO1"
		goes 2 "$A/ip/udp" "$flags: narrow first"
		goes 1 "$A/ip/tcp" "$flags: what is left"
		del pref 10
	done
}

foreign_classifiers() {
	add protocol ip pref 20 flower "$TO1"
	add protocol ip pref 10 u32 match ip dst 192.0.2.2/32 action drop
	in_software 0 "$A/ip/udp" "u32"
	in_software 1 "$A/ip dst=192.0.2.9/udp" "not for u32"
	del pref 10
	in_hardware 1 "$A/ip/udp" "without u32"
	add protocol ip pref 10 matchall action drop
	in_hardware 0 "$A/ip/udp" "matchall"
	del pref 10
	in_hardware 1 "$A/ip/udp" "without matchall"
}

pass_and_trap() {
	add protocol ip pref 10 handle 1 flower ip_proto udp action pass
	check "pass is in hardware" tc_in_hw "${REP[0]}" 1
	add protocol ip pref 20 flower "$TO1"
	in_software 0 "$A/ip/udp" "passed"
	check_eq "software counted it" "$(tc_packets "${REP[0]}" 1)" 1
	in_hardware 1 "$A/ip/tcp" "not passed"
	del pref 10
	add protocol ip pref 10 handle 1 flower skip_sw ip_proto udp action trap
	add protocol ip pref 5 handle 2 flower skip_hw ip_proto udp "$TO2"
	in_software 2 "$A/ip/udp" "trapped to software"
	check "hardware counted it" tc_hw_reaches "${REP[0]}" 1 1
	del pref 10
	add protocol ip pref 10 handle 1 flower ip_proto udp action vlan push id 5 action pass
	check "edits before pass are not" tc_not_in_hw "${REP[0]}" 1
}

# A packet that finds nothing in a chain is software's, as it came.
chain_miss() {
	add protocol ip pref 10 handle 1 flower action vlan push id 7 action goto chain 2
	in_software 0 "$A/ip/udp" "empty chain"
	check_eq "hardware counted nothing" "$(tc_hw_packets "${REP[0]}" 1)" 0
	check_eq "software did" "$(tc_sw_packets "${REP[0]}" 1)" 1
	add chain 2 protocol 802.1q pref 1 flower vlan_id 7 vlan_ethtype ip ip_proto tcp "$TO1"
	in_hardware 1 "$A/ip/tcp" "found in the chain"
	in_software 0 "$A/ip/udp" "not found in the chain"
	add chain 2 protocol all pref 9 flower "$TO2"
	in_hardware 2 "$A/ip/udp" "the chain's last rule"
	del chain 2 protocol 802.1q pref 1
	in_hardware 2 "$A/ip/tcp" "the only rule"
}

# The 17th goto drops the packet; each rule counts it each time.
chain_loop() {
	local flags
	for flags in skip_hw skip_sw ""; do
		add protocol ip pref 10 handle 1 flower $flags action goto chain 1
		add chain 1 protocol ip pref 10 handle 2 flower $flags action goto chain 0
		case $flags in
		skip_hw) in_software 0 "$A/ip/udp" "$flags: round and round" ;;
		*) in_hardware 0 "$A/ip/udp" "$flags: round and round" ;;
		esac
		[ "$flags" = skip_hw ] || check "hardware counted" tc_hw_reaches "${REP[0]}" 1 9
		check_eq "$flags: first rule" "$(tc_packets "${REP[0]}" 1)" 9
		check_eq "$flags: second rule" "$(tc_packets "${REP[0]}" 2)" 8
		del chain 1 pref 10
		del pref 10
	done
	# Back, and out again.
	add protocol ip pref 5 flower skip_sw action vlan push id 7 action goto chain 2
	add chain 2 protocol 802.1q pref 1 flower skip_sw vlan_id 7 vlan_ethtype ip \
		action vlan pop action pedit ex munge ip ttl set 9 pipe action goto chain 1
	add chain 1 protocol ip pref 10 flower skip_sw ip_ttl 9 "$TO2"
	in_hardware 2 "$A/ip/udp" "back to a chain of a lower number"
}

chain_refused() {
	add protocol ip pref 10 flower ip_proto udp action goto chain 1
	add chain 1 protocol ip pref 10 flower ip_proto udp dst_port 2000 "$REFUSED" "$TO1"
	add chain 1 protocol ip pref 20 flower "$TO2"
	in_software 1 "$A/ip/udp dport=2000" "refused in a chain"
	in_hardware 2 "$A/ip/udp dport=4000" "its neighbour"
	check "template" tc chain add dev "${REP[0]}" ingress chain 9 protocol ip flower dst_ip 0.0.0.0/32
	# shellcheck disable=SC2086 # words
	add chain 9 protocol ip pref 1 flower skip_sw dst_ip 192.0.2.2 "$TO1"
}

shared_block() {
	local d
	ingress_del "${REP[0]}"
	for d in "${REP[0]}" "${REP[1]}"; do
		check "bind $d" tc qdisc add dev "$d" ingress_block 22 clsact
	done
	check "one rule" tc filter add block 22 protocol ip pref 10 handle 1 flower skip_sw \
		dst_ip 192.0.2.2 action mirred egress redirect dev "${REP[2]}"
	check_eq "in the device" "$(occupancy rules)" 1
	check "by indev" tc filter add block 22 protocol ip pref 5 flower skip_sw indev "${REP[1]}" \
		ip_proto tcp action drop
	in_hardware 2 "$A/ip/udp" "one port"
	in_hardware 2 "$A/ip/tcp" "one port, TCP"
	check_eq "other port" "$(count_frames "${VF[1]}" "${VF[2]}" 1 "$A/ip/udp")" 1
	check_eq "other port, TCP" "$(count_frames "${VF[1]}" "${VF[2]}" 1 "$A/ip/tcp")" 0
	ingress_del "${REP[1]}"
	in_hardware 2 "$A/ip/udp" "after the other port left"
	check_eq "the other port" "$(count_frames "${VF[1]}" "${VF[2]}" 1 "$A/ip/udp")" 0
	check "back" tc qdisc add dev "${REP[1]}" ingress_block 22 clsact
	check_eq "the other port is back" "$(count_frames "${VF[1]}" "${VF[2]}" 1 "$A/ip/udp")" 1
	ingress_del "${REP[1]}"
}

# Filters that were there before the representor was.
replay() {
	ingress_del "${REP[0]}"
	ip link add dum-blk type dummy
	check "a block" tc qdisc add dev dum-blk ingress_block 33 clsact
	check "rule" tc filter add block 33 protocol ip pref 20 flower dst_ip 192.0.2.2 \
		action mirred egress redirect dev "${REP[1]}"
	# shellcheck disable=SC2086 # words
	check "refused rule" tc filter add block 33 protocol ip pref 10 flower ip_proto tcp \
		$REFUSED action drop
	check "wide mask" tc filter add block 33 protocol ip pref 30 flower src_ip 192.0.0.0/8 \
		action mirred egress redirect dev "${REP[1]}"
	check "narrow mask" tc filter add block 33 protocol ip pref 30 flower src_ip 192.0.2.1 \
		ip_proto udp action mirred egress redirect dev "${REP[2]}"
	check "bind" tc qdisc add dev "${REP[0]}" ingress_block 33 clsact
	in_hardware 1 "$A/ip/udp" "a rule from before"
	in_software 0 "$A/ip/tcp" "a refused rule from before"
	goes 1 "$A/ip dst=192.0.2.9/udp" "the first mask"
	ip link del dum-blk
	goes 1 "$A/ip dst=192.0.2.9/udp" "the first mask, alone"
}

egress_filters() {
	check "qdisc" ingress_add "${REP[1]}"
	add protocol ip pref 10 flower "$TO1"
	in_hardware 1 "$A/ip/udp" "no filter"
	check "egress filter" tc filter add dev "${REP[1]}" egress protocol ip pref 1 flower \
		ip_proto udp action drop
	in_software 0 "$A/ip/udp" "dropped at the egress"
	in_software 1 "$A/ip/tcp" "not dropped there"
	check "second" tc filter add dev "${REP[1]}" egress protocol ip pref 2 matchall action pass
	check "delete" tc filter del dev "${REP[1]}" egress pref 1
	in_software 1 "$A/ip/udp" "with the second filter"
	check "delete" tc filter del dev "${REP[1]}" egress pref 2
	in_hardware 1 "$A/ip/udp" "no filter again"
	check "filter" tc filter add dev "${REP[1]}" egress protocol ip pref 1 flower action drop
	in_software 0 "$A/ip/udp" "with a filter"
	ingress_del "${REP[1]}"
	in_hardware 1 "$A/ip/udp" "no qdisc"
}

# Those of classifiers that are never in hardware, there before and after the rule.
egress_foreign() {
	local kind after
	check "qdisc" ingress_add "${REP[1]}"
	for after in 0 1; do
		for kind in u32 matchall bpf; do
			local -a match=()
			[ $kind = u32 ] && match=(match ip protocol 17 0xff)
			[ $kind = bpf ] && match=(bytecode '1,6 0 0 4294967295')
			[ $after = 0 ] || add protocol ip pref 10 flower "$TO1"
			check "$kind" tc filter add dev "${REP[1]}" egress protocol ip pref 1 \
				"$kind" "${match[@]}" action drop
			[ $after = 1 ] || add protocol ip pref 10 flower "$TO1"
			in_software 0 "$A/ip/udp" "$kind drops at the egress"
			check "$kind goes" tc filter del dev "${REP[1]}" egress pref 1
			in_hardware 1 "$A/ip/udp" "without $kind"
			del pref 10
		done
	done
	ingress_del "${REP[1]}"
}

# A block that is one port's ingress and another's egress.
egress_block() {
	check "ingress" tc qdisc add dev "${REP[2]}" ingress_block 44 clsact
	check "egress" tc qdisc add dev "${REP[1]}" egress_block 44 clsact
	add protocol ip pref 10 flower "$TO1"
	in_hardware 1 "$A/ip/udp" "no filter"
	check "filter" tc filter add block 44 protocol ip pref 1 flower ip_proto tcp action drop
	check "in hardware at the ingress" grep -q "in_hw_count 1" <<< "$(tc filter show block 44)"
	in_software 0 "$A/ip/tcp" "dropped at the egress"
	in_software 1 "$A/ip/udp" "not dropped there"
	check "delete" tc filter del block 44
	in_hardware 1 "$A/ip/udp" "no filter again"
	ingress_del "${REP[1]}" "${REP[2]}"
}

tests_run "$@"
