"""What one can do about one dataset: where to write, each address with its source and date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from earwitness.api.answers.messages import Messages
from earwitness.api.shelf.contacts import Contact
from earwitness.api.shelf.dataset_cards import Card, Statement
from earwitness.api.shelf.platform_routes import Route, routes_of

FOR_REQUESTS: Final = ("opt_out", "takedown")
"""Kinds of addresses that are meant for requests of rights holders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """Something that one can do, or that is not known.

    Attributes
    ----------
    text : str
        What to do.
    address : str
        Where to do it, as a link; empty where there is no address.
    shown : str
        The address as people write it.
    source, date : str
        Where the address is stated, and when.
    """

    text: str
    address: str = ""
    shown: str = ""
    source: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhereToWrite:
    """The addresses of one dataset.

    Attributes
    ----------
    contacts : tuple of Contact
        Its own, the most fitting for a letter first.
    routes : tuple of Route
        Those of the platforms that are concerned.
    """

    contacts: tuple[Contact, ...] = ()
    routes: tuple[Route, ...] = ()


def where_to_write(card: Card | None) -> WhereToWrite:
    """Return the addresses that are known for a dataset."""
    return WhereToWrite(contacts=() if card is None else card.contact, routes=routes_of(card))


def next_steps(card: Card | None, t: Messages) -> tuple[NextStep, ...]:
    """Return what one can do about a dataset, its own addresses first."""
    where = where_to_write(card)
    steps = [
        NextStep(
            text=t(f"next.contact.{each.kind}"),
            address=each.address,
            shown=each.shown,
            source=each.source,
            date=each.seen,
        )
        for each in where.contacts
    ]
    if card is None:
        steps.append(NextStep(text=t("next.no_card")))
    elif not where.contacts:
        steps.append(NextStep(text=t("next.no_contact")))
    elif not any(each.kind in FOR_REQUESTS for each in where.contacts):
        steps.append(NextStep(text=t("next.no_opt_out")))
    steps += [_at_platform(each, t) for each in where.routes]
    return (*steps, *_home({} if card is None else card.statements, t))


def _at_platform(route: Route, t: Messages) -> NextStep:
    platform = route.platform
    return NextStep(
        text=t(f"next.{route.how}", platform=platform.name),
        address=platform.address,
        shown=platform.address,
        source=platform.source,
        date=platform.seen,
    )


def _home(statements: Mapping[str, Statement], t: Messages) -> tuple[NextStep, ...]:
    home = statements.get("home")
    if home is None or not isinstance(home.value, str) or not home.value.startswith(("https://", "http://")):
        return ()
    address = home.value
    return (
        NextStep(text=t("next.home"), address=address, shown=address, source=home.source, date=home.date),
    )
