/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnels inside the eSwitch: next hops, encaps, endpoints, and what they do
 * with a packet.
 */
#ifndef SLUICE_ESW_TUNNEL_H
#define SLUICE_ESW_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "eswitch.h"
#include "parser.h"

struct esw_vport;

#define ESW_P_TEB		0x6558	/* an Ethernet frame in GRE, GENEVE */

#define ESW_IPPROTO_GRE		47

#define ESW_UDP_HLEN		8
#define ESW_VXLAN_HLEN		8
#define ESW_GENEVE_HLEN		8
#define ESW_GRE_HLEN		4
#define ESW_GRE_KEY_LEN		4

#define ESW_VXLAN_F_VNI		0x08	/* first byte */
#define ESW_VXLAN_F_GBP		0x80
#define ESW_VXLAN_GBP_DONT_LEARN 0x40	/* second byte */
#define ESW_VXLAN_GBP_APPLIED	0x08
#define ESW_GENEVE_F_OAM	0x80	/* second byte */
#define ESW_GENEVE_F_CRIT	0x40
#define ESW_GRE_F_KEY		0x2000

#define ESW_ECN_MASK		0x03
#define ESW_ECN_ECT1		0x01
#define ESW_ECN_ECT0		0x02
#define ESW_ECN_CE		0x03

/**
 * struct esw_next_hop - a neighbour
 * @counter: counter id or SLUICE_ID_NONE
 * @refs: encaps that use it
 * @table: table
 * @port: uplink the frames leave by
 * @valid: resolved
 * @onward: the frames go on in @table, not to @port
 * @head_len: bytes at @head
 * @head: Ethernet addresses, and the tag if there is one
 */
struct esw_next_hop {
	uint32_t counter;
	uint32_t refs;
	uint32_t table;
	uint16_t port;
	bool valid;
	bool onward;
	uint8_t head_len;
	uint8_t head[ESW_MACS_LEN + ESW_VLAN_HLEN];
};

/**
 * struct esw_encap - a tunnel header
 * @nh: next hop or NULL
 * @refs: steps of rules that use it
 * @sport_range: number of UDP source ports
 * @sum: IPv4: of the 16-bit words of @header without TOS and TTL
 * @sport_min: the first of them
 * @flags: SLUICE_ENCAP_F_*
 * @mtu: longest IP packet
 * @ip_id: IPv4 id of the next packet
 * @len: bytes at @header
 * @l4: offset of UDP or GRE in it
 * @type: enum sluice_tunnel
 * @v6: the header is IPv6
 * @header: template
 */
struct esw_encap {
	struct esw_next_hop *nh;
	uint32_t refs;
	uint32_t sport_range;
	uint32_t sum;
	uint16_t sport_min;
	uint16_t flags;
	uint16_t mtu;
	uint16_t ip_id;
	uint16_t len;
	uint8_t l4;
	uint8_t type;
	bool v6;
	uint8_t header[SLUICE_ENCAP_HDR_MAX];
};

/**
 * struct esw_ep_key - the frames an endpoint takes, packed by ep_key() in
 *	endpoint.c
 * @word: group, port, TPID; VLAN id, UDP port, IP version, protocol;
 *	destination MAC address; destination IP address
 */
struct esw_ep_key {
	uint64_t word[5];
};

/**
 * struct esw_endpoint - where frames are taken out of a tunnel
 * @next: next in the hash bucket
 * @key: the frames it takes
 * @hash: of @key
 * @port: uplink, or SLUICE_VPORT_NONE
 * @root_table: first table for the inner frames
 * @flags: SLUICE_ENDPOINT_F_*
 * @type: enum sluice_tunnel
 * @own_mac: inner source address it refuses, or zero
 * @zero_bits: bits of the VXLAN header that must be zero
 */
struct esw_endpoint {
	struct esw_endpoint *next;
	struct esw_ep_key key;
	uint32_t hash;
	uint32_t root_table;
	uint16_t port;
	uint16_t flags;
	uint8_t type;
	uint8_t own_mac[ESW_ETH_ALEN];
	uint8_t zero_bits[ESW_VXLAN_HLEN];
};

/**
 * struct esw_tunnels - the tunnel objects of an eSwitch, each kind by id
 * @next_hop: next hops, NULL where there is none
 * @next_hops_size: ids @next_hop has room for
 * @num_next_hops: next hops
 * @encap: encaps
 * @encaps_size: ids @encap has room for
 * @num_encaps: encaps
 * @endpoint: endpoints
 * @endpoints_size: ids @endpoint has room for
 * @num_endpoints: endpoints
 * @bucket: hash table of endpoints, NULL before the first
 */
struct esw_tunnels {
	struct esw_next_hop **next_hop;
	uint32_t next_hops_size;
	uint32_t num_next_hops;
	struct esw_encap **encap;
	uint32_t encaps_size;
	uint32_t num_encaps;
	struct esw_endpoint **endpoint;
	uint32_t endpoints_size;
	uint32_t num_endpoints;
	struct esw_endpoint **bucket;
};

/* next_hop.c */
struct esw_next_hop *esw_next_hop_get(const struct sluice_esw *esw,
				      uint32_t id);
void esw_next_hops_flush(struct sluice_esw *esw);

/* encap.c */
struct esw_encap *esw_encap_get(const struct sluice_esw *esw, uint32_t id);
void esw_encaps_flush(struct sluice_esw *esw);

/* encap_run.c */

/**
 * struct esw_inner - the IP header in a packet that is to be encapsulated
 * @proto: ESW_P_IP, ESW_P_IPV6 or something else
 * @ip: IP header, if @proto says there is one
 * @tagged: there is a tag before it
 */
struct esw_inner {
	uint16_t proto;
	const uint8_t *ip;
	bool tagged;
};

enum sluice_miss esw_encap_check(const struct sluice_esw *esw,
				 const struct esw_encap *e,
				 const struct sluice_pkt *p,
				 struct esw_inner *in, uint32_t *len);
void esw_encap_run(struct sluice_esw *esw, struct esw_encap *e,
		   const struct sluice_pkt *p, const struct esw_inner *in,
		   uint32_t hash, uint8_t *out);

/* endpoint.c */

/**
 * struct esw_outer - IP header of a frame that may be a tunnel's
 * @ip: IP header
 * @len: bytes there are from @ip on
 * @hlen: its length
 * @v6: IPv6
 * @proto: UDP or GRE
 */
struct esw_outer {
	const uint8_t *ip;
	uint32_t len;
	uint32_t hlen;
	bool v6;
	uint8_t proto;
};

const struct esw_endpoint *esw_endpoint_find(struct sluice_esw *esw,
					     uint16_t port, uint32_t group,
					     const struct sluice_pkt *p,
					     struct esw_outer *o);
void esw_endpoints_flush(struct sluice_esw *esw);

/* decap.c */

bool esw_decap(const struct esw_endpoint *ep, const struct esw_outer *o,
	       struct sluice_pkt *p, struct sluice_key *key,
	       const uint8_t **frame, uint32_t *len);

#endif /* SLUICE_ESW_TUNNEL_H */
