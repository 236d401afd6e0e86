"""Modules outside of the tree, in a mirror.

A line ``external`` of depmod.d puts whole paths into modules.dep.  On the box they
begin at its root, in a mirror at the mirror's.
"""

from __future__ import annotations

from contextlib import suppress

from modferry.shellside.mirror import Mirror
from modferry_agent.compat import native, raw
from modferry_agent.core import depfiles
from modferry_agent.core.trie import build, encode
from modferry_agent.core.triereader import Index
from modferry_agent.errors import AgentError

TEXT, BINARY = "modules.dep", "modules.dep.bin"


def outside_paths(text: bytes) -> list[str]:
    """Return the whole paths in a modules.dep, each once."""
    lines = depfiles.parse_dep(native(text))
    listed = [path for line in lines.items() for path in (line[0], *line[1])]
    return [path for path in dict.fromkeys(listed) if path.startswith("/")]


def place_outside(mirror: Mirror, tree: str) -> None:
    """Have a mirror's modules.dep and modules.dep.bin name them as they are in it."""
    text = native(mirror.read(f"{tree}/{TEXT}") or b"")
    lines = (_placed(mirror, line) for line in text.split("\n"))
    mirror.write(f"{tree}/{TEXT}", raw("\n".join(lines)))
    # One that is damaged is left for who looks something up in it.
    with suppress(AgentError):
        index = Index(mirror.read(f"{tree}/{BINARY}") or b"")
        pairs = [
            (key, _placed(mirror, line), rank) for key, rank, line in index.items()
        ]
        mirror.write(f"{tree}/{BINARY}", encode(build(pairs)))


def _placed(mirror: Mirror, line: str) -> str:
    words = line.split(" ")
    return " ".join(mirror.root + word if word[:1] == "/" else word for word in words)
