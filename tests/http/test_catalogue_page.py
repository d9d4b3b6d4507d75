"""The page that answers a list of works by name: for persons, without scripts, and with nothing kept."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.answers.messages import messages
from earwitness.api.http.catalogues import receive_catalogue
from earwitness.api.settings import Settings
from earwitness.api.shelf.catalogue import stored_catalogue
from tests.http.conftest import Serve, home_with_names, spool_of
from tests.http.test_pages import ACCUSING, HTML, HTTP_WORDS, MARK, assert_only_our_markup

VIDEO = "dQw4w9WgXcQ"
NO_FILE = ("", b"")
"""What a browser sends where no file was chosen."""
LINES = f"""https://youtu.be/{VIDEO}

Artist 7 - Song 7
Alex - Intro
https://open.spotify.com/album/4uLU6hMCjMI75M1A2tKUQC
Nobody - Nothing
"""


@pytest.fixture(scope="module")
def listed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the names of one dataset, to be copied; one entry tries to break out of the page."""
    folder = tmp_path_factory.mktemp("listed")
    rows = [
        "artist,title,link",
        f'"{MARK.replace(chr(34), chr(34) * 2)}",Flickermood,https://youtu.be/{VIDEO}',
    ]
    rows += [f"Artist {n},Song {n}," for n in range(50)] + ["Alex,Intro,"] * 9
    return home_with_names(folder, rows, dataset="AudioSet")


def ask(client: Any, pasted: str = "", *, file: tuple[str, bytes] = NO_FILE, language: str = "en") -> Any:
    """Send the form as a browser does."""
    headers = {**HTML, "Accept-Language": language}
    return client.post("/catalogue", files={"file": file}, data={"works": pasted}, headers=headers)


def words_of(page: str) -> str:
    """Return the words of a page."""
    shown = re.sub(r"<head>.*?</head>", "", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())


def test_pasted_lines_are_answered(listed: Settings, serve: Serve) -> None:
    """One sentence, a card with how each work was known, what that shows, and which lines were not asked."""
    with serve() as client:
        answer = ask(client, LINES)
    assert answer.status_code == 200
    words = words_of(answer.text)
    for said in (
        "2 of your 4 recordings are named in datasets we know.",
        "1 is known by an identifier",
        "1 is known only by artist and title",
        f"The list has the same YouTube identifier: {VIDEO}.",
        "Chance alone gives that for about one of 60 works with such names (E-value 1.7e-2);",
        "A name is no sound",
        "1 recording whose names are too common to show anything",
        "1 recording that no list names",
        "Line 5: https://open.spotify.com/album/4uLU6hMCjMI75M1A2tKUQC",
        "does not show that anybody trained a model",
        "AudioSet, version 1, 60 entries, as of",
        "Would you please",
        "https://research.google.com/audioset/index.html",
    ):
        assert said in words, said
    assert answer.text.count("<h1") == 1 and answer.text.count('class="card"') == 1
    assert not ACCUSING.search(words)
    assert_only_our_markup(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert (spool_of(listed), stored_catalogue(listed)) == ([], [])


def test_a_table_is_answered_with_its_rows(listed: Settings, serve: Serve) -> None:
    """Rows that give nothing to ask are named by number, and the others answer."""
    table = f"artist,title,link\nMe,Mine,https://youtu.be/{VIDEO}\nOnly an artist,,\nMe,Other,{MARK}\n"
    with serve() as client:
        sent = ask(client, file=("my.csv", table.encode()))
    words = words_of(sent.text)
    assert "1 of your 2 recordings is named in a dataset we know." in words
    assert "1 row has neither an identifier nor artist and title" in words
    assert re.search(r"Row 3\b", words) and re.search(r"Row 4: ", words)
    assert_only_our_markup(sent.text)


def test_nothing_found_is_no_proof(listed: Settings, serve: Serve) -> None:
    """Where no list names a work, the page says for what that holds."""
    with serve() as client:
        words = words_of(ask(client, "Nobody - Nothing", language="de").text)
    assert "Ihre Aufnahme ist in keiner der Listen genannt" in words
    assert "Es beweist nicht, dass der Klang nirgends ist." in words


@pytest.mark.parametrize(
    ("pasted", "file", "status", "code"),
    [
        ("", NO_FILE, 422, "empty_list"),
        ("just words\nand more", NO_FILE, 422, "not_a_catalogue"),
        ("", ("song.mp3", b"ID3\xff\xfb\x00"), 422, "not_a_catalogue"),
        (LINES, ("my.csv", LINES.encode()), 422, "two_lists"),
        ("a - b\n" * 2_001, NO_FILE, 413, "too_many_works"),
        ("a" * 60_000, NO_FILE, 413, "list_too_large"),
    ],
)
def test_what_cannot_be_asked_is_said_to_persons(
    listed: Settings, serve: Serve, monkeypatch: pytest.MonkeyPatch, pasted: str,
    file: tuple[str, bytes], status: int, code: str,
) -> None:  # fmt: skip
    """The page names the reason and the way out in the reader's language, and nothing is left."""
    monkeypatch.setattr(receive_catalogue, "MAX_BYTES", 50_000)
    language = "de" if file == NO_FILE else "en"
    with serve() as client:
        answer = ask(client, pasted, file=file, language=language)
    assert answer.status_code == status
    assert html.escape(messages(language)(f"error.{code}.what"), quote=False) in answer.text
    words = words_of(re.sub(r"<header>.*?</header>|<footer>.*?</footer>", "", answer.text, flags=re.S))
    assert ("Das hat nicht geklappt." if language == "de" else "That did not work.") in words
    assert not HTTP_WORDS.search(words), words
    assert "<details" not in answer.text
    assert spool_of(listed) == []


def test_without_a_list_the_pages_say_so(serve: Serve) -> None:
    """The first page offers no form for names, and a list that is sent all the same gets the reason."""
    with serve() as client:
        home = client.get("/").text
        assert 'action="/catalogue"' not in home and "No list of names is here yet" in home
        answer = ask(client, LINES)
    assert answer.status_code == 409
    assert "No list of names is here yet" in answer.text


def test_the_first_page_offers_to_ask_by_name(listed: Settings, serve: Serve) -> None:
    """With a list of names there is a form, and who reloads an answer is led to it."""
    with serve() as client:
        home = client.get("/").text
        assert 'action="/catalogue" enctype="multipart/form-data"' in home
        assert "1 such list is here" in home
        assert client.get("/catalogue", follow_redirects=False).headers["Location"] == "/#names"


def test_a_list_of_the_page_takes_a_slot(listed: Settings, serve: Serve) -> None:
    """As many lists at once as uploads: one more is refused before it is read."""
    with serve(uploads_per_client=1) as client:
        slots = client.app.state.service.slots
        with slots.taken("address testclient"):
            assert ask(client, LINES).status_code == 429
