// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ct actions, as act_ct's fast path does them.
 *
 * That path takes packets of connections in the kernel's flow table, and so do
 * we: IP packets without options or extension headers that are no fragments,
 * with a TTL above 1, of TCP without FIN and RST, UDP, or GRE version 0.  All
 * else is software's, which may track, reassemble or drop it.  So is a SYN: it
 * may be the first packet of a connection that software has forgotten and we
 * have not.
 */
#include "internal.h"

#define TCP_HLEN	20
#define TCP_CSUM	16
#define UDP_CSUM	6
#define TCP_FIN		0x01
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define GRE_VERSION	0x0007

static bool open_ip(const struct sluice_pkt *p, struct esw_flow *f)
{
	uint32_t avail = esw_l3_len(p);
	uint8_t *ip = esw_l3(p);

	f->ip = ip;
	f->v4 = p->proto == ESW_P_IP;
	if (f->v4) {
		if (avail < ESW_IP4_HLEN || ip[0] != 0x45 ||
		    esw_get16(ip + 6) & (ESW_IP4_OFFSET | ESW_IP4_MF))
			return false;
		f->hlen = ESW_IP4_HLEN;
		f->len = esw_get16(ip + 2);
		f->ttl = ip[8];
		f->proto = ip[9];
	} else if (p->proto == ESW_P_IPV6) {
		if (avail < ESW_IP6_HLEN || ip[0] >> 4 != 6)
			return false;
		f->hlen = ESW_IP6_HLEN;
		f->len = ESW_IP6_HLEN + (uint32_t)esw_get16(ip + 4);
		f->proto = ip[6];
		f->ttl = ip[7];
	} else {
		return false;
	}
	f->l4 = ip + f->hlen;
	return f->len <= avail;
}

static bool open_flow(const struct sluice_pkt *p, struct esw_flow *f)
{
	uint32_t want;

	if (!open_ip(p, f))
		return false;
	switch (f->proto) {
	case ESW_IPPROTO_TCP:
		want = TCP_HLEN;
		break;
	case ESW_IPPROTO_UDP:
		want = ESW_UDP_HLEN;
		break;
	case ESW_IPPROTO_GRE:
		want = ESW_GRE_HLEN;
		break;
	default:
		return false;
	}
	return f->len >= f->hlen + want;
}

static void flow_key(const struct esw_flow *f, uint32_t table,
		     struct esw_ct_key *key)
{
	static const uint8_t none[4];

	esw_ct_key_make(key, table, f->v4, f->proto,
			f->proto == ESW_IPPROTO_GRE ? none : f->l4,
			f->ip + (f->v4 ? 12 : 8), f->ip + (f->v4 ? 16 : 24));
}

/*
 * Connections of a burst are asked for before the first of its packets goes on,
 * so that the packets wait for memory at the same time.  Nothing of it counts:
 * what is done with a packet is decided when its turn comes.
 */

/**
 * esw_ct_ask() - ask for the connection of a packet whose first step is ct
 * @esw: the eSwitch
 * @p: the packet
 * @act: the step
 * @ask: filled, for esw_ct_answer()
 *
 * Return: whether it can have one, and esw_ct_answer() is to be called.
 */
bool esw_ct_ask(const struct sluice_esw *esw, const struct sluice_pkt *p,
		const struct sluice_action *act, struct esw_ct_ask *ask)
{
	if (!open_flow(p, &ask->flow))
		return false;
	flow_key(&ask->flow, le32toh(act->a), &ask->key);
	ask->hash = esw_ct_hash(&ask->key);
	esw_ct_prefetch(esw, ask->hash);
	return true;
}

/**
 * esw_ct_answer() - find what was asked for, and ask for its counters
 * @esw: the eSwitch
 * @ask: the questions
 * @num: their number
 */
void esw_ct_answer(const struct sluice_esw *esw, struct esw_ct_ask *const *ask,
		   unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		esw_ct_prefetch_conn(esw, ask[i]->hash);
	for (i = 0; i < num; i++) {
		struct esw_ct_ask *a = ask[i];

		a->conn = esw_ct_find(esw, &a->key, a->hash);
		a->ready = true;
		if (a->conn)
			__builtin_prefetch(esw_counter_get(esw,
							   a->conn->counter),
					   1);
	}
}

/**
 * esw_ct_closed() - was a connection closed since its packet met it?
 * @w: the packet's way
 *
 * Return: whether one of them was.
 */
bool esw_ct_closed(const struct esw_ct_way *w)
{
	unsigned int i;

	for (i = 0; i < w->num_hits; i++)
		if (w->hit[i].conn->flags & ESW_CT_F_CLOSED)
			return true;
	return false;
}

static struct esw_conn *find(struct sluice_esw *esw, const struct esw_flow *f,
			     uint32_t table)
{
	struct esw_ct_key key;

	flow_key(f, table, &key);
	return esw_ct_find(esw, &key, esw_ct_hash(&key));
}

/* Take up a packet with @c, found in a table it was not looked up in before. */
static enum sluice_miss take_up(struct sluice_esw *esw,
				const struct esw_flow *f,
				const struct sluice_action *act,
				struct esw_ct_way *w, struct esw_conn *c,
				uint32_t bytes)
{
	if (f->ttl <= 1)
		return SLUICE_MISS_CT;
	if (f->proto == ESW_IPPROTO_GRE && esw_get16(f->l4) & GRE_VERSION)
		return SLUICE_MISS_CT;
	if (!c || c->flags & ESW_CT_F_CLOSED)
		return SLUICE_MISS_CT;
	if (f->proto == ESW_IPPROTO_TCP && f->l4[13] & (TCP_FIN | TCP_RST)) {
		esw_ct_close(esw, c);
		return SLUICE_MISS_CT;
	}
	if (f->proto == ESW_IPPROTO_TCP && f->l4[13] & TCP_SYN)
		return SLUICE_MISS_CT;
	if (w->num_hits == ESW_CT_MAX_HITS)
		return SLUICE_MISS_RESOURCE;
	w->hit[w->num_hits].conn = c;
	w->hit[w->num_hits++].bytes = bytes;
	w->conn = c;
	w->zone = act->port;
	return SLUICE_MISS_NONE;
}

/* What lies behind the IP packet goes, as in software. */
static void trim(struct sluice_pkt *p, uint32_t ip_len)
{
	if (p->len == ip_len + 2)
		return;
	p->len = ip_len + 2;
	p->changed = true;
}

/*
 * What @new in place of @old, both @len bytes, adds to a sum of 16-bit words.
 * That is the same in any byte order.
 */
static uint64_t sum_change(const uint8_t *old, const uint8_t *new, uint32_t len)
{
	uint64_t sum = 0;
	uint32_t o, n;

	for (; len; len -= 4, old += 4, new += 4) {
		memcpy(&o, old, 4);
		memcpy(&n, new, 4);
		sum += (uint64_t)(uint32_t)~o + n;
	}
	return sum;
}

/*
 * A checksum after the sum of what it covers has changed: what Linux makes of
 * it with csum_replace*(), also when the checksum was wrong before.
 */
static uint16_t csum_replace(uint16_t csum, uint64_t change)
{
	/* Never zero, so the result is never 0xffff. */
	uint64_t sum = 0xffffu + (uint16_t)~csum + change;

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Write an address and a port, with all checksums that cover them. */
static void rewrite(const struct esw_flow *f, bool dst, const uint8_t *addr,
		    uint16_t port)
{
	uint32_t alen = f->v4 ? 4 : 16;
	uint8_t *at = f->ip + (f->v4 ? 12 : 8) + (dst ? alen : 0);
	uint8_t *pt = f->l4 + (dst ? 2 : 0);
	bool udp = f->proto == ESW_IPPROTO_UDP;
	uint8_t *l4_csum = f->l4 + (udp ? UDP_CSUM : TCP_CSUM);
	uint64_t change = sum_change(at, addr, alen);
	uint16_t csum, old;

	if (f->v4) {
		memcpy(&csum, f->ip + 10, 2);
		csum = csum_replace(csum, change);
		memcpy(f->ip + 10, &csum, 2);
	}
	memcpy(&csum, l4_csum, 2);
	if (!udp || csum) {
		memcpy(&old, pt, 2);
		csum = csum_replace(csum, change + (uint16_t)~old + port);
		if (udp && !csum)
			csum = 0xffff;
		memcpy(l4_csum, &csum, 2);
	}
	memcpy(pt, &port, 2);
	memcpy(at, addr, alen);
}

/* The key of a packet after its addresses and ports were written. */
static void rewrite_key(const struct sluice_esw *esw, const struct esw_flow *f,
			struct sluice_key *key)
{
	if (f->v4) {
		memcpy(key->ip_src, f->ip + 12, 4);
		memcpy(key->ip_dst, f->ip + 16, 4);
	} else {
		memcpy(key->ip_src, f->ip + 8, 16);
		memcpy(key->ip_dst, f->ip + 24, 16);
	}
	memcpy(&key->l4_src, f->l4, 2);
	memcpy(&key->l4_dst, f->l4 + 2, 2);
	if (esw->ranges.used)
		esw_ranges_match(&esw->ranges, key);
}

static enum sluice_miss nat(struct sluice_esw *esw, struct sluice_pkt *p,
			    const struct esw_conn *c, struct esw_flow *f,
			    struct sluice_key *key)
{
	if (!(c->flags & (SLUICE_CT_F_SNAT | SLUICE_CT_F_DNAT)))
		return SLUICE_MISS_NONE;
	/* Edits may have made it a packet of another kind. */
	if (esw_ct_kind(f->v4, f->proto) != c->key.word[0] >> 32)
		return SLUICE_MISS_CT;
	if (!esw_pkt_own(esw, p))
		return SLUICE_MISS_RESOURCE;
	f->ip = esw_l3(p);
	f->l4 = f->ip + f->hlen;
	if (c->flags & SLUICE_CT_F_SNAT)
		rewrite(f, false, c->nat_src, c->nat_sport);
	if (c->flags & SLUICE_CT_F_DNAT)
		rewrite(f, true, c->nat_dst, c->nat_dport);
	if (key)
		rewrite_key(esw, f, key);
	p->changed = true;
	p->flags &= (uint8_t)~SLUICE_FRAME_L4_OK;
	return SLUICE_MISS_NONE;
}

static enum sluice_miss track(struct sluice_esw *esw, struct sluice_pkt *p,
			      const struct sluice_action *act,
			      struct esw_ct_way *w, struct sluice_key *key)
{
	enum sluice_miss miss = SLUICE_MISS_NONE;
	struct esw_flow *f = &w->ask.flow;
	bool keep = act->flags & SLUICE_CT_ACT_KEEP;
	bool asked = w->ask.ready;
	uint32_t table = le32toh(act->a);

	w->ask.ready = false;
	if (!asked && !open_flow(p, f))
		return SLUICE_MISS_CT;
	if (!keep)
		trim(p, f->len);
	/* A packet stays with its connection while the zone is the same. */
	if (!w->conn || esw_ct_key_table(&w->conn->key) != table)
		miss = take_up(esw, f, act, w, asked ? w->ask.conn :
						       find(esw, f, table),
			       keep ? esw_l3_len(p) : f->len);
	if (!miss && act->flags & SLUICE_CT_ACT_NAT)
		miss = nat(esw, p, w->conn, f, key);
	return miss;
}

static enum sluice_miss keep_mark(const struct sluice_action *act,
				  const struct esw_ct_way *w)
{
	uint32_t mark;

	if (!w->conn)
		return SLUICE_MISS_NONE;
	mark = le32toh(w->conn->mark);
	return mark == (esw_le32(act->c) | (mark & ~esw_le32(act->b))) ?
	       SLUICE_MISS_NONE : SLUICE_MISS_CT;
}

static enum sluice_miss keep_label(const struct sluice_action *act,
				   const struct esw_ct_way *w)
{
	uint32_t label;

	if (!w->conn)
		return SLUICE_MISS_NONE;
	label = esw_le32(w->conn->label + 4 * le32toh(act->a));
	return label == ((label & ~esw_le32(act->b)) ^ esw_le32(act->c)) ?
	       SLUICE_MISS_NONE : SLUICE_MISS_CT;
}

/**
 * esw_ct_run() - carry out one ct action
 * @esw: the eSwitch
 * @p: the packet
 * @act: the action
 * @w: what such actions did to the packet so far, updated
 * @key: the packet's key as the parser has it, kept so; or NULL
 *
 * A connection whose end is seen is closed, though the packet itself is left to
 * software: that does the same when it gets it.
 *
 * Return: %SLUICE_MISS_NONE, or why it cannot be done exactly; the packet may
 * have been changed then.
 */
enum sluice_miss esw_ct_run(struct sluice_esw *esw, struct sluice_pkt *p,
			    const struct sluice_action *act,
			    struct esw_ct_way *w, struct sluice_key *key)
{
	switch (act->op) {
	case SLUICE_ACT_CT:
		return track(esw, p, act, w, key);
	case SLUICE_ACT_CT_CLEAR:
		w->conn = NULL;
		return SLUICE_MISS_NONE;
	case SLUICE_ACT_CT_MARK:
		return keep_mark(act, w);
	default:
		return keep_label(act, w);
	}
}

/**
 * esw_ct_fill_key() - the connection's part of the key
 * @w: the packet's way
 * @key: its ct fields are set, to zero without a connection
 */
void esw_ct_fill_key(const struct esw_ct_way *w, struct sluice_key *key)
{
	if (!w->conn) {
		key->ct_state = 0;
		key->ct_zone = 0;
		key->ct_mark = 0;
		memset(key->ct_label, 0, sizeof(key->ct_label));
		return;
	}
	key->ct_state = w->conn->state;
	key->ct_zone = w->zone;
	key->ct_mark = w->conn->mark;
	memcpy(key->ct_label, w->conn->label, sizeof(key->ct_label));
}
