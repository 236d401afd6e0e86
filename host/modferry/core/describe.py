"""The answers of the commands as lines of text for a person; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from modferry.core import explain, filediff, runlines, upgradetexts
from modferry.core.loglines import log_lines
from modferry.core.results import Value
from modferry_agent.core import explaintext
from modferry_agent.core.names import is_module_file

_DONE = {
    "insert": "loaded",
    "present": "was loaded already",
    "builtin": "is built in",
}
_PLANNED = {**_DONE, "insert": "would be loaded"}
_UNLOADED = {"delete": "unloaded", "absent": "was not loaded", "held": "is held"}


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """Return the rows as lines whose cells stand below each other."""
    rows = [tuple(row) for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [indent + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def facts(value: Value) -> list[str]:
    """Return what the box is, a fact a line."""
    tree = value["module_tree"]
    log = value["log_interface"] or "none"
    if value["printk"]:
        log += ", console level " + str(value["printk"][0])
    unpack = [f"{name} by {how}" for name, how in value["decompressors"].items() if how]
    tainted = value["tainted"]
    rows = [
        ("box", f"{value['hostname']}, {value['distribution']}"),
        ("kernel", f"{value['sysname']} {value['release']} {value['machine']}"),
        ("", value["kernel_version"]),
        ("bits", f"{value['bits']}, {value['byte_order']}-endian"),
        ("python", ", ".join(filter(None, (value["python"], value["python_path"])))),
        ("kmod", value["kmod"] or "none"),
        ("user id", str(value["uid"])),
        (
            "modules",
            f"{tree['modules']} files and {tree['links']} links in {tree['path']}"
            if tree["present"]
            else f"no directory {tree['path']}",
        ),
        ("indexes", tree["index"]),
        ("loaded", f"{value['modules_loaded']} modules"),
        ("taint", f"{tainted}" if tainted else "none"),
        ("loading", _loading(value)),
        ("log", log),
        ("unpacks", ", ".join(unpack) or "nothing"),
        ("free", _size(value["free_bytes"])),
    ]
    module = value.get("module")
    if module is not None:
        told = f"{module['path']}, sha256 {module['sha256']}" if module["path"] else ""
        rows.append(("module", f"{module['name']}: {told or 'none'}"))
    return columns(rows)


def _loading(value: Value) -> str:
    if value["modules_disabled"]:
        return "switched off until the next boot (kernel.modules_disabled)"
    if value["syscalls"] is None:
        return "no way to call the kernel: no ctypes, perl, insmod or busybox"
    return "by " + str(value["syscalls"])


def _size(size_bytes: int) -> str:
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes >= size:
            return f"{size_bytes / size:.1f} {unit}"
    return f"{size_bytes} bytes"


def push(value: Value) -> list[str]:
    """Return a line for each file: where it went, or would go."""
    rows = [
        (
            each["file"],
            "->",
            each["path"],
            f"{each['size_bytes']} bytes",
            _pushed(each, dry_run=value["dry_run"]),
        )
        for each in value["files"]
    ]
    lines = columns(rows)
    for each in value["files"]:
        if each["difference"]:
            lines += [f"{each['path']}:", *each["difference"]]
        if each["stripped_bytes"]:
            lines.append(
                f"{each['file']}: {each['stripped_bytes']} bytes of debug sections are "
                "left out (--keep-debug sends them)"
            )
        if each["signed_with_debug"]:
            lines.append(f"{each['file']}: its debug sections go along, it is signed")
    if value["dry_run"]:
        return [*lines, "nothing was changed (dry run)"]
    if any(each["changed"] and _indexed(each["path"]) for each in value["files"]):
        lines.append("the indexes are as they were: modferry depmod writes them anew")
    return lines


def _indexed(path: str) -> bool:
    return "/lib/modules/" in path and is_module_file(path.rpartition("/")[2])


def _pushed(each: Value, *, dry_run: bool) -> str:
    if dry_run and not each["changed"]:
        return "is the same"
    if dry_run:
        return "would be replaced" if each["replaces"] else "would be written"
    if not each["changed"]:
        return "was the same"
    return "replaced" if each["replaces"] else "written"


def pull(value: Value) -> list[str]:
    """Return where the file came from and went to."""
    return [
        f"{value['path']} -> {value['file']}",
        f"{value['size_bytes']} bytes, sha256 {value['sha256']}",
    ]


def depmod(value: Value) -> list[str]:
    """Return what became of the indexes, then what was found on the way."""
    verb = "would change" if value["dry_run"] else "changed"
    lines = [f"{value['directory']}: {value['modules']} modules indexed"]
    lines += columns(
        (label, " ".join(value[key]) or "none")
        for label, key in ((verb, "changed"), ("unchanged", "unchanged"))
    )
    for name, told in sorted(value.get("differences", {}).items()):
        lines += [f"{name}:", *filediff.of_index(told)]
    lines += [
        f"warning: {each['path']}: {each['reason']}" for each in value["warnings"]
    ]
    lines += [
        f"conflict: {each['symbol']}: {each['owner']} is taken,"
        f" {', '.join(each['others'])} export it too"
        for each in value["conflicts"]
    ]
    return lines


def explanation(value: Value) -> list[str]:
    """Return owners, candidates, ways and what an old kmod makes of a module."""
    return explaintext.lines(dict(value))


def load(value: Value) -> list[str]:
    """Return each step with what the kernel said about it, then the modules."""
    words = _PLANNED if value.get("dry_run") else _DONE
    lines: list[str] = []
    for step in value["steps"]:
        lines.append(_load_step(step, words))
        lines += log_lines(step.get("records", ()), indent="    kernel| ")
        if step.get("lost"):
            lines.append("    kernel| (older lines were overwritten)")
    return lines + _modules_after(value)


def _load_step(step: Value, words: Mapping[str, str]) -> str:
    if step.get("errno"):
        meaning = step.get("meaning") or step.get("error")
        return f"{step['name']} refused by {step['call']}: {step['error']}, {meaning}"
    parts = [step["name"], words.get(step["action"], step["action"])]
    if step["action"] == "insert":
        parts += [f"from {step['path']}"] if step.get("path") else []
        parts += [f"by {step['call']}"] if step.get("call") else []
        parts += [f"with {step['parameters']}"] if step.get("parameters") else []
    return " ".join(parts)


def unload(value: Value) -> list[str]:
    """Return each step with what the kernel said about it, then the modules."""
    lines: list[str] = []
    for step in value["steps"]:
        done = _UNLOADED.get(step["action"], step["action"])
        if value.get("dry_run") and step["action"] == "delete":
            done = "would be unloaded"
        lines.append(f"{step['name']} {done}")
        if step.get("errno"):
            lines[-1] = f"{step['name']} refused: {step['error']}"
        lines += log_lines(step.get("records", ()), indent="    kernel| ")
    return lines + _modules_after(value)


def _modules_after(value: Value) -> list[str]:
    modules_now = value.get("modules")
    if modules_now is None or value.get("dry_run"):
        return []
    return ["the kernel's modules now:", *_module_table(modules_now, "  ")]


def modules(value: Value) -> list[str]:
    """Return the kernel's modules, one a line, the newest first."""
    return _module_table(value["modules"], "")


def _module_table(table: Sequence[Value], indent: str) -> list[str]:
    if not table:
        return [indent + "none"]
    head = ("module", "size", "used", "by", "state", "taints")
    rows = [
        (
            each["name"],
            str(each["size"]),
            "-" if each["refcount"] is None else str(each["refcount"]),
            ",".join(each["holders"]) or "-",
            each["state"],
            each.get("taints") or "",
        )
        for each in table
    ]
    return columns([head, *rows], indent)


def klog(value: Value) -> list[str]:
    """Return the kernel's log, a record a line."""
    lines = ["(older lines were overwritten)"] if value["lost"] else []
    return lines + log_lines(value["records"])


def deploy(value: Value) -> list[str]:
    """Return what was put on the box, or taken off it."""
    done = ("removed", "would remove") if value["undo"] else ("wrote", "would write")
    lines = [f"{done[value['dry_run']]} {path}" for path in value["changed"]]
    lines += [f"unchanged {path}" for path in value["unchanged"]]
    if value["undo"]:
        return lines or [f"nothing of modferry's is in {value['directory']}"]
    return [*lines, f"on the box: PATH={value['directory']}:$PATH"]


def lab(value: Value) -> list[str]:
    """Return the state of the practice box, a fact a line."""
    return columns((key.replace("_", " "), _word(fact)) for key, fact in value.items())


def _word(fact: object) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return "-" if fact in (None, "") else str(fact)


def demo(value: Value) -> list[str]:
    """Return the closing line of the demo."""
    return [f"all of it was true: {value['checks']} checks in {value['seconds']} s"]


TEXTS: Mapping[str, Callable[[Value], list[str]]] = MappingProxyType(
    {
        "deploy": deploy,
        "depmod": depmod,
        "diagnose": explain.diagnosis,
        "explain": explanation,
        "facts": facts,
        "klog": klog,
        "lab demo": demo,
        "lab down": lab,
        "lab status": lab,
        "lab up": lab,
        "load": load,
        "modules": modules,
        "pull": pull,
        "push": push,
        "runs": runlines.runs,
        "runs diff": runlines.diff,
        "runs resume": runlines.resumed,
        "runs show": runlines.shown,
        "unload": unload,
        **upgradetexts.TEXTS,
    }
)
"""The command's words -> what makes lines of its answer."""
