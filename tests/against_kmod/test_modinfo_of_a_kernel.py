"""modinfo on every module of a Debian kernel: kmod's bytes, signatures included."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import kmods, rootfs, twotools

_CALL = (
    "import sys; sys.path.insert(0, sys.argv.pop(1));"
    "from modferry_agent.main import main; sys.exit(main(sys.argv[1:]))"
)


def output_of(command: list[str], files: list[Path]) -> bytes:
    words = [str(path) for path in files]
    return subprocess.run(
        [*command, *words], capture_output=True, check=True, timeout=300
    ).stdout


@pytest.mark.slow
def test_every_module_is_shown_alike():
    files = sorted(rootfs.debian_kernel().glob("lib/modules/*/kernel/**/*.ko*"))
    theirs = list(kmods.newer_depmod().tool("modinfo"))
    ours = [sys.executable, "-I", "-S", "-c", _CALL, str(twotools.AGENT), "modinfo"]

    expected = output_of(theirs, files)
    got = output_of(ours, files)

    assert len(files) > 3000
    assert expected.count(b"\nsig_id:         PKCS#7\n") == len(files)
    # The bytes as lines: what differs is shown.
    assert got.split(b"\n") == expected.split(b"\n")


@pytest.mark.slow
@pytest.mark.parametrize("option", ["-0", "-p", "-n"])
def test_each_form_is_the_same(option: str):
    files = sorted(rootfs.debian_kernel().glob("lib/modules/*/kernel/**/*.ko*"))[::7]
    theirs = [*kmods.newer_depmod().tool("modinfo"), option]
    call = ["-I", "-S", "-c", _CALL, str(twotools.AGENT), "modinfo", option]

    assert output_of([sys.executable, *call], files) == output_of(theirs, files)
