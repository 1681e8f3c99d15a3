#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=600 kernels=stock
#
# Actions that were put into hardware by themselves ("tc actions add ... skip_sw")
# and are shared by filters: what they do, what they count, and what becomes of
# filters when they change.

ALL_TESTS="police_stats kinds behind_police changed rate_changes kept refused"

. "$(dirname "$0")/lib.sh"

A="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01"

setup() {
	sluice_setup switchdev 3 && ingress_add "${REP[0]}" "${REP[2]}"
	modprobe -a act_police act_vlan act_pedit act_csum act_mpls act_skbedit act_sample act_gact \
		act_mirred act_ct cls_matchall 2>/dev/null
	TO1="action mirred egress redirect dev ${REP[1]}"
	# The first frames of a run must not be late.
	pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" "$A/ip/udp"
}

after() {
	local k
	tc filter del dev "${REP[0]}" ingress 2>/dev/null
	tc filter del dev "${REP[2]}" ingress 2>/dev/null
	for k in police vlan pedit csum mpls skbedit sample gact mirred ct; do
		tc actions flush action $k > /dev/null 2>&1
	done
	check "nothing left" tables_empty
	check_eq "meters" "$(occupancy meters)" 0
}

# passed [VF] SPEC...: frames that came out of VF 1.
passed() {
	local vf=0
	[[ $1 == [0-9] ]] && { vf=$1; shift; }
	pkt xfer -t 1 --tx "${VF[vf]}" --rx "${VF[1]}" "$@" | awk '{ n += $2 } END { print n + 0 }'
}

frames() { local i; SEND=(); for ((i = 0; i < $1; i++)); do SEND[i]="$A/ip id=$i/udp/len 72"; done; }

# act_stat KIND INDEX FIELD: a counter of the action itself: bytes, packets, drops
# of all, hw_packets of hardware
act_stat() {
	# What a single action is asked for, tc does not ask hardware.
	tc -s -j actions ls action "$1" |
		jq --argjson i "$2" "[.[].actions[]? | select(.index == \$i)][0].stats.$3 // 0"
}
act_is() {
	local n
	n=$(act_stat "$1" "$2" "$3")
	[ "$n" = "$4" ] || { echo "$3: $n, wanted $4"; return 1; }
}
act_in_hw() { tc actions get action "$1" index "$2" | grep -qw "in_hw"; }

# rule DEV PREF ACTIONS...
rule() {
	local dev=$1 pref=$2
	shift 2
	# shellcheck disable=SC2068,SC2086 # words
	tc filter add dev "$dev" ingress protocol ip pref "$pref" handle "$pref" flower ${FLAGS-skip_sw} $@
}

police_stats() {
	check "policer" tc actions add action police rate 16bit burst 350 conform-exceed drop/pipe index 5 skip_sw
	check "in hardware" act_in_hw police 5
	check "filter" rule "${REP[0]}" 10 "action police index 5 $TO1"
	check "another" rule "${REP[2]}" 10 "action police index 5 $TO1"
	frames 10
	check_eq "frames" "$(passed "${SEND[@]}")" 3
	check_within "counted" 3 act_is police 5 packets 10
	check_eq "dropped" "$(act_stat police 5 drops)" 7
	frames 5
	check_eq "of the other port" "$(passed 2 "${SEND[@]}")" 0
	check_within "counted" 3 act_is police 5 packets 15
	check_eq "dropped" "$(act_stat police 5 drops)" 12
	check_eq "bytes" "$(act_stat police 5 bytes)" 1500
	check "a filter less" tc filter del dev "${REP[2]}" ingress pref 10
	check_eq "still counted" "$(act_stat police 5 packets)" 15
	check_not "in use" tc actions del action police index 5
}

# kind KIND REST MORE: shared by two filters it does what it does in one. Not every
# kind of action keeps count of hardware.
kind() {
	local k=$1 alone shared counts
	check "$k: alone" rule "${REP[0]}" 10 "action $k $2 $3"
	alone=$(pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" "$A/ip/udp/len 20")
	wait_for 2 tc_hw_is "${REP[0]}" 10 1
	counts=$(tc_hw_packets "${REP[0]}" 10)
	check "$k: gone" tc filter del dev "${REP[0]}" ingress pref 10
	# shellcheck disable=SC2086 # words
	check "$k: shared" tc actions add action $k $2 index 7 skip_sw || return
	check "$k: in hardware" act_in_hw "$k" 7
	check "$k: filter" rule "${REP[0]}" 10 "action $k index 7 $3"
	check "$k: another" rule "${REP[2]}" 10 "action $k index 7 $3"
	shared=$(pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" "$A/ip/udp/len 20")
	check_eq "$k: frame" "$shared" "$alone"
	passed 2 "$A/ip/udp/len 21" "$A/ip/udp/len 22" > /dev/null
	if [ "$counts" -gt 0 ]; then
		check_within "$k: counted" 3 act_is "$k" 7 hw_packets 3
		check_eq "$k: a filter shows that" "$(tc_hw_packets "${REP[0]}" 10)" 3
	fi
	check "$k: gone" tc filter del dev "${REP[0]}" ingress pref 10
	check "$k: gone" tc filter del dev "${REP[2]}" ingress pref 10
	[ "$counts" = 0 ] || check_eq "$k: still counted" "$(act_stat "$k" 7 hw_packets)" 3
	# Filters that were deleted hold it for a moment.
	check_within "$k: delete" 5 tc actions del action "$k" index 7
}

kinds() {
	kind vlan "push id 5 priority 3 pipe" "$TO1"
	kind pedit "ex munge ip ttl set 9 pipe" "$TO1"
	kind csum "ip and udp pipe" "$TO1"
	kind mpls "push protocol mpls_uc label 5 ttl 9 pipe" "$TO1"
	kind skbedit "mark 5 pipe" "$TO1"
	kind mirred "egress redirect dev ${REP[1]}" ""
	kind gact "drop" ""
}

# Of ten packets three come to what is behind the policer.
behind_police() {
	check "tag" tc actions add action vlan push id 5 index 7 skip_sw
	check "filter" rule "${REP[0]}" 10 "action police rate 80bit burst 350 conform-exceed drop/pipe \
		action vlan index 7 $TO1"
	frames 10
	check_eq "frames" "$(passed "${SEND[@]}")" 3
	check_within "counted" 3 act_is vlan 7 hw_packets 3
}

# Software has the filter too, and gets its packets when the action changes.
changed() {
	local FLAGS='' n
	check "tag" tc actions add action vlan push id 5 index 9
	check "filter" rule "${REP[0]}" 10 "action vlan index 9 $TO1"
	n=$(cpu_hit "${REP[0]}")
	check "tag 5" has_tag 5
	check_eq "by hardware" "$(cpu_hit "${REP[0]}")" "$n"
	check "another tag" tc actions change action vlan push id 6 index 9
	check "tag 6" has_tag 6
	check_lt "by software" "$n" "$(cpu_hit "${REP[0]}")"
	check "filter again" tc filter del dev "${REP[0]}" ingress pref 10
	check "filter again" rule "${REP[0]}" 10 "action vlan index 9 $TO1"
	n=$(cpu_hit "${REP[0]}")
	check "tag 6" has_tag 6
	check_eq "by hardware" "$(cpu_hit "${REP[0]}")" "$n"
}
has_tag() {
	local got
	got=$(pkt xfer -t 1 --tx "${VF[0]}" --rx "${VF[1]}" "$A/ip/udp/len 20")
	[[ $got == *8100000$1* ]] || { echo "$got"; return 1; }
}

rate_changes() {
	check "policer" tc actions add action police rate 80bit burst 350 conform-exceed drop/pipe index 5 skip_sw
	check "filter" rule "${REP[0]}" 10 "action police index 5 $TO1"
	frames 10
	check_eq "frames" "$(passed "${SEND[@]}")" 3
	check "more" tc actions change action police rate 80bit burst 750 conform-exceed drop/pipe index 5 skip_sw
	check_eq "frames" "$(passed "${SEND[@]}")" 7
	check_within "counted" 3 act_is police 5 packets 20
	check_eq "dropped" "$(act_stat police 5 drops)" 10
}

forwards() { [ "$(passed "$A/ip/tcp")" = 1 ]; }

# Counts outlive a reset of the device.
kept() {
	check "tag" tc actions add action vlan push id 5 index 7 skip_sw
	check "a filter without" rule "${REP[0]}" 5 "ip_proto tcp $TO1"
	check "filter" rule "${REP[0]}" 10 "action vlan index 7 $TO1"
	frames 4
	check_eq "frames" "$(passed "${SEND[@]}")" 4
	check "reset" sh -c "echo 1 > /sys/bus/pci/devices/$PF_PCI/reset"
	check_within "forwards again" 10 forwards
	check_eq "frames" "$(passed "${SEND[@]}")" 4
	check_within "counted" 3 act_is vlan 7 hw_packets 8
}

refused() {
	check_not "ct by itself" tc actions add action ct zone 3 index 9 skip_sw
	check_not "gate by itself" tc actions add action gate clockid CLOCK_TAI index 9 skip_sw
	check_not "an average rate" tc actions add action police rate 1mbit burst 10k avrate 1mbit index 9 skip_sw
}

tests_run "$@"
