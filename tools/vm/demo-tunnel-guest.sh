#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of tools/vm/demo-tunnel, run in one of two machines (host 1)
# while the other (host 2) does what it is told: VFs that reach each other
# through tunnels of Open vSwitch, and the proof that no CPU had a part in it.
# Exits with 1 if one had.

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=selftests/net/sluice/lib.sh
. "$top/selftests/net/sluice/lib.sh"
# shellcheck source=selftests/net/sluice/ovs_lib.sh
. "$top/selftests/net/sluice/ovs_lib.sh"
# shellcheck source=selftests/net/sluice/pair_lib.sh
. "$top/selftests/net/sluice/pair_lib.sh"
# shellcheck source=tools/vm/demo_guest_lib.sh
. "$top/tools/vm/demo_guest_lib.sh"

finish() {
	both host_down > /dev/null 2>&1
	rm -rf "$SLUICE_TMP"
}
trap finish EXIT

# What the two ends have in hardware, on one of them.
report() {
	local dev
	title "Host $HOST: Open vSwitch's flows (ovs-appctl dpctl/dump-flows -m)"
	ovs_flows | grep -E "dst=($VM_MAC|$PEER_MAC)" | grep 'eth_type(0x0800)' |
		grep 'offloaded:yes' | sed 's/^/  /' | cut -c1-400
	for dev in "${REP[0]}" "$TUN"; do
		title "Host $HOST: the same as tc rules (tc -s filter show dev $dev ingress)"
		tc -s filter show dev "$dev" ingress | awk '
			/^filter/ { show = /protocol ip .*handle/ }
			show' |
			grep -E '^filter|dst_mac|enc_|in_hw|action order|key_id|Sent hardware' |
			sed 's/^/  /'
	done
}

describe() {
	line "host $HOST: uplink $PF $(underlay_addr 4 "$HOST"), representor ${REP[0]}," \
		"its VF ${VF[0]} in namespace vm 192.0.2.$HOST"
}

# prove NAME TYPE: make the tunnel, send through it, judge.
prove() {
	local name=$1 type=$2 was1 was2 now1 now2 rate rounds=0 passed=0 way=()
	title "$name"
	step "tunnel port on both hosts" both host_tunnel "$type" 4
	step "ping from VF to VF" wait_for 10 ping_ok vm 192.0.2.2
	step "and again" ping_ok vm 192.0.2.2 -c 5 -i 0.2
	step "iperf3's server on host 2" peer iperf_server vm 192.0.2.2
	step "a first TCP connection" iperf vm 192.0.2.2 -n 200K
	step "host 1: flows into the tunnel and out of it in hardware" wait_for 10 host_offloaded
	step "host 2: the same" peer wait_for 10 host_offloaded
	read -ra was1 <<< "$(host_counters)"
	read -ra was2 <<< "$(peer host_counters)"
	while [ "$passed" -le $PACKETS ] && [ $rounds -lt 12 ]; do
		printf '  iperf3, 5 seconds%s ... ' "${way:+, backwards}"
		rate=$(iperf vm 192.0.2.2 -t 5 "${way[@]}") || stop "iperf3 fails"
		sleep 1.2	# counters are at most a second old
		read -ra now1 <<< "$(host_counters)"
		read -ra now2 <<< "$(peer host_counters)"
		passed=$((now1[0] - was1[0] + now1[1] - was1[1]))
		echo "$rate Mbit/s; $passed packets by hardware rules of host 1 so far"
		rounds=$((rounds + 1))
		if [ ${#way[@]} -eq 0 ]; then way=(-R); else way=(); fi
	done
	peer bg_stop
	judge "$name" 1 "${REP[0]}" "$PF" $((now1[0] - was1[0])) $((now1[1] - was1[1])) \
		$((now1[2] - was1[2])) $((now1[3] - was1[3]))
	# shellcheck disable=SC2016 # host 2's
	judge "$name" 2 "$(peer eval 'echo ${REP[0]}')" "$(peer eval 'echo $PF')" \
		$((now2[0] - was2[0])) $((now2[1] - was2[1])) \
		$((now2[2] - was2[2])) $((now2[3] - was2[3]))
}

# judge NAME HOST REP UPLINK ENCAPSULATED DECAPSULATED HITS-REP HITS-UPLINK
judge() {
	PROOFS+=("$(printf '%-7s host %s: %6s packets in, %6s out, CPU hits: %s +%s, %s +%s' \
		"$1" "$2" "$5" "$6" "$3" "$7" "$4" "$8")")
	if [ $(($5 + $6)) -le $PACKETS ]; then
		BAD+=("$1, host $2: only $(($5 + $6)) packets were counted by hardware")
	fi
	if [ "$7" -ge $STRAY ] || [ "$8" -ge $STRAY ]; then
		BAD+=("$1, host $2: $7 and $8 packets went through the CPU")
	fi
}

PROOFS=() BAD=()
title "Setting up, on $(uname -r)"
step "host 2 is there" peer_wait
peer_learn title line report describe
peer eval "bold='$bold' plain='$plain'"
step "both hosts: switchdev mode, Open vSwitch, hw-offload=true" both host_up
step "each knows the other's VF" hosts_meet
describe
peer describe
line "bridge br0 on both: the representor, and soon a tunnel port; the uplink stays"
line "outside, for it has the address the tunnel begins at"

prove VXLAN vxlan
prove GENEVE geneve

report
peer report
title "Next hops on host 1 (/sys/kernel/debug/sluice-$PF_PCI/next_hops)"
sed 's/^/  /' "/sys/kernel/debug/sluice-$PF_PCI/next_hops"
title "Proof: packets through the tunnel by hardware, CPU-hit counters meanwhile"
verdict " on each host" "The traffic was tunnelled by the NICs, not by the CPUs."
