"""A busybox userland without Python on the practice box's kernel: the shell's side.

The box's own agent is asked the same, on the same tree, and has to answer the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from modferry.errors import LoadError, ReplyError
from modferry.lab.box import PracticeBox
from support.commands import modferry
from support.plainuserland import ROOT, plant, session_on
from support.practice import box_up, shell

pytestmark = pytest.mark.practice_box


@pytest.fixture(scope="module")
def box(practice_image, tmp_path_factory) -> Iterator[PracticeBox]:
    with box_up(practice_image, tmp_path_factory.mktemp("plain")) as up:
        plant(up, tmp_path_factory.mktemp("userland"))
        yield up


def indexes(box: PracticeBox) -> str:
    """Return the sums of all indexes and of the record of fingerprints."""
    done = shell(
        box,
        f"cd /lib/modules/{box.release} && sha256sum modules.* &&"
        f" sha256sum /var/lib/modferry/{box.release}.sha256; ls -A",
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def loaded(box: PracticeBox) -> list[str]:
    return shell(box, "cut -d' ' -f1 /proc/modules").stdout.split()


def test_a_diagnosis_is_the_agents(box):
    # The box comes with indexes as kmod 9 wrote them.
    with session_on(box, plain=True) as session:
        got = session.request("diagnose", module="rtai_sem")
    with session_on(box, plain=False) as session:
        expected = session.request("diagnose", module="rtai_sem")

    assert [each["code"] for each in expected["findings"]]
    assert got == expected


def test_depmod_writes_what_the_agent_writes(box):
    with session_on(box, plain=True) as session:
        planned = session.request("depmod", dry_run=True)
        got = session.request("depmod")
        again = session.request("depmod")
    written = indexes(box)
    shell(box, f"cd /lib/modules/{box.release} && rm modules.*.bin modules.dep")

    with session_on(box, plain=False) as session:
        expected = session.request("depmod")

    assert indexes(box) == written
    assert planned["changed"] == got["changed"]
    assert again["changed"] == []
    for answer in (got, expected):
        del answer["changed"], answer["unchanged"]
        answer["warnings"].sort(key=lambda each: (each["path"], each["reason"]))
    assert got == expected


def test_a_load_with_all_it_needs_and_the_way_back(box):
    with session_on(box, plain=True) as session:
        session.request("depmod")
        planned = session.request("load", module="rtai_sem", dry_run=True)
        assert "rtai_hal" not in loaded(box)
        got = session.request("load", module="rtai_sem")
        there = loaded(box)
        listed = session.request("modules")
        again = session.request("load", module="rtai_sem")
        with pytest.raises(LoadError, match="in use") as caught:
            session.request("unload", module="rtai_hal")
        gone = session.request("unload", module="rtai_sem")

    steps = [step["name"] for step in got["steps"]]
    assert steps[0] == "rtai_hal"
    assert steps[-1] == "rtai_sem"
    assert [step["name"] for step in planned["steps"]] == steps
    assert got["loaded"]
    assert "failure" not in got
    assert {"rtai_hal", "rtai_sched", "rtai_sem"} <= set(there)
    assert [each["name"] for each in listed] == there
    assert {step["action"] for step in again["steps"]} == {"present"}
    assert caught.value.code == "in-use"
    assert gone["steps"][0] == {**gone["steps"][0], "name": "rtai_sem", "errno": 0}
    assert "rtai_sem" not in loaded(box)
    assert "rtai_hal" not in loaded(box)
    # The kernel's own words of each load are with its step.
    texts = [record["text"] for step in got["steps"] for record in step["records"]]
    assert any("rtai_sem: practice module ready" in text for text in texts), texts


def test_a_parameter_that_is_not_known_is_told_by_the_kernels_line(box):
    content = (box.modules / "rtai_leds.ko").read_bytes()
    with session_on(box, plain=True) as session:
        session.request("depmod")
        session.push(content, f"/lib/modules/{box.release}/extra/rtai_leds.ko")
        session.request("depmod")
        with pytest.raises(ReplyError) as caught:
            session.request("load", module="no_such_module")
        got = session.request("load", module="rtai_leds", parameters="no_such=1")

    assert caught.value.code == "module-missing"
    step = got["steps"][-1]
    assert any("no_such" in record["text"] for record in step["records"])
    assert "no_such" in (step["meaning"] or "")


def test_a_module_that_is_not_recorded_is_not_loaded(box):
    with session_on(box, plain=True) as session:
        session.request("depmod")
        record = f"/var/lib/modferry/{box.release}.sha256"
        shell(box, f"sed -i '/rtai_sem/s/^[0-9a-f]\\{{8\\}}/00000000/' {record}")
        with pytest.raises(LoadError) as caught:
            session.request("load", module="rtai_sem")
        session.request("depmod")

    assert caught.value.code == "fingerprint-mismatch"
    assert "rtai_sem" not in loaded(box)


def test_files_there_and_back(box):
    content = bytes(range(256)) * 300
    with session_on(box, plain=True) as session:
        session.push(content, "/root/some/file.bin", mode=0o600)
        assert session.pull("/root/some/file.bin") == content

    done = shell(box, "cd /plain/root/some; ls -A; stat -c %a file.bin; sha256sum *")
    assert done.stdout.split()[:3] == [
        "file.bin", "600", hashlib.sha256(content).hexdigest()
    ]  # fmt: skip


def test_the_facts_and_the_log(box):
    with session_on(box, plain=True) as session:
        got = session.request("facts")
        log = session.request("klog")
    with session_on(box, plain=False) as session:
        expected = session.request("facts")
        full = session.request("klog")

    same = ("release", "machine", "sysname", "hostname", "kernel_version", "uid",
            "module_tree", "modules_loaded", "tainted", "modules_disabled", "printk",
            "byte_order", "bits")  # fmt: skip
    assert {name: got[name] for name in same} == {name: expected[name] for name in same}
    assert (got["python"], got["kmod"], got["log_interface"]) == (None, None, "syslog")
    # A record of several lines is told by /dev/kmsg alone to be one.
    texts = [record["text"] for record in full["records"] if not record["facility"]]
    shown = [record["text"] for record in log["records"] if not record["facility"]]
    assert "\n".join(texts).split("\n")[: len(shown)] == shown
    assert len(shown) > 100


def test_a_module_outside_of_the_tree(box):
    tree = f"/lib/modules/{box.release}"
    moved = "mkdir -p /var/beyond {0}/etc/depmod.d /etc/depmod.d && mv {1} /var/beyond/"
    back = "mv /var/beyond/* {1}/ && rm /etc/depmod.d/beyond.conf {0}/etc/depmod.d/*"
    line = "echo 'external * /var/beyond' | tee /etc/depmod.d/beyond.conf"
    shell(box, moved.format(ROOT, f"{tree}/rtai/rtai_sem.ko"))
    shell(box, f"{line} {ROOT}/etc/depmod.d/beyond.conf")
    try:
        with session_on(box, plain=True) as session:
            session.request("depmod")
            written = indexes(box)
            told = session.request("diagnose", module="rtai_sem")
            load = session.request("load", module="rtai_sem")
            there = loaded(box)
            session.request("unload", module="rtai_sem")
        with session_on(box, plain=False) as session:
            session.request("depmod")
            expected = session.request("diagnose", module="rtai_sem")
    finally:
        shell(box, back.format(ROOT, f"{tree}/rtai"))

    assert "/var/beyond/rtai_sem.ko" in str(load["steps"])
    assert "rtai_sem" in there
    assert indexes(box) == written
    assert told == expected


def test_by_itself_on_a_box_without_python(practice_image, tmp_path):
    with box_up(practice_image, tmp_path / "lab", switches={"nopython": ""}) as box:
        options = ("--on", "practice-ssh")
        facts = modferry("facts", *options, lab=box.directory)
        wrong = modferry("diagnose", "rtai_sem", *options, lab=box.directory)
        indexed = modferry("depmod", *options, lab=box.directory)
        right = modferry("diagnose", "rtai_sem", *options, lab=box.directory)
        load = modferry("load", "rtai_sem", *options, lab=box.directory)
        refused = modferry("snapshot", *options, lab=box.directory)

        assert (facts.status, facts.result["python"]) == (0, None)
        assert wrong.status == 1
        assert indexed.status == 0
        assert indexed.result["changed"]
        assert right.status == 0, right.result
        assert load.status == 0
        assert load.result["loaded"]
        assert "rtai_sem" in loaded(box)
        assert refused.status == 4
        assert "python3-minimal" in refused.error["next"]


def test_by_itself_over_the_serial_console(practice_image, tmp_path):
    content = bytes(range(256)) * 20
    (tmp_path / "file.bin").write_bytes(content)
    with box_up(practice_image, tmp_path / "lab", switches={"nopython": ""}) as box:
        # An emulated box takes its time for each process, and a shell has many.
        said = {"lab": box.directory, "limit_s": 900}
        options = ("--on", "practice")
        # By SSH, so that the modules' contents are known: slow, and nothing new here.
        modferry("depmod", "-n", "--on", "practice-ssh", **said)
        indexed = modferry("depmod", *options, **said)
        load = modferry("load", "rtai_sem", *options, **said)
        there = loaded(box)
        diagnosis = modferry("diagnose", "rtai_sem", *options, **said)
        by_ssh = modferry("diagnose", "rtai_sem", "--on", "practice-ssh", **said)
        log = modferry("klog", *options, **said)
        unload = modferry("unload", "rtai_sem", *options, **said)
        after = loaded(box)
        file, place = tmp_path / "file.bin", "/root/there"
        push = modferry("push", file, "--to", place, *options, **said)
        back = tmp_path / "back"
        pull = modferry("pull", f"{place}/file.bin", back, *options, **said)
        refused = modferry("deploy", *options, **said)
        # By SSH all is as the console left it.
        kept = modferry("depmod", "--on", "practice-ssh", **said)
        left = shell(box, "ls -d /tmp/modferry-* /opt/modferry 2>/dev/null").stdout

    assert indexed.result["changed"], indexed.error
    assert load.result["loaded"], load.error
    texts = [each["text"] for step in load.result["steps"] for each in step["records"]]
    assert any("rtai_sem: practice module ready" in text for text in texts), texts
    assert "rtai_sem" in there
    assert diagnosis.result["findings"] == by_ssh.result["findings"]
    assert diagnosis.status == by_ssh.status == 0, diagnosis.result
    ready = [each for each in log.result["records"] if "rtai_sem" in each["text"]]
    assert ready, log.error
    assert unload.status == 0, unload.error
    assert "rtai_sem" not in after
    assert push.status == pull.status == 0
    assert back.read_bytes() == content
    assert (refused.status, refused.error["code"]) == (4, "needs-python")
    assert kept.result["changed"] == []
    assert left == ""
