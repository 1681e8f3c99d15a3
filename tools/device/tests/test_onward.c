// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Next hops that lead to a table: the frame of a tunnel goes on there as one
 * that the host sends.
 */
#include "tun_bed.h"

#define ROOT	1	/* table of VF 0 */
#define HOST	5	/* table of what the host sends */
#define NH_CTR	5001	/* as bed_tunnel() */

static int setup(void **state)
{
	*state = bed_new(SLUICE_ESW_SWITCHDEV);
	return 0;
}

static int teardown(void **state)
{
	bed_free(*state);
	return 0;
}

/* VF 0 sends @act through encap 1, whose next hop leads to HOST. */
static struct outer world(struct bed *bed, const struct sluice_action *acts,
			  unsigned int n)
{
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_cmd_next_hop nh = tun_next_hop(1, WIRE0, &o);

	bed_tunnel(bed, 1, WIRE0, &o, 0);
	nh.flags |= htole16(SLUICE_NEXT_HOP_F_TABLE);
	nh.table = htole32(HOST);
	nh.counter = htole32(NH_CTR);
	assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), SLUICE_ST_OK);
	bed_root(bed, VF(0), ROOT);
	bed_any(bed, 0, ROOT, acts, n);
	return o;
}

static void outer_frame(struct bed *bed, struct outer *o, struct frame *f,
			const struct frame *in)
{
	o->sport = tun_sport(bed, in);
	fr_tunnel(f, o, in);
}

static void expect_slow(struct bed *bed, const struct frame *in, uint8_t reason)
{
	uint64_t rule = bed_packets(bed, 0), nh = bed_packets(bed, NH_CTR);
	uint64_t host = bed_packets(bed, HOST);

	bed_clear(bed);
	bed_send(bed, VF(0), in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), reason, in);
	assert_int_equal(bed_packets(bed, 0), rule);
	assert_int_equal(bed_packets(bed, NH_CTR), nh);
	assert_int_equal(bed_packets(bed, HOST), host);
}

/* Two tables, a tag, an edit; the packet itself stays as it was. */
static void goes_on(void **state)
{
	struct bed *bed = *state;
	struct sluice_action root[] = { act_tunnel(1), act_out(VF(2)) };
	struct sluice_action host[] = {
		act_push(0x8100, 9),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 0, "ffffffff",
			  "02000000"),
		act_goto(HOST + 1),
	};
	struct sluice_action last[] = {
		act_push(0x88a8, 7), act_out(WIRE1), act_out(WIRE0),
	};
	struct outer o = world(bed, root, 2);
	struct sluice_esw_info info;
	struct frame in, out, want = { 0 };

	fr_udp4(&in, 1, 2);
	bed_any(bed, HOST, HOST, host, 3);
	bed_any(bed, HOST + 1, HOST + 1, last, 3);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 3);
	outer_frame(bed, &o, &out, &in);
	fr_bytes(&want, out.b, 12);
	fr_u16(&want, 0x88a8);
	fr_u16(&want, 7);
	fr_u16(&want, 0x8100);
	fr_u16(&want, 9);
	fr_bytes(&want, out.b + 12, out.len - 12);
	assert_sent(bed, 0, WIRE1, &want);
	assert_sent(bed, 1, WIRE0, &want);
	assert_sent(bed, 2, VF(2), &in);
	/* tc at ingress does not count the Ethernet header, at egress it does. */
	assert_int_equal(bed_bytes(bed, 0), in.len - 14);
	assert_int_equal(bed_bytes(bed, HOST), out.len);
	assert_int_equal(bed_bytes(bed, HOST + 1), out.len);
	assert_int_equal(bed_packets(bed, NH_CTR), 1);
	assert_int_equal(bed_bytes(bed, NH_CTR), out.len);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le64toh(info.encapsulated), 1);
	assert_int_equal(le64toh(info.hits), 1);
}

/* Rules there see the outer header, and come in by no port. */
static void matches(void **state)
{
	struct bed *bed = *state;
	struct sluice_action root = act_tunnel(1), to_wire = act_out(WIRE1);
	struct sluice_action to_vf = act_out(VF(3));
	struct outer o = world(bed, &root, 1);
	struct sluice_key mask = { .in_vport = 0xffff, .l4_dst = 0xffff };
	struct sluice_key key = { .l4_dst = htobe16(o.dport) };
	struct rule r = {
		.id = HOST, .table = HOST, .mask = 1, .counter = HOST,
		.prio = 2, .mask_bits = &mask, .key = &key, .act = &to_wire,
		.num_act = 1,
	};
	struct frame in, out;

	fr_udp4(&in, 1, 2);
	assert_int_equal(bed_mask(bed, 1, &mask), 0);
	key.in_vport = htole16(SLUICE_VPORT_NONE);
	assert_int_equal(bed_rule(bed, &r), 0);
	key.in_vport = htole16(VF(0));
	r.id++;
	r.prio = 1;
	r.act = &to_vf;
	assert_int_equal(bed_rule(bed, &r), 0);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	outer_frame(bed, &o, &out, &in);
	assert_sent(bed, 0, WIRE1, &out);
	/* The next hop's own port does not matter. */
	bed_egress(bed, WIRE0, 1);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	bed_egress(bed, WIRE1, 1);
	expect_slow(bed, &in, SLUICE_MISS_EGRESS);
}

/* What cannot end well there has not begun here. */
static void all_or_nothing(void **state)
{
	struct bed *bed = *state;
	struct sluice_action root[] = { act_out(VF(2)), act_tunnel(1) };
	struct sluice_action a[2] = { act_out(WIRE1) };
	struct frame in;

	world(bed, root, 2);
	fr_udp4(&in, 1, 2);
	expect_slow(bed, &in, SLUICE_MISS_NO_RULE);
	a[1] = act_goto(33);
	bed_any(bed, HOST, HOST, a, 2);
	expect_slow(bed, &in, SLUICE_MISS_NO_RULE);
	bed_del(bed, HOST);
	a[1] = act_goto(HOST);
	/* A loop, which ends with a drop: all before it stays. */
	bed_any(bed, HOST, HOST, a, 2);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1 + 17);
	assert_int_equal(bed_packets(bed, HOST), 17);
	bed_del(bed, HOST);
#define LEAVES(step, reason) do { \
	a[1] = step; \
	bed_any(bed, HOST, HOST, a, 2); \
	expect_slow(bed, &in, reason); \
	bed_del(bed, HOST); \
} while (0)
	LEAVES(act(SLUICE_ACT_PUNT), SLUICE_MISS_PUNT);
	LEAVES(act(SLUICE_ACT_TO_CPU), SLUICE_MISS_ACTION);
	LEAVES(act(SLUICE_ACT_DECAP_LOCAL), SLUICE_MISS_ACTION);
	LEAVES(act_tunnel(1), SLUICE_MISS_ACTION);
#undef LEAVES
}

/* A drop there is an end like any other. */
static void drops(void **state)
{
	struct bed *bed = *state;
	struct sluice_action root = act_tunnel(1);
	struct sluice_action drop = act(SLUICE_ACT_DROP);
	struct frame in;

	world(bed, &root, 1);
	bed_any(bed, HOST, HOST, &drop, 1);
	fr_udp4(&in, 1, 2);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(bed_packets(bed, 0), 1);
	assert_int_equal(bed_packets(bed, HOST), 1);
	assert_int_equal(bed_packets(bed, NH_CTR), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(goes_on), T(matches), T(all_or_nothing), T(drops),
	};

	return cmocka_run_group_tests_name("onward", tests, NULL, NULL);
}
