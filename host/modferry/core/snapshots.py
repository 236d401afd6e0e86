"""A snapshot of what loads on a box, as a document, and how two of them differ; pure.

A module is known by its name, a link by the name of its file: so that a box whose links
became aliases, or whose kernel packs its modules otherwise, does not differ by that.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modferry.core.messages import plain_of
from modferry.core.results import Value
from modferry.errors import FormatError
from modferry_agent.core.depfiles import parse_dep
from modferry_agent.core.names import module_name

VERSION = 1
"""Of the document's form; another one is refused."""

_NEEDED = (
    *("box", "taken", "release", "tool", "lines", "links", "config", "options"),
    *("resolves", "loaded"),
)


def document_of(answer: Value, box: str, taken: str) -> dict[str, Any]:
    """Return the document of an answer of the request ``snapshot``.

    taken: when, as UTC in ISO 8601.
    """
    lines = answer["lines"]
    octets = plain_of(lines["octets"])
    text = zlib.decompress(octets) if lines["encoding"] == "deflate" else octets
    graph = parse_dep(text.decode("utf-8", "surrogateescape"))
    head = {"modferry_snapshot": VERSION, "box": box, "taken": taken}
    return {**answer, **head, "lines": graph}


def parse_document(text: str, where: str) -> dict[str, Any]:
    """Return a document that was written; raise FormatError if it is none."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise FormatError(
            "the snapshot is no JSON",
            where=where,
            why=str(error),
            next_step="take another one: modferry snapshot --on BOX",
        ) from error
    version = document.get("modferry_snapshot") if isinstance(document, dict) else None
    if version != VERSION:
        raise FormatError(
            "the file is no snapshot that this modferry reads",
            where=where,
            why=f'"modferry_snapshot" is {version!r}, not {VERSION}',
            next_step="take another one: modferry snapshot --on BOX",
        )
    missing = [key for key in _NEEDED if key not in document]
    if missing:
        raise FormatError(f"the snapshot lacks {', '.join(missing)}", where=where)
    found: dict[str, Any] = document
    return found


class Graph:
    """The modules of a snapshot by name.

    paths: of each module.  needs: of each, the names of its line.  names: link -> file.
    """

    def __init__(self, document: Value) -> None:
        """Take the lines of modules.dep, links put under their files."""
        self.names = {
            module_name(link): module_name(file)
            for link, file in document["links"].items()
        }
        self.paths: dict[str, str] = {}
        self.needs: dict[str, list[str]] = {}
        # A file's own line before that of a link to it.
        for path in sorted(document["lines"], key=document["links"].__contains__):
            name = self.own(module_name(path))
            if name not in self.needs:
                self.paths[name] = path
                line = document["lines"][path]
                self.needs[name] = [self.own(module_name(one)) for one in line]

    def own(self, name: str) -> str:
        """Return the name of the file that a name stands for."""
        return self.names.get(name, name)

    def edges(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Return who needs whom of the names, without what follows from other edges."""
        wanted = sorted(set(names) & self.needs.keys())
        found = []
        for user in wanted:
            owners = [one for one in self.needs[user] if one in wanted]
            implied = {
                below
                for one in owners
                for below in self.needs.get(one, ())
                if one != below
            }
            found += [(user, owner) for owner in owners if owner not in implied]
        return found


def difference(before: Value, after: Value) -> dict[str, Any]:
    """Return how the later snapshot differs from the earlier one.

    Keys: before and after (what they are of), same; lost, gained: edges {module,
    owner}; gone, new: names of modules; by_link: {module, link, owner}: lines that name
    a file by a link, and did not; resolves: {name, before, after}; options: {module,
    before, after}; config: {lost, gained}, lines; unloaded, loaded: names;
    parameters: {module, parameter, before, after}, which do not count for ``same``;
    drawn: what to draw, see `drawn`.
    """
    old, new = Graph(before), Graph(after)
    both = sorted(old.needs.keys() & new.needs.keys())
    lost = [_edge(one, own) for one in both for own in _less(old.needs, new.needs, one)]
    gained = [
        _edge(one, own) for one in both for own in _less(new.needs, old.needs, one)
    ]
    names_old = [each["name"] for each in before["loaded"]]
    names_new = [each["name"] for each in after["loaded"]]
    config = {
        "lost": _without(before["config"], after["config"]),
        "gained": _without(after["config"], before["config"]),
    }
    value: dict[str, Any] = {
        "before": head_of(before),
        "after": head_of(after),
        "lost": lost,
        "gained": gained,
        "gone": sorted(old.needs.keys() - new.needs.keys()),
        "new": sorted(new.needs.keys() - old.needs.keys()),
        "by_link": _by_link(before, after),
        "resolves": _resolves(before, after, old, new),
        "options": _options(before, after),
        "config": config,
        "unloaded": _without(names_old, names_new),
        "loaded": _without(names_new, names_old),
        "parameters": _parameters(before, after),
    }
    counted = ("lost", "gained", "gone", "new", "by_link", "resolves", "options")
    value["drawn"] = drawn(old, new, value)
    value["same"] = not any(value[key] for key in counted) and not any(config.values())
    return value


def drawn(old: Graph, new: Graph, value: Value) -> dict[str, Any]:
    """Return the part of both graphs around what differs, as edges to draw.

    Keys: links (name -> file's name), before and after: (user, owner).
    """
    edges = [*value["lost"], *value["gained"]]
    names = {edge[key] for edge in edges for key in ("module", "owner")}
    for name in [edge["module"] for edge in edges]:
        names.update(old.needs[name])
    links = old.names | new.names
    return {
        "links": {link: file for link, file in links.items() if file in names},
        "before": [list(pair) for pair in old.edges(names)],
        "after": [list(pair) for pair in new.edges(names)],
    }


def head_of(document: Value) -> dict[str, str]:
    """Return what a snapshot is of."""
    return {key: document[key] for key in ("box", "taken", "release", "tool")}


def _edge(module: str, owner: str) -> dict[str, str]:
    return {"module": module, "owner": owner}


def _less(
    one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]], name: str
) -> list[str]:
    return _without(one[name], other[name])


def _without(one: Sequence[str], other: Sequence[str]) -> list[str]:
    return [each for each in one if each not in set(other)]


def _by_link(before: Value, after: Value) -> list[dict[str, str]]:
    known = {
        (path, owner)
        for path, owners in before["lines"].items()
        for owner in owners
        if owner in before["links"]
    }
    return [
        {"module": path, "link": owner, "owner": after["links"][owner]}
        for path, owners in sorted(after["lines"].items())
        for owner in owners
        if owner in after["links"] and (path, owner) not in known
    ]


def _resolves(
    before: Value, after: Value, old: Graph, new: Graph
) -> list[dict[str, Any]]:
    found = []
    # What came later did not resolve otherwise before: it was not asked for.
    for name, targets in sorted(before["resolves"].items()):
        now = after["resolves"].get(name)
        if now is None and name in new.needs:
            now = [name]  # a module that was loaded then, and is not asked for now
        was = [old.own(one) for one in targets]
        own = [new.own(old.own(one)) for one in now or ()]
        if was != own:
            found.append({"name": name, "before": was, "after": own})
    return found


def _options(before: Value, after: Value) -> list[dict[str, str]]:
    old, new = before["options"], after["options"]
    return [
        {"module": name, "before": old.get(name, ""), "after": new.get(name, "")}
        for name in sorted(old.keys() | new.keys())
        if old.get(name, "") != new.get(name, "")
    ]


def _parameters(before: Value, after: Value) -> list[dict[str, str]]:
    now = {each["name"]: each["parameters"] for each in after["loaded"]}
    return [
        {
            "module": each["name"],
            "parameter": parameter,
            "before": value,
            "after": now[each["name"]].get(parameter, ""),
        }
        for each in before["loaded"]
        if each["name"] in now
        for parameter, value in sorted(each["parameters"].items())
        if now[each["name"]].get(parameter, "") != value
    ]
