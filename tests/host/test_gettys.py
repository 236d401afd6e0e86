"""busybox's getty with real shells behind it; the practice box has the others."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from modferry.fleet.inventory import resolve
from modferry.secrets import Source
from modferry.session import Session
from support.fakebox import FakeBox, home_of

GETTY = "busybox getty -l {login} 115200 - vt100"

# As login(1): asks, shows the message of the day, forbids messages, runs the shell.
LOGIN = """#!/bin/sh
if [ -n "{password}" ]; then
    stty -echo
    printf 'Password: '
    read -r given
    stty echo
    echo
    if [ "$given" != "{password}" ]; then echo 'Login incorrect'; sleep 1; exit 1; fi
fi
echo 'Linux box 2.6.32-5-686 #1 SMP i686'
echo
echo 'The programs included with this system are free software > see # below $'
echo 'Last login: Mon Nov 23 10:00:00 on ttyS0'
echo 'You have mail.'
mesg n
stty cols 80
export TERM=vt100 {environment}
exec {shell}
"""

SHELLS = {
    "dash": ("dash -i", ""),
    "busybox ash": ("busybox ash -i", ""),
    "bash with colours": (
        "bash --norc -i",
        r"""PS1='\[\e[1;31m\]\u@\h\[\e[0m\]:\[\e[34m\]\w\[\e[0m\]\$ '""",
    ),
    "a long prompt": ("busybox ash -i", f"PS1='{'~/very/long/path' * 5}# '"),
}


@pytest.mark.parametrize(
    ("shell", "password"), [*((shell, "secret") for shell in SHELLS), ("dash", "")]
)
def test_an_agent_starts_from_a_getty_and_leaves_it_as_it_was(
    tmp_path, shell, password
):
    command, environment = SHELLS[shell]
    login = tmp_path / "login"
    login.write_text(
        LOGIN.format(password=password, shell=command, environment=environment)
    )
    login.chmod(0o755)
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    secret.chmod(0o600)
    loop = f"while :; do {GETTY.format(login=login)}; done"
    with FakeBox(shell=("sh", "-c", loop), logged_in=True) as fake:
        box = resolve(fake.address)
        profile = replace(
            box.profile, directories=home_of(tmp_path), python=(sys.executable,)
        )
        box = replace(box, profile=profile, password=Source(file=str(secret)))

        with Session.open(box) as session:
            assert session.request("hash", path="/nonexistent") is None
            del fake.said[:]

        fake.wait_for(b"login: ", 15)
