"""The host's end of a link, in the alphabet that its line lets through."""

from __future__ import annotations

from typing import Any

from modferry.core.frombox import StrippedDecoder, ToHostDecoder
from modferry.core.tobox import (
    ESCAPED_GROWTH,
    encode_to_box,
    encode_to_box_in_7_bits,
    encode_to_pipe,
)
from modferry_agent.link import (
    PIPE_PAYLOAD,
    PIPE_WINDOW,
    TTY_PAYLOAD,
    TTY_WINDOW,
    Link,
)
from modferry_agent.wire import BASE64_GROWTH

IN_8_BITS = (encode_to_box, ESCAPED_GROWTH)
IN_7_BITS = (encode_to_box_in_7_bits, BASE64_GROWTH)
BY_PIPE = (encode_to_pipe, ESCAPED_GROWTH)
"""What `Link.speak` takes."""


def host_link(link_id: int, *, tty: bool, seven: bool = False) -> Link:
    """Return the host's end, on a terminal line or on a pipe.

    seven: the line cuts off the high bits of what comes.
    """
    # They are used as the agent's is.
    decoder: Any = StrippedDecoder() if seven else ToHostDecoder()
    if not tty:
        window, payload = PIPE_WINDOW, PIPE_PAYLOAD
        return Link(link_id, *BY_PIPE, decoder, window, payload, adapt=False)
    alphabet = IN_7_BITS if seven else IN_8_BITS
    return Link(link_id, *alphabet, decoder, TTY_WINDOW, TTY_PAYLOAD)
