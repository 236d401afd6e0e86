"""Which symbols are told to be exported by two files."""

from __future__ import annotations

from pathlib import Path

from modferry_agent.jobs import indexes
from support import rootfs
from support.elfwriter import SHT_PROGBITS, SymbolEntry, elf_file


def without_modversions(symbol: str, namespace: str) -> bytes:
    """Return a module as of Linux 7.2: strings of exports with their namespaces."""
    return elf_file(
        [
            (".modinfo", SHT_PROGBITS, b"license=GPL\0"),
            ("__ksymtab_strings", SHT_PROGBITS, f"{symbol}\0{namespace}\0".encode()),
        ],
        [SymbolEntry(f"__ksymtab_{symbol}", section=2)],
    )


def test_a_namespace_is_no_symbol(tmp_path: Path):
    rootfs.make_tree(
        tmp_path,
        {
            "k/a.ko": without_modversions("one", "SPACE"),
            "k/b.ko": without_modversions("two", "SPACE"),
            "k/c.ko": without_modversions("two", "SPACE"),
        },
        order=["k/a.ko", "k/b.ko", "k/c.ko"],
    )

    reply = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), fingerprints=False)

    assert reply["conflicts"] == [
        {"symbol": "two", "owner": "k/c.ko", "others": ["k/b.ko"]}
    ]


def test_an_owner_that_vanished_meanwhile_is_taken_at_its_word(tmp_path: Path):
    tree = rootfs.make_tree(
        tmp_path,
        {name: without_modversions("one", "SPACE") for name in ("k/a.ko", "k/b.ko")},
        order=["k/a.ko", "k/b.ko"],
    )
    read = indexes.read_tree(rootfs.RELEASE, str(tmp_path))
    (tree / "k/b.ko").unlink()

    made = indexes.make_files(read)

    assert [each["symbol"] for each in made.conflicts] == ["SPACE", "one"]
