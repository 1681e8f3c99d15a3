// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rule counters.
 *
 * A counter comes into being when a rule first names it and keeps its value
 * after the last such rule is gone.  Changed ones form a list, so that
 * collecting costs what has changed, not what there is.
 */
#include <stdlib.h>
#include "internal.h"

/* Of a counter that exists. */
static uint64_t *dropped_of(const struct sluice_esw *esw, uint32_t id)
{
	return &esw->counters[id / COUNTER_CHUNK]->dropped[id % COUNTER_CHUNK];
}

/* Counter @id, whose address is @c, is to be collected. */
void esw_counter_dirty(struct sluice_esw *esw, struct esw_counter *c,
		       uint32_t id)
{
	bool first = esw->dirty_counter == SLUICE_ID_NONE;

	c->dirty = true;
	c->next = esw->dirty_counter;
	esw->dirty_counter = id;
	if (first && esw->host.stats_dirty)
		esw->host.stats_dirty(esw->host.ctx, SLUICE_VPORT_NONE);
}

/* The sum of what all lanes have counted. */
static void counter_export(const struct sluice_esw *esw, uint32_t id,
			   struct sluice_counter *value)
{
	uint64_t packets = 0, bytes = 0, last_use = 0, dropped = 0;
	const struct sluice_esw *lane;
	unsigned int i;

	for (i = 0; (lane = esw_lane_get(esw, i)); i++) {
		const struct esw_counter *c = esw_counter_get(lane, id);

		packets += c->packets;
		bytes += c->bytes;
		if (c->last_use > last_use)
			last_use = c->last_use;
		dropped += *dropped_of(lane, id);
	}
	memset(value, 0, sizeof(*value));
	value->packets = htole64(packets);
	value->bytes = htole64(bytes);
	value->last_use = htole64(last_use);
	value->dropped = htole64(dropped);
}

static uint32_t num_chunks(const struct sluice_esw *esw)
{
	return (esw->cfg.max_counters + COUNTER_CHUNK - 1) / COUNTER_CHUNK;
}

/* Room for chunks, or NULL. */
struct esw_counters **esw_counters_alloc(const struct sluice_esw *esw)
{
	return calloc(num_chunks(esw), sizeof(struct esw_counters *));
}

/* Chunk @n of all lanes.  False when out of memory. */
static bool chunk_alloc(struct sluice_esw *esw, uint32_t n)
{
	struct sluice_esw *lane;
	unsigned int i;

	for (i = 0; (lane = esw_lane_get(esw, i)); i++) {
		struct esw_counters **chunk = &lane->counters[n];

		if (!*chunk)
			*chunk = esw_pages_alloc(sizeof(**chunk));
		if (!*chunk)
			return false;
	}
	return true;
}

/* Give a new lane the chunks that there are.  False when out of memory. */
bool esw_counters_fill(const struct sluice_esw *esw, struct sluice_esw *lane)
{
	uint32_t n;

	for (n = 0; n < num_chunks(esw); n++) {
		if (!esw->counters[n])
			continue;
		lane->counters[n] = esw_pages_alloc(sizeof(**esw->counters));
		if (!lane->counters[n])
			return false;
	}
	return true;
}

static void counter_zero(struct sluice_esw *esw, uint32_t id)
{
	struct esw_counter *c = esw_counter_get(esw, id);
	struct sluice_esw *lane;
	unsigned int i;

	if (!c->dirty)
		esw_counter_dirty(esw, c, id);
	for (i = 0; (lane = esw_lane_get(esw, i)); i++) {
		c = esw_counter_get(lane, id);
		c->packets = 0;
		c->bytes = 0;
		c->last_use = 0;
		*dropped_of(lane, id) = 0;
	}
}

/* A rule names counter @id.  Return: enum sluice_status. */
int esw_counter_ref(struct sluice_esw *esw, uint32_t id, bool zero)
{
	struct esw_counter *c;

	if (id == SLUICE_ID_NONE)
		return SLUICE_ST_OK;
	if (id >= esw->cfg.max_counters)
		return SLUICE_ST_INVAL;
	if (!chunk_alloc(esw, id / COUNTER_CHUNK))
		return SLUICE_ST_NOSPC;
	c = esw_counter_get(esw, id);
	if (!c->refs++)
		esw->num_counters++;
	if (zero)
		counter_zero(esw, id);
	return SLUICE_ST_OK;
}

void esw_counter_unref(struct sluice_esw *esw, uint32_t id)
{
	struct esw_counter *c = esw_counter_get(esw, id);

	if (c && !--c->refs)
		esw->num_counters--;
}

/* A packet that hit counter @id was dropped because it exceeded a meter. */
void esw_counter_drop(struct sluice_esw *esw, uint32_t id)
{
	if (esw_counter_get(esw, id))
		(*dropped_of(esw, id))++;
}

static void chunks_free(struct sluice_esw *esw)
{
	uint32_t n;

	for (n = 0; n < num_chunks(esw); n++) {
		free(esw->counters[n]);
		esw->counters[n] = NULL;
	}
	esw->dirty_counter = SLUICE_ID_NONE;
}

void esw_counters_free(struct sluice_esw *esw)
{
	if (esw->counters)
		chunks_free(esw);
	free(esw->counters);
}

void esw_counters_reset(struct sluice_esw *esw)
{
	struct sluice_esw *lane;
	unsigned int i;

	for (i = 0; (lane = esw_lane_get(esw, i)); i++)
		chunks_free(lane);
	esw->num_counters = 0;
}

/* Put what lanes have changed on the eSwitch's own list. */
static void merge_dirty(struct sluice_esw *esw)
{
	struct sluice_esw *lane;
	unsigned int i;

	for (i = 1; (lane = esw_lane_get(esw, i)); i++) {
		uint32_t id = lane->dirty_counter;

		lane->dirty_counter = SLUICE_ID_NONE;
		while (id != SLUICE_ID_NONE) {
			struct esw_counter *theirs = esw_counter_get(lane, id);
			struct esw_counter *c = esw_counter_get(esw, id);

			theirs->dirty = false;
			if (!c->dirty) {
				c->dirty = true;
				c->next = esw->dirty_counter;
				esw->dirty_counter = id;
			}
			id = theirs->next;
		}
	}
}

/**
 * sluice_esw_collect_counters() - hand out changed counters
 * @esw: the eSwitch
 * @emit: called once for each counter changed since the last call, in no
 *	particular order; must not call into the eSwitch
 * @ctx: for @emit
 */
void sluice_esw_collect_counters(struct sluice_esw *esw,
				 sluice_counter_emit emit, void *ctx)
{
	uint32_t id;

	merge_dirty(esw);
	id = esw->dirty_counter;
	esw->dirty_counter = SLUICE_ID_NONE;
	while (id != SLUICE_ID_NONE) {
		struct esw_counter *c = esw_counter_get(esw, id);
		struct sluice_counter value;

		c->dirty = false;
		counter_export(esw, id, &value);
		emit(ctx, id, &value);
		id = c->next;
	}
}

/**
 * sluice_esw_counter_read() - value of one counter
 * @esw: the eSwitch
 * @id: counter id
 * @value: filled, little-endian; zero for a counter no rule ever named
 *
 * Return: %SLUICE_ST_OK, or %SLUICE_ST_INVAL when @id is out of range.
 */
int sluice_esw_counter_read(struct sluice_esw *esw, uint32_t id,
			    struct sluice_counter *value)
{
	const struct esw_counter *c = esw_counter_get(esw, id);

	memset(value, 0, sizeof(*value));
	if (id >= esw->cfg.max_counters)
		return SLUICE_ST_INVAL;
	if (c)
		counter_export(esw, id, value);
	return SLUICE_ST_OK;
}
