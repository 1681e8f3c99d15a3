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

ROUNDS=${ROUNDS:-2}
SECS=${SECS:-3}
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

# Mbit/s of one TCP connection from namespace $1 to b0's or b1's address $2.
tcp_rate() {
	local r
	iperf_server "b$2" "192.0.2.$(($2 + 1))"
	r=$(iperf "b$1" "192.0.2.$(($2 + 1))" -t "$SECS")
	bg_stop
	# Less than one is still something.
	[ "$r" != 0 ] || r=$(jq '.end.sum_received.bits_per_second / 1e6' "$SLUICE_TMP/iperf.json")
	echo "${r:-0}"
}

pg() { ns "$1" sh -c "echo '$3' > /proc/net/pktgen/$2"; }

# Frames per second of 64 bytes that DEV1 in b$3 receives from DEV0 in b$1. They
# are for an address nobody has, so that IP drops them as the first thing.
packet_rate() {
	local from=b$1 dev0=$2 to=b$3 dev1=$4 a b t0 t1
	pg "$from" kpktgend_0 rem_device_all
	pg "$from" kpktgend_0 "add_device $dev0"
	pg "$from" "$dev0" "count 0"
	pg "$from" "$dev0" "pkt_size 60"
	pg "$from" "$dev0" "delay 0"
	pg "$from" "$dev0" "clone_skb ${CLONE:-0}"
	pg "$from" "$dev0" "burst ${BURST:-1}"
	pg "$from" "$dev0" "dst 198.18.0.1"
	pg "$from" "$dev0" "dst_mac $(mac_of "$to/$dev1")"
	bg "$from" sh -c "echo start > /proc/net/pktgen/pgctrl"
	sleep 0.5
	a=$(frames "$to") t0=$(date +%s%N)
	sleep "$SECS"
	b=$(frames "$to") t1=$(date +%s%N)
	pg "$from" pgctrl stop
	wait "${BG_PIDS[-1]}"
	BG_PIDS=()
	pg "$from" kpktgend_0 rem_device_all
	echo $(((b - a) * 1000000000 / (t1 - t0)))
}

# What IP in a namespace has seen, whatever the NIC counts.
frames() { ns "$1" nstat -asz IpInReceives | awk '$1 == "IpInReceives" { print $2 }'; }

# Two devices in namespaces of their own.
pair_up() {
	local i=0 d
	for d in "$1" "$2"; do
		ns_add b$i
		ip link set "$d" netns b$i || return 1
		ip -n b$i addr add 192.0.2.$((i + 1))/24 dev "$d"
		ip -n b$i link set "$d" up
		i=$((i + 1))
	done
	check "traffic between $1 and $2" wait_for 10 ping_ok b0 192.0.2.2
}

pair_down() {
	ip -n b0 link set "$1" netns 1
	ip -n b1 link set "$2" netns 1
	ns_del b0
	ns_del b1
}

forward() {
	local flag=$1 prio=1 proto
	ingress_add "${REP[0]}" "${REP[1]}"
	for proto in arp ip; do
		check "rules ($flag)" tc filter add dev "${REP[0]}" ingress protocol $proto \
			prio $prio flower "$flag" action mirred egress redirect dev "${REP[1]}"
		check "rules ($flag)" tc filter add dev "${REP[1]}" ingress protocol $proto \
			prio $prio flower "$flag" action mirred egress redirect dev "${REP[0]}"
		prio=$((prio + 1))
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
