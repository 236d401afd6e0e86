// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_sem: semaphores, condition variables, read-write locks, spinlocks.
 * The names at the top of its imports come by inline functions of the scheduler's
 * header, the others by its own calls. wake_up_srq is the first one a kernel misses.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(wake_up_srq);
PRACTICE_IMPORT(rt_enqueue_blocked);
PRACTICE_IMPORT(rt_dequeue_blocked);
PRACTICE_IMPORT(rt_enq_timed_task);
PRACTICE_IMPORT(rt_rem_timed_task);
PRACTICE_IMPORT(rt_rem_ready_current);
PRACTICE_IMPORT(boot_epoch);
PRACTICE_IMPORT(reset_rt_fun_entries);
PRACTICE_IMPORT(rt_drg_on_adr_cnt);
PRACTICE_IMPORT(rt_get_adr_cnt);
PRACTICE_IMPORT(rt_register);
PRACTICE_IMPORT(rt_schedule);
PRACTICE_IMPORT(rt_smp_current);
PRACTICE_IMPORT(rt_smp_time_h);
PRACTICE_IMPORT(rt_task_delete);
PRACTICE_IMPORT(set_rt_fun_entries);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_pend_linux_srq);
PRACTICE_IMPORT(rt_printk);

PRACTICE_EXPORT(_rt_named_rwl_init);
PRACTICE_EXPORT(_rt_named_spl_init);
PRACTICE_EXPORT(_rt_poll);
PRACTICE_EXPORT(_rt_typed_named_sem_init);
PRACTICE_EXPORT(rt_cond_signal);
PRACTICE_EXPORT(rt_cond_wait);
PRACTICE_EXPORT(rt_cond_wait_timed);
PRACTICE_EXPORT(rt_cond_wait_until);
PRACTICE_EXPORT(rt_named_rwl_delete);
PRACTICE_EXPORT(rt_named_sem_delete);
PRACTICE_EXPORT(rt_named_spl_delete);
PRACTICE_EXPORT(rt_poll_ofstfun);
PRACTICE_EXPORT(rt_rwl_delete);
PRACTICE_EXPORT(rt_rwl_rdlock);
PRACTICE_EXPORT(rt_rwl_rdlock_if);
PRACTICE_EXPORT(rt_rwl_rdlock_timed);
PRACTICE_EXPORT(rt_rwl_rdlock_until);
PRACTICE_EXPORT(rt_rwl_unlock);
PRACTICE_EXPORT(rt_rwl_wrlock);
PRACTICE_EXPORT(rt_rwl_wrlock_if);
PRACTICE_EXPORT(rt_rwl_wrlock_timed);
PRACTICE_EXPORT(rt_rwl_wrlock_until);
PRACTICE_EXPORT(rt_sem_broadcast);
PRACTICE_EXPORT(rt_sem_count);
PRACTICE_EXPORT(rt_sem_delete);
PRACTICE_EXPORT(rt_sem_init);
PRACTICE_EXPORT(rt_sem_signal);
PRACTICE_EXPORT(rt_sem_wait);
PRACTICE_EXPORT(rt_sem_wait_barrier);
PRACTICE_EXPORT(rt_sem_wait_if);
PRACTICE_EXPORT(rt_sem_wait_timed);
PRACTICE_EXPORT(rt_sem_wait_until);
PRACTICE_EXPORT(rt_spl_delete);
PRACTICE_EXPORT(rt_spl_init);
PRACTICE_EXPORT(rt_spl_lock);
PRACTICE_EXPORT(rt_spl_lock_if);
PRACTICE_EXPORT(rt_spl_lock_timed);
PRACTICE_EXPORT(rt_spl_unlock);
PRACTICE_EXPORT(rt_typed_rwl_init);
PRACTICE_EXPORT(rt_typed_sem_init);
PRACTICE_EXPORT(rt_wakeup_pollers);

PRACTICE_MODULE(rtai_sem, "semaphores, condition variables, read-write locks, spinlocks");
