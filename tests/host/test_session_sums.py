"""A push over a console to a box whose old file this host does not know."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from modferry.core import events
from modferry.fleet.inventory import resolve
from modferry.session import Session
from support.fakebox import FakeBox, home_of
from support.pythons import Interpreter, found

OLD = b"".join(b"line %d of the old file\n" % number for number in range(3000))
NEW = OLD.replace(b"line 777 ", b"line 777, changed ")
# Of this root: one in a root of its own would not see the file.
PYTHONS: Mapping[str, Interpreter] = {
    name: python for name, python in found().items() if python.root == Path("/")
}


def push(fake: FakeBox, folder: Path, python: str, target: Path) -> str:
    """Push the new file; return how it went."""
    said: list[str] = []

    def sink(event: events.Event) -> None:
        if isinstance(event, events.State):
            said.append(event.text)

    box = resolve(fake.address)
    profile = replace(box.profile, directories=home_of(folder), python=(python,))
    with Session.open(replace(box, profile=profile), events=sink) as session:
        session.push(NEW, str(target))
    return next(text for text in said if text.startswith(f"{target}: "))


@pytest.fixture
def target(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the place of a file that another host has put there."""
    monkeypatch.setenv("MODFERRY_SENT", str(tmp_path / "sent"))
    path = tmp_path / "module.ko"
    path.write_bytes(OLD)
    return path


@pytest.mark.parametrize("name", PYTHONS)
def test_every_python_tells_the_sums_of_what_it_has(name, tmp_path, target):
    python = PYTHONS[name]
    with FakeBox(logged_in=True) as fake:
        how = push(fake, tmp_path, python.command, target)

    match = re.search(r"as a difference of (\d+) bytes to ", how)
    assert match, how
    assert int(match[1]) < 600
    assert target.read_bytes() == NEW


def test_what_this_host_has_sent_itself_needs_no_sums(tmp_path, target):
    with FakeBox(logged_in=True) as fake:
        push(fake, tmp_path, sys.executable, target)
        # Somebody else has changed it since: no sums were asked for, all of it goes.
        target.write_bytes(OLD)
        how = push(fake, tmp_path, sys.executable, target)

    assert "difference" not in how
    assert target.read_bytes() == NEW
