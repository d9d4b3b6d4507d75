"""The signed evidence of a notice: it verifies offline, and every change of it is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.evidence.evidence_bundle import home_key
from earwitness.api.evidence.evidence_errors import EvidenceChanged, EvidenceOfAnotherKey, NotEvidence
from earwitness.api.evidence.notice_evidence import notice_evidence
from earwitness.api.evidence.verify_evidence import VerifiedNotice, verify_any_evidence, verify_evidence
from earwitness.api.watch.watching import begin_watch
from tests.unit.api.made_watch import Made, MadeHome, add_work, made_home

__all__ = ["made_home"]


@pytest.fixture
def gone(made_home: MadeHome, tmp_path: Path) -> Path:
    """The evidence that a work went out of a dataset."""
    work = add_work(made_home.writer, 0, title="Rain")
    begin_watch(made_home.writer, made_home.settings, [work.id])
    made_home.index("set", "1", [Made(seed=5, work=work)])
    (notice,) = made_home.index("set", "2", [Made(seed=6)])
    path = tmp_path / "gone.json"
    path.write_bytes(notice_evidence(notice, made_home.settings))
    assert path.read_bytes() == notice_evidence(notice, made_home.settings), "it is signed alike each time"
    return path


def test_the_proof_of_removal_verifies_offline(gone: Path, made_home: MadeHome) -> None:
    """Signed by the home's key, it states the change, and the files that held the work before."""
    key = str(home_key(made_home.settings).thumbprint())
    verified = verify_any_evidence(gone, key=key)
    assert isinstance(verified, VerifiedNotice) and verified.signer == key
    change = verified.notice["change"]
    assert (change["kind"], change["before"]["version"]) == ("went", "1")
    assert [each["path"] for each in change["before"]["places"]] == ["5.wav"]
    with pytest.raises(EvidenceOfAnotherKey):
        verify_any_evidence(gone, key="another")


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("notice/change/kind", "stayed"),
        ("notice/outcome", "match"),
        ("notice/dataset/version", "3"),
        ("notice/change/before/places/0/path", "other.wav"),
        ("answered_at", "2020-01-01T00:00:00Z"),
    ],
)
def test_a_changed_field_is_named(gone: Path, pointer: str, value: Any) -> None:
    """Whatever is changed after signing, the error names it."""
    bundle = json.loads(gone.read_bytes())
    *parents, last = pointer.split("/")
    place: Any = bundle["contents"]
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    place[last] = value
    gone.write_text(json.dumps(bundle))
    with pytest.raises(EvidenceChanged) as changed:
        verify_any_evidence(gone)
    assert changed.value.fields == (f"/{pointer} was changed",)


def test_evidence_of_a_notice_is_no_evidence_of_an_answer(gone: Path) -> None:
    """Neither passes for the other: the format is signed too."""
    with pytest.raises(NotEvidence):
        verify_evidence(gone)
    bundle = json.loads(gone.read_bytes())
    gone.write_text(json.dumps({**bundle, "format": "earwitness.evidence/1"}))
    with pytest.raises(EvidenceChanged):
        verify_any_evidence(gone)
