#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of tools/vm/demo: Open vSwitch between two VFs and the wire,
# and the proof that the CPU had no part in it. Exits with 1 if it had.

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=selftests/net/sluice/lib.sh
. "$top/selftests/net/sluice/lib.sh"
# shellcheck source=selftests/net/sluice/ovs_lib.sh
. "$top/selftests/net/sluice/ovs_lib.sh"
# shellcheck source=tools/vm/demo_guest_lib.sh
. "$top/tools/vm/demo_guest_lib.sh"

finish() {
	bg_stop
	ovs_down > /dev/null 2>&1
	sluice_reset > /dev/null 2>&1
	rm -rf "$SLUICE_TMP"
}
trap finish EXIT

hosts() {
	vf_ns 0 vm0 192.0.2.1/24 && vf_ns 1 vm1 192.0.2.2/24 && wire_ns 0 far 192.0.2.3/24
}

in_hardware() { ovs_offloaded "$1" "$2"; }

# prove NAME FROM-NS FROM-REP FROM-MAC TO-NS TO-REP TO-MAC TO-ADDR
prove() {
	local name=$1 from=$2 rep1=$3 mac1=$4 to=$5 rep2=$6 mac2=$7 addr=$8
	local hit1 hit2 hw passed stray1 stray2 rate rounds=0
	title "$name"
	step "ping" ping_ok "$from" "$addr" -c 5 -i 0.2
	iperf_server "$to" "$addr" || stop "iperf3's server does not start"
	step "a first TCP connection" iperf "$from" "$addr" -n 200K
	step "its flows are in hardware" wait_for 10 in_hardware "$rep1" "$mac2"
	step "both ways" wait_for 10 in_hardware "$rep2" "$mac1"
	hit1=$(cpu_hit "$rep1") || stop "$rep1 has no CPU-hit counter"
	hit2=$(cpu_hit "$rep2") || stop "$rep2 has no CPU-hit counter"
	hw=$(hw_packets "$rep1")
	passed=0
	while [ "$passed" -le $PACKETS ] && [ $rounds -lt 12 ]; do
		printf '  iperf3, 5 seconds ... '
		rate=$(iperf "$from" "$addr" -t 5) || stop "iperf3 fails"
		sleep 1.2	# counters are at most a second old
		passed=$(($(hw_packets "$rep1") - hw))
		stray1=$(($(cpu_hit "$rep1") - hit1))
		stray2=$(($(cpu_hit "$rep2") - hit2))
		echo "$rate Mbit/s; $passed packets by hardware rules so far"
		rounds=$((rounds + 1))
	done
	bg_stop
	PROOFS+=("$(printf '%-14s %9s packets in hardware, CPU hits: %s +%s, %s +%s' \
		"$name" "$passed" "$rep1" "$stray1" "$rep2" "$stray2")")
	if [ "$passed" -le $PACKETS ]; then
		BAD+=("$name: only $passed packets were counted by hardware")
	fi
	if [ $stray1 -ge $STRAY ] || [ $stray2 -ge $STRAY ]; then
		BAD+=("$name: $stray1 and $stray2 packets went through the CPU")
	fi
}

PROOFS=() BAD=()
title "Setting up, on $(uname -r)"
step "2 VFs, eSwitch in switchdev mode" sluice_setup switchdev 2
line "uplink $PF, VFs ${VF[0]} ${VF[1]}, their representors ${REP[0]} ${REP[1]}"
step "VF 0 in namespace vm0, VF 1 in vm1, wire's far end in far" hosts
mac0=$(mac_of "vm0/${VF[0]}") mac1=$(mac_of "vm1/${VF[1]}") macf=$(mac_of far/wire0)
step "Open vSwitch with hw-offload=true" ovs_up
step "bridge with the uplink and both representors" \
	ovs_bridge br0 "$PF" "${REP[0]}" "${REP[1]}"

prove "VF 0 to VF 1" vm0 "${REP[0]}" "$mac0" vm1 "${REP[1]}" "$mac1" 192.0.2.2
ovs_flows | grep 'eth_type(0x0800)' > "$SLUICE_TMP/flows1"
tc -s filter show dev "${REP[0]}" ingress > "$SLUICE_TMP/filters"
prove "VF 1 to wire" vm1 "${REP[1]}" "$mac1" far "$PF" "$macf" 192.0.2.3

title "Open vSwitch's flows (ovs-appctl dpctl/dump-flows -m)"
# Both parts' flows; of one that is there still only what is said now.
ovs_flows | grep 'eth_type(0x0800)' | cat - "$SLUICE_TMP/flows1" |
	awk -F', packets:' '!seen[$1]++' | sort | grep 'offloaded:yes' | sed 's/^/  /' | cut -c1-300
title "The same as tc rules on ${REP[0]} (tc -s filter show dev ${REP[0]} ingress)"
grep -E 'filter protocol ip .*handle|dst_mac|in_hw|action order|Sent hardware|used_hw_stats' \
	"$SLUICE_TMP/filters" | sed 's/^/  /'
title "Proof: CPU-hit counters of the representors while the traffic ran"
verdict "" "The traffic was forwarded by the NIC, not by the CPU."
