"""What the practice box can be made to lack, by the kernel's command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry.errors import UsageError
from modferry.lab import qemu
from modferry.lab.switches import SWITCHES, switch_words


def test_switches_become_words_of_the_command_line():
    got = switch_words({"nopython": "", "full": "/tmp,/srv"})

    assert got == ["modferry.nopython", "modferry.full=/tmp,/srv"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("nosuch", ""), ("full", ""), ("nopython", "1"), ("full", "a b")],
)
def test_a_wrong_switch_is_refused(name, value):
    with pytest.raises(UsageError):
        switch_words({name: value})


def test_the_boot_script_knows_every_switch():
    boot = (Path(qemu.__file__).parent / "rootfs" / "boot").read_text()

    assert [name for name in SWITCHES if f"modferry.{name}" not in boot] == []
