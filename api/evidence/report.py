"""One self-contained HTML page about a scan: what was compared, what matched, and what could not be read.

Matches with works stand under each work, with figures; those with items of datasets are rows of a table.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from earwitness.api.datasets.items import Reader, SourceItem
from earwitness.api.evidence.thumbnail import thumbnail
from earwitness.api.findings import Finding, FindingMatch, threshold
from earwitness.api.pipeline.search_item import ItemDecoder
from earwitness.api.pipeline.searched_collections import open_library
from earwitness.api.scan.outputs import whole_file
from earwitness.api.scan.tally import Tally, title_of, work_label
from earwitness.api.sentences import (
    change_words,
    clock,
    e_value_cell,
    e_value_note,
    e_value_words,
    power_of_ten,
    searched_how,
    summary,
)
from earwitness.api.settings import Settings
from earwitness.index.database.records import Thumbnail
from earwitness.index.library import Library
from earwitness.index.match import Verdict

MAX_DRAWN: Final = 60
"""Matches shown with their spectrograms, the lowest E-value first; the others are listed."""
MAX_ROWS: Final = 200
LOWEST_LOG_E: Final = -30


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One match.

    Attributes
    ----------
    figure : str or None
        URL of the figure with the spectrograms of item and work, where it was drawn.
    n_items : int
        Number of works that share the material of the match.
    """

    item: str
    match: FindingMatch
    figure: str | None = None
    n_items: int = 1

    @property
    def change(self) -> str:
        """How the item was changed from the work."""
        return change_words(self.match)

    @property
    def title(self) -> str:
        """Title and artist of the work."""
        return title_of(self.match)

    @property
    def e_value(self) -> str:
        """Its E-value, for a sentence."""
        return e_value_words(self.match)

    @property
    def e_value_cell(self) -> str:
        """Its E-value, for a table."""
        return e_value_cell(self.match)

    @property
    def spans(self) -> tuple[str, str]:
        """Start and end of the longest segment, in the item and in the work."""
        here, there = longest(self.match)
        return f"{clock(here[0])}-{clock(here[1])}", f"{clock(there[0])}-{clock(there[1])}"


@dataclass(slots=True, kw_only=True)
class Counted:
    """Items of one part of the source by verdict, and the seconds of audio that were decoded."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    decoded_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class ReportData:
    """What a page shows, collected in one pass over the findings."""

    works: dict[str, list[Shown]] = field(default_factory=lambda: defaultdict(list))
    dataset_items: list[Shown] = field(default_factory=list)
    n_dataset_items: int = 0
    parts: dict[str, Counted] = field(default_factory=lambda: defaultdict(Counted))
    possible: list[Shown] = field(default_factory=list)
    shared: list[Shown] = field(default_factory=list)
    log_e: list[float] = field(default_factory=list)
    checked_to: float = 0.0
    """Largest E-value below which one of them is extrapolated; 0 where none is."""

    def take(self, finding: Finding) -> None:
        """Add one finding."""
        part = self.parts[part_of(finding)]
        part.verdicts[finding.verdict] += 1
        part.decoded_s += finding.item.duration_s or 0.0
        for match in finding.certain:
            shown = Shown(item=finding.item.id, match=match)
            if match.is_work:
                self.works[work_label(match)].append(shown)
            else:
                self.take_dataset_item(shown)
        extrapolated = [match.e_checked_to for match in finding.matches if match.e_extrapolated]
        self.checked_to = max([self.checked_to, *extrapolated])
        if finding.best_e_value < math.inf:
            self.log_e.append(math.log10(max(finding.best_e_value, 1e-300)))
        if finding.verdict is Verdict.POSSIBLE:
            self.possible.append(Shown(item=finding.item.id, match=finding.possible[0]))
        if finding.verdict is Verdict.SHARED_MATERIAL:
            shared = Shown(item=finding.item.id, match=finding.shared[0], n_items=len(finding.shared))
            self.shared.append(shared)

    def take_dataset_item(self, shown: Shown) -> None:
        """Add a match with an item of a dataset; the first `MAX_ROWS` are kept, and all are counted."""
        self.n_dataset_items += 1
        if len(self.dataset_items) < MAX_ROWS:
            self.dataset_items.append(shown)


def part_of(finding: Finding) -> str:
    """Name the shard that holds an item, or else its topmost folder."""
    shard, row, _ = finding.item.id.rpartition("#")
    if row:
        return shard
    folder, below, _ = finding.item.id.partition("/")
    return folder if below else "(top)"


def longest(match: FindingMatch) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the longest segment, as seconds in the item and seconds in the work."""
    best = max(match.segments, key=lambda each: each.query_end_s - each.query_start_s)
    return (best.query_start_s, best.query_end_s), (best.reference_start_s, best.reference_end_s)


def write_report(
    findings: Iterable[Finding], tally: Tally, path: Path, *, source: str, items: Reader, settings: Settings
) -> None:
    """Write the page. Items shown with their spectrogram are decoded once more for it."""
    data = ReportData()
    for finding in findings:
        data.take(finding)
    drawn = draw(data, items, settings)
    page = Environment(
        loader=PackageLoader("earwitness.api.evidence", "pages"), autoescape=True, undefined=StrictUndefined
    ).get_template("report.html")
    text = page.render(
        source=source,
        format=items.format,
        version=version("earwitness"),
        tally=tally,
        threshold=threshold(tally.n_items),
        summary=summary(tally),
        how=None if tally.search is None else searched_how(tally.search),
        verdicts=[(verdict, tally.verdicts[verdict]) for verdict in Verdict],
        dataset_items=data.dataset_items,
        n_dataset_items=data.n_dataset_items,
        works=sorted(drawn.items(), key=lambda each: -len(each[1])),
        possible=data.possible[:MAX_ROWS],
        n_possible=len(data.possible),
        shared=data.shared[:MAX_ROWS],
        n_shared=len(data.shared),
        parts=list(data.parts.items())[:MAX_ROWS],
        n_parts=len(data.parts),
        bars=histogram(data.log_e),
        checked_to=data.checked_to and power_of_ten(data.checked_to),
        note=e_value_note([shown.match for shown in data.possible[:MAX_ROWS]]),
        dataset_note=e_value_note([shown.match for shown in data.dataset_items]),
    )
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def histogram(log_e: Collection[float]) -> list[tuple[int, int]]:
    """Count best matches by the power of ten of their E-value, from the smallest to that of `possible`."""
    counts = Counter(max(math.floor(each), LOWEST_LOG_E) for each in log_e)
    return [(power, counts[power]) for power in range(LOWEST_LOG_E, -1)] if counts else []


def draw(data: ReportData, items: Reader, settings: Settings) -> Mapping[str, list[Shown]]:
    """Return the matches by work, with figures added to the `MAX_DRAWN` of lowest E-value."""
    every = sorted((shown for each in data.works.values() for shown in each), key=lambda s: s.match.e_value)
    chosen = {(shown.item, shown.match.recording.id) for shown in every[:MAX_DRAWN]}
    if not chosen:
        return data.works
    with open_library(settings) as library:
        thumbnails = decode_again({item for item, _ in chosen}, items, settings, scheme=library.scheme)
        return {
            work: [_drawn(shown, chosen, thumbnails, library) for shown in shown_items]
            for work, shown_items in data.works.items()
        }


def _drawn(
    shown: Shown, chosen: set[tuple[str, str]], thumbnails: Mapping[str, Thumbnail], library: Library
) -> Shown:
    if (shown.item, shown.match.recording.id) not in chosen or shown.item not in thumbnails:
        return shown
    row = library.by_sha256(shown.match.recording.id)
    stored = None if row is None else library.thumbnail(row.id)
    if stored is None:
        return shown
    from earwitness.api.evidence.spectrogram_figure import Panel, figure_url  # loads matplotlib and librosa

    here, there = longest(shown.match)
    item = Panel(name="item", thumbnail=thumbnails[shown.item], start_s=here[0], end_s=here[1])
    work = Panel(name="work", thumbnail=stored, start_s=there[0], end_s=there[1])
    return replace(shown, figure=figure_url(item, work, library.extractor.params))


def decode_again(
    wanted: Collection[str], items: Reader, settings: Settings, *, scheme: str
) -> dict[str, Thumbnail]:
    """Read the source once more, and return the thumbnails of the items whose ids are in `wanted`."""
    thumbnails: dict[str, Thumbnail] = {}
    with ItemDecoder(settings=settings, scheme=scheme, looks_up_files=False) as decoder:
        for item in items:
            if item.item_id in wanted and isinstance(item, SourceItem):
                query = decoder.decode(item).query
                if query is not None:
                    thumbnails[item.item_id] = thumbnail(query.spectrogram)
            if len(thumbnails) == len(wanted):
                break
    return thumbnails
