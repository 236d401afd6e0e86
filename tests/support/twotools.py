"""kmod's tools and ours, given the same command line on roots that are alike.

Both run with tests/support/fakekernel.c preloaded: it shows them a kernel of the case's
own, and writes down the module calls in place of making them.
"""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modferry_agent.jobs import indexes
from support import rootfs
from support.fakekernel import loadable
from support.kmods import Depmod

RELEASE = rootfs.RELEASE
AGENT = Path(__file__).resolve().parents[2] / "agent"
SHIM = Path(__file__).with_name("fakekernel.c")
VERMAGIC = f"{RELEASE} SMP mod_unload modversions "

# Names of Python modules that the box has not, then the agent's folder, then argv.
_RUN = (
    "import sys; missing = sys.argv.pop(1).split();"
    "sys.modules.update([(name, None) for name in missing]);"
    "sys.path.insert(0, sys.argv.pop(1));"
    "from modferry_agent.main import main; sys.exit(main(sys.argv[1:]))"
)
# What stands before the operands unless the case says all itself.
_WHERE: Mapping[str, tuple[str, ...]] = {
    "modprobe": ("-d", "@", "-S", RELEASE, "-C", "@/conf"),
    "modinfo": ("-b", "@", "-k", RELEASE),
}
# Debian builds kmod with the places of its messages in them; ours are as without.
_PLACES = re.compile(r" ?\.\./[\w/]+-?\w*\.c:\d+ (\w+)(\(\))? ?(: )?")
# Ours says more than kmod's text of an errno: docs/differences.md.
_MORE = re.compile(r"^  (?:why|next)    ?.*\n", re.MULTILINE)


def shim(folder: Path) -> Path:
    """Return the preloaded kernel, compiled."""
    library = folder / "fakekernel.so"
    if not library.exists():
        flags = ["-shared", "-fPIC", "-O1", "-Wno-nonnull-compare"]
        subprocess.run(["gcc", *flags, "-o", library, SHIM, "-ldl"], check=True)
    return library


def module(name: str, *, depends: str = "", **traits: object) -> bytes:
    """Return a module file with the fields that a Debian module has."""
    fields = [
        ("license", "GPL"),
        ("description", f"what {name} is for"),
        ("author", "one"),
        ("author", "two"),
        *traits.pop("fields", ()),  # type: ignore[misc]
        ("depends", depends),
        ("vermagic", VERMAGIC),
    ]
    return loadable(name, fields=fields, **traits)  # type: ignore[arg-type]


def modules() -> dict[str, bytes]:
    """Return the files of the tree that the cases share."""
    parameters = [
        ("parm", "size:How large (default 4)"),
        ("parmtype", "size:int"),
        ("parmtype", "bare:charp"),
        ("parm", "untyped:no type"),
        ("alias", "pci:v00001234d*sv*sd*bc*sc*i*"),
        ("alias", "of:N*T*Cacme,[ab]*"),
        ("alias", "weird-*_?"),
    ]
    return {
        "kernel/a.ko": module("a", exports=["a_one"], fields=parameters),
        "kernel/b.ko": module("b", depends="a", exports=["b_one"], imports=["a_one"]),
        "kernel/c.ko": module("c", depends="b,a", imports=["b_one", "a_one"]),
        "kernel/d.ko": module("d", fields=[("alias", "weird-x_*"), ("alias", "same")]),
        "kernel/e.ko": module("e", fields=[("alias", "same")]),
        "kernel/mod-dash.ko": module("mod_dash"),
        "kernel/soft.ko": module("soft", fields=[("softdep", "pre: a post: d")]),
        "kernel/plain.ko": loadable("plain", fields=[("license", "GPL")]),
        "kernel/not.ko": b"This is no module at all, but some text.\n" * 4,
        "kernel/tiny.ko": b"x",
        "rtai/rtai_sched.ko": module("rtai_sched", exports=["rt_one"]),
        "rtai/rtai_sem.ko": module(
            "rtai_sem", depends="rtai_sched", imports=["rt_one"]
        ),
        "kernel/versions.ko": module(
            "versions",
            imports=["a_one", ".dotted"],
            versions={"a_one": 7, ".dotted": 8},
        ),
    }


@dataclass(frozen=True, slots=True)
class Case:
    """A command line, and the box that it is given on.

    words: the command, then its arguments; ``@`` stands for the root
    conf: files of modprobe.d; loaded: name -> names of its holders
    answers: errno that a call for a module of that name returns
    files: written into the root; None takes one away
    whole: the words are all there is: no root, release and configuration before them
    since: the first release of kmod that does so
    refused: ours makes no call for a file that is no sound module
    differs: the line of docs/differences.md why the two differ
    """

    words: str | Sequence[str]
    conf: Mapping[str, str] = field(default_factory=dict)
    loaded: Mapping[str, Sequence[str]] = field(default_factory=dict)
    builtin: Sequence[str] = ("one_fs", "two")
    answers: Mapping[str, int] = field(default_factory=dict)
    cmdline: str = "quiet"
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    whole: bool = False
    since: int = 0
    refused: bool = False
    differs: str = ""

    def __str__(self) -> str:
        """Return what tells the case in a list."""
        words = self.words if isinstance(self.words, str) else " ".join(self.words)
        more = " ".join(text.strip() for text in self.conf.values())
        return f"{words} | {more}"[:90].replace("\n", "; ")


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a tool did."""

    status: int
    output: str
    errors: str
    calls: str


def make_template(folder: Path) -> Path:
    """Write the tree that the cases share, with its indexes; return its root."""
    root = folder / "template"
    links = {"rtai/rtai_ksched.ko": "rtai_sched.ko"}
    rootfs.make_tree(root, modules(), links=links, order=None)
    tree = root / "lib" / "modules" / RELEASE
    (tree / "modules.builtin.modinfo").write_bytes(
        b"one_fs.alias=fs-one\0one_fs.license=GPL\0one_fs.parm=x:an x\0"
        b"one_fs.parmtype=x:int\0two.alias=two-[a-b]-x\0"
    )
    squeezed = lzma.compress(module("squeezed"), check=lzma.CHECK_CRC32)
    (tree / "kernel/squeezed.ko.xz").write_bytes(squeezed)
    indexes.write_indexes(RELEASE, str(root), links="kmod", fingerprints=False)
    return root


def make_root(template: Path, root: Path, case: Case) -> Path:
    """Make the box of a case."""
    shutil.copytree(template, root, symlinks=True)
    _write(root / "proc/cmdline", case.cmdline + "\n")
    (root / "conf").mkdir()
    for name, text in case.conf.items():
        _write(root / "conf" / name, text)
    rows = []
    for name, holders in case.loaded.items():
        place = root / "sys/module" / name
        (place / "holders").mkdir(parents=True)
        count = len(holders)
        for holder in holders:
            if holder.isdigit():
                count += int(holder) - 1
            else:
                (place / "holders" / holder).mkdir()
        _write(place / "initstate", "live\n")
        _write(place / "refcnt", f"{count}\n")
        _write(place / "coresize", "16384\n")
        users = [one for other, one in _users(case, name)]
        _write(place / "uses", ",".join(users))
        shown = "".join(f"{one}," for one in holders if not one.isdigit())
        rows.append(f"{name} 16384 {count} {shown or '-'} Live 0x0000000000000000\n")
    _write(root / "proc/modules", "".join(rows))
    for name in case.builtin:
        (root / "sys/module" / name).mkdir(parents=True, exist_ok=True)
    for name, content in case.files.items():
        if content is None:
            (root / name).unlink()
        else:
            _write(root / name, content)
    answers = "".join(f"{name} {code}\n" for name, code in case.answers.items())
    _write(root / "answers", answers)
    _write(root / "calls", "")
    return root


def _users(case: Case, name: str) -> list[tuple[str, str]]:
    return [(name, other) for other, held in case.loaded.items() if name in held]


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def arguments(case: Case, root: Path) -> tuple[str, list[str]]:
    """Return the tool's name and its arguments."""
    words = case.words.split() if isinstance(case.words, str) else list(case.words)
    name, rest = words[0], words[1:]
    where = () if case.whole else _WHERE.get(name, ())
    return name, [word.replace("@", str(root)) for word in [*where, *rest]]


def run_kmod(depmod: Depmod, case: Case, root: Path, library: Path) -> Outcome:
    """Give the command line to kmod's own tool."""
    name, words = arguments(case, root)
    return _run([*depmod.tool(name), *words], case, root, library, name)


def run_ours(
    case: Case,
    root: Path,
    library: Path,
    python: str = sys.executable,
    missing: str = "",
) -> Outcome:
    """Give it to ours.

    missing: names of Python modules that are not there
    """
    name, words = arguments(case, root)
    command = [python, "-E", "-S", "-c", _RUN, missing, str(AGENT), name]
    return _run([*command, *words], case, root, library, name)


def _run(
    command: Sequence[str], case: Case, root: Path, library: Path, name: str
) -> Outcome:
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_PRELOAD": str(library),
        "FAKE_ROOT": str(root),
        "FAKE_RELEASE": RELEASE,
        **{
            key: value.replace("@", str(root))
            for key, value in case.environment.items()
        },
    }
    ran = subprocess.run(
        command,
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    def shown(text: str) -> str:
        # getopt names the program as it was called.
        return text.replace(str(root), "@").replace(f"{called}: ", f"{name}: ")

    called = next((word for word in command if word.endswith(f"/{name}")), name)
    errors = _MORE.sub("", _PLACES.sub(_place, ran.stderr))
    calls = shown((root / "calls").read_text())
    return Outcome(ran.returncode, shown(ran.stdout), shown(errors), calls)


def _place(found: re.Match[str]) -> str:
    # The library names the function between colons, a tool with a pair of brackets.
    return " " if found[2] else f": {found[1]}: "
