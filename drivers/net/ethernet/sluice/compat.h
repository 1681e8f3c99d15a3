/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sluice driver: differences between the kernels it builds on (6.12 to 7.2).
 * No other file asks for the kernel's version.
 */
#ifndef _SLUICE_COMPAT_H
#define _SLUICE_COMPAT_H

#include <linux/version.h>

#endif /* _SLUICE_COMPAT_H */
