"""modferry's own form of a fleet file: ``boxes:``, each with an address.

::

    boxes:
      saw3:
        address: ssh://root@saw3
        profile: squeeze-rtai
      press:
        address: serial:///dev/ttyUSB0?baud=115200
        profile: wheezy-rtai
        password_file: ~/.secrets/press
"""

from __future__ import annotations

from pathlib import Path

from modferry.core import yamltext
from modferry.core.address import is_address
from modferry.errors import UsageError
from modferry.fleet.box import BOX_KEYS, Entry, Said


def parse_boxes(boxes: object, where: str, file: str, folder: Path) -> dict[str, Entry]:
    """Return the entries under ``boxes``; raise UsageError with ``file:line``."""
    if boxes is None:
        return {}
    if not isinstance(boxes, yamltext.Mapping):
        raise UsageError('"boxes" takes names of boxes', where=where)
    return {
        name: _entry(name, given, f"{file}:{boxes.lines[name]}", file, folder)
        for name, given in boxes.items()
    }


def _entry(name: str, given: object, where: str, file: str, folder: Path) -> Entry:
    if is_address(name) or not name.isprintable() or not name or set(name) & set(",:"):
        raise UsageError(f'"{name}" is no name for a box', where=where)
    if not isinstance(given, yamltext.Mapping) or "address" not in given:
        raise UsageError(f'the box "{name}" has no address', where=where)
    said: dict[str, Said] = {}
    for key, value in given.items():
        here = f"{file}:{given.lines[key]}"
        if key not in BOX_KEYS:
            raise yamltext.unknown_key(key, BOX_KEYS, here)
        if not isinstance(value, str) or not value:
            raise UsageError(f'"{key}" takes a text, not {value!r}', where=here)
        said[key] = Said(value, here, folder)
    for kind in ("password", "become_password"):
        given_ways = [
            key
            for key in (f"{kind}_env", f"{kind}_file", f"{kind}_command")
            if key in said
        ]
        if len(given_ways) > 1:
            raise UsageError(
                f'"{given_ways[0]}" and "{given_ways[1]}" are both given',
                where=said[given_ways[1]].where,
            )
    return Entry(name, said, where, folder)
