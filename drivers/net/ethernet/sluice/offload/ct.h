/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connection tracking in hardware.
 *
 * act_ct has a flow table for each conntrack zone, with the connections its own
 * fast path takes.  While a rule in hardware uses a zone, we ask that table to
 * tell us of them, and the device gets a copy.  nftables' flow tables tell us of
 * theirs when they have "flags offload", see ft.c.
 *
 * Locks: struct sluice_offload.lock protects zones.  The flow table calls with
 * its own lock held, which is also taken to register with it, so those calls
 * take struct sluice_ct.lock alone, which protects connections.  It nests inside
 * both of the others.
 */
#ifndef _SLUICE_CT_H
#define _SLUICE_CT_H

#include "offload.h"

#if IS_ENABLED(CONFIG_NET_ACT_CT)

#include <net/netfilter/nf_flow_table.h>

struct sluice_ft_hop;
struct sluice_ft_in;

/**
 * struct sluice_ct - connections of an offload
 * @off: the offload
 * @zones: struct sluice_ct_zone
 * @table_ids: connection tables
 * @netevent: hears of neighbours
 * @neighs: struct sluice_ft_neigh, those that flow tables send to
 * @changed_lock: protects @changed
 * @changed: those with news
 * @ft_work: brings rules of flow tables up to date
 * @lock: protects what follows
 * @fts: struct sluice_ft
 * @ft_stopped: switchdev mode is left, @ft_work is not to be scheduled
 * @hop_ids: next hops of flow tables
 * @paused: nothing is taken, the device rests or is left
 * @conns: struct sluice_conn by flow
 * @ids: pairs of ids
 * @dying: connections the device was told to forget
 * @dying_work: gives them their last counts
 * @full: how often there was no room
 */
struct sluice_ct {
	struct sluice_offload *off;
	struct list_head zones;
	struct ida table_ids;
	struct notifier_block netevent;
	struct rhashtable neighs;
	/* Protects the list of neighbours with news. */
	spinlock_t changed_lock;
	struct list_head changed;
	struct work_struct ft_work;
	/* Protects all that follows. */
	struct mutex lock;
	struct list_head fts;
	bool ft_stopped;
	struct ida hop_ids;
	bool paused;
	struct rhashtable conns;
	struct ida ids;
	struct list_head dying;
	struct delayed_work dying_work;
	u64 full;
};

/**
 * struct sluice_ct_zone - a conntrack zone that rules use, or a flow table of
 *	nftables
 * @node: in struct sluice_ct.zones; unused in a flow table's
 * @ct: whose it is
 * @ft: the flow table
 * @routes: it is nftables': each direction has a table and a mark of its own
 * @acct: its owner counts packets of connections
 * @zone: its number
 * @table: connection table in the device
 * @refs: rules and programs
 * @conns: connections; under struct sluice_ct.lock, as is @num_conns
 * @num_conns: their number
 */
struct sluice_ct_zone {
	struct list_head node;
	struct sluice_ct *ct;
	struct nf_flowtable *ft;
	bool routes;
	bool acct;
	u16 zone;
	u32 table;
	unsigned int refs;
	struct list_head conns;
	unsigned int num_conns;
};

/**
 * struct sluice_conn_to - what the device makes of packets of a direction
 * @table: connection table it is found in
 * @mark: mark
 * @labels: 16 bytes of labels
 * @in: where they come in, or NULL
 * @hop: where they go, or NULL
 */
struct sluice_conn_to {
	u32 table;
	u32 mark;
	const void *labels;
	struct sluice_ft_in *in;
	struct sluice_ft_hop *hop;
};

static inline const struct flow_offload *
sluice_tuple_flow(const struct flow_offload_tuple *tuple)
{
	const struct flow_offload_tuple_rhash *th =
		container_of(tuple, struct flow_offload_tuple_rhash, tuple);

	return container_of(th - tuple->dir, struct flow_offload,
			    tuplehash[0]);
}

/* ---- ct_conn.c ---- */

int sluice_conn_set(struct sluice_ct_zone *zone,
		    const struct flow_offload *flow, unsigned int d,
		    const struct sluice_conn_to *to);
int sluice_conn_stats(struct sluice_ct *ct, struct flow_cls_offload *f);
int sluice_conn_destroy(struct sluice_ct *ct, const struct flow_cls_offload *f);
int sluice_conns_init(struct sluice_ct *ct);
void sluice_conns_fini(struct sluice_ct *ct);
void sluice_conns_drop(struct sluice_ct_zone *zone);
int sluice_conn_cb(enum tc_setup_type type, void *type_data, void *cb_priv);

/* ---- ft.c ---- */

int sluice_fts_init(struct sluice_ct *ct);
void sluice_fts_stop(struct sluice_ct *ct);
void sluice_fts_fini(struct sluice_ct *ct);
void sluice_fts_pause(struct sluice_ct *ct);
void sluice_ft_unuse(struct sluice_ct *ct, struct sluice_ft_in *in,
		     struct sluice_ft_hop *hop);
int sluice_ft_bind(struct sluice_vport *vport, struct flow_block_offload *bo);
int sluice_ft_unbind(struct sluice_vport *vport, struct flow_block_offload *bo);
struct seq_file;
void sluice_fts_show(struct seq_file *m, const struct sluice_ct *ct);

/* ---- ct.c ---- */

int sluice_ct_init(struct sluice_offload *off);
void sluice_ct_pause(struct sluice_offload *off);
void sluice_ct_resume(struct sluice_offload *off);
void sluice_ct_stop(struct sluice_offload *off);
void sluice_ct_fini(struct sluice_offload *off);
int sluice_ct_parse(struct sluice_offload *off,
		    const struct flow_action_entry *entry,
		    struct netlink_ext_ack *extack,
		    struct sluice_program *prog);
void sluice_ct_zone_hold(struct sluice_ct_zone *zone);
void sluice_ct_zone_put(struct sluice_ct_zone *zone);
void sluice_ct_debugfs_add(struct sluice_offload *off);

#else

static inline int sluice_ct_init(struct sluice_offload *off)
{
	return 0;
}

static inline void sluice_ct_pause(struct sluice_offload *off) {}
static inline void sluice_ct_resume(struct sluice_offload *off) {}
static inline void sluice_ct_stop(struct sluice_offload *off) {}
static inline void sluice_ct_fini(struct sluice_offload *off) {}
static inline void sluice_ct_zone_hold(struct sluice_ct_zone *zone) {}
static inline void sluice_ct_zone_put(struct sluice_ct_zone *zone) {}
static inline void sluice_ct_debugfs_add(struct sluice_offload *off) {}

static inline int sluice_ft_bind(struct sluice_vport *vport,
				 struct flow_block_offload *bo)
{
	return -EOPNOTSUPP;
}

static inline int sluice_ft_unbind(struct sluice_vport *vport,
				   struct flow_block_offload *bo)
{
	return -EOPNOTSUPP;
}

static inline int sluice_ct_parse(struct sluice_offload *off,
				  const struct flow_action_entry *entry,
				  struct netlink_ext_ack *extack,
				  struct sluice_program *prog)
{
	return sluice_reject(off, extack, SLUICE_REJECT_CT,
			     "this kernel has no ct action");
}

#endif /* CONFIG_NET_ACT_CT */

#endif /* _SLUICE_CT_H */
