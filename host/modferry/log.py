"""What is logged, and where to: to stderr, as much as ``-v`` asks for.

No record holds a secret: what is typed into a password prompt is logged by nobody, and
``--trace`` leaves it out.
"""

from __future__ import annotations

import logging
import sys

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
"""The level of no ``-v``, of one, and of two or more."""


def set_up(verbosity: int) -> None:
    """Send the project's records to stderr; other libraries' from ``-vv`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logging.basicConfig(
        level=logging.INFO if verbosity > 1 else logging.CRITICAL,
        handlers=[handler],
        force=True,
    )
    level = LEVELS[min(verbosity, len(LEVELS) - 1)]
    logging.getLogger("modferry").setLevel(level)


def warn(text: str) -> None:
    """Tell a person, on stderr, what may not be as they think."""
    sys.stderr.write(f"modferry: {text}\n")
