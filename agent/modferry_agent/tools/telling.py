"""How kmod's tools speak: ``NAME: LEVEL: text`` on stderr, by verbosity."""

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
    """

    def __init__(self, program, verbosity):
        # type: (str, int) -> None
        """Start with the tool's default verbosity."""
        self.program = program
        self.name = program[program.rfind("/") + 1 :]
        self.verbosity = verbosity

    def tell(self, level, text):
        # type: (int, str) -> None
        """Print a message, if it is loud enough; FatalError if it is FATAL."""
        if level > self.verbosity:
            return
        err("%s: %s: %s\n" % (self.name, LEVELS[level], text))
        if level == FATAL:
            raise FatalError(text)


def out(text):
    # type: (str) -> None
    """Write native text to the standard output at once."""
    stream = binary_stream(sys.stdout)  # type: Any
    stream.write(raw(text))
    stream.flush()


def err(text):
    # type: (str) -> None
    """Write native text to the error output at once."""
    stream = binary_stream(sys.stderr)  # type: Any
    stream.write(raw(text))
    stream.flush()


def run_tool(argv, table, usage, verbosity, body):
    # type: (Sequence[str], options.Table, str, int, Callable[..., int]) -> int
    """Parse a tool's options, answer -h, -V and -v, and run its body.

    body: called with the Teller, the options as pairs, and the operands
    """
    program = argv[0] if argv else "kmod"
    teller = Teller(program, verbosity)
    try:
        given, operands = options.parse(argv[1:], table)
    except options.OptionError as error:
        err("%s: %s\n" % (program, error))
        return 1
    for name, _ in given:
        if name == "help":
            out(usage % {"name": teller.name})
            return 0
        if name == "version":
            out("kmod version 34\nmodferry-agent %s\n" % __version__)
            return 0
        if name == "verbose":
            teller.verbosity += 1
    try:
        return body(teller, given, operands)
    except FatalError:
        return 1
    except AgentError as error:
        where = error.where + ": " if error.where else ""
        if teller.verbosity >= ERROR:
            err("%s: ERROR: %s%s\n" % (teller.name, where, error.message))
        return 1
