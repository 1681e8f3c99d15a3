// SPDX-License-Identifier: GPL-2.0-or-later
/* A queue of frames between two threads without a lock. */
#include <stdlib.h>
#include <string.h>
#include "fifo.h"

/*
 * A record is 8 bytes of header (its length) and the frame, padded to 8.  A
 * frame is never split; SKIP fills the end of the ring where one did not fit.
 */
#define HEADER	8
#define SKIP	UINT32_MAX

static uint64_t record_size(uint32_t len)
{
	return HEADER + (((uint64_t)len + 7) & ~7ull);
}

bool fifo_init(struct fifo *q, uint64_t size)
{
	memset(q, 0, sizeof(*q));
	q->size = size;
	q->data = malloc(size);
	return q->data;
}

void fifo_free(struct fifo *q)
{
	free(q->data);
	q->data = NULL;
}

uint32_t fifo_room(const struct fifo *q, uint32_t len)
{
	/* In this order: the tail never gets before the head. */
	uint64_t tail = __atomic_load_n(&q->tail, __ATOMIC_ACQUIRE);
	uint64_t head = __atomic_load_n(&q->head, __ATOMIC_RELAXED);
	uint64_t one = record_size(len), room = q->size - (head - tail);

	/* One record's room may be lost at the end of the ring. */
	return room < one ? 0 : (room - one) / one;
}

bool fifo_put(struct fifo *q, const uint8_t *frame, uint32_t len)
{
	uint64_t tail = __atomic_load_n(&q->tail, __ATOMIC_ACQUIRE);
	uint64_t head = q->head;
	uint64_t at = head & (q->size - 1);
	uint64_t need = record_size(len);

	if (q->size - at < need) {
		uint32_t skip = SKIP;

		if (q->size - (head - tail) < q->size - at + need)
			return false;
		memcpy(q->data + at, &skip, sizeof(skip));
		head += q->size - at;
		at = 0;
	} else if (q->size - (head - tail) < need) {
		return false;
	}
	memcpy(q->data + at, &len, sizeof(len));
	memcpy(q->data + at + HEADER, frame, len);
	__atomic_store_n(&q->head, head + need, __ATOMIC_RELEASE);
	__atomic_store_n(&q->put_count, q->put_count + 1, __ATOMIC_SEQ_CST);
	return true;
}

uint32_t fifo_count(const struct fifo *q)
{
	return __atomic_load_n(&q->put_count, __ATOMIC_SEQ_CST) -
	       __atomic_load_n(&q->take_count, __ATOMIC_SEQ_CST);
}

const uint8_t *fifo_take(struct fifo *q, uint32_t *len)
{
	uint64_t head = __atomic_load_n(&q->head, __ATOMIC_ACQUIRE);
	uint64_t at;

	if (q->next_tail == head)
		return NULL;
	at = q->next_tail & (q->size - 1);
	memcpy(len, q->data + at, sizeof(*len));
	if (*len == SKIP) {
		q->next_tail += q->size - at;
		at = 0;
		memcpy(len, q->data, sizeof(*len));
	}
	q->next_tail += record_size(*len);
	__atomic_store_n(&q->take_count, q->take_count + 1, __ATOMIC_SEQ_CST);
	return q->data + at + HEADER;
}

void fifo_release(struct fifo *q)
{
	__atomic_store_n(&q->tail, q->next_tail, __ATOMIC_RELEASE);
}

void fifo_clear(struct fifo *q)
{
	uint32_t len;

	while (fifo_take(q, &len))
		;
	fifo_release(q);
}
