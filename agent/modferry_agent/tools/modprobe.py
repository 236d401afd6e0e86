"""modprobe: load a module with what it needs, or remove it, by kmod's command line."""

import os

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.errors import AgentError
from modferry_agent.jobs import inserting
from modferry_agent.system import moduletree
from modferry_agent.tools import insmod, modproberemove, modprobetable, telling
from modferry_agent.tools.telling import ERROR, FATAL, WARNING

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Step  # noqa: F401
    from modferry_agent.jobs.loadrun import Run  # noqa: F401


def main(argv):
    # type: (Sequence[str]) -> int
    """Run the command; return its exit status, 0 or 1."""
    extra = modprobetable.words_of(os.environ.get("MODPROBE_OPTIONS", ""))
    words = list(argv[:1]) + extra + list(argv[1:])
    return telling.run_tool(
        words, modprobetable.TABLE, modprobetable.USAGE, WARNING, _run
    )


def _run(teller, given, operands):
    # type: (telling.Teller, list[tuple[str, str]], list[str]) -> int
    settings = modprobetable.Settings(given)
    if settings.quiet:
        teller.verbosity = 0
    if settings.show_exports or settings.show_modversions:
        return _show_symbols(settings, operands)
    if not operands and not settings.show_config:
        teller.tell(ERROR, "missing parameters. See -h.")
        return 1
    try:
        run = inserting.new_run(settings.release, settings.root, settings.config)
    except AgentError as error:
        _tell_error(teller, error, operands[:1])
        return 1
    for where, complaint in run.sources.config.warnings:
        telling.err("libkmod: ERROR: %s: %s\n" % (where, complaint))
    if settings.show_config:
        telling.out(modprobetable.config_text(run.sources))
        return 0
    status = 0
    names = operands if settings.all or settings.remove else operands[:1]
    parameters = "" if settings.all else inserting.joined_parameters(operands[1:])
    for name in names:
        try:
            if settings.remove:
                status = modproberemove.remove(teller, run, settings, name) or status
            else:
                status = Probe(teller, run, settings).load(name, parameters) or status
        except AgentError as error:
            # An index that is damaged where nothing looked before.
            _tell_error(teller, error, [name])
            status = 1
    return status


def _show_symbols(settings, operands):
    # type: (modprobetable.Settings, list[str]) -> int
    from modferry_agent.core import elf, modversions

    status = 0
    for path in operands[:1]:
        try:
            file = elf.Elf(moduletree.read_module(path))
        except AgentError as error:
            telling.err("modprobe: FATAL: %s: %s\n" % (path, error.message))
            return 1
        if settings.show_exports:
            pairs = modversions.exported_crcs(file)
        else:
            pairs = modversions.imported_crcs(file)
        for symbol, crc in pairs:
            telling.out("0x%08x\t%s\n" % (crc, symbol.lstrip(".")))
    return status


class Probe(object):
    """The loading of one operand."""

    def __init__(self, teller, run, settings):
        # type: (telling.Teller, Run, modprobetable.Settings) -> None
        """Remember what to work with."""
        self.teller = teller
        self.run = run
        self.settings = settings

    def load(self, text, parameters):
        # type: (str, str) -> int
        """Load all modules the text stands for; return the last one's status."""
        sources = self.run.sources
        names = sources.resolve(text)
        if not names:
            self.teller.tell(
                WARNING if self.settings.all else FATAL,
                "Module %s not found in directory %s" % (text, self.run.tree),
            )
            return 1
        if self.settings.resolve:
            telling.out("".join([name + "\n" for name in names]))
            return 0
        status = 0
        for name in names:
            by_alias = name != text.replace("-", "_")
            status = self._load_one(name, text if by_alias else "", parameters)
        return status

    def _load_one(self, name, alias, parameters):
        # type: (str, str, str) -> int
        settings, sources = self.settings, self.run.sources
        if not settings.show_depends and self._is_there(name, ""):
            if settings.first_time:
                self.teller.tell(
                    ERROR, "could not insert '%s': Module already in kernel" % name
                )
                return 1
            return 0
        if name in sources.config.blacklist and (alias or settings.use_blacklist):
            return 0
        for step in sources.plan(name, alias, parameters, settings.ignore_commands):
            if not settings.show_depends and self._is_there(step.name, step.path):
                continue
            self._show(step)
            if settings.dry_run:
                continue
            status = self._take(step, name)
            if status and not step.soft:
                return status
        return 0

    def _is_there(self, name, path):
        # type: (str, str) -> bool
        # A module loaded under a link's name is known by its inner name.
        run = self.run
        if run.sources.is_builtin(name) or name in run.present:
            return True
        path = path or run.sources.line_of(name)[0]
        if not path or not os.path.islink(path_in(run.tree, path)):
            return False
        return modproberemove.inner_name(run.tree, path) in run.present

    def _show(self, step):
        # type: (Step) -> None
        if not (self.settings.show or self.teller.verbosity > WARNING):
            return
        if step.builtin:
            telling.out("builtin %s\n" % step.name)
        elif step.command is not None:
            telling.out("install %s %s\n" % (step.command, step.options))
        elif step.path:
            path = path_in(self.run.tree, step.path)
            telling.out("insmod %s %s\n" % (path, step.options))

    def _take(self, step, target):
        # type: (Step, str) -> int
        if step.builtin:
            return 0
        if step.command is not None:
            return modproberemove.run_command(
                self.teller, "install", step.command, step.name, step.options
            )
        flags = insmod.flags_of(self.settings.force)
        try:
            failure, reply = inserting.insert_step(self.run, step, flags)
        except AgentError as error:
            if not step.soft:
                _tell_error(self.teller, error, [target])
            return 1
        if failure is None:
            self.run.present.append(reply["inner_name"])
            return 0
        if reply["error"] == "EEXIST" and not (
            self.settings.first_time and step.target
        ):
            return 0
        if not step.soft:
            text = modprobetable.ERRNO_TEXTS.get(reply["error"])
            self.teller.tell(
                ERROR,
                "could not insert '%s': %s"
                % (target, text or os.strerror(reply["errno"])),
            )
            if self.teller.verbosity >= ERROR:
                telling.err("  why    %s\n" % failure["message"])
        return 1


def path_in(tree, path):
    # type: (str, str) -> str
    """Return an index's path as a place to read from."""
    return path if path.startswith("/") else tree + "/" + path


def _tell_error(teller, error, target):
    # type: (telling.Teller, AgentError, list[str]) -> None
    if error.code == "index-missing" and target:
        teller.tell(
            FATAL, "Module %s not found in directory %s" % (target[0], error.where)
        )
    named = "could not insert '%s': " % target[0] if target else ""
    teller.tell(ERROR, named + error.message)
    if error.hint and teller.verbosity >= ERROR:
        telling.err("  next   %s\n" % error.hint)
