"""Links to modules become aliases, and links again."""

from __future__ import annotations

import contextlib

from modferry_agent.jobs import indexes, linkalias, probing, treestamp
from support import fakekernel
from support.fakekernel import LEGACY, RELEASE, Box, rtai_files


def links_of(box: Box) -> dict[str, str]:
    folder = box.tree / "rtai"
    return {
        path.name: str(path.readlink())
        for path in sorted(folder.iterdir())
        if path.is_symlink()
    }


def test_every_name_leads_to_its_module_without_links(tmp_path):
    box = Box(tmp_path, rtai_files())

    reply = linkalias.alias_links(str(tmp_path), RELEASE)
    indexes.write_indexes(RELEASE, str(tmp_path))

    assert links_of(box) == {}
    assert {one["name"] for one in reply["links"]} == {f"rtai_{one}" for one in LEGACY}
    config = str(tmp_path / "etc/modprobe.d/modferry-links.conf")
    assert reply["config"] == config
    sources = probing.read_sources(box.kernel, str(box.tree), [config])
    for name in LEGACY:
        assert sources.resolve(f"rtai_{name}") == ["rtai_sched"]


def test_the_indexes_do_without_the_links_before_the_first_one_goes(tmp_path):
    box = Box(tmp_path, rtai_files())
    there = links_of(box)
    seen = []

    def publish(links: list[str]) -> None:
        done = indexes.write_indexes(RELEASE, str(tmp_path), without=links)
        config = tmp_path / "etc/modprobe.d/modferry-links.conf"
        seen.append((links_of(box), config.exists(), done["modules"]))

    linkalias.alias_links(str(tmp_path), RELEASE, publish=publish)

    assert seen == [(there, True, len(rtai_files()))]
    assert "rtai_up" not in (box.tree / "modules.dep").read_text()
    assert indexes.write_indexes(RELEASE, str(tmp_path))["changed"] == []


def test_the_links_come_back(tmp_path):
    box = Box(tmp_path, rtai_files())
    before = links_of(box)
    linkalias.alias_links(str(tmp_path), RELEASE)

    linkalias.restore_links(str(tmp_path))

    assert links_of(box) == before
    assert not (tmp_path / "etc/modprobe.d/modferry-links.conf").exists()


def test_only_the_named_ones_and_none_on_a_dry_run(tmp_path):
    box = Box(tmp_path, rtai_files())

    dry = linkalias.alias_links(str(tmp_path), RELEASE, ["rtai_up"], dry_run=True)
    assert len(links_of(box)) == len(LEGACY)
    done = linkalias.alias_links(str(tmp_path), RELEASE, ["rtai_up"])

    assert [one["name"] for one in dry["links"]] == ["rtai_up"]
    assert dry["links"] == done["links"]
    assert "rtai_up.ko" not in links_of(box)
    assert len(links_of(box)) == len(LEGACY) - 1


def test_a_run_that_was_killed_is_ended_by_the_next(tmp_path, monkeypatch):
    box = Box(tmp_path, rtai_files())
    calls = []

    def killed(path):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(path)
        real(path)

    real = linkalias.os.unlink
    monkeypatch.setattr(linkalias.os, "unlink", killed)
    with contextlib.suppress(KeyboardInterrupt):
        linkalias.alias_links(str(tmp_path), RELEASE)
    monkeypatch.undo()
    assert len(links_of(box)) == len(LEGACY) - 2

    linkalias.alias_links(str(tmp_path), RELEASE)

    assert links_of(box) == {}
    text = (tmp_path / "etc/modprobe.d/modferry-links.conf").read_text()
    assert text.count("alias ") == len(LEGACY)
    assert len(linkalias.restore_links(str(tmp_path))["links"]) == len(LEGACY)


def test_the_only_name_of_a_file_outside_of_the_tree_stays_a_link(tmp_path):
    box = Box(tmp_path, rtai_files())
    outside = tmp_path / "usr/realtime/rtai_bits.ko"
    outside.parent.mkdir(parents=True)
    outside.write_bytes(fakekernel.loadable("rtai_bits"))
    (box.tree / "rtai/rtai_old_bits.ko").symlink_to(outside)

    linkalias.alias_links(str(tmp_path), RELEASE)

    assert links_of(box) == {"rtai_old_bits.ko": str(outside)}


def test_the_stamp_of_links_to_come_is_that_of_links_there(tmp_path):
    Box(tmp_path, rtai_files())
    root = str(tmp_path)
    before = treestamp.stamp_of(indexes.read_tree(RELEASE, root))
    linkalias.alias_links(root, RELEASE)
    coming = linkalias.restore_links(root, True)["links"]

    without = indexes.read_tree(RELEASE, root)

    assert treestamp.stamp_of(without) != before
    assert treestamp.stamp_of(without, coming) == before
    linkalias.restore_links(root)
    there = indexes.read_tree(RELEASE, root)
    assert treestamp.stamp_of(there, coming) == treestamp.stamp_of(there) == before
    (tmp_path / f"lib/modules/{RELEASE}/rtai/more.ko").write_bytes(b"")
    assert treestamp.stamp_of(indexes.read_tree(RELEASE, root), coming) != before
