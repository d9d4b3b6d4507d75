"""What the platforms that give datasets out, or on which recordings lie, offer to rights holders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from earwitness.api.shelf.dataset_cards import Card

PLATFORMS: Final = Path(__file__).parent / "platforms.json"
_PLACES: Final = ("home", "download")
"""Topics of a card whose value is an address where the dataset is shown or given out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform, and the page that says how it takes requests.

    Attributes
    ----------
    starts : tuple of str
        How the addresses of what lies on it begin.
    source, seen : str
        Where the page was read, and its date or the day on which it was read.
    """

    id: str
    name: str
    starts: tuple[str, ...]
    address: str
    source: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A platform that is concerned: ``host`` gives the dataset out, at ``origin`` its recordings lie."""

    how: str
    platform: Platform


@cache
def platforms() -> Mapping[str, Platform]:
    """Return the platforms that are known, by id."""
    read: list[dict[str, Any]] = json.loads(PLATFORMS.read_text("utf-8"))
    return {each["id"]: Platform(**{**each, "starts": tuple(each["starts"])}) for each in read}


def routes_of(card: Card | None) -> tuple[Route, ...]:
    """Return the platforms that a card names, by address or as the origin of the recordings."""
    if card is None:
        return ()
    stated = [card.statements[topic].value for topic in _PLACES if topic in card.statements]
    addresses = [each for each in stated if isinstance(each, str)]
    origins = card.statements.get("taken_from")
    named = origins.value if origins is not None and isinstance(origins.value, list) else []
    hosts = [
        each for each in platforms().values() if any(address.startswith(each.starts) for address in addresses)
    ]
    return (
        *(Route(how="host", platform=each) for each in hosts),
        *(Route(how="origin", platform=each) for name, each in platforms().items() if name in named),
    )


def route_json(route: Route) -> dict[str, str]:
    """Return a platform that is concerned as a JSON object."""
    platform = route.platform
    return {
        "how": route.how,
        "platform": platform.name,
        "address": platform.address,
        "source": platform.source,
        "seen": platform.seen,
    }
