// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tunnel layer knows, in the directory of the offload layer.
 *
 * tunnels: tunnel devices, underlays, endpoints.  next_hops: next hops with
 * state, header, users and hits.  encaps: outer headers.  control_descriptors:
 * what all of them have cost.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "tunnel.h"

static const char * const type_names[] = {
	[SLUICE_TUNNEL_VXLAN]	= "vxlan",
	[SLUICE_TUNNEL_GENEVE]	= "geneve",
	[SLUICE_TUNNEL_GRE]	= "gre",
};

static void show_addr(struct seq_file *m, u32 family, const void *addr)
{
	if (family == AF_INET)
		seq_printf(m, "%pI4", addr);
	else
		seq_printf(m, "%pI6c", addr);
}

static void show_next_hop(struct seq_file *m, const struct sluice_next_hop *nh)
{
	bool valid = nh->cmd.flags & cpu_to_le16(SLUICE_NEXT_HOP_F_VALID);
	u64 packets = 0, bytes = 0, last_use;

	seq_printf(m, "id %u ", nh->id);
	show_addr(m, nh->key.addr.family, &nh->key.addr.a);
	seq_printf(m, " dev %s %s port %#x",
		   nh->underlay ? netdev_name(nh->underlay->dev) : "gone",
		   sluice_next_hop_state(nh), le16_to_cpu(nh->cmd.port));
	if (valid)
		seq_printf(m, " src %pM dst %pM", nh->cmd.src, nh->cmd.dst);
	if (nh->cmd.vlan_tpid)
		seq_printf(m, " vlan %#x:%#x", le16_to_cpu(nh->cmd.vlan_tpid),
			   le16_to_cpu(nh->cmd.vlan_tci));
	if (nh->slot)
		sluice_counter_read(nh->slot, &packets, &bytes, &last_use);
	seq_printf(m, " users %u packets %llu bytes %llu sets %llu\n", nh->refs,
		   packets, bytes, nh->sets);
}

static int next_hops_show(struct seq_file *m, void *v)
{
	struct sluice_offload *off = m->private;
	const struct sluice_underlay *underlay;
	const struct sluice_next_hop *nh;

	mutex_lock(&off->lock);
	list_for_each_entry(underlay, &off->tunnels->underlays, node)
		list_for_each_entry(nh, &underlay->next_hops, node)
			show_next_hop(m, nh);
	mutex_unlock(&off->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(next_hops);

static void show_encap(struct seq_file *m, const struct sluice_encap *encap)
{
	const struct sluice_encap_key *key = &encap->key;

	seq_printf(m, "id %u dev %s ", encap->id,
		   encap->dev ? netdev_name(encap->dev->dev) : "gone");
	show_addr(m, key->family, &encap->saddr);
	seq_puts(m, " > ");
	show_addr(m, key->family, &key->dst);
	seq_printf(m, " key %u", be32_to_cpu(key->tun_id));
	if (encap->nh)
		seq_printf(m, " next_hop %u", encap->nh->id);
	else
		seq_printf(m, " software: %s", encap->why);
	seq_printf(m, " mtu %u users %u sets %llu lookups %llu header %*phN\n",
		   le16_to_cpu(encap->cmd.mtu), encap->refs, encap->sets,
		   encap->lookups,
		   min(le16_to_cpu(encap->cmd.header_len), 64),
		   encap->cmd.header);
}

static int encaps_show(struct seq_file *m, void *v)
{
	struct sluice_offload *off = m->private;
	struct rb_node *node;
	unsigned int i;

	mutex_lock(&off->lock);
	for (i = 0; i < ARRAY_SIZE(off->tunnels->remotes); i++)
		for (node = rb_first(&off->tunnels->remotes[i]); node;
		     node = rb_next(node))
			show_encap(m, rb_entry(node, struct sluice_encap,
					       remote));
	mutex_unlock(&off->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(encaps);

static int tunnels_show(struct seq_file *m, void *v)
{
	struct sluice_offload *off = m->private;
	struct sluice_tunnels *tun = off->tunnels;
	const struct sluice_tunnel_dev *td;
	const struct sluice_underlay *underlay;
	const struct sluice_endpoint *ep;

	mutex_lock(&off->lock);
	list_for_each_entry(td, &tun->devs, node)
		seq_printf(m, "device %s %s %s%s ports %u+%u%s%s%s%s\n",
			   netdev_name(td->dev), type_names[td->type],
			   td->up ? "up" : "down",
			   td->block ? " block" : "", td->sport_min,
			   td->sport_range, td->refuse ? " refused: " : "",
			   td->refuse ?: "", td->no_rx ? " no decap: " : "",
			   td->no_rx ?: "");
	list_for_each_entry(underlay, &tun->underlays, node)
		seq_printf(m, "underlay %s %s%s\n", netdev_name(underlay->dev),
			   underlay->up ? "up" : "down",
			   underlay->ours ? "" : " enslaved");
	list_for_each_entry(ep, &tun->endpoints, node) {
		seq_printf(m, "endpoint %u dev %s underlay %s ", ep->id,
			   netdev_name(ep->dev->dev),
			   netdev_name(ep->underlay->dev));
		show_addr(m, ep->cmd.ip == 4 ? AF_INET : AF_INET6,
			  ep->cmd.addr);
		seq_printf(m, " port %u table %u\n",
			   le16_to_cpu(ep->cmd.udp_port),
			   le32_to_cpu(ep->cmd.root_table));
	}
	mutex_unlock(&off->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tunnels);

static int control_descriptors_show(struct seq_file *m, void *v)
{
	struct sluice_offload *off = m->private;

	mutex_lock(&off->lock);
	seq_printf(m, "commands %llu\nevents %llu\nbusy_ns %llu\n",
		   off->tunnels->commands, off->tunnels->handled,
		   off->tunnels->busy_ns);
	mutex_unlock(&off->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(control_descriptors);

/**
 * sluice_tunnels_debugfs_add() - show tunnels in the offload's directory
 * @off: offload with its directory
 *
 * What fails is only not shown.
 */
void sluice_tunnels_debugfs_add(struct sluice_offload *off)
{
	if (!off->tunnels)
		return;
	debugfs_create_file("tunnels", 0400, off->debugfs, off, &tunnels_fops);
	debugfs_create_file("next_hops", 0400, off->debugfs, off,
			    &next_hops_fops);
	debugfs_create_file("encaps", 0400, off->debugfs, off, &encaps_fops);
	debugfs_create_file("control_descriptors", 0400, off->debugfs, off,
			    &control_descriptors_fops);
}
