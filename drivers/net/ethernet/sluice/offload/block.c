// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc blocks at the ingress of representors and tunnel devices, and at the
 * egress of internal ports of Open vSwitch.
 *
 * A block shared by several of our ports has one set of rules: all of them
 * start at the same table.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "../tunnel/tunnel.h"
#include "offload.h"

static LIST_HEAD(sluice_block_cb_list);

/**
 * sluice_block_is_live() - are packets to be looked up in a block?
 * @block: block; offload lock held
 *
 * Return: true when tc has replayed its filters and it is not blind.
 */
bool sluice_block_is_live(const struct sluice_block *block)
{
	return block->live && !block->blind;
}

/* Which of a port's tables is the block's. */
static u32 block_field(const struct sluice_block *block)
{
	return block->of_ft ? SLUICE_VPORT_F_NEXT : SLUICE_VPORT_F_ROOT;
}

static void block_set_port(const struct sluice_block *block,
			   struct sluice_vport *vport, struct sluice_block *to)
{
	if (block->of_ft)
		vport->ft_block = to;
	else
		vport->block = to;
}

/**
 * sluice_block_roots() - bring the root tables of the block's ports up to date
 * @block: block; offload lock held
 *
 * Ports have one once tc has replayed the filters the block had before, so
 * that no packet sees half of them, and none while the block is blind.
 */
void sluice_block_roots(struct sluice_block *block)
{
	u32 root = sluice_block_is_live(block) ? block->root->id :
						 SLUICE_ID_NONE;
	struct sluice_cmd_vport cmd;
	struct sluice_port *port;

	if (block->tunnel)
		sluice_endpoints_sync(block->off->tunnels);
	if (block->underlay)
		sluice_underlay_egress(block->off->tunnels, block->underlay);
	list_for_each_entry(port, &block->ports, node) {
		if (port->root == root)
			continue;
		port->root = root;
		memset(&cmd, 0, sizeof(cmd));
		sluice_cmd_init(&cmd.hdr, SLUICE_CMD_VPORT_SET, sizeof(cmd));
		cmd.hdr.vport = cpu_to_le16(port->num);
		cmd.fields = cpu_to_le32(block_field(block));
		cmd.root_table = cpu_to_le32(root);
		sluice_offload_post(block->off, &cmd.hdr);
	}
}

/**
 * sluice_block_blind() - a filter that cannot even be punted comes or goes
 * @block: block; offload lock held
 * @change: 1 or -1
 */
void sluice_block_blind(struct sluice_block *block, int change)
{
	block->blind += change;
	sluice_block_roots(block);
}

/*
 * tc links a callback into the block only after it has replayed the block's
 * filters to it.  Offload lock and tc's callback lock held.
 */
static void block_check_live(struct sluice_block *block)
{
	if (block->live || block->replay || block->off->dead)
		return;
	if (!flow_block_cb_lookup(block->tc, sluice_block_cb, block->ident))
		return;
	block->live = true;
	sluice_block_roots(block);
}

static int block_stats(struct sluice_block *block, enum tc_setup_type type,
		       unsigned long cookie, struct flow_stats *stats)
{
	struct sluice_rule_key key = {
		.block = block,
		.cookie = cookie,
		.kind = type,
	};

	return sluice_rule_stats(block->off, &key, stats);
}

/**
 * sluice_block_cb() - tc's callback of a block
 * @type: kind of call
 * @type_data: its argument
 * @cb_priv: block
 *
 * Context: process.  tc calls from many processes at once, with and without
 * RTNL.
 *
 * Return: 0 or a negative errno.
 */
int sluice_block_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	struct tc_cls_matchall_offload *mall = type_data;
	struct flow_cls_offload *f = type_data;
	struct sluice_block *block = cb_priv;
	struct sluice_offload *off = block->off;
	struct sluice_filter_op op;
	int err;

	if (type == TC_SETUP_CLSFLOWER && f->command == FLOW_CLS_STATS)
		return block_stats(block, type, f->cookie, &f->stats);
	if (type == TC_SETUP_CLSMATCHALL &&
	    mall->command == TC_CLSMATCHALL_STATS)
		return block_stats(block, type, mall->cookie, &mall->stats);
	if (!sluice_filter_op(type, type_data, &op))
		return -EOPNOTSUPP;

	mutex_lock(&off->lock);
	/* A doorbell takes its time: not with the lock held. */
	off->quiet = true;
	sluice_reject_subject(off, op.add ? op.add_cookie : op.del_cookie,
			      op.common);
	block_check_live(block);
	if (type == TC_SETUP_CLSFLOWER)
		err = sluice_flower(block, f);
	else if (type == TC_SETUP_CLSMATCHALL)
		err = sluice_matchall(block, mall);
	else
		err = sluice_foreign(block, type, &op);
	off->quiet = false;
	mutex_unlock(&off->lock);
	sluice_cmd_ring(off->sdev);
	return err;
}

/**
 * sluice_block_create() - make a block without ports
 * @off: offload, lock held
 * @tc: tc's side
 * @net: network namespace of its netdevs
 * @ident: our name for tc's callback
 *
 * Return: a block, or an ERR_PTR: -ENOSPC when the device has no more tables,
 * -ENOMEM.
 */
struct sluice_block *sluice_block_create(struct sluice_offload *off,
					 struct flow_block *tc,
					 struct net *net, void *ident)
{
	struct sluice_block *block;
	int err;

	block = kzalloc(sizeof(*block), GFP_KERNEL);
	if (!block)
		return ERR_PTR(-ENOMEM);
	block->off = off;
	block->tc = tc;
	block->ident = ident;
	block->net = net;
	INIT_LIST_HEAD(&block->ports);
	xa_init(&block->tables);
	INIT_LIST_HEAD(&block->rules);
	block->root = sluice_table_get(block, 0);
	if (IS_ERR(block->root)) {
		err = PTR_ERR(block->root);
		kfree(block);
		return ERR_PTR(err);
	}
	kref_get(&off->ref);
	list_add_tail(&block->node, &off->blocks);
	return block;
}

/**
 * sluice_block_destroy() - forget a block and its filters
 * @block: block; offload lock held, and somebody else has a reference to it
 */
void sluice_block_destroy(struct sluice_block *block)
{
	struct sluice_offload *off = block->off;
	struct sluice_rule *rule, *next;

	list_for_each_entry_safe(rule, next, &block->rules, list)
		sluice_rule_remove(rule);
	sluice_table_put(block->root);
	list_del(&block->node);
	if (block->tunnel) {
		block->tunnel->block = NULL;
		sluice_endpoints_sync(off->tunnels);
	}
	if (block->underlay) {
		block->underlay->egress = NULL;
		sluice_underlay_egress(off->tunnels, block->underlay);
	}
	WARN_ON(!list_empty(&block->ports));
	WARN_ON(!xa_empty(&block->tables));
	kfree(block);
	/* Never the last one. */
	sluice_offload_put(off);
}

/**
 * sluice_block_release() - tc is done with a block
 * @cb_priv: block
 */
void sluice_block_release(void *cb_priv)
{
	struct sluice_block *block = cb_priv;
	struct sluice_offload *off = block->off;

	kref_get(&off->ref);
	mutex_lock(&off->lock);
	sluice_block_destroy(block);
	mutex_unlock(&off->lock);
	sluice_offload_put(off);
}

/**
 * sluice_block_port_add() - a vport starts at a block
 * @block: block; offload lock held
 * @vport: vport that has none of the kind
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_block_port_add(struct sluice_block *block,
			  struct sluice_vport *vport)
{
	struct sluice_port *port;

	port = kzalloc(sizeof(*port), GFP_KERNEL);
	if (!port)
		return -ENOMEM;
	port->vport = vport;
	port->root = SLUICE_ID_NONE;
	port->num = vport->num;
	list_add_tail(&port->node, &block->ports);
	block_set_port(block, vport, block);
	return 0;
}

static struct sluice_port *block_port(struct sluice_block *block, u16 num)
{
	struct sluice_port *port;

	list_for_each_entry(port, &block->ports, node)
		if (port->num == num)
			return port;
	return NULL;
}

/**
 * sluice_block_port_del() - a vport does not start at a block any more
 * @block: block; offload lock held
 * @num: the vport's number
 *
 * Its packets go to software from here on.
 *
 * Return: whether it did.
 */
bool sluice_block_port_del(struct sluice_block *block, u16 num)
{
	struct sluice_port *port = block_port(block, num);
	struct sluice_cmd_vport cmd = {};

	if (!port)
		return false;
	list_del(&port->node);
	if (port->root != SLUICE_ID_NONE) {
		sluice_cmd_init(&cmd.hdr, SLUICE_CMD_VPORT_SET, sizeof(cmd));
		cmd.hdr.vport = cpu_to_le16(num);
		cmd.fields = cpu_to_le32(block_field(block));
		cmd.root_table = cpu_to_le32(SLUICE_ID_NONE);
		sluice_offload_post(block->off, &cmd.hdr);
	}
	if (port->vport)
		block_set_port(block, port->vport, NULL);
	kfree(port);
	return true;
}

/**
 * sluice_block_bind() - an ingress block is bound to a representor
 * @vport: its vport
 * @bo: tc's call
 *
 * Context: RTNL.
 *
 * Return: 0; -EOPNOTSUPP when software has to do it all; -ENOMEM.
 */
int sluice_block_bind(struct sluice_vport *vport,
		      struct flow_block_offload *bo)
{
	struct sluice_offload *off = sluice_esw_offload(vport->sdev);
	struct sluice_block *block;
	struct flow_block_cb *cb;
	int err;

	if (!off)
		return -EOPNOTSUPP;
	cb = flow_block_cb_lookup(bo->block, sluice_block_cb, vport->sdev);
	if (cb) {
		block = flow_block_cb_priv(cb);
		/* From before the last change of mode. */
		if (block->off != off)
			return -EOPNOTSUPP;
		mutex_lock(&off->lock);
		err = sluice_block_port_add(block, vport);
		if (!err)
			sluice_block_roots(block);
		mutex_unlock(&off->lock);
		if (!err)
			flow_block_cb_incref(cb);
		return err;
	}

	mutex_lock(&off->lock);
	block = sluice_block_create(off, bo->block, bo->net, vport->sdev);
	err = IS_ERR(block) ? PTR_ERR(block) :
				 sluice_block_port_add(block, vport);
	mutex_unlock(&off->lock);
	if (IS_ERR(block))
		return err == -ENOSPC ? -EOPNOTSUPP : err;
	if (err)
		goto err_release;
	cb = flow_block_cb_alloc(sluice_block_cb, vport->sdev, block,
				 sluice_block_release);
	if (IS_ERR(cb)) {
		err = PTR_ERR(cb);
		goto err_port;
	}
	flow_block_cb_incref(cb);
	flow_block_cb_add(cb, bo);
	list_add_tail(&cb->driver_list, &sluice_block_cb_list);
	/* When tc has replayed the block's filters, RTNL is free. */
	schedule_delayed_work(&off->root_work, 0);
	return 0;

err_port:
	mutex_lock(&off->lock);
	sluice_block_port_del(block, vport->num);
	mutex_unlock(&off->lock);
err_release:
	sluice_block_release(block);
	return err;
}

/**
 * sluice_block_unbind() - an ingress block is unbound from a representor
 * @vport: its vport
 * @bo: tc's call
 *
 * Context: RTNL.
 *
 * Return: 0, or -EOPNOTSUPP when binding it was refused.
 */
int sluice_block_unbind(struct sluice_vport *vport,
			struct flow_block_offload *bo)
{
	struct sluice_block *block;
	struct flow_block_cb *cb;
	bool bound;

	cb = flow_block_cb_lookup(bo->block, sluice_block_cb, vport->sdev);
	if (!cb)
		return -EOPNOTSUPP;
	block = flow_block_cb_priv(cb);
	mutex_lock(&block->off->lock);
	bound = sluice_block_port_del(block, vport->num);
	mutex_unlock(&block->off->lock);
	if (!bound)
		return -EOPNOTSUPP;
	if (!flow_block_cb_decref(cb)) {
		flow_block_cb_remove(cb, bo);
		list_del(&cb->driver_list);
	}
	return 0;
}

/**
 * sluice_block_detach() - switchdev mode is left with the block bound
 * @block: block; offload lock held
 *
 * tc goes on calling until it is unbound.
 */
void sluice_block_detach(struct sluice_block *block)
{
	struct sluice_rule *rule;
	struct sluice_port *port;

	list_for_each_entry(port, &block->ports, node) {
		if (port->vport)
			block_set_port(block, port->vport, NULL);
		port->vport = NULL;
	}
	list_for_each_entry(rule, &block->rules, list)
		sluice_rule_detach(rule);
}
