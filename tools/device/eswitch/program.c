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

/* The key as fields, and as the words that lookups take. */
union key {
	struct sluice_key key;
	uint64_t words[SLUICE_KEY_WORDS];
};

/* A rule that was hit, and the bytes it counts. */
struct hit {
	uint32_t counter;
	uint32_t bytes;
};

/**
 * struct way - a packet on its way
 * @esw: the eSwitch
 * @src: vport it came in by
 * @frame: the frame as it came
 * @frame_len: its length
 * @now: the frame that @pkt was made from: @frame, or the one in its tunnel
 * @now_len: its length
 * @bytes: what tc counts of it
 * @pkt: the packet as it is now
 * @table: table looked at last
 * @hit: rules hit
 * @num_hits: their number
 * @num_out: outputs queued
 * @arena_used: bytes used in the arena
 * @last: frame of the last output, NULL when the packet has changed since
 * @last_len: its length
 * @hash: flow hash, once it was needed (@hash.value is not zero)
 * @drop: it ends with a drop
 * @to_cpu: it ends with a delivery to the slow path
 * @decap: it was taken out of a tunnel
 * @onward: it is a frame that went into a tunnel, as the host would send it
 * @enc: the tunnel's part of the key, with @decap
 */
struct way {
	struct sluice_esw *esw;
	struct esw_vport *src;
	const uint8_t *frame;
	uint32_t frame_len;
	const uint8_t *now;
	uint32_t now_len;
	uint32_t bytes;
	struct sluice_pkt pkt;
	uint32_t table;
	struct hit hit[MAX_GOTOS + 1];
	unsigned int num_hits;
	unsigned int num_out;
	uint32_t arena_used;
	const uint8_t *last;
	uint32_t last_len;
	struct sluice_flow_hash hash;
	bool drop;
	bool to_cpu;
	bool decap;
	bool onward;
	struct sluice_key enc;
};

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

static enum sluice_miss queue_output(struct way *w, uint16_t port)
{
	struct esw_vport *vp = esw_vport_get(w->esw, port);
	struct esw_output *out;

	if (vp->egress_punt)
		return SLUICE_MISS_EGRESS;
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
	out->vport = NULL;
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
				      uint32_t len)
{
	enum sluice_miss miss = SLUICE_MISS_NONE;
	uint8_t *f = arena_take(w, ESW_TAG_ROOM + len);
	struct esw_output *out;
	bool again = true;
	struct way on;
	unsigned int i;

	if (!f)
		return SLUICE_MISS_RESOURCE;
	f += ESW_TAG_ROOM;
	esw_encap_run(e, &w->pkt, flow_hash(w)->value, f);
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
	while (!miss && again) {
		const struct esw_rule *rule = find_rule(&on);

		if (!rule)
			return SLUICE_MISS_NO_RULE;
		on.hit[on.num_hits].counter = rule->counter;
		on.hit[on.num_hits++].bytes = on.bytes;
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
	uint32_t len;
	uint8_t *f;

	miss = esw_encap_check(e, &w->pkt, &len);
	if (miss)
		return miss;
	if (e->nh->onward)
		return travel_onward(w, e, len);
	if (w->num_out == ESW_MAX_OUTPUTS)
		return SLUICE_MISS_RESOURCE;
	f = arena_take(w, len);
	if (!f)
		return SLUICE_MISS_RESOURCE;
	esw_encap_run(e, &w->pkt, flow_hash(w)->value, f);
	out = &w->esw->out[w->num_out++];
	out->vport = e->nh->port;
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
	if (!esw_decap(ep, &o, &w->pkt, &w->enc, &w->now, &w->now_len))
		return SLUICE_MISS_DECAP;
	w->decap = true;
	w->last = NULL;
	w->bytes = tc_bytes(&w->pkt);
	w->table = ep->root_table;
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
	unsigned int i;

	*again = false;
	for (i = 0; i < rule->num_actions; i++, act++) {
		enum sluice_miss miss;

		switch (act->op) {
		case SLUICE_ACT_DROP:
			w->drop = true;
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
			if (w->decap || w->onward)
				return SLUICE_MISS_PUNT;
			*again = true;
			return leave_tunnel(w, SLUICE_VPORT_NONE,
					    le32toh(act->a), SLUICE_MISS_PUNT);
		case SLUICE_ACT_TO_CPU:
			/* This is the way of the frame that came in. */
			if (w->decap || w->onward)
				return SLUICE_MISS_PUNT;
			if (!snapshot(w))
				return SLUICE_MISS_RESOURCE;
			w->to_cpu = true;
			return SLUICE_MISS_NONE;
		case SLUICE_ACT_OUTPUT:
			miss = queue_output(w, le16toh(act->port));
			break;
		case SLUICE_ACT_TUNNEL:
			if (w->onward)
				return SLUICE_MISS_PUNT;
			miss = queue_tunnel(w, le32toh(act->a));
			break;
		default:
			miss = esw_edit(w->esw, &w->pkt, act);
			w->last = NULL;
		}
		if (miss)
			return miss;
	}
	/* It ends here; where nothing left, that is a drop. */
	w->drop = !w->num_out;
	return SLUICE_MISS_NONE;
}

static const struct esw_rule *find_rule(struct way *w)
{
	union key k;

	sluice_parse(&w->pkt, w->onward ? SLUICE_VPORT_NONE : w->src->num,
		     &k.key);
	if (!w->decap)
		return esw_table_lookup(w->esw, w->table, k.words,
					ESW_KEY_PLAIN);
	memcpy((uint8_t *)&k.key + ESW_ENC_OFFSET,
	       (const uint8_t *)&w->enc + ESW_ENC_OFFSET, ESW_ENC_SIZE);
	return esw_table_lookup(w->esw, w->table, k.words, ESW_KEY_WORDS);
}

static enum sluice_miss travel(struct way *w, unsigned int flags)
{
	enum sluice_miss miss = SLUICE_MISS_NONE;
	bool again = true;

	if (!sluice_pkt_init(&w->pkt, w->frame, w->frame_len))
		return SLUICE_MISS_PARSE;
	w->pkt.flags = (uint8_t)flags;
	w->bytes = tc_bytes(&w->pkt);
	if (w->table == SLUICE_ID_NONE)
		miss = leave_tunnel(w, w->src->num, 0, SLUICE_MISS_NO_TABLE);
	while (!miss && again) {
		const struct esw_rule *rule = find_rule(w);

		if (rule) {
			w->hit[w->num_hits].counter = rule->counter;
			w->hit[w->num_hits++].bytes = w->bytes;
			miss = run(w, rule, &again);
		} else if (w->num_hits || w->decap || !w->src->num_endpoints) {
			miss = SLUICE_MISS_NO_RULE;
		} else {
			/* tc lets it pass, and the tunnel is next. */
			miss = leave_tunnel(w, w->src->num, 0,
					    SLUICE_MISS_NO_RULE);
		}
	}
	return miss;
}

static void commit(struct way *w)
{
	struct sluice_esw *esw = w->esw;
	uint64_t now = esw->host.now(esw->host.ctx);
	unsigned int i;

	esw->hits++;
	if (w->decap)
		esw->tun.decapsulated++;
	for (i = 0; i < w->num_hits; i++)
		esw_counter_hit(esw, w->hit[i].counter, w->hit[i].bytes, now);
	if (w->drop)
		esw_vport_drop(esw, w->src);
	for (i = 0; i < w->num_out; i++) {
		const struct esw_output *out = &esw->out[i];

		if (out->vport)
			esw_vport_deliver(esw, out->vport, out->frame,
					  out->len, out->flags);
		if (out->nh) {
			esw->tun.encapsulated++;
			esw_counter_hit(esw, out->nh->counter, out->len, now);
		} else if (!out->vport) {
			esw_counter_hit(esw, out->counter, out->len, now);
		}
	}
	if (w->to_cpu)
		esw_slow_path(esw, w->src, w->last, w->last_len, w->pkt.flags,
			      SLUICE_MISS_TO_CPU, w->table, flow_hash(w));
}

/* A frame that passed @src's own checks, in switchdev mode. */
void esw_switchdev_input(struct sluice_esw *esw, struct esw_vport *src,
			 const uint8_t *frame, uint32_t len,
			 unsigned int flags)
{
	struct way w;
	enum sluice_miss miss;

	if (src->root_table == SLUICE_ID_NONE && !src->num_endpoints) {
		esw_slow_path(esw, src, frame, len, flags,
			      SLUICE_MISS_NO_TABLE, SLUICE_ID_NONE, NULL);
		return;
	}
	w.esw = esw;
	w.src = src;
	w.frame = frame;
	w.frame_len = len;
	w.table = src->root_table;
	w.num_hits = 0;
	w.num_out = 0;
	w.arena_used = 0;
	w.last = NULL;
	w.last_len = 0;
	w.now = frame;
	w.now_len = len;
	w.hash.value = 0;
	w.decap = false;
	w.onward = false;
	w.drop = false;
	w.to_cpu = false;
	esw->lookups++;
	miss = travel(&w, flags);
	if (miss)
		esw_slow_path(esw, src, frame, len, flags, miss, w.table,
			      w.hash.value ? &w.hash : NULL);
	else
		commit(&w);
}
