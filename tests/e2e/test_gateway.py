"""Many boxes behind one gateway whose sshd drops what is too much at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from support.loopback import boxes
from support.sshd import make_key, sshd
from support.sshlink import USER

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="boxes are mount namespaces: root"),
]


def facts(there, *words):
    done = subprocess.run(
        [sys.executable, "-m", "modferry", "facts", "-i", there.fleet, "--on", "boxes",
         "--json", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    return json.loads(done.stdout)["result"]


def test_through_a_jump_host_no_box_is_dropped(home, tmp_path):
    key = make_key(tmp_path, "ed25519", "jump_key")
    with (
        boxes(16) as there,
        sshd(tmp_path / "gateway", [key], lines=["MaxStartups 10:100:10"]) as gateway,
    ):
        config = home / ".ssh" / "config"
        config.parent.mkdir(mode=0o700)
        known = gateway.known_hosts(tmp_path / "gateway_known")
        config.write_text(
            f"Host gateway\nHostName 127.0.0.1\nPort {gateway.port}\nUser {USER}\n"
            f"IdentityFile {key}\nUserKnownHostsFile {known}\n"
        )
        text = there.fleet.read_text()
        there.fleet.write_text(text.replace("-o User", "-J gateway -o User"))

        found = facts(there, "--retries", "0")

        log = gateway.log.read_text()
    assert found["summary"]["done"] == 16
    # Each box is a connection of the gateway's, and none was one too many.
    assert log.count("Accepted publickey") == 16
    assert "drop connection" not in log


def test_what_a_full_server_drops_before_its_banner_is_tried_again(home):
    with boxes(16, lines=["MaxStartups 2:70:8"]) as there:
        found = facts(there, "--retries", "9", "-j", "16")

    assert found["summary"]["done"] == 16
    assert sum(box["attempts"] for box in found["boxes"]) > 16
