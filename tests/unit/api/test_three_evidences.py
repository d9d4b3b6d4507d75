"""Sound, file and name side by side: all eight combinations, none of which changes another."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import jsonschema
import pytest

from earwitness.api.finding_json import from_json, schema, to_json, to_line
from earwitness.api.findings import graded
from earwitness.api.scan.tally import Tally
from earwitness.api.sentences import sentence, sound_sentence, summary
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding
from tests.unit.api.test_by_name import BY_ID, BY_NAME
from tests.unit.api.test_same_file_findings import LISTED, absent

BY_FILE_WORDS = "The same file is listed in FSD50K (1 of 51,197 files)."
BY_NAME_WORDS = (
    "By name: AudioCaps has 1 entry with the same YouTube identifier;"
    " DISCO has 2 entries with this artist and title (3.0e-07 expected by chance)."
)
COMBINATIONS = list(itertools.product([False, True], repeat=3))


@pytest.mark.parametrize(("by_sound", "by_file", "by_name"), COMBINATIONS)
def test_evidences_stand_side_by_side(by_sound: bool, by_file: bool, by_name: bool) -> None:
    """Each evidence is said in its own words, and written in its own place, whatever the others say."""
    plain = finding() if by_sound else absent()
    whole = replace(plain, same_file=(LISTED,) if by_file else (), names=(BY_ID, BY_NAME) if by_name else ())
    words = [sound_sentence(plain), *[BY_FILE_WORDS] * by_file, *[BY_NAME_WORDS] * by_name]
    assert sentence(whole) == " ".join(words)
    assert whole.verdict is plain.verdict is (Verdict.MATCH if by_sound else Verdict.NO_MATCH)
    fields = to_json(whole)
    jsonschema.validate(fields, schema())
    assert ("same_file" in fields, "names" in fields) == (by_file, by_name)
    assert to_json(from_json(json.loads(to_line(whole)))) == fields
    assert graded(whole, n_items=10**6).verdict is graded(plain, n_items=10**6).verdict


@pytest.mark.parametrize(("by_sound", "by_file", "by_name"), COMBINATIONS)
def test_a_scan_counts_each_evidence_apart(by_sound: bool, by_file: bool, by_name: bool) -> None:
    """Counts and exit status of a scan by sound do not depend on the other two evidences."""
    plain = finding() if by_sound else absent()
    tally, by_sound_only = Tally(), Tally()
    tally.count(replace(plain, same_file=(LISTED,) * by_file, names=(BY_ID,) * by_name))
    by_sound_only.count(plain)
    assert tally.verdicts == by_sound_only.verdicts
    assert tally.exit_code(strict=True) == by_sound_only.exit_code(strict=True)
    assert (tally.same_file, tally.names) == (
        {"FSD50K": 1} if by_file else {},
        {"AudioCaps": 1} if by_name else {},
    )
    text = summary(tally)
    assert ("By their bytes, items are listed files" in text) == by_file
    assert ("By their names, items are listed by known datasets: 1 by AudioCaps." in text) == by_name
