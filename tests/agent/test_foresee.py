"""What the job says of a tree, and that the machine's own depmod does just that."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from modferry_agent.core import foresight
from modferry_agent.core.depfiles import parse_dep
from modferry_agent.jobs import foresee, indexes, snapshot, userland
from support import rootfs
from support.elfwriter import kernel_module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    rootfs.make_tree(tmp_path, rootfs.rtai_files(), links=rootfs.rtai_links())
    indexes.write_indexes(rootfs.RELEASE, str(tmp_path))
    return tmp_path


def foretold(tree: Path, tool: str, version: int):
    return foresee.foresee(tool, version, rootfs.RELEASE, str(tree))


def test_five_links_break_what_needs_the_scheduler(tree):
    answer = foretold(tree, foresight.KMOD, 9)

    broken = {each["module"]: each for each in answer["broken"]}
    assert sorted(broken) == ["rtai_mbx", "rtai_sem"]
    assert broken["rtai_sem"]["had"] == [
        *("rtai/rtai_sched.ko", "rtai/rtai_malloc.ko", "rtai/rtai_hal.ko"),
    ]
    assert broken["rtai_sem"]["will"] == ["rtai/rtai_hal.ko"]
    assert len(broken["rtai_sem"]["missing"][0]["links"]) == 5
    assert answer["graph"]["rtai/rtai_sched.ko"] == [
        *("rtai/rtai_malloc.ko", "rtai/rtai_hal.ko"),
    ]


def test_nothing_breaks_under_newer_ones_but_a_link_is_named(tree):
    answer = foretold(tree, foresight.KMOD, 30)

    (renamed,) = answer["renamed"]
    assert (answer["broken"], answer["refusal"]) == ([], None)
    assert renamed["path"] == "rtai/rtai_sched.ko"
    assert len(renamed["users"]) == 2


def test_the_machines_own_depmod_writes_the_lines_foretold(tree):
    folder = tree / "lib" / "modules" / rootfs.RELEASE
    version = int(re.search(r"\d+", _version())[0])
    read = foresee.read_tree(rootfs.RELEASE, str(tree), foresight.KMOD, version, None)
    expected = foresight.outcome(read.modules, foresight.KMOD, version).lines

    assert rootfs.run_depmod(tree).returncode == 0

    assert parse_dep((folder / "modules.dep").read_text()) == expected


def _version() -> str:
    ran = subprocess.run(["/sbin/depmod", "-V"], capture_output=True, text=True)
    return ran.stdout


def test_a_cycle_is_foretold_with_its_modules(tmp_path):
    files = {
        "a.ko": kernel_module("a", exports=["one"], imports=["two"]),
        "b.ko": kernel_module("b", exports=["two"], imports=["one"]),
        "c.ko": kernel_module("c", imports=["one"]),
    }
    rootfs.make_tree(tmp_path, files)

    newer = foretold(tmp_path, foresight.KMOD, 18)
    old = foretold(tmp_path, foresight.KMOD, 9)

    assert newer["refusal"] == {"code": "dependency-cycle", "modules": ["a.ko", "b.ko"]}
    assert rootfs.run_depmod(tmp_path).returncode == 1
    assert sorted(each["path"] for each in old["broken"]) == ["a.ko", "b.ko"]


def test_module_init_tools_take_the_link_that_they_meet_first(tree):
    read = foresee.read_tree(
        rootfs.RELEASE, str(tree), foresight.MODULE_INIT_TOOLS, 12, None
    )
    met = [
        path.name
        for path in (tree / "lib" / "modules" / rootfs.RELEASE / "rtai").iterdir()
        if path.resolve().name == "rtai_sched.ko"
    ]

    answer = foretold(tree, foresight.MODULE_INIT_TOOLS, 12)

    named = [each["link"] for each in answer["renamed"]] or ["rtai/rtai_sched.ko"]
    assert named == [f"rtai/{met[0]}"]
    assert len(read.modules) == 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kmod version 30", (foresight.KMOD, 30)),
        ("module-init-tools version 3.12", (foresight.MODULE_INIT_TOOLS, 12)),
        ("BusyBox v1.36", (None, 0)),
    ],
)
def test_the_boxs_tool_is_told_by_its_version(monkeypatch, text, expected):
    monkeypatch.setattr(userland, "program", lambda _: "/sbin/modprobe")
    output = (1, 0, f"{text}\n-FOO\n".encode(), b"")
    monkeypatch.setattr(userland.processes, "run", lambda _: output)

    found = userland.module_tool()

    assert (found["tool"], found["version"]) == expected
    assert found["text"] == text


def test_links_of_a_tree_are_those_with_a_file_in_it(tree):
    folder = tree / "lib" / "modules" / rootfs.RELEASE
    outside = tree / "outside.ko"
    outside.write_bytes(kernel_module("outside"))
    (folder / "weak.ko").symlink_to(outside)

    links = snapshot.links_of(str(folder))

    assert links == dict.fromkeys(rootfs.rtai_links(), "rtai/rtai_sched.ko")
