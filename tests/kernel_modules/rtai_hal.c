// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_hal: hardware layer: interrupts, timers, service requests.
 * The real one needs a kernel with the I-pipe patch; this one needs any kernel.
 */

#include "practice_rtai.h"

PRACTICE_EXPORT(IsolCpusMask);
PRACTICE_EXPORT(ack_8259A_irq);
PRACTICE_EXPORT(ipipe_root_status);
PRACTICE_EXPORT(ll2a);
PRACTICE_EXPORT(rd_8254_ts);
PRACTICE_EXPORT(rt_ack_irq);
PRACTICE_EXPORT(rt_assign_irq_to_cpu);
PRACTICE_EXPORT(rt_disable_irq);
PRACTICE_EXPORT(rt_enable_irq);
PRACTICE_EXPORT(rt_end_irq);
PRACTICE_EXPORT(rt_eoi_irq);
PRACTICE_EXPORT(rt_free_apic_timers);
PRACTICE_EXPORT(rt_free_linux_irq);
PRACTICE_EXPORT(rt_free_srq);
PRACTICE_EXPORT(rt_free_timer);
PRACTICE_EXPORT(rt_linux_hrt_next_shot);
PRACTICE_EXPORT(rt_linux_hrt_set_mode);
PRACTICE_EXPORT(rt_mask_and_ack_irq);
PRACTICE_EXPORT(rt_mask_irq);
PRACTICE_EXPORT(rt_pend_linux_irq);
PRACTICE_EXPORT(rt_pend_linux_srq);
PRACTICE_EXPORT(rt_printk);
PRACTICE_EXPORT(rt_release_irq);
PRACTICE_EXPORT(rt_request_apic_timers);
PRACTICE_EXPORT(rt_request_irq);
PRACTICE_EXPORT(rt_request_linux_irq);
PRACTICE_EXPORT(rt_request_srq);
PRACTICE_EXPORT(rt_request_timer);
PRACTICE_EXPORT(rt_reset_irq_to_sym_mode);
PRACTICE_EXPORT(rt_scheduling);
PRACTICE_EXPORT(rt_set_irq_ack);
PRACTICE_EXPORT(rt_set_irq_cookie);
PRACTICE_EXPORT(rt_set_irq_retmode);
PRACTICE_EXPORT(rt_set_trap_handler);
PRACTICE_EXPORT(rt_setup_8254_tsc);
PRACTICE_EXPORT(rt_shutdown_irq);
PRACTICE_EXPORT(rt_smp_times);
PRACTICE_EXPORT(rt_startup_irq);
PRACTICE_EXPORT(rt_sync_printk);
PRACTICE_EXPORT(rt_times);
PRACTICE_EXPORT(rt_unmask_irq);
PRACTICE_EXPORT(rtai_broadcast_to_local_timers);
PRACTICE_EXPORT(rtai_calibrate_8254);
PRACTICE_EXPORT(rtai_calibrate_hard_timer);
PRACTICE_EXPORT(rtai_catch_event);
PRACTICE_EXPORT(rtai_cpu_lock);
PRACTICE_EXPORT(rtai_cpu_realtime);
PRACTICE_EXPORT(rtai_critical_enter);
PRACTICE_EXPORT(rtai_critical_exit);
PRACTICE_EXPORT(rtai_domain);
PRACTICE_EXPORT(rtai_isr_sched);
PRACTICE_EXPORT(rtai_linux_context);
PRACTICE_EXPORT(rtai_proc_root);
PRACTICE_EXPORT(rtai_realtime_irq);
PRACTICE_EXPORT(rtai_set_linux_task_priority);
PRACTICE_EXPORT(rtai_tsc_ofst);
PRACTICE_EXPORT(rtai_tunables);
PRACTICE_EXPORT(rtai_usrq_dispatcher);
PRACTICE_EXPORT(usr_rt_pend_linux_irq);

PRACTICE_MODULE(rtai_hal, "hardware layer: interrupts, timers, service requests");
