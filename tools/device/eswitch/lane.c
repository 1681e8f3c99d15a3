// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lanes: more threads that forward frames by the objects of one eSwitch.
 *
 * All that a frame writes is a lane's own: counters, statistics, flow cache,
 * working memory.  So lanes share no cache line that changes from frame to frame.
 * Two things are shared because they have to be: the buckets of meters, under a
 * lock that only frames with a meter take, and the mark of a closed connection,
 * which is set once.
 *
 * What commands change is read in place, by pointers that each lane has a copy
 * of.  No command runs while a frame does in any lane: that is the host's part.
 * After commands it calls sluice_esw_publish(), and every lane takes the new
 * pointers before its next frame.
 */
#include <stdlib.h>
#include "internal.h"

/* A lane as after the last publication. */
void esw_lane_update(struct sluice_esw *lane)
{
	const struct sluice_esw *esw = lane->main;
	const size_t from = offsetof(struct esw_vport, num);
	unsigned int i;

	memcpy(lane, esw, offsetof(struct sluice_esw, main));
	for (i = 0; i < esw->num_vports; i++)
		memcpy((uint8_t *)&lane->vport[i] + from,
		       (const uint8_t *)&esw->vport[i] + from,
		       sizeof(struct esw_vport) - from);
	lane->last_endpoint = NULL;
	lane->seen = esw->version;
}

static void lane_free(struct sluice_esw *lane)
{
	esw_counters_free(lane);
	esw_vports_free(lane);
	esw_cache_free(&lane->cache);
	free(lane->burst);
	free(lane->arena);
	free(lane->out);
	free(lane);
}

/* End all lanes of an eSwitch. */
void esw_lanes_free(struct sluice_esw *esw)
{
	while (esw->num_lanes)
		lane_free(esw->lane[--esw->num_lanes]);
	if (esw->meter_lock)
		pthread_mutex_destroy(esw->meter_lock);
	free(esw->meter_lock);
	esw->meter_lock = NULL;
}

/* The lock of meters, and ids that no two lanes take. */
static bool share(struct sluice_esw *esw)
{
	unsigned int i;

	if (!esw->meter_lock) {
		esw->meter_lock = malloc(sizeof(*esw->meter_lock));
		if (!esw->meter_lock)
			return false;
		pthread_mutex_init(esw->meter_lock, NULL);
	}
	for (i = 0; i < SLUICE_ESW_MAX_LANES; i++) {
		struct sluice_esw *lane = esw_lane_get(esw, i);

		if (!lane)
			break;
		lane->meter_lock = esw->meter_lock;
		lane->ip_id = (uint16_t)i;
		lane->ip_id_step = SLUICE_ESW_MAX_LANES;
	}
	return true;
}

/**
 * sluice_esw_lane_new() - give an eSwitch one more lane
 * @esw: the eSwitch, which is no lane itself
 * @host: services; deliver, deliver_large, flow_hash and stats_dirty are
 *	called by the lane's thread
 *
 * Only frames go into a lane: sluice_esw_input(), sluice_esw_input_burst(),
 * sluice_esw_direct() and those for large frames, by one thread at a time.  While
 * one does, no function is called for the eSwitch itself but these, by one thread,
 * too.
 *
 * Return: the lane, which ends with the eSwitch; NULL when there are
 * %SLUICE_ESW_MAX_LANES with the eSwitch itself, or when out of memory.
 */
struct sluice_esw *sluice_esw_lane_new(struct sluice_esw *esw,
				       const struct sluice_esw_host *host)
{
	struct sluice_esw *lane;

	if (esw->main || esw->num_lanes == ESW_MAX_LANES)
		return NULL;
	lane = esw_pages_alloc(sizeof(*lane));
	if (!lane)
		return NULL;
	lane->main = esw;
	lane->host = *host;
	lane->dirty_counter = SLUICE_ID_NONE;
	lane->counters = esw_counters_alloc(esw);
	lane->vport = esw_vports_alloc(esw);
	lane->burst = esw_burst_new();
	lane->arena = malloc(ESW_ARENA + ESW_LINE);
	lane->out = calloc(ESW_MAX_OUTPUTS, sizeof(*lane->out));
	lane->random = esw->num_lanes + 1;
	lane->cfg = esw->cfg;
	if (!lane->counters || !lane->vport || !lane->burst || !lane->arena ||
	    !lane->out || !esw_cache_init(&lane->cache) ||
	    !esw_counters_fill(esw, lane))
		goto fail;
	esw->lane[esw->num_lanes++] = lane;
	if (!share(esw)) {
		esw->num_lanes--;
		goto fail;
	}
	esw_lane_update(lane);
	return lane;
fail:
	lane_free(lane);
	return NULL;
}

/**
 * sluice_esw_publish() - commands have changed the eSwitch
 * @esw: the eSwitch; no frame is on its way in any lane
 */
void sluice_esw_publish(struct sluice_esw *esw)
{
	esw->version++;
}
