/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame as Linux holds it at tc ingress, and the key flower sees in it.
 */
#ifndef SLUICE_ESW_PARSER_H
#define SLUICE_ESW_PARSER_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/sluice/key.h>

#define ESW_ETH_ALEN		6
#define ESW_MACS_LEN		12	/* both addresses */
#define ESW_ETH_HLEN		14
#define ESW_VLAN_HLEN		4

#define ESW_P_802_3		0x0001
#define ESW_P_802_2		0x0004
#define ESW_P_802_3_MIN		0x0600
#define ESW_P_IP		0x0800
#define ESW_P_ARP		0x0806
#define ESW_P_BATMAN		0x4305
#define ESW_P_RARP		0x8035
#define ESW_P_8021Q		0x8100
#define ESW_P_IPV6		0x86dd
#define ESW_P_MPLS_UC		0x8847
#define ESW_P_MPLS_MC		0x8848
#define ESW_P_PPP_SES		0x8864
#define ESW_P_8021AD		0x88a8
#define ESW_P_PRP		0x88fb
#define ESW_P_CFM		0x8902
#define ESW_P_HSR		0x892f

#define ESW_IPPROTO_HOPOPTS	0
#define ESW_IPPROTO_ICMP	1
#define ESW_IPPROTO_IGMP	2
#define ESW_IPPROTO_TCP		6
#define ESW_IPPROTO_UDP		17
#define ESW_IPPROTO_DCCP	33
#define ESW_IPPROTO_ROUTING	43
#define ESW_IPPROTO_FRAGMENT	44
#define ESW_IPPROTO_ESP		50
#define ESW_IPPROTO_AH		51
#define ESW_IPPROTO_ICMPV6	58
#define ESW_IPPROTO_DSTOPTS	60
#define ESW_IPPROTO_L2TP	115
#define ESW_IPPROTO_SCTP	132
#define ESW_IPPROTO_UDPLITE	136
#define ESW_IPPROTO_MPLS	137

#define ESW_IP4_HLEN		20
#define ESW_IP4_OFFSET		0x1fff
#define ESW_IP4_MF		0x2000
#define ESW_IP6_HLEN		40
#define ESW_IP6_OFFSET		0xfff8

/**
 * struct sluice_pkt - a frame with its outermost VLAN tag held apart
 * @mac: destination and source address
 * @tpid: ethertype of the outermost tag, 0 without a tag (host order)
 * @tci: its control information (host order)
 * @proto: what Linux has in skb->protocol: the ethertype behind the addresses
 *	and @tpid, or ESW_P_802_2 or ESW_P_802_3.  Edits of the frame's bytes
 *	do not change it (host order)
 * @flags: SLUICE_FRAME_*
 * @retyped: an edit has written the ethertype behind @proto's back
 * @changed: differs from the frame it was made from
 * @own: @body is in a buffer of the eSwitch and may be written
 * @body: the ethertype and all that follows it; the network header is at
 *	@body + 2
 * @len: length of @body
 * @room: bytes before @body that may be used, when @own
 */
struct sluice_pkt {
	uint8_t mac[ESW_MACS_LEN];
	uint16_t tpid;
	uint16_t tci;
	uint16_t proto;
	uint8_t flags;
	bool retyped;
	bool changed;
	bool own;
	uint8_t *body;
	uint32_t len;
	uint32_t room;
};

static inline uint16_t esw_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void esw_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline bool esw_is_vlan(uint16_t proto)
{
	return proto == ESW_P_8021Q || proto == ESW_P_8021AD;
}

static inline bool esw_is_mpls(uint16_t proto)
{
	return proto == ESW_P_MPLS_UC || proto == ESW_P_MPLS_MC;
}

/* Four bytes as a number whose lowest byte is the first one. */
static inline uint64_t esw_bytes32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

/* Such a number of eight bytes as word @i of a key. */
static inline void esw_key_put(struct sluice_key *key, size_t i, uint64_t v)
{
	v = htole64(v);
	memcpy((uint8_t *)key + i * sizeof(v), &v, sizeof(v));
}

/* L3 header of a packet and the bytes there are from it on. */
static inline uint8_t *esw_l3(const struct sluice_pkt *p)
{
	return p->body + 2;
}

static inline uint32_t esw_l3_len(const struct sluice_pkt *p)
{
	return p->len - 2;
}

/* Frame length, the tag included. */
static inline uint32_t esw_pkt_len(const struct sluice_pkt *p)
{
	return ESW_MACS_LEN + (p->tpid ? ESW_VLAN_HLEN : 0) + p->len;
}

/* The part of the key that tells of the tunnel, and where the rest goes on. */
#define ESW_ENC_OFFSET	offsetof(struct sluice_key, enc_src)
#define ESW_ENC_END	offsetof(struct sluice_key, ct_state)

/*
 * Set bytes @from to @to of a key, constants and multiples of 8, to zero.  That
 * is too short for the processor's string instructions, which compilers take
 * for memset() here, and too long for their start to be lost.
 */
static inline __attribute__((always_inline)) void
esw_key_clear(struct sluice_key *key, size_t from, size_t to)
{
	typedef uint64_t word __attribute__((may_alias));
	typedef uint64_t pair __attribute__((vector_size(16), aligned(8),
					     may_alias));
	uint8_t *p = (uint8_t *)key + from;
	size_t i, n = (to - from) / sizeof(pair);

#pragma GCC unroll 20
	for (i = 0; i < n; i++, p += sizeof(pair))
		*(pair *)p = (pair){ 0 };
	if ((to - from) % sizeof(pair))
		*(word *)p = 0;
}

bool sluice_pkt_proto(const uint8_t *body, uint32_t len, bool tagged,
		      uint16_t *proto);
void sluice_parse(const struct sluice_pkt *p, uint16_t in_vport,
		  struct sluice_key *key);
void sluice_parse_inner(const struct sluice_pkt *p, uint16_t in_vport,
			struct sluice_key *key);

/**
 * sluice_pkt_init() - take a frame apart like eth_type_trans() and the VLAN
 *	untagging before tc ingress
 * @p: the result; it refers to @frame
 * @frame: the frame
 * @len: its length, at least 14
 *
 * Return: false for a frame that never gets to tc in Linux.
 */
static inline bool sluice_pkt_init(struct sluice_pkt *p, const uint8_t *frame,
				   uint32_t len)
{
	uint16_t type = esw_get16(frame + ESW_MACS_LEN);
	uint32_t skip = ESW_MACS_LEN;

	memcpy(p->mac, frame, ESW_MACS_LEN);
	p->tpid = 0;
	p->tci = 0;
	p->flags = 0;
	p->retyped = false;
	p->changed = false;
	p->own = false;
	p->room = 0;
	if (esw_is_vlan(type)) {
		if (len < ESW_ETH_HLEN + ESW_VLAN_HLEN + 2)
			return false;
		p->tpid = type;
		p->tci = esw_get16(frame + skip + 2);
		skip += ESW_VLAN_HLEN;
		type = esw_get16(frame + skip);
	}
	/* Written only after the packet code has made its own copy. */
	p->body = (uint8_t *)(uintptr_t)(frame + skip);
	p->len = len - skip;
	p->proto = type;
	return type >= ESW_P_802_3_MIN ||
	       sluice_pkt_proto(p->body, p->len, p->tpid, &p->proto);
}

#endif /* SLUICE_ESW_PARSER_H */
