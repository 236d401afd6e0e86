"""The exception tree, split by who is to blame, and the exit status of each.

An exception that is none of these is a bug in modferry and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Self


class ExitStatus(IntEnum):
    """What the process tells its caller; ``EXIT_MEANINGS`` says it in words."""

    DONE = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    FAILED = 4
    INTERRUPTED = 130


EXIT_MEANINGS: Mapping[ExitStatus, str] = {
    ExitStatus.DONE: "done",
    ExitStatus.NO: "the answer is no: there are findings",
    ExitStatus.USAGE: "the command line, the fleet file or a profile is wrong",
    ExitStatus.UNREACHABLE: "the box cannot be reached",
    ExitStatus.FAILED: "the box or its agent failed",
    ExitStatus.INTERRUPTED: "interrupted",
}


class ModferryError(Exception):
    """Something that modferry explains: what, where, why, and the next step.

    message: what is the matter; lower-case, no full stop, values quoted.
    where: box, file and line, or step.
    why: the cause, as far as it was checked.
    next_step: what to do now; only advice that was tried.
    """

    def __init__(
        self, message: str, *, where: str = "", why: str = "", next_step: str = ""
    ) -> None:
        """Keep the parts; ``str()`` gives the message alone."""
        super().__init__(message)
        self.message = message
        self.where = where
        self.why = why
        self.next_step = next_step

    def report(self) -> str:
        """Return the lines for a person: the message, then where, why and next."""
        lines = [self.message]
        for label, text in (
            ("where", self.where),
            ("why", self.why),
            ("next", self.next_step),
        ):
            if text:
                first, *rest = text.splitlines()
                lines.append(f"  {label:<6} {first}")
                lines += [f"  {'':<6} {line}" for line in rest]
        return "\n".join(lines)


class UsageError(ModferryError):
    """The command line, the fleet file or a profile asks for what cannot be."""


class FormatError(ModferryError, ValueError):
    """A file on the host is malformed."""


class BoxError(ModferryError):
    """The box, or the way to it, did not do its part."""


class TransportError(BoxError):
    """The box cannot be reached, or the link to it broke.

    passing: it may well be over soon, and another try does no harm: it was before the
        far end said a word (a full gateway, a server that starts), or what was being
        done may be done again.
    """

    passing = False

    def passes(self) -> Self:
        """Return the error, marked as one that is worth another try."""
        self.passing = True
        return self


class BoxEndedError(TransportError):
    """The box restarted, or its kernel died, while its agent was at work.

    is_back: it restarted, and will be there again.
    """

    is_back = False


class InterruptionError(TransportError):
    """The link was ended by who started it."""


class BootstrapError(BoxError):
    """The box answered, but the agent could not be started there."""


class NoPythonError(BootstrapError):
    """The box has a shell, but no Python for the agent.

    token: on a console, of the program that the shell runs for us.
    """

    token: str = ""


class ReplyError(BoxError):
    """The agent answered a request with an error.

    code: kebab-case and stable, from the agent; ``internal`` is the agent's bug.
    details: plain values that go with the code.
    """

    def __init__(  # noqa: PLR0913 - the parts of an error reply
        self,
        message: str,
        *,
        code: str = "",
        details: Mapping[str, object] | None = None,
        where: str = "",
        why: str = "",
        next_step: str = "",
    ) -> None:
        """Keep the reply's parts."""
        super().__init__(message, where=where, why=why, next_step=next_step)
        self.code = code
        self.details: dict[str, object] = dict(details or {})


class LoadError(ReplyError):
    """The box's kernel, or the agent on its behalf, refused to load a module."""


def system_words(error: Exception) -> str:
    """Return why a file could not be used: the system's words, without its number."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


EXIT_STATUS: Mapping[type[BaseException], ExitStatus] = {
    UsageError: ExitStatus.USAGE,
    FormatError: ExitStatus.USAGE,
    TransportError: ExitStatus.UNREACHABLE,
    InterruptionError: ExitStatus.INTERRUPTED,
    BootstrapError: ExitStatus.FAILED,
    ReplyError: ExitStatus.FAILED,
    LoadError: ExitStatus.FAILED,
    BoxError: ExitStatus.FAILED,
    ModferryError: ExitStatus.FAILED,
    KeyboardInterrupt: ExitStatus.INTERRUPTED,
}
"""Exception -> exit status; a subclass without a line has its nearest base's."""


def exit_status(error: BaseException) -> ExitStatus:
    """Return the exit status of an error; raise KeyError for one that is a bug."""
    for kind in type(error).__mro__:
        if kind in EXIT_STATUS:
            return EXIT_STATUS[kind]
    raise KeyError(type(error).__name__)
