"""From the options of a command to sessions with the boxes they name.

A command gives `on_boxes` what it does in a session, as a function from the session to
a result.  With the name or address of one box that result is the command's; with a
pattern the command's result is that of a run over many boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from modferry import log, render
from modferry.commands.journaling import recorded
from modferry.commands.settings import Settings
from modferry.core.profilekeys import replaced
from modferry.core.results import Result
from modferry.errors import UsageError
from modferry.fleet.inventory import Box, Inventory, read_inventory
from modferry.secrets import Source
from modferry.session import Session
from modferry.watch import Watcher

Work = Callable[[Session], Result]
"""What a command does in a session with one box."""


def on_boxes(settings: Settings, work: Work) -> Result:
    """Do the work on the boxes that ``--on`` and ``--limit`` name; return its result.

    The function is called in several threads at once, each with a session of its own.
    """
    inventory = inventory_of(settings)
    if inventory.is_one(settings.on) and not settings.limit:

        def one() -> Result:
            with _session(settings, box_of(settings, inventory)) as session:
                return work(session)

        return recorded(settings, settings.on, one)
    # It takes its time to import, and one box needs none of it.
    from modferry.commands.fleetrun import run_fleet  # noqa: PLC0415

    return run_fleet(settings, inventory, work)


def inventory_of(settings: Settings) -> Inventory:
    """Return the boxes known by name: ``--inventory``'s, or the fleet file's."""
    if not settings.inventory:
        return read_inventory()
    for path in settings.inventory:
        if not path.exists():
            raise UsageError("there is no such fleet file", where=f"--inventory {path}")
    return read_inventory(settings.inventory)


def box_of(
    settings: Settings, inventory: Inventory | None = None, name: str = ""
) -> Box:
    """Return a box with what the options say of all: password, time limits.

    name: of the box; without it the one that ``--on`` names.
    """
    name = name or settings.on
    known = inventory or inventory_of(settings)
    box = known.resolve(name, profile=settings.profile or "")
    if settings.password_env and settings.password_file:
        raise UsageError("--password-env and --password-file are both given")
    if settings.password_env or settings.password_file:
        source = Source(settings.password_env, settings.password_file)
        box = replace(box, password=source)
    if settings.connect_timeout_s:
        limit = {"timeouts.connect_s": settings.connect_timeout_s}
        box = replace(box, profile=replaced(box.profile, limit))
    return box


@contextmanager
def session_on(settings: Settings) -> Iterator[Session]:
    """Open a session with the one box that ``--on`` names; close it at the end."""
    inventory = inventory_of(settings)
    if not inventory.is_one(settings.on):
        names = inventory.select(settings.on, settings.limit).names
        raise UsageError(
            f'"{settings.on}" is no single box',
            where="--on",
            why=f"it means {len(names)}: {', '.join(names[:5])}",
            next_step="name one of them",
        )
    with _session(settings, box_of(settings, inventory)) as session:
        yield session


@contextmanager
def _session(settings: Settings, box: Box) -> Iterator[Session]:
    settings.box = box.name
    watched = Watcher(
        render.error_console(),
        box.name,
        states=settings.verbosity > 0,
        lines="all" if settings.verbosity > 0 else "kernel",
    )
    with (
        watched as watcher,
        Session.open(
            box,
            events=watcher,
            accept_new=settings.accept_new,
            timeout_s=settings.timeout_s,
            trace=settings.trace,
        ) as session,
    ):
        yield session


def trace_of(settings: Settings, name: str) -> Path | None:
    """Return the file of the wire of one box among many."""
    if settings.trace is None:
        return None
    safe = "".join(each if each.isalnum() or each in ".-_" else "_" for each in name)
    return settings.trace.with_name(f"{settings.trace.name}.{safe}")


def warn_unmatched(unmatched: list[str]) -> None:
    """Say which patterns meant no box, as a typing error in one does."""
    for pattern in unmatched:
        log.warn(f'no box and no group matches "{pattern}"')
