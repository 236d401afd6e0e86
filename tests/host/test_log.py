"""What is logged, and by how many -v."""

import logging

import pytest

from modferry import log


@pytest.fixture(autouse=True)
def as_before():
    root, ours = logging.getLogger(), logging.getLogger("modferry")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.mark.parametrize(
    ("verbosity", "ours", "theirs"),
    [(0, False, False), (1, True, False), (2, True, True)],
)
def test_other_libraries_speak_from_the_second_v_on(capsys, verbosity, ours, theirs):
    log.set_up(verbosity)

    logging.getLogger("modferry").info("of ours")
    logging.getLogger("paramiko").info("of theirs")

    err = capsys.readouterr().err
    assert ("of ours" in err, "of theirs" in err) == (ours, theirs)
