"""What comes with which release, and the verdict over a forecast."""

from __future__ import annotations

import pytest

from modferry import cli
from modferry.commands import connect
from modferry.core import upgrade
from modferry.core.upgrade import Target, next_release, parse_target, verdict_of
from modferry.errors import ExitStatus, UsageError
from modferry_agent.core.foresight import KMOD, MODULE_INIT_TOOLS
from support.fakesession import FakeSession

pytestmark = pytest.mark.usefixtures("home")

BROKEN = {
    "module": "rtai_sem",
    "path": "rtai/rtai_sem.ko",
    "needs": ["rtai/rtai_sched.ko", "rtai/rtai_hal.ko"],
    "had": ["rtai/rtai_sched.ko", "rtai/rtai_hal.ko"],
    "will": ["rtai/rtai_hal.ko"],
    "state": "breaks",
    "missing": [
        {
            "path": "rtai/rtai_sched.ko",
            "user": "rtai/rtai_sem.ko",
            "symbol": "rt_schedule",
            "exporters": ["rtai/rtai_ksched.ko", "rtai/rtai_sched.ko"],
            "links": ["rtai/rtai_ksched.ko"],
        }
    ],
}


def answer(**more):
    return {
        "release": "2.6.32-5-686",
        "directory": "/lib/modules/2.6.32-5-686",
        "distribution": "Debian GNU/Linux 6.0.10 (squeeze)",
        "now": {
            "tool": MODULE_INIT_TOOLS,
            "version": 12,
            "text": "module-init-tools version 3.12",
        },
        "to": {"tool": KMOD, "version": 9, "name": "wheezy"},
        "index": "whole",
        "modules": 3,
        "links": [{"path": "rtai/rtai_ksched.ko", "file": "rtai/rtai_sched.ko"}],
        "refusal": None,
        "broken": [],
        "renamed": [],
        "graph": {},
        "left_out": [],
        "high_bytes": [],
        "softdeps": [],
        "unread": [],
        "at_boot": [],
    } | more


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wheezy", Target(KMOD, 9, "wheezy")),
        ("Squeeze", Target(MODULE_INIT_TOOLS, 12, "squeeze")),
        ("trusty", Target(KMOD, 15, "trusty")),
        ("kmod=9", Target(KMOD, 9)),
        ("kmod 17", Target(KMOD, 17)),
        ("module-init-tools=3.16", Target(MODULE_INIT_TOOLS, 16)),
    ],
)
def test_a_target_is_a_release_or_a_version(text, expected):
    assert parse_target(text) == expected


@pytest.mark.parametrize("text", ["", "woody", "kmod", "kmod=0", "kmod=x", "9"])
def test_another_target_is_refused_with_the_known_ones(text):
    with pytest.raises(UsageError) as caught:
        parse_target(text)

    assert "wheezy" in caught.value.why


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("Debian GNU/Linux 6.0.10 (squeeze)", "wheezy"),
        ("Debian 6.0.10", "wheezy"),
        ("Debian GNU/Linux 7 (wheezy)", "jessie"),
        ("Debian GNU/Linux 12 (bookworm)", "trixie"),
        ("Ubuntu 12.04.5 LTS", "trusty"),
        ("Ubuntu 14.04.6 LTS", "xenial"),
    ],
)
def test_without_a_target_it_is_the_release_after_the_boxs(distribution, expected):
    assert next_release(distribution).name == expected


@pytest.mark.parametrize("distribution", [None, "", "Slackware 14", "Debian 99"])
def test_what_comes_after_an_unknown_release_has_to_be_said(distribution):
    with pytest.raises(UsageError) as caught:
        next_release(distribution)

    assert "--to" in caught.value.next_step


@pytest.mark.parametrize(
    ("more", "code", "safe"),
    [
        ({}, "holds", True),
        ({"renamed": [{"link": "l", "path": "p", "users": []}]}, "renames", True),
        ({"broken": [BROKEN]}, "breaks", False),
        ({"broken": [BROKEN | {"state": "broken"}]}, "broken", False),
        ({"unread": ["/etc/modprobe.d/rtai"]}, "loses", False),
        ({"high_bytes": ["a.ko"]}, "loses", False),
        (
            {"refusal": {"code": "high-byte", "modules": ["a.ko"]}},
            "refuses",
            False,
        ),
    ],
)
def test_a_verdict_says_whether_everything_goes_on_loading(more, code, safe):
    verdict = verdict_of(answer(**more))

    assert (verdict.code, verdict.safe) == (code, safe)


def test_a_check_says_line_by_line_what_breaks_and_by_which_link(monkeypatch, capsys):
    fake = FakeSession({"foresee": answer(broken=[BROKEN])})
    monkeypatch.setattr(connect.Session, "open", fake.opener())

    status = cli.run(["upgrade", "check", "--on", "local:"])

    assert status == ExitStatus.NO
    assert [given for _, given in fake.asked] == [
        {},
        {"tool": KMOD, "version": 9, "release": None, "basedir": ""},
    ]
    out = capsys.readouterr().out
    assert "1 module would stop loading under kmod 9 (wheezy)" in out
    for line in (
        "rtai/rtai_sem.ko would break",
        "  had    rtai/rtai_sched.ko rtai/rtai_hal.ko",
        "  will   rtai/rtai_hal.ko",
        "  lost   rtai/rtai_sched.ko",
    ):
        assert line in out.splitlines()
    assert "2 names, of which are links: rtai/rtai_ksched.ko\n" in out
    assert "modferry repair aliases --on local:, or:" in out


def test_a_page_of_a_check_has_the_lost_edge_and_the_link(monkeypatch, home):
    value = answer(
        broken=[BROKEN],
        graph={
            "rtai/rtai_sem.ko": BROKEN["needs"],
            "rtai/rtai_sched.ko": ["rtai/rtai_hal.ko"],
            "rtai/rtai_hal.ko": [],
        },
    )
    fake = FakeSession({"foresee": value})
    monkeypatch.setattr(connect.Session, "open", fake.opener())

    cli.run(
        ["upgrade", "check", "--to", "wheezy", "--on", "local:", "--html", "p.html"]
    )

    text = (home / "p.html").read_text()
    assert text.count('class="edge bad"') == 1
    assert text.count('class="node doubt link"') == 2  # before and after
    assert "rt_schedule" in text


def test_lines_of_all_remarks_can_be_made():
    value = answer(
        refusal={"code": "dependency-cycle", "modules": ["a.ko", "b.ko"]},
        renamed=[{"link": "l.ko", "path": "p.ko", "users": ["u.ko"]}],
        unread=["/etc/modprobe.d/rtai"],
        high_bytes=["a.ko"],
        softdeps=[
            {"module": "m", "own": "pre: a", "file": "/etc/zz.conf", "file_wins": False}
        ],
        at_boot=[{"path": "/etc/modules", "line": 3, "module": "rtai_sem"}],
    )
    value["verdict"] = {"code": "refuses", "text": "it refuses", "safe": False}

    text = "\n".join(upgrade.check_lines(value))

    for words in ("a.ko", "p.ko as l.ko", "/etc/modprobe.d/rtai", "line 3", "own"):
        assert words in text
