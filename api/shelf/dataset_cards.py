"""Cards of public datasets: what each is, with a source and a date for every statement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from earwitness.api.shelf.contacts import Contact, contact_json, contacts_of, is_address

CARDS: Final = Path(__file__).parent / "cards"
SCHEMA: Final = "earwitness.card/1"

NOT_PROVEN: Final = (
    "That a file or a name is in a dataset does not show that anybody trained a model with it, or who has"
    " which right to it."
)
"""What presence in a dataset does not prove; true of every card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a card.

    Attributes
    ----------
    date : str
        Date of the source, or the day on which it was read: YYYY-MM-DD.
    """

    value: Any
    source: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of one dataset; what has no source is left out.

    Attributes
    ----------
    statements : mapping of str to Statement
        By topic: ``contents``, ``publisher``, ``year``, ``size``, ``ships``, ``licence``, ``home``,
        ``download`` (where it is given out), ``taken_from`` (platforms on which its recordings lie),
        ``digests`` (what the listed digests are of, where that is not simply the published audio).
    contact : tuple of Contact
        Addresses at which one can write about it, the most fitting for a letter first.
    """

    id: str
    name: str
    statements: Mapping[str, Statement]
    contact: tuple[Contact, ...] = ()

    @property
    def ships(self) -> tuple[str, ...]:
        """What the publisher gives out: ``audio``, ``ids``, ``names``, ``features``, ``annotations``."""
        stated = self.statements.get("ships")
        return () if stated is None else tuple(stated.value)

    @property
    def date(self) -> str:
        """The date of its newest statement or address."""
        return max([each.date for each in self.statements.values()] + [each.seen for each in self.contact])


@cache
def cards() -> Mapping[str, Card]:
    """Return the cards that the package ships, by id."""
    read = [card_of(json.loads(path.read_text("utf-8"))) for path in sorted(CARDS.glob("*.json"))]
    return {each.id: each for each in read}


def card_json(card: Card) -> dict[str, Any]:
    """Return a card in the form of the schema."""
    statements = {topic: asdict(each) for topic, each in card.statements.items()}
    fields = {"schema": SCHEMA, "id": card.id, "name": card.name, "statements": statements}
    return fields | ({"contact": [contact_json(each) for each in card.contact]} if card.contact else {})


def card_of(fields: Mapping[str, Any]) -> Card:
    """Parse a card.

    Raises
    ------
    KeyError, TypeError, ValueError
        When `fields` has not the form of the schema.
    """
    if fields["schema"] != SCHEMA:
        raise ValueError(f"{fields['schema']} is not {SCHEMA}")
    statements = {topic: Statement(**each) for topic, each in fields["statements"].items()}
    contact = contacts_of(fields.get("contact", [])) or _opt_out(statements)
    return Card(id=fields["id"], name=fields["name"], statements=statements, contact=contact)


def _opt_out(statements: dict[str, Statement]) -> tuple[Contact, ...]:
    """Take the address for being left out from the statements, where cards of earlier versions have it."""
    stated = statements.get("opt_out")
    if stated is None or not isinstance(stated.value, str) or not is_address(stated.value):
        return ()
    del statements["opt_out"]
    fields = {"address": stated.value, "source": stated.source, "seen": stated.date}
    return contacts_of([{"kind": "opt_out", **fields}])
