"""Rows of a list of works of which nothing could be asked: which they are, why, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from earwitness.api.answers.messages import Messages
from earwitness.api.datasets.name_lists.name_source import NameSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTrouble:
    """One kind of trouble with rows of a list.

    Attributes
    ----------
    what, do : str
        What is wrong with how many rows, and what to do about it.
    rows : tuple of str
        The first of these rows, with what could not be understood.
    n_more : int
        Rows that are not listed.
    """

    what: str
    do: str
    rows: tuple[str, ...]
    n_more: int


def list_troubles(
    names: NameSource,
    not_understood: Sequence[tuple[int, str]],
    row_at: Callable[[str], str],
    t: Messages,
    *,
    most: int,
) -> tuple[ListTrouble, ...]:
    """Return what could not be asked of a list.

    Parameters
    ----------
    not_understood
        Number and text of pasted lines that are no work.
    row_at
        Returns the words for a place in the list.
    most
        Rows of each kind that are listed.
    """
    lines = [f"{t('list.line', number=number)}: {text}" for number, text in not_understood]
    unknown = [f"{row_at(each.place)}: {each.text}" for each in names.unknown]
    refused = [f"{row_at(each.place)}: {each.text}" for each in names.refused]
    nameless = list(map(row_at, names.nameless))
    kinds = (
        ("line", lines, len(lines)),
        ("unknown", unknown, names.n_unknown),
        ("nameless", nameless, names.n_nameless),
        ("refused", refused, names.n_refused),
    )
    troubles = [_trouble(kind, rows[:most], number, t) for kind, rows, number in kinds if number]
    if names.cut_off is not None:
        what, do = t("list.cut_off.what"), t("list.cut_off.do")
        troubles.append(ListTrouble(what=what, do=do, rows=(names.cut_off,), n_more=0))
    return tuple(troubles)


def _trouble(kind: str, rows: Sequence[str], number: int, t: Messages) -> ListTrouble:
    return ListTrouble(
        what=t(f"list.{kind}.what", n=number),
        do=t(f"list.{kind}.do"),
        rows=tuple(rows),
        n_more=number - len(rows),
    )
