"""The options of modprobe and lsmod that kmod has not."""

from __future__ import annotations

from pathlib import Path

import pytest

from modferry_agent.tools import modprobe
from support import twotools
from support.twotools import Case


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return twotools.make_template(tmp_path_factory.mktemp("tools"))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return twotools.shim(tmp_path_factory.mktemp("kernel"))


SOFTDEPS = {"m.conf": "softdep b pre: d\nsoftdep b pre: e\n"}
INSTALL = {"m.conf": "install b echo instead\nsoftdep b pre: d\n"}
BLACKLIST = {"m.conf": "blacklist a\n"}


@pytest.mark.parametrize(
    ("case", "inserted", "status"),
    [
        (Case("modprobe --all-softdeps b", conf=SOFTDEPS), ["a", "d", "e", "b"], 0),
        (Case("modprobe b", conf=SOFTDEPS), ["a", "d", "b"], 0),
        (Case("modprobe --install-beside-softdeps b", conf=INSTALL), ["a", "d"], 0),
        (Case("modprobe --blacklist-dependencies c", conf=BLACKLIST), [], 1),
        (Case("modprobe --blacklist-dependencies d", conf=BLACKLIST), ["d"], 0),
        (Case("modprobe --allow=@/list c", files={"list": "b\nc # c\n"}), [], 1),
        (Case("modprobe --allow=@/list b", files={"list": "b\na\n"}), ["a", "b"], 0),
        (Case("modprobe --allow=@/nothere b"), [], 1),
    ],
    ids=str,
)
def test_an_option_mends_what_users_complain_of(
    case: Case, inserted: list, status: int, template: Path, kernel: Path, tmp_path
):
    root = twotools.make_root(template, tmp_path / "root", case)

    got = twotools.run_ours(case, root, kernel)

    names = [Path(line.split()[1]).stem for line in got.calls.splitlines()]
    assert (names, got.status) == (inserted, status)


def test_lsmod_shows_what_was_there_when_it_looked(
    template: Path, kernel: Path, tmp_path: Path
):
    case = Case(
        "lsmod --from-proc",
        files={"proc/modules": "gone 4096 1 x,y, Live 0x0\n"},
    )
    root = twotools.make_root(template, tmp_path / "root", case)

    got = twotools.run_ours(case, root, kernel)

    assert got.output.splitlines()[1:] == ["gone                    4096  1 x,y"]
    assert got.errors == ""


@pytest.mark.parametrize("path", ["rtai/rtai_ksched.ko", "rtai/rtai_sched.ko"])
def test_a_module_under_a_links_name_is_known_to_be_loaded(
    path: str, template: Path, kernel: Path, tmp_path: Path
):
    name = Path(path).stem
    case = Case(f"modprobe -v {name}", loaded={"rtai_sched": []})
    root = twotools.make_root(template, tmp_path / "root", case)

    loaded = twotools.run_ours(case, root, kernel)
    removed = twotools.run_ours(Case(f"modprobe -r {name}"), root, kernel)

    assert (loaded.output, loaded.calls) == ("", "")
    assert removed.calls == "delete_module rtai_sched 04000\n"


@pytest.mark.parametrize(
    ("words", "advice"), [([], "depmod"), (["-S", "9.9-other"], "depmod 9.9-other")]
)
def test_a_missing_index_advises_the_depmod_that_writes_it(
    tmp_path, capsysbinary, words, advice
):
    words = ["modprobe", "-d", str(tmp_path), "-C", "/dev/null", *words, "rtai_hal"]

    assert modprobe.main(words) == 1

    assert f"  next   {advice}\n" in capsysbinary.readouterr().err.decode()
