"""A letter to whoever publishes a dataset, as a text to edit: it asks, and accuses nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from earwitness.api.answers.dataset_card import DatasetCard
from earwitness.api.answers.messages import Messages

PLACES_NAMED: Final = 10
"""Most items that a letter names; the evidence has them all."""
NAMES_NAMED: Final = 50
"""Most works that a letter about names lists."""


def letter(card: DatasetCard, t: Messages, *, file: str, answered_at: datetime, number: str) -> str:
    """Return the text of a letter about one dataset of an answer.

    Parameters
    ----------
    file : str
        The reader's name of the recording.
    number : str
        The number of the answer.
    """
    found = t("letter.found", file=file, date=t.date(answered_at), dataset=card.name, version=card.version)
    ends = (t("letter.limits"), t("letter.enclosed", number=number))
    return _text(card, t, subject=t("letter.subject", dataset=card.name), found=found, ends=ends)


def letter_about_names(card: DatasetCard, t: Messages, *, asked_at: datetime) -> str:
    """Return the text of a letter about the works that a dataset names."""
    found = t("letter.names.found", date=t.date(asked_at), dataset=card.name, version=card.version)
    subject = t("letter.names.subject", dataset=card.name)
    return _text(card, t, subject=subject, found=found, ends=(t("letter.names.limits"),))


def _text(card: DatasetCard, t: Messages, *, subject: str, found: str, ends: Sequence[str]) -> str:
    kind = "ask" if card.places or "file" in card.ways else "names.ask"
    lines = [
        *_addresses(card, t),
        "",
        subject,
        "",
        t("letter.to", dataset=card.name),
        "",
        found,
        "",
        *(f"- {each}" for each in _places(card, t)),
        "",
        t("letter.ask"),
        "",
        *(f"- {t(f'letter.{kind}.{what}')}" for what in ("source", "next", "given")),
        "",
        *ends,
        "",
    ]
    return "\n".join(lines)


def _addresses(card: DatasetCard, t: Messages) -> list[str]:
    """Return the lines that say where to send the letter, each with source and date."""
    lines = [
        t(
            "letter.address" if number == 0 else "letter.address.or",
            address=each.shown,
            purpose=t(f"contact.{each.kind}"),
            source=each.source,
            date=each.seen,
        )
        for number, each in enumerate(card.where.contacts)
    ]
    if lines:
        return lines
    hosts = [each.platform for each in card.where.routes if each.how == "host"]
    return [
        t("letter.no_address"),
        *(
            t("letter.host", platform=each.name, address=each.address, source=each.source, date=each.seen)
            for each in hosts
        ),
    ]


def _places(card: DatasetCard, t: Messages) -> list[str]:
    places = [
        t("letter.place", path=place.path, theirs=place.spans[0].theirs, yours=place.spans[0].yours)
        for place in card.places[:PLACES_NAMED]
    ]
    places += [entry for other in card.others if other.how == "file" for entry in other.entries]
    named = [other for other in card.others if other.about]
    places += [
        f"{other.about}: {', '.join(other.entries[:1])}. {other.sure}" for other in named[:NAMES_NAMED]
    ]
    more = card.n_places - min(card.n_places, PLACES_NAMED) + max(len(named) - NAMES_NAMED, 0)
    return [*places, *([t("letter.more", n=more)] if more else [])]
