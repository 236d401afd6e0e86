"""The answers of the commands, in words."""

import pytest

from modferry.core import describe
from support.fakesession import FACTS


def facts(**changed):
    return "\n".join(describe.facts(FACTS | changed))


def test_columns_stand_below_each_other():
    rows = [("a", "bb", ""), ("ccc", "d", "e")]

    assert describe.columns(rows, "  ") == ["  a    bb", "  ccc  d   e"]


def test_no_rows_are_no_lines():
    assert describe.columns([]) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "kmsg, console level 7"),
        ({"printk": None, "log_interface": None}, "log      none"),
        ({"kmod": None}, "kmod     none"),
        ({"tainted": 0}, "taint    none"),
        ({"modules_disabled": True}, "switched off until the next boot"),
        ({"syscalls": None}, "no way to call the kernel"),
        ({"decompressors": {"gz": None}}, "unpacks  nothing"),
        ({"free_bytes": 512}, "512 bytes"),
        ({"free_bytes": 2048}, "2.0 KiB"),
        ({"free_bytes": 3 << 30}, "3.0 GiB"),
        (
            {"module_tree": FACTS["module_tree"] | {"present": False}},
            "no directory /lib/modules/6.1.0-28-amd64",
        ),
    ],
)
def test_facts_say_what_there_is_and_what_is_not(changed, words):
    assert words in facts(**changed)


def pushed(**more):
    return {
        "file": "m.ko",
        "path": "/x/m.ko",
        "size_bytes": 5,
        "stripped_bytes": 0,
        "signed_with_debug": False,
        "replaces": False,
        "changed": True,
        "difference": [],
    } | more


@pytest.mark.parametrize(
    ("file", "dry_run", "words"),
    [
        (pushed(), False, "written"),
        (pushed(replaces=True), False, "replaced"),
        (pushed(changed=False), False, "was the same"),
        (pushed(), True, "would be written"),
        (pushed(replaces=True), True, "would be replaced"),
    ],
)
def test_a_push_says_what_became_of_each_file(file, dry_run, words):
    lines = describe.push({"dry_run": dry_run, "files": [file]})

    assert lines[0] == f"m.ko  ->  /x/m.ko  5 bytes  {words}"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/lib/modules/6.1/extra/a.ko", True),
        ("/usr/lib/modules/6.1/extra/a.ko.xz", True),
        ("/lib/modules/6.1/a.txt", False),
        ("/tmp/a.ko", False),
    ],
)
def test_a_push_names_the_indexes_where_they_would_list_the_file(path, told):
    lines = describe.push({"dry_run": False, "files": [pushed(path=path)]})

    assert any("modferry depmod" in line for line in lines) == told


def test_a_push_that_changed_nothing_leaves_the_indexes_unmentioned():
    file = pushed(changed=False, path="/lib/modules/6.1/m.ko")

    lines = describe.push({"dry_run": False, "files": [file]})

    assert len(lines) == 1


def test_older_lines_that_are_lost_are_told():
    record = {"time_us": None, "level": None, "text": "first\nsecond"}

    assert describe.klog({"lost": True, "records": [record]}) == [
        "(older lines were overwritten)",
        "first",
        "second",
    ]


def test_a_load_that_lost_lines_says_so():
    step = {"name": "m", "action": "present", "records": [], "lost": True}

    assert describe.load({"steps": [step]})[1] == (
        "    kernel| (older lines were overwritten)"
    )


def test_a_refused_step_says_which_call_refused_it_and_why():
    step = {
        "name": "m",
        "action": "insert",
        "call": "init_module",
        "errno": 8,
        "error": "ENOEXEC",
        "meaning": "another vermagic",
    }

    assert describe.load({"steps": [step]}) == [
        "m refused by init_module: ENOEXEC, another vermagic"
    ]


def test_a_dry_load_speaks_of_what_would_be():
    step = {"name": "m", "action": "insert", "path": "/m.ko", "parameters": "a=1"}

    lines = describe.load({"steps": [step], "dry_run": True, "modules": []})

    assert lines == ["m would be loaded from /m.ko with a=1"]


@pytest.mark.parametrize(
    ("step", "dry_run", "words"),
    [
        ({"action": "delete"}, False, "m unloaded"),
        ({"action": "delete"}, True, "m would be unloaded"),
        ({"action": "absent"}, False, "m was not loaded"),
        ({"action": "held"}, False, "m is held"),
        (
            {"action": "delete", "errno": 11, "error": "EWOULDBLOCK"},
            False,
            "m refused: EWOULDBLOCK",
        ),
    ],
)
def test_an_unload_says_what_became_of_each_module(step, dry_run, words):
    value = {"steps": [{"name": "m", **step}], "dry_run": dry_run}

    assert describe.unload(value) == [words]


def test_no_modules_are_said_to_be_none():
    assert describe.modules({"modules": []}) == ["none"]


def test_a_use_count_that_nobody_knows_is_a_dash():
    module = {"name": "m", "size": 1, "refcount": None, "holders": [], "state": "Live"}

    assert describe.modules({"modules": [module]})[1].split() == [
        "m", "1", "-", "-", "Live"
    ]  # fmt: skip


def test_an_undone_deploy_with_nothing_there_says_so():
    value = {
        "directory": "/opt/x",
        "changed": [],
        "unchanged": [],
        "dry_run": False,
        "undo": True,
    }

    assert describe.deploy(value) == ["nothing of modferry's is in /opt/x"]


def test_the_labs_facts_are_words():
    value = {"running": True, "login_ready": False, "pid": 1, "port": None, "a": ""}

    assert describe.lab(value) == [
        "running      yes",
        "login ready  no",
        "pid          1",
        "port         -",
        "a            -",
    ]


def test_the_demo_says_how_much_it_checked():
    assert describe.demo({"checks": 3, "seconds": 1.5}) == [
        "all of it was true: 3 checks in 1.5 s"
    ]


def test_a_pull_says_where_the_file_went():
    value = {"path": "/a", "file": "a", "size_bytes": 3, "sha256": "f"}

    assert describe.pull(value) == ["/a -> a", "3 bytes, sha256 f"]


@pytest.mark.parametrize(
    ("dry_run", "title", "label"),
    [(True, "would fix", "would"), (False, "fixed", "did")],
)
def test_a_fix_that_was_not_made_is_not_told_as_done(dry_run, title, label):
    entry = {"code": "index-missing", "did": "it", "undo": "so", "error": None}
    value = {
        "module": "m",
        "path": "m.ko",
        "loadable": True,
        "findings": [],
        "fixed": [entry],
        "dry_run": dry_run,
    }

    lines = describe.TEXTS["diagnose"](value)

    assert lines[0] == f"{title}: index-missing"
    assert lines[1].split() == [label, "it"]


@pytest.mark.parametrize(
    ("module", "path", "title"),
    [
        ("m", "extra/m.ko", "m (extra/m.ko)"),
        ("/tmp/m.ko", "/tmp/m.ko", "/tmp/m.ko"),
        ("m", None, "m"),
    ],
)
def test_a_diagnosis_names_a_module_once(module, path, title):
    value = {"module": module, "path": path, "loadable": True, "findings": []}

    assert describe.TEXTS["diagnose"](value) == [f"{title}: nothing is wrong with it"]
