"""Whether modules load as the indexes are, on paper and by the box's own modprobe."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core import klog, modulefacts
from modferry_agent.core.diagnosis import NO_IMPORTS
from modferry_agent.errors import AgentError, LoadError
from modferry_agent.jobs import probing, userland
from modferry_agent.jobs.survey import Survey, kernel_exports
from modferry_agent.jobs.tree import directory_of
from modferry_agent.system import klogdevice, processes, syscalls, treefiles
from modferry_agent.system.kernel import Kernel

if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin

    from modferry_agent.core.modulefacts import Facts  # noqa: F401

# What modprobe prints of a module that it would load.
_INSERTS = "insmod "


def prove_modules(modules, load=False, kernel=None, context=None):
    # type: (list[str], bool, Kernel | None, Any) -> dict[str, Any]
    """Return for each name what loading it would do, and whether that would succeed.

    modules: names or aliases, in the order in which they are to be loaded
    load: have the box's own modprobe load each one that is not loaded, too

    Keys: modprobe (the box's), modules: for each name, resolves (names), steps (paths,
    in order), lacks ({symbol, path, owner}: what an import of a step would not find
    among the kernel's symbols and those of the steps before it; owner: the path that
    exports it, or ""), present, and where it was loaded status, output and records (the
    kernel's lines).

    Each is judged as if nothing were loaded, so that what happens to be there already
    hides no gap.
    """
    kernel = kernel or Kernel()
    tree = directory_of(kernel.release)
    proof = _Proof(kernel, tree)
    program = userland.program("modprobe")
    if load and program is None:
        raise LoadError(
            "the box has no modprobe of its own",
            where="/sbin, /usr/sbin",
            hint="modferry load MODULE --on BOX loads without it",
            code="no-modprobe",
        )
    replies = []
    for number, name in enumerate(modules):
        if context is not None:
            context.progress(number, len(modules), name)
        reply = proof.judge(name)
        if load and program is not None and not reply["present"]:
            reply.update(_load(program, name))
            reply["present"] = proof.is_present(name)
        replies.append(reply)
    return {"modprobe": program, "modules": replies}


class _Proof(object):
    """What is known of the tree and the kernel while names are judged."""

    def __init__(self, kernel, tree):
        # type: (Kernel, str) -> None
        self.kernel = kernel
        self.tree = tree
        self.sources = probing.read_sources(kernel, tree)
        self.survey = Survey(tree, self.sources)
        self.exported = kernel_exports(kernel)
        self._facts = {}  # type: dict[str, Facts | None]

    def is_present(self, name):
        # type: (str) -> bool
        try:
            loaded = [entry["name"] for entry in self.kernel.modules()]
        except AgentError:
            return False
        inner = [self._inner_name(one) for one in self.sources.resolve(name)]
        return bool(inner) and not set(inner) - set(loaded)

    def _inner_name(self, name):
        # type: (str) -> str
        # A link's name is not the kernel's.
        facts = self._facts_of(self.sources.line_of(name)[0])
        return ((facts and facts[5]) or name).replace("-", "_")

    def judge(self, name):
        # type: (str) -> dict[str, Any]
        targets = self.sources.resolve(name)
        steps = []  # type: list[str]
        lacks = []  # type: list[dict[str, str]]
        found = set(self.exported or ())
        for target in targets:
            for step in self.sources.plan(target, name):
                if step.builtin or not step.path or step.path in steps:
                    continue
                steps.append(step.path)
                facts = self._facts_of(step.path)
                if facts is None:
                    lacks.append({"symbol": "", "path": step.path, "owner": ""})
                    continue
                lacks.extend(self._lacking(step.path, facts, found))
                found.update(facts[0].split("\0"))
        return {
            "name": name,
            "resolves": targets,
            "steps": steps,
            "lacks": lacks,
            "present": self.is_present(name),
        }

    def _lacking(self, path, facts, found):
        # type: (str, Facts, set[str]) -> list[dict[str, str]]
        wanted = set(facts[1].split("\0"))
        wanted.difference_update(found, NO_IMPORTS, [""])
        lacks = []
        for symbol in sorted(wanted):
            owner = self.survey.owner_of(symbol, path)
            # Without the kernel's list a symbol that no module exports is its own.
            if owner is None and (self.exported is None or self._is_weak(path, symbol)):
                continue
            where = "" if owner is None else owner.path
            lacks.append({"symbol": symbol, "path": path, "owner": where})
        return lacks

    def _is_weak(self, path, symbol):
        # type: (str, str) -> bool
        module = self.survey.module(path)
        imports = [] if module is None else module.imports
        return (symbol, True) in [(name, weak) for name, _crc, weak in imports]

    def _facts_of(self, path):
        # type: (str) -> Facts | None
        if path not in self._facts:
            self._facts[path] = None
            try:
                if path:
                    content = treefiles.read_module(self.survey.location(path))
                    self._facts[path] = modulefacts.facts_of(content)
            except (AgentError, ValueError):
                pass
        return self._facts[path]


def _load(program, name):
    # type: (str, str) -> dict[str, Any]
    try:
        loader = syscalls.find_loader()
    except AgentError:
        loader = None
    bracket = klogdevice.Bracket(loader)
    try:
        _, status, output, errors = processes.run([program, "-v", "--", name])
        records, _lost = bracket.collect()
    finally:
        bracket.abandon()
    return {
        "status": status,
        "output": native(output + errors),
        "records": [klog.plain(record) for record in records],
    }


def steps_by_modprobe(program, name, release):
    # type: (str, str, str) -> list[str] | None
    """Return the real paths that the box's modprobe would load, in order.

    None: it refuses.  Nothing is loaded.
    """
    words = [program, "--show-depends", "-S", release, name]
    _, status, output, _ = processes.run(words)
    if status:
        return None
    found = []
    for line in native(output).split("\n"):
        if line.startswith(_INSERTS):
            path = native(os.path.realpath(raw(line[len(_INSERTS) :].split(" ")[0])))
            # kmod tells what a softdep names again, loaded as it is by then.
            if path not in found:
                found.append(path)
    return found
