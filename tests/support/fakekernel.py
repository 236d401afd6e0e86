"""A kernel that loads modules into nothing: files below a folder, and its calls."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from modferry_agent.core import depgraph, module, trie
from modferry_agent.jobs import indexes
from modferry_agent.system.kernel import Kernel
from modferry_agent.system.loader import Loader
from support import elfwriter, rootfs

RELEASE = rootfs.RELEASE
VERMAGIC = f"{RELEASE} SMP mod_unload modversions "
LEGACY = ("ksched", "lxrt", "mup", "smp", "up")
THIS_MODULE = ".gnu.linkonce.this_module"


def loadable(
    name: str,
    *,
    exports: Iterable[str] = (),
    imports: Iterable[str] = (),
    versions: Mapping[str, int] | None = None,
    fields: Iterable[tuple[str, str]] = (("vermagic", VERMAGIC), ("license", "GPL")),
    machine: int | None = None,
    layout: int = 832,
) -> bytes:
    """Return a module file whose structure is sound to the strict reader."""
    exported = list(exports)
    entries = [f"{key}={value}" for key, value in fields] + [f"name={name}"]
    content = bytes(24) + name.encode().ljust(56, b"\0")
    sections = [
        (".modinfo", 1, "".join(f"{entry}\0" for entry in entries).encode()),
        (THIS_MODULE, 1, content.ljust(layout, b"\0")),
    ]
    if versions is not None:
        sections.append(("__versions", 1, elfwriter.version_records(versions)))
    symbols = [
        elfwriter.SymbolEntry(
            f"__crc_{symbol}", elfwriter.crc_of(symbol), elfwriter.SHN_ABS
        )
        for symbol in exported
    ]
    symbols += [elfwriter.SymbolEntry(symbol) for symbol in imports]
    octets = bytearray(elfwriter.elf_file(sections, symbols, machine=machine))
    # Of the second section the flags: the kernel must keep it in memory.
    start = struct.unpack_from("<Q", octets, 40)[0] + 2 * 64
    struct.pack_into("<Q", octets, start + 8, 2)
    return bytes(octets)


def rtai_files(*, scheduler: bytes | None = None) -> dict[str, bytes]:
    """Return loadable modules with the relations of RTAI's first ones."""
    return {
        "rtai/rtai_hal.ko": loadable("rtai_hal", exports=["rt_printk"]),
        "rtai/rtai_malloc.ko": loadable(
            "rtai_malloc", exports=["rtheap_alloc"], imports=["rt_printk"]
        ),
        "rtai/rtai_sched.ko": scheduler
        or loadable(
            "rtai_sched",
            exports=["rt_register", "wake_up_srq"],
            imports=["rt_printk", "rtheap_alloc", "printk"],
        ),
        "rtai/rtai_sem.ko": loadable(
            "rtai_sem",
            exports=["rt_sem_wait"],
            imports=["rt_printk", "rt_register", "wake_up_srq", "printk"],
        ),
    }


class Box:
    """A root with a module tree, the kernel's files, and what loads into it."""

    def __init__(
        self,
        root: Path,
        files: Mapping[str, bytes],
        *,
        indexes_by: str = "us",
        record: bool = True,
        linked: bool = True,
    ) -> None:
        """Write it all.

        indexes_by: "us", "kmod 9" with what that loses, or "nobody"
        """
        self.root = root
        targets = {f"rtai/rtai_{name}.ko": "rtai_sched.ko" for name in LEGACY}
        self.tree = rootfs.make_tree(root, files, links=targets if linked else {})
        for folder in ("proc/sys/kernel", "sys/module", "run/lock"):
            (root / folder).mkdir(parents=True)
        (root / "proc/modules").write_text("")
        (root / "proc/kallsyms").write_text(
            "0 r __ksymtab_printk\n0 T printk\n0 t secret\n"
        )
        if indexes_by != "nobody":
            indexes.write_indexes(RELEASE, str(root), fingerprints=record)
        if indexes_by == "kmod 9":
            self._lose_symbols()
        self.kernel = Kernel(str(root), RELEASE)
        self.loader = FakeLoader(root)

    def _lose_symbols(self) -> None:
        tree = indexes.read_tree(RELEASE, str(self.root), links="kmod")
        found = depgraph.dependencies_as_kmod9(tree.modules)
        lines = [
            " ".join([f"{one.path}:", *(owner.path for owner in owners)])
            for one, owners in zip(tree.modules, found, strict=True)
        ]
        (self.tree / "modules.dep").write_text("".join(f"{line}\n" for line in lines))
        self.write_dep(
            {one.name: line for one, line in zip(tree.modules, lines, strict=True)}
        )

    def write_dep(self, lines: Mapping[str, str]) -> None:
        """Write modules.dep.bin of these lines, by name of module."""
        pairs = [
            (name, line, order) for order, (name, line) in enumerate(lines.items())
        ]
        octets = trie.encode(trie.build(pairs))
        (self.tree / "modules.dep.bin").write_bytes(octets)

    @property
    def given(self) -> dict[str, object]:
        """Return the arguments that put a job on this box."""
        return {
            "basedir": str(self.root),
            "kernel": self.kernel,
            "loader": self.loader,
            "device": str(self.root / "dev/kmsg"),
        }

    def loaded(self) -> list[str]:
        """Return the names of the loaded modules, oldest first."""
        return list(self.loader.modules)


class FakeLoader(Loader):
    """Loads what has all its symbols, and says what a kernel of 6.1 says."""

    kind = "fake"

    def __init__(self, root: Path) -> None:
        """Start with nothing loaded."""
        super().__init__()
        self.root = root
        self.modules: dict[str, module.Module] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.ring = "<6>[    0.000001] Linux version 6.1.0-test\n"
        self.refusals: dict[str, tuple[int, list[str]]] = {}

    def insert(self, image: bytes, parameters: str) -> tuple[str, int]:
        """Resolve the imports as the kernel does."""
        parsed = module.parse_module("", image)
        name = parsed.inner_name or ""
        self.calls.append(("init_module", name, parameters))
        if name in self.refusals:
            code, lines = self.refusals[name]
            for line in lines:
                self.say(4, line)
            return "init_module", code
        if name in self.modules:
            return "init_module", errno.EEXIST
        exported = {"printk"}
        for other in self.modules.values():
            exported.update(symbol for symbol, _ in other.exports)
        missing = [one for one, _, _ in parsed.imports if one not in exported]
        for symbol in missing:
            self.say(4, f"{name}: Unknown symbol {symbol} (err -2)")
        if missing:
            return "init_module", errno.ENOENT
        self.modules[name] = parsed
        self.say(6, f"{name}: started")
        self.say(6, "usb 1-1: something else meanwhile")
        self._write()
        return "init_module", 0

    def delete(self, name: str, flags: int = 0) -> tuple[str, int]:
        """Remove a module that has no holders."""
        self.calls.append(("delete_module", name, str(flags)))
        if name not in self.modules:
            return "delete_module", errno.ENOENT
        if self._holders(name):
            return "delete_module", errno.EAGAIN
        del self.modules[name]
        self._write()
        return "delete_module", 0

    def read_ring(self) -> tuple[bytes, int]:
        """Return the log."""
        return self.ring.encode("latin-1"), 0

    def say(self, level: int, text: str) -> None:
        """Log a line."""
        self.ring += f"<{level}>[    1.{len(self.ring):06d}] {text}\n"

    def _holders(self, name: str) -> list[str]:
        exports = {symbol for symbol, _ in self.modules[name].exports}
        return [
            other
            for other, parsed in self.modules.items()
            if exports & {symbol for symbol, _, _ in parsed.imports}
        ]

    def _write(self) -> None:
        lines = []
        for name in reversed(self.modules):
            holders = self._holders(name)
            text = "".join(f"{one}," for one in holders) or "-"
            lines.append(
                f"{name} 16384 {len(holders)} {text} Live 0x0000000000000000\n"
            )
        (self.root / "proc/modules").write_text("".join(lines))
