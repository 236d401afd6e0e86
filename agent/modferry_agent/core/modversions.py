"""CRCs of symbols: what a module was built against, and what it exports.

    __versions            records of 64 bytes: CRC (4 bytes in 32-bit files, 8 in
                          64-bit ones), name ended by NUL
    __version_ext_crcs    4 bytes a symbol, and
    __version_ext_names   its name ended by NUL, in the same order (since Linux 6.14)
    __crc_NAME            a symbol: its value is the CRC, or the place of the CRC

Source: kernel, include/linux/module.h, struct modversion_info, and
kernel/module/version.c; kmod, libkmod/libkmod-elf.c.
"""

import struct

from modferry_agent.compat import native, raw
from modferry_agent.core import elf, modinfo
from modferry_agent.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

RECORD_BYTES = 64
_MARK = "__crc_"
# What kmod takes for the CRC of an export that points out of its section.
NO_CRC = 0xFFFFFFFFFFFFFFFF


def imported_crcs(file):
    # type: (elf.Elf) -> list[tuple[str, int]]
    """Return ``(symbol, crc)`` of each record of ``__versions``, in file order.

    A section that is no whole number of records counts as absent, as in kmod.
    Raises FormatError when a name misses its NUL.
    """
    content = file.named("__versions")
    if not content or len(content) % RECORD_BYTES:
        return []
    width = struct.calcsize("<" + file.crc_format)
    per_record = RECORD_BYTES // width
    count = len(content) // RECORD_BYTES
    words = struct.unpack(
        "%s%d%s" % (file.byte_order, count * per_record, file.crc_format), content
    )
    found = []
    start = width
    for crc in words[::per_record]:
        name, ended, _padding = content[start : start + RECORD_BYTES - width].partition(
            b"\0"
        )
        if not ended:
            raise FormatError("a name in __versions misses its NUL", code="bad-elf")
        found.append((native(name), crc))
        start += RECORD_BYTES
    return found


def names_beside(file, known):
    # type: (elf.Elf, Sequence[bytes]) -> list[bytes]
    """Return the symbols of `imported_crcs` that are not known, in file order."""
    content = file.named("__versions")
    if not content or len(content) % RECORD_BYTES:
        return []
    if content[RECORD_BYTES - 1 :: RECORD_BYTES].strip(b"\0"):
        records = [raw(name) for name, _crc in imported_crcs(file)]
    else:
        # Records made of the known names tell the others without a look at each: there
        # is one, module_layout.
        layout = file.layout.names_of_records
        made = layout(len(known))
        padded = layout(len(content) // RECORD_BYTES).unpack(content)
        others = set(padded).difference(made.unpack(made.pack(*known)))
        records = [one.partition(b"\0")[0] for one in padded if one in others]
    beside = set(records).difference(known)
    return [name for name in records if name and name in beside]


def extended_crcs(file):
    # type: (elf.Elf) -> list[tuple[str, int]]
    """Return ``(symbol, crc)`` of the extended records; none when the two disagree."""
    packed = file.named("__version_ext_crcs")
    names = modinfo.strings(file.named("__version_ext_names") or b"")
    if not packed or len(packed) != 4 * len(names):
        return []
    return list(zip(names, struct.unpack(file.byte_order + "%dI" % len(names), packed)))


def exported_crcs(file):
    # type: (elf.Elf) -> list[tuple[str, int]]
    """Return ``(symbol, crc)`` of the symbols that the module exports, in table order.

    Without any ``__crc_`` symbol (no MODVERSIONS, or a broken table) they are the names
    in ``__ksymtab_strings``, each with CRC 0.
    """
    markers = file.starting_with(_MARK)
    if markers:
        return [
            (marker.name[len(_MARK) :], _crc_at(file, marker)) for marker in markers
        ]
    return [(name, 0) for name in _listed_names(file)]


def exported_names(file):
    # type: (elf.Elf) -> list[str]
    """Return the symbols of `exported_crcs` alone."""
    markers = file.names_starting_with(_MARK)
    if markers:
        return [name[len(_MARK) :] for name in markers]
    return _listed_names(file)


def _listed_names(file):
    # type: (elf.Elf) -> list[str]
    content = file.named("__ksymtab_strings")
    if not content:
        return []
    if content[-1:] != b"\0":
        raise FormatError("__ksymtab_strings misses its last NUL", code="bad-elf")
    return modinfo.strings(content)


def _crc_at(file, marker):
    # type: (elf.Elf, elf.Symbol) -> int
    index = marker.section_index
    if index in (elf.SHN_UNDEF, elf.SHN_ABS):
        return marker.value
    try:
        _kind, offset, size = file.section_at(index)
    except IndexError:
        return NO_CRC
    if marker.value + 4 > size:
        return NO_CRC
    at = offset + marker.value
    octets = file.data[at : at + 4]
    if len(octets) != 4:
        return NO_CRC
    crc = struct.unpack(file.byte_order + "I", octets)[0]  # type: int
    return crc
