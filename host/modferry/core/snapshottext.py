"""Snapshots and their differences as lines of text for a person; pure."""

from __future__ import annotations

from collections.abc import Iterable

from modferry.core.results import Value


def snapshot_lines(value: Value) -> list[str]:
    """Return what was kept, and where."""
    graph = f"{value['modules']} modules, {value['edges']} dependencies"
    rest = f"{value['loaded']} loaded, {value['resolves']} names and devices"
    return [f"{value['box']}: {graph}, {rest}", f"written to {value['file']}"]


def difference_lines(value: Value) -> list[str]:
    """Return the differences, kind by kind; a sign before each as in diff(1)."""
    before, after = value["before"], value["after"]
    lines = [f"{sign} {_head(head)}" for sign, head in (("-", before), ("+", after))]
    if value["same"]:
        lines.append("the same: graph, aliases, options")
    lines += _edges("-", value["lost"], "no longer needs")
    lines += _edges("+", value["gained"], "now needs")
    lines += [f"- {name} is gone" for name in value["gone"]]
    lines += [f"+ {name} is new" for name in value["new"]]
    lines += [
        f"~ {each['module']} names {each['owner']} by its link {each['link']}"
        for each in value["by_link"]
    ]
    lines += [
        f"~ {each['name']} was {_names(each['before'])}, is {_names(each['after'])}"
        for each in value["resolves"]
    ]
    lines += [
        f"~ options of {each['module']}: were {each['before'] or 'none'},"
        f" are {each['after'] or 'none'}"
        for each in value["options"]
    ]
    for key, sign in (("lost", "-"), ("gained", "+")):
        lines += [f"{sign} modprobe.d: {line}" for line in value["config"][key]]
    lines += [f"- {name} was loaded, is not" for name in value["unloaded"]]
    lines += [f"+ {name} is loaded, was not" for name in value["loaded"]]
    lines += [
        f"~ {each['module']}.{each['parameter']} was {each['before']},"
        f" is {each['after']}"
        for each in value["parameters"]
    ]
    return lines


def _head(head: Value) -> str:
    return f"{head['box']}, {head['taken']}, {head['release']}, {head['tool']}"


def _edges(sign: str, edges: Iterable[Value], verb: str) -> list[str]:
    owners: dict[str, list[str]] = {}
    for edge in edges:
        owners.setdefault(edge["module"], []).append(edge["owner"])
    return [f"{sign} {user} {verb} {' '.join(own)}" for user, own in owners.items()]


def _names(names: Iterable[str]) -> str:
    return " ".join(names) or "nothing"
