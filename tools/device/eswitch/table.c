// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables: keeping rules so that they can be found; lookup.c finds them.
 *
 * A table holds a subtable for each mask its rules use, the one with the best
 * (prio, subprio) first.
 */
#include <stdlib.h>
#include "internal.h"

#define MIN_BUCKETS	2u
#define BUCKET_RULES	3u	/* in a bucket, when there are more of them */

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

static struct esw_hash_bucket *bucket_of(const struct esw_subtable *sub,
				    uint32_t hash)
{
	return &sub->bucket[hash & sub->last_bucket];
}

static bool same_key(const struct esw_subtable *sub, const struct esw_rule *a,
		     const struct esw_rule *b)
{
	return a->hash == b->hash &&
	       !memcmp(a->data, b->data, sub->mask->words * sizeof(*a->data));
}

/* Where a bucket refers to the best rule of @rule's key, or NULL. */
static struct esw_rule **bucket_find(const struct esw_subtable *sub,
				     struct esw_hash_bucket *b,
				     const struct esw_rule *rule)
{
	struct esw_rule **at;
	uint32_t i;

	for (i = 0; i < b->num && i < ESW_BUCKET_KEYS; i++)
		if (same_key(sub, b->rule[i], rule))
			return &b->rule[i];
	if (b->num <= ESW_BUCKET_KEYS)
		return NULL;
	for (at = &b->rule[ESW_BUCKET_KEYS - 1]->next; *at; at = &(*at)->next)
		if (same_key(sub, *at, rule))
			return at;
	return NULL;
}

static void bucket_add(struct esw_hash_bucket *b, struct esw_rule *rule)
{
	struct esw_rule *last = b->rule[ESW_BUCKET_KEYS - 1];

	rule->next = NULL;
	if (b->num < ESW_BUCKET_KEYS) {
		b->rule[b->num] = rule;
		b->tag[b->num] = esw_hash_tag(rule->hash);
	} else {
		rule->next = last->next;
		last->next = rule;
	}
	b->num++;
}

/* Remove the only rule of a key; @at is from bucket_find(). */
static void bucket_del(struct esw_hash_bucket *b, struct esw_rule **at)
{
	uint32_t i = (uint32_t)(at - b->rule), last = ESW_BUCKET_KEYS - 1;

	if (at < b->rule || at > b->rule + last) {
		*at = (*at)->next;
	} else if (b->num > ESW_BUCKET_KEYS) {
		struct esw_rule *more = b->rule[last]->next;

		if (i != last) {
			b->rule[last]->next = more->next;
			more->next = NULL;
		}
		b->rule[i] = more;
		b->tag[i] = esw_hash_tag(more->hash);
	} else {
		last = b->num - 1;
		b->rule[i] = b->rule[last];
		b->tag[i] = b->tag[last];
		/* Lookups look at tags before they look at the number. */
		b->rule[last] = NULL;
		b->tag[last] = 0;
	}
	b->num--;
}

/* A failure to resize costs speed only. */
static void resize(struct esw_subtable *sub, uint32_t buckets)
{
	struct esw_hash_bucket *old = sub->bucket;
	size_t i, n = (size_t)sub->last_bucket + 1;
	struct esw_hash_bucket *new = esw_pages_alloc(buckets * sizeof(*new));

	if (!new)
		return;
	sub->bucket = new;
	sub->last_bucket = buckets - 1;
	for (i = 0; i < n; i++) {
		struct esw_hash_bucket *b = &old[i];
		struct esw_rule *r, *next;
		uint32_t k;

		for (k = 0; k < b->num && k < ESW_BUCKET_KEYS; k++) {
			r = b->rule[k];
			next = r->next;
			bucket_add(bucket_of(sub, r->hash), r);
			if (k + 1 < ESW_BUCKET_KEYS)
				continue;
			for (r = next; r; r = next) {
				next = r->next;
				bucket_add(bucket_of(sub, r->hash), r);
			}
		}
	}
	free(old);
}

static void hash_insert(struct esw_subtable *sub, struct esw_rule *rule)
{
	struct esw_hash_bucket *b = bucket_of(sub, rule->hash);
	struct esw_rule **head = bucket_find(sub, b, rule);
	struct esw_rule **at;

	rule->same = NULL;
	if (!head) {
		bucket_add(b, rule);
	} else if (rule_before(rule, *head)) {
		rule->same = *head;
		rule->next = (*head)->next;
		*head = rule;
	} else {
		for (at = &(*head)->same; *at; at = &(*at)->same)
			if (rule_before(rule, *at))
				break;
		rule->same = *at;
		*at = rule;
	}
}

static void hash_remove(struct esw_subtable *sub, struct esw_rule *rule)
{
	struct esw_hash_bucket *b = bucket_of(sub, rule->hash);
	struct esw_rule **head = bucket_find(sub, b, rule);
	struct esw_rule **at;

	if (*head != rule) {
		for (at = &(*head)->same; *at != rule; at = &(*at)->same)
			;
		*at = rule->same;
	} else if (rule->same) {
		rule->same->next = rule->next;
		*head = rule->same;
	} else {
		bucket_del(b, head);
	}
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
	sub->bucket = esw_pages_alloc(MIN_BUCKETS * sizeof(*sub->bucket));
	if (!sub->bucket) {
		free(sub);
		return NULL;
	}
	sub->last_bucket = MIN_BUCKETS - 1;
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

static bool sub_before(const struct esw_subtable *a,
		       const struct esw_subtable *b)
{
	if (a->prio != b->prio)
		return a->prio < b->prio;
	return a->subprio < b->subprio;
}

/* Put the subtable in place @i where its best rule says it belongs. */
static void sub_sort(struct esw_table *table, uint32_t i)
{
	struct esw_subtable **s = table->sub;
	struct esw_subtable *sub = s[i];

	sub->prio = sub->heap[0]->prio;
	sub->subprio = sub->heap[0]->subprio;
	while (i && sub_before(sub, s[i - 1])) {
		s[i] = s[i - 1];
		i--;
	}
	while (i + 1 < table->num_subs && sub_before(s[i + 1], sub)) {
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
	esw_index_free(table);
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
	if (sub->num_rules / BUCKET_RULES > sub->last_bucket)
		resize(sub, (sub->last_bucket + 1) * 2);
	hash_insert(sub, rule);
	sub->num_rules++;
	heap_up(sub, sub->num_rules - 1, rule);
	table->num_rules++;
	if (fresh)
		table->sub[table->num_subs++] = sub;
	sub_sort(table, i);
	if (fresh)
		esw_index_add_sub(table, sub);
	esw_index_rule(table, rule, true);
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
	table->num_rules--;
	table->gen = esw->next_gen++;
	if (sub->num_rules) {
		if (sub->last_bucket >= MIN_BUCKETS * 4 &&
		    sub->num_rules < sub->last_bucket / 4)
			resize(sub, (sub->last_bucket + 1) / 4);
		sub_sort(table, i);
		esw_index_rule(table, rule, false);
		return;
	}
	table->num_subs--;
	memmove(table->sub + i, table->sub + i + 1,
		(table->num_subs - i) * sizeof(*table->sub));
	esw_index_del_sub(table, sub);
	sub_free(sub);
	table_put(esw, table);
}
