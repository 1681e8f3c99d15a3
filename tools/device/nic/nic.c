// SPDX-License-Identifier: GPL-2.0-or-later
/* Life of the NIC, the worker's round, resets and the error state. */
#include <stdlib.h>
#include "internal.h"

/* How long a worker naps at once, and after commands altogether: see lane_state. */
#define NAP_NS		(SLUICE_CTRL_SOON_US / 2 * NSEC_PER_USEC)
#define NAPS_NS		(3 * NSEC_PER_MSEC)
/* And how long it dozes, after frames. */
#define DOZE_NS		(30 * NSEC_PER_USEC)
#define DOZES_NS	(90 * NSEC_PER_USEC)

void func_note(struct func *f, uint32_t work)
{
	__atomic_or_fetch(&f->work, work, __ATOMIC_SEQ_CST);
	lane_notify(f->nic->lane[0], f, LANE_DOZING);
}

/* The same, for what a lane that naps may find by itself. */
void func_note_soon(struct func *f, uint32_t work)
{
	__atomic_or_fetch(&f->work, work, __ATOMIC_SEQ_CST);
	lane_notify(f->nic->lane[0], f, LANE_ASLEEP);
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
	__atomic_store_n(&f->tx_shaped, 0, __ATOMIC_RELAXED);
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
		merge_drop(&f->rxqs[i]);
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
	f->shadow = 0;
	f->polled = false;
	f->error_told = false;
	__atomic_store_n(&f->tx_wait, 0, __ATOMIC_RELAXED);
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

/* What only a lane that is alone does: resets, errors, commands, events. */
static void func_control(struct func *f, uint32_t work)
{
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
}

/* One function's share of a lane's round. */
static void func_run(struct lane *lane, struct func *f)
{
	uint32_t work;

	if (!lane->id) {
		work = __atomic_load_n(&f->work, __ATOMIC_ACQUIRE);
		if (work) {
			alone(lane);
			/* Another lane may have done some of it by now. */
			func_control(f, __atomic_load_n(&f->work,
							__ATOMIC_ACQUIRE));
			together(lane);
		}
	}
	if (!func_ok(f))
		return;
	cq_doorbells(lane, f);
	if (tx_run(lane, f))
		lane_notify(lane, f, LANE_DOZING);
}

static bool wire_run(struct lane *lane, unsigned int uplink)
{
	struct sluice_nic *nic = lane->nic;
	struct sluice_nic_host *host = &nic->host;
	uint32_t count = host->wire_rx_count(host->ctx, uplink);
	uint32_t n = count < WIRE_BATCH ? count : WIRE_BATCH;
	struct sluice_esw_frame frames[WIRE_BATCH];
	unsigned int num = 0;
	uint32_t i;

	if (!n)
		return false;
	/* Commands announced before the frames came take effect before. */
	ctrl_before(lane, &nic->funcs[0]);
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
	sluice_esw_input_burst(lane->esw, SLUICE_VPORT_UPLINK(uplink), frames,
			       num);
	host->wire_rx_done(host->ctx, uplink);
	lane->moved = true;
	return count > n;
}

/* Wires have room again, or it is time to look. */
static void wake_waiting(struct sluice_nic *nic)
{
	unsigned int i;

	__atomic_store_n(&nic->wire_retry_at, 0, __ATOMIC_SEQ_CST);
	for (i = 0; i < nic->num_funcs; i++) {
		struct func *f = &nic->funcs[i];
		uint64_t queues;

		if (!note_get(&f->tx_wait))
			continue;
		queues = __atomic_exchange_n(&f->tx_wait, 0, __ATOMIC_SEQ_CST);
		__atomic_or_fetch(&f->tx_pend, queues, __ATOMIC_SEQ_CST);
		queues_notify(f, queues);
	}
}

static bool wire_is_mine(const struct lane *lane, unsigned int uplink)
{
	return uplink % lane->nic->num_lanes == lane->id;
}

static bool any_pending(struct lane *lane)
{
	struct sluice_nic *nic = lane->nic;
	unsigned int i;

	if (__atomic_load_n(&lane->pend[0], __ATOMIC_SEQ_CST) ||
	    __atomic_load_n(&lane->pend[1], __ATOMIC_SEQ_CST))
		return true;
	if (!lane->id &&
	    (__atomic_load_n(&lane->timer, __ATOMIC_SEQ_CST) ||
	     __atomic_load_n(&nic->carrier_changed, __ATOMIC_SEQ_CST) ||
	     __atomic_load_n(&nic->wire_ready, __ATOMIC_SEQ_CST)))
		return true;
	for (i = 0; i < nic->cfg.num_uplinks; i++)
		if (wire_is_mine(lane, i) &&
		    nic->host.wire_rx_count(nic->host.ctx, i))
			return true;
	return false;
}

/* Run @each for the functions with notes, beginning with another each time. */
static void for_pending(struct lane *lane,
			void (*each)(struct lane *lane, struct func *f))
{
	struct sluice_nic *nic = lane->nic;
	uint64_t pend[2];
	unsigned int i;

	pend[0] = __atomic_exchange_n(&lane->pend[0], 0, __ATOMIC_SEQ_CST);
	pend[1] = __atomic_exchange_n(&lane->pend[1], 0, __ATOMIC_SEQ_CST);
	if (!pend[0] && !pend[1])
		return;
	for (i = 0; i < nic->num_funcs; i++) {
		unsigned int fn = lane->first_func + i;

		if (fn >= nic->num_funcs)
			fn -= nic->num_funcs;
		if (!(pend[fn / 64] >> (fn % 64) & 1))
			continue;
		each(lane, &nic->funcs[fn]);
		lane_pause(lane);
	}
	if (++lane->first_func >= nic->num_funcs)
		lane->first_func = 0;
}

static bool is_due(const struct lane *lane, const uint64_t *timer)
{
	uint64_t at = note_get(timer);

	return at && lane->now >= at;
}

/* Lane 0: what the NIC as a whole has to do. */
static void housekeeping(struct lane *lane)
{
	struct sluice_nic *nic = lane->nic;

	__atomic_store_n(&lane->timer, 0, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&nic->carrier_changed, 0, __ATOMIC_SEQ_CST)) {
		alone(lane);
		apply_carrier(nic);
		together(lane);
	}
	if (__atomic_exchange_n(&nic->wire_ready, 0, __ATOMIC_SEQ_CST) ||
	    is_due(lane, &nic->wire_retry_at))
		wake_waiting(nic);
	if (is_due(lane, &nic->shape_at))
		shaper_wake(lane);
}

static void earlier(uint64_t *deadline, uint64_t timer)
{
	if (timer && timer < *deadline)
		*deadline = timer;
}

bool sluice_nic_poll(struct sluice_nic *nic, unsigned int thread,
		     uint64_t *deadline)
{
	struct lane *lane = nic->lane[thread];
	unsigned int i;

	lane_enter(lane);
	lane->now = nic->host.now(nic->host.ctx);
	lane->commands = 0;
	lane->moved = false;
	if (!thread) {
		housekeeping(lane);
		if (nic->funcs[0].polled)
			ctrl_look(lane, &nic->funcs[0]);
	}
	for_pending(lane, func_run);
	for (i = 0; i < nic->cfg.num_uplinks; i++)
		if (wire_is_mine(lane, i))
			wire_run(lane, i);
	merge_end_all(lane);
	if (!thread && is_due(lane, &nic->sweep_at)) {
		alone(lane);
		stats_sweep(nic);
		together(lane);
	}
	cq_flush_irqs(lane);

	*deadline = cq_deadline(lane);
	if (!thread) {
		earlier(deadline, note_get(&nic->sweep_at));
		earlier(deadline, note_get(&nic->wire_retry_at));
		earlier(deadline, note_get(&nic->shape_at));
	}
	if (lane->commands)
		lane->nap_until = lane->now + NAPS_NS;
	if (lane->now < lane->nap_until)
		earlier(deadline, lane->now + NAP_NS);
	if (!thread)
		ctrl_poll(lane, &nic->funcs[0], lane->now < lane->nap_until);
	if (lane->moved)
		lane->doze_until = lane->now + DOZES_NS;
	if (lane->now < lane->doze_until)
		earlier(deadline, lane->now + DOZE_NS);
	lane_leave(lane);
	return any_pending(lane);
}

static void func_run_paused(struct lane *lane, struct func *f)
{
	uint32_t work = __atomic_load_n(&f->work, __ATOMIC_ACQUIRE);

	if (work & (WORK_RESET | WORK_FLR)) {
		alone(lane);
		func_do_reset(f, work);
		together(lane);
	}
	/* All else waits: the note stays. */
	__atomic_or_fetch(&lane->pend[f->vport / 64],
			  1ull << (f->vport % 64), __ATOMIC_SEQ_CST);
}

void sluice_nic_poll_paused(struct sluice_nic *nic)
{
	lane_enter(nic->lane[0]);
	for_pending(nic->lane[0], func_run_paused);
	lane_leave(nic->lane[0]);
}

bool sluice_nic_may_sleep(struct sluice_nic *nic, unsigned int thread)
{
	struct lane *lane = nic->lane[thread];
	enum lane_state state = LANE_ASLEEP;

	if (lane->now < lane->doze_until)
		state = LANE_DOZING;
	else if (lane->now < lane->nap_until)
		state = LANE_NAPPING;
	__atomic_store_n(&lane->sleeping, state, __ATOMIC_SEQ_CST);
	if (!any_pending(lane))
		return true;
	__atomic_store_n(&lane->sleeping, LANE_AWAKE, __ATOMIC_SEQ_CST);
	return false;
}

void sluice_nic_awake(struct sluice_nic *nic, unsigned int thread)
{
	__atomic_store_n(&nic->lane[thread]->sleeping, LANE_AWAKE,
			 __ATOMIC_SEQ_CST);
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
	lane_wake(nic->lane[0]);
}

void sluice_nic_wire_rx_notify(struct sluice_nic *nic, unsigned int uplink)
{
	lane_wake_from(nic->lane[uplink % nic->num_lanes], LANE_NAPPING);
}

void sluice_nic_wire_tx_notify(struct sluice_nic *nic)
{
	if (!__atomic_exchange_n(&nic->wire_blocked, 0, __ATOMIC_SEQ_CST))
		return;
	__atomic_store_n(&nic->wire_ready, 1, __ATOMIC_SEQ_CST);
	lane_wake(nic->lane[0]);
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
	unsigned int i;

	f->nic = nic;
	f->vport = fn;
	f->is_pf = !fn;
	f->max_queues = cfg_queues(&nic->cfg, fn);
	f->max_cqs = cfg_cqs(&nic->cfg, fn);
	f->max_vectors = sluice_nic_vectors(&nic->cfg, fn);
	pthread_mutex_init(&f->lock, NULL);
	for (i = 0; i < 64; i++)
		f->mine[(fn + i) % nic->num_lanes] |= 1ull << i;
	f->cqs = calloc(f->max_cqs, sizeof(*f->cqs));
	f->txqs = calloc(f->max_queues, sizeof(*f->txqs));
	f->rxqs = calloc(f->max_queues, sizeof(*f->rxqs));
	if (!f->cqs || !f->txqs || !f->rxqs)
		return false;
	for (i = 0; i < f->max_cqs; i++)
		pthread_mutex_init(&f->cqs[i].lock, NULL);
	return true;
}

static uint64_t nic_now(void *ctx)
{
	struct lane *lane = ctx;

	return lane->nic->host.now(lane->nic->host.ctx);
}

/* The lanes, each with one of the eSwitch. */
static bool lanes_init(struct sluice_nic *nic,
		       const struct sluice_esw_cfg *esw_cfg)
{
	struct sluice_esw_host host = {
		.now = nic_now,
		.deliver = rx_deliver,
		.deliver_large = rx_deliver_large,
		.flow_hash = rx_flow_hash,
		.stats_dirty = stats_dirty,
	};
	unsigned int i;

	for (i = 0; i < nic->cfg.threads; i++) {
		struct lane *lane = lane_new(nic, i);

		if (!lane)
			return false;
		nic->lane[nic->num_lanes++] = lane;
		host.ctx = lane;
		if (i)
			lane->esw = sluice_esw_lane_new(nic->esw, &host);
		else
			lane->esw = nic->esw = sluice_esw_new(esw_cfg, &host);
		if (!lane->esw)
			return false;
	}
	nic->cur = nic->lane[0];
	return true;
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
	struct sluice_nic *nic;
	unsigned int i;

	if (cfg->num_vfs > SLUICE_MAX_VFS || !cfg->num_uplinks ||
	    cfg->num_uplinks > SLUICE_MAX_UPLINKS || !cfg->pf_queues ||
	    cfg->pf_queues > SLUICE_MAX_QUEUES || !cfg->vf_queues ||
	    cfg->vf_queues > SLUICE_MAX_QUEUES || !cfg->max_counters ||
	    !cfg->threads || cfg->threads > SLUICE_MAX_THREADS)
		return NULL;
	nic = aligned_alloc(64, (sizeof(*nic) + 63) & ~(size_t)63);
	if (!nic)
		return NULL;
	memset(nic, 0, sizeof(*nic));
	pthread_mutex_init(&nic->alone, NULL);
	pthread_mutex_init(&nic->shaper_lock, NULL);
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
	if (!nic->funcs || !nic->counter_map || !lanes_init(nic, &esw_cfg))
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
	sluice_esw_publish(nic->esw);
	return nic;
fail:
	sluice_nic_free(nic);
	return NULL;
}

void sluice_nic_free(struct sluice_nic *nic)
{
	unsigned int i, q;

	if (!nic)
		return;
	for (i = 0; nic->funcs && i < nic->num_funcs; i++) {
		struct func *f = &nic->funcs[i];

		if (f->nic)
			pthread_mutex_destroy(&f->lock);
		for (q = 0; f->cqs && q < f->max_cqs; q++)
			pthread_mutex_destroy(&f->cqs[q].lock);
		free(f->cqs);
		free(f->txqs);
		free(f->rxqs);
	}
	if (nic->esw)
		sluice_esw_free(nic->esw);
	while (nic->num_lanes)
		lane_free(nic->lane[--nic->num_lanes]);
	pthread_mutex_destroy(&nic->shaper_lock);
	pthread_mutex_destroy(&nic->alone);
	free(nic->counter_map);
	free(nic->funcs);
	free(nic);
}
