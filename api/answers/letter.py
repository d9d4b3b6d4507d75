"""A letter to whoever publishes a dataset, as a text to edit: it asks, and accuses nobody."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from earwitness.api.answers.dataset_card import DatasetCard
from earwitness.api.answers.messages import Messages

PLACES_NAMED: Final = 10
"""Most items that a letter names; the evidence has them all."""


def letter(card: DatasetCard, t: Messages, *, file: str, answered_at: datetime, number: str) -> str:
    """Return the text of a letter about one dataset of an answer.

    Parameters
    ----------
    file : str
        The reader's name of the recording.
    number : str
        The number of the answer.
    """
    lines = [
        t("letter.subject", dataset=card.name),
        "",
        t("letter.to", dataset=card.name),
        "",
        t("letter.found", file=file, date=t.date(answered_at), dataset=card.name, version=card.version),
        "",
        *(f"- {each}" for each in _places(card, t)),
        "",
        t("letter.ask"),
        "",
        *(f"- {t(f'letter.ask.{what}')}" for what in ("source", "next", "given")),
        "",
        t("letter.limits"),
        t("letter.enclosed", number=number),
        "",
    ]
    return "\n".join(lines)


def _places(card: DatasetCard, t: Messages) -> list[str]:
    places = [
        t("letter.place", path=place.path, theirs=place.spans[0].theirs, yours=place.spans[0].yours)
        for place in card.places[:PLACES_NAMED]
    ]
    places += [entry for other in card.others if other.how == "file" for entry in other.entries]
    more = card.n_places - min(card.n_places, PLACES_NAMED)
    return [*places, *([t("letter.more", n=more)] if more else [])]
