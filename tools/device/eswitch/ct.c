// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections: keeping them and finding them.  What is done with a packet of
 * one is ct_run.c.
 */
#include <stdlib.h>
#include "internal.h"

#define MIN_LOG_BUCKETS		8

_Static_assert(!(SLUICE_CT_F_ALL & (ESW_CT_F_CLOSED | ESW_CT_F_LABEL)),
	       "a flag of ours is taken");
_Static_assert(sizeof(struct esw_conn) == 2 * ESW_LINE, "connection");
_Static_assert(offsetof(struct esw_conn, key6) == ESW_LINE, "its first line");

static struct esw_conn *conn_get(const struct sluice_esw *esw, uint32_t id)
{
	return id < esw->ct.size ? esw->ct.conn[id] : NULL;
}

/**
 * esw_ct_close() - software has both directions from now on
 * @esw: the eSwitch
 * @conn: one of them
 */
void esw_ct_close(struct sluice_esw *esw, const struct esw_conn *conn)
{
	struct esw_conn *peer = conn_get(esw, conn->id ^ 1);

	__atomic_or_fetch(&esw->ct.conn[conn->id]->flags, ESW_CT_F_CLOSED,
			  __ATOMIC_RELAXED);
	if (peer)
		__atomic_or_fetch(&peer->flags, ESW_CT_F_CLOSED,
				  __ATOMIC_RELAXED);
}

static uint32_t conn_hash(const struct esw_conn *c)
{
	struct esw_ct_key key;

	memcpy(key.word, c->key, sizeof(c->key));
	memcpy(key.word + ESW_CT_WORDS4, c->key6, sizeof(c->key6));
	return esw_ct_hash(&key);
}

static void conn_link(struct esw_cts *ct, struct esw_conn *c)
{
	struct esw_conn **b = esw_ct_bucket(ct, conn_hash(c));

	c->next = *b;
	*b = c;
}

static void conn_unlink(struct esw_cts *ct, const struct esw_conn *c)
{
	struct esw_conn **at = esw_ct_bucket(ct, conn_hash(c));

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
}

/*
 * Room for one more: few connections are to share a bucket, for only the first
 * is asked for in advance.  That lookups get slower is no reason to fail.
 */
static bool buckets_grow(struct esw_cts *ct)
{
	struct esw_conn **bucket;
	unsigned int log = ct->bucket ? ct->log_buckets + 1 : MIN_LOG_BUCKETS;
	uint32_t i;

	if (ct->bucket && ct->num < 1u << ct->log_buckets >> 2)
		return true;
	bucket = esw_pages_alloc(sizeof(struct esw_conn *) << log);
	if (!bucket)
		return ct->bucket;
	free(ct->bucket);
	ct->bucket = bucket;
	ct->log_buckets = log;
	for (i = 0; i < ct->size; i++)
		if (ct->conn[i])
			conn_link(ct, ct->conn[i]);
	return true;
}

static bool zero16(const uint8_t *p)
{
	static const uint8_t zero[16];

	return !memcmp(p, zero, sizeof(zero));
}

/* Fields that say something where there is nothing to say. */
static bool fields_odd(const struct sluice_cmd_ct *cmd)
{
	uint16_t flags = le16toh(cmd->flags);
	bool v4 = cmd->ip == 4;
	uint8_t proto = cmd->proto;
	unsigned int i;

	if ((!v4 && cmd->ip != 6) ||
	    (proto != ESW_IPPROTO_TCP && proto != ESW_IPPROTO_UDP &&
	     proto != ESW_IPPROTO_GRE))
		return true;
	if (proto == ESW_IPPROTO_GRE &&
	    (cmd->sport || cmd->dport ||
	     flags & (SLUICE_CT_F_SNAT | SLUICE_CT_F_DNAT)))
		return true;
	if (!(flags & SLUICE_CT_F_SNAT) &&
	    (cmd->nat_sport || !zero16(cmd->nat_src)))
		return true;
	if (!(flags & SLUICE_CT_F_DNAT) &&
	    (cmd->nat_dport || !zero16(cmd->nat_dst)))
		return true;
	for (i = 4; v4 && i < 16; i++)
		if (cmd->src[i] | cmd->dst[i] | cmd->nat_src[i] |
		    cmd->nat_dst[i])
			return true;
	return false;
}

static int check(const struct sluice_esw *esw, const struct sluice_cmd_ct *cmd)
{
	uint32_t counter = le32toh(cmd->counter);

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (le32toh(cmd->id) >= esw->cfg.max_ct ||
	    (counter != SLUICE_ID_NONE && counter >= esw->cfg.max_counters) ||
	    le16toh(cmd->flags) & ~SLUICE_CT_F_ALL ||
	    le16toh(cmd->state) & ~SLUICE_CT_ALL || fields_odd(cmd))
		return SLUICE_ST_INVAL;
	return SLUICE_ST_OK;
}

static void conn_key(struct esw_conn *c, const struct sluice_cmd_ct *cmd)
{
	__be16 ports[2] = { cmd->sport, cmd->dport };
	struct esw_ct_key key = { 0 };

	esw_ct_key_make(&key, le32toh(cmd->table), cmd->ip == 4, cmd->proto,
			ports, cmd->src, cmd->dst);
	memcpy(c->key, key.word, sizeof(c->key));
	memcpy(c->key6, key.word + ESW_CT_WORDS4, sizeof(c->key6));
}

static void conn_fill(struct esw_conn *c, const struct sluice_cmd_ct *cmd)
{
	uint16_t label = zero16(cmd->label) ? 0 : ESW_CT_F_LABEL;

	c->counter = le32toh(cmd->counter);
	c->mark = cmd->mark;
	memcpy(c->label, cmd->label, sizeof(c->label));
	c->state = cmd->state;
	c->flags = (c->flags & ESW_CT_F_CLOSED) | le16toh(cmd->flags) | label;
	c->nat_sport = cmd->nat_sport;
	c->nat_dport = cmd->nat_dport;
	memcpy(c->nat_src, cmd->nat_src, sizeof(c->nat_src));
	memcpy(c->nat_dst, cmd->nat_dst, sizeof(c->nat_dst));
	memcpy(c->nat_src6, cmd->nat_src + 4, sizeof(c->nat_src6));
	memcpy(c->nat_dst6, cmd->nat_dst + 4, sizeof(c->nat_dst6));
}

/* A direction nobody can find yet. */
static struct esw_conn *conn_new(struct sluice_esw *esw, uint32_t id)
{
	const struct esw_conn *peer;
	struct esw_conn *c;

	if (!esw_grow(&esw->ct.conn, &esw->ct.size, id, esw->cfg.max_ct) ||
	    !buckets_grow(&esw->ct))
		return NULL;
	c = esw_slab_alloc(esw->ct.slab, sizeof(*c));
	if (!c)
		return NULL;
	peer = conn_get(esw, id ^ 1);
	c->id = id;
	c->seq = esw->ct.next_seq++;
	c->flags = peer ? peer->flags & ESW_CT_F_CLOSED : 0;
	return c;
}

/**
 * sluice_esw_ct_set() - create a direction of a connection or change all of it
 * @esw: the eSwitch, in switchdev mode
 * @cmd: the direction, little-endian; hdr and reserved are not looked at
 *
 * It takes effect for the next frame.  One that is closed stays so.
 *
 * Return: %SLUICE_ST_MODE; %SLUICE_ST_INVAL for a value out of range;
 * %SLUICE_ST_NOSPC; %SLUICE_ST_OK.
 */
int sluice_esw_ct_set(struct sluice_esw *esw, const struct sluice_cmd_ct *cmd)
{
	struct esw_conn *c, *fresh = NULL;
	uint32_t id = le32toh(cmd->id);
	int status = check(esw, cmd);

	if (status)
		return status;
	c = conn_get(esw, id);
	if (!c)
		c = fresh = conn_new(esw, id);
	if (!c)
		return SLUICE_ST_NOSPC;
	status = esw_counter_ref(esw, le32toh(cmd->counter),
				 le16toh(cmd->flags) & SLUICE_CT_F_ZERO);
	if (status) {
		if (fresh)
			esw_slab_release(esw->ct.slab, fresh, sizeof(*fresh));
		return status;
	}
	if (fresh) {
		esw->ct.conn[id] = c;
		esw->ct.num++;
	} else {
		esw_counter_unref(esw, c->counter);
		conn_unlink(&esw->ct, c);
	}
	conn_key(c, cmd);
	conn_fill(c, cmd);
	conn_link(&esw->ct, c);
	return SLUICE_ST_OK;
}

static void conn_free(struct sluice_esw *esw, struct esw_conn *c)
{
	esw_counter_unref(esw, c->counter);
	conn_unlink(&esw->ct, c);
	esw->ct.conn[c->id] = NULL;
	esw->ct.num--;
	esw_slab_release(esw->ct.slab, c, sizeof(*c));
}

/**
 * sluice_esw_ct_del() - remove a direction of a connection
 * @esw: the eSwitch, in switchdev mode
 * @id: its id
 * @counter: set to the counter it named or %SLUICE_ID_NONE; the counter keeps
 *	its value
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOENT or
 * %SLUICE_ST_OK.
 */
int sluice_esw_ct_del(struct sluice_esw *esw, uint32_t id, uint32_t *counter)
{
	struct esw_conn *c = conn_get(esw, id);

	*counter = SLUICE_ID_NONE;
	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_ct)
		return SLUICE_ST_INVAL;
	if (!c)
		return SLUICE_ST_NOENT;
	*counter = c->counter;
	conn_free(esw, c);
	return SLUICE_ST_OK;
}

/* Remove every connection. */
void esw_ct_flush(struct sluice_esw *esw)
{
	uint32_t i;

	for (i = 0; i < esw->ct.size && esw->ct.num; i++)
		if (esw->ct.conn[i])
			conn_free(esw, esw->ct.conn[i]);
	esw_slabs_release(esw->ct.slab);
}
