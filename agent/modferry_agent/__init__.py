"""The agent of modferry: kernel modules on a box, by Python's standard library."""

__version__ = "0.1.0"

# The number of the wire protocol; both ends must speak the same one.
PROTOCOL = 1
