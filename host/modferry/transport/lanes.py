"""Which way to a box is shared with others: a jump host, a serial line."""

from __future__ import annotations

from modferry.core.address import Address
from modferry.core.lanes import Lane
from modferry.transport.sshconfig import read_hop, ssh_options

THROUGH_A_GATEWAY = 10
"""Debian's sshd drops some of what is more than MaxStartups 10:30:100: at 16
connections at once it was a third."""


def lane_of(address: Address) -> Lane | None:
    """Return the way to a box if it is shared; None: only the machine limits it."""
    if address.scheme == "ssh":
        hop = read_hop(address.host, ssh_options(address))
        if hop.jumps:
            return Lane(f"jump host {hop.jumps[0]}", THROUGH_A_GATEWAY)
        if hop.proxy_command:
            command = hop.proxy_command.replace(hop.hostname, "%h")
            return Lane(f"command {command}", THROUGH_A_GATEWAY)
        return None
    if address.kind == "tty":
        return Lane(f"line {address.scheme} {address.place}", 1)
    return None
