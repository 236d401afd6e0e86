"""The shell script that is a serial line's near end on another machine; pure.

It needs no more than every such machine has: a POSIX shell, stty, cat.  It takes the
lock that programs there take, sets the line, says so, carries bytes until its input
ends, and puts back what it found.  What is done to the line meanwhile is told to a
second shell.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType

from modferry.core.profile import Console

ANSWER = re.compile(rb"@@MF (ok|held|no|unset)(?: ([^\n]*))?\n")
"""What the script says before it carries bytes, on a line of its own."""

PARITIES: Mapping[str, str] = MappingProxyType(
    {
        "none": "-parenb",
        "even": "parenb -parodd -cmspar",
        "odd": "parenb parodd -cmspar",
        "mark": "parenb parodd cmspar",
        "space": "parenb -parodd cmspar",
    }
)
FLOWS: Mapping[str, str] = MappingProxyType(
    {
        "none": "-crtscts",
        "rtscts": "crtscts",
        "xonxoff": "-crtscts ixon ixoff",
    }
)

# All of it is one command: the shell has read it whole before cat reads what follows.
# A background job that is to be told apart from the shell needs no terminal here.
_SCRIPT = r"""{
LC_ALL=C; export LC_ALL
d=DEVICE
r=$(readlink -f "$d" 2>/dev/null) || r=$d
n=$(printf %s "${r#/dev/}" | tr / _)
k=/run/lock; [ -d "$k" ] || k=/var/lock
k=$k/LCK..$n mine= old= pump=
say() { printf '@@MF %s\n' "$*"; exit; }
held() { say held "$1 $(cat "/proc/$1/comm" 2>/dev/null)"; }
end() {
  [ -z "$pump" ] || kill "$pump" 2>/dev/null
  [ -z "$old" ] || stty -F "$d" "$old" 2>/dev/null
  [ -z "$mine" ] || rm -f "$k"
}
trap end EXIT; trap exit HUP INT TERM PIPE
for try in 1 2; do
  if (set -C; printf '%10d\n' $$ >"$k") 2>/dev/null; then mine=1; break; fi
  [ -e "$k" ] || break
  p=; { read -r p rest <"$k"; } 2>/dev/null
  case $p in ''|*[!0-9]*) ;; *) [ ! -d "/proc/$p" ] || held "$p";; esac
  rm -f "$k" 2>/dev/null || break
done
o=$(stty -F "$d" -g 2>&1) || say no "$o"
o=$(: 2>&1 <>"$d") || say no "$o"
exec 3<>"$d"
if command -v flock >/dev/null && ! flock -n 3; then
  for f in /proc/[0-9]*/fd/*; do
    p=${f#/proc/}; p=${p%%/*}
    [ "$p" = $$ ] || [ ! "$f" -ef "$d" ] || held "$p"
  done
  say held 0
fi
old=$(stty -F "$d" -g)
o=$(stty -F "$d" SETTINGS 2>&1) || say unset "$o"
printf '@@MF ok\n'
cat <&3 &
pump=$!
cat >&3
exit
}
"""


def script(device: str, console: Console) -> bytes:
    """Return the script for a device of that machine."""
    text = _SCRIPT.replace("SETTINGS", settings(console))
    return text.replace("DEVICE", shlex.quote(device), 1).encode()


DONE = re.compile(rb"@@MF (\d+) ([^\n]*)\n")
"""What a shell says of a command from `told`: the exit status, and what it printed."""

# For a quarter of a second.  perl is on every Debian, python3 on the others.
_BREAK = r"""if command -v perl >/dev/null; then
perl -MPOSIX -e 'tcsendbreak(0, 0) or die "$!\n"'
elif command -v python3 >/dev/null; then
python3 -c 'import termios; termios.tcsendbreak(0, 0)'
else echo "neither perl nor python3 is there"; false; fi <>"""


def break_command(device: str) -> str:
    """Return the command that holds the line low for a quarter of a second."""
    return _BREAK + shlex.quote(device)


def speed_command(device: str, baud: int) -> str:
    """Return the command that changes the line's speed."""
    return f"stty -F {shlex.quote(device)} {baud}"


def told(command: str) -> bytes:
    """Return what a shell is told, so that it runs the command and answers `DONE`."""
    return (
        f"o=$({{ {command}\n}} 2>&1)\n"
        "printf '@@MF %s %s\\n' $? \"$(printf %s \"$o\" | tr '\\n' ' ')\"\n"
    ).encode()


def settings(console: Console) -> str:
    """Return what stty is told of a line that carries any byte as it is."""
    stop = "cstopb" if console.stopbits > 1 else "-cstopb"
    words = (
        str(console.baud),
        "raw -echo -iexten clocal cread min 1 time 0",
        f"cs{console.bytesize}",
        PARITIES[console.parity],
        stop,
        FLOWS[console.flow],
    )
    return " ".join(words)
