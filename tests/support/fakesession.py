"""A session that answers requests from a table: what commands do, without a box."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager

from modferry.consoletext import ConsoleLines
from modferry.core import events
from modferry.errors import ReplyError
from modferry.pulling import Pulled


class FakeSession:
    """Answers by request name; remembers what was asked and pushed.

    A reply that is an exception is raised.
    lacking: what the box cannot answer.
    """

    def __init__(self, replies):
        self.replies = replies
        self.greeting = {name: FACTS[name] for name in ("machine", "release")}
        self.asked = []
        self.pushed = {}
        self.opened_with = {}
        self.lacking = set()
        self.console = ConsoleLines(events.ignore)

    def request(self, name, **arguments):
        self.asked.append((name, arguments))
        reply = self.replies[name]
        if callable(reply):
            reply = reply(**arguments)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def push(self, source, path, *, mode=0o644):
        content = source if isinstance(source, bytes) else source.read_bytes()
        before = self.pushed.get(path)
        self.pushed[path] = content
        return {
            "path": path,
            "size": len(content),
            "changed": before != content,
            "replaced": None if before is None else "0" * 64,
        }

    def pull(self, path):
        if path not in self.pushed:
            raise ReplyError("no such file or directory", code="file-error", where=path)
        return self.pushed[path]

    def pull_into(self, path, into):
        content = self.pull(path)
        for at in range(0, len(content), 3):
            into.write(content[at : at + 3])
        return Pulled(len(content), hashlib.sha256(content).hexdigest())

    def need(self, name):
        if name in self.lacking:
            raise ReplyError("needs Python", code="needs-python")

    def opener(self):
        """Return what stands in for Session.open."""

        @contextmanager
        def open_session(box, **options):
            self.opened_with = {"box": box, **options}
            self.box = box
            yield self

        return open_session


# As Debian 12's agent on the practice box answers.
FACTS = {
    "release": "6.1.0-28-amd64",
    "machine": "x86_64",
    "sysname": "Linux",
    "kernel_version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)",
    "distribution": "Debian GNU/Linux 12 (bookworm)",
    "python": "3.11.2",
    "python_path": "/usr/bin/python3",
    "kmod": "kmod version 30",
    "uid": 0,
    "hostname": "practice",
    "module_tree": {
        "path": "/lib/modules/6.1.0-28-amd64",
        "present": True,
        "modules": 151,
        "links": 5,
        "index": "whole",
    },
    "modules_loaded": 4,
    "tainted": 4096,
    "modules_disabled": False,
    "printk": [7, 4, 1, 7],
    "log_interface": "kmsg",
    "syscalls": "ctypes",
    "decompressors": {"gz": "zlib", "xz": "lzma", "zst": None},
    "free_bytes": 123_456_789,
    "byte_order": "little",
    "bits": 64,
}
