"""Links to the boxes: bytes there and back, without meaning."""

from modferry.transport.base import Kind, Line, Stderr, Transport
from modferry.transport.opening import open_transport

__all__ = ["Kind", "Line", "Stderr", "Transport", "open_transport"]
