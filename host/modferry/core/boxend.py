"""Signs on a console that whatever ran on the box does not run any more."""

from __future__ import annotations

import re

KEPT_BYTES = 512
"""So much text is enough for any of the signs."""

PANICKED = "the box's kernel has panicked"
RESTARTED = "the box has restarted"
SHUT_DOWN = "the box was shut down"

# Source: Linux, kernel/panic.c, kernel/reboot.c, drivers/tty/sysrq.c, init/version.c;
# 2.6.32 has no "reboot: " and writes "SysRq : ".
_RESET = (
    rb"(?:sysrq|SysRq ?): Resetting"
    rb"|(?:reboot: |\] )Restarting system(?:\.| with command [^\r\n]*)?\r*\n"
)
_BOOT = (  # with CONFIG_PRINTK_CALLER a thread or a processor follows the time
    rb"(?:^|[\r\n])(?:<\d>)?(?:\[ *0\.000000\](?:\[ *[TC]\d+\])? )?Linux version \d"
)
_OFF = rb"(?:reboot: |\] )(?:Power down|System halted)\.?\r*\n"
_SIGNS = (
    (PANICKED, re.compile(rb"Kernel panic - not syncing")),
    (RESTARTED, re.compile(_RESET + b"|" + _BOOT)),
    (SHUT_DOWN, re.compile(_OFF)),
)


def end_in(text: bytes) -> tuple[str, int]:
    """Return what the text of a console says has become of the box, "" for nothing.

    And where the line that says it begins.
    """
    for sentence, sign in _SIGNS:
        found = sign.search(text)
        if found:
            said = found.end() - len(found[0].lstrip(b"\r\n"))
            return sentence, text.rfind(b"\n", 0, said) + 1
    return "", 0
