"""A way that several boxes share; pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lane:
    """A way that several boxes share, and how many may be on it at once.

    A gateway's sshd drops what is more than its MaxStartups; a serial line is one's.
    """

    name: str
    limit: int
