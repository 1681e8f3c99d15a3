// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Large frames: what a function wanted segmented goes to another function in
 * one piece, where that makes no difference but speed.
 *
 * That is so when every frame it stands for would hit the same rules, and
 * these do nothing but count and send it to one function.  All else is done
 * frame by frame.
 */
#include "internal.h"

#define TCP_FIN		0x001
#define TCP_PSH		0x008
#define TCP_CWR		0x080

/* The rules hit on the way to @out. */
struct large_way {
	struct esw_vport *out;
	uint32_t counter[SLUICE_MAX_HOPS + 1];
	unsigned int num_hits;
};

/* The rule that all frames hit in a table, NULL when there is no such one. */
static const struct esw_rule *rule_of_all(struct sluice_esw *esw,
					  uint32_t table, union esw_key *k,
					  const struct sluice_large *l)
{
	uint16_t flags = be16toh(k->key.tcp_flags);
	uint16_t variant[3] = {
		flags & ~(TCP_FIN | TCP_PSH),
		flags & ~TCP_CWR,
		flags & ~(TCP_FIN | TCP_PSH | TCP_CWR),
	};
	struct esw_lookup look = { .key = k->words, .id = table };
	const struct esw_rule *rule = NULL;
	unsigned int i, n = l->segs > 2 ? 3 : 2;

	for (i = 0; i < n; i++) {
		if (i && variant[i] == variant[i - 1])
			continue;
		k->key.tcp_flags = htobe16(variant[i]);
		esw_lookup(esw, &look, 1);
		if (!look.rule || (rule && look.rule != rule))
			return NULL;
		rule = look.rule;
	}
	k->key.tcp_flags = htobe16(flags);
	return rule;
}

/* False unless the program just sends to one port or goes on in a table. */
static bool plain_program(const struct sluice_esw *esw,
			  const struct esw_rule *rule, uint32_t *table,
			  struct esw_vport **out)
{
	const struct sluice_action *act = esw_rule_actions(rule);

	if (rule->num_actions != 1)
		return false;
	if (act->op == SLUICE_ACT_GOTO) {
		*table = le32toh(act->a);
		return true;
	}
	if (act->op != SLUICE_ACT_OUTPUT)
		return false;
	*out = esw_vport_get(esw, le16toh(act->port));
	return !(*out)->egress_punt;
}

static bool find_way(struct sluice_esw *esw, struct esw_vport *src,
		     const struct sluice_pkt *p, const struct sluice_large *l,
		     struct large_way *w)
{
	uint32_t table = src->root_table;
	union esw_key k;

	w->out = NULL;
	w->num_hits = 0;
	if (table == SLUICE_ID_NONE)
		return false;
	esw_key_read(esw, src->num, p, false, &k);
	while (!w->out) {
		const struct esw_rule *rule = rule_of_all(esw, table, &k, l);

		if (!rule || w->num_hits > SLUICE_MAX_HOPS ||
		    !plain_program(esw, rule, &table, &w->out))
			return false;
		w->counter[w->num_hits++] = rule->counter;
	}
	return true;
}

static bool switchdev_input(struct sluice_esw *esw, struct esw_vport *src,
			    const struct sluice_large *l)
{
	uint64_t now = esw->host.now(esw->host.ctx);
	struct large_way w;
	struct sluice_pkt p;
	uint32_t bytes;
	unsigned int i;

	if (!sluice_pkt_init(&p, l->frame, l->len) ||
	    !find_way(esw, src, &p, l, &w) ||
	    !esw_vport_deliver_large(esw, w.out, l))
		return false;
	/* tc does not count the Ethernet header and the outermost tag. */
	bytes = l->bytes - l->segs * (esw_pkt_len(&p) - esw_l3_len(&p));
	for (i = 0; i < w.num_hits; i++)
		esw_counter_add(esw, w.counter[i], l->segs, bytes, now);
	esw->lookups += l->segs;
	esw->hits += l->segs;
	return true;
}

/**
 * sluice_esw_input_large() - a function sent a large frame
 * @esw: the eSwitch
 * @in_vport: the function's vport
 * @l: the frame
 *
 * Return: true when it has gone as it is, false when nothing has happened.
 */
bool sluice_esw_input_large(struct sluice_esw *esw, uint16_t in_vport,
			    const struct sluice_large *l)
{
	struct esw_vport *src, *dst;

	esw_lane_check(esw);
	src = esw_vport_get(esw, in_vport);
	if (!esw->host.deliver_large || !src || src->uplink ||
	    !esw_vport_lets_out(esw, src, l))
		return false;
	if (esw->mode == SLUICE_ESW_LEGACY) {
		dst = esw_legacy_only(esw, src, l->frame, l->len);
		if (!dst || !esw_vport_deliver_large(esw, dst, l))
			return false;
	} else if (in_vport == SLUICE_VPORT_PF ||
		   !switchdev_input(esw, src, l)) {
		return false;
	}
	esw_vport_count_large(esw, src, l);
	return true;
}

/**
 * sluice_esw_direct_large() - the PF sent a large frame straight to a vport
 * @esw: the eSwitch
 * @dst: the vport
 * @l: the frame
 *
 * Return: true when it has gone as it is, false when nothing has happened.
 */
bool sluice_esw_direct_large(struct sluice_esw *esw, uint16_t dst,
			     const struct sluice_large *l)
{
	struct esw_vport *vp;

	esw_lane_check(esw);
	vp = esw_vport_get(esw, dst);
	return esw->host.deliver_large && vp && dst != SLUICE_VPORT_PF &&
	       esw->mode == SLUICE_ESW_SWITCHDEV &&
	       esw_vport_deliver_large(esw, vp, l);
}
