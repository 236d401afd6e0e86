"""The file that keeps what module files said: read only as it was written."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from modferry_agent.system import factcache

PUBLICATION = {"key": "k", "files": [("modules.dep", "x")]}
FACTS = {"a.ko": (("", "", "", "", "", None, 62, ()), "", None, (1, 2.0, 3.0, 4, 5))}


@pytest.fixture
def cache_path(tmp_path: Path) -> str:
    return str(tmp_path / "cache" / "tree.facts")


def _written(path: str) -> bytes:
    assert factcache.Cache(path).write(PUBLICATION, FACTS)
    return Path(path).read_bytes()


def _read(path: str) -> tuple[object, object]:
    cache = factcache.Cache(path)
    return cache.publication(), cache.facts()


def test_what_is_written_is_read(cache_path: str):
    assert _read(cache_path) == (None, {})

    _written(cache_path)

    assert _read(cache_path) == (PUBLICATION, FACTS)
    assert Path(cache_path).stat().st_mode & 0o777 == 0o600


def test_what_is_prepared_is_written(cache_path: str):
    cache = factcache.Cache(cache_path)

    cache.prepare(FACTS)

    assert cache.write(PUBLICATION, FACTS)
    assert _read(cache_path) == (PUBLICATION, FACTS)


def test_a_cut_or_garbled_cache_is_none(cache_path: str):
    whole = _written(cache_path)
    sound = (PUBLICATION, FACTS)
    allowed = ((None, {}), (PUBLICATION, {}))

    for size in range(len(whole)):
        Path(cache_path).write_bytes(whole[:size])
        assert _read(cache_path) in allowed
    for at in range(len(whole)):
        garbled = bytearray(whole)
        garbled[at] ^= random.Random(at).randrange(1, 256)
        Path(cache_path).write_bytes(garbled)
        assert _read(cache_path) in (*allowed, sound)  # A length too large is harmless.
    Path(cache_path).write_bytes(whole)
    assert _read(cache_path) == sound


@pytest.mark.parametrize("mode", [0o660, 0o602])
def test_what_others_may_write_is_not_read(cache_path: str, mode: int):
    _written(cache_path)
    Path(cache_path).chmod(mode)

    assert _read(cache_path) == (None, {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_another_user_owns_is_not_read(cache_path: str):
    _written(cache_path)
    os.chown(cache_path, 4711, -1)

    assert _read(cache_path) == (None, {})


def test_a_fifo_or_directory_of_that_name_is_no_cache(cache_path: str):
    Path(cache_path).parent.mkdir()
    os.mkfifo(cache_path)
    assert _read(cache_path) == (None, {})
    Path(cache_path).unlink()
    Path(cache_path).mkdir()

    assert _read(cache_path) == (None, {})
    assert not factcache.Cache(cache_path).write(PUBLICATION, FACTS)


def test_another_python_or_agent_begins_anew(
    cache_path: str, monkeypatch: pytest.MonkeyPatch
):
    _written(cache_path)
    monkeypatch.setattr(factcache, "_HEAD", b"modferry facts 2 9.9 another\n")

    assert _read(cache_path) == (None, {})


def test_of_many_trees_the_last_ones_are_kept(tmp_path: Path):
    (tmp_path / "other.txt").touch()
    for number in range(10):
        path = tmp_path / f"{number}.facts"
        _written(str(path))
        os.utime(path, (number, number))

    _written(str(tmp_path / "new.facts"))

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"other.txt", "new.facts", *(f"{n}.facts" for n in range(3, 10))}


@pytest.mark.parametrize(
    ("uid", "home", "named", "expected"),
    [
        (0, "/root", "", "/var/cache/modferry/6.1."),
        (1000, "/home/me", "", "/home/me/.cache/modferry/6.1."),
        (0, "/root", "/c", "/c/modferry/6.1."),
        (0, "/root", "not/absolute", "/var/cache/modferry/6.1."),
    ],
)
def test_each_user_has_a_place(
    uid: int, home: str, named: str, expected: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.undo()  # of the place for all tests
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("XDG_CACHE_HOME", named)

    one = factcache.path_of("/lib/modules/6.1")
    other = factcache.path_of("/image/lib/modules/6.1")

    assert one.startswith(expected)
    assert other.startswith(expected)
    assert one != other
    assert factcache.path_of("/lib/modules/../modules/6.1/") == one
