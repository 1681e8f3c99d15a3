// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Segmentation, byte for byte as Linux does it in software: IPv4 ids count up,
 * FIN and PSH are for the last segment, CWR is for the first.
 */
#include <endian.h>
#include <string.h>
#include "bytes.h"
#include "frame.h"
#include "gso.h"

#define PROTO_TCP	6
#define PROTO_UDP	17
#define UDP_HLEN	8
#define TCP_HLEN	20

#define TCP_FLAGS	13	/* offset in the TCP header */
#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_CWR		0x80

static unsigned int csum_offset(const struct gso *g)
{
	return g->udp ? 6 : 16;
}

bool gso_init(struct gso *g, const uint8_t *frame, uint32_t len,
	      const struct sluice_tx_desc *d)
{
	struct frame_info fi;
	uint32_t l4_hlen = UDP_HLEN;

	frame_parse(frame, len, &fi);
	/* Nothing may be behind the packet: it would be of no segment. */
	if (!fi.l4 || fi.l4 + fi.l4_len != len)
		return false;
	if (fi.proto == PROTO_TCP)
		l4_hlen = (frame[fi.l4 + 12] >> 4) * 4;
	else if (fi.proto != PROTO_UDP)
		return false;
	if (fi.proto == PROTO_TCP && l4_hlen < TCP_HLEN)
		return false;

	g->frame = frame;
	g->mss = le16toh(d->mss);
	g->hdr_len = le16toh(d->hdr_len);
	g->l3 = fi.l3;
	g->l4 = fi.l4;
	g->v6 = fi.v6;
	g->udp = fi.proto == PROTO_UDP;
	g->fixed_id = le16toh(d->flags) & SLUICE_TX_F_FIXED_ID;
	if (le16toh(d->csum_start) != g->l4 ||
	    le16toh(d->csum_offset) != csum_offset(g) ||
	    g->hdr_len != g->l4 + l4_hlen || g->hdr_len >= len || !g->mss ||
	    (uint32_t)g->hdr_len + g->mss > SLUICE_FRAME_MAX)
		return false;
	g->payload = len - g->hdr_len;
	g->segs = (g->payload + g->mss - 1) / g->mss;
	return g->segs <= SLUICE_GSO_SEGS_MAX;
}

void gso_seed(const struct gso *g, uint8_t *frame)
{
	uint8_t *ip = frame + g->l3;
	struct frame_info fi = {
		.l3 = g->l3,
		.l4 = g->l4,
		.l4_len = g->hdr_len + g->payload - g->l4,
		.proto = g->udp ? PROTO_UDP : PROTO_TCP,
		.v6 = g->v6,
	};

	if (!g->v6) {
		put16(ip + 10, 0);
		put16(ip + 10, ~frame_sum(ip, (ip[0] & 15) * 4, 0));
	}
	if (g->udp)
		put16(frame + g->l4 + 4, fi.l4_len);
	put16(frame + g->l4 + csum_offset(g), frame_pseudo_sum(frame, &fi));
}

static void fix_ip(const struct gso *g, uint32_t i, uint8_t *out, uint32_t len)
{
	uint8_t *ip = out + g->l3;

	if (g->v6) {
		put16(ip + 4, len - g->l3 - 40);
		return;
	}
	put16(ip + 2, len - g->l3);
	if (!g->fixed_id)
		put16(ip + 4, get16(ip + 4) + i);
	put16(ip + 10, 0);
	put16(ip + 10, ~frame_sum(ip, (ip[0] & 15) * 4, 0));
}

static void fix_tcp(const struct gso *g, uint32_t i, uint8_t *tcp)
{
	put32(tcp + 4, get32(tcp + 4) + i * g->mss);
	if (i)
		tcp[TCP_FLAGS] &= ~TCP_CWR;
	if (i + 1 < g->segs)
		tcp[TCP_FLAGS] &= ~(TCP_FIN | TCP_PSH);
}

uint32_t gso_segment(const struct gso *g, uint32_t i, uint8_t *out)
{
	uint32_t at = i * g->mss;
	uint32_t n = g->payload - at < g->mss ? g->payload - at : g->mss;
	uint32_t len = g->hdr_len + n;
	uint8_t *l4 = out + g->l4;
	struct frame_info fi = {
		.l3 = g->l3,
		.l4 = g->l4,
		.l4_len = len - g->l4,
		.proto = g->udp ? PROTO_UDP : PROTO_TCP,
		.v6 = g->v6,
	};

	memcpy(out, g->frame, g->hdr_len);
	memcpy(out + g->hdr_len, g->frame + g->hdr_len + at, n);
	fix_ip(g, i, out, len);
	if (g->udp)
		put16(l4 + 4, fi.l4_len);
	else
		fix_tcp(g, i, l4);
	put16(l4 + csum_offset(g), frame_pseudo_sum(out, &fi));
	frame_csum_fill(out, len, g->l4, csum_offset(g));
	return len;
}
