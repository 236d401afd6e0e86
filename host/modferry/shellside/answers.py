"""What a box without Python is and has: facts, files, modules, the kernel's log."""

from __future__ import annotations

import re
from typing import Any

from modferry.shellside.loading import DEVICE
from modferry.shellside.mirror import mirror_of
from modferry.shellside.sending import free_bytes, hash_file
from modferry.shellside.talk import Shell
from modferry.shellside.work import Work
from modferry_agent.core.names import is_module_file
from modferry_agent.errors import AgentError
from modferry_agent.jobs import klog
from modferry_agent.jobs.facts import distribution, tree_facts
from modferry_agent.jobs.find import find_files
from modferry_agent.jobs.probing import tree_of
from modferry_agent.system import decompress

LIMIT_S = 30.0

VERSION = re.compile(r"(kmod|module-init-tools) version .*")
"""What modprobe says of itself; busybox's says nothing of the kind."""

ELF_CLASS, ELF_DATA = 4, 5
UNAME = ("sysname", "hostname", "release", "kernel_version", "machine")


def read_uname(shell: Shell) -> dict[str, str]:
    """Return what uname says, by name."""
    script = "".join(f"uname -{letter}\n" for letter in "snrvm")
    lines = shell.text(script, limit_s=LIMIT_S).split("\n")
    return dict(zip(UNAME, lines, strict=False))


def facts(work: Work) -> dict[str, Any]:
    """Answer as the agent's `jobs.facts.read_facts` does; there is no Python."""
    shell, kernel = work.shell, work.kernel()
    tree = tree_of("", work.release)
    found = work.gatherer().gather(
        [tree], wanted=lambda path: not is_module_file(path.rpartition("/")[2])
    )
    with mirror_of(found, work.contents) as mirror:
        told = tree_facts(mirror.place(tree))
    try:
        loaded = len(kernel.modules())
    except AgentError:
        loaded = 0
    said = shell.text(
        "modprobe --version 2>&1|head -n 1; id -u;"
        "command -v insmod||echo; dmesg >/dev/null 2>&1&&echo syslog||echo",
        limit_s=LIMIT_S,
    )
    kmod, uid, insmod, log = (said.split("\n") + [""] * 4)[:4]
    disabled = kernel.read_number("/proc/sys/kernel/modules_disabled")
    _, elf = shell.run("dd if=/proc/self/exe bs=1 count=6", limit_s=LIMIT_S)
    return {
        **work.uname,
        "distribution": distribution(kernel),
        "python": None,
        "python_path": "",
        "kmod": kmod if VERSION.match(kmod) else None,
        "uid": int(uid) if uid.isdigit() else -1,
        "module_tree": told,
        "modules_loaded": loaded,
        "tainted": kernel.read_number("/proc/sys/kernel/tainted") or 0,
        "modules_disabled": None if disabled is None else disabled == 1,
        "printk": kernel.printk_levels(),
        "log_interface": log or None,
        "syscalls": "insmod" if insmod else None,
        "decompressors": {
            kind: decompress.available(kind) for kind in ("gz", "xz", "zst")
        },
        "free_bytes": free_bytes(shell, tree) or 0,
        "byte_order": "big" if elf[ELF_DATA : ELF_DATA + 1] == b"\2" else "little",
        "bits": 64 if elf[ELF_CLASS : ELF_CLASS + 1] == b"\2" else 32,
    }


def find(work: Work, *, names: list[str], tree: str | None) -> dict[str, Any]:
    """Answer as the agent's `jobs.find.find_files` does."""
    tree = tree or tree_of("", work.release)
    gathered = work.gatherer().gather([tree], wanted=lambda _: False)
    with mirror_of(gathered, work.contents) as mirror:
        answer = find_files(names, mirror.place(tree))
        return {"tree": tree, "found": answer["found"]}


def hashed(work: Work, *, path: str) -> str | None:
    """Answer as the agent's `jobs.push.hash_file` does."""
    return hash_file(work.shell, path)


def modules(work: Work) -> list[dict[str, Any]]:
    """Answer as the agent's `jobs.modules.list_modules` does."""
    return work.kernel().modules()


def log(work: Work, *, since: int | None, limit: int | None) -> dict[str, Any]:
    """Answer as the agent's `jobs.klog.read_log` does where it has syslog alone."""
    answer: dict[str, Any] = klog.read_log(since, limit, work.loader(), DEVICE)
    return answer
