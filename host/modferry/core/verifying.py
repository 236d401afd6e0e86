"""Whether a box loads what its snapshot says it did; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modferry.core.results import Value
from modferry.core.snapshots import Graph, difference, head_of
from modferry_agent.core.names import module_name


def verification(
    before: Value, now: Value, proof: Value, *, dry_run: bool
) -> dict[str, Any]:
    """Return what became of each module that was loaded when the snapshot was taken.

    now: a snapshot of the box as it is.  proof: an answer of the request ``prove``.

    Keys: before, dry_run, modprobe, regressed (names), modules: for each, name, state
    (``loads``, ``loaded`` or ``regressed``), why (sentences), missing (files of its
    line of then that are not among its steps now), lacks, output and records.
    """
    was, is_now = Graph(before), Graph(now)
    options = {each["module"]: each for each in difference(before, now)["options"]}
    needs = {each["name"]: each["needs"] for each in before["loaded"]}
    modules = []
    for each in proof["modules"]:
        name = each["name"]
        steps = {is_now.own(module_name(path)) for path in each["steps"]}
        wanted = [was.own(module_name(path)) for path in needs.get(name, ())]
        missing = (
            [one for one in wanted if one not in steps] if each["resolves"] else []
        )
        why = _reasons(each, missing)
        if name in options:
            why.append(
                f"options were {options[name]['before'] or 'none'},"
                f" are {options[name]['after'] or 'none'}"
            )
        state = "loaded" if each["present"] and not dry_run else "loads"
        modules.append(
            {
                "name": name,
                "state": "regressed" if why else state,
                "why": why,
                "missing": missing,
                "lacks": each["lacks"],
                "output": each.get("output", ""),
                "records": each.get("records", []),
            }
        )
    return {
        "before": head_of(before),
        "dry_run": dry_run,
        "modprobe": proof["modprobe"],
        "regressed": [each["name"] for each in modules if each["why"]],
        "modules": modules,
    }


def _reasons(each: Value, missing: Sequence[str]) -> list[str]:
    if not each["resolves"]:
        return ["no index knows it any more"]
    reasons = []
    owners: dict[str, list[str]] = {}
    for lack in each["lacks"]:
        owners.setdefault(lack["owner"], []).append(lack["symbol"])
    for owner, symbols in owners.items():
        count = (
            f"{symbols[0]} and {len(symbols) - 1} more" if symbols[1:] else symbols[0]
        )
        if owner:
            reasons.append(f"{owner} is not loaded before it, which has {count}")
        else:
            reasons.append(
                f"nothing has {count}" if count else "a file is not readable"
            )
    if missing and not reasons and each.get("status", 0):
        reasons.append(f"{' '.join(missing)} is not loaded before it any more")
    if each.get("status", 0):
        reasons.append(f"modprobe ended with status {each['status']}")
    return reasons


def verification_lines(value: Value) -> list[str]:
    """Return the verdict and each module's state as lines."""
    before = value["before"]
    count = len(value["modules"])
    bad = len(value["regressed"])
    how = "would load" if value["dry_run"] else "load"
    verdict = (
        f"{bad} of {count} modules do not load as they did"
        if bad
        else f"all {count} modules {how} as they did"
    )
    lines = [f"since {before['taken']} ({before['tool']}): {verdict}"]
    for each in value["modules"]:
        lines.append(f"{each['name']} {each['state']}")
        lines += [f"  why    {text}" for text in each["why"]]
        lines += [f"  said   {text}" for text in _said(each)]
        lines += [f"    kernel| {record['text']}" for record in each["records"]]
    return lines


def _said(each: Value) -> list[str]:
    if each["state"] != "regressed":
        return []
    return [line for line in each["output"].splitlines() if line]
