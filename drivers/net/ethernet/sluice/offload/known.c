// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything the kernel can match on and do, and whether the device can.
 *
 * The tables of Documentation/driver/refusals.md are made from these by
 * tools/refusals-doc.  What is not in them does not compile, or is refused by
 * its number.
 */
#include "offload.h"

#define YES	.how = SLUICE_KNOWN_YES
#define PART	.how = SLUICE_KNOWN_PART
#define TUNNEL	.how = SLUICE_KNOWN_TUNNEL
#define NO	.how = SLUICE_KNOWN_NO
#define NEVER	.how = SLUICE_KNOWN_NEVER

/* Keys of the flow dissector, by what flower's users call them. */
const struct sluice_known sluice_keys[FLOW_DISSECTOR_KEY_MAX] = {
	[FLOW_DISSECTOR_KEY_CONTROL] = { "ip_flags", YES },
	[FLOW_DISSECTOR_KEY_BASIC] = { "eth_type, ip_proto", YES },
	[FLOW_DISSECTOR_KEY_IPV4_ADDRS] = { "src_ip, dst_ip", YES },
	[FLOW_DISSECTOR_KEY_IPV6_ADDRS] = { "src_ip, dst_ip", YES },
	[FLOW_DISSECTOR_KEY_PORTS] = { "src_port, dst_port", YES },
	[FLOW_DISSECTOR_KEY_PORTS_RANGE] = { "port range", PART },
	[FLOW_DISSECTOR_KEY_ICMP] = { "type, code", YES },
	[FLOW_DISSECTOR_KEY_ETH_ADDRS] = { "dst_mac, src_mac", YES },
	[FLOW_DISSECTOR_KEY_TIPC] = { "tipc", NEVER },
	[FLOW_DISSECTOR_KEY_ARP] = { "arp_op, arp_sip, arp_tip, arp_sha, arp_tha", YES },
	[FLOW_DISSECTOR_KEY_VLAN] = { "vlan_id, vlan_prio, vlan_ethtype", YES },
	[FLOW_DISSECTOR_KEY_FLOW_LABEL] = { "flow label", NEVER },
	[FLOW_DISSECTOR_KEY_GRE_KEYID] = { "gre key", NEVER },
	[FLOW_DISSECTOR_KEY_MPLS_ENTROPY] = { "mpls entropy", NEVER },
	[FLOW_DISSECTOR_KEY_ENC_KEYID] = { "enc_key_id", TUNNEL },
	[FLOW_DISSECTOR_KEY_ENC_IPV4_ADDRS] = { "enc_src_ip/enc_dst_ip", TUNNEL },
	[FLOW_DISSECTOR_KEY_ENC_IPV6_ADDRS] = { "enc_src_ip/enc_dst_ip", TUNNEL },
	[FLOW_DISSECTOR_KEY_ENC_CONTROL] = { "enc_flags", TUNNEL },
	[FLOW_DISSECTOR_KEY_ENC_PORTS] = { "enc_dst_port", TUNNEL },
	[FLOW_DISSECTOR_KEY_MPLS] = { "mpls_label, mpls_tc, mpls_bos, mpls_ttl, lse", YES },
	[FLOW_DISSECTOR_KEY_TCP] = { "tcp_flags", YES },
	[FLOW_DISSECTOR_KEY_IP] = { "ip_tos, ip_ttl", YES },
	[FLOW_DISSECTOR_KEY_CVLAN] = { "cvlan_id, cvlan_prio, cvlan_ethtype", YES },
	[FLOW_DISSECTOR_KEY_ENC_IP] = { "enc_tos/enc_ttl", TUNNEL },
	[FLOW_DISSECTOR_KEY_ENC_OPTS] = { "enc_opts", TUNNEL },
	[FLOW_DISSECTOR_KEY_META] = { "indev, l2_miss", PART },
	[FLOW_DISSECTOR_KEY_CT] = { "ct_state, ct_zone, ct_mark, ct_label", YES },
	[FLOW_DISSECTOR_KEY_HASH] = { "hash", NO },
	[FLOW_DISSECTOR_KEY_NUM_OF_VLANS] = { "num_of_vlans", YES },
	[FLOW_DISSECTOR_KEY_PPPOE] = { "pppoe_sid, ppp_proto", YES },
	[FLOW_DISSECTOR_KEY_L2TPV3] = { "l2tpv3_sid", YES },
	[FLOW_DISSECTOR_KEY_CFM] = { "cfm mdl, op", YES },
	[FLOW_DISSECTOR_KEY_IPSEC] = { "spi", YES },
};

/* Actions, by their names in tc's manual pages. */
const struct sluice_known sluice_actions[NUM_FLOW_ACTIONS] = {
	[FLOW_ACTION_ACCEPT] = { "pass", PART },
	[FLOW_ACTION_DROP] = { "drop", YES },
	[FLOW_ACTION_TRAP] = { "trap", PART },
	[FLOW_ACTION_GOTO] = { "goto chain", YES },
	[FLOW_ACTION_REDIRECT] = { "mirred egress redirect", PART },
	[FLOW_ACTION_MIRRED] = { "mirred egress mirror", PART },
	[FLOW_ACTION_REDIRECT_INGRESS] = { "mirred ingress redirect", PART },
	[FLOW_ACTION_MIRRED_INGRESS] = { "mirred ingress mirror", PART },
	[FLOW_ACTION_VLAN_PUSH] = { "vlan push", YES },
	[FLOW_ACTION_VLAN_POP] = { "vlan pop", YES },
	[FLOW_ACTION_VLAN_MANGLE] = { "vlan modify", YES },
	[FLOW_ACTION_TUNNEL_ENCAP] = { "tunnel_key set", PART },
	[FLOW_ACTION_TUNNEL_DECAP] = { "tunnel_key unset", PART },
	[FLOW_ACTION_MANGLE] = { "pedit set", PART },
	[FLOW_ACTION_ADD] = { "pedit add", PART },
	[FLOW_ACTION_CSUM] = { "csum", YES },
	[FLOW_ACTION_MARK] = { "skbedit mark", PART },
	[FLOW_ACTION_PTYPE] = { "skbedit ptype", PART },
	[FLOW_ACTION_PRIORITY] = { "skbedit priority", PART },
	[FLOW_ACTION_RX_QUEUE_MAPPING] = { "skbedit queue_mapping", NO },
	[FLOW_ACTION_WAKE] = { "wake", NEVER },
	[FLOW_ACTION_QUEUE] = { "queue", NEVER },
	[FLOW_ACTION_SAMPLE] = { "sample", PART },
	[FLOW_ACTION_POLICE] = { "police", PART },
	[FLOW_ACTION_CT] = { "ct", PART },
	[FLOW_ACTION_CT_METADATA] = { "ct metadata", NEVER },
	[FLOW_ACTION_MPLS_PUSH] = { "mpls push", PART },
	[FLOW_ACTION_MPLS_POP] = { "mpls pop", PART },
	[FLOW_ACTION_MPLS_MANGLE] = { "mpls modify", YES },
	[FLOW_ACTION_GATE] = { "gate", NO },
	[FLOW_ACTION_PPPOE_PUSH] = { "pppoe push", NEVER },
	[FLOW_ACTION_JUMP] = { "jump", PART },
	[FLOW_ACTION_PIPE] = { "pipe", PART },
	[FLOW_ACTION_VLAN_PUSH_ETH] = { "vlan push_eth", PART },
	[FLOW_ACTION_VLAN_POP_ETH] = { "vlan pop_eth", PART },
	[FLOW_ACTION_CONTINUE] = { "continue", PART },
};

/* A kernel that knows more: say what to do with it. */
static_assert(FLOW_DISSECTOR_KEY_IPSEC + 1 == FLOW_DISSECTOR_KEY_MAX);
static_assert(FLOW_ACTION_CONTINUE + 1 == NUM_FLOW_ACTIONS);
