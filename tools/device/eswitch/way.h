/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet on its way, and a burst of them: what program.c and burst.c share.
 */
#ifndef SLUICE_ESW_WAY_H
#define SLUICE_ESW_WAY_H

#include "internal.h"

/* More gotos than this and Linux drops the packet. */
#define MAX_GOTOS	SLUICE_MAX_HOPS

/* Different meters on one way. */
#define MAX_METERS	32

/*
 * A rule that was hit: its counter, its bytes, whether a meter dropped them, and
 * who counts that besides.
 */
struct hit {
	struct esw_counter *at;
	uint32_t counter;
	uint32_t bytes;
	uint32_t drop_counter;
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
 * @frame_flags: SLUICE_FRAME_*
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
 * @next: @table is, or leads on from, the next table of @src
 * @clock: host clock
 * @from: lowest priority to look up in @table
 * @last: frame of the last output, NULL when the packet has changed since
 * @last_len: its length
 * @arena_used: bytes used in the arena
 * @num_hits: number of rules hit
 * @num_meters: number of meters asked
 * @num_out: outputs queued
 * @num_counts: those of them that are none, but COUNT steps
 * @num_gotos: gotos since it came in, or out of its tunnel
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
	uint32_t frame_flags;
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
	bool next;
	uint64_t clock;
	uint64_t from;
	const uint8_t *last;
	uint32_t last_len;
	uint32_t arena_used;
	unsigned int num_hits;
	unsigned int num_meters;
	unsigned int num_out;
	unsigned int num_counts;
	unsigned int num_gotos;
	struct esw_ct_way ct;
	struct hit hit[MAX_GOTOS + 1];
	uint8_t pad[ESW_LINE];
} __attribute__((aligned(ESW_LINE)));

_Static_assert(sizeof(struct way) / ESW_LINE % 2, "ways of a burst collide");

/* Room for a copy of a packet that can be changed; likewise. */
#define SCRATCH_SIZE	((ESW_SCRATCH / ESW_LINE | 1) * ESW_LINE + 2 * ESW_LINE)

/*
 * What a burst needs; @meter is that of the way that is run.  It is not on the
 * stack: compilers may be told to clear all that is, and that takes longer than
 * the work.
 */
struct esw_burst {
	struct way way[ESW_BURST];
	struct esw_lookup look[ESW_BURST];
	struct esw_lookup again;
	struct way *going[ESW_BURST];
	const struct sluice_esw_frame *good[ESW_BURST];
	struct esw_ct_ask *ask[ESW_BURST];
	union esw_key key[ESW_BURST];
	union esw_key onward_key;
	struct meter_use meter[MAX_METERS];
	uint8_t scratch[ESW_BURST][SCRATCH_SIZE]
		__attribute__((aligned(ESW_LINE)));
};

/* tc counts what is behind the Ethernet header and the outermost tag. */
static inline uint32_t esw_tc_bytes(const struct sluice_pkt *p)
{
	return p->len - 2;
}

/* program.c */
void esw_way_parse(struct way *w);
enum sluice_miss esw_way_leave_tunnel(struct way *w, uint16_t port,
				      uint32_t group, enum sluice_miss none);
enum sluice_miss esw_way_hit(struct way *w, const struct esw_rule *rule,
			     bool *again);
enum sluice_miss esw_way_travel(struct way *w, const struct esw_rule *rule);
void esw_way_commit(struct way *w);

static inline void esw_meters_unlock(struct way *w)
{
	if (w->esw->meter_lock && w->num_meters)
		pthread_mutex_unlock(w->esw->meter_lock);
	w->num_meters = 0;
}

/* What to look up to find the packet's next rule. */
static inline void esw_way_next(struct way *w, struct esw_lookup *l)
{
	if (!w->parsed)
		esw_way_parse(w);
	if (w->ct.num_hits)
		esw_ct_fill_key(&w->ct, &w->key->key);
	l->key = w->key->words;
	l->id = w->table;
	l->from = w->from;
	l->started = false;
}

/* The frame, the packet, its table, and whether it has left a tunnel are there. */
static inline void esw_way_depart(struct way *w, struct sluice_esw *esw,
				  struct esw_vport *src, uint64_t now)
{
	w->esw = esw;
	w->src = src;
	w->bytes = esw_tc_bytes(&w->pkt);
	w->num_gotos = 0;
	w->num_counts = 0;
	w->hash.value = 0;
	w->departed = true;
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
static inline void esw_way_note(struct way *w, const struct esw_rule *rule)
{
	struct hit *h = &w->hit[w->num_hits++];

	h->at = w->counter;
	h->counter = rule->counter;
	h->bytes = w->bytes;
	h->drop_counter = SLUICE_ID_NONE;
	h->dropped = false;
}

static inline void esw_way_count(const struct way *w, uint64_t now)
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

#endif /* SLUICE_ESW_WAY_H */
