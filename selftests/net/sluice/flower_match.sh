#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=900 kernels=stock
#
# Every flower key: a frame that matches and near misses, with the rule in
# software (skip_hw), then in hardware (skip_sw). What software says is the
# expectation.

ALL_TESTS="eth proto vlan cvlan num_vlans ip4 ip6 tos_ttl frag
	tcp udp sctp icmp icmp6 arp tcp_flags indev l2_miss mpls pppoe l2tpv3 spi
	cfm ranges range_order all_at_once"

. "$(dirname "$0")/lib.sh"

# The slow kernel with checkers need not ask software again.
FLAGS="skip_hw skip_sw"
[ "${SLUICE_KERNEL:-stock}" = stock ] || FLAGS=skip_sw

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"

setup() {
	sluice_setup switchdev 2 && ingress_add "${REP[0]}"
}

# A frame that has to come out says so at its end.
matched() {
	pkt xfer -e 1 -t 2 --tx "${VF[0]}" --rx "${VF[1]}" "$@" | awk '{ print $2, $3 }'
}

# try PROTOCOL KEYS HIT MISS...: a rule with these keys redirects to VF 1 the
# frame HIT and none of the others.
try() {
	local proto=$1 keys=$2 hit=$3 flags got i specs=()
	shift 3
	for i in "$@"; do specs+=("$i/raw dead0000"); done
	specs+=("$hit/raw c0ffee00")
	for flags in $FLAGS; do
		# shellcheck disable=SC2086 # KEYS are words
		check "$flags: $keys" tc filter add dev "${REP[0]}" ingress protocol "$proto" \
			pref 10 handle 1 flower $flags $keys \
			action mirred egress redirect dev "${REP[1]}" || continue
		got=$(matched "${specs[@]}")
		[[ $got =~ ^1\ [0-9a-f]*c0ffee00$ ]] ||
			fail "$proto $keys $flags: came out: ${got:-nothing}"
		if [ $flags = skip_sw ]; then
			check "$keys: counter" tc_hw_reaches "${REP[0]}" 1 1
		fi
		tc filter del dev "${REP[0]}" ingress pref 10
	done
}
after() { check "nothing left" tables_empty; }

eth() {
	try all "dst_mac 02:00:00:00:00:02" "$A/len 50" \
		"eth dst=02:00:00:00:00:03 src=02:00:00:00:00:01/len 50"
	try all "src_mac 02:00:00:00:00:01" "$A/len 50" \
		"eth dst=02:00:00:00:00:02 src=02:00:00:00:00:81/len 50"
	try all "dst_mac 02:00:00:00:00:00/ff:ff:ff:ff:ff:f0" "$A/len 50" \
		"eth dst=02:00:00:00:00:12 src=02:00:00:00:00:01/len 50"
	try all "dst_mac 01:00:00:00:00:00/01:00:00:00:00:00" \
		"eth dst=ff:ff:ff:ff:ff:ff src=02:00:00:00:00:01/len 50" "$A/len 50"
	try all "dst_mac 02:00:00:00:00:02 src_mac 02:00:00:00:00:01" "$A/len 50" \
		"eth dst=02:00:00:00:00:02 src=02:00:00:00:00:02/len 50" \
		"eth dst=02:00:00:00:00:01 src=02:00:00:00:00:02/len 50"
}

proto() {
	try ip "" "$A/ip/udp" "$A/ip6/udp" "$A/vlan id=5/ip/udp" "$A/arp"
	try ipv6 "" "$A/ip6/udp" "$A/ip/udp"
	try arp "" "$A/arp" "$A/ip/udp"
	try 0x88b5 "" "eth type=0x88b5/len 50" "eth type=0x88b6/len 50"
	try 802.1q "" "$A/vlan id=5/ip/udp" "$A/ip/udp" "$A/vlan tpid=0x88a8/ip/udp"
	try 802_2 "" "eth type=60/raw 0000/len 54" "$A/ip/udp" "eth type=60/raw ffff/len 54"
	try 802_3 "" "eth type=60/raw ffff/len 54" "$A/ip/udp"
}

vlan() {
	try 802.1q "vlan_id 5" "$A/vlan id=5/ip/udp" "$A/vlan id=6/ip/udp" "$A/vlan id=0/ip/udp"
	try 802.1q "vlan_prio 3" "$A/vlan prio=3 id=9/ip/udp" "$A/vlan prio=2 id=9/ip/udp"
	try 802.1q "vlan_id 5 vlan_prio 3" "$A/vlan id=5 prio=3/ip/udp" \
		"$A/vlan id=5 prio=7/ip/udp" "$A/vlan id=4 prio=3/ip/udp"
	try 802.1q "vlan_ethtype ip" "$A/vlan id=5/ip/udp" "$A/vlan id=5/ip6/udp"
	try 802.1q "vlan_id 5 vlan_ethtype ip dst_ip 192.0.2.2 ip_proto udp dst_port 2000" \
		"$A/vlan id=5/ip/udp" "$A/vlan id=5/ip dst=192.0.2.3/udp" \
		"$A/vlan id=5/ip/udp dport=2001" "$A/ip/udp"
	try 802.1ad "vlan_id 5" "$A/vlan id=5 tpid=0x88a8/ip/udp" "$A/vlan id=5/ip/udp"
}

cvlan() {
	try 802.1ad "vlan_id 5 vlan_ethtype 802.1q cvlan_id 7" \
		"$A/vlan id=5 tpid=0x88a8/vlan id=7/ip/udp" \
		"$A/vlan id=5 tpid=0x88a8/vlan id=8/ip/udp" \
		"$A/vlan id=7 tpid=0x88a8/vlan id=5/ip/udp" \
		"$A/vlan id=5 tpid=0x88a8/ip/udp"
	try 802.1q "vlan_ethtype 802.1q cvlan_prio 4" \
		"$A/vlan id=5/vlan id=7 prio=4/ip/udp" "$A/vlan id=5 prio=4/vlan id=7/ip/udp"
	try 802.1q "vlan_ethtype 802.1q cvlan_id 7 cvlan_ethtype ip ip_proto tcp" \
		"$A/vlan id=5/vlan id=7/ip/tcp" "$A/vlan id=5/vlan id=7/ip/udp" \
		"$A/vlan id=5/vlan id=7/ip6/tcp"
}

num_vlans() {
	try all "num_of_vlans 1" "$A/vlan id=5/ip/udp" "$A/ip/udp" "$A/vlan id=5/vlan id=6/ip/udp"
	try all "num_of_vlans 2" "$A/vlan id=5/vlan id=6/ip/udp" "$A/vlan id=5/ip/udp"
}

ip4() {
	try ip "src_ip 192.0.2.1" "$A/ip/udp" "$A/ip src=192.0.2.9/udp"
	try ip "dst_ip 192.0.2.2" "$A/ip/udp" "$A/ip dst=192.0.2.1/udp"
	try ip "dst_ip 192.0.0.0/16" "$A/ip/udp" "$A/ip dst=192.1.2.2/udp"
	try ip "src_ip 0.0.0.0/8" "$A/ip src=0.1.2.3/udp" "$A/ip/udp"
	try ip "dst_ip 192.0.2.2" "$A/ip opts=0101010144040500/udp" \
		"$A/ip opts=0101010144040500 dst=192.0.2.1/udp"
	try ip "ip_proto fd" "$A/ip proto=253/len 20" "$A/ip proto=254/len 20"
}

ip6() {
	try ipv6 "src_ip 2001:db8::1" "$A/ip6/udp" "$A/ip6 src=2001:db8::3/udp"
	try ipv6 "dst_ip 2001:db8::/32" "$A/ip6/udp" "$A/ip6 dst=2001:db9::2/udp"
	try ipv6 "ip_proto udp dst_port 2000" "$A/ip6/hbh/dstopts/udp" "$A/ip6/hbh/dstopts/tcp" \
		"$A/ip6/hbh/udp dport=1"
	try ipv6 "ip_proto tcp" "$A/ip6/tcp" "$A/ip6/udp"
}

tos_ttl() {
	try ip "ip_tos 0x10" "$A/ip tos=0x10/udp" "$A/ip tos=0x11/udp"
	try ip "ip_tos 0x10/0xf0" "$A/ip tos=0x1f/udp" "$A/ip tos=0x20/udp"
	try ip "ip_ttl 63" "$A/ip ttl=63/udp" "$A/ip ttl=64/udp"
	try ip "ip_ttl 64/0xc0" "$A/ip ttl=65/udp" "$A/ip ttl=1/udp"
	try ipv6 "ip_tos 0x28" "$A/ip6 tc=0x28/udp" "$A/ip6 tc=0x29/udp"
	try ipv6 "ip_ttl 1" "$A/ip6 hlim=1/udp" "$A/ip6 hlim=2/udp"
}

frag() {
	try ip "ip_flags frag" "$A/ip mf=1 proto=17/len 24" "$A/ip/udp/len 8"
	try ip "ip_flags nofrag" "$A/ip/udp/len 8" "$A/ip mf=1 proto=17/len 24" \
		"$A/ip frag=64 proto=17/len 24"
	try ip "ip_flags firstfrag" "$A/ip mf=1 proto=17/len 24" "$A/ip frag=64 proto=17/len 24"
	try ip "ip_flags frag/nofirstfrag" "$A/ip frag=64 proto=17/len 24" \
		"$A/ip mf=1 proto=17/len 24" "$A/ip/udp/len 8"
	try ip "ip_proto udp dst_port 2000" "$A/ip/udp/len 8" \
		"$A/ip frag=64 proto=17/raw 03e807d0/len 24"
	try ipv6 "ip_flags frag" "$A/ip6/frag mf=1 nh=17/len 24" "$A/ip6/udp/len 8"
	try ipv6 "ip_flags frag/nofirstfrag" "$A/ip6/frag off=64 nh=17/len 24" \
		"$A/ip6/frag mf=1 nh=17/len 24"
}

ports() {
	try ip "ip_proto $1 src_port 1000" "$A/ip/$1" "$A/ip/$1 sport=1001"
	try ip "ip_proto $1 dst_port 2000" "$A/ip/$1" "$A/ip/$1 dport=1000"
	try ip "ip_proto $1 dst_port 0x0700/0xff00" "$A/ip/$1" "$A/ip/$1 dport=0x08d0"
	try ipv6 "ip_proto $1 src_port 1000 dst_port 2000" "$A/ip6/$1" \
		"$A/ip6/$1 dport=2001" "$A/ip6/$1 sport=2000 dport=1000"
}
tcp() { ports tcp; }
udp() { ports udp; }
sctp() { ports sctp; }

icmp() {
	try ip "ip_proto icmp type 8" "$A/ip/icmp type=8" "$A/ip/icmp type=0"
	try ip "ip_proto icmp type 3 code 1" "$A/ip/icmp type=3 code=1" "$A/ip/icmp type=3 code=0"
	try ip "ip_proto icmp type 0" "$A/ip/icmp type=0" "$A/ip/icmp type=8" "$A/ip/udp"
}

icmp6() {
	try ipv6 "ip_proto icmpv6 type 128" "$A/ip6/icmp6 type=128" "$A/ip6/icmp6 type=129"
	try ipv6 "ip_proto icmpv6 type 1 code 4" "$A/ip6/icmp6 type=1 code=4" \
		"$A/ip6/icmp6 type=1 code=3"
}

arp() {
	try arp "arp_op request" "$A/arp op=1" "$A/arp op=2"
	try arp "arp_op reply" "$A/arp op=2" "$A/arp op=1"
	try arp "arp_sip 192.0.2.1" "$A/arp" "$A/arp spa=192.0.2.9"
	try arp "arp_tip 192.0.2.0/24" "$A/arp" "$A/arp tpa=192.0.3.2"
	try arp "arp_sha 02:00:00:00:00:01" "$A/arp" "$A/arp sha=02:00:00:00:00:09"
	try arp "arp_tha 02:00:00:00:00:07" "$A/arp tha=02:00:00:00:00:07" "$A/arp"
}

tcp_flags() {
	try ip "ip_proto tcp tcp_flags 0x2/0x12" "$A/ip/tcp flags=S" "$A/ip/tcp flags=SA" \
		"$A/ip/tcp flags=A"
	try ip "ip_proto tcp tcp_flags 0x10/0xfff" "$A/ip/tcp flags=A" "$A/ip/tcp flags=PA"
	try ipv6 "ip_proto tcp tcp_flags 0x1/0x1" "$A/ip6/tcp flags=FA" "$A/ip6/tcp flags=A"
}

indev() {
	try ip "indev ${REP[0]}" "$A/ip/udp"
	check "indev of another port" tc filter add dev "${REP[0]}" ingress protocol ip pref 10 \
		flower skip_sw indev "${REP[1]}" action mirred egress redirect dev "${REP[1]}"
	check_eq "frames" "$(matched "$A/ip/udp")" ""
	tc filter del dev "${REP[0]}" ingress pref 10
}

# Nothing that comes in by a port has it.
l2_miss() {
	try ip "l2_miss 0" "$A/ip/udp"
	check_refused "l2_miss 1" "l2_miss never" tc filter add dev "${REP[0]}" ingress \
		protocol ip pref 10 flower skip_sw l2_miss 1 action drop
}

# Label 100, TC 2, TTL 64; the second label 200, TC 0, TTL 9 at the bottom.
mpls() {
	local m="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=0x8847"
	local one="$m/raw 00064540/len 30" two="$m/raw 00064440000c8109/len 30"
	try mpls_uc "mpls_label 100" "$one" "$m/raw 00065540/len 30"
	try mpls_uc "mpls_tc 2 mpls_ttl 64" "$one" "$m/raw 00064740/len 30" "$m/raw 00064541/len 30"
	try mpls_uc "mpls_bos 1" "$one" "$two"
	try mpls_uc "mpls lse depth 2 label 200" "$two" "$one" "$m/raw 000c8440000c9009"
	try mpls_uc "mpls lse depth 1 label 100 lse depth 2 ttl 9 bos 1" "$two" \
		"$m/raw 00064440000c8009/len 8" "$m/raw 00064440000c8108"
	try mpls_uc "mpls lse depth 7" "$m/raw $(printf '00064040%.0s' {1..8})/len 8" \
		"$m/raw $(printf '00064040%.0s' {1..5})00064140" "$two"
	try 802.1q "vlan_ethtype mpls_uc mpls_label 100" \
		"eth dst=02:00:00:00:00:02/vlan id=5 type=0x8847/raw 00064540/len 9" \
		"eth dst=02:00:00:00:00:02/vlan id=5 type=0x8847/raw 00065540/len 9" "$one"
}

pppoe() {
	local p="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=0x8864"
	try ppp_ses "pppoe_sid 9" "$p/raw 1100000900200021/ip/udp" \
		"$p/raw 1100000a00200021/ip/udp" "$p/raw 1109000900200021/ip/udp"
	try ppp_ses "pppoe_sid 9 ppp_proto ip src_ip 192.0.2.1" "$p/raw 1100000900200021/ip/udp" \
		"$p/raw 1100000900200057/ip6/udp" "$p/raw 1100000900200021/ip src=192.0.2.9/udp"
	try ppp_ses "ppp_proto 0xc021" "$p/raw 110000090020c021/len 30" \
		"$p/raw 1100000900208021/len 30" "$p/raw 110000090020c121/len 30"
}

l2tpv3() {
	try ip "ip_proto l2tp l2tpv3_sid 9" "$A/ip proto=115/raw 00000009/len 30" \
		"$A/ip proto=115/raw 00000008/len 30"
	try ipv6 "ip_proto l2tp l2tpv3_sid 9" "$A/ip6 nh=115/raw 00000009/len 30" \
		"$A/ip6 nh=114/raw 00000009/len 30"
}

spi() {
	try ip "ip_proto esp spi 0x01020304" "$A/ip proto=50/raw 0102030400000001/len 30" \
		"$A/ip proto=50/raw 0102030500000001/len 30" "$A/ip proto=51/raw 0102030400000001"
	try ip "ip_proto ah spi 0x01020304" \
		"$A/ip proto=51/raw 060400000102030400000001/len 30" \
		"$A/ip proto=51/raw 060400000102030500000001/len 30"
}

cfm() {
	local c="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=0x8902"
	try cfm "cfm mdl 5" "$c/raw a101/len 40" "$c/raw 8101/len 40" "$c/raw 0101/len 40"
	try cfm "cfm op 1" "$c/raw a101/len 40" "$c/raw a102/len 40"
	try cfm "cfm mdl 5 op 3" "$c/raw bf03/len 40" "$c/raw bf04/len 40" "$c/raw df03/len 40"
}

# Also a frame that has no ports: they are zero.
ranges() {
	try ip "ip_proto udp dst_port 1999-2001" "$A/ip/udp" "$A/ip/udp dport=1998" \
		"$A/ip/udp dport=2002" "$A/ip/tcp"
	try ip "ip_proto tcp src_port 999-1001 dst_port 2000-2001" "$A/ip/tcp" \
		"$A/ip/tcp sport=998" "$A/ip/tcp dport=1999"
	try ip "ip_proto tcp src_port 999-1001 dst_port 2000" "$A/ip/tcp" "$A/ip/tcp dport=2001"
	try ipv6 "ip_proto sctp dst_port 1-2000" "$A/ip6/hbh/sctp" "$A/ip6/sctp dport=0" \
		"$A/ip6/sctp dport=2001"
	try ip "ip_proto udp dst_port 0-9" "$A/ip frag=64 proto=17/raw 03e807d0/len 24" \
		"$A/ip/udp dport=10"
}

range_add() {
	local handle=$1 keys=$2
	shift 2
	# shellcheck disable=SC2086 # words
	tc filter add dev "${REP[0]}" ingress protocol ip pref 10 handle "$handle" flower \
		ip_proto udp $keys "$@"
}

# Among overlapping ranges of a mask flower goes by a list that hardware is not
# told of: software decides about packets that are in both.
range_order() {
	local r=(action mirred egress redirect dev "${REP[1]}") i
	check "a range" range_add 1 "dst_ip 192.0.2.2 dst_port 100-2000" "${r[@]}"
	check_refused "one that overlaps" "overlaps" \
		range_add 2 "dst_ip 192.0.2.2 dst_port 2000-3000" skip_sw action drop
	check "it, in software" range_add 2 "dst_ip 192.0.2.2 dst_port 2000-3000" action drop
	check "not in hardware" tc_not_in_hw "${REP[0]}" 2
	check "another address" \
		range_add 3 "dst_ip 192.0.2.3 dst_port 2000-3000" skip_sw "${r[@]}"
	check_eq "in both" "$(matched "$A/ip/udp/raw 00000000c0ffee00" | cut -c1)" 1
	check_eq "software had it" "$(tc_sw_packets "${REP[0]}" 1)" 1
	check_eq "in the second only" "$(matched "$A/ip/udp dport=2001")" ""
	check "in the first only" matched "$A/ip/udp dport=100"
	check "in hardware" tc_hw_reaches "${REP[0]}" 1 1
	check_eq "address of the third" "$(matched "$A/ip dst=192.0.2.3/udp" | cut -c1)" 1
	check "in hardware" tc_hw_reaches "${REP[0]}" 3 1
	tc filter del dev "${REP[0]}" ingress pref 10
	for i in {1..64}; do
		range_add "$i" "dst_port $((i * 10))-$((i * 10 + 5))" skip_sw action drop || break
	done
	check_eq "ranges in hardware" "$i" 64
	check_refused "one more" "port ranges are in use" \
		range_add 65 "dst_port 5000-5001" skip_sw action drop
	check "it, in software" range_add 65 "dst_port 5000-5001" action drop
	check "the same again" tc filter add dev "${REP[0]}" ingress protocol ip pref 11 flower \
		ip_proto tcp dst_port 640-645 skip_sw action drop
	tc filter del dev "${REP[0]}" ingress
}

all_at_once() {
	try 802.1q "vlan_id 5 vlan_prio 1 vlan_ethtype ip dst_mac 02:00:00:00:00:02
		src_mac 02:00:00:00:00:01 src_ip 192.0.2.1 dst_ip 192.0.2.2 ip_proto tcp
		src_port 1000 dst_port 2000 tcp_flags 0x2 ip_tos 4 ip_ttl 9 ip_flags nofrag" \
		"$A/vlan id=5 prio=1/ip tos=4 ttl=9/tcp" \
		"$A/vlan id=5 prio=1/ip tos=4 ttl=9/tcp flags=A" \
		"$A/vlan id=5 prio=1/ip tos=4 ttl=8/tcp" \
		"$A/vlan id=5 prio=0/ip tos=4 ttl=9/tcp"
}

tests_run "$@"
