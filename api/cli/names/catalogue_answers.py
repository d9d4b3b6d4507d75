"""``register --catalogue`` and ``check --catalogue``: works without audio, which are answered by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from earwitness.api.cli.json_output import print_json
from earwitness.api.cli.options import UNREADABLE, to_stderr, to_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from earwitness.api.answers.card_index import CardIndex
    from earwitness.api.datasets.name_lists.name_source import NameSource
    from earwitness.api.settings import Settings
    from earwitness.api.shelf.catalogue import NamedWork
    from earwitness.index.names.name_list import NameList


def register_catalogue(table: Path, settings: Settings, *, as_json: bool) -> int:
    """Store the works of a list by name, and say which datasets name them; return the exit status."""
    from earwitness.api.answers.card_index import known_cards
    from earwitness.api.sentences import count
    from earwitness.api.shelf.catalogue import answered, opened_catalogue, store_works, works_in
    from earwitness.api.shelf.catalogue_json import answers_json, is_partly_read
    from earwitness.api.shelf.stored_names import open_names

    with opened_catalogue(table, settings) as names:
        works = list(works_in(names, str(table)))
        n_new = store_works(works, str(table), settings)
        lists = open_names(settings)
        answers = list(answered(works, lists))
        to_stdout().print(
            f"{count(len(works), 'work')} registered by name, {n_new:,} of them new. No audio was compared.",
            soft_wrap=True,
        )
        show_answers(answers, lists, known_cards(settings))
        show_unread(names)
        if as_json:
            print_json("register", **answers_json(answers, lists, names), new=n_new)
        return UNREADABLE if is_partly_read(names) else 0


def check_catalogue(table: Path, settings: Settings, *, out: Path | None, as_json: bool) -> int:
    """Say which datasets name the works of a list; nothing is stored. Return the exit status."""
    from earwitness.api.answers.card_index import known_cards
    from earwitness.api.scan.outputs import whole_file
    from earwitness.api.shelf.catalogue import answered, opened_catalogue, works_in
    from earwitness.api.shelf.catalogue_json import answers_json, is_partly_read
    from earwitness.api.shelf.shelf_errors import NoNamesHere
    from earwitness.api.shelf.stored_names import open_names

    lists = open_names(settings)
    if not lists:
        raise NoNamesHere(home=str(settings.home))
    with opened_catalogue(table, settings) as names:
        answers = list(answered(works_in(names, str(table)), lists))
        show_answers(answers, lists, known_cards(settings))
        show_unread(names)
        if out is not None:
            with whole_file(out) as file:
                file.writelines(json.dumps(each.to_json()).encode() + b"\n" for each in answers)
        if as_json:
            print_json("check", **answers_json(answers, lists, names))
        return 1 if any(each.is_named for each in answers) else UNREADABLE if is_partly_read(names) else 0


def show_answers(answers: Sequence[NamedWork], lists: Sequence[NameList], cards: CardIndex) -> None:
    """Print each work that a dataset names, and what was asked."""
    from earwitness.api.printable import shown
    from earwitness.api.sentences import count
    from earwitness.api.shelf.catalogue import shown_work
    from earwitness.api.shelf.dataset_cards import NOT_PROVEN
    from earwitness.api.shelf.names_evidence import names_sentences

    for each in answers:
        if each.names:
            words = " ".join(names_sentences(each.names))
            to_stdout().print(f"{shown_work(each.work)}. {shown(words)}", soft_wrap=True)
    n_named = sum(each.is_named for each in answers)
    console = to_stderr()
    console.print(
        f"{count(len(answers), 'work')}: {n_named:,} named by a dataset, {len(answers) - n_named:,} by none."
        f" {_asked(lists)}",
        soft_wrap=True,
    )
    if lists:
        console.print(
            f"{sum(each.by_chance for each in answers):.1g} entries with such artist and title would be"
            " expected by chance; an identifier is not the same by chance."
            " That no list has a name says nothing of the sound.",
            soft_wrap=True,
        )
    if n_named:
        console.print(NOT_PROVEN, soft_wrap=True)
        for line in where_to_ask(answers, cards):
            console.print(shown(line), soft_wrap=True)


def where_to_ask(answers: Sequence[NamedWork], cards: CardIndex) -> Iterator[str]:
    """Yield a line for each dataset that names a work: its first address, and how its card is shown."""
    from earwitness.api.shelf.shelf_listing import contact_line

    found = [named for each in answers for named in each.names if not named.is_noise]
    for dataset, listed in {each.dataset: each.card for each in found}.items():
        card = cards.find(dataset, listed)
        if card is None or not card.contact:
            where = "no address for requests is known."
        else:
            where = contact_line(card.contact[0])
        is_found = card is not None and cards.find(card.id) is card  # a pack can give its card any id
        more = f" `earwitness shelf {card.id}` shows what can be done." if card and is_found else ""
        yield f"{dataset}: {where}{more}"


def _asked(lists: Sequence[NameList]) -> str:
    if not lists:
        return "No list of names is stored here: index one, or add a pack with names."
    named = [f"{each.dataset.name} ({each.dataset.n_entries:,} entries)" for each in lists[:5]]
    more = f", and {len(lists) - 5:,} more" if len(lists) > 5 else ""
    cut = [each.dataset.name for each in lists if not each.dataset.complete]
    unread = f" Not read to their end when they were indexed: {', '.join(cut)}." if cut else ""
    return f"Asked were {', '.join(named)}{more}.{unread}"


def show_unread(names: NameSource) -> None:
    """Print which rows of the list give no work."""
    from earwitness.api.sentences import count

    console = to_stderr()
    if names.n_nameless:
        rows = count(names.n_nameless, "row")
        console.print(f"Left out: {rows} with neither an identifier nor artist and title:", soft_wrap=True)
    for place in names.nameless:
        console.print(f"  {place}", soft_wrap=True)
    for each in names.refused:
        console.print(f"  not read: {each}", soft_wrap=True)
    if names.n_unknown:
        console.print(
            f"{count(names.n_unknown, 'text')} in the place of an identifier or a link could not be"
            " understood, so nothing was asked by it:",
            soft_wrap=True,
        )
    for each in names.unknown:
        console.print(f"  {each}", soft_wrap=True)
    if names.cut_off is not None:
        console.print(f"The list was not read to its end: {names.cut_off}.", soft_wrap=True)
