"""The box's own kmod works by the indexes that the agent wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modferry.lab.box import PracticeBox
from support.commands import modferry
from support.practice import box_up, shell

LEGACY = ["rtai_ksched", "rtai_lxrt", "rtai_mup", "rtai_smp", "rtai_up"]


@pytest.fixture(scope="module")
def indexed(
    practice_image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PracticeBox]:
    with box_up(practice_image, tmp_path_factory.mktemp("indexed")) as box:
        ran = modferry("depmod", "--on", "practice-ssh", lab=box.directory)
        assert ran.status == 0
        yield box


def test_modprobe_lists_the_dependencies_in_order(indexed):
    ran = shell(indexed, "modprobe -D rtai_sem")

    names = [line.split()[1].rsplit("/", 1)[1] for line in ran.stdout.splitlines()]
    assert names == ["rtai_hal.ko", "rtai_malloc.ko", "rtai_sched.ko", "rtai_sem.ko"]


def test_modprobe_loads_and_removes(indexed):
    loaded = shell(indexed, "modprobe rtai_sem && cut -d' ' -f1 /proc/modules")
    removed = shell(indexed, "modprobe -r rtai_sem; cut -d' ' -f1 /proc/modules")

    assert {"rtai_sem", "rtai_sched", "rtai_hal"} <= set(loaded.stdout.split())
    assert "rtai_sem" not in removed.stdout.split()
    shell(indexed, "rmmod rtai_sched rtai_malloc rtai_hal")


@pytest.mark.parametrize("name", LEGACY)
def test_a_legacy_name_still_loads_the_scheduler(indexed, name):
    ran = shell(indexed, f"modprobe {name} && cut -d' ' -f1 /proc/modules")

    assert ran.returncode == 0
    assert "rtai_sched" in ran.stdout.split()
    shell(indexed, "rmmod rtai_sched rtai_malloc rtai_hal")


def test_modinfo_reads_what_depends_on_what(indexed):
    ran = shell(indexed, "modinfo -F depends rtai_sem; modinfo -n rtai_ksched")

    depends, path = ran.stdout.split("\n")[:2]
    assert set(depends.split(",")) == {"rtai_sched", "rtai_hal"}
    assert path.endswith("/rtai/rtai_ksched.ko")


def test_the_boxs_own_modules_are_found_by_alias_as_before(indexed):
    ran = shell(indexed, "modprobe -R virtio:d00000001v00001AF4")

    assert ran.stdout.split() == ["virtio_net"]


def test_the_agents_own_unload_by_a_legacy_name_removes_the_scheduler(indexed):
    lab = indexed.directory
    loaded = modferry("load", "rtai_ksched", "--on", "practice-ssh", lab=lab)
    unloaded = modferry("unload", "rtai_ksched", "--on", "practice-ssh", lab=lab)

    assert (loaded.status, unloaded.status) == (0, 0)
    assert "rtai_sched" not in shell(indexed, "lsmod").stdout


def test_the_installed_names_do_as_the_box_s_own(indexed, root: Path):
    lab = indexed.directory
    assert modferry("deploy", "--on", "practice-ssh", lab=lab).status == 0
    both = {}
    for path in ("/opt/modferry/sbin/", ""):
        both[path] = shell(
            indexed,
            f"{path}modprobe -D rtai_sem; {path}modinfo -F depends rtai_sem;"
            f"{path}lsmod; {path}modprobe rtai_sem; {path}lsmod | cut -d' ' -f1;"
            f"{path}rmmod rtai_sem rtai_sched rtai_malloc rtai_hal",
        ).stdout

    undone = modferry("deploy", "--undo", "--on", "practice-ssh", lab=lab)

    assert both["/opt/modferry/sbin/"] == both[""]
    assert undone.status == 0
    assert shell(indexed, "test -e /opt/modferry/sbin").returncode != 0
