"""What is said where there is nothing to fetch."""

import errno

import pytest

from modferry_agent.errors import FileError
from modferry_agent.jobs.pull import read_chunks


def refused(path):
    with pytest.raises(FileError) as caught:
        read_chunks(str(path))
    return caught.value


def test_a_file_that_is_not_there_is_told_as_that(tmp_path):
    error = refused(tmp_path / "nope.ko")

    assert (error.message, error.code) == ("there is no such file", "no-such-file")
    assert error.details["errno"] == errno.ENOENT
    assert "--to" not in error.hint


def test_a_way_through_a_file_leads_to_none(tmp_path):
    (tmp_path / "a.ko").write_bytes(b"")

    assert refused(tmp_path / "a.ko" / "b.ko").code == "no-such-file"


def test_a_directory_is_not_fetched(tmp_path):
    error = refused(tmp_path)

    assert error.code == "not-a-file"
    assert "name one file" in error.hint
