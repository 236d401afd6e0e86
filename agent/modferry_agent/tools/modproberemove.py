"""modprobe -r: remove a module, then what it needed and nothing else uses.

Source: kmod, tools/modprobe.c, rmmod_do_module.
"""

import errno
import os
import time

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.core.names import module_name
from modferry_agent.tools import modprobetable, telling
from modferry_agent.tools.telling import ERROR, WARNING

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

    from modferry_agent.tools.modprobebox import Box  # noqa: F401


class Removal(object):
    """The removing of operands.

    level: of the messages that kmod makes fatal, unless -a makes them warnings
    """

    def __init__(self, teller, box, settings, level):
        # type: (telling.Teller, Box, modprobetable.Settings, int) -> None
        """Remember what to work with."""
        self.teller = teller
        self.box = box
        self.settings = settings
        self.level = level

    def remove(self, text):
        # type: (str) -> int
        """Remove all modules the text stands for; return 1 if one of them stays."""
        names = self.box.sources.resolve(text)
        if not names:
            self.teller.tell(self.level, "Module %s not found." % text)
            return 1
        for name in names:
            if not self._remove_one(name):
                return 1
        return 0

    def _remove_one(self, name):
        # type: (str) -> bool
        settings, box = self.settings, self.box
        before, after = [], []  # type: list[str], list[str]
        command = None
        if not settings.ignore_commands:
            before, after = box.sources.config.softdeps_of(name)
            command = box.sources.config.command_of("remove", name)
        inner = name
        if command is None:
            if box.sources.is_builtin(name):
                return self._told("Module %s is builtin." % name)
            if box.kernel.initstate(name) is None:
                inner = box.inner_name(name)  # loaded under a link's name
            if box.kernel.initstate(inner) is None:
                if settings.first_time:
                    return self._told("Module %s is not in kernel." % name)
                return True
        self._remove_texts(after)
        if settings.holders and not self._remove_holders(inner):
            return False
        if command is not None:
            if not self._run_command(command, name):
                return False
        else:
            if not settings.wait_ms and (box.kernel.refcount(inner) or 0) > 0:
                return self._told("Module %s is in use." % inner)
            if not self._delete(inner):
                return False
            self._remove_unused(name)
        self._remove_texts(before)
        return True

    def _told(self, text):
        # type: (str) -> bool
        self.teller.tell(self.level, text)
        return False

    def _remove_texts(self, texts):
        # type: (Sequence[str]) -> None
        names = [name for text in texts for name in self.box.sources.resolve(text)]
        for name in reversed(names):
            self._remove_one(name)

    def _remove_holders(self, name):
        # type: (str) -> bool
        for holder in reversed(self.box.kernel.holders(name) or []):
            if not self._remove_one(holder):
                return False
        return True

    def _remove_unused(self, name):
        # type: (str) -> None
        # The deepest first: what is above it still holds it, so that of a chain only
        # the next one goes.  So does kmod.
        for path in reversed(self.box.sources.line_of(name)[1]):
            below = module_name(path)
            if self.box.kernel.refcount(below) is None:
                below = self.box.inner_name(below, path)
            if self.box.kernel.refcount(below) == 0:
                self._delete(below)

    def _run_command(self, command, name):
        # type: (str, str) -> bool
        self._show("remove %s\n" % command)
        if self.settings.dry_run:
            return True
        if modprobetable.run_command(self.teller, "remove", command, name, ""):
            return True
        return self._told("Error running remove command for %s" % name)

    def _delete(self, name):
        # type: (str) -> bool
        self._show("rmmod %s\n" % name)
        if self.settings.dry_run:
            return True
        flags = os.O_NONBLOCK | (os.O_TRUNC if self.settings.force else 0)
        code = self._call(name, flags)
        if code:
            text = "could not remove '%s': %s" % (name, os.strerror(code))
            self.teller.tell(ERROR, text)
        return code in (0, errno.EEXIST)

    def _call(self, name, flags):
        # type: (str, int) -> int
        # What is in use is asked again for, ever more rarely, until the wait is over.
        left, pause = self.settings.wait_ms, 1
        while True:
            code = self.box.loader().delete(name, flags)[1]
            if code != errno.EAGAIN or left <= 0:
                return code
            while pause > left:
                pause //= 2
            pause = max(pause, 1)
            time.sleep(pause / 1000.0)
            left -= pause
            pause *= 2

    def _show(self, text):
        # type: (str) -> None
        if self.settings.show_depends or self.teller.verbosity > WARNING:
            telling.out(text)
            telling.flush()
