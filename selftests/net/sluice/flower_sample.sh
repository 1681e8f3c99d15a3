#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=300 kernels=stock
#
# Samples: psample tells the same of a packet whoever samples it, hardware or
# software; of many packets the right share; and the packet itself goes on.

ALL_TESTS="bytes order to_host places share"

. "$(dirname "$0")/lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"
FRAMES=("$A/ip/udp/len 30" "$A/ip6/tcp/len 31" "$A/vlan id=5 prio=2/ip/udp/len 20"
	"$A/vlan id=7 tpid=0x88a8/vlan id=8/ip/tcp" "$A/arp" "eth type=0x88b5/len 400"
	"$A/ip id=7/udp/len 1000")

setup() {
	modprobe -a cls_matchall act_sample act_police psample 2>/dev/null
	sluice_setup switchdev 3 && ingress_add "${REP[0]}" "${REP[2]}"
	TO1="action mirred egress redirect dev ${REP[1]}"
	ip link set wire0 up promisc on
	# The first frames of a run must not be late.
	pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" "$A/ip/udp"
}
after() {
	tc filter del dev "${REP[0]}" ingress 2>/dev/null
	tc filter del dev "${REP[2]}" ingress 2>/dev/null
	check "nothing left" tables_empty
}

stat() { ethtool -S "$1" | awk -v n="$2:" '$1 == n { print $2 }'; }

# listen CMD...: run it, print what psample told meanwhile but for numbers, which
# count all packets of a group.
listen() {
	local told=$SLUICE_TMP/samples
	python3 "$SLUICE_LIB/psample.py" > "$told" 2>&1 &
	BG_PIDS+=($!)
	wait_for 20 grep -q listening "$told"
	"$@" > "$SLUICE_TMP/came_out"
	sleep 0.5
	bg_stop
	sed '1d; s/ seq=[0-9]*//' "$told" | sort
}
xfer() { pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" --rx "${VF[2]}" --rx wire0 "${FRAMES[@]}" | sort; }

# hw_seen N: the rule's hardware counter; not every kind of action has one.
hw_seen() {
	[ "$(tc -j -s filter show dev "${REP[0]}" ingress |
		jq '[.[].options.actions? // empty | .[].stats.hw_packets // 0] | max')" = "$1" ]
}

# same ACTIONS SAMPLES
same() {
	local flags told out sw='' hw=''
	for flags in skip_hw skip_sw; do
		# shellcheck disable=SC2086 # words
		check "$flags: $1" tc filter add dev "${REP[0]}" ingress protocol all pref 10 \
			handle 1 flower $flags $1 || return
		told=$(listen xfer)
		out=$(cat "$SLUICE_TMP/came_out")
		check_eq "$flags: samples of $1" "$(grep -c . <<< "$told")" "$2"
		check "$flags: they name the port" grep -q "iif=${REP[0]} " <<< "$told"
		if [ $flags = skip_hw ]; then
			sw="$told $out"
		else
			hw="$told $out"
			check "hardware has seen all: $1" wait_for 2 hw_seen ${#FRAMES[@]}
		fi
		tc filter del dev "${REP[0]}" ingress pref 10
	done
	if [ "$sw" != "$hw" ]; then
		fail "$1: software (<) and hardware (>) differ:"
		diff <(echo "$sw") <(echo "$hw") | sed 's/^/#   /'
	fi
}

bytes() {
	local before after hit n=${#FRAMES[@]}
	before=$(stat "${REP[0]}" vport_samples)
	hit=$(cpu_hit "${REP[0]}")
	same "action sample rate 1 group 5 $TO1" "$n"
	after=$(stat "${REP[0]}" vport_samples)
	check_eq "samples of the device" $((after - before)) "$n"
	# Software has had them all once.
	check_eq "by way of the CPU" $(($(cpu_hit "${REP[0]}") - hit)) "$n"
	same "action sample rate 1 group 5 trunc 60 $TO1" "$n"
	same "action sample rate 1 group 5 cookie 0123456789abcdef $TO1" "$n"
}

# What is edited before a sample is in it, what comes later is not.
order() {
	local n=${#FRAMES[@]}
	same "action vlan push id 9 action sample rate 1 group 5 $TO1" "$n"
	same "action sample rate 1 group 5 action vlan pop action sample rate 1 group 6 $TO1" $((2 * n))
	same "action mpls push label 77 bos 1 action sample rate 1 group 5 trunc 100 $TO1" "$n"
	same "action mirred egress mirror dev ${REP[2]} action sample rate 1 group 5 drop" "$n"
	same "action sample rate 1 group 5 action pedit ex munge eth dst set 02:aa:bb:cc:dd:ee pipe action sample rate 1 group 5 $TO1" $((2 * n))
}

# A sample of what then goes to the host.
to_host() {
	local told
	check "matchall" tc filter add dev "${REP[0]}" ingress pref 5 handle 5 matchall \
		skip_sw action sample rate 1 group 7 trunc 20
	told=$(listen pkt xfer -t 1 --tx "${VF[0]}" --rx "${REP[0]}" "$A/ip/udp/len 30" "$A/ip/udp/len 31")
	check_eq "to the representor" "$(grep -c . "$SLUICE_TMP/came_out")" 2
	check_eq "samples" "$(grep -c "group=7 rate=1 iif=${REP[0]} size=" <<< "$told")" 2
	check "counted" tc_hw_reaches "${REP[0]}" 5 2
}

places() {
	check "as a rule of both" tc filter add dev "${REP[0]}" ingress protocol ip pref 5 handle 5 \
		flower action sample rate 1 group 7 action mirred egress redirect dev "${REP[1]}"
	check "in hardware" tc_in_hw "${REP[0]}" 5
	# shellcheck disable=SC2086 # words
	check "in a chain" tc filter add dev "${REP[2]}" ingress chain 4 protocol ip pref 5 \
		handle 6 flower skip_sw action sample rate 1 group 8 $TO1
	check "and the way there" tc filter add dev "${REP[2]}" ingress protocol ip pref 5 handle 7 \
		flower skip_sw action goto chain 4
	check_eq "of both ports" "$(listen pkt xfer -t 1 --tx "${VF[2]}" --rx "${VF[1]}" \
		"$A/ip/udp" | grep -c "group=8 rate=1 iif=${REP[2]}")" 1
	tc qdisc del dev "${REP[2]}" clsact
	ingress_add "${REP[2]}"
	check "shown" grep -q "sample:[0-9]*/1" "/sys/kernel/debug/sluice-$PF_PCI/rules"
}

# One in 10 of 10,000 packets: five standard deviations are 150. A queue on the
# way to the device may be full now and then.
share() {
	local n before lost sent
	before=$(stat "${REP[0]}" vport_samples)
	lost=$(stat "${REP[0]}" vport_samples_dropped)
	# shellcheck disable=SC2086 # words
	check "rule" tc filter add dev "${REP[0]}" ingress protocol ip pref 5 handle 5 flower \
		skip_sw action sample rate 10 group 7 $TO1
	n=$(listen pkt send -n 10000 "${VF[0]}" "$A/ip/udp/len 30" | grep -c "rate=10 ")
	sent=$(tc_hw_packets "${REP[0]}" 5)
	check_ge "packets" "$sent" 9000
	lost=$(($(stat "${REP[0]}" vport_samples_dropped) - lost))
	check_eq "samples the device has sent" $(($(stat "${REP[0]}" vport_samples) - before)) "$n"
	note "$n samples of $sent packets, $lost lost"
	check_ge "samples" $((n + lost)) $((sent / 10 - 150))
	check_le "samples" $((n + lost)) $((sent / 10 + 150))
}

tests_run "$@"
