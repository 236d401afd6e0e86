"""What was sent to a box, kept for the next time."""

from __future__ import annotations

import hashlib
import os

import pytest

from modferry import sent as module
from modferry.sent import Sent

OLD = b"".join(b"symbol_%d\0" % number for number in range(500))
NEW = OLD.replace(b"symbol_77\0", b"symbol_77_changed\0")
OTHER = b"".join(b"text %d\n" % number for number in range(500))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def sent(tmp_path):
    return Sent("serial:///dev/ttyUSB0", tmp_path / "sent")


def test_what_was_kept_is_a_base(sent):
    sent.keep("/a.ko", OLD)

    assert sent.base("/a.ko", sha256(OLD)).content == OLD
    assert sent.base("/a.ko", sha256(NEW)) is None
    assert sent.base("/a.ko", None) is None


def test_a_file_that_resembles_is_found_and_others_are_not(sent):
    sent.keep("/old.ko", OLD)
    sent.keep("/other.ko", OTHER)

    assert sent.like(NEW, "/new.ko") == [("/old.ko", sha256(OLD))]
    assert sent.like(NEW, "/old.ko") == []


def test_boxes_do_not_know_of_each_other(sent, tmp_path):
    sent.keep("/old.ko", OLD)

    other = Sent("serial:///dev/ttyUSB1", tmp_path / "sent")

    assert other.like(NEW, "/new.ko") == []
    # But what has this sha256 has this content, whoever sent it.
    assert other.base("/x.ko", sha256(OLD)) is not None


@pytest.mark.parametrize("wrong", [b"", b"{", b"[]", b'{"/a": {}}', b'{"/a": 1}'])
def test_a_damaged_list_is_as_good_as_none(sent, wrong):
    sent.keep("/old.ko", OLD)
    sent._list.write_bytes(wrong)

    assert sent.like(NEW, "/new.ko") == []
    sent.keep("/old.ko", OLD)
    assert sent.like(NEW, "/new.ko")


def test_a_damaged_content_is_not_used(sent, tmp_path):
    sent.keep("/old.ko", OLD)
    kept = tmp_path / "sent" / sha256(OLD)
    for wrong in (b"", kept.read_bytes()[:-9], kept.read_bytes()[::-1]):
        kept.write_bytes(wrong)
        assert sent.base("/old.ko", sha256(OLD)) is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")

    Sent("local:", tmp_path / "file" / "sent").keep("/old.ko", OLD)


def test_what_was_used_longest_ago_makes_room(sent, tmp_path, monkeypatch):
    contents = [os.urandom(1000) for _ in range(6)]
    for age, content in enumerate(contents[:5]):
        sent.keep(f"/{age}.ko", content)
        os.utime(tmp_path / "sent" / sha256(content), (age, age))
    assert sent.base("/0.ko", sha256(contents[0])) is not None  # used just now
    monkeypatch.setattr(module, "KEPT_BYTES", 3500)

    sent.keep("/5.ko", contents[5])

    known = [sent.base("/x", sha256(content)) is not None for content in contents]
    assert known == [True, False, False, False, True, True]
