"""Trees that a real kernel does not have, compared with kmod's files to the byte."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from modferry_agent.jobs import indexes
from modferry_agent.tools import depmod as our_depmod
from support import rootfs
from support.elfwriter import kernel_module
from support.kmods import Depmod

Build = Callable[[Path], Path]


def _rtai(root: Path) -> Path:
    return rootfs.make_tree(
        root,
        rootfs.rtai_files(),
        links=rootfs.rtai_links(),
        order=["rtai/rtai_mbx.ko", "rtai/rtai_sched.ko"],
    )


def _all_kinds_of_fields(root: Path) -> Path:
    fields = [("softdep", "pre: a b"), ("softdep", "post: c"), ("weakdep", "d")]
    return rootfs.make_tree(
        root,
        {
            "kernel/b-c.ko": kernel_module(
                aliases=["pci:v*d[0-9a-f-]*", "x-y", "same", "same", "", "a]b", "c[d"],
                fields=fields,
            ),
            "kernel/node.ko": kernel_module(
                aliases=["devname:net/tun", "char-major-10-200", "x"]
            ),
            "kernel/disk.ko": kernel_module(
                aliases=["block-major-7-*", "block-major-8-1x", "devname:disk"]
            ),
            "kernel/nonode.ko": kernel_module(
                aliases=["block-major-7-*", "devname:loop"]
            ),
            "kernel/same.ko": kernel_module(aliases=["same", "x-y", "samer", "sam"]),
        },
        order=["kernel/same.ko", "kernel/b-c.ko", "kernel/same.ko", "kernel/none.ko"],
    )


def _other_machines(root: Path) -> Path:
    files = {}
    for bits, byte_order in ((32, "<"), (32, ">"), (64, ">"), (64, "<")):
        kind = f"{bits}{'le' if byte_order == '<' else 'be'}"
        base = {"bits": bits, "byte_order": byte_order}
        files[f"kernel/down{kind}.ko"] = kernel_module(
            f"down{kind}", exports=[f"give_{kind}", f"also_{kind}"], **base
        )
        files[f"kernel/old{kind}.ko"] = kernel_module(
            exports=[f"old_{kind}"], modversions=False, **base
        )
        files[f"kernel/up{kind}.ko"] = kernel_module(
            imports=[f"give_{kind}", "printk"],
            weak_imports=[f"old_{kind}"],
            versions={f"give_{kind}": 1, "module_layout": 2, f"also_{kind}": 3},
            **base,
        )
    return rootfs.make_tree(root, files, order=None)


def _two_of_a_name(root: Path) -> Path:
    return rootfs.make_tree(
        root,
        {
            "kernel/a-b.ko": kernel_module(aliases=["kernels"]),
            "updates/deep/a_b.ko": kernel_module(aliases=["updated"]),
            "extra/c.ko": kernel_module(aliases=["extra"]),
            "updates/d.ko": kernel_module(exports=["of_d"]),
            "kernel/e.ko": kernel_module(exports=["of_d"], imports=["of_d2"]),
            "kernel/f.ko": kernel_module(imports=["of_d"]),
        },
        links={"updates/c.ko": "../extra/c.ko", "kernel/far": "../extra"},
    )


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
            "kernel/.ko": good,
            "build/hidden.ko": good,
        },
    )


def _compressed(root: Path) -> Path:
    give = kernel_module(exports=["give"], aliases=["g"])
    return rootfs.make_tree(
        root,
        {
            "kernel/give-it.ko.xz": lzma.compress(give, check=lzma.CHECK_CRC32),
            "kernel/take.ko": kernel_module(imports=["give"]),
            "kernel/misnamed.ko": lzma.compress(kernel_module(imports=["give"])),
        },
        order=["kernel/take.ko", "kernel/give-it.ko"],
    )


BUILDS = {
    "rtai": _rtai,
    "fields": _all_kinds_of_fields,
    "machines": _other_machines,
    "duplicates": _two_of_a_name,
    "damaged": _damaged,
    "compressed": _compressed,
}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_the_files_are_kmods(build: Build, tmp_path: Path, depmod: Depmod):
    folder = build(tmp_path)
    assert depmod.run(tmp_path, rootfs.RELEASE).returncode == 0
    expected = rootfs.index_files(folder)
    rootfs.remove_indexes(folder)

    indexes.write_indexes(
        rootfs.RELEASE,
        str(tmp_path),
        like=depmod.release,
        links="kmod",
        fingerprints=False,
    )

    got = rootfs.index_files(folder)
    assert got == expected


CONFIGS = {
    "search": "search extra updates built-in\nsearch kernel\n",
    "built-in-first": "search built-in extra\n",
    "same-word": "search kernel/deep kernel updates\n",
    "override": "search updates extra\n"
    "override one * kernel\noverride two ^6\\\\.1 extra\n",
    "override-other": "override one ^5 kernel\noverride o-ne * kernel\n",
    "exclude": "exclude updates three.ko\n# exclude kernel\n",
    "joined": "search ext\\\nra\nnonsense here\ninclude /etc/x\n",
    "external": "external * OUTSIDE\nexternal ^6 OUTSIDE/more\n"
    "search external updates\n",
    "external-last": "external 6.1 OUTSIDE\nsearch updates external built-in\n",
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_configuration_chooses_as_kmod_does(
    text: str, tmp_path: Path, depmod: Depmod, capfd: pytest.CaptureFixture[str]
):
    root = tmp_path / "root"
    files = {
        f"{place}/{name}.ko": kernel_module(aliases=[f"{place}-{name}"])
        for place in ("kernel", "extra", "updates", "kernel/deep", "kernel/updates")
        for name in ("one", "two", "three")
    }
    folder = rootfs.make_tree(root, files)
    outside = tmp_path / "outside"
    for path in ("one.ko", "four.ko", "more/two.ko", "more/five.ko"):
        place = outside / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(kernel_module(aliases=[f"outside-{path}"]))
    config = tmp_path / "depmod.conf"
    config.write_text(text.replace("OUTSIDE", str(outside)))
    options = ("-C", str(config))
    assert depmod.run(root, rootfs.RELEASE, *options).returncode == 0
    expected = rootfs.index_files(folder)
    rootfs.remove_indexes(folder)

    words = [*options, "-b", str(root), "--like", str(depmod.release), rootfs.RELEASE]
    status = our_depmod.main(["depmod", *words])

    capfd.readouterr()
    assert status == 0
    assert rootfs.index_files(folder) == expected


def test_a_compressed_file_of_any_kind_is_read(tmp_path: Path):
    give = kernel_module("give", exports=["give"])
    folder = rootfs.make_tree(
        tmp_path,
        {
            "kernel/give.ko.gz": gzip.compress(give),
            "kernel/take.ko": kernel_module("take", imports=["give"]),
        },
    )

    reply = indexes.write_indexes(rootfs.RELEASE, str(tmp_path), fingerprints=False)

    assert reply["warnings"] == []
    lines = (folder / "modules.dep").read_text()
    assert "kernel/take.ko: kernel/give.ko.gz\n" in lines
