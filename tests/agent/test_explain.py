"""Why a line of modules.dep is as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry_agent.core import explain, explaintext
from modferry_agent.core.module import Module
from modferry_agent.core.symbols import SymbolTable
from modferry_agent.errors import RequestError
from modferry_agent.jobs import explain as job
from support import rootfs
from support.elfwriter import kernel_module

LINKS = ("ksched", "lxrt", "mup", "smp", "up")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    rootfs.make_tree(tmp_path, rootfs.rtai_files(), links=rootfs.rtai_links())
    return tmp_path


def explained(tree: Path, module: str, **more: str):
    return job.explain_module(module, rootfs.RELEASE, str(tree), **more)


def imported(answer, symbol: str):
    (found,) = [each for each in answer["imports"] if each["symbol"] == symbol]
    return found


def test_an_import_has_its_owner_and_the_names_that_lost(tree: Path):
    found = imported(explained(tree, "rtai_sem"), "wake_up_srq")

    assert found["owner"] == "rtai/rtai_sched.ko"
    assert {each["path"] for each in found["candidates"]} == {
        f"rtai/rtai_{name}.ko" for name in LINKS
    }
    assert {each["why"] for each in found["candidates"]} == {explain.SAME_FILE}


def test_among_links_as_modules_the_last_one_owns(tree: Path):
    answer = explained(tree, "rtai_sem", links="kmod")

    found = imported(answer, "wake_up_srq")
    assert found["owner"] == answer["line"][0]
    assert len(found["candidates"]) == 5
    for each in found["candidates"]:
        assert explain.SAME_FILE in each["why"]
        assert explain.LAST_OWNS in each["why"]


def test_each_dependency_has_a_way_symbol_by_symbol(tree: Path):
    answer = explained(tree, "rtai_sem")

    ways = {way["path"]: way["steps"] for way in answer["ways"]}
    assert sorted(ways) == sorted(answer["line"])
    assert ways["rtai/rtai_malloc.ko"] == [
        {
            "user": "rtai/rtai_sem.ko",
            "symbol": "rt_schedule",
            "owner": "rtai/rtai_sched.ko",
        },
        {
            "user": "rtai/rtai_sched.ko",
            "symbol": "rtheap_alloc",
            "owner": "rtai/rtai_malloc.ko",
        },
    ]


def test_what_an_old_kmod_loses_is_told_with_all_exporters(tree: Path):
    old = explained(tree, "rtai_sem")["old_kmod"]

    assert old["line"] == ["rtai/rtai_hal.ko"]
    missing = {each["path"]: each["symbols"] for each in old["missing"]}
    assert sorted(missing) == ["rtai/rtai_malloc.ko", "rtai/rtai_sched.ko"]
    symbols = missing["rtai/rtai_sched.ko"]
    assert [each["symbol"] for each in symbols] == ["rt_schedule", "wake_up_srq"]
    assert {len(each["exporters"]) for each in symbols} == {6}
    assert missing["rtai/rtai_malloc.ko"] == []


def test_whom_an_old_kmod_breaks_is_named(tree: Path):
    left_out_of = explained(tree, "rtai_sched")["old_kmod"]["left_out_of"]

    assert sorted(left_out_of) == ["rtai/rtai_mbx.ko", "rtai/rtai_sem.ko"]


def test_a_link_is_explained_as_its_file(tree: Path):
    answer = explained(tree, "rtai-ksched")

    assert answer["file"] == "rtai/rtai_sched.ko"
    assert len(answer["names"]) == 6
    text = "\n".join(explaintext.lines(answer))
    assert "a link: another name of rtai/rtai_sched.ko" in text
    assert "it leaves this file out of 2 lines:" in text


def test_a_file_that_lost_its_name_is_a_candidate(tmp_path: Path):
    rootfs.make_tree(
        tmp_path,
        {
            "kernel/give.ko": kernel_module(exports=["one"]),
            "updates/give.ko": kernel_module(exports=["one"]),
            "kernel/more.ko": kernel_module(exports=["one"]),
            "kernel/bad.ko": b"",
            "updates/bad.ko": b"",
            "kernel/take.ko": kernel_module(imports=["one", "none"]),
        },
        order=["updates/give.ko", "kernel/more.ko"],
    )

    answer = explained(tmp_path, "kernel/take.ko")

    assert imported(answer, "one")["owner"] == "kernel/more.ko"
    assert [
        (each["path"], each["why"]) for each in imported(answer, "one")["candidates"]
    ] == [
        ("updates/give.ko", explain.LAST_OWNS),
        ("kernel/give.ko", explain.SHADOWED % "updates/give.ko"),
    ]
    assert imported(answer, "none")["owner"] is None
    text = "\n".join(explaintext.lines(answer))
    assert "not kernel/give.ko: it lost" not in text
    assert "no module: the kernel, or nobody\n    owns none" in text


def test_the_kernel_is_an_owner_and_a_candidate():
    modules = [
        Module("a.ko", [("both", 1)]),
        Module("b.ko", [], [("both", 1, False), ("printk", 2, True)]),
    ]
    table = SymbolTable()
    table.add_kernel([("both", 1), ("printk", 2)])
    table.add_modules(modules)
    subject = explain.Subject(modules, ["a", "b"], table)

    answer = explain.explanation(subject, 1)

    both, printk = answer["imports"]
    assert both["owner"] == "a.ko"
    assert both["candidates"] == [{"path": "the kernel", "why": explain.BEFORE_KERNEL}]
    assert printk["owner"] == "the kernel"
    text = "\n".join(explaintext.lines(answer | {"release": "6.1"}))
    assert "owns printk (weak)" in text


def test_a_module_alone_has_nothing_to_tell(tmp_path: Path):
    rootfs.make_tree(tmp_path, {"k/a.ko": kernel_module()})

    text = "\n".join(explaintext.lines(explained(tmp_path, "a")))

    assert "k/a.ko: (nothing)" in text
    assert "nothing is lost" in text


def test_many_symbols_are_told_in_rows(tmp_path: Path):
    exports = [f"a_symbol_with_a_long_name_{number}" for number in range(9)]
    rootfs.make_tree(
        tmp_path,
        {
            "k/a.ko": kernel_module(exports=exports),
            "k/b.ko": kernel_module(imports=exports),
        },
    )

    told = explaintext.lines(explained(tmp_path, "b"))

    assert max(len(line) for line in told) < 90


def test_a_module_that_is_not_there_is_refused(tree: Path):
    with pytest.raises(RequestError) as caught:
        explained(tree, "nothing")

    assert caught.value.code == "module-missing"


def test_the_running_release_is_the_default(tree: Path, monkeypatch):
    monkeypatch.setattr(job, "running_release", lambda: rootfs.RELEASE)

    answer = job.explain_module("rtai_hal", basedir=f"{tree}/")

    assert answer["release"] == rootfs.RELEASE
