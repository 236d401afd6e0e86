// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_bits: bit masks to wait for.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(reset_rt_fun_entries);
PRACTICE_IMPORT(rt_drg_on_adr);
PRACTICE_IMPORT(rt_get_adr);
PRACTICE_IMPORT(rt_register);
PRACTICE_IMPORT(rt_schedule);
PRACTICE_IMPORT(set_rt_fun_entries);

PRACTICE_EXPORT(_rt_bits_wait);
PRACTICE_EXPORT(_rt_bits_wait_if);
PRACTICE_EXPORT(_rt_bits_wait_timed);
PRACTICE_EXPORT(_rt_bits_wait_until);
PRACTICE_EXPORT(rt_bits_delete);
PRACTICE_EXPORT(rt_bits_delete_u);
PRACTICE_EXPORT(rt_bits_init);
PRACTICE_EXPORT(rt_bits_init_u);
PRACTICE_EXPORT(rt_bits_reset);
PRACTICE_EXPORT(rt_bits_signal);
PRACTICE_EXPORT(rt_get_bits);
PRACTICE_EXPORT(rt_named_bits_delete);
PRACTICE_EXPORT(rt_named_bits_init);

PRACTICE_MODULE(rtai_bits, "bit masks to wait for");
