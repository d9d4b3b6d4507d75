"""Short items for the scanner: the open corpus cut to 5-8 s in five formats, some of them degraded excerpts.

The registered works are music of the test split; every other item is cut from tracks of the other roles.
The same seed gives the same items on one machine with one FFmpeg.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.degrade import chance
from benchmarks.data.overlays import Material
from benchmarks.data.queries import Excerpt, degraded, middle, pick

FORMATS: Final = ("mp3", "ogg", "opus", "flac", "m4a")
DEGRADED: Final = ("clean", "mp3_32k", "opus_12k", "band_300_3400", "speech_0", "room")
LENGTHS_S: Final = (5.0, 8.0)
LONGEST_WORK_S: Final = 400.0
EDGE_S: Final = 3.0
"""Seconds left out at both ends of a track, where it fades."""

_ENCODERS: Final[dict[str, tuple[str, str, int, dict[str, str]]]] = {
    "mp3": ("mp3", "libmp3lame", 128_000, {"compression_level": "9"}),
    "opus": ("ogg", "libopus", 96_000, {"compression_level": "2"}),
    "m4a": ("mp4", "aac", 128_000, {"aac_coder": "fast"}),
    "flac": ("flac", "flac", 0, {"compression_level": "3"}),
}
"""Container, encoder, bits per second, options: the fastest, because quality does not matter here."""

_OPUS_HZ: Final = 48_000
_FILE: Final = {"fflags": "+bitexact"}
"""No dates and no random stream numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item, and its origin.

    Attributes
    ----------
    condition : str or None
        How it was degraded, where it is an excerpt of a registered work; else None.
    """

    name: str
    track: str
    start_s: float
    length_s: float
    condition: str | None = None
    excerpt: Excerpt | None = None

    @property
    def format(self) -> str:
        """The file's ending."""
        return self.name.rpartition(".")[2]


def works(corpus: Corpus, n: int) -> list[Track]:
    """The registered works: test music of ordinary length, evenly spaced in the list."""
    usable = [
        track
        for track in corpus.select(role="test", kind="music")
        if 30 < track.duration_s < LONGEST_WORK_S and not track.overlay_for
    ]
    return [usable[k] for k in np.linspace(0, len(usable) - 1, min(n, len(usable))).astype(int)]


def plan(corpus: Corpus, registered: Sequence[Track], *, n: int, n_degraded: int, seed: int) -> list[Item]:
    """Return all items, with the excerpts of works at random positions."""
    rng = chance(seed, "scan items", "plan")
    excerpts = pick(corpus.root, registered, n=n_degraded, longest_s=LENGTHS_S[1], seed=seed)
    places = set(rng.choice(n, n_degraded, replace=False).tolist())
    cuts, degraded_excerpts = _cuts(_others(corpus)), iter(excerpts)
    items = list[Item]()
    for number in range(n):
        name = f"{number // 1000:02d}/{number:05d}.{FORMATS[number % len(FORMATS)]}"
        length_s = round(float(rng.uniform(*LENGTHS_S)), 2)
        if number in places:
            excerpt = next(degraded_excerpts)
            condition = DEGRADED[len(items) % len(DEGRADED)]
            start_s = excerpt.start_s
            items.append(
                Item(name=name, track=excerpt.path, start_s=start_s, length_s=length_s,
                     condition=condition, excerpt=excerpt)
            )  # fmt: skip
        else:
            track, start_s = next(cuts)
            items.append(Item(name=name, track=track.path, start_s=start_s, length_s=length_s))
    return items


def _others(corpus: Corpus) -> list[Track]:
    test_groups = {track.dup_group for track in corpus.tracks if track.role == "test" and track.dup_group}
    return [
        track
        for role in ("train", "validation")
        for track in corpus.select(role=role)
        if track.dup_group not in test_groups and track.duration_s > 2 * (LENGTHS_S[1] + EDGE_S)
    ]


def _cuts(tracks: Sequence[Track]) -> Iterator[tuple[Track, float]]:
    """Yield places in tracks, one longest item apart; when all are used, shifted by a part of an item."""
    for lap in count():
        first_s = EDGE_S + (lap % 8) * LENGTHS_S[1] * 0.37
        for step in count():
            start_s = round(first_s + step * LENGTHS_S[1], 2)
            usable = [track for track in tracks if start_s + LENGTHS_S[1] + EDGE_S < track.duration_s]
            if not usable:
                break
            yield from ((track, start_s) for track in usable)


def make(corpus: Corpus, items: Sequence[Item], folder: Path, *, n_processes: int, seed: int) -> None:
    """Write the items that do not exist in `folder`."""
    missing = [item for item in items if not (folder / item.name).exists()]
    work = partial(_make_some, root=corpus.root, folder=folder, seed=seed)
    shares = [missing[at : at + 50] for at in range(0, len(missing), 50)]
    with ProcessPoolExecutor(n_processes) as processes:
        for _ in processes.map(work, shares):
            pass


def _make_some(items: Sequence[Item], *, root: Path, folder: Path, seed: int) -> None:
    material = Material(Corpus.open(root))
    for item in items:
        target = folder / item.name
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_suffix(".part")
        beside.write_bytes(_bytes_of(item, root, material, folder.parent / "excerpts", seed))
        beside.rename(target)


def _bytes_of(item: Item, root: Path, material: Material, folder: Path, seed: int) -> bytes:
    if item.excerpt is not None and item.condition is not None:
        longest_s = LENGTHS_S[1]
        file = degraded(
            root,
            item.excerpt,
            item.condition,
            longest_s=longest_s,
            seed=seed,
            material=material,
            folder=folder,
        )
        data = middle(file, length_s=item.length_s, longest_s=longest_s)
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        return encoded(samples, rate_hz, item.format)
    if item.format == "ogg" and item.track.endswith(".ogg"):
        return copied(root / item.track, item.start_s, item.length_s)
    return encoded(*_cut(root / item.track, item.start_s, item.length_s), item.format)


def _cut(path: Path, start_s: float, length_s: float) -> tuple[NDArray[np.float32], int]:
    with soundfile.SoundFile(path) as file:
        file.seek(round(start_s * file.samplerate))
        frames = round(length_s * file.samplerate)
        samples: NDArray[np.float32] = file.read(frames, dtype="float32", always_2d=True)
        return samples[:, :2], file.samplerate


def encoded(samples: NDArray[np.float32], rate_hz: int, format_: str) -> bytes:
    """Return the bytes of a file in one of ``FORMATS``; samples have shape (n_samples, 1 or 2)."""
    out = io.BytesIO()
    if format_ == "ogg":
        with soundfile.SoundFile(out, "w", rate_hz, samples.shape[1], "VORBIS", format="OGG") as file:
            for at in range(0, len(samples), rate_hz):  # libsndfile overflows its stack on long writes
                file.write(samples[at : at + rate_hz])
        return out.getvalue()
    container, encoder, bit_rate, options = _ENCODERS[format_]
    out_hz = _OPUS_HZ if format_ == "opus" else rate_hz
    layout = "stereo" if samples.shape[1] == 2 else "mono"
    pcm = np.ascontiguousarray(np.round(np.clip(samples, -1, 1) * 32_767).astype(np.int16).T)
    frame = av.AudioFrame.from_ndarray(pcm, format="s16p", layout=layout)
    frame.sample_rate = rate_hz
    with av.open(out, "w", format=container, options=_FILE) as target:
        stream: Any = target.add_stream(encoder, rate=out_hz, layout=layout, options=options)
        stream.bit_rate = bit_rate
        resampler = av.AudioResampler(
            format=stream.format.name, layout=layout, rate=out_hz, frame_size=stream.frame_size or 1152
        )
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            target.mux(stream.encode(part))
    return out.getvalue()


def copied(path: Path, start_s: float, length_s: float) -> bytes:
    """Return a stretch of an Ogg Vorbis file with its packets copied, as by `ffmpeg -c copy`."""
    out = io.BytesIO()
    with av.open(str(path)) as source, av.open(out, "w", format="ogg", options=_FILE) as target:
        stream = source.streams.audio[0]
        copy = target.add_stream_from_template(stream)
        first, last = (round(place / stream.time_base) for place in (start_s, start_s + length_s))
        source.seek(first, stream=stream)
        begins = None
        for packet in source.demux(stream):
            if packet.pts is None or packet.pts < first:
                continue
            if packet.pts >= last:
                break
            begins = packet.pts if begins is None else begins
            packet.pts -= begins
            packet.dts, packet.stream = packet.pts, copy
            target.mux(packet)
    return out.getvalue()


def truth(items: Sequence[Item]) -> dict[str, Any]:
    """Return the items as JSON, by name."""
    return {item.name: asdict(item) for item in items}


def save_truth(items: Sequence[Item], path: Path) -> None:
    """Write the origin of each item to a file."""
    path.write_text(json.dumps(truth(items)), encoding="utf-8")


def some(items: Sequence[Item], n: int) -> list[Item]:
    """Return `n` evenly spaced items."""
    return list(islice(items, 0, None, max(1, len(items) // n)))[:n]
