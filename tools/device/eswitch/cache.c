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
#include <sys/mman.h>
#include "cache.h"

#define FEW_EVICTIONS	64u	/* lookups for each that is not one too many */
#define REST		16u	/* windows without it */
#define GEN(stamp)	((stamp) & ((1ull << ESW_CACHE_GEN_BITS) - 1))

bool esw_cache_init(struct esw_cache *c)
{
	const size_t size = sizeof(*c->unit) << ESW_CACHE_LOG;
	const uintptr_t before = ESW_HUGE_PAGE - 1;

	c->mem = calloc(1, size + before);
	if (!c->mem)
		return false;
	c->unit = (void *)(((uintptr_t)c->mem + before) & ~before);
	madvise(c->unit, size, MADV_HUGEPAGE);
	c->log = ESW_CACHE_MIN_LOG;
	return true;
}

void esw_cache_free(struct esw_cache *c)
{
	free(c->mem);
}

/* Units of an entry for a table whose masks look at @words of a key. */
uint32_t esw_cache_units(uint32_t words)
{
	/* The rule is a word, too. */
	if (words <= 6)
		return 1;
	return words <= 13 ? 2 : words <= 27 ? 4 : 8;
}

_Static_assert(1 + SLUICE_KEY_WORDS <= 8 * 7, "a key does not fit an entry");

/* esw_cache_find() for entries of more than a unit. */
bool esw_cache_is(const struct esw_cache_unit *u, uint64_t stamp,
		  const struct esw_mask *all, const uint64_t *key)
{
	uint64_t diff = u->stamp ^ stamp;
	uint32_t i, at = 1;

	for (i = 0; i < all->words; i++, at++) {
		if (at == 7) {
			u++;
			diff |= u->stamp ^ stamp;
			at = 0;
		}
		diff |= u->word[at] ^ (key[all->index[i]] & all->bits[i]);
	}
	return !diff;
}

/* Think about the size. */
void esw_cache_review(struct esw_cache *c)
{
	if (c->evictions > c->lookups / FEW_EVICTIONS) {
		if (c->log < ESW_CACHE_LOG)
			c->log++;
		else if (c->hits < c->lookups / 4)
			c->rest = REST * ESW_CACHE_WINDOW(c);
	}
	c->lookups = 0;
	c->hits = 0;
	c->evictions = 0;
}

/* Remember what was found after esw_cache_find() had not found it. */
void esw_cache_store(struct esw_cache *c, const struct esw_table *table,
		     const uint64_t *key, uint32_t hash,
		     const struct esw_rule *rule)
{
	const struct esw_mask *all = &table->index->all;
	uint32_t units = table->index->units, i, at = 1;
	uint64_t stamp = esw_cache_stamp(table, hash), first, second;
	struct esw_cache_unit *u;

	if (c->rest) {
		c->rest--;
		return;
	}
	u = esw_cache_place(c, units, hash);
	first = GEN(u->stamp);
	second = GEN(u[units].stamp);
	if (first != table->gen || second != table->gen) {
		/* The older one is less likely to be good for another table. */
		if (first == table->gen ||
		    (second != table->gen && second < first))
			u += units;
	} else {
		/* Either of them; the hash has bits that nobody looked at. */
		u += hash >> 31 ^ (c->lookups & 1) ? units : 0;
		c->evictions++;
		/* No need to wait. */
		if (c->log < ESW_CACHE_LOG &&
		    c->evictions > ESW_CACHE_WINDOW(c) / FEW_EVICTIONS)
			esw_cache_review(c);
	}
	u->stamp = stamp;
	u->word[0] = (uintptr_t)rule;
	for (i = 0; i < all->words; i++, at++) {
		if (at == 7) {
			u++;
			u->stamp = stamp;
			at = 0;
		}
		u->word[at] = key[all->index[i]] & all->bits[i];
	}
}
