// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames out of tunnels, and those that stay in.
 */
#include <arpa/inet.h>
#include "tun_bed.h"

#define ROOT	1	/* table of the uplink, where it has one */
#define TUN	2	/* table of the endpoint */

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

/* Seen from here a frame comes to us. */
static struct outer incoming(uint8_t type, bool v6)
{
	struct outer o = outer_usual(type, v6);
	const char *s = o.src;

	o.src = o.dst;
	o.dst = s;
	o.dst_mac = MAC_P0;
	o.src_mac = MAC_NH;
	return o;
}

static void endpoint(struct bed *bed, const struct sluice_cmd_endpoint *cmd)
{
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, cmd), SLUICE_ST_OK);
}

static void endpoint_usual(struct bed *bed, const struct outer *o)
{
	struct sluice_cmd_endpoint cmd = tun_endpoint(1, WIRE0, TUN, o);

	endpoint(bed, &cmd);
}

static void to_vf(struct bed *bed)
{
	struct sluice_action a = act_out(VF(1));

	bed_any(bed, 0, TUN, &a, 1);
}

static void del(struct bed *bed, uint32_t rule)
{
	uint32_t counter;

	assert_int_equal(sluice_esw_rule_del(bed->esw, rule, &counter), 0);
}

static void expect_slow(struct bed *bed, const struct frame *f, uint8_t reason,
			uint32_t table)
{
	bed_clear(bed);
	bed_send(bed, WIRE0, f);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, WIRE0, reason, f);
	assert_int_equal(bed->sent[0].meta.table, table);
	assert_int_equal(bed->sent[0].meta.hash.value,
			 bed->hash ^ f->b[0] ^ f->len);
}

static void expect_inner(struct bed *bed, const struct frame *f,
			 const struct frame *inner)
{
	bed_clear(bed);
	bed_send(bed, WIRE0, f);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(1), inner);
	assert_int_equal(bed->sent[0].flags, 0);
}

/* Key of a frame, its inner part left out. */
static struct sluice_key enc_key(const struct outer *o)
{
	struct sluice_key k = {
		.enc_key_id = htobe32(o->vni),
		.enc_tos = o->tos,
		.enc_ttl = o->ttl,
		.enc_type = o->type,
		.enc_ip = o->v6 ? 6 : 4,
		.in_vport = htole16(WIRE0),
	};

	inet_pton(o->v6 ? AF_INET6 : AF_INET, o->src, k.enc_src);
	inet_pton(o->v6 ? AF_INET6 : AF_INET, o->dst, k.enc_dst);
	if (o->type != SLUICE_TUNNEL_GRE) {
		k.enc_l4_src = htobe16(o->sport);
		k.enc_l4_dst = htobe16(o->dport);
		if (o->csum)
			k.enc_flags = SLUICE_ENC_F_CSUM;
	}
	return k;
}

/*
 * The frame has exactly this key: every bit of the enc part is looked at, and
 * the source vport.
 */
static void expect_key(struct bed *bed, const struct frame *f,
		       const struct frame *inner, const struct sluice_key *key)
{
	struct sluice_key mask = { .in_vport = 0xffff };
	struct sluice_action a = act_out(VF(1));
	struct rule r = {
		.id = 3, .table = TUN, .mask = 3, .counter = 3, .prio = 1,
		.mask_bits = &mask, .key = key, .act = &a, .num_act = 1,
	};

	memset(mask.enc_src, 0xff, 16);
	memset(mask.enc_dst, 0xff, 16);
	memset(mask.enc_opts, 0xff, sizeof(mask.enc_opts));
	mask.enc_key_id = 0xffffffff;
	mask.enc_l4_src = 0xffff;
	mask.enc_l4_dst = 0xffff;
	mask.enc_tos = 0xff;
	mask.enc_ttl = 0xff;
	mask.enc_flags = 0xff;
	mask.enc_opts_len = 0xff;
	mask.enc_type = 0xff;
	mask.enc_ip = 0xff;
	assert_int_equal(bed_mask(bed, 3, &mask), SLUICE_ST_OK);
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
	expect_inner(bed, f, inner);
	del(bed, 3);
	assert_int_equal(sluice_esw_mask_del(bed->esw, 3), SLUICE_ST_OK);
}

/* Each type, version, checksum and tag; what is inside comes out. */
static void variants(void **state)
{
	struct bed *bed = *state;
	unsigned int type, v, i;
	struct frame inner[3], f;

	bed_mtu(bed, VF(1), 9000);
	fr_udp4(&inner[0], 1, 2);
	fr_eth(&inner[1], MAC_BC, MAC_A, 0x1234);
	fr_eth(&inner[2], MAC_B, MAC_A, 0x86dd);
	fr_ip6(&inner[2], 59, "fe80::1", "fe80::2", 8000);
	fr_fill(&inner[2], 0xee, 8001);
	fr_vlan(&inner[2], 0x8100, 0x234);
	for (type = SLUICE_TUNNEL_VXLAN; type <= SLUICE_TUNNEL_GRE; type++) {
		for (v = 0; v < 16; v++) {
			struct outer o = incoming((uint8_t)type, v & 1);
			uint64_t bytes = bed_bytes(bed, 3);
			struct sluice_key key;

			o.csum = v & 2 || (o.v6 && type != SLUICE_TUNNEL_GRE);
			if (v & 4) {
				o.tpid = 0x88a8;
				o.tci = 0xb002;
			}
			if (v & 8) {
				o.key = false;
				o.vni = type == SLUICE_TUNNEL_GRE ? 0 : 1;
			}
			o.tos = (uint8_t)(v << 4);
			o.ttl = (uint8_t)(v + 1);
			o.label = v & 1 ? 0xabcde : 0;
			endpoint_usual(bed, &o);
			key = enc_key(&o);
			for (i = 0; i < 3; i++) {
				fr_tunnel(&f, &o, &inner[i]);
				expect_key(bed, &f, &inner[i], &key);
			}
			/* As the tunnel device would have counted them. */
			assert_int_equal(bed_bytes(bed, 3) - bytes,
					 inner[0].len + inner[1].len +
					 inner[2].len - 3 * 14 - 4);
		}
	}
	assert_int_equal(bed_packets(bed, 3), 3 * 16 * 3);
}

static void key_details(void **state)
{
	struct bed *bed = *state;
	struct outer o = incoming(SLUICE_TUNNEL_GENEVE, false);
	struct sluice_cmd_endpoint ep;
	struct sluice_key key;
	struct frame inner, f;
	unsigned int i;

	fr_udp4(&inner, 1, 2);
	/* GENEVE: reserved bits are not looked at, options are. */
	for (i = 0; i <= 64; i += 4) {
		o.num_opts = i;
		o.head = i & 4 ? 0x80 : 0x40;
		memset(o.opts, (int)i, sizeof(o.opts));
		endpoint_usual(bed, &o);
		key = enc_key(&o);
		key.enc_opts_len = (uint8_t)i;
		memset(key.enc_opts, (int)i, i);
		key.enc_flags = i & 4 ? SLUICE_ENC_F_OAM : SLUICE_ENC_F_CRIT;
		fr_tunnel(&f, &o, &inner);
		f.b[43] |= 0x3f;
		f.b[49] = 0xff;
		expect_key(bed, &f, &inner, &key);
	}
	/* Don't fragment, where the endpoint tells. */
	o = incoming(SLUICE_TUNNEL_GRE, false);
	ep = tun_endpoint(1, WIRE0, TUN, &o);
	ep.flags = htole16(SLUICE_ENDPOINT_F_DF);
	endpoint(bed, &ep);
	fr_tunnel(&f, &o, &inner);
	key = enc_key(&o);
	key.enc_flags = SLUICE_ENC_F_DF;
	expect_key(bed, &f, &inner, &key);
	o.frag = 0;
	fr_tunnel(&f, &o, &inner);
	key.enc_flags = 0;
	expect_key(bed, &f, &inner, &key);
	/* Group policy: policy id, don't learn, applied. */
	o = incoming(SLUICE_TUNNEL_VXLAN, false);
	ep = tun_endpoint(1, WIRE0, TUN, &o);
	ep.flags = htole16(SLUICE_ENDPOINT_F_GBP);
	memset(ep.zero_bits, 0, 8);
	endpoint(bed, &ep);
	for (i = 0; i < 4; i++) {
		uint32_t gbp = 0x9876 | (i & 1 ? SLUICE_GBP_DONT_LEARN : 0) |
			       (i & 2 ? SLUICE_GBP_APPLIED : 0);

		o.head = 0x88009876 | (i & 1 ? 0x400000 : 0) |
			 (i & 2 ? 0x080000 : 0);
		fr_tunnel(&f, &o, &inner);
		key = enc_key(&o);
		key.enc_opts_len = 4;
		gbp = htole32(gbp);
		memcpy(key.enc_opts, &gbp, 4);
		expect_key(bed, &f, &inner, &key);
	}
	/* Without its bit there is no policy. */
	o.head = 0x08409876;
	fr_tunnel(&f, &o, &inner);
	key = enc_key(&o);
	expect_key(bed, &f, &inner, &key);
}

/* What the device does not take out, each with a frame it would have. */
static void refused(void **state)
{
	struct bed *bed = *state;
	struct outer good, o;
	struct sluice_cmd_endpoint ep;
	struct frame inner, f;
	unsigned int v6;
	uint32_t ip, l4, n;

	fr_udp4(&inner, 1, 2);
	to_vf(bed);
	bed_root(bed, WIRE0, ROOT);
#define REFUSED() expect_slow(bed, &f, SLUICE_MISS_DECAP, ROOT)
#define START(type) do { \
	good = incoming(type, v6); \
	good.csum = true; \
	o = good; \
	ip = outer_ip(&o); \
	l4 = outer_l4(&o); \
	ep = tun_endpoint(1, WIRE0, TUN, &o); \
	endpoint(bed, &ep); \
	fr_tunnel(&f, &o, &inner); \
	expect_inner(bed, &f, &inner); \
} while (0)
	for (v6 = 0; v6 < 2; v6++) {
		static const char *const bad_src[2][5] = {
			{ "127.0.0.1", "224.0.0.1", "255.255.255.255",
			  "0.1.2.3", "192.0.2.1" },
			{ "::1", "ff02::1", "::", "::ffff:1.2.3.4",
			  "2001:db8::1" },
		};

		START(SLUICE_TUNNEL_VXLAN);
		/* IP: longer than the frame, no length, wrong checksum. */
		f.len--;
		REFUSED();
		f.len++;
		f.b[v6 ? ip + 5 : ip + 3]++;
		fr_fix_ip(&f, &o);
		REFUSED();
		fr_tunnel(&f, &o, &inner);
		if (v6) {
			f.b[ip + 4] = 0;
			f.b[ip + 5] = 0;
		} else {
			f.b[ip + 8]--;
		}
		REFUSED();
		if (!v6) {
			fr_tunnel(&f, &o, &inner);
			f.b[ip + 2] = 0;
			f.b[ip + 3] = 19;
			fr_fix_ip(&f, &o);
			REFUSED();
		}
		for (n = 0; n < 5; n++) {
			o.src = bad_src[v6][n];
			fr_tunnel(&f, &o, &inner);
			REFUSED();
		}
		o = good;
		/* UDP: another length than IP, wrong checksum. */
		fr_tunnel(&f, &o, &inner);
		f.b[l4 + 5]--;
		fr_fix_udp(&f, &o);
		REFUSED();
		fr_tunnel(&f, &o, &inner);
		f.b[l4 + 7] ^= 1;
		REFUSED();
		f.b[l4 + 7] ^= 1;
		f.b[f.len - 1] ^= 1;
		REFUSED();
		/* None is fine in IPv4; in IPv6 if the socket says so. */
		o.csum = false;
		fr_tunnel(&f, &o, &inner);
		if (v6) {
			REFUSED();
			ep.flags = htole16(SLUICE_ENDPOINT_F_ZERO_CSUM6);
			endpoint(bed, &ep);
		}
		expect_inner(bed, &f, &inner);
		/* VXLAN: no VNI, reserved bits. */
		o.head = 0;
		fr_tunnel(&f, &o, &inner);
		REFUSED();
		o.head = 0x08000001;
		fr_tunnel(&f, &o, &inner);
		REFUSED();
		o.head = 0x88000000;
		fr_tunnel(&f, &o, &inner);
		REFUSED();
		o.head = 0x08000000;
		fr_tunnel(&f, &o, &inner);
		f.b[l4 + 15] = 1;
		REFUSED();
		ep.zero_bits[7] = 0;
		endpoint(bed, &ep);
		expect_inner(bed, &f, &inner);
		/* Headers cut off. */
		for (n = 0; n < 16 + 14; n++) {
			struct frame cut = { .len = n < 16 ? 0 : n - 16 };

			fr_tunnel(&f, &o, &cut);
			if (n < 16) {
				f.len -= 16 - n;
				f.b[l4 + 5] = (uint8_t)n;
				f.b[v6 ? ip + 5 : ip + 3] = (uint8_t)
					(v6 ? n : n + 20);
				fr_fix_ip(&f, &o);
			}
			/* Not even ports: nobody's. */
			expect_slow(bed, &f, n < 4 ? SLUICE_MISS_NO_RULE :
				    SLUICE_MISS_DECAP, ROOT);
		}

		START(SLUICE_TUNNEL_GENEVE);
		f.b[l4 + 8] |= 0x40;	/* version */
		fr_fix_udp(&f, &o);
		REFUSED();
		fr_tunnel(&f, &o, &inner);
		f.b[l4 + 10] = 0x08;	/* an IP packet */
		f.b[l4 + 11] = 0;
		fr_fix_udp(&f, &o);
		REFUSED();
		o.num_opts = 68;	/* more than fit the key */
		fr_tunnel(&f, &o, &inner);
		REFUSED();
		o.num_opts = 64;
		fr_tunnel(&f, &o, &inner);
		expect_inner(bed, &f, &inner);
		f.b[l4 + 8] = 63;	/* more than there are */
		fr_fix_udp(&f, &o);
		REFUSED();
		f.b[l4 + 8] = 16;
		f.len = l4 + 16 + 60;
		f.b[l4 + 5] = 76;
		f.b[l4 + 4] = 0;
		f.b[v6 ? ip + 5 : ip + 3] = (uint8_t)(v6 ? 76 : 96);
		f.b[v6 ? ip + 4 : ip + 2] = 0;
		fr_fix_ip(&f, &o);
		fr_fix_udp(&f, &o);
		REFUSED();

		START(SLUICE_TUNNEL_GRE);
		for (n = 0; n < 16; n++) {
			/* Any flag but the key's, any version. */
			o.head = n == 13 ? 0 : 1u << n;
			fr_tunnel(&f, &o, &inner);
			if (n != 13)
				REFUSED();
			else
				expect_inner(bed, &f, &inner);
		}
		o.head = 0;
		fr_tunnel(&f, &o, &inner);
		f.b[l4 + 2] = 0x88;	/* ERSPAN */
		f.b[l4 + 3] = 0xbe;
		REFUSED();
		for (n = 4; n < 8 + 14; n++) {
			struct frame cut = { .len = n < 8 ? 0 : n - 8 };

			fr_tunnel(&f, &o, &cut);
			if (n < 8) {
				f.len -= 8 - n;
				f.b[v6 ? ip + 5 : ip + 3] = (uint8_t)
					(v6 ? n : n + 20);
				fr_fix_ip(&f, &o);
			}
			REFUSED();
		}
	}
	assert_int_equal(bed_packets(bed, 0), 2 * 3 + 2 + 2 + 2 + 2);
#undef START
}

static void refused_inner(void **state)
{
	struct bed *bed = *state;
	struct outer o = incoming(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_cmd_endpoint ep = tun_endpoint(1, WIRE0, TUN, &o);
	struct frame inner, f;

	bed_root(bed, WIRE0, ROOT);
	to_vf(bed);
	/* A loop: it comes from the tunnel device itself. */
	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &o, &inner);
	mac_parse(ep.own_mac, MAC_A);
	endpoint(bed, &ep);
	REFUSED();
	mac_parse(ep.own_mac, MAC_C);
	endpoint(bed, &ep);
	expect_inner(bed, &f, &inner);
	/* Half a tag, half an IP header. */
	fr_eth(&inner, MAC_B, MAC_A, 0x8100);
	fr_fill(&inner, 0, 5);
	fr_tunnel(&f, &o, &inner);
	REFUSED();
	fr_fill(&inner, 0, 1);
	fr_tunnel(&f, &o, &inner);
	expect_inner(bed, &f, &inner);
	fr_udp4(&inner, 1, 2);
	inner.len = 33;
	fr_tunnel(&f, &o, &inner);
	REFUSED();
	inner.len = 34;
	fr_tunnel(&f, &o, &inner);
	expect_inner(bed, &f, &inner);
	fr_eth(&inner, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&inner, 59, "fe80::1", "fe80::2", 0);
	inner.len = 53;
	fr_tunnel(&f, &o, &inner);
	REFUSED();
	inner.len = 54;
	fr_tunnel(&f, &o, &inner);
	expect_inner(bed, &f, &inner);
}

/* RFC 6040, where nothing changes and nothing is logged. */
static void ecn(void **state)
{
	/* [outer][inner] */
	static const bool fine[4][4] = {
		{ true, true, true, true },
		{ false, true, false, true },
		{ false, true, true, true },
		{ false, false, false, true },
	};
	struct bed *bed = *state;
	unsigned int v, in, out;

	bed_root(bed, WIRE0, ROOT);
	to_vf(bed);
	for (v = 0; v < 8; v++) {
		struct outer o = incoming(SLUICE_TUNNEL_GRE, v & 1);

		endpoint_usual(bed, &o);
		for (in = 0; in < 4; in++) {
			for (out = 0; out < 4; out++) {
				bool ok = fine[out][in];
				struct frame inner, f;

				if (v & 2) {
					fr_eth(&inner, MAC_B, MAC_A, 0x86dd);
					fr_ip6(&inner, 59, "fe80::1",
					       "fe80::2", 0);
					inner.b[14] = 0x6f;
					inner.b[15] = (uint8_t)(in << 4 | 0xcf);
				} else {
					fr_udp4(&inner, 1, 2);
					inner.b[15] = (uint8_t)(in | 0xfc);
				}
				if (v & 4) {
					fr_vlan(&inner, 0x8100, 0x3ff);
					ok = !out;
				}
				o.tos = (uint8_t)(0xb8 | out);
				fr_tunnel(&f, &o, &inner);
				if (ok)
					expect_inner(bed, &f, &inner);
				else
					REFUSED();
				if (in)
					continue;
				/* Not IP: it does not matter. */
				fr_eth(&inner, MAC_BC, MAC_A, 0x0806);
				fr_fill(&inner, 0xff, 28);
				fr_tunnel(&f, &o, &inner);
				expect_inner(bed, &f, &inner);
			}
		}
	}
}
#undef REFUSED

/* Frames that are no endpoint's take their usual way. */
static void not_ours(void **state)
{
	struct bed *bed = *state;
	struct outer good = incoming(SLUICE_TUNNEL_VXLAN, false), o;
	struct frame inner, f;
	unsigned int i;

	good.tpid = 0x8100;
	good.tci = 0x064;
	endpoint_usual(bed, &good);
	to_vf(bed);
	fr_udp4(&inner, 1, 2);
	for (i = 0; i < 2; i++) {
		uint8_t reason = i ? SLUICE_MISS_NO_RULE : SLUICE_MISS_NO_TABLE;
		uint32_t table = i ? ROOT : SLUICE_ID_NONE;

		if (i)
			bed_root(bed, WIRE0, ROOT);
#define CHANGED(field, value) do { \
	o = good; \
	o.field = value; \
	fr_tunnel(&f, &o, &inner); \
	expect_slow(bed, &f, reason, table); \
} while (0)
		CHANGED(dst_mac, MAC_C);
		CHANGED(dst_mac, MAC_BC);
		CHANGED(tpid, 0);
		CHANGED(tpid, 0x88a8);
		CHANGED(tci, 0x065);
		CHANGED(dst, "192.0.2.2");
		CHANGED(dport, 4790);
		CHANGED(type, SLUICE_TUNNEL_GRE);
		CHANGED(frag, 0x2000);
		CHANGED(frag, 0x0001);
		o = incoming(SLUICE_TUNNEL_VXLAN, true);
		o.tpid = good.tpid;
		o.tci = good.tci;
		fr_tunnel(&f, &o, &inner);
		expect_slow(bed, &f, reason, table);
		/* IP options. */
		fr_tunnel(&f, &good, &inner);
		f.b[18] = 0x46;
		fr_fix_ip(&f, &good);
		expect_slow(bed, &f, reason, table);
		/* Two tags. */
		fr_tunnel(&f, &good, &inner);
		fr_vlan(&f, 0x8100, 0x064);
		expect_slow(bed, &f, reason, table);
		/* The other uplink. */
		bed_clear(bed);
		fr_tunnel(&f, &good, &inner);
		bed_send(bed, WIRE1, &f);
		assert_slow(bed, 0, WIRE1, SLUICE_MISS_NO_TABLE, &f);
		/* Priority bits don't matter. */
		o = good;
		o.tci |= 0xf000;
		fr_tunnel(&f, &o, &inner);
		expect_inner(bed, &f, &inner);
	}
#undef CHANGED
	/* An extension header. */
	o = incoming(SLUICE_TUNNEL_GRE, true);
	endpoint_usual(bed, &o);
	fr_tunnel(&f, &o, &inner);
	f.b[20] = 60;
	expect_slow(bed, &f, SLUICE_MISS_NO_RULE, ROOT);
	/* A frame that is no frame. */
	fr_eth(&f, MAC_P0, MAC_NH, 0x8100);
	fr_fill(&f, 0, 4);
	expect_slow(bed, &f, SLUICE_MISS_PARSE, ROOT);
	/* The endpoint goes. */
	fr_tunnel(&f, &o, &inner);
	expect_inner(bed, &f, &inner);
	assert_int_equal(sluice_esw_endpoint_del(bed->esw, 1), SLUICE_ST_OK);
	expect_slow(bed, &f, SLUICE_MISS_NO_RULE, ROOT);
}

/* tc on the uplink comes first, as in Linux. */
static void uplink_rules(void **state)
{
	struct bed *bed = *state;
	struct outer o = incoming(SLUICE_TUNNEL_GENEVE, false);
	struct sluice_key mask = { .ip_ttl = 0xff }, key = { .ip_ttl = 9 };
	struct sluice_action a = act_out(VF(2));
	struct rule r = {
		.id = 1, .table = ROOT, .mask = 1, .counter = 1, .prio = 1,
		.mask_bits = &mask, .key = &key, .act = &a, .num_act = 1,
	};
	struct frame inner, f;

	fr_udp4(&inner, 1, 2);
	endpoint_usual(bed, &o);
	bed_root(bed, WIRE0, ROOT);
	to_vf(bed);
	assert_int_equal(bed_mask(bed, 1, &mask), 0);
	assert_int_equal(bed_rule(bed, &r), 0);
	fr_tunnel(&f, &o, &inner);
	expect_inner(bed, &f, &inner);
	o.ttl = 9;
	fr_tunnel(&f, &o, &inner);
	bed_clear(bed);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(2), &f);
	assert_int_equal(bed_bytes(bed, 1), f.len - 14);
	del(bed, 1);
	/* A rule that software must carry out. */
	a = act(SLUICE_ACT_PUNT);
	assert_int_equal(bed_rule(bed, &r), 0);
	expect_slow(bed, &f, SLUICE_MISS_PUNT, ROOT);
	del(bed, 1);
	/* A miss after a hit: software starts again. */
	a = act_goto(9);
	assert_int_equal(bed_rule(bed, &r), 0);
	expect_slow(bed, &f, SLUICE_MISS_NO_RULE, 9);
	assert_int_equal(bed_packets(bed, 1), 1);
}

/* A way that does not end well has not been. */
static void no_trace(void **state)
{
	struct bed *bed = *state;
	struct outer o = incoming(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_action a[3] = {
		act_out(VF(1)), act_push(0x8100, 5), act_goto(7),
	};
	struct sluice_esw_info info;
	struct frame inner, f;

	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &o, &inner);
	endpoint_usual(bed, &o);
	expect_slow(bed, &f, SLUICE_MISS_NO_RULE, TUN);
	bed_any(bed, 0, TUN, a, 3);
	expect_slow(bed, &f, SLUICE_MISS_NO_RULE, 7);
	a[0] = act(SLUICE_ACT_TO_CPU);
	bed_any(bed, 7, 7, a, 1);
	expect_slow(bed, &f, SLUICE_MISS_PUNT, 7);
	assert_int_equal(bed_packets(bed, 0), 0);
	assert_int_equal(bed_packets(bed, 7), 0);
	sluice_esw_query(bed->esw, &info);
	assert_int_equal(le64toh(info.decapsulated), 0);
	assert_int_equal(le64toh(info.hits), 0);
	assert_int_equal(le64toh(info.lookups), 3);
	del(bed, 7);
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
	struct outer o = incoming(SLUICE_TUNNEL_VXLAN, false);
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
	endpoint_usual(bed, &o);
	bed_tunnel(bed, 1, WIRE1, &out, SLUICE_ENCAP_F_ECN);
	bed_any(bed, 0, TUN, a, 5);
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
	struct outer o = incoming(SLUICE_TUNNEL_VXLAN, false), tagged;
	struct sluice_cmd_endpoint ep =
		tun_endpoint(1, SLUICE_VPORT_NONE, TUN, &o);
	struct sluice_action a[3] = { act(SLUICE_ACT_VLAN_POP),
				      act(SLUICE_ACT_DECAP_LOCAL) };
	struct frame inner, f;
	unsigned int i;

	ep.group = htole32(77);
	endpoint(bed, &ep);
	to_vf(bed);
	bed_root(bed, WIRE0, ROOT);
	tagged = o;
	tagged.tpid = 0x8100;
	tagged.tci = 100;
	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &tagged, &inner);
	/* Not by itself. */
	expect_slow(bed, &f, SLUICE_MISS_NO_RULE, ROOT);
	a[1].a = htole32(77);
	bed_any(bed, 1, ROOT, a, 2);
	expect_inner(bed, &f, &inner);
	assert_int_equal(bed_packets(bed, 1), 1);
	assert_int_equal(bed_bytes(bed, 1), f.len - 18);
	assert_int_equal(bed_bytes(bed, 0), inner.len - 14);
	/* Another group, another address. */
	del(bed, 1);
	a[1].a = htole32(76);
	bed_any(bed, 1, ROOT, a, 2);
	expect_slow(bed, &f, SLUICE_MISS_PUNT, ROOT);
	del(bed, 1);
	a[1].a = htole32(77);
	bed_any(bed, 1, ROOT, a, 2);
	tagged.dst_mac = MAC_C;
	fr_tunnel(&f, &tagged, &inner);
	expect_slow(bed, &f, SLUICE_MISS_PUNT, ROOT);
	/* A frame it cannot take out. */
	tagged.dst_mac = MAC_P0;
	tagged.head = 0;
	fr_tunnel(&f, &tagged, &inner);
	expect_slow(bed, &f, SLUICE_MISS_DECAP, ROOT);
	/* An edited packet, in the device's own copy; edited again. */
	del(bed, 1);
	tagged.head = o.head;
	fr_tunnel(&f, &tagged, &inner);
	a[2] = a[1];
	a[1] = act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP4, 4, "00000000",
			 "00000000");
	bed_any(bed, 1, ROOT, a, 3);
	expect_inner(bed, &f, &inner);
	del(bed, 0);
	bed_any(bed, 0, TUN, (struct sluice_action[]){
		act_push(0x8100, 1), act_push(0x8100, 2),
		act_goto(5) }, 3);
	bed_any(bed, 5, 5, (struct sluice_action[]){
		act(SLUICE_ACT_VLAN_POP), act(SLUICE_ACT_VLAN_POP),
		act_out(VF(1)) }, 3);
	expect_inner(bed, &f, &inner);
	assert_int_equal(bed_bytes(bed, 5), inner.len - 14);
	/* A tunnel in a tunnel is software's. */
	del(bed, 5);
	bed_any(bed, 5, 5, a + 2, 1);
	expect_slow(bed, &f, SLUICE_MISS_PUNT, 5);
	/* As many gotos as before. */
	del(bed, 1);
	for (i = 1; i < 17; i++) {
		struct sluice_action go = act_goto(20 + i);

		bed_any(bed, 20 + i, i == 1 ? ROOT : 19 + i, &go, 1);
	}
	bed_any(bed, 40, 36, a + 2, 1);
	expect_slow(bed, &f, SLUICE_MISS_HOPS, 36);
}

/* Tables with many masks have a cache; it tells tunnels apart. */
static void cached(void **state)
{
	struct bed *bed = *state;
	struct outer o = incoming(SLUICE_TUNNEL_VXLAN, false);
	struct frame inner, f;
	unsigned int i, pass;

	fr_udp4(&inner, 1, 2);
	endpoint_usual(bed, &o);
	/* The same table for frames in and out of the tunnel. */
	bed_root(bed, WIRE1, TUN);
	for (i = 0; i < 8; i++) {
		struct sluice_key mask = { .enc_type = 0xff }, key = { 0 };
		struct sluice_action a = act_out(VF(i % 4));
		struct rule r = {
			.id = i, .table = TUN, .mask = i, .counter = i,
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
	struct outer o = incoming(SLUICE_TUNNEL_VXLAN, false);
	struct frame inner, f;

	o.csum = true;
	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &o, &inner);
	f.b[41] ^= 1;
	endpoint_usual(bed, &o);
	to_vf(bed);
	expect_slow(bed, &f, SLUICE_MISS_DECAP, SLUICE_ID_NONE);
	bed_clear(bed);
	sluice_esw_input(bed->esw, WIRE0, f.b, f.len, SLUICE_FRAME_L4_OK);
	assert_sent(bed, 0, VF(1), &inner);
	/* That is not known of the inner frame. */
	assert_int_equal(bed->sent[0].flags, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(variants), T(key_details), T(refused), T(refused_inner),
		T(ecn), T(not_ours), T(uplink_rules), T(no_trace), T(edits),
		T(local), T(cached), T(verified),
	};

	return cmocka_run_group_tests_name("decap", tests, NULL, NULL);
}
