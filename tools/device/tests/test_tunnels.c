// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Next hops, encaps and endpoints as objects: limits, references, lifetime.
 */
#include "tun_bed.h"

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

static struct sluice_esw_info query(struct bed *bed)
{
	struct sluice_esw_info info;

	sluice_esw_query(bed->esw, &info);
	return info;
}

static int nh_set(struct bed *bed, const struct sluice_cmd_next_hop *cmd)
{
	return sluice_esw_next_hop_set(bed->esw, cmd);
}

static int nh_del(struct bed *bed, uint32_t id)
{
	uint32_t counter;

	return sluice_esw_next_hop_del(bed->esw, id, &counter);
}

static void next_hops(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	const struct sluice_cmd_next_hop good = tun_next_hop(299, WIRE1, &o);
	struct sluice_cmd_next_hop c;
	uint32_t counter = 5;

	assert_int_equal(nh_del(bed, 299), SLUICE_ST_NOENT);
	assert_int_equal(nh_del(bed, 300), SLUICE_ST_INVAL);
#define BAD(status, change) do { \
	c = good; \
	change; \
	assert_int_equal(nh_set(bed, &c), status); \
	assert_int_equal(query(bed).next_hops, 0); \
} while (0)
	BAD(SLUICE_ST_INVAL, c.id = htole32(300));
	BAD(SLUICE_ST_INVAL, c.id = htole32(SLUICE_ID_NONE));
	BAD(SLUICE_ST_INVAL, c.counter = htole32(10000));
	BAD(SLUICE_ST_INVAL, c.flags = htole16(8));
	BAD(SLUICE_ST_INVAL, c.table = htole32(1));
	BAD(SLUICE_ST_INVAL, c.flags = htole16(SLUICE_NEXT_HOP_F_TABLE);
	    c.table = htole32(bed_cfg.max_tables));
	BAD(SLUICE_ST_INVAL, c.vlan_tpid = htole16(0x0800));
	BAD(SLUICE_ST_INVAL, c.vlan_tci = htole16(1));
	BAD(SLUICE_ST_INVAL, c.port = htole16(VF(0)));
	BAD(SLUICE_ST_INVAL, c.port = htole16(SLUICE_VPORT_PF));
	BAD(SLUICE_ST_NOENT, c.port = htole16(VF(BED_VFS)));
	BAD(SLUICE_ST_NOENT, c.port = htole16(SLUICE_VPORT_UPLINK(2)));
	BAD(SLUICE_ST_NOENT, c.port = htole16(SLUICE_VPORT_NONE));
#undef BAD
	/* Its counter is one like a rule's. */
	c = good;
	c.counter = htole32(9999);
	assert_int_equal(nh_set(bed, &c), SLUICE_ST_OK);
	assert_int_equal(nh_set(bed, &c), SLUICE_ST_OK);
	assert_int_equal(le32toh(query(bed).counters), 1);
	c.counter = htole32(9998);
	assert_int_equal(nh_set(bed, &c), SLUICE_ST_OK);
	assert_int_equal(le32toh(query(bed).counters), 1);
	c.counter = htole32(SLUICE_ID_NONE);
	assert_int_equal(nh_set(bed, &c), SLUICE_ST_OK);
	assert_int_equal(le32toh(query(bed).counters), 0);
	c.counter = htole32(7);
	assert_int_equal(nh_set(bed, &c), SLUICE_ST_OK);
	assert_int_equal(le32toh(query(bed).next_hops), 1);
	assert_int_equal(sluice_esw_next_hop_del(bed->esw, 299, &counter),
			 SLUICE_ST_OK);
	assert_int_equal(counter, 7);
	assert_int_equal(le32toh(query(bed).next_hops), 0);
	assert_int_equal(le32toh(query(bed).counters), 0);
	assert_int_equal(nh_del(bed, 299), SLUICE_ST_NOENT);
}

static void next_hop_counter(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_action a[2] = { act_tunnel(1), act_tunnel(1) };
	struct sluice_cmd_next_hop nh = tun_next_hop(1, WIRE0, &o);
	struct frame f;

	fr_udp4(&f, 1, 2);
	bed_root(bed, VF(0), 1);
	bed_tunnel(bed, 1, WIRE0, &o, 0);
	bed_any(bed, 0, 1, a, 2);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed_packets(bed, 5001), 2);
	assert_int_equal(bed_bytes(bed, 5001), 2 * (f.len + 50));
	assert_int_equal(le64toh(query(bed).encapsulated), 2);
	/* A change keeps it, unless it says otherwise. */
	nh.counter = htole32(5001);
	assert_int_equal(nh_set(bed, &nh), SLUICE_ST_OK);
	assert_int_equal(bed_packets(bed, 5001), 2);
	nh.flags |= htole16(SLUICE_NEXT_HOP_F_ZERO);
	assert_int_equal(nh_set(bed, &nh), SLUICE_ST_OK);
	assert_int_equal(bed_packets(bed, 5001), 0);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed_packets(bed, 5001), 2);
	/* Frames the wire has no carrier for were sent all the same. */
	sluice_esw_uplink_carrier(bed->esw, 0, false);
	bed_link(bed, VF(0), SLUICE_LINK_UP);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed_packets(bed, 5001), 4);
	assert_int_equal(le64toh(bed_stats(bed, WIRE0).tx_dropped_link), 2);
}

static void encaps(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_cmd_next_hop nh = tun_next_hop(1, WIRE0, &o);
	struct encap_cmd e, g;

	assert_int_equal(sluice_esw_encap_del(bed->esw, 299), SLUICE_ST_NOENT);
	assert_int_equal(sluice_esw_encap_del(bed->esw, 300), SLUICE_ST_INVAL);
	tun_encap(&g, 299, 1, &o);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &g.cmd),
			 SLUICE_ST_NOENT);
	assert_int_equal(nh_set(bed, &nh), SLUICE_ST_OK);
#define BAD(change) do { \
	e = g; \
	change; \
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), \
			 SLUICE_ST_INVAL); \
	assert_int_equal(query(bed).encaps, 0); \
} while (0)
	BAD(e.cmd.id = htole32(300));
	BAD(e.cmd.next_hop = htole32(300));
	BAD(e.cmd.type = SLUICE_TUNNEL_NONE);
	BAD(e.cmd.type = SLUICE_TUNNEL_GRE + 1);
	BAD(e.cmd.type = SLUICE_TUNNEL_GRE);
	BAD(e.cmd.flags = htole16(0x20));
	BAD(e.cmd.flags = htole16(SLUICE_ENCAP_F_TOS));
	BAD(e.cmd.flags = htole16(SLUICE_ENCAP_F_TTL));
	BAD(e.cmd.flags = htole16(SLUICE_ENCAP_F_LABEL));
	BAD(e.cmd.sport_range = 0);
	BAD(e.cmd.sport_range = htole32(32769));
	BAD(e.cmd.header_len = 0);
	BAD(e.cmd.header_len = htole16(35));
	BAD(e.cmd.header_len = htole16(37));
	BAD(e.cmd.header_len = htole16(309));
	/* What the device fills in, fragments, options, other protocols. */
	BAD(e.cmd.header[0] = 0x46);
	BAD(e.cmd.header[0] = 0x55);
	BAD(e.cmd.header[3] = 1);
	BAD(e.cmd.header[5] = 1);
	BAD(e.cmd.header[6] = 0x20);
	BAD(e.cmd.header[7] = 1);
	BAD(e.cmd.header[9] = 6);
	BAD(e.cmd.header[11] = 1);
	BAD(e.cmd.header[20] = 1);
	BAD(e.cmd.header[25] = 1);
	BAD(e.cmd.header[27] = 1);
	BAD(e.cmd.header[28] = 0);
	e = g;
	e.cmd.sport_range = htole32(32768);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	assert_int_equal(sluice_esw_encap_del(bed->esw, 299), 0);

	o = outer_usual(SLUICE_TUNNEL_GENEVE, true);
	o.num_opts = 8;
	tun_encap(&g, 299, 1, &o);
	BAD(e.cmd.header[5] = 1);
	BAD(e.cmd.header[6] = 60);
	BAD(e.cmd.header[48] = 3);
	BAD(e.cmd.header[48] = 0x42);
	BAD(e.cmd.header[50] = 0x08);
	BAD(e.cmd.header_len = htole16(56));
	BAD(e.cmd.header_len = htole16(39));

	o = outer_usual(SLUICE_TUNNEL_GRE, true);
	tun_encap(&g, 299, 1, &o);
	BAD(e.cmd.header[40] = 0xa0);
	BAD(e.cmd.header[41] = 1);
	BAD(e.cmd.header[42] = 0x08);
	BAD(e.cmd.header[40] = 0);
	BAD(e.cmd.header_len = htole16(44));
	BAD(e.cmd.header_len = htole16(42));
	BAD(e.cmd.flags = htole16(SLUICE_ENCAP_F_UDP_CSUM));
	BAD(e.cmd.flags = htole16(SLUICE_ENCAP_F_TOS));
	BAD(e.cmd.sport_min = htole16(1));
	BAD(e.cmd.sport_range = htole32(1));
#undef BAD
	o = outer_usual(SLUICE_TUNNEL_GRE, false);
	tun_encap(&g, 299, 1, &o);
	g.cmd.flags = htole16(SLUICE_ENCAP_F_LABEL);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &g.cmd),
			 SLUICE_ST_INVAL);
	g.cmd.flags = htole16(SLUICE_ENCAP_F_TOS | SLUICE_ENCAP_F_TTL);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &g.cmd), 0);
	assert_int_equal(le32toh(query(bed).encaps), 1);
}

/* Who uses what cannot lose it. */
static void references(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_action a[3] = { act_tunnel(1), act_tunnel(1),
				      act_tunnel(2) };
	struct sluice_cmd_next_hop nh2 = tun_next_hop(2, WIRE0, &o);
	static const struct sluice_key none;
	struct rule r = { .id = 1, .table = 1, .counter = 1, .act = a,
			  .num_act = 3 };
	struct encap_cmd e;
	uint32_t counter;

	assert_int_equal(bed_mask(bed, 0, &none), 0);
	bed_tunnel(bed, 1, WIRE0, &o, 0);
	/* A rule whose encap is missing, or can't be. */
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_NOENT);
	a[2] = act_tunnel(300);
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_encap_del(bed->esw, 1), 0);
	bed_tunnel(bed, 1, WIRE0, &o, 0);
	a[2] = act_out(VF(1));
	assert_int_equal(bed_rule(bed, &r), 0);
	assert_int_equal(sluice_esw_encap_del(bed->esw, 1), SLUICE_ST_BUSY);
	assert_int_equal(nh_del(bed, 1), SLUICE_ST_BUSY);
	/* The encap goes to another next hop, and to none. */
	assert_int_equal(nh_set(bed, &nh2), 0);
	tun_encap(&e, 1, 2, &o);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	assert_int_equal(nh_del(bed, 1), 0);
	assert_int_equal(nh_del(bed, 2), SLUICE_ST_BUSY);
	tun_encap(&e, 1, SLUICE_ID_NONE, &o);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	assert_int_equal(nh_del(bed, 2), 0);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 1, &counter), 0);
	assert_int_equal(sluice_esw_encap_del(bed->esw, 1), 0);
	/* A set that is refused changes nothing. */
	bed_tunnel(bed, 1, WIRE0, &o, 0);
	tun_encap(&e, 1, 9, &o);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd),
			 SLUICE_ST_NOENT);
	assert_int_equal(nh_del(bed, 1), SLUICE_ST_BUSY);
}

static void endpoints(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct outer gre = outer_usual(SLUICE_TUNNEL_GRE, false);
	const struct sluice_cmd_endpoint good = tun_endpoint(299, WIRE0, 63,
							     &o);
	const struct sluice_cmd_endpoint grep = tun_endpoint(298, WIRE0, 63,
							     &gre);
	struct sluice_cmd_endpoint c;
	unsigned int i;

	assert_int_equal(sluice_esw_endpoint_del(bed->esw, 299),
			 SLUICE_ST_NOENT);
	assert_int_equal(sluice_esw_endpoint_del(bed->esw, 300),
			 SLUICE_ST_INVAL);
#define BAD(status, from, change) do { \
	c = from; \
	change; \
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &c), status); \
	assert_int_equal(query(bed).endpoints, 0); \
} while (0)
	BAD(SLUICE_ST_INVAL, good, c.id = htole32(300));
	BAD(SLUICE_ST_INVAL, good, c.root_table = htole32(64));
	BAD(SLUICE_ST_INVAL, good, c.root_table = htole32(SLUICE_ID_NONE));
	BAD(SLUICE_ST_INVAL, good, c.flags = htole16(8));
	BAD(SLUICE_ST_INVAL, good, c.type = 0);
	BAD(SLUICE_ST_INVAL, good, c.type = 4);
	BAD(SLUICE_ST_INVAL, good, c.ip = 5);
	BAD(SLUICE_ST_INVAL, good, c.udp_port = 0);
	BAD(SLUICE_ST_INVAL, good, c.vlan_tpid = htole16(0x9100));
	BAD(SLUICE_ST_INVAL, good, c.vlan_id = htole16(1));
	BAD(SLUICE_ST_INVAL, good, c.vlan_tpid = htole16(0x8100);
	    c.vlan_id = htole16(4096));
	BAD(SLUICE_ST_INVAL, good, c.addr[4] = 1);
	BAD(SLUICE_ST_INVAL, good, c.group = htole32(1));
	BAD(SLUICE_ST_INVAL, good, c.port = htole16(VF(0)));
	BAD(SLUICE_ST_NOENT, good, c.port = htole16(SLUICE_VPORT_UPLINK(2)));
	BAD(SLUICE_ST_INVAL, grep, c.udp_port = htole16(1));
	BAD(SLUICE_ST_INVAL, grep, c.zero_bits[7] = 1);
	BAD(SLUICE_ST_INVAL, grep, c.flags = htole16(SLUICE_ENDPOINT_F_GBP));
#undef BAD
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &good), 0);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &good), 0);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &grep), 0);
	assert_int_equal(le32toh(query(bed).endpoints), 2);
	/* Nobody else takes the same frames, of whatever type. */
	c = good;
	c.id = htole32(1);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &c),
			 SLUICE_ST_EXIST);
	c.type = SLUICE_TUNNEL_GENEVE;
	memset(c.zero_bits, 0, 8);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &c),
			 SLUICE_ST_EXIST);
	/* One field is enough of a difference. */
#define OTHER(change) do { \
	c = good; \
	c.id = htole32(1); \
	change; \
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &c), 0); \
} while (0)
	OTHER(c.port = htole16(WIRE1));
	OTHER(c.port = htole16(SLUICE_VPORT_NONE));
	OTHER(c.port = htole16(SLUICE_VPORT_NONE); c.group = htole32(9));
	OTHER(c.ip = 6);
	OTHER(c.udp_port = htole16(4790));
	OTHER(c.vlan_tpid = htole16(0x8100));
	OTHER(c.mac[5]++);
	OTHER(c.addr[3]++);
#undef OTHER
	/* An endpoint may move where another was. */
	assert_int_equal(sluice_esw_endpoint_del(bed->esw, 299), 0);
	c = good;
	c.id = htole32(1);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &c), 0);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &good),
			 SLUICE_ST_EXIST);
	assert_int_equal(le32toh(query(bed).endpoints), 2);
	/* All there can be; each finds its own. */
	for (i = 0; i < 300; i++) {
		c = good;
		c.id = htole32(i);
		c.root_table = htole32(i % 64);
		c.udp_port = htole16((uint16_t)(1000 + i));
		assert_int_equal(sluice_esw_endpoint_set(bed->esw, &c), 0);
	}
	for (i = 0; i < 300; i++) {
		static const struct frame inner = { .len = 14 };
		struct frame f;

		o.dport = (uint16_t)(1000 + i);
		o.src = "192.0.2.77";
		fr_tunnel(&f, &o, &inner);
		bed_clear(bed);
		bed_send(bed, WIRE0, &f);
		assert_slow(bed, 0, WIRE0, SLUICE_MISS_NO_RULE, &f);
		assert_int_equal(bed->sent[0].meta.table, i % 64);
	}
	for (i = 0; i < 300; i++)
		assert_int_equal(sluice_esw_endpoint_del(bed->esw, i), 0);
	assert_int_equal(le32toh(query(bed).endpoints), 0);
}

static void fill(struct bed *bed)
{
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_cmd_endpoint ep = tun_endpoint(5, WIRE0, 1, &o);
	struct sluice_action a = act_tunnel(1);

	bed_tunnel(bed, 1, WIRE0, &o, 0);
	bed_tunnel(bed, 250, WIRE1, &o, 0);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &ep), 0);
	bed_any(bed, 1, 1, &a, 1);
	assert_int_equal(le32toh(query(bed).next_hops), 2);
	assert_int_equal(le32toh(query(bed).encaps), 2);
	assert_int_equal(le32toh(query(bed).endpoints), 1);
}

static void none_left(struct bed *bed)
{
	assert_int_equal(query(bed).next_hops, 0);
	assert_int_equal(query(bed).encaps, 0);
	assert_int_equal(query(bed).endpoints, 0);
	assert_int_equal(query(bed).counters, 0);
}

/* A change of mode and a reset remove them all, and they can come again. */
static void modes(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_cmd_next_hop nh = tun_next_hop(1, WIRE0, &o);
	struct sluice_cmd_endpoint ep = tun_endpoint(1, WIRE0, 1, &o);
	struct encap_cmd e;
	struct frame f;

	fill(bed);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_SWITCHDEV);
	none_left(bed);
	fill(bed);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY);
	none_left(bed);
	tun_encap(&e, 1, SLUICE_ID_NONE, &o);
	assert_int_equal(nh_set(bed, &nh), SLUICE_ST_MODE);
	assert_int_equal(nh_del(bed, 1), SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd),
			 SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_encap_del(bed->esw, 1), SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &ep),
			 SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_endpoint_del(bed->esw, 1),
			 SLUICE_ST_MODE);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_SWITCHDEV);
	fill(bed);
	bed_root(bed, VF(0), 1);
	fr_udp4(&f, 1, 2);
	bed_send(bed, VF(0), &f);
	assert_int_equal(le64toh(query(bed).encapsulated), 1);
	sluice_esw_reset(bed->esw);
	none_left(bed);
	assert_int_equal(query(bed).encapsulated, 0);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_SWITCHDEV);
	fill(bed);
}

/* A device may have none of them. */
static void without(void **state)
{
	struct sluice_esw_cfg cfg = bed_cfg;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_cmd_next_hop nh = tun_next_hop(0, WIRE0, &o);
	struct sluice_cmd_endpoint ep = tun_endpoint(0, WIRE0, 1, &o);
	struct encap_cmd e;
	struct bed *bed;

	(void)state;
	cfg.max_next_hops = 0;
	cfg.max_encaps = 0;
	cfg.max_endpoints = 0;
	bed = bed_new_cfg(SLUICE_ESW_SWITCHDEV, &cfg);
	tun_encap(&e, 0, SLUICE_ID_NONE, &o);
	assert_int_equal(nh_set(bed, &nh), SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd),
			 SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, &ep),
			 SLUICE_ST_INVAL);
	bed_free(bed);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(next_hops), T(next_hop_counter), T(encaps), T(references),
		T(endpoints), T(modes), cmocka_unit_test(without),
	};

	return cmocka_run_group_tests_name("tunnels", tests, NULL, NULL);
}
