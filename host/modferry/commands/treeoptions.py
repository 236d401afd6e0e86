"""The options that name a place on the box, a module tree, and what to write there."""

from __future__ import annotations

from typing import Any

import click

from modferry_agent.core.contents import OLDEST_KMOD


class BoxPath(click.ParamType[str]):
    """An absolute path: on a box nobody knows what another one begins at."""

    name = "path"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Return the path; click's usage error if it is relative or empty."""
        path = str(value)
        if not path.startswith("/"):
            self.fail(f'"{path}" is no absolute path of the box', param, ctx)
        return path


basedir_option = click.option(
    "-b",
    "--basedir",
    type=BoxPath(),
    metavar="DIR",
    help="The root of the module tree, on the box.",
)

like_option = click.option(
    "--like",
    type=click.IntRange(min=OLDEST_KMOD),
    metavar="VERSION",
    help="Write what depmod of that kmod would write.",
)

links_option = click.option(
    "--links",
    type=click.Choice(["file", "kmod"]),
    default="file",
    show_default=True,
    help="A link's symbols belong to the file it leads to, or to the link, as in kmod.",
)
