"""Unload a module, and with it what nothing else needs any more."""

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.core import errnos, klog
from modferry_agent.core.names import module_name
from modferry_agent.errors import AgentError, LoadError
from modferry_agent.jobs import probing
from modferry_agent.jobs.checked import CheckedModule
from modferry_agent.system import klogdevice, syscalls, treefiles
from modferry_agent.system.kernel import Kernel, LoadLock

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    Reply = dict[str, Any]

    from modferry_agent.system.loader import Loader  # noqa: F401


def unload_modules(
    module,
    dependencies=True,
    dry_run=False,
    context=None,
    basedir="",
    kernel=None,
    loader=None,
    device=klogdevice.DEVICE,
):
    # type: (str, bool, bool, Any, str, Kernel | None, Loader | None, str) -> Reply
    """Unload a module, given by any of its names; then, nearest first, what it needed.

    dependencies: False leaves what it needed
    A module loaded under a link's name is looked for by its inner name.  A dependency
    that something else uses is left, as "held".  Returns module, steps and modules;
    ``failure`` where the module itself could not be removed.

    LoadError in-use, naming the holders: nothing was done.
    """
    kernel = kernel or Kernel()
    loader = loader or syscalls.find_loader()
    lock = LoadLock(kernel)
    if not dry_run:
        lock.acquire()
    try:
        name, needed = _names(kernel, basedir, module)
        steps = []  # type: list[dict[str, Any]]
        result = {
            "module": module,
            "steps": steps,
            "dry_run": dry_run,
        }  # type: dict[str, Any]
        for place, one in enumerate([name] + (needed if dependencies else [])):
            entry = _entry(kernel, one, steps, dry_run)
            target = place == 0
            if entry is None:
                if target:
                    steps.append(_step(one, "absent"))
                continue
            if entry["refcount"] > 0 and (target or not entry["holders"]):
                if target:
                    raise _in_use(one, entry)
                steps.append(_step(one, "held"))
                continue
            if entry["refcount"] > 0:
                steps.append(_step(one, "held"))
                continue
            step = _step(one, "delete")
            steps.append(step)
            if not dry_run:
                _delete(step, loader, device)
            if step["errno"] and target:
                explained = errnos.explain_delete(step["error"])
                result["failure"] = {
                    "code": explained["code"],
                    "message": "%s: %s" % (one, explained["meaning"]),
                    "where": "delete_module: %s" % step["error"],
                    "hint": explained["next"],
                }
                break
        result["modules"] = kernel.modules()
        return result
    finally:
        lock.release()


def _names(kernel, basedir, module):
    # type: (Kernel, str, str) -> tuple[str, list[str]]
    # The inner name of the module, and of what it needs, nearest first.
    tree = probing.tree_of(basedir, kernel.release)
    loaded = [entry["name"] for entry in kernel.modules()]
    name = module_name(module)
    try:
        sources = probing.read_sources(kernel, tree)
    except AgentError:
        return name, []  # without indexes just what was named is unloaded
    if name not in loaded:
        name = (sources.resolve(module) or [name])[0]
    path, needed = sources.line_of(name)
    if name not in loaded and path:
        name = _inner_name(tree, path)
    found = []
    for one in needed:
        inner = module_name(one)
        if inner not in loaded:
            inner = _inner_name(tree, one)
        if inner not in found and inner != name:
            found.append(inner)
    return name, found


def _inner_name(tree, path):
    # type: (str, str) -> str
    location = path if path.startswith("/") else tree + "/" + path
    try:
        checked = CheckedModule(location, treefiles.read_stored(location))
        checked.parse()
    except AgentError:
        return module_name(path)
    return checked.inner_name


def _entry(kernel, name, steps, dry_run):
    # type: (Kernel, str, list[dict[str, Any]], bool) -> dict[str, Any] | None
    # The module as it would be with the planned steps done.
    gone = [step["name"] for step in steps if step["action"] == "delete"]
    for entry in kernel.modules():
        if entry["name"] == name:
            if dry_run:
                left = [holder for holder in entry["holders"] if holder not in gone]
                entry["refcount"] -= len(entry["holders"]) - len(left)
                entry["holders"] = left
            return entry
    return None


def _delete(step, loader, device):
    # type: (dict[str, Any], Loader, str) -> None
    bracket = klogdevice.Bracket(loader, device)
    try:
        _, code = loader.delete(step["name"])
        records, _ = bracket.collect()
    finally:
        bracket.abandon()
    klog.mark_own(records, [step["name"]], "T%d" % loader.caller)
    step["errno"] = code
    step["error"] = errnos.name_of(code)
    step["records"] = [klog.plain(record) for record in records]
    if code:
        step["action"] = "held"


def _in_use(name, entry):
    # type: (str, dict[str, Any]) -> LoadError
    holders = " ".join(entry["holders"])
    return LoadError(
        "%s is in use by %s" % (name, holders or "%d users" % entry["refcount"]),
        where="/proc/modules",
        hint=(
            "modferry unload %s --on BOX first" % entry["holders"][0]
            if holders
            else "end the programs that have its device open"
        ),
        code="in-use",
        holders=entry["holders"],
    )


def _step(name, action):
    # type: (str, str) -> dict[str, Any]
    return {"name": name, "action": action, "errno": 0, "error": None, "records": []}
