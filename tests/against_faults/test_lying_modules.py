"""Module files that are not what they say: told, bounded, and no harm to the others."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modferry_agent.core import depfiles, triereader
from modferry_agent.errors import FormatError
from modferry_agent.jobs import indexes
from modferry_agent.system import indexstore
from support import elfwriter, mutations, rootfs
from support.fuzzing import Findings

CASES = 600
MEMORY_BYTES = 900 << 20
AGENT = Path(indexstore.__file__).parents[2]
GOOD = {
    "a.ko": elfwriter.kernel_module("a", exports=["one"]),
    "b.ko": elfwriter.kernel_module("b", imports=["one"]),
}


def test_damaged_modules_crash_hang_and_drop_nothing():
    first = random.randrange(1 << 32)
    findings = Findings()

    for seed in range(first, first + CASES):
        findings.module(seed)

    print("seeds from", first, dict(findings.outcomes))
    assert findings.broken == []


def test_damaged_indexes_are_read_or_told():
    first = random.randrange(1 << 32)
    findings = Findings()

    for seed in range(first, first + CASES):
        findings.index(seed)

    print("seeds from", first, dict(findings.outcomes))
    assert findings.broken == []


@settings(max_examples=200, deadline=2000)
@given(st.binary(max_size=400))
def test_any_bytes_are_no_index_or_one_that_can_be_read(octets: bytes):
    content = b"\xb0\x07\xf4\x57\x00\x02\x00\x01" + octets
    try:
        index = triereader.Index(content)
        index.lookup("abc")
        index.match("abc")
        list(index.items())
    except FormatError as error:
        if error.code != "index-damaged":
            raise


def test_an_index_of_one_node_that_is_its_own_child_ends():
    prefix = b"x" * 200_000
    word = 0xA000000C
    node = prefix + b"\0aa" + word.to_bytes(4, "big")
    header = b"\xb0\x07\xf4\x57\x00\x02\x00\x01" + word.to_bytes(4, "big")

    with pytest.raises(FormatError):
        list(triereader.Index(header + node).items())


def _liars(folder: Path) -> dict[str, str]:
    """Write files that lie; return for each a word of what must be told of it."""
    good = elfwriter.kernel_module("x", exports=["x"], imports=["one"])
    bad = folder / "bad"
    bad.mkdir()
    contents = {
        "empty.ko": (b"", "0 bytes"),
        "text.ko": (b"hello, I am a module\n", "ELF"),
        "cut.ko": (good[: len(good) // 2], "section"),
        "cutgz.ko.gz": (gzip.compress(good)[:-20], "cannot be opened"),
        "junk.ko.xz": (b"\xfd7zXZ\0" + b"\xff" * 100, "cannot be opened"),
        "junkz.ko.zst": (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "opened"),
        "bomb.ko.gz": (gzip.compress(bytes(300 << 20), 1), "bytes"),
        "bombx.ko.xz": (lzma.compress(bytes(300 << 20), preset=0), "bytes"),
        "other.ko.gz": (bz2.compress(good), "ELF"),
        "names.ko": (mutations.many_sections(b"a" * (4 << 20)), ".symtab"),
        "ends.ko": (mutations.many_sections(b"a" * (4 << 20), size=1 << 40), "past"),
        "again.ko": (mutations.many_sections(b".symtab\0" * (1 << 19)), ".strtab"),
        "imports.ko": (mutations.long_names(200_000, 4000), "undefined"),
        "long.ko": (mutations.long_names(60_000, 1000), ""),
        "aliases.ko": (
            elfwriter.elf_file([(".modinfo", 1, b"alias=a\0" * (8 << 20))]),
            ".modinfo is left out",
        ),
        "new\nline.ko": (good, "newline"),
        "co:lon.ko": (good, "colon"),
        "bla nk.ko": (good, "blank"),
    }
    for name, (content, _) in contents.items():
        (bad / name).write_bytes(content)
    with (bad / "holes.ko").open("wb") as stream:
        stream.truncate(1 << 40)
    os.mkfifo(bad / "fifo.ko")
    (bad / "zero.ko").symlink_to("/dev/zero")
    (bad / "dangling.ko").symlink_to("nowhere")
    (bad / "self.ko").symlink_to("self.ko")
    (bad / "loop").symlink_to("..")
    expected = {name: word for name, (_, word) in contents.items()}
    return expected | {
        "holes.ko": "bytes",
        "fifo.ko": "file",
        "zero.ko": "file",
        "dangling.ko": "dangling",
        "self.ko": "link",
        "loop": "link",
    }


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def test_every_lie_is_told_and_every_good_module_keeps_its_line(tmp_path: Path):
    folder = rootfs.make_tree(tmp_path, GOOD)
    expected = _liars(folder)
    code = f"""if 1:
        import json
        from modferry_agent.jobs import indexes
        value = indexes.write_indexes({rootfs.RELEASE!r}, {str(tmp_path)!r})
        print(json.dumps(value["warnings"]))
    """

    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={**os.environ, "PYTHONPATH": str(AGENT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=_limited,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    warnings = json.loads(done.stdout)
    for name, word in expected.items():
        told = [
            one["reason"] for one in warnings if one["path"].endswith(f"bad/{name}")
        ]
        assert not word or any(word in reason for reason in told), (name, word, told)
    lines = depfiles.parse_dep((folder / "modules.dep").read_text())
    assert lines["a.ko"] == []
    assert lines["b.ko"] == ["a.ko"]


def test_a_module_of_very_many_sections_is_read(tmp_path: Path):
    good = elfwriter.kernel_module("x", exports=["three"], imports=["one"])
    rootfs.make_tree(tmp_path, {**GOOD, "x.ko": mutations.extended_sections(good)})

    value = indexes.write_indexes(rootfs.RELEASE, str(tmp_path))

    folder = tmp_path / "lib" / "modules" / rootfs.RELEASE
    lines = depfiles.parse_dep((folder / "modules.dep").read_text())
    assert value["warnings"] == []
    assert lines["x.ko"] == ["a.ko"]


def test_strict_writes_nothing_where_there_is_a_warning(tmp_path: Path):
    folder = rootfs.make_tree(tmp_path, {**GOOD, "bad.ko": b"no module"})

    with pytest.raises(FormatError) as caught:
        indexes.write_indexes(rootfs.RELEASE, str(tmp_path), strict=True)

    assert caught.value.code == "strict"
    assert [one["path"] for one in caught.value.details["warnings"]] == ["bad.ko"]
    assert rootfs.index_files(folder) == {}
    (folder / "bad.ko").unlink()
    assert indexes.write_indexes(rootfs.RELEASE, str(tmp_path), strict=True)["changed"]


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--strict"], 1)])
def test_the_tool_tells_and_its_status_is_documented(
    tmp_path: Path, options: list[str], status: int
):
    folder = rootfs.make_tree(tmp_path, {**GOOD, "bad.ko": b"no module"})

    done = subprocess.run(
        [
            *(sys.executable, "-B", "-m", "modferry_agent", "depmod"),
            *("-b", str(tmp_path), *options, rootfs.RELEASE),
        ],
        env={**os.environ, "PYTHONPATH": str(AGENT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == status
    assert "depmod: " in done.stderr
    assert "bad.ko" in done.stderr
    assert bool(rootfs.index_files(folder)) is (status == 0)
