"""A notice in words: a headline and sentences, which assert no more than its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from earwitness.api.answers.answer_words import chance
from earwitness.api.answers.messages import Messages
from earwitness.api.finding_json import from_json
from earwitness.api.printable import shown
from earwitness.api.sentences import matched_s, power_of_ten
from earwitness.api.watch.notice_contents import Asked, Limit, Outcome
from earwitness.api.watch.version_change import Change
from earwitness.index.names.recording_ids import SHOWN_KINDS

NAMED: Final = 3
"""Items and lists that a sentence names; others are counted."""


def notice_headline(contents: Mapping[str, Any], t: Messages) -> str:
    """Return the headline: what was found of which work in which dataset."""
    return t(f"notice.{contents['outcome']}", work=work_name(contents), dataset=dataset_name(contents))


def work_name(contents: Mapping[str, Any]) -> str:
    """Return the title of a work, else its file, with the artist where it is known."""
    work = contents["work"]
    return shown(" – ".join(filter(None, (work["artist"], work["title"] or work["file"]))))


def dataset_name(contents: Mapping[str, Any]) -> str:
    """Return name and version of a dataset as ``NAME:VERSION``."""
    dataset = contents["dataset"]
    return shown(f"{dataset['name']}:{dataset['version']}")


def notice_sentences(contents: Mapping[str, Any], t: Messages) -> Iterator[str]:
    """Yield what changed, what was found, how it was compared, and what was not compared."""
    yield from change_sentences(contents, t)
    yield from found_sentences(contents, t)


def found_sentences(contents: Mapping[str, Any], t: Messages) -> Iterator[str]:
    """Yield what was found, how it was compared, and what was not compared."""
    yield from _findings(contents, t)
    yield from _files(contents, t)
    yield from _names(contents, t)
    yield from _asked(contents, t)
    for limit in contents["limits"]:
        yield _limit(limit, contents, t)


def change_sentences(contents: Mapping[str, Any], t: Messages) -> Iterator[str]:
    """Yield what changed since the version before, if there is a notice of one."""
    if contents["change"] is None:
        return
    change, versions = contents["change"], {"after": shown(contents["dataset"]["version"])}
    versions["before"] = shown(change["before"]["version"])
    if change["kind"] != Change.UNCLEAR:
        yield t(f"change.{change['kind']}", **versions)
        places = [shown(each["path"]) for each in change["before"]["places"]]
        if change["kind"] == Change.WENT and places:
            yield t("change.files", n=len(places), items=t.listed(places[:NAMED]), **versions)
        return
    why = t.listed([t(f"change.because.{each}", **versions) for each in change["reasons"]])
    yield t("change.unclear", why=why, **versions)


def _findings(contents: Mapping[str, Any], t: Messages) -> Iterator[str]:
    asserted = {"match": "notice.item.match", "possible": "notice.item.possible"}
    listed = [each for each in contents["findings"] if each["verdict"] in asserted]
    for fields in listed[:NAMED]:
        finding = from_json(fields)
        best = finding.matches[0]
        at_registration = contents["asked"]["sound"] == Asked.REGISTRATION
        item = best.recording.path if at_registration else finding.item.id
        yield t(asserted[finding.verdict], item=shown(item), seconds=t.number(matched_s(best)))
        yield chance(best, t)
    n_more = sum(contents["found"].get(each, 0) for each in asserted) - len(listed[:NAMED])
    if n_more > 0:
        yield t("notice.item.more", n=n_more)


def _files(contents: Mapping[str, Any], t: Messages) -> Iterator[str]:
    for kind in ("same_bytes", "whole_files"):
        items = [shown(each["path"]) for each in contents[kind]]
        if items:
            yield t(f"notice.{kind}", items=t.listed(items[:NAMED]), n=len(items))
    for each in contents["same_file"]:
        yield t(
            "notice.listed",
            paths=t.listed([shown(path) for path in each["paths"][:NAMED]]),
            n=each["n_paths"],
        )


def _names(contents: Mapping[str, Any], t: Messages) -> Iterator[str]:
    for each in contents["names"]:
        if each["e_value"] is None:
            yield t(
                "notice.by_id",
                n=each["n_entries"],
                kind=SHOWN_KINDS[each["kind"]],
                value=shown(each["value"]),
            )
        else:
            yield t("notice.by_name", n=each["n_entries"], by_chance=power_of_ten(each["e_value"]))


def _asked(contents: Mapping[str, Any], t: Messages) -> Iterator[str]:
    sound, effort = contents["asked"]["sound"], contents["asked"]["effort"]
    if sound in {Asked.INDEXING, Asked.REGISTRATION}:
        yield t(f"notice.asked.{sound}", effort=effort)
    if contents["outcome"] in {Outcome.NO_MATCH, Outcome.NOT_FOUND}:
        yield t("notice.no_proof")


def _limit(limit: Mapping[str, Any], contents: Mapping[str, Any], t: Messages) -> str:
    code, items = Limit(limit["code"]), limit["items"]
    if code is Limit.NOT_READABLE:
        reasons = ", ".join(f"{shown(name)} {n}" for name, n in contents["not_readable"].items())
        return t("limit.not_readable", n=items, reasons=reasons)
    if code is Limit.IN_PART:
        return t("limit.in_part", n=items)
    if code is Limit.NOT_COMPLETE:
        return t("limit.not_complete")
    if code is Limit.WATCHED_LATER:
        return t("limit.watched_later")
    return t("limit.stored_fingerprint" if code is Limit.STORED_FINGERPRINT else "limit.no_sound")
