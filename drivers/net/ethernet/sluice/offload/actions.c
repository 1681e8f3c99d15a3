// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc actions as a program of the device.
 *
 * Software runs the actions in order until one does not say "pipe".  What each
 * one says (its control) is not part of struct flow_action_entry, but tc
 * leaves the address of its action there, in the cookie.
 */
#include <linux/if_vlan.h>
#include <linux/mpls.h>
#include <net/tc_act/tc_mpls.h>
#include <net/tc_act/tc_vlan.h>

#include "../tunnel/tunnel.h"
#include "ct.h"
#include "offload.h"

/* Checksums both tc and the device know, with the same bits. */
#define CSUM_FLAGS							\
	(SLUICE_CSUM_IPV4HDR | SLUICE_CSUM_ICMP | SLUICE_CSUM_IGMP |	\
	 SLUICE_CSUM_TCP | SLUICE_CSUM_UDP | SLUICE_CSUM_UDPLITE |	\
	 SLUICE_CSUM_SCTP)

/*
 * What happens after an action, or after the last one.  GONE: nothing does, all
 * packets have gone elsewhere.
 */
enum verdict {
	VERDICT_NEXT,
	VERDICT_HOST,
	VERDICT_DROP,
	VERDICT_DONE,
	VERDICT_GOTO,
	VERDICT_GONE,
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
	if (op == SLUICE_ACT_POLICE || op == SLUICE_ACT_COUNT ||
	    op == SLUICE_ACT_HOST || op == SLUICE_ACT_SAMPLE)
		prog->objects = true;
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

	if (prog->state.eth != SLUICE_ETH_FRAME)
		return sluice_eth_end(off, extack, prog);
	if (!prog->state.tun)
		return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
				     "redirect to %s without tunnel_key set",
				     netdev_name(td->dev));
	/* The mark may decide the route. */
	if (prog->state.meta)
		return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
				     "skbedit before a tunnel");
	if (prog->num_encaps == SLUICE_PROGRAM_MAX)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "too many tunnels");
	encap = sluice_encap_get(off->tunnels, td, prog->state.tun, extack);
	if (IS_ERR(encap))
		return PTR_ERR(encap) == -ENOSPC ? -EOPNOTSUPP :
						   PTR_ERR(encap);
	prog->encaps[prog->num_encaps++] = encap;
	sluice_program_step(prog, SLUICE_ACT_TUNNEL)->a =
		cpu_to_le32(encap->id);
	return 0;
}

/**
 * sluice_objects_put() - give back the meters, shared counters, netdevs and samples
 *	that steps name
 * @off: offload, lock held
 * @act: steps; if a rule had them, the removal of that is on the ring
 * @num: their number
 */
void sluice_objects_put(struct sluice_offload *off,
			const struct sluice_action *act, unsigned int num)
{
	sluice_meters_put(off, act, num);
	sluice_shared_put(off, act, num);
	sluice_hosts_count(off, act, num, -1);
	sluice_samples_count(off, act, num, -1);
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
	sluice_ct_zone_put(prog->zone);
	prog->zone = NULL;
	prog->num = min_t(unsigned int, prog->num, SLUICE_PROGRAM_MAX);
	if (prog->objects) {
		sluice_objects_put(off, prog->act, prog->num);
		prog->objects = false;
	}
	prog->num = 0;
}

/* The vport of an action's netdev, which may be going, or NULL. */
static struct sluice_vport *action_vport(struct sluice_offload *off,
					 const struct flow_action_entry *entry)
{
	struct sluice_vport *vport;

	rcu_read_lock();
	vport = sluice_esw_vport_by_netdev(off->sdev, entry->dev);
	rcu_read_unlock();
	return vport;
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
	/* It stays while it is not gone: that takes our lock. */
	vport = action_vport(off, entry);
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

static u32 mpls_lse(u32 label, u8 tc, u8 bos, u8 ttl, u32 *mask)
{
	u32 lse = 0;

	*mask = 0;
	if (label != ACT_MPLS_LABEL_NOT_SET) {
		*mask |= MPLS_LS_LABEL_MASK;
		lse |= label << MPLS_LS_LABEL_SHIFT;
	}
	if (tc != ACT_MPLS_TC_NOT_SET) {
		*mask |= MPLS_LS_TC_MASK;
		lse |= tc << MPLS_LS_TC_SHIFT;
	}
	if (bos != ACT_MPLS_BOS_NOT_SET) {
		*mask |= MPLS_LS_S_MASK;
		lse |= bos << MPLS_LS_S_SHIFT;
	}
	if (ttl) {
		*mask |= MPLS_LS_TTL_MASK;
		lse |= ttl << MPLS_LS_TTL_SHIFT;
	}
	return lse;
}

static int action_mpls(struct sluice_block *block,
		       const struct flow_action_entry *entry,
		       struct netlink_ext_ack *extack,
		       struct sluice_program *prog)
{
	struct sluice_action *act;
	u32 lse, mask;
	__be32 bits;

	switch (entry->id) {
	case FLOW_ACTION_MPLS_PUSH:
		/* The kernel doesn't add labels to what left a tunnel. */
		if (block->of_tunnel)
			return sluice_reject(block->off, extack,
					     SLUICE_REJECT_TUNNEL,
					     "mpls push behind a tunnel");
		lse = mpls_lse(entry->mpls_push.label, entry->mpls_push.tc,
			       entry->mpls_push.bos, entry->mpls_push.ttl,
			       &mask);
		act = sluice_program_step(prog, SLUICE_ACT_MPLS_PUSH);
		act->a = cpu_to_le32(lse);
		if (!(mask & MPLS_LS_S_MASK))
			act->flags = SLUICE_MPLS_F_BOTTOM;
		memcpy(act->b, &entry->mpls_push.proto, sizeof(__be16));
		break;
	case FLOW_ACTION_MPLS_POP:
		if (eth_type_vlan(entry->mpls_pop.proto))
			return sluice_reject(block->off, extack,
					     SLUICE_REJECT_ACTION,
					     "mpls pop with a VLAN tag behind it");
		act = sluice_program_step(prog, SLUICE_ACT_MPLS_POP);
		act->a = cpu_to_le32(be16_to_cpu(entry->mpls_pop.proto));
		break;
	default:
		lse = mpls_lse(entry->mpls_mangle.label, entry->mpls_mangle.tc,
			       entry->mpls_mangle.bos, entry->mpls_mangle.ttl,
			       &mask);
		act = sluice_program_step(prog, SLUICE_ACT_PEDIT_SET);
		act->flags = SLUICE_HDR_MPLS;
		bits = cpu_to_be32(mask);
		memcpy(act->b, &bits, sizeof(act->b));
		bits = cpu_to_be32(lse);
		memcpy(act->c, &bits, sizeof(act->c));
		break;
	}
	return 0;
}

/*
 * Hand the packet to a netdev of the host as if that had received it.  The
 * device is told what to tell us then, see sluice_rx_complete().
 */
static int action_ingress(struct sluice_block *block,
			  const struct flow_action_entry *entry,
			  struct netlink_ext_ack *extack,
			  struct sluice_program *prog)
{
	struct sluice_offload *off = block->off;
	u32 what;
	int err;

	if (!entry->dev || action_vport(off, entry))
		return sluice_reject(off, extack, SLUICE_REJECT_TARGET,
				     "mirred ingress to a port of this switch");
	if (prog->state.tun || (block->of_tunnel && !prog->state.unset))
		return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
				     "mirred ingress with a tunnel header");
	/* Whose own address a frame has depends on the tunnel device. */
	if (block->of_tunnel && !prog->state.ptype)
		return sluice_reject(off, extack, SLUICE_REJECT_HOST,
				     "mirred ingress from a tunnel without skbedit ptype host");
	if (prog->state.mark)
		return sluice_reject(off, extack, SLUICE_REJECT_HOST,
				     "skbedit mark or priority before mirred ingress");
	if (prog->state.ptype && prog->state.ptype != SLUICE_PTYPE(PACKET_HOST))
		return sluice_reject(off, extack, SLUICE_REJECT_HOST,
				     "only skbedit ptype host before mirred ingress");
	if (prog->num >= SLUICE_PROGRAM_MAX - 1)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "too many steps");
	err = sluice_host_get(off, entry->dev->ifindex);
	if (err)
		return err;
	what = entry->dev->ifindex;
	if (prog->state.ptype)
		what |= SLUICE_HOST_PTYPE;
	sluice_program_step(prog, SLUICE_ACT_HOST)->a = cpu_to_le32(what);
	return 0;
}

/* Can packets of a filter be for a tunnel of the host at all? */
static bool may_be_tunnel(struct sluice_block *block,
			  const struct flow_cls_common_offload *common)
{
	__be16 proto = common->protocol;
	struct sluice_port *port;

	if (block->of_tunnel || block->of_host)
		return false;
	list_for_each_entry(port, &block->ports, node)
		if (port->num < SLUICE_VPORT_UPLINK(0))
			return false;
	return proto == htons(ETH_P_IP) || proto == htons(ETH_P_IPV6) ||
	       proto == htons(ETH_P_ALL) || eth_type_vlan(proto);
}

/*
 * Redirect to an internal port of Open vSwitch what may be for a tunnel that
 * ends there.  The device takes it out of the tunnel; what is in none is
 * software's.  Return: whether this is such a redirect.
 */
static bool action_local(struct sluice_block *block,
			 const struct flow_cls_common_offload *common,
			 const struct flow_action_entry *entry,
			 struct sluice_program *prog)
{
	struct sluice_tunnels *tun = block->off->tunnels;
	const struct sluice_underlay *underlay = NULL;

	/* Software must have the filter for what is in no tunnel. */
	if (entry->id != FLOW_ACTION_REDIRECT_INGRESS || prog->state.tun ||
	    prog->state.mark || prog->state.ptype != SLUICE_PTYPE(PACKET_HOST) ||
	    sluice_compat_skip_sw(common) || !may_be_tunnel(block, common))
		return false;
	if (tun && entry->dev)
		underlay = sluice_underlay_find(tun, entry->dev);
	if (!underlay || underlay->place != SLUICE_PLACE_INTERNAL)
		return false;
	sluice_program_step(prog, SLUICE_ACT_DECAP_LOCAL)->a =
		cpu_to_le32(underlay->group);
	return true;
}

/* An action says "jump". */
static int action_jump(struct sluice_offload *off,
		       struct netlink_ext_ack *extack, u32 index, u32 to,
		       struct sluice_program *prog, enum verdict *verdict)
{
	struct sluice_action *act;

	if (to == index + 1) {
		*verdict = VERDICT_NEXT;
		return 0;
	}
	act = sluice_program_step(prog, SLUICE_ACT_SKIP);
	*verdict = VERDICT_GONE;
	return sluice_jump_add(off, extack, prog, &act->b[0], index, to);
}

/* Translate what an action's control says. */
static int action_control(struct sluice_offload *off,
			  const struct flow_action_entry *entry,
			  struct netlink_ext_ack *extack, u32 index,
			  struct sluice_program *prog, enum verdict *verdict,
			  u32 *chain)
{
	const struct tc_action *act = (const struct tc_action *)entry->cookie;
	bool redirect = entry->id == FLOW_ACTION_REDIRECT ||
			entry->id == FLOW_ACTION_REDIRECT_INGRESS;
	int control = redirect ? TC_ACT_STOLEN : TC_ACT_PIPE;

	if (act)
		control = READ_ONCE(act->tcfa_action);
	if (TC_ACT_EXT_CMP(control, TC_ACT_GOTO_CHAIN) && !redirect) {
		*chain = control & TC_ACT_EXT_VAL_MASK;
		*verdict = VERDICT_GOTO;
		return 0;
	}
	if (TC_ACT_EXT_CMP(control, TC_ACT_JUMP) && !redirect)
		return action_jump(off, extack, index,
				   control & TC_ACT_EXT_VAL_MASK, prog,
				   verdict);
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
 * Translate the action at @entry, the @index-th, of which @left entries are left.
 * @chain is set with %VERDICT_GOTO.  Return: how many entries it takes, or
 * -EOPNOTSUPP.
 */
static int action_parse(struct sluice_block *block,
			const struct flow_cls_common_offload *common,
			const struct flow_action_entry *entry,
			unsigned int left, u32 index,
			struct sluice_program *prog, enum verdict *verdict,
			u32 *chain)
{
	struct netlink_ext_ack *extack = common->extack;
	struct sluice_offload *off = block->off;
	bool ends = false;
	int taken = 1;
	int err;

	if (entry->cookie && prog->num_acts < ARRAY_SIZE(prog->acts))
		prog->acts[prog->num_acts++] =
			sluice_action_hash(entry->cookie);
	err = sluice_eth_parse(off, entry, extack, prog);
	if (err < 0)
		return err;
	/* What software has anyway is counted there. */
	if (sluice_compat_skip_sw(common) || (entry->id != FLOW_ACTION_ACCEPT &&
					      entry->id != FLOW_ACTION_TRAP))
		sluice_shared_step(off, entry->cookie, prog);
	if (err) {
		err = action_control(off, entry, extack, index, prog, verdict,
				     chain);
		return err ? err : taken;
	}
	switch (entry->id) {
	case FLOW_ACTION_ACCEPT:
	case FLOW_ACTION_TRAP:
		*verdict = VERDICT_HOST;
		return 1;
	case FLOW_ACTION_DROP:
		*verdict = VERDICT_DROP;
		return 1;
	case FLOW_ACTION_GOTO:
		*chain = entry->chain_index;
		*verdict = VERDICT_GOTO;
		return 1;
	case FLOW_ACTION_REDIRECT:
	case FLOW_ACTION_MIRRED:
		err = action_output(off, entry, extack, prog);
		if (err)
			return err;
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
		prog->state.tun = entry->tunnel;
		break;
	case FLOW_ACTION_TUNNEL_DECAP:
		/* The header itself is off since the tunnel device. */
		prog->state.tun = NULL;
		prog->state.unset = true;
		break;
	case FLOW_ACTION_MPLS_PUSH:
	case FLOW_ACTION_MPLS_POP:
	case FLOW_ACTION_MPLS_MANGLE:
		err = action_mpls(block, entry, extack, prog);
		if (err)
			return err;
		break;
	case FLOW_ACTION_REDIRECT_INGRESS:
	case FLOW_ACTION_MIRRED_INGRESS:
		if (action_local(block, common, entry, prog))
			break;
		err = action_ingress(block, entry, extack, prog);
		if (err)
			return err;
		break;
	case FLOW_ACTION_PTYPE:
		prog->state.ptype = SLUICE_PTYPE(entry->ptype);
		prog->state.meta = true;
		break;
	case FLOW_ACTION_MARK:
	case FLOW_ACTION_PRIORITY:
		/* Nothing of that leaves by a port; see below for the rest. */
		prog->state.mark = true;
		prog->state.meta = true;
		break;
	case FLOW_ACTION_POLICE:
		err = sluice_police_parse(block, common, entry, index, prog,
					  &ends);
		*verdict = ends ? VERDICT_GONE : VERDICT_NEXT;
		return err ? err : 1;
	case FLOW_ACTION_GATE:
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "gate opens by a clock of the host");
	case FLOW_ACTION_CSUM:
		if (entry->csum_flags & ~CSUM_FLAGS)
			return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
					     "csum of protocols %#x",
					     entry->csum_flags & ~CSUM_FLAGS);
		sluice_program_step(prog, SLUICE_ACT_CSUM)->a =
			cpu_to_le32(entry->csum_flags);
		break;
	case FLOW_ACTION_SAMPLE:
		err = sluice_sample_parse(block, entry, extack, prog);
		if (err)
			return err;
		break;
	case FLOW_ACTION_CT:
		err = sluice_ct_parse(off, entry, extack, prog);
		if (err)
			return err;
		break;
	default:
		if (entry->id < ARRAY_SIZE(sluice_actions))
			return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
					     "action %s is not supported",
					     sluice_actions[entry->id].name);
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "action %u is not supported", entry->id);
	}
	err = action_control(off, entry, extack, index, prog, verdict, chain);
	return err ? err : taken;
}

/*
 * A packet that goes on to the host.  When software has the filter too, the
 * packet is simply left to it; then nothing may have happened before.
 */
static int program_to_host(struct sluice_offload *off,
			   const struct flow_cls_common_offload *common,
			   struct sluice_program *prog)
{
	int err = sluice_eth_end(off, common->extack, prog);

	if (err)
		return err;
	/* What skbedit sets, the host would see. */
	if (prog->state.meta)
		return sluice_reject(off, common->extack, SLUICE_REJECT_HOST,
				     "skbedit before pass or trap");
	if (sluice_compat_skip_sw(common)) {
		sluice_program_step(prog, SLUICE_ACT_TO_CPU);
		return 0;
	}
	if (prog->num)
		return sluice_reject(off, common->extack, SLUICE_REJECT_HOST,
				     "actions before pass or trap need skip_sw");
	sluice_program_step(prog, SLUICE_ACT_PUNT);
	prog->count = false;
	return 0;
}

/**
 * sluice_program_goto() - a step that goes to a chain
 * @block: block of the filter; offload lock held
 * @extack: for the reason of a refusal
 * @prog: program it will be part of
 * @chain: chain
 * @step: zeroed; filled in
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int sluice_program_goto(struct sluice_block *block,
			struct netlink_ext_ack *extack,
			struct sluice_program *prog, u32 chain,
			struct sluice_action *step)
{
	struct sluice_offload *off = block->off;
	unsigned int i;
	int err;

	err = sluice_eth_end(off, extack, prog);
	if (err)
		return err;
	/* The device's packet has its tunnel header for good. */
	if (prog->state.tun || (prog->state.unset && block->of_tunnel))
		return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
				     "goto behind tunnel_key");
	/* Who knows where that leads. */
	if (prog->state.meta)
		return sluice_reject(off, extack, SLUICE_REJECT_HOST,
				     "skbedit before goto");
	for (i = 0; i < prog->num_chains; i++)
		if (prog->chains[i] == chain)
			break;
	if (i == SLUICE_CHAINS_MAX)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "goto more than %u chains",
				     SLUICE_CHAINS_MAX);
	if (i == prog->num_chains)
		prog->chains[prog->num_chains++] = chain;
	step->op = SLUICE_ACT_GOTO;
	step->a = cpu_to_le32(i);
	return 0;
}

/* The steps of a verdict; @last: none follow. */
static int program_verdict(struct sluice_block *block,
			   const struct flow_cls_common_offload *common,
			   struct sluice_program *prog, enum verdict verdict,
			   u32 chain, bool last)
{
	struct sluice_action *act, step = {};
	int err;

	switch (verdict) {
	case VERDICT_NEXT:
	case VERDICT_HOST:
		return program_to_host(block->off, common, prog);
	case VERDICT_DROP:
		sluice_program_step(prog, SLUICE_ACT_DROP);
		return 0;
	case VERDICT_GOTO:
		err = sluice_program_goto(block, common->extack, prog, chain,
					  &step);
		if (!err)
			*sluice_program_step(prog, 0) = step;
		return err;
	case VERDICT_DONE:
		if (last)
			return 0;
		act = sluice_program_step(prog, SLUICE_ACT_SKIP);
		return sluice_jump_add(block->off, common->extack, prog,
				       &act->b[0], 0, SLUICE_JUMP_END);
	case VERDICT_GONE:
		return 0;
	}
	return 0;
}

/**
 * sluice_actions_parse() - what a filter does
 * @block: block of the filter; offload lock held
 * @common: tc's call
 * @action: the actions
 * @prog: zeroed; filled in, also on failure to be released
 *
 * Documentation/hardware/eswitch.md, "Programs".
 *
 * Return: 0, or -EOPNOTSUPP when the device cannot do exactly that.
 */
int sluice_actions_parse(struct sluice_block *block,
			 const struct flow_cls_common_offload *common,
			 const struct flow_action *action,
			 struct sluice_program *prog)
{
	struct sluice_offload *off = block->off;
	struct netlink_ext_ack *extack = common->extack;
	enum verdict verdict = VERDICT_NEXT;
	u32 max, chain = 0, index = 0;
	unsigned int i = 0;
	int ret;

	ret = actions_hw_stats(off, action, extack, prog);
	if (ret)
		return ret;
	while (i < action->num_entries) {
		bool alone = verdict != VERDICT_NEXT;

		if (alone) {
			if (!sluice_jumps_to(prog, index))
				return sluice_reject(off, extack,
						     SLUICE_REJECT_CONTROL,
						     "an action follows one without pipe");
			ret = program_verdict(block, common, prog, verdict,
					      chain, false);
			if (ret)
				return ret;
			verdict = VERDICT_NEXT;
		}
		ret = sluice_jumps_land(off, extack, prog, index, alone);
		if (ret)
			return ret;
		ret = action_parse(block, common, &action->entries[i],
				   action->num_entries - i, index++, prog,
				   &verdict, &chain);
		if (ret < 0)
			return ret;
		i += ret;
	}

	/* It sees the packets of a connection before we do. */
	if (prog->zone && sluice_compat_surely_skip_sw(common))
		return sluice_reject(off, extack, SLUICE_REJECT_CT,
				     "ct needs software too, no skip_sw");
	ret = program_verdict(block, common, prog, verdict, chain, true);
	if (ret)
		return ret;
	ret = sluice_jumps_land(off, extack, prog, SLUICE_JUMP_END, true);
	if (ret)
		return ret;
	max = min_t(u32, off->sdev->limits.max_actions, SLUICE_PROGRAM_MAX);
	if (prog->num > max)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "%u steps, the device runs %u",
				     prog->num, max);
	return 0;
}
