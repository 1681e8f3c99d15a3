// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of tc's classifiers about filters of an ingress block.
 */
#include "../tunnel/tunnel.h"
#include "offload.h"

/**
 * sluice_filter_op() - what a call says about filters coming and going
 * @type: kind of call
 * @type_data: its argument
 * @op: filled in
 *
 * Return: false when it is not about that.
 */
bool sluice_filter_op(enum tc_setup_type type, void *type_data,
		      struct sluice_filter_op *op)
{
	const struct tc_cls_matchall_offload *mall = type_data;
	const struct flow_cls_offload *flower = type_data;
	const struct tc_cls_u32_offload *u32_cls = type_data;
	const struct tc_cls_bpf_offload *bpf = type_data;

	/* All of them begin with it. */
	*op = (struct sluice_filter_op){ .common = type_data };
	switch (type) {
	case TC_SETUP_CLSFLOWER:
		op->add = flower->command == FLOW_CLS_REPLACE;
		op->del = flower->command == FLOW_CLS_DESTROY;
		op->add_cookie = flower->cookie;
		op->del_cookie = flower->cookie;
		break;
	case TC_SETUP_CLSMATCHALL:
		op->add = mall->command == TC_CLSMATCHALL_REPLACE;
		op->del = mall->command == TC_CLSMATCHALL_DESTROY;
		op->add_cookie = mall->cookie;
		op->del_cookie = mall->cookie;
		break;
	case TC_SETUP_CLSU32:
		op->add = u32_cls->command == TC_CLSU32_NEW_KNODE ||
			  u32_cls->command == TC_CLSU32_REPLACE_KNODE;
		op->del = u32_cls->command == TC_CLSU32_DELETE_KNODE;
		if (op->add || op->del) {
			op->add_cookie = u32_cls->knode.handle;
			op->del_cookie = u32_cls->knode.handle;
		}
		break;
	case TC_SETUP_CLSBPF:
		if (bpf->command != TC_CLSBPF_OFFLOAD)
			break;
		op->add = bpf->prog;
		op->del = bpf->oldprog;
		op->add_cookie = (unsigned long)bpf->prog;
		op->del_cookie = (unsigned long)bpf->oldprog;
		break;
	default:
		break;
	}
	return op->add || op->del;
}

/* A name, for a classifier that gives a name once per block or per priority. */
static void filter_key(struct sluice_rule_key *key, struct sluice_block *block,
		       enum tc_setup_type type, unsigned long cookie,
		       const struct flow_cls_common_offload *common)
{
	memset(key, 0, sizeof(*key));
	key->block = block;
	key->cookie = cookie;
	key->kind = type;
	if (type == TC_SETUP_CLSU32 || type == TC_SETUP_CLSBPF) {
		key->chain = common->chain_index;
		key->prio = common->prio;
	}
}

/**
 * sluice_spec_begin() - begin the description of a filter
 * @off: offload, lock held
 *
 * There is one for all of them: kernels clear memory that they hand out, and
 * this is some kilobytes.  What a program has room for is most of it, and needs
 * not be cleared.
 *
 * Return: an empty description, until the next call.
 */
struct sluice_spec *sluice_spec_begin(struct sluice_offload *off)
{
	memset(off->spec, 0, offsetof(struct sluice_spec, prog.outs));
	return off->spec;
}

static struct sluice_spec *spec_new(struct sluice_block *block,
				    enum tc_setup_type type, unsigned long cookie,
				    const struct flow_cls_common_offload *common)
{
	struct sluice_spec *spec = sluice_spec_begin(block->off);

	filter_key(&spec->key, block, type, cookie, common);
	spec->chain = common->chain_index;
	spec->prio = common->prio;
	return spec;
}

/* Do all netdevs of the block want their filters in hardware? */
static bool block_wants_offload(struct sluice_block *block)
{
	struct sluice_dev *sdev = block->off->sdev;
	struct sluice_vport *uplink;
	struct sluice_port *port;
	unsigned long i;

	list_for_each_entry(port, &block->ports, node)
		if (!tc_can_offload(port->vport->netdev))
			return false;
	if (!block->of_tunnel && !block->of_host)
		return true;
	/* Its packets come in, or leave, by any of them. */
	for (i = 0; i < sdev->limits.num_uplinks; i++) {
		uplink = sluice_esw_uplink_vport(sdev, i);
		if (uplink && uplink->netdev && !tc_can_offload(uplink->netdev))
			return false;
	}
	return true;
}

static int flower_parse(struct sluice_block *block,
			const struct flow_cls_offload *f,
			struct sluice_spec *spec)
{
	struct netlink_ext_ack *extack = f->common.extack;
	struct sluice_offload *off = block->off;
	int err;

	/* First: a punt needs the match whatever else is wrong. */
	err = sluice_match_flower(block, f, &spec->match);
	if (err)
		return err;
	if (!block_wants_offload(block))
		return sluice_reject(off, extack, SLUICE_REJECT_FEATURE,
				     "hw-tc-offload is off");
	if (!sluice_compat_skip_sw(&f->common) &&
	    !sluice_order_known(block, spec->chain, spec->prio, spec->order))
		return sluice_reject(off, extack, SLUICE_REJECT_ORDER,
				     "order among masks of prio %u is not known",
				     spec->prio);
	if (spec->match.mask.range_hits && sluice_ranges_clash(block, spec))
		return sluice_reject(off, extack, SLUICE_REJECT_ORDER,
				     "port range overlaps another filter of prio %u",
				     spec->prio);
	return sluice_actions_parse(block, &f->common, &f->rule->action,
				    &spec->prog);
}

/* Put a filter into the device, or a punt where there is a reason, @err. */
static int filter_add(struct sluice_block *block,
		      const struct flow_cls_common_offload *common,
		      struct sluice_spec *spec, int err)
{
	struct sluice_offload *off = block->off;

	if (!err) {
		err = sluice_rule_add(block, spec, SLUICE_RULE_IN_HW);
		if (err == -ENOSPC)
			sluice_reject(off, common->extack, SLUICE_REJECT_FULL,
				      "the device is full");
	}
	sluice_program_release(off, &spec->prog);
	/* tc takes a refused filter that software lacks back at once. */
	if (err && !sluice_compat_surely_skip_sw(common) &&
	    !spec->match.never)
		sluice_rule_punt(block, spec);
	sluice_match_release(off, &spec->match);
	return err;
}

static int flower_replace(struct sluice_block *block,
			  const struct flow_cls_offload *f)
{
	struct sluice_spec *spec;

	spec = spec_new(block, TC_SETUP_CLSFLOWER, f->cookie, &f->common);
	spec->order = f->rule->match.mask;
	return filter_add(block, &f->common, spec,
			  flower_parse(block, f, spec));
}

/*
 * tc takes 0 for a filter that was in hardware: it keeps count.
 */
static int filter_remove(struct sluice_offload *off,
			 const struct sluice_rule_key *key)
{
	struct sluice_rule *rule = sluice_rule_find(off, key);
	bool in_hw;

	if (!rule)
		return -ENOENT;
	if (--rule->refs)
		return -EOPNOTSUPP;
	in_hw = rule->flags & SLUICE_RULE_IN_HW;
	sluice_rule_remove(rule);
	return in_hw ? 0 : -EOPNOTSUPP;
}

/**
 * sluice_flower() - a call of the flower classifier
 * @block: block; offload lock held
 * @f: the call, other than FLOW_CLS_STATS
 *
 * Return: 0 or a negative errno.
 */
int sluice_flower(struct sluice_block *block, struct flow_cls_offload *f)
{
	struct sluice_rule_key key;

	switch (f->command) {
	case FLOW_CLS_REPLACE:
		if (block->off->dead)
			return -EOPNOTSUPP;
		return flower_replace(block, f);
	case FLOW_CLS_DESTROY:
		filter_key(&key, block, TC_SETUP_CLSFLOWER, f->cookie,
			   &f->common);
		return filter_remove(block->off, &key);
	default:
		/* Templates: the device has no use for them. */
		return -EOPNOTSUPP;
	}
}

static int matchall_replace(struct sluice_block *block,
			    const struct tc_cls_matchall_offload *mall)
{
	struct sluice_offload *off = block->off;
	struct sluice_spec *spec;
	int err;

	spec = spec_new(block, TC_SETUP_CLSMATCHALL, mall->cookie, &mall->common);
	sluice_match_proto(&spec->match, mall->common.protocol);
	if (block_wants_offload(block))
		err = sluice_actions_parse(block, &mall->common,
					   &mall->rule->action, &spec->prog);
	else
		err = sluice_reject(off, mall->common.extack,
				    SLUICE_REJECT_FEATURE,
				    "hw-tc-offload is off");
	return filter_add(block, &mall->common, spec, err);
}

/**
 * sluice_matchall() - a call of the matchall classifier
 * @block: block; offload lock held
 * @mall: the call, other than TC_CLSMATCHALL_STATS
 *
 * Return: 0 or a negative errno.
 */
int sluice_matchall(struct sluice_block *block,
		    struct tc_cls_matchall_offload *mall)
{
	struct sluice_rule_key key;

	if (mall->command == TC_CLSMATCHALL_REPLACE)
		return block->off->dead ? -EOPNOTSUPP :
					  matchall_replace(block, mall);
	filter_key(&key, block, TC_SETUP_CLSMATCHALL, mall->cookie,
		   &mall->common);
	return filter_remove(block->off, &key);
}

static void foreign_add(struct sluice_block *block, enum tc_setup_type type,
			const struct sluice_filter_op *op)
{
	struct sluice_rule *rule;
	struct sluice_spec *spec;

	sluice_reject(block->off, op->common->extack, SLUICE_REJECT_CLASSIFIER,
		      "only flower and matchall filters can be in hardware");
	if (sluice_compat_surely_skip_sw(op->common))
		return;
	spec = spec_new(block, type, op->add_cookie, op->common);
	rule = sluice_rule_find(block->off, &spec->key);
	if (rule && type == TC_SETUP_CLSBPF) {
		/* The same program in two filters of a priority. */
		rule->refs++;
	} else if (!rule) {
		sluice_match_proto(&spec->match, op->common->protocol);
		sluice_rule_punt(block, spec);
	}
}

/**
 * sluice_foreign() - a filter of a classifier that has no place in hardware
 * @block: block; offload lock held
 * @type: kind of call
 * @op: what it says
 *
 * Whatever it may match is punted: all of its protocol at its priority.
 *
 * Return: -EOPNOTSUPP.
 */
int sluice_foreign(struct sluice_block *block, enum tc_setup_type type,
		   const struct sluice_filter_op *op)
{
	struct sluice_rule_key key;

	if (op->add && !block->off->dead)
		foreign_add(block, type, op);
	if (op->del) {
		filter_key(&key, block, type, op->del_cookie, op->common);
		filter_remove(block->off, &key);
	}
	return -EOPNOTSUPP;
}
