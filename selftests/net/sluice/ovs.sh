#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 timeout=300 kernels=stock
#
# Open vSwitch with hw-offload=true on the representors: its flows are in
# hardware, and the CPU sees no packet of them.

ALL_TESTS="vf_to_vf vf_to_wire big_packets bridge_port
	flow_stays_while_used counters_reach_ovs drop_takes_effect
	access_vlan flows_leave_the_device port_leaves_the_bridge policy_skip_sw"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ovs_lib.sh"

setup() {
	sluice_setup switchdev 3 || return 1
	vf_ns 0 h0 192.0.2.1/24 || return 1
	vf_ns 1 h1 192.0.2.2/24 || return 1
	wire_ns 0 far 192.0.2.3/24 || return 1
	M0=$(mac_of "h0/${VF[0]}") M1=$(mac_of "h1/${VF[1]}") MF=$(mac_of far/wire0)
	check "Open vSwitch starts" ovs_up || return 1
	check "its bridge" ovs_bridge br0 "$PF" "${REP[0]}" "${REP[1]}"
}

cleanup() { ovs_down; }

vf_to_vf() {
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	iperf_server h1 192.0.2.2
	cpu_still "${REP[0]}" "${REP[1]}" iperf h0 192.0.2.2 -n 10M
	cpu_still "${REP[0]}" "${REP[1]}" iperf h0 192.0.2.2 -n 10M -R
	cpu_still "${REP[0]}" "${REP[1]}" iperf h0 192.0.2.2 -u -b 20M -n 1M
}

vf_to_wire() {
	settled h1 192.0.2.3 "${REP[1]}" "$MF" "$PF" "$M1"
	iperf_server far 192.0.2.3
	cpu_still "${REP[1]}" "$PF" iperf h1 192.0.2.3 -n 10M
	cpu_still "${REP[1]}" "$PF" iperf h1 192.0.2.3 -n 10M -R
}

big_packets() {
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	# Fragments are flows of their own, in hardware as well.
	check "fragments" ping_ok h0 192.0.2.2 -c 3 -i 0.2 -s 4000
	check_within "later fragments in hardware" 10 ovs_flow_is "${REP[0]}" \
		'frag=later.*offloaded:yes, dp:tc'
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 50 -i 0.01 -s 4000
}

# The bridge's own port is no port of the NIC: a rule in hardware hands its packets
# to the CPU, at the same time as others go their way in hardware.
bridge_port() {
	ip addr add 192.0.2.9/24 dev br0
	check "VF to the bridge's address" ping_ok h0 192.0.2.9
	check "bridge's address to the wire" ping_ok - 192.0.2.3 -I br0 -c 3 -i 0.1
	check_within "rule for it in hardware" 10 ovs_offloaded "${REP[0]}" "$(mac_of br0)"
	ip addr del 192.0.2.9/24 dev br0
}

# OVS removes a flow that has been idle for 10 seconds; hardware's use counts.
flow_stays_while_used() {
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 75 -i 0.2
}

packets_of_flow() {
	ovs_flows | grep -F "in_port($1)" | grep -F "dst=$2" | grep 'eth_type(0x0800)' |
		sed -n 's/.*packets:\([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}

counters_reach_ovs() {
	local before after
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	before=$(packets_of_flow "${REP[0]}" "$M1")
	check "100 pings" ping_ok h0 192.0.2.2 -c 100 -i 0.01
	sleep 2
	after=$(packets_of_flow "${REP[0]}" "$M1")
	check_ge "packets OVS has seen counted" $((after - before)) 100
	check_lt "and no more" $((after - before)) 110
}

drop_takes_effect() {
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	check "a drop rule" ovs-ofctl -t 10 add-flow br0 \
		"priority=100,in_port=${REP[0]},dl_dst=$M1,actions=drop"
	check_within "nothing passes" 10 ping_fails h0 192.0.2.2
	check_within "the drop is in hardware" 10 ovs_flow_is "${REP[0]}" \
		"offloaded:yes, dp:tc, actions:drop"
	check "rule removed" ovs-ofctl -t 10 --strict del-flows br0 \
		"priority=100,in_port=${REP[0]},dl_dst=$M1"
	check_within "traffic passes again" 10 ping_ok h0 192.0.2.2
}

access_vlan() {
	check "ports in VLAN 10" ovs-vsctl -t 10 set port "${REP[0]}" tag=10 -- \
		set port "${REP[1]}" tag=10
	check_within "VF to VF in VLAN 10" 10 ping_ok h0 192.0.2.2
	ip -n far link add v10 link wire0 type vlan id 10
	ip -n far addr add 192.0.2.10/24 dev v10
	ip -n far link set v10 up
	ip -n far addr del 192.0.2.3/24 dev wire0
	check_within "VF to the wire, tagged there" 10 ping_ok h0 192.0.2.10
	check_within "the tag is pushed in hardware" 10 ovs_flow_is "${REP[0]}" \
		'offloaded:yes, dp:tc, actions:push_vlan\(vid=10'
	check_within "and popped" 10 ovs_flow_is "$PF" 'offloaded:yes, dp:tc, actions:pop_vlan'
	iperf_server far 192.0.2.10
	cpu_still "${REP[0]}" "$PF" iperf h0 192.0.2.10 -n 5M
	ip -n far link del v10
	ip -n far addr add 192.0.2.3/24 dev wire0
	check "ports untagged again" ovs-vsctl -t 10 remove port "${REP[0]}" tag 10 -- \
		remove port "${REP[1]}" tag 10
	check_within "VF to the wire, untagged" 10 ping_ok h0 192.0.2.3
}

rules_there() { [ "$(occupancy rules)" -gt 0 ]; }

flows_leave_the_device() {
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	check "rules in the device" rules_there
	check "delete the flows" ovs-appctl -T 10 dpctl/del-flows
	check "and the bridge" ovs-vsctl -t 10 del-br br0
	check "device" tables_empty
	check "bridge again" ovs_bridge br0 "$PF" "${REP[0]}" "${REP[1]}"
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
}

port_leaves_the_bridge() {
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	check "port removed" ovs-vsctl -t 10 del-port br0 "${REP[1]}"
	check_within "nothing passes" 10 ping_fails h0 192.0.2.2
	check "others do" ping_ok h0 192.0.2.3
	check "port added" ovs-vsctl -t 10 add-port br0 "${REP[1]}"
	check_within "passes again" 10 ping_ok h0 192.0.2.2
}

policy_skip_sw() {
	check "stop" ovs_down
	check "start with tc-policy=skip_sw" ovs_up tc-policy=skip_sw
	check "bridge" ovs_bridge br0 "$PF" "${REP[0]}" "${REP[1]}"
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	check "rules say skip_sw" eval "tc filter show dev ${REP[0]} ingress | grep -q skip_sw"
	iperf_server h1 192.0.2.2
	cpu_still "${REP[0]}" "${REP[1]}" iperf h0 192.0.2.2 -n 5M
}

tests_run "$@"
