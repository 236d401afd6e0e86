"""Errors with fields: what went wrong, where, why, and what to do next."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin


class AgentError(Exception):
    """What the agent was asked cannot be done; crosses the wire as an error reply.

    code: stable, kebab-case, what scripts compare
    message: lower-case, no full stop
    where: the file, module or call concerned, or ""
    hint: the next step, checked to hold, or ""
    details: further plain values by name (errno, symbol, ...)
    """

    code = "failed"

    def __init__(self, message, where="", hint="", code="", **details):
        # type: (str, str, str, str, **Any) -> None
        """Keep the fields."""
        Exception.__init__(self, message)
        self.message = message
        self.where = where
        self.hint = hint
        if code:
            self.code = code
        self.details = details

    def __str__(self):
        # type: () -> str
        """Return what, where and next on lines of their own."""
        lines = [self.message]
        if self.where:
            lines.append("  where  " + self.where)
        if self.hint:
            lines.append("  next   " + self.hint)
        return "\n".join(lines)


class RequestError(AgentError):
    """The request itself is wrong: unknown name, missing or ill-typed argument."""

    code = "bad-request"


class FormatError(AgentError, ValueError):
    """A file is malformed: not what its name promises, cut, or contradicting itself."""

    code = "bad-format"


class FileError(AgentError):
    """The box's file system refused: full, read-only, missing, not permitted."""

    code = "file-error"


class LoadError(AgentError):
    """The kernel, or a check before it, refused to load or unload a module."""

    code = "load-failed"
