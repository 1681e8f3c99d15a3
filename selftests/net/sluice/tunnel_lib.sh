# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Common code of the tunnel tests, sourced after lib.sh. The world: VF 0 and 1
# here, a remote tunnel endpoint "far" at the end of uplink 0's wire.
#
#   tunnel_setup                  two VFs, far, ingress blocks on representors
#   underlay plain|vlan|bridge|bridge_vlan|bridge_over_vlan|on_bridge_vlan|
#   on_bridge_filtering|on_bridge_untagged 4|6   addresses of both ends: sets UL (device here), FAR (device
#                                 there), L and R (addresses)
#   underlay_del                  take them away
#   tun_add TYPE 4|6 [ARG...]     tunnel device tun0 of TYPE vxlan, geneve, gre
#   tun_del
#   tun_key [WORD...]             print the tunnel_key action to R, plus words; ID
#                                 replaces "id VNI"
#   outer SPEC...                 print specs of tunnel packets from far to here,
#                                 each with an inner frame SPEC; OUTER_IP and
#                                 OUTER_UDP add words to these headers,
#                                 OUTER_HDR replaces the tunnel's header (hex)
#   debugfs FILE                  print a file of the driver
#   next_hop_valid / next_hop_software   state of the only next hop
#   endpoints N                   N endpoints have the address L
#   descriptors                   print commands posted for tunnels so far
#   descriptors_settled           likewise, once a second has gone by without one

VNI=0x123456

debugfs() {
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug
	cat "/sys/kernel/debug/sluice-$PF_PCI/$1"
}

descriptors() { debugfs control_descriptors | awk '$1 == "commands" { print $2 }'; }
descriptors_settled() { steady descriptors; }
# steady CMD...: what CMD prints, as soon as it is the same for a second.
steady() {
	local was='' now
	now=$("$@")
	until [ "$now" = "$was" ]; do
		sleep 1
		was=$now
		now=$("$@")
	done
	echo "$now"
}
next_hop_valid() { debugfs next_hops | grep -q ' valid '; }
next_hop_software() { ! debugfs next_hops | grep -q ' valid ' || debugfs encaps | grep -q 'software:'; }
endpoints() { [ "$(debugfs tunnels | grep ^endpoint | grep -Fc " $L port ")" = "$1" ]; }

tunnel_setup() {
	local m
	for m in vxlan geneve ip_gre ip6_gre 8021q act_tunnel_key; do
		modprobe -q "$m"
	done
	sluice_setup switchdev 2 && ingress_add "${REP[0]}" || return
	wire_ns 0 far
	ipv6_on far
	# shellcheck disable=SC2034 # for the tests
	TO1="action mirred egress redirect dev ${REP[1]}"
}

# A bridge with an address of its own, not the uplink's.
underlay_bridge() {
	ip link add br77 address 02:00:00:77:00:77 type bridge
	if [ "$1" = bridge_over_vlan ]; then
		ip link add link "$PF" name ul77 type vlan id 77
		ip link set ul77 up master br77
		return
	fi
	ip link set "$PF" master br77
	[ "$1" = bridge ] && return
	if [[ $1 == on_bridge* ]]; then
		ip link set br77 up
		ip link add link br77 name ul77 type vlan id 77
	fi
	[ "$1" = on_bridge_vlan ] && return
	ip link set br77 type bridge vlan_filtering 1
	if [[ $1 == on_bridge* ]]; then
		bridge vlan add vid 77 dev br77 self
		if [ "$1" = on_bridge_filtering ]; then
			bridge vlan add vid 77 dev "$PF"
		else
			bridge vlan del vid 1 dev "$PF"
			bridge vlan add vid 77 dev "$PF" pvid untagged
		fi
		return
	fi
	bridge vlan del vid 1 dev br77 self
	bridge vlan add vid 77 dev br77 self pvid untagged
	bridge vlan add vid 77 dev "$PF"
}

underlay() {
	# shellcheck disable=SC2034 # for the tests
	UL=$PF FAR=wire0 TAG='' TAGLEN=0
	if [[ $1 == *vlan || $1 == *filtering ]]; then
		# shellcheck disable=SC2034 # for the tests
		UL=ul77 FAR=far77 TAG="vlan id=77/" TAGLEN=8
		ip -n far link add link wire0 name "$FAR" type vlan id 77
		ip -n far link set "$FAR" up
	fi
	case $1 in
	vlan) ip link add link "$PF" name "$UL" type vlan id 77 ;;
	bridge*)
		UL=br77
		underlay_bridge "$1"
		;;
	on_bridge*)
		UL=ul77
		underlay_bridge "$1"
		;;
	esac
	ip link set "$UL" up
	sysctl -qw "net.ipv6.conf.$UL.disable_ipv6=0"
	ns far sysctl -qw "net.ipv6.conf.$FAR.disable_ipv6=0"
	FAMILY=$2
	if [ "$2" = 4 ]; then
		L=10.7.0.1 R=10.7.0.2 PLEN=24
		ip addr add "$L/$PLEN" dev "$UL"
		ip -n far addr add "$R/$PLEN" dev "$FAR"
	else
		L=2001:db8:77::1 R=2001:db8:77::2 PLEN=64
		ip addr add "$L/$PLEN" dev "$UL" nodad
		ip -n far addr add "$R/$PLEN" dev "$FAR" nodad
	fi
}

underlay_del() {
	if [ "$UL" = "$PF" ]; then
		# Without a link-local address no neighbour is asked for its own.
		ip addr flush dev "$PF" scope global
	else
		ip link del "$UL"
		ip link del ul77 2>/dev/null
		ip link del br77 2>/dev/null
	fi
	if [ "$FAR" = wire0 ]; then
		ip -n far addr flush dev wire0 scope global
	else
		ip -n far link del "$FAR"
	fi
}

tun_add() {
	local zero=(udp6zerocsumrx)
	TYPE=$1
	# It is taken only once.
	[[ " ${*:3} " == *" noudp6zerocsumrx "* ]] && zero=()
	case $1$2 in
	vxlan*) ip link add tun0 type vxlan external dstport 4789 "${zero[@]}" "${@:3}" ;;
	geneve*) ip link add tun0 type geneve external "${zero[@]}" "${@:3}" ;;
	gre4) ip link add tun0 type gretap external "${@:3}" ;;
	gre6) ip link add tun0 type ip6gretap external "${@:3}" ;;
	esac || return
	ip link set tun0 up
	tc qdisc add dev tun0 clsact
}

tun_del() { ip link del tun0; }

tun_key() {
	local port=''
	case $TYPE in
	vxlan) port="dst_port 4789" ;;
	geneve) port="dst_port 6081" ;;
	esac
	echo "action tunnel_key set src_ip $L dst_ip $R ${ID-id $((VNI))} $port $* pipe action mirred egress redirect dev tun0"
}

outer() {
	local spec hdr ip vni eth
	vni=$(printf '%06x' $((VNI)))
	eth="eth dst=$(mac_of "$UL") src=$(mac_of "far/$FAR")"
	for spec; do
		if [ "$FAMILY" = 4 ]; then
			ip="ip src=$R dst=$L ${OUTER_IP:-}"
		else
			ip="ip6 src=$R dst=$L ${OUTER_IP:-}"
		fi
		case $TYPE in
		vxlan) hdr="udp sport=50123 dport=4789 ${OUTER_UDP:-}/raw ${OUTER_HDR:-08000000${vni}00}" ;;
		geneve) hdr="udp sport=50123 dport=6081 ${OUTER_UDP:-}/raw ${OUTER_HDR:-00006558${vni}00}" ;;
		gre)
			[ "$FAMILY" = 4 ] && ip="$ip proto=47" || ip="$ip nh=47"
			hdr="raw ${OUTER_HDR:-2000655800${vni}}" ;;
		esac
		echo "$eth/$TAG$ip/$hdr/$spec"
	done
}
