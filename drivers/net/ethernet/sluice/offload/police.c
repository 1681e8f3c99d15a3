// SPDX-License-Identifier: GPL-2.0-only
/*
 * police as steps of a program: a question to a meter, and what packets that
 * conform or exceed do next.
 */
#include "offload.h"

/**
 * enum side - what a packet does behind a meter
 * @SIDE_STEP: what a step says, which ends the program
 * @SIDE_NEXT: the next action
 * @SIDE_JUMP: a later action
 */
enum side {
	SIDE_STEP,
	SIDE_NEXT,
	SIDE_JUMP,
};

/* What becomes of a packet; @to is the chain or action that leads to. */
static int police_side(struct sluice_block *block,
		       const struct flow_cls_common_offload *common,
		       enum flow_action_id what, u32 to, u32 index,
		       struct sluice_program *prog, struct sluice_action *step)
{
	bool skip_sw = sluice_compat_skip_sw(common);
	struct netlink_ext_ack *extack = common->extack;
	struct sluice_offload *off = block->off;
	bool meta = prog->state.meta;

	memset(step, 0, sizeof(*step));
	switch (what) {
	case FLOW_ACTION_PIPE:
		return SIDE_NEXT;
	case FLOW_ACTION_JUMP:
		return to == index + 1 ? SIDE_NEXT : SIDE_JUMP;
	case FLOW_ACTION_DROP:
		step->op = SLUICE_ACT_DROP;
		step->flags = SLUICE_DROP_F_METER;
		return SIDE_STEP;
	case FLOW_ACTION_GOTO:
		return sluice_program_goto(block, extack, prog, to, step) ?:
		       SIDE_STEP;
	case FLOW_ACTION_CONTINUE:
		if (meta)
			return sluice_reject(off, extack, SLUICE_REJECT_HOST,
					     "police with continue behind skbedit");
		step->op = SLUICE_ACT_CONTINUE;
		if (skip_sw)
			step->flags = SLUICE_CONTINUE_F_CPU;
		return SIDE_STEP;
	case FLOW_ACTION_ACCEPT:
		if (!skip_sw || meta)
			return sluice_reject(off, extack, SLUICE_REJECT_HOST,
					     "police with ok %s",
					     meta ? "behind skbedit" :
						    "needs skip_sw");
		step->op = SLUICE_ACT_TO_CPU;
		return SIDE_STEP;
	default:
		return sluice_reject(off, extack, SLUICE_REJECT_CONTROL,
				     "police with action %u", what);
	}
}

static int police_meter(struct sluice_offload *off,
			const struct flow_action_entry *entry,
			struct netlink_ext_ack *extack,
			struct sluice_meter **meter)
{
	*meter = sluice_meter_get(off, entry);
	if (!IS_ERR(*meter))
		return 0;
	if (PTR_ERR(*meter) == -ENOSPC)
		return sluice_reject(off, extack, SLUICE_REJECT_FULL,
				     "all %u meters are in use",
				     off->sdev->limits.max_meters);
	if (PTR_ERR(*meter) == -EOPNOTSUPP)
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "police with avrate is not supported");
	return PTR_ERR(*meter);
}

/**
 * sluice_police_parse() - translate a police action
 * @block: block of the filter; offload lock held
 * @common: tc's call
 * @entry: the action
 * @index: its number
 * @prog: program to append to
 * @ends: set when no packet goes on to the next action
 *
 * Return: 0, -EOPNOTSUPP, -ENOMEM or -EIO.
 */
int sluice_police_parse(struct sluice_block *block,
			const struct flow_cls_common_offload *common,
			const struct flow_action_entry *entry, u32 index,
			struct sluice_program *prog, bool *ends)
{
	struct netlink_ext_ack *extack = common->extack;
	struct sluice_offload *off = block->off;
	struct sluice_action exceed, conform, *act;
	struct sluice_meter *meter;
	int exceeds, conforms, err;
	unsigned int num;

	exceeds = police_side(block, common, entry->police.exceed.act_id,
			      entry->police.exceed.extval, index, prog,
			      &exceed);
	if (exceeds < 0)
		return exceeds;
	conforms = police_side(block, common, entry->police.notexceed.act_id,
			       entry->police.notexceed.extval, index, prog,
			       &conform);
	if (conforms < 0)
		return conforms;
	if (prog->num + 3 >= SLUICE_PROGRAM_MAX)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "too many steps");
	err = police_meter(off, entry, extack, &meter);
	if (err)
		return err;
	if (!sluice_meter_counts_conform(meter) &&
	    conform.op == SLUICE_ACT_DROP)
		conform.flags = 0;
	act = sluice_program_step(prog, SLUICE_ACT_POLICE);
	act->a = cpu_to_le32(meter->id);
	/* Both sides' steps follow, that of those which exceed first. */
	num = (exceeds == SIDE_STEP) + (conforms == SIDE_STEP);
	act->c[0] = exceeds == SIDE_STEP ? 0 : num;
	act->b[0] = conforms == SIDE_STEP ? num - 1 : num;
	if (exceeds == SIDE_JUMP)
		err = sluice_jump_add(off, extack, prog, &act->c[0], index,
				      entry->police.exceed.extval);
	if (!err && conforms == SIDE_JUMP)
		err = sluice_jump_add(off, extack, prog, &act->b[0], index,
				      entry->police.notexceed.extval);
	if (err)
		return err;
	sluice_shared_drop(off, entry->cookie, &exceed);
	sluice_shared_drop(off, entry->cookie, &conform);
	if (exceeds == SIDE_STEP)
		*sluice_program_step(prog, 0) = exceed;
	if (conforms == SIDE_STEP)
		*sluice_program_step(prog, 0) = conform;
	*ends = exceeds != SIDE_NEXT && conforms != SIDE_NEXT;
	return 0;
}
