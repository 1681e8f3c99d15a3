// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of tunnel devices, by way of tc's indirect blocks; and actions of their
 * own, which tc tells of the same way.
 *
 * tc tells of blocks that exist already when we register, but does not replay
 * their filters then; we do.
 */
#include <linux/rtnetlink.h>
#include <net/sch_generic.h>

#include "tunnel.h"

static LIST_HEAD(sluice_indr_cb_list);

static int indr_bind(struct sluice_offload *off, struct sluice_tunnel_dev *td,
		     struct Qdisc *sch, struct flow_block_offload *bo,
		     struct tcf_block *tcf,
		     void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct sluice_block *block;
	struct flow_block_cb *cb;

	if (td->block)
		return -EBUSY;
	block = sluice_block_create(off, &tcf->flow_block, dev_net(td->dev), td);
	if (IS_ERR(block))
		return PTR_ERR(block) == -ENOSPC ? -EOPNOTSUPP : PTR_ERR(block);
	block->tunnel = td;
	block->of_tunnel = true;
	/* The block was bound before. */
	block->replay = bo->block ? NULL : tcf;
	cb = flow_indr_block_cb_alloc(sluice_block_cb, td, block,
				      sluice_block_release, bo, td->dev, sch,
				      tcf, off, cleanup);
	if (IS_ERR(cb)) {
		sluice_block_destroy(block);
		return PTR_ERR(cb);
	}
	td->block = block;
	flow_block_cb_add(cb, bo);
	list_add_tail(&cb->driver_list, &sluice_indr_cb_list);
	/* When tc has replayed the block's filters, RTNL is free. */
	schedule_delayed_work(&off->root_work, 0);
	return 0;
}

static int indr_unbind(struct sluice_tunnel_dev *td,
		       struct flow_block_offload *bo)
{
	struct flow_block_cb *cb;

	cb = flow_block_cb_lookup(bo->block, sluice_block_cb, td);
	if (!cb)
		return -EOPNOTSUPP;
	td->block->tunnel = NULL;
	td->block = NULL;
	flow_indr_block_cb_remove(cb, bo);
	list_del(&cb->driver_list);
	return 0;
}

/*
 * A block comes or goes at a VLAN on an uplink.  It may have filters any time:
 * meanwhile all tunnel packets by way of the VLAN are software's.
 */
static void indr_underlay(struct sluice_tunnels *tun, struct net_device *dev,
			  enum flow_block_command command)
{
	struct sluice_underlay *underlay = sluice_underlay_find(tun, dev);
	struct sluice_tunnel_event ev = {
		.kind = SLUICE_TUNNEL_UPPER,
		.ifindex = dev->ifindex,
	};

	if (!underlay)
		return;
	if (command == FLOW_BLOCK_BIND)
		underlay->blocks++;
	else if (underlay->blocks)
		underlay->blocks--;
	/* Wants RTNL, which we may not have. */
	sluice_tunnel_queue(tun, &ev);
}

static int indr_setup(struct net_device *dev, struct Qdisc *sch, void *cb_priv,
		      enum tc_setup_type type, void *type_data, void *data,
		      void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_offload *bo = type_data;
	struct sluice_offload *off = cb_priv;
	struct sluice_tunnel_dev *td;
	int err = -EOPNOTSUPP;

	if (!dev && type == TC_SETUP_ACT) {
		mutex_lock(&off->lock);
		err = sluice_meter_setup(off, data);
		mutex_unlock(&off->lock);
		return err;
	}
	/* nftables' blocks have no qdisc. */
	if (!dev || !sch || type != TC_SETUP_BLOCK ||
	    bo->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS)
		return -EOPNOTSUPP;
	mutex_lock(&off->lock);
	td = sluice_tunnel_dev_find(off->tunnels, dev);
	indr_underlay(off->tunnels, dev, bo->command);
	if (td && bo->command == FLOW_BLOCK_BIND) {
		bo->unlocked_driver_cb = true;
		err = indr_bind(off, td, sch, bo, data, cleanup);
	} else if (td && td->block && bo->command == FLOW_BLOCK_UNBIND) {
		err = indr_unbind(td, bo);
		sluice_endpoints_sync(off->tunnels);
	}
	mutex_unlock(&off->lock);
	return err;
}

static int indr_egress_bind(struct sluice_offload *off,
			    struct sluice_tunnel_dev *td, struct Qdisc *sch,
			    struct flow_block_offload *bo,
			    struct tcf_block *tcf,
			    void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct sluice_egress *egress;
	struct flow_block_cb *cb;

	if (td->egress)
		return -EBUSY;
	egress = sluice_egress_create(off, NULL, td);
	if (!egress)
		return -ENOMEM;
	cb = flow_indr_block_cb_alloc(sluice_egress_cb, td, egress,
				      sluice_egress_release, bo, td->dev, sch,
				      tcf, off, cleanup);
	if (IS_ERR(cb)) {
		kfree(egress);
		/* Never the last one. */
		sluice_offload_put(off);
		return PTR_ERR(cb);
	}
	td->egress = egress;
	td->egress_replay = bo->block ? NULL : tcf;
	flow_block_cb_add(cb, bo);
	list_add_tail(&cb->driver_list, &sluice_indr_cb_list);
	if (td->egress_replay)
		schedule_delayed_work(&off->root_work, 0);
	return 0;
}

static int indr_egress_unbind(struct sluice_tunnel_dev *td,
			      struct flow_block_offload *bo)
{
	struct flow_block_cb *cb;

	cb = flow_block_cb_lookup(bo->block, sluice_egress_cb, td);
	if (!cb)
		return -EOPNOTSUPP;
	sluice_egress_detach(td->egress);
	flow_indr_block_cb_remove(cb, bo);
	list_del(&cb->driver_list);
	return 0;
}

static int indr_setup_egress(struct net_device *dev, struct Qdisc *sch,
			     void *cb_priv, enum tc_setup_type type,
			     void *type_data, void *data,
			     void (*cleanup)(struct flow_block_cb *block_cb))
{
	struct flow_block_offload *bo = type_data;
	struct sluice_offload *off = cb_priv;
	struct sluice_tunnel_dev *td;
	int err = -EOPNOTSUPP;

	if (!dev || !sch || type != TC_SETUP_BLOCK ||
	    bo->binder_type != FLOW_BLOCK_BINDER_TYPE_CLSACT_EGRESS)
		return -EOPNOTSUPP;
	mutex_lock(&off->lock);
	td = sluice_tunnel_dev_find(off->tunnels, dev);
	indr_underlay(off->tunnels, dev, bo->command);
	if (td && bo->command == FLOW_BLOCK_BIND) {
		bo->unlocked_driver_cb = true;
		err = indr_egress_bind(off, td, sch, bo, data, cleanup);
	} else if (td && td->egress && bo->command == FLOW_BLOCK_UNBIND) {
		err = indr_egress_unbind(td, bo);
	}
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
