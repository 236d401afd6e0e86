"""Python modules that are not loaded before something of them is used."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


class _Later(ModuleType):
    def __getattr__(self, name: str) -> object:
        # Who imports it from now on gets the real one.
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def put_off(name: str) -> None:
    """Let whoever imports the module have it at once, and load it at its first use.

    importlib's own LazyLoader loads it at the second import already.
    """
    if name not in sys.modules:
        sys.modules[name] = _Later(name)
