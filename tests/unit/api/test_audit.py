"""A scan that counts more possible matches than its E-values allow states no match on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from earwitness.api.cli.commands.check import exit_code
from earwitness.api.cli.commands.scan import tally_json, verdicts_of
from earwitness.api.finding_json import from_json, schema, to_json
from earwitness.api.findings import Finding, FindingItem, graded, supported
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.scan.audit import LEAST_OBSERVED, Audit, audited
from earwitness.api.scan.duplicates import Link, best_of_others, same_files
from earwitness.api.scan.outputs import excluded
from earwitness.api.scan.tally import Tally, graded_all, match_keys
from earwitness.api.sentences import sentence, summary
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, match
from tests.unit.api.test_evidence import page_of

BY_DEFAULT = verdicts_of("")


@pytest.mark.parametrize(
    ("n_searched", "n_certain", "n_observed", "holds"),
    [
        (2_007, 0, 24, True),  # absent music of packages never seen: as claimed
        (5_386, 1, 47, True),
        (235, 0, 7, True),  # three times as many as claimed, but too few to tell
        (235, 0, 13, False),
        (240, 7, 95, False),  # made pieces with one soundfont
        (240, 6, 108, False),  # one synthesiser
        (239, 4, 18, False),  # human voices
        (128, 65, 60, False),  # synthetic voices
        (305, 229, 29, True),  # copies, many of them disturbed
        (300, 102, 48, False),  # copies of whose audio only the drums are left
        (60_000, 0, 1_100, True),
        (60_000, 0, 1_300, False),
        (10, 0, LEAST_OBSERVED - 1, True),
        (10, 0, LEAST_OBSERVED, False),
    ],
)
def test_e_values_hold_up_to_twice_what_they_claim(
    n_searched: int, n_certain: int, n_observed: int, *, holds: bool
) -> None:
    """Up to twice as many possible matches as expected are in order; far more are not."""
    audit = Audit(n_searched=n_searched, n_certain=n_certain, n_observed=n_observed)
    assert audit.claims_supported == holds


@given(n_searched=st.integers(1, 10**6), n_certain=st.integers(0, 10**4))
def test_chance_alone_fails_one_scan_in_a_thousand(n_searched: int, n_certain: int) -> None:
    """Where E-values hold, the probability that the audit fails is below 1e-3."""
    counted = Audit(n_searched=n_searched, n_certain=n_certain)
    mean = counted.expected_by_chance + counted.expected_disturbed
    low, high = 0, int(10 * mean) + 50
    while low < high:  # the smallest number that fails
        middle = (low + high) // 2
        if replace(counted, n_observed=middle).claims_supported:
            low = middle + 1
        else:
            high = middle
    assert poisson.sf(low - 1, mean) < 1e-3


def scanned(n_possible: int, *, n_items: int = 100, matching: Sequence[Finding] = ()) -> list[Finding]:
    """The findings of a scan, graded as its end does it."""
    made = [
        *matching,
        *(finding(Verdict.POSSIBLE, item=f"possible-{number}") for number in range(n_possible)),
        *(finding(Verdict.NO_MATCH, item=f"absent-{number}") for number in range(n_items - n_possible)),
    ]
    holds = audited(made).claims_supported
    return list(graded_all(made, n_items=len(made), claims_supported=holds))


def tally_of(made: Sequence[Finding]) -> Tally:
    """The counts of a scan."""
    tally = Tally()
    for each in made:
        tally.count(each)
    return tally


BY_SOUND = finding(item="by sound", matches=(match(e_value=1e-30),))
EXACT = finding(item="exact", matches=(match(kind="exact"),))
SAME_BYTES = finding(item="same bytes", matches=(match(recording=replace(match().recording, id="cd" * 32)),))


@pytest.mark.parametrize(("n_possible", "holds"), [(1, True), (20, False)])
def test_a_failed_audit_takes_claims_back_everywhere(n_possible: int, *, holds: bool) -> None:
    """Verdict, exit status, exclude list, works and words follow the audit alike."""
    made = scanned(n_possible, matching=[BY_SOUND])
    tally, named = tally_of(made), next(each for each in made if each.item.id == "by sound")
    assert (named.verdict, named.claims_supported) == (Verdict.MATCH if holds else Verdict.POSSIBLE, holds)
    assert tally.exit_code(strict=False) == int(holds)
    assert list(excluded(made, BY_DEFAULT)) == (["by sound"] if holds else [])
    assert bool(tally.works) == bool(match_keys(named)) == holds
    assert (" is in " in sentence(named)) == holds
    assert ("E-values are too small" in sentence(named)) != holds
    text, counts = summary(tally), tally_json(tally)
    assert text.startswith("WARNING") != holds
    assert ("would be expected" in text) == holds
    assert counts["claims_supported"] is holds
    assert (counts["expected_false_matches"] is not None) == holds
    assert (counts["expected_possible"] is not None) == holds
    assert counts["audit"]["observed"] == n_possible


def test_copies_of_whole_files_do_not_rest_on_e_values() -> None:
    """The same bytes, and the same file by Chromaprint, stay matches where E-values do not hold."""
    made = scanned(20, matching=[BY_SOUND, EXACT, SAME_BYTES])
    assert list(excluded(made, BY_DEFAULT)) == ["exact", "same bytes"]
    assert tally_of(made).exit_code(strict=False) == 1
    assert exit_code([each for each in made if each.item.id == "by sound"], strict=False) == 0


@pytest.mark.parametrize("made", [BY_SOUND, EXACT, finding(Verdict.NO_MATCH)], ids=lambda each: each.item.id)
def test_a_finding_states_that_its_claims_are_not_supported(made: Finding) -> None:
    """Whoever reads one line of findings reads why its small E-value is no match."""
    unsupported = graded(made, n_items=10, claims_supported=False)
    fields = json.loads(json.dumps(to_json(unsupported)))
    jsonschema.validate(fields, schema())
    assert fields["claims_supported"] is False
    assert "claims_supported" not in to_json(supported(made, claims_supported=True))
    again = from_json(fields)
    assert (again.claims_supported, again.verdict) == (False, unsupported.verdict)
    assert len(again.certain) == len(unsupported.certain)


def test_the_report_states_no_numbers_that_do_not_hold(tmp_path: Path) -> None:
    """The page warns, and says that the number of false matches is not known."""
    warned, plain = page_of(scanned(20, matching=[BY_SOUND]), tmp_path), page_of(scanned(0), tmp_path)
    assert "WARNING" in warned
    assert "not known" in warned
    assert "WARNING" not in plain
    assert "not known" not in plain


def test_an_item_is_not_audited_by_its_own_copy() -> None:
    """Where items are compared with each other, an item's match with itself says nothing of chance."""
    item = FindingItem(id="a", path="a", sha256="aa" * 32, duration_s=9.0)

    def best(path: str, sha256: str) -> float:
        itself = match(recording=replace(match().recording, id="aa" * 32, path="a"))
        other = match(recording=replace(match().recording, id=sha256, path=path), e_value=3e-3)
        made = replace(finding(matches=(itself, other)), item=item)
        return best_of_others(ItemResult(item=item, finding=made))

    assert best("b", "bb" * 32) == 3e-3
    assert best("b", "aa" * 32) == float("inf")
    assert best("a", "bb" * 32) == float("inf")


def test_duplicates_by_e_values_alone_are_kept_where_those_do_not_hold() -> None:
    """Of many links only those that more than an E-value shows are left."""
    links = {("a", "b"): Link(e_value=1e-30), ("a", "c"): Link(e_value=1e-9, same_file=True)}
    assert list(same_files(links)) == [("a", "c")]
