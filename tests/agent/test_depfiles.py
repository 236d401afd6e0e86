"""The table of index files; their bytes are compared in tests/against_kmod."""

from __future__ import annotations

from modferry_agent.core import contents, depfiles, depgraph, devname, linkgroups, trie
from modferry_agent.core.module import Module


def _contents(modules: list[Module], kmod: int = 34) -> contents.Contents:
    table = depgraph.symbol_table(modules)
    lines = depgraph.dependencies(modules, table)
    return contents.Contents(modules, lines, table.owned_by_modules(), kmod)


def _linked() -> list[Module]:
    file = Module(
        "a.ko",
        [("x", 0)],
        strings=["alias=al-ias", "softdep=pre: z", "weakdep=w", "alias=devname:n"],
    )
    return [file, file.renamed("b.ko", file), Module("c.ko", imports=[("x", 0, False)])]


def test_each_release_of_kmod_writes_its_files():
    names = {
        kmod: [name for name, _ in depfiles.encode_files(_contents([], kmod))]
        for kmod in (9, 30, 34)
    }

    assert "modules.weakdep" in names[34]
    assert "modules.weakdep" not in names[30]
    assert "modules.builtin.alias.bin" in names[30]
    assert "modules.builtin.alias.bin" not in names[9]


def test_a_dry_run_shows_the_text_files():
    names = [name for name, _ in depfiles.text_files(_contents([]))]

    assert names == [
        "modules.dep",
        "modules.alias",
        "modules.softdep",
        "modules.weakdep",
        "modules.symbols",
        "modules.devname",
    ]


def test_a_link_keeps_its_line_and_key_but_owns_nothing():
    contents = _contents(_linked())

    files = dict(depfiles.encode_files(contents))

    assert files["modules.dep"] == b"a.ko:\nb.ko:\nc.ko: a.ko\n"
    assert trie.Index(files["modules.dep.bin"]).lookup("b") == ["b.ko:"]
    assert files["modules.alias"].count(b"\nalias ") == 2
    assert files["modules.softdep"].splitlines()[1:] == [
        b"softdep a pre: z",
        b"softdep b pre: z",
    ]
    assert files["modules.weakdep"].splitlines()[1:] == [b"weakdep a w", b"weakdep b w"]
    assert trie.Index(files["modules.symbols.bin"]).lookup("symbol:x") == ["a"]


def test_without_builtin_lists_their_indexes_are_empty_files():
    contents = _contents([])

    files = dict(depfiles.encode_files(contents))

    assert files["modules.builtin.bin"] == files["modules.builtin.alias.bin"] == b""
    assert len(contents.warnings) == 2


def test_what_cannot_be_indexed_is_told():
    contents = _contents([Module("a.ko", strings=["alias=a[b", "alias=ok"])])
    contents.builtin = "kernel/a.ko\n0 bad\n"
    contents.builtin_modinfo = b"m.alias=a]\0m.alias=fine\0"

    files = dict(depfiles.encode_files(contents))

    assert len(contents.warnings) == 3
    assert list(trie.Index(files["modules.alias.bin"]).items()) == [("ok", 0, "a")]
    assert b"alias a[b a\n" in files["modules.alias"]
    assert trie.Index(files["modules.builtin.alias.bin"]).lookup("fine") == ["m"]
    assert trie.Index(files["modules.builtin.bin"]).lookup("a") == [""]


def test_bytes_beyond_ascii_are_kept():
    contents = _contents([Module("a.ko", strings=["alias=platform:x\x80"])])

    files = dict(depfiles.encode_files(contents))

    assert b"alias platform:x\x80 a\n" in files["modules.alias"]
    assert trie.Index(files["modules.alias.bin"]).lookup("platform:x\x80") == ["a"]


def test_modules_dep_is_read_back():
    text = "a/b.ko: c.ko d/e.ko\nc.ko:\nno colon\n"

    assert depfiles.parse_dep(text) == {"a/b.ko": ["c.ko", "d/e.ko"], "c.ko": []}


def test_a_device_node_needs_its_numbers():
    told = Module("loop.ko", strings=["alias=devname:loop", "alias=block-major-7-*"])
    block = Module("d.ko", strings=["alias=block-major-8-1", "alias=devname:d"])
    last = Module(
        "t.ko",
        strings=[
            "alias=char-major-1-2",
            "alias=char-major-10-200",
            "alias=char-major-x-1",
            "alias=devname:net/tun",
            "alias=devname:late",
        ],
    )

    assert devname.line_of(told)[0] is None
    assert "loop" in str(devname.line_of(told)[1])
    assert devname.line_of(block) == ("d d b8:1", None)
    assert devname.line_of(last) == ("t net/tun c10:200", None)
    assert devname.line_of(Module("none.ko")) == (None, None)


def _member(path: str, inode: int, *, link: bool, base: str, inner: str = ""):
    module = Module(path, strings=[f"name={inner}"] if inner else [])
    return module, (1, inode), link, base


def test_the_file_stands_for_its_links():
    members = [
        _member("r/a.ko", 7, link=True, base="z.ko"),
        _member("r/z.ko", 7, link=False, base="z.ko"),
        _member("r/other.ko", 8, link=False, base="other.ko"),
    ]

    linkgroups.tie_links(members)

    owners = [module.link_of and module.link_of.path for module, *_ in members]
    assert owners == ["r/z.ko", None, None]


def test_of_links_alone_the_inner_name_then_the_files_name_stands():
    by_inner = [
        _member("a.ko", 7, link=True, base="far.ko", inner="b_b"),
        _member("b-b.ko", 7, link=True, base="far.ko", inner="b_b"),
    ]
    by_base = [
        _member("a.ko", 7, link=True, base="far.ko"),
        _member("far.ko", 7, link=True, base="far.ko"),
    ]

    linkgroups.tie_links(by_inner)
    linkgroups.tie_links(by_base)

    assert by_inner[0][0].link_of is by_inner[1][0]
    assert by_base[0][0].link_of is by_base[1][0]
