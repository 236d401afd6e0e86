"""The numbers of the module system calls, by the architecture of a running program.

The program's own architecture counts, not the kernel's: a 32-bit Python on an x86_64
kernel uses i386's numbers.  So it is read from the ELF header of the program's file::

    0  7F 'E' 'L' 'F'   4  class (1: 32 bit, 2: 64)   5  byte order (1: little, 2: big)
    18 machine, 2 bytes       36 flags, 4 bytes (32 bit)       48 flags (64 bit)
"""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    Numbers = tuple[int, int, int, int]

# init_module, finit_module, delete_module, syslog
_GENERIC = (105, 273, 106, 116)
_OLD = 128

# ELF machine -> the numbers; Source: each architecture's unistd.h or syscall.tbl.
NUMBERS = {
    2: (190, 342, 222, 207),  # sparc
    3: (_OLD, 350, 129, 103),  # i386
    4: (_OLD, 348, 129, 103),  # m68k
    8: (4128, 4348, 4129, 4103),  # mips o32
    18: (190, 342, 222, 207),  # sparc32plus
    20: (_OLD, 353, 129, 103),  # powerpc
    21: (_OLD, 353, 129, 103),  # powerpc64
    22: (_OLD, 344, 129, 103),  # s390
    40: (_OLD, 379, 129, 103),  # arm, EABI
    42: (_OLD, 368, 129, 103),  # sh
    43: (190, 342, 222, 207),  # sparc64
    62: (175, 313, 176, 103),  # x86_64
    183: _GENERIC,  # arm64
    243: _GENERIC,  # riscv
    258: _GENERIC,  # loongarch
    0x9026: (307, 507, 308, 310),  # alpha
}

_MIPS = 8
_MIPS_ABI2 = 0x20  # e_flags: n32
_X86_64 = 62
_X32 = 0x40000000


def numbers_of_program(header):
    # type: (bytes) -> Numbers | None
    """Return (init_module, finit_module, delete_module, syslog) for a program.

    header: the first 64 bytes or more of its ELF file.
    None: no ELF file, or an architecture that is not in the table.
    """
    if len(header) < 64 or header[:4] != b"\x7fELF":
        return None
    order = "<" if header[5:6] == b"\x01" else ">"
    wide = header[4:5] == b"\x02"
    machine = struct.unpack(order + "H", header[18:20])[0]
    numbers = NUMBERS.get(machine)
    if numbers is None:
        return None
    added = 0
    if machine == _MIPS:
        start = 48 if wide else 36
        flags = struct.unpack(order + "I", header[start : start + 4])[0]
        if wide:
            return (5168, 5307, 5169, 5101)
        if flags & _MIPS_ABI2:
            return (6168, 6312, 6169, 6101)
    elif machine == _X86_64 and not wide:
        added = _X32
    first, second, third, fourth = numbers
    return (first + added, second + added, third + added, fourth + added)
