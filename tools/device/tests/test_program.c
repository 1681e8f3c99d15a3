// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Action programs, byte by byte, and all-or-nothing.
 */
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

/* Install @acts for everything, send @in, expect @want on VF 1 alone. */
static void expect(struct bed *bed, const struct sluice_action *acts,
		   unsigned int n, const struct frame *in,
		   const struct frame *want)
{
	struct sluice_action prog[16];
	uint32_t counter;

	memcpy(prog, acts, n * sizeof(*acts));
	prog[n] = act_out(VF(1));
	bed_any(bed, 0, 1, prog, n + 1);
	bed_clear(bed);
	bed_send(bed, VF(0), in);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(1), want);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
}

/* Likewise, but expect the whole frame on the slow path. */
static void expect_slow(struct bed *bed, const struct sluice_action *acts,
			unsigned int n, const struct frame *in, uint8_t reason)
{
	struct sluice_action prog[16];
	uint64_t before = bed_packets(bed, 0);
	uint32_t counter;

	prog[0] = act_out(WIRE0);
	memcpy(prog + 1, acts, n * sizeof(*acts));
	bed_any(bed, 0, 1, prog, n + 1);
	bed_clear(bed);
	bed_send(bed, VF(0), in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), reason, in);
	assert_int_equal(bed_packets(bed, 0), before);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
}

static struct sluice_action act_mpls(uint32_t lse, uint16_t proto,
				     uint8_t flags)
{
	struct sluice_action a = act(SLUICE_ACT_MPLS_PUSH);

	a.a = htole32(lse);
	a.flags = flags;
	a.b[0] = (uint8_t)(proto >> 8);
	a.b[1] = (uint8_t)proto;
	return a;
}

/* A frame with another ethertype and @n bytes behind that. */
static void insert(struct frame *f, uint32_t at, uint16_t proto,
		   const char *bytes, uint32_t n)
{
	f->b[at - 2] = (uint8_t)(proto >> 8);
	f->b[at - 1] = (uint8_t)proto;
	memmove(f->b + at + n, f->b + at, f->len - at);
	memcpy(f->b + at, bytes, n);
	f->len += n;
}

static void mpls(void **state)
{
	struct bed *bed = *state;
	struct sluice_action pop = act(SLUICE_ACT_MPLS_POP), a[4];
	struct frame in, want;

	pop.a = htole32(0x0800);
	/* Bottom of the stack by itself, and one more. */
	fr_udp4(&in, 1, 2);
	want = in;
	insert(&want, 14, 0x8847, "\0\x06\x45\x40", 4);
	a[0] = act_mpls(0x00064440, 0x8847, SLUICE_MPLS_F_BOTTOM);
	expect(bed, a, 1, &in, &want);
	insert(&want, 14, 0x8848, "\0\x07\x44\x41", 4);
	a[1] = act_mpls(0x00074441, 0x8848, SLUICE_MPLS_F_BOTTOM);
	expect(bed, a, 2, &in, &want);
	a[2] = pop;
	a[2].a = htole32(0x8847);
	a[3] = pop;
	expect(bed, a, 4, &in, &in);
	/* As told. */
	want = in;
	insert(&want, 14, 0x8847, "\0\x06\x44\x40", 4);
	a[0] = act_mpls(0x00064440, 0x8847, 0);
	expect(bed, a, 1, &in, &want);
	/* The tag stays outside, one inside is in the way. */
	fr_vlan(&in, 0x8100, 5);
	want = in;
	insert(&want, 18, 0x8847, "\0\x06\x44\x40", 4);
	expect(bed, a, 1, &in, &want);
	fr_vlan(&in, 0x88a8, 6);
	want = in;
	insert(&want, 18, 0x8847, "\0\x06\x44\x40", 4);
	expect(bed, a, 1, &in, &want);
	a[0].flags = SLUICE_MPLS_F_BOTTOM;
	expect_slow(bed, a, 1, &in, SLUICE_MISS_ACTION);
	/* Of a packet without labels: nothing. */
	expect(bed, &pop, 1, &in, &in);
	/* Change label and TTL; there must be a label. */
	a[0] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_MPLS, 0,
			 "fffff0ff", "0012300a");
	fr_udp4(&in, 1, 2);
	expect_slow(bed, a, 1, &in, SLUICE_MISS_ACTION);
	want = in;
	insert(&in, 14, 0x8848, "\0\x06\x45\x40", 4);
	insert(&want, 14, 0x8848, "\0\x12\x35\x0a", 4);
	expect(bed, a, 1, &in, &want);
	in.len = 17;
	expect_slow(bed, a, 1, &in, SLUICE_MISS_ACTION);
	expect_slow(bed, &pop, 1, &in, SLUICE_MISS_ACTION);
	/* What is found behind the label counts from then on. */
	a[0] = pop;
	a[1] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP4, 8,
			 "ff000000", "07000000");
	fr_udp4(&in, 1, 2);
	want = in;
	want.b[14 + 8] = 7;
	insert(&in, 14, 0x8847, "\0\x06\x45\x40", 4);
	expect(bed, a, 2, &in, &want);
}

/* Copies for the host leave with the others, or not at all. */
static void host_copies(void **state)
{
	struct bed *bed = *state;
	struct sluice_action host = act(SLUICE_ACT_HOST);
	struct sluice_action prog[4];
	struct frame in, tagged;
	uint32_t counter;

	host.a = htole32(0x80000007);
	fr_udp4(&in, 1, 2);
	fr_udp4(&tagged, 1, 2);
	fr_vlan(&tagged, 0x8100, 5);
	prog[0] = host;
	prog[1] = act_push(0x8100, 5);
	prog[2] = act_out(VF(1));
	prog[3] = host;
	bed_any(bed, 0, 1, prog, 4);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 3);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_HOST, &in);
	assert_int_equal(bed->sent[0].meta.table, 0x80000007);
	assert_sent(bed, 1, VF(1), &tagged);
	assert_slow(bed, 2, VF(0), SLUICE_MISS_HOST, &tagged);
	assert_int_equal(bed_packets(bed, 0), 1);
	assert_int_equal(bed_stats(bed, VF(0)).slow_packets, htole64(2));
	assert_int_equal(bed_stats(bed, VF(0)).tx_dropped_rule, 0);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	expect_slow(bed, (struct sluice_action[]){ host,
						   act(SLUICE_ACT_PUNT) },
		    2, &in, SLUICE_MISS_PUNT);
}

/* Copies as samples: of all packets, of some, none that is not sent. */
static void samples(void **state)
{
	struct bed *bed = *state;
	struct sluice_action prog[4] = {
		act(SLUICE_ACT_SAMPLE), act_push(0x8100, 5), act_out(VF(1)),
		act(SLUICE_ACT_SAMPLE),
	};
	struct frame in, tagged;
	unsigned int i, n = 0;
	uint32_t counter;

	fr_udp4(&in, 1, 2);
	fr_udp4(&tagged, 1, 2);
	fr_vlan(&tagged, 0x8100, 5);
	prog[0].a = htole32(7);
	prog[0].b[0] = 1;
	prog[3].a = htole32(8);
	prog[3].b[0] = 1;
	bed_any(bed, 0, 1, prog, 4);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 3);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_SAMPLE, &in);
	assert_int_equal(bed->sent[0].meta.table, 7);
	assert_sent(bed, 1, VF(1), &tagged);
	assert_slow(bed, 2, VF(0), SLUICE_MISS_SAMPLE, &tagged);
	assert_int_equal(bed->sent[2].meta.table, 8);
	bed->result[SLUICE_VPORT_PF] = SLUICE_TX_NOBUF;
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	bed->result[SLUICE_VPORT_PF] = SLUICE_TX_OK;
	assert_int_equal(bed_packets(bed, 0), 2);
	assert_int_equal(bed_stats(bed, VF(0)).samples, htole64(2));
	assert_int_equal(bed_stats(bed, VF(0)).samples_dropped, htole64(2));
	assert_int_equal(bed_stats(bed, VF(0)).slow_packets, 0);
	assert_int_equal(bed_stats(bed, VF(0)).slow_dropped, 0);
	assert_int_equal(bed_stats(bed, VF(1)).rx_packets, htole64(2));
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	prog[1] = act(SLUICE_ACT_PUNT);
	expect_slow(bed, prog, 2, &in, SLUICE_MISS_PUNT);

	/* One in 10; five standard deviations are 474. */
	prog[0].b[0] = 10;
	prog[1] = act(SLUICE_ACT_DROP);
	bed_any(bed, 0, 1, prog, 2);
	for (i = 0; i < 100000; i++) {
		bed_clear(bed);
		bed_send(bed, VF(0), &in);
		n += bed->num_sent;
	}
	assert_in_range(n, 10000 - 474, 10000 + 474);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	/* The rarest kind: none, but for one chance in 40 million. */
	memset(prog[0].b, 0xff, sizeof(prog[0].b));
	bed_any(bed, 0, 1, prog, 2);
	for (i = 0; i < 100; i++) {
		bed_clear(bed);
		bed_send(bed, VF(0), &in);
		assert_int_equal(bed->num_sent, 0);
	}
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	memset(prog[0].b, 0, sizeof(prog[0].b));
	assert_int_equal(bed_rule(bed, &(struct rule){
		.table = 1, .counter = SLUICE_ID_NONE, .act = prog,
		.num_act = 2 }), SLUICE_ST_INVAL);
}

static void vlan_push_pop(void **state)
{
	struct bed *bed = *state;
	struct frame in, want;
	struct sluice_action a[3];

	fr_udp4(&in, 1, 2);
	fr_udp4(&want, 1, 2);
	fr_vlan(&want, 0x8100, 0x6064);
	a[0] = act_push(0x8100, 0x6064);
	expect(bed, a, 1, &in, &want);

	/* Pop takes it off again, then does nothing. */
	a[1] = act(SLUICE_ACT_VLAN_POP);
	a[2] = act(SLUICE_ACT_VLAN_POP);
	expect(bed, a, 2, &in, &in);
	expect(bed, a, 3, &in, &in);
	expect(bed, a + 1, 1, &in, &in);

	/* A second tag goes outside the first. */
	a[1] = act_push(0x88a8, 0x0123);
	fr_vlan(&want, 0x88a8, 0x0123);
	expect(bed, a, 2, &in, &want);

	/* Out of two tags the outer one is popped. */
	a[0] = act(SLUICE_ACT_VLAN_POP);
	in = want;
	fr_udp4(&want, 1, 2);
	fr_vlan(&want, 0x8100, 0x6064);
	expect(bed, a, 1, &in, &want);
	a[1] = act(SLUICE_ACT_VLAN_POP);
	fr_udp4(&want, 1, 2);
	expect(bed, a, 2, &in, &want);
}

static void vlan_set(void **state)
{
	struct bed *bed = *state;
	struct frame in, want;
	struct sluice_action a[2];

	fr_udp4(&in, 1, 2);
	a[0] = act_set(0x88a80000 | 0x0055, 0xffff0fff);
	expect(bed, a, 1, &in, &in);	/* no tag: nothing */

	fr_vlan(&in, 0x8100, 0xb111);	/* priority 5, DEI, id 0x111 */
	fr_udp4(&want, 1, 2);
	fr_vlan(&want, 0x88a8, 0xb055);
	expect(bed, a, 1, &in, &want);

	a[0] = act_set(0x81000000 | 0x4055, 0xffffefff);
	fr_udp4(&want, 1, 2);
	fr_vlan(&want, 0x8100, 0x5055);
	expect(bed, a, 1, &in, &want);

	/* Only the outermost of two changes. */
	fr_vlan(&in, 0x88a8, 0x0007);
	fr_udp4(&want, 1, 2);
	fr_vlan(&want, 0x8100, 0xb111);
	fr_vlan(&want, 0x8100, 0x4055);
	expect(bed, a, 1, &in, &want);
}

static void vlan_pop_truncated(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a = act(SLUICE_ACT_VLAN_POP);
	struct frame in;

	/* Outer tag, then a second one without room for what follows it. */
	fr_macs(&in, MAC_B, MAC_A);
	fr_u16(&in, 0x8100);
	fr_u16(&in, 1);
	fr_u16(&in, 0x8100);
	fr_u16(&in, 2);
	expect_slow(bed, &a, 1, &in, SLUICE_MISS_ACTION);
	/* A length field whose LLC header is not there. */
	fr_u16(&in, 0x0010);
	expect_slow(bed, &a, 1, &in, SLUICE_MISS_ACTION);
	/* Now it is there. */
	fr_u16(&in, 0xffff);
	{
		struct frame want;

		fr_macs(&want, MAC_B, MAC_A);
		fr_u16(&want, 0x8100);
		fr_u16(&want, 2);
		fr_u16(&want, 0x0010);
		fr_u16(&want, 0xffff);
		expect(bed, &a, 1, &in, &want);
	}
}

static void tagged_runt(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a = act(SLUICE_ACT_DROP);
	struct frame in;

	fr_macs(&in, MAC_B, MAC_A);
	fr_u16(&in, 0x8100);
	fr_u16(&in, 1);
	fr_u16(&in, 0x0800);
	expect_slow(bed, &a, 1, &in, SLUICE_MISS_PARSE);
}

static void pedit_eth(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[3] = {
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 0, "ffffffff",
			  "06112233"),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 4, "ffff0000",
			  "44550000"),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 8, "0000ff00",
			  "0000ee00"),
	};
	struct frame in, want;

	fr_udp4(&in, 1, 2);
	want = in;
	memcpy(want.b, "\x06\x11\x22\x33\x44\x55", 6);
	want.b[10] = 0xee;
	expect(bed, a, 3, &in, &want);

	/* The tag is not part of what the offsets count. */
	fr_vlan(&in, 0x8100, 9);
	fr_vlan(&want, 0x8100, 9);
	expect(bed, a, 3, &in, &want);

	/* The type is behind the addresses, even with a tag. */
	a[0] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 12, "ffff0000",
			 "88b50000");
	want = in;
	want.b[16] = 0x88;
	want.b[17] = 0xb5;
	expect(bed, a, 1, &in, &want);
	/* Across addresses and type. */
	a[0] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 10, "ffffffff",
			 "aabb88b5");
	want.b[10] = 0xaa;
	want.b[11] = 0xbb;
	expect(bed, a, 1, &in, &want);
}

static void pedit_ip4(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[4];
	struct frame in, want;

	fr_udp4(&in, 0x1111, 0x2222);
	want = in;
	/* TTL minus one, as OVS and tc write it: add 0xff to that byte. */
	a[0] = act_pedit(SLUICE_ACT_PEDIT_ADD, SLUICE_HDR_IP4, 8, "ff000000",
			 "ff000000");
	want.b[14 + 8] = 63;
	expect(bed, a, 1, &in, &want);

	/* The carry of an addition goes up the little-endian number. */
	a[0] = act_pedit(SLUICE_ACT_PEDIT_ADD, SLUICE_HDR_IP4, 12, "ffff0000",
			 "ff000000");
	want = in;
	want.b[14 + 12] = 0x09;	/* 0x0a + 0xff */
	want.b[14 + 13] = 0x01;
	expect(bed, a, 1, &in, &want);

	a[0] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP4, 16, "ffffffff",
			 "c0a80105");
	a[1] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP4, 0, "00fc0000",
			 "00b80000");
	a[2] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_UDP, 0, "0000ffff",
			 "00000035");
	want = in;
	memcpy(want.b + 14 + 16, "\xc0\xa8\x01\x05", 4);
	want.b[14 + 1] = 0xb8;
	want.b[14 + 20 + 2] = 0x00;
	want.b[14 + 20 + 3] = 0x35;
	expect(bed, a, 3, &in, &want);
	fr_vlan(&in, 0x8100, 9);
	fr_vlan(&want, 0x8100, 9);
	expect(bed, a, 3, &in, &want);
}

/* The ethertype and what is behind it, of any packet. */
static void pedit_anywhere(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[2];
	struct frame in, want;

	fr_udp4(&in, 1, 2);
	want = in;
	want.b[12] = 0x88;
	want.b[13] = 0xb5;
	want.b[14] = 0x46;
	a[0] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 12, "ffff0f00",
			 "88b50600");
	expect(bed, a, 1, &in, &want);
	/* The packet is IPv4 all the same, only the host can't be told. */
	a[1] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP4, 8, "ff000000",
			 "07000000");
	want.b[14 + 8] = 7;
	expect(bed, a, 2, &in, &want);
	a[1] = act(SLUICE_ACT_HOST);
	expect_slow(bed, a, 2, &in, SLUICE_MISS_ACTION);
	a[1] = act(SLUICE_ACT_TO_CPU);
	expect_slow(bed, a, 2, &in, SLUICE_MISS_ACTION);
	a[1] = act(SLUICE_ACT_SAMPLE);
	a[1].b[0] = 1;
	expect_slow(bed, a, 2, &in, SLUICE_MISS_ACTION);

	/* Type and code of ICMP, say. */
	a[0] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_NET, 20, "ffff0000",
			 "03010000");
	want = in;
	want.b[14 + 20] = 3;
	want.b[14 + 21] = 1;
	expect(bed, a, 1, &in, &want);
	in.b[12] = 0x08;
	in.b[13] = 0x06;
	want.b[12] = 0x08;
	want.b[13] = 0x06;
	expect(bed, a, 1, &in, &want);
	a[0].a = htole32(in.len - 14 - 3);
	expect_slow(bed, a, 1, &in, SLUICE_MISS_ACTION);
}

static void pedit_ip6(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[2] = {
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP6, 24, "ffffffff",
			  "fd001234"),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_TCP, 0, "ffff0000",
			  "1f900000"),
	};
	struct frame in, want;

	fr_eth(&in, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&in, 0, "fc00::1", "fc00::2", 8 + 20);
	fr_bytes(&in, "\x06\x00\x01\x04\x00\x00\x00\x00", 8);
	fr_tcp(&in, 5, 6, 0x02);
	want = in;
	memcpy(want.b + 14 + 24, "\xfd\x00\x12\x34", 4);
	want.b[14 + 48] = 0x1f;
	want.b[14 + 48 + 1] = 0x90;
	expect(bed, a, 2, &in, &want);
}

/* Authentication and first fragment headers are walked over, others not. */
static void pedit_behind_headers(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a = act_pedit(SLUICE_ACT_PEDIT_ADD,
					   SLUICE_HDR_TCP, 0, "ffff0000",
					   "01000000");
	struct frame in, want;

	fr_eth(&in, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&in, 51, "fc00::1", "fc00::2", 12 + 8 + 20);
	fr_bytes(&in, "\x2c\x01\0\0\0\0\0\x01\0\0\0\x02", 12);
	fr_bytes(&in, "\x06\0\0\x01\0\0\0\x09", 8);
	fr_tcp(&in, 0x1234, 6, 0x02);
	want = in;
	want.b[14 + 60] = 0x13;
	expect(bed, &a, 1, &in, &want);
	in.b[14 + 52 + 3] = 0x09;		/* a later fragment */
	expect_slow(bed, &a, 1, &in, SLUICE_MISS_ACTION);
	in.b[14 + 52 + 3] = 0x01;
	in.b[14 + 52] = 50;			/* ESP */
	expect_slow(bed, &a, 1, &in, SLUICE_MISS_ACTION);
	in.len = 14 + 39;
	expect_slow(bed, &a, 1, &in, SLUICE_MISS_ACTION);
	fr_eth(&in, MAC_B, MAC_A, 0x88b5);
	fr_fill(&in, 0, 60);
	expect_slow(bed, &a, 1, &in, SLUICE_MISS_ACTION);
}

/* Linux 7 looks for TCP behind twelve extension headers at most. */
static void pedit_many_headers(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a = act_pedit(SLUICE_ACT_PEDIT_SET,
					   SLUICE_HDR_TCP, 0, "ffff0000",
					   "1f900000");
	struct frame in, want;
	unsigned int n, i;

	for (n = 12; n <= 13; n++) {
		fr_eth(&in, MAC_B, MAC_A, 0x86dd);
		fr_ip6(&in, 60, "fc00::1", "fc00::2", (uint16_t)(8 * n + 20));
		for (i = 1; i < n; i++)
			fr_bytes(&in, "\x3c\x00\x01\x04\x00\x00\x00\x00", 8);
		fr_bytes(&in, "\x06\x00\x01\x04\x00\x00\x00\x00", 8);
		fr_tcp(&in, 5, 6, 0x02);
		want = in;
		want.b[14 + 40 + 8 * n] = 0x1f;
		want.b[14 + 40 + 8 * n + 1] = 0x90;
		if (n == 12)
			expect(bed, &a, 1, &in, &want);
		else
			expect_slow(bed, &a, 1, &in, SLUICE_MISS_ACTION);
	}
}

/* Where the header is not what the edit expects, software shall see to it. */
static void pedit_wrong_header(void **state)
{
	struct bed *bed = *state;
	struct sluice_action ip4 = act_pedit(SLUICE_ACT_PEDIT_SET,
					     SLUICE_HDR_IP4, 8, "ff000000",
					     "07000000");
	struct sluice_action ip6 = act_pedit(SLUICE_ACT_PEDIT_SET,
					     SLUICE_HDR_IP6, 4, "000000ff",
					     "00000007");
	struct sluice_action tcp = act_pedit(SLUICE_ACT_PEDIT_SET,
					     SLUICE_HDR_TCP, 0, "ffff0000",
					     "07000000");
	struct sluice_action udp = act_pedit(SLUICE_ACT_PEDIT_SET,
					     SLUICE_HDR_UDP, 0, "ffff0000",
					     "07000000");
	struct sluice_action far = act_pedit(SLUICE_ACT_PEDIT_SET,
					     SLUICE_HDR_IP4, 76, "ffff0000",
					     "07000000");
	struct frame in, tagged;

	fr_udp4(&in, 1, 2);
	expect_slow(bed, &ip6, 1, &in, SLUICE_MISS_ACTION);
	expect_slow(bed, &tcp, 1, &in, SLUICE_MISS_ACTION);
	expect_slow(bed, &far, 1, &in, SLUICE_MISS_ACTION);
	/* Behind a second tag there is no IP header for Linux. */
	tagged = in;
	fr_vlan(&tagged, 0x8100, 1);
	fr_vlan(&tagged, 0x88a8, 2);
	expect_slow(bed, &ip4, 1, &tagged, SLUICE_MISS_ACTION);
	/* Not the first fragment: no UDP header. */
	in.b[14 + 7] = 1;
	expect_slow(bed, &udp, 1, &in, SLUICE_MISS_ACTION);
	in.b[14 + 6] = 0x20;
	in.b[14 + 7] = 0;
	{
		struct frame want = in;

		want.b[14 + 20] = 7;
		want.b[14 + 21] = 0;
		expect(bed, &udp, 1, &in, &want);
	}
	/* Header cut short. */
	fr_udp4(&in, 1, 2);
	in.len = 14 + 22;
	expect_slow(bed, &udp, 1, &in, SLUICE_MISS_ACTION);
	in.len = 14 + 19;
	expect_slow(bed, &udp, 1, &in, SLUICE_MISS_ACTION);
}

/* Each output is the packet as it is at that place in the program. */
static void outputs_in_order(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[8] = {
		act_out(VF(1)),
		act_out(VF(2)),
		act_push(0x8100, 5),
		act_out(WIRE0),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 0, "ff000000",
			  "06000000"),
		act_out(VF(1)),
		act(SLUICE_ACT_VLAN_POP),
		act_out(VF(0)),		/* back to the sender */
	};
	struct frame in, f;

	fr_udp4(&in, 1, 2);
	bed_any(bed, 0, 1, a, 8);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 5);
	assert_sent(bed, 0, VF(1), &in);
	assert_sent(bed, 1, VF(2), &in);
	f = in;
	fr_vlan(&f, 0x8100, 5);
	assert_sent(bed, 2, WIRE0, &f);
	f.b[0] = 6;
	assert_sent(bed, 3, VF(1), &f);
	f = in;
	f.b[0] = 6;
	assert_sent(bed, 4, VF(0), &f);
	assert_int_equal(bed_packets(bed, 0), 1);
}

/* A table sees what the one before made of the packet, as Linux would. */
static void goto_sees_edits(void **state)
{
	struct bed *bed = *state;
	struct sluice_key mask = { 0 }, key = { 0 };
	struct sluice_action first[4] = {
		act_push(0x8100, 0x0fff),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP4, 12, "ffffffff",
			  "0b000001"),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 12, "ffff0000",
			  "88b50000"),
		act_goto(2),
	};
	struct sluice_action second[2] = {
		act(SLUICE_ACT_VLAN_POP), act_out(VF(2)),
	};
	struct rule r = {
		.id = 1, .table = 2, .mask = 1, .counter = 1, .prio = 1,
		.mask_bits = &mask, .key = &key, .act = second, .num_act = 2,
	};
	struct frame in, want;

	mask.outer_proto = 0xffff;
	mask.n_proto = 0xffff;
	mask.vlan.tci = htobe16(0x0fff);
	mask.num_vlans = 0xff;
	memset(mask.ip_src, 0xff, 4);
	key.outer_proto = htobe16(0x8100);
	/* A rewritten type does not change what Linux takes the frame for. */
	key.n_proto = htobe16(0x0800);
	key.vlan.tci = htobe16(0x0fff);
	key.num_vlans = 1;
	memcpy(key.ip_src, "\x0b\0\0\x01", 4);
	bed_any(bed, 0, 1, first, 4);
	assert_int_equal(bed_mask(bed, 1, &mask), 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	fr_udp4(&in, 1, 2);
	bed_send(bed, VF(0), &in);
	want = in;
	memcpy(want.b + 14 + 12, "\x0b\0\0\x01", 4);
	want.b[12] = 0x88;
	want.b[13] = 0xb5;
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(2), &want);
	assert_int_equal(bed_packets(bed, 0), 1);
	assert_int_equal(bed_packets(bed, 1), 1);
	assert_int_equal(bed_bytes(bed, 0), in.len - 14);
	assert_int_equal(bed_bytes(bed, 1), in.len - 14);
}

/* Whatever comes late on the way, nothing at all has happened. */
static void all_or_nothing(void **state)
{
	static const struct {
		uint8_t op;
		uint8_t reason;
	} end[] = {
		{ SLUICE_ACT_PUNT, SLUICE_MISS_PUNT },
		{ SLUICE_ACT_GOTO, SLUICE_MISS_NO_RULE },	/* empty */
		{ SLUICE_ACT_OUTPUT, SLUICE_MISS_EGRESS },
		{ SLUICE_ACT_PEDIT_SET, SLUICE_MISS_ACTION },
	};
	struct bed *bed = *state;
	struct sluice_action first[4] = {
		act_out(VF(1)), act_push(0x8100, 3), act_out(WIRE0),
		act_goto(2),
	};
	struct sluice_action second[2] = { act_out(VF(2)) };
	struct frame in;
	unsigned int i;

	bed_any(bed, 0, 1, first, 4);
	bed_egress(bed, VF(3), 1);
	fr_udp4(&in, 1, 2);
	for (i = 0; i < 4; i++) {
		uint32_t counter;

		second[1] = act(end[i].op);
		if (end[i].op == SLUICE_ACT_GOTO)
			second[1] = act_goto(9);
		if (end[i].op == SLUICE_ACT_OUTPUT)
			second[1] = act_out(VF(3));
		if (end[i].op == SLUICE_ACT_PEDIT_SET)
			second[1] = act_pedit(SLUICE_ACT_PEDIT_SET,
					      SLUICE_HDR_IP6, 0, "ff000000",
					      "ff000000");
		bed_any(bed, 1, 2, second, 2);
		bed_clear(bed);
		bed_send(bed, VF(0), &in);
		assert_int_equal(bed->num_sent, 1);
		assert_slow(bed, 0, VF(0), end[i].reason, &in);
		assert_int_equal(bed->sent[0].meta.table,
				 end[i].op == SLUICE_ACT_GOTO ? 9 : 2);
		assert_int_equal(bed_packets(bed, 0), 0);
		assert_int_equal(bed_packets(bed, 1), 0);
		assert_int_equal(sluice_esw_rule_del(bed->esw, 1, &counter),
				 0);
	}
	assert_int_equal(le64toh(bed_stats(bed, VF(0)).slow_packets), 4);
	assert_int_equal(le64toh(bed_stats(bed, VF(0)).tx_packets), 4);
	assert_int_equal(le64toh(bed_stats(bed, VF(1)).rx_packets), 0);
	assert_int_equal(le64toh(bed_stats(bed, WIRE0).tx_packets), 0);
	/* With the punt gone the same rules go through. */
	bed_egress(bed, VF(3), 0);
	second[1] = act_out(VF(3));
	bed_any(bed, 1, 2, second, 2);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 4);
	assert_int_equal(bed_packets(bed, 0), 1);
	assert_int_equal(bed_packets(bed, 1), 1);
}

static void to_cpu_commits(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[3] = {
		act_out(VF(1)), act_push(0x8100, 3), act(SLUICE_ACT_TO_CPU),
	};
	struct frame in, want;

	fr_udp4(&in, 1, 2);
	want = in;
	fr_vlan(&want, 0x8100, 3);
	bed_any(bed, 0, 1, a, 3);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 2);
	assert_sent(bed, 0, VF(1), &in);
	assert_slow(bed, 1, VF(0), SLUICE_MISS_TO_CPU, &want);
	assert_int_equal(bed_packets(bed, 0), 1);
	assert_int_equal(le64toh(bed_stats(bed, VF(0)).slow_packets), 1);
}

static void drop_counts(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a = act(SLUICE_ACT_DROP);
	struct sluice_esw_info info;
	struct frame in;

	fr_udp4(&in, 1, 2);
	bed_any(bed, 0, 1, &a, 1);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(bed_packets(bed, 0), 1);
	assert_int_equal(le64toh(bed_stats(bed, VF(0)).tx_dropped_rule), 1);
	assert_int_equal(le64toh(bed_stats(bed, VF(0)).tx_packets), 1);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le64toh(info.lookups), 1);
	assert_int_equal(le64toh(info.hits), 1);
}

static void no_root_table(void **state)
{
	struct bed *bed = *state;
	struct frame in;

	fr_udp4(&in, 1, 2);
	bed_send(bed, VF(1), &in);
	assert_slow(bed, 0, VF(1), SLUICE_MISS_NO_TABLE, &in);
	assert_int_equal(bed->sent[0].meta.table, SLUICE_ID_NONE);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_NO_RULE, &in);
	assert_int_equal(bed->sent[0].meta.table, 1);
}

/* A frame that cannot grow any more is left to software, undamaged. */
static void out_of_room(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[40];
	struct frame in;
	unsigned int i;

	bed_mtu(bed, VF(0), SLUICE_MTU_MAX);
	fr_eth(&in, MAC_B, MAC_A, 0x88b5);
	fr_fill(&in, 0x5a, 9000);
	for (i = 0; i < 39; i++)
		a[i] = act_push(0x8100, (uint16_t)i);
	a[39] = act_out(WIRE0);
	/* 9014 + 39 * 4 = 9170 fits, but is longer than the MTU allows. */
	bed_any(bed, 0, 1, a, 40);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(bed_packets(bed, 0), 1);
	assert_int_equal(le64toh(bed_stats(bed, WIRE0).tx_dropped_mtu), 1);
	{
		struct sluice_action more[2] = { act_goto(1), act_goto(1) };
		uint32_t counter;

		a[39] = act_goto(2);
		assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter),
				 0);
		bed_any(bed, 0, 1, a, 40);
		bed_any(bed, 1, 2, more, 1);
	}
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_RESOURCE, &in);
}

/* More copies than there is room for: none of them leaves. */
static void out_of_arena(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[22];
	struct frame in;
	unsigned int i;

	bed_mtu(bed, VF(0), SLUICE_MTU_MAX);
	fr_eth(&in, MAC_B, MAC_A, 0x88b5);
	fr_fill(&in, 0x5a, 9000);
	for (i = 0; i < 21; i += 3) {
		a[i] = act_push(0x8100, 1);
		a[i + 1] = act_out(VF(1));
		a[i + 2] = act(SLUICE_ACT_VLAN_POP);
	}
	a[21] = act_goto(2);
	bed_any(bed, 0, 1, a, 22);
	a[21] = act_goto(1);
	bed_any(bed, 1, 2, a, 22);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_RESOURCE, &in);
	assert_int_equal(bed_packets(bed, 0), 0);
}

/* A verified checksum stays verified only while nobody edits. */
static void checksum_flag(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[4] = {
		act_push(0x8100, 3),
		act_out(VF(1)),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_UDP, 0, "ffff0000",
			  "00070000"),
		act_out(VF(2)),
	};
	struct frame in;

	fr_udp4(&in, 1, 2);
	bed_any(bed, 0, 1, a, 4);
	sluice_esw_input(bed->esw, VF(0), in.b, in.len, SLUICE_FRAME_L4_OK);
	assert_int_equal(bed->num_sent, 2);
	assert_int_equal(bed->sent[0].flags, SLUICE_FRAME_L4_OK);
	assert_int_equal(bed->sent[1].flags, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mpls, setup, teardown),
		cmocka_unit_test_setup_teardown(host_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(samples, setup, teardown),
		cmocka_unit_test_setup_teardown(pedit_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(vlan_push_pop, setup, teardown),
		cmocka_unit_test_setup_teardown(vlan_set, setup, teardown),
		cmocka_unit_test_setup_teardown(vlan_pop_truncated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(tagged_runt, setup, teardown),
		cmocka_unit_test_setup_teardown(pedit_eth, setup, teardown),
		cmocka_unit_test_setup_teardown(pedit_ip4, setup, teardown),
		cmocka_unit_test_setup_teardown(pedit_ip6, setup, teardown),
		cmocka_unit_test_setup_teardown(pedit_behind_headers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pedit_many_headers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pedit_wrong_header, setup,
						teardown),
		cmocka_unit_test_setup_teardown(outputs_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(goto_sees_edits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(all_or_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(to_cpu_commits, setup,
						teardown),
		cmocka_unit_test_setup_teardown(drop_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(no_root_table, setup,
						teardown),
		cmocka_unit_test_setup_teardown(out_of_room, setup, teardown),
		cmocka_unit_test_setup_teardown(out_of_arena, setup, teardown),
		cmocka_unit_test_setup_teardown(checksum_flag, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
