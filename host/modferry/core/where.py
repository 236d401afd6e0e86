"""Conditions over what boxes say of themselves: ``kmod < 18 and links > 0``; pure.

Python's own parser reads the text, and only a few forms mean anything: names, numbers,
texts, lists, comparisons, ``in``, ``and``, ``or``, ``not``.  Nothing is called.
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from modferry.core.results import Value
from modferry.errors import UsageError

LONGEST = 2000
Condition = Callable[[Mapping[str, object]], bool]

COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def fact_names(facts: Value) -> dict[str, object]:
    """Return the facts by the names that a condition may use.

    Inner ones have a dot (``module_tree.links``), and those of the module tree none,
    too.  kmod is its number.
    """
    names: dict[str, object] = {}
    for key, value in facts.items():
        names[key] = value
        if isinstance(value, Mapping):
            names |= {f"{key}.{inner}": each for inner, each in value.items()}
    tree = facts.get("module_tree")
    if isinstance(tree, Mapping):
        names |= {key: each for key, each in tree.items() if key not in facts}
    version = re.search(r"\d+(\.\d+)?", str(facts.get("kmod") or ""))
    names["kmod"] = float(version[0]) if version else None
    return names


def parse_where(text: str) -> Condition:
    """Return the condition that a text states; raise UsageError for any other."""
    if len(text) > LONGEST:
        raise _wrong(text[:40], f"it is longer than {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _wrong(text, str(getattr(error, "msg", error))) from error
    _check(tree, text)

    def condition(names: Mapping[str, object]) -> bool:
        return bool(_value(tree, names, text))

    return condition


def _check(node: ast.expr, text: str) -> None:
    match node:
        case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            inner = parts
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            inner = [operand]
        case ast.Compare(left=left, comparators=others, ops=ops):
            known = (*COMPARISONS, ast.In, ast.NotIn)
            if not all(isinstance(each, known) for each in ops):
                raise _wrong(text, "of comparisons, < <= > >= == != in, not in")
            inner = [left, *others]
        case ast.Constant(value=str() | int() | float() | None):
            inner = []
        case ast.Name() | ast.Attribute(value=ast.Name() | ast.Attribute()):
            inner = []
        case _:
            raise _wrong(text, f'"{ast.unparse(node)}" has no meaning here')
    for each in inner:
        _check(each, text)


def _value(  # noqa: PLR0911 - a form each
    node: ast.expr, names: Mapping[str, object], text: str
) -> object:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, names, text) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, names, text) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, names, text)
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Constant(value=value):
            return value
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part, names, text) for part in parts]
        case ast.Compare():
            return _compared(node, names, text)
    return _named(ast.unparse(node), names, text)


def _named(name: str, names: Mapping[str, object], text: str) -> object:
    if name in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[name]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise UsageError(
            f'no fact "{name}"',
            where=f"--where {text!r}",
            why="known: " + ", ".join(sorted(names)),
            next_step=f'did you mean "{near[0]}"?' if near else "",
        )
    return names[name]


def _compared(node: ast.Compare, names: Mapping[str, object], text: str) -> bool:
    left = _value(node.left, names, text)
    for operation, other in zip(node.ops, node.comparators, strict=True):
        right = _value(other, names, text)
        if not _holds(operation, left, right):
            return False
        left = right
    return True


def _holds(operation: ast.cmpop, left: object, right: object) -> bool:
    if isinstance(operation, ast.In | ast.NotIn):
        inside = isinstance(right, list | tuple | dict) and left in right
        if isinstance(right, str):
            inside = str(left) in right
        return inside == isinstance(operation, ast.In)
    compare = COMPARISONS[type(operation)]
    if isinstance(operation, ast.Eq | ast.NotEq):
        return compare(left, right)
    if left is None or right is None:
        return False  # what a box does not have is neither less nor more
    if isinstance(left, str) or isinstance(right, str):
        return compare(_version(str(left)), _version(str(right)))
    try:
        return compare(left, right)
    except TypeError:
        return False


# "2.6.32-5" comes before "2.6.100", as a person reads it.
def _version(text: str) -> list[tuple[int, int, str]]:
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.findall(r"\d+|[^\d.\-+~_ ]+", text)
    ]


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        f'"{text}" is no condition',
        where="--where",
        why=why,
        next_step="write it like: kmod < 18 and links > 0",
    )
