// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_mq: POSIX message queues.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(reset_rt_fun_entries);
PRACTICE_IMPORT(rt_release_signal);
PRACTICE_IMPORT(rt_request_signal_);
PRACTICE_IMPORT(rt_task_init_cpuid);
PRACTICE_IMPORT(rt_task_resume);
PRACTICE_IMPORT(rt_task_suspend);
PRACTICE_IMPORT(rt_trigger_signal);
PRACTICE_IMPORT(rt_wait_signal);
PRACTICE_IMPORT(rt_whoami);
PRACTICE_IMPORT(set_rt_fun_entries);

/* From rtai_hal: */
PRACTICE_IMPORT(rtai_proc_root);

/* From rtai_sem: */
PRACTICE_IMPORT(rt_sem_delete);
PRACTICE_IMPORT(rt_sem_init);
PRACTICE_IMPORT(rt_sem_signal);
PRACTICE_IMPORT(rt_sem_wait);
PRACTICE_IMPORT(rt_sem_wait_if);
PRACTICE_IMPORT(rt_sem_wait_until);
PRACTICE_IMPORT(rt_typed_sem_init);

PRACTICE_EXPORT(_mq_notify);
PRACTICE_EXPORT(_mq_open);
PRACTICE_EXPORT(_mq_receive);
PRACTICE_EXPORT(_mq_send);
PRACTICE_EXPORT(_mq_timedreceive);
PRACTICE_EXPORT(_mq_timedsend);
PRACTICE_EXPORT(mq_close);
PRACTICE_EXPORT(mq_getattr);
PRACTICE_EXPORT(mq_setattr);
PRACTICE_EXPORT(mq_unlink);

PRACTICE_MODULE(rtai_mq, "POSIX message queues");
