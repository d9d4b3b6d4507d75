"""The evidence "the same file" in findings: written and read, said apart from the verdict."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema

from earwitness.api.finding_json import from_json, schema, to_json
from earwitness.api.findings import Finding
from earwitness.api.scan.tally import Tally
from earwitness.api.sentences import sentence, summary
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding

LISTED = SameFile(
    dataset="FSD50K",
    version="1.0",
    card="fsd50k",
    digest="md5",
    paths=("FSD50K.dev_audio/64760.wav",),
    n_paths=1,
    n_files=51_197,
    listed_by="soundata 0.1.3",
)


def absent(**changed: object) -> Finding:
    """A finding without a match."""
    return replace(finding(), verdict=Verdict.NO_MATCH, matches=(), error=None, **changed)  # type: ignore[arg-type]


def test_a_finding_with_the_same_file_has_the_form_of_the_schema() -> None:
    """The evidence is written and read without loss; without it the key is left out."""
    listed = absent(same_file=(LISTED,))
    fields = to_json(listed)
    jsonschema.validate(fields, schema())
    assert from_json(json.loads(json.dumps(fields))).same_file == (LISTED,)
    assert "same_file" not in to_json(absent())


def test_the_same_file_does_not_change_the_verdict() -> None:
    """The sentence by sound stays as it is; the same file is said in a sentence of its own."""
    plain, listed = absent(), absent(same_file=(LISTED,))
    assert sentence(listed) == f"{sentence(plain)} The same file is listed in FSD50K (1 of 51,197 files)."
    assert listed.verdict is plain.verdict
    tally = Tally()
    tally.count(listed)
    assert tally.exit_code(strict=True) == 0
    assert tally.same_file == {"FSD50K": 1}
    assert "By their bytes, items are listed files of known datasets: 1 of FSD50K." in summary(tally)


def test_many_datasets_are_counted_and_few_are_named() -> None:
    """A sentence names five datasets at most."""
    many = tuple(replace(LISTED, dataset=f"D{number}") for number in range(8))
    assert sentence(absent(same_file=many)).endswith("D4 (1 of 51,197 files), and in 3 more datasets.")
