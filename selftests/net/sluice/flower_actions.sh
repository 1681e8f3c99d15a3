#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=900 kernels=stock
#
# Every action: the same frames through a rule in software (skip_hw) and in
# hardware (skip_sw) come out of the same ports with the same bytes.

ALL_TESTS="outputs vlans vlan_modify pedit_eth pedit_ip pedit_ip6 pedit_l4
	pedit_anywhere csum_kinds mpls eth_header skbedit ingress chain control jumps police_goto"

. "$(dirname "$0")/lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"
FRAMES=("$A/ip/udp/len 30" "$A/ip/tcp/len 31" "$A/ip/icmp/len 32"
	"$A/ip opts=0101010144040500 tos=3/udp/len 9" "$A/ip mf=1 proto=17/len 40"
	"$A/ip/udp csum=bad/len 30" "$A/ip6/udp/len 30" "$A/ip6/tcp/len 31"
	"$A/ip6/hbh/udp/len 5" "$A/ip6/icmp6/len 6" "$A/ip/sctp/len 20"
	"$A/vlan id=5 prio=2/ip/udp/len 20" "$A/vlan id=5 dei=1/ip6/tcp"
	"$A/vlan id=7 tpid=0x88a8/vlan id=8/ip/tcp" "$A/arp" "eth type=0x88b5/len 46")

setup() {
	sluice_setup switchdev 3 && ingress_add "${REP[0]}"
	TO1="action mirred egress redirect dev ${REP[1]}"
	TO2="action mirred egress redirect dev ${REP[2]}"
	COPY1="action mirred egress mirror dev ${REP[1]}"
	COPY2="action mirred egress mirror dev ${REP[2]}"
	COPYW="action mirred egress mirror dev $PF"
	# Setting promiscuous mode for each capture would take effect too late.
	ip link set wire0 up promisc on
}

come_out() {
	pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" --rx "${VF[2]}" --rx wire0 \
		"${SEND[@]}" | sort
}

# hw_counted N: rules have counted N packets in hardware since they were made.
# Not every kind of action keeps count.
hw_counted() {
	[ "$(tc -j -s filter show dev "${REP[0]}" ingress |
		jq '[.[].options.actions? // empty | [.[].stats.hw_packets // 0] | max] | add')" -ge "$1" ]
}

# same PROTOCOL KEYS ACTIONS [LINES]: what comes out, LINES distinct frames if
# given, is the same, and hardware did it.
same() {
	local proto=$1 keys=$2 actions=$3 lines=${4:-} sw hw
	[ ${#SEND[@]} -gt 0 ] || SEND=("${FRAMES[@]}")
	# shellcheck disable=SC2086 # words
	check "in software: $actions" tc filter add dev "${REP[0]}" ingress protocol "$proto" \
		pref 10 handle 1 flower skip_hw $keys $actions || return
	sw=$(come_out)
	tc filter del dev "${REP[0]}" ingress pref 10
	# shellcheck disable=SC2086 # words
	check "in hardware: $actions" tc filter add dev "${REP[0]}" ingress protocol "$proto" \
		pref 10 handle 1 flower skip_sw $keys $actions || return
	hw=$(come_out)
	check "hardware counted: $actions" wait_for 2 hw_counted 1
	tc filter del dev "${REP[0]}" ingress pref 10
	if [ "$sw" != "$hw" ]; then
		fail "$proto $keys $actions: software (<) and hardware (>) differ:"
		diff <(echo "$sw") <(echo "$hw") | sed 's/^/#   /'
	fi
	[ -z "$lines" ] || check_eq "frames from $actions" "$(grep -c . <<< "$sw")" "$lines"
}

before() { SEND=(); }
after() { check "nothing left" tables_empty; }

outputs() {
	same all "" "$TO1" ${#FRAMES[@]}
	same all "" "$COPY1 $TO2" $((2 * ${#FRAMES[@]}))
	same all "" "$COPY1 $COPY2 $COPYW action drop" $((3 * ${#FRAMES[@]}))
	same all "" "$COPY1 $COPY1 $TO1"
	same all "" "action drop" 0
	same all "" "$COPYW action drop" ${#FRAMES[@]}
	same all "" "$COPY1" ${#FRAMES[@]}
	same all "" "action mirred egress redirect dev ${REP[0]}"
}

vlans() {
	same all "" "action vlan push id 100 $TO1"
	same all "" "action vlan push id 100 priority 6 protocol 802.1ad $TO1"
	same all "" "action vlan push id 100 action vlan push id 200 $TO1"
	same all "" "action vlan pop $TO1"
	same all "" "action vlan pop action vlan pop $TO1"
	same all "" "$COPY2 action vlan push id 9 $COPYW action vlan pop $TO1"
	same all "" "action vlan pop action vlan push id 33 priority 1 $TO1"
}

vlan_modify() {
	same all "" "action vlan modify id 77 $TO1"
	same all "" "action vlan modify id 77 priority 5 $TO1"
	same all "" "action vlan modify id 77 protocol 802.1ad $TO1"
	same all "" "action vlan push id 3 action vlan modify id 4 priority 0 $TO1"
}

pedit_eth() {
	same all "" "action pedit ex munge eth dst set 02:aa:bb:cc:dd:ee pipe $TO1"
	same all "" "action pedit ex munge eth src set 02:aa:bb:cc:dd:ee munge eth dst set 06:05:04:03:02:01 pipe $TO1"
}

pedit_ip() {
	SEND=("${FRAMES[@]:0:6}" "${FRAMES[10]}")
	same ip "" "action pedit ex munge ip src set 198.51.100.1 pipe action csum ip and tcp and udp and sctp pipe $TO1"
	same ip "" "action pedit ex munge ip dst set 198.51.100.0 retain 0xffffff00 pipe action csum ip and tcp and udp pipe $TO1"
	same ip "" "action pedit ex munge ip ttl set 7 pipe action csum ip pipe $TO1"
	same ip "" "action pedit ex munge ip ttl add 0xff pipe action csum ip pipe $TO1"
	same ip "" "action pedit ex munge ip tos set 0x1c retain 0xfc pipe action csum ip pipe $TO1"
	same ip "" "action pedit ex munge ip src set 198.51.100.1 pipe $TO1"
	same ip "" "action pedit ex munge ip ttl set 3 pipe action vlan push id 5 $TO1"
	SEND=("${FRAMES[11]}")
	same 802.1q "vlan_ethtype ip" "action pedit ex munge ip dst set 198.51.100.9 pipe action csum ip and udp pipe $TO1"
}

pedit_ip6() {
	SEND=("${FRAMES[@]:6:4}")
	same ipv6 "" "action pedit ex munge ip6 src set 2001:db8:5::9 pipe action csum tcp and udp and icmp pipe $TO1"
	same ipv6 "" "action pedit ex munge ip6 dst set 2001:db8:5::9 pipe action csum tcp and udp pipe $TO1"
	same ipv6 "" "action pedit ex munge ip6 hoplimit set 3 pipe $TO1"
	same ipv6 "" "action pedit ex munge ip6 hoplimit add 0xff pipe $TO1"
	same ipv6 "" "action pedit ex munge ip6 traffic_class set 0x40 retain 0xfc pipe $TO1"
}

pedit_l4() {
	SEND=("$A/ip/udp/len 30" "$A/ip/udp csum=0/len 30" "$A/ip/udp csum=bad/len 30")
	same ip "ip_proto udp" "action pedit ex munge udp sport set 5000 pipe action csum udp pipe $TO1"
	same ip "ip_proto udp" "action pedit ex munge udp dport set 5000 munge udp sport set 1 pipe action csum ip and udp pipe $TO1"
	same ip "ip_proto udp" "action pedit ex munge udp dport add 1 pipe action csum udp pipe $TO1"
	SEND=("$A/ip/tcp/len 31" "$A/ip opts=01010101/tcp/len 3")
	same ip "ip_proto tcp" "action pedit ex munge tcp dport set 5000 pipe action csum tcp pipe $TO1" 2
	same ip "ip_proto tcp" "action pedit ex munge tcp sport set 5000 pipe $TO1"
	SEND=("$A/ip6/tcp/len 31" "$A/ip6/udp/len 4")
	same ipv6 "ip_proto tcp" "action pedit ex munge tcp sport set 5000 pipe action csum tcp pipe $TO1" 1
}

# The ethertype; type and code of ICMP, with and without a new checksum; and bytes
# that lie anywhere.
pedit_anywhere() {
	SEND=("${FRAMES[@]}")
	same all "" "action pedit ex munge eth type set 0x88b5 pipe $TO1"
	same all "" "action pedit ex munge eth type set 0x88b5 pipe action vlan push id 3 $COPY2 action vlan pop $TO1"
	same all "" "action pedit ex munge offset 16 u32 set 0x01020304 pipe $TO1"
	same all "" "action pedit ex munge offset -4 u32 set 0x01020304 retain 0xffff0000 pipe $TO1"
	SEND=("$A/ip/icmp/len 32" "$A/ip/icmp type=0 code=3/len 5" "$A/vlan id=5/ip/icmp/len 1")
	same ip "ip_proto icmp" "action pedit ex munge offset 20 u8 set 3 munge offset 21 u8 set 1 pipe action csum icmp pipe $TO1" 2
	same ip "ip_proto icmp" "action pedit ex munge offset 20 u8 set 3 pipe $TO1" 2
	SEND=("$A/ip6/icmp6/len 6" "$A/ip6/icmp6 type=135/len 24")
	same ipv6 "ip_proto icmpv6" "action pedit ex munge offset 40 u8 set 129 munge offset 41 u8 set 7 pipe action csum icmp pipe $TO1" 2
	same ipv6 "ip_proto icmpv6" "action pedit ex munge offset 40 u8 set 129 pipe $TO1" 2
}

csum_kinds() {
	local kind
	for kind in ip tcp udp icmp sctp "ip and tcp and udp and icmp and sctp"; do
		SEND=("$A/ip csum=bad/udp csum=bad/len 3" "$A/ip csum=bad/tcp csum=bad/len 4"
			"$A/ip csum=bad/icmp csum=bad/len 5" "$A/ip/sctp/len 6"
			"$A/ip mf=1 csum=bad proto=17/len 40" "$A/ip/udp csum=0/len 7")
		same ip "" "action csum $kind pipe $TO1"
		SEND=("$A/ip6/udp csum=bad/len 3" "$A/ip6/tcp csum=bad/len 4" "$A/ip6/icmp6 csum=bad/len 5")
		same ipv6 "" "action csum $kind pipe $TO1"
	done
}

MPLS="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01 type=0x8847"

mpls() {
	SEND=("$A/ip/udp/len 30" "$A/vlan id=5 prio=2/ip/udp/len 20" "$A/arp" "$A/ip6/tcp"
		"$MPLS/raw 00064540/ip/udp/len 9" "$MPLS/raw 00064440000c8109/ip/udp"
		"eth dst=02:00:00:00:00:02/vlan id=5 type=0x8847/raw 00064540/ip/udp")
	same all "" "action mpls push label 300 $TO1" ${#SEND[@]}
	same all "" "action mpls push label 300 tc 5 ttl 7 bos 0 protocol mpls_mc $TO1"
	same all "" "action mpls push label 16 action mpls push label 17 action vlan push id 9 $TO1"
	same all "" "action mpls pop protocol ip $TO1" ${#SEND[@]}
	same all "" "action mpls pop protocol mpls_uc action mpls pop protocol ip $TO1"
	same all "" "action vlan pop action mpls pop protocol ip action pedit ex munge eth dst set 02:00:00:00:00:07 pipe $TO1"
	SEND=("${SEND[@]:4:3}")
	same mpls_uc "" "action mpls modify label 77 $TO1" 2
	same mpls_uc "" "action mpls modify tc 1 ttl 3 bos 1 $TO1" 2
	same mpls_uc "mpls_bos 1" "action mpls modify label 5 action mpls push label 6 $TO1" 1
	same mpls_uc "mpls_bos 1" "$COPY2 action mpls pop protocol ip action csum ip and udp pipe $TO1"
}

skbedit() {
	SEND=("${FRAMES[0]}" "${FRAMES[6]}")
	same all "" "action skbedit mark 5 $TO1" 2
	same all "" "action skbedit priority 5 action vlan push id 9 $TO1" 2
	same all "" "action skbedit ptype host $COPY2 $TO1" 4
	check_refused "before pass" "skbedit before pass" tc filter add dev "${REP[0]}" ingress \
		protocol ip pref 5 flower skip_sw action skbedit mark 5
	check_refused "before goto" "skbedit before goto" tc filter add dev "${REP[0]}" ingress \
		protocol ip pref 5 flower skip_sw action skbedit priority 5 action goto chain 3
}

# A netdev of the host receives it, such as a bridge.
ingress() {
	local flags out
	ip link add br-host type bridge
	# Without a port it has no carrier.
	ip link add dum-host type dummy
	ip link set dum-host master br-host
	ip link set dum-host up
	ip link set br-host up promisc on
	check_within "the bridge's carrier" 5 grep -q 1 /sys/class/net/br-host/carrier
	for flags in skip_hw skip_sw; do
		# shellcheck disable=SC2086 # words
		check "$flags: add" tc filter add dev "${REP[0]}" ingress protocol all pref 10 \
			handle 1 flower $flags action skbedit ptype host \
			action mirred ingress mirror dev br-host action vlan push id 9 $TO1
		out=$(pkt xfer -s -t 1 --tx "${VF[0]}" --rx "${VF[1]}" --rx br-host \
			"$A/ip/udp" "$A/arp" "$A/vlan id=5/ip/tcp")
		check_eq "$flags: frames" "$(grep -c "^${VF[1]} " <<< "$out")" 3
		check_eq "$flags: the bridge got" "$(grep -c "^br-host " <<< "$out")" 3
		[ $flags = skip_hw ] || check "hardware counted" tc_hw_reaches "${REP[0]}" 1 3
		tc filter del dev "${REP[0]}" ingress pref 10
	done
	check "redirect" tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 \
		flower skip_sw action mirred ingress redirect dev br-host
	check_eq "the bridge got" "$(pkt xfer -s -t 1 --tx "${VF[0]}" --rx br-host \
		"$A/ip/udp" "$A/arp" | wc -l)" 2
	check "hardware counted" tc_hw_reaches "${REP[0]}" 1 2
	check "its netdev goes" ip link del br-host
	check "a frame for nobody" pkt send "${VF[0]}" "$A/ip/udp"
	tc filter del dev "${REP[0]}" ingress pref 10
	ip link del dum-host
}

# The Ethernet header goes, and another comes or a frame was behind the label.
eth_header() {
	local push="action vlan push_eth dst_mac 02:00:00:00:00:77 src_mac 02:00:00:00:00:78"
	SEND=("${FRAMES[@]}")
	same ip "" "action vlan pop_eth pipe $push $TO1"
	same all "" "action vlan pop_eth pipe action mpls push protocol mpls_uc label 9 ttl 3 pipe $push $TO1"
	SEND=("$A type=0x8847/raw 00006140/ip/udp/len 30" "$A type=0x8847/raw 0000614000007140/ip/udp/len 30")
	same mpls_uc "" "action vlan pop_eth pipe action mpls pop protocol ip pipe $push $TO1" 2
	SEND=("$A type=0x8847/raw 00006140/eth dst=02:00:00:00:00:55 src=02:00:00:00:00:66/ip/udp/len 30"
		"$A type=0x8847/raw 00006140/eth dst=02:00:00:00:00:55 src=02:00:00:00:00:66/vlan id=5/ip/udp/len 30")
	same mpls_uc "" "action vlan pop_eth pipe action mpls pop protocol teb pipe $COPY2 $TO1" 4
	check_refused "more behind the frame" "behind vlan pop_eth" tc filter add dev "${REP[0]}" ingress \
		protocol mpls_uc pref 5 flower skip_sw action vlan pop_eth pipe action mpls pop protocol teb \
		pipe $COPY2 action vlan push id 5 $TO1
}

# Edits are seen by the chain they lead to.
chain_rules() {
	tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 1 flower "$1" ip_proto udp \
		action pedit ex munge ip dst set 198.51.100.7 pipe action csum ip and udp pipe \
		action vlan push id 42 action goto chain 3 || return
	tc filter add dev "${REP[0]}" ingress chain 3 protocol 802.1q pref 1 handle 2 flower "$1" \
		vlan_id 42 vlan_ethtype ip dst_ip 198.51.100.7 action vlan pop action goto chain 4 || return
	# shellcheck disable=SC2086 # words
	tc filter add dev "${REP[0]}" ingress chain 4 protocol ip pref 1 handle 3 flower "$1" \
		dst_ip 198.51.100.7 $TO1
}

chain() {
	local sw hw
	SEND=("${FRAMES[@]}")
	check "in software" chain_rules skip_hw
	sw=$(come_out)
	tc qdisc del dev "${REP[0]}" clsact
	ingress_add "${REP[0]}"
	check "in hardware" chain_rules skip_sw
	hw=$(come_out)
	check_eq "frames" "$(grep -c . <<< "$sw")" 3
	check_eq "hardware against software" "$hw" "$sw"
	check "all three rules counted" wait_for 2 hw_counted 9
	tc qdisc del dev "${REP[0]}" clsact
	ingress_add "${REP[0]}"
}

# What an action's own control says counts.
control() {
	SEND=("${FRAMES[0]}")
	check_refused "an action that nothing reaches" "follows one without pipe" \
		tc filter add dev "${REP[0]}" ingress protocol ip pref 5 flower skip_sw \
		action pedit ex munge ip ttl set 4 pass action mirred egress redirect dev "${REP[1]}"
	same ip "" "$COPY1 action vlan push id 6 drop" 1
}

# What is longer goes one way, the rest another; as Open vSwitch asks for packet
# lengths.
LONGER="action police mtu 142 conform-exceed"
LENGTHS=("$A/ip/udp/len 50" "$A/ip/udp/len 100" "$A/ip/udp/len 101" "$A/ip/udp/len 300")

# shellcheck disable=SC2086 # words
jumps() {
	SEND=("${LENGTHS[@]}")
	same ip "" "$LONGER pipe / jump 2 $TO1 $TO2" 4
	same ip "" "$LONGER jump 2 / pipe $TO1 $TO2" 4
	same ip "" "$LONGER jump 2 / pipe action drop $TO2" 2
	same ip "" "$LONGER pipe / jump 3 action vlan push id 5 $COPY1 action vlan push id 6 $TO2" 6
	same ip "" "$LONGER pipe / jump 3 action vlan push id 5 $COPY1 jump 5 action vlan push id 7 $COPY2 action vlan push id 9 $TO2" 8
	same ip "" "$LONGER jump 1 / pipe $TO1" 4
	check_refused "back" "jump 1 goes back" tc filter add dev "${REP[0]}" ingress protocol ip \
		pref 5 flower skip_sw action vlan push id 5 $LONGER jump 1 / pipe $TO1
	check_refused "behind the last" "jump 9 goes behind" tc filter add dev "${REP[0]}" ingress \
		protocol ip pref 5 flower skip_sw $LONGER jump 9 / pipe $TO1
	check_refused "over skbedit" "jump over" tc filter add dev "${REP[0]}" ingress \
		protocol ip pref 5 flower skip_sw $LONGER pipe / jump 2 action skbedit mark 5 $TO1
}

# shellcheck disable=SC2086 # words
police_goto() {
	local flags out want=''
	SEND=("${LENGTHS[@]}")
	for flags in skip_hw skip_sw; do
		check "$flags: chain" tc filter add dev "${REP[0]}" ingress chain 3 protocol ip \
			pref 1 handle 2 flower $flags action vlan push id 8 $TO2
		check "$flags: rule" tc filter add dev "${REP[0]}" ingress protocol ip \
			pref 1 handle 1 flower $flags $LONGER goto chain 3 / pipe $TO1
		out=$(come_out)
		check_eq "$flags: frames" "$(grep -c "^${VF[2]} " <<< "$out")" 2
		[ $flags = skip_hw ] && want=$out
		check_eq "$flags: as software" "$out" "$want"
		[ $flags = skip_hw ] || check "hardware counted" wait_for 2 hw_counted 6
		tc qdisc del dev "${REP[0]}" clsact
		ingress_add "${REP[0]}"
	done
}

tests_run "$@"
