"""Debian's ser2net in front of a line."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def ser2net(connector: str, folder: Path, accepter: str) -> Iterator[int]:
    """Yield the port at which it listens.

    connector: the line, in gensio's words.  accepter: "" or "telnet(rfc2217),".
    """
    program = shutil.which("ser2net", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("no ser2net: apt install ser2net")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "ser2net.yaml"
    config.write_text(
        f"connection: &box\n"
        f"  accepter: {accepter}tcp,127.0.0.1,{port}\n"
        f"  connector: {connector}\n"
    )
    child = subprocess.Popen(
        [program, "-n", "-u", "-c", str(config), "-P", str(folder / "pid")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # A connection would be the one the line has: see what listens, do not ask it.
        for _attempt in range(250):
            if f":{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text():
                break
            time.sleep(0.02)
        yield port
    finally:
        child.terminate()
        child.wait(10)
