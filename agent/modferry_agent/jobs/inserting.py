"""One module for the command-line tools: checked as a load is, but alone."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.names import module_name
from modferry_agent.core.probeplan import Sources, Step
from modferry_agent.errors import LoadError
from modferry_agent.jobs import loadrun, probing
from modferry_agent.system import klogdevice, syscalls
from modferry_agent.system.kernel import Kernel
from modferry_agent.system.loader import Loader

if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin

    Outcome = tuple[dict[str, str] | None, dict[str, Any]]


def insert_file(path, parameters="", flags=0, kernel=None, loader=None):
    # type: (str, str, int, Kernel | None, Loader | None) -> Outcome
    """Insert one file, whatever the indexes say; return (failure or None, the step).

    flags: of finit_module: 1 ignores modversions, 2 vermagic
    The file need not be recorded, but one that differs from its record is refused.
    """
    run = loadrun.Run(
        kernel or Kernel(),
        loader or syscalls.find_loader(),
        "",
        False,
        klogdevice.DEVICE,
        Sources(),
    )
    step = Step(module_name(path), native(os.path.abspath(raw(path))))
    step.options, step.target = parameters, True
    return insert_step(run, step, flags)


def insert_step(run, step, flags=0):
    # type: (loadrun.Run, Step, int) -> Outcome
    """Check and insert one step of a run; a module that is there is tried again."""
    reply = loadrun.reply_of(step, run.tree)
    run.gate.ignore_build = flags != 0
    run.check(step, reply)
    return run.insert(step, reply, flags), reply


def new_run(release="", basedir="", config_paths=None):
    # type: (str, str, list[str] | None) -> loadrun.Run
    """Return what modprobe works with: unrecorded files are allowed.

    LoadError index-missing, index-damaged.
    """
    kernel = Kernel(release=release)
    tree = probing.tree_of(basedir, kernel.release)
    sources = probing.read_sources(kernel, tree, config_paths)
    try:
        loader = syscalls.find_loader()
    except LoadError as error:
        loader = _NoLoader(error)
    return loadrun.Run(kernel, loader, basedir, False, klogdevice.DEVICE, sources)


class _NoLoader(Loader):
    """Nothing can make the calls: plans can be shown, and the first call says why."""

    def __init__(self, error):
        # type: (LoadError) -> None
        Loader.__init__(self)
        self._error = error

    def insert(self, image, parameters):
        # type: (bytes, str) -> tuple[str, int]
        raise self._error

    def delete(self, name, flags=0):
        # type: (str, int) -> tuple[str, int]
        raise self._error


def joined_parameters(words):
    # type: (Sequence[str]) -> str
    """Return parameters as one text; a value with a blank gets quotes, as kmod does."""
    parts = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals and " " in value and not value.startswith('"'):
            word = '%s="%s"' % (name, value)
        parts.append(word)
    return " ".join(parts)
