"""Boot loaders that wait for a command: by their prompts, which a shell's may resemble.

Nothing may be typed into one: the end of a line, which makes a shell show its prompt,
repeats the last command in U-Boot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """A boot loader at its prompt.

    name: the loader's.  prompt: as it shows it.  command: what goes on with the boot.
    """

    name: str
    prompt: str
    command: str


_ESCAPES = r"(?:\x1b\[[0-9;?]*[A-Za-z])*"

# Source: U-Boot, CONFIG_SYS_PROMPT of Kconfig ("=> ") and of boards' defconfigs; GRUB,
# grub-core/normal/main.c and kern/rescue_reader.c; barebox, CONFIG_PROMPT; CFE and
# RedBoot from boards' logs.
_PROMPTS = (
    ("U-Boot", "boot", r"=>|[^\r\n]{0,24}(?:U-Boot ?#|(?i:u-?boot) ?>+)|Zynq(?:MP)?>"),
    ("GRUB", "normal", r"grub(?: rescue)?>"),
    ("barebox", "boot", rf"barebox(?:@[^\r\n]{{1,60}})?:{_ESCAPES}/[^\r\n#$]{{0,60}}"),
    ("CFE", "", r"CFE>"),
    ("RedBoot", "", r"RedBoot>"),
)
AT_PROMPT = re.compile(
    rf"(?:^|[\r\n]|\x1b\[[0-9;?]*[A-Za-z])(?:{'|'.join(p for _, _, p in _PROMPTS)})"
    rf" *{_ESCAPES} *$".encode()
)
"""A prompt at the end of the text; ends in ``$``, for it may only be passing by."""

_ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


def waiting(text: bytes) -> Waiting | None:
    """Return the boot loader whose prompt is the end of the text, or None."""
    if AT_PROMPT.search(text) is None:
        return None
    last = re.split(r"[\r\n]", _ESCAPE.sub(b"", text).decode("latin-1"))[-1].strip()
    for name, command, prompt in _PROMPTS:
        if re.fullmatch(prompt, last):
            return Waiting(name, last, command)
    return None
