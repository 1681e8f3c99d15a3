// SPDX-License-Identifier: GPL-2.0-or-later
/* The Sluice NIC: its physical function. */
#include "qemu/osdep.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_sriov.h"
#include "hw/qdev-properties.h"
#include "migration/blocker.h"
#include "net/eth.h"
#include "net/net.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/units.h"
#include "sluice.h"

static const char sluice_version[] = "1.0";

static bool sluice_check_size(const char *name, uint32_t value, uint32_t min,
			      uint32_t max, Error **errp)
{
	if (value >= min && value <= max)
		return true;
	error_setg(errp, "sluice: %s=%u is not in the range %u to %u", name,
		   value, min, max);
	return false;
}

static bool sluice_check_props(SluiceState *s, Error **errp)
{
	bool second = s->conf[1].peers.queues;

	if (!s->ports)
		s->ports = second ? 2 : 1;
	if (second && s->ports < 2) {
		error_setg(errp, "sluice: netdev1 is given but ports=1");
		return false;
	}
	if (s->serial && strlen(s->serial) > 31) {
		error_setg(errp, "sluice: serial is longer than 31 characters");
		return false;
	}
	if (is_multicast_ether_addr(s->conf[0].macaddr.a)) {
		error_setg(errp, "sluice: mac is a multicast address");
		return false;
	}
	if (is_multicast_ether_addr(s->vf_mac.a)) {
		error_setg(errp, "sluice: vf-mac is a multicast address");
		return false;
	}
	return sluice_check_size("vfs", s->vfs, 0, SLUICE_MAX_VFS, errp) &&
	       sluice_check_size("ports", s->ports, 1, SLUICE_MAX_UPLINKS,
				 errp) &&
	       sluice_check_size("queues", s->queues, 1, SLUICE_MAX_QUEUES,
				 errp) &&
	       sluice_check_size("vf-queues", s->vf_queues, 1,
				 SLUICE_MAX_QUEUES, errp) &&
	       sluice_check_size("max-rules", s->max_rules, 1, 16 * MiB,
				 errp) &&
	       sluice_check_size("max-masks", s->max_masks, 1, 65536, errp) &&
	       sluice_check_size("max-counters", s->max_counters, 1, 16 * MiB,
				 errp) &&
	       sluice_check_size("max-tables", s->max_tables, 1, 1 * MiB,
				 errp) &&
	       sluice_check_size("max-actions", s->max_actions, 1, 128, errp) &&
	       sluice_check_size("max-filters", s->max_filters, 1, 4096,
				 errp) &&
	       sluice_check_size("max-next-hops", s->max_next_hops, 1, 1 * MiB,
				 errp) &&
	       sluice_check_size("max-encaps", s->max_encaps, 1, 1 * MiB,
				 errp) &&
	       sluice_check_size("max-endpoints", s->max_endpoints, 1, 1 * MiB,
				 errp) &&
	       sluice_check_size("max-ct", s->max_ct, 2, 16 * MiB, errp) &&
	       sluice_check_size("max-meters", s->max_meters, 1, 1 * MiB,
				 errp) &&
	       sluice_check_size("threads", s->threads, 1, SLUICE_MAX_THREADS,
				 errp) &&
	       sluice_check_size("speed", s->speed, 10, 400000, errp);
}

/*
 * VF n gets 52:53:n:x:y:z, the second wire 52:53:fe:x:y:z, where x:y:z end the
 * PF's address: no two devices share one.
 */
static void sluice_derive_mac(const uint8_t *pf, uint8_t number, uint8_t *mac)
{
	mac[0] = 0x52;
	mac[1] = 0x53;
	mac[2] = number;
	memcpy(mac + 3, pf + 3, 3);
}

/* @base plus @n, in its last three bytes. */
static void sluice_count_mac(const uint8_t *base, unsigned int n, uint8_t *mac)
{
	uint32_t low = (base[3] << 16 | base[4] << 8 | base[5]) + n;

	memcpy(mac, base, 3);
	mac[3] = low >> 16;
	mac[4] = low >> 8;
	mac[5] = low;
}

static void sluice_make_cfg(SluiceState *s)
{
	static const MACAddr none;
	struct sluice_nic_cfg *cfg = &s->cfg;
	const uint8_t *pf = s->conf[0].macaddr.a;
	unsigned int i;

	cfg->num_vfs = s->vfs;
	cfg->num_uplinks = s->ports;
	cfg->pf_queues = s->queues;
	cfg->vf_queues = s->vf_queues;
	cfg->max_rules = s->max_rules;
	cfg->max_masks = s->max_masks;
	cfg->max_counters = s->max_counters;
	cfg->max_tables = s->max_tables;
	cfg->max_actions = s->max_actions;
	cfg->max_filters = s->max_filters;
	cfg->max_next_hops = s->max_next_hops;
	cfg->max_encaps = s->max_encaps;
	cfg->max_endpoints = s->max_endpoints;
	cfg->max_ct = s->max_ct;
	cfg->max_meters = s->max_meters;
	cfg->threads = s->threads;
	cfg->speed = s->speed;
	memcpy(cfg->mac[0], pf, 6);
	for (i = 0; i < s->vfs; i++) {
		if (memcmp(&s->vf_mac, &none, sizeof(none)))
			sluice_count_mac(s->vf_mac.a, i, cfg->mac[i + 1]);
		else
			sluice_derive_mac(pf, i, cfg->mac[i + 1]);
	}
	memcpy(cfg->uplink_mac[0], pf, 6);
	if (memcmp(&s->conf[1].macaddr, &none, sizeof(none)))
		memcpy(cfg->uplink_mac[1], s->conf[1].macaddr.a, 6);
	else
		sluice_derive_mac(pf, 0xfe, cfg->uplink_mac[1]);
	memcpy(cfg->switch_id, pf, 3);
	cfg->switch_id[3] = 0xff;
	cfg->switch_id[4] = 0xfe;
	memcpy(cfg->switch_id + 5, pf + 3, 3);
	if (s->serial)
		pstrcpy(cfg->serial, sizeof(cfg->serial), s->serial);
	else
		snprintf(cfg->serial, sizeof(cfg->serial),
			 "SLUICE%02x%02x%02x%02x%02x%02x", pf[0], pf[1], pf[2],
			 pf[3], pf[4], pf[5]);
	pstrcpy(cfg->version, sizeof(cfg->version), sluice_version);
	cfg->fault.opcode = s->fault_opcode;
	cfg->fault.status = s->fault_status;
	cfg->fault.skip = s->fault_skip;
	cfg->fault.count = s->fault_count;
}

static bool sluice_init_pm(PCIDevice *pci, Error **errp)
{
	if (pci_pm_init(pci, SLUICE_PM_OFFSET, errp) < 0)
		return false;
	pci_set_word(pci->config + SLUICE_PM_OFFSET + PCI_PM_PMC,
		     PCI_PM_CAP_VER_1_1);
	pci_set_word(pci->wmask + SLUICE_PM_OFFSET + PCI_PM_CTRL,
		     PCI_PM_CTRL_STATE_MASK);
	return true;
}

static bool sluice_init_sriov(SluiceState *s, PCIDevice *pci, Error **errp)
{
	const uint8_t bar = PCI_BASE_ADDRESS_MEM_TYPE_64 |
			    PCI_BASE_ADDRESS_MEM_PREFETCH;

	if (!s->vfs)
		return true;
	if (!pcie_sriov_pf_init(pci, SLUICE_SRIOV_OFFSET, TYPE_SLUICE_VF,
				SLUICE_PCI_DEVICE_ID_VF, s->vfs, s->vfs,
				SLUICE_VF_OFFSET, SLUICE_VF_STRIDE, errp)) {
		/* The VFs are gone: nothing is left for pcie_sriov_pf_exit. */
		pci->exp.sriov_cap = 0;
		return false;
	}
	pcie_sriov_pf_init_vf_bar(pci, SLUICE_BAR_REGS, bar,
				  SLUICE_BAR_REGS_SIZE);
	pcie_sriov_pf_init_vf_bar(pci, SLUICE_BAR_MSIX, bar,
				  SLUICE_BAR_MSIX_SIZE);
	return true;
}

static void sluice_realize(PCIDevice *pci, Error **errp)
{
	SluiceState *s = SLUICE(pci);
	struct sluice_nic_host host = sluice_host;

	qemu_macaddr_default_if_unset(&s->conf[0].macaddr);
	if (!sluice_check_props(s, errp))
		return;
	sluice_make_cfg(s);
	s->num_wires = s->ports;

	error_setg(&s->migration_blocker,
		   "sluice: the state of the NIC cannot be migrated yet");
	if (migrate_add_blocker(&s->migration_blocker, errp) < 0)
		return;

	host.ctx = s;
	s->nic = sluice_nic_new(&s->cfg, &host);
	if (!s->nic) {
		error_setg(errp, "sluice: no memory for the tables asked for");
		goto fail_blocker;
	}
	if (!sluice_func_realize(&s->func, s, pci, 0, errp))
		goto fail_nic;
	if (!sluice_init_pm(pci, errp) ||
	    !sluice_wires_init(s, errp) ||
	    !sluice_init_sriov(s, pci, errp))
		goto fail_func;
	if (!sluice_worker_start(s, errp))
		goto fail_sriov;
	return;

fail_sriov:
	sluice_worker_stop(s);
	pcie_sriov_pf_exit(pci);
fail_func:
	sluice_wires_exit(s);
	sluice_func_exit(&s->func);
fail_nic:
	sluice_nic_free(s->nic);
	s->nic = NULL;
fail_blocker:
	migrate_del_blocker(&s->migration_blocker);
}

static void sluice_exit(PCIDevice *pci)
{
	SluiceState *s = SLUICE(pci);

	sluice_worker_stop(s);
	pcie_sriov_pf_exit(pci);
	sluice_wires_exit(s);
	sluice_func_exit(&s->func);
	sluice_nic_free(s->nic);
	s->nic = NULL;
	migrate_del_blocker(&s->migration_blocker);
}

static void sluice_reset_hold(Object *obj, ResetType type)
{
	sluice_func_reset(&SLUICE(obj)->func);
}

static const Property sluice_properties[] = {
	DEFINE_PROP_NETDEV("netdev0", SluiceState, conf[0].peers),
	DEFINE_PROP_NETDEV("netdev1", SluiceState, conf[1].peers),
	DEFINE_PROP_MACADDR("mac", SluiceState, conf[0].macaddr),
	DEFINE_PROP_MACADDR("mac1", SluiceState, conf[1].macaddr),
	DEFINE_PROP_MACADDR("vf-mac", SluiceState, vf_mac),
	DEFINE_PROP_UINT16("vfs", SluiceState, vfs, 8),
	DEFINE_PROP_UINT16("ports", SluiceState, ports, 0),
	DEFINE_PROP_UINT16("queues", SluiceState, queues, 8),
	DEFINE_PROP_UINT16("vf-queues", SluiceState, vf_queues, 4),
	DEFINE_PROP_UINT32("max-rules", SluiceState, max_rules, 1 * MiB),
	DEFINE_PROP_UINT32("max-masks", SluiceState, max_masks, 4096),
	DEFINE_PROP_UINT32("max-counters", SluiceState, max_counters, 1 * MiB),
	DEFINE_PROP_UINT32("max-tables", SluiceState, max_tables, 65536),
	DEFINE_PROP_UINT32("max-actions", SluiceState, max_actions, 128),
	DEFINE_PROP_UINT32("max-filters", SluiceState, max_filters, 64),
	DEFINE_PROP_UINT32("max-next-hops", SluiceState, max_next_hops, 65536),
	DEFINE_PROP_UINT32("max-encaps", SluiceState, max_encaps, 65536),
	DEFINE_PROP_UINT32("max-endpoints", SluiceState, max_endpoints, 4096),
	DEFINE_PROP_UINT32("max-ct", SluiceState, max_ct, 524288),
	DEFINE_PROP_UINT32("max-meters", SluiceState, max_meters, 65536),
	DEFINE_PROP_UINT32("threads", SluiceState, threads, 1),
	DEFINE_PROP_UINT32("speed", SluiceState, speed, 25000),
	DEFINE_PROP_STRING("serial", SluiceState, serial),
	DEFINE_PROP_STRING("replay", SluiceState, replay),
	DEFINE_PROP_BOOL("pad", SluiceState, pad, false),
	DEFINE_PROP_UINT8("fault-opcode", SluiceState, fault_opcode, 0),
	DEFINE_PROP_UINT8("fault-status", SluiceState, fault_status,
			  SLUICE_ST_NOSPC),
	DEFINE_PROP_UINT32("fault-skip", SluiceState, fault_skip, 0),
	DEFINE_PROP_UINT32("fault-count", SluiceState, fault_count, 1),
};

static bool sluice_replaying_get(Object *obj, Error **errp)
{
	return qatomic_read(&SLUICE(obj)->replaying);
}

static void sluice_replaying_set(Object *obj, bool value, Error **errp)
{
	SluiceState *s = SLUICE(obj);

	if (value && !s->replay_data) {
		error_setg(errp, "sluice: there is no replay=FILE");
		return;
	}
	qatomic_set(&s->replaying, value);
	sluice_worker_wake(s);
}

static void sluice_class_init(ObjectClass *class, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(class);
	ResettableClass *rc = RESETTABLE_CLASS(class);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(class);

	pc->realize = sluice_realize;
	pc->exit = sluice_exit;
	pc->config_write = sluice_func_write_config;
	pc->vendor_id = SLUICE_PCI_VENDOR_ID;
	pc->device_id = SLUICE_PCI_DEVICE_ID_PF;
	pc->revision = 1;
	pc->class_id = PCI_CLASS_NETWORK_ETHERNET;
	rc->phases.hold = sluice_reset_hold;
	dc->desc = "Sluice SR-IOV NIC with a programmable eSwitch";
	device_class_set_props(dc, sluice_properties);
	object_class_property_add_bool(class, "replaying", sluice_replaying_get,
				       sluice_replaying_set);
	set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
}

static const TypeInfo sluice_info = {
	.name = TYPE_SLUICE,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(SluiceState),
	.class_init = sluice_class_init,
	.interfaces = (InterfaceInfo[]) {
		{ INTERFACE_PCIE_DEVICE },
		{ }
	},
};

static void sluice_register_types(void)
{
	type_register_static(&sluice_info);
}

type_init(sluice_register_types)
