// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_msg: messages between tasks, and remote procedure calls.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(reset_rt_fun_entries);
PRACTICE_IMPORT(rt_find_task_by_pid);
PRACTICE_IMPORT(rt_get_adr);
PRACTICE_IMPORT(rt_schedule);
PRACTICE_IMPORT(rt_smp_linux_task);
PRACTICE_IMPORT(rt_task_delete);
PRACTICE_IMPORT(rt_task_init);
PRACTICE_IMPORT(rt_task_resume);
PRACTICE_IMPORT(rt_task_suspend);
PRACTICE_IMPORT(set_rt_fun_entries);

PRACTICE_EXPORT(__rt_proxy_attach);
PRACTICE_EXPORT(rt_Creceive);
PRACTICE_EXPORT(rt_Name_attach);
PRACTICE_EXPORT(rt_Name_detach);
PRACTICE_EXPORT(rt_Name_locate);
PRACTICE_EXPORT(rt_Proxy_attach);
PRACTICE_EXPORT(rt_Proxy_detach);
PRACTICE_EXPORT(rt_Receive);
PRACTICE_EXPORT(rt_Reply);
PRACTICE_EXPORT(rt_Send);
PRACTICE_EXPORT(rt_Trigger);
PRACTICE_EXPORT(rt_evdrp);
PRACTICE_EXPORT(rt_evdrpx);
PRACTICE_EXPORT(rt_isrpc);
PRACTICE_EXPORT(rt_proxy_attach);
PRACTICE_EXPORT(rt_proxy_detach);
PRACTICE_EXPORT(rt_receive);
PRACTICE_EXPORT(rt_receive_if);
PRACTICE_EXPORT(rt_receive_timed);
PRACTICE_EXPORT(rt_receive_until);
PRACTICE_EXPORT(rt_receivex);
PRACTICE_EXPORT(rt_receivex_if);
PRACTICE_EXPORT(rt_receivex_timed);
PRACTICE_EXPORT(rt_receivex_until);
PRACTICE_EXPORT(rt_return);
PRACTICE_EXPORT(rt_returnx);
PRACTICE_EXPORT(rt_rpc);
PRACTICE_EXPORT(rt_rpc_if);
PRACTICE_EXPORT(rt_rpc_timed);
PRACTICE_EXPORT(rt_rpc_until);
PRACTICE_EXPORT(rt_rpcx);
PRACTICE_EXPORT(rt_rpcx_if);
PRACTICE_EXPORT(rt_rpcx_timed);
PRACTICE_EXPORT(rt_rpcx_until);
PRACTICE_EXPORT(rt_send);
PRACTICE_EXPORT(rt_send_if);
PRACTICE_EXPORT(rt_send_timed);
PRACTICE_EXPORT(rt_send_until);
PRACTICE_EXPORT(rt_sendx);
PRACTICE_EXPORT(rt_sendx_if);
PRACTICE_EXPORT(rt_sendx_timed);
PRACTICE_EXPORT(rt_sendx_until);
PRACTICE_EXPORT(rt_trigger);

PRACTICE_MODULE(rtai_msg, "messages between tasks, and remote procedure calls");
