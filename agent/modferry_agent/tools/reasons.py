"""Why a load failed, behind kmod's own message: which symbol, whose, and why."""

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.errors import AgentError
from modferry_agent.jobs import diagnose

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Step  # noqa: F401
    from modferry_agent.jobs.loadrun import Run  # noqa: F401

# More than these no one reads; the number of the others is said.
_MOST = 4


def of_failure(run, step, reply, failure):
    # type: (Run, Step, dict[str, Any], dict[str, str]) -> list[tuple[str, str]]
    """Return (why, next step) of what was found, the heaviest first."""
    pairs = [(failure["message"], failure["hint"])]
    if reply["error"] not in ("ENOENT", "EINVAL"):
        return pairs
    texts = [record["text"] for record in reply["records"] if record["own"]]
    basedir = run.tree[: -len("/lib/modules/" + run.kernel.release)]
    try:
        answer = diagnose.diagnose_module(
            reply["path"], True, basedir, run.kernel, texts
        )
    except AgentError:
        return pairs
    found = []  # type: list[tuple[str, str]]
    for one in answer["findings"]:
        if one["symbol"] or one["severity"] == "error":
            named = "%s: " % one["symbol"] if one["symbol"] else ""
            found.append((named + one["why"], one["next"]))
    shown = found[:_MOST]
    if len(found) > _MOST:
        shown.append(("and %d more of the kind" % (len(found) - _MOST), ""))
    return shown or pairs
