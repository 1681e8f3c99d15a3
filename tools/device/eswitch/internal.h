/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the eSwitch's own files share.
 */
#ifndef SLUICE_ESW_INTERNAL_H
#define SLUICE_ESW_INTERNAL_H

#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "eswitch.h"
#include "memory.h"
#include "parser.h"
#include "tunnel.h"
#include "ct.h"
#include "vport.h"

#define ESW_MAX_LANES		(SLUICE_ESW_MAX_LANES - 1)
#define ESW_PERM_MTU		1500	/* of a function the PF gave none */

/* legacy.c: which function listens to which address. */

#define FDB_BUCKETS	1024

/**
 * struct esw_fdb_entry - a function's address
 * @next: index of the next entry in the bucket or in the free list, ~0 at the
 *	end
 * @vport: the function
 * @mac: the address
 * @own: it is the function's own address, not a filter
 */
struct esw_fdb_entry {
	uint32_t next;
	uint16_t vport;
	uint8_t mac[6];
	bool own;
};

struct esw_fdb {
	struct esw_fdb_entry *pool;
	uint32_t free;
	uint32_t bucket[FDB_BUCKETS];
};

int esw_fdb_init(struct sluice_esw *esw);
void esw_fdb_free(struct sluice_esw *esw);
void esw_fdb_add(struct sluice_esw *esw, uint16_t vport, const uint8_t *mac,
		 bool own);
bool esw_fdb_del(struct sluice_esw *esw, uint16_t vport, const uint8_t *mac,
		 bool own);
bool esw_fdb_has(const struct sluice_esw *esw, uint16_t vport,
		 const uint8_t *mac);
void esw_fdb_del_filters(struct sluice_esw *esw, uint16_t vport);
struct esw_vport *esw_legacy_only(const struct sluice_esw *esw,
				  const struct esw_vport *src,
				  const uint8_t *frame, uint32_t len);
bool esw_vlan_foreign(const struct esw_vport *vp, const uint8_t *frame);
void esw_legacy_input(struct sluice_esw *esw, struct esw_vport *src,
		      const uint8_t *frame, uint32_t len, unsigned int flags);

/* mask.c */

/**
 * struct esw_mask - bits of the key that count
 * @words: number of 64-bit words with a bit set
 * @index: which words of the key; zero behind the last
 * @bits: their masks; zero behind the last
 * @refs: subtables that use it
 */
struct esw_mask {
	uint32_t words;
	uint8_t index[SLUICE_KEY_WORDS];
	uint64_t bits[SLUICE_KEY_WORDS];
	uint32_t refs;
};

struct esw_mask *esw_mask_get(const struct sluice_esw *esw, uint32_t id);
void esw_masks_flush(struct sluice_esw *esw);

/* range.c */

/**
 * struct esw_range - a port range comparator
 * @min: first port
 * @max: last port
 * @field: enum sluice_range_field
 */
struct esw_range {
	uint16_t min;
	uint16_t max;
	uint8_t field;
};

/**
 * struct esw_ranges - all comparators
 * @used: bit N: there is @range[N]
 * @range: comparators
 */
struct esw_ranges {
	uint64_t used;
	struct esw_range range[SLUICE_MAX_RANGES];
};

void esw_ranges_match(const struct esw_ranges *ranges, struct sluice_key *key);

/* meter.c */

/**
 * struct esw_bucket - what a meter has saved up, in nanoseconds
 * @tokens: at the byte rate
 * @peak: at the peak rate
 * @packet: at the packet rate
 * @then: host clock of the last packet that conformed
 */
struct esw_bucket {
	int64_t tokens;
	int64_t peak;
	int64_t packet;
	uint64_t then;
};

/**
 * struct esw_meter - a policer
 * @bucket: state
 * @cmd: how it was set, little-endian
 * @refs: steps of rules that name it
 */
struct esw_meter {
	struct esw_bucket bucket;
	struct sluice_cmd_meter cmd;
	uint32_t refs;
};

struct esw_meter *esw_meter_get(const struct sluice_esw *esw, uint32_t id);
bool esw_meter_run(const struct esw_meter *m, struct esw_bucket *b,
		   uint32_t bytes, uint64_t now);
void esw_meters_flush(struct sluice_esw *esw);

/* table.c */

/**
 * struct esw_rule - a rule
 * @next: next key of a hash bucket that is too full
 * @same: next best rule of the same key in the same subtable
 * @sub: subtable it is in
 * @seq: creation order
 * @id: rule id
 * @prio: lower first
 * @subprio: then lower first
 * @heap: place in the subtable's heap
 * @hash: of the key
 * @pad: puts what follows into a cache line of its own: it is all that most
 *	frames need
 * @counter: counter id or SLUICE_ID_NONE
 * @num_actions: steps of the program
 * @key_words: words of the key
 * @flags: ESW_RULE_*
 * @data: key words selected by the mask, then the program
 */
struct esw_rule {
	struct esw_rule *next;
	struct esw_rule *same;
	struct esw_subtable *sub;
	uint64_t seq;
	uint32_t id;
	uint32_t prio;
	uint32_t subprio;
	uint32_t heap;
	uint32_t hash;
	uint32_t pad[3];
	uint32_t counter;
	uint32_t num_actions;
	uint32_t key_words;
	uint32_t flags;
	uint64_t data[];
};

#define ESW_RULE_PASSES		0x01	/* changes its packet, and ends with a goto */
#define ESW_RULE_CT		0x02	/* looks up its packet's connection first */
#define ESW_RULE_CT_ALONE	0x04	/* and does nothing else before its goto */

#define ESW_BUCKET_KEYS		6

/**
 * struct esw_hash_bucket - rules of a subtable whose hash ends with the same bits; a
 *	cache line
 * @rule: the best rule of each key
 * @tag: the upper half of their hashes
 * @num: number of keys; those for which there is no room are behind the last of
 *	@rule, linked by their next
 */
struct esw_hash_bucket {
	struct esw_rule *rule[ESW_BUCKET_KEYS];
	uint16_t tag[ESW_BUCKET_KEYS];
	uint32_t num;
};

static inline uint16_t esw_hash_tag(uint32_t hash)
{
	return (uint16_t)(hash >> 16);
}

/**
 * struct esw_subtable - the rules of a table that have the same mask
 * @mask: the mask
 * @bucket: hash table of rules
 * @last_bucket: its size, a power of two, less one
 * @prio: of the best rule
 * @subprio: of the best rule
 * @num_rules: rules
 * @same_slot: next subtable with the same slot
 * @slot: its bit in the table's index
 * @table: the table
 * @heap: all rules, best (@prio, @subprio) first, as a binary heap
 * @heap_size: its capacity
 */
struct esw_subtable {
	struct esw_mask *mask;
	struct esw_hash_bucket *bucket;
	uint32_t last_bucket;
	uint32_t prio;
	uint32_t subprio;
	uint32_t num_rules;
	struct esw_subtable *same_slot;
	uint8_t slot;
	struct esw_table *table;
	struct esw_rule **heap;
	uint32_t heap_size;
};

/**
 * struct esw_table - a table of rules
 * @sub: subtables, the one with the best rule first
 * @num_subs: their number
 * @sub_size: capacity of @sub
 * @num_rules: rules of all of them
 * @id: table id
 * @gen: stamp of its contents, never the same in two states of any table
 * @index: tells which subtables to look in, NULL where it would not pay
 */
struct esw_table {
	struct esw_subtable **sub;
	uint32_t num_subs;
	uint32_t sub_size;
	uint32_t num_rules;
	uint32_t id;
	uint64_t gen;
	struct esw_index *index;
};

int esw_table_insert(struct sluice_esw *esw, uint32_t id,
		     struct esw_mask *mask, struct esw_rule *rule);
void esw_table_remove(struct sluice_esw *esw, struct esw_rule *rule);

/* index.c */

/* Tables with fewer masks than this are faster without an index. */
#define ESW_INDEX_MIN_SUBS	2
#define ESW_SLOTS		128

/* A set of slots. */
struct esw_slots {
	uint64_t bits[ESW_SLOTS / 64];
};

/**
 * struct esw_index - which subtables a key may have a rule in
 * @all: every bit of the key that a mask of the table looks at, or more
 * @pivot: bits that the masks of all indexed subtables look at; none when no
 *	subtable is indexed
 * @others: slots of subtables that are not indexed
 * @set: by the hash of a key's @pivot bits, slots of the indexed subtables that
 *	have such a rule; others may be in it too
 * @last_set: their number, a power of two, less one
 * @units: units of the flow cache that an entry takes
 * @changes: what was changed since it was built, and how much that matters
 * @sub: subtables by slot
 */
struct esw_index {
	struct esw_mask all;
	struct esw_mask pivot;
	struct esw_slots others;
	struct esw_slots *set;
	uint32_t last_set;
	uint32_t units;
	uint32_t changes;
	struct esw_subtable *sub[ESW_SLOTS];
};

void esw_index_add_sub(struct esw_table *table, struct esw_subtable *sub);
void esw_index_del_sub(struct esw_table *table, struct esw_subtable *sub);
void esw_index_rule(struct esw_table *table, const struct esw_rule *rule,
		    bool added);
void esw_index_free(struct esw_table *table);

static inline const struct esw_slots *
esw_index_set(const struct esw_index *index, uint32_t hash)
{
	return &index->set[hash & index->last_set];
}

/* cache.c */

#define ESW_CACHE_MIN_LOG	13
#define ESW_CACHE_LOG		17

/**
 * struct esw_cache_unit - 64 bytes of the flow cache
 * @stamp: the table's stamp when it was written, and a part of the key's hash;
 *	in every unit of an entry
 * @word: in the first unit of an entry the rule, then the words of the key
 */
struct esw_cache_unit {
	uint64_t stamp;
	uint64_t word[7];
};

/**
 * struct esw_cache - the flow cache: keys, as far as their table looks at them,
 *	and the rules found for them
 * @unit: room for entries, in huge pages
 * @mem: the memory it is in
 * @log: number of units in use
 * @lookups: lookups since @log was last thought about
 * @hits: those that found something
 * @evictions: those that pushed something out
 * @rest: lookups to come that go past the cache, as it does not help
 */
struct esw_cache {
	struct esw_cache_unit *unit;
	void *mem;
	unsigned int log;
	uint32_t lookups;
	uint32_t hits;
	uint32_t evictions;
	uint32_t rest;
};

bool esw_cache_init(struct esw_cache *c);
void esw_cache_free(struct esw_cache *c);
void esw_cache_review(struct esw_cache *c);
uint32_t esw_cache_units(uint32_t words);
bool esw_cache_is(const struct esw_cache_unit *u, uint64_t stamp,
		  const struct esw_mask *all, const uint64_t *key);
void esw_cache_store(struct esw_cache *c, const struct esw_table *table,
		     const uint64_t *key, uint32_t hash,
		     const struct esw_rule *rule);

/* lookup.c */

#define ESW_CANDIDATES		6

/**
 * struct esw_candidate - a subtable to look in
 * @sub: the subtable
 * @hash: the key's hash there
 */
struct esw_candidate {
	const struct esw_subtable *sub;
	uint32_t hash;
};

#define ESW_LOOKUP_WORDS	8

/**
 * struct esw_lookup - a lookup
 * @key: the whole key
 * @rule: what was found, or NULL
 * @id: table id; a table without rules is fine
 * @from: rules of a lower priority are left out
 * @hash: of the words of the key that count
 * @started: esw_lookup_start() has done its part
 * @done: it has ended
 * @word: those words, where a mask has no more than there is room for
 * @num: candidates, or more than there is room for
 * @candidate: subtables to look in, with an index
 */
struct esw_lookup {
	const uint64_t *key;
	const struct esw_rule *rule;
	uint64_t from;
	uint32_t id;
	uint32_t hash;
	bool started;
	bool done;
	uint64_t word[ESW_LOOKUP_WORDS];
	unsigned int num;
	struct esw_candidate candidate[ESW_CANDIDATES];
};

void esw_lookup_start(const struct sluice_esw *esw, struct esw_lookup *l,
		      unsigned int num);
void esw_lookup(struct sluice_esw *esw, struct esw_lookup *l, unsigned int num);

/*
 * Hash of words, as if zeros made them a multiple of four.  Each pair is
 * multiplied on its own, so that they don't wait for each other.
 */
#define ESW_HASH_STEP	0x9e3779b97f4a7c15ull

static inline uint64_t esw_hash_pair(uint64_t a, uint64_t b, uint64_t step)
{
	unsigned __int128 m = (unsigned __int128)(a ^ step) *
			      (b ^ (step + ESW_HASH_STEP));

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint32_t esw_hash_end(uint64_t h)
{
	return (uint32_t)(((h ^ h >> 32) * 0xd6e8feb86659fd93ull) >> 32);
}

static inline uint32_t esw_hash_words(const uint64_t *w, unsigned int n)
{
	uint64_t h = 0, step = ESW_HASH_STEP;

	for (; n > 3; n -= 4, w += 4, step += 4 * ESW_HASH_STEP)
		h += esw_hash_pair(w[0], w[1], step) +
		     esw_hash_pair(w[2], w[3], step + 2 * ESW_HASH_STEP);
	if (n)
		h += esw_hash_pair(w[0], n > 1 ? w[1] : 0, step) +
		     esw_hash_pair(n > 2 ? w[2] : 0, 0,
				   step + 2 * ESW_HASH_STEP);
	return esw_hash_end(h);
}

/* The same of the words that @mask selects from a whole key. */
static inline uint32_t esw_hash_key(const struct esw_mask *mask,
				    const uint64_t *key)
{
	const uint64_t *bits = mask->bits;
	const uint8_t *index = mask->index, *end = index + mask->words;
	uint64_t h = 0, step = ESW_HASH_STEP;

	/* Behind the last word the bits are zero. */
	for (; index < end; index += 4, bits += 4, step += 4 * ESW_HASH_STEP)
		h += esw_hash_pair(key[index[0]] & bits[0],
				   key[index[1]] & bits[1], step) +
		     esw_hash_pair(key[index[2]] & bits[2],
				   key[index[3]] & bits[3],
				   step + 2 * ESW_HASH_STEP);
	return esw_hash_end(h);
}

/* rule.c */

void esw_rules_flush(struct sluice_esw *esw);

static inline const struct sluice_action *
esw_rule_actions(const struct esw_rule *rule)
{
	return (const void *)(rule->data + rule->key_words);
}

/* counter.c */

#define COUNTER_CHUNK	65536

/**
 * struct esw_counter - a rule counter, half a cache line
 * @packets: packets
 * @bytes: bytes
 * @last_use: host clock at the last hit
 * @next: next changed counter, ~0 at the end
 * @refs: rules, next hops and connections that name it
 * @dirty: in the list of changed counters
 */
struct esw_counter {
	uint64_t packets;
	uint64_t bytes;
	uint64_t last_use;
	uint32_t next;
	uint32_t refs : 31;
	uint32_t dirty : 1;
};

/**
 * struct esw_counters - some counters in a row
 * @counter: the counters
 * @dropped: of each, packets dropped because they exceeded a meter; few are
 */
struct esw_counters {
	struct esw_counter counter[COUNTER_CHUNK];
	uint64_t dropped[COUNTER_CHUNK];
};

int esw_counter_ref(struct sluice_esw *esw, uint32_t id, bool zero);
void esw_counter_unref(struct sluice_esw *esw, uint32_t id);
void esw_counter_dirty(struct sluice_esw *esw, struct esw_counter *c,
		       uint32_t id);
void esw_counter_drop(struct sluice_esw *esw, uint32_t id);
void esw_counters_reset(struct sluice_esw *esw);
void esw_counters_free(struct sluice_esw *esw);
struct esw_counters **esw_counters_alloc(const struct sluice_esw *esw);
bool esw_counters_fill(const struct sluice_esw *esw, struct sluice_esw *lane);

/* program.c */

#define ESW_TAG_ROOM		256	/* room for tags a program pushes */
#define ESW_SCRATCH		(ESW_TAG_ROOM + SLUICE_FRAME_MAX)
#define ESW_BURST		32	/* most frames whose lookups overlap */
#define ESW_MAX_OUTPUTS		1024
#define ESW_ARENA		(1u << 20)

/**
 * struct esw_output - a frame to send when the packet's way has succeeded
 * @vport: where to, NULL for the slow path
 * @flags: SLUICE_FRAME_*
 * @host: slow path: what the rule says of it
 * @reason: slow path: enum sluice_miss
 * @frame: the frame, or NULL when one is only to be counted
 * @len: its length
 * @nh: next hop it goes through, or NULL
 * @counter: without @frame and @nh: counter id
 */
struct esw_output {
	struct esw_vport *vport;
	unsigned int flags;
	uint32_t host;
	uint32_t counter;
	const uint8_t *frame;
	uint32_t len;
	uint8_t reason;
	const struct esw_next_hop *nh;
};

void esw_pkt_copy(const struct sluice_pkt *p, uint8_t *to);

struct esw_burst *esw_burst_new(void);
void esw_switchdev_input(struct sluice_esw *esw, struct esw_vport *src,
			 const struct sluice_esw_frame *frames,
			 unsigned int num, bool many, uint64_t now);

/*
 * Ask for the headers of frames @from up to @to, as far as there are @num: they are
 * in the first two lines, in tunnels the inner ones too.
 */
static ESW_PREFETCHER void
esw_prefetch_frames(const struct sluice_esw_frame *frames, unsigned int from,
		    unsigned int to, unsigned int num)
{
	unsigned int i;

	for (i = from; i < to && i < num; i++) {
		__builtin_prefetch(frames[i].data);
		if (frames[i].len > ESW_LINE)
			__builtin_prefetch(frames[i].data + ESW_LINE);
	}
}

/* edit.c */

/* Four bytes of an action as a little-endian number. */
static inline uint32_t esw_le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

enum sluice_miss esw_edit(struct sluice_esw *esw, struct sluice_pkt *p,
			  const struct sluice_action *act);

/* csum.c */

bool sluice_csum_update(struct sluice_pkt *p, uint32_t which);
uint64_t esw_sum(const uint8_t *p, uint32_t len);
uint16_t esw_csum(const uint8_t *p, uint32_t len, uint64_t start);

/*
 * The checksum of an IPv4 header without options, to be put there as it is.
 * Zero when the header has a right one.
 */
static inline uint16_t esw_ip4_csum(const uint8_t *ip)
{
	uint32_t w[ESW_IP4_HLEN / 4];
	uint64_t sum;

	/* The sum of 16-bit words is the same in any byte order. */
	memcpy(w, ip, sizeof(w));
	sum = (uint64_t)w[0] + w[1] + w[2] + w[3] + w[4];
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/**
 * struct sluice_esw - an eSwitch, or a lane of one
 * @cfg: sizes
 * @mode: enum sluice_esw_mode
 * @num_vports: their number
 * @fdb: addresses of functions
 * @masks: masks by id, NULL where there is none
 * @masks_size: ids @masks has room for
 * @num_masks: masks
 * @ranges: port range comparators
 * @meters: meters by id, NULL where there is none
 * @meters_size: ids @meters has room for
 * @num_meters: meters
 * @rules: rules by id, NULL where there is none
 * @rules_size: ids @rules has room for
 * @num_rules: rules
 * @tables: tables by id, NULL where there is no rule
 * @tables_size: ids @tables has room for
 * @num_tables: tables with rules
 * @next_seq: creation order of the next rule
 * @next_gen: next stamp of a table
 * @tun: tunnel objects
 * @ct: connections
 * @num_counters: counters named by rules, next hops and connections
 * @version: times sluice_esw_publish() was called
 * @main: of a lane the eSwitch it belongs to, else NULL
 * @host: services
 * @seen: of a lane: @version of what it has
 * @lane: lanes besides itself
 * @num_lanes: their number
 * @meter_lock: with lanes: guards the buckets of all meters
 * @ip_id: with lanes: IPv4 id of the next packet into a tunnel
 * @ip_id_step: and what to add to it; 0 without lanes
 * @vport: functions, then uplinks
 * @slab: memory of rules
 * @last_endpoint: endpoint of the last frame that had one, NULL when it is not
 *	known
 * @cache: flow cache
 * @counters: counters in chunks of COUNTER_CHUNK, NULL where none was used
 * @dirty_counter: first changed counter
 * @lookups: frames looked up
 * @hits: frames finished by rules
 * @misses: frames to the slow path, by reason
 * @encapsulated: frames sent through tunnels
 * @decapsulated: frames taken out of tunnels and finished by rules
 * @random: what samples are chosen by
 * @burst: working copies of a burst's state
 * @scratch: ESW_SCRATCH bytes for a working copy of the packet
 * @arena: frames of queued outputs
 * @out: queued outputs
 *
 * What comes before @main is changed by commands only, and lanes have a copy.
 */
struct sluice_esw {
	struct sluice_esw_cfg cfg;
	enum sluice_esw_mode mode;
	unsigned int num_vports;
	struct esw_fdb *fdb;
	struct esw_mask **masks;
	uint32_t masks_size;
	uint32_t num_masks;
	struct esw_ranges ranges;
	struct esw_meter **meters;
	uint32_t meters_size;
	uint32_t num_meters;
	struct esw_rule **rules;
	uint32_t rules_size;
	uint32_t num_rules;
	struct esw_table **tables;
	uint32_t tables_size;
	uint32_t num_tables;
	uint64_t next_seq;
	uint64_t next_gen;
	struct esw_tunnels tun;
	struct esw_cts ct;
	uint32_t num_counters;
	uint32_t version;

	struct sluice_esw *main __attribute__((aligned(ESW_LINE)));
	struct sluice_esw_host host;
	uint32_t seen;
	struct sluice_esw *lane[ESW_MAX_LANES];
	unsigned int num_lanes;
	pthread_mutex_t *meter_lock;
	uint16_t ip_id;
	uint16_t ip_id_step;
	struct esw_vport *vport;
	struct esw_slab slab[ESW_SLABS];
	const struct esw_endpoint *last_endpoint;
	struct esw_cache cache;
	struct esw_counters **counters;
	uint32_t dirty_counter;
	uint64_t lookups;
	uint64_t hits;
	uint64_t misses[16];
	uint64_t encapsulated;
	uint64_t decapsulated;
	uint64_t random;
	struct esw_burst *burst;
	uint8_t *scratch;
	uint8_t *arena;
	struct esw_output *out;
};

/* lane.c */
void esw_lane_update(struct sluice_esw *lane);
void esw_lanes_free(struct sluice_esw *esw);

/* Before a frame: a lane sees what commands have changed. */
static inline void esw_lane_check(struct sluice_esw *esw)
{
	if (esw->main && esw->seen != esw->main->version)
		esw_lane_update(esw);
}

/* The eSwitch itself for @i 0, then its lanes; NULL behind the last. */
static inline struct sluice_esw *esw_lane_get(const struct sluice_esw *esw,
					      unsigned int i)
{
	if (!i)
		return (struct sluice_esw *)esw;
	return i <= esw->num_lanes ? esw->lane[i - 1] : NULL;
}

/* The vport of a number, or NULL. */
static inline struct esw_vport *esw_vport_get(const struct sluice_esw *esw, uint16_t num)
{
	if (num <= esw->cfg.num_vfs)
		return &esw->vport[num];
	if (num >= SLUICE_VPORT_UPLINK(0) &&
	    num < SLUICE_VPORT_UPLINK(0) + esw->cfg.num_uplinks)
		return &esw->vport[1 + esw->cfg.num_vfs + num -
				   SLUICE_VPORT_UPLINK(0)];
	return NULL;
}

static inline bool esw_vport_up(const struct sluice_esw *esw,
				const struct esw_vport *vp)
{
	if (vp->uplink)
		return vp->carrier;
	/* The link of the first wire, which there always is. */
	if (vp->link_policy == SLUICE_LINK_AUTO)
		return esw->vport[1 + esw->cfg.num_vfs].carrier;
	return vp->link_policy == SLUICE_LINK_UP;
}

/* The key as fields, and as the words that lookups take. */
union esw_key {
	struct sluice_key key;
	uint64_t words[SLUICE_KEY_WORDS];
};

/*
 * The key of a packet, but for what a tunnel or a connection adds to it.  With
 * @decap the tunnel's part is there already, and stays.
 */
static inline void esw_key_read(const struct sluice_esw *esw, uint16_t in_vport,
				const struct sluice_pkt *p, bool decap,
				union esw_key *k)
{
	if (decap)
		sluice_parse_inner(p, in_vport, &k->key);
	else
		sluice_parse(p, in_vport, &k->key);
	if (esw->ranges.used)
		esw_ranges_match(&esw->ranges, &k->key);
}

/**
 * esw_pkt_own() - make the packet's body writable
 * @esw: the eSwitch
 * @p: the packet
 *
 * Return: false when it does not fit.
 */
static inline bool esw_pkt_own(struct sluice_esw *esw, struct sluice_pkt *p)
{
	if (p->own)
		return true;
	if (p->len > ESW_SCRATCH - ESW_TAG_ROOM)
		return false;
	/* Most keep their addresses: have them where they belong, too. */
	memcpy(esw->scratch + ESW_TAG_ROOM - ESW_MACS_LEN, p->mac,
	       ESW_MACS_LEN);
	memcpy(esw->scratch + ESW_TAG_ROOM, p->body, p->len);
	p->body = esw->scratch + ESW_TAG_ROOM;
	p->room = ESW_TAG_ROOM;
	p->own = true;
	return true;
}

/* Of counter.c what each packet needs. */
static inline struct esw_counter *
esw_counter_get(const struct sluice_esw *esw, uint32_t id)
{
	struct esw_counters *chunk;

	if (id >= esw->cfg.max_counters)
		return NULL;
	chunk = esw->counters[id / COUNTER_CHUNK];
	return chunk ? &chunk->counter[id % COUNTER_CHUNK] : NULL;
}

/* @c: what esw_counter_get() gave for @id. */
static inline void esw_counter_bump(struct sluice_esw *esw,
				    struct esw_counter *c, uint32_t id,
				    uint32_t packets, uint32_t bytes,
				    uint64_t now)
{
	if (!c)
		return;
	c->packets += packets;
	c->bytes += bytes;
	c->last_use = now;
	if (!c->dirty)
		esw_counter_dirty(esw, c, id);
}

static inline void esw_counter_add(struct sluice_esw *esw, uint32_t id,
				   uint32_t packets, uint32_t bytes,
				   uint64_t now)
{
	esw_counter_bump(esw, esw_counter_get(esw, id), id, packets, bytes,
			 now);
}

static inline void esw_counter_hit(struct sluice_esw *esw, uint32_t id,
				   uint32_t bytes, uint64_t now, bool dropped)
{
	esw_counter_add(esw, id, 1, bytes, now);
	if (dropped)
		esw_counter_drop(esw, id);
}

/* Of ct.c what each packet needs. */
static inline uint32_t esw_ct_hash(const struct esw_ct_key *key)
{
	return esw_hash_words(key->word, esw_ct_key_is4(key) ? ESW_CT_WORDS4 :
							       ESW_CT_WORDS6);
}

static inline struct esw_conn **esw_ct_bucket(const struct esw_cts *ct,
					       uint32_t hash)
{
	return &ct->bucket[hash >> (32 - ct->log_buckets)];
}

/* Ask for the bucket that esw_ct_prefetch_conn() and esw_ct_find() look at. */
static ESW_PREFETCHER void
esw_ct_prefetch(const struct sluice_esw *esw, uint32_t hash)
{
	if (esw->ct.num)
		__builtin_prefetch(esw_ct_bucket(&esw->ct, hash));
}

/*
 * Ask for what is first in the bucket, mostly what esw_ct_find() finds; what it
 * does not look at can wait.
 */
static ESW_PREFETCHER void
esw_ct_prefetch_conn(const struct sluice_esw *esw, uint32_t hash)
{
	if (esw->ct.num)
		__builtin_prefetch(*esw_ct_bucket(&esw->ct, hash));
}

/* And for what is next, which there seldom is. */
static ESW_PREFETCHER void
esw_ct_prefetch_next(const struct sluice_esw *esw, uint32_t hash)
{
	const struct esw_conn *c;

	if (!esw->ct.num)
		return;
	c = *esw_ct_bucket(&esw->ct, hash);
	/* No branch that can't be foreseen. */
	if (c)
		__builtin_prefetch(c->next ? c->next : c);
}

/**
 * esw_ct_find() - find the connection of a packet
 * @esw: the eSwitch
 * @key: its key
 * @hash: of @key
 *
 * Return: the direction, also a closed one, or NULL.  Of several the one created
 * last.
 */
static inline struct esw_conn *
esw_ct_find(const struct sluice_esw *esw, const struct esw_ct_key *key,
	    uint32_t hash)
{
	struct esw_conn *c, *found = NULL;

	if (!esw->ct.num)
		return NULL;
	for (c = *esw_ct_bucket(&esw->ct, hash); c; c = c->next)
		if (esw_conn_takes(c, key) &&
		    (!found || (int32_t)(c->seq - found->seq) > 0))
			found = c;
	return found;
}

/* eswitch.c */
bool esw_grow(void *array, uint32_t *size, uint32_t id, uint32_t limit);

#endif /* SLUICE_ESW_INTERNAL_H */
