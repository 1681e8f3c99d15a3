// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The csum action, as act_csum does it on a frame: which layers it looks
 * through, which lengths it believes and what it leaves alone.
 */
#include "internal.h"

#define TLV_PAD1	0
#define TLV_JUMBO	194

/* Sum of big-endian 16-bit words; 64 bits never overflow here. */
static uint64_t sum_bytes(const uint8_t *p, uint32_t len, uint64_t sum)
{
	uint64_t words = 0;
	uint32_t v;

	/*
	 * Four bytes at a time, in any byte order: the folded sum is that of
	 * the 16-bit words.
	 */
	for (; len >= 4; p += 4, len -= 4) {
		memcpy(&v, p, sizeof(v));
		words += be32toh(v);
	}
	sum += (words & 0xffff) + (words >> 16 & 0xffff) +
	       (words >> 32 & 0xffff) + (words >> 48);
	if (len >= 2) {
		sum += esw_get16(p);
		p += 2;
		len -= 2;
	}
	if (len)
		sum += (uint64_t)p[0] << 8;
	return sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Sum of @len bytes as 16-bit words in network order, not folded. */
uint64_t esw_sum(const uint8_t *p, uint32_t len)
{
	return sum_bytes(p, len, 0);
}

/* Internet checksum of @len bytes and of what @start has summed up. */
uint16_t esw_csum(const uint8_t *p, uint32_t len, uint64_t start)
{
	return fold(sum_bytes(p, len, start));
}

/* CRC32c, four bits at a time. */
static uint32_t crc32c(const uint8_t *p, uint32_t len)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = 0xffffffff;

	while (len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

/**
 * struct layer - the L4 part of an IP packet
 * @l3: IP header, the first byte of the packet
 * @avail: bytes there are from @l3 on
 * @hl: length of all headers before L4
 * @ipl: length of the packet as its header says
 * @addr: both addresses
 * @addr_len: bytes at @addr
 * @v6: IPv6
 */
struct layer {
	uint8_t *l3;
	uint32_t avail;
	uint32_t hl;
	uint32_t ipl;
	const uint8_t *addr;
	uint32_t addr_len;
	bool v6;
};

static uint8_t *next_layer(const struct layer *l, uint32_t want)
{
	if (l->ipl > l->avail || l->ipl < l->hl + want)
		return NULL;
	return l->l3 + l->hl;
}

static uint64_t pseudo(const struct layer *l, uint8_t proto, uint32_t len)
{
	return sum_bytes(l->addr, l->addr_len, (uint64_t)proto + len);
}

static bool csum_plain(const struct layer *l, uint32_t want, uint64_t sum)
{
	uint8_t *h = next_layer(l, want);

	if (!h)
		return false;
	esw_put16(h + 2, 0);
	esw_put16(h + 2, fold(sum_bytes(h, l->ipl - l->hl, sum)));
	return true;
}

static bool csum_icmp(const struct layer *l)
{
	uint32_t len = l->ipl - l->hl;

	/* ICMPv6 has a pseudo header, ICMP has none. */
	return csum_plain(l, 8, l->v6 ?
			  pseudo(l, ESW_IPPROTO_ICMPV6, len) : 0);
}

static bool csum_tcp(const struct layer *l)
{
	uint8_t *h = next_layer(l, 20);
	uint32_t len = l->ipl - l->hl;

	if (!h)
		return false;
	esw_put16(h + 16, 0);
	esw_put16(h + 16, fold(sum_bytes(h, len,
					 pseudo(l, ESW_IPPROTO_TCP, len))));
	return true;
}

static bool csum_udp(const struct layer *l, bool lite)
{
	uint8_t *h = next_layer(l, 8);
	uint32_t len = l->ipl - l->hl;
	uint32_t ul, cover;
	uint16_t check;

	if (!h)
		return false;
	/* No checksum in use: leave it so. */
	if (!l->v6 && !lite && !esw_get16(h + 6))
		return true;
	ul = esw_get16(h + 4);
	cover = lite && !ul ? len : ul;
	esw_put16(h + 6, 0);
	if (lite ? cover < 8 || cover > len : ul != len)
		return true;	/* a length it does not believe */
	check = fold(sum_bytes(h, cover,
			       pseudo(l, lite ? ESW_IPPROTO_UDPLITE :
						ESW_IPPROTO_UDP, ul)));
	esw_put16(h + 6, check ? check : 0xffff);
	return true;
}

/* Everything to the end of the frame counts, padding too. */
static bool csum_sctp(const struct layer *l)
{
	uint8_t *h = next_layer(l, 12);
	uint32_t crc;

	if (!h)
		return false;
	memset(h + 8, 0, 4);
	crc = crc32c(h, l->avail - l->hl);
	h[8] = (uint8_t)crc;
	h[9] = (uint8_t)(crc >> 8);
	h[10] = (uint8_t)(crc >> 16);
	h[11] = (uint8_t)(crc >> 24);
	return true;
}

static bool csum_l4(const struct layer *l, uint8_t proto, uint32_t which)
{
	switch (proto) {
	case ESW_IPPROTO_TCP:
		return !(which & SLUICE_CSUM_TCP) || csum_tcp(l);
	case ESW_IPPROTO_UDP:
		return !(which & SLUICE_CSUM_UDP) || csum_udp(l, false);
	case ESW_IPPROTO_UDPLITE:
		return !(which & SLUICE_CSUM_UDPLITE) || csum_udp(l, true);
	case ESW_IPPROTO_SCTP:
		return !(which & SLUICE_CSUM_SCTP) || csum_sctp(l);
	}
	return true;
}

static bool csum_ip4(uint8_t *ip, uint32_t avail, uint32_t which)
{
	struct layer l = { .l3 = ip, .avail = avail };
	bool ok = true;

	if (avail < ESW_IP4_HLEN)
		return false;
	l.hl = (ip[0] & 0x0f) * 4u;
	l.ipl = esw_get16(ip + 2);
	l.addr = ip + 12;
	l.addr_len = 8;
	/* Linux sums what is there for such a header; software shall do it. */
	if (l.hl < ESW_IP4_HLEN || l.hl > avail)
		return false;
	if (!(esw_get16(ip + 6) & ESW_IP4_OFFSET)) {
		if (ip[9] == ESW_IPPROTO_ICMP)
			ok = !(which & SLUICE_CSUM_ICMP) || csum_icmp(&l);
		else if (ip[9] == ESW_IPPROTO_IGMP)
			ok = !(which & SLUICE_CSUM_IGMP) ||
			     csum_plain(&l, 8, 0);
		else
			ok = csum_l4(&l, ip[9], which);
	}
	if (ok && which & SLUICE_CSUM_IPV4HDR) {
		esw_put16(ip + 10, 0);
		esw_put16(ip + 10, fold(sum_bytes(ip, l.hl, 0)));
	}
	return ok;
}

/* A jumbo option replaces the payload length. */
static bool hop_options(const uint8_t *xh, uint32_t size, uint32_t *pl)
{
	uint32_t off = 2, len = size - 2, optlen;

	while (len > 1) {
		if (xh[off] == TLV_PAD1) {
			optlen = 1;
		} else if (xh[off] == TLV_JUMBO) {
			optlen = xh[off + 1] + 2u;
			if (optlen != 6 || len < 6 || (off & 3) != 2)
				return false;
			*pl = (uint32_t)esw_get16(xh + off + 2) << 16 |
			      esw_get16(xh + off + 4);
			return true;
		} else {
			optlen = xh[off + 1] + 2u;
			if (optlen > len)
				return true;
		}
		off += optlen;
		len -= optlen;
	}
	return true;
}

static bool csum_ip6(uint8_t *ip, uint32_t avail, uint32_t which)
{
	struct layer l = { .l3 = ip, .avail = avail, .v6 = true };
	uint32_t pl, size;
	uint8_t next;

	if (avail < ESW_IP6_HLEN)
		return false;
	l.hl = ESW_IP6_HLEN;
	l.addr = ip + 8;
	l.addr_len = 32;
	pl = esw_get16(ip + 4);
	next = ip[6];
	do {
		switch (next) {
		case ESW_IPPROTO_HOPOPTS:
		case ESW_IPPROTO_ROUTING:
		case ESW_IPPROTO_DSTOPTS:
			if (l.hl + 2 > avail)
				return false;
			size = (ip[l.hl + 1] + 1u) << 3;
			if (l.hl + size > avail)
				return false;
			if (next == ESW_IPPROTO_HOPOPTS &&
			    !hop_options(ip + l.hl, size, &pl))
				return false;
			next = ip[l.hl];
			l.hl += size;
			break;
		case ESW_IPPROTO_ICMPV6:
		case ESW_IPPROTO_TCP:
		case ESW_IPPROTO_UDP:
		case ESW_IPPROTO_UDPLITE:
		case ESW_IPPROTO_SCTP:
			if (pl > avail)
				return false;
			l.ipl = pl + ESW_IP6_HLEN;
			if (next != ESW_IPPROTO_ICMPV6)
				return csum_l4(&l, next, which);
			return !(which & SLUICE_CSUM_ICMP) || csum_icmp(&l);
		default:
			return true;
		}
	} while (l.hl + 1 <= avail);
	return true;
}

/**
 * sluice_csum_update() - compute checksums anew
 * @p: packet, whose body may be written
 * @which: SLUICE_CSUM_*
 *
 * Tags inside the outermost one are looked through.
 *
 * Return: false where Linux drops the packet or does something that depends on
 * more than the frame; the packet may have been changed then.
 */
bool sluice_csum_update(struct sluice_pkt *p, uint32_t which)
{
	uint16_t proto = p->proto;
	uint8_t *l3 = esw_l3(p);
	uint32_t len = esw_l3_len(p);

	while (esw_is_vlan(proto)) {
		if (len < ESW_VLAN_HLEN)
			return false;
		proto = esw_get16(l3 + 2);
		l3 += ESW_VLAN_HLEN;
		len -= ESW_VLAN_HLEN;
	}
	if (proto == ESW_P_IP)
		return csum_ip4(l3, len, which);
	if (proto == ESW_P_IPV6)
		return csum_ip6(l3, len, which);
	return true;
}
