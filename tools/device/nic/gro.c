// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Merging, the reverse of segmentation: what Linux does in software when it
 * receives (GRO), and under the same conditions.
 */
#include <string.h>
#include <linux/sluice/ring.h>
#include "bytes.h"
#include "gro.h"

#define PROTO_TCP	6
#define IP4_HLEN	20
#define IP6_HLEN	40
#define TCP_HLEN	20

#define IP4_LEN		2	/* offsets in the IPv4 header */
#define IP4_ID		4
#define IP4_FRAG	6
#define IP4_CSUM	10
#define IP4_DF		0x40
#define IP6_LEN		4	/* in the IPv6 header */
#define TCP_SEQ		4	/* in the TCP header */
#define TCP_DOFF	12
#define TCP_FLAGS	13
#define TCP_CSUM	16
#define TCP_PSH		0x08
#define TCP_ACK		0x10

static uint32_t hdr_len(const uint8_t *frame, const struct frame_info *fi)
{
	return fi->l4 + (frame[fi->l4 + TCP_DOFF] >> 4) * 4;
}

/* Data and nothing special, in a packet that is the whole frame. */
static bool is_plain(const uint8_t *frame, uint32_t len,
		     const struct frame_info *fi)
{
	uint32_t hdr;

	if (!fi->l4 || fi->proto != PROTO_TCP || fi->l4 + fi->l4_len != len ||
	    fi->l4 != fi->l3 + (fi->v6 ? IP6_HLEN : IP4_HLEN) ||
	    (frame[fi->l4 + TCP_FLAGS] & ~TCP_PSH) != TCP_ACK ||
	    frame[fi->l4 + TCP_DOFF] & 15)
		return false;
	hdr = hdr_len(frame, fi);
	return hdr >= (uint32_t)fi->l4 + TCP_HLEN && hdr <= GRO_HDR_MAX && hdr < len;
}

/* The fields that may differ from frame to frame, as zeroes. */
static void blank(uint8_t *hdr, uint16_t l3, uint16_t l4, bool v6)
{
	if (v6) {
		put16(hdr + l3 + IP6_LEN, 0);
	} else {
		put16(hdr + l3 + IP4_LEN, 0);
		put16(hdr + l3 + IP4_ID, 0);
		put16(hdr + l3 + IP4_CSUM, 0);
	}
	memset(hdr + l4 + TCP_SEQ, 0, 4);
	hdr[l4 + TCP_FLAGS] &= ~TCP_PSH;
	put16(hdr + l4 + TCP_CSUM, 0);
}

bool gro_begin(struct gro *g, const uint8_t *frame, uint32_t len,
	       const struct frame_info *fi)
{
	if (!is_plain(frame, len, fi) || frame[fi->l4 + TCP_FLAGS] & TCP_PSH)
		return false;
	g->segs = 1;
	g->len = len;
	g->hdr_len = hdr_len(frame, fi);
	g->mss = len - g->hdr_len;
	g->l3 = fi->l3;
	g->l4 = fi->l4;
	g->v6 = fi->v6;
	g->fixed_id = false;
	g->ended = false;
	g->id = fi->v6 ? 0 : get16(frame + fi->l3 + IP4_ID);
	g->seq = get32(frame + fi->l4 + TCP_SEQ) + g->mss;
	memcpy(g->hdr, frame, g->hdr_len);
	return true;
}

/* IPv4 ids count up, or are all the same where nobody may need them. */
static bool id_fits(const struct gro *g, const uint8_t *frame)
{
	uint16_t id = get16(frame + g->l3 + IP4_ID);
	bool same = id == g->id;

	if (same && !(frame[g->l3 + IP4_FRAG] & IP4_DF))
		return false;
	if (!same && id != (uint16_t)(g->id + 1))
		return false;
	return g->segs == 1 || same == g->fixed_id;
}

bool gro_fits(const struct gro *g, const uint8_t *frame, uint32_t len,
	      const struct frame_info *fi)
{
	uint8_t a[GRO_HDR_MAX], b[GRO_HDR_MAX];
	uint32_t payload;

	if (g->ended || g->segs >= SLUICE_GSO_SEGS_MAX ||
	    !is_plain(frame, len, fi) || fi->l3 != g->l3 || fi->l4 != g->l4 ||
	    fi->v6 != g->v6 || hdr_len(frame, fi) != g->hdr_len)
		return false;
	payload = len - g->hdr_len;
	if (payload > g->mss || g->len + payload > SLUICE_GSO_FRAME_MAX ||
	    get32(frame + g->l4 + TCP_SEQ) != g->seq ||
	    (!g->v6 && !id_fits(g, frame)))
		return false;
	memcpy(a, g->hdr, g->hdr_len);
	memcpy(b, frame, g->hdr_len);
	blank(a, g->l3, g->l4, g->v6);
	blank(b, g->l3, g->l4, g->v6);
	return !memcmp(a, b, g->hdr_len);
}

void gro_add(struct gro *g, const uint8_t *frame, uint32_t len)
{
	uint32_t payload = len - g->hdr_len;

	if (!g->v6) {
		uint16_t id = get16(frame + g->l3 + IP4_ID);

		g->fixed_id = id == g->id;
		g->id = id;
	}
	g->segs++;
	g->len += payload;
	g->seq += payload;
	g->hdr[g->l4 + TCP_FLAGS] |= frame[g->l4 + TCP_FLAGS];
	g->ended = payload < g->mss || frame[g->l4 + TCP_FLAGS] & TCP_PSH;
}

void gro_finish(struct gro *g)
{
	struct frame_info fi = {
		.l3 = g->l3,
		.l4 = g->l4,
		.l4_len = g->len - g->l4,
		.proto = PROTO_TCP,
		.v6 = g->v6,
	};
	uint8_t *ip = g->hdr + g->l3;

	if (g->v6) {
		put16(ip + IP6_LEN, fi.l4_len);
	} else {
		put16(ip + IP4_LEN, g->len - g->l3);
		put16(ip + IP4_CSUM, 0);
		put16(ip + IP4_CSUM, ~frame_sum(ip, IP4_HLEN, 0));
	}
	put16(g->hdr + g->l4 + TCP_CSUM, frame_pseudo_sum(g->hdr, &fi));
}
