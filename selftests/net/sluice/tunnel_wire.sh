#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=900 kernels=stock
#
# Tunnels on the wire: what hardware (skip_sw, in_hw) sends and receives is what
# software (skip_hw) does with the same frames, byte by byte but for the IPv4 id.

ALL_TESTS="vxlan4 vxlan6 vxlan4_vlan vxlan6_vlan geneve4 geneve6 geneve4_vlan
	geneve6_vlan gre4 gre6 gre4_vlan gre6_vlan header zero_csum6 options inner flooding edits to_host refused"

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tunnel_lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"
FRAMES=("$A/ip/udp/len 30" "$A/ip src=192.0.2.9/udp sport=7/len 30" "$A/ip tos=1/tcp/len 31"
	"$A/ip tos=0xba df=1/udp/len 8" "$A/ip tos=3/icmp/len 32" "$A/ip mf=1 proto=17/len 40"
	"$A/ip6/udp/len 30" "$A/ip6 tc=3 hlim=3/tcp/len 33" "$A/vlan id=5 prio=2/ip/udp/len 20"
	"$A/vlan id=5/ip6 tc=2/tcp/len 21" "$A/arp" "eth type=0x88b5/len 46" "$A/ip/udp/len 1400")

setup() { tunnel_setup; }
before() {
	SEND=("${FRAMES[@]}")
	HW_LESS=0 OUTER_IP='' OUTER_UDP='' OUTER_HDR='' PROTO=all INNER=''
	unset ID
}
after() {
	tc filter del dev "${REP[0]}" ingress
	check "nothing left" tables_empty
	check_eq "next hops left" "$(occupancy next_hops)" 0
	check_eq "encaps left" "$(occupancy encaps)" 0
	check_eq "endpoints left" "$(occupancy endpoints)" 0
}

# Without the id and checksum of the outer IPv4 header.
mask_id() {
	local i=$((36 + TAGLEN))
	if [ "$FAMILY" = 4 ]; then
		sed -E "s/( [0-9a-f]{$i})[0-9a-f]{4}([0-9a-f]{8})[0-9a-f]{4}/\1____\2____/"
	else
		cat
	fi | sort
}

sent() {
	pkt xfer -s -t 0.5 --tx "${VF[0]}" --rx far/wire0 "${SEND[@]}" | mask_id
}

hw_packets() {
	tc -j -s filter show dev "$1" ingress |
		jq '[.[].options.actions?[-1].stats.hw_packets // 0] | add // 0'
}
hw_reached() { [ "$(hw_packets "$1")" -ge "$2" ]; }

# encap LINES WORDS: the same bytes on the wire from both. PROTO and INNER are the
# filter's protocol and keys.
encap() {
	local lines=$1 hits=$(($1 - HW_LESS)) sw hw
	ping_reach
	# shellcheck disable=SC2046,SC2086 # words
	check "in software: ${*:2}" tc filter add dev "${REP[0]}" ingress protocol $PROTO pref 10 \
		handle 1 flower skip_hw $INNER $(tun_key "${@:2}") || return
	sw=$(sent)
	tc filter del dev "${REP[0]}" ingress
	# shellcheck disable=SC2046,SC2086 # words
	check "in hardware: ${*:2}" tc filter add dev "${REP[0]}" ingress protocol $PROTO pref 10 \
		handle 1 flower $INNER $(tun_key "${@:2}") || return
	check_within "a valid next hop" 2 next_hop_valid
	hw=$(sent)
	check_eq "frames on the wire" "$(grep -c . <<< "$sw")" "$lines"
	check "hardware sent them: ${*:2}" wait_for 2 hw_reached "${REP[0]}" "$hits"
	check_eq "hardware's share of ${*:2}" "$(hw_packets "${REP[0]}")" "$hits"
	tc filter del dev "${REP[0]}" ingress
	compare_out "encap $TYPE over IPv$FAMILY ${INNER:+of $INNER }${*:2}" "$sw" "$hw"
}

compare_out() {
	[ "$2" = "$3" ] && return
	fail "$1: software (<) and hardware (>) differ:"
	diff <(echo "$2") <(echo "$3") | sed 's/^/#   /'
}

ping_reach() {
	ping -q -c 1 -W 2 "$R" > /dev/null || fail "no way to $R"
}

# received [PORT]: what comes out of the tunnel there, at VF 1 unless told otherwise.
received() {
	local specs
	mapfile -t specs < <(outer "${SEND[@]}")
	pkt xfer -s -t 0.5 --tx far/wire0 --rx "${1:-${VF[1]}}" "${specs[@]}" | sort
}

# decap LINES HW KEYS: the same frames at VF 1, HW of them by hardware.
decap() {
	local lines=$1 hits=$2 keys=${*:3} sw hw
	# shellcheck disable=SC2086 # words
	check "in software: ${*:3}" tc filter add dev tun0 ingress protocol $PROTO pref 10 handle 1 \
		flower skip_hw $keys action tunnel_key unset pipe $TO1 || return
	sw=$(received)
	tc filter del dev tun0 ingress
	# shellcheck disable=SC2086 # words
	check "in hardware: ${*:3}" tc filter add dev tun0 ingress protocol $PROTO pref 10 handle 1 \
		flower $keys action tunnel_key unset pipe $TO1 || return
	check "in_hw: ${*:3}" tc_in_hw tun0 1
	hw=$(received)
	check_eq "frames received with ${*:3}" "$(grep -c . <<< "$sw")" "$lines"
	check "hardware counted $hits: ${*:3}" wait_for 2 hw_reached tun0 "$hits"
	check_eq "hardware's share of ${*:3}" "$(hw_packets tun0)" "$hits"
	tc filter del dev tun0 ingress
	compare_out "decap $TYPE over IPv$FAMILY ${*:3}" "$sw" "$hw"
}

# decap_hw HW KEYS: hardware alone, what arrives is what was put in.
decap_hw() {
	local hits=$1 keys=${*:2} got want spec
	# shellcheck disable=SC2086 # words
	check "in hardware: $keys" tc filter add dev tun0 ingress protocol all pref 10 handle 1 \
		flower $keys action tunnel_key unset pipe $TO1 || return
	check_within "an endpoint" 2 endpoints 1
	got=$(received)
	want=$(for spec in "${SEND[@]}"; do
		echo "${VF[1]} 1 $("$SLUICE_LIB/pkt.py" build "$spec")"
	done | sort)
	check "hardware counted $hits: $keys" wait_for 2 hw_reached tun0 "$hits"
	tc filter del dev tun0 ingress
	compare_out "inner frames (<) and decap (>) $keys" "$want" "$got"
}

both() {
	local n=${#FRAMES[@]}
	underlay "$2" "$3"
	check "tunnel device" tun_add "$1" "$3"
	# Software's: GRE over IPv4 looks for tagged IP's ECN bits at a wrong place.
	[ "$1$3" = gre4 ] && HW_LESS=1
	encap "$n" ttl 64 nocsum
	# shellcheck disable=SC2046 # a word or none
	encap "$n" ttl 9 tos 0x48 $([ "$1" = gre ] && echo nocsum)
	check_within "an endpoint" 2 endpoints 1
	decap "$n" "$n" "enc_key_id $((VNI)) enc_dst_ip $L enc_src_ip $R"
	tun_del
	underlay_del
}

vxlan4() { both vxlan plain 4; }
vxlan6() { both vxlan plain 6; }
vxlan4_vlan() { both vxlan vlan 4; }
vxlan6_vlan() { both vxlan vlan 6; }
geneve4() { both geneve plain 4; }
geneve6() { both geneve plain 6; }
geneve4_vlan() { both geneve vlan 4; }
geneve6_vlan() { both geneve vlan 6; }
gre4() { both gre plain 4; }
gre6() { both gre plain 6; }
gre4_vlan() { both gre vlan 4; }
gre6_vlan() { both gre vlan 6; }

# What else a header may have.
header() {
	local n=${#FRAMES[@]}
	underlay plain 4
	tun_add vxlan 4 gbp
	SEND=("${FRAMES[@]:0:6}")
	encap 6 ttl 64 csum
	encap 6 nofrag ttl 64
	encap 6 tos 0x1c
	encap 6 vxlan_opts 1234 ttl 3
	OUTER_HDR=880004d2$(printf '%06x' $((VNI)))00
	decap 6 6 "enc_key_id $((VNI)) vxlan_opts 1234"
	decap 0 0 "enc_key_id $((VNI)) vxlan_opts 1235"
	decap 6 6 "enc_key_id $((VNI)) enc_dst_port 4789 enc_ttl 64 enc_tos 0"
	OUTER_HDR='' OUTER_UDP=csum=0
	decap 6 6 "enc_key_id $((VNI))"
	OUTER_UDP=csum=bad
	decap 0 0 "enc_key_id $((VNI))"
	tun_del
	tun_add geneve 4
	OUTER_UDP=''
	encap 6 geneve_opts 0102:03:04050607,0108:80:1122334455667788 ttl 64
	OUTER_HDR=02406558$(printf '%06x' $((VNI)))000102030104050607
	if [[ $(uname -r) == 6.12.* ]]; then
		# This kernel warns of a memcpy() when it takes options in itself.
		decap_hw 6 "enc_key_id $((VNI)) geneve_opts 0102:03:04050607"
	else
		decap 6 6 "enc_key_id $((VNI)) geneve_opts 0102:03:04050607"
		decap 0 0 "enc_key_id $((VNI)) geneve_opts 0102:03:04050608"
	fi
	tun_del
	tun_add gre 4
	OUTER_HDR=''
	SEND=("${FRAMES[@]}")
	HW_LESS=1
	encap "$n" nocsum
	encap "$n" nocsum tos 1 ttl 7
	HW_LESS=0
	tun_del
	underlay_del
}

# UDP over IPv6 without a checksum, if the device is to take it and if not. GENEVE
# takes it all the same.
zero_csum6() {
	local lines
	underlay plain 6
	SEND=("${FRAMES[@]:0:6}")
	for TYPE in vxlan geneve; do
		tun_add "$TYPE" 6
		OUTER_UDP=csum=0
		decap 6 6 "enc_key_id $((VNI))"
		tun_del
		tun_add "$TYPE" 6 noudp6zerocsumrx
		lines=$([ $TYPE = vxlan ] && echo 0 || echo 6)
		decap "$lines" "$lines" "enc_key_id $((VNI))"
		OUTER_UDP=''
		decap 6 6 "enc_key_id $((VNI))"
		tun_del
	done
	underlay_del
}

# Options, flags and keys of the header, one and several.
options() {
	local two=0102:03:04050607,0108:80:1122334455667788 one other n=${#FRAMES[@]}
	underlay plain 4
	tun_add geneve 4
	SEND=("${FRAMES[@]:0:6}")
	one=0102030104050607 other=010880021122334455667788
	OUTER_HDR=05406558$(printf '%06x' $((VNI)))00$one$other
	decap_opts 6 "geneve_opts $two"
	decap_opts 0 "geneve_opts 0102:03:04050607,0108:80:1122334455667789"
	# The order counts.
	OUTER_HDR=05406558$(printf '%06x' $((VNI)))00$other$one
	decap_opts 0 "geneve_opts $two"
	OUTER_HDR=02006558$(printf '%06x' $((VNI)))00$one
	decap_opts 6 "geneve_opts 0102:03:04050000/ffff:ff:ffff0000"
	decap_opts 0 "geneve_opts 0102:03:05050000/ffff:ff:ffff0000"
	# Control packets, and options that must be understood.
	OUTER_HDR=00806558$(printf '%06x' $((VNI)))00
	decap_flags 6 tunoam
	decap_flags 0 notunoam
	decap_flags 0 tuncrit
	OUTER_HDR=00c06558$(printf '%06x' $((VNI)))00
	decap_flags 6 tunoam/tuncrit
	tun_del
	# NVGRE's key is a network and a flow; no key at all.
	tun_add gre 4
	SEND=("${FRAMES[@]}")
	HW_LESS=1 OUTER_HDR=20006558deadbe07
	ID="id $((0xdeadbe07))"
	encap "$n" nocsum ttl 8
	decap "$n" "$n" "enc_key_id $((0xdeadbe07))"
	decap 0 0 "enc_key_id $((0xdeadbe08))"
	ID='' OUTER_HDR=00006558
	encap "$n" nocsum ttl 8
	decap "$n" "$n" "enc_dst_ip $L"
	tun_del
	underlay_del
}

# decap_opts LINES KEYS: options in received packets. 6.12 warns of a memcpy() when
# it takes them in itself, so there only hardware is asked.
decap_opts() {
	if [[ $(uname -r) != 6.12.* ]]; then
		decap "$1" "$1" "enc_key_id $((VNI)) $2"
	elif [ "$1" -gt 0 ]; then
		decap_hw "$1" "enc_key_id $((VNI)) $2"
	fi
}

# decap_flags LINES FLAGS: if kernel and tc know such flags.
decap_flags() {
	if quietly tc filter add dev tun0 ingress protocol all pref 9 flower skip_hw enc_flags "$2" \
		action pass; then
		tc filter del dev tun0 ingress
		decap "$1" "$1" "enc_key_id $((VNI)) enc_flags $2"
	else
		note "enc_flags $2: not known here"
	fi
}

# Inner keys, before a tunnel and behind one.
inner() {
	local lines keys
	underlay plain 4
	tun_add vxlan 4
	while IFS='|' read -r -u 3 PROTO lines keys; do
		INNER=$keys
		encap "$lines" ttl 64
		decap "$lines" "$lines" "enc_key_id $((VNI)) $keys"
	done 3<<- EOF
		ip|5|ip_proto udp
		ip|1|ip_proto udp src_ip 192.0.2.9 src_port 7
		ip|1|ip_proto tcp ip_tos 1/3
		ip|1|ip_tos 0xba ip_ttl 64
		ip|1|ip_proto icmp
		ip|1|ip_flags frag
		ipv6|1|ip_proto tcp ip_tos 3 ip_ttl 3
		ipv6|1|ip_proto udp
		802.1q|1|vlan_id 5 vlan_prio 2 vlan_ethtype ip
		802.1q|1|vlan_id 5 vlan_ethtype ipv6 ip_proto tcp
		arp|1|arp_op request
		all|13|dst_mac 02:00:00:00:00:02 src_mac 02:00:00:00:00:01
		0x88b5|1|
	EOF
	tun_del
	underlay_del
}

# Several tunnels and a local copy from one rule.
flooding() {
	local hw sw side
	underlay plain 4
	ip -n far addr add 10.7.0.3/24 dev wire0
	tun_add vxlan 4
	ping_reach
	SEND=("${FRAMES[@]:0:2}")
	for side in skip_hw skip_sw; do
		tc filter add dev "${REP[0]}" ingress protocol all pref 1 handle 1 flower $side \
			action tunnel_key set src_ip "$L" dst_ip "$R" id 1 dst_port 4789 ttl 4 pipe \
			action mirred egress mirror dev tun0 \
			action tunnel_key set src_ip "$L" dst_ip 10.7.0.3 id 2 dst_port 4789 ttl 5 pipe \
			action mirred egress mirror dev tun0 \
			action tunnel_key unset pipe \
			action mirred egress redirect dev "${REP[1]}"
		sleep 0.5
		sent > /dev/null
		[ $side = skip_hw ] && sw=$(flooded) || hw=$(flooded)
		tc filter del dev "${REP[0]}" ingress
	done
	check_eq "frames" "$(grep -c . <<< "$sw")" 6
	compare_out "flooding" "$sw" "$hw"
	tun_del
	underlay_del
}

flooded() {
	pkt xfer -s -t 0.5 --tx "${VF[0]}" --rx far/wire0 --rx "${VF[1]}" "${SEND[@]}" | mask_id |
		sed -E "s/^(eth[^ ]* 1 [0-9a-f]{36})____([0-9a-f]{8})____/\1\2/"
}

# Edits before a tunnel and behind one.
edits() {
	local sw hw side
	underlay plain 4
	tun_add vxlan 4
	ping_reach
	SEND=("${FRAMES[@]:0:5}")
	for side in skip_hw skip_sw; do
		# shellcheck disable=SC2046 # words
		tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 1 flower $side \
			action pedit ex munge ip ttl set 7 munge eth dst set 02:11:22:33:44:55 pipe \
			action csum ip pipe action vlan push id 9 pipe $(tun_key ttl 64)
		sleep 0.5
		[ $side = skip_hw ] && sw=$(sent) || hw=$(sent)
		tc filter del dev "${REP[0]}" ingress
	done
	check_eq "frames" "$(grep -c . <<< "$sw")" 5
	compare_out "edits before the tunnel" "$sw" "$hw"
	for side in skip_hw ""; do
		tc filter add dev tun0 ingress protocol ip pref 1 handle 1 flower $side \
			enc_key_id $((VNI)) ip_proto udp action tunnel_key unset pipe \
			action vlan push id 9 pipe action mirred egress redirect dev "${REP[1]}"
		[ "$side" = skip_hw ] && sw=$(received) || hw=$(received)
		tc filter del dev tun0 ingress
	done
	check_eq "frames out of the tunnel" "$(grep -c . <<< "$sw")" 3
	compare_out "edits behind the tunnel" "$sw" "$hw"
	tun_del
	underlay_del
}

# A netdev of the host receives what was in the tunnel, as Open vSwitch has it of its
# bridge's own port.
to_host() {
	local sw hw side act="action skbedit ptype host pipe action mirred ingress redirect dev dum-host"
	underlay plain 4
	tun_add vxlan 4
	ip link add dum-host type dummy
	ip link set dum-host up promisc on
	for side in skip_hw ""; do
		# shellcheck disable=SC2086 # words
		check "add ${side:-to both}" tc filter add dev tun0 ingress protocol all pref 1 handle 1 \
			flower $side enc_key_id $((VNI)) action tunnel_key unset pipe $act
		[ "$side" = skip_hw ] && sw=$(received dum-host) || hw=$(received dum-host)
		[ "$side" = skip_hw ] || check_within "hardware counted" 2 hw_reached tun0 ${#SEND[@]}
		tc filter del dev tun0 ingress
	done
	check_eq "frames" "$(grep -c . <<< "$sw")" ${#SEND[@]}
	compare_out "out of the tunnel to the host" "$sw" "$hw"
	ip link del dum-host
	tun_del
	underlay_del
}

# What cannot be exact is refused and says why.
refused() {
	underlay plain 4
	tun_add gre 4
	check_refused "GRE checksum" "GRE checksum" tc filter add dev "${REP[0]}" ingress protocol all \
		pref 1 flower skip_sw action tunnel_key set src_ip "$L" dst_ip "$R" id 1 csum pipe \
		action mirred egress redirect dev tun0
	check_refused "no tunnel_key" "without tunnel_key set" tc filter add dev "${REP[0]}" ingress \
		protocol all pref 1 flower skip_sw action mirred egress redirect dev tun0
	check_refused "goto" "goto behind tunnel_key" tc filter add dev "${REP[0]}" ingress \
		protocol all pref 1 flower skip_sw action tunnel_key set src_ip "$L" dst_ip "$R" id 1 \
		nocsum pipe action goto chain 1
	check_refused "the other family" "other family" tc filter add dev "${REP[0]}" ingress \
		protocol all pref 1 flower skip_sw action tunnel_key set src_ip 2001:db8::1 \
		dst_ip 2001:db8::2 id 1 nocsum pipe action mirred egress redirect dev tun0
	tun_del
	ip link add tun0 type vxlan id 7 dstport 4789 dev "$PF"
	check_refused "a device of its own" "external" tc filter add dev "${REP[0]}" ingress \
		protocol all pref 1 flower skip_sw action tunnel_key set src_ip "$L" dst_ip "$R" id 1 \
		pipe action mirred egress redirect dev tun0
	tun_del
	underlay_del
}

tests_run "$@"
