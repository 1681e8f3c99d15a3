#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=12 timeout=300 kernels=stock
#
# A short, fixed slice of tools/goldenrule: generated rule sets and frames, in
# software and in hardware; and those that differed once.

ALL_TESTS="corpus generated"

TOOL=$(dirname "$(readlink -f "$0")")/../../../tools/goldenrule
if [ ! -e "$TOOL/guest.sh" ]; then
	echo "1..0 # SKIP no tools/goldenrule next to this tree"
	exit 4
fi
# shellcheck source=tools/goldenrule/guest.sh
. "$TOOL/guest.sh"

setup() { golden_ports 12; }
cleanup() { golden_ports_gone; }

# same ARGUMENTS: goldenrule finds no difference
same() {
	golden "$@" > "$SLUICE_TMP/golden"
	local rc=$?
	sed 's/^#* */# /' "$SLUICE_TMP/golden"
	check_eq "differences" $rc 0
}

corpus() {
	same --corpus "$TOOL/corpus"
	check "sets of the corpus ran" grep -Eq '^# ran [1-9]' "$SLUICE_TMP/golden"
}

generated() {
	same --seed slice --count 42
	check "42 sets ran" grep -q '^# ran 42 rule sets' "$SLUICE_TMP/golden"
}

tests_run "$@"
