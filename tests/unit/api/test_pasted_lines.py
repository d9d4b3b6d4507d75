"""Pasted lines: each is a work or is named as one that is none, and tables are left to their reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.shelf.pasted_lines import pasted_lines

LINK = "https://youtu.be/dQw4w9WgXcQ"
NAMED = {"artist": "Night Bus", "title": "Rain", "isrc": "DEA122400001"}
TRACK = "spotify:track:4uLU6hMCjMI75M1A2tKUQC"


@pytest.mark.parametrize(
    ("line", "work"),
    [
        (LINK, {"link": LINK}),
        (f"{LINK} {TRACK}", {"link": f"{LINK} {TRACK}"}),
        ("de-a12-24-00001", {"isrc": "DEA122400001"}),
        ("Night Bus - Rain - Live", {"artist": "Night Bus", "title": "Rain - Live"}),
        ("Night Bus \N{EN DASH} Rain", {"artist": "Night Bus", "title": "Rain"}),
        (f"  Night Bus - Rain {LINK}\t", {"artist": "Night Bus", "title": "Rain", "link": LINK}),
        (f"Rain {LINK}", {"link": LINK}),
        ("Night Bus - Rain DEA122400001", NAMED),
        ("de-a12-24-00001 - Night Bus - Rain", NAMED),
        ("Night Bus - Rain (DEA122400001)", NAMED),
        (f"Night Bus - Rain - DEA122400001, {LINK}", NAMED | {"link": LINK}),
        ("DE A12 24 00001", {"isrc": "DEA122400001"}),
    ],
)  # fmt: skip
def test_a_line_names_a_work(line: str, work: dict[str, str]) -> None:
    """Links, an ISRC, artist and title between a dash, and links beside them."""
    found = pasted_lines(f"\r\n{line}\n")
    assert found is not None
    assert [{key: text for key, text in each.items() if text} for each in found.works] == [work]
    assert (found.numbers, found.not_understood) == ((2,), ())


def test_what_is_no_work_is_named() -> None:
    """Links of albums, single words and links of other sites are given back with their lines."""
    album = "https://open.spotify.com/album/4uLU6hMCjMI75M1A2tKUQC"
    found = pasted_lines(
        f"{album}\n\nRain\rA - B https://example.org/x\n{LINK} {album}\nDEA122400001 DEA122400002"
    )
    assert found is not None
    assert found.numbers == (5, 6)
    assert found.not_understood == (
        (1, album),
        (3, "Rain"),
        (4, "A - B https://example.org/x"),
        (5, album),
        (6, "DEA122400002"),
    )


@pytest.mark.parametrize("head", ["artist,title", "Artist;Song", "\nlink\tISRC", '"title","x"'])
def test_a_table_is_left_to_its_reader(head: str) -> None:
    """A first line that names columns makes a table, and a single such word is passed over."""
    assert pasted_lines(f"{head}\na,b") is None
    alone = pasted_lines(f"link\n{LINK}")
    assert alone is not None and alone.numbers == (2,)


@given(st.text())
def test_every_line_is_a_work_or_named(text: str) -> None:
    """Whatever is pasted, no line is lost, and each work has something to ask by."""
    found = pasted_lines(f"{LINK}\n{text}")
    assert found is not None
    numbers = {*found.numbers, *(number for number, _ in found.not_understood)}
    lines = f"{LINK}\n{text}".replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert numbers == {number for number, line in enumerate(lines, start=1) if line.strip()}
    assert all(each["link"] or each["isrc"] or each["title"] for each in found.works)
