// SPDX-License-Identifier: GPL-2.0-or-later
/* The control ring: fetch commands, run them in order, complete them. */
#include "internal.h"

/* Apply what the ring registers say.  Rings start empty at each enable. */
void ctrl_config(struct func *f)
{
	struct ring_regs regs;

	pthread_mutex_lock(&f->lock);
	regs = f->regs;
	f->regs.ctrl_changed = false;
	f->regs.eq_changed = false;
	pthread_mutex_unlock(&f->lock);

	if (regs.ctrl_changed) {
		f->ctrl_on = regs.ctrl_enable & SLUICE_RING_ENABLE;
		__atomic_store_n(&f->sq_head, 0, __ATOMIC_RELEASE);
		if (f->ctrl_on) {
			f->sq_base = regs.sq_base;
			f->sq_log = regs.sq_size;
			f->shadow = regs.shadow;
			f->polled = false;
			out_ring_open(&f->ctrl_cq, f, regs.cq_base,
				      regs.cq_size,
				      sizeof(struct sluice_ctrl_cqe),
				      regs.ctrl_enable >>
				      SLUICE_RING_VECTOR_SHIFT,
				      SLUICE_DMA_CTRL_CQ);
		} else {
			out_ring_close(&f->ctrl_cq);
		}
	}
	if (regs.eq_changed) {
		if (regs.eq_enable & SLUICE_RING_ENABLE)
			out_ring_open(&f->eq, f, regs.eq_base, regs.eq_size,
				      sizeof(struct sluice_event),
				      regs.eq_enable >>
				      SLUICE_RING_VECTOR_SHIFT, SLUICE_DMA_EQ);
		else
			out_ring_close(&f->eq);
	}
}

/* The slots that the ring's shadow announces.  False when the function failed. */
static bool read_shadow(struct func *f, uint32_t *db)
{
	struct sluice_nic *nic = f->nic;
	uint64_t addr = f->shadow + offsetof(struct sluice_ctrl_shadow, tail);
	uint32_t tail;

	if (!nic->host.dma_read(nic->host.ctx, f->vport, addr, &tail,
				sizeof(tail))) {
		func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_CTRL_SQ);
		return false;
	}
	*db = le32toh(tail);
	return true;
}

/* The slots that are announced, by a doorbell or without. */
static bool announced(struct func *f, uint32_t *db)
{
	if (f->shadow)
		return read_shadow(f, db);
	*db = __atomic_load_n(&f->ctrl_db, __ATOMIC_ACQUIRE);
	return true;
}

/* Read @count slots from slot count @head on into the buffer. */
static bool read_slots(struct func *f, uint32_t head, uint32_t count)
{
	struct sluice_nic *nic = f->nic;
	uint32_t size = 1u << f->sq_log;
	uint32_t slot = head & (size - 1);
	uint32_t first = count < size - slot ? count : size - slot;
	uint8_t *buf = (uint8_t *)nic->ctrl_buf;

	if (nic->host.dma_read(nic->host.ctx, f->vport,
			       f->sq_base + (uint64_t)slot * SLUICE_CMD_SLOT,
			       buf, (size_t)first * SLUICE_CMD_SLOT) &&
	    (first == count ||
	     nic->host.dma_read(nic->host.ctx, f->vport, f->sq_base,
				buf + (size_t)first * SLUICE_CMD_SLOT,
				(size_t)(count - first) * SLUICE_CMD_SLOT)))
		return true;
	func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_CTRL_SQ);
	return false;
}

/* A test asked for this command to fail. */
static bool fault_hits(struct func *f, uint8_t opcode)
{
	struct sluice_nic_fault *fault = &f->nic->fault;

	if (!f->is_pf || !fault->opcode || fault->opcode != opcode)
		return false;
	if (fault->skip) {
		fault->skip--;
		return false;
	}
	if (!fault->count)
		return false;
	fault->count--;
	return true;
}

/*
 * Run the command at @hdr.  Return enum sluice_status, or CMD_MALFORMED.  The
 * function may be in the error state afterwards.
 */
static int run_command(struct func *f, const struct sluice_cmd_hdr *hdr,
		       uint32_t len)
{
	static const uint8_t zero[sizeof(hdr->reserved)];

	if (hdr->flags & ~SLUICE_CMD_F_SILENT ||
	    memcmp(hdr->reserved, zero, sizeof(zero)))
		return CMD_MALFORMED;
	if (fault_hits(f, hdr->opcode)) {
		if (f->nic->fault.status != SLUICE_ST_OK)
			return f->nic->fault.status;
		func_fail(f, SLUICE_ERR_INJECTED, hdr->opcode);
		return SLUICE_ST_FAULT;
	}
	/* PF commands and those every function has are two ranges. */
	if (hdr->opcode >= SLUICE_CMD_ESW_MODE ||
	    hdr->opcode == SLUICE_CMD_STATS_CONFIG)
		return f->is_pf ? cmd_pf(f, hdr, len) : CMD_MALFORMED;
	return cmd_func(f, hdr, len);
}

static bool complete(struct func *f, const struct sluice_cmd_hdr *hdr,
		     int status)
{
	struct sluice_ctrl_cqe cqe = {
		.cookie = hdr->cookie,
		.sq_head = htole32(f->sq_head),
		.opcode = hdr->opcode,
		.status = status,
	};

	if (hdr->flags & SLUICE_CMD_F_SILENT && status == SLUICE_ST_OK)
		return true;
	return out_ring_put(f, &f->ctrl_cq, &cqe);
}

/* Make sure one completion can be written; else wait for a doorbell. */
static bool have_room(struct func *f)
{
	struct out_ring *r = &f->ctrl_cq;

	if (out_ring_room(r))
		return true;
	__atomic_store_n(&r->stalled, 1, __ATOMIC_SEQ_CST);
	if (!out_ring_refresh(r)) {
		func_fail(f, SLUICE_ERR_CTRL_CQ, (uint32_t)r->db);
		return false;
	}
	if (!out_ring_room(r))
		return false;
	__atomic_store_n(&r->stalled, 0, __ATOMIC_RELAXED);
	return true;
}

/* Run commands out of the buffer, which holds @count slots from @head on. */
static bool run_buffer(struct func *f, uint32_t count, uint32_t announced)
{
	const uint8_t *buf = (const uint8_t *)f->nic->ctrl_buf;
	uint32_t mask = (1u << f->sq_log) - 1;
	uint32_t at = 0;

	while (at < count) {
		const struct sluice_cmd_hdr *hdr =
			(const void *)(buf + (size_t)at * SLUICE_CMD_SLOT);
		uint32_t len = le16toh(hdr->len);
		uint32_t slots = (len + SLUICE_CMD_SLOT - 1) / SLUICE_CMD_SLOT;
		uint32_t info = (uint32_t)hdr->opcode << 16 |
				(f->sq_head & mask);
		int status;

		if (len < sizeof(*hdr) || len > SLUICE_CMD_MAX_LEN || len & 7 ||
		    slots > announced - at) {
			func_fail(f, SLUICE_ERR_CTRL_DESC, info);
			return false;
		}
		if (slots > count - at)
			return true;
		if (!have_room(f))
			return false;
		status = run_command(f, hdr, len);
		f->nic->cur->commands++;
		if (!func_ok(f))
			return false;
		if (status == CMD_MALFORMED) {
			func_fail(f, SLUICE_ERR_CTRL_DESC, info);
			return false;
		}
		__atomic_store_n(&f->sq_head, f->sq_head + slots,
				 __ATOMIC_RELEASE);
		if (!complete(f, hdr, status))
			return false;
		at += slots;
	}
	return true;
}

/* Run every command announced until now. */
void ctrl_run(struct func *f)
{
	struct out_ring *cq = &f->ctrl_cq;
	uint32_t db, count;

	if (!func_ok(f))
		return;
	for (;;) {
		/* The order matters: a doorbell belongs to the newest ring. */
		db = __atomic_load_n(&f->ctrl_db, __ATOMIC_ACQUIRE);
		if (!(__atomic_fetch_and(&f->work, ~WORK_CONFIG,
					 __ATOMIC_ACQ_REL) & WORK_CONFIG))
			break;
		ctrl_config(f);
	}
	if (!f->ctrl_on || (f->shadow && !read_shadow(f, &db)))
		return;
	if (!out_ring_refresh(cq)) {
		func_fail(f, SLUICE_ERR_CTRL_CQ, (uint32_t)cq->db);
		return;
	}
	if (db - f->sq_head > 1u << f->sq_log) {
		func_fail(f, SLUICE_ERR_CTRL_INDEX, db);
		return;
	}

	while (db != f->sq_head) {
		count = db - f->sq_head;
		if (count > CTRL_BATCH)
			count = CTRL_BATCH;
		if (!have_room(f) || !read_slots(f, f->sq_head, count) ||
		    !run_buffer(f, count, db - f->sq_head))
			break;
	}

	if (!func_ok(f))
		return;
	if (!out_ring_refresh(cq)) {
		func_fail(f, SLUICE_ERR_CTRL_CQ, (uint32_t)cq->db);
		return;
	}
	out_ring_irq(f, cq);
}

/*
 * Commands announced before the packets that come next take effect before them.
 * Those that wait for room to be completed in wait until their doorbell.
 */
void ctrl_before(struct lane *lane, struct func *f)
{
	uint32_t work, db;

	if (f->nic->num_lanes == 1) {
		ctrl_run(f);
		return;
	}
	if (!func_ok(f))
		return;
	work = __atomic_load_n(&f->work, __ATOMIC_ACQUIRE);
	if (!(work & (WORK_CONFIG | WORK_CTRL)) &&
	    (!f->ctrl_on || !announced(f, &db) || db == f->sq_head ||
	     __atomic_load_n(&f->ctrl_cq.stalled, __ATOMIC_RELAXED)))
		return;
	alone(lane);
	ctrl_run(f);
	together(lane);
}

/* Has lane 0, @lane, work that no doorbell told of? */
void ctrl_look(struct lane *lane, struct func *f)
{
	uint32_t db;

	if (!f->shadow || !f->ctrl_on || !func_ok(f) || !read_shadow(f, &db) ||
	    db == f->sq_head)
		return;
	__atomic_or_fetch(&f->work, WORK_CTRL, __ATOMIC_SEQ_CST);
	__atomic_or_fetch(&lane->pend[f->vport / 64], 1ull << (f->vport % 64),
			  __ATOMIC_SEQ_CST);
}

/*
 * Tell the function whether lane 0, @lane, looks at its shadow from now on.  Where
 * that ends, what came at the last moment is seen here.
 */
void ctrl_poll(struct lane *lane, struct func *f, bool on)
{
	struct sluice_nic *nic = f->nic;
	uint32_t polled = htole32(on);

	if (f->polled == on || !f->shadow || !f->ctrl_on || !func_ok(f))
		return;
	f->polled = on;
	if (!nic->host.dma_write(nic->host.ctx, f->vport, f->shadow +
				 offsetof(struct sluice_ctrl_shadow, polled),
				 &polled, sizeof(polled))) {
		func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_CTRL_SQ);
		return;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	ctrl_look(lane, f);
}
