// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc blocks at the egress of representors and of tunnel devices.
 *
 * The device does not run egress filters.  While a netdev has any, a packet
 * that rules would output there takes the slow path as a whole, and software
 * runs everything.
 */
#include <linux/slab.h>

#include "../tunnel/tunnel.h"
#include "offload.h"

static LIST_HEAD(sluice_egress_cb_list);

/**
 * struct sluice_egress - an egress block bound to a netdev
 * @off: the offload it belongs to
 * @vport: vport of the representor, or NULL
 * @td: the tunnel device, or NULL, also when it is gone
 * @filters: how often each filter is there, by name
 */
struct sluice_egress {
	struct sluice_offload *off;
	struct sluice_vport *vport;
	struct sluice_tunnel_dev *td;
	struct xarray filters;
};

static void egress_punt(struct sluice_egress *egress, bool on)
{
	struct sluice_cmd_vport cmd = {};

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_VPORT_SET, sizeof(cmd));
	cmd.hdr.vport = cpu_to_le16(egress->vport->num);
	cmd.fields = cpu_to_le32(SLUICE_VPORT_F_EGRESS);
	cmd.egress_punt = on;
	sluice_offload_post(egress->off, &cmd.hdr);
}

static void egress_count(struct sluice_egress *egress, int change)
{
	int now;

	if (!egress->vport) {
		if (egress->td)
			sluice_tunnel_dev_egress(egress->off->tunnels,
						 egress->td, change);
		return;
	}
	now = atomic_add_return(change, &egress->vport->egress_filters);
	if (!now || (now == change && change > 0))
		egress_punt(egress, now);
}

/* tc may add a filter twice (to replace it) and delete one it never added. */
static void egress_add(struct sluice_egress *egress, enum tc_setup_type type,
		       unsigned long cookie)
{
	void *entry = xa_load(&egress->filters, cookie);
	unsigned long n = entry ? xa_to_value(entry) : 0;

	if (n && type != TC_SETUP_CLSBPF)
		return;
	if (xa_err(xa_store(&egress->filters, cookie, xa_mk_value(n + 1),
			    GFP_KERNEL))) {
		/* It will not be found when it goes: punt for good. */
		egress_count(egress, 1);
		return;
	}
	if (!n)
		egress_count(egress, 1);
}

static void egress_del(struct sluice_egress *egress, unsigned long cookie)
{
	void *entry = xa_load(&egress->filters, cookie);
	unsigned long n = entry ? xa_to_value(entry) : 0;

	if (!n)
		return;
	if (n > 1) {
		/* An entry in place: nothing to allocate. */
		xa_store(&egress->filters, cookie, xa_mk_value(n - 1),
			 GFP_KERNEL);
		return;
	}
	xa_erase(&egress->filters, cookie);
	egress_count(egress, -1);
}

/**
 * sluice_egress_cb() - tc's callback of an egress block
 * @type: kind of call
 * @type_data: its argument
 * @cb_priv: the egress block
 *
 * Context: process.
 *
 * Return: -EOPNOTSUPP.
 */
int sluice_egress_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	struct sluice_egress *egress = cb_priv;
	struct sluice_offload *off = egress->off;
	struct sluice_filter_op op;

	if (!sluice_filter_op(type, type_data, &op))
		return -EOPNOTSUPP;
	mutex_lock(&off->lock);
	sluice_reject_subject(off, op.add ? op.add_cookie : op.del_cookie,
			      op.common);
	if (!off->dead) {
		if (op.add) {
			sluice_reject(off, op.common->extack,
				      SLUICE_REJECT_EGRESS,
				      "egress filters are not in hardware");
			/* One without software has no effect at all. */
			if (!sluice_compat_surely_skip_sw(op.common))
				egress_add(egress, type, op.add_cookie);
		}
		if (op.del)
			egress_del(egress, op.del_cookie);
	}
	mutex_unlock(&off->lock);
	return -EOPNOTSUPP;
}

/**
 * sluice_egress_release() - tc is done with an egress block
 * @cb_priv: the egress block
 */
void sluice_egress_release(void *cb_priv)
{
	struct sluice_egress *egress = cb_priv;
	struct sluice_offload *off = egress->off;

	mutex_lock(&off->lock);
	/* Whatever was not taken back one by one. */
	if (egress->td)
		sluice_egress_detach(egress);
	else if (egress->vport && !off->dead &&
		 atomic_xchg(&egress->vport->egress_filters, 0))
		egress_punt(egress, false);
	mutex_unlock(&off->lock);
	xa_destroy(&egress->filters);
	kfree(egress);
	sluice_offload_put(off);
}

/**
 * sluice_egress_create() - make an egress block
 * @off: offload
 * @vport: vport of the representor, or NULL
 * @td: tunnel device, or NULL
 *
 * Return: the block or NULL.
 */
struct sluice_egress *sluice_egress_create(struct sluice_offload *off,
					   struct sluice_vport *vport,
					   struct sluice_tunnel_dev *td)
{
	struct sluice_egress *egress = kzalloc(sizeof(*egress), GFP_KERNEL);

	if (!egress)
		return NULL;
	egress->off = off;
	egress->vport = vport;
	egress->td = td;
	xa_init(&egress->filters);
	kref_get(&off->ref);
	return egress;
}

/**
 * sluice_egress_detach() - the tunnel device or its block goes
 * @egress: its egress block; offload lock held
 */
void sluice_egress_detach(struct sluice_egress *egress)
{
	struct sluice_tunnel_dev *td = egress->td;

	egress->td = NULL;
	td->egress = NULL;
	sluice_tunnel_dev_egress(egress->off->tunnels, td,
				 -td->egress_filters);
}

/**
 * sluice_egress_bind() - an egress block is bound to a representor
 * @vport: its vport
 * @bo: tc's call
 *
 * Context: RTNL.
 *
 * Return: 0, -EOPNOTSUPP outside of switchdev mode, or -ENOMEM.
 */
int sluice_egress_bind(struct sluice_vport *vport,
		       struct flow_block_offload *bo)
{
	struct sluice_offload *off = sluice_esw_offload(vport->sdev);
	struct sluice_egress *egress;
	struct flow_block_cb *cb;

	if (!off || flow_block_cb_lookup(bo->block, sluice_egress_cb, vport))
		return -EOPNOTSUPP;
	egress = sluice_egress_create(off, vport, NULL);
	if (!egress)
		return -ENOMEM;
	cb = flow_block_cb_alloc(sluice_egress_cb, vport, egress,
				 sluice_egress_release);
	if (IS_ERR(cb)) {
		kfree(egress);
		sluice_offload_put(off);
		return PTR_ERR(cb);
	}
	atomic_set(&vport->egress_filters, 0);
	flow_block_cb_add(cb, bo);
	list_add_tail(&cb->driver_list, &sluice_egress_cb_list);
	return 0;
}

/**
 * sluice_egress_unbind() - an egress block is unbound from a representor
 * @vport: its vport
 * @bo: tc's call
 *
 * Context: RTNL.
 *
 * Return: 0, or -EOPNOTSUPP when binding it was refused.
 */
int sluice_egress_unbind(struct sluice_vport *vport,
			 struct flow_block_offload *bo)
{
	struct flow_block_cb *cb;

	cb = flow_block_cb_lookup(bo->block, sluice_egress_cb, vport);
	if (!cb)
		return -EOPNOTSUPP;
	flow_block_cb_remove(cb, bo);
	list_del(&cb->driver_list);
	return 0;
}
