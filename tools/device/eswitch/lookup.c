// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the best rule for a key: tuple-space search.
 *
 * A search hashes the masked key in one subtable after the other and stops when
 * no later one can hold a better rule.  Tables with several masks have an index
 * that leaves out most subtables, and the flow cache in front.
 *
 * A lookup comes in three steps, each of which asks for the memory that the
 * next one looks at; a burst does each step for all of its frames.
 */
#include "internal.h"

/* With more subtables to look in than this, their order counts. */
#define MANY_SUBS	8

static bool key_matches(const struct esw_mask *mask, const struct esw_rule *r,
			const uint64_t *key)
{
	uint64_t diff = 0;
	unsigned int i;

	for (i = 0; i < mask->words; i++)
		diff |= r->data[i] ^ (key[mask->index[i]] & mask->bits[i]);
	return !diff;
}

static const struct esw_bucket *bucket_of(const struct esw_subtable *sub,
					  uint32_t hash)
{
	return &sub->bucket[hash & ((1u << sub->log_buckets) - 1)];
}

static bool may_have(const struct esw_bucket *b, uint32_t hash)
{
	return b->filter >> (hash >> 27) & 1;
}

static const struct esw_rule *bucket_find(const struct esw_subtable *sub,
					  uint32_t hash, const uint64_t *key)
{
	const struct esw_bucket *b = bucket_of(sub, hash);
	const struct esw_rule *r;

	if (!may_have(b, hash))
		return NULL;
	for (r = b->rule; r; r = r->next)
		if (r->hash == hash && key_matches(sub->mask, r, key))
			return r;
	return NULL;
}

/* No rule of @sub can be better than @best. */
static bool sub_behind(const struct esw_subtable *sub,
		       const struct esw_rule *best)
{
	if (best->prio != sub->prio)
		return best->prio < sub->prio;
	return best->subprio < sub->subprio;
}

/* Of rules equal in both priorities, the one created last. */
static bool better(const struct esw_rule *r, const struct esw_rule *best)
{
	if (r->prio != best->prio)
		return r->prio < best->prio;
	if (r->subprio != best->subprio)
		return r->subprio < best->subprio;
	return r->seq > best->seq;
}

static void look_in(const struct esw_subtable *sub, const uint64_t *key,
		    const struct esw_rule **best)
{
	const struct esw_rule *r;

	r = bucket_find(sub, esw_hash_key(sub->mask, key), key);
	if (r && (!*best || better(r, *best)))
		*best = r;
}

/* In the subtables of some slots, in any order. */
static const struct esw_rule *search_slots(const struct esw_index *index,
					   struct esw_slots s,
					   const uint64_t *key)
{
	const struct esw_rule *best = NULL;
	unsigned int i;

	for (i = 0; i < ESW_SLOTS / 64; i++) {
		for (; s.bits[i]; s.bits[i] &= s.bits[i] - 1) {
			const struct esw_subtable *sub;

			sub = index->sub[64 * i + (unsigned int)
					 __builtin_ctzll(s.bits[i])];
			for (; sub; sub = sub->same_slot)
				if (!best || !sub_behind(sub, best))
					look_in(sub, key, &best);
		}
	}
	return best;
}

/* In all subtables that have a slot in @s, if it is not NULL. */
static const struct esw_rule *search_all(const struct esw_table *table,
					 const struct esw_slots *s,
					 const uint64_t *key)
{
	const struct esw_rule *best = NULL;
	uint32_t i;

	for (i = 0; i < table->num_subs; i++) {
		const struct esw_subtable *sub = table->sub[i];

		if (best && sub_behind(sub, best))
			break;
		if (!s || s->bits[sub->slot / 64] >> sub->slot % 64 & 1)
			look_in(sub, key, &best);
	}
	return best;
}

static const struct esw_rule *search(const struct esw_table *table,
				     const uint64_t *key)
{
	const struct esw_index *index = table->index;
	unsigned int i, n = 0;
	struct esw_slots s;

	if (!index || !index->set)
		return search_all(table, NULL, key);
	s = *esw_index_set(index, esw_hash_key(&index->pivot, key));
	for (i = 0; i < ESW_SLOTS / 64; i++) {
		s.bits[i] |= index->others.bits[i];
		n += (unsigned int)__builtin_popcountll(s.bits[i]);
	}
	if (n > MANY_SUBS)
		return search_all(table, &s, key);
	return search_slots(index, s, key);
}

static void prefetch_rule(const struct esw_rule *r)
{
	__builtin_prefetch(r);
	__builtin_prefetch(r->data);
}

/**
 * esw_lookup_start() - begin a lookup
 * @esw: the eSwitch
 * @l: the lookup
 * @id: table id; one without rules is fine
 * @key: the whole key
 *
 * No rule may change until the lookup has ended.
 */
void esw_lookup_start(struct sluice_esw *esw, struct esw_lookup *l,
		      uint32_t id, const uint64_t *key)
{
	const struct esw_table *table;

	table = id < esw->tables_size ? esw->tables[id] : NULL;
	l->table = table;
	l->rule = NULL;
	l->done = !table;
	if (!table)
		return;
	if (table->index) {
		l->hash = esw_hash_key(&table->index->all, key);
		esw_cache_prefetch(&esw->cache, table, l->hash);
	} else if (table->num_subs == 1) {
		l->hash = esw_hash_key(table->sub[0]->mask, key);
		__builtin_prefetch(bucket_of(table->sub[0], l->hash));
	}
}

/**
 * esw_lookup_next() - the second step of a lookup
 * @esw: the eSwitch
 * @l: the lookup
 * @key: the key it was started with
 */
void esw_lookup_next(struct sluice_esw *esw, struct esw_lookup *l,
		     const uint64_t *key)
{
	const struct esw_table *table = l->table;

	if (l->done)
		return;
	if (table->index) {
		l->done = esw_cache_find(&esw->cache, table, key, l->hash,
					 &l->rule);
		if (l->done && l->rule)
			prefetch_rule(l->rule);
		else if (!l->done && table->index->set)
			__builtin_prefetch(esw_index_set(table->index,
				esw_hash_key(&table->index->pivot, key)));
	} else if (table->num_subs == 1) {
		const struct esw_bucket *b = bucket_of(table->sub[0], l->hash);

		if (may_have(b, l->hash))
			prefetch_rule(b->rule);
		else
			l->done = true;
	}
}

/**
 * esw_lookup_end() - the last step of a lookup
 * @esw: the eSwitch
 * @l: the lookup
 * @key: the key it was started with
 *
 * Return: best rule or NULL.  Valid until the next change of a rule.
 */
const struct esw_rule *esw_lookup_end(struct sluice_esw *esw,
				      struct esw_lookup *l,
				      const uint64_t *key)
{
	const struct esw_table *table = l->table;

	if (l->done)
		return l->rule;
	if (table->index) {
		l->rule = search(table, key);
		esw_cache_store(&esw->cache, table, key, l->hash, l->rule);
	} else if (table->num_subs == 1) {
		l->rule = bucket_find(table->sub[0], l->hash, key);
	} else {
		l->rule = search(table, key);
	}
	l->done = true;
	return l->rule;
}

/**
 * esw_table_lookup() - a lookup in one go
 * @esw: the eSwitch
 * @id: table id
 * @key: the whole key
 *
 * Return: best rule or NULL.  Valid until the next change of a rule.
 */
const struct esw_rule *esw_table_lookup(struct sluice_esw *esw, uint32_t id,
					const uint64_t *key)
{
	struct esw_lookup l;

	esw_lookup_start(esw, &l, id, key);
	esw_lookup_next(esw, &l, key);
	return esw_lookup_end(esw, &l, key);
}
