// SPDX-License-Identifier: GPL-2.0-only
/*
 * eSwitch state, life and mode.
 *
 * Lock order: devlink instance lock, RTNL.  The data path reads the mode and
 * the slots under RCU only.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "eswitch.h"

/**
 * sluice_vport_alloc - allocate a vport without a netdev
 * @sdev: PF
 * @num: vport number
 * @vf: VF number or -1
 * @uplink: uplink number or -1
 *
 * Return: the vport, or NULL without memory.
 */
struct sluice_vport *sluice_vport_alloc(struct sluice_dev *sdev, u16 num,
					int vf, int uplink)
{
	struct sluice_vport *vport;

	vport = kzalloc(sizeof(*vport), GFP_KERNEL);
	if (!vport)
		return NULL;
	vport->sdev = sdev;
	vport->num = num;
	vport->vf = vf;
	vport->uplink = uplink;
	atomic_set(&vport->egress_filters, 0);
	INIT_LIST_HEAD(&vport->rules);
	return vport;
}

/**
 * sluice_vport_free - free a vport
 * @vport: vport whose netdev and devlink port are gone, or NULL
 */
void sluice_vport_free(struct sluice_vport *vport)
{
	if (!vport)
		return;
	WARN_ON(vport->dl_registered);
	WARN_ON(!list_empty(&vport->rules));
	kfree(vport);
}

/**
 * sluice_vport_set_init - begin a VPORT_SET command
 * @cmd: command
 * @vport: vport number
 * @fields: SLUICE_VPORT_F_* that the caller fills in
 */
void sluice_vport_set_init(struct sluice_cmd_vport *cmd, u16 vport, u32 fields)
{
	memset(cmd, 0, sizeof(*cmd));
	sluice_cmd_init(&cmd->hdr, SLUICE_CMD_VPORT_SET, sizeof(*cmd));
	cmd->hdr.vport = cpu_to_le16(vport);
	cmd->fields = cpu_to_le32(fields);
}

/**
 * sluice_vport_set_link - decide where a VF's link comes from
 * @sdev: PF
 * @vport: vport number of a VF
 * @link: enum sluice_link_policy
 *
 * Does not wait.  Context: process.  Return: 0 or -EIO.
 */
int sluice_vport_set_link(struct sluice_dev *sdev, u16 vport, u8 link)
{
	struct sluice_cmd_vport cmd;

	sluice_vport_set_init(&cmd, vport, SLUICE_VPORT_F_LINK);
	cmd.link = link;
	return sluice_cmd_post(sdev, &cmd.hdr);
}

/**
 * sluice_esw_is_switchdev - is the eSwitch in switchdev mode
 * @sdev: function
 *
 * Return: true on a PF in switchdev mode.  Stable under the devlink instance
 * lock or RTNL, a hint elsewhere.
 */
bool sluice_esw_is_switchdev(const struct sluice_dev *sdev)
{
	return sdev->esw && READ_ONCE(sdev->esw->mode) == SLUICE_ESW_SWITCHDEV;
}

/**
 * sluice_esw_offload - state of the offload layer
 * @sdev: PF
 *
 * Return: what sluice_esw_set_offload() set.
 */
struct sluice_offload *sluice_esw_offload(const struct sluice_dev *sdev)
{
	return sdev->esw ? READ_ONCE(sdev->esw->offload) : NULL;
}

/**
 * sluice_esw_set_offload - keep a pointer for the offload layer
 * @sdev: PF
 * @offload: its state or NULL
 */
void sluice_esw_set_offload(struct sluice_dev *sdev,
			    struct sluice_offload *offload)
{
	WRITE_ONCE(sdev->esw->offload, offload);
}

/**
 * sluice_esw_vport_by_netdev - the vport a netdev represents
 * @sdev: PF
 * @dev: any netdev
 *
 * Return: the vport, or NULL when @dev is not registered as one of @sdev's
 * representors or @sdev is not in switchdev mode.  Context: RTNL or RCU.
 */
struct sluice_vport *sluice_esw_vport_by_netdev(struct sluice_dev *sdev,
						const struct net_device *dev)
{
	struct sluice_vport *vport;

	if (!sluice_esw_is_switchdev(sdev))
		return NULL;
	if (READ_ONCE(dev->reg_state) != NETREG_REGISTERED)
		return NULL;
	if (dev == sdev->netdev)
		return sdev->esw->uplinks[0].vport;
	if (!sluice_is_rep(dev))
		return NULL;
	vport = ((const struct sluice_rep *)netdev_priv(dev))->vport;
	return vport->sdev == sdev ? vport : NULL;
}

/**
 * sluice_esw_uplink_vport - vport of an uplink, in any mode
 * @sdev: PF
 * @uplink: its number
 *
 * Return: the vport, NULL without such an uplink or before sluice_esw_up().
 * Context: RTNL of the uplink's netdev.
 */
struct sluice_vport *sluice_esw_uplink_vport(const struct sluice_dev *sdev,
					     unsigned int uplink)
{
	if (!sdev->esw || uplink >= SLUICE_MAX_UPLINKS)
		return NULL;
	return sdev->esw->uplinks[uplink].vport;
}

/**
 * sluice_esw_slow_netdev - who gets the slow-path frames of a vport
 * @sdev: PF
 * @src_vport: vport the frame came in by, as the device says
 *
 * Return: a netdev that is up, or NULL.  Context: RCU.
 */
struct net_device *sluice_esw_slow_netdev(struct sluice_dev *sdev,
					  u16 src_vport)
{
	struct sluice_eswitch *esw = sdev->esw;
	int slot = sluice_esw_slot(src_vport);

	if (!esw || slot < 0)
		return NULL;
	return rcu_dereference(esw->slots[slot]);
}

/* Stop or wake all who share the PF's rings, its own netdev excepted. */
static void esw_queues(struct sluice_eswitch *esw, bool stop)
{
	struct net_device *dev;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < SLUICE_NUM_SLOTS; i++) {
		dev = rcu_dereference(esw->slots[i]);
		if (!dev || dev == esw->sdev->netdev)
			continue;
		if (stop)
			netif_stop_queue(dev);
		else
			netif_wake_queue(dev);
	}
	rcu_read_unlock();
}

/**
 * sluice_esw_stop_queues - the shared ring is full
 * @sdev: PF
 *
 * Context: any.
 */
void sluice_esw_stop_queues(struct sluice_dev *sdev)
{
	if (sdev->esw)
		esw_queues(sdev->esw, true);
}

/**
 * sluice_esw_wake_queues - the shared ring has room again
 * @sdev: PF
 *
 * Context: any.
 */
void sluice_esw_wake_queues(struct sluice_dev *sdev)
{
	if (sdev->esw)
		esw_queues(sdev->esw, false);
}

/* Decide who gets the slow-path frames of uplink 0.  RTNL held. */
static void esw_update_uplink_slot(struct sluice_eswitch *esw)
{
	struct net_device *dev = esw->sdev->netdev;
	int slot = sluice_esw_slot(SLUICE_VPORT_UPLINK(0));

	ASSERT_RTNL();
	if (dev && netif_running(dev) && esw->mode == SLUICE_ESW_SWITCHDEV)
		rcu_assign_pointer(esw->slots[slot], dev);
	else
		RCU_INIT_POINTER(esw->slots[slot], NULL);
}

/**
 * sluice_esw_uplink_open - the PF's netdev came up
 * @sdev: PF
 *
 * Called at the end of its ndo_open, when netif_running() is true.
 * Context: RTNL.  Return: 0.
 */
int sluice_esw_uplink_open(struct sluice_dev *sdev)
{
	esw_update_uplink_slot(sdev->esw);
	return 0;
}

/**
 * sluice_esw_uplink_stop - the PF's netdev goes down
 * @sdev: PF
 *
 * Context: RTNL.
 */
void sluice_esw_uplink_stop(struct sluice_dev *sdev)
{
	int slot = sluice_esw_slot(SLUICE_VPORT_UPLINK(0));

	RCU_INIT_POINTER(sdev->esw->slots[slot], NULL);
}

/**
 * sluice_esw_uplink_attach - tie the PF's netdev to uplink 0
 * @sdev: PF
 * @netdev: its netdev, not yet registered
 *
 * Context: devlink instance lock.
 */
void sluice_esw_uplink_attach(struct sluice_dev *sdev,
			      struct net_device *netdev)
{
	struct sluice_vport *vport = sdev->esw->uplinks[0].vport;

	vport->netdev = netdev;
	SET_NETDEV_DEVLINK_PORT(netdev, &vport->dl_port);
}

/* Make the mode visible and let the uplinks' netdevs follow it. */
static void esw_publish_mode(struct sluice_eswitch *esw,
			     enum sluice_esw_mode mode)
{
	unsigned int i;

	rtnl_lock();
	WRITE_ONCE(esw->mode, mode);
	esw_update_uplink_slot(esw);
	for (i = 0; i < esw->sdev->limits.num_uplinks; i++)
		netdev_update_features(esw->uplinks[i].vport->netdev);
	rtnl_unlock();
}

/* Make the representors of n VFs. */
static int esw_vf_reps_create(struct sluice_eswitch *esw, unsigned int n)
{
	struct sluice_dev *sdev = esw->sdev;
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		esw->reps[i] = sluice_vport_alloc(sdev, SLUICE_VPORT_VF(i),
						  i, -1);
		if (!esw->reps[i]) {
			err = -ENOMEM;
			goto err_free;
		}
		/* No link until somebody takes what the VF sends. */
		err = sluice_vport_set_link(sdev, SLUICE_VPORT_VF(i),
					    SLUICE_LINK_DOWN);
		if (err)
			goto err_free;
	}
	err = sluice_reps_create(esw->reps, n);
	if (err)
		goto err_free;
	return 0;

err_free:
	for (i = 0; i < n; i++) {
		sluice_vport_free(esw->reps[i]);
		esw->reps[i] = NULL;
	}
	return err;
}

static void esw_vf_reps_destroy(struct sluice_eswitch *esw, unsigned int n)
{
	unsigned int i;

	sluice_reps_destroy(esw->reps, n);
	for (i = 0; i < n; i++) {
		sluice_vport_free(esw->reps[i]);
		esw->reps[i] = NULL;
	}
}

static int esw_enter_switchdev(struct sluice_eswitch *esw)
{
	struct sluice_dev *sdev = esw->sdev;
	int err;

	err = sluice_cmd_u32(sdev, SLUICE_CMD_ESW_MODE, 0,
			     SLUICE_ESW_SWITCHDEV);
	if (err)
		return err;
	err = sluice_offload_init(sdev);
	if (err)
		goto err_mode;
	esw_publish_mode(esw, SLUICE_ESW_SWITCHDEV);
	err = esw_vf_reps_create(esw, esw->num_vfs);
	if (err)
		goto err_publish;
	return 0;

err_publish:
	esw_publish_mode(esw, SLUICE_ESW_LEGACY);
	sluice_offload_fini(sdev);
err_mode:
	sluice_cmd_u32(sdev, SLUICE_CMD_ESW_MODE, 0, SLUICE_ESW_LEGACY);
	sluice_policy_apply(esw, esw->num_vfs);
	return err;
}

/* Cannot fail: a device that does not answer is one for the health reporter. */
static void esw_leave_switchdev(struct sluice_eswitch *esw)
{
	struct sluice_dev *sdev = esw->sdev;

	sluice_rate_nodes_destroy(sdev);
	esw_vf_reps_destroy(esw, esw->num_vfs);
	esw_publish_mode(esw, SLUICE_ESW_LEGACY);
	sluice_offload_fini(sdev);
	sluice_cmd_u32(sdev, SLUICE_CMD_ESW_MODE, 0, SLUICE_ESW_LEGACY);
	sluice_policy_apply(esw, esw->num_vfs);
}

/**
 * sluice_esw_mode_set - change the eSwitch mode
 * @sdev: PF
 * @mode: new mode
 * @extack: for the reason of a refusal
 *
 * VFs stay as they are.  In switchdev mode each has a representor, and no
 * link before that is opened.
 *
 * Context: devlink instance lock.  Return: 0 or a negative errno, the mode is
 * then as before.
 */
int sluice_esw_mode_set(struct sluice_dev *sdev, enum sluice_esw_mode mode,
			struct netlink_ext_ack *extack)
{
	struct sluice_eswitch *esw = sdev->esw;
	int err;

	if (!esw->started) {
		NL_SET_ERR_MSG_MOD(extack, "device is down, reload it first");
		return -ENODEV;
	}
	if (mode == esw->mode)
		return 0;
	if (mode == SLUICE_ESW_SWITCHDEV) {
		if (!(sdev->caps & SLUICE_CAP_SWITCHDEV)) {
			NL_SET_ERR_MSG_MOD(extack, "device has no switchdev mode");
			return -EOPNOTSUPP;
		}
		err = esw_enter_switchdev(esw);
		if (err) {
			NL_SET_ERR_MSG_MOD(extack, "could not enter switchdev mode");
			return err;
		}
	} else {
		if (!(sdev->caps & SLUICE_CAP_LEGACY)) {
			NL_SET_ERR_MSG_MOD(extack, "device has no legacy mode");
			return -EOPNOTSUPP;
		}
		esw_leave_switchdev(esw);
	}
	esw->wanted = mode;
	return 0;
}

static int esw_vfs_add(struct sluice_eswitch *esw, unsigned int n)
{
	int err = 0;

	if (esw->suspended)
		return -EBUSY;
	rtnl_lock();
	WRITE_ONCE(esw->num_vfs, n);
	rtnl_unlock();
	if (esw->started && esw->mode == SLUICE_ESW_SWITCHDEV)
		err = esw_vf_reps_create(esw, n);
	if (err) {
		rtnl_lock();
		WRITE_ONCE(esw->num_vfs, 0);
		rtnl_unlock();
	}
	return err;
}

static void esw_vfs_remove(struct sluice_eswitch *esw)
{
	unsigned int n = esw->num_vfs;

	if ((esw->started || esw->suspended) &&
	    esw->mode == SLUICE_ESW_SWITCHDEV)
		esw_vf_reps_destroy(esw, n);
	rtnl_lock();
	WRITE_ONCE(esw->num_vfs, 0);
	sluice_policy_reset(esw, n);
	rtnl_unlock();
}

/**
 * sluice_sriov_configure - sriov_numvfs was written
 * @pdev: PF
 * @num_vfs: VFs to have; the PCI core only asks for a change from or to 0
 *
 * Representors come before their VFs and go after them.
 *
 * Context: process, device lock.  Return: @num_vfs or a negative errno.
 */
int sluice_sriov_configure(struct pci_dev *pdev, int num_vfs)
{
	struct sluice_dev *sdev = pci_get_drvdata(pdev);
	struct sluice_eswitch *esw = sdev->esw;
	int err;

	if (!num_vfs) {
		if (pci_vfs_assigned(pdev)) {
			pci_warn(pdev, "a VF is assigned to a guest, not removing VFs\n");
			return -EBUSY;
		}
		pci_disable_sriov(pdev);
		devl_lock(sdev->devlink);
		esw_vfs_remove(esw);
		devl_unlock(sdev->devlink);
		return 0;
	}
	if (num_vfs > SLUICE_MAX_VFS || num_vfs > sdev->limits.total_vfs)
		return -ERANGE;

	devl_lock(sdev->devlink);
	err = esw_vfs_add(esw, num_vfs);
	devl_unlock(sdev->devlink);
	if (err)
		return err;
	err = pci_enable_sriov(pdev, num_vfs);
	if (err) {
		devl_lock(sdev->devlink);
		esw_vfs_remove(esw);
		devl_unlock(sdev->devlink);
		return err;
	}
	return num_vfs;
}

/* An uplink's carrier changed or was asked for. */
static void esw_uplink_link(struct sluice_eswitch *esw, unsigned int n,
			    bool up, u32 speed, bool event)
{
	struct sluice_uplink *uplink = &esw->uplinks[n];
	int slot = sluice_esw_slot(SLUICE_VPORT_UPLINK(n));
	struct net_device *dev;

	rcu_read_lock();
	spin_lock_bh(&esw->link_lock);
	if (event || !uplink->known) {
		uplink->link = up;
		if (event) {
			uplink->known = true;
			uplink->speed = speed;
		}
		dev = rcu_dereference(esw->slots[slot]);
		if (dev && dev != esw->sdev->netdev)
			sluice_rep_link_event(dev, up);
	}
	spin_unlock_bh(&esw->link_lock);
	rcu_read_unlock();
}

/**
 * sluice_esw_event - an event for the PF
 * @sdev: PF
 * @ev: event from host memory the device can write: checked here
 *
 * Context: process, no locks.
 */
void sluice_esw_event(struct sluice_dev *sdev, const struct sluice_event *ev)
{
	struct sluice_eswitch *esw = sdev->esw;
	u16 vport = le16_to_cpu(ev->vport);
	u32 data = le32_to_cpu(ev->data[0]);
	int vf = vport - SLUICE_VPORT_VF(0);
	unsigned int uplink;

	switch (ev->type) {
	case SLUICE_EVENT_LINK:
		uplink = vport - SLUICE_VPORT_UPLINK(0);
		if (uplink < sdev->limits.num_uplinks)
			esw_uplink_link(esw, uplink, data == 1,
					le32_to_cpu(ev->data[1]), true);
		break;
	case SLUICE_EVENT_VF_STATE:
		if (vf < 0 || vf >= sdev->limits.total_vfs)
			break;
		pci_dbg(sdev->pdev, "VF %d %s\n", vf,
			data ? "enabled" : "disabled");
		if (data)
			sluice_health_vf_ok(sdev, vf);
		break;
	case SLUICE_EVENT_VF_ERROR:
		if (vf < 0 || vf >= sdev->limits.total_vfs)
			break;
		sluice_health_vf_error(sdev, vf, data,
				       le32_to_cpu(ev->data[1]));
		break;
	}
}

/**
 * sluice_esw_init - allocate the eSwitch
 * @sdev: PF
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_esw_init(struct sluice_dev *sdev)
{
	struct sluice_eswitch *esw;

	esw = kvzalloc(sizeof(*esw), GFP_KERNEL);
	if (!esw)
		return -ENOMEM;
	esw->sdev = sdev;
	esw->num_vfs = min(pci_num_vf(sdev->pdev), SLUICE_MAX_VFS);
	spin_lock_init(&esw->link_lock);
	sdev->esw = esw;
	return 0;
}

/**
 * sluice_esw_fini - free the eSwitch
 * @sdev: PF
 */
void sluice_esw_fini(struct sluice_dev *sdev)
{
	struct sluice_eswitch *esw = sdev->esw;

	sdev->esw = NULL;
	kvfree(esw);
}

/**
 * sluice_esw_up - register the uplinks' devlink ports
 * @sdev: PF that takes commands and is in legacy mode
 *
 * Context: devlink instance lock.  Return: 0 or a negative errno.
 */
int sluice_esw_up(struct sluice_dev *sdev)
{
	struct sluice_eswitch *esw = sdev->esw;
	struct sluice_vport *vport;
	unsigned int i;
	int err;

	if (sdev->limits.num_uplinks < 1 ||
	    sdev->limits.num_uplinks > SLUICE_MAX_UPLINKS ||
	    sdev->limits.total_vfs > SLUICE_MAX_VFS) {
		pci_err(sdev->pdev, "device claims %u uplinks and %u VFs\n",
			sdev->limits.num_uplinks, sdev->limits.total_vfs);
		return -EINVAL;
	}
	for (i = 0; i < sdev->limits.num_uplinks; i++) {
		vport = sluice_vport_alloc(sdev, SLUICE_VPORT_UPLINK(i), -1, i);
		if (!vport) {
			err = -ENOMEM;
			goto err_ports;
		}
		err = sluice_devlink_port_register(vport);
		if (err) {
			sluice_vport_free(vport);
			goto err_ports;
		}
		esw->uplinks[i].vport = vport;
		esw->uplinks[i].known = false;
	}
	return 0;

err_ports:
	sluice_esw_down(sdev);
	return err;
}

/**
 * sluice_esw_down - unregister the uplinks' devlink ports
 * @sdev: PF whose netdevs are gone
 *
 * Context: devlink instance lock, no event can come any more.
 */
void sluice_esw_down(struct sluice_dev *sdev)
{
	struct sluice_eswitch *esw = sdev->esw;
	unsigned int i;

	for (i = SLUICE_MAX_UPLINKS; i--;) {
		struct sluice_vport *vport = esw->uplinks[i].vport;

		if (!vport)
			continue;
		esw->uplinks[i].vport = NULL;
		sluice_devlink_port_unregister(vport);
		sluice_vport_free(vport);
	}
}

static int esw_query_uplinks(struct sluice_eswitch *esw)
{
	struct sluice_vport_info info;
	unsigned int i;
	int err;

	for (i = 0; i < esw->sdev->limits.num_uplinks; i++) {
		err = sluice_cmd_query(esw->sdev, SLUICE_CMD_VPORT_QUERY,
				       SLUICE_VPORT_UPLINK(i), &info,
				       sizeof(info));
		if (err)
			return err;
		esw_uplink_link(esw, i, info.link == 1, 0, false);
	}
	return 0;
}

/**
 * sluice_esw_start - let the eSwitch work
 * @sdev: PF whose netdev is registered
 *
 * Makes the netdevs of further uplinks and brings VF policy and mode to what
 * they were when sluice_esw_stop() was called.
 *
 * Context: devlink instance lock.  Return: 0 or a negative errno.
 */
int sluice_esw_start(struct sluice_dev *sdev)
{
	struct sluice_eswitch *esw = sdev->esw;
	unsigned int i;
	int err;

	err = esw_query_uplinks(esw);
	if (err)
		return err;
	for (i = 1; i < sdev->limits.num_uplinks; i++) {
		err = sluice_reps_create(&esw->uplinks[i].vport, 1);
		if (err)
			goto err_uplinks;
	}
	sluice_policy_apply(esw, esw->num_vfs);
	if (esw->wanted == SLUICE_ESW_SWITCHDEV) {
		err = esw_enter_switchdev(esw);
		if (err)
			goto err_uplinks;
	}
	esw->started = true;
	return 0;

err_uplinks:
	while (--i > 0)
		sluice_reps_destroy(&esw->uplinks[i].vport, 1);
	return err;
}

/**
 * sluice_esw_stop - take the representors away and leave switchdev mode
 * @sdev: PF; may be dead
 *
 * Context: devlink instance lock.
 */
void sluice_esw_stop(struct sluice_dev *sdev)
{
	struct sluice_eswitch *esw = sdev->esw;
	unsigned int i;

	if (!esw->started && !esw->suspended)
		return;
	esw->started = false;
	esw->suspended = false;
	if (esw->mode == SLUICE_ESW_SWITCHDEV)
		esw_leave_switchdev(esw);
	for (i = sdev->limits.num_uplinks; --i > 0;)
		sluice_reps_destroy(&esw->uplinks[i].vport, 1);
}

/**
 * sluice_esw_suspend - the device is about to be reset
 * @sdev: PF; may be dead
 *
 * Representors and their rules stay, but may not be opened or changed before
 * the device is back.  Context: devlink instance lock.
 */
void sluice_esw_suspend(struct sluice_dev *sdev)
{
	struct sluice_eswitch *esw = sdev->esw;
	unsigned int i;

	if (!esw->started)
		return;
	esw->started = false;
	esw->suspended = true;
	for (i = 0; i < sdev->limits.num_uplinks; i++)
		esw->uplinks[i].known = false;
	rtnl_lock();
	for (i = 1; i < sdev->limits.num_uplinks; i++)
		netif_device_detach(esw->uplinks[i].vport->netdev);
	for (i = 0; i < SLUICE_MAX_VFS; i++)
		if (esw->reps[i])
			netif_device_detach(esw->reps[i]->netdev);
	rtnl_unlock();
	sluice_offload_pause(sdev);
}

/* Give a vport with a representor back what the reset took.  RTNL held. */
static int esw_resume_vport(struct sluice_vport *vport)
{
	struct net_device *dev = vport->netdev;
	struct sluice_cmd_vport cmd;
	u32 fields = 0;

	sluice_offload_vport_replay(vport);
	if (sluice_is_rep(dev)) {
		netif_device_attach(dev);
		/* The rings come next, and wake it. */
		netif_stop_queue(dev);
	}
	/* A netdev whose MTU was never set leaves its port's alone. */
	if (dev->mtu != ETH_DATA_LEN)
		fields |= SLUICE_VPORT_F_MTU;
	if (vport->vf >= 0)
		fields |= SLUICE_VPORT_F_LINK;
	if (!fields)
		return 0;
	sluice_vport_set_init(&cmd, vport->num, fields);
	if (fields & SLUICE_VPORT_F_MTU)
		cmd.mtu = cpu_to_le16(dev->mtu);
	if (fields & SLUICE_VPORT_F_LINK)
		cmd.link = netif_running(dev) ? SLUICE_LINK_UP : SLUICE_LINK_DOWN;
	return sluice_cmd_post(vport->sdev, &cmd.hdr);
}

/**
 * sluice_esw_resume - go on after a reset
 * @sdev: PF that takes commands and is in legacy mode
 *
 * Mode, policy, ports and rules are brought back, in this order, before the
 * PF has rings again.  Context: devlink instance lock.
 *
 * Return: 0 or a negative errno; then sluice_esw_stop() must follow.
 */
int sluice_esw_resume(struct sluice_dev *sdev)
{
	struct sluice_eswitch *esw = sdev->esw;
	unsigned int i;
	int err;

	err = esw_query_uplinks(esw);
	if (err)
		return err;
	sluice_policy_apply(esw, esw->num_vfs);
	if (esw->mode == SLUICE_ESW_SWITCHDEV) {
		err = sluice_cmd_u32(sdev, SLUICE_CMD_ESW_MODE, 0,
				     SLUICE_ESW_SWITCHDEV);
		if (err)
			return err;
		sluice_shapers_replay(esw);
	}
	/* Representors are opened and stopped under RTNL. */
	rtnl_lock();
	for (i = 0; i < sdev->limits.num_uplinks && !err; i++)
		err = esw_resume_vport(esw->uplinks[i].vport);
	for (i = 0; i < SLUICE_MAX_VFS && !err; i++)
		if (esw->reps[i])
			err = esw_resume_vport(esw->reps[i]);
	rtnl_unlock();
	if (err)
		return err;
	sluice_offload_replay(sdev);
	esw->suspended = false;
	esw->started = true;
	return 0;
}
