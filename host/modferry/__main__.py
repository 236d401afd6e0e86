"""The ``modferry`` command: the same as ``python -m modferry``.

Its parts take a quarter of a second to import, and Ctrl-C may come meanwhile.
"""

import os
import signal
from types import FrameType

INTERRUPTED = 130
"""`modferry.errors.ExitStatus.INTERRUPTED`, which is still to be imported."""


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"\nmodferry: interrupted\n")
    os._exit(INTERRUPTED)


# Unless whoever started us has us pass over it, as a shell does in the background.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _leave)


def main() -> None:
    """Be the command."""
    from modferry import cli  # noqa: PLC0415 - only now an interruption has its way

    cli.main()


if __name__ == "__main__":
    main()
