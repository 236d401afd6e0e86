"""modprobe: names, order, options, errors of a load."""

from __future__ import annotations

from support.twotools import RELEASE, Case, modules

TREE = f"@/lib/modules/{RELEASE}"

_PLAIN = """\
modprobe a
modprobe c
modprobe -v c
modprobe -n c
modprobe -n -v c
modprobe --dry-run --verbose c
modprobe -D c
modprobe --show-depends c
modprobe -D -v c
modprobe -R c
modprobe -R same
modprobe -R symbol:a_one
modprobe -R symbol:nothing
modprobe -R pci:v00001234d1sv2sd3bc4sc5i6
modprobe -R of:NxTyCacme,a1
modprobe -R of:NxTyCacme,c1
modprobe -R weird-x_y
modprobe -R weird_x_y
modprobe -R weird
modprobe -R mod-dash
modprobe -R mod_dash
modprobe -R one-fs
modprobe -R fs-one
modprobe -R two-a-x
modprobe -R two_b_x
modprobe -R two-c-x
modprobe -R [a]
modprobe -R [
modprobe -R a]
modprobe -R A
modprobe -R nothere
modprobe --resolve-alias same
modprobe -D mod-dash
modprobe -D mod_dash
modprobe -D same
modprobe -v same
modprobe -D fs-one
modprobe -v soft
modprobe -D soft
modprobe -i -D soft
modprobe -D rtai_sem
modprobe -v rtai_sem
modprobe -v rtai_ksched
modprobe nothere
modprobe -q nothere
modprobe -q -D nothere
modprobe -a a nothere b
modprobe -a -q a nothere b
modprobe -a nothere
modprobe -av c soft
modprobe a b c
modprobe -D one_fs
modprobe -v one_fs
modprobe one_fs x=1
modprobe --first-time one_fs
modprobe --first-time a
modprobe --first-time -v c
modprobe -D squeezed
modprobe -v squeezed
modprobe -v squeezed size=3
modprobe -f squeezed
modprobe --force-vermagic squeezed
modprobe --force-modversion squeezed
modprobe plain
modprobe a size=4
modprobe -v a size=4
modprobe -v c size=4
modprobe a size=4 x
modprobe a name=two+words
modprobe -D a size=4 bare=b
modprobe -a a size=4
modprobe -f a
modprobe -f c
modprobe --force a
modprobe --force-vermagic a
modprobe --force-modversion a
modprobe --force-vermagic --force-modversion a
modprobe -- a
modprobe a --verbose
modprobe a -v size=3
modprobe a -- -v
modprobe
modprobe -v
modprobe -D
modprobe -R
modprobe -a
modprobe -r
modprobe -n
modprobe --bogus
modprobe --bogus=3
modprobe -x
modprobe -vx a
modprobe -C
modprobe -d
modprobe --config
modprobe --verbose=3 a
modprobe --show
modprobe --sho a
modprobe --show-d c
modprobe --force- a
modprobe --re
modprobe --w
modprobe -vn c
modprobe --quiet --quiet a
modprobe not.ko
modprobe a.ko
modprobe kernel/a.ko
modprobe a/b
modprobe --show-modversions @/lib/modules/6.1.0-test/kernel/versions.ko
modprobe --dump-modversions @/lib/modules/6.1.0-test/kernel/versions.ko
modprobe --show-modversions @/nothere.ko
modprobe --show-exports @/lib/modules/6.1.0-test/kernel/a.ko
modprobe --show-exports @/nothere.ko
modprobe --show-exports
modprobe --show-modversions"""

_B = f"lib/modules/{RELEASE}/kernel/b.ko"
# As the real file begins, but not whole.
_CUT = modules()["kernel/b.ko"][:700]
_LOADED = {"a": ["b"], "b": []}

CASES = [
    *(Case(line) for line in _PLAIN.split("\n")),
    Case(["modprobe", "-v", "a", "name=two words"]),
    Case(["modprobe", "-v", "a", 'name="two words"']),
    Case(["modprobe", "-v", "a", "two words"]),
    Case(["modprobe", "-v", "a", ""]),
    Case(["modprobe", ""]),
    Case(["modprobe", "-R", ""]),
    Case("modprobe a", loaded=_LOADED),
    Case("modprobe -v a", loaded=_LOADED),
    Case("modprobe -v c", loaded=_LOADED),
    Case("modprobe -D c", loaded=_LOADED),
    Case("modprobe -n -v c", loaded=_LOADED),
    Case("modprobe --first-time a", loaded=_LOADED),
    Case("modprobe --first-time c", loaded=_LOADED),
    Case("modprobe -a --first-time a c b", loaded=_LOADED),
    Case("modprobe -R a", loaded=_LOADED),
    Case("modprobe -v mod-dash", loaded={"mod_dash": []}),
    Case("modprobe -v same", loaded={"d": []}),
    # The kernel refuses: which text, for whom, and what happens with the rest.
    *(
        Case("modprobe a", answers={"a": code})
        for code in (
            1,
            2,
            3,
            5,
            8,
            11,
            12,
            14,
            16,
            17,
            19,
            22,
            28,
            38,
            61,
            74,
            126,
            129,
        )
    ),
    Case("modprobe -q a", answers={"a": 2}),
    Case("modprobe -s a", answers={"a": 2}),
    Case("modprobe c", answers={"a": 2}),
    Case("modprobe -v c", answers={"b": 8}),
    Case("modprobe c", answers={"b": 17}),
    Case("modprobe --first-time c", answers={"c": 17}),
    Case("modprobe --first-time c", answers={"b": 17}),
    Case("modprobe soft", answers={"a": 22}),
    Case("modprobe -v soft", answers={"d": 22}),
    Case("modprobe -a a c", answers={"a": 22}),
    Case("modprobe same", answers={"d": 22}),
    Case("modprobe same", answers={"e": 22}),
    # No finit_module, or not for this file.
    Case("modprobe a", answers={"finit_module": 38}),
    Case("modprobe a size=3", answers={"finit_module": 38}),
    Case("modprobe -f a", answers={"finit_module": 38}),
    Case("modprobe --force-vermagic plain", answers={"finit_module": 38}, since=34),
    Case("modprobe --force-modversion versions", answers={"finit_module": 38}),
    Case("modprobe c", answers={"finit_module": 38, "b": 8}),
    Case("modprobe squeezed", files={"sys/module/compression": "xz\n"}, since=34),
    Case("modprobe squeezed", files={"sys/module/compression": "zstd\n"}),
    Case("modprobe -f squeezed", files={"sys/module/compression": "xz\n"}, since=34),
    Case("modprobe a", files={"sys/module/compression": "xz\n"}),
    Case("modprobe a", files={"sys/module/compression": "lz4\n"}, since=34),
    # Half loaded, or a directory of sysfs alone.
    Case("modprobe a", files={"sys/module/a/initstate": "coming\n"}),
    Case("modprobe a", files={"sys/module/a/initstate": "going\n"}),
    Case("modprobe a", files={"sys/module/a/parameters/size": "4\n"}),
    # Files that are not what the index says.
    *(
        Case(line, files={_B: content}, refused=True, answers={"b": 8})
        for line in ("modprobe b", "modprobe c", "modprobe -n -v c", "modprobe -D b")
        for content in ("", "short", "no module, but text enough", _CUT)
    ),
    Case("modprobe b", files={_B: None}),
    Case("modprobe -n -v b", files={_B: None}),
    Case("modprobe c", files={_B: None}, differs="dependency's file is gone"),
    Case("modprobe not", refused=True),
    Case("modprobe tiny", refused=True),
    Case("modprobe -a not tiny a", refused=True),
    Case("modprobe --first-time -q not", refused=True),
    Case(f"modprobe --show-modversions {TREE}/kernel/a.ko", since=34),
    Case(f"modprobe --show-exports {TREE}/kernel/c.ko", since=34),
    Case(f"modprobe --show-exports {TREE}/kernel/not.ko", since=34),
    # Paths.
    Case(f"modprobe {TREE}/kernel/a.ko", since=34),
    Case(f"modprobe -v {TREE}/kernel/c.ko", since=34),
    Case(f"modprobe ./lib/modules/{RELEASE}/kernel/a.ko size=3", since=34),
    Case("modprobe /nothere.ko", since=34),
    Case("modprobe -q /nothere.ko", since=34),
    Case("modprobe ./a", since=34),
    # Where the tree is.
    Case("modprobe -d @ -S 6.1.0-test -C /dev/null a", whole=True),
    Case("modprobe -d . -S 6.1.0-test -C /dev/null -v a", whole=True),
    Case("modprobe -d @/ -S 6.1.0-test -C /dev/null -v a", whole=True),
    Case("modprobe -d @ -C /dev/null -v a", whole=True),
    Case("modprobe -d @ -S nothere -C /dev/null a", whole=True),
    Case("modprobe -d @ -S nothere -C /dev/null -q a", whole=True),
    Case("modprobe -d @ -S nothere -C /dev/null -a a b", whole=True),
    Case("modprobe -d /nothere -S 6.1.0-test -C /dev/null a", whole=True),
    Case("modprobe -d @ -S 6.1.0-test -C /nothere a", whole=True),
    Case("modprobe -d @ -S 6.1.0-test -C /nothere -c", whole=True),
    # $MODPROBE_OPTIONS.
    *(
        Case("modprobe c", environment={"MODPROBE_OPTIONS": text})
        for text in (
            "-v",
            "-v -n",
            "-q",
            "'-v' -D",
            '-C "/dev/null" -v',
            "a",
            "--bogus",
        )
    ),
    Case("modprobe", environment={"MODPROBE_OPTIONS": "-v c"}),
    Case("modprobe c", environment={"MODPROBE_OPTIONS": "-v  -n"}),
    Case("modprobe c --verbose", environment={"POSIXLY_CORRECT": "1"}),
    Case("modprobe -v c -n", environment={"POSIXLY_CORRECT": "1"}),
]
