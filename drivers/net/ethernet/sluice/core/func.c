// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, core: one PCI function, from its BAR to a working control
 * ring, and the watch over it.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "core.h"

/* Automatic recoveries of a VF are at least this far apart. */
#define SLUICE_RECOVERY_GAP	(10 * HZ)

/**
 * sluice_func_gone() - does nobody answer at the function's registers
 * @sdev: function
 *
 * What reads return then depends on the machine, but it is not the magic.  Any
 * context.
 *
 * Return: true when the function left the bus or does not decode its BAR.
 */
bool sluice_func_gone(const struct sluice_dev *sdev)
{
	return sluice_read(sdev, SLUICE_REG_MAGIC) != SLUICE_MAGIC;
}

/**
 * sluice_dev_fail() - the function does not work any more
 * @sdev: function
 * @what: what happened, for the user
 * @error: enum sluice_error or another number for the report
 * @info: a second number
 *
 * All commands fail from here on, the carrier goes, and the health reporter
 * is told.  Only the first call counts.  Any context.
 */
void sluice_dev_fail(struct sluice_dev *sdev, const char *what, u32 error,
		     u32 info)
{
	if (cmpxchg(&sdev->dead, false, true))
		return;
	sluice_ctrl_abort(sdev);
	sluice_nic_dead(sdev);
	sluice_health_report(sdev, what, error, info);
}

static int sluice_func_wait_ready(struct sluice_dev *sdev)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(SLUICE_RESET_TIMEOUT_MS);

	for (;;) {
		u32 status = sluice_read(sdev, SLUICE_REG_STATUS);

		if (sluice_func_gone(sdev))
			return -ENODEV;
		if ((status & SLUICE_STATUS_READY) &&
		    !(status & (SLUICE_STATUS_ERROR | SLUICE_STATUS_RESETTING)))
			return 0;
		if (time_after(jiffies, deadline))
			return -ETIMEDOUT;
		usleep_range(50, 500);
	}
}

static int sluice_func_reset(struct sluice_dev *sdev)
{
	sluice_write(sdev, SLUICE_REG_RESET, SLUICE_RESET_MAGIC);
	return sluice_func_wait_ready(sdev);
}

/**
 * sluice_func_quiesce() - make sure that the function writes to memory no more
 * @sdev: function marked dead, whose rings cannot be taken down by command
 *
 * Process context.
 */
void sluice_func_quiesce(struct sluice_dev *sdev)
{
	int err;

	if (!sdev->core->bus_master)
		return;
	err = sluice_func_reset(sdev);
	if (err && err != -ENODEV)
		dev_warn(&sdev->pdev->dev, "reset: %pe\n", ERR_PTR(err));
	/* Whatever it does, it does without memory. */
	pci_clear_master(sdev->pdev);
	sdev->core->bus_master = false;
}

static void sluice_func_limits(struct sluice_dev *sdev,
			       const struct sluice_func_info *info)
{
	struct sluice_limits *lim = &sdev->limits;

	lim->max_txqs = min(le16_to_cpu(info->max_txqs), SLUICE_MAX_QUEUES);
	lim->max_rxqs = min(le16_to_cpu(info->max_rxqs), SLUICE_MAX_QUEUES);
	lim->max_cqs = min(le16_to_cpu(info->max_cqs), SLUICE_MAX_QUEUES);
	lim->max_vectors = min(le16_to_cpu(info->max_vectors),
			       sdev->core->num_vectors);
	lim->max_filters = le16_to_cpu(info->max_filters);
	if (!sdev->is_pf)
		return;
	lim->num_uplinks = min(le16_to_cpu(info->num_uplinks), SLUICE_MAX_UPLINKS);
	lim->total_vfs = min(le16_to_cpu(info->total_vfs), SLUICE_MAX_VFS);
	lim->max_actions = le16_to_cpu(info->max_actions);
	lim->max_rules = le32_to_cpu(info->max_rules);
	lim->max_masks = le32_to_cpu(info->max_masks);
	lim->max_counters = le32_to_cpu(info->max_counters);
	lim->max_tables = le32_to_cpu(info->max_tables);
	lim->max_next_hops = le32_to_cpu(info->max_next_hops);
	lim->max_encaps = le32_to_cpu(info->max_encaps);
	lim->max_endpoints = le32_to_cpu(info->max_endpoints);
	lim->max_ct = le32_to_cpu(info->max_ct);
	lim->max_meters = le32_to_cpu(info->max_meters);
}

static int sluice_func_query(struct sluice_dev *sdev)
{
	struct device *dev = &sdev->pdev->dev;
	struct sluice_func_info info;
	int err;

	err = sluice_cmd_query(sdev, SLUICE_CMD_QUERY_FUNC, 0, &info, sizeof(info));
	if (err) {
		dev_err(dev, "cannot ask the device what it is: %pe\n", ERR_PTR(err));
		return err;
	}
	if (le16_to_cpu(info.vport) != sdev->vport) {
		dev_err(dev, "vport %#x by register, %#x by command\n",
			sdev->vport, le16_to_cpu(info.vport));
		return -EIO;
	}
	sluice_func_limits(sdev, &info);
	if (!sdev->limits.max_txqs || !sdev->limits.max_rxqs ||
	    !sdev->limits.max_cqs || sdev->limits.max_vectors < 2) {
		dev_err(dev, "the device has no queues\n");
		return -EIO;
	}
	if (sdev->is_pf && !sdev->limits.num_uplinks) {
		dev_err(dev, "the device has no uplink\n");
		return -EIO;
	}
	ether_addr_copy(sdev->permanent_mac, info.permanent_mac);
	memcpy(sdev->switch_id, info.switch_id, sizeof(sdev->switch_id));
	memcpy(sdev->serial, info.serial, sizeof(info.serial));
	sdev->serial[sizeof(info.serial)] = '\0';
	memcpy(sdev->fw_version, info.fw_version, sizeof(info.fw_version));
	sdev->fw_version[sizeof(info.fw_version)] = '\0';
	return 0;
}

static int sluice_func_identify(struct sluice_dev *sdev)
{
	struct device *dev = &sdev->pdev->dev;
	u32 magic = sluice_read(sdev, SLUICE_REG_MAGIC);
	u32 version = sluice_read(sdev, SLUICE_REG_VERSION);
	u32 func = sluice_read(sdev, SLUICE_REG_FUNC);

	if (magic != SLUICE_MAGIC) {
		dev_err(dev, "not a Sluice device: magic %#x\n", magic);
		return -ENODEV;
	}
	if (SLUICE_VERSION_MAJOR(version) != SLUICE_IF_MAJOR) {
		dev_err(dev, "interface version %u.%u, this driver knows %u\n",
			SLUICE_VERSION_MAJOR(version),
			SLUICE_VERSION_MINOR(version), SLUICE_IF_MAJOR);
		return -EOPNOTSUPP;
	}
	if (!!(func & SLUICE_FUNC_IS_PF) != sdev->is_pf) {
		dev_err(dev, "PF or VF? PCI id and register disagree\n");
		return -EIO;
	}
	sdev->vport = SLUICE_FUNC_VPORT(func);
	sdev->caps = (u64)sluice_read(sdev, SLUICE_REG_CAPS_HI) << 32 |
		     sluice_read(sdev, SLUICE_REG_CAPS_LO);
	return 0;
}

static void sluice_func_watchdog(struct work_struct *work)
{
	struct sluice_core *core = container_of(to_delayed_work(work),
						struct sluice_core, watchdog);
	struct sluice_dev *sdev = core->sdev;
	u32 status = sluice_read(sdev, SLUICE_REG_STATUS);

	if (sluice_func_gone(sdev)) {
		sluice_dev_fail(sdev, "the function does not answer", 0, 0);
		/* A reset of the PF turns its VFs' memory decoding off. */
		if (!pci_device_is_present(sdev->pdev))
			return;
	} else if (status & SLUICE_STATUS_ERROR) {
		sluice_dev_fail(sdev, "the device stopped the function",
				sluice_read(sdev, SLUICE_REG_ERROR),
				sluice_read(sdev, SLUICE_REG_ERROR_INFO));
	} else if (!(sluice_read(sdev, SLUICE_REG_CTRL_ENABLE) & SLUICE_RING_ENABLE)) {
		sluice_dev_fail(sdev, "somebody else reset the function", 0, 0);
	}

	/* A PF is brought back by its health reporter. */
	if (READ_ONCE(sdev->dead) && !sdev->is_pf &&
	    (!core->recoveries ||
	     time_after(jiffies, core->last_recovery + SLUICE_RECOVERY_GAP)))
		queue_work(system_long_wq, &core->recover);

	sluice_func_watch(sdev);
}

/**
 * sluice_func_watch() - look after the function from time to time
 * @sdev: function
 */
void sluice_func_watch(struct sluice_dev *sdev)
{
	schedule_delayed_work(&sdev->core->watchdog,
			      msecs_to_jiffies(SLUICE_WATCHDOG_MS));
}

/**
 * sluice_func_unwatch() - stop looking after the function
 * @sdev: function
 *
 * Process context.  Must come before the netdev goes.
 */
void sluice_func_unwatch(struct sluice_dev *sdev)
{
	cancel_delayed_work_sync(&sdev->core->watchdog);
}

/**
 * sluice_func_start() - from a mapped function to a working control ring
 * @sdev: function
 *
 * Resets the function and asks it what it is.  Process context without RTNL.
 *
 * Return: 0 or a negative errno.
 */
int sluice_func_start(struct sluice_dev *sdev)
{
	struct sluice_core *core = sdev->core;
	struct device *dev = &sdev->pdev->dev;
	int err;

	pci_set_master(sdev->pdev);
	core->bus_master = true;
	err = sluice_func_reset(sdev);
	if (err) {
		dev_err(dev, "the function does not become ready: %pe\n", ERR_PTR(err));
		goto err_master;
	}
	WRITE_ONCE(sdev->dead, false);
	sluice_time_init(sdev);

	err = sluice_ctrl_init(sdev);
	if (err)
		goto err_master;
	err = sluice_eq_init(sdev);
	if (err)
		goto err_ctrl;
	err = sluice_irq_request(sdev);
	if (err)
		goto err_eq;
	err = sluice_func_query(sdev);
	if (err)
		goto err_irq;
	sluice_stats_replay(sdev);
	core->running = true;
	sluice_func_watch(sdev);
	return 0;

err_irq:
	sluice_irq_release(sdev);
err_eq:
	WRITE_ONCE(sdev->dead, true);
	sluice_func_quiesce(sdev);
	sluice_eq_fini(sdev);
err_ctrl:
	WRITE_ONCE(sdev->dead, true);
	sluice_func_quiesce(sdev);
	sluice_ctrl_fini(sdev);
err_master:
	WRITE_ONCE(sdev->dead, true);
	sluice_func_quiesce(sdev);
	return err;
}

/**
 * sluice_func_stop() - undo sluice_func_start()
 * @sdev: function without netdev rings
 *
 * Process context without RTNL.  Harmless when the function is not started.
 */
void sluice_func_stop(struct sluice_dev *sdev)
{
	if (!sdev->core->running)
		return;
	sdev->core->running = false;
	sluice_func_unwatch(sdev);
	WRITE_ONCE(sdev->dead, true);
	sluice_ctrl_abort(sdev);
	sluice_func_quiesce(sdev);
	sluice_irq_release(sdev);
	sluice_eq_fini(sdev);
	sluice_ctrl_fini(sdev);
}

/**
 * sluice_func_map() - enable the PCI function and map its registers
 * @sdev: function with nothing but @pdev and @is_pf
 * @recover: work that brings a VF back
 *
 * Return: 0 or a negative errno.
 */
int sluice_func_map(struct sluice_dev *sdev, work_func_t recover)
{
	struct pci_dev *pdev = sdev->pdev;
	struct sluice_core *core;
	int err;

	core = kzalloc(sizeof(*core), GFP_KERNEL);
	if (!core)
		return -ENOMEM;
	core->sdev = sdev;
	seqlock_init(&core->clock_lock);
	INIT_DELAYED_WORK(&core->watchdog, sluice_func_watchdog);
	INIT_WORK(&core->recover, recover);
	mutex_init(&sdev->channels_lock);
	sdev->core = core;
	sdev->dead = true;

	err = pci_enable_device_mem(pdev);
	if (err) {
		dev_err(&pdev->dev, "cannot enable the device: %pe\n", ERR_PTR(err));
		goto err_free;
	}
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err) {
		dev_err(&pdev->dev, "no 64-bit DMA: %pe\n", ERR_PTR(err));
		goto err_disable;
	}
	err = pci_request_mem_regions(pdev, SLUICE_DRV_NAME);
	if (err) {
		dev_err(&pdev->dev, "somebody else uses the BARs: %pe\n", ERR_PTR(err));
		goto err_disable;
	}
	if (pci_resource_len(pdev, SLUICE_BAR_REGS) < SLUICE_BAR_REGS_SIZE) {
		dev_err(&pdev->dev, "BAR %d is too small\n", SLUICE_BAR_REGS);
		err = -ENODEV;
		goto err_regions;
	}
	sdev->regs = pci_iomap(pdev, SLUICE_BAR_REGS, SLUICE_BAR_REGS_SIZE);
	if (!sdev->regs) {
		err = -ENOMEM;
		goto err_regions;
	}
	err = sluice_func_identify(sdev);
	if (err)
		goto err_unmap;
	err = sluice_stats_init(sdev);
	if (err)
		goto err_unmap;
	err = sluice_irq_alloc(sdev);
	if (err)
		goto err_stats;
	/* For a reset behind our back, see sluice_vf_recover(). */
	pci_save_state(pdev);
	return 0;

err_stats:
	sluice_stats_fini(sdev);
err_unmap:
	pci_iounmap(pdev, sdev->regs);
err_regions:
	pci_release_mem_regions(pdev);
err_disable:
	pci_disable_device(pdev);
err_free:
	mutex_destroy(&sdev->channels_lock);
	sdev->core = NULL;
	kfree(core);
	return err;
}

/**
 * sluice_func_unmap() - undo sluice_func_map()
 * @sdev: stopped function
 */
void sluice_func_unmap(struct sluice_dev *sdev)
{
	struct pci_dev *pdev = sdev->pdev;

	sluice_irq_free(sdev);
	sluice_stats_fini(sdev);
	pci_iounmap(pdev, sdev->regs);
	pci_release_mem_regions(pdev);
	pci_disable_device(pdev);
	mutex_destroy(&sdev->channels_lock);
	kfree(sdev->core);
	sdev->core = NULL;
}
