"""The sources of the practice RTAI have the names and relations of the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

KERNEL_MODULES = Path(__file__).parents[1] / "kernel_modules"


# The numbers are those of RTAI 4.0 for x86.
@pytest.mark.parametrize(
    ("module", "exports"),
    [
        ("rtai_hal", 59),
        ("rtai_malloc", 7),
        ("rtai_sched", 131),
        ("rtai_sem", 41),
        ("rtai_mbx", 17),
        ("rtai_msg", 43),
        ("rtai_fifos", 20),
        ("rtai_shm", 9),
        ("rtai_math", 60),
    ],
)
def test_a_practice_module_exports_as_many_names_as_the_real_one(module, exports):
    source = (KERNEL_MODULES / f"{module}.c").read_text()

    names = [line for line in source.splitlines() if line.startswith("PRACTICE_EXPORT")]

    assert len(set(names)) == len(names) == exports


def test_every_import_of_a_practice_module_is_an_export_of_the_one_it_names():
    exports: dict[str, set[str]] = {}
    imports: list[tuple[str, str, str]] = []
    for path in KERNEL_MODULES.glob("rtai_*.c"):
        owner = ""
        for line in path.read_text().splitlines():
            name = line.partition("(")[2].rstrip(");")
            if line.startswith("/* From "):
                owner = line.removeprefix("/* From ").partition(":")[0]
            elif line.startswith("PRACTICE_EXPORT"):
                exports.setdefault(path.stem, set()).add(name)
            elif line.startswith("PRACTICE_IMPORT"):
                imports.append((path.stem, owner, name))

    astray = [entry for entry in imports if entry[2] not in exports[entry[1]]]

    assert astray == []
    assert sum(entry[:2] == ("rtai_sem", "rtai_sched") for entry in imports) == 16
