/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the eSwitch tests share: a host that keeps what it is given, and
 * builders of frames, keys and programs.
 */
#ifndef SLUICE_TEST_HARNESS_H
#define SLUICE_TEST_HARNESS_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <endian.h>
#include <cmocka.h>
#include "eswitch.h"

/* A frame under construction. */
struct frame {
	uint32_t len;
	uint8_t b[SLUICE_GSO_FRAME_MAX + 64];
};

void fr_bytes(struct frame *f, const void *p, uint32_t len);
void fr_fill(struct frame *f, uint8_t byte, uint32_t len);
void fr_u16(struct frame *f, uint16_t v);
void fr_macs(struct frame *f, const char *dst, const char *src);
void fr_eth(struct frame *f, const char *dst, const char *src, uint16_t proto);
void fr_vlan(struct frame *f, uint16_t tpid, uint16_t tci);
void fr_ip4(struct frame *f, uint8_t proto, const char *src, const char *dst,
	    uint16_t payload);
void fr_ip6(struct frame *f, uint8_t next, const char *src, const char *dst,
	    uint16_t payload);
void fr_ports(struct frame *f, uint16_t src, uint16_t dst);
void fr_tcp(struct frame *f, uint16_t src, uint16_t dst, uint16_t flags);
void fr_udp(struct frame *f, uint16_t src, uint16_t dst, uint16_t payload);

/* A whole UDP frame from A to B, without and with tags. */
#define MAC_A	"02:00:00:00:00:0a"
#define MAC_B	"02:00:00:00:00:0b"
#define MAC_C	"02:00:00:00:00:0c"
#define MAC_BC	"ff:ff:ff:ff:ff:ff"
#define MAC_MC	"01:00:5e:00:00:01"
void fr_udp4(struct frame *f, uint16_t sport, uint16_t dport);

void mac_parse(uint8_t mac[6], const char *s);

/* A frame the host was given. */
struct sent {
	uint16_t vport;
	bool slow;
	struct sluice_slow_meta meta;
	unsigned int flags;
	uint32_t len;
	uint8_t b[SLUICE_FRAME_MAX + 64];
};

#define MAX_SENT	300

struct bed {
	struct sluice_esw *esw;
	uint64_t now;
	uint32_t hash;			/* of a frame: with its length and first byte */
	unsigned int hash_calls;
	unsigned int num_sent;
	struct sent sent[MAX_SENT];
	enum sluice_tx_result result[0x102];
	unsigned int dirty_calls;
	uint16_t dirty_last;
};

#define BED_VFS		4
#define WIRE0		SLUICE_VPORT_UPLINK(0)
#define WIRE1		SLUICE_VPORT_UPLINK(1)
#define VF(n)		SLUICE_VPORT_VF(n)

/* An eSwitch with everything enabled and up, in the given mode. */
struct bed *bed_new(enum sluice_esw_mode mode);
struct bed *bed_new_cfg(enum sluice_esw_mode mode,
			const struct sluice_esw_cfg *cfg);
extern const struct sluice_esw_cfg bed_cfg;
void bed_free(struct bed *bed);
void bed_send(struct bed *bed, uint16_t vport, const struct frame *f);
void bed_clear(struct bed *bed);
void bed_root(struct bed *bed, uint16_t vport, uint32_t table);
void bed_policy(struct bed *bed, uint16_t vport, uint32_t policy);
void bed_link(struct bed *bed, uint16_t vport, uint8_t link);
void bed_mtu(struct bed *bed, uint16_t vport, uint16_t mtu);
void bed_egress(struct bed *bed, uint16_t vport, uint8_t punt);
struct sluice_vport_stats bed_stats(struct bed *bed, uint16_t vport);

/* Rules. */
int bed_mask(struct bed *bed, uint32_t id, const struct sluice_key *mask);

struct rule {
	uint32_t id;
	uint32_t table;
	uint32_t mask;
	uint32_t counter;
	uint32_t prio;
	uint32_t subprio;
	uint16_t flags;
	const struct sluice_key *mask_bits;	/* NULL: none */
	const struct sluice_key *key;
	const struct sluice_action *act;
	unsigned int num_act;
};

int bed_rule(struct bed *bed, const struct rule *r);
/* A rule of the empty mask 0 for everything in @table. */
void bed_any(struct bed *bed, uint32_t id, uint32_t table,
	     const struct sluice_action *act, unsigned int n);
uint64_t bed_packets(struct bed *bed, uint32_t counter);
uint64_t bed_bytes(struct bed *bed, uint32_t counter);

struct sluice_action act(uint8_t op);
struct sluice_action act_out(uint16_t port);
struct sluice_action act_push(uint16_t tpid, uint16_t tci);
struct sluice_action act_set(uint32_t value, uint32_t mask);
struct sluice_action act_goto(uint32_t table);
struct sluice_action act_csum(uint32_t which);
struct sluice_action act_pedit(uint8_t op, uint8_t hdr, uint32_t off,
			       const char *mask, const char *value);

/* Checks. */
void assert_sent(const struct bed *bed, unsigned int i, uint16_t vport,
		 const struct frame *f);
void assert_slow(const struct bed *bed, unsigned int i, uint16_t src,
		 uint8_t reason, const struct frame *f);

#endif /* SLUICE_TEST_HARNESS_H */
