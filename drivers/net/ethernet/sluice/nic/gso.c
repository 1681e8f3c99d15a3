// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: long frames, to segment and as other functions sent them.
 *
 * It finds the headers itself, so a frame goes to it only when both see the
 * same: TCP or UDP over IPv4, or over IPv6 without extension headers, behind
 * VLAN tags only, and nothing behind the packet.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>

#include "nic.h"

/* Tags in a long frame, one the stack may still put in included. */
#define SLUICE_GSO_MAX_TAGS	4

/**
 * sluice_gso_features() - features for long frames
 * @sdev: function, or a representor's PF
 *
 * Return: NETIF_F_* that the function's rings can do.
 */
netdev_features_t sluice_gso_features(const struct sluice_dev *sdev)
{
	if (!(sdev->caps & SLUICE_CAP_TSO))
		return 0;
	return NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN |
	       NETIF_F_TSO_MANGLEID | NETIF_F_GSO_UDP_L4;
}

/**
 * sluice_gso_hdr_len() - headers of a long frame
 * @skb: GSO frame with its Ethernet header at skb->data
 *
 * Return: their length, 0 when the device cannot segment the frame.
 */
unsigned int sluice_gso_hdr_len(const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int off = ETH_HLEN, end, l4, hdr_len, tags;
	const struct ethhdr *eth = (const void *)skb->data;
	__be16 proto = eth->h_proto;
	union {
		struct vlan_hdr vlan;
		struct iphdr ip;
		struct ipv6hdr ip6;
		struct tcphdr tcp;
	} buf;
	u8 l4_proto, want;

	if (skb->ip_summed != CHECKSUM_PARTIAL || skb->encapsulation)
		return 0;
	l4 = skb_checksum_start_offset(skb);
	tags = skb_vlan_tag_present(skb);
	for (; eth_type_vlan(proto); off += VLAN_HLEN) {
		const struct vlan_hdr *vh;

		vh = skb_header_pointer(skb, off, sizeof(*vh), &buf.vlan);
		if (!vh || ++tags > SLUICE_GSO_MAX_TAGS)
			return 0;
		proto = vh->h_vlan_encapsulated_proto;
	}

	if (proto == htons(ETH_P_IP)) {
		const struct iphdr *ip;

		ip = skb_header_pointer(skb, off, sizeof(*ip), &buf.ip);
		if (!ip || ip_is_fragment(ip) || off + ip->ihl * 4 != l4)
			return 0;
		l4_proto = ip->protocol;
		end = off + ntohs(ip->tot_len);
	} else if (proto == htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip6;

		ip6 = skb_header_pointer(skb, off, sizeof(*ip6), &buf.ip6);
		if (!ip6 || off + sizeof(*ip6) != l4)
			return 0;
		l4_proto = ip6->nexthdr;
		end = l4 + ntohs(ip6->payload_len);
	} else {
		return 0;
	}

	if (shinfo->gso_type & SKB_GSO_UDP_L4) {
		want = IPPROTO_UDP;
		hdr_len = l4 + sizeof(struct udphdr);
	} else {
		const struct tcphdr *tcp;

		tcp = skb_header_pointer(skb, l4, sizeof(*tcp), &buf.tcp);
		if (!tcp)
			return 0;
		want = IPPROTO_TCP;
		hdr_len = l4 + tcp->doff * 4;
	}
	if (l4_proto != want || end != skb->len || hdr_len >= end ||
	    hdr_len + shinfo->gso_size > SLUICE_FRAME_MAX - VLAN_HLEN ||
	    end > SLUICE_GSO_FRAME_MAX - VLAN_HLEN)
		return 0;
	return hdr_len;
}

/**
 * sluice_features_check() - ndo_features_check
 * @skb: frame about to be sent
 * @dev: a function's netdev or a representor
 * @features: what the stack may leave to the device
 *
 * Any number of VLAN tags is fine; a long frame that is not what the device
 * segments is segmented by software.
 *
 * Return: @features, without GSO for such a frame.
 */
netdev_features_t sluice_features_check(struct sk_buff *skb, struct net_device *dev,
					netdev_features_t features)
{
	if (skb_is_gso(skb) && !sluice_gso_hdr_len(skb))
		features &= ~NETIF_F_GSO_MASK;
	return features;
}

/*
 * Where the TCP or UDP header of a received IP packet starts, 0 unless it is
 * the whole frame and no fragment.  Headers are in the linear part.
 */
static unsigned int sluice_gso_l4(const struct sk_buff *skb, bool *v6, u8 *l4_proto)
{
	unsigned int off = 0, room = skb_headlen(skb), tags;
	__be16 proto = skb->protocol;

	for (tags = 0; eth_type_vlan(proto); tags++, off += VLAN_HLEN) {
		const struct vlan_hdr *vh = (const void *)(skb->data + off);

		if (tags == SLUICE_GSO_MAX_TAGS || off + sizeof(*vh) > room)
			return 0;
		proto = vh->h_vlan_encapsulated_proto;
	}
	if (proto == htons(ETH_P_IP)) {
		const struct iphdr *ip = (const void *)(skb->data + off);

		if (off + sizeof(*ip) > room || ip->version != 4 || ip->ihl < 5 ||
		    ip_is_fragment(ip) || off + ntohs(ip->tot_len) != skb->len)
			return 0;
		*v6 = false;
		*l4_proto = ip->protocol;
		return off + ip->ihl * 4;
	}
	if (proto == htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip6 = (const void *)(skb->data + off);

		off += sizeof(*ip6);
		if (off > room || ip6->version != 6 ||
		    off + ntohs(ip6->payload_len) != skb->len)
			return 0;
		*v6 = true;
		*l4_proto = ip6->nexthdr;
		return off;
	}
	return 0;
}

/**
 * sluice_gso_receive() - make a GSO packet of a large frame
 * @skb: the frame, behind eth_type_trans()
 * @cqe: its completion
 *
 * The result is what GRO would have made of the frames it stands for: the
 * stack can take it apart again.
 *
 * Return: the length of its headers, Ethernet's not counted; 0 when the frame or
 * its completion is none a sane device makes.
 */
unsigned int sluice_gso_receive(struct sk_buff *skb, const struct sluice_cqe *cqe)
{
	unsigned int room = skb_headlen(skb), mss = le16_to_cpu(cqe->mss);
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	unsigned int l4, hdr_len, csum_offset, type;
	u8 proto;
	bool v6;

	l4 = sluice_gso_l4(skb, &v6, &proto);
	if (!l4)
		return 0;
	if (proto == IPPROTO_TCP) {
		const struct tcphdr *tcp = (const void *)(skb->data + l4);

		if (l4 + sizeof(*tcp) > room || tcp->doff < 5)
			return 0;
		hdr_len = l4 + tcp->doff * 4;
		csum_offset = offsetof(struct tcphdr, check);
		type = v6 ? SKB_GSO_TCPV6 : SKB_GSO_TCPV4;
		if (tcp->cwr)
			type |= SKB_GSO_TCP_ECN;
		if (le16_to_cpu(cqe->flags) & SLUICE_CQE_F_FIXED_ID)
			type |= SKB_GSO_TCP_FIXEDID;
	} else if (proto == IPPROTO_UDP) {
		hdr_len = l4 + sizeof(struct udphdr);
		csum_offset = offsetof(struct udphdr, check);
		type = SKB_GSO_UDP_L4;
	} else {
		return 0;
	}
	if (!mss || hdr_len > room || hdr_len + mss >= skb->len ||
	    !skb_partial_csum_set(skb, l4, csum_offset))
		return 0;
	shinfo->gso_size = mss;
	shinfo->gso_segs = DIV_ROUND_UP(skb->len - hdr_len, mss);
	shinfo->gso_type = type;
	return hdr_len;
}
