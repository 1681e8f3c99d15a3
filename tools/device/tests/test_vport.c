// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vports: link, MTU, policy, statistics, and what may be set.
 */
#include "harness.h"

#define PF	SLUICE_VPORT_PF

#define STAT(bed, vport, field)	le64toh(bed_stats(bed, vport).field)

static int setup(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_action a = act_out(VF(1));

	bed_any(bed, 0, 1, &a, 1);
	bed_root(bed, VF(0), 1);
	bed_root(bed, WIRE0, 1);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	bed_free(*state);
	return 0;
}

static void link_follows(void **state)
{
	struct bed *bed = *state;

	assert_true(sluice_esw_vport_link(bed->esw, VF(0)));
	assert_true(sluice_esw_vport_link(bed->esw, PF));
	sluice_esw_uplink_carrier(bed->esw, 0, false);
	assert_false(sluice_esw_vport_link(bed->esw, VF(0)));
	assert_false(sluice_esw_vport_link(bed->esw, PF));
	assert_false(sluice_esw_vport_link(bed->esw, WIRE0));
	assert_true(sluice_esw_vport_link(bed->esw, WIRE1));
	bed_link(bed, VF(0), SLUICE_LINK_UP);
	assert_true(sluice_esw_vport_link(bed->esw, VF(0)));
	sluice_esw_uplink_carrier(bed->esw, 0, true);
	bed_link(bed, VF(0), SLUICE_LINK_DOWN);
	assert_false(sluice_esw_vport_link(bed->esw, VF(0)));
	assert_false(sluice_esw_vport_link(bed->esw, 0x700));
}

static void down_sends_and_gets_nothing(void **state)
{
	struct bed *bed = *state;
	struct frame f;

	fr_udp4(&f, 1, 2);
	bed_link(bed, VF(0), SLUICE_LINK_DOWN);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(STAT(bed, VF(0), tx_dropped_link), 1);
	assert_int_equal(STAT(bed, VF(0), tx_packets), 0);
	assert_int_equal(bed_packets(bed, 0), 0);
	/* To one that is down: the rule counts, the frame ends there. */
	bed_link(bed, VF(0), SLUICE_LINK_AUTO);
	bed_link(bed, VF(1), SLUICE_LINK_DOWN);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(bed_packets(bed, 0), 1);
	assert_int_equal(STAT(bed, VF(1), rx_dropped_link), 1);
	bed_link(bed, VF(1), SLUICE_LINK_AUTO);
	sluice_esw_vport_enable(bed->esw, VF(1), false);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(STAT(bed, VF(1), rx_dropped_link), 2);
	sluice_esw_vport_enable(bed->esw, VF(1), true);
	/* The host may know better. */
	bed->result[VF(1)] = SLUICE_TX_DOWN;
	bed_send(bed, VF(0), &f);
	assert_int_equal(STAT(bed, VF(1), rx_dropped_link), 3);
	bed->result[VF(1)] = SLUICE_TX_NOBUF;
	bed_send(bed, VF(0), &f);
	assert_int_equal(STAT(bed, VF(1), rx_dropped_nobuf), 1);
	assert_int_equal(STAT(bed, VF(1), rx_packets), 0);
	/* A wire without carrier. */
	sluice_esw_uplink_carrier(bed->esw, 0, false);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(STAT(bed, WIRE0, rx_dropped_link), 1);
	sluice_esw_direct(bed->esw, WIRE0, f.b, f.len, 0);
	assert_int_equal(STAT(bed, WIRE0, tx_dropped_link), 1);
}

/* The slow path is there for vports whose representor is the PF's link too. */
static void slow_path_without_carrier(void **state)
{
	struct bed *bed = *state;
	struct frame f;

	fr_udp4(&f, 1, 2);
	bed_root(bed, VF(0), SLUICE_ID_NONE);
	bed_link(bed, VF(0), SLUICE_LINK_UP);
	sluice_esw_uplink_carrier(bed->esw, 0, false);
	bed_send(bed, VF(0), &f);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_NO_TABLE, &f);
	assert_int_equal(STAT(bed, VF(0), slow_packets), 1);
	assert_int_equal(STAT(bed, VF(0), slow_bytes), f.len);
	bed->result[PF] = SLUICE_TX_NOBUF;
	bed_send(bed, VF(0), &f);
	bed->result[PF] = SLUICE_TX_OK;
	sluice_esw_vport_enable(bed->esw, PF, false);
	bed_send(bed, VF(0), &f);
	assert_int_equal(STAT(bed, VF(0), slow_packets), 1);
	assert_int_equal(STAT(bed, VF(0), slow_dropped), 2);
	assert_int_equal(STAT(bed, VF(0), tx_packets), 3);
	assert_int_equal(STAT(bed, PF, rx_packets), 0);
}

static void fr_sized(struct frame *f, uint32_t payload)
{
	fr_eth(f, MAC_B, MAC_A, 0x88b5);
	fr_fill(f, 7, payload);
}

static void mtu(void **state)
{
	struct bed *bed = *state;
	struct frame f;

	fr_sized(&f, 1500);
	bed_send(bed, VF(0), &f);
	assert_sent(bed, 0, VF(1), &f);
	fr_vlan(&f, 0x8100, 1);
	fr_vlan(&f, 0x88a8, 1);
	bed_send(bed, VF(0), &f);
	assert_sent(bed, 1, VF(1), &f);
	fr_vlan(&f, 0x88a8, 1);		/* a third one has no room */
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 2);
	assert_int_equal(STAT(bed, VF(0), tx_dropped_mtu), 1);
	fr_sized(&f, 1501);
	bed_send(bed, VF(0), &f);
	assert_int_equal(STAT(bed, VF(0), tx_dropped_mtu), 2);
	assert_int_equal(STAT(bed, VF(0), tx_packets), 2);
	/* A wire takes long frames, the VF behind the rule does not. */
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 2);
	assert_int_equal(STAT(bed, WIRE0, rx_packets), 1);
	assert_int_equal(STAT(bed, VF(1), rx_dropped_mtu), 1);
	bed_mtu(bed, VF(1), 1501);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 3);
	bed_mtu(bed, WIRE0, 1500);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(STAT(bed, WIRE0, rx_dropped_mtu), 1);
	sluice_esw_direct(bed->esw, WIRE0, f.b, f.len, 0);
	assert_int_equal(STAT(bed, WIRE0, tx_dropped_mtu), 1);
	sluice_esw_direct(bed->esw, VF(1), f.b, f.len, 0);
	assert_int_equal(bed->num_sent, 4);
}

static void extremes(void **state)
{
	struct bed *bed = *state;
	struct frame f;

	/* Shorter than an Ethernet header, longer than any frame. */
	fr_sized(&f, 0);
	f.len = 13;
	bed_send(bed, VF(0), &f);
	assert_int_equal(STAT(bed, VF(0), tx_dropped_rule), 1);
	sluice_esw_direct(bed->esw, VF(1), f.b, f.len, 0);
	assert_int_equal(STAT(bed, PF, tx_dropped_rule), 1);
	fr_sized(&f, SLUICE_FRAME_MAX - 13);
	bed_mtu(bed, VF(0), SLUICE_MTU_MAX);
	bed_send(bed, VF(0), &f);
	assert_int_equal(STAT(bed, VF(0), tx_dropped_mtu), 1);
	assert_int_equal(bed->num_sent, 0);
	fr_sized(&f, 0);
	bed_send(bed, VF(0), &f);
	assert_sent(bed, 0, VF(1), &f);
	/* A vport that does not exist. */
	sluice_esw_input(bed->esw, 0x105, f.b, f.len, 0);
	sluice_esw_input(bed->esw, VF(BED_VFS), f.b, f.len, 0);
	assert_int_equal(bed->num_sent, 1);
}

static void spoofing(void **state)
{
	struct bed *bed = *state;
	struct frame f;

	fr_eth(&f, MAC_B, "02:00:00:00:01:01", 0x88b5);
	fr_fill(&f, 1, 46);
	bed_policy(bed, VF(0), SLUICE_POLICY_SPOOFCHK);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 1);
	f.b[11]++;
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 1);
	assert_int_equal(STAT(bed, VF(0), tx_dropped_spoof), 1);
	assert_int_equal(STAT(bed, VF(0), tx_packets), 1);
	bed_policy(bed, VF(0), 0);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 2);
}

static void trust(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_vport given = {
		.fields = htole32(SLUICE_VPORT_F_MAC),
	};
	struct sluice_vport_info info;
	uint8_t mac[6], mine[6];

	mac_parse(mac, MAC_B);
	mac_parse(mine, "02:00:00:00:01:01");
	/* The choice is its own until the PF gives it an address. */
	assert_int_equal(sluice_esw_func_set_mac(bed->esw, VF(0), mac), 0);
	memcpy(given.mac, mine, 6);
	assert_int_equal(sluice_esw_vport_set(bed->esw, VF(0), &given), 0);
	assert_int_equal(sluice_esw_func_set_mac(bed->esw, VF(0), mac),
			 SLUICE_ST_PERM);
	assert_int_equal(sluice_esw_func_set_mac(bed->esw, VF(0), mine), 0);
	assert_int_equal(sluice_esw_func_set_rx_mode(bed->esw, VF(0), 1),
			 SLUICE_ST_PERM);
	assert_int_equal(sluice_esw_func_set_rx_mode(bed->esw, VF(0), 0), 0);
	bed_policy(bed, VF(0), SLUICE_POLICY_TRUST);
	assert_int_equal(sluice_esw_func_set_mac(bed->esw, VF(0), mac), 0);
	assert_int_equal(sluice_esw_func_set_rx_mode(bed->esw, VF(0), 1), 0);
	assert_int_equal(sluice_esw_func_set_rx_mode(bed->esw, VF(0), 4),
			 SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_func_set_mac(bed->esw, PF, mac), 0);
	mac[0] = 1;
	assert_int_equal(sluice_esw_func_set_mac(bed->esw, PF, mac),
			 SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_func_set_mac(bed->esw, WIRE0, mine),
			 SLUICE_ST_NOENT);
	assert_int_equal(sluice_esw_vport_query(bed->esw, VF(0), &info), 0);
	mac[0] = 2;
	assert_memory_equal(info.mac, mac, 6);
	/* Its own choice does not outlive a reset. */
	sluice_esw_func_reset(bed->esw, VF(0));
	assert_int_equal(sluice_esw_vport_query(bed->esw, VF(0), &info), 0);
	assert_memory_equal(info.mac, mine, 6);
	assert_int_equal(info.enabled, 0);
	assert_int_equal(le32toh(info.policy), SLUICE_POLICY_TRUST);
	assert_int_equal(le32toh(info.root_table), 1);
}

static void function_mtu(void **state)
{
	struct bed *bed = *state;
	struct sluice_vport_info info;

	assert_int_equal(sluice_esw_func_set_mtu(bed->esw, VF(0), 9000), 0);
	assert_int_equal(sluice_esw_func_set_mtu(bed->esw, VF(0), 9001),
			 SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_func_set_mtu(bed->esw, VF(0), 67),
			 SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_vport_max_mtu(bed->esw, VF(0)), 9000);
	bed_mtu(bed, VF(0), 1400);
	assert_int_equal(sluice_esw_vport_max_mtu(bed->esw, VF(0)), 1400);
	assert_int_equal(sluice_esw_func_set_mtu(bed->esw, VF(0), 1401),
			 SLUICE_ST_PERM);
	assert_int_equal(sluice_esw_func_set_mtu(bed->esw, VF(0), 1000), 0);
	sluice_esw_vport_query(bed->esw, VF(0), &info);
	assert_int_equal(le16toh(info.mtu), 1000);
	sluice_esw_func_reset(bed->esw, VF(0));
	sluice_esw_vport_query(bed->esw, VF(0), &info);
	assert_int_equal(le16toh(info.mtu), 1400);
	assert_int_equal(sluice_esw_vport_max_mtu(bed->esw, 0x900), 0);
}

static int set(struct bed *bed, uint16_t vport,
	       const struct sluice_cmd_vport *cmd)
{
	return sluice_esw_vport_set(bed->esw, vport, cmd);
}

/* A change with one bad value changes nothing. */
static void set_is_checked(void **state)
{
	struct bed *bed = *state;
	struct sluice_vport_info before, after;
	struct sluice_cmd_vport good = {
		.fields = htole32(SLUICE_VPORT_F_ALL & ~SLUICE_VPORT_F_NEXT),
		.policy = htole32(SLUICE_POLICY_SPOOFCHK),
		.mac = { 2, 3, 4, 5, 6, 7 },
		.mtu = htole16(2000),
		.link = SLUICE_LINK_UP,
		.egress_punt = 1,
		.root_table = htole32(5),
	};
	struct sluice_cmd_vport bad;

	sluice_esw_vport_query(bed->esw, VF(2), &before);
#define BAD(field, value) do { \
	bad = good; \
	bad.field = value; \
	assert_int_equal(set(bed, VF(2), &bad), SLUICE_ST_INVAL); \
} while (0)
	BAD(fields, htole32(SLUICE_VPORT_F_ALL + 1));
	BAD(policy, htole32(4));
	BAD(mac[0], 3);
	BAD(mtu, htole16(67));
	BAD(mtu, htole16(9001));
	BAD(link, 3);
	BAD(egress_punt, 2);
	BAD(root_table, htole32(64));
#undef BAD
	sluice_esw_vport_query(bed->esw, VF(2), &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(set(bed, VF(BED_VFS), &good), SLUICE_ST_NOENT);
	/* Wires have neither address, link policy nor policy to set. */
	assert_int_equal(set(bed, WIRE0, &good), SLUICE_ST_INVAL);
	assert_int_equal(set(bed, VF(2), &good), 0);
	sluice_esw_vport_query(bed->esw, VF(2), &after);
	assert_memory_equal(after.mac, good.mac, 6);
	assert_int_equal(le16toh(after.mtu), 2000);
	assert_int_equal(le32toh(after.policy), SLUICE_POLICY_SPOOFCHK);
	assert_int_equal(le32toh(after.root_table), 5);
	assert_int_equal(after.link_policy, SLUICE_LINK_UP);
	assert_int_equal(after.link, 1);
	assert_int_equal(after.enabled, 1);
	assert_int_equal(after.egress_punt, 1);
	/* The mode takes tables and punts along, and refuses them. */
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY);
	sluice_esw_vport_query(bed->esw, VF(2), &after);
	assert_int_equal(le32toh(after.root_table), SLUICE_ID_NONE);
	assert_int_equal(after.egress_punt, 0);
	assert_int_equal(after.link_policy, SLUICE_LINK_UP);
	assert_int_equal(set(bed, VF(2), &good), SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_vport_query(bed->esw, 0x333, &after),
			 SLUICE_ST_NOENT);
}

static void statistics(void **state)
{
	struct bed *bed = *state;
	struct frame f;

	fr_udp4(&f, 1, 2);
	bed_send(bed, VF(0), &f);
	f.b[0] = 3;
	bed_send(bed, VF(0), &f);
	memset(f.b, 0xff, 6);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(STAT(bed, VF(0), tx_packets), 2);
	assert_int_equal(STAT(bed, VF(0), tx_bytes), 2 * f.len);
	assert_int_equal(STAT(bed, VF(0), tx_multicast), 1);
	assert_int_equal(STAT(bed, VF(0), tx_broadcast), 0);
	assert_int_equal(STAT(bed, VF(1), rx_packets), 3);
	assert_int_equal(STAT(bed, VF(1), rx_bytes), 3 * f.len);
	assert_int_equal(STAT(bed, VF(1), rx_multicast), 1);
	assert_int_equal(STAT(bed, VF(1), rx_broadcast), 1);
	/* A wire's are those of a port. */
	assert_int_equal(STAT(bed, WIRE0, rx_packets), 1);
	assert_int_equal(STAT(bed, WIRE0, rx_broadcast), 1);
	assert_int_equal(STAT(bed, WIRE0, tx_packets), 0);
	sluice_esw_direct(bed->esw, WIRE0, f.b, f.len, 0);
	assert_int_equal(STAT(bed, WIRE0, tx_packets), 1);
	assert_int_equal(STAT(bed, WIRE0, tx_bytes), f.len);
	/* The PF only lent its ring. */
	assert_int_equal(STAT(bed, PF, tx_packets), 0);
	/* And in switchdev mode has no other way to send. */
	bed_send(bed, PF, &f);
	assert_int_equal(STAT(bed, PF, tx_dropped_rule), 1);
}

/* The host hears of a vport once until it has collected. */
static void dirty_once(void **state)
{
	struct bed *bed = *state;
	struct sluice_vport_stats s;
	struct frame f;

	bed_root(bed, VF(0), SLUICE_ID_NONE);
	fr_udp4(&f, 1, 2);
	bed->dirty_calls = 0;
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->dirty_calls, 1);
	assert_int_equal(bed->dirty_last, VF(0));
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->dirty_calls, 1);
	sluice_esw_vport_stats(bed->esw, VF(0), &s);
	assert_int_equal(le64toh(s.tx_packets), 2);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->dirty_calls, 2);
	{
		struct sluice_vport_info info;

		/* A query is not a collection. */
		sluice_esw_vport_query(bed->esw, VF(0), &info);
		memcpy(&s, info.stats, sizeof(s));
		assert_int_equal(le64toh(s.tx_packets), 3);
	}
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->dirty_calls, 2);
}

static void pf_reset(void **state)
{
	struct bed *bed = *state;
	struct sluice_vport_info info;
	struct sluice_esw_info esw;
	struct frame f;

	fr_udp4(&f, 1, 2);
	bed_policy(bed, VF(0), SLUICE_POLICY_TRUST);
	bed_mtu(bed, VF(0), 2000);
	bed_link(bed, VF(0), SLUICE_LINK_DOWN);
	bed_send(bed, WIRE0, &f);
	sluice_esw_reset(bed->esw);
	sluice_esw_query(bed->esw, &esw);
	assert_int_equal(le32toh(esw.mode), SLUICE_ESW_LEGACY);
	assert_int_equal(le32toh(esw.rules) + le32toh(esw.masks) +
			 le32toh(esw.tables) + le32toh(esw.counters), 0);
	assert_int_equal(le64toh(esw.lookups) + le64toh(esw.hits), 0);
	assert_int_equal(bed_packets(bed, 0), 0);
	sluice_esw_vport_query(bed->esw, VF(0), &info);
	assert_int_equal(le32toh(info.policy), 0);
	assert_int_equal(le16toh(info.mtu), 1500);
	assert_int_equal(info.link_policy, SLUICE_LINK_AUTO);
	assert_int_equal(info.link, 1);		/* the wire is still there */
	assert_int_equal(info.enabled, 0);
	assert_int_equal(info.mac[5], 1);
	assert_int_equal(STAT(bed, WIRE0, rx_packets), 0);
}

static void sizes_are_checked(void **state)
{
	struct sluice_esw_host host = { 0 };
	struct sluice_esw_cfg c;

	(void)state;
#define BAD(field, value) do { \
	c = bed_cfg; \
	c.field = value; \
	assert_null(sluice_esw_new(&c, &host)); \
} while (0)
	BAD(num_vfs, 128);
	BAD(num_uplinks, 0);
	BAD(num_uplinks, 3);
	BAD(max_rules, 0);
	BAD(max_rules, (1u << 24) + 1);
	BAD(max_masks, 0);
	BAD(max_counters, 0);
	BAD(max_tables, 0);
	BAD(max_actions, 0);
	BAD(max_actions, 256);
	BAD(max_filters, 5000);
	BAD(max_next_hops, (1u << 24) + 1);
	BAD(max_encaps, (1u << 24) + 1);
	BAD(max_endpoints, (1u << 24) + 1);
	BAD(max_ct, (1u << 24) + 1);
	BAD(max_meters, (1u << 24) + 1);
#undef BAD
	sluice_esw_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(link_follows, setup, teardown),
		cmocka_unit_test_setup_teardown(down_sends_and_gets_nothing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(slow_path_without_carrier,
						setup, teardown),
		cmocka_unit_test_setup_teardown(mtu, setup, teardown),
		cmocka_unit_test_setup_teardown(extremes, setup, teardown),
		cmocka_unit_test_setup_teardown(spoofing, setup, teardown),
		cmocka_unit_test_setup_teardown(trust, setup, teardown),
		cmocka_unit_test_setup_teardown(function_mtu, setup, teardown),
		cmocka_unit_test_setup_teardown(set_is_checked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(statistics, setup, teardown),
		cmocka_unit_test_setup_teardown(dirty_once, setup, teardown),
		cmocka_unit_test_setup_teardown(pf_reset, setup, teardown),
		cmocka_unit_test(sizes_are_checked),
	};

	return cmocka_run_group_tests_name("vport", tests, NULL, NULL);
}
