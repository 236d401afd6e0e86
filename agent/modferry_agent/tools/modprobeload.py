"""modprobe's loading: the steps of a plan, shown and taken.

Source: kmod, tools/modprobe.c, insmod; libkmod/libkmod-module.c,
kmod_module_probe_insert_module.
"""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.core.names import module_name
from modferry_agent.errors import AgentError
from modferry_agent.tools import modprobetable, telling
from modferry_agent.tools.telling import ERROR, WARNING

if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Step  # noqa: F401
    from modferry_agent.tools.modprobebox import Box  # noqa: F401


class Probe(object):
    """The loading of operands.

    level: of the message that nothing is known by a name
    """

    def __init__(self, teller, box, settings, level):
        # type: (telling.Teller, Box, modprobetable.Settings, int) -> None
        """Remember what to work with."""
        self.teller = teller
        self.box = box
        self.settings = settings
        self.level = level

    def load(self, text, parameters):
        # type: (str, str) -> int
        """Load all modules the text stands for; return the last one's status."""
        if text.startswith(("/", "./")):
            return self._load_path(text, parameters)
        names = self.box.sources.resolve(text)
        if not names:
            words = "Module %s not found in directory %s" % (text, self.box.tree)
            hint = advice = ""
            if self.box.sources.dep is None:
                hint = "there is no modules.dep.bin"
                # Without a release depmod takes the running kernel's.
                advice = ("depmod " + self.settings.release).rstrip()
            self.teller.tell(self.level, words, hint, advice)
            return 1
        status = 0
        for name in names:
            if self.settings.resolve:
                telling.out(name + "\n")
                continue
            by_alias = name != text.replace("-", "_")
            status = self._load_one(name, text if by_alias else "", parameters)
        return status

    def _load_path(self, path, parameters):
        # type: (str, str) -> int
        try:
            os.stat(raw(path))
        except OSError as error:
            words = "Failed to get module from path %s: %s" % (path, error.strerror)
            self.teller.tell(self.level, words)
            return 1
        name = module_name(path)
        if self.settings.resolve:
            telling.out(name + "\n")
            return 0
        return self._load_one(name, "", parameters, os.path.abspath(path))

    def _load_one(self, name, alias, parameters, path=""):
        # type: (str, str, str, str) -> int
        settings, sources = self.settings, self.box.sources
        if not settings.show_depends and self.box.is_there(name, path):
            return self._refused(name, errno.EEXIST) if settings.first_time else 0
        if name in sources.config.blacklist and (alias or settings.use_blacklist):
            return 0
        steps = sources.plan(name, alias, parameters, settings.ignore_commands)
        refusal = self._refusal(steps)
        if refusal:
            self.teller.tell(ERROR, "could not insert '%s': %s" % (name, refusal))
            return 1
        for step in steps:
            if path and step.target:
                step.path = path
            code = 0
            if not settings.show_depends and self.box.is_there(step.name, step.path):
                code = errno.EEXIST
            else:
                self._show(step)
                if not settings.dry_run:
                    code = self._take(step, name)
            if code == errno.EEXIST:
                if step.target and settings.first_time:
                    return self._refused(name, code)
                continue
            if code and not step.soft:
                return 1
        return 0

    def _refusal(self, steps):
        # type: (list[Step]) -> str
        # What our own options forbid, before anything is loaded on the way there.
        settings = self.settings
        if settings.blacklist_dependencies:
            for step in steps:
                if step.name in self.box.sources.config.blacklist and not step.soft:
                    return "%s is blacklisted" % step.name
        if settings.allowed is not None:
            for step in steps:
                if step.name not in settings.allowed:
                    return "%s is not among the allowed modules" % step.name
        return ""

    def _show(self, step):
        # type: (Step) -> None
        if not (self.settings.show_depends or self.teller.verbosity > WARNING):
            return
        if step.command is not None:
            telling.out("install %s %s\n" % (step.command, step.options))
        elif step.builtin:
            telling.out("builtin %s\n" % step.name)
        elif step.path:
            telling.out("insmod %s %s\n" % (self.box.place(step.path), step.options))

    def _take(self, step, target):
        # type: (Step, str) -> int
        # Return an errno; what is wrong is told, if it stops the load.
        if step.command is not None:
            if modprobetable.run_command(
                self.teller, "install", step.command, step.name, step.options
            ):
                return 0
            return self._stop(step, target, errno.EINVAL)
        if not step.path:
            words = "could not find module by name='%s'" % step.name
            self.teller.tell(ERROR, words)
            return self._stop(step, target, errno.ENOENT)
        from modferry_agent.jobs import inserting

        flags = modprobetable.flags_of(self.settings.force)
        try:
            failure, reply = inserting.insert_step(self.box.run(), step, flags)
        except AgentError as error:
            code = inserting.errno_of(error)
            return self._stop(step, target, code, [(error.message, error.hint)])
        code = reply["errno"]
        if code == errno.ENODATA and not reply["call"] == "finit_module":
            words = "Failed to strip version information: "
            self.teller.tell(ERROR, words + os.strerror(code))
        if failure is None or code == errno.EEXIST:
            return int(code)
        return self._stop(step, target, code, self._reasons(step, reply, failure))

    def _stop(self, step, target, code, reasons=()):
        # type: (Step, str, int, Sequence[tuple[str, str]]) -> int
        if not step.soft:
            self._refused(target, code)
            for pair in reasons:
                self.teller.add(*pair)
        return code

    def _reasons(self, step, reply, failure):
        # type: (Step, dict[str, Any], dict[str, str]) -> list[tuple[str, str]]
        if step.soft or self.teller.verbosity < ERROR:
            return []
        from modferry_agent.tools import reasons

        return reasons.of_failure(self.box.run(), step, reply, failure)

    def _refused(self, name, code):
        # type: (str, int) -> int
        text = modprobetable.ERRNO_TEXTS.get(code) or os.strerror(code)
        self.teller.tell(ERROR, "could not insert '%s': %s" % (name, text))
        return 1
