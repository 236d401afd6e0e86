"""diagnose --fix: do what a diagnosis found to be safe, and say how to undo it.

Safe is what loses nothing and was checked against the box: indexes are written anew as
one publication, links become aliases that keep each link, a missing owner is loaded
behind the checks of every load.  Everything else is left to who asked.
"""

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.core.names import module_name
from modferry_agent.errors import AgentError
from modferry_agent.jobs import diagnose, indexes, linkalias, load
from modferry_agent.system import klogdevice, processes
from modferry_agent.system.kernel import Kernel

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.diagnosis import Finding  # noqa: F401
    from modferry_agent.system.loader import Loader  # noqa: F401

    Done = dict[str, Any]

_BY_INDEXES = (
    "left-out-of-modules-dep",
    "not-in-index",
    "index-missing",
    "index-damaged",
)
# Releases of kmod whose depmod loses what an even number of names export.
_LOSING = range(9, 18)


def mend_module(
    module,
    with_log=True,
    basedir="",
    dry_run=False,
    context=None,
    kernel=None,
    loader=None,
    device=klogdevice.DEVICE,
    depmod="depmod",
    console=(),
):
    # type: (str, bool, str, bool, Any, Any, Loader | None, str, str, Any) -> Done
    """Return the diagnosis of `diagnose.diagnose_module` after what could be mended.

    It has ``fixed`` besides: {code, did, undo, error} of each thing done, in order;
    error is None unless it failed, and the rest is not tried then.
    dry_run: do nothing, and say what would be done
    depmod: the box's own, asked for its release
    console: as for `diagnose.diagnose_module`
    """
    kernel = kernel or Kernel()
    before = diagnose.diagnose_module(
        module, with_log, basedir, kernel, console=console
    )
    mending = _Mending(kernel, basedir, dry_run)
    findings = before["findings"]
    links = _lost_links(findings)
    if links and _release_of(depmod) in _LOSING:
        mending.make_aliases(links)
    by_indexes = [one for one in findings if one["code"] in _BY_INDEXES]
    if by_indexes:
        mending.write_indexes(by_indexes[0]["code"])
    for name in _owners(findings):
        mending.load_owner(name, loader, device)
    after = before
    if mending.done and not dry_run:
        # What the log says is of before.
        after = diagnose.diagnose_module(module, False, basedir, kernel)
    after["fixed"] = mending.done
    after["dry_run"] = dry_run
    return after


def _lost_links(findings):
    # type: (list[Finding]) -> list[str]
    names = []  # type: list[str]
    for one in findings:
        if one["details"].get("lost_by"):
            for path in one["details"]["names"]:
                if path != one["owner"] and module_name(path) not in names:
                    names.append(module_name(path))
    return names


def _owners(findings):
    # type: (list[Finding]) -> list[str]
    names = []  # type: list[str]
    for one in findings:
        if one["code"] == "owner-not-loaded" and one["owner"]:
            name = module_name(one["owner"])
            if name not in names:
                names.append(name)
    return names


def _release_of(depmod):
    # type: (str) -> int
    # 0 for module-init-tools and busybox, whose depmods lose nothing so.
    _, status, output, _ = processes.run([depmod, "--version"])
    words = output.split()
    if status or words[:2] != [b"kmod", b"version"]:
        return 0
    digits = words[2].split(b".")[0] if len(words) > 2 else b""
    return int(digits) if digits.isdigit() else 0


class _Mending(object):
    """What was done so far."""

    def __init__(self, kernel, basedir, dry_run):
        # type: (Kernel, str, bool) -> None
        self.kernel = kernel
        self.basedir = basedir
        self.dry_run = dry_run
        self.done = []  # type: list[Done]

    def make_aliases(self, names):
        # type: (list[str]) -> None
        def work():
            # type: () -> str
            reply = linkalias.alias_links(
                self.basedir,
                self.kernel.release,
                names,
                self.dry_run,
                publish=lambda links: indexes.write_indexes(
                    self.kernel.release, self.basedir, without=links
                ),
            )
            made = " ".join([one["name"] for one in reply["links"]])
            words = "%s aliases in %s of the links %s"
            return words % (self._word("made", "make"), reply["config"], made)

        undo = "the links are kept in %s: make them again as it says" % linkalias.CONFIG
        self._do("alias-instead-of-link", work, undo)

    def write_indexes(self, code):
        # type: (str) -> None
        def work():
            # type: () -> str
            reply = indexes.write_indexes(
                self.kernel.release, self.basedir, dry_run=self.dry_run
            )
            names = " ".join(reply["changed"]) or "nothing that was not so already"
            words = "%s the indexes of %s: %s"
            return words % (self._word("wrote", "write"), reply["directory"], names)

        self._do(code, work, "depmod on the box writes its own again")

    def load_owner(self, name, loader, device):
        # type: (str, Loader | None, str) -> None
        def work():
            # type: () -> str
            reply = load.load_modules(
                name,
                basedir=self.basedir,
                dry_run=self.dry_run,
                kernel=self.kernel,
                loader=loader,
                device=device,
            )
            if "failure" in reply:
                raise AgentError(reply["failure"]["message"], code="load-failed")
            steps = [one["name"] for one in reply["steps"] if one["action"] == "insert"]
            loaded = " ".join(steps) or "nothing: it was there already"
            return "%s %s" % (self._word("loaded", "load"), loaded)

        self._do("owner-not-loaded", work, "modferry unload %s --on BOX" % name)

    def _word(self, done, to_do):
        # type: (str, str) -> str
        return to_do if self.dry_run else done

    def _do(self, code, work, undo):
        # type: (str, Any, str) -> None
        if [one for one in self.done if one["error"] is not None]:
            return
        entry = {"code": code, "did": "", "undo": undo, "error": None}  # type: Done
        try:
            entry["did"] = work()
        except AgentError as error:
            entry["error"] = str(error)
        self.done.append(entry)
