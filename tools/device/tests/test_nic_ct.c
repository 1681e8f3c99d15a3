// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections from the control ring to the counters in host memory.
 */
#include <stdlib.h>
#include "nic_fake.h"
#include "harness.h"
#include "../nic/internal.h"

static void add_rule(struct top *t)
{
	union {
		struct sluice_cmd_rule cmd;
		uint8_t room[80];
	} u = { .cmd = {
		.hdr.opcode = SLUICE_CMD_RULE_ADD,
		.table = htole32(1),
		.counter = htole32(SLUICE_ID_NONE),
		.num_actions = 2,
	} };
	struct sluice_action a[2] = { act(SLUICE_ACT_CT), act_out(WIRE0) };

	memcpy(u.room + 48, a, sizeof(a));
	assert_int_equal(drv_cmd(t->pf, &u, sizeof(u)), SLUICE_ST_OK);
}

static int setup(void **state)
{
	static struct top t;

	top_start(&t, 0);
	add_rule(&t);
	rx_fill(t.pf, &t.prx, 0, 8, 2048);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	fake_free(((struct top *)*state)->m);
	return 0;
}

/* The connection of fr_udp4(1000, 53). */
static struct sluice_cmd_ct conn(void)
{
	struct sluice_cmd_ct c = {
		.hdr.opcode = SLUICE_CMD_CT_SET,
		.id = htole32(2),
		.counter = htole32(3),
		.flags = htole16(SLUICE_CT_F_ZERO),
		.state = htole16(SLUICE_CT_TRACKED | SLUICE_CT_ESTABLISHED),
		.ip = 4,
		.proto = 17,
		.sport = htobe16(1000),
		.dport = htobe16(53),
	};
	struct frame f;

	fr_udp4(&f, 1000, 53);
	memcpy(c.src, f.b + 26, 4);
	memcpy(c.dst, f.b + 30, 4);
	return c;
}

static void vf_send(struct top *t, const struct frame *f)
{
	tx_frame(t->vf, &t->vtx, f);
	wr(t->vf, SLUICE_DB_TX(0), t->vtx.count);
	run(t->m);
}

static void last_counts(void **state)
{
	struct top *t = *state;
	struct sluice_cmd_ct c = conn();
	struct frame f;

	fr_udp4(&f, 1000, 53);
	t->counter[3].packets = 99;
	assert_int_equal(drv_cmd(t->pf, &c, sizeof(c)), SLUICE_ST_OK);
	/* Zero in host memory when the completion is there. */
	assert_int_equal(t->counter[3].packets, 0);
	vf_send(t, &f);
	vf_send(t, &f);
	assert_int_equal(t->counter[3].packets, 0);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_CT_DEL, 2), SLUICE_ST_OK);
	assert_int_equal(le64toh(t->counter[3].packets), 2);
	assert_int_equal(le64toh(t->counter[3].bytes), 2 * (f.len - 14));
	assert_true(le64toh(t->counter[3].last_use));
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_CT_DEL, 2),
			 SLUICE_ST_NOENT);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_CT_DEL, 64),
			 SLUICE_ST_INVAL);
}

static void stopped(struct top *t, void *cmd, uint16_t len)
{
	drv_post(t->pf, cmd, len);
	drv_ring(t->pf);
	run(t->m);
	assert_int_equal(rd(t->pf, SLUICE_REG_ERROR), SLUICE_ERR_CTRL_DESC);
	drv_reset(t->pf);
}

static void reserved_set(void **state)
{
	struct sluice_cmd_ct c = conn();

	c.reserved[1] = 1;
	stopped(*state, &c, sizeof(c));
}

static void unknown_flag(void **state)
{
	struct sluice_cmd_ct c = conn();

	c.flags = htole16(SLUICE_CT_F_ALL + 1);
	stopped(*state, &c, sizeof(c));
}

static void wrong_length(void **state)
{
	struct sluice_cmd_ct c = conn();

	stopped(*state, &c, sizeof(c) - 8);
}

/* Only the PF has connections. */
static void capability(void **state)
{
	struct top *t = *state;

	assert_true(rd(t->pf, SLUICE_REG_CAPS_LO) & SLUICE_CAP_CT);
	assert_false(rd(t->vf, SLUICE_REG_CAPS_LO) & SLUICE_CAP_CT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(last_counts), T(reserved_set), T(unknown_flag),
		T(wrong_length), T(capability),
	};

	return cmocka_run_group_tests_name("nic_ct", tests, NULL, NULL);
}
