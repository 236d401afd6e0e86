// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that makes the kernel print a numbered line again and again: on a console
 * with a high log level these lines fall into whatever else is on the line.
 */

#define pr_fmt(format) KBUILD_MODNAME ": " format

#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/workqueue.h>

static unsigned int period_ms = 500;
module_param(period_ms, uint, 0644);
MODULE_PARM_DESC(period_ms, "milliseconds between two lines (default 500)");

static unsigned int lines_printed;
static void print_a_line(struct work_struct *work);
static DECLARE_DELAYED_WORK(next_line, print_a_line);

static void print_a_line(struct work_struct *work)
{
	pr_notice("line %u of the kernel's own\n", ++lines_printed);
	schedule_delayed_work(&next_line, msecs_to_jiffies(max(period_ms, 1u)));
}

static int __init practice_chatter_init(void)
{
	schedule_delayed_work(&next_line, 0);
	return 0;
}

static void __exit practice_chatter_exit(void)
{
	cancel_delayed_work_sync(&next_line);
}

module_init(practice_chatter_init);
module_exit(practice_chatter_exit);
MODULE_DESCRIPTION("Practice module that prints a line every period_ms");
MODULE_AUTHOR("modferry");
MODULE_LICENSE("GPL");
