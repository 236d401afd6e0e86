"""The box as modprobe sees it: what a name is looked up in, and what is loaded."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.names import module_name
from modferry_agent.errors import AgentError
from modferry_agent.jobs import probing
from modferry_agent.system.kernel import Kernel

if TYPE_CHECKING:
    from modferry_agent.jobs.loadrun import Run  # noqa: F401  # novermin
    from modferry_agent.system.loader import Loader  # noqa: F401


class Box(object):
    """Sources of names, and the kernel's state; what loads is found when it is needed.

    tree: the directory of the release's modules
    """

    def __init__(self, release, root, config_paths):
        # type: (str, str, list[str] | None) -> None
        """Read configuration and indexes; a missing modules.dep.bin is no error here.

        LoadError index-damaged: an index is there and cannot be read.
        """
        self.kernel = Kernel(release=release)
        self.root = root
        if root and not root.startswith("/"):
            self.root = absolute(root)
        self.tree = probing.tree_of(self.root, self.kernel.release)
        self.sources = probing.read_sources(self.kernel, self.tree, config_paths, False)
        self._run = None  # type: Run | None
        self._loader = None  # type: Loader | None

    def place(self, path):
        # type: (str) -> str
        """Return an index's path as a place to read from."""
        return path if path.startswith("/") else self.tree + "/" + path

    def is_there(self, name, path=""):
        # type: (str, str) -> bool
        """Say whether a module is built in or live, under whatever name."""
        if self.sources.is_builtin(name) or self.kernel.is_live(name):
            return True
        inner = self.inner_name(name, path)
        return inner != name and self.kernel.is_live(inner)

    def inner_name(self, name, path=""):
        # type: (str, str) -> str
        """Return the name by which the kernel knows a module that a link may name.

        path: of its file; as the index has it unless given
        """
        path = path or self.sources.line_of(name)[0]
        location = self.place(path)
        if not path or not os.path.islink(raw(location)):
            return name
        from modferry_agent.core import module
        from modferry_agent.system import treefiles

        try:
            parsed = module.parse_module(path, treefiles.read_module(location))
        except (AgentError, ValueError):
            return module_name(native(os.path.realpath(raw(location))))
        return (parsed.inner_name or parsed.name).replace("-", "_")

    def run(self):
        # type: () -> Run
        """Return what checks and inserts files; made at the first call."""
        if self._run is None:
            from modferry_agent.jobs import inserting

            self._run = inserting.new_run(
                self.kernel, self.root, self.sources, self.loader()
            )
        return self._run

    def loader(self):
        # type: () -> Loader
        """Return what makes the system calls; LoadError: nothing here can."""
        if self._loader is None:
            from modferry_agent.system import syscalls

            self._loader = syscalls.find_loader()
        return self._loader


def absolute(path):
    # type: (str) -> str
    """Return a path behind the current directory, joined as kmod does."""
    here = os.getcwdb() if hasattr(os, "getcwdb") else raw(os.getcwd())
    return native(here) + "/" + path
