"""How close sound that is made again from packs comes to the original, as a table and as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Final

from benchmarks.report.records import Record

ANOTHER: Final = "another recording"
CEILING: Final = "its own spectrogram"
_TITLES: Final = {
    "peaks": "the peaks",
    "codes, nearest neighbours": "the codes: stretches of other recordings with the nearest codes",
    "codes, regression": "the codes: a linear map to the spectrogram, learnt from other recordings",
    "codes and peaks": "the same, with the peaks on top",
    CEILING: "*for comparison:* its own spectrogram, which no pack holds",
    ANOTHER: "*for comparison:* nothing: another recording",
}


def mean(record: Record, *, kind: str, made_from: str, measure: str) -> float:
    """Return the mean of a measure over the excerpts of one kind."""
    rows = (row for row in record.rows if (row["kind"], row["made_from"]) == (kind, made_from))
    return fmean(row[measure] for row in rows)


def best(record: Record, *, kind: str, measure: str) -> float:
    """Return the mean of a measure of the attack that comes closest."""
    attacks = [name for name in _TITLES if name not in {ANOTHER, CEILING}]
    return max(mean(record, kind=kind, made_from=name, measure=measure) for name in attacks)


def pack_sentence(record: Record) -> str:
    """Return what `pack make` says of fingerprints."""
    pitch, by_chance = (
        100 * best(record, kind="music", measure="pitch"),
        100 * mean(record, kind="music", made_from=ANOTHER, measure="pitch"),
    )
    stoi = best(record, kind="speech", measure="stoi")
    chance, whole = (
        mean(record, kind="speech", made_from=name, measure="stoi") for name in (ANOTHER, CEILING)
    )
    return (
        "Its fingerprints give part of the sound away: music that was made again from such fingerprints had"
        f" the same strongest pitch class in {pitch:.0f} of 100 moments (another recording: {by_chance:.0f}),"
        f" and speech an intelligibility (STOI) of {stoi:.2f} (another recording: {chance:.2f}, the whole"
        f" spectrogram: {whole:.2f}). Better attacks may exist: make no pack of works that nobody may know"
        " of."
    )


def privacy_lines(record: Record) -> Iterator[str]:
    """Yield the table of attacks."""
    n_tracks = len({row["track"] for row in record.rows if row["kind"] == "music"})
    n_speech = len({row["track"] for row in record.rows if row["kind"] == "speech"})
    length_s, known = record.options["length"], record.options["known"]
    yield f"Means over {n_tracks} excerpts of music and {n_speech} of speech of {length_s:g} s each, from"
    yield "recordings that nothing was fitted on; whoever attacks has"
    yield f"{known} other excerpts of each kind to learn from:"
    yield ""
    yield "| made again from | pitch class | chroma | spectrum | speech: STOI |"
    yield "|---|---|---|---|---|"
    for name, title in _TITLES.items():
        music = [mean(record, kind="music", made_from=name, measure=each) for each in ("chroma", "spectrum")]
        pitch = 100 * mean(record, kind="music", made_from=name, measure="pitch")
        stoi = mean(record, kind="speech", made_from=name, measure="stoi")
        yield f"| {title} | {pitch:.0f} % | {music[0]:.2f} | {music[1]:.2f} | {stoi:.2f} |"
    yield ""
    yield f"{record.machine}, commit {record.commit}, {record.made_at[:10]}."
