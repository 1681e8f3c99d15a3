#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=127 timeout=900 mem=3072 manual=1 kernels=stock env=VFS,ROUNDS
#
# How long it takes to have VFs, to go to switchdev mode with them and back, and
# to give them back. Prints a line of JSON for each round; times are nanoseconds.
# VFS is the numbers of VFs, ROUNDS is how often.

ALL_TESTS="times"

. "$(dirname "$0")/lib.sh"

VFS=${VFS:-1 8 32 127}
ROUNDS=${ROUNDS:-2}

setup() { sluice_setup legacy 0; }

now_ns() { date +%s%N; }

# What has happened since the last call, as JSON.
lap() {
	local now
	now=$(now_ns)
	TOOK="$TOOK, \"$1\": $((now - LAST))"
	LAST=$(now_ns)
}

all_reps() {
	grep -lE '^pf0vf[0-9]+$' "/sys/bus/pci/devices/$PF_PCI/net/"*/phys_port_name 2> /dev/null |
		cut -d/ -f8
}

all_reps_up() { all_reps | sed 's/.*/link set & up/' | ip -b -; }

# round VFS NUMBER
round() {
	TOOK='' LAST=$(now_ns)
	check "$1 VFs" numvfs_set "$1"
	lap numvfs
	check_within "their netdevs" 120 vf_netdevs_there "$1"
	lap netdevs
	check "to switchdev" mode_set switchdev
	lap switchdev
	check "representors up" all_reps_up
	lap reps_up
	check_eq "representors" "$(all_reps | wc -l)" "$1"
	LAST=$(now_ns)
	check "to legacy" mode_set legacy
	lap legacy
	check "no VFs" numvfs_set 0
	lap no_vfs
	note "{\"vfs\": $1, \"round\": $2$TOOK}"
}

times() {
	local n r
	for ((r = 0; r < ROUNDS; r++)); do
		for n in $VFS; do round "$n" "$r"; done
	done
}

tests_run "$@"
