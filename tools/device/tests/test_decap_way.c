// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way of a frame that comes out of a tunnel: what is before, what is
 * behind, and what is left if it does not get to its end.
 */
#include "tun_bed.h"

#define ROOT	1	/* table of the uplink, where it has one */

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

/* tc on the uplink comes first, as in Linux. */
static void uplink_rules(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_GENEVE, false);
	struct sluice_key mask = { .ip_ttl = 0xff }, key = { .ip_ttl = 9 };
	struct sluice_action a = act_out(VF(2));
	struct rule r = {
		.id = 1, .table = ROOT, .mask = 1, .counter = 1, .prio = 1,
		.mask_bits = &mask, .key = &key, .act = &a, .num_act = 1,
	};
	struct frame inner, f;

	fr_udp4(&inner, 1, 2);
	bed_endpoint(bed, &o);
	bed_root(bed, WIRE0, ROOT);
	tun_to_vf(bed);
	assert_int_equal(bed_mask(bed, 1, &mask), 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	fr_tunnel(&f, &o, &inner);
	tun_expect_inner(bed, &f, &inner);
	o.ttl = 9;
	fr_tunnel(&f, &o, &inner);
	bed_clear(bed);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(2), &f);
	assert_int_equal(bed_bytes(bed, 1), f.len - 14);
	bed_del(bed, 1);
	/* A rule that software must carry out. */
	a = act(SLUICE_ACT_PUNT);
	assert_int_equal(bed_rule(bed, &r), 0);
	tun_expect_slow(bed, &f, SLUICE_MISS_PUNT, ROOT);
	bed_del(bed, 1);
	/* A miss after a hit: software starts again. */
	a = act_goto(9);
	assert_int_equal(bed_rule(bed, &r), 0);
	tun_expect_slow(bed, &f, SLUICE_MISS_NO_RULE, 9);
	assert_int_equal(bed_packets(bed, 1), 1);
}

/* A way that does not end well has not been. */
static void no_trace(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_action a[3] = {
		act_out(VF(1)), act_push(0x8100, 5), act_goto(7),
	};
	struct sluice_esw_info info;
	struct frame inner, f;

	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &o, &inner);
	bed_endpoint(bed, &o);
	tun_expect_slow(bed, &f, SLUICE_MISS_NO_RULE, TUN_TABLE);
	bed_any(bed, 0, TUN_TABLE, a, 3);
	tun_expect_slow(bed, &f, SLUICE_MISS_NO_RULE, 7);
	a[0] = act(SLUICE_ACT_TO_CPU);
	bed_any(bed, 7, 7, a, 1);
	tun_expect_slow(bed, &f, SLUICE_MISS_ACTION, 7);
	assert_int_equal(bed_packets(bed, 0), 0);
	assert_int_equal(bed_packets(bed, 7), 0);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le64toh(info.decapsulated), 0);
	assert_int_equal(le64toh(info.hits), 0);
	assert_int_equal(le64toh(info.lookups), 3);
	bed_del(bed, 7);
	a[0] = act(SLUICE_ACT_DROP);
	bed_any(bed, 7, 7, a, 1);
	bed_clear(bed);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(1), &inner);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le64toh(info.decapsulated), 1);
	assert_int_equal(le64toh(info.hits), 1);
	/* Both count the inner frame as it came out. */
	assert_int_equal(bed_bytes(bed, 0), inner.len - 14);
	assert_int_equal(bed_bytes(bed, 7), inner.len - 14);
	assert_int_equal(le64toh(bed_stats(bed, WIRE0).tx_dropped_rule), 1);
}

/* On with the inner frame: edits, another table, another tunnel. */
static void edits(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	struct outer out = outer_usual(SLUICE_TUNNEL_GENEVE, true);
	struct sluice_key mask = { 0 }, key = { 0 };
	struct sluice_action a[] = {
		act_push(0x8100, 0x123), act_push(0x88a8, 0x456),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 0, "ffffffff",
			  "06070809"),
		act_out(VF(1)), act_goto(3),
	};
	struct sluice_action b[] = {
		act(SLUICE_ACT_VLAN_POP), act(SLUICE_ACT_VLAN_POP),
		act_tunnel(1), act_out(VF(2)),
	};
	struct rule r = {
		.id = 3, .table = 3, .mask = 3, .counter = 3, .prio = 1,
		.mask_bits = &mask, .key = &key, .act = b, .num_act = 4,
	};
	struct frame inner, f, plain, tagged, want;

	fr_udp4(&inner, 1, 2);
	inner.b[15] = 0;
	o.tos = 0x40;
	fr_tunnel(&f, &o, &inner);
	fr_fill(&f, 0xaa, 9);	/* padding is not the packet's */
	bed_endpoint(bed, &o);
	bed_tunnel(bed, 1, WIRE1, &out, SLUICE_ENCAP_F_ECN);
	bed_any(bed, 0, TUN_TABLE, a, 5);
	mask.enc_key_id = 0xffffffff;
	key.enc_key_id = htobe32(o.vni);
	mask.vlan.tci = 0xffff;
	key.vlan.tci = htobe16(0x456);
	mask.cvlan.tci = 0xffff;
	key.cvlan.tci = htobe16(0x123);
	mask.eth_dst[0] = 0xff;
	key.eth_dst[0] = 6;
	assert_int_equal(bed_mask(bed, 3, &mask), 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	plain = inner;
	memcpy(plain.b, "\6\7\10\11", 4);
	tagged = plain;
	fr_vlan(&tagged, 0x8100, 0x123);
	fr_vlan(&tagged, 0x88a8, 0x456);
	bed_clear(bed);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 3);
	assert_sent(bed, 0, VF(1), &tagged);
	/* The flow is that of the outer frame. */
	out.sport = tun_sport(bed, &f);
	fr_tunnel(&want, &out, &plain);
	assert_sent(bed, 1, WIRE1, &want);
	assert_sent(bed, 2, VF(2), &plain);
	assert_int_equal(bed_bytes(bed, 0), inner.len - 14);
	assert_int_equal(bed_bytes(bed, 3), inner.len - 14);
}

/* An endpoint behind a rule: OVS's internal port. */
static void local(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false), tagged;
	struct sluice_cmd_endpoint ep =
		tun_endpoint(1, SLUICE_VPORT_NONE, TUN_TABLE, &o);
	struct sluice_action a[3] = { act(SLUICE_ACT_VLAN_POP),
				      act(SLUICE_ACT_DECAP_LOCAL) };
	struct frame inner, f;
	unsigned int i;

	ep.group = htole32(77);
	bed_endpoint_set(bed, &ep);
	tun_to_vf(bed);
	bed_root(bed, WIRE0, ROOT);
	tagged = o;
	tagged.tpid = 0x8100;
	tagged.tci = 100;
	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &tagged, &inner);
	/* Not by itself. */
	tun_expect_slow(bed, &f, SLUICE_MISS_NO_RULE, ROOT);
	a[1].a = htole32(77);
	bed_any(bed, 1, ROOT, a, 2);
	tun_expect_inner(bed, &f, &inner);
	assert_int_equal(bed_packets(bed, 1), 1);
	assert_int_equal(bed_bytes(bed, 1), f.len - 18);
	assert_int_equal(bed_bytes(bed, 0), inner.len - 14);
	/* Another group, another address. */
	bed_del(bed, 1);
	a[1].a = htole32(76);
	bed_any(bed, 1, ROOT, a, 2);
	tun_expect_slow(bed, &f, SLUICE_MISS_PUNT, ROOT);
	bed_del(bed, 1);
	a[1].a = htole32(77);
	bed_any(bed, 1, ROOT, a, 2);
	tagged.dst_mac = MAC_C;
	fr_tunnel(&f, &tagged, &inner);
	tun_expect_slow(bed, &f, SLUICE_MISS_PUNT, ROOT);
	/* A frame it cannot take out. */
	tagged.dst_mac = MAC_P0;
	tagged.head = 0;
	fr_tunnel(&f, &tagged, &inner);
	tun_expect_slow(bed, &f, SLUICE_MISS_DECAP, ROOT);
	/* An edited packet, in the device's own copy; edited again. */
	bed_del(bed, 1);
	tagged.head = o.head;
	fr_tunnel(&f, &tagged, &inner);
	a[2] = a[1];
	a[1] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP4, 4, "00000000",
			 "00000000");
	bed_any(bed, 1, ROOT, a, 3);
	tun_expect_inner(bed, &f, &inner);
	bed_del(bed, 0);
	bed_any(bed, 0, TUN_TABLE, (struct sluice_action[]){
		act_push(0x8100, 1), act_push(0x8100, 2),
		act_goto(5) }, 3);
	bed_any(bed, 5, 5, (struct sluice_action[]){
		act(SLUICE_ACT_VLAN_POP), act(SLUICE_ACT_VLAN_POP),
		act_out(VF(1)) }, 3);
	tun_expect_inner(bed, &f, &inner);
	assert_int_equal(bed_bytes(bed, 5), inner.len - 14);
	/* A tunnel in a tunnel is software's. */
	bed_del(bed, 5);
	bed_any(bed, 5, 5, a + 2, 1);
	tun_expect_slow(bed, &f, SLUICE_MISS_ACTION, 5);
	/* As many gotos as before. */
	bed_del(bed, 1);
	for (i = 1; i < 17; i++) {
		struct sluice_action go = act_goto(20 + i);

		bed_any(bed, 20 + i, i == 1 ? ROOT : 19 + i, &go, 1);
	}
	bed_any(bed, 40, 36, a + 2, 1);
	tun_expect_slow(bed, &f, SLUICE_MISS_HOPS, 36);
}

/* Tables with many masks have a cache; it tells tunnels apart. */
static void cached(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	struct frame inner, f;
	unsigned int i, pass;

	fr_udp4(&inner, 1, 2);
	bed_endpoint(bed, &o);
	/* The same table for frames in and out of the tunnel. */
	bed_root(bed, WIRE1, TUN_TABLE);
	for (i = 0; i < 8; i++) {
		struct sluice_key mask = { .enc_type = 0xff }, key = { 0 };
		struct sluice_action a = act_out(VF(i % 4));
		struct rule r = {
			.id = i, .table = TUN_TABLE, .mask = i, .counter = i,
			.prio = i < 6 ? 1 : 2, .mask_bits = &mask, .key = &key,
			.act = &a, .num_act = 1,
		};

		mask.enc_key_id = htobe32(1u << i);
		if (i < 6) {
			mask.enc_opts[i] = 0xff;
			key.enc_opts[i] = 1;
		}
		key.enc_type = i == 7 ? 0 : SLUICE_TUNNEL_VXLAN;
		assert_int_equal(bed_mask(bed, i, &mask), 0);
		assert_int_equal(bed_rule(bed, &r), 0);
	}
	o.vni = 1u << 7;
	fr_tunnel(&f, &o, &inner);
	for (pass = 0; pass < 3; pass++) {
		bed_clear(bed);
		bed_send(bed, WIRE0, &f);
		bed_send(bed, WIRE1, &inner);
		assert_int_equal(bed->num_sent, 2);
		assert_sent(bed, 0, VF(2), &inner);
		assert_sent(bed, 1, VF(3), &inner);
	}
}

/* What the NIC has verified is not summed again. */
static void verified(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	struct frame inner, f;

	o.csum = true;
	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &o, &inner);
	f.b[41] ^= 1;
	bed_endpoint(bed, &o);
	tun_to_vf(bed);
	tun_expect_slow(bed, &f, SLUICE_MISS_DECAP, SLUICE_ID_NONE);
	bed_clear(bed);
	sluice_esw_input(bed->esw, WIRE0, f.b, f.len, SLUICE_FRAME_L4_OK);
	assert_sent(bed, 0, VF(1), &inner);
	/* That is not known of the inner frame. */
	assert_int_equal(bed->sent[0].flags, 0);
}

/* A tunnel in a tunnel is not taken apart by itself. */
static void nested(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	struct outer o2 = outer_incoming(SLUICE_TUNNEL_GENEVE, false);
	struct sluice_cmd_endpoint ep = tun_endpoint(2, WIRE0, 3, &o2);
	struct sluice_action a = act_out(VF(1));
	struct frame inner, middle, f;

	fr_udp4(&inner, 1, 2);
	fr_tunnel(&middle, &o2, &inner);
	fr_tunnel(&f, &o, &middle);
	bed_endpoint(bed, &o);
	bed_endpoint_set(bed, &ep);
	bed_any(bed, 3, 3, &a, 1);
	tun_expect_inner(bed, &middle, &inner);
	tun_expect_slow(bed, &f, SLUICE_MISS_NO_RULE, TUN_TABLE);
	tun_to_vf(bed);
	tun_expect_inner(bed, &f, &middle);
}

/* The host gets the inner frame, and what it knows of the tunnel it was not told. */
static void for_host(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_action a[3] = {
		act(SLUICE_ACT_HOST), act_push(0x8100, 5), act_out(VF(1)),
	};
	struct frame inner, tagged, f;

	a[0].a = htole32(7);
	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &o, &inner);
	tagged = inner;
	fr_vlan(&tagged, 0x8100, 5);
	bed_endpoint(bed, &o);
	bed_any(bed, 0, TUN_TABLE, a, 3);
	bed_clear(bed);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 2);
	assert_slow(bed, 0, WIRE0, SLUICE_MISS_HOST, &inner);
	assert_int_equal(bed->sent[0].meta.table, 7);
	assert_sent(bed, 1, VF(1), &tagged);
	assert_int_equal(bed_bytes(bed, 0), inner.len - 14);
	bed_del(bed, 0);
	/* psample would tell of the tunnel. */
	a[0] = act(SLUICE_ACT_SAMPLE);
	a[0].b[0] = 1;
	bed_any(bed, 0, TUN_TABLE, a, 3);
	tun_expect_slow(bed, &f, SLUICE_MISS_ACTION, TUN_TABLE);
	assert_int_equal(bed_packets(bed, 0), 1);
}

/* Copies before and between are of what the packet was then. */
static void copies(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_GRE, true);
	struct sluice_cmd_endpoint ep =
		tun_endpoint(1, SLUICE_VPORT_NONE, TUN_TABLE, &o);
	struct sluice_action a[] = {
		act_out(VF(2)),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP6, 4, "000000ff",
			  "00000011"),
		act_out(VF(3)), act(SLUICE_ACT_DECAP_LOCAL),
	};
	struct sluice_action b[] = {
		act_out(VF(0)),
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 16, "ff000000",
			  "99000000"),
		act_out(VF(1)),
	};
	struct frame inner, changed, f, g;
	unsigned int i;

	fr_eth(&inner, MAC_B, MAC_A, 0x1234);
	fr_fill(&inner, 0x44, 50);
	changed = inner;
	changed.b[16] = 0x99;
	fr_tunnel(&f, &o, &inner);
	g = f;
	g.b[14 + 7] = 0x11;
	bed_endpoint_set(bed, &ep);
	bed_root(bed, WIRE0, ROOT);
	bed_any(bed, 2, TUN_TABLE, b, 3);
	/* With an edit before, the device has its own copy already. */
	for (i = 0; i < 2; i++) {
		bed_any(bed, 1, ROOT, a + 2 * i, 4 - 2 * i);
		bed_clear(bed);
		bed_send(bed, WIRE0, &f);
		assert_int_equal(bed->num_sent, i ? 3 : 4);
		if (!i)
			assert_sent(bed, 0, VF(2), &f);
		assert_sent(bed, i ? 0 : 1, VF(3), i ? &f : &g);
		assert_sent(bed, i ? 1 : 2, VF(0), &inner);
		assert_sent(bed, i ? 2 : 3, VF(1), &changed);
		bed_del(bed, 1);
	}
}

/*
 * Frames with the same headers, in and out of a tunnel, in one table with a
 * cache: so many that some fall in one place of it.
 */
static void cache_places(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	struct frame inner, f;
	unsigned int i;

	fr_udp4(&inner, 1, 2);
	bed_endpoint(bed, &o);
	bed_root(bed, WIRE0, TUN_TABLE);
	for (i = 0; i < 6; i++) {
		struct sluice_key mask = { .enc_type = 0xff }, key = { 0 };
		struct sluice_action a = act_out(VF(i % 4));
		struct rule r = {
			.id = i, .table = TUN_TABLE, .mask = i, .counter = i,
			.prio = 6 - i, .mask_bits = &mask, .key = &key,
			.act = &a, .num_act = 1,
		};

		/* The outer frame has none of them. */
		mask.l4_src = 0xffff;
		key.l4_src = htobe16(1);
		mask.eth_dst[i] = 0xff;
		key.eth_dst[i] = inner.b[i];
		key.enc_type = i == 2 ? SLUICE_TUNNEL_VXLAN : 0;
		if (i != 2 && i != 3)
			key.l4_src = htobe16(77);
		assert_int_equal(bed_mask(bed, i, &mask), 0);
		assert_int_equal(bed_rule(bed, &r), 0);
	}
	for (i = 0; i < 30000; i++) {
		o.vni = i;
		fr_tunnel(&f, &o, &inner);
		bed_clear(bed);
		bed_send(bed, WIRE0, &f);
		bed_send(bed, WIRE0, &inner);
		assert_int_equal(bed->num_sent, 2);
		assert_sent(bed, 0, VF(2), &inner);
		assert_sent(bed, 1, VF(3), &inner);
	}
}

static uint32_t roll(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/*
 * Damaged frames: they come out whole by the slow path, or something that was
 * in them comes out at the VF, in a tunnel again or dropped for its length.
 */
static void garbage(void **state)
{
	struct bed *bed = *state;
	struct outer o[6], out = outer_usual(SLUICE_TUNNEL_VXLAN, true);
	struct sluice_action a[2] = { act_out(VF(1)), act_tunnel(1) };
	struct sluice_key mask = { .enc_opts = { 0xff }, .enc_ip = 0xff };
	struct rule r = {
		.id = 1, .table = TUN_TABLE, .mask = 1, .counter = 1,
		.prio = 1, .mask_bits = &mask, .key = &mask, .act = a,
		.num_act = 2,
	};
	uint32_t seed = 1, i, inside = 0;
	struct frame inner, f;

	out.csum = true;
	bed_tunnel(bed, 1, WIRE1, &out, SLUICE_ENCAP_F_ECN);
	bed_any(bed, 0, TUN_TABLE, a, 2);
	assert_int_equal(bed_mask(bed, 1, &mask), 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	for (i = 0; i < 6; i++) {
		struct sluice_cmd_endpoint ep;

		o[i] = outer_incoming((uint8_t)(i % 3 + 1), i > 2);
		ep = tun_endpoint(i, WIRE0, TUN_TABLE, &o[i]);
		ep.flags = htole16(SLUICE_ENDPOINT_F_ZERO_CSUM6 |
				   SLUICE_ENDPOINT_F_DF);
		bed_endpoint_set(bed, &ep);
	}
	for (i = 0; i < 60000; i++) {
		struct outer *t = &o[i % 6];
		uint32_t n = roll(&seed) % 4, len;

		fr_udp4(&inner, 1, 2);
		if (roll(&seed) & 1)
			fr_vlan(&inner, 0x8100, (uint16_t)roll(&seed));
		inner.len = 14 + roll(&seed) % (inner.len - 13);
		t->tos = (uint8_t)roll(&seed);
		t->num_opts = t->type == SLUICE_TUNNEL_GENEVE ?
			      roll(&seed) % 18 * 4 : 0;
		fr_tunnel(&f, t, &inner);
		while (n--)
			f.b[roll(&seed) % f.len] = (uint8_t)roll(&seed);
		len = f.len;
		if (!(roll(&seed) & 3))
			f.len -= roll(&seed) % (f.len - 13);
		/* So that it is the tunnel that looks, not the checksum. */
		if (f.len > outer_l4(t))
			fr_fix_ip(&f, t);
		bed_clear(bed);
		bed_send(bed, WIRE0, &f);
		if (bed->num_sent == 1) {
			assert_true(bed->sent[0].slow);
			assert_int_equal(bed->sent[0].len, f.len);
			assert_memory_equal(bed->sent[0].b, f.b, f.len);
			continue;
		}
		assert_int_equal(bed->num_sent, 2);
		assert_true(bed->sent[0].len < len);
		assert_int_equal(bed->sent[1].len, bed->sent[0].len + 70);
		assert_memory_equal(bed->sent[1].b + 70, bed->sent[0].b,
				    bed->sent[0].len);
		inside++;
	}
	assert_in_range(inside, 5000, 50000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(uplink_rules), T(no_trace), T(edits), T(local), T(cached),
		T(verified), T(nested), T(for_host), T(copies),
		T(cache_places), T(garbage),
	};

	return cmocka_run_group_tests_name("decap_way", tests, NULL, NULL);
}
