"""lsmod, insmod, kmod itself."""

from __future__ import annotations

from support.twotools import RELEASE, Case

TREE = f"@/lib/modules/{RELEASE}"
_CHAIN = {"a": ["b", "c"], "b": ["c"], "c": []}

_LINES = f"""\
lsmod
insmod
insmod -
insmod @/nothere.ko
insmod nothere.ko
insmod {TREE}/kernel/a.ko
insmod {TREE}/kernel/a.ko size=4
insmod {TREE}/kernel/a.ko size=4 bare=x
insmod lib/modules/{RELEASE}/kernel/a.ko
insmod {TREE}/kernel/c.ko
insmod -f {TREE}/kernel/a.ko
insmod {TREE}/kernel/squeezed.ko.xz
insmod -s {TREE}/kernel/a.ko
insmod -x
insmod --bogus
insmod {TREE}/kernel
insmod {TREE}/rtai/rtai_ksched.ko
insmod a"""

CASES = [
    *(Case(line) for line in _LINES.split("\n")),
    Case("lsmod", loaded=_CHAIN),
    *(
        Case(line, since=34)
        for line in (
            "lsmod x",
            "lsmod -v",
            "lsmod -s",
            f"insmod --force {TREE}/kernel/a.ko",
            f"insmod -v {TREE}/kernel/a.ko",
            f"insmod {TREE}/kernel/a.ko -v",
        )
    ),
    Case(f"insmod {TREE}/kernel/not.ko", refused=True),
    Case(f"insmod {TREE}/kernel/tiny.ko", refused=True),
    Case("lsmod", loaded={"a_module_with_a_long_name": ["2"], "b": []}),
    Case("lsmod", loaded={"a": ["b"]}, files={"sys/module/b/initstate": "live\n"}),
    Case("lsmod", loaded=_CHAIN, files={"sys/module/a/coresize": None}),
    Case("lsmod", files={"proc/modules": "gone 4096 1 x,y, Live 0x0\n"}, since=34),
    Case("lsmod", files={"proc/modules": None}, since=34),
    Case(["insmod", f"{TREE}/kernel/a.ko", "name=two words"], since=34),
    Case(["insmod", f"{TREE}/kernel/a.ko", 'name="two words"'], since=34),
    *(
        Case(f"insmod {TREE}/kernel/a.ko", answers={"a": code})
        for code in (1, 2, 3, 8, 12, 16, 17, 19, 22, 28, 38, 74, 126, 129)
    ),
    Case(f"insmod {TREE}/kernel/a.ko", answers={"finit_module": 38}),
    Case(f"insmod -f {TREE}/kernel/a.ko", answers={"finit_module": 38}),
    Case(f"insmod {TREE}/kernel/a.ko", loaded=_CHAIN),
    Case(
        f"insmod {TREE}/kernel/squeezed.ko.xz",
        files={"sys/module/compression": "xz\n"},
        since=34,
    ),
]
