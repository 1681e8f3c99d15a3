/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segmentation: one long TCP or UDP frame that stands for several. */
#ifndef SLUICE_NIC_GSO_H
#define SLUICE_NIC_GSO_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/sluice/ring.h>

/**
 * struct gso - how a long frame is cut
 * @frame: the frame
 * @payload: bytes behind its headers
 * @segs: segments it stands for
 * @mss: payload of each but the last
 * @hdr_len: headers of each
 * @l3: offset of the IP header
 * @l4: offset of the TCP or UDP header
 * @v6: IPv6
 * @udp: UDP
 * @fixed_id: every segment has the IPv4 id of the frame
 */
struct gso {
	const uint8_t *frame;
	uint32_t payload;
	uint32_t segs;
	uint16_t mss;
	uint16_t hdr_len;
	uint16_t l3;
	uint16_t l4;
	bool v6;
	bool udp;
	bool fixed_id;
};

/*
 * Look at a frame of @len bytes that descriptor @d wants to be segmented.
 * False when the frame is not what the descriptor says.
 */
bool gso_init(struct gso *g, const uint8_t *frame, uint32_t len,
	      const struct sluice_tx_desc *d);
/*
 * Make the headers of @frame, which is @g's, right for the frame as a whole,
 * with the sum of the pseudo header in its checksum field.  No segment depends
 * on what this changes.
 */
void gso_seed(const struct gso *g, uint8_t *frame);
/*
 * Write segment @i, checksums and all, to @out, which has room for
 * SLUICE_FRAME_MAX bytes.  Return its length.
 */
uint32_t gso_segment(const struct gso *g, uint32_t i, uint8_t *out);

#endif /* SLUICE_NIC_GSO_H */
