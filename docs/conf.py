"""How Sphinx builds the documentation: HTML, and the man page from the same source."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("docs", "host", "agent")]

from modferry_agent import __version__  # noqa: E402 - found by the line above

project = "modferry"
author = "The modferry authors"
copyright = "2026, the modferry authors"  # noqa: A001 - Sphinx's name for it
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.doctest", "tables"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
nitpicky = True

html_theme = "furo"
html_title = f"modferry {release}"

man_pages = [
    ("commands", "modferry", "carry kernel modules to boxes", author, 1),
]
