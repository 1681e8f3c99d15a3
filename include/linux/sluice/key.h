/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Sluice hardware interface: the flow key and action programs.
 *
 * The key is what the parser extracts from a frame.  Packet fields are in
 * network byte order, exactly as in the frame.  A field that the frame does
 * not have is zero.  The definitions follow the Linux flow dissector, which is
 * the specification of tc-flower.
 */
#ifndef _LINUX_SLUICE_KEY_H
#define _LINUX_SLUICE_KEY_H

#include <linux/types.h>

/**
 * struct sluice_key_vlan - one VLAN tag
 * @tci: PCP, DEI and VLAN id
 * @tpid: ethertype of the tag, 0x8100 or 0x88a8; zero without a tag
 * @next: ethertype that follows the tag
 * @reserved: zero
 */
struct sluice_key_vlan {
	__be16 tci;
	__be16 tpid;
	__be16 next;
	__be16 reserved;
};

/**
 * struct sluice_key - flow key
 * @eth_dst: destination MAC address
 * @eth_src: source MAC address
 * @outer_proto: ethertype right after the MAC addresses (a tag's TPID in a
 *	tagged frame), what tc calls the protocol of a filter.  0x0001
 *	(ETH_P_802_3) or 0x0004 (ETH_P_802_2) in frames with a length field
 * @n_proto: ethertype of the last header the parser understood or gave up on:
 *	in most frames the one after all VLAN tags, but also that of the packet
 *	in PPPoE session, PRP, HSR and batman-adv unicast frames
 * @vlan: outermost tag
 * @cvlan: second tag
 * @ip_proto: IPv4 protocol, or IPv6 next header after extension headers
 * @ip_tos: IPv4 TOS or IPv6 traffic class
 * @ip_ttl: IPv4 TTL or IPv6 hop limit
 * @frag: SLUICE_FRAG_*
 * @l4_src: source port (TCP, UDP, UDP-Lite, SCTP, DCCP; not in any fragment);
 *	of ESP and AH the upper half of the SPI
 * @l4_dst: destination port, or the lower half of the SPI
 * @tcp_flags: the 12 flag bits of a TCP header (reserved bits included)
 * @icmp_type: ICMP or ICMPv6 type
 * @icmp_code: ICMP or ICMPv6 code
 * @in_vport: vport the frame came in by, little-endian
 * @num_vlans: number of VLAN tags
 * @reserved0: zero
 * @ip_src: source address, IPv4 in the first four bytes
 * @ip_dst: destination address
 * @arp_sip: ARP sender address
 * @arp_tip: ARP target address
 * @arp_sha: ARP sender hardware address
 * @arp_tha: ARP target hardware address
 * @arp_op: low byte of the ARP operation; all ARP fields only of requests and
 *	replies (1 and 2) for Ethernet and IPv4
 * @reserved1: zero
 * @enc_src: source address of the tunnel header the frame came in with, IPv4
 *	in the first four bytes.  All enc fields are zero in a frame that was not
 *	taken out of a tunnel
 * @enc_dst: its destination address
 * @enc_key_id: VNI as a number, or GRE key; zero without a key
 * @enc_l4_src: UDP source port; zero for GRE
 * @enc_l4_dst: UDP destination port
 * @enc_tos: TOS or traffic class of the tunnel header
 * @enc_ttl: TTL or hop limit of the tunnel header
 * @enc_flags: SLUICE_ENC_F_*
 * @enc_opts_len: bytes of @enc_opts that the frame had, as Linux has it in
 *	options_len: GENEVE options, 4 for VXLAN with a group policy, else zero
 * @enc_type: enum sluice_tunnel
 * @enc_ip: IP version of the tunnel header, 4 or 6
 * @reserved2: zero
 * @enc_opts: GENEVE: options as in the frame.  VXLAN: the group policy as a
 *	little-endian 32-bit number: policy id, SLUICE_GBP_*
 * @ct_state: SLUICE_CT_*, what the last ct action found; zero before one
 * @ct_zone: zone of the last ct action
 * @ct_mark: mark of the connection
 * @ct_label: labels of the connection, in the kernel's byte order of nf_conn_labels
 * @mpls: the first label stack entries, as in the frame
 * @spi: SPI of an ESP or AH header
 * @l2tp_session: session id of an L2TPv3 header
 * @pppoe_session: session id of a PPPoE header
 * @ppp_proto: protocol that a PPPoE session frame carries
 * @pppoe_type: ethertype of the PPPoE frame
 * @cfm_mdl: maintenance domain level (upper three bits) and version of a CFM frame
 * @cfm_opcode: its opcode
 * @mpls_depth: bit N: @mpls[N] is there
 * @reserved3: zero
 * @range_hits: bit N: the port range comparator N holds for the frame, little-endian
 * @reserved4: zero, room for later versions
 */
struct sluice_key {
	__u8 eth_dst[6];
	__u8 eth_src[6];
	__be16 outer_proto;
	__be16 n_proto;
	struct sluice_key_vlan vlan;
	struct sluice_key_vlan cvlan;
	__u8 ip_proto;
	__u8 ip_tos;
	__u8 ip_ttl;
	__u8 frag;
	__be16 l4_src;
	__be16 l4_dst;
	__be16 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	__le16 in_vport;
	__u8 num_vlans;
	__u8 reserved0;
	__u8 ip_src[16];
	__u8 ip_dst[16];
	__be32 arp_sip;
	__be32 arp_tip;
	__u8 arp_sha[6];
	__u8 arp_tha[6];
	__u8 arp_op;
	__u8 reserved1[3];
	__u8 enc_src[16];
	__u8 enc_dst[16];
	__be32 enc_key_id;
	__be16 enc_l4_src;
	__be16 enc_l4_dst;
	__u8 enc_tos;
	__u8 enc_ttl;
	__u8 enc_flags;
	__u8 enc_opts_len;
	__u8 enc_type;
	__u8 enc_ip;
	__u8 reserved2[2];
	__u8 enc_opts[64];
	__le16 ct_state;
	__le16 ct_zone;
	__le32 ct_mark;
	__u8 ct_label[16];
	__be32 mpls[7];
	__be32 spi;
	__be32 l2tp_session;
	__be16 pppoe_session;
	__be16 ppp_proto;
	__be16 pppoe_type;
	__u8 cfm_mdl;
	__u8 cfm_opcode;
	__u8 mpls_depth;
	__u8 reserved3[3];
	__le64 range_hits;
	__u8 reserved4[24];
};

#define SLUICE_FRAG_IS		0x01	/* any fragment */
#define SLUICE_FRAG_FIRST	0x02	/* with offset zero */

/* State of a connection, the same bits as tc's TCA_FLOWER_KEY_CT_FLAGS_*. */
#define SLUICE_CT_NEW		0x01
#define SLUICE_CT_ESTABLISHED	0x02
#define SLUICE_CT_RELATED	0x04
#define SLUICE_CT_TRACKED	0x08
#define SLUICE_CT_INVALID	0x10
#define SLUICE_CT_REPLY		0x20
#define SLUICE_CT_ALL		0x3f

#define SLUICE_KEY_WORDS	40	/* 64-bit words in a key */

#define SLUICE_ENC_OPTS_MAX	64	/* a frame with more takes the slow path */

/* What else the tunnel header said. */
#define SLUICE_ENC_F_CSUM	0x01	/* UDP checksum was not zero */
#define SLUICE_ENC_F_DF		0x02	/* don't fragment, if the endpoint tells */
#define SLUICE_ENC_F_OAM	0x04	/* GENEVE OAM bit */
#define SLUICE_ENC_F_CRIT	0x08	/* GENEVE critical bit */
#define SLUICE_ENC_F_ALL	0x0f

/* VXLAN group policy in @enc_opts, above the policy id. */
#define SLUICE_GBP_APPLIED	0x00080000
#define SLUICE_GBP_DONT_LEARN	0x00400000

/**
 * enum sluice_tunnel - tunnel types
 * @SLUICE_TUNNEL_NONE: no tunnel
 * @SLUICE_TUNNEL_VXLAN: VXLAN over UDP, also with group policy
 * @SLUICE_TUNNEL_GENEVE: GENEVE over UDP, carrying Ethernet
 * @SLUICE_TUNNEL_GRE: GRE with or without a key, carrying Ethernet
 */
enum sluice_tunnel {
	SLUICE_TUNNEL_NONE	= 0,
	SLUICE_TUNNEL_VXLAN	= 1,
	SLUICE_TUNNEL_GENEVE	= 2,
	SLUICE_TUNNEL_GRE	= 3,
};

/**
 * enum sluice_act - operations of an action program
 * @SLUICE_ACT_DROP: the packet goes nowhere more; ends the program.  With
 *	%SLUICE_DROP_F_METER in @flags the rule's counter counts it as dropped, with
 *	%SLUICE_DROP_F_COUNTER as well counter @a does
 * @SLUICE_ACT_OUTPUT: send a copy of the packet as it is now to vport @port
 * @SLUICE_ACT_VLAN_PUSH: add an outermost tag; @a is TPID << 16 | TCI
 * @SLUICE_ACT_VLAN_POP: remove the outermost tag.  Without a tag: nothing
 * @SLUICE_ACT_VLAN_SET: in the outermost tag set the bits in the mask @b (a
 *	little-endian number, TPID << 16 | TCI) to those of @a.  Without a tag:
 *	nothing
 * @SLUICE_ACT_PEDIT_SET: at byte @a of header @flags (enum sluice_hdr) write
 *	the bits set in the four bytes @b with those of the four bytes @c;
 *	@b and @c hold bytes in packet order
 * @SLUICE_ACT_PEDIT_ADD: likewise, but add @c to the 32-bit little-endian
 *	number at that place and keep the bits not set in @b
 * @SLUICE_ACT_CSUM: compute the checksums named in @a (SLUICE_CSUM_*) anew,
 *	as tc's csum action does
 * @SLUICE_ACT_GOTO: continue with table @a, with the packet as it is now;
 *	ends the program
 * @SLUICE_ACT_PUNT: give the original frame to the slow path as if nothing
 *	had happened; ends the program
 * @SLUICE_ACT_TO_CPU: commit, and give the packet as it is now to the slow
 *	path of the vport it came from; ends the program.  Of a frame taken out
 *	of a tunnel, with a connection, or whose ethertype was edited: the original
 *	frame goes there as if nothing had happened (%SLUICE_MISS_ACTION)
 * @SLUICE_ACT_TUNNEL: send a copy of the packet as it is now through encap @a;
 *	the packet itself stays as it is
 * @SLUICE_ACT_DECAP_LOCAL: take the packet as it is now out of its tunnel by
 *	the endpoint of group @a it is for, and continue with that endpoint's
 *	table; ends the program.  Where there is no such endpoint: as
 *	%SLUICE_ACT_PUNT.  Of a frame taken out of a tunnel already: as
 *	%SLUICE_ACT_TO_CPU
 * @SLUICE_ACT_CT: look the packet as it is now up in connection table @a, which
 *	is that of conntrack zone @port, and set the ct fields of the key from what
 *	is found; with SLUICE_CT_ACT_NAT in @flags also rewrite the packet as the
 *	connection says.  A packet without connection takes the slow path
 *	(%SLUICE_MISS_CT).  The packet loses what is behind its IP packet, unless
 *	SLUICE_CT_ACT_KEEP is in @flags
 * @SLUICE_ACT_CT_CLEAR: forget the connection: the ct fields are zero again
 * @SLUICE_ACT_CT_MARK: as %SLUICE_MISS_CT if the connection's mark m is not
 *	@c | (m & ~@b), both little-endian numbers: software is to change it.
 *	Without a connection: nothing
 * @SLUICE_ACT_CT_LABEL: likewise, but for the four bytes l of its labels with
 *	number @a (0 to 3), if l is not (l & ~@b) ^ @c
 * @SLUICE_ACT_POLICE: ask meter @a; leave out the next @b[0] steps when the
 *	packet conforms, the next @c[0] when it exceeds.  The rest of @b and @c
 *	is zero, and no more steps are left out than there are
 * @SLUICE_ACT_CONTINUE: look up again in the same table, only among rules of a
 *	higher @prio number than this one's, with the packet as it is now; ends
 *	the program.  With %SLUICE_CONTINUE_F_CPU in @flags, when there is none,
 *	as %SLUICE_ACT_TO_CPU
 * @SLUICE_ACT_MPLS_PUSH: put the label stack entry @a (a number) behind the
 *	ethertype, which becomes the one in @b[0] and @b[1] (as in a frame); the
 *	outermost tag stays outside.  With %SLUICE_MPLS_F_BOTTOM in @flags the
 *	entry is the bottom of the stack if the protocol was not MPLS
 * @SLUICE_ACT_MPLS_POP: take the first label stack entry away; @a is the new
 *	ethertype.  Of a packet whose protocol is not MPLS: nothing
 * @SLUICE_ACT_HOST: send a copy of the packet as it is now to the slow path of
 *	the vport it came from (%SLUICE_MISS_HOST), with @a as its table.  Of a
 *	frame taken out of a tunnel that is the inner frame, without a word of the
 *	tunnel.  Else, where %SLUICE_ACT_TO_CPU gives the original frame: as that
 * @SLUICE_ACT_SKIP: leave out the next @b[0] steps.  The rest of @b is zero, and
 *	no more steps are left out than there are
 * @SLUICE_ACT_SAMPLE: of @b packets (a little-endian number, not zero) on
 *	average one, chosen at random: send a copy of it as it is now to the slow
 *	path of the vport it came from (%SLUICE_MISS_SAMPLE), with @a as its table.
 *	Of a frame taken out of a tunnel or whose ethertype was edited: as
 *	%SLUICE_ACT_TO_CPU
 *
 * @SLUICE_ACT_ETH_SET: give the packet a new Ethernet header: the 12 bytes of @a,
 *	@b and @c, in this order, are its addresses, and its ethertype is the
 *	packet's protocol.  A packet with a VLAN tag takes the slow path
 *	(%SLUICE_MISS_ACTION)
 * @SLUICE_ACT_ETH_POP: what is behind the Ethernet header is the frame from here
 *	on.  A packet with a VLAN tag, or whose protocol is not 0x6558 (a frame in a
 *	frame), takes the slow path (%SLUICE_MISS_ACTION)
 * @SLUICE_ACT_COUNT: count the packet in counter @a, with as many bytes as the
 *	rule counts.  With %SLUICE_COUNT_F_ZERO in @flags the counter is set to zero
 *	when the rule is created
 * @SLUICE_ACT_ROUTE: what a router does: TTL or hop limit less one.  A packet
 *	that is neither IPv4 nor IPv6, or has none to spare, takes the slow path
 *	(%SLUICE_MISS_ACTION), and so does one with more than @a bytes behind the
 *	ethertype (%SLUICE_MISS_MTU)
 *
 * Behind a step that ends the program come more only if it has a
 * %SLUICE_ACT_POLICE step before.
 *
 * A program that ends without one of the ending operations ends the packet.
 * Unused fields are zero.
 */
enum sluice_act {
	SLUICE_ACT_DROP		= 1,
	SLUICE_ACT_OUTPUT	= 2,
	SLUICE_ACT_VLAN_PUSH	= 3,
	SLUICE_ACT_VLAN_POP	= 4,
	SLUICE_ACT_VLAN_SET	= 5,
	SLUICE_ACT_PEDIT_SET	= 6,
	SLUICE_ACT_PEDIT_ADD	= 7,
	SLUICE_ACT_CSUM		= 8,
	SLUICE_ACT_GOTO		= 9,
	SLUICE_ACT_PUNT		= 10,
	SLUICE_ACT_TO_CPU	= 11,
	SLUICE_ACT_TUNNEL	= 12,
	SLUICE_ACT_DECAP_LOCAL	= 13,
	SLUICE_ACT_SKIP		= 14,
	SLUICE_ACT_SAMPLE	= 15,
	SLUICE_ACT_POLICE	= 16,
	SLUICE_ACT_CONTINUE	= 17,
	SLUICE_ACT_MPLS_PUSH	= 18,
	SLUICE_ACT_MPLS_POP	= 19,
	SLUICE_ACT_HOST		= 20,
	SLUICE_ACT_ROUTE	= 21,
	SLUICE_ACT_COUNT	= 22,
	SLUICE_ACT_CT		= 24,
	SLUICE_ACT_CT_CLEAR	= 25,
	SLUICE_ACT_CT_MARK	= 26,
	SLUICE_ACT_CT_LABEL	= 27,
	SLUICE_ACT_ETH_SET	= 28,
	SLUICE_ACT_ETH_POP	= 29,
};

/* Of SLUICE_ACT_CT: */
#define SLUICE_CT_ACT_NAT	0x01	/* rewrite addresses and ports */
#define SLUICE_CT_ACT_KEEP	0x02	/* keep what is behind the IP packet, and count it */

#define SLUICE_DROP_F_METER	0x01	/* a meter is the reason */
#define SLUICE_DROP_F_COUNTER	0x02	/* counter @a; only with the former */
#define SLUICE_COUNT_F_ZERO	0x01
#define SLUICE_CONTINUE_F_CPU	0x01
#define SLUICE_MPLS_F_BOTTOM	0x01

/**
 * struct sluice_action - one step of an action program
 * @op: enum sluice_act
 * @flags: depends on @op
 * @port: depends on @op
 * @a: depends on @op
 * @b: depends on @op
 * @c: depends on @op
 */
struct sluice_action {
	__u8 op;
	__u8 flags;
	__le16 port;
	__le32 a;
	__u8 b[4];
	__u8 c[4];
};

/**
 * enum sluice_hdr - header a pedit offset counts from
 * @SLUICE_HDR_ETH: destination MAC address
 * @SLUICE_HDR_IP4: IPv4 header; a frame without one takes the slow path
 * @SLUICE_HDR_IP6: IPv6 header
 * @SLUICE_HDR_TCP: TCP header
 * @SLUICE_HDR_UDP: UDP header
 * @SLUICE_HDR_MPLS: first label stack entry
 * @SLUICE_HDR_NET: what is behind the ethertype, whatever that is
 */
enum sluice_hdr {
	SLUICE_HDR_ETH	= 1,
	SLUICE_HDR_IP4	= 2,
	SLUICE_HDR_IP6	= 3,
	SLUICE_HDR_TCP	= 4,
	SLUICE_HDR_UDP	= 5,
	SLUICE_HDR_MPLS	= 6,
	SLUICE_HDR_NET	= 7,
};

/* Checksums, the same bits as tc's TCA_CSUM_UPDATE_FLAG_*. */
#define SLUICE_CSUM_IPV4HDR	0x01
#define SLUICE_CSUM_ICMP	0x02
#define SLUICE_CSUM_IGMP	0x04
#define SLUICE_CSUM_TCP		0x08
#define SLUICE_CSUM_UDP		0x10
#define SLUICE_CSUM_UDPLITE	0x20
#define SLUICE_CSUM_SCTP	0x40

_Static_assert(sizeof(struct sluice_key) == SLUICE_KEY_WORDS * 8, "flow key");
_Static_assert(sizeof(struct sluice_action) == 16, "action");

#endif /* _LINUX_SLUICE_KEY_H */
