// SPDX-License-Identifier: GPL-2.0-or-later
/* A machine for the NIC, and the part of a driver that all tests need. */
#include <stdlib.h>
#include "nic_fake.h"

static uint8_t *access_mem(struct fake *m, unsigned int fn, uint64_t addr,
			   size_t len)
{
	uint64_t base = FAKE_BASE + (uint64_t)fn * FAKE_WINDOW;

	if (addr < base || len > FAKE_WINDOW || addr - base > FAKE_WINDOW - len)
		return NULL;
	if (addr <= m->bad_last && addr + len > m->bad_first)
		return NULL;
	return m->mem[fn] + (addr - base);
}

static bool fake_read(void *ctx, unsigned int fn, uint64_t addr, void *buf,
		      size_t len)
{
	struct fake *m = ctx;
	uint8_t *p = access_mem(m, fn, addr, len);

	__atomic_add_fetch(&m->reads, 1, __ATOMIC_RELAXED);
	if (p)
		memcpy(buf, p, len);
	return p;
}

static bool fake_write(void *ctx, unsigned int fn, uint64_t addr,
		       const void *buf, size_t len)
{
	struct fake *m = ctx;
	uint8_t *p = access_mem(m, fn, addr, len);

	__atomic_add_fetch(&m->writes, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&m->now, m->write_ns, __ATOMIC_RELAXED);
	if (p)
		memcpy(p, buf, len);
	return p;
}

static void fake_raise(void *ctx, unsigned int fn, unsigned int vector)
{
	struct fake *m = ctx;

	assert_true(vector < sluice_nic_vectors(&m->cfg, fn));
	__atomic_add_fetch(&m->irqs[fn][vector], 1, __ATOMIC_RELAXED);
}

static void fake_drop_irqs(void *ctx, unsigned int fn)
{
	struct fake *m = ctx;

	memset(m->irqs[fn], 0, sizeof(m->irqs[fn]));
}

static uint64_t fake_now(void *ctx)
{
	return __atomic_load_n(&((struct fake *)ctx)->now, __ATOMIC_RELAXED);
}

static void fake_wake(void *ctx, unsigned int thread)
{
	struct fake *m = ctx;

	__atomic_add_fetch(&m->wakes, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&m->lock);
	m->worker[thread].woken = true;
	pthread_cond_broadcast(&m->work);
	pthread_mutex_unlock(&m->lock);
}

static uint32_t fake_room(void *ctx, unsigned int uplink, uint32_t len)
{
	struct fake *m = ctx;
	uint32_t room;

	(void)len;
	pthread_mutex_lock(&m->wire_lock);
	room = m->wire[uplink].room;
	pthread_mutex_unlock(&m->wire_lock);
	return room;
}

static bool fake_wire_tx(void *ctx, unsigned int uplink, const uint8_t *frame,
			 uint32_t len)
{
	struct fake *m = ctx;
	struct fake_wire *w = &m->wire[uplink];
	bool done;

	pthread_mutex_lock(&m->wire_lock);
	done = w->room;
	if (done) {
		w->room--;
		w->sent++;
		w->last.len = len;
		memcpy(w->last.b, frame, len);
	}
	pthread_mutex_unlock(&m->wire_lock);
	return done;
}

static uint32_t fake_rx_count(void *ctx, unsigned int uplink)
{
	struct fake_wire *w = &((struct fake *)ctx)->wire[uplink];

	return w->in - w->out;
}

static const uint8_t *fake_rx_next(void *ctx, unsigned int uplink,
				   uint32_t *len)
{
	struct fake_wire *w = &((struct fake *)ctx)->wire[uplink];
	struct frame *f = &w->queue[w->out++ % 4];

	*len = f->len;
	return f->b;
}

static void fake_rx_done(void *ctx, unsigned int uplink)
{
	(void)ctx;
	(void)uplink;
}

static unsigned int env_number(const char *name, unsigned int otherwise)
{
	const char *s = getenv(name);

	return s ? (unsigned int)atoi(s) : otherwise;
}

static void *worker_run(void *arg)
{
	struct fake_worker *w = arg;
	struct fake *m = w->m;
	unsigned int id = (unsigned int)(w - m->worker);

	while (!__atomic_load_n(&m->stop, __ATOMIC_SEQ_CST)) {
		uint64_t deadline;

		if (sluice_nic_poll(m->nic, id, &deadline) ||
		    !sluice_nic_may_sleep(m->nic, id))
			continue;
		pthread_mutex_lock(&m->lock);
		w->deadline = deadline;
		w->asleep = true;
		pthread_cond_signal(&m->idle);
		while (!w->woken)
			pthread_cond_wait(&m->work, &m->lock);
		w->woken = false;
		w->asleep = false;
		pthread_mutex_unlock(&m->lock);
		sluice_nic_awake(m->nic, id);
	}
	return NULL;
}

static void wake_all(struct fake *m)
{
	unsigned int i;

	for (i = 0; i < m->cfg.threads; i++)
		m->worker[i].woken = true;
	pthread_cond_broadcast(&m->work);
}

/* Do all workers sleep?  Then the first deadline is known. */
static bool all_asleep(struct fake *m)
{
	unsigned int i;

	m->deadline = SLUICE_NO_DEADLINE;
	for (i = 0; i < m->cfg.threads; i++) {
		struct fake_worker *w = &m->worker[i];

		if (!w->asleep || w->woken)
			return false;
		if (w->deadline < m->deadline)
			m->deadline = w->deadline;
	}
	return true;
}

static void workers_start(struct fake *m)
{
	unsigned int i;

	m->threaded = env_number("SLUICE_TEST_REAL", 0);
	for (i = 0; m->threaded && i < m->cfg.threads; i++) {
		m->worker[i].m = m;
		assert_int_equal(pthread_create(&m->worker[i].thread, NULL,
						worker_run, &m->worker[i]), 0);
	}
}

static void workers_stop(struct fake *m)
{
	unsigned int i;

	if (!m->threaded)
		return;
	__atomic_store_n(&m->stop, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&m->lock);
	wake_all(m);
	pthread_mutex_unlock(&m->lock);
	for (i = 0; i < m->cfg.threads; i++)
		pthread_join(m->worker[i].thread, NULL);
}

struct fake *fake_new_cfg(void (*tune)(struct sluice_nic_cfg *cfg))
{
	static const struct sluice_nic_host host = {
		.dma_read = fake_read,
		.dma_write = fake_write,
		.dma_publish = fake_write,
		.raise = fake_raise,
		.drop_irqs = fake_drop_irqs,
		.now = fake_now,
		.wake = fake_wake,
		.wire_room = fake_room,
		.wire_tx = fake_wire_tx,
		.wire_rx_count = fake_rx_count,
		.wire_rx_next = fake_rx_next,
		.wire_rx_done = fake_rx_done,
	};
	struct sluice_nic_host h = host;
	struct fake *m = calloc(1, sizeof(*m));
	unsigned int i;

	assert_non_null(m);
	m->cfg.num_vfs = FAKE_VFS;
	m->cfg.num_uplinks = 2;
	m->cfg.pf_queues = 4;
	m->cfg.vf_queues = 2;
	m->cfg.max_rules = 64;
	m->cfg.max_masks = 16;
	m->cfg.max_counters = 64;
	m->cfg.max_tables = 16;
	m->cfg.max_actions = 16;
	m->cfg.max_filters = 8;
	m->cfg.max_next_hops = 32;
	m->cfg.max_encaps = 33;
	m->cfg.max_endpoints = 34;
	m->cfg.max_ct = 64;
	m->cfg.max_meters = 35;
	m->cfg.threads = env_number("SLUICE_TEST_THREADS", 1);
	m->cfg.speed = 25000;
	strcpy(m->cfg.serial, "S123");
	strcpy(m->cfg.version, "V9");
	memcpy(m->cfg.switch_id, "\1\2\3\4\5\6\7\10", 8);
	for (i = 0; i < FAKE_FUNCS; i++)
		memcpy(m->cfg.mac[i], (uint8_t[]){ 2, 0, 0, 0, 0, i }, 6);
	for (i = 0; i < 2; i++)
		memcpy(m->cfg.uplink_mac[i], (uint8_t[]){ 2, 0, 0, 0, 1, i },
		       6);
	if (tune)
		tune(&m->cfg);
	m->now = 1000000;
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->wire_lock, NULL);
	pthread_cond_init(&m->work, NULL);
	pthread_cond_init(&m->idle, NULL);
	h.ctx = m;
	m->nic = sluice_nic_new(&m->cfg, &h);
	assert_non_null(m->nic);
	for (i = 0; i < FAKE_FUNCS; i++) {
		m->drv[i].m = m;
		m->drv[i].fn = i;
	}
	for (i = 0; i < 2; i++) {
		m->wire[i].room = FAKE_WIRE_MAX;
		sluice_nic_set_carrier(m->nic, i, true);
	}
	m->bad_first = UINT64_MAX;
	workers_start(m);
	run(m);
	return m;
}

struct fake *fake_new(void)
{
	return fake_new_cfg(NULL);
}

void fake_free(struct fake *m)
{
	workers_stop(m);
	sluice_nic_free(m->nic);
	free(m);
}

uint32_t rd(struct drv *d, uint32_t reg)
{
	return sluice_nic_reg_read(d->m->nic, d->fn, reg, 4);
}

void wr(struct drv *d, uint32_t reg, uint32_t val)
{
	sluice_nic_reg_write(d->m->nic, d->fn, reg, val, 4);
}

bool fake_round(struct fake *m)
{
	bool idle = true;
	unsigned int i;

	m->deadline = SLUICE_NO_DEADLINE;
	for (i = 0; i < m->cfg.threads; i++) {
		uint64_t deadline;

		if (sluice_nic_poll(m->nic, i, &deadline))
			idle = false;
		if (deadline < m->deadline)
			m->deadline = deadline;
	}
	for (i = 0; idle && i < m->cfg.threads; i++)
		idle = sluice_nic_may_sleep(m->nic, i);
	return !idle;
}

void run(struct fake *m)
{
	unsigned int rounds = 0;

	if (m->threaded) {
		pthread_mutex_lock(&m->lock);
		wake_all(m);
		while (!all_asleep(m))
			pthread_cond_wait(&m->idle, &m->lock);
		pthread_mutex_unlock(&m->lock);
		return;
	}
	while (fake_round(m))
		assert_true(rounds++ < 10000);
}

void run_for(struct fake *m, uint64_t ns)
{
	uint64_t end = m->now + ns;

	run(m);
	while (m->deadline <= end) {
		if (m->deadline > m->now)
			m->now = m->deadline;
		else
			m->now++;
		run(m);
	}
	m->now = end;
	run(m);
}

uint64_t drv_alloc(struct drv *d, uint32_t size)
{
	uint64_t base = FAKE_BASE + (uint64_t)d->fn * FAKE_WINDOW;
	uint64_t at = d->next;

	d->next += (size + 63) & ~63u;
	assert_true(d->next <= FAKE_WINDOW);
	memset(d->m->mem[d->fn] + at, 0, size);
	return base + at;
}

void *drv_mem(struct drv *d, uint64_t addr)
{
	return d->m->mem[d->fn] +
	       (addr - FAKE_BASE - (uint64_t)d->fn * FAKE_WINDOW);
}

void drv_start(struct drv *d)
{
	d->next = 0;
	d->sq_tail = 0;
	d->cq_head = 0;
	d->eq_head = 0;
	d->sq = drv_alloc(d, SLUICE_CMD_SLOT << CTRL_LOG);
	d->cq = drv_alloc(d, sizeof(struct sluice_ctrl_cqe) << CTRL_LOG);
	d->eq = drv_alloc(d, sizeof(struct sluice_event) << EQ_LOG);
	wr(d, SLUICE_REG_CTRL_SQ_BASE_LO, (uint32_t)d->sq);
	wr(d, SLUICE_REG_CTRL_SQ_BASE_HI, d->sq >> 32);
	wr(d, SLUICE_REG_CTRL_SQ_SIZE, CTRL_LOG);
	wr(d, SLUICE_REG_CTRL_CQ_BASE_LO, (uint32_t)d->cq);
	wr(d, SLUICE_REG_CTRL_CQ_BASE_HI, d->cq >> 32);
	wr(d, SLUICE_REG_CTRL_CQ_SIZE, CTRL_LOG);
	wr(d, SLUICE_REG_CTRL_ENABLE, SLUICE_RING_ENABLE);
	wr(d, SLUICE_REG_EQ_BASE_LO, (uint32_t)d->eq);
	wr(d, SLUICE_REG_EQ_BASE_HI, d->eq >> 32);
	wr(d, SLUICE_REG_EQ_SIZE, EQ_LOG);
	wr(d, SLUICE_REG_EQ_ENABLE, SLUICE_RING_ENABLE);
	run(d->m);
	assert_int_equal(rd(d, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
}

void drv_post(struct drv *d, void *cmd, uint16_t len)
{
	struct sluice_cmd_hdr *hdr = cmd;
	const uint8_t *p = cmd;
	uint32_t left = len;

	if (!hdr->len)
		hdr->len = htole16(len);
	hdr->cookie = htole32(++d->cookie);
	while (left) {
		uint32_t n = left < SLUICE_CMD_SLOT ? left : SLUICE_CMD_SLOT;
		uint32_t slot = d->sq_tail++ & ((1u << CTRL_LOG) - 1);

		memcpy(drv_mem(d, d->sq + slot * SLUICE_CMD_SLOT), p, n);
		p += n;
		left -= n;
	}
}

void drv_ring(struct drv *d)
{
	wr(d, SLUICE_DB_CTRL, d->sq_tail);
}

const struct sluice_ctrl_cqe *drv_completion(struct drv *d)
{
	uint32_t slot = d->cq_head & ((1u << CTRL_LOG) - 1);
	const struct sluice_ctrl_cqe *cqe =
		drv_mem(d, d->cq + slot * sizeof(*cqe));

	if ((cqe->phase & 1) == (d->cq_head >> CTRL_LOG & 1))
		return NULL;
	d->cq_head++;
	d->last = *cqe;
	return &d->last;
}

int drv_cmd(struct drv *d, void *cmd, uint16_t len)
{
	const struct sluice_ctrl_cqe *cqe;

	drv_post(d, cmd, len);
	drv_ring(d);
	run(d->m);
	cqe = drv_completion(d);
	assert_non_null(cqe);
	assert_int_equal(le32toh(cqe->cookie), d->cookie);
	assert_int_equal(le32toh(cqe->sq_head), d->sq_tail);
	assert_int_equal(cqe->opcode, ((struct sluice_cmd_hdr *)cmd)->opcode);
	wr(d, SLUICE_DB_CTRL_CQ, d->cq_head);
	return cqe->status;
}

int drv_u32_vport(struct drv *d, uint8_t opcode, uint16_t vport, uint32_t v)
{
	struct sluice_cmd_u32 cmd = {
		.hdr.opcode = opcode,
		.hdr.vport = htole16(vport),
		.value = htole32(v),
	};

	return drv_cmd(d, &cmd, sizeof(cmd));
}

int drv_u32(struct drv *d, uint8_t opcode, uint32_t value)
{
	return drv_u32_vport(d, opcode, 0, value);
}

const struct sluice_event *drv_event(struct drv *d)
{
	uint32_t slot = d->eq_head & ((1u << EQ_LOG) - 1);
	const struct sluice_event *ev =
		drv_mem(d, d->eq + slot * sizeof(*ev));

	if ((ev->phase & 1) == (d->eq_head >> EQ_LOG & 1))
		return NULL;
	d->eq_head++;
	wr(d, SLUICE_DB_EQ, d->eq_head);
	return ev;
}

void drv_no_events(struct drv *d)
{
	while (drv_event(d))
		;
	run(d->m);
}

void drv_failed(struct drv *d, enum sluice_error error, uint32_t info)
{
	run(d->m);
	assert_int_equal(rd(d, SLUICE_REG_STATUS), SLUICE_STATUS_ERROR);
	assert_int_equal(rd(d, SLUICE_REG_ERROR), error);
	assert_int_equal(rd(d, SLUICE_REG_ERROR_INFO), info);
}

void drv_reset(struct drv *d)
{
	wr(d, SLUICE_REG_RESET, SLUICE_RESET_MAGIC);
	if (!d->m->threaded)
		assert_int_equal(rd(d, SLUICE_REG_STATUS),
				 SLUICE_STATUS_RESETTING);
	run(d->m);
	assert_int_equal(rd(d, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	assert_int_equal(rd(d, SLUICE_REG_ERROR), SLUICE_ERR_NONE);
}

struct ring drv_cq(struct drv *d, uint16_t id, uint8_t log, uint16_t vector,
		   uint16_t usecs, uint16_t frames)
{
	struct ring r = { .size = 1u << log };
	struct sluice_cmd_cq cmd = {
		.hdr.opcode = SLUICE_CMD_CQ_CREATE,
		.id = htole16(id),
		.log_size = log,
		.vector = htole16(vector),
		.usecs = htole16(usecs),
		.frames = htole16(frames),
	};

	r.base = drv_alloc(d, sizeof(struct sluice_cqe) << log);
	cmd.addr = htole64(r.base);
	assert_int_equal(drv_cmd(d, &cmd, sizeof(cmd)), SLUICE_ST_OK);
	return r;
}

struct ring drv_queue(struct drv *d, uint8_t opcode, uint16_t id, uint8_t log,
		      uint16_t cq)
{
	struct ring r = { .size = 1u << log };
	struct sluice_cmd_queue cmd = {
		.hdr.opcode = opcode,
		.id = htole16(id),
		.log_size = log,
		.cq = htole16(cq),
	};
	size_t size = opcode == SLUICE_CMD_TXQ_CREATE ?
		      sizeof(struct sluice_tx_desc) :
		      sizeof(struct sluice_rx_desc);

	r.base = drv_alloc(d, size << log);
	cmd.addr = htole64(r.base);
	assert_int_equal(drv_cmd(d, &cmd, sizeof(cmd)), SLUICE_ST_OK);
	return r;
}

void drv_nic(struct drv *d, uint8_t log, struct ring *cq, struct ring *tx,
	     struct ring *rx)
{
	drv_start(d);
	*cq = drv_cq(d, 0, log + 1, 1, 0, 0);
	*tx = drv_queue(d, SLUICE_CMD_TXQ_CREATE, 0, log, 0);
	*rx = drv_queue(d, SLUICE_CMD_RXQ_CREATE, 0, log, 0);
	assert_int_equal(drv_u32(d, SLUICE_CMD_SET_STATE, 1), SLUICE_ST_OK);
}

struct sluice_tx_desc *tx_slot(struct drv *d, struct ring *tx)
{
	uint32_t slot = tx->count++ & (tx->size - 1);
	struct sluice_tx_desc *desc =
		drv_mem(d, tx->base + slot * sizeof(*desc));

	memset(desc, 0, sizeof(*desc));
	return desc;
}

struct sluice_tx_desc *tx_frame(struct drv *d, struct ring *tx,
				const struct frame *f)
{
	struct sluice_tx_desc *desc = tx_slot(d, tx);
	uint64_t buf = drv_alloc(d, f->len);

	memcpy(drv_mem(d, buf), f->b, f->len);
	desc->addr = htole64(buf);
	desc->len = htole32(f->len);
	desc->flags = htole16(SLUICE_TX_F_EOP);
	return desc;
}

void rx_fill(struct drv *d, struct ring *rx, unsigned int q, unsigned int n,
	     uint32_t len)
{
	while (n--) {
		uint32_t slot = rx->count++ & (rx->size - 1);
		struct sluice_rx_desc *desc =
			drv_mem(d, rx->base + slot * sizeof(*desc));

		desc->addr = htole64(drv_alloc(d, len));
		desc->len = htole32(len);
		desc->reserved = 0;
	}
	wr(d, SLUICE_DB_RX(q), rx->count);
}

const struct sluice_cqe *cq_next(struct drv *d, struct ring *cq)
{
	uint32_t slot = cq->count & (cq->size - 1);
	const struct sluice_cqe *cqe =
		drv_mem(d, cq->base + slot * sizeof(*cqe));

	if ((cqe->phase & 1) == !!(cq->count & cq->size))
		return NULL;
	cq->count++;
	return cqe;
}

void rx_gather(struct drv *d, struct ring *rx, const struct sluice_cqe *cqe,
	       struct frame *f)
{
	uint32_t index = le32toh(cqe->index);
	uint32_t left = le32toh(cqe->len);
	unsigned int i;

	f->len = 0;
	for (i = 0; i < le16toh(cqe->nbufs); i++, index++) {
		const struct sluice_rx_desc *desc =
			drv_mem(d, rx->base + (index & (rx->size - 1)) *
				sizeof(*desc));
		uint32_t n = le32toh(desc->len);

		if (n > left)
			n = left;
		fr_bytes(f, drv_mem(d, le64toh(desc->addr)), n);
		left -= n;
	}
	assert_int_equal(left, 0);
}

void wire_in(struct fake *m, unsigned int uplink, const struct frame *f)
{
	struct fake_wire *w = &m->wire[uplink];

	assert_true(w->in - w->out < 4);
	w->queue[w->in++ % 4] = *f;
	sluice_nic_wire_rx_notify(m->nic, uplink);
}

const char *fn_mac(unsigned int fn)
{
	static const char *const macs[FAKE_FUNCS] = {
		"02:00:00:00:00:00", "02:00:00:00:00:01",
		"02:00:00:00:00:02", "02:00:00:00:00:03",
	};

	return macs[fn];
}

void pair_start(struct pair *p, uint8_t log)
{
	memset(p, 0, sizeof(*p));
	p->m = fake_new();
	p->a = &p->m->drv[1];
	p->b = &p->m->drv[2];
	drv_nic(p->a, log, &p->acq, &p->atx, &p->arx);
	drv_nic(p->b, log, &p->bcq, &p->btx, &p->brx);
}

void take_large(struct pair *p, uint8_t log)
{
	struct sluice_cmd_queue cmd = {
		.hdr.opcode = SLUICE_CMD_RXQ_CREATE,
		.log_size = log,
		.flags = SLUICE_QUEUE_F_LARGE,
	};

	assert_int_equal(drv_u32(p->b, SLUICE_CMD_RXQ_DESTROY, 0),
			 SLUICE_ST_OK);
	p->brx.count = 0;
	p->brx.base = drv_alloc(p->b, sizeof(struct sluice_rx_desc) << log);
	cmd.addr = htole64(p->brx.base);
	assert_int_equal(drv_cmd(p->b, &cmd, sizeof(cmd)), SLUICE_ST_OK);
	cmd.hdr.opcode = SLUICE_CMD_TXQ_CREATE;
	cmd.id = htole16(1);
	assert_int_equal(drv_cmd(p->b, &cmd, sizeof(cmd)), SLUICE_ST_INVAL);
}

void top_start(struct top *t, uint32_t first_counter)
{
	struct sluice_cmd_mask mask = { .hdr.opcode = SLUICE_CMD_MASK_ADD };
	struct sluice_cmd_counters map = {
		.hdr.opcode = SLUICE_CMD_COUNTER_MAP,
		.base = htole32(first_counter),
		.count = htole32(8),
	};
	struct sluice_cmd_vport vp = {
		.hdr.opcode = SLUICE_CMD_VPORT_SET,
		.hdr.vport = htole16(SLUICE_VPORT_VF(0)),
		.fields = htole32(SLUICE_VPORT_F_ROOT),
		.root_table = htole32(1),
	};
	uint64_t addr;

	memset(t, 0, sizeof(*t));
	t->m = fake_new();
	t->pf = &t->m->drv[0];
	t->vf = &t->m->drv[1];
	drv_nic(t->pf, 4, &t->pcq, &t->ptx, &t->prx);
	drv_nic(t->vf, 4, &t->vcq, &t->vtx, &t->vrx);
	assert_int_equal(drv_u32(t->pf, SLUICE_CMD_ESW_MODE, 1), SLUICE_ST_OK);
	assert_int_equal(drv_cmd(t->pf, &mask, sizeof(mask)), SLUICE_ST_OK);
	addr = drv_alloc(t->pf, 8 * sizeof(*t->counter));
	t->counter = drv_mem(t->pf, addr);
	map.addr = htole64(addr);
	assert_int_equal(drv_cmd(t->pf, &map, sizeof(map)), SLUICE_ST_OK);
	assert_int_equal(drv_cmd(t->pf, &vp, sizeof(vp)), SLUICE_ST_OK);
}
