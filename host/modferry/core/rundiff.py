"""What two runs found otherwise, box by box; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modferry.core.outcomes import Outcome

PASSING = ("free_bytes",)
"""What is another at any moment: that a log grew is nothing found otherwise."""


def differences(
    before: Sequence[Outcome], after: Sequence[Outcome]
) -> list[dict[str, object]]:
    """Return the boxes whose outcome or answer differs, and in which values."""
    old = {outcome.name: outcome for outcome in before}
    new = {outcome.name: outcome for outcome in after}
    found: list[dict[str, object]] = []
    for name in dict.fromkeys([*old, *new]):
        first, second = old.get(name), new.get(name)
        words = [each.word if each else "not in the run" for each in (first, second)]
        values = _changed(_flat(first), _flat(second))
        if words[0] != words[1] or values:
            found.append(
                {"box": name, "before": words[0], "after": words[1], "values": values}
            )
    return found


def _changed(
    old: Mapping[str, object], new: Mapping[str, object]
) -> list[dict[str, object]]:
    return [
        {"key": key, "before": old.get(key), "after": new.get(key)}
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]


def _flat(outcome: Outcome | None) -> dict[str, object]:
    if outcome is None or outcome.result is None:
        return {}
    found = dict(_leaves("", outcome.result.value))
    for key in PASSING:
        found.pop(key, None)
    if outcome.result.error is not None:
        found["error"] = outcome.result.error.message
    return found


# Lists are compared whole: their places mean nothing.
def _leaves(prefix: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{prefix}.{key}" if prefix else str(key), inner)
    else:
        yield prefix, value
