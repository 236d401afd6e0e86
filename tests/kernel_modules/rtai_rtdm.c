// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_rtdm: driver model: one interface to all real-time devices.
 * Its xnselect names are the only ones of RTAI that are for GPL modules alone.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(boot_epoch);
PRACTICE_IMPORT(nano2count);
PRACTICE_IMPORT(reset_rt_fun_ext_index);
PRACTICE_IMPORT(rt_get_time);
PRACTICE_IMPORT(rt_register);
PRACTICE_IMPORT(rt_schedule);
PRACTICE_IMPORT(rt_sleep_until);
PRACTICE_IMPORT(rt_task_delete);
PRACTICE_IMPORT(rt_task_init_cpuid);
PRACTICE_IMPORT(rt_task_make_periodic_relative_ns);
PRACTICE_IMPORT(rt_task_resume);
PRACTICE_IMPORT(rtai_isr_sched_handle);
PRACTICE_IMPORT(set_rt_fun_ext_index);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_disable_irq);
PRACTICE_IMPORT(rt_enable_irq);
PRACTICE_IMPORT(rt_scheduling);

/* From rtai_sem: */
PRACTICE_IMPORT(rt_sem_broadcast);
PRACTICE_IMPORT(rt_sem_signal);
PRACTICE_IMPORT(rt_sem_wait);
PRACTICE_IMPORT(rt_sem_wait_if);
PRACTICE_IMPORT(rt_sem_wait_timed);
PRACTICE_IMPORT(rt_sem_wait_until);
PRACTICE_IMPORT(rt_typed_sem_init);

PRACTICE_EXPORT(__rt_dev_close);
PRACTICE_EXPORT(__rt_dev_ioctl);
PRACTICE_EXPORT(__rt_dev_open);
PRACTICE_EXPORT(__rt_dev_read);
PRACTICE_EXPORT(__rt_dev_recvmsg);
PRACTICE_EXPORT(__rt_dev_select);
PRACTICE_EXPORT(__rt_dev_sendmsg);
PRACTICE_EXPORT(__rt_dev_socket);
PRACTICE_EXPORT(__rt_dev_write);
PRACTICE_EXPORT_GPL(__xnselect_signal);
PRACTICE_EXPORT(rt_schedule_readied);
PRACTICE_EXPORT(rt_taskq_init);
PRACTICE_EXPORT(rt_taskq_ready_all);
PRACTICE_EXPORT(rt_taskq_ready_one);
PRACTICE_EXPORT(rt_taskq_wait);
PRACTICE_EXPORT(rt_taskq_wait_until);
PRACTICE_EXPORT(rt_timer_insert);
PRACTICE_EXPORT(rt_timer_remove);
PRACTICE_EXPORT(rtdm_apc);
PRACTICE_EXPORT(rtdm_context_get);
PRACTICE_EXPORT(rtdm_dev_register);
PRACTICE_EXPORT(rtdm_dev_unregister);
PRACTICE_EXPORT(rtdm_event_clear);
PRACTICE_EXPORT(rtdm_event_init);
PRACTICE_EXPORT(rtdm_event_select_bind);
PRACTICE_EXPORT(rtdm_event_signal);
PRACTICE_EXPORT(rtdm_event_timedwait);
PRACTICE_EXPORT(rtdm_event_wait);
PRACTICE_EXPORT(rtdm_iomap_to_user);
PRACTICE_EXPORT(rtdm_irq_request);
PRACTICE_EXPORT(rtdm_mmap_to_user);
PRACTICE_EXPORT(rtdm_munmap);
PRACTICE_EXPORT(rtdm_mutex_init);
PRACTICE_EXPORT(rtdm_mutex_lock);
PRACTICE_EXPORT(rtdm_mutex_timedlock);
PRACTICE_EXPORT(rtdm_select_bind);
PRACTICE_EXPORT(rtdm_sem_down);
PRACTICE_EXPORT(rtdm_sem_init);
PRACTICE_EXPORT(rtdm_sem_select_bind);
PRACTICE_EXPORT(rtdm_sem_timeddown);
PRACTICE_EXPORT(rtdm_sem_up);
PRACTICE_EXPORT(rtdm_task_busy_sleep);
PRACTICE_EXPORT(rtdm_task_init_cpuid);
PRACTICE_EXPORT(rtdm_task_join_nrt);
PRACTICE_EXPORT(rtdm_timer_destroy);
PRACTICE_EXPORT(rtdm_timer_start);
PRACTICE_EXPORT(rtdm_timer_stop);
PRACTICE_EXPORT(rtdm_toseq_init);
PRACTICE_EXPORT(xnintr_affinity);
PRACTICE_EXPORT(xnintr_attach);
PRACTICE_EXPORT(xnintr_destroy);
PRACTICE_EXPORT(xnintr_detach);
PRACTICE_EXPORT(xnintr_disable);
PRACTICE_EXPORT(xnintr_enable);
PRACTICE_EXPORT(xnintr_init);
PRACTICE_EXPORT_GPL(xnselect);
PRACTICE_EXPORT_GPL(xnselect_bind);
PRACTICE_EXPORT_GPL(xnselect_destroy);
PRACTICE_EXPORT_GPL(xnselect_init);
PRACTICE_EXPORT_GPL(xnselector_destroy);
PRACTICE_EXPORT_GPL(xnselector_init);

PRACTICE_MODULE(rtai_rtdm, "driver model: one interface to all real-time devices");
