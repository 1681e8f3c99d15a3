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
ct_gone() { [ "$(occupancy ct)" = 0 ]; }
ct_clean() { ct_del; wait_for 10 ct_gone && return 0; echo "ct: $(occupancy ct)"; return 1; }
ct_not_shown() { ! ct_shown "$1"; }
ct_shown() { conntrack -L 2>/dev/null | grep -Eq -- "$1"; }
