"""The upgrade on a real kernel: known before, proved after, repaired, undone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modferry.lab.box import PracticeBox
from modferry.lab.ssh import ssh_argv
from support.commands import environment, modferry
from support.practice import box_up, shell

ON = ("--on", "practice-ssh")
WANTED = ["rtai_hal.ko", "rtai_malloc.ko", "rtai_sched.ko", "rtai_sem.ko"]
SLOW_S = 400.0
UNLOAD = "rmmod rtai_sem rtai_sched rtai_malloc rtai_hal"

# Bytes, modes, owners and times of files, targets of links; of our own records nothing.
STATE = r"""
for place in /lib/modules /usr/realtime /etc/modprobe.d /etc/init.d /etc/dpkg \
    /usr/sbin /usr/lib/modferry /usr/lib/systemd /etc/systemd; do
    find "$place"/ -type f -printf '%p %m %U %G %s %T@\n'
    find "$place"/ -type l -printf '%p %l\n'
    find "$place"/ -type d -printf '%p %m\n'
done 2> /dev/null | sort
find /lib/modules/*/modules.* /etc/modprobe.d/ /usr/sbin/depmod /etc/dpkg/ -type f \
    -exec sha256sum {} + | sort
dpkg-divert --list
"""


# Which modules modprobe does not load, each with nothing else loaded before it.
TRY_EACH = r"""
cd /usr/realtime/modules
for file in *.ko; do
    modprobe ${file%.ko} 2> /dev/null || echo ${file%.ko}
    loaded=$(grep -o '^rtai_[a-z]*' /proc/modules) && rmmod $loaded
done
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def box(
    practice_image, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PracticeBox]:
    """Yield a box whose indexes are as kmod 9 writes them, with a healthy snapshot."""
    with box_up(practice_image, tmp_path_factory.mktemp("upgrade")) as up:
        shell(up, "mkdir /kmod9 && cp -a /lib/modules/*/modules.* /kmod9")
        assert modferry("depmod", *ON, lab=up.directory).status == 0
        assert shell(up, "modprobe rtai_sem").returncode == 0
        ran = modferry("snapshot", "-o", data / "healthy.json", *ON, lab=up.directory)
        assert ran.status == 0
        before = modferry("upgrade", "check", "--to", "wheezy", *ON, lab=up.directory)
        (data / "before").write_text("\n".join(_broken(before)))
        assert before.result["verdict"]["code"] == "breaks"
        shell(up, f"cp -a /kmod9/* /lib/modules/*/ && {UNLOAD}")
        shell(up, "rm -r /kmod9 /var/lib/modferry/*.facts /var/lib/modferry/*.sha256")
        yield up


@pytest.fixture(scope="module")
def untouched(box: PracticeBox) -> str:
    """Return what is on the box before any repair, of all that one may change."""
    assert not _loads(box)
    return shell(box, STATE).stdout


def _broken(ran) -> list[str]:
    return sorted(each["module"] for each in ran.result["broken"])


def _modprobe_lines(box: PracticeBox) -> list[str]:
    lines = shell(box, "modprobe -D rtai_sem").stdout.splitlines()
    return [line.split()[1].rsplit("/", 1)[1] for line in lines]


def _loads(box: PracticeBox) -> bool:
    return shell(box, f"modprobe rtai_sem && {UNLOAD}").returncode == 0


def test_the_modules_that_break_were_named_before(box, data):
    foretold = (data / "before").read_text().split()

    refused = shell(box, TRY_EACH).stdout.split()

    assert "rtai_sem" in foretold
    assert sorted(refused) == foretold


def test_the_difference_is_the_lost_edges(box, data):
    ran = modferry("diff", data / "healthy.json", *ON, lab=box.directory)

    assert ran.status == 1
    lost = {(each["module"], each["owner"]) for each in ran.result["lost"]}
    assert ("rtai_sem", "rtai_sched") in lost
    assert sorted({user for user, _ in lost}) == (data / "before").read_text().split()
    assert (ran.result["gained"], ran.result["gone"]) == ([], [])


def test_the_verification_fails_and_names_the_module(box, data, tmp_path):
    ran = modferry(
        *("upgrade", "verify", data / "healthy.json", "-n"),
        *("--html", tmp_path / "page.html", *ON),
        lab=box.directory,
    )

    assert ran.status == 1
    assert ran.result["regressed"] == ["rtai_sem"]
    assert "rtai_sched" in ran.result["modules"][-1]["why"][0]
    assert "rtai_sched" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("kind", ["indexes", "aliases", "divert"])
def test_a_repair_is_proved_lasts_and_is_undone_to_the_byte(box, data, untouched, kind):
    ran = modferry("repair", kind, *ON, lab=box.directory)
    loads = [_loads(box)]
    if kind == "indexes":
        verified = modferry(
            *("upgrade", "verify", data / "healthy.json", *ON), lab=box.directory
        )
        states = {each["name"]: each["state"] for each in verified.result["modules"]}
        assert (verified.status, states["rtai_sem"]) == (0, "loaded")
        shell(box, UNLOAD)
    else:
        assert shell(box, "depmod").returncode == 0
        loads.append(_loads(box))
    lines = _modprobe_lines(box)
    foretold = modferry("repair", kind, "--undo", "-n", *ON, lab=box.directory)
    undone = modferry("repair", kind, "--undo", *ON, lab=box.directory)

    assert (ran.status, undone.status) == (0, 0), (ran.error, undone.error)
    assert "rtai/rtai_sem.ko" in ran.result["broken"]
    assert all(loads)
    assert lines == WANTED
    assert foretold.result["indexes"] == undone.result["indexes"] == "restored"
    assert shell(box, STATE).stdout == untouched


def test_at_boot_and_after_dpkg_damaged_indexes_are_written_anew(box, untouched):
    assert modferry("repair", "hook", *ON, lab=box.directory).status == 0
    assert _modprobe_lines(box) == WANTED
    cut = "truncate -s 99 /lib/modules/*/modules.dep.bin"

    at_boot = shell(box, f"{cut}; /etc/init.d/modferry-indexes start")
    first = _modprobe_lines(box)
    by_dpkg = shell(box, f"{cut}; dpkg --configure -a")
    second = _modprobe_lines(box)
    quiet = shell(box, "/etc/init.d/modferry-indexes start")

    assert (at_boot.returncode, by_dpkg.returncode) == (0, 0), at_boot.stdout
    assert first == second == WANTED
    assert "modules.dep.bin" in shell(box, "dmesg | grep modferry").stdout
    assert quiet.stdout == ""
    undone = modferry("repair", "hook", "--undo", *ON, lab=box.directory)
    assert undone.status == 0
    after = shell(box, STATE).stdout.splitlines()
    lost = [line for line in untouched.splitlines() if line not in after]
    assert [line for line in lost if "/modules." not in line] == []


def test_dkms_leaves_right_indexes_and_the_removal_the_original(box, root, tmp_path):
    before = shell(box, "ls -l /usr/sbin/depmod; dpkg-divert --list").stdout
    script = [root / "deploy.sh"]
    env = environment(box.directory)
    subprocess.run([*script, "--divert", "practice-ssh"], check=True, env=env)
    _put_dkms(box, tmp_path)

    installed = shell(box, "dkms install -m practice -v 1.0 -k $(uname -r)", SLOW_S)
    lines = _modprobe_lines(box)
    subprocess.run([*script, "--undo", "practice-ssh"], check=True, env=env)

    assert installed.returncode == 0, installed.stdout
    assert "updates/dkms/rtai_mbx.ko" in shell(box, "modinfo -n rtai_mbx").stdout
    assert lines == WANTED
    after = shell(box, "ls -l /usr/sbin/depmod; dpkg-divert --list").stdout
    assert after == before
    assert shell(box, "ls -d /lib/modferry /opt/modferry").returncode != 0


def _put_dkms(box: PracticeBox, folder: Path) -> None:
    """Install Debian's dkms, and give it a module that is built already."""
    download = ["apt-get", "-q", "download", "dkms"]
    made = subprocess.run(download, cwd=folder, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"apt cannot download dkms: {made.stderr!r}")
    (package,) = folder.glob("dkms_*.deb")
    _send(box, package.read_bytes(), "/tmp/dkms.deb")
    _send(box, (box.modules / "rtai_mbx.ko").read_bytes(), "/tmp/rtai_mbx.ko")
    ran = shell(
        box,
        """set -e
        dpkg --force-depends -i /tmp/dkms.deb
        mkdir -p /usr/src/practice-1.0
        cat > /usr/src/practice-1.0/dkms.conf << END
PACKAGE_NAME=practice
PACKAGE_VERSION=1.0
BUILT_MODULE_NAME[0]=rtai_mbx
DEST_MODULE_LOCATION[0]=/updates/dkms
END
        dkms add -m practice -v 1.0
        built=/var/lib/dkms/practice/1.0/$(uname -r)/$(uname -m)
        mkdir -p $built/module $built/log
        cp /tmp/rtai_mbx.ko $built/module""",
        timeout_s=SLOW_S,
    )
    assert ran.returncode == 0, ran.stdout


def _send(box: PracticeBox, content: bytes, path: str) -> None:
    words = ssh_argv(box, [f"cat > {path}"])
    subprocess.run(words, input=content, check=True, timeout=60)
