"""Command lines that kmod's depmod and ours are given alike: all they do is compared.

What they print on both streams, the exit status, and the bytes of each file. The few
words that may differ are in `DIFFERENCES`, with the reasons in docs/differences.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from modferry_agent.tools import depmod as our_depmod
from support import rootfs
from support.elfwriter import kernel_module
from support.kmods import Depmod

RELEASE = rootfs.RELEASE
HERE = f"@/lib/modules/{RELEASE}"

# What is cut out of both: the reasons are in docs/differences.md.
DIFFERENCES = (
    (r"(failed to load symbols from \S+): .*", r"\1"),
    (r"(Invalid symbol version \w+): .*", r"\1"),
    (r"fstatat\((?:\d+, |.*/)(\S+)\)", r"fstatat(\1)"),
    (r"depmod: ERROR: (?:xz|zstd): .*\n", ""),
)

Build = Callable[[Path], Path]


def _sound(root: Path) -> Path:
    tree = rootfs.make_tree(
        root,
        {
            "kernel/give.ko": kernel_module(exports=["_give", "twice"], aliases=["a"]),
            "kernel/more.ko": kernel_module(exports=["more"], aliases=["a", "b", "b"]),
            "kernel/take.ko": kernel_module(
                imports=["_give", "more", "missing", "printk", ".more"],
                weak_imports=["absent"],
                versions={"printk": 5, "more": 6},
            ),
        },
    )
    (root / "System.map").write_text(
        "0 T printk\n0 r __ksymtab_printk\nbad\n\n0 r __ksymtab_\n0 r\n"
        "0 r ___ksymtab_under\n0 r _ksymtab_no\n"
        "0 r __ksymtab_missing extra\n0 r __ksymtab_absent"
    )
    (root / "Module.symvers").write_text(
        "0x00000007\tprintk\tvmlinux\tEXPORT_SYMBOL\t\nxx\tmissing\tvmlinux\tE\n"
        "0x1 short\n\n0x1 more vmlinux\n-1  absent  vmlinux x\n0x6 more vmlinux"
    )
    for name, text in {
        "search.conf": "search extra\n",
        "odd.conf": "nonsense line\noverride a\nsearch\nexternal x\ninclude y\n"
        "external * /nowhere\n",
        "d/x.conf": "  # x\nsea\\rch kernel\r\n\texclude  more.ko\t\n",
        "d/a.conf": "search ext\\\nra\\",
        "d/.y.conf": "bad\n",
        "d/notes": "bad\n",
        "d/sub.conf/deep.conf": "bad\n",
        "file": "x",
    }.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (root / "d" / "null.conf").symlink_to("/dev/null")
    (root / "other" / "mods" / RELEASE).mkdir(parents=True)
    return tree


def _with_dep(time_s: int) -> Build:
    def build(root: Path) -> Path:
        tree = _sound(root)
        (tree / "modules.dep").write_text("old\n")
        os.utime(tree / "modules.dep", (time_s, time_s))
        return tree

    return build


def _with(name: str, text: str | None) -> Build:
    def build(root: Path) -> Path:
        tree = _sound(root)
        (tree / name).unlink()
        if text is not None:
            (tree / name).write_text(text)
        return tree

    return build


def _empty(root: Path) -> Path:
    tree = root / "lib" / "modules" / RELEASE
    tree.mkdir(parents=True)
    return tree


def _in_a_cycle(needs: dict[str, str]) -> Build:
    def build(root: Path) -> Path:
        return rootfs.make_tree(
            root,
            {
                f"k/{name}.ko": kernel_module(exports=[name], imports=list(imports))
                for name, imports in needs.items()
            },
        )

    return build


def _damaged(root: Path) -> Path:
    good = kernel_module("good", exports=["give"], aliases=["good-one"])
    return rootfs.make_tree(
        root,
        {
            "kernel/empty.ko": b"",
            "kernel/text.ko": b"this is not a module at all",
            "kernel/cut.ko": good[: len(good) // 2],
            "kernel/head.ko": good[:40],
            "kernel/good.ko": good,
            "kernel/user.ko": kernel_module(imports=["give"]),
            "kernel/bad.ko.xz": b"\xfd7zXZ\0garbage",
        },
    )


def _special_files(root: Path) -> Path:
    tree = _sound(root)
    os.mkfifo(tree / "kernel" / "fifo.ko")
    (tree / "kernel" / "dangling.ko").symlink_to("none")
    (tree / "kernel" / "self.ko").symlink_to("self.ko")
    (tree / "kernel" / "directory").symlink_to("none")
    (tree / "kernel" / "device.ko").symlink_to("/dev/null")
    (tree / "kernel" / "directory.ko").mkdir()
    return tree


def _odd_aliases(root: Path) -> Path:
    return rootfs.make_tree(
        root,
        {
            "k/a.ko": kernel_module(aliases=["ok", "a]b", "ok", "c[d", "ok"]),
            "k/n.ko": kernel_module(aliases=["devname:x"]),
        },
    )


_SOUND_LINES = """
|-a|-A|-n|-nA|-An|-v|-w|-nw|-wv|-e|-E Module.symvers|-F System.map|-eE Module.symvers
|-e -F System.map|-eE Module.symvers -F System.map|-e -F System.map -E none|-F none
|-E none|-E d|-F d|-F /dev/null|-evF System.map|-enF System.map|-nv|-P _|-P ab|-nP _
|--symbol-prefix=_|--sy=x|--dry-run|--show|-P _ -eF System.map
|-eP p -F System.map|-P _ -eE Module.symvers|-C @/search.conf|-C @/odd.conf|-C @/d
|-C none|-C @/search.conf -C @/odd.conf|--conf=@/search.conf|-C /dev/null|--no-such|--s
|--sym|--ver|--v|--err|--all=x|-x|-aX|-vn -q|--quiet|-r|-u|--root|-am
"""

_RELEASES = (
    "foo|6|6.|6.x|-- -1.2|6.1|7.0-none|+6.1|../../6.1|foo -n"
    f"|{RELEASE}/|{RELEASE} -n|-n -- {RELEASE}"
)
_FILES = (
    f"{RELEASE} kernel/give.ko|{RELEASE} {HERE}/kernel/give.ko"
    f"|{RELEASE} {HERE}/kernel/give.ko {HERE}/kernel/take.ko"
    f"|{RELEASE} {HERE}/kernel/none.ko|{RELEASE} @/file"
    f"|-n {RELEASE} {HERE}/kernel/take.ko {HERE}/kernel/take.ko"
    f"|-a {RELEASE} {HERE}/kernel/give.ko|-A {RELEASE} {HERE}/kernel/give.ko"
    f"|-n {RELEASE} /none.ko rel.ko|-A {RELEASE} rel.ko|-a {RELEASE} rel.ko"
)
_FOLDERS = (
    "-b .|-b @/|-b @//|-b ./d/..|-nv -b .//|-b none|-b @ -b none"
    "|-n -b none -b @|-b /none|-b @/other|-b file|-Ab none"
)
_OUTDIRS = (
    "-o out|-o @/out/|-o @/out -n|-A -o @/out|-o file|-m other/mods|-m lib/modules"
    "|-m /lib/modules/|-m //lib//modules|-o out -m lib/modules|-b other -m mods"
    "|-b other -m /mods -o out|--outd=out|--m x"
)


def _lines(words: str, around: str = f"-b @ {{}} {RELEASE}") -> list[str]:
    return [around.format(each) for each in words.split("|")]


TREES: dict[str, tuple[Build, Iterable[str]]] = {
    "sound": (_sound, _lines(_SOUND_LINES)),
    "wants": (_sound, ["-b", "-C", "--config", "--filesyms", f"-F {RELEASE}", "-bX"]),
    "release": (_sound, _lines(_RELEASES, "-b @ {}")),
    "files": (_sound, _lines(_FILES, "-b @ {}")),
    "folders": (_sound, _lines(_FOLDERS, f"{{}} {RELEASE}")),
    "outdir": (_sound, _lines(_OUTDIRS)),
    "empty": (_empty, _lines("|-n|-v")),
    "old": (_with_dep(0), _lines("-A|-Av|-An")),
    "new": (_with_dep(4102444800), _lines("-A|-Aa|-aA|-A -v")),
    "no-order": (_with("modules.order", None), _lines("|-n")),
    "cut-order": (
        _with("modules.order", "kernel/take.ko\nkernel/give.ko"),
        _lines("|-n"),
    ),
    "odd-order": (
        _with(
            "modules.order",
            "#\n\nkernel/take.ko \n/kernel/take.ko\nkernel/more.ko\n"
            "kernel/take.ko\nkernel/more.ko\n",
        ),
        _lines(""),
    ),
    "no-builtin": (_with("modules.builtin", None), _lines("")),
    "no-builtin-modinfo": (_with("modules.builtin.modinfo", None), _lines("")),
    "odd-builtin": (
        _with(
            "modules.builtin",
            "kernel/one.ko\n 1x\n#c\n\nkernel/two-x.ko.xz\n9/y.ko\nkernel/last.ko",
        ),
        _lines("|-n|-w"),
    ),
    "damaged": (_damaged, _lines("|-n|-eF /dev/null")),
    "special": (_special_files, _lines("|-n")),
    "aliases": (_odd_aliases, _lines("|-n|-w")),
    "cycle-self": (_in_a_cycle({"a": "a", "-": "a"}), _lines("|-v|-eF /dev/null")),
    "cycle-twice": (
        _in_a_cycle({"a": "b", "b": "a", "c": "d", "d": "c"}),
        _lines("|-n|-e"),
    ),
    "cycle-three": (_in_a_cycle({"a": "bc", "b": "c", "c": "a", "u": "a"}), _lines("")),
}

CASES = [
    pytest.param(build, line, id=f"{name}: {' '.join(line.split())}")
    for name, (build, lines) in TREES.items()
    for line in lines
]


def _alike(text: bytes) -> str:
    words = text.decode("latin-1")
    for pattern, common in DIFFERENCES:
        words = re.sub(pattern, common, words)
    return words


def _files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.parametrize(("build", "line"), CASES)
def test_both_do_the_same(
    build: Build,
    line: str,
    tmp_path: Path,
    depmod: Depmod,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
):
    root = tmp_path / "root"
    words = line.replace("@", str(root)).split()
    build(root)
    monkeypatch.chdir(root)
    expected = depmod.called_with(words, cwd=root)
    files = _files(root)
    monkeypatch.chdir(tmp_path)
    root.rename(tmp_path / "kmods")
    build(root)
    monkeypatch.chdir(root)

    status = our_depmod.main([depmod.called_as, f"--like={depmod.release}", *words])

    got = capfdbinary.readouterr()
    assert _alike(got.out) == _alike(expected.stdout)
    assert _alike(got.err) == _alike(expected.stderr)
    assert status == expected.returncode
    assert _files(root) == files


@pytest.mark.parametrize("build", [_odd_aliases, _empty, TREES["odd-builtin"][0]])
def test_a_second_run_says_the_same_again(
    build: Build,
    tmp_path: Path,
    depmod: Depmod,
    capfdbinary: pytest.CaptureFixture[bytes],
):
    build(tmp_path)
    expected = depmod.called_with(["-b", str(tmp_path), RELEASE], cwd=tmp_path)

    for _run in range(3):
        our_depmod.main(
            ["depmod", f"--like={depmod.release}", "-b", str(tmp_path), RELEASE]
        )

        assert capfdbinary.readouterr().err == expected.stderr
