"""Other spellings of artists and titles, as lists, stores and creators write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

Spelling = Callable[[str], str]

_ACCENTS: Final = str.maketrans("aeiou", "áèîøü")
_LETTERS: Final = str.maketrans({"a": "æ", "o": "ø", "d": "đ", "l": "ł"})
_PLAIN: Final = str.maketrans({"æ": "ae", "ø": "o", "đ": "d", "ł": "l"})


def _dashed(text: str) -> str:
    return "-".join(text.split()) + "!"


TITLES: Final[Mapping[str, tuple[Spelling, Spelling]]] = {
    "capitals": (str, str.upper),
    "accents": (str, lambda title: title.translate(_ACCENTS)),
    "Latin letters": (
        lambda title: title.translate(_LETTERS),
        lambda title: title.translate(_LETTERS).translate(_PLAIN),
    ),
    "punctuation": (str, _dashed),
    "guests": (lambda title: f"{title} (feat. Ana)", lambda title: f"{title} ft. Ana & Bo"),
    "guests before (Live)": (lambda title: f"{title} (Live)", lambda title: f"{title} feat. Ana (Live)"),
    "(with a guest)": (str, lambda title: f"{title} (with Ana)"),
    "(Remastered 2011)": (str, lambda title: f"{title} (Remastered 2011)"),
    "- 2011 Remaster": (str, lambda title: f"{title} - 2011 Remaster"),
    "- 2009 Digital Remaster": (str, lambda title: f"{title} - 2009 Digital Remaster"),
    "- Remastered Version": (str, lambda title: f"{title} - Remastered Version"),
    "(Official Video)": (str, lambda title: f"{title} (Official Video)"),
    "The X, X, The": (lambda title: f"The {title}", lambda title: f"{title}, The"),
    "& and and": (lambda title: f"{title} & more", lambda title: f"{title} and more"),
    "'n' and and": (lambda title: f"{title} 'n' more", lambda title: f"{title} and more"),
    "Pt. and Part": (lambda title: f"{title}, Pt. 2", lambda title: f"{title} (Part 2)"),
    "initials": (lambda title: f"{title} U.S.A.", lambda title: f"{title} USA"),
}
"""Kinds of spelling of a title: as the list has it, and as it is asked."""

ARTISTS: Final[Mapping[str, tuple[Spelling, Spelling]]] = {
    "capitals": (str, str.upper),
    "accents": (str, lambda artist: artist.translate(_ACCENTS)),
    "Latin letters": TITLES["Latin letters"],
    "punctuation": (str, _dashed),
    "The X": (str, lambda artist: f"The {artist}"),
    "X, The": (lambda artist: f"The {artist}", lambda artist: f"{artist}, The"),
    "guests": (str, lambda artist: f"{artist} feat. Ana"),
    "& and and": (lambda artist: f"{artist} & more", lambda artist: f"{artist} and more"),
    "'N' and and": (lambda artist: f"{artist} 'N' more", lambda artist: f"{artist} and more"),
    "initials": (lambda artist: f"N.W.A. {artist}", lambda artist: f"NWA {artist}"),
    "signs as letters": (lambda artist: f"a$ap {artist}", lambda artist: f"asap {artist}"),
    "- Topic": (str, lambda artist: f"{artist} - Topic"),
}
"""Kinds of spelling of an artist: as the list has it, and as it is asked."""

TRANSLITERATED: Final = (("Кино", "Kino"), ("東京", "Tokyo"), ("Σωκράτης", "Sokratis"), ("בית", "Bayit"))
"""Names in other scripts and in Latin letters."""
