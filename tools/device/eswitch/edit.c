// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Edits of a packet: VLAN tags as skb_vlan_push() and skb_vlan_pop() do them,
 * header fields as act_pedit does.
 *
 * As in Linux the outermost tag is not part of the packet's bytes, and the
 * network header is always the 14th byte without it.
 */
#include "internal.h"

/* Newer kernels look for TCP and UDP behind no more than these. */
#define MAX_EXT_HEADERS	12

#define MPLS_HLEN	4
#define MPLS_BOTTOM	0x100u

static enum sluice_miss vlan_push(struct sluice_esw *esw, struct sluice_pkt *p,
				  uint32_t tag)
{
	if (esw_pkt_len(p) + ESW_VLAN_HLEN > SLUICE_FRAME_MAX)
		return SLUICE_MISS_RESOURCE;
	if (p->tpid) {
		/* The tag that was outermost moves into the packet. */
		if (!esw_pkt_own(esw, p) || p->room < ESW_VLAN_HLEN)
			return SLUICE_MISS_RESOURCE;
		p->body -= ESW_VLAN_HLEN;
		p->len += ESW_VLAN_HLEN;
		p->room -= ESW_VLAN_HLEN;
		esw_put16(p->body, p->tpid);
		esw_put16(p->body + 2, p->tci);
		p->proto = p->tpid;
	}
	p->tpid = (uint16_t)(tag >> 16);
	p->tci = (uint16_t)tag;
	p->changed = true;
	return SLUICE_MISS_NONE;
}

static enum sluice_miss vlan_pop(struct sluice_pkt *p)
{
	uint16_t proto;

	if (!p->tpid)
		return SLUICE_MISS_NONE;
	p->changed = true;
	if (!esw_is_vlan(p->proto)) {
		p->tpid = 0;
		p->tci = 0;
		return SLUICE_MISS_NONE;
	}
	/* The next tag becomes the outermost. */
	if (p->len < ESW_VLAN_HLEN + 2 ||
	    !sluice_pkt_proto(p->body + ESW_VLAN_HLEN, p->len - ESW_VLAN_HLEN,
			      true, &proto))
		return SLUICE_MISS_ACTION;
	p->tpid = p->proto;
	p->tci = esw_get16(p->body + 2);
	p->proto = proto;
	p->body += ESW_VLAN_HLEN;
	p->len -= ESW_VLAN_HLEN;
	p->room += ESW_VLAN_HLEN;
	return SLUICE_MISS_NONE;
}

static void vlan_set(struct sluice_pkt *p, uint32_t tag, uint32_t mask)
{
	uint32_t now = (uint32_t)p->tpid << 16 | p->tci;

	if (!p->tpid)
		return;
	now = (now & ~mask) | (tag & mask);
	p->tpid = (uint16_t)(now >> 16);
	p->tci = (uint16_t)now;
	p->changed = true;
}

static enum sluice_miss mpls_push(struct sluice_esw *esw, struct sluice_pkt *p,
				  const struct sluice_action *act)
{
	uint32_t lse = le32toh(act->a);

	if (act->flags & SLUICE_MPLS_F_BOTTOM) {
		/* What counts is behind all tags. */
		if (esw_is_vlan(p->proto))
			return SLUICE_MISS_ACTION;
		if (!esw_is_mpls(p->proto))
			lse |= MPLS_BOTTOM;
	}
	if (esw_pkt_len(p) + MPLS_HLEN > SLUICE_FRAME_MAX ||
	    !esw_pkt_own(esw, p) || p->room < MPLS_HLEN)
		return SLUICE_MISS_RESOURCE;
	p->body -= MPLS_HLEN;
	p->len += MPLS_HLEN;
	p->room -= MPLS_HLEN;
	memcpy(p->body, act->b, 2);
	esw_put16(p->body + 2, (uint16_t)(lse >> 16));
	esw_put16(p->body + 4, (uint16_t)lse);
	p->proto = esw_get16(act->b);
	p->changed = true;
	p->flags &= (uint8_t)~SLUICE_FRAME_L4_OK;
	return SLUICE_MISS_NONE;
}

static enum sluice_miss mpls_pop(struct sluice_esw *esw, struct sluice_pkt *p,
				 uint16_t proto)
{
	if (!esw_is_mpls(p->proto))
		return SLUICE_MISS_NONE;
	if (p->len < 2 + MPLS_HLEN)
		return SLUICE_MISS_ACTION;
	if (!esw_pkt_own(esw, p))
		return SLUICE_MISS_RESOURCE;
	p->body += MPLS_HLEN;
	p->len -= MPLS_HLEN;
	p->room += MPLS_HLEN;
	esw_put16(p->body, proto);
	p->proto = proto;
	p->changed = true;
	p->flags &= (uint8_t)~SLUICE_FRAME_L4_OK;
	return SLUICE_MISS_NONE;
}

/* Offset of the L4 header from the network header. */
static bool l4_offset_ip4(const struct sluice_pkt *p, uint8_t want,
			  uint32_t *off)
{
	const uint8_t *ip = esw_l3(p);

	if (esw_l3_len(p) < ESW_IP4_HLEN || (ip[0] & 0x0f) < 5 ||
	    ip[9] != want || esw_get16(ip + 6) & ESW_IP4_OFFSET)
		return false;
	*off = (ip[0] & 0x0f) * 4u;
	return true;
}

static bool l4_offset_ip6(const struct sluice_pkt *p, uint8_t want,
			  uint32_t *off)
{
	const uint8_t *ip = esw_l3(p);
	uint32_t len = esw_l3_len(p);
	unsigned int headers = 0;
	uint8_t next;

	if (len < ESW_IP6_HLEN)
		return false;
	next = ip[6];
	*off = ESW_IP6_HLEN;
	while (next != want) {
		const uint8_t *h = ip + *off;

		if (*off > len || len - *off < 8 ||
		    headers++ == MAX_EXT_HEADERS)
			return false;
		switch (next) {
		case ESW_IPPROTO_HOPOPTS:
		case ESW_IPPROTO_ROUTING:
		case ESW_IPPROTO_DSTOPTS:
			*off += (h[1] + 1u) << 3;
			break;
		case ESW_IPPROTO_FRAGMENT:
			if (esw_get16(h + 2) & ESW_IP6_OFFSET)
				return false;
			*off += 8;
			break;
		case ESW_IPPROTO_AH:
			*off += (h[1] + 2u) << 2;
			break;
		default:
			return false;
		}
		next = h[0];
	}
	return true;
}

static bool l4_offset(const struct sluice_pkt *p, uint8_t want, uint32_t *off)
{
	if (p->proto == ESW_P_IP)
		return l4_offset_ip4(p, want, off);
	if (p->proto == ESW_P_IPV6)
		return l4_offset_ip6(p, want, off);
	return false;
}

/* Offset of a header from the destination MAC address. */
static bool header_offset(const struct sluice_pkt *p, uint8_t hdr,
			  uint32_t *off)
{
	uint32_t l4 = 0;

	switch (hdr) {
	case SLUICE_HDR_ETH:
		*off = 0;
		return true;
	case SLUICE_HDR_IP4:
		if (p->proto != ESW_P_IP)
			return false;
		break;
	case SLUICE_HDR_IP6:
		if (p->proto != ESW_P_IPV6)
			return false;
		break;
	case SLUICE_HDR_NET:
		break;
	case SLUICE_HDR_MPLS:
		if (!esw_is_mpls(p->proto))
			return false;
		break;
	case SLUICE_HDR_TCP:
		if (!l4_offset(p, ESW_IPPROTO_TCP, &l4))
			return false;
		break;
	case SLUICE_HDR_UDP:
		if (!l4_offset(p, ESW_IPPROTO_UDP, &l4))
			return false;
		break;
	default:
		return false;
	}
	*off = ESW_ETH_HLEN + l4;
	return true;
}

static uint8_t *byte_at(struct sluice_pkt *p, uint32_t off)
{
	return off < ESW_MACS_LEN ? p->mac + off :
				    p->body + (off - ESW_MACS_LEN);
}

static enum sluice_miss pedit(struct sluice_esw *esw, struct sluice_pkt *p,
			      const struct sluice_action *act)
{
	uint32_t mask = esw_le32(act->b), value = esw_le32(act->c);
	uint32_t off, now = 0;
	unsigned int i;

	if (!header_offset(p, act->flags, &off))
		return SLUICE_MISS_ACTION;
	off += le32toh(act->a);
	if (off + 4 > ESW_MACS_LEN + p->len)
		return SLUICE_MISS_ACTION;
	if (off + 4 > ESW_MACS_LEN && !esw_pkt_own(esw, p))
		return SLUICE_MISS_RESOURCE;
	for (i = 0; i < 4; i++)
		now |= (uint32_t)*byte_at(p, off + i) << 8 * i;
	if (act->op == SLUICE_ACT_PEDIT_ADD)
		value += now;
	now = (now & ~mask) | (value & mask);
	for (i = 0; i < 4; i++)
		*byte_at(p, off + i) = (uint8_t)(now >> 8 * i);
	if (off < ESW_ETH_HLEN && off + 4 > ESW_MACS_LEN)
		p->retyped = true;
	p->changed = true;
	p->flags &= (uint8_t)~SLUICE_FRAME_L4_OK;
	return SLUICE_MISS_NONE;
}

/* As skb_eth_pop() and skb_eth_push() do it, one after the other. */
static enum sluice_miss eth_set(struct sluice_esw *esw, struct sluice_pkt *p,
				const struct sluice_action *act)
{
	if (p->tpid)
		return SLUICE_MISS_ACTION;
	if (!esw_pkt_own(esw, p))
		return SLUICE_MISS_RESOURCE;
	memcpy(p->mac, &act->a, 4);
	memcpy(p->mac + 4, act->b, 4);
	memcpy(p->mac + 8, act->c, 4);
	esw_put16(p->body, p->proto);
	p->retyped = false;
	p->changed = true;
	return SLUICE_MISS_NONE;
}

static enum sluice_miss eth_pop(struct sluice_pkt *p)
{
	uint8_t *frame = esw_l3(p);
	uint32_t len = esw_l3_len(p);
	uint32_t room = p->room;
	bool own = p->own;

	if (p->tpid || p->proto != ESW_P_TEB || len < ESW_ETH_HLEN)
		return SLUICE_MISS_ACTION;
	if (!sluice_pkt_init(p, frame, len))
		return SLUICE_MISS_PARSE;
	p->own = own;
	if (own)
		p->room = room + (uint32_t)(p->body - frame) + 2;
	p->changed = true;
	return SLUICE_MISS_NONE;
}

/* As ip_decrease_ttl(): a wrong checksum stays as wrong. */
static void ip4_ttl_less(uint8_t *ip)
{
	uint32_t csum = esw_get16(ip + 10);

	ip[8]--;
	csum += 0x100;
	esw_put16(ip + 10, (uint16_t)(csum + (csum >= 0xffff)));
}

static enum sluice_miss route(struct sluice_esw *esw, struct sluice_pkt *p,
			      uint32_t mtu)
{
	uint32_t len = esw_l3_len(p);
	bool v4 = p->proto == ESW_P_IP;

	if (!v4 && p->proto != ESW_P_IPV6)
		return SLUICE_MISS_ACTION;
	if (len < (v4 ? ESW_IP4_HLEN : ESW_IP6_HLEN))
		return SLUICE_MISS_ACTION;
	if (len > mtu)
		return SLUICE_MISS_MTU;
	if (!esw_pkt_own(esw, p))
		return SLUICE_MISS_RESOURCE;
	if (esw_l3(p)[v4 ? 8 : 7] <= 1)
		return SLUICE_MISS_ACTION;
	if (v4)
		ip4_ttl_less(esw_l3(p));
	else
		esw_l3(p)[7]--;
	p->changed = true;
	return SLUICE_MISS_NONE;
}

/**
 * esw_edit() - carry out one editing action
 * @esw: the eSwitch
 * @p: the packet
 * @act: the action
 *
 * Return: %SLUICE_MISS_NONE, or why it cannot be done exactly; the packet may
 * have been changed then.
 */
enum sluice_miss esw_edit(struct sluice_esw *esw, struct sluice_pkt *p,
			  const struct sluice_action *act)
{
	switch (act->op) {
	case SLUICE_ACT_VLAN_PUSH:
		return vlan_push(esw, p, le32toh(act->a));
	case SLUICE_ACT_VLAN_POP:
		return vlan_pop(p);
	case SLUICE_ACT_VLAN_SET:
		vlan_set(p, le32toh(act->a), esw_le32(act->b));
		return SLUICE_MISS_NONE;
	case SLUICE_ACT_MPLS_PUSH:
		return mpls_push(esw, p, act);
	case SLUICE_ACT_MPLS_POP:
		return mpls_pop(esw, p, (uint16_t)le32toh(act->a));
	case SLUICE_ACT_PEDIT_SET:
	case SLUICE_ACT_PEDIT_ADD:
		return pedit(esw, p, act);
	case SLUICE_ACT_ETH_SET:
		return eth_set(esw, p, act);
	case SLUICE_ACT_ETH_POP:
		return eth_pop(p);
	case SLUICE_ACT_ROUTE:
		return route(esw, p, le32toh(act->a));
	case SLUICE_ACT_CSUM:
		if (!esw_pkt_own(esw, p))
			return SLUICE_MISS_RESOURCE;
		p->changed = true;
		p->flags &= (uint8_t)~SLUICE_FRAME_L4_OK;
		if (!sluice_csum_update(p, le32toh(act->a)))
			return SLUICE_MISS_ACTION;
		return SLUICE_MISS_NONE;
	}
	return SLUICE_MISS_ACTION;
}
