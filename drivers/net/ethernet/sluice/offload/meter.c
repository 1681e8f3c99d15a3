// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc's policers as meters of the device.
 *
 * A policer has one meter, however many filters share it.  Filters say that
 * they use it by the police steps of their programs.  tc tells of changes to a
 * policer through its action offload.
 */
#include <linux/slab.h>
#include <net/tc_act/tc_police.h>

#include "offload.h"

static struct sluice_meter *meter_find(struct sluice_offload *off,
				       unsigned long cookie)
{
	struct sluice_meter *meter;

	hash_for_each_possible(off->policers, meter, node, cookie)
		if (meter->cookie == cookie)
			return meter;
	return NULL;
}

static void meter_rate(struct sluice_meter_rate *to,
		       const struct psched_ratecfg *from)
{
	to->mult = cpu_to_le32(from->mult);
	to->shift = from->shift;
	to->overhead = cpu_to_le16(from->overhead);
	to->mpu = cpu_to_le16(from->mpu);
	if (from->linklayer == TC_LINKLAYER_ATM)
		to->flags = SLUICE_METER_RATE_F_ATM;
}

/* What a policer does, in its own units.  False when the device has no such. */
static bool meter_read(struct sluice_cmd_meter *cmd, unsigned long cookie)
{
	const struct tcf_police *police =
		to_police((const struct tc_action *)cookie);
	const struct tcf_police_params *p;
	bool known;
	u16 flags = 0;

	memset(cmd, 0, sizeof(*cmd));
	rcu_read_lock();
	p = rcu_dereference(police->params);
	known = !p->tcfp_ewma_rate;
	cmd->mtu = cpu_to_le32(p->tcfp_mtu);
	cmd->burst = cpu_to_le64(p->tcfp_burst);
	if (p->rate_present) {
		flags |= SLUICE_METER_F_RATE;
		meter_rate(&cmd->rate, &p->rate);
	}
	if (p->peak_present) {
		flags |= SLUICE_METER_F_PEAK;
		meter_rate(&cmd->peak, &p->peak);
		cmd->peak_burst = cpu_to_le64(p->tcfp_mtu_ptoks);
	}
	if (p->pps_present) {
		flags |= SLUICE_METER_F_PACKET;
		cmd->packet.mult = cpu_to_le32(p->ppsrate.mult);
		cmd->packet.shift = p->ppsrate.shift;
		cmd->packet_burst = cpu_to_le64(p->tcfp_pkt_burst);
	}
	rcu_read_unlock();
	cmd->flags = cpu_to_le16(flags);
	return known;
}

/* Remember where packets go. */
static void meter_leads(struct sluice_meter *meter,
			const struct flow_action_entry *entry)
{
	meter->exceed = entry->police.exceed.act_id;
	meter->exceed_to = entry->police.exceed.extval;
	meter->conform = entry->police.notexceed.act_id;
	meter->conform_to = entry->police.notexceed.extval;
}

static int meter_post(struct sluice_offload *off, struct sluice_meter *meter)
{
	meter->cmd.id = cpu_to_le32(meter->id);
	sluice_cmd_init(&meter->cmd.hdr, SLUICE_CMD_METER_SET,
			sizeof(meter->cmd));
	return sluice_offload_post(off, &meter->cmd.hdr);
}

static void meter_put(struct sluice_offload *off, struct sluice_meter *meter)
{
	if (--meter->refs)
		return;
	sluice_offload_post_u32(off, SLUICE_CMD_METER_DEL, meter->id);
	xa_erase(&off->meters, meter->id);
	hash_del(&meter->node);
	kfree(meter);
}

/**
 * sluice_meter_get() - find or make the meter of a policer
 * @off: offload, lock held
 * @entry: tc's description of the action
 *
 * Return: the meter with one more reference, or an ERR_PTR: -EOPNOTSUPP for
 * one the device does not have, -ENOSPC, -ENOMEM, -EIO.
 */
struct sluice_meter *sluice_meter_get(struct sluice_offload *off,
				      const struct flow_action_entry *entry)
{
	struct sluice_meter *meter = meter_find(off, entry->cookie);
	u32 max = off->sdev->limits.max_meters;
	int err;

	if (meter) {
		meter->refs++;
		return meter;
	}
	if (!max)
		return ERR_PTR(-EOPNOTSUPP);
	meter = kzalloc(sizeof(*meter), GFP_KERNEL);
	if (!meter)
		return ERR_PTR(-ENOMEM);
	meter->cookie = entry->cookie;
	meter->refs = 1;
	meter_leads(meter, entry);
	if (!meter_read(&meter->cmd, entry->cookie)) {
		err = -EOPNOTSUPP;
		goto err_free;
	}
	err = xa_alloc(&off->meters, &meter->id, meter, XA_LIMIT(0, max - 1),
		       GFP_KERNEL);
	if (err) {
		err = err == -EBUSY ? -ENOSPC : err;
		goto err_free;
	}
	err = meter_post(off, meter);
	if (err)
		goto err_id;
	hash_add(off->policers, &meter->node, meter->cookie);
	return meter;

err_id:
	xa_erase(&off->meters, meter->id);
err_free:
	kfree(meter);
	return ERR_PTR(err);
}

/**
 * sluice_meters_hold() - a program has come to use the meters it names
 * @off: offload, lock held
 * @act: its steps
 * @num: their number
 */
void sluice_meters_hold(struct sluice_offload *off,
			const struct sluice_action *act, unsigned int num)
{
	struct sluice_meter *meter;
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (act[i].op != SLUICE_ACT_POLICE)
			continue;
		meter = xa_load(&off->meters, le32_to_cpu(act[i].a));
		meter->refs++;
	}
}

/**
 * sluice_meters_put() - a program does not use its meters any more
 * @off: offload, lock held
 * @act: its steps; if a rule had it, the removal of that is on the ring
 * @num: their number
 */
void sluice_meters_put(struct sluice_offload *off,
		       const struct sluice_action *act, unsigned int num)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		if (act[i].op == SLUICE_ACT_POLICE)
			meter_put(off, xa_load(&off->meters,
					       le32_to_cpu(act[i].a)));
}

/**
 * sluice_meters_replay() - write all meters into a device that was reset
 * @off: offload, lock held
 */
void sluice_meters_replay(struct sluice_offload *off)
{
	struct sluice_meter *meter;
	unsigned long id;

	xa_for_each(&off->meters, id, meter)
		meter_post(off, meter);
}

/**
 * sluice_meters_fini() - forget the meters that tc has not taken back
 * @off: offload, used by nobody else any more
 */
void sluice_meters_fini(struct sluice_offload *off)
{
	struct sluice_meter *meter;
	unsigned long id;

	xa_for_each(&off->meters, id, meter)
		kfree(meter);
	xa_destroy(&off->meters);
}

/**
 * sluice_meter_replace() - tc's action offload has a policer, new or changed
 * @off: offload, lock held
 * @fl: the call
 *
 * Return: 0; -EOPNOTSUPP for one the device does not have; -ENOSPC, -ENOMEM or
 * -EIO.
 */
int sluice_meter_replace(struct sluice_offload *off,
			 const struct flow_offload_action *fl)
{
	const struct flow_action_entry *entry = &fl->action.entries[0];
	struct sluice_meter *meter = meter_find(off, entry->cookie);
	bool counts, known;

	if (!meter) {
		meter = sluice_meter_get(off, entry);
		if (IS_ERR(meter))
			return PTR_ERR(meter);
		meter->tc = true;
		return 0;
	}
	counts = sluice_meter_counts_conform(meter);
	known = meter_read(&meter->cmd, entry->cookie);
	/* Programs have what it is to lead to, and what counts as a drop. */
	if (!known || counts != sluice_meter_counts_conform(meter) ||
	    meter->exceed != entry->police.exceed.act_id ||
	    meter->exceed_to != entry->police.exceed.extval ||
	    meter->conform != entry->police.notexceed.act_id ||
	    meter->conform_to != entry->police.notexceed.extval) {
		meter->refs++;
		sluice_rules_lose_meter(off, meter->id);
		meter_leads(meter, entry);
		meter->refs--;
	}
	if (!meter->tc) {
		meter->tc = true;
		meter->refs++;
	}
	return known ? meter_post(off, meter) : -EOPNOTSUPP;
}

/**
 * sluice_meter_exists() - is a policer in the device?
 * @off: offload, lock held
 * @cookie: tc's name for it
 *
 * Return: whether it is, by filters or by tc's action offload.
 */
bool sluice_meter_exists(struct sluice_offload *off, unsigned long cookie)
{
	return meter_find(off, cookie);
}

/**
 * sluice_meter_destroy() - tc's action offload takes an action back
 * @off: offload, lock held
 * @cookie: tc's name for it; it may be no policer
 */
void sluice_meter_destroy(struct sluice_offload *off, unsigned long cookie)
{
	struct sluice_meter *meter = meter_find(off, cookie);

	if (!meter || !meter->tc)
		return;
	meter->tc = false;
	meter_put(off, meter);
}
