"""What goes wrong, on the practice box: said in time, with the next step, no change."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

from modferry.lab.box import PracticeBox
from support.commands import Ran, modferry
from support.practice import box_up, shell

E_MACHINE = 18
EM_AARCH64 = 183


def state(box: PracticeBox) -> str:
    """Return what must not change: the indexes, the modules, what is loaded."""
    tree = f"/lib/modules/{box.release}"
    return shell(
        box,
        f"cd {tree} && ls -lR --full-time . /usr/realtime | sha256sum;"
        "sha256sum modules.*; cut -d' ' -f1,2 /proc/modules",
    ).stdout


def explained(ran: Ran, status: int, words: str) -> None:
    assert ran.status == status, ran.document
    assert words in ran.error["message"] + ran.error["why"], ran.error
    assert ran.error["where"]
    assert ran.error["next"]


def test_a_wrong_password(practice, tmp_path):
    wrong = tmp_path / "password"
    wrong.write_text("not it\n")
    wrong.chmod(0o600)
    before = state(practice)

    ran = modferry(
        "facts", "--on", "practice", "--password-file", wrong, lab=practice.directory
    )

    explained(ran, 3, "refuses the password")
    assert state(practice) == before


def test_a_changed_host_key(practice, tmp_path):
    inventory = tmp_path / "modferry.yaml"
    known = tmp_path / "known_hosts"
    kind, key = practice.known_hosts.read_text().split()[1:3]
    other = key[:-8] + "AAAAAAAA"
    known.write_text(f"[127.0.0.1]:{practice.ssh_port} {kind} {other}\n")
    inventory.write_text(
        f"boxes:\n  moved:\n    address: ssh://root@127.0.0.1:{practice.ssh_port}\n"
        f"    known_hosts: {known}\n    identity_file: {practice.ssh_key}\n"
    )

    ran = modferry_in(tmp_path, "facts", "--on", "moved")

    explained(ran, 3, "key")
    assert f"{known}:1" in ran.error["where"] + ran.error["why"]


def modferry_in(folder: Path, *arguments: str) -> Ran:
    with contextlib.chdir(folder):
        return modferry(*arguments)


def test_a_module_for_another_architecture(practice, tmp_path):
    content = bytearray((practice.modules / "rtai_mbx.ko").read_bytes())
    struct.pack_into("<H", content, E_MACHINE, EM_AARCH64)
    foreign = tmp_path / "rtai_mbx.ko"
    foreign.write_bytes(content)
    before = state(practice)

    ran = modferry("push", foreign, "--on", "practice-ssh", lab=practice.directory)

    explained(ran, 2, "aarch64")
    assert state(practice) == before


def other_vermagic(practice: PracticeBox, folder: Path) -> Path:
    content = (practice.modules / "rtai_mbx.ko").read_bytes()
    at = content.index(b"vermagic=")
    end = content.index(b"\0", at)
    words = content[at:end]
    changed = words.replace(b" SMP ", b" UMP ")
    assert changed != words
    path = folder / "rtai_mbx.ko"
    path.write_bytes(content[:at] + changed + content[end:])
    return path


def test_a_module_with_another_kernels_vermagic(practice_image, tmp_path):
    with box_up(practice_image, tmp_path / "lab") as box:
        module = other_vermagic(box, tmp_path)
        arguments = ("--on", "practice-ssh")
        modferry("push", module, *arguments, "--any-kernel", lab=box.directory)
        modferry("depmod", *arguments, lab=box.directory)
        before = shell(box, "cut -d' ' -f1 /proc/modules").stdout.split()

        ran = modferry("load", "rtai_mbx", *arguments, lab=box.directory)

        after = shell(box, "cut -d' ' -f1 /proc/modules").stdout.split()
        assert ran.status in (1, 4)
        text = str(ran.document)
        assert "SMP" in text
        assert "UMP" in text
        assert set(after) - set(before) <= {
            "rtai_hal", "rtai_malloc", "rtai_sched", "rtai_sem"
        }  # fmt: skip


def test_a_full_disk(practice_image, tmp_path):
    full = "/var/lib,/tmp,/var/tmp,/mnt"
    with box_up(practice_image, tmp_path / "lab", switches={"full": full}) as box:
        module = box.modules / "rtai_mbx.ko"

        ran = modferry(
            "push", module, "--to", "/mnt", "--on", "practice", lab=box.directory
        )

        explained(ran, 4, "no room")
        assert shell(box, "ls -A /mnt").stdout.split() == ["filler"]


def test_indexes_on_a_full_disk(practice_image, tmp_path):
    with box_up(practice_image, tmp_path / "lab") as box:
        tree = f"/lib/modules/{box.release}"
        shell(
            box,
            f"mkdir /run/tree && cp -a {tree}/. /run/tree &&"
            f"mount -t tmpfs -o size=$(($(du -sk /run/tree | cut -f1) + 48))k"
            f" tmpfs {tree} && cp -a /run/tree/. {tree}; rm -rf /run/tree;"
            f"dd if=/dev/zero of={tree}/filler bs=4k",
        )
        before = shell(box, f"cd {tree} && ls -A && sha256sum modules.*").stdout

        ran = modferry("depmod", "--on", "practice-ssh", lab=box.directory)

        explained(ran, 4, "space")
        after = shell(box, f"cd {tree} && ls -A && sha256sum modules.*").stdout
        assert after == before
