// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A frame's way through the tables, all or nothing.
 *
 * The way runs on a private copy and queues what it would do.  Only when its
 * end is reached are counters counted and frames sent.  Otherwise the frame
 * goes to the slow path as it came, and nothing else has happened.
 */
#include "internal.h"

/* More gotos than this and Linux drops the packet: let it. */
#define MAX_GOTOS	SLUICE_MAX_HOPS

/* Different meters on one way. */
#define MAX_METERS	32

/* A rule that was hit: its counter, its bytes, whether a meter dropped them. */
struct hit {
	struct esw_counter *at;
	uint32_t counter;
	uint32_t bytes;
	bool dropped;
};

/* A meter that was asked, and its bucket after that. */
struct meter_use {
	struct esw_meter *meter;
	struct esw_bucket bucket;
};

/**
 * struct way - a packet on its way
 * @esw: the eSwitch
 * @src: vport it came in by
 * @frame: the frame as it came
 * @frame_len: its length
 * @now: the frame that @pkt was made from: @frame, or the one in its tunnel
 * @now_len: its length
 * @pkt: the packet as it is now
 * @key: the key; once @decap is set always with the tunnel's part
 * @scratch: memory for a copy of the packet that can be changed
 * @rule: what the last lookup found, or NULL
 * @counter: that rule's counter, or NULL
 * @miss: why it can't go on, if so
 * @table: table looked at last
 * @bytes: what tc counts of it
 * @hash: flow hash, once it was needed (@hash.value is not zero)
 * @parsed: @key is that of @pkt, but for what a connection adds to it
 * @departed: it has met something, or at least is ready to
 * @decap: it was taken out of a tunnel
 * @onward: it is a frame that went into a tunnel, as the host would send it
 * @cpu: nothing found in @table means the slow path, with the packet as it is
 * @drop: it ends with a drop
 * @to_cpu: it ends with a delivery to the slow path
 * @clock: host clock
 * @from: lowest priority to look up in @table
 * @last: frame of the last output, NULL when the packet has changed since
 * @last_len: its length
 * @arena_used: bytes used in the arena
 * @num_hits: number of rules hit
 * @num_meters: number of meters asked
 * @num_out: outputs queued
 * @ct: what ct actions did
 * @hit: rules hit
 * @pad: makes the size an odd number of cache lines
 *
 * With that the ways of a burst do not push each other out of the first cache,
 * and no store to one looks like one to another.
 */
struct way {
	struct sluice_esw *esw;
	struct esw_vport *src;
	const uint8_t *frame;
	const uint8_t *now;
	uint32_t frame_len;
	uint32_t now_len;
	struct sluice_pkt pkt;
	union esw_key *key;
	uint8_t *scratch;
	const struct esw_rule *rule;
	struct esw_counter *counter;
	enum sluice_miss miss;
	uint32_t table;
	uint32_t bytes;
	struct sluice_flow_hash hash;
	bool parsed;
	bool departed;
	bool decap;
	bool onward;
	bool cpu;
	bool drop;
	bool to_cpu;
	uint64_t clock;
	uint64_t from;
	const uint8_t *last;
	uint32_t last_len;
	uint32_t arena_used;
	unsigned int num_hits;
	unsigned int num_meters;
	unsigned int num_out;
	struct esw_ct_way ct;
	struct hit hit[MAX_GOTOS + 1];
	uint8_t pad[ESW_LINE];
} __attribute__((aligned(ESW_LINE)));

_Static_assert(sizeof(struct way) / ESW_LINE % 2, "ways of a burst collide");

/* Room for a copy of a packet that can be changed; likewise. */
#define SCRATCH_SIZE	((ESW_SCRATCH / ESW_LINE | 1) * ESW_LINE + 2 * ESW_LINE)

/*
 * What a burst needs; @meter is that of the way that is run.  It is not on the stack: compilers may be told to clear
 * all that is, and that takes longer than the work.
 */
struct esw_burst {
	struct way way[ESW_BURST];
	struct esw_lookup look[ESW_BURST];
	struct esw_lookup again;
	struct way *going[ESW_BURST];
	struct esw_ct_ask *ask[ESW_BURST];
	union esw_key key[ESW_BURST];
	union esw_key onward_key;
	struct meter_use meter[MAX_METERS];
	uint8_t scratch[ESW_BURST][SCRATCH_SIZE]
		__attribute__((aligned(ESW_LINE)));
};

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

/* A packet as a frame of esw_pkt_len() bytes. */
void esw_pkt_copy(const struct sluice_pkt *p, uint8_t *to)
{
	memcpy(to, p->mac, ESW_MACS_LEN);
	to += ESW_MACS_LEN;
	if (p->tpid) {
		esw_put16(to, p->tpid);
		esw_put16(to + 2, p->tci);
		to += ESW_VLAN_HLEN;
	}
	memcpy(to, p->body, p->len);
}

static uint8_t *arena_take(struct way *w, uint32_t len)
{
	uint8_t *p = w->esw->arena + w->arena_used;

	if (len > ESW_ARENA - w->arena_used)
		return NULL;
	w->arena_used += len;
	return p;
}

/* The packet as it is now, as a frame. */
static bool snapshot(struct way *w)
{
	const struct sluice_pkt *p = &w->pkt;
	uint32_t len = esw_pkt_len(p);
	uint8_t *f;

	if (w->last)
		return true;
	if (!p->changed) {
		w->last = w->now;
		w->last_len = w->now_len;
		return true;
	}
	f = arena_take(w, len);
	if (!f)
		return false;
	esw_pkt_copy(p, f);
	w->last = f;
	w->last_len = len;
	return true;
}

/* The packet as it is now, for a vport. */
static enum sluice_miss queue(struct way *w, struct esw_vport *vp)
{
	struct esw_output *out;

	if (w->num_out == ESW_MAX_OUTPUTS || !snapshot(w))
		return SLUICE_MISS_RESOURCE;
	out = &w->esw->out[w->num_out++];
	out->vport = vp;
	out->flags = w->pkt.flags;
	out->frame = w->last;
	out->len = w->last_len;
	out->nh = NULL;
	return SLUICE_MISS_NONE;
}

static enum sluice_miss queue_output(struct way *w, uint16_t port)
{
	struct esw_vport *vp = esw_vport_get(w->esw, port);

	return vp->egress_punt ? SLUICE_MISS_EGRESS : queue(w, vp);
}

/* The packet as it is now, for the slow path, with what the rule says of it. */
static enum sluice_miss queue_host(struct way *w, uint8_t reason, uint32_t host)
{
	enum sluice_miss miss = queue(w, NULL);
	struct esw_output *out = &w->esw->out[w->num_out - 1];

	if (miss)
		return miss;
	out->reason = reason;
	out->host = host;
	return SLUICE_MISS_NONE;
}

/* tc counts what is behind the Ethernet header and the outermost tag. */
static uint32_t tc_bytes(const struct sluice_pkt *p)
{
	return p->len - 2;
}

static const struct sluice_flow_hash *flow_hash(struct way *w)
{
	if (!w->hash.value)
		esw_flow_hash(w->esw, w->frame, w->frame_len, &w->hash);
	return &w->hash;
}

static enum sluice_miss run(struct way *w, const struct esw_rule *rule,
			    bool *again);
static const struct esw_rule *find_rule(struct way *w);

/* Have a frame of @len bytes counted at the end of the way. */
static struct esw_output *queue_count(struct way *w, uint32_t counter,
				      uint32_t len)
{
	struct esw_output *out;

	if (w->num_out == ESW_MAX_OUTPUTS)
		return NULL;
	out = &w->esw->out[w->num_out++];
	out->frame = NULL;
	out->nh = NULL;
	out->counter = counter;
	out->len = len;
	return out;
}

/*
 * The frame of an encap goes on in the table of its next hop, a way of its own
 * that is part of this one: what it queues is queued here.
 */
static enum sluice_miss travel_onward(struct way *w, struct esw_encap *e,
				      const struct esw_inner *in, uint32_t len)
{
	enum sluice_miss miss = SLUICE_MISS_NONE;
	uint8_t *f = arena_take(w, ESW_TAG_ROOM + len);
	const struct esw_rule *rule;
	struct esw_output *out;
	bool again = true;
	struct way on;
	unsigned int i;

	if (!f)
		return SLUICE_MISS_RESOURCE;
	f += ESW_TAG_ROOM;
	esw_encap_run(w->esw, e, &w->pkt, in, flow_hash(w)->value, f);
	out = queue_count(w, SLUICE_ID_NONE, len);
	if (!out)
		return SLUICE_MISS_RESOURCE;
	out->nh = e->nh;
	on = *w;
	if (!sluice_pkt_init(&on.pkt, f, len))
		return SLUICE_MISS_PARSE;
	on.pkt.own = true;
	on.pkt.room = ESW_TAG_ROOM;
	on.now = f;
	on.now_len = len;
	on.last = NULL;
	/* At egress tc counts the Ethernet header. */
	on.bytes = tc_bytes(&on.pkt) + ESW_ETH_HLEN;
	on.table = e->nh->table;
	on.num_hits = 0;
	on.decap = false;
	on.onward = true;
	on.parsed = false;
	on.key = &w->esw->burst->onward_key;
	on.from = 0;
	on.ct.conn = NULL;
	while (!miss && again) {
		rule = find_rule(&on);
		if (!rule)
			return SLUICE_MISS_NO_RULE;
		on.hit[on.num_hits++] = (struct hit){
			.counter = rule->counter,
			.bytes = on.bytes,
		};
		miss = run(&on, rule, &again);
	}
	w->num_out = on.num_out;
	w->arena_used = on.arena_used;
	for (i = 0; !miss && i < on.num_hits; i++)
		if (!queue_count(w, on.hit[i].counter, on.hit[i].bytes))
			miss = SLUICE_MISS_RESOURCE;
	return miss;
}

static enum sluice_miss queue_tunnel(struct way *w, uint32_t id)
{
	struct esw_encap *e = esw_encap_get(w->esw, id);
	struct esw_output *out;
	enum sluice_miss miss;
	struct esw_inner in;
	uint32_t len;
	uint8_t *f;

	miss = esw_encap_check(w->esw, e, &w->pkt, &in, &len);
	if (miss)
		return miss;
	if (e->nh->onward)
		return travel_onward(w, e, &in, len);
	if (w->num_out == ESW_MAX_OUTPUTS)
		return SLUICE_MISS_RESOURCE;
	f = arena_take(w, len);
	if (!f)
		return SLUICE_MISS_RESOURCE;
	esw_encap_run(w->esw, e, &w->pkt, &in, flow_hash(w)->value, f);
	out = &w->esw->out[w->num_out++];
	out->vport = esw_vport_get(w->esw, e->nh->port);
	out->flags = 0;
	out->frame = f;
	out->len = len;
	out->nh = e->nh;
	return SLUICE_MISS_NONE;
}

/*
 * Take the packet out of its tunnel by the endpoint it is for, if there is one
 * at @port or in @group; else the result is @none.
 */
static enum sluice_miss leave_tunnel(struct way *w, uint16_t port,
				     uint32_t group, enum sluice_miss none)
{
	const struct esw_endpoint *ep;
	struct esw_outer o;

	ep = esw_endpoint_find(w->esw, port, group, &w->pkt, &o);
	if (!ep)
		return none;
	if (!esw_decap(ep, &o, &w->pkt, &w->key->key, &w->now, &w->now_len))
		return SLUICE_MISS_DECAP;
	w->decap = true;
	w->parsed = false;
	w->last = NULL;
	w->bytes = tc_bytes(&w->pkt);
	w->table = ep->root_table;
	return SLUICE_MISS_NONE;
}

/* With lanes, the meters are this way's from its first one to its end. */
static void meters_lock(struct way *w)
{
	if (w->esw->meter_lock && !w->num_meters)
		pthread_mutex_lock(w->esw->meter_lock);
}

static void meters_unlock(struct way *w)
{
	if (w->esw->meter_lock && w->num_meters)
		pthread_mutex_unlock(w->esw->meter_lock);
	w->num_meters = 0;
}

/* Ask a meter; a packet that meets it again finds what it has left. */
static enum sluice_miss police(struct way *w, uint32_t id, bool *conforms)
{
	struct esw_meter *m = esw_meter_get(w->esw, id);
	struct meter_use *use = w->esw->burst->meter;
	unsigned int i;

	for (i = 0; i < w->num_meters; i++, use++)
		if (use->meter == m)
			break;
	if (i == MAX_METERS)
		return SLUICE_MISS_RESOURCE;
	if (i == w->num_meters) {
		meters_lock(w);
		use->meter = m;
		use->bucket = m->bucket;
		w->num_meters++;
	}
	*conforms = esw_meter_run(m, &use->bucket, w->bytes, w->clock);
	return SLUICE_MISS_NONE;
}

/*
 * Can the host be told of the packet as it is now?  Not of its tunnel, nor of a
 * protocol other than the one in its bytes.
 */
static bool can_tell(const struct way *w)
{
	return !w->decap && !w->onward && !w->pkt.retyped;
}

/* Is it this packet's turn, one in @rate? */
static bool is_sampled(struct way *w, uint32_t rate)
{
	uint64_t x = w->esw->random + (w->clock ^ ESW_HASH_STEP);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	x ^= x >> 31;
	w->esw->random = x;
	return x <= UINT64_MAX / rate;
}

static enum sluice_miss sample(struct way *w, const struct sluice_action *act)
{
	if (!can_tell(w))
		return SLUICE_MISS_PUNT;
	if (!is_sampled(w, esw_le32(act->b)))
		return SLUICE_MISS_NONE;
	return queue_host(w, SLUICE_MISS_SAMPLE, le32toh(act->a));
}

/* The packet as it is now goes to the slow path, and all else is done. */
static enum sluice_miss to_cpu(struct way *w)
{
	if (!can_tell(w) || w->ct.conn)
		return SLUICE_MISS_PUNT;
	if (!snapshot(w))
		return SLUICE_MISS_RESOURCE;
	w->to_cpu = true;
	return SLUICE_MISS_NONE;
}

/*
 * Run a rule's program.  @again is set when it ends with a goto, and the way
 * goes on in w->table.
 */
static enum sluice_miss run(struct way *w, const struct esw_rule *rule,
			    bool *again)
{
	const struct sluice_action *act = esw_rule_actions(rule);
	bool conforms = false;
	unsigned int i;

	*again = false;
	w->esw->scratch = w->scratch;
	w->from = 0;
	w->cpu = false;
	for (i = 0; i < rule->num_actions; i++, act++) {
		enum sluice_miss miss;
		unsigned int skip;

		switch (act->op) {
		case SLUICE_ACT_DROP:
			w->drop = true;
			w->hit[w->num_hits - 1].dropped =
				act->flags & SLUICE_DROP_F_METER;
			return SLUICE_MISS_NONE;
		case SLUICE_ACT_PUNT:
			return SLUICE_MISS_PUNT;
		case SLUICE_ACT_GOTO:
			if (w->num_hits > MAX_GOTOS)
				return SLUICE_MISS_HOPS;
			w->table = le32toh(act->a);
			*again = true;
			return SLUICE_MISS_NONE;
		case SLUICE_ACT_DECAP_LOCAL:
			if (w->num_hits > MAX_GOTOS)
				return SLUICE_MISS_HOPS;
			if (w->decap || w->onward || w->ct.conn)
				return SLUICE_MISS_PUNT;
			*again = true;
			return leave_tunnel(w, SLUICE_VPORT_NONE,
					    le32toh(act->a), SLUICE_MISS_PUNT);
		case SLUICE_ACT_CONTINUE:
			if (w->num_hits > MAX_GOTOS)
				return SLUICE_MISS_HOPS;
			if (w->onward)
				return SLUICE_MISS_PUNT;
			w->from = (uint64_t)rule->prio + 1;
			w->cpu = act->flags & SLUICE_CONTINUE_F_CPU;
			*again = true;
			return SLUICE_MISS_NONE;
		case SLUICE_ACT_TO_CPU:
			return to_cpu(w);
		case SLUICE_ACT_POLICE:
			if (w->onward)
				return SLUICE_MISS_PUNT;
			miss = police(w, le32toh(act->a), &conforms);
			skip = conforms ? act->b[0] : act->c[0];
			i += skip;
			act += skip;
			break;
		case SLUICE_ACT_SKIP:
			miss = SLUICE_MISS_NONE;
			skip = act->b[0];
			i += skip;
			act += skip;
			break;
		case SLUICE_ACT_OUTPUT:
			miss = queue_output(w, le16toh(act->port));
			break;
		case SLUICE_ACT_HOST:
			miss = !can_tell(w) || w->ct.conn ?
			       SLUICE_MISS_PUNT :
			       queue_host(w, SLUICE_MISS_HOST, le32toh(act->a));
			break;
		case SLUICE_ACT_SAMPLE:
			miss = sample(w, act);
			break;
		case SLUICE_ACT_TUNNEL:
			if (w->onward)
				return SLUICE_MISS_PUNT;
			miss = queue_tunnel(w, le32toh(act->a));
			break;
		case SLUICE_ACT_CT:
		case SLUICE_ACT_CT_CLEAR:
		case SLUICE_ACT_CT_MARK:
		case SLUICE_ACT_CT_LABEL:
			if (w->onward)
				return SLUICE_MISS_PUNT;
			miss = esw_ct_run(w->esw, &w->pkt, act, &w->ct,
					  w->parsed ? &w->key->key : NULL);
			w->last = NULL;
			break;
		default:
			miss = esw_edit(w->esw, &w->pkt, act);
			w->last = NULL;
			w->parsed = false;
		}
		if (miss)
			return miss;
	}
	/* It ends here; where nothing left, that is a drop. */
	w->drop = !w->num_out;
	return SLUICE_MISS_NONE;
}

/* Read the packet as it is now. */
static void parse(struct way *w)
{
	esw_key_read(w->esw, w->onward ? SLUICE_VPORT_NONE : w->src->num,
		     &w->pkt, w->decap, w->key);
	w->parsed = true;
}

/* What to look up to find the packet's next rule. */
static inline void next_lookup(struct way *w, struct esw_lookup *l)
{
	if (!w->parsed)
		parse(w);
	if (w->ct.num_hits)
		esw_ct_fill_key(&w->ct, &w->key->key);
	l->key = w->key->words;
	l->id = w->table;
	l->from = w->from;
}

static const struct esw_rule *find_rule(struct way *w)
{
	struct esw_lookup *l = &w->esw->burst->again;

	next_lookup(w, l);
	esw_lookup(w->esw, l, 1);
	if (l->rule)
		w->counter = esw_counter_get(w->esw, l->rule->counter);
	return l->rule;
}

/* The frame and the packet are there already. */
static void depart(struct way *w, struct sluice_esw *esw, struct esw_vport *src,
		   uint64_t now)
{
	w->esw = esw;
	w->src = src;
	w->table = src->root_table;
	w->bytes = tc_bytes(&w->pkt);
	w->hash.value = 0;
	w->departed = true;
	w->decap = false;
	w->onward = false;
	w->cpu = false;
	w->drop = false;
	w->to_cpu = false;
	w->clock = now;
	w->from = 0;
	w->last = NULL;
	w->last_len = 0;
	w->arena_used = 0;
	w->num_hits = 0;
	w->num_meters = 0;
	w->num_out = 0;
	w->ct.conn = NULL;
	w->ct.num_hits = 0;
}

/* Note that a rule was hit, whose counter is w->counter. */
static inline void hit(struct way *w, const struct esw_rule *rule)
{
	struct hit *h = &w->hit[w->num_hits++];

	h->at = w->counter;
	h->counter = rule->counter;
	h->bytes = w->bytes;
	h->dropped = false;
}

/* Hit a rule and run its program. */
static enum sluice_miss hit_rule(struct way *w, const struct esw_rule *rule,
				 bool *again)
{
	hit(w, rule);
	return run(w, rule, again);
}

/* From a lookup, which found @rule, to the end. */
static enum sluice_miss travel(struct way *w, const struct esw_rule *rule)
{
	for (;;) {
		enum sluice_miss miss;
		bool again = true;

		if (rule) {
			miss = hit_rule(w, rule, &again);
		} else if (w->cpu) {
			return to_cpu(w);
		} else if (w->num_hits || w->decap || !w->src->num_endpoints) {
			miss = SLUICE_MISS_NO_RULE;
		} else {
			/* tc lets it pass, and the tunnel is next. */
			miss = leave_tunnel(w, w->src->num, 0,
					    SLUICE_MISS_NO_RULE);
		}
		if (miss || !again)
			return miss;
		rule = find_rule(w);
	}
}

static inline void count_rules(const struct way *w, uint64_t now)
{
	struct sluice_esw *esw = w->esw;
	unsigned int i;

	for (i = 0; i < w->num_hits; i++) {
		const struct hit *h = &w->hit[i];

		esw_counter_bump(esw, h->at, h->counter, 1, h->bytes, now);
		if (h->dropped)
			esw_counter_drop(esw, h->counter);
	}
	for (i = 0; i < w->ct.num_hits; i++)
		esw_counter_bump(esw, w->ct.hit[i].at,
				 w->ct.hit[i].conn->counter, 1,
				 w->ct.hit[i].bytes, now);
}

static void commit(struct way *w)
{
	struct sluice_esw *esw = w->esw;
	uint64_t now = w->clock;
	unsigned int i;

	esw->hits++;
	if (w->decap)
		esw->decapsulated++;
	count_rules(w, now);
	for (i = 0; i < w->num_meters; i++)
		esw->burst->meter[i].meter->bucket = esw->burst->meter[i].bucket;
	meters_unlock(w);
	if (w->drop)
		esw_vport_drop(esw, w->src);
	for (i = 0; i < w->num_out; i++) {
		const struct esw_output *out = &esw->out[i];

		if (out->frame && !out->vport) {
			esw_slow_path(esw, w->src, out->frame, out->len,
				      out->flags, out->reason, out->host,
				      flow_hash(w));
			continue;
		}
		if (out->frame)
			esw_vport_deliver(esw, out->vport, out->frame,
					  out->len, out->flags);
		if (out->nh) {
			esw->encapsulated++;
			esw_counter_hit(esw, out->nh->counter, out->len, now,
					false);
		} else if (!out->frame) {
			esw_counter_hit(esw, out->counter, out->len, now,
					false);
		}
	}
	if (w->to_cpu)
		esw_slow_path(esw, w->src, w->last, w->last_len, w->pkt.flags,
			      SLUICE_MISS_TO_CPU, w->table, flow_hash(w));
}

/*
 * Most frames end with a rule of one step, which sends them on: to a port, or
 * through a tunnel.  They are sent at once, as nothing else can happen to them.
 */

static inline bool same_macs(const uint8_t *a, const uint8_t *b)
{
	uint64_t x[2] = { 0 }, y[2] = { 0 };

	memcpy(x, a, ESW_MACS_LEN);
	memcpy(y, b, ESW_MACS_LEN);
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]));
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
	uint32_t bytes = tc_bytes(&w->pkt), len = w->now_len;

	esw->hits++;
	if (w->decap)
		esw->decapsulated++;
	if (w->departed) {
		bytes = w->bytes;
		count_rules(w, now);
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
	esw_counter_bump(esw, w->counter, rule->counter, 1, tc_bytes(&w->pkt),
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
				struct way *w, uint64_t now)
{
	enum sluice_miss miss;

	w->frame = f->data;
	w->frame_len = f->len;
	w->now = f->data;
	w->now_len = f->len;
	w->decap = false;
	w->departed = false;
	w->ct.ask.ready = false;
	w->table = src->root_table;
	if (!sluice_pkt_init(&w->pkt, f->data, f->len))
		return SLUICE_MISS_PARSE;
	w->pkt.flags = (uint8_t)f->flags;
	if (w->table != SLUICE_ID_NONE) {
		esw_key_read(esw, src->num, &w->pkt, false, w->key);
		w->parsed = true;
		return SLUICE_MISS_NONE;
	}
	depart(w, esw, src, now);
	miss = leave_tunnel(w, src->num, 0, SLUICE_MISS_NO_TABLE);
	if (!miss)
		parse(w);
	return miss;
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
		}
		going[i]->counter = counter;
	}
	return flags;
}

/* Ask for the connections of packets that meet a ct action next. */
static void ask_ahead(struct sluice_esw *esw, struct esw_vport *src,
		      unsigned int num, uint64_t now)
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
			depart(w, esw, src, now);
	}
	esw_ct_answer(esw, ask, asks);
}

/* Hit a rule that is but a lookup of a connection and a goto. */
static inline enum sluice_miss hit_ct(struct way *w,
				      const struct esw_rule *rule)
{
	const struct sluice_action *act = esw_rule_actions(rule);
	enum sluice_miss miss;

	hit(w, rule);
	w->esw->scratch = w->scratch;
	w->from = 0;
	w->last = NULL;
	miss = esw_ct_track(w->esw, &w->pkt, act, &w->ct,
			    w->parsed ? &w->key->key : NULL);
	if (miss)
		return miss;
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
			depart(w, esw, src, now);
		w->miss = w->rule->flags & ESW_RULE_CT_ALONE ?
			  hit_ct(w, w->rule) :
			  hit_rule(w, w->rule, &again);
		if (w->miss)
			continue;
		next_lookup(w, &esw->burst->look[n]);
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
	if (direct(esw, w, w->rule, now, &miss))
		return miss;
	if (!w->departed)
		depart(w, esw, src, now);
	miss = travel(w, w->rule);
	if (miss)
		meters_unlock(w);
	else
		commit(w);
	return miss;
}

/**
 * esw_switchdev_input() - frames that passed their source's own checks, in
 *	switchdev mode
 * @esw: the eSwitch
 * @src: where they came in
 * @frames: the frames
 * @num: their number, at most ESW_BURST
 *
 * Lookups of all frames are done together, and so are programs between them that
 * do nothing but change their packet.  From there on the frames go their ways in
 * order.
 */
void esw_switchdev_input(struct sluice_esw *esw, struct esw_vport *src,
			 const struct sluice_esw_frame *const *frames,
			 unsigned int num)
{
	struct esw_burst *b = esw->burst;
	unsigned int i, n = 0;
	uint32_t flags;
	uint64_t now;

	if (src->root_table == SLUICE_ID_NONE && !src->num_endpoints) {
		for (i = 0; i < num; i++)
			esw_slow_path(esw, src, frames[i]->data, frames[i]->len,
				      frames[i]->flags, SLUICE_MISS_NO_TABLE,
				      SLUICE_ID_NONE, NULL);
		return;
	}
	now = esw->host.now(esw->host.ctx);
	for (i = 0; i < num; i++) {
		struct way *w = &b->way[i];

		w->miss = prepare(esw, src, frames[i], w, now);
		if (w->miss)
			continue;
		b->look[n].key = w->key->words;
		b->look[n].from = 0;
		b->look[n].id = w->table;
		b->going[n++] = w;
	}
	while (n) {
		flags = look_up(esw, n);
		if (flags & ESW_RULE_CT)
			ask_ahead(esw, src, n, now);
		n = flags & ESW_RULE_PASSES ? pass_on(esw, src, n, now) : 0;
	}
	esw->lookups += num;
	for (i = 0; i < num; i++) {
		const struct sluice_esw_frame *f = frames[i];
		struct way *w = &b->way[i];
		enum sluice_miss miss;

		w->hash.value = 0;
		miss = finish(esw, src, w, now);
		if (miss)
			esw_slow_path(esw, src, f->data, f->len, f->flags,
				      (uint8_t)miss, w->table,
				      w->hash.value ? &w->hash : NULL);
	}
}
