// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink resources: how full the switch's tables are, as the device says.
 */
#include "devlink.h"

enum sluice_resource {
	SLUICE_RESOURCE_RULES = 1,
	SLUICE_RESOURCE_MASKS,
	SLUICE_RESOURCE_COUNTERS,
	SLUICE_RESOURCE_TABLES,
	SLUICE_RESOURCE_NEXT_HOPS,
	SLUICE_RESOURCE_ENCAPS,
	SLUICE_RESOURCE_ENDPOINTS,
	SLUICE_RESOURCE_CT,
	SLUICE_RESOURCE_METERS,
};

static void resource_query(struct sluice_dev *sdev,
			   struct sluice_esw_info *info)
{
	if (sluice_cmd_query(sdev, SLUICE_CMD_ESW_QUERY, 0, info,
			     sizeof(*info)))
		memset(info, 0, sizeof(*info));
}

static u64 rules_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.rules);
}

static u64 masks_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.masks);
}

static u64 counters_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.counters);
}

static u64 tables_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.tables);
}

static u64 next_hops_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.next_hops);
}

static u64 encaps_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.encaps);
}

static u64 endpoints_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.endpoints);
}

static u64 ct_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.ct);
}

static u64 meters_occ(void *priv)
{
	struct sluice_esw_info info;

	resource_query(priv, &info);
	return le32_to_cpu(info.meters);
}

static int resource_register(struct sluice_dev *sdev, const char *name,
			     enum sluice_resource id, u32 size,
			     devlink_resource_occ_get_t *occ_get)
{
	struct devlink_resource_size_params params;
	int err;

	devlink_resource_size_params_init(&params, size, size, 1,
					  DEVLINK_RESOURCE_UNIT_ENTRY);
	err = devl_resource_register(sdev->devlink, name, size, id,
				     DEVLINK_RESOURCE_ID_PARENT_TOP, &params);
	if (err)
		return err;
	devl_resource_occ_get_register(sdev->devlink, id, occ_get, sdev);
	return 0;
}

/**
 * sluice_resources_register - register how much of everything the switch has
 * @sdev: PF whose limits are known
 *
 * Context: devlink instance lock.  Return: 0 or a negative errno.
 */
int sluice_resources_register(struct sluice_dev *sdev)
{
	const struct sluice_limits *limits = &sdev->limits;
	int err;

	err = resource_register(sdev, "rules", SLUICE_RESOURCE_RULES,
				limits->max_rules, rules_occ);
	if (err)
		goto err_unregister;
	err = resource_register(sdev, "masks", SLUICE_RESOURCE_MASKS,
				limits->max_masks, masks_occ);
	if (err)
		goto err_unregister;
	err = resource_register(sdev, "counters", SLUICE_RESOURCE_COUNTERS,
				limits->max_counters, counters_occ);
	if (err)
		goto err_unregister;
	err = resource_register(sdev, "tables", SLUICE_RESOURCE_TABLES,
				limits->max_tables, tables_occ);
	if (err)
		goto err_unregister;
	if (sdev->caps & SLUICE_CAP_CT) {
		err = resource_register(sdev, "ct", SLUICE_RESOURCE_CT,
					limits->max_ct, ct_occ);
		if (err)
			goto err_unregister;
	}
	err = resource_register(sdev, "meters", SLUICE_RESOURCE_METERS,
				limits->max_meters, meters_occ);
	if (err)
		goto err_unregister;
	if (!(sdev->caps & SLUICE_CAP_TUNNEL))
		return 0;
	err = resource_register(sdev, "next_hops", SLUICE_RESOURCE_NEXT_HOPS,
				limits->max_next_hops, next_hops_occ);
	if (err)
		goto err_unregister;
	err = resource_register(sdev, "encaps", SLUICE_RESOURCE_ENCAPS,
				limits->max_encaps, encaps_occ);
	if (err)
		goto err_unregister;
	err = resource_register(sdev, "endpoints", SLUICE_RESOURCE_ENDPOINTS,
				limits->max_endpoints, endpoints_occ);
	if (err)
		goto err_unregister;
	return 0;

err_unregister:
	devl_resources_unregister(sdev->devlink);
	return err;
}

/**
 * sluice_resources_unregister - unregister all resources
 * @sdev: PF
 *
 * Context: devlink instance lock.
 */
void sluice_resources_unregister(struct sluice_dev *sdev)
{
	devl_resources_unregister(sdev->devlink);
}
