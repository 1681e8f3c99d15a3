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

/**
 * struct way - a packet on its way
 * @esw: the eSwitch
 * @src: vport it came in by
 * @frame: the frame as it came
 * @frame_len: its length
 * @pkt: the packet as it is now
 * @table: table looked at last
 * @counter: counters of the rules hit
 * @num_hits: rules hit
 * @num_out: outputs queued
 * @arena_used: bytes used in the arena
 * @last: frame of the last output, NULL when the packet has changed since
 * @last_len: its length
 * @drop: it ends with a drop
 * @to_cpu: it ends with a delivery to the slow path
 */
struct way {
	struct sluice_esw *esw;
	struct esw_vport *src;
	const uint8_t *frame;
	uint32_t frame_len;
	struct sluice_pkt pkt;
	uint32_t table;
	uint32_t counter[MAX_GOTOS + 1];
	unsigned int num_hits;
	unsigned int num_out;
	uint32_t arena_used;
	const uint8_t *last;
	uint32_t last_len;
	bool drop;
	bool to_cpu;
};

/* The packet as it is now, as a frame. */
static bool snapshot(struct way *w)
{
	const struct sluice_pkt *p = &w->pkt;
	uint32_t len = esw_pkt_len(p);
	uint8_t *f;

	if (w->last)
		return true;
	if (!p->changed) {
		w->last = w->frame;
		w->last_len = w->frame_len;
		return true;
	}
	if (len > ESW_ARENA - w->arena_used)
		return false;
	f = w->esw->arena + w->arena_used;
	w->arena_used += len;
	w->last = f;
	w->last_len = len;
	memcpy(f, p->mac, ESW_MACS_LEN);
	f += ESW_MACS_LEN;
	if (p->tpid) {
		esw_put16(f, p->tpid);
		esw_put16(f + 2, p->tci);
		f += ESW_VLAN_HLEN;
	}
	memcpy(f, p->body, p->len);
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
		case SLUICE_ACT_TO_CPU:
			if (!snapshot(w))
				return SLUICE_MISS_RESOURCE;
			w->to_cpu = true;
			return SLUICE_MISS_NONE;
		case SLUICE_ACT_OUTPUT:
			miss = queue_output(w, le16toh(act->port));
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

static enum sluice_miss travel(struct way *w, unsigned int flags)
{
	enum sluice_miss miss;
	bool again;

	if (!sluice_pkt_init(&w->pkt, w->frame, w->frame_len))
		return SLUICE_MISS_PARSE;
	w->pkt.flags = (uint8_t)flags;
	do {
		const struct esw_rule *rule;
		struct sluice_key key;

		sluice_parse(&w->pkt, w->src->num, &key);
		rule = esw_table_lookup(w->esw, w->table, &key);
		if (!rule)
			return SLUICE_MISS_NO_RULE;
		w->counter[w->num_hits++] = rule->counter;
		miss = run(w, rule, &again);
	} while (!miss && again);
	return miss;
}

static void commit(struct way *w)
{
	struct sluice_esw *esw = w->esw;
	uint64_t now = esw->host.now(esw->host.ctx);
	uint32_t bytes = w->frame_len - ESW_ETH_HLEN;
	unsigned int i;

	/* tc counts what is behind the Ethernet header and the outermost tag. */
	if (esw_is_vlan(esw_get16(w->frame + ESW_MACS_LEN)))
		bytes -= ESW_VLAN_HLEN;
	esw->hits++;
	for (i = 0; i < w->num_hits; i++)
		esw_counter_hit(esw, w->counter[i], bytes, now);
	if (w->drop)
		esw_vport_drop(esw, w->src);
	for (i = 0; i < w->num_out; i++) {
		const struct esw_output *out = &esw->out[i];

		esw_vport_deliver(esw, out->vport, out->frame, out->len,
				  out->flags);
	}
	if (w->to_cpu)
		esw_slow_path(esw, w->src, w->last, w->last_len, w->pkt.flags,
			      SLUICE_MISS_TO_CPU, w->table);
}

/* A frame that passed @src's own checks, in switchdev mode. */
void esw_switchdev_input(struct sluice_esw *esw, struct esw_vport *src,
			 const uint8_t *frame, uint32_t len,
			 unsigned int flags)
{
	struct way w;
	enum sluice_miss miss;

	if (src->root_table == SLUICE_ID_NONE) {
		esw_slow_path(esw, src, frame, len, flags,
			      SLUICE_MISS_NO_TABLE, SLUICE_ID_NONE);
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
	w.drop = false;
	w.to_cpu = false;
	esw->lookups++;
	miss = travel(&w, flags);
	if (miss)
		esw_slow_path(esw, src, frame, len, flags, miss, w.table);
	else
		commit(&w);
}
