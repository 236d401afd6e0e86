"""A module as its file describes it."""

from __future__ import annotations

import pytest

from modferry_agent.core import module
from modferry_agent.errors import FormatError
from support import elfwriter


def test_a_module_says_all_that_depmod_asks():
    octets = elfwriter.kernel_module(
        "snd_x",
        exports=["give"],
        imports=["take", "printk"],
        weak_imports=["perhaps"],
        aliases=["pci:1", "pci:2"],
        fields=[("softdep", "pre: a"), ("weakdep", "b"), ("license", "GPL")],
        versions={"take": 3, "module_layout": 4, "perhaps": 5, "": 9},
    )

    got = module.parse_module("kernel/snd-x.ko", octets)

    assert (got.name, got.path, got.inner_name) == ("snd_x", "kernel/snd-x.ko", "snd_x")
    assert got.exports == [("give", elfwriter.crc_of("give"))]
    assert got.imports == [
        ("take", 3, False),
        ("printk", 0, False),
        ("perhaps", 5, True),
        ("module_layout", 4, False),
    ]
    assert got.aliases == ["pci:1", "pci:2"]
    assert (got.softdeps, got.weakdeps) == (["pre: a"], ["b"])
    assert ("license", "GPL") in got.fields
    assert (got.problems, got.link_of, got.machine) == ([], None, 62)


def test_extended_crcs_stand_in_where_there_are_no_records():
    sections = [
        ("__version_ext_crcs", 1, bytes((5, 0, 0, 0))),
        ("__version_ext_names", 1, b"take\0"),
    ]
    octets = elfwriter.elf_file(sections, [elfwriter.SymbolEntry("take")])

    assert module.parse_module("a.ko", octets).imports == [("take", 5, False)]


@pytest.mark.parametrize(
    ("bits", "content", "name"),
    [
        (64, bytes(24) + b"rtai_sched".ljust(56, b"\0"), "rtai_sched"),
        (32, bytes(12) + b"rtai_sched".ljust(60, b"\0"), "rtai_sched"),
        (64, bytes(24) + b"\x01\x02".ljust(56, b"\0"), None),
        (64, b"short", None),
    ],
)
def test_an_old_module_is_named_by_its_struct_module(
    bits: int, content: bytes, name: str | None
):
    sections = [(".gnu.linkonce.this_module", 1, content)]
    octets = elfwriter.elf_file(sections, bits=bits)

    assert module.parse_module("x.ko", octets).inner_name == name


def test_a_file_of_a_few_bytes_is_no_module():
    with pytest.raises(FormatError) as caught:
        module.parse_module("a.ko", b"\x7fELF")

    assert caught.value.code == "not-elf"


def test_broken_parts_are_told_and_the_rest_is_kept():
    sections = [
        ("__ksymtab_strings", 1, b"no end"),
        ("__versions", 1, b"x" * 64),
        (".modinfo", 1, b"alias=kept\0"),
    ]

    got = module.parse_module("a.ko", elfwriter.elf_file(sections))

    assert (got.exports, got.imports, got.aliases) == ([], [], ["kept"])
    assert len(got.problems) == 2


def test_a_link_shares_what_the_file_said():
    file = module.parse_module("a.ko", elfwriter.kernel_module("a", exports=["x"]))

    link = file.renamed("b.ko", file)

    assert (link.name, link.inner_name, link.link_of) == ("b", "a", file)
    assert link.exports is file.exports
    assert link.fields == file.fields
