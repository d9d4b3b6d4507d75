"""Sound that an archive holds outside of its members, and records that hold a part of a file, are said."""

from __future__ import annotations

import base64
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.open_source import open_source as open_isolated
from earwitness.api.pipeline.search_item import ItemDecoder
from earwitness.api.settings import Settings
from earwitness.fingerprint.errors import TruncatedAudio
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source

SOUND = clip(1)
PROGRAM = b"MZ" + bytes(range(256)) * 40
LONG = b"\x01\x02\xf1\xf2" * 2_000
FRAME = b"\xff\xfb\x90\x00" + bytes(413)


def zip_of(comment: bytes = b"", *, before: bytes = b"", behind: bytes = b"") -> bytes:
    """A zip of one clip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("ok.wav", clip(0))
        archive.comment = comment
    return before + file.getvalue() + behind


def between(gap: bytes) -> bytes:
    """A zip of two clips with something between them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("ok.wav", clip(0))
        archive.fp.write(gap)  # type: ignore[union-attr]
        archive.start_dir = archive.fp.tell()  # type: ignore[union-attr]
        archive.writestr("ok2.wav", clip(2))
    return file.getvalue()


def between_end_records(gap: bytes) -> bytes:
    """A zip with a 64-bit end record, and something before its locator."""
    data = zip_of()
    end = data.rindex(b"PK\x05\x06")
    size, offset = struct.unpack_from("<2L", data, end + 12)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    return data[:end] + wide + gap + locator + data[end:]


def tar_of(records: dict[str, str] | None = None, *, name: str = "ok.wav", at_head: bool = False) -> bytes:
    """A tar of one clip with pax records, of the clip or of all."""
    file, records = io.BytesIO(), records or {}
    of_all = records if at_head else None
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT, pax_headers=of_all) as archive:
        member = tarfile.TarInfo(name)
        member.size, member.pax_headers = len(clip(0)), {} if at_head else records
        archive.addfile(member, io.BytesIO(clip(0)))
    return file.getvalue()


def long_name(kind: bytes, rest: bytes) -> bytes:
    """A tar whose long name is followed by something."""
    body = b"ok.wav\0" + rest
    header = tarfile.TarInfo("././@LongLink")
    header.size, header.type = len(body), kind
    return header.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % 512) + tar_of()


BASE64 = base64.b64encode(SOUND).decode()
HIDING: dict[str, bytes] = {
    "comment.zip": zip_of(SOUND),
    "frames in the comment.zip": zip_of(FRAME * 9),
    "base64 in the comment.zip": zip_of(BASE64.encode()),
    "a long comment that is no text.zip": zip_of(LONG),
    "before.zip": zip_of(before=SOUND),
    "anything before.zip": zip_of(before=LONG),
    "a program and sound before.zip": zip_of(before=PROGRAM + SOUND),
    "a large program before.zip": zip_of(before=PROGRAM * 110),
    "behind.zip": zip_of(behind=SOUND),
    "anything behind.zip": zip_of(behind=LONG),
    "between.zip": between(SOUND),
    "anything between.zip": between(LONG),
    "between the end records.zip": between_end_records(LONG),
    "pax.tar": tar_of({"comment": SOUND.decode("latin-1")} | {"x": BASE64}),
    "xattr.tar": tar_of({"LIBARCHIVE.xattr.user.x": BASE64}),
    "pax of all.tar": tar_of({"x": BASE64}, at_head=True),
    "long name.tar": long_name(tarfile.GNUTYPE_LONGNAME, SOUND),
    "long link.tar": long_name(tarfile.GNUTYPE_LONGLINK, SOUND)[:512]
    + SOUND
    + bytes(-len(SOUND) % 512)
    + tar_of(),
}
HONEST: dict[str, bytes] = {
    "comment.zip": zip_of(b"made by a program " * 500),
    "key.zip": zip_of(b"\x01\x02\xf1\xf2" * 100),
    "program.zip": zip_of(before=PROGRAM),
    "padding.zip": between(bytes(9_000)),
    "wide.zip": between_end_records(b""),
    "pax.tar": tar_of({"mtime": "1.5", "comment": "words " * 900, "LIBARCHIVE.xattr.x": "AAAA" * 900}),
    "long name.tar": long_name(tarfile.GNUTYPE_LONGNAME, b""),
    "a long path.tar": tar_of(name="folder/" * 90 + "ok.wav"),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDING)
def test_sound_outside_of_the_members_is_reported(name: str, tmp_path: Path) -> None:
    """The members are read, and one more item says that the archive holds something else."""
    (tmp_path / name).write_bytes(HIDING[name])
    items = list(open_source(tmp_path / name))
    assert any(isinstance(item, SourceItem) for item in items)
    assert {item.code for item in items if isinstance(item, Skipped)} == {"unlisted_data"}


@pytest.mark.parametrize("name", HONEST)
def test_archives_as_programs_write_them_are_whole(name: str, tmp_path: Path) -> None:
    """Words, keys, padding, programs and attributes are nothing that was not compared."""
    (tmp_path / name).write_bytes(HONEST[name])
    assert all(isinstance(item, SourceItem) for item in open_source(tmp_path / name))


def record(kind: str, http: bytes = b"", *, headers: str = "") -> bytes:
    """A WARC record of one clip."""
    media = "application/http; msgtype=response" if http else "audio/wav"
    body = http + clip(0)
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:1>\r\nWARC-Target-URI: http://h/a.wav\r\n"
        f"{headers}Content-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def answer(status: str, content_range: str = "") -> bytes:
    """The head of an HTTP response."""
    said = f"Content-Range: {content_range}\r\n" if content_range else ""
    return f"HTTP/1.1 {status}\r\nContent-Type: audio/wav\r\n{said}\r\n".encode()


RECORDS: dict[str, tuple[bytes, bool]] = {
    "whole": (record("response", answer("200 OK")), False),
    "resource": (record("resource"), False),
    "part": (record("response", answer("206 Partial Content", "bytes 0-1643/99999")), True),
    "later part": (record("response", answer("206 Partial Content", "bytes 50-1693/1694")), True),
    "part of what": (record("response", answer("206 Partial Content")), True),
    "length unknown": (record("response", answer("206 Partial Content", "bytes 0-1643/*")), True),
    "all as a part": (record("response", answer("206 Partial Content", "bytes 0-1643/1644")), False),
    "cut by the crawler": (record("response", answer("200 OK"), headers="WARC-Truncated: length\r\n"), True),
    "first of several": (record("response", answer("200 OK"), headers="WARC-Segment-Number: 1\r\n"), True),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_holds_a_part_of_a_file_says_so(name: str, tmp_path: Path) -> None:
    """What a server or a crawler left out was not compared."""
    data, is_part = RECORDS[name]
    (tmp_path / "a.warc").write_bytes(data)
    items = list(open_source(tmp_path / "a.warc"))
    assert [isinstance(item, SourceItem) and item.partial is not None for item in items] == [is_part]


def test_a_part_is_never_whole_whatever_is_known_of_its_bytes(tmp_path: Path) -> None:
    """It passes the reading process, is decoded though its bytes are known, and has its reason."""
    (tmp_path / "a.warc").write_bytes(RECORDS["part"][0])
    known: Callable[[str], object] = lambda _: "a finding of the same bytes"  # noqa: E731
    with ItemDecoder(settings=Settings(), wants_chromaprint=lambda _: False) as listener:
        (heard,) = [
            listener.decode(item, known=known)
            for item in open_isolated(tmp_path / "a.warc")
            if isinstance(item, SourceItem)
        ]
    assert heard.query is not None
    assert not heard.complete
    assert isinstance(heard.error, TruncatedAudio)
    assert "status 206" in heard.error.message


def test_records_that_repeat_another_are_counted(tmp_path: Path) -> None:
    """A revisit holds no bytes; how many there were is said."""
    (tmp_path / "a.warc").write_bytes(record("resource") + 3 * record("revisit", answer("200 OK")))
    reader = open_source(tmp_path / "a.warc")
    assert len(list(reader)) == 1
    assert dict(reader.passed_over) == {"revisit": 3}
