"""modinfo: fields, forms, arguments."""

from __future__ import annotations

from support.twotools import RELEASE, Case, module, modules

TREE = f"@/lib/modules/{RELEASE}"

_LINES = f"""\
modinfo
modinfo a
modinfo a b
modinfo a nothere b
modinfo nothere
modinfo same
modinfo pci:v00001234d1sv2sd3bc4sc5i6
modinfo symbol:a_one
modinfo mod-dash
modinfo mod_dash
modinfo one_fs
modinfo one-fs
modinfo fs-one
modinfo two
modinfo squeezed
modinfo soft
modinfo not
modinfo tiny
modinfo plain
modinfo rtai_ksched
modinfo not a
modinfo -F parm a
modinfo -p a
modinfo --parameters a
modinfo -F parmtype a
modinfo -F filename a
modinfo -n a
modinfo -F name a
modinfo -F name one_fs
modinfo -F filename one_fs
modinfo -F alias a
modinfo -F ALIAS a
modinfo -F nothing a
modinfo -F author a
modinfo -a a
modinfo -d a
modinfo -l a
modinfo -a -d a
modinfo -F depends c
modinfo -F vermagic c
modinfo -F parm one_fs
modinfo -0 a
modinfo -0 -F alias a
modinfo -0 -p a
modinfo -0 one_fs
modinfo -0 -n a
modinfo -m a
modinfo -m same
modinfo -m nothere
modinfo -m one_fs
modinfo -m mod-dash
modinfo --modname a.ko
modinfo {TREE}/kernel/a.ko
modinfo lib/modules/{RELEASE}/kernel/a.ko
modinfo ./lib/modules/{RELEASE}/kernel/a.ko
modinfo {TREE}/kernel/squeezed.ko.xz
modinfo {TREE}/kernel/not.ko
modinfo {TREE}/kernel/tiny.ko
modinfo {TREE}/kernel/nothere.ko
modinfo {TREE}/kernel
modinfo -F alias {TREE}/kernel/a.ko
modinfo a.ko
modinfo -m {TREE}/kernel/a.ko
modinfo -x
modinfo -F
modinfo --field
modinfo --fi=alias a
modinfo --bogus a
modinfo --null --field alias a
modinfo a -F alias"""

_BUILTIN = f"lib/modules/{RELEASE}/modules.builtin.modinfo"
_ENTRIES = "one_fs.a=1\0one_fs.parm=x:y\0two.b=2\0one_fs.c=3\0one-fs.d=4\0"
_B = f"lib/modules/{RELEASE}/kernel/b.ko"
_CUT = modules()["kernel/b.ko"][:700]
_ODD = module(
    "b",
    fields=[
        ("parm", "no colon"),
        ("parmtype", "x:int"),
        ("parmtype", "int"),
        ("parm", "x:"),
        ("parm", ":nameless"),
        ("a_key_of_fifteen", "1"),
        ("a_key_of_fourtn", "2"),
        ("empty", ""),
        ("parm", "x:again"),
        ("parm", "multi:one\n two"),
    ],
)

CASES = [
    *(Case(line) for line in _LINES.split("\n")),
    Case(f"modinfo -b @ -k {RELEASE} -F filename a", whole=True),
    Case(f"modinfo -b @/ -k {RELEASE} -F filename a", whole=True),
    Case(f"modinfo -b . -k {RELEASE} -F filename a", whole=True),
    Case("modinfo -b @ -F filename a", whole=True),
    Case("modinfo -b @ -k nothere a", whole=True),
    Case("modinfo -b @ -k nothere -m a", whole=True),
    Case(f"modinfo -k nothere {TREE}/kernel/a.ko", whole=True),
    Case(["modinfo", ""]),
    Case("modinfo one_fs", files={_BUILTIN: ""}, since=34),
    Case("modinfo one_fs", files={_BUILTIN: _ENTRIES}),
    Case("modinfo two", files={_BUILTIN: _ENTRIES}),
    Case("modinfo -p one_fs", files={_BUILTIN: _ENTRIES}),
    Case(f"modinfo {TREE}/kernel/b.ko", files={_B: _ODD}, since=34),
    Case(f"modinfo -F parm {TREE}/kernel/b.ko", files={_B: _ODD}),
    Case(f"modinfo -0 {TREE}/kernel/b.ko", files={_B: _ODD}),
    Case("modinfo b", files={_B: None}),
    Case("modinfo b", files={_B: _CUT}),
    Case(
        "modinfo a.ko.bak",
        files={"a.ko.bak": "x"},
    ),
]
