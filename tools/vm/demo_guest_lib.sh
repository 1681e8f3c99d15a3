# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the demos have in common in the guest: titles, steps and what counts as a
# proof. Sourced after selftests/net/sluice/lib.sh.
#
#   title TEXT / line TEXT
#   step WHAT CMD...      do it and say whether it worked; end the demo if not
#   stop WHY              end the demo
#   verdict WHERE WHAT    print PROOFS, then that WHAT is so; or that it is not,
#                         for what BAD says, and end the demo

# At least so many packets must pass, and at most so many may take the CPU.
# shellcheck disable=SC2034 # for the demos
PACKETS=10000
# shellcheck disable=SC2034 # for the demos
STRAY=20

bold=$(printf '\033[1m') plain=$(printf '\033[0m')
[ -n "${SLUICE_DEMO_COLOR:-}" ] || bold='' plain=''
title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
line() { printf '  %s\n' "$*"; }
stop() {
	printf '\nThe demo failed: %s\n' "$*"
	title "what the kernel said last"
	dmesg | tail -n 15
	[ -s "$SLUICE_TMP/out" ] && tail -n 20 "$SLUICE_TMP/out"
	exit 1
}
step() {
	local what=$1
	shift
	printf '  %-58s' "$what"
	quietly "$@" || { echo "failed"; stop "$what"; }
	echo "ok"
}
verdict() {
	local p
	for p in "${PROOFS[@]}"; do
		line "$p"
	done
	if [ ${#BAD[@]} -gt 0 ]; then
		printf '\nThe proof FAILED (wanted%s: more than %s packets, fewer than %s CPU hits):\n' \
			"$1" $PACKETS $STRAY
		printf '  %s\n' "${BAD[@]}"
		exit 1
	fi
	printf '\n%s%s%s\n' "$bold" "$2" "$plain"
}
