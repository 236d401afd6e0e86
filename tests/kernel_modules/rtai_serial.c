// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_serial: serial ports in real time.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(reset_rt_fun_ext_index);
PRACTICE_IMPORT(rt_task_resume);
PRACTICE_IMPORT(rt_task_suspend);
PRACTICE_IMPORT(set_rt_fun_ext_index);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_disable_irq);
PRACTICE_IMPORT(rt_enable_irq);
PRACTICE_IMPORT(rt_printk);
PRACTICE_IMPORT(rt_release_irq);
PRACTICE_IMPORT(rt_request_irq);

/* From rtai_sem: */
PRACTICE_IMPORT(rt_sem_delete);
PRACTICE_IMPORT(rt_sem_init);
PRACTICE_IMPORT(rt_sem_signal);
PRACTICE_IMPORT(rt_sem_wait_timed);

PRACTICE_EXPORT(rt_spclear_rx);
PRACTICE_EXPORT(rt_spclear_tx);
PRACTICE_EXPORT(rt_spclose);
PRACTICE_EXPORT(rt_spevdrp);
PRACTICE_EXPORT(rt_spget_err);
PRACTICE_EXPORT(rt_spget_msr);
PRACTICE_EXPORT(rt_spget_rxavbs);
PRACTICE_EXPORT(rt_spget_txfrbs);
PRACTICE_EXPORT(rt_spopen);
PRACTICE_EXPORT(rt_spread);
PRACTICE_EXPORT(rt_spread_timed);
PRACTICE_EXPORT(rt_spset_callback_fun);
PRACTICE_EXPORT(rt_spset_callback_fun_usr);
PRACTICE_EXPORT(rt_spset_err_callback_fun);
PRACTICE_EXPORT(rt_spset_err_callback_fun_usr);
PRACTICE_EXPORT(rt_spset_fifotrig);
PRACTICE_EXPORT(rt_spset_mcr);
PRACTICE_EXPORT(rt_spset_mode);
PRACTICE_EXPORT(rt_spset_thrs);
PRACTICE_EXPORT(rt_spwait_usr_callback);
PRACTICE_EXPORT(rt_spwrite);
PRACTICE_EXPORT(rt_spwrite_timed);

PRACTICE_MODULE(rtai_serial, "serial ports in real time");
