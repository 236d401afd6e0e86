"""kmod's commands on every Python: the same calls and words, whatever Python lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import twotools
from support.pythons import found
from support.twotools import RELEASE, Case

TREE = f"@/lib/modules/{RELEASE}"
# What Debian's -minimal Pythons and old ones have not.
MISSING = {
    "all there": "",
    "no ctypes": "ctypes _ctypes",
    "no zlib, no lzma": "zlib lzma _lzma compression compression.zstd",
}
CASES = [
    Case("modprobe -v c x=1"),
    Case("modprobe squeezed"),
    Case("modprobe -r -v c", loaded={"a": ["b", "c"], "b": ["c"], "c": []}),
    Case("modprobe a", answers={"a": 2}),
    Case("modprobe -f a", answers={"finit_module": 38}),
    Case("modprobe -c", conf={"m.conf": "softdep b pre: d\nalias x* a\nbad\n"}),
    Case("modinfo a one_fs squeezed"),
    Case(f"insmod {TREE}/kernel/a.ko size=4"),
    Case("rmmod c nothere", loaded={"c": []}),
    Case("lsmod", loaded={"a": ["b"], "b": []}),
]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return twotools.shim(tmp_path_factory.mktemp("kernel"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return twotools.make_template(tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="module")
def expected(template, kernel, tmp_path_factory) -> list[twotools.Outcome]:
    """Return what this Python, with all that belongs to it, does."""
    folder = tmp_path_factory.mktemp("expected")
    return [
        twotools.run_ours(
            case, twotools.make_root(template, folder / str(number), case), kernel
        )
        for number, case in enumerate(CASES)
    ]


@pytest.mark.parametrize("lacking", MISSING)
@pytest.mark.parametrize("python", found())
def test_the_commands_do_the_same(
    python: str, lacking: str, template, kernel, expected, tmp_path: Path
):
    command = found()[python].command
    for number, case in enumerate(CASES):
        root = twotools.make_root(template, tmp_path / str(number), case)

        got = twotools.run_ours(case, root, kernel, command, MISSING[lacking])

        assert got == expected[number], str(case)
