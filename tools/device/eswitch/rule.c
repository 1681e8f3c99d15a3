// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules: checking and keeping them.  Where they are found is table.c, what
 * they do is program.c.
 */
#include <stdlib.h>
#include "internal.h"

#define CSUM_ALL	0x7fu

static bool zero4(const uint8_t *p)
{
	return !(p[0] | p[1] | p[2] | p[3]);
}

/* Fields an operation does not use are zero. */
static bool action_well_formed(const struct sluice_action *act)
{
	bool flags = false, port = false, a = false, b = false, c = false;
	uint32_t value = le32toh(act->a);

	switch (act->op) {
	case SLUICE_ACT_DROP:
		if (act->flags & ~(SLUICE_DROP_F_METER |
				   SLUICE_DROP_F_COUNTER) ||
		    act->flags == SLUICE_DROP_F_COUNTER)
			return false;
		flags = true;
		a = act->flags & SLUICE_DROP_F_COUNTER;
		break;
	case SLUICE_ACT_COUNT:
		if (act->flags & ~SLUICE_COUNT_F_ZERO)
			return false;
		flags = true;
		a = true;
		break;
	case SLUICE_ACT_VLAN_POP:
	case SLUICE_ACT_ETH_POP:
	case SLUICE_ACT_PUNT:
	case SLUICE_ACT_TO_CPU:
	case SLUICE_ACT_CT_CLEAR:
		break;
	case SLUICE_ACT_OUTPUT:
		port = true;
		break;
	case SLUICE_ACT_VLAN_PUSH:
	case SLUICE_ACT_GOTO:
	case SLUICE_ACT_TUNNEL:
	case SLUICE_ACT_DECAP_LOCAL:
		a = true;
		break;
	case SLUICE_ACT_VLAN_SET:
		a = true;
		b = true;
		break;
	case SLUICE_ACT_POLICE:
		if (act->b[1] | act->b[2] | act->b[3] |
		    act->c[1] | act->c[2] | act->c[3])
			return false;
		a = true;
		b = true;
		c = true;
		break;
	case SLUICE_ACT_SKIP:
		if (act->b[1] | act->b[2] | act->b[3])
			return false;
		b = true;
		break;
	case SLUICE_ACT_MPLS_PUSH:
		if (act->flags & ~SLUICE_MPLS_F_BOTTOM || act->b[2] | act->b[3])
			return false;
		flags = true;
		a = true;
		b = true;
		break;
	case SLUICE_ACT_MPLS_POP:
	case SLUICE_ACT_HOST:
	case SLUICE_ACT_ROUTE:
		a = true;
		break;
	case SLUICE_ACT_CONTINUE:
		if (act->flags & ~SLUICE_CONTINUE_F_CPU)
			return false;
		flags = true;
		break;
	case SLUICE_ACT_PEDIT_SET:
	case SLUICE_ACT_PEDIT_ADD:
		if (act->flags < SLUICE_HDR_ETH || act->flags > SLUICE_HDR_NET)
			return false;
		flags = true;
		a = true;
		b = true;
		c = true;
		break;
	case SLUICE_ACT_ETH_SET:
		a = true;
		b = true;
		c = true;
		break;
	case SLUICE_ACT_CSUM:
		if (value & ~CSUM_ALL)
			return false;
		a = true;
		break;
	case SLUICE_ACT_CT:
		if (act->flags & ~(SLUICE_CT_ACT_NAT | SLUICE_CT_ACT_KEEP))
			return false;
		flags = true;
		port = true;
		a = true;
		break;
	case SLUICE_ACT_CT_LABEL:
		if (value > 3)
			return false;
		a = true;
		b = true;
		c = true;
		break;
	case SLUICE_ACT_CT_MARK:
		b = true;
		c = true;
		break;
	case SLUICE_ACT_SAMPLE:
		if (zero4(act->b))
			return false;
		a = true;
		b = true;
		break;
	default:
		return false;
	}
	return (flags || !act->flags) && (port || !act->port) &&
	       (a || !value) && (b || zero4(act->b)) && (c || zero4(act->c));
}

static bool ends(uint8_t op)
{
	return op == SLUICE_ACT_DROP || op == SLUICE_ACT_GOTO ||
	       op == SLUICE_ACT_PUNT || op == SLUICE_ACT_TO_CPU ||
	       op == SLUICE_ACT_DECAP_LOCAL || op == SLUICE_ACT_CONTINUE;
}

/**
 * sluice_rule_well_formed() - check a rule without any state
 * @spec: the rule
 *
 * Return: false when the command it came in is malformed: an unknown
 * operation or flag, a field set that the operation does not use, an operation
 * after one that ends the program when no meter leads there, a meter that leads
 * beyond the program, more key words than a key has.
 */
bool sluice_rule_well_formed(const struct sluice_rule_spec *spec)
{
	bool branches = false;
	unsigned int i;

	if (spec->flags & ~SLUICE_RULE_F_ZERO ||
	    spec->key_words > SLUICE_KEY_WORDS)
		return false;
	for (i = 0; i < spec->num_actions; i++) {
		const struct sluice_action *act = &spec->actions[i];
		unsigned int left = spec->num_actions - i - 1;

		if (!action_well_formed(act))
			return false;
		if (ends(act->op) && left && !branches)
			return false;
		if (act->op != SLUICE_ACT_POLICE &&
		    act->op != SLUICE_ACT_SKIP)
			continue;
		if (act->b[0] > left || act->c[0] > left)
			return false;
		if (act->op == SLUICE_ACT_POLICE)
			branches = true;
	}
	return true;
}

/* Do the program's numbers make sense here? */
static int check_actions(const struct sluice_esw *esw,
			 const struct sluice_rule_spec *spec)
{
	unsigned int i;

	for (i = 0; i < spec->num_actions; i++) {
		const struct sluice_action *act = &spec->actions[i];
		uint32_t a = le32toh(act->a);
		uint32_t tpid_mask;

		switch (act->op) {
		case SLUICE_ACT_OUTPUT:
			if (!esw_vport_get(esw, le16toh(act->port)))
				return SLUICE_ST_NOENT;
			break;
		case SLUICE_ACT_VLAN_PUSH:
			if (!esw_is_vlan((uint16_t)(a >> 16)))
				return SLUICE_ST_INVAL;
			break;
		case SLUICE_ACT_VLAN_SET:
			tpid_mask = esw_le32(act->b) >> 16;
			if (tpid_mask && tpid_mask != 0xffff)
				return SLUICE_ST_INVAL;
			if (tpid_mask && !esw_is_vlan((uint16_t)(a >> 16)))
				return SLUICE_ST_INVAL;
			break;
		case SLUICE_ACT_MPLS_PUSH:
			if (!esw_is_mpls(esw_get16(act->b)))
				return SLUICE_ST_INVAL;
			break;
		case SLUICE_ACT_MPLS_POP:
			if (a < ESW_P_802_3_MIN || a > 0xffff ||
			    esw_is_vlan((uint16_t)a))
				return SLUICE_ST_INVAL;
			break;
		case SLUICE_ACT_PEDIT_SET:
		case SLUICE_ACT_PEDIT_ADD:
			if (a > SLUICE_FRAME_MAX)
				return SLUICE_ST_INVAL;
			break;
		case SLUICE_ACT_GOTO:
			if (a >= esw->cfg.max_tables)
				return SLUICE_ST_INVAL;
			break;
		case SLUICE_ACT_TUNNEL:
			if (!esw_encap_get(esw, a))
				return a < esw->cfg.max_encaps ?
				       SLUICE_ST_NOENT : SLUICE_ST_INVAL;
			break;
		case SLUICE_ACT_DROP:
		case SLUICE_ACT_COUNT:
			if (a >= esw->cfg.max_counters &&
			    (act->op == SLUICE_ACT_COUNT || a))
				return SLUICE_ST_INVAL;
			break;
		case SLUICE_ACT_POLICE:
			if (!esw_meter_get(esw, a))
				return a < esw->cfg.max_meters ?
				       SLUICE_ST_NOENT : SLUICE_ST_INVAL;
			break;
		}
	}
	return SLUICE_ST_OK;
}

static int check_key(const struct esw_mask *mask,
		     const struct sluice_rule_spec *spec)
{
	unsigned int i;

	if (spec->key_words != mask->words)
		return SLUICE_ST_INVAL;
	for (i = 0; i < mask->words; i++)
		if (spec->key[i] & ~mask->bits[i])
			return SLUICE_ST_INVAL;
	return SLUICE_ST_OK;
}

static int check_rule(const struct sluice_esw *esw,
		      const struct sluice_rule_spec *spec)
{
	const struct esw_mask *mask = esw_mask_get(esw, spec->mask);
	int status;

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (spec->id >= esw->cfg.max_rules ||
	    spec->table >= esw->cfg.max_tables ||
	    spec->mask >= esw->cfg.max_masks ||
	    (spec->counter != SLUICE_ID_NONE &&
	     spec->counter >= esw->cfg.max_counters) ||
	    spec->num_actions > esw->cfg.max_actions ||
	    !sluice_rule_well_formed(spec))
		return SLUICE_ST_INVAL;
	if (!mask)
		return SLUICE_ST_NOENT;
	if (spec->id < esw->rules_size && esw->rules[spec->id])
		return SLUICE_ST_EXIST;
	status = check_key(mask, spec);
	if (status)
		return status;
	return check_actions(esw, spec);
}

/* Encaps and meters know how many steps of rules use them. */
static void ref_objects(const struct sluice_esw *esw,
			const struct esw_rule *rule, bool get)
{
	const struct sluice_action *act = esw_rule_actions(rule);
	unsigned int i;

	for (i = 0; i < rule->num_actions; i++) {
		uint32_t id = le32toh(act[i].a);
		uint32_t *refs;

		if (act[i].op == SLUICE_ACT_TUNNEL)
			refs = &esw_encap_get(esw, id)->refs;
		else if (act[i].op == SLUICE_ACT_POLICE)
			refs = &esw_meter_get(esw, id)->refs;
		else
			continue;
		*refs += get ? 1 : -1u;
	}
}

/* And so do counters: those of the first @num steps are given back. */
static void unref_counters(struct sluice_esw *esw, const struct esw_rule *rule,
			   unsigned int num)
{
	const struct sluice_action *act = esw_rule_actions(rule);

	for (; num; num--, act++)
		if (act->op == SLUICE_ACT_COUNT)
			esw_counter_unref(esw, le32toh(act->a));
}

static int ref_counters(struct sluice_esw *esw, const struct esw_rule *rule)
{
	const struct sluice_action *act = esw_rule_actions(rule);
	unsigned int i;
	int status;

	for (i = 0; i < rule->num_actions; i++) {
		if (act[i].op != SLUICE_ACT_COUNT)
			continue;
		status = esw_counter_ref(esw, le32toh(act[i].a),
					 act[i].flags & SLUICE_COUNT_F_ZERO);
		if (status) {
			unref_counters(esw, rule, i);
			return status;
		}
	}
	return SLUICE_ST_OK;
}

static size_t rule_size(uint32_t key_words, uint32_t num_actions)
{
	return sizeof(struct esw_rule) + key_words * sizeof(uint64_t) +
	       num_actions * sizeof(struct sluice_action);
}

/* Give its memory back. */
static void rule_release(struct sluice_esw *esw, struct esw_rule *rule)
{
	esw_slab_release(esw->slab, rule,
			 rule_size(rule->key_words, rule->num_actions));
}

static uint32_t rule_flags(const struct esw_rule *rule)
{
	const struct sluice_action *act = esw_rule_actions(rule);
	uint32_t i, flags = 0;

	if (rule->num_actions && act->op == SLUICE_ACT_CT)
		flags |= ESW_RULE_CT;
	if (flags && rule->num_actions == 2 && act[1].op == SLUICE_ACT_GOTO)
		flags |= ESW_RULE_CT_ALONE;

	for (i = 0; i < rule->num_actions; i++) {
		switch (act[i].op) {
		case SLUICE_ACT_VLAN_PUSH:
		case SLUICE_ACT_VLAN_POP:
		case SLUICE_ACT_VLAN_SET:
		case SLUICE_ACT_MPLS_PUSH:
		case SLUICE_ACT_MPLS_POP:
		case SLUICE_ACT_PEDIT_SET:
		case SLUICE_ACT_PEDIT_ADD:
		case SLUICE_ACT_CSUM:
		case SLUICE_ACT_ROUTE:
		case SLUICE_ACT_ETH_SET:
		case SLUICE_ACT_CT:
		case SLUICE_ACT_CT_CLEAR:
		case SLUICE_ACT_CT_MARK:
		case SLUICE_ACT_CT_LABEL:
			continue;
		case SLUICE_ACT_GOTO:
			return flags | ESW_RULE_PASSES;
		}
		break;
	}
	return flags;
}

/**
 * sluice_esw_rule_add() - create a rule
 * @esw: the eSwitch, in switchdev mode
 * @spec: the rule
 *
 * It takes effect for the next frame.
 *
 * Return: %SLUICE_ST_MODE; %SLUICE_ST_INVAL for a number out of range or a key
 * that does not fit the mask; %SLUICE_ST_NOENT for a mask, an output vport, an
 * encap or a meter that does not exist; %SLUICE_ST_EXIST; %SLUICE_ST_NOSPC; %SLUICE_ST_OK.
 */
int sluice_esw_rule_add(struct sluice_esw *esw,
			const struct sluice_rule_spec *spec)
{
	size_t key_size = spec->key_words * sizeof(uint64_t);
	size_t act_size = spec->num_actions * sizeof(*spec->actions);
	struct esw_rule *rule;
	int status = check_rule(esw, spec);

	if (status)
		return status;
	if (!esw_grow(&esw->rules, &esw->rules_size, spec->id,
		      esw->cfg.max_rules))
		return SLUICE_ST_NOSPC;
	rule = esw_slab_alloc(esw->slab, rule_size(spec->key_words,
						   spec->num_actions));
	if (!rule)
		return SLUICE_ST_NOSPC;
	rule->id = spec->id;
	rule->prio = spec->prio;
	rule->subprio = spec->subprio;
	rule->counter = spec->counter;
	rule->num_actions = spec->num_actions;
	rule->key_words = spec->key_words;
	if (key_size)
		memcpy(rule->data, spec->key, key_size);
	if (act_size)
		memcpy(rule->data + spec->key_words, spec->actions, act_size);
	rule->flags = rule_flags(rule);
	status = esw_table_insert(esw, spec->table,
				  esw->masks[spec->mask], rule);
	if (status)
		goto err_release;
	status = esw_counter_ref(esw, spec->counter,
				 spec->flags & SLUICE_RULE_F_ZERO);
	if (status)
		goto err_table;
	status = ref_counters(esw, rule);
	if (status)
		goto err_counter;
	ref_objects(esw, rule, true);
	esw->rules[spec->id] = rule;
	esw->num_rules++;
	return SLUICE_ST_OK;

err_counter:
	esw_counter_unref(esw, spec->counter);
err_table:
	esw_table_remove(esw, rule);
err_release:
	rule_release(esw, rule);
	return status;
}

static uint32_t rule_free(struct sluice_esw *esw, struct esw_rule *rule)
{
	uint32_t counter = rule->counter;

	ref_objects(esw, rule, false);
	unref_counters(esw, rule, rule->num_actions);
	esw_table_remove(esw, rule);
	esw_counter_unref(esw, counter);
	esw->rules[rule->id] = NULL;
	esw->num_rules--;
	rule_release(esw, rule);
	return counter;
}

/**
 * sluice_esw_rule_del() - remove a rule
 * @esw: the eSwitch, in switchdev mode
 * @id: rule id
 * @counter: set to the counter it named or %SLUICE_ID_NONE; the counter keeps
 *	its value
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOENT or
 * %SLUICE_ST_OK.
 */
int sluice_esw_rule_del(struct sluice_esw *esw, uint32_t id,
			uint32_t *counter)
{
	*counter = SLUICE_ID_NONE;
	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_rules)
		return SLUICE_ST_INVAL;
	if (id >= esw->rules_size || !esw->rules[id])
		return SLUICE_ST_NOENT;
	*counter = rule_free(esw, esw->rules[id]);
	return SLUICE_ST_OK;
}

/* Remove every rule. */
void esw_rules_flush(struct sluice_esw *esw)
{
	uint32_t i;

	for (i = 0; i < esw->rules_size && esw->num_rules; i++)
		if (esw->rules[i])
			rule_free(esw, esw->rules[i]);
	esw_slabs_release(esw->slab);
}
