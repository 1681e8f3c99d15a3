/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections inside the eSwitch, and what a ct action does with a packet.
 */
#ifndef SLUICE_ESW_CT_H
#define SLUICE_ESW_CT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "eswitch.h"
#include "memory.h"
#include "parser.h"

/* Lookups on one packet's way. */
#define ESW_CT_MAX_HITS		16

/**
 * struct esw_ct_key - the packets a direction of a connection takes, packed by
 *	esw_ct_key_make()
 * @word: connection table, IP version and protocol; both ports; source address;
 *	destination address
 */
struct esw_ct_key {
	uint64_t word[6];
};

#define ESW_CT_F_CLOSED		0x8000

/**
 * struct esw_conn - one direction of a connection, two cache lines
 * @key: the packets it takes
 * @next: next in the hash bucket
 * @counter: counter id or SLUICE_ID_NONE
 * @state: SLUICE_CT_*, little-endian
 * @flags: SLUICE_CT_F_*, and ESW_CT_F_CLOSED when a FIN or RST was seen:
 *	software has its packets
 * @mark: mark, little-endian
 * @label: labels
 * @nat_sport: source port to write, as in a packet
 * @nat_dport: destination port to write
 * @nat_src: source address to write
 * @nat_dst: destination address to write
 * @id: its id
 * @seq: creation order
 */
struct esw_conn {
	struct esw_ct_key key;
	struct esw_conn *next;
	uint32_t counter;
	uint16_t state;
	uint16_t flags;
	uint32_t mark;
	uint8_t label[16];
	uint16_t nat_sport;
	uint16_t nat_dport;
	uint8_t nat_src[16];
	uint8_t nat_dst[16];
	uint32_t id;
	uint32_t seq;
};

/**
 * struct esw_cts - all connections
 * @conn: by id, NULL where there is none
 * @size: ids @conn has room for
 * @num: directions
 * @next_seq: creation order of the next one
 * @bucket: hash table, NULL before the first
 * @log_buckets: log2 of its size
 * @slab: memory of directions
 */
struct esw_cts {
	struct esw_conn **conn;
	uint32_t size;
	uint32_t num;
	uint32_t next_seq;
	struct esw_conn **bucket;
	unsigned int log_buckets;
	struct esw_slab slab[ESW_SLABS];
};

/**
 * struct esw_flow - the parts of a packet that conntrack looks at
 * @ip: IP header
 * @l4: what follows it
 * @len: length of the IP packet
 * @hlen: of its header
 * @v4: IPv4
 * @proto: IP protocol
 * @ttl: TTL or hop limit
 */
struct esw_flow {
	uint8_t *ip;
	uint8_t *l4;
	uint32_t len;
	uint32_t hlen;
	bool v4;
	uint8_t proto;
	uint8_t ttl;
};

/**
 * struct esw_ct_ask - a connection that is asked for before its packet's turn
 * @ready: the first step that a packet meets next is the one it was asked for;
 *	all else is only good then
 * @hash: of @key
 * @key: the packet's key
 * @flow: the packet
 * @conn: what was found: the direction or NULL
 */
struct esw_ct_ask {
	bool ready;
	uint32_t hash;
	struct esw_ct_key key;
	struct esw_flow flow;
	struct esw_conn *conn;
};

/**
 * struct esw_ct_way - what ct actions did to a packet so far
 * @ask: what was done already for the next ct action
 * @conn: its connection, or NULL
 * @zone: its zone, little-endian
 * @num_hits: lookups that found one
 * @hit: what they found, and the bytes it counts
 */
struct esw_ct_way {
	struct esw_ct_ask ask;
	const struct esw_conn *conn;
	uint16_t zone;
	unsigned int num_hits;
	struct {
		const struct esw_conn *conn;
		uint32_t bytes;
	} hit[ESW_CT_MAX_HITS];
};

/* Connections of different kinds never have the same key. */
static inline uint64_t esw_ct_kind(bool v4, uint8_t proto)
{
	return (v4 ? 4 : 6) | (uint64_t)proto << 8;
}

/* @ports: source and destination port; @src, @dst: 4 or 16 bytes. */
static inline void esw_ct_key_make(struct esw_ct_key *key, uint32_t table,
				   bool v4, uint8_t proto, const void *ports,
				   const uint8_t *src, const uint8_t *dst)
{
	uint32_t w;

	key->word[0] = table | esw_ct_kind(v4, proto) << 32;
	memcpy(&w, ports, 4);
	key->word[1] = w;
	if (v4) {
		memcpy(&w, src, 4);
		key->word[2] = w;
		memcpy(&w, dst, 4);
		key->word[3] = w;
		key->word[4] = 0;
		key->word[5] = 0;
	} else {
		memcpy(&key->word[2], src, 16);
		memcpy(&key->word[4], dst, 16);
	}
}

static inline bool esw_ct_key_same(const struct esw_ct_key *a,
				   const struct esw_ct_key *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) |
		 (a->word[2] ^ b->word[2]) | (a->word[3] ^ b->word[3]) |
		 (a->word[4] ^ b->word[4]) | (a->word[5] ^ b->word[5]));
}

/* Of a connection's key. */
static inline uint32_t esw_ct_key_table(const struct esw_ct_key *key)
{
	return (uint32_t)key->word[0];
}

/* ct.c */
void esw_ct_flush(struct sluice_esw *esw);
uint32_t esw_ct_hash(const struct esw_ct_key *key);
void esw_ct_prefetch(const struct sluice_esw *esw, uint32_t hash);
void esw_ct_prefetch_conn(const struct sluice_esw *esw, uint32_t hash);
struct esw_conn *esw_ct_find(const struct sluice_esw *esw,
			     const struct esw_ct_key *key, uint32_t hash);
void esw_ct_close(struct sluice_esw *esw, const struct esw_conn *conn);

/* ct_run.c */
bool esw_ct_ask(const struct sluice_esw *esw, const struct sluice_pkt *p,
		const struct sluice_action *act, struct esw_ct_ask *ask);
void esw_ct_answer(const struct sluice_esw *esw, struct esw_ct_ask *const *ask,
		   unsigned int num);
bool esw_ct_closed(const struct esw_ct_way *w);
enum sluice_miss esw_ct_run(struct sluice_esw *esw, struct sluice_pkt *p,
			    const struct sluice_action *act,
			    struct esw_ct_way *w, struct sluice_key *key);
void esw_ct_fill_key(const struct esw_ct_way *w, struct sluice_key *key);

#endif /* SLUICE_ESW_CT_H */
