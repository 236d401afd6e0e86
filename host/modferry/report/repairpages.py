"""The pages of an upgrade after it: what regressed, and what was repaired."""

from __future__ import annotations

from modferry.core.repairtext import repair_lines
from modferry.core.results import Result
from modferry.core.verifying import verification_lines
from modferry.report.document import Cell, Document, Kind, Log, Section, Table


def verify(result: Result) -> Document:
    """Return the page of a verification: each module, and the kernel's lines."""
    value = result.value
    states = {"regressed": Kind.BAD}
    rows = [
        (
            Cell(each["name"], states.get(each["state"], Kind.GOOD)),
            Cell(each["state"], states.get(each["state"], Kind.GOOD)),
            "\n".join(each["why"]),
            " ".join(each["missing"]),
        )
        for each in value["modules"]
    ]
    lines = [record["text"] for each in value["modules"] for record in each["records"]]
    head = ("Module", "State", "Why", "No longer loaded before it")
    return Document(
        title=f"{result.box}: does everything load as before?",
        kind=Kind.BAD if value["regressed"] else Kind.GOOD,
        verdict=verification_lines(value)[0].partition(": ")[2],
        facts=[
            ("Box", result.box or ""),
            ("Snapshot", value["before"]["taken"]),
            ("Then", value["before"]["tool"]),
            ("Way", "on paper" if value["dry_run"] else f"by {value['modprobe']}"),
        ],
        sections=[
            Table("Modules", head, rows),
            Log("What the kernel said", lines),
        ],
    )


def repair(result: Result) -> Document:
    """Return the page of a repair or its undoing: what changed, who proved it."""
    value = result.value
    verb = "undone" if value["undo"] else "done"
    words = f"repair {value['kind']}: {'only planned' if value['dry_run'] else verb}"
    sections: list[Section] = []
    if not value["undo"]:
        rows = [(Cell(path, Kind.BAD),) for path in value["broken"]]
        sections.append(Table("Modules that lacked something", ("Module",), rows))
    changed = [(path,) for path in value["changed"]]
    sections.append(Table("Changed on the box", ("Path",), changed))
    sections.append(Log("In words", repair_lines(value)))
    return Document(
        title=f"{result.box}: repair of the modules",
        kind=Kind.PLAIN if value["dry_run"] else Kind.GOOD,
        verdict=words,
        facts=[("Box", result.box or ""), ("Modules", value["directory"])],
        sections=sections,
    )
