// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sound module whose start says no: init_module returns the errno that it is given,
 * after a line in the log that says so.
 */

#define pr_fmt(format) KBUILD_MODNAME ": " format

#include <linux/errno.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

static int error = ENODEV;
module_param(error, int, 0444);
MODULE_PARM_DESC(error, "the errno to refuse with, 1 to 4095 (default ENODEV, 19)");

static int __init practice_refuses_init(void)
{
	if (error < 1 || error > MAX_ERRNO)
		return -EINVAL;
	pr_err("no device found, refusing with errno %d\n", error);
	return -error;
}

module_init(practice_refuses_init);
MODULE_DESCRIPTION("Practice module that refuses to start");
MODULE_AUTHOR("modferry");
MODULE_LICENSE("GPL");
