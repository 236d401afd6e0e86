"""Links to the boxes: bytes there and back, without meaning."""

from modferry.transport.base import Kind, Line, Stderr, Transport
from modferry.transport.lazily import put_off
from modferry.transport.opening import open_transport

__all__ = ["Kind", "Line", "Stderr", "Transport", "open_transport"]

# paramiko asks it for "Match exec" alone, and it takes as long to load as paramiko.
put_off("invoke")
