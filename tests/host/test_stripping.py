"""A module without its debug sections, judged by binutils' own tools."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from modferry import cli
from modferry.commands import connect
from modferry.core.elffile import headers_of
from modferry.core.stripping import SIGNATURE_MARK, without_debug
from modferry.errors import ExitStatus
from support.fakesession import FACTS, FakeSession

SOURCE = """
static int counter;
static int step(int by) { return counter += by; }
int exported(int by) { return step(by) + step(2 * by); }
"""


@pytest.fixture(scope="module", params=["-m64", "-m32"])
def built(request, tmp_path_factory):
    """Return an object file with debug information, as a module is built."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "one.c").write_text(SOURCE)
    path = folder / "one.ko"
    command = ["gcc", request.param, "-g3", "-O1", "-c", "-fno-pic"]
    subprocess.run([*command, folder / "one.c", "-o", path], check=True)
    return path


def readelf(path, *options) -> str:
    ran = subprocess.run(
        ["readelf", "-W", *options, path], capture_output=True, text=True, check=True
    )
    assert "arning" not in ran.stderr + ran.stdout
    return ran.stdout


def sections(path) -> dict[str, bytes]:
    """Return what is in the sections, but for the tables that number others."""
    content = path.read_bytes()
    return {
        header.name: content[header.offset : header.offset + header.size]
        for header in headers_of(content)
        if header.type == 1
    }


def test_what_is_left_is_what_strip_leaves(built, tmp_path):
    ours, theirs = tmp_path / "ours.ko", tmp_path / "theirs.ko"
    result = without_debug(built.read_bytes())
    ours.write_bytes(result.content)
    shutil.copy(built, theirs)
    subprocess.run(["strip", "--strip-debug", theirs], check=True)

    assert ".debug_info" in result.sections
    assert result.removed_bytes == built.stat().st_size - len(result.content) > 0
    assert sections(ours) == sections(theirs)
    assert not any("debug" in header.name for header in headers_of(result.content))
    symbols = ("counter", "step", "exported")
    for line in readelf(built, "-s").splitlines():
        if line.endswith(symbols):
            assert line in readelf(ours, "-s")
    relocations = [
        line for line in readelf(ours, "-r").splitlines() if line.startswith("0")
    ]
    assert relocations
    assert set(relocations) <= set(readelf(built, "-r").splitlines())


def test_the_linker_takes_what_is_left(built, tmp_path):
    ours = tmp_path / "ours.o"
    ours.write_bytes(without_debug(built.read_bytes()).content)

    command = ["ld", "-r", "-o", tmp_path / "linked.o", ours]
    emulation = "elf_x86_64" if "ELF64" in readelf(built, "-h") else "elf_i386"
    subprocess.run([*command, "-m", emulation], check=True)


def test_a_signed_module_stays_whole(built):
    signed = built.read_bytes() + b"signature" + SIGNATURE_MARK

    result = without_debug(signed)

    assert result.content == signed
    assert result.signed


def test_a_module_without_debug_sections_stays_as_it_is(built):
    once = without_debug(built.read_bytes()).content

    assert without_debug(once).content == once


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"no module", bytes(200)])
def test_what_is_no_module_stays_as_it_is(content):
    assert without_debug(content).content == content


def test_a_file_that_is_cut_anywhere_stays_or_is_made_smaller(built):
    content = built.read_bytes()
    for end in range(0, len(content), 97):
        assert len(without_debug(content[:end]).content) <= end


@pytest.mark.usefixtures("home")
def test_push_says_what_it_leaves_out(built, monkeypatch, capsys):
    fake = FakeSession({"find": {"tree": FACTS["module_tree"]["path"], "found": {}}})
    monkeypatch.setattr(connect.Session, "open", fake.opener())
    words = ["push", str(built), "--to", "/x", "--any-kernel", "--on", "local:"]

    assert cli.run(words) == ExitStatus.DONE
    said = capsys.readouterr().out
    sent = fake.pushed["/x/one.ko"]
    assert sent == without_debug(built.read_bytes()).content
    assert f"{built.stat().st_size - len(sent)} bytes of debug sections" in said

    cli.run([*words, "--keep-debug"])
    assert fake.pushed["/x/one.ko"] == built.read_bytes()
