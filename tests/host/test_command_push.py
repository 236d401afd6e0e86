"""Where a pushed file goes, and what is refused before a byte is sent."""

import hashlib
import struct

import pytest

from modferry import cli
from modferry.commands import connect
from modferry.errors import ExitStatus
from support.fakesession import FACTS, FakeSession

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def session(monkeypatch):
    fake = FakeSession({"find": {"tree": FACTS["module_tree"]["path"], "found": {}}})
    monkeypatch.setattr(connect.Session, "open", fake.opener())
    return fake


def run(*arguments):
    return cli.run([*arguments, "--on", "local:"])


def module_file(machine=62, vermagic="6.1.0-28-amd64 SMP"):
    """Return a relocatable ELF file with nothing but a .modinfo section."""
    modinfo = b"name=m\0vermagic=" + vermagic.encode() + b"\0"
    names = b"\0.modinfo\0.shstrtab\0"
    at = 64 + len(modinfo) + len(names)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 1, machine, 1, 0, 0, at, 0, 64, 0, 0, 64, 3, 2
    )
    sections = [bytes(64)] + [
        struct.pack("<IIQQQQIIQQ", *row)
        for row in (
            (1, 1, 2, 0, 64, len(modinfo), 0, 0, 1, 0),
            (10, 3, 0, 0, 64 + len(modinfo), len(names), 0, 0, 1, 0),
        )
    ]
    return header + modinfo + names + b"".join(sections)


def test_push_puts_a_new_module_into_extra(session, home, capsys):
    (home / "rtai_mbx.ko").write_bytes(module_file())

    assert run("push", "rtai_mbx.ko") == ExitStatus.DONE
    assert list(session.pushed) == ["/lib/modules/6.1.0-28-amd64/extra/rtai_mbx.ko"]
    assert "written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (module_file(machine=40), "another architecture"),
        (module_file(vermagic="2.6.32-5-686 SMP"), "another kernel"),
        (b"no module at all", "not a kernel module"),
    ],
)
def test_push_refuses_what_the_kernel_would(session, home, capsys, content, words):
    (home / "m.ko").write_bytes(content)

    assert run("push", "m.ko") == ExitStatus.USAGE
    assert words in capsys.readouterr().err
    assert session.pushed == {}


def test_a_dry_push_sends_nothing(session, home, capsys):
    (home / "m.ko").write_bytes(module_file())
    session.replies["hash"] = None

    assert run("push", "-n", "m.ko") == ExitStatus.DONE
    assert session.pushed == {}
    assert "would be written" in capsys.readouterr().out


def test_a_dry_push_tells_what_is_the_same_already(session, home, capsys):
    (home / "m.ko").write_bytes(module_file())
    session.replies["hash"] = hashlib.sha256(module_file()).hexdigest()

    run("push", "-C", "m.ko")

    assert "is the same" in capsys.readouterr().out


@pytest.mark.parametrize("dry", [True, False])
def test_what_is_different_is_shown_on_request(session, home, capsys, dry):
    (home / "m.ko").write_bytes(module_file(vermagic="6.1.0-28-amd64 SMP"))
    session.replies["hash"] = "0" * 64
    place = f"{FACTS['module_tree']['path']}/extra/m.ko"
    session.pushed[place] = module_file(vermagic="6.1.0-27-amd64 SMP")

    assert run("push", "m.ko", "--diff", *(["-C"] if dry else [])) == ExitStatus.DONE
    out = capsys.readouterr().out
    assert "\n-vermagic: 6.1.0-27-amd64 SMP\n+vermagic: 6.1.0-28-amd64 SMP\n" in out
    assert (session.pushed[place] == module_file()) is not dry


def test_push_replaces_a_module_where_it_is(session, home):
    (home / "rtai_mbx.ko").write_bytes(module_file())
    session.replies["find"]["found"] = {"rtai_mbx.ko": ["rtai/rtai_mbx.ko"]}

    run("push", "rtai_mbx.ko")

    place = "/lib/modules/6.1.0-28-amd64/rtai/rtai_mbx.ko"
    assert list(session.pushed) == [place]


def test_push_puts_any_file_where_it_is_told_to(session, home):
    (home / "notes").write_bytes(b"text")

    assert run("push", "notes", "--to", "/root") == ExitStatus.DONE
    assert session.pushed == {"/root/notes": b"text"}


def test_a_file_that_is_no_module_needs_to_be_told_where(session, home, capsys):
    (home / "notes").write_bytes(b"text")

    assert run("push", "notes") == ExitStatus.USAGE
    assert "--to DIRECTORY" in capsys.readouterr().err


def test_two_files_cannot_become_one(session, home):
    for folder in ("a", "b"):
        (home / folder).mkdir()
        (home / folder / "m.ko").write_bytes(module_file())

    assert run("push", "a/m.ko", "b/m.ko") == ExitStatus.USAGE
    assert session.pushed == {}


def test_another_kernels_module_is_pushed_on_demand(session, home):
    (home / "m.ko").write_bytes(module_file(vermagic="2.6.32-5-686 SMP"))

    assert run("push", "m.ko", "--any-kernel") == ExitStatus.DONE
    assert len(session.pushed) == 1
