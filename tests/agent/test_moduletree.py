"""The module tree: walked and read, whatever lies in it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import socket
from pathlib import Path

import pytest

from modferry_agent.errors import FileError, FormatError
from modferry_agent.system import configfiles, decompress, moduletree, treefiles
from support import rootfs


def _paths(entries: list[moduletree.Entry]) -> list[str]:
    return sorted(entry.path for entry in entries)


def test_modules_are_found_and_what_is_skipped_is_skipped(tmp_path: Path):
    files = ("k/a.ko", "k/b.ko.xz", "build/c.ko", "k/source", "k/x/d.ko", "k/readme")
    folder = rootfs.make_tree(tmp_path, dict.fromkeys(files, b"x"))

    entries = moduletree.walk(str(folder), excludes=["x"])

    assert _paths(entries) == ["k/a.ko", "k/b.ko.xz"]
    assert [entry.size for entry in entries] == [1, 1]
    assert [entry.target for entry in entries] == [None, None]


def test_links_are_followed_and_loops_end_and_are_told(tmp_path: Path):
    folder = rootfs.make_tree(
        tmp_path,
        {"k/a.ko": b"x"},
        links={
            "k/b.ko": "a.ko",
            "k/c.ko": "b.ko",
            "k/loop": "..",
            "k/self.ko": "self.ko",
            "k/gone.ko": "nowhere.ko",
            "linked": "k",
        },
    )
    told: dict[str, str] = {}

    entries = moduletree.walk(str(folder), report=told.__setitem__)

    found = _paths(entries)
    assert [path for path in found if path.startswith("k/")] == [
        "k/a.ko",
        "k/b.ko",
        "k/c.ko",
    ]
    assert "linked/a.ko" in found
    assert len({entry.identity for entry in entries}) == 1
    by_path = {entry.path: entry for entry in entries}
    assert by_path["k/c.ko"].target == str(folder / "k/a.ko")
    reasons = {Path(path).name: reason for path, reason in told.items()}
    assert reasons["self.ko"] == "a link to itself"
    assert reasons["gone.ko"] == "a dangling link"
    assert "directory above" in reasons["loop"]


def test_only_regular_files_are_modules(tmp_path: Path, monkeypatch):
    folder = rootfs.make_tree(tmp_path, {"a.ko": b"x"}, links={"zero.ko": "/dev/zero"})
    os.mkfifo(folder / "pipe.ko")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock.ko")
        told: dict[str, str] = {}

        entries = moduletree.walk(str(folder), report=told.__setitem__)

    assert _paths(entries) == ["a.ko"]
    assert set(told.values()) == {"not a regular file"}
    assert len(told) == 3
    with pytest.raises(FileError):
        treefiles.read_stored(str(folder / "pipe.ko"))


def test_names_that_break_an_index_are_left_out(tmp_path: Path):
    folder = rootfs.make_tree(
        tmp_path, {"k/a b.ko": b"x", "k/new\nline.ko": b"x", "k/co:lon.ko": b"x"}
    )
    told: list[tuple[str, str]] = []

    entries = moduletree.walk(str(folder), report=lambda *pair: told.append(pair))

    assert _paths(entries) == ["k/a b.ko"]
    assert len(told) == 3


def test_external_directories_are_walked_last_first(tmp_path: Path):
    folder = rootfs.make_tree(tmp_path, {"a.ko": b"x"})
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.ko").write_bytes(b"x")
    told: dict[str, str] = {}
    outside = [str(tmp_path / name) for name in ("one", "two", "none")]

    entries = moduletree.walk(str(folder), (), outside, told.__setitem__)

    assert [entry.path for entry in entries][1:] == [
        f"{tmp_path}/two/m.ko",
        f"{tmp_path}/one/m.ko",
    ]
    assert list(told) == [outside[2]]


def test_a_missing_tree_is_an_error(tmp_path: Path):
    with pytest.raises(FileError) as caught:
        moduletree.walk(str(tmp_path / "none"))

    assert caught.value.code == "no-module-tree"


def test_a_tree_of_too_many_directories_ends(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(moduletree, "_MOST_DIRECTORIES", 3)
    folder = rootfs.make_tree(tmp_path, {f"d{n}/a{n}.ko": b"x" for n in range(9)})
    told: list[str] = []

    moduletree.walk(str(folder), report=lambda _path, reason: told.append(reason))

    assert told == ["more than 3 directories; the rest is left out"]


CONTENT = b"module " * 1000


@pytest.mark.parametrize(
    "stored",
    [
        CONTENT,
        gzip.compress(CONTENT),
        gzip.compress(CONTENT[:500]) + gzip.compress(CONTENT[500:]),
        lzma.compress(CONTENT),
        lzma.compress(CONTENT[:500]) + lzma.compress(CONTENT[500:]) + bytes(8),
    ],
    ids=["plain", "gzip", "two gzip streams", "xz", "two xz streams and padding"],
)
def test_compression_is_told_by_magic(stored: bytes, tmp_path: Path):
    path = tmp_path / "a.ko"
    path.write_bytes(stored)

    assert treefiles.read_module(str(path)) == CONTENT


@pytest.mark.parametrize(
    "stored",
    [
        gzip.compress(CONTENT)[:40],
        gzip.compress(CONTENT)[:10] + b"\xff" * 40,
        lzma.compress(CONTENT)[:-9],
        lzma.compress(CONTENT)[:30] + b"garbage" * 9,
        lzma.compress(CONTENT) + b"garbage",
        b"\x28\xb5\x2f\xfd" + b"garbage" * 9,
    ],
    ids=["cut gzip", "garbled gzip", "cut xz", "garbled xz", "xz and more", "no zstd"],
)
def test_a_broken_compressed_file_is_told(stored: bytes):
    with pytest.raises((FormatError, FileError)) as caught:
        decompress.decompressed(stored, "a.ko")

    assert caught.value.code in ("bad-compression", "no-decompressor")


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_a_file_that_grows_beyond_measure_is_refused(compress, monkeypatch):
    monkeypatch.setattr(decompress, "MOST_BYTES", 1 << 16)
    monkeypatch.setattr(decompress, "_CHUNK", 1 << 12)
    monkeypatch.setattr(lzma, "LZMADecompressor", lambda **_: _DECODER())

    with pytest.raises(FormatError) as caught:
        decompress.decompressed(compress(bytes(1 << 20)), "a.ko")

    assert caught.value.code == "bad-compression"


_DECODER = lzma.LZMADecompressor


def _without_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing():
        raise ImportError

    kinds = [(*row[:2], missing, *row[3:]) for row in decompress.KINDS]
    monkeypatch.setattr(decompress, "KINDS", kinds)


def test_the_boxs_tool_helps_where_python_cannot(monkeypatch: pytest.MonkeyPatch):
    _without_python(monkeypatch)

    assert decompress.decompressed(gzip.compress(CONTENT), "a.ko") == CONTENT
    assert decompress.available("gz") == "gzip"
    with pytest.raises(FormatError):
        decompress.decompressed(gzip.compress(CONTENT)[:50], "a.ko")
    monkeypatch.setattr(decompress, "MOST_BYTES", 100)
    with pytest.raises(FormatError):
        decompress.decompressed(gzip.compress(CONTENT), "a.ko")


def test_without_any_decompressor_the_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    _without_python(monkeypatch)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(FileError) as caught:
        decompress.decompressed(lzma.compress(CONTENT), "a.ko")

    assert caught.value.code == "no-decompressor"
    assert "xz-utils" in caught.value.hint
    assert decompress.available("xz") is None
    assert decompress.available("none") is None


def test_pythons_decompressors_are_named():
    assert decompress.available("gz") == "zlib"
    assert decompress.available("xz") == "lzma"


def test_an_unknown_compression_is_taken_as_it_is():
    stored = bz2.compress(CONTENT)

    assert decompress.decompressed(stored, "a.ko") == stored


def test_a_file_of_holes_is_refused(tmp_path: Path):
    path = tmp_path / "a.ko"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)

    with pytest.raises(FileError):
        treefiles.read_stored(str(path))
    assert treefiles.read_if_there(str(path)) is None
    assert treefiles.read_if_there(str(tmp_path / "none")) is None


def test_configuration_files_are_sorted_by_name_and_the_first_of_a_name_wins(
    tmp_path: Path,
):
    for place, name, text in (
        ("one", "b.conf", "search one"),
        ("two", "b.conf", "search two"),
        ("two", "a.conf", "exclude x"),
        ("two", ".hidden.conf", "bad"),
        ("two", "note.txt", "bad"),
        ("two", ".conf", "bad"),
    ):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / name).write_text(text)
    (tmp_path / "two" / "z.conf").symlink_to("/dev/null")
    (tmp_path / "single").write_text("search single")
    paths = [str(tmp_path / name) for name in ("one", "two", "none", "single")]

    got = configfiles.read_files("depmod.d", paths)

    assert [text for _path, text in got] == [
        "exclude x",
        "search one",
        "search single",
    ]
    assert isinstance(configfiles.read_files("depmod.d"), list)
