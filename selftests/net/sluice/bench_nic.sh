#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 timeout=900 kernels=stock manual=1
#
# How fast the NIC's data path is, as ratios taken in one machine: VF to VF by
# rules in hardware against the same rules in software, and VF to VF as a plain
# NIC against the other NICs the machine has. Nothing fails for being slow.
#
#	tools/vm/run --selftests --qemu=-netdev --qemu=hubport,id=v0,hubid=7 \
#		--qemu=-device --qemu=virtio-net-pci,netdev=v0,mac=52:00:00:00:07:00 \
#		--qemu=-netdev --qemu=hubport,id=v1,hubid=7 \
#		--qemu=-device --qemu=virtio-net-pci,netdev=v1,mac=52:00:00:00:07:01 \
#		-- selftests/net/sluice/bench_nic.sh
#
# Devices with the addresses 52:00:00:00:NN:00 and ...:01 are a pair; those of
# an igb (one PF with the address 52:00:00:00:08:00) are its first two VFs. A
# hub of QEMU passes no long frames: virtio-net is faster on a tap.

ALL_TESTS="rules_in_hardware plain_nic"

. "$(dirname "$0")/lib.sh"

SECS=${BENCH_SECONDS:-4}

setup() {
	modprobe pktgen || return 1
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'; }

# Mbit/s of one TCP connection from namespace b0 to b1.
tcp_rate() {
	local r
	iperf_server b1 192.0.2.2
	r=$(iperf b0 192.0.2.2 -t "$SECS")
	bg_stop
	echo "${r:-0}"
}

pg() { ns b0 sh -c "echo '$2' > /proc/net/pktgen/$1"; }

# Frames per second of 64 bytes that DEV1 in b1 receives from DEV0 in b0. They
# are for an address nobody has, so that IP drops them as the first thing.
packet_rate() {
	local dev0=$1 dev1=$2 a b t0 t1
	pg kpktgend_0 rem_device_all
	pg kpktgend_0 "add_device $dev0"
	pg "$dev0" "count 0"
	pg "$dev0" "pkt_size 60"
	pg "$dev0" "delay 0"
	pg "$dev0" "clone_skb ${CLONE:-0}"
	pg "$dev0" "burst ${BURST:-1}"
	pg "$dev0" "dst 198.18.0.1"
	pg "$dev0" "dst_mac $(mac_of "b1/$dev1")"
	bg b0 sh -c "echo start > /proc/net/pktgen/pgctrl"
	sleep 1
	a=$(frames "$dev1") t0=$(date +%s%N)
	sleep "$SECS"
	b=$(frames "$dev1") t1=$(date +%s%N)
	pg pgctrl stop
	wait "${BG_PIDS[-1]}"
	BG_PIDS=()
	pg kpktgend_0 rem_device_all
	echo $(((b - a) * 1000000000 / (t1 - t0)))
}

# What IP in b1 has seen, whatever the NIC counts.
frames() { ns b1 nstat -asz IpInReceives | awk '$1 == "IpInReceives" { print $2 }'; }

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
	ingress_del "${REP[0]}" "${REP[1]}" 2> /dev/null
	ingress_add "${REP[0]}" "${REP[1]}"
	for proto in arp ip; do
		check "rules ($flag)" tc filter add dev "${REP[0]}" ingress protocol $proto \
			prio $prio flower "$flag" action mirred egress redirect dev "${REP[1]}"
		check "rules ($flag)" tc filter add dev "${REP[1]}" ingress protocol $proto \
			prio $prio flower "$flag" action mirred egress redirect dev "${REP[0]}"
		prio=$((prio + 1))
	done
}

rules_in_hardware() {
	local tcp pps sw_tcp sw_pps v mode
	sluice_setup switchdev 2 || return 1
	forward skip_hw
	pair_up "${VF[0]}" "${VF[1]}" || return 1
	sw_tcp=$(tcp_rate)
	sw_pps=$(packet_rate "${VF[0]}" "${VF[1]}")
	forward skip_sw
	check "in hardware" ping_ok b0 192.0.2.2
	for mode in "off off" "on off" "on on"; do
		for v in 0 1; do
			ns b$v ethtool -K "${VF[v]}" tso "${mode% *}" rx-gro-hw "${mode#* }"
		done
		tcp=$(tcp_rate)
		note "TCP: segmentation by the NIC ${mode% *}, large frames ${mode#* }:" \
			"$tcp Mbit/s in hardware, $sw_tcp in software: $(ratio "$tcp" "$sw_tcp") times"
		check_ge "TCP in hardware" "$tcp" 1
	done
	for mode in off on; do
		for v in 0 1; do
			ns b$v ethtool -C "${VF[v]}" adaptive-rx $mode
		done
		tcp=$(tcp_rate)
		pps=$(packet_rate "${VF[0]}" "${VF[1]}")
		note "adaptive moderation $mode: TCP $tcp Mbit/s," \
			"64-byte UDP $pps frames/s in hardware, $sw_pps in software:" \
			"$(ratio "$pps" "$sw_pps") times"
		check_ge "frames in hardware" "$pps" 1
	done
	pair_down "${VF[0]}" "${VF[1]}"
}

netdev_by_mac() {
	ip -j link | jq -r --arg m "$1" '[.[] | select(.address == $m) | .ifname][0] // ""'
}

one_nic() {
	local name=$1 a=$2 b=$3 tcp pps
	pair_up "$a" "$b" || return 1
	tcp=$(tcp_rate)
	pps=$(packet_rate "$a" "$b")
	note "$name: TCP $tcp Mbit/s, 64-byte UDP $pps frames/s"
	check_ge "TCP over $name" "$tcp" 1
	pair_down "$a" "$b"
}

plain_nic() {
	local n a b name pf
	sluice_setup legacy 2 || return 1
	modprobe -a igb e1000e
	one_nic "Sluice VF" "${VF[0]}" "${VF[1]}"
	for n in 07 08 09; do
		a=$(netdev_by_mac 52:00:00:00:$n:00)
		[ -n "$a" ] || continue
		b=$(netdev_by_mac 52:00:00:00:$n:01)
		name=$(ethtool -i "$a" | sed -n 's/^driver: //p')
		if [ "$name" = igb ]; then
			pf=/sys/class/net/$a/device
			modprobe igbvf
			ip link set "$a" up
			echo 2 > "$pf/sriov_numvfs"
			wait_for 20 ls "$pf/virtfn0/net/"* "$pf/virtfn1/net/"*
			a=$(basename "$pf/virtfn0/net/"*) b=$(basename "$pf/virtfn1/net/"*)
			name="igb VF"
		fi
		one_nic "$name" "$a" "$b"
	done
}

tests_run "$@"
