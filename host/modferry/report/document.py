"""What a page shows: a verdict, facts, and sections of a few kinds; plain values.

A section has a title and is prose, a table, a graph or lines of a log.  Whoever has a
result makes a `Document` of it; `html.page` makes the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a verdict, a cell or a node is like; each has a colour and a word."""

    PLAIN = "plain"
    GOOD = "good"
    DOUBT = "doubt"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, and what it is like."""

    text: str
    kind: Kind = Kind.PLAIN


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs."""

    title: str
    paragraphs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; readers can filter it by words.

    caption: what a row is; rows: texts or `Cell`; the first column names the row.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """Lines as a machine wrote them."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Node:
    """A box of a graph.

    name: by which edges name it.  label: what stands in it.  kind: its colour.
    note: what it is, in words, for a tooltip and for those who see no colours.
    is_link: another name of something; drawn with a broken line.
    """

    name: str
    label: str
    kind: Kind = Kind.PLAIN
    note: str = ""
    is_link: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow from who needs to what is needed.

    kind: BAD for one that is lost, GOOD for one that is new, DOUBT for the cause.
    """

    user: str
    owner: str
    kind: Kind = Kind.PLAIN
    note: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One picture of a graph."""

    title: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]


@dataclass(frozen=True, slots=True)
class Graph:
    """Pictures of one graph beside each other, such as before and after.

    key: what the colours mean: (kind, words).
    """

    title: str
    drawings: Sequence[Drawing]
    key: Sequence[tuple[Kind, str]] = ()
    caption: str = ""


Section = Prose | Table | Log | Graph


@dataclass(frozen=True, slots=True)
class Document:
    """A whole page.

    kind, verdict: the answer, in a line.  facts: (label, value), a few.
    made: when and by what, for the foot.
    """

    title: str
    verdict: str
    kind: Kind = Kind.PLAIN
    summary: str = ""
    facts: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = field(default=())
    made: str = ""


def shown(text: object) -> str:
    r"""Return a text so that each character of it can be seen and put into XML.

    Control characters, halves of surrogates, marks that turn the direction of writing
    and the two that no XML has are shown as ``\xNN`` or ``\uNNNN``; so is a byte that
    is no UTF-8.
    """
    return "".join(
        one if one in "\n\t" or one.isprintable() else _escaped(one)
        for one in str(text)
    )


def _escaped(character: str) -> str:
    octets = character.encode("utf-8", "surrogatepass")
    with suppress(UnicodeEncodeError):  # one of those that core.messages makes of bytes
        octets = character.encode("utf-8", "surrogateescape")
    if len(octets) == 1:
        return f"\\x{octets[0]:02x}"
    return f"\\u{ord(character):04x}"
