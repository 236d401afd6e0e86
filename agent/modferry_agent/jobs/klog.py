"""The kernel's log, from a position on."""

import os

from modferry_agent.compat import TYPE_CHECKING, native
from modferry_agent.core import errnos, klog
from modferry_agent.errors import AgentError, LoadError
from modferry_agent.system import klogdevice, syscalls

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.klog import Record  # noqa: F401
    from modferry_agent.system.loader import Loader  # noqa: F401


def read_log(
    since=None, limit=None, loader=None, device=klogdevice.DEVICE, context=None
):
    # type: (int | None, int | None, Loader | None, str, Any) -> dict[str, Any]
    """Return what the kernel logged, oldest first.

    since: the first sequence number wanted; of the syslog interface, which has none,
        the number of lines to pass over
    limit: at most so many records, the latest
    Returns interface, records, next (the since of what is to come) and lost: records
    from ``since`` on were overwritten.
    """
    handle = klogdevice.open_at(device, os.SEEK_SET)
    if handle >= 0:
        try:
            records, lost = klogdevice.read_records(handle)
        finally:
            os.close(handle)
        following = records[-1]["sequence"] + 1 if records else since
        if since is not None:
            lost = bool(records) and records[0]["sequence"] > since
            records = [entry for entry in records if entry["sequence"] >= since]
        return _reply("kmsg", records, following, lost, limit)
    if loader is None:
        loader = syscalls.find_loader()
    ring, code = loader.read_ring()
    if code:
        raise LoadError(
            "the kernel's log cannot be read: %s" % errnos.name_of(code),
            where="/dev/kmsg, syslog(2)",
            hint="log in as root, or: sysctl kernel.dmesg_restrict=0",
            code="no-log",
        )
    records = klog.parse_ring(native(ring))
    return _reply("syslog", records[since or 0 :], len(records), False, limit)


def recent_texts(loader=None):
    # type: (Loader | None) -> list[str]
    """Return the kernel's own lines, oldest first; none when they cannot be read."""
    try:
        records = read_log(loader=loader)["records"]
    except AgentError:
        return []
    return [entry["text"] for entry in records if not entry["facility"]]


def _reply(interface, records, following, lost, limit):
    # type: (str, list[Record], int | None, bool, int | None) -> dict[str, Any]
    if limit is not None:
        records = records[max(len(records) - limit, 0) :]
    return {
        "interface": interface,
        "records": [klog.plain(record) for record in records],
        "next": following,
        "lost": lost,
    }
