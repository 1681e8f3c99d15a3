// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers and doorbells.  These run in the threads of the host's CPUs. */
#include "internal.h"

#define CAPS_ALL_FUNCS	(SLUICE_CAP_TX_CSUM | SLUICE_CAP_RX_CSUM | \
			 SLUICE_CAP_RSS | SLUICE_CAP_MODERATION | \
			 SLUICE_CAP_TSO | SLUICE_CAP_CTRL_SOON | \
			 SLUICE_CAP_LARGE_RX)
#define CAPS_PF		(SLUICE_CAP_LEGACY | SLUICE_CAP_SWITCHDEV | \
			 SLUICE_CAP_TUNNEL | SLUICE_CAP_CT | \
			 SLUICE_CAP_ROUTE | SLUICE_CAP_COUNT | \
			 SLUICE_CAP_ETH | SLUICE_CAP_SHAPER | \
			 SLUICE_CAP_VF_VLAN | SLUICE_CAP_CTRL_SHADOW)
#define DB_QUEUES	0x2000
#define DB_STRIDE	16

static bool resetting(struct func *f)
{
	return __atomic_load_n(&f->work, __ATOMIC_SEQ_CST) &
	       (WORK_RESET | WORK_FLR);
}

static uint32_t read_ring_reg(struct func *f, uint32_t off)
{
	uint32_t v = 0;

	pthread_mutex_lock(&f->lock);
	switch (off) {
	case SLUICE_REG_CTRL_SQ_BASE_LO:
		v = (uint32_t)f->regs.sq_base;
		break;
	case SLUICE_REG_CTRL_SQ_BASE_HI:
		v = f->regs.sq_base >> 32;
		break;
	case SLUICE_REG_CTRL_SQ_SIZE:
		v = f->regs.sq_size;
		break;
	case SLUICE_REG_CTRL_CQ_BASE_LO:
		v = (uint32_t)f->regs.cq_base;
		break;
	case SLUICE_REG_CTRL_CQ_BASE_HI:
		v = f->regs.cq_base >> 32;
		break;
	case SLUICE_REG_CTRL_CQ_SIZE:
		v = f->regs.cq_size;
		break;
	case SLUICE_REG_CTRL_SHADOW_LO:
		v = (uint32_t)f->regs.shadow;
		break;
	case SLUICE_REG_CTRL_SHADOW_HI:
		v = f->regs.shadow >> 32;
		break;
	case SLUICE_REG_CTRL_ENABLE:
		v = f->regs.ctrl_enable;
		break;
	case SLUICE_REG_EQ_BASE_LO:
		v = (uint32_t)f->regs.eq_base;
		break;
	case SLUICE_REG_EQ_BASE_HI:
		v = f->regs.eq_base >> 32;
		break;
	case SLUICE_REG_EQ_SIZE:
		v = f->regs.eq_size;
		break;
	case SLUICE_REG_EQ_ENABLE:
		v = f->regs.eq_enable;
		break;
	}
	pthread_mutex_unlock(&f->lock);
	return v;
}

uint32_t sluice_nic_reg_read(struct sluice_nic *nic, unsigned int fn,
			     uint32_t off, unsigned int size)
{
	struct func *f = nic_func(nic, fn);
	uint64_t error, caps, now;

	if (!f || size != 4 || off & 3)
		return 0;
	error = __atomic_load_n(&f->error, __ATOMIC_ACQUIRE);
	caps = CAPS_ALL_FUNCS | (f->is_pf ? CAPS_PF : 0);

	switch (off) {
	case SLUICE_REG_MAGIC:
		return SLUICE_MAGIC;
	case SLUICE_REG_VERSION:
		return SLUICE_VERSION_MAKE(SLUICE_IF_MAJOR, SLUICE_IF_MINOR);
	case SLUICE_REG_CAPS_LO:
		return (uint32_t)caps;
	case SLUICE_REG_CAPS_HI:
		return caps >> 32;
	case SLUICE_REG_FUNC:
		return f->vport | (f->is_pf ? SLUICE_FUNC_IS_PF : 0);
	case SLUICE_REG_STATUS:
		if (resetting(f))
			return SLUICE_STATUS_RESETTING;
		return error ? SLUICE_STATUS_ERROR : SLUICE_STATUS_READY;
	case SLUICE_REG_ERROR:
		return error >> 32;
	case SLUICE_REG_ERROR_INFO:
		return (uint32_t)error;
	case SLUICE_REG_TIME_LO:
		now = nic->host.now(nic->host.ctx);
		__atomic_store_n(&f->time_hi, now >> 32, __ATOMIC_RELAXED);
		return (uint32_t)now;
	case SLUICE_REG_TIME_HI:
		return __atomic_load_n(&f->time_hi, __ATOMIC_RELAXED);
	case SLUICE_REG_CTRL_SQ_HEAD:
		return __atomic_load_n(&f->sq_head, __ATOMIC_ACQUIRE);
	default:
		return read_ring_reg(f, off);
	}
}

static bool base_ok(uint64_t base, uint32_t log_size)
{
	return !(base & 63) && log_size >= SLUICE_RING_MIN_LOG &&
	       log_size <= SLUICE_RING_MAX_LOG;
}

/* ENABLE registers: true when @val can be obeyed. */
static bool enable_ok(struct func *f, uint32_t val)
{
	if (!val)
		return true;
	return (val & 0xffff) == SLUICE_RING_ENABLE &&
	       val >> SLUICE_RING_VECTOR_SHIFT < f->max_vectors;
}

static bool enable_ctrl(struct func *f, uint32_t val)
{
	struct ring_regs *r = &f->regs;

	if (!enable_ok(f, val) || (val && r->ctrl_enable) ||
	    (val && !(base_ok(r->sq_base, r->sq_size) &&
		      base_ok(r->cq_base, r->cq_size))))
		return false;
	__atomic_store_n(&f->ctrl_db, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&f->ctrl_cq.db, 0, __ATOMIC_RELEASE);
	r->ctrl_enable = val;
	r->ctrl_changed = true;
	return true;
}

static bool enable_eq(struct func *f, uint32_t val)
{
	struct ring_regs *r = &f->regs;

	if (!enable_ok(f, val) || (val && r->eq_enable) ||
	    (val && !base_ok(r->eq_base, r->eq_size)))
		return false;
	__atomic_store_n(&f->eq.db, 0, __ATOMIC_RELEASE);
	r->eq_enable = val;
	r->eq_changed = true;
	return true;
}

static void set_lo(uint64_t *v, uint32_t lo)
{
	*v = (*v & ~0xffffffffull) | lo;
}

static void set_hi(uint64_t *v, uint32_t hi)
{
	*v = (*v & 0xffffffffull) | (uint64_t)hi << 32;
}

/* False: impossible value, or a register that cannot be written now. */
static bool write_ring_reg(struct func *f, uint32_t off, uint32_t val)
{
	struct ring_regs *r = &f->regs;
	bool ctrl_off = !r->ctrl_enable;
	bool eq_off = !r->eq_enable;

	switch (off) {
	case SLUICE_REG_CTRL_SQ_BASE_LO:
		set_lo(&r->sq_base, val);
		return ctrl_off && !(val & 63);
	case SLUICE_REG_CTRL_SQ_BASE_HI:
		set_hi(&r->sq_base, val);
		return ctrl_off;
	case SLUICE_REG_CTRL_SQ_SIZE:
		r->sq_size = val;
		return ctrl_off && base_ok(0, val);
	case SLUICE_REG_CTRL_CQ_BASE_LO:
		set_lo(&r->cq_base, val);
		return ctrl_off && !(val & 63);
	case SLUICE_REG_CTRL_CQ_BASE_HI:
		set_hi(&r->cq_base, val);
		return ctrl_off;
	case SLUICE_REG_CTRL_CQ_SIZE:
		r->cq_size = val;
		return ctrl_off && base_ok(0, val);
	case SLUICE_REG_CTRL_SHADOW_LO:
		set_lo(&r->shadow, val);
		return ctrl_off && f->is_pf && !(val & 63);
	case SLUICE_REG_CTRL_SHADOW_HI:
		set_hi(&r->shadow, val);
		return ctrl_off && f->is_pf;
	case SLUICE_REG_CTRL_ENABLE:
		return enable_ctrl(f, val);
	case SLUICE_REG_EQ_BASE_LO:
		set_lo(&r->eq_base, val);
		return eq_off && !(val & 63);
	case SLUICE_REG_EQ_BASE_HI:
		set_hi(&r->eq_base, val);
		return eq_off;
	case SLUICE_REG_EQ_SIZE:
		r->eq_size = val;
		return eq_off && base_ok(0, val);
	case SLUICE_REG_EQ_ENABLE:
		return enable_eq(f, val);
	default:
		return false;
	}
}

static void write_reg(struct func *f, uint32_t off, uint32_t val)
{
	bool ok;

	pthread_mutex_lock(&f->lock);
	ok = write_ring_reg(f, off, val);
	pthread_mutex_unlock(&f->lock);
	if (!ok)
		func_fail(f, SLUICE_ERR_REG, off);
	else if (off == SLUICE_REG_CTRL_ENABLE || off == SLUICE_REG_EQ_ENABLE)
		func_note(f, WORK_CONFIG);
}

static void tx_doorbell(struct func *f, unsigned int id, uint32_t val)
{
	struct txq *q;

	if (id >= f->max_queues) {
		func_fail(f, SLUICE_ERR_TX_INDEX, id);
		return;
	}
	q = &f->txqs[id];
	if (!__atomic_load_n(&q->active, __ATOMIC_ACQUIRE) ||
	    val - __atomic_load_n(&q->head, __ATOMIC_ACQUIRE) >
	    __atomic_load_n(&q->size, __ATOMIC_RELAXED)) {
		func_fail(f, SLUICE_ERR_TX_INDEX, id);
		return;
	}
	__atomic_store_n(&q->db, val, __ATOMIC_SEQ_CST);
	__atomic_or_fetch(&f->tx_pend, 1ull << id, __ATOMIC_SEQ_CST);
	queues_notify(f, 1ull << id);
}

/* Nobody waits for receive buffers, so this wakes nobody. */
static void rx_doorbell(struct func *f, unsigned int id, uint32_t val)
{
	struct rxq *q;

	if (id >= f->max_queues) {
		func_fail(f, SLUICE_ERR_RX_INDEX, id);
		return;
	}
	q = &f->rxqs[id];
	if (!__atomic_load_n(&q->active, __ATOMIC_ACQUIRE) ||
	    val - __atomic_load_n(&q->head, __ATOMIC_ACQUIRE) >
	    __atomic_load_n(&q->size, __ATOMIC_RELAXED)) {
		func_fail(f, SLUICE_ERR_RX_INDEX, id);
		return;
	}
	__atomic_store_n(&q->db, val, __ATOMIC_SEQ_CST);
}

static void cq_doorbell(struct func *f, unsigned int id, uint32_t val, bool arm)
{
	struct cq *cq;

	if (id >= f->max_cqs) {
		func_fail(f, SLUICE_ERR_CQ_INDEX, id);
		return;
	}
	cq = &f->cqs[id];
	/* A consumer cannot be ahead of the producer, nor a ring behind. */
	if (!__atomic_load_n(&cq->ring.active, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&cq->ring.prod, __ATOMIC_ACQUIRE) - val >
	    1u << SLUICE_RING_MAX_LOG) {
		func_fail(f, SLUICE_ERR_CQ_INDEX, id);
		return;
	}
	if (out_ring_doorbell(&cq->ring, val, arm)) {
		__atomic_or_fetch(&f->cq_pend, 1ull << id, __ATOMIC_SEQ_CST);
		queues_notify(f, 1ull << id);
	}
}

static void queue_doorbell(struct func *f, uint32_t off, uint32_t val)
{
	unsigned int id = (off - DB_QUEUES) / DB_STRIDE;

	if (off == SLUICE_DB_TX(id))
		tx_doorbell(f, id, val);
	else if (off == SLUICE_DB_RX(id))
		rx_doorbell(f, id, val);
	else
		cq_doorbell(f, id, val, off == SLUICE_DB_CQ_ARM(id));
}

void sluice_nic_reg_write(struct sluice_nic *nic, unsigned int fn,
			  uint32_t off, uint32_t val, unsigned int size)
{
	struct func *f = nic_func(nic, fn);

	if (!f || size != 4 || off & 3 || resetting(f))
		return;
	if (off == SLUICE_REG_RESET) {
		if (val == SLUICE_RESET_MAGIC)
			func_note(f, WORK_RESET);
		else if (func_ok(f))
			func_fail(f, SLUICE_ERR_REG, off);
		return;
	}
	if (!func_ok(f))
		return;
	if (off >= DB_QUEUES &&
	    off < DB_QUEUES + SLUICE_MAX_QUEUES * DB_STRIDE) {
		queue_doorbell(f, off, val);
		return;
	}

	switch (off) {
	case SLUICE_DB_CTRL:
		__atomic_store_n(&f->ctrl_db, val, __ATOMIC_SEQ_CST);
		func_note(f, WORK_CTRL);
		break;
	case SLUICE_DB_CTRL_SOON:
		__atomic_store_n(&f->ctrl_db, val, __ATOMIC_SEQ_CST);
		func_note_soon(f, WORK_CTRL);
		break;
	case SLUICE_DB_CTRL_CQ:
		if (out_ring_doorbell(&f->ctrl_cq, val, true))
			func_note_soon(f, WORK_CTRL);
		break;
	case SLUICE_DB_EQ:
		if (out_ring_doorbell(&f->eq, val, true))
			func_note(f, WORK_EQ);
		break;
	default:
		write_reg(f, off, val);
	}
}
