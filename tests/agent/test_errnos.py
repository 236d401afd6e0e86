"""Errnos and vermagic in words, and the words of tools back to errnos."""

from __future__ import annotations

import errno
import os

import pytest

from modferry_agent.core import errnos, messages, vermagic


@pytest.mark.parametrize("name", sorted(errnos.SILENT))
def test_each_errno_without_a_line_has_a_meaning(name: str):
    got = errnos.explain_insert(name, [])

    assert (got["code"], got["symbols"]) == (errnos.SILENT[name][0], [])
    assert hasattr(errno, name)


def test_the_special_line_beats_the_unknown_symbol_behind_it():
    lines = [
        "dummy: disagrees about version of symbol ether_setup",
        "dummy: Unknown symbol ether_setup (err -22)",
    ]

    got = errnos.explain_insert("EINVAL", lines)

    assert (got["code"], got["symbols"]) == ("crc-mismatch", ["ether_setup"])


def test_an_unreadable_log_leaves_enoent_open():
    got = errnos.explain_insert("ENOENT", [], log_known=False)

    assert got["code"] == "load-failed"


def test_loading_may_be_switched_off():
    got = errnos.explain_insert("EPERM", [], modules_disabled=True)

    assert got["code"] == "modules-disabled"


def test_an_errno_of_the_modules_own_is_its_inits():
    assert errnos.explain_insert("EDOM", [])["code"] == "init-failed"


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
        ("x: relocation out of range, section 3 reloc 4 sym 'y'", "relocation"),
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
