"""The exception tree and the exit statuses."""

from __future__ import annotations

import pytest

from modferry import errors
from modferry.errors import EXIT_MEANINGS, ExitStatus, exit_status, system_words


def test_an_error_prints_what_where_why_next_in_that_order() -> None:
    error = errors.TransportError(
        "no answer", where="saw3", why="one\ntwo", next_step="switch it on"
    )

    assert str(error) == "no answer"
    assert error.report() == (
        "no answer\n  where  saw3\n  why    one\n         two\n  next   switch it on"
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UsageError("x"), 2),
        (errors.FormatError("x"), 2),
        (errors.TransportError("x"), 3),
        (errors.BootstrapError("x"), 4),
        (errors.ReplyError("x", code="disk-full"), 4),
        (errors.LoadError("x"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error_has_an_exit_status(error: BaseException, status: int) -> None:
    assert exit_status(error) == status


def test_a_bug_has_no_exit_status() -> None:
    with pytest.raises(KeyError):
        exit_status(ValueError("x"))


def test_every_status_is_explained() -> None:
    assert set(EXIT_MEANINGS) == set(ExitStatus)


def test_a_reply_keeps_code_and_details() -> None:
    error = errors.ReplyError("x", code="disk-full", details={"free": 0})

    assert (error.code, error.details) == ("disk-full", {"free": 0})
    assert isinstance(error, errors.BoxError)
    assert isinstance(errors.FormatError("x"), ValueError)


def test_of_a_file_the_systems_words_are_told_without_number_and_name(tmp_path):
    missing = tmp_path / "no"
    with pytest.raises(OSError, match="No such file") as caught:
        missing.read_text()

    assert system_words(caught.value) == "No such file or directory"
    assert system_words(OSError("odd")) == "odd"
    assert system_words(ValueError("no letter")) == "no letter"
