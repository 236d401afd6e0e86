"""What threads share is made once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from modferry.once import once


def test_threads_that_ask_at_one_time_get_what_one_of_them_made():
    made = []
    together = threading.Barrier(8)

    @once
    def make(name: str) -> object:
        made.append(name)
        time.sleep(0.05)
        return object()

    def ask(_: int) -> object:
        together.wait()
        return make("a")

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))

    assert len(answers) == 1
    assert made == ["a"]
    assert make("b") not in answers


def test_what_failed_is_tried_again():
    @once
    def make() -> int:
        tried.append(1)
        return 1 // (len(tried) - 1)

    tried: list[int] = []

    with pytest.raises(ZeroDivisionError):
        make()
    assert make() == 1
