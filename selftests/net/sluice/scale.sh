#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=127 timeout=400 mem=3072 kernels=stock alone=1
#
# All 127 VFs, and ten thousand rules.

ALL_TESTS="all_vfs_to_switchdev_and_back rules_at_rate qdisc_delete_empties_the_device"

. "$(dirname "$0")/lib.sh"

# A mode change with every representor up takes no longer, in seconds.
MODE_LIMIT=20
RULES=${RULES:-10000}

setup() {
	sluice_setup legacy 1 || return 1
	# A limit of time means something only without the checkers.
	[ -w $KMEMLEAK ] && MODE_LIMIT=$((MODE_LIMIT * 6))
	return 0
}

now_ms() { date +%s%3N; }

all_reps() {
	grep -lE '^pf0vf[0-9]+$' "/sys/bus/pci/devices/$PF_PCI/net/"*/phys_port_name 2> /dev/null |
		cut -d/ -f8
}

all_reps_up() { all_reps | sed 's/.*/link set & up/' | ip -b -; }

rep_count() { all_reps | wc -l; }

all_vfs_to_switchdev_and_back() {
	local t0 t1 t2
	check "no VFs" numvfs_set 0
	t0=$(now_ms)
	check "127 VFs" numvfs_set 127
	check_within "their netdevs" 120 vf_netdevs_there 127
	note "127 VFs in $(($(now_ms) - t0)) ms"
	t0=$(now_ms)
	check "to switchdev" mode_set switchdev
	note "mode change $(($(now_ms) - t0)) ms"
	check "representors up" all_reps_up
	t1=$(now_ms)
	check_eq "representors" "$(rep_count)" 127
	check "to legacy" mode_set legacy
	t2=$(now_ms)
	check_eq "representors left" "$(rep_count)" 0
	note "to switchdev with all representors up $((t1 - t0)) ms, back $((t2 - t1)) ms"
	check_lt "to switchdev, ms" $((t1 - t0)) $((MODE_LIMIT * 1000))
	check_lt "back to legacy, ms" $((t2 - t1)) $((MODE_LIMIT * 1000))
	devs_refresh
	vf_ns 0 h0 192.0.2.1/24
	vf_ns 126 h1 192.0.2.2/24
	check_within "first and last VF reach each other" 10 ping_ok h0 192.0.2.2
	t0=$(now_ms)
	check "no VFs" sluice_reset
	note "0 VFs in $(($(now_ms) - t0)) ms"
}

# A batch for tc: RULES rules with FLAG on DEV.
batch() {
	awk -v dev="$1" -v flag="$2" -v n="$RULES" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "filter add dev %s ingress prio 1 protocol ip handle %d flower %s ip_proto udp dst_ip 10.%d.%d.%d dst_port 9 action drop\n",
				dev, i + 1, flag, i / 65536, i / 256 % 256, i % 256
	}'
}

# Milliseconds that adding the batch takes.
add_all() {
	local t0
	tc qdisc add dev "$1" clsact
	batch "$1" "$2" > "$SLUICE_TMP/batch"
	t0=$(now_ms)
	tc -b "$SLUICE_TMP/batch" > "$SLUICE_TMP/out" 2>&1 || {
		head -n 3 "$SLUICE_TMP/out" >&2
		return 1
	}
	echo $(($(now_ms) - t0))
}

rules_at_rate() {
	local soft hard soft2 hard2
	check "switchdev with 2 VFs" sluice_setup switchdev 2 || return
	# Each twice, the better counts: another guest may have had the CPU.
	soft=$(add_all "${REP[0]}" skip_hw) || fail "skip_hw batch"
	tc qdisc del dev "${REP[0]}" clsact
	hard=$(add_all "${REP[0]}" skip_sw) || fail "skip_sw batch"
	check_eq "rules in the device" "$(occupancy rules)" "$RULES"
	tc qdisc del dev "${REP[0]}" clsact
	soft2=$(add_all "${REP[0]}" skip_hw) || fail "skip_hw batch"
	tc qdisc del dev "${REP[0]}" clsact
	hard2=$(add_all "${REP[0]}" skip_sw) || fail "skip_sw batch"
	note "$RULES rules: skip_hw $soft and $soft2 ms, skip_sw $hard and $hard2 ms"
	[ "${soft2:-0}" -lt "${soft:-0}" ] && soft=$soft2
	[ "${hard2:-0}" -lt "${hard:-0}" ] && hard=$hard2
	check_le "time with skip_sw, twice the time with skip_hw, ms" "$hard" $((soft * 2))
}

rules_answer_to() { [ "$(tc_hw_packets "${REP[0]}" "$1")" = "$2" ]; }

qdisc_delete_empties_the_device() {
	check_eq "rules in the device" "$(occupancy rules)" "$RULES"
	check_eq "packets" "$(pkt send -n 7 "${VF[0]}" \
		"eth / ip dst=10.0.$(((RULES - 1) / 256)).$(((RULES - 1) % 256)) / udp dport=9")" ""
	sleep 1.5
	check_eq "hits of the last rule" "$(tc -j -s filter get dev "${REP[0]}" ingress prio 1 \
		protocol ip handle "$RULES" flower | jq '.[0].options.actions[0].stats.hw_packets')" 7
	check "delete the qdisc" tc qdisc del dev "${REP[0]}" clsact
	check "device" tables_empty
}

tests_run "$@"
