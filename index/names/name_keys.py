"""Names in the form in which they are compared: without case, accents, punctuation, guests and remarks.

A key is made of words joined by ``_``. The same recording is written in many ways: ``Don't Stop (feat. Ana) -
Remastered 2011`` and ``dont stop`` have one key. ``(Live)`` and ``(Remix)`` stay: they are other recordings.
``python -m benchmarks names --spellings`` counts what is found in other spellings, and what chance gives.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

LONGEST_NAME: Final = 500
"""Characters of a name that are looked at."""
LONGEST_KEY: Final = 200
MOST_ARTISTS: Final = 24
"""Keys of artists of one entry."""

_REMARKS: Final = (
    r"official|video|audio|lyrics?|visuali[sz]er|remaster(?:ed)?|explicit|hd|hq|4k|mono|stereo|bonus track"
    r"|deluxe|(?:album|single|original) (?:version|mix)"
)
_BESIDE_REMARKS: Final = r"\d{4}|digital(?:ly)?|version|edition|in"
_OTHER_RECORDINGS: Final = r"live|remix|acoustic|demo|instrumental|karaoke|cover|unplugged"
_GUESTS: Final = r"(?:feat|ft|featuring)\b\.?"
_BRACKETED: Final = re.compile(
    rf"\s*[\(\[](?:(?:{_GUESTS}|with\b|prod\b\.?)[^\)\]]*"
    rf"|(?![^\)\]]*\b(?:{_OTHER_RECORDINGS})\b)(?:[^\)\]]*\W)?(?:{_REMARKS})(?:\W[^\)\]]*)?)[\)\]]",
    re.IGNORECASE,
)
_AFTER_DASH: Final = re.compile(
    rf"\s[-–—]\s(?:(?:{_BESIDE_REMARKS})\s)*(?:{_REMARKS})(?:\s(?:{_BESIDE_REMARKS}|{_REMARKS}))*\s*$",
    re.IGNORECASE,
)
_GUESTS_AT_END: Final = re.compile(rf"\s{_GUESTS}\s.*?(?=\s[-–—]\s|\s*[\(\[]|$)", re.IGNORECASE)
_MAY_HAVE_REMARKS: Final = re.compile(r"[\(\[]|\s[-–—]\s|\sf", re.IGNORECASE)
_ARTICLE_AT_END: Final = re.compile(r"^(.+),\s*(the|an?|les?|l[ao]s?|el|die|der|das)\s*$", re.IGNORECASE)
_BETWEEN_ARTISTS: Final = re.compile(
    rf"\s*[,;|&]\s*|\s+[/+]\s+|\s+(?:{_GUESTS}|vs\b\.?|x)\s+|\s*[\(\[]{_GUESTS}\s*", re.IGNORECASE
)
_TOPIC: Final = re.compile(r" - Topic\s*$")
_WORDS: Final = re.compile(r"[^\W_]+")
_SIGNS: Final = str.maketrans({"&": " and ", "'": "", "’": "", "‘": "", "`": "", "´": ""})
_INITIALS: Final = re.compile(r"(?<=\b[^\W\d_])\.(?=[^\W\d_](?:\b|\.))")
"""The points of ``R.E.M.``, which is also written ``REM``."""
_AS_LETTERS: Final = re.compile(r"\$(?=[a-z])|(?<=[a-z])\$|(?<=[a-z])!(?=[a-z])")
"""Signs that stand for letters, as in ``A$AP`` and ``P!nk``."""
_SAME_WORDS: Final = {"n": "and", "pt": "part"}
_LATIN: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
"""Latin letters that have no decomposition in Unicode, after folding; as CLDR's Latin-ASCII writes them."""


@lru_cache(maxsize=65_536)
def title_key(title: str) -> str:
    """Return the key of a title; empty for a text without any sign."""
    title = title[:LONGEST_NAME]
    if _MAY_HAVE_REMARKS.search(title):
        plain = _AFTER_DASH.sub("", _GUESTS_AT_END.sub("", _BRACKETED.sub("", title)))
        title = plain if plain.strip() else title
    return plain_key(_article_first(title))


@lru_cache(maxsize=65_536)
def artist_keys(artist: str) -> tuple[str, ...]:
    """Return the keys of an artist's name: of the whole, and of each name where it may list several."""
    artist = artist[:LONGEST_NAME]
    if " - T" in artist:
        artist = _TOPIC.sub("", artist)
    artist = _article_first(artist)
    parts = _BETWEEN_ARTISTS.split(artist)
    if len(parts) == 1:
        key = _without_article(plain_key(artist))
        return (key,) if key else ()
    keys = (_without_article(plain_key(name)) for name in [artist, *parts][:MOST_ARTISTS])
    return tuple(dict.fromkeys(key for key in keys if key))


def keys_of_artists(artists: Sequence[str]) -> tuple[str, ...]:
    """Return the keys of several artists, `MOST_ARTISTS` at most."""
    if len(artists) == 1:
        return artist_keys(artists[0])
    keys = dict.fromkeys(key for artist in artists for key in artist_keys(artist))
    return tuple(keys)[:MOST_ARTISTS]


def _article_first(name: str) -> str:
    """Return ``The Wall`` for ``Wall, The``."""
    return _ARTICLE_AT_END.sub(r"\2 \1", name) if "," in name else name


def _without_article(key: str) -> str:
    return key.removeprefix("the_") if key != "the" else ""


def plain_key(name: str) -> str:
    """Return the words of a name without case, accents and punctuation; its signs where it has no words."""
    folded = name.lower() if name.isascii() else _folded(name)
    words = folded.split()
    if not (name.isascii() and all(map(str.isalnum, words))):
        plain = _AS_LETTERS.sub(lambda sign: "s" if sign[0] == "$" else "i", _INITIALS.sub("", folded))
        words = _WORDS.findall(plain.translate(_SIGNS))
    key = "_".join(words if _SAME_WORDS.keys().isdisjoint(words) else _same_words(words))
    return key[:LONGEST_KEY] or "_".join(_signs(folded))[:LONGEST_KEY]


def _same_words(words: Sequence[str]) -> list[str]:
    """Return words with ``n`` between two of them as ``and``, and ``pt`` before another as ``part``."""
    last = len(words) - 1
    return [
        _SAME_WORDS.get(word, word) if n < last and (n > 0 or word != "n") else word
        for n, word in enumerate(words)
    ]


def _folded(name: str) -> str:
    """Fold case and compatible forms; accents are left out, marks of other scripts are kept."""
    decomposed = unicodedata.normalize("NFKD", name)
    bare = "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", bare).casefold())
    return "".join(_as_letter(char) for char in folded.translate(_LATIN))


def _as_letter(char: str) -> str:
    """Return a mark that belongs to a letter as a letter, so that it does not divide its word."""
    return f"u{ord(char):x}" if unicodedata.category(char).startswith("M") else char


def _signs(name: str) -> Iterator[str]:
    """Yield the signs of a name such as ``???`` or an emoji, as words."""
    return (f"u{ord(char):x}" for char in name if not char.isspace() and char.isprintable())
