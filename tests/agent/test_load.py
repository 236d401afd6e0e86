"""Loading: order, checks before the kernel, what each step made it say."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modferry_agent.errors import LoadError
from modferry_agent.jobs import load
from support import fakekernel
from support.fakekernel import Box

CHAIN = ["rtai_hal", "rtai_malloc", "rtai_sched", "rtai_sem"]

pytestmark = pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="the modules written here are for x86_64"
)


def names(result: dict) -> list[str]:
    return [step["name"] for step in result["steps"]]


def test_dependencies_are_loaded_first_each_with_its_own_lines(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())

    got = load.load_modules("rtai_sem", "debug=1", **box.given)

    assert got["loaded"]
    assert names(got) == CHAIN
    assert box.loaded() == CHAIN
    assert box.loader.calls[-1] == ("init_module", "rtai_sem", "debug=1")
    for step in got["steps"]:
        own = [entry["text"] for entry in step["records"] if entry["own"]]
        assert own == [f"{step['name']}: started"]
        assert (step["errno"], step["lost"]) == (0, False)


def test_what_is_loaded_is_left_alone(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    load.load_modules("rtai_malloc", **box.given)

    got = load.load_modules("rtai-sem", **box.given)

    actions = [step["action"] for step in got["steps"]]
    assert actions == ["present", "present", "insert", "insert"]


def test_a_module_loaded_under_a_links_name_is_present_by_its_inner_name(
    tmp_path: Path,
):
    box = Box(tmp_path, fakekernel.rtai_files())

    first = load.load_modules("rtai_ksched", **box.given)
    again = load.load_modules("rtai_smp", **box.given)

    assert first["loaded"]
    assert again["loaded"]
    assert again["steps"][-1]["action"] == "present"
    assert again["steps"][-1]["inner_name"] == "rtai_sched"
    assert box.loaded() == CHAIN[:3]


def test_a_dry_run_checks_and_inserts_nothing(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())

    got = load.load_modules("rtai_sem", dry_run=True, **box.given)

    assert names(got) == CHAIN
    assert not got["loaded"]
    assert box.loader.calls == []


def test_the_old_index_ends_in_the_kernels_own_words(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files(), indexes_by="kmod 9")

    got = load.load_modules("rtai_sem", **box.given)

    assert names(got) == ["rtai_hal", "rtai_sem"]
    assert not got["loaded"]
    assert got["steps"][-1]["error"] == "ENOENT"
    assert got["failure"]["code"] == "unknown-symbol"
    assert '"rt_register"' in got["failure"]["message"]
    assert "modferry diagnose rtai_sem" in got["failure"]["hint"]


def refusal(box: Box, name: str = "rtai_sem") -> LoadError:
    with pytest.raises(LoadError) as caught:
        load.load_modules(name, **box.given)
    assert box.loader.calls == []
    return caught.value


def test_a_file_nobody_recorded_is_not_loaded(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files(), record=False)

    error = refusal(box)

    assert error.code == "unverified-module"
    assert "depmod" in error.hint


def test_a_file_outside_of_the_tree_is_recorded_by_a_push_alone(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    path = tmp_path / "rtai_wd.ko"
    path.write_bytes(fakekernel.loadable("rtai_wd", imports=["rt_printk"]))

    error = refusal(box, str(path))

    assert error.code == "unverified-module"
    assert "modferry push FILE --to" in error.hint
    assert "depmod" not in error.hint


def test_a_file_that_is_not_the_recorded_one_is_not_loaded(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    path = box.tree / "rtai/rtai_sem.ko"
    path.write_bytes(path.read_bytes() + b"\0")

    assert refusal(box).code == "fingerprint-mismatch"


@pytest.mark.parametrize(
    ("scheduler", "code"),
    [
        (fakekernel.loadable("rtai_sched", machine=40), "wrong-architecture"),
        (fakekernel.loadable("rtai_sched")[:700], "damaged-module"),
        (b"#!/bin/sh\nexit 0\n" * 9, "not-a-module"),
    ],
)
def test_one_wrong_file_keeps_all_others_out(
    tmp_path: Path, scheduler: bytes, code: str
):
    box = Box(tmp_path, fakekernel.rtai_files(scheduler=scheduler), linked=False)
    line = "rtai/rtai_sem.ko: rtai/rtai_sched.ko rtai/rtai_hal.ko"
    box.write_dep({"rtai_sem": line, "rtai_sched": "rtai/rtai_sched.ko:"})

    error = refusal(box)

    assert error.code == code
    assert error.message.startswith("rtai_sched: ")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (
            fakekernel.loadable("alien", fields=[("vermagic", "6.2 SMP preempt")]),
            "vermagic-mismatch",
        ),
        (fakekernel.loadable("alien", layout=768), "module-layout-mismatch"),
    ],
)
def test_a_module_of_another_kernel_is_told_by_one_of_this(
    tmp_path: Path, wrong: bytes, code: str
):
    files = {"kernel/own.ko": fakekernel.loadable("own"), "extra/alien.ko": wrong}
    box = Box(tmp_path, files, linked=False)

    assert refusal(box, "alien").code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [("nosuch", "module-missing"), ("sym:x", "module-missing")],
)
def test_an_unknown_name_says_where_it_was_looked_for(
    tmp_path: Path, text: str, code: str
):
    box = Box(tmp_path, fakekernel.rtai_files())

    error = refusal(box, text)

    assert (error.code, error.where) == (code, str(box.tree))


def test_without_indexes_the_next_step_is_depmod(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files(), indexes_by="nobody")

    error = refusal(box)

    assert error.code == "index-missing"
    assert "depmod" in error.hint


def test_without_a_tree_depmod_alone_is_no_next_step(tmp_path: Path):
    box = Box(tmp_path, {})
    shutil.rmtree(box.tree)

    error = refusal(box)

    assert error.code == "no-module-tree"
    assert error.hint.startswith("push modules")


def test_a_damaged_index_is_named(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    path = box.tree / "modules.dep.bin"
    path.write_bytes(path.read_bytes()[:40])

    assert refusal(box).code == "index-damaged"


def test_a_builtin_module_is_there(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())

    got = load.load_modules("one_fs", **box.given)

    assert got["loaded"]
    assert got["steps"][0]["action"] == "builtin"


def test_silence_and_enoent_mean_the_modules_own_init(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    box.loader.refusals["rtai_hal"] = (errno.ENOENT, [])

    got = load.load_modules("rtai_hal", **box.given)

    assert got["failure"]["code"] == "init-failed"
    assert got["steps"][-1]["meaning"]


def test_two_loads_do_not_mix(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    command = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.lockf(f, 2);"
        "print('held', flush=True); sys.stdin.read()"
    )
    lock = str(tmp_path / "run/modferry-load.lock")
    with subprocess.Popen(
        [sys.executable, "-c", command, lock],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()

        error = refusal(box)

        other.communicate(b"")
    assert error.code == "busy"


def test_a_module_that_never_became_live_is_not_said_to_be_loaded(tmp_path: Path):
    box = Box(tmp_path, fakekernel.rtai_files())
    load.load_modules("rtai_hal", **box.given)
    listed = tmp_path / "proc" / "modules"
    listed.write_text(listed.read_text().replace(" Live ", " Loading "))

    got = load.load_modules("rtai_hal", **box.given)

    assert not got["loaded"]
    assert got["failure"]["code"] == "not-live"
