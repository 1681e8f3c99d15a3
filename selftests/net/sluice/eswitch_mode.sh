#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=8 ports=2 timeout=300
#
# devlink: the instance, its ports and resources, and the eSwitch mode.

ALL_TESTS="dev_info ports_legacy ports_switchdev switch_id
	no_vfs vfs_bound vfs_unbound vfs_after order_back
	modes_of_scripts mode_unknown
	hw_addr resources mode_with_rules mode_under_traffic
	reload reload_netns health_recover vf_error"

. "$(dirname "$0")/lib.sh"

setup() { sluice_setup legacy 2; }

port() { devlink -j port show | jq -r --arg d "$1" \
	'.port | to_entries[] | select(.value.netdev == $d) | .value | '"$2"; }
ports() { devlink -j port show | jq -r --arg p "$DL/" \
	"[.port | to_entries[] | select(.key | startswith(\$p)) | .value.flavour] | $1"; }
sysfs() { cat "/sys/class/net/$1/$2" 2>/dev/null || echo none; }

dev_info() {
	local info
	info=$(devlink -j dev info "$DL" | jq ".info[\"$DL\"]")
	check_eq "driver" "$(jq -r .driver <<< "$info")" sluice
	check_ne "serial number" "$(jq -r '.serial_number // ""' <<< "$info")" ""
	check_ne "firmware version" "$(jq -r '.versions.running.fw // ""' <<< "$info")" ""
}

ports_legacy() {
	sluice_setup legacy 2 || return
	check_eq "flavours" "$(ports 'sort | join(" ")')" "physical physical"
	check_eq "port number of p0" "$(port "$PF" .port)" 0
	check_eq "name of p0" "$(sysfs "$PF" phys_port_name)" p0
	check "p1 has a netdev" uplink_of 1
}

ports_switchdev() {
	local i
	sluice_setup switchdev 3 || return
	check_eq "flavours" "$(ports 'sort | join(" ")')" "pcivf pcivf pcivf physical physical"
	for i in 0 1 2; do
		check_eq "PF of ${REP[i]}" "$(port "${REP[i]}" .pfnum)" 0
		check_eq "VF of ${REP[i]}" "$(port "${REP[i]}" .vfnum)" $i
		check_eq "name of ${REP[i]}" "$(sysfs "${REP[i]}" phys_port_name)" "pf0vf$i"
		check_eq "parent of ${REP[i]}" \
			"$(basename "$(readlink "/sys/class/net/${REP[i]}/device")")" "$PF_PCI"
	done
}

switch_id() {
	local id
	sluice_setup switchdev 2 || return
	id=$(sysfs "$PF" phys_switch_id)
	check_ne "switch id" "$id" none
	check_eq "of VF 0's representor" "$(sysfs "${REP[0]}" phys_switch_id)" "$id"
	check_eq "of VF 1's representor" "$(sysfs "${REP[1]}" phys_switch_id)" "$id"
	check_eq "of the second uplink" "$(sysfs "$(uplink_of 1)" phys_switch_id)" "$id"
}

no_vfs() {
	check "no VFs" numvfs_set 0
	check "switchdev" mode_set switchdev
	check_eq "mode" "$(mode_get)" switchdev
	check "again" mode_set switchdev
	check "legacy" mode_set legacy
	check_eq "mode" "$(mode_get)" legacy
}

joined() {
	local br=br-mode
	ip link add $br type bridge || return 1
	ip link set "${REP[0]}" master $br up && ip link set "${REP[1]}" master $br up &&
		ip link set $br up
}
unjoined() { ip link del br-mode 2>/dev/null; }

# The same VFs, never rebound, talk in both modes.
vfs_bound() {
	local i
	sluice_setup legacy 2 || return
	vf_ns 0 h0 192.0.2.1/24
	vf_ns 1 h1 192.0.2.2/24
	for i in 1 2 3; do
		check "ping in legacy mode" ping_ok h0 192.0.2.2
		check "switchdev" mode_set switchdev
		devs_refresh
		check "bridge" joined
		check_within "ping through the bridge" 5 ping_ok h0 192.0.2.2
		unjoined
		check "legacy" mode_set legacy
		check_within "ping in legacy mode again" 5 ping_ok h0 192.0.2.2
	done
}

vfs_unbound() {
	local drv=/sys/bus/pci/drivers/sluice i
	sluice_setup legacy 2 || return
	for i in 0 1; do
		check "unbind" sh -c "echo ${VF_PCI[i]} > $drv/unbind"
	done
	check "switchdev" mode_set switchdev
	check "representor of an unbound VF" rep_of 0
	for i in 0 1; do
		check "bind" sh -c "echo ${VF_PCI[i]} > $drv/bind"
	done
	devs_refresh
	vf_ns 0 h0 192.0.2.1/24
	vf_ns 1 h1 192.0.2.2/24
	check "bridge" joined
	check_within "ping" 5 ping_ok h0 192.0.2.2
	unjoined
}

vfs_after() {
	check "no VFs" sluice_reset
	check "switchdev" mode_set switchdev
	check "2 VFs" numvfs_set 2
	check_within "netdevs" 10 vf_netdevs_there 2
	devs_refresh
	vf_ns 0 h0 192.0.2.1/24
	vf_ns 1 h1 192.0.2.2/24
	check "bridge" joined
	check_within "ping" 5 ping_ok h0 192.0.2.2
	unjoined
}

order_back() {
	sluice_setup switchdev 2 || return
	check "legacy with VFs" mode_set legacy
	check "no representor left" sh -c "! ls /sys/bus/pci/devices/$PF_PCI/net/*/phys_port_name |
		xargs grep -l pf0vf 2>/dev/null"
	check "VFs go" numvfs_set 0
}

modes_of_scripts() {
	local m
	sluice_setup legacy 0 || return
	check "all at once" devlink dev eswitch set "$DL" mode switchdev inline-mode transport \
		encap-mode basic
	for m in none link network transport; do
		check "inline mode $m" devlink dev eswitch set "$DL" inline-mode $m
		check_eq "inline mode" "$(devlink -j dev eswitch show "$DL" | jq -r '.dev[]["inline-mode"]')" $m
	done
	for m in none basic; do
		check "encap mode $m" devlink dev eswitch set "$DL" encap-mode $m
		check_eq "encap mode" "$(devlink -j dev eswitch show "$DL" | jq -r '.dev[]["encap-mode"]')" $m
	done
}

mode_unknown() {
	check "legacy" mode_set legacy
	check_not "a mode devlink does not know" devlink dev eswitch set "$DL" mode sideways
	check_eq "mode" "$(mode_get)" legacy
}

hw_addr() {
	local mac=02:11:22:33:44:aa addr
	sluice_setup switchdev 1 || return
	addr=$(devlink -j port show | jq -r --arg d "${REP[0]}" \
		'.port | to_entries[] | select(.value.netdev == $d) | .key')
	check_eq "address" "$(devlink -j port show "$addr" | jq -r '.port[].function.hw_addr')" \
		"$(mac_of "-/${VF[0]}")"
	check "set" devlink port function set "$addr" hw_addr $mac
	check_eq "shown" "$(devlink -j port show "$addr" | jq -r '.port[].function.hw_addr')" $mac
	check_refused "multicast" "unicast" devlink port function set "$addr" hw_addr 01:00:5e:00:00:01
}

resources() {
	local r
	sluice_setup switchdev 2 || return
	for r in rules masks counters tables; do
		check_eq "$r in use" "$(occupancy $r)" 0
	done
	ingress_add "${REP[0]}"
	check "a rule" tc filter add dev "${REP[0]}" ingress protocol ip handle 1 flower skip_sw \
		dst_ip 192.0.2.9 action drop
	for r in rules masks counters; do
		check_eq "$r with one rule" "$(occupancy $r)" 1
	done
	ingress_del "${REP[0]}"
	check "empty" tables_empty
}

some_rules() {
	ingress_add "$PF" "${REP[0]}" "${REP[1]}" &&
		tc filter add dev "$PF" ingress protocol ip handle 1 flower skip_sw \
			dst_ip 192.0.2.1 action mirred egress redirect dev "${REP[0]}" &&
		tc filter add dev "${REP[0]}" ingress protocol all handle 1 flower skip_sw \
			action mirred egress redirect dev "${REP[1]}" &&
		tc filter add dev "${REP[1]}" ingress protocol all handle 1 flower \
			action mirred egress redirect dev "${REP[0]}" &&
		tc filter add dev "${REP[1]}" ingress protocol ip handle 2 flower \
			action mirred egress redirect dev "$PF"
}

mode_with_rules() {
	local i
	sluice_setup switchdev 2 || return
	for i in 1 2 3 4 5; do
		check "rules" some_rules || break
		check "legacy" mode_set legacy
		check "switchdev" mode_set switchdev
		check "no rule came back" tables_empty
		ingress_del "$PF"
		devs_refresh
		ip link set "${REP[0]}" up
		ip link set "${REP[1]}" up
	done
}

mode_under_traffic() {
	local i
	sluice_setup legacy 2 || return
	vf_ns 0 h0 192.0.2.1/24
	vf_ns 1 h1 192.0.2.2/24
	bg h0 ping -f -q 192.0.2.2
	bg h1 ping -f -q -s 4000 192.0.2.1
	for i in 1 2 3 4 5; do
		check "switchdev" mode_set switchdev
		devs_refresh
		check "representors up" ip link set "${REP[0]}" up
		check "representors up" ip link set "${REP[1]}" up
		check "rules" some_rules
		sleep 0.3
		check "legacy" mode_set legacy
		ingress_del "$PF"
	done
	bg_stop
	check_within "ping" 5 ping_ok h0 192.0.2.2
}

reload() {
	sluice_setup switchdev 2 || return
	ip link set "${VF[0]}" down
	check "reload" devlink dev reload "$DL"
	check_eq "mode after it" "$(mode_get)" switchdev
	check_within "representor" 5 rep_of 1
	devs_refresh
	vf_ns 0 h0 192.0.2.1/24
	vf_ns 1 h1 192.0.2.2/24
	check "bridge" joined
	check_within "ping" 10 ping_ok h0 192.0.2.2
	unjoined
}

reload_netns() {
	sluice_setup switchdev 1 || return
	ns_add nsr
	check "into a namespace" devlink dev reload "$DL" netns nsr
	check_eq "instance there" "$(ns nsr devlink -j dev show | jq -r '.dev | keys[0]')" "$DL"
	check_eq "netdevs there" "$(ns nsr devlink -j port show |
		jq '[.port[] | select(.netdev != null)] | length')" 3
	check "back" ns nsr devlink dev reload "$DL" netns 1
	check_eq "instance here" "$(mode_get)" switchdev
	check_within "netdevs here" 5 pci_netdev "$PF_PCI"
	devs_refresh
}

healthy() { [ "$(devlink -j health show "$DL" reporter fw | jq -r '.health[][0].state')" = healthy ]; }
recoveries() { devlink -j health show "$DL" reporter fw | jq -r '.health[][0].recover'; }
recovered() { [ "$(recoveries)" -gt "$1" ] && healthy; }

health_recover() {
	local n
	sluice_setup switchdev 2 || return
	check "healthy" healthy
	check "diagnose" devlink health diagnose "$DL" reporter fw
	n=$(recoveries)
	check "a fault" devlink health test "$DL" reporter fw
	check_within "recovered by itself" 20 recovered "$n"
	check "a dump was kept" devlink health dump show "$DL" reporter fw
	check_eq "mode after it" "$(mode_get)" switchdev
	devs_refresh
	vf_ns 0 h0 192.0.2.1/24
	vf_ns 1 h1 192.0.2.2/24
	check "bridge" joined
	check_within "ping" 10 ping_ok h0 192.0.2.2
	unjoined
}

vf_health() { devlink -j health show "$DL" reporter vf | jq -r ".health[][0].$1"; }
vf_health_is() { [ "$(vf_health "$1")" = "$2" ]; }

# Write a register of a function that no driver has: OFFSET VALUE...
poke() {
	python3 - "/sys/bus/pci/devices/$1/resource0" "${@:2}" <<-'EOF'
		import mmap, os, struct, sys
		fd = os.open(sys.argv[1], os.O_RDWR | os.O_SYNC)
		regs = memoryview(mmap.mmap(fd, 0x4000)).cast("I")
		words = [int(a, 0) for a in sys.argv[2:]]
		for offset, value in zip(words[::2], words[1::2]):
		    regs[offset // 4] = value
		EOF
}

# A VF that breaks the rules is stopped; the PF tells, the others go on.
vf_error() {
	local drv=/sys/bus/pci/drivers/sluice
	sluice_setup switchdev 2 || return
	check_eq "healthy" "$(vf_health state)" healthy
	check "unbind" sh -c "echo ${VF_PCI[0]} > $drv/unbind"
	setpci -s "${VF_PCI[0]}" COMMAND=6:6
	check "a control ring of 2^99 slots" poke "${VF_PCI[0]}" 0x48 99 0x5c 1
	check_within "the PF reports it" 5 vf_health_is state error
	check "and says which VF" sh -c \
		"devlink -j health diagnose $DL reporter vf | jq -e '.. | .vf? // empty | . == 0'"
	vf_ns 1 h1 192.0.2.2/24
	ip addr add 192.0.2.254/24 dev "${REP[1]}"
	check_within "the other VF works" 5 ping_ok h1 192.0.2.254
	check "bind" sh -c "echo ${VF_PCI[0]} > $drv/bind"
	devs_refresh
	vf_ns 0 h0 192.0.2.1/24
	check_within "healthy again" 5 vf_health_is state healthy
}

after() { unjoined; }

tests_run "$@"
