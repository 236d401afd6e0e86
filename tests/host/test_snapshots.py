"""A snapshot as a document, its differences, and what a verification makes of it."""

from __future__ import annotations

import json
import zlib

import pytest

from modferry import cli
from modferry.commands import connect
from modferry.core.snapshots import difference, document_of, parse_document
from modferry.core.verifying import verification
from modferry.errors import ExitStatus, FormatError
from support.fakesession import FakeSession

HEALTHY = {
    "rtai/hal.ko": [],
    "rtai/sched.ko": ["rtai/hal.ko"],
    "rtai/ksched.ko": ["rtai/hal.ko"],
    "rtai/sem.ko": ["rtai/sched.ko", "rtai/hal.ko"],
}
LINKS = {"rtai/ksched.ko": "rtai/sched.ko"}


def document(**more):
    return {
        "modferry_snapshot": 1,
        "box": "saw3",
        "taken": "2026-11-26T00:00:00+00:00",
        "release": "2.6.32",
        "tool": "kmod version 9",
        "lines": HEALTHY,
        "links": LINKS,
        "config": ["options sem a=1"],
        "options": {"sem": "a=1"},
        "resolves": {"ksched": ["ksched"], "pci:v1": ["hal"]},
        "loaded": [
            {"name": "hal", "path": "rtai/hal.ko", "needs": [], "parameters": {}},
            {
                "name": "sem",
                "path": "rtai/sem.ko",
                "needs": ["rtai/sched.ko", "rtai/hal.ko"],
                "parameters": {"a": "1"},
            },
        ],
    } | more


def lines(**changed):
    return HEALTHY | {f"rtai/{name}.ko": line for name, line in changed.items()}


def test_the_same_box_does_not_differ():
    assert difference(document(), document())["same"]


def test_an_edge_that_is_gone_is_lost_and_one_that_came_is_gained():
    after = document(lines=lines(sem=["rtai/hal.ko"], hal=["rtai/sched.ko"]))

    found = difference(document(), after)

    assert found["lost"] == [{"module": "sem", "owner": "sched"}]
    assert found["gained"] == [{"module": "hal", "owner": "sched"}]
    assert not found["same"]


def test_a_file_named_by_its_link_is_no_lost_edge():
    after = document(lines=lines(sem=["rtai/ksched.ko", "rtai/hal.ko"]))

    found = difference(document(), after)

    assert (found["lost"], found["gained"]) == ([], [])
    assert found["by_link"] == [
        {
            "module": "rtai/sem.ko",
            "link": "rtai/ksched.ko",
            "owner": "rtai/sched.ko",
        }
    ]


def test_an_alias_in_place_of_a_link_is_no_difference():
    graph = {path: line for path, line in HEALTHY.items() if path not in LINKS}
    now = {"ksched": ["sched"], "pci:v1": ["hal"]}

    found = difference(document(), document(lines=graph, links={}, resolves=now))

    assert found["same"]


def test_modules_that_pack_otherwise_are_the_same():
    graph = {
        path + ".xz": [each + ".xz" for each in line] for path, line in HEALTHY.items()
    }
    links = {"rtai/ksched.ko.xz": "rtai/sched.ko.xz"}

    assert difference(document(), document(lines=graph, links=links))["same"]


@pytest.mark.parametrize(
    ("more", "key", "expected"),
    [
        (
            {"options": {"sem": "a=2"}},
            "options",
            [{"module": "sem", "before": "a=1", "after": "a=2"}],
        ),
        (
            {"resolves": {"ksched": ["ksched"], "pci:v1": ["sem"]}},
            "resolves",
            [{"name": "pci:v1", "before": ["hal"], "after": ["sem"]}],
        ),
        (
            {"config": []},
            "config",
            {"lost": ["options sem a=1"], "gained": []},
        ),
        (
            {"lines": {key: HEALTHY[key] for key in list(HEALTHY)[:3]}},
            "gone",
            ["sem"],
        ),
        ({"loaded": []}, "unloaded", ["hal", "sem"]),
    ],
)
def test_each_difference_is_told(more, key, expected):
    found = difference(document(), document(**more))

    assert found[key] == expected
    assert found["same"] == (key == "unloaded")


def test_an_answer_becomes_a_document_and_a_document_is_read_back():
    text = "a.ko: b.ko\nb.ko:\n\udcff.ko:\n"
    octets = zlib.compress(text.encode("utf-8", "surrogateescape"))
    answer = document() | {
        "lines": {
            "encoding": "deflate",
            "octets": octets.decode("utf-8", "surrogateescape"),
        }
    }

    made = document_of(answer, "saw3", "now")
    read = parse_document(json.dumps(made), "x.json")

    assert read == made
    assert read["lines"] == {"a.ko": ["b.ko"], "b.ko": [], "\udcff.ko": []}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"modferry_snapshot": 2}', '{"modferry_snapshot": 1}'],
)
def test_what_is_no_snapshot_is_refused_with_its_name(text):
    with pytest.raises(FormatError) as caught:
        parse_document(text, "x.json")

    assert caught.value.where == "x.json"


def proof(**sem):
    whole = ["rtai/hal.ko", "rtai/sched.ko", "rtai/sem.ko"]
    entry = {"resolves": ["sem"], "steps": whole, "lacks": [], "present": True}
    hal = {"resolves": ["hal"], "steps": ["rtai/hal.ko"], "lacks": [], "present": True}
    return {
        "modprobe": "/sbin/modprobe",
        "modules": [{"name": "hal"} | hal, {"name": "sem"} | entry | sem],
    }


def test_what_loads_as_before_is_no_regression():
    value = verification(document(), document(), proof(), dry_run=True)

    assert value["regressed"] == []
    assert [each["state"] for each in value["modules"]] == ["loads", "loads"]


@pytest.mark.parametrize(
    ("sem", "words"),
    [
        ({"resolves": []}, "no index knows it"),
        (
            {
                "steps": ["rtai/hal.ko", "rtai/sem.ko"],
                "lacks": [
                    {"symbol": name, "path": "rtai/sem.ko", "owner": "rtai/sched.ko"}
                    for name in ("one", "two")
                ],
            },
            "rtai/sched.ko is not loaded before it, which has one and 1 more",
        ),
        ({"status": 1, "present": False}, "status 1"),
    ],
)
def test_what_does_not_load_is_named_with_the_reason(sem, words):
    value = verification(document(), document(), proof(**sem), dry_run=False)

    assert value["regressed"] == ["sem"]
    assert words in " ".join(value["modules"][1]["why"])


def test_other_options_are_a_regression():
    now = document(options={}, config=[])

    value = verification(document(), now, proof(), dry_run=True)

    assert value["modules"][1]["why"] == ["options were a=1, are none"]


@pytest.fixture
def session(monkeypatch, home):
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    octets = "".join(f"{' '.join([k + ':', *v])}\n" for k, v in HEALTHY.items())
    reply = document() | {"lines": {"encoding": "stored", "octets": octets}}
    fake = FakeSession({"snapshot": reply, "prove": lambda **_: proof()})
    monkeypatch.setattr(connect.Session, "open", fake.opener())
    return fake


def test_a_snapshot_is_kept_and_found_again_by_the_box(session, home, capsys):
    kept = cli.run(["snapshot", "--on", "local:"])
    differs = cli.run(["diff", "--on", "local:"])
    verified = cli.run(["upgrade", "verify", "-n", "--on", "local:"])

    assert (kept, differs, verified) == (ExitStatus.DONE,) * 3
    assert len(list((home / "data/modferry/snapshots/local").glob("*.json"))) == 1
    assert "the same: graph, aliases, options" in capsys.readouterr().out


def test_two_files_are_compared_without_a_box(home, capsys):
    (home / "a.json").write_text(json.dumps(document()))
    lost = lines(sem=["rtai/hal.ko"])
    (home / "b.json").write_text(json.dumps(document(lines=lost)))

    status = cli.run(["diff", "a.json", "b.json", "--html", "p.html"])

    assert status == ExitStatus.NO
    assert "- sem no longer needs sched" in capsys.readouterr().out
    assert 'class="edge bad"' in (home / "p.html").read_text()


@pytest.mark.parametrize(
    "words", [["diff"], ["diff", "a.json"], ["diff", "a", "b", "--on", "local:"]]
)
def test_wrong_numbers_of_snapshots_are_refused(words, home):
    assert cli.run(words) == ExitStatus.USAGE


def test_without_a_snapshot_the_way_to_one_is_told(session, capsys):
    assert cli.run(["diff", "--on", "local:"]) == ExitStatus.USAGE
    assert "modferry snapshot" in capsys.readouterr().err
