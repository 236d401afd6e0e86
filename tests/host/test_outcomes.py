"""How the errors of many boxes are told together."""

from __future__ import annotations

from modferry.core.outcomes import Alike, Outcome, alike_errors
from modferry.core.results import Result
from modferry.errors import ExitStatus, TransportError


def broken(name: str, message: str, where: str = "") -> Outcome:
    error = TransportError(message, where=where)
    return Outcome(name, Result("", {}, name, ExitStatus.UNREACHABLE, error), 1, 0.1)


def test_a_box_alone_is_told_in_its_own_words():
    outcomes = [broken("c", "root@c:22 cannot be reached", "c, line 3")]

    assert alike_errors(outcomes) == [
        Alike(("c",), ("root@c:22 cannot be reached", "  where  c, line 3"))
    ]


def test_what_differs_by_the_name_alone_is_told_once():
    outcomes = [broken(name, f"root@{name}:22 is away") for name in ("p-1", "p-2")]

    assert alike_errors(outcomes) == [Alike(("p-1", "p-2"), ("root@BOX:22 is away",))]


def test_a_name_is_a_word_and_no_part_of_one():
    outcomes = [
        broken("c", "c cannot be reached: c.plant, c-1 and tic"),
        broken("t", "t cannot be reached: c.plant, c-1 and tic"),
    ]

    assert alike_errors(outcomes) == [
        Alike(("c", "t"), ("BOX cannot be reached: c.plant, c-1 and tic",))
    ]


def test_one_text_for_all_is_told_as_it_is():
    outcomes = [broken(name, "the server is a stranger") for name in ("b", "s")]

    assert alike_errors(outcomes) == [Alike(("b", "s"), ("the server is a stranger",))]
