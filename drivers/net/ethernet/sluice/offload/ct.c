// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ct action, and the conntrack zones that rules use.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/tc_act/tc_ct.h>

#include "ct.h"

/**
 * sluice_ct_init() - start without any zone
 * @off: offload
 *
 * A device without connections leaves @off->ct NULL.
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_ct_init(struct sluice_offload *off)
{
	struct sluice_ct *ct;
	int err;

	if (!(off->sdev->caps & SLUICE_CAP_CT) ||
	    off->sdev->limits.max_ct < FLOW_OFFLOAD_DIR_MAX)
		return 0;
	ct = kzalloc(sizeof(*ct), GFP_KERNEL);
	if (!ct)
		return -ENOMEM;
	ct->off = off;
	INIT_LIST_HEAD(&ct->zones);
	ida_init(&ct->table_ids);
	err = sluice_conns_init(ct);
	if (err)
		goto err_free;
	err = sluice_fts_init(ct);
	if (err)
		goto err_conns;
	off->ct = ct;
	return 0;

err_conns:
	sluice_conns_fini(ct);
err_free:
	kfree(ct);
	return err;
}

/**
 * sluice_ct_pause() - take no connections and forget those there are
 * @off: offload; its lock not held
 *
 * The flow table offers a connection again while software sees its packets.
 */
void sluice_ct_pause(struct sluice_offload *off)
{
	struct sluice_ct_zone *zone;
	struct sluice_ct *ct = off->ct;

	if (!ct)
		return;
	mutex_lock(&off->lock);
	mutex_lock(&ct->lock);
	ct->paused = true;
	list_for_each_entry(zone, &ct->zones, node)
		sluice_conns_drop(zone);
	sluice_fts_pause(ct);
	mutex_unlock(&ct->lock);
	mutex_unlock(&off->lock);
}

/**
 * sluice_ct_resume() - take connections again
 * @off: offload, lock held; the device has its rules again
 */
void sluice_ct_resume(struct sluice_offload *off)
{
	if (!off->ct)
		return;
	mutex_lock(&off->ct->lock);
	off->ct->paused = false;
	mutex_unlock(&off->ct->lock);
}

/**
 * sluice_ct_stop() - switchdev mode is left
 * @off: offload; its lock not held.  Zones stay until their rules go
 *
 * Context: process, sleeps.
 */
void sluice_ct_stop(struct sluice_offload *off)
{
	if (!off->ct)
		return;
	sluice_ct_pause(off);
	sluice_fts_stop(off->ct);
	flush_delayed_work(&off->ct->dying_work);
}

/**
 * sluice_ct_fini() - free what is left
 * @off: offload; no rule uses a zone any more
 */
void sluice_ct_fini(struct sluice_offload *off)
{
	if (!off->ct)
		return;
	sluice_fts_fini(off->ct);
	sluice_conns_fini(off->ct);
	ida_destroy(&off->ct->table_ids);
	kfree(off->ct);
	off->ct = NULL;
}

/* The zone of a flow table, with a reference. */
static struct sluice_ct_zone *zone_get(struct sluice_ct *ct,
				       struct nf_flowtable *ft, u16 number)
{
	struct sluice_ct_zone *zone;
	int id, err;

	list_for_each_entry(zone, &ct->zones, node) {
		if (zone->ft != ft)
			continue;
		zone->refs++;
		return zone;
	}
	zone = kzalloc(sizeof(*zone), GFP_KERNEL);
	if (!zone)
		return ERR_PTR(-ENOMEM);
	id = ida_alloc(&ct->table_ids, GFP_KERNEL);
	if (id < 0) {
		err = id;
		goto err_free;
	}
	zone->ct = ct;
	zone->ft = ft;
	zone->acct = true;
	zone->zone = number;
	zone->table = id;
	zone->refs = 1;
	INIT_LIST_HEAD(&zone->conns);
	err = nf_flow_table_offload_add_cb(ft, sluice_conn_cb, zone);
	if (err)
		goto err_id;
	list_add_tail(&zone->node, &ct->zones);
	return zone;

err_id:
	ida_free(&ct->table_ids, id);
err_free:
	kfree(zone);
	return ERR_PTR(err);
}

/**
 * sluice_ct_zone_hold() - take another reference
 * @zone: zone, or NULL; offload lock held
 */
void sluice_ct_zone_hold(struct sluice_ct_zone *zone)
{
	if (zone)
		zone->refs++;
}

/**
 * sluice_ct_zone_put() - give a reference back
 * @zone: zone, or NULL; offload lock held.  With the last one the device
 *	forgets the zone's connections
 */
void sluice_ct_zone_put(struct sluice_ct_zone *zone)
{
	struct sluice_ct *ct;

	if (!zone || --zone->refs)
		return;
	ct = zone->ct;
	/* Waits for calls that are under way. */
	nf_flow_table_offload_del_cb(zone->ft, sluice_conn_cb, zone);
	list_del(&zone->node);
	mutex_lock(&ct->lock);
	sluice_conns_drop(zone);
	mutex_unlock(&ct->lock);
	ida_free(&ct->table_ids, zone->table);
	kfree(zone);
}

static void step_bits(struct sluice_program *prog, u8 op, u32 a, const void *bits,
		      const void *value)
{
	struct sluice_action *act = sluice_program_step(prog, op);

	act->a = cpu_to_le32(a);
	memcpy(act->b, bits, sizeof(act->b));
	memcpy(act->c, value, sizeof(act->c));
}

/* What a commit does to a connection that exists: software alone can do it. */
static void parse_commit(const struct flow_action_entry *entry,
			 struct sluice_program *prog)
{
	const struct tc_action *act = (const struct tc_action *)entry->cookie;
	const struct tcf_ct_params *p;
	__le32 mark, mask;
	unsigned int i;

	rcu_read_lock();
	p = rcu_dereference(to_ct(act)->params);
	if (p->mark_mask) {
		mark = cpu_to_le32(p->mark);
		mask = cpu_to_le32(p->mark_mask);
		step_bits(prog, SLUICE_ACT_CT_MARK, 0, &mask, &mark);
	}
	if (memchr_inv(p->labels_mask, 0, sizeof(p->labels_mask)))
		for (i = 0; i < ARRAY_SIZE(p->labels); i++)
			step_bits(prog, SLUICE_ACT_CT_LABEL, i,
				  &p->labels_mask[i], &p->labels[i]);
	rcu_read_unlock();
}

/**
 * sluice_ct_parse() - the ct action as steps of a program
 * @off: offload, lock held
 * @entry: the action
 * @extack: for the reason of a refusal
 * @prog: program; holds the zone
 *
 * A packet whose connection the device does not have goes to software, which
 * needs the filter too, and so does one whose commit changes something.
 *
 * Return: 0, or -EOPNOTSUPP when the device cannot do exactly that.
 */
int sluice_ct_parse(struct sluice_offload *off,
		    const struct flow_action_entry *entry,
		    struct netlink_ext_ack *extack,
		    struct sluice_program *prog)
{
	struct sluice_ct_zone *zone = prog->zone;
	struct sluice_action *act;

	if (entry->ct.action & TCA_CT_ACT_CLEAR) {
		sluice_program_step(prog, SLUICE_ACT_CT_CLEAR);
		return 0;
	}
	if (!off->ct || !entry->ct.flow_table || !entry->cookie)
		return sluice_reject(off, extack, SLUICE_REJECT_CT,
				     "the device has no connections");
	if (entry->ct.action & TCA_CT_ACT_FORCE)
		return sluice_reject(off, extack, SLUICE_REJECT_CT,
				     "ct force is not supported");
	if (zone && zone->ft != entry->ct.flow_table)
		return sluice_reject(off, extack, SLUICE_REJECT_CT,
				     "two ct zones in one filter");
	if (!zone) {
		zone = zone_get(off->ct, entry->ct.flow_table, entry->ct.zone);
		if (IS_ERR(zone))
			return PTR_ERR(zone);
		prog->zone = zone;
	}
	act = sluice_program_step(prog, SLUICE_ACT_CT);
	act->a = cpu_to_le32(zone->table);
	act->port = cpu_to_le16(zone->zone);
	if (entry->ct.action & TCA_CT_ACT_NAT)
		act->flags = SLUICE_CT_ACT_NAT;
	if (entry->ct.action & TCA_CT_ACT_COMMIT)
		parse_commit(entry, prog);
	return 0;
}

static int connections_show(struct seq_file *m, void *v)
{
	struct sluice_offload *off = m->private;
	const struct sluice_ct_zone *zone;

	mutex_lock(&off->lock);
	mutex_lock(&off->ct->lock);
	list_for_each_entry(zone, &off->ct->zones, node)
		seq_printf(m, "zone %u table %u connections %u\n", zone->zone,
			   zone->table, zone->num_conns);
	sluice_fts_show(m, off->ct);
	seq_printf(m, "full %llu\n", off->ct->full);
	mutex_unlock(&off->ct->lock);
	mutex_unlock(&off->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(connections);

/**
 * sluice_ct_debugfs_add() - show zones in the offload's directory
 * @off: offload with its directory
 *
 * What fails is only not shown.
 */
void sluice_ct_debugfs_add(struct sluice_offload *off)
{
	if (off->ct)
		debugfs_create_file("connections", 0400, off->debugfs, off,
				    &connections_fops);
}
