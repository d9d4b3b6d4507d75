"""The words of the pages, by language: one catalogue (gettext) for each, ``locales/LANGUAGE.po``.

A message has a key, such as ``card.licence``, and a sentence with placeholders in braces. A key with the
placeholder ``{n}`` has a form for one and a form for several. `Messages` gives the sentences of one
language; Babel reads the catalogues, chooses the language and writes numbers and dates.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from babel.messages import Catalog
    from babel.support import Translations

LOCALES: Final = Path(__file__).parent / "locales"
ENGLISH: Final = "en"
LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
"""Languages of the pages, by code, each with its own name."""


class Messages:
    """The messages of one language; call it with a key and the values of the placeholders.

    Parameters
    ----------
    language : str
        A key of `LANGUAGES`.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._translations = _translations(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a sentence with its values; whole numbers are written as the language writes them.

        Raises
        ------
        KeyError
            When the language has no such message.
        """
        n = values.get("n")
        found = (
            self._translations.ungettext(key, key, n)
            if isinstance(n, int)
            else self._translations.ugettext(key)
        )
        if found == key:
            raise KeyError(f"{key} ({self.language})")
        shown = {name: self._shown(value) for name, value in values.items()}
        return str(found).format(**shown)

    def has(self, key: str) -> bool:
        """Whether there is a message without a number under this key."""
        return bool(self._translations.ugettext(key) != key)

    def number(self, value: float, digits: int = 1) -> str:
        """Write a number with at most so many digits behind the point."""
        from babel.numbers import format_decimal

        return format_decimal(round(value, digits), format=f"#,##0.{'#' * digits}", locale=self.language)

    def date(self, moment: datetime) -> str:
        """Write a date and a time of day in UTC."""
        from babel.dates import format_date, format_time

        day = format_date(moment, "long", locale=self.language)
        return f"{day}, {format_time(moment, 'HH:mm', locale=self.language)} UTC"

    def clock(self, seconds: float) -> str:
        """Write a time as minutes and seconds, such as ``1:02.5``."""
        minutes, rest = divmod(round(seconds, 1), 60)
        whole, _, tenth = f"{rest:04.1f}".partition(".")
        point = self.number(0.5)[1:2]
        return f"{minutes:.0f}:{whole}{point}{tenth}"

    def listed(self, texts: Sequence[str]) -> str:
        """Join texts as a list: ``A, B and C``."""
        from babel.lists import format_list

        return format_list(list(texts), locale=self.language)

    def _shown(self, value: object) -> object:
        return self.number(value, 0) if isinstance(value, int) and not isinstance(value, bool) else value


@cache
def messages(language: str = ENGLISH) -> Messages:
    """Return the messages of a language."""
    return Messages(language)


def chosen_language(wanted: str | None, accepted: str = "") -> str:
    """Return the language of a page.

    Parameters
    ----------
    wanted : str or None
        The code that the reader chose, if any; one that there is not is passed over.
    accepted : str
        The header Accept-Language of the reader's browser.
    """
    from babel import negotiate_locale

    if wanted in LANGUAGES:
        return str(wanted)
    return negotiate_locale(_preferred(accepted), list(LANGUAGES), sep="-") or ENGLISH


def _preferred(accepted: str) -> list[str]:
    """Return the languages of an Accept-Language header, the most wanted first."""
    weighed: list[tuple[float, str]] = []
    for part in accepted[:1_000].split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if weight > 0 and name.replace("-", "").isalnum():
            weighed.append((weight, name))
    weighed.sort(key=lambda each: -each[0])
    return [name for _, name in weighed]


@cache
def catalogue(language: str) -> Catalog:
    """Read the catalogue of a language."""
    from babel.messages.pofile import read_po

    with (LOCALES / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _translations(language: str) -> Translations:
    from babel.messages.mofile import write_mo
    from babel.support import Translations

    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return Translations(fp=compiled)
