// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bursts of frames in switchdev mode: what is done for all of them at once, so that
 * they wait for memory at the same time, and short ways for the usual programs.
 * What a program does in general is program.c.
 */
#include "way.h"

/* Memory for bursts, to be given to free(), or NULL. */
struct esw_burst *esw_burst_new(void)
{
	struct esw_burst *b = esw_pages_alloc(sizeof(*b));
	unsigned int i;

	for (i = 0; b && i < ESW_BURST; i++) {
		b->way[i].key = &b->key[i];
		b->way[i].scratch = b->scratch[i];
	}
	return b;
}

/*
 * Most frames end with a rule of one step, which sends them on: to a port, or
 * through a tunnel.  They are sent at once, as nothing else can happen to them.
 */

static inline bool same_macs(const uint8_t *a, const uint8_t *b)
{
	uint64_t first[2];
	uint32_t rest[2];

	memcpy(&first[0], a, 8);
	memcpy(&first[1], b, 8);
	memcpy(&rest[0], a + 8, 4);
	memcpy(&rest[1], b + 8, 4);
	return !((first[0] ^ first[1]) | (rest[0] ^ rest[1]));
}

/* The packet as a frame; nothing will be done to it any more. */
static const uint8_t *last_frame(struct way *w, uint32_t *len)
{
	struct sluice_pkt *p = &w->pkt;
	uint8_t *f = w->esw->arena;

	*len = esw_pkt_len(p);
	if (!p->own || p->room < ESW_MACS_LEN + ESW_VLAN_HLEN) {
		esw_pkt_copy(p, f);
		return f;
	}
	/* Its body is in place. */
	f = p->body;
	if (p->tpid) {
		f -= ESW_VLAN_HLEN;
		esw_put16(f, p->tpid);
		esw_put16(f + 2, p->tci);
	}
	f -= ESW_MACS_LEN;
	/* Whoever reads the frame would wait for a store just done. */
	if (!same_macs(f, p->mac))
		memcpy(f, p->mac, ESW_MACS_LEN);
	return f;
}

static void direct_output(struct sluice_esw *esw, struct way *w,
			  const struct esw_rule *rule, struct esw_vport *vp,
			  uint64_t now)
{
	const uint8_t *frame = w->now;
	uint32_t bytes = esw_tc_bytes(&w->pkt), len = w->now_len;

	esw->hits++;
	if (w->decap)
		esw->decapsulated++;
	if (w->departed) {
		bytes = w->bytes;
		esw_way_count(w, now);
		if (w->pkt.changed)
			frame = last_frame(w, &len);
	}
	esw_counter_bump(esw, w->counter, rule->counter, 1, bytes, now);
	esw_vport_deliver(esw, vp, frame, len, w->pkt.flags);
}

static enum sluice_miss direct_tunnel(struct sluice_esw *esw, struct way *w,
				      const struct esw_rule *rule, uint32_t id,
				      uint64_t now)
{
	struct esw_encap *e = esw_encap_get(esw, id);
	struct sluice_flow_hash hash;
	enum sluice_miss miss;
	struct esw_inner in;
	uint32_t len;

	miss = esw_encap_check(esw, e, &w->pkt, &in, &len);
	if (miss)
		return miss;
	esw->hits++;
	if (w->decap)
		esw->decapsulated++;
	esw_counter_bump(esw, w->counter, rule->counter, 1, esw_tc_bytes(&w->pkt),
			 now);
	esw_flow_hash(esw, w->frame, w->frame_len, &hash);
	esw_encap_run(esw, e, &w->pkt, &in, hash.value, esw->arena);
	esw_vport_deliver(esw, esw_vport_get(esw, e->nh->port), esw->arena, len,
			  0);
	esw->encapsulated++;
	esw_counter_hit(esw, e->nh->counter, len, now, false);
	return SLUICE_MISS_NONE;
}

/* Do so if @rule is such a rule.  Return: whether it was. */
static bool direct(struct sluice_esw *esw, struct way *w,
		   const struct esw_rule *rule, uint64_t now,
		   enum sluice_miss *miss)
{
	const struct sluice_action *act;
	const struct esw_encap *e;
	struct esw_vport *vp;

	if (!rule || rule->num_actions != 1)
		return false;
	act = esw_rule_actions(rule);
	if (act->op == SLUICE_ACT_OUTPUT) {
		vp = esw_vport_get(esw, le16toh(act->port));
		if (vp->egress_punt)
			return false;
		direct_output(esw, w, rule, vp, now);
		return true;
	}
	if (act->op != SLUICE_ACT_TUNNEL || (w->departed && w->num_hits))
		return false;
	e = esw_encap_get(esw, le32toh(act->a));
	if (e->nh && e->nh->onward)
		return false;
	*miss = direct_tunnel(esw, w, rule, le32toh(act->a), now);
	return true;
}

/* All that comes before the first lookup. */
static enum sluice_miss prepare(struct sluice_esw *esw, struct esw_vport *src,
				const struct sluice_esw_frame *f,
				struct way *w)
{
	enum sluice_miss miss;

	w->frame = f->data;
	w->frame_len = f->len;
	w->frame_flags = f->flags;
	w->now = f->data;
	w->now_len = f->len;
	w->decap = false;
	w->departed = false;
	w->ct.ask.ready = false;
	w->table = src->root_table;
	w->next = w->table == SLUICE_ID_NONE;
	if (w->next)
		w->table = src->next_table;
	if (!sluice_pkt_init(&w->pkt, f->data, f->len))
		return SLUICE_MISS_PARSE;
	w->pkt.flags = (uint8_t)f->flags;
	if (w->table != SLUICE_ID_NONE) {
		esw_key_read(esw, src->num, &w->pkt, false, w->key);
		w->parsed = true;
		return SLUICE_MISS_NONE;
	}
	w->esw = esw;
	miss = esw_way_leave_tunnel(w, src->num, 0, SLUICE_MISS_NO_TABLE);
	if (miss)
		return miss;
	esw_key_read(esw, src->num, &w->pkt, true, w->key);
	w->parsed = true;
	return SLUICE_MISS_NONE;
}

/* Ask for the program of a rule, as far as the lookup did not look at it. */
static ESW_PREFETCHER void prefetch_program(const struct esw_rule *rule)
{
	const struct sluice_action *act = esw_rule_actions(rule);

	__builtin_prefetch(act + (rule->num_actions > 1));
	if (rule->num_actions > 5)
		__builtin_prefetch(act + 5);
}

/*
 * Look up where the packets going on are.  Each step is done for one after the
 * other, so that they wait for memory at the same time.  Return: flags that some
 * of the rules have.
 */
static uint32_t look_up(struct sluice_esw *esw, unsigned int num)
{
	struct esw_lookup *look = esw->burst->look;
	struct way **going = esw->burst->going;
	const struct esw_rule *last = NULL;
	struct esw_counter *counter = NULL;
	uint32_t flags = 0;
	unsigned int i;

	esw_lookup(esw, look, num);
	for (i = 0; i < num; i++) {
		const struct esw_rule *rule = look[i].rule;

		going[i]->rule = rule;
		if (rule && rule != last) {
			last = rule;
			flags |= rule->flags;
			counter = esw_counter_get(esw, rule->counter);
			__builtin_prefetch(counter, 1);
			prefetch_program(rule);
		}
		going[i]->counter = counter;
	}
	return flags;
}

/* Ask for the connections of packets that meet a ct action next. */
static void ask_ahead(struct sluice_esw *esw, struct esw_vport *src,
		      unsigned int num, bool many, uint64_t now)
{
	struct way **going = esw->burst->going;
	struct esw_ct_ask **ask = esw->burst->ask;
	unsigned int i, asks = 0;

	for (i = 0; i < num; i++) {
		struct way *w = going[i];

		if (!w->rule || !(w->rule->flags & ESW_RULE_CT))
			continue;
		w->ct.ask.ready = false;
		w->ct.ask.pkt = &w->pkt;
		w->ct.ask.act = esw_rule_actions(w->rule);
		ask[asks++] = &w->ct.ask;
	}
	asks = esw_ct_ask(esw, ask, asks);
	/* Meanwhile do what does not need them. */
	for (i = 0; i < num; i++) {
		struct way *w = going[i];

		if (w->rule && !w->departed)
			esw_way_depart(w, esw, src, now);
	}
	esw_ct_answer(esw, ask, asks, many);
}

/* Hit a rule that is but a lookup of a connection and a goto. */
static inline enum sluice_miss hit_ct(struct way *w,
				      const struct esw_rule *rule)
{
	const struct sluice_action *act = esw_rule_actions(rule);
	enum sluice_miss miss;

	esw_way_note(w, rule);
	w->esw->scratch = w->scratch;
	w->from = 0;
	w->last = NULL;
	miss = esw_ct_track(w->esw, &w->pkt, act, &w->ct,
			    w->parsed ? &w->key->key : NULL);
	if (miss)
		return miss;
	if (w->num_gotos++ == MAX_GOTOS) {
		w->drop = true;
		return SLUICE_MISS_NONE;
	}
	if (w->num_hits > MAX_GOTOS)
		return SLUICE_MISS_HOPS;
	w->table = le32toh(act[1].a);
	return SLUICE_MISS_NONE;
}

/*
 * Run the programs that only change their packet and go on in another table,
 * up to there, and prepare the lookups of those that succeed.  Return: their
 * number.
 */
static unsigned int pass_on(struct sluice_esw *esw, struct esw_vport *src,
			    unsigned int num, uint64_t now)
{
	struct way **going = esw->burst->going;
	unsigned int i, n = 0;
	bool again;

	for (i = 0; i < num; i++) {
		struct way *w = going[i];

		if (!w->rule || !(w->rule->flags & ESW_RULE_PASSES))
			continue;
		if (!w->departed)
			esw_way_depart(w, esw, src, now);
		w->miss = w->rule->flags & ESW_RULE_CT_ALONE ?
			  hit_ct(w, w->rule) :
			  esw_way_hit(w, w->rule, &again);
		if (w->miss || w->drop)
			continue;
		esw_way_next(w, &esw->burst->look[n]);
		going[n++] = w;
	}
	return n;
}

/* The rest of the way, and its end. */
static enum sluice_miss finish(struct sluice_esw *esw, struct esw_vport *src,
			       struct way *w, uint64_t now)
{
	enum sluice_miss miss = SLUICE_MISS_NONE;

	if (w->miss)
		return w->miss;
	/* By a frame that overtook this one. */
	if (w->departed && esw_ct_closed(&w->ct))
		return SLUICE_MISS_CT;
	/* By one goto too many. */
	if (w->departed && w->drop) {
		esw_way_commit(w);
		return SLUICE_MISS_NONE;
	}
	if (direct(esw, w, w->rule, now, &miss))
		return miss;
	if (!w->departed)
		esw_way_depart(w, esw, src, now);
	miss = esw_way_travel(w, w->rule);
	if (miss)
		esw_meters_unlock(w);
	else
		esw_way_commit(w);
	return miss;
}

/* Of many rules, frames that are prepared together. */
#define PART	8u

/*
 * Take the frames that pass their source's checks, as ways of the burst, and
 * prepare the first lookup of those that have one.  Return: their number; @ways is
 * set to that of all.
 *
 * With @many rules the work on one part is done while the next ones' headers and
 * the last one's buckets come from memory.
 */
static unsigned int take(struct sluice_esw *esw, struct esw_vport *src,
			 const struct sluice_esw_frame *frames,
			 unsigned int num, bool many, unsigned int *ways)
{
	unsigned int part = many ? PART : ESW_BURST, at, i, n = 0;
	struct esw_burst *b = esw->burst;

	*ways = 0;
	for (at = 0; at < num; at += part) {
		unsigned int m = num - at < part ? num - at : part, first = n;

		if (many)
			esw_prefetch_frames(frames, at + ESW_BURST / 2,
					    at + ESW_BURST / 2 + PART, num);
		m = esw_vport_ingress(esw, src, frames + at, m, b->good);
		for (i = 0; i < m; i++) {
			struct way *w = &b->way[(*ways)++];

			w->miss = prepare(esw, src, b->good[i], w);
			if (w->miss)
				continue;
			b->look[n].key = w->key->words;
			b->look[n].from = 0;
			b->look[n].id = w->table;
			b->look[n].started = false;
			b->going[n++] = w;
		}
		if (many)
			esw_lookup_start(esw, b->look + first, n - first);
	}
	return n;
}

/**
 * esw_switchdev_input() - frames that a vport's owner sent, in switchdev mode
 * @esw: the eSwitch
 * @src: where they came in
 * @frames: the frames; the first half of a burst is asked for already
 * @num: their number, at most ESW_BURST
 * @many: there are so many rules that each lookup waits for memory
 * @now: host clock
 *
 * Lookups of all frames are done together, and so are programs between them that
 * do nothing but change their packet.  From there on the frames go their ways in
 * order.
 */
void esw_switchdev_input(struct sluice_esw *esw, struct esw_vport *src,
			 const struct sluice_esw_frame *frames,
			 unsigned int num, bool many, uint64_t now)
{
	struct esw_burst *b = esw->burst;
	unsigned int i, n, ways;
	uint32_t flags;

	if (src->root_table == SLUICE_ID_NONE &&
	    src->next_table == SLUICE_ID_NONE && !src->num_endpoints) {
		n = esw_vport_ingress(esw, src, frames, num, b->good);
		for (i = 0; i < n; i++)
			esw_slow_path(esw, src, b->good[i]->data,
				      b->good[i]->len, b->good[i]->flags,
				      SLUICE_MISS_NO_TABLE, SLUICE_ID_NONE,
				      NULL);
		return;
	}
	n = take(esw, src, frames, num, many, &ways);
	while (n) {
		flags = look_up(esw, n);
		if (flags & ESW_RULE_CT)
			ask_ahead(esw, src, n, many, now);
		n = flags & ESW_RULE_PASSES ? pass_on(esw, src, n, now) : 0;
	}
	esw->lookups += ways;
	for (i = 0; i < ways; i++) {
		struct way *w = &b->way[i];
		enum sluice_miss miss;

		w->hash.value = 0;
		miss = finish(esw, src, w, now);
		if (miss)
			esw_slow_path(esw, src, w->frame, w->frame_len,
				      w->frame_flags, (uint8_t)miss, w->table,
				      w->hash.value ? &w->hash : NULL);
	}
}
