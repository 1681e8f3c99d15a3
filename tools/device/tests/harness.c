// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the eSwitch tests share.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include "harness.h"

void fr_bytes(struct frame *f, const void *p, uint32_t len)
{
	assert_true(f->len + len <= sizeof(f->b));
	memcpy(f->b + f->len, p, len);
	f->len += len;
}

void fr_fill(struct frame *f, uint8_t byte, uint32_t len)
{
	assert_true(f->len + len <= sizeof(f->b));
	memset(f->b + f->len, byte, len);
	f->len += len;
}

void fr_u16(struct frame *f, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	fr_bytes(f, b, 2);
}

void mac_parse(uint8_t mac[6], const char *s)
{
	assert_int_equal(sscanf(s, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac,
				mac + 1, mac + 2, mac + 3, mac + 4, mac + 5),
			 6);
}

void fr_macs(struct frame *f, const char *dst, const char *src)
{
	uint8_t mac[6];

	f->len = 0;
	mac_parse(mac, dst);
	fr_bytes(f, mac, 6);
	mac_parse(mac, src);
	fr_bytes(f, mac, 6);
}

void fr_eth(struct frame *f, const char *dst, const char *src, uint16_t proto)
{
	fr_macs(f, dst, src);
	fr_u16(f, proto);
}

/* Put a tag behind the addresses of a finished frame. */
void fr_vlan(struct frame *f, uint16_t tpid, uint16_t tci)
{
	assert_true(f->len + 4 <= sizeof(f->b));
	memmove(f->b + 16, f->b + 12, f->len - 12);
	f->b[12] = (uint8_t)(tpid >> 8);
	f->b[13] = (uint8_t)tpid;
	f->b[14] = (uint8_t)(tci >> 8);
	f->b[15] = (uint8_t)tci;
	f->len += 4;
}

void fr_ip4(struct frame *f, uint8_t proto, const char *src, const char *dst,
	    uint16_t payload)
{
	uint8_t ip[20] = { 0x45, 0x10, 0, 0, 0x12, 0x34, 0, 0, 64, proto };
	uint32_t sum = 0;
	unsigned int i;

	ip[2] = (uint8_t)((payload + 20) >> 8);
	ip[3] = (uint8_t)(payload + 20);
	assert_int_equal(inet_pton(AF_INET, src, ip + 12), 1);
	assert_int_equal(inet_pton(AF_INET, dst, ip + 16), 1);
	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	fr_bytes(f, ip, 20);
}

void fr_ip6(struct frame *f, uint8_t next, const char *src, const char *dst,
	    uint16_t payload)
{
	uint8_t ip[40] = { 0x6a, 0xb1, 0x23, 0x45, (uint8_t)(payload >> 8),
			   (uint8_t)payload, next, 63 };

	assert_int_equal(inet_pton(AF_INET6, src, ip + 8), 1);
	assert_int_equal(inet_pton(AF_INET6, dst, ip + 24), 1);
	fr_bytes(f, ip, 40);
}

void fr_ports(struct frame *f, uint16_t src, uint16_t dst)
{
	fr_u16(f, src);
	fr_u16(f, dst);
}

void fr_tcp(struct frame *f, uint16_t src, uint16_t dst, uint16_t flags)
{
	fr_ports(f, src, dst);
	fr_fill(f, 0x11, 8);
	fr_u16(f, 0x5000 | flags);
	fr_fill(f, 0x22, 6);
}

void fr_udp(struct frame *f, uint16_t src, uint16_t dst, uint16_t payload)
{
	uint16_t i;

	fr_ports(f, src, dst);
	fr_u16(f, (uint16_t)(payload + 8));
	fr_u16(f, 0xbeef);
	for (i = 0; i < payload; i++)
		fr_fill(f, (uint8_t)(i * 7 + 1), 1);
}

void fr_udp4(struct frame *f, uint16_t sport, uint16_t dport)
{
	fr_eth(f, MAC_B, MAC_A, 0x0800);
	fr_ip4(f, 17, "10.0.0.1", "10.0.0.2", 8 + 50);
	fr_udp(f, sport, dport, 50);
}

static uint64_t host_now(void *ctx)
{
	return ((struct bed *)ctx)->now;
}

static enum sluice_tx_result
host_deliver(void *ctx, uint16_t vport, const uint8_t *frame, uint32_t len,
	     unsigned int flags, const struct sluice_slow_meta *meta)
{
	struct bed *bed = ctx;
	struct sent *s = &bed->sent[bed->num_sent];

	assert_true(bed->num_sent < MAX_SENT);
	assert_true(len <= sizeof(s->b));
	if (bed->result[vport] != SLUICE_TX_OK)
		return bed->result[vport];
	bed->num_sent++;
	s->vport = vport;
	s->slow = meta;
	if (meta)
		s->meta = *meta;
	s->flags = flags;
	s->len = len;
	memcpy(s->b, frame, len);
	return SLUICE_TX_OK;
}

static void host_hash(void *ctx, const uint8_t *frame, uint32_t len,
		      struct sluice_flow_hash *hash)
{
	struct bed *bed = ctx;

	assert_true(len >= SLUICE_FRAME_MIN);
	bed->hash_calls++;
	hash->value = bed->hash ^ frame[0] ^ len;
	hash->l4 = true;
}

static void host_dirty(void *ctx, uint16_t vport)
{
	struct bed *bed = ctx;

	bed->dirty_calls++;
	bed->dirty_last = vport;
}

const struct sluice_esw_cfg bed_cfg = {
	.num_vfs = BED_VFS,
	.num_uplinks = 2,
	.max_rules = 4096,
	.max_masks = 256,
	.max_counters = 10000,
	.max_tables = 64,
	.max_actions = 64,
	.max_filters = 8,
	.max_next_hops = 300,
	.max_encaps = 300,
	.max_endpoints = 300,
	.max_ct = 4096,
	.max_meters = 20,
};

struct bed *bed_new_cfg(enum sluice_esw_mode mode,
			const struct sluice_esw_cfg *cfg)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct sluice_esw_host host = {
		.ctx = bed,
		.now = host_now,
		.deliver = host_deliver,
		.flow_hash = host_hash,
		.stats_dirty = host_dirty,
	};
	uint8_t mac[6] = { 2, 0, 0, 0, 1, 0 };
	unsigned int i;

	assert_non_null(bed);
	bed->now = 1000;
	bed->hash = 0x12345678;
	bed->esw = sluice_esw_new(cfg, &host);
	assert_non_null(bed->esw);
	for (i = 0; i < cfg->num_uplinks; i++)
		sluice_esw_uplink_carrier(bed->esw, i, true);
	for (i = 0; i <= cfg->num_vfs; i++) {
		mac[5] = (uint8_t)i;
		sluice_esw_vport_set_permanent_mac(bed->esw, (uint16_t)i, mac);
		sluice_esw_vport_enable(bed->esw, (uint16_t)i, true);
	}
	assert_int_equal(sluice_esw_set_mode(bed->esw, mode), SLUICE_ST_OK);
	return bed;
}

struct bed *bed_new(enum sluice_esw_mode mode)
{
	return bed_new_cfg(mode, &bed_cfg);
}

void bed_free(struct bed *bed)
{
	sluice_esw_free(bed->esw);
	free(bed);
}

/* The frame sits in its own allocation, so reading beyond it is caught. */
void bed_send(struct bed *bed, uint16_t vport, const struct frame *f)
{
	uint8_t *copy = malloc(f->len);

	assert_non_null(copy);
	memcpy(copy, f->b, f->len);
	sluice_esw_input(bed->esw, vport, copy, f->len, 0);
	assert_memory_equal(copy, f->b, f->len);
	free(copy);
}

void bed_clear(struct bed *bed)
{
	bed->num_sent = 0;
}

static void vport_set(struct bed *bed, uint16_t vport,
		      const struct sluice_cmd_vport *cmd)
{
	assert_int_equal(sluice_esw_vport_set(bed->esw, vport, cmd),
			 SLUICE_ST_OK);
}

void bed_root(struct bed *bed, uint16_t vport, uint32_t table)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_ROOT),
		.root_table = htole32(table),
	};

	vport_set(bed, vport, &cmd);
}

void bed_policy(struct bed *bed, uint16_t vport, uint32_t policy)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_POLICY),
		.policy = htole32(policy),
	};

	vport_set(bed, vport, &cmd);
}

void bed_link(struct bed *bed, uint16_t vport, uint8_t link)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_LINK),
		.link = link,
	};

	vport_set(bed, vport, &cmd);
}

void bed_mtu(struct bed *bed, uint16_t vport, uint16_t mtu)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_MTU),
		.mtu = htole16(mtu),
	};

	vport_set(bed, vport, &cmd);
}

void bed_egress(struct bed *bed, uint16_t vport, uint8_t punt)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_EGRESS),
		.egress_punt = punt,
	};

	vport_set(bed, vport, &cmd);
}

struct sluice_vport_stats bed_stats(struct bed *bed, uint16_t vport)
{
	struct sluice_vport_stats s;

	sluice_esw_vport_stats(bed->esw, vport, &s);
	return s;
}

int bed_mask(struct bed *bed, uint32_t id, const struct sluice_key *mask)
{
	return sluice_esw_mask_add(bed->esw, id, mask);
}

int bed_rule(struct bed *bed, const struct rule *r)
{
	struct sluice_rule_spec spec = {
		.id = r->id,
		.table = r->table,
		.mask = r->mask,
		.counter = r->counter,
		.prio = r->prio,
		.subprio = r->subprio,
		.flags = r->flags,
		.num_actions = r->num_act,
		.actions = r->act,
	};
	uint64_t m[SLUICE_KEY_WORDS] = { 0 }, k[SLUICE_KEY_WORDS] = { 0 };
	uint64_t words[SLUICE_KEY_WORDS];
	unsigned int i;

	if (r->mask_bits)
		memcpy(m, r->mask_bits, sizeof(m));
	if (r->key)
		memcpy(k, r->key, sizeof(k));
	for (i = 0; i < SLUICE_KEY_WORDS; i++)
		if (m[i])
			words[spec.key_words++] = k[i] & m[i];
	spec.key = words;
	return sluice_esw_rule_add(bed->esw, &spec);
}

void bed_any(struct bed *bed, uint32_t id, uint32_t table,
	     const struct sluice_action *acts, unsigned int n)
{
	static const struct sluice_key none;
	struct rule r = {
		.id = id, .table = table, .counter = id, .prio = 1,
		.act = acts, .num_act = n,
	};
	int status = bed_mask(bed, 0, &none);

	assert_true(status == SLUICE_ST_OK || status == SLUICE_ST_EXIST);
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
}

static struct sluice_counter counter(struct bed *bed, uint32_t id)
{
	struct sluice_counter c;

	assert_int_equal(sluice_esw_counter_read(bed->esw, id, &c),
			 SLUICE_ST_OK);
	return c;
}

uint64_t bed_packets(struct bed *bed, uint32_t id)
{
	return le64toh(counter(bed, id).packets);
}

uint64_t bed_bytes(struct bed *bed, uint32_t id)
{
	return le64toh(counter(bed, id).bytes);
}

struct sluice_action act(uint8_t op)
{
	struct sluice_action a = { .op = op };

	return a;
}

struct sluice_action act_out(uint16_t port)
{
	struct sluice_action a = { .op = SLUICE_ACT_OUTPUT,
				   .port = htole16(port) };

	return a;
}

struct sluice_action act_push(uint16_t tpid, uint16_t tci)
{
	struct sluice_action a = { .op = SLUICE_ACT_VLAN_PUSH,
				   .a = htole32((uint32_t)tpid << 16 | tci) };

	return a;
}

struct sluice_action act_set(uint32_t value, uint32_t mask)
{
	struct sluice_action a = { .op = SLUICE_ACT_VLAN_SET,
				   .a = htole32(value) };

	mask = htole32(mask);
	memcpy(a.b, &mask, 4);
	return a;
}

struct sluice_action act_goto(uint32_t table)
{
	struct sluice_action a = { .op = SLUICE_ACT_GOTO,
				   .a = htole32(table) };

	return a;
}

struct sluice_action act_csum(uint32_t which)
{
	struct sluice_action a = { .op = SLUICE_ACT_CSUM,
				   .a = htole32(which) };

	return a;
}

/* @mask and @value are eight hex digits, in packet order. */
struct sluice_action act_pedit(uint8_t op, uint8_t hdr, uint32_t off,
			       const char *mask, const char *value)
{
	struct sluice_action a = { .op = op, .flags = hdr,
				   .a = htole32(off) };

	assert_int_equal(sscanf(mask, "%2hhx%2hhx%2hhx%2hhx", a.b, a.b + 1,
				a.b + 2, a.b + 3), 4);
	assert_int_equal(sscanf(value, "%2hhx%2hhx%2hhx%2hhx", a.c, a.c + 1,
				a.c + 2, a.c + 3), 4);
	return a;
}

void assert_sent(const struct bed *bed, unsigned int i, uint16_t vport,
		 const struct frame *f)
{
	const struct sent *s = &bed->sent[i];

	assert_true(i < bed->num_sent);
	assert_int_equal(s->vport, vport);
	assert_false(s->slow);
	assert_int_equal(s->len, f->len);
	assert_memory_equal(s->b, f->b, f->len);
}

void assert_slow(const struct bed *bed, unsigned int i, uint16_t src,
		 uint8_t reason, const struct frame *f)
{
	const struct sent *s = &bed->sent[i];

	assert_true(i < bed->num_sent);
	assert_true(s->slow);
	assert_int_equal(s->vport, SLUICE_VPORT_PF);
	assert_int_equal(s->meta.src_vport, src);
	assert_int_equal(s->meta.reason, reason);
	assert_int_equal(s->len, f->len);
	assert_memory_equal(s->b, f->b, f->len);
}
