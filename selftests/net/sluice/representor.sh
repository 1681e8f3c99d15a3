#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 ports=2 timeout=300 kernels=stock
#
# Representors: slow path, carrier, MTU, statistics, names, use as ports.

ALL_TESTS="slow_path slow_path_sizes slow_path_vlan uplink second_uplink
	carrier mtu statistics cpu_hit_counts drops
	ethtool_basics addresses_stable address_changes netns_fixed
	bridge_port tc_redirect_software up_down_traffic vf_reset
	queue_pressure"

. "$(dirname "$0")/lib.sh"

# VF 0 in h0; its representor has the other end of the link.
one() {
	sluice_setup switchdev 2 || return 1
	vf_ns 0 h0 192.0.2.1/24 || return 1
	check "address of the representor" ip addr add 192.0.2.254/24 dev "${REP[0]}"
}
setup() { one; }
# A test that leaves something behind says DIRTY=1.
DIRTY=
before() {
	[ -n "$DIRTY" ] && one
	DIRTY=
}
after() { ip link del br-rep 2>/dev/null; }

carrier() {
	check_within "with the representor up" 3 vf_carrier 1
	check "down" ip link set "${REP[0]}" down
	check_within "with it down" 3 vf_carrier 0
	check "up" ip link set "${REP[0]}" up
	check_within "up again" 3 vf_carrier 1
	check_within "ping" 3 ping_ok h0 192.0.2.254
	check_eq "carrier of the representor" "$(cat "/sys/class/net/${REP[0]}/carrier")" 1
}
vf_carrier() { [ "$(ns h0 cat "/sys/class/net/${VF[0]}/carrier")" = "$1" ]; }

slow_path() {
	check "VF to representor" ping_ok h0 192.0.2.254
	check "representor to VF" ping_ok - 192.0.2.1
	check_not "the other VF hears nothing" vf1_hears
}
vf1_hears() {
	[ "$(count_frames "h0/${VF[0]}" "${VF[1]}" 3 "eth dst=ff:ff:ff:ff:ff:ff/ip/udp/len 20")" != 0 ]
}

slow_path_sizes() {
	DIRTY=1
	local s
	check "MTU" ip link set "${REP[0]}" mtu 9000
	wait_for 3 vf_mtu 9000
	ns h0 ip link set "${VF[0]}" mtu 9000
	for s in 0 1 18 100 1472 2000 2020 4000 8972; do
		check "$s bytes" ping_ok h0 192.0.2.254 -c 2 -i 0.05 -M "do" -s $s
	done
	iperf_server - 192.0.2.254
	check "TCP to the representor" iperf h0 192.0.2.254 -n 8M
	check "TCP from the representor" iperf h0 192.0.2.254 -n 8M -R
}

slow_path_vlan() {
	check "VLAN on the VF" ip -n h0 link add link "${VF[0]}" name v7 type vlan id 7
	check "VLAN on the representor" ip link add link "${REP[0]}" name rv7 type vlan id 7
	ip -n h0 addr add 198.51.100.1/24 dev v7; ip -n h0 link set v7 up
	ip addr add 198.51.100.2/24 dev rv7; ip link set rv7 up
	check "ping" ping_ok h0 198.51.100.2
	ip link del rv7
}

uplink() {
	DIRTY=1
	wire_ns 0 far 203.0.113.3/24
	check "address of p0" ip addr add 203.0.113.1/24 dev "$PF"
	check "p0 to the wire" ping_ok - 203.0.113.3
	check "the wire to p0" ping_ok far 203.0.113.1
}

second_uplink() {
	DIRTY=1
	local p1
	p1=$(uplink_of 1) || { fail "no p1"; return; }
	wire_ns 1 far1 203.0.113.131/25
	check "up" ip link set "$p1" up
	ip addr add 203.0.113.129/25 dev "$p1"
	check "p1 to the wire" ping_ok - 203.0.113.131
	check "legacy" mode_set legacy
	check "in legacy mode too" ping_ok - 203.0.113.131
	ip addr flush dev "$p1"
	ip link set "$p1" down
}

vf_mtu() { [ "$(ns h0 cat "/sys/class/net/${VF[0]}/mtu")" = "$1" ]; }
mtu() {
	DIRTY=1
	check "1400" ip link set "${REP[0]}" mtu 1400
	check_within "reaches the VF" 3 vf_mtu 1400
	check_not "a VF can't go above" ip -n h0 link set "${VF[0]}" mtu 1500
	check "but below" ip -n h0 link set "${VF[0]}" mtu 1300
	check "9000" ip link set "${REP[0]}" mtu 9000
	check_within "reaches the VF" 3 vf_mtu 9000
	check_not "9001" ip link set "${REP[0]}" mtu 9001
	check "legacy" mode_set legacy
	check "no limit of it is left" ip -n h0 link set "${VF[0]}" mtu 9000
}

stat() { ip -j -s link show "${REP[0]}" | jq ".[0].stats64.$1"; }
stat_grew() { [ $(($(stat "$1") - $2)) -ge "$3" ]; }

# Seen from the switch: what the VF sends is received by its representor.
statistics() {
	local rx tx rxb
	check "ping" ping_ok h0 192.0.2.254
	sleep 0.5
	rx=$(stat rx.packets) tx=$(stat tx.packets) rxb=$(stat rx.bytes)
	check "frames from the VF" pkt send -n 50 "h0/${VF[0]}" "eth dst=02:00:00:00:00:01/ip/udp/len 100"
	check_within "received" 3 stat_grew rx.packets "$rx" 50
	check_ge "bytes" $(($(stat rx.bytes) - rxb)) $((50 * 142))
	check_lt "not sent" $(($(stat tx.packets) - tx)) 10
	tx=$(stat tx.packets)
	check "frames to the VF" pkt send -n 50 "${REP[0]}" "eth dst=ff:ff:ff:ff:ff:ff/ip/udp/len 20"
	check_within "sent" 3 stat_grew tx.packets "$tx" 50
}

cpu_hit_counts() {
	local n
	n=$(cpu_hit "${REP[0]}")
	check "frames" pkt send -n 40 "h0/${VF[0]}" "eth dst=02:00:00:00:00:01/ip/udp/len 20"
	check_within "all took the CPU" 3 cpu_grew "$n" 40
	n=$(cpu_hit "$PF")
	check_ne "p0 counts as well" "$n" ""
}
cpu_grew() { [ $(($(cpu_hit "${REP[0]}") - $1)) -ge "$2" ]; }

drops() {
	local n
	n=$(stat rx.dropped)
	check "down" ip link set "${REP[0]}" down
	check_within "no carrier" 3 vf_carrier 0
	n=$(stat tx.packets)
	check_not "nothing passes" ping_ok h0 192.0.2.254 -c 1 -W 1
	check_eq "nothing sent" "$(stat tx.packets)" "$n"
	check "up" ip link set "${REP[0]}" up
}

ethtool_basics() {
	DIRTY=1
	check_eq "driver" "$(ethtool -i "${REP[0]}" | sed -n 's/^driver: //p')" sluice_rep
	check_eq "bus address" "$(ethtool -i "${REP[0]}" | sed -n 's/^bus-info: //p')" "$PF_PCI"
	check "link" ethtool "${REP[0]}"
	check "statistics" sh -c "ethtool -S ${REP[0]} | grep -q vport_tx_packets"
	check "hw-tc-offload is on" sh -c "ethtool -k ${REP[0]} | grep -q 'hw-tc-offload: on'"
	check "off" ethtool -K "${REP[0]}" hw-tc-offload off
	check "on" ethtool -K "${REP[0]}" hw-tc-offload on
	check "checksums off" ethtool -K "${REP[0]}" tx off rx off
	check "ping without" ping_ok h0 192.0.2.254
	check "checksums on" ethtool -K "${REP[0]}" tx on rx on
}

addresses_stable() {
	DIRTY=1
	local a b
	a=$(mac_of "-/${REP[0]}") b=$(mac_of "-/${REP[1]}")
	check_ne "two representors differ" "$a" "$b"
	check "legacy" mode_set legacy
	check "switchdev" mode_set switchdev
	devs_refresh
	check_eq "the same after a mode change" "$(mac_of "-/${REP[0]}")" "$a"
}

# team and bond change the address of a port that is up, and LACP asks for a group's.
address_changes() {
	DIRTY=1
	local i
	for i in "${REP[0]}" "$(uplink_of 1)"; do
		check "$i up" ip link set "$i" up
		check "a new address for $i" ip link set "$i" address 02:00:00:00:00:99
		check "a group of $i" ip maddr add 01:80:c2:00:00:02 dev "$i"
		check "not any more" ip maddr del 01:80:c2:00:00:02 dev "$i"
	done
	check "the VF asks for it" ns h0 ip neigh flush all
	check "ping" ping_ok h0 192.0.2.254
	check "the VF knows it" ns h0 sh -c "ip neigh show 192.0.2.254 | grep -q 02:00:00:00:00:99"
}

netns_fixed() {
	ns_add elsewhere
	check_not "a representor does not leave its switch" ip link set "${REP[1]}" netns elsewhere
}

bridge_port() {
	DIRTY=1
	vf_ns 1 h1 192.0.2.2/24
	ip addr flush dev "${REP[0]}"
	check "bridge" ip link add br-rep type bridge
	ip link set "${REP[0]}" master br-rep
	ip link set "${REP[1]}" master br-rep
	ip link set "$PF" master br-rep
	ip link set br-rep up
	wire_ns 0 far 192.0.2.3/24
	check_within "VF to VF" 5 ping_ok h0 192.0.2.2
	check_within "VF to wire" 5 ping_ok h0 192.0.2.3
	ip link set "$PF" nomaster
}

tc_redirect_software() {
	DIRTY=1
	vf_ns 1 h1 192.0.2.2/24
	ip addr flush dev "${REP[0]}"
	ingress_add "${REP[0]}" "${REP[1]}"
	tc filter add dev "${REP[0]}" ingress matchall skip_hw action mirred egress redirect dev "${REP[1]}"
	tc filter add dev "${REP[1]}" ingress matchall skip_hw action mirred egress redirect dev "${REP[0]}"
	check_within "ping" 5 ping_ok h0 192.0.2.2
	iperf_server h1 192.0.2.2
	check "TCP" iperf h0 192.0.2.2 -n 8M
}

up_down_traffic() {
	local i
	bg h0 ping -f -q 192.0.2.254
	bg - ping -f -q -s 3000 192.0.2.1
	for i in 1 2 3 4 5; do
		check "down" ip link set "${REP[0]}" down
		check "up" ip link set "${REP[0]}" up
	done
	for i in 1 2 3; do
		check "PF down, representor stays" ip link set "$PF" down
		# Two floods may fill a receive ring: one ping in some seconds.
		check_within "ping" 5 ping_ok - 192.0.2.1
		check "PF up" ip link set "$PF" up
	done
	bg_stop
	check_within "ping" 5 ping_ok h0 192.0.2.254
}

vf_reset() {
	DIRTY=1
	bg h0 ping -f -q 192.0.2.254
	check "FLR" sh -c "echo 1 > /sys/bus/pci/devices/${VF_PCI[0]}/reset"
	bg_stop
	check_within "ping" 10 ping_ok h0 192.0.2.254
}

# Many senders on one ring: nothing hangs, the queues wake up again.
queue_pressure() {
	DIRTY=1
	local i
	vf_ns 1 h1 198.51.100.1/24
	ip addr add 198.51.100.254/24 dev "${REP[1]}"
	for i in 1 2 3 4; do
		bg - ping -f -q -s 1400 192.0.2.1
		bg - ping -f -q -s 1400 198.51.100.1
	done
	check "a burst" pkt send -n 5000 "${REP[0]}" "eth dst=ff:ff:ff:ff:ff:ff/ip/udp/len 1000"
	bg_stop
	check_within "first representor works" 5 ping_ok - 192.0.2.1
	check_within "second representor works" 5 ping_ok - 198.51.100.1
}

tests_run "$@"
