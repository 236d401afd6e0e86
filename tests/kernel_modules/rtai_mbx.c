// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_mbx: mailboxes.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(reset_rt_fun_entries);
PRACTICE_IMPORT(rt_drg_on_adr_cnt);
PRACTICE_IMPORT(rt_get_adr_cnt);
PRACTICE_IMPORT(rt_register);
PRACTICE_IMPORT(rt_schedule);
PRACTICE_IMPORT(rt_smp_time_h);
PRACTICE_IMPORT(set_rt_fun_entries);

/* From rtai_sem: */
PRACTICE_IMPORT(rt_poll_ofstfun);
PRACTICE_IMPORT(rt_sem_delete);
PRACTICE_IMPORT(rt_sem_signal);
PRACTICE_IMPORT(rt_sem_wait);
PRACTICE_IMPORT(rt_sem_wait_until);
PRACTICE_IMPORT(rt_typed_sem_init);
PRACTICE_IMPORT(rt_wakeup_pollers);

PRACTICE_EXPORT(_rt_mbx_evdrp);
PRACTICE_EXPORT(_rt_mbx_ovrwr_send);
PRACTICE_EXPORT(_rt_mbx_receive);
PRACTICE_EXPORT(_rt_mbx_receive_if);
PRACTICE_EXPORT(_rt_mbx_receive_timed);
PRACTICE_EXPORT(_rt_mbx_receive_until);
PRACTICE_EXPORT(_rt_mbx_receive_wp);
PRACTICE_EXPORT(_rt_mbx_send);
PRACTICE_EXPORT(_rt_mbx_send_if);
PRACTICE_EXPORT(_rt_mbx_send_timed);
PRACTICE_EXPORT(_rt_mbx_send_until);
PRACTICE_EXPORT(_rt_mbx_send_wp);
PRACTICE_EXPORT(_rt_typed_named_mbx_init);
PRACTICE_EXPORT(rt_mbx_delete);
PRACTICE_EXPORT(rt_mbx_init);
PRACTICE_EXPORT(rt_named_mbx_delete);
PRACTICE_EXPORT(rt_typed_mbx_init);

PRACTICE_MODULE(rtai_mbx, "mailboxes");
