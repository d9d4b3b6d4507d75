"""Uploads: which are accepted, which are refused, and that a refused one leaves no file behind."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.http.http_errors import BadForm, NoRoom
from earwitness.api.http.uploads.multipart import MAX_FIELD_BYTES, MAX_FIELDS, Form
from earwitness.api.http.uploads.spool import Spool
from earwitness.api.settings import Settings
from tests.http.conftest import MAX_UPLOAD, Serve, spool_of, wait_for

BOUNDARY = "x-boundary"
KIND = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form_of(audio: bytes, **fields: str) -> bytes:
    """Return a form as a browser sends it, its file last."""
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items()]  # fmt: skip
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return b"".join([*parts, head.encode(), audio, f"\r\n--{BOUNDARY}--\r\n".encode()])


def in_chunks(body: bytes, size: int = 8_192) -> Iterator[bytes]:
    """Cut a body up, so that it is sent chunked."""
    return (body[start : start + size] for start in range(0, len(body), size))


@given(
    audio=st.binary(max_size=3_000),
    fields=st.dictionaries(
        st.sampled_from(["title", "owner", "isrc"]), st.text("ab \u00e9-", max_size=20).map(str.strip)
    ),
    cuts=st.lists(st.integers(0, 4_000), max_size=12),
)
def test_a_form_reads_the_same_however_the_network_cuts_it(
    audio: bytes, fields: dict[str, str], cuts: list[int]
) -> None:
    """Bytes and fields come out as they went in, for any cutting of the stream."""
    body = form_of(audio, **fields)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    form, taken = Form(KIND["Content-Type"]), b""
    for start, end in pairwise(edges):
        form.feed(body[start:end])
        taken += form.take()
    form.close()
    assert taken == audio
    assert {name: values[-1] for name, values in form.fields.items()} == fields
    assert form.file_name == "a.wav"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        (KIND["Content-Type"], b"no boundary in here"),
        (KIND["Content-Type"], form_of(b"cut off")[:-9]),
        (KIND["Content-Type"], f"--{BOUNDARY}--\r\n".encode()),
        (KIND["Content-Type"], form_of(b"", title="x" * (MAX_FIELD_BYTES + 1))),
        (KIND["Content-Type"], form_of(b"", **{f"f{n}": "" for n in range(MAX_FIELDS)})),
        (KIND["Content-Type"], form_of(b"one")[: -len(BOUNDARY) - 6] + form_of(b"two")),
        (KIND["Content-Type"], form_of(b"").replace(b'name="file"', b'name="other"')),
    ],
    ids=[
        "json",
        "no-boundary",
        "garbage",
        "cut-off",
        "empty",
        "long-field",
        "many-fields",
        "two-files",
        "misnamed",
    ],
)
def test_a_form_that_cannot_be_read_is_refused(content_type: str, body: bytes) -> None:
    """Everything but a complete form with one file raises BadForm."""
    with pytest.raises(BadForm):
        form = Form(content_type)
        form.feed(body)
        form.close()


def test_the_name_of_an_upload_is_only_a_label(serve: Serve, settings: Settings) -> None:
    """A file called ../../x or with control characters is stored under a random name, and shown escaped."""
    with serve() as client:
        body = form_of(b"sound", title="t").replace(b"a.wav", b"../../e\x1b[1mvil\x00.wav")
        job = client.post("/v1/works", content=body, headers=KIND).json()
        assert job["file"] == "e\ufffd[1mvil\ufffd.wav"
        wait_for(client, job["links"]["self"])
    assert not (settings.home.parent / "x").exists()


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
def test_an_upload_over_the_limit_is_a_413(serve: Serve, settings: Settings, chunked: bool) -> None:
    """The limit holds whether or not the body declares its length, and nothing is left in the spool."""
    body = form_of(b"\0" * (3 * MAX_UPLOAD))
    content: Any = in_chunks(body) if chunked else body
    with serve() as client:
        answer = client.post("/v1/works", content=content, headers=KIND)
        assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
        assert spool_of(settings) == []
        assert client.get("/metrics").text.count('earwitness_jobs{state="queued"} 0.0') == 1


def test_an_upload_at_the_limit_is_accepted(serve: Serve) -> None:
    """The last byte that is allowed is allowed."""
    with serve() as client:
        sent = client.post("/v1/works", content=in_chunks(form_of(b"\1" * MAX_UPLOAD)), headers=KIND)
        assert sent.status_code == 202
        assert wait_for(client, sent.headers["Location"])["state"] == "done"
        assert client.handler.uploads == [b"\1" * MAX_UPLOAD]


def test_an_empty_file_is_refused(serve: Serve, settings: Settings) -> None:
    """An empty file has no audio, so no job is queued."""
    with serve() as client:
        answer = client.post("/v1/works", content=form_of(b""), headers=KIND)
        assert (answer.status_code, answer.json()["code"]) == (422, "empty_file")
        assert spool_of(settings) == []


def test_a_refused_field_leaves_no_upload(serve: Serve, settings: Settings) -> None:
    """A misspelt field would silently widen a search, so it is refused, and the file with it."""
    with serve() as client:
        answer = client.post("/v1/works", content=form_of(b"sound", ouner="me"), headers=KIND)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
        assert "ouner" in answer.json()["detail"]
        assert spool_of(settings) == []


def test_a_nearly_full_disk_refuses_uploads(
    serve: Serve, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is nearly full the upload is refused with 507, and no file stays."""
    with serve() as client:
        monkeypatch.setattr("earwitness.api.http.uploads.spool.KEEP_FREE_BYTES", 1 << 62)
        answer = client.post("/v1/works", content=form_of(b"sound"), headers=KIND)
        assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
        assert client.get("/readyz").status_code == 503
        assert spool_of(settings) == []


def test_the_spool_removes_what_is_not_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload that breaks off in any way leaves no file; a sealed one is complete and hashed."""
    spool = Spool(tmp_path / "spool", max_bytes=100)
    with pytest.raises(RuntimeError), spool.begin() as upload:
        upload.write(b"half")
        raise RuntimeError
    assert list(spool.folder.iterdir()) == []
    with spool.begin() as upload:
        upload.write(b"who")
        upload.write(b"le")
        spooled = upload.seal(name="whole.wav")
    assert spooled.path.read_bytes() == b"whole"
    assert (spooled.sha256, spooled.n_bytes) == (hashlib.sha256(b"whole").hexdigest(), 5)
    monkeypatch.setattr("earwitness.api.http.uploads.spool.KEEP_FREE_BYTES", 1 << 62)
    with pytest.raises(NoRoom):
        spool.begin()


def test_the_sweep_takes_only_orphans(tmp_path: Path) -> None:
    """At the start, a file that no open job names is removed; the others stay."""
    spool = Spool(tmp_path / "spool", max_bytes=100)
    wanted, orphan = spool.folder / "wanted", spool.folder / "orphan"
    wanted.touch()
    orphan.touch()
    assert spool.sweep([wanted]) == 1
    assert list(spool.folder.iterdir()) == [wanted]


@pytest.mark.parametrize("call", ["open", "write", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_fills_up_while_an_upload_comes_leaves_nothing_half(
    serve: Serve, settings: Settings, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """Whichever call fails: 507, no file, and the next upload is accepted when the disk has space again."""
    real_open, real_fsync, full = os.open, os.fsync, [True]

    def opened(path: str, flags: int, mode: int) -> int:
        if full and call == "open":
            raise OSError(number, "no room")
        made = real_open(path, flags, mode)
        return real_open("/dev/full", os.O_WRONLY) if full and call == "write" else made

    def synced(descriptor: int) -> None:
        if full and call == "fsync":
            raise OSError(number, "no room")
        real_fsync(descriptor)

    with serve() as client:
        with monkeypatch.context() as patch:
            patch.setattr("earwitness.api.http.uploads.spool.os.open", opened)
            patch.setattr("earwitness.api.http.uploads.spool.os.fsync", synced)
            answer = client.post("/v1/works", content=form_of(b"sound"), headers=KIND)
        full.clear()
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        assert "server" in answer.json()["hint"]
        assert spool_of(settings) == []
        assert client.post("/v1/works", content=form_of(b"sound"), headers=KIND).status_code == 202


def test_uploads_are_private(tmp_path: Path) -> None:
    """Nobody but this account reads them, whatever the umask is."""
    before = os.umask(0)
    try:
        spool = Spool(tmp_path / "spool", max_bytes=100)
        with spool.begin() as upload:
            upload.write(b"mine")
            spooled = upload.seal(name="mine.wav")
    finally:
        os.umask(before)
    assert stat.S_IMODE(spooled.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
