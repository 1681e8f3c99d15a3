// SPDX-License-Identifier: GPL-2.0-only
/*
 * Masks in the device, shared by all rules that look at the same bits.
 */
#include <linux/slab.h>

#include "offload.h"

const struct rhashtable_params sluice_mask_params = {
	.head_offset = offsetof(struct sluice_mask, node),
	.key_offset = offsetof(struct sluice_mask, bits),
	.key_len = sizeof_field(struct sluice_mask, bits),
	.automatic_shrinking = true,
};

/**
 * sluice_mask_words() - which 64-bit words of a key are not zero
 * @bits: key
 *
 * Return: bit n: word n is not zero.
 */
u64 sluice_mask_words(const struct sluice_key *bits)
{
	const u64 *word = (const u64 *)bits;
	u64 words = 0;
	unsigned int i;

	for (i = 0; i < SLUICE_KEY_WORDS; i++)
		words |= (u64)!!word[i] << i;
	return words;
}

/* The mask without bits has an id of its own, so that it can always be had. */
static int mask_id_get(struct sluice_offload *off, u64 words)
{
	if (!words)
		return ida_alloc_max(&off->mask_ids, 0, GFP_KERNEL);
	if (off->sdev->limits.max_masks < 2)
		return -ENOSPC;
	return ida_alloc_range(&off->mask_ids, 1,
			       off->sdev->limits.max_masks - 1, GFP_KERNEL);
}

/**
 * sluice_mask_post() - write a mask into the device
 * @off: offload, lock held
 * @mask: mask
 *
 * Return: 0 or -EIO.
 */
int sluice_mask_post(struct sluice_offload *off, const struct sluice_mask *mask)
{
	struct sluice_cmd_mask cmd = {
		.id = cpu_to_le32(mask->id),
		.mask = mask->bits,
	};

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_MASK_ADD, sizeof(cmd));
	return sluice_offload_post(off, &cmd.hdr);
}

/**
 * sluice_mask_get() - find or make a mask
 * @off: offload, lock held
 * @bits: bits of the key that count, in network byte order
 *
 * A new mask is on the control ring when the call returns.
 * Documentation/hardware/eswitch.md, "Lookup".
 *
 * Return: the mask with one more reference, or an ERR_PTR: -ENOSPC without a
 * mask id, -ENOMEM, -EIO.
 */
struct sluice_mask *sluice_mask_get(struct sluice_offload *off,
				    const struct sluice_key *bits)
{
	struct sluice_mask *mask = off->last_mask;
	int err;

	/* Mostly it is the same as for the rule before. */
	if (!mask || memcmp(&mask->bits, bits, sizeof(*bits)))
		mask = rhashtable_lookup_fast(&off->masks, bits,
					      sluice_mask_params);
	if (mask) {
		off->last_mask = mask;
		mask->refs++;
		return mask;
	}
	mask = kzalloc(sizeof(*mask), GFP_KERNEL);
	if (!mask)
		return ERR_PTR(-ENOMEM);
	mask->refs = 1;
	mask->bits = *bits;
	mask->words = sluice_mask_words(bits);
	err = mask_id_get(off, mask->words);
	if (err < 0)
		goto err_free;
	mask->id = err;
	err = rhashtable_insert_fast(&off->masks, &mask->node,
				     sluice_mask_params);
	if (err)
		goto err_id;
	err = sluice_mask_post(off, mask);
	if (err)
		goto err_remove;
	return mask;

err_remove:
	rhashtable_remove_fast(&off->masks, &mask->node, sluice_mask_params);
err_id:
	ida_free(&off->mask_ids, mask->id);
err_free:
	kfree(mask);
	return ERR_PTR(err);
}

/**
 * sluice_mask_put() - give a mask back
 * @off: offload, lock held
 * @mask: mask; the rule that used it is gone or its removal is on the ring
 */
void sluice_mask_put(struct sluice_offload *off, struct sluice_mask *mask)
{
	if (--mask->refs)
		return;
	if (off->last_mask == mask)
		off->last_mask = NULL;
	sluice_offload_post_u32(off, SLUICE_CMD_MASK_DEL, mask->id);
	rhashtable_remove_fast(&off->masks, &mask->node, sluice_mask_params);
	ida_free(&off->mask_ids, mask->id);
	kfree(mask);
}
