"""A reliable stream of messages over frames that may be lost, repeated or damaged.

Selective repeat: the receiver acknowledges by the next sequence it waits for and a map
of what it holds beyond; the sender takes a frame for lost as soon as one sent later was
acknowledged, and needs its timer for the tail only.  What is on its way never exceeds
the window: a terminal keeps 4095 bytes that nobody reads, and drops the rest silently.

Messages go over the stream as a length of 32 bits and their bytes.  Pure: the caller
tells the time and carries the bytes.
"""

import struct

from modferry_agent import wire
from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.framesize import FRAME_COST, Loss, cut
from modferry_agent.inbox import LENGTH, MAP_BITS, Inbox
from modferry_agent.patience import Patience
from modferry_agent.wire import Frame

if TYPE_CHECKING:
    from typing import Callable  # noqa: F401  # novermin

    Encode = Callable[[Frame], bytes]

# Of the stated window, in bytes on the line: below N_TTY's 4095.
TTY_WINDOW = 3584
TTY_PAYLOAD = 512
PIPE_WINDOW = 1 << 20
PIPE_PAYLOAD = 16384

_ACK = struct.Struct(">Q")


class _Sent(object):
    # One frame on its way.
    __slots__ = ("encoded", "order", "payload", "sequence", "tries", "when")

    def __init__(self, sequence, payload, encoded):
        # type: (int, bytes, bytes) -> None
        self.sequence = sequence
        self.payload = payload
        self.encoded = encoded
        self.order = 0
        self.tries = 0
        self.when = 0.0


class Link(object):
    """One end of a link.

    link_id: 16 bits; frames of another id belong to an earlier session and are dropped
    encode: `wire.encode_to_host`, or what the host has for the other direction
    growth: how many times longer that makes a payload, at most and by and large
    decoder: the other direction's
    window: bytes on the line at most, as sent
    payload: bytes of a frame to begin with; adapted to the loss where `adapt`
    """

    def __init__(self, link_id, encode, growth, decoder, window, payload, adapt=True):
        # type: (int, Encode, float, wire.ToBoxDecoder, int, int, bool) -> None
        """Begin with nothing sent and nothing received."""
        self.link_id = link_id
        self.payload = payload
        self.resent = 0
        self.closed = False
        self.restart_id = None  # type: int | None
        self.acknowledged = 0
        self.last_heard = None  # type: float | None
        self._encode = encode
        self._growth = growth
        self._decoder = decoder
        self._window = window
        self._adapt = adapt
        self._loss = Loss()
        self._outbox = []  # type: list[bytes]
        self._queued = 0
        self._next = 0
        self._order = 0
        self._flying = []  # type: list[_Sent]
        self._in_flight = 0
        self._lost = []  # type: list[_Sent]
        self._control = []  # type: list[bytes]
        self._inbox = Inbox()
        self._timer = 0.0
        self._patience = Patience()

    # Sending.

    def send(self, message):
        # type: (bytes) -> None
        """Queue a message."""
        octets = LENGTH.pack(len(message)) + message
        self._outbox.append(octets)
        self._queued += len(octets)

    def send_control(self, kind, payload=b""):
        # type: (bytes, bytes) -> None
        """Queue a frame that is not acknowledged as data: PING, START or BYE."""
        self._control.append(self._encode(Frame(self.link_id, kind, 0, payload)))

    def speak(self, encode, growth):
        # type: (Encode, float) -> None
        """Encode by another alphabet from now on."""
        self._encode = encode
        self._growth = growth

    @property
    def unsent(self):
        # type: () -> int
        """Return how many bytes wait to be sent for the first time."""
        return self._queued

    @property
    def idle(self):
        # type: () -> bool
        """Say whether all that was sent has arrived."""
        return not (self._queued or self._flying or self._lost or self._control)

    def transmit(self, now):
        # type: (float) -> bytes
        """Return the bytes to put on the line now."""
        out = self._control
        self._control = []
        if (
            self._flying
            and not self._lost
            and now >= self._timer + self._patience.timeout_s
        ):
            # The tail is gone or its acknowledgement: ask with one frame, not with all.
            self._patience.lengthen()
            self._timer = now
            self._take_for_lost(min(self._flying, key=lambda sent: sent.sequence))
        while self._lost:
            sent = self._lost.pop(0)
            self.resent += 1
            if sent.tries > 1 and self._adapt:
                sent.encoded = self._in_pieces(sent)
            out.append(self._launch(sent, now))
        while self._queued and self._in_flight + self._widest() < self._window:
            payload = self._cut()
            encoded = self._encode(
                Frame(self.link_id, wire.DATA, self._next & 0xFFFF, payload)
            )
            sent = _Sent(self._next, payload, encoded)
            self._next += 1
            out.append(self._launch(sent, now))
        return b"".join(out)

    def _in_pieces(self, sent):
        # type: (_Sent) -> bytes
        # The line has become worse than a frame of that size can pass: it goes in
        # smaller ones, and the peer keeps those that arrive.
        pieces = []
        for octets in cut(sent.payload, self.payload, sent.tries):
            frame = Frame(self.link_id, wire.PIECE, sent.sequence & 0xFFFF, octets)
            pieces.append(self._encode(frame))
        return b"".join(pieces)

    def _widest(self):
        # type: () -> int
        return int(self.payload * self._growth) + FRAME_COST

    def _launch(self, sent, now):
        # type: (_Sent, float) -> bytes
        if not self._flying:
            self._timer = now
        self._order += 1
        sent.order = self._order
        sent.tries += 1
        sent.when = now
        self._flying.append(sent)
        self._in_flight += len(sent.encoded)
        return sent.encoded

    def _take_for_lost(self, sent):
        # type: (_Sent) -> None
        self._flying.remove(sent)
        self._in_flight -= len(sent.encoded)
        self._lost.append(sent)
        if self._adapt:
            self.payload = self._loss.best_payload(1, len(sent.encoded))

    def _cut(self):
        # type: () -> bytes
        pieces, wanted = [], self.payload
        while wanted and self._outbox:
            head = self._outbox[0]
            if len(head) <= wanted:
                pieces.append(head)
                self._outbox.pop(0)
            else:
                pieces.append(head[:wanted])
                self._outbox[0] = head[wanted:]
            wanted -= len(pieces[-1])
        payload = b"".join(pieces)
        self._queued -= len(payload)
        return payload

    # Receiving.

    def receive(self, octets, now):
        # type: (bytes, float) -> list[bytes]
        """Take bytes from the line and return the messages they complete."""
        answer = False
        for frame in self._decoder.feed(octets):
            if frame.kind == wire.START:
                self.restart_id = frame.link_id
                self.last_heard = now
                continue
            if frame.link_id != self.link_id:
                continue
            self.last_heard = now
            if frame.kind == wire.DATA:
                answer = True
                self._inbox.accept(frame)
            elif frame.kind == wire.PIECE:
                answer = True
                self._inbox.accept_piece(frame)
            elif frame.kind == wire.ACK:
                self.acknowledged += 1
                self._acknowledge(frame, now)
            elif frame.kind == wire.PING:
                answer = True
            elif frame.kind == wire.BYE:
                self.closed = True
        if answer:
            self._control.append(self._acknowledgement())
        try:
            return self._inbox.messages()
        except ValueError:
            self.closed = True
            return []

    def take_text(self):
        # type: () -> bytes
        """Return the console text that came between and within the frames."""
        return self._decoder.take_text()

    def _acknowledgement(self):
        # type: () -> bytes
        expected = self._inbox.expected & 0xFFFF
        held = _ACK.pack(self._inbox.held())
        return self._encode(Frame(self.link_id, wire.ACK, expected, held))

    def _acknowledge(self, frame, now):
        # type: (Frame, float) -> None
        if len(frame.payload) != _ACK.size:
            return
        held = _ACK.unpack(frame.payload)[0]
        # The peer's next sequence, as near to ours as 16 bits allow.
        expected = self._next - ((self._next - frame.sequence) & 0xFFFF)
        self._lost = [s for s in self._lost if not _holds(expected, held, s.sequence)]
        newest = 0
        flying = []
        for sent in self._flying:
            if _holds(expected, held, sent.sequence):
                self._in_flight -= len(sent.encoded)
                newest = max(newest, sent.order)
                self._timer = now
                if self._adapt:
                    self.payload = self._loss.best_payload(0, len(sent.encoded))
                # One sent twice may be acknowledged for the first of them (Karn).
                if sent.tries == 1:
                    self._patience.learn(now - sent.when)
            else:
                flying.append(sent)
        self._flying = flying
        if newest:
            self._patience.renew()
        for sent in [s for s in flying if s.order < newest]:
            self._take_for_lost(sent)


def _holds(expected, held, sequence):
    # type: (int, int, int) -> bool
    ahead = sequence - expected - 1
    return ahead < -1 or 0 <= ahead < MAP_BITS and bool(held >> ahead & 1)


def box_link(link_id, tty):
    # type: (int, bool) -> Link
    """Return the box's end, on a terminal line or on a pipe."""
    window, payload = (TTY_WINDOW, TTY_PAYLOAD) if tty else (PIPE_WINDOW, PIPE_PAYLOAD)
    encode, growth, decoder = wire.encode_to_host, wire.BASE64_GROWTH, wire.ToBoxDecoder
    return Link(link_id, encode, growth, decoder(), window, payload, adapt=tty)
