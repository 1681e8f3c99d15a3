#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sluice: vfs=2 timeout=600 kernels=stock
#
# Every key and every action of the tables in Documentation/driver/refusals.md,
# which are made from the driver: what they say is in hardware has to be taken
# with skip_sw, what they say is refused has to be refused by its name, and
# "in part" has to be both. An entry without a rule here fails.

ALL_TESTS="keys actions"

. "$(dirname "$0")/lib.sh"
. "$SLUICE_LIB/tunnel_lib.sh"

TRACING=/sys/kernel/tracing TRACE=
PAGE=$SLUICE_LIB/../../../Documentation/driver/refusals.md

# Name without FLOW_DISSECTOR_KEY_ or FLOW_ACTION_ | how | where | protocol |
# keys | actions (without: redirect) | what a refusal has to say
#
# how: in    taken with skip_sw; or refused, if that is what the page says of it
#      both  taken, software has it too
#      no    refused with skip_sw
#      soft  with both allowed it is software's, and the trace event says why
#      skip  tc cannot say it, though the kernel could; the reason follows
# (The kernel does not offer skip_sw rules of tunnel devices.)
# where: rep, vxlan, geneve; L and R are the ends of the tunnel, L6 and R6 likewise
# $TO and $TUN are actions: redirect to the other representor, to the tunnel.
# shellcheck disable=SC2016 # words with a dollar stand for something
KEYS='
CONTROL		| in	| rep | ip	| ip_flags frag/firstfrag
BASIC		| in	| rep | ip	| ip_proto udp
IPV4_ADDRS	| in	| rep | ip	| src_ip 192.0.2.1 dst_ip 198.51.100.0/24
IPV6_ADDRS	| in	| rep | ipv6	| src_ip 2001:db8::1 dst_ip 2001:db8:1::/48
PORTS		| in	| rep | ip	| ip_proto tcp src_port 5 dst_port 80
PORTS_RANGE	| in	| rep | ip	| ip_proto tcp dst_port 10-20
PORTS_RANGE	| no	| rep | ip	| ip_proto tcp dst_port 15-25	|	| overlaps	| ip_proto tcp dst_port 10-20
ICMP		| in	| rep | ip	| ip_proto icmp type 8 code 0
ETH_ADDRS	| in	| rep | all	| dst_mac 02:00:00:00:00:00/ff:00:00:00:00:00 src_mac 02:00:00:00:00:01
ARP		| in	| rep | arp	| arp_op request arp_sip 192.0.2.1 arp_tip 192.0.2.2 arp_sha 02:00:00:00:00:01 arp_tha 02:00:00:00:00:02
VLAN		| in	| rep | 802.1q	| vlan_id 5 vlan_prio 3 vlan_ethtype ip
ENC_KEYID	| no	| rep | ip	| enc_key_id 4						|	| enc_key_id
ENC_KEYID	| both	| vxlan | ip	| enc_key_id 4 enc_dst_ip L enc_dst_port 4789		| $UNSET
ENC_IPV4_ADDRS	| no	| rep | ip	| enc_src_ip 192.0.2.1 enc_dst_ip 192.0.2.2		|	| enc_[sd][rs][ct]_ip
ENC_IPV4_ADDRS	| both	| vxlan | ip	| enc_src_ip R enc_dst_ip L enc_key_id 4		| $UNSET
ENC_IPV6_ADDRS	| no	| rep | ip	| enc_src_ip 2001:db8::1 enc_dst_ip 2001:db8::2		|	| enc_[sd][rs][ct]_ip
ENC_IPV6_ADDRS	| both	| vxlan | ip	| enc_src_ip R6 enc_dst_ip L6 enc_key_id 4		| $UNSET
ENC_CONTROL	| no	| rep | ip	| enc_flags tuncsum					|	| enc_
ENC_CONTROL	| both	| vxlan | ip	| enc_key_id 4 enc_dst_ip L enc_flags tuncsum		| $UNSET
ENC_PORTS	| no	| rep | ip	| enc_dst_port 4789					|	| enc_dst_port
ENC_PORTS	| both	| vxlan | ip	| enc_key_id 4 enc_dst_ip L enc_dst_port 4789		| $UNSET
ENC_IP		| no	| rep | ip	| enc_tos 4 enc_ttl 64					|	| enc_t
ENC_IP		| both	| vxlan | ip	| enc_key_id 4 enc_dst_ip L enc_tos 4 enc_ttl 64	| $UNSET
ENC_OPTS	| no	| rep | ip	| geneve_opts 0102:03:04050607				|	| enc_opts
ENC_OPTS	| both	| geneve | ip	| enc_key_id 4 enc_dst_ip L geneve_opts 0102:03:04050607 | $UNSET
MPLS		| in	| rep | mpls_uc	| mpls lse depth 1 label 100 tc 3 bos 0 lse depth 2 ttl 9
TCP		| in	| rep | ip	| ip_proto tcp tcp_flags 0x2/0x17
IP		| in	| rep | ip	| ip_tos 0x10/0xfc ip_ttl 64
CVLAN		| in	| rep | 802.1ad	| vlan_id 5 vlan_ethtype 802.1q cvlan_id 6 cvlan_prio 2 cvlan_ethtype ip
META		| in	| rep | ip	| indev $REP0
META		| no	| rep | ip	| indev lo	|	| indev
META		| no	| rep | ip	| l2_miss 1	|	| l2_miss
CT		| both	| rep | ip	| ct_state +trk+est ct_zone 3 ct_mark 5/0xf ct_label 1
HASH		| skip	| tc has no word for it
NUM_OF_VLANS	| in	| rep | all	| num_of_vlans 2
PPPOE		| in	| rep | ppp_ses	| pppoe_sid 9 ppp_proto ip
L2TPV3		| in	| rep | ip	| ip_proto l2tp l2tpv3_sid 9
CFM		| in	| rep | cfm	| cfm mdl 5 op 3
IPSEC		| in	| rep | ip	| ip_proto esp spi 5
'

# shellcheck disable=SC2016
ACTIONS='
ACCEPT		| in	| rep | ip	|	| action vlan push id 5 pass
ACCEPT		| soft	| rep | ip	|	| action vlan push id 5 pipe action pass	| before pass
DROP		| in	| rep | ip	|	| action drop
TRAP		| in	| rep | ip	|	| action trap
TRAP		| soft	| rep | ip	|	| action vlan push id 5 pipe action trap	| trap
GOTO		| in	| rep | ip	|	| action goto chain 2
REDIRECT	| in	| rep | ip	|	| $TO
REDIRECT	| no	| rep | ip	|	| action mirred egress redirect dev lo		| lo is not a port
MIRRED		| in	| rep | ip	|	| action mirred egress mirror dev $REP0 $TO
MIRRED		| no	| rep | ip	|	| action mirred egress mirror dev lo $TO	| lo is not a port
REDIRECT_INGRESS | in	| rep | ip	|	| action mirred ingress redirect dev dum-known
REDIRECT_INGRESS | no	| rep | ip	|	| action mirred ingress redirect dev $REP1	| mirred ingress
MIRRED_INGRESS	| in	| rep | ip	|	| action mirred ingress mirror dev dum-known $TO
MIRRED_INGRESS	| no	| rep | ip	|	| action mirred ingress mirror dev $REP1 $TO	| mirred ingress
VLAN_PUSH	| in	| rep | ip	|	| action vlan push id 5 protocol 802.1ad pipe $TO
VLAN_POP	| in	| rep | 802.1q	|	| action vlan pop pipe $TO
VLAN_MANGLE	| in	| rep | 802.1q	|	| action vlan modify id 5 priority 3 pipe $TO
TUNNEL_ENCAP	| in	| rep | ip	|	| action tunnel_key set src_ip L dst_ip R id 4 dst_port 4789 pipe $TUN
TUNNEL_ENCAP	| no	| rep | ip	|	| action tunnel_key set src_ip L dst_ip R id 4 dst_port 4789 geneve_opts 0102:03:04050607 pipe $TUN | options
TUNNEL_DECAP	| both	| vxlan | ip	| enc_key_id 4 enc_dst_ip L enc_dst_port 4789 | $UNSET
TUNNEL_DECAP	| soft	| vxlan | ip	| enc_key_id 4 enc_dst_ip L enc_dst_port 4789 | action tunnel_key unset pipe action goto chain 2 | goto behind tunnel_key
MANGLE		| in	| rep | ip	|	| action pedit ex munge ip dst set 192.0.2.7 munge udp sport set 7 pipe $TO
MANGLE		| in	| rep | ip	|	| action pedit ex munge eth type set 0x88b5 munge offset 20 u8 set 3 pipe $TO
MANGLE		| no	| rep | ip	|	| action pedit ex munge ip ttl invert pipe $TO	| pedit
ADD		| in	| rep | ip	|	| action pedit ex munge ip ttl add 0xff pipe $TO
ADD		| in	| rep | ip	|	| action pedit ex munge offset 60 u8 add 1 pipe $TO
ADD		| no	| rep | ip	|	| action pedit ex munge offset -16 u8 add 1 pipe $TO	| pedit
CSUM		| in	| rep | ip	|	| action csum ip and udp pipe $TO
MARK		| in	| rep | ip	|	| action skbedit mark 5 pipe $TO
MARK		| no	| rep | ip	|	| action skbedit mark 5 pass			| skbedit before pass
PTYPE		| in	| rep | ip	|	| action skbedit ptype host pipe $TO
PTYPE		| no	| rep | ip	|	| action skbedit ptype host pass		| skbedit before pass
PRIORITY	| in	| rep | ip	|	| action skbedit priority 5 pipe $TO
PRIORITY	| no	| rep | ip	|	| action skbedit priority 5 pass		| skbedit before pass
RX_QUEUE_MAPPING | in	| rep | ip	|	| action skbedit queue_mapping 0 pipe skip_sw $TO | skbedit queue_mapping
SAMPLE		| in	| rep | ip	|	| action sample rate 10 group 5 trunc 60 $TO	| sample
SAMPLE		| no	| rep | ip	|	| action tunnel_key set src_ip L dst_ip R id 4 dst_port 4789 pipe action sample rate 10 group 5 $TUN | sample with a tunnel
POLICE		| in	| rep | ip	|	| action police rate 1mbit burst 10k conform-exceed drop/pipe $TO
POLICE		| no	| rep | ip	|	| action skbedit mark 5 pipe action police rate 1mbit burst 10k conform-exceed drop/ok | police with ok
CT		| both	| rep | ip	|	| action ct zone 3 pipe action goto chain 2
CT		| soft	| rep | ip	|	| action ct commit force zone 3 pipe $TO	| ct force
MPLS_PUSH	| in	| rep | ip	|	| action mpls push protocol mpls_uc label 5 pipe $TO
MPLS_PUSH	| soft	| vxlan | ip	| enc_key_id 4 enc_dst_ip L | action tunnel_key unset pipe action mpls push protocol mpls_uc label 5 pipe $TO | mpls push
MPLS_POP	| in	| rep | mpls_uc	|	| action mpls pop protocol ip pipe $TO
MPLS_POP	| no	| rep | mpls_uc	|	| action mpls pop protocol 802.1q pipe $TO	| mpls pop
MPLS_MANGLE	| in	| rep | mpls_uc	|	| action mpls modify label 7 ttl 9 pipe $TO
GATE		| in	| rep | ip	|	| action gate clockid CLOCK_TAI sched-entry open 100000000 -1 -1 pipe $TO | gate
JUMP		| in	| rep | ip	|	| action police rate 1mbit burst 10k conform-exceed pipe / jump 2 action vlan pop pipe $TO
JUMP		| no	| rep | ip	|	| action police rate 1mbit burst 10k conform-exceed pipe / jump 9 action vlan pop pipe $TO | jump
PIPE		| in	| rep | ip	|	| action police rate 1mbit burst 10k conform-exceed drop/pipe $TO
PIPE		| no	| rep | ip	|	| action pipe $TO	| pipe
VLAN_PUSH_ETH	| no	| rep | ip	|	| action vlan push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02 $TO | push_eth without pop_eth
VLAN_PUSH_ETH	| in	| rep | ip	|	| action vlan pop_eth pipe action vlan push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02 $TO
VLAN_POP_ETH	| in	| rep | mpls_uc |	| action vlan pop_eth pipe action mpls pop protocol teb pipe $TO
VLAN_POP_ETH	| no	| rep | ip	|	| action vlan pop_eth $TO	| behind vlan pop_eth
CONTINUE	| in	| rep | ip	|	| action police rate 1mbit burst 10k conform-exceed continue/pipe $TO
CONTINUE	| no	| rep | ip	|	| action vlan push id 4 continue	| control
'

setup() {
	if [ ! -r "$PAGE" ]; then
		fail "no $PAGE: the test belongs to its source tree"
		return 1
	fi
	modprobe -a dummy act_gate act_sample act_police act_ct act_mpls act_skbedit act_csum \
		act_pedit 2>/dev/null
	tunnel_setup || return 1
	underlay plain 4
	L6=2001:db8:77::1 R6=2001:db8:77::2
	check "IPv6 here" ip addr add $L6/64 dev "$UL" nodad
	check "IPv6 there" ip -n far addr add $R6/64 dev "$FAR" nodad
	check "next hop" ping -q -c 1 -W 5 "$R"
	tun_add vxlan 4
	check "GENEVE" ip link add tun1 type geneve external udp6zerocsumrx
	ip link set tun1 up
	tc qdisc add dev tun1 clsact
	[ -d $TRACING/events ] || mount -t tracefs none $TRACING
	if [ -e $TRACING/events/sluice/enable ]; then
		TRACE=$TRACING/trace
		echo 1 > $TRACING/events/sluice/enable
	else
		note "no trace events in this kernel: reasons of rules that are software's are not looked at"
	fi
	check "a netdev of the host" ip link add dum-known up type dummy
}

cleanup() {
	[ ! -w "$TRACE" ] || echo 0 > $TRACING/events/sluice/enable
	ip link del tun0
	ip link del tun1
	ip link del dum-known
	underlay_del
}

trim() {
	local s=$1
	s=${s#"${s%%[![:space:]]*}"}
	echo "${s%"${s##*[![:space:]]}"}"
}

# Put devices and addresses into a rule.
filled() {
	local s=" $1 "
	# shellcheck disable=SC2016 # these words stand for something
	s=${s//'$TO '/"action mirred egress redirect dev ${REP[1]} "}
	# shellcheck disable=SC2016
	s=${s//'$TUN '/'action mirred egress redirect dev tun0 '}
	# shellcheck disable=SC2016
	s=${s//'$UNSET '/"action tunnel_key unset pipe action mirred egress redirect dev ${REP[1]} "}
	# shellcheck disable=SC2016
	s=${s//'$REP0'/${REP[0]}}
	# shellcheck disable=SC2016
	s=${s//'$REP1'/${REP[1]}}
	s=${s// L6 / $L6 }
	s=${s// R6 / $R6 }
	s=${s// L / $L }
	s=${s// R / $R }
	echo "$s"
}

# try HOW DEV PROTOCOL KEYS ACTIONS REGEX BEFORE: as the table of rules says.
try() {
	local how=$1 dev=$2 proto=$3 keys=$4 actions=$5 regex=$6 before=$7 flags=skip_sw
	local what="$ENTRY ($how): $keys $actions"
	# shellcheck disable=SC2206 # words
	local args=($keys $actions)
	if [ -n "$before" ]; then
		# shellcheck disable=SC2086 # words
		check "$what: the one before" tc filter add dev "$dev" ingress protocol "$proto" pref 7 \
			handle 6 flower $before $actions
	fi
	case $how in
	both) flags=; how=in ;;
	soft)
		# "verbose" would say why, but looks like skip_sw before 6.13.
		flags=
		[ ! -w "$TRACE" ] || echo > "$TRACE"
		;;
	esac
	# shellcheck disable=SC2206 # words
	local rule=(dev "$dev" ingress protocol "$proto" pref 7 handle 7 flower $flags "${args[@]}")
	case $how in
	in)
		check "$what" tc filter add "${rule[@]}" && check "$what: in hardware" tc_in_hw "$dev" 7
		;;
	no)
		check_refused "$what" "$regex" tc filter add "${rule[@]}"
		# Not by tc for want of a word.
		grep -q "talking to the kernel" "$SLUICE_TMP/out" || fail "$what: tc does not take it"
		;;
	soft)
		if check "$what" tc filter add "${rule[@]}"; then
			check "$what: not in hardware" tc_not_in_hw "$dev" 7
			[ ! -w "$TRACE" ] ||
				check "$what: says why" grep -Eq "sluice_reject: .*$regex" "$TRACE"
		fi
		;;
	esac
	tc filter del dev "$dev" ingress 2>/dev/null
}

# try_entry NAME RULES SAYS: those of an entry; sets TOOK, REFUSED and SKIPS.
try_entry() {
	local name how where proto keys actions regex before dev
	TOOK=0 REFUSED=0 SKIPS=''
	while IFS='|' read -r name how where proto keys actions regex before; do
		[ "$(trim "$name")" = "$1" ] || continue
		how=$(trim "$how")
		[ "$3 $how" = "refused in" ] && how=no
		case $how in
		skip) SKIPS=$(trim "$where"); continue ;;
		in | both) TOOK=$((TOOK + 1)) ;;
		*) REFUSED=$((REFUSED + 1)) ;;
		esac
		case $(trim "$where") in
		rep) dev=${REP[0]} ;;
		vxlan) dev=tun0 ;;
		geneve) dev=tun1 ;;
		esac
		actions=$(filled "$(trim "$actions")")
		# shellcheck disable=SC2016 # a word that stands for something
		[ -n "${actions// /}" ] || actions=$(filled '$TO')
		try "$how" "$dev" "$(trim "$proto")" "$(filled "$(trim "$keys")")" "$actions" \
			"$(trim "$regex")" "$(trim "$before")"
	done <<< "$2"
}

# walk keys|actions PREFIX RULES
walk() {
	local entry says n=0 skips=0
	while IFS='|' read -r _ entry _ says _; do
		entry=$(trim "${entry//\`/}")
		says=$(trim "$says")
		[[ $entry == $2* ]] || continue
		n=$((n + 1))
		ENTRY=${entry#"$2"}
		try_entry "$ENTRY" "$3" "$says"
		if [ -n "$SKIPS" ]; then
			note "$ENTRY: skipped, $SKIPS"
			skips=$((skips + 1))
			continue
		fi
		case $says in
		yes) says=in ;;
		refused) says=no ;;
		"in part"* | "at tunnel devices"*) says=both ;;
		"tc cannot ask for it") says=none ;;
		*) fail "$ENTRY: the page says '$says', what is that?" ;;
		esac
		case $says in
		in | both) check_ge "$ENTRY: rules that hardware takes" $TOOK 1 ;;
		*) check_eq "$ENTRY: rules that hardware takes" $TOOK 0 ;;
		esac
		case $says in
		no | both) check_ge "$ENTRY: rules that are refused" $REFUSED 1 ;;
		*) check_eq "$ENTRY: rules that are refused" $REFUSED 0 ;;
		esac
	done < <(sed -n "/^<!-- $1 -->/,/^<!-- end -->/p" "$PAGE")
	check_ge "entries of the table" $n 30
	note "$n entries, $skips skipped"
	check "nothing is left" tables_empty
}

keys() { walk keys FLOW_DISSECTOR_KEY_ "$KEYS"; }
actions() { walk actions FLOW_ACTION_ "$ACTIONS"; }

tests_run "$@"
