#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of "run": guest.sh SUITE VFS [AUTOTEST ARGUMENT...], with the
# packed suite in /mnt/share. Prints what the suite prints, then the flows.

set -u
suite=$1 vfs=$2
shift 2
here=$(dirname "$(readlink -f "$0")")
mkdir -p /ovs
tar -C /ovs -xf /mnt/share/ovs.tar
cp "$here/vf-pair" "$here/vf-flows" /usr/local/bin/
pf=$(basename "$(dirname "$(grep -lx 0xe510 /sys/bus/pci/devices/*/device | head -n 1)")")
devlink dev eswitch set "pci/$pf" mode switchdev || exit 1
echo "$vfs" > "/sys/bus/pci/devices/$pf/sriov_numvfs" || exit 1
sleep 1
vf-pair init "$pf" || exit 1
: > /run/vf-pair/flows
mkdir -p /var/run/openvswitch /var/log/openvswitch
cd /ovs/tests || exit 1
PATH=/ovs/tests:$PATH sh "./$suite" -C /ovs/tests AUTOTEST_PATH=/ovs/tests "$@"
status=$?
sed 's/^/#@flows /' /run/vf-pair/flows
mkdir -p /mnt/share/logs
cp -a "/ovs/tests/$suite.dir"/* /mnt/share/logs/ 2>/dev/null
exit $status
