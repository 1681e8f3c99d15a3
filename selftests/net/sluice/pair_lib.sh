# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two machines that each have a NIC, wired uplink to uplink; sourced after lib.sh
# and ovs_lib.sh. The script runs in one, host 1; the other, host 2, runs peer.sh
# and does what the script tells it. Orders go through a directory both have
# mounted, $SLUICE_PEER, not over the wire: that is what is tested.
#
#   peer_wait                 wait until host 2 is there
#   peer CMD...               run CMD in host 2's shell, which has sourced the same
#                             libraries; print what it prints
#   peer_learn FUNCTION...    give it functions of this script
#   both CMD...               run CMD on both at the same time
#
# The classic hypervisor, on both ($HOST is 1 or 2, $OTHER the other's number):
#   host_up [KEY=VALUE...]    VF 0 in namespace vm with 192.0.2.$HOST; the uplink
#                             with the addresses of the underlay, outside of any
#                             bridge; Open vSwitch (other_config KEY=VALUE) with
#                             bridge br0 that has VF 0's representor
#   hosts_meet                tell each the MAC address of the other's VF: PEER_MAC
#   host_tunnel TYPE 4|6      br0's tunnel to the other host; sets TUN, its netdev
#   host_down                 all of it gone
#   host_offloaded            the VFs' IPv4 flows are in hardware, into the tunnel
#                             and out of it
#   host_counters             print packets encapsulated and decapsulated by
#                             hardware, CPU hits of representor and uplink
#
# With two real machines: mount a common directory in both, start
# "peer.sh DIR" in one and the script with SLUICE_PEER=DIR in the other.

SLUICE_PEER=${SLUICE_PEER:-}
HOST=${HOST:-1} OTHER=$((3 - ${HOST:-1}))
TUN='' VM_MAC='' PEER_MAC=''

# Orders are looked for often: so a nap takes no process.
exec 8<> <(:)
peer_nap() { read -rt 0.05 -u 8; }

# peer_file FILE SECONDS: wait until it is there.
peer_file() {
	local end=$((SECONDS + $2))
	until [ -e "$SLUICE_PEER/$1" ]; do
		[ $SECONDS -lt $end ] || return 1
		peer_nap
	done
	return 0 # the last nap timed out
}

peer_wait() {
	[ -n "$SLUICE_PEER" ] || { echo "this needs a second machine (SLUICE_PEER)"; return 1; }
	peer_file ready 120 || { echo "the other machine does not come up"; return 1; }
	# What a script before this one did not wait for.
	wait_for 60 [ ! -e "$SLUICE_PEER/order" ] && rm -f "$SLUICE_PEER/status"
}

peer() {
	local status
	printf '%q ' "$@" > "$SLUICE_PEER/order.new"
	mv "$SLUICE_PEER/order.new" "$SLUICE_PEER/order"
	if ! peer_file status 120; then
		echo "the other machine does not answer: $*"
		return 125
	fi
	cat "$SLUICE_PEER/output"
	read -r status < "$SLUICE_PEER/status"
	rm "$SLUICE_PEER/status"
	return "$status"
}

peer_learn() { peer eval "$(declare -f "$@")"; }

both() {
	local here pid
	peer "$@" > "$SLUICE_TMP/peer" &
	pid=$!
	"$@"
	here=$?
	if ! wait $pid; then
		sed 's/^/host 2: /' "$SLUICE_TMP/peer"
		return 1
	fi
	return $here
}

# --- the hypervisor --------------------------------------------------------

underlay_addr() {
	if [ "$1" = 4 ]; then echo "10.7.0.$2"; else echo "2001:db8:77::$2"; fi
}

host_up() {
	sluice_setup switchdev 1 || return 1
	# A tunnel's headers come on top of the VMs' MTU.
	ip link set "$PF" mtu 1600 || return 1
	# A new address is announced.
	sysctl -qw "net.ipv4.conf.$PF.arp_notify=1" "net.ipv6.conf.$PF.disable_ipv6=0"
	ip addr add "$(underlay_addr 4 "$HOST")/24" dev "$PF" || return 1
	ip addr add "$(underlay_addr 6 "$HOST")/64" dev "$PF" nodad || return 1
	vf_ns 0 vm "192.0.2.$HOST/24" || return 1
	VM_MAC=$(mac_of "vm/${VF[0]}")
	ovs_up "$@" && ovs_bridge br0 "${REP[0]}"
}

hosts_meet() {
	# shellcheck disable=SC2016 # host 2's
	PEER_MAC=$(peer eval 'echo $VM_MAC')
	peer eval "PEER_MAC=$VM_MAC"
}

host_tunnel() {
	TUN=$(tunnel_dev "$1")
	ovs_tunnel br0 "$1" "$(underlay_addr "$2" "$OTHER")" key=42
}

host_down() {
	ovs_down
	sluice_reset
}

host_offloaded() {
	ovs_flow_is "${REP[0]}" "dst=$PEER_MAC.*0x0800.*offloaded:yes, dp:tc, actions:.*,$TUN\$" &&
		ovs_flow_is "$TUN" "dst=$VM_MAC.*0x0800.*offloaded:yes, dp:tc, actions:${REP[0]}\$"
}

host_counters() {
	echo "$(hw_packets "${REP[0]}") $(hw_packets "$TUN")" \
		"$(cpu_hit "${REP[0]}") $(cpu_hit "$PF")"
}
