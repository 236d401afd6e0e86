"""What makes the module system calls, whatever it makes them with."""

import errno
import os

# O_NONBLOCK always: without it kernels before 3.13 sleep, unkillable, until the module
# is unused.  Since Linux commit 3f2b9c9cdf38 ("module: remove rmmod --wait option").
DELETE_FLAGS = os.O_NONBLOCK


class Loader(object):
    """What makes the calls.

    kind: ctypes, perl, insmod or busybox.
    caller: the thread id that made the last call, as the kernel logs it.
    """

    kind = ""

    def __init__(self):
        # type: () -> None
        """Start as this process."""
        self.caller = os.getpid()

    def insert(self, image, parameters):
        # type: (bytes, str) -> tuple[str, int]
        """Hand the module's bytes to the kernel; return (name of the call, errno)."""
        raise NotImplementedError

    def insert_file(self, handle, parameters, flags):
        # type: (int, str, int) -> tuple[str, int]
        """Hand an open file to the kernel; ENOSYS where there is no finit_module."""
        return "finit_module", errno.ENOSYS

    def delete(self, name, flags=DELETE_FLAGS):
        # type: (str, int) -> tuple[str, int]
        """Remove the module of that inner name; return (name of the call, errno)."""
        raise NotImplementedError

    def read_ring(self):
        # type: () -> tuple[bytes, int]
        """Return (the kernel's log as syslog(2) gives it, errno); consumes nothing."""
        return b"", errno.ENOSYS
