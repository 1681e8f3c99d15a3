#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 nics=2 timeout=300 leakcheck=0
#
# Functions that go away while others work: reset of a VF and of the PF, and
# the whole NIC pulled out of the machine.
#
# No kmemleak check: unplugging removes the VFs before their PF, and then
# pci_iov_remove_virtfn() of 6.12 and 7.2 returns before it gives the VF's
# reference of the PF back; kmemleak shows the PF's struct pci_dev, which the
# PCI core made at boot.

ALL_TESTS="vf_reset_legacy vf_reset_switchdev pf_reset_switchdev vf_unbind
	unplug_with_traffic plug_in_again"

. "$(dirname "$0")/lib.sh"

setup() {
	command -v vmctl > /dev/null || { note "needs the machine of tools/vm/run"; return 1; }
	pf_find 1 > /dev/null || { note "needs two NICs"; return 1; }
	sluice_setup legacy 1 1 || return 1
	# The second NIC's VF and wire go on whatever happens to the first.
	SECOND=$PF_PCI
	vf_ns 0 other 203.0.113.1/24 || return 1
	wire_ns 1 otherfar 203.0.113.2/24 || return 1
	NS_KEPT=("${NS_MADE[@]}")
	NS_MADE=()
	WIRES=wire0
}

cleanup() {
	NS_MADE+=("${NS_KEPT[@]}")
	ns_made_gone
	PF_PCI=$SECOND DL=pci/$SECOND
}

others_go_on() { check "the other NIC" ping_ok other 203.0.113.2; }

# First NIC: VF 0 in h0 and VF 1 in h1 with traffic to the wire and each other.
start() {
	local mode=$1
	sluice_setup "$mode" 2 0 || return 1
	vf_ns 0 h0 192.0.2.1/24 || return 1
	vf_ns 1 h1 192.0.2.2/24 || return 1
	wire_ns 0 far 192.0.2.3/24 || return 1
	if [ "$mode" = switchdev ]; then
		ingress_add "$PF" "${REP[0]}" "${REP[1]}"
		check "rules" forward || return 1
	fi
	check_within "h0 reaches the wire" 5 ping_ok h0 192.0.2.3
	check_within "h1 reaches the wire" 5 ping_ok h1 192.0.2.3
	iperf_server far 192.0.2.3
	bg h1 iperf3 -c 192.0.2.3 -t 100 -b 20M
	bg h0 ping -q -i 0.002 192.0.2.3
	sleep 0.5
}

# Everything from the VFs to the wire, and back by address.
forward() {
	local i
	for i in 0 1; do
		tc filter add dev "${REP[i]}" ingress prio 1 flower \
			action mirred egress redirect dev "$PF" || return 1
		tc filter add dev "$PF" ingress prio 1 protocol ip flower \
			dst_ip 192.0.2.$((i + 1)) action mirred egress redirect dev "${REP[i]}" || return 1
	done
	tc filter add dev "$PF" ingress prio 2 protocol arp flower \
		action mirred egress mirror dev "${REP[0]}" pipe \
		mirred egress redirect dev "${REP[1]}"
}

flr() { echo 1 > "/sys/bus/pci/devices/$1/reset"; }

vf_reset() {
	start "$1" || return
	local i
	for i in 1 2 3; do
		check "reset of VF 0, round $i" flr "${VF_PCI[0]}"
		check "VF 1 meanwhile" ping_ok h1 192.0.2.3
		check_within "VF 0 works again" 15 ping_ok h0 192.0.2.3
	done
	others_go_on
}

vf_reset_legacy() { vf_reset legacy; }
vf_reset_switchdev() { vf_reset switchdev; }

# A reset of the PF: representors, their rules and the mode stay, and the
# device has all of it again before packets flow.
pf_reset_switchdev() {
	start switchdev || return
	local rules hits
	rules=$(occupancy rules)
	check_ge "rules in the device" "$rules" 5
	check "reset of the PF" flr "$PF_PCI"
	check_eq "mode" "$(mode_get)" switchdev
	check_eq "VFs" "$(cat "/sys/bus/pci/devices/$PF_PCI/sriov_numvfs")" 2
	check_eq "rules in the device" "$(occupancy rules)" "$rules"
	check_within "h0 reaches the wire" 20 ping_ok h0 192.0.2.3
	check_within "h1 reaches the wire" 20 ping_ok h1 192.0.2.3
	hits=$(cpu_hit "${REP[0]}")
	check "h0 again" ping_ok h0 192.0.2.3
	check_lt "packets through the CPU meanwhile" $(($(cpu_hit "${REP[0]}") - hits)) 5
	others_go_on
}

vf_unbind() {
	start switchdev || return
	check "VF 0's driver goes" eval "echo ${VF_PCI[0]} > /sys/bus/pci/drivers/sluice/unbind"
	check "VF 1 meanwhile" ping_ok h1 192.0.2.3
	check "VF 0's driver comes" eval "echo ${VF_PCI[0]} > /sys/bus/pci/drivers/sluice/bind"
	check_within "its netdev" 10 pci_netdev "${VF_PCI[0]}"
	devs_refresh
	vf_ns 0 h0 192.0.2.1/24
	check_within "VF 0 works again" 10 ping_ok h0 192.0.2.3
	others_go_on
}

pf_gone() { [ ! -e "/sys/bus/pci/devices/$PF_PCI" ]; }

unplug_with_traffic() {
	start switchdev || return
	local first=$PF_PCI
	check "unplug" vmctl device_del nic0
	check_within "the PF is gone" 40 pf_gone
	check_not "its VF too" ip -n h0 link show "${VF[0]}"
	others_go_on
	bg_stop
	ns_made_gone
	check_within "the wire's far end is back" 10 wires_home
	FIRST=$first
	PF_PCI=''
}

pf_there() { pci_netdev "$FIRST"; }

plug_in_again() {
	[ -n "${FIRST:-}" ] || { skip "it was not unplugged"; return; }
	check "plug in" vmctl device_add nic0
	check_within "the PF is there" 40 pf_there
	others_go_on
	start legacy || return
	check "and works" ping_ok h0 192.0.2.2
}

tests_run "$@"
