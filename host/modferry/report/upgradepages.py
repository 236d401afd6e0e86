"""The pages of an upgrade before it: what would break, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modferry.core.results import Result, Value
from modferry.core.snapshottext import difference_lines
from modferry.core.upgrade import (
    NEXT,
    REFUSALS,
    Target,
    causes_of,
    line_words,
    softdep_words,
)
from modferry.report.document import (
    Cell,
    Document,
    Drawing,
    Edge,
    Graph,
    Kind,
    Log,
    Node,
    Prose,
    Section,
    Table,
)

MOST_DRAWN = 60
"""Modules; a graph of more says less than the table below it."""

_KEY = (
    (Kind.PLAIN, "needs"),
    (Kind.BAD, "lost"),
    (Kind.DOUBT, "a link: another name of the file"),
)


def check(result: Result) -> Document:
    """Return the page of a forecast: the graph now and then, each line that changes."""
    value = result.value
    verdict = value["verdict"]
    kind = Kind.GOOD if verdict["safe"] else Kind.BAD
    target = Target(**value["to"])
    sections: list[Section] = []
    if value["refusal"]:
        why = REFUSALS[value["refusal"]["code"]]
        sections.append(Prose("Why no index is written", [why]))
        rows = [(path,) for path in value["refusal"]["modules"]]
        sections.append(Table("Modules that it ends at", ("Module",), rows))
    if value["broken"]:
        sections.append(_forecast_graph(value))
        sections.append(_broken_table(value["broken"]))
    if value["renamed"]:
        renamed = [
            (each["path"], each["link"], str(len(each["users"])))
            for each in value["renamed"]
        ]
        head = ("File", "Named as", "Modules")
        caption = "modprobe -r does not remove a module that is loaded by another name."
        sections.append(Table("Files named by a link", head, renamed, caption))
    remarks = [
        *(("modprobe.d", f"{path}: kmod does not read it") for path in value["unread"]),
        *(("alias", f"{path}: a byte above 7F") for path in value["high_bytes"]),
        *(("softdep", softdep_words(each)) for each in value["softdeps"]),
        *(
            ("boot", f"{each['path']} line {each['line']} loads {each['module']}")
            for each in value["at_boot"]
        ),
    ]
    if remarks:
        sections.append(Table("Remarks", ("About", "What"), remarks))
    links = [(each["path"], each["file"]) for each in value["links"]]
    sections.append(Table("Links", ("Link", "Another name of"), links))
    if value["broken"]:
        sections.append(Prose("Next", [NEXT.replace("BOX", result.box or "BOX")]))
    return Document(
        title=f"{result.box}: upgrade to {target}",
        kind=kind,
        verdict=verdict["text"],
        facts=[
            ("Box", result.box or ""),
            ("System", value["distribution"] or "unknown"),
            ("Kernel", value["release"]),
            ("Now", value["now"]["text"] or "no modprobe"),
            ("Then", str(target)),
            ("Modules", f"{value['modules']}, of which links: {len(value['links'])}"),
        ],
        sections=sections,
    )


def _broken_table(broken: Iterable[Value]) -> Table:
    rows = []
    for each in broken:
        causes = causes_of(each)
        lost = " ".join(path for paths, _cause in causes for path in paths)
        why = "\n".join(cause for _paths, cause in causes if cause)
        state = "broken already" if each["state"] == "broken" else "would break"
        rows.append(
            (
                Cell(each["path"], Kind.BAD),
                state,
                line_words(each["had"]),
                line_words(each["will"]),
                Cell(lost, Kind.BAD),
                why,
            )
        )
    head = ("Module", "State", "Has", "Will have", "Lost", "By")
    caption = (
        "The lines of modules.dep: what is loaded before a module, from the right."
    )
    return Table("Modules that break", head, rows, caption)


def _forecast_graph(value: Value) -> Graph:
    broken = value["broken"]
    bad = {each["path"] for each in broken}
    names = set(value["graph"])
    lost = {
        (each["path"], missing["path"])
        for each in broken
        for missing in each["missing"]
    }
    links: dict[str, str] = {}
    for each in broken:
        for missing in each["missing"]:
            for link in missing["links"]:
                links[link] = _file_of(link, value["links"])
    edges = _reduced(value["graph"])
    before = [Edge(user, owner) for user, owner in edges]
    after = [
        Edge(user, owner, Kind.BAD, "lost")
        if (user, owner) in lost
        else Edge(user, owner)
        for user, owner in edges
    ]
    return graph_of(names, before, after, bad=bad, links=links)


def _file_of(link: str, links: Iterable[Value]) -> str:
    return next((str(each["file"]) for each in links if each["path"] == link), "")


# The edges that do not follow from others.
def _reduced(needs: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    edges = []
    for user, owners in needs.items():
        implied = {below for one in owners for below in needs.get(one, ())}
        edges += [(user, one) for one in owners if one not in implied]
    return edges


def graph_of(
    names: Iterable[str],
    before: Sequence[Edge],
    after: Sequence[Edge],
    *,
    bad: set[str],
    links: Mapping[str, str],
) -> Graph:
    """Return a graph before and after, with the links beside their files."""
    shown = sorted(names)[:MOST_DRAWN]
    left = len(list(names)) - len(shown)
    known = {link: file for link, file in sorted(links.items()) if file in shown}
    plain = [Node(name, short(name), note=name) for name in shown]
    marked = [
        Node(name, short(name), Kind.BAD if name in bad else Kind.PLAIN, name)
        for name in shown
    ]
    extra = [
        Node(link, short(link), Kind.DOUBT, f"another name of {file}", is_link=True)
        for link, file in known.items()
    ]
    tied = [
        Edge(link, file, Kind.DOUBT, "a link to it") for link, file in known.items()
    ]
    caption = f"{left} more modules are in the table." if left else ""
    return Graph(
        "Dependencies before and after",
        [
            Drawing("Before", [*plain, *extra], [*before, *tied]),
            Drawing("After", [*marked, *extra], [*after, *tied]),
        ],
        _KEY,
        caption,
    )


def short(path: str) -> str:
    """Return a module's file name."""
    return path.rpartition("/")[2]


def diff(result: Result) -> Document:
    """Return the page of a difference: the graph, before and after, and the rest."""
    value = result.value
    drawn = value["drawn"]
    lost = {(each["module"], each["owner"]) for each in value["lost"]}
    gained = {(each["module"], each["owner"]) for each in value["gained"]}
    before = [(user, owner) for user, owner in drawn["before"]]
    after = [
        (user, owner) for user, owner in drawn["after"] if (user, owner) not in before
    ]
    sections: list[Section] = []
    if lost or gained:
        names = {name for pair in (*before, *after) for name in pair}
        names |= {name for pair in lost | gained for name in pair}
        then = [
            Edge(*pair, Kind.BAD, "lost") if pair in lost else Edge(*pair)
            for pair in before
        ]
        then += [Edge(*pair, Kind.GOOD, "new") for pair in after if pair in gained]
        bad = {user for user, _owner in lost}
        whole = [Edge(*pair) for pair in before]
        sections.append(graph_of(names, whole, then, bad=bad, links=drawn["links"]))
    rows = [
        *((user, Cell("lost", Kind.BAD), owner, "") for user, owner in sorted(lost)),
        *((user, Cell("new", Kind.GOOD), "", owner) for user, owner in sorted(gained)),
        *((name, Cell("gone", Kind.BAD), name, "") for name in value["gone"]),
        *((name, Cell("new module", Kind.GOOD), "", name) for name in value["new"]),
        *(
            (
                each["name"],
                Cell("resolves otherwise", Kind.DOUBT),
                " ".join(each["before"]),
                " ".join(each["after"]),
            )
            for each in value["resolves"]
        ),
        *(
            (each["module"], Cell("options", Kind.DOUBT), each["before"], each["after"])
            for each in value["options"]
        ),
    ]
    sections.append(Table("Differences", ("Name", "What", "Before", "After"), rows))
    sections.append(Log("In words", difference_lines(value)))
    kind = (
        Kind.GOOD
        if value["same"]
        else Kind.BAD
        if lost or value["gone"]
        else Kind.DOUBT
    )
    words = "the same: graph, aliases, options"
    if not value["same"]:
        words = (
            f"{len(lost)} dependencies lost, {len(rows) - len(lost)} other differences"
        )
    return Document(
        title=f"{value['after']['box']}: what differs",
        kind=kind,
        verdict=words,
        facts=[
            (label, f"{head['taken']}, {head['release']}, {head['tool']}")
            for label, head in (("Before", value["before"]), ("After", value["after"]))
        ],
        sections=sections,
    )
