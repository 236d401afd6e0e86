"""Modules outside of the tree, as a box's indexes name them, in a mirror."""

from __future__ import annotations

import pytest

from modferry.errors import ReplyError
from modferry.shellside.contents import Contents
from modferry.shellside.mirror import Mirror
from modferry.shellside.outside import BINARY, TEXT, Outside
from modferry_agent.core.probeplan import Sources
from modferry_agent.core.trie import build, encode
from modferry_agent.core.triereader import Index

TREE = "/lib/modules/6.1"
# As latin-1 they hold 85 and A0, which Python takes for a line's end and a blank.
LINES = {
    "a": "/opt/Å/a.ko: /opt/à/b.ko kernel/c.ko".encode().decode("latin-1"),
    "b": "/opt/à/b.ko:".encode().decode("latin-1"),
    "c": "kernel/c.ko:",
}


def files(lines=LINES):
    text = "".join(f"{line}\n" for line in lines.values()).encode("latin-1")
    pairs = [(name, line, number) for number, (name, line) in enumerate(lines.items())]
    return text, encode(build(pairs))


@pytest.fixture
def mirror(tmp_path):
    root = tmp_path / "mirror"
    (root / TREE.lstrip("/")).mkdir(parents=True)
    return Mirror(root, Contents(tmp_path / "contents"))


def placed(mirror, text, binary):
    for name, content in ((TEXT, text), (BINARY, binary)):
        mirror.write(f"{TREE}/{name}", content)
    Outside(text, binary).place(mirror, TREE)
    return mirror.read(f"{TREE}/{TEXT}"), mirror.read(f"{TREE}/{BINARY}")


@pytest.mark.parametrize("missing", ["", TEXT, BINARY])
def test_whole_paths_are_found_in_either_file(missing):
    text, binary = files()
    outside = Outside(text * (missing != TEXT), binary * (missing != BINARY))

    assert sorted(path.encode("latin-1").decode() for path in outside.paths) == [
        "/opt/Å/a.ko", "/opt/à/b.ko",
    ]  # fmt: skip


def test_they_lead_into_the_mirror(mirror):
    text, binary = placed(mirror, *files())

    sources = Sources()
    sources.dep = Index(binary)
    root = mirror.root.encode("latin-1")
    assert text.startswith(root + "/opt/Å/a.ko: ".encode() + root)
    path, needed = sources.line_of("a")
    assert [one.encode("latin-1").removeprefix(root) for one in (path, *needed)] == [
        "/opt/Å/a.ko".encode(), "/opt/à/b.ko".encode(), b"kernel/c.ko",
    ]  # fmt: skip


def test_a_tree_without_any_stays_as_it_is(mirror):
    text, binary = files({"c": LINES["c"]})

    assert placed(mirror, text, binary) == (text, binary)


@pytest.mark.parametrize("with_text", [True, False])
def test_a_damaged_index_leads_nowhere(mirror, with_text):
    text, binary = files()

    _, left = placed(mirror, text * with_text, binary[:-30])

    assert left == b"damaged"


@pytest.mark.parametrize("name", ["my cache", "c:ache", "caché"])
def test_a_cache_whose_name_would_part_the_lines_is_refused(tmp_path, name):
    root = tmp_path / name
    (root / TREE.lstrip("/")).mkdir(parents=True)

    with pytest.raises(ReplyError) as caught:
        placed(Mirror(root, Contents(tmp_path / "contents")), *files())

    assert "XDG_CACHE_HOME" in caught.value.next_step
