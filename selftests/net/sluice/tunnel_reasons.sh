#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=300 kernels=stock
#
# Why a tunnel rule is not in hardware, or its packets are not: tc and debugfs say
# so, and hardware does not count.

ALL_TESTS="no_way neighbour refused_devices refused_options elsewhere other_port"

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tunnel_lib.sh"

FRAME="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01/ip/udp/len 30"

setup() {
	modprobe -q dummy
	tunnel_setup
}

before() { underlay plain 4; }
after() {
	tc filter del dev "${REP[0]}" ingress
	ip link del tun0 2>/dev/null
	underlay_del
	ip neigh flush dev "$PF"
	check "nothing left" tables_empty
	check_eq "next hops left" "$(occupancy next_hops)" 0
	check_eq "encaps left" "$(occupancy encaps)" 0
	check_eq "endpoints left" "$(occupancy endpoints)" 0
}

# said REGEX CMD...: tc takes the filter and says REGEX meanwhile.
said() {
	local re=$1
	shift
	"$@" > "$SLUICE_TMP/said" 2>&1
	local rc=$?
	cat "$SLUICE_TMP/said"
	[ $rc -eq 0 ] && grep -Eq -- "$re" "$SLUICE_TMP/said"
}

because() { debugfs encaps | grep -Fq " software: $1 mtu "; }
in_use() { debugfs encaps | grep -q ' next_hop [0-9]'; }

hw_count() { tc_rule "$1" 1 '.options.actions[-1].stats.hw_packets // 0'; }
hw_count_is() { [ "$(hw_count "$1")" = "$2" ]; }
wire_count() { pkt xfer -s -t 0.3 --tx "${VF[0]}" --rx far/wire0 "$FRAME" | grep -c .; }

encap_to() {
	tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 flower verbose \
		action tunnel_key set src_ip "$L" dst_ip "$1" id 5 dst_port 4789 ttl 8 pipe \
		action mirred egress redirect dev tun0
}

# why REASON COMMAND UNDO: after COMMAND packets are software's because of REASON,
# after UNDO they are hardware's.
why() {
	local hits
	$2
	check_within "$1" 2 because "$1"
	hits=$(hw_count "${REP[0]}")
	wire_count > /dev/null
	sleep 0.2
	check_eq "hardware's frames: $1" "$(hw_count "${REP[0]}")" "$hits"
	$3
	check_within "no more: $1" 2 in_use
}

no_way() {
	local via="ip route replace 10.9.0.0/24 via $R" no="no route to the remote"
	tun_add vxlan 4
	check "not yet" said "not yet: $no" encap_to 10.9.0.1
	check "in_hw nevertheless" tc_in_hw "${REP[0]}" 1
	check_within "$no" 2 because "$no"
	$via
	check_within "with a route" 2 in_use
	why "$no" "ip route del 10.9.0.0/24" "$via"
	ip link add d77 type dummy
	ip link set d77 up
	why "the route leaves by a device that is no uplink of this switch" \
		"ip route replace 10.9.0.0/24 dev d77" "$via"
	ip link del d77
	why "the remote is a local, multicast or broadcast address" \
		"ip addr add 10.9.0.1/32 dev lo" "ip addr del 10.9.0.1/32 dev lo"
	why "the tunnel device is down" "ip link set tun0 down" "ip link set tun0 up"
	why "the tunnel device has filters at its egress" \
		"tc filter add dev tun0 egress protocol ip pref 1 flower ip_proto 99 action drop" \
		"tc filter del dev tun0 egress"
	ip link add link "$PF" name ul88 type vlan id 88
	ip addr add 10.8.0.1/24 dev ul88
	ip link set ul88 up
	$via
	ip route replace 10.9.0.0/24 via 10.8.0.2
	check_within "by the VLAN" 2 debugfs_has next_hops " dev ul88 "
	tc qdisc add dev ul88 clsact
	check_within "filters of the VLAN" 2 debugfs_has next_hops " dev ul88 filtered "
	tc qdisc del dev ul88 clsact
	check_within "none of the VLAN" 2 debugfs_has next_hops " dev ul88 unresolved "
	ip link del ul88
}
debugfs_has() { debugfs "$1" | grep -q -- "$2"; }

# A next hop tells of its neighbour, its users and what went through it.
neighbour() {
	tun_add vxlan 4
	ip -n far link set wire0 promisc on
	ip neigh replace "$R" lladdr 02:00:00:77:00:01 dev "$PF" nud permanent
	check "rule" encap_to "$R"
	check_within "valid" 2 debugfs_has next_hops \
		" $R dev $PF valid .* dst 02:00:00:77:00:01 users 1 packets 0 "
	check_eq "frames" "$(wire_count)" 1
	check_within "counted" 2 debugfs_has next_hops " users 1 packets 1 "
	ip -n far link set wire0 arp off
	ip neigh del "$R" dev "$PF"
	check_within "unresolved" 2 debugfs_has next_hops " $R dev $PF unresolved "
	check_eq "frames that hardware sends" "$(hw_count "${REP[0]}")" 1
	check_eq "frames without a neighbour" "$(wire_count)" 0
	check_eq "frames that hardware sends then" "$(hw_count "${REP[0]}")" 1
	tc filter del dev "${REP[0]}" ingress
	check "not yet" said "not yet: the next hop is unresolved" encap_to "$R"
	ip -n far link set wire0 arp on
	check_within "resolved" 3 debugfs_has next_hops " $R dev $PF valid "
}

# refuse REGEX TYPE...: a rule to such a tunnel device is refused.
refuse() {
	ip link add tun0 type "${@:2}" || { fail "no device ${*:2}"; return; }
	ip link set tun0 up
	check_refused "${*:2}" "$1" tc filter add dev "${REP[0]}" ingress protocol all pref 1 \
		flower skip_sw action tunnel_key set src_ip "$L" dst_ip "$R" id 1 nocsum pipe \
		action mirred egress redirect dev tun0
	ip link del tun0
}

refused_devices() {
	refuse 'not "external"' vxlan id 7 dstport 4789 dev "$PF"
	refuse 'not "external"' geneve id 7 remote "$R"
	refuse 'not "external"' gretap remote "$R" local "$L"
	refuse 'VXLAN with gpe' vxlan external gpe dstport 4790
	refuse 'innerprotoinherit' geneve external innerprotoinherit
}

# encap_refused REGEX TUNNEL_KEY-WORDS...
encap_refused() {
	check_refused "encap: ${*:2}" "$1" tc filter add dev "${REP[0]}" ingress protocol all pref 1 \
		flower skip_sw action tunnel_key set src_ip "$L" dst_ip "$R" id 1 "${@:2}" pipe \
		action mirred egress redirect dev tun0
}

# decap_told REGEX KEYS AND ACTIONS...: a filter of the tunnel device is software's, says tc.
decap_told() {
	check "decap: ${*:2}" said "$1" tc filter add dev tun0 ingress protocol ip pref 1 handle 9 \
		flower verbose "${@:2}"
	check "software's: ${*:2}" tc_not_in_hw tun0 9
	tc filter del dev tun0 ingress
}

refused_options() {
	tun_add vxlan 4
	encap_refused "options of another kind of tunnel" dst_port 4789 geneve_opts 0102:03:04050607
	decap_told "indev" enc_key_id 5 indev tun0 action drop
	ip link add dum-host type dummy
	decap_told "mirred ingress with a tunnel header" action skbedit ptype host pipe \
		action mirred ingress redirect dev dum-host
	decap_told "without skbedit ptype host" action tunnel_key unset pipe \
		action mirred ingress redirect dev dum-host
	ip link del dum-host
	tun_del
	tun_add geneve 4
	encap_refused "options of another kind of tunnel" dst_port 6081 vxlan_opts 77
	tun_del
	tun_add gre 4
	encap_refused "GRE checksum" csum
	tun_del
}

# Tunnel devices of other namespaces are not followed: their filters are software's.
elsewhere() {
	ns_add tun-ns
	ip link add tun0 type vxlan external dstport 4789
	ip link set tun0 netns tun-ns
	ip -n tun-ns link set tun0 up
	tc -n tun-ns qdisc add dev tun0 clsact
	check_refused "in hardware alone" "not supported" tc -n tun-ns filter add dev tun0 ingress \
		protocol all pref 1 flower skip_sw enc_key_id 5 action drop
	check "in software" tc -n tun-ns filter add dev tun0 ingress protocol all pref 1 flower \
		enc_key_id 5 action drop
	check "not in hardware" not_in_hw_there
	ip -n tun-ns link del tun0
}
not_in_hw_there() { tc -n tun-ns filter show dev tun0 ingress | grep -q not_in_hw; }

# A packet for another UDP port is no tunnel packet; any port may be one.
other_port() {
	local spec to
	TYPE=vxlan
	ip link add tun0 type vxlan external dstport 8472
	ip link set tun0 up
	tc qdisc add dev tun0 clsact
	# shellcheck disable=SC2086 # words
	check "decap" tc filter add dev tun0 ingress protocol all pref 10 handle 1 flower \
		enc_key_id $((VNI)) action tunnel_key unset pipe $TO1
	check_within "an endpoint" 2 endpoints 1
	for to in 4789:0 8472:1; do
		spec=$(OUTER_UDP="dport=${to%:*}" outer "$FRAME")
		check_eq "frames to port ${to%:*}" "$(pkt xfer -s -t 0.3 --tx far/wire0 \
			--rx "${VF[1]}" "$spec" | grep -c .)" "${to#*:}"
		check_within "hardware's frames to port ${to%:*}" 2 hw_count_is tun0 "${to#*:}"
	done
}

tests_run "$@"
