/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of what there is much of.
 */
#ifndef SLUICE_ESW_MEMORY_H
#define SLUICE_ESW_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define ESW_LINE	64u	/* bytes of a cache line */
#define ESW_SLABS	8

#define ESW_HUGE_PAGE	((size_t)2 << 20)

/*
 * A function that does nothing but ask for memory.  For GCC a call of one has no
 * effect, and it leaves that out, unless the function becomes part of its caller
 * before GCC thinks about it.
 */
#define ESW_PREFETCHER	inline __attribute__((always_inline))

/**
 * struct esw_slab - objects that take the same number of cache lines
 * @free: first free place, which holds the address of the next
 * @chunk: memory for more, the last that was added
 * @used: bytes of it that are taken
 */
struct esw_slab {
	void *free;
	uint8_t *chunk;
	size_t used;
};

void *esw_pages_alloc(size_t size);
void *esw_slab_alloc(struct esw_slab *slabs, size_t size);
void esw_slab_release(struct esw_slab *slabs, void *p, size_t size);
void esw_slabs_release(struct esw_slab *slabs);

#endif /* SLUICE_ESW_MEMORY_H */
