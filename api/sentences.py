"""Findings as sentences. They say what matches, how sure that is, and what was searched; nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from earwitness.api.datasets.file_kinds import passed_over_words
from earwitness.api.findings import (
    Finding,
    FindingCollection,
    FindingMatch,
    FindingSearch,
)
from earwitness.api.power_sentences import power_sentence, power_summary
from earwitness.api.scan.audit import Audit
from earwitness.api.scan.tally import Tally, work_label
from earwitness.api.shelf.names_evidence import named_items, names_sentences
from earwitness.api.shelf.same_file_evidence import listed_files, same_file_sentences
from earwitness.fingerprint.errors import NoAudioTrack
from earwitness.index.match import Verdict, covered_s
from earwitness.index.matching.verdict import MATCH_E_VALUE, POSSIBLE_E_VALUE

NAMED: Final = 5
"""Collections that a sentence names; others are counted."""


def sentence(finding: Finding) -> str:
    """Return one finding of a check as a sentence.

    More follow on the power of a search that found nothing, and where known datasets list the file or names.
    """
    power = [] if finding.power is None else [power_sentence(finding.power)]
    others = (*same_file_sentences(finding.same_file), *names_sentences(finding.names))
    return " ".join([sound_sentence(finding), *power, *others])


def sound_sentence(finding: Finding) -> str:
    """Return what the comparison by sound gave as a sentence."""
    name, search = finding.item.id, finding.search
    if finding.verdict in {Verdict.MATCH, Verdict.POSSIBLE}:
        return f"{name} {_best_match(finding)}{_unsupported(finding)}.{_in_part(finding)}"
    if finding.verdict is Verdict.SHARED_MATERIAL:
        return f"{name} {_shared_material(finding)}.{_in_part(finding)}"
    if finding.verdict is Verdict.NO_MATCH:
        return f"No match found for {name} in {searched_in(search)}, searched {searched_how(search)}."
    assert finding.error is not None  # the schema demands an error for an item that was not compared
    short = finding.verdict is Verdict.TOO_SHORT_OR_SILENT
    state = "is too short or too quiet to compare" if short else "could not be compared"
    return f"{name} {state}: {finding.error.message}. What to do: {finding.error.hint}."


def _in_part(finding: Finding) -> str:
    """Say of an item with matches why the rest of it was not compared."""
    if not finding.compared_in_part or finding.error is None:
        return ""
    return f" Only a part of it was compared: {finding.error.message}."


def _best_match(finding: Finding) -> str:
    sure = finding.verdict is Verdict.MATCH
    best = (finding.certain or finding.possible)[0]
    evidence = f"{_other_places(finding)}, {e_value_words(best)}"
    if best.is_work:
        holds = "contains" if sure else "may contain"
        return f"{holds} the registered work {work_label(best)}: {matched_s(best):.1f} s match{evidence}"
    is_in = "is in" if sure else "may be in"
    return f"{is_in} {best.dataset}: {matched_s(best):.1f} s match item {best.recording.path}{evidence}"


def _shared_material(finding: Finding) -> str:
    """Return what is shared with which collections as a phrase that asserts no copy."""
    longest_s = max(matched_s(match) for match in finding.shared)
    names = list(dict.fromkeys(_named_collection(match) for match in finding.shared))
    more = f", and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    items = count(len(finding.shared), "item")
    return (
        f"shares {longest_s:.1f} s with {items} of {', '.join(names[:NAMED])}{more}."
        " They are different recordings with a sound in common, such as a loop or a sample;"
        " this does not show that one is a copy of another"
    )


def _named_collection(match: FindingMatch) -> str:
    return "the registered works" if match.is_work else match.dataset


def _unsupported(finding: Finding) -> str:
    """Say of a match why its E-value makes it no more than possible."""
    if finding.claims_supported or finding.verdict is Verdict.MATCH:
        return ""
    return (
        "; E-values are too small in this scan, whose items resemble what was searched more than chance does"
    )


def _other_places(finding: Finding) -> str:
    """Count the other matches, and separately those that may be chance and those of shared material."""
    n_sure, n_shared = len(finding.certain), len(finding.shared)
    n_other = len(finding.possible) - (0 if n_sure else 1)  # without the match that the sentence names
    more = f", and in {count(n_sure - 1, 'more place')}" if n_sure > 1 else ""
    weaker = "weaker place" if n_sure else "other place"
    besides = [f"{count(n_other, weaker)} besides may be chance"] if n_other else []
    if n_shared:
        besides.append(f"{count(n_shared, 'place')} with shared material besides")
    return more + (f" ({'; '.join(besides)})" if besides else "")


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


def e_value_words(match: FindingMatch) -> str:
    """Return an E-value for a sentence; one that could not be checked is stated as below what could."""
    if not match.e_extrapolated:
        return f"E-value {power_of_ten(match.e_value)}"
    checked, extrapolated = power_of_ten(match.e_checked_to), power_of_ten(match.e_value)
    return f"E-value below {checked} (extrapolated: {extrapolated})"


def e_value_cell(match: FindingMatch) -> str:
    """Return an E-value for a table, beside which `e_value_note` stands."""
    if not match.e_extrapolated:
        return power_of_ten(match.e_value)
    return f"<{power_of_ten(match.e_checked_to)} (~{power_of_ten(match.e_value)})"


def e_value_note(matches: Sequence[FindingMatch]) -> str:
    """Return what the sign of extrapolated E-values means; empty where a table has none."""
    checked = [match.e_checked_to for match in matches if match.e_extrapolated]
    if not checked:
        return ""
    return f"~ extrapolated: no E-value below {power_of_ten(max(checked))} could be checked by counting"


def power_of_ten(number: float) -> str:
    """Write a small number with two digits, such as ``5.3e-15`` or ``1e-4``."""
    mantissa, exponent = f"{number:.1e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}" if number else "0"


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
    sentences = [] if tally.claims_supported else [audit_warning(tally.audit)]
    sentences.append(f"Compared by sound with {_compared_with(tally)}: {compared}.")
    if tally.search is not None:
        sentences.append(f"The comparison was made {searched_how(tally.search)}.")
    sentences += [
        *_matched(tally),
        *power_summary(tally.powers),
        *listed_files(tally.same_file),
        *named_items(tally.names),
        *unread_sentences(tally),
        *skipped_files(tally.passed_over),
        *_expected(tally),
    ]
    if tally.partial:
        sentences.append(f"This report is partial: {'; '.join(tally.partial)}.")
    sentences.append(
        "Covers and imitations are other recordings and are not searched for. A match says that the sound"
        " agrees far more than chance explains. Two renderings of one score by machines can agree so, too."
        " It does not say who has which right to it."
    )
    return " ".join(sentences)


def audit_warning(audit: Audit) -> str:
    """Return the warning where E-values do not hold on the items that were searched."""
    expected = audit.expected_by_chance + audit.expected_disturbed
    return (
        f"WARNING: E-VALUES CANNOT BE RELIED ON HERE. {count(audit.n_observed, 'item')} of"
        f" {audit.n_searched:,} matched with E-values between {MATCH_E_VALUE:g} and {POSSIBLE_E_VALUE:g};"
        f" at most {expected:.2g} are expected. So these items resemble what was searched more than"
        " unrelated audio does, as pieces with the same instruments, drum kit or voice do, and chance gives"
        " more matches than E-values state. Only copies of whole files count as matches; everything else is a"
        " possible match, however small its E-value: compare by ear."
    )


def _compared_with(tally: Tally) -> str:
    if tally.search is None or tally.for_works:
        return "the registered works"
    return searched_in(tally.search)


def _matched(tally: Tally) -> Sequence[str]:
    matches, possible = tally.verdicts[Verdict.MATCH], tally.verdicts[Verdict.POSSIBLE]
    shared, n_new = tally.verdicts[Verdict.SHARED_MATERIAL], tally.new[Verdict.MATCH]
    thing = "work" if tally.for_works else "dataset item"
    matched = (
        f"{count(matches, 'item')} matched {count(len(tally.works), thing)}" if matches else "None matched"
    )
    if len(tally.datasets) > 1:
        named = [f"{name}: {number:,}" for name, number in tally.datasets.most_common(NAMED)]
        matched += f" ({', '.join(named)})"
    if n_new != matches:
        matched += f" ({matches - n_new:,} of them known from the baseline)"
    sentences = [f"{matched}."]
    if possible:
        chance = (
            f"; {tally.expected_possible:.2g} would be expected by chance" if tally.claims_supported else ""
        )
        sentences.append(
            f"{possible:,} more {'item' if possible == 1 else 'items'} may match and should be listened to"
            f" ({count(possible, 'possible match', 'possible matches')}{chance})."
        )
    if shared:
        sentences.append(
            f"{count(shared, 'item')} only {'shares' if shared == 1 else 'share'} material, such as a loop or"
            f" a sample, with several different {thing}s; that is no match."
        )
    return sentences


def counts_sentence(findings: Sequence[Finding], audit: Audit) -> str:
    """Return the findings of a check by verdict, and the number of possible matches expected by chance."""
    verdicts = Counter(finding.verdict for finding in findings)
    chance = (
        f" ({audit.expected_by_chance:.2g} would be expected by chance)" if audit.claims_supported else ""
    )
    parts = [
        f"{verdicts[each]:,} {str(each).replace('_', ' ')}{chance if each is Verdict.POSSIBLE else ''}"
        for each in Verdict
        if verdicts[each]
    ]
    return f"{count(len(findings), 'item')}: {', '.join(parts) or 'nothing to compare'}."


def unread_sentences(tally: Tally) -> Sequence[str]:
    """Return how many items of a scan could not be read, had no audio track or were too short."""
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


def _expected(tally: Tally) -> Sequence[str]:
    if not tally.claims_supported:
        return []
    held = "held a registered work" if tally.for_works else "held sound of what was searched"
    return [
        f"If none of the items {held}, {tally.expected_false:.2g} false matches"
        " would be expected in this scan."
    ]
