// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The worker threads of a Sluice NIC and their way to guest memory and
 * interrupts.
 *
 * Workers never take QEMU's big lock for packets: they reach RAM only, and leave
 * interrupts and frames for the wires to one bottom half of the main loop per
 * round.  Nobody who holds the big lock waits for them without limit, for a fault
 * of a virtual IOMMU may make one take that lock after all.
 */
#include "qemu/osdep.h"
#include <sys/prctl.h>
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_device.h"
#include "qapi/error.h"
#include "system/runstate.h"
#include "sluice.h"

void sluice_want_bh(SluiceState *s)
{
	qatomic_set(&s->bh_wanted, 1);
}

static void sluice_raise(void *ctx, unsigned int fn, unsigned int vector)
{
	SluiceState *s = ctx;
	SluiceFunc *f = qatomic_read(&s->funcs[fn]);

	if (!f)
		return;
	qatomic_or(&f->irqs[vector / 64], 1ull << (vector % 64));
	qatomic_or(&s->irq_funcs[fn / 64], 1ull << (fn % 64));
	sluice_want_bh(s);
}

static void sluice_drop_irqs(void *ctx, unsigned int fn)
{
	SluiceState *s = ctx;
	SluiceFunc *f = qatomic_read(&s->funcs[fn]);

	if (!f)
		return;
	qatomic_set(&f->irqs[0], 0);
	qatomic_set(&f->irqs[1], 0);
}

static uint64_t sluice_now(void *ctx)
{
	return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void sluice_wake(void *ctx, unsigned int thread)
{
	SluiceState *s = ctx;

	event_notifier_set(&s->thread[thread].wakeup);
}

const struct sluice_nic_host sluice_host = {
	.dma_read = sluice_dma_read,
	.dma_write = sluice_dma_write,
	.dma_publish = sluice_dma_publish,
	.raise = sluice_raise,
	.drop_irqs = sluice_drop_irqs,
	.now = sluice_now,
	.wake = sluice_wake,
	.wire_room = sluice_wire_room,
	.wire_tx = sluice_wire_tx,
	.wire_rx_count = sluice_wire_rx_count,
	.wire_rx_next = sluice_wire_rx_next,
	.wire_rx_done = sluice_wire_rx_done,
};

static void send_irqs(SluiceFunc *f)
{
	unsigned int w;

	for (w = 0; w < 2; w++) {
		uint64_t bits = qatomic_xchg(&f->irqs[w], 0);

		for (; bits; bits &= bits - 1)
			msix_notify(f->pci, w * 64 + ctz64(bits));
	}
}

/* Main loop: interrupts and wires of a round. */
static void sluice_bh(void *opaque)
{
	SluiceState *s = opaque;
	unsigned int w;

	for (w = 0; w < 2; w++) {
		uint64_t bits = qatomic_xchg(&s->irq_funcs[w], 0);

		for (; bits; bits &= bits - 1) {
			SluiceFunc *f = s->funcs[w * 64 + ctz64(bits)];

			if (f)
				send_irqs(f);
		}
	}
	sluice_wires_flush(s);
}

static void sluice_sleep(SluiceThread *t, uint64_t deadline)
{
	GPollFD fd = {
		.fd = event_notifier_get_fd(&t->wakeup),
		.events = G_IO_IN,
	};
	int64_t timeout = -1;

	if (deadline != SLUICE_NO_DEADLINE) {
		timeout = deadline - sluice_now(t->nic);
		if (timeout < 0)
			timeout = 0;
	}
	/* What comes behind a timeout is seen next time. */
	if (timeout && qemu_poll_ns(&fd, 1, timeout) > 0)
		event_notifier_test_and_clear(&t->wakeup);
	sluice_nic_awake(t->nic->nic, t->number);
}

static void *sluice_worker(void *opaque)
{
	SluiceThread *t = opaque;
	SluiceState *s = t->nic;
	uint64_t deadline = SLUICE_NO_DEADLINE;

	rcu_register_thread();
	/* It sleeps for microseconds and not for the 50 more that threads get. */
	prctl(PR_SET_TIMERSLACK, SCALE_US, 0, 0, 0);
	sluice_maps_open(t);
	while (!qatomic_read(&s->stop)) {
		if (qatomic_read(&s->paused)) {
			if (!t->number)
				sluice_nic_poll_paused(s->nic);
			qatomic_set(&t->parked, true);
			sluice_sleep(t, sluice_now(s) + 10 * SCALE_MS);
			continue;
		}
		qatomic_set(&t->parked, false);
		bool more = sluice_nic_poll(s->nic, t->number, &deadline);

		if (qatomic_xchg(&s->bh_wanted, 0))
			qemu_bh_schedule(s->bh);
		if (!more && sluice_nic_may_sleep(s->nic, t->number))
			sluice_sleep(t, deadline);
	}
	sluice_maps_close(t);
	rcu_unregister_thread();
	return NULL;
}

static void wake_all(SluiceState *s)
{
	unsigned int i;

	for (i = 0; i < s->threads; i++)
		if (s->thread[i].wakeup_made)
			event_notifier_set(&s->thread[i].wakeup);
}

/*
 * Wait, for a limited time, until @done.  The caller holds the big lock, which a
 * worker needs when a virtual IOMMU reports a fault.
 */
static void wait_worker(SluiceState *s, bool (*done)(SluiceState *s))
{
	int64_t end = get_clock() + 100 * SCALE_MS;

	if (!s->thread[0].made)
		return;
	while (!done(s) && get_clock() < end) {
		wake_all(s);
		g_usleep(20);
	}
}

static bool resets_done(SluiceState *s)
{
	return !sluice_nic_reset_pending(s->nic);
}

void sluice_worker_quiesce(SluiceState *s)
{
	wait_worker(s, resets_done);
}

static bool is_parked(SluiceState *s)
{
	unsigned int i;

	for (i = 0; i < s->threads; i++)
		if (s->thread[i].made && !qatomic_read(&s->thread[i].parked))
			return false;
	return true;
}

/* A stopped machine's memory does not change. */
static void sluice_vm_state(void *opaque, bool running, RunState state)
{
	SluiceState *s = opaque;

	qatomic_set(&s->paused, !running);
	if (running)
		wake_all(s);
	else
		wait_worker(s, is_parked);
}

bool sluice_worker_start(SluiceState *s, Error **errp)
{
	unsigned int i;

	for (i = 0; i < s->threads; i++) {
		SluiceThread *t = &s->thread[i];

		t->nic = s;
		t->number = i;
		if (event_notifier_init(&t->wakeup, 0) < 0) {
			error_setg(errp, "sluice: cannot create an eventfd");
			return false;
		}
		t->wakeup_made = true;
	}
	sluice_maps_init(s);
	s->bh = qemu_bh_new(sluice_bh, s);
	s->paused = !runstate_is_running();
	s->vmstate = qemu_add_vm_change_state_handler(sluice_vm_state, s);
	for (i = 0; i < s->threads; i++) {
		SluiceThread *t = &s->thread[i];

		qemu_thread_create(&t->thread, "sluice", sluice_worker, t,
				   QEMU_THREAD_JOINABLE);
		t->made = true;
	}
	return true;
}

/* Let the workers see that something has changed; under the big lock. */
void sluice_worker_wake(SluiceState *s)
{
	wake_all(s);
}

void sluice_worker_stop(SluiceState *s)
{
	unsigned int i;

	if (s->vmstate)
		qemu_del_vm_change_state_handler(s->vmstate);
	s->vmstate = NULL;
	qatomic_set(&s->stop, true);
	wake_all(s);
	for (i = 0; i < s->threads; i++) {
		SluiceThread *t = &s->thread[i];

		if (!t->made)
			continue;
		/* It may need the lock for its last access: see the top. */
		bql_unlock();
		qemu_thread_join(&t->thread);
		bql_lock();
		t->made = false;
	}
	sluice_maps_exit(s);
	if (s->bh)
		qemu_bh_delete(s->bh);
	s->bh = NULL;
	for (i = 0; i < s->threads; i++) {
		if (s->thread[i].wakeup_made)
			event_notifier_cleanup(&s->thread[i].wakeup);
		s->thread[i].wakeup_made = false;
	}
}
