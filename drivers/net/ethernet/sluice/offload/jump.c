// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jumps of tc's actions.
 *
 * "jump N" starts the list of actions again behind its first N ones.  Onward
 * that is what the device does: it leaves out some steps.  Back it would be a
 * loop, which tc ends after 32 rounds.
 */
#include "offload.h"

static bool state_same(const struct sluice_state *a,
		       const struct sluice_state *b)
{
	return a->tun == b->tun && a->ptype == b->ptype &&
	       a->unset == b->unset && a->meta == b->meta &&
	       a->mark == b->mark && a->eth == b->eth;
}

/**
 * sluice_jump_add() - a step jumps
 * @off: offload, lock held
 * @extack: for the reason of a refusal
 * @prog: program; the steps that may be left out come next
 * @skip: byte of the step that says how many are
 * @index: number of the action
 * @to: number of the action it jumps to, or %SLUICE_JUMP_END
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int sluice_jump_add(struct sluice_offload *off, struct netlink_ext_ack *extack,
		    struct sluice_program *prog, u8 *skip, u32 index, u32 to)
{
	struct sluice_jump *jump;

	if (to <= index)
		return sluice_reject(off, extack, SLUICE_REJECT_CONTROL,
				     "jump %u goes back", to);
	if (prog->num_jumps == SLUICE_JUMPS_MAX)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "too many jumps");
	jump = &prog->jumps[prog->num_jumps++];
	jump->skip = skip;
	jump->from = prog->num;
	jump->to = to;
	jump->state = prog->state;
	return 0;
}

/**
 * sluice_jumps_to() - does any step jump to an action
 * @prog: program
 * @to: number of the action
 *
 * Return: whether one does.
 */
bool sluice_jumps_to(const struct sluice_program *prog, u32 to)
{
	unsigned int i;

	for (i = 0; i < prog->num_jumps; i++)
		if (prog->jumps[i].to == to)
			return true;
	return false;
}

/**
 * sluice_jumps_land() - the next step is the first of an action
 * @off: offload, lock held
 * @extack: for the reason of a refusal
 * @prog: program
 * @to: number of the action, or %SLUICE_JUMP_END
 * @alone: the action before does not lead there
 *
 * Return: 0, or -EOPNOTSUPP when one cannot say what was done before.
 */
int sluice_jumps_land(struct sluice_offload *off,
		      struct netlink_ext_ack *extack,
		      struct sluice_program *prog, u32 to, bool alone)
{
	unsigned int i;

	for (i = 0; i < prog->num_jumps; i++) {
		struct sluice_jump *jump = &prog->jumps[i];

		if (jump->to != to) {
			/* Those to the end have landed, or it is not there. */
			if (to != SLUICE_JUMP_END || !jump->to)
				continue;
			return sluice_reject(off, extack,
					     SLUICE_REJECT_CONTROL,
					     "jump %u goes behind the last action",
					     jump->to);
		}
		*jump->skip = prog->num - jump->from;
		jump->to = 0;
		if (to == SLUICE_JUMP_END)
			continue;
		if (alone)
			prog->state = jump->state;
		alone = false;
		if (!state_same(&prog->state, &jump->state))
			return sluice_reject(off, extack,
					     SLUICE_REJECT_CONTROL,
					     "jump over tunnel_key, skbedit or vlan pop_eth");
	}
	return 0;
}
