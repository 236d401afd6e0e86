"""Which commands' results have a page, and what each page shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from modferry.core.explain import causes
from modferry.core.results import Result, Value
from modferry.report import repairpages, upgradepages
from modferry.report.document import (
    Cell,
    Document,
    Drawing,
    Edge,
    Graph,
    Kind,
    Log,
    Node,
    Section,
    Table,
)

SEVERITIES = MappingProxyType(
    {"error": Kind.BAD, "warning": Kind.DOUBT, "note": Kind.PLAIN}
)
"""What a finding's severity looks like."""


def diagnosis(result: Result) -> Document:
    """Return the page of a diagnosis: findings, what needs what, the kernel's lines."""
    value = result.value
    findings = value["findings"]
    count = sum(finding["severity"] == "error" for finding in findings)
    if not value["loadable"]:
        kind, verdict = Kind.BAD, f"{value['module']} does not load"
    elif findings:
        kind, verdict = Kind.DOUBT, f"{value['module']} would load, with remarks"
    else:
        kind, verdict = Kind.GOOD, f"{value['module']}: nothing is wrong with it"
    return Document(
        title=f"{value['module']} on {result.box}",
        kind=kind,
        verdict=verdict,
        facts=[
            ("Box", result.box or ""),
            ("Module", value["path"] or value["module"]),
            ("Errors", str(count)),
            ("Other remarks", str(len(findings) - count)),
        ],
        sections=_sections_of(value),
    )


def _sections_of(value: Value) -> list[Section]:
    findings = value["findings"]
    rows = [
        (
            Cell(first["code"], SEVERITIES[first["severity"]]),
            Cell(first["severity"], SEVERITIES[first["severity"]]),
            " ".join(each["symbol"] for each in group if each["symbol"]),
            first["owner"] or "",
            first["why"],
            first["next"],
        )
        for group in causes(findings)
        for first in group[:1]
    ]
    head = ("Finding", "Severity", "Symbols", "Owner", "Why", "Next")
    sections: list[Section] = [Table("Findings", head, rows)]
    drawing = _drawing_of(findings)
    if drawing.edges:
        key = ((Kind.BAD, "keeps it from loading"), (Kind.DOUBT, "a warning"))
        sections.append(Graph("What needs what", [drawing], key))
    lines = dict.fromkeys(
        line for finding in findings for line in map(str, finding["evidence"])
    )
    sections.append(Log("What was seen", list(lines)))
    return sections


def _drawing_of(findings: Iterable[Value]) -> Drawing:
    nodes: dict[str, Node] = {}
    edges: dict[tuple[str, str], Edge] = {}
    for finding in findings:
        user, owner = finding["module"], finding["owner"]
        kind = SEVERITIES[finding["severity"]]
        nodes.setdefault(user, Node(user, user, kind, finding["code"]))
        if owner:
            name = owner.rpartition("/")[2].partition(".")[0].replace("-", "_")
            nodes.setdefault(name, Node(name, name, note=owner))
            edges.setdefault((user, name), Edge(user, name, kind, finding["code"]))
    return Drawing("Needs", list(nodes.values()), list(edges.values()))


PAGES: Mapping[str, Callable[[Result], Document]] = MappingProxyType(
    {
        "diagnose": diagnosis,
        "diff": upgradepages.diff,
        "repair aliases": repairpages.repair,
        "repair divert": repairpages.repair,
        "repair indexes": repairpages.repair,
        "upgrade check": upgradepages.check,
        "upgrade verify": repairpages.verify,
    }
)
"""The command's words -> what makes the page of its result."""
