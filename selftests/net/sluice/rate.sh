#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=3 timeout=300 kernels=stock alone=1
#
# Limits on what VFs transmit: ip link's in legacy mode, devlink rate in
# switchdev mode, of single VFs and of nodes above them.

ALL_TESTS="legacy_limit legacy_refused leaf nodes nested life reset refused"

. "$(dirname "$0")/lib.sh"

RATE="devlink port function rate"
WITH=''

# Begin with a fresh device in MODE, unless it is in it; VF 0 and VF 1 send as
# fast as they can when told to.
with() {
	[ "$WITH" = "$1" ] && return 0
	sluice_setup "$1" 3 && WITH=$1
}
setup() { with legacy; }

after() {
	local n
	[ "$WITH" = switchdev ] || return 0
	for n in 1 2; do $RATE set "$DL/$n" tx_max 0 noparent; done 2>/dev/null
	for n in $(nodes_there); do $RATE del "$DL/$n"; done 2>/dev/null
}

# flood VF: it sends as fast as it can from now on.
flood() {
	local was
	was=$(vf_bytes "$1")
	bg - python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
frame = bytes.fromhex("02000000007702000000007888b5") + bytes(1386)
while True:
    try:
        s.send(frame)
    except OSError:
        pass
' "${VF[$1]}"
	check_within "VF $1 sends" 20 sent_more "$1" $((was + 14000))
}

sent_more() { [ "$(vf_bytes "$1")" -ge "$2" ]; }

# Bytes VF N has sent.
vf_bytes() { ip -j -s link show dev "${VF[$1]}" | jq '.[0].stats64.tx.bytes'; }

# rates VF...: what each sends, in kbyte/s, into KBPS[].
rates() {
	local vf at=() from=() ms
	sleep 0.5
	for vf; do at[vf]=$(date +%s%3N) from[vf]=$(vf_bytes "$vf"); done
	sleep 3
	KBPS=()
	for vf; do
		ms=$(($(date +%s%3N) - at[vf]))
		KBPS[vf]=$((($(vf_bytes "$vf") - from[vf]) / ms))
	done
	note "kbyte/s: ${KBPS[*]}"
}

# about MSG GOT WANT: hardly more; less when a busy host stops the device for
# longer than the burst lasts.
about() {
	check_ge "$1" "$2" $(($3 * 6 / 10))
	check_le "$1" "$2" $(($3 * 115 / 100))
}

vf_info() { ip -j link show "$PF" | jq -r ".[0].vfinfo_list[$1].rate.max_tx"; }
rate_of() { $RATE show "$DL/$1" -j | jq -r ".rate[][\"$2\"] // \"none\""; }
nodes_there() { $RATE show -j | jq -r '.rate | keys[] | split("/")[2]' | grep -v '^[0-9]*$'; }

legacy_limit() {
	with legacy || return
	check_eq "no limit" "$(vf_info 0)" 0
	flood 0
	rates 0
	check_ge "without limit" "${KBPS[0]}" 1500
	check "a limit" ip link set "$PF" vf 0 max_tx_rate 4
	check_eq "shown" "$(vf_info 0)" 4
	rates 0
	about "4 Mbit/s" "${KBPS[0]}" 500
	check "no limit" ip link set "$PF" vf 0 max_tx_rate 0
	rates 0
	check_ge "without limit" "${KBPS[0]}" 1500
	# It is back after the other mode.
	check "a limit" ip link set "$PF" vf 0 max_tx_rate 4
	check "switchdev" mode_set switchdev
	check_eq "not there" "$(vf_info 0)" 0
	check "legacy" mode_set legacy
	check_eq "here again" "$(vf_info 0)" 4
	rates 0
	about "4 Mbit/s" "${KBPS[0]}" 500
	# A VF's reset does not free it.
	bg_stop
	check "unbind" sh -c "echo ${VF_PCI[0]} > /sys/bus/pci/drivers/sluice/unbind"
	check "bind" sh -c "echo ${VF_PCI[0]} > /sys/bus/pci/drivers/sluice/bind"
	devs_refresh
	ip link set "${VF[0]}" up
	flood 0
	rates 0
	about "4 Mbit/s" "${KBPS[0]}" 500
	check "no limit" ip link set "$PF" vf 0 max_tx_rate 0
}

legacy_refused() {
	with legacy || return
	check_not "a guarantee" ip link set "$PF" vf 0 min_tx_rate 1
	check_not "a VF that is not there" ip link set "$PF" vf 3 max_tx_rate 1
	check_refused "a node" "switchdev" $RATE add "$DL/one"
	check "switchdev" mode_set switchdev
	WITH=
	check_not "there it is devlink's" ip link set "$PF" vf 0 max_tx_rate 1
}

leaf() {
	with switchdev || return
	check_eq "type" "$(rate_of 1 type)" leaf
	flood 0
	rates 0
	check_ge "without limit" "${KBPS[0]}" 1500
	check "a limit" $RATE set "$DL/1" tx_max 4mbit
	check_eq "shown" "$(rate_of 1 tx_max)" 500000
	rates 0
	about "4 Mbit/s" "${KBPS[0]}" 500
	check "no limit" $RATE set "$DL/1" tx_max 0
	rates 0
	check_ge "without limit" "${KBPS[0]}" 1500
}

nodes() {
	with switchdev || return
	check "a node" $RATE add "$DL/one" tx_max 8mbit
	check "below it" $RATE set "$DL/1" parent one
	check "and another" $RATE set "$DL/2" parent one
	check_eq "shown" "$(rate_of 1 parent)" one
	flood 0
	flood 1
	rates 0 1
	about "half" "${KBPS[0]}" 500
	about "the other half" "${KBPS[1]}" 500
	check "less for one" $RATE set "$DL/1" tx_max 2mbit
	rates 0 1
	about "its own limit" "${KBPS[0]}" 250
	about "the rest" "${KBPS[1]}" 750
	check "not below it" $RATE set "$DL/2" noparent
	rates 0 1
	about "its own limit" "${KBPS[0]}" 250
	check_ge "no limit" "${KBPS[1]}" 1500
	check_refused "used" "" $RATE del "$DL/one"
}

nested() {
	local n
	with switchdev || return
	check "outer" $RATE add "$DL/outer" tx_max 4mbit
	check "inner" $RATE add "$DL/inner" tx_max 80mbit
	check "in it" $RATE set "$DL/inner" parent outer
	check "leaf" $RATE set "$DL/1" parent inner
	flood 0
	rates 0
	about "the outer limit" "${KBPS[0]}" 500
	check_not "no circle" $RATE set "$DL/outer" parent inner
	check "no outer" $RATE set "$DL/inner" noparent
	rates 0
	check_ge "none to speak of" "${KBPS[0]}" 1500
	check "leaf" $RATE set "$DL/1" noparent
	for n in 0 1 2 3 4 5 6 7; do
		check "node $n" $RATE add "$DL/n$n"
		[ "$n" -eq 0 ] || check "in the last" $RATE set "$DL/n$n" parent "n$((n - 1))"
	done
	check_refused "too deep" "at most 8 levels" $RATE set "$DL/1" parent n7
	check "deep enough" $RATE set "$DL/1" parent n6
	$RATE set "$DL/1" noparent
	for n in 7 6 5 4 3 2 1 0; do $RATE del "$DL/n$n"; done
}

# What a VF had is gone with it; nodes stay without them.
life() {
	local d
	with switchdev || return
	check "a node" $RATE add "$DL/one" tx_max 8mbit
	check "a leaf" $RATE set "$DL/1" tx_max 4mbit parent one
	check_refused "mode" "" mode_set legacy
	check "no VFs" numvfs_set 0
	check_eq "the node" "$(nodes_there)" one
	check "VFs" numvfs_set 3
	check_within "netdevs" 20 vf_netdevs_there 3
	devs_refresh
	for d in "${VF[@]}" "${REP[@]}"; do ip link set "$d" up; done
	check_eq "nothing left" "$(rate_of 1 tx_max) $(rate_of 1 parent)" "none none"
	flood 0
	rates 0
	check_ge "without limit" "${KBPS[0]}" 1500
}

# A device that was reset gets them again.
reset() {
	with switchdev || return
	check "a node" $RATE add "$DL/one" tx_max 8mbit
	check "a node in it" $RATE add "$DL/a"
	check "in it" $RATE set "$DL/a" parent one
	check "a leaf" $RATE set "$DL/1" parent a
	check "another" $RATE set "$DL/2" tx_max 2mbit
	check "recover" devlink health recover "$DL" reporter fw
	check_within "the PF is there" 10 ip link set "$PF" up
	flood 0
	flood 1
	rates 0 1
	about "the node's" "${KBPS[0]}" 1000
	about "its own" "${KBPS[1]}" 250
}

refused() {
	with switchdev || return
	check_refused "share" "" $RATE set "$DL/1" tx_share 1mbit
	check_refused "priority" "" $RATE set "$DL/1" tx_priority 1
	check_refused "weight" "" $RATE set "$DL/1" tx_weight 1
	check_refused "no such node" "" $RATE set "$DL/1" parent nowhere
	check_refused "an uplink" "" $RATE set "$DL/256" tx_max 1mbit
}

tests_run "$@"
