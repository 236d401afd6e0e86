"""What a diagnosis needs to know of a box, each file read at most once, and few."""

import os
import re

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core import depfiles, module, names
from modferry_agent.core.diagnosis import Owner
from modferry_agent.errors import AgentError
from modferry_agent.system import moduletree, treefiles

if TYPE_CHECKING:
    from typing import Any, Callable  # noqa: F401  # novermin

    from modferry_agent.core.module import Module  # noqa: F401
    from modferry_agent.core.probeplan import Sources  # noqa: F401
    from modferry_agent.system.kernel import Kernel  # noqa: F401


class Survey(object):
    """One module tree: which file exports what, and under which names."""

    def __init__(self, tree, sources):
        # type: (str, Sources) -> None
        """Read modules.dep; files are read when they are asked for."""
        self.tree = tree
        self.sources = sources
        text = treefiles.read_if_there(tree + "/modules.dep") or b""
        self.lines = depfiles.parse_dep(native(text))
        self._modules = {}  # type: dict[str, Module | None]
        self._neighbours = {}  # type: dict[str, dict[str, list[str]]]
        self._unindexed = None  # type: list[str] | None

    def location(self, path):
        # type: (str) -> str
        """Return where a path of the indexes is."""
        return path if path.startswith("/") else self.tree + "/" + path

    def module(self, path):
        # type: (str) -> Module | None
        """Return what the file says; None if it cannot be read."""
        if path not in self._modules:
            try:
                content = treefiles.read_module(self.location(path))
                self._modules[path] = module.parse_module(path, content)
            except (AgentError, ValueError):
                self._modules[path] = None
        return self._modules[path]

    def own_path(self, path):
        # type: (str) -> str
        """Return the path of the file itself where the path is a link in the tree."""
        real = native(os.path.realpath(raw(self.location(path))))
        top = native(os.path.realpath(raw(self.tree)))
        if real.startswith(top + "/"):
            return real[len(top) + 1 :]
        # The whole directory may be a link out of the tree: keep the path, change the
        # name alone.
        directory = path.rpartition("/")[0]
        base = real[real.rfind("/") + 1 :]
        inside = directory + "/" + base if directory else base
        return inside if os.path.exists(raw(self.location(inside))) else path

    def names_of(self, path):
        # type: (str) -> list[str]
        """Return the paths in its directory that are the same file, itself first."""
        directory = path.rpartition("/")[0]
        same = self._links(directory).get(native(os.path.realpath(self._raw(path))), [])
        return [path] + sorted([one for one in same if one != path])

    def _raw(self, path):
        # type: (str) -> bytes
        return raw(self.location(path))

    def _links(self, directory):
        # type: (str) -> dict[str, list[str]]
        # Real path -> paths of the directory that are this file.
        if directory not in self._neighbours:
            found = {}  # type: dict[str, list[str]]
            try:
                listed = os.listdir(self._raw(directory or "."))
            except OSError:
                listed = []
            for name in [native(one) for one in listed]:
                if names.is_module_file(name):
                    path = directory + "/" + name if directory else name
                    real = native(os.path.realpath(self._raw(path)))
                    found.setdefault(real, []).append(path)
            self._neighbours[directory] = found
        return self._neighbours[directory]

    def find_module(self, name):
        # type: (str) -> str
        """Return the path of a module by its name, index or not; "" for none."""
        path = self.sources.line_of(name)[0]
        if path and os.path.exists(self._raw(path)):
            return path
        try:
            entries = moduletree.walk(self.tree)
        except AgentError:
            return ""
        for entry in entries:
            if names.module_name(entry.path) == name:
                return entry.path
        return ""

    def owner_of(self, symbol, near):
        # type: (str, str) -> Owner | None
        """Return the file that exports a symbol.

        near: a path; its directory is looked through where the index is silent
        """
        for path in self._candidates(symbol, near):
            path = self.own_path(path)
            parsed = self.module(path)
            crcs = dict(parsed.exports) if parsed is not None else {}
            if parsed is not None and symbol in crcs:
                inner = (parsed.inner_name or parsed.name).replace("-", "_")
                exporters = self._exporters(symbol, path)
                same = self.names_of(path)
                newer = self._mtime(path) > self._mtime("modules.dep")
                return Owner(path, same, exporters, crcs[symbol], inner, newer)
        return None

    def _candidates(self, symbol, near):
        # type: (str, str) -> list[str]
        found = []
        if self.sources.symbols is not None:
            try:
                owners = self.sources.symbols.lookup("symbol:" + symbol)
            except AgentError:
                owners = []  # a damaged index: the files themselves know
            paths = [self.sources.line_of(name)[0] for name in owners]
            found = [path for path in paths if path]
        if not found:
            for same in self._links(near.rpartition("/")[0]).values():
                found.extend(same[:1])
            found.extend(self._not_indexed())
        return found

    def _not_indexed(self):
        # type: () -> list[str]
        # Files of the tree that the index does not know; without an index all of them.
        if self._unindexed is None:
            try:
                entries = moduletree.walk(self.tree)
            except AgentError:
                entries = []
            paths = [entry.path for entry in entries if entry.target is None]
            self._unindexed = [path for path in paths if path not in self.lines]
        return self._unindexed

    def _exporters(self, symbol, path):
        # type: (str, str) -> list[str]
        # The names under which the symbol is exported: the file's, its links', and
        # those of other files beside it.  Below kernel/ nothing is exported twice.
        found = self.names_of(path)
        if path.startswith("kernel/"):
            return found
        for same in self._links(path.rpartition("/")[0]).values():
            if path in same:
                continue
            parsed = self.module(same[0])
            if parsed is not None and symbol in dict(parsed.exports):
                found = found + sorted(same)
        return found

    def _mtime(self, path):
        # type: (str) -> float
        try:
            return os.stat(self._raw(path)).st_mtime
        except OSError:
            return 0.0


def kernel_exports(kernel):
    # type: (Kernel) -> set[str] | None
    """Return what the running kernel itself exports; None if it does not tell.

    With CONFIG_KALLSYMS_ALL each export has a ``__ksymtab_`` symbol; else all names of
    the kernel are taken, which may be too many.
    """
    text = kernel.read("/proc/kallsyms") or ""
    # The pattern first: a hundred thousand lines take a second on an old box.
    exported = set(re.findall(r" __ksymtab_(\S+)$", text, re.MULTILINE))
    if exported:
        return exported
    return set([name for name, _, owner in kernel.symbols() if not owner]) or None


def exported_now(kernel):
    # type: (Kernel) -> Callable[[str], bool]
    """Return what says whether the kernel, or a loaded module, exports a symbol."""
    found = []  # type: list[set[str]]

    def is_exported(symbol):
        # type: (str) -> bool
        if not found:
            text = kernel.read("/proc/kallsyms") or ""
            marked = set(re.findall(r" __ksymtab_([^\s]+)", text))
            found.append(marked or kernel_exports(kernel) or set())
        return symbol in found[0]

    return is_exported
