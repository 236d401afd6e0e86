"""The commands of one request each: load, unload, modules, klog, diagnose."""

from __future__ import annotations

from pathlib import Path

import click

from modferry.commands.connect import on_boxes
from modferry.commands.htmlpage import html_option, with_page
from modferry.commands.settings import (
    Settings,
    box_options,
    dry_run_option,
    pass_settings,
)
from modferry.core.consolerecords import telling, with_console
from modferry.core.results import Result, Value, with_box
from modferry.errors import ExitStatus, LoadError
from modferry.session import Session

CONSOLE_LINES = 40
"""As many lines of the console go to the box as evidence, the latest."""


def answer(settings: Settings, request: str, **arguments: object) -> Result:
    """Return the box's answer to one request as the result of the command.

    An answer that ends with a failure has its error and exit status, too.
    """

    def work(session: Session) -> Result:
        return answered(settings.command, session, request, **arguments)

    return on_boxes(settings, work)


def answered(
    command: str, session: Session, request: str, **arguments: object
) -> Result:
    """Return the answer to one request as the result of the command on one box."""
    before = session.console.count
    value = session.request(request, **arguments)
    if request == "load":
        value = with_console(value, session.console.since(before))
    error = failure(value, session.box.name)
    return Result(
        command,
        value,
        box=session.box.name,
        status=ExitStatus.DONE if error is None else ExitStatus.FAILED,
        error=error,
    )


def failure(value: Value, box: str) -> LoadError | None:
    """Return the error that an answer ends with, or None."""
    reason = value.get("failure")
    if not reason:
        return None
    return LoadError(
        reason["message"],
        code=reason["code"],
        where=", ".join(filter(None, (box, reason["where"]))),
        why=reason.get("why", ""),
        next_step=reason["hint"],
    )


@click.command()
@click.argument("module")
@click.argument("parameters", nargs=-1, metavar="[PARAM=VALUE]...")
@dry_run_option
@box_options
@pass_settings
def load(
    settings: Settings, module: str, parameters: tuple[str, ...], *, dry_run: bool
) -> Result:
    """Load a module and, before it, what it depends on."""
    for parameter in parameters:
        name = parameter.partition("=")[0]
        if not name.replace(".", "_").replace("-", "_").isidentifier():
            raise click.BadParameter(f'"{parameter}" is not PARAM=VALUE')
    return answer(
        settings,
        "load",
        module=module,
        parameters=" ".join(map(quoted, parameters)),
        dry_run=dry_run,
    )


def quoted(parameter: str) -> str:
    """Return a parameter as the kernel reads it: a value with blanks in quotes.

    Source: Linux, kernel/params.c, next_arg.
    """
    name, equals, value = parameter.partition("=")
    blank = any(each.isspace() for each in value) and not value.startswith('"')
    return f'{name}{equals}"{value}"' if blank else parameter


@click.command()
@click.argument("module")
@click.option(
    "--dependencies/--no-dependencies",
    default=True,
    show_default=True,
    help="Unload what it depended on, too, where nothing else uses that.",
)
@dry_run_option
@box_options
@pass_settings
def unload(
    settings: Settings, module: str, *, dependencies: bool, dry_run: bool
) -> Result:
    """Unload a module and, after it, what only it depended on."""
    return answer(
        settings,
        "unload",
        module=module,
        dependencies=dependencies,
        dry_run=dry_run,
    )


@click.command()
@box_options
@pass_settings
def modules(settings: Settings) -> Result:
    """List the modules as the kernel has them."""

    def work(session: Session) -> Result:
        table = session.request("modules")
        return Result(settings.command, {"modules": table}, box=session.box.name)

    return on_boxes(settings, work)


@click.command()
@click.option("--since", type=int, metavar="N", help="From the record of that number.")
@click.option("--count", type=click.IntRange(min=1), help="No more than so many.")
@box_options
@pass_settings
def klog(settings: Settings, since: int | None, count: int | None) -> Result:
    """Show the kernel's log."""
    return answer(settings, "klog", since=since, limit=count)


@click.command()
@click.argument("module")
@click.option(
    "--log/--no-log",
    "with_log",
    default=True,
    show_default=True,
    help="Look at what the kernel's log says of the module, too.",
)
@click.option(
    "--fix",
    is_flag=True,
    help="Do what is safe: write the indexes anew, load a missing owner, make an alias"
    " of a link; and say how to undo it.",
)
@dry_run_option
@html_option
@box_options
@pass_settings
def diagnose(
    settings: Settings,
    /,
    module: str,
    *,
    html: Path | None,
    **flags: bool,
) -> Result:
    """Say why a module does not load: symbol by symbol, and what to do.

    The exit status is 1 if something keeps it from loading. -n is for --fix: say what
    it would do.
    """
    request = "mend" if flags.pop("fix") else "diagnose"
    if request == "diagnose":
        del flags["dry_run"]

    def work(session: Session) -> Result:
        seen = {}
        if flags["with_log"] and (texts := telling(session.console.since(0))):
            seen["console"] = texts[-CONSOLE_LINES:]
        value = session.request(request, module=module, **flags, **seen)
        for entry in value.get("fixed", ()):
            entry["undo"] = with_box(entry["undo"], session.box.name)
        return diagnosed(settings.command, value, session.box.name)

    return with_page(on_boxes(settings, work), html)


def diagnosed(command: str, value: Value, box: str) -> Result:
    """Return a diagnosis as the result of the command on one box."""
    for finding in value["findings"]:
        finding["next"] = with_box(finding["next"], box)
    wrong = not value["loadable"] or any(
        finding["severity"] == "error" for finding in value["findings"]
    )
    return Result(
        command,
        value,
        box=box,
        status=ExitStatus.NO if wrong else ExitStatus.DONE,
    )
