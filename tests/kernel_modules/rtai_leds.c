// SPDX-License-Identifier: GPL-2.0-only
/*
 * Practice rtai_leds: lights on a parallel port.
 * It needs no other module.
 */

#include "practice_rtai.h"

PRACTICE_EXPORT(rt_clear_leds);
PRACTICE_EXPORT(rt_config_leds);
PRACTICE_EXPORT(rt_get_leds);
PRACTICE_EXPORT(rt_leds_set_mask);
PRACTICE_EXPORT(rt_reset_leds);
PRACTICE_EXPORT(rt_set_leds);
PRACTICE_EXPORT(rt_set_leds_port);
PRACTICE_EXPORT(rt_toggle_leds);

PRACTICE_MODULE(rtai_leds, "lights on a parallel port");
