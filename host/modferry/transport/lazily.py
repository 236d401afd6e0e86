"""Python modules that are not loaded before something of them is used."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from threading import Lock
from types import ModuleType

_LOCK = Lock()


class _Later(ModuleType):
    def __getattr__(self, name: str) -> object:
        # Who imports it from now on gets the real one.
        with _LOCK:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def put_off(name: str) -> None:
    """Let whoever imports the module have it at once, and load it at its first use.

    One that is loaded, or nowhere, is left at that.  importlib's own LazyLoader loads
    it at the second import already.
    """
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is not None:
        later = _Later(name)
        later.__spec__ = spec  # for who looks whether it is there
        sys.modules[name] = later
