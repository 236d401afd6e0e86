"""From the options of a command to sessions with the boxes they name.

A command gives `on_boxes` what it does in a session, as a function from the session to
a result.  With the name or address of one box that result is the command's; with a
pattern the command's result is that of a run over many boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

from modferry import log, render
from modferry.commands.journaling import recorded
from modferry.commands.settings import Settings
from modferry.core.profilekeys import replaced
from modferry.core.results import Result
from modferry.errors import UsageError
from modferry.fleet.inventory import Box, Inventory, read_inventory
from modferry.secrets import NOWHERE, Source, ask_at_terminal, terminal_is_there
from modferry.session import Session
from modferry.watch import Watcher

Work = Callable[[Session], Result]
"""What a command does in a session with one box."""


def on_boxes(settings: Settings, work: Work) -> Result:
    """Do the work on the boxes that ``--on`` and ``--limit`` name; return its result.

    The function is called in several threads at once, each with a session of its own.
    """
    inventory = inventory_of(settings)
    alone = inventory.is_one(settings.on) and not settings.limit
    alone = alone and settings.resume is None
    # What a run over many boxes goes by and writes is not passed over for one.
    of_many = (settings.serial, settings.max_fail, settings.retry_file)
    if alone and not any((*of_many, settings.events, settings.junit)):

        def one() -> Result:
            with _session(settings, box_of(settings, inventory)) as session:
                return work(session)

        return recorded(settings, settings.on, one)
    # It takes its time to import, and one box needs none of it.
    from modferry.commands.fleetrun import run_fleet  # noqa: PLC0415

    result = run_fleet(settings, inventory, work)
    if alone and (answer := result.outcomes[0].result):
        settings.box = answer.box
        return answer
    return result


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
    login, become = sources_of(settings)
    box = replace(
        box,
        password=login or box.password,
        become_password=become or box.become_password,
    )
    if settings.connect_timeout_s:
        limit = {"timeouts.connect_s": settings.connect_timeout_s}
        box = replace(box, profile=replaced(box.profile, limit))
    return box


def sources_of(settings: Settings) -> tuple[Source | None, Source | None]:
    """Return where the options say that the passwords are; asks a person if they do."""
    given = {
        "--password-env": Source(env=settings.password_env),
        "--password-file": Source(file=settings.password_file),
        "--password-command": Source(command=settings.password_command),
        "--password-fd": Source(descriptor=settings.password_fd),
    }
    ways = [name for name, source in given.items() if source != NOWHERE]
    if settings.ask_password:
        ways.append("--ask-password")
        given["--ask-password"] = asked_once("the login's password: ")
    if len(ways) > 1:
        raise UsageError(f"{ways[0]} and {ways[1]} are both given")
    become = None
    if settings.ask_become_password:
        become = asked_once("sudo's or su's password: ")
    return (given[ways[0]] if ways else None), become


@cache
def asked_once(prompt: str) -> Source:
    """Return what a person types, asked once for all boxes."""
    if not terminal_is_there():
        raise UsageError(
            "nobody is there to be asked for a password",
            why="stdin or stderr is no terminal",
            next_step="--password-command, --password-file, --password-env or "
            "--password-fd give one",
        )
    return Source(value=ask_at_terminal(prompt))


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


def warn_unmatched(unmatched: list[str]) -> None:
    """Say which patterns meant no box, as a typing error in one does."""
    for pattern in unmatched:
        log.warn(f'no box and no group matches "{pattern}"')
