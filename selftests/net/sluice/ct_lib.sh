# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Connection tracking for tests; lib.sh comes first.
#
#   ct_up                    load what is needed
#   ct_pair CT [COMMIT]      rules both ways between VF 0 and VF 1: "ct CT" in
#                            chain 0, then what is established passes, and what is
#                            new with "ct commit COMMIT" (without: dropped).
#                            $FLAGS go to each (skip_hw)
#   ct_pair_del              take them away
#   ct_add ARG...            put a connection into conntrack (as conntrack -I)
#   ct_del                   forget all connections
#   ct_conns                 print how many connections are in the device
#   ct_conns_are N           they are N
#   ct_dirs_are N            the directions of connections in the device are N
#   ct_clean                 none is left there
#   ct_shown REGEX           conntrack has a matching connection
#   ct_not_shown REGEX       it has none
#   ct_many udp|tcp N        N connections with NAT from VF 0 to VF 1, of frames
#                            made by ct_flood.py: all get into the device, the
#                            CPU sees nothing of them then, all counters are
#                            right, and when idle all leave it

ct_up() {
	modprobe -a nf_conntrack nf_conntrack_netlink nf_nat act_ct cls_flower act_mirred act_gact \
		nf_flow_table
	sysctl -qw net.netfilter.nf_conntrack_acct=1
}

# Handles: 1 ct, 2 established, 3 new; their order is that of tc's priorities.
ct_pair_one() {
	local from=$1 to=$2 proto=$3 pref=$4 new="action drop"
	[ -z "$6" ] || new="action ct commit $6 pipe action mirred egress redirect dev $to"
	# shellcheck disable=SC2086 # words
	tc filter add dev "$from" ingress protocol "$proto" pref $((pref + 1)) handle 1 flower ${FLAGS:-} \
		ct_state -trk action ct $5 pipe action goto chain 1 &&
	tc filter add dev "$from" ingress protocol "$proto" pref $((pref + 2)) chain 1 handle 2 \
		flower ${FLAGS:-} ct_state +trk+est action mirred egress redirect dev "$to" &&
	tc filter add dev "$from" ingress protocol "$proto" pref $((pref + 3)) chain 1 handle 3 \
		flower ${FLAGS:-} ct_state +trk+new $new
}

ct_pair() {
	local i
	for i in 0 1; do
		ct_pair_one "${REP[i]}" "${REP[1 - i]}" "${PROTO:-ip}" 10 "$1" "${2:-}" || return 1
		tc filter add dev "${REP[i]}" ingress protocol arp pref 5 handle 9 flower \
			action mirred egress redirect dev "${REP[1 - i]}" || return 1
	done
}

ct_pair_del() {
	local i
	for i in 0 1; do
		tc qdisc del dev "${REP[i]}" clsact
		tc qdisc add dev "${REP[i]}" clsact
	done
}

ct_add() { conntrack -I "$@"; }
ct_del() { conntrack -F; }

ct_conns() {
	local f=/sys/kernel/debug/sluice-$PF_PCI/connections
	[ -r "$f" ] || mount -t debugfs none /sys/kernel/debug
	sed -n 's/.* connections //p' "$f" | awk '{ n += $1 } END { print n + 0 }'
}

ct_dirs_are() { [ "$(occupancy ct)" = "$1" ]; }
ct_conns_are() { [ "$(ct_conns)" = "$1" ]; }
ct_both_ways_are() { ct_conns_are "$1" && ct_dirs_are $((2 * $1)); }
ct_gone() { [ "$(occupancy ct)" = 0 ]; }
ct_clean() { ct_del; wait_for 10 ct_gone && return 0; echo "ct: $(occupancy ct)"; return 1; }
ct_not_shown() { ! ct_shown "$1"; }
ct_shown() { conntrack -L 2>/dev/null | grep -Eq -- "$1"; }

# flood COMMAND...: an order to ct_flood.py; sets LOST and counts EXCHANGES.
flood() {
	local line
	echo "$@" >&"${FLOOD[1]}"
	read -r -u "${FLOOD[0]}" line || { fail "the generator is gone at '$*'"; return 1; }
	note "$line"
	# NAME exchanges WANTED lost N wrong N ...
	# shellcheck disable=SC2086 # words
	set -- $line
	check_eq "$1: wrong frames" "$7" 0
	LOST=$((LOST + $5))
	EXCHANGES=$((EXCHANGES + $3))
}

ct_hw_packets() {
	echo $(($(tc_hw_packets "${REP[0]}" 2) + $(tc_hw_packets "${REP[1]}" 2)))
}

# Connections of the flood that conntrack has; with N and LEN only those
# that have counted N packets of LEN bytes both ways.
ct_many_shown() {
	conntrack -L -w 1 2>/dev/null | awk -v n="${1:-}" -v len="${2:-}" '
		/dport=7000/ && (n == "" || $0 ~ " packets=" n " bytes=" n * len " src=.* packets=" \
			n " bytes=" n * len " ") { all++ }
		END { print all + 0 }'
}

ct_many() {
	local kind=$1 n=$2 idle=$((10 + $2 / 600)) i hits packets each start=$SECONDS
	LOST=0 EXCHANGES=0
	sysctl -qw net.netfilter.nf_conntrack_max=$((n * 2 + 65536)) \
		net.netfilter.nf_conntrack_udp_timeout_stream=$((idle + 1200)) \
		net.netfilter.nf_conntrack_udp_timeout=$((idle + 600)) \
		net.netfilter.nf_flowtable_udp_timeout=$idle net.netfilter.nf_flowtable_tcp_timeout=$idle
	[ "$n" -lt 10000 ] || sysctl -qw net.netfilter.nf_conntrack_buckets="$n"
	check "rules there" ct_pair_one "${REP[0]}" "${REP[1]}" ip 10 "zone 1 nat" \
		"zone 1 nat src addr 198.51.100.9"
	check "rules back" ct_pair_one "${REP[1]}" "${REP[0]}" ip 10 "zone 1 nat" ""
	coproc FLOOD { exec python3 "$SLUICE_LIB/ct_flood.py" "${VF[0]}" "${VF[1]}" "$kind" "$n" \
		198.51.100.9; }
	BG_PIDS+=("$FLOOD_PID")
	flood open || return
	# Of UDP, software has to see both ways once more two seconds later, and
	# the flow table offers what was refused, or the way back when work for
	# the connection is still pending, not more than once a second.
	for ((i = 0; i < 6; i++)); do
		sleep 2.2
		flood talk 1 || return
		wait_for $((2 + n / 1000)) ct_both_ways_are "$n" && break
	done
	check_eq "connections in the device" "$(ct_conns)" "$n"
	check_eq "directions in the device" "$(occupancy ct)" $((2 * n))
	note "$n connections in hardware after $((SECONDS - start)) s"
	hits=$(($(cpu_hit "${REP[0]}") + $(cpu_hit "${REP[1]}")))
	packets=$(ct_hw_packets)
	i=$LOST
	flood talk 3 || return
	sleep 1
	check_eq "packets the CPU saw" $(($(cpu_hit "${REP[0]}") + $(cpu_hit "${REP[1]}") - hits)) 0
	# What was sent again was lost before or behind the switch.
	if [ "$i" = "$LOST" ]; then
		check_eq "packets in hardware" $(($(ct_hw_packets) - packets)) $((6 * n))
	else
		check_ge "packets in hardware" $(($(ct_hw_packets) - packets)) $((6 * n))
	fi
	check_eq "conntrack says so of" "$(conntrack -L -w 1 2>/dev/null | grep -c 'dport=7000 .*HW_OFFLOAD')" "$n"
	start=$SECONDS
	check_within "idle: all are out of the device" $((idle + 60 + n / 500)) ct_gone
	note "all out of the device after $((SECONDS - start)) s, the time-out is $idle s"
	check_eq "connections conntrack has" "$(ct_many_shown)" "$n"
	each=$((EXCHANGES / n))
	if [ $LOST -eq 0 ]; then
		check_eq "connections with $each packets each way" \
			"$(ct_many_shown $each "$([ "$kind" = udp ] && echo 38 || echo 40)")" "$n"
	else
		note "$LOST packets were sent again, so connections' counts differ"
	fi
	echo quit >&"${FLOOD[1]}"
	wait "$FLOOD_PID"
	check_eq "status of the generator" $? 0
	sysctl -qw net.netfilter.nf_flowtable_udp_timeout=30 net.netfilter.nf_flowtable_tcp_timeout=30 \
		net.netfilter.nf_conntrack_udp_timeout_stream=120 net.netfilter.nf_conntrack_udp_timeout=30
}
