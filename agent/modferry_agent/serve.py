"""Answer the host's requests over the wire until it leaves or falls silent."""

import os
import sys
import time

from modferry_agent import wire
from modferry_agent.compat import TYPE_CHECKING, native
from modferry_agent.errors import AgentError, FormatError, RequestError
from modferry_agent.greeting import greeting_values, home
from modferry_agent.link import box_link
from modferry_agent.parts import use_part
from modferry_agent.requests import TABLE
from modferry_agent.system.wireend import LineError, WireEnd, clock
from modferry_agent.values import decode_value, encode_value

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.jobs.push import Push  # noqa: F401

_POLL_S = 0.2
_PROGRESS_S = 0.25
# How long a new speed has to prove itself; what the last frame of the old one takes.
_SPEED_S = 2.0
_SETTLE_S = 0.06
# What of a file may wait in the link's queue while it is sent.
_QUEUE_LIMIT = 65536


class _TakenOverError(Exception):
    # Another host has the session: what this one asked for is nobody's any more.
    pass


class Service(object):
    """The agent's side of one session; also the `context` that jobs report to.

    lease_s: after that long without a frame from the host, the session is over
    """

    def __init__(self, end, link_id, lease_s):
        # type: (WireEnd, int, float) -> None
        """Begin a session on the line."""
        self._end = end
        self._lease_s = lease_s
        self._pushes = {}  # type: dict[int, Any]
        self._waiting = []  # type: list[bytes]
        self._request_id = 0
        self._reported = 0.0
        self._start(link_id)

    def _start(self, link_id):
        # type: (int) -> None
        self._abandon()
        self._waiting = []
        self._link = box_link(link_id, self._end.tty)
        self._link.last_heard = clock()
        greeting = dict(greeting_values(), lease_s=int(self._lease_s))
        self._send(kind="greeting", value=greeting)

    def _send(self, **message):
        # type: (**Any) -> None
        self._link.send(encode_value(message))

    def run(self):
        # type: () -> None
        """Serve until the host says goodbye; LineError if it is gone or silent."""
        try:
            while not self._link.closed:
                try:
                    self._exchange(_POLL_S)
                    while self._waiting:
                        self._answer(self._waiting.pop(0))
                except _TakenOverError:
                    continue
            self._link.send_control(wire.BYE)
            self._end.write(self._link.transmit(clock()))
        finally:
            self._abandon()

    def _exchange(self, timeout_s):
        # type: (float) -> None
        self._end.write(self._link.transmit(clock()))
        octets = self._end.read(timeout_s)
        now = clock()
        self._waiting.extend(self._link.receive(octets, now))
        if self._link.restart_id is not None:
            # A host that lost its session, or another one, begins anew.  It counts its
            # requests from 1, too: an answer to the old ones would pass for its own.
            self._start(self._link.restart_id)
            raise _TakenOverError
        self._end.write(self._link.transmit(now))
        if now - (self._link.last_heard or now) > self._lease_s:
            raise LineError("the host is silent")

    def progress(self, done, total, what):
        # type: (int, int, str) -> None
        """Tell the host how far a job is, and that the agent lives; cheap to call."""
        now = clock()
        if now - self._reported < _PROGRESS_S:
            return
        self._reported = now
        self._send(
            kind="progress", id=self._request_id, done=done, total=total, what=what
        )
        self._exchange(0)

    def _answer(self, octets):
        # type: (bytes) -> None
        message = decode_value(octets)
        identity = message["id"]
        try:
            if message["kind"] == b"chunk":
                self._take_chunk(identity, message)
            elif message["kind"] == b"request":
                self._request_id = identity
                for sha256 in message["parts"]:
                    use_part(home(), native(sha256))
                self._perform(identity, native(message["name"]), message["arguments"])
            else:
                raise RequestError("unknown kind of message: %r" % message["kind"])
        except (LineError, _TakenOverError):
            raise
        except AgentError as error:
            self._send(
                kind="error",
                id=identity,
                code=error.code,
                message=error.message,
                where=error.where,
                hint=error.hint,
                details=_plain(error.details),
            )
        except Exception:  # noqa: BLE001  (the edge: a bug must not end the session)
            error_type, error_value = sys.exc_info()[:2]
            self._send(
                kind="error",
                id=identity,
                code="internal",
                message="%s: %s" % (error_type and error_type.__name__, error_value),
                where="",
                hint="report it with the traceback that --trace shows",
                details={"traceback": _traceback()},
            )

    def _perform(self, identity, name, given):
        # type: (int, str, dict[str, Any]) -> None
        if name not in TABLE:
            raise RequestError("unknown request: %r" % name, code="unknown-request")
        request = TABLE[name]
        arguments = request.check(name, given)
        function = request.resolve()
        if name in ("push", "deliver"):
            push = function(**arguments)
            if push.present:
                value = push.finish()
                _record(push)
                self._reply(identity, value)
            else:
                self._pushes[identity] = push
                self._send(kind="ready", id=identity, **push.offer())
        elif name == "speed":
            self._change_speed(identity, function(**arguments))
        elif name == "pull":
            self._stream(identity, function(**arguments))
        elif request.time_class in ("slow", "load"):
            if "context" in _argument_names(function):
                arguments["context"] = self
            self._reply(identity, function(**arguments))
        else:
            self._reply(identity, function(**arguments))

    def _change_speed(self, identity, constant):
        # type: (int, int) -> None
        if not self._end.tty:
            raise RequestError("the line is no terminal's", code="no-speed")
        self._reply(identity, None)
        start = clock()
        while not self._link.idle and clock() - start < _SPEED_S:
            self._exchange(_POLL_S / 4)
        time.sleep(_SETTLE_S)
        before = self._end.set_speed(constant)
        heard, start = self._link.last_heard, clock()
        while self._link.last_heard == heard:
            if clock() - start > _SPEED_S:
                # The host is not heard at this speed: it goes back, too.
                self._end.set_speed(before)
                return
            self._exchange(_POLL_S / 4)

    def _reply(self, identity, value):
        # type: (int, Any) -> None
        self._send(kind="reply", id=identity, value=value)

    def _take_chunk(self, identity, message):
        # type: (int, dict[str, Any]) -> None
        push = self._pushes.get(identity)
        if push is None:
            return  # Refused already; the host had more on its way.
        try:
            if "plan" in message:
                push.begin(message["plan"])
            push.append(message["octets"])
            if message["last"]:
                value = push.finish()
                del self._pushes[identity]
                _record(push)
                self._reply(identity, value)
        except AgentError:
            self._pushes.pop(identity, push).abandon()
            raise

    def _stream(self, identity, source):
        # type: (int, tuple[int, int, Any]) -> None
        size, mode, chunks = source
        self._send(kind="ready", id=identity, size=size, mode=mode)
        import hashlib

        digest = hashlib.sha256()
        for octets in chunks:
            digest.update(octets)
            self._send(kind="chunk", id=identity, octets=octets)
            while self._link.unsent > _QUEUE_LIMIT:
                self._exchange(_POLL_S)
        self._reply(identity, {"sha256": digest.hexdigest()})

    def _abandon(self):
        # type: () -> None
        for identity in list(self._pushes):
            self._pushes.pop(identity).abandon()


def _record(push):
    # type: (Any) -> None
    # By its name: it is not of the base, which takes the part that has it.
    if ".ko" in os.path.basename(push.path):
        name = "modferry_agent.jobs.pushed"
        __import__(name)
        sys.modules[name].record_pushed(push.path, push.sha256, push.size)


def _argument_names(function):
    # type: (Any) -> tuple[str, ...]
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]  # type: tuple[str, ...]
    return names


def _plain(details):
    # type: (dict[str, Any]) -> dict[str, Any]
    plain = {}
    for key, value in details.items():
        try:
            encode_value(value)
        except TypeError:
            value = repr(value)
        plain[key] = value
    return plain


def serve(link_id, lease_s):
    # type: (int, float) -> int
    """Serve on descriptors 0 and 1; return the exit status."""
    end = WireEnd(lease_s)
    try:
        try:
            Service(end, link_id, lease_s).run()
        except LineError:
            return 1
        except FormatError:
            return 1
        return 0
    finally:
        end.close()
        _keep_code()


def _traceback():
    # type: () -> str
    # With all that it imports, a sixth of a start; where a bug left no descriptor to
    # import it with, its message has to do.
    try:
        import traceback

        return traceback.format_exc()
    except Exception:  # noqa: BLE001
        return ""


def _keep_code():
    # type: () -> None
    # The next session starts more quickly.  Not of the base: no session without a
    # request needs it.
    name = "modferry_agent.jobs.keepcode"
    try:
        __import__(name)
        sys.modules[name].keep()
    except (ImportError, EnvironmentError):
        pass
