// SPDX-License-Identifier: GPL-2.0-only
/*
 * flower's keys of a connection.
 *
 * A packet that the device did not track has none: they are zero, as in
 * software.  One that is new, related or invalid is not tracked by the device,
 * so a filter that asks for that has its place there but is never hit.
 */
#include "offload.h"

/**
 * sluice_match_ct() - what a flower filter asks of the connection
 * @rule: tc's description
 * @match: its ct fields are filled in
 */
void sluice_match_ct(const struct flow_rule *rule, struct sluice_match *match)
{
	struct sluice_key *mask = &match->mask, *key = &match->key;
	struct flow_match_ct m;
	u8 i;

	flow_rule_match_ct(rule, &m);
	mask->ct_state = cpu_to_le16(m.mask->ct_state);
	mask->ct_zone = cpu_to_le16(m.mask->ct_zone);
	mask->ct_mark = cpu_to_le32(m.mask->ct_mark);
	memcpy(mask->ct_label, m.mask->ct_labels, sizeof(mask->ct_label));
	key->ct_state = cpu_to_le16(m.key->ct_state) & mask->ct_state;
	key->ct_zone = cpu_to_le16(m.key->ct_zone) & mask->ct_zone;
	key->ct_mark = cpu_to_le32(m.key->ct_mark) & mask->ct_mark;
	memcpy(key->ct_label, m.key->ct_labels, sizeof(key->ct_label));
	for (i = 0; i < sizeof(key->ct_label); i++)
		key->ct_label[i] &= mask->ct_label[i];
}
