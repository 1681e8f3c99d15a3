// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that flow tables tell of: those of act_ct, and nftables'.
 *
 * The flow table calls from work items, for each direction on its own.  It names
 * a direction by the address of its tuple in struct flow_offload, which lives as
 * long as we have not been told that it goes.  Its software fast path is what the
 * device does for it, so a connection is taken only when that would: of act_ct's
 * once it is assured.  Until then software sees all packets.
 */
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_acct.h>

#include "ct.h"

/* Last counts are fetched for many connections at once. */
#define SLUICE_CT_DYING_MS	100

/**
 * struct sluice_conn_dir - one direction of a connection
 * @present: the device has it
 * @table: connection table of the device
 * @mark: mark the device has
 * @label: labels the device has
 * @in: of nftables': where its packets come in
 * @hop: where they go
 * @counter: counter id
 * @slot: its host memory
 * @packets: packets conntrack has been told of
 * @bytes: bytes conntrack has been told of
 */
struct sluice_conn_dir {
	bool present;
	u32 table;
	u32 mark;
	u8 label[16];
	struct sluice_ft_in *in;
	struct sluice_ft_hop *hop;
	u32 counter;
	const struct sluice_counter *slot;
	u64 packets;
	u64 bytes;
};

/**
 * struct sluice_conn - a connection in the device
 * @node: in struct sluice_ct.conns
 * @flow: what the flow table has
 * @ct: what conntrack has, with a reference
 * @zone: its zone
 * @list: in struct sluice_ct_zone.conns or struct sluice_ct.dying
 * @pair: its ids are twice this and the next one
 * @acct: conntrack is to be told of its last packets
 * @dir: its directions
 */
struct sluice_conn {
	struct rhash_head node;
	const struct flow_offload *flow;
	struct nf_conn *ct;
	struct sluice_ct_zone *zone;
	struct list_head list;
	u32 pair;
	bool acct;
	struct sluice_conn_dir dir[FLOW_OFFLOAD_DIR_MAX];
};

/* nf_ct_acct_add() of conntrack, or NULL */
typedef void (*sluice_acct_add_t)(struct nf_conn *ct, u32 dir,
				  unsigned int packets, unsigned int bytes);

static const struct rhashtable_params conn_params = {
	.head_offset = offsetof(struct sluice_conn, node),
	.key_offset = offsetof(struct sluice_conn, flow),
	.key_len = sizeof_field(struct sluice_conn, flow),
	.automatic_shrinking = true,
};

static u32 conn_id(const struct sluice_conn *conn, unsigned int d)
{
	return conn->pair * FLOW_OFFLOAD_DIR_MAX + d;
}

static u32 ct_mark(const struct nf_conn *ct)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
	return READ_ONCE(ct->mark);
#else
	return 0;
#endif
}

static void fill_addr(u8 *to, const struct flow_offload_tuple *tuple,
		      const void *addr)
{
	memcpy(to, addr, tuple->l3proto == NFPROTO_IPV6 ?
			 sizeof(struct in6_addr) : sizeof(struct in_addr));
}

/*
 * NAT makes of a packet what the other direction answers.  The reply's source
 * is what the original's destination became.
 */
static void fill_nat(struct sluice_cmd_ct *cmd,
		     const struct sluice_conn *conn, unsigned int d)
{
	const struct flow_offload_tuple *other =
		&conn->flow->tuplehash[!d].tuple;
	unsigned long status = READ_ONCE(conn->ct->status);
	bool snat = status & (d ? IPS_DST_NAT : IPS_SRC_NAT);
	bool dnat = status & (d ? IPS_SRC_NAT : IPS_DST_NAT);

	if (snat) {
		cmd->flags |= cpu_to_le16(SLUICE_CT_F_SNAT);
		cmd->nat_sport = other->dst_port;
		fill_addr(cmd->nat_src, other, &other->dst_v6);
	}
	if (dnat) {
		cmd->flags |= cpu_to_le16(SLUICE_CT_F_DNAT);
		cmd->nat_dport = other->src_port;
		fill_addr(cmd->nat_dst, other, &other->src_v6);
	}
}

static int conn_post(struct sluice_conn *conn, unsigned int d, bool zero)
{
	const struct flow_offload_tuple *tuple = &conn->flow->tuplehash[d].tuple;
	const struct sluice_conn_dir *dir = &conn->dir[d];
	u16 state = SLUICE_CT_TRACKED | SLUICE_CT_ESTABLISHED;
	struct sluice_cmd_ct cmd = {};

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_CT_SET, sizeof(cmd));
	if (d == FLOW_OFFLOAD_DIR_REPLY)
		state |= SLUICE_CT_REPLY;
	cmd.id = cpu_to_le32(conn_id(conn, d));
	cmd.table = cpu_to_le32(dir->table);
	cmd.counter = cpu_to_le32(dir->counter);
	cmd.mark = cpu_to_le32(dir->mark);
	memcpy(cmd.label, dir->label, sizeof(cmd.label));
	cmd.flags = cpu_to_le16(zero ? SLUICE_CT_F_ZERO : 0);
	cmd.state = cpu_to_le16(state);
	cmd.ip = tuple->l3proto == NFPROTO_IPV6 ? 6 : 4;
	cmd.proto = tuple->l4proto;
	cmd.sport = tuple->src_port;
	cmd.dport = tuple->dst_port;
	fill_addr(cmd.src, tuple, &tuple->src_v6);
	fill_addr(cmd.dst, tuple, &tuple->dst_v6);
	fill_nat(&cmd, conn, d);
	return sluice_cmd_post(conn->zone->ct->off->sdev, &cmd.hdr);
}

static struct sluice_conn *conn_find(struct sluice_ct *ct,
				     const struct flow_offload *flow)
{
	return rhashtable_lookup_fast(&ct->conns, &flow, conn_params);
}

static struct sluice_conn *conn_new(struct sluice_ct_zone *zone,
				    const struct flow_offload *flow)
{
	struct sluice_ct *ct = zone->ct;
	u32 pairs = ct->off->sdev->limits.max_ct / FLOW_OFFLOAD_DIR_MAX;
	struct sluice_conn *conn;
	int id, err;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn)
		return ERR_PTR(-ENOMEM);
	id = ida_alloc_max(&ct->ids, pairs - 1, GFP_KERNEL);
	if (id < 0) {
		kfree(conn);
		return ERR_PTR(id);
	}
	conn->pair = id;
	conn->flow = flow;
	conn->zone = zone;
	conn->acct = zone->acct;
	err = rhashtable_insert_fast(&ct->conns, &conn->node, conn_params);
	if (err) {
		ida_free(&ct->ids, id);
		kfree(conn);
		return ERR_PTR(err);
	}
	conn->ct = flow->ct;
	nf_conntrack_get(&conn->ct->ct_general);
	list_add_tail(&conn->list, &zone->conns);
	zone->num_conns++;
	return conn;
}

/* The device forgets it; what is left are its last counts. */
static void conn_drop(struct sluice_conn *conn)
{
	struct sluice_ct *ct = conn->zone->ct;
	struct sluice_cmd_u32 cmd = {};
	unsigned int d;

	for (d = 0; d < FLOW_OFFLOAD_DIR_MAX; d++) {
		sluice_ft_unuse(ct, conn->dir[d].in, conn->dir[d].hop);
		if (!conn->dir[d].present || ct->paused)
			continue;
		sluice_cmd_init(&cmd.hdr, SLUICE_CMD_CT_DEL, sizeof(cmd));
		cmd.value = cpu_to_le32(conn_id(conn, d));
		sluice_cmd_post(ct->off->sdev, &cmd.hdr);
	}
	rhashtable_remove_fast(&ct->conns, &conn->node, conn_params);
	conn->zone->num_conns--;
	conn->zone = NULL;
	list_move_tail(&conn->list, &ct->dying);
	schedule_delayed_work(&ct->dying_work,
			      msecs_to_jiffies(SLUICE_CT_DYING_MS));
}

/**
 * sluice_conns_drop() - forget all connections of a zone
 * @zone: zone; struct sluice_ct.lock held
 */
void sluice_conns_drop(struct sluice_ct_zone *zone)
{
	struct sluice_conn *conn, *next;

	list_for_each_entry_safe(conn, next, &zone->conns, list) {
		conn_drop(conn);
		cond_resched();
	}
}

/* What happened since the last time. */
static bool dir_count(struct sluice_conn_dir *dir, u64 *packets, u64 *bytes,
		      u64 *last_use)
{
	u64 all_packets, all_bytes;

	if (!sluice_counter_read(dir->slot, &all_packets, &all_bytes, last_use))
		return false;
	/* A counter that went back is the device's mistake. */
	*packets = all_packets > dir->packets ? all_packets - dir->packets : 0;
	*bytes = all_bytes > dir->bytes ? all_bytes - dir->bytes : 0;
	dir->packets = all_packets;
	dir->bytes = all_bytes;
	return true;
}

static void conn_free(struct sluice_ct *ct, struct sluice_conn *conn,
		      sluice_acct_add_t acct_add)
{
	u64 packets, bytes, last_use;
	unsigned int d;

	for (d = 0; d < FLOW_OFFLOAD_DIR_MAX; d++) {
		if (!conn->dir[d].present)
			continue;
		if (acct_add && conn->acct &&
		    dir_count(&conn->dir[d], &packets, &bytes, &last_use) &&
		    packets)
			acct_add(conn->ct, d, packets, bytes);
		sluice_counter_put(ct->off, conn->dir[d].counter);
	}
	ida_free(&ct->ids, conn->pair);
	nf_conntrack_put(&conn->ct->ct_general);
	kfree(conn);
}

/* Give connections that are gone their last counts. */
static void dying_work(struct work_struct *work)
{
	struct sluice_ct *ct = container_of(to_delayed_work(work),
					    struct sluice_ct, dying_work);
	sluice_acct_add_t acct_add;
	struct sluice_conn *conn, *next;
	struct sluice_cmd_hdr cmd;
	LIST_HEAD(dead);
	bool paused;

	mutex_lock(&ct->lock);
	list_splice_init(&ct->dying, &dead);
	paused = ct->paused;
	mutex_unlock(&ct->lock);
	if (!paused) {
		/* With this answer everything before is in host memory. */
		sluice_cmd_init(&cmd, SLUICE_CMD_NOP, sizeof(cmd));
		sluice_cmd_exec(ct->off->sdev, &cmd);
	}
	/* No reason to load conntrack with us: who has connections has it. */
	acct_add = symbol_get(nf_ct_acct_add);
	list_for_each_entry_safe(conn, next, &dead, list) {
		conn_free(ct, conn, acct_add);
		cond_resched();
	}
	if (acct_add)
		symbol_put(nf_ct_acct_add);
}

/* The labels come with the flow's actions. */
static const void *rule_labels(const struct flow_rule *rule)
{
	const struct flow_action_entry *entry;
	unsigned int i;

	flow_action_for_each(i, entry, &rule->action)
		if (entry->id == FLOW_ACTION_CT_METADATA)
			return entry->ct_metadata.labels;
	return NULL;
}

static int dir_add(struct sluice_conn *conn, unsigned int d)
{
	struct sluice_offload *off = conn->zone->ct->off;
	struct sluice_conn_dir *dir = &conn->dir[d];
	int err;

	err = sluice_counter_get(off, &dir->counter, &dir->slot);
	if (err)
		return err;
	err = conn_post(conn, d, true);
	if (err) {
		sluice_counter_put(off, dir->counter);
		return err;
	}
	dir->present = true;
	return 0;
}

/* The flow table also tells again of what we have. */
static int dir_set(struct sluice_conn *conn, unsigned int d,
		   const struct sluice_conn_to *to)
{
	struct sluice_conn_dir *dir = &conn->dir[d];

	if (dir->present && dir->table == to->table && dir->mark == to->mark &&
	    !memcmp(dir->label, to->labels, sizeof(dir->label)))
		return 0;
	dir->table = to->table;
	dir->mark = to->mark;
	if (to->labels != dir->label)
		memcpy(dir->label, to->labels, sizeof(dir->label));
	return dir->present ? conn_post(conn, d, false) : dir_add(conn, d);
}

/**
 * sluice_conn_set() - a connection's direction is to be in the device
 * @zone: zone or flow table; struct sluice_ct.lock held
 * @flow: the connection
 * @d: the direction
 * @to: what becomes of its packets; on success @in and @hop are used by it
 *	until sluice_ft_unuse()
 *
 * Return: 0, -ENOSPC, -ENOMEM or -EIO.
 */
int sluice_conn_set(struct sluice_ct_zone *zone,
		    const struct flow_offload *flow, unsigned int d,
		    const struct sluice_conn_to *to)
{
	struct sluice_conn *conn = conn_find(zone->ct, flow);
	struct sluice_conn_dir *dir;
	bool fresh = !conn;
	int err;

	if (fresh)
		conn = conn_new(zone, flow);
	if (IS_ERR(conn)) {
		err = PTR_ERR(conn);
	} else {
		err = dir_set(conn, d, to);
		if (err && fresh)
			conn_drop(conn);
	}
	if (err == -ENOSPC)
		zone->ct->full++;
	if (err)
		return err;
	dir = &conn->dir[d];
	sluice_ft_unuse(zone->ct, dir->in, dir->hop);
	dir->in = to->in;
	dir->hop = to->hop;
	return 0;
}

static int conn_replace(struct sluice_ct_zone *zone,
			const struct flow_cls_offload *f)
{
	const struct flow_offload_tuple *tuple = (const void *)f->cookie;
	const struct flow_offload *flow = sluice_tuple_flow(tuple);
	struct sluice_conn_to to = {
		.table = zone->table,
		.labels = rule_labels(f->rule),
	};

	if (!to.labels || !test_bit(IPS_ASSURED_BIT, &flow->ct->status))
		return -EOPNOTSUPP;
	to.mark = ct_mark(flow->ct);
	return sluice_conn_set(zone, flow, tuple->dir, &to);
}

/**
 * sluice_conn_stats() - a flow table asks for the counters of a direction
 * @ct: connections, its lock held
 * @f: the call
 *
 * Return: 0, or -ENOENT for what is not in the device.
 */
int sluice_conn_stats(struct sluice_ct *ct, struct flow_cls_offload *f)
{
	const struct flow_offload_tuple *tuple = (const void *)f->cookie;
	struct sluice_conn *conn = conn_find(ct, sluice_tuple_flow(tuple));
	u64 packets, bytes, last_use;
	struct sluice_conn_dir *dir;
	unsigned long used, now;

	if (!conn || !conn->dir[tuple->dir].present)
		return -ENOENT;
	dir = &conn->dir[tuple->dir];
	/* Nobody tells of a mark that was changed from outside. */
	if (!conn->zone->routes && dir->mark != ct_mark(conn->ct)) {
		dir->mark = ct_mark(conn->ct);
		conn_post(conn, tuple->dir, false);
	}
	if (!dir_count(dir, &packets, &bytes, &last_use))
		return 0;
	used = sluice_time_to_jiffies(ct->off->sdev, last_use);
	now = jiffies;
	if (used && time_after(used, now))
		used = now;
	flow_stats_update(&f->stats, bytes, packets, 0, used,
			  FLOW_ACTION_HW_STATS_DELAYED);
	return 0;
}

/**
 * sluice_conn_destroy() - a flow table forgets a connection
 * @ct: connections, its lock held
 * @f: the call, about one of its directions
 *
 * Return: 0, or -ENOENT for what is not in the device.
 */
int sluice_conn_destroy(struct sluice_ct *ct, const struct flow_cls_offload *f)
{
	struct sluice_conn *conn;

	/* Both directions go; the call for the second finds nothing. */
	conn = conn_find(ct, sluice_tuple_flow((const void *)f->cookie));
	if (!conn)
		return -ENOENT;
	conn_drop(conn);
	return 0;
}

/**
 * sluice_conn_cb() - a call of act_ct's flow table
 * @type: kind of call
 * @type_data: its argument
 * @cb_priv: the zone
 *
 * Context: process, the flow table's block lock held for reading.
 *
 * Return: 0; -EOPNOTSUPP for a connection that software keeps, -ENOENT for one
 * that is not in the device, -ENOSPC, -ENOMEM or -EIO.
 */
int sluice_conn_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	struct sluice_ct_zone *zone = cb_priv;
	struct flow_cls_offload *f = type_data;
	struct sluice_ct *ct = zone->ct;
	int err = -EOPNOTSUPP;

	if (type != TC_SETUP_CLSFLOWER)
		return err;
	mutex_lock(&ct->lock);
	if (!ct->paused) {
		switch (f->command) {
		case FLOW_CLS_REPLACE:
			err = conn_replace(zone, f);
			break;
		case FLOW_CLS_DESTROY:
			err = sluice_conn_destroy(ct, f);
			break;
		case FLOW_CLS_STATS:
			err = sluice_conn_stats(ct, f);
			break;
		default:
			break;
		}
	}
	mutex_unlock(&ct->lock);
	return err;
}

/**
 * sluice_conns_init() - start without any connection
 * @ct: where they will be
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_conns_init(struct sluice_ct *ct)
{
	mutex_init(&ct->lock);
	ida_init(&ct->ids);
	INIT_LIST_HEAD(&ct->dying);
	INIT_DELAYED_WORK(&ct->dying_work, dying_work);
	return rhashtable_init(&ct->conns, &conn_params);
}

/**
 * sluice_conns_fini() - free what is left
 * @ct: without any connection
 */
void sluice_conns_fini(struct sluice_ct *ct)
{
	flush_delayed_work(&ct->dying_work);
	rhashtable_destroy(&ct->conns);
	ida_destroy(&ct->ids);
	mutex_destroy(&ct->lock);
}
