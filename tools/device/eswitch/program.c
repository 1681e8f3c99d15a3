// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A frame's way through the tables, all or nothing.
 *
 * The way runs on a private copy and queues what it would do.  Only when its
 * end is reached are counters counted and frames sent.  Otherwise the frame
 * goes to the slow path as it came, and nothing else has happened.
 */
#include "way.h"

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
	on.bytes = esw_tc_bytes(&on.pkt) + ESW_ETH_HLEN;
	on.table = e->nh->table;
	on.num_hits = 0;
	on.num_gotos = 0;
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
			.drop_counter = SLUICE_ID_NONE,
		};
		miss = run(&on, rule, &again);
	}
	w->num_out = on.num_out;
	w->num_counts = on.num_counts;
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
enum sluice_miss esw_way_leave_tunnel(struct way *w, uint16_t port,
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
	w->num_gotos = 0;
	w->parsed = false;
	w->last = NULL;
	w->bytes = esw_tc_bytes(&w->pkt);
	w->table = ep->root_table;
	return SLUICE_MISS_NONE;
}

/* With lanes, the meters are this way's from its first one to its end. */
static void meters_lock(struct way *w)
{
	if (w->esw->meter_lock && !w->num_meters)
		pthread_mutex_lock(w->esw->meter_lock);
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
 * Can the host get the packet as it is now?  Not with a protocol other than the
 * one in its bytes.
 */
static bool can_give(const struct way *w)
{
	return !w->onward && !w->pkt.retyped;
}

/* Nor can it be told of the packet's tunnel. */
static bool can_tell(const struct way *w)
{
	return !w->decap && can_give(w);
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
		return SLUICE_MISS_ACTION;
	if (!is_sampled(w, esw_le32(act->b)))
		return SLUICE_MISS_NONE;
	return queue_host(w, SLUICE_MISS_SAMPLE, le32toh(act->a));
}

/* The packet as it is now goes to the slow path, and all else is done. */
static enum sluice_miss to_cpu(struct way *w)
{
	if (!can_tell(w) || w->ct.conn)
		return SLUICE_MISS_ACTION;
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
			if (act->flags & SLUICE_DROP_F_COUNTER)
				w->hit[w->num_hits - 1].drop_counter =
					le32toh(act->a);
			return SLUICE_MISS_NONE;
		case SLUICE_ACT_PUNT:
			return SLUICE_MISS_PUNT;
		case SLUICE_ACT_GOTO:
			if (w->num_gotos++ == MAX_GOTOS) {
				w->drop = true;
				return SLUICE_MISS_NONE;
			}
			if (w->num_hits > MAX_GOTOS)
				return SLUICE_MISS_HOPS;
			w->table = le32toh(act->a);
			*again = true;
			return SLUICE_MISS_NONE;
		case SLUICE_ACT_DECAP_LOCAL:
			if (w->num_hits > MAX_GOTOS)
				return SLUICE_MISS_HOPS;
			if (w->decap || w->onward || w->ct.conn)
				return SLUICE_MISS_ACTION;
			*again = true;
			return esw_way_leave_tunnel(w, SLUICE_VPORT_NONE,
					    le32toh(act->a), SLUICE_MISS_PUNT);
		case SLUICE_ACT_CONTINUE:
			if (w->num_hits > MAX_GOTOS)
				return SLUICE_MISS_HOPS;
			if (w->onward)
				return SLUICE_MISS_ACTION;
			w->from = (uint64_t)rule->prio + 1;
			w->cpu = act->flags & SLUICE_CONTINUE_F_CPU;
			*again = true;
			return SLUICE_MISS_NONE;
		case SLUICE_ACT_TO_CPU:
			return to_cpu(w);
		case SLUICE_ACT_POLICE:
			if (w->onward)
				return SLUICE_MISS_ACTION;
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
			miss = !can_give(w) || w->ct.conn ?
			       SLUICE_MISS_ACTION :
			       queue_host(w, SLUICE_MISS_HOST, le32toh(act->a));
			break;
		case SLUICE_ACT_SAMPLE:
			miss = sample(w, act);
			break;
		case SLUICE_ACT_COUNT:
			miss = queue_count(w, le32toh(act->a), w->bytes) ?
			       SLUICE_MISS_NONE : SLUICE_MISS_RESOURCE;
			w->num_counts++;
			break;
		case SLUICE_ACT_TUNNEL:
			if (w->onward)
				return SLUICE_MISS_ACTION;
			miss = queue_tunnel(w, le32toh(act->a));
			break;
		case SLUICE_ACT_CT:
		case SLUICE_ACT_CT_CLEAR:
		case SLUICE_ACT_CT_MARK:
		case SLUICE_ACT_CT_LABEL:
			if (w->onward)
				return SLUICE_MISS_ACTION;
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
	w->drop = w->num_out == w->num_counts;
	return SLUICE_MISS_NONE;
}

/* Read the packet as it is now. */
void esw_way_parse(struct way *w)
{
	esw_key_read(w->esw, w->onward ? SLUICE_VPORT_NONE : w->src->num,
		     &w->pkt, w->decap, w->key);
	w->parsed = true;
}

static const struct esw_rule *find_rule(struct way *w)
{
	struct esw_lookup *l = &w->esw->burst->again;

	esw_way_next(w, l);
	esw_lookup(w->esw, l, 1);
	if (l->rule)
		w->counter = esw_counter_get(w->esw, l->rule->counter);
	return l->rule;
}

/* Hit a rule and run its program. */
enum sluice_miss esw_way_hit(struct way *w, const struct esw_rule *rule,
			     bool *again)
{
	esw_way_note(w, rule);
	return run(w, rule, again);
}

/* From a lookup, which found @rule, to the end. */
enum sluice_miss esw_way_travel(struct way *w, const struct esw_rule *rule)
{
	for (;;) {
		enum sluice_miss miss;
		bool again = true;

		if (rule) {
			miss = esw_way_hit(w, rule, &again);
		} else if (w->cpu) {
			return to_cpu(w);
		} else if (!w->num_hits && !w->decap && !w->next &&
			   w->src->next_table != SLUICE_ID_NONE) {
			w->next = true;
			w->table = w->src->next_table;
			miss = SLUICE_MISS_NONE;
		} else if (w->num_hits || w->decap || !w->src->num_endpoints) {
			miss = SLUICE_MISS_NO_RULE;
		} else {
			/* tc lets it pass, and the tunnel is next. */
			miss = esw_way_leave_tunnel(w, w->src->num, 0,
					    SLUICE_MISS_NO_RULE);
		}
		if (miss || !again)
			return miss;
		rule = find_rule(w);
	}
}

void esw_way_commit(struct way *w)
{
	struct sluice_esw *esw = w->esw;
	uint64_t now = w->clock;
	unsigned int i;

	esw->hits++;
	if (w->decap)
		esw->decapsulated++;
	esw_way_count(w, now);
	for (i = 0; i < w->num_meters; i++)
		esw->burst->meter[i].meter->bucket = esw->burst->meter[i].bucket;
	esw_meters_unlock(w);
	if (w->drop)
		esw_vport_drop(esw, w->src);
	for (i = 0; i < w->num_hits; i++)
		if (w->hit[i].drop_counter != SLUICE_ID_NONE)
			esw_counter_drop(esw, w->hit[i].drop_counter);
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
