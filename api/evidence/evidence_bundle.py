"""The evidence of an answer as one signed file: finding, cards as of that day, hashes, index, versions.

The file is JSON of the form ``earwitness.evidence/1``: ``contents``, the SHA-256 of every single value in
them by its JSON pointer (RFC 6901), and a detached JWS over the canonical JSON (RFC 8785) of these digests.
So a verifier without a network can name the value that was changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.api.answers.card_index import CardIndex
from earwitness.api.evidence.evidence_errors import EvidenceTooLarge
from earwitness.api.finding_json import to_json
from earwitness.api.findings import Finding
from earwitness.api.packs.pack_errors import KeyUnusable
from earwitness.api.packs.pack_signature import create_key, read_key, sign
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import NOT_PROVEN, Card, card_json

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey  # loaded only where evidence is signed

    from earwitness.api.evidence.picture_types import MatchPicture  # loads NumPy

FORMAT: Final = "earwitness.evidence/1"
MAX_BYTES: Final = 64 << 20
"""Of an evidence file."""
KEY_FILE: Final = "evidence-key.pem"
ID_DIGITS: Final = 24


def home_key(settings: Settings) -> OKPKey:
    """Return the key with which the home signs evidence; it is made when it is first needed.

    Raises
    ------
    KeyUnusable
    """
    path = settings.home / KEY_FILE
    if not path.exists():
        try:
            create_key(path)
        except KeyUnusable:
            if not path.exists():  # else another process has made it meanwhile
                raise
    return read_key(path)


def evidence_bundle(
    findings: Sequence[Finding],
    cards: CardIndex,
    pictures: Sequence[Sequence[MatchPicture]] = (),
    *,
    state_digest: str,
    answered_at: datetime,
    key: OKPKey,
) -> bytes:
    """Return the signed evidence of one answer as the bytes of its file.

    Parameters
    ----------
    findings : sequence of Finding
        The answer: one for each recording that was asked.
    pictures : sequence
        What is drawn of the matches of each finding.
    state_digest : str
        Digest of the state of the collections that were searched.
    answered_at : datetime
        When the comparison was made.

    Raises
    ------
    EvidenceTooLarge
        When the file would be larger than one that is verified.
    """
    contents = evidence_contents(
        findings, cards, pictures, state_digest=state_digest, answered_at=answered_at
    )
    digests = dict(leaf_digests(contents))
    signature = sign(signed_bytes(digests), key).decode()
    bundle = {"format": FORMAT, "contents": contents, "digests": digests, "signature": signature}
    text = json.dumps(bundle, ensure_ascii=True, indent=1).encode() + b"\n"
    if len(text) > MAX_BYTES:
        raise EvidenceTooLarge(n_findings=len(findings), n_bytes=len(text), limit_bytes=MAX_BYTES)
    return text


def evidence_contents(
    findings: Sequence[Finding],
    cards: CardIndex,
    pictures: Sequence[Sequence[MatchPicture]] = (),
    *,
    state_digest: str,
    answered_at: datetime,
) -> dict[str, Any]:
    """Return what is signed."""
    answered = answered_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    contents = {
        "answered_at": answered,
        "made_with": f"earwitness {version('earwitness')}",
        "index_state": state_digest,
        "findings": [to_json(each) for each in findings],
        "hashes": [_hashes(each) for each in findings],
        "cards": {name: card_json(card) for each in findings for name, card in _cards_of(each, cards)},
        "not_proven": NOT_PROVEN,
        "pictures": _pictures(pictures),
    }
    clean: dict[str, Any] = _storable(contents)
    return {"id": evidence_id(clean), **clean}


def _pictures(pictures: Sequence[Sequence[MatchPicture]]) -> list[Any]:
    if not any(pictures):
        return []
    from earwitness.api.evidence.picture_types import MOST_IN_EVIDENCE
    from earwitness.api.evidence.pictures_json import pictures_json

    left, chosen = MOST_IN_EVIDENCE, []
    for each in pictures:
        chosen.append(pictures_json(each[:left]))
        left -= len(chosen[-1])
    return chosen


def evidence_id(contents: Mapping[str, Any]) -> str:
    """Return the number of an answer: of the canonical JSON of its contents but the number itself."""
    numbered = {name: value for name, value in contents.items() if name != "id"}
    return f"ew-{hashlib.sha256(canonical(numbered)).hexdigest()[:ID_DIGITS]}"


def _hashes(finding: Finding) -> dict[str, Any]:
    """Return the digests of the query and of everything that it was matched with."""
    matched = [
        {"dataset": each.collection, "version": each.version, "path": each.recording.path,
         "sha256": each.recording.id}
        for each in finding.matches
    ]  # fmt: skip
    return {"query": {"name": finding.item.path, "sha256": finding.item.sha256}, "matched": matched}


def _cards_of(finding: Finding, cards: CardIndex) -> Iterator[tuple[str, Card]]:
    """Yield each card under the name that the finding has for it: no other card can take its place."""
    named: list[tuple[str, str | None]] = [(each.collection, None) for each in finding.matches]
    named += [(each.dataset, each.card) for each in finding.same_file]
    named += [(each.dataset, each.card) for each in finding.names]
    for name, listed in dict.fromkeys(named):
        card = cards.find(name, listed)
        if card is not None:
            yield name, card


def _storable(value: Any) -> Any:
    """Replace lone surrogates of file names that are not UTF-8: canonical JSON has none."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def canonical(value: Any) -> bytes:
    """Return the canonical JSON (RFC 8785) of a value."""
    import rfc8785  # only packs and evidence need it

    text: bytes = rfc8785.dumps(value)
    return text


def signed_bytes(digests: Any, file_format: str = FORMAT) -> bytes:
    """Return the bytes that the signature is of."""
    return canonical({"format": file_format, "digests": digests})


def leaf_digests(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the JSON pointer of every value that holds no others, and the SHA-256 of its canonical JSON."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from leaf_digests(each, f"{pointer}/{escaped}")
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from leaf_digests(each, f"{pointer}/{number}")
    else:
        yield pointer, hashlib.sha256(canonical(value)).hexdigest()


def evidence_file(home: Path, job: str) -> Path:
    """Path of the evidence of a job's answer."""
    return home / "results" / f"{job}.evidence.json"
