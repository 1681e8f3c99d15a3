/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tunnel tests share: outer headers, built without help from the
 * library, and the objects that belong to them.
 */
#ifndef SLUICE_TEST_TUN_BED_H
#define SLUICE_TEST_TUN_BED_H

#include "harness.h"

#define MAC_P0	"02:00:00:00:aa:00"	/* our side of the underlay */
#define MAC_NH	"02:00:00:00:bb:01"	/* the neighbour */

/**
 * struct outer - a tunnel header
 * @type: enum sluice_tunnel
 * @v6: IPv6
 * @dst_mac: destination MAC address
 * @src_mac: source MAC address
 * @tpid: tag, 0 for none
 * @tci: its control information
 * @src: source IP address
 * @dst: destination IP address
 * @tos: TOS or traffic class
 * @ttl: TTL or hop limit
 * @label: IPv6 flow label
 * @frag: IPv4 flags and fragment offset
 * @id: IPv4 id
 * @sport: UDP source port
 * @dport: UDP destination port
 * @csum: UDP checksum
 * @vni: VNI or GRE key
 * @key: GRE: there is a key
 * @head: VXLAN: first four bytes, GENEVE: first two, GRE: first two
 * @opts: GENEVE options
 * @num_opts: their length in bytes
 */
struct outer {
	uint8_t type;
	bool v6;
	const char *dst_mac;
	const char *src_mac;
	uint16_t tpid;
	uint16_t tci;
	const char *src;
	const char *dst;
	uint8_t tos;
	uint8_t ttl;
	uint32_t label;
	uint16_t frag;
	uint16_t id;
	uint16_t sport;
	uint16_t dport;
	bool csum;
	uint32_t vni;
	bool key;
	uint32_t head;
	uint8_t opts[252];
	unsigned int num_opts;
};

/* Something usual of each type. */
struct outer outer_usual(uint8_t type, bool v6);
/* @inner behind @o, with all lengths and checksums. */
void fr_tunnel(struct frame *f, const struct outer *o,
	       const struct frame *inner);
/* Offset of the IP header in fr_tunnel(), and of what is behind it. */
uint32_t outer_ip(const struct outer *o);
uint32_t outer_l4(const struct outer *o);
/* Compute the outer IPv4 and UDP checksums of a frame anew. */
void fr_fix_ip(struct frame *f, const struct outer *o);
void fr_fix_udp(struct frame *f, const struct outer *o);

/* Commands, with everything usual in them. */
struct sluice_cmd_next_hop tun_next_hop(uint32_t id, uint16_t port,
					const struct outer *o);
struct encap_cmd {
	struct sluice_cmd_encap cmd;
	uint8_t room[SLUICE_ENCAP_HDR_MAX + 8];
};

void tun_encap(struct encap_cmd *e, uint32_t id, uint32_t next_hop,
	       const struct outer *o);
struct sluice_cmd_endpoint tun_endpoint(uint32_t id, uint16_t port,
					uint32_t table, const struct outer *o);

/* Next hop and encap @id by @port. */
void bed_tunnel(struct bed *bed, uint32_t id, uint16_t port,
		const struct outer *o, uint16_t flags);
struct sluice_action act_tunnel(uint32_t encap);

/* The source port of a packet whose frame the bed gives this hash. */
uint16_t tun_sport(const struct bed *bed, const struct frame *f);

/*
 * The way in: endpoint 1 at the wire leads to TUN_TABLE.
 */
#define TUN_TABLE	2

/* The same header as seen by who is on its other end: the frame is for us. */
struct outer outer_incoming(uint8_t type, bool v6);
void bed_endpoint(struct bed *bed, const struct outer *o);
void bed_endpoint_set(struct bed *bed, const struct sluice_cmd_endpoint *cmd);
/* Rule 0: everything in TUN_TABLE goes to VF 1. */
void tun_to_vf(struct bed *bed);
void bed_del(struct bed *bed, uint32_t rule);
/* @f comes in by the wire; only its inner frame, or only itself, comes out. */
void tun_expect_inner(struct bed *bed, const struct frame *f,
		      const struct frame *inner);
void tun_expect_slow(struct bed *bed, const struct frame *f, uint8_t reason,
		     uint32_t table);

#endif /* SLUICE_TEST_TUN_BED_H */
