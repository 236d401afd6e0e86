"""The lab's commands without a practice box: what they say when none is there."""

import json

import pytest

from modferry import cli
from modferry.errors import ExitStatus

pytestmark = pytest.mark.usefixtures("home")


def test_the_status_of_no_box_is_no(capsys):
    assert cli.run(["lab", "status", "--json"]) == ExitStatus.NO

    found = json.loads(capsys.readouterr().out)
    assert found["command"] == "lab status"
    assert found["result"]["running"] is False


def test_a_box_that_does_not_run_can_be_stopped(capsys):
    assert cli.run(["lab", "down"]) == ExitStatus.DONE
    assert capsys.readouterr().out == "stopped  no\n"


@pytest.mark.parametrize("command", ["ssh", "console"])
def test_no_box_has_neither_shell_nor_console(capsys, command):
    assert cli.run(["lab", command]) == ExitStatus.USAGE
