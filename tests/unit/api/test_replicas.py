"""Shares of outputs by seconds held, from findings made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earwitness.api.findings import Finding, FindingSegment
from earwitness.api.overlap.replica_shares import Replicas, replicas_sentences
from earwitness.index.match import Effort, Verdict
from tests.unit.api.made_findings import finding, match


def holding(*seconds: float, verdict: Verdict = Verdict.MATCH) -> Finding:
    """An output that holds so many seconds of as many recordings."""
    matches = [
        match(
            recording=replace(match().recording, id=f"{number:064x}", path=f"{number}.mp3"),
            e_value=1e-9 if verdict is Verdict.MATCH else 1e-3,
            segments=(
                FindingSegment(
                    query_start_s=2.0, query_end_s=2.0 + each, reference_start_s=0.0, reference_end_s=each
                ),
            ),
        )
        for number, each in enumerate(seconds)
    ]
    return finding(verdict, matches=tuple(matches))


def replicas(*findings: Finding) -> Replicas:
    """The summary of some findings."""
    made = Replicas(name="outputs")
    for each in findings:
        made.take(each)
        made.tally.count(each)
    return made


def test_an_output_counts_by_the_most_it_holds_of_one_recording() -> None:
    """Seconds of two recordings do not add up; longer lengths have no larger shares."""
    made = replicas(holding(4.0, 4.5), holding(12.0), finding(Verdict.NO_MATCH), finding(Verdict.NO_MATCH))
    parts = [made.share(each).part for each in (3.0, 4.5, 5.0, 10.0, 15.0)]
    assert parts == [2, 2, 1, 1, 0]
    share = made.share(3.0)
    assert [share.fraction, share.low, share.high] == pytest.approx([0.5, 0.15, 0.85], abs=5e-3)


def test_what_asserts_nothing_is_listed_and_not_counted() -> None:
    """A possible match is a pair to listen to; shared material is neither."""
    made = replicas(holding(9.0, verdict=Verdict.POSSIBLE), finding(Verdict.SHARED_MATERIAL))
    assert (made.share(3.0).part, made.n_compared) == (0, 2)
    assert [pair.verdict for pair in made.pairs] == ["possible"]
    text = " ".join(replicas_sentences(made, effort=Effort.FAST))
    assert "1 output more may match" in text and "1 output only hold" in text
    assert made.exit_code(strict=False, seconds=[3.0]) == 0


def test_outputs_that_were_not_compared_are_no_part_of_a_share() -> None:
    """Unreadable and too short outputs are counted apart, and the exit status says so."""
    unread = replicas(finding(Verdict.NOT_READABLE), finding(Verdict.TOO_SHORT_OR_SILENT))
    assert (unread.n_compared, unread.exit_code(strict=False, seconds=[3.0])) == (0, 3)
    both = replicas(finding(Verdict.NOT_READABLE), holding(4.0))
    statuses = [both.exit_code(strict=strict, seconds=[3.0]) for strict in (False, True)]
    assert (statuses, both.exit_code(strict=False, seconds=[5.0])) == ([1, 3], 3)


def test_the_json_has_a_share_for_each_length() -> None:
    """Each length has its count, fraction and interval, and the false ones to expect stand beside."""
    answer = replicas(holding(6.0), finding(Verdict.NO_MATCH)).to_json([3.0, 10.0])
    assert [(each["seconds"], each["part"], each["of"]) for each in answer["shares"]] == [
        (3, 1, 2),
        (10, 0, 2),
    ]
    assert answer["expected_false_matches"] == pytest.approx(2e-4)
