"""The module system calls where Python has no ctypes: by perl or the box's tools."""

import errno
import os

from modferry_agent import compat
from modferry_agent.core import errnos
from modferry_agent.system.loader import DELETE_FLAGS, Loader
from modferry_agent.system.processes import private_directory, run

_PERL_REPLY = "print $r==-1?$!+0:0;"
_PERL_INSERT = (
    "binmode STDIN;local $/;$i=<STDIN>;$n=$ARGV[0]+0;$l=length $i;"
    '$p=$ARGV[1]."\\0";$r=syscall($n,$i,$l,$p);' + _PERL_REPLY
)
_PERL_INSERT_FILE = (
    '$n=$ARGV[0]+0;$p=$ARGV[1]."\\0";$f=$ARGV[2]+0;'
    "$r=syscall($n,0,$p,$f);" + _PERL_REPLY
)
_PERL_DELETE = (
    '$n=$ARGV[0]+0;$m=$ARGV[1]."\\0";$f=$ARGV[2]+0;$r=syscall($n,$m,$f);' + _PERL_REPLY
)
_PERL_RING = (
    "binmode STDOUT;$n=$ARGV[0]+0;$s=syscall($n,10,0,0);$s=1<<18 if $s<1;"
    '$b="\\0" x $s;$r=syscall($n,3,$b,$s);'
    'if($r<0){print "E",$!+0}else{print "T",substr($b,0,$r)}'
)


class PerlLoader(Loader):
    """The same calls, made by a perl process each."""

    kind = "perl"

    def __init__(self, perl, numbers):
        # type: (str, tuple[int, int, int, int]) -> None
        """Remember which perl, and its own numbers: it may be 32-bit beside a 64."""
        Loader.__init__(self)
        self._perl = perl
        self._numbers = numbers

    def _run(self, script, arguments, content=b"", stdin=None):
        # type: (str, list[object], bytes, int | None) -> bytes
        command = [self._perl, "-e", script] + [str(word) for word in arguments]
        self.caller, _, output, _ = run(command, content, stdin)
        return output

    def insert(self, image, parameters):
        # type: (bytes, str) -> tuple[str, int]
        """Call init_module in perl, the image through its standard input."""
        output = self._run(_PERL_INSERT, [self._numbers[0], parameters], image)
        return "init_module", _errno_of(output)

    def insert_file(self, handle, parameters, flags):
        # type: (int, str, int) -> tuple[str, int]
        """Call finit_module in perl on the inherited file."""
        words = [self._numbers[1], parameters, flags]
        output = self._run(_PERL_INSERT_FILE, words, stdin=handle)
        return "finit_module", _errno_of(output)

    def delete(self, name, flags=DELETE_FLAGS):
        # type: (str, int) -> tuple[str, int]
        """Call delete_module in perl."""
        output = self._run(_PERL_DELETE, [self._numbers[2], name, flags])
        return "delete_module", _errno_of(output)

    def read_ring(self):
        # type: () -> tuple[bytes, int]
        """Call syslog with READ_ALL in perl."""
        output = self._run(_PERL_RING, [self._numbers[3]])
        if output[:1] == b"T":
            return output[1:], 0
        return b"", _errno_of(output[1:])


class ToolLoader(Loader):
    """The box's own insmod and rmmod, whose words are turned back into an errno."""

    def __init__(self, kind, insmod, rmmod):
        # type: (str, list[str], list[str]) -> None
        """Remember the two commands."""
        Loader.__init__(self)
        self.kind = kind
        self._insmod = insmod
        self._rmmod = rmmod

    def insert(self, image, parameters):
        # type: (bytes, str) -> tuple[str, int]
        """Run insmod on a private copy of the checked bytes: it can only read files."""
        directory = private_directory()
        path = directory + "/module.ko"
        try:
            handle = os.open(
                compat.raw(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 384
            )
            stream = os.fdopen(handle, "wb")
            try:
                stream.write(image)
            finally:
                stream.close()
            words = errnos.split_parameters(parameters)
            return self.kind, self._errno(self._insmod + [path] + words)
        finally:
            if os.path.exists(compat.raw(path)):
                os.unlink(compat.raw(path))
            os.rmdir(compat.raw(directory))

    def delete(self, name, flags=DELETE_FLAGS):
        # type: (str, int) -> tuple[str, int]
        """Run rmmod; it does not wait unless told to."""
        return self.kind, self._errno(self._rmmod + [name])

    def read_ring(self):
        # type: () -> tuple[bytes, int]
        """Run dmesg; -r keeps the levels, and old ones do not know it."""
        for command in (["dmesg", "-r"], ["dmesg"]):
            _, status, output, _ = run(command)
            if status == 0:
                return output, 0
        return b"", errno.ENOSYS

    def _errno(self, command):
        # type: (list[str]) -> int
        self.caller, status, output, words = run(command)
        if status == 0:
            return 0
        return errnos.errno_of_text(compat.native(words or output), os.strerror)


def _errno_of(output):
    # type: (bytes) -> int
    text = compat.native(output).strip()
    return int(text) if text.isdigit() else errno.EIO
