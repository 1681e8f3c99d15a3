// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The flow cache of tables with several masks.
 *
 * An entry holds those bits of a key that some mask of the table looks at, and
 * the rule found for it, or that there is none.  An entry is good as long as
 * its table is as it was.  All tables share the units, and an entry of one may
 * come to lie across entries of another: therefore each unit has the stamp of
 * what was written last.  Two entries share a place.
 *
 * The part in use grows while flows push each other out.  Memory for all of it
 * is there from the start, but nobody has touched it.
 */
#include <stdlib.h>
#include "internal.h"

#define WAYS		2

/* Lookups in a row that decide about the size, and whether it helps at all. */
#define WINDOW(c)	(4u << (c)->log)
#define REST		16u	/* windows without it */

bool esw_cache_init(struct esw_cache *c)
{
	c->mem = calloc((1u << ESW_CACHE_LOG) + 1, sizeof(*c->unit));
	if (!c->mem)
		return false;
	c->unit = (void *)(((uintptr_t)c->mem + 63) & ~(uintptr_t)63);
	c->log = ESW_CACHE_MIN_LOG;
	return true;
}

void esw_cache_free(struct esw_cache *c)
{
	free(c->mem);
}

/* Units of an entry, a power of two. */
static uint32_t entry_units(const struct esw_table *table)
{
	uint32_t words = 1 + table->index->all.words;

	if (words <= 7)
		return 1;
	return words <= 14 ? 2 : words <= 28 ? 4 : 8;
}

_Static_assert(1 + SLUICE_KEY_WORDS <= 8 * 7, "a key does not fit an entry");

/* Stamps stay below this for as long as a machine lives. */
#define GEN_BITS	44
#define GEN(stamp)	((stamp) & ((1ull << GEN_BITS) - 1))

/* What the units of an entry are stamped with: tells most keys apart, too. */
static uint64_t stamp(const struct esw_table *table, uint32_t hash)
{
	return table->gen | (uint64_t)hash >> 12 << GEN_BITS;
}

static struct esw_cache_unit *place(const struct esw_cache *c, uint32_t units,
				    uint32_t hash)
{
	uint32_t at = hash * units * WAYS;

	return c->unit + (at & ((1u << c->log) - 1));
}

/* Ask for the memory that esw_cache_find() looks at. */
void esw_cache_prefetch(const struct esw_cache *c,
			const struct esw_table *table, uint32_t hash)
{
	uint32_t units = entry_units(table);
	const struct esw_cache_unit *u = place(c, units, hash);
	uint32_t i;

	if (c->rest)
		return;
	for (i = 0; i < units * WAYS; i++)
		__builtin_prefetch(u + i);
}

static bool entry_is(const struct esw_cache_unit *u, uint64_t st,
		     const struct esw_table *table, const uint64_t *key)
{
	const struct esw_mask *all = &table->index->all;
	uint64_t diff = u->stamp ^ st;
	uint32_t i, at = 1;

	for (i = 0; i < all->words; i++, at++) {
		if (at == 7) {
			u++;
			diff |= u->stamp ^ st;
			at = 0;
		}
		diff |= u->word[at] ^ (key[all->index[i]] & all->bits[i]);
	}
	return !diff;
}

/*
 * The same with the words masked already, no more than fit the entry's first unit
 * with the rule.
 */
#define FIRST_WORDS	6u

static inline bool first_is(const struct esw_cache_unit *u, uint64_t st,
			    const uint64_t *word, uint32_t words)
{
	uint64_t diff = u->stamp ^ st;

	switch (words) {
	case 6:
		diff |= u->word[6] ^ word[5];
		__attribute__((fallthrough));
	case 5:
		diff |= u->word[5] ^ word[4];
		__attribute__((fallthrough));
	case 4:
		diff |= u->word[4] ^ word[3];
		__attribute__((fallthrough));
	case 3:
		diff |= u->word[3] ^ word[2];
		__attribute__((fallthrough));
	case 2:
		diff |= u->word[2] ^ word[1];
		__attribute__((fallthrough));
	case 1:
		diff |= u->word[1] ^ word[0];
	}
	return !diff;
}

/* Think about the size. */
static void review(struct esw_cache *c)
{
	if (c->evictions > c->lookups / 16) {
		if (c->log < ESW_CACHE_LOG)
			c->log++;
		else if (c->hits < c->lookups / 4)
			c->rest = REST * WINDOW(c);
	}
	c->lookups = 0;
	c->hits = 0;
	c->evictions = 0;
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
bool esw_cache_find(struct esw_cache *c, const struct esw_table *table,
		    const uint64_t *key, const uint64_t *word, uint32_t hash,
		    const struct esw_rule **rule)
{
	uint32_t words = table->index->all.words;
	uint32_t units = entry_units(table);
	const struct esw_cache_unit *u;
	uint64_t st = stamp(table, hash);

	if (c->rest)
		return false;
	if (++c->lookups >= WINDOW(c))
		review(c);
	u = place(c, units, hash);
	/* Without a branch, as no processor foresees which of them it is. */
	u += u->stamp == st ? 0 : units;
	if (!(words <= FIRST_WORDS ? first_is(u, st, word, words) :
				     entry_is(u, st, table, key)))
		return false;
	c->hits++;
	*rule = (const void *)(uintptr_t)u->word[0];
	return true;
}

/* Remember what was found after esw_cache_find() had not found it. */
void esw_cache_store(struct esw_cache *c, const struct esw_table *table,
		     const uint64_t *key, uint32_t hash,
		     const struct esw_rule *rule)
{
	const struct esw_mask *all = &table->index->all;
	uint32_t units = entry_units(table), i, at = 1;
	struct esw_cache_unit *u;

	if (c->rest) {
		c->rest--;
		return;
	}
	u = place(c, units, hash);
	if (GEN(u->stamp) == table->gen && GEN(u[units].stamp) != table->gen) {
		u += units;
	} else if (GEN(u->stamp) == table->gen) {
		/* Either of them; the hash has bits that nobody looked at. */
		u += hash >> 31 ^ (c->lookups & 1) ? units : 0;
		c->evictions++;
	}
	u->stamp = stamp(table, hash);
	u->word[0] = (uintptr_t)rule;
	for (i = 0; i < all->words; i++, at++) {
		if (at == 7) {
			u++;
			u->stamp = stamp(table, hash);
			at = 0;
		}
		u->word[at] = key[all->index[i]] & all->bits[i];
	}
}
