// SPDX-License-Identifier: GPL-2.0-only
/*
 * Health reporters: "fw" for the device and the PF, "vf" for VFs.
 *
 * Faults come from any context; a work item hands them to devlink, which takes
 * the instance lock to dump and to recover.  The PF recovers by going down and
 * up again, which resets it; a VF is reset by its own driver, and its reporter
 * is healthy again as soon as no VF is in error.
 */
#include <linux/bitmap.h>

#include "devlink.h"

/* A second fault this soon after a recovery is left to the user. */
#define SLUICE_HEALTH_GRACE_MS	3000

static const char *const error_names[] = {
	[SLUICE_ERR_NONE]	= "none",
	[SLUICE_ERR_REG]	= "register value",
	[SLUICE_ERR_CTRL_INDEX]	= "control ring index",
	[SLUICE_ERR_CTRL_DESC]	= "malformed command",
	[SLUICE_ERR_CTRL_CQ]	= "control completion index",
	[SLUICE_ERR_EQ]		= "event queue index",
	[SLUICE_ERR_TX_INDEX]	= "transmit index",
	[SLUICE_ERR_TX_DESC]	= "malformed transmit descriptor",
	[SLUICE_ERR_RX_INDEX]	= "receive index",
	[SLUICE_ERR_RX_DESC]	= "malformed receive descriptor",
	[SLUICE_ERR_CQ_INDEX]	= "completion index",
	[SLUICE_ERR_DMA]	= "DMA",
	[SLUICE_ERR_EQ_OVERFLOW] = "event queue overflow",
	[SLUICE_ERR_INJECTED]	= "injected",
};

static const char *error_name(u32 error)
{
	if (error < ARRAY_SIZE(error_names) && error_names[error])
		return error_names[error];
	return "unknown";
}

static void health_put_fault(struct devlink_fmsg *fmsg,
			     const struct sluice_fault *fault)
{
	if (fault->vf >= 0)
		devlink_fmsg_u32_pair_put(fmsg, "vf", fault->vf);
	devlink_fmsg_string_pair_put(fmsg, "what", fault->what);
	devlink_fmsg_u32_pair_put(fmsg, "error", fault->error);
	devlink_fmsg_string_pair_put(fmsg, "error_name",
				     error_name(fault->error));
	devlink_fmsg_u32_pair_put(fmsg, "error_info", fault->info);
}

static void health_put_regs(struct devlink_fmsg *fmsg,
			    struct sluice_dev *sdev)
{
	static const struct {
		const char *name;
		u32 reg;
	} regs[] = {
		{ "magic", SLUICE_REG_MAGIC },
		{ "version", SLUICE_REG_VERSION },
		{ "func", SLUICE_REG_FUNC },
		{ "status", SLUICE_REG_STATUS },
		{ "error", SLUICE_REG_ERROR },
		{ "error_info", SLUICE_REG_ERROR_INFO },
		{ "ctrl_sq_head", SLUICE_REG_CTRL_SQ_HEAD },
		{ "ctrl_enable", SLUICE_REG_CTRL_ENABLE },
		{ "eq_enable", SLUICE_REG_EQ_ENABLE },
	};
	unsigned int i;

	devlink_fmsg_pair_nest_start(fmsg, "registers");
	devlink_fmsg_obj_nest_start(fmsg);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		devlink_fmsg_u32_pair_put(fmsg, regs[i].name,
					  sluice_read(sdev, regs[i].reg));
	devlink_fmsg_obj_nest_end(fmsg);
	devlink_fmsg_pair_nest_end(fmsg);
}

static void health_put_esw(struct devlink_fmsg *fmsg, struct sluice_dev *sdev)
{
	struct sluice_esw_info info;
	unsigned int i;

	if (sluice_cmd_query(sdev, SLUICE_CMD_ESW_QUERY, 0, &info,
			     sizeof(info)))
		return;
	devlink_fmsg_pair_nest_start(fmsg, "eswitch");
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "mode", le32_to_cpu(info.mode));
	devlink_fmsg_u32_pair_put(fmsg, "rules", le32_to_cpu(info.rules));
	devlink_fmsg_u32_pair_put(fmsg, "masks", le32_to_cpu(info.masks));
	devlink_fmsg_u32_pair_put(fmsg, "tables", le32_to_cpu(info.tables));
	devlink_fmsg_u32_pair_put(fmsg, "counters",
				  le32_to_cpu(info.counters));
	devlink_fmsg_u64_pair_put(fmsg, "lookups", le64_to_cpu(info.lookups));
	devlink_fmsg_u64_pair_put(fmsg, "hits", le64_to_cpu(info.hits));
	devlink_fmsg_arr_pair_nest_start(fmsg, "misses");
	for (i = 0; i < ARRAY_SIZE(info.misses); i++) {
		devlink_fmsg_obj_nest_start(fmsg);
		devlink_fmsg_u32_pair_put(fmsg, "reason", i);
		devlink_fmsg_u64_pair_put(fmsg, "frames",
					  le64_to_cpu(info.misses[i]));
		devlink_fmsg_obj_nest_end(fmsg);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
	devlink_fmsg_obj_nest_end(fmsg);
	devlink_fmsg_pair_nest_end(fmsg);
}

static int fw_diagnose(struct devlink_health_reporter *reporter,
		       struct devlink_fmsg *fmsg,
		       struct netlink_ext_ack *extack)
{
	struct sluice_devlink *dl = devlink_health_reporter_priv(reporter);
	struct sluice_dev *sdev = &dl->sdev;
	u32 error = sluice_read(sdev, SLUICE_REG_ERROR);

	devlink_fmsg_bool_pair_put(fmsg, "dead", READ_ONCE(sdev->dead));
	devlink_fmsg_u32_pair_put(fmsg, "status",
				  sluice_read(sdev, SLUICE_REG_STATUS));
	devlink_fmsg_u32_pair_put(fmsg, "error", error);
	devlink_fmsg_string_pair_put(fmsg, "error_name", error_name(error));
	devlink_fmsg_string_pair_put(fmsg, "mode",
				     sluice_esw_is_switchdev(sdev) ?
				     "switchdev" : "legacy");
	return 0;
}

static int fw_dump(struct devlink_health_reporter *reporter,
		   struct devlink_fmsg *fmsg, void *ctx,
		   struct netlink_ext_ack *extack)
{
	struct sluice_devlink *dl = devlink_health_reporter_priv(reporter);

	if (ctx)
		health_put_fault(fmsg, ctx);
	health_put_regs(fmsg, &dl->sdev);
	health_put_esw(fmsg, &dl->sdev);
	return 0;
}

static int fw_recover(struct devlink_health_reporter *reporter, void *ctx,
		      struct netlink_ext_ack *extack)
{
	struct sluice_devlink *dl = devlink_health_reporter_priv(reporter);
	struct sluice_dev *sdev = &dl->sdev;
	int err;

	if (!pci_device_is_present(sdev->pdev)) {
		NL_SET_ERR_MSG_MOD(extack, "device is gone");
		return -ENODEV;
	}
	sluice_pf_suspend(sdev);
	err = sluice_pf_resume(sdev);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "device does not come up");
		return err;
	}
	pci_info(sdev->pdev, "recovered\n");
	return 0;
}

static int fw_test(struct devlink_health_reporter *reporter,
		   struct netlink_ext_ack *extack)
{
	struct sluice_devlink *dl = devlink_health_reporter_priv(reporter);

	sluice_health_report(&dl->sdev, "test", SLUICE_ERR_INJECTED, 0);
	return 0;
}

static const struct devlink_health_reporter_ops fw_ops = {
	.name		= "fw",
	.recover	= fw_recover,
	.dump		= fw_dump,
	.diagnose	= fw_diagnose,
	.test		= fw_test,
	SLUICE_COMPAT_HEALTH_GRACE(SLUICE_HEALTH_GRACE_MS)
};

static int vf_dump(struct devlink_health_reporter *reporter,
		   struct devlink_fmsg *fmsg, void *ctx,
		   struct netlink_ext_ack *extack)
{
	if (ctx)
		health_put_fault(fmsg, ctx);
	return 0;
}

static int vf_diagnose(struct devlink_health_reporter *reporter,
		       struct devlink_fmsg *fmsg,
		       struct netlink_ext_ack *extack)
{
	struct sluice_devlink *dl = devlink_health_reporter_priv(reporter);
	struct sluice_fault fault;
	unsigned int vf;
	bool failed;

	devlink_fmsg_arr_pair_nest_start(fmsg, "failed");
	for (vf = 0; vf < SLUICE_MAX_VFS; vf++) {
		spin_lock_irq(&dl->lock);
		failed = test_bit(vf, dl->vf_failed);
		fault = dl->vf_fault[vf];
		spin_unlock_irq(&dl->lock);
		if (!failed)
			continue;
		devlink_fmsg_obj_nest_start(fmsg);
		health_put_fault(fmsg, &fault);
		devlink_fmsg_obj_nest_end(fmsg);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
	return 0;
}

static const struct devlink_health_reporter_ops vf_ops = {
	.name		= "vf",
	.dump		= vf_dump,
	.diagnose	= vf_diagnose,
};

static void health_report_vfs(struct sluice_devlink *dl)
{
	struct sluice_fault fault;
	char msg[64];
	unsigned int vf;
	bool pending;

	for (vf = 0; vf < SLUICE_MAX_VFS; vf++) {
		spin_lock_irq(&dl->lock);
		pending = __test_and_clear_bit(vf, dl->vf_pending);
		fault = dl->vf_fault[vf];
		spin_unlock_irq(&dl->lock);
		if (!pending)
			continue;
		snprintf(msg, sizeof(msg), "VF %u: %s", vf,
			 error_name(fault.error));
		devlink_health_report(dl->vf, msg, &fault);
	}
}

static void health_work(struct work_struct *work)
{
	struct sluice_devlink *dl = container_of(work, struct sluice_devlink,
						 work);
	struct sluice_fault fault;
	bool pending, healthy;
	char msg[64];

	health_report_vfs(dl);

	spin_lock_irq(&dl->lock);
	healthy = dl->vf_recovered &&
		  bitmap_empty(dl->vf_failed, SLUICE_MAX_VFS);
	dl->vf_recovered = false;
	pending = dl->fault_pending;
	dl->fault_pending = false;
	fault = dl->fault;
	spin_unlock_irq(&dl->lock);

	if (healthy)
		devlink_health_reporter_state_update(dl->vf,
						     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
	if (pending) {
		snprintf(msg, sizeof(msg), "%s: %s", fault.what,
			 error_name(fault.error));
		devlink_health_report(dl->fw, msg, &fault);
	}
}

/**
 * sluice_health_report - report a fault of the device or the PF
 * @sdev: PF
 * @what: what went wrong, a string constant
 * @error: enum sluice_error
 * @info: belongs to @error
 *
 * Faults that come while one waits to be reported are its consequences and
 * are left out.  Context: any.
 */
void sluice_health_report(struct sluice_dev *sdev, const char *what,
			  u32 error, u32 info)
{
	struct sluice_devlink *dl;
	unsigned long flags;

	if (!sdev->devlink) {
		pci_err(sdev->pdev, "%s: %s (%u), info %#x\n", what,
			error_name(error), error, info);
		return;
	}
	dl = sluice_to_devlink(sdev);
	spin_lock_irqsave(&dl->lock, flags);
	if (!dl->fault_pending) {
		pci_err(sdev->pdev, "%s: %s (%u), info %#x\n", what,
			error_name(error), error, info);
		if (dl->enabled) {
			dl->fault = (struct sluice_fault){
				.what = what,
				.error = error,
				.info = info,
				.vf = -1,
			};
			dl->fault_pending = true;
			schedule_work(&dl->work);
		}
	}
	spin_unlock_irqrestore(&dl->lock, flags);
}

/**
 * sluice_health_vf_error - a VF entered the error state
 * @sdev: PF
 * @vf: VF number, below SLUICE_MAX_VFS
 * @error: enum sluice_error
 * @info: belongs to @error
 *
 * Context: any.
 */
void sluice_health_vf_error(struct sluice_dev *sdev, unsigned int vf,
			    u32 error, u32 info)
{
	struct sluice_devlink *dl = sluice_to_devlink(sdev);
	unsigned long flags;

	pci_warn(sdev->pdev, "VF %u stopped: %s (%u), info %#x\n", vf,
		 error_name(error), error, info);
	spin_lock_irqsave(&dl->lock, flags);
	dl->vf_fault[vf] = (struct sluice_fault){
		.what = "VF stopped",
		.error = error,
		.info = info,
		.vf = vf,
	};
	__set_bit(vf, dl->vf_failed);
	if (dl->enabled) {
		__set_bit(vf, dl->vf_pending);
		schedule_work(&dl->work);
	}
	spin_unlock_irqrestore(&dl->lock, flags);
}

/**
 * sluice_health_vf_ok - a VF works
 * @sdev: PF
 * @vf: VF number, below SLUICE_MAX_VFS
 *
 * Context: any.
 */
void sluice_health_vf_ok(struct sluice_dev *sdev, unsigned int vf)
{
	struct sluice_devlink *dl = sluice_to_devlink(sdev);
	unsigned long flags;

	spin_lock_irqsave(&dl->lock, flags);
	if (__test_and_clear_bit(vf, dl->vf_failed)) {
		dl->vf_recovered = true;
		if (dl->enabled)
			schedule_work(&dl->work);
	}
	spin_unlock_irqrestore(&dl->lock, flags);
}

/**
 * sluice_health_alloc - prepare for faults
 * @dl: devlink instance
 */
void sluice_health_alloc(struct sluice_devlink *dl)
{
	spin_lock_init(&dl->lock);
	INIT_WORK(&dl->work, health_work);
}

/**
 * sluice_health_register - create the reporters and take faults
 * @dl: devlink instance
 *
 * Context: devlink instance lock.  Return: 0 or a negative errno.
 */
int sluice_health_register(struct sluice_devlink *dl)
{
	struct devlink_health_reporter *reporter;

	reporter = sluice_compat_health_create(dl->sdev.devlink, &fw_ops,
					       SLUICE_HEALTH_GRACE_MS, dl);
	if (IS_ERR(reporter))
		return PTR_ERR(reporter);
	dl->fw = reporter;
	reporter = sluice_compat_health_create(dl->sdev.devlink, &vf_ops, 0,
					       dl);
	if (IS_ERR(reporter)) {
		devl_health_reporter_destroy(dl->fw);
		return PTR_ERR(reporter);
	}
	dl->vf = reporter;

	spin_lock_irq(&dl->lock);
	dl->enabled = true;
	spin_unlock_irq(&dl->lock);
	return 0;
}

/**
 * sluice_health_stop - take no more faults and wait for those in work
 * @dl: devlink instance
 *
 * Context: process, devlink instance lock not held.
 */
void sluice_health_stop(struct sluice_devlink *dl)
{
	spin_lock_irq(&dl->lock);
	dl->enabled = false;
	spin_unlock_irq(&dl->lock);
	cancel_work_sync(&dl->work);
}

/**
 * sluice_health_unregister - destroy the reporters
 * @dl: devlink instance after sluice_health_stop()
 *
 * Context: devlink instance lock.
 */
void sluice_health_unregister(struct sluice_devlink *dl)
{
	devl_health_reporter_destroy(dl->vf);
	devl_health_reporter_destroy(dl->fw);
}
