// SPDX-License-Identifier: GPL-2.0-or-later
/* Life of the NIC, the worker's round, resets and the error state. */
#include <stdlib.h>
#include "internal.h"

/*
 * A worker that has just run commands naps before it sleeps: it looks again so
 * soon that further commands need not wake it.
 */
#define NAP_NS		(50 * NSEC_PER_USEC)

enum { AWAKE, NAPPING, ASLEEP };

static void note(struct func *f)
{
	__atomic_or_fetch(&f->nic->pend[f->vport / 64], 1ull << (f->vport % 64),
			  __ATOMIC_SEQ_CST);
}

static void wake_worker(struct sluice_nic *nic)
{
	if (__atomic_exchange_n(&nic->sleeping, AWAKE, __ATOMIC_SEQ_CST))
		nic->host.wake(nic->host.ctx);
}

/* Leave a note that @f has work, and wake the worker if it sleeps. */
void nic_notify(struct sluice_nic *nic, struct func *f)
{
	note(f);
	wake_worker(nic);
}

void func_note(struct func *f, uint32_t work)
{
	struct sluice_nic *nic = f->nic;

	__atomic_or_fetch(&f->work, work, __ATOMIC_SEQ_CST);
	note(f);
	/* The note comes first: who goes to sleep for longer sees it. */
	if (work != WORK_CTRL ||
	    __atomic_load_n(&nic->sleeping, __ATOMIC_SEQ_CST) != NAPPING)
		wake_worker(nic);
}

/* Stop a function, in any thread.  The first error is the one that counts. */
void func_fail(struct func *f, enum sluice_error error, uint32_t info)
{
	uint64_t none = 0;

	if (__atomic_compare_exchange_n(&f->error, &none,
					(uint64_t)error << 32 | info, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		func_note(f, WORK_ERROR);
}

/* Tell functions of changed links. */
void nic_check_links(struct sluice_nic *nic)
{
	struct func *pf = &nic->funcs[0];
	unsigned int i;

	for (i = 0; i < nic->num_funcs; i++) {
		struct func *f = &nic->funcs[i];
		bool up = sluice_esw_vport_link(nic->esw, f->vport);

		if (up == f->link)
			continue;
		f->link = up;
		event_post(f, SLUICE_EVENT_LINK, f->vport, up,
			   up ? nic->cfg.speed : 0);
	}
	for (i = 0; i < nic->cfg.num_uplinks; i++) {
		uint16_t vport = SLUICE_VPORT_UPLINK(i);
		bool up = sluice_esw_vport_link(nic->esw, vport);

		if (up == (nic->carrier_now >> i & 1))
			continue;
		nic->carrier_now ^= 1u << i;
		event_post(pf, SLUICE_EVENT_LINK, vport, up,
			   up ? nic->cfg.speed : 0);
	}
}

static void apply_carrier(struct sluice_nic *nic)
{
	uint32_t carrier = __atomic_load_n(&nic->carrier, __ATOMIC_ACQUIRE);
	unsigned int i;

	for (i = 0; i < nic->cfg.num_uplinks; i++)
		sluice_esw_uplink_carrier(nic->esw, i, carrier >> i & 1);
	nic_check_links(nic);
}

/* The function is out of use: no descriptor is read, no buffer written. */
static void func_disable(struct func *f)
{
	if (!f->enabled)
		return;
	f->enabled = false;
	f->tx_shaped = 0;
	sluice_esw_vport_enable(f->nic->esw, f->vport, false);
	if (!f->is_pf)
		event_post(&f->nic->funcs[0], SLUICE_EVENT_VF_STATE, f->vport,
			   0, 0);
}

/*
 * Initial state of the eSwitch for a PF driver that starts over while VFs
 * work on: no rules, legacy mode, no policy, no limits.
 */
static void esw_soft_reset(struct sluice_nic *nic)
{
	unsigned int i;

	sluice_esw_set_mode(nic->esw, SLUICE_ESW_LEGACY);
	shaper_reset(nic);
	for (i = 1; i < nic->num_funcs; i++) {
		struct sluice_cmd_vport cmd = {
			.fields = htole32(SLUICE_VPORT_F_LINK |
					  SLUICE_VPORT_F_POLICY |
					  SLUICE_VPORT_F_MTU |
					  SLUICE_VPORT_F_EGRESS |
					  SLUICE_VPORT_F_VLAN),
			.link = SLUICE_LINK_AUTO,
		};

		sluice_esw_vport_set(nic->esw, i, &cmd);
	}
}

static void func_do_reset(struct func *f, uint32_t work)
{
	struct sluice_nic *nic = f->nic;
	unsigned int i;

	func_disable(f);
	for (i = 0; i < f->max_cqs; i++)
		cq_close(f, &f->cqs[i]);
	for (i = 0; i < f->max_queues; i++) {
		__atomic_store_n(&f->txqs[i].active, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&f->rxqs[i].active, 0, __ATOMIC_RELEASE);
	}
	out_ring_close(&f->ctrl_cq);
	out_ring_close(&f->eq);
	pthread_mutex_lock(&f->lock);
	memset(&f->regs, 0, sizeof(f->regs));
	pthread_mutex_unlock(&f->lock);
	__atomic_store_n(&f->ctrl_db, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&f->sq_head, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&f->tx_pend, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&f->cq_pend, 0, __ATOMIC_RELAXED);
	f->ctrl_on = false;
	f->error_told = false;
	f->tx_wait = 0;
	f->own_stats = 0;
	f->rss.on = false;
	nic->host.drop_irqs(nic->host.ctx, f->vport);

	if (f->is_pf) {
		stats_reset(nic);
		rx_flow_reset(nic);
		if (work & WORK_FLR) {
			sluice_esw_reset(nic->esw);
			shaper_reset(nic);
			for (i = 1; i < nic->num_funcs; i++)
				if (nic->funcs[i].enabled)
					sluice_esw_vport_enable(nic->esw, i,
								true);
		} else {
			esw_soft_reset(nic);
		}
	}
	sluice_esw_func_reset(nic->esw, f->vport);
	if (f->is_pf)
		apply_carrier(nic);
	nic_check_links(nic);

	/*
	 * From now on registers take effect again, unless a reset of the other
	 * kind was asked for meanwhile: that one is still to be done.
	 */
	work &= WORK_RESET | WORK_FLR;
	__atomic_store_n(&f->error, 0, __ATOMIC_RELEASE);
	__atomic_and_fetch(&f->work, ~(work | WORK_ERROR | WORK_CONFIG |
				       WORK_CTRL | WORK_EQ), __ATOMIC_SEQ_CST);
}

/* The function failed: take it off the switch and say so. */
static void func_do_error(struct func *f)
{
	struct sluice_nic *nic = f->nic;
	uint64_t error = __atomic_load_n(&f->error, __ATOMIC_ACQUIRE);

	if (f->error_told)
		return;
	f->error_told = true;
	func_disable(f);
	nic_check_links(nic);
	if (f->eq.active)
		nic->host.raise(nic->host.ctx, f->vport, f->eq.vector);
	if (!f->is_pf)
		event_post(&nic->funcs[0], SLUICE_EVENT_VF_ERROR, f->vport,
			   error >> 32, (uint32_t)error);
}

static void func_eq_doorbell(struct func *f)
{
	if (!f->eq.active)
		return;
	if (!out_ring_refresh(&f->eq)) {
		func_fail(f, SLUICE_ERR_EQ, (uint32_t)f->eq.db);
		return;
	}
	out_ring_irq(f, &f->eq);
}

/* One function's share of a round. */
static void func_run(struct func *f)
{
	uint32_t work = __atomic_load_n(&f->work, __ATOMIC_ACQUIRE);

	if (work & (WORK_RESET | WORK_FLR)) {
		func_do_reset(f, work);
		return;
	}
	if (work & WORK_ERROR) {
		__atomic_and_fetch(&f->work, ~WORK_ERROR, __ATOMIC_ACQ_REL);
		func_do_error(f);
	}
	if (!func_ok(f))
		return;
	__atomic_and_fetch(&f->work, ~(WORK_CTRL | WORK_EQ), __ATOMIC_ACQ_REL);
	if (work & (WORK_CONFIG | WORK_CTRL))
		ctrl_run(f);
	if (work & WORK_EQ)
		func_eq_doorbell(f);
	cq_doorbells(f);
	if (tx_run(f))
		nic_notify(f->nic, f);
}

static bool wire_run(struct sluice_nic *nic, unsigned int uplink)
{
	struct sluice_nic_host *host = &nic->host;
	uint32_t count = host->wire_rx_count(host->ctx, uplink);
	uint32_t n = count < WIRE_BATCH ? count : WIRE_BATCH;
	struct sluice_esw_frame frames[WIRE_BATCH];
	unsigned int num = 0;
	uint32_t i;

	if (!n)
		return false;
	/* Commands announced before the frames came take effect before. */
	ctrl_run(&nic->funcs[0]);
	for (i = 0; i < n; i++) {
		uint32_t len;
		const uint8_t *frame = host->wire_rx_next(host->ctx, uplink,
							  &len);

		if (!frame)
			break;
		if (len < SLUICE_FRAME_MIN || len > SLUICE_FRAME_MAX)
			continue;
		frames[num].data = frame;
		frames[num].len = len;
		frames[num++].flags = 0;
	}
	sluice_esw_input_burst(nic->esw, SLUICE_VPORT_UPLINK(uplink), frames,
			       num);
	host->wire_rx_done(host->ctx, uplink);
	return count > n;
}

/* Wires have room again, or it is time to look. */
static void wake_waiting(struct sluice_nic *nic)
{
	unsigned int i;

	nic->wire_retry_at = 0;
	for (i = 0; i < nic->num_funcs; i++) {
		struct func *f = &nic->funcs[i];

		if (!f->tx_wait)
			continue;
		__atomic_or_fetch(&f->tx_pend, f->tx_wait, __ATOMIC_RELAXED);
		f->tx_wait = 0;
		nic_notify(nic, f);
	}
}

static bool any_pending(struct sluice_nic *nic)
{
	unsigned int i;

	if (__atomic_load_n(&nic->pend[0], __ATOMIC_SEQ_CST) ||
	    __atomic_load_n(&nic->pend[1], __ATOMIC_SEQ_CST) ||
	    __atomic_load_n(&nic->carrier_changed, __ATOMIC_SEQ_CST) ||
	    __atomic_load_n(&nic->wire_ready, __ATOMIC_SEQ_CST))
		return true;
	for (i = 0; i < nic->cfg.num_uplinks; i++)
		if (nic->host.wire_rx_count(nic->host.ctx, i))
			return true;
	return false;
}

/* Run @each for the functions with notes, beginning with another each time. */
static void for_pending(struct sluice_nic *nic, void (*each)(struct func *f))
{
	uint64_t pend[2];
	unsigned int i;

	pend[0] = __atomic_exchange_n(&nic->pend[0], 0, __ATOMIC_SEQ_CST);
	pend[1] = __atomic_exchange_n(&nic->pend[1], 0, __ATOMIC_SEQ_CST);
	if (!pend[0] && !pend[1])
		return;
	for (i = 0; i < nic->num_funcs; i++) {
		unsigned int fn = nic->first_func + i;

		if (fn >= nic->num_funcs)
			fn -= nic->num_funcs;
		if (pend[fn / 64] >> (fn % 64) & 1)
			each(&nic->funcs[fn]);
	}
	if (++nic->first_func >= nic->num_funcs)
		nic->first_func = 0;
}

bool sluice_nic_poll(struct sluice_nic *nic, uint64_t *deadline)
{
	uint64_t due;
	unsigned int i;

	nic->now = nic->host.now(nic->host.ctx);
	nic->commands = 0;
	if (__atomic_exchange_n(&nic->carrier_changed, 0, __ATOMIC_SEQ_CST))
		apply_carrier(nic);
	if (__atomic_exchange_n(&nic->wire_ready, 0, __ATOMIC_SEQ_CST) ||
	    (nic->wire_retry_at && nic->now >= nic->wire_retry_at))
		wake_waiting(nic);
	if (nic->shape_at && nic->now >= nic->shape_at)
		shaper_wake(nic);
	for_pending(nic, func_run);
	for (i = 0; i < nic->cfg.num_uplinks; i++)
		wire_run(nic, i);
	if (nic->sweep_at && nic->now >= nic->sweep_at)
		stats_sweep(nic);
	cq_flush_irqs(nic);

	*deadline = cq_deadline(nic);
	due = nic->sweep_at;
	if (due && due < *deadline)
		*deadline = due;
	due = nic->wire_retry_at;
	if (due && due < *deadline)
		*deadline = due;
	due = nic->shape_at;
	if (due && due < *deadline)
		*deadline = due;
	if (nic->commands && nic->now + NAP_NS < *deadline)
		*deadline = nic->now + NAP_NS;
	return any_pending(nic);
}

static void func_run_paused(struct func *f)
{
	uint32_t work = __atomic_load_n(&f->work, __ATOMIC_ACQUIRE);

	if (work & (WORK_RESET | WORK_FLR))
		func_do_reset(f, work);
	/* All else waits: the note stays. */
	__atomic_or_fetch(&f->nic->pend[f->vport / 64],
			  1ull << (f->vport % 64), __ATOMIC_SEQ_CST);
}

void sluice_nic_poll_paused(struct sluice_nic *nic)
{
	for_pending(nic, func_run_paused);
}

bool sluice_nic_may_sleep(struct sluice_nic *nic)
{
	__atomic_store_n(&nic->sleeping, nic->commands ? NAPPING : ASLEEP,
			 __ATOMIC_SEQ_CST);
	if (!any_pending(nic))
		return true;
	__atomic_store_n(&nic->sleeping, AWAKE, __ATOMIC_SEQ_CST);
	return false;
}

void sluice_nic_awake(struct sluice_nic *nic)
{
	__atomic_store_n(&nic->sleeping, AWAKE, __ATOMIC_SEQ_CST);
}

void sluice_nic_func_reset(struct sluice_nic *nic, unsigned int fn)
{
	struct func *f = nic_func(nic, fn);

	if (f)
		func_note(f, WORK_FLR);
}

bool sluice_nic_reset_pending(struct sluice_nic *nic)
{
	unsigned int i;

	for (i = 0; i < nic->num_funcs; i++)
		if (__atomic_load_n(&nic->funcs[i].work, __ATOMIC_SEQ_CST) &
		    (WORK_RESET | WORK_FLR))
			return true;
	return false;
}

void sluice_nic_set_carrier(struct sluice_nic *nic, unsigned int uplink,
			    bool up)
{
	if (uplink >= nic->cfg.num_uplinks)
		return;
	if (up)
		__atomic_or_fetch(&nic->carrier, 1u << uplink,
				  __ATOMIC_SEQ_CST);
	else
		__atomic_and_fetch(&nic->carrier, ~(1u << uplink),
				   __ATOMIC_SEQ_CST);
	__atomic_store_n(&nic->carrier_changed, 1, __ATOMIC_SEQ_CST);
	wake_worker(nic);
}

void sluice_nic_wire_rx_notify(struct sluice_nic *nic)
{
	wake_worker(nic);
}

void sluice_nic_wire_tx_notify(struct sluice_nic *nic)
{
	if (!__atomic_exchange_n(&nic->wire_blocked, 0, __ATOMIC_SEQ_CST))
		return;
	__atomic_store_n(&nic->wire_ready, 1, __ATOMIC_SEQ_CST);
	wake_worker(nic);
}

static unsigned int cfg_queues(const struct sluice_nic_cfg *cfg,
			       unsigned int fn)
{
	return fn ? cfg->vf_queues : cfg->pf_queues;
}

/* A completion queue for each TX and RX queue, as far as they go. */
static unsigned int cfg_cqs(const struct sluice_nic_cfg *cfg, unsigned int fn)
{
	unsigned int n = cfg_queues(cfg, fn) * 2;

	return n < SLUICE_MAX_QUEUES ? n : SLUICE_MAX_QUEUES;
}

unsigned int sluice_nic_vectors(const struct sluice_nic_cfg *cfg,
				unsigned int fn)
{
	return cfg_cqs(cfg, fn) + 1;
}

static bool func_init(struct sluice_nic *nic, unsigned int fn)
{
	struct func *f = &nic->funcs[fn];

	f->nic = nic;
	f->vport = fn;
	f->is_pf = !fn;
	f->max_queues = cfg_queues(&nic->cfg, fn);
	f->max_cqs = cfg_cqs(&nic->cfg, fn);
	f->max_vectors = sluice_nic_vectors(&nic->cfg, fn);
	pthread_mutex_init(&f->lock, NULL);
	f->cqs = calloc(f->max_cqs, sizeof(*f->cqs));
	f->txqs = calloc(f->max_queues, sizeof(*f->txqs));
	f->rxqs = calloc(f->max_queues, sizeof(*f->rxqs));
	return f->cqs && f->txqs && f->rxqs;
}

static uint64_t nic_now(void *ctx)
{
	struct sluice_nic *nic = ctx;

	return nic->host.now(nic->host.ctx);
}

struct sluice_nic *sluice_nic_new(const struct sluice_nic_cfg *cfg,
				  const struct sluice_nic_host *host)
{
	struct sluice_esw_cfg esw_cfg = {
		.num_vfs = cfg->num_vfs,
		.num_uplinks = cfg->num_uplinks,
		.max_rules = cfg->max_rules,
		.max_masks = cfg->max_masks,
		.max_counters = cfg->max_counters,
		.max_tables = cfg->max_tables,
		.max_actions = cfg->max_actions,
		.max_filters = cfg->max_filters,
		.max_next_hops = cfg->max_next_hops,
		.max_encaps = cfg->max_encaps,
		.max_endpoints = cfg->max_endpoints,
		.max_ct = cfg->max_ct,
		.max_meters = cfg->max_meters,
	};
	struct sluice_esw_host esw_host = {
		.deliver = rx_deliver,
		.deliver_large = rx_deliver_large,
		.flow_hash = rx_flow_hash,
		.stats_dirty = stats_dirty,
	};
	struct sluice_nic *nic;
	unsigned int i;

	if (cfg->num_vfs > SLUICE_MAX_VFS || !cfg->num_uplinks ||
	    cfg->num_uplinks > SLUICE_MAX_UPLINKS || !cfg->pf_queues ||
	    cfg->pf_queues > SLUICE_MAX_QUEUES || !cfg->vf_queues ||
	    cfg->vf_queues > SLUICE_MAX_QUEUES || !cfg->max_counters)
		return NULL;
	nic = calloc(1, sizeof(*nic));
	if (!nic)
		return NULL;
	nic->cfg = *cfg;
	nic->cfg.serial[sizeof(nic->cfg.serial) - 1] = 0;
	nic->cfg.version[sizeof(nic->cfg.version) - 1] = 0;
	nic->host = *host;
	nic->fault = cfg->fault;
	nic->num_funcs = cfg->num_vfs + 1;
	nic->sweep_ms = SWEEP_MS;
	rx_flow_reset(nic);
	nic->funcs = calloc(nic->num_funcs, sizeof(*nic->funcs));
	nic->counter_map = calloc(cfg->max_counters,
				  sizeof(*nic->counter_map));
	esw_host.ctx = nic;
	esw_host.now = nic_now;
	nic->esw = sluice_esw_new(&esw_cfg, &esw_host);
	if (!nic->funcs || !nic->counter_map || !nic->esw)
		goto fail;
	for (i = 0; i < nic->num_funcs; i++) {
		if (!func_init(nic, i))
			goto fail;
		sluice_esw_vport_set_permanent_mac(nic->esw, i, cfg->mac[i]);
	}
	for (i = 0; i < cfg->num_uplinks; i++)
		sluice_esw_vport_set_permanent_mac(nic->esw,
						   SLUICE_VPORT_UPLINK(i),
						   cfg->uplink_mac[i]);
	sluice_esw_reset(nic->esw);
	return nic;
fail:
	sluice_nic_free(nic);
	return NULL;
}

void sluice_nic_free(struct sluice_nic *nic)
{
	unsigned int i;

	if (!nic)
		return;
	for (i = 0; nic->funcs && i < nic->num_funcs; i++) {
		struct func *f = &nic->funcs[i];

		if (f->nic)
			pthread_mutex_destroy(&f->lock);
		free(f->cqs);
		free(f->txqs);
		free(f->rxqs);
	}
	if (nic->esw)
		sluice_esw_free(nic->esw);
	free(nic->counter_map);
	free(nic->funcs);
	free(nic);
}
