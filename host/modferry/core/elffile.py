"""The section headers of an ELF file with their places; pure."""

from __future__ import annotations

from dataclasses import dataclass

from modferry_agent.core.elfsections import Layout, Sections
from modferry_agent.errors import FormatError

SHOFF, SHENTSIZE, SHNUM, SHSTRNDX = 5, 10, 11, 12
"""Which fields of an ELF header behind e_ident these are."""

IDENT_SIZE = 16


@dataclass(frozen=True, slots=True)
class Header:
    """One section header; fields: all ten of it, in the file's order."""

    name: str
    fields: tuple[int, ...]

    @property
    def type(self) -> int:
        """Return sh_type."""
        return self.fields[1]

    @property
    def offset(self) -> int:
        """Return sh_offset."""
        return self.fields[4]

    @property
    def size(self) -> int:
        """Return sh_size."""
        return self.fields[5]

    @property
    def alignment(self) -> int:
        """Return sh_addralign, 1 where the file has 0."""
        return self.fields[8] or 1

    @property
    def entsize(self) -> int:
        """Return sh_entsize."""
        return self.fields[9]


def elf_header(content: bytes) -> tuple[Layout, list[int]] | None:
    """Return the layout of an ELF file and its header's fields, None of others."""
    try:
        layout = Sections(content).layout
    except FormatError:
        return None
    return layout, list(layout.header.unpack_from(content, IDENT_SIZE))


def headers_of(content: bytes) -> list[Header]:
    """Return the section headers; none of a file that is no ELF file or a broken one.

    A file with more than 65,279 sections has none either: no module has so many.
    """
    found = elf_header(content)
    if found is None:
        return []
    layout, fields = found
    start, count = fields[SHOFF], fields[SHNUM]
    size = layout.section.size
    raw = [
        layout.section.unpack_from(content, start + at * size) for at in range(count)
    ]
    if fields[SHSTRNDX] >= len(raw):
        return []
    names_at = raw[fields[SHSTRNDX]][4]
    return [Header(_text(content, names_at + each[0]), each) for each in raw]


def _text(content: bytes, at: int) -> str:
    end = content.find(b"\0", at)
    return content[at:end].decode("latin-1") if end >= 0 else ""
