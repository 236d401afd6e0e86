"""Work shared between this process and a second one, where there are two processors.

The second one is a fork: it has all that this one has, and sends plain values back by
marshal, which both speak alike.  Whatever goes wrong with it, this process does its
share as well, so that nothing depends on there being one; a job must not change what
another one sees.
"""

import errno
import gc
import marshal
import os
import struct
import sys

from modferry_agent.compat import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence  # noqa: F401  # novermin

    Report = Callable[[int], None]

# A fork and its end take 5 ms, the time for reading some fifty modules.
_FEWEST = 200
# How many pieces of work are taken at once.
_STRIDE = 16
# What a pipe holds at least.  Source: pipe(7), "Pipe capacity".
_PIPE_BYTES = 4096
_COUNT = struct.Struct("=I")
_SIZE = struct.Struct("=Q")


def processors():
    # type: () -> int
    """Return how many processors this process may run on."""
    try:
        return len(os.sched_getaffinity(0))  # novermin
    except (AttributeError, OSError):
        pass
    try:
        return int(os.sysconf("SC_NPROCESSORS_ONLN"))
    except (AttributeError, ValueError, OSError):
        return 1


def _has_threads():
    # type: () -> bool
    # A fork has only one of them, and whatever locks the others held.
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


class Helper(object):
    """A second process for a few jobs, one after the other; it may fail at any time.

    It is forked at once, while there is little in the memory: what two processes share
    is copied page by page when either of them as much as looks at it.
    """

    def __init__(self, jobs):
        # type: (Sequence[Callable[[Any], Any]]) -> None
        """Fork, if there is a second processor.

        jobs: take and return what marshal takes
        """
        self._jobs = jobs
        self._pid = self._answers = self._orders = -1
        self._is_at_work = False
        if processors() > 1 and not _has_threads():
            try:
                self._fork()
            except EnvironmentError:
                # Too many processes or open files: done without.
                self.end()

    def _fork(self):
        # type: () -> None
        orders = os.pipe()
        answers = os.pipe()
        self._answers, self._orders = answers[0], orders[1]
        try:
            self._pid = os.fork()
            if self._pid == 0:
                os.close(answers[0])
                os.close(orders[1])
                _serve(self._jobs, orders[0], answers[1])
        finally:
            os.close(orders[0])
            os.close(answers[1])

    def begin(self, number, argument):
        # type: (int, Any) -> bool
        """Give the other process a job; False if there is none to give it to."""
        if self._pid > 0:
            try:
                _send(self._orders, (number, argument))
                self._is_at_work = True
                return True
            except EnvironmentError:
                self.end()
        return False

    def answer(self):
        # type: () -> tuple[bool, Any]
        """Wait for what the job that was begun returns; False if it does not."""
        if self._pid > 0 and self._is_at_work:
            self._is_at_work = False
            try:
                return True, _receive(self._answers)
            except (EnvironmentError, ValueError, EOFError, TypeError, struct.error):
                self.end()
        return False, None

    def end(self):
        # type: () -> None
        """End the other process, which may be in the middle of a job."""
        for handle in (self._orders, self._answers):
            if handle >= 0:
                os.close(handle)
        self._orders = self._answers = -1
        while self._pid > 0:
            try:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
            except EnvironmentError as error:
                if error.errno == errno.EINTR:
                    continue
            self._pid = -1

    def __del__(self):
        # type: () -> None
        """End with whoever had it."""
        self.end()


def _serve(jobs, orders, answers):
    # type: (Sequence[Callable[[Any], Any]], int, int) -> None
    try:
        # Collecting would touch, and so copy, all that is shared.
        gc.disable()
        while True:
            number, argument = _receive(orders)
            _send(answers, jobs[number](argument))
    finally:
        # Nothing of what the other process was about to do is this one's.
        os._exit(0)


def _send(handle, value):
    # type: (int, Any) -> None
    octets = marshal.dumps(value, 2)
    octets = _SIZE.pack(len(octets)) + octets
    at = 0
    while at < len(octets):
        try:
            at += os.write(handle, octets[at : at + (1 << 20)])
        except EnvironmentError as error:
            if error.errno != errno.EINTR:
                raise


def _receive(handle):
    # type: (int) -> Any
    size = _SIZE.unpack(_read(handle, _SIZE.size))[0]
    pieces = []
    while size:
        piece = _read(handle, min(size, 1 << 20))
        if not piece:
            raise EOFError
        pieces.append(piece)
        size -= len(piece)
    return marshal.loads(b"".join(pieces))  # noqa: S302  (from our own fork)


class Shares(object):
    """Pieces of work that two processes take from one pile, until there is none left.

    count: how many; work: computes one of them, and returns what marshal takes
    """

    def __init__(self, count, work):
        # type: (int, Callable[[int], Any]) -> None
        """Make the pile, before the fork."""
        self._count = count
        self._work = work
        self._stride = max(_STRIDE, count * _COUNT.size // _PIPE_BYTES + 1)
        self._numbers = None  # type: _Numbers | None
        if count >= _FEWEST:
            try:
                self._numbers = _Numbers((count + self._stride - 1) // self._stride)
            except EnvironmentError:
                pass

    def work_off(self, report=None):
        # type: (Report | None) -> dict[int, Any]
        """Take from the pile until it is empty; return what came, by its number."""
        done = {}  # type: dict[int, Any]
        number = None if self._numbers is None else self._numbers.take()
        while number is not None and self._numbers is not None:
            start = number * self._stride
            for index in range(start, min(self._count, start + self._stride)):
                done[index] = self._work(index)
            if report is not None:
                report(len(done))
            number = self._numbers.take()
        return done

    def all(self, helper, number, report=None):
        # type: (Helper | None, int, Report | None) -> list[Any]
        """Return all of them; job ``number`` of the helper is to work off its share."""
        done = {}  # type: dict[int, Any]
        if self._numbers is not None:
            is_begun = helper is not None and helper.begin(number, None)
            done = self.work_off(report)
            if is_begun and helper is not None:
                done.update(helper.answer()[1] or {})
            self._numbers.close()
            self._numbers = None
        results = []
        for index in range(self._count):
            if index not in done and report is not None and index % _STRIDE == 0:
                report(index)
            results.append(done[index] if index in done else self._work(index))
        return results


class _Numbers(object):
    # Numbers in a pipe, from which each process takes the next one when it has time.

    def __init__(self, count):
        # type: (int) -> None
        self._reader, writer = os.pipe()
        try:
            os.write(writer, b"".join([_COUNT.pack(number) for number in range(count)]))
        finally:
            os.close(writer)

    def take(self):
        # type: () -> int | None
        packed = _read(self._reader, _COUNT.size)
        if len(packed) < _COUNT.size:
            return None
        number = _COUNT.unpack(packed)[0]  # type: int
        return number

    def close(self):
        # type: () -> None
        os.close(self._reader)


def _read(handle, size):
    # type: (int, int) -> bytes
    while True:
        try:
            return os.read(handle, size)
        except EnvironmentError as error:
            if error.errno != errno.EINTR:
                raise
