"""The steps of the demo: each does something on the box and checks what came of it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from modferry.commands.push import carry_out, plan_on, read_file
from modferry.commands.stage import Stage
from modferry.core import describe
from modferry.core.results import Value
from modferry.session import Session

CHAIN = ["rtai_hal", "rtai_malloc", "rtai_sched", "rtai_sem"]
"""What loading rtai_sem takes, in order."""

BROKEN_LINE = "rtai/rtai_sem.ko: rtai/rtai_hal.ko"
UNKNOWN = re.compile(r"rtai_sem: Unknown symbol (\w+)")
LINKS = 5
"""The legacy names of rtai_sched.ko beside its own."""

LEGACY_NAME = "rtai_ksched"


def boot(stage: Stage) -> None:
    """Build and start the box; be logged in before anybody else could be."""
    with stage.watcher() as watcher:
        stage.box.build(watcher)
        stage.box.start()
    with stage.session("practice", lines="none") as session:
        facts = session.request("facts")
        stage.show("\n".join(describe.facts(facts)))
    stage.check(
        "the boot was waited out, getty let us in, the agent answers",
        holds=facts["release"] == stage.box.release,
        seen=facts["release"],
    )
    stage.box.wait_until_up()


def upgraded(stage: Stage) -> None:
    """Look at modules.dep on the box."""
    directory = f"/lib/modules/{stage.box.release}"
    _, text = stage.on_box(f"grep ^rtai/rtai_sem.ko: {directory}/modules.dep")
    stage.check(
        "modules.dep leaves rtai_sched.ko out of rtai_sem's line",
        holds=text.strip() == BROKEN_LINE,
        seen=text,
    )
    _, text = stage.on_box(f"cd {directory}/rtai && ls -l *sched* *lxrt* *up.ko *smp*")
    stage.check(
        "rtai_sched.ko has five legacy links beside it",
        holds=text.count("-> rtai_sched.ko") == LINKS,
        seen=text,
    )


def modprobe_fails(stage: Stage) -> None:
    """Have the box's own modprobe try, and read the kernel's lines."""
    status, text = stage.on_box("dmesg --clear; modprobe rtai_sem")
    stage.check("modprobe rtai_sem fails", holds=status != 0, seen=text)
    _, text = stage.on_box("dmesg --notime | grep rtai_sem")
    symbols = _unknown_symbols(text)
    stage.check(
        f"the kernel prints {len(symbols)} lines of unknown symbols",
        holds=len(symbols) > 0,
        seen=text,
    )
    stage.on_box("modprobe -r rtai_hal")  # which it had loaded before it failed


def _unknown_symbols(text: str) -> set[str]:
    return set(UNKNOWN.findall(text))


def diagnose(stage: Stage) -> None:
    """Ask the agent, and compare its answer with the kernel's lines."""
    with stage.session("practice") as session:
        value = session.request("diagnose", module="rtai_sem")
        log = session.request("klog")
    stage.show("\n".join(describe.TEXTS["diagnose"](value)))
    left_out = [
        each for each in value["findings"] if each["code"] == "left-out-of-modules-dep"
    ]
    symbols = {each["symbol"] for each in left_out}
    lines = "\n".join(record["text"] for record in log["records"])
    stage.check(
        "each symbol that the kernel named is explained, and no other",
        holds=symbols == _unknown_symbols(lines),
        seen=symbols ^ _unknown_symbols(lines),
    )
    stage.check(
        "rtai_sched.ko exports each of them",
        holds=all(_name(each["owner"]) == "rtai_sched" for each in left_out),
        seen=left_out,
    )
    stage.check(
        "modules.dep lost them because there are six names: a file and five links",
        holds=all(each["details"]["copies"] == LINKS + 1 for each in left_out),
        seen=left_out,
    )


def over_serial(stage: Stage) -> None:
    """Push rtai_mbx, write the indexes, load and unload, over the console."""
    with stage.session("practice") as session:
        _push(stage, session, changes=True)
        _index(stage, session, changes=True)
        _load_and_unload(stage, session)


def over_ssh(stage: Stage) -> None:
    """Do the same over SSH, then compare with the box's own kmod."""
    with stage.session("practice-ssh") as session:
        _push(stage, session, changes=False)
        _index(stage, session, changes=False)
        value = session.request("diagnose", module="rtai_sem", with_log=False)
        stage.show("\n".join(describe.TEXTS["diagnose"](value)))
        stage.check("nothing keeps rtai_sem from loading", holds=value["loadable"])
        _load_and_unload(stage, session)
        plan = session.request("load", module="rtai_mbx", dry_run=True)
    _own_kmod(stage, [_name(step["path"]) for step in plan["steps"]])


def _push(stage: Stage, session: Session, *, changes: bool) -> None:
    file = read_file(stage.box.modules / "rtai_mbx.ko")
    (move,) = plan_on(session, [file], None, any_kernel=False)
    done = carry_out(session, move)
    stage.show("\n".join(describe.push({"dry_run": False, "files": [done]})))
    stage.check(
        "rtai_mbx.ko is on the box, whole"
        if changes
        else "the box has rtai_mbx.ko already: nothing was sent",
        holds=done["changed"] is changes,
        seen=done,
    )


def _index(stage: Stage, session: Session, *, changes: bool) -> None:
    value = session.request("depmod")
    stage.show("\n".join(describe.depmod(value)))
    changed = value["changed"]
    stage.check(
        "the indexes were written anew, as a set"
        if changes
        else "the indexes are right as they are: none was written",
        holds=("modules.dep" in changed) if changes else not changed,
        seen=changed,
    )


def _load_and_unload(stage: Stage, session: Session) -> None:
    value = session.request("load", module="rtai_sem")
    stage.show("\n".join(describe.load(value)))
    steps = value["steps"]
    stage.check(
        f"loaded in order: {', '.join(CHAIN)}",
        holds=value["loaded"] and _names(steps) == CHAIN,
        seen=steps,
    )
    inserted = [step for step in steps if step["action"] == "insert"]
    stage.check(
        "each load has the kernel's own lines of it",
        holds=all(
            any(record["own"] for record in step["records"]) for step in inserted
        ),
        seen=inserted,
    )
    value = session.request("load", module="rtai_mbx")
    stage.show("\n".join(describe.load(value | {"modules": None})))
    stage.check("the pushed rtai_mbx loads on top of it", holds=value["loaded"])
    _unload(stage, session)


def _unload(stage: Stage, session: Session) -> None:
    value = session.request("unload", module="rtai_mbx")
    stage.show("\n".join(describe.unload(value | {"modules": None})))
    left = [each["name"] for each in session.request("modules")]
    stage.check(
        "all of them are unloaded again",
        holds=not any(name.startswith("rtai_") for name in left),
        seen=left,
    )


def _own_kmod(stage: Stage, planned: list[str]) -> None:
    _, text = stage.on_box("modprobe -D rtai_mbx")
    shown = [_name(line.split()[1]) for line in text.splitlines() if " " in line]
    stage.check(
        "modprobe -D takes the steps that we take", holds=shown == planned, seen=shown
    )
    status, text = stage.on_box("modprobe rtai_mbx && cut -d' ' -f1 /proc/modules")
    stage.check(
        "modprobe loads it",
        holds=status == 0 and set(planned) <= set(text.split()),
        seen=text,
    )
    # kmod's -r removes what is named, and of its dependencies but one level.
    names = " ".join(reversed(planned))
    status, text = stage.on_box(f"modprobe -r {names} && cut -d' ' -f1 /proc/modules")
    stage.check(
        "modprobe -r unloads them all",
        holds=status == 0 and not set(planned) & set(text.split()),
        seen=text,
    )
    _, text = stage.on_box("modinfo -F filename rtai_mbx")
    stage.check(
        "modinfo finds the pushed file",
        holds=posixpath.basename(text.strip()) == "rtai_mbx.ko",
        seen=text,
    )
    command = f"modprobe {LEGACY_NAME} && grep -c ^rtai_sched /proc/modules"
    status, text = stage.on_box(f"{command} && rmmod rtai_sched")
    stage.check(f"the legacy name {LEGACY_NAME} still loads", holds=status == 0)


def _names(steps: Iterable[Value]) -> list[str]:
    return [str(step["name"]) for step in steps]


def _name(path: str) -> str:
    return posixpath.basename(path).partition(".")[0]
