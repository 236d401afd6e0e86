"""The keys of a profile, one by one: type, default, sentence; text -> Profile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

from modferry.core import yamltext
from modferry.core.address import Address
from modferry.core.profile import Profile
from modferry.errors import UsageError

NOT_KEYS = frozenset({"name"})
"""Fields of Profile that no file sets."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a profile.

    name: with its section: ``console.baud``.
    kind: ``str``, ``int``, ``float``, ``list`` (of texts) or ``choice``.
    optional: ``null`` may stand for none.
    low, high: bounds of a number.  pattern: the text is a regular expression.
    """

    name: str
    kind: str
    default: object
    sentence: str
    choices: tuple[str, ...] = ()
    optional: bool = False
    low: float | None = None
    high: float | None = None
    pattern: bool = False

    def wants(self) -> str:
        """Say in words what values the key takes."""
        words = {
            "str": "a regular expression" if self.pattern else "a text",
            "int": "a whole number",
            "float": "a number",
            "list": "a list of texts, at least one",
            "choice": "one of " + ", ".join(self.choices),
        }[self.kind]
        if self.low is not None:
            words += f", at least {self.low:.12g}"
        if self.high is not None:
            words += f", at most {self.high:.12g}"
        return words + (" or null" if self.optional else "")

    def value(self, given: object, where: str) -> object:
        """Return the value as the profile holds it; raise UsageError if it cannot."""
        if given is None and self.optional:
            return None
        found = self._converted(given)
        if found is None:
            raise UsageError(
                f'"{self.name}" takes {self.wants()}, not {given!r}', where=where
            )
        return found

    def _converted(self, given: object) -> object:
        if self.kind == "list":
            if isinstance(given, list) and given and all(map(_is_text, given)):
                return tuple(given)
            return None
        if self.kind in ("int", "float"):
            return self._number(given)
        if not isinstance(given, str) or not given.isprintable():
            return None
        if self.kind == "choice":
            return given if given in self.choices else None
        return given if not self.pattern or _compiles(given) else None

    def _number(self, given: object) -> float | None:
        number = isinstance(given, int if self.kind == "int" else int | float)
        if not number or isinstance(given, bool):
            return None
        assert isinstance(given, int | float)  # noqa: S101 - said above, for mypy
        low = self.low is None or given >= self.low
        high = self.high is None or given <= self.high
        return given if low and high else None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern.encode("utf-8"))
    except re.error:
        return False
    return True


def _keys_of(kind: type, prefix: str) -> Iterable[Key]:
    hints = get_type_hints(kind)
    for one in fields(kind):
        hint = hints[one.name]
        if isinstance(hint, type) and is_dataclass(hint):
            yield from _keys_of(hint, f"{prefix}{one.name}.")
        elif prefix or one.name not in NOT_KEYS:
            yield _key_of(one, hint, prefix)


def _key_of(one: Field[Any], hint: Any, prefix: str) -> Key:  # noqa: ANN401
    optional = isinstance(hint, UnionType) and NoneType in get_args(hint)
    if optional:
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    choices: tuple[str, ...] = ()
    if get_origin(hint) is Literal:
        kind, choices = "choice", get_args(hint)
    else:
        kind = "list" if get_origin(hint) is tuple else hint.__name__
    assert one.default is not MISSING  # noqa: S101 - every key has a default
    return Key(
        prefix + one.name, kind, one.default, choices=choices, optional=optional,
        **one.metadata,
    )  # fmt: skip


KEYS: Mapping[str, Key] = {key.name: key for key in _keys_of(Profile, "")}
SECTIONS = frozenset(name.split(".")[0] for name in KEYS if "." in name)


@dataclass(frozen=True, slots=True)
class ProfileText:
    """What one profile file says: whom it extends, and its own values by key."""

    name: str
    extends: str
    extends_where: str
    values: Mapping[str, object]


def parse_profile(text: str, name: str, filename: str) -> ProfileText:
    """Return what a profile file says; raise UsageError with ``file:line``."""
    top = yamltext.parse_yaml(text, filename)
    values: dict[str, object] = {}
    extends, extends_where = "", filename
    for key, given in top.items():
        where = f"{filename}:{top.lines[key]}"
        if key == "extends":
            if not _is_text(given):
                raise UsageError('"extends" takes the name of a profile', where=where)
            extends, extends_where = str(given), where
        elif key in SECTIONS:
            if not isinstance(given, yamltext.Mapping):
                raise UsageError(f'"{key}" takes keys of its own', where=where)
            for inner, value in given.items():
                where = f"{filename}:{given.lines[inner]}"
                values[f"{key}.{inner}"] = _known(f"{key}.{inner}", where).value(
                    value, where
                )
        else:
            values[key] = _known(key, where).value(given, where)
    return ProfileText(name, extends, extends_where, values)


def _known(name: str, where: str) -> Key:
    if name not in KEYS:
        section, dot, key = name.rpartition(".")
        if dot:
            begin = f"{section}."
            names = {k.removeprefix(begin) for k in KEYS if k.startswith(begin)}
        else:
            names = {k for k in KEYS if "." not in k} | SECTIONS | {"extends"}
        raise yamltext.unknown_key(key, names, where)
    return KEYS[name]


def built_profile(chain: Iterable[ProfileText]) -> Profile:
    """Return the profile that files say together; the first wins over the later.

    chain: a profile, the one it extends, and so on.
    """
    values: dict[str, object] = {}
    name = ""
    for one in chain:
        name = name or one.name
        values = {**one.values, **values}
    return replaced(replace(Profile(), name=name), values)


def replaced(profile: Profile, values: Mapping[str, object]) -> Profile:
    """Return the profile with the values of some keys changed; they are checked."""
    tops: dict[str, Any] = {k: v for k, v in values.items() if "." not in k}
    for section in SECTIONS:
        inner: dict[str, Any] = {
            k.removeprefix(f"{section}."): v
            for k, v in values.items()
            if k.startswith(f"{section}.")
        }
        if inner:
            tops[section] = replace(getattr(profile, section), **inner)
    return replace(profile, **tops)


def overridden(profile: Profile, texts: Mapping[str, str], where: str) -> Profile:
    """Return the profile with keys changed by text, as an address has them.

    texts: key -> text, read as YAML would: ``{"console.baud": "9600"}``.
    """
    values = {
        name: _known(name, where).value(yaml.safe_load(text), where)
        for name, text in texts.items()
    }
    return replaced(profile, values)


CONSOLE_OPTIONS = ("baud", "top_baud", "bytesize", "parity", "stopbits", "flow")
"""Options of an address that stand for the profile's ``console.`` keys."""


def with_address(profile: Profile, address: Address) -> Profile:
    """Return the profile with what an address says of its line."""
    given = {
        f"console.{name}": address.options[name]
        for name in CONSOLE_OPTIONS
        if name in address.options
    }
    return overridden(profile, given, f'address "{address.text}"')
