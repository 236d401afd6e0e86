"""``--html FILE``: the page of a result, whole or not at all."""

import pytest

from modferry import cli
from modferry.commands import connect
from modferry.errors import ExitStatus
from support.fakesession import FakeSession

pytestmark = pytest.mark.usefixtures("home")

DIAGNOSIS = {
    "module": "rtai_sem",
    "path": "rtai/rtai_sem.ko",
    "loadable": False,
    "findings": [
        {
            "code": "not-in-dependencies",
            "severity": "error",
            "module": "rtai_sem",
            "symbol": symbol,
            "owner": "rtai/rtai_sched.ko",
            "why": f"{symbol} is exported under six names",
            "next": "modferry depmod --on BOX",
            "evidence": [f"rtai_sem: Unknown symbol {symbol} (err 0)"],
        }
        for symbol in ("rt_schedule", "wake_up_srq")
    ],
}


@pytest.fixture
def session(monkeypatch):
    fake = FakeSession({"diagnose": DIAGNOSIS})
    monkeypatch.setattr(connect.Session, "open", fake.opener())
    return fake


def test_a_diagnosis_has_a_page_with_verdict_cause_and_kernels_lines(session, home):
    status = cli.run(["diagnose", "rtai_sem", "--on", "local:", "--html", "page.html"])

    text = (home / "page.html").read_text()
    assert status == ExitStatus.NO
    for words in (
        "rtai_sem does not load",
        "rtai_sched",
        "wake_up_srq",
        "Unknown symbol rt_schedule (err 0)",
        "modferry depmod --on local:",
    ):
        assert words in text


def test_a_page_that_cannot_be_written_leaves_the_old_one(session, home, capsys):
    status = cli.run(["diagnose", "m", "--on", "local:", "--html", "no/page.html"])

    assert status == ExitStatus.USAGE
    assert "no/page.html" in capsys.readouterr().err
    assert list(home.iterdir()) == []


def test_a_page_takes_the_place_of_an_older_one(session, home):
    (home / "page.html").write_text("old")

    cli.run(["diagnose", "rtai_sem", "--on", "local:", "--html", "page.html"])

    assert "rtai_sem does not load" in (home / "page.html").read_text()
    assert [path.name for path in home.iterdir()] == ["page.html"]
