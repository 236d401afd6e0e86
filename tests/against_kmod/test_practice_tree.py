"""The practice RTAI's module tree: by default, as a sound kmod's, and explained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modferry.lab import rtai
from modferry.lab.image import Image
from modferry.lab.tree import RTAI
from modferry_agent.core import depfiles
from modferry_agent.jobs import explain, indexes
from modferry_agent.tools import depmod as our_depmod
from support import rootfs
from support.kmods import Depmod
from support.practice import practice_image

__all__ = ["practice_image"]


def _tree(root: Path, image: Image, *, linked: bool = True) -> Path:
    # RTAI's modules lie outside of the tree, which has a link to their directory.
    tree = rootfs.make_tree(root, {}, links={"rtai": f"../../../{RTAI}"})
    (root / RTAI).mkdir(parents=True)
    for module in image.modules.glob("rtai_*.ko"):
        shutil.copy(module, root / RTAI)
    for name in rtai.LEGACY_LINKS if linked else ():
        (root / RTAI / f"{name}.ko").symlink_to("rtai_sched.ko")
    return tree


def _lines(tree: Path) -> dict[str, list[str]]:
    return depfiles.parse_dep((tree / "modules.dep").read_text())


def test_by_default_the_lines_are_kmods_without_the_links(
    practice_image: Image, tmp_path: Path, depmod: Depmod
):
    plain = _tree(tmp_path / "plain", practice_image, linked=False)
    assert depmod.run(tmp_path / "plain", rootfs.RELEASE).returncode == 0
    linked = _tree(tmp_path / "linked", practice_image)

    indexes.write_indexes(
        rootfs.RELEASE,
        str(tmp_path / "linked"),
        like=depmod.release,
        fingerprints=False,
    )

    expected, got = _lines(plain), _lines(linked)
    for path in (f"rtai/{name}.ko" for name in rtai.LEGACY_LINKS):
        assert got.pop(path) == expected["rtai/rtai_sched.ko"]
    assert {path: sorted(line) for path, line in got.items()} == {
        path: sorted(line) for path, line in expected.items()
    }


def test_with_links_as_modules_all_files_are_kmods(
    practice_image: Image, tmp_path: Path, depmod: Depmod
):
    tree = _tree(tmp_path, practice_image)
    assert depmod.run(tmp_path, rootfs.RELEASE).returncode == 0
    expected = rootfs.index_files(tree)
    rootfs.remove_indexes(tree)

    words = ["-b", str(tmp_path), "--links=kmod", f"--like={depmod.release}"]
    status = our_depmod.main(["depmod", *words, rootfs.RELEASE])

    assert status == 0
    assert rootfs.index_files(tree) == expected


def test_the_modules_that_an_old_kmod_breaks_are_named(
    practice_image: Image,
    tmp_path: Path,
    depmod: Depmod,
    capfd: pytest.CaptureFixture[str],
):
    plain = _tree(tmp_path / "plain", practice_image, linked=False)
    assert depmod.run(tmp_path / "plain", rootfs.RELEASE).returncode == 0
    # Six names export each symbol of rtai_sched: whoever needs it, loses it.
    broken = {
        path for path, line in _lines(plain).items() if "rtai/rtai_sched.ko" in line
    }
    _tree(tmp_path / "linked", practice_image)

    words = ["-b", str(tmp_path / "linked"), "--explain", "rtai_sched"]
    status = our_depmod.main(["depmod", *words, rootfs.RELEASE])

    said = capfd.readouterr().out
    assert status == 0
    assert f"it leaves this file out of {len(broken)} lines:" in said
    named = said.split(" lines:\n")[1].split()
    assert set(named) == broken
    assert {"rtai/rtai_sem.ko", "rtai/rtai_mbx.ko"} < broken


def test_the_storys_module_is_explained(practice_image: Image, tmp_path: Path):
    _tree(tmp_path, practice_image)

    answer = explain.explain_module("rtai_sem", rootfs.RELEASE, str(tmp_path))

    (imported,) = [
        each for each in answer["imports"] if each["symbol"] == "wake_up_srq"
    ]
    assert imported["owner"] == "rtai/rtai_sched.ko"
    assert {each["path"] for each in imported["candidates"]} == {
        f"rtai/{name}.ko" for name in rtai.LEGACY_LINKS
    }
    assert answer["old_kmod"]["line"] == ["rtai/rtai_hal.ko"]
    lost = {each["path"]: each["symbols"] for each in answer["old_kmod"]["missing"]}
    assert len(lost["rtai/rtai_sched.ko"][0]["exporters"]) == 6
