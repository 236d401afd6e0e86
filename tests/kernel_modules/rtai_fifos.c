// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_fifos: fifos between real-time tasks and processes.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(reset_rt_fun_ext_index);
PRACTICE_IMPORT(set_rt_fun_ext_index);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_free_srq);
PRACTICE_IMPORT(rt_pend_linux_srq);
PRACTICE_IMPORT(rt_request_srq);
PRACTICE_IMPORT(rtai_proc_root);

PRACTICE_EXPORT(rtf_create);
PRACTICE_EXPORT(rtf_create_handler);
PRACTICE_EXPORT(rtf_create_named);
PRACTICE_EXPORT(rtf_destroy);
PRACTICE_EXPORT(rtf_evdrp);
PRACTICE_EXPORT(rtf_get);
PRACTICE_EXPORT(rtf_get_avbs);
PRACTICE_EXPORT(rtf_get_frbs);
PRACTICE_EXPORT(rtf_get_if);
PRACTICE_EXPORT(rtf_getfifobyname);
PRACTICE_EXPORT(rtf_named_create);
PRACTICE_EXPORT(rtf_ovrwr_put);
PRACTICE_EXPORT(rtf_put);
PRACTICE_EXPORT(rtf_put_if);
PRACTICE_EXPORT(rtf_reset);
PRACTICE_EXPORT(rtf_resize);
PRACTICE_EXPORT(rtf_sem_destroy);
PRACTICE_EXPORT(rtf_sem_init);
PRACTICE_EXPORT(rtf_sem_post);
PRACTICE_EXPORT(rtf_sem_trywait);

PRACTICE_MODULE(rtai_fifos, "fifos between real-time tasks and processes");
