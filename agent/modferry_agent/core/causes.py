"""Why a load failed: by errno, the kernel's lines of this load, and what else is known.

One errno has several causes.  The lines this load made the kernel print decide, the
table of errnos says what holds when they name none; and what neither can say (which of
its silent checks refused a file, whether a symbol is kept from it by its licence) is
found in the file.
"""

from modferry_agent.core import errnos, messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence  # noqa: F401  # novermin

    Found = dict[str, Any]

_MODULES_DISABLED = (
    "modules-disabled",
    "loading modules was switched off until the next boot"
    " (/proc/sys/kernel/modules_disabled)",
    "reboot the box",
)
_UNKNOWN_WITHOUT_LOG = (
    "load-failed",
    "an unknown symbol, a bad parameter or its own init; the kernel's lines could not"
    " be read",
    "modferry diagnose MODULE --on BOX",
)
_UNKNOWN_FLAG = (
    "unknown-flag",
    "the kernel does not know a flag of finit_module (force, or a compressed file)",
    "load it without force, or decompressed",
)
# Of "Unknown symbol X (err N)": what N says when no other line does.
_OF_SYMBOL = {
    "-12": (
        "out-of-memory",
        "the kernel had no memory to note who uses \"%(symbol)s\"",
        "free memory, then load again",
    ),
    "-16": (
        "owner-starting",
        "the module that exports \"%(symbol)s\" was still in its init after 30 s",
        "see why it does not finish: modferry klog --on BOX",
    ),
    "-22": (
        "crc-mismatch",
        "the CRC or the namespace of \"%(symbol)s\" does not fit; the line that says"
        " which is not in the log any more",
        "rebuild it against the running kernel and the modules that it uses",
    ),
}
# Lines after which the load may go on: they are causes only with the "Unknown symbol"
# that follows.  Source: kernel, check_version and verify_namespace_is_imported.
_WITH_SYMBOL = ("no-symbol-version", "crc-mismatch", "namespace-not-imported")


class Facts(object):
    """What is known of a load beside errno and log.

    licence: of the module, None if that was not looked up
    is_exported: says of a symbol whether the kernel or a loaded module exports it
    problem: what `elfcheck` found, {code, message}, or None
    flags: of finit_module; modules_disabled: loading is switched off
    log_known: the lines were readable and none is lost, so that silence says something
    """

    licence = None  # type: str | None
    is_exported = None  # type: Callable[[str], bool] | None
    problem = None  # type: dict[str, str] | None
    flags = 0
    modules_disabled = False
    log_known = True


def explain_insert(name, texts, facts=None):
    # type: (str, Sequence[str], Facts | None) -> Found
    """Return code, meaning, next, symbols and the lines that prove it (evidence).

    name: the errno's; texts: the kernel's lines of this load and no other
    """
    facts = facts or Facts()
    causes = _causes(texts)
    # EEXIST comes before every other check on 2.6.32; nothing printed is its cause.
    if causes and name != "EEXIST":
        best = min(causes, key=lambda entry: int(entry["priority"]))
        if best["code"] == "damaged-module" and facts.problem is not None:
            return _of_file(facts.problem, [best["text"]])
        if best["code"] == "unknown-symbol":
            return _of_symbols(causes, facts)
        same = [entry for entry in causes if entry["code"] == best["code"]]
        return _explained(best["code"], best["meaning"], best["next"], same)
    if name == "ENOEXEC" and facts.problem is not None:
        return _of_file(facts.problem, [])
    if name == "EPERM" and facts.modules_disabled:
        return _explained(*_MODULES_DISABLED)
    if name == "EINVAL" and facts.flags:
        return _explained(*_UNKNOWN_FLAG)
    if name in ("ENOENT", "EINVAL") and not facts.log_known:
        return _explained(*_UNKNOWN_WITHOUT_LOG)
    row = errnos.SILENT.get(name)
    if row is None:
        text = "its own init function returned %s" % name
        row = ("init-failed", text, errnos.LOG)
    return _explained(*row)


def failure(module, explained, where):
    # type: (str, Found, str) -> dict[str, str]
    """Return what an explanation says of a module as the failure of its load."""
    message = "%s: %s" % (module, explained["meaning"])
    if len(explained["symbols"]) > 1:
        message += " (and %d more symbols)" % (len(explained["symbols"]) - 1)
    return {
        "code": explained["code"],
        "message": message,
        "where": where,
        "hint": explained["next"].replace("MODULE", module),
    }


def _causes(texts):
    # type: (Sequence[str]) -> list[Found]
    found = []  # type: list[Found]
    for text in texts:
        message = messages.find_message(text)
        if message is not None and message["severity"] == "error":
            message["text"] = text
            found.append(message)
    unknown = [one["symbol"] for one in found if one["code"] == "unknown-symbol"]
    return [
        one
        for one in found
        if one["code"] not in _WITH_SYMBOL or not unknown or one["symbol"] in unknown
    ]


def _of_symbols(causes, facts):
    # type: (list[Found], Facts) -> Found
    same = [entry for entry in causes if entry["code"] == "unknown-symbol"]
    for number in sorted(_OF_SYMBOL):
        those = [entry for entry in same if entry["err"] == number]
        if those:
            code, meaning, step = _OF_SYMBOL[number]
            return _explained(code, meaning % those[0], step, those)
    if facts.licence is not None and not is_gpl(facts.licence) and facts.is_exported:
        kept = [entry for entry in same if facts.is_exported(entry["symbol"])]
        # One that is nowhere hides nothing: it is the first thing to find.
        if kept and len(kept) == len(same):
            return _explained("license", *licence_words(facts.licence), causes=kept)
    return _explained(same[0]["code"], same[0]["meaning"], same[0]["next"], same)


def _of_file(problem, evidence):
    # type: (dict[str, str], list[str]) -> Found
    found = _explained(problem["code"], problem["message"], file_step(problem["code"]))
    found["evidence"] = evidence
    return found


def file_step(code):
    # type: (str) -> str
    """Return the next step for a file with that problem of `elfcheck`."""
    steps = {
        "wrong-architecture": "build it for the box's kernel, or take the right file",
        "not-a-module": "give the .ko file that the kernel's build wrote",
        "stripped-module": "strip it with -g only, or push the unstripped module",
    }
    return steps.get(code, "push the module again: modferry push FILE --on BOX")


def licence_words(licence):
    # type: (str) -> tuple[str, str]
    """Return meaning and next step where a licence keeps symbols from a module."""
    return (
        "it is exported to GPL modules only, and the module's licence is \"%s\""
        % licence,
        "give it a GPL-compatible MODULE_LICENSE, if that is its licence",
    )


def is_gpl(licence):
    # type: (str) -> bool
    """Say whether the kernel gives GPL-only symbols to a module of that licence.

    Source: kernel, include/linux/license.h, license_is_gpl_compatible.
    """
    return licence in (
        "GPL",
        "GPL v2",
        "GPL and additional rights",
        "Dual BSD/GPL",
        "Dual MIT/GPL",
        "Dual MPL/GPL",
    )


def _explained(code, meaning, step, causes=()):
    # type: (str, str, str, Sequence[Found]) -> Found
    symbols = []  # type: list[str]
    for entry in causes:
        if entry["symbol"] and entry["symbol"] not in symbols:
            symbols.append(entry["symbol"])
    return {
        "code": code,
        "meaning": meaning,
        "next": step,
        "symbols": symbols,
        "evidence": [entry["text"] for entry in causes],
    }
