"""Where files of a name are in a module tree."""

from __future__ import annotations

from modferry_agent.jobs.find import find_files


def test_files_are_found_through_linked_directories_and_loops_end(tmp_path):
    tree = tmp_path / "tree"
    elsewhere = tmp_path / "elsewhere"
    (tree / "kernel").mkdir(parents=True)
    elsewhere.mkdir()
    (tree / "kernel" / "a.ko").write_text("")
    (elsewhere / "b.ko").write_text("")
    (tree / "rtai").symlink_to(elsewhere)
    (tree / "kernel" / "loop").symlink_to(tree)
    (tree / "link.ko").symlink_to("kernel/a.ko")

    got = find_files(["a.ko", "b.ko", "link.ko", "none.ko"], str(tree))

    assert got["tree"] == str(tree)
    assert got["found"]["b.ko"] == ["rtai/b.ko"]
    assert "kernel/a.ko" in got["found"]["a.ko"]
    assert set(got["found"]) == {"a.ko", "b.ko"}


def test_no_tree_has_no_files(tmp_path):
    assert find_files(["a.ko"], str(tmp_path / "none"))["found"] == {}
