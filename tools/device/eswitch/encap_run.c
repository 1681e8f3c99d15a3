// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A packet into a tunnel, as vxlan, geneve, gretap and ip6gretap send it.
 */
#include "internal.h"

/* Linux looks behind a few more tags; nobody has that many. */
#define MAX_TAGS	4

static uint8_t inner_tos(const struct esw_inner *in)
{
	if (in->proto == ESW_P_IP)
		return in->ip[1];
	if (in->proto == ESW_P_IPV6)
		return (uint8_t)(esw_get16(in->ip) >> 4);
	return 0;
}

/*
 * Find the IP header where the kernel looks for it.  UDP tunnels look behind
 * all tags.  Where GRE looks behind more than one depends on how they got
 * there.  False where the kernel drops the packet, or it is not known what it
 * does.
 */
static bool find_inner(const struct esw_encap *e, const struct sluice_pkt *p,
		       struct esw_inner *in)
{
	uint32_t len = esw_l3_len(p);
	unsigned int tags = 0;

	in->proto = p->proto;
	in->ip = esw_l3(p);
	in->tagged = p->tpid;
	/* Where there is a tag the kernel reads the frame's ethertype again. */
	if (p->retyped && (in->tagged || esw_is_vlan(in->proto))) {
		if (e->type == SLUICE_TUNNEL_GRE)
			return false;
		in->proto = esw_get16(p->body);
	}
	while (esw_is_vlan(in->proto)) {
		if (e->type == SLUICE_TUNNEL_GRE || ++tags == MAX_TAGS ||
		    len < ESW_VLAN_HLEN)
			return false;
		in->proto = esw_get16(in->ip + 2);
		in->ip += ESW_VLAN_HLEN;
		len -= ESW_VLAN_HLEN;
	}
	if ((in->proto == ESW_P_IP && len < ESW_IP4_HLEN) ||
	    (in->proto == ESW_P_IPV6 && len < ESW_IP6_HLEN))
		return false;
	/*
	 * GRE has its header on already when it looks behind the tag, for ECN
	 * and over IPv6 for the TTL, and finds some bytes of the MAC addresses
	 * there.
	 */
	if (!in->tagged || e->type != SLUICE_TUNNEL_GRE)
		return true;
	if (e->flags & SLUICE_ENCAP_F_TTL && e->v6)
		return false;
	return !(e->flags & SLUICE_ENCAP_F_ECN) ||
	       !(inner_tos(in) & ESW_ECN_MASK);
}

static bool inner_ttl(const struct esw_inner *in, uint8_t *ttl)
{
	if (in->proto == ESW_P_IP)
		*ttl = in->ip[8];
	else if (in->proto == ESW_P_IPV6)
		*ttl = in->ip[7];
	else
		return false;
	return true;
}

static uint8_t outer_tos(const struct esw_encap *e, const struct esw_inner *in,
			 uint8_t tos)
{
	uint8_t itos = inner_tos(in);
	uint8_t ecn = itos & ESW_ECN_MASK;

	if (e->flags & SLUICE_ENCAP_F_TOS && !in->tagged &&
	    (in->proto == ESW_P_IP || in->proto == ESW_P_IPV6))
		tos = itos;
	if (e->flags & SLUICE_ENCAP_F_ECN) {
		if (ecn == ESW_ECN_CE)
			ecn = ESW_ECN_ECT0;
		tos = (uint8_t)((tos & ~ESW_ECN_MASK) | ecn);
	}
	return tos;
}

/*
 * Lanes do not share a number, and never take the same one.  They give the
 * encaps' packets ids from one row.
 */
static uint16_t next_ip_id(struct sluice_esw *esw, struct esw_encap *e)
{
	uint16_t id;

	if (!esw->ip_id_step)
		return e->ip_id++;
	id = esw->ip_id;
	esw->ip_id = (uint16_t)(id + esw->ip_id_step);
	return id;
}

/* The checksum is put together from parts: what was just written is not read. */
static void fill_ip4(const struct esw_encap *e, const struct esw_inner *in,
		     uint8_t *ip, uint32_t len, uint16_t id)
{
	uint8_t tos = outer_tos(e, in, e->header[1]);
	uint8_t ttl = e->header[8], inner;
	uint32_t sum;

	if (e->flags & SLUICE_ENCAP_F_TTL && !in->tagged &&
	    inner_ttl(in, &inner))
		ttl = inner;
	sum = e->sum + tos + ((uint32_t)ttl << 8) + len + id;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip[1] = tos;
	esw_put16(ip + 2, (uint16_t)len);
	esw_put16(ip + 4, id);
	ip[8] = ttl;
	esw_put16(ip + 10, (uint16_t)~sum);
}

static void fill_ip6(const struct esw_encap *e, const struct esw_inner *in,
		     uint8_t *ip, uint32_t len, uint32_t hash)
{
	uint8_t tos = (uint8_t)(esw_get16(ip) >> 4);
	/* Linux takes the number as it lies in a little-endian machine. */
	uint32_t label = (hash & 0xff00ff) << 8 | (hash >> 8 & 0xff00ff);
	uint8_t ttl;

	tos = outer_tos(e, in, tos);
	ip[0] = (uint8_t)(0x60 | tos >> 4);
	ip[1] = (uint8_t)(tos << 4 | (ip[1] & 0x0f));
	if (e->flags & SLUICE_ENCAP_F_LABEL) {
		ip[1] |= label >> 16 & 0x0f;
		ip[2] |= (uint8_t)(label >> 8);
		ip[3] |= (uint8_t)label;
	}
	esw_put16(ip + 4, (uint16_t)(len - ESW_IP6_HLEN));
	if (e->flags & SLUICE_ENCAP_F_TTL && inner_ttl(in, &ttl))
		ip[7] = ttl;
}

/* @len: from the UDP header to the end of the frame. */
static void fill_udp(const struct esw_encap *e, const uint8_t *ip,
		     uint8_t *udp, uint32_t len, uint32_t hash)
{
	const uint8_t *addr = e->v6 ? ip + 8 : ip + 12;
	uint32_t addr_len = e->v6 ? 32 : 8;
	uint16_t csum;

	hash ^= hash << 16;
	esw_put16(udp, (uint16_t)(e->sport_min +
				  ((uint64_t)hash * e->sport_range >> 32)));
	esw_put16(udp + 4, (uint16_t)len);
	if (!(e->flags & SLUICE_ENCAP_F_UDP_CSUM))
		return;
	csum = esw_csum(udp, len, (uint64_t)ESW_IPPROTO_UDP + len +
				  esw_sum(addr, addr_len));
	esw_put16(udp + 6, csum ? csum : 0xffff);
}

/**
 * esw_encap_check() - can a packet go through an encap?
 * @esw: the eSwitch
 * @e: the encap
 * @p: the packet
 * @in: set to the IP header in it
 * @len: set to the length of the frame it would become
 *
 * Return: %SLUICE_MISS_NONE, or why it takes the slow path.
 */
enum sluice_miss esw_encap_check(const struct sluice_esw *esw,
				 const struct esw_encap *e,
				 const struct sluice_pkt *p,
				 struct esw_inner *in, uint32_t *len)
{
	if (!e->nh || !e->nh->valid)
		return SLUICE_MISS_NEXT_HOP;
	if (!e->nh->onward && esw_vport_get(esw, e->nh->port)->egress_punt)
		return SLUICE_MISS_EGRESS;
	*len = e->len + esw_pkt_len(p);
	if (*len > e->mtu)
		return SLUICE_MISS_MTU;
	*len += e->nh->head_len + 2u;
	if (*len > SLUICE_FRAME_MAX)
		return SLUICE_MISS_RESOURCE;
	return find_inner(e, p, in) ? SLUICE_MISS_NONE : SLUICE_MISS_ACTION;
}

/**
 * esw_encap_run() - make the frame
 * @esw: the eSwitch
 * @e: the encap; esw_encap_check() has said yes
 * @p: the packet
 * @in: the IP header in it, from there
 * @hash: flow hash of the frame it came from
 * @out: room for the frame and ESW_LINE bytes
 */
void esw_encap_run(struct sluice_esw *esw, struct esw_encap *e,
		   const struct sluice_pkt *p, const struct esw_inner *in,
		   uint32_t hash, uint8_t *out)
{
	const struct esw_next_hop *nh = e->nh;
	uint32_t len = e->len + esw_pkt_len(p);
	uint8_t *ip;

	/* Short pieces are copied as if they had all the length they may have. */
	memcpy(out, nh->head, sizeof(nh->head));
	out += nh->head_len;
	esw_put16(out, e->v6 ? ESW_P_IPV6 : ESW_P_IP);
	ip = out + 2;
	if (e->len <= ESW_LINE)
		memcpy(ip, e->header, ESW_LINE);
	else
		memcpy(ip, e->header, e->len);
	esw_pkt_copy(p, ip + e->len);
	if (e->v6)
		fill_ip6(e, in, ip, len, hash);
	else
		fill_ip4(e, in, ip, len, next_ip_id(esw, e));
	if (e->type != SLUICE_TUNNEL_GRE)
		fill_udp(e, ip, ip + e->l4, len - e->l4, hash);
}
