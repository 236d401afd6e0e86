"""The kernel's lines as evidence: for findings there are, or findings of their own."""

from modferry_agent.core import causes, messages
from modferry_agent.core.diagnosis import ERROR, NOTE, WARNING, finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence  # noqa: F401  # novermin

    from modferry_agent.core.diagnosis import Finding, Owner, Subject  # noqa: F401

    Exports = set[str] | None
    OwnerOf = Callable[[str, str], Owner | None] | None

# Causes that need not hold any more at the next try.
_MAY_PASS = (
    "unknown-symbol",
    "unknown-parameter",
    "bad-parameter",
    "out-of-memory",
    "owner-starting",
    "already-loaded",
    "duplicate-export",
)


def add_log(findings, texts, subjects, loaded, kernel_symbols, owner_of=None):
    # type: (list[Finding], list[str], list[Subject], list[str], Exports, OwnerOf) -> None
    """Add the kernel's lines to the findings they prove, and what only they show.

    texts: the kernel's lines, oldest first; kernel_symbols: what it exports
    owner_of: returns the Owner of a symbol that a module of that path imports, or None
    """
    by_name = {}  # type: dict[str, Subject]
    for subject in subjects:
        by_name[subject.name] = subject
        by_name.setdefault(subject.module.inner_name or subject.name, subject)
    for text in texts:
        message = messages.find_message(text)
        if message is not None and not message["module"]:
            # It names no module: it proves what is known of one already.
            for entry in findings:
                if entry["code"] == message["code"] and text not in entry["evidence"]:
                    entry["evidence"].append(text)
            continue
        named = by_name.get(message["module"]) if message else None
        if message is None or named is None or message["severity"] == NOTE:
            continue
        proven = [
            entry
            for entry in findings
            if entry["module"] == named.name
            and (entry["symbol"] or "") == message["symbol"]
            and (message["symbol"] or entry["code"] == message["code"])
        ]
        for entry in proven:
            if text not in entry["evidence"]:
                entry["evidence"].append(text)
        if not proven and not _is_loaded(named, loaded):
            owner = None
            if owner_of is not None and message["code"] == "unknown-symbol":
                owner = owner_of(message["symbol"], named.module.path)
            exports = kernel_symbols or ()
            findings.append(_from_log(message, text, named, exports, owner))


def _from_log(message, text, subject, kernel_symbols, owner):
    # type: (dict[str, Any], str, Subject, Any, Owner | None) -> Finding
    code, symbol = message["code"], message["symbol"] or None
    severity = WARNING if code in _MAY_PASS else str(message["severity"])
    why, step = message["meaning"], message["next"].replace("MODULE", subject.name)
    if code == "unknown-symbol":
        licence = dict(subject.module.fields).get("license", "unspecified")
        if symbol in kernel_symbols and not causes.is_gpl(licence):
            code, severity = "license", ERROR
            why, step = causes.licence_words(licence)
        else:
            # The log is of an earlier try, and may be an old one.
            code, severity = "owner-not-loaded", NOTE
            why = "its owner was not loaded then; nothing is in the way now"
            step = (
                "load it with what it needs: modferry load %s --on BOX" % subject.name
            )
            if owner is not None:
                why = "%s exports it, and was not loaded then" % owner.path
                message["owner"] = owner.path
    return finding(
        code,
        severity,
        subject.name,
        why,
        step,
        symbol,
        message["owner"] or None,
        [text],
    )


def _is_loaded(subject, loaded):
    # type: (Subject, Sequence[str]) -> bool
    inner = (subject.module.inner_name or subject.name).replace("-", "_")
    return inner in loaded
