"""AcoustID's lookup: pyacoustid asks a real server, with only the address changed."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import acoustid
import chromaprint
import numpy as np
import pytest
import soundfile
import uvicorn
from numpy.typing import NDArray

from earwitness.api.http.acoustid import lookup_request
from earwitness.fingerprint.chromaprint import ALGORITHM
from earwitness.fingerprint.chromaprint import chromaprint as chromaprint_of
from earwitness.fingerprint.decode import Decoder
from earwitness.index.database.records import CollectionKind
from earwitness.index.writer import Writer
from tests.http.conftest import Serve
from tests.http.stored_things import made_item

SAMPLE = Path(__file__).parents[2] / "sample_audio" / "originals"
RNG = np.random.default_rng(5)


def packed(vector: NDArray[np.uint32]) -> str:
    """Return a vector as fpcalc prints it."""
    signed = [int(each) for each in vector.astype(np.int64)]
    return str(chromaprint.encode_fingerprint(signed, ALGORITHM).decode())


def add(
    writer: Writer,
    vector: NDArray[np.uint32],
    *,
    seed: int,
    duration_s: float,
    dataset: str | None = None,
    **texts: Any,
) -> None:
    """Store a recording with this Chromaprint, as a work or in a dataset."""
    item = made_item(writer, seed)
    assert item.fingerprint is not None
    fingerprint = replace(item.fingerprint, chromaprint=vector, duration_s=duration_s)
    kind = CollectionKind.DATASET if dataset else CollectionKind.WORKS
    number = writer.collection(kind, dataset or "works")
    writer.add(number, [replace(item, fingerprint=fingerprint, **texts)])


def noisy(vector: NDArray[np.uint32], share: float) -> NDArray[np.uint32]:
    """Return a vector in which this share of the bits is changed."""
    flips = RNG.random((len(vector), 32)) < share
    return vector ^ np.packbits(flips, axis=1).view(">u4").astype(np.uint32).ravel()


def vector_of(n: int) -> NDArray[np.uint32]:
    """Return a random vector."""
    return RNG.integers(0, 2**32, size=n, dtype=np.uint32)


@pytest.fixture
def asked(serve: Serve) -> Iterator[Any]:
    """Serve over a real socket, and let pyacoustid ask there."""
    with serve() as client:
        # the application runs already: a second server of it must not open the home again
        config = uvicorn.Config(client.app, port=0, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        until = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < until
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        acoustid.set_base_url(f"http://127.0.0.1:{port}/v2/")
        yield client
        acoustid.set_base_url("http://api.acoustid.org/v2/")
        server.should_exit = True
        thread.join(20)


def test_pyacoustid_finds_a_work_and_a_dataset_by_the_sound_of_a_file(asked: Any) -> None:
    """The fingerprint that pyacoustid makes of a file finds that file in both, with its title and artist."""
    path = sorted(SAMPLE.iterdir())[0]
    with Decoder() as decoder:
        decoded = decoder.decode(path, name=path.name)
    vector, writer = chromaprint_of(decoded.waveform), asked.app.state.service.writer
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    duration_s = len(samples) / rate
    add(writer, vector, seed=1, duration_s=duration_s, title="Rain", artist="Night Bus")
    add(writer, vector, seed=1, duration_s=duration_s, dataset="set", path="a/b.wav")
    add(writer, vector_of(len(vector)), seed=2, duration_s=duration_s, title="Other")

    fingerprint = acoustid.fingerprint(rate, samples.shape[1], iter([samples.tobytes()]))
    answer = acoustid.lookup("any", fingerprint, duration_s)
    (result,) = answer["results"]
    assert result["score"] > 0.9
    found = list(acoustid.parse_lookup_result(answer))
    named = [(title, artist) for _, _, title, artist in found]
    assert ("Rain", "Night Bus") in named
    places = [place for each in result["recordings"] for place in each["places"]]
    assert {"collection": "works", "path": "1.wav"} in places
    assert {"collection": "set:1", "path": "a/b.wav"} in places


def test_an_error_is_one_that_pyacoustid_understands(asked: Any) -> None:
    """Errors have AcoustID's form and numbers."""
    answer = acoustid.lookup("any", "AQAA", 100)
    assert (answer["status"], answer["error"]["code"]) == ("error", 3)
    with pytest.raises(acoustid.WebServiceError):
        list(acoustid.parse_lookup_result(answer))


def ask(client: Any, vector: NDArray[np.uint32], duration: float, **more: str) -> list[dict[str, Any]]:
    """Look a vector up."""
    answer = client.get("/v2/lookup", params={"duration": duration, "fingerprint": packed(vector), **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["results"])


def test_the_score_says_how_many_bits_are_the_same(serve: Serve) -> None:
    """1 for the same vector, less for a disturbed one, and none below a half."""
    with serve() as client:
        whole = vector_of(1_500)  # 186 s, of which clients send the first 120
        add(client.app.state.service.writer, whole, seed=1, duration_s=188.6)
        assert ask(client, whole[:948], 188)[0]["score"] == 1
        assert ask(client, noisy(whole[:948], 0.1), 188)[0]["score"] == pytest.approx(0.8, abs=0.02)
        assert ask(client, noisy(whole[:948], 0.3), 188) == []
        assert ask(client, vector_of(948), 188) == []


@pytest.mark.parametrize("shift", [-24, -3, 3, 24])
def test_a_later_or_earlier_start_is_found(serve: Serve, shift: int) -> None:
    """A file that starts up to 3 s earlier or later is the same file."""
    with serve() as client:
        whole = vector_of(1_500)
        add(client.app.state.service.writer, whole, seed=1, duration_s=188.6)
        moved = (
            whole[shift:][:948] if shift > 0 else np.concatenate([vector_of(-shift), whole[: 948 + shift]])
        )
        assert ask(client, moved, 188)[0]["score"] == 1


def test_files_of_another_length_are_not_the_same_file(serve: Serve) -> None:
    """As AcoustID does, only files that are at most 7 s longer or shorter are compared."""
    with serve() as client:
        whole = vector_of(1_500)
        add(client.app.state.service.writer, whole, seed=1, duration_s=188.0)
        assert ask(client, whole[:948], 194)
        assert ask(client, whole[:948], 182)
        assert ask(client, whole[:948], 196) == []


def test_the_best_comes_first_and_meta_chooses_what_is_said(serve: Serve) -> None:
    """Without `meta` there are ids and scores only; with `recordingids` ids of recordings, too."""
    with serve() as client:
        whole, writer = vector_of(948), client.app.state.service.writer
        add(writer, noisy(whole, 0.1), seed=1, duration_s=120.0, title="Copy")
        mbid = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
        metadata = {"mbid": mbid, "artist": "Bea", "title": "Rain"}
        add(
            writer,
            whole,
            seed=2,
            duration_s=120.0,
            dataset="set",
            metadata=metadata,
        )
        best, other = ask(client, whole, 120)
        assert best["score"] == 1 > other["score"]
        assert set(best) == {"id", "score"}
        assert ask(client, whole, 120, meta="recordingids")[0]["recordings"] == [{"id": mbid}]
        (named,) = ask(client, whole, 120, meta="recordings+releases compress")[0]["recordings"]
        assert (named["id"], named["title"], named["duration"]) == (mbid, "Rain", 120)


MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
RELEASE = "1f2d4c3b-0a9e-4b7d-8c6f-5e4d3c2b1a09"


def test_releases_are_named_where_the_metadata_states_their_musicbrainz_ids(asked: Any) -> None:
    """The gzipped form of beets' chroma (`recordings releases`) gets ids of MusicBrainz, once each."""
    whole, writer = vector_of(948), asked.app.state.service.writer
    metadata = {"mbid": MBID, "title": "Rain", "album": "Nights", "musicbrainz_albumid": RELEASE.upper()}
    for path in ("a.wav", "b.wav"):
        add(writer, whole, seed=1, duration_s=120.0, dataset="set", path=path, metadata=metadata)
    bare = {"title": "Rain", "album": "Nights", "musicbrainz_albumid": "not an id"}
    add(writer, whole, seed=1, duration_s=120.0, dataset="other", metadata=bare)

    answer = acoustid.lookup("1vOwZtEn", packed(whole), 120, meta="recordings releases", timeout=10)
    known, unknown = sorted(answer["results"][0]["recordings"], key=lambda each: "releases" not in each)
    assert (known["id"], known["releases"]) == (MBID, [{"id": RELEASE, "title": "Nights"}])
    assert (known["n_places"], unknown["n_places"]) == (2, 1)
    assert "releases" not in unknown and unknown["id"] != MBID
    (ids,) = ask(asked, whole, 120, meta="recordingids releaseids")
    assert {"id": MBID, "releases": [{"id": RELEASE}]} in ids["recordings"]
    assert not any("releases" in each for each in ask(asked, whole, 120, meta="recordings")[0]["recordings"])


def test_what_another_tenant_stores_is_not_found(serve: Serve) -> None:
    """The works of another tenant in the same home are not compared."""
    with serve() as client:
        whole = vector_of(948)
        add(client.app.state.service.writer, whole, seed=1, duration_s=120.0)
        client.app.state.service.writer.tenant = "other"
        assert ask(client, whole, 120) == []


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({"duration": "1"}, 2),
        ({"fingerprint": "x"}, 2),
        ({"duration": "1", "fingerprint": "not base64 ä"}, 3),
        ({"duration": "120", "fingerprint": packed(np.full(948, 627964279, dtype=np.uint32))}, 3),
        ({"duration": "120", "fingerprint": packed(vector_of(20))}, 3),
        ({"duration": "nan", "fingerprint": packed(vector_of(948))}, 8),
        ({"duration": "-3", "fingerprint": packed(vector_of(948))}, 8),
        ({"duration": "120", "fingerprint": packed(vector_of(948)), "format": "xml"}, 1),
    ],
)
def test_a_wrong_lookup_has_acoustids_number(serve: Serve, fields: dict[str, str], number: int) -> None:
    """What is missing or wrong is 400, both in the query and in a form; silence is no fingerprint."""
    with serve() as client:
        for answer in (client.get("/v2/lookup", params=fields), client.post("/v2/lookup", data=fields)):
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == number


def test_a_form_has_a_limit_packed_and_unpacked(serve: Serve) -> None:
    """Neither a long form nor a short one that unpacks to a long one is read."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    long = b"fingerprint=" + bytes(2 * lookup_request.MAX_BYTES)
    with serve() as client:
        for body, encoding in ((long, "identity"), (gzip.compress(long), "gzip")):
            answer = client.post("/v2/lookup", content=body, headers={**kind, "Content-Encoding": encoding})
            assert (answer.status_code, answer.json()["status"]) == (413, "error")
        for body, encoding in ((b"no gzip", "gzip"), (b"x", "br"), (b"a=\xff&b", "identity")):
            answer = client.post("/v2/lookup", content=body, headers={**kind, "Content-Encoding": encoding})
            assert answer.status_code == 400
