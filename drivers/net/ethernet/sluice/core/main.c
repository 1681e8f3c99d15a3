// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, core: PCI driver for physical and virtual functions.
 *
 * Lock order: device lock, devlink instance lock, RTNL.  A PF is built up and
 * torn down under its devlink instance lock.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "core.h"

/**
 * sluice_pf_up() - build a PF up from its registers
 * @sdev: PF that is down
 *
 * devlink instance lock held, RTNL not.
 *
 * Return: 0 or a negative errno; then the PF is down.
 */
int sluice_pf_up(struct sluice_dev *sdev)
{
	int err;

	devl_assert_locked(sdev->devlink);
	err = sluice_func_start(sdev);
	if (err)
		return err;
	err = sluice_esw_up(sdev);
	if (err)
		goto err_func;
	err = sluice_nic_init(sdev);
	if (err)
		goto err_esw;
	sluice_eq_start(sdev);
	err = sluice_esw_start(sdev);
	if (err)
		goto err_nic;
	return 0;

err_nic:
	sluice_eq_stop(sdev);
	sluice_nic_fini(sdev);
err_esw:
	sluice_esw_down(sdev);
err_func:
	sluice_func_stop(sdev);
	return err;
}

/**
 * sluice_pf_down() - tear a PF down to its registers
 * @sdev: PF; harmless when it is down already
 *
 * devlink instance lock held, RTNL not.
 */
void sluice_pf_down(struct sluice_dev *sdev)
{
	devl_assert_locked(sdev->devlink);
	if (sdev->core->suspended) {
		/* A reset that was not finished. */
		sdev->core->suspended = false;
		sluice_esw_stop(sdev);
		sluice_nic_fini(sdev);
		sluice_esw_down(sdev);
		return;
	}
	if (!sdev->core->running)
		return;
	sluice_func_unwatch(sdev);
	sluice_eq_stop(sdev);
	/* A dead function cannot be asked to stop. */
	if (READ_ONCE(sdev->dead))
		sluice_func_quiesce(sdev);
	sluice_esw_stop(sdev);
	sluice_nic_fini(sdev);
	sluice_esw_down(sdev);
	sluice_func_stop(sdev);
}

/**
 * sluice_pf_suspend() - rest before a reset, the PF's netdev stays
 * @sdev: PF; harmless when it is down
 *
 * devlink instance lock held, RTNL not.
 */
void sluice_pf_suspend(struct sluice_dev *sdev)
{
	devl_assert_locked(sdev->devlink);
	if (!sdev->core->running)
		return;
	sluice_func_unwatch(sdev);
	sluice_eq_stop(sdev);
	if (READ_ONCE(sdev->dead))
		sluice_func_quiesce(sdev);
	sluice_esw_suspend(sdev);
	sluice_nic_suspend(sdev);
	sluice_func_stop(sdev);
	sdev->core->suspended = true;
}

/**
 * sluice_pf_resume() - go on after a reset
 * @sdev: PF
 *
 * The eSwitch gets its mode, ports and rules back, then the netdevs their
 * rings.  A PF that was not suspended, or does not resume, is built up
 * from the ground.  devlink instance lock held, RTNL not.
 *
 * Return: 0 or a negative errno; then the PF is down.
 */
int sluice_pf_resume(struct sluice_dev *sdev)
{
	int err;

	devl_assert_locked(sdev->devlink);
	if (!sdev->core->suspended)
		return sluice_pf_up(sdev);
	sdev->core->suspended = false;
	err = sluice_func_start(sdev);
	if (err)
		goto err_nic;
	err = sluice_esw_resume(sdev);
	if (err)
		goto err_func;
	err = sluice_nic_resume(sdev);
	if (err)
		goto err_func;
	sluice_eq_start(sdev);
	return 0;

err_func:
	WRITE_ONCE(sdev->dead, true);
	sluice_func_quiesce(sdev);
err_nic:
	sluice_esw_stop(sdev);
	sluice_nic_fini(sdev);
	sluice_esw_down(sdev);
	sluice_func_stop(sdev);
	return err;
}

/* ---- virtual functions ---- */

static int sluice_vf_up(struct sluice_dev *sdev)
{
	int err;

	err = sluice_func_start(sdev);
	if (err)
		return err;
	err = sluice_nic_init(sdev);
	if (err) {
		sluice_func_stop(sdev);
		return err;
	}
	sluice_eq_start(sdev);
	return 0;
}

static void sluice_vf_down(struct sluice_dev *sdev)
{
	sluice_func_unwatch(sdev);
	if (sdev->core->running)
		sluice_eq_stop(sdev);
	if (READ_ONCE(sdev->dead))
		sluice_func_quiesce(sdev);
	sluice_nic_fini(sdev);
	sluice_func_stop(sdev);
}

/* Around a reset the netdev stays, with its settings, and rests. */
static void sluice_vf_suspend(struct sluice_dev *sdev)
{
	sluice_func_unwatch(sdev);
	if (sdev->core->suspended)
		return;
	sdev->core->suspended = true;
	sluice_eq_stop(sdev);
	if (READ_ONCE(sdev->dead))
		sluice_func_quiesce(sdev);
	sluice_nic_suspend(sdev);
	sluice_func_stop(sdev);
}

static int sluice_vf_resume(struct sluice_dev *sdev)
{
	int err;

	err = sluice_func_start(sdev);
	if (err)
		return err;
	err = sluice_nic_resume(sdev);
	if (err) {
		sluice_func_stop(sdev);
		return err;
	}
	sdev->core->suspended = false;
	sluice_eq_start(sdev);
	return 0;
}

/*
 * Bring a VF back that stopped, or that was reset behind our back (its PF was
 * reset, for example).
 */
static void sluice_vf_recover(struct work_struct *work)
{
	struct sluice_core *core = container_of(work, struct sluice_core, recover);
	struct sluice_dev *sdev = core->sdev;
	int err;

	core->recoveries++;
	core->last_recovery = jiffies;
	sluice_vf_suspend(sdev);
	/* With the PF's reset its VFs lose their configuration. */
	pci_restore_state(sdev->pdev);
	pci_save_state(sdev->pdev);
	err = sluice_vf_resume(sdev);
	if (!err) {
		dev_info(&sdev->pdev->dev, "recovered by a reset\n");
		return;
	}
	dev_err(&sdev->pdev->dev, "cannot recover: %pe\n", ERR_PTR(err));
	/* Try again later. */
	sluice_func_watch(sdev);
}

/* ---- PCI driver ---- */

static int sluice_probe_pf(struct pci_dev *pdev)
{
	struct sluice_dev *sdev;
	int err;

	sdev = sluice_devlink_alloc(pdev);
	if (!sdev)
		return -ENOMEM;
	sdev->pdev = pdev;
	sdev->is_pf = true;
	pci_set_drvdata(pdev, sdev);

	err = sluice_func_map(sdev, sluice_vf_recover);
	if (err)
		goto err_free;
	err = sluice_esw_init(sdev);
	if (err)
		goto err_unmap;

	devl_lock(sdev->devlink);
	err = sluice_pf_up(sdev);
	devl_unlock(sdev->devlink);
	if (err)
		goto err_esw;

	err = sluice_devlink_register(sdev);
	if (err)
		goto err_down;
	return 0;

err_down:
	devl_lock(sdev->devlink);
	sluice_pf_down(sdev);
	devl_unlock(sdev->devlink);
err_esw:
	sluice_esw_fini(sdev);
err_unmap:
	sluice_func_unmap(sdev);
err_free:
	pci_set_drvdata(pdev, NULL);
	sluice_devlink_free(sdev);
	return err;
}

static void sluice_remove_pf(struct sluice_dev *sdev)
{
	/* The VFs go first, their driver may need the PF for its good-bye. */
	if (pci_num_vf(sdev->pdev))
		sluice_sriov_configure(sdev->pdev, 0);
	sluice_devlink_unregister(sdev);
	devl_lock(sdev->devlink);
	sluice_pf_down(sdev);
	devl_unlock(sdev->devlink);
	sluice_esw_fini(sdev);
	sluice_func_unmap(sdev);
	pci_set_drvdata(sdev->pdev, NULL);
	sluice_devlink_free(sdev);
}

static int sluice_probe_vf(struct pci_dev *pdev)
{
	struct sluice_dev *sdev;
	int err;

	sdev = kzalloc(sizeof(*sdev), GFP_KERNEL);
	if (!sdev)
		return -ENOMEM;
	sdev->pdev = pdev;
	pci_set_drvdata(pdev, sdev);

	err = sluice_func_map(sdev, sluice_vf_recover);
	if (err)
		goto err_free;
	err = sluice_vf_up(sdev);
	if (err)
		goto err_unmap;
	return 0;

err_unmap:
	sluice_func_unmap(sdev);
err_free:
	pci_set_drvdata(pdev, NULL);
	kfree(sdev);
	return err;
}

static void sluice_remove_vf(struct sluice_dev *sdev)
{
	disable_work_sync(&sdev->core->recover);
	sluice_vf_down(sdev);
	sluice_func_unmap(sdev);
	pci_set_drvdata(sdev->pdev, NULL);
	kfree(sdev);
}

static int sluice_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return id->device == SLUICE_PCI_DEVICE_ID_PF ? sluice_probe_pf(pdev) :
						       sluice_probe_vf(pdev);
}

static void sluice_remove(struct pci_dev *pdev)
{
	struct sluice_dev *sdev = pci_get_drvdata(pdev);

	/* Unplugged: do not wait for answers. */
	if (sluice_func_gone(sdev))
		sluice_dev_fail(sdev, "the device is gone", 0, 0);
	if (sdev->is_pf)
		sluice_remove_pf(sdev);
	else
		sluice_remove_vf(sdev);
}

static void sluice_shutdown(struct pci_dev *pdev)
{
	struct sluice_dev *sdev = pci_get_drvdata(pdev);

	/* Nothing but silence on the bus is needed. */
	WRITE_ONCE(sdev->dead, true);
	sluice_ctrl_abort(sdev);
	sluice_nic_dead(sdev);
	sluice_func_quiesce(sdev);
}

static void sluice_reset_prepare(struct pci_dev *pdev)
{
	struct sluice_dev *sdev = pci_get_drvdata(pdev);

	if (sdev->is_pf) {
		devl_lock(sdev->devlink);
		sluice_pf_suspend(sdev);
		devl_unlock(sdev->devlink);
		return;
	}
	disable_work_sync(&sdev->core->recover);
	sluice_vf_suspend(sdev);
}

static void sluice_reset_done(struct pci_dev *pdev)
{
	struct sluice_dev *sdev = pci_get_drvdata(pdev);
	int err;

	if (sdev->is_pf) {
		devl_lock(sdev->devlink);
		err = sluice_pf_resume(sdev);
		devl_unlock(sdev->devlink);
	} else {
		err = sluice_vf_resume(sdev);
		enable_work(&sdev->core->recover);
	}
	if (err)
		dev_err(&pdev->dev, "does not come back after the reset: %pe\n",
			ERR_PTR(err));
}

static pci_ers_result_t sluice_error_detected(struct pci_dev *pdev,
					      pci_channel_state_t state)
{
	struct sluice_dev *sdev = pci_get_drvdata(pdev);

	sluice_dev_fail(sdev, "error on the PCI bus", 0,
			(__force u32)state);
	sluice_reset_prepare(pdev);
	return state == pci_channel_io_perm_failure ? PCI_ERS_RESULT_DISCONNECT :
						      PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t sluice_slot_reset(struct pci_dev *pdev)
{
	int err = pci_enable_device_mem(pdev);

	if (err) {
		dev_err(&pdev->dev, "cannot enable the device: %pe\n", ERR_PTR(err));
		return PCI_ERS_RESULT_DISCONNECT;
	}
	pci_restore_state(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

static const struct pci_error_handlers sluice_err_handlers = {
	.error_detected	= sluice_error_detected,
	.slot_reset	= sluice_slot_reset,
	.resume		= sluice_reset_done,
	.reset_prepare	= sluice_reset_prepare,
	.reset_done	= sluice_reset_done,
};

static const struct pci_device_id sluice_ids[] = {
	{ PCI_DEVICE(SLUICE_PCI_VENDOR_ID, SLUICE_PCI_DEVICE_ID_PF) },
	{ PCI_DEVICE(SLUICE_PCI_VENDOR_ID, SLUICE_PCI_DEVICE_ID_VF) },
	{ }
};
MODULE_DEVICE_TABLE(pci, sluice_ids);

static struct pci_driver sluice_driver = {
	.name			= SLUICE_DRV_NAME,
	.id_table		= sluice_ids,
	.probe			= sluice_probe,
	.remove			= sluice_remove,
	.shutdown		= sluice_shutdown,
	.sriov_configure	= sluice_sriov_configure,
	.err_handler		= &sluice_err_handlers,
};

static int __init sluice_init(void)
{
	int err;

	err = sluice_rules_init();
	if (err)
		return err;
	err = pci_register_driver(&sluice_driver);
	if (err)
		sluice_rules_fini();
	return err;
}

/*
 * VFs may be removed only under the lock against rescans.  Whoever unplugs a
 * PF or writes sriov_numvfs holds it; unregistering a driver takes none, so
 * remove the VFs before, as a write to sriov_numvfs would.
 */
static void __exit sluice_exit(void)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(SLUICE_PCI_VENDOR_ID,
				      SLUICE_PCI_DEVICE_ID_PF, pdev))) {
		device_lock(&pdev->dev);
		if (pdev->driver == &sluice_driver && pci_num_vf(pdev)) {
			pci_lock_rescan_remove();
			sluice_sriov_configure(pdev, 0);
			pci_unlock_rescan_remove();
		}
		device_unlock(&pdev->dev);
	}
	pci_unregister_driver(&sluice_driver);
	sluice_rules_fini();
}

module_init(sluice_init);
module_exit(sluice_exit);

MODULE_DESCRIPTION("Sluice SR-IOV NIC with a programmable eSwitch");
MODULE_AUTHOR("The Sluice project");
MODULE_LICENSE("GPL");
