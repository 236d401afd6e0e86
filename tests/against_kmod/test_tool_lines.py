"""Command lines that kmod's tools and ours are given alike, calls and all.

What is printed on both streams, the exit status and the module system calls are equal;
where a case names a line of docs/differences.md instead, ours is run and has to end.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from against_kmod.lines import config, loading, modinfo, others, removal
from support import kmods, twotools
from support.kmods import Depmod

THEMES = (loading, config, removal, modinfo, others)
CASES = [case for theme in THEMES for case in theme.CASES]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the preloaded kernel."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed: apt-get install gcc")
    return twotools.shim(tmp_path_factory.mktemp("kernel"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root that each case gets a copy of."""
    return twotools.make_template(tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="module")
def peers() -> list[Depmod]:
    """Return the machine's kmod, and a newer one."""
    return [kmods.machines_depmod(), kmods.newer_depmod()]


@pytest.mark.parametrize("case", [case for case in CASES if not case.differs], ids=str)
def test_kmods_tool_and_ours_do_the_same(
    case: twotools.Case, peers: list[Depmod], template: Path, kernel: Path, tmp_path
):
    ours = twotools.make_root(template, tmp_path / "ours", case)
    got = twotools.run_ours(case, ours, kernel)

    for peer in peers:
        if peer.release >= case.since:
            root = twotools.make_root(template, tmp_path / str(peer.release), case)
            expected = twotools.run_kmod(peer, case, root, kernel)
            if case.refused:
                expected = replace(expected, calls=got.calls)
            assert got == expected, f"kmod {peer.release}"


@pytest.mark.parametrize("case", [case for case in CASES if case.differs], ids=str)
def test_what_differs_is_documented_and_refused(
    case: twotools.Case, template: Path, kernel: Path, tmp_path: Path, root: Path
):
    got = twotools.run_ours(
        case, twotools.make_root(template, tmp_path / "ours", case), kernel
    )

    assert got.status == 1
    documented = (root / "docs/differences.md").read_text()
    assert case.differs in documented.replace("\n", " ")
