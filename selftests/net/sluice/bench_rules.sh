#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 timeout=2400 mem=4096 manual=1 kernels=stock env=POINTS
#
# What rules cost: rates of insertion, of replacing, of a dump with statistics and
# of deletion, in software (skip_hw) and in hardware (skip_sw), from one process
# and from several, each with a representor of its own; and the kernel's memory
# for a rule. Prints a line of JSON for each round of each point.
#
# POINTS says what is measured: words of TOOL:RULES:PROCESSES:ROUNDS[:OP,OP...]. TOOL
# is tc, for "tc -b" with a file of commands, or gen, for tools/bench/guest/rulegen
# (built by tools/bench/build-guest), which does nothing but talk to the kernel.
# Operations are add,replace,dump,del unless others are given.

ALL_TESTS="rates"

. "$(dirname "$0")/lib.sh"

POINTS=${POINTS:-tc:10000:1:1}
RULEGEN=${RULEGEN:-$SLUICE_LIB/../../../build/bench/guest/rulegen}

setup() { sluice_setup switchdev 4; }

now_ns() { date +%s%N; }

# batches FLAG RULES PROCESSES OP...: what each tc is to do.
batches() {
	local i
	for ((i = 0; i < $3; i++)); do
		awk -v dev="${REP[i]}" -v flag="$1" -v n=$(($2 / $3)) -v to="$SLUICE_TMP" -v p=$i \
			-v ops="${*:4}" 'BEGIN {
			split(ops, list, " ")
			for (i in list)
				wanted[list[i]] = 1
			for (i = 0; i < n; i++) {
				rule = sprintf("dev %s ingress prio 1 protocol ip handle %d flower", dev, i + 1)
				more = sprintf("%s ip_proto udp dst_ip 10.%d.%d.%d dst_port 9 action drop",
					flag, i / 65536, i / 256 % 256, i % 256)
				if (wanted["add"])
					print "filter add", rule, more > (to "/add" p)
				if (wanted["replace"])
					print "filter replace", rule, more > (to "/replace" p)
				if (wanted["del"])
					print "filter del", rule > (to "/del" p)
			}
			print "filter show dev " dev " ingress" > (to "/dump" p)
		}'
	done
}

# Nanoseconds that OP takes in PROCESSES processes with RULES rules altogether.
tc_ns() {
	local i t0 pids=() bad=0
	t0=$(now_ns)
	for ((i = 0; i < $3; i++)); do
		tc -s -b "$SLUICE_TMP/$1$i" > "$SLUICE_TMP/out$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || bad=1
	done
	echo $(($(now_ns) - t0))
	[ $bad = 0 ] || { head -n 3 "$SLUICE_TMP"/out* >&2; return 1; }
}

gen_ns() {
	"$RULEGEN" -f "$4" -n $(($2 / $3)) "$1" "${REP[@]:0:$3}" | jq .ns
}

# Bytes of memory that the kernel cannot give back.
kernel_memory() {
	awk '$1 == "SUnreclaim:" || $1 == "VmallocUsed:" || $1 == "Percpu:" { sum += $2 }
		END { print sum * 1024 }' /proc/meminfo
}

# Bytes in each slab cache.
slabs() { awk '/ : slabdata / { print $1, $15 * $6 * 4096 }' /proc/slabinfo | sort; }

# What caches have grown by, for each of N rules, as JSON.
slabs_grown() {
	slabs | join "$SLUICE_TMP/slabs" - | awk -v n="$1" '{
		d = ($3 - $2) / n
		if (d >= 8) printf "%s\"%s\": %.0f", m++ ? ", " : "", $1, d
	}'
}

# One round: TOOL RULES PROCESSES NUMBER FLAG OP...
round() {
	local i op ns took="" before memory grown
	[ "$1" = gen ] || batches "$5" "$2" "$3" "${@:6}"
	ingress_add "${REP[@]:0:$3}"
	slabs > "$SLUICE_TMP/slabs"
	before=$(kernel_memory)
	for op in "${@:6}"; do
		ns=$("$1_ns" "$op" "$2" "$3" "$5") || { fail "$op $2 rules with $5"; return; }
		took="$took, \"$op\": $ns"
		[ "$op" = add ] || continue
		memory=$((($(kernel_memory) - before) / $2))
		grown=$(slabs_grown "$2")
		[ "$5" = skip_hw ] ||
			check_eq "rules in the device" "$(occupancy rules)" $(($2 / $3 * $3))
	done
	ingress_del "${REP[@]:0:$3}"
	check "device" tables_empty
	note "{\"tool\": \"$1\", \"rules\": $2, \"processes\": $3, \"round\": $4," \
		"\"flag\": \"$5\"$took, \"memory\": $memory, \"slabs\": {$grown}}"
}

rates() {
	local p r tool rules processes rounds ops
	for p in $POINTS; do
		IFS=: read -r tool rules processes rounds ops <<< "$p"
		IFS=, read -ra ops <<< "${ops:-add,replace,dump,del}"
		if [ "$tool" = gen ] && [ ! -x "$RULEGEN" ]; then
			fail "$RULEGEN is not there: tools/bench/build-guest makes it"
			return
		fi
		for ((r = 0; r < rounds; r++)); do
			round "$tool" "$rules" "$processes" $r skip_hw "${ops[@]}"
			round "$tool" "$rules" "$processes" $r skip_sw "${ops[@]}"
		done
	done
}

tests_run "$@"
