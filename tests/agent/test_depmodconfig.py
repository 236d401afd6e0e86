"""depmod.d, kernel patterns, and which file of a name wins."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from modferry_agent.core import depmodconfig, posixregex, precedence


def _config(text: str, release: str = "6.1.0-9-amd64") -> depmodconfig.Config:
    return depmodconfig.parse_config([("x.conf", text)], release)


def test_every_directive_is_read():
    config = _config(
        "# a comment\n\nsearch a\tb built-in\nsearch c\n"
        "override one * extra\noverride two ^5 extra\n"
        "external * /opt/m\nexternal ^5 /opt/n\nexclude x y\n"
        "include /etc/other\nmake_map_files no\n"
    )

    assert config.searches == ["a", "b", "built-in", "c"]
    assert config.overrides == ["extra/one"]
    assert config.externals == ["/opt/m"]
    assert config.excludes == ["x", "y"]
    assert config.warnings == []


def test_without_search_updates_is_searched():
    assert _config("").searches == ["updates"]


@pytest.mark.parametrize(
    "line", ["nonsense", "override one *", "external *", " # indented"]
)
def test_a_bad_line_is_told_with_its_number(line: str):
    config = _config(f"search a\n{line}\n")

    assert len(config.warnings) == 1
    assert config.warnings[0][0] == "x.conf"
    assert "line 2" in config.warnings[0][1]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a \\\nb\n", [(2, "a b")]),
        ("a\\.b\\\\c\n", [(1, "a.b\\c")]),
        ("a\\", [(1, "a")]),
        ("#a\\\nb\nc", [(3, "c")]),
        ("\n\na\n", [(3, "a")]),
    ],
)
def test_backslashes_join_lines_or_vanish(text: str, lines: list[tuple[int, str]]):
    assert depmodconfig.logical_lines(text) == lines


PATTERNS = [
    ("6.1", "6.1.0", True),
    ("^6\\.1", "6x1", False),
    ("^[0-9]+\\.[[:digit:]]", "6.1", True),
    ("^[^6]", "6.1", False),
    ("(5|6)\\.1$", "6.1", True),
    ("^6\\.1$", "6.1\n", False),
    ("6**", "6", True),
    ("6+?x", "66x", True),
    ("a{2}b", "aab", True),
    ("[]x]", "]", True),
    ("[a\\]", "\\", True),
    ("#", "a#b", True),
    ("[", "[", False),
    ("[[:no:]]", "n", False),
    ("[[:alpha", "n", False),
    ("a\\", "a", False),
    ("?", "?", False),
    ("(", "(", False),
    ("\\d", "5", False),
    ("\\d", "d", True),
]


@pytest.mark.parametrize(("pattern", "text", "found"), PATTERNS)
def test_kernel_patterns_are_posix_ones(pattern: str, text: str, *, found: bool):
    assert posixregex.is_found(pattern, text) is found


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(p, t) for p, t, _ in PATTERNS if "\\" not in p and "\n" not in t and p != "("],
)
def test_grep_agrees_on_patterns(pattern: str, text: str):
    if shutil.which("grep") is None:
        pytest.skip("grep is not installed")

    done = subprocess.run(
        ["grep", "-Eq", "--", pattern],
        input=text,
        text=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        stderr=subprocess.DEVNULL,
        check=False,
    )

    # GNU grep takes a lone "?" for itself, regcomp refuses it.
    if pattern != "?":
        assert posixregex.is_found(pattern, text) is (done.returncode == 0)


def _winner(text: str, *paths: str) -> str:
    chosen, lost = precedence.chosen_paths(paths, _config(text))
    assert {winner for _loser, winner in lost} == set(chosen)
    return chosen[0]


def test_updates_win_by_default_and_else_the_first_met():
    assert _winner("", "kernel/a.ko", "updates/a.ko") == "updates/a.ko"
    assert _winner("", "updates/a.ko", "kernel/a.ko") == "updates/a.ko"
    assert _winner("", "kernel/a-b.ko", "extra/a_b.ko") == "kernel/a-b.ko"


def test_of_two_below_one_word_the_later_met_wins():
    assert _winner("search k", "k/x/a.ko", "k/y/a.ko") == "k/y/a.ko"
    assert _winner("search built-in k", "k/x/a.ko", "k/y/a.ko") == "k/x/a.ko"


def test_the_first_word_is_the_highest():
    text = "search extra updates built-in"

    assert _winner(text, "updates/a.ko", "extra/a.ko") == "extra/a.ko"
    assert _winner(text, "extra/a.ko", "updates/a.ko") == "extra/a.ko"
    assert _winner(text, "kernel/a.ko", "updates/a.ko") == "updates/a.ko"


def test_an_override_beats_the_search():
    text = "search updates\noverride a * kernel"

    assert _winner(text, "updates/a.ko", "kernel/a.ko") == "kernel/a.ko"
    assert _winner(text, "kernel/a.ko", "updates/a.ko") == "kernel/a.ko"


def test_external_directories_have_their_place():
    text = "external * /one\nexternal * /two\nsearch external updates"

    assert _winner(text, "updates/a.ko", "/two/a.ko") == "/two/a.ko"
    assert _winner(text, "/two/a.ko", "/one/a.ko") == "/one/a.ko"
    assert _winner(text, "/one/a.ko", "/two/a.ko") == "/one/a.ko"
