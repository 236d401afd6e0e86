"""A file that comes packed, as a difference, cut and continued."""

from __future__ import annotations

import hashlib
import os
import sys
import time
import zlib

import pytest

from modferry.core.packing import Base, Whole, packed
from modferry.delivery import Choice
from modferry_agent.core.unpacking import rows_of
from modferry_agent.errors import FileError, RequestError
from modferry_agent.jobs import deliver
from modferry_agent.jobs.deliver import Delivery
from modferry_agent.system import inflaters

OLD = b"".join(b"line %d of the old file\n" % number for number in range(2000))
NEW = OLD.replace(b"line 777 ", b"line 777, changed ")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setattr(deliver, "HOME", str(folder))
    return folder


@pytest.fixture
def target(tmp_path):
    return tmp_path / "extra" / "module.ko"


def begin(target, content: bytes, **more) -> Delivery:
    return Delivery(str(target), len(content), sha256(content), **more)


def send(delivery: Delivery, choice: Choice, upto: int | None = None) -> None:
    delivery.begin(choice.plan)
    for at in range(0, len(choice.rest[:upto]), 1000):
        delivery.append(choice.rest[:upto][at : at + 1000])


def streams(home) -> list[str]:
    return [path.name for path in home.glob("*.stream")]


@pytest.mark.parametrize("opens", [[], ["deflate"], ["lzma"]])
def test_a_file_is_put_into_its_place(target, home, opens):
    delivery = begin(target, NEW, mode=0o600)

    send(delivery, Choice(packed(Whole(NEW), opens), 0))
    result = delivery.finish()

    assert target.read_bytes() == NEW
    assert target.stat().st_mode & 0o777 == 0o600
    assert (result["changed"], result["replaced"]) == (True, None)
    assert streams(home) == []


def test_a_difference_to_what_is_there_is_enough(target, home):
    target.parent.mkdir()
    target.write_bytes(OLD)
    delivery = begin(target, NEW)
    assert delivery.offer()["before"] == sha256(OLD)

    form = packed(Whole(NEW), ["deflate"], [Base(str(target), sha256(OLD), OLD)])
    assert len(form.stream) < 200
    send(delivery, Choice(form, 0))

    assert delivery.finish()["replaced"] == sha256(OLD)
    assert target.read_bytes() == NEW


def test_what_the_box_has_is_not_sent(target, home):
    target.parent.mkdir()
    target.write_bytes(NEW)

    delivery = begin(target, NEW)

    assert delivery.present


def test_a_cut_transfer_goes_on_where_it_was(target, home):
    form = packed(Whole(NEW), ["deflate"])
    first = begin(target, NEW)
    send(first, Choice(form, 0), upto=2000)
    first.abandon()

    assert not target.exists()
    assert list(target.parent.iterdir()) == []
    again = begin(target, NEW)
    held = again.offer()["held"]
    assert held == {sha256(form.stream): 2000}
    send(again, Choice(form, 2000))
    again.finish()

    assert target.read_bytes() == NEW
    assert streams(home) == []


def test_all_of_it_held_needs_nothing_but_the_plan(target, home):
    form = packed(Whole(NEW), ["deflate"])
    first = begin(target, NEW)
    send(first, Choice(form, 0))
    first.abandon()

    again = begin(target, NEW)
    again.begin(Choice(form, len(form.stream)).plan)
    again.append(b"")

    assert again.finish()["changed"]


def test_less_held_than_the_host_thinks_is_refused(target, home):
    delivery = begin(target, NEW)

    with pytest.raises(FileError) as caught:
        delivery.begin(Choice(packed(Whole(NEW), ["deflate"]), 500).plan)

    assert caught.value.code == "stream-gone"


def test_a_damaged_stream_is_thrown_away_and_nothing_changed(target, home):
    target.parent.mkdir()
    target.write_bytes(OLD)
    form = packed(Whole(NEW), ["deflate"])
    delivery = begin(target, NEW)
    delivery.begin(Choice(form, 0).plan)
    delivery.append(form.stream[:-1] + b"x")

    with pytest.raises(FileError) as caught:
        delivery.finish()

    assert caught.value.code == "transfer-damaged"
    assert target.read_bytes() == OLD
    assert streams(home) == []
    assert list(target.parent.iterdir()) == [target]


def test_a_base_that_changed_meanwhile_is_refused(target, home, tmp_path):
    base = tmp_path / "base"
    base.write_bytes(OLD + b"more")
    form = packed(Whole(NEW), ["deflate"], [Base(str(base), sha256(OLD), OLD)])
    delivery = begin(target, NEW, bases=[str(base)])
    send(delivery, Choice(form, 0))

    with pytest.raises(FileError) as caught:
        delivery.finish()

    assert caught.value.code == "base-changed"
    assert not target.exists()


def test_a_box_without_room_refuses_before_a_byte_is_sent(target, home, monkeypatch):
    room = os.statvfs_result((4096, 4096, 9, 9, 9, 9, 9, 9, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: room)

    with pytest.raises(FileError) as caught:
        begin(target, NEW)

    assert caught.value.code == "disk-full"


@pytest.mark.parametrize("sha", [b"../x", b"", b"0" * 63])
def test_a_stream_has_no_other_name_than_a_sha256(target, home, sha):
    delivery = begin(target, NEW)
    plan = Choice(packed(Whole(NEW), []), 0).plan

    with pytest.raises(RequestError):
        delivery.begin(plan | {"sha256": sha})


def test_old_streams_are_forgotten(target, home):
    now = time.time()
    for number, age in enumerate((90_000, 50, 40, 30, 20, 10)):
        path = home / f"modferry-{number:064x}.stream"
        path.write_bytes(b"x")
        os.utime(path, (now - age, now - age))

    held = begin(target, NEW).offer()["held"]

    assert sorted(int(sha, 16) for sha in held) == [2, 3, 4, 5]
    assert len(streams(home)) == 4


@pytest.mark.parametrize("tool", ["xz", "lzma", "unlzma"])
def test_a_tool_of_the_box_opens_what_its_python_cannot(tmp_path, monkeypatch, tool):
    folder = tmp_path / "bin"
    folder.mkdir()
    if tool == "unlzma":
        (folder / tool).write_text('#!/bin/sh\nexec /bin/busybox unlzma "$@"\n')
        (folder / tool).chmod(0o755)
    else:
        (folder / tool).symlink_to("/usr/bin/xz")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setitem(sys.modules, "lzma", None)
    form = packed(Whole(NEW), ["lzma"])
    assert form.packing == "lzma"
    path = tmp_path / "stream"

    assert "lzma" in inflaters.available()
    with path.open("wb+") as stream:
        stream.write(form.stream)
        stream.flush()
        opened = inflaters.inflated(stream, "lzma", form.unpacked)
        with pytest.raises(ValueError, match="expected"):
            inflaters.inflated(stream, "lzma", form.unpacked - 1)

    assert rows_of(opened) == NEW


@pytest.mark.parametrize("packing", ["deflate", "lzma"])
def test_bytes_that_are_no_packing_are_refused(tmp_path, packing):
    with (tmp_path / "stream").open("wb+") as stream:
        stream.write(b"\xff" * 50)
        stream.flush()
        with pytest.raises(ValueError, match=r"invalid|not supported"):
            inflaters.inflated(stream, packing, 10)


def test_a_bomb_is_cut_short(tmp_path):
    with (tmp_path / "stream").open("wb+") as stream:
        maker = zlib.compressobj(9, zlib.DEFLATED, -15)
        stream.write(maker.compress(bytes(10_000_000)) + maker.flush())
        with pytest.raises(ValueError, match="1001 bytes"):
            inflaters.inflated(stream, "deflate", 1000)
