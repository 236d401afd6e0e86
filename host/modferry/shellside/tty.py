"""A shell behind a terminal, which loses and garbles: asked until all is whole.

At the other end runs the program of `core.lineshell`.  Each line is summed, each step
is done once, and what did not come is asked for again, in smaller pieces the more is
lost.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass

from modferry.core.lineshell import SMALL_BYTES, decode_piece, encode_piece
from modferry.errors import ReplyError, TransportError
from modferry.shellside.asker import ANSWER_BYTES, PATIENCE_S, Asker
from modferry.shellside.summed import Summed
from modferry.shellside.way import Taker, Told, quoted

FIRST_PAUSE_S, MOST_PAUSE_S = 0.02, 1.0
"""Between two questions whether a script has ended."""

ASK_LIMIT_S = 60.0
PIECE_BYTES = 1440
LEAST_BYTES = 24
"""Of a text in one line; multiples of 3, so that base64 fills up the last one only."""

BLOCK_BYTES, LEAST_BLOCK_BYTES = 4096, 32
WAITED_S = 60.0
"""A script of which so much is expected keeps the program from answering."""

WINDOW = 8
"""As many lines are on their way at once."""

BAD_TRIES = 3
PLACES = "/tmp, /run, /dev/shm, /var/tmp"  # noqa: S108 - on the box
PORTION_BYTES = 128 << 10
"""Of contents in one answer: the box holds it, maybe in its memory."""


@dataclass(frozen=True, slots=True)
class State:
    """How far the program is.

    step: the last one that was begun.  count: its pieces that came.
    state: open, run, done, bad, full.
    status, size, sum: of the output, once it is done.
    """

    step: int
    count: int
    state: str
    status: str
    size: int
    sum: str


def state_of(words: list[str]) -> State | None:
    """Return the state that a line tells; None: it is another line."""
    try:
        step, count, state, status, size, summed, _asked = words
        return State(int(step), int(count), state, status, int(size), summed)
    except ValueError:
        return None


class Terminal:
    """The shell of one box, behind a terminal.

    line: to the program.  timeout_s: in place of each command's own limit.
    """

    portion_bytes = PORTION_BYTES

    def __init__(self, line: Asker, box: str, timeout_s: float | None = None) -> None:
        """Take over a program that waits for lines."""
        self.tools: Mapping[str, str] = {}
        self._box = box
        self._line = line
        self._timeout_s = timeout_s
        self._step = self._asked = 0
        self._piece = PIECE_BYTES
        self._block = SMALL_BYTES
        self._forms, self._armour, self._sum, self._place = "b", "6", "cksum", ""

    @property
    def scratch(self) -> str:
        """Return the path of a directory that goes with the shell."""
        return f"{self._place}/work"

    def enter(self, text: str) -> None:
        """Begin: learn what the box can, and have the shell run the text itself."""
        told = self._line.find_out()
        self._forms, self._armour, self._sum, *place = (*told, "", "", "")[:4]
        self._place = "".join(place)
        if not self._place:
            raise self._full()
        self.say(text)

    def say(self, text: str) -> None:
        """Have the shell itself run a text; when this returns it has."""
        self._do(text.encode("latin-1") + b"\n", "e", ASK_LIMIT_S)

    def run(self, script: str, take: Taker, limit_s: float) -> int:
        """Run a script in a shell below it; return its status."""
        limit_s = self._timeout_s or limit_s
        how = "w" if limit_s <= WAITED_S else "r"
        state = self._do(script.encode("latin-1") + b"\n", how, limit_s)
        self._fetch(state, take, limit_s, asked=how == "r")
        return int(state.status)

    def put(
        self, path: str, content: bytes, told: Told, limit_s: float
    ) -> tuple[int, bytes]:
        """Write a new file; return the status, and what was said if it is not 0."""
        self._do(content, "k", self._timeout_s or limit_s, told)
        said: list[bytes] = []
        script = (
            f"exec 2>&1\ncat {self._place}/f >{quoted(path)}&&rm -f {self._place}/f"
        )
        return self.run(script, said.append, limit_s), b"".join(said)

    def leave(self) -> None:
        """End the program; the terminal is then put back as it was."""
        self._line.leave()

    # The text is at work there, once, when this returns, or done.
    def _do(
        self,
        content: bytes,
        how: str,
        limit_s: float,
        told: Told = lambda _done, _total: None,
    ) -> State:
        form, packed = self._forms[-1], content
        if form == "z":
            packed = gzip.compress(content, 9)
        order = f"{self._hash(content)} {how}"
        for _ in range(BAD_TRIES):
            state = self._deliver(packed, form, order, told, limit_s)
            if state.state != "bad":
                return self._done(state, limit_s)
        raise TransportError(
            "what arrives is not what was sent",
            where=self._box,
            why=f"{BAD_TRIES} times its sum was another",
            next_step="look at the line: --trace FILE records it",
        )

    def _deliver(
        self, packed: bytes, form: str, order: str, told: Told, limit_s: float
    ) -> State:
        self._step += 1
        letter = "b" if form == "b" else "6"
        number = at = 0
        moved = time.monotonic()
        while True:
            self._line.wait_for_quiet()
            ends = [at]
            while len(ends) <= WINDOW and (
                ends[-1] < len(packed) or number + len(ends) == 1
            ):
                piece = packed[ends[-1] : ends[-1] + self._piece]
                digits = letter + encode_piece(piece, letter)
                self._line.send(f"{self._step} d {number + len(ends) - 1} {digits}")
                ends.append(ends[-1] + len(piece))
            sent = len(ends) - 1
            words = "?"
            if ends[-1] == len(packed):
                words = f"r {form} {number + sent} {order}"
            flying = (ends[-1] - at) * (2 if letter == "6" else 5) + 40 * sent
            state = self._state(words, limit_s, flying)
            if state.step == self._step and state.state != "open":
                return state
            if state.state == "run":
                raise self._busy()
            if state.step < self._step - 1:
                # Nothing of the step before has come there: this one takes its place.
                self._step = state.step + 1
            came = state.count - number if state.step == self._step else 0
            if came:
                moved = time.monotonic()
            elif time.monotonic() - moved > max(limit_s, ASK_LIMIT_S):
                raise self._line.silent(limit_s)
            self._adapt(came, sent)
            number += came
            at = ends[came]
            told(at, len(packed))

    def _adapt(self, came: int, sent: int) -> None:
        if came < sent:
            self._piece = max(LEAST_BYTES, self._piece // 2 // 3 * 3)
        else:
            self._piece = min(PIECE_BYTES, self._piece * 2)

    def _done(self, state: State, limit_s: float) -> State:
        began = time.monotonic()
        # A slow box has little left for anything else while it answers.
        pause_s = FIRST_PAUSE_S + self._line.patience_s - PATIENCE_S
        while state.state == "run":
            if time.monotonic() - began > limit_s:
                raise self._line.silent(limit_s)
            self._line.listen(pause_s)
            pause_s = min(pause_s * 1.5, MOST_PAUSE_S)
            state = self._state("?", limit_s)
        return state

    def _fetch(self, state: State, take: Taker, limit_s: float, *, asked: bool) -> None:
        size = state.size
        summed = Summed(self._sum)
        at = 0
        asked = asked or size > SMALL_BYTES
        while at < size:
            block = self._block if asked else SMALL_BYTES
            while at % block:
                block //= 2
            first = at // block
            count = min(WINDOW, -(-(size - at) // block))
            came = self._blocks(block, first, count, limit_s, asked=asked)
            asked = True
            for number in range(first, first + count):
                piece = came.get(number)
                if piece is None or len(piece) != min(block, size - at):
                    break
                take(piece)
                summed.add(piece)
                at += len(piece)
            whole = at == min(size, (first + count) * block)
            wanted = self._block * 2 if whole else self._block // 2
            self._block = max(LEAST_BLOCK_BYTES, min(BLOCK_BYTES, wanted))
        if summed.value() != state.sum:
            raise TransportError(
                "what arrived is not what was sent",
                where=self._box,
                next_step="try again; --trace FILE records what comes",
            )

    # Those of the blocks that came whole; by number.
    def _blocks(
        self, block: int, first: int, count: int, limit_s: float, *, asked: bool
    ) -> dict[int, bytes]:
        def pick(words: list[str]) -> tuple[int, bytes] | None:
            if words[:3] != [str(self._step), "g", str(block)]:
                return None
            piece = decode_piece(words[4:], self._armour)
            return None if piece is None else (int(words[3]), piece)

        patience_s = self._line.line_s(block * 2 + ANSWER_BYTES) + self._line.patience_s
        began = time.monotonic()
        came: dict[int, bytes] = {}
        while not came:
            if asked:
                self._line.send(f"{self._step} g {block} {first} {count}")
            asked = True
            while first + count - 1 not in came:
                found = self._line.next(pick, patience_s)
                if found is None:
                    break
                came[found[0]] = found[1]
            if not came and block > LEAST_BLOCK_BYTES:
                break
            if time.monotonic() - began > limit_s:
                raise self._line.silent(limit_s)
        return came

    def _hash(self, content: bytes) -> str:
        summed = Summed(self._sum)
        summed.add(content)
        return summed.value()

    # What the program says of itself, asked after all that was sent.
    def _state(self, words: str, limit_s: float, flying: int = 0) -> State:
        self._asked += 1
        asked = str(self._asked)

        def pick(words: list[str]) -> State | None:
            return state_of(words) if words[-1] == asked else None

        state = self._line.ask(f"{self._step} {words} {asked}", pick, limit_s, flying)
        if state.state == "full" or state.status == "full":
            raise self._full()
        return state

    def _busy(self) -> TransportError:
        return TransportError(
            "an earlier command still runs on the box",
            where=self._box,
            why="it took longer than its time limit, and its shell waits for it",
            next_step="see what hangs there: a module's init, or a disk",
        )

    def _full(self) -> ReplyError:
        return ReplyError(
            "no room for what is sent",
            code="disk-full",
            where=f"{self._box}, {self._place or PLACES}",
            next_step="free space there; all that is sent goes through it",
        )
