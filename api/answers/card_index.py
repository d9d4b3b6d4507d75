"""The cards of datasets, found by id or by the name of a dataset."""

from __future__ import annotations

from collections.abc import Mapping

from earwitness.api.packs.installed_packs import installed_packs
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import Card, cards


class CardIndex:
    """Cards by id and by the name of their dataset.

    Parameters
    ----------
    shipped : mapping of str to Card
        By id.
    packed : mapping of str to Card
        By the name of a dataset that a pack brought; a shipped card is never replaced by one of these.
    """

    def __init__(self, shipped: Mapping[str, Card], packed: Mapping[str, Card] | None = None) -> None:
        self._by_name = {name.casefold(): each for name, each in (packed or {}).items()}
        self._by_name |= {each.id.casefold(): each for each in (packed or {}).values()}
        self._by_name |= {each.name.casefold(): each for each in shipped.values()}
        self._by_name |= {name.casefold(): each for name, each in shipped.items()}

    def find(self, name: str) -> Card | None:
        """Return the card with this id or name; None where there is none."""
        return self._by_name.get(name.casefold())


def known_cards(settings: Settings) -> CardIndex:
    """Return the cards that the package ships and those that packs brought to the home."""
    return CardIndex(cards(), {pack.manifest.name: pack.card for pack in installed_packs(settings)})
