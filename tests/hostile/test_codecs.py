"""Hostile audio: each file gets its own code, workers keep within their memory, and the next decodes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from earwitness.fingerprint.decode import Decoder, Limits
from earwitness.fingerprint.errors import AudioError
from tests.hostile.encode import encoded
from tests.hostile.make_codecs import Hostile, make_codecs

# small caps, so that small bombs reach them
LIMITS = Limits(max_seconds=600, max_samples=60_000_000, wall_s=300)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Hostile]:
    """Every hostile file, made once."""
    return make_codecs(tmp_path_factory.mktemp("codecs"))


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all of them, as in a scan."""
    with Decoder(limits=LIMITS) as opened:
        yield opened


def outcome(decoder: Decoder, item: Hostile) -> str:
    """The error's code, or whether all of it was decoded."""
    try:
        decoded = decoder.decode(item.path, name=item.name)
    except AudioError as error:
        assert item.name in error.message, "a message names its item"
        return error.code
    assert np.isfinite(decoded.waveform.samples).all()
    assert decoded.whole or decoded.note
    return "ok" if decoded.whole else "cut"


def test_each_hostile_file_comes_to_what_it_deserves(files: list[Hostile], decoder: Decoder) -> None:
    """No file passes for another, none that is cut reads as whole, and no bomb fills the worker's memory."""
    with watched() as peaks_bytes:
        found = {item.name: outcome(decoder, item) for item in files}
    assert len(files) >= 60
    assert {item.name: found[item.name] for item in files if found[item.name] not in item.codes} == {}
    assert 0 < max(peaks_bytes) < LIMITS.memory_bytes // 2


def test_a_good_file_decodes_after_a_hostile_one(files: list[Hostile], decoder: Decoder) -> None:
    """What a hostile file leaves behind does not reach the next one."""
    outcome(decoder, next(item for item in files if item.name == "garbage.flac"))
    assert decoder.decode(encoded("flac"), name="good").whole


@contextlib.contextmanager
def watched() -> Iterator[list[int]]:
    """Gather the resident bytes of this process's workers, every few milliseconds."""
    peaks_bytes: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    # between fork and exec a child still counts this process's memory as its own
                    if "earwitness.fingerprint.decode.worker.decode_worker" in child.cmdline():
                        peaks_bytes.append(child.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peaks_bytes
    finally:
        done.set()
        watcher.join()
