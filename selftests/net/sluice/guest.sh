#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of "run": runs test scripts one after the other and says
# where each begins and ends. Arguments: SCRIPT:TIMEOUT[:ARG,ARG...] ...

here=$(dirname "$(readlink -f "$0")")
cd /tmp || exit 1
SPLAT='WARNING: |BUG: |KASAN|UBSAN|Oops|general protection|possible (recursive|circular)|inconsistent lock state|suspicious RCU|rcu.*(stall|self-detected)|blocked for more than|unregister_netdevice: waiting|refcount_t:|page_pool.*leak|stalled pool shutdown|NETDEV WATCHDOG'

for job in "$@"; do
	IFS=: read -r script limit arguments <<< "$job"
	echo "#@begin $script"
	echo "sluice-selftest: $script" > /dev/kmsg
	start=$SECONDS
	# shellcheck disable=SC2086 # a list of words
	timeout -k 20 "$limit" bash "$here/$script" ${arguments//,/ } 2>&1
	rc=$?
	if [ $rc -ge 124 ]; then
		# It had no chance to clean up.
		for n in $(ip netns | cut -d' ' -f1); do
			ip netns pids "$n" | xargs -r kill -9
			ip netns del "$n"
		done
		pkill -9 -f iperf3
		timeout 60 rmmod sluice
		timeout 60 modprobe sluice
	fi
	dmesg | awk -v m="sluice-selftest: $script" -v re="$SPLAT" '
		index($0, m) { n = 0; show = 0; next }
		{ line[n++] = $0 }
		END {
			for (i = 0; i < n; i++)
				if (line[i] ~ re) {
					for (j = i; j < n && j < i + 40; j++)
						print "# " line[j]
					print "#@splat"
					exit
				}
		}'
	echo "#@end $rc $((SECONDS - start))"
done
exit 0
