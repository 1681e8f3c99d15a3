#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 timeout=900 kernels=stock manual=1 env=ROUNDS,SECS
#
# How fast the NIC's data path is: VF to VF by rules in hardware against the same
# rules in software, and VF to VF as a plain NIC against the other NICs the machine
# has, all in turns. Prints a line of JSON for each measurement. Nothing fails for
# being slow. ROUNDS is how often, SECS how long each takes.
#
# Network devices with the addresses 52:00:00:00:NN:00 and ...:01 are a pair that
# can reach each other (NN is 07, 09 or any other); those of an igb with the address
# 52:00:00:00:08:00 are its first two VFs. tools/bench/nic.py makes such a machine.

ALL_TESTS="rates"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/rate_lib.sh"

ROUNDS=${ROUNDS:-2}
# Names of NICs and their two devices.
NICS=() DEV_A=() DEV_B=()

netdev_by_mac() {
	ip -j link | jq -r --arg m "$1" '[.[] | select(.address == $m) | .ifname][0] // ""'
}

# The netdevs of an igb's first two VFs.
igb_vfs() {
	local pf=/sys/class/net/$1/device
	modprobe igbvf
	ip link set "$1" up
	echo 2 > "$pf/sriov_numvfs"
	wait_for 20 ls "$pf/virtfn0/net/"* "$pf/virtfn1/net/"*
	basename "$pf/virtfn0/net/"* && basename "$pf/virtfn1/net/"*
}

setup() {
	local a b n name
	modprobe pktgen || return 1
	modprobe -a igb e1000e
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	for n in 07 08 09; do
		a=$(netdev_by_mac 52:00:00:00:$n:00)
		[ -n "$a" ] || continue
		b=$(netdev_by_mac 52:00:00:00:$n:01)
		name=$(ethtool -i "$a" | sed -n 's/^driver: //p')
		if [ "$name" = igb ]; then
			{ read -r a; read -r b; } < <(igb_vfs "$a")
			name="igb VF"
		fi
		NICS+=("$name") DEV_A+=("$a") DEV_B+=("$b")
	done
}

# told TEST NAME WHAT WAY ROUND VALUE
told() {
	note "{\"test\": \"$1\", \"name\": \"$2\", \"what\": \"$3\", \"way\": \"$4\"," \
		"\"round\": $5, \"value\": $6}"
	check_ne "$3 of $2" "$6" 0
}

# both_ways TEST NAME DEV0 DEV1 ROUND
both_ways() {
	pair_up "$3" "$4" || return 1
	told "$1" "$2" mbit "0 to 1" "$5" "$(tcp_rate 0 1)"
	told "$1" "$2" frames "0 to 1" "$5" "$(packet_rate 0 "$3" 1 "$4")"
	told "$1" "$2" mbit "1 to 0" "$5" "$(tcp_rate 1 0)"
	told "$1" "$2" frames "1 to 0" "$5" "$(packet_rate 1 "$4" 0 "$3")"
	pair_down "$3" "$4"
}

rates() {
	local r i flag
	for ((r = 0; r < ROUNDS; r++)); do
		sluice_setup switchdev 2 || return
		for flag in skip_hw skip_sw; do
			forward $flag
			both_ways rules $flag "${VF[0]}" "${VF[1]}" $r
			ingress_del "${REP[0]}" "${REP[1]}"
		done
		sluice_setup legacy 2 || return
		both_ways plain "Sluice VF" "${VF[0]}" "${VF[1]}" $r
		for ((i = 0; i < ${#NICS[@]}; i++)); do
			both_ways plain "${NICS[i]}" "${DEV_A[i]}" "${DEV_B[i]}" $r
		done
	done
}

tests_run "$@"
