"""The table of what the host may ask: name, function, arguments, time class, part.

The agent answers by it, the host checks by it what it sends and how long it waits, and
the documentation is made from it.
"""

import sys

from modferry_agent.compat import TYPE_CHECKING, is_integer, native
from modferry_agent.errors import RequestError

if TYPE_CHECKING:
    from typing import Any, Callable  # noqa: F401  # novermin

# Time class -> seconds without any sign of the agent before the host gives up.
TIME_LIMIT_S = {"quick": 30, "slow": 300, "load": 180, "transfer": 30}

# The parts of the agent's archive; one needs those before it, the first is there.
PARTS = ("base", "files", "facts", "index", "load", "upgrade")

REQUIRED = object()


class Request(object):
    """One row of the table.

    function: "jobs.MODULE:NAME"; takes the arguments and, where `streams`, nothing else
    arguments: name -> (type, default); type is "text", "number", "truth" or "list"
    changes: whether the box may be other afterwards
    part: of `PARTS`, the one that the function is in
    """

    def __init__(self, function, part, time_class, changes, **arguments):
        # type: (str, str, str, bool, **tuple[str, Any]) -> None
        """Keep the row."""
        self.part = part
        self.function = function
        self.time_class = time_class
        self.changes = changes
        self.arguments = arguments

    def check(self, name, given):
        # type: (str, dict[str, Any]) -> dict[str, Any]
        """Return the arguments, defaults filled in; RequestError if they do not fit."""
        for key in given:
            if key not in self.arguments:
                raise RequestError("%s takes no argument %r" % (name, key))
        checked = {}
        for key, (kind, default) in self.arguments.items():
            if key not in given:
                if default is REQUIRED:
                    raise RequestError("%s needs the argument %r" % (name, key))
                checked[key] = default
            else:
                checked[key] = _checked(name, key, kind, given[key])
        return checked

    def resolve(self):
        # type: () -> Callable[..., Any]
        """Return the function, importing its Python module at need."""
        place, attribute = self.function.split(":")
        full = "modferry_agent." + place
        __import__(full)
        function = getattr(sys.modules[full], attribute)  # type: Callable[..., Any]
        return function


def _checked(name, key, kind, value):
    # type: (str, str, str, Any) -> Any
    if value is None:
        return None
    if kind == "text" and isinstance(value, bytes):
        return native(value)
    if kind == "list" and isinstance(value, list):
        return [native(item) if isinstance(item, bytes) else item for item in value]
    if kind == "number" and is_integer(value):
        return value
    if kind == "truth" and isinstance(value, bool):
        return value
    raise RequestError("%s: the argument %r is no %s" % (name, key, kind))


TABLE = {
    "facts": Request("jobs.facts:read_facts", "facts", "slow", False),
    "push": Request(
        "jobs.push:Push",
        "base",
        "transfer",
        True,
        path=("text", REQUIRED),
        size=("number", REQUIRED),
        sha256=("text", REQUIRED),
        encoding=("text", "stored"),
        mode=("number", 420),
        make_directories=("truth", True),
    ),
    "deliver": Request(
        "jobs.deliver:Delivery",
        "files",
        "transfer",
        True,
        path=("text", REQUIRED),
        size=("number", REQUIRED),
        sha256=("text", REQUIRED),
        mode=("number", 420),
        make_directories=("truth", True),
        bases=("list", ()),
        block=("number", 0),
    ),
    "speed": Request(
        "system.wireend:speed_constant",
        "base",
        "quick",
        False,
        baud=("number", REQUIRED),
    ),
    "pull": Request(
        "jobs.pull:read_chunks", "files", "transfer", False, path=("text", REQUIRED)
    ),
    "find": Request(
        "jobs.find:find_files",
        "files",
        "slow",
        False,
        names=("list", REQUIRED),
        tree=("text", None),
    ),
    "hash": Request(
        "jobs.push:hash_file", "base", "slow", False, path=("text", REQUIRED)
    ),
    "depmod": Request(
        "jobs.indexes:write_indexes",
        "index",
        "slow",
        True,
        release=("text", None),
        basedir=("text", ""),
        dry_run=("truth", False),
        like=("text", None),
        links=("text", "file"),
        fingerprints=("truth", True),
        strict=("truth", False),
        differences=("truth", False),
        symvers=("text", None),
        filesyms=("text", None),
        errsyms=("truth", False),
    ),
    "explain": Request(
        "jobs.explain:explain_module",
        "load",
        "slow",
        False,
        module=("text", REQUIRED),
        release=("text", None),
        basedir=("text", ""),
        links=("text", "file"),
    ),
    "load": Request(
        "jobs.load:load_modules",
        "load",
        "load",
        True,
        module=("text", REQUIRED),
        parameters=("text", ""),
        basedir=("text", ""),
        dry_run=("truth", False),
    ),
    "unload": Request(
        "jobs.unload:unload_modules",
        "load",
        "load",
        True,
        module=("text", REQUIRED),
        dependencies=("truth", True),
        dry_run=("truth", False),
    ),
    "modules": Request("jobs.modules:list_modules", "facts", "quick", False),
    "diagnose": Request(
        "jobs.diagnose:diagnose_module",
        "load",
        "slow",
        False,
        module=("text", REQUIRED),
        with_log=("truth", True),
        console=("list", ()),
    ),
    "foresee": Request(
        "jobs.foresee:foresee",
        "upgrade",
        "slow",
        False,
        tool=("text", None),
        version=("number", 0),
        release=("text", None),
        basedir=("text", ""),
    ),
    "snapshot": Request(
        "jobs.snapshot:read_snapshot",
        "upgrade",
        "slow",
        False,
        release=("text", None),
        basedir=("text", ""),
    ),
    "prove": Request(
        "jobs.prove:prove_modules",
        "upgrade",
        "load",
        True,
        modules=("list", REQUIRED),
        load=("truth", False),
    ),
    "repair": Request(
        "jobs.repair:repair",
        "upgrade",
        "slow",
        True,
        kind=("text", REQUIRED),
        release=("text", None),
        dry_run=("truth", False),
    ),
    "undo-repair": Request(
        "jobs.repair:undo",
        "upgrade",
        "slow",
        True,
        kind=("text", REQUIRED),
        release=("text", None),
        dry_run=("truth", False),
    ),
    "install-hook": Request(
        "jobs.hook:install_hook", "upgrade", "slow", True, dry_run=("truth", False)
    ),
    "remove-hook": Request(
        "jobs.hook:remove_hook", "upgrade", "slow", True, dry_run=("truth", False)
    ),
    "mend": Request(
        "jobs.mend:mend_module",
        "load",
        "slow",
        True,
        module=("text", REQUIRED),
        with_log=("truth", True),
        console=("list", ()),
        basedir=("text", ""),
        dry_run=("truth", False),
    ),
    "alias-links": Request(
        "jobs.linkalias:alias_links",
        "load",
        "slow",
        True,
        basedir=("text", ""),
        release=("text", None),
        only=("list", None),
        dry_run=("truth", False),
    ),
    "restore-links": Request(
        "jobs.linkalias:restore_links",
        "load",
        "slow",
        True,
        basedir=("text", ""),
        dry_run=("truth", False),
    ),
    "klog": Request(
        "jobs.klog:read_log",
        "facts",
        "quick",
        False,
        since=("number", None),
        limit=("number", None),
    ),
    "install": Request(
        "jobs.install:install_names",
        "facts",
        "quick",
        True,
        directory=("text", REQUIRED),
        dry_run=("truth", False),
    ),
    "uninstall": Request(
        "jobs.install:remove_names",
        "facts",
        "quick",
        True,
        directory=("text", REQUIRED),
        dry_run=("truth", False),
    ),
}
