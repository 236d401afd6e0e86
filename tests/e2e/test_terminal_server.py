"""The practice box behind Debian's ser2net: raw and by RFC 2217."""

from __future__ import annotations

import pytest

from support.commands import modferry
from support.practice import shell
from support.ser2net import ser2net


@pytest.mark.parametrize(
    ("scheme", "accepter"), [("socket", ""), ("rfc2217", "telnet(rfc2217),")]
)
def test_a_module_goes_through_a_terminal_server(practice, tmp_path, scheme, accepter):
    password = tmp_path / "password"
    password.write_text(practice.password + "\n")
    password.chmod(0o600)
    module = practice.modules / "rtai_mbx.ko"
    place = f"/tmp/by-{scheme}"

    # ser2net opens the line when somebody comes, and lets go of it afterwards.
    with ser2net(f"unix,{practice.serial_socket}", tmp_path, accepter) as port:
        address = f"{scheme}://127.0.0.1:{port}"
        on = ("--on", address, "--profile", "practice", "--password-file", password)
        pushed = modferry("push", module, "--to", place, *on, lab=practice.directory)

    assert pushed.status == 0, pushed.stderr
    on_box = shell(practice, f"sha256sum {place}/rtai_mbx.ko; rm -r {place}").stdout
    assert on_box.split()[0] == pushed.result["files"][0]["sha256"]
