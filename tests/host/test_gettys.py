"""busybox's getty and mgetty with real shells; the practice box has the others."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
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
    "bash, coloured": (
        "bash --norc -i",
        r"""PS1='\[\e[1;31m\]\u@\h\[\e[0m\]:\[\e[34m\]\w\[\e[0m\]\$ '""",
    ),
    "a long prompt": ("busybox ash -i", f"PS1='{'~/very/long/path' * 5}# '"),
}


@pytest.fixture
def session_with(tmp_path):
    """Return a function that gives the password and works in a session with a box."""
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    secret.chmod(0o600)

    def work(fake: FakeBox, says: bytes = b"login: ") -> bytes:
        box = resolve(fake.address)
        profile = replace(
            box.profile, directories=home_of(tmp_path), python=(sys.executable,)
        )
        box = replace(box, profile=profile, password=Source(file=str(secret)))
        with Session.open(box) as session:
            assert session.request("hash", path="/nonexistent") is None
            said = bytes(fake.said)
            del fake.said[:]
        fake.wait_for(says, 15)
        return said

    return work


def login_script(folder, shell, environment="", password="secret"):
    path = folder / "login"
    path.write_text(
        LOGIN.format(password=password, shell=shell, environment=environment)
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("shell", "password"), [*((shell, "secret") for shell in SHELLS), ("dash", "")]
)
def test_an_agent_starts_from_a_getty_and_leaves_it_as_it_was(
    tmp_path, session_with, shell, password
):
    login = login_script(tmp_path, *SHELLS[shell], password)
    loop = f"while :; do {GETTY.format(login=login)}; done"
    with FakeBox(shell=("sh", "-c", loop), logged_in=True) as fake:
        said = session_with(fake)

    # Bracketed paste, which bash switches on by itself since 5.1.
    assert (b"\x1b[?2004h" in said) is (shell == "bash, coloured")


def slow_echo(octets: bytes) -> bytes:
    """Let a box's text come late, each character by 3 ms; its frames do not."""
    time.sleep(0.003 * sum(octet < 0x80 for octet in octets))
    return octets


@pytest.mark.parametrize("password", ["secret", ""])
def test_a_box_that_echoes_slowly_is_waited_for(tmp_path, session_with, password):
    login = login_script(tmp_path, *SHELLS["dash"], password)
    loop = f"while :; do {GETTY.format(login=login)}; done"
    with FakeBox(shell=("sh", "-c", loop), logged_in=True, to_host=slow_echo) as fake:
        session_with(fake)


# A getty makes the terminal its session's, which must be nobody's then.
WITHOUT_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGHUP, signal.SIG_IGN)
fcntl.ioctl(0, termios.TIOCNOTTY)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
MGETTY = """
mount --bind {config} /etc/mgetty/login.config
while :; do echo BEGINS; setsid -w /sbin/mgetty -r -s 115200 $(tty | cut -c6-); done
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mgetty and mount namespaces: root")
@pytest.mark.parametrize("password", ["secret", ""])
def test_mgetty_is_logged_in_at(tmp_path, session_with, password):
    """It says nothing until something comes, and then asks in words of its own."""
    if shutil.which("mgetty", path="/sbin:/usr/sbin") is None:
        pytest.skip("no mgetty: apt install mgetty")
    login = login_script(tmp_path, *SHELLS["dash"], password)
    config = tmp_path / "login.config"
    config.write_text(f"* - - {login} @\n")
    config.chmod(0o600)
    script = MGETTY.format(config=config)
    apart = ("unshare", "--mount", sys.executable, "-c", WITHOUT_TERMINAL)
    with FakeBox(shell=(*apart, "sh", "-c", script), logged_in=True) as fake:
        session_with(fake, says=b"BEGINS")
        # It asks once something comes, and misses what comes while it starts.
        del fake.said[:]
        for _ in range(30):
            fake.type(b"\r")
            with contextlib.suppress(TimeoutError):
                fake.wait_for(b"login: ", 0.5)
                break
        assert b"login: " in fake.said
