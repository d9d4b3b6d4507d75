"""Errors of requests and of the server's start; those of a request carry their HTTP status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from earwitness.fingerprint.errors import EarwitnessError
from earwitness.index.database.records import Failure

INTERNAL: Final = Failure(
    code="internal",
    message="something went wrong on the server; it has been logged",
    hint="try again; if it happens again, report it with the time and the address",
)
"""The failure of a request or job that no code foresaw."""

_HTTP_HINTS: Final[Mapping[str, str]] = {
    "disk_full": "free disk space on the server, then send the request again or retry the job",
    "library_moved": "retry the job",
    "nothing_indexed": "index a dataset first: POST /v1/collections; POST /v1/catalogue/checks asks by name",
    "no_names_here": "index a list or add a pack where the server runs: `earwitness index LIST --name NAME`",
    "catalogue_too_long": "use several homes",
    "nothing_registered": "register a work first: POST /v1/works",
    "no_such_work": "GET /v1/works lists the registered works",
    "no_such_notice": "GET /v1/notices lists the notices",
    "no_webhook": "set an address: PUT /v1/webhook",
}
"""Hints of the server for errors whose own hint names a command."""


def http_hint(error: EarwitnessError) -> str:
    """Return the hint of an error for a client of the server."""
    return _HTTP_HINTS.get(error.code, error.hint)


class RequestError(EarwitnessError):
    """Root of the errors of a request."""

    code = "request"
    status: ClassVar[int] = 400


class BadForm(RequestError):
    """The body is no readable multipart form, or a required part is missing."""

    code = "bad_form"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the form cannot be read: {reason}",
            hint="send multipart/form-data with one part named 'file', for example curl -F file=@song.mp3",
        )


class NotAForm(BadForm):
    """The Content-Type is not that of a multipart form."""

    code = "not_a_form"
    status = 415

    def __init__(self) -> None:
        super().__init__(reason="its Content-Type is not multipart/form-data")


class NotAList(RequestError):
    """The Content-Type is none in which a list of works is sent."""

    code = "not_a_list"
    status = 415

    def __init__(self) -> None:
        super().__init__(
            "the Content-Type is neither multipart/form-data nor application/json",
            hint="send a CSV file as a form (curl -F file=@works.csv), or JSON:"
            ' {"works": [{"artist": "...", "title": "..."}]}',
        )


class TooManyWorks(RequestError):
    """A list has more works than are answered in one request; nothing of it is stored."""

    code = "too_many_works"
    status = 413

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"the list has more than the {limit:,} works that are answered in one request",
            hint="send it in parts, or use `earwitness check --catalogue` where the server runs",
        )


class UploadTooLarge(RequestError):
    """The upload is larger than the limit; nothing of it is stored."""

    code = "upload_too_large"
    status = 413

    def __init__(self, *, limit_bytes: int, hint: str | None = None) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(
            f"the upload is larger than the {limit_bytes:,} bytes this server takes",
            hint=hint or "send it in parts, or raise EARWITNESS_MAX_UPLOAD_BYTES on the server",
        )


class AlbumTooLarge(RequestError):
    """A zip holds more recordings, or more bytes unpacked, than are compared; the others were not."""

    code = "album_too_large"
    status = 413

    def __init__(self, *, max_tracks: int, limit_bytes: int) -> None:
        self.max_tracks, self.limit_bytes = max_tracks, limit_bytes
        super().__init__(
            f"a zip is compared up to {max_tracks} recordings and {limit_bytes:,} bytes unpacked",
            hint="send the rest as another zip",
        )


class BatchNotFound(RequestError):
    """There is no such batch, or it belongs to another tenant: both have the same response."""

    code = "batch_not_found"
    status = 404

    def __init__(self, *, batch: str) -> None:
        self.batch = batch
        super().__init__(f"there is no batch {batch}", hint="use links.batch of a job")


class UploadTooSlow(RequestError):
    """The client stopped sending, or sends too slowly."""

    code = "upload_too_slow"
    status = 408

    def __init__(self, *, received_bytes: int, waited_s: float) -> None:
        self.received_bytes, self.waited_s = received_bytes, waited_s
        super().__init__(
            f"the upload stalled: {received_bytes:,} bytes came in {waited_s:.0f} s",
            hint="send it again over a faster connection; with an Idempotency-Key nothing is done twice",
        )


class ClientTooBusy(RequestError):
    """One client sends more uploads at the same time than allowed."""

    code = "too_many_uploads"
    status = 429

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"you are sending {limit} uploads at once, which is as many as one client may",
            hint="send the next when one of them is through; EARWITNESS_UPLOADS_PER_CLIENT allows more",
        )


class UploadsBusy(RequestError):
    """The server receives as many uploads at the same time as it can."""

    code = "uploads_busy"
    status = 503

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{limit} uploads are coming in already", hint="try again in a few seconds")


class NoRoom(RequestError):
    """The disk of the uploads is nearly full; the rest is reserved for accepted jobs."""

    code = "no_room"
    status = 507

    def __init__(self, *, free_bytes: int, needed_bytes: int) -> None:
        self.free_bytes, self.needed_bytes = free_bytes, needed_bytes
        super().__init__(
            f"the server's disk has {free_bytes:,} bytes left and keeps {needed_bytes:,} free",
            hint="try again later, or free disk space on the server",
        )


class QueueFull(RequestError):
    """As many jobs wait as the server accepts."""

    code = "queue_full"
    status = 503

    def __init__(self, *, waiting: int) -> None:
        self.waiting = waiting
        super().__init__(f"{waiting} jobs wait already", hint="try again in a minute")


class NoWorkers(RequestError):
    """No job of this kind can be done at present, so none is accepted."""

    code = "no_workers"
    status = 503

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"this server cannot do such jobs at present ({reason})",
            hint="try again in a minute; GET /readyz gives the reason, the server's log the details",
        )


class JobEnded(RequestError):
    """A job that has ended cannot be cancelled any more."""

    code = "job_ended"
    status = 409

    def __init__(self, *, job: str, state: str) -> None:
        self.job, self.state = job, state
        super().__init__(f"job {job} is {state} already", hint="there is nothing left to cancel")


class NothingToRetry(RequestError):
    """Only a failed job whose upload was not at fault, and is still stored, can be retried."""

    code = "nothing_to_retry"
    status = 409

    def __init__(self, *, job: str, state: str) -> None:
        self.job, self.state = job, state
        super().__init__(
            f"job {job} is {state}, and its upload is not stored for a retry",
            hint="send the file again as a new job",
        )


class JobTooLong(EarwitnessError):
    """A job took longer than the limit for one job, and was stopped."""

    code = "job_too_long"

    def __init__(self, *, limit_s: float) -> None:
        self.limit_s = limit_s
        super().__init__(
            f"the job was stopped after {limit_s:g} s, which is the limit for one job here",
            hint="split the upload, or raise EARWITNESS_JOB_WALL_S on the server and try the job again",
        )


class JobNotFound(RequestError):
    """There is no such job, or it belongs to another tenant: both have the same response."""

    code = "job_not_found"
    status = 404

    def __init__(self, *, job: str) -> None:
        self.job = job
        super().__init__(
            f"there is no job {job}", hint="use the address in the Location header of the 202 answer"
        )


class NoFindings(RequestError):
    """The job has no findings, or not yet."""

    code = "no_findings"
    status = 404

    def __init__(self, *, job: str, state: str) -> None:
        self.job, self.state = job, state
        super().__init__(f"job {job} is {state} and has no findings", hint="wait until its state is done")


class NotAllowed(RequestError):
    """No API key, or one that this server does not know."""

    code = "not_allowed"
    status = 401

    def __init__(self) -> None:
        super().__init__("this server asks for an API key", hint="send it as 'Authorization: Bearer KEY'")


class KeyExpired(RequestError):
    """The API key is known, and its last day is over."""

    code = "key_expired"
    status = 401

    def __init__(self, *, expired: str) -> None:
        self.expired = expired
        super().__init__(
            f"this API key was accepted until {expired}", hint="ask who runs this server for another key"
        )


class ScopeMissing(RequestError):
    """The API key may not be used for this."""

    code = "scope_missing"
    status = 403

    def __init__(self, *, needed: Iterable[str]) -> None:
        self.needed = tuple(sorted(needed))
        super().__init__(
            f"this API key may not be used for this; it needs the scope {' and '.join(self.needed)}",
            hint="use another key, or ask who runs this server for one with this scope",
        )


class OperatorOnly(RequestError):
    """This is about all tenants of the server, and the API key belongs to one that has only its own."""

    code = "operator_only"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "this is about the whole server, and only a key of the server's own tenant may be used for it",
            hint="ask who runs this server",
        )


class CrossSite(RequestError):
    """A page of another site made a browser send a writing request."""

    code = "cross_site"
    status = 403

    def __init__(self, *, origin: str) -> None:
        self.origin = origin
        super().__init__(
            f"a page of {origin} may not write to this server", hint="open the server's own page, or use curl"
        )


class UnknownHost(RequestError):
    """The Host header names a host that this server does not accept, as in DNS rebinding."""

    code = "unknown_host"
    status = 421

    def __init__(self, *, host: str) -> None:
        self.host = host
        super().__init__(
            f"this server does not answer for {host!r}",
            hint="use the address it printed at its start, or name this one on the server: "
            f"EARWITNESS_HOSTS={host or 'NAME'}",
        )


class BadHost(RequestError):
    """The Host header is missing, repeated or invalid."""

    code = "bad_host"

    def __init__(self) -> None:
        super().__init__(
            "the request has no single valid Host header",
            hint="send one Host header: a name or an address, with the port where it is not 80",
        )


class BadTarget(RequestError):
    """The request line holds no path of this server."""

    code = "bad_target"

    def __init__(self) -> None:
        super().__init__(
            "the request line holds no path of this server", hint="request a path, such as GET /readyz"
        )


class OpenDoor(EarwitnessError):
    """Serving beyond this machine without API keys is refused."""

    code = "open_door"

    def __init__(self, *, host: str) -> None:
        self.host = host
        super().__init__(
            f"listening on {host} lets others in, and no API key is set",
            hint="make one with 'earwitness keys create' and set EARWITNESS_API_KEYS, or listen on 127.0.0.1",
        )


class CannotListen(EarwitnessError):
    """The server cannot listen on the host and port of the settings."""

    code = "cannot_listen"

    def __init__(self, *, host: str, port: int, reason: str) -> None:
        self.host, self.port, self.reason = host, port, reason
        super().__init__(
            f"cannot listen on {host} port {port} ({reason})",
            hint="choose another --port, or a --host that is an address of this machine",
        )


class SandboxIncomplete(EarwitnessError):
    """A part of the decoder's sandbox is missing, and EARWITNESS_REQUIRE_SANDBOX is set."""

    code = "sandbox_incomplete"

    def __init__(self, *, missing: str) -> None:
        self.missing = missing
        super().__init__(
            f"EARWITNESS_REQUIRE_SANDBOX is set, and the sandbox is not complete: {missing}",
            hint="`earwitness doctor` says what to do; or unset EARWITNESS_REQUIRE_SANDBOX",
        )


class BadKeyRecord(EarwitnessError):
    """An entry of EARWITNESS_API_KEYS is no key record, or gives a key to a second tenant."""

    code = "bad_key_record"

    def __init__(self, *, number: int) -> None:
        self.number = number
        super().__init__(
            f"entry {number} of EARWITNESS_API_KEYS is no key record (tenant:prefix:sha256, or with"
            " :name:scopes:expires after that), or gives a key to a second tenant",
            hint="copy the record line that 'earwitness keys create' printed, not the key itself",
        )
