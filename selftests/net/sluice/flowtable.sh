#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=1500 kernels=stock
#
# nftables' flow tables with "flags offload" on representors and an uplink: the
# host routes between two VFs and the wire, with NAT; established flows are in
# hardware, and what comes out is what the flow table makes of it in software.

ALL_TESTS="udp_routed tcp_nat frames_as_software neigh_moves route_moves vlan_routed
	tc_first mtu_small ageing table_goes port_goes mode_changes"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ct_lib.sh"

# Hosts of that name talk; A and B are nobody, so that nobody answers.
HOST0=192.0.2.1 HOST1=198.51.100.1 HOSTW=203.0.113.1
GW0=192.0.2.254 GW1=198.51.100.254 GWW=203.0.113.254
A=192.0.2.101 B=198.51.100.101

# Addresses of the host, which is the router.
router_up() {
	local i
	ip addr add $GW0/24 dev "${REP[0]}"
	ip addr add $GW1/24 dev "${REP[1]}"
	ip addr add $GWW/24 dev "$PF"
	for i in "${REP[0]}" "${REP[1]}" "$PF"; do
		sysctl -qw net.ipv4.conf."$i".rp_filter=0 net.ipv6.conf."$i".disable_ipv6=0
	done
	ip -6 addr add 2001:db8:0::fe/64 dev "${REP[0]}" nodad
	ip -6 addr add 2001:db8:1::fe/64 dev "${REP[1]}" nodad
	R0=$(mac_of "${REP[0]}") R1=$(mac_of "${REP[1]}")
	# Those who do not answer.
	ip neigh replace $A lladdr "$M0" dev "${REP[0]}" nud permanent
	ip neigh replace $B lladdr "$M1" dev "${REP[1]}" nud permanent
	ip neigh replace 2001:db8:0::101 lladdr "$M0" dev "${REP[0]}" nud permanent
	ip neigh replace 2001:db8:1::101 lladdr "$M1" dev "${REP[1]}" nud permanent
}

setup() {
	local n
	sluice_setup switchdev 3 || return 1
	ct_up
	modprobe -a nft_flow_offload nf_flow_table_inet nft_chain_nat nft_masq nft_ct 8021q 2>/dev/null
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.send_redirects=0
	vf_ns 0 h0 $HOST0/24 || return 1
	vf_ns 1 h1 $HOST1/24 || return 1
	wire_ns 0 hw $HOSTW/24 || return 1
	# They are no routers, though namespaces inherit that.
	for n in h0 h1 hw; do ns $n sysctl -qw net.ipv4.ip_forward=0; done
	ns h0 ip route add default via $GW0
	ns h1 ip route add default via $GW1
	M0=$(mac_of "h0/${VF[0]}") M1=$(mac_of "h1/${VF[1]}")
	TX=h0/${VF[0]} RX=h1/${VF[1]}
	router_up
	ETH="eth dst=$R0 src=$M0"
	BACK="eth dst=$R1 src=$M1"
}

# table [FLAGS]: the router's rules.
table() {
	nft -f - <<-END
	table inet sluice {
		flowtable f {
			hook ingress priority 0; devices = { ${REP[0]}, ${REP[1]}, $PF };
			${1:-} counter;
		}
		chain forward {
			type filter hook forward priority 0; policy accept;
			meta l4proto { tcp, udp } flow add @f
		}
		chain out {
			type nat hook postrouting priority 100;
			oifname $PF masquerade
		}
	}
	END
}
table_del() { nft delete table inet sluice; }

after() {
	[ "$RET" -eq 0 ] || explain
	nft list table inet sluice > /dev/null 2>&1 && table_del
	check "no connection left" ct_clean
	check_within "nothing left" 5 tables_empty
}

# What there is, for the report.
explain() {
	local f
	for f in connections rules; do
		sed "s/^/#   $f: /" "/sys/kernel/debug/sluice-$PF_PCI/$f" | head -n 12
	done
	conntrack -L 2>/dev/null | sed 's/^/#   conntrack: /' | head -n 6
	ip -s link show "${REP[0]}" | sed 's/^/#   /' | tail -n 5
}

hits() { echo $(($(cpu_hit "${REP[0]}") + $(cpu_hit "${REP[1]}") + $(cpu_hit "$PF"))); }

# quiet_while NAME: what runs in the background does so without the CPU.
quiet_while() {
	local n
	n=$(hits)
	sleep 2
	check_lt "$1: packets the CPU saw" $(($(hits) - n)) 5
}

serve() {
	bg "$1" python3 "$SLUICE_LIB/ct_talk.py" serve "$2" 7777
	wait_for 10 serving "$1"
}
serving() { ns "$1" ss -Hlun | grep -q :7777; }

# What comes out, line by line, without what hosts ask for now and then.
come_out() {
	pkt xfer -t 1 --tx "$1" --rx "$2" "${@:3}" | grep -v '^[^ ]* [0-9]* .\{24\}0806' | sort
}

# warm THERE BACK: packets that make a flow, of two ends that do not exist.
warm() {
	come_out "$TX" "$RX" "$1" > /dev/null
	come_out "$RX" "$TX" "$2" > /dev/null
	come_out "$TX" "$RX" "$1" > /dev/null
}
warm_offloads() { warm "$@"; ct_dirs_are 2; }

WARM="ip src=$A dst=$B/udp sport=1000 dport=2000/len 9"
WARMBACK="ip src=$B dst=$A/udp sport=2000 dport=1000/len 9"
one_flow() {
	check_within "flow in hardware" 20 warm_offloads "$ETH/$WARM" "$BACK/$WARMBACK"
	check_within "its rules, too" 5 quiet_out "$ETH/$WARM"
}

udp_routed() {
	local n
	check "rules" table "flags offload;"
	serve h1 $HOST1
	bg h0 python3 "$SLUICE_LIB/ct_talk.py" udp $HOST1 7777 12
	check_within "both directions in hardware" 8 ct_dirs_are 2
	quiet_while "UDP"
	check "conntrack says so" ct_shown "udp.*dport=7777.*HW_OFFLOAD"
	wait "${BG_PIDS[1]}"
	check_eq "all came back" $? 0
	n=$(conntrack -L 2>/dev/null | sed -n 's/.*dport=7777 packets=\([0-9]*\) .*/\1/p')
	note "conntrack has seen $n packets so far"
}

tcp_nat() {
	check "rules" table "flags offload;"
	serve hw $HOSTW
	bg h0 python3 "$SLUICE_LIB/ct_talk.py" tcp $HOSTW 7777 12
	check_within "both directions in hardware" 8 ct_dirs_are 2
	quiet_while "TCP to the wire"
	check "conntrack says so" ct_shown "tcp.*dport=7777.*dst=$GWW.*HW_OFFLOAD"
	wait "${BG_PIDS[1]}"
	check_eq "all came back" $? 0
	check_within "out of hardware" 15 ct_gone
	check "its end was seen" ct_shown "tcp.*(TIME_WAIT|CLOSE).*dport=7777"
}

# quiet_out FRAME: it is hardware's
quiet_out() {
	local n
	n=$(cpu_hit "${REP[0]}")
	come_out "$TX" "$RX" "$1" > /dev/null
	[ "$(cpu_hit "${REP[0]}")" = "$n" ]
}

# same NAME WARM WARMBACK HARD FRAME...: these come out of the flow table in
# hardware as they do in software; the first HARD of them are hardware's.
same() {
	local name=$1 there=$2 back=$3 hard=$4 sw hw n
	shift 4
	check "$name: in software" table
	warm "$there" "$back"
	sw=$(come_out "$TX" "$RX" "$@")
	table_del
	ct_del > /dev/null 2>&1
	check "$name: in hardware" table "flags offload;"
	check_within "$name: flow in hardware" 20 warm_offloads "$there" "$back"
	check_within "$name: all of the rules are there" 5 quiet_out "$there"
	n=$(cpu_hit "${REP[0]}")
	come_out "$TX" "$RX" "${@:1:hard}" > /dev/null
	check_eq "$name: of those for hardware software has seen" $(($(cpu_hit "${REP[0]}") - n)) 0
	hw=$(come_out "$TX" "$RX" "$@")
	check_ge "$name: frames" "$(grep -c . <<< "$sw")" "$hard"
	if [ "$sw" != "$hw" ]; then
		fail "$name: software (<) and hardware (>) differ:"
		diff <(echo "$sw") <(echo "$hw") | sed 's/^/#   /'
	fi
	table_del
	check "$name: no connection left" ct_clean
}

frames_as_software() {
	local u="udp sport=1000 dport=2000" i="ip src=$A dst=$B" six
	same "UDP" "$ETH/$WARM" "$BACK/$WARMBACK" 7 \
		"$ETH/$i/$u/len 30" "$ETH/$i/$u/len 2/pad 60" "$ETH/$i/$u csum=bad/len 31" \
		"$ETH/$i/$u csum=0/len 32" "$ETH/$i tos=5 df=1/$u/len 33" "$ETH/$i ttl=2/$u/len 34" \
		"$ETH/$i ttl=255 id=65535/$u/len 35" "$ETH/$i ttl=1/$u/len 36" \
		"$ETH/$i mf=1/$u/len 40" "$ETH/$i opts=01010101/$u/len 41" \
		"$ETH/vlan id=5/$i/$u/len 42" "$ETH/$i/udp sport=1001 dport=2000/len 43"
	six="ip6 src=2001:db8:0::101 dst=2001:db8:1::101"
	same "UDP over IPv6" "$ETH/$six/$u/len 9" \
		"$BACK/ip6 src=2001:db8:1::101 dst=2001:db8:0::101/udp sport=2000 dport=1000/len 9" 3 \
		"$ETH/$six/$u/len 30" "$ETH/$six/$u/len 1/pad 70" "$ETH/$six hlim=2/$u/len 31" \
		"$ETH/$six hlim=1/$u/len 32" "$ETH/$six/dstopts/$u/len 33"
}

# goes_out RX MAC: a frame of the flow comes out there, for that address.
goes_out() { come_out "$TX" "$1" "$ETH/$WARM" | grep -q "^[^ ]* [0-9]* ${2//:/}"; }
hard_goes_out() {
	local n
	n=$(cpu_hit "${REP[0]}")
	goes_out "$@" && [ "$(cpu_hit "${REP[0]}")" = "$n" ]
}

# What becomes of a flow when its neighbour or route changes, does not depend on
# hardware, but on how it began. The kernel has written addresses into it if the
# table has "flags offload" or there is a bridge behind it, and the neighbour was
# known (FLOW_OFFLOAD_XMIT_DIRECT, nft_dev_path_info()): its fast path sends to them
# until the flow ends. Else it asks the route and neighbours for each packet. So a
# flow in hardware is compared with one of the same table that hardware does not
# take, and what a table without the flag makes of it is told.

# Somebody else answers for B. $NEAR is the netdev B is behind.
neigh_event() { ip neigh replace $B lladdr 02:00:00:00:00:77 dev "$NEAR" nud permanent; }

# B is behind a router behind VF 2 now.
route_event() {
	ip neigh replace 198.18.0.2 lladdr 02:00:00:00:00:88 dev "${REP[2]}" nud permanent &&
	ip addr add 198.18.0.1/24 dev "${REP[2]}" &&
	ip route add $B/32 via 198.18.0.2
}

as_before() {
	ip route del $B/32 2>/dev/null
	ip addr del 198.18.0.1/24 dev "${REP[2]}" 2>/dev/null
	ip neigh replace $B lladdr "$M1" dev "$NEAR" nud permanent
}

# VF 1's representor is a port of a bridge that has its address of the router.
bridge_up() {
	ip addr del $GW1/24 dev "${REP[1]}" &&
	ip link add ftbr type bridge &&
	ip link set "${REP[1]}" master ftbr &&
	ip link set ftbr up &&
	sysctl -qw net.ipv4.conf.ftbr.rp_filter=0 &&
	ip addr add $GW1/24 dev ftbr &&
	bridge fdb replace "$M1" dev "${REP[1]}" master static &&
	NEAR=ftbr && as_before
}

bridge_down() {
	ip link del ftbr &&
	ip addr add $GW1/24 dev "${REP[1]}" &&
	NEAR=${REP[1]} && as_before
}

warm_is() {
	pkt send "$TX" "$ETH/$WARM"
	ct_shown "sport=1000 dport=2000.*\[$1\]"
}

# moved EVENT BEGIN FLAGS STATE: a flow that begins so, in a table with FLAGS, and
# is called STATE by conntrack, before EVENT and while there is traffic: sets MOVED
# to what comes out then, and where, and whether it is in the flow table.
moved() {
	local event=$1 begin=$2 flags=$3 state=$4 name
	name="$1, $2, ${3:-no flags} $4"
	[ "$state" = HW_OFFLOAD ] || ethtool -K "${REP[0]}" hw-tc-offload off
	check "$name: rules" table "$flags"
	[ "$begin" != unknown ] || ip neigh del $B dev "$NEAR"
	pkt send "$TX" "$ETH/$WARM"
	pkt send "$RX" "$BACK/$WARMBACK"
	as_before
	check_within "$name: flow" 20 warm_is "$state"
	[ "$state" != HW_OFFLOAD ] || check_within "$name: by hardware" 5 quiet_out "$ETH/$WARM"
	check "$name: event" "$event"
	# Meanwhile hardware is asked for counters, which is when it looks at routes.
	pkt send -n 24 -g 0.25 "$TX" "$ETH/$WARM"
	[ "$state" != HW_OFFLOAD ] || check_within "$name: by hardware then" 10 quiet_out "$ETH/$WARM"
	MOVED=$(come_out "$TX" "$RX" --rx "${VF[2]}" "$ETH/$WARM"
		ct_shown "sport=1000 dport=2000.*OFFLOAD\]" && echo "in the flow table")
	as_before
	table_del
	check "$name: no connection left" ct_clean
	ethtool -K "${REP[0]}" hw-tc-offload on
}

# moves EVENT BEGIN: hardware makes of it what software does.
moves() {
	local name="$1, $2" plain soft
	moved "$1" "$2" "" OFFLOAD
	plain=$MOVED
	moved "$1" "$2" "flags offload;" OFFLOAD
	soft=$MOVED
	moved "$1" "$2" "flags offload;" HW_OFFLOAD
	check_ge "$name: lines" "$(grep -c . <<< "$soft")" 2
	if [ "$soft" != "$MOVED" ]; then
		fail "$name: software (<) and hardware (>) differ:"
		diff <(echo "$soft") <(echo "$MOVED") | sed 's/^/#   /'
	fi
	note "$name: $(cut -c -40 <<< "$MOVED" | paste -sd ' ')"
	[ "$plain" = "$soft" ] ||
		note "$name, without the flag: $(cut -c -40 <<< "$plain" | paste -sd ' ')"
}

# moves_all EVENT: for each way a flow can begin.
moves_all() {
	NEAR=${REP[1]}
	moves "$1" known
	moves "$1" unknown
	check "bridge" bridge_up
	moves "$1" bridged
	check "no bridge" bridge_down
}

neigh_moves() { moves_all neigh_event; }
route_moves() { moves_all route_event; }

vlan_routed() {
	local n v="vlan id=7/ip src=$B dst=$A/udp sport=2000 dport=1000/len 9"
	ip link add link "${REP[1]}" name rep1v7 type vlan id 7
	ip addr del $GW1/24 dev "${REP[1]}"
	check "VLAN 7" ip addr add $GW1/24 dev rep1v7
	ip link set rep1v7 up
	ip neigh replace $B lladdr "$M1" dev rep1v7 nud permanent
	check "rules" table "flags offload;"
	check_within "flow in hardware" 20 warm_offloads "$ETH/$WARM" "$BACK/$v"
	check "with a tag, by hardware" hard_goes_out "$RX" "$M1${R1//:/}81000007"
	n=$(cpu_hit "${REP[1]}")
	come_out "$RX" "$TX" "$BACK/$v" | grep -q "${R0//:/}0800"
	check_eq "and without on the way back" $? 0
	check_eq "by hardware" "$(cpu_hit "${REP[1]}")" "$n"
	table_del
	ip link del rep1v7
	check "back" ip addr add $GW1/24 dev "${REP[1]}"
	ip neigh replace $B lladdr "$M1" dev "${REP[1]}" nud permanent
}

# tc's ingress is before the flow table.
tc_first() {
	check "rules" table "flags offload;"
	one_flow
	ingress_add "${REP[0]}"
	check "still" hard_goes_out "$RX" "$M1"
	check "another port" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 2 flower \
		skip_sw ip_proto udp dst_port 9 action drop
	check "not that" hard_goes_out "$RX" "$M1"
	check "this port" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 1 flower \
		skip_sw ip_proto udp dst_port 2000 action drop
	check_not "dropped" goes_out "$RX" "$M1"
	check "counted" tc_hw_reaches "${REP[0]}" 1 1
	ingress_del "${REP[0]}"
	check_within "back" 5 hard_goes_out "$RX" "$M1"
}

# What is too long for the way is software's, which says so.
mtu_small() {
	local n i="ip src=$A dst=$B df=1/udp sport=1000 dport=2000"
	check "route" ip route replace 198.51.100.0/24 dev "${REP[1]}" mtu 600
	check "rules" table "flags offload;"
	one_flow
	n=$(cpu_hit "${REP[0]}")
	check_eq "fits" "$(come_out "$TX" "$RX" "$ETH/$i/len 572" | grep -c .)" 1
	check_eq "by hardware" "$(cpu_hit "${REP[0]}")" "$n"
	check_eq "too long" "$(come_out "$TX" "$RX" "$ETH/$i/len 573" | grep -c .)" 0
	check_lt "by software" "$n" "$(cpu_hit "${REP[0]}")"
	ip route replace 198.51.100.0/24 dev "${REP[1]}"
}

ageing() {
	local n
	sysctl -qw net.netfilter.nf_flowtable_udp_timeout=4 net.netfilter.nf_conntrack_udp_timeout=20 \
		net.netfilter.nf_conntrack_udp_timeout_stream=20
	check "rules" table "flags offload;"
	one_flow
	n=$(cpu_hit "${REP[0]}")
	pkt send -n 40 -g 0.25 "$TX" "$ETH/$WARM"
	check_le "the CPU while it lives" $(($(cpu_hit "${REP[0]}") - n)) 2
	check_eq "directions in the device" "$(occupancy ct)" 2
	check_within "idle: out of hardware" 20 ct_gone
	# One each way and one more made it, then come forty.
	n=$(conntrack -L 2>/dev/null | sed -n 's/.*sport=1000 dport=2000 packets=\([0-9]*\) .*/\1/p')
	check_ge "conntrack has counted them" "${n:-0}" 42
	sysctl -qw net.netfilter.nf_flowtable_udp_timeout=30 net.netfilter.nf_conntrack_udp_timeout=30 \
		net.netfilter.nf_conntrack_udp_timeout_stream=120
}

table_goes() {
	check "rules" table "flags offload;"
	one_flow
	check "no rules" table_del
	check_within "no connection" 5 ct_gone
	check_within "no rule of the device" 5 tables_empty
	check "software routes" goes_out "$RX" "$M1"
	check "rules" table "flags offload;"
	one_flow
}

port_goes() {
	check "rules" table "flags offload;"
	one_flow
	check "a port less" nft -f - <<-END
	delete flowtable inet sluice f { devices = { $PF }; }
	END
	check_within "flow in hardware" 20 warm_offloads "$ETH/$WARM" "$BACK/$WARMBACK"
	check "still" hard_goes_out "$RX" "$M1"
}

# Representors go with their addresses; the uplink and the table on it stay.
mode_changes() {
	check "rules" table "flags offload;"
	one_flow
	check "legacy" mode_set legacy
	check_eq "nothing of it in the device" "$(occupancy ct)" 0
	check "no rules" table_del
	check "switchdev" mode_set switchdev
	check "rules while there is nothing" nft -f - <<-END
	table inet sluice { flowtable f { hook ingress priority 0; devices = { $PF }; flags offload; }; }
	END
}

tests_run "$@"
