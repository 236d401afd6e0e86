"""Names of modules and aliases, and the order that kmod's hash gives them.

Source: kmod, shared/hash.c, libkmod/libkmod-util.c, tools/depmod.c; checked by
tests/against_kmod.
"""

import binascii
import struct

from modferry_agent.compat import octets_of, raw
from modferry_agent.core.reasons import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence  # noqa: F401  # novermin

# What the name of a module file ends in.  Compression itself is told by magic.
SUFFIXES = (".ko", ".ko.gz", ".ko.xz", ".ko.zst")

MODULE_BUCKETS = 512
SYMBOL_BUCKETS = 2048

_WORD = 0xFFFFFFFF
# A longer key is hashed in the same way; the table only saves building formats.
_HALVES = tuple([struct.Struct("<%dH" % count) for count in range(64)])


def is_module_file(name):
    # type: (str) -> bool
    """Say whether a file of that name is taken for a module; ``.ko`` alone is not."""
    if not name.endswith(SUFFIXES):
        return False
    return name not in SUFFIXES


def module_name(path):
    # type: (str) -> str
    """Return the module's name: the last component to its first dot, ``-`` as ``_``."""
    base = path[path.rfind("/") + 1 :]
    return base.split(".", 1)[0].replace("-", "_")


def split_paths(text):
    # type: (str) -> list[str]
    """Return the paths that blanks part: not by str.split, to which A0 is one, too."""
    return [path for path in text.replace("\t", " ").split(" ") if path]


def uncompressed_path(path):
    # type: (str) -> str
    """Return the path under which modules.order lists the module.

    Directory and as many characters of the file's name as ``NAME.ko`` has.
    """
    start = path.rfind("/") + 1
    return path[: start + len(module_name(path)) + 3]


def normalise_alias(text):
    # type: (str) -> str | None
    """Return the alias with ``-`` as ``_`` outside brackets; None if those are odd.

    A ``[`` opens a set that the next ``]`` ends; a ``]`` that ends none is unbalanced.
    """
    if "[" not in text and "]" not in text:
        return text.replace("-", "_")
    parts = []
    rest = text
    while rest:
        outside, opened, behind = rest.partition("[")
        if "]" in outside:
            return None
        parts.append(outside.replace("-", "_"))
        if opened:
            inside, closed, behind = behind.partition("]")
            if not closed:
                return None
            parts.append("[" + inside + "]")
        rest = behind
    return "".join(parts)


def normalised_aliases(aliases):
    # type: (Sequence[str]) -> Iterable[tuple[str, str | None]]
    """Return each alias and what `normalise_alias` makes of it."""
    joined = "\0".join(aliases)
    if "[" in joined or "]" in joined:
        return [(alias, normalise_alias(alias)) for alias in aliases]
    return zip(aliases, joined.replace("-", "_").split("\0"))


def hash_of(name):
    # type: (str) -> int
    """Return kmod's 32-bit hash of a name, as a little-endian machine computes it.

    A variant of Paul Hsieh's SuperFastHash.  Source: kmod, shared/hash.c.
    """
    key = raw(name)
    size = len(key)
    count = size >> 1
    if count < 64:
        halves = _HALVES[count].unpack(key[: count << 1])
    else:
        halves = struct.unpack("<%dH" % count, key[: count << 1])
    value = size
    for index in range(0, (size >> 2) << 1, 2):
        value = (value + halves[index]) & _WORD
        value = ((value << 16) ^ (halves[index + 1] << 11) ^ value) & _WORD
        value += value >> 11
    rest = size & 3
    if rest == 3:
        value = (value + halves[-1]) & _WORD
        value ^= (value << 16) & _WORD
        value ^= octets_of(key)[-1] << 18
        value = (value + (value >> 11)) & _WORD
    elif rest == 2:
        value = (value + halves[-1]) & _WORD
        value ^= (value << 11) & _WORD
        value = (value + (value >> 17)) & _WORD
    elif rest == 1:
        value = (value + octets_of(key)[-1]) & _WORD
        value ^= (value << 10) & _WORD
        value = (value + (value >> 1)) & _WORD
    value &= _WORD
    value ^= (value << 3) & _WORD
    value = (value + (value >> 5)) & _WORD
    value ^= (value << 4) & _WORD
    value = (value + (value >> 17)) & _WORD
    value ^= (value << 25) & _WORD
    return (value + (value >> 6)) & _WORD


def hashes_of(names):
    # type: (Iterable[str]) -> list[tuple[int, str]]
    """Return ``(hash, name)`` of each name, in any order; many at once.

    All names of one length are hashed together, each in 64 bits of one large number:
    one after the other, 14,000 symbols take 60 ms, so 6.
    """
    by_size = {}  # type: dict[int, list[str]]
    for name in names:
        by_size.setdefault(len(name), []).append(name)
    found = []  # type: list[tuple[int, str]]
    for size, group in by_size.items():
        found.extend(zip(_hashes_of_size(size, group), group))
    return found


def _hashes_of_size(size, group):
    # type: (int, list[str]) -> Sequence[int]
    # As `hash_of`.  The mask also cuts off what a shift to the right brings from the
    # lane above.
    count = len(group)
    octets = raw("".join(group))
    ones = int(b"0000000000000001" * count, 16)
    mask = ones * _WORD
    value = ones * size
    at = size & ~3
    for place in range(0, at, 4):
        value = (value + _lanes(octets, size, place, 2)) & mask
        second = _lanes(octets, size, place + 2, 2)
        value = ((value << 16) ^ (second << 11) ^ value) & mask
        value += (value >> 11) & mask
    rest = size & 3
    if rest == 3:
        value = (value + _lanes(octets, size, at, 2)) & mask
        value ^= (value << 16) & mask
        value ^= _lanes(octets, size, at + 2, 1) << 18
        value += (value >> 11) & mask
    elif rest == 2:
        value = (value + _lanes(octets, size, at, 2)) & mask
        value ^= (value << 11) & mask
        value += (value >> 17) & mask
    elif rest == 1:
        value = (value + _lanes(octets, size, at, 1)) & mask
        value ^= (value << 10) & mask
        value += (value >> 1) & mask
    value &= mask
    for left, right in ((3, 5), (4, 17), (25, 6)):
        value ^= (value << left) & mask
        value = (value + ((value >> right) & mask)) & mask
    packed = binascii.unhexlify(raw("%0*x" % (16 * count, value)))
    # The number begins with the last lane.
    return struct.unpack(">%dQ" % count, packed)[::-1]


def _lanes(octets, size, place, width):
    # type: (bytes, int, int, int) -> int
    # One or two bytes from that place in each name, little-endian, a lane a name.
    lanes = bytearray(8 * (len(octets) // size))
    for at in range(width):
        lanes[at::8] = octets[place + at :: size]
    return int(binascii.hexlify(bytes(lanes[::-1])), 16)


def hash_order(names, buckets):
    # type: (Iterable[str], int) -> list[str]
    """Return the names in the order of kmod's hash table: by bucket, then by byte."""
    mask = buckets - 1
    placed = sorted([(value & mask, name) for value, name in hashes_of(names)])
    return [name for _bucket, name in placed]


def ordered_modules(paths, order_text, first_mention=True):
    # type: (Iterable[str], str | None, bool) -> tuple[list[str], str | None]
    """Return the module paths in the order of kmod's depmod, and a complaint or None.

    paths: one path a module name, relative to the tree
    order_text: what modules.order says; None when there is none
    first_mention: of a module listed twice the first line counts (kmod 34 and newer),
        else the last one (33 and older)

    Source: kmod, tools/depmod.c, depmod_modules_sort and depmod_modules_build_array.
    """
    by_name = dict([(module_name(path), path) for path in paths])
    if order_text is None:
        return _in_base_order(by_name), reason(
            "modules.order is missing, so modules stand in the order of a hash",
            "order-missing",
        )
    if order_text and not order_text.endswith("\n"):
        line = order_text.count("\n") + 1
        return _in_base_order(by_name), reason(
            "modules.order: line %d misses its newline; no line is used" % line,
            "order-cut",
            line=line,
        )
    by_listed = dict([(uncompressed_path(path), path) for path in paths])
    places = {}  # type: dict[str, int]
    for place, line_text in enumerate(order_text.split("\n")):
        path = by_listed.get(line_text)
        if path is not None and not (first_mention and path in places):
            places[path] = place
    listed = sorted(places, key=places.__getitem__)
    rest = dict([pair for pair in by_name.items() if pair[1] not in places])
    return listed + _in_base_order(rest), None


def _in_base_order(by_name):
    # type: (dict[str, str]) -> list[str]
    return [by_name[name] for name in hash_order(by_name, MODULE_BUCKETS)]
