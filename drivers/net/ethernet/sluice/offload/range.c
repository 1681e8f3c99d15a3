// SPDX-License-Identifier: GPL-2.0-only
/*
 * flower's port ranges: comparators in the device, shared by all rules that
 * ask for the same ports.
 *
 * Each is a bit of the key.  Who holds references to comparators says so by
 * these bits, in the mask of a match or of a rule.
 */
#include "offload.h"

static struct sluice_range *range_next(struct sluice_offload *off, u64 *bits)
{
	unsigned int i = __ffs64(*bits);

	*bits &= ~BIT_ULL(i);
	return &off->ranges[i];
}

static int range_post(struct sluice_offload *off, unsigned int id)
{
	const struct sluice_range *range = &off->ranges[id];
	struct sluice_cmd_range cmd = {
		.id = cpu_to_le32(id),
		.field = range->field,
		.min = cpu_to_le16(range->min),
		.max = cpu_to_le16(range->max),
	};

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_RANGE_SET, sizeof(cmd));
	return sluice_offload_post(off, &cmd.hdr);
}

/**
 * sluice_range_get() - find or make a comparator
 * @off: offload, lock held
 * @field: enum sluice_range_field
 * @min: first port, host byte order
 * @max: last port
 *
 * Return: its id with one more reference, -ENOSPC when all are in use, -EIO.
 */
int sluice_range_get(struct sluice_offload *off, u8 field, u16 min, u16 max)
{
	struct sluice_range *range;
	int i, id = -1, err;

	for (i = 0; i < SLUICE_MAX_RANGES; i++) {
		range = &off->ranges[i];
		if (!range->refs) {
			if (id < 0)
				id = i;
		} else if (range->field == field && range->min == min &&
			   range->max == max) {
			range->refs++;
			return i;
		}
	}
	if (id < 0)
		return -ENOSPC;
	off->ranges[id] = (struct sluice_range){
		.min = min, .max = max, .field = field, .refs = 1,
	};
	err = range_post(off, id);
	if (err) {
		off->ranges[id].refs = 0;
		return err;
	}
	return id;
}

/**
 * sluice_ranges_hold() - take one more reference to each of some comparators
 * @off: offload, lock held
 * @bits: which
 */
void sluice_ranges_hold(struct sluice_offload *off, __le64 bits)
{
	u64 left = le64_to_cpu(bits);

	while (left)
		range_next(off, &left)->refs++;
}

/**
 * sluice_ranges_put() - give a reference to each of some comparators back
 * @off: offload, lock held
 * @bits: which; the masks that select them are gone or on their way
 */
void sluice_ranges_put(struct sluice_offload *off, __le64 bits)
{
	u64 left = le64_to_cpu(bits);

	while (left) {
		struct sluice_range *range = range_next(off, &left);

		if (!--range->refs)
			sluice_offload_post_u32(off, SLUICE_CMD_RANGE_DEL,
						range - off->ranges);
	}
}

/**
 * sluice_ranges_replay() - write all comparators into a device that was reset
 * @off: offload, lock held
 */
void sluice_ranges_replay(struct sluice_offload *off)
{
	unsigned int i;

	for (i = 0; i < SLUICE_MAX_RANGES; i++)
		if (off->ranges[i].refs)
			range_post(off, i);
}

/* Can a packet hit both sets, of which each has the same fields? */
static bool ranges_meet(struct sluice_offload *off, u64 a, u64 b)
{
	while (a) {
		const struct sluice_range *ra = range_next(off, &a);
		u64 left = b;

		while (left) {
			const struct sluice_range *rb = range_next(off, &left);

			if (ra->field == rb->field &&
			    (ra->max < rb->min || rb->max < ra->min))
				return false;
		}
	}
	return true;
}

/* Can a packet match both but for port ranges? */
static bool others_meet(const struct sluice_rule *rule,
			const struct sluice_match *match)
{
	const u64 *mask = (const u64 *)&rule->mask->bits;
	const u64 *key = (const u64 *)&match->key;
	const u64 *bits = (const u64 *)&match->mask;
	const u8 *data = rule->cmd.data;
	unsigned int i;
	u64 word;

	for (i = 0; i < SLUICE_KEY_WORDS; i++) {
		if (!(rule->mask->words & BIT_ULL(i)))
			continue;
		memcpy(&word, data, sizeof(word));
		data += sizeof(word);
		if (i == offsetof(struct sluice_key, range_hits) / sizeof(word))
			continue;
		if ((word ^ key[i]) & mask[i] & bits[i])
			return false;
	}
	return true;
}

/**
 * sluice_ranges_clash() - does a filter share packets with one of its own mask
 * @block: block of the filter; offload lock held
 * @spec: the filter, with port ranges
 *
 * Of filters that have the same mask and overlapping ranges flower takes the
 * one that is first in a list, where a filter keeps the place of the one it
 * replaced.  The driver is not told that order.
 *
 * Return: true when that order would matter.
 */
bool sluice_ranges_clash(struct sluice_block *block,
			 const struct sluice_spec *spec)
{
	u64 bits = le64_to_cpu(spec->match.mask.range_hits);
	const struct sluice_rule *rule;
	u64 other;

	list_for_each_entry(rule, &block->rules, list) {
		if (!(rule->flags & SLUICE_RULE_PLACED) ||
		    rule->order->id != spec->order ||
		    rule->table->chain != spec->chain ||
		    rule->order->prio->prio != spec->prio)
			continue;
		other = le64_to_cpu(rule->mask->bits.range_hits);
		if (other != bits && ranges_meet(block->off, bits, other) &&
		    others_meet(rule, &spec->match))
			return true;
	}
	return false;
}
