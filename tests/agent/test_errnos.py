"""Errnos and vermagic in words, and the words of tools back to errnos."""

from __future__ import annotations

import errno
import os

import pytest

from modferry_agent.core import causes, errnos, messages, vermagic


def facts(**known: object) -> causes.Facts:
    found = causes.Facts()
    for name, value in known.items():
        setattr(found, name, value)
    return found


@pytest.mark.parametrize("name", sorted(errnos.SILENT))
def test_each_errno_without_a_line_has_a_meaning(name: str):
    got = causes.explain_insert(name, [])

    assert (got["code"], got["symbols"]) == (errnos.SILENT[name][0], [])
    assert hasattr(errno, name)


def test_the_special_line_beats_the_unknown_symbol_behind_it():
    lines = [
        "dummy: disagrees about version of symbol ether_setup",
        "dummy: Unknown symbol ether_setup (err -22)",
    ]

    got = causes.explain_insert("EINVAL", lines)

    assert (got["code"], got["symbols"]) == ("crc-mismatch", ["ether_setup"])


def test_a_version_line_after_which_the_load_went_on_is_not_the_cause():
    lines = [
        "dummy: no symbol version for module_layout",
        "dummy: Unknown symbol ether_setZQ (err -2)",
    ]

    got = causes.explain_insert("ENOENT", lines)

    assert (got["code"], got["symbols"]) == ("unknown-symbol", ["ether_setZQ"])
    assert got["evidence"] == lines[1:]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (0, "unknown-symbol"),
        (-2, "unknown-symbol"),
        (-22, "crc-mismatch"),
        (-16, "owner-starting"),
        (-12, "out-of-memory"),
    ],
)
def test_the_number_behind_an_unknown_symbol_says_why(number: int, code: str):
    lines = [f"dummy: Unknown symbol ether_setup (err {number})"]

    assert causes.explain_insert("EINVAL", lines)["code"] == code


@pytest.mark.parametrize(
    ("licence", "exported", "code"),
    [
        ("NDA", {"ether_setup"}, "license"),
        ("NDA", set(), "unknown-symbol"),
        ("GPL", {"ether_setup"}, "unknown-symbol"),
        (None, {"ether_setup"}, "unknown-symbol"),
    ],
)
def test_a_licence_is_the_cause_where_the_symbol_is_there(licence, exported, code):
    known = facts(licence=licence, is_exported=lambda symbol: symbol in exported)
    lines = ["dummy: Unknown symbol ether_setup (err -2)"]

    assert causes.explain_insert("ENOENT", lines, known)["code"] == code


def test_what_the_file_shows_is_said_where_the_kernel_is_silent():
    problem = {"code": "wrong-architecture", "message": "for another processor"}

    silent = causes.explain_insert("ENOEXEC", [], facts(problem=problem))
    general = causes.explain_insert(
        "ENOEXEC", ["Module has invalid ELF structures"], facts(problem=problem)
    )

    assert silent["code"] == general["code"] == "wrong-architecture"


def test_a_kernel_that_knows_no_flag_says_einval():
    assert causes.explain_insert("EINVAL", [], facts(flags=4))["code"] == "unknown-flag"


def test_an_unreadable_log_leaves_enoent_open():
    got = causes.explain_insert("ENOENT", [], facts(log_known=False))

    assert got["code"] == "load-failed"


def test_loading_may_be_switched_off():
    got = causes.explain_insert("EPERM", [], facts(modules_disabled=True))

    assert got["code"] == "modules-disabled"


def test_an_errno_of_the_modules_own_is_its_inits():
    assert causes.explain_insert("EDOM", [])["code"] == "init-failed"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EAGAIN", "in-use"),
        ("EWOULDBLOCK", "in-use"),
        ("ENOENT", "not-loaded"),
        ("EIO", "unload-failed"),
    ],
)
def test_each_errno_of_a_removal_has_a_meaning(name: str, code: str):
    assert errnos.explain_delete(name)["code"] == code


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("insmod: can't insert 'x.ko': unknown symbol in module, or", errno.ENOENT),
        ("insmod: ERROR: could not insert module x: File exists", errno.EEXIST),
        ("insmod: error inserting 'x': -1 Invalid module format", errno.ENOEXEC),
        ("rmmod: ERROR: Module x is in use by: y", errno.EAGAIN),
        ("what?", errno.EIO),
    ],
)
def test_a_tools_words_are_an_errno_again(text: str, number: int):
    assert errnos.errno_of_text(text, os.strerror) == number


def test_an_errno_has_a_name():
    assert [errnos.name_of(one) for one in (0, 2, 9999)] == [
        None,
        "ENOENT",
        "errno 9999",
    ]


def test_parameters_are_split_at_blanks_outside_quotes():
    assert errnos.split_parameters(' a=1  b="x y" c') == ["a=1", 'b="x y"', "c"]


OLD = "2.6.32.9 mod_unload modversions "


@pytest.mark.parametrize(
    ("had", "should", "words"),
    [
        (OLD, OLD, ""),
        (OLD.replace("2.6.32.9", "2.6.33"), OLD, ""),  # modversions: no release
        ("6.1 SMP", "6.1 SMP", ""),
        ("6.1 SMP", "6.2 SMP", "it is for release 6.1, the kernel is 6.2"),
        ("6.1 SMP", "6.1 SMP preempt", 'it lacks "preempt"'),
        ("6.1 UP", "6.1 SMP", 'it lacks "SMP"; it has "UP", the kernel not'),
        ("6.1 a b", "6.1 b a", "the words are in another order"),
        ("", "6.1", "it is for release none, the kernel is 6.1"),
    ],
)
def test_vermagic_is_compared_as_the_kernel_does(had: str, should: str, words: str):
    assert vermagic.mismatch(had, should) == words


@pytest.mark.parametrize("row", messages.ROWS, ids=lambda row: row[0])
def test_each_row_of_the_messages_is_whole(row: tuple[str, ...]):
    code, severity, _, meaning, step = row

    assert severity in {"error", "warning", "note"}
    assert meaning
    assert step or severity == "note"
    assert code == code.lower()


# As the sources of the releases print them; none of these was seen on a running kernel.
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x: Unknown symbol y (err 0)", "unknown-symbol"),  # 3.2
        ("x: gave up waiting for init of module y.", "owner-starting"),
        (
            "x: module uses symbol y from namespace N, but does not import it.",
            "namespace-not-imported",
        ),
        ("x: module tries to import module namespace: N", "module-namespace"),
        ("x: relocation out of range, section 3 reloc 4 sym 'y'", "relocation-range"),
        ("module x: dangerous R_MIPS_26 REL relocation", "relocation"),
        ("x: module is already loaded", "already-loaded"),
        ("x: Could not allocate 12 bytes percpu data", "out-of-memory"),
        ("x: `9' too large for parameter `p'", "bad-parameter"),
        ("x: parameters 'foo=1' after `--' ignored", "parameter-ignored"),
        ("x: unknown parameter 'foo' ignored", "parameter-ignored"),
        ("x: loading out-of-tree module taints kernel.", "taint"),
        ("BUG: unable to handle kernel paging request at 0", "kernel-crash"),
    ],
)
def test_messages_of_other_releases_are_known(text: str, code: str):
    got = messages.find_message(text)

    assert got is not None
    assert got["code"] == code
