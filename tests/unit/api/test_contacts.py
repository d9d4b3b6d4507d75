"""Addresses of cards: only plain ones are read; each is shown with source and date, also in letters."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.answers.answer import answer_of
from earwitness.api.answers.card_index import CardIndex
from earwitness.api.answers.letter import letter
from earwitness.api.answers.messages import LANGUAGES, messages
from earwitness.api.cli.commands.shelf import entry_json, step_lines
from earwitness.api.cli.names.catalogue_answers import where_to_ask
from earwitness.api.packs.make_pack import default_card
from earwitness.api.shelf.catalogue import NamedWork
from earwitness.api.shelf.contacts import MOST_CONTACTS, contacts_of
from earwitness.api.shelf.dataset_cards import CARDS, Card, Statement, card_json, card_of, cards
from earwitness.api.shelf.platform_routes import platforms, routes_of
from earwitness.api.shelf.shelf_listing import ShelfEntry
from earwitness.index.names.name_entries import NameEntry
from tests.unit.api.made_findings import finding, match
from tests.unit.api.test_answers import NAMED
from tests.unit.api.test_dataset_cards import ACCUSING

SCHEMA = json.loads((CARDS.parents[1] / "schemas" / "card-1.json").read_text("utf-8"))
WHEN = datetime(2026, 11, 30, 10, 45, tzinfo=UTC)
CONTACT = {
    "kind": "opt_out",
    "address": "https://example.org/opt-out?set=1#form",
    "source": "https://example.org/about",
    "seen": "2026-11-02",
}
MAIL = CONTACT | {"kind": "maintainer", "address": "mailto:data-set.owner+music@lab.example.org"}


def card_with(*contact: dict[str, Any], **statements: Any) -> Card:
    """A card with these addresses and statements."""
    stated = {"contents": "sounds"} | statements
    fields = {topic: {"value": value, "source": "s", "date": "2026-01-02"} for topic, value in stated.items()}
    made = {"schema": "earwitness.card/1", "id": "b_set", "name": "B Set", "statements": fields}
    return card_of(made | ({"contact": list(contact)} if contact else {}))


HOSTILE_ADDRESSES = {
    "a script": "javascript:alert(1)",
    "a script after a space": " javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "not encrypted": "http://example.org/opt-out",
    "relative": "//example.org/opt-out",
    "no scheme": "example.org",
    "capitals": "HTTPS://example.org/",
    "no domain": "https://localhost/",
    "an address of a network": "https://127.0.0.1/",
    "a port": "https://example.org:8080/",
    "a user": "https://example.org@evil.example/",
    "a password": "https://a:b@evil.example/",
    "a backslash": "https://example.org\\@evil.example/",
    "markup": 'https://example.org/"><img src=x onerror=alert(1)>',
    "a line break": "https://example.org/\nBcc: all@example.org",
    "a line break at the end": "https://example.org/\n",
    "letters that look alike": "https://ex\u0430mple.org/",
    "text that runs backwards": "https://example.org/\u202egro",
    "overlong": "https://example.org/" + "a" * 300,
    "overlong name": "mailto:" + "a" * 70 + "@example.org",
    "headers": "mailto:a@example.org?bcc=all@example.org",
    "headers by a line break": "mailto:a@example.org\r\nBcc: all@example.org",
    "encoded line break": "mailto:a%0d%0aBcc:all@example.org",
    "several": "mailto:a@example.org,all@example.org",
    "a name beside it": "mailto:A <a@example.org>",
    "a quoted name": 'mailto:"a b"@example.org',
    "nobody": "mailto:@example.org",
    "no host": "mailto:a",
    "empty": "",
}


@pytest.mark.parametrize("case", HOSTILE_ADDRESSES)
def test_an_address_that_is_not_plain_is_refused(case: str) -> None:
    """Neither the schema nor the parser takes scripts, other schemes, header injection or overlong ones."""
    wrong = CONTACT | {"address": HOSTILE_ADDRESSES[case]}
    with pytest.raises(ValueError, match="address"):
        contacts_of([wrong])
    fields = card_json(card_with(CONTACT)) | {"contact": [wrong]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(fields, SCHEMA)


@pytest.mark.parametrize(
    "wrong",
    [
        "https://example.org/",
        {"kind": "opt_out"},
        CONTACT | {"note": "x"},
        CONTACT | {"kind": "lawyer"},
        CONTACT | {"kind": ["opt_out"]},
        CONTACT | {"address": ["https://example.org/"]},
        CONTACT | {"source": ""},
        CONTACT | {"source": "s" * 301},
        CONTACT | {"source": 7},
        CONTACT | {"seen": "yesterday"},
        CONTACT | {"seen": "2026-13-01"},
        CONTACT | {"seen": "20261102"},
        CONTACT | {"seen": None},
    ],
    ids=str,
)
def test_a_contact_of_another_form_is_refused(wrong: Any) -> None:
    """Kind, address, source and date are all there, and nothing else; schema and parser agree."""
    with pytest.raises(ValueError, match="contact"):
        contacts_of([wrong])
    fields = card_json(card_with(CONTACT)) | {"contact": [wrong]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(fields, SCHEMA, format_checker=jsonschema.FormatChecker())


def test_a_source_of_several_lines_is_refused() -> None:
    """What stands in a letter cannot add lines to it."""
    with pytest.raises(ValueError, match="source"):
        contacts_of([CONTACT | {"source": "a page\nTo: somebody else"}])


@pytest.mark.parametrize("wrong", [None, {}, "x", [CONTACT] * (MOST_CONTACTS + 1)], ids=type)
def test_a_card_with_too_many_addresses_or_none_as_a_list_is_refused(wrong: object) -> None:
    """Addresses are a list, and a short one."""
    with pytest.raises(ValueError, match="contact"):
        contacts_of(wrong)


@given(text=st.text(max_size=60))
def test_no_text_becomes_two_addresses(text: str) -> None:
    """Whatever follows a plain address, what is read has no space, quote, angle bracket or control sign."""
    for start in ("https://example.org/", "mailto:a@example.org", ""):
        try:
            (read,) = contacts_of([CONTACT | {"address": start + text}])
        except ValueError:
            continue
        assert re.fullmatch(r"[!-~]+", read.address) and not set(read.address) & set('<>"\\`{}|^[]')
        assert read.address.startswith(("https://", "mailto:"))


def test_a_card_keeps_its_addresses() -> None:
    """Written and read again it is the same; the most fitting address for a letter is the first."""
    card = card_with(MAIL, CONTACT)
    assert [each.kind for each in card.contact] == ["opt_out", "maintainer"]
    assert card_of(card_json(card)) == card
    jsonschema.validate(card_json(card), SCHEMA, format_checker=jsonschema.FormatChecker())
    assert card.date == "2026-11-02", "an address is as new a statement as any other"
    assert "contact" not in card_json(card_with()), "no list where there is nothing to list"


@pytest.mark.parametrize("card", cards().values(), ids=lambda each: each.id)
def test_a_shipped_address_has_its_source_and_date(card: Card) -> None:
    """Every address says where it is stated, as an address, and when; none stands there twice."""
    for each in card.contact:
        assert each.source.startswith("https://") and date.fromisoformat(each.seen)
    assert len({each.address for each in card.contact}) == len(card.contact)


def test_some_shipped_cards_have_addresses_and_most_name_a_platform() -> None:
    """What the shelf knows is used: the datasets that the news is about say where to write."""
    known = {name for name, each in cards().items() if each.contact}
    assert {"audioset", "fma", "mtg_jamendo", "musiccaps", "laion_disco_12m", "fsd50k"} <= known
    assert [each.how for each in routes_of(cards()["laion_disco_12m"])] == ["host", "origin"]
    assert [each.platform.id for each in routes_of(cards()["urbansound8k"])] == ["zenodo", "freesound"]


def test_a_platform_says_where_it_takes_requests() -> None:
    """Each has an address, a source and a date, and the schema of cards knows it."""
    named = SCHEMA["$defs"]["platforms"]["properties"]["value"]["items"]["enum"]
    assert sorted(platforms()) == sorted(named)
    for each in platforms().values():
        assert each.address.startswith("https://") and each.source
        assert datetime.fromisoformat(each.seen)
        assert not any(address.startswith("https://example") for address in each.starts)


@pytest.mark.parametrize(
    ("home", "found"),
    [
        ("https://huggingface.co/datasets/a/b", ["huggingface"]),
        ("https://huggingface.co.evil.example/datasets", []),
        ("https://evil.example/https://github.com/", []),
        ("https://doi.org/10.5281/zenodo.1", ["zenodo"]),
        (["https://github.com/"], []),
    ],
)
def test_a_platform_is_known_by_the_beginning_of_an_address(home: Any, found: list[str]) -> None:
    """An address that only contains the name of a platform does not lie on it."""
    card = Card(id="b", name="B", statements={"home": Statement(value=home, source="s", date="2026-01-02")})
    assert [each.platform.id for each in routes_of(card)] == found


def shown(card: Card | None, language: str = "en") -> Any:
    """The card of an answer about a match in a dataset with this card."""
    known = CardIndex({}, {} if card is None else {"b": card})
    made = finding(matches=(match(collection="b"),))
    return answer_of(made, known, messages(language), answered_at=WHEN).cards[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_says_where_to_write(language: str) -> None:
    """Each address is a step with source and date; where none is meant for opting out, that is said."""
    t = messages(language)
    steps = shown(card_with(CONTACT), language).next_steps
    assert (steps[0].address, steps[0].source, steps[0].date) == (
        CONTACT["address"],
        CONTACT["source"],
        CONTACT["seen"],
    )
    assert t("next.no_opt_out") not in [each.text for each in steps]
    (mail, missing) = shown(card_with(MAIL), language).next_steps
    assert (mail.address, mail.shown) == (MAIL["address"], "data-set.owner+music@lab.example.org")
    assert missing.text == t("next.no_opt_out")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("card", "said"),
    [(None, "next.no_card"), (card_with(), "next.no_contact")],
    ids=["no card", "no address"],
)
def test_an_answer_says_where_no_address_is_known(language: str, card: Card | None, said: str) -> None:
    """Where no address is known, the answer says so, and the letter too, in each language."""
    t = messages(language)
    made = shown(card, language)
    assert [each.text for each in made.next_steps] == [t(said)]
    text = letter(made, t, file="a.wav", answered_at=WHEN, number="1")
    assert text.splitlines()[0] == t("letter.no_address")


def test_the_platform_is_named_where_the_dataset_names_nobody() -> None:
    """The step and the letter give the platform's own page, with source and date."""
    made = shown(card_with(home="https://zenodo.org/record/1", taken_from=["youtube"]))
    zenodo, youtube = platforms()["zenodo"], platforms()["youtube"]
    assert [each.address for each in made.next_steps if each.address] == [
        zenodo.address,
        youtube.address,
        "https://zenodo.org/record/1",
    ]
    text = letter(made, messages(), file="a.wav", answered_at=WHEN, number="1")
    assert zenodo.address in text and zenodo.seen in text
    assert youtube.address not in text, "a letter about the dataset does not go to where its sounds are from"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_says_to_whom_it_goes(language: str) -> None:
    """Its first lines give each address with what it is for, its source and date; nothing accuses."""
    t = messages(language)
    issues = CONTACT | {"kind": "issues", "address": "https://example.org/issues"}
    made = shown(card_with(issues, MAIL), language)
    first, second, *rest = letter(made, t, file="a.wav", answered_at=WHEN, number="1").splitlines()
    assert first.startswith(("To: ", "An: ")) and "data-set.owner+music@lab.example.org" in first
    assert "mailto:" not in first
    assert "https://example.org/issues" in second and t("contact.issues") in second
    assert all(MAIL["source"] in each and MAIL["seen"] in each for each in (first, second))
    assert rest[0] == ""
    assert not ACCUSING.search("\n".join((first, second, *rest)))


def test_the_command_line_gives_the_addresses() -> None:
    """As text with source and date, and as JSON with the platforms."""
    card = card_with(CONTACT, home="https://github.com/a/b")
    lines = list(step_lines(card))
    assert f"{CONTACT['address']}  [{CONTACT['source']}, {CONTACT['seen']}]" in lines[0]
    fields = entry_json(ShelfEntry(id="b", name="B", card=card, evidence=()))
    assert fields["contact"] == [CONTACT]
    assert [each["platform"] for each in fields["platforms"]] == ["GitHub"]
    assert "know of no address" in next(step_lines(None))


def test_a_list_of_works_says_where_to_ask_about_each_dataset() -> None:
    """One line a dataset that names a work, with its first address; names that chance explains give none."""
    entry = NameEntry(place="row 1", artists=("Night Bus",), title="Rain")
    found = [
        NAMED,
        replace(NAMED, dataset="Unknown", card=None),
        replace(NAMED, dataset="Noise", e_value=9.0),
    ]
    (known, unknown) = where_to_ask(
        [NamedWork(work=entry, names=tuple(found), by_chance=0.0)] * 2, CardIndex(cards())
    )
    (contact,) = cards()["audioset"].contact
    assert known.startswith("AudioSet: ") and contact.shown in known and contact.source in known
    assert unknown == "Unknown: no address for requests is known."
    assert "`earwitness shelf audioset`" in known
    packed = CardIndex(cards(), {"Evil": replace(cards()["audioset"], name="Evil")})
    (line,) = where_to_ask(
        [NamedWork(work=entry, names=(replace(NAMED, dataset="Evil"),), by_chance=0.0)], packed
    )
    assert line.startswith("Evil: ") and "earwitness shelf" not in line


def test_a_pack_of_a_known_dataset_carries_its_addresses() -> None:
    """The card that `pack make` takes by itself has them, and reads as the shipped one."""
    made = card_of(json.loads(default_card("FMA", holds="x", date="2026-01-02")))
    assert made == cards()["fma"] and made.contact
    assert card_of(json.loads(default_card("mine", holds="x", date="2026-01-02"))).contact == ()
    assert replace(made, contact=()) != made
