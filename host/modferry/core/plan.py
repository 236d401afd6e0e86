"""What a push will do, decided before a byte is sent; pure."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from modferry.errors import FormatError, UsageError
from modferry_agent.core.elf import Elf
from modferry_agent.core.modinfo import fields
from modferry_agent.core.names import is_module_file, module_name
from modferry_agent.errors import FormatError as AgentFormatError

X86_32, X86_64 = (3, 32), (62, 64)

MACHINES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "i386": X86_32,
        "i486": X86_32,
        "i586": X86_32,
        "i686": X86_32,
        "x86_64": X86_64,
        "ppc": (20, 32),
        "ppc64": (21, 64),
        "ppc64le": (21, 64),
        "armv5tel": (40, 32),
        "armv6l": (40, 32),
        "armv7l": (40, 32),
        "armv8l": (40, 32),
        "aarch64": (183, 64),
        "mips": (8, 32),
        "riscv64": (243, 64),
    }
)
"""What uname -m says -> e_machine and bits of that kernel's modules.

Source: Linux, include/uapi/linux/elf-em.h; UTS_MACHINE in arch/*/Makefile.
"""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of this machine that is to go to a box; name: without its folders.

    content: what goes.  stripped_bytes: how much of the file, its debug sections, does
    not.  signed: it has debug sections and keeps them, because a signature covers them.
    """

    path: str
    name: str
    content: bytes
    stripped_bytes: int = 0
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One file and its place on the box.

    replaces: a file of that module is at the place already.
    """

    file: LocalFile
    path: str
    sha256: str
    replaces: bool


def plan_push(
    files: Sequence[LocalFile],
    *,
    directory: str | None,
    tree: str,
    known: Mapping[str, str],
) -> list[Move]:
    """Return where each file goes.

    directory: what the user asked for, or None: a module goes where a file of its
        name is, else to ``extra`` of the tree.
    tree: the directory of the running kernel's modules.
    known: where there are modules of the files' names, name -> path on the box; one
        that is not absolute is of the tree.
    Raise UsageError if two files would come to one place.
    """
    moves: dict[str, Move] = {}
    for file in files:
        if directory is not None:
            path = posixpath.join(directory, file.name)
        elif is_module_file(file.name):
            place = known.get(file.name, posixpath.join("extra", file.name))
            path = posixpath.join(tree, place)
        else:
            raise UsageError(
                f'"{file.name}" is no name of a module: where should it go?',
                where=file.path,
                next_step="say --to DIRECTORY",
            )
        if path in moves:
            raise UsageError(
                f'two files would both become "{path}"',
                where=f"{moves[path].file.path} and {file.path}",
                next_step="push one of them, or each to a directory of its own (--to)",
            )
        moves[path] = Move(
            file,
            path,
            hashlib.sha256(file.content).hexdigest(),
            replaces=directory is None and file.name in known,
        )
    return list(moves.values())


def check_fits(file: LocalFile, *, machine: str, release: str) -> None:
    """Refuse a module that the kernel of the box would refuse; pass what is no module.

    machine, release: of the box, as uname has them.
    Raise FormatError for a damaged module, UsageError for one of another
    architecture or another kernel.
    """
    if not is_module_file(file.name) or not file.name.endswith(".ko"):
        return
    try:
        elf = Elf(file.content)
        section = elf.section(".modinfo")
        stamps = dict(fields(elf.content(section))) if section else {}
    except AgentFormatError as error:
        raise FormatError(
            f"{module_name(file.name)}: {error.message}",
            where=file.path,
            why="the file is not a kernel module, or damaged",
            next_step="build or copy it again; compare its sha256 with the original's",
        ) from error
    expected = MACHINES.get(machine)
    if expected is not None and (elf.machine, elf.bits) != expected:
        raise UsageError(
            f"{module_name(file.name)}: a module for another architecture",
            where=file.path,
            why=f"the module is for {_architecture(elf)}, the box is {machine}",
            next_step=f"build it for the box's kernel, {release} on {machine}",
        )
    built_for = str(stamps.get("vermagic", "")).partition(" ")[0]
    if built_for and built_for != release:
        raise UsageError(
            f"{module_name(file.name)}: a module for another kernel",
            where=file.path,
            why=f"its vermagic says {built_for}, the box runs {release}",
            next_step=f"build it against the headers of {release},"
            " or push it anyway with --any-kernel",
        )


def _architecture(elf: Elf) -> str:
    names = [name for name, kind in MACHINES.items() if kind == (elf.machine, elf.bits)]
    return names[-1] if names else f"machine {elf.machine}, {elf.bits} bits"
