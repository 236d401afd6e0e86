"""A diagnosis in words: findings with one cause told once, each symbol named."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from modferry.core.results import Value

WIDTH = 79
INDENT = 10

STAND_IN = "SYMBOL"
"""Stands for each symbol of a group in what is told once for all of them."""


def diagnosis(value: Value) -> list[str]:
    """Return the findings of a module, equal causes together, as lines.

    Findings are one cause when they differ in nothing but symbol and module.
    """
    module = value["module"]
    where = f" ({value['path']})" if value["path"] not in (None, "", module) else ""
    findings = value["findings"]
    fixed = _fixed(value)
    if not findings:
        return [*fixed, f"{module}{where}: nothing is wrong with it"]
    verdict = "would load" if value["loadable"] else "does not load"
    lines = [*fixed, f"{module}{where}: {verdict}"]
    for group in causes(findings):
        lines += ["", *_cause(group)]
    return lines


def _fixed(value: Value) -> list[str]:
    """Return what --fix did, each with its undoing, and a blank line behind."""
    lines: list[str] = []
    for entry in value.get("fixed", ()):
        would = "would fix" if value["dry_run"] else "fixed"
        if entry["error"] is not None:
            lines.append(f"not fixed: {entry['code']}")
            lines += _labelled("why", str(entry["error"]).splitlines())
            continue
        lines.append(f"{would}: {entry['code']}")
        label = "would" if value["dry_run"] else "did"
        lines += _labelled(label, _wrapped(entry["did"]))
        lines += _labelled("undo", _wrapped(entry["undo"]))
    return [*lines, ""] if lines else []


def causes(findings: Iterable[Value]) -> list[list[Value]]:
    """Return the findings in groups of one cause, in the order they came."""
    groups: dict[tuple[str, ...], list[Value]] = {}
    for finding in findings:
        key = tuple(
            _general(str(finding[name]), finding)
            for name in ("code", "severity", "owner", "why", "next")
        )
        groups.setdefault(key, []).append(finding)
    return list(groups.values())


# What a finding says of its symbol, said of any symbol.
def _general(text: str, finding: Value) -> str:
    symbol = finding["symbol"]
    if not symbol:
        return text
    return re.sub(rf"\b{re.escape(symbol)}\b(?!\.ko)", STAND_IN, text)


def _cause(group: Sequence[Value]) -> list[str]:
    first = group[0]
    symbols = [finding["symbol"] for finding in group if finding["symbol"]]
    many = len(symbols) > 1
    owner = first["owner"]
    title = f"{first['severity']}: {first['code']}"
    if symbols:
        title += f", {_count(symbols, 'symbol')}"
    lines = [title]
    lines += _labelled("symbol", _folded(symbols))
    if owner and symbols:
        lines += _labelled(
            "owner", [f"{owner} exports {'each of them' if many else 'it'}"]
        )
    elif owner:
        lines += _labelled("owner", [owner])
    lines += _labelled("seen", _evidence(group, many=many))
    for label in ("why", "next"):
        text = str(first[label])
        lines += _labelled(label, _wrapped(_general(text, first) if many else text))
    return lines


def _count(items: Sequence[str], noun: str) -> str:
    return f"{len(items)} {noun}" + ("" if len(items) == 1 else "s")


def _evidence(group: Iterable[Value], *, many: bool) -> list[str]:
    lines: dict[str, None] = {}
    for finding in group:
        for line in finding["evidence"]:
            lines[_general(str(line), finding) if many else str(line)] = None
    return list(lines)


def _wrapped(text: str) -> list[str]:
    return [
        line
        for paragraph in text.splitlines()
        for line in textwrap.wrap(
            paragraph,
            WIDTH - INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]


def _labelled(label: str, lines: Sequence[str]) -> list[str]:
    labels = [label] + [""] * (len(lines) - 1)
    return [f"  {name:<6}  {line}" for name, line in zip(labels, lines, strict=False)]


def _folded(words: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= WIDTH - INDENT:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
