/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ids of what comes and goes by the hundred thousand: rules and counters.
 */
#ifndef SLUICE_IDS_H
#define SLUICE_IDS_H

#include <linux/bits.h>
#include <linux/types.h>

/* As many as we can use, whatever the device claims to have. */
#define SLUICE_IDS_MAX	BIT(24)

/**
 * struct sluice_ids - which ids are in use
 * @used: a bit for each id
 * @full: a bit for each word of @used without a clear bit
 * @words: words of @used
 * @max: ids are below this
 * @low: words of @used below this are full
 *
 * An IDA would do, but for its time: it takes interrupts off and walks a tree,
 * twice for each rule.  Whoever has these has a lock for them.
 */
struct sluice_ids {
	unsigned long *used;
	unsigned long *full;
	u32 words;
	u32 max;
	u32 low;
};

int sluice_ids_init(struct sluice_ids *ids, u32 max);
void sluice_ids_fini(struct sluice_ids *ids);
int sluice_ids_get(struct sluice_ids *ids, u32 limit);
void sluice_ids_put(struct sluice_ids *ids, u32 id);

#endif
