"""The bytes of the index files, part of them computed by a second process.

It makes files for which no dependencies need be known, about half of the work, while
this one computes those.
"""

from modferry_agent.core import depfiles
from modferry_agent.core.contents import Contents
from modferry_agent.core.module import Module
from modferry_agent.core.reasons import Reason, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Container, Sequence  # noqa: F401  # novermin
    from modferry_agent.system.forked import Helper  # noqa: F401

    # A file's name, its bytes, what there is to warn of.
    Encoded = tuple[str, bytes, list[Any]]

# What making a file costs, in ms for a Debian kernel, of those that a second process
# can make; the dearest first.
_THEIRS = (
    ("modules.alias.bin", 65),
    ("modules.builtin.alias.bin", 37),
    ("modules.devname", 10),
    ("modules.alias", 8),
    ("modules.builtin.bin", 1),
)
# What it costs to have it made there; what making the others costs.
_SENDING = 15
_OTHERS = 90


def told_aliases(modules):
    # type: (Sequence[Module]) -> list[tuple[str, Any]]
    """Return path and aliases of each module; False in place of a link's."""
    return [
        (module.path, module.link_of is None and module.told_aliases)
        for module in modules
    ]


def order_of(contents, told, kept):
    # type: (Contents, Sequence[tuple[str, Any]], Container[str]) -> Any
    """Return what `encode_theirs` takes, in a form that can be sent; None for nothing.

    told: what `told_aliases` returned
    kept: names of the files that need not be made
    """
    costs = [(name, cost) for name, cost in _THEIRS if name not in kept]
    half = (sum([cost for _name, cost in costs]) + _OTHERS) // 2
    names = []
    sum_of_theirs = _SENDING
    for name, cost in costs:
        if sum_of_theirs + cost <= half:
            names.append(name)
            sum_of_theirs += cost
    if "modules.alias.bin" not in names:
        return None  # The rest is not worth it.
    return names, contents.kmod, told, contents.builtin, contents.builtin_modinfo


def encode_theirs(order):
    # type: (Any) -> list[Encoded]
    """Return the files that a second process makes, of what `order_of` returned."""
    names, kmod, told, builtin, builtin_modinfo = order
    modules = []
    for path, aliases in told:
        module = Module(path)
        if aliases is False:
            module.link_of = module
        else:
            module.told_aliases = aliases
        modules.append(module)
    contents = Contents(modules, (), {}, kmod)
    contents.builtin = builtin
    contents.builtin_modinfo = builtin_modinfo
    return _encoded(contents, names)


def encode_files(contents, helper=None, order=None, kept=None):
    # type: (Contents, Helper | None, Any, dict[str, bytes] | None) -> list[tuple[str, bytes]]
    """Return what `depfiles.encode_files` does.

    helper: a process that was given the order, or None
    kept: name -> bytes of the files that need not be made
    """
    kept = kept or {}
    names = [name for name, _encode, _since in depfiles.TABLE]
    made = [(name, octets, []) for name, octets in kept.items()]  # type: list[Encoded]
    ours = [name for name in names if name not in kept]
    theirs = []  # type: Sequence[str]
    if helper is not None and order is not None and not contents.with_duplicates:
        theirs = order[0]
    made += _encoded(contents, [name for name in ours if name not in theirs])
    if helper is not None:
        is_done, done = helper.answer()
        helper.end()
        if theirs:
            made += done if is_done and done else _encoded(contents, theirs)
    files = []
    for name, octets, warnings in sorted(made, key=lambda row: names.index(row[0])):
        files.append((name, octets))
        contents.warnings.extend([unpacked(warning) for warning in warnings])
        if warnings:
            contents.warned.add(name)
    return files


def _encoded(contents, names):
    # type: (Contents, Sequence[str]) -> list[Encoded]
    made = []  # type: list[Encoded]
    kept = contents.warnings
    for name in names:
        contents.warnings = []
        for _name, octets in depfiles.encode_files(contents, (name,)):
            made.append((name, octets, [packed(each) for each in contents.warnings]))
    contents.warnings = kept
    return made


def packed(warning):
    # type: (tuple[str, str]) -> tuple[Any, ...]
    """Return a ``(path, reason)`` as what marshal takes."""
    path, because = warning
    if isinstance(because, Reason):
        return path, str.__str__(because), because.code, because.values
    return (path, because)


def unpacked(values):
    # type: (Sequence[Any]) -> tuple[str, str]
    """Return the ``(path, reason)`` of what `packed` made."""
    if len(values) == 2:
        return values[0], values[1]
    return values[0], reason(values[1], values[2], **values[3])
