// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Masks: which bits of the key rules look at.
 */
#include <stdlib.h>
#include "internal.h"

struct esw_mask *esw_mask_get(const struct sluice_esw *esw, uint32_t id)
{
	return id < esw->masks_size ? esw->masks[id] : NULL;
}

/* No frame has anything there. */
static bool has_reserved_bits(const struct sluice_key *m)
{
	static const uint8_t zero[sizeof(m->reserved4)];

	return m->vlan.reserved || m->cvlan.reserved || m->reserved0 ||
	       memcmp(m->reserved1, zero, sizeof(m->reserved1)) ||
	       memcmp(m->reserved2, zero, sizeof(m->reserved2)) ||
	       memcmp(m->reserved3, zero, sizeof(m->reserved3)) ||
	       memcmp(m->reserved4, zero, sizeof(m->reserved4));
}

/**
 * sluice_esw_mask_add() - create a mask
 * @esw: the eSwitch, in switchdev mode
 * @id: mask id
 * @mask: the bits that count; none at all matches every frame
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL (id out of range, a reserved bit),
 * %SLUICE_ST_EXIST, %SLUICE_ST_NOSPC or %SLUICE_ST_OK.
 */
int sluice_esw_mask_add(struct sluice_esw *esw, uint32_t id,
			const struct sluice_key *mask)
{
	uint64_t words[SLUICE_KEY_WORDS];
	struct esw_mask *m;
	unsigned int i;

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_masks || has_reserved_bits(mask))
		return SLUICE_ST_INVAL;
	if (!esw_grow(&esw->masks, &esw->masks_size, id, esw->cfg.max_masks))
		return SLUICE_ST_NOSPC;
	if (esw->masks[id])
		return SLUICE_ST_EXIST;
	m = calloc(1, sizeof(*m));
	if (!m)
		return SLUICE_ST_NOSPC;
	memcpy(words, mask, sizeof(words));
	for (i = 0; i < SLUICE_KEY_WORDS; i++) {
		if (!words[i])
			continue;
		m->index[m->words] = (uint8_t)i;
		m->bits[m->words++] = words[i];
	}
	esw->masks[id] = m;
	esw->num_masks++;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_mask_del() - remove a mask
 * @esw: the eSwitch, in switchdev mode
 * @id: mask id
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOENT,
 * %SLUICE_ST_BUSY while a rule uses it, or %SLUICE_ST_OK.
 */
int sluice_esw_mask_del(struct sluice_esw *esw, uint32_t id)
{
	struct esw_mask *m = esw_mask_get(esw, id);

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_masks)
		return SLUICE_ST_INVAL;
	if (!m)
		return SLUICE_ST_NOENT;
	if (m->refs)
		return SLUICE_ST_BUSY;
	free(m);
	esw->masks[id] = NULL;
	esw->num_masks--;
	return SLUICE_ST_OK;
}

/* Remove every mask; no rule is left. */
void esw_masks_flush(struct sluice_esw *esw)
{
	uint32_t i;

	for (i = 0; i < esw->masks_size; i++) {
		free(esw->masks[i]);
		esw->masks[i] = NULL;
	}
	esw->num_masks = 0;
}
