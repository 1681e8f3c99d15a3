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

static void counter_export(const struct sluice_esw *esw, uint32_t id,
			   const struct esw_counter *c,
			   struct sluice_counter *value)
{
	memset(value, 0, sizeof(*value));
	value->packets = htole64(c->packets);
	value->bytes = htole64(c->bytes);
	value->last_use = htole64(c->last_use);
	value->dropped = htole64(*dropped_of(esw, id));
}

/* A rule names counter @id.  Return: enum sluice_status. */
int esw_counter_ref(struct sluice_esw *esw, uint32_t id, bool zero)
{
	struct esw_counters **chunk;
	struct esw_counter *c;

	if (id == SLUICE_ID_NONE)
		return SLUICE_ST_OK;
	if (id >= esw->cfg.max_counters)
		return SLUICE_ST_INVAL;
	chunk = &esw->counters[id / COUNTER_CHUNK];
	if (!*chunk)
		*chunk = esw_pages_alloc(sizeof(**chunk));
	if (!*chunk)
		return SLUICE_ST_NOSPC;
	c = &(*chunk)->counter[id % COUNTER_CHUNK];
	if (!c->refs++)
		esw->num_counters++;
	if (zero) {
		c->packets = 0;
		c->bytes = 0;
		c->last_use = 0;
		*dropped_of(esw, id) = 0;
		if (!c->dirty)
			esw_counter_dirty(esw, c, id);
	}
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

void esw_counters_free(struct sluice_esw *esw)
{
	uint32_t i;

	if (!esw->counters)
		return;
	for (i = 0; i < esw->cfg.max_counters; i += COUNTER_CHUNK)
		free(esw->counters[i / COUNTER_CHUNK]);
	free(esw->counters);
}

void esw_counters_reset(struct sluice_esw *esw)
{
	uint32_t i;

	for (i = 0; i < esw->cfg.max_counters; i += COUNTER_CHUNK) {
		free(esw->counters[i / COUNTER_CHUNK]);
		esw->counters[i / COUNTER_CHUNK] = NULL;
	}
	esw->dirty_counter = SLUICE_ID_NONE;
	esw->num_counters = 0;
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
	uint32_t id = esw->dirty_counter;

	esw->dirty_counter = SLUICE_ID_NONE;
	while (id != SLUICE_ID_NONE) {
		struct esw_counter *c = esw_counter_get(esw, id);
		struct sluice_counter value;

		c->dirty = false;
		counter_export(esw, id, c, &value);
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
		counter_export(esw, id, c, value);
	return SLUICE_ST_OK;
}
