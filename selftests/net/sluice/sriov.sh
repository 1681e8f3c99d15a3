#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=16 timeout=300
#
# Virtual functions come and go, in both modes, and obey the PF.

ALL_TESTS="count_limits up_and_down up_and_down_switchdev rebind
	policy_mac policy_spoofchk policy_link policy_vlan policy_vlan_wire vf_statistics
	policy_trust
	policy_mac_unbound policy_refused policy_switchdev policy_survives_modes
	policy_forgotten"

. "$(dirname "$0")/lib.sh"

setup() { sluice_setup legacy 2; }

# Two VFs in legacy mode, joined by 192.0.2.1 in h0 and 192.0.2.2 in h1; kept
# from test to test where possible.
PAIRED=
pair() {
	[ -z "$PAIRED" ] || return 0
	sluice_setup legacy 2 || return 1
	vf_ns 0 h0 192.0.2.1/24 && vf_ns 1 h1 192.0.2.2/24 && PAIRED=1
}

vf_info() { ip -j link show "$PF" | jq -r ".[0].vfinfo_list[] | select(.vf == $1) | $2"; }
vf_carrier_is() { [ "$(ns "$1" cat "/sys/class/net/$2/carrier")" = "$3" ]; }
reps() { local d n=0; for d in "/sys/bus/pci/devices/$PF_PCI/net/"*; do
	[[ $(cat "$d/phys_port_name" 2>/dev/null) == pf0vf* ]] && n=$((n + 1)); done; echo $n; }

count_limits() {
	local f=/sys/bus/pci/devices/$PF_PCI
	check_eq "total" "$(cat "$f/sriov_totalvfs")" 16
	check "no VFs" numvfs_set 0
	check_not "17 of 16" sh -c "echo 17 > $f/sriov_numvfs"
	check_eq "still none" "$(cat "$f/sriov_numvfs")" 0
	check "all 16" numvfs_set 16
	check_within "16 netdevs" 20 vf_netdevs_there 16
	check_not "from 16 to 4 without 0" sh -c "echo 4 > $f/sriov_numvfs"
	check "none again" numvfs_set 0
}

up_and_down() {
	local i
	for i in 1 2; do
		pair || return
		check "ping in round $i" ping_ok h0 192.0.2.2
		check_eq "representors in legacy mode" "$(reps)" 0
		check "VFs go" numvfs_set 0
		PAIRED=
	done
}

up_and_down_switchdev() {
	local i n
	check "no VFs" numvfs_set 0
	check "switchdev" mode_set switchdev
	for n in 1 16 2; do
		check "$n VFs" numvfs_set "$n"
		check_eq "representors of $n VFs" "$(reps)" "$n"
		for ((i = 0; i < n; i++)); do
			check "representor of VF $i" rep_of "$i"
		done
		check "VFs go" numvfs_set 0
		check_eq "representors without VFs" "$(reps)" 0
	done
	check "legacy" mode_set legacy
}

rebind() {
	local drv=/sys/bus/pci/drivers/sluice i
	pair || return
	PAIRED=
	for i in 1 2; do
		ns_del h1
		wait_for 5 nics_home
		check "unbind" sh -c "echo ${VF_PCI[1]} > $drv/unbind"
		check "bind" sh -c "echo ${VF_PCI[1]} > $drv/bind"
		devs_refresh
		NS_MADE=(h0)
		vf_ns 1 h1 192.0.2.2/24
		check "ping in round $i" ping_ok h0 192.0.2.2
	done
}

policy_mac() {
	local mac=02:11:22:33:44:55 first
	pair || return
	first=$(vf_info 0 .address)
	check_eq "the VF has the address the PF shows" "$(mac_of "h0/${VF[0]}")" "$first"
	check "set" ip link set "$PF" vf 0 mac $mac
	check_eq "shown" "$(vf_info 0 .address)" $mac
	check_within "the VF's netdev follows" 3 test_mac "h0/${VF[0]}" $mac
	check "traffic" ping_ok h1 192.0.2.1
	check_refused "a multicast address" "Invalid|Cannot assign" ip link set "$PF" vf 0 mac 01:00:5e:00:00:01
	check "give it back" ip link set "$PF" vf 0 mac 00:00:00:00:00:00
	check_eq "the permanent one again" "$(vf_info 0 .address)" "$first"
	check_within "the VF's netdev follows back" 3 test_mac "h0/${VF[0]}" "$first"
	check_refused "VF 2 of 2" "Invalid" ip link set "$PF" vf 2 mac $mac
}
test_mac() { [ "$(mac_of "$1")" = "$2" ]; }

policy_mac_unbound() {
	local mac=02:11:22:33:44:66 drv=/sys/bus/pci/drivers/sluice
	sluice_setup legacy 2 || return
	check "unbind" sh -c "echo ${VF_PCI[0]} > $drv/unbind"
	check "set" ip link set "$PF" vf 0 mac $mac
	check "bind" sh -c "echo ${VF_PCI[0]} > $drv/bind"
	devs_refresh
	check_eq "address after bind" "$(mac_of "-/${VF[0]}")" $mac
}

policy_spoofchk() {
	pair || return
	local dst src=02:00:00:00:00:99
	dst=$(mac_of "h1/${VF[1]}")
	check_eq "a foreign source passes" \
		"$(count_frames "h0/${VF[0]}" "h1/${VF[1]}" 5 "eth dst=$dst src=$src/ip/udp/len 20")" 5
	check "on" ip link set "$PF" vf 0 spoofchk on
	check_eq "shown" "$(vf_info 0 .spoofchk)" true
	check_eq "a foreign source is dropped" \
		"$(count_frames "h0/${VF[0]}" "h1/${VF[1]}" 5 "eth dst=$dst src=$src/ip/udp/len 20")" 0
	check "its own passes" ping_ok h0 192.0.2.2
	check "off" ip link set "$PF" vf 0 spoofchk off
	check_eq "a foreign source passes again" \
		"$(count_frames "h0/${VF[0]}" "h1/${VF[1]}" 5 "eth dst=$dst src=$src/ip/udp/len 20")" 5
}

policy_trust() {
	pair || return
	check_eq "off at first" "$(vf_info 0 .trust)" false
	check "a VF changes its address" ip -n h0 link set "${VF[0]}" address 02:00:00:00:00:76
	check_eq "and the PF sees it" "$(vf_info 0 .address)" 02:00:00:00:00:76
	check "the PF gives it one" ip link set "$PF" vf 0 mac 02:00:00:00:00:75
	check_within "it has it" 3 test_mac "h0/${VF[0]}" 02:00:00:00:00:75
	check_not "it can't change it now, untrusted" \
		ip -n h0 link set "${VF[0]}" address 02:00:00:00:00:77
	check "on" ip link set "$PF" vf 0 trust on
	check_eq "shown" "$(vf_info 0 .trust)" true
	check "a trusted one can" ip -n h0 link set "${VF[0]}" address 02:00:00:00:00:77
	check_eq "and the PF sees it" "$(vf_info 0 .address)" 02:00:00:00:00:77
	check "off" ip link set "$PF" vf 0 trust off
	check "the VF's choice again" ip link set "$PF" vf 0 mac 00:00:00:00:00:00
	PAIRED=
}

policy_link() {
	pair || return
	check_eq "auto at first" "$(vf_info 0 .link_state)" auto
	check_within "carrier with it" 3 vf_carrier_is h0 "${VF[0]}" 1
	check "disable" ip link set "$PF" vf 0 state disable
	check_eq "shown" "$(vf_info 0 .link_state)" disable
	check_within "no carrier" 3 vf_carrier_is h0 "${VF[0]}" 0
	check "nothing comes through" ping_fails h1 192.0.2.1
	check "enable" ip link set "$PF" vf 0 state enable
	check_within "carrier" 3 vf_carrier_is h0 "${VF[0]}" 1
	check "traffic" ping_ok h1 192.0.2.1
	check "auto" ip link set "$PF" vf 0 state auto
}

policy_refused() {
	sluice_setup legacy 1 || return
	check_refused "guaranteed rate" "not supported" ip link set "$PF" vf 0 min_tx_rate 100
	check_refused "a priority alone" "not supported" ip link set "$PF" vf 0 vlan 0 qos 3
	check_refused "VLAN 4095" "Invalid" ip link set "$PF" vf 0 vlan 4095
	check "no vlan" ip link set "$PF" vf 0 vlan 0
	check "no rate" ip link set "$PF" vf 0 max_tx_rate 0 min_tx_rate 0
}

policy_switchdev() {
	local mac=02:11:22:33:44:77
	sluice_setup switchdev 2 || return
	check "mac" ip link set "$PF" vf 1 mac $mac
	check_eq "shown" "$(vf_info 1 .address)" $mac
	check_refused "spoofchk" "not supported" ip link set "$PF" vf 1 spoofchk on
	check_refused "trust" "not supported" ip link set "$PF" vf 1 trust on
	check_refused "state" "not supported" ip link set "$PF" vf 1 state enable
	check_refused "vlan" "not supported" ip link set "$PF" vf 1 vlan 5
}

policy_survives_modes() {
	local mac=02:11:22:33:44:88
	sluice_setup legacy 2 || return
	check "spoofchk" ip link set "$PF" vf 1 spoofchk on
	check "trust" ip link set "$PF" vf 1 trust on
	check "state" ip link set "$PF" vf 1 state enable
	check "vlan" ip link set "$PF" vf 1 vlan 7 qos 2 proto 802.1ad
	check "mac" ip link set "$PF" vf 1 mac $mac
	check "switchdev" mode_set switchdev
	check "legacy" mode_set legacy
	check_eq "spoofchk, trust, state, mac" \
		"$(vf_info 1 '"\(.spoofchk) \(.trust) \(.link_state) \(.address)"')" \
		"true true enable $mac"
	check_eq "vlan" "$(vf_vlan 1)" "7 2 802.1ad"
	check "reload" devlink dev reload "$DL"
	wait_for 5 pci_netdev "$PF_PCI"
	devs_refresh
	check_eq "the same after a reload" \
		"$(vf_info 1 '"\(.spoofchk) \(.trust) \(.link_state) \(.address)"')" \
		"true true enable $mac"
}

# What a VF sends to the wire, and gets from there, with and without VLANs.
policy_vlan_wire() {
	local mac
	pair || return
	mac=$(mac_of "h0/${VF[0]}")
	ip link set wire0 up
	check "VLAN 5" ip link set "$PF" vf 0 vlan 5 qos 3
	check_eq "tagged on the wire" \
		"$(pkt xfer -s -n 1 --tx "h0/${VF[0]}" --rx wire0 \
			"eth dst=02:00:00:00:00:99 src=$mac/ip/udp/len 20" | cut -c 1-40)" \
		"wire0 1 020000000099${mac//:/}81006005"
	check_eq "a tag of its own is dropped" \
		"$(count_frames "h0/${VF[0]}" wire0 3 \
			"eth dst=02:00:00:00:00:99 src=$mac/vlan id=5/ip/udp/len 20")" 0
	check_eq "in from the VLAN, without the tag" \
		"$(pkt xfer -s -n 1 --tx wire0 --rx "h0/${VF[0]}" \
			"eth dst=$mac src=02:00:00:00:00:99/vlan id=5 prio=1/ip/udp/len 20" |
			awk '{ print $2, substr($3, 1, 28) }')" \
		"1 ${mac//:/}0200000000990800"
	check_eq "not from another" \
		"$(count_frames wire0 "h0/${VF[0]}" 3 \
			"eth dst=$mac src=02:00:00:00:00:99/vlan id=6/ip/udp/len 20")" 0
	check_eq "nor from none" \
		"$(count_frames wire0 "h0/${VF[0]}" 3 \
			"eth dst=$mac src=02:00:00:00:00:99/ip/udp/len 20")" 0
	check "none" ip link set "$PF" vf 0 vlan 0
	check_eq "as it was" \
		"$(count_frames wire0 "h0/${VF[0]}" 3 \
			"eth dst=$mac src=02:00:00:00:00:99/ip/udp/len 20")" 3
}

vf_vlan() { vf_info "$1" '.vlan_list[0] | "\(.vlan) \(.qos // 0) \(.protocol // "802.1Q")"'; }

policy_vlan() {
	pair || return
	check "a VLAN for one" ip link set "$PF" vf 0 vlan 5 qos 3
	check_eq "shown" "$(vf_vlan 0)" "5 3 802.1Q"
	check "the other isn't in it" ping_fails h0 192.0.2.2
	check "the same for the other" ip link set "$PF" vf 1 vlan 5
	check "they meet" ping_ok h0 192.0.2.2
	check "long frames too" ns h0 ping -q -c 1 -W 2 -s 1472 -M "do" 192.0.2.2
	iperf_server h1 192.0.2.2
	check_ge "TCP, Mbit/s" "$(iperf h0 192.0.2.2 -t 1 | cut -d. -f1)" 1
	check "another protocol" ip link set "$PF" vf 1 vlan 5 proto 802.1ad
	check "is another VLAN" ping_fails h0 192.0.2.2
	check "back to none" ip link set "$PF" vf 1 vlan 0
	check "both" ip link set "$PF" vf 0 vlan 0
	check_eq "shown" "$(vf_vlan 0)" "null 0 802.1Q"
	check "they meet" ping_ok h0 192.0.2.2
}

policy_forgotten() {
	local first
	sluice_setup legacy 1 || return
	first=$(vf_info 0 .address)
	check "mac" ip link set "$PF" vf 0 mac 02:11:22:33:44:99
	check "spoofchk" ip link set "$PF" vf 0 spoofchk on
	check "VFs go" numvfs_set 0
	check "and come" numvfs_set 1
	check_eq "with nothing set" "$(vf_info 0 '"\(.spoofchk) \(.address)"')" "false $first"
}

vf_sent() { ip -j -s link show "$PF" | jq '.[0].vfinfo_list[0].stats.tx.tx_packets'; }
vf_sent_since() { [ $(($(vf_sent) - $1)) -ge "$2" ]; }

vf_statistics() {
	local n
	pair || return
	n=$(vf_sent)
	check "ping" ping_ok h0 192.0.2.2 -c 20 -i 0.01
	check_within "the PF sees what VF 0 sent" 3 vf_sent_since "$n" 20
}

tests_run "$@"
