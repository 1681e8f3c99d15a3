// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of what there is much of.  Where it matters it comes in huge pages:
 * with a million rules hardly any two frames meet on the same small page.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "internal.h"

/**
 * esw_pages_alloc() - zeroed memory for an array
 * @size: in bytes
 *
 * Return: memory at the boundary of a cache line, to be given to free(), or
 * NULL.
 */
void *esw_pages_alloc(size_t size)
{
	size_t align = size < ESW_HUGE_PAGE ? ESW_LINE : ESW_HUGE_PAGE;
	void *p = aligned_alloc(align, (size + align - 1) & ~(align - 1));

	if (!p)
		return NULL;
	if (align == ESW_HUGE_PAGE)
		madvise(p, size, MADV_HUGEPAGE);
	return memset(p, 0, size);
}

/*
 * Objects of a slab lie at boundaries of cache lines, those of a size together.
 * What is given back is used again for the same size; the rest is freed when
 * there is none any more.  The address sanitizer is to see each for itself.
 */
#ifdef __SANITIZE_ADDRESS__
#define SLAB_MAX	((size_t)0)
#else
#define SLAB_MAX	((size_t)ESW_SLABS * ESW_LINE)
#endif

static struct esw_slab *slab_of(struct esw_slab *slabs, size_t size)
{
	return &slabs[(size - 1) / ESW_LINE];
}

static size_t slab_size(size_t size)
{
	return (size + ESW_LINE - 1) & ~(size_t)(ESW_LINE - 1);
}

static bool slab_grow(struct esw_slab *s)
{
	uint8_t *chunk = aligned_alloc(ESW_HUGE_PAGE, ESW_HUGE_PAGE);

	if (!chunk)
		return false;
	madvise(chunk, ESW_HUGE_PAGE, MADV_HUGEPAGE);
	/* Its first line links it to the one before. */
	memcpy(chunk, &s->chunk, sizeof(s->chunk));
	s->chunk = chunk;
	s->used = ESW_LINE;
	return true;
}

/**
 * esw_slab_alloc() - memory for an object
 * @slabs: ESW_SLABS of them
 * @size: in bytes
 *
 * Return: the memory, not set to anything, or NULL.
 */
void *esw_slab_alloc(struct esw_slab *slabs, size_t size)
{
	struct esw_slab *s;
	void *p;

	if (size > SLAB_MAX)
		return malloc(size);
	s = slab_of(slabs, size);
	p = s->free;
	if (p) {
		memcpy(&s->free, p, sizeof(s->free));
		return p;
	}
	if ((!s->chunk || ESW_HUGE_PAGE - s->used < slab_size(size)) &&
	    !slab_grow(s))
		return NULL;
	p = s->chunk + s->used;
	s->used += slab_size(size);
	return p;
}

/* Give back what esw_slab_alloc() gave for @size. */
void esw_slab_release(struct esw_slab *slabs, void *p, size_t size)
{
	struct esw_slab *s;

	if (size > SLAB_MAX) {
		free(p);
		return;
	}
	s = slab_of(slabs, size);
	memcpy(p, &s->free, sizeof(s->free));
	s->free = p;
}

/* There is no object any more. */
void esw_slabs_release(struct esw_slab *slabs)
{
	unsigned int i;

	for (i = 0; i < ESW_SLABS; i++) {
		struct esw_slab *s = &slabs[i];

		while (s->chunk) {
			uint8_t *chunk = s->chunk;

			memcpy(&s->chunk, chunk, sizeof(s->chunk));
			free(chunk);
		}
		s->free = NULL;
	}
}
