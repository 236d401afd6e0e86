"""What the running kernel says of itself: release, loaded modules, symbols, taint."""

import errno
import os

from modferry_agent import compat
from modferry_agent.errors import FileError, LoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator  # noqa: F401  # novermin


class Kernel(object):
    """The kernel's files below one root; tests give a directory of their own.

    root: prefix of /proc, /sys, /run and /etc; empty on a box.
    release, machine: of the running kernel unless given.
    """

    def __init__(self, root="", release="", machine=""):
        # type: (str, str, str) -> None
        """Remember the root; read nothing yet."""
        self.root = root
        self.machine = machine or compat.native(compat.raw(os.uname()[4]))
        self.release = release or compat.native(compat.raw(os.uname()[2]))

    def path(self, name):
        # type: (str) -> str
        """Return the path of a kernel file below this root."""
        return self.root + name

    def read(self, name):
        # type: (str) -> str | None
        """Return the text of a file such as /proc/version; None when there is none."""
        try:
            stream = open(compat.raw(self.root + name), "rb")
        except (IOError, OSError):
            return None
        try:
            return compat.native(stream.read())
        except (IOError, OSError):
            return None
        finally:
            stream.close()

    def read_number(self, name):
        # type: (str) -> int | None
        """Return the number a file holds; None when there is none."""
        text = (self.read(name) or "").strip()
        return int(text) if text.lstrip("-").isdigit() else None

    def modules(self):
        # type: () -> list[dict[str, Any]]
        """Return the loaded modules in the kernel's order, newest first.

        FileError: /proc is not there, or the kernel has no modules at all.
        """
        text = self.read("/proc/modules")
        if text is None:
            hint, details = "mount -t proc proc /proc", {}
            if self.read("/proc/version") is not None:
                hint = "boot a kernel that was built with CONFIG_MODULES=y"
                details = {"why": "/proc is there: this kernel can load no modules"}
            raise FileError(
                "the kernel shows no list of modules",
                where=self.root + "/proc/modules",
                hint=hint,
                code="no-proc-modules",
                **details
            )
        return [parse_module_line(line) for line in text.split("\n") if line]

    def initstate(self, name):
        # type: (str) -> str | None
        """Return live, coming or going; "builtin" for a directory without a state.

        None: /sys knows no module of that name.

        Source: kmod.md 3.4 of our notes; kernel/module.c, show_initstate.
        """
        text = self.read("/sys/module/%s/initstate" % name)
        if text is not None:
            return text.strip()
        where = compat.raw("%s/sys/module/%s" % (self.root, name))
        return "builtin" if os.path.isdir(where) else None

    def is_live(self, name):
        # type: (str) -> bool
        """Say whether a module is loaded and ready, as kmod asks sysfs."""
        state = self.read("/sys/module/%s/initstate" % name)
        if state is None and not os.path.isdir(compat.raw(self.path("/sys/module"))):
            return ("\n" + (self.read("/proc/modules") or "")).find("\n%s " % name) >= 0
        return state is not None and state.strip() == "live"

    def refcount(self, name):
        # type: (str) -> int | None
        """Return how often a module is used, by sysfs; None where it does not say."""
        return self.read_number("/sys/module/%s/refcnt" % name)

    def symbols(self):
        # type: () -> Iterator[tuple[str, str, str]]
        """Yield (name, type letter, module or "") from /proc/kallsyms."""
        for line in (self.read("/proc/kallsyms") or "").split("\n"):
            words = line.split(None, 3)
            if len(words) >= 3:
                owner = words[3].strip("[]") if len(words) > 3 else ""
                yield words[2], words[1], owner

    def holders(self, name):
        # type: (str) -> list[str] | None
        """Return what holds a module, in sysfs's order, which lsmod's readers know.

        None where sysfs has no such directory.
        """
        folder = self.path("/sys/module/%s/holders" % name)
        try:
            return [compat.native(each) for each in os.listdir(compat.raw(folder))]
        except EnvironmentError:
            return None

    def compression(self):
        # type: () -> str
        """Return what the kernel can unpack itself (zstd, xz, gzip), or ""."""
        return (self.read("/sys/module/compression") or "").strip()

    def printk_levels(self):
        # type: () -> list[int] | None
        """Return console level, default, minimum, boot default; None unknown."""
        words = (self.read("/proc/sys/kernel/printk") or "").split()
        return [int(word) for word in words] if len(words) == 4 else None


def parse_module_line(line):
    # type: (str) -> dict[str, Any]
    """Return a line of /proc/modules by field.

    ``name size refcount holders state address [(taints)]``; holders are ``-`` or
    ``a,b,``; ``[permanent],`` marks a module without an exit function.
    """
    words = line.split()
    words += [""] * (6 - len(words))
    holders = [name for name in words[3].split(",") if name not in ("", "-")]
    entry = {
        "name": words[0],
        "size": int(words[1]) if words[1].isdigit() else -1,
        "refcount": int(words[2]) if words[2].lstrip("-").isdigit() else -1,
        "holders": [name for name in holders if name != "[permanent]"],
        "permanent": "[permanent]" in holders,
        "state": words[4] or "Live",
        "taints": "",
    }  # type: dict[str, Any]
    if words[5].startswith("0x"):
        entry["address"] = int(words[5], 16)
    if words[-1].startswith("("):
        entry["taints"] = words[-1].strip("()")
    return entry


class LoadLock(object):
    """One load at a time on a box, so that the kernel's lines are this load's."""

    # Root's alone: in /run/lock anybody could hold the name, and hold up all loads.
    PLACES = ("/run", "/var/run")

    def __init__(self, kernel):
        # type: (Kernel) -> None
        """Choose the place; take nothing yet."""
        self.handle = -1
        self.path = ""
        for place in self.PLACES:
            if os.path.isdir(compat.raw(kernel.path(place))):
                self.path = kernel.path(place) + "/modferry-load.lock"
                break

    def acquire(self):
        # type: () -> None
        """Take the lock; LoadError if another load holds it.

        Who cannot have the lock's file cannot load either, and goes on without.
        """
        import fcntl

        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        try:
            self.handle = os.open(compat.raw(self.path), flags, 384)  # rw-------
            fcntl.lockf(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except EnvironmentError as error:
            taken = self.handle >= 0 and error.errno in (errno.EAGAIN, errno.EACCES)
            self.release()
            if taken:
                raise LoadError(
                    "another load is under way on the box",
                    where=self.path,
                    hint="try again when it has ended",
                    code="busy",
                )

    def release(self):
        # type: () -> None
        """Give the lock back; the file stays, so that no two can hold it at once."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1
