"""What our trie holds is found again: by our reader, and by kmod's."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modferry_agent.compat import native
from modferry_agent.core import highbytes, trie
from support import rootfs
from support.kmods import Depmod

SLOW = [HealthCheck.function_scoped_fixture]

ANY_BYTES = st.binary(max_size=24).map(
    lambda octets: native(octets.replace(b"\0", b""))
)
LINE_BYTES = ANY_BYTES.map(lambda text: text.replace("\n", ""))
NAMES = st.text("abc_019", min_size=1, max_size=6)
# What a lookup takes as it stands: no wildcards, no dash, no byte that a line ends at.
PLAIN = st.text("abz_:.,=09+ {}~", min_size=1, max_size=12).filter(
    lambda text: not text.startswith(".")
)


def pairs(keys: st.SearchStrategy[str], values: st.SearchStrategy[str]):
    return st.lists(st.tuples(keys, values, st.integers(0, 70000)), max_size=30)


@settings(max_examples=300, deadline=None)
@given(pairs(ANY_BYTES, ANY_BYTES), st.sampled_from(["pre", "post"]))
def test_the_trie_decodes_to_what_was_put_in(given_pairs, order):
    octets = trie.encode(trie.build(given_pairs), order)

    index = trie.Index(octets)

    got = [(key, priority, value) for key, priority, value in index.items()]
    assert sorted(got) == sorted(
        (key, priority, value) for key, value, priority in given_pairs
    )
    for key, _value, _priority in given_pairs:
        mine = [(each[2], each[1]) for each in given_pairs if each[0] == key]
        assert sorted(index.lookup(key)) == sorted(value for _, value in mine)


def asked(
    depmod: Depmod, aliases: bytes, *words: str
) -> subprocess.CompletedProcess[bytes]:
    """Return what kmod's modprobe says of a tree with that modules.alias.bin."""
    root = Path(tempfile.mkdtemp())
    try:
        tree = rootfs.make_tree(root, {})
        (tree / "modules.alias.bin").write_bytes(aliases)
        for name in ("dep", "symbols", "builtin", "builtin.alias"):
            (tree / f"modules.{name}.bin").write_bytes(trie.encode(trie.build([])))
        return depmod.asked_of(root, *words)
    finally:
        shutil.rmtree(root)


def encoded(given_pairs: Sequence[tuple[str, str, int]], depmod: Depmod) -> bytes:
    order = "pre" if depmod.release >= 34 else "post"
    return trie.encode(trie.build(given_pairs), order)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(given_pairs=pairs(LINE_BYTES, NAMES))
def test_kmod_dumps_every_key(given_pairs, depmod: Depmod):
    harmful = highbytes.harmful_keys([key for key, _value, _priority in given_pairs])
    given_pairs = [pair for pair in given_pairs if pair[0] not in harmful]

    ran = asked(depmod, encoded(given_pairs, depmod), "-c")

    assert ran.returncode == 0
    dumped = ran.stdout.split(b"Dumping indexes now:\n\n")[1].decode("latin-1")
    expected = [f"alias {key} {value}" for key, value, _priority in given_pairs]
    assert sorted(dumped.split("\n")[:-1]) == sorted(expected)


@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(
    given_pairs=st.lists(
        st.tuples(PLAIN, NAMES, st.integers(0, 70000)), min_size=1, max_size=12
    )
)
def test_kmod_finds_every_key(given_pairs, depmod: Depmod):
    octets = encoded(given_pairs, depmod)

    for key in {key for key, _value, _priority in given_pairs}:
        ran = asked(depmod, octets, "-R", "--", key)

        values = [value for each, value, _ in given_pairs if each == key]
        assert sorted(ran.stdout.decode().split()) == sorted(values)
        assert trie.Index(octets).match(key) == ran.stdout.decode().split()
