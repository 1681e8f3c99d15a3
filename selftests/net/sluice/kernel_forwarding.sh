#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 timeout=7200 manual=1
#
# The kernel's own net/forwarding tests, taken from the source of the running
# kernel, on cables made of a VF and its representor. Each of their results is
# one of ours. Scripts that run everything a second time with skip_sw do so
# only if every port says "hw-tc-offload: on", and pass without a word if not:
# so the second half must be seen.
#
# Arguments or $TESTS select scripts by name, those in $MORE_SCRIPTS too; "veth" among
# them has the cables made of veth pairs instead, to see what is the NIC's and what
# is not.

. "$(dirname "$0")/lib.sh"

FORWARDING=$(dirname "$KTAP")/../net/forwarding
CABLES=vf

# Script, cabling, whether it has a skip_sw half, and tests that can't have one
# because they put their rules on the host's side of a cable, which is a VF or a
# tunnel device over it, not a port of the switch (one of them would wait for
# ever). Cables: A is host, switch | switch, host | switch, host; B is host, router
# three times.
SCRIPTS="
	tc_flower.sh		A	skip_sw
	tc_actions.sh		A	skip_sw	mirred_egress_to_ingress_tcp_test egress_2nd_vlan_push
	tc_chains.sh		A	skip_sw
	tc_shblocks.sh		A	skip_sw
	tc_vlan_modify.sh	A	-
	pedit_ip.sh		A	-
	pedit_l4port.sh		A	-
	pedit_dsfield.sh	A	-
	tc_flower_port_range.sh	A	-
	tc_flower_cfm.sh	A	-
	tc_flower_l2_miss.sh	A	-
	tc_police.sh		A	-
	tc_mpls_l2vpn.sh	A	-
	skbedit_priority.sh	A	-
	mirror_vlan.sh		A	-
	tc_flower_router.sh	B	skip_sw
	tc_tunnel_key.sh	A	-	tunnel_key_nofrag_test
	vxlan_bridge_1d.sh	A	-
	vxlan_symmetric.sh	A	-
	vxlan_symmetric_ipv6.sh	A	-
	vxlan_asymmetric.sh	A	-
	vxlan_asymmetric_ipv6.sh	A	-
	ipip_flat_gre.sh	A	-
	ipip_flat_gre_key.sh	A	-
	ipip_flat_gre_keys.sh	A	-
	ipip_hier_gre.sh	A	-
	ipip_hier_gre_key.sh	A	-
	ipip_hier_gre_keys.sh	A	-
	gre_multipath.sh	B	-
	gre_multipath_nh.sh	B	-
	gre_multipath_nh_res.sh	B	-
	mirror_gre.sh		A	-
	mirror_gre_bound.sh	A	-
	mirror_gre_bridge_1d.sh	A	-
	mirror_gre_bridge_1d_vlan.sh	A	-
	mirror_gre_bridge_1q.sh	A	-
	mirror_gre_bridge_1q_lag.sh	A	-
	mirror_gre_changes.sh	A	-
	mirror_gre_flower.sh	A	-
	mirror_gre_neigh.sh	A	-
	mirror_gre_nh.sh	A	-
	mirror_gre_vlan.sh	A	-
	ip6gre_flat.sh		A	-
	ip6gre_flat_key.sh	A	-
	ip6gre_flat_keys.sh	A	-
	ip6gre_hier.sh		A	-
	ip6gre_hier_key.sh	A	-
	ip6gre_hier_keys.sh	A	-
"

# Likewise, but only when named: they take long, or more than this machine has.
MORE_SCRIPTS="
	gre_inner_v4_multipath.sh	A	-
	gre_inner_v6_multipath.sh	A	-
	ip6gre_inner_v4_multipath.sh	A	-
	ip6gre_inner_v6_multipath.sh	A	-
	gre_custom_multipath_hash.sh	A	-
	ip6gre_custom_multipath_hash.sh	A	-
	mirror_gre_lag_lacp.sh	A	-
	mirror_gre_vlan_bridge_1q.sh	A	-
	vxlan_bridge_1d_ipv6.sh	A	-
	vxlan_bridge_1d_port_8472.sh	A	-
	vxlan_bridge_1d_port_8472_ipv6.sh	A	-
	vxlan_bridge_1q.sh	A	-
	vxlan_bridge_1q_ipv6.sh	A	-
	vxlan_bridge_1q_port_8472.sh	A	-
	vxlan_bridge_1q_port_8472_ipv6.sh	A	-
	dual_vxlan_bridge.sh	A	-
"

# Results that hardware of this kind can't give, with the reason. A test listed
# here that passes counts as passed.
cannot() {
	case $1 in
	"tc_flower.sh: ip_flags match (skip_sw)" | "tc_flower.sh: mpls lse match (skip_sw)")
		echo "uses action continue, which the kernel offers to no driver" ;;
	"tc_flower.sh: erspan_opts"*)
		echo "needs an erspan tunnel netdev, which is no port of the NIC" ;;
	"tc_flower_router.sh: indev egress match (skip_sw)")
		echo "matches packets the CPU has routed, on their way out: the switch never saw them come in" ;;
	"tc_flower_l2_miss.sh: "*)
		[ "${SLUICE_KERNEL:-stock}" = stock ] || return 1
		echo "needs a kernel with NET_TC_SKB_EXT" ;;
	*"_custom_multipath_hash.sh: "*" flowlabel (balanced)")
		[ "$(sh -c 'echo {1..2}')" = "{1..2}" ] || return 1
		echo "its loop over {1..16384} is one round where sh is not bash" ;;
	"ip6gre_custom_multipath_hash.sh: "*" Inner flowlabel (unbalanced)")
		[ $CABLES = vf ] || return 1
		echo "the outer label is made from the hash that a NIC gives with a frame" ;;
	"mirror_gre_lag_lacp.sh: "*)
		[ $CABLES = vf ] || return 1
		echo "teamd dies of a team of two VFs of one PF" ;;
	*) return 1 ;;
	esac
}

# Seconds a script may take; the checkers of a debug kernel cost much.
LIMIT=1800
[ -w "$KMEMLEAK" ] && LIMIT=3600

count=0 failed=0
result() {
	count=$((count + 1))
	case $1 in
	ok) echo "ok $count $2${3:+ # SKIP $3}" ;;
	*) failed=$((failed + 1)); echo "not ok $count $2" ;;
	esac
}

# A copy of the scripts that knows our cables: as arguments those that read their
# library twice forget them.
scripts_copy() {
	local net=$SLUICE_TMP/net
	mkdir -p "$net" && cp -r "$FORWARDING" "$FORWARDING"/../lib* "$net" || return
	FORWARDING=$net/forwarding
}

# Turn the lines of one script into results.
digest() {
	local script=$1 line name verdict why
	while IFS= read -r line; do
		if [[ $line =~ ^TEST:\ (.*[^ ])\ +\[\ *([A-Z]+)\ *\]$ ]]; then
			name="$script: ${BASH_REMATCH[1]}"
			verdict=${BASH_REMATCH[2]}
			case $verdict in
			RETRY) ;;
			OK) result ok "$name" ;;
			SKIP) result ok "$name" "the script skips it" ;;
			XFAIL) result ok "$name" "expected to fail, says the script" ;;
			*)
				if why=$(cannot "$name"); then
					result ok "$name" "$why"
				else
					result failed "$name"
				fi
				;;
			esac
		elif [ -n "$line" ]; then
			note "$line"
		fi
	done < "$SLUICE_TMP/log"
}

# The names in a script's ALL_TESTS.
tests_of() {
	awk '/^ALL_TESTS="/ { on = 1; sub(/^ALL_TESTS="/, "") }
		on { end = /"/; gsub(/["\\]/, ""); print; if (end) exit }' "$FORWARDING/$1"
}

# The ends of the cables, in the order of the scripts' NETIFS.
ports_of() {
	local i
	if [ $CABLES = veth ]; then
		echo fw{0..9}
	elif [ "$1" = B ]; then
		for i in 0 1 2; do
			echo "${VF[i]} ${REP[i]}"
		done
	else
		echo "${VF[0]} ${REP[0]} ${REP[1]} ${VF[1]} ${REP[2]} ${VF[2]}"
		echo "${REP[3]} ${VF[3]} ${REP[4]} ${VF[4]}"
	fi
}

# run_once SCRIPT MAP [TEST...]: into the log; returns the script's status.
run_once() {
	local script=$1 map=$2 port i=0
	shift 2
	(
		cd "$FORWARDING" || exit 1
		for port in $(ports_of "$map"); do
			i=$((i + 1))
			echo "NETIFS[p$i]=$port"
		done > forwarding.config
		TESTS="$*" NETIF_CREATE=no WAIT_TIME=1 KSFT_MACHINE_SLOW=yes \
			timeout -k 20 $LIMIT bash "./$script"
	) > "$SLUICE_TMP/log" 2>&1 < /dev/null
	local rc=$?
	digest "$script"
	if ! grep -q '^TEST:' "$SLUICE_TMP/log"; then
		result failed "$script: runs any test"
	elif [ $rc -ge 124 ]; then
		result failed "$script: ends in time"
	fi
}

run_script() {
	local script=$1 map=$2 half=$3 t tests=()
	shift 3
	if [ ! -e "$FORWARDING/$script" ]; then
		result failed "$script: is in this kernel's source"
		return
	fi
	for t in $(tests_of "$script"); do
		[[ " $* " == *" $t "* ]] || tests+=("$t")
	done
	# Without names it would run all.
	if [ $# -eq 0 ] || [ ${#tests[@]} -gt 0 ]; then
		run_once "$script" "$map" "${tests[@]}"
	fi
	if [ "$half" = skip_sw ]; then
		if grep -q '^TEST: .*(skip_sw)' "$SLUICE_TMP/log"; then
			result ok "$script: runs its skip_sw half"
		else
			result failed "$script: runs its skip_sw half"
		fi
	fi
	[ $# -gt 0 ] || return
	for t in "${VF[@]}"; do
		ethtool -K "$t" hw-tc-offload off
	done
	run_once "$script" "$map" "$@"
	for t in "$@"; do
		result ok "$script: $t (skip_sw)" "puts its rules on the host's side of a cable, which is no port of the switch"
	done
}

prepare() {
	local d ipv6="net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0"
	if [ $CABLES = veth ]; then
		# shellcheck disable=SC2086 # two words
		sysctl -qw $ipv6
		for d in 0 2 4 6 8; do
			ip link del fw$d 2>/dev/null
			ip link add fw$d type veth peer name fw$((d + 1)) || return
		done
		return
	fi
	sluice_setup switchdev 5 || return 1
	# shellcheck disable=SC2086 # two words
	sysctl -qw $ipv6
	# Some scripts send a thousand frames at once and want every one: more than
	# the rings hold that a representor's frames wait in for the processor.
	for d in "$PF" "${VF[@]}"; do
		check "long rings of $d" ethtool -G "$d" rx 4096 tx 4096 || return
	done
	for d in "${VF[@]}" "${REP[@]}"; do
		ethtool -K "$d" hw-tc-offload on || note "$d: hw-tc-offload can't be turned on"
		# The scripts bring their ports up themselves.
		ip link set "$d" down
	done
}

want=" ${*:-${TESTS:-}} "
if [[ $want == *" veth "* ]]; then
	CABLES=veth
	want=${want/ veth / }
fi
trap finish_script EXIT
ktap_print_header
scripts_copy || exit 1
while read -r -u 3 script map half software; do
	[ -n "$script" ] || continue
	[[ $want == *" $script "* || -z ${want// /} && $MORE_SCRIPTS != *"	$script"* ]] || continue
	RET=0 began=$SECONDS
	if prepare && [ $RET -eq 0 ]; then
		# shellcheck disable=SC2086 # a list of words
		run_script "$script" "$map" "$half" $software
	else
		result failed "$script: setup"
	fi
	note "$script: $((SECONDS - began)) s"
	[ $CABLES = veth ] || check "nothing is left in the device" tables_empty ||
		result failed "$script: leaves nothing in the device"
done 3<<< "$SCRIPTS$MORE_SCRIPTS"
echo "1..$count"
finish_script
exit $((failed > 0))
