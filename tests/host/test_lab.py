"""The parts of the practice box that need no QEMU."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from modferry.errors import BoxError, UsageError
from modferry.lab import addresses, cpio, debian, kernel, oldindexes, programs, qemu
from modferry.lab.box import PracticeBox
from modferry_agent.core.module import Module
from modferry_agent.core.triereader import Index

KERNEL_MODULES = Path(__file__).parents[1] / "kernel_modules"


def parse_cpio(archive: bytes) -> list[tuple[str, int, bytes]]:
    members = []
    offset = 0
    while True:
        assert archive[offset : offset + 6] == b"070701"
        fields = [
            int(archive[at : at + 8], 16) for at in range(offset + 6, offset + 110, 8)
        ]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[offset + 110 : offset + 110 + name_size - 1].decode()
        start = (offset + 110 + name_size + 3) & ~3
        if name == cpio.TRAILER:
            return members
        members.append((name, mode, archive[start : start + size]))
        offset = (start + size + 3) & ~3


def test_an_archive_holds_its_members_after_their_directories():
    stream = io.BytesIO()

    writer = cpio.Writer(stream)
    writer.add_with_parents(cpio.directory("root", 0o700))
    writer.add_with_parents(cpio.file("root/a/b", b"four", 0o600))
    writer.add_with_parents(cpio.link("root/a/c", "b"))
    writer.finish()

    assert parse_cpio(stream.getvalue()) == [
        ("root", 0o40700, b""),
        ("root/a", 0o40755, b""),
        ("root/a/b", 0o100600, b"four"),
        ("root/a/c", 0o120777, b"b"),
    ]


def test_a_tar_archive_becomes_a_cpio_archive_without_what_is_unwanted():
    tar_bytes = io.BytesIO()
    with tarfile.open(fileobj=tar_bytes, mode="w") as tar:
        for name, kind, content in (
            (".", tarfile.DIRTYPE, b""),
            ("./usr", tarfile.DIRTYPE, b""),
            ("./usr/tool", tarfile.REGTYPE, b"text"),
            ("./usr/doc", tarfile.REGTYPE, b"manual"),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.mode = kind, len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
        hard = tarfile.TarInfo("./usr/same")
        hard.type, hard.linkname, hard.mode = tarfile.LNKTYPE, "./usr/tool", 0o755
        tar.addfile(hard)
    tar_bytes.seek(0)
    stream = io.BytesIO()

    with tarfile.open(fileobj=tar_bytes) as tar:
        size = cpio.write_tar(tar, stream, lambda name: not name.endswith("doc"))

    assert size == len(stream.getvalue())
    assert parse_cpio(stream.getvalue()) == [
        ("usr", 0o40755, b""),
        ("usr/tool", 0o100755, b"text"),
        ("usr/same", 0o100755, b"text"),
    ]


def test_apt_says_where_debian_comes_from():
    targets = (
        "http://mirror/debian/ trixie-updates main\n"
        "http://mirror/debian/ trixie main\n"
        "http://mirror/debian/ trixie main\n"
    )
    settings = (
        'Acquire "";\n'
        'Acquire::http::Proxy "http://proxy:3128";\n'
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::cdrom::mount "/media/cdrom/";\n'
    )

    got = debian.parse_sources(targets, settings)

    assert got == debian.Sources(
        "trixie",
        (
            "deb http://mirror/debian/ trixie main",
            "deb http://mirror/debian/ trixie-updates main",
        ),
        (
            'Acquire::http::Proxy "http://proxy:3128";',
            'Acquire::Check-Valid-Until "false";',
        ),
    )


def test_a_host_without_debians_indexes_has_no_sources():
    assert debian.parse_sources("", 'Acquire "";\n') is None


def test_the_newest_headers_are_built_against(tmp_path):
    for release in (
        "6.1.0-9-amd64",
        "6.1.0-56-amd64",
        "6.1.0-56-rt-amd64",
        "6.1.0-57-cloud-amd64",
    ):
        build = tmp_path / release / "build"
        build.mkdir(parents=True)
        (build / "Module.symvers").touch()
    (tmp_path / "6.12.1-1-amd64" / "kernel").mkdir(parents=True)

    assert kernel.find_release(tmp_path) == "6.1.0-56-amd64"


def test_without_headers_the_error_says_how_to_get_them(tmp_path):
    with pytest.raises(UsageError) as caught:
        kernel.find_release(tmp_path)

    assert kernel.HEADERS in caught.value.why
    assert caught.value.next_step == programs.INSTALL


def test_chosen_modules_bring_what_they_depend_on():
    dependencies = {
        "kernel/fs/ext4/ext4.ko.xz": ["kernel/fs/jbd2/jbd2.ko.xz"],
        "kernel/fs/jbd2/jbd2.ko.xz": [],
        "kernel/sound/soundcore.ko.xz": [],
        "kernel/drivers/net/dummy.ko.xz": [],
        "kernel/drivers/net/wireless/ath/ath.ko.xz": [],
    }

    assert kernel.choose(dependencies) == [
        "kernel/drivers/net/dummy.ko.xz",
        "kernel/fs/ext4/ext4.ko.xz",
        "kernel/fs/jbd2/jbd2.ko.xz",
    ]


def practice_modules(links: int) -> list[Module]:
    sched = Module(
        "rtai/rtai_sched.ko", [("wake_up_srq", 1)], [("rt_printk", 2, False)]
    )
    names = ("ksched", "lxrt", "mup", "smp", "up")[:links]
    return [
        Module("rtai/rtai_hal.ko", [("rt_printk", 2)]),
        sched,
        *(sched.renamed(f"rtai/rtai_{name}.ko") for name in names),
        Module(
            "rtai/rtai_sem.ko",
            [("rt_sem_wait", 3)],
            [("wake_up_srq", 1, False), ("rt_printk", 2, False)],
        ),
    ]


@pytest.mark.parametrize(
    ("links", "left"),
    [
        (0, "rtai/rtai_sched.ko rtai/rtai_hal.ko"),
        (1, "rtai/rtai_hal.ko"),
        (2, "rtai/rtai_lxrt.ko rtai/rtai_hal.ko"),
        (5, "rtai/rtai_hal.ko"),
    ],
)
def test_an_even_number_of_names_is_left_out_of_modules_dep(links, left):
    modules = practice_modules(links)
    lines = ["kernel/a.ko: kernel/b.ko", *(f"{module.path}: x" for module in modules)]

    got = oldindexes.rewrite(lines, modules)

    assert got[0] == "kernel/a.ko: kernel/b.ko"
    assert got[-1] == f"rtai/rtai_sem.ko: {left}"


def test_the_index_has_the_lines_of_modules_dep():
    lines = ["rtai/rtai_hal.ko:", "rtai/rtai-sem.ko: rtai/rtai_hal.ko"]

    index = Index(oldindexes.encode_index(lines))

    assert index.lookup("rtai_sem") == [lines[1]]
    assert index.lookup("rtai_hal") == [lines[0]]


def test_a_comma_in_a_path_is_no_option_to_qemu():
    machine = qemu.Machine(
        kernel=Path("/k"),
        initrd=Path("/i"),
        command_line="console=ttyS0",
        serial_socket=Path("/a,b/serial"),
        monitor_socket=Path("/a,b/monitor"),
        console_log=Path("/a,b/log"),
        pid_file=Path("/a,b/pid"),
        ssh_port=2222,
    )

    words = machine.argv()

    assert any("path=/a,,b/serial,server=on" in word for word in words)
    assert "unix:/a,,b/monitor,server=on,wait=off" in words
    assert words[words.index("-pidfile") + 1] == "/a,b/pid"


def test_a_pid_file_of_another_process_is_stale(tmp_path):
    pid_file = tmp_path / "qemu.pid"
    pid_file.write_text(f"{os.getpid()}\n")

    assert qemu.running_pid(pid_file) is None
    assert not qemu.end(pid_file)


def test_a_silent_monitor_is_the_boxs_fault(tmp_path):
    with pytest.raises(BoxError, match="system_reset"):
        qemu.reset(tmp_path / "nothing")


def test_every_missing_program_is_named_with_its_package(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "_PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(UsageError) as caught:
        programs.require()

    assert all(name in caught.value.message for name in programs.NEEDS)
    assert "qemu-system-x86 " in caught.value.why + " "
    assert caught.value.next_step == programs.INSTALL


def test_a_step_that_fails_shows_its_last_words():
    with pytest.raises(BoxError) as caught:
        programs.run(["sh", "-c", "echo one; echo two >&2; exit 3"], step="a step")

    assert caught.value.message == "sh ended with status 3"
    assert caught.value.why == "one\ntwo"


def test_a_box_that_was_never_built_says_so(tmp_path):
    box = PracticeBox(tmp_path)

    assert not box.status().built
    with pytest.raises(UsageError, match="not built"):
        box.start()
    with pytest.raises(UsageError, match="not running"):
        _ = box.ssh_port
    assert not box.stop()


def test_a_path_in_the_fleet_file_may_hold_anything():
    text = addresses.fleet_file(
        serial_socket=Path("/a b/#1/serial"),
        ssh_port=2222,
        password_file=Path("/a b/pass: word"),
        identity_file=Path("/key"),
        known_hosts_file=Path("/hosts"),
    )

    assert '"serial+unix:///a%20b/%231/serial"' in text
    assert '"/a b/pass: word"' in text


def test_root_needs_no_user_namespace(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "_PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(UsageError) as caught:
        programs.require()

    assert "uidmap" not in caught.value.message + caught.value.why


def test_deploy_installs_every_package_the_lab_needs(root):
    script = (root / "deploy.sh").read_text()
    installed = script.split('DEMO_NEEDS="')[1].split('"')[0].split()

    packages = {*programs.NEEDS.values(), kernel.HEADERS} - {"apt", "dpkg"}

    assert {name for name in packages if name not in installed} == set()
