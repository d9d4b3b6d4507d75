"""Answers for people: the headline asserts no more than the verdict, and every card says how sure it is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from earwitness.api.answers.answer import Answer, answer_of
from earwitness.api.answers.answer_words import chance, change_from_their_side, rounded_down
from earwitness.api.answers.card_index import CardIndex, stored_cards
from earwitness.api.answers.dataset_card import PLACES_SHOWN
from earwitness.api.answers.dataset_groups import asserted_groups
from earwitness.api.answers.messages import LANGUAGES, messages
from earwitness.api.answers.reader_errors import reader_error
from earwitness.api.findings import Finding, FindingError, FindingMatch, FindingSegment
from earwitness.api.sentences import sound_sentence
from earwitness.api.shelf.dataset_cards import Card, Statement, cards
from earwitness.api.shelf.names_evidence import NamedEntry, NamedIn
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import POWER, finding, findings, match

EN = messages("en")
WHEN = datetime(2026, 11, 30, 10, 45, tzinfo=UTC)
SHARED = finding(Verdict.SHARED_MATERIAL)
SAME_FILE = SameFile(
    dataset="GTZAN", version="1", card="gtzan", digest="md5", paths=("a.wav",), n_paths=3, n_files=1000,
    listed_by="mirdata 0.3.6",
)  # fmt: skip
NAMED = NamedIn(
    dataset="AudioSet", version="1", card="audioset", kind="youtube", value="dQw4w9WgXcQ", e_value=None,
    entries=(NamedEntry(place="row 7", artists=("Night Bus",), title="Rain", album=None, ids=()),),
    n_entries=1, n_listed=2_000_000, listed_by="the list",
)  # fmt: skip


def answer(made: Finding, language: str = "en") -> Answer:
    """The answer that a finding gives, with the shipped cards."""
    return answer_of(made, CardIndex(cards()), messages(language), answered_at=WHEN)


def weak(n: int) -> tuple[FindingMatch, ...]:
    """Matches that may be chance."""
    return tuple(match(e_value=1e-3, collection=f"weak-{number}") for number in range(n))


@given(made=findings())
def test_a_headline_rests_on_matches_only(made: Finding) -> None:
    """In every language there is an answer, and it states a find exactly where there is a certain match."""
    for language in LANGUAGES:
        shown = answer(made, language)
        assert shown.is_found == bool(made.certain)
        assert sum(each.n_places for each in shown.cards) == len(made.certain)
        assert shown.n_weaker == len(made.possible)
        assert shown.n_shared == len(made.shared)


@pytest.mark.parametrize(
    ("coverage", "words"), [(0.95, "This recording is in"), (0.2, "Part of this recording is in")]
)
def test_the_headline_claims_what_is_covered(coverage: float, words: str) -> None:
    """Only a complete copy is stated to be in the dataset."""
    made = finding(matches=(match(query_coverage=coverage),))
    assert answer(made).headline == f"{words} scraped-2026."


def test_the_headline_counts_datasets_of_matches_only() -> None:
    """A dataset with only weak places is not among those that hold the recording; many are counted."""
    sure = tuple(match(collection=f"sure-{number}") for number in range(2))
    made = finding(matches=(*sure, *weak(7)))
    assert answer(made).headline.endswith("is in sure-0 and sure-1.")
    many = finding(matches=tuple(match(collection=f"sure-{number}") for number in range(5)))
    assert answer(many).headline == "This recording is in 5 datasets."


@pytest.mark.parametrize("made", [finding(Verdict.POSSIBLE), SHARED, finding(Verdict.NO_MATCH)])
def test_what_is_less_than_a_match_is_no_headline(made: Finding) -> None:
    """Possible matches and shared material read "No match was found." and stand folded."""
    shown = answer(made)
    assert (shown.headline, shown.cards) == ("No match was found.", ())
    assert not any(re.search(r"\bis in\b|same recording", text) for text in shown.sentences)


def test_shared_material_is_said_to_be_no_sign_of_a_copy() -> None:
    """The page says with how many recordings a sound is shared, and on each place what that means."""
    shown = answer(SHARED)
    assert "with 4 different recordings. That is no sign of a copy." in shown.sentences[0]
    assert {place.sure for card in shown.shared for place in card.places} == {
        "No sign of a copy: several different recordings have this sound."
    }


@pytest.mark.parametrize(("duration_s", "words"), [(None, "could not be compared"), (8.0, "only in part")])
def test_the_page_says_how_much_was_compared(duration_s: float | None, words: str) -> None:
    """A file that was not compared is neither partly compared nor searched for."""
    made = finding(Verdict.NOT_READABLE)
    shown = answer(replace(made, item=replace(made.item, duration_s=duration_s)))
    assert words in shown.headline
    assert ("Datasets" in {each.label for each in shown.facts}) == (duration_s is not None)


@pytest.mark.parametrize("verdict", [Verdict.MATCH, Verdict.POSSIBLE, Verdict.SHARED_MATERIAL])
@pytest.mark.parametrize("missing_s", [0.0, 30.0])
def test_a_file_that_was_cut_off_is_said_to_be(verdict: Verdict, missing_s: float) -> None:
    """Whatever was found, no headline is of the whole file, and the page says why and how much is missing."""
    error = FindingError(code="truncated_audio", message="cut off", hint="send it all")
    made = finding(verdict, error=error)
    shown = answer(replace(made, item=replace(made.item, not_compared_s=missing_s)))
    assert "only in part" in shown.headline or shown.headline.startswith("Part of this recording is in")
    assert shown.is_found == (verdict is Verdict.MATCH)
    assert shown.error is not None
    assert ("Only a part of this file was compared; see why below." in shown.sentences) == shown.is_found
    (compared,) = (each.value for each in shown.facts if each.label == "Compared of your file")
    assert ("0:30.0 could not be compared" if missing_s else "not known how much is missing") in compared
    assert "Only a part of it was compared: cut off." in sound_sentence(replace(made, error=error))


def test_how_sure_says_no_more_than_a_match_does() -> None:
    """Two renderings of one score by machines can match, so no match by sound reads "the same recording"."""
    for language, words in (("en", "far more than chance explains"), ("de", "als der Zufall erklärt")):
        (place,) = answer(finding(), language).cards[0].places
        assert words in place.sure


def test_the_same_file_is_a_headline_of_its_own() -> None:
    """A dataset that lists the same bytes is named, and said not to be known by sound."""
    shown = answer(finding(Verdict.NO_MATCH, same_file=(SAME_FILE,)))
    assert shown.headline == "This very file is listed in GTZAN."
    (card,) = shown.cards
    assert (card.ways, card.places) == (("file",), ())
    assert card.others[0].sure.startswith("Certain")
    assert (card.others[0].entries, card.others[0].n_more) == (("a.wav",), 2)
    assert {each.topic for each in card.stated} == {"Made by", "Licence"}
    assert all(each.source and each.date for each in (*card.stated, *card.stated_more))


def test_a_name_is_no_headline() -> None:
    """A dataset that names the recording gets a card that says a name is no sound, and no headline."""
    shown = answer(finding(Verdict.NO_MATCH, names=(NAMED,)))
    assert shown.headline == "No match was found."
    assert shown.cards[0].ways == ("name",)
    assert "Whether its sound is there is not known from a name." in " ".join(shown.sentences)
    assert shown.cards[0].others[0].entries == ("Night Bus – Rain (row 7)",)


def test_common_names_get_no_card() -> None:
    """Entries that chance explains show nothing, and the page says so."""
    shown = answer(finding(Verdict.NO_MATCH, names=(replace(NAMED, kind="artist_title", e_value=3.0),)))
    assert shown.cards == ()
    assert "AudioSet show nothing" in shown.common_names


def test_evidence_of_one_dataset_meets_in_one_card_by_its_kind() -> None:
    """Sound, bytes and names of the same version stand in one card; sound comes first."""
    by_sound = match(collection="gtzan", version="1")
    named = replace(NAMED, dataset="GTZAN", card="gtzan")
    shown = answer(finding(matches=(by_sound,), same_file=(SAME_FILE,), names=(named, NAMED)))
    assert [card.ways for card in shown.cards] == [("sound", "file", "name"), ("name",)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"speed": 0.8929, "tempo": 1.0, "pitch_cents": 0.0}, "plays 12 % faster and so sounds higher"),
        ({"speed": 1.25, "tempo": 1.0, "pitch_cents": 0.0}, "plays 20 % slower and so sounds lower"),
        ({"speed": 1.0, "tempo": 1.0, "pitch_cents": 150.0}, "is pitched 1.5 semitones lower"),
        ({"speed": 1.0, "tempo": 0.5, "pitch_cents": -100.0},
         "has a tempo 100 % faster at the same pitch and is pitched 1 semitones higher"),
        ({"speed": 1.0, "tempo": 1.0, "pitch_cents": 0.0}, "plays as yours does"),
        ({"speed": None, "tempo": None, "pitch_cents": None}, "was not measured"),
    ],
)  # fmt: skip
def test_changes_are_seen_from_their_side(changed: dict[str, float | None], words: str) -> None:
    """A query that plays slower than the item means: their copy plays faster."""
    assert words in change_from_their_side(match(**changed), EN)


@pytest.mark.parametrize(
    ("e_value", "checked_to", "words"),
    [
        (5.3e-15, 1e-4, "fewer than one of 10,000 such searches (E-value below 1e-4, extrapolated: 5.3e-15)"),
        (1e-4, 1e-4, "about one of 10,000 such searches (E-value 1e-4)"),
        (2.3e-3, 1e-4, "about one of 400 such searches (E-value 2.3e-3)"),
        (0.9, 1e-4, "in many searches (E-value 9e-1)"),
    ],
)
def test_how_sure_is_said_in_words_and_then_in_numbers(e_value: float, checked_to: float, words: str) -> None:
    """An E-value that was not checked is stated as below what was; others as one of so many searches."""
    assert words in chance(match(e_value=e_value, e_checked_to=checked_to), EN)


@pytest.mark.parametrize(("number", "rounded"), [(43_210.0, 40_000), (9.99, 9), (1e4, 10_000), (0.3, 0)])
def test_searches_are_rounded_down(number: float, rounded: int) -> None:
    """A stated number of searches is never larger than the E-value allows."""
    assert rounded_down(number) == rounded


def test_the_same_bytes_are_certain() -> None:
    """A match whose bytes are those of the file is called certain, whatever its E-value."""
    made = finding()
    same = replace(made.matches[0], recording=replace(made.matches[0].recording, id="cd" * 32))
    assert answer(replace(made, matches=(same,))).cards[0].places[0].sure.startswith("Certain")


def test_a_card_lists_many_places_and_counts_the_rest() -> None:
    """A card does not grow without end; what it leaves out it counts."""
    shown = answer(finding(matches=(match(),) * (PLACES_SHOWN + 30)))
    (card,) = shown.cards
    assert (len(card.places), card.n_places) == (PLACES_SHOWN, PLACES_SHOWN + 30)


def test_stretches_stand_in_order_and_short_ones_are_folded() -> None:
    """Of many stretches the longest stand unfolded, in order of time; all are drawn inside the line."""
    lengths = (1.0, 9.0, 2.0, 8.0, 7.0)
    segments = tuple(
        FindingSegment(
            query_start_s=10.0 * n,
            query_end_s=10.0 * n + length,
            reference_start_s=0.0,
            reference_end_s=length,
        )
        for n, length in enumerate(lengths)
    )
    made = finding(matches=(match(segments=segments),))
    made = replace(made, item=replace(made.item, duration_s=45.0))
    (place,) = answer(made).cards[0].places
    assert [span.start_s for span in place.spans] == [10.0, 30.0, 40.0]
    assert [span.start_s for span in place.more_spans] == [0.0, 20.0]
    assert place.spans[0].yours == "0:10.0 to 0:19.0"
    assert place.drawing is not None and len(place.drawing.joins) == 5


def test_no_match_states_what_was_found_in_tests() -> None:
    """The page gives the counts of the test, and nothing where they are not known."""
    made = finding(Verdict.NO_MATCH)
    words = "98 of 100 clean copies of 8 s were found, and 37 of 40 under speech as loud as they are."
    assert words in " ".join(answer(made).sentences)
    assert "In tests" not in " ".join(answer(replace(made, power=None)).sentences)
    larger = replace(made, power=replace(POWER, searched_hours=201.0))
    assert "The tests searched 20 hours of audio, and this search 201 hours" in " ".join(
        answer(larger).sentences
    )


def test_a_card_of_a_pack_links_to_web_addresses_only() -> None:
    """A statement whose value is no web address is text, and is never offered as an address."""
    for value, address in (("javascript:alert(1)", None), ("https://example.org/", "https://example.org/")):
        stated = Statement(value=value, source="s", date="2026-01-01")
        card = Card(id="bad", name="bad", statements={"home": stated})
        shown = answer_of(
            finding(matches=(match(collection="bad"),)), CardIndex({}, {"bad": card}), EN, answered_at=WHEN
        )
        assert [each.address for each in shown.cards[0].stated_more] == [address]
        offered = [step.address for step in shown.cards[0].next_steps if step.address]
        assert offered == ([address] if address else [])


def test_a_shipped_card_is_not_replaced_by_one_of_a_pack() -> None:
    """A pack that calls itself as a known dataset does not change what is said of that one."""
    other = replace(cards()["fma"], statements={}, name="fma")
    assert CardIndex(cards(), {"FMA": other}).find("fma") is cards()["fma"]


@pytest.mark.parametrize("named", [{"id": "good music"}, {"name": "Good Music"}, {"id": "fma"}])
def test_a_card_of_a_pack_is_only_that_of_its_dataset(named: dict[str, str]) -> None:
    """Whatever id and name a pack gives its card, no other dataset's evidence shows it."""
    true = replace(cards()["fma"], id="true", name="True")
    own: dict[str, Any] = {"id": "false", "name": "False"} | named
    false = replace(cards()["fma"], **own)
    known = CardIndex(cards(), {"Good Music": true, "Evil": false})
    made = finding(matches=tuple(match(collection=each) for each in ("Evil", "Good Music", "FMA")))
    groups = {each.name: each.card for each in asserted_groups(made, known)}
    assert groups == {"Evil": false, "Good Music": true, "FMA": cards()["fma"]}
    assert known.find("Other", false.id) is (cards()["fma"] if false.id == "fma" else None)
    assert stored_cards({"Evil": replace(false, name="Other")}).find("Other") is None


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_errors_are_explained_to_persons(language: str) -> None:
    """A known code has its own words; another has general ones; the technical text is only in the details."""
    known = reader_error(FindingError(code="not_audio", message="technical", hint="hint"), messages(language))
    other = reader_error(
        FindingError(code="unheard_of", message="technical", hint="hint"), messages(language)
    )
    assert known.what != other.what
    for each in (known, other):
        assert "technical" not in each.what + each.do
        assert "technical. hint." in each.details
