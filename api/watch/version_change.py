"""Whether a work came into a version of a dataset, went out of it, or stayed, compared with an earlier one.

"Went" is stated only where the later version was indexed to its end, every item of it was compared, and no
less was searched for than in the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from earwitness.api.watch.notice_contents import Outcome, places_of
from earwitness.index.match import Effort
from earwitness.index.notices.notice_records import Notice

IN: Final = frozenset({Outcome.MATCH, Outcome.SAME_FILE})
"""Outcomes that assert that the dataset holds the work, or a part of it."""
EFFORTS: Final = tuple(map(str, Effort))


class Change(StrEnum):
    """What changed from an earlier version of a dataset to a later one."""

    CAME = "came"
    WENT = "went"
    STAYED = "stayed"
    ABSENT = "absent"
    """Both versions were compared completely, and it was found in neither."""
    UNCLEAR = "unclear"


class Reason(StrEnum):
    """Why it is not clear whether a work came or went."""

    ONLY_POSSIBLE = "only_possible"
    """In one of the versions it was not found with certainty, and may be there."""
    EARLIER_IN_PART = "earlier_in_part"
    """The earlier version was not compared completely."""
    LATER_IN_PART = "later_in_part"
    """The later version was not compared completely."""
    LESS_SEARCHED = "less_searched"
    """Fewer changes of sound were searched for in the version in which it was not found."""
    FILE_STAYED = "file_stayed"
    """A file of the earlier version that held it is in the later one as well."""


def version_change(
    contents: Mapping[str, Any], before: Notice | None, files_here: Iterable[tuple[str, str]]
) -> dict[str, Any] | None:
    """Return what changed since an earlier version; None where no notice of one is stored.

    Parameters
    ----------
    contents
        Those of the notice about the later version.
    files_here
        Path and SHA-256 of the later version's items that have a path or a digest of the earlier places.
    """
    if before is None:
        return None
    here = list(files_here)
    paths, digests = {path for path, _ in here}, {digest for _, digest in here}
    places = [
        {**place, "path_in_later": place["path"] in paths, "bytes_in_later": place["sha256"] in digests}
        for place in places_of(before.contents)
    ]
    kind, reasons = _kind(before.contents, contents, stayed=any(each["bytes_in_later"] for each in places))
    return {
        "kind": kind.value,
        "reasons": [each.value for each in reasons],
        "before": {
            "notice": before.id,
            "version": before.version,
            "outcome": before.outcome,
            "noticed_at": before.created_at,
            "effort": before.contents["asked"]["effort"],
            "found": before.contents["found"],
            "limits": before.contents["limits"],
            "places": places,
        },
    }


def _kind(
    earlier: Mapping[str, Any], later: Mapping[str, Any], *, stayed: bool
) -> tuple[Change, Sequence[Reason]]:
    then, now = Outcome(earlier["outcome"]), Outcome(later["outcome"])
    if now in IN:
        if then in IN:
            return Change.STAYED, ()
        if then is Outcome.NO_MATCH:
            less = _effort(earlier) < _effort(later)
            return (Change.UNCLEAR, (Reason.LESS_SEARCHED,)) if less else (Change.CAME, ())
        return Change.UNCLEAR, (_unclear(then, Reason.EARLIER_IN_PART),)
    if then in IN:
        reasons = [] if now is Outcome.NO_MATCH else [_unclear(now, Reason.LATER_IN_PART)]
        if _effort(later) < _effort(earlier):
            reasons.append(Reason.LESS_SEARCHED)
        if stayed:
            reasons.append(Reason.FILE_STAYED)
        return (Change.UNCLEAR, reasons) if reasons else (Change.WENT, ())
    if then is now is Outcome.NO_MATCH:
        return Change.ABSENT, ()
    reasons = [_unclear(then, Reason.EARLIER_IN_PART)] if then is not Outcome.NO_MATCH else []
    reasons += [_unclear(now, Reason.LATER_IN_PART)] if now is not Outcome.NO_MATCH else []
    return Change.UNCLEAR, list(dict.fromkeys(reasons))


def _unclear(outcome: Outcome, in_part: Reason) -> Reason:
    return in_part if outcome is Outcome.NOT_FOUND else Reason.ONLY_POSSIBLE


def _effort(contents: Mapping[str, Any]) -> int:
    """Return the rank of an effort; -1 where no sound was searched."""
    effort = contents["asked"]["effort"]
    return EFFORTS.index(effort) if effort in EFFORTS else -1
