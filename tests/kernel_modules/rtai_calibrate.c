// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_calibrate: measures the latency of the timers.
 * It exports nothing.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(count2nano);
PRACTICE_IMPORT(nano2count);
PRACTICE_IMPORT(rt_get_time);
PRACTICE_IMPORT(rt_make_hard_real_time);
PRACTICE_IMPORT(rt_make_soft_real_time);
PRACTICE_IMPORT(rt_set_oneshot_mode);
PRACTICE_IMPORT(rt_task_delete);
PRACTICE_IMPORT(rt_task_init_cpuid);
PRACTICE_IMPORT(rt_task_make_periodic);
PRACTICE_IMPORT(rt_task_resume);
PRACTICE_IMPORT(rt_task_suspend);
PRACTICE_IMPORT(rt_task_wait_period);
PRACTICE_IMPORT(rt_thread_create);
PRACTICE_IMPORT(rt_thread_delete);
PRACTICE_IMPORT(rt_thread_init);
PRACTICE_IMPORT(start_rt_timer);
PRACTICE_IMPORT(stop_rt_timer);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_assign_irq_to_cpu);
PRACTICE_IMPORT(rt_free_srq);
PRACTICE_IMPORT(rt_free_timer);
PRACTICE_IMPORT(rt_pend_linux_irq);
PRACTICE_IMPORT(rt_request_srq);
PRACTICE_IMPORT(rt_request_timer);
PRACTICE_IMPORT(rt_reset_irq_to_sym_mode);
PRACTICE_IMPORT(rt_times);

/* From rtai_fifos: */
PRACTICE_IMPORT(rtf_create);
PRACTICE_IMPORT(rtf_destroy);
PRACTICE_IMPORT(rtf_put);

PRACTICE_MODULE(rtai_calibrate, "measures the latency of the timers");
