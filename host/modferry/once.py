"""What many threads ask for and one of them makes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from threading import RLock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def once(make: Callable[P, R]) -> Callable[P, R]:
    """Return a function whose answer for the same arguments is made once, and kept.

    `functools.cache` alone lets each thread of a fleet that is new make its own.
    """
    kept = cache(make)
    making = RLock()

    @wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> R:
        with making:
            return kept(*args, **kwargs)  # type: ignore[arg-type] # they are hashable

    return made
