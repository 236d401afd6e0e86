"""What three kernels answered to some 80 broken modules each: every one is told right.

The names of the recorded files say what was broken; what the cause is called was
written down by hand. Where a kernel says nothing, or too little, the file itself says
more: it is broken here in the same way.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from modferry_agent.core import causes, elfcheck, klog, messages
from support.fakekernel import loadable

FOLDER = Path(__file__).resolve().parent.parent / "corpus" / "transcripts"
X86_64 = (62, 64, "<")
SOUND = loadable("dummy", imports=["printk"])


def patched(at: int, form: str, value: int) -> bytes:
    octets = bytearray(SOUND)
    struct.pack_into(form, octets, at, value)
    return bytes(octets)


# How the recorded file was broken, done to ours.
BROKEN = {
    "cut_0": b"",
    "cut_10": SOUND[:10],
    "cut_60": SOUND[:60],
    "cut_64": SOUND[:64],
    "not_elf": b"\x1f\x8b" + SOUND[2:],
    "text_file": b"#!/bin/sh\necho this is a script and no module\n" * 3,
    "wrong_machine_arm": patched(18, "<H", 40),
    "et_exec": patched(16, "<H", 2),
    "shentsize": patched(58, "<H", 60),
    "shstrndx": patched(62, "<H", 0xFF00 - 1),
    "section_past_end": patched(len(SOUND) - 64 + 24, "<Q", 1 << 40),
    "symtab_link": b"",
}
MODULES = {
    "dup_export": "crcX",
    "init_fails_no_hardware": "intel_rng",
    "dependency_not_loaded": "ipip",
    "namespace_not_imported": "cmac",
    "libcrc32c": "libcrc32c",
}
LICENCES = {
    "license_missing": "unspecified",
    "license_proprietary": "NDA",
    "no_modinfo": "unspecified",
    "modinfo_noalloc": "unspecified",
}

# Cause by file; "release: cause" where a kernel differs. A load that succeeded has a
# warning's code, or none.
EXPECTED = {
    "cut_0": "not-a-module",
    "cut_10": "damaged-module",
    "cut_60": "damaged-module",
    "cut_": "damaged-module",
    "not_elf": "not-a-module",
    "text_file": "not-a-module",
    "wrong_machine_arm": "wrong-architecture",
    "et_exec": "not-a-module",
    "shentsize": "damaged-module",
    "shstrndx": {"2.6.32": "kernel-crash", "": "damaged-module"},
    "symtab_link": {"2.6.32": "kernel-crash", "": "damaged-module"},
    "section_past_end": "damaged-module",
    "stripped": "stripped-module",
    "no_this_module": "not-a-module",
    "new_assembler_plt32": "newer-assembler",
    "license_missing": "license",
    "license_proprietary": "license",
    "no_modinfo": "license",
    "modinfo_noalloc": "license",
    "unknown_symbol": {
        "5.10.sig": "signature",
        "6.1.lock": "lockdown",
        "6.1.black": "blacklisted-by-kernel",
        "": "unknown-symbol",
    },
    "dependency_not_loaded": "unknown-symbol",
    "crc_of_symbol": "crc-mismatch",
    "crc_of_module_layout": "module-layout-mismatch",
    "no_version_of_symbol": "no-symbol-version",
    "namespace_not_imported": "namespace-not-imported",
    "vermagic_flags": "vermagic-mismatch",
    "reloc_type_unknown": "relocation",
    "reloc_target_not_zero": {"2.6.32": None, "": "relocation"},
    "reloc_overflow": "relocation",
    "wx_section": "section-flags",
    "huge_bss": "out-of-memory",
    "dup_export": "duplicate-export",
    "loaded_twice_2": "already-loaded",
    "fin_exist": {"2.6.32": "no-modules", "": "already-loaded"},
    "param_unknown": {"2.6.32": "unknown-parameter", "": "parameter-ignored"},
    "param_dashdash": {"2.6.32": "unknown-parameter", "": "parameter-ignored"},
    "param_bad_value": "bad-parameter",
    "libcrc32c": "init-failed",
    "init_fails_no_hardware": {"6.1": "no-device", "": "unknown-symbol"},
    "modules_disabled": {"2.6.32": None, "": "modules-disabled"},
    "fin_badflag": {"2.6.32": "no-modules", "": "unknown-flag"},
    "fin_compressed_flag": {
        "2.6.32": "no-modules",
        "5.10": "unknown-flag",
        "": "bad-compression",
    },
    "fin_": {
        "2.6.32": "no-modules",
        "5.10.sig": "signature",
        "6.1.lock": "lockdown",
        "6.1.black": "blacklisted-by-kernel",
        "": None,
    },
    "good": {
        "5.10.sig": "signature",
        "6.1.lock": "lockdown",
        "6.1.black": "blacklisted-by-kernel",
        "": None,
    },
    "sig_garbage": {
        "5.10.sig": "signature",
        "6.1.lock": "lockdown",
        "6.1.black": "blacklisted-by-kernel",
        "": None,
    },
    "sig_bad_pkcs7": {"2.6.32": None, "": "signature"},
    "sig_len_huge": {"2.6.32": None, "": "signature"},
}


@dataclass
class Load:
    """One answer of a kernel."""

    kernel: str
    name: str
    error: str
    call: str
    records: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        parsed = [
            klog.parse_record(one) or klog.parse_ring(one)[0] for one in self.records
        ]
        klog.mark_own(parsed, [MODULES.get(self.name, "dummy")])
        return [one["text"] for one in parsed if one["own"]]

    @property
    def expected(self) -> str | None:
        rows = [name for name in EXPECTED if self.name == name] or [
            name
            for name in EXPECTED
            if name.endswith("_") and self.name.startswith(name)
        ]
        found = EXPECTED[rows[0]] if rows else None
        if not isinstance(found, dict):
            return found
        fitting = [release for release in found if self.kernel.startswith(release)]
        return found[max(fitting, key=len)]


def recorded() -> list[Load]:
    loads: list[Load] = []
    for path in sorted(FOLDER.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            found = re.match(r"(\w+) /bad/(\w+)\.ko .*-> (\w+)", line)
            if found:
                kernel = path.stem.replace("-first", "")
                loads.append(Load(kernel, found[2], found[3], found[1]))
            elif line.startswith("   | "):
                loads[-1].records.append(line[5:])
    return loads


def facts_of(load: Load) -> causes.Facts:
    facts = causes.Facts()
    if load.name in BROKEN and load.name != "symtab_link":
        facts.problem = elfcheck.check_loadable(BROKEN[load.name], X86_64)[0]
    facts.licence = LICENCES.get(load.name, "GPL")
    facts.is_exported = lambda symbol: symbol != "ether_setZQ"
    facts.modules_disabled = load.name == "modules_disabled"
    facts.flags = 8 if load.name in ("fin_badflag", "fin_compressed_flag") else 0
    return facts


@pytest.mark.parametrize(
    "load",
    recorded(),
    ids=lambda load: f"{load.kernel}, {load.name} {load.error}",
)
def test_every_recorded_answer_has_its_cause(load: Load):
    if load.error == "OK":
        found = [messages.find_message(text) for text in load.texts]
        assert None not in found
        told = {one["code"] for one in found if one and one["severity"] != "note"}
        assert told == ({load.expected} if load.expected else set())
        return
    if load.error == "CRASH":
        assert load.expected in (None, "kernel-crash")
        lines = [messages.find_message(text) for text in load.texts]
        codes = [one["code"] for one in lines if one]
        assert codes or load.name == "this_module_size"
        assert set(codes) <= {"kernel-crash"}
        return

    got = causes.explain_insert(load.error, load.texts, facts_of(load))

    assert got["code"] == load.expected
    assert got["meaning"]
    assert set(got["evidence"]) <= set(load.texts)


def test_nothing_of_the_recordings_is_left_out():
    counts: dict[str, int] = {}
    for load in recorded():
        counts[load.kernel] = counts.get(load.kernel, 0) + 1

    assert counts["2.6.32"] > 70
    assert counts["5.10"] > 50
    assert counts["6.1"] > 50


@pytest.mark.parametrize("name", sorted(set(BROKEN) - {"symtab_link"}))
def test_what_crashes_or_silences_a_kernel_is_refused_before_it_sees_it(name: str):
    problems = elfcheck.check_loadable(BROKEN[name], X86_64)

    assert problems
