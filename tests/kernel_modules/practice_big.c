// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module of more than 100 kB that does not compress: what a slow line is tried with.
 * It holds a table of mixed numbers and prints its sum, so that the kernel itself says
 * whether all of it arrived.
 */

#define pr_fmt(format) KBUILD_MODNAME ": " format

#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/types.h>

/* Entry i. Multiplications spread the bits of i; the sum of two hides the stride. */
#define MIX(i) ((u32)((i) * 2654435761u) ^ (u32)(((i) * 40503ull * 2246822519ull) >> 13))

#define X1(i) MIX((i) + 1),
#define X4(i) X1(i) X1((i) + 1) X1((i) + 2) X1((i) + 3)
#define X16(i) X4(i) X4((i) + 4) X4((i) + 8) X4((i) + 12)
#define X64(i) X16(i) X16((i) + 16) X16((i) + 32) X16((i) + 48)
#define X256(i) X64(i) X64((i) + 64) X64((i) + 128) X64((i) + 192)
#define X1024(i) X256(i) X256((i) + 256) X256((i) + 512) X256((i) + 768)
#define X4096(i) X1024(i) X1024((i) + 1024) X1024((i) + 2048) X1024((i) + 3072)

/* 24,576 entries of 4 bytes: 96 KiB. */
static const u32 table[] = {
	X4096(0u) X4096(4096u) X4096(8192u) X4096(12288u) X4096(16384u) X4096(20480u)
};

static int __init practice_big_init(void)
{
	u32 sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		sum = sum * 31 + READ_ONCE(table[i]);
	pr_info("practice module ready: %zu entries, sum %08x\n", i, sum);
	return 0;
}

static void __exit practice_big_exit(void)
{
	pr_info("practice module gone\n");
}

module_init(practice_big_init);
module_exit(practice_big_exit);
MODULE_DESCRIPTION("Practice module of more than 100 kB");
MODULE_AUTHOR("modferry");
MODULE_LICENSE("GPL");
