// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the offload layer knows: sluice-<PCI address>/ in debugfs.
 *
 * rules: every filter and what became of it.  reject_reasons: filters refused
 * since switchdev mode was entered, by reason.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/unaligned.h>

#include "../tunnel/tunnel.h"
#include "ct.h"
#include "offload.h"

static const char * const act_names[] = {
	[SLUICE_ACT_DROP]	= "drop",
	[SLUICE_ACT_OUTPUT]	= "output",
	[SLUICE_ACT_VLAN_PUSH]	= "vlan_push",
	[SLUICE_ACT_VLAN_POP]	= "vlan_pop",
	[SLUICE_ACT_VLAN_SET]	= "vlan_set",
	[SLUICE_ACT_PEDIT_SET]	= "set",
	[SLUICE_ACT_PEDIT_ADD]	= "add",
	[SLUICE_ACT_CSUM]	= "csum",
	[SLUICE_ACT_GOTO]	= "goto",
	[SLUICE_ACT_PUNT]	= "punt",
	[SLUICE_ACT_TO_CPU]	= "to_cpu",
	[SLUICE_ACT_TUNNEL]	= "tunnel",
	[SLUICE_ACT_DECAP_LOCAL] = "decap_local",
	[SLUICE_ACT_CT]		= "ct",
	[SLUICE_ACT_CT_CLEAR]	= "ct_clear",
	[SLUICE_ACT_CT_MARK]	= "ct_mark",
	[SLUICE_ACT_CT_LABEL]	= "ct_label",
	[SLUICE_ACT_MPLS_PUSH]	= "mpls_push",
	[SLUICE_ACT_MPLS_POP]	= "mpls_pop",
	[SLUICE_ACT_HOST]	= "host",
	[SLUICE_ACT_ROUTE]	= "route",
	[SLUICE_ACT_COUNT]	= "count",
	[SLUICE_ACT_ETH_SET]	= "eth_set",
	[SLUICE_ACT_ETH_POP]	= "eth_pop",
	[SLUICE_ACT_SKIP]	= "skip",
	[SLUICE_ACT_SAMPLE]	= "sample",
	[SLUICE_ACT_POLICE]	= "police",
	[SLUICE_ACT_CONTINUE]	= "continue",
};

static int reject_reasons_show(struct seq_file *m, void *v)
{
	struct sluice_offload *off = m->private;
	unsigned int i;

	for (i = 0; i < SLUICE_REJECT_NUM; i++)
		seq_printf(m, "%-12s %lld\n", sluice_reject_name(i),
			   atomic64_read(&off->rejects[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(reject_reasons);

static void rule_show_program(struct seq_file *m,
			      const struct sluice_rule *rule)
{
	const struct sluice_action *act = (const struct sluice_action *)
		(rule->cmd.data + rule->cmd.key_words * sizeof(u64));
	unsigned int i;

	for (i = 0; i < rule->cmd.num_actions; i++, act++) {
		seq_printf(m, " %s", act_names[act->op]);
		switch (act->op) {
		case SLUICE_ACT_OUTPUT:
			seq_printf(m, ":%#x", le16_to_cpu(act->port));
			break;
		case SLUICE_ACT_PEDIT_SET:
		case SLUICE_ACT_PEDIT_ADD:
			seq_printf(m, ":%u+%u=%*phN/%*phN", act->flags,
				   le32_to_cpu(act->a), 4, act->c, 4, act->b);
			break;
		case SLUICE_ACT_CT:
			seq_printf(m, ":%u%s", le16_to_cpu(act->port),
				   act->flags & SLUICE_CT_ACT_NAT ? "/nat" :
								    "");
			break;
		case SLUICE_ACT_CT_MARK:
		case SLUICE_ACT_CT_LABEL:
			seq_printf(m, ":%u=%*phN/%*phN", le32_to_cpu(act->a),
				   4, act->c, 4, act->b);
			break;
		case SLUICE_ACT_VLAN_SET:
			seq_printf(m, ":%#x/%*phN", le32_to_cpu(act->a), 4,
				   act->b);
			break;
		case SLUICE_ACT_VLAN_PUSH:
		case SLUICE_ACT_MPLS_PUSH:
		case SLUICE_ACT_MPLS_POP:
		case SLUICE_ACT_CSUM:
		case SLUICE_ACT_HOST:
			seq_printf(m, ":%#x", le32_to_cpu(act->a));
			break;
		case SLUICE_ACT_POLICE:
			seq_printf(m, ":%u+%u+%u", le32_to_cpu(act->a),
				   act->b[0], act->c[0]);
			break;
		case SLUICE_ACT_SAMPLE:
			seq_printf(m, ":%u/%u", le32_to_cpu(act->a),
				   get_unaligned_le32(act->b));
			break;
		case SLUICE_ACT_SKIP:
			seq_printf(m, ":%u", act->b[0]);
			break;
		case SLUICE_ACT_GOTO:
		case SLUICE_ACT_TUNNEL:
		case SLUICE_ACT_DECAP_LOCAL:
			seq_printf(m, ":%u", le32_to_cpu(act->a));
			break;
		}
	}
}

static void rule_show(struct seq_file *m, const struct sluice_rule *rule)
{
	seq_printf(m, "cookie %p kind %u", (void *)rule->key.cookie,
		   rule->key.kind);
	if (rule->flags & SLUICE_RULE_BLIND)
		seq_puts(m, " blind");
	if (!(rule->flags & SLUICE_RULE_PLACED)) {
		seq_putc(m, '\n');
		return;
	}
	seq_printf(m, " %s id %u chain %u table %u prio %u.%08x mask %u",
		   rule->flags & SLUICE_RULE_IN_HW ? "in_hw" : "refused",
		   le32_to_cpu(rule->cmd.id), rule->table->chain,
		   rule->table->id, le32_to_cpu(rule->cmd.prio),
		   le32_to_cpu(rule->cmd.subprio), rule->mask->id);
	if (rule->counter != SLUICE_ID_NONE)
		seq_printf(m, " counter %u", rule->counter);
	seq_printf(m, " key %*phN:", rule->cmd.key_words * 8, rule->cmd.data);
	rule_show_program(m, rule);
	seq_putc(m, '\n');
}

static int rules_show(struct seq_file *m, void *v)
{
	struct sluice_offload *off = m->private;
	const struct sluice_block *block;
	const struct sluice_rule *rule;

	mutex_lock(&off->lock);
	list_for_each_entry(block, &off->blocks, node)
		list_for_each_entry(rule, &block->rules, list)
			rule_show(m, rule);
	mutex_unlock(&off->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rules);

/**
 * sluice_offload_debugfs_add() - show the offload in debugfs
 * @off: offload
 *
 * What fails is only not shown.
 */
void sluice_offload_debugfs_add(struct sluice_offload *off)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", SLUICE_DRV_NAME,
		 pci_name(off->sdev->pdev));
	off->debugfs = debugfs_create_dir(name, NULL);
	debugfs_create_file("rules", 0400, off->debugfs, off, &rules_fops);
	debugfs_create_file("reject_reasons", 0400, off->debugfs, off,
			    &reject_reasons_fops);
	sluice_tunnels_debugfs_add(off);
	sluice_ct_debugfs_add(off);
}

/**
 * sluice_offload_debugfs_remove() - hide it again
 * @off: offload; its lock not held
 */
void sluice_offload_debugfs_remove(struct sluice_offload *off)
{
	debugfs_remove_recursive(off->debugfs);
	off->debugfs = NULL;
}
