"""What depmod refuses when it is told to be strict: whatever it would warn of."""

from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin

# What kernels of old do not have is no fault of a module.
_NO_FAULTS = ("modules.builtin", "modules.builtin.modinfo")


def refuse_warnings(directory, warnings, conflicts):
    # type: (str, Sequence[tuple[str, str]], Sequence[dict[str, Any]]) -> None
    """Raise FormatError (code ``strict``) if there is anything to warn of.

    warnings: ``(path, reason)``
    conflicts: symbols that several files export, with ``symbol``, ``owner``, ``others``
    """
    found = [warning for warning in warnings if warning[0] not in _NO_FAULTS]
    for conflict in conflicts:
        others = ", ".join(conflict["others"])
        reason = "%s is exported by %s, too" % (conflict["symbol"], others)
        found.append((conflict["owner"], reason))
    if found:
        raise FormatError(
            "nothing is written, there are %d warnings: %s"
            % (len(found), "; ".join(["%s: %s" % one for one in found[:3]])),
            where=directory,
            hint="mend or remove these files, or do without strict",
            code="strict",
            warnings=[{"path": path, "reason": reason} for path, reason in found],
        )
