// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tunnels from the control ring to the wire and back.
 */
#include <stdlib.h>
#include "nic_fake.h"
#include "tun_bed.h"
#include "../nic/internal.h"

#define FIRST_COUNTER	8

static int setup(void **state)
{
	static struct top t;

	top_start(&t, FIRST_COUNTER);
	rx_fill(t.pf, &t.prx, 0, 8, 2048);
	rx_fill(t.vf, &t.vrx, 0, 8, 2048);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	fake_free(((struct top *)*state)->m);
	return 0;
}

static int rule(struct top *t, uint32_t id, uint32_t table,
		struct sluice_action a)
{
	union {
		struct sluice_cmd_rule cmd;
		uint8_t room[64];
	} u = { .cmd = {
		.hdr.opcode = SLUICE_CMD_RULE_ADD,
		.id = htole32(id),
		.table = htole32(table),
		.counter = htole32(SLUICE_ID_NONE),
		.num_actions = 1,
	} };

	memcpy(u.room + 48, &a, sizeof(a));
	return drv_cmd(t->pf, &u, 64);
}

static int next_hop(struct top *t, const struct outer *o, uint16_t flags)
{
	struct sluice_cmd_next_hop nh = tun_next_hop(31, WIRE1, o);

	nh.hdr.opcode = SLUICE_CMD_NEXT_HOP_SET;
	nh.counter = htole32(FIRST_COUNTER + 1);
	nh.flags = htole16(flags);
	return drv_cmd(t->pf, &nh, sizeof(nh));
}

static uint16_t encap_len(const struct encap_cmd *e)
{
	return (uint16_t)(sizeof(e->cmd) +
			  ((le16toh(e->cmd.header_len) + 7) & ~7));
}

static int encap(struct top *t, const struct outer *o)
{
	struct encap_cmd e;

	tun_encap(&e, 32, 31, o);
	e.cmd.hdr.opcode = SLUICE_CMD_ENCAP_SET;
	return drv_cmd(t->pf, &e, encap_len(&e));
}

static void vf_send(struct top *t, const struct frame *f)
{
	tx_frame(t->vf, &t->vtx, f);
	wr(t->vf, SLUICE_DB_TX(0), t->vtx.count);
	run(t->m);
}

/* Hash of the slow-path frame that is next, as it must be, without flags. */
static uint32_t slow_hash(struct top *t, uint8_t reason)
{
	const struct sluice_cqe *cqe = cq_next(t->pf, &t->pcq);
	uint16_t flags;

	assert_non_null(cqe);
	flags = le16toh(cqe->flags);
	assert_true(flags & SLUICE_CQE_F_SLOW);
	assert_true(flags & SLUICE_CQE_F_HASH);
	assert_int_equal(cqe->reason, reason);
	assert_int_not_equal(cqe->hash, 0);
	return le32toh(cqe->hash);
}

static uint16_t port_of(uint32_t hash)
{
	hash ^= hash << 16;
	return (uint16_t)(32768 + ((uint64_t)hash * 28232 >> 32));
}

/* Several workers choose other IPv4 ids: take the one of @from, and its checksum. */
static void take_id(struct frame *f, const struct frame *from)
{
	uint8_t *ip = f->b + 14;
	uint32_t sum = (uint16_t)~(ip[10] << 8 | ip[11]);

	sum += (uint16_t)~(ip[4] << 8 | ip[5]);
	memcpy(ip + 4, from->b + 18, 2);
	sum += (uint32_t)(ip[4] << 8 | ip[5]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
}

/*
 * A frame through the tunnel, and before that by the slow path, whose hash
 * gives software the same source port.
 */
static void out_and_back(void **state)
{
	struct top *t = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_GENEVE, false);
	struct sluice_cmd_endpoint ep;
	struct frame f, want, g;
	const struct sluice_cqe *cqe;
	uint32_t hash;

	fr_udp4(&f, 1000, 2000);
	o.num_opts = 12;
	o.csum = true;
	assert_int_equal(next_hop(t, &o, 0), SLUICE_ST_OK);
	assert_int_equal(encap(t, &o), SLUICE_ST_OK);
	assert_int_equal(rule(t, 1, 1, act_tunnel(32)), SLUICE_ST_OK);
	vf_send(t, &f);
	hash = slow_hash(t, SLUICE_MISS_NEXT_HOP);
	assert_int_equal(next_hop(t, &o, SLUICE_NEXT_HOP_F_VALID),
			 SLUICE_ST_OK);
	vf_send(t, &f);
	assert_null(cq_next(t->pf, &t->pcq));
	assert_int_equal(t->m->wire[1].sent, 1);
	o.sport = port_of(hash);
	fr_tunnel(&want, &o, &f);
	assert_int_equal(t->m->wire[1].last.len, want.len);
	if (t->m->cfg.threads > 1)
		take_id(&want, &t->m->wire[1].last);
	assert_memory_equal(t->m->wire[1].last.b, want.b, want.len);

	/* The same frame comes in, to the VF. */
	ep = tun_endpoint(33, WIRE0, 2, &o);
	ep.hdr.opcode = SLUICE_CMD_ENDPOINT_SET;
	assert_int_equal(drv_cmd(t->pf, &ep, sizeof(ep)), SLUICE_ST_OK);
	assert_int_equal(rule(t, 2, 2, act_out(VF(0))), SLUICE_ST_OK);
	wire_in(t->m, 0, &want);
	run(t->m);
	do {
		cqe = cq_next(t->vf, &t->vcq);
		assert_non_null(cqe);
	} while (!(le16toh(cqe->flags) & SLUICE_CQE_F_RX));
	assert_false(le16toh(cqe->flags) & SLUICE_CQE_F_SLOW);
	rx_gather(t->vf, &t->vrx, cqe, &g);
	assert_int_equal(g.len, f.len);
	assert_memory_equal(g.b, f.b, f.len);
}

/* The hash follows the PF's key; before it has one, the device's. */
static void hash_key(void **state)
{
	struct top *t = *state;
	struct sluice_cmd_rss rss = {
		.hdr.opcode = SLUICE_CMD_RSS_SET,
		.types = htole32(SLUICE_RSS_IPV4),
	};
	struct toeplitz *tp = malloc(sizeof(*tp));
	uint8_t key[40];
	struct frame f, arp;
	unsigned int i;
	bool l4;

	assert_non_null(tp);
	fr_udp4(&f, 1000, 2000);
	fr_eth(&arp, MAC_BC, MAC_A, 0x0806);
	fr_fill(&arp, 1, 28);
	for (i = 0; i < 40; i++)
		key[i] = (uint8_t)(7 * i * i + 59 * i + 109);
	toeplitz_init(tp, key);
	vf_send(t, &f);
	assert_int_equal(slow_hash(t, SLUICE_MISS_NO_RULE),
			 frame_flow_hash(tp, f.b, f.len, &l4));
	for (i = 0; i < 40; i++)
		rss.key[i] = (uint8_t)(i * 37 + 11);
	/* A VF's key is its own. */
	assert_int_equal(drv_cmd(t->vf, &rss, sizeof(rss)), SLUICE_ST_OK);
	vf_send(t, &f);
	assert_int_equal(slow_hash(t, SLUICE_MISS_NO_RULE),
			 frame_flow_hash(tp, f.b, f.len, &l4));
	/* The types are RSS's, not the flow hash's. */
	assert_int_equal(drv_cmd(t->pf, &rss, sizeof(rss)), SLUICE_ST_OK);
	toeplitz_init(tp, rss.key);
	vf_send(t, &f);
	assert_int_equal(slow_hash(t, SLUICE_MISS_NO_RULE),
			 frame_flow_hash(tp, f.b, f.len, &l4));
	assert_true(l4);
	vf_send(t, &arp);
	assert_int_equal(slow_hash(t, SLUICE_MISS_NO_RULE),
			 frame_flow_hash(tp, arp.b, arp.len, &l4));
	/* A reset of the PF forgets it. */
	drv_reset(t->pf);
	toeplitz_init(tp, key);
	assert_memory_equal(tp, &t->m->nic->flow, sizeof(*tp));
	free(tp);
}

static void counters(void **state)
{
	struct top *t = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, true);
	struct sluice_cmd_hdr sync = { .opcode = SLUICE_CMD_SYNC };
	struct sluice_cmd_buf query = {
		.hdr.opcode = SLUICE_CMD_ESW_QUERY,
		.len = htole32(sizeof(struct sluice_esw_info)),
	};
	const struct sluice_esw_info *info;
	struct frame f;
	uint64_t addr;

	fr_udp4(&f, 1000, 2000);
	assert_int_equal(next_hop(t, &o, SLUICE_NEXT_HOP_F_VALID),
			 SLUICE_ST_OK);
	assert_int_equal(encap(t, &o), SLUICE_ST_OK);
	assert_int_equal(rule(t, 1, 1, act_tunnel(32)), SLUICE_ST_OK);
	vf_send(t, &f);
	vf_send(t, &f);
	assert_int_equal(drv_cmd(t->pf, &sync, sizeof(sync)), SLUICE_ST_OK);
	assert_int_equal(le64toh(t->counter[1].packets), 2);
	assert_int_equal(le64toh(t->counter[1].bytes), 2 * (f.len + 70));
	assert_true(le64toh(t->counter[1].last_use));
	/* Zero in host memory when the completion is there. */
	assert_int_equal(next_hop(t, &o, SLUICE_NEXT_HOP_F_VALID |
				  SLUICE_NEXT_HOP_F_ZERO), SLUICE_ST_OK);
	assert_int_equal(le64toh(t->counter[1].packets), 0);
	vf_send(t, &f);
	assert_int_equal(le64toh(t->counter[1].packets), 0);

	addr = drv_alloc(t->pf, sizeof(*info));
	info = drv_mem(t->pf, addr);
	query.addr = htole64(addr);
	assert_int_equal(drv_cmd(t->pf, &query, sizeof(query)), SLUICE_ST_OK);
	assert_int_equal(le32toh(info->next_hops), 1);
	assert_int_equal(le32toh(info->encaps), 1);
	assert_int_equal(le32toh(info->counters), 1);
	assert_int_equal(le64toh(info->encapsulated), 3);

	/* Last counts come with the end of the next hop. */
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_NEXT_HOP_DEL, 31),
			 SLUICE_ST_BUSY);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_ENCAP_DEL, 32),
			 SLUICE_ST_BUSY);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_RULE_DEL, 1), SLUICE_ST_OK);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_ENCAP_DEL, 32),
			 SLUICE_ST_OK);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_NEXT_HOP_DEL, 31),
			 SLUICE_ST_OK);
	assert_int_equal(le64toh(t->counter[1].packets), 1);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_ENDPOINT_DEL, 33),
			 SLUICE_ST_NOENT);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_ENDPOINT_DEL, 34),
			 SLUICE_ST_INVAL);
}

/* What stands behind the header is zero.  Only the PF has tunnels. */
static void malformed(void **state)
{
	struct top *t = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct encap_cmd e;

	assert_int_equal(next_hop(t, &o, SLUICE_NEXT_HOP_F_VALID),
			 SLUICE_ST_OK);
	tun_encap(&e, 32, 31, &o);
	e.cmd.hdr.opcode = SLUICE_CMD_ENCAP_SET;
	assert_int_equal(le16toh(e.cmd.header_len), 36);
	e.cmd.header[39] = 1;
	drv_post(t->pf, &e, encap_len(&e));
	drv_ring(t->pf);
	run(t->m);
	assert_int_equal(rd(t->pf, SLUICE_REG_ERROR), SLUICE_ERR_CTRL_DESC);
	drv_reset(t->pf);
	assert_true(rd(t->pf, SLUICE_REG_CAPS_LO) & SLUICE_CAP_TUNNEL);
	assert_false(rd(t->vf, SLUICE_REG_CAPS_LO) & SLUICE_CAP_TUNNEL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(out_and_back), T(hash_key), T(counters), T(malformed),
	};

	return cmocka_run_group_tests_name("nic_tunnel", tests, NULL, NULL);
}
