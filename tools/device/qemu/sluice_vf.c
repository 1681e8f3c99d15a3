// SPDX-License-Identifier: GPL-2.0-or-later
/* A virtual function of the Sluice NIC. */
#include "qemu/osdep.h"
#include "hw/pci/pcie_sriov.h"
#include "qapi/error.h"
#include "sluice.h"

static void sluice_vf_realize(PCIDevice *pci, Error **errp)
{
	SluiceVFState *vf = SLUICE_VF(pci);

	sluice_func_realize(&vf->func, SLUICE(pcie_sriov_get_pf(pci)), pci,
			    pcie_sriov_vf_number(pci) + 1, errp);
}

static void sluice_vf_exit(PCIDevice *pci)
{
	sluice_func_exit(&SLUICE_VF(pci)->func);
}

static void sluice_vf_reset_hold(Object *obj, ResetType type)
{
	sluice_func_reset(&SLUICE_VF(obj)->func);
}

static void sluice_vf_class_init(ObjectClass *class, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(class);
	ResettableClass *rc = RESETTABLE_CLASS(class);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(class);

	pc->realize = sluice_vf_realize;
	pc->exit = sluice_vf_exit;
	pc->config_write = sluice_func_write_config;
	pc->vendor_id = SLUICE_PCI_VENDOR_ID;
	pc->device_id = SLUICE_PCI_DEVICE_ID_VF;
	pc->revision = 1;
	pc->class_id = PCI_CLASS_NETWORK_ETHERNET;
	rc->phases.hold = sluice_vf_reset_hold;
	dc->desc = "Sluice NIC virtual function";
	dc->user_creatable = false;
	set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
}

static const TypeInfo sluice_vf_info = {
	.name = TYPE_SLUICE_VF,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(SluiceVFState),
	.class_init = sluice_vf_class_init,
	.interfaces = (InterfaceInfo[]) {
		{ INTERFACE_PCIE_DEVICE },
		{ }
	},
};

static void sluice_vf_register_types(void)
{
	type_register_static(&sluice_vf_info);
}

type_init(sluice_vf_register_types)
