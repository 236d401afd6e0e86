// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_malloc: real-time heap.
 */

#include "practice_rtai.h"

/* From rtai_hal: */
PRACTICE_IMPORT(rt_printk);

PRACTICE_EXPORT(rtai_global_heap);
PRACTICE_EXPORT(rtai_global_heap_adr);
PRACTICE_EXPORT(rtai_global_heap_size);
PRACTICE_EXPORT(rtheap_alloc);
PRACTICE_EXPORT(rtheap_destroy);
PRACTICE_EXPORT(rtheap_free);
PRACTICE_EXPORT(rtheap_init);

PRACTICE_MODULE(rtai_malloc, "real-time heap");
