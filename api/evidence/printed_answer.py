"""An answer as one self-contained page that prints well: A4 or Letter, with page numbers, date and id."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

from earwitness.api.answers.answer import answer_of
from earwitness.api.answers.dataset_card import Picture
from earwitness.api.answers.messages import Messages
from earwitness.api.evidence.match_figure import embedded_pictures
from earwitness.api.evidence.picture_types import MOST_IN_EVIDENCE
from earwitness.api.evidence.verify_evidence import VerifiedEvidence

WEB: Final = Path(__file__).parent.parent / "web"
SHARED_TEMPLATES: Final = FileSystemLoader(WEB / "templates")
"""The parts that the server's pages are made of, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedAnswer:
    """A page, and the policy with which a browser may show it."""

    text: str
    policy: str


def printed_answer(evidence: VerifiedEvidence, t: Messages) -> PrintedAnswer:
    """Return the page of verified evidence in a reader's language."""
    answers = [
        (each.item.path, answer_of(each, evidence.cards, t, answered_at=evidence.answered_at, pictures=drawn))
        for each, drawn in zip(evidence.findings, _drawn(evidence, t), strict=True)
    ]
    style = f"{_style()}{_page_margins(evidence)}"
    policy = f"default-src 'none'; img-src data:; style-src '{_digest(style)}'"
    text = (
        _templates()
        .get_template("answer_sheet.html")
        .render(t=t, evidence=evidence, answers=answers, policy=policy, date=t.date(evidence.answered_at))
    )
    opened = text.replace("<details", "<details open")  # on paper nothing can be unfolded
    return PrintedAnswer(text=opened.replace("/*style*/", style, 1), policy=policy)


def _drawn(evidence: VerifiedEvidence, t: Messages) -> Iterator[Mapping[int, Picture]]:
    """Draw the pictures of each finding, as far as one page may hold them."""
    n_drawn = 0
    for pictures in evidence.pictures:
        chosen = dict(islice(pictures.items(), max(MOST_IN_EVIDENCE - n_drawn, 0)))
        n_drawn += len(chosen)
        yield embedded_pictures(chosen, t)


@cache
def _templates() -> Environment:
    loader = ChoiceLoader([PackageLoader("earwitness.api.evidence", "pages"), SHARED_TEMPLATES])
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _style() -> str:
    shared = (WEB / "static" / "style.css").read_text("utf-8")
    return shared + (Path(__file__).parent / "pages" / "answer_sheet.css").read_text("utf-8")


def _page_margins(evidence: VerifiedEvidence) -> str:
    """Return the rules for the lines below each printed page."""
    id_letters = "".join(letter for letter in evidence.id if letter.isalnum() or letter == "-")[:64]
    day = evidence.answered_at.strftime("%Y-%m-%d")
    return (
        f'@page {{ @bottom-left {{ content: "earwitness {id_letters} {day}"; }} '
        '@bottom-right { content: counter(page) " / " counter(pages); } }\n'
    )


def _digest(style: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
