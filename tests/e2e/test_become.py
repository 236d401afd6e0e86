"""A user who is not root becomes it, on the practice box's real sudo and su."""

from __future__ import annotations

import contextlib

import pytest

from modferry.lab.debian import ENGINEER
from support.commands import modferry

pytestmark = [pytest.mark.practice_box]

FLEET = """\
boxes:
  console:
    address: "serial+unix://{serial}"
    profile: ./user.yaml
    password_file: {password}
  ssh:
    address: ssh://127.0.0.1:{port}
    profile: ./user.yaml
    password_file: {password}
    known_hosts: {known_hosts}
"""
PROFILE = "extends: practice\nlogin: {{user: {user}, become: {become}}}\n"


@pytest.mark.parametrize("become", ["sudo", "su", "none"])
@pytest.mark.parametrize("box", ["console", "ssh"])
def test_the_agent_runs_as_the_profile_says(practice, tmp_path, box, become):
    profile = PROFILE.format(user=ENGINEER, become=become)
    (tmp_path / "user.yaml").write_text(profile)
    (tmp_path / "modferry.yaml").write_text(
        FLEET.format(
            serial=practice.serial_socket,
            port=practice.ssh_port,
            known_hosts=practice.known_hosts,
            password=practice.image.directory / "password",
        )
    )

    with contextlib.chdir(tmp_path):
        ran = modferry("facts", "--on", box)

    assert ran.status == 0, ran.error
    assert (ran.result["uid"] == 0) is (become != "none")
