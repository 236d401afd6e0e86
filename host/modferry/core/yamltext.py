"""YAML text -> plain values that know their lines; what is said twice is refused.

No code in YAML: the safe loader, no merge keys, every key a string.
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from modferry.errors import UsageError


class Mapping(dict[str, object]):
    """A mapping of a YAML file; ``lines`` has the line of each key, from 1."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.line = 1
        self.lines: dict[str, int] = {}


# The same language by libyaml, where PyYAML was built with it: ten times as fast.
_Safe: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):  # type: ignore[valid-type,misc]
    """The safe loader, with mappings that know their lines and say nothing twice."""

    filename = ""

    def mapping(self, node: yaml.MappingNode) -> Mapping:
        result = Mapping()
        result.line = node.start_mark.line + 1
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            where = f"{self.filename}:{line}"
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise UsageError("merge keys (<<) are not used here", where=where)
            key: Hashable = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise UsageError(
                    f"the key {key!r} is no text", where=where, next_step="quote it"
                )
            if key in result:
                raise UsageError(
                    f'the key "{key}" is there twice',
                    where=where,
                    why=f"it is also in line {result.lines[key]}",
                )
            result[key] = self.construct_object(value_node, deep=True)
            result.lines[key] = line
        return result


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a tag of somebody else's, such as ``!vault``; kept unread."""

    tag: str
    where: str


class _ForeignLoader(_Loader):
    """As another program writes it: merge keys, keys of any kind, the last one wins."""

    def mapping(self, node: yaml.MappingNode) -> Mapping:
        self.flatten_mapping(node)
        result = Mapping()
        result.line = node.start_mark.line + 1
        for key_node, value_node in node.value:
            key = str(self.construct_object(key_node, deep=True))
            result[key] = self.construct_object(value_node, deep=True)
            result.lines[key] = key_node.start_mark.line + 1
        return result

    def tagged(self, node: yaml.Node) -> Tagged:
        return Tagged(node.tag, f"{self.filename}:{node.start_mark.line + 1}")

    def unsafe(self, node: yaml.ScalarNode) -> object:
        return self.construct_scalar(node)


_ForeignLoader.add_constructor("tag:yaml.org,2002:map", _ForeignLoader.mapping)
_ForeignLoader.add_constructor("!unsafe", _ForeignLoader.unsafe)
_ForeignLoader.add_constructor(None, _ForeignLoader.tagged)


def parse_yaml(text: str, filename: str, *, foreign: bool = False) -> Mapping:
    """Return the mapping a YAML file is; an empty file is an empty mapping.

    foreign: the file is another program's: nothing is refused that it would take.
    Raise UsageError with ``file:line`` for what is no YAML, no mapping, or has a key
    twice.
    """
    loader = (_ForeignLoader if foreign else _Loader)(text)
    loader.filename = filename
    try:
        value: Any = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise UsageError(
            f"not YAML: {error.problem or error.context}",
            where=f"{filename}:{line}",
            next_step='quote a value that holds ": " or ends with ":"'
            if "mapping values" in str(error.problem)
            else "",
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(f"not YAML: {error}", where=filename) from error
    finally:
        loader.dispose()
    if value is None:
        return Mapping()
    if not isinstance(value, Mapping):
        raise UsageError("not a mapping of keys to values", where=f"{filename}:1")
    return value


def unknown_key(name: str, known: Iterable[str], where: str) -> UsageError:
    """Return the error for a key that is not known, naming one that is near."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    return UsageError(
        f'unknown key "{name}"',
        where=where,
        why="known: " + ", ".join(known),
        next_step=f'did you mean "{near[0]}"?' if near else "",
    )
