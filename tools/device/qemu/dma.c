// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory, as the workers reach it: by mappings that they keep.
 *
 * Looking an address up in QEMU's memory map takes longer than copying a packet.
 * So each worker keeps, for each function, a few ranges of RAM that are one piece
 * in QEMU's memory, and drops them when any part of the map has changed.  What is
 * not in such a piece goes the long way, and so does everything behind a virtual
 * IOMMU, whose mappings change without notice to the map.
 */
#include "qemu/osdep.h"
#include "qemu/rcu.h"
#include "hw/pci/pci_device.h"
#include "sluice.h"

#define RANGES	3
#define MIB	(1ull << 20)

/* RAM only: the guest cannot make a worker access a device's registers. */
static const MemTxAttrs sluice_attrs = { .memory = 1 };

/* RAM from @start on, @len bytes; none with @len zero. */
typedef struct MapRange {
	hwaddr start;
	hwaddr len;
	MemoryRegionCache cache;
} MapRange;

/*
 * What a worker keeps of a function's memory.
 * @gen: changes of the map when it was looked at
 * @next: the range that gives way to a new one
 * @none: there is an IOMMU: nothing can be mapped
 */
struct SluiceMap {
	uint32_t gen;
	unsigned int next;
	bool none;
	MapRange range[RANGES];
};

static __thread SluiceThread *self;

/* Ranges that are no longer used. */
typedef struct Dropped {
	struct rcu_head rcu;
	MapRange range[RANGES];
} Dropped;

/* In the RCU thread, with the big lock: it may be the last user of the RAM. */
static void dropped_free(Dropped *d)
{
	unsigned int i;

	for (i = 0; i < RANGES; i++)
		if (d->range[i].len)
			address_space_cache_destroy(&d->range[i].cache);
	g_free(d);
}

static void map_drop(SluiceMap *map)
{
	bool any = false;
	unsigned int i;
	Dropped *d;

	for (i = 0; i < RANGES; i++)
		any |= map->range[i].len;
	if (any) {
		d = g_new0(Dropped, 1);
		memcpy(d->range, map->range, sizeof(d->range));
		call_rcu(d, dropped_free, rcu);
	}
	memset(map, 0, sizeof(*map));
}

/* Map what is around @addr, from @start on.  False when that is not RAM. */
static bool map_from(SluiceMap *map, AddressSpace *as, hwaddr start,
		     hwaddr addr)
{
	MapRange r = { .start = start };
	int64_t len = address_space_cache_init(&r.cache, as, start,
					       1ull << 46, true);
	MapRange *old = &map->range[map->next];
	SluiceMap gone = { 0 };

	if (len <= 0)
		return false;
	if (!r.cache.ptr || addr - start >= len) {
		map->none |= memory_region_is_iommu(r.cache.mrs.mr);
		address_space_cache_destroy(&r.cache);
		return false;
	}
	r.len = len;
	gone.range[0] = *old;
	map_drop(&gone);
	*old = r;
	map->next = (map->next + 1) % RANGES;
	return true;
}

/* The range with @len bytes from @addr on, or NULL. */
static MapRange *map_find(SluiceMap *map, hwaddr addr, size_t len)
{
	unsigned int i;

	for (i = 0; i < RANGES; i++) {
		MapRange *r = &map->range[i];

		if (addr - r->start < r->len && addr >= r->start &&
		    len <= r->len - (addr - r->start))
			return r;
	}
	return NULL;
}

static AddressSpace *func_as(SluiceState *s, unsigned int fn)
{
	SluiceFunc *f = qatomic_read(&s->funcs[fn]);

	return f ? pci_get_address_space(f->pci) : NULL;
}

/*
 * The same, mapped now if need be.  The caller is in an RCU read section, which is
 * what keeps the memory there.
 */
static MapRange *map_get(SluiceState *s, unsigned int fn, hwaddr addr, size_t len)
{
	uint32_t gen = qatomic_load_acquire(&s->map_gen);
	SluiceMap *map = &self->map[fn];
	AddressSpace *as;
	MapRange *r;

	if (map->gen != gen) {
		map_drop(map);
		map->gen = gen;
	}
	r = map_find(map, addr, len);
	if (r || map->none)
		return r;
	as = func_as(s, fn);
	if (!as)
		return NULL;
	/* Mostly from the start of a large piece; below 1 MiB a PC has holes. */
	if (map_from(map, as, addr & ~(1024 * MIB - 1), addr) ||
	    (addr >= MIB && addr < 1024 * MIB && map_from(map, as, MIB, addr)) ||
	    map_from(map, as, addr & ~(2 * MIB - 1), addr))
		return map_find(map, addr, len);
	return NULL;
}

bool sluice_dma_read(void *ctx, unsigned int fn, uint64_t addr, void *buf,
		     size_t len)
{
	SluiceState *s = ctx;
	AddressSpace *as;
	MapRange *r;

	RCU_READ_LOCK_GUARD();
	r = map_get(s, fn, addr, len);
	if (r) {
		memcpy(buf, r->cache.ptr + (addr - r->start), len);
		return true;
	}
	as = func_as(s, fn);
	return as && address_space_read(as, addr, sluice_attrs, buf, len) ==
		     MEMTX_OK;
}

bool sluice_dma_write(void *ctx, unsigned int fn, uint64_t addr,
		      const void *buf, size_t len)
{
	SluiceState *s = ctx;
	AddressSpace *as;
	MapRange *r;

	RCU_READ_LOCK_GUARD();
	r = map_get(s, fn, addr, len);
	if (r) {
		memcpy(r->cache.ptr + (addr - r->start), buf, len);
		address_space_cache_invalidate(&r->cache, addr - r->start,
					       len);
		return true;
	}
	as = func_as(s, fn);
	return as && address_space_write(as, addr, sluice_attrs, buf, len) ==
		     MEMTX_OK;
}

bool sluice_dma_publish(void *ctx, unsigned int fn, uint64_t addr,
			const void *entry, size_t len)
{
	if (!sluice_dma_write(ctx, fn, addr, entry, len - 8))
		return false;
	/* The phase comes after everything it vouches for. */
	smp_wmb();
	return sluice_dma_write(ctx, fn, addr + len - 8,
				(const uint8_t *)entry + len - 8, 8);
}

/* The memory map has changed, or bus mastering; main loop. */
static void map_changed(MemoryListener *listener)
{
	SluiceState *s = container_of(listener, SluiceState, map_listener);

	qatomic_store_release(&s->map_gen, s->map_gen + 1);
}

void sluice_maps_init(SluiceState *s)
{
	s->map_listener = (MemoryListener) {
		.name = "sluice",
		.commit = map_changed,
	};
	s->map_gen = 1;
	memory_listener_register(&s->map_listener, &address_space_memory);
}

/* No worker is left. */
void sluice_maps_exit(SluiceState *s)
{
	if (s->map_gen)
		memory_listener_unregister(&s->map_listener);
	s->map_gen = 0;
}

/* A worker's thread begins, and ends. */
void sluice_maps_open(SluiceThread *t)
{
	t->map = g_new0(SluiceMap, SLUICE_MAX_FUNCS);
	self = t;
}

void sluice_maps_close(SluiceThread *t)
{
	unsigned int fn;

	for (fn = 0; fn < SLUICE_MAX_FUNCS; fn++)
		map_drop(&t->map[fn]);
	g_free(t->map);
	t->map = NULL;
}
