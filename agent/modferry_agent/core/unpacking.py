"""Undo what the host did to a file so that less of it goes over the line.

::

    columns   In front, as varints: how many tables of records (an ELF file's
              relocations, its symbols) there are, and of each the bytes between it
              and the one before, its records, the bytes of one, which of `NUMBERS` it
              begins with, and one more than its target, 0 without one.
              Then the tables by columns: the first byte of each record, then the
              second of each, ..., and the number that each begins with as the
              difference to that of the one before.  Deflate and LZMA find more in it
              so.
              Then the rest of the file.  Of that, four bytes of zero are left out at
              the target and each of the table's numbers: a relocation's place is
              zero where the addend is in the table.
    delta     the file as a difference to another one, its base:
              varints: size of steps, of gaps, of values; then these three, and what
              is left is extra bytes.
              steps   copied, extra, seek: take so many bytes of the base and so many
                      extra ones; then move in the base, forth or back (zigzag)
              gaps    between the bytes of all that was copied which differ
              values  what to add to each of those, modulo 256

Varints have 7 bits a byte, the lowest first, and the high bit where more follow.
Pure, and no loop over all bytes: a 2.6 interpreter on an old box runs it, too.

Source: Percival, "Naive differences of executable code" (bsdiff), for steps and
values; that these are kept apart from the zeros between them is ours.
"""

import struct

from modferry_agent.compat import octets_of

# Formats of the number that a record begins with.
NUMBERS = ("<I", "<Q", ">I", ">Q")


# Bytes of zero at the place of a relocation.
HOLE = 4


def rows_of(octets):
    # type: (bytes) -> bytes
    """Return the file whose tables stand by columns; ValueError if it is none."""
    total, at = _varint(octets, 0)
    heads = []
    for _ in range(total):
        head = []
        for _ in range(5):
            value, at = _varint(octets, at)
            head.append(value)
        heads.append(head)
    # What stands where, beside the rest.
    placed = []  # type: list[tuple[int, bytes]]
    end = 0
    for gap, count, width, number, target in heads:
        size = count * width
        if size > len(octets) - at:
            raise ValueError("a table outside of the file")
        layout = NUMBERS[number % len(NUMBERS)]
        rows, numbers = _rows(octets[at : at + size], count, width, layout)
        placed.append((end + gap, rows))
        end += gap + size
        at += size
        if target:
            nothing = b"\0" * HOLE
            placed.extend([(target - 1 + offset, nothing) for offset in numbers])
    return _filled(octets, at, sorted(placed))


def _filled(octets, at, placed):
    # type: (bytes, int, list[tuple[int, bytes]]) -> bytes
    # The bytes from there on, with all that has a place put in between.
    pieces, end = [], 0
    for place, piece in placed:
        gap = place - end
        if not 0 <= gap <= len(octets) - at:
            raise ValueError("a table outside of the file")
        pieces.append(octets[at : at + gap])
        pieces.append(piece)
        at += gap
        end = place + len(piece)
    pieces.append(octets[at:])
    return b"".join(pieces)


def _rows(octets, count, width, layout):
    # type: (bytes, int, int, str) -> tuple[bytes, list[int]]
    # The records of a table, and the numbers that they begin with.
    size = struct.calcsize(layout)
    if width < size:
        raise ValueError("a record shorter than its number")
    columns = [octets[k * count : (k + 1) * count] for k in range(width)]
    steps = bytearray(count * size)
    for k in range(size):
        steps[k::size] = columns[k]
    form = "%s%d%s" % (layout[0], count, layout[1])
    mask = (1 << 8 * size) - 1
    numbers, number = [], 0
    for step in struct.unpack(form, bytes(steps)):
        number = (number + step) & mask
        numbers.append(number)
    first = struct.pack(form, *numbers)
    out = bytearray(count * width)
    for k in range(width):
        out[k::width] = first[k::size] if k < size else columns[k]
    return bytes(out), numbers


def patched(base, delta, size):
    # type: (bytes, bytes, int) -> bytes
    """Return the file that a delta makes of its base.

    size: of the result at most.  ValueError if the delta is none of this base.
    """
    lengths, at = [], 0
    for _ in range(3):
        length, at = _varint(delta, at)
        lengths.append(length)
    pieces = []
    for length in lengths:
        pieces.append(delta[at : at + length])
        at += length
    steps, gaps, values = (_varints(pieces[0]), _varints(pieces[1]), pieces[2])
    if at > len(delta) or len(gaps) != len(values) or len(steps) % 3:
        raise ValueError("a delta that is cut")
    copied = _copied(base, steps, size)
    _add(copied, gaps, values)
    return _joined(bytes(copied), delta[at:], steps)


def _copied(base, steps, size):
    # type: (bytes, list[int], int) -> bytearray
    copied, place, left = [], 0, size
    for index in range(0, len(steps), 3):
        length, extra, seek = steps[index : index + 3]
        left -= length + extra
        if place < 0 or place + length > len(base) or left < 0:
            raise ValueError("a step outside of the base or the file")
        copied.append(base[place : place + length])
        place += length + (seek >> 1 if not seek & 1 else -(seek >> 1) - 1)
    return bytearray(b"".join(copied))


def _add(copied, gaps, values):
    # type: (bytearray, list[int], bytes) -> None
    at = -1
    for gap, value in zip(gaps, octets_of(values)):
        at += gap + 1
        if at >= len(copied):
            raise ValueError("a byte beyond what was copied")
        copied[at] = (copied[at] + value) & 0xFF


def _joined(copied, extra, steps):
    # type: (bytes, bytes, list[int]) -> bytes
    out = []
    at_copied = at_extra = 0
    for index in range(0, len(steps), 3):
        out.append(copied[at_copied : at_copied + steps[index]])
        at_copied += steps[index]
        out.append(extra[at_extra : at_extra + steps[index + 1]])
        at_extra += steps[index + 1]
    if at_extra != len(extra):
        raise ValueError("a delta with too few or too many bytes")
    return b"".join(out)


def _varint(octets, at):
    # type: (bytes, int) -> tuple[int, int]
    value = shift = 0
    while True:
        octet = octets_of(octets[at : at + 1])
        if not octet or shift > 63:
            raise ValueError("a cut number")
        value |= (octet[0] & 0x7F) << shift
        at += 1
        if octet[0] < 0x80:
            return value, at
        shift += 7


def _varints(octets):
    # type: (bytes) -> list[int]
    values, value, shift = [], 0, 0
    for octet in octets_of(octets):
        value |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            values.append(value)
            value = shift = 0
    if shift:
        raise ValueError("a cut number")
    return values
