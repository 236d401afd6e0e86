"""What the documentation calls a message is one that the code has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = re.findall(
    r"^### (.+)$", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE
)

# The kernel's and modprobe's words, which the code need not have.
THEIRS = {
    "… Unknown symbol …",
    "… disagrees about version of symbol …",
    "Invalid module format",
}


@pytest.fixture(scope="module")
def code():
    """Return the sources with literals that stand side by side joined."""
    paths = [*ROOT.glob("host/**/*.py"), *ROOT.glob("agent/**/*.py")]
    text = "\n".join(path.read_text() for path in paths)
    return re.sub(r'"\s*\n\s*f?"', "", text)


@pytest.mark.parametrize("heading", [each for each in HEADINGS if each not in THEIRS])
def test_a_message_that_is_explained_is_in_the_code(code, heading):
    pieces = [piece.strip('": ') for piece in heading.split("…")]

    assert [piece for piece in pieces if piece not in code] == []
