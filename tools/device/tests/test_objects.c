// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Masks, rules and counters as objects: what is refused, what goes with what.
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

static void masks(void **state)
{
	struct bed *bed = *state;
	struct sluice_key m = { .ip_proto = 0xff };
	struct sluice_key bad;
	struct sluice_action a = act(SLUICE_ACT_DROP);
	struct rule r = { .id = 1, .table = 1, .mask = 3, .counter = 1,
			  .mask_bits = &m, .key = &m, .act = &a, .num_act = 1 };
	uint32_t counter;

	assert_int_equal(bed_mask(bed, 256, &m), SLUICE_ST_INVAL);
	assert_int_equal(bed_mask(bed, 3, &m), 0);
	assert_int_equal(bed_mask(bed, 3, &m), SLUICE_ST_EXIST);
	assert_int_equal(bed_mask(bed, 255, &m), 0);
	assert_int_equal(sluice_esw_mask_del(bed->esw, 4), SLUICE_ST_NOENT);
	assert_int_equal(sluice_esw_mask_del(bed->esw, 256), SLUICE_ST_INVAL);
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_int_equal(sluice_esw_mask_del(bed->esw, 3), SLUICE_ST_BUSY);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 1, &counter), 0);
	assert_int_equal(sluice_esw_mask_del(bed->esw, 3), 0);
	assert_int_equal(sluice_esw_mask_del(bed->esw, 3), SLUICE_ST_NOENT);
	/* Bits no frame can have. */
#define RESERVED(field) do { \
	memset(&bad, 0, sizeof(bad)); \
	bad.field = 1; \
	assert_int_equal(bed_mask(bed, 9, &bad), SLUICE_ST_INVAL); \
} while (0)
	RESERVED(vlan.reserved);
	RESERVED(cvlan.reserved);
	RESERVED(reserved0);
	RESERVED(reserved1[2]);
	RESERVED(reserved2[1]);
	RESERVED(reserved3[0]);
	RESERVED(reserved3[2]);
	RESERVED(reserved4[0]);
	RESERVED(reserved4[23]);
#undef RESERVED
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY);
	assert_int_equal(bed_mask(bed, 3, &m), SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_mask_del(bed->esw, 255), SLUICE_ST_MODE);
}

static void rules(void **state)
{
	struct bed *bed = *state;
	struct sluice_key m = { .ip_proto = 0x0f }, k = { .ip_proto = 6 };
	struct sluice_key wide = { .ip_proto = 0xff, .ip_ttl = 1 };
	struct sluice_key two = { .ip_proto = 0x0f, .arp_op = 1 };
	struct sluice_action a = act(SLUICE_ACT_DROP), many[65];
	const struct rule good = {
		.id = 4095, .table = 63, .mask = 2, .counter = 9999,
		.mask_bits = &m, .key = &k, .act = &a, .num_act = 1,
	};
	struct rule r;
	uint32_t counter, i;

	for (i = 0; i < 65; i++)
		many[i] = act_out(VF(1));
	assert_int_equal(bed_mask(bed, 2, &m), 0);
#define BAD(field, value, status) do { \
	r = good; \
	r.field = value; \
	assert_int_equal(bed_rule(bed, &r), status); \
} while (0)
	BAD(id, 4096, SLUICE_ST_INVAL);
	BAD(table, 64, SLUICE_ST_INVAL);
	BAD(counter, 10000, SLUICE_ST_INVAL);
	BAD(mask, 256, SLUICE_ST_INVAL);
	BAD(mask, 3, SLUICE_ST_NOENT);
	BAD(mask_bits, &two, SLUICE_ST_INVAL);	/* a word too many */
	BAD(mask_bits, NULL, SLUICE_ST_INVAL);	/* and one too few */
	r = good;
	r.mask_bits = &wide;		/* a bit outside the mask */
	r.key = &wide;
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_INVAL);
	r = good;
	r.act = many;
	r.num_act = 65;
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_INVAL);
	r.num_act = 64;
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_EXIST);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 4095, &counter), 0);
	assert_int_equal(counter, 9999);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 4095, &counter),
			 SLUICE_ST_NOENT);
	assert_int_equal(counter, SLUICE_ID_NONE);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 4096, &counter),
			 SLUICE_ST_INVAL);
	/* Programs that make no sense on this device. */
	a = act_out(VF(BED_VFS));
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_NOENT);
	a = act_out(SLUICE_VPORT_UPLINK(2));
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_NOENT);
	a = act_goto(64);
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_INVAL);
	a = act_push(0x0800, 1);
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_INVAL);
	a = act_set(0x08000000, 0xffff0000);
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_INVAL);
	a = act_set(0x81000000, 0x0fff0000);
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_INVAL);
	a = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 0xfffffffe,
		      "ffffffff", "00000000");
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_INVAL);
	a = act(99);
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_INVAL);
	a = act(SLUICE_ACT_DROP);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY);
	assert_int_equal(bed_rule(bed, &good), SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 1, &counter),
			 SLUICE_ST_MODE);
#undef BAD
}

static bool well(const struct sluice_action *a, unsigned int n)
{
	struct sluice_rule_spec spec = { .actions = a, .num_actions = n };

	return sluice_rule_well_formed(&spec);
}

static void well_formed(void **state)
{
	struct sluice_rule_spec spec = { 0 };
	static const uint8_t ends[] = {
		SLUICE_ACT_DROP, SLUICE_ACT_PUNT, SLUICE_ACT_TO_CPU,
		SLUICE_ACT_DECAP_LOCAL,
	};
	struct sluice_action a[3], b;
	unsigned int i;

	(void)state;
	assert_true(sluice_rule_well_formed(&spec));
	spec.flags = SLUICE_RULE_F_ZERO;
	spec.key_words = SLUICE_KEY_WORDS;
	assert_true(sluice_rule_well_formed(&spec));
	spec.key_words++;
	assert_false(sluice_rule_well_formed(&spec));
	spec.key_words = 0;
	spec.flags = 2;
	assert_false(sluice_rule_well_formed(&spec));

	/* Nothing follows an operation that ends the program. */
	for (i = 0; i < sizeof(ends); i++) {
		a[0] = act(ends[i]);
		a[1] = act_out(1);
		assert_true(well(a, 1));
		assert_false(well(a, 2));
		a[1] = a[0];
		a[0] = act_out(1);
		assert_true(well(a, 2));
	}
	a[0] = act_goto(3);
	assert_true(well(a, 1));
	assert_false(well(a, 2));

	a[0] = act(0);
	assert_false(well(a, 1));
	a[0] = act(0xff);
	assert_false(well(a, 1));

	/* A field that is not used is zero. */
	for (i = SLUICE_ACT_DROP; i <= SLUICE_ACT_DECAP_LOCAL; i++) {
		bool edit = i == SLUICE_ACT_PEDIT_SET ||
			    i == SLUICE_ACT_PEDIT_ADD;

		b = act((uint8_t)i);
		b.flags = edit ? SLUICE_HDR_ETH : 0;
		assert_true(well(&b, 1));
		b.flags++;
		assert_int_equal(well(&b, 1), edit || i == SLUICE_ACT_DROP);
		b.flags--;
		b.port = htole16(1);
		assert_int_equal(well(&b, 1), i == SLUICE_ACT_OUTPUT);
		b.port = 0;
		b.a = htole32(1);
		assert_int_equal(well(&b, 1), edit ||
				 i == SLUICE_ACT_VLAN_PUSH ||
				 i == SLUICE_ACT_VLAN_SET ||
				 i == SLUICE_ACT_CSUM ||
				 i == SLUICE_ACT_GOTO ||
				 i == SLUICE_ACT_TUNNEL ||
				 i == SLUICE_ACT_DECAP_LOCAL);
		b.a = 0;
		b.b[3] = 1;
		assert_int_equal(well(&b, 1), edit ||
				 i == SLUICE_ACT_VLAN_SET);
		b.b[3] = 0;
		b.c[0] = 1;
		assert_int_equal(well(&b, 1), edit);
	}
	b = act_csum(0x80);
	assert_false(well(&b, 1));
	b = act_pedit(SLUICE_ACT_PEDIT_SET, 0, 0, "00000000", "00000000");
	assert_false(well(&b, 1));
	b.flags = SLUICE_HDR_NET + 1;
	assert_false(well(&b, 1));

	/* Flags and bytes that some have. */
	b = act(SLUICE_ACT_DROP);
	b.flags = 2;
	assert_false(well(&b, 1));
	b = act(SLUICE_ACT_CONTINUE);
	b.flags = SLUICE_CONTINUE_F_CPU;
	assert_true(well(&b, 1));
	b.flags = 2;
	assert_false(well(&b, 1));
	b = act(SLUICE_ACT_MPLS_PUSH);
	b.flags = SLUICE_MPLS_F_BOTTOM;
	b.b[1] = 1;
	assert_true(well(&b, 1));
	b.b[2] = 1;
	assert_false(well(&b, 1));
	b.b[2] = 0;
	b.flags = 2;
	assert_false(well(&b, 1));
	b = act(SLUICE_ACT_SAMPLE);
	assert_false(well(&b, 1));
	b.b[3] = 1;
	b.a = htole32(1);
	assert_true(well(&b, 1));
	b.c[0] = 1;
	assert_false(well(&b, 1));
	b = act(SLUICE_ACT_MPLS_POP);
	b.b[0] = 1;
	assert_false(well(&b, 1));

	/* A meter may lead behind an end, and to the end of the program. */
	a[0] = act(SLUICE_ACT_POLICE);
	a[0].b[0] = 1;
	a[1] = act(SLUICE_ACT_DROP);
	a[2] = act_out(0);
	assert_true(well(a, 3));
	a[0].c[0] = 2;
	assert_true(well(a, 3));
	a[0].c[0] = 3;
	assert_false(well(a, 3));
	a[0].c[0] = 0;
	a[0].b[0] = 3;
	assert_false(well(a, 3));
	a[0].b[0] = 0;
	a[0].c[1] = 1;
	assert_false(well(a, 3));
	a[0] = act_out(0);
	assert_false(well(a, 3));
}

struct emitted {
	unsigned int n;
	uint32_t id[100];
	struct sluice_counter value[100];
};

static void emit(void *ctx, uint32_t id, const struct sluice_counter *value)
{
	struct emitted *e = ctx;

	assert_true(e->n < 100);
	e->id[e->n] = id;
	e->value[e->n++] = *value;
}

static struct emitted collect(struct bed *bed)
{
	struct emitted e = { 0 };

	sluice_esw_collect_counters(bed->esw, emit, &e);
	return e;
}

static void counters(void **state)
{
	struct bed *bed = *state;
	struct sluice_action first[2] = { act_push(0x8100, 3), act_goto(2) };
	struct sluice_action second = act_out(VF(1));
	struct sluice_counter c;
	struct sluice_esw_info info;
	struct emitted e;
	struct frame f;
	uint32_t id;

	bed_any(bed, 7, 1, first, 2);
	bed_any(bed, 8, 2, &second, 1);
	assert_int_equal(collect(bed).n, 0);
	bed->dirty_calls = 0;
	bed->now = 5000;
	fr_udp4(&f, 1, 2);
	fr_vlan(&f, 0x8100, 9);
	bed_send(bed, VF(0), &f);
	/* Two vports and, once, the counters. */
	assert_int_equal(bed->dirty_calls, 3);
	bed->now = 6000;
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->dirty_calls, 3);
	e = collect(bed);
	assert_int_equal(e.n, 2);
	assert_true((e.id[0] == 7 && e.id[1] == 8) ||
		    (e.id[0] == 8 && e.id[1] == 7));
	for (id = 0; id < 2; id++) {
		assert_int_equal(le64toh(e.value[id].packets), 2);
		/* Without Ethernet header and outermost tag, before edits. */
		assert_int_equal(le64toh(e.value[id].bytes),
				 2 * (f.len - 18));
		assert_int_equal(le64toh(e.value[id].last_use), 6000);
	}
	assert_int_equal(collect(bed).n, 0);
	bed_send(bed, VF(0), &f);
	assert_int_equal(collect(bed).n, 2);

	/* A deleted rule's counter keeps its value for the last report. */
	bed_send(bed, VF(0), &f);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 8, &id), 0);
	assert_int_equal(id, 8);
	assert_int_equal(bed_packets(bed, 8), 4);
	assert_int_equal(collect(bed).n, 2);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le32toh(info.counters), 1);
	assert_int_equal(sluice_esw_counter_read(bed->esw, 10000, &c),
			 SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_counter_read(bed->esw, 9000, &c), 0);
	assert_int_equal(le64toh(c.packets), 0);
}

static void counter_reuse(void **state)
{
	struct bed *bed = *state;
	static const struct sluice_key none;
	struct sluice_action a = act(SLUICE_ACT_DROP);
	struct rule r = { .id = 1, .table = 1, .mask = 0, .counter = 5,
			  .act = &a, .num_act = 1 };
	struct sluice_esw_info info;
	struct emitted e;
	struct frame f;
	uint32_t id;

	fr_udp4(&f, 1, 2);
	assert_int_equal(bed_mask(bed, 0, &none), 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	bed_send(bed, VF(0), &f);
	/* Rules may share one. */
	r.id = 2;
	assert_int_equal(bed_rule(bed, &r), 0);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le32toh(info.counters), 1);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed_packets(bed, 5), 2);
	/* Asked to, a new rule starts from zero, and says so. */
	sluice_esw_rule_del(bed->esw, 1, &id);
	sluice_esw_rule_del(bed->esw, 2, &id);
	collect(bed);
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_int_equal(bed_packets(bed, 5), 2);
	sluice_esw_rule_del(bed->esw, 2, &id);
	r.flags = SLUICE_RULE_F_ZERO;
	assert_int_equal(bed_rule(bed, &r), 0);
	e = collect(bed);
	assert_int_equal(e.n, 1);
	assert_int_equal(e.id[0], 5);
	assert_int_equal(le64toh(e.value[0].packets), 0);
	/* A rule may do without. */
	sluice_esw_rule_del(bed->esw, 2, &id);
	r.counter = SLUICE_ID_NONE;
	assert_int_equal(bed_rule(bed, &r), 0);
	bed_send(bed, VF(0), &f);
	assert_int_equal(collect(bed).n, 0);
	sluice_esw_rule_del(bed->esw, 2, &id);
	assert_int_equal(id, SLUICE_ID_NONE);
}

/* A change of mode leaves no rule, no mask and no way to the old ones. */
static void mode_flushes(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a = act_out(VF(1));
	struct sluice_esw_info info;
	struct frame f;
	uint32_t i;

	for (i = 0; i < 20; i++)
		bed_any(bed, i, i, &a, 1);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le32toh(info.rules), 20);
	assert_int_equal(le32toh(info.tables), 20);
	assert_int_equal(sluice_esw_set_mode(bed->esw, SLUICE_ESW_SWITCHDEV),
			 0);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le32toh(info.mode), SLUICE_ESW_SWITCHDEV);
	assert_int_equal(le32toh(info.rules) + le32toh(info.masks) +
			 le32toh(info.tables) + le32toh(info.counters), 0);
	fr_udp4(&f, 1, 2);
	bed_send(bed, VF(0), &f);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_NO_TABLE, &f);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le64toh(info.misses[SLUICE_MISS_NO_TABLE]), 1);
	assert_int_equal(sluice_esw_set_mode(bed->esw,
					     (enum sluice_esw_mode)2),
			 SLUICE_ST_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(masks, setup, teardown),
		cmocka_unit_test_setup_teardown(rules, setup, teardown),
		cmocka_unit_test(well_formed),
		cmocka_unit_test_setup_teardown(counters, setup, teardown),
		cmocka_unit_test_setup_teardown(counter_reuse, setup,
						teardown),
		cmocka_unit_test_setup_teardown(mode_flushes, setup, teardown),
	};

	return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
