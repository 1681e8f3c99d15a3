#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: hosts=2 kernels=stock smp=1 timeout=600 manual=1 env=ROUNDS,SECS
#
# TCP between the VFs of two hypervisors by a VXLAN tunnel of Open vSwitch: rules in
# hardware at both ends against the same rules in software (tc-policy=skip_hw).
# Prints a line of JSON for each measurement. ROUNDS is how often, SECS how long.

ALL_TESTS="rates"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ovs_lib.sh"
. "$SLUICE_LIB/pair_lib.sh"

ROUNDS=${ROUNDS:-2}
SECS=${SECS:-5}

setup() {
	check "the other machine" peer_wait || return 1
}

cleanup() { both host_down; }

# side POLICY NUMBER
side() {
	local way mbit
	check "both hosts with $1" both host_up "tc-policy=$1" || return
	check "addresses" hosts_meet
	check "tunnel ports" both host_tunnel vxlan 4
	check_within "VF reaches VF" 20 ping_ok vm 192.0.2.2
	check "server" peer iperf_server vm 192.0.2.2
	check "first connection" iperf vm 192.0.2.2 -n 100K
	[ "$1" = skip_hw ] || check_within "in hardware" 10 host_offloaded
	for way in "" -R; do
		# shellcheck disable=SC2086 # none or one argument
		mbit=$(iperf vm 192.0.2.2 -t "$SECS" $way) || fail "iperf3 $way"
		note "{\"test\": \"vxlan\", \"policy\": \"$1\", \"round\": $2," \
			"\"way\": \"${way:--S}\", \"mbit\": ${mbit:-0}}"
	done
	peer bg_stop
	check "down" both host_down
}

rates() {
	local r policy
	for ((r = 0; r < ROUNDS; r++)); do
		for policy in skip_hw none; do side $policy $r; done
	done
}

tests_run "$@"
