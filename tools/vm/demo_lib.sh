# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the demos have in common on the host: building with progress. Sourced
# after lib.sh.
#
#   demo_build            build everything a machine is made of
#   demo_no_arguments "$@"
#
# $SLUICE_KERNEL chooses the kernel.

demo_kernel=${SLUICE_KERNEL:-stock}
# shellcheck disable=SC2034 # for the demos
if [ -t 1 ]; then demo_color=1; else demo_color=; fi
demo_log=$(mktemp /tmp/sluice-demo.XXXXXX)
demo_ticker=
demo_cleanup() {
	[ -z "$demo_ticker" ] || kill "$demo_ticker" 2>/dev/null || :
	rm -f "$demo_log"
}
trap demo_cleanup EXIT

demo_no_arguments() {
	[ $# -gt 0 ] || return 0
	echo "usage: tools/vm/${0##*/}    (no arguments; SLUICE_KERNEL=test for the test kernel)" >&2
	[ "$1" = --help ] || [ "$1" = -h ] || exit 2
	exit 0
}

# Every few seconds, say how long the step has taken and what it does.
demo_tick() {
	local start=$SECONDS last
	while sleep "$1"; do
		last=$(tail -n 1 "$demo_log" | tr -d '\r' | cut -c1-80)
		if [ -t 1 ]; then
			printf '\r\033[K      %s s  %s' $((SECONDS - start)) "$last"
		else
			printf '      %s s  %s\n' $((SECONDS - start)) "$last"
		fi
	done
}

# demo_step WHAT SECONDS COMMAND...: a step of the build with progress.
demo_step() {
	local what=$1 usual=$2 start=$SECONDS rc=0
	shift 2
	printf '  %-44s (from nothing: about %s)\n' "$what" "$usual"
	: > "$demo_log"
	if [ -t 1 ]; then demo_tick 1 & else demo_tick 20 & fi
	demo_ticker=$!
	"$@" > "$demo_log" 2>&1 || rc=$?
	kill $demo_ticker 2>/dev/null || :
	wait $demo_ticker 2>/dev/null || :
	demo_ticker=
	[ -t 1 ] && printf '\r\033[K'
	if [ $rc -ne 0 ]; then
		tail -n 30 "$demo_log" >&2
		exit $rc
	fi
	printf '      done, %s s\n' $((SECONDS - start))
}

demo_build() {
	local vm=$SLUICE_TOP/tools/vm/build
	need_root
	echo "Building what is not built yet (kept in $SLUICE_CACHE)"
	demo_step "QEMU with the NIC in it" "4 min" "$SLUICE_TOP/tools/device/qemu/build"
	demo_step "guest image" "1 min" "$vm" image
	demo_step "kernel ($demo_kernel)" "$([ "$demo_kernel" = test ] && echo 15 min || echo 1 min)" \
		"$vm" kernel "$demo_kernel"
	demo_step "driver for it" "1 min" "$vm" modules "$demo_kernel"
}
