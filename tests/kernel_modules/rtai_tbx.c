// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_tbx: typed mailboxes: whole messages, urgent ones first.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(reset_rt_fun_entries);
PRACTICE_IMPORT(rt_drg_on_adr_cnt);
PRACTICE_IMPORT(rt_get_adr_cnt);
PRACTICE_IMPORT(rt_register);
PRACTICE_IMPORT(set_rt_fun_entries);

/* From rtai_sem: */
PRACTICE_IMPORT(rt_sem_delete);
PRACTICE_IMPORT(rt_sem_signal);
PRACTICE_IMPORT(rt_sem_wait);
PRACTICE_IMPORT(rt_sem_wait_barrier);
PRACTICE_IMPORT(rt_sem_wait_if);
PRACTICE_IMPORT(rt_sem_wait_until);
PRACTICE_IMPORT(rt_typed_sem_init);

PRACTICE_EXPORT(_rt_msg_broadcast);
PRACTICE_EXPORT(_rt_msg_broadcast_if);
PRACTICE_EXPORT(_rt_msg_broadcast_timed);
PRACTICE_EXPORT(_rt_msg_broadcast_until);
PRACTICE_EXPORT(_rt_msg_evdrp);
PRACTICE_EXPORT(_rt_msg_receive);
PRACTICE_EXPORT(_rt_msg_receive_if);
PRACTICE_EXPORT(_rt_msg_receive_timed);
PRACTICE_EXPORT(_rt_msg_receive_until);
PRACTICE_EXPORT(_rt_msg_send);
PRACTICE_EXPORT(_rt_msg_send_if);
PRACTICE_EXPORT(_rt_msg_send_timed);
PRACTICE_EXPORT(_rt_msg_send_until);
PRACTICE_EXPORT(_rt_named_msgq_init);
PRACTICE_EXPORT(rt_msgq_delete);
PRACTICE_EXPORT(rt_msgq_init);
PRACTICE_EXPORT(rt_named_msgq_delete);

PRACTICE_MODULE(rtai_tbx, "typed mailboxes: whole messages, urgent ones first");
