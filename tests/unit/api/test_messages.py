"""The catalogues of messages: every language says the same, and every message is used."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import pytest

from earwitness.api.answers.messages import ENGLISH, LANGUAGES, catalogue, chosen_language, messages

API = Path(__file__).parents[3] / "api"
SOURCES = [
    *sorted((API / "answers").glob("*.py")),
    *sorted((API / "http").rglob("*.py")),
    *sorted((API / "evidence").rglob("*.py")),
    *sorted((API / "watch").rglob("*.py")),
    *sorted((API / "web").rglob("*.html")),
    *sorted((API / "evidence").rglob("*.html")),
]
KEY = re.compile(r"""(f?)["']([a-z_]+\.[a-z0-9_.]*)(["'{])(\s*~)?""")
"""A key, or its beginning where the rest is put together: ``f"error.{code}"`` or ``"way." ~ way``."""
CALLED = re.compile(r"""\bt(?:\.has)?\(\s*(f?)["']([a-z0-9_.]+)(["'{])(\s*~)?""")


def texts_of(language: str) -> dict[str, tuple[str, ...]]:
    """All texts of a language by key: one, or one for each number."""
    found = {}
    for message in catalogue(language):
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            texts = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            found[str(key)] = tuple(str(text) for text in texts)
    return found


def placeholders(text: str) -> set[str]:
    """Names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {ENGLISH}))
def test_every_language_has_every_message_with_the_same_values(language: str) -> None:
    """A translation has the same keys, the same placeholders and the same forms as English; none is empty."""
    english, other = texts_of(ENGLISH), texts_of(language)
    assert english.keys() == other.keys()
    for key, texts in english.items():
        assert len(texts) == len(other[key]), key
        assert all(other[key]), key
        expected = set().union(*map(placeholders, texts))
        assert set().union(*map(placeholders, other[key])) == expected, key


def test_a_message_with_a_number_has_forms() -> None:
    """`{n}` stands exactly in the messages that have a form for one and a form for several."""
    for key, texts in texts_of(ENGLISH).items():
        assert (len(texts) == 2) == any("n" in placeholders(text) for text in texts), key


def test_pages_use_the_messages_that_there_are() -> None:
    """Every key that code or a template names is in the catalogue, and no message is left unused."""
    keys, whole, begun = set(texts_of(ENGLISH)), set(), set()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for pattern, into_whole in ((CALLED, True), (KEY, False)):
            for _, name, end, joined in pattern.findall(text):
                if end == "{" or joined:
                    begun.add(name)
                elif into_whole or name in keys:
                    whole.add(name)
    assert whole - keys == set()
    assert [key for key in keys - whole if not any(key.startswith(name) for name in begun)] == []


@pytest.mark.parametrize(
    ("wanted", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "de", "de"),
        (None, "de-AT,de;q=0.9", "de"),
        (None, "fr,en;q=0.5,de;q=0.8", "de"),
        (None, "fr", "en"),
        (None, "de;q=x, \x00;q=2, ../..;q=1", "en"),
        ("de", "en", "de"),
        ("../de", "en", "en"),
    ],
)
def test_a_reader_gets_the_language_that_was_chosen(wanted: str | None, accepted: str, language: str) -> None:
    """The link wins, then the browser's list by its weights; what there is not falls back to English."""
    assert chosen_language(wanted, accepted) == language


def test_numbers_and_dates_are_written_as_the_language_does() -> None:
    """Points, commas, plural forms and dates follow the language."""
    english, german = messages("en"), messages("de")
    assert english("headline.whole.several", n=1) == "This recording is in 1 dataset."
    assert german("headline.whole.several", n=1200) == "Diese Aufnahme ist in 1.200 Datensätzen."
    assert (english.clock(62.54), german.clock(62.54)) == ("1:02.5", "1:02,5")
    assert english.number(1234.5) == "1,234.5"
    moment = datetime(2026, 11, 30, 10, 45, tzinfo=UTC)
    assert (english.date(moment), german.date(moment)) == (
        "November 30, 2026, 10:45 UTC",
        "30. November 2026, 10:45 UTC",
    )


def test_a_message_that_there_is_not_is_an_error() -> None:
    """A misspelt key is never shown to a reader."""
    with pytest.raises(KeyError, match=r"no\.such"):
        messages("de")("no.such")
