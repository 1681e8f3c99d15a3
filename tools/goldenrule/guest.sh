#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest's half of tools/goldenrule/run: makes ports out of all VFs of the
# NIC but two, and the uplink, and runs goldenrule.py on them. Arguments are
# goldenrule.py's.

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=selftests/net/sluice/lib.sh
. "$here/../../selftests/net/sluice/lib.sh"

golden_modules() {
	modprobe -qa cls_flower cls_matchall act_mirred act_gact act_vlan act_pedit act_csum \
		act_skbedit act_mpls act_police act_sample psample act_tunnel_key act_ct nf_conntrack_netlink \
		nf_nat nf_flow_table dummy vxlan geneve ip_gre ip6_gre nft_fwd_netdev
}

# golden_tunnels: addresses at the uplink, neighbours behind it, a tunnel device
# of each type, and a device that is no port of the switch. tunnels.py knows
# the names and addresses.
golden_tunnels() {
	local d n
	ip link add elsewhere type dummy && ip link set elsewhere up || return 1
	ip link set "$PF" address 02:00:00:00:99:01 addrgenmode none &&
		sysctl -qw "net.ipv6.conf.$PF.disable_ipv6=0" || return 1
	ip addr add 10.99.0.1/24 dev "$PF"
	ip addr add fd99::1/64 dev "$PF" nodad
	for n in 2 3; do
		ip neigh add 10.99.0.$n lladdr 02:00:00:00:99:02 dev "$PF" nud permanent
		ip neigh add fd99::$n lladdr 02:00:00:00:99:02 dev "$PF" nud permanent
	done
	ip link add grvxlan type vxlan external dstport 4789 nolearning udp6zerocsumrx &&
		ip link add grgeneve type geneve external udp6zerocsumrx &&
		ip link add grgre type gretap external &&
		ip link add grgre6 type ip6gretap external || return 1
	for d in grvxlan grgeneve grgre grgre6; do
		ip link set "$d" addrgenmode none up
		ethtool -K "$d" gro off 2>/dev/null
		ingress_add "$d" || return 1
	done
}

golden_tunnels_gone() {
	local d
	for d in grvxlan grgeneve grgre grgre6 elsewhere; do
		ip link del "$d"
	done
	ip neigh flush dev "$PF" nud permanent
	ip addr flush dev "$PF" scope global
}

# golden_ports N: switchdev mode with N VFs, whose far ends are in one namespace.
# The last two are what rules output to.
golden_ports() {
	local i d lanes='' outs=''
	sluice_setup switchdev "$1" || return 1
	golden_modules
	golden_tunnels || return 1
	ns_add far
	# One queue each, so that a port has one order of frames.
	for d in "$PF" "${VF[@]}"; do
		ethtool -L "$d" combined 1 2>/dev/null
		check_not "$d has one queue" test -e "/sys/class/net/$d/queues/rx-1" || return 1
	done
	for d in "$PF" "${REP[@]}"; do
		check "one order" tc qdisc replace dev "$d" root pfifo || return 1
	done
	for d in "$PF" "${REP[@]}" "${VF[@]}" wire0; do
		ethtool -K "$d" gro off 2>/dev/null
	done
	ingress_add "$PF" "${REP[@]:0:$1 - 2}"
	for ((i = 0; i < $1 - 2; i++)); do
		lanes+="${REP[i]}=${VF[i]},"
	done
	for ((; i < $1; i++)); do
		outs+="${REP[i]}=${VF[i]},"
	done
	for d in "${VF[@]}" wire0; do
		dev_to_ns "$d" far || return 1
	done
	GOLDEN=(--lanes "$lanes$PF=wire0" --outs "$outs$PF=wire0" --namespace far
		--foreign elsewhere --devlink "$DL")
}

golden_ports_gone() {
	local d
	for d in "$PF" "${REP[@]}"; do
		tc qdisc del dev "$d" clsact 2>/dev/null
	done
	tc qdisc del dev "$PF" root 2>/dev/null
	golden_tunnels_gone
}

golden() {
	PYTHONPATH=$here/../../selftests/net/sluice \
		python3 -B "$here/goldenrule.py" "${GOLDEN[@]}" "$@"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	trap finish_script EXIT
	golden_ports "${SLUICE_VFS:-8}" || exit 1
	golden "$@"
	rc=$?
	golden_ports_gone
	check "the device is empty" tables_empty || rc=1
	finish_script
	exit $rc
fi
