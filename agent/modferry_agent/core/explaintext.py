"""An explanation of a module's dependencies in words, for the tool and for the host."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin

    Value = dict[str, Any]


def lines(answer):
    # type: (Value) -> list[str]
    """Return the lines that tell an answer of `core.explain.explanation`."""
    told = ["%s: %s" % (answer["path"], " ".join(answer["line"]) or "(nothing)")]
    if answer["file"] != answer["path"]:
        told.append(
            "  a link: another name of %s, with its dependencies" % answer["file"]
        )
    others = [path for path in answer["names"] if path != answer["path"]]
    if others:
        told.append("  the same file: " + " ".join(others))
    told += ["", "imports"]
    told += _imports(answer["imports"])
    if answer["ways"]:
        told += ["", "ways to each dependency"]
        for way in answer["ways"]:
            told.append("  " + way["path"])
            for step in way["steps"]:
                told.append("    %(user)s needs %(symbol)s of %(owner)s" % step)
    told += ["", "kmod 9 to 17 would have written"]
    told += _old(answer)
    return told


def _imports(imports):
    # type: (Sequence[Value]) -> list[str]
    # Those with one owner and the same candidates together.
    groups = []  # type: list[tuple[Any, list[str]]]
    for each in imports:
        candidates = [(other["path"], other["why"]) for other in each["candidates"]]
        key = (each["owner"], candidates)
        name = each["symbol"] + (" (weak)" if each["weak"] else "")
        for known, names in groups:
            if known == key:
                names.append(name)
                break
        else:
            groups.append((key, [name]))
    told = []
    for (owner, candidates), names in groups:
        told.append("  %s" % (owner or "no module: the kernel, or nobody"))
        told += ["    owns " + " ".join(part) for part in _in_rows(names)]
        for path, why in candidates:
            told.append("    not %s: it %s" % (path, why))
    return told or ["  none"]


def _in_rows(names):
    # type: (Sequence[str]) -> list[list[str]]
    rows = []  # type: list[list[str]]
    width = 0
    for name in names:
        if not rows or width + len(name) > 70:
            rows.append([])
            width = 0
        rows[-1].append(name)
        width += len(name) + 1
    return rows


def _old(answer):
    # type: (Value) -> list[str]
    old = answer["old_kmod"]
    told = ["  %s: %s" % (answer["path"], " ".join(old["line"]) or "(nothing)")]
    for lost in old["missing"]:
        told.append("  it leaves out " + lost["path"])
        copies = []  # type: list[tuple[list[str], list[str]]]
        for each in lost["symbols"]:
            for exporters, names in copies:
                if exporters == each["exporters"]:
                    names.append(each["symbol"])
                    break
            else:
                copies.append((each["exporters"], [each["symbol"]]))
        for exporters, names in copies:
            for row in _in_rows(names):
                told.append("    lost " + " ".join(row))
            told.append(
                "    exported %d times, by %s" % (len(exporters), " ".join(exporters))
            )
        if copies:
            told.append("    what is exported an even number of times, it loses")
        else:
            told.append("    a module on the way there has lost its own")
    if old["left_out_of"]:
        count = len(old["left_out_of"])
        told.append("  it leaves this file out of %d lines:" % count)
        told += ["    " + path for path in old["left_out_of"]]
    if not old["missing"] and not old["left_out_of"]:
        told.append("  nothing is lost: each symbol is exported an odd number of times")
    return told
