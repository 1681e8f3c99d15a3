#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=1500
#
# Tunnels follow the kernel: whatever happens to neighbours, routes, addresses,
# links and MTUs, packets go on, with the new header, and hardware sends them
# again within two seconds. What an event costs does not depend on the rules.

ALL_TESTS="order device_gone"
MORE_TESTS="lifecycle neigh_mac neigh_fail neigh_cost route_gone route_moved route_cost address_moved
	source_chosen link_flap tunnel_flap mtu_lowered bridge_port neigh_in_use neigh_in_use6"
# The kernel with checkers is slow; there by default what they can say most of.
if [ ! -e /proc/lockdep ] || [ -n "$SLUICE_FULL" ]; then
	ALL_TESTS="$ALL_TESTS $MORE_TESTS"
	MORE_TESTS=''
fi

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tunnel_lib.sh"

FRAME="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01/ip/udp/len 30"
FARMAC=''

setup() {
	tunnel_setup || return
	FARMAC=$(mac_of far/wire0)
}

before() {
	underlay plain 4
	check "tunnel device" tun_add vxlan 4
	ping -q -c 1 -W 2 "$R" > /dev/null
	# shellcheck disable=SC2046 # words
	check "encap rule" tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 flower \
		$(tun_key ttl 64)
	check_within "encap in hardware" 2 encap_hw
}

decap_rule() {
	# shellcheck disable=SC2086 # words
	check "decap rule" tc filter add dev tun0 ingress protocol all pref 10 handle 1 flower \
		enc_key_id $((VNI)) action tunnel_key unset pipe $TO1
}

after() {
	tc filter del dev "${REP[0]}" ingress
	ip link del tun0 2>/dev/null
	underlay_del
	ip link set "$PF" up mtu 1500
	ip -n far link set wire0 address "$FARMAC"
	ip -n far neigh flush all
	ip neigh flush dev "$PF"
	check "nothing left" tables_empty
	check_eq "next hops left" "$(occupancy next_hops)" 0
	check_eq "encaps left" "$(occupancy encaps)" 0
	check_eq "endpoints left" "$(occupancy endpoints)" 0
}

hw_count() { tc -j -s filter show dev "$1" ingress | jq '[.[].options.actions?[-1].stats.hw_packets // 0] | add // 0'; }
wire_frames() { pkt xfer -s -t 0.4 --tx "${VF[0]}" --rx far/wire0 "${1:-$FRAME}"; }

# A frame went out by hardware: its counter has moved.
encap_hw() {
	local n
	n=$(hw_count "${REP[0]}")
	[ "$(wire_frames | grep -c .)" = 1 ] && sleep 0.2 && [ "$(hw_count "${REP[0]}")" -gt "$n" ]
}

encap_sw() {
	local n
	n=$(hw_count "${REP[0]}")
	[ "$(wire_frames | grep -c .)" = 1 ] && sleep 0.2 && [ "$(hw_count "${REP[0]}")" = "$n" ]
}

decap_hw() {
	local n specs
	mapfile -t specs < <(OUTER_UDP=csum=0 outer "$FRAME")
	n=$(hw_count tun0)
	[ "$(pkt xfer -s -t 0.4 --tx far/wire0 --rx "${VF[1]}" "${specs[@]}" | grep -c .)" = 1 ] &&
		sleep 0.2 && [ "$(hw_count tun0)" -gt "$n" ]
}

# The start of what is on the wire.
wire_begins() { wire_frames | grep -Eq "^far/wire0 1 $1"; }
hex_mac() { tr -d : <<< "$1"; }

neigh_mac() {
	local before after new=02:00:00:77:00:99
	before=$(descriptors_settled)
	ip -n far link set wire0 address $new
	# What the other end says meanwhile must not count.
	ip neigh replace "$R" lladdr $new dev "$PF" nud permanent
	check_within "the new address in the header" 2 wire_begins "$(hex_mac $new)"
	after=$(descriptors)
	check_eq "commands" $((after - before)) 1
	check "in hardware" encap_hw
	ip neigh del "$R" dev "$PF"
}

neigh_fail() {
	ip neigh replace "$R" nud failed dev "$PF"
	check_within "hardware knows" 2 next_hop_software
	# The first packet makes the kernel look for the neighbour.
	wire_frames > /dev/null
	check_within "hardware has it back" 2 next_hop_valid
	check "in hardware" encap_hw
	ip neigh del "$R" dev "$PF"
	check_within "a forgotten neighbour" 2 next_hop_software
	wire_frames > /dev/null
	check_within "hardware has it back again" 2 encap_hw
}

# many N: N rules, each with a header of its own, behind one neighbour.
many() {
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "filter add dev ${REP[0]} ingress protocol ip pref 20 handle $((i + 10)) flower skip_sw dst_ip 198.18.$((i / 250)).$((i % 250)) ip_proto udp action tunnel_key set src_ip $L dst_ip $R id $i dst_port 4789 pipe action mirred egress redirect dev tun0"
	done | tc -batch -
}

neigh_cost() {
	local n before after cost=''
	for n in 10 1000; do
		check "$n rules" many $n
		before=$(descriptors_settled)
		ip neigh replace "$R" lladdr 02:00:00:77:01:$((n % 89 + 10)) dev "$PF" nud permanent
		sleep 0.5
		after=$(descriptors)
		cost="$cost $((after - before))"
		tc filter del dev "${REP[0]}" ingress pref 20
	done
	ip neigh del "$R" dev "$PF"
	check_eq "commands of a neighbour change behind 11 and 1001 rules" "$cost" " 1 1"
}

# A second remote behind the first.
remote_route() {
	tc filter del dev "${REP[0]}" ingress
	ip route add 10.9.0.0/24 via "$R"
	check "rule" tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 flower \
		action tunnel_key set src_ip "$L" dst_ip 10.9.0.1 id 5 dst_port 4789 ttl 8 pipe \
		action mirred egress redirect dev tun0
}

route_gone() {
	remote_route
	check_within "in hardware" 2 encap_hw
	ip route del 10.9.0.0/24
	check_within "no route" 2 next_hop_software
	check_eq "frames without a route" "$(wire_frames | grep -c .)" 0
	ip route add 10.9.0.0/24 via "$R"
	check_within "back in hardware" 2 encap_hw
	ip route replace blackhole 10.9.0.0/24
	check_within "a black hole" 2 next_hop_software
	ip route del blackhole 10.9.0.0/24
}

route_moved() {
	ip link add link "$PF" name ul88 type vlan id 88
	ip -n far link add link wire0 name far88 type vlan id 88
	ip addr add 10.8.0.1/24 dev ul88
	ip -n far addr add 10.8.0.2/24 dev far88
	ip link set ul88 up
	ip -n far link set far88 up
	remote_route
	check_within "in hardware" 2 encap_hw
	ip route replace 10.9.0.0/24 via 10.8.0.2
	check_within "the other way" 2 wire_begins "[0-9a-f]{24}81000058"
	check_within "in hardware" 2 encap_hw
	ip route add 10.9.0.1/32 via "$R"
	check_within "back by a longer prefix" 2 wire_begins "[0-9a-f]{24}0800"
	ip link del ul88
	ip -n far link del far88
	ip route flush to root 10.9.0.0/16
}

route_cost() {
	local before after i
	for ((i = 1; i <= 250; i++)); do
		echo "filter add dev ${REP[0]} ingress protocol ip pref 20 handle $((i + 10)) flower skip_sw dst_ip 198.18.0.$i action tunnel_key set src_ip $L dst_ip 10.7.0.$((i < 250 ? i + 3 : 253)) id $i dst_port 4789 pipe action mirred egress redirect dev tun0"
	done | quietly tc -batch -
	sleep 0.5
	remote_route
	check_within "in hardware" 2 encap_hw
	before=$(descriptors_settled)
	ip route replace 10.9.0.0/24 via "$R" mtu 1300
	sleep 0.5
	after=$(descriptors)
	check_eq "commands of a route change among 250 unaffected encaps" $((after - before)) 1
	ip route del 10.9.0.0/24
}

address_moved() {
	decap_rule
	check_within "decap in hardware" 2 decap_hw
	ip addr del "$L/24" dev "$PF"
	check_within "no endpoint without the address" 2 endpoints 0
	ip addr add "$L/24" dev "$PF"
	check_within "an endpoint with it" 2 endpoints 1
	check_within "decap in hardware again" 2 decap_hw
	check_within "encap in hardware again" 2 encap_hw
}

# Without src_ip the header has the address the route prefers.
source_chosen() {
	tc filter del dev "${REP[0]}" ingress
	check "rule" tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 flower \
		action tunnel_key set src_ip 0.0.0.0 dst_ip "$R" id 5 dst_port 4789 ttl 8 pipe \
		action mirred egress redirect dev tun0
	check_within "in hardware" 2 encap_hw
	check "first address" wire_begins "[0-9a-f]{52}0a070001"
	ip addr add 10.7.0.9/24 dev "$PF"
	ip addr del "$L/24" dev "$PF"
	ip addr add 10.7.0.9/24 dev "$PF" 2>/dev/null
	check_within "second address" 2 wire_begins "[0-9a-f]{52}0a070009"
	check_within "in hardware" 2 encap_hw
	ip addr flush dev "$PF" scope global
	ip addr add "$L/24" dev "$PF"
}

link_flap() {
	decap_rule
	ip link set "$PF" down
	check_within "hardware knows" 2 next_hop_software
	ip link set "$PF" up
	check_within "encap in hardware" 4 encap_hw
	check_within "decap in hardware" 2 decap_hw
}

tunnel_flap() {
	decap_rule
	ip link set tun0 down
	check_within "no endpoint" 2 endpoints 0
	check_eq "frames through a device that is down" "$(wire_frames | grep -c .)" 0
	ip link set tun0 up
	check_within "encap in hardware" 2 encap_hw
	check_within "decap in hardware" 2 decap_hw
	ip link del tun0
	check_within "no next hop" 2 check_gone
	check "device again" tun_add vxlan 4
}

check_gone() { [ "$(occupancy next_hops)" = 0 ] && [ "$(occupancy encaps)" = 0 ]; }

mtu_lowered() {
	local long="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01/ip/udp/len 1380"
	local n
	# More than one header by way of the same neighbour.
	check "rules" many 3
	check_eq "long frames" "$(wire_frames "$long" | grep -c .)" 1
	ip link set "$PF" mtu 1400
	sleep 0.3
	check_eq "headers with the new MTU" "$(debugfs encaps | grep -c ' mtu 1400 ')" 4
	n=$(hw_count "${REP[0]}")
	check_eq "fragments by software" "$(pkt xfer -t 0.4 --tx "${VF[0]}" --rx far/wire0 "$long" | grep -c 0a0700010a070002)" 2
	sleep 0.2
	check_eq "hardware's share" "$(hw_count "${REP[0]}")" "$n"
	check "short ones in hardware" encap_hw
	ip link set "$PF" mtu 1500
	check_eq "long frames again" "$(wire_frames "$long" | grep -c .)" 1
}

bridge_port() {
	decap_rule
	check_within "decap in hardware" 2 decap_hw
	ip link add br77 type bridge
	ip link set "$PF" master br77
	check_within "frames are the bridge's" 2 endpoints 0
	ip link del br77
	check_within "and the host's again" 2 endpoints 1
	check_within "decap in hardware again" 2 decap_hw
}

nud() { ip -j neigh show "$R" dev "$PF" | jq -r '.[0].state[0] // "none"'; }
nud_is() { [[ $(nud) == "$1" ]]; }

# neigh_times REACHABLE_MS PROBE_S STALE_S THRESHOLD: for the family in use. Half
# of REACHABLE_MS has to be more than PROBE_S: the kernel makes the time a
# neighbour is believed anything from half to three halves of it, and one that
# is believed for less than PROBE_S behind its confirmation is asked for ever.
neigh_times() {
	local t=net.ipv$FAMILY.neigh
	sysctl -qw "$t.$PF.base_reachable_time_ms=$1" "$t.$PF.delay_first_probe_time=$2" \
		"$t.$PF.gc_stale_time=$3" "$t.default.base_reachable_time_ms=$1" \
		"$t.default.gc_thresh1=$4"
}

hw_moves() {
	local n
	n=$(hw_count "${REP[0]}")
	sleep 0.3
	[ "$(hw_count "${REP[0]}")" -gt "$n" ]
}

# Steady traffic that only hardware sees keeps the neighbour, for three times
# the longest of the times; without it the kernel forgets the neighbour.
neigh_in_use() {
	local end state lost=''
	neigh_times 3000 1 5 0
	bg - "$SLUICE_LIB/pkt.py" send -n 2000 -g 0.05 "${VF[0]}" "$FRAME"
	check_within "traffic" 20 hw_moves
	# A new entry, for an old one has timers of the old times.
	ip neigh del "$R" dev "$PF"
	check_within "in hardware" 5 hw_moves
	end=$((SECONDS + 15))
	while [ $SECONDS -lt $end ]; do
		sleep 0.5
		state=$(nud)
		[[ $state =~ REACHABLE|STALE|DELAY|PROBE ]] || lost="$lost $state"
	done
	check_eq "neighbour lost under traffic" "$lost" ''
	check_within "it is confirmed" 6 nud_is REACHABLE
	check "in hardware meanwhile" hw_moves
	bg_stop
	check_within "unused, it is forgotten" 40 nud_is none || note "it is $(nud)"
	check_within "hardware knows" 2 next_hop_software
	# The next packet brings it back.
	wire_frames > /dev/null
	check_within "hardware has it back" 2 encap_hw
	neigh_times 30000 5 60 128
}

neigh_in_use6() {
	tc filter del dev "${REP[0]}" ingress
	underlay_del
	underlay plain 6
	ping -q -c 1 -W 2 "$R" > /dev/null
	# shellcheck disable=SC2046 # words
	check "encap rule" tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 flower \
		$(tun_key ttl 64)
	neigh_in_use
}

# Filters of a tunnel device that are older than switchdev mode.
order() {
	tc filter add dev tun0 ingress protocol ip pref 1 handle 7 flower enc_key_id 9 action drop
	check "in hardware" tc_in_hw tun0 7
	check "legacy" mode_set legacy
	check_not "not in hardware" tc_in_hw tun0 7
	check "switchdev" mode_set switchdev
	check_within "in hardware again" 3 tc_in_hw tun0 7
	check_within "endpoint" 3 endpoints 1
	tunnel_setup
	underlay plain 4
}

# The device of rules goes under them, then the far end's namespace device.
device_gone() {
	decap_rule
	ip link del tun0
	check_within "nothing for the tunnel left" 2 check_gone
	check_within "no endpoint" 2 endpoints 0
	check_eq "frames" "$(wire_frames | grep -c .)" 0
	check "device again" tun_add vxlan 4
}

# The world goes under rules and traffic. Deleting the tunnel device, the VFs, the
# mode or the module comes in turn.
lifecycle() {
	local i rounds=8
	[ -n "${SLUICE_FULL:-}" ] && rounds=50
	for ((i = 0; i < rounds; i++)); do
		ip link del tun0 2>/dev/null
		tun_add vxlan 4 || fail "device"
		tc filter del dev "${REP[0]}" ingress
		# shellcheck disable=SC2046 # words
		tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 flower $(tun_key) ||
			fail "rule"
		decap_rule
		bg - "$SLUICE_LIB/pkt.py" send -n 50000 -g 0.002 "${VF[0]}" "$FRAME"
		bg far "$SLUICE_LIB/pkt.py" send -n 50000 -g 0.002 wire0 "$(outer "$FRAME")"
		check_within "round $i: in hardware" 40 busy || break
		case $((i % 4)) in
		0) mode_set legacy && mode_set switchdev ;;
		1) rmmod sluice && modprobe sluice ;;
		2) numvfs_set 0 ;;
		3) ip link del tun0 ;;
		esac || fail "round $i"
		bg_stop
		tunnel_setup || fail "setup"
		underlay plain 4
	done
}

# Both ways.
busy() { [ "$(hw_count "${REP[0]}")" -gt 0 ] && [ "$(hw_count tun0)" -gt 0 ]; }

tests_run "$@"
