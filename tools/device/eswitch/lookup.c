// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the best rule for a key: tuple-space search.
 *
 * A search hashes the masked key in one subtable after the other and stops when
 * no later one can hold a better rule.  Tables with several masks have an index
 * that leaves out most subtables, and the flow cache in front.
 *
 * Lookups are done several at once, in steps that ask for the memory which the
 * next one looks at: so the keys of a burst wait for memory at the same time.
 */
#include "cache.h"

static inline bool key_matches(const struct esw_mask *mask, const struct esw_rule *r,
			const uint64_t *key)
{
	uint64_t diff = 0;
	unsigned int i;

	for (i = 0; i + 1 < mask->words; i += 2)
		diff |= (r->data[i] ^ (key[mask->index[i]] & mask->bits[i])) |
			(r->data[i + 1] ^
			 (key[mask->index[i + 1]] & mask->bits[i + 1]));
	if (i < mask->words)
		diff |= r->data[i] ^ (key[mask->index[i]] & mask->bits[i]);
	return !diff;
}

/*
 * Masks of few words, which most are: the words of a key are masked once, for
 * its hash and for comparing it.  The hash is that of esw_hash_key().
 */
#define FEW_WORDS	4u
#define SOME_WORDS	8u

_Static_assert(SOME_WORDS == ESW_LOOKUP_WORDS, "words of a lookup");

static inline void mask_words(const struct esw_mask *mask,
			      struct esw_lookup *l, unsigned int most)
{
	const uint64_t *key = l->key, *bits = mask->bits;
	const uint8_t *index = mask->index;
	unsigned int i;

	/* Behind the last word the bits are zero. */
#pragma GCC unroll 8
	for (i = 0; i < most; i++)
		l->word[i] = key[index[i]] & bits[i];
}

static inline uint32_t hash_masked(const struct esw_mask *mask,
				   struct esw_lookup *l, unsigned int most)
{
	const uint64_t *w = l->word;
	uint64_t h = 0;

	mask_words(mask, l, most);
	if (mask->words)
		h = esw_hash_pair(w[0], w[1], ESW_HASH_STEP) +
		    esw_hash_pair(w[2], w[3], 3 * ESW_HASH_STEP);
	if (most > FEW_WORDS && mask->words > FEW_WORDS)
		h += esw_hash_pair(w[4], w[5], 5 * ESW_HASH_STEP) +
		     esw_hash_pair(w[6], w[7], 7 * ESW_HASH_STEP);
	return esw_hash_end(h);
}

/* Does a rule have these words? */
static inline bool words_match(const struct esw_rule *r, const uint64_t *w,
			       uint32_t words)
{
	return !esw_words_diff(r->data, w, words);
}

static const struct esw_hash_bucket *bucket_of(const struct esw_subtable *sub,
					  uint32_t hash)
{
	return &sub->bucket[hash & sub->last_bucket];
}

/* Tags of a bucket and its number, and what a tag that is the same becomes. */
typedef uint16_t tags __attribute__((vector_size(16), may_alias));

#define TAG_BITS	((tags){ 1, 2, 4, 8, 16, 32, 0, 0 })

_Static_assert(ESW_BUCKET_KEYS == 6 &&
	       offsetof(struct esw_hash_bucket, tag) % sizeof(tags) == 0 &&
	       sizeof(struct esw_hash_bucket) == ESW_LINE, "tags of a bucket");

/*
 * Which keys of a bucket have the hash's tag, a bit for each.  There are no
 * branches: a processor could not foresee them.
 */
static unsigned int same_tag(const struct esw_hash_bucket *b, uint32_t hash)
{
	uint16_t t = esw_hash_tag(hash);
	tags all = { t, t, t, t, t, t, t, t };
	tags same = (*(const tags *)b->tag == all) & TAG_BITS;
	typedef uint64_t pair __attribute__((vector_size(16)));
	uint64_t set = ((pair)same)[0] | ((pair)same)[1];

	set |= set >> 32;
	return (uint16_t)(set | set >> 16);
}

/* The first rule that has the hash's tag, or NULL. */
static const struct esw_rule *bucket_guess(const struct esw_subtable *sub,
					   uint32_t hash)
{
	const struct esw_hash_bucket *b = bucket_of(sub, hash);
	unsigned int set = same_tag(b, hash);

	return set ? b->rule[__builtin_ctz(set)] : NULL;
}

static const struct esw_rule *bucket_find(const struct esw_subtable *sub,
					  uint32_t hash, const uint64_t *key)
{
	const struct esw_hash_bucket *b = bucket_of(sub, hash);
	unsigned int set = same_tag(b, hash), i;
	const struct esw_rule *r;

	for (; set; set &= set - 1) {
		i = (unsigned int)__builtin_ctz(set);
		if (i < b->num && key_matches(sub->mask, b->rule[i], key))
			return b->rule[i];
	}
	if (b->num <= ESW_BUCKET_KEYS)
		return NULL;
	for (r = b->rule[ESW_BUCKET_KEYS - 1]->next; r; r = r->next)
		if (r->hash == hash && key_matches(sub->mask, r, key))
			return r;
	return NULL;
}

/* Words of a key, and the program behind it, that are in a rule's second line. */
#define LINE_WORDS	5u

/*
 * Ask for the part of a rule that matters: its second cache line, and the third
 * when that many @words of a key are to be compared.  NULL is fine.
 */
static ESW_PREFETCHER void prefetch_rule(const struct esw_rule *r, uint32_t words)
{
	if (!r)
		return;
	__builtin_prefetch(&r->counter);
	if (words > LINE_WORDS)
		__builtin_prefetch(&r->data[LINE_WORDS + 1]);
}

_Static_assert(offsetof(struct esw_rule, data[LINE_WORDS + 1]) == 2 * ESW_LINE,
	       "third line of a rule");

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

/* Among the rules of priority @from and later. */
static void look_in(const struct esw_subtable *sub, uint32_t hash,
		    const uint64_t *key, uint64_t from,
		    const struct esw_rule **best)
{
	const struct esw_rule *r;

	if (*best && sub_behind(sub, *best))
		return;
	r = bucket_find(sub, hash, key);
	/* Priorities are not where the rest is: don't look without need. */
	if (from)
		while (r && r->prio < from)
			r = r->same;
	if (r && (!*best || better(r, *best)))
		*best = r;
}

/* In all subtables that have a slot in @s, if it is not NULL. */
static const struct esw_rule *search_all(const struct esw_table *table,
					 const struct esw_slots *s,
					 const uint64_t *key, uint64_t from)
{
	const struct esw_rule *best = NULL;
	uint32_t i;

	for (i = 0; i < table->num_subs; i++) {
		const struct esw_subtable *sub = table->sub[i];

		if (best && sub_behind(sub, best))
			break;
		if (!s || s->bits[sub->slot / 64] >> sub->slot % 64 & 1)
			look_in(sub, esw_hash_key(sub->mask, key), key, from,
				&best);
	}
	return best;
}

/* Which subtables the index names. */
static struct esw_slots slots_of(const struct esw_index *index,
				 const uint64_t *key)
{
	struct esw_slots s;
	unsigned int i;

	s = *esw_index_set(index, esw_hash_key(&index->pivot, key));
	for (i = 0; i < ESW_SLOTS / 64; i++)
		s.bits[i] |= index->others.bits[i];
	return s;
}

/* Make the subtables of some slots candidates, unless they are too many. */
static void choose(const struct esw_index *index, struct esw_lookup *l)
{
	struct esw_slots s = slots_of(index, l->key);
	unsigned int i;

	for (i = 0; i < ESW_SLOTS / 64; i++) {
		for (; s.bits[i]; s.bits[i] &= s.bits[i] - 1) {
			const struct esw_subtable *sub;

			sub = index->sub[64 * i + (unsigned int)
					 __builtin_ctzll(s.bits[i])];
			for (; sub; sub = sub->same_slot, l->num++) {
				struct esw_candidate *c;

				if (l->num >= ESW_CANDIDATES)
					continue;
				c = &l->candidate[l->num];
				c->sub = sub;
				c->hash = esw_hash_key(sub->mask, l->key);
				__builtin_prefetch(bucket_of(sub, c->hash));
			}
		}
	}
}

static void search_index(const struct esw_table *table, struct esw_lookup *l)
{
	struct esw_slots s;
	unsigned int i;

	if (!table->index->set) {
		l->rule = search_all(table, NULL, l->key, 0);
	} else if (l->num > ESW_CANDIDATES) {
		s = slots_of(table->index, l->key);
		l->rule = search_all(table, &s, l->key, 0);
	} else {
		for (i = 0; i < l->num; i++)
			look_in(l->candidate[i].sub, l->candidate[i].hash,
				l->key, 0, &l->rule);
	}
}

#define TABLE_STEP	0x9e3779b1u

/* Look up keys in a table with several masks. */
static void lookup_index(struct sluice_esw *esw, const struct esw_table *table,
			 struct esw_lookup *l, unsigned int num)
{
	const struct esw_index *index = table->index;
	uint32_t words = index->all.words, units = index->units;
	unsigned int i, c, misses = 0;

	for (i = 0; i < num; i++) {
		if (words <= FEW_WORDS)
			l[i].hash = hash_masked(&index->all, &l[i], FEW_WORDS);
		else if (words <= SOME_WORDS)
			l[i].hash = hash_masked(&index->all, &l[i], SOME_WORDS);
		else
			l[i].hash = esw_hash_key(&index->all, l[i].key);
		/* The same key in another table has another place in the cache. */
		l[i].hash += table->id * TABLE_STEP;
		if (!esw->cache.rest)
			esw_cache_prefetch(&esw->cache, units, l[i].hash);
	}
	for (i = 0; i < num; i++) {
		l[i].num = 0;
		l[i].done = esw_cache_find(&esw->cache, table, l[i].key,
					   l[i].word, l[i].hash, &l[i].rule);
		if (l[i].done) {
			prefetch_rule(l[i].rule, 0);
			continue;
		}
		misses++;
		if (index->set)
			__builtin_prefetch(esw_index_set(index,
				esw_hash_key(&index->pivot, l[i].key)));
	}
	if (!misses)
		return;
	for (i = 0; i < num; i++)
		if (!l[i].done && index->set)
			choose(index, &l[i]);
	for (i = 0; i < num; i++) {
		for (c = 0; c < l[i].num && c < ESW_CANDIDATES; c++) {
			const struct esw_candidate *at = &l[i].candidate[c];

			prefetch_rule(bucket_guess(at->sub, at->hash),
				      at->sub->mask->words);
		}
	}
	for (i = 0; i < num; i++) {
		if (l[i].done)
			continue;
		search_index(table, &l[i]);
		esw_cache_store(&esw->cache, table, l[i].key, l[i].hash,
				l[i].rule);
	}
}

/* In a table of hardly any rules, all of one mask, each is compared. */
#define HARDLY_ANY	3u

/* Their mask may be one word, as that of a connection's state. */
static void lookup_one_word(const struct esw_subtable *sub,
			    struct esw_lookup *l, unsigned int num)
{
	const struct esw_rule *const *rule =
		(const struct esw_rule *const *)sub->heap;
	uint64_t bits = sub->mask->bits[0];
	uint32_t at = sub->mask->index[0], n = sub->num_rules, k;
	unsigned int i;

	for (i = 0; i < num; i++) {
		uint64_t word = l[i].key[at] & bits;
		const struct esw_rule *best = NULL;

		for (k = 0; k < n; k++)
			if (rule[k]->data[0] == word &&
			    (!best || better(rule[k], best)))
				best = rule[k];
		l[i].rule = best;
	}
}

static void lookup_hardly_any(const struct esw_subtable *sub,
			      struct esw_lookup *l, unsigned int num)
{
	const struct esw_rule *const *rule =
		(const struct esw_rule *const *)sub->heap;
	uint32_t words = sub->mask->words, n = sub->num_rules, k;
	unsigned int i;

	for (i = 0; i < num; i++) {
		const struct esw_rule *best = NULL;

		mask_words(sub->mask, &l[i], FEW_WORDS);
		for (k = 0; k < n; k++)
			if (words_match(rule[k], l[i].word, words) &&
			    (!best || better(rule[k], best)))
				best = rule[k];
		l[i].rule = best;
	}
}

/* @most: of the words there may be in its mask; a constant. */
static inline __attribute__((always_inline)) void
start_words(const struct esw_subtable *sub, struct esw_lookup *l,
	    unsigned int num, unsigned int most)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		l[i].hash = hash_masked(sub->mask, &l[i], most);
		__builtin_prefetch(bucket_of(sub, l[i].hash));
	}
}

static inline __attribute__((always_inline)) void
lookup_words(const struct esw_subtable *sub, struct esw_lookup *l,
	     unsigned int num, unsigned int most)
{
	uint32_t words = sub->mask->words;
	unsigned int i;

	/* What was started together is all in this table, or nothing of it. */
	if (!l->started)
		start_words(sub, l, num, most);
	for (i = 0; i < num; i++) {
		l[i].rule = bucket_guess(sub, l[i].hash);
		prefetch_rule(l[i].rule, most > FEW_WORDS ? words : 0);
	}
	for (i = 0; i < num; i++)
		if (!l[i].rule || !words_match(l[i].rule, l[i].word, words))
			l[i].rule = bucket_find(sub, l[i].hash, l[i].key);
}

static void lookup_one_mask(const struct esw_table *table,
			    struct esw_lookup *l, unsigned int num)
{
	const struct esw_subtable *sub = table->sub[0];
	unsigned int i;

	if (sub->mask->words <= FEW_WORDS) {
		if (sub->num_rules <= HARDLY_ANY && sub->mask->words == 1)
			lookup_one_word(sub, l, num);
		else if (sub->num_rules <= HARDLY_ANY)
			lookup_hardly_any(sub, l, num);
		else
			lookup_words(sub, l, num, FEW_WORDS);
		return;
	}
	if (sub->mask->words <= SOME_WORDS) {
		lookup_words(sub, l, num, SOME_WORDS);
		return;
	}
	for (i = 0; i < num; i++) {
		l[i].hash = esw_hash_key(sub->mask, l[i].key);
		__builtin_prefetch(bucket_of(sub, l[i].hash));
	}
	for (i = 0; i < num; i++) {
		l[i].rule = bucket_guess(sub, l[i].hash);
		prefetch_rule(l[i].rule, sub->mask->words);
	}
	for (i = 0; i < num; i++)
		if (!l[i].rule || !key_matches(sub->mask, l[i].rule, l[i].key))
			l[i].rule = bucket_find(sub, l[i].hash, l[i].key);
}

/* A lookup that leaves out some priorities: the cache knows nothing of it. */
static void lookup_from(const struct esw_table *table, struct esw_lookup *l)
{
	struct esw_slots s;

	l->rule = NULL;
	if (!table)
		return;
	if (table->index && table->index->set) {
		s = slots_of(table->index, l->key);
		l->rule = search_all(table, &s, l->key, l->from);
	} else {
		l->rule = search_all(table, NULL, l->key, l->from);
	}
}

static const struct esw_table *table_get(const struct sluice_esw *esw,
					 uint32_t id)
{
	return id < esw->tables_size ? esw->tables[id] : NULL;
}

/**
 * esw_lookup_start() - begin some lookups that esw_lookup() is to end
 * @esw: the eSwitch
 * @l: the lookups; key and id are set, and from is zero.  Their started is set
 * @num: their number
 *
 * For tables of one mask: the memory looked at first is asked for.  It is a way to
 * do something else meanwhile.
 */
void esw_lookup_start(const struct sluice_esw *esw, struct esw_lookup *l,
		      unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++) {
		const struct esw_table *table = table_get(esw, l[i].id);
		const struct esw_subtable *sub;

		l[i].started = false;
		if (!table || table->index || table->num_subs != 1)
			continue;
		sub = table->sub[0];
		if (sub->num_rules <= HARDLY_ANY ||
		    sub->mask->words > SOME_WORDS)
			continue;
		l[i].started = true;
		if (sub->mask->words <= FEW_WORDS)
			start_words(sub, &l[i], 1, FEW_WORDS);
		else
			start_words(sub, &l[i], 1, SOME_WORDS);
	}
}

/**
 * esw_lookup() - find the best rules for some keys
 * @esw: the eSwitch
 * @l: the lookups; key, id, from and started are set.  The rules found are good until
 *	the next change of a rule
 * @num: their number
 */
void esw_lookup(struct sluice_esw *esw, struct esw_lookup *l, unsigned int num)
{
	unsigned int first, i;

	for (first = 0; first < num; first = i) {
		uint32_t id = l[first].id;
		const struct esw_table *table = table_get(esw, id);

		for (i = first; i < num && !((l[i].id ^ id) | l[i].from); i++)
			l[i].rule = NULL;
		if (l[first].from) {
			lookup_from(table, &l[first]);
			i = first + 1;
			continue;
		}
		if (!table)
			continue;
		if (table->index)
			lookup_index(esw, table, l + first, i - first);
		else if (table->num_subs == 1)
			lookup_one_mask(table, l + first, i - first);
		else
			for (; first < i; first++)
				lookup_from(table, &l[first]);
	}
}
