#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=240 opts=max-rules=80 kernels=stock
#
# Open vSwitch with more flows than the device has rules: nothing is lost, and
# with offload-rebalance the busiest are in hardware.

ALL_TESTS="in_software_too hardware_only busiest_in_hardware"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ovs_lib.sh"

PORTS=160

setup() {
	sluice_setup switchdev 2 || return 1
	vf_ns 0 h0 192.0.2.1/24 || return 1
	vf_ns 1 h1 192.0.2.2/24 || return 1
	M0=$(mac_of "h0/${VF[0]}") M1=$(mac_of "h1/${VF[1]}")
}

cleanup() { ovs_down; }

after() {
	ovs_down > /dev/null 2>&1
	check "device" tables_empty
}

start() {
	check "Open vSwitch starts" ovs_up max-idle=60000 "$@" || return
	check "its bridge" ovs_bridge br0 "${REP[0]}" "${REP[1]}"
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	check "a flow for each port" udp_port_flows br0 $PORTS
}

# Print how many of the flows for UDP match REGEX.
udp_flows() { ovs_flows | grep 'udp(' | grep -Ec -- "$1"; }

all_arrive() { check_eq "datagrams that arrive" "$(udp_ports h0 h1 192.0.2.2 $PORTS 3)" $((PORTS * 3)); }

in_software_too() {
	start
	all_arrive
	check_eq "flows by tc" "$(udp_flows dp:tc)" $PORTS
	check_ge "in hardware" "$(udp_flows 'offloaded:yes, dp:tc')" 40
	check_lt "no more than fit" "$(udp_flows 'offloaded:yes, dp:tc')" 80
	all_arrive
}

# What does not fit is a flow of Open vSwitch's own datapath.
hardware_only() {
	start tc-policy=skip_sw
	all_arrive
	check_ge "in hardware" "$(udp_flows 'offloaded:yes, dp:tc')" 40
	check_ge "in Open vSwitch's datapath" "$(udp_flows dp:ovs)" $((PORTS - 80))
	check_eq "flows in all" "$(udp_flows 'dp:(ovs|tc)')" $PORTS
	all_arrive
}

busy_in_hardware() { ovs_flows | grep -F "udp(dst=9999)" | grep -q 'offloaded:yes, dp:tc'; }

busiest_in_hardware() {
	start tc-policy=skip_sw offload-rebalance=true
	all_arrive
	check "a flow for a busy port" ovs-ofctl -t 10 add-flow br0 \
		"priority=10,udp,tp_dst=9999,actions=normal"
	# The others have to stay, and be slower.
	bg h0 python3 "$SLUICE_LIB/udp_ports.py" 192.0.2.2 $PORTS 60 2.5
	sleep 2
	bg h0 python3 "$SLUICE_LIB/udp_ports.py" 192.0.2.2 9999: 100000 0.01
	check_within "the busy flow is in hardware" 30 busy_in_hardware
	check_ge "others in Open vSwitch's datapath" "$(udp_flows dp:ovs)" 1
	bg_stop
	all_arrive
}

tests_run "$@"
