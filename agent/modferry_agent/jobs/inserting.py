"""One module for the command-line tools: checked as a load is, but alone."""

import errno
import os
import stat

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.names import module_name
from modferry_agent.core.probeplan import Sources, Step
from modferry_agent.errors import LoadError
from modferry_agent.jobs import loadrun
from modferry_agent.system import klogdevice, syscalls
from modferry_agent.system.kernel import Kernel

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.errors import AgentError  # noqa: F401
    from modferry_agent.system.loader import Loader  # noqa: F401

    Outcome = tuple[dict[str, str] | None, dict[str, Any]]

# A shorter file has not even room for a magic number.
_LEAST_BYTES = 6


def run_of_file(path, parameters="", kernel=None, loader=None):
    # type: (str, str, Kernel | None, Loader | None) -> tuple[loadrun.Run, Step]
    """Return the run and the step for one file, whatever the indexes say.

    The file need not be recorded, but one that differs from its record is refused.
    """
    run = new_run(kernel or Kernel(), "", Sources(), loader or syscalls.find_loader())
    step = Step(module_name(path), native(os.path.abspath(raw(path))))
    step.options, step.target = parameters, True
    return run, step


def insert_step(run, step, flags=0):
    # type: (loadrun.Run, Step, int) -> Outcome
    """Check and insert one step of a run; a module that is there is tried again."""
    reply = loadrun.reply_of(step, run.tree)
    try:
        status = os.stat(raw(reply["path"]))
    except OSError as error:
        raise LoadError(
            "could not be read: %s" % error.strerror, reply["path"], errno=error.errno
        )
    if stat.S_ISDIR(status.st_mode):
        raise LoadError("it is a directory", reply["path"], errno=errno.EISDIR)
    if status.st_size < _LEAST_BYTES:
        text = "the file has %d bytes" % status.st_size
        raise LoadError(text, reply["path"], code="too-short")
    # The kernel judges vermagic itself, safely in every era, and says so in its log.
    run.gate.ignore_build = True
    # What explains a failure is printed before the call returns.
    run.settle_s = 0
    run.check(step, reply)
    return run.insert(step, reply, flags), reply


def new_run(kernel, basedir, sources, loader):
    # type: (Kernel, str, Sources, Loader) -> loadrun.Run
    """Return what modprobe inserts with: unrecorded files are allowed."""
    return loadrun.Run(kernel, loader, basedir, False, klogdevice.DEVICE, sources)


# Of the checks before a load, what the kernel would say of such a file.
_ERRNOS = {
    "damaged-module": errno.ENOEXEC,
    "not-a-module": errno.ENOEXEC,
    "wrong-architecture": errno.ENOEXEC,
    "stripped-module": errno.ENOEXEC,
    "module-layout-mismatch": errno.ENOEXEC,
    "fingerprint-mismatch": errno.EBADMSG,
    "too-short": errno.EINVAL,
    "no-decompressor": errno.ENOSYS,
}


def errno_of(error):
    # type: (AgentError) -> int
    """Return the errno for what kept a file from the kernel."""
    return int(error.details.get("errno") or _ERRNOS.get(error.code, errno.EINVAL))
