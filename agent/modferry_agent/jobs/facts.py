"""What a box is: its kernel, its userland, its module tree, and how to work with it."""

import os
import sys

from modferry_agent import compat
from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.errors import AgentError
from modferry_agent.jobs import probing
from modferry_agent.system import (
    decompress,
    klogdevice,
    moduletree,
    treefiles,
    processes,
    syscalls,
)
from modferry_agent.system.kernel import Kernel

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.system.loader import Loader  # noqa: F401


def read_facts(basedir="", kernel=None, device=klogdevice.DEVICE, context=None):
    # type: (str, Kernel | None, str, Any) -> dict[str, Any]
    """Return the facts by name; what cannot be found out is None."""
    kernel = kernel or Kernel()
    sysname, hostname, _, version, machine = [native(raw(one)) for one in os.uname()]
    tree = probing.tree_of(basedir, kernel.release)
    try:
        loader = syscalls.find_loader()  # type: Loader | None
    except AgentError:
        loader = None
    try:
        loaded = len(kernel.modules())
    except AgentError:
        loaded = 0
    disabled = kernel.read_number("/proc/sys/kernel/modules_disabled")
    return {
        "release": kernel.release,
        "machine": machine,
        "sysname": sysname,
        "hostname": hostname,
        "kernel_version": version,
        "distribution": distribution(kernel),
        "python": ".".join([str(part) for part in sys.version_info[:3]]),
        "python_path": sys.executable or "",
        "kmod": _kmod(),
        "uid": os.getuid(),
        "module_tree": tree_facts(tree),
        "modules_loaded": loaded,
        "tainted": kernel.read_number("/proc/sys/kernel/tainted") or 0,
        "modules_disabled": None if disabled is None else disabled == 1,
        "printk": kernel.printk_levels(),
        "log_interface": _log_interface(loader, device),
        "syscalls": loader.kind if loader else None,
        "decompressors": dict(
            [(kind, decompress.available(kind)) for kind in ("gz", "xz", "zst")]
        ),
        "free_bytes": _free_bytes(tree),
        "byte_order": sys.byteorder,
        "bits": 64 if sys.maxsize > 2**32 else 32,
    }


def distribution(kernel):
    # type: (Kernel) -> str | None
    """Return the distribution by the name that it gives itself, None if unknown."""
    for line in (kernel.read("/etc/os-release") or "").split("\n"):
        if line.startswith("PRETTY_NAME="):
            return line[12:].strip().strip("\"'")
    version = (kernel.read("/etc/debian_version") or "").strip()
    return "Debian " + version if version else None


def _kmod():
    # type: () -> str | None
    for tool in ("/sbin/modprobe", "/usr/sbin/modprobe", "/usr/bin/kmod"):
        if os.access(compat.raw(tool), os.X_OK):
            # module-init-tools (before kmod) answers to --version, too.
            _, _, output, errors = processes.run([tool, "--version"])
            lines = native(output or errors).split("\n")
            return lines[0].strip() or None
    return None


def tree_facts(tree):
    # type: (str) -> dict[str, Any]
    """Return the facts of a module tree: how many modules, and of its indexes."""
    found = {
        "path": tree,
        "present": os.path.isdir(raw(tree)),
        "modules": 0,
        "links": 0,
        "index": "missing",
    }  # type: dict[str, Any]
    if found["present"]:
        try:
            entries = moduletree.walk(tree)
        except AgentError:
            entries = []
        found["links"] = len([entry for entry in entries if entry.target])
        found["modules"] = len(entries) - found["links"]
        found["index"] = index_state(tree)
    return found


def index_state(tree):
    # type: (str) -> str
    """Return whole, missing or damaged, of the indexes that modprobe reads."""
    for name in ("modules.dep.bin", "modules.alias.bin", "modules.symbols.bin"):
        try:
            index = probing.read_index(tree, name)
            if index is None:
                content = treefiles.read_if_there(tree + "/" + name)
                return "missing" if content is None else "damaged"
            for _ in index.items():
                pass  # each node is bounds-checked as it is met
        except AgentError:
            return "damaged"
    return "whole"


def _log_interface(loader, device):
    # type: (Loader | None, str) -> str | None
    bracket = klogdevice.Bracket(None, device)
    bracket.abandon()
    if bracket.interface is not None:
        return bracket.interface
    # Not by a bracket: with a loader it would write a mark into the log.
    return "syslog" if loader is not None and loader.read_ring()[1] == 0 else None


def _free_bytes(tree):
    # type: (str) -> int
    path = tree
    while path and not os.path.isdir(raw(path)):
        path = path.rpartition("/")[0]
    try:
        status = os.statvfs(raw(path or "/"))
    except OSError:
        return 0
    return int(status.f_bavail * status.f_frsize)
