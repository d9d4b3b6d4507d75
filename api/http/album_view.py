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
from earwitness.api.http.schemas import JobOut


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
        ``found``, ``nothing`` or ``plain`` (not at its end).
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
    if not is_done:
        headline = t("album.running", ended=counts.ended, total=counts.total)
        sentences = [t("album.so_far", n=counts.found)] if counts.found else []
        state = "plain"
    elif counts.found:
        headline, sentences, state = t("album.found", n=counts.found, total=counts.total), [], "found"
    else:
        headline, sentences, state = t("album.none", total=counts.total), [t("lead.none")], "nothing"
    unread = sum(each.state == "unread" for each in tracks)
    if unread:
        sentences.append(t("album.unread", n=unread))
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
