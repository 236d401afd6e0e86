"""Give random trees, configurations and options to kmod's depmod and to ours; compare.

    PYTHONPATH=host:agent:tests python tests/bench/differences.py [TREES [FIRST_SEED]]

All files, both streams and the exit status, with the machine's kmod and a newer one.
Links are left out, or counted as kmod counts them (--links=kmod).  Exit status 1 if
anything differs that docs/differences.md does not name.
"""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from modferry_agent import main as agent_main
from support import kmods, rootfs
from support.elfwriter import kernel_module

AGENT = Path(agent_main.__file__).parents[1]
RELEASE = rootfs.RELEASE
OURS = [sys.executable, "-B", "-m", "modferry_agent", "depmod", "--links=kmod"]
# The reasons are in docs/differences.md.
LEFT_OUT = (
    (r"(failed to load symbols from \S+): .*", r"\1"),
    (r"(Invalid symbol version \w+): .*", r"\1"),
    (r"fstatat\((?:\d+, |.*/)(\S+)\)", r"fstatat(\1)"),
    # Ours: lines of its own.
    (r"(?m)^depmod: WARNING: .*(?:export|conflict|damage|no \.modinfo).*\n", ""),
    # What kmod says of several cycles.
    (r"(?m)^depmod: ERROR: Cycle detected: .*\n", ""),
    (r"Found \d+ modules in dependency cycles!|No memory to report cycles", "cycles"),
)
WORDS = ("a", "b-c", "b_c", "net", "usb", "x1", "ext", "drm-kms", "snd_a", "q")


class Tree:
    """One random tree, and what to run on it; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._symbols: list[str] = []

    def _some(self, words: list[str], most: int) -> list[str]:
        count = self._random.randrange(min(most, len(words)) + 1)
        return self._random.sample(words, count)

    def _alias(self) -> str:
        letters = "abc-_:*?[]0 "
        length = self._random.randrange(12)
        text = "".join(self._random.choice(letters) for _ in range(length))
        kinds = ("", "pci:v0000", "usb:v*p", "devname:", "char-major-10-2", "platform:")
        kinds += ("block-major-8-", "of:N*T*C", "cpu:type:x86,ven*fam*mod*:feature:*")
        return self._random.choice(kinds) + text

    def _module(self, name: str) -> bytes:
        chance = self._random.random
        exports = [f"{name}_{number}" for number in range(self._random.randrange(5))]
        if self._symbols and chance() < 0.1:
            exports.append(self._random.choice(self._symbols))
        imports = self._some([*self._symbols, "printk", ".dotted", "_under"], 6)
        fields = [
            (key, f"pre: {self._random.choice(WORDS)} post: z")
            for key in ("softdep", "weakdep", "license", "depends")
            if chance() < 0.3
        ]
        weak = self._some(self._symbols, 2)
        # Few import what comes later: kmod does not end where two cycles are joined.
        self._symbols += exports
        if chance() < 0.03:
            imports.append(self._symbols[0] if self._symbols else "none")
        return kernel_module(
            name if chance() < 0.8 else "",
            exports=dict.fromkeys(exports),
            imports=imports,
            weak_imports=weak,
            aliases=[self._alias() for _ in range(self._random.randrange(5))],
            fields=fields,
            versions=None if chance() < 0.4 else dict.fromkeys([*imports, "more"], 7),
            modversions=chance() < 0.8,
            bits=self._random.choice((32, 64)),
            byte_order=self._random.choice("<>"),
        )

    def build(self, root: Path) -> list[str]:
        """Write the tree below a root folder; return the options to run with."""
        chance, choice = self._random.random, self._random.choice
        paths = []
        files = {}
        for _ in range(self._random.randrange(12)):
            name = choice(WORDS) + choice(("", "2", "-3", "_3", ".x"))
            path = (
                f"{choice(('kernel', 'updates', 'extra/deep', 'kernel/fs'))}/{name}.ko"
            )
            files[path] = self._module(name.replace("-", "_").partition(".")[0])
            paths.append(path)
        links = {}
        for number in range(self._random.randrange(3)):
            if paths:
                links[f"extra/l{number}.ko"] = f"../{choice(paths)}"
        order = [choice([*paths, "none.ko", ""]) for _ in range(len(paths))]
        tree = rootfs.make_tree(
            root, files, links=links, order=None if chance() < 0.2 else order
        )
        if chance() < 0.1:
            (tree / "modules.order").write_text("kernel/a.ko\nkernel/b-c.ko")
        if chance() < 0.2:
            (tree / "modules.builtin").write_text("1\n\nkernel/ok.ko\n kernel/x.ko\ny")
        if chance() < 0.15:
            (tree / choice(("modules.builtin", "modules.builtin.modinfo"))).unlink()
        return self._options(root)

    def _options(self, root: Path) -> list[str]:
        chance, choice = self._random.random, self._random.choice
        words = []
        lines = ["search updates built-in", "search extra kernel", "override a * extra"]
        lines += ["override b_c ^6 updates", "exclude fs", "exclude a.ko", "bad line"]
        lines += [
            "search kernel/fs",
            "# no",
            "",
            "override net * kernel/fs",
            "include z",
        ]
        lines += ["external * /nowhere", "search built-in external updates", "search"]
        text = "\n".join(self._some(lines, 5)) + choice(("\n", "", "\r\n"))
        (root / "depmod.conf").write_text(text)
        (root / "System.map").write_text(
            "0 T printk\n0 r __ksymtab_printk\n0 r __ksymtab__under\nx\n"
            "0 r __ksymtab_dotted"
        )
        (root / "Module.symvers").write_text(
            "0x00000007\tprintk\tvmlinux\tEXPORT_SYMBOL\n0x1\t_under\tvmlinux\tE\nbad\n"
        )
        if chance() < 0.5:
            words += ["-C", f"{root}/depmod.conf"]
        for option in ("-e", "-w", "-v", "-a", "-n", "-A"):
            if chance() < (0.3 if option != "-A" else 0.05):
                words.append(option)
        if chance() < 0.3:
            words += ["-F", f"{root}/System.map"]
        if chance() < 0.2:
            words += ["-E", f"{root}/Module.symvers"]
        if chance() < 0.2:
            words += ["-P", choice(("_", ".", "a", "ab"))]
        return [*words, "-b", str(root), RELEASE]


def _with_little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def _outcome(root: Path, words: list[str], **environment: str) -> dict[str, object]:
    ran = subprocess.run(
        words,
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=10,
        preexec_fn=_with_little_memory,
    )
    found: dict[str, object] = {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("modules.*")
    }
    for name, octets in (("stdout", ran.stdout), ("stderr", ran.stderr)):
        text = octets.decode("latin-1")
        for pattern, common in LEFT_OUT:
            text = re.sub(pattern, common, text)
        found[name] = text
    found["status"] = ran.returncode
    return found


def main(words: list[str]) -> int:
    """Compare, print what differs; return the exit status."""
    count = int(words[0]) if words else 500
    first = int(words[1]) if len(words) > 1 else random.randrange(1 << 32)
    depmods = (kmods.machines_depmod(), kmods.newer_depmod())
    differing = 0
    print(f"{count} trees, seeds from {first}; kmod {[d.release for d in depmods]}")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "root"
        for seed in range(first, first + count):
            depmod = depmods[seed % 2]
            outcomes = []
            ours_like = [*OURS, f"--like={depmod.release}"]
            for command in (list(depmod.command), ours_like):
                options = Tree(seed).build(root)
                try:
                    outcomes.append(
                        _outcome(root, [*command, *options], PYTHONPATH=str(AGENT))
                    )
                except subprocess.TimeoutExpired:
                    outcomes.append({"status": "does not end"})
                shutil.rmtree(root)
            theirs, ours = outcomes
            if theirs["status"] not in (0, 1):
                continue  # It crashed, or did not end.
            names = [
                key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)
            ]
            if names:
                differing += 1
                print(f"seed {seed}, kmod {depmod.release}, {' '.join(options)}")
                for key in names:
                    print(f"  {key}")
                    for whose, found in (("kmod", theirs), ("ours", ours)):
                        print(f"    {whose} {found.get(key)!r}")
    print(f"{differing} of {count} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
