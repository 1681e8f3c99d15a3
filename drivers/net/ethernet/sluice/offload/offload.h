/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tc rules in hardware.
 *
 * A tc block that one or more of our representors are bound to is a
 * struct sluice_block.  Each of its chains that has rules, or that a rule goes
 * to, is a device table; the vports of the block start at the table of
 * chain 0.  A filter is a struct sluice_rule: either the rule itself, or a punt
 * that keeps the place of a filter the device cannot carry out, so that no
 * later rule takes its packets.
 *
 * One mutex, struct sluice_offload.lock, protects all of it and orders the
 * commands on the control ring.  It nests inside RTNL and inside the lock tc
 * holds around callbacks of a block.  Reading statistics takes no lock but RCU
 * and one in the rule.
 */
#ifndef _SLUICE_OFFLOAD_H
#define _SLUICE_OFFLOAD_H

#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/flow_offload.h>
#include <net/pkt_cls.h>

#include "../sluice.h"
#include "ids.h"

struct sluice_ct;
struct sluice_ct_zone;
struct sluice_egress;
struct sluice_encap;
struct sluice_tunnel_dev;
struct sluice_tunnels;
struct sluice_underlay;
struct tcf_block;

/* Most steps of a program, whatever more the device can do. */
#define SLUICE_PROGRAM_MAX	64

/* Counters per piece of host memory. */
#define SLUICE_COUNTER_CHUNK	1024

/* Counter ids that wait for the device to forget them. */
#define SLUICE_COUNTER_LIMBO	4096

/* So many of them leave together. */
#define SLUICE_COUNTER_PART	1024

/* Rules kept back for punts, at most. */
#define SLUICE_RULE_RESERVE	64

/**
 * enum sluice_reject - why a filter is not in hardware
 * @SLUICE_REJECT_KEY: the device does not look at this field
 * @SLUICE_REJECT_KEY_VALUE: no frame in the device can match
 * @SLUICE_REJECT_ACTION: the device has no such action
 * @SLUICE_REJECT_CONTROL: an action ends the list in a way it cannot follow
 * @SLUICE_REJECT_TARGET: redirect or mirror to what is no port of the switch
 * @SLUICE_REJECT_VLAN: a VLAN tag it does not know
 * @SLUICE_REJECT_PEDIT: a pedit it cannot do exactly
 * @SLUICE_REJECT_HW_STATS: a way of counting it does not have
 * @SLUICE_REJECT_HOST: edits or copies before pass or trap, with the filter in
 *	software too
 * @SLUICE_REJECT_LENGTH: the program is too long
 * @SLUICE_REJECT_CLASSIFIER: neither a flower nor a matchall filter
 * @SLUICE_REJECT_EGRESS: a filter at the egress of a representor
 * @SLUICE_REJECT_FEATURE: hw-tc-offload is off
 * @SLUICE_REJECT_ORDER: its place among filters of its priority is not known
 * @SLUICE_REJECT_FULL: the device has no room
 * @SLUICE_REJECT_TUNNEL: a tunnel header it cannot make exactly
 * @SLUICE_REJECT_CT: a ct action it cannot do exactly
 * @SLUICE_REJECT_NUM: number of reasons
 *
 * Their names are in reject.c.
 */
enum sluice_reject {
	SLUICE_REJECT_KEY,
	SLUICE_REJECT_KEY_VALUE,
	SLUICE_REJECT_ACTION,
	SLUICE_REJECT_CONTROL,
	SLUICE_REJECT_TARGET,
	SLUICE_REJECT_VLAN,
	SLUICE_REJECT_PEDIT,
	SLUICE_REJECT_HW_STATS,
	SLUICE_REJECT_HOST,
	SLUICE_REJECT_LENGTH,
	SLUICE_REJECT_CLASSIFIER,
	SLUICE_REJECT_EGRESS,
	SLUICE_REJECT_FEATURE,
	SLUICE_REJECT_ORDER,
	SLUICE_REJECT_FULL,
	SLUICE_REJECT_TUNNEL,
	SLUICE_REJECT_CT,
	SLUICE_REJECT_NUM,
};

/**
 * enum sluice_known_how - does the device do it
 * @SLUICE_KNOWN_NO: no
 * @SLUICE_KNOWN_YES: yes
 * @SLUICE_KNOWN_PART: within limits that Documentation/driver/offload.md tells
 * @SLUICE_KNOWN_TUNNEL: at the ingress of tunnel devices, where alone it makes
 *	sense
 * @SLUICE_KNOWN_NEVER: flower, or tc, has no way to ask for it
 */
enum sluice_known_how {
	SLUICE_KNOWN_NO,
	SLUICE_KNOWN_YES,
	SLUICE_KNOWN_PART,
	SLUICE_KNOWN_TUNNEL,
	SLUICE_KNOWN_NEVER,
};

/**
 * struct sluice_known - a key or an action of the kernel
 * @name: what users call it
 * @how: does the device do it
 */
struct sluice_known {
	const char *name;
	enum sluice_known_how how;
};

/**
 * struct sluice_counters - counter ids and their host memory
 * @lock: protects all of it
 * @max: ids are below this
 * @chunk: counters per piece of memory, a power of two
 * @chunks: memory by id / @chunk, NULL where none is needed yet
 * @dma: its addresses
 * @ids: ids in use or in limbo
 * @limbo: freed ids the device may still write, a ring
 * @limbo_head: ids that left it so far
 * @limbo_tail: ids that came into it so far
 * @marks: for each part of it that was full, the place in the control ring
 *	where the device has written all of them
 */
struct sluice_counters {
	/* Rules and connections have locks of their own. */
	struct mutex lock;
	u32 max;
	u32 chunk;
	struct sluice_counter **chunks;
	dma_addr_t *dma;
	struct sluice_ids ids;
	u32 *limbo;
	u32 limbo_head;
	u32 limbo_tail;
	u32 marks[SLUICE_COUNTER_LIMBO / SLUICE_COUNTER_PART];
};

/**
 * struct sluice_range - a port range comparator of the device
 * @min: first port
 * @max: last port
 * @field: enum sluice_range_field
 * @refs: rules, and matches on their way; unused when zero
 */
struct sluice_range {
	u16 min;
	u16 max;
	u8 field;
	unsigned int refs;
};

/**
 * struct sluice_meter - a policer of tc in the device
 * @node: in struct sluice_offload.policers
 * @cookie: tc's name for the action
 * @id: meter id
 * @refs: police steps of programs, and tc's action offload
 * @tc: the latter
 * @exceed: what becomes of packets that exceed, enum flow_action_id
 * @exceed_to: chain or action that leads to
 * @conform: and of those that conform
 * @conform_to: likewise
 * @cmd: the command that sets it
 */
struct sluice_meter {
	struct hlist_node node;
	unsigned long cookie;
	u32 id;
	unsigned int refs;
	bool tc;
	enum flow_action_id exceed;
	u32 exceed_to;
	enum flow_action_id conform;
	u32 conform_to;
	struct sluice_cmd_meter cmd;
};

/**
 * struct sluice_offload - tc offload of a PF in switchdev mode
 * @sdev: the PF; not to be used when @dead
 * @ref: held by the eSwitch and by every block
 * @dead: switchdev mode was left; what is here only answers tc's calls for the
 *	blocks of netdevs that stay
 * @paused: the device rests for a reset, commands are not posted
 * @replays: how often all was written into the device again
 * @lock: see the top of this file
 * @rules: filters by struct sluice_rule_key
 * @gone: removed filters, to be freed together
 * @num_gone: their number
 * @masks: masks by their bits
 * @last_mask: the one found last, or NULL
 * @ranges: port range comparators
 * @meters: struct sluice_meter by id
 * @policers: the same by cookie
 * @shared: actions that tc shares, struct sluice_shared by cookie
 * @shared_ids: the same by counter
 * @hosts: steps that hand packets to a netdev, by its ifindex
 * @samples: struct sluice_sample by what the device calls it
 * @next_sample: where to look for the next number
 * @blocks: every struct sluice_block
 * @indev: rules that match on the port a packet came in by
 * @rule_ids: rule ids; the highest @rule_reserve are for punts
 * @mask_ids: mask ids; 0 is the mask without bits
 * @table_ids: table ids
 * @rule_reserve: rules kept back for punts
 * @counters: counters
 * @root_work: binds vports to their tables once tc has replayed a block
 * @rejects: filters refused, by reason
 * @quiet: whoever holds @lock tells the device of commands later
 * @spec: room for the description of the filter that is being put in
 * @subject: the filter that tc calls about
 * @subject.cookie: tc's name for it
 * @subject.chain: its chain
 * @subject.prio: its priority
 * @tunnels: tunnel/, NULL when the device has no tunnels
 * @ct: connections, NULL when the device has none
 * @debugfs: directory
 */
struct sluice_offload {
	struct sluice_dev *sdev;
	struct kref ref;
	bool dead;
	bool paused;
	u32 replays;
	/* Everything but @rejects; see above. */
	struct mutex lock;
	struct rhashtable rules;
	struct list_head gone;
	unsigned int num_gone;
	struct rhashtable masks;
	struct sluice_mask *last_mask;
	struct sluice_range ranges[SLUICE_MAX_RANGES];
	struct xarray meters;
	DECLARE_HASHTABLE(policers, 8);
	DECLARE_HASHTABLE(shared, 8);
	struct xarray shared_ids;
	struct xarray hosts;
	struct xarray samples;
	u32 next_sample;
	struct list_head blocks;
	struct list_head indev;
	struct sluice_ids rule_ids;
	struct ida mask_ids;
	struct ida table_ids;
	u32 rule_reserve;
	struct sluice_counters counters;
	struct delayed_work root_work;
	atomic64_t rejects[SLUICE_REJECT_NUM];
	bool quiet;
	struct sluice_spec *spec;
	struct {
		unsigned long cookie;
		u32 chain;
		u32 prio;
	} subject;
	struct sluice_tunnels *tunnels;
	struct sluice_ct *ct;
	struct dentry *debugfs;
};

/**
 * struct sluice_port - a vport bound to a block
 * @node: in struct sluice_block.ports
 * @vport: the vport, NULL after switchdev mode was left
 * @root: root table the device has been told
 * @num: the vport's number
 */
struct sluice_port {
	struct list_head node;
	struct sluice_vport *vport;
	u32 root;
	u16 num;
};

/**
 * struct sluice_block - a tc block at the ingress of representors, or at that of
 *	a tunnel device, or a flow table of nftables
 * @off: the offload it belongs to
 * @tc: tc's side
 * @ident: our name for tc's callback
 * @tunnel: the tunnel device, NULL for representors, and when it is gone
 * @of_tunnel: it is a tunnel device's
 * @underlay: the internal port whose egress it is, NULL for others, and when it
 *	is gone
 * @of_host: it is for what the host sends by an internal port
 * @of_ft: it is a flow table of nftables, for what the port's other block has
 *	no rule for
 * @replay: block whose filters tc has not told of and will not, or NULL
 * @net: network namespace of its netdevs
 * @node: in struct sluice_offload.blocks
 * @ports: struct sluice_port
 * @tables: struct sluice_table by chain
 * @root: table of chain 0
 * @rules: its filters
 * @live: tc is done replaying the filters the block had when it was bound
 * @blind: filters that could not even be punted; while there are any, the
 *	ports have no root table and software sees every packet
 */
struct sluice_block {
	struct sluice_offload *off;
	struct flow_block *tc;
	void *ident;
	struct sluice_tunnel_dev *tunnel;
	bool of_tunnel;
	struct sluice_underlay *underlay;
	bool of_host;
	bool of_ft;
	struct tcf_block *replay;
	struct net *net;
	struct list_head node;
	struct list_head ports;
	struct xarray tables;
	struct sluice_table *root;
	struct list_head rules;
	bool live;
	unsigned int blind;
};

/**
 * struct sluice_table - a chain in the device
 * @block: block the chain belongs to
 * @chain: its number
 * @id: device table
 * @refs: rules in it, rules that go to it, and the block for chain 0
 * @prios: struct sluice_prio by tc priority
 */
struct sluice_table {
	struct sluice_block *block;
	u32 chain;
	u32 id;
	unsigned int refs;
	struct xarray prios;
};

/**
 * struct sluice_prio - a tc priority of a chain
 * @table: the chain
 * @prio: tc priority
 * @first: lowest subprio in use
 * @last: highest subprio in use
 * @orders: struct sluice_order, in no order
 */
struct sluice_prio {
	struct sluice_table *table;
	u32 prio;
	u32 first;
	u32 last;
	struct list_head orders;
};

/**
 * struct sluice_order - place of one of flower's masks within a priority
 * @prio: the priority
 * @node: in its list
 * @id: flower's mask (an opaque address), NULL for other classifiers
 * @subprio: place among the masks, lower first
 * @refs: rules
 */
struct sluice_order {
	struct sluice_prio *prio;
	struct list_head node;
	const void *id;
	u32 subprio;
	unsigned int refs;
};

/**
 * struct sluice_mask - a mask in the device
 * @node: in struct sluice_offload.masks
 * @id: mask id
 * @replay: the last replay it was part of
 * @words: bit n: 64-bit word n of @bits is not zero
 * @refs: rules
 * @bits: bits of the key that count
 */
struct sluice_mask {
	struct rhash_head node;
	u32 id;
	u32 replay;
	u64 words;
	unsigned int refs;
	struct sluice_key bits;
};

/**
 * struct sluice_rule_key - what names a filter
 * @block: block
 * @cookie: tc's name for it
 * @chain: chain, for classifiers whose names are unique in one only, else 0
 * @prio: likewise
 * @kind: enum tc_setup_type of the classifier
 */
struct sluice_rule_key {
	struct sluice_block *block;
	unsigned long cookie;
	u32 chain;
	u16 prio;
	u16 kind;
};

/**
 * struct sluice_out - a vport or a tunnel that a rule outputs to
 * @node: in struct sluice_vport.rules or struct sluice_encap.rules
 * @rule: the rule
 * @encap: the tunnel, with a reference, or NULL
 */
struct sluice_out {
	struct list_head node;
	struct sluice_rule *rule;
	struct sluice_encap *encap;
};

/* Most chains a rule goes to. */
#define SLUICE_CHAINS_MAX	2

#define SLUICE_RULE_IN_HW	0x01	/* tc was told it is in hardware */
#define SLUICE_RULE_PLACED	0x02	/* the device has it */
#define SLUICE_RULE_BLIND	0x04	/* counted in struct sluice_block.blind */
#define SLUICE_RULE_OBJECTS	0x08	/* its steps hold what they name */

/**
 * struct sluice_rule - a filter, in the device as a rule or as a punt
 * @node: in struct sluice_offload.rules
 * @key: its name
 * @list: in struct sluice_block.rules; once it is removed, with others that are
 * @indev: in struct sluice_offload.indev, or empty
 * @table: table it is in
 * @targets: tables it goes to, or NULL
 * @order: place within its priority
 * @mask: mask
 * @outs: vports and tunnels it outputs to
 * @out: @outs when there is one
 * @num_outs: how many
 * @zone: conntrack zone it uses, or NULL
 * @flags: SLUICE_RULE_*
 * @in_vport: with @indev, the vport packets have to come in by
 * @num_acts: actions that tc may change; their hashes are behind the program
 * @refs: filters of this name (the same BPF program may be used twice)
 * @counter: counter id or SLUICE_ID_NONE
 * @slot: host memory of the counter, or NULL
 * @stats_lock: protects @packets and @bytes
 * @packets: packets tc has been told of
 * @bytes: bytes tc has been told of
 * @dropped: packets dropped by meters tc has been told of
 * @owed_packets: packets counted before a reset that tc does not know yet
 * @owed_bytes: their bytes
 * @rcu: for readers of statistics
 * @cmd: the command that creates it, key words and program behind it
 */
struct sluice_rule {
	struct rhash_head node;
	struct sluice_rule_key key;
	struct list_head list;
	struct list_head indev;
	struct sluice_table *table;
	struct sluice_table *targets[SLUICE_CHAINS_MAX];
	struct sluice_order *order;
	struct sluice_mask *mask;
	struct sluice_out *outs;
	struct sluice_out out;
	struct sluice_ct_zone *zone;
	u8 num_outs;
	u8 flags;
	u16 in_vport;
	u8 num_acts;
	unsigned int refs;
	u32 counter;
	const struct sluice_counter *slot;
	/* Orders concurrent readers of the counter. */
	spinlock_t stats_lock;
	u64 packets;
	u64 bytes;
	u64 dropped;
	u64 owed_packets;
	u64 owed_bytes;
	struct rcu_head rcu;
	/* Last: it has a flexible part. */
	struct sluice_cmd_rule cmd;
};

/**
 * struct sluice_match - what a filter matches
 * @key: values, no bit outside @mask
 * @mask: bits that count; it has a reference to each port range in it
 * @in_vport: it asks for the port a packet came in by
 * @never: no packet the device sees can match
 */
struct sluice_match {
	struct sluice_key key;
	struct sluice_key mask;
	bool in_vport;
	bool never;
};

#define SLUICE_PTYPE(type)	((type) + 1)

/* Most jumps in a program. */
#define SLUICE_JUMPS_MAX	16

/* Behind the last action. */
#define SLUICE_JUMP_END		U32_MAX

/**
 * enum sluice_eth - what "vlan pop_eth" has left of a packet
 * @SLUICE_ETH_FRAME: a frame, as ever
 * @SLUICE_ETH_NONE: no Ethernet header
 * @SLUICE_ETH_INNER: none, but a frame is behind the last label taken away
 * @SLUICE_ETH_BARE: that frame, which software has no headers of
 */
enum sluice_eth {
	SLUICE_ETH_FRAME,
	SLUICE_ETH_NONE,
	SLUICE_ETH_INNER,
	SLUICE_ETH_BARE,
};

/**
 * struct sluice_state - what actions have done that is in no step
 * @tun: tunnel header the packet was given
 * @ptype: SLUICE_PTYPE() of the type skbedit set, 0 if none
 * @unset: the packet's own tunnel header is forgotten
 * @meta: skbedit changed what only software sees of a packet
 * @mark: and that is the mark or the priority
 * @eth: what "vlan pop_eth" has left
 */
struct sluice_state {
	const struct ip_tunnel_info *tun;
	u32 ptype;
	bool unset;
	bool meta;
	bool mark;
	enum sluice_eth eth;
};

/**
 * struct sluice_jump - a jump to an action that is not parsed yet
 * @skip: where the number of steps left out is to be written
 * @from: the first of them
 * @to: number of the action, or %SLUICE_JUMP_END; 0 when it has landed
 * @state: what was done before it
 */
struct sluice_jump {
	u8 *skip;
	unsigned int from;
	u32 to;
	struct sluice_state state;
};

/**
 * struct sluice_program - what a filter does; it has a reference to each meter
 *	and tunnel that it names
 * @num: steps
 * @num_outs: outputs to vports
 * @num_encaps: outputs to tunnels
 * @num_jumps: jumps
 * @num_chains: chains it goes to
 * @num_acts: actions it is made of
 * @state: while the filter is parsed
 * @count: packets are to be counted
 * @objects: some steps may name meters, shared counters, netdevs or samples
 * @chains: chains it goes to
 * @acts: hashes of tc's names for the actions, sluice_action_hash()
 * @zone: conntrack zone it uses, with a reference, or NULL
 * @outs: vports it outputs to
 * @encaps: tunnels it outputs to, each with a reference
 * @jumps: jumps, while the filter is parsed
 * @act: steps; those that go to a chain have its place in @chains for a table
 */
struct sluice_program {
	unsigned int num;
	unsigned int num_outs;
	unsigned int num_encaps;
	unsigned int num_jumps;
	unsigned int num_chains;
	unsigned int num_acts;
	struct sluice_state state;
	bool count;
	bool objects;
	u32 chains[SLUICE_CHAINS_MAX];
	u32 acts[TCA_ACT_MAX_PRIO];
	struct sluice_ct_zone *zone;
	struct sluice_vport *outs[SLUICE_PROGRAM_MAX];
	struct sluice_encap *encaps[SLUICE_PROGRAM_MAX];
	struct sluice_jump jumps[SLUICE_JUMPS_MAX];
	struct sluice_action act[SLUICE_PROGRAM_MAX];
};

/**
 * struct sluice_spec - a filter as tc describes it
 * @key: name
 * @chain: chain
 * @prio: tc priority
 * @order: flower's mask
 * @match: what it matches; when the device cannot express that, more
 * @prog: what it does
 */
struct sluice_spec {
	struct sluice_rule_key key;
	u32 chain;
	u32 prio;
	const void *order;
	struct sluice_match match;
	struct sluice_program prog;
};

/**
 * struct sluice_filter_op - a classifier's call, whatever the classifier
 * @common: what all of them say
 * @add: a filter comes, named @add_cookie
 * @del: a filter goes, named @del_cookie
 * @add_cookie: name of the filter that comes
 * @del_cookie: name of the filter that goes
 */
struct sluice_filter_op {
	const struct flow_cls_common_offload *common;
	bool add;
	bool del;
	unsigned long add_cookie;
	unsigned long del_cookie;
};

/* ---- reject.c ---- */

const char *sluice_reject_name(enum sluice_reject reason);
void sluice_reject_subject(struct sluice_offload *off, unsigned long cookie,
			   const struct flow_cls_common_offload *common);
__printf(4, 5)
int sluice_reject(struct sluice_offload *off, struct netlink_ext_ack *extack,
		  enum sluice_reject reason, const char *fmt, ...);

/* ---- known.c ---- */

extern const struct sluice_known sluice_keys[FLOW_DISSECTOR_KEY_MAX];
extern const struct sluice_known sluice_actions[NUM_FLOW_ACTIONS];

/* ---- offload.c ---- */

int sluice_offload_post(struct sluice_offload *off, struct sluice_cmd_hdr *cmd);
int sluice_offload_post_u32(struct sluice_offload *off, u8 opcode, u32 value);
void sluice_offload_put(struct sluice_offload *off);

/* ---- block.c ---- */

int sluice_block_bind(struct sluice_vport *vport,
		      struct flow_block_offload *bo);
int sluice_block_unbind(struct sluice_vport *vport,
			struct flow_block_offload *bo);
struct sluice_block *sluice_block_create(struct sluice_offload *off,
					 struct flow_block *tc,
					 struct net *net, void *ident);
void sluice_block_destroy(struct sluice_block *block);
int sluice_block_port_add(struct sluice_block *block,
			  struct sluice_vport *vport);
bool sluice_block_port_del(struct sluice_block *block, u16 num);
void sluice_block_release(void *cb_priv);
int sluice_block_cb(enum tc_setup_type type, void *type_data, void *cb_priv);
bool sluice_block_is_live(const struct sluice_block *block);
void sluice_block_blind(struct sluice_block *block, int change);
void sluice_block_roots(struct sluice_block *block);
void sluice_block_detach(struct sluice_block *block);

/* ---- egress.c ---- */

struct sluice_egress *sluice_egress_create(struct sluice_offload *off,
					   struct sluice_vport *vport,
					   struct sluice_tunnel_dev *td,
					   struct sluice_underlay *underlay);
void sluice_egress_detach(struct sluice_egress *egress);
int sluice_egress_cb(enum tc_setup_type type, void *type_data, void *cb_priv);
void sluice_egress_release(void *cb_priv);
int sluice_egress_bind(struct sluice_vport *vport,
		       struct flow_block_offload *bo);
int sluice_egress_unbind(struct sluice_vport *vport,
			 struct flow_block_offload *bo);

/* ---- filter.c ---- */

bool sluice_filter_op(enum tc_setup_type type, void *type_data,
		      struct sluice_filter_op *op);
struct sluice_spec *sluice_spec_begin(struct sluice_offload *off);
int sluice_flower(struct sluice_block *block, struct flow_cls_offload *f);
int sluice_matchall(struct sluice_block *block,
		    struct tc_cls_matchall_offload *mall);
int sluice_foreign(struct sluice_block *block, enum tc_setup_type type,
		   const struct sluice_filter_op *op);

/* ---- match.c ---- */

int sluice_match_flower(struct sluice_block *block,
			const struct flow_cls_offload *f,
			struct sluice_match *match);
void sluice_match_proto(struct sluice_match *match, __be16 protocol);

/* ---- match_ct.c ---- */

void sluice_match_ct(const struct flow_rule *rule, struct sluice_match *match);

/* ---- match_enc.c ---- */

int sluice_match_enc(struct sluice_block *block,
		     const struct flow_cls_offload *f,
		     struct sluice_match *match);

/* ---- match_rare.c ---- */

int sluice_match_rare(struct sluice_offload *off,
		      const struct flow_cls_offload *f,
		      struct sluice_match *match);
void sluice_match_release(struct sluice_offload *off,
			  struct sluice_match *match);

/* ---- range.c ---- */

int sluice_range_get(struct sluice_offload *off, u8 field, u16 min, u16 max);
void sluice_ranges_hold(struct sluice_offload *off, __le64 bits);
void sluice_ranges_put(struct sluice_offload *off, __le64 bits);
void sluice_ranges_replay(struct sluice_offload *off);
bool sluice_ranges_clash(struct sluice_block *block,
			 const struct sluice_spec *spec);

/* Short for tc's name of an action; that two have the same does no harm. */
static inline u32 sluice_action_hash(unsigned long cookie)
{
	return hash_long(cookie, 32);
}

/* ---- actions.c ---- */

int sluice_actions_parse(struct sluice_block *block,
			 const struct flow_cls_common_offload *common,
			 const struct flow_action *action,
			 struct sluice_program *prog);
void sluice_objects_put(struct sluice_offload *off,
			const struct sluice_action *act, unsigned int num);
void sluice_program_release(struct sluice_offload *off,
			    struct sluice_program *prog);
struct sluice_action *sluice_program_step(struct sluice_program *prog, u8 op);
int sluice_program_goto(struct sluice_block *block,
			struct netlink_ext_ack *extack,
			struct sluice_program *prog, u32 chain,
			struct sluice_action *step);

/* ---- eth.c ---- */

int sluice_eth_parse(struct sluice_offload *off,
		     const struct flow_action_entry *entry,
		     struct netlink_ext_ack *extack,
		     struct sluice_program *prog);
int sluice_eth_end(struct sluice_offload *off, struct netlink_ext_ack *extack,
		   const struct sluice_program *prog);

/* ---- jump.c ---- */

int sluice_jump_add(struct sluice_offload *off, struct netlink_ext_ack *extack,
		    struct sluice_program *prog, u8 *skip, u32 index, u32 to);
bool sluice_jumps_to(const struct sluice_program *prog, u32 to);
int sluice_jumps_land(struct sluice_offload *off,
		      struct netlink_ext_ack *extack,
		      struct sluice_program *prog, u32 to, bool alone);

/* ---- police.c ---- */

int sluice_police_parse(struct sluice_block *block,
			const struct flow_cls_common_offload *common,
			const struct flow_action_entry *entry, u32 index,
			struct sluice_program *prog, bool *ends);

/* ---- meter.c ---- */

struct sluice_meter *sluice_meter_get(struct sluice_offload *off,
				      const struct flow_action_entry *entry);
void sluice_meters_hold(struct sluice_offload *off,
			const struct sluice_action *act, unsigned int num);
void sluice_meters_put(struct sluice_offload *off,
		       const struct sluice_action *act, unsigned int num);
void sluice_meters_replay(struct sluice_offload *off);
void sluice_meters_fini(struct sluice_offload *off);
int sluice_meter_replace(struct sluice_offload *off,
			 const struct flow_offload_action *fl);
bool sluice_meter_exists(struct sluice_offload *off, unsigned long cookie);
void sluice_meter_destroy(struct sluice_offload *off, unsigned long cookie);

/* ---- share.c ---- */

void sluice_shared_step(struct sluice_offload *off, unsigned long cookie,
			struct sluice_program *prog);
void sluice_shared_drop(struct sluice_offload *off, unsigned long cookie,
			struct sluice_action *step);
void sluice_shared_hold(struct sluice_offload *off, struct sluice_action *act,
			unsigned int num);
void sluice_shared_put(struct sluice_offload *off,
		       const struct sluice_action *act, unsigned int num);
void sluice_shared_replay(struct sluice_offload *off);
void sluice_shared_fini(struct sluice_offload *off);
int sluice_act_setup(struct sluice_offload *off, struct flow_offload_action *fl);

/* ---- host.c ---- */

int sluice_host_get(struct sluice_offload *off, int ifindex);
void sluice_hosts_count(struct sluice_offload *off,
			const struct sluice_action *act, unsigned int num,
			int change);

/* ---- sample.c ---- */

#if IS_ENABLED(CONFIG_PSAMPLE)
int sluice_sample_parse(struct sluice_block *block,
			const struct flow_action_entry *entry,
			struct netlink_ext_ack *extack,
			struct sluice_program *prog);
void sluice_samples_count(struct sluice_offload *off,
			  const struct sluice_action *act, unsigned int num,
			  int change);
void sluice_samples_fini(struct sluice_offload *off);
#else
static inline int sluice_sample_parse(struct sluice_block *block,
				      const struct flow_action_entry *entry,
				      struct netlink_ext_ack *extack,
				      struct sluice_program *prog)
{
	return sluice_reject(block->off, extack, SLUICE_REJECT_ACTION,
			     "this kernel has no psample");
}

static inline void sluice_samples_count(struct sluice_offload *off,
					const struct sluice_action *act,
					unsigned int num, int change)
{
}

static inline void sluice_samples_fini(struct sluice_offload *off) {}
#endif

/*
 * act_police counts a packet that conforms and is dropped for that, but not when
 * all it looks at is the length.
 */
static inline bool sluice_meter_counts_conform(const struct sluice_meter *meter)
{
	return !!(meter->cmd.flags & cpu_to_le16(SLUICE_METER_F_RATE |
						 SLUICE_METER_F_PACKET));
}

/* ---- pedit.c ---- */

int sluice_pedit_parse(struct sluice_offload *off,
		       const struct flow_action_entry *entry,
		       unsigned int left, struct netlink_ext_ack *extack,
		       struct sluice_program *prog);

/* ---- rule.c ---- */

extern const struct rhashtable_params sluice_rule_params;

int sluice_rule_add(struct sluice_block *block, const struct sluice_spec *spec,
		    u8 flags);
void sluice_rule_punt(struct sluice_block *block, struct sluice_spec *spec);
struct sluice_rule *sluice_rule_find(struct sluice_offload *off,
				     const struct sluice_rule_key *key);
void sluice_rule_remove(struct sluice_rule *rule);
void sluice_rules_free(struct sluice_offload *off);
int sluice_rule_post(struct sluice_rule *rule);
void sluice_rule_lose_port(struct sluice_rule *rule);
void sluice_rules_lose_meter(struct sluice_offload *off, u32 id);
bool sluice_rules_lose_action(struct sluice_offload *off, unsigned long cookie);
void sluice_rule_withdraw(struct sluice_rule *rule);
void sluice_rule_detach(struct sluice_rule *rule);
int sluice_rule_stats(struct sluice_offload *off,
		      const struct sluice_rule_key *key,
		      struct flow_stats *stats);

/* ---- mask.c ---- */

extern const struct rhashtable_params sluice_mask_params;

u64 sluice_mask_words(const struct sluice_key *bits);
struct sluice_mask *sluice_mask_get(struct sluice_offload *off,
				    const struct sluice_key *bits);
void sluice_mask_put(struct sluice_offload *off, struct sluice_mask *mask);
int sluice_mask_post(struct sluice_offload *off, const struct sluice_mask *mask);

/* ---- table.c ---- */

struct sluice_table *sluice_table_get(struct sluice_block *block, u32 chain);
void sluice_table_put(struct sluice_table *table);

/* ---- prio.c ---- */

struct sluice_order *sluice_order_get(struct sluice_table *table, u32 prio,
				      const void *id);
void sluice_order_put(struct sluice_order *order);
bool sluice_order_known(struct sluice_block *block, u32 chain, u32 prio,
			const void *id);

/* ---- counter.c ---- */

int sluice_counters_init(struct sluice_offload *off);
void sluice_counters_stop(struct sluice_offload *off);
void sluice_counters_fini(struct sluice_offload *off);
void sluice_counters_replay(struct sluice_offload *off);
int sluice_counter_get(struct sluice_offload *off, u32 *id,
		       const struct sluice_counter **slot);
void sluice_counter_put(struct sluice_offload *off, u32 id);
bool sluice_counter_read(const struct sluice_counter *slot, u64 *packets,
			 u64 *bytes, u64 *last_use);

/* ---- debugfs.c ---- */

void sluice_offload_debugfs_add(struct sluice_offload *off);
void sluice_offload_debugfs_remove(struct sluice_offload *off);

#endif /* _SLUICE_OFFLOAD_H */
