"""How kmod's tools speak: ``NAME: LEVEL: text`` on stderr, by verbosity.

What ours adds to kmod's words stands behind them, on lines of its own::

    modprobe: ERROR: could not insert 'rtai_sem': Unknown symbol in module, ...
      why    rtai_sched.ko exports "rt_register", and is not loaded
      next   depmod
"""

import sys

from modferry_agent import __version__
from modferry_agent.compat import TYPE_CHECKING, binary_stream, raw
from modferry_agent.errors import AgentError
from modferry_agent.tools import options

if TYPE_CHECKING:
    from typing import Any, Callable, Sequence  # noqa: F401  # novermin

# syslog's levels, as kmod names them.
LEVELS = {
    2: "FATAL",
    3: "ERROR",
    4: "WARNING",
    5: "NOTICE",
    6: "INFO",
    7: "DEBUG",
}
FATAL, ERROR, WARNING, NOTICE, INFO, DEBUG = 2, 3, 4, 5, 6, 7


class FatalError(Exception):
    """A FATAL message was printed: the tool ends with status 1."""


class Teller(object):
    """A tool's messages.

    program: as it was called; verbosity: the last level that is printed
    to_syslog: where -s, or a closed stderr, has them
    """

    def __init__(self, program, verbosity):
        # type: (str, int) -> None
        """Start with the tool's default verbosity."""
        self.program = program
        self.name = program[program.rfind("/") + 1 :]
        self.verbosity = verbosity
        self.to_syslog = sys.stderr is None

    def tell(self, level, text, why="", next_step=""):
        # type: (int, str, str, str) -> None
        """Print a message, if it is loud enough; FatalError if it is FATAL.

        why, next_step: what kmod does not say
        """
        if level > self.verbosity:
            return
        text = "%s: %s" % (LEVELS[level], text)
        if self.to_syslog:
            import syslog

            syslog.openlog(self.name, syslog.LOG_CONS, syslog.LOG_DAEMON)
            syslog.syslog(level, text)
        else:
            err("%s: %s\n" % (self.name, text))
        self.add(why, next_step)
        if level == FATAL:
            raise FatalError(text)

    def add(self, why="", next_step=""):
        # type: (str | None, str | None) -> None
        """Print what kmod does not say, behind a message."""
        if self.verbosity < ERROR or self.to_syslog:
            return
        if why:
            err("  why    %s\n" % why)
        if next_step:
            err("  next   %s\n" % on_the_box(next_step))


# What a hint for the host is called on the box itself.
_ON_THE_BOX = (
    ("modferry depmod --on BOX", "depmod"),
    ("modferry klog --on BOX", "dmesg"),
    ("modferry load", "modprobe"),
    ("modferry unload", "modprobe -r"),
    ("modferry push FILE", "put it there, then depmod"),
    ("modferry diagnose", "modinfo"),
    (" --on BOX", ""),
)


def on_the_box(text):
    # type: (str) -> str
    """Return a hint for the host as one for who works on the box itself."""
    for words, here in _ON_THE_BOX:
        text = text.replace(words, here)
    return text


def out(text):
    # type: (str) -> None
    """Write native text to the standard output, which a pipe gets in large pieces."""
    if sys.stdout is None:
        return
    stream = binary_stream(sys.stdout)  # type: Any
    stream.write(raw(text))
    if stream.isatty():
        stream.flush()


def flush():
    # type: () -> None
    """Write out what `out` was given, before another process writes."""
    if sys.stdout is not None:
        stream = binary_stream(sys.stdout)  # type: Any
        stream.flush()


def err(text):
    # type: (str) -> None
    """Write native text to the error output at once."""
    if sys.stderr is None:
        return
    stream = binary_stream(sys.stderr)  # type: Any
    stream.write(raw(text))
    stream.flush()


def run_tool(argv, table, usage, verbosity, body, whole=()):
    # type: (Sequence[str], options.Table, str, int, Callable[..., int], Sequence[str]) -> int
    """Parse a tool's options, answer -h, -V and -v, and run its body.

    body: called with the Teller, the options as pairs, and the operands
    whole: long names that may not be cut
    """
    program = argv[0] if argv else "kmod"
    teller = Teller(program, verbosity)
    given, operands = [], []  # type: list[tuple[str, str]], list[str]
    try:
        for name, argument in options.walk(argv[1:], table, whole):
            if name == "help":
                out(usage % {"name": teller.name})
                return 0
            if name == "version":
                _tell_version()
                return 0
            if name == "verbose":
                teller.verbosity += 1
            if name == "syslog":
                teller.to_syslog = True
            if name:
                given.append((name, argument))
            else:
                operands.append(argument)
        return body(teller, given, operands)
    except options.OptionError as error:
        err("%s: %s\n" % (program, error))
    except FatalError:
        pass
    except AgentError as error:
        where = error.where + ": " if error.where else ""
        teller.tell(ERROR, where + error.message, next_step=error.hint)
    return 1


def _tell_version():
    # type: () -> None
    from modferry_agent.system import decompress

    features = []
    for kind, name in (("zst", "ZSTD"), ("xz", "XZ"), ("gz", "ZLIB")):
        features.append(("+" if decompress.available(kind) else "-") + name)
    out("kmod version 34\n%s\nmodferry %s\n" % (" ".join(features), __version__))
