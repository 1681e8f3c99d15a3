// SPDX-License-Identifier: GPL-2.0-or-later
/* Shapers: rates, bursts, groups, turns, and what the PF may ask for. */
#include "nic_fake.h"
#include "../nic/internal.h"

#define MSEC	1000000ull
#define SECOND	(1000 * MSEC)
#define LOG	8

/* A VF with a full ring of frames for the wire. */
struct sender {
	struct drv *d;
	struct ring cq, tx, rx;
	uint64_t frame;
	uint32_t len;
};

struct line {
	struct fake *m;
	struct drv *pf;
	struct sender vf[FAKE_VFS];
};

static int setup(void **state)
{
	static struct line b;
	unsigned int i;

	memset(&b, 0, sizeof(b));
	b.m = fake_new();
	b.m->wire[0].room = 1u << 30;
	b.pf = &b.m->drv[0];
	drv_start(b.pf);
	for (i = 0; i < FAKE_VFS; i++) {
		struct sender *s = &b.vf[i];

		s->d = &b.m->drv[i + 1];
		drv_nic(s->d, LOG, &s->cq, &s->tx, &s->rx);
		s->frame = drv_alloc(s->d, 1500);
	}
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	fake_free(((struct line *)*state)->m);
	return 0;
}

/* Where a sender's queue is: frames sent since the start. */
static uint32_t sent(const struct sender *s)
{
	return s->d->m->nic->funcs[s->d->fn].txqs[0].head;
}

/* Keep the ring full of frames of @len bytes. */
static void feed(struct sender *s, uint32_t len)
{
	struct frame f = { .len = 0 };

	while (cq_next(s->d, &s->cq))
		;
	wr(s->d, SLUICE_DB_CQ(0), s->cq.count);
	if (s->len != len) {
		fr_eth(&f, "02:99:99:99:99:99", fn_mac(s->d->fn), 0x88b5);
		fr_fill(&f, 7, len - f.len);
		memcpy(drv_mem(s->d, s->frame), f.b, len);
		s->len = len;
	}
	while (s->tx.count - sent(s) < s->tx.size) {
		struct sluice_tx_desc *d = tx_slot(s->d, &s->tx);

		d->addr = htole64(s->frame);
		d->len = htole32(len);
		d->flags = htole16(SLUICE_TX_F_EOP);
	}
	wr(s->d, SLUICE_DB_TX(0), s->tx.count);
}

/* Let @n senders send as much as they may for @ns; bytes[i] is what did. */
static void race(struct line *b, const uint32_t *len, unsigned int n,
		 uint64_t ns, uint64_t *bytes)
{
	uint32_t start[FAKE_VFS];
	uint64_t end = b->m->now + ns;
	unsigned int i;

	for (i = 0; i < n; i++)
		start[i] = sent(&b->vf[i]);
	while (b->m->now < end) {
		for (i = 0; i < n; i++)
			if (len[i])
				feed(&b->vf[i], len[i]);
		run_for(b->m, MSEC);
	}
	for (i = 0; i < n; i++)
		bytes[i] = (uint64_t)(sent(&b->vf[i]) - start[i]) * len[i];
}

static int set(struct line *b, uint16_t id, uint16_t parent, uint64_t rate,
	       uint32_t burst)
{
	struct sluice_cmd_shaper cmd = {
		.hdr.opcode = SLUICE_CMD_SHAPER_SET,
		.id = htole16(id),
		.parent = htole16(parent),
		.burst = htole32(burst),
		.rate = htole64(rate),
	};

	return drv_cmd(b->pf, &cmd, sizeof(cmd));
}

/* Group 0 above the first @n VFs, which have no limit of their own. */
static void group(struct line *b, uint64_t rate, uint32_t burst, uint16_t n)
{
	uint16_t i;

	assert_int_equal(set(b, SLUICE_SHAPER_GROUP(0), 0, rate, burst), 0);
	for (i = 1; i <= n; i++)
		assert_int_equal(set(b, i, SLUICE_SHAPER_GROUP(0), 0, 0), 0);
}

static int del(struct line *b, uint32_t id)
{
	return drv_u32(b->pf, SLUICE_CMD_SHAPER_DEL, id);
}

/* Within a frame of what is wanted, or a thousandth. */
static void assert_about(uint64_t have, uint64_t want, uint32_t frame)
{
	uint64_t slack = want / 1000 > frame ? want / 1000 : frame;

	assert_in_range(have, want > slack ? want - slack : 0, want + slack);
}

static void test_rate(void **state)
{
	static const uint64_t rates[] = { 1000, 333333, 1000000, 12345678 };
	struct line *b = *state;
	uint64_t bytes;
	unsigned int i;
	uint32_t len;

	for (i = 0; i < 4; i++) {
		for (len = 60; len <= 1500; len += 720) {
			/* What the ring still holds is of another length. */
			assert_int_equal(set(b, 1, 0, 0, 0), 0);
			run_for(b->m, MSEC);
			assert_int_equal(set(b, 1, 0, rates[i], 0), 0);
			race(b, &len, 1, SECOND, &bytes);
			assert_about(bytes, rates[i], len);
		}
	}
	assert_int_equal(b->m->wire[0].sent, sent(&b->vf[0]));
}

static void test_burst(void **state)
{
	struct line *b = *state;
	uint32_t len = 1000;
	uint64_t bytes;

	assert_int_equal(set(b, 1, 0, 100000, 20000), 0);
	/* All of the burst at once, then the rate. */
	feed(&b->vf[0], len);
	run_for(b->m, MSEC);
	assert_int_equal(sent(&b->vf[0]), 21);
	race(b, &len, 1, SECOND, &bytes);
	assert_about(bytes, 100000, len);
	/* No more than the burst is saved up, however long the pause. */
	while (sent(&b->vf[0]) != b->vf[0].tx.count)
		run_for(b->m, 100 * MSEC);
	run_for(b->m, 100 * SECOND);
	bytes = sent(&b->vf[0]);
	feed(&b->vf[0], len);
	run_for(b->m, MSEC);
	assert_int_equal(sent(&b->vf[0]) - bytes, 21);
}

static void test_others(void **state)
{
	struct line *b = *state;
	uint32_t len[] = { 500, 500 };
	uint64_t bytes[2];

	/* A limit is nobody else's. */
	assert_int_equal(set(b, 1, 0, 10000, 0), 0);
	race(b, len, 2, SECOND / 10, bytes);
	assert_about(bytes[0], 1000, 500);
	assert_true(bytes[1] > 1000000);
	/* Gone, or without a rate, it limits no more, at once. */
	feed(&b->vf[0], 500);
	assert_int_equal(del(b, 1), 0);
	run_for(b->m, MSEC);
	assert_int_equal(sent(&b->vf[0]), b->vf[0].tx.count);
	assert_int_equal(set(b, 1, 0, 1, 0), 0);
	feed(&b->vf[0], 500);
	run(b->m);
	assert_int_not_equal(sent(&b->vf[0]), b->vf[0].tx.count);
	assert_int_equal(set(b, 1, 0, 0, 0), 0);
	run_for(b->m, MSEC);
	assert_int_equal(sent(&b->vf[0]), b->vf[0].tx.count);
}

static void test_group(void **state)
{
	const uint16_t g = SLUICE_SHAPER_GROUP(0), h = SLUICE_SHAPER_GROUP(5);
	struct line *b = *state;
	uint32_t len[] = { 100, 1500, 700 };
	uint64_t bytes[3];

	/* Even shares by bytes, whatever the lengths. */
	group(b, 3000000, 10000, 3);
	race(b, len, 3, SECOND, bytes);
	assert_about(bytes[0] + bytes[1] + bytes[2], 3010000, 1500);
	assert_about(bytes[0], 1003333, TX_SHAPED_BYTES + 1500);
	assert_about(bytes[1], 1003333, TX_SHAPED_BYTES + 1500);
	assert_about(bytes[2], 1003333, TX_SHAPED_BYTES + 1500);

	/* What one may not use, the others get. */
	assert_int_equal(set(b, 1, g, 500000, 20000), 0);
	race(b, len, 3, SECOND, bytes);
	assert_about(bytes[0], 510000, 10000);
	assert_about(bytes[1], 1250000, 2 * TX_SHAPED_BYTES);
	assert_about(bytes[2], 1250000, 2 * TX_SHAPED_BYTES);

	/* Groups in groups. */
	assert_int_equal(set(b, h, g, 1000000, 40000), 0);
	assert_int_equal(set(b, 1, h, 0, 0), 0);
	assert_int_equal(set(b, 2, h, 0, 0), 0);
	race(b, len, 3, SECOND, bytes);
	assert_about(bytes[0] + bytes[1], 1040000, 1500);
	assert_about(bytes[0], 520000, TX_SHAPED_BYTES + 1500);
	assert_about(bytes[2], 1960000, 2 * TX_SHAPED_BYTES);
}

/* Who was silent gets its share from then on, no more. */
static void test_latecomer(void **state)
{
	uint32_t one[] = { 1000, 0 }, both[] = { 1000, 1000 };
	struct line *b = *state;
	uint64_t bytes[2];

	group(b, 1000000, 0, 2);
	race(b, one, 2, SECOND, bytes);
	assert_about(bytes[0], 1000000, 1000);
	race(b, both, 2, SECOND, bytes);
	assert_about(bytes[0], 500000, TX_SHAPED_BYTES + 1000);
	assert_about(bytes[1], 500000, TX_SHAPED_BYTES + 1000);
}

/* Two queues of one function share what it may send. */
static void test_queues(void **state)
{
	struct line *b = *state;
	struct sender *s = &b->vf[0];
	struct txq *txqs = b->m->nic->funcs[1].txqs;
	struct ring second;
	unsigned int i;

	second = drv_queue(s->d, SLUICE_CMD_TXQ_CREATE, 1, LOG, 0);
	assert_int_equal(set(b, 1, 0, 100000, 0), 0);
	feed(s, 500);
	for (i = 0; i < 200; i++) {
		struct sluice_tx_desc *d = tx_slot(s->d, &second);

		d->addr = htole64(s->frame);
		d->len = htole32(500);
		d->flags = htole16(SLUICE_TX_F_EOP);
	}
	wr(s->d, SLUICE_DB_TX(1), second.count);
	run_for(b->m, SECOND / 2);
	assert_in_range(txqs[0].head, 49, 52);
	assert_in_range(txqs[1].head, 49, 52);
}

/* One that fails while it has the best claim holds nobody up. */
static void test_failed(void **state)
{
	uint32_t len[] = { 1000, 1000 }, one[] = { 1000, 0 };
	struct line *b = *state;
	uint64_t bytes[2];

	group(b, 100000, 0, 2);
	race(b, len, 2, SECOND / 10, bytes);
	func_fail(&b->m->nic->funcs[2], SLUICE_ERR_INJECTED, 0);
	race(b, one, 1, SECOND, bytes);
	assert_about(bytes[0], 100000, 1000);
	/* Its shaper outlives its reset, the PF's reset none. */
	drv_reset(b->vf[1].d);
	assert_int_equal(del(b, 2), SLUICE_ST_OK);
	drv_reset(b->pf);
	drv_start(b->pf);
	assert_int_equal(del(b, 1), SLUICE_ST_NOENT);
	race(b, one, 1, SECOND / 100, bytes);
	assert_true(bytes[0] > 100000);
}

static void test_refused(void **state)
{
	struct line *b = *state;
	const uint16_t g = SLUICE_SHAPER_GROUP(0);
	const uint16_t last = SLUICE_SHAPER_GROUP(SLUICE_MAX_SHAPER_GROUPS - 1);
	unsigned int i;

	assert_int_equal(set(b, 0, 0, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(set(b, FAKE_VFS + 1, 0, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(set(b, last + 1, 0, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(set(b, 0xffff, 0, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(set(b, 1, 2, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(set(b, 1, last + 1, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(set(b, 1, g, 1, 1), SLUICE_ST_NOENT);
	assert_int_equal(del(b, 1), SLUICE_ST_NOENT);
	assert_int_equal(del(b, 0), SLUICE_ST_INVAL);
	assert_int_equal(del(b, UINT32_MAX), SLUICE_ST_INVAL);
	assert_int_equal(set(b, last, 0, 1, 1), SLUICE_ST_OK);
	assert_int_equal(set(b, last, last, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(del(b, last), SLUICE_ST_OK);

	/* A way up of eight steps, no more, and no circle. */
	for (i = 0; i < SLUICE_SHAPER_DEPTH; i++)
		assert_int_equal(set(b, g + i, i ? g + i - 1 : 0, 1, 1),
				 SLUICE_ST_OK);
	assert_int_equal(set(b, 1, g + i - 1, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(set(b, 1, g + i - 2, 1, 1), SLUICE_ST_OK);
	assert_int_equal(set(b, g + 20, 0, 1, 1), SLUICE_ST_OK);
	assert_int_equal(set(b, g, g + 20, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(set(b, g, g + i - 1, 1, 1), SLUICE_ST_INVAL);
	assert_int_equal(del(b, g + 2), SLUICE_ST_BUSY);
	assert_int_equal(del(b, g + i - 1), SLUICE_ST_OK);
	/* In another mode there are none. */
	assert_int_equal(drv_u32(b->pf, SLUICE_CMD_ESW_MODE,
				 SLUICE_ESW_SWITCHDEV), SLUICE_ST_OK);
	assert_int_equal(del(b, g), SLUICE_ST_NOENT);
}

static void test_malformed(void **state)
{
	struct line *b = *state;
	struct sluice_cmd_shaper cmd = {
		.hdr.opcode = SLUICE_CMD_SHAPER_SET,
		.id = htole16(1),
	};

	assert_true(rd(b->pf, SLUICE_REG_CAPS_LO) & SLUICE_CAP_SHAPER);
	assert_false(rd(b->vf[0].d, SLUICE_REG_CAPS_LO) & SLUICE_CAP_SHAPER);
	drv_post(b->pf, &cmd, sizeof(cmd) - 8);
	drv_ring(b->pf);
	run(b->m);
	assert_int_equal(rd(b->pf, SLUICE_REG_ERROR), SLUICE_ERR_CTRL_DESC);
	drv_post(b->vf[0].d, &cmd, sizeof(cmd));
	drv_ring(b->vf[0].d);
	run(b->m);
	assert_int_equal(rd(b->vf[0].d, SLUICE_REG_ERROR),
			 SLUICE_ERR_CTRL_DESC);
}

#define T(name) \
	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_rate), T(test_burst), T(test_others), T(test_group),
		T(test_latecomer), T(test_queues), T(test_failed),
		T(test_refused), T(test_malformed),
	};

	return cmocka_run_group_tests_name("nic_shaper", tests, NULL, NULL);
}
