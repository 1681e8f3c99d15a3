/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow cache: what each lookup needs of it.
 */
#ifndef SLUICE_ESW_CACHE_H
#define SLUICE_ESW_CACHE_H

#include "internal.h"

#define ESW_CACHE_WAYS		2

/* Lookups in a row that decide about the size, and whether it helps at all. */
#define ESW_CACHE_WINDOW(c)	(4u << (c)->log)

/* Stamps of tables stay below this for as long as a machine lives. */
#define ESW_CACHE_GEN_BITS	44

/* What the units of an entry are stamped with: tells most keys apart, too. */
static inline uint64_t esw_cache_stamp(const struct esw_table *table,
				       uint32_t hash)
{
	return table->gen | (uint64_t)hash >> 12 << ESW_CACHE_GEN_BITS;
}

static inline struct esw_cache_unit *
esw_cache_place(const struct esw_cache *c, uint32_t units, uint32_t hash)
{
	uint32_t at = hash * units * ESW_CACHE_WAYS;

	return c->unit + (at & ((1u << c->log) - 1));
}

/*
 * Ask for the entry that esw_cache_find() looks at first.  It mostly is the one: as
 * long as there is room, the second of a place is seldom used.
 */
static ESW_PREFETCHER void
esw_cache_prefetch(const struct esw_cache *c, uint32_t units, uint32_t hash)
{
	const struct esw_cache_unit *u = esw_cache_place(c, units, hash);
	uint32_t i;

	for (i = 0; i < units; i++)
		__builtin_prefetch(u + i);
}

/* Bits that differ in up to eight words; without a branch for each of them. */
static inline __attribute__((always_inline)) uint64_t
esw_words_diff(const uint64_t *a, const uint64_t *b, uint32_t words)
{
	uint64_t diff = 0;

	switch (words) {
	case 8:
		diff |= a[7] ^ b[7];
		__attribute__((fallthrough));
	case 7:
		diff |= a[6] ^ b[6];
		__attribute__((fallthrough));
	case 6:
		diff |= a[5] ^ b[5];
		__attribute__((fallthrough));
	case 5:
		diff |= a[4] ^ b[4];
		__attribute__((fallthrough));
	case 4:
		diff |= a[3] ^ b[3];
		__attribute__((fallthrough));
	case 3:
		diff |= a[2] ^ b[2];
		__attribute__((fallthrough));
	case 2:
		diff |= a[1] ^ b[1];
		__attribute__((fallthrough));
	case 1:
		diff |= a[0] ^ b[0];
	}
	return diff;
}

/*
 * Is the entry of a unit that of a key?  Its words are masked already, no more of
 * them than fit the unit beside the rule.
 */
static inline bool esw_cache_unit_is(const struct esw_cache_unit *u,
				     uint64_t stamp, const uint64_t *word,
				     uint32_t words)
{
	return !((u->stamp ^ stamp) | esw_words_diff(u->word + 1, word, words));
}

/**
 * esw_cache_find() - look for a key
 * @c: the cache
 * @table: the table, with an index
 * @key: the whole key
 * @word: the words that the table looks at, masked, if there are up to
 *	ESW_LOOKUP_WORDS of them
 * @hash: of these words
 * @rule: set to the rule, or NULL when there is none, if the key was found
 *
 * Return: whether it was found.
 */
static inline bool esw_cache_find(struct esw_cache *c,
				  const struct esw_table *table,
				  const uint64_t *key, const uint64_t *word,
				  uint32_t hash, const struct esw_rule **rule)
{
	const struct esw_mask *all = &table->index->all;
	uint32_t units = table->index->units;
	uint64_t stamp = esw_cache_stamp(table, hash);
	const struct esw_cache_unit *u;

	if (c->rest)
		return false;
	if (++c->lookups >= ESW_CACHE_WINDOW(c))
		esw_cache_review(c);
	u = esw_cache_place(c, units, hash);
	/* Without a branch, as no processor foresees which of them it is. */
	u += u->stamp == stamp ? 0 : units;
	if (!(units == 1 ? esw_cache_unit_is(u, stamp, word, all->words) :
			   esw_cache_is(u, stamp, all, key)))
		return false;
	c->hits++;
	*rule = (const void *)(uintptr_t)u->word[0];
	return true;
}

#endif /* SLUICE_ESW_CACHE_H */
