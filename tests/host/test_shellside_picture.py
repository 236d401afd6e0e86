"""What is known of a box's files: parsed from its tools' words, resolved as it does."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modferry.shellside import scripts
from modferry.shellside.contents import Contents
from modferry.shellside.gather import Gathered
from modferry.shellside.mirror import mirror_of
from modferry.shellside.picture import (
    MISSING,
    Node,
    Picture,
    Unknown,
    parse_listing,
    parse_ls,
)
from support.sshd import needed

PARTS = st.sampled_from(["a", "b", "c", "..", "."])
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(links=st.lists(st.tuples(PATHS, PATHS, st.booleans()), max_size=6), asked=PATHS)
def test_a_path_leads_where_the_kernel_says(tmp_path_factory, links, asked):
    root = Path(os.path.realpath(tmp_path_factory.mktemp("root")))
    for folder in ("a/b/c", "b/a", "c"):
        (root / folder).mkdir(parents=True)
    (root / "b/file").touch()
    for place, target, absolute in links:
        path = root / "b" / os.path.normpath("/" + place).lstrip("/")
        if not os.path.lexists(path) and path.parent.is_dir():
            path.symlink_to(root / target if absolute else target)
    path = f"{root}/b/{asked}"

    got = resolved(path)

    try:
        expected = os.path.realpath(path, strict=True)
    except OSError:
        expected = None
    assert (got or None) == expected


def resolved(path: str) -> str | None:
    """Return where a path of this machine leads, each name asked for once."""
    picture = Picture()
    while True:
        try:
            return picture.resolve(path)
        except Unknown as unknown:
            for each in unknown.paths:
                picture.add(each, node_of(Path(each)))


def node_of(path: Path) -> Node:
    try:
        kind = stat.S_IFMT(path.lstat().st_mode)
    except OSError:
        return MISSING
    target = str(path.readlink()) if kind == stat.S_IFLNK else ""
    return Node(kind, target=target)


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "a dir").mkdir()
    (tmp_path / "a dir" / "new\nline").write_bytes(b"12345")
    (tmp_path / "b -> c").write_bytes(b"1")
    (tmp_path / "link").symlink_to("b -> c")
    os.mkfifo(tmp_path / "fifo")
    return tmp_path


@pytest.mark.parametrize("program", [[], ["busybox"]], ids=["coreutils", "busybox"])
@pytest.mark.parametrize("tool", ["stat", "ls"])
def test_a_listing_tells_kind_size_and_inode(folder, program, tool):
    words = [needed(each) for each in program]
    show = ["stat", "-c", scripts.LIST_FORMAT] if tool == "stat" else ["ls", "-lind"]
    parse = parse_listing if tool == "stat" else parse_ls
    # Where the link's target has an arrow, too, only stat's form can be told apart.
    paths = [folder, *folder.iterdir(), folder / "a dir" / "new\nline"]
    paths = [path for path in paths if tool == "stat" or path.name != "link"]
    if tool == "ls" and program:
        # Where busybox has no stat, its ls shows a newline as a question mark.
        paths = [path for path in paths if "\n" not in path.name]
    text = subprocess.run(
        ["find", folder, "-exec", *words, *show, "{}", "+"],
        check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"},
    ).stdout  # fmt: skip

    found = dict(parse(text))

    for path in paths:
        status = path.lstat()
        node = found[str(path)]
        assert node.kind == stat.S_IFMT(status.st_mode), path
        assert node.identity[1] == status.st_ino
        if path.is_file():
            assert node.size == status.st_size


def test_no_link_leads_out_of_a_mirror(tmp_path):
    # What a box says is not to be trusted: each ".." of this one would climb out.
    picture = Picture()
    directory, link = Node(stat.S_IFDIR), "/lib/modules/1/evil.ko"
    for path in ("/lib", "/lib/modules", "/lib/modules/1", "/etc"):
        picture.add(path, directory)
    picture.add("/etc/passwd", Node(stat.S_IFREG, (1, 7)))
    picture.add(link, Node(stat.S_IFLNK, target="../" * 30 + "etc/passwd"))
    found = Gathered(nodes={"/etc": directory, "/lib/modules/1": directory})
    found.links[link] = picture.resolve(link)

    with mirror_of(found, Contents(tmp_path / "files")) as mirror:
        place = Path(mirror.root + link)

        assert found.links[link] == "/etc/passwd"
        assert os.path.realpath(place) == mirror.root + "/etc/passwd"
        assert not place.exists()


def test_sums_are_told_apart_whatever_the_names_are(tmp_path):
    names = ["plain", "with blank", "back\\slash", "new\nline", "*star"]
    for name in names:
        (tmp_path / name).write_text(name)
    paths = [str(tmp_path / name) for name in names]
    expected = {path: subprocess.run(["sha256sum"], input=Path(path).read_bytes(),
                                     capture_output=True).stdout.split()[0].decode()
                for path in paths}  # fmt: skip

    for tool in ("sha256sum", f"{needed('busybox')} sha256sum"):
        script = scripts.sums(tool, [*paths, str(tmp_path), "/no/file"])
        text = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
        found = scripts.parse_sums(text.stdout, paths)

        assert found.items() <= expected.items()
        assert set(expected) - set(found) <= {str(tmp_path / "new\nline")}, tool


def test_a_garbled_content_is_not_used(tmp_path):
    contents = Contents(tmp_path / "files")
    sha256 = contents.keep(b"content", "md5", "0" * 32)
    assert contents.known("md5", "0" * 32) == sha256
    assert contents.read(sha256) == b"content"

    contents.place(sha256).write_bytes(b"garbled")

    assert contents.read(sha256) is None
    assert contents.known("md5", "0" * 32) is None
