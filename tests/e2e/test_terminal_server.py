"""The practice box's console behind a terminal server: ser2net, raw and RFC 2217."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modferry.fleet.inventory import resolve
from modferry.lab.box import PracticeBox
from modferry.session import Session
from support.commands import modferry
from support.practice import shell
from support.ptyline import tty_of
from support.ser2net import ser2net

pytestmark = [pytest.mark.practice_box]

FLEET = """\
boxes:
  press:
    address: "{address}"
    profile: practice
    user: root
    password_file: {password}
"""
SCHEMES = {"socket": "", "rfc2217": "telnet(rfc2217),"}


@pytest.fixture
def device(practice: PracticeBox) -> Iterator[str]:
    """Yield the device that the box's console is for the terminal server."""
    with tty_of(practice.serial_socket) as made:
        yield made


@pytest.fixture
def press(
    practice: PracticeBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Return a function that names the box at an address "press"."""
    monkeypatch.chdir(tmp_path)

    def name(address: str) -> None:
        password = practice.image.directory / "password"
        fleet = FLEET.format(address=address, password=password)
        (tmp_path / "modferry.yaml").write_text(fleet)

    return name


def speed_of(device: str) -> str:
    return subprocess.check_output(["stty", "-F", device, "speed"], text=True).strip()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_module_arrives_whole_through_ser2net(
    practice, tmp_path, device, press, scheme
):
    module = practice.modules / "practice_big.ko"
    connector = f"serialdev,{device},115200n81,local"
    with ser2net(connector, tmp_path, SCHEMES[scheme]) as port:
        press(f"{scheme}://127.0.0.1:{port}")

        pushed = modferry("push", module, "--on", "press")

    assert pushed.status == 0, pushed.error
    [file] = pushed.result["files"]
    on_box = shell(practice, f"sha256sum {file['path']}; rm {file['path']}").stdout
    assert on_box.split()[0] == file["sha256"]


def test_the_servers_port_goes_up_with_the_box_and_both_come_back(
    practice, tmp_path, device, press
):
    connector = f"serialdev,{device},115200n81,local"
    with ser2net(connector, tmp_path, SCHEMES["rfc2217"]) as port:
        press(f"rfc2217://127.0.0.1:{port}?baud=9600&top_baud=57600")

        with Session.open(resolve("press")) as session:
            at_the_server = speed_of(device)
            at_the_box = shell(practice, "stty -a -F /dev/ttyS0").stdout
            release = session.request("facts")["release"]

    assert release == practice.release
    assert at_the_server == "57600"
    assert at_the_box.startswith("speed 57600 baud")
    after = shell(practice, "stty -a -F /dev/ttyS0").stdout
    assert after.startswith("speed 115200 baud")
