// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Port range comparators.  Each looks at the ports the parser found and adds
 * one bit to the key, which masks select like any other.
 */
#include "internal.h"

/**
 * sluice_esw_range_set() - create or change a comparator
 * @esw: the eSwitch, in switchdev mode
 * @cmd: the command, little-endian
 *
 * It takes effect for the next frame.
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL (id out of range, no such field,
 * an empty range) or %SLUICE_ST_OK.
 */
int sluice_esw_range_set(struct sluice_esw *esw,
			 const struct sluice_cmd_range *cmd)
{
	uint32_t id = le32toh(cmd->id);
	struct esw_range r = {
		.field = cmd->field,
		.min = le16toh(cmd->min),
		.max = le16toh(cmd->max),
	};

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= SLUICE_MAX_RANGES || r.field > SLUICE_RANGE_L4_DST ||
	    r.min > r.max)
		return SLUICE_ST_INVAL;
	esw->ranges.used |= 1ull << id;
	esw->ranges.range[id] = r;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_range_del() - remove a comparator
 * @esw: the eSwitch, in switchdev mode
 * @id: its id
 *
 * Its bit of the key is zero from the next frame on.
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOENT or
 * %SLUICE_ST_OK.
 */
int sluice_esw_range_del(struct sluice_esw *esw, uint32_t id)
{
	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= SLUICE_MAX_RANGES)
		return SLUICE_ST_INVAL;
	if (!(esw->ranges.used >> id & 1))
		return SLUICE_ST_NOENT;
	esw->ranges.used &= ~(1ull << id);
	return SLUICE_ST_OK;
}

/* Fill in range_hits of a key. */
void esw_ranges_match(const struct esw_ranges *ranges, struct sluice_key *key)
{
	uint16_t port[] = { be16toh(key->l4_src), be16toh(key->l4_dst) };
	uint64_t left = ranges->used, hits = 0;

	while (left) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);
		const struct esw_range *r = &ranges->range[i];

		left &= left - 1;
		if (port[r->field] >= r->min && port[r->field] <= r->max)
			hits |= 1ull << i;
	}
	key->range_hits = htole64(hits);
}
