#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: ports=2 vfs=8 timeout=600 manual=1 kernels=stock env=RULES,ROUNDS,SECS
#
# Wire to wire: what comes in by uplink 0 and goes out by uplink 1 according to
# RULES rules, in hardware and in software, and what share of the guest's CPUs that
# takes. The device makes the frames itself (its properties replay and replaying):
# UDP to 10.0.x.y, one address for each rule. tools/bench/wire.py makes such a
# machine. Prints a line of JSON for each measurement.

ALL_TESTS="rates"

. "$(dirname "$0")/lib.sh"

RULES=${RULES:-1000}
ROUNDS=${ROUNDS:-3}
SECS=${SECS:-5}

setup() {
	sluice_setup switchdev 0 || return 1
	OUT=$(uplink_of 1)
	check "uplink 1" ip link set "$OUT" up
	check "promiscuous" ip link set "$PF" promisc on
}

rules() {
	local flag=$1
	ingress_add "$PF" || return 1
	awk -v dev="$PF" -v out="$OUT" -v flag="$flag" -v n="$RULES" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "filter add dev %s ingress prio 1 protocol ip handle %d flower %s ip_proto udp dst_ip 10.0.%d.%d action mirred egress redirect dev %s\n",
				dev, i + 1, flag, i / 256, i % 256, out
	}' | tc -b -
}

# What is measured is little: so a nap and a look take no process.
exec 8<> <(:)
nap() { read -rt "$1" -u 8; }

# Sets NOW (us), SENT, and jiffies of all CPUs: BUSY and ALL.
look() {
	local user nice system idle wait irq soft steal
	NOW=${EPOCHREALTIME/./}
	read -r SENT < "/sys/class/net/$OUT/statistics/tx_packets"
	read -r _ user nice system idle wait irq soft steal _ < /proc/stat
	BUSY=$((user + nice + system + irq + soft + steal))
	ALL=$((BUSY + idle + wait))
}

# side FLAG NUMBER
side() {
	local now sent busy all
	check "rules ($1)" rules "$1" || return
	check "start" vmctl qom-set nic0 replaying true
	nap 1
	look
	now=$NOW sent=$SENT busy=$BUSY all=$ALL
	nap "$SECS"
	look
	now=$((NOW - now)) sent=$((SENT - sent)) busy=$((BUSY - busy)) all=$((ALL - all))
	check "stop" vmctl qom-set nic0 replaying false
	note "{\"test\": \"wire\", \"flag\": \"$1\", \"round\": $2," \
		"\"frames\": $((sent * 1000000 / now))," \
		"\"cpu\": $(awk -v b="$busy" -v a="$all" 'BEGIN { printf "%.4f", b / a }')}"
	check_ge "frames by uplink 1" "$sent" 1
	ingress_del "$PF"
}

rates() {
	local r flag
	for ((r = 0; r < ROUNDS; r++)); do
		for flag in skip_hw skip_sw; do side $flag $r; done
	done
}

tests_run "$@"
