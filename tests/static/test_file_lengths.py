"""A file has one reason to change, and at most 300 lines."""

from pathlib import Path

import pytest

LIMIT = 300
FOLDERS = ("agent", "host", "tests", "docs")


def sources(root: Path) -> list[Path]:
    found = [path for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    return sorted([*found, root / "deploy.sh", root / "tests" / "run"])


def test_no_file_is_longer_than_300_lines(root):
    lengths = {
        str(path.relative_to(root)): len(path.read_text().splitlines())
        for path in sources(root)
    }

    too_long = {path: count for path, count in lengths.items() if count > LIMIT}

    assert too_long == {}


@pytest.mark.parametrize("word", ["utils", "helpers", "common"])
def test_no_python_module_is_named_after_nothing(root, word):
    assert [path for path in sources(root) if path.stem == word] == []
