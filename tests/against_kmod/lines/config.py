"""modprobe.d and the kernel's command line: what they make of a load."""

from __future__ import annotations

from support.twotools import RELEASE, Case

_WEAKDEP = f"lib/modules/{RELEASE}/modules.weakdep"
_SOFTDEP = f"lib/modules/{RELEASE}/modules.softdep"


def _with(text: str, *lines: str, **more: object) -> list[Case]:
    return [Case(line, conf={"m.conf": text}, **more) for line in lines]  # type: ignore[arg-type]


_ECHO = "echo loads $MODPROBE_MODULE"

CASES = [
    *_with("alias two a\n", "modprobe -v two", "modprobe -R two", "modprobe -D two"),
    *_with("alias two* a\nalias t?o b\n", "modprobe -v two", "modprobe -R two"),
    *_with("alias a b\n", "modprobe -v a", "modprobe -R a", "modprobe -D b"),
    *_with("alias a nothere\n", "modprobe a", "modprobe -q a", "modprobe -D a"),
    *_with("alias x y\nalias y a\n", "modprobe x", "modprobe -R x", "modprobe -R y"),
    *_with("alias net-pf-10 off\n", "modprobe net-pf-10", "modprobe -R net-pf-10"),
    *_with("alias one-[a-c]-x a\n", "modprobe -R one-b-x", "modprobe -R one_b_x"),
    *_with("alias one[ a\nalias two] b\nalias x\nalias\n", "modprobe -R a"),
    *_with("alias x[!ab]y a\nalias x[^c]y b\n", "modprobe -R xcy", "modprobe -R xay"),
    *_with("alias x\\\\*y a\n", "modprobe -R x*y", "modprobe -R xzy"),
    *_with("options a size=3\n", "modprobe -v a", "modprobe -v c", "modprobe -D c x=1"),
    *_with("options a size=3\noptions a bare=x  y\n", "modprobe -v a size=4"),
    *_with("options  a   size=3   bare=x\t y\n", "modprobe -v a"),
    *_with("options a\toption\ttabs\n", "modprobe -v a"),
    *_with("options same x=1\noptions e y=1\noptions d z=1\n", "modprobe -v same"),
    *_with("options mod-dash x=1\n", "modprobe -v mod_dash", "modprobe -v mod-dash"),
    *_with("alias two a\noptions two x=1\n", "modprobe -v two", "modprobe -v a"),
    *_with("blacklist a\n", "modprobe -v a", "modprobe -b -v a", "modprobe -v c"),
    *_with("blacklist a\n", "modprobe -b -v c", "modprobe -D -b a", "modprobe -b -R a"),
    *_with("blacklist d\n", "modprobe -v same", "modprobe -b -v same", "modprobe -v d"),
    *_with("blacklist d\nblacklist e\n", "modprobe -v same", "modprobe -v soft"),
    *_with("blacklist mod-dash\n", "modprobe -b -v mod_dash"),
    *_with(
        "alias two a\nblacklist a\n", "modprobe -v two", "modprobe --first-time two"
    ),
    *_with(f"install a {_ECHO} $CMDLINE_OPTS.\n", "modprobe a", "modprobe -v a x=1"),
    *_with(f"install a {_ECHO}\n", "modprobe -v c", "modprobe -i a", "modprobe -n a"),
    *_with(
        f"install a {_ECHO}\n", "modprobe -i -v c", "modprobe -D c", "modprobe -nv a"
    ),
    *_with(f"install a {_ECHO} $CMDLINE_OPTS\noptions a q=1\n", "modprobe -v a p=2"),
    *_with("install a exit 3\n", "modprobe a", "modprobe c", "modprobe -q a"),
    *_with("install a exit 3\n", "modprobe -a a b", "modprobe --first-time a"),
    *_with("install a kill -9 $$\n", "modprobe a", differs="killed command"),
    *_with("install a /nothere/program\n", "modprobe -q a", "modprobe -n -v a"),
    *_with(
        "install new echo new\n", "modprobe new", "modprobe -v new", "modprobe -R new"
    ),
    *_with(
        "install n* echo new\n", "modprobe new", "modprobe -R new", "modprobe -v not"
    ),
    *_with("install a echo one\ninstall a echo two\n", "modprobe a"),
    *_with("install a echo $CMDLINE_OPTS$CMDLINE_OPTS\n", "modprobe a x=1 y=2"),
    *_with("install a echo $MODPROBE_OPTIONS\n", "modprobe -q -v a"),
    *_with("install soft echo no\n", "modprobe -v soft", "modprobe -i -v soft"),
    *_with("install b echo b\nsoftdep b pre: d\n", "modprobe -v b", "modprobe -v c"),
    *_with("install b echo b\nsoftdep b pre: nothere\n", "modprobe -v b"),
    *_with("remove gone echo x\n", "modprobe gone", "modprobe -R gone"),
    *_with("install one_fs echo one\n", "modprobe one_fs", "modprobe -D one_fs"),
    *_with("softdep b pre: d e post: plain\n", "modprobe -v b", "modprobe -D c"),
    *_with("softdep b pre: d\nsoftdep b pre: e\n", "modprobe -v b"),
    *_with("softdep b* pre: d\n", "modprobe -v b"),
    *_with("softdep b  pre: d post: e\n", "modprobe -v b", "modprobe -c"),
    *_with("softdep b x pre: d y post: post: e pre: plain\n", "modprobe -v b"),
    *_with("softdep b pre: same\n", "modprobe -v b", "modprobe -D b"),
    *_with("softdep b pre: soft\nsoftdep d pre: e\n", "modprobe -v b", "modprobe -D b"),
    *_with("softdep a pre: c\n", "modprobe -v c", "modprobe -D c", "modprobe -v a"),
    *_with("softdep a pre: b\nsoftdep b post: a\n", "modprobe -D c", "modprobe -v a"),
    *_with("softdep b pre: one_fs nothere\n", "modprobe -v b", "modprobe -D b"),
    *_with("softdep b pre: a\n", "modprobe -D b", "modprobe -v b"),
    *_with("softdep b pre: d\n", "modprobe -v b", "modprobe c", answers={"d": 22}),
    *_with("weakdep b d e\nweakdep  b  d\n", "modprobe -v b", "modprobe -c", since=34),
    *_with("softdep b pre: d\r\n", "modprobe -v b"),
    *_with("softdep b   pre: d\n", "modprobe -v b", "modprobe -c"),
    *_with("softdep b\tpre:\td\n", "modprobe -v b"),
    *_with("softdep b \tpre: d\n", "modprobe -v b"),
    *_with("softdep soft post: e\n", "modprobe -v soft", "modprobe -c"),
    Case("modprobe -v soft", conf={"zz.conf": "softdep soft post: e\n"}),
    Case("modprobe -v soft", conf={"aa.conf": "softdep soft post: e\n"}),
    # Lines as they are read.
    *_with("nonsense a\n", "modprobe a", "modprobe -q a", "modprobe -s a"),
    *_with("  # indented\n", "modprobe a"),
    *_with("options a\n\noptions\nblacklist\ninstall a\nremove a \n", "modprobe a"),
    *_with("softdep a\nweakdep a\nsoftdep\nblacklist [\noptions [ x=1\n", "modprobe a"),
    *_with("alias x y z w\nblacklist b c\n", "modprobe -R x", "modprobe -c"),
    *_with("include x\nconfig y\n", "modprobe a"),
    *_with("options a x=\\\n1 y=\\2\n# c \\\noptions a z=3\n", "modprobe -v a"),
    *_with("options a x=1\r\n", "modprobe -v a"),
    *_with("options a x=1", "modprobe -v a"),
    *_with("\toptions\ta\tx=1\n \n\t\n", "modprobe -v a"),
    *_with("options a \\\n  x=1\n", "modprobe -v a"),
    *_with("nonsense\\\n more\n\n\nbad line\n", "modprobe a"),
    Case(
        "modprobe -v a", conf={"b.conf": "options a x=1\n", "a.conf": "options a x=2\n"}
    ),
    Case("modprobe -v a", conf={"a": "bad\n", ".a.conf": "bad\n", "a.conf~": "bad\n"}),
    Case("modprobe -v a", conf={"d.conf/x.conf": "bad\n"}),
    Case("modprobe -v a", conf={".conf": "options a x=1\n"}),
    Case("modprobe -C @/one -v a", files={"one": "options a x=1\n"}),
    Case(
        "modprobe -d @ -S 6.1.0-test -C @/one -C @/two -v a",
        files={"one/a.conf": "options a x=1\n", "two/a.conf": "options a x=2\n"},
        whole=True,
    ),
    Case(
        "modprobe -d @ -S 6.1.0-test -C @/one -C @/two -v a",
        files={"one/b.conf": "options a x=1\n", "two/a.conf": "options a x=2\n"},
        whole=True,
    ),
    # The kernel's command line.
    *(
        Case("modprobe -v a", cmdline=text)
        for text in (
            "a.size=3",
            "quiet a.size=3 b.x=1 a.bare",
            'a.bare="x y" ro',
            '"a.bare=x y" ro',
            "modprobe.blacklist=b,a",
            "a.=1 .x=1 a..x=1 a.x.y=1",
            "root=/dev/a.b a.size=/x.y",
            "a-b.x=1 a.b-c=1",
            "a[.x=1",
            "[a.x=1 ro",
            'a."x y"=1 a.size=2',
            'a.size="3',
            "a.size=3\ta.bare=y",
            "",
        )
    ),
    *(
        Case("modprobe -v mod_dash", cmdline=text)
        for text in ("mod-dash.x=1", "mod_dash.x-y=1", "mod_dash.x=1 mod-dash.y=2")
    ),
    Case("modprobe -b -v a", cmdline="modprobe.blacklist=b,a"),
    Case("modprobe -b -v a", cmdline="modprobe.blacklist=b modprobe.blacklist=a"),
    Case("modprobe -b -v mod_dash", cmdline="modprobe.blacklist=mod-dash"),
    Case("modprobe -v same", cmdline="modprobe.blacklist=d"),
    Case(
        "modprobe -v a size=5",
        cmdline="a.size=3",
        conf={"m.conf": "options a size=4\n"},
    ),
    # What -c shows of it.
    Case("modprobe -c"),
    Case("modprobe --showconfig -v"),
    Case("modprobe -c a"),
    Case("modprobe -c", cmdline="a.x=1 modprobe.blacklist=b,c-d a.y"),
    *_with(
        "blacklist b-c\ninstall  x  echo  y\nremove x-y rm\nalias a-b c-d\n"
        "options a-b  c=1\nsoftdep a-b pre: c-d post: e-f\nsoftdep e post: f\n"
        "weakdep g-h i-j\nsoftdep k x\n",
        "modprobe -c",
        since=34,
    ),
    Case("modprobe -v b", files={_SOFTDEP: "softdep b pre: d\n"}),
    Case("modprobe -v b", files={_SOFTDEP: "# x\nsoftdep b\nnonsense\n"}),
    Case("modprobe -v b", files={_WEAKDEP: "weakdep b d\n"}, since=34),
]
