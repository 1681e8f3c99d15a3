/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the eSwitch's own files share.
 */
#ifndef SLUICE_ESW_INTERNAL_H
#define SLUICE_ESW_INTERNAL_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "eswitch.h"
#include "parser.h"
#include "tunnel.h"

/*
 * 64-bit words of the key that can be other than zero: of a plain frame, and of
 * one that was taken out of a tunnel.
 */
#define ESW_KEY_PLAIN		13
#define ESW_KEY_WORDS		27

#define ESW_PERM_MTU		1500	/* of a function the PF gave none */

/* vport.c */

/* struct sluice_vport_stats in host order; the fields have the same names. */
struct esw_stats {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t rx_multicast;
	uint64_t rx_broadcast;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t tx_multicast;
	uint64_t tx_broadcast;
	uint64_t rx_dropped_link;
	uint64_t rx_dropped_nobuf;
	uint64_t rx_dropped_mtu;
	uint64_t tx_dropped_link;
	uint64_t tx_dropped_spoof;
	uint64_t tx_dropped_mtu;
	uint64_t tx_dropped_rule;
	uint64_t slow_packets;
	uint64_t slow_bytes;
	uint64_t slow_dropped;
};

/**
 * struct esw_vport - a port of the eSwitch
 * @stats: statistics, in host order
 * @num: its number
 * @mtu: MTU in force
 * @given_mtu: MTU given by the PF, 0 for none: an upper limit and the MTU
 *	after a function reset
 * @mac: address in force
 * @perm_mac: address it starts with
 * @given_mac: address given by the PF, all zero for none
 * @uplink: a wire
 * @vf: a VF
 * @enabled: its driver enabled it; uplinks always are
 * @carrier: uplinks: the wire has a carrier
 * @dirty: statistics changed since they were last collected
 * @egress_punt: frames output here take the slow path
 * @link_policy: enum sluice_link_policy
 * @policy: SLUICE_POLICY_*
 * @rx_mode: SLUICE_RX_MODE_* as asked for
 * @root_table: first table or SLUICE_ID_NONE
 * @num_filters: addresses from FILTER_ADD
 * @num_endpoints: uplinks: endpoints that look at their frames
 */
struct esw_vport {
	struct esw_stats stats;
	uint16_t num;
	uint16_t mtu;
	uint16_t given_mtu;
	uint8_t mac[6];
	uint8_t perm_mac[6];
	uint8_t given_mac[6];
	bool uplink;
	bool vf;
	bool enabled;
	bool carrier;
	bool dirty;
	bool egress_punt;
	uint8_t link_policy;
	uint32_t policy;
	uint32_t rx_mode;
	uint32_t root_table;
	uint32_t num_filters;
	uint32_t num_endpoints;
};

struct esw_vport *esw_vport_get(const struct sluice_esw *esw, uint16_t num);
int esw_vports_init(struct sluice_esw *esw);
void esw_vports_free(struct sluice_esw *esw);
void esw_vports_reset(struct sluice_esw *esw);
void esw_vports_unbind(struct sluice_esw *esw);
bool esw_vport_up(const struct sluice_esw *esw, const struct esw_vport *vp);
void esw_vport_dirty(struct sluice_esw *esw, struct esw_vport *vp);
bool esw_vport_ingress(struct sluice_esw *esw, struct esw_vport *vp,
		       const uint8_t *frame, uint32_t len);
void esw_vport_deliver(struct sluice_esw *esw, struct esw_vport *vp,
		       const uint8_t *frame, uint32_t len, unsigned int flags);
void esw_vport_drop(struct sluice_esw *esw, struct esw_vport *vp);
void esw_flow_hash(const struct sluice_esw *esw, const uint8_t *frame,
		   uint32_t len, struct sluice_flow_hash *hash);
void esw_slow_path(struct sluice_esw *esw, struct esw_vport *src,
		   const uint8_t *frame, uint32_t len, unsigned int flags,
		   uint8_t reason, uint32_t table,
		   const struct sluice_flow_hash *hash);

static inline bool esw_mac_multicast(const uint8_t *mac)
{
	return mac[0] & 1;
}

bool esw_mac_zero(const uint8_t *mac);
bool esw_mac_broadcast(const uint8_t *mac);

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
void esw_legacy_input(struct sluice_esw *esw, struct esw_vport *src,
		      const uint8_t *frame, uint32_t len, unsigned int flags);

/* mask.c */

/**
 * struct esw_mask - bits of the key that count
 * @words: number of 64-bit words with a bit set
 * @index: which words of the key
 * @bits: their masks
 * @refs: subtables that use it
 */
struct esw_mask {
	uint32_t words;
	uint8_t index[ESW_KEY_WORDS];
	uint64_t bits[ESW_KEY_WORDS];
	uint32_t refs;
};

struct esw_mask *esw_mask_get(const struct sluice_esw *esw, uint32_t id);
void esw_masks_flush(struct sluice_esw *esw);

/* table.c */

/**
 * struct esw_rule - a rule
 * @next: next key in the hash bucket
 * @same: next best rule of the same key in the same subtable
 * @sub: subtable it is in
 * @seq: creation order
 * @id: rule id
 * @prio: lower first
 * @subprio: then lower first
 * @counter: counter id or SLUICE_ID_NONE
 * @heap: place in the subtable's heap
 * @hash: of the key
 * @num_actions: steps of the program
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
	uint32_t counter;
	uint32_t heap;
	uint32_t hash;
	uint32_t num_actions;
	uint64_t data[];
};

/**
 * struct esw_subtable - the rules of a table that have the same mask
 * @mask: the mask
 * @table: the table
 * @bucket: hash table of rules, the best of each key
 * @log_buckets: its size
 * @num_rules: rules
 * @heap: all rules, best (@prio, @subprio) first, as a binary heap
 * @heap_size: its capacity
 */
struct esw_subtable {
	struct esw_mask *mask;
	struct esw_table *table;
	struct esw_rule **bucket;
	unsigned int log_buckets;
	uint32_t num_rules;
	struct esw_rule **heap;
	uint32_t heap_size;
};

/**
 * struct esw_table - a table of rules
 * @sub: subtables, the one with the best rule first
 * @num_subs: their number
 * @sub_size: capacity of @sub
 * @id: table id
 * @gen: stamp of its contents, never the same in two states of any table
 */
struct esw_table {
	struct esw_subtable **sub;
	uint32_t num_subs;
	uint32_t sub_size;
	uint32_t id;
	uint64_t gen;
};

/* Tables with fewer masks than this are faster without the flow cache. */
#define ESW_CACHE_MIN_SUBS	4
#define ESW_CACHE_LOG		12

struct esw_cache_entry {
	uint64_t gen;
	const struct esw_rule *rule;
	uint32_t used;
	uint64_t key[ESW_KEY_WORDS];
};

int esw_table_insert(struct sluice_esw *esw, uint32_t id,
		     struct esw_mask *mask, struct esw_rule *rule);
void esw_table_remove(struct sluice_esw *esw, struct esw_rule *rule);
const struct esw_rule *esw_table_lookup(struct sluice_esw *esw, uint32_t id,
					const uint64_t *words, uint32_t used);
uint32_t esw_hash_words(const uint64_t *w, unsigned int n);

/* rule.c */

void esw_rules_flush(struct sluice_esw *esw);

static inline const struct sluice_action *
esw_rule_actions(const struct esw_rule *rule)
{
	return (const void *)(rule->data + rule->sub->mask->words);
}

/* counter.c */

#define COUNTER_CHUNK	4096

/**
 * struct esw_counter - a rule counter
 * @packets: packets
 * @bytes: bytes
 * @last_use: host clock at the last hit
 * @refs: rules and next hops that name it
 * @next: next changed counter, ~0 at the end
 * @dirty: in the list of changed counters
 */
struct esw_counter {
	uint64_t packets;
	uint64_t bytes;
	uint64_t last_use;
	uint32_t refs;
	uint32_t next;
	bool dirty;
};

int esw_counter_ref(struct sluice_esw *esw, uint32_t id, bool zero);
void esw_counter_unref(struct sluice_esw *esw, uint32_t id);
void esw_counter_hit(struct sluice_esw *esw, uint32_t id, uint32_t bytes,
		     uint64_t now);
void esw_counters_reset(struct sluice_esw *esw);
void esw_counters_free(struct sluice_esw *esw);

/* program.c */

#define ESW_TAG_ROOM		256	/* room for tags a program pushes */
#define ESW_SCRATCH		(ESW_TAG_ROOM + SLUICE_FRAME_MAX)
#define ESW_MAX_OUTPUTS		1024
#define ESW_ARENA		(1u << 20)

/**
 * struct esw_output - a frame to send when the packet's way has succeeded
 * @vport: where to; NULL: nowhere, the frame is only counted
 * @flags: SLUICE_FRAME_*
 * @frame: the frame
 * @len: its length
 * @nh: next hop it goes through, or NULL
 * @counter: without @vport and @nh: counter id
 */
struct esw_output {
	struct esw_vport *vport;
	unsigned int flags;
	uint32_t counter;
	const uint8_t *frame;
	uint32_t len;
	const struct esw_next_hop *nh;
};

void esw_pkt_copy(const struct sluice_pkt *p, uint8_t *to);

void esw_switchdev_input(struct sluice_esw *esw, struct esw_vport *src,
			 const uint8_t *frame, uint32_t len,
			 unsigned int flags);

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
bool esw_pkt_own(struct sluice_esw *esw, struct sluice_pkt *p);

/* csum.c */

bool sluice_csum_update(struct sluice_pkt *p, uint32_t which);
uint64_t esw_sum(const uint8_t *p, uint32_t len);
uint16_t esw_csum(const uint8_t *p, uint32_t len, uint64_t start);

/**
 * struct sluice_esw - an eSwitch
 * @cfg: sizes
 * @host: services
 * @mode: enum sluice_esw_mode
 * @vport: functions, then uplinks
 * @num_vports: their number
 * @fdb: addresses of functions
 * @masks: masks by id, NULL where there is none
 * @masks_size: ids @masks has room for
 * @num_masks: masks
 * @rules: rules by id, NULL where there is none
 * @rules_size: ids @rules has room for
 * @num_rules: rules
 * @tables: tables by id, NULL where there is no rule
 * @tables_size: ids @tables has room for
 * @num_tables: tables with rules
 * @next_seq: creation order of the next rule
 * @next_gen: next stamp of a table
 * @cache: flow cache
 * @counters: counters in chunks of COUNTER_CHUNK, NULL where none was used
 * @dirty_counter: first changed counter
 * @num_counters: counters named by rules and next hops
 * @tun: tunnel objects
 * @lookups: frames looked up
 * @hits: frames finished by rules
 * @misses: frames to the slow path, by reason
 * @scratch: working copy of the packet
 * @arena: frames of queued outputs
 * @out: queued outputs
 */
struct sluice_esw {
	struct sluice_esw_cfg cfg;
	struct sluice_esw_host host;
	enum sluice_esw_mode mode;
	struct esw_vport *vport;
	unsigned int num_vports;
	struct esw_fdb fdb;
	struct esw_mask **masks;
	uint32_t masks_size;
	uint32_t num_masks;
	struct esw_rule **rules;
	uint32_t rules_size;
	uint32_t num_rules;
	struct esw_table **tables;
	uint32_t tables_size;
	uint32_t num_tables;
	uint64_t next_seq;
	uint64_t next_gen;
	struct esw_cache_entry *cache;
	struct esw_counter **counters;
	uint32_t dirty_counter;
	uint32_t num_counters;
	struct esw_tunnels tun;
	uint64_t lookups;
	uint64_t hits;
	uint64_t misses[16];
	uint8_t *scratch;
	uint8_t *arena;
	struct esw_output *out;
};

/* eswitch.c */
bool esw_grow(void *array, uint32_t *size, uint32_t id, uint32_t limit);

#endif /* SLUICE_ESW_INTERNAL_H */
