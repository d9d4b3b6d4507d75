"""Findings as sentences. They say what matches, how sure that is, and what was searched; nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from earwitness.api.datasets.file_kinds import passed_over_words
from earwitness.api.findings import Finding, FindingCollection, FindingMatch, FindingSearch
from earwitness.api.scan.tally import Tally, certain, work_label
from earwitness.fingerprint.errors import NoAudioTrack
from earwitness.index.match import Verdict, covered_s
from earwitness.index.matching.verdict import MATCH_E_VALUE, POSSIBLE_E_VALUE
from earwitness.index.writer import WORKS

NAMED: Final = 5
"""Collections that a sentence names; others are counted."""


def sentence(finding: Finding) -> str:
    """Return one finding of a check as a sentence."""
    name, search = finding.item.id, finding.search
    if finding.verdict in {Verdict.MATCH, Verdict.POSSIBLE}:
        return f"{name} {_best_match(finding)}, E-value {finding.matches[0].e_value:.1e}."
    if finding.verdict is Verdict.NO_MATCH:
        return f"No match found for {name} in {searched_in(search)}, searched {searched_how(search)}."
    assert finding.error is not None  # the schema demands an error for an item that was not compared
    short = finding.verdict is Verdict.TOO_SHORT_OR_SILENT
    state = "is too short or too quiet to compare" if short else "could not be compared"
    return f"{name} {state}: {finding.error.message}. What to do: {finding.error.hint}."


def _best_match(finding: Finding) -> str:
    best, sure = finding.matches[0], finding.verdict is Verdict.MATCH
    others = _other_places(finding)
    if best.collection == WORKS:
        holds = "contains" if sure else "may contain"
        return f"{holds} the registered work {work_label(best)}: {matched_s(best):.1f} s match{others}"
    is_in = "is in" if sure else "may be in"
    where = f"{best.collection} (version {best.version})"
    return f"{is_in} {where}: {matched_s(best):.1f} s match item {best.recording.path}{others}"


def _other_places(finding: Finding) -> str:
    """Count the other matches, and separately those that may be chance."""
    n_sure = sum(1 for _ in certain(finding)) if finding.verdict is Verdict.MATCH else 0
    n_more, n_weak = max(n_sure - 1, 0), len(finding.matches) - max(n_sure, 1)
    more = f", and in {count(n_more, 'more place')}" if n_more else ""
    if not n_weak:
        return more
    weaker = "weaker place" if n_sure else "other place"
    return f"{more} ({count(n_weak, weaker)} besides may be chance)"


def matched_s(match: FindingMatch) -> float:
    """Return the seconds of the query that match, each counted once."""
    return covered_s((segment.query_start_s, segment.query_end_s) for segment in match.segments)


def searched_in(search: FindingSearch) -> str:
    """Return the collections that were searched as a phrase."""
    collections = search.collections
    items = sum(each.items for each in collections)
    more = f", and {len(collections) - NAMED:,} more" if len(collections) > NAMED else ""
    names = ", ".join(_dated(each) for each in collections[:NAMED]) + more
    return f"{count(items, 'item')} of {count(len(collections), 'dataset')} ({names})"


def _dated(collection: FindingCollection) -> str:
    return f"{collection.name} version {collection.version} as of {collection.indexed_at[:10]}"


def searched_how(search: FindingSearch) -> str:
    """Return the effort of a search, and the changes that it covers, as a phrase."""
    if search.speed == search.tempo == (1.0, 1.0) and search.pitch_cents == (0.0, 0.0):
        return f"at {search.effort} effort (unchanged audio, without changes of speed or pitch)"
    low, high = search.speed
    slow, quick = search.tempo
    flat, sharp = search.pitch_cents
    return (
        f"at {search.effort} effort (speed {low:g} to {high:g}, pitch {flat:+.0f} to {sharp:+.0f} cents,"
        f" tempo {slow:g} to {quick:g})"
    )


def change_words(match: FindingMatch) -> str:
    """Return how the query was changed from the recording that it matches, as a phrase."""
    if match.speed is None or match.tempo is None or match.pitch_cents is None:
        return "change not measured"
    parts = [
        f"{(ratio - 1) * 100:+.1f} % {name}"
        for name, ratio in (("speed", match.speed), ("tempo", match.tempo))
        if abs(ratio - 1) >= 0.001
    ]
    if abs(match.pitch_cents) >= 1:
        parts.append(f"{match.pitch_cents:+.0f} cents")
    return ", ".join(parts) or "unchanged"


def clock(seconds: float) -> str:
    """Write a time as minutes and seconds, such as ``1:02.5``."""
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"


def count(number: int, noun: str, several: str | None = None) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"


def summary(tally: Tally) -> str:
    """Return a paragraph about a scan, for people who did not run it."""
    hours = f"{tally.decoded_s / 3600:.2f} hours of audio"
    compared = f"{tally.n_compared:,} of {count(tally.n_items, 'item')} ({hours})"
    sentences = [f"Compared by sound with the registered works: {compared}."]
    if tally.search is not None:
        sentences.append(f"The comparison was made {searched_how(tally.search)}.")
    sentences += [*_matched(tally), *_unread(tally), *skipped_files(tally.passed_over), _expected(tally)]
    if tally.partial:
        sentences.append(f"This report is partial: {'; '.join(tally.partial)}.")
    sentences.append(
        "Covers and imitations are other recordings and are not found this way;"
        " a match means that the audio is the same; it does not say who has which right to it."
    )
    return " ".join(sentences)


def _matched(tally: Tally) -> Sequence[str]:
    matches, possible = tally.verdicts[Verdict.MATCH], tally.verdicts[Verdict.POSSIBLE]
    matched = (
        f"{count(matches, 'item')} matched {count(len(tally.works), 'work')}" if matches else "None matched"
    )
    if tally.n_new != matches:
        matched += f" ({matches - tally.n_new:,} of them known from the baseline)"
    if not possible:
        return [f"{matched}."]
    chance = f"{tally.expected_possible:.2g} would be expected by chance"
    return [
        f"{matched}.",
        f"{possible:,} more {'item' if possible == 1 else 'items'} may match and should be listened to"
        f" ({count(possible, 'possible match', 'possible matches')}; {chance}).",
    ]


def counts_sentence(findings: Sequence[Finding]) -> str:
    """Return the findings of a check by verdict, and the number of possible matches expected by chance."""
    verdicts = Counter(finding.verdict for finding in findings)
    n_compared = len(findings) - verdicts[Verdict.NOT_READABLE]
    chance = f" ({n_compared * (POSSIBLE_E_VALUE - MATCH_E_VALUE):.2g} would be expected by chance)"
    parts = [
        f"{verdicts[each]:,} {str(each).replace('_', ' ')}{chance if each is Verdict.POSSIBLE else ''}"
        for each in Verdict
        if verdicts[each]
    ]
    return f"{count(len(findings), 'item')}: {', '.join(parts) or 'nothing to compare'}."


def _unread(tally: Tally) -> Sequence[str]:
    unread = tally.verdicts[Verdict.NOT_READABLE] - tally.n_without_sound
    quiet = tally.verdicts[Verdict.TOO_SHORT_OR_SILENT]
    sentences = []
    if unread:
        others = (Verdict.TOO_SHORT_OR_SILENT, NoAudioTrack.code)
        codes = [each for each in tally.reasons.most_common() if each[0] not in others]
        reasons = ", ".join(f"{code} {number:,}" for code, number in codes)
        sentences.append(f"{count(unread, 'item')} could not be read, or only in part ({reasons}).")
    if tally.n_without_sound:
        sentences.append(f"{count(tally.n_without_sound, 'item')} had no audio track (no_audio_track).")
    if quiet:
        sentences.append(f"{count(quiet, 'item')} held too little sound to compare.")
    return sentences


def skipped_files(passed_over: Mapping[str, int]) -> Sequence[str]:
    """Return a sentence for each kind of file in a source that is no item."""
    return [f"Not compared: {files}." for files in passed_over_words(passed_over)]


def _expected(tally: Tally) -> str:
    return (
        f"If none of the items held a registered work, {tally.expected_false:.2g} false matches"
        " would be expected in this scan."
    )
