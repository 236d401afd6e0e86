"""Loading, unloading and diagnosing on a box without Python."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from modferry.shellside.loadlock import one_at_a_time
from modferry.shellside.mirror import NOWHERE
from modferry.shellside.work import Looked, Work
from modferry_agent.core.names import module_name
from modferry_agent.core.probeplan import Sources
from modferry_agent.errors import AgentError
from modferry_agent.jobs import checked, klog, probing
from modferry_agent.jobs.diagnose import diagnose_module
from modferry_agent.jobs.load import Load, load_modules
from modferry_agent.jobs.unload import unload_modules

DEVICE = NOWHERE + "/dev/kmsg"
"""The log is read by ``dmesg``: a shell cannot read the device up to its end."""

REFERENCES = 5
"""Of how many modules of the kernel's own the files are got, to compare with."""


def load(
    work: Work, *, module: str, parameters: str, basedir: str, dry_run: bool
) -> Any:  # noqa: ANN401 - plain values
    """Answer as the agent's `jobs.load.load_modules` does."""
    files = (module,) if module.startswith("/") else ()
    with work.looked_up(basedir, modules=False, files=files) as looked:
        kernel = work.kernel(looked.mirror)
        name = looked.mirror.place(module) if files else module
        with suppress(AgentError):  # the load itself says it again
            run = Load(kernel, work.loader(), looked.basedir, True, DEVICE)  # noqa: FBT003
            steps = run.plan(name, parameters)
            tree = probing.tree_of(basedir, work.release)
            paths = [looked.on_box(tree, step.path) for step in steps if step.path]
            looked.fill([*paths, *_references(tree, run.sources, run.present)])
        with one_at_a_time(work.shell, dry_run=dry_run):
            return load_modules(
                name,
                parameters,
                looked.basedir,
                dry_run,
                kernel=kernel,
                loader=work.loader(looked.found),
                device=DEVICE,
            )


def unload(work: Work, *, module: str, dependencies: bool, dry_run: bool) -> Any:  # noqa: ANN401
    """Answer as the agent's `jobs.unload.unload_modules` does."""
    with work.looked_up("", modules=False) as looked:
        kernel = work.kernel(looked.mirror)
        with suppress(AgentError):  # without indexes just what was named is unloaded
            _fill_line(work, looked, module)
        with one_at_a_time(work.shell, dry_run=dry_run):
            return unload_modules(
                module,
                dependencies,
                dry_run,
                basedir=looked.basedir,
                kernel=kernel,
                loader=work.loader(),
                device=DEVICE,
            )


def diagnose(work: Work, *, module: str, with_log: bool, console: list[str]) -> Any:  # noqa: ANN401 - plain values
    """Answer as the agent's `jobs.diagnose.diagnose_module` does."""
    files = (module,) if module.startswith("/") else ()
    with work.looked_up("", modules=True, files=files) as looked:
        texts: list[str] = []
        if with_log:
            with suppress(AgentError):
                records = klog.read_log(loader=work.loader(), device=DEVICE)["records"]
                texts = [each["text"] for each in records if not each["facility"]]
        return diagnose_module(
            looked.mirror.place(module) if files else module,
            with_log,
            looked.basedir,
            work.kernel(looked.mirror),
            texts,
            console,
        )


# A module that is loaded under a link's name bears another in its file.
def _fill_line(work: Work, looked: Looked, module: str) -> None:
    kernel = work.kernel(looked.mirror)
    tree = probing.tree_of("", work.release)
    sources = probing.read_sources(kernel, looked.mirror.place(tree))
    loaded = [entry["name"] for entry in kernel.modules()]
    name = module_name(module)
    if name not in loaded:
        name = (sources.resolve(module) or [name])[0]
    path, needed = sources.line_of(name)
    unknown = [one for one in [path, *needed] if one and module_name(one) not in loaded]
    looked.fill([looked.on_box(tree, one) for one in unknown])


def _references(tree: str, sources: Sources, loaded: list[str]) -> list[str]:
    paths = [
        sources.line_of(name)[0] for name in checked.candidates(sources, loaded, ())
    ]
    own = [f"{tree}/{path}" for path in paths if path.startswith("kernel/")]
    return own[:REFERENCES]
