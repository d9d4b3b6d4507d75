"""Cards of datasets: every statement has its source, nothing accuses, every listed dataset has one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from earwitness.api.cli.commands.shelf import step_lines
from earwitness.api.shelf.dataset_cards import CARDS, Card, Statement, card_json, card_of, cards
from earwitness.api.shelf.shelf_listing import card_sentences, shelf_entries
from earwitness.index.database.records import Collection, CollectionKind
from earwitness.index.known_files.file_list import ListedDataset
from earwitness.index.known_files.known_files import KnownFiles

SCHEMA = json.loads((CARDS.parents[1] / "schemas" / "card-1.json").read_text("utf-8"))
ACCUSING = re.compile(
    r"stol|theft|steal|illegal|infring|pirat|unlawful|without (permission|consent)|copyrighted", re.I
)


@pytest.mark.parametrize("path", sorted(CARDS.glob("*.json")), ids=lambda path: path.stem)
def test_a_card_has_the_form_of_the_schema(path: Path) -> None:
    """Every statement of a card has a value, a source and a date; the file has the name of the card."""
    fields = json.loads(path.read_text("utf-8"))
    jsonschema.validate(fields, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert fields["id"] == path.stem
    assert ACCUSING.search(path.read_text("utf-8")) is None


@pytest.mark.parametrize("missing", ["source", "date", "value"])
def test_a_statement_without_source_or_date_is_refused(missing: str) -> None:
    """The schema refuses a statement that lacks its source, its date or its value."""
    fields = json.loads((CARDS / "fsd50k.json").read_text("utf-8"))
    del fields["statements"]["year"][missing]
    with pytest.raises(jsonschema.ValidationError, match=missing):
        jsonschema.validate(fields, SCHEMA)
    if missing != "value":
        with pytest.raises(TypeError, match=missing):
            card_of(fields)


def test_about_sixty_datasets_have_cards() -> None:
    """Datasets that the news is about, and those whose files are listed, have cards of distinct names."""
    assert len(cards()) >= 60
    assert len({each.name for each in cards().values()}) == len(cards())
    assert {"audioset", "musiccaps", "laion_disco_12m", "fma", "million_song_dataset"} <= cards().keys()


@pytest.mark.parametrize("listed", KnownFiles.open().datasets, ids=lambda each: each.id)
def test_every_listed_dataset_has_its_card(listed: ListedDataset) -> None:
    """A finding by file names a card that exists; where no audio is given out, it says what was hashed."""
    card = cards()[listed.id]
    assert card.name == listed.name
    assert "audio" in card.ships or "digests" in card.statements


def test_a_newer_card_is_refused() -> None:
    """A card in a form that is not known is not read as if it were."""
    with pytest.raises(ValueError, match=r"earwitness\.card/2"):
        card_of({"schema": "earwitness.card/2", "id": "a", "name": "A", "statements": {}})


@pytest.mark.parametrize(
    ("value", "n_contacts"), [("https://example.org/out", 1), ("javascript:alert(1)", 0), (["a"], 0)]
)
def test_an_address_for_being_left_out_in_an_earlier_card_is_a_contact(
    value: object, n_contacts: int
) -> None:
    """Cards of earlier versions state it; it is offered as the addresses of today are."""
    stated = {"opt_out": {"value": value, "source": "a page", "date": "2025-01-02"}}
    fields = {"schema": "earwitness.card/1", "id": "a", "name": "A", "statements": stated}
    card = card_of(fields)
    assert [(each.kind, each.address, each.seen) for each in card.contact] == [
        ("opt_out", value, "2025-01-02")
    ] * n_contacts
    assert ("opt_out" in card.statements) is (n_contacts == 0)
    assert card_of(card_json(card)) == card


def made_card(**statements: Any) -> Card:
    """A card with a few statements."""
    stated = {
        topic: Statement(value=value, source="a paper", date="2020-01-02")
        for topic, value in statements.items()
    }
    return Card(id="b_set", name="B Set", statements=stated)


def collection(name: str, *, kind: CollectionKind = CollectionKind.DATASET) -> Collection:
    """A collection of a home."""
    return Collection(
        id=1,
        kind=kind,
        name=name,
        version="3",
        scheme="ew1-000000",
        n_items=7,
        n_unreadable=0,
        n_codes=70,
        complete=True,
        indexed_at="2026-11-23T20:00:00Z",
        changed_epoch=1,
        n_recordings=7,
    )


def test_evidence_of_one_dataset_stands_together() -> None:
    """What is indexed and what is listed belong to the card with that name or id; works are no dataset."""
    card = made_card(contents="sounds")
    listed = ListedDataset(id="b_set", name="B Set", version="1", n_files=9, listed_by="a list")
    stored = [
        collection("b set"),
        collection("mine"),
        collection("works", kind=CollectionKind.WORKS),
    ]
    entries = {each.id: each for each in shelf_entries({card.id: card}, [listed], stored)}
    assert entries.keys() == {"b_set", "mine"}
    by_kind = {each.kind: (each.n_entries, each.version, each.date) for each in entries["b_set"].evidence}
    assert by_kind == {"sound": (7, "3", "2026-11-23"), "file": (9, "1", None)}
    assert entries["mine"].card is None
    assert list(card_sentences(entries["mine"])) == ["No card: only this home knows the dataset."]


def test_a_card_shows_the_source_of_each_statement() -> None:
    """Every line of a card ends with its source and date; the next steps name its page."""
    card = made_card(contents="sounds", ships=["ids"], home="https://example.org/b")
    (entry,) = shelf_entries({card.id: card}, [], [])
    assert list(card_sentences(entry)) == [
        "contents: sounds  [a paper, 2020-01-02]",
        "gives out: ids  [a paper, 2020-01-02]",
        "home: https://example.org/b  [a paper, 2020-01-02]",
    ]
    steps = " ".join(step_lines(card))
    assert "https://example.org/b" in steps and "gives out no audio" in steps
    assert "no audio" not in " ".join(step_lines(made_card(contents="sounds")))
