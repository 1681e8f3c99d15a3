// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Legacy mode: who gets which frame.
 */
#include <stdio.h>
#include "harness.h"

#define PF	SLUICE_VPORT_PF

static int setup(void **state)
{
	*state = bed_new(SLUICE_ESW_LEGACY);
	return 0;
}

static int teardown(void **state)
{
	bed_free(*state);
	return 0;
}

/* The address bed_new() gives function @n. */
static const char *own(unsigned int n)
{
	static char mac[4][18];
	static unsigned int i;

	i = (i + 1) % 4;
	snprintf(mac[i], sizeof(mac[i]), "02:00:00:00:01:%02x", n);
	return mac[i];
}

#define END	0xfffe

/* Send from @src to @dst and expect it at the vports of the list, in order. */
static void expect_at(struct bed *bed, uint16_t src, const char *dst,
		      const uint16_t *vports)
{
	struct frame f;
	unsigned int n = 0;

	fr_eth(&f, dst, src < 0x100 ? own(src) : MAC_C, 0x88b5);
	fr_fill(&f, 0x42, 50);
	bed_clear(bed);
	bed_send(bed, src, &f);
	for (; vports[n] != END; n++)
		assert_sent(bed, n, vports[n], &f);
	assert_int_equal(bed->num_sent, n);
}

#define EXPECT(bed, src, dst, ...) \
	expect_at(bed, src, dst, (const uint16_t[]){ __VA_ARGS__ })

static void add_filter(struct bed *bed, uint16_t vport, const char *s)
{
	uint8_t mac[6];

	mac_parse(mac, s);
	assert_int_equal(sluice_esw_func_filter_add(bed->esw, vport, mac), 0);
}

static void rx_mode(struct bed *bed, uint16_t vport, uint32_t mode)
{
	assert_int_equal(sluice_esw_func_set_rx_mode(bed->esw, vport, mode),
			 0);
}

static uint64_t dropped(struct bed *bed, uint16_t vport)
{
	return le64toh(bed_stats(bed, vport).tx_dropped_rule);
}

static void unicast_known(void **state)
{
	struct bed *bed = *state;

	EXPECT(bed, VF(0), own(VF(1)), VF(1), END);
	EXPECT(bed, VF(0), own(PF), PF, END);
	EXPECT(bed, PF, own(VF(3)), VF(3), END);
	EXPECT(bed, WIRE0, own(VF(2)), VF(2), END);
	EXPECT(bed, WIRE0, own(PF), PF, END);
	assert_int_equal(dropped(bed, VF(0)), 0);
	/* Never back to the sender. */
	EXPECT(bed, VF(0), own(VF(0)), END);
	assert_int_equal(dropped(bed, VF(0)), 1);
}

static void unicast_unknown(void **state)
{
	struct bed *bed = *state;

	EXPECT(bed, VF(0), MAC_B, WIRE0, END);
	EXPECT(bed, PF, MAC_B, WIRE0, END);
	EXPECT(bed, WIRE0, MAC_B, END);
	assert_int_equal(dropped(bed, WIRE0), 1);
	rx_mode(bed, PF, SLUICE_RX_MODE_PROMISC);
	EXPECT(bed, VF(0), MAC_B, PF, WIRE0, END);
	EXPECT(bed, WIRE0, MAC_B, PF, END);
	EXPECT(bed, PF, MAC_B, WIRE0, END);
	EXPECT(bed, WIRE0, own(VF(1)), VF(1), END);
	/* A VF is never promiscuous. */
	bed_policy(bed, VF(1), SLUICE_POLICY_TRUST);
	rx_mode(bed, PF, 0);
	rx_mode(bed, VF(1), SLUICE_RX_MODE_PROMISC);
	EXPECT(bed, WIRE0, MAC_B, END);
}

static void unicast_filter(void **state)
{
	struct bed *bed = *state;
	uint8_t mac[6];

	mac_parse(mac, MAC_B);
	assert_int_equal(sluice_esw_func_filter_add(bed->esw, VF(2), mac),
			 SLUICE_ST_PERM);
	bed_policy(bed, VF(2), SLUICE_POLICY_TRUST);
	add_filter(bed, VF(2), MAC_B);
	EXPECT(bed, WIRE0, MAC_B, VF(2), END);
	EXPECT(bed, VF(0), MAC_B, VF(2), END);
	/* The owner comes before one with a filter. */
	add_filter(bed, VF(2), own(VF(3)));
	EXPECT(bed, WIRE0, own(VF(3)), VF(3), END);
	assert_int_equal(sluice_esw_func_filter_del(bed->esw, VF(2), mac), 0);
	assert_int_equal(sluice_esw_func_filter_del(bed->esw, VF(2), mac),
			 SLUICE_ST_NOENT);
	EXPECT(bed, WIRE0, MAC_B, END);
}

static void new_address(void **state)
{
	struct bed *bed = *state;
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_MAC),
	};

	mac_parse(cmd.mac, MAC_B);
	assert_int_equal(sluice_esw_vport_set(bed->esw, VF(1), &cmd), 0);
	EXPECT(bed, WIRE0, MAC_B, VF(1), END);
	EXPECT(bed, WIRE0, own(VF(1)), END);
	/* It stays over a function reset, until the PF takes it back. */
	sluice_esw_func_reset(bed->esw, VF(1));
	sluice_esw_vport_enable(bed->esw, VF(1), true);
	EXPECT(bed, WIRE0, MAC_B, VF(1), END);
	memset(cmd.mac, 0, 6);
	assert_int_equal(sluice_esw_vport_set(bed->esw, VF(1), &cmd), 0);
	EXPECT(bed, WIRE0, MAC_B, END);
	EXPECT(bed, WIRE0, own(VF(1)), VF(1), END);
}

static void broadcast(void **state)
{
	struct bed *bed = *state;

	EXPECT(bed, VF(1), MAC_BC, PF, VF(0), VF(2), VF(3), WIRE0, END);
	EXPECT(bed, PF, MAC_BC, VF(0), VF(1), VF(2), VF(3), WIRE0, END);
	EXPECT(bed, WIRE0, MAC_BC, PF, VF(0), VF(1), VF(2), VF(3), END);
	/* Not for those that are down, and not counted there. */
	bed_link(bed, VF(0), SLUICE_LINK_DOWN);
	sluice_esw_vport_enable(bed->esw, VF(2), false);
	EXPECT(bed, WIRE0, MAC_BC, PF, VF(1), VF(3), END);
	assert_int_equal(le64toh(bed_stats(bed, VF(0)).rx_dropped_link), 0);
	assert_int_equal(le64toh(bed_stats(bed, VF(3)).rx_broadcast), 4);
	assert_int_equal(le64toh(bed_stats(bed, VF(1)).tx_broadcast), 1);
}

static void multicast(void **state)
{
	struct bed *bed = *state;

	EXPECT(bed, VF(0), MAC_MC, WIRE0, END);
	EXPECT(bed, WIRE0, MAC_MC, END);
	add_filter(bed, VF(0), MAC_MC);
	add_filter(bed, VF(3), MAC_MC);
	add_filter(bed, PF, MAC_MC);
	EXPECT(bed, WIRE0, MAC_MC, PF, VF(0), VF(3), END);
	EXPECT(bed, VF(3), MAC_MC, PF, VF(0), WIRE0, END);
	bed_policy(bed, VF(1), SLUICE_POLICY_TRUST);
	rx_mode(bed, VF(1), SLUICE_RX_MODE_ALLMULTI);
	EXPECT(bed, WIRE0, MAC_MC, PF, VF(0), VF(1), VF(3), END);
	EXPECT(bed, WIRE0, "01:00:5e:00:00:02", VF(1), END);
	/* Trust withdrawn. */
	bed_policy(bed, VF(1), 0);
	EXPECT(bed, WIRE0, "01:00:5e:00:00:02", END);
	/* A reset takes the filters along. */
	sluice_esw_func_reset(bed->esw, VF(0));
	sluice_esw_vport_enable(bed->esw, VF(0), true);
	EXPECT(bed, WIRE0, MAC_MC, PF, VF(3), END);
	assert_int_equal(le64toh(bed_stats(bed, VF(3)).rx_multicast), 3);
}

static void filter_limits(void **state)
{
	struct bed *bed = *state;
	uint8_t mac[6] = { 1, 0, 0x5e, 0, 0, 0 };
	unsigned int i;

	for (i = 0; i < bed_cfg.max_filters; i++) {
		mac[5] = (uint8_t)i;
		assert_int_equal(sluice_esw_func_filter_add(bed->esw, VF(0),
							    mac), 0);
	}
	assert_int_equal(sluice_esw_func_filter_add(bed->esw, VF(0), mac),
			 SLUICE_ST_EXIST);
	mac[5] = 99;
	assert_int_equal(sluice_esw_func_filter_add(bed->esw, VF(0), mac),
			 SLUICE_ST_NOSPC);
	/* Others have their own room. */
	assert_int_equal(sluice_esw_func_filter_add(bed->esw, VF(1), mac), 0);
	mac[5] = 3;
	assert_int_equal(sluice_esw_func_filter_del(bed->esw, VF(0), mac), 0);
	mac[5] = 99;
	assert_int_equal(sluice_esw_func_filter_add(bed->esw, VF(0), mac), 0);
	memset(mac, 0, 6);
	assert_int_equal(sluice_esw_func_filter_add(bed->esw, VF(0), mac),
			 SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_func_filter_add(bed->esw, WIRE0, mac),
			 SLUICE_ST_NOENT);
}

static void vlan_set(struct bed *bed, uint16_t vport, uint16_t vlan, int want)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_VLAN),
		.vlan = htole16(vlan),
	};

	assert_int_equal(sluice_esw_vport_set(bed->esw, vport, &cmd), want);
}

/* A frame from @src to @dst, with a tag unless @tpid is 0. */
static void fr_tag(struct frame *f, const char *dst, const char *src,
		   uint16_t tpid, uint16_t tci)
{
	fr_eth(f, dst, src, tpid ? tpid : 0x88b5);
	if (tpid) {
		fr_u16(f, tci);
		fr_u16(f, 0x88b5);
	}
	fr_fill(f, 0x42, 50);
}

static uint64_t spoofed(struct bed *bed, uint16_t vport)
{
	return le64toh(bed_stats(bed, vport).tx_dropped_spoof);
}

static void vlan(void **state)
{
	struct bed *bed = *state;
	struct frame plain, tagged, other;

	vlan_set(bed, VF(0), 0x6000 | 5, SLUICE_ST_OK);
	vlan_set(bed, VF(1), 5, SLUICE_ST_OK);
	vlan_set(bed, VF(2), 6, SLUICE_ST_OK);

	/* To one in the same VLAN as it was, to the wire and the PF with a tag. */
	fr_tag(&plain, own(VF(1)), own(VF(0)), 0, 0);
	bed_send(bed, VF(0), &plain);
	assert_sent(bed, 0, VF(1), &plain);
	assert_int_equal(bed->num_sent, 1);
	bed_clear(bed);
	fr_tag(&plain, own(PF), own(VF(0)), 0, 0);
	fr_tag(&tagged, own(PF), own(VF(0)), 0x8100, 0x6005);
	bed_send(bed, VF(0), &plain);
	assert_sent(bed, 0, PF, &tagged);
	assert_int_equal(bed->num_sent, 1);
	/* In another VLAN that address is somebody else's. */
	bed_clear(bed);
	fr_tag(&plain, own(VF(2)), own(VF(0)), 0, 0);
	fr_tag(&tagged, own(VF(2)), own(VF(0)), 0x8100, 0x6005);
	bed_send(bed, VF(0), &plain);
	assert_sent(bed, 0, WIRE0, &tagged);
	assert_int_equal(bed->num_sent, 1);
	/* Flooding: VF 1 without the tag, PF, VF 3 and wire with it. */
	bed_clear(bed);
	fr_tag(&plain, MAC_BC, own(VF(0)), 0, 0);
	fr_tag(&tagged, MAC_BC, own(VF(0)), 0x8100, 0x6005);
	bed_send(bed, VF(0), &plain);
	assert_sent(bed, 0, PF, &tagged);
	assert_sent(bed, 1, VF(1), &plain);
	assert_sent(bed, 2, VF(3), &tagged);
	assert_sent(bed, 3, WIRE0, &tagged);
	assert_int_equal(bed->num_sent, 4);
	/* From the wire: the id counts, not the priority, and the protocol does. */
	bed_clear(bed);
	fr_tag(&tagged, own(VF(2)), MAC_C, 0x8100, 0xf006);
	fr_tag(&plain, own(VF(2)), MAC_C, 0, 0);
	fr_tag(&other, own(VF(2)), MAC_C, 0x88a8, 6);
	bed_send(bed, WIRE0, &tagged);
	assert_sent(bed, 0, VF(2), &plain);
	bed_send(bed, WIRE0, &plain);
	bed_send(bed, WIRE0, &other);
	assert_int_equal(bed->num_sent, 1);
	assert_int_equal(dropped(bed, WIRE0), 2);
	/* Tags of its own are refused, and not counted as sent. */
	bed_clear(bed);
	fr_tag(&tagged, own(VF(1)), own(VF(0)), 0x8100, 5);
	fr_tag(&other, own(VF(1)), own(VF(0)), 0x88a8, 5);
	bed_send(bed, VF(0), &tagged);
	bed_send(bed, VF(0), &other);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(spoofed(bed, VF(0)), 2);
	assert_int_equal(le64toh(bed_stats(bed, VF(0)).tx_packets), 4);
	/* Without it the VF says itself where its frames belong. */
	vlan_set(bed, VF(0), 0, SLUICE_ST_OK);
	bed_send(bed, VF(0), &tagged);
	assert_int_equal(bed->num_sent, 1);
}

static void vlan_ad(void **state)
{
	struct bed *bed = *state;
	struct frame in, out;

	vlan_set(bed, VF(0), SLUICE_VPORT_VLAN_AD | 100, SLUICE_ST_OK);
	vlan_set(bed, VF(1), SLUICE_VPORT_VLAN_AD | 100, SLUICE_ST_OK);
	fr_tag(&in, own(VF(1)), own(VF(0)), 0x8100, 7);
	bed_send(bed, VF(0), &in);
	assert_sent(bed, 0, VF(1), &in);
	bed_clear(bed);
	fr_tag(&in, MAC_C, own(VF(0)), 0x8100, 7);
	fr_eth(&out, MAC_C, own(VF(0)), 0x88a8);
	fr_u16(&out, 100);
	fr_u16(&out, 0x8100);
	fr_u16(&out, 7);
	fr_u16(&out, 0x88b5);
	fr_fill(&out, 0x42, 50);
	bed_send(bed, VF(0), &in);
	assert_sent(bed, 0, WIRE0, &out);
	fr_tag(&in, MAC_C, own(VF(0)), 0x88a8, 100);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	assert_int_equal(spoofed(bed, VF(0)), 1);
}

static void vlan_limits(void **state)
{
	struct bed *bed = *state;
	struct frame f;

	vlan_set(bed, VF(0), 4095, SLUICE_ST_INVAL);
	vlan_set(bed, VF(0), 0x2000, SLUICE_ST_INVAL);
	vlan_set(bed, VF(0), SLUICE_VPORT_VLAN_AD, SLUICE_ST_INVAL);
	vlan_set(bed, WIRE0, 5, SLUICE_ST_INVAL);
	vlan_set(bed, PF, 5, SLUICE_ST_INVAL);
	vlan_set(bed, VF(0), 4094, SLUICE_ST_OK);
	/* The longest and the shortest frames. */
	fr_eth(&f, own(VF(1)), own(VF(0)), 0x88b5);
	fr_fill(&f, 0, 1500);
	vlan_set(bed, VF(1), 4094, SLUICE_ST_OK);
	bed_send(bed, VF(0), &f);
	assert_sent(bed, 0, VF(1), &f);
	bed_clear(bed);
	fr_eth(&f, own(VF(1)), own(VF(0)), 0x88b5);
	bed_send(bed, VF(0), &f);
	assert_sent(bed, 0, VF(1), &f);
	/* Half a tag from the wire. */
	bed_clear(bed);
	fr_eth(&f, own(VF(1)), MAC_C, 0x8100);
	fr_u16(&f, 4094);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 0);
}

static void second_wire(void **state)
{
	struct bed *bed = *state;
	struct frame f;

	fr_udp4(&f, 1, 2);
	bed_send(bed, WIRE1, &f);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, WIRE1, SLUICE_MISS_NO_TABLE, &f);
	bed_clear(bed);
	sluice_esw_direct(bed->esw, WIRE1, f.b, f.len, 0);
	assert_sent(bed, 0, WIRE1, &f);
	/* Straight to anybody else is not for legacy mode. */
	sluice_esw_direct(bed->esw, VF(0), f.b, f.len, 0);
	sluice_esw_direct(bed->esw, WIRE0, f.b, f.len, 0);
	sluice_esw_direct(bed->esw, PF, f.b, f.len, 0);
	sluice_esw_direct(bed->esw, 0x777, f.b, f.len, 0);
	assert_int_equal(bed->num_sent, 1);
	assert_int_equal(dropped(bed, PF), 4);
	/* No flooding to the second wire either. */
	EXPECT(bed, WIRE0, MAC_BC, PF, VF(0), VF(1), VF(2), VF(3), END);
}

static void all_functions(void **state)
{
	struct sluice_esw_cfg cfg = bed_cfg;
	struct bed *bed;
	struct frame f;
	unsigned int i;

	(void)state;
	cfg.num_vfs = SLUICE_MAX_VFS;
	bed = bed_new_cfg(SLUICE_ESW_LEGACY, &cfg);
	for (i = 0; i <= SLUICE_MAX_VFS; i += 3)
		add_filter(bed, (uint16_t)i, MAC_MC);
	fr_eth(&f, MAC_MC, MAC_A, 0x88b5);
	fr_fill(&f, 0, 46);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 43);
	for (i = 0; i < 43; i++)
		assert_sent(bed, i, (uint16_t)(i * 3), &f);
	fr_eth(&f, MAC_BC, MAC_A, 0x88b5);
	bed_clear(bed);
	bed_send(bed, WIRE0, &f);
	assert_int_equal(bed->num_sent, 128);
	assert_sent(bed, 127, 127, &f);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unicast_known, setup, teardown),
		cmocka_unit_test_setup_teardown(unicast_unknown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unicast_filter, setup,
						teardown),
		cmocka_unit_test_setup_teardown(new_address, setup, teardown),
		cmocka_unit_test_setup_teardown(broadcast, setup, teardown),
		cmocka_unit_test_setup_teardown(multicast, setup, teardown),
		cmocka_unit_test_setup_teardown(filter_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(vlan, setup, teardown),
		cmocka_unit_test_setup_teardown(vlan_ad, setup, teardown),
		cmocka_unit_test_setup_teardown(vlan_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(second_wire, setup, teardown),
		cmocka_unit_test(all_functions),
	};

	return cmocka_run_group_tests_name("legacy", tests, NULL, NULL);
}
