// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers, control ring, events, resets, permissions, malformed commands. */
#include "nic_fake.h"
#include "../nic/internal.h"

static int setup(void **state)
{
	*state = fake_new();
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void test_identity(void **state)
{
	struct fake *m = *state;
	struct drv *pf = &m->drv[0], *vf = &m->drv[2];
	uint32_t lo;

	assert_int_equal(rd(pf, SLUICE_REG_MAGIC), SLUICE_MAGIC);
	assert_int_equal(rd(pf, SLUICE_REG_VERSION), 0x10000);
	assert_int_equal(rd(pf, SLUICE_REG_FUNC), SLUICE_FUNC_IS_PF);
	assert_int_equal(rd(vf, SLUICE_REG_FUNC), 2);
	assert_true(rd(pf, SLUICE_REG_CAPS_LO) & SLUICE_CAP_SWITCHDEV);
	assert_false(rd(vf, SLUICE_REG_CAPS_LO) & SLUICE_CAP_SWITCHDEV);
	assert_true(rd(vf, SLUICE_REG_CAPS_LO) & SLUICE_CAP_TSO);
	assert_int_equal(rd(pf, SLUICE_REG_STATUS), SLUICE_STATUS_READY);

	m->now = 0x1fffffffdull;
	lo = rd(pf, SLUICE_REG_TIME_LO);
	m->now += 10;
	assert_int_equal(lo, 0xfffffffd);
	assert_int_equal(rd(pf, SLUICE_REG_TIME_HI), 1);

	/* Other sizes and places read zero and write nothing. */
	assert_int_equal(sluice_nic_reg_read(m->nic, 0, 0, 2), 0);
	assert_int_equal(sluice_nic_reg_read(m->nic, 0, 2, 4), 0);
	assert_int_equal(sluice_nic_reg_read(m->nic, 99, 0, 4), 0);
	sluice_nic_reg_write(m->nic, 0, SLUICE_REG_CTRL_SQ_SIZE, 99, 2);
	sluice_nic_reg_write(m->nic, 0, SLUICE_REG_CTRL_SQ_SIZE + 1, 99, 4);
	run(m);
	assert_int_equal(rd(pf, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
}

static void test_bad_registers(void **state)
{
	static const struct {
		uint32_t reg, val;
	} bad[] = {
		{ SLUICE_REG_CTRL_SQ_SIZE, 2 },
		{ SLUICE_REG_CTRL_SQ_SIZE, 16 },
		{ SLUICE_REG_CTRL_CQ_SIZE, 0x80000004 },
		{ SLUICE_REG_EQ_SIZE, 0 },
		{ SLUICE_REG_CTRL_SQ_BASE_LO, 32 },
		{ SLUICE_REG_CTRL_CQ_BASE_LO, 1 },
		{ SLUICE_REG_EQ_BASE_LO, 63 },
		{ SLUICE_REG_CTRL_ENABLE, 1 },		/* no size yet */
		{ SLUICE_REG_EQ_ENABLE, 1 },
		{ SLUICE_REG_EQ_ENABLE, 2 },
		{ SLUICE_REG_RESET, 1 },
		{ SLUICE_REG_MAGIC, 0 },
		{ SLUICE_REG_STATUS, 0 },
		{ SLUICE_REG_CTRL_SQ_HEAD, 0 },
		{ 0x800, 0 },
		{ 0x3ffc, 0 },
	};
	struct fake *m = *state;
	struct drv *d = &m->drv[1];
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wr(d, bad[i].reg, bad[i].val);
		drv_failed(d, SLUICE_ERR_REG, bad[i].reg);
		/* Stopped: nothing but a reset is taken. */
		wr(d, SLUICE_REG_CTRL_SQ_SIZE, 4);
		assert_int_equal(rd(d, SLUICE_REG_CTRL_SQ_SIZE) == 4, false);
		drv_reset(d);
	}
	/* A vector it does not have; a base while enabled. */
	drv_start(d);
	wr(d, SLUICE_REG_CTRL_SQ_BASE_LO, 0);
	drv_failed(d, SLUICE_ERR_REG, SLUICE_REG_CTRL_SQ_BASE_LO);
	drv_reset(d);
	wr(d, SLUICE_REG_EQ_SIZE, 4);
	wr(d, SLUICE_REG_EQ_ENABLE, 1 | 60 << SLUICE_RING_VECTOR_SHIFT);
	drv_failed(d, SLUICE_ERR_REG, SLUICE_REG_EQ_ENABLE);
	assert_int_equal(rd(&m->drv[0], SLUICE_REG_STATUS),
			 SLUICE_STATUS_READY);
}

static void test_query_func(void **state)
{
	struct fake *m = *state;
	struct drv *d;
	unsigned int fn;

	for (fn = 0; fn < 2; fn++) {
		struct sluice_cmd_buf cmd = {
			.hdr.opcode = SLUICE_CMD_QUERY_FUNC,
			.len = htole32(sizeof(struct sluice_func_info)),
		};
		const struct sluice_func_info *fi;
		uint64_t addr;

		d = &m->drv[fn];
		drv_start(d);
		addr = drv_alloc(d, sizeof(*fi));
		cmd.addr = htole64(addr);
		assert_int_equal(drv_cmd(d, &cmd, sizeof(cmd)), SLUICE_ST_OK);
		fi = drv_mem(d, addr);
		assert_memory_equal(fi->mac, m->cfg.mac[fn], 6);
		assert_memory_equal(fi->permanent_mac, m->cfg.mac[fn], 6);
		assert_int_equal(le16toh(fi->vport), fn);
		assert_int_equal(le16toh(fi->mtu), 1500);
		assert_int_equal(le16toh(fi->max_mtu), SLUICE_MTU_MAX);
		assert_int_equal(fi->link, 1);
		assert_int_equal(le32toh(fi->speed), 25000);
		assert_int_equal(le16toh(fi->max_txqs), fn ? 2 : 4);
		assert_int_equal(le16toh(fi->max_cqs), fn ? 4 : 8);
		assert_int_equal(le16toh(fi->max_vectors), fn ? 5 : 9);
		assert_int_equal(le16toh(fi->num_uplinks), fn ? 0 : 2);
		assert_int_equal(le16toh(fi->total_vfs), fn ? 0 : FAKE_VFS);
		assert_int_equal(le32toh(fi->max_rules), fn ? 0 : 64);
		assert_int_equal(le32toh(fi->max_next_hops), fn ? 0 : 32);
		assert_int_equal(le32toh(fi->max_encaps), fn ? 0 : 33);
		assert_int_equal(le32toh(fi->max_endpoints), fn ? 0 : 34);
		assert_int_equal(le32toh(fi->max_ct), fn ? 0 : 64);
		assert_int_equal(le32toh(fi->max_meters), fn ? 0 : 35);
		assert_string_equal(fi->serial, "S123");
		assert_string_equal(fi->fw_version, "V9");

		cmd.len = htole32(255);
		assert_int_equal(drv_cmd(d, &cmd, sizeof(cmd)),
				 SLUICE_ST_INVAL);
		cmd.len = htole32(256);
		cmd.addr = htole64(addr + 4);
		assert_int_equal(drv_cmd(d, &cmd, sizeof(cmd)),
				 SLUICE_ST_INVAL);
		/* Another function's memory. */
		cmd.addr = htole64(addr + (fn ? -FAKE_WINDOW : FAKE_WINDOW));
		assert_int_equal(drv_cmd(d, &cmd, sizeof(cmd)),
				 SLUICE_ST_FAULT);
	}
}

/* Around the ring many times, with commands of several slots across its end. */
static void test_ring_wrap(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[1];
	struct sluice_cmd_rss rss = { .hdr.opcode = SLUICE_CMD_RSS_SET };
	unsigned int i;

	drv_start(d);
	for (i = 0; i < 100; i++) {
		if (i % 3)
			assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU,
						 1000 + i), SLUICE_ST_OK);
		else
			assert_int_equal(drv_cmd(d, &rss, sizeof(rss)),
					 SLUICE_ST_OK);
	}
	assert_int_equal(rd(d, SLUICE_REG_CTRL_SQ_HEAD), d->sq_tail);
}

/* Counts are free-running: they wrap at 2^32. */
static void test_count_wrap(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	struct func *f = &m->nic->funcs[0];
	const uint32_t start = 0xffffffe0;
	unsigned int i;

	drv_start(d);
	f->sq_head = start;
	f->ctrl_db = start;
	f->ctrl_cq.prod = start;
	f->ctrl_cq.cons = start;
	f->ctrl_cq.db = start;
	d->sq_tail = start;
	d->cq_head = start;
	/* The pass before the wrap leaves old phases behind. */
	memset(drv_mem(d, d->cq), (start >> CTRL_LOG & 1) ? 1 : 0,
	       sizeof(struct sluice_ctrl_cqe) << CTRL_LOG);
	for (i = 0; i < 80; i++)
		assert_int_equal(drv_u32(d, SLUICE_CMD_STATS_CONFIG, 100),
				 SLUICE_ST_OK);
	assert_true(d->sq_tail < 0x1000);
	assert_int_equal(rd(d, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
}

static void test_silent(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	struct sluice_cmd_u32 cmd = {
		.hdr.opcode = SLUICE_CMD_SET_MTU,
		.hdr.flags = SLUICE_CMD_F_SILENT,
		.value = htole32(2000),
	};

	drv_start(d);
	drv_post(d, &cmd, sizeof(cmd));
	drv_ring(d);
	run(m);
	assert_null(drv_completion(d));
	cmd.value = htole32(1);
	assert_int_equal(drv_cmd(d, &cmd, sizeof(cmd)), SLUICE_ST_INVAL);
}

static void test_ctrl_interrupt(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	struct sluice_cmd_hdr nop = { .opcode = SLUICE_CMD_NOP };
	unsigned int i;

	drv_start(d);
	wr(d, SLUICE_DB_CTRL_CQ, 0);
	for (i = 0; i < 5; i++)
		drv_post(d, &nop, sizeof(nop));
	drv_ring(d);
	run(m);
	/* One for the batch, none until armed again. */
	assert_int_equal(m->irqs[0][0], 1);
	drv_post(d, &nop, sizeof(nop));
	drv_ring(d);
	run(m);
	assert_int_equal(m->irqs[0][0], 1);
	/* Arming with a count that is behind raises at once. */
	wr(d, SLUICE_DB_CTRL_CQ, 5);
	run(m);
	assert_int_equal(m->irqs[0][0], 2);
	wr(d, SLUICE_DB_CTRL_CQ, 6);
	run(m);
	assert_int_equal(m->irqs[0][0], 2);
}

/* Without room for completions commands wait; nothing is lost. */
static void test_ctrl_cq_full(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	struct sluice_cmd_hdr nop = { .opcode = SLUICE_CMD_NOP };
	unsigned int i;

	drv_start(d);
	for (i = 0; i < 16; i++)
		drv_post(d, &nop, sizeof(nop));
	drv_ring(d);
	run(m);
	for (i = 0; i < 3; i++)
		drv_post(d, &nop, sizeof(nop));
	drv_ring(d);
	run(m);
	assert_int_equal(rd(d, SLUICE_REG_CTRL_SQ_HEAD), 16);
	for (i = 0; i < 2; i++)
		assert_non_null(drv_completion(d));
	wr(d, SLUICE_DB_CTRL_CQ, d->cq_head);
	run(m);
	assert_int_equal(rd(d, SLUICE_REG_CTRL_SQ_HEAD), 18);
	while (drv_completion(d))
		;
	wr(d, SLUICE_DB_CTRL_CQ, d->cq_head);
	run(m);
	assert_non_null(drv_completion(d));
	assert_int_equal(le32toh(d->last.cookie), 19);
	assert_int_equal(rd(d, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
}

static void test_bad_indices(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[1];

	drv_start(d);
	wr(d, SLUICE_DB_CTRL, 17);
	drv_failed(d, SLUICE_ERR_CTRL_INDEX, 17);
	drv_reset(d);

	drv_start(d);
	wr(d, SLUICE_DB_CTRL_CQ, 1);
	drv_failed(d, SLUICE_ERR_CTRL_CQ, 1);
	drv_reset(d);

	drv_start(d);
	wr(d, SLUICE_DB_EQ, 5);
	drv_failed(d, SLUICE_ERR_EQ, 5);
	drv_reset(d);

	/* Backwards. */
	drv_start(d);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU, 1400), SLUICE_ST_OK);
	wr(d, SLUICE_DB_CTRL, 0);
	drv_failed(d, SLUICE_ERR_CTRL_INDEX, 0);
	drv_reset(d);
}

struct bad_cmd {
	const char *what;
	uint8_t opcode, flags;
	uint16_t len, claim;
	int poke;		/* offset of a byte to set to 0xff, or -1 */
	bool pf_ok;		/* well-formed when the PF says it */
};

static const struct bad_cmd bad_cmds[] = {
	{ "unknown opcode", 0x30, 0, 16, 0, -1, false },
	{ "unknown PF opcode", 0x7f, 0, 16, 0, -1, false },
	{ "unknown flag", SLUICE_CMD_NOP, 2, 16, 0, -1, false },
	{ "reserved header byte", SLUICE_CMD_NOP, 0, 16, 0, 10, false },
	{ "vport of no use", SLUICE_CMD_NOP, 0, 16, 0, 8, false },
	{ "length not of 8", SLUICE_CMD_NOP, 0, 16, 20, -1, false },
	{ "length below header", SLUICE_CMD_NOP, 0, 16, 8, -1, false },
	{ "length above limit", SLUICE_CMD_NOP, 0, 16, 2056, -1, false },
	{ "longer than announced", SLUICE_CMD_NOP, 0, 16, 128, -1, false },
	{ "length of another", SLUICE_CMD_NOP, 0, 24, 0, -1, false },
	{ "number: length", SLUICE_CMD_SET_MTU, 0, 16, 0, -1, false },
	{ "number: reserved", SLUICE_CMD_SET_MTU, 0, 24, 0, 20, false },
	{ "mac: reserved", SLUICE_CMD_FILTER_ADD, 0, 24, 0, 23, false },
	{ "mac: length", SLUICE_CMD_SET_MAC, 0, 32, 0, -1, false },
	{ "buffer: reserved", SLUICE_CMD_QUERY_FUNC, 0, 32, 0, 28, false },
	{ "buffer: length", SLUICE_CMD_STATS_BUF, 0, 24, 0, -1, false },
	{ "sync: length", SLUICE_CMD_SYNC, 0, 24, 0, -1, false },
	{ "cq: reserved", SLUICE_CMD_CQ_CREATE, 0, 40, 0, 27, false },
	{ "cq: reserved2", SLUICE_CMD_CQ_CREATE, 0, 40, 0, 39, false },
	{ "cq: length", SLUICE_CMD_CQ_CREATE, 0, 32, 0, -1, false },
	{ "moderate: address", SLUICE_CMD_CQ_MODERATE, 0, 40, 0, 16, false },
	{ "queue: reserved", SLUICE_CMD_TXQ_CREATE, 0, 32, 0, 27, false },
	{ "queue: reserved2", SLUICE_CMD_RXQ_CREATE, 0, 32, 0, 30, false },
	{ "rss: reserved", SLUICE_CMD_RSS_SET, 0, 192, 0, 20, false },
	{ "rss: length", SLUICE_CMD_RSS_SET, 0, 184, 0, -1, false },
	{ "PF: interval", SLUICE_CMD_STATS_CONFIG, 0, 24, 0, -1, true },
	{ "PF: mode", SLUICE_CMD_ESW_MODE, 0, 24, 0, -1, true },
	{ "PF: mode, length", SLUICE_CMD_ESW_MODE, 0, 32, 0, -1, false },
	{ "PF: mode, vport", SLUICE_CMD_ESW_MODE, 0, 24, 0, 8, false },
	{ "PF: vport", SLUICE_CMD_VPORT_SET, 0, 40, 0, -1, true },
	{ "PF: vport, fields", SLUICE_CMD_VPORT_SET, 0, 40, 0, 18, false },
	{ "PF: vport query", SLUICE_CMD_VPORT_QUERY, 0, 32, 0, -1, true },
	{ "PF: map", SLUICE_CMD_COUNTER_MAP, 0, 32, 0, -1, true },
	{ "PF: unmap, address", SLUICE_CMD_COUNTER_UNMAP, 0, 32, 0, 17,
	  false },
	{ "PF: mask", SLUICE_CMD_MASK_ADD, 0, 344, 0, -1, true },
	{ "PF: mask, reserved", SLUICE_CMD_MASK_ADD, 0, 344, 0, 20, false },
	{ "PF: mask, length", SLUICE_CMD_MASK_ADD, 0, 272, 0, -1, false },
	{ "PF: range", SLUICE_CMD_RANGE_SET, 0, 32, 0, -1, true },
	{ "PF: range, reserved", SLUICE_CMD_RANGE_SET, 0, 32, 0, 27, false },
	{ "PF: range, length", SLUICE_CMD_RANGE_SET, 0, 24, 0, -1, false },
	{ "PF: range del", SLUICE_CMD_RANGE_DEL, 0, 24, 0, -1, true },
	{ "PF: meter", SLUICE_CMD_METER_SET, 0, 96, 0, -1, true },
	{ "PF: meter, reserved", SLUICE_CMD_METER_SET, 0, 96, 0, 22, false },
	{ "PF: meter, reserved2", SLUICE_CMD_METER_SET, 0, 96, 0, 31, false },
	{ "PF: meter, reserved3", SLUICE_CMD_METER_SET, 0, 96, 0, 95, false },
	{ "PF: meter, flags", SLUICE_CMD_METER_SET, 0, 96, 0, 21, false },
	{ "PF: meter, rate", SLUICE_CMD_METER_SET, 0, 96, 0, 66, false },
	{ "PF: meter, peak", SLUICE_CMD_METER_SET, 0, 96, 0, 73, false },
	{ "PF: meter, packet", SLUICE_CMD_METER_SET, 0, 96, 0, 88, false },
	{ "PF: meter, length", SLUICE_CMD_METER_SET, 0, 88, 0, -1, false },
	{ "PF: meter del", SLUICE_CMD_METER_DEL, 0, 24, 0, -1, true },
	{ "PF: mask del", SLUICE_CMD_MASK_DEL, 0, 24, 0, -1, true },
	{ "PF: rule", SLUICE_CMD_RULE_ADD, 0, 48, 0, -1, true },
	{ "PF: rule, short", SLUICE_CMD_RULE_ADD, 0, 40, 0, -1, false },
	{ "PF: rule, reserved", SLUICE_CMD_RULE_ADD, 0, 48, 0, 44, false },
	{ "PF: rule, key", SLUICE_CMD_RULE_ADD, 0, 48, 0, 40, false },
	{ "PF: rule, actions", SLUICE_CMD_RULE_ADD, 0, 48, 0, 41, false },
	{ "PF: rule, flags", SLUICE_CMD_RULE_ADD, 0, 48, 0, 42, false },
	{ "PF: rule del", SLUICE_CMD_RULE_DEL, 0, 24, 0, -1, true },
	{ "PF: esw query", SLUICE_CMD_ESW_QUERY, 0, 32, 0, -1, true },
	{ "PF: esw query, vport", SLUICE_CMD_ESW_QUERY, 0, 32, 0, 8, false },
	{ "PF: next hop", SLUICE_CMD_NEXT_HOP_SET, 0, 48, 0, -1, true },
	{ "PF: next hop, length", SLUICE_CMD_NEXT_HOP_SET, 0, 56, 0, -1, false },
	{ "PF: next hop, flags", SLUICE_CMD_NEXT_HOP_SET, 0, 48, 0, 26, false },
	{ "PF: next hop, vport", SLUICE_CMD_NEXT_HOP_SET, 0, 48, 0, 8, false },
	{ "PF: next hop del", SLUICE_CMD_NEXT_HOP_DEL, 0, 24, 0, -1, true },
	{ "PF: next hop del, length", SLUICE_CMD_NEXT_HOP_DEL, 0, 32, 0, -1,
	  false },
	{ "PF: next hop del, reserved", SLUICE_CMD_NEXT_HOP_DEL, 0, 24, 0, 20,
	  false },
	{ "PF: encap", SLUICE_CMD_ENCAP_SET, 0, 40, 0, -1, true },
	{ "PF: encap, short", SLUICE_CMD_ENCAP_SET, 0, 32, 0, -1, false },
	{ "PF: encap, long", SLUICE_CMD_ENCAP_SET, 0, 48, 0, -1, false },
	{ "PF: encap, flags", SLUICE_CMD_ENCAP_SET, 0, 40, 0, 26, false },
	{ "PF: encap, reserved", SLUICE_CMD_ENCAP_SET, 0, 40, 0, 25, false },
	{ "PF: encap, reserved2", SLUICE_CMD_ENCAP_SET, 0, 40, 0, 39, false },
	{ "PF: encap, header", SLUICE_CMD_ENCAP_SET, 0, 40, 0, 36, false },
	{ "PF: encap del", SLUICE_CMD_ENCAP_DEL, 0, 24, 0, -1, true },
	{ "PF: endpoint", SLUICE_CMD_ENDPOINT_SET, 0, 80, 0, -1, true },
	{ "PF: endpoint, length", SLUICE_CMD_ENDPOINT_SET, 0, 72, 0, -1,
	  false },
	{ "PF: endpoint, flags", SLUICE_CMD_ENDPOINT_SET, 0, 80, 0, 30, false },
	{ "PF: endpoint, reserved", SLUICE_CMD_ENDPOINT_SET, 0, 80, 0, 76,
	  false },
	{ "PF: endpoint del", SLUICE_CMD_ENDPOINT_DEL, 0, 24, 0, -1, true },
	{ "PF: behind the last", 0x56, 0, 24, 0, -1, false },
};

/* Each of them stops its function alone; PF commands stop a VF. */
static void test_malformed(void **state)
{
	struct fake *m = *state;
	struct drv *pf = &m->drv[0], *vf = &m->drv[1];
	unsigned int i, fn;

	for (i = 0; i < sizeof(bad_cmds) / sizeof(bad_cmds[0]); i++) {
		const struct bad_cmd *b = &bad_cmds[i];

		for (fn = 0; fn < 2; fn++) {
			struct drv *d = fn ? vf : pf;
			struct drv *other = fn ? pf : vf;
			uint64_t buf[SLUICE_CMD_MAX_LEN / 8 + 8] = { 0 };
			struct sluice_cmd_hdr *hdr = (void *)buf;

			drv_start(pf);
			drv_start(vf);
			drv_u32(d, SLUICE_CMD_SET_MTU, 1500);
			hdr->opcode = b->opcode;
			hdr->flags = b->flags;
			hdr->len = htole16(b->claim);
			if (b->poke >= 0)
				((uint8_t *)buf)[b->poke] = 0xff;
			drv_post(d, buf, b->len);
			drv_ring(d);
			run(m);
			if (b->pf_ok && !fn) {
				if (rd(d, SLUICE_REG_STATUS) !=
				    SLUICE_STATUS_READY || !drv_completion(d))
					fail_msg("%s: refused", b->what);
				drv_reset(pf);
				drv_reset(vf);
				continue;
			}
			if (rd(d, SLUICE_REG_ERROR) != SLUICE_ERR_CTRL_DESC ||
			    rd(d, SLUICE_REG_ERROR_INFO) !=
			    ((uint32_t)b->opcode << 16 | 1))
				fail_msg("%s on %s: error %u info %#x", b->what,
					 fn ? "VF" : "PF",
					 rd(d, SLUICE_REG_ERROR),
					 rd(d, SLUICE_REG_ERROR_INFO));
			assert_int_equal(rd(d, SLUICE_REG_STATUS),
					 SLUICE_STATUS_ERROR);
			assert_int_equal(drv_u32(other, SLUICE_CMD_SET_MTU,
						 1500), SLUICE_ST_OK);
			drv_reset(pf);
			drv_reset(vf);
		}
	}
}

static void test_values(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	struct sluice_cmd_cq cq = { .hdr.opcode = SLUICE_CMD_CQ_CREATE };
	struct sluice_cmd_queue q = { .hdr.opcode = SLUICE_CMD_TXQ_CREATE };
	struct sluice_cmd_rss rss = { .hdr.opcode = SLUICE_CMD_RSS_SET };

	drv_start(d);
	cq.addr = htole64(FAKE_BASE + 4096);
	cq.log_size = 2;
	assert_int_equal(drv_cmd(d, &cq, sizeof(cq)), SLUICE_ST_INVAL);
	cq.log_size = 16;
	assert_int_equal(drv_cmd(d, &cq, sizeof(cq)), SLUICE_ST_INVAL);
	cq.log_size = 3;
	cq.id = htole16(8);
	assert_int_equal(drv_cmd(d, &cq, sizeof(cq)), SLUICE_ST_INVAL);
	cq.id = 0;
	cq.vector = htole16(9);
	assert_int_equal(drv_cmd(d, &cq, sizeof(cq)), SLUICE_ST_INVAL);
	cq.vector = htole16(8);
	cq.addr = htole64(FAKE_BASE + 32);
	assert_int_equal(drv_cmd(d, &cq, sizeof(cq)), SLUICE_ST_INVAL);
	cq.addr = htole64(FAKE_BASE + 4096);
	assert_int_equal(drv_cmd(d, &cq, sizeof(cq)), SLUICE_ST_OK);
	assert_int_equal(drv_cmd(d, &cq, sizeof(cq)), SLUICE_ST_EXIST);

	q.addr = htole64(FAKE_BASE + 8192);
	q.log_size = 3;
	q.cq = htole16(1);
	assert_int_equal(drv_cmd(d, &q, sizeof(q)), SLUICE_ST_NOENT);
	q.cq = htole16(100);
	assert_int_equal(drv_cmd(d, &q, sizeof(q)), SLUICE_ST_NOENT);
	q.cq = 0;
	q.id = htole16(4);
	assert_int_equal(drv_cmd(d, &q, sizeof(q)), SLUICE_ST_INVAL);
	q.id = 0;
	assert_int_equal(drv_cmd(d, &q, sizeof(q)), SLUICE_ST_OK);
	assert_int_equal(drv_cmd(d, &q, sizeof(q)), SLUICE_ST_EXIST);
	assert_int_equal(drv_u32(d, SLUICE_CMD_CQ_DESTROY, 0), SLUICE_ST_BUSY);
	assert_int_equal(drv_u32(d, SLUICE_CMD_RXQ_DESTROY, 0),
			 SLUICE_ST_NOENT);
	assert_int_equal(drv_u32(d, SLUICE_CMD_TXQ_DESTROY, 77),
			 SLUICE_ST_NOENT);
	assert_int_equal(drv_u32(d, SLUICE_CMD_TXQ_DESTROY, 0), SLUICE_ST_OK);
	assert_int_equal(drv_u32(d, SLUICE_CMD_CQ_DESTROY, 0), SLUICE_ST_OK);
	assert_int_equal(drv_u32(d, SLUICE_CMD_CQ_DESTROY, 0),
			 SLUICE_ST_NOENT);

	rss.types = htole32(SLUICE_RSS_ALL + 1);
	assert_int_equal(drv_cmd(d, &rss, sizeof(rss)), SLUICE_ST_INVAL);
	rss.types = 0;
	rss.table[127] = 4;
	assert_int_equal(drv_cmd(d, &rss, sizeof(rss)), SLUICE_ST_INVAL);

	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_STATE, 2), SLUICE_ST_INVAL);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU, 67), SLUICE_ST_INVAL);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU, 9001),
			 SLUICE_ST_INVAL);
	assert_int_equal(drv_u32(d, SLUICE_CMD_STATS_CONFIG, 0),
			 SLUICE_ST_INVAL);
	assert_int_equal(drv_u32(d, SLUICE_CMD_STATS_CONFIG, 10001),
			 SLUICE_ST_INVAL);
	assert_int_equal(drv_u32(d, SLUICE_CMD_ESW_MODE, 2), SLUICE_ST_INVAL);
	assert_int_equal(drv_u32(d, SLUICE_CMD_MASK_DEL, 3), SLUICE_ST_MODE);
	assert_int_equal(drv_u32(d, SLUICE_CMD_ESW_MODE, 1), SLUICE_ST_OK);
	assert_int_equal(drv_u32(d, SLUICE_CMD_MASK_DEL, 3), SLUICE_ST_NOENT);
	assert_int_equal(drv_u32(d, SLUICE_CMD_RULE_DEL, 3), SLUICE_ST_NOENT);
}

/* The error of a VF is told to the PF; a reset repairs it. */
static void test_vf_error_event(void **state)
{
	struct fake *m = *state;
	struct drv *pf = &m->drv[0], *vf = &m->drv[3];
	const struct sluice_event *ev;
	struct sluice_cmd_buf query = {
		.hdr.opcode = SLUICE_CMD_VPORT_QUERY,
		.hdr.vport = htole16(3),
		.len = htole32(sizeof(struct sluice_vport_info)),
	};
	const struct sluice_vport_info *vi;
	uint64_t addr;

	drv_start(pf);
	drv_start(vf);
	assert_int_equal(drv_u32(vf, SLUICE_CMD_SET_STATE, 1), SLUICE_ST_OK);
	ev = drv_event(pf);
	assert_non_null(ev);
	assert_int_equal(ev->type, SLUICE_EVENT_VF_STATE);
	assert_int_equal(le16toh(ev->vport), 3);
	assert_int_equal(le32toh(ev->data[0]), 1);

	m->irqs[3][0] = 0;
	wr(vf, SLUICE_DB_CTRL, 999);
	drv_failed(vf, SLUICE_ERR_CTRL_INDEX, 999);
	assert_int_equal(m->irqs[3][0], 1);
	ev = drv_event(pf);
	assert_int_equal(ev->type, SLUICE_EVENT_VF_STATE);
	assert_int_equal(le32toh(ev->data[0]), 0);
	ev = drv_event(pf);
	assert_int_equal(ev->type, SLUICE_EVENT_VF_ERROR);
	assert_int_equal(le16toh(ev->vport), 3);
	assert_int_equal(le32toh(ev->data[0]), SLUICE_ERR_CTRL_INDEX);
	assert_int_equal(le32toh(ev->data[1]), 999);
	assert_null(drv_event(pf));

	addr = drv_alloc(pf, sizeof(*vi));
	query.addr = htole64(addr);
	assert_int_equal(drv_cmd(pf, &query, sizeof(query)), SLUICE_ST_OK);
	vi = drv_mem(pf, addr);
	assert_int_equal(le16toh(vi->error), SLUICE_ERR_CTRL_INDEX);
	assert_int_equal(le32toh(vi->error_info), 999);
	assert_int_equal(vi->enabled, 0);

	drv_reset(vf);
	drv_start(vf);
	assert_int_equal(drv_u32(vf, SLUICE_CMD_SET_STATE, 1), SLUICE_ST_OK);
}

static int vport_set(struct drv *pf, uint16_t vport, uint32_t fields,
		     struct sluice_cmd_vport *cmd)
{
	cmd->hdr.opcode = SLUICE_CMD_VPORT_SET;
	cmd->hdr.vport = htole16(vport);
	cmd->fields = htole32(fields);
	return drv_cmd(pf, cmd, sizeof(*cmd));
}

static void test_policy_events(void **state)
{
	struct fake *m = *state;
	struct drv *pf = &m->drv[0], *vf = &m->drv[1];
	struct sluice_cmd_vport cmd = {
		.policy = htole32(SLUICE_POLICY_SPOOFCHK),
		.mac = { 2, 9, 8, 7, 6, 5 },
		.mtu = htole16(1400),
		.link = SLUICE_LINK_DOWN,
	};
	const struct sluice_event *ev;

	drv_start(pf);
	drv_start(vf);
	assert_int_equal(vport_set(pf, 1, SLUICE_VPORT_F_MAC |
				   SLUICE_VPORT_F_MTU | SLUICE_VPORT_F_POLICY |
				   SLUICE_VPORT_F_LINK, &cmd), SLUICE_ST_OK);
	ev = drv_event(vf);
	assert_int_equal(ev->type, SLUICE_EVENT_MTU);
	assert_int_equal(le32toh(ev->data[0]), 1400);
	ev = drv_event(vf);
	assert_int_equal(ev->type, SLUICE_EVENT_MAC);
	assert_int_equal(le32toh(ev->data[0]), 0x07080902);
	assert_int_equal(le32toh(ev->data[1]), 0x0506);
	ev = drv_event(vf);
	assert_int_equal(ev->type, SLUICE_EVENT_POLICY);
	assert_int_equal(le32toh(ev->data[0]), SLUICE_POLICY_SPOOFCHK);
	ev = drv_event(vf);
	assert_int_equal(ev->type, SLUICE_EVENT_LINK);
	assert_int_equal(le32toh(ev->data[0]), 0);
	assert_null(drv_event(vf));

	/* The limit holds; the VF's own change makes no event. */
	assert_int_equal(drv_u32(vf, SLUICE_CMD_SET_MTU, 1401), SLUICE_ST_PERM);
	assert_int_equal(drv_u32(vf, SLUICE_CMD_SET_MTU, 1300), SLUICE_ST_OK);
	assert_null(drv_event(vf));

	/* Refused as a whole: nothing is told. */
	cmd.link = 9;
	assert_int_equal(vport_set(pf, 1, SLUICE_VPORT_F_MTU |
				   SLUICE_VPORT_F_LINK, &cmd),
			 SLUICE_ST_INVAL);
	assert_null(drv_event(vf));
	assert_int_equal(vport_set(pf, 50, SLUICE_VPORT_F_MTU, &cmd),
			 SLUICE_ST_NOENT);
}

static void test_link_events(void **state)
{
	struct fake *m = *state;
	struct drv *pf = &m->drv[0], *vf = &m->drv[1];
	const struct sluice_event *ev;

	drv_start(pf);
	drv_start(vf);
	sluice_nic_set_carrier(m->nic, 1, false);
	run(m);
	ev = drv_event(pf);
	assert_int_equal(ev->type, SLUICE_EVENT_LINK);
	assert_int_equal(le16toh(ev->vport), SLUICE_VPORT_UPLINK(1));
	assert_int_equal(le32toh(ev->data[0]), 0);
	assert_null(drv_event(pf));
	assert_null(drv_event(vf));

	m->irqs[1][0] = 0;
	sluice_nic_set_carrier(m->nic, 0, false);
	run(m);
	ev = drv_event(vf);
	assert_int_equal(ev->type, SLUICE_EVENT_LINK);
	assert_int_equal(le16toh(ev->vport), 1);
	assert_int_equal(le32toh(ev->data[0]), 0);
	sluice_nic_set_carrier(m->nic, 0, true);
	run(m);
	ev = drv_event(vf);
	assert_int_equal(le32toh(ev->data[0]), 1);
	assert_int_equal(le32toh(ev->data[1]), 25000);
	drv_no_events(pf);
	/* It armed after each: an interrupt for the second change at least. */
	assert_true(m->irqs[1][0] >= 1);
}

static void test_event_overflow(void **state)
{
	struct fake *m = *state;
	struct drv *pf = &m->drv[0], *vf = &m->drv[1];
	struct sluice_cmd_vport cmd = { 0 };
	unsigned int i;

	drv_start(pf);
	drv_start(vf);
	for (i = 0; i < 16; i++)
		assert_int_equal(vport_set(pf, 1, SLUICE_VPORT_F_POLICY, &cmd),
				 SLUICE_ST_OK);
	assert_int_equal(rd(vf, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	assert_int_equal(vport_set(pf, 1, SLUICE_VPORT_F_POLICY, &cmd),
			 SLUICE_ST_OK);
	drv_failed(vf, SLUICE_ERR_EQ_OVERFLOW, 0);
	assert_int_equal(rd(pf, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
}

static void test_dma_failure(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[1];
	struct sluice_cmd_hdr nop = { .opcode = SLUICE_CMD_NOP };
	struct sluice_cmd_vport cmd = { 0 };
	unsigned int i;
	const struct {
		uint64_t *addr;
		uint32_t user;
	} bad[] = {
		{ &d->sq, SLUICE_DMA_CTRL_SQ },
		{ &d->cq, SLUICE_DMA_CTRL_CQ },
		{ &d->eq, SLUICE_DMA_EQ },
	};

	for (i = 0; i < 3; i++) {
		drv_start(&m->drv[0]);
		drv_start(d);
		m->bad_first = *bad[i].addr;
		m->bad_last = *bad[i].addr;
		drv_post(d, &nop, sizeof(nop));
		drv_ring(d);
		run(m);
		if (i == 2)
			vport_set(&m->drv[0], 1, SLUICE_VPORT_F_POLICY, &cmd);
		drv_failed(d, SLUICE_ERR_DMA, bad[i].user);
		m->bad_first = UINT64_MAX;
		m->bad_last = 0;
		drv_reset(d);
		drv_reset(&m->drv[0]);
	}
}

/* Reset forgets rings, state and messages; VFs live through the PF's. */
static void test_reset(void **state)
{
	struct fake *m = *state;
	struct drv *pf = &m->drv[0], *vf = &m->drv[1];
	struct sluice_cmd_hdr nop = { .opcode = SLUICE_CMD_NOP };
	struct ring cq, tx, rx;

	drv_nic(pf, 4, &cq, &tx, &rx);
	drv_nic(vf, 4, &cq, &tx, &rx);
	assert_int_equal(drv_u32(pf, SLUICE_CMD_ESW_MODE, 1), SLUICE_ST_OK);
	drv_post(pf, &nop, sizeof(nop));
	wr(pf, SLUICE_REG_RESET, SLUICE_RESET_MAGIC);
	/* Nothing counts until it is done. */
	wr(pf, SLUICE_DB_CTRL, 12345);
	wr(pf, SLUICE_DB_TX(0), 12345);
	run(m);
	assert_int_equal(rd(pf, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	assert_int_equal(rd(pf, SLUICE_REG_CTRL_ENABLE), 0);
	assert_int_equal(rd(pf, SLUICE_REG_CTRL_SQ_HEAD), 0);
	assert_int_equal(sluice_esw_mode(m->nic->esw), SLUICE_ESW_LEGACY);
	assert_true(m->nic->funcs[1].enabled);
	assert_int_equal(drv_u32(vf, SLUICE_CMD_SET_MTU, 1500), SLUICE_ST_OK);
	drv_start(pf);
	assert_int_equal(drv_u32(pf, SLUICE_CMD_SET_MTU, 1500), SLUICE_ST_OK);

	/* A queue that is gone cannot be rung. */
	wr(pf, SLUICE_DB_TX(0), 0);
	drv_failed(pf, SLUICE_ERR_TX_INDEX, 0);

	/* FLR works in the error state, too, and while the machine stops. */
	sluice_nic_func_reset(m->nic, 0);
	assert_true(sluice_nic_reset_pending(m->nic));
	assert_int_equal(rd(pf, SLUICE_REG_STATUS), SLUICE_STATUS_RESETTING);
	sluice_nic_poll_paused(m->nic);
	assert_false(sluice_nic_reset_pending(m->nic));
	assert_int_equal(rd(pf, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
}

/* While the machine stops nothing is done, and nothing is lost. */
static void test_paused(void **state)
{
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	struct sluice_cmd_hdr nop = { .opcode = SLUICE_CMD_NOP };

	/* A worker that is a thread does not let the test take its place. */
	if (m->threaded)
		skip();
	drv_start(d);
	drv_post(d, &nop, sizeof(nop));
	drv_ring(d);
	sluice_nic_poll_paused(m->nic);
	sluice_nic_poll_paused(m->nic);
	assert_null(drv_completion(d));
	run(m);
	assert_non_null(drv_completion(d));
}

static void test_wakeups(void **state)
{
	struct sluice_cmd_hdr nop = { .opcode = SLUICE_CMD_NOP };
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	unsigned int before;

	drv_start(d);
	/* Naps after commands: it looks for more by itself, and soon. */
	assert_int_equal(drv_cmd(d, &nop, sizeof(nop)), SLUICE_ST_OK);
	assert_true(m->deadline <= m->now + SLUICE_CTRL_SOON_US * 1000);
	before = m->wakes;
	wr(d, SLUICE_DB_CTRL_SOON, d->sq_tail);
	assert_int_equal(m->wakes, before);
	/* But not for those that somebody waits for. */
	wr(d, SLUICE_DB_CTRL, d->sq_tail);
	assert_int_equal(m->wakes, before + 1);
	run(m);
	before = m->wakes;
	/* But not for anything else. */
	sluice_nic_set_carrier(m->nic, 0, true);
	assert_int_equal(m->wakes, before + 1);
	/* Without commands it sleeps after a while. */
	run(m);
	run(m);
	assert_true(m->deadline <= m->now + SLUICE_CTRL_SOON_US * 1000);
	run_for(m, 5000000);
	assert_true(m->deadline > m->now + SLUICE_CTRL_SOON_US * 1000);
	before = m->wakes;
	wr(d, SLUICE_DB_CTRL_SOON, d->sq_tail);
	assert_int_equal(m->wakes, before + 1);
	/* Awake already. */
	wr(d, SLUICE_DB_CTRL, d->sq_tail);
	assert_int_equal(m->wakes, before + 1);
	assert_false(sluice_nic_may_sleep(m->nic, 0));
	run(m);
	/* Arming with nothing new wakes nobody. */
	before = m->wakes;
	wr(d, SLUICE_DB_EQ, 0);
	assert_int_equal(m->wakes, before);
}

/* Commands without a doorbell, while the device says that it looks by itself. */
static void test_shadow(void **state)
{
	struct sluice_cmd_hdr nop = { .opcode = SLUICE_CMD_NOP };
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	struct sluice_ctrl_shadow *shadow;
	const uint64_t addr = FAKE_BASE + FAKE_WINDOW - sizeof(*shadow);
	unsigned int before, i;

	shadow = drv_mem(d, addr);
	memset(shadow, 0, sizeof(*shadow));
	wr(d, SLUICE_REG_CTRL_SHADOW_LO, (uint32_t)addr);
	wr(d, SLUICE_REG_CTRL_SHADOW_HI, addr >> 32);
	drv_start(d);
	assert_int_equal(le32toh(shadow->polled), 0);
	/* Its count is what counts, the doorbell tells of it. */
	drv_post(d, &nop, sizeof(nop));
	shadow->tail = htole32(d->sq_tail);
	wr(d, SLUICE_DB_CTRL_SOON, d->sq_tail);
	run(m);
	assert_non_null(drv_completion(d));
	for (i = 0; i < 40; i++) {
		assert_int_not_equal(le32toh(shadow->polled), 0);
		drv_post(d, &nop, sizeof(nop));
		shadow->tail = htole32(d->sq_tail);
		before = m->wakes;
		run_for(m, SLUICE_CTRL_SOON_US * 1000);
		assert_non_null(drv_completion(d));
		assert_int_equal(m->wakes, before);
		wr(d, SLUICE_DB_CTRL_CQ, d->cq_head);
	}
	/* Before a frame at the latest. */
	drv_post(d, &nop, sizeof(nop));
	shadow->tail = htole32(d->sq_tail);
	wire_in(m, 0, &(struct frame){ .len = 60 });
	run(m);
	assert_non_null(drv_completion(d));
	/* In the end it wants to be told again. */
	run_for(m, 5000000);
	assert_int_equal(le32toh(shadow->polled), 0);
	/* A count that can't be stops the function. */
	shadow->tail = htole32(d->sq_tail + 17);
	wr(d, SLUICE_DB_CTRL, d->sq_tail);
	run(m);
	drv_failed(d, SLUICE_ERR_CTRL_INDEX, d->sq_tail + 17);
	drv_reset(d);
	/* Nothing is left of it; nor can it be had while the ring runs, or by a VF. */
	memset(shadow, 0xff, sizeof(*shadow));
	drv_start(d);
	assert_int_equal(drv_cmd(d, &nop, sizeof(nop)), SLUICE_ST_OK);
	assert_int_equal(le32toh(shadow->polled), UINT32_MAX);
	wr(d, SLUICE_REG_CTRL_SHADOW_LO, 0);
	drv_failed(d, SLUICE_ERR_REG, SLUICE_REG_CTRL_SHADOW_LO);
	wr(&m->drv[1], SLUICE_REG_CTRL_SHADOW_HI, 1);
	drv_failed(&m->drv[1], SLUICE_ERR_REG, SLUICE_REG_CTRL_SHADOW_HI);
}

/* After frames it looks for more by itself, for a while. */
static void test_doze(void **state)
{
	struct sluice_cmd_hdr nop = { .opcode = SLUICE_CMD_NOP };
	struct fake *m = *state;
	struct drv *d = &m->drv[0];
	struct frame f = { 0 };
	unsigned int before;

	fr_macs(&f, fn_mac(2), fn_mac(1));
	fr_fill(&f, 0, 60);
	drv_start(d);
	assert_int_equal(drv_cmd(d, &nop, sizeof(nop)), SLUICE_ST_OK);
	run_for(m, 5000000);
	before = m->wakes;
	wire_in(m, 0, &f);
	assert_int_equal(m->wakes, before + 1);
	run(m);
	assert_true(m->deadline <= m->now + 50000);
	before = m->wakes;
	sluice_nic_wire_rx_notify(m->nic, 0);
	wr(d, SLUICE_DB_CTRL_SOON, d->sq_tail);
	assert_int_equal(m->wakes, before);
	/* Not for what somebody waits for. */
	wr(d, SLUICE_DB_CTRL, d->sq_tail);
	assert_int_equal(m->wakes, before + 1);
	run_for(m, 5000000);
	before = m->wakes;
	sluice_nic_wire_rx_notify(m->nic, 0);
	assert_int_equal(m->wakes, before + 1);
}

static void inject(struct sluice_nic_cfg *cfg)
{
	cfg->fault.opcode = SLUICE_CMD_SET_MTU;
	cfg->fault.status = SLUICE_ST_NOSPC;
	cfg->fault.skip = 1;
	cfg->fault.count = 2;
}

static void inject_stop(struct sluice_nic_cfg *cfg)
{
	inject(cfg);
	cfg->fault.status = SLUICE_ST_OK;
}

static void test_fault(void **state)
{
	struct fake *m = fake_new_cfg(inject);
	struct drv *d = &m->drv[0], *vf = &m->drv[1];

	(void)state;
	drv_start(d);
	drv_start(vf);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU, 1400), SLUICE_ST_OK);
	assert_int_equal(drv_u32(vf, SLUICE_CMD_SET_MTU, 1400), SLUICE_ST_OK);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU, 1400),
			 SLUICE_ST_NOSPC);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_STATE, 0), SLUICE_ST_OK);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU, 1400),
			 SLUICE_ST_NOSPC);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU, 1400), SLUICE_ST_OK);
	fake_free(m);

	m = fake_new_cfg(inject_stop);
	d = &m->drv[0];
	drv_start(d);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_MTU, 1400), SLUICE_ST_OK);
	{
		struct sluice_cmd_u32 cmd = {
			.hdr.opcode = SLUICE_CMD_SET_MTU,
			.value = htole32(1500),
		};

		drv_post(d, &cmd, sizeof(cmd));
		drv_ring(d);
	}
	drv_failed(d, SLUICE_ERR_INJECTED, SLUICE_CMD_SET_MTU);
	fake_free(m);
}

static void test_bad_cfg(void **state)
{
	struct fake *m = *state;
	struct sluice_nic_cfg cfg = m->cfg;

	cfg.num_vfs = 128;
	assert_null(sluice_nic_new(&cfg, &m->nic->host));
	cfg = m->cfg;
	cfg.num_uplinks = 3;
	assert_null(sluice_nic_new(&cfg, &m->nic->host));
	cfg = m->cfg;
	cfg.pf_queues = 65;
	assert_null(sluice_nic_new(&cfg, &m->nic->host));
	cfg = m->cfg;
	cfg.vf_queues = 0;
	assert_null(sluice_nic_new(&cfg, &m->nic->host));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_identity), T(test_bad_registers), T(test_query_func),
		T(test_ring_wrap), T(test_count_wrap), T(test_silent),
		T(test_ctrl_interrupt), T(test_ctrl_cq_full),
		T(test_bad_indices), T(test_malformed), T(test_values),
		T(test_vf_error_event), T(test_policy_events),
		T(test_link_events), T(test_event_overflow),
		T(test_dma_failure), T(test_reset), T(test_paused),
		T(test_wakeups), T(test_doze), T(test_shadow),
		T(test_bad_cfg), cmocka_unit_test(test_fault),
	};

	return cmocka_run_group_tests_name("nic_ctrl", tests, NULL, NULL);
}
