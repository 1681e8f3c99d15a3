#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of "run": guest.sh SUITE VFS [AUTOTEST ARGUMENT...], with the
# packed suite in /mnt/share. Prints what the suite prints; what else it finds out
# it leaves in /mnt/share, a few tests at a time, so that little is lost if the
# machine stops.

set -u
suite=$1 vfs=$2
shift 2
here=$(dirname "$(readlink -f "$0")")
CHUNK=8

mkdir -p /ovs /mnt/share/logs
tar -C /ovs -xf /mnt/share/ovs.tar
cp "$here/vf-pair" "$here/vf-flows" /usr/local/bin/
pf=$(basename "$(dirname "$(grep -lx 0xe510 /sys/bus/pci/devices/*/device | head -n 1)")")
devlink dev eswitch set "pci/$pf" mode switchdev || exit 1
echo "$vfs" > "/sys/bus/pci/devices/$pf/sriov_numvfs" || exit 1
sleep 1
vf-pair init "$pf" || exit 1
modprobe tun
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
echo 1 > /sys/kernel/tracing/events/sluice/enable
mkdir -p /var/run/openvswitch /var/log/openvswitch
cd /ovs/tests || exit 1
PATH=/ovs/tests:$PATH

# run_tests ARGUMENT...: run some of the tests and keep what failed ones logged.
run_tests() {
	local rc
	sh "./$suite" -C /ovs/tests AUTOTEST_PATH=/ovs/tests "$@"
	rc=$?
	cp -a "$suite.dir"/[0-9]* /mnt/share/logs/ 2>/dev/null
	return $rc
}

[ $# -gt 0 ] || set -- "1-$(sh "./$suite" --list | sed -n 's/^ *\([0-9]*\): .*/\1/p' | tail -n 1)"
# Numbers and ranges are taken apart; anything else is the suite's to understand.
if [[ ! "$*" =~ ^([0-9]+(-[0-9]+)?\ ?)+$ ]]; then
	run_tests "$@"
	exit
fi
numbers=() status=0
for word in "$@"; do
	for n in $(seq "${word%-*}" "${word#*-}"); do
		numbers+=("$n")
	done
done
while [ ${#numbers[@]} -gt 0 ]; do
	run_tests "${numbers[@]:0:CHUNK}" || status=1
	numbers=("${numbers[@]:CHUNK}")
done
exit $status
