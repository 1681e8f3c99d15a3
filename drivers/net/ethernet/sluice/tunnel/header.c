// SPDX-License-Identifier: GPL-2.0-only
/*
 * Outer headers, as the kernel's tunnel drivers make them.
 *
 * The device fills in what depends on the packet: lengths, checksums, IPv4 id,
 * UDP source port, ECN.
 */
#include <net/geneve.h>
#include <net/gre.h>
#include <net/inet_ecn.h>
#include <net/vxlan.h>

#include "tunnel.h"

/* Bits of a tunnel key that we know what to do with. */
static const struct {
	u8 bit;
	u8 flag;
} key_flags[] = {
	{ IP_TUNNEL_CSUM_BIT, SLUICE_ENCAP_CSUM },
	{ IP_TUNNEL_KEY_BIT, SLUICE_ENCAP_KEY },
	{ IP_TUNNEL_DONT_FRAGMENT_BIT, SLUICE_ENCAP_DF },
	{ IP_TUNNEL_OAM_BIT, SLUICE_ENCAP_OAM },
	{ IP_TUNNEL_CRIT_OPT_BIT, SLUICE_ENCAP_CRIT },
	{ IP_TUNNEL_GENEVE_OPT_BIT, SLUICE_ENCAP_GENEVE },
	{ IP_TUNNEL_VXLAN_OPT_BIT, SLUICE_ENCAP_GBP },
};

static const char *key_options(struct sluice_encap_key *key,
			       const struct sluice_tunnel_dev *td,
			       const struct ip_tunnel_info *info)
{
	u16 wanted = 0;

	if (td->type == SLUICE_TUNNEL_GENEVE)
		wanted = SLUICE_ENCAP_GENEVE;
	else if (td->type == SLUICE_TUNNEL_VXLAN)
		wanted = SLUICE_ENCAP_GBP;
	if (key->flags & (SLUICE_ENCAP_GENEVE | SLUICE_ENCAP_GBP) & ~wanted)
		return "options of another kind of tunnel";
	if (!(key->flags & wanted)) {
		/* GENEVE counts them all the same. */
		return info->options_len ? "options of an unknown kind" : NULL;
	}
	if (info->options_len > SLUICE_ENCAP_OPTS_MAX || info->options_len % 4)
		return "options are too long";
	if (wanted == SLUICE_ENCAP_GBP &&
	    info->options_len != sizeof(struct vxlan_metadata))
		return "options of VXLAN have another length";
	key->opts_len = info->options_len;
	memcpy(key->opts, ip_tunnel_info_opts((struct ip_tunnel_info *)info),
	       info->options_len);
	return NULL;
}

/**
 * sluice_encap_key() - what a tunnel_key action asks of a tunnel device
 * @key: filled in
 * @td: the tunnel device
 * @info: the action's parameters
 *
 * Return: NULL, or why that cannot be done in hardware.
 */
const char *sluice_encap_key(struct sluice_encap_key *key,
			     const struct sluice_tunnel_dev *td,
			     const struct ip_tunnel_info *info)
{
	IP_TUNNEL_DECLARE_FLAGS(left);
	unsigned int i;

	memset(key, 0, sizeof(*key));
	key->ifindex = td->dev->ifindex;
	key->family = ip_tunnel_info_af(info);
	if (!(info->mode & IP_TUNNEL_INFO_TX))
		return "tunnel_key without set";
	if (td->family != AF_UNSPEC && td->family != key->family)
		return "addresses of the other family than the tunnel device";
	ip_tunnel_flags_copy(left, info->key.tun_flags);
	__clear_bit(IP_TUNNEL_NOCACHE_BIT, left);
	for (i = 0; i < ARRAY_SIZE(key_flags); i++)
		if (__test_and_clear_bit(key_flags[i].bit, left))
			key->flags |= key_flags[i].flag;
	if (!bitmap_empty(left, __IP_TUNNEL_FLAG_NUM))
		return "tunnel_key with an unknown flag";
	if (info->encap.type != TUNNEL_ENCAP_NONE || info->key.nhid)
		return "tunnel_key with another encapsulation";
	if (td->type == SLUICE_TUNNEL_GRE && key->flags & SLUICE_ENCAP_CSUM)
		return "GRE checksum (tunnel_key has it unless told nocsum)";
	if (key->family == AF_INET) {
		memcpy(&key->src, &info->key.u.ipv4.src, sizeof(__be32));
		memcpy(&key->dst, &info->key.u.ipv4.dst, sizeof(__be32));
	} else {
		key->src = info->key.u.ipv6.src;
		key->dst = info->key.u.ipv6.dst;
		key->label = info->key.label;
	}
	key->tun_id = tunnel_id_to_key32(info->key.tun_id);
	key->tos = info->key.tos;
	key->ttl = info->key.ttl;
	key->flow_flags = info->key.flow_flags;
	/* Only VXLAN lets a packet choose. */
	if (td->type == SLUICE_TUNNEL_VXLAN)
		key->port = info->key.tp_dst;
	return key_options(key, td, info);
}

static void *header_ip4(const struct sluice_encap *encap, void *at, u8 proto,
			u8 ttl)
{
	const struct sluice_encap_key *key = &encap->key;
	struct iphdr *iph = at;

	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = key->tos;
	iph->frag_off = key->flags & SLUICE_ENCAP_DF ? htons(IP_DF) : 0;
	iph->ttl = ttl;
	iph->protocol = proto;
	memcpy(&iph->saddr, &encap->saddr, sizeof(iph->saddr));
	memcpy(&iph->daddr, &key->dst, sizeof(iph->daddr));
	return iph + 1;
}

/* Does the kernel make a flow label from the flow's hash? */
static bool header_auto_label(const struct sluice_tunnels *tun,
			      const struct sluice_encap *encap)
{
#if IS_ENABLED(CONFIG_IPV6)
	return encap->dev->type == SLUICE_TUNNEL_GRE &&
	       !(encap->key.label & IPV6_FLOWLABEL_MASK) &&
	       READ_ONCE(tun->net->ipv6.sysctl.auto_flowlabels);
#else
	return false;
#endif
}

static bool header_state_ranges(const struct sluice_tunnels *tun)
{
#if IS_ENABLED(CONFIG_IPV6)
	return READ_ONCE(tun->net->ipv6.sysctl.flowlabel_state_ranges);
#else
	return false;
#endif
}

static void *header_ip6(const struct sluice_tunnels *tun,
			const struct sluice_encap *encap, void *at, u8 proto,
			u8 ttl)
{
	const struct sluice_encap_key *key = &encap->key;
	__be32 label = key->label & IPV6_FLOWLABEL_MASK;
	struct ipv6hdr *ip6h = at;

	/* The device adds the rest of such a label. */
	if (header_auto_label(tun, encap) && header_state_ranges(tun))
		label |= IPV6_FLOWLABEL_STATELESS_FLAG;
	ip6_flow_hdr(ip6h, key->tos, label);
	ip6h->nexthdr = proto;
	ip6h->hop_limit = ttl;
	ip6h->saddr = encap->saddr;
	ip6h->daddr = key->dst;
	return ip6h + 1;
}

static void *header_udp(const struct sluice_encap *encap, void *at)
{
	const struct sluice_encap_key *key = &encap->key;
	struct udphdr *uh = at;

	uh->dest = key->port ? key->port : encap->dev->port;
	return uh + 1;
}

static void *header_vxlan(const struct sluice_encap *encap, void *at)
{
	struct vxlanhdr *vxh = at;
	struct vxlanhdr_gbp *gbp = at;
	struct vxlan_metadata md = {};

	vxh->vx_flags = VXLAN_HF_VNI;
	vxh->vx_vni = vxlan_vni_field(encap->key.tun_id);
	memcpy(&md, encap->key.opts, min(sizeof(md), encap->key.opts_len));
	if (encap->dev->gbp && md.gbp) {
		vxh->vx_flags |= VXLAN_HF_GBP;
		if (md.gbp & VXLAN_GBP_DONT_LEARN)
			gbp->dont_learn = 1;
		if (md.gbp & VXLAN_GBP_POLICY_APPLIED)
			gbp->policy_applied = 1;
		gbp->policy_id = htons(md.gbp & VXLAN_GBP_ID_MASK);
	}
	return vxh + 1;
}

static void *header_geneve(const struct sluice_encap *encap, void *at)
{
	const struct sluice_encap_key *key = &encap->key;
	struct genevehdr *geneveh = at;

	geneveh->opt_len = key->opts_len / 4;
	geneveh->oam = !!(key->flags & SLUICE_ENCAP_OAM);
	geneveh->critical = !!(key->flags & SLUICE_ENCAP_CRIT);
	geneveh->proto_type = htons(ETH_P_TEB);
	memcpy(geneveh->vni, (const u8 *)&key->tun_id + 1,
	       sizeof(geneveh->vni));
	memcpy(geneveh + 1, key->opts, key->opts_len);
	return (u8 *)(geneveh + 1) + key->opts_len;
}

static void *header_gre(const struct sluice_encap *encap, void *at)
{
	const struct sluice_encap_key *key = &encap->key;
	struct gre_base_hdr *greh = at;
	__be32 *option = (__be32 *)(greh + 1);

	greh->protocol = htons(ETH_P_TEB);
	if (!(key->flags & SLUICE_ENCAP_KEY))
		return option;
	greh->flags = GRE_KEY;
	*option++ = key->tun_id;
	return option;
}

static u16 header_flags(const struct sluice_tunnels *tun,
			const struct sluice_encap *encap)
{
	const struct sluice_encap_key *key = &encap->key;
	bool ip6 = key->family == AF_INET6;
	u16 flags = 0;

	if (encap->dev->type != SLUICE_TUNNEL_GRE) {
		flags = SLUICE_ENCAP_F_ECN;
		if (key->flags & SLUICE_ENCAP_CSUM)
			flags |= SLUICE_ENCAP_F_UDP_CSUM;
		return flags;
	}
	if (!key->ttl)
		flags |= SLUICE_ENCAP_F_TTL;
	/* The kernel's GRE over IPv6 does not look at the inner ECN field. */
	if (!ip6)
		flags |= SLUICE_ENCAP_F_ECN;
	if (!ip6 && key->tos == 1)
		flags |= SLUICE_ENCAP_F_TOS;
	if (ip6 && header_auto_label(tun, encap))
		flags |= SLUICE_ENCAP_F_LABEL;
	return flags;
}

/**
 * sluice_encap_header() - fill in the command for an outer header
 * @tun: tunnels, offload lock held
 * @encap: the header; its tunnel device is there, its source address set
 * @cmd: zeroed command of %SLUICE_ENCAP_CMD_MAX bytes, all but id and next hop
 *	are filled in
 * @hoplimit: TTL of packets whose tunnel_key names none
 * @mtu: longest IP packet on the path
 */
void sluice_encap_header(const struct sluice_tunnels *tun,
			 const struct sluice_encap *encap,
			 struct sluice_cmd_encap *cmd, u8 hoplimit, u32 mtu)
{
	const struct sluice_tunnel_dev *td = encap->dev;
	const struct sluice_encap_key *key = &encap->key;
	bool gre = td->type == SLUICE_TUNNEL_GRE;
	u8 proto = gre ? IPPROTO_GRE : IPPROTO_UDP;
	u8 ttl = key->ttl;
	void *at = cmd->header;

	/* With metadata GENEVE takes a TTL of zero as it is. */
	if (!ttl && td->type != SLUICE_TUNNEL_GENEVE)
		ttl = hoplimit;
	if (key->family == AF_INET)
		at = header_ip4(encap, at, proto, ttl);
	else
		at = header_ip6(tun, encap, at, proto, ttl);
	if (gre) {
		at = header_gre(encap, at);
	} else {
		at = header_udp(encap, at);
		cmd->sport_min = cpu_to_le16(td->sport_min);
		cmd->sport_range = cpu_to_le32(td->sport_range);
		if (td->type == SLUICE_TUNNEL_VXLAN)
			at = header_vxlan(encap, at);
		else
			at = header_geneve(encap, at);
	}
	cmd->type = td->type;
	cmd->flags = cpu_to_le16(header_flags(tun, encap));
	cmd->header_len = cpu_to_le16((u8 *)at - cmd->header);
	/*
	 * gretap without DF asks for its own MTU, which leaves out the outer
	 * headers.
	 */
	if (gre && key->family == AF_INET && !(key->flags & SLUICE_ENCAP_DF))
		mtu = min_t(u32, mtu, td->mtu + ETH_HLEN +
				      ((u8 *)at - cmd->header));
	cmd->mtu = cpu_to_le16(mtu);
	sluice_cmd_init(&cmd->hdr, SLUICE_CMD_ENCAP_SET,
			sizeof(*cmd) + ALIGN((u8 *)at - cmd->header, 8));
}
