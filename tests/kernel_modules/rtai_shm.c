// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_shm: memory shared between tasks and processes.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(max_slots);
PRACTICE_IMPORT(reset_rt_fun_entries);
PRACTICE_IMPORT(rt_drg_on_name_cnt);
PRACTICE_IMPORT(rt_get_adr);
PRACTICE_IMPORT(rt_get_adr_cnt);
PRACTICE_IMPORT(rt_get_name);
PRACTICE_IMPORT(rt_get_registry_slot);
PRACTICE_IMPORT(rt_get_type);
PRACTICE_IMPORT(rt_register);
PRACTICE_IMPORT(rt_smp_linux_task);
PRACTICE_IMPORT(set_rt_fun_entries);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_printk);

/* From rtai_malloc: */
PRACTICE_IMPORT(rtai_global_heap);
PRACTICE_IMPORT(rtai_global_heap_adr);
PRACTICE_IMPORT(rtai_global_heap_size);
PRACTICE_IMPORT(rtheap_alloc);
PRACTICE_IMPORT(rtheap_free);
PRACTICE_IMPORT(rtheap_init);

PRACTICE_EXPORT(rt_halloc);
PRACTICE_EXPORT(rt_heap_open);
PRACTICE_EXPORT(rt_hfree);
PRACTICE_EXPORT(rt_named_free);
PRACTICE_EXPORT(rt_named_halloc);
PRACTICE_EXPORT(rt_named_hfree);
PRACTICE_EXPORT(rt_named_malloc);
PRACTICE_EXPORT(rt_shm_alloc);
PRACTICE_EXPORT(rt_shm_free);

PRACTICE_MODULE(rtai_shm, "memory shared between tasks and processes");
