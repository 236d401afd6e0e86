"""modprobe -r and rmmod: what goes, in which order, and what is said."""

from __future__ import annotations

from support.twotools import Case

_CHAIN = {"a": ["b", "c"], "b": ["c"], "c": []}
_LINE = {"a": ["b"], "b": []}
_ALL = {**_CHAIN, "d": [], "e": [], "soft": [], "mod_dash": [], "plain": ["1"]}


def _on(loaded: dict, *lines: str, **more: object) -> list[Case]:
    return [Case(line, loaded=loaded, **more) for line in lines]  # type: ignore[arg-type]


CASES = [
    *_on(
        _CHAIN,
        "modprobe -r c",
        "modprobe -r -v c",
        "modprobe -r -n c",
        "modprobe -r -n -v c",
        "modprobe --remove --verbose b",
        "modprobe -r a",
        "modprobe -r -q a",
        "modprobe -r -a a b c",
        "modprobe -r a b c",
        "modprobe -r c b a",
        "modprobe -r -f c",
        "modprobe -r -f a",
        "modprobe -r --first-time c",
        "modprobe -r c c",
        "modprobe -r --first-time c c",
        "modprobe -r -v --remove-holders a",
        "modprobe --remove-holders a",
        "modprobe --remove-holders -n -v a",
        "modprobe --remove-dependencies -v b",
        "modprobe -r --remove-holders c",
        "modprobe -r -R c",
        "modprobe -r -D c",
        "modprobe -r -i -v c",
        "modprobe -r -w 10 -v c",
        "modprobe -r --wait=10 -v c",
        "modprobe -r -w 0x10 c",
        "modprobe -r -w x c",
        "modprobe -r -w 1x c",
        "modprobe -r -w -1 c",
        "modprobe -r -w 0 c",
        "modprobe -w 10 d",
        "rmmod c",
        "rmmod -v c",
        "rmmod -vv c",
        "rmmod a",
        "rmmod -f a",
        "rmmod -f c",
        "rmmod c b a",
        "rmmod a b c",
        "rmmod c nothere b",
        "rmmod @/lib/modules/6.1.0-test/kernel/c.ko",
        "rmmod ./lib/modules/6.1.0-test/kernel/c.ko",
        "rmmod /nothere/c.ko",
        "rmmod c.ko",
        "rmmod kernel/c",
        "rmmod",
        "rmmod -x",
        "rmmod --bogus",
        "rmmod --force c",
        "rmmod --wait c",
    ),
    *_on(_LINE, "modprobe -r b", "modprobe -r -v b", "modprobe -rv a", "rmmod b a"),
    *_on(
        _ALL,
        "modprobe -r -v soft",
        "modprobe -r -v plain",
        "modprobe -r -a plain d nothere e",
        "modprobe -r plain d",
        "modprobe -r -v same",
        "modprobe -r mod-dash",
        "modprobe -r -v mod_dash",
        "modprobe -r nothere",
        "modprobe -r -q nothere",
        "modprobe -r -a nothere",
        "modprobe -r one_fs",
        "modprobe -r -q one_fs",
        "modprobe -r -a one_fs two",
        "modprobe -r --first-time squeezed",
        "modprobe -r squeezed",
        "modprobe -r -v squeezed",
        "rmmod plain",
        "rmmod -f plain",
        "rmmod mod-dash",
        "rmmod mod_dash",
        "rmmod nothere",
        "rmmod squeezed",
    ),
    # Commands and softdeps.
    *(
        Case(line, loaded=_CHAIN, conf={"m.conf": text})
        for text, line in (
            ("remove c echo removes $MODPROBE_MODULE\n", "modprobe -r c"),
            ("remove c echo removes $MODPROBE_MODULE\n", "modprobe -r -v c"),
            ("remove c echo removes\n", "modprobe -r -n c"),
            ("remove c echo removes\n", "modprobe -r -i -v c"),
            ("remove c exit 2\n", "modprobe -r c"),
            ("remove c exit 2\n", "modprobe -r -q c"),
            ("remove c exit 2\n", "modprobe -r -a c"),
            ("remove c exit 2\n", "modprobe -r -v -a c d"),
            ("remove a echo a\n", "modprobe -r -v a"),
            ("remove a echo a\n", "modprobe -r -v c"),
            ("remove b echo b\n", "modprobe -r -v c"),
            ("remove gone echo gone\n", "modprobe -r gone"),
            ("remove one_fs echo one\n", "modprobe -r -v one_fs"),
            ("remove c echo $CMDLINE_OPTS.\noptions c x=1\n", "modprobe -r c"),
            ("softdep c pre: d post: e\n", "modprobe -r -v c"),
            ("alias x c\n", "modprobe -r -v x"),
            ("alias x c\nalias x d\n", "modprobe -r -v x"),
            ("alias c d\n", "modprobe -r -v c"),
            ("blacklist c\n", "modprobe -r -b -v c"),
        )
    ),
    *(
        Case(line, loaded=_ALL, conf={"m.conf": text})
        for text, line in (
            ("softdep c pre: d post: e\n", "modprobe -r -v c"),
            ("softdep c pre: d e post: plain mod_dash\n", "modprobe -r -v c"),
            ("softdep c pre: d\n", "modprobe -r -i -v c"),
            ("softdep c pre: d\nremove d echo d\n", "modprobe -r -v c"),
            ("softdep b pre: d\n", "modprobe -r -v c"),
            ("softdep d pre: c\n", "modprobe -r -n -v d"),
            ("softdep d post: plain\n", "modprobe -r -v d"),
        )
    ),
    # The kernel refuses.
    *(
        Case(line, loaded=_CHAIN, answers={"c": code})
        for code in (1, 2, 16, 17, 22)
        for line in ("modprobe -r c", "rmmod c", "rmmod -f c", "modprobe -r -q c")
    ),
    Case("modprobe -r c", loaded=_CHAIN, answers={"b": 1}),
    Case("modprobe -r -a c d", loaded=_ALL, answers={"c": 1}),
    Case("modprobe -r c d", loaded=_ALL, answers={"c": 1}),
    Case("modprobe -r -w 50 c", loaded=_CHAIN, answers={"c": 11}, files={"busy": "2"}),
    Case("rmmod -w c", loaded=_CHAIN, since=34),
    Case(
        "modprobe -r -w 5 c",
        loaded=_CHAIN,
        answers={"c": 11},
        files={"busy": "99"},
        differs="silent wait",
    ),
    Case("modprobe -r -w 5 c", loaded=_CHAIN, answers={"c": 16}),
    Case("modprobe -r -w 5 a", loaded=_CHAIN, differs="silent wait"),
    Case("rmmod -s a", loaded=_CHAIN, differs="syslog in halves"),
    Case("modprobe -r c", loaded=_CHAIN, answers={"c": 11}, files={"busy": "1"}),
    Case("rmmod c", loaded=_CHAIN, answers={"c": 11}, files={"busy": "1"}),
    Case("modprobe -r a", files={"sys/module/a/initstate": "coming\n"}),
    Case("rmmod a", files={"sys/module/a/initstate": "coming\n"}),
    Case("rmmod a", files={"sys/module/a/parameters/size": "4\n"}),
    Case(
        "rmmod a",
        files={"sys/module/a/initstate": "live\n", "sys/module/a/holders/x": ""},
    ),
]
