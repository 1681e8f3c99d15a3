#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=300 opts=max-rules=32,max-masks=4,max-counters=64,max-tables=3,max-actions=8 kernels=stock
#
# A device without room: what does not fit is done by software, and nothing
# else takes its packets meanwhile.

ALL_TESTS="rules masks tables steps"

. "$(dirname "$0")/lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"

setup() {
	sluice_setup switchdev 3 || return 1
	IN="dev ${REP[0]} ingress"
	TO1="action mirred egress redirect dev ${REP[1]}"
	TO2="action mirred egress redirect dev ${REP[2]}"
}
before() { check "qdisc" ingress_add "${REP[0]}"; }
after() {
	ingress_del "${REP[0]}"
	check "nothing left" tables_empty
}

# shellcheck disable=SC2086,SC2048 # words
add() { check "rule: $*" tc filter add $IN $*; }
# shellcheck disable=SC2086,SC2048 # words
refused() { check_refused "refused: $*" "device is full" tc filter add $IN $*; }

# goes N SPEC WHAT: the frame leaves by VF N only (0: by none), and how.
goes() {
	local got
	got=$(pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" --rx "${VF[2]}" "$2" | awk '{ print $1 }')
	check_eq "$3" "$got" "$([ "$1" = 0 ] || echo "${VF[$1]}")"
}
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

rules() {
	local i
	for i in {1..30}; do
		add protocol ip pref 20 handle "$i" flower dst_ip "192.0.2.$i" "$TO1"
		check "rule $i" tc_in_hw "${REP[0]}" "$i"
	done
	refused protocol ip pref 20 flower skip_sw dst_ip 192.0.2.31 "$TO1"
	in_hardware 1 "$A/ip/udp" "the device is full"
	# What is kept back is for those that do not fit.
	add protocol ip pref 10 handle 101 flower dst_ip 192.0.2.2 "$TO2"
	check "not in hardware" tc_not_in_hw "${REP[0]}" 101
	in_software 2 "$A/ip/udp" "one too many"
	in_hardware 1 "$A/ip dst=192.0.2.3/udp" "its neighbour"
	add protocol ip pref 10 handle 102 flower dst_ip 192.0.2.3 "$TO2"
	in_software 2 "$A/ip dst=192.0.2.3/udp" "two too many"
	in_hardware 1 "$A/ip dst=192.0.2.4/udp" "another one"
	# No room for a punt either: software takes all.
	add protocol ip pref 10 handle 103 flower dst_ip 192.0.2.4 "$TO2"
	in_software 2 "$A/ip dst=192.0.2.4/udp" "three too many"
	in_software 1 "$A/ip dst=192.0.2.5/udp" "everything else"
	# shellcheck disable=SC2086 # words
	check "delete the third" tc filter del $IN protocol ip pref 10 handle 103 flower
	in_hardware 1 "$A/ip dst=192.0.2.4/udp" "hardware again"
	in_software 2 "$A/ip/udp" "the first of them"
	# shellcheck disable=SC2086 # words
	check "delete the rest" tc filter del $IN pref 10
	in_hardware 1 "$A/ip/udp" "all is well"
}

masks() {
	add protocol ip pref 20 flower "$TO1"
	add protocol ip pref 21 flower dst_ip 192.0.2.2 "$TO1"
	add protocol ip pref 22 flower src_ip 192.0.2.2 "$TO1"
	refused protocol ip pref 23 flower skip_sw ip_proto udp "$TO1"
	# The punt gets the mask that is always there.
	add protocol ip pref 10 flower ip_proto udp "$TO2"
	in_software 2 "$A/ip/udp" "the filter without a mask"
	in_software 1 "$A/ip/tcp" "its neighbour"
	add protocol ip pref 5 flower dst_ip 192.0.2.2 action drop
	in_hardware 0 "$A/ip/udp" "a better one with a mask"
}

tables() {
	local d
	add protocol ip pref 20 flower ip_proto tcp action goto chain 1
	add chain 1 protocol ip pref 1 flower action goto chain 2
	add chain 2 protocol ip pref 1 flower "$TO1"
	in_hardware 1 "$A/ip/tcp" "three chains"
	refused chain 2 protocol ip pref 2 flower skip_sw action goto chain 3
	add protocol ip pref 10 flower ip_proto udp action goto chain 3
	in_software 0 "$A/ip/udp" "to a fourth"
	in_hardware 1 "$A/ip/tcp" "three chains still"
	# A filter that has no place at all: software takes everything.
	add chain 3 protocol ip pref 1 flower "$TO2"
	in_software 2 "$A/ip/udp" "the fourth"
	in_software 1 "$A/ip/tcp" "three chains with it"
	# shellcheck disable=SC2086 # words
	check "delete" tc filter del $IN chain 3
	in_hardware 1 "$A/ip/tcp" "three chains without it"
	# A port without a table of its own is software's.
	d=${REP[1]}
	check "another block" ingress_add "$d"
	check "its rule" tc filter add dev "$d" ingress protocol ip pref 1 handle 1 flower \
		action mirred egress redirect dev "${REP[2]}"
	check "not in hardware" tc_not_in_hw "$d" 1
	check_eq "it works" "$(count_frames "${VF[1]}" "${VF[2]}" 2 "$A/ip/udp")" 2
	ingress_del "$d"
}

steps() {
	check_refused "nine steps" "9 steps, the device runs 8" tc filter add dev "${REP[0]}" \
		ingress protocol ipv6 pref 1 flower skip_sw \
		action pedit ex munge ip6 src set 2001:db8::1 munge ip6 dst set 2001:db8::2 pipe \
		action mirred egress redirect dev "${REP[1]}"
	add protocol ipv6 pref 1 flower skip_sw \
		action pedit ex munge ip6 src set 2001:db8::1 munge ip6 hoplimit set 3 pipe \
		action csum tcp pipe action vlan push id 5 "$TO1"
	in_hardware 1 "$A/ip6/tcp" "eight steps"
}

tests_run "$@"
