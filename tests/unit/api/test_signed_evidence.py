"""Evidence of an answer: signed, verified without a network, and every changed value is named."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from earwitness.api.answers.card_index import CardIndex
from earwitness.api.answers.messages import LANGUAGES, messages
from earwitness.api.cli.app import app
from earwitness.api.evidence import evidence_bundle as evidence_module
from earwitness.api.evidence import match_figure
from earwitness.api.evidence.evidence_bundle import (
    evidence_bundle,
    evidence_contents,
    evidence_id,
    home_key,
    leaf_digests,
    signed_bytes,
)
from earwitness.api.evidence.evidence_errors import (
    EvidenceChanged,
    EvidenceOfAnotherKey,
    EvidenceTooLarge,
    NotEvidence,
)
from earwitness.api.evidence.picture_types import MOST_IN_EVIDENCE, MatchPicture
from earwitness.api.evidence.pictures_json import pictures_json, to_bytes
from earwitness.api.evidence.printed_answer import PrintedAnswer, printed_answer
from earwitness.api.evidence.printed_pdf import pdf_of
from earwitness.api.evidence.verify_evidence import changed_fields, verify_evidence
from earwitness.api.finding_json import from_json, to_json
from earwitness.api.findings import Finding
from earwitness.api.packs.pack_signature import sign
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import cards
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, findings, match
from tests.unit.api.made_pictures import PICTURE
from tests.unit.api.test_answers import NAMED, SAME_FILE

WHEN = datetime(2026, 11, 30, 10, 45, tzinfo=UTC)
MADE = finding(matches=(match(collection="gtzan"),), same_file=(SAME_FILE,), names=(NAMED,))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home of its own."""
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home")


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    """Evidence of one answer."""
    path = tmp_path / "evidence.json"
    path.write_bytes(signed(settings))
    return path


def signed(
    settings: Settings, made: Finding = MADE, pictures: Sequence[Sequence[MatchPicture]] = ()
) -> bytes:
    """The evidence of an answer, signed by the home."""
    return evidence_bundle(
        [made],
        CardIndex(cards()),
        pictures,
        state_digest="ab" * 32,
        answered_at=WHEN,
        key=home_key(settings),
    )


def change(path: Path, by: Callable[[dict[str, Any]], None]) -> None:
    """Change the JSON of a file."""
    bundle = json.loads(path.read_bytes())
    by(bundle)
    path.write_text(json.dumps(bundle))


def test_evidence_is_verified_with_all_that_it_says(file: Path, settings: Settings) -> None:
    """The finding, the cards of that day, the hashes and the key come back as they were written."""
    verified = verify_evidence(file)
    assert [to_json(each) for each in verified.findings] == [to_json(MADE)]
    assert (verified.answered_at, verified.signer) == (WHEN, home_key(settings).thumbprint())
    contents = json.loads(file.read_bytes())["contents"]
    assert {each["id"] for each in contents["cards"].values()} == {"gtzan", "audioset"}
    assert contents["hashes"][0]["query"]["sha256"] == MADE.item.sha256
    assert contents["hashes"][0]["matched"][0]["sha256"] == MADE.matches[0].recording.id
    assert contents["index_state"] == "ab" * 32
    card = verified.cards.find("gtzan")
    assert card == cards()["gtzan"]


def test_a_card_of_a_pack_takes_the_place_of_no_other(tmp_path: Path, settings: Settings) -> None:
    """Evidence has each card under the name of its dataset, whatever the card calls itself."""
    packed = replace(cards()["fma"], id="mine", name="MTG-Jamendo")
    made = finding(matches=(match(collection="MTG-Jamendo"), match(collection="mine")))
    bundle = evidence_bundle(
        [made],
        CardIndex(cards(), {"mine": packed}),
        state_digest="ab" * 32,
        answered_at=WHEN,
        key=home_key(settings),
    )
    path = tmp_path / "evidence.json"
    path.write_bytes(bundle)
    verified = verify_evidence(path)
    assert verified.cards.find("mtg-jamendo") == cards()["mtg_jamendo"]
    assert verified.cards.find("mine") == packed


def test_the_number_of_an_answer_is_stable(settings: Settings) -> None:
    """The same answer has the same number; another one has another."""
    index = CardIndex(cards())

    def number(made: Finding) -> str:
        return str(evidence_contents([made], index, state_digest="a", answered_at=WHEN)["id"])

    assert number(MADE) == number(MADE)
    assert number(MADE) != number(finding())
    assert re.fullmatch(r"ew-[0-9a-f]{24}", number(MADE))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value that holds no others."""
    if isinstance(value, dict) and value:
        return [each for name, inner in value.items() for each in leaves(inner, (*path, name))]
    if isinstance(value, list) and value:
        return [each for number, inner in enumerate(value) for each in leaves(inner, (*path, number))]
    return [path]


def test_every_changed_value_is_named(file: Path) -> None:
    """Whichever single value of the contents is changed, the error names its place, and no other."""
    original = file.read_bytes()
    contents, digests = (json.loads(original)[name] for name in ("contents", "digests"))
    for path in leaves(contents):
        changed = json.loads(original)["contents"]
        inner = changed
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = "another value"
        pointer = "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in path)
        assert changed_fields(changed, digests) == [f"{pointer} was changed"]


@pytest.mark.parametrize(
    ("by", "named"),
    [
        (lambda each: each["contents"]["findings"][0].update(verdict="no_match"),
         ["/findings/0/verdict was changed"]),
        (lambda each: each["contents"]["findings"][0]["matches"][0].update(e_value=1e-30),
         ["/findings/0/matches/0/e_value was changed"]),
        (lambda each: each["contents"].update(note="x"), ["/note was added"]),
        (lambda each: each["contents"].pop("index_state"), ["/index_state was removed"]),
        (lambda each: each.update(signature="x.y.z"), ["its signature, or the digests that it is of"]),
        (lambda each: each["digests"].pop("/id"), ["/id was added"]),
        (lambda each: each.update(note="x"), ["note was added beside the signed contents"]),
        (lambda each: each["contents"]["findings"][0]["search"].update(tempo={"0": 0.7, "1": 1.5}),
         ["a list was made an object"]),
    ],
)  # fmt: skip
def test_changed_evidence_is_refused(
    file: Path, by: Callable[[dict[str, Any]], None], named: list[str]
) -> None:
    """What was changed, added or removed is named, and the command ends with an error."""
    change(file, by)
    with pytest.raises(EvidenceChanged) as raised:
        verify_evidence(file)
    assert list(raised.value.fields) == named
    done = CliRunner().invoke(app, ["evidence", "verify", str(file)])
    assert done.exit_code == 2
    assert named[0] in done.output


def test_a_value_changed_with_its_digest_fails_the_signature(file: Path) -> None:
    """Who changes a value and its digest, too, cannot sign them."""

    def both(bundle: dict[str, Any]) -> None:
        bundle["contents"]["findings"][0]["verdict"] = "no_match"
        bundle["digests"] = dict(leaf_digests(bundle["contents"]))

    change(file, both)
    with pytest.raises(EvidenceChanged, match="its signature, or the digests"):
        verify_evidence(file)


@pytest.mark.parametrize(
    ("field", "twice"),
    [
        ("verdict", '"verdict": "no_match", "verdict": "match"'),
        ("format", '"format": "x", "format": "earwitness.evidence/1"'),
    ],
)
def test_a_name_that_stands_twice_is_refused(file: Path, field: str, twice: str) -> None:
    """Of a name that stands twice readers take one or the other, so no such file is as it was signed."""
    text = file.read_text()
    once = '"verdict": "match"' if field == "verdict" else '"format": "earwitness.evidence/1"'
    file.write_text(text.replace(once, twice, 1))
    with pytest.raises(EvidenceChanged, match=f"{field} was added a second time"):
        verify_evidence(file)


def test_every_changed_letter_of_the_signature_is_refused(file: Path) -> None:
    """Not one letter of header or signature can be another one, the last included."""
    signature = json.loads(file.read_bytes())["signature"]
    original = file.read_text()
    for place in {*range(0, len(signature), 7), len(signature) - 1}:
        other = chr(ord(signature[place]) ^ 1)
        file.write_text(original.replace(signature, f"{signature[:place]}{other}{signature[place + 1 :]}"))
        with pytest.raises(EvidenceChanged):
            verify_evidence(file)


def test_evidence_with_a_field_of_a_later_version_is_verified(file: Path, settings: Settings) -> None:
    """A later version may sign more fields in the contents; this one verifies them, too."""
    bundle = json.loads(file.read_bytes())
    contents = {**bundle["contents"], "later": [1]}
    contents["id"] = evidence_id(contents)
    digests = dict(leaf_digests(contents))
    signature = sign(signed_bytes(digests), home_key(settings)).decode()
    file.write_text(json.dumps({**bundle, "contents": contents, "digests": digests, "signature": signature}))
    assert verify_evidence(file).id == contents["id"]


def test_evidence_of_another_key_is_refused(file: Path, tmp_path: Path) -> None:
    """Who signs again with a key of their own is known by the fingerprint that the reader expects."""
    signer = verify_evidence(file).signer
    other = Settings(home=tmp_path / "other")
    other.home.mkdir()
    file.write_bytes(signed(other))
    assert verify_evidence(file).signer != signer
    with pytest.raises(EvidenceOfAnotherKey):
        verify_evidence(file, key=signer)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b"\xff", b"[" * 100_000, b'{"format": "earwitness.evidence/1"}',
             b'{"format": "earwitness.evidence/2", "contents": {}, "digests": {}, "signature": ""}']
)  # fmt: skip
def test_other_files_are_no_evidence(tmp_path: Path, text: bytes) -> None:
    """A file of another kind is refused with the reason, whatever is in it."""
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(NotEvidence):
        verify_evidence(path)


@given(made=findings())
def test_any_finding_can_be_evidence(made: Finding) -> None:
    """Whatever texts a finding holds, its evidence is canonical JSON that reads back as the same finding."""
    contents = evidence_contents([made], CardIndex(cards()), state_digest="a", answered_at=WHEN)
    assert changed_fields(contents, dict(leaf_digests(contents))) == []
    assert to_json(from_json(contents["findings"][0])) == contents["findings"][0]


@given(text=st.sampled_from(["\ud800.wav", "a\udcff", "é\u0000", "/~"]))
def test_names_that_are_no_text_can_be_evidence(text: str) -> None:
    """File names that are not UTF-8 are kept with replaced letters, and do not stop the evidence."""
    made = finding(Verdict.NO_MATCH, item=text)
    contents = evidence_contents([made], CardIndex({}), state_digest="a", answered_at=WHEN)
    assert dict(leaf_digests(contents))


def test_the_key_of_a_home_is_made_once_and_is_private(settings: Settings) -> None:
    """Its fingerprint stays the same, and only its owner may read it."""
    assert home_key(settings).thumbprint() == home_key(settings).thumbprint()
    assert (settings.home / "evidence-key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_printed_page_needs_nothing_else(file: Path, language: str) -> None:
    """It loads nothing, has a number and a date on each page, and nothing folded that paper cannot unfold."""
    verified = verify_evidence(file)
    page = printed_answer(verified, messages(language)).text
    assert not re.search(r"<script|<link|<img|@import|url\(", page)
    assert verified.id in page
    assert verified.signer in page
    assert "counter(page)" in page
    assert f'content: "earwitness {verified.id} 2026-11-30"' in page
    assert page.count("<details") == page.count("<details open")
    assert "default-src &#39;none&#39;" in page


def test_pictures_are_signed_and_printed(
    file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is drawn of a match is in the evidence, value by value, and on the page, in words too."""
    file.write_bytes(signed(settings, pictures=[(PICTURE,)]))
    verified = verify_evidence(file)
    (drawn,) = verified.pictures
    assert to_bytes([*drawn.values()]) == to_bytes([PICTURE])
    monkeypatch.setattr(match_figure, "draw_match", lambda picture, language: b"PNG")
    page = printed_answer(verified, messages("en"))
    assert page.text.count('<img class="picture" src="data:image/png;base64,UE5H"') == 1
    assert "Spectrogram of your file from 0:02.0 to 0:03.0" in page.text and "img-src data:" in page.policy
    change(file, lambda it: it["contents"]["pictures"][0][0]["yours"]["spectrogram"].update(levels=""))
    with pytest.raises(EvidenceChanged, match="/pictures/0/0/yours/spectrogram/levels"):
        verify_evidence(file)


def test_evidence_holds_as_many_pictures_as_its_page() -> None:
    """Of many recordings those of the first are kept."""
    n_each = MOST_IN_EVIDENCE // 2 + 1
    pictures = [(PICTURE,) * n_each] * 3
    contents = evidence_contents(
        [MADE] * 3, CardIndex(cards()), pictures, state_digest="ab" * 32, answered_at=WHEN
    )
    assert [len(each) for each in contents["pictures"]] == [n_each, MOST_IN_EVIDENCE - n_each, 0]


def test_evidence_that_would_be_too_large_to_verify_is_not_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says how large it would be, and what to do."""
    monkeypatch.setattr(evidence_module, "MAX_BYTES", 1_000)
    with pytest.raises(EvidenceTooLarge, match=r"1 recordings takes .* bytes") as error:
        signed(settings)
    assert "fewer recordings" in error.value.hint


def test_the_page_can_be_a_pdf(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that ends in .pdf gives one, for which nothing is fetched; without its library: an error."""
    out, run = tmp_path / "answer.pdf", CliRunner()
    fetched = list[str]()
    monkeypatch.setattr("urllib.request.OpenerDirector.open", lambda _, address, *__: fetched.append(address))
    written = run.invoke(app, ["evidence", "print", str(file), "--out", str(out)])
    assert written.exit_code == 0, written.output
    assert out.read_bytes().startswith(b"%PDF-")
    page = PrintedAnswer(
        text='<img src="http://127.0.0.1:9/a.png"><img src="file:///etc/hostname">', policy=""
    )
    assert pdf_of(page).startswith(b"%PDF-") and fetched == []
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    refused = run.invoke(app, ["evidence", "print", str(file), "--out", str(out), "--force"])
    assert refused.exit_code == 2 and "earwitness[pdf]" in refused.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("field", "value"),
    [("low_hz", 0.0), ("bands_per_octave", 0.01), ("n_bands", 1e9), ("number", "?"), ("yours", None)]
    + [(f"theirs.{name}", value) for name, value in (("end_s", 1e9), ("start_s", -1.0), ("peaks", "AAAA"))]
    + [(f"yours.spectrogram.{name}", 0) for name in ("frame_s", "n_bands", "levels")]
    + [("yours.spectrogram.levels", "")],
)
def test_signed_pictures_of_another_form_are_no_evidence(
    file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, field: str, value: object
) -> None:
    """Whoever signed them: pictures that cannot be drawn are refused, and nothing large is made of them."""
    (picture,) = pictures_json([PICTURE])
    *parents, last = field.split(".")
    within = picture
    for name in parents:
        within = within[name]
    within[last] = value
    monkeypatch.setattr(evidence_module, "_pictures", lambda _: [[picture]])
    file.write_bytes(signed(settings))
    with pytest.raises(NotEvidence, match="another version"):
        verify_evidence(file)


def test_the_commands_show_and_print_evidence(file: Path, settings: Settings, tmp_path: Path) -> None:
    """`verify` says what was found and who signed it, `print` writes a page, `key` shows the key."""
    run, signer = CliRunner(), verify_evidence(file).signer
    verified = run.invoke(app, ["evidence", "verify", str(file), "--key", signer])
    assert verified.exit_code == 0, verified.output
    assert signer in verified.output
    assert "is as it was signed" in verified.output
    shown = run.invoke(app, ["evidence", "key", "--home", str(settings.home)])
    assert shown.output.strip() == signer
    out = tmp_path / "answer.html"
    printed = run.invoke(app, ["evidence", "print", str(file), "--out", str(out), "--language", "de"])
    assert printed.exit_code == 0, printed.output
    assert "Nachweis zum Weitergeben" in out.read_text("utf-8")
