// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: which long frames the device segments.
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
