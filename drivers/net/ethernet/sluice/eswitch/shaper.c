// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shapers of the device: limits on what VFs transmit, alone and in groups.
 *
 * Those of devlink rate are kept here, so that they can be given to the device
 * again after a reset.  Those of legacy mode belong to the policy of VFs.
 */
#include <linux/math64.h>

#include "eswitch.h"

/* What a shaper may send at once after a pause: 50 ms, or a few frames. */
#define SHAPER_BURST_DIV	20
#define SHAPER_BURST_MIN	10000

static void shaper_cmd(struct sluice_cmd_shaper *cmd, u16 id, u16 parent,
		       u64 rate)
{
	u64 burst = div_u64(rate, SHAPER_BURST_DIV);

	memset(cmd, 0, sizeof(*cmd));
	sluice_cmd_init(&cmd->hdr, SLUICE_CMD_SHAPER_SET, sizeof(*cmd));
	cmd->id = cpu_to_le16(id);
	cmd->parent = cpu_to_le16(parent);
	cmd->rate = cpu_to_le64(rate);
	cmd->burst = cpu_to_le32(clamp_t(u64, burst, SHAPER_BURST_MIN,
					 U32_MAX));
}

/**
 * sluice_shaper_set() - make a shaper or change all of it
 * @sdev: PF
 * @id: vport of a VF, or SLUICE_SHAPER_GROUP()
 * @parent: group it is in, 0 for none
 * @rate: bytes per second, 0 for no limit
 *
 * Context: process; waits for the device.  Return: 0, -EINVAL for groups too
 * deep in groups, or -EIO and the like when the device does not answer.
 */
int sluice_shaper_set(struct sluice_dev *sdev, u16 id, u16 parent, u64 rate)
{
	struct sluice_cmd_shaper cmd;

	shaper_cmd(&cmd, id, parent, rate);
	return sluice_cmd_exec(sdev, &cmd.hdr);
}

/**
 * sluice_shaper_post() - the same without waiting
 * @sdev: PF
 * @id: vport of a VF, or SLUICE_SHAPER_GROUP()
 * @parent: group it is in, 0 for none
 * @rate: bytes per second, 0 for no limit
 *
 * Context: process.  Return: 0 or -EIO.
 */
int sluice_shaper_post(struct sluice_dev *sdev, u16 id, u16 parent, u64 rate)
{
	struct sluice_cmd_shaper cmd;

	shaper_cmd(&cmd, id, parent, rate);
	return sluice_cmd_post(sdev, &cmd.hdr);
}

/**
 * sluice_shaper_del() - a shaper goes
 * @sdev: PF; may be dead
 * @id: its id, no parent of another
 *
 * Does not wait.  Context: process.
 */
void sluice_shaper_del(struct sluice_dev *sdev, u16 id)
{
	struct sluice_cmd_u32 cmd = { .value = cpu_to_le32(id) };

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_SHAPER_DEL, sizeof(cmd));
	sluice_cmd_post(sdev, &cmd.hdr);
}

/**
 * sluice_shapers_replay() - give those of devlink rate to the device again
 * @esw: eSwitch whose device was reset and is in switchdev mode
 *
 * Groups first, without the groups they are in: those may come later.
 * Does not wait.  Context: devlink instance lock.
 */
void sluice_shapers_replay(struct sluice_eswitch *esw)
{
	const struct sluice_shaper *s;
	unsigned int id;

	for (id = SLUICE_SHAPER_GROUP(0); id < SLUICE_NUM_SHAPERS; id++) {
		s = &esw->shapers[id];
		if (s->used)
			sluice_shaper_post(esw->sdev, id, 0, s->rate);
	}
	for (id = 0; id < SLUICE_NUM_SHAPERS; id++) {
		s = &esw->shapers[id];
		if (s->used && (s->parent || id < SLUICE_SHAPER_GROUP(0)))
			sluice_shaper_post(esw->sdev, id, s->parent, s->rate);
	}
}
