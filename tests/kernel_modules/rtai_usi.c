// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_usi: interrupts served in user space.
 * It exports nothing.
 */

#include "practice_rtai.h"

/* From rtai_sched: */
PRACTICE_IMPORT(reset_rt_fun_ext_index);
PRACTICE_IMPORT(set_rt_fun_ext_index);

/* From rtai_hal: */
PRACTICE_IMPORT(rt_ack_irq);
PRACTICE_IMPORT(rt_disable_irq);
PRACTICE_IMPORT(rt_enable_irq);
PRACTICE_IMPORT(rt_mask_and_ack_irq);
PRACTICE_IMPORT(rt_shutdown_irq);
PRACTICE_IMPORT(rt_startup_irq);
PRACTICE_IMPORT(rt_unmask_irq);

PRACTICE_MODULE(rtai_usi, "interrupts served in user space");
