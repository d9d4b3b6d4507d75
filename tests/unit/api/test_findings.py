"""Findings and their JSON lines."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given

from earwitness.api.finding_json import from_json, schema, to_json, to_line
from earwitness.api.findings import Finding, graded, threshold
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, findings

VALIDATOR = jsonschema.Draft202012Validator(schema())


@given(made=findings())
def test_every_finding_is_of_the_shipped_schema(made: Finding) -> None:
    """The line of any finding is valid under the schema of the package."""
    VALIDATOR.validate(json.loads(to_line(made)))


@given(made=findings())
def test_a_parsed_line_is_the_same_finding(made: Finding) -> None:
    """Writing rounds once: a finding that was read writes the same line again."""
    line = to_line(made)
    assert to_line(from_json(json.loads(line))) == line


def test_the_line_looks_as_specified() -> None:
    """Keys, their order and the rounding are those that were promised."""
    fields = to_json(finding())
    assert list(fields) == ["schema", "item", "verdict", "error", "search", "matches"]
    (match,) = fields["matches"]
    assert list(match) == [
        "collection", "version", "recording", "class", "e_value", "e_extrapolated", "e_checked_to",
        "similarity", "query_coverage", "reference_coverage", "speed", "pitch_cents", "tempo", "segments",
    ]  # fmt: skip
    rounded = (match["e_value"], match["similarity"], match["reference_coverage"], match["pitch_cents"])
    assert rounded == (1.3e-9, 0.83, 0.03, 0)


def test_earlier_findings_without_a_power_are_read() -> None:
    """A finding of no match that an earlier version wrote is valid, and nothing is added to it."""
    fields = to_json(finding(Verdict.NO_MATCH))
    assert fields["power"]["rows"][1] == {"condition": "speech_0", "found": 37, "possible": 2, "of": 40}
    del fields["power"]
    VALIDATOR.validate(fields)
    assert to_json(from_json(fields)) == fields


def test_an_unread_item_never_reads_as_no_match() -> None:
    """The schema itself refuses "no match" beside an error."""
    fields = to_json(finding(Verdict.NOT_READABLE)) | {"verdict": "no_match"}
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(fields)


@pytest.mark.parametrize(("n_items", "expected"), [(10, Verdict.MATCH), (10**9, Verdict.POSSIBLE)])
def test_a_scan_needs_a_lower_e_value(n_items: int, expected: Verdict) -> None:
    """E times the items of the scan may be a tenth at most, else the match is only possible."""
    assert graded(finding(), n_items=n_items).verdict is expected


def test_thresholds_promise_at_most_a_tenth_of_a_false_match() -> None:
    """However many items a scan has, it expects at most 0.1 false matches."""
    assert all(n * threshold(n) <= 0.1 + 1e-12 for n in (1, 10, 1_000, 10_000, 10**7))
