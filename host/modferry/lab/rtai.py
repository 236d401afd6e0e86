"""The practice RTAI: our modules with the names and relations of RTAI 4.0's, built."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from modferry.core.events import EventSink, State, ignore
from modferry.errors import UsageError
from modferry.lab import programs
from modferry.lab.kernel import Kernel

SOURCES = Path(__file__).parents[3] / "tests" / "kernel_modules"

LEGACY_LINKS = ("rtai_ksched", "rtai_lxrt", "rtai_mup", "rtai_smp", "rtai_up")
"""The names besides its own that ``make install`` of RTAI 4.0 gives to rtai_sched."""

NOT_ON_THE_BOX = ("practice_big", "rtai_mbx", "rtai_netrpc")
"""Built, and kept on the host to be pushed; rtai_netrpc needs rtai_mbx."""


def build(
    kernel: Kernel, cache: Path, sources: Path = SOURCES, events: EventSink = ignore
) -> Path:
    """Return a directory with the built modules; build unless the cache has them.

    cache: a directory; its other builds are removed.
    """
    texts = _read_sources(sources)
    digest = hashlib.sha256(kernel.release.encode())
    for name, text in texts.items():
        digest.update(name.encode() + b"\0" + text + b"\0")
    directory = cache / digest.hexdigest()[:16]
    if directory.is_dir():
        return directory
    cache.mkdir(parents=True, exist_ok=True)
    events(State(f"building {len(texts) - 2} practice modules for {kernel.release}"))
    with tempfile.TemporaryDirectory(dir=cache) as scratch_name:
        scratch = Path(scratch_name)
        source, built = scratch / "source", scratch / "built"
        source.mkdir()
        built.mkdir()
        for name, text in texts.items():
            (source / name).write_bytes(text)
        programs.run(
            [
                "make",
                "-C",
                kernel.headers,
                f"-j{os.cpu_count() or 1}",
                f"M={source}",
                # Debug information is nine tenths of such a module. Without it there
                # is nothing to make type information (BTF) of, which trixie's would.
                "KCFLAGS=-g0",
                "CONFIG_DEBUG_INFO_BTF_MODULES=",
                "modules",
            ],
            step="practice modules",
        )
        for module in source.glob("*.ko"):
            module.rename(built / module.name)
        for old in cache.iterdir():
            if old != scratch:
                shutil.rmtree(old)
        built.rename(directory)
    return directory


def _read_sources(directory: Path) -> dict[str, bytes]:
    names = sorted(
        path.name
        for path in directory.glob("*")
        if path.suffix in (".c", ".h") or path.name == "Kbuild"
    )
    if not names:
        raise UsageError(
            "the sources of the practice modules are not here",
            where=str(directory),
            why="they are in the repository, not in the installed package",
            next_step="run modferry from a clone: ./deploy.sh demo",
        )
    return {name: (directory / name).read_bytes() for name in names}
