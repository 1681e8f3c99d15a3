#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 timeout=1200 kernels=test
#
# Mode changes, VFs going up and down and module reloads, each with rules in
# place and traffic running: no splat, nothing left behind in the device or
# in memory. A few rounds of each; with "run --full" 50, 50 and 20; or ROUNDS=N.

ALL_TESTS="toggle_mode toggle_vfs reload_module no_memory_leaked"

. "$(dirname "$0")/lib.sh"

setup() {
	# First uses keep what they allocate for good; that is no leak.
	sluice_setup switchdev 2 || return 1
	check "rules of every kind" rules 0
	check "back to nothing" sluice_reset
	leaks_mark
}

# Rules on every representor: forwarded, dropped, edited, refused, chained.
rules() {
	local i other n=${#REP[@]}
	for ((i = 0; i < n; i++)); do
		other=${REP[(i + 1) % n]}
		tc qdisc add dev "${REP[i]}" clsact
		tc -b - <<-TC || return 1
		filter add dev ${REP[i]} ingress prio 1 protocol ip flower src_ip 198.51.100.$i action drop
		filter add dev ${REP[i]} ingress prio 2 protocol ip flower skip_sw ip_proto udp dst_port 9 action mirred egress redirect dev $other
		filter add dev ${REP[i]} ingress prio 3 protocol ip flower ip_proto udp dst_port 10 action vlan push id 7 pipe mirred egress mirror dev $other pipe mirred egress redirect dev $PF
		filter add dev ${REP[i]} ingress prio 4 protocol ip flower ip_proto udp dst_port 11 action pedit ex munge ip ttl set 9 pipe csum ip pipe mirred egress redirect dev $PF
		filter add dev ${REP[i]} ingress prio 5 protocol ip flower dst_ip 203.0.113.0/24 action goto chain 3
		filter add dev ${REP[i]} ingress prio 1 chain 3 protocol ip flower skip_sw action drop
		filter add dev ${REP[i]} ingress prio 6 protocol ip flower ip_proto udp dst_port 12 action police rate 1mbit burst 10k
		filter add dev ${REP[i]} ingress prio 9 protocol all matchall action mirred egress redirect dev $PF
		TC
	done
	tc qdisc add dev "$PF" clsact
	tc filter add dev "$PF" ingress prio 1 protocol ip flower dst_ip 192.0.2.1 \
		action mirred egress redirect dev "${REP[0]}"
	tc filter add dev "$PF" ingress prio 2 protocol arp flower \
		action mirred egress redirect dev "${REP[0]}"
}

# Something that sends all the time, whether it arrives or not.
noise() {
	local d=$1
	bg - python3 "$SLUICE_LIB/pkt.py" send -n 1000000 -g 0.002 "$d" \
		"eth dst=ff:ff:ff:ff:ff:ff / ip src=192.0.2.1 dst=192.0.2.9 / udp dport=9 / len 200" \
		"eth dst=02:00:00:00:00:09 / ip src=192.0.2.1 dst=192.0.2.9 / udp dport=10 / len 200" \
		"eth dst=02:00:00:00:00:09 / ip src=192.0.2.1 dst=192.0.2.9 / udp dport=11 / len 900"
}

# Rounds of a test that has $1 in a full run.
rounds() {
	local n=3
	[ -z "$SLUICE_FULL" ] || n=$1
	echo "${ROUNDS:-$n}"
}

round_ok() { [ $RET -eq 0 ]; }

toggle_mode() {
	local i n
	n=$(rounds 50)
	check "2 VFs" numvfs_set 2
	check_within "their netdevs" 20 vf_netdevs_there 2
	devs_refresh
	ip link set "$PF" up
	ip link set "${VF[0]}" up
	ip link set "${VF[1]}" up
	ip link set wire0 up
	noise "${VF[0]}"
	noise wire0
	for ((i = 0; i < n && RET == 0; i++)); do
		check "to switchdev, round $i" mode_set switchdev
		devs_refresh
		ip link set "${REP[0]}" up
		ip link set "${REP[1]}" up
		check "rules, round $i" rules
		check_ge "rules in the device, round $i" "$(occupancy rules)" 6
		check "to legacy, round $i" mode_set legacy
		# The uplink's netdev stays, and so do its rules, in software.
		tc qdisc del dev "$PF" clsact
	done
	bg_stop
	check_eq "rounds" $i "$n"
	check "to switchdev" mode_set switchdev
	check "device" tables_empty
	check "to legacy" mode_set legacy
	wire_ns 0 far 192.0.2.3/24
	vf_ns 0 h0 192.0.2.1/24
	check_within "the VF still works" 10 ping_ok h0 192.0.2.3
	ns_made_gone
}

toggle_vfs() {
	local i n mode
	n=$(rounds 50)
	check "reset" sluice_reset
	for ((i = 0; i < n && RET == 0; i++)); do
		mode=legacy
		[ $((i % 2)) -eq 1 ] && mode=switchdev
		check "$mode, round $i" mode_set $mode
		check "8 VFs, round $i" numvfs_set 8
		check_within "their netdevs, round $i" 30 vf_netdevs_there 8
		devs_refresh
		ip link set "$PF" up
		ip link set "${VF[0]}" up
		ip link set "${VF[7]}" up
		noise "${VF[0]}"
		if [ $mode = switchdev ]; then
			ip link set "${REP[0]}" up
			REP=("${REP[0]}" "${REP[7]}")
			check "rules, round $i" rules
		fi
		sleep 0.2
		check "no VFs, round $i" numvfs_set 0
		tc qdisc del dev "$PF" clsact 2>/dev/null
		bg_stop
	done
	check_eq "rounds" $i "$n"
	check "switchdev" mode_set switchdev
	check "device" tables_empty
	check "reset" sluice_reset
}

reload_module() {
	local i n
	n=$(rounds 20)
	for ((i = 0; i < n && RET == 0; i++)); do
		check "2 VFs, round $i" numvfs_set 2
		check "switchdev, round $i" mode_set switchdev
		check_within "netdevs, round $i" 20 vf_netdevs_there 2
		devs_refresh
		ip link set "$PF" up
		ip link set "${VF[0]}" up
		ip link set "${REP[0]}" up
		ip link set "${REP[1]}" up
		check "rules, round $i" rules
		noise "${VF[0]}"
		sleep 0.3
		check "rmmod, round $i" rmmod sluice
		bg_stop
		check "modprobe, round $i" modprobe sluice
		check_within "the PF's netdev, round $i" 20 pci_netdev "$PF_PCI"
	done
	check_eq "rounds" $i "$n"
	check "switchdev" mode_set switchdev
	check "device" tables_empty
	check "reset" sluice_reset
}

tests_run "$@"
