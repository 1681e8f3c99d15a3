# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Open vSwitch for tests and the demo; lib.sh comes first.
#
#   ovs_up [KEY=VALUE...]    start both daemons with hw-offload=true and the
#                            other_config given
#   ovs_down                 stop them and forget everything
#   ovs_bridge BR DEV...     a bridge with these ports
#   ovs_tunnel BR TYPE REMOTE [KEY=VALUE...]   tunnel port tun0 of TYPE (vxlan,
#                            geneve) to REMOTE, more options
#   tunnel_dev TYPE          print the netdev Open vSwitch makes for it
#   ovs_flows                print the datapath's flows, names for numbers
#   ovs_flow_is DEV REGEX    one of the flows from DEV matches REGEX
#   ovs_offloaded DEV MAC    flows of IPv4 from DEV to MAC are in hardware
#   hw_packets DEV           print the packets its tc rules have by hardware
#   settled NS ADDR DEV MAC DEV2 MAC2   have traffic until IPv4 from NS to ADDR is in
#                            hardware: from DEV to MAC, and back from DEV2 to MAC2
#   cpu_still DEV DEV2 CMD...   traffic by CMD, of which their CPUs see nothing
#   udp_port_flows BR N      a flow of BR for each of N UDP ports, from 10000 on
#   one_flow BR              instead, the one BR began with
#   udp_ports NS NS2 ADDR ARG...   send datagrams to them (ARG as for udp_ports.py) and
#                            print how many arrive in NS2

OVS_RUN=/run/openvswitch
OVS_CTL=/usr/share/openvswitch/scripts/ovs-ctl

ovs_up() {
	local pair
	modprobe -a openvswitch cls_flower act_mirred act_gact act_vlan act_skbedit act_pedit \
		act_csum 2>/dev/null
	rm -rf /etc/openvswitch/conf.db $OVS_RUN
	mkdir -p /etc/openvswitch $OVS_RUN /var/log/openvswitch
	$OVS_CTL --no-ovs-vswitchd --no-monitor --system-id=sluice start || return 1
	ovs-vsctl -t 20 --no-wait set Open_vSwitch . other_config:hw-offload=true || return 1
	for pair in "$@"; do
		ovs-vsctl -t 20 --no-wait set Open_vSwitch . "other_config:$pair" || return 1
	done
	$OVS_CTL --no-ovsdb-server --no-monitor start
}

ovs_down() {
	local br
	for br in $(ovs-vsctl -t 30 list-br 2>/dev/null); do
		ovs-vsctl -t 30 del-br "$br"
	done
	$OVS_CTL stop
	pkill -9 -x 'ovs-vswitchd|ovsdb-server'
	rm -f /etc/openvswitch/conf.db
}

ovs_bridge() {
	local br=$1 dev
	shift
	ovs-vsctl -t 20 add-br "$br" || return 1
	for dev in "$@"; do
		ovs-vsctl -t 20 add-port "$br" "$dev" || return 1
	done
	ip link set "$br" up
}

ovs_tunnel() {
	local br=$1 type=$2 remote=$3
	shift 3
	ovs-vsctl -t 20 --if-exists del-port "$br" tun0 -- add-port "$br" tun0 -- \
		set interface tun0 "type=$type" "options:remote_ip=\"$remote\"" "${@/#/options:}"
}

tunnel_dev() {
	case $1 in
	vxlan) echo vxlan_sys_4789 ;;
	geneve) echo genev_sys_6081 ;;
	esac
}

ovs_flows() {
	ovs-appctl -T 20 dpctl/dump-flows -m --names |
		sed -E 's/ufid:[0-9a-f-]*, ?//; s/(skb_priority|skb_mark|ct_state|ct_zone|ct_mark|ct_label|recirc_id|dp_hash)\(0(\/0)?\),//g; s/packet_type\([^)]*\),//
			:wild; s/([(,])[a-z_]+=[^,()]*\/0+(:0+)*(\.0+)*,/\1/; t wild
			s/,[a-z_]+=[^,()]*\/0+(:0+)*(\.0+)*\)/)/g'
}

ovs_flow_is() { ovs_flows | grep -F "in_port($1)" | grep -Eq -- "$2"; }

ovs_offloaded() {
	ovs_flows | grep -F "in_port($1)" | grep -F "dst=$2" | grep 'eth_type(0x0800)' |
		grep -q 'offloaded:yes, dp:tc'
}

hw_packets() {
	tc -j -s filter show dev "$1" ingress |
		jq '[.[] | [.options.actions[]?.stats.hw_packets // 0] | max // 0] | add // 0'
}

# Flows taken away behind the daemon's back, as by dpctl/del-flows, it misses after
# four rounds of its revalidators, two seconds or more. Until then their packets make
# no flow again: there must be some left.
offloaded_by_now() { ping_ok "$1" "$2" -c 1; ovs_offloaded "$3" "$4"; }

settled() {
	check "reach each other" ping_ok "$1" "$2" -c 3 -i 0.2
	check_within "flow from $3 in hardware" 10 offloaded_by_now "$1" "$2" "$3" "$4"
	check_within "flow from $5 in hardware" 10 offloaded_by_now "$1" "$2" "$5" "$6"
}

cpu_still() {
	local hit1 hit2 a=$1 b=$2
	shift 2
	hit1=$(cpu_hit "$a") hit2=$(cpu_hit "$b")
	check "traffic" "$@"
	check_lt "CPU hits of $a" $(($(cpu_hit "$a") - hit1)) 20
	check_lt "CPU hits of $b" $(($(cpu_hit "$b") - hit2)) 20
}

udp_port_flows() {
	local i
	for ((i = 10000; i < 10000 + $2; i++)); do
		echo "priority=10,udp,tp_dst=$i,actions=normal"
	done | ovs-ofctl -t 20 add-flows "$1" -
}

one_flow() { ovs-ofctl -t 10 del-flows "$1" && ovs-ofctl -t 10 add-flow "$1" actions=normal; }

# Nobody listens there, which the kernel counts.
# shellcheck disable=SC2016 # awk's
udp_no_ports() { ns "$1" awk '/^Udp:/ && $3 ~ /^[0-9]/ { print $3 }' /proc/net/snmp; }

udp_ports() {
	local was
	was=$(udp_no_ports "$2")
	ns "$1" python3 "$SLUICE_LIB/udp_ports.py" "${@:3}"
	echo $(($(udp_no_ports "$2") - was))
}
