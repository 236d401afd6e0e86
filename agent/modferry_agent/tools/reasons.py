"""Why a load failed, in lines behind kmod's own message."""

from modferry_agent.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Step  # noqa: F401
    from modferry_agent.jobs.loadrun import Run  # noqa: F401


def of_failure(run, step, reply, failure):
    # type: (Run, Step, dict[str, Any], dict[str, str]) -> list[tuple[str, str]]
    """Return (why, next step) of what was found, the heaviest first."""
    return [(failure["message"], failure["hint"])]
