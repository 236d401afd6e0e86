"""The steps of a load, one by one: checked, then handed to the kernel."""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.core import errnos, klog, messages
from modferry_agent.errors import AgentError, LoadError
from modferry_agent.jobs import checked, probing
from modferry_agent.system import fingerprints, klogdevice, moduletree

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.probeplan import Sources, Step  # noqa: F401
    from modferry_agent.system.kernel import Kernel  # noqa: F401
    from modferry_agent.system.loader import Loader  # noqa: F401


class Run(object):
    """One load: what is looked up in, what is compared with, and the steps so far."""

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
        self.gate = checked.Gate(
            os.uname()[4],
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
        # A link's name is not the kernel's: rtai_ksched.ko registers as rtai_sched.
        if found.inner_name in self.present:
            reply["action"] = "present"

    def insert(self, step, reply, flags=0):
        # type: (Step, dict[str, Any], int) -> dict[str, str] | None
        """Hand a checked step to the kernel; return the failure, None if there is none.

        flags: of finit_module, which is called only for them
        The reply gets call, errno, error, meaning, records and lost.
        """
        stored = moduletree.read_stored(reply["path"])
        if fingerprints.fingerprint(stored)[0] != reply["sha256"]:
            raise LoadError(
                "%s: the file changed while it was checked" % step.name,
                where=reply["path"],
                hint="load again when nothing writes to it any more",
                code="fingerprint-mismatch",
            )
        image = checked.CheckedModule(reply["path"], stored).image
        bracket = klogdevice.Bracket(self.loader, self.device)
        try:
            # init_module and not finit_module: it takes the very bytes that were
            # checked, while a file may change between its check and its use.
            if flags:
                call, code = "finit_module", self._insert_file(
                    reply, stored, step.options, flags
                )
            else:
                call, code = self.loader.insert(image, step.options)
            records, lost = bracket.collect()
        finally:
            bracket.abandon()
        names = [step.name, reply["inner_name"]]
        klog.mark_own(records, names, "T%d" % self.loader.caller)
        own = [record["text"] for record in records if record["own"]]
        if code in (errno.EPERM, errno.EACCES) and not _has_cause(own):
            # IMA and loadpin judge files, and refuse what comes from memory.
            code_of_file = self._insert_file(reply, stored, step.options)
            if code_of_file != errno.ENOSYS:
                call, code = "finit_module", code_of_file
        reply["call"] = call
        reply["errno"] = code
        reply["error"] = errnos.name_of(code)
        reply["records"] = [klog.plain(record) for record in records]
        reply["lost"] = lost
        if not code:
            reply["meaning"] = _warnings(own)
        if not code or (code == errno.EEXIST and not step.target):
            return None
        explained = errnos.explain_insert(
            reply["error"],
            own,
            bracket.interface is not None and not lost,
            self.kernel.read_number("/proc/sys/kernel/modules_disabled") == 1,
        )
        reply["meaning"] = explained["meaning"]
        message = "%s: %s" % (step.name, explained["meaning"])
        if len(explained["symbols"]) > 1:
            message += " (and %d more symbols)" % (len(explained["symbols"]) - 1)
        return {
            "code": explained["code"],
            "message": message,
            "where": "%s, %s: %s" % (reply["path"], call, reply["error"]),
            "hint": explained["next"].replace("MODULE", step.name),
        }

    def _insert_file(self, reply, stored, options, flags=0):
        # type: (dict[str, Any], bytes, str, int) -> int
        # The errno of finit_module on the checked file; ENOSYS for a compressed one.
        if checked.CheckedModule(reply["path"], stored).image != stored:
            return errno.ENOSYS
        handle = os.open(raw(reply["path"]), os.O_RDONLY)
        try:
            content = os.read(handle, len(stored) + 1)
            if fingerprints.fingerprint(content)[0] != reply["sha256"]:
                return errno.ETXTBSY
            return self.loader.insert_file(handle, options, flags)[1]
        finally:
            os.close(handle)


def _warnings(texts):
    # type: (list[str]) -> str | None
    # What a load that succeeded should be told about: a parameter that was ignored.
    found = [messages.find_message(text) for text in texts]
    told = [
        entry["meaning"] for entry in found if entry and entry["severity"] == "warning"
    ]
    return "; ".join(told) or None


def _has_cause(texts):
    # type: (list[str]) -> bool
    found = [messages.find_message(text) for text in texts]
    return bool([entry for entry in found if entry and entry["severity"] == "error"])


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
