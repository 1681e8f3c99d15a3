// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables: tuple-space search.
 *
 * A table holds a subtable for each mask its rules use, the one with the best
 * (prio, subprio) first.  A lookup hashes the masked key in one subtable after
 * the other and stops when no later one can hold a better rule.  Tables with
 * several masks have a cache of whole keys in front.
 */
#include <stdlib.h>
#include "internal.h"

#define MIN_LOG_BUCKETS	3

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)(a ^ 0xa0761d6478bd642full) *
			      (b ^ 0xe7037ed1a0b428dbull);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint32_t esw_hash_words(const uint64_t *w, unsigned int n)
{
	uint64_t h = n;

	while (n--)
		h = mix(h, *w++);
	return (uint32_t)(h ^ h >> 32);
}

/* Order of (prio, subprio) alone. */
static bool prio_before(const struct esw_rule *a, const struct esw_rule *b)
{
	if (a->prio != b->prio)
		return a->prio < b->prio;
	return a->subprio < b->subprio;
}

/* Full order: of rules equal in both, the one created last. */
static bool rule_before(const struct esw_rule *a, const struct esw_rule *b)
{
	if (prio_before(a, b))
		return true;
	if (prio_before(b, a))
		return false;
	return a->seq > b->seq;
}

/* Heap of a subtable's rules. */

static void heap_set(struct esw_subtable *sub, uint32_t i,
		     struct esw_rule *rule)
{
	sub->heap[i] = rule;
	rule->heap = i;
}

static void heap_up(struct esw_subtable *sub, uint32_t i,
		    struct esw_rule *rule)
{
	while (i && prio_before(rule, sub->heap[(i - 1) / 2])) {
		heap_set(sub, i, sub->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(sub, i, rule);
}

static void heap_down(struct esw_subtable *sub, uint32_t i,
		      struct esw_rule *rule)
{
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= sub->num_rules)
			break;
		if (child + 1 < sub->num_rules &&
		    prio_before(sub->heap[child + 1], sub->heap[child]))
			child++;
		if (!prio_before(sub->heap[child], rule))
			break;
		heap_set(sub, i, sub->heap[child]);
		i = child;
	}
	heap_set(sub, i, rule);
}

static bool heap_reserve(struct esw_subtable *sub)
{
	struct esw_rule **heap;
	uint32_t size = sub->heap_size ? sub->heap_size * 2 : 8;

	if (sub->num_rules < sub->heap_size)
		return true;
	heap = realloc(sub->heap, size * sizeof(*heap));
	if (!heap)
		return false;
	sub->heap = heap;
	sub->heap_size = size;
	return true;
}

/* Call with the rule still counted in num_rules. */
static void heap_remove(struct esw_subtable *sub, struct esw_rule *rule)
{
	uint32_t i = rule->heap;
	struct esw_rule *last = sub->heap[--sub->num_rules];

	if (last == rule)
		return;
	if (i && prio_before(last, sub->heap[(i - 1) / 2]))
		heap_up(sub, i, last);
	else
		heap_down(sub, i, last);
}

/* Hash table of a subtable. */

static struct esw_rule **bucket_of(const struct esw_subtable *sub,
				   uint32_t hash)
{
	return &sub->bucket[hash & ((1u << sub->log_buckets) - 1)];
}

/* A failure to resize costs speed only. */
static void resize(struct esw_subtable *sub, unsigned int log)
{
	struct esw_rule **old = sub->bucket;
	size_t i, n = (size_t)1 << sub->log_buckets;
	struct esw_rule **new = calloc((size_t)1 << log, sizeof(*new));

	if (!new)
		return;
	sub->bucket = new;
	sub->log_buckets = log;
	for (i = 0; i < n; i++) {
		struct esw_rule *r = old[i];

		while (r) {
			struct esw_rule *next = r->next;
			struct esw_rule **b = bucket_of(sub, r->hash);

			r->next = *b;
			*b = r;
			r = next;
		}
	}
	free(old);
}

static bool same_key(const struct esw_subtable *sub, const struct esw_rule *r,
		     uint32_t hash, const uint64_t *words)
{
	return r->hash == hash &&
	       !memcmp(r->data, words, sub->mask->words * sizeof(*words));
}

static void hash_insert(struct esw_subtable *sub, struct esw_rule *rule)
{
	struct esw_rule **head = bucket_of(sub, rule->hash);
	struct esw_rule **at;

	while (*head && !same_key(sub, *head, rule->hash, rule->data))
		head = &(*head)->next;
	if (!*head || rule_before(rule, *head)) {
		rule->same = *head;
		rule->next = *head ? (*head)->next : NULL;
		*head = rule;
		return;
	}
	for (at = &(*head)->same; *at; at = &(*at)->same)
		if (rule_before(rule, *at))
			break;
	rule->same = *at;
	*at = rule;
}

static void hash_remove(struct esw_subtable *sub, struct esw_rule *rule)
{
	struct esw_rule **head = bucket_of(sub, rule->hash);
	struct esw_rule **at;

	while (!same_key(sub, *head, rule->hash, rule->data))
		head = &(*head)->next;
	if (*head == rule) {
		*head = rule->same;
		if (rule->same)
			rule->same->next = rule->next;
		else
			*head = rule->next;
		return;
	}
	for (at = &(*head)->same; *at != rule; at = &(*at)->same)
		;
	*at = rule->same;
}

/* Subtables of a table. */

static void sub_free(struct esw_subtable *sub)
{
	sub->mask->refs--;
	free(sub->heap);
	free(sub->bucket);
	free(sub);
}

static struct esw_subtable *sub_new(struct esw_table *table,
				    struct esw_mask *mask)
{
	struct esw_subtable *sub;

	if (table->num_subs == table->sub_size) {
		uint32_t size = table->sub_size ? table->sub_size * 2 : 4;
		struct esw_subtable **s = realloc(table->sub,
						  size * sizeof(*s));

		if (!s)
			return NULL;
		table->sub = s;
		table->sub_size = size;
	}
	sub = calloc(1, sizeof(*sub));
	if (!sub)
		return NULL;
	sub->bucket = calloc(1u << MIN_LOG_BUCKETS, sizeof(*sub->bucket));
	if (!sub->bucket) {
		free(sub);
		return NULL;
	}
	sub->log_buckets = MIN_LOG_BUCKETS;
	sub->mask = mask;
	sub->table = table;
	mask->refs++;
	return sub;
}

static uint32_t sub_index(const struct esw_table *table,
			  const struct esw_subtable *sub)
{
	uint32_t i = 0;

	while (table->sub[i] != sub)
		i++;
	return i;
}

/* Put the subtable in place @i where its best rule says it belongs. */
static void sub_sort(struct esw_table *table, uint32_t i)
{
	struct esw_subtable **s = table->sub;
	struct esw_subtable *sub = s[i];

	while (i && prio_before(sub->heap[0], s[i - 1]->heap[0])) {
		s[i] = s[i - 1];
		i--;
	}
	while (i + 1 < table->num_subs &&
	       prio_before(s[i + 1]->heap[0], sub->heap[0])) {
		s[i] = s[i + 1];
		i++;
	}
	s[i] = sub;
}

static void table_put(struct sluice_esw *esw, struct esw_table *table)
{
	if (table->num_subs)
		return;
	esw->tables[table->id] = NULL;
	esw->num_tables--;
	free(table->sub);
	free(table);
}

static struct esw_table *table_get(struct sluice_esw *esw, uint32_t id)
{
	struct esw_table *table;

	if (!esw_grow(&esw->tables, &esw->tables_size, id,
		      esw->cfg.max_tables))
		return NULL;
	table = esw->tables[id];
	if (table)
		return table;
	table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->id = id;
	esw->tables[id] = table;
	esw->num_tables++;
	return table;
}

/*
 * Insert a rule whose id, prio, subprio and data are set.
 * Return: enum sluice_status.
 */
int esw_table_insert(struct sluice_esw *esw, uint32_t id,
		     struct esw_mask *mask, struct esw_rule *rule)
{
	struct esw_table *table = table_get(esw, id);
	struct esw_subtable *sub = NULL;
	bool fresh = false;
	uint32_t i;

	if (!table)
		return SLUICE_ST_NOSPC;
	for (i = 0; i < table->num_subs; i++)
		if (table->sub[i]->mask == mask)
			break;
	if (i < table->num_subs) {
		sub = table->sub[i];
	} else {
		sub = sub_new(table, mask);
		fresh = true;
	}
	if (!sub || !heap_reserve(sub)) {
		if (sub && fresh)
			sub_free(sub);
		table_put(esw, table);
		return SLUICE_ST_NOSPC;
	}
	rule->sub = sub;
	rule->seq = esw->next_seq++;
	rule->hash = esw_hash_words(rule->data, mask->words);
	if (sub->num_rules >> sub->log_buckets)
		resize(sub, sub->log_buckets + 1);
	hash_insert(sub, rule);
	sub->num_rules++;
	heap_up(sub, sub->num_rules - 1, rule);
	if (fresh)
		table->sub[table->num_subs++] = sub;
	sub_sort(table, i);
	table->gen = esw->next_gen++;
	return SLUICE_ST_OK;
}

void esw_table_remove(struct sluice_esw *esw, struct esw_rule *rule)
{
	struct esw_subtable *sub = rule->sub;
	struct esw_table *table = sub->table;
	uint32_t i = sub_index(table, sub);

	hash_remove(sub, rule);
	heap_remove(sub, rule);
	table->gen = esw->next_gen++;
	if (sub->num_rules) {
		if (sub->log_buckets > MIN_LOG_BUCKETS &&
		    sub->num_rules < 1u << (sub->log_buckets - 3))
			resize(sub, sub->log_buckets - 2);
		sub_sort(table, i);
		return;
	}
	table->num_subs--;
	memmove(table->sub + i, table->sub + i + 1,
		(table->num_subs - i) * sizeof(*table->sub));
	sub_free(sub);
	table_put(esw, table);
}

static const struct esw_rule *sub_find(const struct esw_subtable *sub,
				       const uint64_t *key)
{
	const struct esw_mask *mask = sub->mask;
	uint64_t words[SLUICE_KEY_WORDS];
	const struct esw_rule *r;
	uint32_t hash;
	unsigned int i;

	for (i = 0; i < mask->words; i++)
		words[i] = key[mask->index[i]] & mask->bits[i];
	hash = esw_hash_words(words, mask->words);
	for (r = *bucket_of(sub, hash); r; r = r->next)
		if (same_key(sub, r, hash, words))
			return r;
	return NULL;
}

static const struct esw_rule *search(const struct esw_table *table,
				     const uint64_t *key, uint64_t from)
{
	const struct esw_rule *best = NULL;
	uint32_t i;

	for (i = 0; i < table->num_subs; i++) {
		const struct esw_subtable *sub = table->sub[i];
		const struct esw_rule *r;

		if (best && prio_before(best, sub->heap[0]))
			break;
		r = sub_find(sub, key);
		while (r && r->prio < from)
			r = r->same;
		if (r && (!best || rule_before(r, best)))
			best = r;
	}
	return best;
}

/*
 * Best rule of table @id for a key among those of priority @from and later, or
 * NULL.  Valid until the next change of a rule.  @words is the whole key; all
 * behind the first @used of it is zero.
 */
const struct esw_rule *esw_table_lookup(struct sluice_esw *esw, uint32_t id,
					const uint64_t *words, uint32_t used,
					uint64_t from)
{
	const struct esw_table *table;
	struct esw_cache_entry *e;

	table = id < esw->tables_size ? esw->tables[id] : NULL;
	if (!table)
		return NULL;
	if (table->num_subs < ESW_CACHE_MIN_SUBS)
		return search(table, words, from);
	e = &esw->cache[(esw_hash_words(words, used) ^ id * 0x9e3779b1u ^
			 (uint32_t)from * 0x85ebca6bu) &
			((1u << ESW_CACHE_LOG) - 1)];
	if (e->gen != table->gen || e->used != used || e->from != from ||
	    memcmp(e->key, words, used * sizeof(*words))) {
		e->rule = search(table, words, from);
		e->from = from;
		e->gen = table->gen;
		e->used = used;
		memcpy(e->key, words, used * sizeof(*words));
	}
	return e->rule;
}
