"""Parts of an answer in words: how sure a match is, where it is, what was changed. They accuse nobody."""

from __future__ import annotations

import math
from typing import Final

from earwitness.api.answers.messages import Messages
from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.power_sentences import searched_far_more
from earwitness.api.sentences import power_of_ten
from earwitness.index.match import MatchClass, Verdict
from earwitness.index.matching.classify import WHOLE_COVERAGE
from earwitness.index.statistics.power import Power

SMALLEST_CHANGE: Final = 0.001
"""Changes of speed or tempo below this part are not stated."""
SMALLEST_CENTS: Final = 1.0


def how_sure(finding: Finding, match: FindingMatch, t: Messages) -> str:
    """Return in words how sure it is that both hold the same recording."""
    verdict = finding.verdict_of(match)
    if verdict is Verdict.SHARED_MATERIAL:
        return t("sure.shared")
    if verdict is Verdict.POSSIBLE:
        return t("sure.possible")
    if match.recording.id == finding.item.sha256:
        return t("sure.same_bytes")
    return t("sure.whole_file") if match.kind == MatchClass.EXACT else t("sure.match")


def chance(match: FindingMatch, t: Messages) -> str:
    """Return how often chance gives a match this good: in words, then the E-value."""
    e_value = power_of_ten(match.e_value)
    if match.e_extrapolated:
        searches = rounded_down(1 / match.e_checked_to)
        checked = power_of_ten(match.e_checked_to)
        return t("chance.below", searches=searches, checked=checked, e=e_value)
    searches = rounded_down(1 / match.e_value) if match.e_value else 0
    if searches < 2:
        return t("chance.often", e=e_value)
    return t("chance.about", searches=searches, e=e_value)


def rounded_down(number: float) -> int:
    """Round a number down to one digit that is not zero: 43,210 to 40,000."""
    if number < 1:
        return 0
    step = 10 ** math.floor(math.log10(number) + 1e-9)
    return int((number + step * 1e-9) // step * step)


def change_from_their_side(match: FindingMatch, t: Messages) -> str:
    """Return how the item of the dataset differs from the reader's file, as a sentence."""
    if match.speed is None or match.tempo is None or match.pitch_cents is None:
        return t("change.unknown")
    speed, tempo = 1 / match.speed - 1, 1 / match.tempo - 1
    semitones = -match.pitch_cents / 100
    parts = []
    if abs(speed) >= SMALLEST_CHANGE:
        name = "change.faster" if speed > 0 else "change.slower"
        parts.append(t(name, percent=t.number(abs(speed) * 100)))
    if abs(tempo) >= SMALLEST_CHANGE:
        name = "change.quicker" if tempo > 0 else "change.less_quick"
        parts.append(t(name, percent=t.number(abs(tempo) * 100)))
    if abs(match.pitch_cents) >= SMALLEST_CENTS:
        name = "change.higher" if semitones > 0 else "change.lower"
        parts.append(t(name, semitones=t.number(abs(semitones), 2)))
    return t("change.copy", parts=t.listed(parts)) if parts else t("change.none")


def covered(match: FindingMatch, t: Messages) -> str:
    """Return how much of both files the match covers, as a sentence."""
    yours, theirs = (t.number(100 * share, 0) for share in (match.query_coverage, match.reference_coverage))
    under = f" {t('covered.under')}" if match.kind == MatchClass.EXCERPT_UNDER_OTHER_AUDIO else ""
    return t("covered", yours=yours, theirs=theirs) + under


def is_whole(match: FindingMatch) -> bool:
    """Whether the match covers as good as all of the query."""
    return match.query_coverage >= WHOLE_COVERAGE


def power_words(power: Power, t: Messages) -> str:
    """Return how often copies as long as the file were found in tests."""
    rows = {row.condition: row for row in power.rows}
    clean, speech = rows["clean"], rows["speech_0"]
    sentence = t(
        "power",
        length=t.number(power.length_s),
        clean=clean.found,
        clean_of=clean.of,
        speech=speech.found,
        speech_of=speech.of,
    )
    if not searched_far_more(power):
        return sentence
    hours = {"tested": round(power.tested_hours), "searched": round(power.searched_hours)}
    return f"{sentence} {t('power.larger', **hours)}"


def changes_searched(finding: Finding, t: Messages) -> str:
    """Return for which changes the search looked, as a phrase."""
    search = finding.search
    if search.speed == search.tempo == (1.0, 1.0) and search.pitch_cents == (0.0, 0.0):
        return t("searched.unchanged")
    pairs = {"speed": search.speed, "tempo": search.tempo}
    values = {
        f"{name}_{end}": t.number(100 * ratio, 0)
        for name, pair in pairs.items()
        for end, ratio in zip(("low", "high"), pair, strict=True)
    }
    flat, sharp = search.pitch_cents
    pitch = {"flat": t.number(abs(flat) / 100), "sharp": t.number(abs(sharp) / 100)}
    return t("searched.changes", **values, **pitch)
