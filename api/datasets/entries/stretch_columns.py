"""The stretch of a file that an entry means: columns named like a start, an end or a length, in any unit.

A column that is named like a stretch is never passed over: where its unit cannot be decided, or its value
cannot be read, that is an error of the entry, since the whole file would give the neighbours' sound for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

from earwitness.api.datasets.entries.clock_times import clock_of, is_absent, is_date, number_of, time_of
from earwitness.api.datasets.entries.stretch_pairs import (
    BadStretch,
    StretchColumn,
    in_latin,
    no_time,
    paired,
    unit_stated,
)
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import label

OwnRate: TypeAlias = Callable[[], float | None]
"""The sampling rate of the entry's file, in Hz, as its first bytes state it; None where they do not."""

_LONGEST_S: Final = 1e9
_STARTS: Final = frozenset(
    {
        "start", "starts", "begin", "begins", "beginning", "onset", "from", "tstart", "tbegin", "strt", "beg",
        "bgn", "starting", "since", "anfang", "beginn", "startzeit", "inicio", "inizio", "debut", "stime",
    }
)  # fmt: skip
_ENDS: Final = frozenset({
    "end", "ends", "stop", "stops", "finish", "until", "to", "tend", "tstop", "ending", "ende", "endzeit",
    "fin", "etime",
})  # fmt: skip
_LENGTHS: Final = frozenset({"duration", "dur", "length", "len"})
_COUNTS: Final = frozenset({"num", "n", "count", "number", "total"})
_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "msecs", "milli", "millis", "millisec", "millisecs"), 1e-3),
    **dict.fromkeys(("millisecond", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "usec", "usecs", "micros", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
}  # fmt: skip
_SAMPLES: Final = frozenset({"sample", "samples", "smp"})
_FRAMES: Final = frozenset({"frame", "frames"})
_UNDECIDED: Final = frozenset({
    "beat", "beats", "bar", "bars", "measure", "measures", "tick", "ticks", "index", "idx", "percent", "pct",
    "ratio", "frac", "fraction", "norm", "normalized", "normalised", "relative", "rel", "block", "blocks",
})  # fmt: skip
_PLAIN: Final = frozenset({
    "time", "times", "timestamp", "ts", "t", "pos", "position", "point", "at", "in", "of", "the", "audio",
    "clip", "segment", "seg", "utt", "utterance", "wav", "file", "speech", "video", "track", "event", "yt",
    "ytid", "youtube", "chunk", "sound", "song", "music", "excerpt", "cut", "crop", "trim", "region",
    "interval", "span", "window", "slice", "recording", "offset", "mp", "mp3", "flac", "media", "source",
    "annotation", "label", "hms", "hhmmss", "mmss", "clock", "value", "marker", "stretch", "snippet",
    "sentence", "turn", "speaker",
})  # fmt: skip
_NO_STRETCH: Final = frozenset({
    "date", "datetime", "day", "year", "month", "week", "epoch", "char", "chars", "character",
    "characters", "word", "words", "token", "tokens", "line", "lines", "page", "byte", "bytes", "lat",
    "lon", "lng", "latitude", "longitude", "station", "id", "ids", "name", "text", "phrase", "type",
    "reason", "freq", "frequency", "hz", "khz", "price", "note", "pitch", "chapter", "verse", "city",
    "country", "lang", "language", "score", "prob", "probability", "confidence", "logprob", "embedding",
    "silence", "pad", "padding", "fade", "pause", "codon", "version", "iso", "utc", "gmt", "url", "uri",
    "path", "node", "user", "stage", "age", "key", "tone", "bpm", "tempo",
})  # fmt: skip
_GLUED: Final = re.compile(
    r"(start|begin|end|stop|onset|duration|dur)(time|timestamp|pos|position|offset|secs?|seconds?|ms|msecs?|millis|"
    r"milliseconds|frames?|samples?)|(offset)(secs?|seconds?|ms|msecs?)|(num|frame|sample)(offset|frames|samples)"
)
_SPECIAL: Final = {
    "t0": "start", "tmin": "start", "xmin": "start", "t1": "end", "tmax": "end", "xmax": "end",
    "nsec": "length",
}  # fmt: skip
_RANGES: Final = frozenset({
    "segment", "span", "interval", "timestamp", "timestamps", "time", "times", "range", "region", "stretch",
    "window", "clip", "excerpt", "timerange", "timespan", "cut", "slice", "bounds", "boundaries",
})  # fmt: skip
_RANGE: Final = re.compile(
    r"[\[(]?\s*([\d.:]+)\s*(s|sec|ms)?\s*(?:-|–|—|,|;|~|to|-->|\.\.)\s*([\d.:]+)\s*(s|sec|ms)?\s*[\])]?"
)
_CLEAR_RANGES: Final = frozenset({"segment", "interval", "range", "span", "bounds", "boundaries"})
_TWO_NUMBERS: Final = re.compile(r"[\[(]?\s*[\d.]+(?:\s*[/:|]\s*|\s+)[\d.]+\s*[\])]?")
_RANGE_UNITS: Final = frozenset({"s", "sec", "secs", "seconds", "ms"})
_PARTS_OF_SONGS: Final = frozenset({
    "chorus", "verse", "intro", "outro", "bridge", "hook", "loop", "drop", "solo", "preview", "refrain",
    "week",
    "front", "back", "dead", "high", "low", "open", "close", "season", "weekend", "license", "career",
})  # fmt: skip
"""What may begin and end in a sound that is meant as a whole."""
_RATE_KEYS: Final = frozenset({
    "sample_rate", "sampling_rate", "samplerate", "samplingrate", "sr", "fs", "rate", "sample_rate_hz",
    "sampling_rate_hz", "sampling_frequency", "audio_sample_rate", "audio_sampling_rate",
    "orig_sample_rate", "sample_freq",
})  # fmt: skip
_FPS_KEYS: Final = frozenset({"fps", "frame_rate", "framerate", "frames_per_second", "video_fps"})
_OWN_FRAMES: Final = frozenset({"frame_offset", "num_frames"})
"""The names that torchaudio gives to a position and a number in the file's own samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From where to where, in seconds; None is the file's own edge."""

    start_s: float | None = None
    end_s: float | None = None


WHOLE: Final = Stretch()


def stretch_of(row: Mapping[str, Json], *, own_rate: OwnRate = lambda: None) -> Stretch:
    """The stretch that these fields mean; `WHOLE` when none is named like one.

    Raises
    ------
    BadStretch
        A field is named like a stretch, and its unit or its value is not clear.
    """
    row = {key: _single(value) for key, value in row.items()}
    columns = _columns_of(row)
    chosen = columns.chosen
    if not columns.has_start:
        chosen |= paired(row, with_length="length" in chosen, length_key=columns.no_time.get("length"))
        if "end" in chosen and "start" not in chosen:
            raise BadStretch(f"column {label(chosen['end'][1])} names an end, and no start is named")
    _check_times(columns, row)
    if "start" not in chosen and "offset" in chosen:
        chosen["start"] = chosen["offset"]
    elif "end" not in chosen and "offset" in chosen and _is_onset(chosen):
        chosen["end"] = chosen["offset"]
    if not chosen.keys() & {"start", "end"}:
        return _ranged(row)
    ends = [row[key] for role, (_, key) in chosen.items() if role in {"start", "end", "length"}]
    both_ends = "start" in chosen and len(ends) > 1 and any(time_of(end) is not None for end in ends)

    def seconds(role: str) -> float | None:
        if role not in chosen:
            return None
        column, key = chosen[role]
        if time_of(row[key]) is None:
            raise no_time(key, row[key], both_ends=both_ends)
        return _seconds(row[key], with_unit(column, row), key=key, row=row, own_rate=own_rate)

    start_s, end_s = seconds("start"), seconds("end")
    if end_s is None and start_s is not None:
        length_s = seconds("length")
        end_s = None if length_s is None else start_s + length_s
    return _checked(start_s, end_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The columns of a row that name a stretch.

    Attributes
    ----------
    chosen : dict of str to (StretchColumn, str)
        The clearest column of each role, with its key.
    no_time : dict of str to str
        By role, the key of a column whose name has other uses too, and whose value is no time.
    has_start : bool
        Whether a column is named like a start, even if it states none.
    """

    chosen: dict[str, tuple[StretchColumn, str]]
    no_time: dict[str, str]
    has_start: bool


def _columns_of(row: Mapping[str, Json]) -> _Columns:
    chosen: dict[str, tuple[StretchColumn, str]] = {}
    no_time: dict[str, str] = {}
    has_start = False
    for key, value in row.items():
        column = _named(key)
        if column is None:
            continue
        if is_date(value):
            if column.role != "start":  # a start that is a date is when something was recorded
                no_time.setdefault(column.role, key)
            continue
        has_start |= column.role in {"start", "offset"}
        if column.role == "offset" and isinstance(value, list) and value:
            raise BadStretch(f"column {label(key)} names several times")
        if is_absent(value) or (column.soft and value in ([], {})):
            continue
        if column.soft and time_of(value) is None:
            no_time.setdefault(column.role, key)
            continue
        best = chosen.get(column.role)
        if best is None or column.rank < best[0].rank:
            chosen[column.role] = (column, key)
        elif column.rank == best[0].rank:
            _check_agree(row, (column, key), best)
    return _Columns(chosen=chosen, no_time=no_time, has_start=has_start)


def _check_times(columns: _Columns, row: Mapping[str, Json]) -> None:
    """Refuse a stretch of which one column is a time, and the one that it needs besides is none."""
    chosen = columns.chosen
    wanted: tuple[str, ...] = ()
    if not chosen.keys() & {"start", "offset"}:
        wanted = ("start", "offset") if chosen.keys() & {"end", "length"} else ()
    elif not chosen.keys() & {"end", "length"} and not ("offset" in chosen and _is_onset(chosen)):
        wanted = ("end", "length", "offset") if _is_onset(chosen) else ("end", "length")
    for role in wanted:
        key = columns.no_time.get(role)
        if key is None:
            continue
        # "from": "Ann", beside a duration, is who speaks
        if role == "start" and "end" not in chosen and not re.search(r"\d", str(row[key])):
            continue
        raise no_time(key, row[key], both_ends=True)


def _is_onset(chosen: Mapping[str, tuple[StretchColumn, str]]) -> bool:
    return "start" in chosen and "onset" in chosen["start"][1].lower()


def with_unit(column: StretchColumn, row: Mapping[str, Json]) -> StretchColumn:
    """The column with the unit that another column of the row states, where its own name states none."""
    word = None if column.unit is not None else unit_stated(row)
    if word is None:
        return column
    unit = _unit([word], [word], [] if _is_unit(word) else [word])
    return replace(column, unit=unit)


def _single(value: Json) -> Json:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _check_agree(
    row: Mapping[str, Json], one: tuple[StretchColumn, str], other: tuple[StretchColumn, str]
) -> None:
    """Minutes in one column and seconds in another are no two ways to say one time."""
    found = []
    for column, key in (one, other):
        number = number_of(row[key])
        if number is not None and (column.unit is None or isinstance(column.unit, float)):
            found.append(number * (column.unit or 1.0))
    if len(found) == 2 and abs(found[0] - found[1]) > 0.1 + 0.01 * abs(found[0]):
        raise BadStretch(f"columns {label(one[1])} and {label(other[1])} name different times")


def _checked(start_s: float | None, end_s: float | None) -> Stretch:
    if end_s is not None and not (start_s or 0.0) < end_s < _LONGEST_S:
        raise BadStretch(f"its stretch is from {start_s or 0.0:g} s to {end_s:g} s")
    return Stretch(start_s=start_s, end_s=end_s)


def named_like_stretch(name: str) -> bool:
    """Whether a column of this name would say where in a file an entry lies."""
    column = _named(name)
    return column is not None and not column.soft


def may_name_stretch(name: str) -> bool:
    """Whether a column of this name says where an entry is in a file, if its values are times."""
    return _named(name) is not None


def named_like_range(name: str) -> bool:
    """Whether a column of this name would hold both ends of a stretch."""
    words = _words(name)
    if _both_ends(words):
        return not set(words) - _STARTS - _ENDS - _PLAIN - _RANGE_UNITS
    return bool(set(words) & _RANGES) and not set(words) - _RANGES - _PLAIN - _RANGE_UNITS


def _both_ends(words: list[str]) -> bool:
    return bool(set(words) & _STARTS) and bool(set(words) & _ENDS)


def _words(name: str) -> list[str]:
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", in_latin(name))
    words = re.findall(r"[a-z]+|\d+", split.lower())
    if len(words) == 2 and words[1] in {"0", "1"} and words[0] == "t":
        return ["".join(words)]
    return [part for word in words for part in _unglued(word)]


def _unglued(word: str) -> tuple[str, ...]:
    found = _GLUED.fullmatch(word)
    return tuple(filter(None, found.groups())) if found else (word,)


@lru_cache(maxsize=4096)
def _named(name: str) -> StretchColumn | None:
    """What a column's name says of a stretch; None when it is not named like one."""
    if len(name) > 80:
        return None
    words = _words(name)
    if len(words) == 1 and words[0] in _SPECIAL:
        return StretchColumn(role=_SPECIAL[words[0]], unit=1.0, rank=2)
    if not words or set(words) & _NO_STRETCH:
        return None
    role = _role(words)
    if role is None:
        return None
    roles = _STARTS | _ENDS | _LENGTHS | _COUNTS
    rest = [word for word in words if word not in roles | _PLAIN]
    strange = [word for word in rest if not _is_unit(word) and not word.isdigit()]
    soft = bool(role in {"length", "offset"} or {"from", "to"} & set(words))
    if strange and (soft or words[0] not in roles):
        known = not soft and words[-1] in _STARTS | _ENDS and not set(strange) & _PARTS_OF_SONGS
        if not known or len(words) != 2:
            return None
    unit = _unit(words, rest, strange)
    return StretchColumn(role=role, unit=unit, rank=len(words) + 10 * len(strange), soft=soft)


def _role(words: list[str]) -> str | None:
    known = set(words)
    if known & _STARTS and not known & _ENDS:
        return "start"
    if known & _ENDS and not known & _STARTS:
        return "end"
    if known & (_STARTS | _ENDS):
        return None
    if known & _LENGTHS:
        return "length"
    if "offset" in known:
        return "offset"
    return "length" if known & _COUNTS and known & (_SAMPLES | _FRAMES) else None


def _is_unit(word: str) -> bool:
    return word in _SECONDS or word in _SAMPLES or word in _FRAMES or word in _UNDECIDED


def _unit(words: list[str], rest: list[str], strange: list[str]) -> float | str | None:
    if strange or set(rest) & _UNDECIDED or any(word.isdigit() and len(word) > 1 for word in rest):
        return "undecided"
    if "_".join(words) in _OWN_FRAMES:
        return "own"
    if set(rest) & _FRAMES:
        return "frames"
    named = next((_SECONDS[word] for word in rest[words[0] == "min" :] if word in _SECONDS), None)
    if set(rest) & _SAMPLES and named is None:
        # "sample_start" may be where a sample, that is a clip, starts
        return "undecided" if words[0] == "sample" and "offset" not in words else "samples"
    return named


def _seconds(
    value: Json, column: StretchColumn, *, key: str, row: Mapping[str, Json], own_rate: OwnRate
) -> float | None:
    said = f"column {label(key)}"
    number, clock = number_of(value), clock_of(value)
    if number is None and clock is not None and column.unit in {None, 1.0, 60.0, 3600.0}:
        return clock
    if number is None:
        raise no_time(key, value)
    if number < 0:
        # a last position of -1 is the end of the file (Kaldi, NeMo)
        if column.role != "start" and column.role != "offset" and number == -1:
            return None
        raise BadStretch(f"{said} names a stretch, and {number:g} is below 0")
    seconds = number * _factor(column.unit, said, row, own_rate)
    if not seconds < _LONGEST_S:
        raise BadStretch(f"{said} names a stretch, and {number:g} is too large")
    return seconds


def _factor(unit: float | str | None, said: str, row: Mapping[str, Json], own_rate: OwnRate) -> float:
    if unit is None:
        return 1.0
    if isinstance(unit, float):
        return unit
    if unit == "undecided":
        raise BadStretch(f"{said} names a stretch, and its unit is not clear")
    rate = _stated(row, _FPS_KEYS) if unit == "frames" else None
    rate = rate or _stated(row, _RATE_KEYS)
    if rate is None and unit != "frames":
        rate = own_rate()
    if rate is None:
        raise BadStretch(
            f"{said} counts {'frames' if unit == 'frames' else 'samples'}, and their rate is not stated"
        )
    return 1.0 / rate


def _stated(row: Mapping[str, Json], keys: frozenset[str]) -> float | None:
    for key, value in row.items():
        if key.strip().lower().replace(" ", "_").replace("-", "_") in keys:
            number = number_of(value)
            if number is not None and 0.1 <= number <= 1e7:
                return number
    return None


def _ranged(row: Mapping[str, Json]) -> Stretch:
    """A stretch that one field holds: ``[11, 19]``, ``0:11-0:19``, or an object with a start and an end."""
    for key, value in row.items():
        if not named_like_range(key):
            continue
        scale = 1e-3 if "ms" in _words(key) else 1.0
        if isinstance(value, dict) and (inner := _inner(value)):
            return inner
        if isinstance(value, list) and len(value) == 2 and not any(isinstance(v, list | dict) for v in value):
            ends = [_edge(each, scale, key) for each in value]
            return _checked(*ends)
        if isinstance(value, str) and len(value) < 80 and "-->" in value:
            first, _, last = value.partition("-->")
            return _checked(_edge(first.strip(), scale, key), _edge(last.strip(), scale, key))
        if isinstance(value, str) and len(value) < 80 and (found := _RANGE.fullmatch(value.strip())):
            if not _plainly_times(key, value):
                if set(_words(key)) & _CLEAR_RANGES:
                    raise _not_clear(key, value)
                continue
            ends = [_edge(f"{found[n]}{found[n + 1] or found[4] or ''}", scale, key) for n in (1, 3)]
            return _checked(*ends)
        clear = bool(set(_words(key)) & _CLEAR_RANGES)
        if clear and isinstance(value, str) and _TWO_NUMBERS.fullmatch(value.strip()):
            raise _not_clear(key, value)
    return WHOLE


def _not_clear(key: str, value: str) -> BadStretch:
    return BadStretch(f"column {label(key)} names a stretch, and {label(value)!r} is not clear")


def _plainly_times(key: str, value: str) -> bool:
    """Whether ``3-4`` is a stretch and no number of something: it has clocks, points, brackets or units."""
    return bool(re.search(r"[:.\[(]|s\b", value)) or bool(
        {"time", "times", "timestamp", "timestamps", "interval", "span"} & set(_words(key))
        or _both_ends(_words(key))
    )


def _inner(value: dict[str, Json]) -> Stretch | None:
    found = stretch_of(value)
    return found if found != WHOLE else None


def _edge(value: Json, scale: float, key: str) -> float | None:
    if value is None:
        return None
    number = number_of(value)
    seconds = clock_of(value) if number is None else number * scale
    if seconds is None or not 0.0 <= seconds < _LONGEST_S:
        raise no_time(key, value)
    return seconds
