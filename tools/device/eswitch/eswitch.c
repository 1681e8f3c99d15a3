// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Life of an eSwitch, its mode, and the way in for frames.
 */
#include <stdlib.h>
#include "internal.h"

/* Sizes nobody needs more of; they keep every product within 32 bits. */
#define MAX_OBJECTS	(1u << 24)
#define MAX_MASKS	(1u << 16)
#define MAX_ACTIONS	255u
#define MAX_FILTERS	4096u

/**
 * esw_grow() - make room for an id in an array of pointers
 * @array: address of the pointer to the array
 * @size: its size, updated
 * @id: id that needs a place
 * @limit: size it never exceeds
 *
 * New places are NULL.  Return: false when out of memory.
 */
bool esw_grow(void *array, uint32_t *size, uint32_t id, uint32_t limit)
{
	void **old, **new;
	uint32_t want = *size ? *size : 64;

	if (id < *size)
		return true;
	while (want <= id)
		want *= 2;
	if (want > limit)
		want = limit;
	memcpy(&old, array, sizeof(old));
	new = realloc(old, want * sizeof(*new));
	if (!new)
		return false;
	memset(new + *size, 0, (want - *size) * sizeof(*new));
	memcpy(array, &new, sizeof(new));
	*size = want;
	return true;
}

static bool cfg_valid(const struct sluice_esw_cfg *cfg)
{
	return cfg->num_vfs <= SLUICE_MAX_VFS &&
	       cfg->num_uplinks >= 1 &&
	       cfg->num_uplinks <= SLUICE_MAX_UPLINKS &&
	       cfg->max_rules && cfg->max_rules <= MAX_OBJECTS &&
	       cfg->max_counters && cfg->max_counters <= MAX_OBJECTS &&
	       cfg->max_tables && cfg->max_tables <= MAX_OBJECTS &&
	       cfg->max_masks && cfg->max_masks <= MAX_MASKS &&
	       cfg->max_actions && cfg->max_actions <= MAX_ACTIONS &&
	       cfg->max_filters <= MAX_FILTERS &&
	       cfg->max_next_hops <= MAX_OBJECTS &&
	       cfg->max_encaps <= MAX_OBJECTS &&
	       cfg->max_endpoints <= MAX_OBJECTS &&
	       cfg->max_ct <= MAX_OBJECTS &&
	       cfg->max_meters <= MAX_OBJECTS;
}

/**
 * sluice_esw_new() - create an eSwitch
 * @cfg: sizes
 * @host: services; copied
 *
 * It starts in legacy mode, with every function disabled and every carrier
 * down.
 *
 * Return: the eSwitch, or NULL when out of memory or a size is out of range.
 */
struct sluice_esw *sluice_esw_new(const struct sluice_esw_cfg *cfg,
				  const struct sluice_esw_host *host)
{
	struct sluice_esw *esw;

	if (!cfg_valid(cfg))
		return NULL;
	esw = esw_pages_alloc(sizeof(*esw));
	if (!esw)
		return NULL;
	esw->cfg = *cfg;
	esw->host = *host;
	esw->mode = SLUICE_ESW_LEGACY;
	esw->next_gen = 1;
	esw->dirty_counter = SLUICE_ID_NONE;
	esw->counters = esw_counters_alloc(esw);
	esw->burst = esw_burst_new();
	esw->arena = malloc(ESW_ARENA + ESW_LINE);
	esw->out = calloc(ESW_MAX_OUTPUTS, sizeof(*esw->out));
	if (!esw->counters || !esw_cache_init(&esw->cache) || !esw->burst ||
	    !esw->arena || !esw->out || esw_fdb_init(esw) ||
	    esw_vports_init(esw)) {
		sluice_esw_free(esw);
		return NULL;
	}
	return esw;
}

/* Remove all objects of switchdev mode, users before what they use. */
static void objects_flush(struct sluice_esw *esw)
{
	esw_rules_flush(esw);
	esw_ct_flush(esw);
	esw_masks_flush(esw);
	esw_endpoints_flush(esw);
	esw_encaps_flush(esw);
	esw_next_hops_flush(esw);
	esw_meters_flush(esw);
	esw->ranges.used = 0;
}

/**
 * sluice_esw_free() - end an eSwitch
 * @esw: the eSwitch, NULL is fine
 */
void sluice_esw_free(struct sluice_esw *esw)
{
	if (!esw)
		return;
	objects_flush(esw);
	esw_lanes_free(esw);
	esw_counters_free(esw);
	esw_vports_free(esw);
	esw_fdb_free(esw);
	free(esw->rules);
	free(esw->masks);
	free(esw->tables);
	free(esw->tun.next_hop);
	free(esw->tun.encap);
	free(esw->tun.endpoint);
	free(esw->tun.bucket);
	esw_cache_free(&esw->cache);
	free(esw->ct.conn);
	free(esw->ct.bucket);
	free(esw->meters);
	free(esw->burst);
	free(esw->arena);
	free(esw->out);
	free(esw);
}

/**
 * sluice_esw_reset() - PF reset
 * @esw: the eSwitch
 *
 * Everything is as after sluice_esw_new() but for permanent addresses and
 * carriers, which are facts of the outside.
 */
void sluice_esw_reset(struct sluice_esw *esw)
{
	struct sluice_esw *lane;
	unsigned int i;

	objects_flush(esw);
	esw_counters_reset(esw);
	esw_vports_reset(esw);
	esw->mode = SLUICE_ESW_LEGACY;
	for (i = 0; (lane = esw_lane_get(esw, i)); i++) {
		lane->lookups = 0;
		lane->hits = 0;
		lane->encapsulated = 0;
		lane->decapsulated = 0;
		memset(lane->misses, 0, sizeof(lane->misses));
	}
}

/**
 * sluice_esw_set_mode() - change the mode
 * @esw: the eSwitch
 * @mode: the mode, also the one it is in
 *
 * Removes every rule, mask, range, meter, encap, next hop, endpoint and
 * connection, unbinds every root table and clears egress_punt.  Counters keep
 * their values, vports their policies.
 *
 * Return: enum sluice_status.
 */
int sluice_esw_set_mode(struct sluice_esw *esw, enum sluice_esw_mode mode)
{
	if (mode != SLUICE_ESW_LEGACY && mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_INVAL;
	objects_flush(esw);
	esw_vports_unbind(esw);
	esw->mode = mode;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_mode() - the mode it is in
 * @esw: the eSwitch
 *
 * Return: enum sluice_esw_mode.
 */
enum sluice_esw_mode sluice_esw_mode(const struct sluice_esw *esw)
{
	return esw->mode;
}

/**
 * sluice_esw_query() - state of the eSwitch
 * @esw: the eSwitch
 * @info: filled, little-endian, but for @mapped, which the host knows
 */
void sluice_esw_query(const struct sluice_esw *esw,
		      struct sluice_esw_info *info)
{
	uint64_t encapsulated = 0, decapsulated = 0, lookups = 0, hits = 0;
	uint64_t misses[16] = { 0 };
	const struct sluice_esw *lane;
	unsigned int i, r;

	for (i = 0; (lane = esw_lane_get(esw, i)); i++) {
		encapsulated += lane->encapsulated;
		decapsulated += lane->decapsulated;
		lookups += lane->lookups;
		hits += lane->hits;
		for (r = 0; r < 16; r++)
			misses[r] += lane->misses[r];
	}
	memset(info, 0, sizeof(*info));
	info->mode = htole32(esw->mode);
	info->rules = htole32(esw->num_rules);
	info->masks = htole32(esw->num_masks);
	info->tables = htole32(esw->num_tables);
	info->counters = htole32(esw->num_counters);
	info->next_hops = htole32(esw->tun.num_next_hops);
	info->encaps = htole32(esw->tun.num_encaps);
	info->endpoints = htole32(esw->tun.num_endpoints);
	info->ct = htole32(esw->ct.num);
	info->meters = htole32(esw->num_meters);
	info->encapsulated = htole64(encapsulated);
	info->decapsulated = htole64(decapsulated);
	info->lookups = htole64(lookups);
	info->hits = htole64(hits);
	for (r = 0; r < 16; r++)
		info->misses[r] = htole64(misses[r]);
}

/*
 * Frames of a burst: the more of them, the more wait for memory at the same time.
 * But what so many need pushes each other out of the first cache, so that without
 * much to wait for fewer are faster.
 */
#define MANY_RULES	16384u

static bool many_rules(const struct sluice_esw *esw)
{
	return esw->num_rules + esw->ct.num > MANY_RULES;
}

/*
 * At most ESW_BURST frames that no rules are looked up for: all in legacy mode, and
 * in switchdev mode the PF's, which go nowhere.
 */
static void input(struct sluice_esw *esw, struct esw_vport *src,
		  const struct sluice_esw_frame *frames, unsigned int num)
{
	const struct sluice_esw_frame *good[ESW_BURST];
	unsigned int i, n;

	n = esw_vport_ingress(esw, src, frames, num, good);
	for (i = 0; i < n; i++) {
		if (esw->mode == SLUICE_ESW_LEGACY)
			esw_legacy_input(esw, src, good[i]->data, good[i]->len,
					 good[i]->flags);
		else
			esw_vport_drop(esw, src);
	}
}

/**
 * sluice_esw_input_burst() - a vport's owner sent several frames
 * @esw: the eSwitch
 * @in_vport: the vport; frames from one that does not exist are ignored
 * @frames: the frames, in order; all of them stay as they are during the call
 * @num: their number, any
 *
 * The same as sluice_esw_input() for each, but faster.
 */
void sluice_esw_input_burst(struct sluice_esw *esw, uint16_t in_vport,
			    const struct sluice_esw_frame *frames,
			    unsigned int num)
{
	unsigned int burst = ESW_BURST / 2, n;
	bool switched, many = false;
	struct esw_vport *src;
	uint64_t now = 0;

	esw_lane_check(esw);
	src = esw_vport_get(esw, in_vport);
	if (!src)
		return;
	switched = esw->mode == SLUICE_ESW_SWITCHDEV &&
		   src->num != SLUICE_VPORT_PF;
	if (switched) {
		now = esw->host.now(esw->host.ctx);
		many = many_rules(esw);
		if (many)
			burst = ESW_BURST;
	}
	esw_prefetch_frames(frames, 0, ESW_BURST / 2, num);
	for (; num; frames += n, num -= n) {
		n = num < burst ? num : burst;
		esw_prefetch_frames(frames, n, n + ESW_BURST / 2, num);
		if (switched)
			esw_switchdev_input(esw, src, frames, n, many, now);
		else
			input(esw, src, frames, n);
	}
}

/**
 * sluice_esw_input() - a vport's owner sent a frame
 * @esw: the eSwitch
 * @in_vport: the vport; a frame from one that does not exist is ignored
 * @frame: the frame, without FCS
 * @len: its length in bytes
 * @frame_flags: SLUICE_FRAME_*
 */
void sluice_esw_input(struct sluice_esw *esw, uint16_t in_vport,
		      const uint8_t *frame, uint32_t len,
		      unsigned int frame_flags)
{
	struct sluice_esw_frame f = {
		.data = frame, .len = len, .flags = frame_flags,
	};

	sluice_esw_input_burst(esw, in_vport, &f, 1);
}

/**
 * sluice_esw_direct() - the PF sent a frame straight to a vport
 * @esw: the eSwitch
 * @dst: the vport; in legacy mode uplink 1 only.  A frame to any other counts
 *	as dropped by the PF's vport
 * @frame: the frame, without FCS
 * @len: its length in bytes
 * @frame_flags: SLUICE_FRAME_*
 *
 * Nothing is counted as sent by the PF: the frame belongs to the vport's
 * representor.
 */
void sluice_esw_direct(struct sluice_esw *esw, uint16_t dst,
		       const uint8_t *frame, uint32_t len,
		       unsigned int frame_flags)
{
	struct esw_vport *vp;
	bool allowed;

	esw_lane_check(esw);
	vp = esw_vport_get(esw, dst);
	allowed = vp && dst != SLUICE_VPORT_PF &&
		  (esw->mode == SLUICE_ESW_SWITCHDEV ||
		   dst == SLUICE_VPORT_UPLINK(1));
	if (!allowed || len < SLUICE_FRAME_MIN)
		esw_vport_drop(esw, esw_vport_get(esw, SLUICE_VPORT_PF));
	else
		esw_vport_deliver(esw, vp, frame, len, frame_flags);
}
