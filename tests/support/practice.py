"""The practice box for tests: one for the session, others where a test spoils its own.

The image is the user's own, in the lab directory: built at most once on a machine, and
again only when its recipe changes. Each box keeps its files in a folder of the tests.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from modferry.errors import UsageError
from modferry.fleet.inventory import lab_directory
from modferry.lab import programs
from modferry.lab.box import PracticeBox
from modferry.lab.image import Image
from modferry.lab.ssh import run_on


@contextmanager
def box_up(
    image: Image,
    directory: Path,
    *,
    log_level: int = 7,
    switches: Mapping[str, str] | None = None,
    command_line: str = "",
    disks: tuple[Path, ...] = (),
) -> Iterator[PracticeBox]:
    """Boot a box of its own in an empty directory; it is up until the block ends."""
    box = PracticeBox(directory, image)
    try:
        box.start(
            log_level=log_level,
            switches=switches,
            command_line=command_line,
            disks=disks,
        )
        box.wait_until_up()
        yield box
    finally:
        box.stop()


def shell(
    box: PracticeBox, command: str, timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run a shell command on the box, by the system's ssh: no code under test."""
    status, output = run_on(box, command, timeout_s)
    return subprocess.CompletedProcess(command, status, output)


@pytest.fixture(scope="session")
def practice_image() -> Image:
    """Return the image of the practice box; skip where it cannot be built."""
    try:
        programs.require()
    except UsageError as error:
        pytest.skip(error.report())
    image = Image(lab_directory().expanduser().absolute() / "image")
    image.build()
    return image


@pytest.fixture(scope="session")
def practice(
    practice_image: Image, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PracticeBox]:
    """Return a box that all tests share: it is read, or left as it was found."""
    with box_up(practice_image, tmp_path_factory.mktemp("practice")) as box:
        yield box
