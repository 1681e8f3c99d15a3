#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=4 timeout=300 kernels=stock manual=1
#
# What Open vSwitch makes of bridge and flow configuration, in hardware: IPv6,
# fragments, TTL, 802.1ad, mirrors, meters, policing, sFlow.

ALL_TESTS="ipv6 fragments dec_ttl qinq dot1q_tunnel mirror meter ingress_policing set_fields sflow"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ovs_lib.sh"

setup() {
	sluice_setup switchdev 3 || return 1
	vf_ns 0 h0 192.0.2.1/24 || return 1
	vf_ns 1 h1 192.0.2.2/24 || return 1
	vf_ns 2 h2 || return 1
	M0=$(mac_of "h0/${VF[0]}") M1=$(mac_of "h1/${VF[1]}")
	# 2: both tags of a frame are the flow's, not only the outer one.
	check "Open vSwitch starts" ovs_up vlan-limit=2 || return 1
	check "its bridge" ovs_bridge br0 "${REP[0]}" "${REP[1]}" "${REP[2]}"
}

cleanup() { ovs_down; }

after() { check "one flow" one_flow br0; }

flows() { ovs-ofctl -t 10 del-flows br0 && ovs-ofctl -t 10 -O OpenFlow13 add-flows br0 -; }

# hw_flow N REGEX: VF N's representor has such a flow in hardware, within a while.
hw_flow() { check_within "in hardware: $2" 10 ovs_flow_is "${REP[$1]}" "$2"; }

ipv6() {
	local i
	for i in 0 1; do
		ipv6_on "h$i"
		ip -n "h$i" addr add "2001:db8::$((i + 1))/64" dev "${VF[i]}" nodad
	done
	check_within "reach each other" 10 ping_ok h0 2001:db8::2 -c 3 -i 0.2
	hw_flow 0 "dst=$M1.*eth_type\(0x86dd\).*offloaded:yes, dp:tc"
	hw_flow 1 "dst=$M0.*eth_type\(0x86dd\).*offloaded:yes, dp:tc"
	iperf_server h1 2001:db8::2
	cpu_still "${REP[0]}" "${REP[1]}" iperf h0 2001:db8::2 -n 5M
	# Fragments of IPv6 Open vSwitch does not offer to tc: netdev_tc_flow_put()
	# says "offloading of IPv6 fragments isn't supported".
	check "fragments" ping_ok h0 2001:db8::2 -c 20 -i 0.05 -s 3000
	for i in first later; do
		check "$i fragments by software" ovs_flow_is "${REP[0]}" \
			"eth_type\(0x86dd\),ipv6\(.*frag=$i\).*dp:ovs"
	done
	check "by hardware what is none" ovs_flow_is "${REP[0]}" \
		"eth_type\(0x86dd\),ipv6\(.*frag=no\).*offloaded:yes, dp:tc"
	for i in 0 1; do
		ns "h$i" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
}

fragments() {
	local i
	check "fragments" ping_ok h0 192.0.2.2 -c 3 -i 0.2 -s 3000
	for i in first later; do
		hw_flow 0 "eth_type\(0x0800\),ipv4\(.*frag=$i\).*offloaded:yes, dp:tc"
		hw_flow 1 "eth_type\(0x0800\),ipv4\(.*frag=$i\).*offloaded:yes, dp:tc"
	done
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 50 -i 0.02 -s 3000
}

ttl_is() { ns h0 ping -c 1 -W 1 192.0.2.2 | grep -q "ttl=$1 "; }

dec_ttl() {
	check "flows" flows <<-EOF2
		priority=10,ip,in_port=${REP[0]},actions=dec_ttl,output:${REP[1]}
		priority=10,ip,in_port=${REP[1]},actions=dec_ttl,dec_ttl,output:${REP[0]}
		priority=0,actions=normal
	EOF2
	check_within "the answer's TTL" 5 ttl_is 62
	hw_flow 0 'offloaded:yes, dp:tc, actions:set\(ipv4\(ttl=63\)\)'
	hw_flow 1 'offloaded:yes, dp:tc, actions:set\(ipv4\(ttl=62\)\)'
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 50 -i 0.02
	check "the answer's TTL by hardware" ttl_is 62
	iperf_server h1 192.0.2.2
	cpu_still "${REP[0]}" "${REP[1]}" iperf h0 192.0.2.2 -n 5M
}

# A host with a customer's VLAN in a service VLAN.
qinq_up() {
	ip -n "h$1" link add link "${VF[$1]}" name s type vlan proto 802.1ad id 100 &&
	ip -n "h$1" link add link s name c type vlan proto 802.1q id 7 &&
	ip -n "h$1" addr add "198.51.100.$(($1 + 1))/24" dev c &&
	ip -n "h$1" link set s up mtu 1496 &&
	ip -n "h$1" link set c up mtu 1492
}

qinq() {
	check "hosts" eval "qinq_up 0 && qinq_up 1"
	check_within "reach each other" 10 ping_ok h0 198.51.100.2 -c 3 -i 0.2
	hw_flow 0 'eth_type\(0x88a8\),vlan\(vid=100.*offloaded:yes, dp:tc'
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 198.51.100.2 -c 50 -i 0.02
	check "a flow that pops the outer and one that pushes it" flows <<-EOF2
		priority=10,in_port=${REP[0]},dl_vlan=100,actions=pop_vlan,output:${REP[2]}
		priority=10,in_port=${REP[2]},dl_vlan=7,actions=push_vlan:0x88a8,set_field:4196->vlan_vid,output:${REP[0]}
	EOF2
	ip -n h2 link add link "${VF[2]}" name c type vlan id 7
	ip -n h2 addr add 198.51.100.3/24 dev c
	ip -n h2 link set c up mtu 1492
	check_within "single-tagged host" 10 ping_ok h0 198.51.100.3 -c 3 -i 0.2
	hw_flow 0 'offloaded:yes, dp:tc, actions:pop_vlan'
	hw_flow 2 'offloaded:yes, dp:tc, actions:push_vlan\(tpid=0x88a8,vid=100'
	cpu_still "${REP[0]}" "${REP[2]}" ping_ok h0 198.51.100.3 -c 50 -i 0.02
	ip -n h2 link del c
	ip -n h0 link del s
	ip -n h1 link del s
}

# The provider's bridge: what the customers send, tagged or not, gets one more tag.
dot1q_tunnel() {
	check "tunnel port" ovs-vsctl -t 10 set port "${REP[0]}" vlan_mode=dot1q-tunnel tag=300 \
		other_config:qinq-ethtype=802.1ad
	ip -n h2 link add link "${VF[2]}" name s type vlan proto 802.1ad id 300
	ip -n h2 addr add 198.51.100.3/24 dev s
	ip -n h2 link set s up mtu 1496
	ip -n h0 addr add 198.51.100.1/24 dev "${VF[0]}"
	check_within "through the tunnel" 10 ping_ok h0 198.51.100.3 -c 3 -i 0.2
	hw_flow 0 'offloaded:yes, dp:tc, actions:push_vlan\((tpid=0x88a8,)?vid=300'
	hw_flow 2 'offloaded:yes, dp:tc, actions:pop_vlan'
	cpu_still "${REP[0]}" "${REP[2]}" ping_ok h0 198.51.100.3 -c 50 -i 0.02
	ip -n h0 addr del 198.51.100.1/24 dev "${VF[0]}"
	ip -n h2 link del s
	check "as it was" ovs-vsctl -t 10 clear port "${REP[0]}" vlan_mode tag -- \
		remove port "${REP[0]}" other_config qinq-ethtype
}

not_copied() {
	ping_ok h0 192.0.2.2 -c 1
	ovs_flow_is "${REP[0]}" "dst=$M1.*offloaded:yes, dp:tc, actions:${REP[1]}\$"
}

vf_received() { ip -n h2 -j -s link show "${VF[2]}" | jq '.[0].stats64.rx.packets'; }

mirror() {
	local was
	check "mirror of all to VF 2" ovs-vsctl -t 10 -- --id=@p get port "${REP[2]}" -- \
		--id=@m create mirror name=m select-all=true output-port=@p -- \
		set bridge br0 mirrors=@m
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	hw_flow 0 "dst=$M1.*offloaded:yes, dp:tc, actions:(${REP[2]},${REP[1]}|${REP[1]},${REP[2]})"
	was=$(vf_received)
	cpu_still "${REP[0]}" "${REP[1]}" ping_ok h0 192.0.2.2 -c 50 -i 0.02
	check_ge "copies that VF 2 got" $(($(vf_received) - was)) 100
	check "no mirror" ovs-vsctl -t 10 clear bridge br0 mirrors
	# Open vSwitch forgets all MAC addresses when its mirrors change, and flows are
	# floods until somebody is heard.
	check_within "flow without a copy" 10 not_copied
}

metered() {
	[ "$(ovs-ofctl -t 10 -O OpenFlow13 meter-stats br0 |
		sed -n 's/.*packet_in_count:\([0-9]*\).*/\1/p')" -ge "$1" ]
}

meter() {
	local got
	check "a meter of 50 packets per second" ovs-ofctl -t 10 -O OpenFlow13 add-meter br0 \
		meter=1,pktps,burst,band=type=drop,rate=50,burst_size=50
	check "flows" flows <<-EOF2
		priority=10,udp,in_port=${REP[0]},actions=meter:1,output:${REP[1]}
		priority=0,actions=normal
	EOF2
	# Fills the bucket again and makes the flow.
	udp_ports h0 h1 192.0.2.2 1 1 > /dev/null
	hw_flow 0 'offloaded:yes, dp:tc, actions:meter\('
	sleep 1
	got=$(udp_ports h0 h1 192.0.2.2 10000: 500 0)
	check_ge "datagrams that pass" "$got" 40
	# The bucket and what came in while they were sent.
	check_lt "datagrams that pass" "$got" 400
	check_within "packets in the meter" 5 metered 400
	one_flow br0
	check "no meter" ovs-ofctl -t 10 -O OpenFlow13 del-meters br0
}

policed() { tc -j filter show dev "${REP[0]}" ingress | jq -e 'any(.[]; .kind == "matchall" and .options.in_hw == true)'; }

ingress_policing() {
	local free limited
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
	iperf_server h1 192.0.2.2
	free=$(iperf h0 192.0.2.2 -t 2)
	check "8 Mbit/s" ovs-vsctl -t 10 set interface "${REP[0]}" ingress_policing_rate=8000 \
		ingress_policing_burst=1000
	check_within "policer in hardware" 5 policed
	limited=$(iperf h0 192.0.2.2 -u -b 40M -t 3)
	note "without: $free Mbit/s, with: $limited Mbit/s"
	check_le "Mbit/s that pass" "$limited" 12
	check_ge "Mbit/s that pass" "$limited" 3
	check "no limit" ovs-vsctl -t 10 set interface "${REP[0]}" ingress_policing_rate=0 \
		ingress_policing_burst=0
	check "traffic" ping_ok h0 192.0.2.2
}

# A router's flow: addresses of both layers, TTL, DSCP.
set_fields() {
	check "flows" flows <<-EOF2
		priority=10,ip,in_port=${REP[0]},nw_dst=203.0.113.9,actions=set_field:$M1->eth_dst,set_field:02:00:00:00:77:01->eth_src,set_field:192.0.2.2->ip_dst,set_field:198.51.100.77->ip_src,set_field:10->ip_dscp,dec_ttl,output:${REP[1]}
		priority=10,ip,in_port=${REP[1]},nw_dst=198.51.100.77,actions=set_field:$M0->eth_dst,set_field:192.0.2.1->ip_dst,set_field:203.0.113.9->ip_src,output:${REP[0]}
		priority=0,actions=normal
	EOF2
	ip -n h0 route add 203.0.113.0/24 via 192.0.2.254
	ip -n h0 neigh add 192.0.2.254 lladdr 02:00:00:00:77:00 dev "${VF[0]}"
	ip -n h1 route add 198.51.100.0/24 via 192.0.2.254
	ip -n h1 neigh add 192.0.2.254 lladdr 02:00:00:00:77:01 dev "${VF[1]}"
	check_within "through the flows" 10 ping_ok h0 203.0.113.9 -c 3 -i 0.2
	hw_flow 0 'offloaded:yes, dp:tc, actions:set\(eth.*set\(ipv4'
	hw_flow 1 'offloaded:yes, dp:tc, actions:set\(eth.*set\(ipv4'
	iperf_server h1 192.0.2.2
	cpu_still "${REP[0]}" "${REP[1]}" iperf h0 203.0.113.9 -n 5M
	ip -n h0 route del 203.0.113.0/24
	ip -n h1 route del 198.51.100.0/24
}

# Open vSwitch gives tc no sample action: the flow is its own datapath's, and
# nothing is lost.
sflow() {
	check "sFlow" ovs-vsctl -t 10 -- --id=@s create sflow agent=lo "targets=\"127.0.0.1:6343\"" \
		sampling=10 -- set bridge br0 sflow=@s
	check_within "traffic" 10 ping_ok h0 192.0.2.2 -c 20 -i 0.05
	check_within "a flow that samples" 10 ovs_flow_is "${REP[0]}" "dst=$M1.*sample\("
	check "no sFlow" ovs-vsctl -t 10 clear bridge br0 sflow
	settled h0 192.0.2.2 "${REP[0]}" "$M1" "${REP[1]}" "$M0"
}

tests_run "$@"
