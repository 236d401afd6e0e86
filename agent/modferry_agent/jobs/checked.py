"""Nothing unchecked reaches the kernel: a module file read once, and judged.

The bytes that were checked are the bytes that are handed over: they stay in memory, or
their sha256 does, with which a second reading must agree.
"""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core import causes, elfcheck, machines, module, vermagic
from modferry_agent.errors import AgentError, FormatError, LoadError
from modferry_agent.system import decompress, fingerprints, treefiles

if TYPE_CHECKING:
    from modferry_agent.core.probeplan import Sources  # noqa: F401

_PUSH = "push the module again: modferry push FILE --on BOX"
_PUSH_TO = "push it, which records it: modferry push FILE --to DIR --on BOX"
_RECORD = "modferry depmod --on BOX records it as it is now"


class CheckedModule(object):
    """A file whose fingerprint and structure are as they must be.

    path: where it was read; sha256: of the file as it lies there
    image: its own bytes, decompressed; plain: the file is not compressed
    inner_name: by which the kernel knows the module
    vermagic: "" if it carries none; licence: "unspecified" if it names none
    layout: size of its struct module
    """

    def __init__(self, path, stored):
        # type: (str, bytes) -> None
        """Decompress and parse; nothing is judged yet."""
        self.path = path
        self.sha256, self.size = fingerprints.fingerprint(stored)
        self.image = decompress.decompressed(stored, path)
        self.plain = self.image is stored or self.image == stored
        self.inner_name = ""
        self.vermagic = ""
        self.licence = ""
        self.layout = None  # type: int | None

    def parse(self):
        # type: () -> module.Module
        """Read the names and fields; only of a file whose structure is sound."""
        parsed = module.parse_module(self.path, self.image)
        self.inner_name = (parsed.inner_name or parsed.name).replace("-", "_")
        self.vermagic = dict(parsed.fields).get("vermagic", "")
        self.licence = dict(parsed.fields).get("license", "unspecified")
        self.layout = elfcheck.this_module_size(self.image)
        return parsed


class Gate(object):
    """The checks of one run, with what they compare against.

    machine: uname -m of the kernel
    records: path -> (sha256, size), as `system.fingerprints` has it
    require_fingerprint: refuse what has no record
    reference: a module of this kernel, for vermagic and struct module; None checks less
    ignore_build: let the kernel judge vermagic, as the force options want
    """

    def __init__(self, machine, records, require_fingerprint, reference=None):
        # type: (str, dict[str, tuple[str, int]], bool, CheckedModule | None) -> None
        """Remember what to compare against."""
        self.machine = machines.machine_of(machine)
        self.records = records
        self.require_fingerprint = require_fingerprint
        self.reference = reference
        self.ignore_build = False

    def read(self, location, path):
        # type: (str, str) -> CheckedModule
        """Return the module at a location if everything about it is right.

        path: as the indexes and the record name it
        LoadError: what is wrong; FileError: it cannot be read.
        """
        stored = treefiles.read_stored(location)
        self.check_fingerprint(location, path, fingerprints.fingerprint(stored)[0])
        try:
            checked = CheckedModule(location, stored)
        except FormatError as error:
            raise LoadError(error.message, location, _PUSH, "damaged-module")
        for problem in elfcheck.check_loadable(checked.image, self.machine):
            code = problem["code"]
            raise LoadError(problem["message"], location, causes.file_step(code), code)
        try:
            checked.parse()
        except FormatError as error:
            raise LoadError(error.message, location, _PUSH, "damaged-module")
        self._check_build(checked)
        return checked

    def check_fingerprint(self, location, path, sha256):
        # type: (str, str, str) -> None
        """Compare with the record, by any of the names it may be recorded under."""
        real = native(os.path.realpath(raw(location)))
        in_tree = "/lib/modules/" in location  # no depmod reads what is elsewhere
        for name in (path, location, real):
            if name in self.records:
                if self.records[name][0] == sha256:
                    return
                changed = ""
                if in_tree:
                    changed = "; or, if it was changed on purpose, " + _RECORD
                raise LoadError(
                    "the file is not the one that was indexed or pushed",
                    where=location,
                    hint=_PUSH + changed,
                    code="fingerprint-mismatch",
                    recorded=self.records[name][0],
                    sha256=sha256,
                )
        if self.require_fingerprint:
            raise LoadError(
                "nothing is recorded about the file, so it may be damaged",
                where=location,
                hint=_RECORD + "; then load again" if in_tree else _PUSH_TO,
                code="unverified-module",
            )

    def _check_build(self, checked):
        # type: (CheckedModule) -> None
        reference = self.reference
        if reference is None or not reference.vermagic:
            return
        if checked.vermagic and not self.ignore_build:
            words = vermagic.mismatch(checked.vermagic, reference.vermagic)
            if words:
                raise LoadError(
                    "it was built for another kernel: %s" % words,
                    where=checked.path,
                    hint="rebuild it against the headers of the running kernel",
                    code="vermagic-mismatch",
                    vermagic=checked.vermagic,
                    kernel_vermagic=reference.vermagic,
                    reference=reference.path,
                )
        # Kernels from 6.4 on refuse it, 5.10 to 6.3 load it, 2.6.32 panics.
        if reference.layout and checked.layout != reference.layout:
            raise LoadError(
                "its struct module has %s bytes, that of this kernel %d"
                % (checked.layout, reference.layout),
                where=checked.path,
                hint="rebuild it against the headers of the running kernel",
                code="module-layout-mismatch",
                reference=reference.path,
            )


def find_reference(directory, sources, loaded, avoid=()):
    # type: (str, Sources, list[str], tuple[str, ...]) -> CheckedModule | None
    """Return a module of the kernel's own, to compare a stranger with.

    One that is loaded was accepted by this kernel; else the first below ``kernel/``,
    which came with it.  None: there is none that can be read.
    avoid: names that are no comparison, since they are under question
    """
    for name in candidates(sources, loaded, avoid):
        path = sources.line_of(name)[0]
        if not path.startswith("kernel/"):
            continue
        location = directory + "/" + path
        try:
            reference = CheckedModule(location, treefiles.read_stored(location))
            reference.parse()
        except (AgentError, ValueError):
            continue
        if reference.vermagic:
            return reference
    return None


def candidates(sources, loaded, avoid):
    # type: (Sources, list[str], tuple[str, ...]) -> list[str]
    """Return the names of modules that `find_reference` looks at, best first."""
    found = [name for name in loaded if name not in avoid][:16]
    tries = 0
    if sources.dep is not None:
        for key, _, value in sources.dep.items():
            if value.startswith("kernel/") and key not in avoid:
                found.append(key)
                tries += 1
                if tries == 3:
                    break
    return found
