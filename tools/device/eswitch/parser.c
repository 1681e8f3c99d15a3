// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parser: what tc-flower's dissector finds in a frame.
 *
 * The specification is the Linux flow dissector as flower calls it: it stops
 * before encapsulations (GRE, IPIP, IPv6 in IP), does not look for ports in
 * any fragment, and what it found before it gave up on a frame stays in the
 * key.  A frame it gives up on is still looked up, so here too.
 */
#include <endian.h>
#include <string.h>
#include "parser.h"

#define MAX_HEADERS	15

#define PPP_IP		0x0021
#define PPP_IPV6	0x0057
#define PPP_MPLS_UC	0x0281
#define PPP_MPLS_MC	0x0283

/* Where the walk through the headers is. */
struct walk {
	const uint8_t *data;	/* network header and what follows */
	uint32_t len;
	uint32_t off;		/* next header, from @data */
	uint16_t proto;
	uint8_t ip_proto;
	unsigned int headers;
	unsigned int tags;
	unsigned int labels;
	bool encap;
};

enum step { STEP_STOP, STEP_L2, STEP_L4 };

static const uint8_t *at(const struct walk *w, uint32_t want)
{
	if (w->off > w->len || w->len - w->off < want)
		return NULL;
	return w->data + w->off;
}

static bool another(struct walk *w)
{
	return ++w->headers <= MAX_HEADERS;
}

/**
 * sluice_pkt_proto() - ethertype of a frame the way Linux names it
 * @body: ethertype field and what follows
 * @len: bytes at @body, at least 2
 * @tagged: a VLAN tag was in front of @body
 * @proto: the result, host order
 *
 * Return: false if Linux would drop the frame or read beyond its end.
 */
bool sluice_pkt_proto(const uint8_t *body, uint32_t len, bool tagged,
		      uint16_t *proto)
{
	uint16_t type = esw_get16(body);

	if (type >= ESW_P_802_3_MIN) {
		*proto = type;
		return true;
	}
	if (len < 4) {
		*proto = ESW_P_802_2;
		return !tagged;
	}
	*proto = esw_get16(body + 2) == 0xffff ? ESW_P_802_3 : ESW_P_802_2;
	return true;
}

static enum step walk_ip4(struct walk *w, struct sluice_key *key)
{
	const uint8_t *ip = at(w, ESW_IP4_HLEN);
	unsigned int ihl;
	uint16_t frag;

	if (!ip)
		return STEP_STOP;
	ihl = ip[0] & 0x0f;
	if (ihl < 5)
		return STEP_STOP;
	w->off += ihl * 4;
	w->ip_proto = ip[9];
	memcpy(key->ip_src, ip + 12, 4);
	memcpy(key->ip_dst, ip + 16, 4);
	key->ip_tos = ip[1];
	key->ip_ttl = ip[8];
	frag = esw_get16(ip + 6);
	if (frag & (ESW_IP4_OFFSET | ESW_IP4_MF)) {
		key->frag |= SLUICE_FRAG_IS;
		if (!(frag & ESW_IP4_OFFSET))
			key->frag |= SLUICE_FRAG_FIRST;
		return STEP_STOP;
	}
	return STEP_L4;
}

static enum step walk_ip6(struct walk *w, struct sluice_key *key)
{
	const uint8_t *ip = at(w, ESW_IP6_HLEN);

	if (!ip)
		return STEP_STOP;
	w->off += ESW_IP6_HLEN;
	w->ip_proto = ip[6];
	memcpy(key->ip_src, ip + 8, 16);
	memcpy(key->ip_dst, ip + 24, 16);
	key->ip_tos = (uint8_t)(esw_get16(ip) >> 4);
	key->ip_ttl = ip[7];
	return STEP_L4;
}

static enum step walk_vlan(struct walk *w, const struct sluice_pkt *p,
			   struct sluice_key *key)
{
	struct sluice_key_vlan *tag = NULL;
	uint16_t tpid = w->proto;
	uint16_t tci;

	if (!w->tags && p->tpid) {
		tci = p->tci;
		w->proto = p->proto;
	} else {
		const uint8_t *h = at(w, ESW_VLAN_HLEN);

		if (!h)
			return STEP_STOP;
		tci = esw_get16(h);
		w->proto = esw_get16(h + 2);
		w->off += ESW_VLAN_HLEN;
	}
	if (!w->encap)
		key->num_vlans++;
	if (w->tags == 0)
		tag = &key->vlan;
	else if (w->tags == 1)
		tag = &key->cvlan;
	w->tags++;
	if (tag) {
		tag->tci = htobe16(tci);
		tag->tpid = htobe16(tpid);
		tag->next = htobe16(w->proto);
	}
	return STEP_L2;
}

static enum step walk_pppoe(struct walk *w, struct sluice_key *key)
{
	const uint8_t *h = at(w, 8);
	uint16_t proto;

	/* Version 1, type 1, code 0: session data. */
	if (!h || h[0] != 0x11 || h[1] != 0)
		return STEP_STOP;
	w->off += 8;
	proto = esw_get16(h + 6);
	/* What a PPP protocol number must look like; not a compressed one. */
	if ((proto & 0x0101) != 0x0001)
		return STEP_STOP;
	memcpy(&key->pppoe_session, h + 2, 2);
	key->ppp_proto = htobe16(proto);
	key->pppoe_type = htobe16(ESW_P_PPP_SES);
	switch (proto) {
	case PPP_IP:
		w->proto = ESW_P_IP;
		return STEP_L2;
	case PPP_IPV6:
		w->proto = ESW_P_IPV6;
		return STEP_L2;
	case PPP_MPLS_UC:
		w->proto = ESW_P_MPLS_UC;
		return STEP_L2;
	case PPP_MPLS_MC:
		w->proto = ESW_P_MPLS_MC;
		return STEP_L2;
	}
	return STEP_STOP;
}

/* Nothing behind the labels is looked at. */
static enum step walk_mpls(struct walk *w, struct sluice_key *key)
{
	const uint8_t *h;

	if (w->labels == sizeof(key->mpls) / sizeof(key->mpls[0]))
		return STEP_STOP;
	h = at(w, 4);
	if (!h)
		return STEP_STOP;
	memcpy(&key->mpls[w->labels], h, 4);
	key->mpls_depth |= (uint8_t)(1u << w->labels);
	w->labels++;
	w->off += 4;
	/* The bottom of the stack says so. */
	return h[2] & 1 ? STEP_STOP : STEP_L2;
}

static void walk_cfm(struct walk *w, struct sluice_key *key)
{
	const uint8_t *h = at(w, 2);

	if (!h)
		return;
	key->cfm_mdl = h[0];
	key->cfm_opcode = h[1];
}

/* A batman-adv unicast header (10 bytes) carries an Ethernet frame. */
static enum step walk_batman(struct walk *w)
{
	const uint8_t *h = at(w, 10 + ESW_ETH_HLEN);

	if (!h || h[0] != 0x40 || h[1] != 15)
		return STEP_STOP;
	w->proto = esw_get16(h + 10 + ESW_MACS_LEN);
	w->off += 10 + ESW_ETH_HLEN;
	w->encap = true;
	return STEP_L2;
}

static enum step walk_hsr(struct walk *w)
{
	const uint8_t *h = at(w, 6);

	if (!h)
		return STEP_STOP;
	w->proto = esw_get16(h + 4);
	w->off += 6;
	return STEP_L2;
}

/* Ethernet and IPv4 request and reply only. */
static void walk_arp(const struct walk *w, struct sluice_key *key)
{
	static const uint8_t eth_ip4[6] = { 0, 1, 8, 0, 6, 4 };
	const uint8_t *h = at(w, 28);
	uint16_t op;

	if (!h || memcmp(h, eth_ip4, sizeof(eth_ip4)))
		return;
	op = esw_get16(h + 6);
	if (op != 1 && op != 2)
		return;
	key->arp_op = (uint8_t)op;
	memcpy(key->arp_sha, h + 8, 6);
	memcpy(&key->arp_sip, h + 14, 4);
	memcpy(key->arp_tha, h + 18, 6);
	memcpy(&key->arp_tip, h + 24, 4);
}

static enum step walk_l2(struct walk *w, const struct sluice_pkt *p,
			 struct sluice_key *key)
{
	switch (w->proto) {
	case ESW_P_IP:
		return walk_ip4(w, key);
	case ESW_P_IPV6:
		return walk_ip6(w, key);
	case ESW_P_8021Q:
	case ESW_P_8021AD:
		return walk_vlan(w, p, key);
	case ESW_P_PPP_SES:
		return walk_pppoe(w, key);
	case ESW_P_MPLS_UC:
	case ESW_P_MPLS_MC:
		return walk_mpls(w, key);
	case ESW_P_CFM:
		walk_cfm(w, key);
		return STEP_STOP;
	case ESW_P_ARP:
	case ESW_P_RARP:
		walk_arp(w, key);
		return STEP_STOP;
	case ESW_P_BATMAN:
		return walk_batman(w);
	case ESW_P_PRP:
	case ESW_P_HSR:
		return walk_hsr(w);
	}
	return STEP_STOP;
}

/* AH and ESP have their SPI where others have ports. */
static void walk_ports(const struct walk *w, struct sluice_key *key)
{
	const uint8_t *h = NULL;

	switch (w->ip_proto) {
	case ESW_IPPROTO_TCP:
	case ESW_IPPROTO_UDP:
	case ESW_IPPROTO_DCCP:
	case ESW_IPPROTO_ESP:
	case ESW_IPPROTO_SCTP:
	case ESW_IPPROTO_UDPLITE:
		h = at(w, 4);
		break;
	case ESW_IPPROTO_AH:
		h = at(w, 8);
		if (h)
			h += 4;
		break;
	}
	key->l4_src = 0;
	key->l4_dst = 0;
	if (h) {
		memcpy(&key->l4_src, h, 2);
		memcpy(&key->l4_dst, h + 2, 2);
	}
}

/* Four bytes that few have, @off bytes into a header of @len. */
static void walk_rare(const struct walk *w, uint32_t len, uint32_t off,
		      __be32 *field)
{
	const uint8_t *h = at(w, len);

	if (!h)
		return;
	memcpy(field, h + off, sizeof(*field));
}

static enum step walk_l4(struct walk *w, struct sluice_key *key)
{
	enum step next = STEP_STOP;
	const uint8_t *h;

	switch (w->ip_proto) {
	case ESW_IPPROTO_HOPOPTS:
	case ESW_IPPROTO_ROUTING:
	case ESW_IPPROTO_DSTOPTS:
		if (w->proto != ESW_P_IPV6)
			break;
		h = at(w, 2);
		if (!h)
			break;
		w->ip_proto = h[0];
		w->off += (h[1] + 1u) << 3;
		next = STEP_L4;
		break;
	case ESW_IPPROTO_FRAGMENT:
		if (w->proto != ESW_P_IPV6)
			break;
		h = at(w, 8);
		if (!h)
			break;
		key->frag |= SLUICE_FRAG_IS;
		w->ip_proto = h[0];
		w->off += 8;
		if (!(esw_get16(h + 2) & ESW_IP6_OFFSET))
			key->frag |= SLUICE_FRAG_FIRST;
		return STEP_STOP;
	case ESW_IPPROTO_MPLS:
		w->proto = ESW_P_MPLS_UC;
		next = STEP_L2;
		break;
	case ESW_IPPROTO_TCP:
		h = at(w, 20);
		if (h && h[12] >> 4 >= 5)
			key->tcp_flags = htobe16(esw_get16(h + 12) & 0x0fff);
		break;
	case ESW_IPPROTO_ICMP:
	case ESW_IPPROTO_ICMPV6:
		h = at(w, 8);
		if (h) {
			key->icmp_type = h[0];
			key->icmp_code = h[1];
		}
		break;
	case ESW_IPPROTO_L2TP:
		walk_rare(w, 4, 0, &key->l2tp_session);
		break;
	case ESW_IPPROTO_ESP:
		walk_rare(w, 8, 0, &key->spi);
		break;
	case ESW_IPPROTO_AH:
		walk_rare(w, 12, 4, &key->spi);
		break;
	}
	walk_ports(w, key);
	return next;
}

/* Words of a key in which a usual frame may have something. */
#define USUAL_WORDS	10u

_Static_assert(offsetof(struct sluice_key, outer_proto) == 12 &&
	       offsetof(struct sluice_key, ip_proto) == 32 &&
	       offsetof(struct sluice_key, l4_src) == 36 &&
	       offsetof(struct sluice_key, tcp_flags) == 40 &&
	       offsetof(struct sluice_key, in_vport) == 44 &&
	       offsetof(struct sluice_key, ip_src) == 48 &&
	       offsetof(struct sluice_key, arp_sip) == USUAL_WORDS * 8,
	       "words of a usual key");

/*
 * What nearly every frame is: TCP or UDP right behind an IPv4 header without
 * options, not a fragment, no tag.  Does the same as the walk for the first
 * USUAL_WORDS words of the key; the others would be zero.  Lookups read words,
 * and a processor is slow to read one right after it was written in parts.
 */
static inline bool parse_usual(const struct sluice_pkt *p, uint16_t in_vport,
			       struct sluice_key *key)
{
	const uint8_t *ip = esw_l3(p), *l4 = ip + ESW_IP4_HLEN;
	uint32_t len = esw_l3_len(p);
	uint64_t tcp_flags = 0, proto;

	if (p->tpid || p->proto != ESW_P_IP ||
	    len < ESW_IP4_HLEN + 8 || (ip[0] & 0x0f) != 5 ||
	    esw_get16(ip + 6) & (ESW_IP4_OFFSET | ESW_IP4_MF))
		return false;
	if (ip[9] == ESW_IPPROTO_TCP) {
		if (len < ESW_IP4_HLEN + 20 || l4[12] >> 4 < 5)
			return false;
		tcp_flags = (l4[12] & 0x0fu) | (uint64_t)l4[13] << 8;
	} else if (ip[9] != ESW_IPPROTO_UDP) {
		return false;
	}
	proto = ESW_P_IP >> 8 | (ESW_P_IP & 0xff) << 8;
	esw_key_put(key, 0, esw_bytes32(p->mac) | esw_bytes32(p->mac + 4) << 32);
	esw_key_put(key, 1, esw_bytes32(p->mac + 8) | proto << 32 | proto << 48);
	esw_key_put(key, 2, 0);
	esw_key_put(key, 3, 0);
	esw_key_put(key, 4, ip[9] | (uint64_t)ip[1] << 8 |
			    (uint64_t)ip[8] << 16 | esw_bytes32(l4) << 32);
	esw_key_put(key, 5, tcp_flags | (uint64_t)in_vport << 32);
	esw_key_put(key, 6, esw_bytes32(ip + 12));
	esw_key_put(key, 7, 0);
	esw_key_put(key, 8, esw_bytes32(ip + 16));
	esw_key_put(key, 9, 0);
	return true;
}

/* Of any frame, into words that are clear. */
static void parse_any(const struct sluice_pkt *p, uint16_t in_vport,
		      struct sluice_key *key)
{
	struct walk w = {
		.data = esw_l3(p),
		.len = esw_l3_len(p),
		.proto = p->tpid ? p->tpid : p->proto,
	};
	enum step step = STEP_L2;

	memcpy(key->eth_dst, p->mac, ESW_ETH_ALEN);
	memcpy(key->eth_src, p->mac + ESW_ETH_ALEN, ESW_ETH_ALEN);
	key->outer_proto = htobe16(w.proto);
	key->in_vport = htole16(in_vport);

	do {
		enum step last = step;

		step = step == STEP_L2 ? walk_l2(&w, p, key) :
					 walk_l4(&w, key);
		/* From L2 into L4 is the same header, anything else a new one. */
		if (last == STEP_L2 && step == STEP_L4)
			continue;
		if (step != STEP_STOP && !another(&w))
			break;
	} while (step != STEP_STOP);

	key->n_proto = htobe16(w.proto);
	key->ip_proto = w.ip_proto;
}

/*
 * The headers' fields of a key, but for those of a tunnel.  Behind the first
 * USUAL_WORDS words it is clear.
 */
static inline void parse(const struct sluice_pkt *p, uint16_t in_vport,
			 struct sluice_key *key)
{
	if (parse_usual(p, in_vport, key))
		return;
	esw_key_clear(key, 0, USUAL_WORDS * 8);
	parse_any(p, in_vport, key);
}

/**
 * sluice_parse() - extract the flow key
 * @p: packet as it is now
 * @in_vport: vport it came in by
 * @key: the result, every byte of it is set
 */
void sluice_parse(const struct sluice_pkt *p, uint16_t in_vport,
		  struct sluice_key *key)
{
	esw_key_clear(key, USUAL_WORDS * 8, sizeof(*key));
	parse(p, in_vport, key);
}

/**
 * sluice_parse_inner() - extract the flow key of a packet from a tunnel
 * @p: packet as it is now
 * @in_vport: vport it came in by
 * @key: the result; its enc fields are not looked at and stay as they are,
 *	all else is set
 */
void sluice_parse_inner(const struct sluice_pkt *p, uint16_t in_vport,
			struct sluice_key *key)
{
	esw_key_clear(key, USUAL_WORDS * 8, ESW_ENC_OFFSET);
	esw_key_clear(key, ESW_ENC_END, sizeof(*key));
	parse(p, in_vport, key);
}
