"""The bytes of the index files, part of them computed by a second process.

It makes files for which no dependencies need be known, about half of the work, while
this one computes those.
"""

from modferry_agent.core import depfiles
from modferry_agent.core.contents import Contents
from modferry_agent.core.module import Module
from modferry_agent.core.modulefacts import joined, parted
from modferry_agent.core.reasons import Reason, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin
    from modferry_agent.system.forked import Helper  # noqa: F401

    # A file's name, its bytes, what there is to warn of.
    Encoded = tuple[str, bytes, list[Any]]

_THEIRS = ("modules.alias", "modules.alias.bin", "modules.symbols", "modules.devname")


def order_of(modules, owners, kmod):
    # type: (Sequence[Module], dict[str, int], int) -> Any
    """Return what `encode_theirs` takes, in a form that can be sent.

    owners: symbol -> index of the module that owns it
    """
    told = [
        (module.path, module.link_of is None and joined(module.aliases))
        for module in modules
    ]
    return kmod, told, joined(owners), list(owners.values())


def encode_theirs(order):
    # type: (Any) -> list[Encoded]
    """Return the files that a second process makes, of what `order_of` returned."""
    kmod, told, symbols, places = order
    modules = []
    for path, aliases in told:
        module = Module(path)
        if aliases is False:
            module.link_of = module
        else:
            module.aliases = parted(aliases)
        modules.append(module)
    owners = dict(zip(parted(symbols), places))
    return _encoded(Contents(modules, [], owners, kmod), _THEIRS)


def encode_files(contents, helper=None):
    # type: (Contents, Helper | None) -> list[tuple[str, bytes]]
    """Return what `depfiles.encode_files` does.

    helper: a process that was told to make its share of the files, or None
    """
    if helper is None:
        return depfiles.encode_files(contents)
    names = [name for name, _encode, _since in depfiles.TABLE]
    made = _encoded(contents, [name for name in names if name not in _THEIRS])
    is_done, theirs = False, None
    if not contents.with_duplicates:
        is_done, theirs = helper.answer()
    helper.end()
    made += theirs if is_done and theirs else _encoded(contents, _THEIRS)
    files = []
    for name, octets, warnings in sorted(made, key=lambda row: names.index(row[0])):
        files.append((name, octets))
        contents.warnings.extend([unpacked(warning) for warning in warnings])
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
