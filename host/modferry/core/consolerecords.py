"""What the kernel printed on a console, beside what the box's own log has of it.

A box may have lost what it logged (a small ring, a busy kernel), or may not let it be
read: what came over the serial line is here still.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modferry.core.results import Value
from modferry_agent.core import causes, klog
from modferry_agent.core.messages import find_message

Record = dict[str, Any]

SOURCE = "console"

_STAMP = re.compile(r"\[ *\d+\.\d{6}\][ \[]")


def record_of(line: str) -> Record | None:
    """Return a line of a console as a record of the kernel's log; None if it is none.

    It has a time, behind whatever stood in that line before, or it is known as a line
    of the loader's.
    """
    stamp = _STAMP.search(line)
    if stamp is None and find_message(line) is None:
        return None
    record = klog.plain(klog.parse_line(line[stamp.start() :] if stamp else line))
    return {**record, "source": SOURCE}


def telling(records: Sequence[Record]) -> list[str]:
    """Return the texts of which the loader's table knows the meaning, each once."""
    texts = dict.fromkeys(record["text"] for record in records)
    return [text for text in texts if find_message(text) is not None]


def with_console(value: Value, records: Sequence[Record]) -> Value:
    """Return the answer to a load with what only the console has of its steps.

    A step gets the lines that name its module, and where the box has lost lines, the
    loader's that name none. They say why it failed where the box's log says nothing.
    """
    if not records:
        return value
    steps = [dict(step) for step in value.get("steps", ())]
    known = [record for step in steps for record in step.get("records", ())]
    stamps = {record["time_us"] for record in known if record["time_us"] is not None}
    texts = {record["text"] for record in known}
    rest = [
        {**record, "caller": ""}
        for record in records
        if record["text"] not in texts and record["time_us"] not in stamps
    ]
    merged = {**value, "steps": steps}
    for step in steps:
        if not step.get("call"):
            continue
        klog.mark_own(rest, [step["name"], step["inner_name"]])
        found = [one for one in rest if one["own"] and (step["lost"] or _names(one))]
        rest = [one for one in rest if one not in found]
        if found:
            unexplained = step["lost"] or not any(r["own"] for r in step["records"])
            own = [klog.plain(one) for one in found]
            step["records"] = sorted([*step["records"], *own], key=_time)
            if step["errno"] and unexplained and "failure" in value:
                merged["failure"] = _explained(step, value["failure"])
    return merged


def _names(record: Record) -> bool:
    """Say whether it is no line of the loader's that names no module."""
    message = find_message(record["text"])
    return message is None or bool(message["module"])


def _time(record: Record) -> int:
    return record["time_us"] or 0


def _explained(step: Record, failure: Value) -> Value:
    facts = causes.Facts()
    facts.log_known = False
    texts = [record["text"] for record in step["records"] if record["own"]]
    found = causes.explain_insert(step["error"], texts, facts)
    if not found["evidence"]:
        return failure
    step["meaning"] = found["meaning"]
    return causes.failure(step["name"], found, failure["where"])
