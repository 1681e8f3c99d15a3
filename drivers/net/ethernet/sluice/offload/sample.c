// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc's sample action (psample).
 *
 * The device chooses packets and sends a copy of each with the number of the
 * struct sluice_sample by the slow path.  Here it becomes what act_sample would
 * have given to psample.  Numbers are not used again soon: copies may still be
 * on their way when a rule has gone.
 */
#include <linux/if_vlan.h>
#include <linux/slab.h>
#include <net/psample.h>

#include "offload.h"

/**
 * struct sluice_sample - a sample step of programs
 * @id: what the device calls it by
 * @refs: steps
 * @rate: one packet in so many
 * @trunc_size: bytes to give away of each, U32_MAX for all
 * @group: psample's group, with a reference
 * @rcu: for the receive path
 * @cookie_len: bytes of @cookie
 * @cookie: the action's cookie
 */
struct sluice_sample {
	u32 id;
	unsigned int refs;
	u32 rate;
	u32 trunc_size;
	struct psample_group *group;
	struct rcu_head rcu;
	u32 cookie_len;
	u8 cookie[];
};

static void sample_free(struct sluice_sample *sample)
{
	psample_group_put(sample->group);
	kfree_rcu(sample, rcu);
}

/**
 * sluice_sample_parse() - translate a sample action
 * @block: block of the filter; offload lock held
 * @entry: the action
 * @extack: for the reason of a refusal
 * @prog: program to append to; it gets a reference
 *
 * Return: 0, -EOPNOTSUPP or -ENOMEM.
 */
int sluice_sample_parse(struct sluice_block *block,
			const struct flow_action_entry *entry,
			struct netlink_ext_ack *extack,
			struct sluice_program *prog)
{
	const struct flow_action_cookie *cookie = entry->user_cookie;
	struct sluice_offload *off = block->off;
	struct sluice_sample *sample;
	struct sluice_action *act;
	__le32 rate;
	int err;

	/* psample tells of tunnel headers, the device does not. */
	if (block->of_tunnel || block->of_host || prog->state.tun)
		return sluice_reject(off, extack, SLUICE_REJECT_TUNNEL,
				     "sample with a tunnel header");
	if (prog->num >= SLUICE_PROGRAM_MAX - 1)
		return sluice_reject(off, extack, SLUICE_REJECT_LENGTH,
				     "too many steps");
	if (!entry->sample.psample_group || !entry->sample.rate)
		return sluice_reject(off, extack, SLUICE_REJECT_ACTION,
				     "sample changed meanwhile");
	sample = kzalloc(struct_size(sample, cookie,
				     cookie ? cookie->cookie_len : 0),
			 GFP_KERNEL);
	if (!sample)
		return -ENOMEM;
	sample->refs = 1;
	sample->rate = entry->sample.rate;
	sample->trunc_size = entry->sample.truncate ? entry->sample.trunc_size :
						      U32_MAX;
	sample->group = entry->sample.psample_group;
	if (cookie) {
		sample->cookie_len = cookie->cookie_len;
		memcpy(sample->cookie, cookie->cookie, cookie->cookie_len);
	}
	psample_group_take(sample->group);
	err = xa_alloc_cyclic(&off->samples, &sample->id, sample, xa_limit_32b,
			      &off->next_sample, GFP_KERNEL);
	if (err < 0) {
		sample_free(sample);
		return err;
	}
	act = sluice_program_step(prog, SLUICE_ACT_SAMPLE);
	act->a = cpu_to_le32(sample->id);
	rate = cpu_to_le32(sample->rate);
	memcpy(act->b, &rate, sizeof(act->b));
	return 0;
}

/**
 * sluice_samples_count() - a program comes to use its samples, or goes
 * @off: offload, lock held
 * @act: its steps
 * @num: their number
 * @change: 1 or -1
 */
void sluice_samples_count(struct sluice_offload *off,
			  const struct sluice_action *act, unsigned int num,
			  int change)
{
	struct sluice_sample *sample;
	unsigned int i;

	for (i = 0; i < num; i++) {
		if (act[i].op != SLUICE_ACT_SAMPLE)
			continue;
		sample = xa_load(&off->samples, le32_to_cpu(act[i].a));
		sample->refs += change;
		if (sample->refs)
			continue;
		xa_erase(&off->samples, sample->id);
		sample_free(sample);
	}
}

/**
 * sluice_samples_fini() - forget the samples of rules that tc has not taken back
 * @off: offload, used by nobody else any more
 */
void sluice_samples_fini(struct sluice_offload *off)
{
	struct sluice_sample *sample;
	unsigned long id;

	xa_for_each(&off->samples, id, sample)
		sample_free(sample);
	xa_destroy(&off->samples);
}

/**
 * sluice_sample_receive() - a sample came in
 * @sdev: PF
 * @skb: the packet, with @dev the representor of its port, behind
 *	eth_type_trans(); taken
 * @id: what the device says of it
 *
 * Context: NAPI, RCU.
 */
void sluice_sample_receive(struct sluice_dev *sdev, struct sk_buff *skb, u32 id)
{
	struct sluice_offload *off = sluice_esw_offload(sdev);
	struct psample_metadata md = {};
	struct sluice_sample *sample;

	/* At tc's ingress the outermost tag is not among the bytes. */
	if (eth_type_vlan(skb->protocol)) {
		skb = skb_vlan_untag(skb);
		if (!skb)
			return;
	}
	sample = off ? xa_load(&off->samples, id) : NULL;
	if (sample) {
		skb_push(skb, ETH_HLEN);
		md.in_ifindex = skb->dev->ifindex;
		md.trunc_size = min(sample->trunc_size, skb->len);
		md.user_cookie = sample->cookie;
		md.user_cookie_len = sample->cookie_len;
		psample_sample_packet(sample->group, skb, sample->rate, &md);
	}
	consume_skb(skb);
}
