"""What Module.symvers and System.map say of the kernel's exports."""

from __future__ import annotations

from modferry_agent.core.kernelsymbols import parse_symvers, parse_system_map


def test_symvers_names_the_kernels_own_symbols():
    text = (
        "0x00000010\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n"
        "0x1 give drivers/a EXPORT_SYMBOL\nshort line\n0x2 cut vmlinux\n\n"
        "0x00000000deadbeef  blanks\t vmlinux \n-1 minus vmlinux x\nff last vmlinux"
    )

    assert parse_symvers(text) == [
        ("printk", 16),
        ("blanks", 0xDEADBEEF),
        ("minus", 0xFFFFFFFFFFFFFFFF),
        ("last", 255),
    ]


def test_a_crc_that_is_no_number_is_told_with_its_line():
    told = []

    got = parse_symvers(
        "\nzz x vmlinux y\n0x1_0 x vmlinux y\n", lambda *each: told.append(each)
    )

    assert got == []
    assert [number for number, _reason in told] == [2, 3]
    assert told[0][1].values["version"] == "zz"


def test_system_map_shows_exports_by_their_entries():
    text = "c0 T printk\nc1 r __ksymtab_printk\nc2 r __ksymtab_a b\nc3 r __ksymtab_end"

    assert parse_system_map(text) == [("printk", 0), ("a b", 0), ("end", 0)]


def test_a_line_of_system_map_with_less_than_three_words_is_told():
    told = []

    parse_system_map("bad\n\nc1 T x\n0 r", lambda *each: told.append(each))

    assert [(number, reason.values["line"]) for number, reason in told] == [
        (1, "bad\n"),
        (2, "\n"),
        (4, "0 r"),
    ]


def test_without_anyone_to_tell_bad_lines_are_left_out():
    assert parse_symvers("zz x vmlinux y\n") == []
    assert parse_system_map("bad\n") == []
    assert parse_system_map("") == []
