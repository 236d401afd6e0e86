"""modules.dep as kmod 9 to 17 wrote it: the damage that the practice box starts with.

A symbol that is exported an even number of times is lost from the symbol table of
those releases, without a message; a link to a module exports all of its symbols
again.  So rtai_sched with its five links is left out of every dependency list.

Source: `modferry_agent.core.depgraph.lost_by_old_kmod`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from modferry_agent.core import depgraph, trie
from modferry_agent.core.module import Module, parse_module
from modferry_agent.core.names import module_name


def write_as_kmod9(tree: Path, directories: Sequence[str]) -> None:
    """Rewrite modules.dep and modules.dep.bin of a tree as kmod 9 leaves them.

    tree: /lib/modules/<release> of the box; all its indexes as a sound depmod writes
        them, which stay as they are but for these two.
    directories: those below the tree whose modules may export a symbol twice.
    """
    lines = (tree / "modules.dep").read_text(encoding="utf-8").splitlines()
    paths = [_path(line) for line in lines]
    modules = [
        parse_module(path, (tree / path).read_bytes())
        for path in paths
        if path.split("/", 1)[0] in directories
    ]
    changed = rewrite(lines, modules)
    text = "".join(f"{line}\n" for line in changed)
    (tree / "modules.dep").write_text(text, encoding="utf-8")
    (tree / "modules.dep.bin").write_bytes(encode_index(changed))


def rewrite(lines: Iterable[str], modules: Sequence[Module]) -> list[str]:
    """Return the lines of modules.dep without what kmod 9 loses.

    lines: as a sound depmod writes them.
    modules: those whose lines may change, in the order of the lines: who exports a
        symbol last owns it.
    """
    changed = {
        module.path: " ".join([f"{module.path}:", *(owner.path for owner in owners)])
        for module, owners in zip(
            modules, depgraph.dependencies_as_kmod9(modules), strict=True
        )
    }
    return [changed.get(_path(line), line) for line in lines]


def encode_index(lines: Iterable[str]) -> bytes:
    """Return the bytes of modules.dep.bin for the lines of modules.dep."""
    pairs = [
        (module_name(_path(line)), line, order) for order, line in enumerate(lines)
    ]
    return trie.encode(trie.build(pairs))


def _path(line: str) -> str:
    return line.partition(":")[0]
