"""What the page says of a job, in sentences: what was heard and how sure that is. It accuses nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.findings import Finding, MatchSaid, SearchSaid, SegmentSaid, from_json
from api.http.schemas import JobOut
from index.match import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table of matches."""

    collection: str
    version: str
    path: str
    title: str | None
    owner: str | None
    segments: tuple[dict[str, str], ...]
    change: str
    coverage: str
    e_value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A headline, what follows it, the matches, and what was searched."""

    headline: str
    sentences: tuple[str, ...] = ()
    matches: tuple[Row, ...] = ()
    searched: str | None = None


def say(job: JobOut) -> Said:
    """Put a job into words."""
    if job.state == "failed" and job.error is not None:
        return Said(
            headline="This could not be done.",
            sentences=(_sentence(job.error.message), _sentence(job.error.hint)),
        )
    if job.state != "done" or job.result is None:
        return _waiting(job)
    return {"check": _check, "work": _work, "index": _index, "scan": _scan}[job.kind](job.result)


def _waiting(job: JobOut) -> Said:
    if job.state == "queued":
        return Said(headline="Your file waits for its turn.", sentences=("It is safely stored until then.",))
    if job.progress is None:
        return Said(headline="Listening to your file.")
    of_all = "" if job.progress.total is None else f" of {job.progress.total}"
    return Said(headline=f"Listening: {job.progress.done}{of_all} items done.")


def _check(result: dict[str, Any]) -> Said:
    finding = from_json(result)
    headline, sentences = verdict_in_words(finding)
    return Said(
        headline=headline,
        sentences=sentences,
        matches=tuple(row(match) for match in finding.matches),
        searched=searched_in_words(finding.search),
    )


def _work(result: dict[str, Any]) -> Said:
    headline = {
        "registered": "The work is registered.",
        "existing": "This recording was registered before; nothing was added.",
        "refused": "The recording was not registered.",
    }[result["status"]]
    error = result["error"]
    because = () if error is None else (_sentence(error["message"]), _sentence(error["hint"]))
    if result["finding"] is None:
        return Said(headline=headline, sentences=because)
    found = _check(result["finding"])
    return Said(
        headline=headline,
        sentences=(*because, *(() if error else (found.headline, *found.sentences))),
        matches=found.matches,
        searched=found.searched,
    )


def _index(result: dict[str, Any]) -> Said:
    return Said(
        headline=f"{result['name']} (version {result['version']}) is indexed.",
        sentences=(_counted(result), f"{_many(result['matches'], 'item')} match a registered work."),
    )


def _scan(result: dict[str, Any]) -> Said:
    found = result["verdicts"]
    sentences = [
        _counted(result),
        f"{_many(found['match'], 'item')} match a registered work, {found['possible']} more possibly.",
    ]
    if result["partial"]:
        sentences.append("The archive could not be read to its end: what follows there was not heard.")
    return Said(headline="The archive has been scanned.", sentences=tuple(sentences))


def _counted(result: dict[str, Any]) -> str:
    return f"{_many(result['items'], 'item')} in all, {result['not_readable']} of them not readable."


def verdict_in_words(finding: Finding) -> tuple[str, tuple[str, ...]]:
    """Say a verdict in one clear sentence, and what it rests on in a few more."""
    why = () if finding.error is None else (_sentence(finding.error.message), _sentence(finding.error.hint))
    match finding.verdict:
        case Verdict.MATCH:
            names = list(dict.fromkeys(f"{m.collection} (version {m.version})" for m in finding.matches))
            return f"The same recording is in {_listed(names)}.", (_best(finding.matches[0]), *why)
        case Verdict.POSSIBLE:
            return "There is a possible match, too uncertain to state. Please compare by ear.", (
                _best(finding.matches[0]),
                *why,
            )
        case Verdict.NO_MATCH:
            return "No match was found.", why
        case Verdict.TOO_SHORT_OR_SILENT:
            return "There is too little sound in this file to say anything.", why
        case Verdict.NOT_READABLE:
            return "This file could not be heard to its end, so nothing can be said of it.", why


def searched_in_words(search: SearchSaid) -> str:
    """Say what an answer covers; "not found" means no more than this."""
    where = _listed(
        [f"{_many(c.items, 'item')} of {c.name} (version {c.version})" for c in search.collections]
    )
    if search.speed == (1.0, 1.0) and search.pitch_cents == (0, 0) and search.tempo == (1.0, 1.0):
        return f"Searched: {where}, for the recording as it is."
    low, high = search.pitch_cents
    return (
        f"Searched: {where}, for the recording at {_range(search.speed)} times its speed, "
        f"{low:+g} to {high:+g} cents of pitch and {_range(search.tempo)} times its tempo."
    )


def row(match: MatchSaid) -> Row:
    """Put one match into a line of the table."""
    return Row(
        collection=match.collection,
        version=match.version,
        path=match.recording.path,
        title=match.recording.title,
        owner=match.recording.owner,
        segments=tuple(
            {
                "query": _span(segment.query_start_s, segment.query_end_s),
                "reference": _span(segment.reference_start_s, segment.reference_end_s),
            }
            for segment in match.segments
        ),
        change=change_in_words(match),
        coverage=f"{match.query_coverage:.0%}",
        e_value=f"{match.e_value:.1g}",
    )


def change_in_words(match: MatchSaid) -> str:
    """Say how the file differs from what it was found in."""
    changes = [
        f"{abs(ratio - 1):.1%} {faster if ratio > 1 else slower}"
        for ratio, faster, slower in (
            (match.speed, "faster and higher", "slower and lower"),
            (match.tempo, "faster, same pitch", "slower, same pitch"),
        )
        if abs(ratio - 1) >= 0.005
    ]
    if abs(match.pitch_cents) >= 10:
        changes.append(f"{match.pitch_cents / 100:+.1f} semitones")
    return "; ".join(changes) or "nothing"


def _best(match: MatchSaid) -> str:
    heard_s = sum(_length(segment) for segment in match.segments)
    name = match.recording.title or match.recording.path
    about = "about " if match.e_extrapolated else ""
    return (
        f"{heard_s:.1f} s of it match {name}. Unrelated audio would give a match this good {about}"
        f"{match.e_value:.1g} times in an index of this size."
    )


def _length(segment: SegmentSaid) -> float:
    return segment.query_end_s - segment.query_start_s


def _span(start_s: float, end_s: float) -> str:
    return f"{_clock(start_s)} – {_clock(end_s)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"


def _range(ratios: tuple[float, float]) -> str:
    return f"{ratios[0]:g} to {ratios[1]:g}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
