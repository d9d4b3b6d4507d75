"""Material that several different recordings contain: listed, but asserted nowhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from earwitness.api.cli.commands.check import exit_code
from earwitness.api.cli.commands.scan import tally_json, verdicts_of
from earwitness.api.cli.match_tables import number_of, rows_of
from earwitness.api.finding_json import SCHEMA_1, from_json, read_lines, schema, to_json
from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.scan.audit import audited
from earwitness.api.scan.duplicates import Links, add_links, shared_pairs
from earwitness.api.scan.outputs import excluded
from earwitness.api.scan.tally import Tally, match_keys
from earwitness.api.sentences import counts_sentence, sentence, summary
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, findings, match

SHARED = finding(Verdict.SHARED_MATERIAL)
ASSERTIONS = (" is in ", " may be in ", "contains", "may contain", "same recording", "Part of this")
VALIDATOR = jsonschema.Draft202012Validator(schema())
ORDER = [Verdict.SHARED_MATERIAL, Verdict.POSSIBLE, Verdict.MATCH]


def beside(own: FindingMatch) -> Finding:
    """A finding of one match beside those of shared material."""
    verdict = Verdict.MATCH if own.e_value <= 1e-4 else Verdict.POSSIBLE
    return finding(verdict, matches=(own, *SHARED.matches))


def of_version_1(made: Finding) -> dict[str, Any]:
    """The JSON of a finding as earlier versions wrote it."""
    fields = to_json(made) | {"schema": SCHEMA_1}
    fields.pop("claims_supported", None)
    for each in fields["matches"]:
        each.pop("e_checked_to")
    return fields


def test_words_about_shared_material_assert_no_copy() -> None:
    """Sentence and table say that material is shared, and nothing of a match."""
    assert not [words for words in ASSERTIONS if words in sentence(SHARED)]
    assert "share" in sentence(SHARED)
    rows = list(rows_of(SHARED))
    assert {row.cells[0] for row in rows} == {"shared"}
    assert "4 of them of shared material" in number_of(rows, hidden=0)


@pytest.mark.parametrize(("exit_on", "expected"), [("match", 0), ("possible", 0), ("shared_material", 1)])
def test_shared_material_ends_with_1_only_on_request(exit_on: str, expected: int) -> None:
    """Neither a check nor a scan ends with 1 for shared material, unless its user wants that."""
    tally = Tally()
    tally.count(SHARED)
    assert tally.exit_code(strict=False, exit_on=exit_on) == expected
    assert exit_code([SHARED], strict=False, exit_on=exit_on) == expected


def test_shared_material_is_excluded_only_on_request() -> None:
    """The exclude list and the clean manifest leave such items in by default."""
    assert list(excluded([SHARED], verdicts_of(""))) == []
    assert list(excluded([SHARED], verdicts_of("possible"))) == []
    assert list(excluded([SHARED], verdicts_of("shared_material"))) == [SHARED.item.id]


def test_shared_material_counts_apart() -> None:
    """It is no match of a work, no key of a difference, and has a number of its own in every summary."""
    tally = Tally()
    tally.count(SHARED)
    assert (tally.works, match_keys(SHARED)) == ({}, {})
    counts = tally_json(tally)
    assert counts["verdicts"] == {"shared_material": 1}
    assert (counts["new_matches"], counts["new_possible"], counts["new_shared_material"]) == (0, 0, 1)
    assert "None matched. 1 item only shares material" in summary(tally)
    assert "1 shared material" in counts_sentence([SHARED], audited([SHARED]))
    assert audited([SHARED]).n_certain == 0


def test_shared_material_makes_no_copy() -> None:
    """Two items of a dataset that share material are no copies, but are counted as a pair."""
    result = ItemResult(item=SHARED.item, finding=SHARED)
    links: Links = {}
    add_links(links, result)
    assert links == {}
    assert shared_pairs(result) == {(SHARED.item.id, "song.mp3")}


@pytest.mark.parametrize(("e_value", "named"), [(1e-9, " is in own"), (1e-3, " may be in own")])
def test_a_sentence_names_the_match_beside_shared_material(e_value: float, named: str) -> None:
    """Shared material of a smaller E-value is never named as the match; it is counted apart."""
    made = beside(match(collection="own", e_value=e_value))
    assert named in sentence(made)
    assert "4 places with shared material besides" in sentence(made)
    assert "more place" not in sentence(made)
    assert made.best_e_value == e_value
    assert len(match_keys(made)) == (made.verdict is Verdict.MATCH)


@pytest.mark.parametrize("verdict", [Verdict.MATCH, Verdict.POSSIBLE, Verdict.NO_MATCH])
def test_the_schema_refuses_a_verdict_that_rests_on_shared_material(verdict: Verdict) -> None:
    """Only the verdict of its own goes with nothing but shared material."""
    VALIDATOR.validate(to_json(SHARED))
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(to_json(replace(SHARED, verdict=verdict)))


@given(made=findings())
def test_earlier_findings_are_read_without_raising_a_verdict(made: Finding) -> None:
    """A finding of the earlier schema has today's verdict, which never claims more than it did."""
    for stored in (Verdict.POSSIBLE, Verdict.MATCH) if made.matches else (made.verdict,):
        now = from_json(of_version_1(made) | {"verdict": str(stored)})
        VALIDATOR.validate(to_json(now))
        if not made.matches:
            assert now.verdict is stored
            continue
        assert ORDER.index(now.verdict) <= ORDER.index(stored)
        assert (now.verdict is Verdict.SHARED_MATERIAL) == all(each.is_shared for each in made.matches)
        if any(not each.is_shared and each.e_value <= 9e-5 for each in made.matches):
            assert now.verdict is stored


def test_an_earlier_match_of_shared_material_is_one_no_more(tmp_path: Path) -> None:
    """A file that an earlier version wrote is read line by line, and its shared material asserts nothing."""
    was_match = of_version_1(replace(SHARED, verdict=Verdict.MATCH))
    mixed = of_version_1(beside(match()))
    mixed["matches"].reverse()  # the smallest E-value was first, whatever its class
    path = tmp_path / "earlier.jsonl"
    path.write_text(f"{json.dumps(was_match)}\n{json.dumps(mixed)}\n")
    jsonschema.validate(was_match, schema("finding-1"))
    one, other = read_lines(path)
    assert one.verdict is Verdict.SHARED_MATERIAL
    assert (other.verdict, other.matches[0].is_shared) == (Verdict.MATCH, False)
