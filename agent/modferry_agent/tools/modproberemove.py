"""modprobe -r: remove a module, then what it needed and nothing else uses."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.names import module_name
from modferry_agent.errors import AgentError
from modferry_agent.jobs import checked
from modferry_agent.system import moduletree
from modferry_agent.tools import telling
from modferry_agent.tools.telling import ERROR, FATAL, WARNING

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.jobs.loadrun import Run  # noqa: F401
    from modferry_agent.tools.modprobetable import Settings  # noqa: F401


def remove(teller, run, settings, text):
    # type: (telling.Teller, Run, Settings, str) -> int
    """Remove all modules the text stands for; return 1 if one of them stays."""
    names = run.sources.resolve(text)
    if not names and module_name(text) in run.present:
        names = [module_name(text)]
    if not names:
        teller.tell(WARNING if settings.all else FATAL, "Module %s not found." % text)
        return 1
    status = 0
    for name in names:
        status = _remove_one(teller, run, settings, name) or status
    return status


def _remove_one(teller, run, settings, name):
    # type: (telling.Teller, Run, Settings, str) -> int
    path, needed = run.sources.line_of(name)
    inner = name
    if name not in run.present and path:
        inner = inner_name(run.tree, path)  # loaded under a link's name
    if not settings.ignore_commands:
        command = run.sources.config.command_of("remove", name)
        if command is not None:
            return run_command(teller, "remove", command, name, "")
    entry = _entry(run, inner)
    if entry is None:
        if run.sources.is_builtin(name):
            teller.tell(FATAL, "Module %s is builtin." % name)
            return 1
        if settings.first_time:
            teller.tell(FATAL, "Module %s is not in kernel." % name)
            return 1
        return 0
    if settings.holders:
        for holder in reversed(entry["holders"]):
            _remove_one(teller, run, settings, holder)
        entry = _entry(run, inner) or entry
    if entry["refcount"] > 0:
        teller.tell(FATAL, "Module %s is in use." % inner)
        return 1
    if not _delete(teller, run, settings, inner, True):
        return 1
    for one in reversed(needed) if settings.dry_run else needed:
        below = module_name(one)
        if below not in run.present:
            below = inner_name(run.tree, one)
        found = _entry(run, below)
        if found is not None and found["refcount"] == 0:
            _delete(teller, run, settings, below, False)
    return 0


def _entry(run, name):
    # type: (Run, str) -> dict[str, Any] | None
    for entry in run.kernel.modules():
        if entry["name"] == name:
            return entry
    return None


def _delete(teller, run, settings, name, loud):
    # type: (telling.Teller, Run, Settings, str, bool) -> bool
    if settings.show or teller.verbosity > WARNING:
        telling.out("rmmod %s\n" % name)
    if settings.dry_run:
        return True
    flags = os.O_NONBLOCK | (os.O_TRUNC if settings.force else 0)
    code = run.loader.delete(name, flags)[1]
    if code and loud:
        teller.tell(ERROR, "could not remove '%s': %s" % (name, os.strerror(code)))
    return not code


def inner_name(tree, path):
    # type: (str, str) -> str
    """Return the name by which the kernel knows the module of a file or link."""
    location = path if path.startswith("/") else tree + "/" + path
    if not os.path.islink(raw(location)):
        return module_name(path)
    try:
        module = checked.CheckedModule(location, moduletree.read_stored(location))
        module.parse()
    except (AgentError, ValueError):
        return module_name(native(os.path.realpath(raw(location))))
    return module.inner_name


def run_command(teller, kind, command, name, options):
    # type: (telling.Teller, str, str, str, str) -> int
    """Run an install or remove command of modprobe.d, as system(3) does."""
    text = command.replace("$CMDLINE_OPTS", options)
    os.environ["MODPROBE_MODULE"] = name
    status = os.system(text)  # noqa: S605  # what modprobe.d says is the box's own
    if status:
        teller.tell(
            ERROR,
            "Error running %s command '%s' for module %s: retcode %d"
            % (kind, text, name, status >> 8),
        )
        return 1
    return 0
