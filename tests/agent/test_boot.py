"""The second step of a first contact: where the archive is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from modferry_agent import boot

ARCHIVE = b"an archive"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


def keep(*homes: Path) -> str:
    return boot._keep(SHA256, [str(home) for home in homes], b"s" + ARCHIVE)


def test_the_first_home_that_takes_it_is_nobody_elses(tmp_path):
    kept = keep(tmp_path / "new" / "modferry")

    assert Path(kept).read_bytes() == ARCHIVE
    assert Path(kept).parent.stat().st_mode & 0o077 == 0


def test_a_home_that_others_may_write_is_passed_over(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    theirs.chmod(0o777)

    kept = keep(theirs, tmp_path / "ours")

    assert Path(kept).parent == tmp_path / "ours"
    assert list(theirs.iterdir()) == []


def test_a_home_that_is_a_link_is_passed_over(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("elsewhere")

    with pytest.raises(ValueError, match="others may write there"):
        keep(tmp_path / "link")
