"""Verify an evidence file without a network: every value, and the signature."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.api.answers.card_index import CardIndex, stored_cards
from earwitness.api.answers.messages import messages
from earwitness.api.evidence.evidence_bundle import (
    FORMAT,
    MAX_BYTES,
    evidence_id,
    leaf_digests,
    signed_bytes,
)
from earwitness.api.evidence.evidence_errors import EvidenceChanged, EvidenceOfAnotherKey, NotEvidence
from earwitness.api.evidence.notice_evidence import NOTICE_FORMAT
from earwitness.api.finding_json import from_json
from earwitness.api.findings import Finding
from earwitness.api.packs.pack_errors import PackSignatureWrong
from earwitness.api.packs.pack_signature import signer_of
from earwitness.api.shelf.dataset_cards import card_of
from earwitness.api.watch.notice_words import notice_headline, notice_sentences

if TYPE_CHECKING:
    from earwitness.api.evidence.picture_types import MatchPicture  # loads NumPy

PARSE_ERRORS: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError)
"""Errors of contents that somebody signed and that have another form than they should."""
FIELDS: Final = frozenset({"format", "contents", "digests", "signature"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEvidence:
    """Evidence that is as it was signed.

    Attributes
    ----------
    signer : str
        Fingerprint of the key that signed it; whose key that is, the file cannot show.
    cards : CardIndex
        The cards of that day.
    pictures : tuple of mapping
        What is drawn of the matches of each finding, by their place in it.
    """

    id: str
    answered_at: datetime
    made_with: str
    signer: str
    findings: tuple[Finding, ...]
    cards: CardIndex
    pictures: tuple[Mapping[int, MatchPicture], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedNotice:
    """Evidence of a notice that is as it was signed.

    Attributes
    ----------
    notice : mapping
        Its contents, as `earwitness.api.watch.notice_contents` makes them, with its number.
    """

    id: str
    answered_at: datetime
    made_with: str
    signer: str
    notice: Mapping[str, Any]


def verify_evidence(path: Path, *, key: str | None = None) -> VerifiedEvidence:
    """Verify an evidence file of an answer.

    Parameters
    ----------
    key : str or None
        The fingerprint of the key that must have signed it.

    Raises
    ------
    NotEvidence, EvidenceChanged, EvidenceOfAnotherKey
    """
    _, contents, signer = _verified(path, key, formats=(FORMAT,))
    return _parsed(contents, signer, path)


def verify_any_evidence(path: Path, *, key: str | None = None) -> VerifiedEvidence | VerifiedNotice:
    """Verify an evidence file of an answer or of a notice; see `verify_evidence`."""
    file_format, contents, signer = _verified(path, key, formats=(FORMAT, NOTICE_FORMAT))
    parsed = _parsed if file_format == FORMAT else _parsed_notice
    return parsed(contents, signer, path)


def _verified(path: Path, key: str | None, *, formats: Sequence[str]) -> tuple[str, dict[str, Any], str]:
    """Return the format of a file, its contents and its signer, after all is verified."""
    bundle = _read(path, formats)
    contents, digests = bundle["contents"], bundle["digests"]
    changed = [f"{name} was added beside the signed contents" for name in bundle.keys() - FIELDS]
    changed += changed_fields(contents, digests)
    signer = _signer(bundle, path)
    if signer is None and not changed:
        changed = ["its signature, or the digests that it is of"]
    if not changed and not _has_its_number(contents):
        changed = ["a list was made an object"]  # whose values have the same pointers
    if changed or signer is None:
        raise EvidenceChanged(path=str(path), fields=changed)
    if key is not None and key != signer:
        raise EvidenceOfAnotherKey(path=str(path), signer=signer, expected=key)
    return str(bundle["format"]), contents, signer


def changed_fields(contents: Any, digests: Mapping[str, str]) -> list[str]:
    """Return the JSON pointers of values that were changed, added or removed."""
    try:
        actual = dict(leaf_digests(contents))
    except (ValueError, RecursionError) as error:
        return [f"contents ({error})"]
    changed = [
        f"{pointer} was {'changed' if pointer in digests else 'added'}"
        for pointer, digest in actual.items()
        if digests.get(pointer) != digest
    ]
    return changed + [f"{pointer} was removed" for pointer in digests if pointer not in actual]


def _read(path: Path, formats: Sequence[str]) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise NotEvidence(path=str(path), reason="it is too large")
        bundle = json.loads(path.read_bytes(), object_pairs_hook=_each_once)
    except OSError as error:
        raise NotEvidence(path=str(path), reason=error.strerror or str(error)) from error
    except DoubledName as error:
        raise EvidenceChanged(path=str(path), fields=[str(error)]) from error
    except (ValueError, RecursionError) as error:
        raise NotEvidence(path=str(path), reason="it is no JSON") from error
    if isinstance(bundle, dict) and bundle.get("format") == NOTICE_FORMAT not in formats:
        raise NotEvidence(path=str(path), reason="it is of a notice: `earwitness evidence verify` shows it")
    if not isinstance(bundle, dict) or bundle.get("format") not in formats:
        raise NotEvidence(path=str(path), reason=f"its format is not {' or '.join(formats)}")
    digests, contents = bundle.get("digests"), bundle.get("contents")
    if not isinstance(digests, dict) or not isinstance(contents, dict):
        raise NotEvidence(path=str(path), reason="it lacks contents or digests")
    return bundle


def _has_its_number(contents: Mapping[str, Any]) -> bool:
    try:
        return bool(contents.get("id") == evidence_id(contents))
    except (ValueError, RecursionError):
        return False


class DoubledName(ValueError):
    """A name stands twice in one JSON object, of which readers take one or the other."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; raise DoubledName where it gives a name twice."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        doubled = next(name for name, number in Counter(name for name, _ in pairs).items() if number > 1)
        raise DoubledName(f"{doubled} was added a second time")
    return fields


def _signer(bundle: Mapping[str, Any], path: Path) -> str | None:
    """Return the fingerprint of the key that signed the digests; None where they are not as signed."""
    signature = str(bundle.get("signature")).encode()
    try:
        signed = signed_bytes(bundle["digests"], str(bundle["format"]))
        return signer_of(signature, signed, path=str(path))
    except (PackSignatureWrong, ValueError, RecursionError):
        return None


def _parsed(contents: Mapping[str, Any], signer: str, path: Path) -> VerifiedEvidence:
    try:
        cards = {name: card_of(fields) for name, fields in contents["cards"].items()}
        return VerifiedEvidence(
            id=contents["id"],
            answered_at=datetime.fromisoformat(contents["answered_at"]),
            made_with=contents["made_with"],
            signer=signer,
            findings=tuple(from_json(each) for each in contents["findings"]),
            cards=stored_cards(cards),
            pictures=_pictures_in(contents),
        )
    except PARSE_ERRORS as error:
        reason = f"it is as it was signed, in a form that only another version reads ({error})"
        raise NotEvidence(path=str(path), reason=reason) from error


def _pictures_in(contents: Mapping[str, Any]) -> tuple[Mapping[int, MatchPicture], ...]:
    if not any(contents.get("pictures", ())):  # earlier versions signed none
        return ({},) * len(contents["findings"])
    from earwitness.api.evidence.pictures_json import pictures_of_json

    if len(contents["pictures"]) != len(contents["findings"]):
        raise ValueError("pictures of other findings")
    return tuple(map(pictures_of_json, contents["pictures"]))


def _parsed_notice(contents: Mapping[str, Any], signer: str, path: Path) -> VerifiedNotice:
    try:
        notice = contents["notice"]
        t = messages()
        notice_headline(notice, t), list(notice_sentences(notice, t))  # every part that is read is there
        return VerifiedNotice(
            id=contents["id"],
            answered_at=datetime.fromisoformat(contents["answered_at"]),
            made_with=contents["made_with"],
            signer=signer,
            notice=notice,
        )
    except PARSE_ERRORS as error:
        reason = f"it is as it was signed, in a form that only another version reads ({error})"
        raise NotEvidence(path=str(path), reason=reason) from error
