"""A notice as one signed file: what was found of a work in one version of a dataset and in the one before.

The file has the form of the evidence of an answer (`earwitness.api.evidence.evidence_bundle`), with the
format ``earwitness.notice-evidence/1``.
"""

from __future__ import annotations

import json
from typing import Any, Final

from earwitness.api.answers.card_index import CardIndex, known_cards
from earwitness.api.evidence.evidence_bundle import (
    evidence_id,
    home_key,
    leaf_digests,
    signed_bytes,
)
from earwitness.api.packs.pack_signature import sign
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import NOT_PROVEN, card_json
from earwitness.index.notices.notice_records import Notice

NOTICE_FORMAT: Final = "earwitness.notice-evidence/1"


def notice_evidence(notice: Notice, settings: Settings) -> bytes:
    """Return the signed evidence of a notice as the bytes of its file.

    Raises
    ------
    KeyUnusable
    """
    contents = notice_evidence_contents(notice, known_cards(settings))
    digests = dict(leaf_digests(contents))
    signature = sign(signed_bytes(digests, NOTICE_FORMAT), home_key(settings)).decode()
    bundle = {"format": NOTICE_FORMAT, "contents": contents, "digests": digests, "signature": signature}
    return json.dumps(bundle, ensure_ascii=True, indent=1).encode() + b"\n"


def notice_evidence_contents(notice: Notice, cards: CardIndex) -> dict[str, Any]:
    """Return what is signed; `answered_at` is when the notice was made."""
    card = cards.find(notice.dataset)
    contents = {
        "answered_at": notice.created_at,
        "made_with": notice.contents["made_with"],
        "notice": {"number": notice.id, **notice.contents},
        "cards": {} if card is None else {card.id: card_json(card)},
        "not_proven": NOT_PROVEN,
    }
    return {"id": evidence_id(contents), **contents}
