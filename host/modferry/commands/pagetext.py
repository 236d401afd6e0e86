"""The page of a command's result."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from modferry.core.describe import TEXTS
from modferry.core.outcomes import FleetResult
from modferry.core.results import Result
from modferry.report.document import Document, Log
from modferry.report.fleetpage import KINDS, fleet_page
from modferry.report.html import page
from modferry.report.pages import PAGES
from modferry_agent import __version__


def page_of(result: Result) -> bytes:
    """Return the page of a result as HTML, with the time of now."""
    if isinstance(result, FleetResult):
        document = fleet_page(result)
    else:
        document = PAGES.get(result.command, _text_page)(result)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    made = replace(document, made=f"modferry {__version__}, {now}")
    return page(made).encode("utf-8", "backslashreplace")


def _text_page(result: Result) -> Document:
    """Return the page of a result that has none of its own: its lines of text."""
    return Document(
        title=f"{result.command} on {result.box}",
        verdict=result.error.message if result.error else "done",
        kind=KINDS[result.status],
        facts=[("Box", result.box or "")],
        sections=[Log("Answer", TEXTS[result.command](result.value))],
    )
