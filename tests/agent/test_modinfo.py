"""The .modinfo section."""

from __future__ import annotations

from modferry_agent.core import modinfo


def test_fields_are_cut_at_the_first_equals_sign():
    section = b"\0\0license=GPL\0alias=a=b\0\0\0bare\0"

    got = modinfo.fields(section)

    assert got == [("license", "GPL"), ("alias", "a=b"), ("bare", "")]


def test_values_are_those_of_exactly_that_key():
    entries = ["alias=x", "aliases=y", "alias=z", "salias=q"]

    assert modinfo.values(entries, "alias") == ["x", "z"]


def test_builtin_aliases_carry_their_module():
    section = b"ext4.license=GPL\0ext4.alias=fs-ext4\0bare\0a.b.alias=no\0"

    assert modinfo.builtin_aliases(section) == [("ext4", "fs-ext4")]
