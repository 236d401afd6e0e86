// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_netrpc: remote procedure calls over a network.
 * It needs rtai_mbx, and is kept off the practice box with it.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(clr_rtext);
PRACTICE_IMPORT(get_min_tasks_cpuid);
PRACTICE_IMPORT(nano2count);
PRACTICE_IMPORT(reset_rt_fun_entries);
PRACTICE_IMPORT(reset_rt_fun_ext_index);
PRACTICE_IMPORT(rt_daemonize);
PRACTICE_IMPORT(rt_fun_ext);
PRACTICE_IMPORT(rt_fun_lxrt);
PRACTICE_IMPORT(rt_schedule);
PRACTICE_IMPORT(rt_schedule_soft);
PRACTICE_IMPORT(rt_task_delete);
PRACTICE_IMPORT(rt_task_init);
PRACTICE_IMPORT(rt_task_masked_unblock);
PRACTICE_IMPORT(rt_task_resume);
PRACTICE_IMPORT(rt_task_suspend);
PRACTICE_IMPORT(set_rt_fun_entries);
PRACTICE_IMPORT(set_rt_fun_ext_index);
PRACTICE_IMPORT(set_rtext);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_free_srq);
PRACTICE_IMPORT(rt_pend_linux_srq);
PRACTICE_IMPORT(rt_request_srq);
PRACTICE_IMPORT(rtai_set_linux_task_priority);

/* From rtai_sem: */
PRACTICE_IMPORT(_rt_poll);
PRACTICE_IMPORT(rt_sem_delete);
PRACTICE_IMPORT(rt_sem_signal);
PRACTICE_IMPORT(rt_sem_wait);
PRACTICE_IMPORT(rt_sem_wait_if);
PRACTICE_IMPORT(rt_sem_wait_timed);
PRACTICE_IMPORT(rt_typed_sem_init);

/* From rtai_mbx: */
PRACTICE_IMPORT(_rt_mbx_receive);

PRACTICE_EXPORT(_rt_net_rpc);
PRACTICE_EXPORT(ddn2nl);
PRACTICE_EXPORT(rt_find_asgn_stub);
PRACTICE_EXPORT(rt_get_net_rpc_ret);
PRACTICE_EXPORT(rt_net_rpc_fun_hook);
PRACTICE_EXPORT(rt_poll_netrpc);
PRACTICE_EXPORT(rt_rel_stub);
PRACTICE_EXPORT(rt_send_req_rel_port);
PRACTICE_EXPORT(rt_set_netrpc_timeout);
PRACTICE_EXPORT(rt_set_this_node);
PRACTICE_EXPORT(rt_waiting_return);
PRACTICE_EXPORT(set_netrpc_encoding);
PRACTICE_EXPORT(soft_rt_bind);
PRACTICE_EXPORT(soft_rt_close);
PRACTICE_EXPORT(soft_rt_recvfrom);
PRACTICE_EXPORT(soft_rt_sendto);
PRACTICE_EXPORT(soft_rt_socket);
PRACTICE_EXPORT(soft_rt_socket_callback);

PRACTICE_MODULE(rtai_netrpc, "remote procedure calls over a network");
