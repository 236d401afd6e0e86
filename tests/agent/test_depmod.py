"""depmod's command line; its output is compared in tests/against_kmod."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modferry_agent.tools import depmod, options
from support import elfwriter, rootfs

TABLE = (
    ("show", "n", False),
    ("dry-run", "n", False),
    ("show-all", "", False),
    ("config", "C", True),
    ("like", "", True),
    ("links", "", True),
)


@pytest.mark.parametrize(
    ("words", "got"),
    [
        (["-n", "6.1", "-C", "x"], ([("show", ""), ("config", "x")], ["6.1"])),
        (["-nCx", "--like=3"], ([("show", ""), ("config", "x"), ("like", "3")], [])),
        (["--dry", "--", "-n", "a"], ([("dry-run", "")], ["-n", "a"])),
        (["--con", "x", "-"], ([("config", "x")], ["-"])),
        (["--show"], ([("show", "")], [])),
    ],
)
def test_options_and_operands_are_told_apart(words, got):
    assert options.parse(words, TABLE) == ([*got[0]], got[1])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("-x", "invalid option -- 'x'"),
        ("-C", "option requires an argument -- 'C'"),
        ("--foo", "unrecognized option '--foo'"),
        ("--config", "option '--config' requires an argument"),
        ("--show=1", "option '--show' doesn't allow an argument"),
        ("--li", "option '--li' is ambiguous; possibilities: '--like' '--links'"),
        ("--sh", "option '--sh' is ambiguous; possibilities: '--show' '--show-all'"),
    ],
)
def test_a_wrong_word_is_told_as_getopt_tells_it(word: str, message: str):
    with pytest.raises(options.OptionError) as caught:
        options.parse([word], TABLE)

    assert str(caught.value) == message


def test_posixly_correct_ends_the_options_at_an_operand(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("POSIXLY_CORRECT", "1")

    assert options.parse(["a", "-n"], TABLE) == ([], ["a", "-n"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return rootfs.make_tree(tmp_path, rootfs.rtai_files())


def _run(*words: str) -> int:
    return depmod.main(["depmod", *words])


def test_the_output_tree_may_be_another(folder: Path, tmp_path: Path):
    out = tmp_path / "out"

    status = _run("-b", str(tmp_path), "-o", str(out), "-m", "/m", rootfs.RELEASE)

    assert status == 1
    assert _run("-b", str(tmp_path), "-o", str(out), rootfs.RELEASE) == 0
    assert rootfs.index_files(folder) == {}
    assert "modules.dep" in rootfs.index_files(out / "lib/modules" / rootfs.RELEASE)


def test_a_relative_base_is_made_absolute(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path.parent)

    assert _run("-b", tmp_path.name, rootfs.RELEASE) == 0
    assert "modules.dep" in rootfs.index_files(folder)
    assert not (tmp_path / "var").exists()


def test_quick_does_nothing_unless_a_module_is_newer(folder: Path, tmp_path: Path):
    quick = ("-A", "-b", str(tmp_path), rootfs.RELEASE)
    assert _run(*quick) == 0
    assert (folder / "modules.dep").exists()
    (folder / "modules.dep.bin").unlink()

    assert _run(*quick) == 0
    assert not (folder / "modules.dep.bin").exists()
    os.utime(folder / "modules.dep", (1, 1))
    assert _run(*quick) == 0
    assert (folder / "modules.dep.bin").exists()


def test_files_replace_the_search(folder: Path, tmp_path: Path, capfdbinary):
    paths = [str(folder / f"rtai/rtai_{name}.ko") for name in ("hal", "malloc")]

    assert _run("-n", "-b", str(tmp_path), rootfs.RELEASE, *paths) == 0

    text = capfdbinary.readouterr().out
    assert text.count(b".ko:") == 2
    assert b"rtai/rtai_malloc.ko: rtai/rtai_hal.ko\n" in text


def test_a_conflict_names_both(folder: Path, tmp_path: Path, capfd):
    octets = elfwriter.kernel_module("rtai_two", exports=["rt_printk"])
    (folder / "rtai" / "rtai_two.ko").write_bytes(octets)

    assert _run("-b", str(tmp_path), rootfs.RELEASE) == 0

    errors = capfd.readouterr().err
    assert "depmod: WARNING: rt_printk is exported by " in errors
    assert "rtai_hal.ko" in errors
    assert "rtai_two.ko" in errors


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--like", "x", "6.1"), "not a release of kmod"),
        (("-E", "/none/symvers"), "/none/symvers"),
    ],
)
def test_an_error_is_told_with_status_1(
    words: tuple[str, ...], text: str, folder: Path, tmp_path: Path, capfd
):
    status = _run(*words, "-b", str(tmp_path), rootfs.RELEASE)
    if "6.1" in words:
        status = _run("--like", "x", "-b", str(tmp_path), rootfs.RELEASE)

    assert status == 1
    assert text in capfd.readouterr().err


def test_our_own_options_are_spelled_out_and_make_nothing_ambiguous():
    walked = options.walk(["--co=x", "--like", "30"], TABLE, ("like", "links"))

    assert list(walked) == [("config", "x"), ("like", "30")]
    with pytest.raises(options.OptionError):
        list(options.walk(["--lik=30"], TABLE, ("like", "links")))


@pytest.mark.parametrize("like", ["8", "x", ""])
def test_there_is_no_kmod_of_that_release(like: str, capfd):
    assert depmod.main(["depmod", f"--like={like}", "-V"]) == 1

    assert "not a release of kmod from 9 on" in capfd.readouterr().err


def test_a_module_is_explained(folder: Path, tmp_path: Path, capfd):
    words = ["-b", str(tmp_path), "--explain", "rtai_sem", rootfs.RELEASE]

    assert depmod.main(["depmod", *words]) == 0

    assert "kmod 9 to 17 would have written" in capfd.readouterr().out
    assert not (folder / "modules.dep").exists()


def test_version_and_help_are_told(capfd):
    assert _run("-V") == 0
    assert _run("--help") == 0

    out = capfd.readouterr().out
    assert out.startswith("kmod version 34\n")
    assert "+XZ" in out
    assert "-b, --basedir X" in out
