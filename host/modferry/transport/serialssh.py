"""A serial port of another machine, through SSH, with nothing installed there."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from modferry.core import linepump
from modferry.core.address import SCHEMES, Address
from modferry.core.profile import Profile
from modferry.core.profilekeys import replaced, with_address
from modferry.errors import TransportError, UsageError
from modferry.secrets import Secrets
from modferry.transport.base import Finishing, Kind, Stderr, Transport
from modferry.transport.opening import Means, open_transport

SSH_OPTIONS = SCHEMES["ssh"].options
BREAK_S = 0.25
TELL_S = 10.0
CLOSE_S = 2.0
"""The lock is given back when the script there has ended."""


class LineOverSsh:
    """A line whose near end is a script on another machine."""

    kind: Kind = "tty"

    def __init__(
        self,
        gateway: Transport,
        address: Address,
        came: bytes,
        open_shell: Callable[[], Transport],
    ) -> None:
        """Take over a link to a script that carries bytes; some came already.

        open_shell: returns a link to another shell there.
        """
        self.name = address.place
        self._device = address.path
        self._gateway = gateway
        self._came = came
        self._open_shell = open_shell
        self._shell: Transport | None = None
        self._closed = False

    def read(self, timeout_s: float) -> bytes:
        """Return what came; ``b""`` if nothing did in time."""
        if self._came:
            came, self._came = self._came, b""
            return came
        return self._gateway.read(timeout_s)

    def write(self, octets: bytes) -> None:
        """Send all."""
        self._gateway.write(octets)

    def send_break(self, duration_s: float = BREAK_S) -> None:
        """Hold the line low for a quarter of a second; there is no other time there."""
        self._tell(linepump.break_command(self._device))

    def set_baud(self, baud: int) -> None:
        """Change the speed of the port."""
        self._tell(linepump.speed_command(self._device, baud))

    def prepare(self) -> None:
        """Open what `send_break` and `set_baud` go over, so that they take no time."""
        if self._shell is None:
            self._shell = self._open_shell()

    def _tell(self, command: str) -> None:
        self.prepare()
        shell, self._shell = self._shell, None
        assert shell is not None  # noqa: S101 - `prepare` opens it
        try:
            self._told(shell, command)
        except TransportError:
            # Its answer might come yet, and be taken for that to the next command.
            shell.close()
            raise
        self._shell = shell

    def _told(self, shell: Transport, command: str) -> None:
        shell.write(linepump.told(command))
        came = b""
        limit = time.monotonic() + TELL_S
        while (done := linepump.DONE.search(came)) is None:
            if time.monotonic() > limit:
                raise TransportError(f"the shell beside {self.name} does not answer")
            came += shell.read(0.2)
        if done[1] != b"0":
            raise TransportError(
                f"{self.name} cannot be changed",
                why=done[2].decode("utf-8", "replace").strip(),
            )

    def stderr_text(self) -> str:
        """Return what the gateway wrote to stderr."""
        gateway = self._gateway
        return gateway.stderr_text() if isinstance(gateway, Stderr) else ""

    def close(self) -> None:
        """Let go of the line, and wait until the gateway has put it back."""
        if self._closed:
            return
        self._closed = True
        _end(self._gateway)
        if self._shell is not None:
            self._shell.close()


def _end(gateway: Transport) -> None:
    if isinstance(gateway, Finishing):
        gateway.finish(CLOSE_S)
    gateway.close()


def open_link(address: Address, profile: Profile, means: Means) -> LineOverSsh:
    """Return a link over a serial port of the machine that the address names."""
    profile = with_address(profile, address)
    over_ssh = replace(
        address,
        scheme="ssh",
        path="",
        options={
            name: value
            for name, value in address.options.items()
            if name in SSH_OPTIONS or name.startswith("ssh.")
        },
    )
    # The profile is the box's, and so is its password: neither is for the gateway.
    open_shell = partial(
        open_transport,
        over_ssh,
        replaced(Profile(), {"login.user": getpass.getuser()}),
        secrets=Secrets(ask=means.secrets.ask),
        accept_new=means.accept_new,
    )
    gateway = open_shell()
    try:
        came = _started(gateway, address, profile)
    except BaseException:
        _end(gateway)
        raise
    link = LineOverSsh(gateway, address, came, open_shell)
    console = profile.console
    if (console.top_baud or 0) > console.baud:
        # A box that has gone up waits for us only for a moment.
        try:
            link.prepare()
        except BaseException:
            link.close()
            raise
    return link


def _started(gateway: Transport, address: Address, profile: Profile) -> bytes:
    """Start the script; return what came of the line already."""
    gateway.write(linepump.script(address.path, profile.console))
    came = b""
    limit = time.monotonic() + profile.timeouts.connect_s
    while (answer := linepump.ANSWER.search(came)) is None:
        if time.monotonic() > limit:
            raise TransportError(
                f"{address.place} does not open",
                where=f'address "{address.text}"',
                why=f"the shell there said {came[-200:]!r}",
                next_step="log in there, and see that it is a POSIX shell",
            )
        came += gateway.read(0.2)
    said = (answer[2] or b"").decode("utf-8", "replace").strip()
    if answer[1] != b"ok":
        raise _refused(address, answer[1].decode(), said)
    return came[answer.end() :]


def _refused(address: Address, what: str, said: str) -> TransportError | UsageError:
    if what == "held":
        number, _, name = said.partition(" ")
        who = f"process {number} ({name})" if int(number) else "another process"
        return TransportError(
            f"{address.place} is in use",
            where=f'address "{address.text}"',
            why=f"{who} of {address.host} holds it",
            next_step="end it, or use its connection",
        )
    if what == "unset":
        return UsageError(
            f"{address.place} cannot be set as asked",
            where=f'address "{address.text}"',
            why=said,
        )
    return TransportError(
        f"no serial line at {address.place}",
        where=f'address "{address.text}"',
        why=said,
        next_step="see there that the adapter is plugged in, and that the user may "
        "use it: ls -l /dev/ttyS* /dev/ttyUSB*; id",
    )
