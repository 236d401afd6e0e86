"""The quick answer of modprobe says nothing but what the whole of it would."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry_agent.jobs import probing
from modferry_agent.system.kernel import Kernel
from modferry_agent.tools import quick
from support import twotools
from support.twotools import RELEASE, Case

LINES = [
    "",
    "# alias a b",
    "alias two a",
    "alias a b",
    "alias mod-dash b",
    "alias mod* b",
    "alias m?d_dash b",
    "alias z* b",
    "alias [a b",
    "alias x[ab] a",
    "alias x",
    "options a size=3",
    "options a",
    "blacklist a",
    "blacklist",
    "blacklist [",
    "install a echo x",
    "install a",
    "softdep a pre: b",
    "softdep a",
    "weakdep a b",
    "nonsense a",
    "  # indented",
    "options a x=\\\n1",
    "include x y",
]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return twotools.make_template(tmp_path_factory.mktemp("tools"))


def box(template: Path, root: Path, line: str) -> Path:
    case = Case("", loaded={"a": ["b"], "b": [], "mod_dash": []})
    twotools.make_root(template, root, case)
    place = root / "etc/modprobe.d/m.conf"
    place.parent.mkdir(parents=True)
    place.write_text(line + "\n")
    return root


def asked(root: Path, *words: str, **environment: str) -> bool:
    return quick.is_loaded(
        [word.encode() for word in words],
        {key.encode(): value.encode() for key, value in environment.items()},
        bytes(root),
        RELEASE.encode(),
    )


@pytest.mark.parametrize("line", LINES)
def test_it_is_sure_only_where_nothing_is_said_and_done(
    line: str, template: Path, tmp_path: Path
):
    root = box(template, tmp_path / "root", line)
    kernel = Kernel(str(root), RELEASE)
    sources = probing.read_sources(
        kernel,
        probing.tree_of(str(root), RELEASE),
        [str(root / "etc/modprobe.d")],
        required=False,
    )

    for name in ("a", "b", "c", "mod-dash", "mod_dash", "nothere", "one_fs", "same"):
        found = sources.resolve(name)
        whole = not sources.config.warnings and all(map(kernel.is_live, found))
        if asked(root, name):
            assert found == [name.replace("-", "_")]
            assert whole


def test_what_is_loaded_is_answered(template: Path, tmp_path: Path):
    root = box(template, tmp_path / "root", "options a size=3\nalias x b\nalias z* b")

    assert asked(root, "a")
    assert asked(root, "-q", "mod-dash")
    assert asked(root, "-a", "a", "b")
    assert asked(root, "-b", "-v", "a")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["c"],
        ["a", "size=3"],
        ["-r", "a"],
        ["-n", "a"],
        ["--first-time", "a"],
        ["-D", "a"],
        ["-a", "a", "c"],
        ["./a"],
        ["a.ko"],
        ["[a]"],
        ["-C", "x"],
    ],
)
def test_everything_else_is_left_to_the_whole(
    words: list, template: Path, tmp_path: Path
):
    assert not asked(box(template, tmp_path / "root", ""), *words)


def test_options_in_the_environment_are_left_to_the_whole(template, tmp_path):
    assert not asked(box(template, tmp_path / "root", ""), "a", MODPROBE_OPTIONS="-n")


def test_without_or_with_broken_indexes_it_says_nothing(template, tmp_path):
    root = box(template, tmp_path / "root", "")
    index = root / "lib/modules" / RELEASE / "modules.dep.bin"
    octets = index.read_bytes()

    for broken in (b"", octets[:8], octets[:40], b"\0" * len(octets)):
        index.write_bytes(broken)
        assert not asked(root, "a")
    index.unlink()
    assert not asked(root, "a")


@pytest.mark.parametrize("text", ["a[.x=1", "quiet ]"])
def test_an_odd_kernel_command_line_is_left_to_the_whole(text, template, tmp_path):
    root = box(template, tmp_path / "root", "")
    (root / "proc/cmdline").write_text(text)

    assert not asked(root, "a")
