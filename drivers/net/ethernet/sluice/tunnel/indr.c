// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of tunnel devices and underlays, by way of tc's indirect blocks; and
 * actions of their own, which tc tells of the same way.
 *
 * tc tells of blocks that exist already when we register, but does not replay
 * their filters then; we do.
 */
#include <linux/rtnetlink.h>
#include <net/sch_generic.h>

#include "tunnel.h"

static LIST_HEAD(sluice_indr_cb_list);

/*
 * A block whose rules the device runs: at the ingress of a tunnel device or the
 * egress of an internal port, one of @td and @port.
 */
static int indr_bind(struct sluice_offload *off, struct sluice_tunnel_dev *td,
		     struct sluice_underlay *port, struct Qdisc *sch,
		     struct flow_block_offload *bo, struct tcf_block *tcf,
		     void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct sluice_block **at = td ? &td->block : &port->egress;
	struct net_device *dev = td ? td->dev : port->dev;
	void *ident = td ? (void *)td : port;
	struct sluice_block *block;
	struct flow_block_cb *cb;

	if (*at)
		return -EBUSY;
	block = sluice_block_create(off, &tcf->flow_block, dev_net(dev), ident);
	if (IS_ERR(block))
		return PTR_ERR(block) == -ENOSPC ? -EOPNOTSUPP : PTR_ERR(block);
	/* The block was bound before. */
	block->replay = bo->block ? NULL : tcf;
	cb = flow_indr_block_cb_alloc(sluice_block_cb, ident, block,
				      sluice_block_release, bo, dev, sch,
				      tcf, off, cleanup);
	if (IS_ERR(cb)) {
		sluice_block_destroy(block);
		return PTR_ERR(cb);
	}
	block->tunnel = td;
	block->of_tunnel = td;
	block->underlay = port;
	block->of_host = port;
	*at = block;
	flow_block_cb_add(cb, bo);
	list_add_tail(&cb->driver_list, &sluice_indr_cb_list);
	/* When tc has replayed the block's filters, RTNL is free. */
	schedule_delayed_work(&off->root_work, 0);
	return 0;
}

static int indr_unbind(struct sluice_block *block, void *ident,
		       struct flow_block_offload *bo)
{
	struct flow_block_cb *cb;

	cb = flow_block_cb_lookup(bo->block, sluice_block_cb, ident);
	if (!cb)
		return -EOPNOTSUPP;
	if (block->tunnel)
		block->tunnel->block = NULL;
	block->tunnel = NULL;
	if (block->underlay) {
		block->underlay->egress = NULL;
		sluice_underlay_egress(block->off->tunnels, block->underlay);
	}
	block->underlay = NULL;
	flow_indr_block_cb_remove(cb, bo);
	list_del(&cb->driver_list);
	return 0;
}

/*
 * A block comes or goes at a VLAN on an uplink or a bridge.  It may have
 * filters any time: meanwhile all tunnel packets by way of it are software's.
 */
static void indr_underlay(struct sluice_tunnels *tun, struct net_device *dev,
			  enum flow_block_command command)
{
	struct sluice_underlay *underlay = sluice_underlay_find(tun, dev);
	struct sluice_tunnel_event ev = {
		.kind = SLUICE_TUNNEL_UPPER,
		.ifindex = dev->ifindex,
	};

	/* Those of an internal port are looked at one by one. */
	if (!underlay || underlay->place == SLUICE_PLACE_INTERNAL)
		return;
	if (command == FLOW_BLOCK_BIND)
		underlay->blocks++;
	else if (underlay->blocks)
		underlay->blocks--;
	/* Wants RTNL, which we may not have. */
	sluice_tunnel_queue(tun, &ev);
}

/*
 * A block whose filters only count: at the egress of a tunnel device or the
 * ingress of an internal port, one of @td and @underlay.
 */
static int indr_watch_bind(struct sluice_offload *off,
			   struct sluice_tunnel_dev *td,
			   struct sluice_underlay *underlay, struct Qdisc *sch,
			   struct flow_block_offload *bo,
			   struct tcf_block *tcf,
			   void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct sluice_egress **at = td ? &td->egress : &underlay->ingress;
	struct tcf_block *replay = bo->block ? NULL : tcf;
	void *ident = td ? (void *)td : underlay;
	struct sluice_egress *egress;
	struct flow_block_cb *cb;

	if (*at)
		return -EBUSY;
	egress = sluice_egress_create(off, NULL, td, underlay);
	if (!egress)
		return -ENOMEM;
	cb = flow_indr_block_cb_alloc(sluice_egress_cb, ident, egress,
				      sluice_egress_release, bo,
				      td ? td->dev : underlay->dev, sch, tcf,
				      off, cleanup);
	if (IS_ERR(cb)) {
		kfree(egress);
		/* Never the last one. */
		sluice_offload_put(off);
		return PTR_ERR(cb);
	}
	*at = egress;
	if (td)
		td->egress_replay = replay;
	else
		underlay->ingress_replay = replay;
	flow_block_cb_add(cb, bo);
	list_add_tail(&cb->driver_list, &sluice_indr_cb_list);
	if (replay)
		schedule_delayed_work(&off->root_work, 0);
	return 0;
}

static int indr_watch_unbind(struct sluice_egress *egress, void *ident,
			     struct flow_block_offload *bo)
{
	struct flow_block_cb *cb;

	cb = flow_block_cb_lookup(bo->block, sluice_egress_cb, ident);
	if (!cb)
		return -EOPNOTSUPP;
	sluice_egress_detach(egress);
	flow_indr_block_cb_remove(cb, bo);
	list_del(&cb->driver_list);
	return 0;
}

/* A block comes or goes at what may be an internal port. */
static int indr_internal(struct sluice_offload *off, struct net_device *dev,
			 struct Qdisc *sch, struct flow_block_offload *bo,
			 struct tcf_block *tcf, bool ingress,
			 void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct sluice_underlay *port = sluice_underlay_find(off->tunnels, dev);

	if (!port || port->place != SLUICE_PLACE_INTERNAL)
		return -EOPNOTSUPP;
	if (bo->command == FLOW_BLOCK_BIND) {
		bo->unlocked_driver_cb = true;
		if (!ingress)
			return indr_bind(off, NULL, port, sch, bo, tcf,
					 cleanup);
		return indr_watch_bind(off, NULL, port, sch, bo, tcf, cleanup);
	}
	if (ingress && port->ingress)
		return indr_watch_unbind(port->ingress, port, bo);
	if (!ingress && port->egress)
		return indr_unbind(port->egress, port, bo);
	return -EOPNOTSUPP;
}

/* A block comes or goes at any netdev; offload lock held. */
static int indr_block(struct sluice_offload *off, struct net_device *dev,
		      struct Qdisc *sch, struct flow_block_offload *bo,
		      struct tcf_block *tcf, bool ingress,
		      void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct sluice_tunnel_dev *td = sluice_tunnel_dev_find(off->tunnels, dev);
	int err;

	indr_underlay(off->tunnels, dev, bo->command);
	if (!td)
		return indr_internal(off, dev, sch, bo, tcf, ingress, cleanup);
	if (bo->command == FLOW_BLOCK_BIND) {
		bo->unlocked_driver_cb = true;
		if (ingress)
			return indr_bind(off, td, NULL, sch, bo, tcf, cleanup);
		return indr_watch_bind(off, td, NULL, sch, bo, tcf, cleanup);
	}
	if (!ingress && td->egress)
		return indr_watch_unbind(td->egress, td, bo);
	if (!ingress || !td->block)
		return -EOPNOTSUPP;
	err = indr_unbind(td->block, td, bo);
	sluice_endpoints_sync(off->tunnels);
	return err;
}

static int indr_setup(struct net_device *dev, struct Qdisc *sch, void *cb_priv,
		      enum tc_setup_type type, void *type_data, void *data,
		      void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_offload *bo = type_data;
	struct sluice_offload *off = cb_priv;
	int err;

	if (!dev && type == TC_SETUP_ACT) {
		mutex_lock(&off->lock);
		err = sluice_act_setup(off, data);
		mutex_unlock(&off->lock);
		return err;
	}
	/* nftables' blocks have no qdisc. */
	if (!dev || !sch || type != TC_SETUP_BLOCK ||
	    bo->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS)
		return -EOPNOTSUPP;
	mutex_lock(&off->lock);
	err = indr_block(off, dev, sch, bo, data, true, cleanup);
	mutex_unlock(&off->lock);
	return err;
}

static int indr_setup_egress(struct net_device *dev, struct Qdisc *sch,
			     void *cb_priv, enum tc_setup_type type,
			     void *type_data, void *data,
			     void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_offload *bo = type_data;
	struct sluice_offload *off = cb_priv;
	int err;

	if (!dev || !sch || type != TC_SETUP_BLOCK ||
	    bo->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_EGRESS)
		return -EOPNOTSUPP;
	mutex_lock(&off->lock);
	err = indr_block(off, dev, sch, bo, data, false, cleanup);
	mutex_unlock(&off->lock);
	return err;
}

static void indr_replay_block(struct tcf_block *tcf, flow_setup_cb_t *cb,
			      void *priv)
{
	struct tcf_chain *chain;
	struct tcf_proto *tp;

	down_write(&tcf->cb_lock);
	for (chain = tcf_get_next_chain(tcf, NULL); chain;
	     chain = tcf_get_next_chain(tcf, chain))
		for (tp = tcf_get_next_proto(chain, NULL); tp;
		     tp = tcf_get_next_proto(chain, tp))
			if (tp->ops->reoffload)
				tp->ops->reoffload(tp, true, cb, priv, NULL);
	up_write(&tcf->cb_lock);
}

static void indr_replay_internal(struct sluice_offload *off)
{
	struct sluice_underlay *underlay;
	struct tcf_block *tcf;
	void *priv;

	do {
		tcf = NULL;
		mutex_lock(&off->lock);
		list_for_each_entry(underlay, &off->tunnels->underlays, node) {
			tcf = underlay->ingress_replay;
			priv = underlay->ingress;
			if (tcf)
				break;
		}
		mutex_unlock(&off->lock);
		if (!tcf)
			return;
		indr_replay_block(tcf, sluice_egress_cb, priv);
		/* RTNL kept it. */
		mutex_lock(&off->lock);
		underlay->ingress_replay = NULL;
		sluice_endpoints_sync(off->tunnels);
		mutex_unlock(&off->lock);
	} while (1);
}

/**
 * sluice_indr_replay() - fetch the filters of blocks older than we are
 * @off: offload, lock not held
 *
 * Context: RTNL.
 */
void sluice_indr_replay(struct sluice_offload *off)
{
	struct sluice_tunnel_dev *td;
	struct sluice_block *block;
	struct tcf_block *tcf;
	void *priv;

	if (!off->tunnels)
		return;
	do {
		tcf = NULL;
		mutex_lock(&off->lock);
		list_for_each_entry(block, &off->blocks, node) {
			tcf = block->replay;
			block->replay = NULL;
			if (tcf)
				break;
		}
		mutex_unlock(&off->lock);
		/* RTNL keeps both. */
		if (tcf)
			indr_replay_block(tcf, sluice_block_cb, block);
	} while (tcf);
	do {
		tcf = NULL;
		mutex_lock(&off->lock);
		list_for_each_entry(td, &off->tunnels->devs, node) {
			tcf = td->egress_replay;
			td->egress_replay = NULL;
			priv = td->egress;
			if (tcf)
				break;
		}
		mutex_unlock(&off->lock);
		if (tcf)
			indr_replay_block(tcf, sluice_egress_cb, priv);
	} while (tcf);
	indr_replay_internal(off);
}

/**
 * sluice_indr_register() - take the blocks of tunnel devices from here on
 * @off: offload, lock not held
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_indr_register(struct sluice_offload *off)
{
	int err;

	err = flow_indr_dev_register(indr_setup, off);
	if (err)
		return err;
	err = flow_indr_dev_register(indr_setup_egress, off);
	if (err)
		flow_indr_dev_unregister(indr_setup, off,
					 sluice_block_release);
	return err;
}

/**
 * sluice_indr_unregister() - give all of them back
 * @off: offload, lock not held
 *
 * Context: process, no RTNL.
 */
void sluice_indr_unregister(struct sluice_offload *off)
{
	flow_indr_dev_unregister(indr_setup_egress, off,
				 sluice_egress_release);
	flow_indr_dev_unregister(indr_setup, off, sluice_block_release);
}
