#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 ports=2 timeout=900 kernels=stock
#
# Events under traffic. A VF sends numbered frames into a tunnel while a
# neighbour, route, address, link or MTU changes. Frames sent once the driver has
# handled the event have nothing of the old header; what can arrive does, each
# once; and within two seconds hardware alone sends them again. Over IPv4 and
# IPv6.

ALL_TESTS="neigh_mac neigh_fail route_moved route_gone source_moved link_flap carrier_flap
	mtu_lowered"

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tunnel_lib.sh"

SHORT="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01/ip/udp/len 30"
LONG="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01/ip/udp/len 1380"
STREAM=$SLUICE_TMP/stream
P1='' FARMAC=''
# Seconds to be back in hardware.
BACK=2

setup() {
	tunnel_setup || return
	P1=$(uplink_of 1)
	check "second uplink" ip link set "$P1" up
	wire_ns 1 far1
	ipv6_on far1
	FARMAC=$(mac_of far/wire0)
	# What changes, changes at once.
	sysctl -qw "net.ipv4.neigh.$PF.locktime=0" "net.ipv4.conf.$PF.promote_secondaries=1" \
		"net.ipv6.conf.$PF.accept_dad=0" "net.ipv6.conf.$PF.keep_addr_on_down=1" \
		"net.ipv6.conf.$P1.accept_dad=0" "net.ipv6.conf.$P1.disable_ipv6=0"
	ns far sysctl -qw net.ipv4.conf.wire0.arp_notify=1 net.ipv6.conf.wire0.ndisc_notify=1
	# It has no tunnel, and is not to complain, nor ask for who sent what it
	# complains of.
	ns far tc qdisc add dev wire0 clsact
	ns far tc filter add dev wire0 ingress protocol ip pref 8 flower ip_proto udp action drop
	ns far tc filter add dev wire0 ingress protocol ipv6 pref 9 flower ip_proto udp action drop
	[ -w $KMEMLEAK ] && BACK=$((BACK * 3))
	return 0
}

cleanup() {
	ip addr flush dev "$P1"
	ip link set "$P1" down
}

# world 4|6: both ends of both wires, and the remote D behind R.
world() {
	underlay plain "$1"
	if [ "$1" = 4 ]; then
		L1=10.6.0.1 R1=10.6.0.2 D=10.9.0.1 DNET=10.9.0.0/24 L2=10.7.0.9 ANY=0.0.0.0 ETYPE=0800
	else
		L1=2001:db8:66::1 R1=2001:db8:66::2 D=2001:db8:99::1 DNET=2001:db8:99::/64
		L2=2001:db8:77::9 ANY=:: ETYPE=86dd
	fi
	ip addr add "$L1/$PLEN" dev "$P1"
	ip -n far1 addr add "$R1/$PLEN" dev wire1
	ip route add "$DNET" via "$R"
	check "tunnel device" tun_add vxlan "$1"
	ping -q -c 1 -W 2 "$R" > /dev/null
	ping -q -c 1 -W 2 "$R1" > /dev/null
}

world_del() {
	tc filter del dev "${REP[0]}" ingress
	ip link del tun0
	ip route del "$DNET" 2>/dev/null
	underlay_del
	ip addr flush dev "$P1" scope global
	ip -n far1 addr flush dev wire1 scope global
	ip link set "$PF" up mtu 1500
	ip neigh flush dev "$PF"
	check "nothing left" tables_empty
	check_eq "next hops left" "$(occupancy next_hops)" 0
	check_eq "encaps left" "$(occupancy encaps)" 0
}

# both FUNCTION: over either family.
both() {
	local family
	for family in 4 6; do
		world $family
		"$1"
		bg_stop
		world_del
	done
}

# rule SRC DST: everything of VF 0 into the tunnel.
rule() {
	check "rule" tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 flower \
		action tunnel_key set src_ip "$1" dst_ip "$2" id $((VNI)) dst_port 4789 ttl 64 pipe \
		action mirred egress redirect dev tun0
}

# --- the stream ---

stream_start() {
	"$SLUICE_LIB/pkt.py" stream -g 0.02 --tx "${VF[0]}" --rx far/wire0 --rx far1/wire1 "$1" \
		> "$STREAM" 2>&1 &
	BG_PIDS+=($!)
	check_within "a stream that runs" 10 grep -q "^got" "$STREAM"
	check_within "in hardware before the event" 3 by_hardware
}

# Number of the last frame that may have been sent: those behind it are sent
# after this.
sent() { awk '$1 == "sent" { n = $2 } END { print n + 0 }' "$STREAM"; }

# What software and hardware have sent so far.
shares() {
	tc -j -s filter show dev "${REP[0]}" ingress |
		jq -r '[.[].options.actions?[-1].stats // empty][0] |
			"\(.packets - (.hw_packets // 0)) \(.hw_packets // 0)"'
}

# Hardware alone sends.
by_hardware() {
	local sw hw sw2 hw2
	read -r sw hw <<< "$(shares)"
	sleep 0.25
	read -r sw2 hw2 <<< "$(shares)"
	[ "$sw" = "$sw2" ] && [ "$hw" -lt "$hw2" ]
}

# stale FROM PORT REGEX: frames sent behind FROM that came out elsewhere than at
# PORT or whose start is not REGEX.
stale() {
	awk -v from="$1" -v port="$2" -v re="^$3" '$1 == "got" && $3 > from &&
		($2 != port || $5 !~ re) { print; n++ } END { exit !n }' "$STREAM"
}
no_stale() { check_not "$1: old headers" stale "${@:2}"; }

# odd FROM TO: frames that did not come out just once.
odd() {
	awk -v from="$1" -v to="$2" '$1 == "got" { n[$3]++ }
		END { for (i = from; i <= to; i++) if (n[i] != 1) { print i, n[i] + 0; bad++ }
			exit !bad }' "$STREAM"
}

# complete MSG FROM: each frame from FROM to now came out once.
complete() {
	local to
	sleep 0.5
	to=$(sent)
	sleep 0.5
	check_lt "$1: frames seen" "$2" "$to"
	check_not "$1: lost or doubled (number, copies)" odd "$2" "$((to - 1))"
}

# handled MSG CMD...: the driver has handled the event. Sets FROM.
handled() {
	check_within "$1: handled" 2 "${@:2}"
	FROM=$(sent)
}

back() { check_within "$1: back in hardware" "$BACK" by_hardware; }

# none_since MSG: after FROM, nothing comes out while there is no way.
none_since() {
	sleep 0.5
	no_stale "$1" "$FROM" none none
}

# header [SRC-MAC DST-MAC]: how frames begin.
header() {
	echo "$(hex_mac "${1:-$(mac_of far/wire0)}")$(hex_mac "${2:-$(mac_of "$PF")}")$ETYPE"
}
hex_mac() { tr -d : <<< "$1"; }

knows() { debugfs next_hops | grep -q "$@"; }
knows_not() { ! knows "$@"; }
no_way() { debugfs encaps | grep -q 'software:'; }
a_way() { ! no_way && next_hop_valid; }

# --- the tests ---

# The far end says that it has another address.
neigh_mac_once() {
	local new=02:00:00:77:00:99
	rule "$L" "$D"
	stream_start "$SHORT"
	ip -n far link set wire0 address $new
	handled "new MAC address" knows " valid .* dst $new"
	back "new MAC address"
	complete "new MAC address" 2
	no_stale "new MAC address" "$FROM" far/wire0 "$(header $new)"
	ip -n far link set wire0 address "$FARMAC"
	handled "old MAC address" knows " valid .* dst $FARMAC"
	back "old MAC address"
	complete "old MAC address" 2
	no_stale "old MAC address" "$FROM" far/wire0 "$(header "$FARMAC")"
}
neigh_mac() { both neigh_mac_once; }

# The far end is deaf for what asks for its address, until the kernel gives up.
deaf() {
	ns far tc filter add dev wire0 ingress protocol arp pref 1 flower action drop
	ns far tc filter add dev wire0 ingress protocol ipv6 pref 2 flower ip_proto icmpv6 \
		type 135 action drop
}

neigh_fail_once() {
	local t=net.ipv$FAMILY.neigh.$PF
	sysctl -qw "$t.base_reachable_time_ms=1000" "$t.delay_first_probe_time=1" \
		"$t.retrans_time_ms=200"
	ip neigh del "$R" dev "$PF"
	rule "$L" "$D"
	stream_start "$SHORT"
	deaf
	check_within "the kernel gives up" 12 knows unresolved
	handled "neighbour lost" knows unresolved
	none_since "neighbour lost"
	ns far tc filter del dev wire0 ingress pref 1
	ns far tc filter del dev wire0 ingress pref 2
	check_within "neighbour back: handled" 2 a_way
	back "neighbour back"
	complete "neighbour back" "$(sent)"
	no_stale "neighbour back" "$FROM" far/wire0 "$(header)"
	sysctl -qw "$t.base_reachable_time_ms=30000" "$t.delay_first_probe_time=5" \
		"$t.retrans_time_ms=1000"
}
neigh_fail() { both neigh_fail_once; }

route_moved_once() {
	rule "$L" "$D"
	stream_start "$SHORT"
	ip route replace "$DNET" via "$R1"
	handled "other uplink" knows_not " dev $PF "
	back "other uplink"
	complete "other uplink" 2
	no_stale "other uplink" "$FROM" far1/wire1 "$(header "$(mac_of far1/wire1)" "$(mac_of "$P1")")"
	ip route replace "$DNET" via "$R"
	handled "first uplink" knows_not " dev $P1 "
	back "first uplink"
	complete "first uplink" 2
	no_stale "first uplink" "$FROM" far/wire0 "$(header)"
}
route_moved() { both route_moved_once; }

route_gone_once() {
	rule "$L" "$D"
	stream_start "$SHORT"
	ip route del "$DNET"
	handled "no route" no_way
	none_since "no route"
	ip route add "$DNET" via "$R"
	handled "route again" a_way
	back "route again"
	complete "route again" "$FROM"
	no_stale "route again" "$FROM" far/wire0 "$(header)"
}
route_gone() { both route_gone_once; }

# Source addresses of the header, as the kernel chooses them.
source_moved_once() {
	local skip=24 src
	[ "$FAMILY" = 6 ] && skip=16
	rule "$ANY" "$D"
	stream_start "$SHORT"
	ip addr add "$L2/$PLEN" dev "$PF"
	ip addr del "$L/$PLEN" dev "$PF"
	handled "second address" debugfs_has encaps " $L2 > "
	src=$(python3 -c 'import ipaddress,sys; print(ipaddress.ip_address(sys.argv[1]).packed.hex())' "$L2")
	back "second address"
	complete "second address" 2
	no_stale "second address" "$FROM" far/wire0 "$(header)[0-9a-f]{$skip}$src"
	ip addr add "$L/$PLEN" dev "$PF"
}
source_moved() { both source_moved_once; }
debugfs_has() { debugfs "$1" | grep -q -- "$2"; }

# down MSG UP-COMMAND: no way while the link is down, and one when it is up.
down() {
	handled "$1 down" no_way_now
	none_since "$1 down"
	"${@:2}"
	check_within "$1 up: handled" 2 a_way
	FROM=$(sent)
	back "$1 up"
	complete "$1 up" "$(sent)"
	no_stale "$1 up" "$FROM" far/wire0 "$(header)"
}
no_way_now() { no_way || ! next_hop_valid; }

link_flap_once() {
	rule "$L" "$R"
	stream_start "$SHORT"
	ip link set "$PF" down
	down "link" ip link set "$PF" up
}
link_flap() { both link_flap_once; }

carrier_flap_once() {
	rule "$L" "$R"
	stream_start "$SHORT"
	check "carrier off" vmctl set_link wire0 off
	down "carrier" vmctl set_link wire0 on
}
carrier_flap() { both carrier_flap_once; }

# tunnel_frames SPEC: lengths of the tunnel's frames that SPEC becomes on the wire.
tunnel_frames() {
	local ends
	ends=$(python3 -c 'import ipaddress, sys
for a in sys.argv[1:]: print(ipaddress.ip_address(a).packed.hex(), end="")' "$L" "$D")
	pkt xfer -t 0.5 --tx "${VF[0]}" --rx far/wire0 "$1" |
		awk -v ends="$ends" '$1 == "far/wire0" && index($3, ends) { print length($3) / 2 }' |
		sort -n
}

# Frames that do not fit any more are software's; none of the old length leaves.
# Over IPv4 software sends fragments. Over IPv6 it sends nothing, and tells itself
# that the packet is too big: the routes of tunnels are not those of the VF.
mtu_lowered_once() {
	local want
	check "rule in software" tc filter add dev "${REP[0]}" ingress protocol all pref 10 handle 1 \
		flower skip_hw action tunnel_key set src_ip "$L" dst_ip "$D" id $((VNI)) \
		dst_port 4789 ttl 64 pipe action mirred egress redirect dev tun0
	ip link set "$PF" mtu 1400
	want=$(tunnel_frames "$LONG")
	check_eq "frames of software" "$(grep -c . <<< "$want")" $((FAMILY == 4 ? 2 : 0))
	ip link set "$PF" mtu 1500
	tc filter del dev "${REP[0]}" ingress
	rule "$L" "$D"
	stream_start "$LONG"
	ip link set "$PF" mtu 1400
	handled "smaller MTU" debugfs_has encaps " mtu 1400 "
	sleep 1
	check_not "smaller MTU: frames too long" too_long "$FROM"
	if [ -n "$want" ]; then
		complete "smaller MTU" 2
	else
		none_since "smaller MTU"
	fi
	ip link set "$PF" mtu 1500
	handled "normal MTU" debugfs_has encaps " mtu 1500 "
	back "normal MTU"
	complete "normal MTU" "$FROM"
	no_stale "normal MTU" "$FROM" far/wire0 "$(header)"
	bg_stop
	ip link set "$PF" mtu 1400
	check_within "smaller MTU again" 2 debugfs_has encaps " mtu 1400 "
	check_eq "frames of a long one, as software's" "$(tunnel_frames "$LONG")" "$want"
	# What fits is hardware's, complete, all the same.
	stream_start "$SHORT"
	complete "short ones" 2
	check "short ones by hardware" by_hardware
}
too_long() { awk -v from="$1" '$1 == "got" && $3 > from && $4 > 1414 { print; n++ } END { exit !n }' "$STREAM"; }
mtu_lowered() { both mtu_lowered_once; }

tests_run "$@"
