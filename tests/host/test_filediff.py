"""The difference between a file and what takes its place."""

from __future__ import annotations

import pytest

from modferry.core import filediff
from support.elfwriter import kernel_module

OLD = kernel_module(exports=["a", "b"], imports=["printk"], aliases=["pci:x"])
NEW = kernel_module(exports=["a", "c"], imports=["printk"], aliases=["pci:x"])


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (b"a\nb\nc\n", b"a\nx\nc\n", ["@@ -1,3 +1,3 @@", " a", "-b", "+x", " c"]),
        (None, b"a\n", ["@@ -0,0 +1 @@", "+a"]),
        (b"a\n", b"a\n", []),
        (OLD, NEW, ["-exports b", "+exports c"]),
        (OLD, OLD + b"more", [f"{len(OLD)} bytes -> {len(OLD) + 4} bytes"]),
        (OLD, OLD[:100], [f"{len(OLD)} bytes -> 100 bytes"]),
        (None, OLD, [f"no file -> {len(OLD)} bytes"]),
        (b"text", b"\xff\xfe", ["4 bytes -> 2 bytes"]),
    ],
)
def test_modules_by_what_they_say_and_texts_by_line(old, new, lines):
    assert filediff.difference(old, new) == lines


def test_texts_that_differ_by_no_line_are_told_by_size():
    assert filediff.difference(b"a", b"a\n") == ["1 bytes -> 2 bytes"]
    assert filediff.difference(b"a\r\nb", b"a\nb") == ["4 bytes -> 3 bytes"]


def test_of_an_index_it_says_what_was_left_out():
    told = {"removed": ["a:"], "added": ["a: b"], "more": 3}

    assert filediff.of_index(told) == ["-a:", "+a: b", "and 3 lines more"]
