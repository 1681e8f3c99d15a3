// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loses a few allocations, for the test that the runner's leak check sees it.
 */
#include <linux/module.h>
#include <linux/slab.h>

static noinline void sluice_leak_some(void)
{
	int i;

	for (i = 0; i < 16; i++) {
		char *p = kmalloc(200 + i, GFP_KERNEL);

		if (p)
			memset(p, i, 200);
	}
}

static int __init sluice_leak_init(void)
{
	sluice_leak_some();
	return 0;
}

static void __exit sluice_leak_exit(void)
{
}

module_init(sluice_leak_init);
module_exit(sluice_leak_exit);
MODULE_DESCRIPTION("Loses memory on purpose");
MODULE_LICENSE("GPL");
