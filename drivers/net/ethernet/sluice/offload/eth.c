// SPDX-License-Identifier: GPL-2.0-only
/*
 * "vlan pop_eth" and "vlan push_eth".
 *
 * Between them a packet is no frame, and most of tc's actions do to it what they
 * were not made for.  MPLS actions are (Ethernet over MPLS), so those may be
 * there; in the device they do the same to the frame.  A header that is pushed
 * then makes it a frame again.  Without one, what was behind the last label has to
 * be a frame, and it goes out as that: to software it has no headers any more.
 */
#include <linux/etherdevice.h>

#include "offload.h"

static int eth_pop(struct sluice_offload *off, struct netlink_ext_ack *extack,
		   struct sluice_program *prog)
{
	if (!(off->sdev->caps & SLUICE_CAP_ETH))
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "the device has no vlan pop_eth");
	if (prog->state.eth != SLUICE_ETH_FRAME)
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "vlan pop_eth twice");
	if (prog->state.tun)
		return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
				     "vlan pop_eth with a tunnel header");
	prog->state.eth = SLUICE_ETH_NONE;
	return 0;
}

static int eth_push(struct sluice_offload *off,
		    const struct flow_action_entry *entry,
		    struct netlink_ext_ack *extack, struct sluice_program *prog)
{
	struct sluice_action *act;
	u8 macs[2 * ETH_ALEN];

	/* Software drops a packet that has one. */
	if (prog->state.eth != SLUICE_ETH_NONE &&
	    prog->state.eth != SLUICE_ETH_INNER)
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "vlan push_eth without pop_eth");
	ether_addr_copy(macs, entry->vlan_push_eth.dst);
	ether_addr_copy(macs + ETH_ALEN, entry->vlan_push_eth.src);
	act = sluice_program_step(prog, SLUICE_ACT_ETH_SET);
	memcpy(&act->a, macs, sizeof(act->a));
	memcpy(act->b, macs + 4, sizeof(act->b));
	memcpy(act->c, macs + 8, sizeof(act->c));
	prog->state.eth = SLUICE_ETH_FRAME;
	return 0;
}

/**
 * sluice_eth_parse() - an action, as far as it has to do with the Ethernet header
 * @off: offload, lock held
 * @entry: the action
 * @extack: for the reason of a refusal
 * @prog: program to append to
 *
 * Return: 1 when that was all there is to it, 0 when the action goes on, or
 * -EOPNOTSUPP.
 */
int sluice_eth_parse(struct sluice_offload *off,
		     const struct flow_action_entry *entry,
		     struct netlink_ext_ack *extack,
		     struct sluice_program *prog)
{
	enum sluice_eth *eth = &prog->state.eth;

	switch (entry->id) {
	case FLOW_ACTION_VLAN_POP_ETH:
		return eth_pop(off, extack, prog) ?: 1;
	case FLOW_ACTION_VLAN_PUSH_ETH:
		return eth_push(off, entry, extack, prog) ?: 1;
	case FLOW_ACTION_MPLS_PUSH:
	case FLOW_ACTION_MPLS_MANGLE:
		if (*eth == SLUICE_ETH_INNER)
			*eth = SLUICE_ETH_NONE;
		break;
	case FLOW_ACTION_MPLS_POP:
		if (*eth == SLUICE_ETH_NONE || *eth == SLUICE_ETH_INNER)
			*eth = entry->mpls_pop.proto == htons(ETH_P_TEB) ?
			       SLUICE_ETH_INNER : SLUICE_ETH_NONE;
		break;
	case FLOW_ACTION_REDIRECT:
	case FLOW_ACTION_MIRRED:
		if (*eth == SLUICE_ETH_INNER) {
			sluice_program_step(prog, SLUICE_ACT_ETH_POP);
			*eth = SLUICE_ETH_BARE;
		}
		if (*eth == SLUICE_ETH_BARE)
			return 0;
		break;
	case FLOW_ACTION_DROP:
		return 0;
	default:
		return sluice_eth_end(off, extack, prog);
	}
	if (*eth == SLUICE_ETH_BARE ||
	    (*eth == SLUICE_ETH_NONE && (entry->id == FLOW_ACTION_REDIRECT ||
					 entry->id == FLOW_ACTION_MIRRED)))
		return sluice_eth_end(off, extack, prog);
	return 0;
}

/**
 * sluice_eth_end() - something that only frames can take part in
 * @off: offload, lock held
 * @extack: for the reason of a refusal
 * @prog: program
 *
 * Return: 0, or -EOPNOTSUPP behind "vlan pop_eth".
 */
int sluice_eth_end(struct sluice_offload *off, struct netlink_ext_ack *extack,
		   const struct sluice_program *prog)
{
	if (prog->state.eth == SLUICE_ETH_FRAME)
		return 0;
	return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
			     "behind vlan pop_eth only mpls, push_eth or an inner frame's output");
}
