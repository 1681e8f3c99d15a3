// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc actions as a program of the device.
 *
 * Software runs the actions in order until one does not say "pipe".  What each
 * one says (its control) is not part of struct flow_action_entry, but tc
 * leaves the address of its action there, in the cookie.
 */
#include <linux/if_vlan.h>
#include <net/tc_act/tc_vlan.h>

#include "../tunnel/tunnel.h"
#include "offload.h"

/* Checksums both tc and the device know, with the same bits. */
#define CSUM_FLAGS							\
	(SLUICE_CSUM_IPV4HDR | SLUICE_CSUM_ICMP | SLUICE_CSUM_IGMP |	\
	 SLUICE_CSUM_TCP | SLUICE_CSUM_UDP | SLUICE_CSUM_UDPLITE |	\
	 SLUICE_CSUM_SCTP)

/* What happens after an action, or after the last one. */
enum verdict {
	VERDICT_NEXT,
	VERDICT_HOST,
	VERDICT_DROP,
	VERDICT_DONE,
	VERDICT_GOTO,
};

/* What the actions we refuse are called in tc's manual pages. */
static const char * const action_names[NUM_FLOW_ACTIONS] = {
	[FLOW_ACTION_MIRRED_INGRESS]	= "mirred ingress mirror",
	[FLOW_ACTION_MARK]		= "skbedit mark",
	[FLOW_ACTION_PRIORITY]		= "skbedit priority",
	[FLOW_ACTION_RX_QUEUE_MAPPING]	= "skbedit queue_mapping",
	[FLOW_ACTION_SAMPLE]		= "sample",
	[FLOW_ACTION_POLICE]		= "police",
	[FLOW_ACTION_CT]		= "ct",
	[FLOW_ACTION_CT_METADATA]	= "ct",
	[FLOW_ACTION_MPLS_PUSH]		= "mpls push",
	[FLOW_ACTION_MPLS_POP]		= "mpls pop",
	[FLOW_ACTION_MPLS_MANGLE]	= "mpls modify",
	[FLOW_ACTION_GATE]		= "gate",
	[FLOW_ACTION_VLAN_PUSH_ETH]	= "vlan push_eth",
	[FLOW_ACTION_VLAN_POP_ETH]	= "vlan pop_eth",
};

/**
 * sluice_program_step() - append a step
 * @prog: program
 * @op: enum sluice_act
 *
 * Return: the step, zero but for @op; past the end of a program that is too
 * long it is a scratch one that counts all the same.
 */
struct sluice_action *sluice_program_step(struct sluice_program *prog, u8 op)
{
	unsigned int i = min_t(unsigned int, prog->num++,
			       SLUICE_PROGRAM_MAX - 1);

	memset(&prog->act[i], 0, sizeof(prog->act[i]));
	prog->act[i].op = op;
	return &prog->act[i];
}

static int actions_hw_stats(struct sluice_offload *off,
			    const struct flow_action *action,
			    struct netlink_ext_ack *extack,
			    struct sluice_program *prog)
{
	u8 type;
	int i;

	prog->count = true;
	if (!action->num_entries)
		return 0;
	type = action->entries[0].hw_stats;
	for (i = 1; i < action->num_entries; i++)
		if (action->entries[i].hw_stats != type)
			return sluice_reject(off, extack,
					     SLUICE_REJECT_HW_STATS,
					     "actions differ in hw_stats");
	if (type & FLOW_ACTION_HW_STATS_DELAYED)
		return 0;
	if (type == FLOW_ACTION_HW_STATS_DISABLED) {
		prog->count = false;
		return 0;
	}
	return sluice_reject(off, extack, SLUICE_REJECT_HW_STATS,
			     "hw_stats immediate is not supported");
}

/* Send through a tunnel device. */
static int action_tunnel(struct sluice_offload *off,
			 struct sluice_tunnel_dev *td,
			 struct netlink_ext_ack *extack,
			 struct sluice_program *prog)
{
	struct sluice_encap *encap;

	if (!prog->tun)
		return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
				     "redirect to %s without tunnel_key set",
				     netdev_name(td->dev));
	if (prog->num_encaps == SLUICE_PROGRAM_MAX)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "too many tunnels");
	encap = sluice_encap_get(off->tunnels, td, prog->tun, extack);
	if (IS_ERR(encap))
		return PTR_ERR(encap) == -ENOSPC ? -EOPNOTSUPP :
						   PTR_ERR(encap);
	prog->encaps[prog->num_encaps++] = encap;
	sluice_program_step(prog, SLUICE_ACT_TUNNEL)->a =
		cpu_to_le32(encap->id);
	return 0;
}

/**
 * sluice_program_release() - give back what a program holds
 * @off: offload, lock held
 * @prog: program
 */
void sluice_program_release(struct sluice_offload *off,
			    struct sluice_program *prog)
{
	while (prog->num_encaps)
		sluice_encap_put(off->tunnels,
				 prog->encaps[--prog->num_encaps]);
}

/*
 * Hand over to an internal port of Open vSwitch.  The device does so if there
 * is a tunnel to leave; else the packet is software's.
 */
static int action_local(struct sluice_offload *off,
			const struct flow_action_entry *entry,
			struct netlink_ext_ack *extack,
			struct sluice_program *prog)
{
	const struct sluice_underlay *underlay = NULL;

	if (off->tunnels && entry->dev)
		underlay = sluice_underlay_find(off->tunnels, entry->dev);
	if (!underlay || underlay->place != SLUICE_PLACE_INTERNAL)
		return sluice_reject(off, extack, SLUICE_REJECT_TARGET,
				     "ingress redirect to no Open vSwitch port");
	if (!prog->to_host)
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "ingress redirect without skbedit ptype host");
	if (prog->tun)
		return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
				     "ingress redirect behind tunnel_key");
	prog->local = true;
	sluice_program_step(prog, SLUICE_ACT_DECAP_LOCAL)->a =
		cpu_to_le32(underlay->group);
	return 0;
}

static int action_output(struct sluice_offload *off,
			 const struct flow_action_entry *entry,
			 struct netlink_ext_ack *extack,
			 struct sluice_program *prog)
{
	struct sluice_tunnel_dev *td;
	struct sluice_vport *vport;

	if (!entry->dev)
		return sluice_reject(off, extack, SLUICE_REJECT_TARGET,
				     "cannot redirect or mirror to a block");
	td = off->tunnels ? sluice_tunnel_dev_find(off->tunnels, entry->dev) :
			    NULL;
	if (td)
		return action_tunnel(off, td, extack, prog);
	rcu_read_lock();
	vport = sluice_esw_vport_by_netdev(off->sdev, entry->dev);
	rcu_read_unlock();
	/* It stays while it is not gone: that takes our lock. */
	if (!vport || vport->gone)
		return sluice_reject(off, extack, SLUICE_REJECT_TARGET,
				     "%s is not a port of this switch",
				     netdev_name(entry->dev));
	if (prog->num_outs < SLUICE_PROGRAM_MAX)
		prog->outs[prog->num_outs++] = vport;
	sluice_program_step(prog, SLUICE_ACT_OUTPUT)->port =
		cpu_to_le16(vport->num);
	return 0;
}

/* Is the priority part of a "vlan modify"? */
static bool vlan_modifies_prio(const struct flow_action_entry *entry)
{
	const struct tc_action *act = (const struct tc_action *)entry->cookie;
	bool exists = true;

	if (!act)
		return true;
	rcu_read_lock();
	exists = rcu_dereference(to_vlan(act)->vlan_p)->tcfv_push_prio_exists;
	rcu_read_unlock();
	return exists;
}

static void action_vlan(const struct flow_action_entry *entry,
			struct sluice_program *prog)
{
	u32 tag = (u32)be16_to_cpu(entry->vlan.proto) << 16 |
		  (entry->vlan.prio << VLAN_PRIO_SHIFT & VLAN_PRIO_MASK) |
		  (entry->vlan.vid & VLAN_VID_MASK);
	struct sluice_action *act;
	__le32 mask;

	if (entry->id == FLOW_ACTION_VLAN_POP) {
		sluice_program_step(prog, SLUICE_ACT_VLAN_POP);
		return;
	}
	if (entry->id == FLOW_ACTION_VLAN_PUSH) {
		act = sluice_program_step(prog, SLUICE_ACT_VLAN_PUSH);
		act->a = cpu_to_le32(tag);
		return;
	}
	/* Ethertype and id always; the DEI bit stays. */
	act = sluice_program_step(prog, SLUICE_ACT_VLAN_SET);
	mask = cpu_to_le32(0xffff0000 | VLAN_VID_MASK |
			   (vlan_modifies_prio(entry) ? VLAN_PRIO_MASK : 0));
	act->a = cpu_to_le32(tag) & mask;
	memcpy(act->b, &mask, sizeof(act->b));
}

/* Translate what an action's control says. */
static int action_control(struct sluice_offload *off,
			  const struct flow_action_entry *entry,
			  struct netlink_ext_ack *extack,
			  struct sluice_program *prog, enum verdict *verdict)
{
	const struct tc_action *act = (const struct tc_action *)entry->cookie;
	bool redirect = entry->id == FLOW_ACTION_REDIRECT ||
			entry->id == FLOW_ACTION_REDIRECT_INGRESS;
	int control = redirect ? TC_ACT_STOLEN : TC_ACT_PIPE;

	if (act)
		control = READ_ONCE(act->tcfa_action);
	if (TC_ACT_EXT_CMP(control, TC_ACT_GOTO_CHAIN) && !redirect) {
		prog->chain = control & TC_ACT_EXT_VAL_MASK;
		*verdict = VERDICT_GOTO;
		return 0;
	}
	switch (control) {
	case TC_ACT_STOLEN:
	case TC_ACT_QUEUED:
	case TC_ACT_TRAP:
		*verdict = VERDICT_DONE;
		return 0;
	case TC_ACT_SHOT:
		/* A redirected packet is out of reach already. */
		*verdict = redirect ? VERDICT_DONE : VERDICT_DROP;
		return 0;
	case TC_ACT_PIPE:
	case TC_ACT_OK:
		if (redirect)
			break;
		*verdict = control == TC_ACT_PIPE ? VERDICT_NEXT :
						    VERDICT_HOST;
		return 0;
	}
	if (redirect)
		return sluice_reject(off, extack, SLUICE_REJECT_CONTROL,
				     "redirect with control %#x", control);
	return sluice_reject(off, extack, SLUICE_REJECT_CONTROL,
			     "action with control %#x", control);
}

/*
 * Translate the action at @entry, of which @left entries are left.
 * Return: how many entries it takes, or -EOPNOTSUPP.
 */
static int action_parse(struct sluice_offload *off,
			const struct flow_action_entry *entry,
			unsigned int left, struct netlink_ext_ack *extack,
			struct sluice_program *prog, enum verdict *verdict)
{
	const char *name;
	int taken = 1;
	int err;

	switch (entry->id) {
	case FLOW_ACTION_ACCEPT:
	case FLOW_ACTION_TRAP:
		*verdict = VERDICT_HOST;
		return 1;
	case FLOW_ACTION_DROP:
		*verdict = VERDICT_DROP;
		return 1;
	case FLOW_ACTION_GOTO:
		prog->chain = entry->chain_index;
		*verdict = VERDICT_GOTO;
		return 1;
	case FLOW_ACTION_REDIRECT:
	case FLOW_ACTION_MIRRED:
		err = action_output(off, entry, extack, prog);
		if (err)
			return err;
		break;
	case FLOW_ACTION_REDIRECT_INGRESS:
		err = action_local(off, entry, extack, prog);
		if (err)
			return err;
		break;
	case FLOW_ACTION_PTYPE:
		if (entry->ptype != PACKET_HOST)
			return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
					     "skbedit ptype other than host");
		prog->to_host = true;
		break;
	case FLOW_ACTION_VLAN_PUSH:
	case FLOW_ACTION_VLAN_MANGLE:
		if (!eth_type_vlan(entry->vlan.proto))
			return sluice_reject(off, extack, SLUICE_REJECT_VLAN,
					     "vlan protocol %#x is not supported",
					     be16_to_cpu(entry->vlan.proto));
		fallthrough;
	case FLOW_ACTION_VLAN_POP:
		action_vlan(entry, prog);
		break;
	case FLOW_ACTION_MANGLE:
	case FLOW_ACTION_ADD:
		taken = sluice_pedit_parse(off, entry, left, extack, prog);
		if (taken < 0)
			return taken;
		break;
	case FLOW_ACTION_TUNNEL_ENCAP:
		prog->tun = entry->tunnel;
		break;
	case FLOW_ACTION_TUNNEL_DECAP:
		/* The header itself is off since the tunnel device. */
		prog->tun = NULL;
		prog->unset = true;
		break;
	case FLOW_ACTION_CSUM:
		if (entry->csum_flags & ~CSUM_FLAGS)
			return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
					     "csum of protocols %#x",
					     entry->csum_flags & ~CSUM_FLAGS);
		sluice_program_step(prog, SLUICE_ACT_CSUM)->a =
			cpu_to_le32(entry->csum_flags);
		break;
	default:
		name = entry->id < NUM_FLOW_ACTIONS ?
		       action_names[entry->id] : NULL;
		if (name)
			return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
					     "action %s is not supported",
					     name);
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "action %u is not supported", entry->id);
	}
	err = action_control(off, entry, extack, prog, verdict);
	return err ? err : taken;
}

/* Can packets of a filter be for a tunnel of the host at all? */
static bool may_be_tunnel(struct sluice_block *block,
			  const struct flow_cls_offload *f)
{
	__be16 proto = f->common.protocol;
	struct sluice_port *port;
	unsigned long i;

	if (block->of_tunnel || block->of_host)
		return false;
	xa_for_each(&block->ports, i, port)
		if (i < SLUICE_VPORT_UPLINK(0))
			return false;
	return proto == htons(ETH_P_IP) || proto == htons(ETH_P_IPV6) ||
	       proto == htons(ETH_P_ALL) || eth_type_vlan(proto);
}

/*
 * A packet that goes on to the host.  When software has the filter too, the
 * packet is simply left to it; then nothing may have happened before.
 */
static int program_to_host(struct sluice_offload *off,
			   const struct flow_cls_offload *f,
			   struct sluice_program *prog)
{
	if (sluice_compat_skip_sw(&f->common)) {
		sluice_program_step(prog, SLUICE_ACT_TO_CPU);
		return 0;
	}
	if (prog->num)
		return sluice_reject(off, f->common.extack, SLUICE_REJECT_HOST,
				     "actions before pass or trap need skip_sw");
	sluice_program_step(prog, SLUICE_ACT_PUNT);
	prog->count = false;
	return 0;
}

/**
 * sluice_actions_parse() - what a filter does
 * @block: block of the filter; offload lock held
 * @f: tc's call
 * @prog: zeroed; filled in, also on failure to be released
 *
 * Documentation/hardware/eswitch.md, "Programs".
 *
 * Return: 0, or -EOPNOTSUPP when the device cannot do exactly that.
 */
int sluice_actions_parse(struct sluice_block *block,
			 const struct flow_cls_offload *f,
			 struct sluice_program *prog)
{
	struct sluice_offload *off = block->off;
	struct netlink_ext_ack *extack = f->common.extack;
	const struct flow_action *action = &f->rule->action;
	enum verdict verdict = VERDICT_NEXT;
	unsigned int i = 0;
	u32 max;
	int ret;

	ret = actions_hw_stats(off, action, extack, prog);
	if (ret)
		return ret;
	while (i < action->num_entries) {
		if (verdict != VERDICT_NEXT)
			return sluice_reject(off, extack,
					     SLUICE_REJECT_CONTROL,
					     "an action follows one without pipe");
		ret = action_parse(off, &action->entries[i],
				   action->num_entries - i, extack, prog,
				   &verdict);
		if (ret < 0)
			return ret;
		i += ret;
	}

	if (prog->local && !may_be_tunnel(block, f))
		return sluice_reject(off, extack, SLUICE_REJECT_TARGET,
				     "only IP of uplinks goes to host tunnels");
	if (prog->to_host && !prog->local)
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "skbedit ptype without ingress redirect");
	switch (verdict) {
	case VERDICT_NEXT:
	case VERDICT_HOST:
		ret = program_to_host(off, f, prog);
		if (ret)
			return ret;
		break;
	case VERDICT_DROP:
		sluice_program_step(prog, SLUICE_ACT_DROP);
		break;
	case VERDICT_GOTO:
		/* The device's packet has its tunnel header for good. */
		if (prog->tun || (prog->unset && block->of_tunnel))
			return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
					     "goto behind tunnel_key");
		sluice_program_step(prog, SLUICE_ACT_GOTO);
		prog->goes = true;
		break;
	case VERDICT_DONE:
		break;
	}
	max = min_t(u32, off->sdev->limits.max_actions, SLUICE_PROGRAM_MAX);
	if (prog->num > max)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "%u steps, the device runs %u",
				     prog->num, max);
	return 0;
}
