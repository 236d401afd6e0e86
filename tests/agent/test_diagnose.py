"""Diagnosis: the story, and each of the other findings, on trees made for it."""

from __future__ import annotations

import shutil
from pathlib import Path

from modferry_agent.jobs import diagnose, load
from support import elfwriter, fakekernel
from support.fakekernel import Box


def ask(box: Box, name: str, *texts: str) -> dict:
    return diagnose.diagnose_module(
        name, basedir=str(box.root), kernel=box.kernel, texts=list(texts)
    )


def errors(result: dict) -> list[tuple[str, str | None]]:
    return [
        (found["code"], found["symbol"])
        for found in result["findings"]
        if found["severity"] == "error"
    ]


def test_the_story_symbols_lost_for_their_six_names(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files(), indexes_by="kmod 9")
    line = "rtai_sem: Unknown symbol rt_register (err -2)"

    got = ask(box, "rtai_sem", line, "other: Unknown symbol rt_register (err -2)")

    left_out = "left-out-of-modules-dep"
    assert errors(got) == [(left_out, "rt_register"), (left_out, "wake_up_srq")]
    assert not got["loadable"]
    found = got["findings"][0]
    assert found["owner"] == "rtai/rtai_sched.ko"
    assert found["evidence"][-1] == line
    assert "six names (the file and five links), an even number" in found["why"]
    assert found["next"].startswith("modferry depmod --on BOX")
    details = found["details"]
    assert (details["copies"], details["lost_by"]) == (6, "kmod 9 to 17")
    assert sorted(details["names"]) == sorted(
        ["rtai/rtai_sched.ko"] + [f"rtai/rtai_{one}.ko" for one in fakekernel.LEGACY]
    )
    assert details["had"] == ["rtai/rtai_hal.ko"]
    assert details["should"] == [
        "rtai/rtai_sched.ko",
        "rtai/rtai_malloc.ko",
        "rtai/rtai_hal.ko",
    ]


def test_a_line_that_only_the_console_has_is_evidence_and_marked(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files(), indexes_by="kmod 9")
    line = "rtai_sem: Unknown symbol rt_register (err -2)"
    other = "rtai_sem: Unknown symbol wake_up_srq (err -2)"

    got = diagnose.diagnose_module(
        "rtai_sem",
        basedir=str(box.root),
        kernel=box.kernel,
        texts=[line],
        console=[line, other],
    )

    evidence = {one["symbol"]: one["evidence"] for one in got["findings"]}
    assert evidence["rt_register"][-1] == line
    assert evidence["wake_up_srq"][-1] == "console: " + other


def test_with_new_indexes_nothing_is_in_the_way(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())

    got = ask(box, "rtai_sem")

    assert (got["findings"], got["loadable"]) == ([], True)


def test_a_line_of_the_log_tells_of_a_load_without_its_owner(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())

    got = ask(box, "rtai_sem", "rtai_sem: Unknown symbol rt_register (err -2)")

    assert [found["code"] for found in got["findings"]] == ["owner-not-loaded"]
    assert got["loadable"]


def test_a_symbol_nobody_exports_needs_another_kernel_or_module(tmp_path: Path):
    files = fakekernel.rtai_files()
    files["rtai/rtai_wd.ko"] = fakekernel.loadable(
        "rtai_wd", imports=["ipipe_x", "foo"]
    )
    box = Box(tmp_path, files)

    got = ask(box, "rtai_wd")

    assert errors(got) == [("unknown-symbol", "ipipe_x"), ("unknown-symbol", "foo")]
    assert "CONFIG_IPIPE" in got["findings"][0]["next"]


def test_a_crc_that_disagrees_names_both(tmp_path: Path):
    files = fakekernel.rtai_files()
    files["rtai/rtai_wd.ko"] = fakekernel.loadable(
        "rtai_wd", imports=["rt_printk"], versions={"rt_printk": 1}
    )
    box = Box(tmp_path, files)

    got = ask(box, "rtai_wd")

    assert errors(got) == [("crc-mismatch", "rt_printk")]
    assert got["findings"][0]["details"] == {
        "imported": 1,
        "exported": elfwriter.crc_of("rt_printk"),
    }


def test_a_dependency_that_cannot_be_loaded_is_named(tmp_path: Path):
    wrong = fakekernel.loadable("rtai_sched", exports=["rt_register"], machine=40)
    box = Box(tmp_path, fakekernel.rtai_files(scheduler=wrong), linked=False)

    codes = [code for code, _ in errors(ask(box, "rtai_sem"))]

    assert "wrong-architecture" in codes
    assert "dependency-fails" in codes


def test_a_file_that_came_after_depmod_is_not_in_the_index(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    path = box.tree / "rtai/rtai_wd.ko"
    path.write_bytes(fakekernel.loadable("rtai_wd", imports=["rt_printk"]))

    got = ask(box, "rtai_wd")

    assert errors(got) == [("not-in-index", None)]
    assert [found["code"] for found in got["findings"]][1:] == ["unverified-module"]


def test_a_module_that_is_nowhere_is_missing(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())

    assert errors(ask(box, "rtai_gone")) == [("module-missing", None)]


def test_indexes_that_are_missing_or_damaged_do_not_end_it(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    (box.tree / "modules.dep.bin").write_bytes(b"\0" * 40)

    assert errors(ask(box, "rtai_sem"))[0] == ("index-damaged", None)

    path = box.tree / "modules.symbols.bin"
    path.write_bytes(path.read_bytes()[:20])
    (box.tree / "modules.dep.bin").unlink()

    assert errors(ask(box, "rtai_sem"))[0] == ("index-missing", None)


def test_a_path_with_no_file_has_a_next_step(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())

    found = ask(box, str(tmp_path / "nope.ko"))["findings"][0]

    assert found["code"] == "unreadable"
    assert "modferry push FILE" in found["next"]


def test_a_path_is_named_as_it_was_given(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    (box.tree / "modules.dep.bin").unlink()
    path = str(box.tree / "rtai/rtai_sem.ko")

    assert f"modferry load {path} --on" in ask(box, path)["findings"][0]["next"]


def test_without_a_tree_no_depmod_is_advised_alone(tmp_path: Path):
    box = Box(tmp_path, {})
    shutil.rmtree(box.tree)

    found = ask(box, "rtai_sem")["findings"][0]

    assert found["code"] == "no-module-tree"
    assert found["next"].startswith("push modules")


def test_a_loaded_module_is_noted(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    load.load_modules("rtai_sem", **box.given)

    got = ask(box, "rtai_sem")

    assert [found["code"] for found in got["findings"]] == ["already-loaded"]
    assert got["loadable"]


def test_a_changed_file_is_an_other_one_than_was_recorded(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    path = box.tree / "rtai/rtai_hal.ko"
    path.write_bytes(path.read_bytes() + b"\0")

    assert errors(ask(box, "rtai_hal")) == [("fingerprint-mismatch", None)]


def test_what_the_kernel_keeps_for_gpl_modules_is_a_matter_of_the_licence(
    tmp_path: Path,
):
    files = {
        "extra/nda.ko": fakekernel.loadable(
            "nda", imports=["printk"], fields=[("license", "NDA")]
        )
    }
    box = Box(tmp_path, files, linked=False)

    got = ask(box, "nda", "nda: Unknown symbol printk (err -2)")

    assert errors(got) == [("license", "printk")]


def test_a_lasting_refusal_in_the_log_is_a_finding(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    line = "rtai_sem: disagrees about version of symbol module_layout"

    got = ask(box, "rtai_sem", line)

    assert errors(got) == [("module-layout-mismatch", "module_layout")]
    assert got["findings"][0]["evidence"] == [line]


def test_modules_that_need_each_other_are_named_in_their_circle(tmp_path: Path):
    files = {
        "x/one.ko": fakekernel.loadable("one", exports=["a"], imports=["c"]),
        "x/two.ko": fakekernel.loadable("two", exports=["b"], imports=["a"]),
        "x/three.ko": fakekernel.loadable("three", exports=["c"], imports=["b"]),
        "x/user.ko": fakekernel.loadable("user", imports=["a"]),
    }
    box = fakekernel.Box(tmp_path, files, indexes_by="nobody")

    def codes(name: str) -> dict[str, list[str]]:
        got = diagnose.diagnose_module(
            name, basedir=str(tmp_path), kernel=box.kernel, texts=[]
        )
        return {one["code"]: one["evidence"] for one in got["findings"]}

    chain = "x/one.ko needs x/three.ko needs x/two.ko needs x/one.ko"
    assert codes("one")["dependency-cycle"] == [chain]
    assert "dependency-cycle" not in codes("user")


def test_a_command_in_place_of_a_module_is_told(tmp_path: Path, monkeypatch):
    box = fakekernel.Box(tmp_path, fakekernel.rtai_files())
    config = tmp_path / "m.conf"
    config.write_text("install rtai_hal /bin/false\n")
    read = diagnose.probing.read_sources
    monkeypatch.setattr(
        diagnose.probing,
        "read_sources",
        lambda kernel, tree: read(kernel, tree, [str(config)]),
    )

    got = diagnose.diagnose_module(
        "rtai_sem", basedir=str(tmp_path), kernel=box.kernel, texts=[]
    )

    told = {one["code"]: one for one in got["findings"]}
    assert told["install-command"]["module"] == "rtai_hal"
    assert told["install-command"]["evidence"] == ["install rtai_hal /bin/false"]
