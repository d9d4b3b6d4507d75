"""The sentences of a job's page: what matches and how sure that is. They accuse nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from earwitness.api.finding_json import from_json
from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.http.schemas import JobOut
from earwitness.api.sentences import (
    change_words,
    clock,
    count,
    e_value_cell,
    e_value_note,
    searched_how,
    searched_in,
    sentence,
)
from earwitness.index.match import Verdict
from earwitness.index.matching.classify import WHOLE_COVERAGE

WORK_STATUS_WORDS: Final = {
    "registered": "The work is registered.",
    "existing": "This recording was registered before; nothing was added.",
    "refused": "The recording was not registered.",
}


CAPTIONS: Final = {
    Verdict.MATCH: "Matches, most certain first",
    Verdict.POSSIBLE: "What may match, most certain first",
    Verdict.SHARED_MATERIAL: "Recordings that share material with your file",
}
NOTES: Final = {
    Verdict.MATCH: "",
    Verdict.POSSIBLE: "may be chance",
    Verdict.SHARED_MATERIAL: "shared material",
}
"""What stands beside the E-value of a match."""

ROWS_SHOWN: Final = 200
"""Most matches that a page lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table of matches."""

    collection: str
    version: str
    path: str
    title: str | None
    artist: str | None
    owner: str | None
    segments: tuple[dict[str, str], ...]
    change: str
    coverage: str
    e_value: str
    note: str
    """What limits it, if anything: it may be chance, or is of shared material."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """The texts of a job's page: headline, sentences, matches, and what was searched."""

    headline: str
    sentences: tuple[str, ...] = ()
    matches: tuple[Row, ...] = ()
    n_hidden: int = 0
    """Number of matches that are not in `matches`; the JSON has them all."""
    searched: str | None = None
    """What was searched, where something was and the sentences do not state it."""
    caption: str = ""
    """Caption of the table of matches."""
    note: str = ""
    """What the sign beside extrapolated E-values means, where there are any."""


def job_text(job: JobOut) -> PageText:
    """Return the texts of a job's page."""
    if job.state == "failed" and job.error is not None:
        return PageText(
            headline="This could not be done.",
            sentences=(_sentence(job.error.message), _sentence(job.error.hint)),
        )
    if job.state == "cancelled":
        return PageText(
            headline="This job was cancelled.",
            sentences=("The file you sent is deleted, and there is no answer about it.",),
        )
    if job.state != "done" or job.result is None:
        return _waiting(job)
    return {"check": _check, "work": _work, "index": _index, "scan": _scan}[job.kind](job.result)


def _waiting(job: JobOut) -> PageText:
    if job.state == "queued":
        return PageText(
            headline="Your file waits for its turn.", sentences=("It is safely stored until then.",)
        )
    if job.progress is None:
        return PageText(headline="Your file is being compared.")
    of_all = "" if job.progress.total is None else f" of {job.progress.total}"
    return PageText(headline=f"Comparing: {job.progress.done}{of_all} items done.")


def _check(result: dict[str, Any]) -> PageText:
    return finding_text(from_json(result))


def finding_text(finding: Finding) -> PageText:
    """Return the texts of a check's page."""
    how = f"Searched: {searched_in(finding.search)}, {searched_how(finding.search)}."
    return PageText(
        headline=headline(finding),
        sentences=(sentence(finding),),
        matches=tuple(row(finding, match) for match in finding.matches[:ROWS_SHOWN]),
        n_hidden=max(len(finding.matches) - ROWS_SHOWN, 0),
        caption=CAPTIONS.get(finding.verdict, ""),
        note=e_value_note(finding.matches[:ROWS_SHOWN]),
        searched=how if _was_compared(finding) and finding.verdict is not Verdict.NO_MATCH else None,
    )


def _was_compared(finding: Finding) -> bool:
    return finding.item.duration_s is not None and finding.verdict is not Verdict.TOO_SHORT_OR_SILENT


def _work(result: dict[str, Any]) -> PageText:
    status, error = result["status"], result["error"]
    because = () if error is None else (_sentence(error["message"]), _sentence(error["hint"]))
    if result["finding"] is None or error is not None:
        return PageText(headline=WORK_STATUS_WORDS[status], sentences=because)
    text = _check(result["finding"])
    return replace(text, headline=WORK_STATUS_WORDS[status], sentences=(text.headline, *text.sentences))


def _index(result: dict[str, Any]) -> PageText:
    sentences = [f"{count(result['items'], 'item')} in all, {result['not_readable']} of them not readable."]
    sentences.append(f"{count(result['matches'], 'item')} matched a registered work.")
    if result.get("possible"):  # jobs of earlier versions do not have it
        sentences.append(f"{count(result['possible'], 'item')} more may match: please compare by ear.")
    if result.get("shared_material"):
        shared = count(result["shared_material"], "item")
        sentences.append(f"{shared} only share material, such as a loop, with several works.")
    if result.get("warning"):
        sentences.insert(0, result["warning"])
    if result["already"]:  # an earlier run of this job, or another job, compared them
        sentences.append(f"{count(result['already'], 'item')} were indexed before, and not compared again.")
    return PageText(
        headline=f"{result['name']} (version {result['version']}) is indexed.", sentences=tuple(sentences)
    )


def _scan(result: dict[str, Any]) -> PageText:
    return PageText(headline="The archive has been scanned.", sentences=(result["summary"],))


def headline(finding: Finding) -> str:
    """Return a short sentence about a verdict; `earwitness.api.sentences.sentence` has the evidence."""
    return {
        Verdict.MATCH: _holds(finding),
        Verdict.POSSIBLE: "There may be a match. It is too uncertain to state: please compare by ear.",
        Verdict.SHARED_MATERIAL: "This file shares a loop, a sample or a like sound with several recordings.",
        Verdict.NO_MATCH: "No match was found.",
        Verdict.TOO_SHORT_OR_SILENT: "There is too little sound in this file to compare it.",
        Verdict.NOT_READABLE: _unread(finding),
    }[finding.verdict]


def _unread(finding: Finding) -> str:
    if finding.item.duration_s is None:
        return "This file could not be compared."
    return "This file was compared only in part. In that part no match was found."


def _holds(finding: Finding) -> str:
    """Return where the certain matches are; possible ones are not counted."""
    sure = finding.certain
    names = list(dict.fromkeys(f"{each.collection} (version {each.version})" for each in sure))
    where = names[0] if len(names) == 1 else f"{len(names)} datasets"
    is_complete = any(each.query_coverage >= WHOLE_COVERAGE for each in sure)
    return f"The same recording is in {where}." if is_complete else f"Part of this recording is in {where}."


def row(finding: Finding, match: FindingMatch) -> Row:
    """Return one row of the table of matches."""
    return Row(
        note=NOTES[finding.verdict_of(match)],
        collection=match.collection,
        version=match.version,
        path=match.recording.path,
        title=match.recording.title,
        artist=match.recording.artist,
        owner=match.recording.owner,
        segments=tuple(
            {
                "query": _span(segment.query_start_s, segment.query_end_s),
                "reference": _span(segment.reference_start_s, segment.reference_end_s),
            }
            for segment in match.segments
        ),
        change=change_words(match),
        coverage=f"{match.query_coverage:.0%}",
        e_value=e_value_cell(match),
    )


def _span(start_s: float, end_s: float) -> str:
    return f"{clock(start_s)} – {clock(end_s)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
