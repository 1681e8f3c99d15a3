// SPDX-License-Identifier: GPL-2.0-only
/*
 * nftables' flow tables with "flags offload" on representors and uplinks.
 *
 * Such a table routes packets of connections before the stack sees them, and
 * after tc's ingress.  In the device it is the table of its ports for what their
 * tc blocks have no rule for, with two chains:
 *
 *   IN	a rule for each port, and each VLAN on it, that flows come in by: it
 *	finds the packet's connection, with NAT, and goes to
 *   HOP	a rule for each next hop, which connections name by their mark: TTL,
 *	MTU, tags, addresses, output.
 *
 * So a flow is a connection (ct_conn.c) and has no rule of its own, and a
 * neighbour that changes its address is one rule, whatever the number of flows.
 *
 * The flow table calls with its own lock held, under which we cannot take the
 * offload's lock (see ct.h).  So calls only take and give connections and note
 * what they need; rules and ports follow in a work item.  A connection whose rules
 * are not there yet finds none, and its packets are software's.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "ft.h"

static void ft_free(struct sluice_ft *ft)
{
	list_del(&ft->node);
	xa_destroy(&ft->ports);
	kfree(ft);
}

static void ft_work(struct work_struct *work)
{
	struct sluice_ct *ct = container_of(work, struct sluice_ct, ft_work);
	struct sluice_offload *off = ct->off;
	struct sluice_ft *ft, *next;

	mutex_lock(&off->lock);
	mutex_lock(&ct->lock);
	sluice_ft_neighs_news(ct);
	list_for_each_entry_safe(ft, next, &ct->fts, node) {
		if (!ft->released) {
			sluice_ft_sync(ft);
			continue;
		}
		sluice_ft_clear(ft);
		ft_free(ft);
		/* Never the last one: the eSwitch has one. */
		sluice_offload_put(off);
	}
	mutex_unlock(&ct->lock);
	mutex_unlock(&off->lock);
}

static void ft_release(void *cb_priv)
{
	struct sluice_ft *ft = cb_priv;
	struct sluice_ct *ct = ft->zone.ct;
	struct sluice_offload *off = ft->off;
	bool stopped;

	mutex_lock(&ct->lock);
	stopped = ct->ft_stopped;
	ft->released = true;
	sluice_conns_drop(&ft->zone);
	if (stopped)
		ft_free(ft);
	else
		sluice_ft_schedule(ct);
	mutex_unlock(&ct->lock);
	if (stopped)
		sluice_offload_put(off);
}

static struct sluice_ft *ft_new(struct sluice_offload *off,
				const struct flow_block_offload *bo)
{
	struct sluice_ft *ft = kzalloc(sizeof(*ft), GFP_KERNEL);
	struct nf_flowtable *table;

	if (!ft)
		return NULL;
	table = container_of(bo->block, struct nf_flowtable, flow_block);
	kref_get(&off->ref);
	ft->off = off;
	ft->net = bo->net;
	ft->zone.ct = off->ct;
	ft->zone.ft = table;
	ft->zone.routes = true;
	ft->zone.acct = table->flags & NF_FLOWTABLE_COUNTER;
	INIT_LIST_HEAD(&ft->zone.conns);
	xa_init(&ft->ports);
	hash_init(ft->ins);
	hash_init(ft->hops);
	INIT_LIST_HEAD(&ft->dirty);
	list_add_tail(&ft->node, &off->ct->fts);
	return ft;
}

static bool ft_has(const struct sluice_ct *ct, const struct sluice_vport *vport)
{
	struct sluice_ft *ft;

	list_for_each_entry(ft, &ct->fts, node)
		if (xa_load(&ft->ports, vport->num))
			return true;
	return false;
}

static int ft_bind(struct sluice_offload *off, struct sluice_vport *vport,
		   struct flow_block_offload *bo)
{
	struct sluice_ct *ct = off->ct;
	struct flow_block_cb *cb;
	struct sluice_ft *ft;
	int err;

	/* A port has room for one. */
	if (ct->ft_stopped || ft_has(ct, vport))
		return -EOPNOTSUPP;
	cb = flow_block_cb_lookup(bo->block, sluice_ft_cb, vport->sdev);
	if (cb) {
		ft = flow_block_cb_priv(cb);
		/* From before the last change of mode. */
		if (ft->off != off)
			return -EOPNOTSUPP;
	} else {
		ft = ft_new(off, bo);
		if (!ft)
			return -ENOMEM;
	}
	err = xa_insert(&ft->ports, vport->num, vport, GFP_KERNEL);
	if (err)
		goto err_free;
	if (!cb) {
		cb = flow_block_cb_alloc(sluice_ft_cb, vport->sdev, ft, ft_release);
		if (IS_ERR(cb)) {
			err = PTR_ERR(cb);
			cb = NULL;
			goto err_free;
		}
		flow_block_cb_add(cb, bo);
	}
	flow_block_cb_incref(cb);
	sluice_ft_schedule(ct);
	return 0;

err_free:
	if (!cb) {
		ft_free(ft);
		/* Never the last one: the caller has one. */
		sluice_offload_put(off);
	}
	return err;
}

/**
 * sluice_ft_bind() - a flow table comes to use a representor or uplink
 * @vport: its vport
 * @bo: nftables' call
 *
 * Context: process, nftables' lock and the flow table's block lock held; no RTNL.
 *
 * Return: 0; -EOPNOTSUPP when software has to do it all; -ENOMEM.
 */
int sluice_ft_bind(struct sluice_vport *vport, struct flow_block_offload *bo)
{
	struct sluice_offload *off;
	int err = -EOPNOTSUPP;

	/* It stays for a grace period after the eSwitch has let it go. */
	rcu_read_lock();
	off = sluice_esw_offload(vport->sdev);
	if (off && !kref_get_unless_zero(&off->ref))
		off = NULL;
	rcu_read_unlock();
	if (!off)
		return err;
	if (off->ct && off->sdev->caps & SLUICE_CAP_ROUTE) {
		mutex_lock(&off->ct->lock);
		err = ft_bind(off, vport, bo);
		mutex_unlock(&off->ct->lock);
	}
	sluice_offload_put(off);
	return err;
}

/**
 * sluice_ft_unbind() - a flow table does not use a representor or uplink any more
 * @vport: its vport
 * @bo: nftables' call
 *
 * Flows by way of its other ports come back with their next packets.
 *
 * Context: as for sluice_ft_bind().
 *
 * Return: 0, or -EOPNOTSUPP when binding it was refused.
 */
int sluice_ft_unbind(struct sluice_vport *vport, struct flow_block_offload *bo)
{
	struct flow_block_cb *cb;
	struct sluice_ct *ct;
	struct sluice_ft *ft;
	bool bound;

	cb = flow_block_cb_lookup(bo->block, sluice_ft_cb, vport->sdev);
	if (!cb)
		return -EOPNOTSUPP;
	ft = flow_block_cb_priv(cb);
	ct = ft->zone.ct;
	mutex_lock(&ct->lock);
	bound = xa_erase(&ft->ports, vport->num);
	if (bound) {
		sluice_conns_drop(&ft->zone);
		sluice_ft_schedule(ct);
	}
	mutex_unlock(&ct->lock);
	if (!bound)
		return -EOPNOTSUPP;
	if (!flow_block_cb_decref(cb))
		flow_block_cb_remove(cb, bo);
	return 0;
}

/* ---- life ---- */

/**
 * sluice_fts_init() - start without any flow table
 * @ct: where they will be
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_fts_init(struct sluice_ct *ct)
{
	INIT_LIST_HEAD(&ct->fts);
	ida_init(&ct->hop_ids);
	INIT_WORK(&ct->ft_work, ft_work);
	return sluice_ft_neighs_init(ct);
}

/**
 * sluice_fts_pause() - forget flows around a reset
 * @ct: connections, lock held
 *
 * Flow tables offer them again.
 */
void sluice_fts_pause(struct sluice_ct *ct)
{
	struct sluice_ft *ft;

	list_for_each_entry(ft, &ct->fts, node)
		sluice_conns_drop(&ft->zone);
}

/**
 * sluice_fts_stop() - switchdev mode is left
 * @ct: connections; no lock held.  Flow tables stay until nftables takes them
 *	back, but do nothing
 *
 * Context: process, sleeps.
 */
void sluice_fts_stop(struct sluice_ct *ct)
{
	struct sluice_offload *off = ct->off;
	struct sluice_ft *ft, *next;

	sluice_ft_neighs_stop(ct);
	mutex_lock(&ct->lock);
	ct->ft_stopped = true;
	mutex_unlock(&ct->lock);
	cancel_work_sync(&ct->ft_work);
	mutex_lock(&off->lock);
	mutex_lock(&ct->lock);
	list_for_each_entry_safe(ft, next, &ct->fts, node) {
		sluice_ft_clear(ft);
		if (!ft->released)
			continue;
		ft_free(ft);
		sluice_offload_put(off);
	}
	mutex_unlock(&ct->lock);
	mutex_unlock(&off->lock);
}

/**
 * sluice_fts_fini() - free what is left
 * @ct: without any flow table
 */
void sluice_fts_fini(struct sluice_ct *ct)
{
	/* There never was switchdev mode. */
	if (!ct->ft_stopped) {
		sluice_ft_neighs_stop(ct);
		cancel_work_sync(&ct->ft_work);
	}
	sluice_ft_neighs_fini(ct);
	ida_destroy(&ct->hop_ids);
}

/**
 * sluice_fts_show() - flow tables for debugfs
 * @m: file
 * @ct: connections, lock held
 */
void sluice_fts_show(struct seq_file *m, const struct sluice_ct *ct)
{
	const struct sluice_ft *ft;
	struct sluice_vport *vport;
	unsigned long i;

	list_for_each_entry(ft, &ct->fts, node) {
		seq_puts(m, "flowtable");
		xa_for_each((struct xarray *)&ft->ports, i, vport)
			seq_printf(m, " %#lx", i);
		seq_printf(m, " connections %u refused %llu\n",
			   ft->zone.num_conns, ft->refused);
	}
}
