"""A file on its way to the box: whole in its place, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import zlib
from pathlib import Path

import pytest

from modferry_agent.errors import FileError, RequestError
from modferry_agent.jobs import push as pushing
from modferry_agent.jobs.push import Push

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def push(place: Path, **changed: object) -> Push:
    arguments = {"path": str(place), "size": len(CONTENT), "sha256": SHA256}
    return Push(**arguments | changed)


def send(one: Push, octets: bytes) -> None:
    one.append(octets)
    one.finish()


def send_slowly(one: Push) -> None:
    for at in range(0, len(CONTENT), 4096):
        one.append(CONTENT[at : at + 4096])


def parts(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if "modferry" in path.name]


@pytest.mark.parametrize("encoding", ["stored", "deflate"])
def test_what_was_sent_is_there_with_its_mode(tmp_path, encoding):
    target = tmp_path / "new" / "folder" / "x.ko"
    octets = CONTENT if encoding == "stored" else zlib.compress(CONTENT)
    one = push(target, encoding=encoding, mode=0o640)
    for at in range(0, len(octets), 999):
        one.append(octets[at : at + 999])

    reply = one.finish()

    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o7777 == 0o640
    assert (reply["changed"], reply["replaced"]) == (True, None)
    assert parts(target.parent) == []


def test_a_file_that_is_there_already_is_not_written(tmp_path):
    target = tmp_path / "x.ko"
    target.write_bytes(CONTENT)
    before = target.stat()

    one = push(target)

    assert one.present
    assert one.finish()["changed"] is False
    assert target.stat() == before


@pytest.mark.parametrize(
    "arrived",
    [CONTENT[:-1], CONTENT + b"x", b"y" + CONTENT[1:], b""],
    ids=["cut", "longer", "changed", "empty"],
)
def test_what_differs_from_what_was_sent_leaves_the_old_file(tmp_path, arrived):
    target = tmp_path / "x.ko"
    target.write_bytes(b"old")
    one = push(target)

    with pytest.raises(FileError) as caught:
        send(one, arrived)
    one.abandon()

    assert caught.value.code == "transfer-damaged"
    assert target.read_bytes() == b"old"
    assert parts(tmp_path) == []


def test_bytes_that_inflate_to_too_much_are_stopped(tmp_path):
    one = push(tmp_path / "x.ko", encoding="deflate")

    with pytest.raises(FileError, match="more bytes"):
        one.append(zlib.compress(bytes(100_000_000)))
    one.abandon()

    assert list(tmp_path.iterdir()) == []


def test_bytes_that_do_not_inflate_are_said_to(tmp_path):
    one = push(tmp_path / "x.ko", encoding="deflate")

    with pytest.raises(FileError) as caught:
        one.append(b"\xff" * 100)
    one.abandon()

    assert caught.value.code == "transfer-damaged"


def test_an_abandoned_push_leaves_nothing(tmp_path):
    one = push(tmp_path / "x.ko")
    one.append(CONTENT[:1000])

    one.abandon()

    assert list(tmp_path.iterdir()) == []


def test_a_file_too_large_for_the_disk_is_refused_before_a_byte(tmp_path):
    with pytest.raises(FileError) as caught:
        push(tmp_path / "x.ko", size=1 << 60)

    assert caught.value.code == "disk-full"
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "rename"])
@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EROFS, "read-only")]
)
def test_a_failing_call_leaves_the_old_file(tmp_path, monkeypatch, call, number, code):
    target = tmp_path / "x.ko"
    target.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    one = push(target)
    one.append(CONTENT)
    monkeypatch.setattr(pushing.os, call, fail)

    with pytest.raises(FileError) as caught:
        one.finish()
    one.abandon()

    assert caught.value.code == code
    assert target.read_bytes() == b"old"
    assert parts(tmp_path) == []


@pytest.mark.parametrize("path", ["relative.ko", "/folder/"])
def test_only_absolute_file_paths_are_taken(path):
    with pytest.raises(RequestError):
        push(Path("x"), path=path)


def test_a_disk_that_fills_up_meanwhile_leaves_no_part(tmp_path):
    # Not at the first write but at a flush, which the closing then tries again.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    one = push(tmp_path / "x.ko")
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(FileError):
            send_slowly(one)
        one.abandon()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert list(tmp_path.iterdir()) == []


def test_two_pushes_to_one_place_do_not_mix(tmp_path):
    first = push(tmp_path / "x.ko")
    first.append(CONTENT[:1000])

    with pytest.raises(FileError) as caught:
        push(tmp_path / "x.ko")
    send(first, CONTENT[1000:])

    assert caught.value.code == "busy"
    assert (tmp_path / "x.ko").read_bytes() == CONTENT
    assert parts(tmp_path) == []


def test_a_part_that_was_left_behind_is_begun_anew(tmp_path):
    (tmp_path / ".x.ko.modferry-part").write_bytes(CONTENT * 2)

    send(push(tmp_path / "x.ko"), CONTENT)

    assert (tmp_path / "x.ko").read_bytes() == CONTENT


def test_the_part_s_name_leads_to_no_other_file(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"not ours")
    part = tmp_path / ".x.ko.modferry-part"

    part.symlink_to(other)
    with pytest.raises(FileError):
        push(tmp_path / "x.ko")
    part.unlink()
    part.hardlink_to(other)
    send(push(tmp_path / "x.ko"), CONTENT)

    assert other.read_bytes() == b"not ours"
    assert (tmp_path / "x.ko").read_bytes() == CONTENT


def test_what_is_no_regular_file_has_no_hash(tmp_path):
    os.mkfifo(tmp_path / "fifo")

    assert pushing.hash_file(str(tmp_path / "fifo")) is None
    assert pushing.hash_file(str(tmp_path)) is None


@pytest.mark.parametrize("name", ["m.ko", "taken/m.ko"])
def test_what_is_in_the_way_of_a_push_has_a_next_step(tmp_path, name):
    (tmp_path / "m.ko").mkdir()
    (tmp_path / "taken").write_bytes(b"")

    with pytest.raises(FileError) as caught:
        send(push(tmp_path / name), CONTENT)

    assert "name another" in caught.value.hint
