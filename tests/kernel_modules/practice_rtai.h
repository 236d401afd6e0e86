/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the practice modules are made of.
 *
 * A practice module has the name, the exports and the imports of a module of RTAI 4.0,
 * and no behaviour: its functions return 0 and nobody calls them. What is real is what
 * the kernel and depmod see of it: symbols, CRCs, dependencies, one line in the log.
 */

#ifndef PRACTICE_RTAI_H
#define PRACTICE_RTAI_H

#define pr_fmt(format) KBUILD_MODNAME ": " format

#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

/* A function that does nothing, for every module / for those with a GPL licence. */
#define PRACTICE_EXPORT(name)                                                          \
	int name(void);                                                                \
	int name(void)                                                                 \
	{                                                                              \
		return 0;                                                              \
	}                                                                              \
	EXPORT_SYMBOL(name)

#define PRACTICE_EXPORT_GPL(name)                                                      \
	int name(void);                                                                \
	int name(void)                                                                 \
	{                                                                              \
		return 0;                                                              \
	}                                                                              \
	EXPORT_SYMBOL_GPL(name)

/* A pointer to another module's function: the reference that makes it an import. */
#define PRACTICE_IMPORT(name)                                                          \
	extern int name(void);                                                         \
	static int (*const practice_import_of_##name)(void) __used = name

/* The module's start and end, each with a line in the log, and its fields. */
#define PRACTICE_MODULE(name, what)                                                    \
	static int __init practice_init(void)                                          \
	{                                                                              \
		pr_info("practice module ready: %s\n", what);                          \
		return 0;                                                              \
	}                                                                              \
	static void __exit practice_exit(void)                                         \
	{                                                                              \
		pr_info("practice module gone\n");                                     \
	}                                                                              \
	module_init(practice_init);                                                    \
	module_exit(practice_exit);                                                    \
	MODULE_DESCRIPTION("Practice " #name ": " what);                               \
	MODULE_AUTHOR("modferry");                                                     \
	MODULE_LICENSE("GPL")

#endif
