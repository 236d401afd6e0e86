"""The receiving half of a link: frames into order, the stream into messages."""

import struct

from modferry_agent.compat import TYPE_CHECKING

if TYPE_CHECKING:
    from modferry_agent.wire import Frame  # noqa: F401  # novermin

LENGTH = struct.Struct(">I")
# In front of a piece of a frame: its offset in the frame's payload, the whole's size.
PIECE = struct.Struct(">HH")
MESSAGE_LIMIT = 1 << 26
# Frames held beyond the one waited for; the acknowledgement's map has as many bits.
MAP_BITS = 64


class Inbox(object):
    """Takes data frames in any order, gives messages in theirs.

    expected: the sequence waited for, counted on beyond 16 bits
    """

    def __init__(self):
        # type: () -> None
        """Begin at sequence 0."""
        self.expected = 0
        self._early = {}  # type: dict[int, bytes]
        self._cut = {}  # type: dict[int, dict[int, bytes]]
        self._pieces = []  # type: list[bytes]
        self._stream = b""

    def accept(self, frame):
        # type: (Frame) -> None
        """Take a data frame; one that came before, or too early, is dropped."""
        distance = (frame.sequence - self.expected) & 0xFFFF
        if distance == 0:
            self._pieces.append(frame.payload)
            self._cut.pop(frame.sequence, None)
            self.expected += 1
            while self.expected in self._early:
                self._pieces.append(self._early.pop(self.expected))
                self.expected += 1
        elif distance <= MAP_BITS:
            self._early[self.expected + distance] = frame.payload

    def accept_piece(self, frame):
        # type: (Frame) -> None
        """Take a piece of a data frame; the frame is taken when all of it is there."""
        distance = (frame.sequence - self.expected) & 0xFFFF
        if distance > MAP_BITS or len(frame.payload) <= PIECE.size:
            return
        at, total = PIECE.unpack(frame.payload[: PIECE.size])
        pieces = self._cut.setdefault(frame.sequence, {})
        pieces[at] = frame.payload[PIECE.size :]
        payload, end = [], 0
        for start in sorted(pieces):
            # The sender may have cut it anew, at other places.
            if start > end:
                return
            payload.append(pieces[start][end - start :])
            end = max(end, start + len(pieces[start]))
        if end == total:
            del self._cut[frame.sequence]
            frame.payload = b"".join(payload)
            self.accept(frame)

    def held(self):
        # type: () -> int
        """Return the map of the frames held: bit 0 is the one after `expected`."""
        held = 0
        for sequence in self._early:
            held |= 1 << (sequence - self.expected - 1)
        return held

    def messages(self):
        # type: () -> list[bytes]
        """Return the messages that are complete.

        ValueError if the stream announces one beyond the limit: it is not ours.
        """
        if not self._pieces:
            return []
        self._stream += b"".join(self._pieces)
        self._pieces = []
        messages = []
        at = 0
        while len(self._stream) - at >= LENGTH.size:
            length = LENGTH.unpack(self._stream[at : at + LENGTH.size])[0]
            if length > MESSAGE_LIMIT:
                raise ValueError("a message of %d bytes" % length)
            end = at + LENGTH.size + length
            if len(self._stream) < end:
                break
            messages.append(self._stream[at + LENGTH.size : end])
            at = end
        self._stream = self._stream[at:]
        return messages
