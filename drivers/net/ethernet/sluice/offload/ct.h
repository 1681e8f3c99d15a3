/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connection tracking in hardware.
 *
 * act_ct has a flow table for each conntrack zone, with the connections its own
 * fast path takes.  While a rule in hardware uses a zone, we ask that table to
 * tell us of them, and the device gets a copy.
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

/**
 * struct sluice_ct - connections of an offload
 * @off: the offload
 * @zones: struct sluice_ct_zone
 * @table_ids: connection tables
 * @lock: protects what follows
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
	/* Protects all that follows. */
	struct mutex lock;
	bool paused;
	struct rhashtable conns;
	struct ida ids;
	struct list_head dying;
	struct delayed_work dying_work;
	u64 full;
};

/**
 * struct sluice_ct_zone - a conntrack zone that rules use
 * @node: in struct sluice_ct.zones
 * @ct: whose it is
 * @ft: act_ct's flow table of the zone
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
	u16 zone;
	u32 table;
	unsigned int refs;
	struct list_head conns;
	unsigned int num_conns;
};

/* ---- ct_conn.c ---- */

int sluice_conns_init(struct sluice_ct *ct);
void sluice_conns_fini(struct sluice_ct *ct);
void sluice_conns_drop(struct sluice_ct_zone *zone);
int sluice_conn_cb(enum tc_setup_type type, void *type_data, void *cb_priv);

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
