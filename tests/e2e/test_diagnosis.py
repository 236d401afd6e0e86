"""Each way a load fails, provoked on a real kernel and diagnosed with its own line.

The box's own insmod makes the kernel say it; `modferry diagnose` then has to find it.
"""

from __future__ import annotations

import contextlib
import io
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest

from modferry import resources
from modferry.errors import ReplyError
from modferry.fleet.inventory import resolve
from modferry.lab.box import PracticeBox
from modferry.lab.ssh import ssh_argv
from modferry.session import Session
from modferry_agent.core.signature import MAGIC
from support.practice import box_up, shell

HOME = "/root"
TREE = "/lib/modules/$(uname -r)/rtai"


@pytest.fixture(scope="module")
def box(practice_image, tmp_path_factory) -> Iterator[PracticeBox]:
    with box_up(practice_image, tmp_path_factory.mktemp("diagnosis")) as up:
        send(up, broken_modules(up))
        yield up


class Asked:
    """The box's agent, asked in a session for each request: it leaves when idle."""

    def __init__(self, box: PracticeBox) -> None:
        """Remember the box."""
        self.box = box

    def request(self, name: str, **arguments: object) -> Any:
        """Return the answer to a request."""
        with session_on(self.box) as session:
            return session.request(name, **arguments)


@pytest.fixture(scope="module")
def session(box) -> Asked:
    return Asked(box)


@contextlib.contextmanager
def session_on(box: PracticeBox) -> Iterator[Session]:
    """Open a session over the box's SSH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODFERRY_LAB", str(box.directory))
        with Session.open(resolve("practice-ssh")) as opened:
            yield opened


def broken_modules(box: PracticeBox) -> dict[str, bytes]:
    """Return the files that are put on the box, past every check of modferry."""
    leds, math, mbx = (rtai(box, f"rtai_{name}") for name in ("leds", "math", "mbx"))
    folder = box.image.directory / "downloads/kernel" / box.release / "modules"
    dummy = unsigned((folder / "kernel/drivers/net/dummy.ko").read_bytes())
    cmac = unsigned((folder / "kernel/crypto/cmac.ko").read_bytes())
    for old in (b"name=rtai_math\0", b"rtai_math\0".ljust(56, b"\0")):
        math = replaced(math, old, old.replace(b"rtai_math", b"rtai_matx"))
    at = mbx.index(b"rt_sem_wait\0".ljust(56, b"\0"))
    return {
        "rtai_mbx.ko": mbx[: at - 8] + struct.pack("<Q", 0x1234567) + mbx[at:],
        "vermagic.ko": replaced(leds, b" SMP ", b" UMP "),
        "rtai_matx.ko": math,
        "dummy.ko": replaced(dummy, b"license=GPL\0", b"license=NDA\0"),
        "cmac.ko": replaced(cmac, b"import_ns=", b"import_nx="),
        "cut.ko": leds[: len(leds) // 2],
        "foreign.ko": leds[:18] + struct.pack("<H", 183) + leds[20:],
    }


def unsigned(content: bytes) -> bytes:
    """Return a signed module without its signature, which a change would break."""
    end = len(content) - len(MAGIC) - 12
    return content[: end - struct.unpack_from(">I", content, end + 8)[0]]


def replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    """Return the content with a text replaced by one as long, everywhere."""
    assert len(old) == len(new)
    assert old in content
    return content.replace(old, new)


def send(box: PracticeBox, files: dict[str, bytes]) -> None:
    """Put the files into root's home, by the system's ssh and tar."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    command = ssh_argv(box, [f"tar -xf - -C {HOME}"])
    subprocess.run(command, input=archive.getvalue(), check=True, timeout=120)


def refused(box: PracticeBox, command: str) -> list[str]:
    """Run what must fail; return the kernel's lines of it."""
    ran = shell(
        box,
        f"seen=$(dmesg | wc -l); {command} >/dev/null 2>&1 && echo LOADED;"
        " dmesg | tail -n +$((seen + 1))",
    )
    assert "LOADED" not in ran.stdout
    return [line.partition("] ")[2] for line in ran.stdout.splitlines()]


def diagnosed(session: Asked | Session, module: str) -> list[dict[str, Any]]:
    return session.request("diagnose", module=module)["findings"]


def proven(findings: list[dict[str, Any]], code: str, line: str) -> dict[str, Any]:
    """Return the finding of that code that a line of the kernel's proves."""
    fitting = [one for one in findings if one["code"] == code]
    assert fitting, findings
    found = [one for one in fitting if any(line in text for text in one["evidence"])]
    assert found, fitting
    assert found[0]["why"]
    assert found[0]["next"]
    return found[0]


def rtai(box: PracticeBox, name: str) -> bytes:
    return (box.modules / f"{name}.ko").read_bytes()


def test_a_stale_index_names_the_owner_it_left_out(box, session):
    lines = refused(box, "modprobe rtai_sem")

    found = diagnosed(session, "rtai_sem")

    assert any("Unknown symbol rt_" in line for line in lines)
    one = proven(found, "left-out-of-modules-dep", "rtai_sem: Unknown symbol rt_")
    assert one["owner"].endswith("rtai_sched.ko")


def test_a_missing_owner_is_named_and_loaded_by_fix(box, session):
    session.request("depmod")
    shell(box, "rmmod rtai_sched rtai_malloc rtai_hal")
    lines = refused(box, f"insmod {TREE}/rtai_sem.ko")

    found = diagnosed(session, "rtai_sem")
    mended = session.request("mend", module="rtai_sem")

    symbol = next(line for line in lines if "Unknown symbol" in line).split()[3]
    one = proven(found, "owner-not-loaded", f"rtai_sem: Unknown symbol {symbol}")
    assert one["owner"].endswith(".ko")
    assert "owner-not-loaded" in [entry["code"] for entry in mended["fixed"]]
    assert shell(box, f"insmod {TREE}/rtai_sem.ko").returncode == 0


@pytest.mark.parametrize(
    ("before", "name", "code", "line"),
    [
        (
            "modprobe rtai_sem",
            "rtai_mbx",
            "crc-mismatch",
            "rtai_mbx: disagrees about version of symbol rt_sem_wait",
        ),
        ("true", "vermagic", "vermagic-mismatch", "rtai_leds: version magic"),
        (
            "modprobe rtai_math",
            "rtai_matx",
            "duplicate-export",
            "rtai_matx: exports duplicate symbol",
        ),
        ("true", "dummy", "license", "dummy: Unknown symbol"),
        (
            "true",
            "cmac",
            "namespace-not-imported",
            "cmac: module uses symbol",
        ),
        ("true", "cut", "damaged-module", "Invalid ELF section header overflow"),
        (
            "true",
            "foreign",
            "wrong-architecture",
            "Invalid architecture in ELF header: 183",
        ),
    ],
)
def test_a_module_that_the_kernel_refuses(box, session, before, name, code, line):
    shell(box, before)
    lines = refused(box, f"insmod {HOME}/{name}.ko")

    found = diagnosed(session, f"{HOME}/{name}.ko")

    assert any(line in one for one in lines), lines
    proven(found, code, line)


def test_a_bad_parameter(box, session):
    refused(box, "insmod $(modinfo -n practice_refuses) error=abc")

    found = diagnosed(session, "practice_refuses")

    proven(found, "bad-parameter", "`abc' invalid for parameter `error'")


def test_an_init_that_fails_is_told_by_its_errno(session):
    reply = session.request("load", module="practice_refuses")

    assert reply["failure"]["code"] == "no-device"
    texts = [one["text"] for one in reply["steps"][-1]["records"]]
    assert any("refusing with errno 19" in text for text in texts)


def test_a_module_in_use_and_one_that_is_there(box, session):
    shell(box, "modprobe rtai_sem")

    there = diagnosed(session, "rtai_sem")
    with pytest.raises(ReplyError) as caught:
        session.request("unload", module="rtai_sched")

    assert "already-loaded" in [one["code"] for one in there]
    assert caught.value.code == "in-use"
    assert "rtai_sem" in str(caught.value)


def test_the_boxs_own_names_say_which_symbol_and_whose(box):
    folder = "/opt/modferry/sbin"
    with session_on(box) as opened:
        opened.push(resources.agent_archive(), f"{folder}/modferry-agent.pyz")
        opened.request("install", directory=folder)
    shell(box, "rmmod rtai_sem rtai_sched")

    unknown = shell(box, f"/opt/modferry/sbin/insmod {TREE}/rtai_sem.ko 2>&1")
    shell(box, "modprobe rtai_sched")
    there = shell(box, "/opt/modferry/sbin/modprobe -v rtai_sched 2>&1")

    assert "Unknown symbol in module" in unknown.stdout
    assert "rtai_sched.ko exports" in unknown.stdout
    assert (there.returncode, there.stdout) == (0, "")


def test_an_unsigned_module_where_signatures_are_enforced(practice_image, tmp_path):
    enforced = "module.sig_enforce=1"
    with box_up(practice_image, tmp_path / "lab", command_line=enforced) as box:
        lines = refused(box, f"insmod {TREE}/rtai_math.ko")

        with session_on(box) as session:
            found = diagnosed(session, "rtai_math")

        assert any("unsigned module is rejected" in line for line in lines)
        one = proven(found, "signature", "Loading of unsigned module is rejected")
        assert any("sig_enforce: Y" in text for text in one["evidence"])
