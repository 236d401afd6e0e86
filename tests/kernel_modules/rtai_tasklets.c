// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_tasklets: tasklets and timers.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(boot_epoch);
PRACTICE_IMPORT(reset_rt_fun_ext_index);
PRACTICE_IMPORT(rt_get_time);
PRACTICE_IMPORT(rt_schedule);
PRACTICE_IMPORT(rt_sleep_until);
PRACTICE_IMPORT(rt_task_delete);
PRACTICE_IMPORT(rt_task_init_cpuid);
PRACTICE_IMPORT(rt_task_resume);
PRACTICE_IMPORT(set_rt_fun_ext_index);

PRACTICE_EXPORT(rt_delete_tasklet);
PRACTICE_EXPORT(rt_exec_tasklet);
PRACTICE_EXPORT(rt_find_tasklet_by_id);
PRACTICE_EXPORT(rt_get_timer_overrun);
PRACTICE_EXPORT(rt_get_timer_times);
PRACTICE_EXPORT(rt_init_tasklet);
PRACTICE_EXPORT(rt_insert_tasklet);
PRACTICE_EXPORT(rt_insert_timer);
PRACTICE_EXPORT(rt_ptimer_create);
PRACTICE_EXPORT(rt_ptimer_delete);
PRACTICE_EXPORT(rt_ptimer_gettime);
PRACTICE_EXPORT(rt_ptimer_overrun);
PRACTICE_EXPORT(rt_ptimer_settime);
PRACTICE_EXPORT(rt_register_task);
PRACTICE_EXPORT(rt_remove_tasklet);
PRACTICE_EXPORT(rt_remove_timer);
PRACTICE_EXPORT(rt_set_tasklet_data);
PRACTICE_EXPORT(rt_set_tasklet_handler);
PRACTICE_EXPORT(rt_set_tasklet_priority);
PRACTICE_EXPORT(rt_set_timer_firing_time);
PRACTICE_EXPORT(rt_set_timer_period);
PRACTICE_EXPORT(rt_set_timer_priority);
PRACTICE_EXPORT(rt_tasklet_use_fpu);
PRACTICE_EXPORT(rt_wait_tasklet_is_hard);

PRACTICE_MODULE(rtai_tasklets, "tasklets and timers");
