// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames out of tunnels, and those that stay in.
 */
#include <arpa/inet.h>
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
		.id = 3, .table = TUN_TABLE, .mask = 3, .counter = 3, .prio = 1,
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
	tun_expect_inner(bed, f, inner);
	bed_del(bed, 3);
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
			struct outer o = outer_incoming((uint8_t)type, v & 1);
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
			bed_endpoint(bed, &o);
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
	struct outer o = outer_incoming(SLUICE_TUNNEL_GENEVE, false);
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
		bed_endpoint(bed, &o);
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
	o = outer_incoming(SLUICE_TUNNEL_GRE, false);
	ep = tun_endpoint(1, WIRE0, TUN_TABLE, &o);
	ep.flags = htole16(SLUICE_ENDPOINT_F_DF);
	bed_endpoint_set(bed, &ep);
	fr_tunnel(&f, &o, &inner);
	key = enc_key(&o);
	key.enc_flags = SLUICE_ENC_F_DF;
	expect_key(bed, &f, &inner, &key);
	o.frag = 0;
	fr_tunnel(&f, &o, &inner);
	key.enc_flags = 0;
	expect_key(bed, &f, &inner, &key);
	/* Group policy: policy id, don't learn, applied. */
	o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	ep = tun_endpoint(1, WIRE0, TUN_TABLE, &o);
	ep.flags = htole16(SLUICE_ENDPOINT_F_GBP);
	memset(ep.zero_bits, 0, 8);
	bed_endpoint_set(bed, &ep);
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
	tun_to_vf(bed);
	bed_root(bed, WIRE0, ROOT);
#define REFUSED() tun_expect_slow(bed, &f, SLUICE_MISS_DECAP, ROOT)
#define START(type) do { \
	good = outer_incoming(type, v6); \
	good.csum = true; \
	o = good; \
	ip = outer_ip(&o); \
	l4 = outer_l4(&o); \
	ep = tun_endpoint(1, WIRE0, TUN_TABLE, &o); \
	bed_endpoint_set(bed, &ep); \
	fr_tunnel(&f, &o, &inner); \
	tun_expect_inner(bed, &f, &inner); \
} while (0)
	for (v6 = 0; v6 < 2; v6++) {
		static const char *const bad_src[2][5] = {
			{ "127.0.0.1", "224.0.0.1", "255.255.255.255",
			  "0.1.2.3", "192.0.2.1" },
			{ "::1", "ff02::1", "::", "::ffff:1.2.3.4",
			  "2001:db8::1" },
		};

		START(SLUICE_TUNNEL_VXLAN);
		/* A source that a bridge drops: multicast, zero. */
		f.b[6] |= 1;
		REFUSED();
		memset(f.b + 6, 0, 6);
		REFUSED();
		fr_tunnel(&f, &o, &inner);
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
			bed_endpoint_set(bed, &ep);
		}
		tun_expect_inner(bed, &f, &inner);
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
		bed_endpoint_set(bed, &ep);
		tun_expect_inner(bed, &f, &inner);
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
			tun_expect_slow(bed, &f, n < 4 ? SLUICE_MISS_NO_RULE :
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
		tun_expect_inner(bed, &f, &inner);
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
				tun_expect_inner(bed, &f, &inner);
		}
		o.head = 0;
		fr_tunnel(&f, &o, &inner);
		f.b[l4 + 2] = 0x88;	/* ERSPAN */
		f.b[l4 + 3] = 0xbe;
		REFUSED();
		if (!v6) {
			fr_tunnel(&f, &o, &inner);
			f.b[ip + 2] = 0;
			f.b[ip + 3] = 19;
			fr_fix_ip(&f, &o);
			REFUSED();
		}
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
	struct outer o = outer_incoming(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_cmd_endpoint ep = tun_endpoint(1, WIRE0, TUN_TABLE, &o);
	struct frame inner, f;

	bed_root(bed, WIRE0, ROOT);
	tun_to_vf(bed);
	/* A loop: it comes from the tunnel device itself. */
	fr_udp4(&inner, 1, 2);
	fr_tunnel(&f, &o, &inner);
	mac_parse(ep.own_mac, MAC_A);
	bed_endpoint_set(bed, &ep);
	REFUSED();
	mac_parse(ep.own_mac, MAC_C);
	bed_endpoint_set(bed, &ep);
	tun_expect_inner(bed, &f, &inner);
	/* Half a tag, half an IP header. */
	fr_eth(&inner, MAC_B, MAC_A, 0x8100);
	fr_fill(&inner, 0, 5);
	fr_tunnel(&f, &o, &inner);
	REFUSED();
	fr_fill(&inner, 0, 1);
	fr_tunnel(&f, &o, &inner);
	tun_expect_inner(bed, &f, &inner);
	fr_udp4(&inner, 1, 2);
	inner.len = 33;
	fr_tunnel(&f, &o, &inner);
	REFUSED();
	inner.len = 34;
	fr_tunnel(&f, &o, &inner);
	tun_expect_inner(bed, &f, &inner);
	fr_eth(&inner, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&inner, 59, "fe80::1", "fe80::2", 0);
	inner.len = 53;
	fr_tunnel(&f, &o, &inner);
	REFUSED();
	inner.len = 54;
	fr_tunnel(&f, &o, &inner);
	tun_expect_inner(bed, &f, &inner);
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
	tun_to_vf(bed);
	for (v = 0; v < 8; v++) {
		struct outer o = outer_incoming(SLUICE_TUNNEL_GRE, v & 1);

		bed_endpoint(bed, &o);
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
					tun_expect_inner(bed, &f, &inner);
				else
					REFUSED();
				if (in)
					continue;
				/* Not IP: it does not matter. */
				fr_eth(&inner, MAC_BC, MAC_A, 0x0806);
				fr_fill(&inner, 0xff, 28);
				fr_tunnel(&f, &o, &inner);
				tun_expect_inner(bed, &f, &inner);
			}
		}
	}
}
#undef REFUSED

/* Frames that are no endpoint's take their usual way. */
static void not_ours(void **state)
{
	struct bed *bed = *state;
	struct outer good = outer_incoming(SLUICE_TUNNEL_VXLAN, false), o;
	struct frame inner, f;
	unsigned int i;

	good.tpid = 0x8100;
	good.tci = 0x064;
	bed_endpoint(bed, &good);
	tun_to_vf(bed);
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
	tun_expect_slow(bed, &f, reason, table); \
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
		o = outer_incoming(SLUICE_TUNNEL_VXLAN, true);
		o.tpid = good.tpid;
		o.tci = good.tci;
		fr_tunnel(&f, &o, &inner);
		tun_expect_slow(bed, &f, reason, table);
		/* IP options. */
		fr_tunnel(&f, &good, &inner);
		f.b[18] = 0x46;
		fr_fix_ip(&f, &good);
		tun_expect_slow(bed, &f, reason, table);
		/* Two tags. */
		fr_tunnel(&f, &good, &inner);
		fr_vlan(&f, 0x8100, 0x064);
		tun_expect_slow(bed, &f, reason, table);
		/* The other uplink. */
		bed_clear(bed);
		fr_tunnel(&f, &good, &inner);
		bed_send(bed, WIRE1, &f);
		assert_slow(bed, 0, WIRE1, SLUICE_MISS_NO_TABLE, &f);
		/* Priority bits don't matter. */
		o = good;
		o.tci |= 0xf000;
		fr_tunnel(&f, &o, &inner);
		tun_expect_inner(bed, &f, &inner);
	}
#undef CHANGED
	/* An extension header. */
	o = outer_incoming(SLUICE_TUNNEL_GRE, true);
	bed_endpoint(bed, &o);
	fr_tunnel(&f, &o, &inner);
	f.b[20] = 60;
	tun_expect_slow(bed, &f, SLUICE_MISS_NO_RULE, ROOT);
	/* A frame that is no frame. */
	fr_eth(&f, MAC_P0, MAC_NH, 0x8100);
	fr_fill(&f, 0, 4);
	tun_expect_slow(bed, &f, SLUICE_MISS_PARSE, ROOT);
	/* The endpoint goes. */
	fr_tunnel(&f, &o, &inner);
	tun_expect_inner(bed, &f, &inner);
	assert_int_equal(sluice_esw_endpoint_del(bed->esw, 1), SLUICE_ST_OK);
	tun_expect_slow(bed, &f, SLUICE_MISS_NO_RULE, ROOT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(variants), T(key_details), T(refused), T(refused_inner),
		T(ecn), T(not_ours),
	};

	return cmocka_run_group_tests_name("decap", tests, NULL, NULL);
}
