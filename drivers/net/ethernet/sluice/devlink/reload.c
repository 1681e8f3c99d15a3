// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink dev reload: driver reinit, also into another network namespace.
 */
#include "devlink.h"

int sluice_devlink_reload_down(struct devlink *devlink, bool netns_change,
			       enum devlink_reload_action action,
			       enum devlink_reload_limit limit,
			       struct netlink_ext_ack *extack)
{
	sluice_pf_down(devlink_priv(devlink));
	return 0;
}

int sluice_devlink_reload_up(struct devlink *devlink,
			     enum devlink_reload_action action,
			     enum devlink_reload_limit limit,
			     u32 *actions_performed,
			     struct netlink_ext_ack *extack)
{
	int err;

	err = sluice_pf_up(devlink_priv(devlink));
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "device does not come up");
		return err;
	}
	*actions_performed = BIT(DEVLINK_RELOAD_ACTION_DRIVER_REINIT);
	return 0;
}
