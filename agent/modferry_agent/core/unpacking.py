"""Undo what the host did to a file so that less of it goes over the line.

::

    columns   a table of records (an ELF file's relocations, its symbols) stands by
              columns: the first byte of each record, then the second of each, ...,
              and the number that each begins with (an offset) as the difference to
              that of the one before.  Deflate and LZMA find more in it so.
              In front of all, as varints: how many tables there are, and of each the
              bytes between it and the one before, its records, the bytes of one, and
              which of `NUMBERS` the first number is.
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


def rows_of(octets):
    # type: (bytes) -> bytes
    """Return the file whose tables stand by columns; ValueError if it is none."""
    total, start = _varint(octets, 0)
    tables, end = [], 0
    for _ in range(total):
        gap, start = _varint(octets, start)
        count, start = _varint(octets, start)
        width, start = _varint(octets, start)
        number, start = _varint(octets, start)
        tables.append((end + gap, count, width, NUMBERS[number % len(NUMBERS)]))
        end += gap + count * width
    octets = octets[start:]
    if end > len(octets):
        raise ValueError("a table outside of the file")
    out = bytearray(octets)
    for at, count, width, layout in tables:
        end = at + count * width
        size = struct.calcsize(layout)
        if width < size:
            raise ValueError("a record shorter than its number")
        columns = [octets[at + k * count : at + (k + 1) * count] for k in range(width)]
        columns[:size] = _summed(columns[:size], count, layout)
        for k in range(width):
            out[at + k : end : width] = columns[k]
    return bytes(out)


def _summed(columns, count, layout):
    # type: (list[bytes], int, str) -> list[bytes]
    # The columns of numbers whose differences these are the columns of.
    size = len(columns)
    numbers = bytearray(count * size)
    for k in range(size):
        numbers[k::size] = columns[k]
    form = "%s%d%s" % (layout[0], count, layout[1])
    mask = (1 << 8 * size) - 1
    sums, total = [], 0
    for number in struct.unpack(form, bytes(numbers)):
        total = (total + number) & mask
        sums.append(total)
    packed = struct.pack(form, *sums)
    return [packed[k::size] for k in range(size)]


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
