"""The fleet file."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry.errors import UsageError
from modferry.fleet.inventory import BOX_KEYS, read_inventory, resolve
from modferry.secrets import Source

FLEET = """\
boxes:
  saw3:
    address: ssh://saw3:2222
    user: op
    profile: squeeze-rtai
    password_file: secrets/saw3
    become_password_env: SAW3_ROOT
    identity_file: ~/key
    known_hosts: known
    description: the saw in hall 3
  press:
    address: serial:///dev/ttyUSB0?baud=9600&profile=wheezy-rtai
    profile: bookworm
  plain:
    address: "local:"
"""


def test_a_box_has_what_the_file_says_relative_to_it(home: Path) -> None:
    (home / "modferry.yaml").write_text(FLEET)

    box = resolve("saw3")

    assert (box.name, box.user, box.address.user) == ("saw3", "op", "op")
    assert box.profile.name == "squeeze-rtai"
    assert box.password == Source(file=str(home / "secrets" / "saw3"))
    assert box.become_password == Source(env="SAW3_ROOT")
    assert box.address.options["identity"] == str(home / "key")
    assert box.address.options["known_hosts"] == str(home / "known")
    assert box.description == "the saw in hall 3"
    assert box.where == f"{home / 'modferry.yaml'}:2"


def test_profiles_come_from_command_line_address_file_in_that_order(
    home: Path,
) -> None:
    (home / "modferry.yaml").write_text(FLEET)

    assert resolve("press", profile="trixie").profile.name == "trixie"
    assert resolve("press").profile.name == "wheezy-rtai"
    assert resolve("plain").profile.name == "bookworm"


def test_a_url_needs_no_file(home: Path) -> None:
    box = resolve("ssh://root@saw?profile=busybox")

    assert (box.name, box.user) == ("ssh://root@saw?profile=busybox", "root")
    assert box.profile.name == "busybox"


def test_an_unknown_name_tells_the_known(home: Path) -> None:
    (home / "modferry.yaml").write_text(FLEET)

    with pytest.raises(UsageError, match='no box "saw"') as caught:
        resolve("saw")

    assert caught.value.why == "known: saw3, press, plain"
    assert caught.value.where == str(home / "modferry.yaml")


def test_the_users_file_serves_when_there_is_none_here(home: Path) -> None:
    folder = home / ".config" / "modferry"
    folder.mkdir(parents=True)
    (folder / "modferry.yaml").write_text("boxes: {far: {address: 'local:'}}")

    assert read_inventory().names() == ["far"]
    (home / "modferry.yaml").write_text(FLEET)
    assert read_inventory().names() == ["saw3", "press", "plain"]


def test_the_practice_box_is_known_while_it_is_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = home / "lab"
    lab.mkdir()
    monkeypatch.setenv("MODFERRY_LAB", str(lab))
    (home / "modferry.yaml").write_text("boxes: {practice: {address: 'local:'}}")
    (lab / "boxes.yaml").write_text(
        "boxes:\n"
        "  practice: {address: 'serial+unix:///x', profile: practice}\n"
        "  practice-ssh: {address: 'ssh://root@127.0.0.1:2222', profile: practice}\n"
    )

    assert resolve("practice").address.scheme == "local"
    assert resolve("practice-ssh").profile.name == "practice"
    assert read_inventory().select("all").names == ["practice"]
    assert read_inventory().select("practice*").names == ["practice"]
    assert read_inventory().select("practice-ssh").names == ["practice-ssh"]
    (lab / "boxes.yaml").unlink()
    assert read_inventory().names() == ["practice"]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("box:\n  a: 1", 'unknown key "box"', 1),
        ("boxes: 3", '"boxes" takes names', 1),
        ("boxes:\n  a: ssh://x", 'the box "a" has no address', 2),
        ("boxes:\n  a:\n    profile: x", 'the box "a" has no address', 2),
        (
            "boxes:\n  a:\n    address: ssh://x\n    pasword: a",
            'unknown key "pasword"',
            4,
        ),
        ("boxes:\n  a:\n    address: ssh://x\n  a:\n    address: ssh://y", "twice", 4),
        ("boxes:\n  a:\n    address: 3", '"address" takes a text', 3),
        ("boxes:\n  a:\n    address: local:", "not YAML", 3),
        ("boxes:\n  'ssh://x': {address: ssh://x}", "is no name for a box", 2),
        ("boxes:\n  'a,b': {address: ssh://x}", "is no name for a box", 2),
        (
            "boxes: {a: {address: ssh://x,\n\n\n\npassword_env: A, password_file: b}}",
            "both given",
            5,
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    home: Path, text: str, message: str, line: int
) -> None:
    (home / "modferry.yaml").write_text(text)

    with pytest.raises(UsageError, match=message) as caught:
        read_inventory()

    assert caught.value.where == f"{home / 'modferry.yaml'}:{line}"


@pytest.mark.parametrize(
    ("line", "message"),
    [("address: http://x", "no kind of address"), ("profile: potato", "no profile")],
)
def test_a_wrong_value_is_told_with_its_line_when_the_box_is_asked_for(
    home: Path, line: str, message: str
) -> None:
    other = "address: 'local:'" if line.startswith("profile") else "profile: trixie"
    (home / "modferry.yaml").write_text(f"boxes:\n  a:\n    {other}\n    {line}\n")

    with pytest.raises(UsageError, match=message) as caught:
        resolve("a")

    assert caught.value.where == f"{home / 'modferry.yaml'}:4"


def test_a_file_that_is_no_text_is_told(home: Path) -> None:
    (home / "modferry.yaml").write_bytes(b"\xff\xfe")

    with pytest.raises(UsageError, match="not readable"):
        read_inventory()


def test_every_key_has_a_sentence() -> None:
    assert all(len(text) > 10 for text in BOX_KEYS.values())
