// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Masks, priorities and the order among rules.
 */
#include <stdlib.h>
#include "harness.h"

static int setup(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);

	bed_root(bed, VF(0), 1);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	bed_free(*state);
	return 0;
}

static int add(struct bed *bed, uint32_t id, uint32_t mask,
	       const struct sluice_key *bits, const struct sluice_key *key,
	       uint32_t prio, uint32_t subprio)
{
	/* The output tells which rule it was. */
	struct sluice_action a[2] = { act_push(0x8100, (uint16_t)(id & 0xfff)),
				      act_out(VF(1)) };
	struct rule r = {
		.id = id, .table = 1, .mask = mask,
		.counter = SLUICE_ID_NONE, .prio = prio, .subprio = subprio,
		.mask_bits = bits, .key = key, .act = a, .num_act = 2,
	};

	return bed_rule(bed, &r);
}

static void del(struct bed *bed, uint32_t id)
{
	uint32_t counter;

	assert_int_equal(sluice_esw_rule_del(bed->esw, id, &counter), 0);
}

/* Id of the rule that took the frame, or -1. */
static int winner(struct bed *bed, uint16_t sport, uint16_t dport)
{
	struct frame f;
	const struct sent *s = &bed->sent[0];

	fr_udp4(&f, sport, dport);
	bed_clear(bed);
	sluice_esw_input(bed->esw, VF(0), f.b, f.len, 0);
	assert_int_equal(bed->num_sent, 1);
	if (s->slow)
		return -1;
	return (s->b[14] << 8 | s->b[15]) & 0xfff;
}

static struct sluice_key ports_key(uint16_t sport, uint16_t dport)
{
	struct sluice_key k = { 0 };

	k.l4_src = htobe16(sport);
	k.l4_dst = htobe16(dport);
	return k;
}

static void set_range(struct bed *bed, uint32_t id, uint8_t field,
		      uint16_t min, uint16_t max, int status)
{
	struct sluice_cmd_range cmd = {
		.id = htole32(id),
		.field = field,
		.min = htole16(min),
		.max = htole16(max),
	};

	assert_int_equal(sluice_esw_range_set(bed->esw, &cmd), status);
}

/* Comparators are bits of the key; what they say changes at once. */
static void ranges(void **state)
{
	struct bed *bed = *state;
	struct sluice_key none = { 0 }, m1 = { .range_hits = htole64(1) };
	struct sluice_key m2 = { .range_hits = htole64(1ull << 63 | 1) };
	struct frame f;

	set_range(bed, 64, SLUICE_RANGE_L4_DST, 1, 2, SLUICE_ST_INVAL);
	set_range(bed, 0, 2, 1, 2, SLUICE_ST_INVAL);
	set_range(bed, 0, SLUICE_RANGE_L4_DST, 2, 1, SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_range_del(bed->esw, 0), SLUICE_ST_NOENT);
	assert_int_equal(sluice_esw_range_del(bed->esw, 64), SLUICE_ST_INVAL);
	set_range(bed, 0, SLUICE_RANGE_L4_DST, 100, 200, 0);
	set_range(bed, 63, SLUICE_RANGE_L4_SRC, 0, 9, 0);
	bed_mask(bed, 0, &none);
	bed_mask(bed, 1, &m1);
	bed_mask(bed, 2, &m2);
	assert_int_equal(add(bed, 10, 0, &none, &none, 9, 0), 0);
	assert_int_equal(add(bed, 11, 1, &m1, &m1, 8, 0), 0);
	assert_int_equal(add(bed, 12, 2, &m2, &m2, 7, 0), 0);
	assert_int_equal(winner(bed, 10, 99), 10);
	assert_int_equal(winner(bed, 10, 100), 11);
	assert_int_equal(winner(bed, 10, 200), 11);
	assert_int_equal(winner(bed, 10, 201), 10);
	assert_int_equal(winner(bed, 9, 200), 12);
	assert_int_equal(winner(bed, 9, 99), 10);
	set_range(bed, 0, SLUICE_RANGE_L4_DST, 99, 99, 0);
	assert_int_equal(winner(bed, 9, 99), 12);
	assert_int_equal(winner(bed, 9, 200), 10);
	assert_int_equal(sluice_esw_range_del(bed->esw, 63), 0);
	assert_int_equal(winner(bed, 9, 99), 11);
	/* Without ports they are zero. */
	set_range(bed, 0, SLUICE_RANGE_L4_DST, 0, 5, 0);
	fr_eth(&f, MAC_B, MAC_A, 0x88b5);
	bed_clear(bed);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->sent[0].b[15], 11);
	/* A change of mode takes them away. */
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY);
	set_range(bed, 0, SLUICE_RANGE_L4_DST, 1, 2, SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_range_del(bed->esw, 0), SLUICE_ST_MODE);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_SWITCHDEV);
	assert_int_equal(sluice_esw_range_del(bed->esw, 0), SLUICE_ST_NOENT);
}

static void lower_prio_first(void **state)
{
	struct bed *bed = *state;
	struct sluice_key m1 = ports_key(0xffff, 0), k1 = ports_key(7, 0);
	struct sluice_key m2 = ports_key(0, 0xffff), k2 = ports_key(0, 8);
	struct sluice_key none = { 0 };

	bed_mask(bed, 0, &none);
	bed_mask(bed, 1, &m1);
	bed_mask(bed, 2, &m2);
	assert_int_equal(add(bed, 10, 0, &none, &none, 100, 0), 0);
	assert_int_equal(add(bed, 11, 1, &m1, &k1, 20, 5), 0);
	assert_int_equal(add(bed, 12, 2, &m2, &k2, 20, 4), 0);
	assert_int_equal(winner(bed, 1, 1), 10);
	assert_int_equal(winner(bed, 7, 1), 11);
	assert_int_equal(winner(bed, 1, 8), 12);
	assert_int_equal(winner(bed, 7, 8), 12);
	del(bed, 12);
	assert_int_equal(winner(bed, 7, 8), 11);
	assert_int_equal(add(bed, 13, 0, &none, &none, 1, 0), 0);
	assert_int_equal(winner(bed, 7, 8), 13);
	del(bed, 13);
	del(bed, 11);
	del(bed, 10);
	assert_int_equal(winner(bed, 7, 8), -1);
}

static void last_created_wins(void **state)
{
	struct bed *bed = *state;
	struct sluice_key m1 = ports_key(0xffff, 0), k1 = ports_key(7, 0);
	struct sluice_key m2 = ports_key(0, 0xffff), k2 = ports_key(0, 8);

	bed_mask(bed, 1, &m1);
	bed_mask(bed, 2, &m2);
	/* Across masks. */
	assert_int_equal(add(bed, 1, 1, &m1, &k1, 5, 5), 0);
	assert_int_equal(add(bed, 2, 2, &m2, &k2, 5, 5), 0);
	assert_int_equal(winner(bed, 7, 8), 2);
	del(bed, 1);
	assert_int_equal(add(bed, 1, 1, &m1, &k1, 5, 5), 0);
	assert_int_equal(winner(bed, 7, 8), 1);
	/* Of the same key. */
	assert_int_equal(add(bed, 3, 1, &m1, &k1, 5, 5), 0);
	assert_int_equal(winner(bed, 7, 8), 3);
	assert_int_equal(add(bed, 4, 1, &m1, &k1, 6, 0), 0);
	assert_int_equal(add(bed, 5, 1, &m1, &k1, 5, 6), 0);
	assert_int_equal(winner(bed, 7, 8), 3);
	del(bed, 3);
	assert_int_equal(winner(bed, 7, 8), 1);
	del(bed, 1);
	assert_int_equal(winner(bed, 7, 8), 2);
	del(bed, 2);
	assert_int_equal(winner(bed, 7, 8), 5);
	del(bed, 5);
	assert_int_equal(winner(bed, 7, 8), 4);
}

static void masks_are_bitwise(void **state)
{
	struct bed *bed = *state;
	struct sluice_key m = ports_key(0xff00, 0x0001);
	struct sluice_key k = ports_key(0x1200, 0x0001);

	bed_mask(bed, 1, &m);
	assert_int_equal(add(bed, 1, 1, &m, &k, 1, 0), 0);
	assert_int_equal(winner(bed, 0x1234, 3), 1);
	assert_int_equal(winner(bed, 0x12ff, 0x8001), 1);
	assert_int_equal(winner(bed, 0x1334, 3), -1);
	assert_int_equal(winner(bed, 0x1234, 2), -1);
}

static void in_vport_is_a_key(void **state)
{
	struct bed *bed = *state;
	struct sluice_key m = { .in_vport = 0xffff };
	struct sluice_key k = { .in_vport = htole16(VF(2)) };
	struct frame f;

	bed_root(bed, VF(2), 1);
	bed_mask(bed, 1, &m);
	assert_int_equal(add(bed, 1, 1, &m, &k, 1, 0), 0);
	assert_int_equal(winner(bed, 1, 1), -1);
	fr_udp4(&f, 1, 1);
	bed_clear(bed);
	bed_send(bed, VF(2), &f);
	assert_false(bed->sent[0].slow);
}

/*
 * A few hundred rules at random over a few masks and few values, compared
 * after each change with a walk over all of them.
 */
struct ref {
	bool used;
	unsigned int mask;
	uint16_t sport, dport;
	uint32_t prio, subprio;
	uint64_t seq;
};

#define REF_RULES	400
#define REF_MASKS	9

static const uint16_t ref_masks[REF_MASKS][2] = {
	{ 0, 0 }, { 0xffff, 0 }, { 0, 0xffff }, { 0xffff, 0xffff },
	{ 0x0003, 0 }, { 0, 0x0003 }, { 0x0001, 0x0001 }, { 0x0002, 0xffff },
	{ 0x000c, 0x0008 },
};

static int ref_lookup(const struct ref *ref, uint16_t sport, uint16_t dport)
{
	int best = -1, i;

	for (i = 0; i < REF_RULES; i++) {
		const struct ref *r = &ref[i], *b;

		if (!r->used ||
		    ((r->sport ^ sport) & ref_masks[r->mask][0]) ||
		    ((r->dport ^ dport) & ref_masks[r->mask][1]))
			continue;
		if (best < 0) {
			best = i;
			continue;
		}
		b = &ref[best];
		if (r->prio != b->prio) {
			if (r->prio < b->prio)
				best = i;
		} else if (r->subprio != b->subprio) {
			if (r->subprio < b->subprio)
				best = i;
		} else if (r->seq > b->seq) {
			best = i;
		}
	}
	return best;
}

static void random_against_linear(void **state)
{
	struct bed *bed = *state;
	struct ref ref[REF_RULES] = { 0 };
	unsigned int seed = 4711, i, round;
	uint64_t seq = 0;

	for (i = 0; i < REF_MASKS; i++) {
		struct sluice_key m = ports_key(ref_masks[i][0],
						ref_masks[i][1]);

		assert_int_equal(bed_mask(bed, i, &m), 0);
	}
	for (round = 0; round < 20000; round++) {
		uint32_t id = (uint32_t)rand_r(&seed) % REF_RULES;
		struct ref *r = &ref[id];
		uint16_t sport, dport;

		if (r->used) {
			del(bed, id);
			r->used = false;
		} else {
			struct sluice_key m, k;

			r->used = true;
			r->mask = (unsigned int)rand_r(&seed) % REF_MASKS;
			r->sport = (uint16_t)(rand_r(&seed) % 16);
			r->dport = (uint16_t)(rand_r(&seed) % 16);
			r->prio = (uint32_t)rand_r(&seed) % 6;
			r->subprio = (uint32_t)rand_r(&seed) % 3;
			r->seq = seq++;
			m = ports_key(ref_masks[r->mask][0],
				      ref_masks[r->mask][1]);
			k = ports_key(r->sport, r->dport);
			assert_int_equal(add(bed, id, r->mask, &m, &k,
					     r->prio, r->subprio), 0);
		}
		for (i = 0; i < 4; i++) {
			sport = (uint16_t)(rand_r(&seed) % 16);
			dport = (uint16_t)(rand_r(&seed) % 16);
			assert_int_equal(winner(bed, sport, dport),
					 ref_lookup(ref, sport, dport));
		}
		/* Once in a while all go, and few remain for a time. */
		if (round % 5000 == 4999)
			for (i = 0; i < REF_RULES; i++)
				if (ref[i].used) {
					del(bed, i);
					ref[i].used = false;
				}
	}
}

/* Many rules with a priority each, deleted from the best one on. */
static void grows_and_shrinks(void **state)
{
	struct bed *bed = *state;
	struct sluice_key m = ports_key(0xffff, 0xffff);
	struct sluice_esw_info info;
	uint32_t i;

	bed_mask(bed, 1, &m);
	for (i = 0; i < 4000; i++) {
		struct sluice_key k = ports_key((uint16_t)i, 9);

		assert_int_equal(add(bed, i, 1, &m, &k, i + 1, 0), 0);
	}
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le32toh(info.rules), 4000);
	assert_int_equal(le32toh(info.tables), 1);
	assert_int_equal(le32toh(info.masks), 1);
	for (i = 0; i < 4000; i += 7)
		assert_int_equal(winner(bed, (uint16_t)i, 9), i & 0xfff);
	for (i = 0; i < 4000; i++) {
		del(bed, i);
		if (i % 37 == 0) {
			assert_int_equal(winner(bed, (uint16_t)i, 9), -1);
			if (i < 3999)
				assert_int_equal(winner(bed, (uint16_t)(i + 1),
							9), (i + 1) & 0xfff);
		}
	}
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le32toh(info.rules), 0);
	assert_int_equal(le32toh(info.tables), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lower_prio_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(last_created_wins, setup,
						teardown),
		cmocka_unit_test_setup_teardown(masks_are_bitwise, setup,
						teardown),
		cmocka_unit_test_setup_teardown(in_vport_is_a_key, setup,
						teardown),
		cmocka_unit_test_setup_teardown(ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(random_against_linear, setup,
						teardown),
		cmocka_unit_test_setup_teardown(grows_and_shrinks, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
