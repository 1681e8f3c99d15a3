// SPDX-License-Identifier: GPL-2.0-only
/*
 * pedit as steps of a program.
 *
 * Both write raw bytes and leave checksums to the csum action.  tc's mask has
 * the bits to keep, the device's those to change.  To both the outermost VLAN tag
 * is not among the bytes, and what does not fit into a packet is software's.
 */
#include <net/tc_act/tc_pedit.h>

#include "offload.h"

/* Headers of tc, the device's and their names for messages. */
static const struct {
	u8 hdr;
	const char *name;
} pedit_hdrs[] = {
	[FLOW_ACT_MANGLE_UNSPEC] = { SLUICE_HDR_NET, "network" },
	[FLOW_ACT_MANGLE_HDR_TYPE_ETH] = { SLUICE_HDR_ETH, "eth" },
	/* tc writes to them whatever the packet is, the device asks first. */
	[FLOW_ACT_MANGLE_HDR_TYPE_IP4] = { SLUICE_HDR_IP4, "ip" },
	[FLOW_ACT_MANGLE_HDR_TYPE_IP6] = { SLUICE_HDR_IP6, "ip6" },
	[FLOW_ACT_MANGLE_HDR_TYPE_TCP] = { SLUICE_HDR_TCP, "tcp" },
	[FLOW_ACT_MANGLE_HDR_TYPE_UDP] = { SLUICE_HDR_UDP, "udp" },
};

/*
 * Entries of one pedit action, and whether each has a fixed offset, which
 * struct flow_action_entry does not tell.
 */
static unsigned int pedit_keys(const struct flow_action_entry *entry,
			       bool *fixed)
{
	const struct tc_action *act = (const struct tc_action *)entry->cookie;
	const struct tcf_pedit_parms *parms;
	unsigned int i, num;

	*fixed = true;
	if (!act)
		return 1;
	rcu_read_lock();
	parms = to_pedit_parms(act);
	num = parms->tcfp_nkeys;
	for (i = 0; i < num; i++)
		if (parms->tcfp_keys[i].offmask)
			*fixed = false;
	rcu_read_unlock();
	return num;
}

static int pedit_key(struct sluice_offload *off,
		     const struct flow_action_entry *entry,
		     struct netlink_ext_ack *extack,
		     struct sluice_program *prog)
{
	bool add = entry->id == FLOW_ACTION_ADD;
	int offset = (int)entry->mangle.offset;
	u32 change = ~entry->mangle.mask;
	u32 val = entry->mangle.val;
	struct sluice_action *act;
	const char *name;
	u8 hdr;

	if (entry->mangle.htype >= ARRAY_SIZE(pedit_hdrs))
		return sluice_reject(off, extack, SLUICE_REJECT_PEDIT,
				     "pedit of header type %u",
				     entry->mangle.htype);
	hdr = pedit_hdrs[entry->mangle.htype].hdr;
	name = pedit_hdrs[entry->mangle.htype].name;
	/* The Ethernet header is right before the network header. */
	if (hdr == SLUICE_HDR_NET && offset < 0) {
		hdr = SLUICE_HDR_ETH;
		offset += ETH_HLEN;
	}
	if (offset < 0 || offset > SLUICE_FRAME_MAX)
		return sluice_reject(off, extack, SLUICE_REJECT_PEDIT,
				     "pedit of %s header at offset %d",
				     name, (int)entry->mangle.offset);
	/* tc flips bits that are in the value but not to be written. */
	if (!add && val & ~change)
		return sluice_reject(off, extack, SLUICE_REJECT_PEDIT,
				     "pedit inverts bits of the %s header",
				     name);
	/* The device adds little-endian numbers, tc those of the machine. */
	if (add && IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		return sluice_reject(off, extack, SLUICE_REJECT_PEDIT,
				     "pedit add on a big-endian machine");

	act = sluice_program_step(prog, add ? SLUICE_ACT_PEDIT_ADD :
					      SLUICE_ACT_PEDIT_SET);
	act->flags = hdr;
	act->a = cpu_to_le32(offset);
	memcpy(act->b, &change, sizeof(act->b));
	memcpy(act->c, &val, sizeof(act->c));
	return 0;
}

/**
 * sluice_pedit_parse() - translate a pedit action
 * @off: offload, lock held
 * @entry: its first entry
 * @left: entries from there to the end
 * @extack: for the reason of a refusal
 * @prog: program to append to
 *
 * Return: the number of entries it takes, or -EOPNOTSUPP.
 */
int sluice_pedit_parse(struct sluice_offload *off,
		       const struct flow_action_entry *entry,
		       unsigned int left, struct netlink_ext_ack *extack,
		       struct sluice_program *prog)
{
	unsigned int i, num;
	bool fixed;
	int err;

	num = pedit_keys(entry, &fixed);
	if (!fixed)
		return sluice_reject(off, extack, SLUICE_REJECT_PEDIT,
				     "pedit with \"at\" is not supported");
	if (!num || num > left)
		return sluice_reject(off, extack, SLUICE_REJECT_PEDIT,
				     "pedit changed meanwhile");
	for (i = 0; i < num; i++) {
		if (entry[i].id != FLOW_ACTION_MANGLE &&
		    entry[i].id != FLOW_ACTION_ADD)
			return sluice_reject(off, extack, SLUICE_REJECT_PEDIT,
					     "pedit changed meanwhile");
		err = pedit_key(off, &entry[i], extack, prog);
		if (err)
			return err;
	}
	return num;
}
