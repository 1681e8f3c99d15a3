#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 timeout=700 kernels=test
#
# Eight processes add, replace, delete and dump rules at the same time, their
# own and common ones, on ports and on a block that two ports share, while
# traffic flows: what a process has added and nobody else touches is there and
# as it should be, no splat, no leak, nothing left in the device. A quarter of a
# minute; with "run --full" five minutes; or DURATION=SECONDS.

ALL_TESTS="eight_processes works_afterwards no_memory_leaked"

. "$(dirname "$0")/lib.sh"

PROCESSES=8
# Rules of its own that each process has at a time, and common ones that all of
# them fight for.
OWN=24 COMMON=16

setup() {
	modprobe -a cls_flower cls_matchall act_gact act_mirred act_vlan act_pedit act_csum \
		act_police act_ct act_skbedit nf_conntrack
	# First uses keep what they allocate for good; that is no leak.
	sluice_setup switchdev 4 || return 1
	wire_ns 0 far 192.0.2.9/24 || return 1
	check "rules of every kind" once || return 1
	leaks_mark
}

# The places of rules: two ports, a block of two more, the uplink.
places_up() {
	ingress_add "${REP[0]}" "${REP[1]}" "$PF" &&
		tc qdisc add dev "${REP[2]}" ingress_block 22 clsact &&
		tc qdisc add dev "${REP[3]}" ingress_block 22 clsact
}

places_down() {
	ingress_del "${REP[@]}" "$PF"
	# The policer that rules share goes with the last of them, by RCU.
	wait_for 5 policer_gone
}

policer_gone() { ! tc actions get action police index 77; }

# batch KIND SEED: a batch for tc. own: add, replace, dump, delete OWN rules with
# handles and priorities nobody else has; all have to succeed. common: as many
# of all of it, at random, with rules that others have, too; part of it fails.
batch() {
	awk -v kind="$1" -v seed="$2" -v me="$3" -v own=$OWN -v common=$COMMON \
		-v r0="${REP[0]}" -v r1="${REP[1]}" -v r2="${REP[2]}" -v pf="$PF" '
	function any(n) { return int(rand() * n) }
	function place(n) {
		n %= 4
		return n == 0 ? "dev " r0 " ingress" : n == 1 ? "dev " r1 " ingress" : \
			n == 2 ? "dev " pf " ingress" : "block 22"
	}
	function flags(n) { return n % 5 == 4 ? "skip_sw " : n % 7 == 6 ? "skip_hw " : "" }
	function out() { return "action mirred egress redirect dev " (any(2) ? r2 : pf) }
	function actions(n) {
		n %= 9
		if (n == 0) return "action drop"
		if (n == 1) return out()
		if (n == 2) return "action vlan push id " any(4000) " pipe " out()
		if (n == 3) return "action pedit ex munge ip ttl set 9 pipe action csum ip pipe " out()
		if (n == 4) return "action mirred egress mirror dev " r2 " pipe " out()
		if (n == 5) return "action goto chain " 5 + any(3)
		if (n == 6) return "action police rate 10mbit burst 64k conform-exceed drop/pipe " out()
		if (n == 7) return "action police index 77 rate 5mbit burst 32k conform-exceed drop/pipe " out()
		return "action skbedit priority 3 pipe " out()
	}
	# Some that stay in software and keep their place.
	function common_actions(n) {
		if (n % 10 == 9) return "action mirred egress redirect dev lo"
		# tc has the shared policer with all filters of one kind of flags only.
		return actions(n % 9 == 7 ? n + 1 : n)
	}
	function keys(n, port) {
		n %= 4
		if (n == 0) return "ip_proto udp dst_port " port
		if (n == 1) return "dst_ip 192.0.2." port % 250
		if (n == 2) return "src_ip 198.51.100.0/" 16 + port % 16 " ip_proto tcp"
		return "src_mac 02:00:00:00:" sprintf("%02x:%02x", int(port / 256) % 256, port % 256)
	}
	BEGIN {
		srand(seed)
		if (kind == "own") {
			where = place(me)
			for (i = 1; i <= own; i++) {
				at = where " protocol ip chain " i % 3 " pref " 100 + me * 4 + i % 4 \
					" handle " me * 1000 + i " flower "
				same = keys(0, me * 100 + i)
				print "filter add " at flags(0) same " " actions(any(9))
				change[i] = "filter replace " at same " " actions(any(9))
				del[i] = "filter del " at
			}
			for (i = 1; i <= own; i++) print change[i]
			print "filter show " where
			for (i = 2; i <= own; i++) print del[i] > "/dev/stderr"
			exit
		}
		for (i = 0; i < own; i++) {
			n = any(common)
			# Handles, masks and priorities of all meet here.
			at = place(n) " protocol ip chain " n % 3 " pref " 10 + n % 5
			rule = at " handle " 1 + n " flower "
			what = any(10)
			if (what < 3) print "filter add " rule flags(any(35)) keys(n, n) " " common_actions(any(20))
			else if (what < 6) print "filter replace " rule keys(any(4), n) " " common_actions(any(20))
			else if (what < 8) print "filter del " rule
			else if (what < 9) print "filter get " rule
			else if (any(8)) print "filter show " place(n)
			else print "filter del " at
		}
	}'
}

# process N: until told to stop. Its results are in files: rounds done, and
# what went wrong.
process() {
	local me=$1 n=0 d=$SLUICE_TMP/process$1 where
	case $((me % 4)) in
	0) where="dev ${REP[0]} ingress" ;;
	1) where="dev ${REP[1]} ingress" ;;
	2) where="dev $PF ingress" ;;
	3) where="block 22" ;;
	esac
	while [ ! -e "$SLUICE_TMP/stop" ]; do
		n=$((n + 1))
		batch own $((n * 10 + me)) "$me" > "$d.add" 2> "$d.del"
		tc -s -b "$d.add" > /dev/null 2> "$d.out" || {
			echo "round $n, add: $(head -n 2 "$d.out")" >> "$d.wrong"
		}
		batch common $((n * 10 + me + 5000000)) "$me" > "$d.common"
		tc -s -force -b "$d.common" > /dev/null 2>&1
		tc -b "$d.del" > /dev/null 2> "$d.out" || {
			echo "round $n, delete: $(head -n 2 "$d.out")" >> "$d.wrong"
		}
		# The first was left; with other keys in its place it would say so.
		# shellcheck disable=SC2086 # words
		tc filter show $where > "$d.out" 2>&1
		grep -A 8 "handle 0x$(printf %x $((me * 1000 + 1))) \$" "$d.out" |
			grep -q "dst_port $((me * 100 + 1))\$" ||
			echo "round $n: rule $((me * 1000 + 1)) is not there" >> "$d.wrong"
		grep -q "handle 0x$(printf %x $((me * 1000 + 2))) \$" "$d.out" &&
			echo "round $n: rule $((me * 1000 + 2)) is still there" >> "$d.wrong"
		# shellcheck disable=SC2086 # words
		tc filter del $where protocol ip chain 1 pref $((100 + me * 4 + 1)) \
			handle $((me * 1000 + 1)) flower > "$d.out" 2>&1 ||
			echo "round $n, delete the first: $(cat "$d.out")" >> "$d.wrong"
		cat "/sys/kernel/debug/sluice-$PF_PCI/rules" > /dev/null 2>&1
		echo $n > "$d.rounds"
	done
}

# Something that sends all the time, and some of it through every kind of rule.
noise() {
	bg "${2:--}" python3 "$SLUICE_LIB/pkt.py" send -n 10000000 -g 0.01 "$1" \
		"eth dst=ff:ff:ff:ff:ff:ff / ip src=198.51.100.1 dst=192.0.2.9 / udp dport=9 / len 200" \
		"eth dst=02:00:00:00:00:09 src=02:00:00:00:00:03 / ip src=198.51.100.1 dst=192.0.2.5 / udp dport=101 / len 900" \
		"eth dst=02:00:00:00:00:09 src=02:00:00:00:00:07 / ip src=198.51.1.1 dst=192.0.2.13 / tcp dport=4 / len 100" \
		"eth dst=02:00:00:00:00:09 / vlan id=5 / ip src=198.51.100.1 dst=192.0.2.9 / udp dport=4"
}

# One round of one process.
once() {
	mount -t debugfs none /sys/kernel/debug 2>/dev/null
	places_up || return 1
	batch own 1 0 2> "$SLUICE_TMP/del" | tc -b - > "$SLUICE_TMP/dump" || return 1
	batch common 2 0 | tc -force -b - > /dev/null 2>&1
	count_frames "${VF[0]}" far/wire0 1 "eth / ip / udp dport=9" > /dev/null
	places_down
	tables_empty
}

eight_processes() {
	local i p seconds=15 pids=() n rounds=0 hits
	[ -z "$SLUICE_FULL" ] || seconds=300
	seconds=${DURATION:-$seconds}
	check "places for rules" places_up || return
	noise "${VF[0]}"
	noise "${VF[1]}"
	noise "${VF[3]}"
	noise wire0 far
	rm -f "$SLUICE_TMP/stop"
	for ((i = 0; i < PROCESSES; i++)); do
		process $i &
		pids+=($!)
	done
	sleep "$seconds"
	hits=$(occupancy rules)
	check_lt "there are rules in the device meanwhile" 0 "$hits"
	touch "$SLUICE_TMP/stop"
	for p in "${pids[@]}"; do
		wait "$p"
	done
	for ((i = 0; i < PROCESSES; i++)); do
		n=$(cat "$SLUICE_TMP/process$i.rounds" 2>/dev/null || echo 0)
		check_ge "rounds of process $i" "$n" 1
		rounds=$((rounds + n))
		if [ -e "$SLUICE_TMP/process$i.wrong" ]; then
			fail "process $i:"
			head -n 5 "$SLUICE_TMP/process$i.wrong" | sed 's/^/#   /'
		fi
	done
	note "$rounds rounds, $((rounds * (OWN * 4 + 3))) commands in $seconds s"
	check "the device is well" healthy
	places_down
	bg_stop
	check "nothing left in the device" tables_empty
}

healthy() {
	devlink -j health show "$DL" reporter fw | jq -e '.health[][0] | .state == "healthy" and .error == 0'
}

works_afterwards() {
	check "places for rules" places_up
	check "a rule" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 1 flower skip_sw \
		ip_proto udp dst_port 9 action mirred egress redirect dev "${REP[1]}"
	check_eq "frames through it" "$(count_frames "${VF[0]}" "${VF[1]}" 10 "eth / ip / udp dport=9")" 10
	check "by hardware" tc_hw_reaches "${REP[0]}" 1 10
	places_down
	check "nothing left in the device" tables_empty
}

tests_run "$@"
