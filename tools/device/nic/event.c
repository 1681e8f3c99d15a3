// SPDX-License-Identifier: GPL-2.0-or-later
/* The event queue. */
#include "internal.h"

/*
 * Tell a function something.  Without an event queue it does not want to know;
 * a full queue stops the function, for it would act on an old state.
 */
void event_post(struct func *f, enum sluice_event_type type, uint16_t vport,
		uint32_t data0, uint32_t data1)
{
	struct sluice_event ev = {
		.type = type,
		.vport = htole16(vport),
		.data = { htole32(data0), htole32(data1) },
	};

	if (!f->eq.active || !func_ok(f))
		return;
	if (!out_ring_refresh(&f->eq)) {
		func_fail(f, SLUICE_ERR_EQ, (uint32_t)f->eq.db);
		return;
	}
	if (!out_ring_room(&f->eq)) {
		func_fail(f, SLUICE_ERR_EQ_OVERFLOW, 0);
		return;
	}
	if (!out_ring_put(f, &f->eq, &ev))
		return;
	if (!out_ring_refresh(&f->eq)) {
		func_fail(f, SLUICE_ERR_EQ, (uint32_t)f->eq.db);
		return;
	}
	out_ring_irq(f, &f->eq);
}
