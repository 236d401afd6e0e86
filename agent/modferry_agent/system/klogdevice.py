"""The kernel's log of one load, and no more: read from a position, not by text.

/dev/kmsg can be read from Linux 3.5 on; before, it can only be written to, and
syslog(2)'s copy of the ring is cut between two marks written there.  Without the
device two copies of the ring are compared.  Nothing here consumes or clears the log.
"""

import errno
import os
import time

from modferry_agent import compat
from modferry_agent.core import klog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modferry_agent.core.klog import Record  # noqa: F401
    from modferry_agent.system.loader import Loader  # noqa: F401

DEVICE = "/dev/kmsg"
# One record; a smaller read than the record is EINVAL, and the record is skipped.
_READ_SIZE = 16384
# What a load set going may print after the call has returned.
SETTLE_S = 0.08
_MARK_LEVEL = 7  # stays off the console


class Bracket(object):
    """The records between its making and `collect`.

    interface: kmsg, syslog, or None when the log cannot be read at all.
    """

    def __init__(self, loader=None, device=DEVICE, settle_s=SETTLE_S):
        # type: (Loader | None, str, float) -> None
        """Note where the log ends now."""
        self.interface = None  # type: str | None
        self._device = device
        self._loader = loader
        self._settle_s = settle_s
        self._mark = ""
        self._before = None  # type: str | None
        self._handle = open_at(device, os.SEEK_END)
        if self._handle >= 0:
            self.interface = "kmsg"
        elif loader is not None:
            self._begin_by_ring()

    def _begin_by_ring(self):
        # type: () -> None
        boot = "%d-%d" % (os.getpid(), int(time.time() * 1000))
        ring, code = self._read_ring()
        if code:
            return
        self.interface = "syslog"
        self._before = ring
        if self._write_mark("modferry: mark %s A" % boot):
            self._mark = boot

    def _write_mark(self, text):
        # type: (str) -> bool
        try:
            handle = os.open(compat.raw(self._device), os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            os.write(handle, compat.raw("<%d>%s\n" % (_MARK_LEVEL, text)))
        except OSError:
            return False
        finally:
            os.close(handle)
        return True

    def _read_ring(self):
        # type: () -> tuple[str, int]
        if self._loader is None:
            return "", errno.ENOSYS
        octets, code = self._loader.read_ring()
        return compat.native(octets), code

    def collect(self):
        # type: () -> tuple[list[Record], bool]
        """Return the records since, of the kernel itself, and whether some are lost."""
        if self.interface is None:
            return [], True
        if self.interface == "kmsg":
            records, lost = read_records(self._handle)
            time.sleep(self._settle_s)
            more, lost_too = read_records(self._handle)
            records, lost = records + more, lost or lost_too
            os.close(self._handle)
            self._handle = -1
            return [entry for entry in records if entry["facility"] == 0], lost
        time.sleep(self._settle_s)
        marked = self._mark and self._write_mark("modferry: mark %s B" % self._mark)
        ring, code = self._read_ring()
        if code:
            return [], True
        if marked and "mark %s B" % self._mark in ring:
            first, last = "mark %s A" % self._mark, "mark %s B" % self._mark
            text, lost = klog.between_marks(ring, first, last)
        else:
            text, lost = klog.new_text(self._before or "", ring)
        records = klog.parse_ring(text, begins_whole=not lost)
        records = [entry for entry in records if "modferry: mark" not in entry["text"]]
        return [entry for entry in records if entry["facility"] in (0, None)], lost

    def abandon(self):
        # type: () -> None
        """Close without reading; nothing after `collect`."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def open_at(device, whence):
    # type: (str, int) -> int
    """Return a descriptor to read records from, or -1 where that cannot be done.

    whence: os.SEEK_SET for the first record kept, os.SEEK_END for the next to come.
    """
    try:
        handle = os.open(compat.raw(device), os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return -1
    try:
        os.lseek(handle, 0, os.SEEK_END)
        os.read(handle, _READ_SIZE)
    except OSError as error:
        # EAGAIN: nothing behind the end, as it should be; EPIPE: a busy, small ring.
        # EINVAL: a kernel before 3.5, whose /dev/kmsg is for writing.
        if error.errno not in (errno.EAGAIN, errno.EPIPE):
            os.close(handle)
            return -1
    try:
        os.lseek(handle, 0, whence)
    except OSError:
        os.close(handle)
        return -1
    return handle


def read_records(handle, limit=None):
    # type: (int, int | None) -> tuple[list[Record], bool]
    """Return the records up to the end of the log, and whether some are lost."""
    records = []  # type: list[Record]
    lost = False
    while limit is None or len(records) < limit:
        try:
            octets = os.read(handle, _READ_SIZE)
        except OSError as error:
            if error.errno == errno.EINTR:
                continue
            if error.errno == errno.EPIPE:  # overwritten while it waited to be read
                lost = True
                continue
            break
        if not octets:
            break
        record = klog.parse_record(compat.native(octets))
        if record is not None:
            records.append(record)
    return records, lost
