/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merging: consecutive TCP frames of a connection as one large frame. */
#ifndef SLUICE_NIC_GRO_H
#define SLUICE_NIC_GRO_H

#include <stdbool.h>
#include <stdint.h>
#include "frame.h"

/* Ethernet, four tags, IPv6, and TCP with all options. */
#define GRO_HDR_MAX	(14 + 4 * 4 + 40 + 60)

/**
 * struct gro - frames that are one by now
 * @segs: how many, 0 for none
 * @len: length of all as one
 * @mss: payload of each
 * @l3: offset of the IP header
 * @l4: offset of the TCP header
 * @hdr_len: headers of each
 * @v6: IPv6
 * @fixed_id: all have the same IPv4 id, of two frames or more
 * @ended: nothing may come behind the last frame
 * @id: IPv4 id of the last frame
 * @seq: sequence number of the next frame
 * @hdr: headers of the first frame, with the flags of the last
 */
struct gro {
	uint32_t segs;
	uint32_t len;
	uint16_t mss;
	uint16_t l3;
	uint16_t l4;
	uint16_t hdr_len;
	bool v6;
	bool fixed_id;
	bool ended;
	uint16_t id;
	uint32_t seq;
	uint8_t hdr[GRO_HDR_MAX];
};

/*
 * Begin with @frame, whose checksums are right.  False when nothing may be
 * merged with it: then @g is as before.
 */
bool gro_begin(struct gro *g, const uint8_t *frame, uint32_t len,
	       const struct frame_info *fi);
/*
 * May @frame, whose checksums are right, be the next of @g?  It may when cutting
 * the result as gso_segment() does gives back every frame, byte for byte.
 */
bool gro_fits(const struct gro *g, const uint8_t *frame, uint32_t len,
	      const struct frame_info *fi);
/* Count @frame, which fits: its payload goes behind what there is. */
void gro_add(struct gro *g, const uint8_t *frame, uint32_t len);
/*
 * Make @g->hdr the headers of two frames or more as one, with the sum of the
 * pseudo header in the checksum field.
 */
void gro_finish(struct gro *g);

#endif /* SLUICE_NIC_GRO_H */
