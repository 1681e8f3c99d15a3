// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules: adding, removing, punting, statistics.
 */
#include <linux/jhash.h>
#include <linux/slab.h>

#include "../tunnel/tunnel.h"
#include "ct.h"
#include "offload.h"

/* The cookie is nearly a name by itself. */
static u32 rule_hash(const void *data, u32 len, u32 seed)
{
	const struct sluice_rule_key *key = data;

	return jhash_3words(lower_32_bits(key->cookie),
			    upper_32_bits(key->cookie) ^
			    lower_32_bits((unsigned long)key->block),
			    key->chain ^ (u32)key->prio << 16, seed);
}

static int rule_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct sluice_rule_key *a = arg->key;
	const struct sluice_rule_key *b = &((const struct sluice_rule *)obj)->key;

	return a->cookie != b->cookie || a->block != b->block ||
	       a->chain != b->chain || a->prio != b->prio || a->kind != b->kind;
}

const struct rhashtable_params sluice_rule_params = {
	.head_offset = offsetof(struct sluice_rule, node),
	.key_offset = offsetof(struct sluice_rule, key),
	.key_len = sizeof_field(struct sluice_rule, key),
	.hashfn = rule_hash,
	.obj_cmpfn = rule_cmp,
	.automatic_shrinking = true,
};

/* For most rules; the sizes kmalloc() has would waste a third. */
static struct kmem_cache *rule_cache;

#define RULE_CACHE_SIZE		384

static size_t rule_cmd_len(unsigned int words, unsigned int actions)
{
	return sizeof(struct sluice_cmd_rule) + words * sizeof(u64) +
	       actions * sizeof(struct sluice_action);
}

static struct sluice_action *rule_actions(struct sluice_rule *rule)
{
	return (struct sluice_action *)(rule->cmd.data +
					rule->cmd.key_words * sizeof(u64));
}

static u32 *rule_acts(struct sluice_rule *rule)
{
	return (u32 *)(rule_actions(rule) + rule->cmd.num_actions);
}

static int rule_post(struct sluice_offload *off, struct sluice_rule *rule)
{
	sluice_cmd_init(&rule->cmd.hdr, SLUICE_CMD_RULE_ADD,
			rule_cmd_len(rule->cmd.key_words,
				     rule->cmd.num_actions));
	return sluice_offload_post(off, &rule->cmd.hdr);
}

/**
 * sluice_rule_post() - write a rule into the device again
 * @rule: rule that is in the books as placed; offload lock held
 *
 * Return: 0 or -EIO.
 */
int sluice_rule_post(struct sluice_rule *rule)
{
	return rule_post(rule->key.block->off, rule);
}

static void rule_post_del(struct sluice_offload *off, struct sluice_rule *rule)
{
	sluice_offload_post_u32(off, SLUICE_CMD_RULE_DEL,
				le32_to_cpu(rule->cmd.id));
}

/* Steps know the place of a chain, the device wants its table. */
static void rule_fill_gotos(struct sluice_rule *rule)
{
	struct sluice_action *act = rule_actions(rule);
	unsigned int i;

	for (i = 0; i < rule->cmd.num_actions; i++, act++)
		if (act->op == SLUICE_ACT_GOTO)
			act->a = cpu_to_le32(rule->targets[le32_to_cpu(act->a)]->id);
}

static int rule_targets_get(struct sluice_rule *rule,
			    struct sluice_block *block,
			    const struct sluice_program *prog)
{
	struct sluice_table *table;
	unsigned int i;

	for (i = 0; i < prog->num_chains; i++) {
		table = sluice_table_get(block, prog->chains[i]);
		if (IS_ERR(table))
			return PTR_ERR(table);
		rule->targets[i] = table;
	}
	return 0;
}

static void rule_targets_put(struct sluice_rule *rule)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rule->targets); i++) {
		if (rule->targets[i])
			sluice_table_put(rule->targets[i]);
		rule->targets[i] = NULL;
	}
}

static void rule_hold_objects(struct sluice_offload *off,
			      struct sluice_rule *rule)
{
	sluice_shared_hold(off, rule_actions(rule), rule->cmd.num_actions);
	sluice_meters_hold(off, rule_actions(rule), rule->cmd.num_actions);
	sluice_hosts_count(off, rule_actions(rule), rule->cmd.num_actions, 1);
	sluice_samples_count(off, rule_actions(rule), rule->cmd.num_actions,
			     1);
	rule->flags |= SLUICE_RULE_OBJECTS;
}

static void rule_put_objects(struct sluice_offload *off,
			     struct sluice_rule *rule)
{
	if (!(rule->flags & SLUICE_RULE_OBJECTS))
		return;
	rule->flags &= ~SLUICE_RULE_OBJECTS;
	sluice_objects_put(off, rule_actions(rule), rule->cmd.num_actions);
}

/* The words of the key that the mask selects, then the program. */
static void rule_fill(struct sluice_rule *rule, const struct sluice_spec *spec)
{
	const u8 *key = (const u8 *)&spec->match.key;
	u8 *data = rule->cmd.data;
	unsigned int i;

	for (i = 0; i < SLUICE_KEY_WORDS; i++) {
		if (!(rule->mask->words & BIT_ULL(i)))
			continue;
		memcpy(data, key + i * sizeof(u64), sizeof(u64));
		data += sizeof(u64);
	}
	memcpy(data, spec->prog.act,
	       spec->prog.num * sizeof(struct sluice_action));
	rule->num_acts = spec->prog.num_acts;
	memcpy(rule_acts(rule), spec->prog.acts,
	       rule->num_acts * sizeof(*spec->prog.acts));
	if (spec->prog.objects)
		rule_hold_objects(rule->key.block->off, rule);
	rule_fill_gotos(rule);
}

/* A rule id, for a punt also one of those kept back. */
static int rule_id_get(struct sluice_offload *off, bool punt)
{
	u32 max = off->rule_ids.max;

	return sluice_ids_get(&off->rule_ids,
			      punt ? max : max - off->rule_reserve);
}

static int rule_outs_link(struct sluice_rule *rule,
			  const struct sluice_program *prog)
{
	unsigned int num = prog->num_outs + prog->num_encaps;
	struct sluice_out *out;
	unsigned int i;

	if (!num)
		return 0;
	rule->outs = &rule->out;
	if (num > 1)
		rule->outs = kcalloc(num, sizeof(*rule->outs), GFP_KERNEL);
	if (!rule->outs)
		return -ENOMEM;
	rule->num_outs = num;
	out = rule->outs;
	for (i = 0; i < prog->num_outs; i++, out++) {
		out->rule = rule;
		out->encap = NULL;
		list_add_tail(&out->node, &prog->outs[i]->rules);
	}
	for (i = 0; i < prog->num_encaps; i++, out++) {
		out->rule = rule;
		out->encap = prog->encaps[i];
		sluice_encap_hold(out->encap);
		list_add_tail(&out->node, &out->encap->rules);
	}
	return 0;
}

/* The device must have forgotten the rule: encaps may go with it. */
static void rule_outs_unlink(struct sluice_rule *rule)
{
	struct sluice_tunnels *tun = rule->key.block->off->tunnels;
	unsigned int i;

	if (!rule->num_outs)
		return;
	for (i = 0; i < rule->num_outs; i++) {
		list_del(&rule->outs[i].node);
		if (rule->outs[i].encap)
			sluice_encap_put(tun, rule->outs[i].encap);
	}
	if (rule->outs != &rule->out)
		kfree(rule->outs);
	rule->outs = NULL;
	rule->num_outs = 0;
}

static void rule_zone_put(struct sluice_rule *rule)
{
	sluice_ct_zone_put(rule->zone);
	rule->zone = NULL;
}

static void rule_put_mask(struct sluice_offload *off, struct sluice_rule *rule)
{
	__le64 ranges = rule->mask->bits.range_hits;

	sluice_mask_put(off, rule->mask);
	sluice_ranges_put(off, ranges);
}

/* Put a rule into the device.  Nothing is left of it on failure. */
static int rule_place(struct sluice_block *block, struct sluice_rule *rule,
		      const struct sluice_spec *spec, bool punt)
{
	const struct sluice_program *prog = &spec->prog;
	struct sluice_offload *off = block->off;
	int id, err;

	rule->table = sluice_table_get(block, spec->chain);
	if (IS_ERR(rule->table))
		return PTR_ERR(rule->table);
	err = rule_targets_get(rule, block, prog);
	if (err)
		goto err_targets;
	rule->order = sluice_order_get(rule->table, spec->prio, spec->order);
	if (IS_ERR(rule->order)) {
		err = PTR_ERR(rule->order);
		goto err_targets;
	}
	rule->mask = sluice_mask_get(off, &spec->match.mask);
	if (IS_ERR(rule->mask)) {
		err = PTR_ERR(rule->mask);
		goto err_order;
	}
	sluice_ranges_hold(off, rule->mask->bits.range_hits);
	id = rule_id_get(off, punt);
	if (id < 0) {
		err = id;
		goto err_mask;
	}
	if (prog->count) {
		err = sluice_counter_get(off, &rule->counter, &rule->slot);
		if (err)
			goto err_id;
	}
	err = rule_outs_link(rule, prog);
	if (err)
		goto err_counter;
	rule->zone = prog->zone;
	sluice_ct_zone_hold(rule->zone);

	rule->cmd.id = cpu_to_le32(id);
	rule->cmd.table = cpu_to_le32(rule->table->id);
	rule->cmd.mask = cpu_to_le32(rule->mask->id);
	rule->cmd.counter = cpu_to_le32(rule->counter);
	rule->cmd.prio = cpu_to_le32(spec->prio);
	rule->cmd.subprio = cpu_to_le32(rule->order->subprio);
	rule->cmd.key_words = hweight64(rule->mask->words);
	rule->cmd.num_actions = prog->num;
	rule->cmd.flags = cpu_to_le16(prog->count ? SLUICE_RULE_F_ZERO : 0);
	rule_fill(rule, spec);
	if (spec->match.in_vport) {
		rule->in_vport = le16_to_cpu(spec->match.key.in_vport);
		list_add(&rule->indev, &off->indev);
	}
	err = rule_post(off, rule);
	if (err)
		goto err_outs;
	rule->flags |= SLUICE_RULE_PLACED;
	return 0;

err_outs:
	rule_put_objects(off, rule);
	list_del_init(&rule->indev);
	rule_zone_put(rule);
	rule_outs_unlink(rule);
err_counter:
	if (rule->counter != SLUICE_ID_NONE) {
		sluice_counter_put(off, rule->counter);
		rule->counter = SLUICE_ID_NONE;
		rule->slot = NULL;
	}
err_id:
	sluice_ids_put(&off->rule_ids, id);
err_mask:
	rule_put_mask(off, rule);
err_order:
	sluice_order_put(rule->order);
err_targets:
	rule_targets_put(rule);
	sluice_table_put(rule->table);
	return err;
}

/* Take a rule out of the device, and give back all but its counter. */
static void rule_displace(struct sluice_offload *off, struct sluice_rule *rule)
{
	if (!(rule->flags & SLUICE_RULE_PLACED))
		return;
	rule->flags &= ~SLUICE_RULE_PLACED;
	rule_post_del(off, rule);
	rule_put_objects(off, rule);
	list_del_init(&rule->indev);
	rule_zone_put(rule);
	rule_outs_unlink(rule);
	sluice_ids_put(&off->rule_ids, le32_to_cpu(rule->cmd.id));
	rule_put_mask(off, rule);
	sluice_order_put(rule->order);
	rule_targets_put(rule);
	sluice_table_put(rule->table);
}

/**
 * sluice_rules_init() - what all rules of the module share
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_rules_init(void)
{
	rule_cache = kmem_cache_create("sluice_rule", RULE_CACHE_SIZE, 0, 0,
				       NULL);
	return rule_cache ? 0 : -ENOMEM;
}

/**
 * sluice_rules_fini() - give it back
 */
void sluice_rules_fini(void)
{
	/* For rules that wait for their readers. */
	rcu_barrier();
	kmem_cache_destroy(rule_cache);
}

#define RULES_GONE_MAX	64

/* Rules without a reader, a ring of which this is one. */
static void rules_free(struct rcu_head *rcu)
{
	struct sluice_rule *last = container_of(rcu, struct sluice_rule, rcu);
	void *rules[RULES_GONE_MAX];
	struct sluice_rule *rule;
	size_t num = 0;

	list_for_each_entry(rule, &last->list, list)
		rules[num++] = rule;
	rules[num++] = last;
	kfree_bulk(num, rules);
}

/**
 * sluice_rules_free() - free removed rules once nobody reads them any more
 * @off: offload; lock held, or nobody else uses it
 *
 * That many of them go together: it is cheaper than one by one.
 */
void sluice_rules_free(struct sluice_offload *off)
{
	struct sluice_rule *last;

	if (list_empty(&off->gone))
		return;
	last = list_last_entry(&off->gone, struct sluice_rule, list);
	list_del_init(&off->gone);
	off->num_gone = 0;
	call_rcu(&last->rcu, rules_free);
}

static void rule_free_later(struct sluice_offload *off,
			    struct sluice_rule *rule)
{
	list_move_tail(&rule->list, &off->gone);
	if (++off->num_gone == RULES_GONE_MAX)
		sluice_rules_free(off);
}

/* kfree() takes it back, from wherever it is. */
static struct sluice_rule *rule_alloc(struct sluice_block *block,
				      const struct sluice_spec *spec)
{
	unsigned int words = hweight64(sluice_mask_words(&spec->match.mask));
	size_t size = offsetof(struct sluice_rule, cmd) +
		      rule_cmd_len(words, spec->prog.num) +
		      spec->prog.num_acts * sizeof(*spec->prog.acts);
	struct sluice_rule *rule;

	rule = size <= RULE_CACHE_SIZE ?
	       kmem_cache_zalloc(rule_cache, GFP_KERNEL) :
	       kzalloc(size, GFP_KERNEL);
	if (!rule)
		return NULL;
	rule->key = spec->key;
	rule->refs = 1;
	rule->counter = SLUICE_ID_NONE;
	INIT_LIST_HEAD(&rule->indev);
	spin_lock_init(&rule->stats_lock);
	return rule;
}

/*
 * A filter that came while those of its block were fetched from tc is told of
 * twice: the later one stays.
 */
static int rule_publish(struct sluice_block *block, struct sluice_rule *rule)
{
	struct sluice_offload *off = block->off;
	struct sluice_rule *old;
	int err = 0;

	old = rhashtable_lookup_get_insert_fast(&off->rules, &rule->node,
						sluice_rule_params);
	if (IS_ERR(old))
		return PTR_ERR(old);
	if (old) {
		sluice_rule_remove(old);
		err = rhashtable_insert_fast(&off->rules, &rule->node,
					     sluice_rule_params);
	}
	if (!err)
		list_add_tail(&rule->list, &block->rules);
	return err;
}

static int rule_add(struct sluice_block *block, const struct sluice_spec *spec,
		    u8 flags, bool punt)
{
	struct sluice_rule *rule;
	int err;

	rule = rule_alloc(block, spec);
	if (!rule)
		return -ENOMEM;
	rule->flags = flags;
	err = rule_place(block, rule, spec, punt);
	if (err)
		goto err_free;
	err = rule_publish(block, rule);
	if (err)
		goto err_displace;
	return 0;

err_displace:
	rule_displace(block->off, rule);
	if (rule->counter != SLUICE_ID_NONE)
		sluice_counter_put(block->off, rule->counter);
err_free:
	kfree(rule);
	return err;
}

/**
 * sluice_rule_add() - put a filter into the device
 * @block: block; offload lock held
 * @spec: the filter
 * @flags: SLUICE_RULE_IN_HW when tc will be told that it is there
 *
 * It takes effect for packets sent after the return.
 *
 * Return: 0; -ENOSPC when the device is full, -ENOMEM, -EIO: nothing changed.
 */
int sluice_rule_add(struct sluice_block *block, const struct sluice_spec *spec,
		    u8 flags)
{
	return rule_add(block, spec, flags, false);
}

/* The last resort for a filter that must not lose its packets. */
static void rule_blind(struct sluice_block *block, struct sluice_spec *spec)
{
	struct sluice_rule *rule;

	sluice_block_blind(block, 1);
	rule = rule_alloc(block, spec);
	if (!rule)
		return;
	rule->flags = SLUICE_RULE_BLIND;
	/* Without an entry the block stays blind until it is unbound. */
	if (rule_publish(block, rule))
		kfree(rule);
}

/**
 * sluice_rule_punt() - keep the place of a filter the device cannot carry out
 * @block: block; offload lock held
 * @spec: the filter; its match may be wider than the filter, never narrower.
 *	Its program is overwritten
 *
 * Packets that may be the filter's go to software as they came.  When the
 * device is too full for that, all packets of the priority do, and in the
 * worst case all packets of the block's ports.
 */
void sluice_rule_punt(struct sluice_block *block, struct sluice_spec *spec)
{
	memset(&spec->prog, 0, sizeof(spec->prog));
	sluice_program_step(&spec->prog, SLUICE_ACT_PUNT);
	if (!rule_add(block, spec, 0, true))
		return;
	sluice_match_release(block->off, &spec->match);
	memset(&spec->match, 0, sizeof(spec->match));
	if (!rule_add(block, spec, 0, true))
		return;
	rule_blind(block, spec);
}

/**
 * sluice_rule_find() - find a filter
 * @off: offload; lock held or RCU
 * @key: name
 *
 * Return: the filter or NULL.
 */
struct sluice_rule *sluice_rule_find(struct sluice_offload *off,
				     const struct sluice_rule_key *key)
{
	return rhashtable_lookup_fast(&off->rules, key, sluice_rule_params);
}

/**
 * sluice_rule_remove() - forget a filter
 * @rule: filter; offload lock held
 */
void sluice_rule_remove(struct sluice_rule *rule)
{
	struct sluice_block *block = rule->key.block;
	struct sluice_offload *off = block->off;

	rhashtable_remove_fast(&off->rules, &rule->node, sluice_rule_params);
	rule_displace(off, rule);
	if (rule->counter != SLUICE_ID_NONE)
		sluice_counter_put(off, rule->counter);
	if (rule->flags & SLUICE_RULE_BLIND)
		sluice_block_blind(block, -1);
	rule_free_later(off, rule);
}

/**
 * sluice_rule_lose_port() - a vport the rule outputs to goes away
 * @rule: rule; offload lock held
 *
 * The filter has no device to send to any more.  What software does then is
 * its business, so packets are punted.  What was counted stays readable.
 */
void sluice_rule_lose_port(struct sluice_rule *rule)
{
	struct sluice_offload *off = rule->key.block->off;
	struct sluice_action *act = rule_actions(rule);

	rule_post_del(off, rule);
	rule_put_objects(off, rule);
	rule_outs_unlink(rule);
	rule_targets_put(rule);
	memset(act, 0, sizeof(*act));
	act->op = SLUICE_ACT_PUNT;
	rule->cmd.num_actions = 1;
	rule->num_acts = 0;
	rule->cmd.counter = cpu_to_le32(SLUICE_ID_NONE);
	rule->cmd.flags = 0;
	rule_post(off, rule);
}

static bool rule_has_meter(struct sluice_rule *rule, u32 id)
{
	const struct sluice_action *act = rule_actions(rule);
	unsigned int i;

	for (i = 0; i < rule->cmd.num_actions; i++)
		if (act[i].op == SLUICE_ACT_POLICE &&
		    le32_to_cpu(act[i].a) == id)
			return true;
	return false;
}

static bool rule_has_action(struct sluice_rule *rule, u32 hash)
{
	const u32 *acts = rule_acts(rule);
	unsigned int i;

	for (i = 0; i < rule->num_acts; i++)
		if (acts[i] == hash)
			return true;
	return false;
}

static bool rules_lose(struct sluice_offload *off, u32 what,
		       bool (*has)(struct sluice_rule *rule, u32 what))
{
	struct sluice_block *block;
	struct sluice_rule *rule;
	bool found = false;

	list_for_each_entry(block, &off->blocks, node) {
		list_for_each_entry(rule, &block->rules, list) {
			if (!(rule->flags & SLUICE_RULE_PLACED) ||
			    !has(rule, what))
				continue;
			sluice_rule_lose_port(rule);
			found = true;
		}
	}
	return found;
}

/**
 * sluice_rules_lose_meter() - what a meter leads to has changed
 * @off: offload, lock held
 * @id: meter id
 *
 * Rules that use it become punts, as if a port had gone.
 */
void sluice_rules_lose_meter(struct sluice_offload *off, u32 id)
{
	rules_lose(off, id, rule_has_meter);
}

/**
 * sluice_rules_lose_action() - an action has changed
 * @off: offload, lock held
 * @cookie: tc's name for it
 *
 * Rules that use it become punts, as if a port had gone.
 *
 * Return: whether there were any.
 */
bool sluice_rules_lose_action(struct sluice_offload *off, unsigned long cookie)
{
	return rules_lose(off, sluice_action_hash(cookie), rule_has_action);
}

/**
 * sluice_rule_withdraw() - no packet can match a rule any more
 * @rule: rule; offload lock held
 *
 * It leaves the device; tc still knows it.
 */
void sluice_rule_withdraw(struct sluice_rule *rule)
{
	rule_displace(rule->key.block->off, rule);
}

/**
 * sluice_rule_detach() - switchdev mode is left
 * @rule: rule; offload lock held
 *
 * The rule keeps only what is needed to answer tc.
 */
void sluice_rule_detach(struct sluice_rule *rule)
{
	WRITE_ONCE(rule->slot, NULL);
	list_del_init(&rule->indev);
	rule_zone_put(rule);
	rule_outs_unlink(rule);
}

/**
 * sluice_rule_stats() - what happened to a filter since the last time
 * @off: offload; no lock needed
 * @key: name
 * @stats: tc's statistics
 *
 * Reads host memory only: values are as old as the device's last write.
 *
 * Return: 0, or -ENOENT when there is no such filter in hardware.
 */
int sluice_rule_stats(struct sluice_offload *off,
		      const struct sluice_rule_key *key,
		      struct flow_stats *stats)
{
	u64 packets, bytes, last_use, new_packets, new_bytes;
	u64 dropped, new_dropped;
	const struct sluice_counter *slot;
	unsigned long used, now;
	struct sluice_rule *rule;
	int err = -ENOENT;

	rcu_read_lock();
	rule = sluice_rule_find(off, key);
	if (!rule || !(rule->flags & SLUICE_RULE_IN_HW))
		goto out;
	err = 0;
	slot = READ_ONCE(rule->slot);
	if (!slot)
		goto out;

	spin_lock(&rule->stats_lock);
	if (!sluice_counter_read(slot, &packets, &bytes, &last_use)) {
		spin_unlock(&rule->stats_lock);
		goto out;
	}
	dropped = le64_to_cpu(READ_ONCE(slot->dropped));
	/* A counter that went back is the device's mistake. */
	new_packets = packets > rule->packets ? packets - rule->packets : 0;
	new_bytes = bytes > rule->bytes ? bytes - rule->bytes : 0;
	rule->packets = packets;
	rule->bytes = bytes;
	new_dropped = dropped > rule->dropped ? dropped - rule->dropped : 0;
	rule->dropped = dropped;
	new_packets += rule->owed_packets;
	new_bytes += rule->owed_bytes;
	rule->owed_packets = 0;
	rule->owed_bytes = 0;
	spin_unlock(&rule->stats_lock);

	used = sluice_time_to_jiffies(off->sdev, last_use);
	now = jiffies;
	if (used && time_after(used, now))
		used = now;
	flow_stats_update(stats, new_bytes, new_packets, new_dropped, used,
			  FLOW_ACTION_HW_STATS_DELAYED);
out:
	rcu_read_unlock();
	return err;
}
