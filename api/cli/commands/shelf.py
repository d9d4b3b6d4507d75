"""``earwitness shelf``: what is known here of public datasets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from earwitness.api.settings import Settings
    from earwitness.api.shelf.dataset_cards import Card
    from earwitness.api.shelf.shelf_listing import Evidence, ShelfEntry


def shelf(
    dataset: Annotated[
        str | None, typer.Argument(help="Show the card of this dataset", show_default=False)
    ] = None,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """List public datasets that are known, by evidence, or show the card of one."""
    want_json(as_json)
    entries = known_entries(settings_of(home))
    if dataset is not None:
        entries = [entry_of(entries, dataset)]
    if as_json:
        print_json("shelf", datasets=[entry_json(each) for each in entries])
    elif dataset is None:
        print_entries(entries)
    else:
        print_card(entries[0])


def known_entries(settings: Settings) -> list[ShelfEntry]:
    """Return what the package and the home know."""
    from earwitness.api.packs.installed_packs import installed_packs
    from earwitness.api.pipeline.searched_collections import read_summary
    from earwitness.api.shelf.dataset_cards import cards
    from earwitness.api.shelf.same_file import open_known_files
    from earwitness.api.shelf.shelf_listing import shelf_entries
    from earwitness.api.shelf.stored_names import open_names
    from earwitness.index.store.store_errors import HomeMissing

    try:
        stored = read_summary(settings).collections
    except HomeMissing:
        stored = ()
    # a shipped card is never replaced by one that came with a pack
    known = {pack.card.id: pack.card for pack in installed_packs(settings)} | dict(cards())
    named = [each.dataset for each in open_names(settings)]
    return shelf_entries(known, open_known_files(settings).datasets, stored, named)


def entry_of(entries: list[ShelfEntry], name: str) -> ShelfEntry:
    """Return the entry with this id or name.

    Raises
    ------
    NoSuchDataset
        When there is none; the error names similar ones.
    """
    from difflib import get_close_matches

    from earwitness.api.shelf.shelf_errors import NoSuchDataset

    wanted = name.casefold()
    for entry in entries:
        if wanted in {entry.id.casefold(), entry.name.casefold()}:
            return entry
    ids = [each.id for each in entries]
    similar = [each for each in ids if wanted in each] or get_close_matches(wanted, ids)
    raise NoSuchDataset(name=name, similar=tuple(similar[:5]))


def print_entries(entries: list[ShelfEntry]) -> None:
    """Print a table, one line a dataset, and what the columns mean."""
    from earwitness.api.cli.match_tables import fitting, in_columns
    from earwitness.api.printable import shown
    from earwitness.api.sentences import count

    console = to_stdout()
    table: list[tuple[str, ...]] = [("id", "name", "by sound", "by file", "by name", "gives out", "as of")]
    for each in entries:
        numbers = [coverage(each, kind) for kind in ("sound", "file", "name")]
        ships = ", ".join(each.card.ships) if each.card is not None else ""
        table.append((shown(each.id), shown(each.name), *numbers, ships, newest_date(each)))
    widths = fitting(table, console.width if console.is_terminal else None, shorten=(1, 5))
    for line in in_columns(table, widths):
        console.print(line, soft_wrap=True)
    console.print(
        f"{count(len(entries), 'dataset')}. by sound: items that are indexed here; by file: files whose"
        " digests are listed; by name: entries of a list without audio; -: only the card is known."
        " `earwitness shelf ID` shows a card.",
        soft_wrap=True,
    )


def coverage(entry: ShelfEntry, kind: str) -> str:
    """Return how many entries of a kind of evidence there are."""
    found = [each for each in entry.evidence if each.kind == kind]
    if not found:
        return "-"
    unfinished = "" if all(each.complete for each in found) else " (incomplete)"
    return f"{sum(each.n_entries for each in found):,}{unfinished}"


def newest_date(entry: ShelfEntry) -> str:
    """Return the newest date that is known of an entry."""
    dates = [each.date for each in entry.evidence if each.date is not None]
    return max([*dates, *([entry.card.date] if entry.card is not None else [])], default="")


def print_card(entry: ShelfEntry) -> None:
    """Print the card of a dataset, the evidence, and what presence does not prove."""
    from earwitness.api.printable import shown
    from earwitness.api.shelf.dataset_cards import NOT_PROVEN
    from earwitness.api.shelf.shelf_listing import card_sentences

    console = to_stdout()
    lines = [f"{entry.name} ({entry.id})", *card_sentences(entry)]
    lines += [evidence_words(each) for each in entry.evidence] or ["Nothing of it can be compared here."]
    lines += [NOT_PROVEN, *step_lines(entry.card)]
    for line in lines:
        console.print(shown(line), soft_wrap=True)


def step_lines(card: Card | None) -> Iterator[str]:
    """Yield what one can do with a find in a dataset, each address with source and date."""
    from earwitness.api.answers.messages import messages
    from earwitness.api.answers.next_steps import next_steps

    t = messages()
    for step in next_steps(card, t):
        yield f"{step.text} {step.shown}  [{step.source}, {step.date}]" if step.address else step.text
    if card is not None and card.ships and "audio" not in card.ships:
        yield t("next.no_audio")
    yield "Keep the finding, which states what was compared, when, and how sure the answer is."


_SEVERAL: Final = {"entry": "entries"}


def evidence_words(evidence: Evidence) -> str:
    """Return one kind of evidence as a sentence."""
    from earwitness.api.sentences import count

    as_of = "" if evidence.date is None else f", {evidence.date}"
    unfinished = "" if evidence.complete else "; indexing was not completed"
    what = {"sound": "item", "file": "file", "name": "entry"}[evidence.kind]
    number = count(evidence.n_entries, what, _SEVERAL.get(what))
    return (
        f"Can be compared by {evidence.kind}: {number} of version {evidence.version}"
        f" ({evidence.made_by}{as_of}{unfinished})."
    )


def entry_json(entry: ShelfEntry) -> dict[str, Any]:
    """Return an entry for ``--json``."""
    from earwitness.api.shelf.contacts import contact_json
    from earwitness.api.shelf.platform_routes import route_json, routes_of

    card = entry.card
    return {
        "id": entry.id,
        "name": entry.name,
        "evidence": [asdict(each) for each in entry.evidence],
        "card": None if card is None else {topic: asdict(each) for topic, each in card.statements.items()},
        "contact": [] if card is None else [contact_json(each) for each in card.contact],
        "platforms": [route_json(each) for each in routes_of(card)],
    }
