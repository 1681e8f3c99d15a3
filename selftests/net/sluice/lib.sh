# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Common code of the Sluice selftests. A test script looks like this:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0-only
#	# sluice: vfs=8 timeout=120
#	ALL_TESTS="ping_works drop_drops"
#	. "$(dirname "$0")/lib.sh"
#	setup() { sluice_setup switchdev 2; vf_ns 0 h0 192.0.2.1/24; ...; }
#	ping_works() { check "VF 0 reaches VF 1" ping_ok h0 192.0.2.2; }
#	...
#	tests_run "$@"
#
# The "# sluice:" line tells "run" which machine the script wants: vfs= (device
# property, 8 or more; default 8), ports= (uplinks, default 1), nics=, kernels= (of the
# usual run, default stock,test; "run --full" takes both), timeout= in seconds (default 300), opts= (device options),
# iommu=1, smp=, mem=, leakcheck=0 (no kmemleak check), manual=1 (only when named), env=
# (variables that it gets from whoever runs it),
# alone=1 (no other machine runs meanwhile: it compares times),
# hosts=2 (a second machine at the other end of the wire, see pair_lib.sh).
# Arguments of a script, or $TESTS, select tests by name; those in $MORE_TESTS run
# only so. Functions below
# return 0 for yes; those that print a value say so.
#
# Verdicts (inside a test; a test goes on after a failure)
#   fail MSG                      the current test has failed
#   skip MSG                      it can't run here (follow with "return")
#   check MSG CMD...              fail MSG unless CMD succeeds
#   check_not MSG CMD...          fail MSG if CMD succeeds
#   check_refused MSG REGEX CMD...  CMD must fail and say REGEX (extack text)
#   check_eq|check_ne|check_lt|check_le|check_ge MSG GOT WANT
#   check_within MSG SECONDS CMD...  CMD must succeed within SECONDS
#   wait_for SECONDS CMD...       the same without a verdict
#   note MSG                      a line of diagnostics in the report
# Hooks: setup(), cleanup() once per script; before(), after() around each test
#
# Device
#   sluice_setup MODE N [PFINDEX] fresh device in MODE (legacy|switchdev) with N
#                                 VFs, all netdevs up; sets PF_PCI DL PF (netdev)
#                                 VF[0..] REP[0..] (netdevs) VF_PCI[0..]
#   sluice_reset                  0 VFs, legacy mode, no leftovers of tests
#   pf_find [INDEX]               print the PCI address of a PF
#   pci_netdev ADDR               print the netdev whose parent is ADDR and that
#                                 is no representor of a VF
#   mode_set MODE / mode_get      devlink eswitch mode
#   numvfs_set N                  sriov_numvfs, 0 first when it has to be
#   rep_of N / uplink_of N        print the representor of VF N / of uplink N
#   devs_refresh                  look VF[], REP[], PF up again (a VF in another
#                                 namespace isn't found)
#   occupancy NAME                print a devlink resource's occupancy
#   tables_empty                  no rule, mask or counter in the device
#   cpu_hit DEV                   print packets that took the CPU (rx + tx)
#   vmctl ...                     ask the machine (device_del nic0, ...; it is a
#                                 command of the guest, see "vmctl" alone)
#   leaks_mark / leaks_none       kmemleak: forget what is known / nothing new
#   no_memory_leaked              a test of that, for the end of ALL_TESTS
# Hosts (network namespaces; IPv6 is off unless ipv6_on)
#   ns_add NS / ns_del NS / ipv6_on NS
#   vf_ns N NS [ADDR/LEN...]      move VF N there, up, with addresses
#   wire_ns N NS [ADDR/LEN...]    the same for the far end of uplink N
#   ns NS CMD...                  run there; "-" is the root namespace, also below
#   mac_of [NS/]DEV               print the MAC address
# Traffic
#   ping_ok NS ADDR [ping arguments]   every ping answered
#   ping_fails NS ADDR            none answered
#   iperf NS ADDR [arguments]     run iperf3 against a server, print Mbit/s
#   iperf_server NS ADDR          start one
#   pkt ARG...                    pkt.py: build, send and capture frames
#   count_frames TX RX N SPEC [OPTION...]   send N frames, print how many RX got
#                                 ([NS/]DEV; OPTION as for "pkt xfer"), telling
#                                 them from others by their last 8 bytes
#   queue_packets NS DEV rx|tx    print the packets of each queue, a line each
#   bg NS CMD...                  run in the background until the test ends
# tc (on an ingress block unless DIR is given)
#   ingress_add DEV... / ingress_del DEV...   clsact qdisc
#   tc_rule DEV HANDLE JQ [DIR]   print a field of a flower rule
#   tc_in_hw DEV HANDLE [DIR] / tc_not_in_hw
#   tc_packets|tc_hw_packets|tc_sw_packets DEV HANDLE [DIR]   print a counter
#   tc_hw_reaches DEV HANDLE N [DIR]    it is N within two seconds

SLUICE_LIB=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

for d in "$SLUICE_LIB/../.." "${KSELFTESTS:-/mnt/kselftests}" \
	 /mnt/kselftests/tools/testing/selftests; do
	KTAP=$d/kselftest/ktap_helpers.sh
	[ -r "$KTAP" ] && break
done
# shellcheck source=/dev/null
[ -r "$KTAP" ] && . "$KTAP"

PF_PCI='' DL='' PF=''
WIRES=$(cd /sys/class/net && echo wire[0-9]*)
[ "$WIRES" = "wire[0-9]*" ] && WIRES=''
VF=() REP=() VF_PCI=()
RET=0 SKIPPED=
BG_PIDS=() NS_MADE=()
SLUICE_TMP=$(mktemp -d /tmp/sluice.XXXXXX)

# --- verdicts --------------------------------------------------------------

note() { echo "# $*"; }
fail() { RET=1; note "${FUNCNAME[1]}: $*"; }
skip() { SKIPPED=$*; }

# Run a command quietly; its output is shown when it isn't what was wanted.
quietly() { "$@" > "$SLUICE_TMP/out" 2>&1; }
tell() { sed 's/^/#   /' "$SLUICE_TMP/${1:-out}" | head -n 20; }

check() {
	local msg=$1 rc
	shift
	quietly "$@"; rc=$?
	[ $rc -eq 0 ] && return 0
	RET=1
	note "$msg: '$*' gave status $rc"
	tell
	return 1
}

check_not() {
	local msg=$1
	shift
	quietly "$@" || return 0
	RET=1
	note "$msg: '$*' succeeded"
	tell
	return 1
}

check_refused() {
	local msg=$1 regex=$2
	shift 2
	if quietly "$@"; then
		RET=1
		note "$msg: '$*' succeeded"
		return 1
	fi
	grep -Eq -- "$regex" "$SLUICE_TMP/out" && return 0
	RET=1
	note "$msg: the message should match '$regex':"
	tell
	return 1
}

compared() {
	case $1 in
	eq) [ "$2" = "$3" ] ;;
	ne) [ "$2" != "$3" ] ;;
	lt) [ "$2" -lt "$3" ] ;;
	le) [ "$2" -le "$3" ] ;;
	ge) [ "$2" -ge "$3" ] ;;
	esac
}

compare() {
	compared "$1" "$3" "$4" 2>/dev/null && return 0
	RET=1
	note "$2: got '$3', wanted $1 '$4'"
	return 1
}

check_eq() { compare eq "$@"; }
check_ne() { compare ne "$@"; }
check_lt() { compare lt "$@"; }
check_le() { compare le "$@"; }
check_ge() { compare ge "$@"; }

wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" > "$SLUICE_TMP/last" 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

check_within() {
	local msg=$1 secs=$2
	shift 2
	wait_for "$secs" "$@" && return 0
	RET=1
	note "$msg: not within $secs s: $*"
	tell last
	return 1
}

bg() {
	local n=$1
	shift
	if [ "$n" = - ]; then
		"$@" > /dev/null 2>&1 &
	else
		ip netns exec "$n" "$@" > /dev/null 2>&1 &
	fi
	BG_PIDS+=($!)
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# An iperf3 that is asked to end may wait for its peer, or for a thread, and stay.
bg_stop() {
	local p
	for p in "${BG_PIDS[@]}"; do
		kill "$p" 2>/dev/null
		wait_for 10 gone "$p" || kill -KILL "$p"
		wait "$p" 2>/dev/null
	done
	BG_PIDS=()
}

before() { :; }
after() { :; }
setup() { :; }
cleanup() { :; }

finish_script() {
	trap - EXIT
	bg_stop
	cleanup > /dev/null 2>&1
	sluice_reset > /dev/null 2>&1
	rm -rf "$SLUICE_TMP"
}

tests_run() {
	local want="${*:-${TESTS:-}}" t list=()
	for t in $ALL_TESTS ${want:+${MORE_TESTS:-}}; do
		[[ -z $want || " $want " == *" $t "* ]] && list+=("$t")
	done
	if [ ! -r "$KTAP" ]; then
		echo "1..0 # SKIP no kselftest/ktap_helpers.sh: set KSELFTESTS to a kernel's tools/testing/selftests"
		exit 4
	fi
	trap finish_script EXIT
	ktap_print_header
	ktap_set_plan ${#list[@]}
	RET=0
	setup
	local setup_ret=$?
	if [ "$RET" -ne 0 ] || [ $setup_ret -ne 0 ]; then
		for t in "${list[@]}"; do
			ktap_test_fail "$t (setup failed)"
		done
		ktap_print_totals
		exit 1
	fi
	for t in "${list[@]}"; do
		RET=0 SKIPPED=
		before
		"$t"
		after
		bg_stop
		if [ $RET -ne 0 ]; then
			ktap_test_fail "$t"
		elif [ -n "$SKIPPED" ]; then
			ktap_test_skip "$t"
			note "skipped: $SKIPPED"
		else
			ktap_test_pass "$t"
		fi
	done
	finish_script
	ktap_finished
}

# --- device ----------------------------------------------------------------

pf_find() {
	local want=${1:-0} i=0 d
	for d in /sys/bus/pci/devices/*; do
		[ "$(cat "$d/vendor" "$d/device" | tr '\n' ' ')" = "0x1234 0xe510 " ] || continue
		if [ $i -eq "$want" ]; then
			basename "$d"
			return 0
		fi
		i=$((i + 1))
	done
	return 1
}

# A netdev of a PCI function by the ending of its phys_port_name.
netdev_by_port() {
	local addr=$1 regex=$2 d name
	for d in /sys/bus/pci/devices/"$addr"/net/*; do
		[ -e "$d" ] || continue
		name=
		read -r name 2>/dev/null < "$d/phys_port_name"
		if [[ $name =~ $regex ]]; then
			basename "$d"
			return 0
		fi
	done
	return 1
}

pci_netdev() { netdev_by_port "$1" '^(p0)?$'; }
rep_of() { netdev_by_port "$PF_PCI" "^(c[0-9]+)?pf[0-9]+vf$1\$"; }
uplink_of() { netdev_by_port "$PF_PCI" "^p$1\$"; }

mode_get() { devlink -j dev eswitch show "$DL" | jq -r '.dev[].mode'; }
mode_set() { devlink dev eswitch set "$DL" mode "$1"; }

numvfs_set() {
	local f=/sys/bus/pci/devices/$PF_PCI/sriov_numvfs now
	now=$(cat "$f")
	[ "$now" -eq "$1" ] && return 0
	[ "$now" -eq 0 ] || echo 0 > "$f" || return 1
	[ "$1" -eq 0 ] || echo "$1" > "$f"
}

vf_netdevs_there() {
	local i
	for ((i = 0; i < $1; i++)); do
		ls "/sys/bus/pci/devices/$PF_PCI/virtfn$i/net/"* > /dev/null 2>&1 || return 1
	done
}

devs_refresh() {
	local n i
	PF=$(pci_netdev "$PF_PCI")
	VF=() REP=() VF_PCI=()
	n=$(cat "/sys/bus/pci/devices/$PF_PCI/sriov_numvfs")
	for ((i = 0; i < n; i++)); do
		VF_PCI[i]=$(basename "$(readlink "/sys/bus/pci/devices/$PF_PCI/virtfn$i")")
		VF[i]=$(pci_netdev "${VF_PCI[i]}")
		REP[i]=$(rep_of "$i")
	done
	return 0
}

pf_address() {
	PF_PCI=$(pf_find "${1:-0}") || { note "no Sluice NIC (1234:e510) in this machine"; return 1; }
	DL=pci/$PF_PCI
}

driver_load() {
	[ -e "/sys/bus/pci/devices/$PF_PCI/driver" ] || modprobe sluice || return 1
	wait_for 10 pci_netdev "$PF_PCI"
}

sluice_setup() {
	local mode=$1 n=$2 d
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	pf_address "${3:-0}" || return 1
	check "load the driver" driver_load || return 1
	check "reset the device" sluice_reset || return 1
	check "$n VFs" numvfs_set "$n" || return 1
	check "$mode mode" mode_set "$mode" || return 1
	check_within "the netdevs of $n VFs" 20 vf_netdevs_there "$n" || return 1
	devs_refresh
	for d in "$PF" "${REP[@]}" "${VF[@]}"; do
		[ -n "$d" ] || continue # no representors in legacy mode
		check "$d up" ip link set "$d" up || return 1
	done
}

# A namespace that dies gives its NICs back, but only when its last TCP socket
# has said goodbye; so take them home first.
ns_made_gone() {
	local n d
	for n in "${NS_MADE[@]}"; do
		[ -e "/run/netns/$n" ] || continue
		ip netns pids "$n" | xargs -r kill 2>/dev/null
		for d in $(ns "$n" sh -c 'cd /sys/class/net && ls -d */device' 2>/dev/null); do
			ip -n "$n" link set "${d%/device}" netns 1
		done
		ip netns del "$n"
	done
	NS_MADE=()
}

nics_home() {
	local d
	for d in "/sys/bus/pci/devices/$PF_PCI"{,/virtfn*}; do
		[ -e "$d/driver" ] || continue
		ls "$d/net/"* > /dev/null 2>&1 || return 1
	done
	wires_home
}

wires_home() {
	local d
	for d in $WIRES; do
		[ -e "/sys/class/net/$d" ] || return 1
	done
}

sluice_reset() {
	local d
	bg_stop
	ns_made_gone
	[ -n "$PF_PCI" ] || return 0
	[ -e "/sys/bus/pci/devices/$PF_PCI/driver" ] || return 0
	wait_for 10 nics_home
	for d in "/sys/bus/pci/devices/$PF_PCI/net/"*; do
		# Open vSwitch's is of the older kind.
		tc qdisc del dev "${d##*/}" clsact 2>/dev/null ||
			tc qdisc del dev "${d##*/}" ingress 2>/dev/null
	done
	numvfs_set 0 || return 1
	[ "$(mode_get)" = legacy ] || mode_set legacy || return 1
	PF=$(pci_netdev "$PF_PCI") || return 1
	ip link set "$PF" nomaster 2>/dev/null
	ip addr flush dev "$PF"
	ip link set "$PF" down mtu 1500 promisc off
}

occupancy() {
	devlink -j resource show "$DL" |
		jq -r --arg n "$1" '[.. | objects | select(.name? == $n) | .occ][0] // "none"'
}

tables_empty_now() {
	local r
	for r in rules masks counters; do
		[ "$(occupancy $r)" = 0 ] || return 1
	done
}

tables_empty() {
	local r
	wait_for 5 tables_empty_now && return 0
	for r in rules masks counters; do
		echo "$r: $(occupancy $r)"
	done
	return 1
}

cpu_hit() {
	ip -j stats show dev "$1" group offload subgroup cpu_hit |
		jq -er '.[0].stats64 | .rx.packets + .tx.packets'
}

KMEMLEAK=/sys/kernel/debug/kmemleak

leaks_mark() {
	[ -w $KMEMLEAK ] || return 0
	echo scan > $KMEMLEAK
	echo clear > $KMEMLEAK
}

# An object counts as leaked when two scans five seconds apart find no pointer.
leaks_none() {
	[ -w $KMEMLEAK ] || return 0
	local i
	for i in 1 2; do
		sleep 6
		echo scan > $KMEMLEAK
	done
	cat $KMEMLEAK
	[ -z "$(cat $KMEMLEAK)" ]
}

# The last test of a script that began with leaks_mark.
no_memory_leaked() {
	[ -w $KMEMLEAK ] || { skip "kernel without kmemleak"; return; }
	check "kmemleak" leaks_none
}

# --- hosts -----------------------------------------------------------------

ns() {
	local n=$1
	shift
	if [ "$n" = - ]; then "$@"; else ip netns exec "$n" "$@"; fi
}

ns_add() {
	[ -e "/run/netns/$1" ] && return 0
	ip netns add "$1" && NS_MADE+=("$1")
	ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$1" link set lo up
}

ns_del() { ip netns pids "$1" | xargs -r kill; ip netns del "$1"; }

ipv6_on() {
	ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}

dev_to_ns() {
	local dev=$1 n=$2 a nodad
	shift 2
	ns_add "$n"
	[ -e "/sys/class/net/$dev" ] && { ip link set "$dev" netns "$n" || return 1; }
	ip -n "$n" link set "$dev" up || return 1
	for a in "$@"; do
		nodad=()
		[[ $a == *:* ]] && nodad=(nodad)
		ip -n "$n" addr add "$a" dev "$dev" "${nodad[@]}" || return 1
	done
}

vf_ns() { local i=$1; shift; check "VF $i to a namespace" dev_to_ns "${VF[i]}" "$@"; }

wire_ns() {
	local i=$1
	shift
	check "the far end of uplink $i to a namespace" dev_to_ns "wire$i" "$@"
}

mac_of() {
	case $1 in
	[!-]*/*) ip -n "${1%/*}" -j link show "${1#*/}" ;;
	*) ip -j link show "${1#-/}" ;;
	esac | jq -r '.[0].address'
}

# --- traffic ---------------------------------------------------------------

ping_ok() {
	local n=$1 addr=$2 sent=3
	shift 2
	[ $# -gt 0 ] || set -- -c $sent -i 0.05
	ns "$n" ping -q -W 2 "$@" "$addr" > "$SLUICE_TMP/ping" 2>&1
	local rc=$?
	cat "$SLUICE_TMP/ping"
	[ $rc -eq 0 ] && grep -q ' 0% packet loss' "$SLUICE_TMP/ping"
}

ping_fails() { ! ns "$1" ping -q -c 2 -i 0.1 -W 1 "$2"; }

listening() { ns "$1" ss -Hltn "sport = :5201" | grep -q .; }

iperf_server() {
	bg "$1" iperf3 -s -B "$2"
	wait_for 10 listening "$1"
}

iperf() {
	local n=$1 addr=$2
	shift 2
	ns "$n" timeout -k 5 180 iperf3 -J -c "$addr" "$@" > "$SLUICE_TMP/iperf.json" || {
		jq -r '.error // empty' "$SLUICE_TMP/iperf.json" >&2
		return 1
	}
	jq -r '(.end.sum_received // .end.sum).bits_per_second / 1e6 | floor' "$SLUICE_TMP/iperf.json"
}

queue_packets() { ns "$1" python3 "$SLUICE_LIB/qstats.py" "$2" "$3"; }

# Loaded as a module it is compiled once, and without the site's modules it starts
# in a third of the time.
pkt() {
	PYTHONPATH=$SLUICE_LIB python3 -S -X pycache_prefix=/run/sluice-pyc \
		-c 'import pkt; pkt.main()' "$@"
}

count_frames() {
	pkt xfer -s -n "$3" -e "$3" --tx="$1" --rx="$2" "${@:5}" "$4" |
		awk '{ n += $2 } END { print n + 0 }'
}

# --- tc --------------------------------------------------------------------

ingress_add() { local d; for d in "$@"; do tc qdisc add dev "$d" clsact || return 1; done; }
ingress_del() { local d; for d in "$@"; do tc qdisc del dev "$d" clsact || return 1; done; }

tc_rule() {
	tc -j -s filter show dev "$1" "${4:-ingress}" |
		jq -r --argjson h "$(($2))" \
			"[.[] | select(.options.handle? == \$h)][0] | $3"
}

tc_in_hw() { [ "$(tc_rule "$1" "$2" '.options.in_hw // false' "${3:-}")" = true ]; }
tc_not_in_hw() { [ "$(tc_rule "$1" "$2" '.options.not_in_hw // false' "${3:-}")" = true ]; }
tc_packets() { tc_rule "$1" "$2" '.options.actions[0].stats.packets // 0' "${3:-}"; }
tc_hw_packets() { tc_rule "$1" "$2" '.options.actions[0].stats.hw_packets // 0' "${3:-}"; }
tc_sw_packets() {
	tc_rule "$1" "$2" '.options.actions[0].stats | .packets - (.hw_packets // 0)' "${3:-}"
}

tc_hw_is() { [ "$(tc_hw_packets "$1" "$2" "${4:-}")" = "$3" ]; }
tc_hw_reaches() {
	wait_for 2 tc_hw_is "$@" && return 0
	echo "hardware counter of rule $2 on $1: $(tc_hw_packets "$1" "$2" "${4:-}"), wanted $3"
	return 1
}
