/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections inside the eSwitch, and what a ct action does with a packet.
 */
#ifndef SLUICE_ESW_CT_H
#define SLUICE_ESW_CT_H

#include <stdbool.h>
#include <stdint.h>
#include "eswitch.h"
#include "parser.h"

/* Lookups on one packet's way. */
#define ESW_CT_MAX_HITS		16

/**
 * struct esw_ct_key - the packets a direction of a connection takes
 * @table: connection table
 * @sport: source port, as in the packet
 * @dport: destination port
 * @ip: IP version
 * @proto: IP protocol
 * @pad: zero; makes it a multiple of 8
 * @src: source address
 * @dst: destination address
 */
struct esw_ct_key {
	uint32_t table;
	uint16_t sport;
	uint16_t dport;
	uint8_t ip;
	uint8_t proto;
	uint8_t pad[6];
	uint8_t src[16];
	uint8_t dst[16];
};

/**
 * struct esw_conn - one direction of a connection
 * @next: next in the hash bucket
 * @key: the packets it takes
 * @hash: of @key
 * @id: its id
 * @seq: creation order
 * @counter: counter id or SLUICE_ID_NONE
 * @mark: mark, little-endian
 * @label: labels
 * @state: SLUICE_CT_*, little-endian
 * @flags: SLUICE_CT_F_*
 * @closed: a FIN or RST was seen, software has its packets
 * @nat_sport: source port to write, as in a packet
 * @nat_dport: destination port to write
 * @nat_src: source address to write
 * @nat_dst: destination address to write
 */
struct esw_conn {
	struct esw_conn *next;
	struct esw_ct_key key;
	uint32_t hash;
	uint32_t id;
	uint64_t seq;
	uint32_t counter;
	uint32_t mark;
	uint8_t label[16];
	uint16_t state;
	uint16_t flags;
	bool closed;
	uint16_t nat_sport;
	uint16_t nat_dport;
	uint8_t nat_src[16];
	uint8_t nat_dst[16];
};

/**
 * struct esw_cts - all connections
 * @conn: by id, NULL where there is none
 * @size: ids @conn has room for
 * @num: directions
 * @next_seq: creation order of the next one
 * @bucket: hash table, NULL before the first
 * @log_buckets: log2 of its size
 */
struct esw_cts {
	struct esw_conn **conn;
	uint32_t size;
	uint32_t num;
	uint64_t next_seq;
	struct esw_conn **bucket;
	unsigned int log_buckets;
};

/**
 * struct esw_ct_way - what ct actions did to a packet so far
 * @conn: its connection, or NULL
 * @zone: its zone, little-endian
 * @num_hits: lookups that found one
 * @hit: their counters and the bytes they count
 */
struct esw_ct_way {
	const struct esw_conn *conn;
	uint16_t zone;
	unsigned int num_hits;
	struct {
		uint32_t counter;
		uint32_t bytes;
	} hit[ESW_CT_MAX_HITS];
};

/* ct.c */
void esw_ct_flush(struct sluice_esw *esw);
struct esw_conn *esw_ct_find(const struct sluice_esw *esw,
			     const struct esw_ct_key *key);
void esw_ct_close(struct sluice_esw *esw, const struct esw_conn *conn);

/* ct_run.c */
enum sluice_miss esw_ct_run(struct sluice_esw *esw, struct sluice_pkt *p,
			    const struct sluice_action *act,
			    struct esw_ct_way *w);
void esw_ct_fill_key(const struct esw_ct_way *w, struct sluice_key *key);

#endif /* SLUICE_ESW_CT_H */
