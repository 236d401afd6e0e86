"""A module's bytes changed as kmod changes them for its force options.

Only where the kernel has no finit_module, whose flags ask the kernel for the same.

Source: kmod, libkmod/libkmod-elf.c, kmod_elf_strip_section, kmod_elf_strip_vermagic.
"""

import struct

from modferry_agent.core import elf

IGNORE_MODVERSIONS = 1
IGNORE_VERMAGIC = 2

_SHF_ALLOC = 2
# By bits: e_shoff's format and place in the ELF header.
_TABLE = {32: ("I", 32), 64: ("Q", 40)}


def forced(image, flags):
    # type: (bytes, int) -> bytes | None
    """Return the bytes that the flags of finit_module would make the kernel ignore.

    None: vermagic is to be ignored, and there is none.
    """
    if flags & IGNORE_MODVERSIONS:
        image = _unallocated(image, "__versions")
    if flags & IGNORE_VERMAGIC:
        place = _place_of_vermagic(image)
        if place is None:
            return None
        start, end = place
        image = image[:start] + b"\0" * (end - start) + image[end:]
    return image


def _unallocated(image, name):
    # type: (bytes, str) -> bytes
    # The section stays; what the kernel does not keep in memory, it does not find.
    file = elf.Elf(image)
    section = file.section(name)
    if section is None:
        return image
    index = 1
    while file.section_at(index) != section:
        index += 1
    bits = file.layout.bits
    start = struct.unpack_from(
        file.byte_order + _TABLE[bits][0], image, _TABLE[bits][1]
    )
    # sh_flags follows two words of four bytes, in both classes.
    place = start[0] + index * file.layout.section.size + 8
    low = place if file.byte_order == "<" else place + bits // 8 - 1
    octet = bytearray(image[low : low + 1])
    octet[0] &= ~_SHF_ALLOC & 0xFF
    return image[:low] + bytes(octet) + image[low + 1 :]


def _place_of_vermagic(image):
    # type: (bytes) -> tuple[int, int] | None
    file = elf.Elf(image)
    section = file.section(".modinfo")
    if section is None:
        return None
    start = section[1]
    for entry in file.content(section).split(b"\0"):
        if entry.startswith(b"vermagic="):
            return start, start + len(entry)
        start += len(entry) + 1
    return None
