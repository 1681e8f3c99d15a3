#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=4 timeout=1800 mem=3072 manual=1 kernels=stock env=RULES,PROCESSES,ROUNDS
#
# What rules cost: rates of insertion, of a dump with statistics and of deletion,
# in software (skip_hw) and in hardware (skip_sw), from one process and from
# several, each with a representor of its own; and the kernel's memory for a
# rule. Prints a line of JSON for each round, and a table of the best rounds.
# RULES and PROCESSES are lists of what is measured, ROUNDS is how often.

ALL_TESTS="rates"

. "$(dirname "$0")/lib.sh"

RULES=${RULES:-10000}
PROCESSES=${PROCESSES:-1 2 4}
ROUNDS=${ROUNDS:-2}

setup() { sluice_setup switchdev 4; }

now_ms() { date +%s%3N; }

# batches FLAG RULES PROCESSES: what each tc is to add and to delete.
batches() {
	local i
	for ((i = 0; i < $3; i++)); do
		awk -v dev="${REP[i]}" -v flag="$1" -v n=$(($2 / $3)) \
			-v add="$SLUICE_TMP/add$i" -v del="$SLUICE_TMP/del$i" 'BEGIN {
			for (i = 0; i < n; i++) {
				printf "filter add dev %s ingress prio 1 protocol ip handle %d flower %s ip_proto udp dst_ip 10.%d.%d.%d dst_port 9 action drop\n",
					dev, i + 1, flag, i / 65536, i / 256 % 256, i % 256 > add
				printf "filter del dev %s ingress prio 1 protocol ip handle %d flower\n",
					dev, i + 1 > del
			}
		}'
	done
}

dump() { tc -s filter show dev "${REP[$1]}" ingress; }
add() { tc -b "$SLUICE_TMP/add$1"; }
del() { tc -b "$SLUICE_TMP/del$1"; }

# at_once PROCESSES COMMAND: all of them at the same time; sets MS.
at_once() {
	local i t0 pids=() bad=0
	t0=$(now_ms)
	for ((i = 0; i < $1; i++)); do
		"$2" $i > "$SLUICE_TMP/out$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || bad=1
	done
	MS=$(($(now_ms) - t0))
	[ $bad = 0 ] || { head -n 3 "$SLUICE_TMP"/out* >&2; return 1; }
}

# Bytes of memory that the kernel cannot give back.
kernel_memory() {
	awk '$1 == "SUnreclaim:" || $1 == "VmallocUsed:" || $1 == "Percpu:" { sum += $2 }
		END { print sum * 1024 }' /proc/meminfo
}

declare -A BEST

better() { [ -n "${BEST[$1]:-}" ] && [ "${BEST[$1]}" -le "$MS" ] || BEST[$1]=$MS; }

# One round: FLAG RULES PROCESSES NUMBER.
round() {
	local i before memory took="" key="$1 $2 $3"
	batches "$1" "$2" "$3"
	for ((i = 0; i < $3; i++)); do tc qdisc add dev "${REP[i]}" clsact; done
	before=$(kernel_memory)
	check "add $2 rules with $1 from $3 processes" at_once "$3" add || return
	better "$key add"
	took="\"add\": $MS"
	memory=$((($(kernel_memory) - before) / $2))
	BEST["$key memory"]=$memory
	[ "$1" = skip_hw ] || check_eq "rules in the device" "$(occupancy rules)" $(($2 / $3 * $3))
	check "dump" at_once "$3" dump
	better "$key dump"
	took="$took, \"dump\": $MS"
	check "delete" at_once "$3" del
	better "$key del"
	note "{\"flag\": \"$1\", \"rules\": $2, \"processes\": $3, \"round\": $4," \
		"$took, \"del\": $MS, \"memory\": $memory}"
	for ((i = 0; i < $3; i++)); do tc qdisc del dev "${REP[i]}" clsact; done
	check "device" tables_empty
}

# Rates in rules per second, and what hardware has of software.
line() {
	local what s h
	for what in add dump del; do
		s=${BEST["skip_hw $1 $2 $what"]:-0} h=${BEST["skip_sw $1 $2 $what"]:-0}
		if [ "$s" = 0 ] || [ "$h" = 0 ]; then continue; fi
		note "$(printf '%8s | %9s | %5s | %9s | %9s | %8s' "$1" "$2" $what \
			$(($1 * 1000 / s)) $(($1 * 1000 / h)) $((100 * s / h))%)"
	done
}

rates() {
	local n p r
	for n in $RULES; do
		for p in $PROCESSES; do
			for ((r = 0; r < ROUNDS; r++)); do
				round skip_hw "$n" "$p" $r
				round skip_sw "$n" "$p" $r
			done
		done
	done
	note "$(printf '%8s | %9s | %5s | %9s | %9s | %8s' rules processes what skip_hw/s skip_sw/s hardware)"
	for n in $RULES; do
		for p in $PROCESSES; do line "$n" "$p"; done
		p=${PROCESSES%% *}
		note "memory of each of $n rules: $((BEST["skip_sw $n $p memory"] - BEST["skip_hw $n $p memory"])) bytes in the driver, counters apart," \
			"and ${BEST["skip_hw $n $p memory"]} in tc"
	done
}

tests_run "$@"
