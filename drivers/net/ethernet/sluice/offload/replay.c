// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc rules across a reset of the device.
 *
 * While the device rests, rules come and go in the driver's books only.  Then
 * all of them are written into the empty device, before packets flow again.
 * Connections come again from their flow table.
 */
#include "../tunnel/tunnel.h"
#include "ct.h"
#include "offload.h"

/**
 * sluice_offload_pause() - the device is about to be reset
 * @sdev: PF; harmless outside of switchdev mode
 *
 * Context: process, devlink instance lock.
 */
void sluice_offload_pause(struct sluice_dev *sdev)
{
	struct sluice_offload *off = sluice_esw_offload(sdev);

	if (!off)
		return;
	sluice_ct_pause(off);
	mutex_lock(&off->lock);
	off->paused = true;
	mutex_unlock(&off->lock);
}

static void replay_masks(struct sluice_offload *off)
{
	struct rhashtable_iter iter;
	struct sluice_mask *mask;

	rhashtable_walk_enter(&off->masks, &iter);
	do {
		/* The lock keeps masks in place, the table may be resized. */
		rhashtable_walk_start(&iter);
		mask = rhashtable_walk_next(&iter);
		rhashtable_walk_stop(&iter);
		if (!IS_ERR_OR_NULL(mask) && mask->replay != off->replays) {
			mask->replay = off->replays;
			sluice_mask_post(off, mask);
		}
	} while (mask);
	rhashtable_walk_exit(&iter);
}

/* What the device counted before the reset is owed to tc. */
static void replay_counter(struct sluice_rule *rule)
{
	const struct sluice_counter *slot = rule->slot;
	u64 packets, bytes, last_use;

	if (!slot)
		return;
	spin_lock(&rule->stats_lock);
	if (sluice_counter_read(slot, &packets, &bytes, &last_use)) {
		if (packets > rule->packets)
			rule->owed_packets += packets - rule->packets;
		if (bytes > rule->bytes)
			rule->owed_bytes += bytes - rule->bytes;
	}
	rule->packets = 0;
	rule->bytes = 0;
	rule->dropped = 0;
	memset((void *)slot, 0, sizeof(*slot));
	spin_unlock(&rule->stats_lock);
}

static void replay_block(struct sluice_block *block)
{
	struct sluice_rule *rule;
	struct sluice_port *port;

	list_for_each_entry(rule, &block->rules, list) {
		if (!(rule->flags & SLUICE_RULE_PLACED))
			continue;
		replay_counter(rule);
		sluice_rule_post(rule);
	}
	/* Last, so that no packet sees half of the rules. */
	list_for_each_entry(port, &block->ports, node)
		port->root = SLUICE_ID_NONE;
	sluice_block_roots(block);
}

/**
 * sluice_offload_replay() - write all rules into a device that was reset
 * @sdev: PF whose device is in switchdev mode again; harmless in legacy mode
 *
 * Context: process, devlink instance lock.
 */
void sluice_offload_replay(struct sluice_dev *sdev)
{
	struct sluice_offload *off = sluice_esw_offload(sdev);
	struct sluice_block *block;

	if (!off)
		return;
	mutex_lock(&off->lock);
	off->paused = false;
	off->replays++;
	sluice_counters_replay(off);
	sluice_ranges_replay(off);
	sluice_meters_replay(off);
	sluice_shared_replay(off);
	replay_masks(off);
	if (off->tunnels)
		sluice_tunnels_replay(off->tunnels);
	list_for_each_entry(block, &off->blocks, node)
		replay_block(block);
	if (off->tunnels)
		sluice_endpoints_replay(off->tunnels);
	sluice_ct_resume(off);
	mutex_unlock(&off->lock);
}

/**
 * sluice_offload_vport_replay() - egress filters of a vport, after a reset
 * @vport: vport with a representor
 *
 * Context: process, devlink instance lock; before sluice_offload_replay().
 */
void sluice_offload_vport_replay(struct sluice_vport *vport)
{
	struct sluice_cmd_vport cmd = {
		.fields = cpu_to_le32(SLUICE_VPORT_F_EGRESS),
		.egress_punt = 1,
	};

	if (!atomic_read(&vport->egress_filters))
		return;
	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_VPORT_SET, sizeof(cmd));
	cmd.hdr.vport = cpu_to_le16(vport->num);
	sluice_cmd_post(vport->sdev, &cmd.hdr);
}
