// SPDX-License-Identifier: GPL-2.0-or-later
/* What the NIC itself looks at in a frame: checksums and the RSS hash. */
#include <string.h>
#include <linux/sluice/cmd.h>
#include "bytes.h"
#include "frame.h"

#define ETH_HLEN	14
#define ETH_ALEN_2	12
#define TPID_C		0x8100
#define TPID_S		0x88a8
#define TYPE_IP4	0x0800
#define TYPE_IP6	0x86dd

#define PROTO_HOPOPTS	0
#define PROTO_TCP	6
#define PROTO_UDP	17
#define PROTO_ROUTING	43
#define PROTO_FRAGMENT	44
#define PROTO_DSTOPTS	60
#define PROTO_SCTP	132

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

uint16_t frame_sum(const uint8_t *p, uint32_t len, uint32_t start)
{
	uint64_t sum = 0;
	uint16_t host;
	uint8_t be[2];

	/* The sum does not depend on byte order until it is read back. */
	for (; len >= 4; len -= 4, p += 4) {
		uint32_t v;

		memcpy(&v, p, 4);
		sum += v;
	}
	if (len >= 2) {
		uint16_t v;

		memcpy(&v, p, 2);
		sum += v;
		len -= 2;
		p += 2;
	}
	if (len) {
		uint8_t pad[2] = { *p, 0 };
		uint16_t v;

		memcpy(&v, pad, 2);
		sum += v;
	}
	host = fold(sum);
	memcpy(be, &host, 2);
	return fold((uint64_t)get16(be) + start);
}

uint16_t frame_pseudo_sum(const uint8_t *frame, const struct frame_info *fi)
{
	const uint8_t *ip = frame + fi->l3;

	if (fi->v6)
		return frame_sum(ip + 8, 32, fi->l4_len + fi->proto);
	return frame_sum(ip + 12, 8, fi->l4_len + fi->proto);
}

/* Walk IPv6 extension headers.  False when they end outside the packet. */
static bool skip_ext_headers(const uint8_t *frame, uint32_t end,
			     struct frame_info *fi, uint32_t *off)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		const uint8_t *h = frame + *off;

		switch (fi->proto) {
		case PROTO_HOPOPTS:
		case PROTO_ROUTING:
		case PROTO_DSTOPTS:
			if (*off + 8 > end)
				return false;
			fi->proto = h[0];
			*off += 8 + h[1] * 8;
			break;
		case PROTO_FRAGMENT:
			if (*off + 8 > end)
				return false;
			fi->fragment = true;
			fi->proto = h[0];
			*off += 8;
			break;
		default:
			return *off <= end;
		}
	}
	return false;
}

void frame_parse(const uint8_t *frame, uint32_t len, struct frame_info *fi)
{
	uint32_t off = ETH_HLEN;
	uint32_t end, need;
	uint16_t type;
	unsigned int i;

	memset(fi, 0, sizeof(*fi));
	if (len < ETH_HLEN)
		return;
	type = get16(frame + ETH_ALEN_2);
	for (i = 0; i < 4 && (type == TPID_C || type == TPID_S); i++) {
		if (off + 4 > len)
			return;
		type = get16(frame + off + 2);
		off += 4;
	}

	if (type == TYPE_IP4) {
		const uint8_t *ip = frame + off;
		uint32_t hlen, total;

		if (off + 20 > len || ip[0] >> 4 != 4)
			return;
		hlen = (ip[0] & 15) * 4;
		total = get16(ip + 2);
		if (hlen < 20 || total < hlen || off + total > len)
			return;
		fi->l3 = off;
		fi->fragment = get16(ip + 6) & 0x3fff;
		fi->proto = ip[9];
		end = off + total;
		off += hlen;
	} else if (type == TYPE_IP6) {
		const uint8_t *ip = frame + off;
		uint32_t payload;

		if (off + 40 > len || ip[0] >> 4 != 6)
			return;
		payload = get16(ip + 4);
		if (off + 40 + payload > len)
			return;
		fi->l3 = off;
		fi->v6 = true;
		fi->proto = ip[6];
		end = off + 40 + payload;
		off += 40;
		if (!skip_ext_headers(frame, end, fi, &off))
			return;
	} else {
		return;
	}

	switch (fi->proto) {
	case PROTO_TCP:
		need = 20;
		break;
	case PROTO_UDP:
		need = 8;
		break;
	case PROTO_SCTP:
		need = 12;
		break;
	default:
		return;
	}
	if (fi->fragment || off + need > end)
		return;
	fi->l4 = off;
	fi->l4_len = end - off;
}

bool frame_l3_ok(const uint8_t *frame, const struct frame_info *fi)
{
	const uint8_t *ip = frame + fi->l3;

	return fi->l3 && !fi->v6 && frame_sum(ip, (ip[0] & 15) * 4, 0) == 0xffff;
}

/* CRC32c of an SCTP packet, its checksum field taken as zero. */
static uint32_t sctp_crc(const uint8_t *p, uint32_t len)
{
	static const uint32_t half[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = 0xffffffff;
	uint32_t i;

	for (i = 0; i < len; i++) {
		crc ^= i >= 8 && i < 12 ? 0 : p[i];
		crc = crc >> 4 ^ half[crc & 15];
		crc = crc >> 4 ^ half[crc & 15];
	}
	return ~crc;
}

bool frame_l4_ok(const uint8_t *frame, const struct frame_info *fi)
{
	const uint8_t *l4 = frame + fi->l4;

	if (!fi->l4)
		return false;
	switch (fi->proto) {
	case PROTO_UDP:
		/* No checksum is not a right one; a short length is wrong. */
		if (!get16(l4 + 6) || get16(l4 + 4) != fi->l4_len)
			return false;
		/* fall through */
	case PROTO_TCP:
		return frame_sum(l4, fi->l4_len,
				 frame_pseudo_sum(frame, fi)) == 0xffff;
	case PROTO_SCTP:
		return sctp_crc(l4, fi->l4_len) ==
		       (l4[8] | l4[9] << 8 | l4[10] << 16 |
			(uint32_t)l4[11] << 24);
	default:
		return false;
	}
}

void frame_csum_fill(uint8_t *frame, uint32_t len, uint32_t start,
		     uint32_t offset)
{
	uint16_t csum = ~frame_sum(frame + start, len - start, 0);

	/* Zero means "none" to UDP, and is the same number. */
	if (!csum)
		csum = 0xffff;
	frame[start + offset] = csum >> 8;
	frame[start + offset + 1] = csum & 0xff;
}

void toeplitz_init(struct toeplitz *t, const uint8_t *key)
{
	unsigned int i, v, b;

	for (i = 0; i < TOEPLITZ_INPUT; i++) {
		/* The 40 key bits that the bits of this byte meet. */
		uint64_t window = 0;

		for (b = 0; b < 5; b++)
			window = window << 8 | key[i + b];
		t->part[i][0] = 0;
		for (v = 1; v < 256; v++) {
			/* The lowest bit set, on top of all others. */
			b = (unsigned int)__builtin_ctz(v);
			t->part[i][v] = t->part[i][v & (v - 1)] ^
					(uint32_t)(window >> (b + 1));
		}
	}
}

uint32_t toeplitz_hash(const struct toeplitz *t, const uint8_t *in,
		       unsigned int len)
{
	const uint32_t (*part)[256] = t->part;
	uint32_t hash = 0;

	/* Four bytes at a time: inputs are made of such pieces but one. */
	for (; len >= 4; len -= 4, in += 4, part += 4)
		hash ^= part[0][in[0]] ^ part[1][in[1]] ^ part[2][in[2]] ^
			part[3][in[3]];
	for (; len; len--, in++, part++)
		hash ^= part[0][*in];
	return hash;
}

bool frame_rss(const struct toeplitz *t, uint32_t types, const uint8_t *frame,
	       const struct frame_info *fi, uint32_t *hash, bool *l4)
{
	uint8_t in[TOEPLITZ_INPUT];
	unsigned int len;
	uint32_t ports;

	*l4 = false;
	if (!fi->l3)
		return false;
	if (fi->v6) {
		len = 32;
		memcpy(in, frame + fi->l3 + 8, len);
		ports = fi->proto == PROTO_TCP ? SLUICE_RSS_TCP6 :
			fi->proto == PROTO_UDP ? SLUICE_RSS_UDP6 : 0;
		types &= ports | SLUICE_RSS_IPV6;
	} else {
		len = 8;
		memcpy(in, frame + fi->l3 + 12, len);
		ports = fi->proto == PROTO_TCP ? SLUICE_RSS_TCP4 :
			fi->proto == PROTO_UDP ? SLUICE_RSS_UDP4 : 0;
		types &= ports | SLUICE_RSS_IPV4;
	}
	if (fi->l4 && (types & ports)) {
		memcpy(in + len, frame + fi->l4, 4);
		len += 4;
		*l4 = true;
	} else if (!(types & (SLUICE_RSS_IPV4 | SLUICE_RSS_IPV6))) {
		return false;
	}
	*hash = toeplitz_hash(t, in, len);
	return true;
}

/*
 * What nearly every frame is: UDP or TCP right behind an IPv4 header without
 * options, no fragment, no tag.
 */
static bool is_usual(const uint8_t *frame, uint32_t len)
{
	const uint8_t *ip = frame + ETH_HLEN;
	uint32_t total;

	if (len < ETH_HLEN + 20 + 20 ||
	    get16(frame + ETH_ALEN_2) != TYPE_IP4 || ip[0] != 0x45 ||
	    (ip[9] != PROTO_UDP && ip[9] != PROTO_TCP) ||
	    get16(ip + 6) & 0x3fff)
		return false;
	total = get16(ip + 2);
	return total >= 20 + 20 && ETH_HLEN + total <= len;
}

/* The hash of IPv4 addresses and the ports behind them. */
static uint32_t usual_hash(const struct toeplitz *t, const uint8_t *in)
{
	const uint32_t (*part)[256] = t->part;

	return part[0][in[0]] ^ part[1][in[1]] ^ part[2][in[2]] ^
	       part[3][in[3]] ^ part[4][in[4]] ^ part[5][in[5]] ^
	       part[6][in[6]] ^ part[7][in[7]] ^ part[8][in[8]] ^
	       part[9][in[9]] ^ part[10][in[10]] ^ part[11][in[11]];
}

uint32_t frame_flow_hash(const struct toeplitz *t, const uint8_t *frame,
			 uint32_t len, bool *l4)
{
	uint8_t in[TOEPLITZ_INPUT];
	struct frame_info fi;
	unsigned int n;
	uint32_t hash;

	if (is_usual(frame, len)) {
		*l4 = true;
		/* The ports follow the addresses. */
		hash = usual_hash(t, frame + ETH_HLEN + 12);
		return hash ? hash : 1;
	}
	frame_parse(frame, len, &fi);
	*l4 = fi.l4;
	if (!fi.l3) {
		n = len < ETH_HLEN ? len : ETH_HLEN;
		memcpy(in, frame, n);
	} else if (fi.v6) {
		n = 32;
		memcpy(in, frame + fi.l3 + 8, n);
	} else {
		n = 8;
		memcpy(in, frame + fi.l3 + 12, n);
	}
	if (fi.l4) {
		memcpy(in + n, frame + fi.l4, 4);
		n += 4;
	}
	hash = toeplitz_hash(t, in, n);
	return hash ? hash : 1;
}
