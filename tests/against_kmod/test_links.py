"""Links in a module tree: as kmod has them on request, and right by default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modferry_agent.jobs import indexes
from modferry_agent.tools import depmod as our_depmod
from support import rootfs
from support.elfwriter import kernel_module
from support.kmods import Depmod

GIVE = kernel_module("give", exports=["one", "two"], aliases=["gives"])
TAKE = kernel_module("take", imports=["one"])


def _linked_files(root: Path) -> Path:
    return rootfs.make_tree(
        root,
        {"k/give.ko": GIVE, "k/take.ko": TAKE},
        links={"k/present.ko": "give.ko", "extra/donate.ko": "../k/give.ko"},
    )


def _linked_directory(root: Path) -> Path:
    tree = rootfs.make_tree(
        root, {"k/take.ko": TAKE}, links={"rtai": "../../../opt/rtai"}
    )
    (root / "opt" / "rtai").mkdir(parents=True)
    (root / "opt" / "rtai" / "give.ko").write_bytes(GIVE)
    (root / "opt" / "rtai" / "present.ko").symlink_to("give.ko")
    return tree


def _weak_updates(root: Path) -> Path:
    # As weak-modules of RHEL keeps a module of another release.
    other = root / "lib" / "modules" / "6.0.0-other" / "extra"
    tree = rootfs.make_tree(
        root,
        {"kernel/give.ko": kernel_module(exports=["one"]), "kernel/take.ko": TAKE},
        links={"weak-updates/give.ko": "../../6.0.0-other/extra/give.ko"},
    )
    other.mkdir(parents=True)
    (other / "give.ko").write_bytes(GIVE)
    return tree


def _outside(root: Path) -> Path:
    tree = rootfs.make_tree(
        root,
        {"k/take.ko": TAKE},
        links={"k/give.ko": "../../../../srv/give.ko", "k/a.ko": "give.ko"},
    )
    (root / "srv").mkdir()
    (root / "srv" / "give.ko").write_bytes(GIVE)
    return tree


def _links_of_links(root: Path) -> Path:
    return rootfs.make_tree(
        root,
        {"k/give.ko": GIVE, "k/take.ko": TAKE},
        links={"k/b.ko": "give.ko", "k/c.ko": "b.ko", "k/d.ko": "c.ko", "l": "k"},
    )


BUILDS: dict[str, tuple[Callable[[Path], Path], dict[str, str]]] = {
    # What stands in modules.dep by default, by the name of the module.
    "files": (
        _linked_files,
        {
            "k/give.ko": "",
            "k/present.ko": "",
            "extra/donate.ko": "",
            "k/take.ko": "k/give.ko",
        },
    ),
    "directory": (
        _linked_directory,
        {
            "rtai/give.ko": "",
            "rtai/present.ko": "",
            "k/take.ko": "rtai/give.ko",
        },
    ),
    "outside": (
        _outside,
        {"k/give.ko": "", "k/a.ko": "", "k/take.ko": "k/give.ko"},
    ),
}


@pytest.mark.parametrize(
    "build",
    [_linked_files, _linked_directory, _weak_updates, _outside, _links_of_links],
)
def test_as_modules_of_their_own_they_are_kmods(
    build: Callable[[Path], Path], tmp_path: Path, depmod: Depmod
):
    tree = build(tmp_path)
    assert depmod.run(tmp_path, rootfs.RELEASE).returncode == 0
    expected = rootfs.index_files(tree)
    rootfs.remove_indexes(tree)

    indexes.write_indexes(
        rootfs.RELEASE,
        str(tmp_path),
        like=depmod.release,
        links="kmod",
        fingerprints=False,
    )

    assert rootfs.index_files(tree) == expected


@pytest.mark.parametrize(("build", "lines"), BUILDS.values(), ids=BUILDS)
def test_by_default_the_file_owns_and_each_name_has_its_line(
    build: Callable[[Path], Path], lines: dict[str, str], tmp_path: Path
):
    tree = build(tmp_path)

    reply = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), fingerprints=False)

    text = (tree / "modules.dep").read_text()
    got = dict(line.split(":") for line in text.splitlines())
    assert {path: rest.strip() for path, rest in got.items()} == lines
    assert reply["conflicts"] == []
    assert reply["warnings"] == []


def test_links_of_links_are_one_file_too(tmp_path: Path):
    tree = _links_of_links(tmp_path)

    reply = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), fingerprints=False)

    lines = (tree / "modules.dep").read_text().splitlines()
    # The linked directory has the same names again: of each only one may stay.
    assert len(lines) == len({line.split(":")[0].split("/")[-1] for line in lines}) == 5
    (take,) = [line for line in lines if "take.ko:" in line]
    assert take.split(": ")[1] in ("k/give.ko", "l/give.ko")
    assert (reply["conflicts"], reply["warnings"]) == ([], [])


def test_every_name_can_be_loaded_with_the_files_dependencies(
    tmp_path: Path, depmod: Depmod
):
    rootfs.make_tree(tmp_path, rootfs.rtai_files(), links=rootfs.rtai_links())
    indexes.write_indexes(
        rootfs.RELEASE, str(tmp_path), like=depmod.release, fingerprints=False
    )

    for name in ("rtai_sched", "rtai_ksched", "rtai_lxrt"):
        ran = depmod.asked_of(tmp_path, "-D", name)

        folder = f"{tmp_path}/lib/modules/{rootfs.RELEASE}/rtai"
        lines = ran.stdout.decode().splitlines()
        assert lines[0] == f"insmod {folder}/rtai_hal.ko "
        assert lines[-1] == f"insmod {folder}/{name}.ko "
        assert set(lines[1:-1]) <= {lines[0], f"insmod {folder}/rtai_malloc.ko "}
        assert len(set(lines)) == 3


@pytest.mark.parametrize("links", indexes.LINKS)
def test_loops_and_dangling_links_are_told_and_end_nothing(
    links: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    tree = rootfs.make_tree(
        tmp_path,
        {"k/give.ko": GIVE, "k/take.ko": TAKE},
        links={
            "k/round": ".",
            "k/up": "..",
            "k/self": "self",
            "k/self.ko": "self.ko",
            "k/gone.ko": "nowhere.ko",
            "k/a.ko": "b.ko",
            "k/b.ko": "a.ko",
            "gone": "nowhere",
        },
    )

    status = our_depmod.main(
        ["depmod", "-b", str(tmp_path), f"--links={links}", rootfs.RELEASE]
    )

    assert status == 0
    said = capfd.readouterr().err
    for name in ("k/round", "k/up", "k/self", "k/gone.ko", "k/a.ko", "k/b.ko", "gone"):
        assert f"{tree}/{name}" in said
    lines = (tree / "modules.dep").read_text().splitlines()
    assert sorted(lines) == ["k/give.ko:", "k/take.ko: k/give.ko"]


@pytest.mark.parametrize("links", indexes.LINKS)
def test_two_files_with_one_symbol_have_kmods_winner_and_are_named(
    links: str, tmp_path: Path, depmod: Depmod, capfd: pytest.CaptureFixture[str]
):
    tree = rootfs.make_tree(
        tmp_path,
        {
            "k/a.ko": kernel_module(exports=["one"]),
            "k/b.ko": kernel_module(exports=["one"]),
            "k/take.ko": TAKE,
        },
    )
    assert depmod.run(tmp_path, rootfs.RELEASE).returncode == 0
    expected = rootfs.index_files(tree)
    rootfs.remove_indexes(tree)

    words = ["-b", str(tmp_path), f"--links={links}", f"--like={depmod.release}"]
    status = our_depmod.main(["depmod", *words, rootfs.RELEASE])

    said = capfd.readouterr().err
    assert (status, rootfs.index_files(tree)) == (0, expected)
    assert "one is exported by k/" in said
    assert "k/a.ko" in said
    assert "k/b.ko" in said
