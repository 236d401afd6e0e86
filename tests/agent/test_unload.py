"""Unloading: the module by any of its names, then what it alone needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry_agent.errors import LoadError
from modferry_agent.jobs import load, unload
from support import fakekernel
from support.fakekernel import Box


def box_with(tmp_path: Path, *names: str) -> Box:
    box = Box(tmp_path, fakekernel.rtai_files())
    for name in names:
        assert load.load_modules(name, **box.given)["loaded"]
    return box


def test_what_only_it_needed_goes_with_it(tmp_path: Path):
    box = box_with(tmp_path, "rtai_sem")

    got = unload.unload_modules("rtai_sem", **box.given)

    assert [step["name"] for step in got["steps"]] == [
        "rtai_sem",
        "rtai_sched",
        "rtai_malloc",
        "rtai_hal",
    ]
    assert {step["action"] for step in got["steps"]} == {"delete"}
    assert got["modules"] == []


def test_a_dry_run_foresees_the_same_steps(tmp_path: Path):
    box = box_with(tmp_path, "rtai_sem")

    planned = unload.unload_modules("rtai_sem", dry_run=True, **box.given)
    done = unload.unload_modules("rtai_sem", **box.given)

    assert planned["steps"] == [{**step, "records": []} for step in done["steps"]]


def test_without_dependencies_they_stay(tmp_path: Path):
    box = box_with(tmp_path, "rtai_sem")

    unload.unload_modules("rtai_sem", dependencies=False, **box.given)

    assert box.loaded() == ["rtai_hal", "rtai_malloc", "rtai_sched"]


def test_a_module_in_use_is_refused_with_its_holders(tmp_path: Path):
    box = box_with(tmp_path, "rtai_sem")

    with pytest.raises(LoadError) as caught:
        unload.unload_modules("rtai_hal", **box.given)

    assert caught.value.code == "in-use"
    assert caught.value.details["holders"] == ["rtai_malloc", "rtai_sched", "rtai_sem"]


def test_a_links_name_removes_what_it_loaded(tmp_path: Path):
    box = box_with(tmp_path, "rtai_lxrt")

    got = unload.unload_modules("rtai_lxrt", **box.given)

    assert got["steps"][0]["name"] == "rtai_sched"
    assert box.loaded() == []


def test_what_another_module_holds_stays(tmp_path: Path):
    files = fakekernel.rtai_files()
    files["rtai/rtai_leds.ko"] = fakekernel.loadable("rtai_leds", imports=["rt_printk"])
    box = Box(tmp_path, files)
    load.load_modules("rtai_sem", **box.given)
    load.load_modules("rtai_leds", **box.given)

    got = unload.unload_modules("rtai_sem", **box.given)

    assert got["steps"][-1]["action"] == "held"
    assert box.loaded() == ["rtai_hal", "rtai_leds"]


def test_a_module_that_is_not_loaded_is_absent(tmp_path: Path):
    box = box_with(tmp_path)

    got = unload.unload_modules("rtai_sem", **box.given)

    assert got["steps"][0] == {
        "name": "rtai_sem",
        "action": "absent",
        "errno": 0,
        "error": None,
        "records": [],
    }
