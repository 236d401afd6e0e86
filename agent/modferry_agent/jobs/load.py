"""Load a module with all it needs, each step with what the kernel said of it."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.names import module_name
from modferry_agent.errors import FormatError, LoadError
from modferry_agent.jobs import probing
from modferry_agent.jobs.loadrun import Run, reply_of
from modferry_agent.system import klogdevice, syscalls
from modferry_agent.system.kernel import Kernel, LoadLock

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Step  # noqa: F401

    Reply = dict[str, Any]

    from modferry_agent.system.loader import Loader  # noqa: F401


def load_modules(
    module,
    parameters="",
    basedir="",
    dry_run=False,
    context=None,
    require_fingerprint=True,
    kernel=None,
    loader=None,
    device=klogdevice.DEVICE,
):
    # type: (str, str, str, bool, Any, bool, Kernel | None, Loader | None, str) -> Reply
    """Load a module, given by name, alias or path, and before it what it needs.

    parameters: of the module itself, as on modprobe's command line
    dry_run: check everything, insert nothing
    require_fingerprint: refuse files of which no sha256 was recorded
    kernel, loader, device: the box's, unless a test gives others

    Every file is checked before the first is inserted, so that a wrong one leaves the
    box as it was.  Returns module, steps, loaded and modules; where the kernel refuses
    a step, it is the last one and ``failure`` says why.  Nothing is unloaded again.

    LoadError: the name is unknown, a check says no, or another load is under way.
    """
    kernel = kernel or Kernel()
    kernel.modules()  # without the list nobody could say what was loaded
    loader = loader or syscalls.find_loader()
    lock = LoadLock(kernel)
    if not dry_run:
        lock.acquire()
    try:
        run = Load(kernel, loader, basedir, require_fingerprint, device)
        return run.load(module, parameters, dry_run, context)
    finally:
        lock.release()


def _not_live(name):
    # type: (str) -> dict[str, str]
    # An oops in an init function kills who loads and leaves the module as it is.
    return {
        "code": "not-live",
        "message": "%s: it is there, but not ready: its init function has not ended"
        % name,
        "where": "/proc/modules",
        "hint": "if the log (modferry klog --on BOX) shows that it crashed, restart"
        " the box; else load it again in a while",
    }


class Load(Run):
    """A whole load: planned, checked, then inserted step by step."""

    def load(self, module, parameters, dry_run, context):
        # type: (str, str, bool, Any) -> dict[str, Any]
        """Plan, check, insert; see `load_modules`."""
        try:
            steps = self.plan(module, parameters)
        except FormatError as error:
            raise probing.damaged(error, self.tree)
        prepared = self._prepare(steps)
        failure = None
        replies = []  # type: list[dict[str, Any]]
        for number, (step, reply) in enumerate(prepared):
            if context is not None:
                context.progress(number, len(prepared), step.name)
            replies.append(reply)
            if reply["action"] == "insert" and not dry_run:
                failure = self.insert(step, reply)
                if failure is not None and step.soft:
                    failure = None  # a softdep that fails stops nothing
                if failure is not None:
                    break
        modules = self.kernel.modules()
        names = [entry["name"] for entry in modules if entry["state"] == "Live"]
        missing = [
            step.name
            for step, reply in prepared
            if not (reply["action"] == "builtin" or reply["inner_name"] in names)
            and not step.soft
        ]
        result = {
            "module": module,
            "steps": replies,
            "loaded": not missing,
            "modules": modules,
            "dry_run": dry_run,
        }  # type: dict[str, Any]
        if failure is None and missing and not dry_run:
            failure = _not_live(missing[0])
        if failure is not None:
            result["failure"] = failure
        return result

    def plan(self, module, parameters):
        # type: (str, str) -> list[Step]
        """Return the steps for a name, an alias or a path; LoadError: nothing is it."""
        if module.startswith(("/", "./")):
            return self._plan_of_file(native(os.path.abspath(raw(module))), parameters)
        names = self.sources.resolve(module)
        if not names:
            raise LoadError(
                "no index of release %s knows the module" % self.kernel.release,
                where=self.tree,
                hint="modferry depmod --on BOX if the file is there, else push it;"
                " modferry diagnose %s --on BOX looks for it" % module,
                code="module-missing",
                module=module,
            )
        steps = []  # type: list[Step]
        for name in names:
            for step in self.sources.plan(name, module, parameters):
                if step.name not in [other.name for other in steps]:
                    steps.append(step)
        return steps

    def _plan_of_file(self, path, parameters):
        # type: (str, str) -> list[Step]
        name = module_name(path)
        steps = self.sources.plan(name, "", parameters)
        inside = (
            path[len(self.tree) + 1 :] if path.startswith(self.tree + "/") else path
        )
        for step in steps:
            if step.target:
                step.path, step.builtin = inside, False
        return steps

    def _prepare(self, steps):
        # type: (list[Step]) -> list[tuple[Step, dict[str, Any]]]
        # Judge every step before the first of them changes the box.
        prepared = []  # type: list[tuple[Step, dict[str, Any]]]
        for step in steps:
            reply = reply_of(step, self.tree)
            if step.builtin and not step.path:
                reply["action"] = "builtin"
            elif step.command is not None:
                raise LoadError(
                    "modprobe.d has an install command for %s" % step.name,
                    where="install %s %s" % (step.name, step.command),
                    hint="remove that line, or run modprobe on the box: the load"
                    " request runs no commands",
                    code="install-command",
                )
            elif not step.path:
                if step.soft:
                    continue
                raise LoadError(
                    "no index has the module %s" % step.name,
                    where=self.tree,
                    hint="modferry depmod --on BOX",
                    code="not-in-index",
                )
            elif step.name in self.present:
                reply["action"] = "present"
            else:
                self.check(step, reply)
                same = [other["inner_name"] for _, other in prepared]
                if reply["inner_name"] in same:
                    reply["action"] = "present"  # the same file by another name
            prepared.append((step, reply))
        return prepared
