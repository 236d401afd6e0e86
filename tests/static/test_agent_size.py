"""The agent is sent over serial lines: its parts have budgets, compressed."""

import io
import zipfile
import zlib

import pytest

from modferry import resources
from modferry.bundle import build_agent
from modferry_agent.requests import PARTS, TABLE

# Bytes, as sent: at 115200 baud the greeting's 18,000 take 1.7 s, 40,000 take 3.7 s.
BUDGET = {
    "base": 15_150,
    "files": 9_100,
    "facts": 30_000,
    "index": 40_000,
    "load": 40_000,
    "upgrade": 40_000,
}


def compressed(octets: bytes) -> int:
    return len(zlib.compress(octets, 9))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_agent_is_within_its_budget(part):
    archive = resources.agent_parts()[part]
    size = compressed(archive)

    shares = [(compressed(content), name) for name, content in members(archive)]
    for share, name in sorted(shares, reverse=True):
        print(f"{share:7} {name}")
    print(f"{size:7} of {BUDGET[part]}: {part}")

    assert size <= BUDGET[part]


def members(archive: bytes):
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for name in opened.namelist():
            yield name, opened.read(name)


def test_the_parts_hold_each_file_once_and_each_request_in_its_own():
    held = {
        part: {name for name, _ in members(content)}
        for part, content in resources.agent_parts().items()
    }

    names = [name for part in held.values() for name in part]
    assert len(names) == len(set(names))
    for name, request in TABLE.items():
        module = request.function.split(":")[0].replace(".", "/")
        assert f"modferry_agent/{module}.py" in held[request.part], name


def test_the_archive_is_a_function_of_the_sources(root):
    source = root / "agent" / "modferry_agent"

    assert build_agent(source) == build_agent(source)
