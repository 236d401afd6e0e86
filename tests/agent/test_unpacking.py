"""What the host packs, the agent unpacks: laws, and the shapes of real modules."""

from __future__ import annotations

import functools
import lzma
import struct
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modferry.core.columns import Table, by_columns, tables_of
from modferry.core.elffile import headers_of
from modferry.core.packing import Base, Whole, delta_of, likeness, packed, sketch_of
from modferry_agent.core.unpacking import patched, rows_of
from support import elfwriter, rootfs

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be at other work."""


@functools.cache
def real() -> bytes:
    """Return a module of Debian's kernel."""
    return next(rootfs.debian_kernel().rglob("can-isotp.ko")).read_bytes()


def module(name: str = "one", text: bytes = b"\x90" * 3000) -> bytes:
    exports = [f"{name}_symbol_{number}" for number in range(40)]
    return elfwriter.kernel_module(name, exports=exports) + text


def unpacked(form, base: bytes = b"") -> bytes:
    octets = {
        "deflate": lambda stream: zlib.decompress(stream, -15),
        "lzma": lzma.decompress,
        "stored": bytes,
    }[form.packing](form.stream)
    return patched(base, octets, 1 << 20) if form.base else rows_of(octets)


@given(
    st.binary(max_size=600),
    st.integers(8, 32),
    st.integers(0),
    st.integers(0),
    st.sampled_from(["<Q", "<I", ">Q", ">I"]),
)
@SLOW
def test_columns_come_back_as_rows(content, width, count, at, number):
    count %= len(content) // width + 1
    at %= len(content) - count * width + 1

    tables = [Table(at, count, width, number)]

    assert rows_of(by_columns(content, tables)) == content


@given(
    st.binary(max_size=300),
    st.lists(st.integers(0, 40), min_size=1, max_size=20),
    st.sampled_from(["<Q", "<I", ">Q", ">I"]),
    st.booleans(),
)
@SLOW
def test_the_zeros_at_relocations_come_back(before, gaps, number, is_behind):
    text, numbers = bytearray(), []
    for gap in gaps:
        text += b"\x90" * gap
        numbers.append(len(text))
        text += bytes(4)
    rows = b"".join(struct.pack(number, each) + b"12345678" for each in numbers)
    width = len(rows) // len(gaps)
    at, target = len(before), len(before) + len(rows)
    content = before + rows + bytes(text) + b"end"
    if is_behind:
        at, target = len(before) + len(text), len(before)
        content = before + bytes(text) + rows + b"end"

    packed_up = by_columns(content, [Table(at, len(gaps), width, number, target)])

    assert rows_of(packed_up) == content
    assert len(packed_up) <= len(content) - 4 * len(gaps) + 9


@given(st.integers(0), st.binary(min_size=1, max_size=9), st.booleans())
@SLOW
def test_a_module_that_lies_comes_back(at, octets, is_much):
    content = bytearray(real())
    for place in range(at % len(content), len(content), 97 if is_much else 1 << 30):
        content[place : place + len(octets)] = octets

    tables = tables_of(bytes(content))

    assert rows_of(by_columns(bytes(content), tables)) == content


def test_of_a_real_module_the_zeros_at_relocations_are_left_out():
    content = real()

    tables = tables_of(content)

    left_out = sum(4 * table.count for table in tables if table.target is not None)
    assert left_out > 1000
    assert len(by_columns(content, tables)) < len(content) - left_out + 100


@given(
    st.binary(max_size=400),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40), st.binary(max_size=9))),
)
@SLOW
def test_a_difference_makes_the_file_of_its_base(base, edits):
    content = bytearray(base)
    for at, removed, inserted in edits:
        content[at : at + removed] = inserted

    delta = delta_of(base, bytes(content))

    assert patched(base, delta, len(content)) == content


@given(st.binary(max_size=80), st.binary(max_size=120))
@SLOW
def test_any_bytes_are_a_difference_or_refused(base, delta):
    try:
        result = patched(base, delta, 500)
    except ValueError:
        return
    assert len(result) <= 500


@given(st.binary(max_size=60))
@SLOW
def test_any_bytes_are_a_file_by_columns_or_refused(octets):
    try:
        rows_of(octets)
    except ValueError:
        return


def test_a_table_outside_of_the_file_is_refused():
    content = by_columns(bytes(80), [Table(0, 10, 8, "<Q")])

    with pytest.raises(ValueError, match="outside"):
        rows_of(content[:-1])


@pytest.mark.parametrize("opens", [[], ["deflate"], ["deflate", "lzma"]])
def test_a_module_comes_back_from_every_packing(opens):
    content = module()

    form = packed(Whole(content), opens)

    assert form.packing in {"stored", *opens}
    assert unpacked(form) == content


def test_relocations_pack_betterby_columns():
    content = bytearray(module(text=b""))
    rows = b"".join(
        struct.pack("<QQq", at * 13, (at * 7 % 50) << 32 | 4, -4) for at in range(2000)
    )
    with_table = by_columns(rows, [Table(0, 2000, 24, "<Q")])

    assert len(zlib.compress(with_table, 9)) * 2 < len(zlib.compress(rows, 9))
    assert all(table.width in (16, 24) for table in tables_of(bytes(content)))


def test_a_rebuilt_module_is_a_small_difference():
    old = module()
    new = old.replace(b"\x90" * 64, b"\x91" + b"\x90" * 63, 1)

    form = packed(Whole(new), ["deflate"], [Base("/old.ko", "0" * 64, old)])

    assert form.base == ("/old.ko", "0" * 64)
    assert len(form.stream) < 100
    assert unpacked(form, old) == new


def test_a_base_that_does_not_help_is_not_used():
    form = packed(
        Whole(module()), ["deflate"], [Base("/x", "0" * 64, bytes(range(256)) * 9)]
    )

    assert form.base is None


@given(st.binary(max_size=300))
@SLOW
def test_what_is_no_elf_file_has_no_tables(content):
    assert tables_of(content) == []
    assert headers_of(b"\x7fELF" + content) == []


@given(st.integers(0, 4000), st.integers(0, 255))
@SLOW
def test_a_lying_module_still_comes_back(at, value):
    content = bytearray(module(text=b""))
    content[at % len(content)] = value

    tables = tables_of(bytes(content))

    assert rows_of(by_columns(bytes(content), tables)) == content


def test_builds_of_one_module_resemble_each_other_and_others_do_not():
    one, rebuilt = sketch_of(module()), sketch_of(module(text=b"\x91" * 3100))

    assert likeness(one, rebuilt) > 0.8
    assert likeness(one, sketch_of(module("other"))) < 0.5
