"""A module without its debug sections: a tenth of the bytes, the same module; pure.

As ``strip --strip-debug`` does it, but for the numbers of the other sections, which
stay as they are: the headers of what is taken away become SHT_NULL, which every kernel
and every tool passes over, so that no symbol and no relocation has to be written anew.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from modferry.core.elffile import IDENT_SIZE, SHOFF, Header, elf_header, headers_of
from modferry_agent.core.elfsections import Layout

SIGNATURE_MARK = b"~Module signature appended~\n"
"""The end of a signed module.

Source: Linux, include/linux/module_signature.h, MODULE_SIG_STRING.
"""

DEBUG = re.compile(r"(\.rela?)?\.(z?debug_.+|gdb_index|stab(str)?)")
"""Names of sections that only a debugger reads."""

ET_REL, SHT_NOBITS, SHT_GROUP = 1, 8, 17


@dataclass(frozen=True, slots=True)
class Stripped:
    """What became of a file.

    removed_bytes: how much smaller it is.  sections: those that were taken away.
    signed: it was left whole because a signature covers it.
    """

    content: bytes
    removed_bytes: int = 0
    sections: tuple[str, ...] = ()
    signed: bool = False


def without_debug(content: bytes) -> Stripped:
    """Return the file without debug sections; as it is if there are none.

    A signed file stays whole: the kernel would find that its signature is wrong.
    """
    found = elf_header(content)
    if found is None or found[1][0] != ET_REL:
        return Stripped(content)
    headers = headers_of(content)
    layout, fields = found
    gone = {at for at, header in enumerate(headers) if DEBUG.fullmatch(header.name)}
    if not gone:
        return Stripped(content)
    if content.endswith(SIGNATURE_MARK):
        return Stripped(content, signed=True)
    gone |= _empty_groups(content, layout, headers, gone)
    kept = [header for at, header in enumerate(headers) if at not in gone]
    out = bytearray(content[: IDENT_SIZE + layout.header.size])
    places: dict[tuple[int, ...], int] = {}
    for header in sorted(kept, key=lambda each: each.offset):
        if header.type == 0:
            continue
        out += bytes(-len(out) % header.alignment)
        places[header.fields] = len(out)
        if header.type != SHT_NOBITS:
            out += content[header.offset : header.offset + header.size]
    out += bytes(-len(out) % 8)
    fields[SHOFF] = len(out)
    for at, header in enumerate(headers):
        if at in gone:
            out += bytes(layout.section.size)
            continue
        moved = list(header.fields)
        moved[4] = places.get(header.fields, header.offset)
        out += layout.section.pack(*moved)
    layout.header.pack_into(out, IDENT_SIZE, *fields)
    names = tuple(headers[at].name for at in sorted(gone))
    return Stripped(bytes(out), len(content) - len(out), names)


def _empty_groups(
    content: bytes, layout: Layout, headers: list[Header], gone: set[int]
) -> set[int]:
    """Return the numbers of the groups that have no member left."""
    found = set()
    for at, header in enumerate(headers):
        if header.type == SHT_GROUP:
            octets = content[header.offset : header.offset + header.size]
            words = struct.unpack(
                f"{layout.byte_order}{len(octets) // 4}I",
                octets[: len(octets) // 4 * 4],
            )
            # The first word has the group's flags.
            if set(words[1:]) <= gone:
                found.add(at)
    return found
