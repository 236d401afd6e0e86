"""What is typed at a box's shell to start the agent: pure text.

The shell line finds a Python and gives it the first step.  The first step runs the
agent's archive if the box has it under the right sha256; else it asks for it: lines of
base64, each with its number and its own CRC-32, so that of a bad line only what it
damaged is typed again.  They hold the second step, which keeps the archive, and the
archive.  On a console the shell line guards itself: it comes in parts, and runs only if
``cksum`` (or ``md5sum``) of what arrived is that of what was typed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

PART_LENGTH = 480
"""Characters of a shell line at most: busybox's line editor holds 1023, and a part that
a bad line has cut is typed again whole."""

PIECE_BYTES = 180
"""Of the archive in one line: a terminal holds 4095 characters, and a bad line costs
all of its own."""

DONE = 76
"""What the first step exits with; any other status below 128 means: no Python here."""

PRINTK = "/proc/sys/kernel/printk"

_MIRRORED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))

_STAGE_ONE = """\
import sys
if sys.version_info<(2,6):sys.exit(77)
import os,hashlib
def go(f):
 sys.argv=[f,"serve","{link_id}","{lease_s}"]
 sys.path.insert(0,f)
 from modferry_agent.main import main
 try:main()
 except Exception:sys.excepthook(*sys.exc_info())
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
import binascii as b,signal
try:import zlib as z
except ImportError:z=None
def say(x):
 sys.stdout.write("@@MF "+x+"\\n")
 sys.stdout.flush()
say("NEED %d.%d %d"%(sys.version_info[:2]+(z is not None,)))
read=getattr(sys.stdin,"buffer",sys.stdin).readline
p={{}};n=1
while len(p)<n:
 signal.alarm({patience_s})
 l=read()
 if not l:os._exit(76)
 t=l.strip().split(b":")
 try:
  if b.crc32(b":".join(t[:3]))&0xffffffff==int(t[3],16):
   p[int(t[0])]=b.a2b_base64(t[2]);n=int(t[1])
 except Exception:
  if l[:1]==b".":
   m=[str(i)for i in range(n)if i not in p]
   say(" ".join(["AGAIN",l.strip().decode("latin-1")]+m[:99]))
signal.alarm(0)
k=b"".join([p[i]for i in range(n)])
s,a=(z and z.decompress(k)or k).split(b"\\0",1)
exec(s)
"""

# What the first step runs: `a` is the archive, as bytes.
_STAGE_TWO = """\
r=[]
if hashlib.sha256(a).hexdigest()!=sha:homes,r=[],["what arrived is not what was sent"]
for d in homes:
 f="%s/modferry-%s.pyz"%(d,sha)
 g="%s.%d.part"%(f,os.getpid())
 try:
  if not os.path.isdir(d):os.makedirs(d,448)
  t=os.lstat(d)
  if t.st_uid!=uid or t.st_mode&18:
   r.append(d+": others may write there")
   continue
  o=open(g,"wb")
  o.write(a)
  o.flush()
  os.fsync(o.fileno())
  o.close()
  os.rename(g,f)
 except EnvironmentError:
  r.append("%s: %s"%(d,sys.exc_info()[1].strerror))
  try:os.unlink(g)
  except OSError:pass
  continue
 go(f)
say("NOROOM "+"; ".join(r))
os._exit(76)
"""


@dataclass(frozen=True, slots=True)
class Launch:
    """What an agent is started with.

    sha256: of the archive.  pythons, homes: candidates, best first.
    link_id: 16 bits, one a session.
    lease_s: how long the agent stays without a sign of the host.
    leave: log out of the shell when the agent ends.
    log_level: of the kernel's console while the agent runs; None: as it is.
    xonxoff: the line's flow control is by ^S and ^Q.
    """

    sha256: str
    pythons: Sequence[str]
    homes: Sequence[str]
    link_id: int
    lease_s: int
    leave: bool = False
    log_level: int | None = None
    xonxoff: bool = False

    @property
    def token(self) -> str:
        """Return what tells this session's lines from another's, where no agent is."""
        return f"{self.link_id:04x}"


def stage_one(launch: Launch) -> str:
    """Return the first step's Python source."""
    return _STAGE_ONE.format(
        link_id=launch.link_id,
        lease_s=launch.lease_s,
        sha256=launch.sha256,
        homes=list(launch.homes),
        patience_s=60,
    )


def stage_two(archive: bytes, *, deflated: bool) -> bytes:
    """Return the second step and the archive as they are sent, before base64.

    deflated: the box's Python has zlib.
    """
    octets = _STAGE_TWO.encode("ascii") + b"\0" + archive
    return zlib.compress(octets, 9) if deflated else octets


def archive_lines(payload: bytes) -> list[str]:
    """Return the lines to type: number, count, base64, CRC-32 of these in hexadecimal.

    After them a line with a dot and a number makes the box say which it lacks, and
    that number.
    """
    pieces = [
        payload[at : at + PIECE_BYTES] for at in range(0, len(payload), PIECE_BYTES)
    ]
    lines = []
    for number, piece in enumerate(pieces):
        digits = base64.b64encode(piece).decode("ascii")
        line = f"{number}:{len(pieces)}:{digits}"
        lines.append(f"{line}:{binascii.crc32(line.encode()):x}")
    return lines


def shell_script(launch: Launch, *, terminal: bool, deflated: bool = False) -> str:
    """Return the shell line that starts the agent; without a Python the shell stays.

    deflated: a third shorter; to a Python without zlib it says NOPYTHON, too.
    """
    step = stage_one(launch).encode("ascii")
    code = base64.b64encode(zlib.compress(step, 9) if deflated else step).decode()
    decode = f'b.a2b_base64(b\\"{code}\\")'
    decode = f"zlib.decompress({decode})" if deflated else decode
    names = "zlib,binascii as b" if deflated else "binascii as b"
    run = f'$p -E -S -c "import {names};exec({decode})"'
    script = (
        f"n=1;cd /;for p in {' '.join(launch.pythons)};do "
        "command -v $p >/dev/null 2>&1||continue;"
        f"{run};r=$?;"
        f"if [ $r -eq {DONE} ]||[ $r -gt 128 ];then n=;break;fi;done;"
        # Without a Python a shell on a pipe stays: it can do without the agent.
        + ("" if terminal or not launch.leave else '[ -z "$n" ]&&exit;')
        + '[ -z "$n" ]||echo "@@""MF NOPYTHON"'
    )
    if terminal:
        # A wrong bit makes ^C of a C, ^Z of a Z, ^S of an S.
        modes = "-echo -isig -iexten" + ("" if launch.xonxoff else " -ixon")
        script = f's=$(stty -g);stty {modes};{script};stty "$s"'
    if terminal and launch.log_level is not None:
        script = (
            f"k=$(cut -f1 {PRINTK})&&echo {launch.log_level} >{PRINTK};{script};"
            f'[ -z "$k" ]||echo "$k" >{PRINTK}'
        )
    if launch.leave and terminal:
        script += ';[ -z "$n" ]&&exit'
    return script


@dataclass(frozen=True, slots=True)
class Guarded:
    """Lines that make a shell run a script if all of it arrived.

    parts: the script, cut; each is kept by a line of its own.  Each line is short
    enough for any line editor, and begins with a blank, which keeps it out of the
    history of shells that heed that.
    """

    parts: tuple[str, ...]

    @property
    def _run(self) -> str:
        # If it is not whole it tells how long each part is there.
        numbers = range(len(self.parts))
        whole = "".join(f"$m{number}" for number in numbers)
        script = "".join(self.parts)
        octets = script.encode("ascii")
        crc = posix_cksum(octets)
        md5, sha1 = (
            hashlib.new(name, octets, usedforsecurity=False).hexdigest()
            for name in ("md5", "sha1")
        )
        # Not each busybox has a cksum.
        tools = "{ cksum||md5sum||sha1sum;} 2>/dev/null"
        told = "".join(f" ${{#m{number}}}" for number in numbers)
        bad = f'echo "@@""MF BAD{told}"'
        return (
            f' s=$(printf %s "{whole}"|{tools});if [ "$s" = "{crc} {len(script)}" ]||'
            f'[ "${{s%% *}}" = {md5} ]||[ "${{s%% *}}" = {sha1} ];'
            f'then eval "{whole}";else {bad};fi'
        )

    def lines(self, sizes: Sequence[int] = ()) -> list[str]:
        """Return the lines to type; after a BAD, by the sizes that it told.

        Parts of the right size are then left out, unless all are: one of them is
        wrong, and nobody knows which.
        """
        right = [len(part) for part in self.parts]
        if len(sizes) != len(right) or list(sizes) == right:
            sizes = [-1] * len(right)
        quoted = [part.replace("'", "'\\''") for part in self.parts]
        keep = [
            f" m{number}='{quoted[number]}'"
            for number, part in enumerate(self.parts)
            if sizes[number] != len(part)
        ]
        return [*keep, self._run]


def guarded(script: str) -> Guarded:
    """Return a script in parts of about one size."""
    size = -(-len(script) // -(-len(script) // PART_LENGTH))
    parts = [script[at : at + size] for at in range(0, len(script), size)]
    return Guarded(tuple(parts))


def posix_cksum(octets: bytes) -> int:
    """Return the CRC that ``cksum`` prints.

    Source: POSIX, cksum: CRC-32 with the polynomial 04C11DB7, not reflected, over the
    bytes and then the length, least significant byte first.
    """
    length = len(octets)
    tail = length.to_bytes((length.bit_length() + 7) // 8, "little")
    # zlib's is reflected: with the bits of each byte the other way it is this one, and
    # begins with 0 if told that it has come to all ones.
    reflected = zlib.crc32((octets + tail).translate(_MIRRORED), 0xFFFFFFFF)
    return int(f"{reflected:032b}"[::-1], 2)
