# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How fast TCP and frames go from one netdev to another, each in a namespace of its
# own, b0 and b1.

SECS=${SECS:-3}

# Mbit/s of one TCP connection from namespace $1 to b0's or b1's address $2.
tcp_rate() {
	local r
	iperf_server "b$2" "192.0.2.$(($2 + 1))"
	r=$(iperf "b$1" "192.0.2.$(($2 + 1))" -t "$SECS")
	bg_stop
	# Less than one is still something.
	[ "$r" != 0 ] || r=$(jq '.end.sum_received.bits_per_second / 1e6' "$SLUICE_TMP/iperf.json")
	echo "${r:-0}"
}

pg() { ns "$1" sh -c "echo '$3' > /proc/net/pktgen/$2"; }

# Frames per second of 64 bytes that DEV1 in b$3 receives from DEV0 in b$1, the
# generator being on processor CPU. It makes a frame once for many and announces a
# few at a time, so as not to be what is measured. They are for an address nobody
# has, so that IP drops them as the first thing.
packet_rate_from() {
	local from=b$1 dev0=$2 to=b$3 dev1=$4 thread=kpktgend_$5 a b t0 t1
	pg "$from" "$thread" rem_device_all
	pg "$from" "$thread" "add_device $dev0"
	pg "$from" "$dev0" "count 0"
	pg "$from" "$dev0" "pkt_size 60"
	pg "$from" "$dev0" "delay 0"
	pg "$from" "$dev0" "clone_skb 1000"
	pg "$from" "$dev0" "burst 8"
	# As any sender would: the queue of its processor, not always the first.
	pg "$from" "$dev0" "flag QUEUE_MAP_CPU"
	pg "$from" "$dev0" "dst 198.18.0.1"
	pg "$from" "$dev0" "dst_mac $(mac_of "$to/$dev1")"
	bg "$from" sh -c "echo start > /proc/net/pktgen/pgctrl"
	sleep 0.5
	a=$(frames "$to") t0=$(date +%s%N)
	sleep "$SECS"
	b=$(frames "$to") t1=$(date +%s%N)
	pg "$from" pgctrl stop
	wait "${BG_PIDS[-1]}"
	BG_PIDS=()
	pg "$from" "$thread" rem_device_all
	echo $(((b - a) * 1000000000 / (t1 - t0)))
}

# packet_rate FROM DEV0 TO DEV1: the better of a generator on processor 0 and one
# on processor 1. Where frames arrive is a NIC's choice, and there it is in the way.
packet_rate() {
	local r0 r1
	r0=$(packet_rate_from "$@" 0)
	r1=$(packet_rate_from "$@" 1)
	echo $((r0 > r1 ? r0 : r1))
}

# What IP in a namespace has seen, whatever the NIC counts.
frames() { ns "$1" nstat -asz IpInReceives | awk '$1 == "IpInReceives" { print $2 }'; }

# Two devices in namespaces of their own.
pair_up() {
	local i=0 d
	for d in "$1" "$2"; do
		ns_add b$i
		ip link set "$d" netns b$i || return 1
		ip -n b$i addr add 192.0.2.$((i + 1))/24 dev "$d"
		ip -n b$i link set "$d" up
		i=$((i + 1))
	done
	check "traffic between $1 and $2" wait_for 10 ping_ok b0 192.0.2.2
}

pair_down() {
	ip -n b0 link set "$1" netns 1
	ip -n b1 link set "$2" netns 1
	ns_del b0
	ns_del b1
}

forward() {
	local flag=$1 prio=1 proto
	ingress_add "${REP[0]}" "${REP[1]}"
	for proto in arp ip; do
		check "rules ($flag)" tc filter add dev "${REP[0]}" ingress protocol $proto \
			prio $prio flower "$flag" action mirred egress redirect dev "${REP[1]}"
		check "rules ($flag)" tc filter add dev "${REP[1]}" ingress protocol $proto \
			prio $prio flower "$flag" action mirred egress redirect dev "${REP[0]}"
		prio=$((prio + 1))
	done
}
