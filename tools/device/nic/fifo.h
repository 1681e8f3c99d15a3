/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue of frames between two threads without a lock: one puts, one takes.
 */
#ifndef SLUICE_NIC_FIFO_H
#define SLUICE_NIC_FIFO_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct fifo - frames in a ring of bytes
 * @data: the ring
 * @size: its size in bytes, a power of two
 * @head: bytes put since the beginning
 * @tail: bytes taken since the beginning
 * @put_count: frames put
 * @take_count: frames taken
 * @next_tail: the taker's place, published by fifo_release()
 */
struct fifo {
	uint8_t *data;
	uint64_t size;
	uint64_t head;
	uint64_t tail;
	uint32_t put_count;
	uint32_t take_count;
	uint64_t next_tail;
};

bool fifo_init(struct fifo *q, uint64_t size);
void fifo_free(struct fifo *q);

/* Putting side.  How many frames of @len bytes surely fit. */
uint32_t fifo_room(const struct fifo *q, uint32_t len);
bool fifo_put(struct fifo *q, const uint8_t *frame, uint32_t len);

/* Either side: frames that wait. */
uint32_t fifo_count(const struct fifo *q);

/*
 * Taking side.  fifo_take() returns the next frame or NULL.  Frames taken stay
 * valid until fifo_release().
 */
const uint8_t *fifo_take(struct fifo *q, uint32_t *len);
void fifo_release(struct fifo *q);
/* Taking side: drop all. */
void fifo_clear(struct fifo *q);

#endif /* SLUICE_NIC_FIFO_H */
