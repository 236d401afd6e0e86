"""The agent's archive: the same bytes every time, run by any Python, in the wheel."""

from __future__ import annotations

import ast
import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
import tokenize
import zipfile
from pathlib import Path

import pytest

from modferry import bundle, resources


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "modferry_agent"
    (folder / "core").mkdir(parents=True)
    (folder / "__init__.py").write_bytes(b"A = 1\r\nB = 2\r\n")
    (folder / "core" / "__init__.py").write_bytes(b"")
    (folder / "main.py").write_bytes(b"def main():\n    print('here')\n    return 7\n")
    (folder / "notes.txt").write_bytes(b"not shipped")
    return folder


def test_the_bytes_depend_on_the_sources_alone(package: Path, tmp_path: Path) -> None:
    first = bundle.build_agent(package)
    copy = tmp_path / "elsewhere" / "modferry_agent"
    shutil.copytree(package, copy)
    for path in copy.rglob("*"):
        path.chmod(0o755)
        os.utime(path, (time.time(), 1e9))
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "main.pyc").write_bytes(b"x")

    assert bundle.build_agent(copy) == first


def test_members_are_sorted_stored_and_dated_1980(package: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.build_agent(package))) as archive:
        entries = archive.infolist()
        text = archive.read("modferry_agent/__init__.py")

    assert [entry.filename for entry in entries] == [
        "__main__.py",
        "modferry_agent/__init__.py",
        "modferry_agent/core/__init__.py",
        "modferry_agent/main.py",
    ]
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert text == b"A = 1\nB = 2\n"


def test_the_archive_runs_and_gives_the_exit_status(
    package: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "agent.pyz"
    archive.write_bytes(bundle.build_agent(package))

    run = subprocess.run([sys.executable, "-E", archive], capture_output=True)

    assert (run.returncode, run.stdout) == (7, b"here\n")


def statements(source: str) -> list[tuple[str, int]]:
    """Return what a source does, by line, without docstrings."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.stmt):
            head = ast.dump(node) if not hasattr(node, "body") else type(node).__name__
            found.append((head, node.lineno))
    return found


def test_without_its_prose_the_agent_does_the_same_in_the_same_lines(
    root: Path,
) -> None:
    for path in (root / "agent" / "modferry_agent").rglob("*.py"):
        source = path.read_text(encoding="utf-8")

        short = bundle.without_prose(source)

        assert statements(short) == statements(source), path
        assert short.isascii(), path
        tokens = tokenize.generate_tokens(io.StringIO(short).readline)
        comments = [each for each in tokens if each.type == tokenize.COMMENT]
        # Those behind a statement cost little; a "#" in a text is the text's.
        assert [
            each for each in comments if not each.line[: each.start[1]].strip()
        ] == []


def test_an_empty_folder_is_no_agent(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is the checkout whole"):
        bundle.build_agent(tmp_path)


def test_the_name_of_a_part_is_the_sha256_of_its_bytes() -> None:
    for part, archive in resources.agent_parts().items():
        assert resources.part_sha256(part) == hashlib.sha256(archive).hexdigest()
        assert zipfile.is_zipfile(io.BytesIO(archive))


def test_a_request_needs_the_parts_up_to_its_own() -> None:
    assert resources.parts_for("push") == []
    assert resources.parts_for("depmod") == ["files", "facts", "index"]
    assert resources.parts_for("load") == ["files", "facts", "index", "load"]


def test_the_wheel_has_archive_and_profiles_and_the_tree_stays_clean(
    root: Path, tmp_path: Path
) -> None:
    pytest.importorskip("hatchling", reason="the build needs hatchling")
    before = {p for p in root.iterdir() if p.name != "__pycache__"}

    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=root, capture_output=True, text=True,
    )  # fmt: skip

    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        shipped = archive.read("modferry/agent.pyz")
    assert shipped == bundle.build_agent(root / "agent" / "modferry_agent")
    profiles = {f"modferry/profiles/{n}.yaml" for n in resources.profile_names()}
    assert profiles <= names
    assert {p for p in root.iterdir() if p.name != "__pycache__"} == before
