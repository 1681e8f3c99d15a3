#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=3600 mem=5G manual=1
#
# Very many connections with NAT: in hardware, counted, and gone when idle. A
# small number of them is part of ct.sh. Takes most of an hour under emulation.

ALL_TESTS="tcp_20000 udp_100000"
MORE_TESTS="tcp_5000 udp_5000"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ct_lib.sh"

setup() {
	sluice_setup switchdev 2 || return 1
	ct_up
	ingress_add "${REP[@]}"
}

after() {
	ct_pair_del
	check "no connection left" ct_clean
	check "nothing left" tables_empty
}

udp_100000() { ct_many udp 100000; }
tcp_20000() { ct_many tcp 20000; }
udp_5000() { ct_many udp 5000; }
tcp_5000() { ct_many tcp 5000; }

tests_run "$@"
