"""What a link to a box is: bytes there and back, bounded in time, without meaning."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

Kind = Literal["pipe", "tty"]
"""``pipe``: a clean byte channel to ``sh``.  ``tty``: a console, where a login, an
echo, the kernel's log and a half-typed line may be."""

KEPT_STDERR_BYTES = 65_536
"""How much of what a box wrote to stderr is kept for messages: the last of it."""


class Transport(Protocol):
    """A link to one box.

    name: the box or device, for messages.
    """

    @property
    def kind(self) -> Kind:
        """Say whether the bytes go to a shell's pipe or to a console."""

    @property
    def name(self) -> str:
        """Name the far end, for messages."""

    def read(self, timeout_s: float) -> bytes:
        """Return what came, at once when there is something; ``b""`` if none in time.

        Raise TransportError when the far end is gone.
        """

    def write(self, octets: bytes) -> None:
        """Send all the bytes; raise TransportError when they do not go in time."""

    def close(self) -> None:
        """Let go of the link; twice is as good as once."""


@runtime_checkable
class Line(Protocol):
    """What a serial line can do besides."""

    def send_break(self, duration_s: float = 0.25) -> None:
        """Hold the line low for that long."""

    def set_baud(self, baud: int) -> None:
        """Change our side's speed."""


@runtime_checkable
class Finishing(Protocol):
    """What a transport has that can tell the far end that no more comes."""

    def finish(self, limit_s: float) -> None:
        """Say so, and wait until what runs there has ended."""


@runtime_checkable
class Stderr(Protocol):
    """What a transport with a separate stderr has besides."""

    def stderr_text(self) -> str:
        """Return the last of what the far end wrote to stderr."""
