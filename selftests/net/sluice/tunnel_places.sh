#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 ports=2 timeout=900 kernels=stock
#
# Where tunnel endpoints live and which way their packets go: bridges above
# uplinks, internal ports of Open vSwitch, multipath routes, nexthop objects, policy rules and VRFs. In all of
# them hardware sends and receives what software does, and follows within two
# seconds.

ALL_TESTS="bridge4 bridge6 bridge_vlan4 bridge_over_vlan4 on_bridge_vlan4
	on_bridge_filtering4 on_bridge_filtering6 on_bridge_untagged4 on_bridge_moves bridge_moves bridge_port
	bridge_filters bridge_ageing4 bridge_ageing6 internal internal_ovs nexthop_object4 nexthop_object6 policy_rule4
	policy_rule6 vrf_master vrf_bound multipath4 multipath6 multipath_ports multipath_gre
	event_cost4 event_cost6"

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tunnel_lib.sh"
. "$SLUICE_LIB/ovs_lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"
FRAMES=("$A/ip/udp/len 30" "$A/ip tos=1/tcp/len 31" "$A/ip6/udp/len 33" "$A/arp")
UP2='' FARMAC=''

setup() {
	tunnel_setup || return
	FARMAC=$(mac_of far/wire0)
	UP2=$(uplink_of 1)
	check "second uplink" ip link set "$UP2" up
	wire_ns 1 far
	UNDERLAY=''
}

after() {
	ip rule del pref 77 2>/dev/null
	ip -6 rule del pref 77 2>/dev/null
	ip route flush table 77 2>/dev/null
	ip -6 route flush table 77 2>/dev/null
	ip route flush to root 10.9.0.0/16
	ip -6 route flush to root 2001:db8:9::/48
	ip nexthop flush > /dev/null 2>&1
	tc filter del dev "${REP[0]}" ingress
	ip link del tun0 2>/dev/null
	case $UNDERLAY in
	internal) ovs_down > /dev/null ;;
	?*) underlay_del ;;
	esac
	UNDERLAY=''
	tc qdisc del dev "$PF" clsact 2>/dev/null
	ip neigh flush nud permanent dev "$PF"
	ip addr flush dev "$PF"
	ip addr flush dev "$UP2"
	ip addr del 10.5.0.1 dev lo 2>/dev/null
	ip addr del 2001:db8:55::1 dev lo 2>/dev/null
	ip -n far addr flush dev wire0
	ip -n far addr flush dev wire1
	sysctl -qw net.ipv4.fib_multipath_hash_policy=0
	check "nothing left" tables_empty
	check_eq "next hops left" "$(occupancy next_hops)" 0
	check_eq "encaps left" "$(occupancy encaps)" 0
	check_eq "endpoints left" "$(occupancy endpoints)" 0
}

place() {
	UNDERLAY=$1
	underlay "$1" "$2"
	check "tunnel device" tun_add vxlan "$2"
	check "way to the far end" ping_ok - "$R" -c 1
}

hw_count() { tc -j -s filter show dev "$1" ingress | jq '[.[].options.actions?[-1].stats.hw_packets // 0] | add // 0'; }
hw_counts() { [ "$(hw_count "$1")" -ge "$2" ]; }

# What arrives at the far end, less the id and checksum of the outer IPv4 header.
sent() {
	pkt xfer -s -t 0.5 --tx "${VF[0]}" --rx far/wire0 --rx far/wire1 "${FRAMES[@]}" |
		sed -E "s/(080045.{6})[0-9a-f]{4}(.{8})[0-9a-f]{4}/\1____\2____/" | sort
}
received() {
	local specs
	mapfile -t specs < <(outer "${FRAMES[@]}")
	pkt xfer -s -t 0.5 --tx far/wire0 --rx "${VF[1]}" "${specs[@]}" | sort
}

# encap_rule [WORDS]
encap_rule() {
	# shellcheck disable=SC2046,SC2086 # words
	check "encap rule $*" tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 \
		flower $1 $(tun_key ttl 64)
}
decap_rule() {
	# shellcheck disable=SC2086 # words
	check "decap rule $*" tc filter add dev tun0 ingress protocol all pref 10 handle 1 flower $1 \
		enc_key_id $((VNI)) enc_dst_ip "$L" action tunnel_key unset pipe $TO1
}

same() {
	check_eq "frames of software: $1" "$(grep -c . <<< "$2")" ${#FRAMES[@]}
	[ "$2" = "$3" ] && return
	fail "$1: software (<) and hardware (>) differ:"
	diff <(echo "$2") <(echo "$3") | sed 's/^/#   /'
}

# The encap rule there is sends the same as one in software.
encap_same() {
	local sw hw n
	n=$(hw_count "${REP[0]}")
	hw=$(sent)
	check_within "$1: hardware sent all" 2 hw_counts "${REP[0]}" $((n + ${#FRAMES[@]}))
	tc filter del dev "${REP[0]}" ingress
	encap_rule skip_hw
	sw=$(sent)
	tc filter del dev "${REP[0]}" ingress
	encap_rule
	same "$1" "$sw" "$hw"
}

both() {
	local sw hw
	place "$1" "$2"
	encap_rule
	check_within "a valid next hop" 2 next_hop_valid
	encap_same "encap by way of $1"
	decap_rule skip_hw
	sw=$(received)
	tc filter del dev tun0 ingress
	decap_rule
	check_within "an endpoint" 2 endpoints 1
	hw=$(received)
	check_within "hardware took all out" 2 hw_counts tun0 ${#FRAMES[@]}
	same "decap behind $1" "$sw" "$hw"
}

bridge4() { both bridge 4; }
bridge6() { both bridge 6; }
bridge_vlan4() { both bridge_vlan 4; }
bridge_over_vlan4() { both bridge_over_vlan 4; }
on_bridge_vlan4() { both on_bridge_vlan 4; }
on_bridge_filtering4() { both on_bridge_filtering 4; }
on_bridge_filtering6() { both on_bridge_filtering 6; }
on_bridge_untagged4() { both on_bridge_untagged 4; }

# What happens to a bridge happens to the VLAN on it.
on_bridge_moves() {
	place on_bridge_filtering 4
	encap_rule
	decap_rule
	check_within "in hardware" 2 in_hw
	check_within "an endpoint" 2 endpoints 1
	bridge vlan del vid 77 dev "$PF"
	check_within "no VLAN at the port: no next hop" 2 next_hop_software
	check_within "no VLAN at the port: no endpoint" 2 endpoints 0
	bridge vlan add vid 77 dev "$PF"
	check "reach" wait_for 4 ping_ok - "$R" -c 1
	check_within "VLAN: in hardware" 2 in_hw
	check_within "VLAN: an endpoint" 2 endpoints 1
	bridge vlan del vid 77 dev br77 self
	check_within "no VLAN at the bridge: no endpoint" 2 endpoints 0
	bridge vlan add vid 77 dev br77 self
	check_within "an endpoint again" 2 endpoints 1
	check "clsact at the bridge" tc qdisc add dev br77 clsact
	check_within "filters: no next hop" 2 next_hop_software
	check_within "filters: no endpoint" 2 endpoints 0
	check "no clsact" tc qdisc del dev br77 clsact
	check_within "in hardware again" 2 in_hw
	check_within "an endpoint again" 2 endpoints 1
	ip link set ul77 address 02:00:00:77:00:79
	check_within "another address than the bridge's: no endpoint" 2 endpoints 0
	ip link set br77 down
	check_within "down: no next hop" 2 next_hop_software
	ip link set br77 up
	ip link set ul77 up
	check "reach" wait_for 6 ping_ok - "$R" -c 1
	check_within "up: in hardware" 2 in_hw
	ip link del br77
	check_within "no bridge: nothing" 2 next_hop_software
}

# in_hw / in_sw: one frame goes out, by hardware or not.
one_frame() { pkt xfer -s -t 0.4 --tx "${VF[0]}" --rx far/wire0 --rx far/wire1 "${FRAMES[0]}"; }
in_hw() {
	local n
	n=$(hw_count "${REP[0]}")
	[ "$(one_frame | grep -c .)" = 1 ] && sleep 0.2 && [ "$(hw_count "${REP[0]}")" -gt "$n" ]
}
# begins REGEX: what a frame on a wire begins with, "wire0 " or "wire1 " first.
begins() { one_frame | sed 's,^far/\(wire.\) 1 ,\1 ,' | grep -Eq "^$1"; }
hex_mac() { tr -d : <<< "$1"; }

# The bridge finds the far end's address at another port, then nowhere.
bridge_moves() {
	place bridge 4
	encap_rule
	check_within "in hardware" 2 in_hw
	ip link set "${REP[1]}" master br77
	# A frame from the far end would take it back if it were only static.
	bridge fdb replace "$FARMAC" dev "${REP[1]}" master static sticky
	check_within "the address is at a VF" 2 next_hop_software
	check_eq "frame at the VF" "$(pkt xfer -s -t 0.4 --tx "${VF[0]}" --rx "${VF[1]}" "${FRAMES[0]}" | grep -c .)" 1
	# Who is forgotten is asked, and does not answer.
	ip -n far link set wire0 arp off
	bridge fdb del "$FARMAC" dev "${REP[1]}" master
	check_within "nowhere" 2 next_hop_software
	ip -n far link set wire0 arp on
	check "found again" wait_for 5 ping_ok - "$R" -c 1
	check_within "in hardware again" 2 in_hw
	ip link set "${REP[1]}" nomaster
}

# What the bridge does with its port.
bridge_port() {
	place bridge 4
	encap_rule
	decap_rule
	check_within "in hardware" 2 in_hw
	check_within "an endpoint" 2 endpoints 1
	bridge link set dev "$PF" state 0
	check_within "disabled: no next hop" 2 next_hop_software
	check_within "disabled: no endpoint" 2 endpoints 0
	bridge link set dev "$PF" state 3
	check "reach" wait_for 4 ping_ok - "$R" -c 1
	check_within "forwarding: in hardware" 2 in_hw
	check_within "forwarding: an endpoint" 2 endpoints 1
	bridge link set dev "$PF" locked on
	check_within "locked: no endpoint" 2 endpoints 0
	bridge link set dev "$PF" locked off
	check_within "unlocked: an endpoint" 2 endpoints 1
	ip link set br77 type bridge vlan_filtering 1
	bridge vlan del vid 1 dev "$PF"
	check_within "no VLAN: no next hop" 2 next_hop_software
	check_within "no VLAN: no endpoint" 2 endpoints 0
	bridge vlan add vid 1 dev "$PF" pvid untagged
	check "reach" wait_for 4 ping_ok - "$R" -c 1
	check_within "VLAN: in hardware" 2 in_hw
	check_within "VLAN: an endpoint" 2 endpoints 1
	ip link set "$PF" nomaster
	check_within "no port: no next hop" 2 next_hop_software
	check_within "no port: no endpoint" 2 endpoints 0
	ip link set "$PF" master br77
	bridge vlan add vid 1 dev "$PF" pvid untagged
	check "reach" wait_for 4 ping_ok - "$R" -c 1
	check_within "port: in hardware" 2 in_hw
	check_within "port: an endpoint" 2 endpoints 1
	ip link set br77 address 02:00:00:77:00:78
	check_within "the bridge's new address in the header" 2 begins "wire0 [0-9a-f]{12}020000770078"
}

# Filters at the bridge see every packet, so hardware sees none.
bridge_filters() {
	place bridge 4
	encap_rule
	check_within "in hardware" 2 in_hw
	check "clsact at the bridge" tc qdisc add dev br77 clsact
	check_within "software's" 2 next_hop_software
	check "no clsact" tc qdisc del dev br77 clsact
	check_within "in hardware again" 2 in_hw
}

# A bridge forgets who sends nothing, and does not see what hardware takes. One who is
# sent to is asked in time, and once more when the address is gone all the same.
bridge_ageing() {
	local end lost=0
	place bridge "$1"
	ip link set br77 type bridge ageing_time 600
	sysctl -qw "net.ipv$1.neigh.br77.delay_first_probe_time=1"
	# One that the kernel never asks itself.
	ip neigh replace "$R" lladdr "$FARMAC" dev br77 nud permanent
	encap_rule
	check_within "in hardware" 2 in_hw
	bg - "$SLUICE_LIB/pkt.py" send -n 2000 -g 0.05 "${VF[0]}" "${FRAMES[0]}"
	end=$((SECONDS + 20))
	while [ $SECONDS -lt $end ]; do
		sleep 0.5
		next_hop_valid || lost=$((lost + 1))
	done
	check_eq "times the address was lost under traffic" $lost 0
	check "forget all" bridge fdb flush dev br77 dynamic
	check_within "found again" 2 next_hop_valid
	bg_stop
	check_within "in hardware again" 2 in_hw
}
bridge_ageing4() { bridge_ageing 4; }
bridge_ageing6() { bridge_ageing 6; }

# internal_up [KEY=VALUE...]: the address on the internal port of a bridge of
# Open vSwitch that has the uplink.
internal_up() {
	# shellcheck disable=SC2034 # for tunnel_lib.sh
	UNDERLAY=internal UL=brp FAR=wire0 TAG='' FAMILY=4 L=10.7.0.1 R=10.7.0.2
	check "Open vSwitch starts" ovs_up "$@"
	check "its bridge" ovs_bridge brp "$PF"
	ip addr add $L/24 dev brp
	ip -n far addr add $R/24 dev wire0
	check "way to the far end" wait_for 5 ping_ok - "$R" -c 1
}

# tc rules hand packets over from and to the port, as Open vSwitch would.
internal() {
	local sw hw n=${#FRAMES[@]}
	internal_up hw-offload=false
	check "tunnel device" tun_add vxlan 4
	encap_rule
	check_within "no block: no next hop" 2 next_hop_software
	check "clsact" ingress_add brp "$PF"
	check "from the port" tc filter add dev brp egress protocol ip pref 1 handle 1 flower \
		ip_proto udp dst_port 4789 action mirred egress redirect dev "$PF"
	check "in hardware" tc_in_hw brp 1 egress
	check "by a device" tc filter add dev brp egress protocol ip pref 2 handle 2 flower indev "$PF" \
		action drop
	check "which is software's" tc_not_in_hw brp 2 egress
	check_within "a valid next hop" 2 next_hop_valid
	encap_same "encap by way of an internal port"
	check_within "the port's rule counts hardware's" 2 tc_hw_reaches brp 1 "$n" egress
	check "to the port" tc filter add dev "$PF" ingress protocol ip pref 1 handle 1 flower \
		dst_mac "$(mac_of brp)" action skbedit ptype host pipe action mirred ingress redirect dev brp
	check "in hardware" tc_in_hw "$PF" 1
	decap_rule skip_hw
	sw=$(received)
	tc filter del dev tun0 ingress
	decap_rule
	check_within "an endpoint" 2 endpoints 1
	hw=$(received)
	check_within "hardware took all out" 2 hw_counts tun0 "$n"
	same "decap behind an internal port" "$sw" "$hw"
	check_within "the uplink's rule counts hardware's" 2 tc_hw_reaches "$PF" 1 "$n"
	# A filter the packets would meet there.
	check "filter" tc filter add dev brp ingress protocol ip pref 3 flower ip_proto tcp action drop
	check_within "no endpoint" 2 endpoints 0
	check_eq "frames by software" "$(received | grep -c .)" "$n"
	tc filter del dev brp ingress
	check_within "an endpoint again" 2 endpoints 1
	tc qdisc del dev brp clsact
	check_within "no block: no next hop" 2 next_hop_software
	check_eq "frames by way of Open vSwitch" "$(sent | grep -c .)" "$n"
}

flow_in_hw() { ovs_flow_is "$1" "$2.*offloaded:yes, dp:tc"; }

# Two bridges, as on a compute node: one with the VF and the tunnel, one with
# the uplink. Everything in hardware, and the CPU sees no packet.
internal_ovs() {
	local hit1 hit2
	internal_up
	vf_ns 0 h0 192.0.2.1/24
	check "the VF's bridge" ovs_bridge bri "${REP[0]}"
	check "its tunnel" ovs-vsctl -t 20 add-port bri vx0 -- set interface vx0 type=vxlan \
		options:remote_ip=$R options:key=$((VNI))
	ip -n far link add vxf type vxlan id $((VNI)) local $R remote $L dstport 4789 dev wire0
	ip -n far addr add 192.0.2.2/24 dev vxf
	ip -n far link set vxf up
	check "reach each other" wait_for 5 ping_ok h0 192.0.2.2 -c 3 -i 0.2
	bg h0 ping -q -i 0.1 192.0.2.2
	check_within "from the VF to the tunnel" 10 flow_in_hw "${REP[0]}" 'eth_type\(0x0800\)'
	check_within "from the internal port" 10 flow_in_hw brp 'eth_type\(0x0800\)'
	check_within "from the uplink" 10 flow_in_hw "$PF" 'eth_type\(0x0800\)'
	check_within "from the tunnel to the VF" 10 flow_in_hw vxlan_sys_4789 'eth_type\(0x0800\)'
	bg_stop
	hit1=$(cpu_hit "${REP[0]}") hit2=$(cpu_hit "$PF")
	check "traffic" ping_ok h0 192.0.2.2 -c 100 -i 0.05
	check_lt "CPU hits of the VF" $(($(cpu_hit "${REP[0]}") - hit1)) 20
	check_lt "CPU hits of the uplink" $(($(cpu_hit "$PF") - hit2)) 20
	[ $RET = 0 ] || { ovs_flows; debugfs tunnels; debugfs next_hops; debugfs encaps; } | sed 's/^/# /'
	ip -n far link del vxf
	ip -n h0 link set "${VF[0]}" netns 1
	ip link set "${VF[0]}" up
}

# remote 4|6: a remote behind the far end, in NET, and a second neighbour.
NEIGH2=02:00:00:77:00:03
remote() {
	place plain "$1"
	if [ "$1" = 4 ]; then
		NET=10.9.0.0/24 VIA=10.7.0.2 VIA2=10.7.0.3 R=10.9.0.1
	else
		NET=2001:db8:9::/64 VIA=2001:db8:77::2 VIA2=2001:db8:77::3 R=2001:db8:9::1
	fi
	ip neigh replace $VIA2 lladdr $NEIGH2 dev "$PF" nud permanent
}

nexthop_object() {
	remote "$1"
	ip nexthop add id 7 via $VIA dev "$PF"
	ip route add $NET nhid 7
	encap_rule
	check_within "by the first neighbour" 2 begins "wire0 $(hex_mac "$FARMAC")"
	encap_same "nexthop object"
	ip nexthop replace id 7 via $VIA2 dev "$PF"
	check_within "by the second" 2 begins "wire0 $(hex_mac $NEIGH2)"
	encap_same "changed nexthop object"
	ip nexthop add id 8 via $VIA dev "$PF"
	ip nexthop add id 9 group 8
	ip route replace $NET nhid 9
	check_within "by a group" 2 begins "wire0 $(hex_mac "$FARMAC")"
	ip nexthop replace id 9 group 7
	check_within "by another" 2 begins "wire0 $(hex_mac $NEIGH2)"
	encap_same "changed group"
	ip nexthop replace id 9 group 7/8
	ip nexthop del id 7
	check_within "by what is left" 2 begins "wire0 $(hex_mac "$FARMAC")"
	ip nexthop del id 8
	check_within "by nothing" 2 next_hop_software
}
nexthop_object4() { nexthop_object 4; }
nexthop_object6() { nexthop_object 6; }

policy_rule() {
	remote "$1"
	ip route add $NET via $VIA
	ip route add $NET via $VIA2 table 77
	encap_rule
	check_within "main table" 2 begins "wire0 $(hex_mac "$FARMAC")"
	ip "-$1" rule add pref 77 to $NET ipproto udp dport 4789 table 77
	check_within "table 77" 2 begins "wire0 $(hex_mac $NEIGH2)"
	encap_same "policy rule"
	ip "-$1" rule del pref 77
	check_within "main table again" 2 begins "wire0 $(hex_mac "$FARMAC")"
	ip "-$1" rule add pref 77 to $NET prohibit
	check_within "prohibited" 2 next_hop_software
	ip "-$1" rule del pref 77
	check_within "back in hardware" 2 in_hw
}
policy_rule4() { policy_rule 4; }
policy_rule6() { policy_rule 6; }

# An underlay device changes its VRF, and its routes the table.
vrf_master() {
	remote 4
	ip link add link "$PF" name ul88 type vlan id 88
	ip addr add 10.8.0.1/24 dev ul88
	ip link set ul88 up
	ip neigh replace 10.8.0.2 lladdr $NEIGH2 dev ul88 nud permanent
	ip route add 10.9.0.0/24 via 10.8.0.2
	ip route add 10.9.0.0/16 via 10.7.0.2
	encap_rule
	check_within "by VLAN 88" 2 begins "wire0 $(hex_mac $NEIGH2)[0-9a-f]{12}81000058"
	ip link add vrf77 type vrf table 77
	ip link set vrf77 up
	ip link set ul88 master vrf77
	check_within "by what the main table has left" 2 begins "wire0 $(hex_mac "$FARMAC")"
	encap_same "an underlay in a VRF"
	ip link set ul88 nomaster
	ip route add 10.9.0.0/24 via 10.8.0.2
	ip neigh replace 10.8.0.2 lladdr $NEIGH2 dev ul88 nud permanent
	check_within "by VLAN 88 again" 2 begins "wire0 $(hex_mac $NEIGH2)[0-9a-f]{12}81000058"
	ip link del vrf77
	ip link del ul88
}

# A tunnel device bound to a device takes that one's VRF when it is opened.
vrf_bound() {
	remote 4
	ip link add link "$PF" name ul88 type vlan id 88
	ip link add vrf77 type vrf table 77
	ip link set vrf77 up
	ip link set ul88 master vrf77
	ip addr add 10.8.0.1/24 dev ul88
	ip link set ul88 up
	ip neigh replace 10.8.0.2 lladdr $NEIGH2 dev ul88 nud permanent
	ip route add 10.9.0.0/24 via 10.8.0.2 table 77
	ip route add 10.9.0.0/24 via 10.7.0.2
	ip link del tun0
	check "tunnel device in the VRF" tun_add vxlan 4 dev ul88
	L=10.8.0.1
	encap_rule
	check_within "the VRF's route" 2 begins "wire0 $(hex_mac $NEIGH2)[0-9a-f]{12}81000058"
	encap_same "a tunnel device in a VRF"
	ip link del tun0
	ip link del vrf77
	ip link del ul88
}

# two_ways 4|6: NET by both uplinks. Headers have an address of neither, for
# newer kernels prefer the way an address belongs to.
two_ways() {
	local len=24 here=10.6.0.1 there=10.6.0.2 nodad=()
	remote "$1"
	L=10.5.0.1
	[ "$1" = 6 ] && len=64 here=2001:db8:66::1 there=2001:db8:66::2 L=2001:db8:55::1 nodad=(nodad)
	sysctl -qw net.ipv6.conf.lo.disable_ipv6=0
	ip addr add $L dev lo
	sysctl -qw "net.ipv6.conf.$UP2.disable_ipv6=0"
	ip addr add $here/$len dev "$UP2" "${nodad[@]}"
	ip -n far addr add $there/$len dev wire1 "${nodad[@]}"
	ip neigh replace $there lladdr "$(mac_of far/wire1)" dev "$UP2" nud permanent
	ip route add $NET nexthop via $VIA dev "$PF" nexthop via $there dev "$UP2"
}

# wires N: the wire of the frames to each of N remotes, by their VNI.
wires() {
	local i specs=()
	for ((i = 1; i <= $1; i++)); do
		specs+=("$A/ip dst=198.18.0.$i/udp/len 30")
	done
	pkt xfer -s -t 0.6 --tx "${VF[0]}" --rx far/wire0 --rx far/wire1 "${specs[@]}" |
		sed -E "s,^far/(wire.) 1 .{$((FAMILY == 4 ? 92 : 132))}(.{6}).*,\2 \1," | sort | cut -d ' ' -f 2 | tr '\n' ' '
}

# remote_rules N WORDS REMOTE: rule i sends to REMOTE, its X being i, VNI i.
remote_rules() {
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "filter add dev ${REP[0]} ingress protocol ip pref 20 handle $i flower $2 dst_ip 198.18.0.$i action tunnel_key set src_ip $L dst_ip ${3/X/$i} id $i dst_port 4789 ttl 5 nocsum pipe action mirred egress redirect dev tun0"
	done | check "$1 rules $2" tc -batch -
}

# By addresses: one way for a remote, the same as the kernel takes.
multipath() {
	local sw hw
	two_ways "$1"
	remote_rules 12 skip_hw "${R%1}X"
	sw=$(wires 12)
	tc filter del dev "${REP[0]}" ingress
	remote_rules 12 "" "${R%1}X"
	sleep 0.5
	hw=$(wires 12)
	check_eq "ways of hardware" "$hw" "$sw"
	check_eq "kinds of ways" "$(kinds "$hw")" "wire0 wire1"
	sleep 0.2
	check_eq "in hardware" "$(hw_count "${REP[0]}")" 12
	# A way that goes takes its remotes to the other one.
	ip link set "$UP2" down
	check_within "one way left" 2 next_hops_by "$PF"
	# Frames may be software's for a moment, which takes its time.
	check_within "all by it" 4 ways_are wire0
	ip link set "$UP2" up
	check_within "both ways again" 4 next_hop_by "$UP2"
}
multipath4() { multipath 4; }
multipath6() { multipath 6; }

kinds() { tr ' ' '\n' <<< "$1" | grep . | sort -u | xargs; }
ways_are() {
	local ways
	ways=$(wires 12)
	echo "ways: $ways"
	[ "$(kinds "$ways")" = "$1" ]
}
next_hop_by() { debugfs next_hops | grep -q " dev $1 "; }
next_hops_by() { ! debugfs next_hops | grep -qv " dev $1 "; }

# By ports, or for GRE by the flow: headers to one remote are spread.
spread() {
	local hw
	remote_rules 12 "" 10.9.0.1
	sleep 0.5
	hw=$(wires 12)
	check_eq "frames" "$(wc -w <<< "$hw")" 12
	check_eq "kinds of ways" "$(kinds "$hw")" "wire0 wire1"
	sleep 0.2
	check_eq "in hardware" "$(hw_count "${REP[0]}")" 12
}

multipath_ports() {
	sysctl -qw net.ipv4.fib_multipath_hash_policy=1
	two_ways 4
	spread
}

multipath_gre() {
	two_ways 4
	ip link del tun0
	check "GRE device" tun_add gre 4
	spread
}

lookups_sum() {
	debugfs encaps | sed 's/.* lookups \([0-9]*\) .*/\1/' | paste -s -d + | bc
}
lookups_settled() { steady lookups_sum; }

# visits WHAT N CMD...: CMD has N routes of headers looked up.
visits() {
	local before
	before=$(lookups_sum)
	check "$1" "${@:3}" || return
	check_eq "routes looked up: $1" $(($(lookups_settled) - before)) "$2"
}

# What nexthop objects and policy rules cost, with forty headers they are not about.
event_cost() {
	local others=10.9.1. net=10.9.1.0/24 all=10.9.0.0/16 host=32 away=198.18.0.0/15
	[ "$1" = 6 ] && others=2001:db8:9:1:: net=2001:db8:9:1::/64 all=2001:db8:9::/48 \
		host=128 away=2001:db8:a::/48
	remote "$1"
	ip route add "$net" via "$VIA"
	remote_rules 40 "" "${others}X"
	ip nexthop add id 7 via "$VIA" dev "$PF"
	ip nexthop add id 8 via "$VIA" dev "$PF"
	ip nexthop add id 9 group 8
	ip route add "$NET" nhid 7
	ip route add "$NET" via "$VIA2" table 77
	encap_rule
	# The first of all policy rules is one more thing to look at.
	ip "-$1" rule add pref 77 from all lookup main
	ip "-$1" rule del pref 77
	check_ge "lookups" "$(lookups_settled)" 41
	visits "another object" 0 ip nexthop replace id 8 via "$VIA2" dev "$PF"
	visits "its object" 1 ip nexthop replace id 7 via "$VIA2" dev "$PF"
	check_within "by the second neighbour" 2 begins "wire0 $(hex_mac $NEIGH2)"
	visits "a group" 1 ip route replace "$NET" nhid 9
	visits "the object it had" 0 ip nexthop replace id 7 via "$VIA" dev "$PF"
	visits "an object of the group" 1 ip nexthop replace id 8 via "$VIA" dev "$PF"
	check_within "by the first neighbour" 2 begins "wire0 $(hex_mac "$FARMAC")"
	visits "the group" 1 ip nexthop replace id 9 group 7/8
	visits "the group once more" 1 ip nexthop replace id 9 group 8
	visits "rule to its remote" 1 ip "-$1" rule add pref 77 to "$NET" table 77
	check_within "by the second neighbour" 2 begins "wire0 $(hex_mac $NEIGH2)"
	visits "no rule to its remote" 1 ip "-$1" rule del pref 77
	visits "rule to somewhere else" 0 ip "-$1" rule add pref 77 to "$away" table 77
	ip "-$1" rule del pref 77
	visits "rule for a mark" 0 ip "-$1" rule add pref 77 fwmark 5 table 77
	visits "no rule for a mark" 0 ip "-$1" rule del pref 77
	visits "rule for what comes in" 0 ip "-$1" rule add pref 77 iif "$PF" table 77
	visits "no rule for what comes in" 0 ip "-$1" rule del pref 77
	visits "rule from another address" 0 ip "-$1" rule add pref 77 from "$VIA2/$host" table 77
	visits "none from another address" 0 ip "-$1" rule del pref 77
	visits "rule from its address" 41 ip "-$1" rule add pref 77 from "$L/$host" to "$all" table 77
	check_within "by the second neighbour" 2 begins "wire0 $(hex_mac $NEIGH2)"
	visits "none from its address" 41 ip "-$1" rule del pref 77
	check_within "by the first neighbour" 2 begins "wire0 $(hex_mac "$FARMAC")"
}
event_cost4() { event_cost 4; }
event_cost6() { event_cost 6; }

tests_run "$@"
