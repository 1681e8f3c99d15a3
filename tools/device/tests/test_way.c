// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ways through tables: how many gotos there are, counters of steps, the table
 * behind the first one; and routing as nft's flow tables do it: the step that
 * counts the TTL down, and connections that keep what is behind their IP packets.
 */
#include "harness.h"

#define NEXT	20
#define MTU	100

static struct sluice_action act_route(uint32_t mtu)
{
	struct sluice_action a = act(SLUICE_ACT_ROUTE);

	a.a = htole32(mtu);
	return a;
}

static int next(struct bed *bed, uint16_t vport, uint32_t table)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_NEXT),
		.root_table = htole32(table),
	};

	return sluice_esw_vport_set(bed->esw, vport, &cmd);
}

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

static void sum_header(uint8_t *ip)
{
	uint32_t s = 0, i;

	ip[10] = 0;
	ip[11] = 0;
	for (i = 0; i < 20; i += 2)
		s += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	ip[10] = (uint8_t)(~s >> 8);
	ip[11] = (uint8_t)~s;
}

/* Sends @in by VF 0 and wants @want at VF 1. */
static void expect_out(struct bed *bed, const struct frame *in,
		       const struct frame *want)
{
	bed_clear(bed);
	bed_send(bed, VF(0), in);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(1), want);
}

static void expect_slow(struct bed *bed, const struct frame *in, uint8_t reason)
{
	bed_clear(bed);
	bed_send(bed, VF(0), in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), reason, in);
}

/* Each value of the header's checksum comes along, by way of the id. */
static void ttl4(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[] = { act_route(MTU), act_out(VF(1)) };
	struct frame in, want;
	unsigned int id;

	bed_any(bed, 0, 1, a, 2);
	fr_udp4(&in, 1, 2);
	for (id = 0; id < 65536; id++) {
		if (id > 300 && id < 65200 && id % 53)
			continue;
		in.b[14 + 4] = (uint8_t)(id >> 8);
		in.b[14 + 5] = (uint8_t)id;
		sum_header(in.b + 14);
		want = in;
		want.b[14 + 8]--;
		sum_header(want.b + 14);
		/* Zero has two forms; what was made anew never has this one. */
		bed_clear(bed);
		bed_send(bed, VF(0), &in);
		assert_int_equal(bed->num_sent, 1);
		if (!(want.b[24] | want.b[25]) || (want.b[24] & want.b[25]) == 0xff)
			continue;
		assert_sent(bed, 0, VF(1), &want);
	}
	/* A wrong one stays as wrong. */
	sum_header(in.b + 14);
	want = in;
	want.b[14 + 8]--;
	sum_header(want.b + 14);
	in.b[14 + 11] ^= 0x10;
	want.b[14 + 11] ^= 0x10;
	expect_out(bed, &in, &want);
}

static void ttl_ends(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[] = { act_route(MTU), act_out(VF(1)) };
	struct frame in, want;

	bed_any(bed, 0, 1, a, 2);
	fr_udp4(&in, 1, 2);
	in.b[14 + 8] = 2;
	sum_header(in.b + 14);
	want = in;
	want.b[14 + 8] = 1;
	sum_header(want.b + 14);
	expect_out(bed, &in, &want);
	expect_slow(bed, &want, SLUICE_MISS_ACTION);
	in.b[14 + 8] = 0;
	expect_slow(bed, &in, SLUICE_MISS_ACTION);
	in.len = 0;
	fr_eth(&in, MAC_B, MAC_A, 0x0806);
	fr_fill(&in, 0, 46);
	expect_slow(bed, &in, SLUICE_MISS_ACTION);
	in.len = 0;
	fr_eth(&in, MAC_B, MAC_A, 0x0800);
	fr_fill(&in, 0x45, 19);
	expect_slow(bed, &in, SLUICE_MISS_ACTION);
}

static void hop_limit(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[] = { act_route(MTU), act_out(VF(1)) };
	struct frame in = { 0 }, want;

	bed_any(bed, 0, 1, a, 2);
	fr_macs(&in, MAC_B, MAC_A);
	fr_vlan(&in, 0x8100, 3);
	fr_u16(&in, 0x86dd);
	fr_ip6(&in, 17, "fd00::1", "fd00::2", 8 + 10);
	fr_udp(&in, 1, 2, 10);
	in.b[18 + 7] = 9;
	want = in;
	want.b[18 + 7] = 8;
	expect_out(bed, &in, &want);
	in.b[18 + 7] = 1;
	expect_slow(bed, &in, SLUICE_MISS_ACTION);
}

/* What is behind the ethertype is what counts, padding too, no tag. */
static void mtu(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[] = { act_route(MTU), act_out(VF(1)) };
	struct frame in, want;

	bed_any(bed, 0, 1, a, 2);
	fr_udp4(&in, 1, 2);
	fr_fill(&in, 0, 14 + MTU - in.len);
	want = in;
	want.b[14 + 8]--;
	sum_header(want.b + 14);
	expect_out(bed, &in, &want);
	fr_fill(&in, 0, 1);
	expect_slow(bed, &in, SLUICE_MISS_MTU);
	assert_int_equal(bed_packets(bed, 0), 1);
}

static void next_table(void **state)
{
	struct bed *bed = *state;
	struct sluice_action out = act_out(VF(1)), go = act_goto(5), first;
	struct sluice_key mask = { .ip_proto = 0xff }, key = { .ip_proto = 17 };
	struct rule r = {
		.id = 1, .table = 1, .mask = 1, .counter = 1, .mask_bits = &mask,
		.key = &key, .act = &first, .num_act = 1,
	};
	struct frame udp, arp = { 0 };

	fr_udp4(&udp, 1, 2);
	fr_eth(&arp, MAC_B, MAC_A, 0x0806);
	fr_fill(&arp, 0, 46);
	assert_int_equal(next(bed, VF(0), NEXT), SLUICE_ST_OK);
	bed_any(bed, 0, NEXT, &out, 1);
	/* The first table has rules, but none for this. */
	first = act(SLUICE_ACT_DROP);
	assert_int_equal(bed_mask(bed, 1, &mask), 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	expect_out(bed, &arp, &arp);
	assert_int_equal(bed_packets(bed, 0), 1);
	bed_clear(bed);
	bed_send(bed, VF(0), &udp);
	assert_int_equal(bed->num_sent, 0);
	/* What a rule sent on stays where that leads. */
	bed_any(bed, 2, 1, &go, 1);
	expect_slow(bed, &arp, SLUICE_MISS_NO_RULE);
	/* Without a first table it is the first, and the last. */
	bed_root(bed, VF(0), SLUICE_ID_NONE);
	expect_out(bed, &udp, &udp);
	expect_out(bed, &arp, &arp);
	assert_int_equal(next(bed, VF(0), NEXT + 1), SLUICE_ST_OK);
	expect_slow(bed, &udp, SLUICE_MISS_NO_RULE);
	assert_int_equal(next(bed, VF(0), SLUICE_ID_NONE), SLUICE_ST_OK);
	expect_slow(bed, &udp, SLUICE_MISS_NO_TABLE);
	/* Other ports have none. */
	assert_int_equal(next(bed, VF(1), NEXT), SLUICE_ST_OK);
	expect_slow(bed, &udp, SLUICE_MISS_NO_TABLE);
}

static void next_checked(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_NEXT | SLUICE_VPORT_F_ROOT),
		.root_table = htole32(NEXT),
	};
	struct bed *legacy = bed_new(SLUICE_ESW_LEGACY);

	assert_int_equal(sluice_esw_vport_set(bed->esw, VF(0), &cmd),
			 SLUICE_ST_INVAL);
	assert_int_equal(next(bed, VF(0), bed_cfg.max_tables), SLUICE_ST_INVAL);
	assert_int_equal(next(bed, VF(100), NEXT), SLUICE_ST_NOENT);
	assert_int_equal(next(legacy, VF(0), NEXT), SLUICE_ST_MODE);
	assert_int_equal(next(legacy, VF(0), SLUICE_ID_NONE), SLUICE_ST_OK);
	bed_free(legacy);
}

static void mode_forgets(void **state)
{
	struct bed *bed = *state;
	struct sluice_action out = act_out(VF(1));
	struct frame udp;

	fr_udp4(&udp, 1, 2);
	bed_root(bed, VF(0), SLUICE_ID_NONE);
	assert_int_equal(next(bed, VF(0), NEXT), SLUICE_ST_OK);
	bed_any(bed, 0, NEXT, &out, 1);
	expect_out(bed, &udp, &udp);
	assert_int_equal(sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY), 0);
	assert_int_equal(sluice_esw_set_mode(bed->esw, SLUICE_ESW_SWITCHDEV), 0);
	expect_slow(bed, &udp, SLUICE_MISS_NO_TABLE);
}

/* A frame with padding, through a connection that takes it off or keeps it. */
static void keeps_padding(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[] = { act(SLUICE_ACT_CT), act_out(VF(1)) };
	struct sluice_cmd_ct c = {
		.table = htole32(7),
		.counter = htole32(3),
		.state = htole16(SLUICE_CT_TRACKED | SLUICE_CT_ESTABLISHED),
		.ip = 4,
		.proto = 17,
		.sport = htobe16(1),
		.dport = htobe16(2),
	};
	struct frame in, want;
	uint32_t len;

	fr_udp4(&in, 1, 2);
	memcpy(c.src, in.b + 14 + 12, 4);
	memcpy(c.dst, in.b + 14 + 16, 4);
	assert_int_equal(sluice_esw_ct_set(bed->esw, &c), 0);
	want = in;
	len = in.len;
	fr_fill(&in, 0, 9);
	a[0].a = htole32(7);
	bed_any(bed, 0, 1, a, 2);
	expect_out(bed, &in, &want);
	assert_int_equal(bed_bytes(bed, 3), len - 14);
	bed_root(bed, VF(0), 2);
	a[0].flags = SLUICE_CT_ACT_KEEP;
	bed_any(bed, 1, 2, a, 2);
	expect_out(bed, &in, &in);
	assert_int_equal(bed_bytes(bed, 3), 2 * (len - 14) + 9);
}

/* 16 gotos are what tc allows; the 17th drops the packet there. */
static void goto_limit(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a;
	struct frame in;
	uint32_t t, counter;

	fr_udp4(&in, 1, 2);
	for (t = 1; t <= 16; t++) {
		a = act_goto(t + 1);
		bed_any(bed, t, t, &a, 1);
	}
	a = act_out(VF(1));
	bed_any(bed, 17, 17, &a, 1);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(1), &in);
	for (t = 1; t <= 17; t++)
		assert_int_equal(bed_packets(bed, t), 1);

	assert_int_equal(sluice_esw_rule_del(bed->esw, 17, &counter), 0);
	a = act_goto(18);
	bed_any(bed, 17, 17, &a, 1);
	a = act_out(VF(1));
	bed_any(bed, 18, 18, &a, 1);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(bed_packets(bed, 18), 0);
	for (t = 1; t <= 17; t++)
		assert_int_equal(bed_packets(bed, t), 2);
}

/* What happened before the packet is dropped has happened. */
static void goto_loop(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[2] = { act_goto(1) };
	struct frame in;
	uint32_t counter;

	fr_udp4(&in, 1, 2);
	bed_any(bed, 0, 1, a, 1);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(bed_packets(bed, 0), 17);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	a[0] = act_out(VF(1));
	a[1] = act_goto(1);
	bed_any(bed, 0, 1, a, 2);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 17);
	assert_int_equal(bed_packets(bed, 0), 2 * 17);
	assert_sent(bed, 16, VF(1), &in);
}

/* A counter of the step's own; what is dropped counts twice. */
static void count_steps(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[3] = {
		act(SLUICE_ACT_COUNT), act_out(VF(1)), act(SLUICE_ACT_PUNT),
	};
	struct frame in;
	uint32_t counter;

	fr_udp4(&in, 1, 2);
	a[0].a = htole32(7);
	a[0].flags = SLUICE_COUNT_F_ZERO;
	bed_any(bed, 0, 1, a, 2);
	bed_send(bed, VF(0), &in);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 2);
	assert_sent(bed, 1, VF(1), &in);
	assert_int_equal(bed_packets(bed, 7), 2);
	assert_int_equal(bed_bytes(bed, 7), 2 * (in.len - 14));
	/* Software has it. */
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	bed_any(bed, 0, 1, a, 3);
	assert_int_equal(bed_packets(bed, 7), 0);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_PUNT, &in);
	assert_int_equal(bed_packets(bed, 7), 0);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	/* A count is no output: this drops, and says so. */
	bed_any(bed, 0, 1, a, 1);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(bed_packets(bed, 7), 1);
	assert_int_equal(bed_stats(bed, VF(0)).tx_dropped_rule, htole64(1));
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	/* Not for want of the flag. */
	a[0].flags = 0;
	bed_any(bed, 0, 1, a, 2);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed_packets(bed, 7), 2);
}

static struct sluice_action act_eth(const char *dst, const char *src)
{
	struct sluice_action a = act(SLUICE_ACT_ETH_SET);
	uint8_t mac[12];

	mac_parse(mac, dst);
	mac_parse(mac + 6, src);
	memcpy(&a.a, mac, 4);
	memcpy(a.b, mac + 4, 4);
	memcpy(a.c, mac + 8, 4);
	return a;
}

static struct sluice_action act_mpls_pop(uint16_t proto)
{
	struct sluice_action a = act(SLUICE_ACT_MPLS_POP);

	a.a = htole32(proto);
	return a;
}

static void fr_label(struct frame *f, const char *dst, const char *src)
{
	f->len = 0;
	fr_eth(f, dst, src, 0x8847);
	fr_u16(f, 0x0006);
	fr_u16(f, 0x6140);
}

/* The header goes, and a new one has the protocol for its ethertype. */
static void eth_anew(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[] = {
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 12, "ffff0000",
			  "99990000"),
		act_mpls_pop(0x0800), act_eth(MAC_C, MAC_A), act_out(VF(1)),
	};
	struct frame in = { 0 }, want = { 0 };

	bed_any(bed, 0, 1, a, 4);
	fr_label(&in, MAC_B, MAC_A);
	fr_fill(&in, 0x45, 40);
	fr_eth(&want, MAC_C, MAC_A, 0x0800);
	fr_fill(&want, 0x45, 40);
	expect_out(bed, &in, &want);
	/* What is no MPLS keeps its protocol, whatever was written there. */
	fr_udp4(&in, 1, 2);
	want = in;
	mac_parse(want.b, MAC_C);
	mac_parse(want.b + 6, MAC_A);
	expect_out(bed, &in, &want);
	in.len = 0;
	fr_macs(&in, MAC_B, MAC_A);
	fr_vlan(&in, 0x8100, 3);
	fr_u16(&in, 0x0800);
	fr_fill(&in, 0x45, 40);
	expect_slow(bed, &in, SLUICE_MISS_ACTION);
}

/* The other end of Ethernet over MPLS. */
static void eth_taken_off(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[] = {
		act_mpls_pop(0x6558), act(SLUICE_ACT_ETH_POP), act_out(VF(1)),
	};
	struct frame in = { 0 }, inner = { 0 };
	unsigned int len;

	bed_any(bed, 0, 1, a, 3);
	fr_macs(&inner, MAC_C, MAC_A);
	fr_vlan(&inner, 0x8100, 3);
	fr_vlan(&inner, 0x8100, 4);
	fr_u16(&inner, 0x0800);
	fr_fill(&inner, 0x45, 40);
	fr_label(&in, MAC_B, MAC_A);
	fr_bytes(&in, inner.b, inner.len);
	expect_out(bed, &in, &inner);
	/* No frame is too short; what is less than a header is none. */
	for (len = 0; len < 20; len++) {
		fr_udp4(&inner, 1, 2);
		inner.len = len;
		fr_label(&in, MAC_B, MAC_A);
		fr_bytes(&in, inner.b, len);
		if (len < 14)
			expect_slow(bed, &in, SLUICE_MISS_ACTION);
		else
			expect_out(bed, &in, &inner);
	}
	/* What was no label's is no frame. */
	fr_udp4(&in, 1, 2);
	expect_slow(bed, &in, SLUICE_MISS_ACTION);
}

/* Tags fit in front of the frame that was in the frame. */
static void eth_off_then_tags(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[] = {
		act_mpls_pop(0x6558), act(SLUICE_ACT_ETH_POP),
		act_push(0x8100, 5), act_push(0x88a8, 6), act_out(VF(1)),
	};
	struct frame in = { 0 }, inner, want = { 0 };

	bed_any(bed, 0, 1, a, 5);
	fr_udp4(&inner, 1, 2);
	fr_label(&in, MAC_B, MAC_A);
	fr_bytes(&in, inner.b, inner.len);
	fr_bytes(&want, inner.b, 12);
	fr_u16(&want, 0x88a8);
	fr_u16(&want, 6);
	fr_u16(&want, 0x8100);
	fr_u16(&want, 5);
	fr_bytes(&want, inner.b + 12, inner.len - 12);
	expect_out(bed, &in, &want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ttl4, setup, teardown),
		cmocka_unit_test_setup_teardown(ttl_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(hop_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(mtu, setup, teardown),
		cmocka_unit_test_setup_teardown(next_table, setup, teardown),
		cmocka_unit_test_setup_teardown(next_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(mode_forgets, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_padding, setup, teardown),
		cmocka_unit_test_setup_teardown(goto_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(goto_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(count_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(eth_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(eth_taken_off, setup, teardown),
		cmocka_unit_test_setup_teardown(eth_off_then_tags, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("way", tests, NULL, NULL);
}
