"""The cards of datasets, found by the name of a dataset."""

from __future__ import annotations

from collections.abc import Mapping

from earwitness.api.packs.installed_packs import installed_packs
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import Card, cards


class CardIndex:
    """Cards by the name of their dataset.

    A pack can name any id and any name in its card. So a card that a pack brought is only that of the dataset
    which the pack is, and no other card takes its place.

    Parameters
    ----------
    shipped : mapping of str to Card
        By id; each is found by its id and by its name.
    packed : mapping of str to Card
        By the name of a dataset that a pack brought; a shipped card is never replaced by one of these.
    """

    def __init__(self, shipped: Mapping[str, Card], packed: Mapping[str, Card] | None = None) -> None:
        self._packed = {name.casefold(): each for name, each in (packed or {}).items()}
        self._shipped = {each.name.casefold(): each for each in shipped.values()}
        self._shipped |= {name.casefold(): each for name, each in shipped.items()}

    def find(self, dataset: str, card: str | None = None) -> Card | None:
        """Return the card of a dataset; None where there is none.

        Parameters
        ----------
        card
            Id of the shipped card that a list gives, where no card is found by the name.
        """
        name = dataset.casefold()
        known = self._shipped.get(name) or self._packed.get(name)
        return self._shipped.get(card.casefold()) if known is None and card is not None else known

    def same_dataset(self, dataset: str, card: str | None = None) -> str:
        """Return a text that is the same for all names of one dataset; parameters are those of `find`."""
        known = self.find(dataset, card)
        is_shipped = known is not None and self._shipped.get(known.id.casefold()) is known
        return known.id if known is not None and is_shipped else dataset


def known_cards(settings: Settings) -> CardIndex:
    """Return the cards that the package ships and those that packs brought to the home."""
    return CardIndex(cards(), {pack.manifest.name: pack.card for pack in installed_packs(settings)})


def stored_cards(stored: Mapping[str, Card]) -> CardIndex:
    """Return the cards of an evidence file, which are stored by the names that its finding has for them.

    Files of earlier versions have them by id; those of datasets on the shelf are found by their names too.
    """
    by_id = {name: card for name, card in stored.items() if name == card.id and name in cards()}
    return CardIndex(by_id, stored)
