"""Seconds compared + seconds reported as not compared = seconds there, whatever a file looks like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.api.datasets.items import SourceItem
from earwitness.api.pipeline.search_item import DecodedItem, ItemDecoder
from earwitness.api.settings import Settings
from tests.hostile.make_streams import Made, every_file

OFF_S = 0.12
"""Seconds that encoders and decoders pad or trim at the two ends of a stream."""


@pytest.fixture(scope="module")
def listener() -> Iterator[ItemDecoder]:
    """One decoder for all files."""
    with ItemDecoder(settings=Settings(), wants_chromaprint=lambda _: False) as opened:
        yield opened


def hear(listener: ItemDecoder, made: Made, folder: Path) -> DecodedItem:
    """Decode a file as `scan` does."""
    path = folder / "item"
    path.write_bytes(made.data)
    return listener.decode(
        SourceItem(item_id=made.name, path=made.name, open=lambda: path.open("rb"), file=path)
    )


def complaint(made: Made, heard: DecodedItem) -> str | None:
    """Say what is wrong about the account of one file; None when nothing is."""
    compared_s = heard.item.duration_s or 0.0
    reported_s = heard.item.not_compared_s or 0.0
    there_s = made.there_s or 0.0
    if made.is_whole and not heard.complete:
        return f"whole, but {heard.error.message if heard.error else 'not read'}"
    if heard.query is None:
        return None if heard.error is not None else "nothing was compared and no reason is given"
    n_parts = max(len(heard.item.parts), 1)
    if made.is_whole and reported_s:
        return f"{reported_s:.2f} s are reported as missing from a whole file"
    if abs(compared_s + reported_s - there_s) <= OFF_S * n_parts:
        return None
    if not heard.complete and compared_s + reported_s >= there_s - OFF_S:
        return None  # a cut file may report what it lost besides, which `ffmpeg` does not count
    account = f"{compared_s:.2f} s compared, {reported_s:.2f} s reported, {there_s:.2f} s there"
    return f"{account}, whole {heard.complete}"


def test_every_second_of_a_file_is_compared_or_reported(listener: ItemDecoder, tmp_path: Path) -> None:
    """What is compared and what is reported as not compared add up to what `ffmpeg` finds in the file."""
    files = list(every_file(tmp_path))
    assert len(files) >= 200
    wrong = {made.name: found for made in files if (found := complaint(made, hear(listener, made, tmp_path)))}
    assert not wrong, f"{len(wrong)} of {len(files)}: " + "; ".join(
        f"{name}: {said}" for name, said in wrong.items()
    )
