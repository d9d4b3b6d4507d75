"""One card of an answer: a dataset, how the recording was known there, how sure that is, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from earwitness.api.answers.alignment_drawing import Drawing, alignment_drawing
from earwitness.api.answers.answer_words import (
    chance,
    change_from_their_side,
    covered,
    how_sure,
    rounded_down,
)
from earwitness.api.answers.dataset_groups import DatasetGroup
from earwitness.api.answers.messages import Messages
from earwitness.api.answers.next_steps import NextStep, WhereToWrite, next_steps, where_to_write
from earwitness.api.findings import Finding, FindingMatch, FindingSegment
from earwitness.api.sentences import power_of_ten
from earwitness.api.shelf.dataset_cards import Statement
from earwitness.api.shelf.names_evidence import NamedEntry, NamedIn
from earwitness.api.shelf.platform_routes import platforms
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.index.names.name_entries import INDEXED_HERE
from earwitness.index.names.recording_ids import SHOWN_KINDS

PLACES_SHOWN: Final = 50
"""Most places of one dataset that a card lists; the findings have them all."""
SPANS_SHOWN: Final = 3
"""Stretches of a place that stand unfolded."""
FIRST_TOPICS: Final = ("publisher", "licence")
"""Topics of a dataset's card that stand unfolded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A statement about the dataset, with its source and date; `address` where the value is one."""

    topic: str
    value: str
    source: str
    date: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One stretch: where it is in the reader's file and in theirs, and its beginning there in seconds."""

    yours: str
    theirs: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure with the sound of both recordings: its address, the same in words, and how to read it.

    Attributes
    ----------
    number : int
        The place of the match in the finding.
    """

    number: int
    address: str
    text: str
    about: str


NO_PICTURES: Final[Mapping[int, Picture]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One item of the dataset that holds the recording, or a part of it.

    Attributes
    ----------
    spans, more_spans : tuple of Span
        The longest stretches in order of time, and the others.
    drawing : Drawing or None
        Where the stretches lie in both files; None where the length of the reader's file is not known.
    picture : Picture or None
        The figure with the sound of the longest stretch, where there is one.
    """

    path: str
    title: str
    sure: str
    chance: str
    change: str
    covered: str
    spans: tuple[Span, ...]
    more_spans: tuple[Span, ...]
    drawing: Drawing | None
    picture: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEvidence:
    """Evidence that is not by sound: the same file, or a name.

    Attributes
    ----------
    how : str
        ``file`` or ``name``.
    about : str
        The work that it is about; empty where the answer is about one recording.
    sure, number : str
        How sure in words, and the numbers behind it.
    entries : tuple of str
        Files or entries of the dataset.
    n_more : int
        Entries that are not listed.
    """

    how: str
    sure: str
    number: str
    entries: tuple[str, ...]
    n_more: int
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCard:
    """One dataset in an answer.

    Attributes
    ----------
    ways : tuple of str
        How the recording was known there: ``sound``, ``file``, ``name``.
    places : tuple of Place
        Items that match by sound, the best first; `PLACES_SHOWN` at most.
    n_places : int
        Number of all such items.
    stated, stated_more : tuple of Stated
        What is known of the dataset; the second part is shown folded.
    next_steps : tuple of NextStep
        What one can do, and where; says so where no address is known.
    where : WhereToWrite
        The addresses for a letter.
    gives_no_audio : bool
        Whether its publisher is known to give out no audio.
    """

    name: str
    version: str
    is_works: bool
    ways: tuple[str, ...]
    places: tuple[Place, ...]
    n_places: int
    others: tuple[OtherEvidence, ...]
    stated: tuple[Stated, ...]
    stated_more: tuple[Stated, ...]
    next_steps: tuple[NextStep, ...]
    where: WhereToWrite
    gives_no_audio: bool


def dataset_card(
    finding: Finding, group: DatasetGroup, t: Messages, pictures: Mapping[int, Picture] = NO_PICTURES
) -> DatasetCard:
    """Return the card of one dataset of a finding.

    Parameters
    ----------
    pictures
        By the place of their match in the finding.
    """
    others = (
        *(_listed(each, t) for each in group.same_file),
        *(evidence_by_name(each, t) for each in group.names),
    )
    places = tuple(_place(finding, each, t, pictures) for each in group.matches[:PLACES_SHOWN])
    return card_of_group(group, t, others=others, places=places)


def card_of_group(
    group: DatasetGroup, t: Messages, *, others: tuple[OtherEvidence, ...], places: tuple[Place, ...] = ()
) -> DatasetCard:
    """Return the card of a dataset with this evidence."""
    ways = {"sound": group.matches, "file": group.same_file, "name": group.names}
    statements = {} if group.card is None else dict(group.card.statements)
    stated = {topic: _stated(topic, each, t) for topic, each in statements.items()}
    ships = () if group.card is None else group.card.ships
    return DatasetCard(
        name=group.name if group.card is None else group.card.name,
        version=group.version,
        is_works=group.is_works,
        ways=tuple(way for way, found in ways.items() if found),
        places=places,
        n_places=len(group.matches),
        others=others,
        stated=tuple(stated[topic] for topic in FIRST_TOPICS if topic in stated),
        stated_more=tuple(each for topic, each in stated.items() if topic not in FIRST_TOPICS),
        next_steps=next_steps(group.card, t),
        where=where_to_write(group.card),
        gives_no_audio=bool(ships) and "audio" not in ships,
    )


def _stated(topic: str, statement: Statement, t: Messages) -> Stated:
    value = statement.value
    text = t.listed([_word(str(each), t) for each in value]) if isinstance(value, list) else str(value)
    is_address = isinstance(value, str) and value.startswith(("https://", "http://"))
    return Stated(
        topic=t(f"topic.{topic}") if t.has(f"topic.{topic}") else topic,
        value=text,
        source=statement.source,
        date=statement.date,
        address=text if is_address else None,
    )


def _word(value: str, t: Messages) -> str:
    if value in platforms():
        return platforms()[value].name
    return t(f"ships.{value}") if t.has(f"ships.{value}") else value


def _place(finding: Finding, match: FindingMatch, t: Messages, pictures: Mapping[int, Picture]) -> Place:
    recording = match.recording
    title = " – ".join(text for text in (recording.artist, recording.title) if text)
    longest = sorted(match.segments, key=lambda each: each.query_start_s - each.query_end_s)
    first = sorted(longest[:SPANS_SHOWN], key=lambda each: each.query_start_s)
    rest = sorted(longest[SPANS_SHOWN:], key=lambda each: each.query_start_s)
    return Place(
        path=recording.path,
        title=title,
        sure=how_sure(finding, match, t),
        chance=chance(match, t),
        change=change_from_their_side(match, t),
        covered=covered(match, t),
        spans=tuple(_span(each, t) for each in first),
        more_spans=tuple(_span(each, t) for each in rest),
        picture=pictures.get(finding.matches.index(match)) if pictures else None,
        drawing=alignment_drawing(match, finding.item.duration_s, t),
    )


def _span(segment: FindingSegment, t: Messages) -> Span:
    def between(start_s: float, end_s: float) -> str:
        return t("span", start=t.clock(start_s), end=t.clock(end_s))

    return Span(
        yours=between(segment.query_start_s, segment.query_end_s),
        theirs=between(segment.reference_start_s, segment.reference_end_s),
        start_s=round(segment.query_start_s, 2),
        end_s=round(segment.query_end_s, 2),
    )


def _listed(found: SameFile, t: Messages) -> OtherEvidence:
    return OtherEvidence(
        how="file",
        sure=t("file.sure"),
        number=t("file.number", digest=found.digest.upper(), n=found.n_files, listed_by=found.listed_by),
        entries=found.paths,
        n_more=max(found.n_paths - len(found.paths), 0),
    )


def evidence_by_name(found: NamedIn, t: Messages, *, about: str = "") -> OtherEvidence:
    """Return what a list of names shows: in words, then in numbers."""
    listed_by = t("name.indexed_here") if found.listed_by == INDEXED_HERE else found.listed_by
    listed = {"n": found.n_listed, "listed_by": listed_by}
    if found.e_value is None:
        sure = t("name.sure.id", kind=SHOWN_KINDS.get(found.kind, found.kind), value=found.value)
        number = t("name.number.id", **listed)
    else:
        sure = t("name.sure.title", value=found.value)
        one_of = max(1, rounded_down(1 / found.e_value)) if found.e_value else 0
        number = t("name.number.title", works=one_of, e=power_of_ten(found.e_value), **listed)
    return OtherEvidence(
        how="name",
        about=about,
        sure=sure,
        number=number,
        entries=tuple(map(_entry, found.entries)),
        n_more=max(found.n_entries - len(found.entries), 0),
    )


def _entry(entry: NamedEntry) -> str:
    shown = " – ".join([", ".join(entry.artists), entry.title or ""]).strip(" –")
    return f"{shown} ({entry.place})" if shown else entry.place
