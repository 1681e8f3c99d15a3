// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the offload layer, and what the rest of the driver calls.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "../tunnel/tunnel.h"
#include "ct.h"
#include "offload.h"

/**
 * sluice_offload_post() - post a command while there is switchdev mode
 * @off: offload, lock held
 * @cmd: command
 *
 * Return: 0 or -EIO.  Nothing is posted once switchdev mode is left: that
 * removed everything from the device; nor around a reset: all is replayed.
 */
int sluice_offload_post(struct sluice_offload *off, struct sluice_cmd_hdr *cmd)
{
	if (off->dead || off->paused)
		return 0;
	return off->quiet ? sluice_cmd_queue(off->sdev, cmd) :
			    sluice_cmd_post(off->sdev, cmd);
}

/**
 * sluice_offload_post_u32() - likewise, for a command with one number
 * @off: offload, lock held
 * @opcode: enum sluice_opcode
 * @value: the number
 *
 * Return: 0 or -EIO.
 */
int sluice_offload_post_u32(struct sluice_offload *off, u8 opcode, u32 value)
{
	struct sluice_cmd_u32 cmd = { .value = cpu_to_le32(value) };

	sluice_cmd_init(&cmd.hdr, opcode, sizeof(cmd));
	return sluice_offload_post(off, &cmd.hdr);
}

/*
 * tc has replayed every block bound so far, or does not hold RTNL.  tc takes
 * that before it waits for us, so we only try.
 */
static void offload_root_work(struct work_struct *work)
{
	struct sluice_offload *off = container_of(to_delayed_work(work),
						  struct sluice_offload,
						  root_work);
	struct sluice_block *block;

	if (!rtnl_trylock()) {
		schedule_delayed_work(&off->root_work, 1);
		return;
	}
	/* Uplinks offer tc offload from then on. */
	if (!sluice_esw_is_switchdev(off->sdev)) {
		rtnl_unlock();
		schedule_delayed_work(&off->root_work, 1);
		return;
	}
	sluice_indr_replay(off);
	mutex_lock(&off->lock);
	list_for_each_entry(block, &off->blocks, node) {
		/* One that came after the replay has its own turn. */
		if (block->replay)
			continue;
		block->live = true;
		sluice_block_roots(block);
	}
	mutex_unlock(&off->lock);
	rtnl_unlock();
}

static void offload_free(struct sluice_offload *off)
{
	sluice_rules_free(off);
	sluice_tunnels_fini(off);
	sluice_ct_fini(off);
	sluice_counters_fini(off);
	xa_destroy(&off->hosts);
	sluice_meters_fini(off);
	sluice_shared_fini(off);
	sluice_samples_fini(off);
	ida_destroy(&off->table_ids);
	ida_destroy(&off->mask_ids);
	sluice_ids_fini(&off->rule_ids);
	rhashtable_destroy(&off->masks);
	rhashtable_destroy(&off->rules);
	mutex_destroy(&off->lock);
	kfree(off->spec);
	kfree(off);
}

static void offload_release(struct kref *ref)
{
	offload_free(container_of(ref, struct sluice_offload, ref));
}

/**
 * sluice_offload_put() - give a reference back
 * @off: offload; its lock not held
 */
void sluice_offload_put(struct sluice_offload *off)
{
	kref_put(&off->ref, offload_release);
}

/**
 * sluice_offload_init() - start taking tc rules
 * @sdev: PF whose device is in switchdev mode
 *
 * Context: process, devlink instance lock.
 *
 * Return: 0, -ENOMEM, or -EINVAL when the device has no room for rules.
 */
int sluice_offload_init(struct sluice_dev *sdev)
{
	const struct sluice_limits *limits = &sdev->limits;
	struct sluice_offload *off;
	int err;

	if (!limits->max_rules || !limits->max_masks || !limits->max_tables ||
	    !limits->max_actions) {
		pci_err(sdev->pdev, "device has no rule tables\n");
		return -EINVAL;
	}
	off = kzalloc(sizeof(*off), GFP_KERNEL);
	if (!off)
		return -ENOMEM;
	off->spec = kmalloc(sizeof(*off->spec), GFP_KERNEL);
	if (!off->spec) {
		kfree(off);
		return -ENOMEM;
	}
	off->sdev = sdev;
	kref_init(&off->ref);
	mutex_init(&off->lock);
	INIT_LIST_HEAD(&off->blocks);
	INIT_LIST_HEAD(&off->indev);
	INIT_LIST_HEAD(&off->gone);
	ida_init(&off->mask_ids);
	ida_init(&off->table_ids);
	xa_init_flags(&off->meters, XA_FLAGS_ALLOC);
	hash_init(off->policers);
	hash_init(off->shared);
	xa_init(&off->shared_ids);
	xa_init(&off->hosts);
	xa_init_flags(&off->samples, XA_FLAGS_ALLOC);
	INIT_DELAYED_WORK(&off->root_work, offload_root_work);
	err = sluice_ids_init(&off->rule_ids, limits->max_rules);
	if (err)
		goto err_free;
	off->rule_reserve = min_t(u32, SLUICE_RULE_RESERVE,
				  off->rule_ids.max / 16);
	err = rhashtable_init(&off->rules, &sluice_rule_params);
	if (err)
		goto err_ids;
	err = rhashtable_init(&off->masks, &sluice_mask_params);
	if (err)
		goto err_rules;
	err = sluice_counters_init(off);
	if (err)
		goto err_masks;
	err = sluice_ct_init(off);
	if (err)
		goto err_counters;
	err = sluice_tunnels_init(off);
	if (err)
		goto err_ct;
	err = sluice_tunnels_start(off);
	if (err)
		goto err_tunnels;
	sluice_offload_debugfs_add(off);
	sluice_esw_set_offload(sdev, off);
	return 0;

err_tunnels:
	cancel_delayed_work_sync(&off->root_work);
	sluice_tunnels_fini(off);
err_ct:
	sluice_ct_fini(off);
err_counters:
	sluice_counters_stop(off);
	sluice_counters_fini(off);
err_masks:
	rhashtable_destroy(&off->masks);
err_rules:
	rhashtable_destroy(&off->rules);
err_ids:
	sluice_ids_fini(&off->rule_ids);
err_free:
	mutex_destroy(&off->lock);
	kfree(off->spec);
	kfree(off);
	return err;
}

/**
 * sluice_offload_fini() - stop taking tc rules
 * @sdev: PF; representors are gone, uplinks may still have blocks.  Leaving
 *	switchdev mode, which the caller does next, empties the device
 *
 * Context: process, devlink instance lock, no RTNL.
 */
void sluice_offload_fini(struct sluice_dev *sdev)
{
	struct sluice_offload *off = sluice_esw_offload(sdev);
	struct sluice_block *block;

	if (!off)
		return;
	sluice_offload_debugfs_remove(off);
	sluice_tunnels_stop(off);
	sluice_ct_stop(off);
	/* Whoever binds a block holds RTNL. */
	rtnl_lock();
	sluice_esw_set_offload(sdev, NULL);
	mutex_lock(&off->lock);
	off->dead = true;
	list_for_each_entry(block, &off->blocks, node)
		sluice_block_detach(block);
	mutex_unlock(&off->lock);
	rtnl_unlock();
	cancel_delayed_work_sync(&off->root_work);
	/* Whoever reads statistics is in RCU. */
	synchronize_rcu();
	sluice_counters_stop(off);
	sluice_offload_put(off);
}

/**
 * sluice_offload_setup_tc() - ndo_setup_tc of representors and uplinks
 * @vport: vport of the netdev
 * @type: what is asked for
 * @type_data: argument
 *
 * Context: RTNL (%TC_SETUP_FT: nftables' lock instead), in any mode: a block that
 * was bound in switchdev mode may be unbound later.
 *
 * Return: 0, -EOPNOTSUPP for what only software does, or -ENOMEM.
 */
int sluice_offload_setup_tc(struct sluice_vport *vport,
			    enum tc_setup_type type, void *type_data)
{
	struct flow_block_offload *bo = type_data;
	bool bind;

	if (type != TC_SETUP_BLOCK && type != TC_SETUP_FT)
		return -EOPNOTSUPP;
	bo->unlocked_driver_cb = true;
	bind = bo->command == FLOW_BLOCK_BIND;
	if (type == TC_SETUP_FT)
		return bind ? sluice_ft_bind(vport, bo) :
			      sluice_ft_unbind(vport, bo);
	switch (bo->binder_type) {
	case FLOW_BLOCK_BINDER_TYPE_CLSACT_INGRESS:
		return bind ? sluice_block_bind(vport, bo) :
			      sluice_block_unbind(vport, bo);
	case FLOW_BLOCK_BINDER_TYPE_CLSACT_EGRESS:
		return bind ? sluice_egress_bind(vport, bo) :
			      sluice_egress_unbind(vport, bo);
	default:
		return -EOPNOTSUPP;
	}
}

/**
 * sluice_offload_vport_gone() - a representor is about to be unregistered
 * @vport: its vport
 *
 * Rules that output to it become punts.  Rules that match on packets that
 * came in by it leave the device: no packet does any more.
 *
 * Context: process.
 */
void sluice_offload_vport_gone(struct sluice_vport *vport)
{
	struct sluice_offload *off = sluice_esw_offload(vport->sdev);
	struct sluice_rule *rule, *next;
	struct sluice_out *out;

	if (!off)
		return;
	mutex_lock(&off->lock);
	vport->gone = true;
	/* A rule that outputs twice is in the list twice. */
	while ((out = list_first_entry_or_null(&vport->rules,
					       struct sluice_out, node)))
		sluice_rule_lose_port(out->rule);
	list_for_each_entry_safe(rule, next, &off->indev, indev)
		if (rule->in_vport == vport->num)
			sluice_rule_withdraw(rule);
	if (vport->ft_block)
		sluice_block_port_del(vport->ft_block, vport->num);
	mutex_unlock(&off->lock);
}
