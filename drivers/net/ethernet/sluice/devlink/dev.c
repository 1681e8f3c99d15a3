// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink instance: life and information.
 */
#include "devlink.h"

static int devlink_info(struct devlink *devlink, struct devlink_info_req *req,
			struct netlink_ext_ack *extack)
{
	struct sluice_dev *sdev = devlink_priv(devlink);
	u32 reg = sluice_read(sdev, SLUICE_REG_VERSION);
	char version[16];
	int err;

	if (sdev->serial[0]) {
		err = devlink_info_serial_number_put(req, sdev->serial);
		if (err)
			return err;
	}
	err = devlink_info_version_fixed_put(req,
					     DEVLINK_INFO_VERSION_GENERIC_BOARD_ID,
					     SLUICE_DRV_NAME);
	if (err)
		return err;
	snprintf(version, sizeof(version), "%u.%u", SLUICE_VERSION_MAJOR(reg),
		 SLUICE_VERSION_MINOR(reg));
	err = devlink_info_version_running_put(req, "fw.mgmt.api", version);
	if (err)
		return err;
	if (!sdev->fw_version[0])
		return 0;
	return devlink_info_version_running_put(req,
						DEVLINK_INFO_VERSION_GENERIC_FW,
						sdev->fw_version);
}

static const struct devlink_ops sluice_devlink_ops = {
	.info_get		= devlink_info,
	.eswitch_mode_get	= sluice_devlink_eswitch_mode_get,
	.eswitch_mode_set	= sluice_devlink_eswitch_mode_set,
	.eswitch_inline_mode_get = sluice_devlink_inline_mode_get,
	.eswitch_inline_mode_set = sluice_devlink_inline_mode_set,
	.eswitch_encap_mode_get	= sluice_devlink_encap_mode_get,
	.eswitch_encap_mode_set	= sluice_devlink_encap_mode_set,
	.rate_leaf_tx_max_set	= sluice_rate_leaf_tx_max_set,
	.rate_leaf_parent_set	= sluice_rate_leaf_parent_set,
	.rate_node_tx_max_set	= sluice_rate_node_tx_max_set,
	.rate_node_parent_set	= sluice_rate_node_parent_set,
	.rate_node_new		= sluice_rate_node_new,
	.rate_node_del		= sluice_rate_node_del,
	.reload_actions		= BIT(DEVLINK_RELOAD_ACTION_DRIVER_REINIT),
	.reload_down		= sluice_devlink_reload_down,
	.reload_up		= sluice_devlink_reload_up,
};

/**
 * sluice_devlink_alloc - allocate a PF with its devlink instance
 * @pdev: PCI device
 *
 * Sets @pdev, @is_pf and @devlink of the function.
 *
 * Return: the function, or NULL without memory.
 */
struct sluice_dev *sluice_devlink_alloc(struct pci_dev *pdev)
{
	struct sluice_devlink *dl;
	struct devlink *devlink;

	devlink = devlink_alloc(&sluice_devlink_ops, sizeof(*dl), &pdev->dev);
	if (!devlink)
		return NULL;
	dl = devlink_priv(devlink);
	dl->sdev.pdev = pdev;
	dl->sdev.is_pf = true;
	dl->sdev.devlink = devlink;
	dl->inline_mode = DEVLINK_ESWITCH_INLINE_MODE_NONE;
	dl->encap_mode = DEVLINK_ESWITCH_ENCAP_MODE_BASIC;
	sluice_health_alloc(dl);
	return &dl->sdev;
}

/**
 * sluice_devlink_free - free what sluice_devlink_alloc() allocated
 * @sdev: PF
 */
void sluice_devlink_free(struct sluice_dev *sdev)
{
	devlink_free(sdev->devlink);
}

/**
 * sluice_devlink_register - show the instance to users
 * @sdev: PF that is up
 *
 * Context: process, takes the devlink instance lock.  Return: 0 or a negative
 * errno.
 */
int sluice_devlink_register(struct sluice_dev *sdev)
{
	struct sluice_devlink *dl = sluice_to_devlink(sdev);
	int err;

	devl_lock(sdev->devlink);
	err = sluice_resources_register(sdev);
	if (err)
		goto err_unlock;
	err = sluice_health_register(dl);
	if (err)
		goto err_resources;
	devl_register(sdev->devlink);
	devl_unlock(sdev->devlink);
	return 0;

err_resources:
	sluice_resources_unregister(sdev);
err_unlock:
	devl_unlock(sdev->devlink);
	return err;
}

/**
 * sluice_devlink_unregister - hide the instance, stop recovery
 * @sdev: PF
 *
 * Context: process, devlink instance lock not held.
 */
void sluice_devlink_unregister(struct sluice_dev *sdev)
{
	struct sluice_devlink *dl = sluice_to_devlink(sdev);

	sluice_health_stop(dl);
	devl_lock(sdev->devlink);
	devl_unregister(sdev->devlink);
	sluice_health_unregister(dl);
	sluice_resources_unregister(sdev);
	devl_unlock(sdev->devlink);
}
