#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=5400 mem=5G manual=1
#
# Flower's tests of the kernel's tools/testing/selftests/tc-testing (flower.json),
# with a representor as their device: as they are, which is skip_hw, and again
# with skip_sw in the place of skip_hw. They add, replace and delete up to a
# million filters from ten processes; here a fiftieth of that, with "run --full"
# all of it, or DIVIDE=N. Each of their results is one of ours.

. "$(dirname "$0")/lib.sh"

TDC=$(dirname "$KTAP")/../tc-testing
DIVIDE=${DIVIDE:-$([ -n "$SLUICE_FULL" ] && echo 1 || echo 50)}

count=0 failed=0
result() {
	count=$((count + 1))
	case $1 in
	ok) echo "ok $count $2" ;;
	*) failed=$((failed + 1)); echo "not ok $count $2" ;;
	esac
}

# A copy to write into, with other numbers, and time for emulation.
prepare() {
	sluice_setup switchdev 2 || return 1
	modprobe -a cls_flower act_gact
	check "the kernel's tests" cp -r "$TDC" "$SLUICE_TMP/tdc" || return 1
	cd "$SLUICE_TMP/tdc" || return 1
	mkdir -p plugins
	echo "EXTRA_NAMES = {'TIMEOUT': 3000, 'BATCH_DIR': '$SLUICE_TMP/batches'," \
		"'BATCH_FILE': '$SLUICE_TMP/batch'}" > tdc_config_local.py
	# Filters, and handles behind the first half of them.
	python3 - "$DIVIDE" tc-tests/filters/flower.json <<-'EOF'
	import re, sys
	div, path = int(sys.argv[1]), sys.argv[2]
	text = open(path).read()
	text = re.sub(r"\b(1000000|500000|100000)\b", lambda m: str(int(m[1]) // div), text)
	text = re.sub(r"\b500001\b", str(500000 // div + 1), text)
	open(path, "w").write(text)
	EOF
}

# The most rules the device had meanwhile.
sample() {
	local max=0 now
	while [ -e "$SLUICE_TMP/sampling" ]; do
		now=$(occupancy rules)
		[ "$now" -le $max ] || max=$now
		echo $max > "$SLUICE_TMP/most"
		sleep 0.2
	done
}

# run_all WHERE: all tests, whose filters are WHERE.
run_all() {
	local line sampler
	touch "$SLUICE_TMP/sampling"
	sample &
	sampler=$!
	python3 ./tdc.py -d "${REP[0]}" -f tc-tests/filters/flower.json \
		> "$SLUICE_TMP/log" 2>&1
	rm "$SLUICE_TMP/sampling"
	wait $sampler
	if ! grep -q '^1\.\.' "$SLUICE_TMP/log"; then
		result failed "$1: the tests run"
		tail -n 20 "$SLUICE_TMP/log" | sed 's/^/# /'
		return
	fi
	while IFS= read -r line; do
		if [[ $line =~ ^(not\ )?ok\ [0-9]+\ (.*)$ ]]; then
			result "${BASH_REMATCH[1]:-ok}" "$1: ${BASH_REMATCH[2]}"
		fi
	done < "$SLUICE_TMP/log"
	grep -A 3 '^not ok' "$SLUICE_TMP/log" | cut -c 1-300 | sed 's/^/# /'
	note "$1: at most $(cat "$SLUICE_TMP/most") rules in the device"
}

trap finish_script EXIT
ktap_print_header
if [ ! -r "$TDC/tdc.py" ]; then
	echo "1..0 # SKIP no tc-testing in $TDC"
	exit 4
fi
if prepare && [ $RET -eq 0 ]; then
	note "a million filters are $((1000000 / DIVIDE)) here"
	run_all "skip_hw"
	check "nothing is in the device" tables_empty || result failed "skip_hw: leaves nothing"
	sed -i 's/^skip = "skip_hw"/skip = "skip_sw"/' tdc_batch.py
	run_all "skip_sw"
	check_ge "rules in the device" "$(cat "$SLUICE_TMP/most")" $((1000000 / DIVIDE)) ||
		result failed "skip_sw: all filters are in the device"
	check "nothing is left in the device" tables_empty || result failed "skip_sw: leaves nothing"
else
	result failed "setup"
fi
echo "1..$count"
cd /
finish_script
exit $((failed > 0))
