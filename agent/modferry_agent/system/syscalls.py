"""The module system calls and syslog, by whatever this box has to make them with.

ctypes is best; perl's ``syscall`` (perl-base is on every Debian) is as good; the box's
own insmod or busybox can at least load and remove.  No Python of a ``-minimal``
package has ctypes.  Each call returns an errno, 0 for success, and decides nothing.
"""

import errno
import functools
import os
import sys

from modferry_agent import compat
from modferry_agent.core import syscallnumbers
from modferry_agent.errors import LoadError
from modferry_agent.system.loader import DELETE_FLAGS, Loader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable  # noqa: F401  # novermin

PERLS = ("/usr/bin/perl", "/bin/perl", "/usr/local/bin/perl")
INSMODS = ("/sbin/insmod", "/usr/sbin/insmod", "/bin/insmod", "/usr/bin/insmod")
BUSYBOXES = ("/bin/busybox", "/sbin/busybox", "/usr/bin/busybox")

SYSLOG_READ_ALL = 3
SYSLOG_SIZE_BUFFER = 10


_CALLS = ("init_module", "finit_module", "delete_module", "klogctl")


class CtypesLoader(Loader):
    """The C library's functions; by number what it lacks: glibc has no finit_module."""

    kind = "ctypes"

    def __init__(self, numbers):
        # type: (tuple[int, int, int, int]) -> None
        """Find the C library; ImportError or OSError when ctypes is not usable."""
        Loader.__init__(self)
        import ctypes

        self._ctypes = ctypes
        library = ctypes.CDLL(None, use_errno=True)
        library.syscall.restype = ctypes.c_long
        self._functions = {}  # type: dict[str, Callable[..., int]]
        for name, number in zip(_CALLS, numbers):
            by_number = functools.partial(library.syscall, ctypes.c_long(number))
            self._functions[name] = getattr(library, name, by_number)

    def _call(self, name, *arguments):
        # type: (str, *Any) -> tuple[int, int]
        types = self._ctypes
        for _ in range(8):  # a signal meant for the host's link must not end a load
            types.set_errno(0)
            result = self._functions[name](*arguments)
            if result != -1:
                return int(result), 0
            if types.get_errno() != errno.EINTR:
                break
        return -1, types.get_errno()

    def insert(self, image, parameters):
        # type: (bytes, str) -> tuple[str, int]
        """Call init_module; the parameters are "" at least, for NULL is EFAULT."""
        types = self._ctypes
        size = types.c_ulong(len(image))
        text = types.c_char_p(compat.raw(parameters))
        result = self._call("init_module", types.c_char_p(image), size, text)
        return "init_module", result[1]

    def insert_file(self, handle, parameters, flags):
        # type: (int, str, int) -> tuple[str, int]
        """Call finit_module."""
        types = self._ctypes
        text = types.c_char_p(compat.raw(parameters))
        file, flag = types.c_int(handle), types.c_int(flags)
        return "finit_module", self._call("finit_module", file, text, flag)[1]

    def delete(self, name, flags=DELETE_FLAGS):
        # type: (str, int) -> tuple[str, int]
        """Call delete_module."""
        types = self._ctypes
        text = types.c_char_p(compat.raw(name))
        result = self._call("delete_module", text, types.c_uint(flags))
        return "delete_module", result[1]

    def read_ring(self):
        # type: () -> tuple[bytes, int]
        """Call syslog with READ_ALL, the buffer as large as the ring."""
        types = self._ctypes
        nothing = types.c_char_p(None)
        size = self._call("klogctl", types.c_int(SYSLOG_SIZE_BUFFER), nothing, 0)[0]
        ring = types.create_string_buffer(max(size, 1 << 14))
        kind = types.c_int(SYSLOG_READ_ALL)
        count, code = self._call("klogctl", kind, ring, types.c_int(len(ring)))
        return bytes(ring.raw[: max(count, 0)]), code


def find_loader():
    # type: () -> Loader
    """Return the best way to make the calls here.

    LoadError no-loader: there is none; the hint names what to install.
    """
    # Without /proc, as in a bare chroot, Python knows where it lies.
    own = _head("/proc/self/exe") or _head(sys.executable or "")
    numbers = syscallnumbers.numbers_of_program(own)
    if numbers is not None:
        try:
            return CtypesLoader(numbers)
        except (ImportError, OSError, AttributeError):
            pass  # a -minimal Python, or a libc without syscall(): the next rung
    for perl in PERLS:
        numbers = syscallnumbers.numbers_of_program(_head(perl))
        if numbers is not None:
            from modferry_agent.system.toolloaders import PerlLoader

            return PerlLoader(perl, numbers)
    from modferry_agent.system.toolloaders import ToolLoader

    for insmod in INSMODS:
        if os.access(compat.raw(insmod), os.X_OK):
            rmmod = insmod.replace("insmod", "rmmod")
            return ToolLoader("insmod", [insmod], [rmmod])
    for busybox in BUSYBOXES:
        if os.access(compat.raw(busybox), os.X_OK):
            return ToolLoader("busybox", [busybox, "insmod"], [busybox, "rmmod"])
    raise LoadError(
        "nothing on this box can make the module system calls",
        where="looked for Python's ctypes, perl, insmod and busybox",
        hint="install perl-base (apt-get install perl-base), or Python's ctypes"
        " (the python package beside python-minimal)",
        code="no-loader",
    )


def _head(path):
    # type: (str) -> bytes
    try:
        stream = open(compat.raw(path), "rb")
    except (IOError, OSError):
        return b""
    try:
        return stream.read(64)
    finally:
        stream.close()
