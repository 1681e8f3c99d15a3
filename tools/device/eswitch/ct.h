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

struct esw_counter;

/* Words of a key, by IP version. */
#define ESW_CT_WORDS4		3
#define ESW_CT_WORDS6		6

/**
 * struct esw_ct_key - the packets a direction of a connection takes, packed by
 *	esw_ct_key_make()
 * @word: connection table, IP version and protocol; then ports and addresses,
 *	which of IPv4 take two words
 */
struct esw_ct_key {
	uint64_t word[ESW_CT_WORDS6];
};

#define ESW_CT_F_CLOSED		0x8000
#define ESW_CT_F_LABEL		0x4000

/**
 * struct esw_conn - one direction of a connection, two cache lines: packets of
 *	IPv4 need the first alone
 * @key: the packets it takes, what of the key is there with IPv4
 * @next: next in the hash bucket
 * @counter: counter id or SLUICE_ID_NONE
 * @state: SLUICE_CT_*, little-endian
 * @flags: SLUICE_CT_F_*, and ESW_CT_F_CLOSED when a FIN or RST was seen:
 *	software has its packets; ESW_CT_F_LABEL when @label is not zero
 * @mark: mark, little-endian
 * @nat_sport: source port to write, as in a packet
 * @nat_dport: destination port to write
 * @nat_src: source address to write, its first four bytes
 * @nat_dst: destination address to write, likewise
 * @id: its id
 * @seq: creation order
 * @key6: the rest of the key
 * @label: labels
 * @nat_src6: the rest of @nat_src
 * @nat_dst6: the rest of @nat_dst
 */
struct esw_conn {
	uint64_t key[ESW_CT_WORDS4];
	struct esw_conn *next;
	uint32_t counter;
	uint16_t state;
	uint16_t flags;
	uint32_t mark;
	uint16_t nat_sport;
	uint16_t nat_dport;
	uint8_t nat_src[4];
	uint8_t nat_dst[4];
	uint32_t id;
	uint32_t seq;
	uint64_t key6[ESW_CT_WORDS6 - ESW_CT_WORDS4];
	uint8_t label[16];
	uint8_t nat_src6[12];
	uint8_t nat_dst6[12];
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
 * @pkt: the packet
 * @act: the step
 * @key: the packet's key
 * @flow: its parts
 * @conn: what was found: the direction or NULL
 * @counter: its counter, or NULL
 */
struct esw_ct_ask {
	bool ready;
	uint32_t hash;
	const struct sluice_pkt *pkt;
	const struct sluice_action *act;
	struct esw_ct_key key;
	struct esw_flow flow;
	struct esw_conn *conn;
	struct esw_counter *counter;
};

/**
 * struct esw_ct_way - what ct actions did to a packet so far
 * @ask: what was done already for the next ct action
 * @conn: its connection, or NULL
 * @zone: its zone, little-endian
 * @num_hits: lookups that found one
 * @hit: what they found, its counter or NULL, and the bytes it counts
 */
struct esw_ct_way {
	struct esw_ct_ask ask;
	const struct esw_conn *conn;
	uint16_t zone;
	unsigned int num_hits;
	struct {
		const struct esw_conn *conn;
		struct esw_counter *at;
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
	uint32_t p, s, d;

	key->word[0] = table | esw_ct_kind(v4, proto) << 32;
	memcpy(&p, ports, 4);
	if (v4) {
		memcpy(&s, src, 4);
		memcpy(&d, dst, 4);
		key->word[1] = p | (uint64_t)s << 32;
		key->word[2] = d;
	} else {
		key->word[1] = p;
		memcpy(&key->word[2], src, 16);
		memcpy(&key->word[4], dst, 16);
	}
}

static inline bool esw_ct_key_is4(const struct esw_ct_key *key)
{
	return (uint8_t)(key->word[0] >> 32) == 4;
}

/* Another lane may close the connection meanwhile. */
static inline uint16_t esw_conn_flags(const struct esw_conn *c)
{
	return __atomic_load_n(&c->flags, __ATOMIC_RELAXED);
}

/* Does the direction take packets with this key? */
static inline bool esw_conn_takes(const struct esw_conn *c,
				  const struct esw_ct_key *k)
{
	if ((c->key[0] ^ k->word[0]) | (c->key[1] ^ k->word[1]) |
	    (c->key[2] ^ k->word[2]))
		return false;
	return esw_ct_key_is4(k) ||
	       !((c->key6[0] ^ k->word[3]) | (c->key6[1] ^ k->word[4]) |
		 (c->key6[2] ^ k->word[5]));
}

static inline uint32_t esw_conn_table(const struct esw_conn *c)
{
	return (uint32_t)c->key[0];
}

/* What esw_ct_kind() says of its packets. */
static inline uint64_t esw_conn_kind(const struct esw_conn *c)
{
	return c->key[0] >> 32;
}

/**
 * esw_ct_closed() - was a connection closed since its packet met it?
 * @w: the packet's way
 *
 * Return: whether one of them was.
 */
static inline bool esw_ct_closed(const struct esw_ct_way *w)
{
	unsigned int i;

	for (i = 0; i < w->num_hits; i++)
		if (esw_conn_flags(w->hit[i].conn) & ESW_CT_F_CLOSED)
			return true;
	return false;
}

/**
 * esw_ct_fill_key() - the connection's part of the key
 * @w: the packet's way
 * @key: its ct fields are set, to zero without a connection
 */
static inline void esw_ct_fill_key(const struct esw_ct_way *w,
				   struct sluice_key *key)
{
	if (!w->conn) {
		key->ct_state = 0;
		key->ct_zone = 0;
		key->ct_mark = 0;
		memset(key->ct_label, 0, sizeof(key->ct_label));
		return;
	}
	key->ct_state = w->conn->state;
	key->ct_zone = w->zone;
	key->ct_mark = w->conn->mark;
	if (esw_conn_flags(w->conn) & ESW_CT_F_LABEL)
		memcpy(key->ct_label, w->conn->label, sizeof(key->ct_label));
	else
		memset(key->ct_label, 0, sizeof(key->ct_label));
}

/* ct.c */
void esw_ct_flush(struct sluice_esw *esw);
void esw_ct_close(struct sluice_esw *esw, const struct esw_conn *conn);

/* ct_run.c */
unsigned int esw_ct_ask(const struct sluice_esw *esw, struct esw_ct_ask **ask,
			unsigned int num);
void esw_ct_answer(const struct sluice_esw *esw, struct esw_ct_ask *const *ask,
		   unsigned int num, bool many);
enum sluice_miss esw_ct_track(struct sluice_esw *esw, struct sluice_pkt *p,
			      const struct sluice_action *act,
			      struct esw_ct_way *w, struct sluice_key *key);
enum sluice_miss esw_ct_run(struct sluice_esw *esw, struct sluice_pkt *p,
			    const struct sluice_action *act,
			    struct esw_ct_way *w, struct sluice_key *key);

#endif /* SLUICE_ESW_CT_H */
