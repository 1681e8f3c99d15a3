#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=1200 mem=2048 manual=1
#
# What one event costs the driver, by the number of rules it concerns: commands
# to the device and time in microseconds (median, least and most of several
# events). Prints a table for each, and each line as JSON with all times. ROUNDS is the
# number of events of each line.

ALL_TESTS="neighbour_change route_change object_change policy_change"

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tunnel_lib.sh"

ROUNDS=${ROUNDS:-11}
# The time of the longest line may be that of the shortest so many times. It
# would be 5,000 times if each rule took part.
NOISE=5
FRAME="eth dst=02:00:00:00:00:02 src=02:00:00:00:00:01/ip dst=198.18.0.1/udp/len 30"
MEDIAN=0 COMMANDS=0 TURN=0

setup() {
	tunnel_setup || return
	ip -n far link set wire0 promisc on
	underlay plain 4
	ip addr add 10.6.0.1/16 dev "$PF"
	check "tunnel device" tun_add vxlan 4
}

after() {
	tc filter del dev "${REP[0]}" ingress
	ip route flush to root 10.9.0.0/16
	ip neigh flush dev "$PF" nud permanent
	check "nothing left" tables_empty
	check_eq "next hops left" "$(occupancy next_hops)" 0
	check_eq "encaps left" "$(occupancy encaps)" 0
}

# rules FROM TO REMOTE|many: rules with a header of their own each, to one remote
# or to one each.
rules() {
	awk -v dev="${REP[0]}" -v l="$L" -v from="$1" -v to="$2" -v remote="$3" 'BEGIN {
		for (i = from; i <= to; i++) {
			r = remote == "many" ? "10.6." int(i / 200) + 1 "." i % 200 + 2 : remote
			printf "filter add dev %s ingress protocol ip pref 20 handle %d flower skip_sw dst_ip 198.%d.%d.%d ip_proto udp action tunnel_key set src_ip %s dst_ip %s id %d dst_port 4789 pipe action mirred egress redirect dev tun0\n",
				dev, i, 18 + int(i / 65536), int(i / 256) % 256, i % 256, l, r, i
		}
	}' > "$SLUICE_TMP/batch"
	tc -batch "$SLUICE_TMP/batch"
}

control() { debugfs control_descriptors | awk -v k="$1" '$1 == k { print $2 }'; }
handled_is() { [ "$(control events)" -gt "$1" ]; }

# measure EVENT BEHIND: do it $ROUNDS times; sets MEDIAN, COMMANDS and LINE. EVENT gets
# the number of the round. BEHIND is how many rules or next hops there are.
measure() {
	local i n commands busy events sums=() times=()
	for ((i = 1; i <= ROUNDS; i++)); do
		commands=$(descriptors_settled) busy=$(control busy_ns) events=$(control events)
		"$1" $i || fail "event $i"
		wait_for 10 handled_is "$events" || fail "event $i is not handled"
		n=$(descriptors_settled)
		sums+=($((n - commands)))
		times+=($(($(control busy_ns) - busy)))
	done
	mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
	MEDIAN=${times[ROUNDS / 2]}
	note "{\"event\": \"$1\", \"behind\": $2," \
		"\"commands\": [$(IFS=,; echo "${sums[*]}")], \"ns\": [$(IFS=,; echo "${times[*]}")]}"
	COMMANDS=$(printf '%s\n' "${sums[@]}" | sort -nu | paste -sd,)
	LINE=$(awk -v c="$COMMANDS" -v a="$MEDIAN" -v b="${times[0]}" -v d="${times[-1]}" \
		'BEGIN { printf "%8s | %8.1f | %8.1f | %8.1f", c, a / 1000, b / 1000, d / 1000 }')
}

table() {
	note "$1"
	note "$(printf '%9s | %9s | %8s | %8s | %8s | %8s' "$2" "$3" commands "us" least most)"
	note "----------+-----------+----------+----------+----------+---------"
}

change_neighbour() {
	ip neigh replace "$R" lladdr "$(printf '02:00:00:77:%02x:%02x' $((RANDOM % 256)) "$1")" \
		dev "$PF" nud permanent
}

# The next frame of the first rule has the address of the last event.
new_header() {
	local mac
	mac=$(ip -j neigh show "$R" dev "$PF" | jq -r '.[0].lladdr')
	pkt xfer -s -t 0.5 --tx "${VF[0]}" --rx far/wire0 "$FRAME" | grep -q " ${mac//:/}"
}

neighbour_change() {
	local n have=0 first=0
	# One that was found out is probed once more, which would be counted, too.
	check "a neighbour told" change_neighbour 0
	descriptors_settled > /dev/null
	table "a neighbour changes its MAC address" rules headers
	for n in 10 1000 50000; do
		check "$n rules" rules $((have + 1)) $n "$R"
		have=$n
		check_eq "rules in the device" "$(occupancy rules)" $n
		check_eq "headers in the device" "$(occupancy encaps)" $n
		measure change_neighbour $n
		note "$(printf '%9s | %9s | %s' "$n" "$n" "$LINE")"
		check_eq "commands of each event with $n rules" "$COMMANDS" 1
		[ "$first" -gt 0 ] || first=$MEDIAN
		check "the new header is in use" new_header
	done
	check_le "ns with $have rules, $NOISE times that with 10" "$MEDIAN" $((first * NOISE))
}

change_route() { ip route replace 10.9.0.0/24 via "$R" mtu $((1300 + $1)); }

neighbours() {
	awk -v dev="$PF" 'BEGIN { for (i = 100; i < 1100; i++)
		printf "neigh replace 10.6.%d.%d lladdr 02:00:00:66:%02x:%02x dev %s nud permanent\n",
			int(i / 200) + 1, i % 200 + 2, int(i / 256), i % 256, dev }' | ip -batch -
}

# among EVENT COMMANDS TITLE: what it costs alone, and with 1,000 other next hops.
among() {
	local first
	table "$3" "next hops" headers
	ip neigh replace "$R" lladdr "$(mac_of far/wire0)" dev "$PF" nud permanent
	check "a rule" rules 1 1 10.9.0.1
	measure "$1" "$(occupancy next_hops)"
	first=$MEDIAN
	note "$(printf '%9s | %9s | %s' "$(occupancy next_hops)" "$(occupancy encaps)" "$LINE")"
	check_eq "commands of each event" "$COMMANDS" "$2"
	check "neighbours" neighbours
	check "1,000 rules of other next hops" rules 100 1099 many
	check_eq "next hops in the device" "$(occupancy next_hops)" 1001
	measure "$1" "$(occupancy next_hops)"
	note "$(printf '%9s | %9s | %s' "$(occupancy next_hops)" "$(occupancy encaps)" "$LINE")"
	check_eq "commands of each event" "$COMMANDS" "$2"
	check_le "ns with 1,000 other next hops, $NOISE times that without" "$MEDIAN" $((first * NOISE))
}

route_change() {
	ip route add 10.9.0.0/24 via "$R"
	among change_route 1 "the route of one header changes"
}

# By way of one neighbour and another: the header, the new next hop and the old.
other_neighbour() { ip neigh replace 10.7.0.3 lladdr 02:00:00:77:00:03 dev "$PF" nud permanent; }
change_object() {
	TURN=$((1 - TURN))
	ip nexthop replace id 7 via 10.7.0.$((2 + TURN)) dev "$PF"
}

object_change() {
	TURN=0
	other_neighbour
	ip nexthop add id 7 via "$R" dev "$PF"
	ip route add 10.9.0.0/24 nhid 7
	among change_object 3 "the nexthop object of one header changes"
	ip nexthop del id 7
}

change_policy() {
	TURN=$((1 - TURN))
	if [ $TURN = 1 ]; then
		ip rule add pref 77 to 10.9.0.0/24 table 77
	else
		ip rule del pref 77
	fi
}

policy_change() {
	TURN=0
	other_neighbour
	ip route add 10.9.0.0/24 via "$R"
	ip route add 10.9.0.0/24 via 10.7.0.3 table 77
	# The very first rule is looked at with all headers.
	ip rule add pref 77 to 10.9.0.0/24 table 77
	ip rule del pref 77
	among change_policy 3 "a policy rule for one header comes or goes"
	ip rule del pref 77 2>/dev/null
	ip route flush table 77
}

tests_run "$@"
