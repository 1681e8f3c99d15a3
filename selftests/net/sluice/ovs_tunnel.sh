#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: hosts=2 kernels=stock smp=1 timeout=240
#
# Two hypervisors with a tunnel of Open vSwitch between them: the traffic of
# their VFs is encapsulated and decapsulated in hardware at both ends, whatever
# becomes of the underlay, and flows live as long as their traffic.

ALL_TESTS="vxlan geneve vxlan_over_ipv6 neighbour_moves flows_live_with_traffic"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ovs_lib.sh"
. "$SLUICE_LIB/pair_lib.sh"

setup() {
	check "the other machine" peer_wait || return 1
	check "both hosts" both host_up || return 1
	check "addresses" hosts_meet
}

cleanup() { both host_down; }

# tunnel TYPE 4|6: make it, and wait until it is in hardware.
tunnel() {
	check "tunnel ports" both host_tunnel "$1" "$2"
	check_within "VF reaches VF" 10 ping_ok vm 192.0.2.2
	check "all pings" ping_ok vm 192.0.2.2 -c 5 -i 0.2
	check_within "host 1: flows in hardware" 10 host_offloaded
	check "host 2: flows in hardware" peer wait_for 10 host_offloaded
}

# in_hardware PACKETS CMD...: traffic by CMD, of that many packets or more each
# way, is counted by the rules of both hosts and seen by no CPU.
in_hardware() {
	local least=$1 was1 was2 now1 now2 i
	local names=(encapsulated decapsulated "CPU hits of the representor" "CPU hits of the uplink")
	shift
	read -ra was1 <<< "$(host_counters)"
	read -ra was2 <<< "$(peer host_counters)"
	check "traffic" "$@"
	sleep 1.2 # counters are at most a second old
	read -ra now1 <<< "$(host_counters)"
	read -ra now2 <<< "$(peer host_counters)"
	for i in 0 1; do
		check_ge "host 1: ${names[i]}" $((now1[i] - was1[i])) "$least"
		check_ge "host 2: ${names[i]}" $((now2[i] - was2[i])) "$least"
	done
	for i in 2 3; do
		check_lt "host 1: ${names[i]}" $((now1[i] - was1[i])) 20
		check_lt "host 2: ${names[i]}" $((now2[i] - was2[i])) 20
	done
}

both_ways() {
	tunnel "$@"
	check "server" peer iperf_server vm 192.0.2.2
	check "first connection" iperf vm 192.0.2.2 -n 100K
	in_hardware 50 iperf vm 192.0.2.2 -n 4M
	in_hardware 50 iperf vm 192.0.2.2 -n 4M -R
	peer bg_stop
}

vxlan() { both_ways vxlan 4; }
geneve() { both_ways geneve 4; }
vxlan_over_ipv6() { both_ways vxlan 6; }

next_hop_has() { grep -q "$1" "/sys/kernel/debug/sluice-$PF_PCI/next_hops"; }

# Host 2's uplink gets another MAC address and says so; host 1's header follows
# without a rule being touched.
neighbour_moves() {
	local old lost pid
	tunnel vxlan 4
	# shellcheck disable=SC2016 # host 2's
	old=$(peer eval 'mac_of $PF')
	ns vm ping -q -i 0.02 -c 200 192.0.2.2 > "$SLUICE_TMP/moving" 2>&1 &
	pid=$!
	sleep 1
	# shellcheck disable=SC2016 # host 2's
	check "another address" peer eval 'ip link set dev $PF address 02:00:00:00:77:99'
	check_within "host 1 sends to it" 2 next_hop_has 02:00:00:00:77:99
	wait $pid
	lost=$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$SLUICE_TMP/moving")
	check_le "percent of pings lost" "${lost%.*}" 25
	in_hardware 95 ping_ok vm 192.0.2.2 -c 100 -i 0.02
	check "old address" peer eval "ip link set dev \$PF address $old"
	check_within "host 1 sends to it again" 2 next_hop_has "$old"
	in_hardware 95 ping_ok vm 192.0.2.2 -c 100 -i 0.02
}

# Seconds since the youngest rule of the VFs' IPv4 traffic was made; none: -1.
flow_age() {
	{
		tc -j -s filter show dev "${REP[0]}" ingress
		tc -j -s filter show dev "$TUN" ingress
	} | jq -s --arg a "$VM_MAC" --arg b "$PEER_MAC" '[.[][] | select(.protocol == "ip") |
		select(.options.keys.dst_mac? == ($a, $b)) | .options.actions[-1].installed] |
		min // -1'
}
flow_age_is() { test "$(flow_age)" "$1" "$2"; }

flows_live_with_traffic() {
	tunnel vxlan 4
	peer_learn flow_age flow_age_is
	bg vm ping -q -i 0.1 192.0.2.2
	check "Open vSwitch removes flows idle for 2.5 seconds" both \
		ovs-vsctl -t 10 set Open_vSwitch . other_config:max-idle=2500
	in_hardware 30 sleep 10
	check "host 1: flows stay" flow_age_is -ge 10
	check "host 2: flows stay" peer flow_age_is -ge 10
	bg_stop
	check_within "host 1: flows go when traffic ends" 10 flow_age_is -lt 0
	check "host 2: flows go when traffic ends" peer wait_for 10 flow_age_is -lt 0
	check "as usual" both ovs-vsctl -t 10 remove Open_vSwitch . other_config max-idle
}

tests_run "$@"
