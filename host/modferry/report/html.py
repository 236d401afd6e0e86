"""A document as one HTML page that fetches nothing and works with scripts off."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

import jinja2
from markupsafe import Markup

from modferry.report.document import (
    Cell,
    Document,
    Graph,
    Kind,
    Section,
    shown,
)
from modferry.report.graph import svgs

WORDS = {
    Kind.PLAIN: "Note",
    Kind.GOOD: "Good",
    Kind.DOUBT: "Doubt",
    Kind.BAD: "Problem",
}
"""What a kind of verdict is called, for those who see no colours."""


def page(document: Document) -> str:
    """Return the document as an HTML page."""
    style, script = _text("page.css"), _text("page.js")
    return _template().render(
        document=document,
        words=WORDS,
        # Our own files, which hold no "</": the only text that is not escaped.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_digest(style),
        script_hash=_digest(script),
        kind_of=_kind_of,
        cell_of=_cell_of,
        pictures=_pictures,
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["shown"] = shown
    return environment.from_string(_text("page.html.j2"))


def _text(name: str) -> str:
    place = resources.files("modferry.report") / name
    return place.read_text(encoding="utf-8")


# By what the page's own policy knows its style and its script.
def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _kind_of(section: Section) -> str:
    return type(section).__name__


def _cell_of(value: str | Cell) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


# ElementTree has escaped all texts of the pictures.
def _pictures(section: Graph, prefix: str) -> list[tuple[str, Markup]]:
    titles = [drawing.title for drawing in section.drawings]
    pictures = svgs(section.drawings, prefix)
    return [
        (title, Markup(picture))  # noqa: S704
        for title, picture in zip(titles, pictures, strict=True)
    ]
