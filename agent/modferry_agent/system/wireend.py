"""The box's end of the line: descriptors 0 and 1, as bytes, given back as they were.

On a terminal the modes are saved, the line is made raw, and the modes are put back
whatever ends the agent short of SIGKILL (for which the shell line that started it has
its own ``stty``).  Nothing else may print on the wire: descriptor 1 is pointed at the
error output as soon as it is taken.
"""

import errno
import os
import select
import sys

from modferry_agent.compat import TYPE_CHECKING, signal
from modferry_agent.errors import RequestError

if TYPE_CHECKING:
    from types import FrameType  # noqa: F401  # novermin
    from typing import Any  # noqa: F401  # novermin

READ_SIZE = 65536
# select() calls a terminal writable from 256 free bytes on; more could block.
TTY_WRITE_SIZE = 256
# And a pipe writable when so many fit: PIPE_BUF of Linux.
PIPE_WRITE_SIZE = 4096
_ENDINGS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


def clock():
    # type: () -> float
    """Return seconds since some moment, untouched by whoever sets the box's time.

    times(2) counts from the boot or about; time.monotonic is of Python 3.3.
    """
    return os.times()[4]


def speed_constant(baud):
    # type: (int) -> int
    """Return termios' constant of a speed; RequestError if there is none."""
    try:
        import termios

        constant = getattr(termios, "B%d" % baud)  # type: int
    except (ImportError, AttributeError):
        raise RequestError("this Python knows no speed of %d" % baud, code="no-speed")
    return constant


class LineError(Exception):
    """The line is gone, or the process was told to end."""


class WireEnd(object):
    """Descriptors 0 and 1, taken for the wire.

    write_limit_s: how long the line may refuse bytes before it counts as gone
    """

    def __init__(self, write_limit_s):
        # type: (float) -> None
        """Take the descriptors; raw modes on a terminal."""
        self._write_limit_s = write_limit_s
        self._modes = None  # type: list[Any] | None
        self.tty = os.isatty(0)
        # SIGPIPE stays ignored, as Python has it: a tool of the box that leaves before
        # it has read its input would end the session.
        for number in _ENDINGS:
            signal.signal(number, _end)
        if self.tty:
            import termios

            self._modes = termios.tcgetattr(0)
            # TCSANOW: waiting for the output to drain could hang on a dead line.
            termios.tcsetattr(0, termios.TCSANOW, _raw_modes(self._modes))
        self._in = os.dup(0)
        self._out = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def read(self, timeout_s):
        # type: (float) -> bytes
        """Return what came in time, b"" if nothing; LineError if the line is gone."""
        if not self._ready(self._in, None, timeout_s):
            return b""
        try:
            octets = os.read(self._in, READ_SIZE)
        except (OSError, IOError) as error:
            if error.errno in (errno.EINTR, errno.EAGAIN):
                return b""
            raise LineError("the line is gone: %s" % error.strerror)
        if not octets:
            raise LineError("the line was closed")
        return octets

    def write(self, octets):
        # type: (bytes) -> None
        """Write all; LineError if the line takes nothing for the limit."""
        size = TTY_WRITE_SIZE if self.tty else PIPE_WRITE_SIZE
        at = 0
        last = clock()
        while at < len(octets):
            if not self._ready(None, self._out, 0.5):
                if clock() - last > self._write_limit_s:
                    raise LineError("the line takes no bytes")
                continue
            try:
                at += os.write(self._out, octets[at : at + size])
            except (OSError, IOError) as error:
                if error.errno in (errno.EINTR, errno.EAGAIN):
                    continue
                raise LineError("the line is gone: %s" % error.strerror)
            last = clock()

    def set_speed(self, constant):
        # type: (int) -> int
        """Set the terminal's speed, both ways; return the constant of the last."""
        import termios

        modes = termios.tcgetattr(self._in)
        before = modes[5]  # type: int
        modes[4] = modes[5] = constant
        termios.tcsetattr(self._in, termios.TCSANOW, modes)
        return before

    def close(self):
        # type: () -> None
        """Give the terminal back, with the modes that it had."""
        if self._modes is not None:
            import termios

            try:
                termios.tcsetattr(self._in, termios.TCSANOW, self._modes)
            except termios.error:
                pass  # The terminal hung up: nobody is left to see its modes.
            self._modes = None
        os.dup2(self._in, 0)
        os.dup2(self._out, 1)

    @staticmethod
    def _ready(reader, writer, timeout_s):
        # type: (int | None, int | None, float) -> bool
        readers = [] if reader is None else [reader]
        writers = [] if writer is None else [writer]
        try:
            ready = select.select(readers, writers, [], timeout_s)
        except (select.error, OSError) as error:
            # Before Python 3.5 a signal ends the wait by an error.
            if error.args[0] == errno.EINTR:
                return False
            raise
        return bool(ready[0] or ready[1])


def _end(number, frame):
    # type: (int, FrameType | None) -> None
    # Once told, not again: the modes must get back undisturbed.
    for other in _ENDINGS:
        signal.signal(other, signal.SIG_IGN)
    raise LineError("signal %d" % number)


def _raw_modes(modes):
    # type: (list[Any]) -> list[Any]
    # cfmakeraw(3), with the speed and the hardware's settings left as they are;
    # software flow control stays where the terminal has it: the line may need it.
    import termios

    iflag, oflag, cflag, lflag, ispeed, ospeed, control = modes
    iflag &= ~(
        termios.IGNBRK
        | termios.BRKINT
        | termios.PARMRK
        | termios.ISTRIP
        | termios.INLCR
        | termios.IGNCR
        | termios.ICRNL
    )
    if not iflag & termios.IXOFF:
        iflag &= ~termios.IXON
    oflag &= ~termios.OPOST
    lflag &= ~(
        termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN
    )
    control = list(control)
    control[termios.VMIN] = 1
    control[termios.VTIME] = 0
    return [iflag, oflag, cflag, lflag, ispeed, ospeed, control]
