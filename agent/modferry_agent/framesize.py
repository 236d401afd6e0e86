"""How much a frame holds on a line that loses some of them."""

from modferry_agent.inbox import PIECE

_SMALLEST_PAYLOAD = 96
_LARGEST_PAYLOAD = 1000
# What a frame costs beside its payload: body, marks, key, some escapes.
FRAME_COST = 18
# The loss is estimated over about so many frames, beginning as if one in so many bytes.
_MEMORY_FRAMES = 64.0
_FIRST_LOSS_BYTES = 24576.0


class Loss(object):
    """What a line has lost lately, and of how much."""

    def __init__(self):
        # type: () -> None
        """Begin with a guess."""
        self._losses = 1.0
        self._carried = _FIRST_LOSS_BYTES

    def best_payload(self, losses, octets):
        # type: (int, int) -> int
        """Add frames that were lost or arrived; return what one should hold now.

        With a loss every m bytes a payload of n costs a frame's cost per n bytes and n
        bytes per m: least where n is the root of cost times m.
        """
        keep = 1 - 1 / _MEMORY_FRAMES
        self._losses = self._losses * keep + losses
        self._carried = self._carried * keep + octets
        best = int((FRAME_COST * self._carried / max(self._losses, 0.01)) ** 0.5)
        return min(max(best, _SMALLEST_PAYLOAD), _LARGEST_PAYLOAD)


def cut(payload, largest, tries):
    # type: (bytes, int, int) -> list[bytes]
    """Return the pieces, `PIECE` in front, of a frame that was lost so many times.

    Each try halves them, and begins with another one: what has deafened the box may
    come back at the same time after each beginning.  Of a small frame the later tries
    send all pieces two or three times: the timer lets the line lie idle for longer than
    that takes.
    """
    total = len(payload)
    size = min(largest, max(total >> (tries - 1), 128))
    pieces = []
    for at in range(0, total, size):
        pieces.append(PIECE.pack(at, total) + payload[at : at + size])
    first = tries % len(pieces)
    # A reader that is away must not be flooded.
    pieces *= max(1, min(tries // 4 + 1, _LARGEST_PAYLOAD // total))
    return pieces[first:] + pieces[:first]
