// SPDX-License-Identifier: GPL-2.0-or-later
/* Wires of the Sluice NIC: frames between the worker and QEMU's netdevs. */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"
#include "net/net.h"
#include "qapi/error.h"
#include "sluice.h"

#define TX_BYTES	(4u << 20)	/* for each worker */
#define RX_BYTES	(2u << 20)
#define PAD		60		/* length that pad=on makes frames */
/*
 * A peer that takes nothing for this long (a cable without a far end) gets
 * its frames dropped instead of holding up the other functions.
 */
#define STUCK_NS	(200 * SCALE_MS)

/* A pcap file: a header; records with the frame's length in theirs. */
#define PCAP_MAGIC	0xa1b2c3d4u
#define PCAP_HEADER	24
#define PCAP_RECORD	16
#define PCAP_RECORD_LEN	8

static bool wire_stuck(SluiceWire *w)
{
	return get_clock() - qatomic_read_i64(&w->progress) > STUCK_NS;
}

/* Any worker: how many frames of @len bytes this wire surely takes. */
uint32_t sluice_wire_room(void *ctx, unsigned int uplink, uint32_t len)
{
	SluiceState *s = ctx;
	SluiceWire *w = &s->wires[uplink];
	uint32_t room = fifo_room(&w->tx, MIN(MAX(len, PAD), SLUICE_FRAME_MAX));

	/* A full queue of a stuck wire drops; that takes any number. */
	if (room < s->threads * (s->max_actions + 2) && wire_stuck(w))
		return UINT32_MAX;
	return room;
}

static bool wire_put(SluiceWire *w, const uint8_t *frame, uint32_t len)
{
	/* The clock of a stuck peer starts with the first frame it gets. */
	if (!fifo_count(&w->tx))
		qatomic_set_i64(&w->progress, get_clock());
	return fifo_put(&w->tx, frame, len);
}

bool sluice_wire_tx(void *ctx, unsigned int uplink, const uint8_t *frame,
		    uint32_t len)
{
	SluiceState *s = ctx;
	SluiceWire *w = &s->wires[uplink];
	uint8_t padded[PAD];
	bool done;

	if (s->pad && len < sizeof(padded)) {
		memcpy(padded, frame, len);
		memset(padded + len, 0, sizeof(padded) - len);
		frame = padded;
		len = sizeof(padded);
	}
	if (s->threads > 1)
		qemu_mutex_lock(&w->tx_lock);
	done = wire_put(w, frame, len);
	if (s->threads > 1)
		qemu_mutex_unlock(&w->tx_lock);
	if (!done)
		return false;
	qatomic_set(&s->tx_flush, 1);
	sluice_want_bh(s);
	return true;
}

static bool wire_replays(SluiceState *s, unsigned int uplink)
{
	return !uplink && qatomic_read(&s->replaying);
}

/* The next frame of the file, from its beginning after its end. */
static const uint8_t *replay_next(SluiceState *s, uint32_t *len)
{
	const uint8_t *frame;

	if (s->replay_at == s->replay_len)
		s->replay_at = PCAP_HEADER;
	*len = ldl_he_p(s->replay_data + s->replay_at + PCAP_RECORD_LEN);
	frame = s->replay_data + s->replay_at + PCAP_RECORD;
	s->replay_at += PCAP_RECORD + *len;
	return frame;
}

uint32_t sluice_wire_rx_count(void *ctx, unsigned int uplink)
{
	SluiceState *s = ctx;

	if (wire_replays(s, uplink))
		return UINT32_MAX;
	return fifo_count(&s->wires[uplink].rx);
}

const uint8_t *sluice_wire_rx_next(void *ctx, unsigned int uplink,
				   uint32_t *len)
{
	SluiceState *s = ctx;

	if (wire_replays(s, uplink))
		return replay_next(s, len);
	return fifo_take(&s->wires[uplink].rx, len);
}

void sluice_wire_rx_done(void *ctx, unsigned int uplink)
{
	SluiceState *s = ctx;
	SluiceWire *w = &s->wires[uplink];

	fifo_release(&w->rx);
	if (qatomic_read(&w->rx_blocked)) {
		qatomic_set(&s->rx_flush, 1);
		sluice_want_bh(s);
	}
}

static void wire_send(SluiceWire *w);

static void wire_sent(NetClientState *nc, ssize_t ret)
{
	SluiceWire *w = qemu_get_nic_opaque(nc);

	w->busy = false;
	wire_send(w);
}

/* Main loop: hand frames to the netdev until it is full. */
static void wire_send(SluiceWire *w)
{
	NetClientState *nc = qemu_get_queue(w->nc);
	const uint8_t *frame;
	bool sent = false;
	uint32_t len;

	while (!w->busy && (frame = fifo_take(&w->tx, &len))) {
		/* 0: the netdev has a copy and calls back when it is gone. */
		if (!qemu_send_packet_async(nc, frame, len, wire_sent))
			w->busy = true;
		fifo_release(&w->tx);
		sent = true;
	}
	if (sent) {
		qatomic_set_i64(&w->progress, get_clock());
		sluice_nic_wire_tx_notify(w->nic->nic);
	}
}

/* Main loop: what the worker asked for. */
void sluice_wires_flush(SluiceState *s)
{
	unsigned int i;

	if (qatomic_xchg(&s->tx_flush, 0))
		for (i = 0; i < s->num_wires; i++)
			wire_send(&s->wires[i]);
	if (!qatomic_xchg(&s->rx_flush, 0))
		return;
	for (i = 0; i < s->num_wires; i++) {
		SluiceWire *w = &s->wires[i];

		if (qatomic_xchg(&w->rx_blocked, false))
			qemu_flush_queued_packets(qemu_get_queue(w->nc));
	}
}

static bool wire_can_receive(NetClientState *nc)
{
	SluiceWire *w = qemu_get_nic_opaque(nc);

	if (fifo_room(&w->rx, SLUICE_FRAME_MAX))
		return true;
	qatomic_set(&w->rx_blocked, true);
	smp_mb();
	/* The worker may have made room before it saw the mark. */
	return fifo_room(&w->rx, SLUICE_FRAME_MAX);
}

static ssize_t wire_receive(NetClientState *nc, const uint8_t *buf, size_t len)
{
	SluiceWire *w = qemu_get_nic_opaque(nc);

	/* Longer than any frame of ours: as a real NIC, drop it. */
	if (len > SLUICE_FRAME_MAX || len < SLUICE_FRAME_MIN)
		return len;
	if (!fifo_put(&w->rx, buf, len)) {
		wire_can_receive(nc);
		return 0;
	}
	sluice_nic_wire_rx_notify(w->nic->nic, w->number);
	return len;
}

/* Is what was read a pcap file of whole frames, and at least one? */
static bool replay_ok(const uint8_t *data, size_t len)
{
	size_t at = PCAP_HEADER;

	if (len <= PCAP_HEADER || ldl_he_p(data) != PCAP_MAGIC)
		return false;
	while (at < len) {
		uint32_t frame;

		if (len - at < PCAP_RECORD)
			return false;
		frame = ldl_he_p(data + at + PCAP_RECORD_LEN);
		if (frame < SLUICE_FRAME_MIN || frame > SLUICE_FRAME_MAX ||
		    len - at - PCAP_RECORD < frame)
			return false;
		at += PCAP_RECORD + frame;
	}
	return true;
}

static bool replay_init(SluiceState *s, Error **errp)
{
	g_autofree char *data = NULL;
	size_t len;

	if (!s->replay)
		return true;
	if (!g_file_get_contents(s->replay, &data, &len, NULL) ||
	    !replay_ok((uint8_t *)data, len)) {
		error_setg(errp, "sluice: replay=%s is no pcap file of frames",
			   s->replay);
		return false;
	}
	s->replay_data = (uint8_t *)g_steal_pointer(&data);
	s->replay_len = len;
	s->replay_at = PCAP_HEADER;
	return true;
}

static void wire_link_changed(NetClientState *nc)
{
	SluiceWire *w = qemu_get_nic_opaque(nc);

	sluice_nic_set_carrier(w->nic->nic, w->number, !nc->link_down);
}

static NetClientInfo sluice_net_info = {
	.type = NET_CLIENT_DRIVER_NIC,
	.size = sizeof(NICState),
	.can_receive = wire_can_receive,
	.receive = wire_receive,
	.link_status_changed = wire_link_changed,
};

/* A power of two, as a fifo wants it. */
static uint32_t wire_bytes(const SluiceState *s)
{
	return TX_BYTES * pow2ceil(s->threads);
}

bool sluice_wires_init(SluiceState *s, Error **errp)
{
	unsigned int i;

	if (!replay_init(s, errp))
		return false;
	for (i = 0; i < s->num_wires; i++) {
		SluiceWire *w = &s->wires[i];
		g_autofree char *name = NULL;

		w->nic = s;
		w->number = i;
		w->conf = s->conf[i];
		memcpy(w->conf.macaddr.a, s->cfg.uplink_mac[i], 6);
		qemu_mutex_init(&w->tx_lock);
		if (!fifo_init(&w->tx, wire_bytes(s)) ||
		    !fifo_init(&w->rx, RX_BYTES)) {
			error_setg(errp, "sluice: no memory for wire %u", i);
			return false;
		}
		if (DEVICE(s)->id)
			name = g_strdup_printf("%s.%u", DEVICE(s)->id, i);
		w->nc = qemu_new_nic(&sluice_net_info, &w->conf, TYPE_SLUICE,
				     i ? name : DEVICE(s)->id,
				     &DEVICE(s)->mem_reentrancy_guard, w);
		qemu_format_nic_info_str(qemu_get_queue(w->nc),
					 w->conf.macaddr.a);
		sluice_nic_set_carrier(s->nic, i,
				       !qemu_get_queue(w->nc)->link_down);
	}
	return true;
}

/* The worker is gone. */
void sluice_wires_exit(SluiceState *s)
{
	unsigned int i;

	for (i = 0; i < s->num_wires; i++) {
		SluiceWire *w = &s->wires[i];

		/* Deleting calls wire_sent(), which must find nothing. */
		if (w->nc) {
			fifo_clear(&w->tx);
			qemu_del_nic(w->nc);
		}
		w->nc = NULL;
		/* Nothing was made of a wire that was not reached. */
		if (!w->nic)
			continue;
		qemu_mutex_destroy(&w->tx_lock);
		w->nic = NULL;
		fifo_free(&w->tx);
		fifo_free(&w->rx);
	}
	g_free(s->replay_data);
	s->replay_data = NULL;
}
