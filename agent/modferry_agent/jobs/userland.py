"""What of a box's userland decides over modules: its kmod, what it loads at boot."""

import os
import re

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.foresight import KMOD, MODULE_INIT_TOOLS
from modferry_agent.core.modprobeconfig import parse_config
from modferry_agent.errors import AgentError
from modferry_agent.system import processes, treefiles

if TYPE_CHECKING:
    from typing import Any, Iterable  # noqa: F401  # novermin

_PROGRAMS = ("/sbin/", "/usr/sbin/", "/bin/", "/usr/bin/")
_VERSION = re.compile(r"(kmod|module-init-tools) version ([0-9]+)(?:[.]([0-9]+))?")

# Where names of modules are read at boot, or go into the initial file system by.
_LISTS = ("/etc/modules", "/etc/initramfs-tools/modules")
_LIST_DIRECTORIES = ("/etc/modules-load.d", "/usr/lib/modules-load.d")
_HOOK_DIRECTORIES = ("/etc/initramfs-tools/hooks", "/usr/share/initramfs-tools/hooks")


def program(name):
    # type: (str) -> str | None
    """Return the path of a program of the box's own, None if it has none."""
    for directory in _PROGRAMS:
        if os.access(raw(directory + name), os.X_OK):
            return directory + name
    return None


def module_tool():
    # type: () -> dict[str, Any]
    """Return {tool, version, text}: whose modprobe it is; tool is None if unknown.

    version: kmod's number; of module-init-tools 3.16 it is 16
    """
    path = program("modprobe")
    found = {"tool": None, "version": 0, "text": ""}  # type: dict[str, Any]
    if path is None:
        return found
    _, _, output, errors = processes.run([path, "--version"])
    found["text"] = native(output or errors).partition("\n")[0].strip()
    match = _VERSION.search(found["text"])
    if match:
        kmod = match.group(1) == "kmod"
        found["tool"] = KMOD if kmod else MODULE_INIT_TOOLS
        found["version"] = int(match.group(2) if kmod else match.group(3) or 0)
    return found


def unread_files():
    # type: () -> list[str]
    """Return the files with rules that module-init-tools reads and kmod does not."""
    paths = ["/etc/modprobe.conf"]
    for name in _listed("/etc/modprobe.d"):
        # What dpkg put aside was never read.
        if not name.startswith(".") and ".dpkg-" not in name:
            if not name.endswith(".conf"):
                paths.append("/etc/modprobe.d/" + name)
    found = []
    for path in paths:
        try:
            text = native(treefiles.read_if_there(path) or b"")
        except AgentError:
            continue
        config = parse_config([(path, text)])
        rules = config.aliases + config.options + config.install + config.remove
        if rules or config.softdeps or config.blacklist:
            found.append(path)
    return found


def named_at_boot(names):
    # type: (Iterable[str]) -> list[dict[str, Any]]
    """Return where files of the boot name one of the modules: {path, line, module}."""
    wanted = set(names)
    paths = list(_LISTS)
    for directory in _LIST_DIRECTORIES:
        for name in _listed(directory):
            if name.endswith(".conf"):
                paths.append(directory + "/" + name)
    for directory in _HOOK_DIRECTORIES:
        paths.extend([directory + "/" + name for name in _listed(directory)])
    found = []
    for path in paths:
        try:
            text = native(treefiles.read_if_there(path) or b"")
        except AgentError:
            continue
        for number, line in enumerate(text.split("\n")):
            words = re.findall("[A-Za-z0-9_-]+", line.partition("#")[0])
            for word in words:
                name = word.replace("-", "_")
                if name in wanted:
                    found.append({"path": path, "line": number + 1, "module": name})
    return found


def _listed(directory):
    # type: (str) -> list[str]
    try:
        return sorted([native(name) for name in os.listdir(raw(directory))])
    except EnvironmentError:
        return []
