"""A list of works as people paste it: one link, ISRC or ``artist - title`` a line, without a header row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.name_lists.list_columns import role_of
from earwitness.index.names.recording_ids import isrc_of, linked_id

_DELIMITERS: Final = re.compile(r"[,;|\t]")
_DASH: Final = re.compile(r"\s+[-–—]\s+")
_BESIDE_ISRC: Final = "()[],;|:"
_SEPARATORS: Final = " -–—,;|"
_ENDS: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class PastedLines:
    """The works in pasted lines.

    Attributes
    ----------
    works : tuple of dict
        Each with the same keys: artist, title, isrc, link.
    numbers : tuple of int
        The line of each work, counted from 1.
    not_understood : tuple of (int, str)
        Number and text of the lines, or parts of lines, that are nothing of this.
    """

    works: tuple[dict[str, str], ...]
    numbers: tuple[int, ...]
    not_understood: tuple[tuple[int, str], ...]

    @property
    def as_rows(self) -> list[dict[str, str]]:
        """A row for each line that is not blank; unknown text stands in the place of an identifier."""
        rows = dict(zip(self.numbers, map(dict, self.works), strict=True))
        for number, text in self.not_understood:
            if number in rows:
                rows[number]["link"] = f"{rows[number]['link']} {text}".strip()
            else:
                rows[number] = {"artist": "", "title": "", "isrc": text, "link": ""}
        return [rows[number] for number in sorted(rows)]


def pasted_lines(text: str) -> PastedLines | None:
    """Return the works in pasted lines; None for a table, whose first line names its columns."""
    lines = [(number, line.strip()) for number, line in enumerate(_ENDS.split(text), start=1)]
    lines = [(number, line) for number, line in lines if line]
    if lines and _names_columns(lines[0][1]):
        if _DELIMITERS.search(lines[0][1]):
            return None
        lines = lines[1:]  # a table with one column: its lines are read as if it had no header
    works, numbers, not_understood = [], [], []
    for number, line in lines:
        work, rest = _work_in(line)
        if work is not None:
            works.append(work)
            numbers.append(number)
        if rest:
            not_understood.append((number, rest))
    return PastedLines(works=tuple(works), numbers=tuple(numbers), not_understood=tuple(not_understood))


def _names_columns(line: str) -> bool:
    cells = [cell.strip().strip('"') for cell in _DELIMITERS.split(line)]
    is_work = _DASH.search(line) is not None or "://" in line
    return not is_work and any(role_of((cell,)) is not None for cell in cells)


def _work_in(line: str) -> tuple[dict[str, str] | None, str]:
    """Return the work that a line names, if it names one, and the text that could not be understood."""
    texts, links, isrcs = list[str](), list[str](), list[str]()
    for part in line.split():
        isrc = isrc_of(part.strip(_BESIDE_ISRC))
        if linked_id(part) is not None:
            links.append(part)
        elif isrc is not None:
            isrcs.append(isrc)
        else:
            texts.append(part)
    rest = " ".join(texts)
    if (links or isrcs) and texts:
        rest = rest.strip(_SEPARATORS)  # between a name and what was taken out
    if not isrcs and (isrc := isrc_of(rest)) is not None:
        isrcs, rest = [isrc], ""
    has_unknown_link = "://" in rest
    halves = [] if has_unknown_link else _DASH.split(rest, maxsplit=1)
    artist, title = halves if len(halves) == 2 else ("", "")
    unknown = [rest] if has_unknown_link else []
    unknown += isrcs[1:]  # a work has one
    if not (links or isrcs or title):
        return None, rest
    work = {"artist": artist, "title": title, "isrc": isrcs[0] if isrcs else "", "link": " ".join(links)}
    return work, " ".join(unknown)
