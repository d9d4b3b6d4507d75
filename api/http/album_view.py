"""What the page of an album shows: a headline for all tracks, then what came of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earwitness.api.answers.answer import Answer
from earwitness.api.answers.card_index import CardIndex
from earwitness.api.answers.messages import Messages
from earwitness.api.answers.reader_errors import ReaderError, reader_error
from earwitness.api.findings import FindingError
from earwitness.api.http.batches import batch_out, is_track
from earwitness.api.http.job_view import job_view
from earwitness.api.http.schemas import BatchOut, JobOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track of an album.

    Attributes
    ----------
    job : str or None
        Its job; None for a recording in a zip that was refused.
    state : str
        ``found``, ``unsure``, ``nothing``, ``unread`` or ``waiting``.
    """

    job: str | None
    file: str
    state: str
    headline: str
    answer: Answer | None = None
    error: ReaderError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlbumView:
    """The texts of an album's page.

    Attributes
    ----------
    state : str
        ``found``, ``nothing`` or ``plain`` (not at its end, or nothing was compared).
    """

    batch: str
    state: str
    headline: str
    sentences: tuple[str, ...]
    total: int
    ended: int
    is_done: bool
    tracks: tuple[Track, ...]


def album_view(batch: str, jobs: Sequence[JobOut], cards: CardIndex, t: Messages) -> AlbumView:
    """Return what the page of an album shows."""
    counts = batch_out(batch, jobs)
    tracks = [each for job in jobs for each in _tracks(job, cards, t)]
    is_done = all(job.ended_at is not None for job in jobs)
    if is_done:
        state, headline = _headline(counts, tracks, t)
        sentences = [t("album.scope")] if state == "nothing" else []
    else:
        state, headline = "plain", t("album.running", ended=counts.ended, total=counts.total)
        sentences = [t("album.so_far", n=counts.found)] if counts.found else []
    sentences += _not_compared(jobs, tracks, t)
    return AlbumView(
        batch=batch,
        state=state,
        headline=headline,
        sentences=tuple(sentences),
        total=counts.total,
        ended=counts.ended,
        is_done=is_done,
        tracks=tuple(sorted(tracks, key=lambda each: each.state != "found")) if is_done else tuple(tracks),
    )


def _headline(counts: BatchOut, tracks: Sequence[Track], t: Messages) -> tuple[str, str]:
    """Return the state and the headline of an album whose checks have all ended."""
    if counts.found:
        return "found", t("album.found", n=counts.found, total=counts.total)
    n_compared = sum(each.state in {"unsure", "nothing"} for each in tracks)
    if n_compared:
        return "nothing", t("album.none", n=n_compared)
    return "plain", t("album.none_compared") if tracks else t("album.empty")


def _not_compared(jobs: Sequence[JobOut], tracks: Sequence[Track], t: Messages) -> Iterator[str]:
    """Yield sentences on what is no match and yet not "no match": uncertain, unread, cut off, passed over."""
    archives = [job for job in jobs if job.kind == "album"]
    results = [job.result for job in archives if job.result is not None]
    numbers = {
        "album.unsure": sum(each.state == "unsure" for each in tracks),
        "album.unread": sum(each.state == "unread" for each in tracks),
        "album.cut_off": sum(job.state in {"failed", "cancelled"} for job in archives),
        "album.passed_over": sum(sum(each.get("passed_over", {}).values()) for each in results),
    }
    for key, n in numbers.items():
        if n:
            yield t(key, n=n)


def _tracks(job: JobOut, cards: CardIndex, t: Messages) -> Iterator[Track]:
    if job.kind == "album" and job.result is not None:
        for refused in job.result["refused"]:
            error = FindingError(**{name: refused[name] for name in ("code", "message", "hint")})
            yield Track(
                job=None,
                file=refused["path"],
                state="unread",
                headline=t("headline.unread"),
                error=reader_error(error, t),
            )
    if job.kind == "album" and not (is_track(job) or job.ended_at is None):
        return
    view = job_view(job, cards, t)
    state = "waiting" if job.ended_at is None else "unread"
    yield Track(
        job=job.id,
        file=job.file,
        state=state if view.answer is None else view.answer.state,
        headline=t("album.unpacking") if job.kind == "album" and job.ended_at is None else view.headline,
        answer=view.answer,
        error=view.error,
    )
