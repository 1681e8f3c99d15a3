#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=900 kernels=stock
#
# Connection tracking: established connections are in hardware, everything else
# is software's, and what comes out is the same.

ALL_TESTS="udp_in_hardware tcp_in_hardware frames_as_software nat_as_software
	fin_and_rst mark_and_label commit_mark zones ageing flushed rules_go
	device_reset refused many"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/ct_lib.sh"

# Of the hosts that talk, and of nobody, so that nobody answers.
HOST0=192.0.2.1 HOST1=192.0.2.2
A=192.0.2.101 B=192.0.2.102

setup() {
	sluice_setup switchdev 2 || return 1
	ct_up
	vf_ns 0 h0 $HOST0/24 || return 1
	vf_ns 1 h1 $HOST1/24 || return 1
	ingress_add "${REP[@]}"
	M0=$(mac_of "h0/${VF[0]}") M1=$(mac_of "h1/${VF[1]}")
	TX=h0/${VF[0]} RX=h1/${VF[1]}
	ETH="eth dst=$M1 src=$M0"
	BACK="eth dst=$M0 src=$M1"
}

before() { ct_del > /dev/null 2>&1; }

after() {
	FLAGS='' PROTO=''
	ct_pair_del
	check "no connection left" ct_clean
	check "nothing left" tables_empty
}

serving() { ns h1 ss -Hlun | grep -q :7777; }

serve() {
	bg h1 python3 "$SLUICE_LIB/ct_talk.py" serve $HOST1 7777
	wait_for 10 serving
}

# quiet_while NAME: what runs in the background does so without the CPU, and
# the rules for established connections count it.
quiet_while() {
	local hits packets
	hits=$(($(cpu_hit "${REP[0]}") + $(cpu_hit "${REP[1]}")))
	packets=$(tc_hw_packets "${REP[0]}" 2)
	sleep 2
	hits=$(($(cpu_hit "${REP[0]}") + $(cpu_hit "${REP[1]}") - hits))
	check_lt "$1: packets the CPU saw" $hits 4
	check_ge "$1: packets in hardware" $(($(tc_hw_packets "${REP[0]}" 2) - packets)) 5
}

udp_in_hardware() {
	check "rules" ct_pair "zone 1" "zone 1"
	serve
	bg h0 python3 "$SLUICE_LIB/ct_talk.py" udp $HOST1 7777 60
	check_within "connection in hardware" 20 ct_conns_are 1
	check_within "both directions" 5 ct_dirs_are 2
	quiet_while "UDP"
	check "conntrack says so" ct_shown "udp.*dport=7777.*HW_OFFLOAD.*zone=1"
}

tcp_in_hardware() {
	check "rules" ct_pair "zone 1" "zone 1"
	serve
	bg h0 python3 "$SLUICE_LIB/ct_talk.py" tcp $HOST1 7777 12
	check_within "connection in hardware" 8 ct_conns_are 1
	quiet_while "TCP"
	wait "${BG_PIDS[1]}"
	check_eq "all came back" $? 0
	# Its end was seen by software.
	check "closed" wait_for 5 ct_shown "tcp.*TIME_WAIT.*dport=7777"
	check_within "out of hardware" 10 ct_gone
}

# What hardware makes of frames, line by line; needs the rules to be there.
come_out() {
	# Hosts ask for each other's address now and then.
	pkt xfer -t 1 --tx "$1" --rx "$2" "${@:3}" | grep -v '^[^ ]* [0-9]* .\{24\}0806' | sort
}

# same NAME CT CONNTRACK-ARGS FRAME...: these frames of a connection come out of
# software and hardware alike, and hardware takes $HARD of them.
same() {
	local name=$1 ct=$2 args=$3 warm=$4 tx=${TXPORT:-$TX} rx=${RXPORT:-$RX} sw hw n
	shift 3
	FLAGS=skip_hw
	check "$name: rules in software" ct_pair "$ct"
	# shellcheck disable=SC2086 # words
	check "$name: connection" ct_add $args
	sw=$(come_out "$tx" "$rx" "$@")
	ct_del > /dev/null 2>&1
	ct_pair_del
	FLAGS=
	check "$name: rules in hardware" ct_pair "$ct"
	# shellcheck disable=SC2086 # words
	check "$name: connection" ct_add $args
	# The first packet tells the flow table, that tells the device.
	come_out "$TX" "$RX" "$warm" > /dev/null
	come_out "$RX" "$TX" "${BACKWARM:-$warm}" > /dev/null
	check_within "$name: connection in hardware" 10 ct_dirs_are 2
	n=$(hard_packets)
	hw=$(come_out "$tx" "$rx" "$@")
	sleep 0.5
	check_eq "$name: taken by hardware" $(($(hard_packets) - n)) "$HARD"
	if [ "$sw" != "$hw" ]; then
		fail "$name: software (<) and hardware (>) differ:"
		diff <(echo "$sw") <(echo "$hw") | sed 's/^/#   /'
	fi
	ct_pair_del
	check "$name: no connection left" ct_clean
}

hard_packets() {
	echo $(($(tc_hw_packets "${REP[0]}" 2) + $(tc_hw_packets "${REP[1]}" 2)))
}

UDP="-p udp -s $A -d $B --sport 1000 --dport 2000 --timeout 100 -w 1 --status SEEN_REPLY,ASSURED"
TCP="-p tcp -s $A -d $B --sport 1000 --dport 2000 --timeout 100 -w 1 --state ESTABLISHED --status SEEN_REPLY,ASSURED"

frames_as_software() {
	local u="udp sport=1000 dport=2000" t="tcp sport=1000 dport=2000 flags=A"
	BACKWARM="$BACK/ip src=$B dst=$A/udp sport=2000 dport=1000/len 9"
	HARD=6 same "UDP" "zone 1" "$UDP" "$ETH/ip src=$A dst=$B/$u/len 30" \
		"$ETH/ip src=$A dst=$B/$u/len 2/pad 60" "$ETH/ip src=$A dst=$B/$u csum=bad/len 31" \
		"$ETH/ip src=$A dst=$B/$u csum=0/len 32" "$ETH/ip src=$A dst=$B tos=5 df=1/$u/len 33" \
		"$ETH/ip src=$A dst=$B ttl=2/$u/len 34" "$ETH/ip src=$A dst=$B ttl=1/$u/len 35" \
		"$ETH/ip src=$A dst=$B mf=1/$u/len 40" "$ETH/ip src=$A dst=$B opts=01010101/$u/len 36" \
		"$ETH/ip src=$A dst=$B/udp sport=1001 dport=2000/len 37"
	BACKWARM="$BACK/ip src=$B dst=$A/tcp sport=2000 dport=1000 flags=A/len 9"
	HARD=3 same "TCP" "zone 1" "$TCP" "$ETH/ip src=$A dst=$B/$t/len 30" \
		"$ETH/ip src=$A dst=$B/$t/pad 60" "$ETH/ip src=$A dst=$B/$t csum=bad/len 31" \
		"$ETH/ip src=$A dst=$B mf=1/$t/len 40"
	PROTO=ipv6
	BACKWARM="$BACK/ip6 src=2001:db8::2 dst=2001:db8::1/udp sport=2000 dport=1000/len 9"
	HARD=2 same "UDP over IPv6" "zone 1" "${UDP//192.0.2.10/2001:db8::}" \
		"$ETH/ip6/$u/len 30" "$ETH/ip6/$u/len 1/pad 70" "$ETH/ip6 hlim=1/$u/len 31" \
		"$ETH/ip6/dstopts/$u/len 32"
}

nat_as_software() {
	local nat="--src-nat 198.51.100.9:3000 --dst-nat 203.0.113.5:4000" u i
	local there="ip src=$A dst=$B" back="ip src=203.0.113.5 dst=198.51.100.9"
	for u in udp tcp; do
		local args=$UDP more=''
		[ $u = tcp ] && args=$TCP more=' flags=A'
		BACKWARM="$BACK/$back/$u sport=4000 dport=3000$more/len 9"
		HARD=4 same "NAT of $u" "zone 1 nat" "$args $nat" \
			"$ETH/$there/$u sport=1000 dport=2000$more/len 30" \
			"$ETH/$there/$u sport=1000 dport=2000$more/len 31" \
			"$ETH/$there/$u sport=1000 dport=2000$more csum=bad/len 32" \
			"$ETH/$there/$u sport=1000 dport=2000$more/len 1/pad 64"
		# And what comes back.
		i="$BACK/$back/$u sport=4000 dport=3000$more"
		BACKWARM="$i/len 9" HARD=3 TXPORT=$RX RXPORT=$TX
		same "NAT of $u, the way back" "zone 1 nat" "$args $nat" \
			"$ETH/$there/$u sport=1000 dport=2000$more/len 30" "$i/len 40" "$i csum=bad/len 41"
		TXPORT='' RXPORT=''
	done
}

# A connection in hardware, by hand; more arguments go to conntrack.
one_conn() {
	check "connection" ct_add "$@"
	come_out "$TX" "$RX" "$ETH/ip src=$A dst=$B/$PAYLOAD" > /dev/null
	check_within "connection in hardware" 10 ct_conns_are 1
}

# hit N TEXT: N such frames of the connection are hardware's.
hit() {
	local n
	n=$(hard_packets)
	pkt send -n "$1" "$TX" "$ETH/ip src=$A dst=$B/$PAYLOAD"
	sleep 0.5
	check_eq "$2" $(($(hard_packets) - n)) "$1"
}

one_more() {
	pkt send -n 1 "$TX" "$ETH/ip src=$A dst=$B/$PAYLOAD"
	sleep 0.3
}

one_more_hits() { one_more; [ "$(tc_hw_packets "${REP[0]}" "$1")" -gt 0 ]; }
one_more_offloads() { one_more; ct_conns_are 1; }

fin_and_rst() {
	local flag
	for flag in FA R; do
		check "rules" ct_pair "zone 1" "zone 1"
		PAYLOAD="tcp sport=1000 dport=2000 flags=A/len 9"
		# shellcheck disable=SC2086 # words
		one_conn $TCP
		hit 5 "before $flag"
		come_out "$TX" "$RX" "$ETH/ip src=$A dst=$B/tcp sport=1000 dport=2000 flags=$flag" > /dev/null
		check_within "software saw $flag" 5 ct_shown "tcp.*(FIN_WAIT|CLOSE)"
		check_within "out of hardware" 10 ct_gone
		# Its first, hardware's five, and the last.
		check_within "all are counted" 5 ct_shown "sport=1000.* packets=7 .*\[ASSURED\]"
		ct_pair_del
		ct_del > /dev/null 2>&1
	done
}

mark_and_label() {
	PAYLOAD="udp sport=1000 dport=2000/len 9"
	check "ct" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 1 flower ct_state -trk \
		action ct pipe action goto chain 1
	check "another mark" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 chain 1 handle 4 flower \
		ct_state +trk+est ct_mark 0x6/0xf action drop
	check "this mark" tc filter add dev "${REP[0]}" ingress protocol ip pref 2 chain 1 handle 2 flower \
		ct_state +trk+est ct_mark 0x5/0xf ct_zone 0 action mirred egress redirect dev "${REP[1]}"
	# shellcheck disable=SC2086 # words
	one_conn ${UDP/ -w 1/} -m 0x35
	hit 7 "by mark"
	check_eq "the other mark" "$(tc_hw_packets "${REP[0]}" 4)" 0
	# A mark changed from outside is found when counters are read.
	check "change the mark" conntrack -U -p udp -s $A -d $B --sport 1000 --dport 2000 -m 0x36
	check_within "by the new mark" 20 one_more_hits 4
}

# A commit that changes nothing is hardware's.
commit_mark() {
	PAYLOAD="udp sport=1000 dport=2000/len 9"
	check "ct" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 2 flower \
		action ct commit mark 0x11/0xff label 0123/ffff zone 1 pipe \
		action mirred egress redirect dev "${REP[1]}"
	# shellcheck disable=SC2086 # words
	check "connection" ct_add $UDP -m 0x400
	check_within "its mark is changed by software, then hardware's" 20 one_more_hits 2
	check "the mark" ct_shown "mark=1041"
	hit 5 "later ones"
}

zones() {
	PAYLOAD="udp sport=1000 dport=2000/len 9"
	check "ct" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 2 flower \
		action ct zone 1 pipe action mirred egress redirect dev "${REP[1]}"
	# shellcheck disable=SC2086 # words
	one_conn $UDP
	hit 5 "zone 1"
	check "another zone" tc filter replace dev "${REP[0]}" ingress protocol ip pref 1 handle 2 flower \
		action ct zone 2 pipe action mirred egress redirect dev "${REP[1]}"
	check_within "zone 1 is not used any more" 5 ct_gone
	check_eq "frames through zone 2" "$(count_frames "$TX" "$RX" 5 "$ETH/ip src=$A dst=$B/$PAYLOAD")" 5
	check_eq "not in hardware" "$(tc_hw_packets "${REP[0]}" 2)" 0
}

ageing() {
	local n
	sysctl -qw net.netfilter.nf_flowtable_udp_timeout=3 net.netfilter.nf_conntrack_udp_timeout_stream=6
	check "rules" ct_pair "zone 1" "zone 1"
	PAYLOAD="udp sport=1000 dport=2000/len 9"
	# shellcheck disable=SC2086 # words
	one_conn $UDP
	n=$(hard_packets)
	pkt send -n 60 -g 0.2 "$TX" "$ETH/ip src=$A dst=$B/$PAYLOAD"
	sleep 0.5
	check_ge "hardware took them all the time" $(($(hard_packets) - n)) 55
	check "conntrack has it" ct_shown "udp.*sport=1000.*HW_OFFLOAD"
	check_within "idle: out of hardware" 15 ct_gone
	check_within "and out of conntrack" 15 ct_not_shown "sport=1000"
	sysctl -qw net.netfilter.nf_flowtable_udp_timeout=30 net.netfilter.nf_conntrack_udp_timeout_stream=120
}

flushed() {
	check "rules" ct_pair "zone 1" "zone 1"
	PAYLOAD="tcp sport=1000 dport=2000 flags=A/len 9"
	# shellcheck disable=SC2086 # words
	one_conn $TCP
	hit 20 "in hardware"
	check "all are forgotten" ct_del
	check_within "out of hardware" 10 ct_gone
}

rules_go() {
	check "rules" ct_pair "zone 1" "zone 1"
	PAYLOAD="udp sport=1000 dport=2000/len 9"
	# shellcheck disable=SC2086 # words
	one_conn $UDP
	ct_pair_del
	check_within "no rule, no connection" 3 ct_gone
	# conntrack still has it; new rules get it with the next packets.
	check "rules" ct_pair "zone 1" "zone 1"
	check_within "in hardware again" 10 one_more_offloads
}

health() { devlink -j health show "$DL" reporter fw | jq -r ".health[][0].$1"; }
recoveries() { health recover; }
recovered() { [ "$(recoveries)" -gt "$1" ] && [ "$(health state)" = healthy ]; }

device_reset() {
	local n
	check "rules" ct_pair "zone 1" "zone 1"
	PAYLOAD="udp sport=1000 dport=2000/len 9"
	# shellcheck disable=SC2086 # words
	one_conn $UDP
	n=$(recoveries)
	check "a fault" devlink health test "$DL" reporter fw
	check_within "recovered" 20 recovered "$n"
	check_within "in hardware again" 20 one_more_offloads
	hit 5 "after the reset"
}

refused() {
	check_refused "ct force" "ct force is not supported" tc filter add dev "${REP[0]}" ingress \
		protocol ip pref 1 handle 2 flower skip_sw action ct commit force zone 1 pipe action drop
	check "what is new is software's" tc filter add dev "${REP[0]}" ingress protocol ip pref 1 handle 2 \
		flower ct_state +trk+new action drop
	check "in hardware all the same" tc_in_hw "${REP[0]}" 2
}

# After the others: the VFs come home.
many() {
	ns_made_gone
	check_within "the VFs" 10 nics_home
	devs_refresh
	check "up" ip link set "${VF[0]}" up
	check "up" ip link set "${VF[1]}" up
	ct_many udp 1000
	ct_pair_del
	check "no connection left" ct_clean
	ct_many tcp 300
}

tests_run "$@"
