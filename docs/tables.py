"""Directives that make the reference tables from the tables that the code goes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from modferry.cli import modferry as group
from modferry.core.address import SCHEMES
from modferry.core.profilekeys import KEYS
from modferry.errors import EXIT_MEANINGS
from modferry.fleet.hostvars import ARGUMENTS, NAMES, OWN
from modferry.fleet.inventory import BOX_KEYS
from modferry_agent.requests import REQUIRED, TABLE, TIME_LIMIT_S


def _escaped(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    lines = [list(head)]
    lines.append(["---"] * len(lines[0]))
    lines += [[_escaped(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _code(text: object) -> str:
    return f"`{text}`"


def profile_keys() -> str:
    """Return the keys of a profile: name, values, default, sentence."""
    return table(
        ("key", "takes", "default", "what it says"),
        (
            (
                _code(key.name),
                key.wants(),
                _default(key.default),
                key.sentence,
            )
            for key in KEYS.values()
        ),
    )


def _default(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_code, value))
    return "null" if value is None else _code(value) if value != "" else ""


def inventory_variables() -> str:
    """Return the variables of an Ansible inventory that are followed."""
    ansible = [*NAMES.values(), ARGUMENTS]
    return table(
        ("variable", "what it says"),
        [
            *((", ".join(map(_code, names)), "as in Ansible") for names in ansible),
            *((_code(name), sentence) for name, sentence in OWN.items()),
        ],
    )


def fleet_keys() -> str:
    """Return the keys of a box in the fleet file."""
    return table(("key", "what it says"), ((_code(k), v) for k, v in BOX_KEYS.items()))


def addresses() -> str:
    """Return the kinds of address."""
    return table(
        ("example", "what it is", "options after `?`"),
        (
            (
                _code(scheme.example),
                scheme.sentence,
                ", ".join(_code(option) for option in sorted(scheme.options)),
            )
            for scheme in SCHEMES.values()
        ),
    )


def exit_statuses() -> str:
    """Return what the process tells its caller."""
    rows = ((int(status), text) for status, text in EXIT_MEANINGS.items())
    return table(("status", "meaning"), rows)


def requests() -> str:
    """Return what the host may ask of the agent."""
    return table(
        ("request", "arguments", "part", "changes the box", "silence allowed"),
        (
            (
                _code(name),
                ", ".join(
                    _code(key if default is REQUIRED else f"{key}={default!r}")
                    for key, (_kind, default) in row.arguments.items()
                ),
                row.part,
                "yes" if row.changes else "",
                f"{TIME_LIMIT_S[row.time_class]} s",
            )
            for name, row in TABLE.items()
        ),
    )


def _commands(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, str]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                below = click.Context(inner, info_name=name, parent=context)
                yield from _commands(inner, below)
    else:
        yield context.command_path, command.get_help(context)


def commands() -> str:
    """Return the help of every command."""
    top = click.Context(group, info_name="modferry", max_content_width=76)
    return "\n\n".join(
        f"## {path}\n\n```text\n{text}\n```" for path, text in _commands(group, top)
    )


TABLES = {
    "addresses": addresses,
    "commands": commands,
    "exit-statuses": exit_statuses,
    "fleet-keys": fleet_keys,
    "inventory-variables": inventory_variables,
    "profile-keys": profile_keys,
    "requests": requests,
}


class TableDirective(SphinxDirective):
    """Stands for the table of the directive's own name."""

    def run(self) -> list[nodes.Node]:
        """Return the parsed table."""
        text = TABLES[self.name]()
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the directives known to Sphinx."""
    for name in TABLES:
        app.add_directive(name, TableDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
