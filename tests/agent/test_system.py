"""What is read of a running kernel, the record of fingerprints, and the calls."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from modferry_agent.core import syscallnumbers
from modferry_agent.errors import FileError, FormatError, LoadError
from modferry_agent.jobs import facts
from modferry_agent.system import fingerprints, kernel, syscalls, toolloaders

SHA = "0" * 64


def test_a_record_keeps_what_it_had(tmp_path: Path):
    root = str(tmp_path)

    assert fingerprints.read(root, "1") == {}
    assert fingerprints.update(root, "1", {"b.ko": (SHA, 2), "bad\nname": (SHA, 1)})
    assert fingerprints.update(root, "1", {"a b.ko": (SHA, 1)})
    assert fingerprints.read(root, "1") == {"a b.ko": (SHA, 1), "b.ko": (SHA, 2)}
    assert not fingerprints.update(root, "1", {"a b.ko": (SHA, 1)})
    assert fingerprints.update(root, "1", {"/opt/pushed.ko": (SHA, 3)})
    assert fingerprints.update(root, "1", {}, replace=True)
    assert fingerprints.read(root, "1") == {"/opt/pushed.ko": (SHA, 3)}
    assert [path.name for path in (tmp_path / "var/lib/modferry").iterdir()] == [
        "1.sha256"
    ]


@pytest.mark.parametrize("text", ["x\n", f"{SHA}  x  a.ko\n", "0  1  a.ko\n"])
def test_a_malformed_record_is_not_guessed_at(text: str):
    with pytest.raises(FormatError, match="line 1"):
        fingerprints.parse(text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "dummy 1553 2 a,b, Live 0xffffffffa0000000 (PO)",
            ("dummy", 1553, 2, ["a", "b"], "Live", "PO", False),
        ),
        ("x 10 1 [permanent], Loading 0x0", ("x", 10, 1, [], "Loading", "", True)),
        ("x 10 - - Live 0x0", ("x", 10, -1, [], "Live", "", False)),
    ],
)
def test_a_line_of_proc_modules_is_parsed(line: str, expected: tuple):
    got = kernel.parse_module_line(line)

    keys = ("name", "size", "refcount", "holders", "state", "taints", "permanent")
    assert tuple(got[key] for key in keys) == expected


def test_a_root_without_proc_is_told(tmp_path: Path):
    with pytest.raises(FileError) as caught:
        kernel.Kernel(str(tmp_path)).modules()

    assert caught.value.code == "no-proc-modules"
    assert caught.value.hint.startswith("mount")


def test_a_kernel_without_loadable_modules_is_told_as_that(tmp_path: Path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/version").write_text("Linux version 6.1.0\n")

    with pytest.raises(FileError) as caught:
        kernel.Kernel(str(tmp_path)).modules()

    assert caught.value.code == "no-proc-modules"
    assert "CONFIG_MODULES" in caught.value.hint
    assert "mount" not in caught.value.hint


def test_the_state_of_a_module_is_sysfss(tmp_path: Path):
    (tmp_path / "sys/module/a").mkdir(parents=True)
    (tmp_path / "sys/module/b").mkdir()
    (tmp_path / "sys/module/b/initstate").write_text("coming\n")
    found = kernel.Kernel(str(tmp_path))

    assert [found.initstate(name) for name in "abc"] == ["builtin", "coming", None]


def program(machine: int, wide: bool, order: str = "<", flags: int = 0) -> bytes:
    ident = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1))
    octets = bytearray(ident.ljust(64, b"\0"))
    struct.pack_into(order + "H", octets, 18, machine)
    struct.pack_into(order + "I", octets, 48 if wide else 36, flags)
    return bytes(octets)


@pytest.mark.parametrize(
    ("header", "numbers"),
    [
        (program(62, True), (175, 313, 176, 103)),
        (program(62, False)[:64], tuple(n + 0x40000000 for n in (175, 313, 176, 103))),
        (program(3, False), (128, 350, 129, 103)),
        (program(183, True), (105, 273, 106, 116)),
        (program(8, False, ">"), (4128, 4348, 4129, 4103)),
        (program(8, False, ">", 0x20), (6168, 6312, 6169, 6101)),
        (program(8, True, ">"), (5168, 5307, 5169, 5101)),
        (program(9999, True), None),
        (b"#!/bin/sh", None),
    ],
)
def test_the_programs_own_abi_gives_the_numbers(header: bytes, numbers: object):
    assert syscallnumbers.numbers_of_program(header) == numbers


def test_without_proc_python_knows_its_own_program(monkeypatch: pytest.MonkeyPatch):
    head = syscalls._head
    monkeypatch.setattr(
        syscalls, "_head", lambda path: b"" if path.startswith("/proc") else head(path)
    )
    monkeypatch.setattr(syscalls, "PERLS", ())

    assert syscalls.find_loader().kind == "ctypes"


def test_each_rung_of_the_ladder_is_tried(monkeypatch: pytest.MonkeyPatch, tmp_path):
    header = program(62, True)
    monkeypatch.setattr(syscalls, "_head", lambda path: header)

    def refuse(numbers: object) -> None:
        raise ImportError

    assert syscalls.find_loader().kind == "ctypes"
    monkeypatch.setattr(syscalls, "CtypesLoader", refuse)
    assert syscalls.find_loader().kind == "perl"
    monkeypatch.setattr(syscalls, "_head", lambda path: b"")
    tool = tmp_path / "insmod"
    tool.write_text("")
    tool.chmod(0o755)
    monkeypatch.setattr(syscalls, "INSMODS", (str(tool),))
    monkeypatch.setattr(syscalls, "BUSYBOXES", (str(tool),))
    assert syscalls.find_loader().kind == "insmod"
    monkeypatch.setattr(syscalls, "INSMODS", ())
    assert syscalls.find_loader().kind == "busybox"
    monkeypatch.setattr(syscalls, "BUSYBOXES", ())
    with pytest.raises(LoadError) as caught:
        syscalls.find_loader()
    assert caught.value.code == "no-loader"
    assert "perl-base" in caught.value.hint


def tool(path: Path, text: str) -> list[str]:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return [str(path)]


def test_a_tool_gets_the_checked_bytes_and_its_words_are_an_errno(tmp_path: Path):
    copy = tmp_path / "copy"
    insmod = tool(tmp_path / "insmod", f'cat "$1" > {copy}; echo "$2|$3" >> {copy}')
    rmmod = tool(
        tmp_path / "rmmod", 'echo "rmmod: ERROR: Module x is in use" >&2; exit 1'
    )
    loader = toolloaders.ToolLoader("insmod", insmod, rmmod)

    assert loader.insert(b"image\n", 'a=1 b="x y"') == ("insmod", 0)
    assert copy.read_text() == 'image\na=1|b="x y"\n'
    assert loader.delete("x") == ("insmod", errno.EAGAIN)


def test_perl_gets_number_image_and_parameters(tmp_path: Path):
    log = tmp_path / "log"
    perl = tool(
        tmp_path / "perl", f'shift 2; echo "$@" > {log}; wc -c >> {log}; printf 8'
    )
    loader = toolloaders.PerlLoader(perl[0], (175, 313, 176, 103))

    assert loader.insert(b"12345", "a=1") == ("init_module", errno.ENOEXEC)
    assert log.read_text().split() == ["175", "a=1", "5"]
    assert loader.delete("x")[0] == "delete_module"
    assert log.read_text().split()[:3] == ["176", "x", str(os.O_NONBLOCK)]


def test_facts_are_plain_values(tmp_path: Path):
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/modules").write_text("a 1 0 - Live 0x0\n")
    (tmp_path / "proc/sys/kernel/tainted").write_text("4096\n")
    (tmp_path / "proc/sys/kernel/printk").write_text("7 4 1 7\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12"\n')
    found = kernel.Kernel(str(tmp_path), "6.1.0-test")

    got = facts.read_facts(str(tmp_path), found, str(tmp_path / "dev/kmsg"))

    assert got["distribution"] == "Debian GNU/Linux 12"
    assert (got["modules_loaded"], got["tainted"]) == (1, 4096)
    assert got["printk"] == [7, 4, 1, 7]
    assert got["module_tree"]["index"] == "missing"
    assert got["modules_disabled"] is None
    assert got["bits"] in {32, 64}
