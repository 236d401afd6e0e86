// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_wd: watchdog over the scheduler's tasks.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(count2nano_cpuid);
PRACTICE_IMPORT(lxrt_prev_task);
PRACTICE_IMPORT(nano2count);
PRACTICE_IMPORT(nano2count_cpuid);
PRACTICE_IMPORT(reset_rt_fun_ext_index);
PRACTICE_IMPORT(rt_busy_sleep);
PRACTICE_IMPORT(rt_deregister_watchdog);
PRACTICE_IMPORT(rt_get_base_linux_task);
PRACTICE_IMPORT(rt_get_time_cpuid);
PRACTICE_IMPORT(rt_register_watchdog);
PRACTICE_IMPORT(rt_set_periodic_mode);
PRACTICE_IMPORT(rt_smp_linux_task);
PRACTICE_IMPORT(rt_task_delete);
PRACTICE_IMPORT(rt_task_init_cpuid);
PRACTICE_IMPORT(rt_task_make_periodic);
PRACTICE_IMPORT(rt_task_resume);
PRACTICE_IMPORT(rt_task_suspend);
PRACTICE_IMPORT(rt_task_wait_period);
PRACTICE_IMPORT(rt_whoami);
PRACTICE_IMPORT(set_rt_fun_ext_index);
PRACTICE_IMPORT(start_rt_timer);
PRACTICE_IMPORT(stop_rt_timer);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_printk);
PRACTICE_IMPORT(rtai_proc_root);

PRACTICE_EXPORT(rt_wdset_grace);
PRACTICE_EXPORT(rt_wdset_gracediv);
PRACTICE_EXPORT(rt_wdset_limit);
PRACTICE_EXPORT(rt_wdset_policy);
PRACTICE_EXPORT(rt_wdset_safety);
PRACTICE_EXPORT(rt_wdset_slip);
PRACTICE_EXPORT(rt_wdset_stretch);

PRACTICE_MODULE(rtai_wd, "watchdog over the scheduler's tasks");
