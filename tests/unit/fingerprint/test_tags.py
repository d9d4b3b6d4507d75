"""Tags are read in the worker, in every format that has them; no tag harms what is decoded."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import psutil
import pytest

from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.decode.parent import decoder as decoder_module
from earwitness.fingerprint.types import NO_TAGS, Tags
from tests.hostile.encode import encoded, tagged

ISRC = "QZABC2400001"
TEXTS = {"title": "Né Ünder 東", "artist": "Ärtist", "album": "Album"}
ALL = Tags(**TEXTS, isrc=ISRC)
MAX_CHARACTERS = 500


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all."""
    with Decoder() as opened:
        yield opened


@pytest.mark.parametrize(
    ("suffix", "isrc_key", "options"),
    [
        ("mp3", "TSRC", {"id3v2_version": "4"}),
        ("mp3", "TSRC", {"id3v2_version": "3"}),
        ("aiff", "TSRC", {"write_id3v2": "1"}),
        ("flac", "ISRC", {}),
        ("ogg", "isrc", {}),
        ("opus", "ISRC", {}),
        ("wav", "ISRC", {}),
        ("webm", "ISRC", {}),
        ("m4a", "ISRC", {"movflags": "use_metadata_tags"}),
    ],
)
def test_each_format_gives_its_tags(
    decoder: Decoder, suffix: str, isrc_key: str, options: dict[str, str]
) -> None:
    """Title, artist, album and ISRC come with the decoded audio, and without decoding."""
    file = tagged(suffix, {**TEXTS, isrc_key: ISRC}, **options)
    decoded = decoder.decode(file, name="a", with_tags=True)
    assert (decoded.tags, decoded.whole) == (ALL, True)
    assert decoder.read_tags(file, name="a") == ALL
    assert decoder.decode(file, name="a").tags == NO_TAGS, "only where they are wanted"


def id3v22(*frames: tuple[bytes, bytes]) -> bytes:
    """An ID3v2.2 tag."""
    body = b"".join(name + len(value).to_bytes(3, "big") + value for name, value in frames)
    return b"ID3\2\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


def test_old_tags_keep_their_letters(decoder: Decoder) -> None:
    """ID3v1 and RIFF hold Western letters in one byte each, ID3v2.2 has names of three letters."""
    sound = encoded("mp3")
    fields = (("Né", 30), ("Ärtist", 30), ("Albüm", 30), ("2001", 4), ("", 30))
    v1 = b"TAG" + b"".join(text.encode("cp1252").ljust(size, b"\0") for text, size in fields) + b"\xff"
    assert decoder.read_tags(sound + v1, name="a") == Tags(title="Né", artist="Ärtist", album="Albüm")
    v22 = id3v22(
        (b"TT2", b"\0N\xe9"), (b"TP1", b"\1" + "東".encode("utf-16")), (b"TRC", b"\0" + ISRC.encode())
    )
    assert decoder.read_tags(v22 + sound, name="a") == Tags(title="Né", artist="東", isrc=ISRC)
    riff = tagged("wav", {"title": "Né"}).replace("Né\0".encode(), b"N\xe9\0\0")
    assert decoder.read_tags(riff, name="a") == Tags(title="Né")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A\x1b[31m\x07\u202eB", "A[31mB"),
        ("  two\r\n lines\t ", "two lines"),
        ("\u200b\x01", None),
        ("x" * 1_000_000, "x" * MAX_CHARACTERS),
    ],
)
def test_a_text_is_one_line_of_bounded_length(decoder: Decoder, text: str, expected: str | None) -> None:
    """Control characters, marks that change the direction of a text, and line breaks are left out."""
    assert decoder.read_tags(tagged("flac", {"title": text}), name="a").title == expected


def test_what_has_no_tags_has_none(decoder: Decoder) -> None:
    """Sound without tags, bytes that are no sound, and no bytes at all are no error."""
    page = b"<!doctype html><title>404</title>"
    for data in (encoded("flac"), encoded("mp3"), encoded("wav"), page, b"", b"ID3\4\0\0\x7f\x7f\x7f\x7f"):
        assert decoder.read_tags(data, name="a") == NO_TAGS


def test_damaged_tags_do_no_harm(decoder: Decoder) -> None:
    """Whatever byte of a tag is changed, what is read is short and printable, and no error is raised."""
    rng = random.Random(5)
    files = [
        tagged(suffix, {**TEXTS, "TSRC": ISRC}) for suffix in ("mp3", "flac", "opus", "m4a", "wav", "webm")
    ]
    for number in range(300):
        data = bytearray(files[number % len(files)])
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(min(len(data), 800))] = rng.choice([0, 0x7F, 0xFF, rng.randrange(256)])
        tags = decoder.read_tags(bytes(data), name="a")
        for text in (tags.title, tags.artist, tags.album, tags.isrc):
            assert text is None or (text.isprintable() and 0 < len(text) <= MAX_CHARACTERS)


def test_a_worker_that_hangs_or_dies_leaves_no_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tags are empty then, and the next file is decoded by a new worker."""
    monkeypatch.setattr(decoder_module, "TAGS_WALL_S", 0.3)
    file = tagged("flac", {**TEXTS, "ISRC": ISRC})
    before = set(psutil.Process().children(recursive=True))
    with Decoder(sandbox="rlimits") as opened:
        (worker,) = set(psutil.Process().children(recursive=True)) - before
        os.kill(worker.pid, signal.SIGSTOP)
        assert opened.read_tags(file, name="a") == NO_TAGS
        decoded = opened.decode(file, name="a", with_tags=True)
        assert (decoded.tags, decoded.whole) == (ALL, True)
