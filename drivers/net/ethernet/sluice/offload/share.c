// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actions that tc was asked to put into hardware by themselves ("tc actions add"),
 * which filters then share by index.
 *
 * What an action does is part of each filter's program; what it has of its own is
 * a counter, which a COUNT step before its steps counts.  So tc's statistics of it
 * are exact whatever filters use it, and whatever is before it.
 */
#include <linux/slab.h>

#include "offload.h"

/**
 * struct sluice_shared - such an action
 * @node: in struct sluice_offload.shared
 * @cookie: tc's name for it
 * @counter: its counter, and its place in struct sluice_offload.shared_ids
 * @slot: the counter's host memory
 * @refs: steps of programs, and tc
 * @tc: the latter
 * @zeroed: a rule has set the counter to zero
 * @packets: packets tc has been told of
 * @bytes: bytes tc has been told of
 * @dropped: packets dropped tc has been told of
 * @owed: counts from before a reset that tc does not know yet
 */
struct sluice_shared {
	struct hlist_node node;
	unsigned long cookie;
	u32 counter;
	const struct sluice_counter *slot;
	unsigned int refs;
	bool tc;
	bool zeroed;
	u64 packets;
	u64 bytes;
	u64 dropped;
	struct flow_stats owed;
};

static struct sluice_shared *shared_find(struct sluice_offload *off,
					 unsigned long cookie)
{
	struct sluice_shared *shared;

	hash_for_each_possible(off->shared, shared, node, cookie)
		if (shared->cookie == cookie)
			return shared;
	return NULL;
}

static struct sluice_shared *shared_new(struct sluice_offload *off,
					unsigned long cookie)
{
	struct sluice_shared *shared = kzalloc(sizeof(*shared), GFP_KERNEL);
	int err;

	if (!shared)
		return ERR_PTR(-ENOMEM);
	err = sluice_counter_get(off, &shared->counter, &shared->slot);
	if (err)
		goto err_free;
	err = xa_insert(&off->shared_ids, shared->counter, shared, GFP_KERNEL);
	if (err)
		goto err_counter;
	shared->cookie = cookie;
	hash_add(off->shared, &shared->node, cookie);
	return shared;

err_counter:
	sluice_counter_put(off, shared->counter);
err_free:
	kfree(shared);
	return ERR_PTR(err);
}

static void shared_put(struct sluice_offload *off, struct sluice_shared *shared)
{
	if (--shared->refs)
		return;
	xa_erase(&off->shared_ids, shared->counter);
	hash_del(&shared->node);
	sluice_counter_put(off, shared->counter);
	kfree(shared);
}

/* What happened since the last time, to be added to @stats. */
static void shared_count(struct sluice_offload *off, struct sluice_shared *shared,
			 struct flow_stats *stats)
{
	u64 packets, bytes, last_use, dropped;
	unsigned long used, now = jiffies;

	if (!sluice_counter_read(shared->slot, &packets, &bytes, &last_use))
		return;
	dropped = le64_to_cpu(READ_ONCE(shared->slot->dropped));
	used = sluice_time_to_jiffies(off->sdev, last_use);
	if (used && time_after(used, now))
		used = now;
	/* A counter that went back is the device's mistake. */
	flow_stats_update(stats,
			  bytes > shared->bytes ? bytes - shared->bytes : 0,
			  packets > shared->packets ?
			  packets - shared->packets : 0,
			  dropped > shared->dropped ?
			  dropped - shared->dropped : 0, used,
			  FLOW_ACTION_HW_STATS_DELAYED);
	shared->packets = packets;
	shared->bytes = bytes;
	shared->dropped = dropped;
}

/**
 * sluice_shared_step() - count packets that come to an action, if tc shares it
 * @off: offload, lock held
 * @cookie: tc's name for the action
 * @prog: program to append to; on release it gives back what it holds
 */
void sluice_shared_step(struct sluice_offload *off, unsigned long cookie,
			struct sluice_program *prog)
{
	struct sluice_shared *shared = shared_find(off, cookie);
	struct sluice_action *act;

	if (!shared || prog->num >= SLUICE_PROGRAM_MAX)
		return;
	act = sluice_program_step(prog, SLUICE_ACT_COUNT);
	act->a = cpu_to_le32(shared->counter);
	if (!shared->zeroed)
		act->flags = SLUICE_COUNT_F_ZERO;
	shared->refs++;
}

/**
 * sluice_shared_drop() - have a shared action count what a DROP step drops
 * @off: offload, lock held
 * @cookie: tc's name for the action, whose COUNT step is before
 * @step: the DROP step
 */
void sluice_shared_drop(struct sluice_offload *off, unsigned long cookie,
			struct sluice_action *step)
{
	struct sluice_shared *shared = shared_find(off, cookie);

	if (!shared || step->op != SLUICE_ACT_DROP ||
	    !(step->flags & SLUICE_DROP_F_METER))
		return;
	step->flags |= SLUICE_DROP_F_COUNTER;
	step->a = cpu_to_le32(shared->counter);
}

/**
 * sluice_shared_hold() - a program has come to count shared actions
 * @off: offload, lock held
 * @act: its steps, about to be written into the device
 * @num: their number
 */
void sluice_shared_hold(struct sluice_offload *off, struct sluice_action *act,
			unsigned int num)
{
	struct sluice_shared *shared;

	for (; num; num--, act++) {
		if (act->op != SLUICE_ACT_COUNT)
			continue;
		shared = xa_load(&off->shared_ids, le32_to_cpu(act->a));
		shared->refs++;
		/* The first rule does that, and only once. */
		if (shared->zeroed)
			act->flags &= ~SLUICE_COUNT_F_ZERO;
		shared->zeroed = true;
	}
}

/**
 * sluice_shared_put() - a program does not count its shared actions any more
 * @off: offload, lock held
 * @act: its steps; if a rule had it, the removal of that is on the ring
 * @num: their number
 */
void sluice_shared_put(struct sluice_offload *off,
		       const struct sluice_action *act, unsigned int num)
{
	for (; num; num--, act++)
		if (act->op == SLUICE_ACT_COUNT)
			shared_put(off, xa_load(&off->shared_ids,
						le32_to_cpu(act->a)));
}

/**
 * sluice_shared_replay() - the device was reset, its counters are zero
 * @off: offload, lock held; rules have not been written again yet
 */
void sluice_shared_replay(struct sluice_offload *off)
{
	struct sluice_shared *shared;
	unsigned long id;

	xa_for_each(&off->shared_ids, id, shared) {
		shared_count(off, shared, &shared->owed);
		shared->packets = 0;
		shared->bytes = 0;
		shared->dropped = 0;
		memset((void *)shared->slot, 0, sizeof(*shared->slot));
	}
}

/**
 * sluice_shared_fini() - forget the actions that tc has not taken back
 * @off: offload, used by nobody else any more
 */
void sluice_shared_fini(struct sluice_offload *off)
{
	struct sluice_shared *shared;
	unsigned long id;

	xa_for_each(&off->shared_ids, id, shared)
		kfree(shared);
	xa_destroy(&off->shared_ids);
}

/* Could the device do such an action in some filter? */
static bool kind_known(const struct flow_offload_action *fl)
{
	const struct flow_action_entry *entry;
	unsigned int i;

	flow_action_for_each(i, entry, &fl->action) {
		if (entry->id >= ARRAY_SIZE(sluice_actions))
			return false;
		/* Software has to see packets before there is a connection. */
		if (entry->id == FLOW_ACTION_CT)
			return false;
		switch (sluice_actions[entry->id].how) {
		case SLUICE_KNOWN_YES:
		case SLUICE_KNOWN_PART:
			break;
		default:
			return false;
		}
	}
	return fl->action.num_entries;
}

static int shared_replace(struct sluice_offload *off,
			  const struct flow_offload_action *fl)
{
	struct sluice_shared *shared = shared_find(off, fl->cookie);

	if (!shared) {
		shared = shared_new(off, fl->cookie);
		if (IS_ERR(shared))
			return PTR_ERR(shared);
	}
	if (!shared->tc)
		shared->refs++;
	shared->tc = true;
	return 0;
}

static int shared_destroy(struct sluice_offload *off, unsigned long cookie)
{
	struct sluice_shared *shared = shared_find(off, cookie);

	if (!shared || !shared->tc)
		return -EOPNOTSUPP;
	shared->tc = false;
	shared_put(off, shared);
	return 0;
}

static int shared_stats(struct sluice_offload *off,
			struct flow_offload_action *fl)
{
	struct sluice_shared *shared = shared_find(off, fl->cookie);

	if (!shared)
		return -EOPNOTSUPP;
	shared_count(off, shared, &fl->stats);
	flow_stats_update(&fl->stats, shared->owed.bytes, shared->owed.pkts,
			  shared->owed.drops, shared->owed.lastused,
			  FLOW_ACTION_HW_STATS_DELAYED);
	memset(&shared->owed, 0, sizeof(shared->owed));
	return 0;
}

static int act_replace(struct sluice_offload *off,
		       const struct flow_offload_action *fl)
{
	bool police = fl->action.num_entries &&
		      fl->action.entries[0].id == FLOW_ACTION_POLICE;
	bool used;
	int err;

	/* A policer's rules name its meter, which changes with it. */
	if (police) {
		used = sluice_meter_exists(off, fl->cookie);
		err = sluice_meter_replace(off, fl);
		if (err)
			return err;
	} else {
		used = sluice_rules_lose_action(off, fl->cookie);
	}
	if (!(off->sdev->caps & SLUICE_CAP_COUNT) || !kind_known(fl))
		return police ? 0 : -EOPNOTSUPP;
	/* Filters that have it already count it with their rules. */
	if (used && !shared_find(off, fl->cookie))
		return -EOPNOTSUPP;
	return shared_replace(off, fl);
}

/**
 * sluice_act_setup() - a call of tc's action offload
 * @off: offload, lock held
 * @fl: the call
 *
 * tc does not take an action back that was refused after a change, so what is
 * refused is forgotten.
 *
 * Return: 0; -EOPNOTSUPP for actions that no filter can have in hardware; -ENOSPC,
 * -ENOMEM or -EIO.
 */
int sluice_act_setup(struct sluice_offload *off, struct flow_offload_action *fl)
{
	int err;

	if (off->dead)
		return -EOPNOTSUPP;
	switch (fl->command) {
	case FLOW_ACT_REPLACE:
		err = act_replace(off, fl);
		if (err) {
			sluice_meter_destroy(off, fl->cookie);
			shared_destroy(off, fl->cookie);
		}
		return err;
	case FLOW_ACT_DESTROY:
		sluice_meter_destroy(off, fl->cookie);
		return shared_destroy(off, fl->cookie);
	case FLOW_ACT_STATS:
		return shared_stats(off, fl);
	default:
		return -EOPNOTSUPP;
	}
}
