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

static inline bool open_ip(const struct sluice_pkt *p, struct esw_flow *f)
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

static __attribute__((noinline)) bool open_other(const struct sluice_pkt *p, struct esw_flow *f)
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

/* What most are: UDP over IPv4.  Does the same as open_other(). */
static inline bool open_flow(const struct sluice_pkt *p, struct esw_flow *f)
{
	uint32_t avail = esw_l3_len(p);
	uint8_t *ip = esw_l3(p);

	if (p->proto != ESW_P_IP || avail < ESW_IP4_HLEN + ESW_UDP_HLEN ||
	    ip[0] != 0x45 || ip[9] != ESW_IPPROTO_UDP)
		return open_other(p, f);
	f->ip = ip;
	f->l4 = ip + ESW_IP4_HLEN;
	f->hlen = ESW_IP4_HLEN;
	f->len = esw_get16(ip + 2);
	f->v4 = true;
	f->proto = ESW_IPPROTO_UDP;
	f->ttl = ip[8];
	return f->len <= avail && f->len >= ESW_IP4_HLEN + ESW_UDP_HLEN &&
	       !(esw_get16(ip + 6) & (ESW_IP4_OFFSET | ESW_IP4_MF));
}

static inline void flow_key(const struct esw_flow *f, uint32_t table,
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
 * esw_ct_ask() - ask for connections of packets whose first step is ct
 * @esw: the eSwitch
 * @ask: the questions, pkt and act are set; those that have no answer are
 *	removed
 * @num: their number
 *
 * Return: number of those for esw_ct_answer().
 */
unsigned int esw_ct_ask(const struct sluice_esw *esw, struct esw_ct_ask **ask,
			unsigned int num)
{
	unsigned int i, n = 0;

	for (i = 0; i < num; i++) {
		struct esw_ct_ask *a = ask[i];

		if (!open_flow(a->pkt, &a->flow))
			continue;
		flow_key(&a->flow, le32toh(a->act->a), &a->key);
		a->hash = esw_ct_hash(&a->key);
		esw_ct_prefetch(esw, a->hash);
		ask[n++] = a;
	}
	for (i = 0; i < n; i++)
		esw_ct_prefetch_conn(esw, ask[i]->hash);
	return n;
}

/**
 * esw_ct_answer() - find what was asked for, and ask for the rest of it
 * @esw: the eSwitch
 * @ask: the questions, from esw_ct_ask()
 * @num: their number
 * @many: there are so many connections that each one is waited for
 */
void esw_ct_answer(const struct sluice_esw *esw, struct esw_ct_ask *const *ask,
		   unsigned int num, bool many)
{
	unsigned int i;

	for (i = 0; many && i < num; i++)
		esw_ct_prefetch_next(esw, ask[i]->hash);
	for (i = 0; i < num; i++) {
		struct esw_ct_ask *a = ask[i];

		a->conn = esw_ct_find(esw, &a->key, a->hash);
		a->ready = true;
		if (!a->conn)
			continue;
		if (!esw_ct_key_is4(&a->key) ||
		    esw_conn_flags(a->conn) & ESW_CT_F_LABEL)
			__builtin_prefetch(a->conn->key6);
		a->counter = esw_counter_get(esw, a->conn->counter);
		__builtin_prefetch(a->counter, 1);
	}
}

static __attribute__((noinline)) void
find(struct sluice_esw *esw, const struct esw_flow *f, uint32_t table,
     struct esw_ct_ask *ask)
{
	struct esw_ct_key key;

	flow_key(f, table, &key);
	ask->conn = esw_ct_find(esw, &key, esw_ct_hash(&key));
	if (ask->conn)
		ask->counter = esw_counter_get(esw, ask->conn->counter);
}

/* Does a packet of TCP belong to the connection, or end or open one? */
static bool tcp_goes_on(struct sluice_esw *esw, const struct esw_flow *f,
			const struct esw_conn *c)
{
	if (f->l4[13] & (TCP_FIN | TCP_RST))
		esw_ct_close(esw, c);
	return !(f->l4[13] & (TCP_FIN | TCP_RST | TCP_SYN));
}

/* Take up a packet with @c, found in a table it was not looked up in before. */
static inline enum sluice_miss
take_up(struct sluice_esw *esw, const struct esw_flow *f,
	const struct sluice_action *act, struct esw_ct_way *w,
	struct esw_conn *c, struct esw_counter *counter, uint32_t bytes)
{
	if (f->ttl <= 1 || !c || esw_conn_flags(c) & ESW_CT_F_CLOSED)
		return SLUICE_MISS_CT;
	if (f->proto != ESW_IPPROTO_UDP) {
		if (f->proto == ESW_IPPROTO_GRE &&
		    esw_get16(f->l4) & GRE_VERSION)
			return SLUICE_MISS_CT;
		if (f->proto == ESW_IPPROTO_TCP && !tcp_goes_on(esw, f, c))
			return SLUICE_MISS_CT;
	}
	if (w->num_hits == ESW_CT_MAX_HITS)
		return SLUICE_MISS_RESOURCE;
	w->hit[w->num_hits].conn = c;
	w->hit[w->num_hits].at = counter;
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
static inline uint64_t sum_change(const uint8_t *old, const uint8_t *new, uint32_t len)
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
static inline uint16_t csum_replace(uint16_t csum, uint64_t change)
{
	/* Never zero, so the result is never 0xffff; below 2^40. */
	uint64_t sum = 0xffffu + (uint16_t)~csum + change;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Write a port, with a checksum that covers it and what else has changed. */
static inline __attribute__((always_inline)) void
rewrite_l4(const struct esw_flow *f, const uint8_t *was, bool dst,
	   uint16_t port, uint64_t change)
{
	bool udp = f->proto == ESW_IPPROTO_UDP;
	uint32_t at = f->hlen + (udp ? UDP_CSUM : TCP_CSUM);
	uint32_t pt = f->hlen + (dst ? 2 : 0);
	uint16_t csum, old;

	memcpy(&csum, was + at, 2);
	memcpy(&old, was + pt, 2);
	memcpy(f->ip + pt, &port, 2);
	if (udp && !csum)
		return;
	csum = csum_replace(csum, change + (uint16_t)~old + port);
	if (udp && !csum)
		csum = 0xffff;
	memcpy(f->ip + at, &csum, 2);
}

/*
 * Write an address, whose first four bytes are at @addr, the others at @addr6,
 * and a port, with all checksums that cover them.  @was is a copy of the packet,
 * or the packet itself.
 */
static inline __attribute__((always_inline)) void
rewrite(const struct esw_flow *f, const uint8_t *was, bool dst,
	const uint8_t *addr, const uint8_t *addr6, uint16_t port)
{
	uint32_t at = f->v4 ? 12 : 8;
	uint64_t change;
	uint16_t csum;

	if (f->v4) {
		at += dst ? 4 : 0;
		change = sum_change(was + at, addr, 4);
		memcpy(&csum, was + 10, 2);
		csum = csum_replace(csum, change);
		memcpy(f->ip + 10, &csum, 2);
	} else {
		at += dst ? 16 : 0;
		change = sum_change(was + at, addr, 4) +
			 sum_change(was + at + 4, addr6, 12);
		memcpy(f->ip + at + 4, addr6, 12);
	}
	memcpy(f->ip + at, addr, 4);
	rewrite_l4(f, was, dst, port, change);
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
	uint16_t flags = esw_conn_flags(c);
	const uint8_t *was = f->ip;

	if (!(flags & (SLUICE_CT_F_SNAT | SLUICE_CT_F_DNAT)))
		return SLUICE_MISS_NONE;
	/* Edits may have made it a packet of another kind. */
	if (esw_ct_kind(f->v4, f->proto) != esw_conn_kind(c))
		return SLUICE_MISS_CT;
	if (!esw_pkt_own(esw, p))
		return SLUICE_MISS_RESOURCE;
	f->ip = esw_l3(p);
	f->l4 = f->ip + f->hlen;
	/* A copy just made can't be read without waiting for it. */
	if (flags & SLUICE_CT_F_SNAT) {
		rewrite(f, was, false, c->nat_src, c->nat_src6, c->nat_sport);
		was = f->ip;
	}
	if (flags & SLUICE_CT_F_DNAT)
		rewrite(f, was, true, c->nat_dst, c->nat_dst6, c->nat_dport);
	if (key)
		rewrite_key(esw, f, key);
	p->changed = true;
	p->flags &= (uint8_t)~SLUICE_FRAME_L4_OK;
	return SLUICE_MISS_NONE;
}

/**
 * esw_ct_track() - carry out a ct action that looks a connection up
 * @esw: the eSwitch
 * @p: the packet
 * @act: the action
 * @w: what such actions did to the packet so far, updated
 * @key: the packet's key as the parser has it, kept so; or NULL
 *
 * Return: as esw_ct_run().
 */
enum sluice_miss esw_ct_track(struct sluice_esw *esw, struct sluice_pkt *p,
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
	if (!w->conn || esw_conn_table(w->conn) != table) {
		if (!asked)
			find(esw, f, table, &w->ask);
		miss = take_up(esw, f, act, w, w->ask.conn, w->ask.counter,
			       keep ? esw_l3_len(p) : f->len);
	}
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
		return esw_ct_track(esw, p, act, w, key);
	case SLUICE_ACT_CT_CLEAR:
		w->conn = NULL;
		return SLUICE_MISS_NONE;
	case SLUICE_ACT_CT_MARK:
		return keep_mark(act, w);
	default:
		return keep_label(act, w);
	}
}
