"""The command line: dispatch, exit statuses, one JSON document, no traceback."""

import json

import pytest

from modferry import cli
from modferry.commands import connect
from modferry.errors import (
    BootstrapError,
    ExitStatus,
    LoadError,
    ReplyError,
    TransportError,
    UsageError,
)
from modferry_agent import __version__
from support.fakesession import FACTS, FakeSession

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def session(monkeypatch):
    fake = FakeSession({"facts": FACTS, "modules": []})
    monkeypatch.setattr(connect.Session, "open", fake.opener())
    return fake


def test_facts_are_printed_on_stdout(session, capsys):
    status = cli.run(["facts", "--on", "local:"])

    out, err = capsys.readouterr()
    assert status == ExitStatus.DONE
    assert "6.1.0-28-amd64" in out
    assert err == ""


@pytest.mark.parametrize(
    "arguments",
    [["--json", "facts", "--on", "local:"], ["facts", "--on", "local:", "--json"]],
)
def test_json_is_one_document_wherever_the_option_stands(session, capsys, arguments):
    cli.run(arguments)

    assert json.loads(capsys.readouterr().out) == {
        "modferry": __version__,
        "command": "facts",
        "box": "local:",
        "status": 0,
        "result": FACTS,
        "error": None,
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("the profile is wrong"), 2),
        (TransportError("nothing answers"), 3),
        (BootstrapError("no Python on the box"), 4),
        (ReplyError("no room", code="disk-full"), 4),
        (LoadError("refused", code="load-failed"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_an_error_has_its_exit_status_and_no_traceback(session, capsys, error, status):
    def fail(**_arguments):
        raise error

    session.replies["facts"] = fail

    got = cli.run(["facts", "--on", "local:"])

    out, err = capsys.readouterr()
    assert got == status
    assert out == ""
    assert "Traceback" not in err
    assert (getattr(error, "message", "") or "interrupted") in err


def test_an_error_says_where_why_and_next(session, capsys):
    session.replies["facts"] = ReplyError(
        "no room", code="disk-full", where="box7, /lib", why="5 bytes", next_step="rm"
    )

    cli.run(["facts", "--on", "local:"])

    assert capsys.readouterr().err.splitlines() == [
        "modferry: no room",
        "  where  box7, /lib",
        "  why    5 bytes",
        "  next   rm",
    ]


def test_an_error_in_json_has_its_code_and_details(session, capsys):
    session.replies["facts"] = ReplyError(
        "no room", code="disk-full", details={"free": 5}
    )

    cli.run(["facts", "--on", "local:", "--json"])

    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["result"]) == (4, None)
    assert found["error"]["code"] == "disk-full"
    assert found["error"]["details"] == {"free": 5}


def test_a_bug_keeps_its_traceback(session, capsys):
    session.replies["facts"] = ZeroDivisionError("division by zero")

    status = cli.run(["facts", "--on", "local:"])

    assert status == ExitStatus.FAILED
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["facts"],
        ["no-such-command"],
        ["facts", "--on", "nobody-knows-this-box"],
        ["facts", "--on", "http://box7"],
        ["load", "--on", "local:"],
        ["load", "rtai_sem", "not a parameter", "--on", "local:"],
        ["pull", "relative/path", "--on", "local:"],
        ["facts", "--on", "local:", "--timeout", "0"],
        ["facts", "--on", "local:", "--password-env", "A", "--password-file", "B"],
        ["facts", "--on", "local:", "--profile", "no-such-profile"],
        ["runs", "--count", "0"],
        ["depmod", "-b", "root", "--on", "local:"],
        ["depmod", "-b", "", "--on", "local:"],
        ["depmod", "--like", "8", "--on", "local:"],
        ["depmod", "--like", "new", "--on", "local:"],
        ["explain", "m", "-b", "root", "--on", "local:"],
        ["upgrade", "check", "-b", "root", "--on", "local:"],
        ["push", __file__, "--to", "extra", "--on", "local:"],
        ["deploy", "--directory", "sbin", "--on", "local:"],
    ],
)
def test_wrong_use_has_status_2_and_says_what(session, capsys, arguments):
    assert cli.run(arguments) == ExitStatus.USAGE

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("modferry: ")


def test_wrong_use_in_json_is_a_document_too(capsys):
    assert cli.run(["load", "--json", "--on", "local:"]) == ExitStatus.USAGE

    found = json.loads(capsys.readouterr().out)
    assert (found["command"], found["status"]) == ("load", 2)
    assert "MODULE" in found["error"]["message"]


def test_no_command_shows_the_help_and_is_wrong_use(capsys):
    assert cli.run([]) == ExitStatus.USAGE
    assert "Usage: modferry" in capsys.readouterr().err


@pytest.mark.parametrize("group", ["upgrade", "repair", "lab"])
def test_a_group_without_its_command_is_a_document_with_json(capsys, group):
    assert cli.run(["--json", group]) == ExitStatus.USAGE

    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["command"], found["error"]["message"]) == (group, "missing command")
    assert found["error"]["next"] == f"modferry {group} --help"
    assert err == ""


@pytest.mark.parametrize("arguments", [["--help"], ["load", "-h"], ["--version"]])
def test_help_and_version_are_done(capsys, arguments):
    assert cli.run(arguments) == ExitStatus.DONE


def test_the_help_tells_every_exit_status(capsys):
    cli.run(["--help"])

    out = " ".join(capsys.readouterr().out.split())
    for status in ExitStatus:
        assert f"{int(status)} " in out


def test_the_options_of_a_login_reach_the_session(session, tmp_path):
    cli.run(
        ["facts", "--on", "ssh://root@box7", "--accept-new", "--timeout", "7",
         "--password-env", "SECRET", "--trace", str(tmp_path / "wire")]
    )  # fmt: skip

    opened = session.opened_with
    assert opened["accept_new"] is True
    assert opened["timeout_s"] == 7
    assert opened["trace"] == tmp_path / "wire"
    assert opened["box"].password.env == "SECRET"
