// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The index of a table with several masks: which subtables may have a rule for
 * a key.
 *
 * Most masks of a table have some bits in common, a destination address for
 * instance, or its first bits.  By the hash of those bits, the pivot, the index
 * has the set of subtables that hold such a rule.  A set may name too many
 * subtables, as keys share sets and removed rules stay in until the index is
 * built anew, but never too few.  Subtables that don't look at the whole pivot
 * are in every set.
 */
#include <stdlib.h>
#include "internal.h"

#define MIN_SETS	64u
#define MIN_PIVOT_BITS	12	/* fewer don't tell enough keys apart */

/* What a new subtable outside the index weighs: so many make a new one. */
#define ODD_SUBS	16

static void slot_set(struct esw_slots *s, unsigned int slot)
{
	s->bits[slot / 64] |= 1ull << slot % 64;
}

/* A mask as a whole key. */
static void mask_spread(const struct esw_mask *m, uint64_t *words)
{
	uint32_t i;

	memset(words, 0, SLUICE_KEY_WORDS * sizeof(*words));
	for (i = 0; i < m->words; i++)
		words[m->index[i]] = m->bits[i];
}

static void mask_collect(struct esw_mask *m, const uint64_t *words)
{
	uint8_t i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < SLUICE_KEY_WORDS; i++) {
		if (!words[i])
			continue;
		m->index[m->words] = i;
		m->bits[m->words++] = words[i];
	}
}

/* Does @m look at everything that @part looks at? */
static bool mask_covers(const struct esw_mask *m, const struct esw_mask *part)
{
	uint64_t words[SLUICE_KEY_WORDS];
	uint32_t i;

	mask_spread(m, words);
	for (i = 0; i < part->words; i++)
		if (part->bits[i] & ~words[part->index[i]])
			return false;
	return true;
}

/* What is the same in most frames, or in most frames of a port. */
static void remove_common(uint64_t *words)
{
	struct sluice_key k;

	memcpy(&k, words, sizeof(k));
	k.outer_proto = 0;
	k.n_proto = 0;
	k.vlan.tpid = 0;
	k.vlan.next = 0;
	k.cvlan.tpid = 0;
	k.cvlan.next = 0;
	k.ip_proto = 0;
	k.ip_tos = 0;
	k.ip_ttl = 0;
	k.frag = 0;
	k.tcp_flags = 0;
	k.icmp_type = 0;
	k.icmp_code = 0;
	k.in_vport = 0;
	k.num_vlans = 0;
	memset(k.enc_dst, 0, sizeof(k.enc_dst));
	k.enc_l4_dst = 0;
	k.enc_tos = 0;
	k.enc_ttl = 0;
	k.enc_flags = 0;
	k.enc_opts_len = 0;
	k.enc_type = 0;
	k.enc_ip = 0;
	k.ct_state = 0;
	k.ct_zone = 0;
	k.ppp_proto = 0;
	k.pppoe_type = 0;
	k.mpls_depth = 0;
	k.range_hits = 0;
	memcpy(words, &k, sizeof(k));
}

static unsigned int count_bits(const uint64_t *words)
{
	unsigned int i, n = 0;

	for (i = 0; i < SLUICE_KEY_WORDS; i++)
		n += (unsigned int)__builtin_popcountll(words[i]);
	return n;
}

static uint32_t rule_hash(const struct esw_mask *pivot,
			  const struct esw_rule *rule)
{
	const struct esw_mask *m = rule->sub->mask;
	uint64_t key[SLUICE_KEY_WORDS];
	uint32_t i;

	memset(key, 0, sizeof(key));
	for (i = 0; i < m->words; i++)
		key[m->index[i]] = rule->data[i];
	return esw_hash_key(pivot, key);
}

static void index_add(struct esw_index *index, const struct esw_rule *rule)
{
	uint32_t hash = rule_hash(&index->pivot, rule);

	slot_set(&index->set[hash & index->last_set],
		 rule->sub->slot);
}

static bool indexed(const struct esw_index *index,
		    const struct esw_subtable *sub)
{
	return index->set && mask_covers(sub->mask, &index->pivot);
}

/*
 * Choose the pivot: what the subtable with the most rules looks at, less what
 * others don't, as long as enough is left.
 */
static void choose_pivot(const struct esw_table *table, struct esw_mask *pivot)
{
	uint64_t words[SLUICE_KEY_WORDS], next[SLUICE_KEY_WORDS], m[SLUICE_KEY_WORDS];
	const struct esw_subtable *most = table->sub[0];
	uint32_t i, w;

	for (i = 1; i < table->num_subs; i++)
		if (table->sub[i]->num_rules > most->num_rules)
			most = table->sub[i];
	mask_spread(most->mask, words);
	remove_common(words);
	if (count_bits(words) < MIN_PIVOT_BITS) {
		pivot->words = 0;
		return;
	}
	for (i = 0; i < table->num_subs; i++) {
		mask_spread(table->sub[i]->mask, m);
		for (w = 0; w < SLUICE_KEY_WORDS; w++)
			next[w] = words[w] & m[w];
		if (count_bits(next) >= MIN_PIVOT_BITS)
			memcpy(words, next, sizeof(words));
	}
	mask_collect(pivot, words);
}

/* Build it anew.  Without memory there is none: that costs speed only. */
static void build(struct esw_table *table)
{
	struct esw_index *index = table->index;
	uint32_t sets = MIN_SETS, i, r;

	free(index->set);
	index->set = NULL;
	index->changes = 0;
	memset(&index->others, 0, sizeof(index->others));
	choose_pivot(table, &index->pivot);
	if (!index->pivot.words)
		return;
	while (sets < table->num_rules)
		sets *= 2;
	index->set = esw_pages_alloc(sets * sizeof(*index->set));
	if (!index->set)
		return;
	index->last_set = sets - 1;
	for (i = 0; i < table->num_subs; i++) {
		const struct esw_subtable *sub = table->sub[i];

		if (!indexed(index, sub)) {
			slot_set(&index->others, sub->slot);
			continue;
		}
		for (r = 0; r < sub->num_rules; r++)
			index_add(index, sub->heap[r]);
	}
}

/* Give @sub a slot, and add its mask to what the table looks at. */
static void take_in(struct esw_index *index, struct esw_subtable *sub)
{
	uint64_t all[SLUICE_KEY_WORDS], m[SLUICE_KEY_WORDS];
	unsigned int slot;
	uint32_t i;

	/* When all are taken, some are shared. */
	for (slot = 0; slot < ESW_SLOTS && index->sub[slot]; slot++)
		;
	if (slot == ESW_SLOTS)
		slot = sub->mask->bits[0] % ESW_SLOTS;
	sub->slot = (uint8_t)slot;
	sub->same_slot = index->sub[slot];
	index->sub[slot] = sub;
	mask_spread(&index->all, all);
	mask_spread(sub->mask, m);
	for (i = 0; i < SLUICE_KEY_WORDS; i++)
		all[i] |= m[i];
	mask_collect(&index->all, all);
	index->units = esw_cache_units(index->all.words);
}

/* The table got the subtable @sub, which has its first rule. */
void esw_index_add_sub(struct esw_table *table, struct esw_subtable *sub)
{
	struct esw_index *index = table->index;
	uint32_t i;

	if (index) {
		take_in(index, sub);
		if (!indexed(index, sub)) {
			slot_set(&index->others, sub->slot);
			index->changes += table->num_rules / 2 / ODD_SUBS + 1;
		}
		return;
	}
	if (table->num_subs < ESW_INDEX_MIN_SUBS)
		return;
	index = calloc(1, sizeof(*index));
	if (!index)
		return;
	table->index = index;
	for (i = 0; i < table->num_subs; i++)
		take_in(index, table->sub[i]);
	build(table);
}

/* The table has lost the subtable @sub. */
void esw_index_del_sub(struct esw_table *table, struct esw_subtable *sub)
{
	struct esw_index *index = table->index;
	struct esw_subtable **at;

	if (!index)
		return;
	if (table->num_subs < ESW_INDEX_MIN_SUBS) {
		esw_index_free(table);
		return;
	}
	for (at = &index->sub[sub->slot]; *at != sub; at = &(*at)->same_slot)
		;
	*at = sub->same_slot;
	if (!index->sub[sub->slot])
		index->others.bits[sub->slot / 64] &=
			~(1ull << sub->slot % 64);
}

/* @rule is new in its subtable, or (not @added) gone from it. */
void esw_index_rule(struct esw_table *table, const struct esw_rule *rule,
		    bool added)
{
	struct esw_index *index = table->index;

	if (!index)
		return;
	if (++index->changes > table->num_rules / 2 + ODD_SUBS)
		build(table);
	else if (added && indexed(index, rule->sub))
		index_add(index, rule);
}

void esw_index_free(struct esw_table *table)
{
	if (!table->index)
		return;
	free(table->index->set);
	free(table->index);
	table->index = NULL;
}
