"""modprobe: load a module with what it needs, or remove it, by kmod's command line."""

import os

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.errors import AgentError
from modferry_agent.tools import modprobetable, telling
from modferry_agent.tools.modprobebox import Box
from modferry_agent.tools.telling import ERROR, FATAL, WARNING

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin


def main(argv):
    # type: (Sequence[str]) -> int
    """Run the command; return its exit status, 0 or 1."""
    extra = modprobetable.words_of(os.environ.get("MODPROBE_OPTIONS", ""))
    words = list(argv[:1]) + extra + list(argv[1:])
    return telling.run_tool(
        words,
        modprobetable.TABLE,
        modprobetable.USAGE,
        WARNING,
        _run,
        modprobetable.OURS,
    )


def _run(teller, given, operands):
    # type: (telling.Teller, list[tuple[str, str]], list[str]) -> int
    settings = modprobetable.Settings(given)
    if settings.bad_wait:
        teller.tell(ERROR, "unexpected wait value '%s'." % settings.bad_wait)
        return 1
    if settings.quiet:
        teller.verbosity = 0
    if not operands and not settings.show_config:
        teller.tell(ERROR, "missing parameters. See -h.")
        return 1
    _pass_on(given)
    try:
        box = Box(settings.release, settings.root, settings.config)
    except AgentError as error:
        # An index that cannot be read: kmod crashes, or finds nothing in it.
        teller.tell(ERROR, error.message)
        teller.add(None, error.hint)
        return 1
    box.sources.config.all_softdeps = settings.all_softdeps
    box.sources.commands_beside_softdeps = settings.install_beside_softdeps
    modprobetable.tell_complaints(box)
    try:
        return _do(teller, box, settings, operands)
    except AgentError as error:
        # An index that is damaged where nothing looked before; or no way to call.
        teller.tell(ERROR, "%s: %s" % (operands[0], error.message))
        teller.add(None, error.hint)
        return 1


def _do(teller, box, settings, operands):
    # type: (telling.Teller, Box, modprobetable.Settings, list[str]) -> int
    if settings.show_config:
        telling.out(modprobetable.config_text(box.sources))
        return 0
    if settings.show_modversions or settings.show_exports:
        from modferry_agent.tools import modprobesymbols

        return modprobesymbols.show(teller, settings.show_exports, operands[0])
    level = WARNING if settings.all else FATAL
    names = operands if settings.all or settings.remove else operands[:1]
    status = 0
    if settings.remove:
        from modferry_agent.tools.modproberemove import Removal

        removal = Removal(teller, box, settings, level)
        for name in names:
            status = removal.remove(name) or status
        return status
    from modferry_agent.tools.modprobeload import Probe

    parameters = "" if settings.all else modprobetable.joined(operands[1:])
    probe = Probe(teller, box, settings, level)
    for name in names:
        status = probe.load(name, parameters) or status
    return status


def _pass_on(given):
    # type: (Sequence[tuple[str, str]]) -> None
    # For the modprobes that install and remove commands run.
    words = os.environ.get("MODPROBE_OPTIONS", "").split(" ")
    words = [word for word in words if word]
    for name, value in given:
        letter = modprobetable.PASSED_ON.get(name)
        if letter:
            words.extend([letter] + ([value] if name == "config" else []))
    if words:
        os.environ["MODPROBE_OPTIONS"] = " ".join(words)
