"""What commands refuse, leave out, or leave as it was; what depmod is told besides."""

from __future__ import annotations

import pytest

from modferry import cli
from modferry.commands import connect
from modferry.errors import ExitStatus, TransportError
from support.fakesession import FACTS, FakeSession

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def session(monkeypatch):
    fake = FakeSession({"facts": FACTS})
    monkeypatch.setattr(connect.Session, "open", fake.opener())
    return fake


def run(*arguments):
    return cli.run([*arguments, "--on", "local:"])


@pytest.mark.parametrize(
    "words",
    [
        ("deploy",),
        ("deploy", "--undo"),
        ("repair", "divert"),
        ("repair", "hook"),
    ],
)
def test_a_box_that_cannot_do_it_gets_no_archive(session, capsys, words):
    session.lacking = {"install", "uninstall", "repair", "install-hook"}

    assert run(*words) == ExitStatus.FAILED

    assert (session.asked, session.pushed) == ([], {})
    assert "needs Python" in capsys.readouterr().err


def test_a_pull_that_breaks_leaves_the_file_as_it_was(session, home, monkeypatch):
    (home / "modules").write_text("before")

    def breaks(_path, into):
        into.write(b"half")
        raise TransportError("the line is cut")

    monkeypatch.setattr(session, "pull_into", breaks)

    assert run("pull", "/etc/modules") == ExitStatus.UNREACHABLE
    assert [path.name for path in home.iterdir() if "modules" in path.name] == [
        "modules"
    ]
    assert (home / "modules").read_text() == "before"


@pytest.mark.parametrize(
    ("condition", "status"), [("uid == 0", ExitStatus.DONE), ("uid > 0", ExitStatus.NO)]
)
def test_a_box_of_which_a_condition_does_not_hold_is_not_shown(
    session, capsys, condition, status
):
    session.replies["facts"] = FACTS

    assert run("facts", "--where", condition) == status

    told = capsys.readouterr()
    assert bool(told.out) is not bool(status)
    assert ("does not hold" in told.err) is bool(status)


def test_depmod_asks_with_what_the_kernel_exports(session):
    session.replies["depmod"] = DEPMOD

    assert run("depmod", "-e", "-F", "/boot/System.map") == ExitStatus.DONE
    assert run("depmod", "-E", "/boot/Module.symvers") == ExitStatus.DONE

    asked = [arguments for _, arguments in session.asked]
    assert (asked[0]["filesyms"], asked[0]["errsyms"]) == ("/boot/System.map", True)
    assert (asked[1]["symvers"], asked[1]["errsyms"]) == ("/boot/Module.symvers", False)


@pytest.mark.parametrize("words", [("-e",), ("-E", "/a", "-F", "/b"), ("-F", "here")])
def test_options_of_depmod_that_do_not_go_together_are_refused(session, words):
    assert run("depmod", *words) == ExitStatus.USAGE
    assert session.asked == []


DEPMOD = {
    "release": "6.1", "directory": "/lib/modules/6.1", "modules": 1, "changed": [],
    "unchanged": [], "differences": {}, "warnings": [], "conflicts": [],
    "dry_run": False,
}  # fmt: skip
