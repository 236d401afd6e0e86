"""A run over many boxes as JUnit XML, as CI systems read it: a test case a box.

Source: the schema that Jenkins' xUnit plugin accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from modferry.core.outcomes import FleetResult, Outcome, error_of
from modferry.errors import ExitStatus
from modferry.report.document import shown


def junit(result: FleetResult, groups: Mapping[str, str]) -> bytes:
    """Return the run as XML.  groups: each box's nearest group, its class name."""
    outcomes = result.outcomes
    suite = ET.Element(
        "testsuite",
        name=f"modferry {result.command}",
        tests=str(len(outcomes)),
        failures=str(sum(map(_has_findings, outcomes))),
        errors=str(sum(error_of(each) is not None for each in outcomes)),
        skipped=str(sum(each.result is None for each in outcomes)),
        time=f"{sum(each.seconds for each in outcomes):.3f}",
    )
    for outcome in outcomes:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=shown(groups.get(outcome.name, "boxes")),
            name=shown(outcome.name),
            time=f"{outcome.seconds:.3f}",
        )
        _add_end(case, outcome)
    whole = ET.Element("testsuites")
    whole.append(suite)
    ET.indent(whole)
    octets: bytes = ET.tostring(whole, encoding="utf-8", xml_declaration=True)
    return octets


def _has_findings(outcome: Outcome) -> bool:
    return outcome.result is not None and outcome.result.status == ExitStatus.NO


def _add_end(case: ET.Element, outcome: Outcome) -> None:
    error = error_of(outcome)
    if outcome.result is None:
        ET.SubElement(case, "skipped", message=outcome.word)
    elif error is not None:
        end = ET.SubElement(
            case, "error", message=shown(error.message), type=type(error).__name__
        )
        end.text = shown(error.report())
    elif _has_findings(outcome):
        findings = outcome.result.value.get("findings") or ()
        texts = [f"{each['code']}: {each['why']}" for each in findings]
        end = ET.SubElement(
            case, "failure", message=f"{len(texts)} findings", type="findings"
        )
        end.text = shown("\n".join(texts))
