"""``modferry depmod`` and ``explain``: the indexes, and why they are as they are."""

from __future__ import annotations

from pathlib import Path

import click

from modferry.commands.box import answer
from modferry.commands.htmlpage import html_option, with_page
from modferry.commands.settings import (
    Settings,
    box_options,
    diff_option,
    dry_run_option,
    pass_settings,
)
from modferry.commands.treeoptions import (
    BoxPath,
    basedir_option,
    like_option,
    links_option,
)
from modferry.core.results import Result


@click.command()
@click.argument("release", required=False)
@basedir_option
@like_option
@links_option
@click.option(
    "--strict", is_flag=True, help="Write nothing and fail where there is a warning."
)
@click.option(
    "-E",
    "--symvers",
    type=BoxPath(),
    metavar="FILE",
    help="A Module.symvers on the box: what its kernel exports, with CRCs.",
)
@click.option(
    "-F",
    "--filesyms",
    type=BoxPath(),
    metavar="FILE",
    help="A System.map on the box: what its kernel exports.",
)
@click.option(
    "-e",
    "--errsyms",
    is_flag=True,
    help="Warn of symbols that nobody exports; with -E or -F.",
)
@html_option
@diff_option
@dry_run_option
@box_options
@pass_settings
def depmod(  # noqa: PLR0913, PLR0917 - an option each
    settings: Settings,
    release: str | None,
    basedir: str | None,
    like: int | None,
    links: str,
    html: Path | None,
    symvers: str | None,
    filesyms: str | None,
    *,
    errsyms: bool,
    strict: bool,
    with_diff: bool,
    dry_run: bool,
) -> Result:
    """Write the indexes of a module tree anew, all of them or none.

    RELEASE is the running kernel's unless given.
    """
    if symvers and filesyms:
        raise click.UsageError("of -E and -F only one goes")
    if errsyms and not (symvers or filesyms):
        raise click.UsageError("-e needs -E or -F")
    result = answer(
        settings,
        "depmod",
        release=release,
        basedir=basedir or "",
        like=None if like is None else str(like),
        links=links,
        strict=strict,
        differences=with_diff,
        symvers=symvers,
        filesyms=filesyms,
        errsyms=errsyms,
        dry_run=dry_run,
    )
    return with_page(result, html)


@click.command()
@click.argument("module")
@click.argument("release", required=False)
@basedir_option
@links_option
@box_options
@pass_settings
def explain(
    settings: Settings,
    module: str,
    release: str | None,
    basedir: str | None,
    links: str,
) -> Result:
    """Say why depmod gives a module its dependencies; nothing is written.

    For each import its owner, and who else exports it and why that one lost; the way
    to each dependency; and what kmod 9 to 17 would have left out.
    """
    return answer(
        settings,
        "explain",
        module=module,
        release=release,
        basedir=basedir or "",
        links=links,
    )
