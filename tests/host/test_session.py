"""A session with a shell on a pseudo terminal, from whatever is on its console."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modferry.channel import Channel
from modferry.core.events import ConsoleText, Event
from modferry.errors import ModferryError, ReplyError, TransportError
from modferry.fleet.inventory import Box, resolve
from modferry.secrets import Source
from modferry.session import Session
from support.fakebox import FakeBox, home_of

KERNEL_LINE = b"[   12.345678] practice: a line of the kernel\r\n"


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("secret\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def box_of(tmp_path: Path, secret_file: Path):
    def make(fake: FakeBox, **console: object) -> Box:
        box = resolve(fake.address)
        login = {"login_timeout_s": 4.0} | console
        profile = replace(
            box.profile,
            directories=home_of(tmp_path),
            python=(sys.executable,),
            console=replace(box.profile.console, **login),
        )
        return replace(box, profile=profile, password=Source(file=str(secret_file)))

    return make


@pytest.fixture(params=[("sh", "-i"), ("bash", "--norc", "-i"), ("busybox", "sh")])
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


def test_a_getty_is_logged_in_at_and_left_as_it_was(box_of, shell):
    with FakeBox(shell=shell) as fake:
        fake.wait_for(b"login: ", 5)
        modes = fake.modes()

        with Session.open(box_of(fake)) as session:
            release = session.greeting["release"]
            del fake.said[:]

        fake.wait_for(b"login: ", 10)
        assert release == os.uname().release
        assert fake.modes() == modes


def test_the_second_contact_sends_no_agent(box_of):
    with FakeBox() as fake:
        with Session.open(box_of(fake)):
            pass
        events: list[Event] = []
        with Session.open(box_of(fake), events=events.append) as session:
            assert session.greeting["sha256"]

    assert not any("NEED" in e.text for e in events if isinstance(e, ConsoleText))


def test_a_half_typed_line_in_an_open_shell_is_not_run(box_of, tmp_path, shell):
    trap = tmp_path / "trap"
    with FakeBox(shell=shell, logged_in=True) as fake:
        fake.wait_for(b"#", 5) if shell[0] == "sh" else time.sleep(1)
        fake.type(b"touch " + str(trap).encode())
        time.sleep(0.2)

        with Session.open(box_of(fake)) as session:
            assert session.request("hash", path="/nonexistent") is None

    assert not trap.exists()


def test_an_open_quote_in_an_open_shell_is_got_out_of(box_of):
    with FakeBox(logged_in=True) as fake:
        fake.wait_for(b"#", 5)
        fake.type(b"echo 'never closed\r")
        time.sleep(0.2)

        with Session.open(box_of(fake)) as session:
            assert session.greeting["protocol"]


def test_a_booting_box_is_waited_for(box_of):
    with FakeBox(delay_s=4.0) as fake:
        with Session.open(box_of(fake)) as session:
            assert session.greeting["protocol"]


def test_coloured_prompts_and_bracketed_paste_do_no_harm(box_of):
    prompt = r"PS1='\[\e[1;32m\]root@box\[\e[0m\]:\w# ' exec bash --norc -i"
    with FakeBox(shell=("sh", "-c", prompt)) as fake:
        with Session.open(box_of(fake)) as session:
            assert session.greeting["protocol"]


def test_a_wrong_password_says_so(box_of, secret_file):
    secret_file.write_text("wrong\n")
    with FakeBox() as fake:
        with pytest.raises(TransportError, match="refuses the password") as caught:
            with Session.open(box_of(fake)):
                pass

        assert "--password-file" in caught.value.next_step


def test_no_password_at_hand_says_so(box_of):
    with FakeBox() as fake:
        box = replace(box_of(fake), password=Source())

        with pytest.raises(TransportError, match="asks for the password"):
            with Session.open(box):
                pass


def test_a_silent_line_says_so_within_its_time(box_of):
    with FakeBox(shell=("sleep", "100"), logged_in=True, to_box=lambda _: b"") as fake:
        start = time.monotonic()

        with pytest.raises(TransportError, match="nothing is on the line"):
            with Session.open(box_of(fake)):
                pass

        assert time.monotonic() - start < 15


def test_a_line_of_another_speed_says_so(box_of):
    def garble(octets: bytes) -> bytes:
        return bytes(octet * 7 & 0xFF | 0x81 for octet in octets)

    with FakeBox(to_host=garble, to_box=garble) as fake:
        with pytest.raises(TransportError, match="no text") as caught:
            with Session.open(box_of(fake)):
                pass

        assert "baud" in caught.value.next_step


def test_a_box_without_python_does_with_its_shell(box_of, tmp_path):
    with FakeBox() as fake:
        box = box_of(fake)
        box = replace(box, profile=replace(box.profile, python=("/no/python",)))

        with Session.open(box) as session:
            assert session.greeting["python"] is None
            session.push(b"content", str(tmp_path / "file"))

    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_python_that_fails_is_passed_over(box_of, tmp_path):
    broken = tmp_path / "broken-python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with FakeBox() as fake:
        box = box_of(fake)
        python = (str(broken), sys.executable)

        with Session.open(
            replace(box, profile=replace(box.profile, python=python))
        ) as session:
            assert session.greeting["protocol"]


def test_the_agent_goes_where_there_is_room(box_of, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with FakeBox() as fake:
        box = box_of(fake)
        homes = (f"{blocked}/modferry", f"{tmp_path}/second/modferry")

        with Session.open(
            replace(box, profile=replace(box.profile, directories=homes))
        ) as session:
            assert session.greeting["archive"].startswith(homes[1])


def test_kernel_lines_come_out_whole_and_not_in_the_file(box_of, tmp_path):
    content = os.urandom(100_000)
    target = tmp_path / "pushed.ko.bin"
    events: list[Event] = []
    with FakeBox() as fake:
        ended = False

        def chatter() -> Iterator[None]:
            while not ended:
                fake.print(KERNEL_LINE)
                time.sleep(0.05)
                yield

        talk = threading.Thread(target=lambda: list(chatter()), daemon=True)
        talk.start()
        with Session.open(box_of(fake), events=events.append) as session:
            session.push(content, str(target))
        ended = True
        talk.join()

    lines = [e.text for e in events if isinstance(e, ConsoleText)]
    assert target.read_bytes() == content
    assert lines.count(KERNEL_LINE.decode().strip()) > 5


def test_a_killed_host_leaves_a_shell_and_no_partial_file(box_of, tmp_path, root):
    target = tmp_path / "half.bin"
    slow = f"""
import sys
sys.path[:0] = [{str(root / "host")!r}, {str(root / "agent")!r}]
import random
from dataclasses import replace
from modferry.fleet.inventory import resolve
from modferry.secrets import Source
from modferry.session import Session
box = resolve(sys.argv[1])
profile = replace(box.profile, directories=({str(tmp_path / "modferry")!r},),
                  python=({sys.executable!r},))
box = replace(box, profile=profile, password=Source(file=sys.argv[2]))
with Session.open(box) as session:
    session._side._ask("push", dict(path={str(target)!r}, size=10, sha256="0" * 64))
    session._side._channel.exchange()
    session._side._channel.exchange()
    print("pushing", flush=True)
    import time
    time.sleep(100)
"""
    with FakeBox() as fake:
        arguments = [fake.address, str(tmp_path / "password")]
        host = subprocess.Popen(
            [sys.executable, "-c", slow, *arguments], stdout=subprocess.PIPE
        )
        assert host.stdout is not None
        assert host.stdout.readline() == b"pushing\n"
        part = target.parent / ".half.bin.modferry-part"
        assert part.exists()
        del fake.said[:]

        host.send_signal(signal.SIGKILL)
        host.wait()

        fake.wait_for(b"login: ", 30)
        assert not target.exists()
        assert not part.exists()
        with Session.open(box_of(fake)) as session:
            assert session.push(b"0123456789", str(target))["changed"]
        assert target.read_bytes() == b"0123456789"


def test_an_agent_left_by_a_dead_host_is_taken_over(box_of, monkeypatch):
    with FakeBox() as fake:
        monkeypatch.setattr(Channel, "leave", lambda self: None)
        with Session.open(box_of(fake)) as first:
            pid = first.greeting["pid"]

        with Session.open(box_of(fake)) as second:
            assert second.greeting["pid"] == pid
            assert second.request("hash", path="/nonexistent") is None


def test_an_agent_at_work_for_a_dead_host_is_taken_over(box_of, monkeypatch):
    monkeypatch.setattr(Channel, "leave", lambda self: None)
    with FakeBox() as fake:
        with Session.open(box_of(fake)) as first:
            # Nobody acknowledges what the agent sends: it says it again and again.
            first._side._ask("pull", {"path": sys.executable})
            first._side._channel._transmit(time.monotonic())
        with Session.open(box_of(fake)) as second:
            assert second.pull("/bin/sh") == Path("/bin/sh").read_bytes()


def test_an_error_of_the_agent_has_all_its_parts(box_of):
    with FakeBox() as fake:
        with Session.open(box_of(fake)) as session:
            with pytest.raises(ReplyError) as caught:
                session.pull("/nonexistent/file")

    error: ModferryError = caught.value
    assert error.message == "there is no such file"
    assert "/nonexistent/file" in error.where
    assert error.next_step
