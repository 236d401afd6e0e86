"""A repair, or its undoing, as lines of text for a person; pure."""

from __future__ import annotations

from collections.abc import Iterable

from modferry.core.results import Value

_RESTORED = {
    "restored": "the indexes are those of before, to the byte",
    "kept": "the modules changed since, so that the indexes are left as they are",
    "none": "no such repair was made here: the indexes are as they are",
}


def repair_lines(value: Value) -> list[str]:
    """Return what was wrong, what was changed, and who proved it."""
    if value["undo"]:
        lines = _changes(value, "put back")
        state = _RESTORED[value["indexes"]]
        return [
            *lines,
            state if not value["dry_run"] else "nothing was changed (dry run)",
        ]
    broken = value["broken"]
    lines = [f"{value['directory']}: {_count(broken)} lacked what they need"]
    lines += [f"  {path}" for path in broken]
    lines += _changes(value, "changed")
    lines += [
        f"warning: kmod 9 to 17 would break {path} all the same: different files"
        " export what it needs"
        for path in value["left"]
    ]
    if value["dry_run"]:
        return [*lines, "nothing was changed (dry run)"]
    proof = value["proof"]
    lines.append("proved: each module's line has all that it needs")
    if proof["modprobe"] and proof["asked"]:
        lines.append(f"proved: {proof['modprobe']} would load {proof['asked']} of them")
    if proof["depmod"]:
        lines.append(f"proved: {proof['depmod']} would write the same dependencies")
    return lines


def _changes(value: Value, done: str) -> list[str]:
    word = f"would be {done}" if value["dry_run"] else done
    return [f"{word} {path}" for path in value["changed"]]


def _count(paths: Iterable[str]) -> str:
    number = len(list(paths))
    return f"{number} module" + ("" if number == 1 else "s")


def hook_lines(value: Value) -> list[str]:
    """Return which files of the check at boot were written or removed."""
    done = ("removed", "would remove") if value["undo"] else ("wrote", "would write")
    lines = [f"{done[value['dry_run']]} {path}" for path in value["changed"]]
    lines += [f"unchanged {path}" for path in value["unchanged"]]
    return lines or ["nothing of it is there"]
