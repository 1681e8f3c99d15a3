// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink dev eswitch.
 */
#include "devlink.h"

int sluice_devlink_eswitch_mode_get(struct devlink *devlink, u16 *mode)
{
	struct sluice_dev *sdev = devlink_priv(devlink);

	*mode = sluice_esw_is_switchdev(sdev) ? DEVLINK_ESWITCH_MODE_SWITCHDEV :
						DEVLINK_ESWITCH_MODE_LEGACY;
	return 0;
}

int sluice_devlink_eswitch_mode_set(struct devlink *devlink, u16 mode,
				    struct netlink_ext_ack *extack)
{
	struct sluice_dev *sdev = devlink_priv(devlink);

	switch (mode) {
	case DEVLINK_ESWITCH_MODE_LEGACY:
		return sluice_esw_mode_set(sdev, SLUICE_ESW_LEGACY, extack);
	case DEVLINK_ESWITCH_MODE_SWITCHDEV:
		return sluice_esw_mode_set(sdev, SLUICE_ESW_SWITCHDEV, extack);
	default:
		NL_SET_ERR_MSG_MOD(extack, "only legacy and switchdev mode are supported");
		return -EOPNOTSUPP;
	}
}

int sluice_devlink_inline_mode_get(struct devlink *devlink, u8 *mode)
{
	struct sluice_dev *sdev = devlink_priv(devlink);

	*mode = sluice_to_devlink(sdev)->inline_mode;
	return 0;
}

/*
 * The switch reads frames from memory and needs no header in a descriptor, so
 * every mode does what it promises.
 */
int sluice_devlink_inline_mode_set(struct devlink *devlink, u8 mode,
				   struct netlink_ext_ack *extack)
{
	struct sluice_dev *sdev = devlink_priv(devlink);

	switch (mode) {
	case DEVLINK_ESWITCH_INLINE_MODE_NONE:
	case DEVLINK_ESWITCH_INLINE_MODE_LINK:
	case DEVLINK_ESWITCH_INLINE_MODE_NETWORK:
	case DEVLINK_ESWITCH_INLINE_MODE_TRANSPORT:
		sluice_to_devlink(sdev)->inline_mode = mode;
		return 0;
	default:
		NL_SET_ERR_MSG_MOD(extack, "unknown inline mode");
		return -EINVAL;
	}
}

int sluice_devlink_encap_mode_get(struct devlink *devlink,
				  enum devlink_eswitch_encap_mode *mode)
{
	struct sluice_dev *sdev = devlink_priv(devlink);

	*mode = sluice_to_devlink(sdev)->encap_mode;
	return 0;
}

/* Encapsulation takes nothing from the device that could be switched off. */
int sluice_devlink_encap_mode_set(struct devlink *devlink,
				  enum devlink_eswitch_encap_mode mode,
				  struct netlink_ext_ack *extack)
{
	struct sluice_dev *sdev = devlink_priv(devlink);

	switch (mode) {
	case DEVLINK_ESWITCH_ENCAP_MODE_NONE:
	case DEVLINK_ESWITCH_ENCAP_MODE_BASIC:
		sluice_to_devlink(sdev)->encap_mode = mode;
		return 0;
	default:
		NL_SET_ERR_MSG_MOD(extack, "unknown encapsulation mode");
		return -EINVAL;
	}
}
