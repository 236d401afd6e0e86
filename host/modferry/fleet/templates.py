"""Variables of an inventory whose values are Jinja templates, as Ansible reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from modferry.core.yamltext import Tagged
from modferry.errors import UsageError
from modferry.fleet.groups import ALL, Groups, Variables

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_CHAIN = 20


@cache
def _environment() -> Environment:
    import jinja2  # noqa: PLC0415 - as above
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415

    return SandboxedEnvironment(undefined=jinja2.StrictUndefined)


class Templates(Mapping[str, object]):
    """The variables of one box, their templates filled when they are asked for.

    Known in a template: the box's variables, inventory_hostname,
    inventory_hostname_short, group_names, groups, inventory_dir, and lookup of "env"
    and "file".
    """

    def __init__(self, groups: Groups, name: str, variables: Variables) -> None:
        """Fill nothing yet."""
        self._variables = variables
        self._depth = 0
        self._given = {
            "inventory_hostname": name,
            "inventory_hostname_short": name.split(".", 1)[0],
        }
        self._groups = groups

    def __getitem__(self, name: str) -> object:
        """Return a variable's value."""
        if name in self._given:
            return self._given[name]
        if name == "group_names":
            mine = self._groups.groups_of(self._given["inventory_hostname"])
            return sorted(group.name for group in mine if group.name != ALL)
        if name == "groups":
            return {each: self._groups.members(each) for each in self._groups.by_name}
        if name == "lookup":
            return _lookup
        variable = self._variables[name]
        return self._filled(name, variable.value, variable.where)

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the variables."""
        return iter(
            {**self._given, "group_names": 0, "groups": 0, "lookup": 0}
            | dict(self._variables)
        )

    def __len__(self) -> int:
        """Return how many there are."""
        return len(list(iter(self)))

    def _filled(self, name: str, value: object, where: str) -> object:
        if isinstance(value, Tagged):
            raise UsageError(
                f'"{name}" has a value that only Ansible can read ({value.tag})',
                where=value.where,
                next_step="keep the secret where modferry_password_env or "
                "modferry_password_file says",
            )
        if not isinstance(value, str) or not ("{{" in value or "{%" in value):
            return value
        # It takes its time to import, and most inventories have no template.
        import jinja2  # noqa: PLC0415

        self._depth += 1
        try:
            if self._depth > LONGEST_CHAIN:
                raise UsageError(f'"{name}" is made of itself', where=where)
            environment = _environment()
            template = environment.from_string(value)
            known = _Names(self, environment.globals)
            context = template.new_context(known, shared=True)
            return "".join(template.root_render_func(context))
        except (jinja2.TemplateError, TypeError, ValueError, OSError) as error:
            raise UsageError(
                f'the template of "{name}" cannot be filled',
                where=where,
                why=str(error),
                next_step="known are the variables of the inventory, and lookup of "
                '"env" and "file"; facts of a running Ansible are not',
            ) from error
        finally:
            self._depth -= 1


# Jinja asks for a dict; this one fills a variable when a template names it.
class _Names(dict[str, object]):
    def __init__(self, templates: Templates, more: Mapping[str, object]) -> None:
        super().__init__()
        self._templates = templates
        self._more = more

    def __contains__(self, name: object) -> bool:
        return name in self._templates.keys() or name in self._more  # noqa: SIM118

    def __getitem__(self, name: str) -> object:
        if name in self._templates.keys():  # noqa: SIM118 - the test fills nothing
            return self._templates[name]
        return self._more[name]


def _lookup(kind: str, *names: str, **_options: object) -> str:
    if kind.rpartition(".")[2] == "env":
        return ",".join(os.environ.get(name, "") for name in names)
    if kind.rpartition(".")[2] == "file":
        return ",".join(
            Path(name).expanduser().read_text(encoding="utf-8").rstrip()
            for name in names
        )
    raise ValueError(f'no lookup "{kind}"')
