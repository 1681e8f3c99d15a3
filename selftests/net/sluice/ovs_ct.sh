#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=400 kernels=test
#
# Open vSwitch with a connection tracking pipeline and NAT: established
# connections are in hardware. Debian's kernels lack NET_TC_SKB_EXT, which OVS
# asks for.

ALL_TESTS="stateful nat ipv6 through_tunnel"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ovs_lib.sh"
. "$SLUICE_LIB/ct_lib.sh"

setup() {
	sluice_setup switchdev 2 || return 1
	ct_up
	vf_ns 0 h0 192.0.2.1/24 || return 1
	vf_ns 1 h1 192.0.2.2/24 || return 1
	check "Open vSwitch starts" ovs_up || return 1
	check "its bridge" ovs_bridge br0 "${REP[0]}" "${REP[1]}"
}

cleanup() { ovs_down; }

after() {
	ovs-ofctl del-flows br0
	check "no connection left" ct_clean
}

flows() {
	ovs-ofctl del-flows br0 && sed 's/^[ \t]*//; /^$/d' | ovs-ofctl add-flows br0 -
}

# Traffic for a while, of which the CPU sees little: mostly_hardware ADDR DEV2.
mostly_hardware() {
	local hits
	hits=$(($(cpu_hit "${REP[0]}") + $(cpu_hit "$2")))
	check "TCP to $1" iperf h0 "$1" -n 20M
	hits=$(($(cpu_hit "${REP[0]}") + $(cpu_hit "$2") - hits))
	# 20 MB are more than 13,000 packets one way.
	check_lt "packets the CPU saw" $hits 6000
}

watch_conns() {
	local n
	while sleep 0.2; do
		n=$(ct_conns)
		[ "$n" -gt "$(cat "$SLUICE_TMP/max")" ] && echo "$n" > "$SLUICE_TMP/max"
	done
}

# traffic ADDR [NS SERVER DEV2]: from VF 0 to ADDR, where SERVER in NS answers.
traffic() {
	iperf_server "${2:-h1}" "${3:-192.0.2.2}"
	echo 0 > "$SLUICE_TMP/max"
	watch_conns &
	BG_PIDS+=($!)
	check "the first connection" iperf h0 "$1" -n 1M
	mostly_hardware "$1" "${4:-${REP[1]}}"
	check_ge "connections were in the device" "$(cat "$SLUICE_TMP/max")" 1
}

stateful() {
	check "flows" flows <<-'EOF'
		arp,actions=normal
		ip,ct_state=-trk,actions=ct(table=1,zone=5)
		table=1,ip,ct_state=+trk+new,tcp,tp_dst=5201,actions=ct(commit,zone=5),normal
		table=1,ip,ct_state=+trk+est,actions=normal
		EOF
	traffic 192.0.2.2
}

# h0 talks to an address that is not there.
nat() {
	ip -n h0 neigh replace 192.0.2.77 lladdr "$(mac_of "h1/${VF[1]}")" dev "${VF[0]}"
	check "flows" flows <<-'EOF'
		arp,actions=normal
		ip,ct_state=-trk,actions=ct(table=1,zone=6,nat)
		table=1,ip,ct_state=+trk+new,nw_dst=192.0.2.77,actions=ct(commit,zone=6,nat(dst=192.0.2.2)),normal
		table=1,ip,ct_state=+trk+est,actions=normal
		EOF
	traffic 192.0.2.77
}

ipv6() {
	ipv6_on h0
	ipv6_on h1
	ip -n h0 addr add 2001:db8::1/64 dev "${VF[0]}" nodad
	ip -n h1 addr add 2001:db8::2/64 dev "${VF[1]}" nodad
	check "flows" flows <<-'EOF'
		icmp6,actions=normal
		tcp6,ct_state=-trk,actions=ct(table=1,zone=7)
		table=1,ct_state=+trk+new,tcp6,tp_dst=5201,actions=ct(commit,zone=7),normal
		table=1,tcp6,ct_state=+trk+est,actions=normal
		EOF
	traffic 2001:db8::2 h1 2001:db8::2
	ns h0 sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ns h1 sysctl -qw net.ipv6.conf.all.disable_ipv6=1
}

# What comes out of a tunnel goes through connection tracking, and what comes
# out of that into the tunnel.
through_tunnel() {
	ip link set "$PF" mtu 1600
	ip addr add 10.7.0.1/24 dev "$PF"
	wire_ns 0 far 10.7.0.2/24
	ip -n far link set wire0 mtu 1600
	ip -n far link add vx type vxlan id 42 remote 10.7.0.1 dstport 4789
	ip -n far addr add 192.0.2.9/24 dev vx
	ip -n far link set vx up
	check "tunnel" ovs_tunnel br0 vxlan 10.7.0.2 key=42
	check "flows" flows <<-'EOF'
		arp,actions=normal
		ip,ct_state=-trk,actions=ct(table=1,zone=8)
		table=1,ip,ct_state=+trk+new,tcp,tp_dst=5201,actions=ct(commit,zone=8),normal
		table=1,ip,ct_state=+trk+est,actions=normal
		EOF
	traffic 192.0.2.9 far 192.0.2.9 "$PF"
	check "no tunnel" ovs-vsctl -t 10 del-port br0 tun0
	ip addr del 10.7.0.1/24 dev "$PF"
	ip -n far link del vx
}

tests_run "$@"
