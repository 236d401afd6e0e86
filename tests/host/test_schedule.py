"""Which box is next: batches, shared ways, other tries, the stop rule."""

from __future__ import annotations

from modferry.core.lanes import Lane
from modferry.core.portions import parse_batches, parse_portion
from modferry.fleet.schedule import Policy, Schedule

NAMES = [f"box-{number:02d}" for number in range(20)]


def started(schedule: Schedule, now: float = 0.0) -> list[str]:
    found = []
    while (name := schedule.next(now)) is not None:
        found.append(name)
    return found


def test_all_start_at_once_without_batches() -> None:
    assert started(Schedule(NAMES, Policy())) == NAMES


def test_a_batch_starts_when_the_one_before_has_ended() -> None:
    schedule = Schedule(NAMES, Policy(parse_batches("1,10%,100%")))

    assert started(schedule) == NAMES[:1]
    schedule.ended(NAMES[0], 0, failed=False, again=False)
    assert started(schedule) == NAMES[1:3]
    schedule.ended(NAMES[1], 0, failed=False, again=False)
    assert started(schedule) == []
    schedule.ended(NAMES[2], 0, failed=True, again=False)
    assert started(schedule) == NAMES[3:]


def test_no_more_than_its_limit_are_on_one_way_and_the_rest_go_on() -> None:
    gateway = Lane("jump host gw", 2)
    lanes = dict.fromkeys(NAMES[:10], gateway)
    schedule = Schedule(NAMES, Policy(), lanes)

    first = started(schedule)

    assert first == NAMES[:2] + NAMES[10:]
    schedule.ended(NAMES[1], 0, failed=False, again=False)
    assert started(schedule) == [NAMES[2]]


def test_another_try_comes_after_a_pause_that_doubles_and_has_an_end() -> None:
    schedule = Schedule(["a"], Policy(tries=3), random=lambda: 0.5)

    assert started(schedule) == ["a"]
    assert schedule.ended("a", 10.0, failed=True, again=True)
    assert started(schedule, 10.4) == []
    assert started(schedule, 10.5) == ["a"]
    assert schedule.ended("a", 11.0, failed=True, again=True)
    assert schedule.pause_s(11.0) == 1.0
    assert started(schedule, 12.0) == ["a"]
    assert not schedule.ended("a", 12.0, failed=True, again=True)
    assert schedule.done
    assert (schedule.failed, schedule.attempts["a"]) == (1, 3)


def test_the_run_stops_once_more_have_failed_than_may() -> None:
    schedule = Schedule(NAMES, Policy(parse_batches("5"), parse_portion("10%", "")))
    started(schedule)

    for name in NAMES[:2]:
        schedule.ended(name, 0, failed=True, again=False)
    assert not schedule.stopped
    schedule.ended(NAMES[2], 0, failed=True, again=False)

    assert schedule.stopped
    assert not schedule.done
    for name in NAMES[3:5]:
        schedule.ended(name, 0, failed=False, again=False)
    assert schedule.done
    assert schedule.left() == NAMES[5:]


def test_a_box_that_is_tried_again_keeps_its_batch_open() -> None:
    schedule = Schedule(NAMES[:2], Policy(parse_batches("1")), random=lambda: 0.5)
    started(schedule)

    schedule.ended(NAMES[0], 0.0, failed=True, again=True)

    assert started(schedule, 0.1) == []
    assert not schedule.done
    assert started(schedule, 0.5) == [NAMES[0]]
