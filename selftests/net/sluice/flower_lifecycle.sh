#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=4 timeout=600
#
# Rules while representors, the mode, the driver and the qdiscs go away.

ALL_TESTS="qdisc representor mode_change uplink_across_modes driver parallel
	no_memory_leaked"

. "$(dirname "$0")/lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"

setup() { pf_address && leaks_mark; }
before() { sluice_setup switchdev 3 && ingress_add "$PF" "${REP[@]}"; }
after() { sluice_reset; }

# Rules from every port to the next, some refused, some with chains.
fill() {
	local devs=("$PF" "${REP[@]}") i d next
	for i in "${!devs[@]}"; do
		d=${devs[i]} next=${devs[(i + 1) % ${#devs[@]}]}
		cat <<-END
		filter add dev $d ingress protocol ip pref 1 flower dst_ip 192.0.2.2 action mirred egress redirect dev $next
		filter add dev $d ingress protocol ip pref 2 flower ip_proto udp dst_port 5-9 action drop
		filter add dev $d ingress protocol ip pref 3 flower ip_proto tcp action mirred egress mirror dev $next action goto chain 4
		filter add dev $d ingress chain 4 protocol ip pref 1 flower action vlan push id 4 action mirred egress redirect dev $next
		filter add dev $d ingress protocol ipv6 pref 4 flower skip_sw indev $d action drop
		filter add dev $d ingress protocol ip pref 5 matchall action pass
		filter add dev $next egress protocol ip pref 5 flower ip_proto sctp action drop
		END
	done > "$SLUICE_TMP/fill"
	check "rules" tc -b "$SLUICE_TMP/fill"
	check_ge "rules in the device" "$(occupancy rules)" $((6 * ${#devs[@]}))
}

qdisc() {
	local i
	for i in 1 2 3; do
		fill
		ingress_del "$PF" "${REP[@]}"
		check "nothing left" tables_empty
		ingress_add "$PF" "${REP[@]}"
	done
}

representor() {
	local i
	fill
	# Uplink rules point at representors that go.
	check "remove VFs" numvfs_set 0
	check_eq "rules of $PF" "$(tc -j filter show dev "$PF" ingress | jq '[.[] | select(.options.handle?)] | length')" 6
	check "delete" ingress_del "$PF"
	check "nothing left" tables_empty
	check "VFs again" numvfs_set 2
	check_within "their netdevs" 20 vf_netdevs_there 2
	devs_refresh
	for i in "${VF[@]}" "${REP[@]}"; do ip link set "$i" up; done
	check "qdisc" ingress_add "${REP[0]}"
	check "rule" tc filter add dev "${REP[0]}" ingress protocol all pref 1 handle 1 flower \
		skip_sw action mirred egress redirect dev "${REP[1]}"
	check_eq "frames" "$(count_frames "${VF[0]}" "${VF[1]}" 4 "$A/ip/udp")" 4
	check "counted" tc_hw_reaches "${REP[0]}" 1 4
}

mode_change() {
	local i
	for i in 1 2 3 4 5; do
		fill
		bg - pkt send -n 300 -g 0.002 "${VF[0]}" "$A/ip/udp" "$A/ip/tcp"
		check "legacy" mode_set legacy
		check_eq "mode" "$(mode_get)" legacy
		check "nothing left" tables_empty
		bg_stop
		check "delete" ingress_del "$PF"
		check "switchdev" mode_set switchdev
		devs_refresh
		for d in "${REP[@]}"; do ip link set "$d" up; done
		check "qdiscs" ingress_add "$PF" "${REP[@]}"
	done
}

# The PF's netdev stays, and so do its rules: in software.
uplink_across_modes() {
	fill
	check "legacy" mode_set legacy
	check "statistics" tc -s filter show dev "$PF" ingress
	check "a rule in legacy mode" tc filter add dev "$PF" ingress protocol ip pref 9 flower action drop
	check_refused "skip_sw in legacy mode" . tc filter add dev "$PF" ingress protocol ip pref 9 \
		flower skip_sw dst_ip 192.0.2.7 action drop
	check "switchdev" mode_set switchdev
	check "a rule after that" tc filter add dev "$PF" ingress protocol ip pref 10 flower action drop
	check "delete" ingress_del "$PF"
	check "nothing left" tables_empty
	check "qdisc" ingress_add "$PF"
	check "in hardware again" tc filter add dev "$PF" ingress protocol ip pref 10 flower skip_sw action drop
}

driver() {
	local i
	for i in 1 2 3; do
		fill
		check "remove" modprobe -r sluice
		check "load" driver_load
		before
	done
}

# Many processes change the rules of one block.
parallel() {
	local i p pids=()
	for i in 1 2 3 4; do
		for p in {1..150}; do
			echo "filter add dev ${REP[0]} ingress protocol ip pref $i handle $p flower dst_ip 192.0.$i.$p action mirred egress redirect dev ${REP[1]}"
		done > "$SLUICE_TMP/add$i"
		sed 's/filter add/filter del/; s/ dst_ip.*//' "$SLUICE_TMP/add$i" > "$SLUICE_TMP/del$i"
	done
	for i in 1 2 3 4; do
		(for p in 1 2 3; do
			tc -b "$SLUICE_TMP/add$i" || exit 1
			tc -b "$SLUICE_TMP/del$i" || exit 1
		done) > "$SLUICE_TMP/out$i" 2>&1 &
		pids+=($!)
	done
	bg - bash -c "while :; do tc -s filter show dev ${REP[0]} ingress; done"
	for i in 1 2 3 4; do
		wait "${pids[i - 1]}" || { fail "batch $i:"; head -n 5 "$SLUICE_TMP/out$i"; }
	done
	bg_stop
	check "nothing left" tables_empty
}

tests_run "$@"
