// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Meters: what conforms, what a packet that goes to the slow path costs, and
 * where programs go on.
 */
#include <stdlib.h>
#include "harness.h"

#define SEC	1000000000ull
#define BYTES	78u		/* what tc counts of fr_udp4() */

/* @ns nanoseconds for each byte, or packet. */
static struct sluice_meter_rate per_unit(uint64_t ns)
{
	struct sluice_meter_rate r = {
		.mult = htole32((uint32_t)ns),
		.shift = 0,
	};

	return r;
}

static struct sluice_cmd_meter meter(uint32_t id, uint16_t flags)
{
	struct sluice_cmd_meter cmd = {
		.id = htole32(id),
		.flags = htole16(flags),
		.mtu = htole32(~0u),
	};

	return cmd;
}

static int set(struct bed *bed, const struct sluice_cmd_meter *cmd)
{
	return sluice_esw_meter_set(bed->esw, cmd);
}

static struct sluice_action act_police(uint32_t id, uint8_t conform,
				       uint8_t exceed)
{
	struct sluice_action a = act(SLUICE_ACT_POLICE);

	a.a = htole32(id);
	a.b[0] = conform;
	a.c[0] = exceed;
	return a;
}

static struct sluice_action act_continue(uint8_t flags)
{
	struct sluice_action a = act(SLUICE_ACT_CONTINUE);

	a.flags = flags;
	return a;
}

static int setup(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_key none = { 0 };

	bed->now = 5 * SEC;
	bed_root(bed, VF(0), 1);
	bed_mask(bed, 0, &none);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	bed_free(*state);
	return 0;
}

/* Does one more packet come out? */
static bool passes(struct bed *bed)
{
	struct frame f;

	fr_udp4(&f, 1, 2);
	bed_clear(bed);
	bed_send(bed, VF(0), &f);
	assert_true(bed->num_sent <= 1);
	return bed->num_sent && !bed->sent[0].slow;
}

/* Everything through meter 3; what exceeds is dropped. */
static void police_all(struct bed *bed)
{
	struct sluice_action a[] = {
		act_police(3, 1, 0), act(SLUICE_ACT_DROP), act_out(VF(1)),
	};

	bed_any(bed, 7, 1, a, 3);
}

static void objects(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, SLUICE_METER_F_RATE);
	struct sluice_cmd_meter bad;
	struct sluice_action a = act_police(4, 0, 0);
	struct rule r = { .id = 1, .table = 1, .counter = SLUICE_ID_NONE,
			  .act = &a, .num_act = 1 };
	uint32_t counter;

	bad = m;
	bad.id = htole32(20);
	assert_int_equal(set(bed, &bad), SLUICE_ST_INVAL);
	bad = m;
	bad.flags = htole16(SLUICE_METER_F_PEAK);
	assert_int_equal(set(bed, &bad), SLUICE_ST_INVAL);
	bad.flags = htole16(SLUICE_METER_F_RATE | SLUICE_METER_F_PACKET);
	assert_int_equal(set(bed, &bad), SLUICE_ST_INVAL);
	bad = m;
	bad.peak.shift = 64;
	assert_int_equal(set(bed, &bad), SLUICE_ST_INVAL);
	bad = m;
	bad.burst = htole64(1ull << 62);
	assert_int_equal(set(bed, &bad), SLUICE_ST_INVAL);
	assert_int_equal(set(bed, &m), 0);
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_NOENT);
	a.a = htole32(20);
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_INVAL);
	a = act_police(3, 1, 0);	/* beyond the end */
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_INVAL);
	a = act_police(3, 0, 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_int_equal(sluice_esw_meter_del(bed->esw, 3), SLUICE_ST_BUSY);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 1, &counter), 0);
	assert_int_equal(sluice_esw_meter_del(bed->esw, 3), 0);
	assert_int_equal(sluice_esw_meter_del(bed->esw, 3), SLUICE_ST_NOENT);
	assert_int_equal(sluice_esw_meter_del(bed->esw, 20), SLUICE_ST_INVAL);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY);
	assert_int_equal(set(bed, &m), SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_meter_del(bed->esw, 3), SLUICE_ST_MODE);
}

static void byte_rate(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, SLUICE_METER_F_RATE);

	/* 10 ns a byte; two packets fit into the bucket. */
	m.rate = per_unit(10);
	m.burst = htole64(2 * BYTES * 10);
	assert_int_equal(set(bed, &m), 0);
	police_all(bed);
	assert_true(passes(bed));
	assert_true(passes(bed));
	assert_false(passes(bed));
	bed->now += BYTES * 10 - 1;
	assert_false(passes(bed));
	bed->now += 1;
	assert_true(passes(bed));
	/* No more is saved up than the bucket holds. */
	bed->now += 100 * SEC;
	assert_true(passes(bed));
	assert_true(passes(bed));
	assert_false(passes(bed));
	/* Overhead, and a least length. */
	m.rate.overhead = htole16(1);
	assert_int_equal(set(bed, &m), 0);
	assert_true(passes(bed));
	assert_false(passes(bed));
	m.rate.overhead = 0;
	m.rate.mpu = htole16(2 * BYTES);
	assert_int_equal(set(bed, &m), 0);
	assert_true(passes(bed));
	assert_false(passes(bed));
	/* 78 bytes are two cells. */
	m.rate.mpu = 0;
	m.rate.flags = SLUICE_METER_RATE_F_ATM;
	m.burst = htole64(4 * 53 * 10 - 1);
	assert_int_equal(set(bed, &m), 0);
	assert_true(passes(bed));
	assert_false(passes(bed));
}

static void peak_rate(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, SLUICE_METER_F_RATE |
					     SLUICE_METER_F_PEAK);

	m.rate = per_unit(10);
	m.burst = htole64(100 * BYTES * 10);
	m.peak = per_unit(5);
	m.peak_burst = htole64(BYTES * 5);
	assert_int_equal(set(bed, &m), 0);
	police_all(bed);
	assert_true(passes(bed));
	assert_false(passes(bed));
	bed->now += BYTES * 5;
	assert_true(passes(bed));
	assert_false(passes(bed));
}

/* Unlike bytes, packets have to be saved up from the start. */
static void packet_rate(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, SLUICE_METER_F_PACKET);

	m.packet = per_unit(1000);
	m.packet_burst = htole64(2000);
	assert_int_equal(set(bed, &m), 0);
	police_all(bed);
	assert_false(passes(bed));
	bed->now += 999;
	assert_false(passes(bed));
	bed->now += 1;
	assert_true(passes(bed));
	assert_false(passes(bed));
	bed->now += SEC;
	assert_true(passes(bed));
	assert_true(passes(bed));
	assert_false(passes(bed));
}

static void mtu(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, 0);

	m.mtu = htole32(BYTES + 14);
	assert_int_equal(set(bed, &m), 0);
	police_all(bed);
	assert_true(passes(bed));
	m.mtu = htole32(BYTES + 13);
	assert_int_equal(set(bed, &m), 0);
	assert_false(passes(bed));
}

/* A packet that ends on the slow path has used nothing. */
static void all_or_nothing(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, SLUICE_METER_F_RATE);
	struct sluice_action a[] = {
		act_police(3, 0, 0), act_out(VF(1)), act(SLUICE_ACT_PUNT),
	};
	uint32_t counter;

	m.rate = per_unit(10);
	m.burst = htole64(BYTES * 10);
	assert_int_equal(set(bed, &m), 0);
	bed_any(bed, 7, 1, a, 3);
	assert_false(passes(bed));
	assert_true(bed->sent[0].slow);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 7, &counter), 0);
	police_all(bed);
	assert_true(passes(bed));
	assert_false(passes(bed));
}

/* Asked twice by one packet, it takes twice. */
static void asked_twice(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, SLUICE_METER_F_RATE);
	struct sluice_action a[] = {
		act_police(3, 1, 0), act(SLUICE_ACT_DROP),
		act_police(3, 1, 0), act(SLUICE_ACT_DROP), act_out(VF(1)),
	};

	m.rate = per_unit(10);
	m.burst = htole64(3 * BYTES * 10);
	assert_int_equal(set(bed, &m), 0);
	bed_any(bed, 7, 1, a, 5);
	assert_true(passes(bed));
	assert_false(passes(bed));
	bed->now += BYTES * 10 - 1;
	assert_false(passes(bed));
	/* The second refusal gives the first token back neither. */
	bed->now += 1;
	assert_false(passes(bed));
}

/* Of what a rule counts, it tells what its meter dropped. */
static void counts_drops(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, SLUICE_METER_F_RATE);
	struct sluice_action a[] = {
		act_police(3, 1, 0), act(SLUICE_ACT_DROP), act_out(VF(1)),
	};
	struct rule r = { .id = 1, .table = 1, .counter = 6, .act = a,
			  .num_act = 3 };
	struct sluice_counter c;
	uint32_t counter;

	a[1].flags = SLUICE_DROP_F_METER;
	m.rate = per_unit(10);
	m.burst = htole64(BYTES * 10);
	assert_int_equal(set(bed, &m), 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_true(passes(bed));
	assert_false(passes(bed));
	assert_false(passes(bed));
	assert_int_equal(sluice_esw_counter_read(bed->esw, 6, &c), 0);
	assert_int_equal(le64toh(c.packets), 3);
	assert_int_equal(le64toh(c.bytes), 3 * BYTES);
	assert_int_equal(le64toh(c.dropped), 2);
	assert_int_equal(bed_stats(bed, VF(0)).tx_dropped_rule, htole64(2));
	/* What exceeds it and is dropped by another step is not among it. */
	assert_int_equal(sluice_esw_rule_del(bed->esw, 1, &counter), 0);
	a[1].flags = 0;
	r.counter = 7;
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_false(passes(bed));
	assert_int_equal(sluice_esw_counter_read(bed->esw, 7, &c), 0);
	assert_int_equal(le64toh(c.packets), 1);
	assert_int_equal(le64toh(c.dropped), 0);
}

/* The search goes on behind the rule's priority, not just behind the rule. */
static void goes_on(void **state)
{
	struct bed *bed = *state;
	struct sluice_key m[5];
	struct sluice_action on = act_continue(0), cpu = act_continue(1);
	struct sluice_action drop = act(SLUICE_ACT_DROP), out = act_out(VF(1));
	struct rule r = { .id = 1, .table = 1, .counter = 1, .prio = 10,
			  .act = &on, .num_act = 1 };
	unsigned int i, tag;
	struct frame f;

	memset(m, 0, sizeof(m));
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_false(passes(bed));
	assert_true(bed->sent[0].slow);
	assert_int_equal(bed->sent[0].meta.reason, SLUICE_MISS_NO_RULE);
	assert_int_equal(bed_packets(bed, 1), 0);
	r.id = 2;
	r.subprio = 5;
	r.act = &drop;
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_false(passes(bed));
	assert_true(bed->sent[0].slow);
	r.id = 3;
	r.prio = 11;
	r.counter = 2;
	r.act = &out;
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_true(passes(bed));
	assert_int_equal(bed_packets(bed, 1), 1);
	assert_int_equal(bed_packets(bed, 2), 1);
	/* With so many masks that lookups are cached. */
	for (i = 1; i < 5; i++) {
		m[i].in_vport = htole16((uint16_t)(1u << i));
		bed_mask(bed, i, &m[i]);
		r.id = 10 + i;
		r.prio = 100;
		r.mask = i;
		r.mask_bits = &m[i];
		r.key = &m[i];
		assert_int_equal(bed_rule(bed, &r), 0);
	}
	for (i = 0; i < 3; i++)
		assert_true(passes(bed));
	assert_int_equal(bed_packets(bed, 1), 4);
	assert_int_equal(bed_packets(bed, 2), 4);

	/* Nothing behind: to the CPU, edited and counted, or as it came. */
	for (tag = 0; tag < 2; tag++) {
		struct sluice_action a[] = { act_push(0x8100, 9),
					     tag ? cpu : on };
		struct rule last = { .id = 30 + tag, .table = 2 + tag,
				     .counter = 30 + tag, .prio = 0xffffffff,
				     .act = a, .num_act = 2 };

		assert_int_equal(bed_rule(bed, &last), 0);
		bed_root(bed, VF(0), 2 + tag);
		fr_udp4(&f, 1, 2);
		bed_clear(bed);
		bed_send(bed, VF(0), &f);
		if (tag)
			fr_vlan(&f, 0x8100, 9);
		assert_slow(bed, 0, VF(0), tag ? SLUICE_MISS_TO_CPU :
						 SLUICE_MISS_NO_RULE, &f);
		assert_int_equal(bed_packets(bed, 30 + tag), tag);
	}
}

/* What is longer goes by VF 1, all else by VF 2 with a tag, both get a second. */
static void leaves_out(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_meter m = meter(3, 0);
	struct sluice_action a[] = {
		act_police(3, 2, 0), act_out(VF(1)), act(SLUICE_ACT_SKIP),
		act_push(0x8100, 9), act_out(VF(2)), act_push(0x8100, 7),
		act_out(VF(3)),
	};
	struct frame f, tagged;
	uint32_t counter;

	m.mtu = htole32(BYTES + 13);
	assert_int_equal(set(bed, &m), 0);
	a[2].b[0] = 2;
	bed_any(bed, 7, 1, a, 7);
	fr_udp4(&f, 1, 2);
	bed_send(bed, VF(0), &f);
	tagged = f;
	fr_vlan(&tagged, 0x8100, 7);
	assert_int_equal(bed->num_sent, 2);
	assert_sent(bed, 0, VF(1), &f);
	assert_sent(bed, 1, VF(3), &tagged);

	m.mtu = htole32(BYTES + 14);
	assert_int_equal(set(bed, &m), 0);
	bed_clear(bed);
	bed_send(bed, VF(0), &f);
	tagged = f;
	fr_vlan(&tagged, 0x8100, 9);
	assert_int_equal(bed->num_sent, 2);
	assert_sent(bed, 0, VF(2), &tagged);
	assert_int_equal(bed->sent[1].vport, VF(3));

	/* To the end, but not beyond it. */
	assert_int_equal(sluice_esw_rule_del(bed->esw, 7, &counter), 0);
	m.mtu = htole32(BYTES);
	assert_int_equal(set(bed, &m), 0);
	a[2].b[0] = 5;
	assert_false(sluice_rule_well_formed(&(struct sluice_rule_spec){
		.num_actions = 7, .actions = a }));
	a[2].b[0] = 4;
	bed_any(bed, 7, 1, a, 7);
	bed_clear(bed);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(1), &f);
	assert_int_equal(bed_stats(bed, VF(0)).tx_dropped_rule, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(objects, setup, teardown),
		cmocka_unit_test_setup_teardown(byte_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(peak_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(packet_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(mtu, setup, teardown),
		cmocka_unit_test_setup_teardown(all_or_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(asked_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_drops, setup, teardown),
		cmocka_unit_test_setup_teardown(goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(leaves_out, setup, teardown),
	};

	return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
