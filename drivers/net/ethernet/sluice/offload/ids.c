// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ids of what comes and goes by the hundred thousand.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ids.h"

/**
 * sluice_ids_init() - start with all ids unused
 * @ids: ids
 * @max: ids are below this, and below %SLUICE_IDS_MAX
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_ids_init(struct sluice_ids *ids, u32 max)
{
	ids->max = min_t(u32, max, SLUICE_IDS_MAX);
	ids->words = BITS_TO_LONGS(ids->max);
	ids->low = 0;
	ids->used = kvcalloc(ids->words, sizeof(*ids->used), GFP_KERNEL);
	ids->full = kvcalloc(BITS_TO_LONGS(ids->words), sizeof(*ids->full),
			     GFP_KERNEL);
	if (ids->used && ids->full)
		return 0;
	sluice_ids_fini(ids);
	return -ENOMEM;
}

/**
 * sluice_ids_fini() - free what they take, whether they are in use or not
 * @ids: ids; harmless a second time, and with all zero
 */
void sluice_ids_fini(struct sluice_ids *ids)
{
	kvfree(ids->full);
	kvfree(ids->used);
	memset(ids, 0, sizeof(*ids));
}

/**
 * sluice_ids_get() - take the lowest unused id
 * @ids: ids, their lock held
 * @limit: it must be below this
 *
 * Return: the id, or -ENOSPC.
 */
int sluice_ids_get(struct sluice_ids *ids, u32 limit)
{
	unsigned long word, id;

	word = find_next_zero_bit(ids->full, ids->words, ids->low);
	if (word >= ids->words)
		return -ENOSPC;
	ids->low = word;
	id = word * BITS_PER_LONG + ffz(ids->used[word]);
	if (id >= min(limit, ids->max))
		return -ENOSPC;
	__set_bit(id, ids->used);
	if (!~ids->used[word])
		__set_bit(word, ids->full);
	return id;
}

/**
 * sluice_ids_put() - give an id back
 * @ids: ids, their lock held
 * @id: one that is in use
 */
void sluice_ids_put(struct sluice_ids *ids, u32 id)
{
	u32 word = id / BITS_PER_LONG;

	__clear_bit(id, ids->used);
	__clear_bit(word, ids->full);
	ids->low = min(ids->low, word);
}
