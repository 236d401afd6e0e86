"""A real Ansible and modferry read the same inventory: the same boxes, the same values.

Ansible is run as a program.  Nothing of it is imported.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from modferry.errors import UsageError
from modferry.fleet.inventory import read_inventory

HERE = Path(__file__).resolve().parent
INVENTORY = HERE / "inventory.yaml"

# Ansible's documentation, "Patterns: targeting hosts and groups", and beyond it.
PATTERNS = [
    "all", "*", "cobweb", "webservers", "webservers:dbservers", "webservers,dbservers",
    "webservers:&staging", "dbservers:&east", "staging:!prod", "all:!test",
    "webservers:dbservers:&staging:!two.example.com", "!webservers", "&dbservers",
    "one.example.com:webservers", "*.example.com", "*.example.com:dbservers",
    "www*", "~www0[1-3]", "~(web|db).*\\.example\\.com", "~^o", "~east|west",
    "webservers[0]", "webservers[-1]", "webservers[0:1]", "webservers[1:]",
    "webservers[0-1]", "webservers[2:9]",
    "numbered[2:40]", "numbered[-3]",
    "db-[abc].example.com", "www[0]1.example.com", "ungrouped", "empty", "test*",
    "staging", "t1,t2,!t1", "t?", "single", "192.0.2.17", "2001:db8::7",
    "192.0.2.*", "east:west:!east", "prod:&west", "nobody", "webservers:nobody",
    "webservers:!nobody", "all:!all", "odd*:!odd3:!odd[5]", "odd[79]", "*[1]*",
    " webservers , !cobweb ", "member.example.com:cobweb", "a_group[1]:b_group",
    "~t\\d", "rack?-slot[!a]", "port1.example.com", "zero*", "t1:?2", "staging:",
    "*,!2001:db8::7,!t1", "!face:bad:t1", "&face:bad:fade", "~web[^]]+,t1",
]  # fmt: skip

LIMITS = ["webservers", "all:!webservers", "*.example.com", "cobweb,t1", "&east", "!t1"]


def ansible(program: str, *arguments: str, home: Path) -> str:
    path = Path(sys.executable).parent / program
    if not path.exists():
        pytest.skip(f"no {program}: pip install ansible-core")
    done = subprocess.run(
        [path, "-i", INVENTORY, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
        env={
            "PATH": f"{path.parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "LC_ALL": "C.UTF-8",
        },
    )
    return done.stdout


def chosen(home: Path, patterns: list[str], *more: str) -> list[list[str]]:
    plays = [
        {"hosts": pattern, "gather_facts": False, "tasks": []} for pattern in patterns
    ]
    book = home / "book.yaml"
    book.write_text(yaml.safe_dump(plays))
    out = ansible("ansible-playbook", str(book), "--list-hosts", *more, home=home)
    blocks = re.split(r"^  play #\d+ .*$", out, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(patterns)
    return [
        [line.strip() for line in block.partition("hosts (")[2].splitlines()[1:]
         if line.strip()]
        for block in blocks
    ]  # fmt: skip


def ours(pattern: str, limit: str = "") -> list[str]:
    try:
        return read_inventory([INVENTORY]).select(pattern, limit).names
    except UsageError:
        return []


def test_the_same_patterns_select_the_same_boxes(home: Path) -> None:
    expected = chosen(home, PATTERNS)

    got = [ours(pattern) for pattern in PATTERNS]

    for pattern, theirs, mine in zip(PATTERNS, expected, got, strict=True):
        assert sorted(mine) == sorted(theirs), pattern
    assert sum(map(len, expected)) > 300


@pytest.mark.parametrize("limit", LIMITS)
def test_limits_select_the_same_boxes(home: Path, limit: str) -> None:
    patterns = ["all", "webservers", "dbservers:&east", "templated"]

    expected = chosen(home, patterns, "--limit", limit)

    assert [sorted(ours(p, limit)) for p in patterns] == [*map(sorted, expected)]


def test_a_retry_file_limits_to_the_same_boxes(home: Path) -> None:
    retry = home / "again.retry"
    retry.write_text("cobweb\none.example.com\n\n")

    expected = chosen(home, ["all"], "--limit", f"@{retry}")

    assert [sorted(ours("all", f"@{retry}"))] == [*map(sorted, expected)]
    assert sorted(ours(f"@{retry}")) == sorted(expected[0])


def test_groups_and_variables_are_the_same(home: Path) -> None:
    listed = json.loads(ansible("ansible-inventory", "--list", home=home))
    theirs = listed["_meta"]["hostvars"]
    groups = read_inventory([INVENTORY]).groups

    mine = {name: groups.variables_of(name) for name in groups.boxes}

    plain = {
        name: {key: variable.value for key, variable in variables.items()
               if key != "ansible_group_priority"}
        for name, variables in mine.items()
    }  # fmt: skip
    assert {name: found for name, found in plain.items() if found} == theirs
    for name, group in listed.items():
        if name not in ("_meta", "all"):
            assert sorted(group.get("hosts", [])) == sorted(
                groups.by_name[name].boxes
            ), name


@pytest.mark.parametrize(
    ("box", "address", "user"),
    [
        ("t1", "10.9.1.41", "operator"),
        ("weber", "10.1.1.1:3100", "operator"),
        ("member.example.com", "member.example.com", "from-a"),
    ],
)
def test_a_template_is_filled_as_ansible_fills_it(
    home: Path, box: str, address: str, user: str
) -> None:
    message = (
        "{{ ansible_host|default(inventory_hostname) }}"
        "{{ ':%s' % ansible_port if ansible_port is defined else '' }}"
        " {{ ansible_user }}"
    )
    asked = ["-m", "debug", "-a", json.dumps({"msg": message})]
    assert f'"{address} {user}"' in ansible("ansible", box, *asked, home=home)

    found = read_inventory([INVENTORY]).resolve(box)

    assert (found.address.place, found.user) == (address, user)


@pytest.mark.parametrize("pattern", ["webservers,t1,cobweb", "*.example.com"])
def test_the_order_is_that_of_the_file(home: Path, pattern: str) -> None:
    lines = ansible("ansible", pattern, "--list-hosts", home=home).splitlines()[1:]

    assert ours(pattern) == [line.strip() for line in lines]


def test_ansible_is_there_to_be_asked() -> None:
    assert shutil.which("ansible", path=str(Path(sys.executable).parent))
