"""Entry: serve the host, or be one of kmod's commands by the first word or argv[0]."""

import errno
import os
import sys

from modferry_agent import __version__
from modferry_agent.compat import TYPE_CHECKING, argument
from modferry_agent.errors import AgentError

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

TOOLS = ("depmod", "insmod", "lsmod", "modinfo", "modprobe", "rmmod", "indexcheck")
DEFAULT_LEASE_S = 12

USAGE = """usage: modferry-agent serve [LINK-ID [LEASE-SECONDS]]
       modferry-agent COMMAND [ARGUMENT...]

COMMAND is one of %s.""" % ", ".join(TOOLS)


def main(argv=None):
    # type: (list[str] | None) -> int
    """Run by argv; return the exit status: 0 done, 1 not, 2 wrong use."""
    words = [argument(word) for word in (sys.argv if argv is None else argv)]
    name = os.path.basename(words[0]) if words else ""
    if name not in TOOLS:
        words = words[1:]
        name = words[0] if words else ""
    if name == "serve":
        from modferry_agent import bytecode

        bytecode.use()
        from modferry_agent.serve import serve

        numbers = [int(word) for word in words[1:3]]
        return serve(
            numbers[0] if numbers else 0,
            float(numbers[1] if len(numbers) > 1 else DEFAULT_LEASE_S),
        )
    if name in TOOLS:
        return _run_tool(name, words)
    if name in ("--version", "-V"):
        sys.stdout.write("modferry-agent %s\n" % __version__)
        return 0
    sys.stderr.write(USAGE + "\n")
    return 0 if name in ("--help", "-h") else 2


def _run_tool(name, words):
    # type: (str, list[str]) -> int
    full = "modferry_agent.tools." + name
    __import__(full)
    tool = sys.modules[full]  # type: Any
    try:
        status = tool.main(words)  # type: int
        if sys.stdout is not None:
            sys.stdout.flush()
    except AgentError as error:
        sys.stderr.write("%s: ERROR: %s\n" % (name, error))
        return 1
    except EnvironmentError as error:
        if error.errno != errno.EPIPE:
            raise
        import signal

        # Who read the output has left: end as a program in C does.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
        return 1
    return status
