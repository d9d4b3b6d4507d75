"""The role (start, end, length, offset) and the unit that a column's name states."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

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
_CLEAR_RANGES: Final = frozenset({"segment", "interval", "range", "span", "bounds", "boundaries"})
_RANGE_UNITS: Final = frozenset({"s", "sec", "secs", "seconds", "ms"})
_PARTS_OF_SONGS: Final = frozenset({
    "chorus", "verse", "intro", "outro", "bridge", "hook", "loop", "drop", "solo", "preview", "refrain",
    "week",
    "front", "back", "dead", "high", "low", "open", "close", "season", "weekend", "license", "career",
})  # fmt: skip
"""Words for parts of a piece; their start is not the start of the entry."""
_OWN_FRAMES: Final = frozenset({"frame_offset", "num_frames"})
"""Names of torchaudio for a start and a length in samples of the file."""
_OTHER_SCRIPTS: Final = {
    "\u5f00\u59cb": " start ", "\u958b\u59cb": " start ", "\u8d77\u59cb": " start ",
    "\u7ed3\u675f": " end ", "\u7d50\u675f": " end ", "\u7d42\u4e86": " end ",
    "\u043d\u0430\u0447\u0430\u043b\u043e": " start ", "\u043a\u043e\u043d\u0435\u0446": " end ",
    "\u65f6\u95f4": " time ", "\u6642\u9593": " time ", "\u65f6\u957f": " duration ",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchColumn:
    """A column that is named like a stretch.

    Attributes
    ----------
    role : str
        ``start``, ``end``, ``length``, or ``offset`` (a start, or the end beside an onset).
    unit : float or str or None
        Seconds per unit; or ``samples``, ``frames``, ``own`` (samples at the file's own rate),
        ``undecided``; None where the name states none.
    rank : int
        How clear the name is; the lowest is the clearest.
    soft : bool
        Whether the name has other uses too, so that only a value that is a time makes it a stretch.
    """

    role: str
    unit: float | str | None
    rank: int
    soft: bool = False

    def with_unit(self, word: str | None) -> StretchColumn:
        """The column with the unit that another column states, where its own name states none."""
        if self.unit is not None or word is None:
            return self
        return replace(self, unit=_unit([word], [word], [] if _is_unit(word) else [word]))


def named_like_stretch(name: str) -> bool:
    """Whether a column of this name names a stretch, and has no other use."""
    column = stretch_column(name)
    return column is not None and not column.soft


def named_like_range(name: str) -> bool:
    """Whether a column of this name would hold both ends of a stretch."""
    words = words_of(name)
    if has_both_ends(words):
        return not set(words) - _STARTS - _ENDS - _PLAIN - _RANGE_UNITS
    return bool(set(words) & _RANGES) and not set(words) - _RANGES - _PLAIN - _RANGE_UNITS


def has_both_ends(words: list[str]) -> bool:
    """Whether a name of these words names a start and an end."""
    return bool(set(words) & _STARTS) and bool(set(words) & _ENDS)


def is_clear_range(words: list[str]) -> bool:
    """Whether a name of these words has hardly another use than a range of times."""
    return bool(set(words) & _CLEAR_RANGES)


def words_of(name: str) -> list[str]:
    """The words of a column's name in lower case: ``startTime (ms)`` is ``start time ms``."""
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", _in_latin(name))
    split = re.sub(r"(?i)\b(in|out)point(?![a-z])", r"\1_point", split)
    words = re.findall(r"[a-z]+|\d+", split.lower())
    if len(words) == 2 and words[1] in {"0", "1"} and words[0] == "t":
        return ["".join(words)]
    return [part for word in words for part in _unglued(word)]


def _unglued(word: str) -> tuple[str, ...]:
    match = _GLUED.fullmatch(word)
    return tuple(filter(None, match.groups())) if match else (word,)


@lru_cache(maxsize=4096)
def stretch_column(name: str) -> StretchColumn | None:
    """The role and unit that a column's name states; None when it is not named like a stretch."""
    if len(name) > 80:
        return None
    words = words_of(name)
    if words[:2] in (["in", "point"], ["out", "point"]):
        words[:2] = ["start" if words[0] == "in" else "end"]
    if len(words) == 1 and words[0] in _SPECIAL:
        return StretchColumn(role=_SPECIAL[words[0]], unit=1.0, rank=2)
    if not words or set(words) & _NO_STRETCH:
        return None
    role = _role(words)
    if role is None:
        return None
    roles = _STARTS | _ENDS | _LENGTHS | _COUNTS
    rest = [word for word in words if word not in roles | _PLAIN]
    unknown = [word for word in rest if not _is_unit(word) and not word.isdigit()]
    soft = bool(role in {"length", "offset"} or {"from", "to"} & set(words))
    if unknown and (soft or words[0] not in roles):
        known = not soft and words[-1] in _STARTS | _ENDS and not set(unknown) & _PARTS_OF_SONGS
        if not known or len(words) != 2:
            return None
    unit = _unit(words, rest, unknown)
    soft = soft and (role in {"length", "offset"} or unit is None)
    return StretchColumn(role=role, unit=unit, rank=len(words) + 10 * len(unknown), soft=soft)


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


def _unit(words: list[str], rest: list[str], unknown: list[str]) -> float | str | None:
    if unknown or set(rest) & _UNDECIDED or any(word.isdigit() and len(word) > 1 for word in rest):
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


def _in_latin(name: str) -> str:
    """A column's name without accents; Chinese, Japanese and Russian words for start and end in English."""
    if name.isascii():
        return name
    for word, english in _OTHER_SCRIPTS.items():
        name = name.lower().replace(word, english) if word in name.lower() else name
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
