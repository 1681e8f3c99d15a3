/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the NIC itself looks at in a frame: checksums and the RSS hash. */
#ifndef SLUICE_NIC_FRAME_H
#define SLUICE_NIC_FRAME_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct frame_info - headers of a frame
 * @l3: offset of the IP header, 0 without one
 * @l4: offset of the TCP, UDP or SCTP header, 0 without a whole one
 * @l4_len: bytes from @l4 to the end of the IP packet
 * @proto: IP protocol of @l4
 * @v6: IPv6
 * @fragment: any fragment
 */
struct frame_info {
	uint16_t l3;
	uint16_t l4;
	uint16_t l4_len;
	uint8_t proto;
	bool v6;
	bool fragment;
};

void frame_parse(const uint8_t *frame, uint32_t len, struct frame_info *fi);

/* One's complement sum of bytes in network order, not inverted, folded. */
uint16_t frame_sum(const uint8_t *p, uint32_t len, uint32_t start);
/* Sum of the pseudo header that belongs to @fi->l4. */
uint16_t frame_pseudo_sum(const uint8_t *frame, const struct frame_info *fi);
/* The checksum of the transport header is there and right. */
/* Is it IPv4, with a right header checksum? */
bool frame_l3_ok(const uint8_t *frame, const struct frame_info *fi);
bool frame_l4_ok(const uint8_t *frame, const struct frame_info *fi);
/*
 * Complete a checksum: sum from @start to the end, store the complement at
 * @start + @offset.  The caller checks that this lies in the frame.
 */
void frame_csum_fill(uint8_t *frame, uint32_t len, uint32_t start,
		     uint32_t offset);

#define TOEPLITZ_INPUT	36	/* IPv6 addresses and ports */

/* Toeplitz hash by bytes. */
struct toeplitz {
	uint32_t part[TOEPLITZ_INPUT][256];
};

void toeplitz_init(struct toeplitz *t, const uint8_t *key);
uint32_t toeplitz_hash(const struct toeplitz *t, const uint8_t *in,
		       unsigned int len);
/*
 * Hash a frame as @types (SLUICE_RSS_*) say.  False when it has nothing to
 * hash.  @l4 tells whether ports took part.
 */
bool frame_rss(const struct toeplitz *t, uint32_t types, const uint8_t *frame,
	       const struct frame_info *fi, uint32_t *hash, bool *l4);
/*
 * The flow hash, of IP addresses and TCP, UDP or SCTP ports, or IP addresses,
 * or the Ethernet header.  Never zero.  @l4 tells whether ports took part.
 */
uint32_t frame_flow_hash(const struct toeplitz *t, const uint8_t *frame,
			 uint32_t len, bool *l4);

#endif /* SLUICE_NIC_FRAME_H */
