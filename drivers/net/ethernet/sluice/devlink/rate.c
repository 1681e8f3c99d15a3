// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink rate: tx_max of VFs in switchdev mode, and of nodes above them.
 *
 * Leaves and nodes are shapers of the device.  It forwards without a capacity
 * that could run short, so there is nothing that tx_share, tx_priority or
 * tx_weight could divide: devlink refuses them for want of a callback.
 */
#include "../eswitch/eswitch.h"
#include "devlink.h"

static u16 shaper_id(struct sluice_eswitch *esw, const struct sluice_shaper *s)
{
	return s - esw->shapers;
}

/* Make a shaper what @want says, in the device and here. */
static int rate_change(struct sluice_dev *sdev, struct sluice_shaper *s,
		       struct sluice_shaper want, struct netlink_ext_ack *extack)
{
	struct sluice_eswitch *esw = sdev->esw;
	u16 id = shaper_id(esw, s);
	int err = 0;

	want.used = id >= SLUICE_SHAPER_GROUP(0) || want.rate || want.parent;
	if (want.used)
		err = sluice_shaper_set(sdev, id, want.parent, want.rate);
	else if (s->used)
		sluice_shaper_del(sdev, id);
	if (err == -EINVAL)
		NL_SET_ERR_MSG_FMT_MOD(extack, "at most %u levels, the port included",
				       SLUICE_SHAPER_DEPTH);
	else if (err)
		NL_SET_ERR_MSG_MOD(extack, "the device does not answer");
	if (err)
		return err;
	*s = want;
	return 0;
}

static int rate_tx_max(struct sluice_dev *sdev, struct sluice_shaper *s,
		       u64 tx_max, struct netlink_ext_ack *extack)
{
	struct sluice_shaper want = *s;

	want.rate = tx_max;
	return rate_change(sdev, s, want, extack);
}

static int rate_parent(struct sluice_dev *sdev, struct sluice_shaper *s,
		       struct sluice_shaper *parent,
		       struct netlink_ext_ack *extack)
{
	struct sluice_shaper want = *s;

	want.parent = parent ? shaper_id(sdev->esw, parent) : 0;
	return rate_change(sdev, s, want, extack);
}

static struct sluice_shaper *leaf_shaper(struct sluice_vport *vport)
{
	return &vport->sdev->esw->shapers[vport->num];
}

int sluice_rate_leaf_tx_max_set(struct devlink_rate *rate, void *priv,
				u64 tx_max, struct netlink_ext_ack *extack)
{
	struct sluice_vport *vport = priv;

	return rate_tx_max(vport->sdev, leaf_shaper(vport), tx_max, extack);
}

int sluice_rate_leaf_parent_set(struct devlink_rate *child,
				struct devlink_rate *parent, void *priv_child,
				void *priv_parent,
				struct netlink_ext_ack *extack)
{
	struct sluice_vport *vport = priv_child;

	return rate_parent(vport->sdev, leaf_shaper(vport), priv_parent,
			   extack);
}

int sluice_rate_node_tx_max_set(struct devlink_rate *rate, void *priv,
				u64 tx_max, struct netlink_ext_ack *extack)
{
	return rate_tx_max(devlink_priv(rate->devlink), priv, tx_max, extack);
}

int sluice_rate_node_parent_set(struct devlink_rate *child,
				struct devlink_rate *parent, void *priv_child,
				void *priv_parent,
				struct netlink_ext_ack *extack)
{
	return rate_parent(devlink_priv(child->devlink), priv_child,
			   priv_parent, extack);
}

int sluice_rate_node_new(struct devlink_rate *node, void **priv,
			 struct netlink_ext_ack *extack)
{
	struct sluice_dev *sdev = devlink_priv(node->devlink);
	struct sluice_shaper *s;
	unsigned int id;
	int err;

	if (!(sdev->caps & SLUICE_CAP_SHAPER)) {
		NL_SET_ERR_MSG_MOD(extack, "the device has no shapers");
		return -EOPNOTSUPP;
	}
	if (!sluice_esw_is_switchdev(sdev)) {
		NL_SET_ERR_MSG_MOD(extack, "rate nodes exist in switchdev mode only");
		return -EOPNOTSUPP;
	}
	for (id = SLUICE_SHAPER_GROUP(0); id < SLUICE_NUM_SHAPERS; id++) {
		s = &sdev->esw->shapers[id];
		if (s->used)
			continue;
		err = rate_tx_max(sdev, s, 0, extack);
		if (!err)
			*priv = s;
		return err;
	}
	NL_SET_ERR_MSG_FMT_MOD(extack, "all %u rate nodes are in use",
			       SLUICE_MAX_SHAPER_GROUPS);
	return -ENOSPC;
}

int sluice_rate_node_del(struct devlink_rate *node, void *priv,
			 struct netlink_ext_ack *extack)
{
	struct sluice_dev *sdev = devlink_priv(node->devlink);
	struct sluice_shaper *s = priv;

	sluice_shaper_del(sdev, shaper_id(sdev->esw, s));
	memset(s, 0, sizeof(*s));
	return 0;
}

/**
 * sluice_rate_leaf_create() - let users limit a VF
 * @vport: VF whose devlink port is registered
 *
 * Context: devlink instance lock.  Return: 0 or a negative errno.
 */
int sluice_rate_leaf_create(struct sluice_vport *vport)
{
	if (!(vport->sdev->caps & SLUICE_CAP_SHAPER))
		return 0;
	return devl_rate_leaf_create(&vport->dl_port, vport, NULL);
}

/**
 * sluice_rate_leaf_destroy() - a VF's port goes, and its limit with it
 * @vport: VF whose devlink port is registered
 *
 * Context: devlink instance lock.
 */
void sluice_rate_leaf_destroy(struct sluice_vport *vport)
{
	struct sluice_shaper *s = leaf_shaper(vport);

	devl_rate_leaf_destroy(&vport->dl_port);
	if (s->used)
		sluice_shaper_del(vport->sdev, vport->num);
	memset(s, 0, sizeof(*s));
}

/**
 * sluice_rate_nodes_destroy() - switchdev mode ends, and with it all nodes
 * @sdev: PF; may be dead
 *
 * A device that does not answer loses its shapers by the reset it needs.
 *
 * Context: devlink instance lock.
 */
void sluice_rate_nodes_destroy(struct sluice_dev *sdev)
{
	devl_rate_nodes_destroy(sdev->devlink);
}
