"""The corpus: what kernels really logged, and what it must be taken to mean."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from modferry_agent.core import causes, klog
from modferry_agent.jobs import diagnose
from support import fakekernel

CORPUS = Path(__file__).resolve().parent.parent / "corpus"


def loads() -> list[object]:
    return [
        pytest.param(case, id=f"{path.stem}, {case['kernel']}")
        for path in sorted((CORPUS / "klog").glob("*.yaml"))
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["loads"]
    ]


def parsed(text: str) -> dict:
    record = klog.parse_record(text) if text[:1].isdigit() else None
    return record or klog.parse_ring(text)[0]


@pytest.mark.parametrize("case", loads())
def test_an_errno_and_the_kernels_lines_have_one_meaning(case: dict):
    records = [parsed(text) for text in case["records"]]
    klog.mark_own(records, [case.get("module", "dummy")])
    texts = [record["text"] for record in records]

    got = causes.explain_insert(case["error"], texts)

    assert got["code"] == case["code"]
    assert got["meaning"]
    if "symbols" in case:
        assert got["symbols"] == case["symbols"]


@pytest.mark.parametrize(
    "path", sorted((CORPUS / "diagnose").glob("*.yaml")), ids=lambda path: path.stem
)
def test_a_box_has_these_findings(path: Path, tmp_path: Path):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    files = {
        place: fakekernel.loadable(Path(place).stem, **traits)
        for place, traits in case["modules"].items()
    }
    box = fakekernel.Box(tmp_path, files, indexes_by=case["request"]["indexes_by"])

    got = diagnose.diagnose_module(
        case["request"]["module"],
        basedir=str(tmp_path),
        kernel=box.kernel,
        texts=case["log"],
    )

    keys = ("code", "symbol", "owner")
    found = [{key: one[key] for key in keys} for one in got["findings"]]
    assert {"loadable": got["loadable"], "findings": found} == case["reply"]
