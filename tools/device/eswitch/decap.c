// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A frame out of its tunnel, if the kernel would have done it and the inner
 * frame is as it was sent.
 */
#include <endian.h>
#include "internal.h"

/**
 * struct tunnel - what a tunnel header says
 * @payload: inner frame
 * @len: its length
 * @key: key fields, filled as the headers are read
 */
struct tunnel {
	const uint8_t *payload;
	uint32_t len;
	struct sluice_key *key;
};

/* Source addresses that never get to a tunnel. */
static bool source_ok4(const uint8_t *ip)
{
	uint8_t first = ip[12];

	return first && first != 127 && first < 224 &&
	       memcmp(ip + 12, ip + 16, 4);
}

static bool source_ok6(const uint8_t *ip)
{
	static const uint8_t zero[12];
	const uint8_t *src = ip + 8;

	/* Multicast; unspecified, loopback, IPv4 compatible or mapped. */
	if (src[0] == 0xff || !memcmp(src, zero, 12) ||
	    (!memcmp(src, zero, 10) && esw_get16(src + 10) == 0xffff))
		return false;
	return memcmp(src, ip + 24, 16);
}

/* The IP header is right; the payload ends where it says. */
static bool open_ip(const struct esw_endpoint *ep, const struct esw_outer *o,
		    struct tunnel *t)
{
	struct sluice_key *key = t->key;
	const uint8_t *ip = o->ip;
	uint32_t total;

	if (o->v6) {
		total = ESW_IP6_HLEN + esw_get16(ip + 4);
		/* Zero is for jumbograms. */
		if (total == ESW_IP6_HLEN || total > o->len || !source_ok6(ip))
			return false;
		memcpy(key->enc_src, ip + 8, 16);
		memcpy(key->enc_dst, ip + 24, 16);
		key->enc_tos = (uint8_t)(esw_get16(ip) >> 4);
		key->enc_ttl = ip[7];
		key->enc_ip = 6;
	} else {
		total = esw_get16(ip + 2);
		if (total < ESW_IP4_HLEN || total > o->len || !source_ok4(ip) ||
		    esw_ip4_csum(ip))
			return false;
		memcpy(key->enc_src, ip + 12, 4);
		memcpy(key->enc_dst, ip + 16, 4);
		key->enc_tos = ip[1];
		key->enc_ttl = ip[8];
		key->enc_ip = 4;
		if (ep->flags & SLUICE_ENDPOINT_F_DF && ip[6] & 0x40)
			key->enc_flags |= SLUICE_ENC_F_DF;
	}
	key->enc_type = ep->type;
	t->payload = ip + o->hlen;
	t->len = total - o->hlen;
	return true;
}

static bool skip(struct tunnel *t, uint32_t len)
{
	if (t->len < len)
		return false;
	t->payload += len;
	t->len -= len;
	return true;
}

static bool open_udp(const struct esw_endpoint *ep, const struct esw_outer *o,
		     bool verified, struct tunnel *t)
{
	const uint8_t *udp = t->payload;
	uint32_t addrs = o->v6 ? 32 : 8;	/* the IP header ends with them */

	/* A length that is not IP's is valid, and software's. */
	if (t->len < ESW_UDP_HLEN || esw_get16(udp + 4) != t->len)
		return false;
	memcpy(&t->key->enc_l4_src, udp, 2);
	memcpy(&t->key->enc_l4_dst, udp + 2, 2);
	if (!esw_get16(udp + 6)) {
		if (o->v6 && !(ep->flags & SLUICE_ENDPOINT_F_ZERO_CSUM6))
			return false;
	} else {
		uint64_t pseudo = (uint64_t)ESW_IPPROTO_UDP + t->len +
				  esw_sum(udp - addrs, addrs);

		if (!verified && esw_csum(udp, t->len, pseudo))
			return false;
		t->key->enc_flags |= SLUICE_ENC_F_CSUM;
	}
	return skip(t, ESW_UDP_HLEN);
}

static bool open_vxlan(const struct esw_endpoint *ep, struct tunnel *t)
{
	const uint8_t *h = t->payload;
	uint64_t bits, zero;

	if (!skip(t, ESW_VXLAN_HLEN) || !(h[0] & ESW_VXLAN_F_VNI))
		return false;
	memcpy(&bits, h, sizeof(bits));
	memcpy(&zero, ep->zero_bits, sizeof(zero));
	if (bits & zero)
		return false;
	t->key->enc_key_id = htobe32((uint32_t)h[4] << 16 | h[5] << 8 | h[6]);
	if (ep->flags & SLUICE_ENDPOINT_F_GBP && h[0] & ESW_VXLAN_F_GBP) {
		uint32_t gbp = esw_get16(h + 2);

		if (h[1] & ESW_VXLAN_GBP_DONT_LEARN)
			gbp |= SLUICE_GBP_DONT_LEARN;
		if (h[1] & ESW_VXLAN_GBP_APPLIED)
			gbp |= SLUICE_GBP_APPLIED;
		gbp = htole32(gbp);
		memcpy(t->key->enc_opts, &gbp, sizeof(gbp));
		t->key->enc_opts_len = sizeof(gbp);
	}
	return true;
}

static bool open_geneve(struct tunnel *t)
{
	const uint8_t *h = t->payload;
	uint32_t opts;

	if (!skip(t, ESW_GENEVE_HLEN) || h[0] >> 6 ||
	    esw_get16(h + 2) != ESW_P_TEB)
		return false;
	opts = (h[0] & 0x3f) * 4u;
	if (opts > SLUICE_ENC_OPTS_MAX || !skip(t, opts))
		return false;
	if (h[1] & ESW_GENEVE_F_OAM)
		t->key->enc_flags |= SLUICE_ENC_F_OAM;
	if (h[1] & ESW_GENEVE_F_CRIT)
		t->key->enc_flags |= SLUICE_ENC_F_CRIT;
	t->key->enc_key_id = htobe32((uint32_t)h[4] << 16 | h[5] << 8 | h[6]);
	t->key->enc_opts_len = (uint8_t)opts;
	memcpy(t->key->enc_opts, h + ESW_GENEVE_HLEN, opts);
	return true;
}

static bool open_gre(struct tunnel *t)
{
	const uint8_t *h = t->payload;
	uint16_t flags;

	if (!skip(t, ESW_GRE_HLEN))
		return false;
	flags = esw_get16(h);
	if (flags & ~ESW_GRE_F_KEY || esw_get16(h + 2) != ESW_P_TEB)
		return false;
	if (!flags)
		return true;
	if (!skip(t, ESW_GRE_KEY_LEN))
		return false;
	memcpy(&t->key->enc_key_id, h + ESW_GRE_HLEN, ESW_GRE_KEY_LEN);
	return true;
}

/*
 * The outer ECN field leaves the inner one as it is, without a word in the
 * log.  Behind a tag the kernel does not look where it should.
 */
static bool ecn_ok(const struct sluice_pkt *in, uint8_t outer)
{
	const uint8_t *ip = esw_l3(in);
	uint8_t inner;

	outer &= ESW_ECN_MASK;
	if (!outer)
		return true;
	if (in->tpid)
		return false;
	if (in->proto == ESW_P_IP)
		inner = ip[1] & ESW_ECN_MASK;
	else if (in->proto == ESW_P_IPV6)
		inner = ip[1] >> 4 & ESW_ECN_MASK;
	else
		return true;
	switch (outer) {
	case ESW_ECN_ECT0:
		return inner;
	case ESW_ECN_ECT1:
		return inner == ESW_ECN_ECT1 || inner == ESW_ECN_CE;
	default:
		return inner == ESW_ECN_CE;
	}
}

static bool inner_ok(const struct esw_endpoint *ep,
		     const struct sluice_pkt *in, uint8_t outer_tos)
{
	if (!esw_mac_zero(ep->own_mac) &&
	    !memcmp(in->mac + ESW_ETH_ALEN, ep->own_mac, ESW_ETH_ALEN))
		return false;
	if ((in->proto == ESW_P_IP && esw_l3_len(in) < ESW_IP4_HLEN) ||
	    (in->proto == ESW_P_IPV6 && esw_l3_len(in) < ESW_IP6_HLEN))
		return false;
	return ecn_ok(in, outer_tos);
}

/**
 * esw_decap() - take a packet out of its tunnel
 * @ep: the endpoint it is for
 * @o: its outer header
 * @p: the packet, replaced by the inner one
 * @key: its enc fields are set, nothing else
 * @frame: set to the inner frame
 * @len: set to its length
 *
 * Return: false for a packet that only software can take out; @p and @key may
 * have changed then.
 */
bool esw_decap(const struct esw_endpoint *ep, const struct esw_outer *o,
	       struct sluice_pkt *p, struct sluice_key *key,
	       const uint8_t **frame, uint32_t *len)
{
	const uint8_t *outer_body = p->body;
	uint32_t outer_room = p->room;
	bool own = p->own;
	struct tunnel t = { .key = key };
	bool ok;

	esw_key_clear(key, ESW_ENC_OFFSET, ESW_ENC_END);
	/* A bridge before the tunnel drops those. */
	if (esw_mac_multicast(p->mac + ESW_ETH_ALEN) ||
	    esw_mac_zero(p->mac + ESW_ETH_ALEN))
		return false;
	if (!open_ip(ep, o, &t))
		return false;
	if (ep->type == SLUICE_TUNNEL_GRE)
		ok = open_gre(&t);
	else
		ok = open_udp(ep, o, p->flags & SLUICE_FRAME_L4_OK, &t) &&
		     (ep->type == SLUICE_TUNNEL_VXLAN ? open_vxlan(ep, &t) :
							open_geneve(&t));
	if (!ok || t.len < SLUICE_FRAME_MIN ||
	    !sluice_pkt_init(p, t.payload, t.len) ||
	    !inner_ok(ep, p, key->enc_tos))
		return false;
	if (own) {
		/* The outer header's bytes are room now. */
		p->own = true;
		p->changed = true;
		p->room = outer_room + (uint32_t)(p->body - outer_body);
	}
	*frame = t.payload;
	*len = t.len;
	return true;
}
