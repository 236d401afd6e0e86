"""From the options of a command to a session with the box it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from modferry import render
from modferry.commands.settings import Settings
from modferry.errors import UsageError
from modferry.fleet.inventory import Box, resolve
from modferry.secrets import Source
from modferry.session import Session
from modferry.watch import Watcher


def box_of(settings: Settings) -> Box:
    """Return the box that ``--on`` names, with the password that an option names."""
    assert settings.box is not None  # noqa: S101 - --on is required
    box = resolve(settings.box, profile=settings.profile or "")
    if settings.password_env and settings.password_file:
        raise UsageError("--password-env and --password-file are both given")
    if settings.password_env or settings.password_file:
        source = Source(settings.password_env, settings.password_file)
        box = replace(box, password=source)
    return box


@contextmanager
def session_on(settings: Settings) -> Iterator[Session]:
    """Open a session with the box, watched on stderr; close it at the end."""
    box = box_of(settings)
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
