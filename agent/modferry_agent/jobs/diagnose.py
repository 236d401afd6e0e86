"""Why a module does not load, or did not: found from files, indexes and the log."""

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.core import diagnosis, logfindings, policy
from modferry_agent.core.diagnosis import DEPMOD, ERROR, NOTE, WARNING, Subject, finding
from modferry_agent.core.names import module_name
from modferry_agent.core.probeplan import Sources
from modferry_agent.errors import AgentError
from modferry_agent.jobs import checked, klog, probing
from modferry_agent.jobs.survey import Survey, kernel_exports
from modferry_agent.system import fingerprints, treefiles
from modferry_agent.system.kernel import Kernel

if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin

    from modferry_agent.core.diagnosis import Finding  # noqa: F401
    from modferry_agent.core.module import Module  # noqa: F401

    Texts = list[str] | None

PUSH = "push it: modferry push FILE --on BOX"
_FILE_CODES = ("no-decompressor", "file-error", "bad-compression")


def diagnose_module(
    module,
    with_log=True,
    basedir="",
    kernel=None,
    texts=None,
    context=None,
    console=(),
):
    # type: (str, bool, str, Kernel | None, Texts, Any, Sequence[str]) -> dict[str, Any]
    """Return module, path, findings and loadable, for a name, an alias or a path.

    with_log: take what the kernel said of the module as evidence
    texts: the kernel's lines, if the caller has them already
    console: lines of the kernel's that the host has seen on the box's console
    """
    kernel = kernel or Kernel()
    case = Case(kernel, basedir, module)
    case.examine()
    if with_log:
        if texts is None:
            texts = klog.recent_texts()
        only_there = [text for text in console if text not in texts]
        logfindings.add_log(
            case.findings,
            texts + only_there,
            case.subjects,
            case.loaded,
            case.kernel_symbols,
            case.survey.owner_of,
        )
        for entry in case.findings:
            entry["evidence"] = [
                "console: " + text if text in only_there else text
                for text in entry["evidence"]
            ]
    order = [ERROR, WARNING, NOTE]
    case.findings.sort(key=lambda entry: order.index(entry["severity"]))
    return {
        "module": module,
        "path": case.path,
        "findings": case.findings,
        "loadable": diagnosis.is_loadable(case.findings),
    }


class Case(object):
    """One diagnosis: what was found so far, and what it is found with."""

    def __init__(self, kernel, basedir, text):
        # type: (Kernel, str, str) -> None
        """Read the indexes and what the kernel says; a broken index is a finding."""
        self.kernel = kernel
        self.findings = []  # type: list[Finding]
        self.subjects = []  # type: list[Subject]
        self.tree = probing.tree_of(basedir, kernel.release)
        self.name = module_name(text)
        try:
            self.sources = probing.read_sources(kernel, self.tree)
            if self.sources.dep is not None:
                list(self.sources.dep.items())  # each node is bounds-checked
            if "/" not in text:
                self.name = (self.sources.resolve(text) or [self.name])[0]
        except AgentError as error:
            self.sources = Sources()
            step = DEPMOD % (text if text.startswith("/") else self.name)
            if error.code == "no-module-tree":
                step = error.hint
            where = error.where or self.tree
            self._add(error.code, ERROR, error.message, step, [where])
        self.survey = Survey(self.tree, self.sources)
        self.path = text if text.startswith("/") else self.survey.find_module(self.name)
        try:
            self.loaded = [entry["name"] for entry in kernel.modules()]
        except AgentError:
            self.loaded = []
        self.kernel_symbols = kernel_exports(kernel)
        records = {}  # type: dict[str, tuple[str, int]]
        try:
            records = fingerprints.read(basedir, kernel.release)
        except AgentError as error:
            self._add(error.code, WARNING, error.message, error.hint, [error.where])
        reference = checked.find_reference(
            self.tree, self.sources, self.loaded, (self.name,)
        )
        self.gate = checked.Gate(kernel.machine, records, False, reference)
        self.kernel_crcs = {}  # type: dict[str, int]
        if reference is not None:
            for symbol, crc, _ in reference.parse().imports:
                self.kernel_crcs[symbol] = crc

    def _add(self, code, severity, why, step, evidence, module="", owner=None):
        # type: (str, str, str, str, list[str], str, str | None) -> Finding
        found = finding(
            code, severity, module or self.name, why, step, None, owner, evidence
        )
        self.findings.append(found)
        return found

    def examine(self):
        # type: () -> None
        """Find all that is wrong with the module and with what it needs."""
        if not self.path:
            if self.sources.is_builtin(self.name):
                self._add("builtin", NOTE, "it is part of the kernel", "", [])
                return
            self._add(
                "module-missing",
                ERROR,
                "no file below %s is that module" % self.tree,
                PUSH,
                [self.tree],
            )
            return
        if self.sources.dep is not None and not self.path.startswith("/"):
            if not self.sources.line_of(self.name)[0]:
                self._add(
                    "not-in-index",
                    ERROR,
                    "the file is there, but modules.dep.bin does not know it: it came"
                    " after the last depmod",
                    DEPMOD % self.name,
                    [self.path],
                )
        start = self.survey.own_path(self.path)
        waiting, seen = [start], {}  # type: list[str], dict[str, list[str]]
        failing = ""
        while waiting:
            path = waiting.pop(0)
            if path in seen:
                continue
            before = len(self.findings)
            seen[path] = []
            seen[path] = self._examine_file(path, len(seen) == 1)
            waiting.extend(seen[path])
            errors = [one for one in self.findings[before:] if one["severity"] == ERROR]
            if errors and len(seen) > 1 and not failing:
                failing = path
        chain = diagnosis.cycle_through(seen, start)
        if chain:
            self._add(
                "dependency-cycle",
                ERROR,
                "each of %d modules needs the next, and the last the first: none can be"
                " the first to be loaded" % (len(chain) - 1),
                "rebuild one of them without what it takes from the next",
                [" needs ".join(chain)],
            )
        if failing:
            self._add(
                "dependency-fails",
                ERROR,
                "it needs %s, which cannot be loaded" % failing,
                "modferry diagnose %s --on BOX" % module_name(failing),
                [failing],
                owner=failing,
            )

    def _examine_file(self, path, is_target):
        # type: (str, bool) -> list[str]
        # Add what is wrong with one file; return the files that it needs.
        name = module_name(path)
        parsed = self._check_file(path, name)
        if parsed is None:
            return []
        inner = (parsed.inner_name or parsed.name).replace("-", "_")
        line = self.survey.lines.get(path)
        if line is None and is_target:
            line = self.survey.lines.get(self.path)
        subject = Subject(parsed, line)
        self.subjects.append(subject)
        if inner in self.loaded:
            if is_target:
                self._add(
                    "already-loaded",
                    NOTE,
                    "the kernel has it loaded%s"
                    % (" as %s" % inner if inner != name else ""),
                    "",
                    ["/proc/modules: " + inner],
                )
            return []
        command = self.sources.config.command_of("install", name)
        if command is not None:
            self._add(
                "install-command",
                WARNING,
                "modprobe runs a command of modprobe.d in its place",
                "remove that line, or: modprobe -i %s" % name,
                ["install %s %s" % (name, command)],
                name,
            )
        subject.wanted = list(reversed(self._wanted(parsed, {})))
        return self._examine_imports(subject)

    def _check_file(self, path, name):
        # type: (str, str) -> Module | None
        location = self.survey.location(path)
        try:
            checked_file = self.gate.read(location, path)
        except AgentError as error:
            code = "unreadable" if error.code in _FILE_CODES[1:] else error.code
            step = error.hint or PUSH
            self._add(code, ERROR, error.message, step, [error.where], name)
            return self.survey.module(path) if code == "vermagic-mismatch" else None
        refused = policy.refusals(
            self.kernel.read, checked_file.inner_name, checked_file.image
        )
        for code, why, step, evidence in refused:
            self._add(code, ERROR, why, step, [evidence], name)
        self.gate.require_fingerprint = True
        try:
            stored = treefiles.read_stored(location)
            digest = fingerprints.fingerprint(stored)[0]
            self.gate.check_fingerprint(location, path, digest)
        except AgentError as error:
            self._add(error.code, WARNING, error.message, error.hint, [location], name)
        finally:
            self.gate.require_fingerprint = False
        return self.survey.module(path)

    def _examine_imports(self, subject):
        # type: (Subject) -> list[str]
        needed = []  # type: list[str]
        path = subject.module.path
        for symbol, crc, weak in subject.module.imports:
            found = None  # type: Finding | None
            known = self.kernel_crcs.get(symbol, 0)
            if symbol in diagnosis.NO_IMPORTS or self._kernel_has(symbol):
                source = self.gate.reference.path if self.gate.reference else ""
                found = diagnosis.kernel_crc(subject, symbol, crc, known, source)
            else:
                owner = self.survey.owner_of(symbol, path)
                if owner is None:
                    if not weak and self.kernel_symbols is not None:
                        found = diagnosis.nowhere(subject, symbol)
                else:
                    if owner.path not in needed:
                        needed.append(owner.path)
                    found = diagnosis.judge_import(
                        subject, symbol, crc, owner, self.loaded
                    )
                    if weak:
                        found = None
            if found is not None:
                self.findings.append(found)
        return needed

    def _kernel_has(self, symbol):
        # type: (str) -> bool
        return self.kernel_symbols is not None and symbol in self.kernel_symbols

    def _wanted(self, parsed, seen):
        # type: (Module, dict[str, bool]) -> list[str]
        # In load order, each once; the reverse of the line in modules.dep.
        found = []  # type: list[str]
        for symbol, _, _ in parsed.imports:
            if symbol in diagnosis.NO_IMPORTS or self._kernel_has(symbol):
                continue
            owner = self.survey.owner_of(symbol, parsed.path)
            if owner is None or owner.path in seen:
                continue
            seen[owner.path] = True
            module = self.survey.module(owner.path)
            if module is not None:
                for below in self._wanted(module, seen):
                    found.append(below)
                found.append(owner.path)
        return found
