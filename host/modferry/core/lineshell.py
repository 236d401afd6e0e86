r"""A shell at the far end of a line that loses: what it runs, and how lines look.

On a terminal a box's shell cannot be told what a shell on a pipe is: of a line may come
a part, or nothing, and the kernel prints into the answers.  So the login's shell starts
a program, which is a shell's, too, and takes lines::

    @TOKEN SUM STEP VERB ARGUMENTS        to the box
    =TOKEN STEP ... SUM                   to the host

SUM is of the line without it: CRC.LENGTH by ``cksum``, else by ``md5sum`` or the like.
Other lines are passed over.  Each may come twice or not at all::

    STEP d NUMBER FORM PIECE   the next piece of a text; begins the step with number 0
    STEP r FORM COUNT SUM HOW ASKED  run the text, once, if it has so many pieces
    STEP ? ASKED               how far is it
    STEP g BLOCK FIRST COUNT   pieces of the output: =TOKEN STEP g BLOCK NUMBER PIECE
    0 a                        what it can: =TOKEN 0 a FORMS ARMOUR SUMTOOL DIRECTORY
    0 k                        nothing: the host lives
    0 x                        leave: =TOKEN 0 x

``r`` and ``?`` are answered by ``=TOKEN STEP COUNT STATE STATUS SIZE SUM ASKED``, the
last four of the output once it is done, and the number of the question.

A text runs in a shell of its own.  HOW is ``r``: in the background, so that the program
answers meanwhile; ``w``: the program waits for it, which is quicker; ``e``: by the
program's shell itself; ``k``: it is no script, keep it.

The terminal gives up a read after 6 seconds; after two without a line the program
leaves, and the terminal is put back as it was.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator

from modferry.core.launch import PRINTK, posix_cksum

SPEAKS = rb"=%s \d+ \d+ [a-z]+ "
"""What the program's state looks like; with the token."""

READ_DECISECONDS = 60
HELD_BYTES = 16_384
SMALL_BYTES = 512
"""An output of so much comes behind the state without being asked for, as a piece of
that size."""


_PROGRAM = r"""
T=%(token)s
PATH=$PATH:/sbin:/usr/sbin:/bin:/usr/bin
export PATH
exec 2>/dev/null
U=$(printf "\025")
D=
umask 077
set -f
for d in /tmp /run /dev/shm /var/tmp;do
mkdir $d/modferry-$T-$$ 2>/dev/null&&D=$d/modferry-$T-$$&&break
done
J=
fin(){ i=0
while [ "$J" ]&&[ ! -f $D/e ]&&[ $i -lt 10 ];do sleep 1;i=$((i+1));done
[ "$J" ]&&kill $J
cd /;rm -rf $D
}
trap fin EXIT
trap "exit 1" HUP TERM PIPE
for K in cksum md5sum sha1sum sha256sum;do $K </dev/null >/dev/null&&break;done
ck(){ k=$(printf %%s "$1"|$K);case $K in cksum)k=${k%%%% *}.${k#* };;
*)k=${k%%%% *};;
esac
}
say(){ r="=$T $*"
ck "$r"
printf "\n%%s %%s\n" "$r" $k
}
can(){ [ "$(eval "$1" 2>/dev/null)" = "$2" ];}
B=b
can "echo YWI=|base64 -d" ab&&B=b6&&can "echo ab|gzip -c|gzip -dc" ab&&B=b6z
if can "printf ab|base64" YWI=;then arm(){ base64;};A=6
elif can "printf ab|od -An -v -tx1" " 61 62";then arm(){ od -An -v -tx1;};A=x
elif can "printf ab|uuencode -m x|sed -n 2p" YWI=;then arm(){ uuencode -m x|sed 1d;};A=6
else arm(){ hexdump -v -e "1/1 \"%%02x\"";};A=x
fi
for H in sha256sum sha1sum md5sum cksum;do $H </dev/null >/dev/null 2>&1&&break;done
sm(){ set -- $($H <$1);echo $1;}
job(){ trap "" HUP
(set +f;. $D/s) </dev/null >$D/o 2>/dev/null
echo $? >$D/t||{ rm -f $D/o;echo full >$D/t;}
mv $D/t $D/e
}
n=0;g=0;s=done;z="0 0 -";f=0;u=0;b=0
[ "$D" ]||s=full
tell(){ if [ $s = run ]&&[ -f $D/e ];then
wait;J=;read x <$D/e
set -- $(wc -c <$D/o)
z="$x ${1:-0} $(sm $D/o)";s=done
fi
say $n $g $s $z ${b##* }
}
part(){ say $n g $1 $2 $(dd if=$D/o bs=$1 skip=$2 count=1 2>/dev/null|arm)
}
tell
while [ $f -lt 2 ]&&[ $u -lt 2 ];do
if IFS= read -r l;then :;else f=$((f+1));continue;fi
case $l in *"@$T "*);;*"$U"*)u=$((u+1));continue;;*)continue;;esac
l=${l##*"@$T "};c=${l%%%% *};b=${l#* }
ck "@$T $b"
[ $k = "$c" ]||continue
f=0;u=0
m=${b%%%% *};b=${b#* };v=${b%%%% *};a=${b#* }
case $v in
d)q=${a%%%% *};a=${a#* }
if [ $m = $((n+1)) ]&&[ $q = 0 ]&&[ $s != run ]&&[ $s != full ];then
n=$m;g=0;s=open;: >$D/i;fi
if [ $m.$q.$s = $n.$g.open ];then
case $a in 6*)printf "%%s\n" "${a#6}" >>$D/i;;
*)printf %%b "${a#b}" >>$D/i;;
esac&&g=$((g+1))||s=full
fi;;
r)set -- $a
if [ $m.$s.$2 = $n.open.$g ];then
case $1 in 6)base64 -d <$D/i >$D/s;;
z)base64 -d <$D/i|gzip -dc >$D/s;;
*)cat $D/i >$D/s;;
esac
if [ "$(sm $D/s)" != $3 ];then s=bad
elif [ $4 = e ];then set +f;. $D/s;set -f;s=done;z="0 0 -"
elif [ $4 = k ];then mv $D/s $D/f;s=done;z="0 0 -"
else rm -f $D/e;s=run;z="0 0 -"
if [ $4 = w ];then (job);else job& J=$!;fi;fi
tell
set -- $z
[ $s = done ]&&[ $2 -gt 0 ]&&[ $2 -le %(small)d ]&&part %(small)d 0
else tell;fi;;
\?)tell;;
g)set -- $a
i=$2;j=$(($2+$3))
while [ $m.$s = $n.done ]&&[ $i -lt $j ];do
part $1 $i
i=$((i+1))
done;;
a)say 0 a $B $A $H $D;;
x)say 0 x;exit;;
esac
done
"""


def start_script(
    token: str, *, leave: bool, log_level: int | None, xonxoff: bool
) -> str:
    """Return what the login's shell runs; the terminal is as it was afterwards.

    See `modferry.core.launch.Launch` for what is asked.
    """
    program = _one_line(_PROGRAM.strip() % {"token": token, "small": SMALL_BYTES})
    modes = "-echo -isig -iexten -icanon" + ("" if xonxoff else " -ixon")
    # Without canonical mode a line has no longest length, and a read an end in time.
    script = (
        f"s=$(stty -g);stty {modes} min 0 time {READ_DECISECONDS};"
        f"sh -c '{program}';stty \"$s\""
    )
    if log_level is not None:
        script = (
            f"k=$(cut -f1 {PRINTK})&&echo {log_level} >{PRINTK};{script};"
            f'[ -z "$k" ]||echo "$k" >{PRINTK}'
        )
    return script + (";exit" if leave else "")


# A shell that is typed to asks for the rest of each line that is not the last.
def _one_line(program: str) -> str:
    lines = program.split("\n")
    return "".join(
        line + (" " if line.endswith(("do", "then", " in", ";;", "{")) else ";")
        for line in lines
    ).rstrip(";")


LINE_SUMS = ("cksum", "md5sum", "sha1sum", "sha256sum")
"""By which of them the lines are summed: the first one that the box has."""


def line_sum(line: bytes, tool: str) -> str:
    """Return the sum of a line as it stands in it."""
    if tool == "cksum":
        return f"{posix_cksum(line)}.{len(line)}"
    name = tool.removesuffix("sum")
    return hashlib.new(name, line, usedforsecurity=False).hexdigest()


def line_to_box(token: str, body: str, tool: str = LINE_SUMS[0]) -> bytes:
    """Return a line for the program; tool: by which it is summed."""
    summed = line_sum(f"@{token} {body}".encode("ascii"), tool)
    return f"@{token} {summed} {body}\n".encode("ascii")


class Answers:
    """The program's lines out of all that a console says.

    console: takes what is none of them.
    tool: by which the lines are summed.
    """

    KERNEL = re.compile(rb"(<\d>)?\[ *\d+\.\d{6}\][^\r\n]*\r*\n")

    def __init__(self, token: str, console: Callable[[bytes], None]) -> None:
        """Begin with nothing heard."""
        self._mark = f"={token} ".encode()
        self._console = console
        self._held = b""
        self.tool = LINE_SUMS[0]

    def feed(self, octets: bytes) -> Iterator[list[str]]:
        """Yield the words of each whole line, without the token.

        A line of the kernel's in the middle of one is taken out of it.
        """
        left = self._held + octets
        while b"\n" in left:
            line, left = left[: left.index(b"\n") + 1], left[left.index(b"\n") + 1 :]
            found = self.KERNEL.search(line)
            if found is not None:
                self._console(line[found.start() :])
                left = line[: found.start()] + left
                continue
            words = self._words(line)
            if words is None:
                self._console(line)
            elif words:
                yield words
        self._held = left[-HELD_BYTES:]

    def _words(self, line: bytes) -> list[str] | None:
        _, mark, text = line.strip().rpartition(self._mark)
        body, _, summed = text.rpartition(b" ")
        if not mark:
            return None
        whole = mark + body
        if summed.decode("latin-1") != line_sum(whole, self.tool):
            # A torn line of ours is nothing for a person to see.
            return []
        return body.decode("ascii", "replace").split(" ")


def encode_piece(content: bytes, form: str) -> str:
    """Return a piece of a text as it goes to the box.

    form: ``6`` base64; ``b`` as ``printf %b`` takes it.
    """
    if form == "6":
        return base64.b64encode(content).decode("ascii")
    return "".join(
        chr(octet)
        if chr(octet).isascii() and chr(octet).isprintable() and octet not in b"\\ "
        else f"\\0{octet:03o}"
        for octet in content
    )


def decode_piece(words: list[str], armour: str) -> bytes | None:
    """Return a piece of an output; None if it is none.

    armour: ``6`` base64, which uuencode ends with ``====``; ``x`` hexadecimal.
    """
    text = "".join(word for word in words if word != "====")
    try:
        if armour == "6":
            return base64.b64decode(text, validate=True)
        return bytes.fromhex(text)
    except (binascii.Error, ValueError):
        return None
