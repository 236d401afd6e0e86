"""What is typed at a box's shell to start the agent: pure text.

The shell line finds a Python and gives it the first step.  The first step runs the
agent's archive if the box has it under the right sha256; else it asks for the second
step (``modferry_agent.boot`` and what that needs, as text, checked by a CRC-32), which
takes the archive over the wire.  On a console the line guards itself: it runs only if
``cksum`` of what arrived is that of what was typed.
"""

from __future__ import annotations

import ast
import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

PART_LENGTH = 700
"""Characters of a shell line at most: busybox's line editor holds 1023."""

BASE64_LINE = 72
DONE = 76
"""What the first step exits with; any other status below 128 means: no Python here."""

PRINTK = "/proc/sys/kernel/printk"

STAGE_MODULES = ("compat", "wire", "inbox", "link", "system.wireend", "boot")
"""The Python modules of the agent that make up the second step, in import order."""

_STAGE_ONE = """\
import sys
if sys.version_info<(2,6):sys.exit(77)
import os,hashlib,signal
def go(f):
 sys.argv=[f,"serve","{link_id}","{lease_s}"]
 sys.path.insert(0,f)
 from modferry_agent.main import main
 main()
 os._exit(76)
sha="{sha256}"
uid=os.geteuid()
homes=[d.endswith("modferry")and d or"%s/modferry-%d"%(d,uid)for d in {homes!r}]
for d in homes:
 f="%s/modferry-%s.pyz"%(d,sha)
 try:
  t=os.lstat(d)
  ok=t.st_uid==uid and not t.st_mode&18
  ok=ok and hashlib.sha256(open(f,"rb").read()).hexdigest()==sha
 except EnvironmentError:ok=0
 if ok:go(f)
import binascii as b
try:import zlib as z
except ImportError:z=None
def say(x):
 sys.stdout.write("@@MF "+x+"\\n")
 sys.stdout.flush()
signal.alarm({patience_s})
say("NEED %d.%d %d"%(sys.version_info[:2]+(z is not None,)))
read=getattr(sys.stdin,"buffer",sys.stdin).readline
while 1:
 t=b""
 while 1:
  l=read()
  if not l:os._exit(76)
  l=l.strip()
  if l[:1]==b".":break
  t+=l
 try:
  k=b.a2b_base64(t)
  if b.crc32(k)&0xffffffff==int(l[1:]):break
 except Exception:pass
 say("AGAIN")
signal.alarm(0)
exec(z and z.decompress(k) or k)
"""

_STAGE_TWO = """\
import os, sys
def define(name, text):
    module = type(sys)(name)
    module.__path__ = []
    sys.modules[name] = module
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, module)
    exec(compile(text, name, "exec"), module.__dict__)
define("modferry_agent", "")
define("modferry_agent.system", "")
for name, text in {modules!r}:
    define("modferry_agent." + name, text)
from modferry_agent.boot import receive_archive
from modferry_agent.system.wireend import LineError
try:
    path = receive_archive(sha, homes, {link_id}, {lease_s})
except LineError:
    os._exit(76)
for name in list(sys.modules):
    if name.startswith("modferry_agent"):
        del sys.modules[name]
go(path)
"""


@dataclass(frozen=True, slots=True)
class Launch:
    """What an agent is started with.

    sha256: of the archive.  pythons, homes: candidates, best first.
    link_id: even; the second step's own link has the next number.
    lease_s: how long the agent stays without a sign of the host.
    leave: log out of the shell when the agent ends.
    log_level: of the kernel's console while the agent runs; None: as it is.
    """

    sha256: str
    pythons: Sequence[str]
    homes: Sequence[str]
    link_id: int
    lease_s: int
    leave: bool = False
    log_level: int | None = None

    @property
    def stage_link_id(self) -> int:
        """Return the link id of the second step."""
        return self.link_id + 1


def stage_one(launch: Launch) -> str:
    """Return the first step's Python source."""
    return _STAGE_ONE.format(
        link_id=launch.link_id,
        lease_s=launch.lease_s,
        sha256=launch.sha256,
        homes=list(launch.homes),
        patience_s=60,
    )


def stage_two(launch: Launch, sources: Mapping[str, str], *, deflated: bool) -> bytes:
    """Return the second step as it is sent, before base64.

    sources: Python module name (`STAGE_MODULES`) -> its source text.
    deflated: the box's Python has zlib.
    """
    modules = [(name, _shortened(sources[name])) for name in STAGE_MODULES]
    text = _STAGE_TWO.format(
        modules=modules, link_id=launch.stage_link_id, lease_s=launch.lease_s
    ).encode("ascii")
    return zlib.compress(text, 9) if deflated else text


@cache
def _shortened(source: str) -> str:
    # Comments and docstrings cost time on the line and say nothing to an interpreter.
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (
            ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    # Python 2.6 compiles nothing whose last line has no end.
    return ast.unparse(tree) + "\n"


def stage_two_lines(payload: bytes) -> list[str]:
    """Return the lines to type: base64, then a dot and the CRC-32 in decimal."""
    digits = base64.b64encode(payload).decode("ascii")
    lines = [digits[at : at + BASE64_LINE] for at in range(0, len(digits), BASE64_LINE)]
    return [*lines, f".{binascii.crc32(payload)}"]


def shell_script(launch: Launch, *, terminal: bool) -> str:
    """Return the shell line that starts the agent; it holds no single quote."""
    code = base64.b64encode(stage_one(launch).encode("ascii")).decode("ascii")
    run = f'$p -E -S -c "import binascii as b;exec(b.a2b_base64(b\\"{code}\\"))"'
    script = (
        f"n=1;cd /;for p in {' '.join(launch.pythons)};do "
        "command -v $p >/dev/null 2>&1||continue;"
        f"{run};r=$?;"
        f"if [ $r -eq {DONE} ]||[ $r -gt 128 ];then n=;break;fi;done;"
        '[ -z "$n" ]||echo "@@""MF NOPYTHON"'
    )
    if terminal:
        script = f's=$(stty -g);stty -echo;{script};stty "$s"'
    if terminal and launch.log_level is not None:
        script = (
            f"k=$(cut -f1 {PRINTK})&&echo {launch.log_level} >{PRINTK};{script};"
            f'[ -z "$k" ]||echo "$k" >{PRINTK}'
        )
    if launch.leave:
        script += ";exit"
    return script


def guarded_lines(script: str) -> list[str]:
    """Return the lines that make a shell run the script if all of it arrived.

    Each is short enough for any line editor, and begins with a blank, which keeps it
    out of the history of shells that heed that.
    """
    parts = [script[at : at + PART_LENGTH] for at in range(0, len(script), PART_LENGTH)]
    lines = [f" m{number}='{part}'" for number, part in enumerate(parts)]
    whole = "".join(f"$m{number}" for number in range(len(parts)))
    crc = posix_cksum(script.encode("ascii"))
    check = f'"$(printf %s "{whole}"|cksum)" = "{crc} {len(script)}"'
    return [*lines, f' if [ {check} ];then eval "{whole}";else echo "@@""MF BAD";fi']


def posix_cksum(octets: bytes) -> int:
    """Return the CRC that ``cksum`` prints.

    Source: POSIX, cksum: CRC-32 with the polynomial 04C11DB7, not reflected, over the
    bytes and then the length, least significant byte first.
    """
    crc = 0
    length = len(octets)
    tail = bytearray()
    while length:
        tail.append(length & 0xFF)
        length >>= 8
    for octet in octets + bytes(tail):
        crc ^= octet << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
            crc &= 0xFFFFFFFF
    return crc ^ 0xFFFFFFFF
