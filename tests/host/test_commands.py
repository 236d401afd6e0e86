"""What each command asks of the box, and what it makes of the answer."""

import json

import pytest

from modferry import cli
from modferry.commands import box, connect
from modferry.errors import ExitStatus
from support.fakesession import FACTS, FakeSession

pytestmark = pytest.mark.usefixtures("home")

RECORD = {
    "sequence": 7,
    "time_us": 12_500_000,
    "level": 4,
    "facility": 0,
    "text": "rtai_sem: Unknown symbol wake_up_srq (err -2)",
    "own": True,
}


@pytest.fixture
def session(monkeypatch):
    fake = FakeSession({"facts": FACTS})
    monkeypatch.setattr(connect.Session, "open", fake.opener())
    return fake


def run(*arguments):
    return cli.run([*arguments, "--on", "local:"])


def step(name, **more):
    return {
        "name": name,
        "path": f"/lib/modules/r/{name}.ko",
        "sha256": "0" * 64,
        "action": "insert",
        "call": "finit_module",
        "parameters": "",
        "errno": 0,
        "error": None,
        "meaning": None,
        "records": [],
        "lost": False,
    } | more


def loaded(name, holders=()):
    return {
        "name": name,
        "size": 16384,
        "refcount": len(holders),
        "holders": list(holders),
        "state": "Live",
        "taints": "OE",
    }


def test_load_asks_for_the_module_with_its_parameters(session):
    session.replies["load"] = {"module": "m", "steps": [], "modules": []}

    run("load", "rtai_hal", "a=1", "b=two words", "-n")

    assert session.asked == [
        (
            "load",
            {"module": "rtai_hal", "parameters": 'a=1 b="two words"', "dry_run": True},
        )
    ]


def test_a_load_shows_each_step_with_what_the_kernel_said(session, capsys):
    session.replies["load"] = {
        "module": "rtai_sem",
        "loaded": True,
        "steps": [
            step("rtai_hal", records=[RECORD | {"text": "rtai_hal: mounted"}]),
            step("rtai_sem", action="present", call=""),
        ],
        "modules": [loaded("rtai_sem"), loaded("rtai_hal", ["rtai_sem"])],
    }

    status = run("load", "rtai_sem")

    assert status == ExitStatus.DONE
    assert capsys.readouterr().out.splitlines() == [
        "rtai_hal loaded from /lib/modules/r/rtai_hal.ko by finit_module",
        "    kernel| [   12.500000] warning: rtai_hal: mounted",
        "rtai_sem was loaded already",
        "the kernel's modules now:",
        "  module    size   used  by        state  taints",
        "  rtai_sem  16384  0     -         Live   OE",
        "  rtai_hal  16384  1     rtai_sem  Live   OE",
    ]


def test_a_refused_load_keeps_its_steps_and_fails(session, capsys):
    session.replies["load"] = {
        "module": "rtai_sem",
        "loaded": False,
        "steps": [
            step(
                "rtai_sem",
                errno=2,
                error="ENOENT",
                meaning="a symbol is unknown",
                records=[RECORD],
            )
        ],
        "modules": [],
        "failure": {
            "code": "unknown-symbol",
            "message": "rtai_sem: unknown symbol",
            "where": "rtai_sem.ko",
            "hint": "modferry diagnose rtai_sem",
        },
    }

    status = run("load", "rtai_sem", "--json")

    found = json.loads(capsys.readouterr().out)
    assert status == found["status"] == ExitStatus.FAILED
    assert found["result"]["steps"][0]["records"] == [RECORD]
    assert found["error"]["code"] == "unknown-symbol"
    assert found["error"]["next"] == "modferry diagnose rtai_sem"


@pytest.mark.parametrize(
    ("given", "quoted"),
    [
        ("a=1", "a=1"),
        ("a=x y", 'a="x y"'),
        ('a="x y"', 'a="x y"'),
        ("flag", "flag"),
        ("mod.a=\t", 'mod.a="\t"'),
    ],
)
def test_a_parameter_is_quoted_as_the_kernel_reads_it(given, quoted):
    assert box.quoted(given) == quoted


def finding(symbol, severity="error"):
    return {
        "code": "left-out-of-modules-dep",
        "severity": severity,
        "module": "rtai_sem",
        "symbol": symbol,
        "owner": "rtai/rtai_sched.ko",
        "evidence": ["modules.dep: rtai/rtai_sem.ko: rtai/rtai_hal.ko"],
        "why": "its symbols are exported under six names",
        "next": "modferry depmod",
        "details": {"copies": 6},
    }


def diagnosis(findings, *, loadable):
    return {
        "module": "rtai_sem",
        "path": "rtai/rtai_sem.ko",
        "findings": findings,
        "loadable": loadable,
    }


def test_findings_are_the_answer_no(session):
    session.replies["diagnose"] = diagnosis([finding("wake_up_srq")], loadable=False)

    assert run("diagnose", "rtai_sem") == ExitStatus.NO


def test_notes_alone_are_no_findings_against_loading(session):
    session.replies["diagnose"] = diagnosis([finding(None, "note")], loadable=True)

    assert run("diagnose", "rtai_sem") == ExitStatus.DONE


def test_a_finding_of_no_symbol_and_no_owner_is_told_too(session, capsys):
    note = finding(None, "note") | {"owner": None}
    session.replies["diagnose"] = diagnosis([note], loadable=True)

    run("diagnose", "rtai_sem")

    assert "note: left-out-of-modules-dep" in capsys.readouterr().out


def test_no_finding_is_said(session, capsys):
    session.replies["diagnose"] = diagnosis([], loadable=True)

    assert run("diagnose", "rtai_sem") == ExitStatus.DONE
    assert "nothing is wrong" in capsys.readouterr().out


def test_one_cause_is_told_once_with_each_symbol(session, capsys):
    symbols = [f"rt_symbol_{number}" for number in range(16)]
    session.replies["diagnose"] = diagnosis(
        [finding(symbol) for symbol in symbols], loadable=False
    )

    run("diagnose", "rtai_sem")

    out = capsys.readouterr().out
    assert out.count("exported under six names") == 1
    assert all(symbol in out.split() for symbol in symbols)
    assert all(len(line) <= 80 for line in out.splitlines())


def test_depmod_says_what_changed(session, capsys):
    session.replies["depmod"] = {
        "release": "r",
        "directory": "/lib/modules/r",
        "modules": 3,
        "changed": ["modules.dep"],
        "unchanged": ["modules.alias"],
        "warnings": [{"path": "x.ko", "reason": "not ELF"}],
        "conflicts": [{"symbol": "s", "owner": "a.ko", "others": ["b.ko"]}],
        "dry_run": False,
    }

    run("depmod", "--links", "kmod")

    assert session.asked[0][1]["links"] == "kmod"
    assert capsys.readouterr().out.splitlines() == [
        "/lib/modules/r: 3 modules indexed",
        "changed    modules.dep",
        "unchanged  modules.alias",
        "warning: x.ko: not ELF",
        "conflict: s: a.ko is taken, b.ko export it too",
    ]


def test_what_a_box_prints_cannot_reach_the_terminal(session, capsys):
    session.replies["klog"] = {
        "interface": "kmsg",
        "records": [RECORD | {"text": "a\x1b[2Jb"}],
        "next": 8,
        "lost": False,
    }

    run("klog")

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"a\x1b[2Jb" in out


def test_deploy_and_its_undo_ask_for_the_directory(session, capsys):
    def reply(**arguments):
        return arguments | {"changed": ["/opt/x/depmod"], "unchanged": []}

    session.replies |= {"install": reply, "uninstall": reply, "hash": None}

    run("deploy", "--directory", "/opt/x")
    run("deploy", "--directory", "/opt/x", "--undo")

    assert [name for name, _ in session.asked] == ["install", "hash", "uninstall"]
    assert capsys.readouterr().out.splitlines() == [
        "wrote /opt/x/modferry-agent.pyz",
        "wrote /opt/x/depmod",
        "on the box: PATH=/opt/x:$PATH",
        "removed /opt/x/depmod",
    ]


def test_pull_writes_the_file_whole(session, home):
    session.pushed["/etc/modules"] = b"loop\n"

    assert run("pull", "/etc/modules") == ExitStatus.DONE
    assert (home / "modules").read_bytes() == b"loop\n"
    assert list(home.glob(".*modferry-part")) == []


def test_an_explanation_is_asked_for_and_told(session, capsys):
    session.replies["explain"] = {
        "module": "b",
        "path": "k/b.ko",
        "file": "k/b.ko",
        "names": ["k/b.ko"],
        "line": ["k/a.ko"],
        "imports": [],
        "ways": [],
        "old_kmod": {"line": [], "missing": [], "left_out_of": []},
        "release": "6.1",
    }

    assert run("explain", "b") == ExitStatus.DONE
    assert capsys.readouterr().out.startswith("k/b.ko: k/a.ko\n")
