"""What kmod's authors test depmod, modprobe and modinfo with, on our commands."""

from __future__ import annotations

import pytest

from support.kmodsource import PROGRAMS, KmodSource

Outcomes = dict[str, dict[str, tuple[bool, str]]]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcomes, Outcomes]:
    """Return how the tests end with kmod's commands, and with ours in their place."""
    source = KmodSource(tmp_path_factory.mktemp("source") / "kmod")
    theirs = {program: source.outcomes(program) for program in PROGRAMS}
    source.put_ours()
    return theirs, {program: source.outcomes(program) for program in PROGRAMS}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_passes_with_kmod_passes_with_ours(both, program: str):
    theirs, ours = both[0][program], both[1][program]

    passed = [name for name, (is_passed, _said) in theirs.items() if is_passed]
    failed = [name for name in passed if not ours[name][0]]
    assert passed
    assert failed == [], ours[failed[0]][1]
