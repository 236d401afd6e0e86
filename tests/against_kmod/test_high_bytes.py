"""Aliases with bytes above 7F: as kmod has them where that is sound, else left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry_agent.core import trie
from modferry_agent.jobs import indexes
from modferry_agent.tools import depmod as our_depmod
from support import kmods, rootfs
from support.elfwriter import kernel_module
from support.kmods import Depmod

# One as in Debian bullseye's kernel for i386.
WITHIN = ["platform:jsl_max98360ax\x80", "platform:jsl", "b\x80x", "b\x80y", "abc"]
AT_A_BRANCH = ["ab", "a\x80", "\xff", "abc\x80", "abc"]


def written(root: Path, aliases: list[str], like: int) -> tuple[bytes, list[str]]:
    tree = rootfs.make_tree(root, {"k/m.ko": kernel_module(aliases=aliases)})
    reply = indexes.write_indexes(
        rootfs.RELEASE, str(root), like=like, fingerprints=False
    )
    reasons = [warning["reason"] for warning in reply["warnings"]]
    return (tree / "modules.alias.bin").read_bytes(), reasons


def test_within_a_prefix_they_are_kept_as_kmod_33_did(tmp_path: Path):
    depmod = kmods.machines_depmod()
    if depmod.release >= 34:
        pytest.skip("does not apply: this machine's kmod ends at such a byte")
    tree = rootfs.make_tree(
        tmp_path / "kmod", {"k/m.ko": kernel_module(aliases=WITHIN)}
    )
    assert depmod.run(tmp_path / "kmod", rootfs.RELEASE).returncode == 0

    got, reasons = written(tmp_path / "ours", WITHIN, depmod.release)

    assert got == (tree / "modules.alias.bin").read_bytes()
    assert reasons == []


def test_kmod_34_ends_where_we_warn(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    root = tmp_path / "root"
    rootfs.make_tree(root, {"k/m.ko": kernel_module(aliases=WITHIN)})
    depmod = kmods.newer_depmod()
    ended = depmod.run(root, rootfs.RELEASE)
    assert (ended.returncode, "bad character" in ended.stderr) == (1, True)

    status = our_depmod.main(["depmod", "-b", str(root), rootfs.RELEASE])

    assert status == 0
    assert capfd.readouterr().err.count("a byte above 7F, which kmod's depmod") == 3


@pytest.mark.parametrize("like", [30, 34])
def test_at_a_branch_they_are_left_out_with_a_warning(tmp_path: Path, like: int):
    octets, reasons = written(tmp_path, AT_A_BRANCH, like)

    keys = [key for key, _priority, _value in trie.Index(octets).items()]
    assert keys == ["ab", "abc"]
    assert len([reason for reason in reasons if "loses other keys" in reason]) == 3


def test_kmods_reader_then_finds_all_others(tmp_path: Path, depmod: Depmod):
    written(tmp_path, [*AT_A_BRANCH, *WITHIN], depmod.release)

    for alias in ("ab", "abc", "platform:jsl"):
        ran = depmod.asked_of(tmp_path, "-R", alias)

        assert ran.stdout.decode().split() == ["m"] * [*AT_A_BRANCH, *WITHIN].count(
            alias
        )
