"""``earwitness evidence``: verify and print the evidence of an answer, and show the key of the home."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitness.api.cli.command_guard import guarded
from earwitness.api.cli.examples import epilog
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stdout
from earwitness.api.cli.output_files import Force, prepared_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from earwitness.api.evidence.verify_evidence import VerifiedEvidence, VerifiedNotice

EvidenceFile = Annotated[Path, typer.Argument(help="The evidence file", show_default=False)]
Key = Annotated[str | None, typer.Option("--key", help="Fingerprint of the key that must have signed it")]


def verify(file: EvidenceFile, key: Key = None, as_json: Json = False) -> None:
    """Verify evidence without a network: every value and the signature; what was changed is named."""
    from earwitness.api.evidence.verify_evidence import verify_any_evidence
    from earwitness.api.printable import shown

    want_json(as_json)
    verified = verify_any_evidence(file, key=key)
    out = to_stdout()
    out.print(
        f"{file} is as it was signed: {verified.id}, answered {verified.answered_at:%Y-%m-%d %H:%M} UTC."
    )
    for text in _sentences(verified):
        out.print(shown(text), soft_wrap=True)
    out.print(f"Signed with the key {verified.signer}{_whose(key)}.", soft_wrap=True)
    if as_json:
        print_json("evidence", **evidence_json(verified))


def _sentences(verified: VerifiedEvidence | VerifiedNotice) -> Iterator[str]:
    from earwitness.api.answers.messages import messages
    from earwitness.api.evidence.verify_evidence import VerifiedNotice
    from earwitness.api.sentences import sentence
    from earwitness.api.watch.notice_words import notice_headline, notice_sentences

    if isinstance(verified, VerifiedNotice):
        t = messages()
        yield f"{notice_headline(verified.notice, t)}."
        yield from notice_sentences(verified.notice, t)
    else:
        yield from map(sentence, verified.findings)


def _whose(key: str | None) -> str:
    if key is not None:
        return ", which is the one that you named"
    return "; whose key that is, its owner must tell you (`earwitness evidence key` there, then --key here)"


def evidence_json(verified: VerifiedEvidence | VerifiedNotice) -> dict[str, object]:
    """Return verified evidence for ``--json``."""
    from earwitness.api.evidence.verify_evidence import VerifiedNotice
    from earwitness.api.finding_json import to_json

    if isinstance(verified, VerifiedNotice):
        found: dict[str, object] = {"notice": verified.notice}
    else:
        found = {"findings": [to_json(each) for each in verified.findings]}
    return {
        "id": verified.id,
        "answered_at": f"{verified.answered_at:%Y-%m-%dT%H:%M:%SZ}",
        "made_with": verified.made_with,
        "signer": verified.signer,
        **found,
    }


def print_(
    file: EvidenceFile,
    out: Annotated[
        Path,
        typer.Option(help="Write the page here: HTML, or PDF if the name ends in .pdf", show_default=False),
    ],
    language: Annotated[str, typer.Option(help="Language of the page: en or de")] = "en",
    force: Force = False,
) -> None:
    """Verify evidence, and write it as one page to read and to print, or as a PDF."""
    from earwitness.api.answers.messages import LANGUAGES, messages
    from earwitness.api.evidence.printed_answer import printed_answer
    from earwitness.api.evidence.printed_pdf import pdf_of
    from earwitness.api.evidence.verify_evidence import verify_evidence
    from earwitness.api.scan.outputs import whole_file

    if language not in LANGUAGES:
        raise typer.BadParameter(f"{language} is none of {', '.join(LANGUAGES)}")
    page = printed_answer(verify_evidence(file), messages(language))
    with prepared_outputs({"out": out}, force=force) as targets:
        target = targets["out"]
        assert target is not None  # it was given
        contents = pdf_of(page) if out.suffix.lower() == ".pdf" else page.text.encode()
        with whole_file(target.path) as written:
            written.write(contents)


def key(as_json: Json = False, home: Home = None) -> None:
    """Show the fingerprint of the key with which this home signs evidence; tell it to those who verify."""
    from earwitness.api.evidence.evidence_bundle import home_key

    want_json(as_json)
    fingerprint = str(home_key(settings_of(home)).thumbprint())
    to_stdout().print(fingerprint)
    if as_json:
        print_json("evidence", key=fingerprint)


evidence = typer.Typer(no_args_is_help=True, help="Verify and print the signed evidence of an answer.")
for name, command in (("verify", verify), ("print", print_), ("key", key)):
    evidence.command(name, epilog=epilog(f"evidence {name}"))(guarded(command))
