"""Which depmod comes with which release, and whether a box outlives it; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from modferry.core.results import Value
from modferry.errors import UsageError
from modferry_agent.core.foresight import KMOD, MODULE_INIT_TOOLS

NEWEST_KMOD = 34
"""The newest kmod whose depmod is known here."""


@dataclass(frozen=True, slots=True)
class Target:
    """A depmod to come.

    name: of the release that brings it, or "".  version: kmod's; of 3.16 it is 16.
    """

    tool: str
    version: int
    name: str = ""

    def __str__(self) -> str:
        """Return it in words, such as "kmod 9 (wheezy)"."""
        number = str(self.version) if self.tool == KMOD else f"3.{self.version}"
        return f"{self.tool} {number}" + (f" ({self.name})" if self.name else "")


# The releases of a family follow each other.
_DEBIAN = (
    ("lenny", "5", MODULE_INIT_TOOLS, 4),
    ("squeeze", "6", MODULE_INIT_TOOLS, 12),
    ("wheezy", "7", KMOD, 9),
    ("jessie", "8", KMOD, 18),
    ("stretch", "9", KMOD, 23),
    ("buster", "10", KMOD, 26),
    ("bullseye", "11", KMOD, 28),
    ("bookworm", "12", KMOD, 30),
    ("trixie", "13", KMOD, 34),
)
_UBUNTU = (
    ("lucid", "10.04", MODULE_INIT_TOOLS, 11),
    ("precise", "12.04", MODULE_INIT_TOOLS, 16),
    ("trusty", "14.04", KMOD, 15),
    ("xenial", "16.04", KMOD, 22),
    ("bionic", "18.04", KMOD, 24),
    ("focal", "20.04", KMOD, 27),
    ("jammy", "22.04", KMOD, 29),
    ("noble", "24.04", KMOD, 31),
)
_FAMILIES = {"Debian": _DEBIAN, "Ubuntu": _UBUNTU}

RELEASES: Mapping[str, Target] = MappingProxyType(
    {
        name: Target(tool, version, name)
        for family in _FAMILIES.values()
        for name, _number, tool, version in family
    }
)
"""Name of a release -> its depmod."""

_NUMBERED = {
    KMOD: r"kmod[= ]?(\d+)",
    MODULE_INIT_TOOLS: r"module-init-tools[= ]?3\.(\d+)",
}


def parse_target(text: str) -> Target:
    """Return what ``--to`` says: a release, ``kmod=N`` or ``module-init-tools=3.N``.

    Raise UsageError for anything else.
    """
    words = text.strip().lower()
    if words in RELEASES:
        return RELEASES[words]
    for tool, pattern in _NUMBERED.items():
        match = re.fullmatch(pattern, words)
        if match and (tool != KMOD or int(match[1]) > 0):
            return Target(tool, int(match[1]))
    raise UsageError(
        f'"{text}" is no release and no version of kmod',
        where="--to",
        why=f"known are {', '.join(RELEASES)}",
        next_step="name one of them, or give kmod=N or module-init-tools=3.N",
    )


def next_release(distribution: str | None) -> Target:
    """Return the depmod of the release after the box's; UsageError if it is unknown.

    distribution: by the name it gives itself, such as "Debian GNU/Linux 7 (wheezy)".
    """
    text = distribution or ""
    for family, releases in _FAMILIES.items():
        number = re.search(rf"{family}\D* (\d+(?:\.\d+)?)", text)
        for (name, its, _, _), following in pairwise(releases):
            major = number and (number[1] == its or number[1].partition(".")[0] == its)
            if family in text and (major or name in text):
                return RELEASES[following[0]]
    raise UsageError(
        "it is not known what the box would be upgraded to",
        where=f"the box is {distribution!r}" if distribution else "the box's release",
        next_step="say it: --to wheezy, or --to kmod=9",
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the box outlives the upgrade.

    code: holds, renames, loses, breaks, broken, refuses; safe: nothing stops loading.
    """

    code: str
    text: str
    safe: bool


def verdict_of(value: Value) -> Verdict:
    """Return the verdict over an answer of the request ``foresee``."""
    target = Target(**value["to"])
    breaking = [each for each in value["broken"] if each["state"] == "breaks"]
    broken = len(value["broken"]) - len(breaking)
    already = f", {broken} are broken already" if broken else ""
    high = len(value["high_bytes"])
    # The gravest first.
    verdicts = (
        (value["refusal"], "refuses", f"{target} would write no index at all"),
        (
            breaking,
            "breaks",
            f"{_count(len(breaking))} would stop loading under {target}{already}",
        ),
        (
            broken,
            "broken",
            f"{_count(broken)} cannot load now, and could not under {target}",
        ),
        (
            value["unread"],
            "loses",
            f"{target} would not read {', '.join(value['unread'])}",
        ),
        (high, "loses", f"aliases of {_count(high)} would not be found"),
    )
    for holds, code, text in verdicts:
        if holds:
            return Verdict(code, text, safe=False)
    if value["renamed"]:
        text = f"everything loads under {target}, but some by other names"
        return Verdict("renames", text, safe=True)
    return Verdict("holds", f"everything loads under {target} as it should", safe=True)


REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "dependency-cycle": "it ends at modules that need each other in a cycle",
        "high-byte": "it ends at a byte above 7F in a name or alias",
    }
)
"""Why a depmod writes nothing, by code."""


def _count(number: int) -> str:
    return f"{number} module" + ("" if number == 1 else "s")


def check_lines(value: Value) -> list[str]:
    """Return the forecast as lines: the box, the verdict, then module by module."""
    count = f"{value['modules']} modules, {len(value['links'])} of them links"
    system = value["distribution"] or "an unknown system"
    tool = value["now"]["text"] or "no modprobe"
    lines = [
        f"{value['directory']}: {count}",
        f"now      {tool}, {system}, indexes {value['index']}",
        f"then     {Target(**value['to'])}",
        f"verdict  {value['verdict']['text']}",
    ]
    if value["refusal"]:
        lines.append(f"why      {REFUSALS[value['refusal']['code']]}:")
        lines += [f"  {path}" for path in value["refusal"]["modules"]]
    for each in value["broken"]:
        lines += ["", *_broken_lines(each)]
    if value["renamed"]:
        lines += ["", "named by a link, so that modprobe -r will not remove them:"]
        lines += [
            f"  {each['path']} as {each['link']}, by {_count(len(each['users']))}"
            for each in value["renamed"]
        ]
    lines += [
        f"warning: {path} has rules and no .conf at its end: kmod does not read it"
        for path in value["unread"]
    ]
    lines += [
        f"warning: {path}: an alias has a byte above 7F, and no reader finds it"
        for path in value["high_bytes"]
    ]
    lines += [f"note: {softdep_words(each)}" for each in value["softdeps"]]
    lines += [
        f"note: {each['path']} line {each['line']} has {each['module']} loaded at boot"
        for each in value["at_boot"]
    ]
    if value["broken"]:
        lines += ["", f"next     {NEXT}"]
    return lines


NEXT = "modferry repair aliases --on BOX, or: modferry repair divert --on BOX"
"""What to do against links that break modules, whatever depmod comes."""


def _broken_lines(each: Value) -> list[str]:
    now = "broken already" if each["state"] == "broken" else "would break"
    lines = [
        f"{each['path']} {now}",
        f"  needs  {' '.join(each['needs']) or 'nothing'}",
        f"  had    {line_words(each['had'])}",
        f"  will   {line_words(each['will'])}",
    ]
    for paths, cause in causes_of(each):
        lines.append(f"  lost   {' '.join(paths)}")
        if cause:
            lines.append(f"  by     {cause}")
    return lines


def causes_of(each: Value) -> list[tuple[list[str], str]]:
    """Return the files that a broken module's line lacks, those of one cause together.

    Each: paths, and the cause in words, "" if it has none.
    """
    groups: dict[str, list[str]] = {}
    for cause in each["missing"]:
        groups.setdefault(_cause_words(cause), []).append(cause["path"])
    return [(paths, cause) for cause, paths in groups.items()]


def line_words(paths: Sequence[str] | None) -> str:
    """Return what a line of modules.dep has, in words where it has nothing."""
    if paths is None:
        return "no line"
    return " ".join(paths) or "nothing"


def _cause_words(cause: Value) -> str:
    if not cause["symbol"]:
        return ""
    count = len(cause["exporters"])
    text = f"{cause['symbol']}, exported under {count} names"
    if cause["links"]:
        return f"{text}, of which are links: {' '.join(cause['links'])}"
    return f"{text}: {' '.join(cause['exporters'])}"


def softdep_words(each: Value) -> str:
    """Return whose softdep counts, the module's own or that of a file."""
    wins = each["file"] if each["file_wins"] else "the module's own"
    return (
        f"{each['module']}: of its own softdep ({each['own']}) and that of"
        f" {each['file']} kmod takes one: {wins}"
    )
