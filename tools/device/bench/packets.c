// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The frames: UDP over IPv4, one for each flow.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

#define IP_HLEN		20
#define UDP_HLEN	8
#define ETH_HLEN	14

const uint8_t mac_p0[6] = { 0x02, 0, 0, 0, 0xaa, 0 };
const uint8_t mac_nh[6] = { 0x02, 0, 0, 0, 0xbb, 1 };
const uint8_t mac_vf0[6] = { 0x02, 0, 0, 0, 0, 0x0a };
const uint8_t mac_vf1[6] = { 0x02, 0, 0, 0, 0, 0x0b };

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t add_up(const uint8_t *p, uint32_t len, uint32_t sum)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The destination's upper 24 bits tell all flows apart. */
struct flow flow_of(uint32_t i)
{
	uint32_t h = i * 0x9e3779b1u ^ i >> 7;
	struct flow f = {
		.src = 0x0a000000 | (h >> 8 & 0xffffff),
		.dst = 0x20000000 + (i << 8) + (h & 0xff),
		.sport = (uint16_t)(1024 + (h >> 4) % 60000),
		.dport = (uint16_t)(1 + (i % 1000)),
	};

	return f;
}

static uint32_t inner_len(const struct point *p, uint32_t flow)
{
	uint32_t turn = flow % 12;

	if (!p->imix || turn < 7)
		return 60;
	return turn < 11 ? 590 : 1514;
}

/* Length of a flow's frame. */
uint32_t frame_len(const struct point *p, uint32_t flow)
{
	return inner_len(p, flow) + (p->which == CASE_DECAP ? OUTER_LEN : 0);
}

static void eth(uint8_t *f, const uint8_t *dst, const uint8_t *src)
{
	memcpy(f, dst, 6);
	memcpy(f + 6, src, 6);
	put16(f + 12, 0x0800);
}

/* An IPv4 header for @len bytes, and the UDP header behind it. */
static void ip_udp(uint8_t *ip, uint32_t len, const struct flow *f)
{
	memset(ip, 0, IP_HLEN + UDP_HLEN);
	ip[0] = 0x45;
	put16(ip + 2, len);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 17;
	put32(ip + 12, f->src);
	put32(ip + 16, f->dst);
	put16(ip + 10, ~add_up(ip, IP_HLEN, 0));
	put16(ip + 20, f->sport);
	put16(ip + 22, f->dport);
	put16(ip + 24, len - IP_HLEN);
}

/* The frame of a flow, at @f. */
void frame_make(const struct point *p, uint32_t flow, uint8_t *f)
{
	uint32_t len = inner_len(p, flow), l4 = len - ETH_HLEN - IP_HLEN;
	struct flow fl = flow_of(flow);
	uint8_t *udp;

	if (p->which == CASE_DECAP) {
		struct flow outer = {
			.src = OUTER_SRC, .dst = OUTER_DST,
			.sport = (uint16_t)(32768 + fl.sport % 28000),
			.dport = VXLAN_PORT,
		};

		eth(f, mac_p0, mac_nh);
		ip_udp(f + ETH_HLEN, len + OUTER_LEN - ETH_HLEN, &outer);
		put32(f + 42, 0x08000000);
		put32(f + 46, OUTER_VNI << 8);
		f += OUTER_LEN;
	}
	eth(f, mac_vf1, mac_vf0);
	ip_udp(f + ETH_HLEN, len - ETH_HLEN, &fl);
	udp = f + ETH_HLEN + IP_HLEN;
	memset(udp + UDP_HLEN, 0x5a, l4 - UDP_HLEN);
	put16(udp + 6, ~add_up(udp, l4, add_up(udp - 8, 8, 17 + l4)));
}

static void put_le32(FILE *to, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
			 (uint8_t)(v >> 24) };

	fwrite(b, 4, 1, to);
}

/* Each flow's frame once, in random order, for other switches. */
int pcap_write(const struct point *p, const char *path)
{
	static const uint32_t head[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535,
					  1 };
	uint32_t *order = malloc(p->flows * sizeof(*order));
	uint64_t r = RANDOM_START;
	FILE *to = fopen(path, "w");
	uint8_t f[2048];
	uint32_t i;

	if (!to || !order)
		return -1;
	for (i = 0; i < p->flows; i++) {
		uint32_t at = (uint32_t)((random_next(&r) >> 32) *
					 (i + 1) >> 32);

		order[i] = order[at];
		order[at] = i;
	}
	for (i = 0; i < 6; i++)
		put_le32(to, head[i]);
	for (i = 0; i < p->flows; i++) {
		uint32_t len = frame_len(p, order[i]);

		frame_make(p, order[i], f);
		put_le32(to, i);
		put_le32(to, 0);
		put_le32(to, len);
		put_le32(to, len);
		fwrite(f, len, 1, to);
	}
	free(order);
	return fclose(to);
}
