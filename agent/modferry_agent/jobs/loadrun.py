"""The steps of a load, one by one: checked, then handed to the kernel."""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.core import causes, errnos, forcing, klog, messages
from modferry_agent.errors import AgentError, LoadError
from modferry_agent.jobs import checked, probing, survey
from modferry_agent.system import decompress, fingerprints, klogdevice, treefiles

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Sources, Step  # noqa: F401
    from modferry_agent.system.kernel import Kernel  # noqa: F401
    from modferry_agent.system.loader import Loader  # noqa: F401


# What /sys/module/compression says, and the kind of file that it means.
_KERNELS_KINDS = {"zstd": "zst", "xz": "xz", "gzip": "gz"}
# finit_module's third flag, since Linux commit b1ae6dc41eaa ("module: add in-kernel
# support for decompressing") (v5.17).
_COMPRESSED_FILE = 4


class Run(object):
    """One load: what is looked up in, what is compared with, and the steps so far.

    settle_s: how long to wait for what a loaded module prints after the call
    """

    settle_s = klogdevice.SETTLE_S

    def __init__(
        self, kernel, loader, basedir, require_fingerprint, device, sources=None
    ):
        # type: (Kernel, Loader, str, bool, str, Sources | None) -> None
        """Read the indexes, the record of fingerprints and the loaded modules."""
        self.kernel = kernel
        self.loader = loader
        self.device = device
        self.tree = probing.tree_of(basedir, kernel.release)
        self.sources = sources or probing.read_sources(kernel, self.tree)
        try:
            self.present = [entry["name"] for entry in kernel.modules()]
        except AgentError:
            self.present = []  # no /proc: a plan can be made without
        self.licences = {}  # type: dict[str, str]
        self.gate = checked.Gate(
            kernel.machine,
            fingerprints.read(basedir, kernel.release),
            require_fingerprint,
        )

    def check(self, step, reply):
        # type: (Step, dict[str, Any]) -> None
        """Judge a step's file; the reply gets its sha256, inner name and action."""
        if self.gate.reference is None:
            self.gate.reference = checked.find_reference(
                self.tree, self.sources, self.present, (step.name,)
            )
        try:
            found = self.gate.read(reply["path"], step.path)
        except AgentError as error:
            error.details.setdefault("module", step.name)
            error.message = "%s: %s" % (step.name, error.message)
            raise
        reply["sha256"] = found.sha256
        reply["inner_name"] = found.inner_name
        self.licences[reply["path"]] = found.licence
        # A link's name is not the kernel's: rtai_ksched.ko registers as rtai_sched.
        if found.inner_name in self.present:
            reply["action"] = "present"

    def insert(self, step, reply, flags=0):
        # type: (Step, dict[str, Any], int) -> dict[str, str] | None
        """Hand a checked step to the kernel; return the failure, None if there is none.

        flags: of finit_module: 1 ignores modversions, 2 vermagic
        The reply gets call, errno, error, meaning, records and lost.
        """
        path = reply["path"]
        handle = _open(path)
        try:
            # What is handed over is the open file that is read here, or its bytes.
            stored = treefiles.read_open(handle, path)
            if fingerprints.fingerprint(stored)[0] != reply["sha256"]:
                raise LoadError(
                    "%s: the file changed while it was checked" % step.name,
                    where=path,
                    hint="load again when nothing writes to it any more",
                    code="fingerprint-mismatch",
                )
            bracket = klogdevice.Bracket(self.loader, self.device, self.settle_s)
            try:
                call, code = self._call(handle, stored, path, step.options, flags)
                records, lost = bracket.collect()
            finally:
                bracket.abandon()
        finally:
            os.close(handle)
        names = [step.name, reply["inner_name"]]
        klog.mark_own(records, names, "T%d" % self.loader.caller)
        own = [record["text"] for record in records if record["own"]]
        reply["call"] = call
        reply["errno"] = code
        reply["error"] = errnos.name_of(code)
        reply["records"] = [klog.plain(record) for record in records]
        reply["lost"] = lost
        if not code:
            reply["meaning"] = _warnings(own)
        if not code or (code == errno.EEXIST and not step.target):
            return None
        facts = causes.Facts()
        facts.log_known = bracket.interface is not None and not lost
        facts.flags = flags
        return self._failure(step, reply, own, facts)

    def _call(self, handle, stored, path, options, flags):
        # type: (int, bytes, str, str, int) -> tuple[str, int]
        # As kmod does: the file, if the kernel takes files and can unpack this one;
        # else its bytes.
        kind = decompress.kind_of(stored)
        if not kind or kind == _KERNELS_KINDS.get(self.kernel.compression()):
            wanted = flags | (_COMPRESSED_FILE if kind else 0)
            call, code = self.loader.insert_file(handle, options, wanted)
            if code != errno.ENOSYS:
                return call, code
        image = forcing.forced(decompress.decompressed(stored, path), flags)
        if image is None:
            return "init_module", errno.ENODATA
        return self.loader.insert(image, options)

    def _failure(self, step, reply, own, facts):
        # type: (Step, dict[str, Any], list[str], causes.Facts) -> dict[str, str]
        facts.licence = self.licences.get(reply["path"])
        facts.is_exported = survey.exported_now(self.kernel)
        disabled = self.kernel.read_number("/proc/sys/kernel/modules_disabled")
        facts.modules_disabled = disabled == 1
        explained = causes.explain_insert(reply["error"], own, facts)
        reply["meaning"] = explained["meaning"]
        where = "%s, %s: %s" % (reply["path"], reply["call"], reply["error"])
        return causes.failure(step.name, explained, where)


def _open(path):
    # type: (str) -> int
    try:
        return os.open(raw(path), os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise LoadError(
            "could not be opened: %s" % error.strerror,
            where=path,
            code="file-error",
            errno=error.errno,
        )


def _warnings(texts):
    # type: (list[str]) -> str | None
    # What a load that succeeded should be told about: a parameter that was ignored.
    found = [messages.find_message(text) for text in texts]
    told = [
        entry["meaning"] for entry in found if entry and entry["severity"] == "warning"
    ]
    return "; ".join(told) or None


def reply_of(step, tree):
    # type: (Step, str) -> dict[str, Any]
    """Return the reply of a step of which nothing was done yet."""
    path = step.path
    if path and not path.startswith("/"):
        path = tree + "/" + path
    return {
        "name": step.name,
        "inner_name": step.name,
        "path": path,
        "sha256": "",
        "action": "insert",
        "call": "",
        "parameters": step.options,
        "errno": 0,
        "error": None,
        "meaning": None,
        "records": [],
        "lost": False,
    }
