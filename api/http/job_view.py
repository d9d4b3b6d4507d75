"""What the page of a job shows: its state, or what came of it, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earwitness.api.answers.answer import Answer, answer_of
from earwitness.api.answers.card_index import CardIndex
from earwitness.api.answers.dataset_card import NO_PICTURES, Picture
from earwitness.api.answers.messages import Messages
from earwitness.api.answers.reader_errors import ReaderError, reader_error
from earwitness.api.finding_json import from_json
from earwitness.api.findings import FindingError
from earwitness.api.http.schemas import JobOut


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """The texts of a job's page.

    Attributes
    ----------
    in_english : tuple of str
        Sentences that there are only in English.
    answer : Answer or None
        What the comparison gave, where there was one.
    """

    headline: str
    sentences: tuple[str, ...] = ()
    in_english: tuple[str, ...] = ()
    answer: Answer | None = None
    error: ReaderError | None = None


def job_view(
    job: JobOut, cards: CardIndex, t: Messages, pictures: Mapping[int, Picture] = NO_PICTURES
) -> JobView:
    """Return what the page of a job shows.

    Parameters
    ----------
    pictures
        By the place of their match in the finding.
    """
    if job.state == "failed" and job.error is not None:
        return JobView(headline=t("job.failed"), error=reader_error(job.error, t))
    if job.state == "cancelled":
        return JobView(headline=t("job.cancelled"), sentences=(t("job.cancelled.more"),))
    if job.state != "done" or job.result is None:
        return _waiting(job, t)
    if job.kind == "index":
        return _index(job.result, t)
    if job.kind == "album":
        return JobView(headline=t("album.unpacked", n=job.result["tracks"]))
    if job.kind == "scan":
        return JobView(headline=t("job.scanned"), in_english=(job.result["summary"],))
    show = _check if job.kind == "check" else _work
    return show(job, job.result, cards, t, pictures)


def _waiting(job: JobOut, t: Messages) -> JobView:
    if job.state == "queued":
        place = [t("job.queued.place", n=job.place)] if job.place else []
        return JobView(headline=t("job.queued"), sentences=(*place, t("job.queued.more")))
    if job.progress is None or job.kind in {"check", "work", "album"}:
        return JobView(headline=t("job.running"))
    done, total = job.progress.done, job.progress.total
    words = (
        t("job.running.done", done=done) if total is None else t("job.running.items", done=done, total=total)
    )
    return JobView(headline=words)


def _check(
    job: JobOut, result: Mapping[str, Any], cards: CardIndex, t: Messages, pictures: Mapping[int, Picture]
) -> JobView:
    answered_at = job.ended_at or job.created_at
    answer = answer_of(from_json(result), cards, t, answered_at=answered_at, pictures=pictures)
    return JobView(headline=answer.headline, sentences=answer.sentences, answer=answer)


def _work(
    job: JobOut, result: Mapping[str, Any], cards: CardIndex, t: Messages, pictures: Mapping[int, Picture]
) -> JobView:
    headline, failed = t(f"work.{result['status']}"), result["error"]
    error = None if failed is None else reader_error(FindingError(**failed), t)
    if result["finding"] is None or error is not None:
        return JobView(headline=headline, error=error)
    found = _check(job, result["finding"], cards, t, pictures)
    return JobView(headline=headline, sentences=(found.headline, *found.sentences), answer=found.answer)


def _index(result: Mapping[str, Any], t: Messages) -> JobView:
    sentences = [
        t("job.indexed.items", n=result["items"], unread=result["not_readable"]),
        t("job.indexed.matches", n=result["matches"]),
    ]
    # jobs of earlier versions have no `possible`
    for name, key in (("possible", "possible"), ("shared_material", "shared"), ("already", "already")):
        if result.get(name):
            sentences.append(t(f"job.indexed.{key}", n=result[name]))
    warning = result.get("warning")
    return JobView(
        headline=t("job.indexed", name=result["name"], version=result["version"]),
        sentences=tuple(sentences),
        in_english=(warning,) if warning else (),
    )
