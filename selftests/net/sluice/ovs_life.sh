#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=240 kernels=stock
#
# The life of Open vSwitch's flows in hardware: restarts and crashes of the
# daemon, idle flows, the limit on flows, and each tc-policy.

ALL_TESTS="daemon_restarts daemon_dies idle_flows_go flow_limit
	policy_skip_hw policy_skip_sw policy_none"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ovs_lib.sh"

setup() {
	sluice_setup switchdev 2 || return 1
	vf_ns 0 h0 192.0.2.1/24 || return 1
	vf_ns 1 h1 192.0.2.2/24 || return 1
	M0=$(mac_of "h0/${VF[0]}") M1=$(mac_of "h1/${VF[1]}")
	check "Open vSwitch starts" ovs_up || return 1
	check "its bridge" ovs_bridge br0 "${REP[0]}" "${REP[1]}"
}

cleanup() { ovs_down; }

both_settled() { settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"; }
rules() { occupancy rules; }
rules_are() { test "$(rules)" "$@"; }

# without_daemon WHAT CMD...: CMD ends ovs-vswitchd. Hardware goes on alone; the
# daemon that comes next has flows in hardware again, and no old ones are left.
without_daemon() {
	local what=$1
	shift
	both_settled
	check "$what" "$@"
	check_ge "rules still in the device" "$(rules)" 2
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 20 -i 0.05
	check "start it again" $OVS_CTL --no-ovsdb-server --no-monitor start
	check_within "traffic passes" 10 ping_ok h0 192.0.2.2
	both_settled
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 50 -i 0.02
	check "delete the flows" ovs-appctl -T 10 dpctl/del-flows
	check_within "the device has no rule then" 5 rules_are -eq 0
}

vswitchd_gone() { ! pidof ovs-vswitchd; }
kill_daemon() { pkill -9 -x ovs-vswitchd && wait_for 10 vswitchd_gone; }

daemon_restarts() {
	without_daemon "stop the daemon" $OVS_CTL --no-ovsdb-server stop
}

daemon_dies() { without_daemon "kill the daemon" kill_daemon; }

idle_flows_go() {
	both_settled
	check "idle flows go after 1.5 seconds" \
		ovs-vsctl -t 10 set Open_vSwitch . other_config:max-idle=1500
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 50 -i 0.1
	check "flow with traffic is still there" ovs_offloaded "${REP[0]}" "$M1"
	check_within "no rule without traffic" 12 rules_are -eq 0
	check "as usual" ovs-vsctl -t 10 remove Open_vSwitch . other_config max-idle
	both_settled
}

# More flows than are allowed: those that come too late are none of the
# datapath's, and their packets take the long way.
flow_limit() {
	local got
	both_settled
	check "a flow for each port" udp_port_flows br0 150
	check "at most 40 flows" ovs-vsctl -t 10 set Open_vSwitch . other_config:flow-limit=40
	# Open vSwitch counts its flows ten times a second.
	got=$(udp_ports h0 h1 192.0.2.2 150 2 0.2 0.01)
	check_eq "datagrams that arrive" "$got" 300
	check_le "rules in the device" "$(rules)" 80
	check "no limit" ovs-vsctl -t 10 remove Open_vSwitch . other_config flow-limit
	sleep 1
	got=$(udp_ports h0 h1 192.0.2.2 150 2)
	check_eq "datagrams that arrive without a limit" "$got" 300
	check_ge "rules in the device then" "$(rules)" 150
	check "one flow again" one_flow br0
}

restart_with() {
	check "stop" ovs_down
	check_eq "rules in the device" "$(rules)" 0
	check "start with $1" ovs_up "$@"
	check "bridge" ovs_bridge br0 "${REP[0]}" "${REP[1]}"
}

policy_skip_hw() {
	local hw
	restart_with tc-policy=skip_hw
	check "reach each other" ping_ok h0 192.0.2.2 -c 3 -i 0.2
	check_within "flow by tc" 10 ovs_flow_is "${REP[0]}" "dst=$M1.*0x0800.*dp:tc"
	check_not "none in hardware" ovs_offloaded "${REP[0]}" "$M1"
	check "rules say skip_hw" eval "tc filter show dev ${REP[0]} ingress | grep -q skip_hw"
	hw=$(hw_packets "${REP[0]}")
	check "traffic" ping_ok h0 192.0.2.2 -c 20 -i 0.05
	check_eq "packets by hardware" $(($(hw_packets "${REP[0]}") - hw)) 0
}

policy_skip_sw() {
	restart_with tc-policy=skip_sw
	both_settled
	check "rules say skip_sw" eval "tc filter show dev ${REP[0]} ingress | grep -q skip_sw"
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 50 -i 0.02
}

policy_none() {
	restart_with tc-policy=none
	both_settled
	check_not "rules have no flag" eval \
		"tc filter show dev ${REP[0]} ingress | grep -Eq 'skip_sw|skip_hw'"
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 50 -i 0.02
}

tests_run "$@"
