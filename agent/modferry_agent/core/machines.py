"""The ELF machines of Linux's architectures, by the kernel's ``uname -m``."""

# uname -m -> ELF machine, bits, byte order ("" for either).
MACHINES = {
    "i386": (3, 32, "<"),
    "i486": (3, 32, "<"),
    "i586": (3, 32, "<"),
    "i686": (3, 32, "<"),
    "x86_64": (62, 64, "<"),
    "aarch64": (183, 64, "<"),
    "ppc": (20, 32, ">"),
    "ppc64": (21, 64, ">"),
    "ppc64le": (21, 64, "<"),
    "s390x": (22, 64, ">"),
    "riscv64": (243, 64, "<"),
    "riscv32": (243, 32, "<"),
    "mips": (8, 32, ""),
    "mips64": (8, 64, ""),
    "loongarch64": (258, 64, "<"),
    "alpha": (0x9026, 64, "<"),
    "sparc64": (43, 64, ">"),
    "m68k": (4, 32, ">"),
}


def machine_of(name):
    # type: (str) -> tuple[int, int, str] | None
    """Return (ELF machine, bits, byte order) of a kernel's ``uname -m``, or None."""
    if name.startswith("armv"):
        return (40, 32, ">" if name.endswith("b") else "<")
    return MACHINES.get(name)
