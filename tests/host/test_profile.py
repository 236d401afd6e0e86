"""Profiles: the table of keys, files, what is refused and where."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from modferry import resources
from modferry.core.profile import Console, Login, Profile, Ssh, Timeouts
from modferry.core.profilekeys import KEYS, built_profile, overridden, parse_profile
from modferry.errors import UsageError
from modferry.profiles import profile_names, read_profile

OLD_WORDS = re.compile(r"sha1|md5|^ssh-rsa$|cbc|group1$|group1-")


def parsed(text: str) -> Profile:
    return built_profile([parse_profile(text, "box", "box.yaml")])


def held(profile: Profile, name: str) -> object:
    section, _, key = name.rpartition(".")
    return getattr(getattr(profile, section) if section else profile, key)


def test_the_table_has_every_field_and_nothing_else() -> None:
    sections = {"login": Login, "ssh": Ssh, "console": Console, "timeouts": Timeouts}
    names = {
        f"{name}.{f.name}" for name, kind in sections.items() for f in fields(kind)
    }
    names |= {f.name for f in fields(Profile)} - set(sections) - {"name"}

    assert set(KEYS) == names


@pytest.mark.parametrize("name", KEYS)
def test_a_key_has_a_sentence_and_takes_its_default(name: str) -> None:
    key = KEYS[name]
    default = list(key.default) if isinstance(key.default, tuple) else key.default

    assert len(key.sentence) > 10
    assert not key.sentence.endswith(".")
    assert key.value(default, "here") == key.default == held(Profile(), name)


@pytest.mark.parametrize("name", KEYS)
def test_a_key_reaches_the_profile_and_refuses_another_type(name: str) -> None:
    key = KEYS[name]
    choice = key.choices[-1] if key.choices else ""
    given, value = {
        "str": ("'other'", "other"),
        "list": ("[one, two]", ("one", "two")),
        "int": ("9600", 9600)
        if name in ("console.baud", "console.top_baud")
        else ("7", 7),
        "float": ("1.5", 1.5),
        "choice": (choice, choice),
    }[key.kind]
    section, _, inner = name.rpartition(".")
    text = f"{section}:\n  {inner}: " if section else f"\n{inner}: "

    profile = parsed(text + str(given))
    with pytest.raises(UsageError, match=re.escape(f'"{name}" takes')) as caught:
        parsed(text + "{a: 1}")

    assert held(profile, name) == value
    assert caught.value.where == "box.yaml:2"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("pyton: [a]", 'unknown key "pyton"', 1),
        ("console:\n  buad: 1", 'unknown key "buad"', 2),
        ("console:\n  baud: 9600\n  baud: 9600", 'the key "baud" is there twice', 3),
        ("shell: a\n\nshell: b", 'the key "shell" is there twice', 3),
        ("console: 3", '"console" takes keys of its own', 1),
        ("console: {baud: 1}", "at least 50", 1),
        ("console: {baud: true}", "a whole number", 1),
        ("python: []", "at least one", 1),
        ("python: [3]", "list of texts", 1),
        ("login:\n  become: doas", "one of none, sudo, su", 2),
        ("login: {login_prompt: '('}", "a regular expression", 1),
        ("- a", "not a mapping", 1),
        ("a: b: c", "not YAML", 1),
        ("1: a", "the key 1 is no text", 1),
        ("a: &x {}\n<<: *x", "unknown key|merge keys", 2),
        ("shell: !!python/object:os.system a", "not YAML", 1),
        ('shell: "a\\nb"', "takes a text", 1),
        ("extends: [a]", '"extends" takes the name', 1),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    text: str, message: str, line: int
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parsed(text)

    assert caught.value.where == f"box.yaml:{line}"


def test_a_near_key_is_proposed() -> None:
    with pytest.raises(UsageError) as caught:
        parsed("console: {buad: 9600}")

    assert caught.value.next_step == 'did you mean "baud"?'


def test_an_empty_file_is_the_default_profile() -> None:
    assert parsed("# nothing\n") == Profile(name="box")


def test_a_profile_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Profile().shell = "bash"  # type: ignore[misc]


@pytest.mark.parametrize("name", resources.profile_names())
def test_each_profile_that_comes_along_is_whole(home: Path, name: str) -> None:
    profile = read_profile(name)

    assert profile.name == name
    assert profile.description
    assert all(path.startswith("/") for path in profile.directories)


def test_the_profiles_that_come_along_are_these() -> None:
    assert resources.profile_names() == [
        "bookworm", "busybox", "practice", "squeeze-rtai", "trixie", "wheezy-rtai",
    ]  # fmt: skip


@pytest.mark.parametrize("name", resources.profile_names())
def test_only_old_boxes_profiles_allow_old_algorithms(home: Path, name: str) -> None:
    ssh = read_profile(name).ssh
    names = (*ssh.kex, *ssh.host_keys, *ssh.ciphers, *ssh.macs, *ssh.public_keys)
    old = {one for one in names if OLD_WORDS.search(one)}

    if name in ("squeeze-rtai", "wheezy-rtai"):
        assert "ssh-rsa" in old
        assert not {"rsa-sha2-256", "rsa-sha2-512"} & set(ssh.public_keys)
    else:
        assert old == set()


def test_a_profile_has_what_it_extends_and_its_own_wins(home: Path) -> None:
    squeeze, wheezy = read_profile("squeeze-rtai"), read_profile("wheezy-rtai")

    assert squeeze.console == wheezy.console != Console()
    assert squeeze.ssh.host_keys == ("ssh-rsa",) != wheezy.ssh.host_keys


def test_a_users_profile_may_extend_ours_of_the_same_name(home: Path) -> None:
    folder = home / ".config" / "modferry" / "profiles"
    folder.mkdir(parents=True)
    (folder / "bookworm.yaml").write_text("extends: bookworm\nshell: exec dash\n")
    (folder / "mine.yaml").write_text("extends: bookworm\n")

    assert read_profile("bookworm").shell == "exec dash"
    assert read_profile("bookworm").python == ("python3", "python3.11")
    assert read_profile("mine").shell == "exec dash"
    assert "mine" in profile_names()


def test_profiles_that_extend_each_other_are_refused(home: Path) -> None:
    (home / "a.yaml").write_text("extends: ./b.yaml\n")
    (home / "b.yaml").write_text("shell: x\nextends: ./a.yaml\n")

    with pytest.raises(UsageError, match="extends itself") as caught:
        read_profile("./a.yaml")

    assert caught.value.where == f"{home / 'b.yaml'}:2"


def test_an_unknown_profile_names_the_known(home: Path) -> None:
    with pytest.raises(UsageError, match='no profile "potato"') as caught:
        read_profile("potato", where="modferry.yaml:3")

    assert caught.value.where == "modferry.yaml:3"
    assert "squeeze-rtai" in caught.value.why
    with pytest.raises(UsageError, match="not readable"):
        read_profile("/nowhere/x.yaml")


def test_an_address_overrides_the_console() -> None:
    changed = {"console.baud": "300", "console.parity": "even", "console.stopbits": "2"}

    console = overridden(Profile(), changed, "here").console

    assert (console.baud, console.parity, console.stopbits) == (300, "even", 2)
    with pytest.raises(UsageError, match=r"console\.baud"):
        overridden(Profile(), {"console.baud": "fast"}, "here")
